/* SRTP: each of our engines in batches of 64 against libsrtp2 as Debian builds it (NSS) and as
 * built with OpenSSL, in one run. Every contender has sessions of its own and the same packets;
 * each time is one batch of 64 packets that were just written, as a receiver has them. Every
 * protected packet must be the same from all, and every unprotected one the plain one. A figure is
 * the median over rounds, in which the contenders take turns, of the median batch. */
#include <dlfcn.h>

#include <srtp2/srtp.h>

#include "base/list.h"
#include "bench.h"
#include "rtp/rtp.h"
#include "srtp/engine.h"

enum {
	SESSIONS_MAX = 10000,
	TIMED = 32, /* batches of a round, and so many before them that each session was visited */
	BATCHES_MAX = TIMED + SESSIONS_MAX / SRTP_BATCH_MAX + 1,
	PACKETS_MAX = BATCHES_MAX * SRTP_BATCH_MAX,
	ROOM = 256, /* bytes of a packet's place */
	ROUNDS = 5,
	NSS_SESSIONS = 1000, /* it takes minutes to make 10,000, and 0.7 ms for a packet then */
	END_S = 300,
	OURS = 2,
	CONTENDERS = 4,
};

/* What bench needs of libsrtp2. Two builds of it are loaded side by side. */
#define LIB_CALLS(X)                                                                               \
	X(srtp_init)                                                                               \
	X(srtp_create)                                                                             \
	X(srtp_dealloc)                                                                            \
	X(srtp_protect)                                                                            \
	X(srtp_unprotect)                                                                          \
	X(srtp_crypto_policy_set_rtp_default)                                                      \
	X(srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32)                                          \
	X(srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80)                                          \
	X(srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32)                                          \
	X(srtp_crypto_policy_set_aes_gcm_128_16_auth)                                              \
	X(srtp_crypto_policy_set_aes_gcm_256_16_auth)

struct lib {
#define X(name) __typeof__(&name) name;
	LIB_CALLS(X)
#undef X
};

/* One of ours (ctx is set up), or a libsrtp2; neither: missing. */
struct contender {
	const char *name, *missing;
	unsigned most; /* sessions */
	struct srtp_ctx ctx;
	struct srtp_key *key[SESSIONS_MAX];
	struct srtp_state tx[SESSIONS_MAX], rx[SESSIONS_MAX];
	struct lib lib;
	srtp_t lib_tx[SESSIONS_MAX], lib_rx[SESSIONS_MAX];
	struct bench_series ns[2]; /* unprotect, protect */
};

static const struct suite {
	const char *word;
	unsigned id;
} suites[] = {
	{"sha1_80", SRTP_AES_CM_128_HMAC_SHA1_80},
	{"sha1_32", SRTP_AES_CM_128_HMAC_SHA1_32},
	{"aes256_sha1_80", SRTP_AES_256_CM_HMAC_SHA1_80},
	{"aes256_sha1_32", SRTP_AES_256_CM_HMAC_SHA1_32},
	{"gcm_128", SRTP_AEAD_AES_128_GCM},
	{"gcm_256", SRTP_AEAD_AES_256_GCM},
};

struct packet {
	uint8_t b[ROOM];
	uint32_t len;
};

static struct contender all[CONTENDERS];
static struct packet plain[PACKETS_MAX], sealed[PACKETS_MAX];
static uint16_t seqs[SESSIONS_MAX];
static unsigned n_sessions, n_packets;

static void
load_lib(struct contender *c, const char *name, const char *path)
{
	void *dl = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND) : NULL;

	c->name = name;
	c->most = SESSIONS_MAX;
	c->missing = path ? "it cannot be loaded" : "it could not be built";
	if (!dl)
		return;
#define X(call)                                                                                    \
	*(void **)(void *)&c->lib.call = dlsym(dl, #call);                                         \
	BENCH_MUST(c->lib.call);
	LIB_CALLS(X)
#undef X
	BENCH_MUST(c->lib.srtp_init() == srtp_err_status_ok);
	c->missing = NULL;
}

