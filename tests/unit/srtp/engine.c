#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#define ERR_STATE openssl_err_state
#include <openssl/crypto.h>
#undef ERR_STATE

#include "pair.h"

static void
test_round_trip(void **state)
{
	(void)state;
	for (unsigned suite = 1; suite < SRTP_SUITE_N; suite++) {
		const struct srtp_suite *row = srtp_suite_get(suite);
		struct pair p;

		pair_up(&p, suite);
		for (uint32_t len = 0; len < 400; len++) {
			struct packet clear = clear_rtp((uint16_t)len, len), pkt = clear;

			assert_int_equal(protect(&p, &pkt, 0), ERR_OK);
			assert_int_equal(pkt.len, clear.len + row->rtp_tag);
			assert_memory_equal(pkt.b, clear.b, 12);
			if (len >= 8)
				assert_memory_not_equal(pkt.b + 12, clear.b + 12, len);
			assert_int_equal(unprotect(&p, &pkt, 0), ERR_OK);
			assert_int_equal(pkt.len, clear.len);
			assert_memory_equal(pkt.b, clear.b, clear.len);
		}
		for (unsigned i = 0; i < 100; i++) {
			struct packet clear = clear_rtcp((uint8_t)i), pkt = clear;

			assert_int_equal(protect(&p, &pkt, SRTP_OP_RTCP), ERR_OK);
			assert_int_equal(pkt.len, clear.len + 4 + row->rtcp_tag);
			assert_int_equal(pkt.b[28], 0x80); /* E, and an index from 0 */
			assert_int_equal(pkt.b[31], i);
			assert_int_equal(unprotect(&p, &pkt, SRTP_OP_RTCP), ERR_OK);
			assert_int_equal(pkt.len, clear.len);
			assert_memory_equal(pkt.b, clear.b, clear.len);
		}
		assert_int_equal(p.rx.packets, 500);
		srtp_key_fini(&p.key);
		srtp_key_fini(&p.key);
	}
}

/* M3: each bit of a packet flipped. */
static void
test_m3_bits(void **state)
{
	(void)state;
	for (unsigned suite = 1; suite <= SRTP_AES_CM_128_HMAC_SHA1_32; suite++)
		for (uint16_t flags = 0; flags <= SRTP_OP_RTCP; flags++) {
			struct packet good = flags ? clear_rtcp(1) : clear_rtp(700, 60);
			struct pair p;

			pair_up(&p, suite);
			assert_int_equal(protect(&p, &good, flags), ERR_OK);
			for (uint32_t bit = 0; bit < good.len * 8; bit++) {
				struct packet bad = good;

				bad.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
				refused(&p, &bad, flags);
			}
			assert_int_equal(unprotect(&p, &good, flags), ERR_OK);
			srtp_key_fini(&p.key);
		}
}

/* M3: what has no whole tag of ours. */
static void
test_m3_tags(void **state)
{
	struct pair p, other;
	struct packet good, bad;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
	good = sealed_rtp(&p, 1);
	for (uint32_t len = 0; len < good.len; len++) {
		bad = good;
		bad.len = len;
		refused(&p, &bad, 0);
	}
	bad = clear_rtp(1, PAYLOAD);
	assert_int_equal(refused(&p, &bad, 0), ERR_AUTH);
	memset(bad.b + bad.len, 0, 10);
	bad.len += 10;
	assert_int_equal(refused(&p, &bad, 0), ERR_AUTH);
	pair_up(&other, SRTP_AES_CM_128_HMAC_SHA1_32); /* same key, a tag of 32 bits */
	bad = sealed_rtp(&other, 1);
	assert_int_equal(refused(&p, &bad, 0), ERR_AUTH);
	bad = good;
	assert_int_equal(refused(&other, &bad, 0), ERR_AUTH);
	assert_int_equal(unprotect(&p, &good, 0), ERR_OK);
	srtp_key_fini(&p.key);
	srtp_key_fini(&other.key);
}

