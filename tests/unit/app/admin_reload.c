/* What became of a reload, as alarms: they end with what they ask for, a restart too. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* An alarm ends with the last line that fits, not within what divides them. */
static void
whole_lines(void **state)
{
	static const char text[] = "one\n\ntwo\n";
	struct keeper_reloaded m = {.ticket = 1, .outcome = RELOAD_REFUSED, .why = "why"};
	const struct alarm *a;
	char lines[ALARM_TEXT_MAX + 64] = "";

	(void)state;
	for (size_t len = 0; len < ALARM_TEXT_MAX + 20; len++) {
		int fd = memfd_create("text", MFD_ALLOW_SEALING);

		assert_true(fd >= 0);
		memset(lines, 'x', len);
		(void)snprintf(lines + len, sizeof(lines) - len, "\n%s", text);
		assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW),
				 0);
		assert_int_equal(alarms_init(&as, NULL), ERR_OK);
		admin_reload_init(&r);
		admin_reload_take(&r, &m, fd, &as);
		a = alarms_find(&as, ALARM_RELOAD, "configuration");
		assert_non_null(a);
		if (str_ends(str_from(a->text), STR("; ")) || strstr(a->text, "; ; "))
			fail_msg("%zu: %s", len, a->text);
		if (len == 1)
			assert_string_equal(a->text, "why; x; one; two");
		alarms_fini(&as);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alarms_end),
		cmocka_unit_test(whole_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
