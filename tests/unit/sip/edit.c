#include "unit/sip/rows.h"

#include "sip/edit.h"
#include "sip/hdr.h"

static char out[8192];
static struct buf b;
static struct sip_msg m;

static void
restart(void)
{
	buf_init(&b, out, sizeof(out));
}

static struct addr
address(const char *z)
{
	struct addr a;

	assert_int_equal(addr_parse(str_from(z), &a), ERR_OK);
	return a;
}

static void
test_request(void **state)
{
	struct sip_edit_addr from = {
		.display = STR("A \"B\" \\C\\"), .uri = STR("sip:a@b"), .tag = STR("ft")};
	struct sip_edit_addr to = {.uri = STR("sip:c@d;transport=tls")};
	struct sip_edit_addr contact = {.uri = STR("sip:10.0.0.1:5061;transport=tls"),
					.params = STR(";+sip.instance=\"<urn:x>\"")};

	(void)state;
	restart();
	sip_edit_request(&b, STR("INVITE"), STR("sip:c@d"));
	sip_edit_via(&b, SIP_TLS, STR("[2001:db8::1]"), 5061, STR("z9hG4bKq"), true);
	sip_edit_nameaddr(&b, SIP_H_FROM, &from);
	sip_edit_nameaddr(&b, SIP_H_TO, &to);
	sip_edit_hdr(&b, SIP_H_CALL_ID, STR("id"));
	sip_edit_cseq(&b, 5, STR("INVITE"));
	sip_edit_nameaddr(&b, SIP_H_CONTACT, &contact);
	sip_edit_hdr_u64(&b, SIP_H_MAX_FORWARDS, 70);
	sip_edit_hdr_z(&b, SIP_H_SUPPORTED, "timer");
	sip_edit_hdr_fmt(&b, SIP_H_SESSION_EXPIRES, "%d;refresher=%s", 90, "uac");
	sip_edit_named(&b, STR("X-Any"), STR("\xc3\xa4"));
	sip_edit_body(&b, STR("application/sdp"), STR("v=0\r\n"));
	assert_int_equal(buf_end(&b), ERR_OK);
	check_str("request", "text", buf_view(&b),
		  "INVITE sip:c@d SIP/2.0\r\n"
		  "Via: SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bKq;rport\r\n"
		  "From: \"A \\\"B\\\" \\\\C\\\\\" <sip:a@b>;tag=ft\r\n"
		  "To: <sip:c@d;transport=tls>\r\n"
		  "Call-ID: id\r\nCSeq: 5 INVITE\r\n"
		  "Contact: <sip:10.0.0.1:5061;transport=tls>;+sip.instance=\"<urn:x>\"\r\n"
		  "Max-Forwards: 70\r\nSupported: timer\r\n"
		  "Session-Expires: 90;refresher=uac\r\nX-Any: \xc3\xa4\r\n"
		  "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n");
	assert_int_equal(sip_msg_parse(at_end(buf_view(&b)), &m), ERR_OK);
	restart();
	sip_unquote(&b, m.from.display);
	check_str("request", "display", buf_view(&b), "A \"B\" \\C\\");
}

/* What a writer is given. */
enum writer {
	W_METHOD,
	W_URI,
	W_REASON,
	W_VALUE,
	W_FMT,
	W_NAME,
	W_NAMED,
	W_HOST,
	W_BRANCH,
	W_CSEQ,
	W_DISPLAY,
	W_ADDR_URI,
	W_TAG,
	W_PARAMS,
	W_USER,
	W_URI_HOST,
	W_URI_PARAMS,
	W_TYPE,
	W_TO_TAG,
	W_N
};

