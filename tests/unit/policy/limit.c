#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "policy/limit.h"

#include "base/buf.h"
#include "base/clock.h"

static void
test_calls(void **state)
{
	struct limit_row rows[16] = {0};
	struct limit l;
	struct limit_hold a, b, c;

	(void)state;
	limit_init(&l, rows, ARRAY_LEN(rows), 2);
	limit_hold_init(&a);
	limit_hold_init(&b);
	limit_hold_init(&c);
	assert_int_equal(limit_take_node(&l, false, &a), ERR_OK);
	assert_int_equal(limit_take_node(&l, false, &a), ERR_OK); /* once a hold */
	assert_int_equal(l.calls, 1);
	assert_int_equal(limit_take(&l, LIMIT_ACCOUNT, "acme", 1, false, &a), ERR_OK);
	assert_int_equal(limit_take(&l, LIMIT_TRUNK, "acme", 1, false, &a), ERR_OK);
	assert_int_equal(limit_take_node(&l, false, &b), ERR_OK);
	assert_int_equal(limit_take(&l, LIMIT_ACCOUNT, "acme", 1, false, &b), ERR_FULL);
	assert_int_equal(limit_calls(&l, LIMIT_ACCOUNT, "acme"), 1);
	assert_int_equal(limit_take_node(&l, false, &c), ERR_FULL);
	assert_int_equal(limit_take_node(&l, true, &c), ERR_OK); /* emergency */
	assert_int_equal(limit_take(&l, LIMIT_ACCOUNT, "acme", 1, true, &c), ERR_OK);
	assert_int_equal(limit_calls(&l, LIMIT_ACCOUNT, "acme"), 2);
	assert_int_equal(l.calls, 3);
	limit_give(&l, &a);
	limit_give(&l, &a);
	limit_give(&l, &b);
	assert_int_equal(l.calls, 1);
	limit_give(&l, &c);
	assert_int_equal(l.calls, 0);
	assert_int_equal(limit_calls(&l, LIMIT_ACCOUNT, "acme"), 0);
	assert_int_equal(limit_calls(&l, LIMIT_TRUNK, "acme"), 0);
}

/* A target that was tried and left: its trunk is given back, the rest stays. */
static void
test_give_one(void **state)
{
	struct limit_row rows[16] = {0};
	struct limit l;
	struct limit_hold h;

	(void)state;
	limit_init(&l, rows, ARRAY_LEN(rows), 0);
	limit_hold_init(&h);
	assert_int_equal(limit_take(&l, LIMIT_ACCOUNT, "acme", 0, false, &h), ERR_OK);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(limit_take(&l, LIMIT_TRUNK, "gw1", 1, false, &h), ERR_OK);
		limit_give_one(&l, LIMIT_TRUNK, "gw2", &h);
		assert_int_equal(limit_calls(&l, LIMIT_TRUNK, "gw1"), 1);
		limit_give_one(&l, LIMIT_TRUNK, "gw1", &h);
		assert_int_equal(limit_calls(&l, LIMIT_TRUNK, "gw1"), 0);
	}
	assert_int_equal(limit_calls(&l, LIMIT_ACCOUNT, "acme"), 1);
}

/* A full table: ids in use stay, idle ones make place, and nobody loses a count. */
static void
test_full_table(void **state)
{
	struct limit_row rows[4] = {0};
	struct limit_hold h[5];
	struct limit l;
	char id[8] = "a0";

	(void)state;
	limit_init(&l, rows, ARRAY_LEN(rows), 0);
	memset(h, 0, sizeof(h));
	for (unsigned i = 0; i < 4; i++) {
		id[1] = (char)('0' + i);
		assert_int_equal(limit_take(&l, LIMIT_TRUNK, id, 0, false, &h[i]), ERR_OK);
	}
	assert_int_equal(limit_take(&l, LIMIT_TRUNK, "new", 0, false, &h[4]), ERR_NOMEM);
	assert_int_equal(limit_take(&l, LIMIT_TRUNK, "new", 0, true, &h[4]), ERR_OK);
	limit_give(&l, &h[2]);
	assert_int_equal(limit_take(&l, LIMIT_TRUNK, "new", 1, false, &h[4]), ERR_OK);
	assert_int_equal(limit_calls(&l, LIMIT_TRUNK, "new"), 1);
	assert_int_equal(limit_calls(&l, LIMIT_TRUNK, "a2"), 0);
	assert_int_equal(limit_calls(&l, LIMIT_TRUNK, "a3"), 1);
}

static void
test_rate(void **state)
{
	static const struct {
		uint64_t at_ms;
		bool pass;
	} table[] = {/* 2 a second, a bucket of 2 */
		     {10000, true},  {10000, true},  {10000, false}, {10499, false},
		     {10500, true},  {10500, false}, {11500, true},  {11500, true},
		     {11500, false}, {99000, true},  {99000, true},  {99000, false}};
	struct limit_row rows[4] = {0};
	struct limit l;

	(void)state;
	limit_init(&l, rows, ARRAY_LEN(rows), 0);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (limit_attempt(&l, LIMIT_ACCOUNT, "acme", 2, table[i].at_ms * CLOCK_MS) !=
		    table[i].pass)
			fail_msg("row %zu", i);
	assert_true(limit_attempt(&l, LIMIT_ACCOUNT, "acme", 0, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_give_one),
		cmocka_unit_test(test_full_table),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
