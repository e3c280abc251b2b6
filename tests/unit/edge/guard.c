#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "edge/guard.h"

/* D4: so many lines a second of a cause; what was left out is said with the next one. */
static void
lines_of_a_flood(void **state)
{
	struct guard g = {0};
	uint64_t left_out = 7, total = 0;
	int lines = 0;

	(void)state;
	for (uint64_t us = 0; us < 10 * CLOCK_S; us += 1000) {
		if (!guard_may_log(&g, GUARD_STRANGER, us, &left_out))
			continue;
		lines++;
		total += left_out;
	}
	assert_int_equal(lines, 10 * GUARD_LINES);
	assert_int_equal(total, 9 * (1000 - GUARD_LINES)); /* the last second's come later */
	assert_true(guard_may_log(&g, GUARD_HANDSHAKE, 9 * CLOCK_S, &left_out));
	assert_int_equal(left_out, 0); /* causes are apart */
	assert_true(guard_may_log(&g, GUARD_STRANGER, 60 * CLOCK_S, &left_out));
	assert_int_equal(left_out, 1000 - GUARD_LINES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lines_of_a_flood)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
