#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#define ERR_STATE openssl_err_state
#include <openssl/crypto.h>
#undef ERR_STATE

#include "base/codec.h"
#include "pair.h"

static void
test_round_trip(void **state)
{
	(void)state;
	for (size_t at = 0; at < ARRAY_LEN(suite_ids); at++) {
		const struct srtp_suite *row = srtp_suite_get(suite_ids[at]);
		struct pair p;

		pair_up(&p, row->id);
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
			const uint8_t *word;

			assert_int_equal(protect(&p, &pkt, SRTP_OP_RTCP), ERR_OK);
			assert_int_equal(pkt.len, clear.len + 4 + row->rtcp_tag);
			word = pkt.b + 28 + (row->kind == CIPHER_GCM ? 16 : 0);
			assert_int_equal(word[0], 0x80); /* E, and an index from 0 */
			assert_int_equal(word[3], i);
			assert_int_equal(unprotect(&p, &pkt, SRTP_OP_RTCP), ERR_OK);
			assert_int_equal(pkt.len, clear.len);
			assert_memory_equal(pkt.b, clear.b, clear.len);
		}
		assert_int_equal(p.rx.packets, 500);
		srtp_key_free(&ctx, &p.key);
		assert_null(p.key);
		srtp_key_free(&ctx, &p.key);
	}
}

