#include "unit/sip/rows.h"

#include "sip/lex.h"

/* The classes as RFC 3261 25.1 spells them, against the table. */
static void
test_classes(void **state)
{
#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define UNRESERVED ALNUM "-_.!~*'()"
	static const struct {
		const char *name, *bytes;
		unsigned bit;
	} rows[] = {
		{"token", ALNUM "-.!%*_+`'~", SIP_C_TOKEN},
		{"word", ALNUM "-.!%*_+`'~()<>:\\\"/[]?{}", SIP_C_WORD},
		{"user", UNRESERVED "&=+$,;?/#", SIP_C_USER},
		{"paramchar", UNRESERVED "[]/:&+$", SIP_C_PARAM},
		{"header", UNRESERVED "[]/?:+$=&", SIP_C_HEADER},
		{"white space", " \t\r\n", SIP_C_LWS},
		{"host", ALNUM "-._", SIP_C_HOST},
		{"host and port", ALNUM "-._:[]", SIP_C_ADDR},
		{"hex", "0123456789abcdefABCDEF", SIP_C_HEX},
		{"parameter name", ALNUM "-.!%*_+`'~()[]/:&$", SIP_C_NAME},
		{"parameter value", ALNUM "-.!%*_+`'~()[]/:&$=@?#{}|^", SIP_C_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int c = 0; c < 256; c++)
			if (sip_is((char)c, rows[i].bit) != (c && strchr(rows[i].bytes, c)))
				fail_msg("%s: byte 0x%02x", rows[i].name, c);
}

static void
test_params(void **state)
{
	static const struct {
		const char *name, *text, *want; /* [name|value|flags] each, or the error */
	} rows[] = {
		{"none", "", ""},
		{"white space only", "  \r\n ", ""},
		{"one", ";a=b", "[a|b|]"},
		{"bare", ";lr", "[lr||b]"},
		{"two, spaced and folded", " ;  a \r\n = \t b ; c", "[a|b|][c||b]"},
		{"quoted", ";a=\"x;y,\\\"z\"", "[a|x;y,\\\"z|q]"},
		{"empty quoted", ";a=\"\"", "[a||q]"},
		{"base64 padding", ";a=bc==", "[a|bc==|]"},
		{"repeated", ";transport=tls;transport=tls", "[transport|tls|][transport|tls|]"},
		{"IPv6 value", ";received=2001:db8::1", "[received|2001:db8::1|]"},
		{"no name", ";=b", "SYNTAX"},
		{"no value", ";a=", "SYNTAX"},
		{"empty", ";;a", "SYNTAX"},
		{"trailing semicolon", ";a;", "[a||b]SYNTAX"},
		{"no semicolon", "a=b", "SYNTAX"},
		{"open quote", ";a=\"b", "SYNTAX"},
		{"backslash at the end", ";a=\"b\\", "SYNTAX"},
		{"comma", ";a=b,c", "SYNTAX"},
		{"angle", ";a=<b>", "SYNTAX"},
		{"8-bit value without quotes", ";a=\xc3\xa4", "SYNTAX"},
		{"8-bit value in quotes", ";a=\"\xc3\xa4\"", "[a|\xc3\xa4|q]"},
		{"behind a quoted value", ";a=\"b\"c", "SYNTAX"},
	};
	char mem[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str rest = at_end(str_from(rows[i].text));
		struct sip_param p;
		struct buf b;
		enum err e;

		buf_init(&b, mem, sizeof(mem));
		while ((e = sip_param_next(&rest, &p)) == ERR_OK)
			buf_printf(&b, "[%.*s|%.*s|%s%s]", STR_ARG(p.name), STR_ARG(p.value),
				   p.quoted ? "q" : "", p.bare ? "b" : "");
		if (e != ERR_NOTFOUND)
			buf_z(&b, err_name(e));
		check_str(rows[i].name, "parameters", buf_view(&b), rows[i].want);
		check_num(rows[i].name, "ok", sip_params_ok(str_from(rows[i].text)),
			  e == ERR_NOTFOUND);
	}
}

static void
test_find(void **state)
{
	struct sip_param p;

	(void)state;
	assert_true(sip_param_find(STR(";a=1;TAG=x;tag=y"), "tag", &p));
	assert_true(str_eqz(p.value, "x"));
	assert_false(sip_param_find(STR(";a=1;b"), "c", &p));
	assert_true(str_eqz(sip_param_value(STR(";a=1;b"), "a"), "1"));
	assert_int_equal(sip_param_value(STR(";a=1;b"), "b").len, 0);
	assert_false(sip_param_find(STR(";;tag=x"), "tag", &p));
}

static void
test_list(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{"empty", "", ""},
		{"one", " a ", "[a]"},
		{"three", "a,b ,\r\n c", "[a][b][c]"},
		{"comma in quotes", "\"a,b\" <x>, c", "[\"a,b\" <x>][c]"},
		{"comma in brackets", "<sip:a,b@c>,<d>", "[<sip:a,b@c>][<d>]"},
		{"escaped quote", "\"a\\\",b\",c", "[\"a\\\",b\"][c]"},
		{"bracket in quotes", "\"<\" a, b", "[\"<\" a][b]"},
		{"leading comma", ",a", "SYNTAX"},
		{"trailing comma", "a,", "SYNTAX"},
		{"double comma", "a,,b", "[a]SYNTAX"},
		{"open quote", "a,\"b", "[a]SYNTAX"},
		{"open bracket", "<a,b", "SYNTAX"},
		{"closing bracket alone", "a>,b", "SYNTAX"},
		{"nested brackets", "<a<b>>", "SYNTAX"},
	};
	char mem[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str rest = at_end(str_from(rows[i].text)), item;
		struct buf b;
		enum err e;

		buf_init(&b, mem, sizeof(mem));
		while ((e = sip_list_next(&rest, &item)) == ERR_OK)
			buf_printf(&b, "[%.*s]", STR_ARG(item));
		if (e != ERR_NOTFOUND)
			buf_z(&b, err_name(e));
		check_str(rows[i].name, "list", buf_view(&b), rows[i].want);
	}
}

