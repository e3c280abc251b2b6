#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs what stands above */
#include <cmocka.h>

#include "call/said.h"

/* Bodies of ours: kept in the pool of their size, given back, wiped; none left is no crash. */

static struct calls calls;
static struct call call[3];
static char text[CALL_SDP_MAX + 1];

static int
setup(void **state)
{
	(void)state;
	memset(text, 'k', sizeof(text));
	memset(call, 0, sizeof(call));
	for (size_t i = 0; i < ARRAY_LEN(call); i++)
		call[i].owner = &calls;
	assert_int_equal(said_init(&calls, 1), ERR_OK); /* two of each size */
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	said_fini(&calls);
	memset(&calls, 0, sizeof(calls));
	return 0;
}

static void
sizes(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		enum err err;
		unsigned used[ARRAY_LEN(calls.said)];
	} rows[] = {
		{"one byte", 1, ERR_OK, {1}},
		{"short", CALL_SAID_SHORT, ERR_OK, {1}},
		{"not so short", CALL_SAID_SHORT + 1, ERR_OK, {0, 1}},
		{"as small as they are", CALL_SAID_SMALL, ERR_OK, {0, 1}},
		{"a byte more", CALL_SAID_SMALL + 1, ERR_OK, {0, 0, 1}},
		{"without video", CALL_SAID_USUAL, ERR_OK, {0, 0, 1}},
		{"with it", CALL_SAID_USUAL + 1, ERR_OK, {0, 0, 0, 1}},
		{"as large as may be", CALL_SDP_MAX, ERR_OK, {0, 0, 0, 1}},
		{"none", 0, ERR_OK, {0}},
		{"a byte too many", CALL_SDP_MAX + 1, ERR_LONG, {0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("# %s\n", rows[i].name);
		assert_int_equal(said_put(&call[0], LEG_B, str_of(text, rows[i].n)), rows[i].err);
		for (size_t k = 0; k < ARRAY_LEN(calls.said); k++)
			assert_int_equal(pool_used(&calls.said[k]), rows[i].used[k]);
		assert_int_equal(said_of(&call[0], LEG_B).len, rows[i].err ? 0 : rows[i].n);
		assert_true(str_eq(said_of(&call[0], LEG_B),
				   str_of(text, rows[i].err ? 0 : rows[i].n)));
	}
}

static void
none_left(void **state)
{
	const char *was;

	(void)state;
	for (int i = 0; i < CALL_LEGS; i++)
		assert_int_equal(said_put(&call[i], LEG_A, str_of(text, 100)), ERR_OK);
	assert_int_equal(said_put(&call[2], LEG_A, str_of(text, 100)), ERR_NOMEM);
	assert_int_equal(said_of(&call[2], LEG_A).len, 0);
	was = said_of(&call[0], LEG_A).p;
	said_drop(&call[0], LEG_A);
	said_drop(&call[0], LEG_A); /* nothing */
	assert_int_equal(said_put(&call[2], LEG_A, STR("x")), ERR_OK);
	assert_ptr_equal(said_of(&call[2], LEG_A).p, was);
	assert_int_equal(was[1], 0); /* wiped */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(none_left, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
