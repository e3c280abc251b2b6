#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "policy/area.h"

static void
test_country(void **state)
{
	static const struct {
		const char *area, *want;
	} table[] = {
		{"212", "US"}, {"787", "US"}, {"671", "US"}, {"416", "CA"}, {"204", "CA"},
		{"942", "CA"}, {"867", "CA"}, {"600", "CA"}, {"876", "JM"}, {"658", "JM"},
		{"809", "DO"}, {"849", "DO"}, {"268", "AG"}, {"284", "VG"}, {"721", "SX"},
		{"441", "BM"}, {"999", "US"}, {"20", "US"},  {"", "US"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_string_equal(area_country(str_from(table[i].area)), table[i].want);
	assert_true(area_known(STR("US")));
	assert_true(area_known(STR("CA")));
	assert_false(area_known(STR("us")));
	assert_false(area_known(STR("DE")));
	assert_false(area_known(STR_NULL));
}

/* All codes of the plan: so many lie abroad. */
static void
test_count(void **state)
{
	unsigned abroad = 0;

	(void)state;
	for (int i = 200; i < 1000; i++) {
		char code[4];

		(void)snprintf(code, sizeof(code), "%d", i);
		abroad += !str_eqz(str_from(area_country(str_from(code))), "US");
	}
	assert_int_equal(abroad, 64 + 21);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_country),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
