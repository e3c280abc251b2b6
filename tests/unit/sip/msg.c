#include "unit/sip/rows.h"

#include "sip/msg.h"

#define VIA "Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
#define FROM "From: <sip:a@b>;tag=f\r\n"
#define TO "To: <sip:c@d>\r\n"
#define CALLID "Call-ID: i@h\r\n"
#define CSEQ "CSeq: 1 INVITE\r\n"
#define LINE "INVITE sip:c@d SIP/2.0\r\n"
#define REST VIA FROM TO CALLID CSEQ
#define OK_LINE "SIP/2.0 200 OK\r\n"

static struct sip_msg m;

static void
test_rows(void **state)
{
#define S(lit)                                                                                     \
	{                                                                                          \
		lit, sizeof(lit) - 1                                                               \
	}
	static const struct {
		const char *name;
		struct str text;
		enum err e;
		int answer;
	} rows[] = {
		{"least", S(LINE REST "\r\n"), ERR_OK, 0},
		{"response", S(OK_LINE REST "\r\n"), ERR_OK, 0},
		{"CRLF before it", S("\r\n\r\n" LINE REST "\r\n"), ERR_OK, 0},
		{"empty", S(""), ERR_SHORT, 0},
		{"keep-alive alone", S("\r\n\r\n"), ERR_SHORT, 0},
		{"start line alone", S(LINE), ERR_SYNTAX, 0},
		{"no blank line", S(LINE REST), ERR_SYNTAX, 400},
		{"blank line half", S(LINE REST "\r"), ERR_SYNTAX, 400},
		{"LF only", S("INVITE sip:c@d SIP/2.0\nVia: x\n\n"), ERR_SYNTAX, 0},
		{"one bare LF", S(LINE VIA "A: b\nc: d\r\n" FROM TO CALLID CSEQ "\r\n"), ERR_SYNTAX,
		 400},
		{"one bare CR", S(LINE VIA "A: b\rc: d\r\n" FROM TO CALLID CSEQ "\r\n"), ERR_SYNTAX,
		 400},
		{"CR and a byte in the place of LF",
		 S(LINE VIA "A: b\rXd: e\r\n" FROM TO CALLID CSEQ "\r\n"), ERR_SYNTAX, 400},
		{"CR CR LF", S(LINE REST "A: b\r\r\n\r\n"), ERR_SYNTAX, 400},
		{"lower-case version", S("INVITE sip:c@d sip/2.0\r\n" REST "\r\n"), ERR_OK, 0},
		{"SIP/2.1", S("INVITE sip:c@d SIP/2.1\r\n" REST "\r\n"), ERR_VERSION, 505},
		{"SIP/2.0.0", S("INVITE sip:c@d SIP/2.0.0\r\n" REST "\r\n"), ERR_SYNTAX, 400},
		{"HTTP", S("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ERR_SYNTAX, 0},
		{"no URI", S("INVITE SIP/2.0\r\n" REST "\r\n"), ERR_SYNTAX, 400},
		{"tab for space", S("INVITE\tsip:c@d SIP/2.0\r\n" REST "\r\n"), ERR_SYNTAX, 400},
		{"folded start line", S("INVITE sip:c@d\r\n SIP/2.0\r\n" REST "\r\n"), ERR_SYNTAX,
		 400},
		{"first header is a fold", S(LINE " x: y\r\n" REST "\r\n"), ERR_SYNTAX, 400},
		{"8-bit method", S("INV\xc3\xa4 sip:c@d SIP/2.0\r\n" REST "\r\n"), ERR_SYNTAX, 400},
		{"8-bit URI", S("INVITE sip:\xc3\xa4@d SIP/2.0\r\n" REST "\r\n"), ERR_SYNTAX, 400},
		{"NUL in the URI", S("INVITE sip:c\0@d SIP/2.0\r\n" REST "\r\n"), ERR_SYNTAX, 0},
		{"tel URI", S("INVITE tel:+15551234 SIP/2.0\r\n" REST "\r\n"), ERR_OK, 0},
		{"urn", S("INVITE urn:service:sos SIP/2.0\r\n" REST "\r\n"), ERR_OK, 0},
		{"urn, sub-service", S("INVITE urn:service:sos.fire SIP/2.0\r\n" REST "\r\n"),
		 ERR_OK, 0},
		{"another urn", S("INVITE urn:service:sosfire SIP/2.0\r\n" REST "\r\n"),
		 ERR_UNSUPPORTED, 416},
		{"status 99", S("SIP/2.0 099 x\r\n" REST "\r\n"), ERR_SYNTAX, 0},
		{"status 700", S("SIP/2.0 700 x\r\n" REST "\r\n"), ERR_SYNTAX, 0},
		{"status 2000", S("SIP/2.0 2000 x\r\n" REST "\r\n"), ERR_SYNTAX, 0},
		{"status text", S("SIP/2.0 OK\r\n" REST "\r\n"), ERR_SYNTAX, 0},
		{"no reason, no space", S("SIP/2.0 200\r\n" REST "\r\n"), ERR_OK, 0},
		{"no Via", S(LINE FROM TO CALLID CSEQ "\r\n"), ERR_NOTFOUND, 0},
		{"no From", S(LINE VIA TO CALLID CSEQ "\r\n"), ERR_NOTFOUND, 400},
		{"no To", S(LINE VIA FROM CALLID CSEQ "\r\n"), ERR_NOTFOUND, 400},
		{"no Call-ID", S(LINE VIA FROM TO CSEQ "\r\n"), ERR_NOTFOUND, 400},
		{"no CSeq", S(LINE VIA FROM TO CALLID "\r\n"), ERR_NOTFOUND, 400},
		{"two From", S(LINE REST FROM "\r\n"), ERR_EXISTS, 400},
		{"two To, one compact", S(LINE REST "t: <sip:c@d>\r\n\r\n"), ERR_EXISTS, 400},
		{"two Call-ID, same", S(LINE REST "i: i@h\r\n\r\n"), ERR_EXISTS, 400},
		{"two CSeq", S(LINE REST CSEQ "\r\n"), ERR_EXISTS, 400},
		{"two Max-Forwards", S(LINE REST "Max-Forwards: 1\r\nMAX-FORWARDS: 1\r\n\r\n"),
		 ERR_EXISTS, 400},
		{"two Content-Type", S(LINE REST "c: a/b\r\nContent-Type: a/b\r\n\r\n"), ERR_EXISTS,
		 400},
		{"two Via", S(LINE REST VIA "\r\n"), ERR_OK, 0},
		{"From list",
		 S(LINE VIA "From: <sip:a@b>;tag=f, <sip:e@f>\r\n" TO CALLID CSEQ "\r\n"),
		 ERR_SYNTAX, 400},
		{"ACK is not answered",
		 S("ACK sip:c@d SIP/2.0\r\n" VIA FROM TO CALLID "CSeq: x\r\n\r\n"), ERR_SYNTAX, 0},
		{"CSeq 2^31-1", S(LINE VIA FROM TO CALLID "CSeq: 2147483647 INVITE\r\n\r\n"),
		 ERR_OK, 0},
		{"CSeq 2^31", S(LINE VIA FROM TO CALLID "CSeq: 2147483648 INVITE\r\n\r\n"),
		 ERR_RANGE, 400},
		{"CSeq without method", S(LINE VIA FROM TO CALLID "CSeq: 1\r\n\r\n"), ERR_SYNTAX,
		 400},
		{"CSeq without space", S(LINE VIA FROM TO CALLID "CSeq: 1INVITE\r\n\r\n"),
		 ERR_SYNTAX, 400},
		{"CSeq negative", S(LINE VIA FROM TO CALLID "CSeq: -1 INVITE\r\n\r\n"), ERR_SYNTAX,
		 400},
		{"CSeq other method", S(LINE VIA FROM TO CALLID "CSeq: 1 ACK\r\n\r\n"), ERR_SYNTAX,
		 400},
		{"CSeq lower case", S(LINE VIA FROM TO CALLID "CSeq: 1 invite\r\n\r\n"), ERR_SYNTAX,
		 400},
		{"Max-Forwards 255", S(LINE REST "Max-Forwards: 255\r\n\r\n"), ERR_OK, 0},
		{"Max-Forwards 256", S(LINE REST "Max-Forwards: 256\r\n\r\n"), ERR_RANGE, 400},
		{"Max-Forwards empty", S(LINE REST "Max-Forwards:\r\n\r\n"), ERR_SYNTAX, 400},
		{"Max-Forwards 2^32", S(LINE REST "Max-Forwards: 4294967296\r\n\r\n"), ERR_RANGE,
		 400},
		{"Call-ID with space", S(LINE VIA FROM TO "Call-ID: a b\r\n" CSEQ "\r\n"),
		 ERR_SYNTAX, 400},
		{"Call-ID empty", S(LINE VIA FROM TO "Call-ID: \r\n" CSEQ "\r\n"), ERR_SYNTAX, 400},
		{"Call-ID 8-bit", S(LINE VIA FROM TO "Call-ID: \xc3\r\n" CSEQ "\r\n"), ERR_SYNTAX,
		 400},
		{"empty header", S(LINE REST "Subject:\r\nA:\r\n\r\n"), ERR_OK, 0},
		{"no colon", S(LINE REST "Subject\r\n\r\n"), ERR_SYNTAX, 400},
		{"empty name", S(LINE REST ": x\r\n\r\n"), ERR_SYNTAX, 400},
		{"space in the name", S(LINE REST "Sub ject: x\r\n\r\n"), ERR_SYNTAX, 400},
		{"name folded from colon", S(LINE REST "Subject\r\n : x\r\n\r\n"), ERR_SYNTAX, 400},
		{"8-bit value", S(LINE REST "Subject: \xff\xfe\r\n\r\n"), ERR_OK, 0},
		{"NUL in a value", S(LINE REST "Subject: a\0b\r\n\r\n"), ERR_SYNTAX, 0},
		{"NUL in quotes", S(LINE REST "Subject: \"a\0b\"\r\n\r\n"), ERR_SYNTAX, 0},
		{"NUL in a quoted pair", S(LINE REST "Subject: \"a\\\0b\"\r\n\r\n"), ERR_OK, 0},
		{"NUL behind a backslash, no quotes", S(LINE REST "Subject: a\\\0b\r\n\r\n"),
		 ERR_SYNTAX, 0},
		{"NUL in a name", S(LINE REST "Sub\0ject: a\r\n\r\n"), ERR_SYNTAX, 400},
		{"NUL in the body", S(LINE REST "\r\na\0b"), ERR_OK, 0},
		{"Via broken", S(LINE "Via: SIP/2.0/UDP ;x\r\n" FROM TO CALLID CSEQ "\r\n"),
		 ERR_SYNTAX, 400},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		check_err(rows[i].name, sip_msg_parse(at_end(rows[i].text), &m), rows[i].e);
		check_err(rows[i].name, m.fault, rows[i].e);
		check_num(rows[i].name, "answer", m.answer, rows[i].answer);
		check_num(rows[i].name, "why", m.why[0] != 0, rows[i].e != ERR_OK);
	}
}

/* P4: what counts as a Content-Length. */
static void
test_content_length(void **state)
{
	static const struct {
		const char *headers; /* the body is 8 bytes */
		enum err e;
		int body;
	} rows[] = {
		{"", ERR_OK, 8},
		{"Content-Length: 8\r\n", ERR_OK, 8},
		{"Content-Length: 5\r\n", ERR_OK, 5},
		{"Content-Length:  5 \r\n", ERR_OK, 5},
		{"Content-Length : 005\r\n", ERR_OK, 5},
		{"l: 0\r\n", ERR_OK, 0},
		{"Content-Length: 9\r\n", ERR_SHORT, 0},
		{"Content-Length:\r\n", ERR_SYNTAX, 0},
		{"Content-Length: -1\r\n", ERR_SYNTAX, 0},
		{"Content-Length: +5\r\n", ERR_SYNTAX, 0},
		{"Content-Length: \"5\"\r\n", ERR_SYNTAX, 0},
		{"Content-Length: 5x\r\n", ERR_SYNTAX, 0},
		{"Content-Length: 5 5\r\n", ERR_SYNTAX, 0},
		{"Content-Length: 5,5\r\n", ERR_SYNTAX, 0},
		{"Content-Length: 5;a\r\n", ERR_SYNTAX, 0},
		{"Content-Length: 0x5\r\n", ERR_SYNTAX, 0},
		{"Content-Length: 1e1\r\n", ERR_SYNTAX, 0},
		{"Content-Length: 5.0\r\n", ERR_SYNTAX, 0},
		{"Content-Length: 65537\r\n", ERR_RANGE, 0},
		{"Content-Length: 2147483647\r\n", ERR_RANGE, 0},
		{"Content-Length: 2147483648\r\n", ERR_RANGE, 0},
		{"Content-Length: 4294967301\r\n", ERR_RANGE, 0},
		{"Content-Length: 18446744073709551621\r\n", ERR_RANGE, 0},
		{"Content-Length: 5\r\nContent-Length: 5\r\n", ERR_EXISTS, 0},
		{"Content-Length: 5\r\nContent-Length: 8\r\n", ERR_EXISTS, 0},
		{"Content-Length: 5\r\nl: 5\r\n", ERR_EXISTS, 0},
		{"Content-Length:\r\n 5\r\n", ERR_SYNTAX, 0},
		{"Content-Length: 5\r\n \r\n", ERR_SYNTAX, 0},
	};
	char mem[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		buf_printf(&b, "%s%s\r\n12345678", LINE REST, rows[i].headers);
		check_err(rows[i].headers, sip_msg_parse(at_end(buf_view(&b)), &m), rows[i].e);
		if (rows[i].e == ERR_OK)
			check_num(rows[i].headers, "body", (long)m.body.len, rows[i].body);
		else
			check_num(rows[i].headers, "answer", m.answer, 400);
	}
}

/* P5: all 256 bytes behind and in a header name. Only a token is a name, only SP and HTAB may
 * stand before the colon, and nothing that is not exactly the name is taken for it. */
static void
test_name_bytes(void **state)
{
	char mem[512];

	(void)state;
	for (int in = 0; in < 2; in++)
		for (int c = 0; c < 256; c++) {
			bool token = c && (ascii_alnum((char)c) || strchr("-.!%*_+`'~", c));
			bool space = !in && (c == ' ' || c == '\t');
			bool colon = c == ':';
			const struct sip_hdr *h;
			struct buf b;
			enum err e;

			buf_init(&b, mem, sizeof(mem));
			buf_z(&b, LINE REST "P-Asserted-");
			if (in)
				buf_char(&b, (char)c);
			buf_z(&b, "Identity");
			if (!in)
				buf_char(&b, (char)c);
			buf_z(&b, ": <sip:x@y>\r\n\r\n");
			e = sip_msg_parse(at_end(buf_view(&b)), &m);
			if ((e == ERR_OK) != (token || space || colon))
				fail_msg("byte 0x%02x %d: %s", c, in, err_name(e));
			h = sip_msg_hdr(&m, SIP_H_P_ASSERTED_IDENTITY);
			if ((h != NULL) != (space || (colon && !in)))
				fail_msg("byte 0x%02x %d: taken for the header", c, in);
		}
}

static void
test_names(void **state)
{
	unsigned compact = 0;

	(void)state;
	for (unsigned i = 0; i < SIP_H_OTHER; i++) {
		struct str name = str_from(sip_hdr_name((enum sip_hdr_id)i));
		char upper[64];

		assert_true(name.len < sizeof(upper));
		for (size_t k = 0; k < name.len; k++)
			upper[k] = name.p[k] >= 'a' && name.p[k] <= 'z' ? (char)(name.p[k] - 32)
									: name.p[k];
		if (sip_hdr_id_of(name) != i || sip_hdr_id_of(str_of(upper, name.len)) != i)
			fail_msg("%s is not found", name.p);
		if (name.len > 2)
			assert_int_equal(sip_hdr_id_of(str_sub(name, 0, name.len - 1)),
					 SIP_H_OTHER);
	}
	for (int c = 0; c < 256; c++) {
		char z = (char)c;

		compact += sip_hdr_id_of(str_of(&z, 1)) != SIP_H_OTHER;
	}
	assert_int_equal(compact, 2 * 17);
	assert_int_equal(sip_hdr_id_of(STR("v")), SIP_H_VIA);
	assert_int_equal(sip_hdr_id_of(STR("I")), SIP_H_CALL_ID);
	assert_int_equal(sip_hdr_id_of(STR_NULL), SIP_H_OTHER);
	assert_int_equal(sip_hdr_id_of(STR("X-Any")), SIP_H_OTHER);
	for (unsigned i = 0; i < SIP_UNKNOWN; i++)
		assert_int_equal(sip_method_of(str_from(sip_method_name((enum sip_method)i))), i);
	assert_int_equal(sip_method_of(STR("invite")), SIP_UNKNOWN);
	assert_int_equal(sip_method_of(STR("INVITES")), SIP_UNKNOWN);
	assert_int_equal(sip_method_of(STR_NULL), SIP_UNKNOWN);
	assert_string_equal(sip_method_name(SIP_UNKNOWN), "");
	assert_string_equal(sip_hdr_name(SIP_H_OTHER), "");
}

/* Everything that a message gives, over one text; the slices lie in that text. */
static void
test_fields(void **state)
{
	struct str s = at_end(STR("BYE sip:x@y:5061;transport=tls SIP/2.0\r\n"
				  "v: SIP/2.0/TLS p.q:5061;branch=z9hG4bKy;rport, SIP/2.0/UDP r\r\n"
				  "X-Other: 1\r\n"
				  "f: \"F\" <sip:a@b>;tag=ft\r\n"
				  "VIA: SIP/2.0/UDP s\r\n"
				  "t: T <sips:c@d:5>;tag=tt\r\n"
				  "x-other: 2\r\n 3\r\n"
				  "i: call@id\r\nCSeq: 77  BYE\r\nMax-Forwards: 070\r\n"
				  "l: 4\r\n\r\nbodyextra"));
	const struct sip_hdr *h;

	(void)state;
	assert_int_equal(sip_msg_parse(s, &m), ERR_OK);
	assert_true(m.request);
	assert_int_equal(m.method, SIP_BYE);
	assert_int_equal(m.cseq_method, SIP_BYE);
	check_str("", "uri", m.uri_text, "sip:x@y:5061;transport=tls");
	assert_int_equal(m.uri.port, 5061);
	assert_int_equal(m.via.transport, SIP_TLS);
	check_str("", "branch", m.via.branch, "z9hG4bKy");
	assert_true(m.via.has_rport);
	check_str("", "from", m.from.uri.all, "sip:a@b");
	check_str("", "from tag", m.from_tag, "ft");
	check_str("", "to", m.to.uri.all, "sips:c@d:5");
	check_str("", "to tag", m.to_tag, "tt");
	check_str("", "Call-ID", m.call_id, "call@id");
	assert_int_equal(m.cseq, 77);
	assert_int_equal(m.max_forwards, 70);
	assert_int_equal(m.content_length, 4);
	check_str("", "body", m.body, "body");
	assert_int_equal(m.all.len, s.len - 5);
	assert_ptr_equal(m.all.p, s.p);
	assert_int_equal(m.n_hdr, 10);
	h = sip_msg_hdr(&m, SIP_H_VIA);
	assert_ptr_equal(h, &m.hdr[0]);
	h = sip_msg_next(&m, h);
	assert_ptr_equal(h, &m.hdr[3]);
	check_str("", "line", h->line, "VIA: SIP/2.0/UDP s\r\n");
	assert_null(sip_msg_next(&m, h));
	h = sip_msg_by_name(&m, STR("X-OTHER"), NULL);
	assert_ptr_equal(h, &m.hdr[1]);
	assert_int_equal(h->id, SIP_H_OTHER);
	h = sip_msg_by_name(&m, STR("X-OTHER"), h);
	check_str("", "folded line", h->line, "x-other: 2\r\n 3\r\n");
	assert_null(sip_msg_by_name(&m, STR("X-OTHER"), h));
	assert_null(sip_msg_hdr(&m, SIP_H_ROUTE));
	assert_int_equal(sip_msg_value(&m, SIP_H_ROUTE).len, 0);
}

/* Each prefix of a message, and each byte replaced: no crash, no read beyond the end (ASan), and
 * never OK for a cut head. */
static void
test_cuts(void **state)
{
	static char text[1024];
	struct str all =
		STR(LINE "Via: SIP / 2.0 / UDP h : 5060 ; branch=z9hG4bKx;rport\r\n"
			 "From: \"A \\\"B\\\" C\" <sip:a:b@[::1]:5;x=y?z=1>;tag=f;q=\"r\"\r\n"
			 "To: c\r\n <sip:c@d>\r\n" CALLID CSEQ
			 "Contact: <sip:x@y>;a=b, \"q\" <tel:+1>\r\nl: 0\r\n\r\n");

	(void)state;
	for (size_t n = 0; n < all.len; n++)
		if (sip_msg_parse(at_end(str_sub(all, 0, n)), &m) == ERR_OK)
			fail_msg("OK with %zu of %zu bytes", n, all.len);
	for (size_t n = 0; n < all.len; n++) {
		memcpy(text, all.p, all.len);
		for (unsigned k = 0; k < 12; k++) {
			text[n] = "\0\r\n \t\"\\<>;,\xff"[k];
			if (sip_msg_parse(at_end(str_of(text, all.len)), &m) == ERR_OK)
				assert_int_equal(m.fault, ERR_OK);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),       cmocka_unit_test(test_content_length),
		cmocka_unit_test(test_name_bytes), cmocka_unit_test(test_names),
		cmocka_unit_test(test_fields),     cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests_name("sip msg", tests, NULL, NULL);
}
