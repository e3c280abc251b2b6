/* SRTP: our engine with batches of 64 against Debian's libsrtp2, packet by packet, in one run.
 * Rounds alternate; what is filled in or compared stands outside the time. Every protected packet
 * must be the same from both, and every unprotected one the plain one. */
#include <srtp2/srtp.h>

#include "base/list.h"
#include "bench.h"
#include "rtp/rtp.h"
#include "srtp/engine.h"

enum {
	BATCHES = 16,
	TIMED = BATCHES * SRTP_BATCH_MAX, /* packets of a round, each way */
	PACKETS = 2 * TIMED,              /* and as many before them, so that caches are our own */
	SESSIONS_MAX = 1000,
	ROOM = 256, /* bytes of a packet's place */
	ROUNDS = 5,
};

struct session {
	struct srtp_key key;
	struct srtp_state tx, rx;
	srtp_t lib_tx, lib_rx;
	uint32_t ssrc;
	uint16_t seq;
};

struct packet {
	uint8_t b[ROOM];
	uint32_t len;
};

static struct srtp_ctx ctx;
static struct session sessions[SESSIONS_MAX];
static struct packet plain[PACKETS], ours[PACKETS], theirs[PACKETS];
static unsigned n_sessions, next_session;

static void
session_up(struct session *s, unsigned suite, unsigned n)
{
	uint8_t master[SRTP_KEY_SALT_MAX];
	srtp_policy_t pol = {.ssrc = {.type = ssrc_specific}, .window_size = SRTP_WINDOW};

	for (unsigned i = 0; i < sizeof(master); i++)
		master[i] = (uint8_t)(n * 31 + i * 7 + (n >> 8) + 1);
	s->ssrc = 0x10000000 + n;
	s->seq = (uint16_t)(n * 13);
	BENCH_MUST(srtp_key_init(&s->key, suite, master, master + 16) == ERR_OK);
	srtp_state_init(&s->tx, s->ssrc);
	srtp_state_init(&s->rx, s->ssrc);
	if (suite == SRTP_AES_CM_128_HMAC_SHA1_80)
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&pol.rtp);
	else
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&pol.rtp);
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&pol.rtcp);
	pol.ssrc.value = s->ssrc;
	pol.key = master;
	BENCH_MUST(srtp_create(&s->lib_tx, &pol) == srtp_err_status_ok);
	BENCH_MUST(srtp_create(&s->lib_rx, &pol) == srtp_err_status_ok);
}

static void
sessions_down(void)
{
	for (unsigned i = 0; i < n_sessions; i++) {
		srtp_key_fini(&sessions[i].key);
		srtp_dealloc(sessions[i].lib_tx);
		srtp_dealloc(sessions[i].lib_rx);
	}
}

/* The packets of a round: one of each session in turn. Packet i belongs to session_of(i). */
static struct session *
session_of(unsigned i)
{
	return &sessions[(next_session + i) % n_sessions];
}

static void
fill_round(uint32_t payload)
{
	for (unsigned i = 0; i < PACKETS; i++) {
		struct session *s = session_of(i);
		struct packet *p = &plain[i];
		struct rtp_hdr h = {.pt = 8, .seq = s->seq++, .ts = i * 160, .ssrc = s->ssrc};

		rtp_put(p->b, &h);
		memset(p->b + RTP_HEADER_LEN, (int)i, payload);
		p->len = RTP_HEADER_LEN + payload;
	}
	memcpy(ours, plain, sizeof(ours));
	memcpy(theirs, plain, sizeof(theirs));
}

