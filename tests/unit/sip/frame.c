#include "unit/sip/rows.h"

#include <stdio.h>

#include "sip/frame.h"

#define HEAD "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS h\r\n"
#define ONE HEAD "Content-Length: 0\r\n\r\n"
#define TWO HEAD "X: y\r\nl : 5\r\n\r\nhello"

/* Events as text: message lengths, "c" a CRLF, "p" a ping, the name of the error. */
static char got[4096];
static char mem[SIP_FRAME_BUF];

/* Feed s in pieces: cut at `cut`, or every byte (cut 0). */
static void
run_frame(struct str s, size_t cut, size_t cap)
{
	struct sip_frame f;
	struct buf b;
	size_t at = 0;

	buf_init(&b, got, sizeof(got));
	sip_frame_init(&f, mem + sizeof(mem) - cap, cap);
	for (;;) {
		enum sip_frame_event ev;
		struct str msg;
		enum err e = sip_frame_next(&f, &ev, &msg);
		size_t end;

		if (e != ERR_OK) {
			buf_z(&b, err_name(e));
			assert_int_equal(sip_frame_next(&f, &ev, &msg), e); /* final */
			break;
		}
		if (ev == SIP_FRAME_MESSAGE)
			buf_printf(&b, "%zu,", msg.len);
		else if (ev != SIP_FRAME_MORE)
			buf_z(&b, ev == SIP_FRAME_PING ? "p" : "c");
		if (ev != SIP_FRAME_MORE)
			continue;
		if (at == s.len)
			break;
		end = cut == 0 ? at + 1 : at < cut ? cut : s.len;
		end = sip_frame_feed(&f, str_sub(s, at, end));
		assert_true(end > 0); /* a full buffer and no event */
		at += end;
	}
	buf_cstr(&b);
}

