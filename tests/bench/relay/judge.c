#include "relay/judge.h"

#include <string.h>

#include "bench.h"
#include "relay/session.h"
#include "rtp/rtp.h"

/* A leg that receives, while its packets are gone through in the order in which they came. */
struct leg {
	const struct judge_run *run;
	struct judge_result *out;
	unsigned call, stream; /* stream: the one that it shall get */
	enum traffic_leg side;
	srtp_t session; /* NULL: clear */
	bool begun;     /* the three below are known */
	uint16_t seq_off;
	uint32_t ts_off, ssrc;
	bool *seen;     /* [cycle] */
	double *delays; /* us, of all legs */
	unsigned *n_delays;
};

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The same offsets and source in each packet of a stream, whatever the relay has made of them. */
static bool
header_holds(struct leg *l, const struct rtp_hdr *h, unsigned cycle)
{
	uint16_t seq_off = (uint16_t)(h->seq - cycle);
	uint32_t ts_off = h->ts - cycle * TRAFFIC_PAYLOAD;

	if (!l->begun) {
		l->begun = true;
		l->seq_off = seq_off;
		l->ts_off = ts_off;
		l->ssrc = h->ssrc;
	}
	return seq_off == l->seq_off && ts_off == l->ts_off && h->ssrc == l->ssrc &&
	       h->pt == TRAFFIC_PT && h->header_len == RTP_HEADER_LEN && !h->marker;
}

static void
note_delay(struct leg *l, unsigned cycle, uint64_t ns)
{
	const struct judge_run *r = l->run;
	uint64_t left = r->slot_ns[cycle * TRAFFIC_SLOTS + r->slot_of[l->stream]];

	if (cycle >= r->first)
		l->delays[(*l->n_delays)++] = (double)(ns - left) / 1000;
}

static void
judge_clear(struct leg *l, const uint8_t *p, size_t len, uint64_t ns)
{
	struct judge_result *out = l->out;
	uint8_t want[TRAFFIC_PAYLOAD];
	struct rtp_hdr h;
	unsigned cycle;

	if (rtp_parse(p, len, &h) != ERR_OK) {
		out->wrong_header++;
		return;
	}
	p += h.header_len;
	cycle = h.payload_len == TRAFFIC_PAYLOAD ? get32(p + 4) : l->run->n_cycles;
	if (cycle >= l->run->n_cycles) {
		out->wrong_payload++;
		return;
	}
	traffic_payload(l->stream, cycle, want);
	if (memcmp(p, want, sizeof(want)) != 0) {
		out->wrong_payload++;
		return;
	}
	if (!header_holds(l, &h, cycle)) {
		out->wrong_header++;
		return;
	}
	if (l->seen[cycle]) {
		out->twice++;
		return;
	}
	l->seen[cycle] = true;
	out->relayed++;
	note_delay(l, cycle, ns);
}

static void
judge_packet(struct leg *l, const struct traffic_rx *k)
{
	_Alignas(8) uint8_t b[TRAFFIC_ROOM];
	srtp_err_status_t opened = srtp_err_status_ok;
	int len = k->len;

	if (k->from != l->run->calls[l->call].port[l->side]) {
		l->out->wrong_port++;
		return;
	}
	if (k->len > TRAFFIC_ROOM) {
		l->out->wrong_payload++;
		return;
	}
	memcpy(b, k->b, k->len);
	if (l->session)
		opened = srtp_unprotect(l->session, b, &len);
	if (opened == srtp_err_status_ok)
		judge_clear(l, b, (size_t)len, k->ns);
	else if (opened == srtp_err_status_replay_fail)
		l->out->twice++;
	else
		l->out->wrong_tag++;
}

/* Which receiving leg (2 * call + side) a datagram came to; n_legs: none. */
static unsigned
leg_of(const struct traffic_rx *k, unsigned n_legs)
{
	unsigned i = (unsigned)(k->to - TRAFFIC_PORT_MIN) / 2;

	return k->to >= TRAFFIC_PORT_MIN && i < n_legs ? i : n_legs;
}

static void
judge_leg(struct leg *l, const unsigned *first, const unsigned *end)
{
	const struct judge_run *r = l->run;
	struct judge_result *out = l->out;
	uint8_t key[TRAFFIC_KEY_MAX];

	memcpy(key, r->calls[l->call].out_key, sizeof(key));
	if (r->what->suite && l->side == TRAFFIC_A)
		l->session = session_open(r->what, key, ssrc_any_inbound);
	memset(l->seen, 0, r->n_cycles * sizeof(*l->seen));
	for (; first < end; first++)
		judge_packet(l, &r->rx[*first]);
	for (unsigned i = r->first; i < r->n_cycles; i++)
		out->lost += !l->seen[i];
	out->sent += r->n_cycles - r->first;
	if (l->session)
		srtp_dealloc(l->session);
}

/* The numbers of the received packets, sorted by leg, in order of arrival within it; at[leg] ..
 * at[leg + 1] are those of a leg. RTCP and strays are counted and left out. */
static void
sort_by_leg(const struct judge_run *r, struct judge_result *out, unsigned *order, unsigned *at)
{
	unsigned n_legs = 2 * r->n_calls;
	unsigned *fill = calloc(n_legs + 1, sizeof(*fill));

	BENCH_MUST(fill);
	for (unsigned i = 0; i < r->n_rx; i++) {
		unsigned leg = leg_of(&r->rx[i], n_legs);

		if (leg == n_legs)
			out->wrong_port++;
		else if (r->rx[i].to & 1)
			out->rtcp++;
		else
			at[leg + 1]++;
	}
	for (unsigned i = 0; i < n_legs; i++)
		at[i + 1] += at[i];
	memcpy(fill, at, n_legs * sizeof(*fill));
	for (unsigned i = 0; i < r->n_rx; i++) {
		unsigned leg = leg_of(&r->rx[i], n_legs);

		if (leg < n_legs && !(r->rx[i].to & 1))
			order[fill[leg]++] = i;
	}
	free(fill);
}

static int
order_delay(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void
judge_run(const struct judge_run *r, struct judge_result *out)
{
	unsigned *order = calloc(r->n_rx + 1, sizeof(*order)), n_delays = 0;
	unsigned *at = calloc(2 * r->n_calls + 1, sizeof(*at));
	double *delays = calloc(r->n_rx + 1, sizeof(*delays));
	bool *seen = calloc(r->n_cycles, sizeof(*seen));

	BENCH_MUST(order && at && delays && seen);
	memset(out, 0, sizeof(*out));
	sort_by_leg(r, out, order, at);
	for (unsigned i = 0; i < 2 * r->n_calls; i++) {
		struct leg l = {.run = r,
				.out = out,
				.call = i / 2,
				.side = (enum traffic_leg)(i % 2),
				.stream = i ^ 1,
				.seen = seen,
				.delays = delays,
				.n_delays = &n_delays};

		judge_leg(&l, order + at[i], order + at[i + 1]);
	}
	qsort(delays, n_delays, sizeof(*delays), order_delay);
	if (n_delays) {
		out->p50_us = delays[n_delays / 2];
		out->p99_us = delays[n_delays - 1 - n_delays / 100];
	}
	free(order);
	free(at);
	free(delays);
	free(seen);
}

bool
judge_is_true(const struct judge_result *r)
{
	return r->twice + r->wrong_payload + r->wrong_header + r->wrong_tag + r->wrong_port == 0;
}
