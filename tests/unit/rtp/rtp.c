#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "rtp/rtp.h"

/* A packet of len octets: the hex at its start, 0xaa behind, the last octet where said. On the heap
 * in its exact size, so that a read behind it is seen. */
struct packet_row {
	const char *name, *hex;
	size_t len;
	int last; /* -1: leave */
	enum err want, want_encrypted;
	unsigned header_len, payload_len, padding_len;
};

static const struct packet_row packets[] = {
	{"plain", "8008000100000002deadbeef", 172, -1, ERR_OK, ERR_OK, 12, 160, 0},
	{"no payload", "8008000100000002deadbeef", 12, -1, ERR_OK, ERR_OK, 12, 0, 0},
	{"M11/len 0", "", 0, -1, ERR_SHORT, ERR_SHORT, 0, 0, 0},
	{"M11/len 1", "80", 1, -1, ERR_SHORT, ERR_SHORT, 0, 0, 0},
	{"M11/len 11", "8008000100000002deadbe", 11, -1, ERR_SHORT, ERR_SHORT, 0, 0, 0},
	{"M11/version 0", "0008000100000002deadbeef", 172, -1, ERR_SYNTAX, ERR_SYNTAX, 0, 0, 0},
	{"M11/version 1", "4008000100000002deadbeef", 172, -1, ERR_SYNTAX, ERR_SYNTAX, 0, 0, 0},
	{"M11/version 3", "c008000100000002deadbeef", 172, -1, ERR_SYNTAX, ERR_SYNTAX, 0, 0, 0},
	{"CC 15 fits", "8f08000100000002deadbeef", 72, -1, ERR_OK, ERR_OK, 72, 0, 0},
	{"M11/CC 15 one short", "8f08000100000002deadbeef", 71, -1, ERR_SYNTAX, ERR_SYNTAX, 0, 0,
	 0},
	{"M11/CC 1 of 12", "8108000100000002deadbeef", 12, -1, ERR_SYNTAX, ERR_SYNTAX, 0, 0, 0},
	{"X of 0 words", "9008000100000002deadbeefbede0000", 16, -1, ERR_OK, ERR_OK, 16, 0, 0},
	{"X of 2 words", "9008000100000002deadbeefbede0002", 30, -1, ERR_OK, ERR_OK, 24, 6, 0},
	{"M11/X without its head", "9008000100000002deadbeefbede00", 15, -1, ERR_SYNTAX, ERR_SYNTAX,
	 0, 0, 0},
	{"M11/X one word over", "9008000100000002deadbeefbede0002", 23, -1, ERR_SYNTAX, ERR_SYNTAX,
	 0, 0, 0},
	{"M11/X 0xffff", "9008000100000002deadbeefbedeffff", 1500, -1, ERR_SYNTAX, ERR_SYNTAX, 0, 0,
	 0},
	{"P 4", "a008000100000002deadbeef", 172, 4, ERR_OK, ERR_OK, 12, 156, 4},
	{"P is all", "a008000100000002deadbeef", 172, 160, ERR_OK, ERR_OK, 12, 0, 160},
	{"M11/P one over", "a008000100000002deadbeef", 172, 161, ERR_SYNTAX, ERR_OK, 12, 160, 0},
	{"M11/P 255", "a008000100000002deadbeef", 172, 255, ERR_SYNTAX, ERR_OK, 12, 160, 0},
	{"M11/P 0", "a008000100000002deadbeef", 172, 0, ERR_SYNTAX, ERR_OK, 12, 160, 0},
	{"M11/P without payload", "a008000100000002deadbeef", 12, -1, ERR_SYNTAX, ERR_OK, 12, 0, 0},
	{"largest", "8008000100000002deadbeef", 65535, -1, ERR_OK, ERR_OK, 12, 65523, 0},
	{"M11/longer than UDP", "8008000100000002deadbeef", 65536, -1, ERR_LONG, ERR_LONG, 0, 0, 0},
};

static bool
same_parts(const struct packet_row *r, const struct rtp_hdr *h, bool encrypted)
{
	unsigned padding = encrypted ? 0 : r->padding_len;

	return h->header_len == r->header_len && h->padding_len == padding &&
	       h->payload_len == r->payload_len + r->padding_len - padding &&
	       (size_t)h->header_len + h->payload_len + h->padding_len == r->len;
}

