/* The answer to tls-report: who is in it, and how often. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "hands.h"
#include "ops/showtls.h"

enum { ANSWER_MAX = 256 * 1024 };
static const int64_t day_us = 86400LL * 1000000;

static char dir[64], path[96], *mem;
static struct handstore *s;

static int
setup(void **state)
{
	char why[HANDSTORE_WHY_MAX];

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/postern-tls-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	mem = mem_zalloc(1, ANSWER_MAX);
	if (!mem || !mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/h.db", dir);
	return handstore_open(path, 1000, 365, &s, why) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	handstore_close(&s);
	(void)unlink(path);
	(void)rmdir(dir);
	MEM_FREE(mem);
	return 0;
}

static void
add(const char *id, const char *account, int64_t at_us, uint16_t other_suite)
{
	static struct handjson m;
	struct hand_entry e = hands_entry(id, account, true);
	struct hand_row row;

	e.u.tls.began_us = at_us;
	e.u.tls.offered_suites[1] = other_suite;
	hands_text(e.u.tls.authority, sizeof(e.u.tls.authority), "/etc/postern/Root-R1.pem");
	hands_text(e.u.tls.profile, sizeof(e.u.tls.profile), "carrier");
	assert_int_equal(handjson_row(&m, &e, &row), ERR_OK);
	assert_int_equal(handstore_begin(s), ERR_OK);
	assert_int_equal(handstore_end(s, handstore_add(s, &row), HANDS_AT), ERR_OK);
}

static struct json *
ask(const char *question)
{
	struct json *q = NULL, *a = NULL;
	struct buf b;

	assert_int_equal(jsonin_parse(str_from(question), &q), ERR_OK);
	buf_init(&b, mem, ANSWER_MAX);
	showtls_answer(s, q, HANDS_AT, &b);
	jsonin_free(&q);
	assert_int_equal(jsonin_parse(buf_view(&b), &a), ERR_OK);
	return a;
}

static void
test_report(void **state)
{
	struct json *a;
	const struct json *list, *row;

	(void)state;
	add("a", "acme", HANDS_AT - 2000, 0x003d);
	add("b", "acme", HANDS_AT - 1000, 0x003d);
	add("c", "beta", HANDS_AT - 1000, 0xc02f);
	add("d", "old", HANDS_AT - 40 * day_us, 0x003d);
	a = ask("{\"cmd\":\"tls-report\"}");
	list = jsonin_get(a, "list");
	assert_true(jsonin_true(a, "ok"));
	assert_int_equal(jsonin_int(a, "days"), SHOWTLS_DAYS);
	assert_true(jsonin_true(a, "without.rsa_kx"));
	assert_int_equal(jsonin_count(list), 3);
	row = jsonin_at(list, 0);
	assert_string_equal(jsonin_text(row, "account"), "acme");
	assert_string_equal(jsonin_text(row, "handshake"), "b");
	assert_int_equal(jsonin_int(row, "n"), 2);
	assert_string_equal(jsonin_text(row, "chosen"), "TLS 1.2 AES128-SHA");
	assert_true(jsonin_true(row, "rfc10015"));
	assert_string_equal(jsonin_text(row, "fate"), "breaks");
	row = jsonin_at(list, 1);
	assert_string_equal(jsonin_text(row, "account"), "beta");
	assert_string_equal(jsonin_text(row, "fate"), "needs-profile");
	assert_string_equal(jsonin_text(row, "fallback"), "TLS 1.2 ECDHE-RSA-AES128-GCM-SHA256");
	row = jsonin_at(list, 2); /* connected long ago, and perhaps still is */
	assert_string_equal(jsonin_text(row, "account"), "old");
	assert_int_equal(jsonin_int(row, "n"), 0);
	assert_int_equal(jsonin_int(a, "n.breaks"), 2);
	assert_int_equal(jsonin_int(a, "n.needs-profile"), 1);
	jsonin_free(&a);
	a = ask("{\"without\":[\"AES128-SHA\",\"GlobalSign\"],\"days\":50}");
	assert_int_equal(jsonin_int(a, "n.falls-back"), 2);
	assert_int_equal(jsonin_int(jsonin_at(jsonin_get(a, "list"), 2), "n"), 1);
	assert_int_equal(jsonin_count(jsonin_get(a, "without.authorities")), 1);
	jsonin_free(&a);
	a = ask("{\"without\":[\"\"]}");
	assert_false(jsonin_true(a, "ok"));
	jsonin_free(&a);
}

/* No typo gives comfort. */
static void
test_words(void **state)
{
	static const struct {
		const char *word;
		bool want;
	} rows[] = {
		{"bogus", false},
		{"AES128-SHAA", false},
		{"1.7", false},
		{"Root", false},
		{"Root-R1.pem", true},
		{"/etc/postern/root-r1.pem", true},
		{"etc/Root-R1.pem", false},
		{"DigiCert", true},
		{"sectigo", true},
		{"1.2", true},
		{"AES128-SHA", true},
	};
	char question[128];

	(void)state;
	add("a", "acme", HANDS_AT - 2000, 0x003d);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *a;
		const char *error;

		(void)snprintf(question, sizeof(question), "{\"without\":[\"eku\",\"%s\"]}",
			       rows[i].word);
		a = ask(question);
		error = jsonin_text(a, "error");
		if (jsonin_true(a, "ok") != rows[i].want)
			fail_msg("%s: %s", rows[i].word, error);
		if (!rows[i].want &&
		    (!jsonin_true(a, "usage") || !strstr(error, rows[i].word) ||
		     !strstr(error, "seen: /etc/postern/Root-R1.pem;") ||
		     !strstr(error, "DigiCert") || !strstr(error, "suites seen: AES128-SHA")))
			fail_msg("%s: \"%s\"", rows[i].word, error);
		if (strstr(rows[i].word, ".pem") && rows[i].want && jsonin_int(a, "n.breaks") != 1)
			fail_msg("%s breaks nobody", rows[i].word);
		jsonin_free(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_report, setup, teardown),
		cmocka_unit_test_setup_teardown(test_words, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
