#include "rows.h"

#include "base/list.h"
#include "base/random.h"
#include "base/timer.h"

enum { TIMERS = 40, STEPS = 60000 };

/* The plain model: an array of due times, 0 = not set. */
struct play {
	struct timer t;
	uint64_t due;
	unsigned fired;
};
static struct play plays[TIMERS];
static struct timers ts;
static uint64_t last_due, run_at;
static struct timer *victim, *again;
static uint64_t again_due;

static uint64_t
model_next(void)
{
	uint64_t next = TIMER_NEVER;

	for (size_t i = 0; i < TIMERS; i++)
		if (plays[i].due && plays[i].due < next)
			next = plays[i].due;
	return next;
}

static void
note_due(struct timer *t, uint64_t now)
{
	struct play *p = CONTAINER_OF(t, struct play, t);

	assert_true(now == run_at);
	assert_false(timer_is_set(t));
	assert_true(p->due && p->due <= now);
	assert_true(p->due == model_next()); /* earliest first; equal ones in any order */
	assert_true(p->due >= last_due);
	last_due = p->due;
	p->due = 0;
	p->fired++;
	if (victim) {
		timer_stop(&ts, victim);
		CONTAINER_OF(victim, struct play, t)->due = 0;
		victim = NULL;
	}
	if (again) {
		struct timer *x = again;

		again = NULL;
		assert_int_equal(timer_set(&ts, x, again_due), ERR_OK);
		CONTAINER_OF(x, struct play, t)->due = again_due;
	}
}

static void
fresh_timers(uint32_t max)
{
	memset(plays, 0, sizeof(plays));
	victim = again = NULL;
	last_due = 0;
	for (size_t i = 0; i < TIMERS; i++)
		plays[i].t.on_due = note_due;
	assert_int_equal(timers_init(&ts, max), ERR_OK);
}

static void
compare_all(void)
{
	uint32_t n = 0;

	for (size_t i = 0; i < TIMERS; i++) {
		assert_int_equal(timer_is_set(&plays[i].t), plays[i].due != 0);
		n += plays[i].due != 0;
	}
	assert_int_equal(ts.n, n);
	assert_true(timers_next(&ts) == model_next());
}

/* Random sets, moves, stops and runs; few different due times, so that equal ones are common. */
static void
test_random(void **state)
{
	uint64_t now = 1000;

	(void)state;
	fresh_timers(TIMERS);
	for (int step = 0; step < STEPS; step++) {
		struct play *p = &plays[random_below(TIMERS)];
		uint32_t what = random_below(10);

		if (what < 6) {
			p->due = now + random_below(step & 1024 ? 20 : 2000);
			assert_int_equal(timer_set(&ts, &p->t, p->due), ERR_OK);
		} else if (what < 8) {
			timer_stop(&ts, &p->t);
			p->due = 0;
		} else {
			now += random_below(30);
			run_at = now;
			last_due = 0;
			timers_run(&ts, now);
			assert_true(model_next() > now);
		}
		compare_all();
	}
	run_at = TIMER_NEVER - 1;
	last_due = 0;
	timers_run(&ts, run_at);
	compare_all();
	assert_int_equal(ts.n, 0);
	timers_fini(&ts);
}

static void
test_equal(void **state)
{
	(void)state;
	fresh_timers(TIMERS);
	for (size_t i = 0; i < TIMERS; i++) {
		plays[i].due = 5;
		assert_int_equal(timer_set(&ts, &plays[i].t, 5), ERR_OK);
	}
	run_at = 4;
	timers_run(&ts, 4);
	compare_all();
	assert_int_equal(ts.n, TIMERS);
	run_at = 5;
	timers_run(&ts, 5);
	for (size_t i = 0; i < TIMERS; i++)
		assert_int_equal(plays[i].fired, 1);
	assert_true(timers_next(&ts) == TIMER_NEVER);
	timers_fini(&ts);
}

