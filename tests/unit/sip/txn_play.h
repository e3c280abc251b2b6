/* For the tests of the transaction machines: a table of every (state, event), and plays on a
 * virtual clock whose log is compared as text. */
#ifndef POSTERN_TEST_TXN_PLAY_H
#define POSTERN_TEST_TXN_PLAY_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "sip/txn_client.h"
#include "sip/txn_server.h"

enum {
	PLAY_EVENTS = 12,
	PLAY_END_MS = 1000 * 1000, /* longer than any timer */
	PLAY_LOG = 2048,
	PLAY_STEPS = 1000,
};

/* Start of the clock, microseconds. Names as in the catalogue of reliability: M12. */
static const struct play_clock {
	const char *name;
	uint64_t at;
} play_clocks[] = {
	{"zero", 0},
	{"one second before 2^32 us", (1ull << 32) - 1000000},
	{"49.7 days less 10 s", ((1ull << 32) - 10000) * 1000},
	{"2^32 ms", (1ull << 32) * 1000},
	{"2^31 s less 20 s", ((1ull << 31) - 20) * 1000000},
	{"2^31 s", (1ull << 31) * 1000000},
	{"400 days", 400ull * 86400 * 1000000},
};

static inline unsigned
play_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	return t->kind == TXN_CLIENT_INVITE || t->kind == TXN_CLIENT_OTHER
		       ? txn_client_step(t, ev, now)
		       : txn_server_step(t, ev, now);
}

/* A step whose actions do not matter. */
static inline void
play_skip(struct txn *t, enum txn_event ev, uint64_t now)
{
	unsigned todo = play_step(t, ev, now);

	(void)todo;
}

/* " SEND_REQUEST PASS_UP" */
static inline void
play_put_todo(struct buf *b, unsigned todo)
{
	static const char *const names[] = {
		"SEND_REQUEST", "SEND_ACK", "SEND_100", "SEND_RESPONSE",   "PASS_UP",
		"SEND_CANCEL",  "ABSORB",   "TIMEOUT",  "TRANSPORT_ERROR", "END"};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (todo & (1u << i))
			buf_printf(b, " %s", names[i]);
}

/* --- table of (state, event) --- */

struct play_cell {
	enum txn_state next;
	unsigned todo;
	bool set; /* every cell is written out, ignored ones too */
};

#define STAY(todo)                                                                                 \
	{                                                                                          \
		TXN_STATE_N, (todo), true                                                          \
	}
#define GO(next, todo)                                                                             \
	{                                                                                          \
		TXN_##next, (todo), true                                                           \
	}
#define IGNORED                                                                                    \
	{                                                                                          \
		TXN_STATE_N, 0, true                                                               \
	}

struct play_state {
	enum txn_state state;
	enum txn_event way[4]; /* events that lead here from NEW */
	unsigned n_way;
	struct play_cell cell[TXN_EV_N];
};

static inline void
play_row(enum txn_kind kind, const char *kind_name, bool reliable, const struct play_state *s,
	 enum txn_event ev, uint64_t base)
{
	const struct play_cell *want = &s->cell[ev];
	uint64_t now = base;
	char got_mem[256], want_mem[256];
	struct buf got, wanted;
	enum txn_state next;
	unsigned todo;
	struct txn t;

