#include "relay/traffic.h"

#include <string.h>
#include <sys/mman.h>

#include <srtp2/srtp.h>

#include "bench.h"
#include "relay/session.h"
#include "rtp/rtp.h"
#include "srtp/suite.h"

enum { SEQ_FIRST = 1000, TS_FIRST = 160000, TS_STEP = 160 };

const struct traffic_case traffic_cases[TRAFFIC_CASES] = {
	{"rtp", NULL, SRTP_NONE, 0},
	{"srtp-sha1_80", "AES_CM_128_HMAC_SHA1_80", SRTP_AES_CM_128_HMAC_SHA1_80, 30},
	{"srtp-gcm_128", "AEAD_AES_128_GCM", SRTP_AEAD_AES_128_GCM, 28},
};

static size_t
room(void)
{
	return sizeof(struct traffic_packet) * TRAFFIC_CYCLES_MAX * TRAFFIC_STREAMS_MAX;
}

void
traffic_init(struct traffic *t)
{
	*t = (struct traffic){0};
	t->packets = mmap(NULL, room(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	BENCH_MUST(t->packets != MAP_FAILED);
	(void)madvise(t->packets, room(), MADV_HUGEPAGE); /* the generator is short of time */
}

void
traffic_fini(struct traffic *t)
{
	munmap(t->packets, room());
	*t = (struct traffic){0};
}

static void
put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* xorshift32; never 0 */
static uint32_t
next_random(uint32_t x)
{
	x ^= x << 13;
	x ^= x >> 17;
	return x ^ x << 5;
}

void
traffic_key(unsigned call, uint8_t key[TRAFFIC_KEY_MAX])
{
	uint32_t x = 0x9e3779b9u ^ call * 2654435761u ^ 1;

	for (unsigned i = 0; i < TRAFFIC_KEY_MAX; i++) {
		x = next_random(x ? x : 1);
		key[i] = (uint8_t)(x >> 11);
	}
}

void
traffic_payload(unsigned stream, unsigned cycle, uint8_t p[TRAFFIC_PAYLOAD])
{
	uint32_t x = (stream * 40503u + cycle * 2246822519u) | 1;

	put32(p, stream);
	put32(p + 4, cycle);
	for (unsigned i = 8; i < TRAFFIC_PAYLOAD; i += 4) {
		x = next_random(x);
		put32(p + i, x);
	}
}

static void
make_stream(struct traffic *t, unsigned stream, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		struct traffic_packet *k = &t->packets[(size_t)i * TRAFFIC_STREAMS_MAX + stream];
		struct rtp_hdr h = {.pt = TRAFFIC_PT,
				    .seq = (uint16_t)(SEQ_FIRST + i),
				    .ts = TS_FIRST + i * TS_STEP,
				    .ssrc = 0x20000000 + stream};

		rtp_put(k->b, &h);
		traffic_payload(stream, i, k->b + RTP_HEADER_LEN);
		k->len = TRAFFIC_PLAIN;
	}
}

static void
seal_stream(struct traffic *t, unsigned stream, unsigned from, unsigned to)
{
	uint8_t key[TRAFFIC_KEY_MAX];
	srtp_t session;

	traffic_key(stream / 2, key);
	session = session_open(t->what, key, ssrc_any_outbound);
	for (unsigned i = from; i < to; i++) {
		struct traffic_packet *k = &t->packets[(size_t)i * TRAFFIC_STREAMS_MAX + stream];
		int len = k->len;

		BENCH_MUST(srtp_protect(session, k->b, &len) == srtp_err_status_ok);
		BENCH_MUST(len <= TRAFFIC_ROOM);
		k->len = (uint16_t)len;
	}
	srtp_dealloc(session);
}

void
traffic_make(struct traffic *t, const struct traffic_case *what, unsigned calls, unsigned cycles)
{
	unsigned want = 2 * calls;

	BENCH_MUST(calls <= TRAFFIC_CALLS_MAX && cycles <= TRAFFIC_CYCLES_MAX);
	if (t->what != what || t->n_cycles != cycles)
		t->n_streams = 0;
	t->what = what;
	t->n_cycles = cycles;
	for (unsigned s = t->n_streams; s < want; s++) {
		make_stream(t, s, 0, cycles);
		if (what->suite && s % 2 == TRAFFIC_A)
			seal_stream(t, s, 0, cycles);
	}
	if (want > t->n_streams)
		t->n_streams = want;
}
