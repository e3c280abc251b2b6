/* Messages as text for people, and how two of them differ. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include <string.h>

#include "base/mem.h"
#include "ops/jsonin.h"
#include "ops/siptext.h"

static char mem[256 * 1024];

static void
test_escapes(void **state)
{
	static const struct {
		struct str text;
		const char *want;
	} rows[] = {
		{STR("plain \"x\""), "\"plain \\\"x\\\"\""},
		{STR("a\\b"), "\"a\\\\\\\\b\""},
		{STR("\x1b[31m\x00\x7f\xc3\xa9"), "\"\\\\x1b[31m\\\\x00\\\\x7f\\\\xc3\\\\xa9\""},
		{STR("a,\r\n\tb"), "\"a, b\""},
		{STR("a\r"), "\"a\\\\x0d\""},
		{STR(""), "\"\""},
	};
	struct json *j;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_init(&b, mem, sizeof(mem));
		buf_z(&b, "{\"x\":");
		siptext_put(&b, rows[i].text);
		buf_char(&b, '}');
		assert_int_equal(jsonin_parse(buf_view(&b), &j), ERR_OK);
		jsonin_free(&j);
		b.len--;
		assert_string_equal(buf_cstr(&b) + 5, rows[i].want);
	}
	buf_init(&b, mem, sizeof(mem));
	siptext_put_lines(&b, STR("BYE x\r\nA: b\r\n c\r\n\r\nv=0\nm\r\n"));
	assert_string_equal(buf_cstr(&b), "[\"BYE x\",\"A: b\",\" c\",\"\",\"v=0\",\"m\"]");
}

static void
test_looks(void **state)
{
	struct str m =
		STR("\r\n\r\nINVITE sip:a SIP/2.0\r\ni: x\r\nSubject: a\r\n b\r\nsubject: c\r\n"
		    "\r\nTo: body\r\n");

	(void)state;
	assert_true(str_eqz(siptext_start(m), "INVITE sip:a SIP/2.0"));
	assert_true(str_eqz(siptext_header(m, "Call-ID", 'i'), "x"));
	assert_true(str_eqz(siptext_header(m, "SUBJECT", 's'), "a\r\n b"));
	assert_int_equal(siptext_header(m, "To", 't').len, 0);
	assert_int_equal(siptext_start(STR("\r\n")).len, 0);
	assert_int_equal(siptext_header(STR_NULL, "To", 't').len, 0);
	assert_int_equal(siptext_header(STR("x"), "To", 't').len, 0);
	assert_true(str_eqz(siptext_header(STR("x\nTo:y"), "To", 0), "y"));
}

static void
test_audio(void **state)
{
	static const struct {
		const char *body, *want;
	} rows[] = {
		{"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8\r\n",
		 "RTP/AVP 192.0.2.1:4000"},
		{"v=0\r\nc=IN IP4 192.0.2.1\r\na=inactive\r\nm=audio 4000 RTP/SAVP 8\r\nc=IN IP6 "
		 "2001:db8::1\r\na=sendonly\r\nm=video 4002 RTP/SAVP 99\r\nc=IN IP4 "
		 "192.0.2.2\r\na=recvonly\r\n",
		 "RTP/SAVP 2001:db8::1:4000, sendonly"},
		{"m=audio 0 RTP/AVP 8\nm=audio 1 RTP/AVP 8\n", "RTP/AVP :0"},
		{"m=image 4000 udptl t38\r\n", ""},
		{"m=audio ", ""},
		{"", ""},
	};
	char msg[512], want[96];
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(msg, sizeof(msg), "INVITE x SIP/2.0\r\nm=audio: no\r\n\r\n%s",
			       rows[i].body);
		(void)snprintf(want, sizeof(want), "\"%s\"", rows[i].want);
		buf_init(&b, mem, sizeof(mem));
		siptext_put_audio(&b, str_from(msg));
		assert_string_equal(buf_cstr(&b), want);
	}
}

static void
test_diff(void **state)
{
	static const struct {
		const char *name, *in, *out, *want;
	} rows[] = {
		{"the same", "A\r\nZed: 1\r\n\r\nb\r\n", "A\r\nZed: 1\r\n\r\nb\r\n", "[]"},
		{"start line", "A\r\n\r\n", "B\r\n\r\n",
		 "[{\"part\":\"start\",\"name\":\"\",\"was\":\"A\",\"is\":\"B\"}]"},
		{"changed", "A\r\nZed: 1\r\n\r\n", "A\r\nzed: 2\r\n\r\n",
		 "[{\"part\":\"header\",\"name\":\"Zed\",\"was\":\"1\",\"is\":\"2\"}]"},
		{"came and went", "A\r\nZed: 1\r\n\r\n", "A\r\nYps: 1\r\n\r\n",
		 "[{\"part\":\"header\",\"name\":\"Zed\",\"was\":\"1\"},"
		 "{\"part\":\"header\",\"name\":\"Yps\",\"is\":\"1\"}]"},
		{"compact is the same", "A\r\ni: 1\r\n\r\n", "A\r\nCall-ID: 1\r\n\r\n", "[]"},
		{"order does not matter", "A\r\nZed: 1\r\nZed: 2\r\n\r\n",
		 "A\r\nZed: 2\r\nZed: 1\r\n\r\n", "[]"},
		{"one of two", "A\r\nZed: 1\r\nZed: 2\r\n\r\n", "A\r\nZed: 2\r\n\r\n",
		 "[{\"part\":\"header\",\"name\":\"Zed\",\"was\":\"1\"}]"},
		{"SDP", "A\r\n\r\nc=IN 1\r\na=crypto:1 x\r\na=sendrecv\r\n",
		 "A\r\n\r\nc=IN 2\r\na=sendonly\r\n",
		 "[{\"part\":\"body\",\"name\":\"c=\",\"was\":\"IN 1\",\"is\":\"IN 2\"},"
		 "{\"part\":\"body\",\"name\":\"a=crypto:\",\"was\":\"1 x\"},"
		 "{\"part\":\"body\",\"name\":\"a=sendrecv\",\"was\":\"\"},"
		 "{\"part\":\"body\",\"name\":\"a=sendonly\",\"is\":\"\"}]"},
		{"cut in a header", "A\r\nZed: 1", "A",
		 "[{\"part\":\"header\",\"name\":\"Zed\",\"was\":\"1\"}]"},
		{"nothing", "", "", "[]"},
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_init(&b, mem, sizeof(mem));
		siptext_put_diff(&b, str_from(rows[i].in), str_from(rows[i].out));
		if (strcmp(buf_cstr(&b), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, buf_cstr(&b));
	}
	for (size_t cap = 0; cap < 60; cap++) { /* no room: it says so */
		buf_init(&b, mem, cap);
		siptext_put_diff(&b, STR("A\r\nZed: 1\r\n\r\n"), STR("B\r\nYps: 2\r\n\r\n"));
		assert_int_equal(buf_end(&b), ERR_LONG);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_audio),
		cmocka_unit_test(test_diff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
