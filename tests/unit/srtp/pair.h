/* Two ends of one stream under one key, and packets between them. After cmocka.h. */
#ifndef TESTS_SRTP_PAIR_H
#define TESTS_SRTP_PAIR_H

#include <string.h>

#include "srtp/engine.h"

enum { SSRC = 0x1234abcd, PAYLOAD = 160, BUF = 1024, KEYS = 64 };

static struct srtp_ctx ctx;
static const uint8_t master[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 99};
static const uint8_t salt[14] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 11, 22, 33, 44};

/* Two ends of one stream under one key. */
struct pair {
	struct srtp_key *key;
	struct srtp_state tx, rx;
};

struct packet {
	uint8_t b[BUF];
	uint32_t len;
};

static inline int
open_ctx(enum srtp_engine engine)
{
	return srtp_ctx_init(&ctx, engine, KEYS) == ERR_OK ? 0 : -1;
}

static inline int
use_auto(void **state)
{
	(void)state;
	return open_ctx(SRTP_ENGINE_AUTO);
}

static inline int
use_openssl(void **state)
{
	(void)state;
	return open_ctx(SRTP_ENGINE_OPENSSL);
}

/* Fails when a key is left. */
static inline int
close_ctx(void **state)
{
	uint32_t left = pool_used(&ctx.pools[CIPHER_CM_SHA1]) + pool_used(&ctx.pools[CIPHER_GCM]);

	(void)state;
	srtp_ctx_fini(&ctx);
	return left == 0 ? 0 : -1;
}

/* A test with the engine of this machine, and with the one that runs everywhere. */
#define EACH_ENGINE(f)                                                                             \
	{#f, f, use_auto, close_ctx, NULL},                                                        \
	{                                                                                          \
#f " openssl", f, use_openssl, close_ctx, NULL                                     \
	}

static const uint8_t suite_ids[] = {
	SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_AES_CM_128_HMAC_SHA1_32, SRTP_AES_256_CM_HMAC_SHA1_80,
	SRTP_AES_256_CM_HMAC_SHA1_32, SRTP_AEAD_AES_128_GCM,        SRTP_AEAD_AES_256_GCM,
};

static inline void
pair_up(struct pair *p, unsigned suite)
{
	assert_int_equal(srtp_key_new(&ctx, suite, master, salt, &p->key), ERR_OK);
	srtp_state_init(&p->tx, SSRC);
	srtp_state_init(&p->rx, SSRC);
}

/* A clear packet; each byte of the payload depends on seq. */
static inline struct packet
clear_rtp(uint16_t seq, uint32_t payload)
{
	struct packet p = {.len = 12 + payload};
	const uint8_t head[12] = {
		0x80, 8, (uint8_t)(seq >> 8), (uint8_t)seq, 0, 0, 1, 2, 0x12, 0x34, 0xab, 0xcd};

	memcpy(p.b, head, sizeof(head));
	for (uint32_t i = 0; i < payload; i++)
		p.b[12 + i] = (uint8_t)(seq * 7 + i);
	return p;
}

static inline struct packet
clear_rtcp(uint8_t mark)
{
	struct packet p = {.b = {0x80, 200, 0, 6, 0x12, 0x34, 0xab, 0xcd, mark}, .len = 28};

	return p;
}

static inline struct srtp_op
op_of(struct pair *p, struct srtp_state *s, struct packet *pkt, uint16_t flags)
{
	return (struct srtp_op){.key = p->key,
				.state = s,
				.buf = pkt->b,
				.len = pkt->len,
				.cap = BUF,
				.flags = flags};
}

static inline enum err
protect(struct pair *p, struct packet *pkt, uint16_t flags)
{
	struct srtp_op op = op_of(p, &p->tx, pkt, flags);
	unsigned n = srtp_protect_batch(&ctx, &op, 1);

	assert_int_equal(n, op.status == ERR_OK);
	pkt->len = op.status ? pkt->len : op.out_len;
	return op.status;
}

static inline enum err
unprotect(struct pair *p, struct packet *pkt, uint16_t flags)
{
	struct srtp_op op = op_of(p, &p->rx, pkt, flags);
	unsigned n = srtp_unprotect_batch(&ctx, &op, 1);

	assert_int_equal(n, op.status == ERR_OK);
	pkt->len = op.status ? pkt->len : op.out_len;
	return op.status;
}

static inline struct packet
sealed_rtp(struct pair *p, uint16_t seq)
{
	struct packet pkt = clear_rtp(seq, PAYLOAD);

	assert_int_equal(protect(p, &pkt, 0), ERR_OK);
	return pkt;
}

/* Unprotect must refuse pkt, and leave state and bytes alone. */
static inline enum err
refused(struct pair *p, const struct packet *pkt, uint16_t flags)
{
	struct packet copy = *pkt;
	struct srtp_state before = p->rx;
	enum err err = unprotect(p, &copy, flags);

	assert_int_not_equal(err, ERR_OK);
	assert_memory_equal(&before, &p->rx, sizeof(before));
	assert_memory_equal(copy.b, pkt->b, sizeof(copy.b));
	return err;
}

#endif