static void
open_all(void)
{
	static const enum srtp_engine ours[OURS] = {SRTP_ENGINE_IMB, SRTP_ENGINE_OPENSSL};
	static const char *const names[OURS] = {"imb", "openssl"};

	for (unsigned i = 0; i < OURS; i++) {
		enum err e = srtp_ctx_init(&all[i].ctx, ours[i], SESSIONS_MAX);

		all[i].name = names[i];
		all[i].most = SESSIONS_MAX;
		all[i].missing = e ? "not built in, or not for this CPU" : NULL;
		BENCH_MUST(!e || e == ERR_UNSUPPORTED);
	}
	load_lib(&all[OURS], "libsrtp2-nss", "libsrtp2.so.1");
	all[OURS].most = NSS_SESSIONS;
	load_lib(&all[OURS + 1], "libsrtp2-openssl", getenv("BENCH_LIBSRTP2_OPENSSL"));
}

static void
set_policy(const struct lib *lib, unsigned suite, srtp_crypto_policy_t *pol)
{
	if (suite == SRTP_AES_CM_128_HMAC_SHA1_80)
		lib->srtp_crypto_policy_set_rtp_default(pol);
	else if (suite == SRTP_AES_CM_128_HMAC_SHA1_32)
		lib->srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(pol);
	else if (suite == SRTP_AES_256_CM_HMAC_SHA1_80)
		lib->srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(pol);
	else if (suite == SRTP_AES_256_CM_HMAC_SHA1_32)
		lib->srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(pol);
	else if (suite == SRTP_AEAD_AES_128_GCM)
		lib->srtp_crypto_policy_set_aes_gcm_128_16_auth(pol);
	else
		lib->srtp_crypto_policy_set_aes_gcm_256_16_auth(pol);
}

static uint32_t
ssrc_of(unsigned session)
{
	return 0x10000000 + session;
}

static void
session_up(struct contender *c, unsigned suite, unsigned n)
{
	uint8_t master[SRTP_KEY_SALT_MAX];
	srtp_policy_t pol = {.ssrc = {.type = ssrc_specific}, .window_size = SRTP_WINDOW};

	for (unsigned i = 0; i < sizeof(master); i++)
		master[i] = (uint8_t)(n * 31 + i * 7 + (n >> 8) + 1);
	if (c->ctx.ops) {
		BENCH_MUST(srtp_key_new(&c->ctx, suite, master,
					master + srtp_suite_get(suite)->key_len,
					&c->key[n]) == ERR_OK);
		srtp_state_init(&c->tx[n], ssrc_of(n));
		srtp_state_init(&c->rx[n], ssrc_of(n));
		return;
	}
	set_policy(&c->lib, suite, &pol.rtp);
	set_policy(&c->lib, suite, &pol.rtcp);
	pol.ssrc.value = ssrc_of(n);
	pol.key = master;
	BENCH_MUST(c->lib.srtp_create(&c->lib_tx[n], &pol) == srtp_err_status_ok);
	BENCH_MUST(c->lib.srtp_create(&c->lib_rx[n], &pol) == srtp_err_status_ok);
}

static void
session_down(struct contender *c, unsigned suite, unsigned n)
{
	(void)suite;
	if (c->ctx.ops) {
		srtp_key_free(&c->ctx, &c->key[n]);
		return;
	}
	c->lib.srtp_dealloc(c->lib_tx[n]);
	c->lib.srtp_dealloc(c->lib_rx[n]);
}

/* Why c is not in this case; NULL when it is. */
static const char *
why_missing(const struct contender *c)
{
	return !c->missing && n_sessions > c->most ? "minutes to make so many sessions"
						   : c->missing;
}

/* The packets of a round: of each session in turn. */
static void
fill_round(uint32_t payload)
{
	n_packets = (TIMED + (n_sessions + SRTP_BATCH_MAX - 1) / SRTP_BATCH_MAX) * SRTP_BATCH_MAX;
	for (unsigned i = 0; i < n_packets; i++) {
		unsigned s = i % n_sessions;
		struct packet *p = &plain[i];
		struct rtp_hdr h = {.pt = 8, .seq = seqs[s]++, .ts = i * 160, .ssrc = ssrc_of(s)};

		rtp_put(p->b, &h);
		memset(p->b + RTP_HEADER_LEN, (int)i, payload);
		p->len = RTP_HEADER_LEN + payload;
	}
}

