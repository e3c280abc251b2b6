/* Packet by packet against libsrtp2, in both directions, with each engine: batches that mix streams
 * of all suites, with and without MKI, RTP and RTCP, header shapes and sizes; counters near 0, 2^16
 * and 2^32. POSTERN_FULL=1: 10^6 packets each way and 2.5 * 10^5 verdicts, instead of thousands. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <srtp2/srtp.h>

#include "srtp/engine.h"

enum {
	BUF = 2048,
	PACKET_MAX = 1500,
	SHORT_RUN = 20000,
	FULL_RUN = 1000000,
	STREAMS = 18,      /* at a time: three of each suite */
	ROUND_LEN = 40000, /* packets until they are replaced */
	LATE_MAX = 200,
	MKI_LEN_MAX = 8,
};

static struct srtp_ctx ctx;
static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint32_t
draw(uint32_t below)
{
	seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
	return (uint32_t)(seed >> 16) % below;
}

static unsigned
run_len(void)
{
	const char *full = getenv("POSTERN_FULL");

	return full && strcmp(full, "1") == 0 ? FULL_RUN : SHORT_RUN;
}

static const uint8_t suite_ids[] = {
	SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_AES_CM_128_HMAC_SHA1_32, SRTP_AES_256_CM_HMAC_SHA1_80,
	SRTP_AES_256_CM_HMAC_SHA1_32, SRTP_AEAD_AES_128_GCM,        SRTP_AEAD_AES_256_GCM,
};

struct packet {
	uint8_t b[BUF];
	uint32_t len;
};

/* One stream under one key, with libsrtp2 and with us. */
struct stream {
	unsigned suite;
	uint32_t ssrc;
	uint8_t master[SRTP_KEY_SALT_MAX], mki[MKI_LEN_MAX];
	unsigned mki_len;
	struct srtp_key *key;
	struct srtp_state tx, rx;
	srtp_t lib_tx, lib_rx;
	uint32_t roc; /* of the first packet */
	uint16_t seq;
	struct packet kept[2][LATE_MAX]; /* RTP, RTCP: the last ones */
	unsigned n_kept[2];
};

static struct stream streams[STREAMS];

static void
set_suites(srtp_policy_t *pol, unsigned suite)
{
	switch (suite) {
	case SRTP_AES_CM_128_HMAC_SHA1_80:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&pol->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&pol->rtcp);
		break;
	case SRTP_AES_CM_128_HMAC_SHA1_32:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&pol->rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&pol->rtcp);
		break;
	case SRTP_AES_256_CM_HMAC_SHA1_80:
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&pol->rtp);
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&pol->rtcp);
		break;
	case SRTP_AES_256_CM_HMAC_SHA1_32:
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&pol->rtp);
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&pol->rtcp);
		break;
	case SRTP_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&pol->rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&pol->rtcp);
		break;
	default:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&pol->rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&pol->rtcp);
		break;
	}
}

/* auth_rtcp: SRTCP signed and not encrypted. */
static srtp_t
lib_session(struct stream *s, bool auth_rtcp)
{
	srtp_master_key_t key = {.key = s->master, .mki_id = s->mki, .mki_size = s->mki_len};
	srtp_master_key_t *keys[1] = {&key};
	srtp_policy_t pol;
	srtp_t lib;

	memset(&pol, 0, sizeof(pol));
	set_suites(&pol, s->suite);
	pol.ssrc.type = ssrc_specific;
	pol.ssrc.value = s->ssrc;
	pol.window_size = SRTP_WINDOW;
	if (s->mki_len) {
		pol.keys = keys;
		pol.num_master_keys = 1;
	} else {
		pol.key = s->master;
	}
	if (auth_rtcp)
		pol.rtcp.sec_serv = sec_serv_auth;
	assert_int_equal(srtp_create(&lib, &pol), srtp_err_status_ok);
	if (s->roc)
		assert_int_equal(srtp_set_stream_roc(lib, s->ssrc, s->roc), srtp_err_status_ok);
	return lib;
}

static void
draw_mki(struct stream *s)
{
	uint64_t v = 0;

	s->mki_len = draw(3) ? 0 : 1 + draw(MKI_LEN_MAX);
	for (unsigned i = 0; i < s->mki_len; i++)
		v = v << 8 | (s->mki[i] = (uint8_t)draw(256));
	assert_int_equal(srtp_key_set_mki(s->key, v, s->mki_len), ERR_OK);
}