static void
test_hostport(void **state)
{
	static const struct {
		const char *text, *host; /* host NULL: refused */
		int port;
	} rows[] = {
		{"a.example", "a.example", 0},
		{"a.example:5061", "a.example", 5061},
		{"192.0.2.1:1", "192.0.2.1", 1},
		{"a : 5060", "a", 5060},
		{"[2001:db8::1]", "[2001:db8::1]", 0},
		{"[2001:db8::1]:65535", "[2001:db8::1]", 65535},
		{"[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", 0},
		{"under_score.example", "under_score.example", 0},
		{"", NULL, 0},
		{":5060", NULL, 0},
		{"a:", NULL, 0},
		{"a:0", NULL, 0},
		{"a:65536", NULL, 0},
		{"a:+5", NULL, 0},
		{"a:-1", NULL, 0},
		{"a:5x", NULL, 0},
		{"a:99999999999999999999", NULL, 0},
		{".a", NULL, 0},
		{"a..b", NULL, 0},
		{"-a", NULL, 0},
		{"a b", NULL, 0},
		{"2001:db8::1", NULL, 0},
		{"[2001:db8::1", NULL, 0},
		{"[]", NULL, 0},
		{"[1]", NULL, 0},
		{"[::1]x", NULL, 0},
		{"a\xc3\xa4", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str host = STR_NULL;
		uint16_t port = 7;
		enum err e = sip_hostport_parse(at_end(str_from(rows[i].text)), &host, &port);

		check_err(rows[i].text, e, rows[i].host ? ERR_OK : ERR_SYNTAX);
		if (rows[i].host) {
			check_str(rows[i].text, "host", host, rows[i].host);
			check_num(rows[i].text, "port", port, rows[i].port);
		} else {
			check_num(rows[i].text, "port untouched", port, 7);
		}
	}
}

static void
test_unquote(void **state)
{
	static const struct {
		const char *name;
		struct str in;
		const char *want;
	} rows[] = {
		{"plain", {"a b", 3}, "a b"},
		{"pairs", {"a\\\"b\\\\", 6}, "a\"b\\"},
		{"fold", {"a\r\n  b", 6}, "a b"},
		{"NUL, BEL, DEL in pairs", {"a\\\0b\\\7c\\\177", 9}, "abc"},
		{"escaped CR LF", {"a\\\rb\\\nc", 7}, "a b c"},
		{"bare LF", {"a\nb", 3}, "a b"},
		{"8-bit", {"\xc3\xa4", 2}, "\xc3\xa4"},
		{"backslash at the end", {"a\\", 2}, "a\\"},
	};
	char mem[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		sip_unquote(&b, at_end(rows[i].in));
		check_str(rows[i].name, "text", buf_view(&b), rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),  cmocka_unit_test(test_params),
		cmocka_unit_test(test_find),     cmocka_unit_test(test_list),
		cmocka_unit_test(test_hostport), cmocka_unit_test(test_unquote),
	};

	return cmocka_run_group_tests_name("sip lex", tests, NULL, NULL);
}
