/* Which share of new calls is admitted: a server in virtual time under 0.5 to 20 times its
 * capacity. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "edge/share.h"

enum { SECOND = 1000000, CALL_US = 500, REFUSE_US = 15, OTHER_US = 20 };

struct result {
	uint64_t offered, carried, refused, worst_us, others_us;
};

static struct share share;

/* One more new call of the only peer. */
static bool
sheds(struct load *l, uint64_t now)
{
	struct share_peer *p = share_of(&share, 1);

	share_look(&share, l->share, now);
	share_note(&share, p, 1, SHARE_REQUEST);
	return share_sheds(&share, p);
}

/* One thread that works off what came in the order in which it came, from now on; rate: new calls a
 * second, evenly; each brings another message that belongs to a call. */
static struct result
run(struct load *l, uint64_t *clock, uint64_t rate, uint64_t seconds)
{
	uint64_t first = *clock, busy = first, n = rate * seconds;
	struct result r = {.offered = n};

	for (uint64_t i = 0; i < n; i++) {
		uint64_t came = first + i * SECOND / rate, begun = came > busy ? came : busy;

		load_note(l, LOAD_STREAM, begun - came, begun);
		r.worst_us = begun - came > r.worst_us ? begun - came : r.worst_us;
		if (sheds(l, begun)) {
			r.refused++;
			busy = begun + REFUSE_US;
		} else {
			r.carried++;
			busy = begun + CALL_US;
		}
		load_note(l, LOAD_STREAM, busy - came, busy); /* in a dialog */
		busy += OTHER_US;
	}
	*clock = busy > first + seconds * SECOND ? busy : first + seconds * SECOND;
	return r;
}

static void
test_goodput(void **state)
{
	static const struct {
		const char *name;
		uint64_t rate;    /* capacity: 1,920 */
		unsigned goodput; /* percent of min(rate, capacity), at least */
		uint64_t worst_ms;
	} rows[] = {
		{"half", 960, 100, 1},   {"nearly", 1800, 100, 20}, {"a little more", 2100, 98, 60},
		{"twice", 3840, 98, 60}, {"5 times", 9600, 97, 60},
	};
	const uint64_t capacity = SECOND / (CALL_US + OTHER_US);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t clock = SECOND, could = rows[i].rate < capacity ? rows[i].rate : capacity;
		/* time for refusals and for what belongs to calls is not there for calls */
		uint64_t lost = rows[i].rate > capacity ? (rows[i].rate - capacity) *
								  (REFUSE_US + OTHER_US) / CALL_US
							: 0;
		struct result r;
		struct load l;

		load_init(&l);
		share_init(&share);
		r = run(&l, &clock, rows[i].rate, 2); /* settles */
		r = run(&l, &clock, rows[i].rate, 10);
		could = could > lost ? could - lost : 0;
		if (r.carried * 100 < could * 10 * rows[i].goodput)
			fail_msg("%s: carried %llu of %llu, could be %llu", rows[i].name,
				 (unsigned long long)r.carried, (unsigned long long)r.offered,
				 (unsigned long long)could * 10);
		if (r.worst_us > rows[i].worst_ms * 1000)
			fail_msg("%s: waited %llu us", rows[i].name,
				 (unsigned long long)r.worst_us);
		/* and back */
		(void)run(&l, &clock, rows[i].rate / 20, 3);
		r = run(&l, &clock, rows[i].rate / 20, 1);
		assert_int_equal(r.refused, 0);
		assert_int_equal(load_percent(&l), 0);
	}
}

/* A connection that always has QUEUE more to bring: what waits is refused while there is time for
 * that, else carried; its sender is slowed by what stays in the socket. No time is left unused, and
 * but a tenth goes into refusing. */