/* M10, M11: lengths and header arithmetic. Copies end where the heap block ends, for ASan. */
static void
test_m10_lengths(void **state)
{
	struct pair p;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_32);
	for (uint16_t flags = 0; flags <= SRTP_OP_RTCP; flags++)
		for (uint32_t len = 0; len <= 40; len++)
			for (unsigned first = 0; first < 256; first++) {
				uint8_t *b = malloc(len ? len : 1);
				struct srtp_op op = {.key = &p.key, .state = &p.rx, .buf = b};
				struct srtp_state before = p.rx;

				assert_non_null(b);
				memset(b, 0xff, len ? len : 1);
				b[0] = (uint8_t)first;
				op.len = op.cap = len;
				op.flags = flags;
				assert_int_equal(srtp_unprotect_batch(&ctx, &op, 1), 0);
				assert_int_not_equal(op.status, ERR_OK);
				assert_int_equal(srtp_protect_batch(&ctx, &op, 1), 0);
				assert_memory_equal(&before, &p.rx, sizeof(before));
				free(b);
			}
	srtp_key_fini(&p.key);
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *name;
		uint8_t b0;
		uint8_t x_len_hi; /* with the extension bit: its length, in 256 words */
		uint32_t len;
		uint16_t flags;
		uint8_t ssrc0;
		enum err want, want_clear; /* from unprotect, from protect */
	} rows[] = {
		{"version 0", 0x00, 0, 200, 0, 0x12, ERR_SYNTAX, ERR_SYNTAX},
		{"version 1", 0x40, 0, 200, 0, 0x12, ERR_SYNTAX, ERR_SYNTAX},
		{"version 3", 0xc0, 0, 200, 0, 0x12, ERR_SYNTAX, ERR_SYNTAX},
		{"CC 15 beyond the end", 0x8f, 0, 70, 0, 0x12, ERR_SYNTAX, ERR_SYNTAX},
		{"extension of 65280 words", 0x90, 0xff, 200, 0, 0x12, ERR_SYNTAX, ERR_SYNTAX},
		{"another SSRC", 0x80, 0, 200, 0, 0x13, ERR_STATE, ERR_STATE},
		{"too long", 0x80, 0, SRTP_PACKET_MAX + 1, 0, 0x12, ERR_LONG, ERR_LONG},
		{"11 bytes", 0x80, 0, 11, 0, 0x12, ERR_SHORT, ERR_SHORT},
		{"12 + 9 bytes", 0x80, 0, 21, 0, 0x12, ERR_SHORT, ERR_OK},
		{"RTCP version 1", 0x40, 0, 100, SRTP_OP_RTCP, 0, ERR_SYNTAX, ERR_SYNTAX},
		{"RTCP another SSRC", 0x80, 0, 100, SRTP_OP_RTCP, 0, ERR_STATE, ERR_STATE},
		{"RTCP 7 bytes", 0x80, 0, 7, SRTP_OP_RTCP, 0, ERR_SHORT, ERR_SHORT},
		{"RTCP 8 + 13 bytes", 0x80, 0, 21, SRTP_OP_RTCP, 0, ERR_SHORT, ERR_STATE},
		{"RTCP too long", 0x80, 0, SRTP_PACKET_MAX + 1, SRTP_OP_RTCP, 0, ERR_LONG,
		 ERR_LONG},
	};
	static uint8_t b[SRTP_PACKET_MAX + 64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pair p;
		struct srtp_op op = {.key = &p.key, .buf = b, .len = rows[i].len};
		struct srtp_state fresh;

		pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
		fresh = p.rx;
		memset(b, 0x80, sizeof(b)); /* E=1 wherever RTCP looks for it */
		b[0] = rows[i].b0;
		b[8] = rows[i].ssrc0, b[9] = 0x34, b[10] = 0xab, b[11] = 0xcd;
		b[14] = rows[i].x_len_hi;
		op.cap = sizeof(b);
		op.flags = rows[i].flags;
		op.state = &p.rx;
		srtp_unprotect_batch(&ctx, &op, 1);
		if (op.status != rows[i].want)
			fail_msg("%s: unprotect got %s", rows[i].name, err_name(op.status));
		op.state = &p.tx;
		srtp_protect_batch(&ctx, &op, 1);
		if (op.status != rows[i].want_clear)
			fail_msg("%s: protect got %s", rows[i].name, err_name(op.status));
		assert_memory_equal(&fresh, &p.rx, sizeof(fresh));
		if (rows[i].want_clear)
			assert_memory_equal(&fresh, &p.tx, sizeof(fresh));
		srtp_key_fini(&p.key);
	}
}

