#include "unit/sip/rows.h"

#include "sip/hdr.h"

static struct sip_msg m;
static char text[16384];

/* A response with these headers. */
static void
parse_with(const char *headers)
{
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_z(&b,
	      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=f\r\n"
	      "To: <sip:c@d>;tag=t\r\nCall-ID: i@h\r\nCSeq: 1 INVITE\r\n");
	buf_z(&b, headers);
	buf_z(&b, "\r\n");
	assert_false(b.failed);
	check_err(headers, sip_msg_parse(at_end(buf_view(&b)), &m), ERR_OK);
}

static void
test_iter(void **state)
{
	static const struct {
		const char *headers, *want;
	} rows[] = {
		{"", ""},
		{"Route: <sip:a;lr>\r\n", "[sip:a;lr]"},
		{"Route: <sip:a>,\r\n <sip:b>\r\nX: y\r\nROUTE: \"x,y\" <sip:c,d@e>\r\n",
		 "[sip:a][sip:b][sip:c,d@e]"},
		{"Route:\r\nRoute: <sip:b>\r\nRoute: \r\n", "[sip:b]"},
		{"Route: <sip:a>,\r\n", "SYNTAX"},
		{"Route: <sip:a>, <sip:b\r\n", "[sip:a]SYNTAX"},
		{"Route: <sip:a>, b\r\n", "[sip:a]SYNTAX"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_nameaddr na;
		struct sip_iter it;
		char mem[256];
		struct buf b;
		enum err e;

		parse_with(rows[i].headers);
		buf_init(&b, mem, sizeof(mem));
		sip_iter_init(&it, &m, SIP_H_ROUTE);
		while ((e = sip_iter_nameaddr(&it, &na)) == ERR_OK)
			buf_printf(&b, "[%.*s]", STR_ARG(na.uri.all));
		if (e != ERR_NOTFOUND)
			buf_z(&b, err_name(e));
		check_str(rows[i].headers, "items", buf_view(&b), rows[i].want);
	}
}

static void
test_items_max(void **state)
{
	char line[2 * SIP_ITEMS_MAX + 32];
	struct buf b;

	(void)state;
	for (unsigned n = SIP_ITEMS_MAX; n <= SIP_ITEMS_MAX + 1; n++) {
		buf_init(&b, line, sizeof(line));
		buf_z(&b, "Allow: ");
		for (unsigned i = 0; i < n; i++)
			buf_z(&b, i ? ",a" : "a");
		buf_z(&b, "\r\n");
		parse_with(buf_cstr(&b));
		assert_int_equal(sip_hdr_count(&m, SIP_H_ALLOW), n > SIP_ITEMS_MAX ? 0 : n);
	}
}

static void
test_options(void **state)
{
	(void)state;
	parse_with("Supported: 100rel,timer\r\nk: Replaces\r\nRequire: x\r\nAllow:\r\n");
	assert_true(sip_hdr_has(&m, SIP_H_SUPPORTED, "timer"));
	assert_true(sip_hdr_has(&m, SIP_H_SUPPORTED, "replaces"));
	assert_false(sip_hdr_has(&m, SIP_H_SUPPORTED, "time"));
	assert_false(sip_hdr_has(&m, SIP_H_REQUIRE, "timer"));
	assert_int_equal(sip_hdr_count(&m, SIP_H_SUPPORTED), 3);
	assert_int_equal(sip_hdr_count(&m, SIP_H_ALLOW), 0);
	assert_int_equal(sip_hdr_count(&m, SIP_H_PROXY_REQUIRE), 0);
}

static void
test_contact(void **state)
{
	static const struct {
		const char *headers;
		enum err e;
		const char *uri;
	} rows[] = {
		{"", ERR_NOTFOUND, NULL},
		{"Contact: <sip:a@b>;q=1, <sip:c@d>\r\n", ERR_OK, "sip:a@b"},
		{"m: sip:a@b\r\n", ERR_OK, "sip:a@b"},
		{"Contact: *\r\n", ERR_UNSUPPORTED, NULL},
		{"Contact: sip:a@b?x=y\r\n", ERR_SYNTAX, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_nameaddr na;

		parse_with(rows[i].headers);
		check_err(rows[i].headers, sip_contact_read(&m, &na), rows[i].e);
		if (rows[i].e == ERR_OK)
			check_str(rows[i].headers, "URI", na.uri.all, rows[i].uri);
	}
}

static void
test_reason(void **state)
{
	static const struct {
		const char *headers;
		enum err e; /* for Q.850 */
		int cause;
		const char *text;
	} rows[] = {
		{"", ERR_NOTFOUND, 0, NULL},
		{"Reason: Q.850;cause=16;text=\"Normal, \\\"call\\\" clearing\"\r\n", ERR_OK, 16,
		 "Normal, \\\"call\\\" clearing"},
		{"Reason: SIP ;cause=200 ;text=\"x\", Q.850 ; cause = 17\r\n", ERR_OK, 17, ""},
		{"Reason: SIP;cause=200\r\nReason: q.850;cause=127\r\n", ERR_OK, 127, ""},
		{"Reason: Q.850\r\n", ERR_OK, 0, ""},
		{"Reason: SIP;cause=200\r\n", ERR_NOTFOUND, 0, NULL},
		{"Reason: Q.850;cause=x\r\n", ERR_NOTFOUND, 0, NULL},
		{"Reason: Q.850;cause=99999\r\n", ERR_NOTFOUND, 0, NULL},
		{"Reason: Q.850;cause=\r\n", ERR_NOTFOUND, 0, NULL},
		{"Reason: Q.850;text=\"x\r\n", ERR_SYNTAX, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_reason r;

		parse_with(rows[i].headers);
		check_err(rows[i].headers, sip_reason_read(&m, "Q.850", &r), rows[i].e);
		if (rows[i].e != ERR_OK)
			continue;
		check_num(rows[i].headers, "cause", r.cause, rows[i].cause);
		check_str(rows[i].headers, "text", r.text, rows[i].text);
	}
}

static void
test_ctype(void **state)
{
	struct sip_ctype c;

	(void)state;
	parse_with("c: Application / SDP ; charset=\"utf-8\"\r\n");
	assert_int_equal(sip_ctype_read(&m, &c), ERR_OK);
	check_str("", "type", c.type, "Application");
	check_str("", "charset", sip_param_value(c.params, "charset"), "utf-8");
	assert_true(sip_ctype_is(&m, "application", "sdp"));
	assert_false(sip_ctype_is(&m, "application", "isup"));
	parse_with("");
	assert_int_equal(sip_ctype_read(&m, &c), ERR_NOTFOUND);
	assert_false(sip_ctype_is(&m, "application", "sdp"));
	parse_with("Content-Type: application\r\n");
	assert_int_equal(sip_ctype_read(&m, &c), ERR_SYNTAX);
	parse_with("Content-Type: a/b/c\r\n");
	assert_int_equal(sip_ctype_read(&m, &c), ERR_SYNTAX);
	parse_with("Content-Type: a/b;c\"\r\n");
	assert_int_equal(sip_ctype_read(&m, &c), ERR_SYNTAX);
}

static void
test_session_timer(void **state)
{
	static const struct {
		const char *headers;
		enum err e;
		uint32_t seconds;
		enum sip_refresher refresher;
	} rows[] = {
		{"", ERR_NOTFOUND, 0, SIP_REFRESHER_NONE},
		{"Session-Expires: 1800\r\n", ERR_OK, 1800, SIP_REFRESHER_NONE},
		{"x: 90;refresher=UAC\r\n", ERR_OK, 90, SIP_REFRESHER_UAC},
		{"x: 90 ; a=b ; refresher = uas\r\n", ERR_OK, 90, SIP_REFRESHER_UAS},
		{"x: 4294967295\r\n", ERR_OK, 4294967295u, SIP_REFRESHER_NONE},
		{"x: 4294967296\r\n", ERR_RANGE, 0, SIP_REFRESHER_NONE},
		{"x: 90;refresher=me\r\n", ERR_SYNTAX, 0, SIP_REFRESHER_NONE},
		{"x: 90 90\r\n", ERR_SYNTAX, 0, SIP_REFRESHER_NONE},
		{"x: -90\r\n", ERR_SYNTAX, 0, SIP_REFRESHER_NONE},
		{"x:\r\n", ERR_SYNTAX, 0, SIP_REFRESHER_NONE},
	};
	uint32_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_session_expires s;

		parse_with(rows[i].headers);
		check_err(rows[i].headers, sip_session_expires_read(&m, &s), rows[i].e);
		if (rows[i].e != ERR_OK)
			continue;
		check_num(rows[i].headers, "seconds", s.seconds, rows[i].seconds);
		check_num(rows[i].headers, "refresher", s.refresher, rows[i].refresher);
	}
	parse_with("Min-SE: 120;a=b\r\nRSeq: 7\r\n");
	assert_int_equal(sip_min_se_read(&m, &n), ERR_OK);
	assert_int_equal(n, 120);
	assert_int_equal(sip_number_read(&m, SIP_H_RSEQ, &n), ERR_OK);
	assert_int_equal(n, 7);
	assert_int_equal(sip_number_read(&m, SIP_H_EXPIRES, &n), ERR_NOTFOUND);
}

static void
test_retry_after(void **state)
{
	static const struct {
		const char *headers;
		enum err e;
		uint32_t seconds, duration;
	} rows[] = {
		{"", ERR_NOTFOUND, 0, 0},
		{"Retry-After: 18000;duration=3600\r\n", ERR_OK, 18000, 3600},
		{"Retry-After: 120 (I'm in a (short \\) ) meeting)\r\n", ERR_OK, 120, 0},
		{"Retry-After: 5 (x) ;duration=6\r\n", ERR_OK, 5, 6},
		{"Retry-After: 5 (x\r\n", ERR_SYNTAX, 0, 0},
		{"Retry-After: 5 x\r\n", ERR_SYNTAX, 0, 0},
		{"Retry-After: 949302838503028349304023988\r\n", ERR_RANGE, 0, 0},
		{"Retry-After: 5;duration=x\r\n", ERR_SYNTAX, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_retry_after r;

		parse_with(rows[i].headers);
		check_err(rows[i].headers, sip_retry_after_read(&m, &r), rows[i].e);
		if (rows[i].e != ERR_OK)
			continue;
		check_num(rows[i].headers, "seconds", r.seconds, rows[i].seconds);
		check_num(rows[i].headers, "duration", r.duration, rows[i].duration);
	}
}

static void
test_warning(void **state)
{
	static const struct {
		const char *text;
		int code; /* 0: SYNTAX */
		const char *agent, *said;
	} rows[] = {
		{"307 isi.edu \"Session parameter 'foo' not understood\"", 307, "isi.edu",
		 "Session parameter 'foo' not understood"},
		{"399 [2001:db8::1]:5060 \"a \\\"b\\\"\"", 399, "[2001:db8::1]:5060",
		 "a \\\"b\\\""},
		{"1812 overture \"In Progress\"", 0, NULL, NULL},
		{"399 h x", 0, NULL, NULL},
		{"399 h \"x", 0, NULL, NULL},
		{"399 h \"x\" y", 0, NULL, NULL},
		{"399 \"x\"", 0, NULL, NULL},
		{"099 h \"x\"", 0, NULL, NULL},
		{"399", 0, NULL, NULL},
		{"", 0, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_warning w;
		enum err e = sip_warning_parse(at_end(str_from(rows[i].text)), &w);

		check_err(rows[i].text, e, rows[i].code ? ERR_OK : ERR_SYNTAX);
		if (!rows[i].code)
			continue;
		check_num(rows[i].text, "code", w.code, rows[i].code);
		check_str(rows[i].text, "agent", w.agent, rows[i].agent);
		check_str(rows[i].text, "text", w.text, rows[i].said);
	}
}

static void
test_rack(void **state)
{
	struct sip_rack r;

	(void)state;
	parse_with("RAck: 776656 1 INVITE\r\n");
	assert_int_equal(sip_rack_read(&m, &r), ERR_OK);
	assert_int_equal(r.rseq, 776656);
	assert_int_equal(r.cseq, 1);
	check_str("", "method", r.method, "INVITE");
	parse_with("RAck: 776656 INVITE\r\n");
	assert_int_equal(sip_rack_read(&m, &r), ERR_SYNTAX);
	parse_with("RAck: 1 4294967296 INVITE\r\n");
	assert_int_equal(sip_rack_read(&m, &r), ERR_RANGE);
	parse_with("");
	assert_int_equal(sip_rack_read(&m, &r), ERR_NOTFOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_iter),          cmocka_unit_test(test_items_max),
		cmocka_unit_test(test_options),       cmocka_unit_test(test_contact),
		cmocka_unit_test(test_reason),        cmocka_unit_test(test_ctype),
		cmocka_unit_test(test_session_timer), cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_warning),       cmocka_unit_test(test_rack),
	};

	return cmocka_run_group_tests_name("sip hdr", tests, NULL, NULL);
}