static void
stream_up(struct stream *s, unsigned suite)
{
	static const uint32_t rocs[] = {0, 0, 0xffff, 0x10000, 0x7fffffff, 0xffffff00};
	const struct srtp_suite *row = srtp_suite_get(suite);

	s->suite = suite;
	s->ssrc = draw(UINT32_MAX);
	for (size_t i = 0; i < sizeof(s->master); i++)
		s->master[i] = (uint8_t)draw(256);
	assert_int_equal(srtp_key_new(&ctx, suite, s->master, s->master + row->key_len, &s->key),
			 ERR_OK);
	draw_mki(s);
	s->seq = (uint16_t)(draw(2) ? 65000 + draw(536) : draw(65536));
	s->roc = rocs[draw(ARRAY_LEN(rocs))];
	/* libsrtp2 numbers SRTCP from 1, we from 0 as RFC 3711 3.4 has it: skip one */
	srtp_state_resume(&s->tx, s->ssrc, s->roc ? srtp_index_make(s->roc, s->seq) : 0, 1);
	srtp_state_resume(&s->rx, s->ssrc, s->roc ? srtp_index_make(s->roc, s->seq) : 0, 0);
	s->lib_tx = lib_session(s, false);
	s->lib_rx = lib_session(s, false);
	s->n_kept[0] = s->n_kept[1] = 0;
}

static void
stream_down(struct stream *s)
{
	srtp_key_free(&ctx, &s->key);
	srtp_dealloc(s->lib_tx);
	srtp_dealloc(s->lib_rx);
}

static void
put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* A header of any shape: CSRC list, extension, padding; payload from 0 until the packet is full. */
static void
draw_rtp(struct stream *s, struct packet *p)
{
	uint32_t csrc = draw(4) ? 0 : draw(16), ext = draw(4) ? 0 : 1 + draw(20);
	uint32_t at = 12 + 4 * csrc, most = PACKET_MAX - at - 4 * ext;
	uint32_t size = draw(3) ? 160 : draw(most + 1);

	for (uint32_t i = 0; i < 12 + 4 * csrc; i++)
		p->b[i] = (uint8_t)draw(256);
	p->b[0] = (uint8_t)(0x80 | csrc | (ext ? 0x10 : 0));
	p->b[2] = (uint8_t)(s->seq >> 8);
	p->b[3] = (uint8_t)s->seq;
	put32(p->b + 8, s->ssrc);
	if (ext) {
		put32(p->b + at, 0xbede0000 | (ext - 1));
		memset(p->b + at + 4, 0x5a, 4 * (ext - 1));
		at += 4 * ext;
	}
	for (uint32_t i = 0; i < size; i++)
		p->b[at + i] = (uint8_t)draw(256);
	if (size > 0 && draw(4) == 0) {
		p->b[0] |= 0x20;
		p->b[at + size - 1] = (uint8_t)(1 + draw(size < 255 ? size : 255));
	}
	p->len = at + size;
}

static void
draw_rtcp(struct stream *s, struct packet *p)
{
	p->len = 8 + 4 * draw(PACKET_MAX / 4 - 2);
	for (uint32_t i = 0; i < p->len; i++)
		p->b[i] = (uint8_t)draw(256);
	p->b[0] = (uint8_t)(0x80 | draw(32));
	p->b[1] = (uint8_t)(200 + draw(5));
	p->b[2] = (uint8_t)((p->len / 4 - 1) >> 8);
	p->b[3] = (uint8_t)(p->len / 4 - 1);
	put32(p->b + 4, s->ssrc);
}

/* Mostly the next number; sometimes a gap, so that many wraps come by. */
static void
step_seq(struct stream *s)
{
	uint32_t kind = draw(20);

	s->seq = (uint16_t)(s->seq + 1 + (kind == 0 ? draw(50) : kind == 1 ? draw(900) : 0));
}

static struct srtp_op
op_of(struct stream *s, struct srtp_state *state, struct packet *p, uint16_t flags)
{
	return (struct srtp_op){.key = s->key,
				.state = state,
				.buf = p->b,
				.len = p->len,
				.cap = sizeof(p->b),
				.flags = flags};
}

static void
lib_protect(struct stream *s, struct packet *p, uint16_t flags)
{
	int len = (int)p->len, mki = s->mki_len > 0;

	assert_int_equal(flags ? srtp_protect_rtcp_mki(s->lib_tx, p->b, &len, (unsigned)mki, 0)
			       : srtp_protect_mki(s->lib_tx, p->b, &len, (unsigned)mki, 0),
			 srtp_err_status_ok);
	p->len = (uint32_t)len;
}

