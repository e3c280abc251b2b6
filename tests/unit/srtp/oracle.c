/* Packet by packet against libsrtp2, in both directions. POSTERN_FULL=1: 10^6 RTP packets each way
 * and some 10^5 of each other kind, instead of thousands. */
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
	PAYLOAD_MAX = 1400,
	SHORT_RUN = 20000,
	FULL_RUN = 1000000,
	STREAM_LEN = 5000, /* packets until the next key */
	LATE_MAX = 200,
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

/* One stream under one key, with libsrtp2 and with us. */
struct stream {
	unsigned suite;
	uint32_t ssrc;
	uint8_t master[SRTP_KEY_SALT_MAX];
	struct srtp_key key;
	struct srtp_state tx, rx;
	srtp_t lib_tx, lib_rx;
	uint16_t seq;
};

static void
set_policy(srtp_policy_t *pol, struct stream *s)
{
	memset(pol, 0, sizeof(*pol));
	switch (s->suite) {
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
	default:
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&pol->rtp);
		srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&pol->rtcp);
		break;
	}
	pol->ssrc.type = ssrc_specific;
	pol->ssrc.value = s->ssrc;
	pol->key = s->master;
	pol->window_size = SRTP_WINDOW;
}

static void
stream_up(struct stream *s, unsigned suite)
{
	const struct srtp_suite *row = srtp_suite_get(suite);
	srtp_policy_t pol;

	s->suite = suite;
	s->ssrc = draw(UINT32_MAX);
	for (size_t i = 0; i < sizeof(s->master); i++)
		s->master[i] = (uint8_t)draw(256);
	assert_int_equal(srtp_key_init(&s->key, suite, s->master, s->master + row->key_len),
			 ERR_OK);
	/* libsrtp2 numbers SRTCP from 1, we from 0 as RFC 3711 3.4 has it: skip one */
	srtp_state_resume(&s->tx, s->ssrc, 0, 1);
	srtp_state_init(&s->rx, s->ssrc);
	set_policy(&pol, s);
	assert_int_equal(srtp_create(&s->lib_tx, &pol), srtp_err_status_ok);
	assert_int_equal(srtp_create(&s->lib_rx, &pol), srtp_err_status_ok);
	s->seq = (uint16_t)(draw(2) ? 65000 + draw(536) : draw(65536));
}

static void
stream_down(struct stream *s)
{
	srtp_key_fini(&s->key);
	srtp_dealloc(s->lib_tx);
	srtp_dealloc(s->lib_rx);
}

static void
put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

struct packet {
	uint8_t b[BUF];
	uint32_t len;
};

/* A header of any shape: CSRC list, extension, padding; payload of 0 to PAYLOAD_MAX. */
static void
draw_rtp(struct stream *s, struct packet *p)
{
	uint32_t csrc = draw(4) ? 0 : draw(16), ext = draw(4) ? 0 : 1 + draw(20);
	uint32_t size = draw(3) ? 160 : draw(PAYLOAD_MAX + 1), at = 12 + 4 * csrc;

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
	p->len = 8 + 4 * draw(PAYLOAD_MAX / 4);
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
	return (struct srtp_op){.key = &s->key,
				.state = state,
				.buf = p->b,
				.len = p->len,
				.cap = sizeof(p->b),
				.flags = flags};
}

static void
lib_protect(struct stream *s, struct packet *p, uint16_t flags)
{
	int len = (int)p->len;

	assert_int_equal(flags ? srtp_protect_rtcp(s->lib_tx, p->b, &len)
			       : srtp_protect(s->lib_tx, p->b, &len),
			 srtp_err_status_ok);
	p->len = (uint32_t)len;
}

static srtp_err_status_t
lib_unprotect(struct stream *s, struct packet *p, uint16_t flags)
{
	int len = (int)p->len;
	srtp_err_status_t st = flags ? srtp_unprotect_rtcp(s->lib_rx, p->b, &len)
				     : srtp_unprotect(s->lib_rx, p->b, &len);

	p->len = (uint32_t)len;
	return st;
}