/* One batch, packets from number `from` on; returns its nanoseconds. */
static double
run_ours(struct contender *c, bool protect, unsigned from, struct packet *work)
{
	struct srtp_state *states = protect ? c->tx : c->rx;
	struct srtp_op ops[SRTP_BATCH_MAX];
	double t = bench_clock(CLOCK_MONOTONIC);
	unsigned good;

	for (unsigned i = 0; i < SRTP_BATCH_MAX; i++) {
		unsigned s = (from + i) % n_sessions;

		ops[i] = (struct srtp_op){.key = c->key[s],
					  .state = &states[s],
					  .buf = work[i].b,
					  .len = work[i].len,
					  .cap = ROOM};
	}
	good = protect ? srtp_protect_batch(&c->ctx, ops, SRTP_BATCH_MAX)
		       : srtp_unprotect_batch(&c->ctx, ops, SRTP_BATCH_MAX);
	t = bench_clock(CLOCK_MONOTONIC) - t;
	BENCH_MUST(good == SRTP_BATCH_MAX);
	for (unsigned i = 0; i < SRTP_BATCH_MAX; i++)
		work[i].len = ops[i].out_len;
	return t * 1e9;
}

static double
run_theirs(struct contender *c, bool protect, unsigned from, struct packet *work)
{
	srtp_err_status_t (*do_one)(srtp_t, void *, int *) =
		protect ? c->lib.srtp_protect : c->lib.srtp_unprotect;
	srtp_t *sessions = protect ? c->lib_tx : c->lib_rx;
	double t = bench_clock(CLOCK_MONOTONIC);

	for (unsigned i = 0; i < SRTP_BATCH_MAX; i++) {
		int len = (int)work[i].len;

		BENCH_MUST(do_one(sessions[(from + i) % n_sessions], work[i].b, &len) ==
			   srtp_err_status_ok);
		work[i].len = (uint32_t)len;
	}
	return (bench_clock(CLOCK_MONOTONIC) - t) * 1e9;
}

/* All packets of the round through c, in its turn the first to make the sealed ones. */
static double
run_round(struct contender *c, bool protect, bool first)
{
	static struct packet work[SRTP_BATCH_MAX];
	const struct packet *from = protect ? plain : sealed;
	struct packet *want = protect ? sealed : plain;
	struct bench_series batches = {.n = 0};
	unsigned warm = n_packets - TIMED * SRTP_BATCH_MAX;

	for (unsigned at = 0; at < n_packets; at += SRTP_BATCH_MAX) {
		double t;

		memcpy(work, from + at, sizeof(work));
		t = c->ctx.ops ? run_ours(c, protect, at, work) : run_theirs(c, protect, at, work);
		if (at >= warm && batches.n < BENCH_ROUNDS_MAX)
			bench_add(&batches, t / SRTP_BATCH_MAX);
		for (unsigned i = 0; i < SRTP_BATCH_MAX; i++) {
			if (first)
				want[at + i] = work[i];
			BENCH_MUST(work[i].len == want[at + i].len &&
				   memcmp(work[i].b, want[at + i].b, work[i].len) == 0);
		}
	}
	return bench_median(&batches);
}

static void
run_rounds(uint32_t payload)
{
	for (unsigned i = 0; i < CONTENDERS; i++)
		memset(all[i].ns, 0, sizeof(all[i].ns));
	for (unsigned round = 0; round < ROUNDS; round++) {
		fill_round(payload);
		for (int protect = 1; protect >= 0; protect--) {
			bool first = protect;

			for (unsigned i = 0; i < CONTENDERS; i++) {
				struct contender *c = &all[(round + i) % CONTENDERS];

				if (why_missing(c))
					continue;
				bench_add(&c->ns[protect], run_round(c, protect, first));
				first = false;
			}
		}
	}
}