static double
run_ours(bool protect)
{
	struct srtp_op ops[SRTP_BATCH_MAX];
	unsigned good = 0;
	double t = 0;

	for (unsigned b = 0; b < PACKETS; b += SRTP_BATCH_MAX) {
		if (b == TIMED)
			t = bench_cpu();
		for (unsigned i = 0; i < SRTP_BATCH_MAX; i++) {
			struct session *s = session_of(b + i);

			ops[i] = (struct srtp_op){.key = &s->key,
						  .state = protect ? &s->tx : &s->rx,
						  .buf = ours[b + i].b,
						  .len = ours[b + i].len,
						  .cap = ROOM};
		}
		good += protect ? srtp_protect_batch(&ctx, ops, SRTP_BATCH_MAX)
				: srtp_unprotect_batch(&ctx, ops, SRTP_BATCH_MAX);
		for (unsigned i = 0; i < SRTP_BATCH_MAX; i++)
			ours[b + i].len = ops[i].out_len;
	}
	t = bench_cpu() - t;
	BENCH_MUST(good == PACKETS);
	return t / TIMED * 1e9;
}

static double
run_theirs(bool protect)
{
	unsigned good = 0;
	double t = 0;

	for (unsigned i = 0; i < PACKETS; i++) {
		struct session *s = session_of(i);
		int len = (int)theirs[i].len;

		if (i == TIMED)
			t = bench_cpu();
		good += (protect ? srtp_protect(s->lib_tx, theirs[i].b, &len)
				 : srtp_unprotect(s->lib_rx, theirs[i].b, &len)) ==
			srtp_err_status_ok;
		theirs[i].len = (uint32_t)len;
	}
	t = bench_cpu() - t;
	BENCH_MUST(good == PACKETS);
	return t / TIMED * 1e9;
}

static void
must_equal(const struct packet *a, const struct packet *b)
{
	for (unsigned i = 0; i < PACKETS; i++)
		BENCH_MUST(a[i].len == b[i].len && memcmp(a[i].b, b[i].b, a[i].len) == 0);
}

struct figures {
	struct bench_series ours[2], theirs[2]; /* unprotect, protect */
};

static void
run_round(struct figures *f, unsigned round, uint32_t payload)
{
	fill_round(payload);
	for (int protect = 1; protect >= 0; protect--) {
		double a, b;

		if (round % 2) {
			b = run_theirs(protect);
			a = run_ours(protect);
		} else {
			a = run_ours(protect);
			b = run_theirs(protect);
		}
		must_equal(ours, theirs);
		bench_add(&f->ours[protect], a);
		bench_add(&f->theirs[protect], b);
	}
	must_equal(ours, plain);
	next_session = (next_session + PACKETS) % n_sessions;
}

static const struct {
	unsigned id;
	const char *word;
} suites[] = {{SRTP_AES_CM_128_HMAC_SHA1_80, "sha1_80"}, {SRTP_AES_CM_128_HMAC_SHA1_32, "sha1_32"}};

/* One suite, one number of sessions, one size. */
static void
run_case(const char *suite, uint32_t payload)
{
	struct figures f;
	char what[64];

	memset(&f, 0, sizeof(f));
	for (unsigned r = 0; r < ROUNDS; r++)
		run_round(&f, r, payload);
	for (int dir = 1; dir >= 0; dir--) {
		(void)snprintf(what, sizeof(what), "%s %u B, %s, %u session%s",
			       dir ? "protect" : "unprotect", payload, suite, n_sessions,
			       n_sessions > 1 ? "s" : "");
		bench_result(what, "ns", false, &f.ours[dir], "libsrtp2", &f.theirs[dir]);
	}
}

int
main(int argc, char **argv)
{
	bench_begin("srtp", argc, argv);
	BENCH_MUST(srtp_init() == srtp_err_status_ok);
	BENCH_MUST(srtp_ctx_init(&ctx) == ERR_OK);
	for (unsigned s = 0; s < ARRAY_LEN(suites); s++)
		for (n_sessions = 1; n_sessions <= SESSIONS_MAX; n_sessions *= SESSIONS_MAX) {
			next_session = 0;
			for (unsigned i = 0; i < n_sessions; i++)
				session_up(&sessions[i], suites[s].id, i);
			run_case(suites[s].word, 160);
			run_case(suites[s].word, 20);
			sessions_down();
		}
	srtp_ctx_fini(&ctx);
	srtp_shutdown();
	return 0;
}
