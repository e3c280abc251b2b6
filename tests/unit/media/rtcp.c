/* RTCP from one leg written anew for the other: golden tables. B's far end sent packets to us with
 * SSRC 0xb0 that left to A under A's own SSRC, and the other way round. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "media/inbound.h"
#include "media/outbound.h"
#include "media/rtcp.h"
#include "rtp/rtcp.h"

enum { S = 1000000, BUF = 1024 };

static const uint64_t start = 50 * (uint64_t)S;

struct pair {
	struct flow_row a, b;
};

static void
hear(struct flow_row *from, struct flow_row *to, uint32_t ssrc, uint16_t seq, uint32_t ts,
     unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct rtp_hdr h = {.ssrc = ssrc, .seq = (uint16_t)(seq + i), .ts = ts + 160 * i};
		struct inbound_pkt k = {.ssrc = ssrc, .seq = h.seq};
		uint64_t now = start + 20000 * i;
		uint8_t p[RTP_HEADER_LEN];

		inbound_taken(from, &k, now);
		(void)quality_packet(&from->in.quality, h.seq, h.ts, now);
		rtp_put(p, &h);
		outbound_rtp(to, &h, p, now);
		to->stats.out_packets++;
		to->stats.out_octets += 160;
	}
}

static void
pair_up(struct pair *t)
{
	struct media_open o = {.generation = 1, .clock_rate = 8000, .cname = "ours"};

	memset(t, 0, sizeof(*t));
	flow_start(&t->a, &o, start);
	flow_start(&t->b, &o, start);
	t->a.out.state.ssrc = 0xa000;
	t->a.out.seq_last = 999;
	t->a.out.ts_last = 50000;
	t->b.out.state.ssrc = 0xb000;
	t->b.out.seq_last = 1999;
	t->b.out.ts_last = 70000;
	hear(&t->b, &t->a, 0xb0, 65530, 100, 20); /* to A: 1000..1019, ts 50000.. */
	hear(&t->a, &t->b, 0xa0, 300, 9000, 20);  /* to B: 2000..2019, ts 70000.. */
}

static size_t
translate(struct pair *t, struct flow_row *from, struct flow_row *to, const struct buf *in,
	  uint8_t out[BUF], enum err want)
{
	struct buf b;

	(void)t;
	assert_int_equal(media_rtcp_note(from, (const uint8_t *)in->p, in->len, start + S), ERR_OK);
	buf_init(&b, out, BUF);
	assert_int_equal(
		media_rtcp_translate(from, to, (const uint8_t *)in->p, in->len, start + S, &b),
		want);
	return b.len;
}

/* An SR of B with a block about what A said, byte for byte as it goes to A. */
static void
test_sender_report(void **state)
{
	static const uint8_t want[] = {
		0x81, 200, 0,    12,   0, 0, 0xa0, 0,    /* SR, our SSRC towards A */
		1,    2,   3,    4,    5, 6, 7,    8,    /* NTP as it was */
		0,    0,   0xc4, 0x40,                   /* 340 + 50000 - 100 */
		0,    0,   0,    20,   0, 0, 0x0c, 0x80, /* what we sent: 20, 3200 */
		0,    0,   0,    0xa0,                   /* A's own SSRC */
		3,    0,   0,    2,                      /* fraction, lost */
		0,    0,   0x01, 0x3e,                   /* 2018 is A's 318 */
		0,    0,   0,    9,                      /* jitter */
		0,    0,   0,    0,    0, 0, 0,    0,    /* LSR of no SR that A sent */
		0x81, 202, 0,    3,    0, 0, 0xa0, 0,    1, 4, 'o', 'u', 'r', 's', 0, 0,
	};
	struct pair t;
	uint8_t in[BUF], out[BUF];
	struct rtcp_sender s = {
		.ntp = 0x0102030405060708, .rtp_ts = 340, .packets = 77, .octets = 88};
	struct rtcp_block b = {.ssrc = 0xb000,
			       .fraction = 3,
			       .lost = 2,
			       .max_seq = 2018,
			       .jitter = 9,
			       .lsr = 5,
			       .dlsr = 6};
	struct rtcp_block strange = {.ssrc = 0xdead};
	struct rtcp_block both[2];
	struct buf i;
	size_t n;

	(void)state;
	pair_up(&t);
	both[0] = strange;
	both[1] = b;
	buf_init(&i, in, sizeof(in));
	rtcp_put_sr(&i, 0xb0, &s, both, 2);
	rtcp_put_cname(&i, 0xb0, STR("secret@gateway.example"));
	n = translate(&t, &t.b, &t.a, &i, out, ERR_OK);
	assert_int_equal(n, sizeof(want));
	for (size_t k = 0; k < n; k++)
		if (out[k] != want[k])
			fail_msg("byte %zu is %02x, wanted %02x", k, out[k], want[k]);
	assert_int_equal(t.b.stats.far_lost, 2);
	assert_int_equal(t.b.stats.far_seq, 2018);
	assert_int_equal(t.b.stats.far_reports, 1); /* not the one about somebody else */
	assert_int_equal(t.b.stats.far_jitter_us, 9 * 125);
	assert_int_equal(t.b.in.sr_mid, 0x03040506);
}

