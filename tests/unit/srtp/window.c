/* What the state says: replay (M5), rollover counter (M6), the sender's own window (M7). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pair.h"

/* M5: 500 recorded packets, from seq; each resent from 1 to 200 places behind the highest. */
static void
replay_from(uint16_t seq)
{
	enum { RECORDED = 500, OLD = 200 };
	static struct packet rec[RECORDED];
	struct pair p;

	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
	for (unsigned i = 0; i < RECORDED; i++)
		rec[i] = sealed_rtp(&p, (uint16_t)(seq + i));
	for (unsigned i = 0; i < RECORDED; i++) {
		struct packet pkt = rec[i];

		assert_int_equal(unprotect(&p, &pkt, 0), ERR_OK);
		for (unsigned old = 0; old <= OLD && old <= i; old++)
			assert_int_equal(refused(&p, &rec[i - old], 0), ERR_REPLAY);
	}
	srtp_key_free(&ctx, &p.key);
}

static void
test_m5_replay(void **state)
{
	(void)state;
	replay_from(1000);
	replay_from(65300); /* across a wrap */
}

/* M5: of what never came, 127 behind the highest is taken, 128 behind is not. */
static void
test_m5_window(void **state)
{
	struct packet rec[200];
	struct pair p;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
	for (unsigned i = 0; i < ARRAY_LEN(rec); i++)
		rec[i] = sealed_rtp(&p, (uint16_t)(65450 + i));
	assert_int_equal(unprotect(&p, &rec[0], 0), ERR_OK);
	assert_int_equal(unprotect(&p, &rec[199], 0), ERR_OK);
	for (unsigned i = 1; i < 199; i++) {
		enum err err = unprotect(&p, &rec[i], 0);

		assert_int_equal(err, i < 199 - 127 ? ERR_REPLAY : ERR_OK);
	}
	srtp_key_free(&ctx, &p.key);
}

static void
test_m5_rtcp(void **state)
{
	struct packet rec[200];
	struct pair p;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_32);
	for (unsigned i = 0; i < ARRAY_LEN(rec); i++) {
		rec[i] = clear_rtcp((uint8_t)i);
		assert_int_equal(protect(&p, &rec[i], SRTP_OP_RTCP), ERR_OK);
	}
	for (unsigned i = 100; i < ARRAY_LEN(rec); i++) {
		struct packet pkt = rec[i];

		assert_int_equal(unprotect(&p, &pkt, SRTP_OP_RTCP), ERR_OK);
		for (unsigned j = 100; j <= i; j++)
			assert_int_equal(refused(&p, &rec[j], SRTP_OP_RTCP), ERR_REPLAY);
	}
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(unprotect(&p, &rec[i], SRTP_OP_RTCP),
				 i < 199 - 127 ? ERR_REPLAY : ERR_OK);
	srtp_key_free(&ctx, &p.key);
}

/* M5: copies of one packet in one batch: the first is taken. */
static void
test_m5_batch(void **state)
{
	struct packet copy[SRTP_BATCH_MAX];
	struct srtp_op ops[SRTP_BATCH_MAX];
	struct packet rec[4];
	struct pair p;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
	for (unsigned i = 0; i < 4; i++)
		rec[i] = sealed_rtp(&p, (uint16_t)i);
	for (unsigned i = 0; i < SRTP_BATCH_MAX; i++) {
		copy[i] = rec[i / 16];
		ops[i] = op_of(&p, &p.rx, &copy[i], 0);
	}
	assert_int_equal(srtp_unprotect_batch(&ctx, ops, SRTP_BATCH_MAX), 4);
	for (unsigned i = 0; i < SRTP_BATCH_MAX; i++) {
		assert_int_equal(ops[i].status, i % 16 ? ERR_REPLAY : ERR_OK);
		assert_int_equal(ops[i].out_len, i % 16 ? 0 : 12 + PAYLOAD);
		if (i % 16)
			assert_memory_equal(copy[i].b, rec[i / 16].b, BUF);
	}
	assert_int_equal(p.rx.packets, 4);
	srtp_key_free(&ctx, &p.key);
}

