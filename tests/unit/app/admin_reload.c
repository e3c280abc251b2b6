/* What became of a reload, as alarms: they end with what they ask for, a restart too. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "app/admin_reload.h"
#include "base/log.h"

static struct admin_reload r;
static struct alarms as;

static void
alarms_end(void **state)
{
	static const struct {
		const char *name;
		enum reload_outcome outcome;
		uint64_t epoch; /* of admin's next life */
		bool restart, refused;
	} table[] = {
		{"restart asked, admin alone starts again", RELOAD_RESTART, 2, true, false},
		{"restart asked and done", RELOAD_RESTART, 1, false, false},
		{"refused, admin alone starts again", RELOAD_REFUSED, 2, false, true},
		{"refused, then a restart", RELOAD_REFUSED, 1, false, false},
		{"fine", RELOAD_DONE, 2, false, false},
	};

	(void)state;
	log_init("test", -1, LOG_ERROR);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct keeper_reloaded m = {.ticket = 1, .outcome = table[i].outcome, .why = "x"};

		assert_int_equal(alarms_init(&as, NULL), ERR_OK);
		admin_reload_init(&r);
		admin_reload_take(&r, &m, -1, &as);
		admin_reload_started(table[i].epoch, &as);
		if ((alarms_find(&as, ALARM_RESTART, "configuration") != NULL) !=
			    table[i].restart ||
		    (alarms_find(&as, ALARM_RELOAD, "configuration") != NULL) != table[i].refused)
			fail_msg("%s", table[i].name);
		alarms_fini(&as);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alarms_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
