#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "policy/addrbook.h"

#define S 1000000ULL

static struct addr
at(const char *z)
{
	struct addr a;

	assert_int_equal(addr_parse(str_from(z), &a), ERR_OK);
	return a;
}

static void
answer(struct addrbook *b, struct str host, bool ok, const struct addr *a, uint32_t n, uint32_t ttl,
       uint64_t now)
{
	struct addrbook_news news = {.ok = ok, .n = n, .ttl_s = ttl};

	for (uint32_t i = 0; i < n; i++)
		news.addr[i] = a[i];
	addrbook_answer(b, host, &news, now);
}

/* One host over time: unknown, asked, known, asked again before it expires, stale while the
 * servers fail, forgotten at last. */
static void
test_life(void **state)
{
	struct addr a = at("192.0.2.1"), b = at("192.0.2.2"), six = at("[2001:db8::1]:5061");
	struct addr both[2] = {a, at("2001:db8::1")};
	struct addrbook book;
	char host[POLICY_HOST_MAX];
	uint64_t t = 100 * S;

	(void)state;
	if (addrbook_init(&book, 4) != ERR_OK)
		skip(); /* no memory */
	assert_int_equal(addrbook_keep(&book, STR("pbx.example")), ERR_OK);
	assert_int_equal(addrbook_has(&book, STR("pbx.example"), &a, t), ADDRBOOK_UNKNOWN);
	assert_int_equal(addrbook_has(&book, STR("other.example"), &a, t), ADDRBOOK_UNKNOWN);
	assert_true(addrbook_next(&book, t, host));
	assert_string_equal(host, "pbx.example");
	assert_false(addrbook_next(&book, t, host)); /* under way */
	answer(&book, STR("pbx.example"), true, both, 2, 60, t);
	assert_int_equal(addrbook_has(&book, STR("pbx.example"), &a, t), ADDRBOOK_YES);
	assert_int_equal(addrbook_has(&book, STR("pbx.example"), &six, t), ADDRBOOK_YES);
	assert_int_equal(addrbook_has(&book, STR("pbx.example"), &b, t), ADDRBOOK_NO);
	assert_false(addrbook_next(&book, t + 47 * S, host));
	assert_true(addrbook_next(&book, t + 48 * S, host)); /* before the 60 s are over */
	answer(&book, STR("pbx.example"), false, NULL, 0, 0, t + 50 * S);
	assert_int_equal(addrbook_has(&book, STR("pbx.example"), &a, t + 70 * S), ADDRBOOK_YES);
	assert_false(addrbook_next(&book, t + 54 * S, host));
	assert_true(addrbook_next(&book, t + 55 * S, host));
	answer(&book, STR("pbx.example"), true, &b, 1, 60, t + 60 * S);
	assert_int_equal(addrbook_has(&book, STR("pbx.example"), &a, t + 61 * S), ADDRBOOK_NO);
	assert_int_equal(addrbook_has(&book, STR("pbx.example"), &b, t + 61 * S), ADDRBOOK_YES);
	/* no answer for longer than a day: it counts no more, and is wanted at once */
	t += (60 + 60 + ADDRBOOK_STALE_S) * S;
	assert_int_equal(addrbook_has(&book, STR("pbx.example"), &b, t - S), ADDRBOOK_YES);
	assert_int_equal(addrbook_has(&book, STR("pbx.example"), &b, t), ADDRBOOK_UNKNOWN);
	assert_true(addrbook_next(&book, t, host));
	answer(&book, STR("pbx.example"), true, NULL, 0, 60, t); /* it has none */
	assert_int_equal(addrbook_has(&book, STR("pbx.example"), &b, t), ADDRBOOK_NO);
	addrbook_fini(&book);
}

/* TTLs of 0 and of a year are asked again after 4 s and 48 min. */
static void
test_ttl(void **state)
{
	static const struct {
		uint32_t ttl, early, due;
	} rows[] = {{0, 3, 4}, {5, 3, 4}, {100, 79, 80}, {31536000, 2879, 2880}};
	struct addr a = at("192.0.2.1");
	struct addrbook book;
	char host[POLICY_HOST_MAX];

	(void)state;
	if (addrbook_init(&book, 4) != ERR_OK)
		skip();
	assert_int_equal(addrbook_keep(&book, STR("x.example")), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		answer(&book, STR("x.example"), true, &a, 1, rows[i].ttl, 0);
		assert_false(addrbook_next(&book, rows[i].early * S, host));
		assert_true(addrbook_next(&book, rows[i].due * S, host));
	}
	addrbook_fini(&book);
}

/* The list changes: what stays keeps its answer, what goes is gone, and there is an end. */
static void
test_list(void **state)
{
	static const char *const names[] = {"a.example", "b.example", "c.example", "d.example"};
	struct addr a = at("192.0.2.1");
	struct addrbook book;
	char host[POLICY_HOST_MAX];
	unsigned asked = 0;

	(void)state;
	if (addrbook_init(&book, 4) != ERR_OK)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(addrbook_keep(&book, str_from(names[i])), ERR_OK);
		answer(&book, str_from(names[i]), true, &a, 1, 60, 0);
	}
	assert_int_equal(addrbook_keep(&book, STR("a.example")), ERR_OK);
	assert_int_equal(addrbook_keep(&book, STR("e.example")), ERR_FULL);
	addrbook_begin(&book);
	assert_int_equal(addrbook_keep(&book, STR("d.example")), ERR_OK);
	assert_int_equal(addrbook_keep(&book, STR("b.example")), ERR_OK);
	addrbook_end(&book);
	assert_int_equal(book.n, 2);
	assert_int_equal(addrbook_has(&book, STR("b.example"), &a, 1), ADDRBOOK_YES);
	assert_int_equal(addrbook_has(&book, STR("d.example"), &a, 1), ADDRBOOK_YES);
	assert_int_equal(addrbook_has(&book, STR("a.example"), &a, 1), ADDRBOOK_UNKNOWN);
	answer(&book, STR("a.example"), true, &a, 1, 60, 0); /* too late: no effect */
	assert_int_equal(addrbook_has(&book, STR("a.example"), &a, 1), ADDRBOOK_UNKNOWN);
	assert_int_equal(addrbook_keep(&book, STR("")), ERR_LONG);
	while (addrbook_next(&book, 100 * S, host))
		asked++;
	assert_int_equal(asked, 2);
	addrbook_fini(&book);
}

/* Servers that fail for AAAA: the IPv4 addresses are news, the IPv6 ones stay. */
static void
test_families(void **state)
{
	struct addr both[2] = {at("192.0.2.1"), at("2001:db8::1")}, four = at("192.0.2.9");
	struct addrbook_news news = {.ok = true, .keep6 = true, .n = 1, .ttl_s = 60};
	struct addrbook book;

	(void)state;
	if (addrbook_init(&book, 4) != ERR_OK)
		skip();
	assert_int_equal(addrbook_keep(&book, STR("x.example")), ERR_OK);
	answer(&book, STR("x.example"), true, both, 2, 60, 0);
	news.addr[0] = four;
	addrbook_answer(&book, STR("x.example"), &news, S);
	assert_int_equal(addrbook_has(&book, STR("x.example"), &four, S), ADDRBOOK_YES);
	assert_int_equal(addrbook_has(&book, STR("x.example"), &both[1], S), ADDRBOOK_YES);
	assert_int_equal(addrbook_has(&book, STR("x.example"), &both[0], S), ADDRBOOK_NO);
	addrbook_fini(&book);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