/* M6 (a): what nobody signed does not move the index. */
static void
test_m6_forged(void **state)
{
	struct pair p;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
	for (unsigned i = 0; i < 70000; i += 50) {
		struct packet good = sealed_rtp(&p, (uint16_t)i), bad = clear_rtp(0, PAYLOAD);

		bad.b[2] = (uint8_t)((i + 0x7fff) >> 8);
		bad.b[3] = (uint8_t)(i + 0x7fff);
		refused(&p, &bad, 0);
		assert_int_equal(unprotect(&p, &good, 0), ERR_OK);
	}
	assert_int_equal(srtp_index_roc(p.rx.rtp.next - 1), 1);
	srtp_key_free(&ctx, &p.key);
}

/* M6: a first batch that holds a wrap, in order and not, with junk before it. */
static void
test_m6_first_batch(void **state)
{
	static const uint16_t orders[][6] = {
		{65533, 65534, 65535, 0, 1, 2},
		{65534, 65533, 0, 65535, 2, 1},
		{2, 65533, 65535, 1, 0, 65534},
	};

	(void)state;
	for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
		struct packet pkt[7];
		struct srtp_op ops[7];
		struct pair p;

		pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
		for (uint16_t s = 65533; s != 3; s++) {
			struct packet one = sealed_rtp(&p, s);

			for (unsigned i = 0; i < 6; i++)
				if (orders[o][i] == s)
					pkt[1 + i] = one;
		}
		pkt[0] = clear_rtp(30000, PAYLOAD);
		for (unsigned i = 0; i < 7; i++)
			ops[i] = op_of(&p, &p.rx, &pkt[i], 0);
		assert_int_equal(srtp_unprotect_batch(&ctx, ops, 7), 6);
		assert_int_equal(ops[0].status, ERR_AUTH);
		for (unsigned i = 0; i < 7; i++)
			assert_in_range(ops[i].auths, 1, 2);
		assert_int_equal(p.rx.rtp.next, 65536 + 3);
		srtp_key_free(&ctx, &p.key);
	}
}

/* M6 (c): silence of 40,000 packets; the caller's own rollover counter finds the stream again. */
static void
test_m6_roc(void **state)
{
	struct packet pkt;
	struct srtp_op op;
	struct pair p;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
	srtp_state_resume(&p.tx, SSRC, srtp_index_make(7, 60000), 0);
	srtp_state_resume(&p.rx, SSRC, srtp_index_make(7, 20000), 0);
	assert_int_equal(srtp_index_roc(p.rx.rtp.next - 1), 7);
	pkt = sealed_rtp(&p, 60000);
	assert_int_equal(refused(&p, &pkt, 0), ERR_REPLAY); /* taken for one of roc 6 */
	op = op_of(&p, &p.rx, &pkt, SRTP_OP_ROC);
	op.roc = 8;
	assert_int_equal(srtp_unprotect_batch(&ctx, &op, 1), 0);
	assert_int_equal(op.status, ERR_AUTH);
	assert_int_equal(op.auths, 1);
	op.roc = 7;
	assert_int_equal(srtp_unprotect_batch(&ctx, &op, 1), 1);
	assert_int_equal(op.index, srtp_index_make(7, 60000));
	assert_int_equal(p.rx.rtp.next, srtp_index_make(7, 60001));
	/* and the sender by its own counter */
	pkt = clear_rtp(3, PAYLOAD);
	op = op_of(&p, &p.tx, &pkt, SRTP_OP_ROC);
	op.roc = 8;
	assert_int_equal(srtp_protect_batch(&ctx, &op, 1), 1);
	pkt.len = op.out_len;
	assert_int_equal(unprotect(&p, &pkt, 0), ERR_OK);
	assert_int_equal(srtp_index_roc(p.rx.rtp.next - 1), 8);
	srtp_key_free(&ctx, &p.key);
}

