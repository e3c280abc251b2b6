#include "unit/sip/rows.h"

#include "sip/parts.h"

static struct sip_msg m;
static struct sip_parts parts;
static char text[32768];

/* An INVITE with this Content-Type (or whole header lines) and body. */
static void
parse_with(const char *row, const char *headers, const char *body)
{
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_printf(&b,
		   "INVITE sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
		   "From: <sip:a@b>;tag=f\r\nTo: <sip:c@d>\r\nCall-ID: i@h\r\nCSeq: 1 INVITE\r\n"
		   "%sContent-Length: %zu\r\n\r\n%s",
		   headers, strlen(body), body);
	assert_false(b.failed);
	check_err(row, sip_msg_parse(at_end(buf_view(&b)), &m), ERR_OK);
}

#define MIXED "Content-Type: multipart/mixed;boundary=b1\r\n"
#define SDP_PART "Content-Type: application/sdp\r\n\r\nv=0\r\no=x\r\n"
#define PIDF_PART                                                                                  \
	"Content-Type: application/pidf+xml\r\nContent-ID: <l@h>\r\n"                              \
	"Content-Disposition: by-reference;handling=optional\r\n\r\n<presence/>\r\n"

/* What is found of application/sdp, or the error. */
static void
test_find(void **state)
{
	static const struct {
		const char *row, *headers, *body, *want;
	} rows[] = {
		{"SDP alone", "Content-Type: application/sdp\r\n", "v=0\r\n", "v=0\r\n"},
		{"compact name, other case", "c: Application/SDP;x=y\r\n", "v=0\r\n", "v=0\r\n"},
		{"another type", "Content-Type: text/plain\r\n", "v=0\r\n", "NOTFOUND"},
		{"no type", "", "v=0\r\n", "NOTFOUND"},
		{"no body", MIXED, "", "NOTFOUND"},
		{"broken type", "Content-Type: application\r\n", "v=0\r\n", "SYNTAX"},
		{"compressed", "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", "x",
		 "NOTFOUND"},
		{"first of two", MIXED, "--b1\r\n" SDP_PART "--b1\r\n" PIDF_PART "--b1--\r\n",
		 "v=0\r\no=x"},
		{"second of two", MIXED, "--b1\r\n" PIDF_PART "--b1\r\n" SDP_PART "--b1--",
		 "v=0\r\no=x"},
		{"preamble, epilogue, blanks", MIXED,
		 "for old readers\r\n--b1 \t\r\n" SDP_PART "--b1-- \r\nmore", "v=0\r\no=x"},
		{"boundary in quotes", "Content-Type: multipart/mixed;boundary=\"b 1:\"\r\n",
		 "--b 1:\r\n" SDP_PART "--b 1:--\r\n", "v=0\r\no=x"},
		{"bare line feeds", MIXED, "--b1\nContent-Type: application/sdp\n\nv=0\n--b1--\n",
		 "v=0"},
		{"a longer boundary is none", MIXED,
		 "--b1\r\nContent-Type: application/sdp\r\n\r\n--b12\r\nv=0\r\n--b1--",
		 "--b12\r\nv=0"},
		{"empty content", MIXED, "--b1\r\nContent-Type: application/sdp\r\n\r\n--b1--", ""},
		{"folded header", MIXED,
		 "--b1\r\nContent-Type:\r\n application/sdp\r\n\r\nv=0\r\n--b1--", "v=0"},
		{"no header is text", MIXED, "--b1\r\n\r\nv=0\r\n--b1--", "NOTFOUND"},
		{"base64 is not SDP", MIXED,
		 "--b1\r\nContent-Type: application/sdp\r\nContent-Transfer-Encoding: "
		 "base64\r\n\r\n"
		 "dj0w\r\n--b1--",
		 "NOTFOUND"},
		{"8bit is", MIXED,
		 "--b1\r\nContent-Transfer-Encoding: 8bit\r\nContent-Type: application/sdp\r\n\r\n"
		 "v=0\r\n--b1--",
		 "v=0"},
		{"of an alternative the last",
		 "Content-Type: multipart/alternative;boundary=b1\r\n",
		 "--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b1\r\n" SDP_PART "--b1--",
		 "v=0\r\no=x"},
		{"of a mixed the first", MIXED,
		 "--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b1\r\n" SDP_PART "--b1--",
		 "v=0"},
		{"inside of another", MIXED,
		 "--b1\r\nContent-Type: multipart/related;boundary=b2\r\n\r\n--b2\r\n" SDP_PART
		 "--b2--\r\n--b1\r\n" PIDF_PART "--b1--",
		 "v=0\r\no=x"},
		{"no boundary", "Content-Type: multipart/mixed\r\n", "--b1\r\n" SDP_PART "--b1--",
		 "SYNTAX"},
		{"no end", MIXED, "--b1\r\n" SDP_PART, "SYNTAX"},
		{"no part", MIXED, "--b1--\r\n", "SYNTAX"},
		{"broken field", MIXED, "--b1\r\nContent Type: x\r\n\r\nv\r\n--b1--", "SYNTAX"},
		{"two types of a part", MIXED,
		 "--b1\r\n" SDP_PART "--b1\r\nContent-Type: application/sdp\r\n"
		 "Content-Type: text/plain\r\n\r\nv=0\r\n--b1--",
		 "SYNTAX"},
		{"broken type of a part", MIXED, "--b1\r\nContent-Type: x\r\n\r\nv\r\n--b1--",
		 "SYNTAX"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str got = STR_NULL;
		enum err e;

		parse_with(rows[i].row, rows[i].headers, rows[i].body);
		e = sip_body_of(&m, "application", "sdp", &got);
		check_str(rows[i].row, "found", e == ERR_OK ? got : str_from(err_name(e)),
			  rows[i].want);
	}
}

static void
test_list(void **state)
{
	(void)state;
	parse_with("list", MIXED,
		   "--b1\r\n" PIDF_PART "--b1\r\n"
		   "Content-Type: multipart/mixed;boundary=b2\r\n\r\n--b2\r\n" SDP_PART
		   "--b2--\r\n--b1--\r\n");
	check_err("list", sip_parts_read(&m, &parts), ERR_OK);
	assert_int_equal(parts.n, 4);
	assert_int_equal(parts.part[0].inside, SIP_PARTS_TOP);
	assert_true(parts.part[0].holds);
	assert_true(sip_part_is(&parts.part[1], "application", "PIDF+xml"));
	assert_true(parts.part[1].optional);
	check_str("list", "pidf", parts.part[1].content, "<presence/>");
	assert_true(str_starts(parts.part[1].all, STR("Content-Type: application/pidf")));
	assert_true(parts.part[2].holds);
	assert_false(parts.part[2].optional);
	assert_int_equal(parts.part[2].inside, 0);
	assert_int_equal(parts.part[3].inside, 2);
}

/* More parts than there is room for, beside each other and inside each other. */
static void
test_limits(void **state)
{
	char body[8192];
	struct buf b;

	(void)state;
	for (int n = SIP_PARTS_MAX - 1; n <= SIP_PARTS_MAX; n++) {
		buf_init(&b, body, sizeof(body));
		for (int i = 0; i < n; i++)
			buf_z(&b, "--b1\r\n\r\nx\r\n");
		buf_z(&b, "--b1--");
		assert_int_equal(buf_end(&b), ERR_OK);
		parse_with("beside", MIXED, body);
		check_err("beside", sip_parts_read(&m, &parts),
			  n < SIP_PARTS_MAX ? ERR_OK : ERR_FULL);
	}
	buf_init(&b, body, sizeof(body));
	buf_z(&b, "--b1\r\n");
	for (int i = 0; i < 40; i++)
		buf_printf(&b, "Content-Type: multipart/mixed;boundary=n%d\r\n\r\n--n%d\r\n", i, i);
	for (int i = 40; i-- > 0;)
		buf_printf(&b, "\r\n--n%d--\r\n", i);
	buf_z(&b, "--b1--");
	assert_int_equal(buf_end(&b), ERR_OK);
	parse_with("inside", MIXED, body);
	check_err("inside", sip_parts_read(&m, &parts), ERR_FULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("sip parts", tests, NULL, NULL);
}
