/* When certificates and lists run out, on a clock that is a number. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "ops/expiry.h"

static const int64_t day = 86400LL * CLOCK_S, hour = 3600LL * CLOCK_S;
static struct alarms as;

static int
setup(void **state)
{
	(void)state;
	return alarms_init(&as, NULL) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	alarms_fini(&as);
	return 0;
}

/* One certificate from the day before its first alarm to the day after its end, and renewed. */
static void
test_certificate(void **state)
{
	static const struct {
		const char *name;
		int64_t left;
		int level; /* ALARM_SEVERITIES: none stands */
		const char *text;
	} rows[] = {
		{"31 days", 31 * 86400LL * CLOCK_S, ALARM_SEVERITIES, ""},
		{"30 days and a second", (30 * 86400LL + 1) * CLOCK_S, ALARM_SEVERITIES, ""},
		{"30 days", 30 * 86400LL * CLOCK_S, ALARM_NOTICE, "runs out in 30 days"},
		{"15 days", 15 * 86400LL * CLOCK_S, ALARM_NOTICE, "runs out in 15 days"},
		{"14 days", 14 * 86400LL * CLOCK_S, ALARM_WARNING, "runs out in 14 days"},
		{"8 days", 8 * 86400LL * CLOCK_S, ALARM_WARNING, "runs out in 8 days"},
		{"7 days", 7 * 86400LL * CLOCK_S, ALARM_MAJOR, "runs out in 7 days"},
		{"2 days", 2 * 86400LL * CLOCK_S, ALARM_MAJOR, "runs out in 2 days"},
		{"25 hours", 25 * 3600LL * CLOCK_S, ALARM_MAJOR, "runs out in 25 hours"},
		{"1 day", 86400LL * CLOCK_S, ALARM_CRITICAL, "runs out in 24 hours"},
		{"1 second", CLOCK_S, ALARM_CRITICAL, "runs out in 0 hours"},
		{"now", 0, ALARM_CRITICAL, "ran out on 2001"},
		{"long ago", -300 * 86400LL * CLOCK_S, ALARM_CRITICAL, "ran out on 2001"},
		{"renewed", 89 * 86400LL * CLOCK_S, ALARM_SEVERITIES, ""},
	};
	const int64_t end = 1000000000LL * CLOCK_S;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct alarm *a;

		print_message("# %s\n", rows[i].name);
		assert_int_equal(expiry_level(end, end - rows[i].left), rows[i].level);
		expiry_certificate(&as, ALARM_CERT_EXPIRY, "z", "our certificate for z (z.pem)",
				   end, end - rows[i].left);
		a = alarms_find(&as, ALARM_CERT_EXPIRY, "z");
		assert_int_equal(a ? a->severity : ALARM_SEVERITIES, rows[i].level);
		if (a) {
			assert_int_equal(strncmp(a->text, "our certificate for z (z.pem) r", 31),
					 0);
			assert_non_null(strstr(a->text, rows[i].text));
		}
	}
	assert_int_equal(as.n, 0);
}

/* Four steps are four pieces of news, whatever number of days pass between. */
static void
test_news(void **state)
{
	const int64_t end = 100 * day;
	int64_t since = 0;
	int news = 0, last = -1;

	(void)state;
	for (int64_t now = 0; now < end + 5 * day; now += hour) {
		const struct alarm *a;

		expiry_certificate(&as, ALARM_PEER_EXPIRY, "acme", "it", end, now);
		a = alarms_find(&as, ALARM_PEER_EXPIRY, "acme");
		if (!a)
			continue;
		since = since ? since : now;
		assert_int_equal(a->since_us, since);
		news += a->severity != last;
		last = a->severity;
	}
	assert_int_equal(news, 4);
	assert_int_equal(since, 70 * day);
}

static void
test_list(void **state)
{
	static const struct {
		const char *name;
		int64_t life, left;
		int level;
	} rows[] = {
		{"a week, fresh", 7 * 86400LL, 7 * 86400LL, ALARM_SEVERITIES},
		{"a week, a day left", 7 * 86400LL, 86400LL, ALARM_SEVERITIES},
		{"a week, a tenth left", 7 * 86400LL, 60480LL, ALARM_WARNING},
		{"a year, two days left", 365 * 86400LL, 2 * 86400LL, ALARM_SEVERITIES},
		{"a year, a day left", 365 * 86400LL, 86400LL, ALARM_WARNING},
		{"an hour, 7 minutes left", 3600LL, 420LL, ALARM_SEVERITIES},
		{"an hour, 6 minutes left", 3600LL, 360LL, ALARM_WARNING},
		{"over", 3600LL, 0, ALARM_CRITICAL},
		{"replaced", 3600LL, 3600LL, ALARM_SEVERITIES},
	};
	const int64_t next = 1000000000LL * CLOCK_S;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct alarm *a;

		print_message("# %s\n", rows[i].name);
		expiry_list(&as, "http://x/", "the list", next - rows[i].life * CLOCK_S, next,
			    next - rows[i].left * CLOCK_S);
		a = alarms_find(&as, ALARM_CRL_EXPIRY, "http://x/");
		assert_int_equal(a ? a->severity : ALARM_SEVERITIES, rows[i].level);
	}
	expiry_list(&as, "http://x/", "the list", 5, 0, next);
	assert_int_equal(as.n, 0);
}

/* A very long name does not push the date away. */
static void
test_long(void **state)
{
	char what[2 * ALARM_TEXT_MAX];

	(void)state;
	memset(what, 'x', sizeof(what) - 1);
	what[sizeof(what) - 1] = 0;
	expiry_certificate(&as, ALARM_CERT_EXPIRY, "z", what, day, 0);
	assert_non_null(strstr(as.list[0].text, "runs out in 24 hours, on 1970-01-02"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_news, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