static srtp_err_status_t
lib_unprotect(struct stream *s, struct packet *p, uint16_t flags)
{
	int len = (int)p->len;
	unsigned mki = s->mki_len > 0;
	srtp_err_status_t st = flags ? srtp_unprotect_rtcp_mki(s->lib_rx, p->b, &len, mki)
				     : srtp_unprotect_mki(s->lib_rx, p->b, &len, mki);

	p->len = (uint32_t)len;
	return st;
}

/* RTCP, one time in n. Not with MKI in the _32 suites: there libsrtp2 2.5 looks for the MKI of
 * SRTCP before a tag of the length that SRTP has, and does not open what it made itself. */
static uint16_t
draw_kind(const struct stream *s, uint32_t n)
{
	const struct srtp_suite *row = srtp_suite_get(s->suite);

	if (s->mki_len && row->rtp_tag != row->rtcp_tag)
		return 0;
	return draw(n) ? 0 : SRTP_OP_RTCP;
}

static void
draw_clear(struct stream *s, struct packet *p, uint16_t flags)
{
	if (flags)
		draw_rtcp(s, p);
	else
		draw_rtp(s, p);
	if (!flags)
		step_seq(s);
}

/* n packets made by both sides are the same bytes; each side opens them. */
static void
same_bytes(unsigned n)
{
	static struct packet clear[SRTP_BATCH_MAX], ours[SRTP_BATCH_MAX], libs[SRTP_BATCH_MAX];
	struct srtp_op ops[SRTP_BATCH_MAX];
	struct stream *of[SRTP_BATCH_MAX];

	for (unsigned i = 0; i < n; i++) {
		struct stream *s = of[i] = &streams[draw(STREAMS)];
		uint16_t flags = draw_kind(s, 6);

		draw_clear(s, &clear[i], flags);
		libs[i] = ours[i] = clear[i];
		lib_protect(s, &libs[i], flags);
		ops[i] = op_of(s, &s->tx, &ours[i], flags);
	}
	assert_int_equal(srtp_protect_batch(&ctx, ops, n), n);
	for (unsigned i = 0; i < n; i++) {
		struct stream *s = of[i];

		ours[i].len = ops[i].out_len;
		assert_int_equal(ours[i].len, libs[i].len);
		assert_memory_equal(ours[i].b, libs[i].b, libs[i].len);
		assert_int_equal(lib_unprotect(s, &libs[i], ops[i].flags), srtp_err_status_ok);
		assert_int_equal(libs[i].len, clear[i].len);
		assert_memory_equal(libs[i].b, clear[i].b, clear[i].len);
		ops[i] = op_of(s, &s->rx, &ours[i], ops[i].flags);
	}
	assert_int_equal(srtp_unprotect_batch(&ctx, ops, n), n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(ops[i].out_len, clear[i].len);
		assert_memory_equal(ours[i].b, clear[i].b, clear[i].len);
	}
}

/* total packets through do_batch, in rounds of new streams. */
static void
run_rounds(unsigned total, void (*do_batch)(unsigned n))
{
	unsigned done = 0, wraps = 0;

	while (done < total) {
		for (unsigned i = 0; i < STREAMS; i++)
			stream_up(&streams[i], suite_ids[i % ARRAY_LEN(suite_ids)]);
		for (unsigned i = 0; i < ROUND_LEN && done < total;) {
			unsigned n = 1 + draw(SRTP_BATCH_MAX);

			n = n < total - done ? n : total - done;
			do_batch(n);
			i += n;
			done += n;
		}
		for (unsigned i = 0; i < STREAMS; i++) {
			wraps += srtp_index_roc(streams[i].rx.rtp.next - 1) - streams[i].roc;
			stream_down(&streams[i]);
		}
	}
	assert_true(wraps > 0);
	print_message("# %s: %u packets, %u wraps\n", ctx.ops->name, done, wraps);
}

static void
test_same(void **state)
{
	(void)state;
	run_rounds(run_len(), same_bytes);
}

/* What one bit, an end cut off, or bytes behind it make of a packet. */
static void
spoil(struct packet *p)
{
	uint32_t kind = draw(8);

	if (kind == 0)
		p->len = draw(p->len);
	else if (kind == 1)
		p->len += 1 + draw(20);
	else
		p->b[draw(p->len)] ^= (uint8_t)(1 << draw(8));
}