static const struct {
	const char *name;
	struct str text;
	const char *want;
} rows[] = {
#define R(name, text, want)                                                                        \
	{                                                                                          \
		name, {text, sizeof(text) - 1}, want                                               \
	}
	R("nothing", "", ""),
	R("one", ONE, "66,"),
	R("one with body", TWO, "65,"),
	R("two", ONE TWO, "66,65,"),
	R("cut in the head", HEAD "l:", ""),
	R("cut in the body", HEAD "l: 5\r\n\r\nhell", ""),
	R("lone CRLF", "\r\n" ONE, "c66,"),
	R("ping", "\r\n\r\n", "cp"),
	R("pong and a half", "\r\n\r\n\r\n", "cpc"),
	R("two pings", "\r\n\r\n\r\n\r\n", "cpcp"),
	R("CRLF, message, CRLF: no ping", "\r\n" ONE "\r\n" TWO "\r\n\r\n", "c66,c65,cp"),
	R("body that begins with CRLF", HEAD "l: 4\r\n\r\n\r\n\r\n", "57,"),
	R("NUL in the body", HEAD "l: 2\r\n\r\n\0\n" ONE, "55,66,"),
	R("LF first", "\n" ONE, "SYNTAX"),
	R("CR alone first", "\rX", "SYNTAX"),
	R("space first", " " ONE, "SYNTAX"),
	R("TLS hello", "\x16\x03\x01\x02\x00", "SYNTAX"),
	R("NUL first", "\0" ONE, "SYNTAX"),
	R("LF only", "OPTIONS sip:a@b SIP/2.0\nl: 0\n\n", "SYNTAX"),
	R("bare LF in a header", HEAD "X: a\nb\r\nl: 0\r\n\r\n", "SYNTAX"),
	R("start line only", "OPTIONS\r\n\r\n", "NOTFOUND"),
	/* P4: one reading or the end; the second request never comes out */
	R("absent", HEAD "\r\n" ONE, "NOTFOUND"),
	R("negative", HEAD "Content-Length: -1\r\n\r\n" ONE, "SYNTAX"),
	R("plus", HEAD "Content-Length: +5\r\n\r\nhello" ONE, "SYNTAX"),
	R("leading space", HEAD "Content-Length:    5\r\n\r\nhello" ONE, "74,66,"),
	R("quoted", HEAD "Content-Length: \"5\"\r\n\r\nhello" ONE, "SYNTAX"),
	R("quoted, space", HEAD "Content-Length: \" 5\"\r\n\r\nhello" ONE, "SYNTAX"),
	R("trailing letter", HEAD "Content-Length: 5x\r\n\r\nhello" ONE, "SYNTAX"),
	R("hex", HEAD "Content-Length: 0x10\r\n\r\n" ONE, "SYNTAX"),
	R("exponent", HEAD "Content-Length: 1e1\r\n\r\n" ONE, "SYNTAX"),
	R("empty", HEAD "Content-Length:\r\n\r\n" ONE, "SYNTAX"),
	R("list", HEAD "Content-Length: 5,5\r\n\r\nhello" ONE, "SYNTAX"),
	R("2^31-1", HEAD "Content-Length: 2147483647\r\n\r\n" ONE, "RANGE"),
	R("2^31", HEAD "Content-Length: 2147483648\r\n\r\n" ONE, "RANGE"),
	R("2^32+32", HEAD "Content-Length: 4294967328\r\n\r\n" ONE, "RANGE"),
	R("2^64+5", HEAD "Content-Length: 18446744073709551621\r\n\r\n" ONE, "RANGE"),
	R("too long by one", HEAD "Content-Length: 65537\r\n\r\n" ONE, "RANGE"),
	R("too long with its head", HEAD "Content-Length: 65536\r\n\r\n" ONE, "LONG"),
	R("twice, same", HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" ONE, "EXISTS"),
	R("twice, different", HEAD "Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello" ONE,
	  "EXISTS"),
	R("long and compact", HEAD "L: 5\r\nCONTENT-LENGTH: 0\r\n\r\nhello" ONE, "EXISTS"),
	R("folded", HEAD "Content-Length:\r\n 5\r\n\r\nhello" ONE, "SYNTAX"),
	R("digits in a fold", HEAD "Content-Length: 5\r\n 0\r\n\r\nhello" ONE, "SYNTAX"),
	R("hidden in a fold", HEAD "X: a\r\n Content-Length: 5\r\nl: 0\r\n\r\n" ONE, "79,66,"),
	R("space before the colon", HEAD "Content-Length \t: 5\r\n\r\nhello" ONE, "73,66,"),
	R("VT before the colon", HEAD "Content-Length\v: 5\r\n\r\nhello" ONE, "NOTFOUND"),
	R("escaped name", HEAD "Content%2DLength: 5\r\n\r\nhello" ONE, "NOTFOUND"),
	R("in the start line", "Content-Length: 5\r\n\r\nhello" ONE, "NOTFOUND"),
	R("leading zeros", HEAD "l: 00000000000000000000005\r\n\r\nhello" ONE, "80,66,"),
};

/* Whole, byte by byte, and in all 2-splits: the same. */
static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str s = at_end(rows[i].text);

		for (size_t cut = 0; cut <= s.len; cut++) {
			run_frame(s, cut, SIP_FRAME_BUF);
			if (strcmp(got, rows[i].want))
				fail_msg("%s, cut at %zu: %s, wanted %s", rows[i].name, cut, got,
					 rows[i].want);
		}
	}
}

