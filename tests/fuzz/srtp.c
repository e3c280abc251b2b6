/* unprotect, in four suites, with and without MKI: bytes that nobody signed are refused and change
 * nothing; what protect made opens to what it was; with one bit flipped it is refused. Input:
 * flags, two bytes that choose the bit, then a packet. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "srtp/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 3, BUF = SRTP_PACKET_MAX + 32 };

static const uint8_t suites[] = {SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_AES_CM_128_HMAC_SHA1_32,
				 SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM};
static struct srtp_ctx ctx;
static struct srtp_key *keys[2 * ARRAY_LEN(suites)]; /* the second half with an MKI */
static uint8_t buf[BUF], copy[BUF];

static void
set_up(void)
{
	static const uint8_t master[SRTP_MASTER_KEY_MAX] = {42}, salt[SRTP_SALT_MAX] = {24};

	if (keys[0])
		return;
	if (srtp_ctx_init(&ctx, SRTP_ENGINE_AUTO, ARRAY_LEN(keys)))
		abort();
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (srtp_key_new(&ctx, suites[i % ARRAY_LEN(suites)], master, salt, &keys[i]) ||
		    (i >= ARRAY_LEN(suites) && srtp_key_set_mki(keys[i], 5, 4)))
			abort();
}

/* The SSRC that the packet names, so that parsing goes on to the tag. */
static uint32_t
ssrc_at(const uint8_t *p, size_t size, size_t at)
{
	if (size < at + 4)
		return 0;
	return (uint32_t)p[at] << 24 | (uint32_t)p[at + 1] << 16 | (uint32_t)p[at + 2] << 8 |
	       p[at + 3];
}

static void
must_refuse(struct srtp_op *op, const struct srtp_state *rx)
{
	struct srtp_state state = *rx;

	memcpy(copy, op->buf, op->len);
	op->state = &state;
	if (srtp_unprotect_batch(&ctx, op, 1) != 0 || op->status == ERR_OK ||
	    op->status == ERR_BUG || op->out_len != 0 || memcmp(&state, rx, sizeof(state)) != 0 ||
	    memcmp(copy, op->buf, op->len) != 0)
		abort();
}

static void
round_trip(struct srtp_op op, const uint8_t *clear, uint32_t bit, const struct srtp_state *tx)
{
	struct srtp_state send = *tx, rx = *tx;
	uint32_t len = op.len;

	op.state = &send;
	if (srtp_protect_batch(&ctx, &op, 1) != 1)
		return;
	op.len = op.out_len;
	bit %= op.len * 8;
	buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	must_refuse(&op, &rx);
	buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	op.state = &rx;
	if (srtp_unprotect_batch(&ctx, &op, 1) != 1 || op.out_len != len ||
	    memcmp(buf, clear, len) != 0)
		abort();
	memcpy(buf, clear, len); /* the clear packet, and the state that has seen it */
	op.len = len;
	must_refuse(&op, &rx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srtp_op op = {.buf = buf, .cap = BUF};
	struct srtp_state state;
	uint32_t bit;

	set_up();
	if (size < HEAD || size - HEAD > BUF)
		return 0;
	op.flags = data[0] & (SRTP_OP_RTCP | SRTP_OP_ROC);
	op.key = keys[data[0] >> 2 & 7];
	op.roc = data[0] >> 5;
	bit = (uint32_t)data[1] << 8 | data[2];
	op.len = (uint32_t)(size - HEAD);
	srtp_state_init(&state, ssrc_at(data + HEAD, op.len, op.flags & SRTP_OP_RTCP ? 4 : 8));
	memcpy(buf, data + HEAD, op.len);
	must_refuse(&op, &state);
	round_trip(op, data + HEAD, bit, &state);
	return 0;
}
