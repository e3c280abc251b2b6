#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/clock.h"
#include "policy/emergency.h"

enum { T0 = 1000000, BACK = EMERGENCY_BACK_S };

static void
test_window(void **state)
{
	static struct emergency_row rows[EMERGENCY_ROWS];
	struct emergency e = {rows};
	uint64_t end = T0 + (uint64_t)BACK * CLOCK_S;
	struct str n = STR("+15551230000");

	(void)state;
	assert_false(emergency_recent(&e, EMERGENCY_NUMBER, n, T0));
	emergency_note(&e, EMERGENCY_NUMBER, n, T0);
	emergency_note(&e, EMERGENCY_ACCOUNT, STR_NULL, T0);
	assert_true(emergency_recent(&e, EMERGENCY_NUMBER, n, T0));
	assert_true(emergency_recent(&e, EMERGENCY_NUMBER, n, end - 1));
	assert_false(emergency_recent(&e, EMERGENCY_NUMBER, n, end));
	assert_false(emergency_recent(&e, EMERGENCY_ACCOUNT, n, T0));
	assert_false(emergency_recent(&e, EMERGENCY_ACCOUNT, STR_NULL, T0));
	assert_false(emergency_recent(&e, EMERGENCY_NUMBER, STR("+15551230001"), T0));
	emergency_note(&e, EMERGENCY_NUMBER, n, end - 1); /* again: longer */
	assert_true(emergency_recent(&e, EMERGENCY_NUMBER, n, end + 1));
}

/* More callers than rows: the oldest make room. */
static void
test_full(void **state)
{
	static struct emergency_row rows[EMERGENCY_ROWS];
	struct emergency e = {rows};
	char id[16];

	(void)state;
	for (unsigned i = 0; i <= EMERGENCY_ROWS; i++) {
		(void)snprintf(id, sizeof(id), "a%u", i);
		emergency_note(&e, EMERGENCY_ACCOUNT, str_from(id), T0 + i);
	}
	assert_false(emergency_recent(&e, EMERGENCY_ACCOUNT, STR("a0"), T0));
	assert_true(emergency_recent(&e, EMERGENCY_ACCOUNT, STR("a1"), T0));
	assert_true(emergency_recent(&e, EMERGENCY_ACCOUNT, STR("a1024"), T0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
