#include "unit/sip/rows.h"

#include "sip/uri.h"

static void
test_uri(void **state)
{
	static const struct {
		const char *text;
		enum err e;
		const char *user, *password, *host, *params, *headers;
		int port;
	} rows[] = {
		{"sip:a@b", ERR_OK, "a", "", "b", "", "", 0},
		{"sip:b", ERR_OK, "", "", "b", "", "", 0},
		{"SIPS:a@b:5061", ERR_OK, "a", "", "b", "", "", 5061},
		{"sip:a:pw@b;lr?x=y", ERR_OK, "a", "pw", "b", ";lr", "x=y", 0},
		{"sip:a:@b", ERR_OK, "a", "", "b", "", "", 0},
		{"sip:+1-555@[2001:db8::9]:5060;user=phone", ERR_OK, "+1-555", "", "[2001:db8::9]",
		 ";user=phone", "", 5060},
		{"sip:u;par=u%40x@b", ERR_OK, "u;par=u%40x", "", "b", "", "", 0},
		{"sip:x@h:5061;transport=tls;transport=tls", ERR_OK, "x", "", "h",
		 ";transport=tls;transport=tls", "", 5061},
		{"sip:*31#123@b", ERR_OK, "*31#123", "", "b", "", "", 0},
		{"sip:%00@b", ERR_OK, "%00", "", "b", "", "", 0},
		{"sip:b?a=1&c=%3Cd%3E", ERR_OK, "", "", "b", "", "a=1&c=%3Cd%3E", 0},
		{"tel:+1(555)123-4567;ext=9", ERR_OK, "+1(555)123-4567", "", "", ";ext=9", "", 0},
		{"tel:911;phone-context=+1", ERR_OK, "911", "", "", ";phone-context=+1", "", 0},
		{"urn:service:sos", ERR_OK, "", "", "", "", "", 0},
		{"soap.beep://192.0.2.103:3002", ERR_OK, "", "", "", "", "", 0},
		{"sip:", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:@b", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a@", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a@b@c", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a b@c", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a%4@c", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a%@c", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a%zz@c", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a@b:", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a@b;", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a@b;;x", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a@b; lr", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a@b;x=\"y\"", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a@b?", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a@b?x=<y>", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:\xc3\xa4@b", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"sip:a<@b", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"<sip:a@b>", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"a@b", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{":a", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"1sip:a@b", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"tel:", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"tel:-", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"tel:+1555@b", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"tel:1+2", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"x:", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"x:a b", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
		{"x:a>b", ERR_SYNTAX, NULL, NULL, NULL, NULL, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_uri u = {.port = 7};

		check_err(rows[i].text, sip_uri_parse(at_end(str_from(rows[i].text)), &u),
			  rows[i].e);
		if (rows[i].e != ERR_OK) {
			check_num(rows[i].text, "untouched", u.port, 7);
			continue;
		}
		check_str(rows[i].text, "all", u.all, rows[i].text);
		check_str(rows[i].text, "user", u.user, rows[i].user);
		check_str(rows[i].text, "password", u.password, rows[i].password);
		check_str(rows[i].text, "host", u.host, rows[i].host);
		check_str(rows[i].text, "params", u.params, rows[i].params);
		check_str(rows[i].text, "headers", u.headers, rows[i].headers);
		check_num(rows[i].text, "port", u.port, rows[i].port);
	}
}

/* Every byte, NUL too, in each part: only what the grammar has there. */
static void
test_bytes(void **state)
{
	static const struct {
		const char *name, *text; /* "\1" is replaced */
		const char *ok;
	} rows[] = {
		{"user", "sip:a\1a@b.c", "&=+$,;?/#-_.!~*'():"},
		{"host", "sip:a@b\1b.c", "-._;?"},
		{"param", "sip:a@b;x=a\1a", "[]/:&+$-_.!~*'();=?"},
		{"header", "sip:a@b?x=a\1a", "[]/?:+$=&-_.!~*'()"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int c = 0; c < 256; c++) {
			char text[32];
			size_t n = strlen(rows[i].text);
			struct sip_uri u;
			bool ok = c && (ascii_alnum((char)c) || strchr(rows[i].ok, c));

			memcpy(text, rows[i].text, n);
			*(char *)memchr(text, 1, n) = (char)c;
			if ((sip_uri_parse(at_end(str_of(text, n)), &u) == ERR_OK) != ok)
				fail_msg("%s: byte 0x%02x", rows[i].name, c);
		}
}

static void
test_eq(void **state)
{
	static const struct {
		const char *a, *b;
		bool eq;
	} rows[] = {
		/* RFC 3261 19.1.4 */
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp",
		 true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", true},
		{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		 "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
		{"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		 "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP",
		 false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
		{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
		/* more */
		{"sip:a@b", "sips:a@b", false},
		{"sip:a%3Bb@c", "sip:a;b@c", false},
		{"sip:a%3Bb@c", "sip:a%3bb@c", true},
		{"sip:a:p@c", "sip:a@c", false},
		{"sip:a@c;user=phone", "sip:a@c", false},
		{"sip:a@c;maddr=d", "sip:a@c;maddr=e", false},
		{"sip:a@c;lr", "sip:a@c;lr=on", false},
		{"sip:a@c?x=1&x=1", "sip:a@c?x=1", true},
		{"tel:+1-555-123", "tel:+1555123", true},
		{"tel:911;phone-context=+1", "tel:911", false},
		{"tel:+1555;a=1;b=2", "tel:+1555;B=2;A=1", true},
		{"tel:+1555", "tel:+15551", false},
		{"urn:a", "urn:a", true},
		{"urn:a", "urn:A", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_uri a, b;

		check_err(rows[i].a, sip_uri_parse(str_from(rows[i].a), &a), ERR_OK);
		check_err(rows[i].b, sip_uri_parse(str_from(rows[i].b), &b), ERR_OK);
		if (sip_uri_eq(&a, &b) != rows[i].eq || sip_uri_eq(&b, &a) != rows[i].eq)
			fail_msg("%s and %s: wanted %d", rows[i].a, rows[i].b, rows[i].eq);
	}
}

/* More parameters or headers than we look at: not equal, and no quadratic work. */
static void
test_eq_cap(void **state)
{
	static const char *const kinds[] = {";p", "&h", ";p"};
	static const char *const starts[] = {"sip:a@b", "sip:a@b?x", "tel:+1"};

	(void)state;
	for (unsigned kind = 0; kind < 3; kind++)
		for (unsigned n = 63; n <= 65; n++) {
			struct sip_uri u;
			char mem[1024];
			struct buf b;

			buf_init(&b, mem, sizeof(mem));
			buf_z(&b, starts[kind]);
			for (unsigned i = kind == 1; i < n; i++)
				buf_printf(&b, "%s%u", kinds[kind], i);
			check_err("many", sip_uri_parse(at_end(buf_view(&b)), &u), ERR_OK);
			check_num("many", "equal", sip_uri_eq(&u, &u), n <= 64);
		}
}

static void
test_unescape(void **state)
{
	static const struct {
		const char *text;
		enum err e;
		const char *want;
	} rows[] = {
		{"+1555", ERR_OK, "+1555"},
		{"%2B1555", ERR_OK, "+1555"},
		{"a%20b", ERR_OK, "a b"},
		{"%c3%a4", ERR_OK, "\xc3\xa4"},
		{"100%25", ERR_OK, "100%"},
		{"%2525", ERR_OK, "%25"}, /* once only */
		{"a%0d%0aVia:x", ERR_SYNTAX, "x"},
		{"a%0A", ERR_SYNTAX, "x"},
		{"a%00b", ERR_SYNTAX, "x"},
		{"a%7f", ERR_SYNTAX, "x"},
		{"a%", ERR_OK, "a%"},
		{"a%4", ERR_OK, "a%4"},
		{"", ERR_OK, ""},
	};
	char mem[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		buf_z(&b, rows[i].e == ERR_OK ? "" : "x"); /* must stay as it was */
		check_err(rows[i].text, sip_unescape(at_end(str_from(rows[i].text)), &b),
			  rows[i].e);
		check_str(rows[i].text, "text", buf_view(&b), rows[i].want);
	}
}

static void
test_escape(void **state)
{
	char mem[1024], text[256];
	struct sip_uri u;
	struct buf b, back;
	char out[512];

	(void)state;
	for (int c = 1; c < 256; c++)
		text[c - 1] = (char)c;
	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, "sip:");
	sip_escape_user(&b, str_of(text, 255));
	buf_z(&b, "@h");
	assert_int_equal(sip_uri_parse(buf_view(&b), &u), ERR_OK);
	buf_init(&back, out, sizeof(out));
	assert_int_equal(sip_uri_user(&u, &back), ERR_SYNTAX); /* it holds CR and LF */
	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, "sip:");
	sip_escape_user(&b, str_of(text + 127, 128)); /* 0x80 and above */
	sip_escape_user(&b, STR(" a@b;c:d?e/f%#\"<>"));
	buf_z(&b, "@h");
	assert_int_equal(sip_uri_parse(buf_view(&b), &u), ERR_OK);
	assert_int_equal(sip_uri_user(&u, &back), ERR_OK);
	assert_int_equal(back.len, 128 + 17);
	assert_memory_equal(back.p, text + 127, 128);
	assert_true(str_eqz(str_from_at(buf_view(&back), 128), " a@b;c:d?e/f%#\"<>"));
}

static void
test_nameaddr(void **state)
{
	static const struct {
		const char *text;
		enum err e;
		const char *display, *uri, *tag, *params;
	} rows[] = {
		{"<sip:a@b>", ERR_OK, "", "sip:a@b", "", ""},
		{"sip:a@b", ERR_OK, "", "sip:a@b", "", ""},
		{" sip:a@b ; tag = x ", ERR_OK, "", "sip:a@b", "x", "; tag = x"},
		{"sip:a@b;user=phone", ERR_OK, "", "sip:a@b", "", ";user=phone"},
		{"<sip:a@b;user=phone>;tag=x", ERR_OK, "", "sip:a@b;user=phone", "x", ";tag=x"},
		{"Bob<sip:a@b>", ERR_OK, "Bob", "sip:a@b", "", ""},
		{"A. Bell <sip:a@b>;tag=q", ERR_OK, "A. Bell", "sip:a@b", "q", ";tag=q"},
		{"\"A, \\\"B\\\" <C>\" <sip:a@b>", ERR_OK, "A, \\\"B\\\" <C>", "sip:a@b", "", ""},
		{"\"\"<sip:a@b>", ERR_OK, "", "sip:a@b", "", ""},
		{"J\xc3\xbcrgen (Sales) <sip:a@b>", ERR_OK, "J\xc3\xbcrgen (Sales)", "sip:a@b", "",
		 ""},
		{"\"a\r\n b\"\r\n <sip:a@b>\r\n ;tag=x", ERR_OK, "a\r\n b", "sip:a@b", "x",
		 ";tag=x"},
		{"<tel:+1>;a=\"<;,>\";tag=t", ERR_OK, "", "tel:+1", "t", ";a=\"<;,>\";tag=t"},
		{"<sip:a,b@c?d=e>", ERR_OK, "", "sip:a,b@c?d=e", "", ""},
		{"sip:a@b;x=\"<\"", ERR_OK, "", "sip:a@b", "", ";x=\"<\""},
		{"isbn:2983792873", ERR_OK, "", "isbn:2983792873", "", ""},
		{"", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"<>", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"<sip:a@b", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"sip:a@b>", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"< sip:a@b>", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"<sip:a@b >", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"<sip:a@\r\n b>", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"\"a <sip:a@b>", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"\"a\" b <sip:a@b>", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"\"a\" sip:a@b", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"a \"b\" <sip:a@b>", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"Bell, Alexander <sip:a@b>", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"<sip:a@b>,<sip:c@d>", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"sip:a@b,sip:c@d", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"sip:a@b?x=y", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"sip:a,c@b", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"<sip:a@b>x", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"<sip:a@b>;;", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"<sip:a@b>;tag=x;tag=y", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"<sip:a@b>;tag", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"<sip:a@b>;tag=\"x\"", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"<sip:a@b>;tag=a@b", ERR_SYNTAX, NULL, NULL, NULL, NULL},
		{"*", ERR_SYNTAX, NULL, NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_nameaddr na;

		check_err(rows[i].text, sip_nameaddr_parse(at_end(str_from(rows[i].text)), &na),
			  rows[i].e);
		if (rows[i].e != ERR_OK)
			continue;
		check_str(rows[i].text, "display", na.display, rows[i].display);
		check_str(rows[i].text, "uri", na.uri.all, rows[i].uri);
		check_str(rows[i].text, "tag", na.tag, rows[i].tag);
		check_str(rows[i].text, "params", na.params, rows[i].params);
	}
}

static void
test_uri_param(void **state)
{
	struct sip_uri u;

	(void)state;
	assert_int_equal(sip_uri_parse(STR("sip:a@b;lr;Transport=tls;transport=udp"), &u), ERR_OK);
	assert_true(str_eqz(sip_uri_param(&u, "transport"), "tls"));
	assert_true(sip_uri_has_param(&u, "LR"));
	assert_int_equal(sip_uri_param(&u, "lr").len, 0);
	assert_false(sip_uri_has_param(&u, "maddr"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri),       cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_eq),        cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_escape),    cmocka_unit_test(test_nameaddr),
		cmocka_unit_test(test_uri_param), cmocka_unit_test(test_eq_cap),
	};

	return cmocka_run_group_tests_name("sip uri", tests, NULL, NULL);
}
