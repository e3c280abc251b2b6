#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/codec.h"
#include "rtp/rtcp.h"

#define SR0 "80c80006 00000001 00000000 00000000 00000000 00000000 00000000 "
#define RR0 "80c90001 00000001 "
#define RR1 RR1_HEAD "00000002 01ffffff 00010002 00000003 00000004 00000005 "
#define RR1_HEAD "81c90007 00000001 "

struct open_row {
	const char *name, *hex; /* blanks are left out */
	bool reduced;
	enum err want;
	unsigned packets;
};

static const struct open_row rows[] = {
	{"empty", "", false, ERR_SHORT, 0},
	{"3 octets", "80c900", false, ERR_SHORT, 0},
	{"SR alone", SR0, false, ERR_OK, 1},
	{"RR alone", RR0, false, ERR_OK, 1},
	{"RR with a block", RR1, false, ERR_OK, 1},
	{"RR, SDES, BYE", RR0 "81ca0002 00000001 01026162 00 000000", false, ERR_SYNTAX, 0},
	{"RR, SDES", RR0 "81ca0003 00000001 01026162 00000000", false, ERR_OK, 2},
	{"RR, SDES, BYE with reason",
	 RR0 "81ca0003 00000001 01026162 00000000 81cb0002 00000001 "
	     "03627965",
	 false, ERR_OK, 3},
	{"RR, APP as baresip", RR0 "80cc0003 00000001 50494e47 00000000", false, ERR_OK, 2},
	{"APP first", "80cc0002 00000001 50494e47", false, ERR_SYNTAX, 0},
	{"APP first, reduced", "80cc0002 00000001 50494e47", true, ERR_OK, 1},
	{"NACK first, reduced", "81cd0003 00000001 00000002 00000003", true, ERR_OK, 1},
	{"XR behind RR", RR0 "80cf0001 00000001", false, ERR_OK, 2},
	{"unknown 199 behind RR", RR0 "80c70000", false, ERR_OK, 2},
	{"type 100 is no RTCP", RR0 "80640000", false, ERR_SYNTAX, 0},
	{"version 1", "40c90001 00000001", false, ERR_SYNTAX, 0},
	{"second of version 0", RR0 "00ca0000", false, ERR_SYNTAX, 0},
	{"length beyond the end", "80c90002 00000001", false, ERR_SYNTAX, 0},
	{"length 0xffff", "80c9ffff 00000001", false, ERR_SYNTAX, 0},
	{"junk behind", RR0 "00", false, ERR_SYNTAX, 0},
	{"junk of 4 behind", RR0 "00000000", false, ERR_SYNTAX, 0},
	{"count without blocks", "9fc90001 00000001", false, ERR_SYNTAX, 0},
	{"SR too short", "80c80005 00000001 00000000 00000000 00000000 00000000", false, ERR_SYNTAX,
	 0},
	{"RR without SSRC", "80c90000", false, ERR_SYNTAX, 0},
	{"padding 4", RR0 "a0ca0001 00000004", false, ERR_OK, 2},
	{"padding 0", RR0 "a0ca0001 00000000", false, ERR_SYNTAX, 0},
	{"padding 3", RR0 "a0ca0001 00000003", false, ERR_SYNTAX, 0},
	{"padding over all", RR0 "a0ca0001 00000008", false, ERR_SYNTAX, 0},
	{"padding 252", RR0 "a0ca0001 000000fc", false, ERR_SYNTAX, 0},
	{"padding on the first", "a0c90002 00000001 00000004 80ca0000", false, ERR_SYNTAX, 0},
	{"padding eats the block",
	 "a1c90007 00000001 00000002 00000000 00000000 00000000 00000000 "
	 "00000004",
	 false, ERR_SYNTAX, 0},
	{"SDES item beyond", RR0 "81ca0002 00000001 01ff6162", false, ERR_SYNTAX, 0},
	{"SDES without end", RR0 "81ca0002 00000001 01026162", false, ERR_SYNTAX, 0},
	{"SDES item of one octet", RR0 "81ca0002 00000001 02006101", false, ERR_SYNTAX, 0},
	{"SDES count beyond", RR0 "82ca0003 00000001 01026162 00000000", false, ERR_SYNTAX, 0},
	{"SDES empty chunk", RR0 "81ca0002 00000001 00000000", false, ERR_OK, 2},
	{"BYE of none", RR0 "80cb0000", false, ERR_OK, 2},
	{"BYE count beyond", RR0 "82cb0001 00000001", false, ERR_SYNTAX, 0},
	{"BYE reason beyond", RR0 "81cb0002 00000001 04627965", false, ERR_SYNTAX, 0},
	{"feedback too short", "81cd0001 00000001", true, ERR_SYNTAX, 0},
};