/* What the first of three (due 10, 20, 30) does to whom when it fires at 25; fired by then. */
static void
test_inside(void **state)
{
	static const struct {
		const char *name;
		int stop, set; /* -1: none */
		uint64_t due;
		unsigned fired[4];
		uint64_t next;
	} rows[] = {
		{"nothing", -1, -1, 0, {1, 1, 0, 0}, 30},
		{"stops itself", 0, -1, 0, {1, 1, 0, 0}, 30},
		{"stops the next", 1, -1, 0, {1, 0, 0, 0}, 30},
		{"stops a later one", 2, -1, 0, {1, 1, 0, 0}, TIMER_NEVER},
		{"stops one not set", 3, -1, 0, {1, 1, 0, 0}, 30},
		{"sets itself later", -1, 0, 40, {1, 1, 0, 0}, 30},
		{"sets itself, due", -1, 0, 25, {2, 1, 0, 0}, 30},
		{"moves the next away", -1, 1, 35, {1, 0, 0, 0}, 30},
		{"moves a later one near", -1, 2, 15, {1, 1, 1, 0}, TIMER_NEVER},
		{"sets a new one, due", -1, 3, 15, {1, 1, 0, 1}, 30},
		{"sets a new one, later", -1, 3, 26, {1, 1, 0, 0}, 26},
		{"stops the next, sets it", 1, 1, 27, {1, 0, 0, 0}, 27},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fresh_timers(4);
		for (size_t k = 0; k < 3; k++) {
			plays[k].due = 10 + 10 * k;
			assert_int_equal(timer_set(&ts, &plays[k].t, plays[k].due), ERR_OK);
		}
		victim = rows[i].stop < 0 ? NULL : &plays[rows[i].stop].t;
		again = rows[i].set < 0 ? NULL : &plays[rows[i].set].t;
		again_due = rows[i].due;
		run_at = 25;
		timers_run(&ts, 25);
		for (size_t k = 0; k < 4; k++)
			bad += row_num(rows[i].name, plays[k].fired, rows[i].fired[k]);
		bad += row_num(rows[i].name, timers_next(&ts), rows[i].next);
		timers_fini(&ts);
	}
	assert_int_equal(bad, 0);
}

static unsigned rounds;

static void
set_again(struct timer *t, uint64_t now)
{
	rounds++;
	assert_int_equal(timer_set(&ts, t, now), ERR_OK);
}

/* One that is always due again does not hold timers_run for ever. */
static void
test_endless(void **state)
{
	(void)state;
	fresh_timers(4);
	rounds = 0;
	for (size_t i = 0; i < 3; i++) {
		plays[i].t.on_due = set_again;
		assert_int_equal(timer_set(&ts, &plays[i].t, i + 1), ERR_OK);
	}
	timers_run(&ts, 9);
	assert_int_equal(rounds, 3);
	timers_fini(&ts);
}

static void
test_cap(void **state)
{
	(void)state;
	fresh_timers(3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(timer_set(&ts, &plays[i].t, 100 - i), ERR_OK);
	assert_int_equal(timer_set(&ts, &plays[3].t, 1), ERR_FULL);
	assert_false(timer_is_set(&plays[3].t));
	assert_int_equal(timer_set(&ts, &plays[0].t, 50), ERR_OK); /* moving needs no place */
	assert_true(timers_next(&ts) == 50);
	timer_stop(&ts, &plays[3].t);
	timer_stop(&ts, &plays[1].t);
	timer_stop(&ts, &plays[1].t);
	assert_int_equal(timer_set(&ts, &plays[3].t, TIMER_NEVER), ERR_OK);
	assert_int_equal(ts.n, 3);
	timers_fini(&ts);
	assert_int_equal(timers_init(&ts, 0), ERR_OK);
	assert_int_equal(timer_set(&ts, &(struct timer){0}, 1), ERR_FULL);
	timers_run(&ts, 1);
	assert_true(timers_next(&ts) == TIMER_NEVER);
	timers_fini(&ts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_equal),
		cmocka_unit_test(test_inside), cmocka_unit_test(test_endless),
		cmocka_unit_test(test_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