/* What is passed on of each kind of packet. */
static void
test_kinds(void **state)
{
	static const struct {
		const char *name;
		uint8_t p[32];
		size_t len;
		bool pass; /* ssrc: pass towards A */
		enum err want;
		uint8_t last; /* type of the last packet written */
	} rows[] = {
		{"RR without blocks", {0x80, 201, 0, 1, 0, 0, 0, 0xb0}, 8, false, ERR_OK, 202},
		{"BYE, own SSRC", {0x81, 203, 0, 1, 0, 0, 0, 0xb0}, 8, false, ERR_NOTFOUND, 0},
		{"BYE, passed SSRC", {0x81, 203, 0, 1, 0, 0, 0, 0xb0}, 8, true, ERR_OK, 203},
		{"BYE of another, passed",
		 {0x81, 203, 0, 1, 0, 0, 0, 0xb1},
		 8,
		 true,
		 ERR_NOTFOUND,
		 0},
		{"APP",
		 {0x80, 204, 0, 2, 0, 0, 0, 0xb0, 'x', 'x', 'x', 'x'},
		 12,
		 false,
		 ERR_NOTFOUND,
		 0},
		{"PSFB", {0x81, 206, 0, 2, 0, 0, 0, 0xb0, 0, 0, 0, 1}, 12, false, ERR_NOTFOUND, 0},
		{"XR", {0x80, 207, 0, 1, 0, 0, 0, 0xb0}, 8, false, ERR_NOTFOUND, 0},
		{"type 199", {0x80, 199, 0, 1, 0, 0, 0, 0xb0}, 8, false, ERR_NOTFOUND, 0},
		{"SDES alone",
		 {0x81, 202, 0, 2, 0, 0, 0, 0xb0, 1, 1, 'x', 0},
		 12,
		 false,
		 ERR_NOTFOUND,
		 0},
		{"RR and BYE, own SSRC",
		 {0x80, 201, 0, 1, 0, 0, 0, 0xb0, 0x81, 203, 0, 1, 0, 0, 0, 0xb0},
		 16,
		 false,
		 ERR_OK,
		 202},
		{"SR of another source is an RR",
		 {0x80, 200, 0, 6, 0, 0, 0, 0xb7},
		 28,
		 false,
		 ERR_OK,
		 202},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct pair t;
		struct buf in;
		struct rtcp_iter it;
		struct rtcp_pkt k = {0};
		uint8_t bytes[32], out[BUF];
		size_t n;

		pair_up(&t);
		if (rows[r].pass) {
			t.a.conf.flags |= MEDIA_F_SSRC_PASS;
			hear(&t.b, &t.a, 0xb0, 14, 3300, 1);
		}
		memcpy(bytes, rows[r].p, sizeof(bytes));
		buf_init(&in, bytes, sizeof(bytes));
		in.len = rows[r].len;
		n = translate(&t, &t.b, &t.a, &in, out, rows[r].want);
		if (rows[r].want != ERR_OK)
			continue;
		assert_int_equal(rtcp_open(out, n, false, &it), ERR_OK);
		assert_true(rtcp_next(&it, &k));
		if (k.type != RTCP_RR)
			fail_msg("%s: begins with %u", rows[r].name, k.type);
		while (rtcp_next(&it, &k))
			;
		if (k.type != rows[r].last)
			fail_msg("%s: ends with %u", rows[r].name, k.type);
	}
}

