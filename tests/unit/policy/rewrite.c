/* policy/rewrite: which rules are taken, what is said of the others, and what they do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "policy/rewrite.h"

/* Rules for headers. says: NULL = it is taken. */
static const struct {
	const char *name, *rule;
	enum err want;
	const char *says;
} header_rules[] = {
	{"remove", "remove X-Route", ERR_OK, NULL},
	{"add", "add X-Account: {account}", ERR_OK, NULL},
	{"replace", "  replace   Subject :  from {calling} to {called} by {zone} ", ERR_OK, NULL},
	{"8-bit", "add Subject: M\xc3\xbcller", ERR_OK, NULL},
	{"compact", "replace s: x", ERR_OK, NULL},
	{"P-", "add P-Asserted-Service: urn:x", ERR_OK, NULL},
	{"case", "remove x-route", ERR_OK, NULL},
	{"colon inside", "add X-A: a: b", ERR_OK, NULL},
	{"remove PAI", "remove P-Asserted-Identity", ERR_OK, NULL},
	{"add PAI", "add P-Asserted-Identity: <sip:1@x>", ERR_PERM, "can only be removed"},
	{"replace Identity", "replace y: x", ERR_PERM, "Identity can only be removed"},
	{"add Date", "add Date: x", ERR_PERM, "can only be removed"},
	{"Via", "remove Via", ERR_PERM, "says where messages go"},
	{"Via, compact", "remove v", ERR_PERM, "Via: it says where messages go"},
	{"Route", "add Route: <sip:x;lr>", ERR_PERM, "says where messages go"},
	{"Record-Route", "remove Record-Route", ERR_PERM, "says where messages go"},
	{"Contact", "replace m: x", ERR_PERM, "Contact: it says where"},
	{"Max-Forwards", "replace Max-Forwards: 255", ERR_PERM, "says where messages go"},
	{"Path", "add Path: x", ERR_PERM, "says where messages go"},
	{"From", "replace From: x", ERR_PERM, "belongs to a dialog"},
	{"To", "remove t", ERR_PERM, "To: it belongs to a dialog"},
	{"Call-ID", "replace Call-ID: x", ERR_PERM, "belongs to a dialog"},
	{"CSeq", "replace CSeq: 1 INVITE", ERR_PERM, "belongs to a dialog"},
	{"Replaces", "add Replaces: x", ERR_PERM, "belongs to a dialog"},
	{"Content-Type", "replace c: text/plain", ERR_PERM, "describes the body"},
	{"Content-Length", "remove Content-Length", ERR_PERM, "describes the body"},
	{"Content-, not known", "add Content-ID: x", ERR_PERM, "describes the body"},
	{"Require", "add Require: x", ERR_PERM, "what this end can do"},
	{"Supported", "remove k", ERR_PERM, "Supported: it says what this end can do"},
	{"Session-Expires", "remove x", ERR_PERM, "Session-Expires: it says what"},
	{"Allow", "replace Allow: INVITE", ERR_PERM, "what this end can do"},
	{"Authorization", "add Authorization: x", ERR_PERM, "credentials"},
	{"Proxy-Authorization", "remove Proxy-Authorization", ERR_PERM, "credentials"},
	{"Privacy", "remove Privacy", ERR_PERM, "what may be known of a caller"},
	{"User-Agent", "replace User-Agent: x", ERR_PERM, "postern's own"},
	{"not known", "add Foo: x", ERR_PERM, "must begin with X- or P-"},
	{"nothing", "", ERR_SYNTAX, "write \"remove NAME\""},
	{"no name", "remove", ERR_SYNTAX, "write \"remove NAME\""},
	{"no value", "add X-A:", ERR_SYNTAX, "write a value"},
	{"no colon", "add X-A", ERR_SYNTAX, "write a value"},
	{"remove a value", "remove X-A: b", ERR_SYNTAX, "write \"remove NAME\""},
	{"other word", "delete X-A", ERR_SYNTAX, "write \"remove NAME\""},
	{"CR LF", "add X-A: a\r\nRoute: <sip:x>", ERR_SYNTAX, "control byte 0x0d"},
	{"LF at the end", "remove X-A\n", ERR_SYNTAX, "control byte 0x0a"},
	{"tab", "add X-A: a\tb", ERR_SYNTAX, "control byte 0x09"},
	{"DEL", "add X-A: a\x7f", ERR_SYNTAX, "control byte 0x7f"},
	{"other placeholder", "add X-A: {password}", ERR_SYNTAX, "braces hold one of"},
	{"open brace", "add X-A: {called", ERR_SYNTAX, "braces hold one of"},
	{"closing brace", "add X-A: a}", ERR_SYNTAX, "braces hold one of"},
};

static void
test_header_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(header_rules); i++) {
		char why[REWRITE_WHY_MAX] = "";
		struct rewrite_header h;
		enum err e = rewrite_header_parse(str_from(header_rules[i].rule), &h, why);

		if (e != header_rules[i].want ||
		    (header_rules[i].says && !strstr(why, header_rules[i].says)) ||
		    (!header_rules[i].says && why[0]))
			fail_msg("%s: %s: %s", header_rules[i].name, err_name(e), why);
	}
}

