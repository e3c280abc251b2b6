#include "rtp/digits.h"

/* Its place; d->n: nothing plays to it. */
static uint32_t
find_stream(const struct rtp_digits *d, uint64_t key)
{
	uint32_t i = 0;

	while (i < d->n && d->stream[i].key != key)
		i++;
	return i;
}

bool
rtp_digits_push(struct rtp_digits *d, uint64_t key, struct rtp_event_digit digit, uint64_t now_us)
{
	uint32_t i = find_stream(d, key);

	if (i == RTP_DIGITS_STREAMS)
		return false;
	if (i == d->n) {
		d->stream[i].key = key;
		d->stream[i].out = (struct rtp_event_out){0};
	}
	if (!rtp_event_push(&d->stream[i].out, digit, now_us))
		return false;
	d->n += i == d->n;
	return true;
}

uint64_t
rtp_digits_due(const struct rtp_digits *d)
{
	uint64_t due = UINT64_MAX;

	for (uint32_t i = 0; i < d->n; i++)
		if (rtp_event_due(&d->stream[i].out) < due)
			due = rtp_event_due(&d->stream[i].out);
	return due;
}

bool
rtp_digits_sound(const struct rtp_digits *d, uint64_t key)
{
	uint32_t i = find_stream(d, key);

	return i < d->n && d->stream[i].out.sounds;
}

bool
rtp_digits_next(struct rtp_digits *d, uint64_t now_us, uint64_t *key, struct rtp_event_packet *out)
{
	for (uint32_t i = 0; i < d->n;) {
		if (rtp_event_step(&d->stream[i].out, now_us, out)) {
			*key = d->stream[i].key;
			return true;
		}
		if (rtp_event_due(&d->stream[i].out) != UINT64_MAX)
			i++;
		else
			d->stream[i] = d->stream[--d->n];
	}
	return false;
}

void
rtp_digits_drop(struct rtp_digits *d, uint64_t key)
{
	uint32_t i = find_stream(d, key);

	if (i < d->n)
		d->stream[i] = d->stream[--d->n];
}
