#include "rows.h"

#include "base/err.h"

static void
test_names(void **state)
{
	(void)state;
	assert_int_equal(ERR_OK, 0);
	assert_string_equal(err_name(ERR_OK), "OK");
	assert_string_equal(err_name(ERR_NOMEM), "NOMEM");
	assert_string_equal(err_name(ERR_BUG), "BUG");
	assert_string_equal(err_text(ERR_OK), "done");
	for (unsigned i = 0; i < ERR_N; i++) {
		assert_true(strlen(err_name((enum err)i)) > 1);
		assert_true(strlen(err_text((enum err)i)) > 3);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(err_name((enum err)i), err_name((enum err)k));
	}
}

static void
test_outside(void **state)
{
	(void)state;
	assert_string_equal(err_name(ERR_N), "?");
	assert_string_equal(err_text(ERR_N), "?");
	assert_string_equal(err_name((enum err)0x7fffffff), "?");
	assert_string_equal(err_text((enum err) - 1), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