/* Hex with blanks to octets on the heap of their exact number. */
static uint8_t *
make_packet(const char *hex, size_t *len)
{
	char tight[512];
	uint8_t bytes[256], *p;
	size_t n = 0;

	for (; *hex; hex++)
		if (*hex != ' ')
			tight[n++] = *hex;
	assert_int_equal(codec_hex_get(str_of(tight, n), bytes, sizeof(bytes), len), ERR_OK);
	p = test_malloc(*len + (*len == 0));
	memcpy(p, bytes, *len);
	return p;
}

static void
test_open(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct open_row *r = &rows[i];
		struct rtcp_iter it;
		struct rtcp_pkt k;
		unsigned n = 0;
		size_t len;
		uint8_t *p = make_packet(r->hex, &len);
		enum err e = rtcp_open(p, len, r->reduced, &it);

		while (e == ERR_OK && rtcp_next(&it, &k))
			n++;
		if (e != r->want || n != r->packets) {
			print_error("%s: %s, %u packets\n", r->name, err_name(e), n);
			bad++;
		}
		test_free(p);
	}
	assert_int_equal(bad, 0);
}

static void
test_too_many(void **state)
{
	uint8_t p[4 * (RTCP_COMPOUND_MAX + 2)];
	struct rtcp_iter it;

	(void)state;
	for (size_t i = 0; i < sizeof(p); i += 4)
		memcpy(p + i, (uint8_t[]){0x80, RTCP_BYE, 0, 0}, 4);
	assert_int_equal(rtcp_open(p, sizeof(size_t) * 4, true, &it), ERR_OK);
	assert_int_equal(rtcp_open(p, 4 * RTCP_COMPOUND_MAX, true, &it), ERR_OK);
	assert_int_equal(rtcp_open(p, 4 * (RTCP_COMPOUND_MAX + 1), true, &it), ERR_SYNTAX);
}

static void
test_round_trip(void **state)
{
	const struct rtcp_sender s = {0x0123456789abcdefull, 0xfffffff0, 7, 1120};
	const struct rtcp_block blocks[2] = {
		{.ssrc = 0xdeadbeef,
		 .lost = -5,
		 .max_seq = 0x1ffff,
		 .jitter = 80,
		 .lsr = 9,
		 .dlsr = 10,
		 .fraction = 255},
		{.ssrc = 2, .lost = 0x7fffffff},
	};
	struct rtcp_sender got_s;
	struct rtcp_block got;
	struct rtcp_iter it;
	struct rtcp_pkt k;
	struct str cname, name, data;
	uint8_t mem[256];
	uint32_t ssrc;
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof(mem));
	rtcp_put_sr(&b, 0xcafe, &s, blocks, 2);
	rtcp_put_cname(&b, 0xcafe, STR("postern"));
	rtcp_put_bye(&b, 0xcafe);
	assert_int_equal(buf_end(&b), ERR_OK);
	assert_int_equal(rtcp_open(mem, b.len, false, &it), ERR_OK);
	assert_true(rtcp_next(&it, &k) && k.type == RTCP_SR && k.count == 2);
	assert_int_equal(rtcp_ssrc(&k), 0xcafe);
	assert_int_equal(rtcp_read_sender(&k, &got_s), ERR_OK);
	assert_true(got_s.ntp == s.ntp && got_s.rtp_ts == s.rtp_ts);
	assert_true(got_s.packets == 7 && got_s.octets == 1120);
	assert_int_equal(rtcp_read_block(&k, 0, &got), ERR_OK);
	assert_true(got.lost == -5 && got.fraction == 255 && got.ssrc == 0xdeadbeef);
	assert_true(got.max_seq == 0x1ffff && got.jitter == 80 && got.lsr == 9 && got.dlsr == 10);
	assert_int_equal(rtcp_read_block(&k, 1, &got), ERR_OK);
	assert_int_equal(got.lost, RTCP_LOST_MAX);
	assert_int_equal(rtcp_read_block(&k, 2, &got), ERR_NOTFOUND);
	assert_int_equal(rtcp_read_bye(&k, 0, &ssrc), ERR_NOTFOUND);
	assert_true(rtcp_next(&it, &k) && k.type == RTCP_SDES);
	assert_int_equal(rtcp_ssrc(&k), 0xcafe);
	assert_int_equal(rtcp_read_cname(&k, 0xcafe, &cname), ERR_OK);
	assert_true(str_eqz(cname, "postern"));
	assert_int_equal(rtcp_read_cname(&k, 1, &cname), ERR_NOTFOUND);
	assert_int_equal(rtcp_read_sender(&k, &got_s), ERR_NOTFOUND);
	assert_int_equal(rtcp_read_app(&k, &name, &data), ERR_NOTFOUND);
	assert_true(rtcp_next(&it, &k) && k.type == RTCP_BYE);
	assert_int_equal(rtcp_read_bye(&k, 0, &ssrc), ERR_OK);
	assert_int_equal(ssrc, 0xcafe);
	assert_int_equal(rtcp_bye_reason(&k).len, 0);
	assert_false(rtcp_next(&it, &k));
}