/* n packets made by both sides are the same bytes; each side opens them. */
static void
same_bytes(struct stream *s, unsigned n, uint16_t flags)
{
	static struct packet clear[SRTP_BATCH_MAX], ours[SRTP_BATCH_MAX], libs[SRTP_BATCH_MAX];
	struct srtp_op ops[SRTP_BATCH_MAX];

	for (unsigned i = 0; i < n; i++) {
		if (flags)
			draw_rtcp(s, &clear[i]);
		else
			draw_rtp(s, &clear[i]);
		step_seq(s);
		libs[i] = ours[i] = clear[i];
		lib_protect(s, &libs[i], flags);
		ops[i] = op_of(s, &s->tx, &ours[i], flags);
	}
	assert_int_equal(srtp_protect_batch(&ctx, ops, n), n);
	for (unsigned i = 0; i < n; i++) {
		ours[i].len = ops[i].out_len;
		assert_int_equal(ours[i].len, libs[i].len);
		assert_memory_equal(ours[i].b, libs[i].b, libs[i].len);
		assert_int_equal(lib_unprotect(s, &libs[i], flags), srtp_err_status_ok);
		assert_int_equal(libs[i].len, clear[i].len);
		assert_memory_equal(libs[i].b, clear[i].b, clear[i].len);
		ops[i] = op_of(s, &s->rx, &ours[i], flags);
	}
	assert_int_equal(srtp_unprotect_batch(&ctx, ops, n), n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(ops[i].out_len, clear[i].len);
		assert_memory_equal(ours[i].b, clear[i].b, clear[i].len);
	}
}

static void
run_same(unsigned suite, uint16_t flags, unsigned total)
{
	unsigned done = 0, wraps = 0;

	while (done < total) {
		struct stream s;

		stream_up(&s, suite);
		for (unsigned i = 0; i < STREAM_LEN && done < total;) {
			unsigned n = 1 + draw(SRTP_BATCH_MAX);

			n = n < total - done ? n : total - done;
			same_bytes(&s, n, flags);
			i += n;
			done += n;
		}
		wraps += srtp_state_roc(&s.rx);
		assert_int_equal(srtp_state_roc(&s.rx), srtp_state_roc(&s.tx));
		stream_down(&s);
	}
	if (!flags)
		assert_true(wraps > 0);
	print_message("# %s %s: %u packets each way, %u wraps\n", srtp_suite_get(suite)->name,
		      flags ? "SRTCP" : "SRTP", done, wraps);
}

static void
test_same_rtp(void **state)
{
	(void)state;
	run_same(SRTP_AES_CM_128_HMAC_SHA1_80, 0, run_len() / 2);
	run_same(SRTP_AES_CM_128_HMAC_SHA1_32, 0, run_len() / 2);
}

static void
test_same_rtcp(void **state)
{
	(void)state;
	run_same(SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_OP_RTCP, run_len() / 8);
	run_same(SRTP_AES_CM_128_HMAC_SHA1_32, SRTP_OP_RTCP, run_len() / 8);
}

static void
test_same_256(void **state)
{
	(void)state;
	run_same(SRTP_AES_256_CM_HMAC_SHA1_80, 0, run_len() / 8);
	run_same(SRTP_AES_256_CM_HMAC_SHA1_32, 0, run_len() / 8);
	run_same(SRTP_AES_256_CM_HMAC_SHA1_80, SRTP_OP_RTCP, SHORT_RUN / 8);
	run_same(SRTP_AES_256_CM_HMAC_SHA1_32, SRTP_OP_RTCP, SHORT_RUN / 8);
}

