#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "policy/week.h"

enum { MON, TUE, WED, THU, FRI, SAT, SUN };

static uint32_t
at(uint32_t day, uint32_t hour, uint32_t minute)
{
	return day * WEEK_DAY + hour * 60 + minute;
}

static void
test_parse(void **state)
{
	static const struct {
		const char *name, *text;
		enum err err;
		const char *back; /* what week_put makes of it */
	} table[] = {
		{"always", "", ERR_OK, ""},
		{"blank", "  ", ERR_OK, ""},
		{"days", "mon-fri", ERR_OK, "mon-fri"},
		{"days and time", "mon-fri 08:00-18:00", ERR_OK, "mon-fri 08:00-18:00"},
		{"a list", "MON,wed,Thu", ERR_OK, "mon,wed-thu"},
		{"round the end of the week", "sat-mon", ERR_OK, "mon,sat-sun"},
		{"a day twice", "sun,mon-sun", ERR_OK, "mon-sun"},
		{"all days", "mon-sun", ERR_OK, "mon-sun"},
		{"a time", "22:00-06:00", ERR_OK, "22:00-06:00"},
		{"all day of all days", "00:00-24:00", ERR_OK, "mon-sun"},
		{"spaces", " sat   10:30-11:00 ", ERR_OK, "sat 10:30-11:00"},
		{"no day", "foo 08:00-18:00", ERR_SYNTAX, ""},
		{"half a range of days", "mon-", ERR_SYNTAX, ""},
		{"no end", "08:00", ERR_SYNTAX, ""},
		{"one digit", "8:00-18:00", ERR_SYNTAX, ""},
		{"no such hour", "08:00-25:00", ERR_RANGE, ""},
		{"no such minute", "08:60-10:00", ERR_RANGE, ""},
		{"beyond the day", "08:00-24:01", ERR_RANGE, ""},
		{"empty", "08:00-08:00", ERR_RANGE, ""},
		{"begins at the end", "24:00-08:00", ERR_RANGE, ""},
		{"more behind", "08:00-18:00 mon", ERR_SYNTAX, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint32_t week = 0, again = 1;
		enum err e = week_parse(str_from(table[i].text), &week);
		char mem[64];
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		week_put(&b, week);
		if (e != table[i].err || !str_eqz(buf_view(&b), table[i].back))
			fail_msg("%s: %s, \"%s\"", table[i].name, err_name(e), buf_cstr(&b));
		if (e == ERR_OK) {
			assert_true(week_valid(week));
			assert_int_equal(week_parse(buf_view(&b), &again), ERR_OK);
			assert_int_equal(again, week);
		}
	}
}

static void
test_holds(void **state)
{
	const struct {
		const char *name, *text;
		uint32_t minute;
		bool want;
	} table[] = {
		{"always", "", at(SUN, 23, 59), true},
		{"first minute", "mon-fri 08:00-18:00", at(MON, 8, 0), true},
		{"before it", "mon-fri 08:00-18:00", at(MON, 7, 59), false},
		{"last minute", "mon-fri 08:00-18:00", at(FRI, 17, 59), true},
		{"behind it", "mon-fri 08:00-18:00", at(FRI, 18, 0), false},
		{"another day", "mon-fri 08:00-18:00", at(SAT, 12, 0), false},
		{"the night before midnight", "fri 22:00-06:00", at(FRI, 22, 0), true},
		{"the night after midnight", "fri 22:00-06:00", at(SAT, 5, 59), true},
		{"the morning of that day", "fri 22:00-06:00", at(FRI, 5, 59), false},
		{"over the end of the week", "sun 22:00-06:00", at(MON, 1, 0), true},
		{"end of a day", "mon", at(MON, 23, 59), true},
		{"next day", "mon", at(TUE, 0, 0), false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint32_t week;

		assert_int_equal(week_parse(str_from(table[i].text), &week), ERR_OK);
		if (week_holds(week, table[i].minute) != table[i].want)
			fail_msg("%s", table[i].name);
	}
}

static void
test_valid(void **state)
{
	(void)state;
	assert_true(week_valid(0));
	assert_false(week_valid(1)); /* no day */
	assert_false(week_valid(UINT64_MAX));
	assert_false(week_valid(WEEK_MAX)); /* minutes beyond a day */
	assert_false(week_valid(1U << 22)); /* from 0 to 0 */
	assert_true(week_valid(1U << 22 | 1440));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse),
					   cmocka_unit_test(test_holds),
					   cmocka_unit_test(test_valid)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