static void
test_no_room(void **state)
{
	struct pair p;
	struct packet pkt = clear_rtp(1, PAYLOAD), rtcp = clear_rtcp(1);
	struct srtp_op op;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
	op = op_of(&p, &p.tx, &pkt, 0);
	op.cap = pkt.len + 9;
	assert_int_equal(srtp_protect_batch(&ctx, &op, 1), 0);
	assert_int_equal(op.status, ERR_LONG);
	assert_false(srtp_state_started(&p.tx));
	op.cap++;
	assert_int_equal(srtp_protect_batch(&ctx, &op, 1), 1);
	op = op_of(&p, &p.tx, &rtcp, SRTP_OP_RTCP);
	op.cap = rtcp.len + 13;
	assert_int_equal(srtp_protect_batch(&ctx, &op, 1), 0);
	assert_int_equal(op.status, ERR_LONG);
	op.cap++;
	assert_int_equal(srtp_protect_batch(&ctx, &op, 1), 1);
	srtp_key_fini(&p.key);
}

static void
test_lifetime(void **state)
{
	struct packet last, pkt;
	struct pair p;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
	srtp_state_resume(&p.tx, SSRC, SRTP_INDEX_LIMIT - 1, SRTCP_INDEX_LIMIT - 1);
	srtp_state_resume(&p.rx, SSRC, SRTP_INDEX_LIMIT - 1, SRTCP_INDEX_LIMIT - 1);
	last = sealed_rtp(&p, 65535);
	assert_int_equal(unprotect(&p, &last, 0), ERR_OK);
	pkt = clear_rtp(0, PAYLOAD);
	assert_int_equal(protect(&p, &pkt, 0), ERR_EXPIRED);
	assert_int_equal(refused(&p, &pkt, 0), ERR_EXPIRED);
	last = clear_rtcp(1);
	assert_int_equal(protect(&p, &last, SRTP_OP_RTCP), ERR_OK);
	assert_int_equal(unprotect(&p, &last, SRTP_OP_RTCP), ERR_OK);
	pkt = clear_rtcp(1);
	assert_int_equal(protect(&p, &pkt, SRTP_OP_RTCP), ERR_EXPIRED);
	srtp_key_fini(&p.key);
}

/* 64 packets of 32 streams, all suites, RTP and RTCP, good and bad, in one batch. */
static void
test_mixed_batch(void **state)
{
	enum { STREAMS = 32 };
	static struct pair p[STREAMS];
	static struct packet clear[SRTP_BATCH_MAX], pkt[SRTP_BATCH_MAX];
	struct srtp_op ops[SRTP_BATCH_MAX];

	(void)state;
	for (unsigned i = 0; i < STREAMS; i++)
		pair_up(&p[i], 1 + i % (SRTP_SUITE_N - 1));
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < SRTP_BATCH_MAX; i++) {
			struct pair *s = &p[i % STREAMS];
			uint16_t flags = i % 5 == 0 ? SRTP_OP_RTCP : 0;

			clear[i] = flags ? clear_rtcp((uint8_t)round)
					 : clear_rtp((uint16_t)(65500 + 2 * round + i / STREAMS),
						     (i * 37 + round) % 300);
			pkt[i] = clear[i];
			ops[i] = op_of(s, &s->tx, &pkt[i], flags);
		}
		assert_int_equal(srtp_protect_batch(&ctx, ops, SRTP_BATCH_MAX), SRTP_BATCH_MAX);
		for (unsigned i = 0; i < SRTP_BATCH_MAX; i++) {
			ops[i].len = ops[i].out_len;
			ops[i].state = &p[i % STREAMS].rx;
			if (i % 7 == 3)
				pkt[i].b[ops[i].len - 1] ^= 1;
		}
		srtp_unprotect_batch(&ctx, ops, SRTP_BATCH_MAX);
		for (unsigned i = 0; i < SRTP_BATCH_MAX; i++) {
			assert_int_equal(ops[i].status, i % 7 == 3 ? ERR_AUTH : ERR_OK);
			if (i % 7 == 3)
				continue;
			assert_int_equal(ops[i].out_len, clear[i].len);
			assert_memory_equal(pkt[i].b, clear[i].b, clear[i].len);
		}
	}
	for (unsigned i = 0; i < STREAMS; i++)
		srtp_key_fini(&p[i].key);
}