	txn_init(&t, kind, reliable, NULL);
	for (unsigned i = 0; i < s->n_way; i++, now += 1000)
		play_skip(&t, s->way[i], now);
	if (t.state != s->state || !want->set)
		fail_msg("%s %s %s + %s: row is not complete (state %s)", kind_name,
			 reliable ? "reliable" : "unreliable", txn_state_name(s->state),
			 txn_event_name(ev), txn_state_name(t.state));
	if (t.due != TIMER_NEVER && t.due > now) { /* before its time it does nothing */
		struct txn early = t;

		assert_int_equal(play_step(&early, TXN_EV_TIMER, t.due - 1), 0);
		assert_int_equal(early.state, t.state);
		assert_true(early.due == t.due);
	}
	if (ev == TXN_EV_TIMER && t.due != TIMER_NEVER)
		now = t.due;
	todo = play_step(&t, ev, now);
	next = want->next == TXN_STATE_N ? s->state : want->next;
	buf_init(&got, got_mem, sizeof(got_mem));
	buf_init(&wanted, want_mem, sizeof(want_mem));
	play_put_todo(&got, todo);
	play_put_todo(&wanted, want->todo);
	if (t.state != next || todo != want->todo)
		fail_msg("%s %s %s + %s: got %s%s, want %s%s", kind_name,
			 reliable ? "reliable" : "unreliable", txn_state_name(s->state),
			 txn_event_name(ev), txn_state_name(t.state), buf_cstr(&got),
			 txn_state_name(next), buf_cstr(&wanted));
	if (t.due <= now)
		fail_msg("%s %s + %s: due is not after now", kind_name, txn_state_name(s->state),
			 txn_event_name(ev));
	if (t.state == TXN_TERMINATED)
		assert_true(t.due == TIMER_NEVER);
}

static inline unsigned
play_table(enum txn_kind kind, const char *kind_name, bool reliable, const struct play_state *s,
	   size_t n)
{
	unsigned rows = 0;

	for (size_t c = 0; c < ARRAY_LEN(play_clocks); c++)
		for (size_t i = 0; i < n; i++)
			for (unsigned ev = 0; ev < TXN_EV_N; ev++, rows++)
				play_row(kind, kind_name, reliable, &s[i], (enum txn_event)ev,
					 play_clocks[c].at);
	return rows;
}

/* --- plays on the clock --- */

struct play_event {
	unsigned ms;
	enum txn_event ev;
};

struct play {
	const char *name;
	enum txn_kind kind;
	bool reliable;
	struct txn_times times;
	const char *want; /* "ms ACTION ACTION, ms ACTION", nothing for steps without actions */
	struct play_event event[PLAY_EVENTS];
	unsigned n;
};

static inline void
play_note(struct buf *b, uint64_t base, uint64_t now, unsigned todo)
{
	uint64_t us = now - base;

	if (!todo)
		return;
	buf_printf(b, "%s%u", b->len ? ", " : "", (unsigned)(us / 1000));
	if (us % 1000)
		buf_printf(b, ".%03u", (unsigned)(us % 1000));
	play_put_todo(b, todo);
}

static inline void
play_run(const struct play *p, const struct play_clock *clock)
{
	char mem[PLAY_LOG];
	struct buf log;
	struct txn t;
	unsigned next = 0, steps = 0;

	buf_init(&log, mem, sizeof(mem));
	txn_init(&t, p->kind, p->reliable, &p->times);
	for (; steps < PLAY_STEPS; steps++) {
		uint64_t at = next < p->n ? clock->at + p->event[next].ms * 1000ull
					  : clock->at + PLAY_END_MS * 1000ull;
		bool timer = t.due <= at;

		if (!timer && next == p->n)
			break;
		if (timer)
			at = t.due;
		play_note(&log, clock->at, at,
			  play_step(&t, timer ? TXN_EV_TIMER : p->event[next++].ev, at));
		if (t.due <= at)
			fail_msg("%s, clock %s: due is not after now", p->name, clock->name);
	}
	if (steps == PLAY_STEPS)
		fail_msg("%s, clock %s: no end", p->name, clock->name);
	if (strcmp(buf_cstr(&log), p->want) != 0)
		fail_msg("%s, clock %s:\n got  %s\n want %s", p->name, clock->name, buf_cstr(&log),
			 p->want);
}

static inline void
play_all(const struct play *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < ARRAY_LEN(play_clocks); c++)
			play_run(&p[i], &play_clocks[c]);
}

#endif