/* The report block that speaks of a sequence number, in the other side's counting, over wraps. */
static void
test_sequence_back(void **state)
{
	static const struct {
		const char *name;
		uint32_t reported, want; /* B's numbers: 65530.. 65549, so the round counts */
	} rows[] = {{"the first", 1000, 65530},
		    {"before B's wrap", 1005, 65535},
		    {"behind it", 1006, 65536},
		    {"the last", 1019, 65549},
		    {"we have wrapped, the far end counts rounds", (7u << 16) | 1019, 65549}};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct pair t;
		struct rtcp_block b = {.ssrc = 0xa000, .max_seq = rows[r].reported}, got;
		struct rtcp_iter it;
		struct rtcp_pkt k;
		struct buf in;
		uint8_t bytes[BUF], out[BUF];
		size_t n;

		pair_up(&t);
		buf_init(&in, bytes, sizeof(bytes));
		rtcp_put_rr(&in, 0xa0, &b, 1);
		n = translate(&t, &t.a, &t.b, &in, out, ERR_OK);
		assert_int_equal(rtcp_open(out, n, false, &it), ERR_OK);
		assert_true(rtcp_next(&it, &k));
		assert_int_equal(rtcp_read_block(&k, 0, &got), ERR_OK);
		if (got.ssrc != 0xb0 || got.max_seq != rows[r].want)
			fail_msg("%s: %x %u, wanted %u", rows[r].name, got.ssrc, got.max_seq,
				 rows[r].want);
	}
}

/* Round trip from a translated SR, and from one of our own, which the other side never sees. */
static void
test_round_trip(void **state)
{
	static const struct {
		const char *name;
		bool own;
	} rows[] = {{"translated", false}, {"own", true}};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct pair t;
		struct rtcp_sender s = {.ntp = 0x0102030405060708};
		struct rtcp_block b = {.ssrc = 0xa000, .max_seq = 1019, .dlsr = 65536 / 4}, got;
		struct rtcp_iter it;
		struct rtcp_pkt k;
		struct buf in, o;
		uint8_t bytes[BUF], out[BUF];
		size_t n;

		pair_up(&t);
		buf_init(&in, bytes, sizeof(bytes));
		rtcp_put_sr(&in, 0xb0, &s, NULL, 0);
		if (rows[r].own) {
			buf_init(&o, out, sizeof(out));
			media_rtcp_own(&t.a, start + S, 1790000000ull * S, &o);
		} else {
			(void)translate(&t, &t.b, &t.a, &in, out, ERR_OK);
		}
		b.lsr = t.a.out.sr_mid;
		assert_int_not_equal(b.lsr, 0);
		buf_init(&in, bytes, sizeof(bytes));
		rtcp_put_rr(&in, 0xa0, &b, 1);
		assert_int_equal(media_rtcp_note(&t.a, bytes, in.len, start + S + 300000), ERR_OK);
		if (t.a.stats.round_trip_us != 50000)
			fail_msg("%s: %u", rows[r].name, t.a.stats.round_trip_us);
		buf_init(&o, out, sizeof(out));
		assert_int_equal(media_rtcp_translate(&t.a, &t.b, bytes, in.len, start + 2 * S, &o),
				 ERR_OK);
		n = o.len;
		assert_int_equal(rtcp_open(out, n, false, &it), ERR_OK);
		assert_true(rtcp_next(&it, &k));
		assert_int_equal(rtcp_read_block(&k, 0, &got), ERR_OK);
		assert_int_equal(got.lsr, rows[r].own ? 0 : 0x03040506);
	}
}

