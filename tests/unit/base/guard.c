/* The guard as a red build has it; a normal build's is the plain condition, as all tests show. */
#include "rows.h"

#include <stdlib.h>

#ifndef POSTERN_RED
#define POSTERN_RED
#endif
#include "base/guard.h"

static unsigned asked;

static bool
answer_of(bool v)
{
	asked++;
	return v;
}

static void
test_table(void **state)
{
	static const struct {
		const char *name, *off;
		bool condition, want;
	} rows[] = {
		{"none off, passes", NULL, true, true},
		{"none off, stops", NULL, false, false},
		{"off, passes", "M3", true, true},
		{"off, would stop", "M3", false, true},
		{"another off", "M30", false, false},
		{"another off, shorter", "M", false, false},
		{"another case", "m3", false, false},
		{"empty", "", false, false},
		{"list is no name", "M3,M4", false, false},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		asked = 0;
		if (rows[i].off)
			setenv("POSTERN_GUARD_OFF", rows[i].off, 1);
		else
			unsetenv("POSTERN_GUARD_OFF");
		bad += row_num(rows[i].name, GUARD(M3, answer_of(rows[i].condition)), rows[i].want);
		bad += row_num(rows[i].name, asked <= 1, true);
	}
	unsetenv("POSTERN_GUARD_OFF");
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