static void
test_backlog(void **state)
{
	enum { QUEUE = 110 };
	uint64_t now = SECOND, end = 11 * SECOND, came[QUEUE], carried = 0, refused = 0, worst = 0;
	struct load_budget budget = {0};
	struct load l;

	(void)state;
	load_init(&l);
	for (int i = 0; i < QUEUE; i++)
		came[i] = now;
	for (uint64_t i = 0; now < end; i++) {
		uint64_t waited = now - came[i % QUEUE];

		worst = waited > worst ? waited : worst;
		load_note(&l, LOAD_STREAM, waited, now);
		if (load_percent(&l) && load_may_refuse(&budget, now)) {
			now += REFUSE_US;
			load_refused(&budget, REFUSE_US, now);
			refused++;
		} else {
			now += CALL_US;
			carried++;
		}
		came[i % QUEUE] = now;
	}
	assert_in_range(carried, 10 * SECOND / CALL_US * 89 / 100,
			10 * SECOND / CALL_US * 95 / 100);
	assert_in_range(refused * REFUSE_US, 10 * SECOND * 5 / 100, 10 * SECOND * 11 / 100);
	assert_in_range(worst, 0, (uint64_t)QUEUE * CALL_US);
}

/* Time for refusing: some at once, then a part of it. */
static void
test_budget(void **state)
{
	struct load_budget b = {0};
	uint64_t now = SECOND, spent = 0;

	(void)state;
	while (load_may_refuse(&b, now)) {
		load_refused(&b, 10, now);
		spent += 10;
	}
	assert_in_range(spent, LOAD_REFUSE_AHEAD_US / LOAD_REFUSE_PART,
			LOAD_REFUSE_AHEAD_US / LOAD_REFUSE_PART + 10);
	assert_false(load_may_refuse(&b, load_refuse_again(&b) - 1));
	now = load_refuse_again(&b);
	assert_true(load_may_refuse(&b, now));
	load_refused(&b, 100, now);
	assert_int_equal(load_refuse_again(&b), now + 100 * LOAD_REFUSE_PART);
	now += 10 * SECOND; /* what was not used is not kept */
	load_refused(&b, 0, now);
	assert_int_equal(load_refuse_again(&b), now - LOAD_REFUSE_AHEAD_US);
}

/* Bursts that are worked off change nothing. */
static void
test_burst(void **state)
{
	struct load l;

	(void)state;
	load_init(&l);
	for (uint64_t w = 1; w < 20; w++) {
		for (uint64_t i = 0; i < 100; i++) /* 90 ms of queue, then it is empty */
			load_note(&l, LOAD_STREAM, 90000 - i * 900, w * 100000 + i * 900);
		assert_int_equal(load_percent(&l), 0);
	}
}

/* What waits in one way in is not hidden by what comes at once in the other. */
static void
test_ways(void **state)
{
	struct load l;

	(void)state;
	load_init(&l);
	for (uint64_t w = 1; w < 20; w++) {
		load_note(&l, LOAD_DATAGRAM, SECOND, w * LOAD_WINDOW_US);
		load_note(&l, LOAD_STREAM, 10, w * LOAD_WINDOW_US + 1);
	}
	assert_int_equal(l.delay_us, SECOND);
	assert_true(load_percent(&l) > 90);
}

static void
test_words(void **state)
{
	struct load l;

	(void)state;
	load_init(&l);
	for (uint64_t w = 1; w < 100; w++) /* it never ends: some are admitted all the same */
		load_note(&l, LOAD_STREAM, 10 * SECOND, w * LOAD_WINDOW_US);
	assert_int_equal(l.share, LOAD_LEAST);
	assert_int_equal(load_percent(&l), 100);
	assert_int_equal(l.delay_us, 10 * SECOND);
	load_look(&l, 99 * LOAD_WINDOW_US + 1); /* the window is not over */
	assert_int_equal(l.share, LOAD_LEAST);
	load_look(&l, 200 * LOAD_WINDOW_US); /* nobody comes any more */
	assert_int_equal(load_percent(&l), 0);
	assert_int_equal(l.changed_us, 200 * LOAD_WINDOW_US);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goodput), cmocka_unit_test(test_backlog),
		cmocka_unit_test(test_budget),  cmocka_unit_test(test_burst),
		cmocka_unit_test(test_ways),    cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