static void
write_one(enum writer w, struct str s)
{
	struct sip_edit_addr a = {.uri = STR("sip:a@b")};
	struct sip_edit_reply r = {.status = 200};
	char z[64];

	switch (w) {
	case W_METHOD:
		sip_edit_request(&b, s, STR("sip:a@b"));
		break;
	case W_URI:
		sip_edit_request(&b, STR("BYE"), s);
		break;
	case W_REASON:
		sip_edit_status(&b, 200, s);
		break;
	case W_VALUE:
		sip_edit_hdr(&b, SIP_H_SUBJECT, s);
		break;
	case W_FMT:
		if (str_copyz(z, sizeof(z), s) == ERR_OK)
			sip_edit_hdr_fmt(&b, SIP_H_SUBJECT, "a%sb", z);
		else
			sip_edit_hdr_fmt(&b, SIP_H_SUBJECT, "a%cb", 0);
		break;
	case W_NAME:
		sip_edit_named(&b, s, STR("x"));
		break;
	case W_NAMED:
		sip_edit_named(&b, STR("X"), s);
		break;
	case W_HOST:
		sip_edit_via(&b, SIP_UDP, s, 0, STR("x"), false);
		break;
	case W_BRANCH:
		sip_edit_via(&b, SIP_UDP, STR("h"), 0, s, false);
		break;
	case W_CSEQ:
		sip_edit_cseq(&b, 1, s);
		break;
	case W_DISPLAY:
		a.display = s;
		sip_edit_nameaddr(&b, SIP_H_CONTACT, &a);
		break;
	case W_ADDR_URI:
		a.uri = s;
		sip_edit_nameaddr(&b, SIP_H_CONTACT, &a);
		break;
	case W_TAG:
		a.tag = s;
		sip_edit_nameaddr(&b, SIP_H_CONTACT, &a);
		break;
	case W_PARAMS:
		a.params = s;
		sip_edit_nameaddr(&b, SIP_H_CONTACT, &a);
		break;
	case W_USER:
		sip_edit_uri(&b, s, STR("h"), 0, STR_NULL);
		break;
	case W_URI_HOST:
		sip_edit_uri(&b, STR("a"), s, 0, STR_NULL);
		break;
	case W_URI_PARAMS:
		sip_edit_uri(&b, STR("a"), STR("h"), 0, s);
		break;
	case W_TYPE:
		sip_edit_body(&b, s, STR_NULL);
		break;
	case W_TO_TAG:
		assert_int_equal(
			sip_msg_parse(STR("BYE sip:a@b SIP/2.0\r\nTo: <sip:a@b>\r\n\r\n"), &m),
			ERR_NOTFOUND);
		r.to_tag = s;
		sip_edit_response(&b, &m, &r);
		break;
	case W_N:
		break;
	}
}

/* P6: each dangerous byte, in each place: refused, or (user part) escaped; never a CR, LF or NUL
 * more than the same writer makes from harmless text. */
static void
test_injection(void **state)
{
	static const struct str bad[] = {
		{"a\rb", 3},     {"a\nb", 3},    {"a\0b", 3}, {"a\r\nX: y", 7},
		{"\r\n\r\n", 4}, {"a\r\n b", 5}, {"\n", 1},   {";a=\"\r\nX: y\"", 11},
	};

	(void)state;
	for (unsigned w = 0; w < W_N; w++)
		for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
			restart();
			write_one((enum writer)w, bad[i]);
			if (w != W_USER && !b.failed)
				fail_msg("writer %u row %zu: written: %.*s", w, i,
					 STR_ARG(buf_view(&b)));
			for (size_t k = 0; k < b.len; k++)
				if (b.p[k] == 0 || (w == W_USER && (uint8_t)b.p[k] < ' '))
					fail_msg("writer %u row %zu: control byte", w, i);
		}
}