static void
test_limits(void **state)
{
	static char text[AREA_SIZE];
	static const struct {
		const char *name, *line;
		size_t n, body;
		const char *want; /* NULL: a message */
	} cases[] = {
		{"headers at the limit", "X: y\r\n", SIP_HDR_MAX - 2, 0, NULL},
		{"one header too many", "X: y\r\n", SIP_HDR_MAX - 1, 0, "FULL"},
		{"10,000 headers", "X: y\r\n", 10000, 0, "FULL"},
		{"endless folds", " x\r\n", 30000, 0, "LONG"},
		{"longest message", "", 0, SIP_MSG_MAX - 70, NULL},
		{"one byte too long", "", 0, SIP_MSG_MAX - 69, "LONG"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char want[32];
		struct buf b;

		buf_init(&b, text, sizeof(text));
		buf_z(&b, HEAD);
		for (size_t k = 0; k < cases[i].n; k++)
			buf_z(&b, cases[i].line);
		buf_printf(&b, "Content-Length: %zu\r\n\r\n", cases[i].body);
		for (size_t k = 0; k < cases[i].body; k++)
			buf_char(&b, 'b');
		assert_false(b.failed);
		if (cases[i].want)
			snprintf(want, sizeof(want), "%s", cases[i].want);
		else
			snprintf(want, sizeof(want), "%zu,66,", b.len);
		buf_z(&b, ONE);
		run_frame(at_end(buf_view(&b)), b.len, SIP_FRAME_BUF);
		check_str(cases[i].name, "whole", str_from(got), want);
		run_frame(at_end(buf_view(&b)), 0, SIP_FRAME_BUF);
		check_str(cases[i].name, "bytes", str_from(got), want);
		run_frame(at_end(buf_view(&b)), 1000, SIP_FRAME_BUF);
		check_str(cases[i].name, "split", str_from(got), want);
	}
}

static void
test_long_line(void **state)
{
	static char text[SIP_LINE_MAX + 256];
	struct buf b;

	(void)state;
	for (size_t n = SIP_LINE_MAX - 8; n < SIP_LINE_MAX + 8; n++) {
		bool ok = n <= SIP_LINE_MAX;

		buf_init(&b, text, sizeof(text));
		buf_z(&b, HEAD "X:");
		for (size_t k = 0; k < n - 3; k++)
			buf_char(&b, 'v');
		buf_z(&b, "\r\nl: 0\r\n\r\n"); /* the line has n bytes with its CR */
		for (size_t cut = 0; cut < 2; cut++) {
			run_frame(buf_view(&b), cut ? b.len : 0, SIP_FRAME_BUF);
			if ((strcmp(got, "LONG") != 0) != ok)
				fail_msg("line of %zu: %s", n, got);
		}
	}
}

/* A small buffer: room 0 asks for a larger one, and nothing is lost on the way. */
static void
test_move(void **state)
{
	char small[64], large[256];
	enum sip_frame_event ev;
	struct sip_frame f;
	struct str msg = STR_NULL, s = STR(TWO ONE);
	size_t room, n;

	(void)state;
	sip_frame_init(&f, small, sizeof(small));
	n = sip_frame_feed(&f, s);
	assert_int_equal(n, sizeof(small));
	assert_int_equal(sip_frame_next(&f, &ev, &msg), ERR_OK);
	assert_int_equal(ev, SIP_FRAME_MORE);
	sip_frame_room(&f, &room);
	assert_int_equal(room, 0);
	assert_int_equal(sip_frame_move(&f, large, 10), ERR_LONG);
	assert_int_equal(sip_frame_move(&f, large, sizeof(large)), ERR_OK);
	memset(small, 'x', sizeof(small));
	assert_int_equal(sip_frame_feed(&f, str_from_at(s, n)), s.len - n);
	assert_int_equal(sip_frame_next(&f, &ev, &msg), ERR_OK);
	assert_int_equal(ev, SIP_FRAME_MESSAGE);
	check_str("first", "message", msg, TWO);
	assert_int_equal(sip_frame_next(&f, &ev, &msg), ERR_OK);
	check_str("second", "message", msg, ONE);
	assert_int_equal(sip_frame_pending(&f), 0);
	assert_int_equal(sip_frame_next(&f, &ev, &msg), ERR_OK);
	assert_int_equal(ev, SIP_FRAME_MORE);
	assert_int_equal(sip_frame_move(&f, NULL, 0), ERR_OK); /* idle: no buffer at all */
	sip_frame_room(&f, &room);
	assert_int_equal(room, 0);
	assert_int_equal(sip_frame_next(&f, &ev, &msg), ERR_OK);
	assert_int_equal(sip_frame_move(&f, large, sizeof(large)), ERR_OK);
	assert_int_equal(sip_frame_feed(&f, STR(ONE)), sizeof(ONE) - 1);
	assert_int_equal(sip_frame_next(&f, &ev, &msg), ERR_OK);
	check_str("third", "message", msg, ONE);
}

/* The framer and the message parser read the same length. */
static void
test_agree(void **state)
{
	static struct sip_msg m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum sip_frame_event ev = SIP_FRAME_MORE;
		struct sip_frame f;
		struct str msg;
		enum err e;

		sip_frame_init(&f, mem, sizeof(mem));
		assert_int_equal(sip_frame_feed(&f, rows[i].text), rows[i].text.len);
		do
			e = sip_frame_next(&f, &ev, &msg);
		while (e == ERR_OK && (ev == SIP_FRAME_CRLF || ev == SIP_FRAME_PING));
		if (e != ERR_OK || ev != SIP_FRAME_MESSAGE)
			continue;
		e = sip_msg_parse(msg, &m);
		check_err(rows[i].name, e, ERR_NOTFOUND); /* these have no From */
		check_num(rows[i].name, "length", (long)m.all.len, (long)msg.len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),      cmocka_unit_test(test_limits),
		cmocka_unit_test(test_long_line), cmocka_unit_test(test_move),
		cmocka_unit_test(test_agree),
	};

	return cmocka_run_group_tests_name("sip frame", tests, NULL, NULL);
}
