#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "edge/poll.h"

enum { MS = 1000, EVERY = 1000 * MS, ANSWER = 400 * MS, SLOW = 200 * MS };

/* A life as letters, each behind one POLL_SEND: a an answer in time, s a slow one, r a refusal, t
 * nothing until the time is over, f a failure to send. The states after each: ? u d. */
static void
lives(void **state)
{
	static const struct {
		const char *name;
		uint32_t down_after, up_after;
		const char *life, *want;
	} rows[] = {
		{"the first answer", 2, 2, "a", "u"},
		{"one failure says nothing", 2, 2, "ta", "?u"},
		{"two do", 2, 2, "tt", "?d"},
		{"not in a row", 2, 2, "atata", "uuuuu"},
		{"down, one answer is not enough", 2, 2, "atta", "uudd"},
		{"two are", 2, 2, "attaa", "uuddu"},
		{"an answer between does not count", 2, 2, "attataa", "uuddddu"},
		{"refusals", 2, 2, "arr", "uud"},
		{"slow ones", 2, 2, "ass", "uud"},
		{"of each kind", 4, 1, "arstfa", "uuuudu"},
		{"at once", 1, 1, "tata", "dudu"},
		{"thresholds of none are those of one", 0, 0, "ta", "du"},
		{"stays down", 2, 2, "tttttaa", "?dddddu"},
	};
	static const char letter[] = {[POLL_UNKNOWN] = '?', [POLL_UP] = 'u', [POLL_DOWN] = 'd'};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct poll_terms t = {EVERY, ANSWER, SLOW, rows[i].down_after, rows[i].up_after};
		struct poll p;
		uint64_t now = 7;
		char got[16], was = '?';
		size_t n = 0;

		poll_begin(&p, &t, 12345, now);
		for (const char *z = rows[i].life; *z; z++) {
			now = p.due;
			assert_int_equal(poll_step(&p, &t, 0, now), POLL_SEND);
			if (*z == 't') {
				assert_int_equal(p.due, now + ANSWER);
				now = p.due;
				assert_int_equal(poll_step(&p, &t, 0, now - 1), POLL_WAIT);
				assert_int_equal(poll_step(&p, &t, 0, now), POLL_GIVE_UP);
			} else if (*z == 'f') {
				poll_failed(&p, &t, 0, now);
			} else {
				now += *z == 's' ? SLOW + 1 : SLOW;
				assert_int_equal(poll_answered(&p, &t, *z == 'r', 0, now),
						 *z == 'a');
				assert_int_equal(p.latency_us, *z == 's' ? SLOW + 1 : SLOW);
			}
			got[n] = letter[p.state];
			if (p.changed != (got[n] != was))
				fail_msg("%s: changed is wrong at %zu", rows[i].name, n);
			was = got[n++];
		}
		got[n] = 0;
		if (str_cmp(str_from(got), str_from(rows[i].want)) != 0)
			fail_msg("%s: %s, wanted %s", rows[i].name, got, rows[i].want);
	}
}

/* When it asks: spread at first and later, never where it shall not. */
static void
times(void **state)
{
	struct poll_terms t = {EVERY, ANSWER, 0, 2, 2}, never = {0};
	uint32_t randoms[] = {0, 1, 77777, UINT32_MAX};
	struct poll p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(randoms); i++) {
		poll_begin(&p, &t, randoms[i], 5);
		assert_in_range(p.due, 5, 5 + EVERY / 4);
		assert_int_equal(poll_step(&p, &t, 0, p.due), POLL_SEND);
		assert_true(poll_answered(&p, &t, false, randoms[i], 1000));
		assert_in_range(p.due, 1000 + EVERY - EVERY / 5, 1000 + EVERY);
	}
	assert_false(poll_answered(&p, &t, false, 0, 2000)); /* none is out */
	poll_on_terms(&p, &never, 0, 2000);
	assert_int_equal(p.due, UINT64_MAX);
	assert_int_equal(poll_step(&p, &never, 0, UINT64_MAX), POLL_WAIT);
	poll_on_terms(&p, &t, 0, 3000);
	assert_int_equal(p.due, 3000 + EVERY);
	poll_begin(&p, &never, 3, 5);
	assert_int_equal(p.due, UINT64_MAX);
	/* with other terms while one is out: its answer counts by them */
	poll_begin(&p, &t, 0, 1);
	assert_int_equal(poll_step(&p, &t, 0, 1), POLL_SEND);
	poll_on_terms(&p, &never, 0, 10);
	assert_int_equal(p.due, 1 + ANSWER);
	assert_true(poll_answered(&p, &never, false, 0, 20));
	assert_int_equal(p.due, UINT64_MAX);
	assert_string_equal(poll_state_name(p.state), "up");
	assert_string_equal(poll_state_name(POLL_UNKNOWN), "unknown");
	assert_string_equal(poll_state_name(POLL_DOWN), "down");
	assert_string_equal(poll_state_name(9), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lives), cmocka_unit_test(times)};

	return cmocka_run_group_tests_name("edge-poll", tests, NULL, NULL);
}
