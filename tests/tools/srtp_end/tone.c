#include "tone.h"

#include <string.h>

#include "base/octets.h"

static const double turn = 6.283185307179586;

/* sin(2 pi x), by its series on the first quarter. */
static double
sine(double x)
{
	double t, sum, term;

	x -= (double)(int64_t)x;
	if (x < 0)
		x += 1;
	if (x > 0.75)
		x -= 1;
	else if (x > 0.25)
		x = 0.5 - x;
	t = x * turn;
	sum = term = t;
	for (int i = 1; i < 9; i++) {
		term *= -t * t / (2 * i * (2 * i + 1));
		sum += term;
	}
	return sum;
}

/* G.711, 16-bit linear. */
static uint8_t
alaw_encode(int v)
{
	int sign = v >= 0 ? 0x80 : 0, seg = 0;

	v = (v >= 0 ? v : -v - 1) >> 3;
	if (v > 4095)
		v = 4095;
	while (v >> (seg + 5))
		seg++;
	return (uint8_t)((sign | seg << 4 | (v >> (seg ? seg : 1) & 15)) ^ 0x55);
}

static int
alaw_decode(uint8_t a)
{
	int seg, v;

	a ^= 0x55;
	seg = a >> 4 & 7;
	v = (a & 15) << 4 | 8;
	if (seg)
		v = (v + 0x100) << (seg - 1);
	return a & 0x80 ? v : -v;
}

static uint8_t
ulaw_encode(int v)
{
	int sign = v < 0 ? 0x80 : 0, seg = 0;

	v = (v < 0 ? -v : v) + 132;
	if (v > 32767)
		v = 32767;
	while (v >> (seg + 8))
		seg++;
	return (uint8_t) ~(sign | seg << 4 | (v >> (seg + 3) & 15));
}

static int
ulaw_decode(uint8_t u)
{
	int v;

	u = (uint8_t)~u;
	v = (((u & 15) << 3) + 132) << (u >> 4 & 7);
	return u & 0x80 ? 132 - v : v - 132;
}

/* FNV-1a */
uint32_t
tone_hash(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * 16777619u;
	return h;
}

/* Payload number `counter` of the stream `tag`. */
void
tone_fill(uint8_t *p, uint32_t tag, uint32_t counter, uint32_t freq, uint8_t pt)
{
	octets_set32(p, TONE_MAGIC);
	octets_set32(p + 4, tag);
	octets_set32(p + 8, counter);
	octets_set16(p + 12, (uint16_t)freq);
	octets_set16(p + 14, (uint16_t)tone_hash(p, 14));
	for (uint32_t i = MARK_LEN; i < SAMPLES; i++) {
		uint64_t at = (uint64_t)counter * SAMPLES + i;
		int v = (int)(8000 * sine((double)(at * freq % 8000) / 8000));

		p[i] = pt == 0 ? ulaw_encode(v) : alaw_encode(v);
	}
}

/* Part of the energy of x that lies at freq: 1 for a pure tone (Goertzel). */
static double
tone_part(const int *x, uint32_t n, double energy, uint32_t freq)
{
	double c = 2 * sine((double)freq / 8000 + 0.25), s1 = 0, s2 = 0;

	for (uint32_t i = 0; i < n; i++) {
		double s0 = x[i] + c * s1 - s2;

		s2 = s1;
		s1 = s0;
	}
	return energy > 0 ? 2 * (s1 * s1 + s2 * s2 - c * s1 * s2) / (n * energy) : 0;
}

void
tone_hear(struct tone *t, const uint8_t *p, uint32_t len, uint8_t pt)
{
	int x[SAMPLES];
	uint32_t n = len < SAMPLES ? len : SAMPLES;
	double energy = 0;

	if (n < SAMPLES / 2)
		return;
	for (uint32_t i = 0; i < n; i++) {
		x[i] = pt == 0 ? ulaw_decode(p[i]) : alaw_decode(p[i]);
		energy += (double)x[i] * x[i];
	}
	t->power_sum += energy / n;
	if (t->hear)
		t->hear_sum += tone_part(x, n, energy, t->hear);
	if (t->packets++ % SCAN_EVERY == 0)
		for (uint32_t b = 0; b < SCAN_BINS; b++)
			t->scan[b] += energy * tone_part(x, n, energy, SCAN_FROM + b * SCAN_STEP);
}

uint32_t
tone_loudest(const struct tone *t)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < SCAN_BINS; i++)
		if (t->scan[i] > t->scan[best])
			best = i;
	return t->scan[best] > 0 ? SCAN_FROM + best * SCAN_STEP : 0;
}
