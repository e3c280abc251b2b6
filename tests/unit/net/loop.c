#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"

static struct loop loop;

static int
setup(void **state)
{
	(void)state;
	return loop_init(&loop, 64, 64) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	loop_fini(&loop);
	return 0;
}

static void
run(int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(loop_run_once(&loop, 0), ERR_OK);
}

/* ---- descriptors ---- */

struct end {
	struct loop_fd w;
	int pair[2];
	int calls;
	struct end *kills; /* what the callback removes */
	bool replaces;     /* and puts a new one in its place */
	struct end *fresh;
};

static void
on_event(void *arg, uint32_t events)
{
	struct end *e = arg;
	char c;

	(void)events;
	e->calls++;
	if (e->kills) {
		loop_del(&loop, &e->kills->w);
		close(e->kills->pair[0]);
		if (e->replaces)
			assert_int_equal(loop_add(&loop, &e->fresh->w, EPOLLIN), ERR_OK);
	} else {
		assert_int_equal(read(e->w.fd, &c, 1), 1);
	}
}

static void
open_end(struct end *e, bool watch)
{
	*e = (struct end){.w = {.on_event = on_event, .arg = e}};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, e->pair), 0);
	e->w.fd = e->pair[0];
	if (watch)
		assert_int_equal(loop_add(&loop, &e->w, EPOLLIN), ERR_OK);
}

static void
close_end(struct end *e)
{
	loop_del(&loop, &e->w);
	close(e->pair[0]);
	close(e->pair[1]);
}

static void
events_come(void **state)
{
	struct end a;

	(void)state;
	open_end(&a, true);
	run(1);
	assert_int_equal(a.calls, 0);
	assert_int_equal(write(a.pair[1], "xy", 2), 2);
	run(1);
	assert_int_equal(a.calls, 1);
	assert_int_equal(loop_mod(&loop, &a.w, 0), ERR_OK);
	run(1);
	assert_int_equal(a.calls, 1);
	assert_int_equal(loop_mod(&loop, &a.w, EPOLLIN), ERR_OK);
	run(1);
	assert_int_equal(a.calls, 2);
	close_end(&a);
	loop_del(&loop, &a.w); /* twice is fine */
}

/* Two are ready in one batch; the one served first removes the other, whose slot, and descriptor
 * number, then belong to a third that has nothing to read. */
static void
stale_events_are_skipped(void **state)
{
	struct end a, b, c;

	(void)state;
	for (int replaces = 0; replaces < 2; replaces++) {
		open_end(&a, true);
		open_end(&b, true);
		open_end(&c, false);
		a.kills = &b;
		b.kills = &a;
		a.replaces = b.replaces = replaces;
		a.fresh = b.fresh = &c;
		assert_int_equal(write(a.pair[1], "x", 1), 1);
		assert_int_equal(write(b.pair[1], "x", 1), 1);
		run(1);
		assert_int_equal(a.calls + b.calls, 1);
		assert_int_equal(c.calls, 0);
		loop_del(&loop, &a.w);
		loop_del(&loop, &b.w);
		close(a.pair[1]);
		close(b.pair[1]);
		close(a.calls ? a.pair[0] : b.pair[0]);
		close_end(&c);
	}
}

static void
table_is_bounded(void **state)
{
	struct loop small;
	struct end a, b;

	(void)state;
	assert_int_equal(loop_init(&small, 1, 1), ERR_OK);
	open_end(&a, false);
	open_end(&b, false);
	assert_int_equal(loop_add(&small, &a.w, EPOLLIN), ERR_OK);
	assert_int_equal(loop_add(&small, &b.w, EPOLLIN), ERR_NOMEM);
	loop_del(&small, &a.w);
	assert_int_equal(loop_add(&small, &b.w, EPOLLIN), ERR_OK);
	loop_fini(&small);
	a.w.slot = b.w.slot = 0;
	close_end(&a);
	close_end(&b);
}

static void
bad_descriptor(void **state)
{
	struct loop_fd w = {.fd = 9999, .on_event = on_event};

	(void)state;
	assert_int_equal(loop_add(&loop, &w, EPOLLIN), ERR_IO);
	assert_int_equal(w.slot, 0);
	assert_int_equal(loop.n_free, 64);
}

/* ---- timers ---- */

struct bell {
	struct timer t;
	int rung;
	uint64_t at;
};

static void
on_due(struct timer *t, uint64_t now_us)
{
	struct bell *b = CONTAINER_OF(t, struct bell, t);

	b->rung++;
	b->at = now_us;
}

static void
timers_fire(void **state)
{
	struct bell a = {.t = {.on_due = on_due}}, b = {.t = {.on_due = on_due}};
	uint64_t start;

	(void)state;
	run(1);
	start = loop_now(&loop);
	assert_int_equal(loop_timer(&loop, &a.t, 20000), ERR_OK);
	assert_int_equal(loop_timer(&loop, &b.t, 10000), ERR_OK);
	loop_timer_stop(&loop, &b.t);
	for (int i = 0; i < 100 && !a.rung; i++)
		assert_int_equal(loop_run_once(&loop, -1), ERR_OK);
	assert_int_equal(a.rung, 1);
	assert_int_equal(b.rung, 0);
	assert_true(a.at >= start + 20000); /* never early */
	assert_true(loop.iterations < 10);  /* and no busy loop */
}