/* What arrives late, doubled, broken: both sides say the same. */
static void
verdicts(unsigned n)
{
	static struct packet ours[SRTP_BATCH_MAX], libs[SRTP_BATCH_MAX], came[SRTP_BATCH_MAX];
	struct srtp_op ops[SRTP_BATCH_MAX];
	struct stream *of[SRTP_BATCH_MAX];

	for (unsigned i = 0; i < n; i++) {
		struct stream *s = of[i] = &streams[draw(STREAMS)];
		uint16_t flags = draw_kind(s, 4);
		unsigned *n_kept = &s->n_kept[flags != 0];
		struct packet *k = &s->kept[flags != 0][*n_kept % LATE_MAX];

		draw_clear(s, k, flags);
		lib_protect(s, k, flags);
		(*n_kept)++;
		/* sometimes this one, sometimes one of the last 200 again or for the first time */
		if (*n_kept > 1 && draw(3) == 0)
			k = &s->kept[flags != 0][draw(*n_kept < LATE_MAX ? *n_kept : LATE_MAX)];
		ours[i] = *k;
		if (*n_kept > 1 && draw(5) == 0)
			spoil(&ours[i]);
		came[i] = libs[i] = ours[i];
		ops[i] = op_of(s, &s->rx, &ours[i], flags);
	}
	srtp_unprotect_batch(&ctx, ops, n);
	for (unsigned i = 0; i < n; i++) {
		srtp_err_status_t st = lib_unprotect(of[i], &libs[i], ops[i].flags);

		if ((st == srtp_err_status_ok) != (ops[i].status == ERR_OK))
			fail_msg("packet %u of %u, suite %u: libsrtp2 says %d, we %s", i, n,
				 of[i]->suite, (int)st, err_name(ops[i].status));
		if (st != srtp_err_status_ok) {
			assert_memory_equal(ours[i].b, came[i].b, came[i].len);
			continue;
		}
		assert_int_equal(ops[i].out_len, libs[i].len);
		assert_memory_equal(ours[i].b, libs[i].b, libs[i].len);
	}
}

static void
test_verdicts(void **state)
{
	(void)state;
	run_rounds(run_len() / 4, verdicts);
}

/* M10: signed but not encrypted SRTCP (E=0) is refused; libsrtp2 can make it. */
static void
test_m10_clear_rtcp(void **state)
{
	(void)state;
	for (size_t at = 0; at < ARRAY_LEN(suite_ids); at++) {
		struct stream *s = &streams[0];
		unsigned behind = srtp_suite_get(suite_ids[at])->kind == CIPHER_GCM ? 16 : 0;
		srtp_t lib;

		stream_up(s, suite_ids[at]);
		lib = lib_session(s, true);
		for (unsigned i = 0; i < 20; i++) {
			struct srtp_state before = s->rx;
			struct srtp_op op;
			struct packet p;
			int len;

			draw_rtcp(s, &p);
			len = (int)p.len;
			assert_int_equal(srtp_protect_rtcp_mki(lib, p.b, &len, s->mki_len > 0, 0),
					 srtp_err_status_ok);
			assert_int_equal(p.b[p.len + behind] & 0x80, 0);
			p.len = (uint32_t)len;
			op = op_of(s, &s->rx, &p, SRTP_OP_RTCP);
			assert_int_equal(srtp_unprotect_batch(&ctx, &op, 1), 0);
			assert_int_equal(op.status, ERR_UNSUPPORTED);
			assert_memory_equal(&before, &s->rx, sizeof(before));
		}
		srtp_dealloc(lib);
		stream_down(s);
	}
}

static int
use_auto(void **state)
{
	(void)state;
	return srtp_ctx_init(&ctx, SRTP_ENGINE_AUTO, STREAMS) == ERR_OK ? 0 : -1;
}

static int
use_openssl(void **state)
{
	(void)state;
	return srtp_ctx_init(&ctx, SRTP_ENGINE_OPENSSL, STREAMS) == ERR_OK ? 0 : -1;
}

static int
close_ctx(void **state)
{
	uint32_t left = pool_used(&ctx.pools[CIPHER_CM_SHA1]) + pool_used(&ctx.pools[CIPHER_GCM]);

	(void)state;
	srtp_ctx_fini(&ctx);
	return left == 0 ? 0 : -1;
}

static int
group_up(void **state)
{
	(void)state;
	return srtp_init() == srtp_err_status_ok ? 0 : -1;
}

static int
group_down(void **state)
{
	(void)state;
	return srtp_shutdown() == srtp_err_status_ok ? 0 : -1;
}

#define EACH_ENGINE(f)                                                                             \
	{#f, f, use_auto, close_ctx, NULL},                                                        \
	{                                                                                          \
#f " openssl", f, use_openssl, close_ctx, NULL                                     \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EACH_ENGINE(test_same),
		EACH_ENGINE(test_verdicts),
		EACH_ENGINE(test_m10_clear_rtcp),
	};

	return cmocka_run_group_tests_name("srtp/oracle", tests, group_up, group_down);
}