static void
test_key_errors(void **state)
{
	static const struct srtp_key zero;
	struct srtp_key key;
	struct packet pkt = clear_rtp(1, PAYLOAD);
	struct srtp_state s;
	struct srtp_op op = {.key = &key, .state = &s, .buf = pkt.b, .len = pkt.len, .cap = BUF};

	(void)state;
	memset(&key, 0x55, sizeof(key));
	assert_int_equal(srtp_key_init(&key, SRTP_NONE, master, salt), ERR_UNSUPPORTED);
	assert_memory_equal(&key, &zero, sizeof(key));
	assert_int_equal(srtp_key_init(&key, SRTP_SUITE_N, master, salt), ERR_UNSUPPORTED);
	srtp_state_init(&s, SSRC);
	assert_int_equal(srtp_protect_batch(&ctx, &op, 1), 0);
	assert_int_equal(op.status, ERR_STATE);
	assert_int_equal(srtp_unprotect_batch(&ctx, &op, 1), 0);
	assert_int_equal(op.status, ERR_STATE);
	assert_int_equal(srtp_protect_batch(&ctx, NULL, 0), 0);
	assert_int_equal(srtp_unprotect_batch(&ctx, NULL, 0), 0);
	srtp_key_fini(&key);
	assert_memory_equal(&key, &zero, sizeof(key));
}

/* OpenSSL's allocator: call number alloc_left fails, and all after it. The real malloc, so that
 * the ladder (tests/ladder.c) does not climb in OpenSSL's own start. */
void *__real_malloc(size_t n);
void *__real_realloc(void *p, size_t n);
static long alloc_left = -1;

static void *
lib_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	if (alloc_left >= 0 && alloc_left-- == 0)
		return alloc_left = 0, NULL;
	return __real_malloc(n);
}

static void *
lib_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	if (alloc_left >= 0 && alloc_left-- == 0)
		return alloc_left = 0, NULL;
	return __real_realloc(p, n);
}

static void
lib_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

static void
test_no_memory(void **state)
{
	static const struct srtp_key zero;
	enum err err = ERR_NOMEM;
	struct srtp_ctx *c = calloc(1, sizeof(*c));
	struct srtp_key key;
	long steps = 0;

	(void)state;
	assert_non_null(c);
	for (; err; steps++) {
		alloc_left = steps;
		err = srtp_key_init(&key, SRTP_AES_CM_128_HMAC_SHA1_80, master, salt);
		alloc_left = -1;
		if (err) {
			assert_int_equal(err, ERR_NOMEM);
			assert_memory_equal(&key, &zero, sizeof(key));
		}
		assert_true(steps < 1000);
	}
	assert_true(steps > 5);
	srtp_key_fini(&key);
	alloc_left = 0;
	assert_int_equal(srtp_ctx_init(c), ERR_NOMEM);
	alloc_left = -1;
	srtp_ctx_fini(c);
	free(c);
}

/* The library out of memory in the middle of a batch: every packet is dropped, none is sent clear.
 */
static void
test_library_fails(void **state)
{
	struct packet pkt[8], rec;
	struct srtp_op ops[8];
	struct pair p;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
	rec = sealed_rtp(&p, 1);
	for (uint16_t i = 0; i < 8; i++) {
		pkt[i] = clear_rtp((uint16_t)(i + 2), PAYLOAD);
		ops[i] = op_of(&p, &p.tx, &pkt[i], 0);
	}
	alloc_left = 3;
	assert_int_equal(srtp_protect_batch(&ctx, ops, 8), 0);
	alloc_left = -1;
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(ops[i].status, ERR_BUG);
		assert_int_equal(ops[i].out_len, 0);
	}
	assert_int_equal(p.tx.rtp.next, 10); /* used, and never again */
	alloc_left = 0;
	assert_int_equal(refused(&p, &rec, 0), ERR_BUG);
	alloc_left = -1;
	assert_int_equal(unprotect(&p, &rec, 0), ERR_OK);
	srtp_key_fini(&p.key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_m3_bits),
		cmocka_unit_test(test_m3_tags),       cmocka_unit_test(test_m10_lengths),
		cmocka_unit_test(test_refusals),      cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_lifetime),      cmocka_unit_test(test_mixed_batch),
		cmocka_unit_test(test_key_errors),    cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_library_fails),
	};

	if (CRYPTO_set_mem_functions(lib_malloc, lib_realloc, lib_free) != 1)
		return 1;
	return cmocka_run_group_tests_name("srtp/engine", tests, group_up, group_down);
}