/* What arrives late, doubled, broken: both sides say the same. */
static void
verdicts(struct stream *s, struct packet *kept, unsigned *n_kept, unsigned n, uint16_t flags)
{
	static struct packet ours[SRTP_BATCH_MAX], libs[SRTP_BATCH_MAX];
	struct srtp_op ops[SRTP_BATCH_MAX];

	for (unsigned i = 0; i < n; i++) {
		struct packet *k = &kept[*n_kept % LATE_MAX];

		if (flags)
			draw_rtcp(s, k);
		else
			draw_rtp(s, k);
		step_seq(s);
		lib_protect(s, k, flags);
		(*n_kept)++;
		/* sometimes this one, sometimes one of the last 200 again or for the first time */
		if (draw(3) == 0)
			k = &kept[draw(*n_kept < LATE_MAX ? *n_kept : LATE_MAX)];
		ours[i] = *k;
		if (draw(5) == 0)
			ours[i].b[draw(ours[i].len)] ^= (uint8_t)(1 << draw(8));
		libs[i] = ours[i];
		ops[i] = op_of(s, &s->rx, &ours[i], flags);
	}
	srtp_unprotect_batch(&ctx, ops, n);
	for (unsigned i = 0; i < n; i++) {
		srtp_err_status_t st = lib_unprotect(s, &libs[i], flags);

		if ((st == srtp_err_status_ok) != (ops[i].status == ERR_OK))
			fail_msg("packet %u of %u: libsrtp2 says %d, we %s", i, n, (int)st,
				 err_name(ops[i].status));
		if (st != srtp_err_status_ok)
			continue;
		assert_int_equal(ops[i].out_len, libs[i].len);
		assert_memory_equal(ours[i].b, libs[i].b, libs[i].len);
	}
}

static void
run_verdicts(unsigned suite, uint16_t flags, unsigned total)
{
	static struct packet kept[LATE_MAX];

	for (unsigned done = 0; done < total;) {
		unsigned n_kept = 0;
		struct stream s;

		stream_up(&s, suite);
		same_bytes(&s, 1, flags); /* both receivers know the stream */
		for (unsigned i = 0; i < STREAM_LEN && done < total;) {
			unsigned n = 1 + draw(16);

			verdicts(&s, kept, &n_kept, n, flags);
			i += n;
			done += n;
		}
		stream_down(&s);
	}
}

static void
test_verdicts(void **state)
{
	(void)state;
	run_verdicts(SRTP_AES_CM_128_HMAC_SHA1_80, 0, run_len() / 8);
	run_verdicts(SRTP_AES_CM_128_HMAC_SHA1_32, 0, run_len() / 8);
	run_verdicts(SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_OP_RTCP, run_len() / 8);
}

/* M10: signed but not encrypted SRTCP (E=0) is refused; libsrtp2 can make it. */
static void
test_m10_clear_rtcp(void **state)
{
	struct stream s;
	srtp_policy_t pol;
	struct packet p;
	srtp_t lib;

	(void)state;
	stream_up(&s, SRTP_AES_CM_128_HMAC_SHA1_80);
	set_policy(&pol, &s);
	pol.rtcp.sec_serv = sec_serv_auth;
	assert_int_equal(srtp_create(&lib, &pol), srtp_err_status_ok);
	for (unsigned i = 0; i < 20; i++) {
		struct srtp_state before = s.rx;
		struct srtp_op op;
		int len;

		draw_rtcp(&s, &p);
		len = (int)p.len;
		assert_int_equal(srtp_protect_rtcp(lib, p.b, &len), srtp_err_status_ok);
		assert_int_equal(p.b[p.len] & 0x80, 0);
		p.len = (uint32_t)len;
		op = op_of(&s, &s.rx, &p, SRTP_OP_RTCP);
		assert_int_equal(srtp_unprotect_batch(&ctx, &op, 1), 0);
		assert_int_equal(op.status, ERR_UNSUPPORTED);
		assert_memory_equal(&before, &s.rx, sizeof(before));
	}
	srtp_dealloc(lib);
	stream_down(&s);
}

static int
group_up(void **state)
{
	(void)state;
	return srtp_init() == srtp_err_status_ok && srtp_ctx_init(&ctx) == ERR_OK ? 0 : -1;
}

static int
group_down(void **state)
{
	(void)state;
	srtp_ctx_fini(&ctx);
	return srtp_shutdown() == srtp_err_status_ok ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_rtp),       cmocka_unit_test(test_same_rtcp),
		cmocka_unit_test(test_same_256),       cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_m10_clear_rtcp),
	};

	return cmocka_run_group_tests_name("srtp/oracle", tests, group_up, group_down);
}