/* ---- deferred calls ---- */

struct later {
	struct loop_soon s;
	int calls;
	bool again;
	struct later *stops;
};

static void
on_soon(void *arg)
{
	struct later *l = arg;

	l->calls++;
	if (l->again)
		loop_soon(&loop, &l->s);
	if (l->stops)
		loop_soon_stop(&l->stops->s);
}

static void
soon_runs_once(void **state)
{
	struct later a = {.s = {.on_soon = on_soon, .arg = &a}},
		     b = {.s = {.on_soon = on_soon, .arg = &b}};

	(void)state;
	loop_soon(&loop, &a.s);
	loop_soon(&loop, &a.s);
	loop_soon(&loop, &b.s);
	a.stops = &b;
	run(1);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 0);
	a.again = true;
	loop_soon(&loop, &a.s);
	run(1);
	assert_int_equal(a.calls, 2); /* asked for from within: next time */
	run(1);
	assert_int_equal(a.calls, 3);
	loop_soon_stop(&a.s);
	loop_soon_stop(&a.s);
	run(1);
	assert_int_equal(a.calls, 3);
}

/* More than the cap: the rest comes in the next iteration, in order. */
static void
soon_is_bounded(void **state)
{
	static struct later many[LOOP_SOON_MAX + 10];
	int done = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = (struct later){.s = {.on_soon = on_soon, .arg = &many[i]}};
		loop_soon(&loop, &many[i].s);
	}
	run(1);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		done += many[i].calls;
	assert_int_equal(done, LOOP_SOON_MAX);
	run(1);
	assert_int_equal(many[LOOP_SOON_MAX + 9].calls, 1);
}

/* ---- mailbox ---- */

enum { LETTERS = 20000, WRITERS = 4 };

struct letters {
	struct loop_mail m;
	int got, last[WRITERS];
	bool disorder;
};

struct letter {
	int writer, number;
};

static struct letter letters[WRITERS][LETTERS];

static void
on_mail(void *arg, void *letter)
{
	struct letters *l = arg;
	struct letter *x = letter;

	l->disorder |= x->number != l->last[x->writer] + 1;
	l->last[x->writer] = x->number;
	if (++l->got == WRITERS * LETTERS)
		loop_stop(&loop);
}

struct writer {
	pthread_t thread;
	struct letters *to;
	int number;
};

static void *
write_letters(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; i < LETTERS; i++) {
		letters[w->number][i] = (struct letter){w->number, i + 1};
		while (loop_mail_post(&w->to->m, &letters[w->number][i]) == ERR_FULL)
			usleep(100);
	}
	return NULL;
}

static void
mail_from_threads(void **state)
{
	struct letters l = {.got = 0};
	struct writer w[WRITERS];

	(void)state;
	assert_int_equal(loop_mail_init(&loop, &l.m, 512, on_mail, &l), ERR_OK);
	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){.to = &l, .number = i};
		assert_int_equal(pthread_create(&w[i].thread, NULL, write_letters, &w[i]), 0);
	}
	assert_int_equal(loop_run(&loop), ERR_OK);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(w[i].thread, NULL);
	assert_int_equal(l.got, WRITERS * LETTERS);
	assert_false(l.disorder);
	loop_mail_fini(&loop, &l.m);
}

static void
mail_is_bounded(void **state)
{
	struct letters l = {.got = 0};
	struct letter x[3] = {{0, 1}, {0, 2}, {0, 3}};

	(void)state;
	assert_int_equal(loop_mail_init(&loop, &l.m, LOOP_MAIL_MAX + 1, on_mail, &l), ERR_RANGE);
	assert_int_equal(loop_mail_init(&loop, &l.m, 2, on_mail, &l), ERR_OK);
	assert_int_equal(loop_mail_post(&l.m, &x[0]), ERR_OK);
	assert_int_equal(loop_mail_post(&l.m, &x[1]), ERR_OK);
	assert_int_equal(loop_mail_post(&l.m, &x[2]), ERR_FULL);
	run(1);
	assert_int_equal(l.got, 2);
	assert_int_equal(loop_mail_post(&l.m, &x[2]), ERR_OK);
	loop_mail_fini(&loop, &l.m); /* delivers what is inside */
	assert_int_equal(l.got, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(events_come, setup, teardown),
		cmocka_unit_test_setup_teardown(stale_events_are_skipped, setup, teardown),
		cmocka_unit_test_setup_teardown(table_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(timers_fire, setup, teardown),
		cmocka_unit_test_setup_teardown(soon_runs_once, setup, teardown),
		cmocka_unit_test_setup_teardown(soon_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(mail_from_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(mail_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
