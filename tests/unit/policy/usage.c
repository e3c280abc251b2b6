#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/random.h"
#include "policy/usage.h"

#define SUM(spend, secs) (&(struct usage_sum){spend, secs})
static const struct usage_sum none;

static void
assert_used(const struct usage *u, const char *id, uint32_t day, uint64_t spend, uint64_t seconds)
{
	struct usage_sum s = usage_of(u, id, day);

	assert_int_equal(s.spend_micro, spend);
	assert_int_equal(s.seconds, seconds);
}

/* Steps of two calls of one account: never beyond the amount, exactly up to it. */
static void
test_limits(void **state)
{
	struct usage_row rows[8] = {0};
	struct usage_hold a = {0}, b = {0};
	struct usage u;

	(void)state;
	usage_init(&u, rows, 8);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(40, 60), SUM(100, 0), false, &a), USAGE_OK);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(60, 60), SUM(100, 0), false, &b), USAGE_OK);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(1, 60), SUM(100, 0), false, &a),
			 USAGE_SPEND);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(0, 60), SUM(100, 180), false, &a), USAGE_OK);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(0, 1), SUM(0, 180), false, &a),
			 USAGE_MINUTES);
	assert_used(&u, "acme", 5, 100, 180);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(9, 9), SUM(1, 1), true, &a), USAGE_OK);
	assert_used(&u, "acme", 5, 109, 189);
	usage_settle(&u, &a);
	usage_settle(&u, &a); /* empty: harmless */
	assert_used(&u, "acme", 5, 109, 189);
	usage_give(&u, &b);
	assert_used(&u, "acme", 5, 49, 129);
	assert_used(&u, "beta", 5, 0, 0);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(52, 0), SUM(100, 0), false, &b),
			 USAGE_SPEND);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(51, 0), SUM(100, 0), false, &b), USAGE_OK);
	usage_give(&u, &b);
}

/* Midnight: what was used counts no more, and a call over it takes from the new day. */
static void
test_day(void **state)
{
	struct usage_row rows[4] = {0};
	struct usage_hold a = {0};
	struct usage u;

	(void)state;
	usage_init(&u, rows, 4);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(90, 60), SUM(100, 0), false, &a), USAGE_OK);
	assert_int_equal(usage_take(&u, "acme", 6, SUM(90, 60), SUM(100, 0), false, &a), USAGE_OK);
	assert_used(&u, "acme", 5, 0, 0);
	assert_used(&u, "acme", 6, 90, 60);
	usage_settle(&u, &a);
	assert_used(&u, "acme", 6, 90, 60);
	assert_int_equal(usage_take(&u, "acme", 6, SUM(10, 0), SUM(100, 0), false, &a), USAGE_OK);
	assert_int_equal(
		usage_take(&u, "other", 7, SUM(1, 0), &none, false, &(struct usage_hold){0}),
		USAGE_OK);
	assert_int_equal(
		usage_take(&u, "acme", 7, SUM(1, 0), &none, false, &(struct usage_hold){0}),
		USAGE_OK);
	usage_settle(&u, &a); /* of a day that is gone: changes nothing */
	assert_used(&u, "acme", 7, 1, 0);
	assert_int_equal(usage_day(0), 0);
	assert_int_equal(usage_day(-5), 0);
	assert_int_equal(usage_day(86400000000 - 1), 0);
	assert_int_equal(usage_day(86400000000), 1);
}

/* Another life over the same rows: settled stays, running is forgotten and counted anew. */
static void
test_restart(void **state)
{
	struct usage_row rows[4] = {0};
	struct usage_hold a = {0}, b = {0};
	struct usage u;

	(void)state;
	usage_init(&u, rows, 4);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(10, 1), &none, false, &a), USAGE_OK);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(7, 2), &none, false, &b), USAGE_OK);
	usage_settle(&u, &a);
	usage_init(&u, rows, 4);
	assert_used(&u, "acme", 5, 10, 1);
	assert_int_equal(usage_take(&u, "acme", 5, SUM(7, 2), &none, true, &b), USAGE_OK);
	assert_used(&u, "acme", 5, 17, 3);
}

/* A full table: rows of other days make room, those of today stay. */
static void
test_full(void **state)
{
	struct usage_row rows[4] = {0};
	struct usage_hold h = {0};
	struct usage u;
	char id[8];

	(void)state;
	usage_init(&u, rows, 4);
	for (unsigned i = 0; i < 4; i++) {
		struct usage_hold k = {0};

		(void)snprintf(id, sizeof(id), "a%u", i);
		assert_int_equal(usage_take(&u, id, i == 2 ? 4 : 5, SUM(1, 0), &none, false, &k),
				 USAGE_OK);
	}
	assert_int_equal(usage_take(&u, "new", 5, SUM(3, 0), &none, false, &h), USAGE_OK);
	assert_used(&u, "new", 5, 3, 0);
	assert_used(&u, "a2", 4, 0, 0);
	assert_int_equal(
		usage_take(&u, "next", 5, SUM(1, 0), &none, false, &(struct usage_hold){0}),
		USAGE_FULL);
	assert_int_equal(usage_take(&u, "next", 5, SUM(1, 0), &none, true, &(struct usage_hold){0}),
			 USAGE_OK);
	usage_init(&u, NULL, 0);
	assert_int_equal(usage_take(&u, "x", 5, SUM(1, 0), &none, false, &h), USAGE_FULL);
}

/* Many calls that take, settle and give: the sum is what a plain sum says, never beyond. */
static void
test_property(void **state)
{
	struct usage_row rows[4] = {0};
	struct usage_hold h[8] = {0};
	uint64_t held[8] = {0}, settled = 0, max = 1000;
	struct usage u;

	(void)state;
	usage_init(&u, rows, 4);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned k = (unsigned)random_below(8), what = (unsigned)random_below(40);
		uint64_t more = random_below(50), sum = settled;

		for (unsigned j = 0; j < 8; j++)
			sum += held[j];
		assert_used(&u, "acme", 5, sum, 0);
		if (what == 0 && settled < 900) {
			usage_settle(&u, &h[k]);
			settled += held[k];
			held[k] = 0;
		} else if (what < 8) {
			usage_give(&u, &h[k]);
			held[k] = 0;
		} else if (usage_take(&u, "acme", 5, SUM(more, 0), SUM(max, 0), false, &h[k]) ==
			   USAGE_OK) {
			held[k] += more;
			assert_true(sum + more <= max);
		} else {
			assert_true(sum + more > max);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),   cmocka_unit_test(test_day),
		cmocka_unit_test(test_restart),  cmocka_unit_test(test_full),
		cmocka_unit_test(test_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