/* M3: each bit of a packet flipped. */
static void
test_m3_bits(void **state)
{
	(void)state;
	for (size_t at = 0; at < ARRAY_LEN(suite_ids); at++)
		for (uint16_t flags = 0; flags <= SRTP_OP_RTCP; flags++) {
			struct packet good = flags ? clear_rtcp(1) : clear_rtp(700, 60);
			struct pair p;

			pair_up(&p, suite_ids[at]);
			assert_int_equal(protect(&p, &good, flags), ERR_OK);
			for (uint32_t bit = 0; bit < good.len * 8; bit++) {
				struct packet bad = good;

				bad.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
				refused(&p, &bad, flags);
			}
			assert_int_equal(unprotect(&p, &good, flags), ERR_OK);
			srtp_key_free(&ctx, &p.key);
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
	srtp_key_free(&ctx, &p.key);
	srtp_key_free(&ctx, &other.key);
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
				struct srtp_op op = {.key = p.key, .state = &p.rx, .buf = b};
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
	srtp_key_free(&ctx, &p.key);
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
		struct srtp_op op = {.buf = b, .len = rows[i].len};
		struct srtp_state fresh;

		pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
		op.key = p.key;
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
		srtp_key_free(&ctx, &p.key);
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
	srtp_key_free(&ctx, &p.key);
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
	srtp_key_free(&ctx, &p.key);
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
		pair_up(&p[i], suite_ids[i % ARRAY_LEN(suite_ids)]);
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
		srtp_key_free(&ctx, &p[i].key);
}

static void
test_key_errors(void **state)
{
	struct srtp_key *key = NULL, *all[KEYS];
	struct packet pkt = clear_rtp(1, PAYLOAD);
	struct srtp_state s;
	struct srtp_op op = {.state = &s, .buf = pkt.b, .len = pkt.len, .cap = BUF};

	(void)state;
	assert_int_equal(srtp_key_new(&ctx, SRTP_NONE, master, salt, &key), ERR_UNSUPPORTED);
	assert_int_equal(srtp_key_new(&ctx, 5, master, salt, &key), ERR_UNSUPPORTED);
	assert_int_equal(srtp_key_new(&ctx, SRTP_SUITE_END, master, salt, &key), ERR_UNSUPPORTED);
	assert_null(key);
	srtp_key_free(&ctx, &key);
	srtp_state_init(&s, SSRC);
	assert_int_equal(srtp_protect_batch(&ctx, &op, 1), 0);
	assert_int_equal(op.status, ERR_STATE);
	assert_int_equal(srtp_unprotect_batch(&ctx, &op, 1), 0);
	assert_int_equal(op.status, ERR_STATE);
	assert_int_equal(srtp_protect_batch(&ctx, NULL, 0), 0);
	assert_int_equal(srtp_unprotect_batch(&ctx, NULL, 0), 0);
	for (unsigned i = 0; i < KEYS; i++)
		assert_int_equal(srtp_key_new(&ctx, suite_ids[i % 2], master, salt, &all[i]),
				 ERR_OK);
	assert_int_equal(srtp_key_new(&ctx, suite_ids[0], master, salt, &key), ERR_NOMEM);
	for (unsigned i = 0; i < KEYS; i++)
		srtp_key_free(&ctx, &all[i]);
}

/* Nothing of a key is left in its block; sizes as docs/decisions/018 has them. */
static void
test_wiped_and_small(void **state)
{
	bool imb = strcmp(ctx.ops->name, "imb") == 0;
	size_t cm = ctx.pools[CIPHER_CM_SHA1].size, gcm = ctx.pools[CIPHER_GCM].size;

	(void)state;
	assert_true(sizeof(struct srtp_state) + cm <= 384);
	assert_true(gcm <= 1088);
	for (size_t at = 0; at < ARRAY_LEN(suite_ids); at++) {
		static const uint8_t zero[1088];
		size_t size = srtp_suite_get(suite_ids[at])->kind == CIPHER_GCM ? gcm : cm;
		struct srtp_key *rtp, *rtcp;
		struct pair p;

		pair_up(&p, suite_ids[at]);
		rtp = p.key;
		rtcp = p.key->rtcp;
		assert_int_equal((uintptr_t)rtp % 64, 0);
		assert_memory_not_equal(rtp, zero, size);
		if (imb) /* derived keys differ */
			assert_memory_not_equal(rtp->part, rtcp->part, size - CIPHER_PART_AT);
		srtp_key_free(&ctx, &p.key);
		assert_memory_equal(rtp, zero, size);
		assert_memory_equal(rtcp, zero, size);
	}
}

/* An MKI of any length in every suite: where it stands, whose it is. */
static void
test_mki(void **state)
{
	static const unsigned lens[] = {1, 4, 8, 128};

	(void)state;
	for (size_t at = 0; at < ARRAY_LEN(suite_ids) * ARRAY_LEN(lens) * 2; at++) {
		const struct srtp_suite *row =
			srtp_suite_get(suite_ids[at / 2 % ARRAY_LEN(suite_ids)]);
		unsigned len = lens[at / 2 / ARRAY_LEN(suite_ids)];
		uint16_t flags = at % 2 ? SRTP_OP_RTCP : 0;
		struct packet clear = flags ? clear_rtcp(7) : clear_rtp(9, PAYLOAD), pkt = clear;
		uint32_t tag = flags ? row->rtcp_tag : row->rtp_tag, mki_at;
		struct pair p;

		pair_up(&p, row->id);
		assert_int_equal(srtp_key_set_mki(p.key, 0xa5, SRTP_MKI_MAX + 1), ERR_RANGE);
		assert_int_equal(srtp_key_set_mki(p.key, 0xa5, len), ERR_OK);
		assert_int_equal(protect(&p, &pkt, flags), ERR_OK);
		assert_int_equal(pkt.len, clear.len + tag + len + (flags ? 4 : 0));
		mki_at = pkt.len - len - (row->kind == CIPHER_GCM ? 0 : tag);
		for (unsigned i = 0; i < len; i++)
			assert_int_equal(pkt.b[mki_at + i], i + 1 < len ? 0 : 0xa5);
		assert_int_equal(srtp_key_set_mki(p.key, 0xa6, len), ERR_OK);
		assert_int_equal(refused(&p, &pkt, flags), ERR_NOTFOUND);
		assert_int_equal(srtp_key_set_mki(p.key, 0, 0), ERR_OK);
		refused(&p, &pkt, flags);
		assert_int_equal(srtp_key_set_mki(p.key, 0xa5, len), ERR_OK);
		assert_int_equal(unprotect(&p, &pkt, flags), ERR_OK);
		assert_int_equal(pkt.len, clear.len);
		assert_memory_equal(pkt.b, clear.b, clear.len);
		srtp_key_free(&ctx, &p.key);
	}
}

/* The packets of RFC 7714 16 and 17, from its session keys: SRTP of sequence number 0xf17b under
 * rollover counter 0, SRTCP of index 0x5d4. */
static void
test_rfc7714(void **state)
{
	static const struct {
		unsigned suite;
		uint16_t flags;
		const char *clear, *sealed;
	} rows[] = {
		{SRTP_AEAD_AES_128_GCM, 0,
		 "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976697361"
		 "20696e207061727465732074726573",
		 "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e"
		 "6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce"},
		{SRTP_AEAD_AES_256_GCM, 0,
		 "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976697361"
		 "20696e207061727465732074726573",
		 "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2"
		 "f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13"},
		{SRTP_AEAD_AES_128_GCM, SRTP_OP_RTCP,
		 "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbe"
		 "efdeadbeefdeadbeefdeadbeefdeadbeef",
		 "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5"
		 "f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade8000"
		 "05d4"},
		{SRTP_AEAD_AES_256_GCM, SRTP_OP_RTCP,
		 "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbe"
		 "efdeadbeefdeadbeefdeadbeefdeadbeef",
		 "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5"
		 "c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be8000"
		 "05d4"},
	};
	struct srtp_session_keys keys[SRTP_HALVES],
		k = {.salt = {0x51, 0x75, 0x69, 0x64, 0x20, 0x70, 0x72, 0x6f, 0x20, 0x71, 0x75,
			      0x6f}};

	(void)state;
	for (unsigned i = 0; i < sizeof(k.crypt); i++)
		k.crypt[i] = (uint8_t)i;
	keys[SRTP_HALF_RTP] = keys[SRTP_HALF_RTCP] = k;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct packet clear = {.len = 0}, pkt;
		uint8_t want[BUF];
		size_t clear_len = 0, len = 0;
		struct pair p;
		uint32_t ssrc = rows[i].flags ? 0x4d617273 : 0x5501a0b2;

		assert_int_equal(codec_hex_get(str_from(rows[i].clear), clear.b, BUF, &clear_len),
				 ERR_OK);
		assert_int_equal(codec_hex_get(str_from(rows[i].sealed), want, BUF, &len), ERR_OK);
		clear.len = (uint32_t)clear_len;
		pkt = clear;
		assert_int_equal(srtp_key_from_session(&ctx, rows[i].suite, keys, &p.key), ERR_OK);
		srtp_state_resume(&p.tx, ssrc, 0, 0x5d4);
		srtp_state_init(&p.rx, ssrc);
		assert_int_equal(protect(&p, &pkt, rows[i].flags), ERR_OK);
		assert_int_equal(pkt.len, len);
		assert_memory_equal(pkt.b, want, len);
		assert_int_equal(unprotect(&p, &pkt, rows[i].flags), ERR_OK);
		assert_memory_equal(pkt.b, clear.b, clear.len);
		srtp_key_free(&ctx, &p.key);
	}
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
	enum err err = ERR_NOMEM;
	struct srtp_ctx *c = calloc(1, sizeof(*c));
	struct srtp_key *key = NULL;
	long steps = 0;

	(void)state;
	assert_non_null(c);
	for (; err; steps++) {
		alloc_left = steps;
		err = srtp_key_new(&ctx, suite_ids[0], master, salt, &key);
		alloc_left = -1;
		if (err) {
			assert_int_equal(err, ERR_NOMEM);
			assert_null(key);
			assert_int_equal(pool_used(&ctx.pools[CIPHER_CM_SHA1]), 0);
		}
		assert_true(steps < 1000);
	}
	assert_true(steps > 5);
	srtp_key_free(&ctx, &key);
	alloc_left = 0;
	assert_int_equal(srtp_ctx_init(c, SRTP_ENGINE_OPENSSL, 1), ERR_NOMEM);
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
	srtp_key_free(&ctx, &p.key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EACH_ENGINE(test_round_trip),
		EACH_ENGINE(test_m3_bits),
		EACH_ENGINE(test_m3_tags),
		EACH_ENGINE(test_m10_lengths),
		EACH_ENGINE(test_refusals),
		EACH_ENGINE(test_no_room),
		EACH_ENGINE(test_lifetime),
		EACH_ENGINE(test_mixed_batch),
		EACH_ENGINE(test_key_errors),
		EACH_ENGINE(test_wiped_and_small),
		EACH_ENGINE(test_mki),
		EACH_ENGINE(test_rfc7714),
		cmocka_unit_test_setup_teardown(test_no_memory, use_openssl, close_ctx),
		cmocka_unit_test_setup_teardown(test_library_fails, use_openssl, close_ctx),
	};

	if (CRYPTO_set_mem_functions(lib_malloc, lib_realloc, lib_free) != 1)
		return 1;
	return cmocka_run_group_tests_name("srtp/engine", tests, NULL, NULL);
}
