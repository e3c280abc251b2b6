#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "policy/class.h"

static void
test_table(void **state)
{
	static const struct {
		enum number_kind kind;
		bool from_customer;
		enum policy_class want;
	} table[] = {
		{NUMBER_NATIONAL, true, CLASS_TERMINATION},
		{NUMBER_TOLL_FREE, true, CLASS_TERMINATION},
		{NUMBER_INTERNATIONAL, true, CLASS_INTERNATIONAL},
		{NUMBER_PREMIUM, true, CLASS_PREMIUM},
		{NUMBER_SERVICE, true, CLASS_SERVICE},
		{NUMBER_EMERGENCY, true, CLASS_EMERGENCY},
		{NUMBER_OTHER, true, CLASS_NONE},
		{NUMBER_NATIONAL, false, CLASS_ORIGINATION},
		{NUMBER_TOLL_FREE, false, CLASS_TOLL_FREE},
		{NUMBER_INTERNATIONAL, false, CLASS_ORIGINATION},
		{NUMBER_PREMIUM, false, CLASS_ORIGINATION},
		{NUMBER_SERVICE, false, CLASS_NONE},
		{NUMBER_EMERGENCY, false, CLASS_NONE},
		{NUMBER_OTHER, false, CLASS_NONE},
		{NUMBER_KIND_N, true, CLASS_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(class_of(table[i].kind, table[i].from_customer), table[i].want);
}

static void
test_country(void **state)
{
	static const struct {
		const char *list, *number;
		bool want;
	} table[] = {
		{"", "+442071838750", true},       {"44", "+442071838750", true},
		{"44", "+492071838750", false},    {"49,44", "+442071838750", true},
		{"49, 44", "+442071838750", true}, {"+44", "+442071838750", true},
		{"1876", "+18765550123", true},    {"1876", "+18685550123", false},
		{"4420", "+442071838750", true},   {"4420", "+441171838750", false},
		{",", "+442071838750", false},     {"44", "442071838750", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (class_country(str_from(table[i].list), str_from(table[i].number)) !=
		    table[i].want)
			fail_msg("row %zu", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_country),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