static void
test_parse(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
		const struct packet_row *r = &packets[i];
		uint8_t *p = test_malloc(r->len + (r->len == 0)), head[64];
		struct rtp_hdr h, g;
		size_t n = 0;
		enum err e, f;

		assert_int_equal(codec_hex_get(str_from(r->hex), head, sizeof(head), &n), ERR_OK);
		memset(p, 0xaa, r->len);
		memcpy(p, head, n);
		if (r->last >= 0)
			p[r->len - 1] = (uint8_t)r->last;
		e = rtp_parse(p, r->len, &h);
		f = rtp_parse_encrypted(p, r->len, &g);
		if (e != r->want || f != r->want_encrypted ||
		    (e == ERR_OK && !same_parts(r, &h, false)) ||
		    (f == ERR_OK && !same_parts(r, &g, true))) {
			print_error("%s: %s, %s\n", r->name, err_name(e), err_name(f));
			bad++;
		}
		test_free(p);
	}
	assert_int_equal(bad, 0);
}

static void
test_fields(void **state)
{
	uint8_t p[] = {0x91, 0xe5, 0x12, 0x34, 0x89, 0xab, 0xcd, 0xef, 0xde, 0xad, 0xbe, 0xef, 1,
		       2,    3,    4,    0xbe, 0xde, 0,    1,    9,    9,    9,    9,    7};
	uint8_t fresh[RTP_HEADER_LEN];
	struct rtp_hdr h, g;

	(void)state;
	assert_int_equal(rtp_parse(p, sizeof(p), &h), ERR_OK);
	assert_int_equal(h.seq, 0x1234);
	assert_true(h.ts == 0x89abcdef && h.ssrc == 0xdeadbeef);
	assert_int_equal(h.pt, 0x65);
	assert_true(h.marker && h.has_ext && !h.has_padding);
	assert_int_equal(h.csrc_count, 1);
	assert_int_equal(h.ext_profile, 0xbede);
	assert_int_equal(h.ext_len, 8);
	assert_int_equal(h.payload_len, 1);
	rtp_set_seq(p, 0xfffe);
	rtp_set_ts(p, 0xffffffff);
	rtp_set_ssrc(p, 1);
	rtp_set_pt(p, 0x88); /* cut to 8, marker kept */
	assert_int_equal(rtp_parse(p, sizeof(p), &h), ERR_OK);
	assert_true(h.seq == 0xfffe && h.ts == 0xffffffff && h.ssrc == 1 && h.pt == 8 && h.marker);
	rtp_set_marker(p, false);
	assert_int_equal(rtp_parse(p, sizeof(p), &h), ERR_OK);
	assert_true(!h.marker && h.pt == 8);
	rtp_put(fresh, &h);
	assert_int_equal(rtp_parse(fresh, sizeof(fresh), &g), ERR_OK);
	assert_true(g.seq == h.seq && g.ts == h.ts && g.ssrc == h.ssrc && g.pt == h.pt);
	h.marker = true;
	rtp_put(fresh, &h);
	assert_int_equal(fresh[1], 0x88);
}

static void
test_kind(void **state)
{
	static const struct {
		const char *name;
		uint8_t p[2];
		size_t len;
		enum rtp_kind want;
	} rows[] = {
		{"empty", {0}, 0, RTP_KIND_NONE},
		{"M8/STUN", {0, 1}, 2, RTP_KIND_STUN},
		{"M8/STUN 3", {3, 0}, 2, RTP_KIND_STUN},
		{"4", {4, 0}, 2, RTP_KIND_NONE},
		{"ZRTP", {16, 0}, 2, RTP_KIND_ZRTP},
		{"M8/DTLS 20", {20, 0}, 2, RTP_KIND_DTLS},
		{"M8/DTLS 63", {63, 0}, 2, RTP_KIND_DTLS},
		{"TURN", {64, 0}, 2, RTP_KIND_TURN},
		{"127", {127, 0}, 2, RTP_KIND_NONE},
		{"RTP", {128, 8}, 2, RTP_KIND_RTP},
		{"RTP with M", {128, 0x88}, 2, RTP_KIND_RTP},
		{"RTP 191", {191, 0}, 1, RTP_KIND_RTP},
		{"192", {192, 0}, 2, RTP_KIND_NONE},
		{"SR", {128, 200}, 2, RTP_KIND_RTCP},
		{"XR", {128, 207}, 2, RTP_KIND_RTCP},
		{"223", {128, 223}, 2, RTP_KIND_RTCP},
		{"224 is M + 96", {128, 224}, 2, RTP_KIND_RTP},
	};
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rtp_kind_of(rows[i].p, rows[i].len) != rows[i].want) {
			print_error("%s\n", rows[i].name);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_kind),
	};

	return cmocka_run_group_tests_name("rtp", tests, NULL, NULL);
}
