/* Alarms: raised once, cleared once, bounded, kept for the next life. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "ops/alarm.h"
#include "world.h"

static struct world o;
static struct alarms as;
static int log_fd;

static int
setup(void **state)
{
	(void)state;
	log_fd = memfd_create("log", MFD_CLOEXEC);
	log_init("test", log_fd, LOG_INFO);
	if (world_init(&o, 1, "alarms.jsonl") != 0)
		return -1;
	return alarms_init(&as, o.path) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	alarms_fini(&as);
	world_fini(&o);
	log_init("test", -1, LOG_ERROR);
	close(log_fd);
	return 0;
}

/* Lines of the log that hold this word. */
static int
logged(const char *word)
{
	static char text[1 << 20];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);
	int found = 0;

	text[n < 0 ? 0 : n] = 0;
	for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
		found++;
	return found;
}

static void
restart(void)
{
	alarms_save(&as);
	alarms_fini(&as);
	assert_int_equal(alarms_init(&as, o.path), ERR_OK);
}

static void
test_once(void **state)
{
	static const struct {
		const char *name;
		bool raise;
		enum alarm_kind kind;
		enum alarm_severity severity;
		const char *object, *text;
		bool news;
		int raised, cleared; /* log lines so far */
	} rows[] = {
		{"first", true, ALARM_TARGET, ALARM_MAJOR, "gw1", "silent", true, 1, 0},
		{"again", true, ALARM_TARGET, ALARM_MAJOR, "gw1", "silent", false, 1, 0},
		{"another sentence", true, ALARM_TARGET, ALARM_MAJOR, "gw1", "busy", false, 1, 0},
		{"another object", true, ALARM_TARGET, ALARM_MAJOR, "gw2", "silent", true, 2, 0},
		{"another kind", true, ALARM_RELOAD, ALARM_MAJOR, "gw1", "silent", true, 3, 0},
		{"worse", true, ALARM_TARGET, ALARM_CRITICAL, "gw1", "silent", true, 4, 0},
		{"cleared", false, ALARM_TARGET, 0, "gw1", "", true, 4, 1},
		{"cleared again", false, ALARM_TARGET, 0, "gw1", "", false, 4, 1},
		{"not there", false, ALARM_OCSP, 0, "gw1", "", false, 4, 1},
		{"comes back", true, ALARM_TARGET, ALARM_NOTICE, "gw1", "silent", true, 5, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool news = rows[i].raise
				    ? alarms_raise(&as, rows[i].kind, rows[i].severity,
						   rows[i].object, rows[i].text, 1000 + (int)i)
				    : alarms_clear(&as, rows[i].kind, rows[i].object);

		print_message("# %s\n", rows[i].name);
		assert_int_equal(news, rows[i].news);
		assert_int_equal(logged("alarm.raised"), rows[i].raised);
		assert_int_equal(logged("alarm.cleared"), rows[i].cleared);
	}
	assert_int_equal(as.n, 3);
	assert_string_equal(alarms_find(&as, ALARM_TARGET, "gw2")->text, "silent");
}

/* A second refusal, for another reason, while the alarm of the first stands; what counts down or
 * repeats does not fill the log. */
static void
test_changed(void **state)
{
	static const struct {
		const char *name;
		enum alarm_kind kind;
		const char *text;
		int changed; /* log lines so far */
	} rows[] = {
		{"first", ALARM_RELOAD, "t1 is wrong", 0},
		{"the same", ALARM_RELOAD, "t1 is wrong", 0},
		{"another", ALARM_RELOAD, "t2 is wrong", 1},
		{"another kind", ALARM_CERT_EXPIRY, "in 14 days", 1},
		{"counts down", ALARM_CERT_EXPIRY, "in 13 days", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("# %s\n", rows[i].name);
		(void)alarms_raise(&as, rows[i].kind, ALARM_MAJOR, "x", rows[i].text, 1);
		assert_int_equal(logged("alarm.changed"), rows[i].changed);
	}
	assert_string_equal(alarms_find(&as, ALARM_RELOAD, "x")->text, "t2 is wrong");
	assert_int_equal(logged("t2 is wrong"), 1);
}

static void
test_since(void **state)
{
	const struct alarm *a;

	(void)state;
	assert_true(alarms_raise(&as, ALARM_CERT_EXPIRY, ALARM_NOTICE, "z", "in 30 days", 100));
	assert_true(alarms_raise(&as, ALARM_CERT_EXPIRY, ALARM_WARNING, "z", "in 14 days", 200));
	a = alarms_find(&as, ALARM_CERT_EXPIRY, "z");
	assert_int_equal(a->since_us, 100);
	assert_int_equal(a->last_us, 200);
	assert_int_equal(a->severity, ALARM_WARNING);
	assert_string_equal(a->text, "in 14 days");
}

static void
test_comes_back(void **state)
{
	(void)state;
	assert_true(alarms_raise(&as, ALARM_TARGET, ALARM_MAJOR, "a\"\x01", "one \xff\n", 5));
	assert_true(alarms_raise(&as, ALARM_RELOAD, ALARM_CRITICAL, "b", "two", 6));
	restart();
	assert_int_equal(as.n, 2);
	assert_string_equal(as.list[0].object, "a\"\x01");
	assert_int_equal(as.list[0].since_us, 5);
	assert_int_equal(as.list[1].severity, ALARM_CRITICAL);
	assert_string_equal(as.list[1].text, "two");
	assert_false(alarms_raise(&as, ALARM_RELOAD, ALARM_CRITICAL, "b", "two", 7));
	assert_false(as.dirty);
	assert_true(alarms_clear(&as, ALARM_RELOAD, "b"));
	restart();
	assert_int_equal(as.n, 1);
}

static void
test_bad_file(void **state)
{
	int fd = open(o.path, O_WRONLY | O_CREAT, 0600);
	static const char text[] =
		"junk\n{\"id\":\"future\",\"severity\":\"major\",\"object\":\"x\"}\n"
		"{\"id\":\"target-down\",\"severity\":\"awful\",\"object\":\"x\"}\n"
		"{\"id\":\"target-down\",\"severity\":\"major\",\"object\":\"x\"}\n"
		"{\"id\":\"target-down\",\"severity\":\"major\",\"object\":\"x\"}\n"
		"{\"id\":\"target-down\",\"severity\":\"major\",\"obj";

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	restart();
	assert_int_equal(as.n, 1);
	assert_string_equal(as.list[0].object, "x");
}

static void
test_bounded(void **state)
{
	static char text[2 * ALARM_TEXT_MAX];
	char object[32];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < ALARMS_MAX + 10; i++) {
		(void)snprintf(object, sizeof(object), "o%d", i);
		assert_int_equal(alarms_raise(&as, ALARM_TARGET, ALARM_MAJOR, object, text, i + 1),
				 i < ALARMS_MAX);
	}
	assert_int_equal(as.n, ALARMS_MAX);
	assert_int_equal(as.left_out, 10);
	assert_int_equal(logged("alarms.full"), 1);
	assert_int_equal(strlen(as.list[0].text), ALARM_TEXT_MAX - 1);
	restart();
	assert_int_equal(as.n, ALARMS_MAX);
	alarms_clear_kind(&as, ALARM_TARGET);
	assert_int_equal(as.n, 0);
}

static void
test_long_object(void **state)
{
	static char object[2 * ALARM_OBJECT_MAX];

	(void)state;
	memset(object, 'o', sizeof(object) - 1);
	assert_true(alarms_raise(&as, ALARM_TARGET, ALARM_MAJOR, object, "t", 1));
	assert_false(alarms_raise(&as, ALARM_TARGET, ALARM_MAJOR, object, "t", 2));
	assert_true(alarms_clear(&as, ALARM_TARGET, object));
}

/* What nobody clears ends by time; the last raise counts. */
static void
test_held(void **state)
{
	const int64_t s = CLOCK_S;

	(void)state;
	assert_true(alarms_raise(&as, ALARM_EMERGENCY, ALARM_MAJOR, "acme", "911", 0));
	assert_true(alarms_raise(&as, ALARM_TARGET, ALARM_MAJOR, "gw1", "silent", 0));
	assert_false(alarms_raise(&as, ALARM_EMERGENCY, ALARM_MAJOR, "acme", "911", 600 * s));
	alarms_end_old(&as, 3700 * s);
	assert_int_equal(as.n, 2);
	alarms_end_old(&as, 4201 * s);
	assert_int_equal(as.n, 1);
	assert_non_null(alarms_find(&as, ALARM_TARGET, "gw1"));
	assert_int_equal(logged("alarm.cleared"), 1);
}

/* Exactly an hour after the last call of that account, over a restart as well; and it says so. */
static void
test_emergency(void **state)
{
	const int64_t h = 3600LL * CLOCK_S;

	(void)state;
	assert_true(alarms_raise(&as, ALARM_EMERGENCY, ALARM_NOTICE, "acme", "911", 0));
	assert_true(alarms_raise(&as, ALARM_EMERGENCY_REFUSED, ALARM_MAJOR, "beta", "112", h / 2));
	for (int k = ALARM_EMERGENCY; k <= ALARM_EMERGENCY_REFUSED; k++)
		assert_non_null(
			strstr(alarm_advice((enum alarm_kind)k), "clears by itself 1 hour after"));
	/* what was carried needs no other way; what was refused does */
	assert_null(strstr(alarm_advice(ALARM_EMERGENCY), "clear trunk"));
	assert_non_null(strstr(alarm_advice(ALARM_EMERGENCY_REFUSED), "clear trunk"));
	assert_true(alarms_raise(&as, ALARM_EMERGENCY_LOST, ALARM_CRITICAL, "acme", "911", 0));
	restart();
	alarms_end_old(&as, h - 1);
	assert_int_equal(as.n, 3);
	alarms_end_old(&as, h);
	assert_null(alarms_find(&as, ALARM_EMERGENCY, "acme"));
	assert_non_null(alarms_find(&as, ALARM_EMERGENCY_REFUSED, "beta"));
	alarms_end_old(&as, h + h / 2);
	assert_int_equal(as.n, 1);
	assert_non_null(alarms_find(&as, ALARM_EMERGENCY_LOST, "acme"));
	alarms_end_old(&as, 24 * h);
	assert_int_equal(as.n, 0);
	assert_int_equal(logged("alarm.cleared"), 3);
}

static void
test_without_a_file(void **state)
{
	(void)state;
	alarms_fini(&as);
	assert_int_equal(alarms_init(&as, NULL), ERR_OK);
	assert_true(alarms_raise(&as, ALARM_TARGET, ALARM_MAJOR, "gw1", "silent", 1));
	assert_int_equal(logged("alarm.raised"), 0);
	alarms_save(&as);
	alarms_fini(&as);
	assert_int_equal(alarms_init(&as, "/nowhere/at/all"), ERR_OK);
	assert_true(alarms_raise(&as, ALARM_TARGET, ALARM_MAJOR, "gw1", "silent", 1));
	alarms_save(&as);
	alarms_save(&as);
	assert_int_equal(logged("alarms.file"), 1);
	assert_int_equal(as.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_since, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_object, setup, teardown),
		cmocka_unit_test_setup_teardown(test_held, setup, teardown),
		cmocka_unit_test_setup_teardown(test_emergency, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_a_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