static const struct {
	const char *name, *rule;
	enum err want;
} number_rules[] = {
	{"replace", "called +1 -> 9", ERR_OK},
	{"cut", "calling +1 ->", ERR_OK},
	{"put before all", "called -> 9", ERR_OK},
	{"star and hash", "called *67 -> #31#", ERR_OK},
	{"tight", "called 9->8", ERR_OK},
	{"nothing at all", "called ->", ERR_SYNTAX},
	{"no arrow", "called 9 8", ERR_SYNTAX},
	{"letters", "called abc -> 9", ERR_SYNTAX},
	{"plus inside", "called 1+ -> 9", ERR_SYNTAX},
	{"two arrows", "called 9 -> 8 -> 7", ERR_SYNTAX},
	{"no side", "9 -> 8", ERR_SYNTAX},
	{"other side", "both 9 -> 8", ERR_SYNTAX},
	{"CR", "called 9 -> 8\r", ERR_SYNTAX},
	{"too long", "called 9 -> 12345678901234567890123456789012", ERR_SYNTAX},
};

static void
test_number_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(number_rules); i++) {
		char why[REWRITE_WHY_MAX] = "";
		struct rewrite_number n;
		enum err e = rewrite_number_parse(str_from(number_rules[i].rule), &n, why);

		if (e != number_rules[i].want || (e != ERR_OK) != (why[0] != 0))
			fail_msg("%s: %s: %s", number_rules[i].name, err_name(e), why);
	}
}

#define WRONG_LEFT "Call-Info: <http://left>\r\n"
#define FOLD "Subject: one\r\n two\r\n"

static const struct {
	const char *name, *list, *headers;
	bool adds, changes;
	const char *want;
} applied[] = {
	{"no rule", "", FOLD "X-A: \xff\r\n", true, true, FOLD "X-A: \xff\r\n"},
	{"remove all of a name, the fold with it", "remove Subject",
	 "X-A: 1\r\n" FOLD "s: three\r\nSUBJECT: four\r\nX-B: 2\r\n", true, true,
	 "X-A: 1\r\nX-B: 2\r\n"},
	{"remove one that is not there", "remove X-C", "X-A: 1\r\n", true, true, "X-A: 1\r\n"},
	{"what begins alike stays", "remove X-A", "X-AB: 1\r\nX-A : 2\r\nX: 3\r\n", true, true,
	 "X-AB: 1\r\nX: 3\r\n"},
	{"add", "add X-C: {account} {called} {calling} {zone}", "X-A: 1\r\n", true, true,
	 "X-A: 1\r\nX-C: acme +15552223333 +15551230000 z.example\r\n"},
	{"add beside one", "add X-A: 2", "X-A: 1\r\n", true, true, "X-A: 1\r\nX-A: 2\r\n"},
	{"set", "remove X-A\nadd X-A: 2", "X-A: 1\r\nx-a: 3\r\n", true, true, "X-A: 2\r\n"},
	{"replace all by one", "replace s: new", "Subject: 1\r\nX-A: 1\r\ns: 2\r\n", true, true,
	 "X-A: 1\r\nSubject: new\r\n"},
	{"replace nothing", "replace Subject: new", "X-A: 1\r\n", true, true, "X-A: 1\r\n"},
	{"no adds", "add X-C: 1\nremove X-A", "X-A: 1\r\n", false, true, ""},
	{"no changes", "add X-C: 1\nremove X-A\nreplace X-A: 2", "X-A: 1\r\n", true, false,
	 "X-A: 1\r\nX-C: 1\r\n"},
	{"8-bit and folds of others stay", "remove X-B",
	 "X-A: \xc3\xbc\r\n\t\xff\r\nX-B: 1\r\n 2\r\nX-C: 3\r\n", true, true,
	 "X-A: \xc3\xbc\r\n\t\xff\r\nX-C: 3\r\n"},
	{"a rule that cannot be read", "remove Via\nadd Foo: x\nremove X-A",
	 "Call-Info: <http://left>\r\nX-A: 1\r\n", true, true, WRONG_LEFT},
};

static void
test_applied(void **state)
{
	const struct rewrite_words w = {.called = STR("+15552223333"),
					.calling = STR("+15551230000"),
					.account = STR("acme"),
					.zone = STR("z.example")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(applied); i++) {
		char mem[512];
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		buf_z(&b, "Subject: before\r\n"); /* not looked at */
		buf_z(&b, applied[i].headers);
		rewrite_headers(&b, strlen("Subject: before\r\n"), str_from(applied[i].list), &w,
				applied[i].adds, applied[i].changes);
		if (buf_end(&b) != ERR_OK ||
		    !str_eqz(str_from_at(buf_view(&b), strlen("Subject: before\r\n")),
			     applied[i].want))
			fail_msg("%s: %s", applied[i].name, buf_cstr(&b));
	}
}