static void
test_cname_lengths(void **state)
{
	char text[300];

	(void)state;
	memset(text, 'c', sizeof(text));
	for (size_t len = 0; len <= sizeof(text); len++) {
		uint8_t mem[400];
		struct rtcp_iter it;
		struct rtcp_pkt k;
		struct str cname;
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		rtcp_put_rr(&b, 1, NULL, 0);
		rtcp_put_cname(&b, 1, str_of(text, len));
		assert_int_equal(rtcp_open(mem, b.len, false, &it), ERR_OK);
		assert_true(rtcp_next(&it, &k) && rtcp_next(&it, &k));
		assert_int_equal(rtcp_read_cname(&k, 0, &cname), ERR_OK);
		assert_int_equal(cname.len, len < 255 ? len : 255);
	}
}

static void
test_app_and_reason(void **state)
{
	size_t len;
	uint8_t *p = make_packet(RR0 "81cb0002 00000001 03627965 82cc0003 00000005 50494e47 "
				     "01020304",
				 &len);
	struct rtcp_iter it;
	struct rtcp_pkt k;
	struct str name, data;

	(void)state;
	assert_int_equal(rtcp_open(p, len, false, &it), ERR_OK);
	assert_true(rtcp_next(&it, &k) && rtcp_next(&it, &k));
	assert_true(str_eqz(rtcp_bye_reason(&k), "bye"));
	assert_true(rtcp_next(&it, &k));
	assert_int_equal(rtcp_read_app(&k, &name, &data), ERR_OK);
	assert_true(str_eqz(name, "PING") && data.len == 4 && data.p[3] == 4 && k.count == 2);
	assert_int_equal(rtcp_ssrc(&k), 5);
	assert_true(rtcp_bye_reason(&k).len == 0);
	test_free(p);
}