static void
print_json(const struct suite *s, uint32_t bytes, int protect, struct contender *ours,
	   struct contender *peer)
{
	const char *missing = why_missing(ours) ? why_missing(ours) : why_missing(peer);

	printf("{\"bench\":\"srtp\",\"suite\":\"%s\",\"bytes\":%u,\"sessions\":%u,\"op\":\"%s\","
	       "\"engine\":\"%s\",",
	       s->word, bytes, n_sessions, protect ? "protect" : "unprotect", ours->name);
	if (why_missing(ours))
		printf("\"ns\":null,");
	else
		printf("\"ns\":%.1f,", bench_median(&ours->ns[protect]));
	printf("\"peer\":\"%s\",", peer->name);
	if (why_missing(peer))
		printf("\"peer_ns\":null,");
	else
		printf("\"peer_ns\":%.1f,", bench_median(&peer->ns[protect]));
	if (missing)
		printf("\"ratio\":null,\"missing\":\"%s: %s\"",
		       why_missing(ours) ? ours->name : peer->name, missing);
	else
		printf("\"ratio\":%.2f",
		       bench_median(&peer->ns[protect]) / bench_median(&ours->ns[protect]));
	printf(",\"rounds\":%u,\"cpu\":\"%s\",\"kernel\":\"%s\"}\n", ROUNDS, bench.cpu,
	       bench.os.release);
}

static void
print_text(const struct suite *s, uint32_t bytes, int protect, struct contender *ours,
	   struct contender *peer)
{
	const char *missing = why_missing(ours) ? why_missing(ours) : why_missing(peer);
	char what[96];

	(void)snprintf(what, sizeof(what), "%s %u B %s, %u session%s, %s / %s", s->word, bytes,
		       protect ? "protect" : "unprotect", n_sessions, n_sessions > 1 ? "s" : "",
		       ours->name, peer->name + strlen("libsrtp2-"));
	if (missing)
		printf("  %-66s missing: %s\n", what, missing);
	else
		printf("  %-66s %9.1f %9.1f %6.2fx\n", what, bench_median(&ours->ns[protect]),
		       bench_median(&peer->ns[protect]),
		       bench_median(&peer->ns[protect]) / bench_median(&ours->ns[protect]));
}

static void
print_case(const struct suite *s, uint32_t bytes)
{
	for (unsigned i = 0; i < OURS * (CONTENDERS - OURS) * 2; i++)
		(bench.json ? print_json : print_text)(s, bytes, i < OURS * (CONTENDERS - OURS),
						       &all[i / 2 % OURS], &all[OURS + i % 2]);
	fflush(stdout);
}

static void
each_session(const struct suite *s, void (*do_session)(struct contender *, unsigned, unsigned))
{
	for (unsigned i = 0; i < CONTENDERS; i++)
		for (unsigned n = 0; n < n_sessions && !why_missing(&all[i]); n++)
			do_session(&all[i], s->id, n);
}

static void
run_suite(const struct suite *s)
{
	static const unsigned counts[] = {1, 1000, SESSIONS_MAX};
	static const uint32_t sizes[] = {20, 80, 160};

	for (unsigned k = 0; k < ARRAY_LEN(counts); k++) {
		n_sessions = counts[k];
		memset(seqs, 0, sizeof(seqs));
		each_session(s, session_up);
		for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
			run_rounds(sizes[i]);
			print_case(s, sizes[i]);
		}
		each_session(s, session_down);
	}
}

int
main(int argc, char **argv)
{
	const char *only = getenv("BENCH_SUITE");

	bench_begin("srtp", argc, argv);
	(void)alarm(END_S);
	open_all();
	if (!bench.json)
		printf("  %-66s %9s %9s %6s\n", "nanoseconds a packet; imb/peer, openssl/peer",
		       "postern", "peer", "better");
	for (unsigned s = 0; s < ARRAY_LEN(suites); s++)
		if (!only || strcmp(only, suites[s].word) == 0)
			run_suite(&suites[s]);
	for (unsigned i = 0; i < OURS; i++)
		srtp_ctx_fini(&all[i].ctx);
	return 0;
}