/* M6 (e), (g): a new key keeps the counter; a recording under roc 0 stays refused after a wrap. */
static void
test_m6_rekey(void **state)
{
	struct packet rec, pkt;
	struct srtp_op op;
	struct pair p;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
	rec = sealed_rtp(&p, 500);
	pkt = rec;
	assert_int_equal(unprotect(&p, &pkt, 0), ERR_OK);
	for (uint32_t seq = 20000; seq < 65536 + 1000; seq += 20000) {
		pkt = sealed_rtp(&p, (uint16_t)seq);
		assert_int_equal(unprotect(&p, &pkt, 0), ERR_OK);
	}
	pkt = sealed_rtp(&p, 490);
	assert_int_equal(unprotect(&p, &pkt, 0), ERR_OK);
	assert_int_equal(refused(&p, &rec, 0), ERR_AUTH);
	op = op_of(&p, &p.rx, &rec, SRTP_OP_ROC);
	assert_int_equal(srtp_unprotect_batch(&ctx, &op, 1), 0);
	assert_int_equal(op.status, ERR_REPLAY);
	srtp_key_free(&ctx, &p.key);
	assert_int_equal(srtp_key_new(&ctx, suite_ids[0], master + 1, salt, &p.key), ERR_OK);
	pkt = sealed_rtp(&p, 501);
	assert_int_equal(unprotect(&p, &pkt, 0), ERR_OK);
	assert_int_equal(srtp_index_roc(p.rx.rtp.next - 1), 1);
	srtp_key_free(&ctx, &p.key);
}

/* M7: no index twice under a key on the sending side. */
static void
test_m7_sender(void **state)
{
	static const struct {
		const char *name;
		uint16_t seq;
		enum err want;
	} rows[] = {
		{"first", 65500, ERR_OK},
		{"again", 65500, ERR_REPLAY},
		{"ahead", 65510, ERR_OK},
		{"between, not used", 65505, ERR_OK},
		{"between, used", 65505, ERR_REPLAY},
		{"wrap", 5, ERR_OK},
		{"before the wrap, used", 65510, ERR_REPLAY},
		{"before the wrap, not used", 65511, ERR_OK},
		{"127 behind", (uint16_t)(5 - 127), ERR_OK},
		{"128 behind, not used", (uint16_t)(5 - 128), ERR_REPLAY},
		{"far behind", 40000, ERR_REPLAY},
	};
	struct pair p;

	(void)state;
	pair_up(&p, SRTP_AES_CM_128_HMAC_SHA1_80);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct packet clear = clear_rtp(rows[i].seq, PAYLOAD), pkt = clear;
		struct srtp_state before = p.tx;
		enum err got = protect(&p, &pkt, 0);

		if (got != rows[i].want)
			fail_msg("%s: got %s", rows[i].name, err_name(got));
		if (got == ERR_OK)
			continue;
		assert_memory_equal(&pkt, &clear, sizeof(pkt));
		assert_memory_equal(&p.tx, &before, sizeof(before));
	}
	/* a batch that uses one index twice */
	struct packet twice[2] = {clear_rtp(9, PAYLOAD), clear_rtp(9, PAYLOAD)};
	struct srtp_op ops[2] = {op_of(&p, &p.tx, &twice[0], 0), op_of(&p, &p.tx, &twice[1], 0)};

	assert_int_equal(srtp_protect_batch(&ctx, ops, 2), 1);
	assert_int_equal(ops[1].status, ERR_REPLAY);
	/* after a takeover nothing at or below the lease */
	srtp_state_resume(&p.tx, SSRC, srtp_index_make(3, 100), 50);
	for (uint16_t s = 0; s < 100; s++) {
		struct packet pkt = clear_rtp(s, PAYLOAD);

		assert_int_equal(protect(&p, &pkt, 0), ERR_REPLAY);
	}
	sealed_rtp(&p, 100);
	assert_int_equal(srtp_index_roc(p.tx.rtp.next - 1), 3);
	struct packet rtcp = clear_rtcp(0);

	assert_int_equal(protect(&p, &rtcp, SRTP_OP_RTCP), ERR_OK);
	assert_int_equal(rtcp.b[31], 50);
	srtp_key_free(&ctx, &p.key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EACH_ENGINE(test_m5_replay), EACH_ENGINE(test_m5_window),
		EACH_ENGINE(test_m5_rtcp),   EACH_ENGINE(test_m5_batch),
		EACH_ENGINE(test_m6_forged), EACH_ENGINE(test_m6_first_batch),
		EACH_ENGINE(test_m6_roc),    EACH_ENGINE(test_m6_rekey),
		EACH_ENGINE(test_m7_sender),
	};

	return cmocka_run_group_tests_name("srtp/window", tests, NULL, NULL);
}