/* Readers check for themselves: packets that rtcp_open would not have let pass. */
static void
test_cut_packets(void **state)
{
	static const uint8_t zero[64] = {0};
	static const uint8_t sdes[] = {0x82, RTCP_SDES, 0, 5, 0, 0, 0, 1, 1,   1,
				       'a',  0,         0, 0, 0, 2, 2, 1, 'b', 0};
	struct rtcp_pkt k = {.p = zero, .len = 4, .type = RTCP_SR, .count = 1};
	struct rtcp_block block;
	struct rtcp_sender sender;
	struct str name, data;
	uint32_t ssrc;

	(void)state;
	assert_int_equal(rtcp_ssrc(&k), 0);
	assert_int_equal(rtcp_read_sender(&k, &sender), ERR_NOTFOUND);
	assert_int_equal(rtcp_read_block(&k, 0, &block), ERR_NOTFOUND);
	k.type = RTCP_RR;
	assert_int_equal(rtcp_read_block(&k, 0, &block), ERR_NOTFOUND);
	k.type = RTCP_APP;
	assert_int_equal(rtcp_read_app(&k, &name, &data), ERR_NOTFOUND);
	assert_int_equal(rtcp_read_block(&k, 0, &block), ERR_NOTFOUND);
	assert_int_equal(rtcp_read_cname(&k, 0, &name), ERR_NOTFOUND);
	k.type = RTCP_BYE;
	assert_int_equal(rtcp_read_bye(&k, 0, &ssrc), ERR_NOTFOUND);
	assert_int_equal(rtcp_ssrc(&k), 0);
	k.type = RTCP_SDES;
	assert_int_equal(rtcp_read_cname(&k, 0, &name), ERR_NOTFOUND);
	k = (struct rtcp_pkt){.p = sdes, .len = 20, .type = RTCP_SDES, .count = 2};
	assert_int_equal(rtcp_read_cname(&k, 1, &name), ERR_OK);
	assert_true(str_eqz(name, "a"));
	assert_int_equal(rtcp_read_cname(&k, 2, &name), ERR_NOTFOUND); /* not a CNAME */
	k.len = 10;
	assert_int_equal(rtcp_read_cname(&k, 1, &name), ERR_NOTFOUND);
	k.len = 9;
	assert_int_equal(rtcp_read_cname(&k, 1, &name), ERR_NOTFOUND);
	k.count = 0;
	assert_int_equal(rtcp_ssrc(&k), 0);
	assert_false(rtcp_is(zero, 1) || rtcp_is(zero, 2));
	assert_true(rtcp_is(sdes, 2));
}

/* What does not fit its field is cut to the field's end. */
static void
test_clamps(void **state)
{
	struct rtcp_block blocks[RTCP_BLOCKS_MAX + 1] = {{.lost = INT32_MIN}}, got;
	uint8_t mem[2048];
	struct rtcp_iter it;
	struct rtcp_pkt k;
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof(mem));
	rtcp_put_rr(&b, 1, blocks, RTCP_BLOCKS_MAX + 1);
	rtcp_put_sr(&b, 1, &(struct rtcp_sender){0}, blocks, RTCP_BLOCKS_MAX + 1);
	assert_int_equal(rtcp_open(mem, b.len, false, &it), ERR_OK);
	assert_true(rtcp_next(&it, &k) && k.count == RTCP_BLOCKS_MAX);
	assert_int_equal(rtcp_read_block(&k, 0, &got), ERR_OK);
	assert_int_equal(got.lost, RTCP_LOST_MIN);
	assert_true(rtcp_next(&it, &k) && k.count == RTCP_BLOCKS_MAX && !rtcp_next(&it, &k));
}

static void
test_full_buffer(void **state)
{
	uint8_t mem[30];
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof(mem));
	rtcp_put_rr(&b, 1, NULL, 0);
	rtcp_put_sr(&b, 1, &(struct rtcp_sender){0}, NULL, 0);
	assert_int_equal(buf_end(&b), ERR_LONG);
}

static void
test_ntp(void **state)
{
	(void)state;
	assert_true(rtcp_ntp(0) == 2208988800ull << 32);
	assert_true(rtcp_ntp(1500000) == (2208988801ull << 32 | 0x80000000u));
	/* 2036-02-07 06:28:16 UTC: the seconds wrap */
	assert_true(rtcp_ntp(2085978496ull * 1000000) == 0);
	assert_int_equal(rtcp_ntp_mid(0x1234567812345678ull), 0x56781234);
	assert_int_equal(rtcp_us_to_mid(1000000), 65536);
	assert_int_equal(rtcp_us_to_mid(500000), 32768);
	assert_true(rtcp_us_to_mid(UINT64_MAX) == UINT32_MAX);
	assert_true(rtcp_us_to_mid(65536ull * 1000000) == UINT32_MAX);
	assert_true(rtcp_mid_to_us(65536) == 1000000);
	assert_true(rtcp_mid_to_us(UINT32_MAX) == 65535999984ull);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cname_lengths),
		cmocka_unit_test(test_app_and_reason),
		cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_ntp),
		cmocka_unit_test(test_cut_packets),
		cmocka_unit_test(test_clamps),
	};

	return cmocka_run_group_tests_name("rtcp", tests, NULL, NULL);
}