/* What A's decoder asks of B's encoder: for the source and the numbers that B knows. */
static void
test_feedback(void **state)
{
	static const struct {
		const char *name;
		uint8_t in[88];
		size_t len;
		uint8_t want[24]; /* behind the empty RR and the CNAME */
		size_t want_len;  /* 0: it stays behind */
	} rows[] = {
		{"PLI",
		 {0x81, 206, 0, 2, 0, 0, 0, 0xa0, 0, 0, 0xa0, 0},
		 12,
		 {0x81, 206, 0, 2, 0, 0, 0xb0, 0, 0, 0, 0, 0xb0},
		 12},
		{"FIR",
		 {0x84, 206, 0, 4, 0, 0, 0, 0xa0, 0, 0, 0, 0, 0, 0, 0xa0, 0, 9, 0, 0, 0},
		 20,
		 {0x84, 206, 0, 4, 0, 0, 0xb0, 0, 0, 0, 0, 0, 0, 0, 0, 0xb0, 9, 0, 0, 0},
		 20},
		{"NACK of 1005 and 1000", /* 65535, 65530 */
		 {0x81, 205, 0,    4,    0, 0, 0,    0xa0, 0, 0,
		  0xa0, 0,   0x03, 0xed, 0, 1, 0x03, 0xe8, 0, 0},
		 20,
		 {0x81, 205,  0,    4,    0, 0, 0xb0, 0,    0, 0,
		  0,    0xb0, 0xff, 0xff, 0, 1, 0xff, 0xfa, 0, 0},
		 20},
		{"PLI of another source",
		 {0x81, 206, 0, 2, 0, 0, 0, 0xa0, 0, 0, 0xa0, 1},
		 12,
		 {0},
		 0},
		{"FIR without an entry",
		 {0x84, 206, 0, 2, 0, 0, 0, 0xa0, 0, 0, 0xa0, 0},
		 12,
		 {0},
		 0},
		{"REMB",
		 {0x8f, 206, 0, 3, 0, 0, 0, 0xa0, 0, 0, 0xa0, 0, 'R', 'E', 'M', 'B'},
		 16,
		 {0},
		 0},
		{"TMMBR",
		 {0x83, 205, 0, 4, 0, 0, 0, 0xa0, 0, 0, 0, 0, 0, 0, 0xa0, 0, 1, 2, 3, 4},
		 20,
		 {0},
		 0},
		{"NACK with more than we carry",
		 {0x81, 205, 0, 19, 0, 0, 0, 0xa0, 0, 0, 0xa0, 0},
		 80,
		 {0},
		 0},
	};
	enum { BEFORE = 8 + 16 };

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct pair t;
		uint8_t in[BUF], out[BUF];
		struct buf b;
		size_t n;

		print_message("# %s\n", rows[r].name);
		pair_up(&t);
		buf_init(&b, in, sizeof(in));
		buf_add(&b, rows[r].in, rows[r].len);
		n = translate(&t, &t.a, &t.b, &b, out, rows[r].want_len ? ERR_OK : ERR_NOTFOUND);
		if (!rows[r].want_len)
			continue;
		assert_int_equal(n, BEFORE + rows[r].want_len);
		assert_memory_equal(out + BEFORE, rows[r].want, rows[r].want_len);
	}
}

static void
test_broken(void **state)
{
	static const uint8_t rows[][8] = {{0x81, 200, 0, 1, 0, 0, 0, 1},
					  {0x80, 201, 0, 9, 0, 0, 0, 1},
					  {0x00, 201, 0, 1, 0, 0, 0, 1}};
	struct pair t;

	(void)state;
	pair_up(&t);
	for (size_t r = 0; r < ARRAY_LEN(rows); r++)
		assert_int_not_equal(media_rtcp_note(&t.a, rows[r], 8, start), ERR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sender_report), cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_sequence_back), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_feedback),      cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests_name("media/rtcp", tests, NULL, NULL);
}