/* What a peer says cannot break the line that it is put into; what does not fit is a failure. */
static void
test_hostile_words(void **state)
{
	const struct rewrite_words w = {.called = STR("1\r\nRoute: <sip:x>"),
					.calling = STR("\"\x01 \xff<>")};
	char mem[128];
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof(mem));
	rewrite_headers(&b, 0, STR("add X-A: {called}{calling}"), &w, true, true);
	assert_int_equal(buf_end(&b), ERR_OK);
	assert_string_equal(buf_cstr(&b),
			    "X-A: 1%0D%0ARoute%3A%20%3Csip%3Ax%3E%22%01%20%FF%3C%3E\r\n");
	buf_init(&b, mem, 8);
	rewrite_headers(&b, 0, STR("add X-A: 12345678"), &w, true, true);
	assert_int_equal(buf_end(&b), ERR_LONG);
}

static void
test_lines(void **state)
{
	char mem[256], line_mem[16];
	struct str line;
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, "Date: 0\r\nX-A: 1\r\nDate: 1\r\n\t2\r\nDATE: a long one of these\r\n");
	assert_int_equal(rewrite_count(&b, 9, SIP_H_DATE), 2);
	assert_int_equal(rewrite_take_line(&b, 9, SIP_H_DATE, line_mem, sizeof(line_mem), &line),
			 ERR_OK);
	assert_true(str_eqz(line, "Date: 1\r\n\t2\r\n"));
	assert_int_equal(rewrite_take_line(&b, 9, SIP_H_DATE, line_mem, sizeof(line_mem), &line),
			 ERR_LONG);
	assert_int_equal(rewrite_take_line(&b, 9, SIP_H_DATE, line_mem, sizeof(line_mem), &line),
			 ERR_NOTFOUND);
	assert_string_equal(buf_cstr(&b), "Date: 0\r\nX-A: 1\r\n");
	assert_true(rewrite_removes(STR("add X-A: 1\nremove Date"), SIP_H_DATE));
	assert_false(rewrite_removes(STR("remove X-Date"), SIP_H_DATE));
}

static void
test_numbers(void **state)
{
	static const struct {
		const char *list;
		bool called;
		const char *number, *want; /* NULL: as it is */
	} rows[] = {
		{"called 9 ->", true, "9123", "123"},
		{"called 9 ->", false, "9123", NULL},
		{"called 9 ->", true, "8123", NULL},
		{"called 9 ->", true, "9", NULL},
		{"called 91 -> 7\ncalled 9 -> 8", true, "9123", "723"},
		{"called 9 -> 8\ncalled 91 -> 7", true, "9123", "8123"},
		{"called -> +1", true, "5551230000", "+15551230000"},
		{"calling +1 ->\ncalled +44 -> 0", true, "+4420", "020"},
		{"rubbish\ncalled +44 -> 0", true, "+4420", "020"},
		{"called 1 -> 1234567890123456789012345", true, "1234567890", NULL},
		{"", true, "1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char mem[NUMBER_SIZE];
		struct buf b;
		bool did;

		buf_init(&b, mem, sizeof(mem) - 1);
		did = rewrite_number(str_from(rows[i].list), rows[i].called,
				     str_from(rows[i].number), &b);
		if (did != (rows[i].want != NULL) ||
		    (did && !str_eqz(buf_view(&b), rows[i].want)) || (!did && b.len))
			fail_msg("%zu: %s: %s", i, rows[i].number, buf_cstr(&b));
	}
}

static void
test_limits(void **state)
{
	char mem[REWRITE_LIST_MAX + 64];
	struct buf b;

	(void)state;
	assert_int_equal(rewrite_list_valid(STR(""), true), ERR_OK);
	assert_int_equal(rewrite_list_valid(STR("remove X-A\n\nremove X-B"), true), ERR_SYNTAX);
	assert_int_equal(rewrite_list_valid(STR("remove Via"), true), ERR_PERM);
	assert_int_equal(rewrite_list_valid(STR("remove X-A"), false), ERR_SYNTAX);
	buf_init(&b, mem, sizeof(mem));
	for (int i = 0; i < REWRITE_RULES_MAX; i++)
		buf_printf(&b, "%scalled %d -> 9", i ? "\n" : "", i);
	assert_int_equal(rewrite_list_valid(buf_view(&b), false), ERR_OK);
	buf_z(&b, "\ncalled 77 -> 9");
	assert_int_equal(rewrite_list_valid(buf_view(&b), false), ERR_FULL);
	buf_reset(&b);
	buf_z(&b, "add X-A: ");
	while (b.len < strlen("add X-A: ") + REWRITE_VALUE_MAX)
		buf_char(&b, 'a');
	assert_int_equal(rewrite_list_valid(buf_view(&b), true), ERR_OK);
	buf_char(&b, 'a');
	assert_int_equal(rewrite_list_valid(buf_view(&b), true), ERR_LONG);
	while (!b.failed)
		buf_z(&b, "\nremove X-A");
	assert_int_equal(rewrite_list_valid(buf_view(&b), true), ERR_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_rules), cmocka_unit_test(test_number_rules),
		cmocka_unit_test(test_applied),      cmocka_unit_test(test_hostile_words),
		cmocka_unit_test(test_lines),        cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