static void
test_refused(void **state)
{
	static const struct {
		enum writer w;
		const char *text;
		bool ok;
	} rows[] = {
		{W_METHOD, "BYE", true},
		{W_METHOD, "", false},
		{W_METHOD, "B YE", false},
		{W_URI, "tel:+1", true},
		{W_URI, "", false},
		{W_URI, "sip:a@b c", false},
		{W_URI, "<sip:a@b>", false},
		{W_URI, "sip:\xc3\xa4@b", false},
		{W_REASON, "f\xc3\xbcr dich", true},
		{W_NAME, "X-Y", true},
		{W_NAME, "", false},
		{W_NAME, "X:", false},
		{W_NAME, "X ", false},
		{W_HOST, "a.b", true},
		{W_HOST, "a;b", false},
		{W_HOST, "", false},
		{W_BRANCH, "a;b", false},
		{W_BRANCH, "", false},
		{W_CSEQ, "BYE x", false},
		{W_DISPLAY, "a\"b\\c\177\t", true},
		{W_ADDR_URI, "sip:a@b>;tag=x", false},
		{W_ADDR_URI, "", false},
		{W_TAG, "a;b", false},
		{W_TAG, "a b", false},
		{W_PARAMS, ";a=b;c", true},
		{W_PARAMS, "a=b", false},
		{W_PARAMS, ";a=b, <sip:x@y>", false},
		{W_PARAMS, ";a=\"b", false},
		{W_USER, "a@b;c", true},
		{W_URI_HOST, "a@b", false},
		{W_URI_PARAMS, ";lr", true},
		{W_URI_PARAMS, ";lr>;x", false},
		{W_TO_TAG, "abc", true},
		{W_TO_TAG, "a=b", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		restart();
		write_one(rows[i].w, str_from(rows[i].text));
		check_num(rows[i].text, "written", !b.failed, rows[i].ok);
	}
	restart();
	sip_edit_status(&b, 99, STR_NULL);
	assert_true(b.failed);
	restart();
	sip_edit_status(&b, 700, STR_NULL);
	assert_true(b.failed);
	restart();
	sip_edit_hdr(&b, SIP_H_OTHER, STR("x"));
	assert_true(b.failed);
	restart();
	sip_edit_via(&b, SIP_TRANSPORT_OTHER, STR("h"), 0, STR("x"), false);
	assert_true(b.failed);
	buf_init(&b, out, 20); /* too small */
	sip_edit_request(&b, STR("INVITE"), STR("sip:c@d"));
	assert_int_equal(buf_end(&b), ERR_LONG);
}

static void
test_response(void **state)
{
#define TAIL "f: A <sip:a@b>;tag=ft\r\nTO: <sip:c@d>\r\ni: id\r\nCSeq: 9 INVITE\r\n"
#define TAIL_OUT                                                                                   \
	"From: A <sip:a@b>;tag=ft\r\nTo: <sip:c@d>;tag=ours\r\nCall-ID: id\r\nCSeq: 9 INVITE\r\n"
	static const struct {
		const char *name, *via, *source, *want;
	} rows[] = {
		{"no rport, same address", "Via: SIP/2.0/UDP 192.0.2.1;branch=x\r\n",
		 "192.0.2.1:5060", "Via: SIP/2.0/UDP 192.0.2.1;branch=x\r\n"},
		{"no rport, other address", "v: SIP/2.0/UDP 192.0.2.1:5070;branch=x\r\n",
		 "192.0.2.9:4000",
		 "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=x;received=192.0.2.9\r\n"},
		{"no rport, a name", "Via: SIP/2.0/TLS pbx.example;branch=x\r\n", "192.0.2.9:4000",
		 "Via: SIP/2.0/TLS pbx.example;branch=x;received=192.0.2.9\r\n"},
		{"rport, same address", "Via: SIP/2.0/UDP 192.0.2.1;rport;branch=x\r\n",
		 "192.0.2.1:4000",
		 "Via: SIP/2.0/UDP 192.0.2.1;branch=x;received=192.0.2.1;rport=4000\r\n"},
		{"IPv6", "Via: SIP/2.0/UDP [2001:db8::1];rport;branch=x\r\n", "[2001:db8::9]:4000",
		 "Via: SIP/2.0/UDP [2001:db8::1];branch=x;received=2001:db8::9;rport=4000\r\n"},
		{"IPv6, same in another spelling", "Via: SIP/2.0/UDP [2001:DB8:0::1];branch=x\r\n",
		 "[2001:db8::1]:4000", "Via: SIP/2.0/UDP [2001:DB8:0::1];branch=x\r\n"},
		{"forged received and rport",
		 "Via: SIP/2.0/UDP h;received=10.0.0.1;rport=1;branch=x;q=\"a;b\"\r\n",
		 "192.0.2.9:4000",
		 "Via: SIP/2.0/UDP h;branch=x;q=\"a;b\";received=192.0.2.9;rport=4000\r\n"},
		{"several, folded",
		 "Via: SIP / 2.0 /\r\n UDP h ; rport , SIP/2.0/UDP i;branch=y\r\nX: z\r\n"
		 "vIA:  SIP/2.0/TCP j;\r\n branch=k\r\n",
		 "192.0.2.9:4000",
		 "Via: SIP / 2.0 /\r\n UDP h;received=192.0.2.9;rport=4000 , SIP/2.0/UDP i;branch=y"
		 "\r\nvIA:  SIP/2.0/TCP j;\r\n branch=k\r\n"},
		{"no source", "Via: SIP/2.0/UDP h;rport\r\n", NULL, "Via: SIP/2.0/UDP h;rport\r\n"},
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_edit_reply r = {.status = 486, .to_tag = STR("ours")};
		struct buf in;
		struct addr source;

		buf_init(&in, text, sizeof(text));
		buf_printf(&in, "INVITE sip:c@d SIP/2.0\r\n%s" TAIL "\r\n", rows[i].via);
		check_err(rows[i].name, sip_msg_parse(at_end(buf_view(&in)), &m), ERR_OK);
		if (rows[i].source) {
			source = address(rows[i].source);
			r.source = &source;
		}
		restart();
		sip_edit_response(&b, &m, &r);
		sip_edit_body(&b, STR_NULL, STR_NULL);
		assert_int_equal(buf_end(&b), ERR_OK);
		buf_reset(&in);
		buf_printf(&in, "SIP/2.0 486 Busy Here\r\n%s" TAIL_OUT "Content-Length: 0\r\n\r\n",
			   rows[i].want);
		check_str(rows[i].name, "response", buf_view(&b), buf_cstr(&in));
		check_err(rows[i].name, sip_msg_parse(at_end(buf_view(&b)), &m), ERR_OK);
	}
}

static void
test_response_more(void **state)
{
	struct addr source = address("192.0.2.9:4000");
	struct sip_edit_reply r = {.status = 100, .to_tag = STR("o"), .source = &source};

	(void)state;
	/* the request's To tag stays; Timestamp only in a 100 */
	assert_int_equal(sip_msg_parse(STR("BYE sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n"
					   "From: <sip:a@b>\r\nTo: <sip:c@d>;tag=theirs\r\n"
					   "Call-ID: id\r\nCSeq: 9 BYE\r\nTimestamp: 54\r\n\r\n"),
				       &m),
			 ERR_OK);
	restart();
	sip_edit_response(&b, &m, &r);
	check_str(
		"100", "text", buf_view(&b),
		"SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP h;received=192.0.2.9\r\nFrom: <sip:a@b>\r\n"
		"To: <sip:c@d>;tag=theirs\r\nCall-ID: id\r\nCSeq: 9 BYE\r\nTimestamp: 54\r\n");
	/* refused requests: what there is comes back, and nothing breaks a line */
	assert_int_equal(sip_msg_parse(STR("BYE sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP ;;\r\n"
					   "To: \"<sip:c@d>\r\n\r\n"),
				       &m),
			 ERR_SYNTAX);
	assert_int_equal(m.answer, 400);
	r.status = m.answer;
	r.reason = str_from(m.why);
	restart();
	sip_edit_response(&b, &m, &r);
	check_str("400", "text", buf_view(&b),
		  "SIP/2.0 400 Via not well formed\r\nVia: SIP/2.0/UDP ;;\r\nTo: "
		  "\"<sip:c@d>;tag=o\r\n");
}

static void
test_copy(void **state)
{
	static const char text[] = "OPTIONS sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n"
				   "From: <sip:a@b>\r\nTo: <sip:c@d>\r\nCall-ID: id\r\n"
				   "CSeq: 9 OPTIONS\r\nx-A :  1,\r\n\t2 \r\nX-B: \xff\xfe\r\n"
				   "Record-Route: <sip:r1>\r\nX-NUL: \"\\\0\"\r\nx-a:3\r\n"
				   "record-route:\r\n <sip:r2>\r\n\r\n";
	unsigned refused = 0;

	(void)state;
	assert_int_equal(sip_msg_parse(str_of(text, sizeof(text) - 1), &m), ERR_OK);
	restart();
	for (unsigned i = 0; i < m.n_hdr; i++)
		if (m.hdr[i].id == SIP_H_OTHER)
			refused += sip_edit_copy(&b, &m.hdr[i]) == ERR_SYNTAX;
	check_str("others", "copy", buf_view(&b),
		  "x-A :  1,\r\n\t2 \r\nX-B: \xff\xfe\r\nx-a:3\r\n");
	assert_int_equal(refused, 1);
	assert_false(b.failed);
	restart();
	sip_edit_copy_all(&b, &m, SIP_H_RECORD_ROUTE);
	check_str("Record-Route", "copy", buf_view(&b),
		  "Record-Route: <sip:r1>\r\nrecord-route:\r\n <sip:r2>\r\n");
}

static void
test_status_text(void **state)
{
	(void)state;
	for (unsigned s = 0; s < 1000; s++)
		assert_true(sip_status_text(s)[0] != 0);
	assert_string_equal(sip_status_text(503), "Service Unavailable");
	assert_string_equal(sip_status_text(499), "Client Error");
	assert_string_equal(sip_status_text(699), "Global Failure");
	assert_string_equal(sip_status_text(7), "Unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),       cmocka_unit_test(test_injection),
		cmocka_unit_test(test_refused),       cmocka_unit_test(test_response),
		cmocka_unit_test(test_response_more), cmocka_unit_test(test_copy),
		cmocka_unit_test(test_status_text),
	};

	return cmocka_run_group_tests_name("sip edit", tests, NULL, NULL);
}
