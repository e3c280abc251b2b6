/* call/b2bua: one row for each pair of state and event, and scripts for what crosses. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "call/b2bua.h"

#define NONE UINT64_MAX
enum { NOW = 1000 };

/* Short names, so that the table can be read. */
enum {
	TRY = B2BUA_DO_TRY,
	RING = B2BUA_DO_RING,
	ACK_B = B2BUA_DO_ACK_B,
	ANSWER_A = B2BUA_DO_ANSWER,
	REJECT = B2BUA_DO_REJECT_A,
	CANCEL_B = B2BUA_DO_CANCEL_B,
	BYE_A = B2BUA_DO_BYE_A,
	BYE_B = B2BUA_DO_BYE_B,
	CLOSE = B2BUA_DO_CLOSE_MEDIA,
	END = B2BUA_DO_END,
	STAYS = -1, /* no action, no change, the deadline as it was */
	KEEP = 0,   /* deadline: as it was */
};

struct row {
	enum b2bua_state from;
	enum b2bua_event ev;
	int actions; /* or STAYS */
	enum b2bua_state to;
	uint64_t due; /* from now; NONE; KEEP */
};

#define R(from, ev, actions, to, due)                                                              \
	{                                                                                          \
		B2BUA_##from, B2BUA_EV_##ev, actions, B2BUA_##to, due                              \
	}
#define S(from, ev)                                                                                \
	{                                                                                          \
		B2BUA_##from, B2BUA_EV_##ev, STAYS, B2BUA_##from, KEEP                             \
	}

static const struct row rows[] = {
	R(IDLE, START, TRY, TRYING, B2BUA_RING_US),
	S(IDLE, PROVISIONAL),
	S(IDLE, ANSWER),
	S(IDLE, ANSWER_OFFER),
	S(IDLE, BAD_ANSWER),
	S(IDLE, FAIL_NEXT),
	R(IDLE, FAIL, REJECT | CLOSE | END, ENDED, NONE),
	S(IDLE, CANCEL),
	S(IDLE, ACK),
	S(IDLE, BAD_ACK),
	S(IDLE, BYE_A),
	S(IDLE, BYE_B),
	S(IDLE, DONE_A),
	S(IDLE, DONE_B),
	R(IDLE, STOP, REJECT | CLOSE | END, ENDED, NONE),
	S(IDLE, DUE),
	R(IDLE, RESTORE, 0, UP, NONE),
	R(IDLE, RESTORE_LOST, BYE_A | BYE_B | CLOSE, ENDING, B2BUA_BYE_US),

	S(TRYING, START),
	R(TRYING, PROVISIONAL, RING, RINGING, B2BUA_RING_US),
	R(TRYING, ANSWER, ACK_B | ANSWER_A, ANSWERED, B2BUA_ACK_US),
	R(TRYING, ANSWER_OFFER, ANSWER_A, ANSWERED, B2BUA_ACK_US),
	R(TRYING, BAD_ANSWER, ACK_B | REJECT | BYE_B | CLOSE, ENDING, B2BUA_BYE_US),
	R(TRYING, FAIL_NEXT, TRY, TRYING, B2BUA_RING_US),
	R(TRYING, FAIL, REJECT | CLOSE | END, ENDED, NONE),
	R(TRYING, CANCEL, REJECT | CANCEL_B | CLOSE, CANCELING, B2BUA_CANCEL_US),
	S(TRYING, ACK),
	S(TRYING, BAD_ACK),
	R(TRYING, BYE_A, REJECT | CANCEL_B | CLOSE, CANCELING, B2BUA_CANCEL_US),
	S(TRYING, BYE_B),
	S(TRYING, DONE_A),
	S(TRYING, DONE_B),
	R(TRYING, STOP, REJECT | CANCEL_B | CLOSE, CANCELING, B2BUA_CANCEL_US),
	R(TRYING, DUE, REJECT | CANCEL_B | CLOSE, CANCELING, B2BUA_CANCEL_US),
	S(TRYING, RESTORE),
	S(TRYING, RESTORE_LOST),

	S(RINGING, START),
	R(RINGING, PROVISIONAL, RING, RINGING, KEEP),
	R(RINGING, ANSWER, ACK_B | ANSWER_A, ANSWERED, B2BUA_ACK_US),
	R(RINGING, ANSWER_OFFER, ANSWER_A, ANSWERED, B2BUA_ACK_US),
	R(RINGING, BAD_ANSWER, ACK_B | REJECT | BYE_B | CLOSE, ENDING, B2BUA_BYE_US),
	R(RINGING, FAIL_NEXT, TRY, TRYING, B2BUA_RING_US),
	R(RINGING, FAIL, REJECT | CLOSE | END, ENDED, NONE),
	R(RINGING, CANCEL, REJECT | CANCEL_B | CLOSE, CANCELING, B2BUA_CANCEL_US),
	S(RINGING, ACK),
	S(RINGING, BAD_ACK),
	R(RINGING, BYE_A, REJECT | CANCEL_B | CLOSE, CANCELING, B2BUA_CANCEL_US),
	S(RINGING, BYE_B),
	S(RINGING, DONE_A),
	S(RINGING, DONE_B),
	R(RINGING, STOP, REJECT | CANCEL_B | CLOSE, CANCELING, B2BUA_CANCEL_US),
	R(RINGING, DUE, REJECT | CANCEL_B | CLOSE, CANCELING, B2BUA_CANCEL_US),
	S(RINGING, RESTORE),
	S(RINGING, RESTORE_LOST),

	S(ANSWERED, START),
	S(ANSWERED, PROVISIONAL),
	S(ANSWERED, ANSWER),
	S(ANSWERED, ANSWER_OFFER),
	S(ANSWERED, BAD_ANSWER),
	S(ANSWERED, FAIL_NEXT),
	S(ANSWERED, FAIL),
	S(ANSWERED, CANCEL),
	R(ANSWERED, ACK, 0, UP, NONE),
	R(ANSWERED, BAD_ACK, BYE_A | BYE_B | CLOSE, ENDING, B2BUA_BYE_US),
	R(ANSWERED, BYE_A, BYE_B | CLOSE, ENDING, B2BUA_BYE_US),
	R(ANSWERED, BYE_B, CLOSE, ANSWERED, KEEP), /* A's ACK is owed before our BYE to A */
	S(ANSWERED, DONE_A),
	S(ANSWERED, DONE_B),
	R(ANSWERED, STOP, BYE_B | CLOSE, ANSWERED, KEEP),
	R(ANSWERED, DUE, BYE_A | BYE_B | CLOSE, ENDING, B2BUA_BYE_US),
	S(ANSWERED, RESTORE),
	S(ANSWERED, RESTORE_LOST),

	S(UP, START),
	S(UP, PROVISIONAL),
	S(UP, ANSWER),
	S(UP, ANSWER_OFFER),
	S(UP, BAD_ANSWER),
	S(UP, FAIL_NEXT),
	S(UP, FAIL),
	S(UP, CANCEL),
	S(UP, ACK),
	S(UP, BAD_ACK),
	R(UP, BYE_A, BYE_B | CLOSE, ENDING, B2BUA_BYE_US),
	R(UP, BYE_B, BYE_A | CLOSE, ENDING, B2BUA_BYE_US),
	S(UP, DONE_A),
	S(UP, DONE_B),
	R(UP, STOP, BYE_A | BYE_B | CLOSE, ENDING, B2BUA_BYE_US),
	S(UP, DUE),
	S(UP, RESTORE),
	S(UP, RESTORE_LOST),

	S(CANCELING, START),
	S(CANCELING, PROVISIONAL),
	R(CANCELING, ANSWER, ACK_B | BYE_B | CLOSE, ENDING, B2BUA_BYE_US),
	R(CANCELING, ANSWER_OFFER, ACK_B | BYE_B | CLOSE, ENDING, B2BUA_BYE_US),
	R(CANCELING, BAD_ANSWER, ACK_B | BYE_B | CLOSE, ENDING, B2BUA_BYE_US),
	R(CANCELING, FAIL_NEXT, CLOSE | END, ENDED, NONE),
	R(CANCELING, FAIL, CLOSE | END, ENDED, NONE),
	S(CANCELING, CANCEL),
	S(CANCELING, ACK),
	S(CANCELING, BAD_ACK),
	S(CANCELING, BYE_A),
	S(CANCELING, BYE_B),
	S(CANCELING, DONE_A),
	S(CANCELING, DONE_B),
	S(CANCELING, STOP),
	R(CANCELING, DUE, CLOSE | END, ENDED, NONE),
	S(CANCELING, RESTORE),
	S(CANCELING, RESTORE_LOST),

	/* with a BYE out on both legs */
	S(ENDING, START),
	S(ENDING, PROVISIONAL),
	S(ENDING, ANSWER),
	S(ENDING, ANSWER_OFFER),
	S(ENDING, BAD_ANSWER),
	S(ENDING, FAIL_NEXT),
	S(ENDING, FAIL),
	S(ENDING, CANCEL),
	S(ENDING, ACK),
	S(ENDING, BAD_ACK),
	R(ENDING, BYE_A, 0, ENDING, KEEP),
	R(ENDING, BYE_B, 0, ENDING, KEEP),
	R(ENDING, DONE_A, 0, ENDING, KEEP),
	R(ENDING, DONE_B, 0, ENDING, KEEP),
	S(ENDING, STOP),
	R(ENDING, DUE, CLOSE | END, ENDED, NONE),
	S(ENDING, RESTORE),
	S(ENDING, RESTORE_LOST),

	S(ENDED, START),
	S(ENDED, PROVISIONAL),
	S(ENDED, ANSWER),
	S(ENDED, ANSWER_OFFER),
	S(ENDED, BAD_ANSWER),
	S(ENDED, FAIL_NEXT),
	S(ENDED, FAIL),
	S(ENDED, CANCEL),
	S(ENDED, ACK),
	S(ENDED, BAD_ACK),
	S(ENDED, BYE_A),
	S(ENDED, BYE_B),
	S(ENDED, DONE_A),
	S(ENDED, DONE_B),
	S(ENDED, STOP),
	S(ENDED, DUE),
	S(ENDED, RESTORE),
	S(ENDED, RESTORE_LOST),
};
_Static_assert(sizeof(rows) / sizeof(rows[0]) == B2BUA_STATE_N * B2BUA_EVENT_N,
	       "a row for each state and event");

/* The machine in a state, brought there by events, at time 0. */
static void
bring(struct b2bua *m, enum b2bua_state to)
{
	static const struct {
		enum b2bua_event ev[4];
		int n;
	} ways[B2BUA_STATE_N] = {
		[B2BUA_TRYING] = {{B2BUA_EV_START}, 1},
		[B2BUA_RINGING] = {{B2BUA_EV_START, B2BUA_EV_PROVISIONAL}, 2},
		[B2BUA_ANSWERED] = {{B2BUA_EV_START, B2BUA_EV_ANSWER}, 2},
		[B2BUA_UP] = {{B2BUA_EV_RESTORE}, 1},
		[B2BUA_CANCELING] = {{B2BUA_EV_START, B2BUA_EV_CANCEL}, 2},
		[B2BUA_ENDING] = {{B2BUA_EV_RESTORE_LOST}, 1},
		[B2BUA_ENDED] = {{B2BUA_EV_FAIL}, 1},
	};

	b2bua_init(m);
	for (int i = 0; i < ways[to].n; i++)
		(void)!b2bua_step(m, ways[to].ev[i], 0);
	assert_int_equal(m->state, to);
}

static void
each_pair(void **state)
{
	bool seen[B2BUA_STATE_N][B2BUA_EVENT_N] = {{false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct b2bua m, before;
		uint64_t due;
		unsigned got;

		assert_false(seen[r->from][r->ev]);
		seen[r->from][r->ev] = true;
		bring(&m, r->from);
		before = m;
		got = b2bua_step(&m, r->ev, NOW);
		due = r->due == KEEP ? before.due : r->due == NONE ? NONE : NOW + r->due;
		if (got != (r->actions == STAYS ? 0u : (unsigned)r->actions) || m.state != r->to ||
		    m.due != due ||
		    (r->actions == STAYS && r->ev != B2BUA_EV_DONE_B &&
		     memcmp(&m, &before, sizeof(m)) != 0))
			fail_msg("%s %s: actions %u, wanted %d; %s, wanted %s; due %llu, wanted "
				 "%llu",
				 b2bua_state_name(r->from), b2bua_event_name(r->ev), got,
				 r->actions, b2bua_state_name(m.state), b2bua_state_name(r->to),
				 (unsigned long long)m.due, (unsigned long long)due);
	}
}

/* What crosses: events, and all actions in their order. */
static const struct {
	const char *name;
	struct {
		enum b2bua_event ev;
		unsigned actions;
	} step[8];
	enum b2bua_state end;
} scripts[] = {
#define E(ev) B2BUA_EV_##ev
	{"CANCEL crosses 200",
	 {{E(START), TRY},
	  {E(CANCEL), REJECT | CANCEL_B | CLOSE},
	  {E(ANSWER), ACK_B | BYE_B | CLOSE},
	  {E(DONE_B), CLOSE | END}},
	 B2BUA_ENDED},
	{"200 first, CANCEL late",
	 {{E(START), TRY}, {E(ANSWER), ACK_B | ANSWER_A}, {E(CANCEL), 0}, {E(ACK), 0}},
	 B2BUA_UP},
	{"both BYE at once",
	 {{E(RESTORE), 0}, {E(BYE_A), BYE_B | CLOSE}, {E(BYE_B), CLOSE | END}},
	 B2BUA_ENDED},
	{"both BYE at once, answers later",
	 {{E(RESTORE), 0}, {E(BYE_B), BYE_A | CLOSE}, {E(BYE_A), CLOSE | END}, {E(DONE_A), 0}},
	 B2BUA_ENDED},
	{"late offer",
	 {{E(START), TRY}, {E(ANSWER_OFFER), ANSWER_A}, {E(ACK), ACK_B}, {E(ACK), 0}},
	 B2BUA_UP},
	{"late offer, no answer in the ACK",
	 {{E(START), TRY},
	  {E(ANSWER_OFFER), ANSWER_A},
	  {E(BAD_ACK), ACK_B | BYE_A | BYE_B | CLOSE},
	  {E(DONE_A), 0},
	  {E(DONE_B), CLOSE | END}},
	 B2BUA_ENDED},
	{"late offer, the ACK never comes",
	 {{E(START), TRY},
	  {E(ANSWER_OFFER), ANSWER_A},
	  {E(DUE), ACK_B | BYE_A | BYE_B | CLOSE},
	  {E(DUE), CLOSE | END}},
	 B2BUA_ENDED},
	{"late offer, the caller's BYE before its ACK",
	 {{E(START), TRY},
	  {E(ANSWER_OFFER), ANSWER_A},
	  {E(BYE_A), ACK_B | BYE_B | CLOSE},
	  {E(DONE_B), CLOSE | END}},
	 B2BUA_ENDED},
	{"late offer, the called side's BYE before any ACK",
	 {{E(START), TRY},
	  {E(ANSWER_OFFER), ANSWER_A},
	  {E(BYE_B), ACK_B | CLOSE},
	  {E(ACK), BYE_A | CLOSE},
	  {E(DONE_A), CLOSE | END}},
	 B2BUA_ENDED},
	{"late offer, stopped before the ACK, which then is bad",
	 {{E(START), TRY},
	  {E(ANSWER_OFFER), ANSWER_A},
	  {E(STOP), ACK_B | BYE_B | CLOSE},
	  {E(BAD_ACK), BYE_A | CLOSE},
	  {E(DONE_A), 0},
	  {E(DONE_B), CLOSE | END}},
	 B2BUA_ENDED},
	{"late offer, the 200 crosses our CANCEL",
	 {{E(START), TRY},
	  {E(CANCEL), REJECT | CANCEL_B | CLOSE},
	  {E(ANSWER_OFFER), ACK_B | BYE_B | CLOSE},
	  {E(DONE_B), CLOSE | END}},
	 B2BUA_ENDED},
	{"called side's BYE before the caller's ACK",
	 {{E(START), TRY},
	  {E(ANSWER), ACK_B | ANSWER_A},
	  {E(BYE_B), CLOSE},
	  {E(ACK), BYE_A | CLOSE},
	  {E(DONE_A), CLOSE | END}},
	 B2BUA_ENDED},
	{"called side's BYE, the ACK never comes",
	 {{E(START), TRY},
	  {E(ANSWER), ACK_B | ANSWER_A},
	  {E(BYE_B), CLOSE},
	  {E(DUE), BYE_A | CLOSE},
	  {E(DUE), CLOSE | END}},
	 B2BUA_ENDED},
	{"caller's BYE before its ACK",
	 {{E(START), TRY},
	  {E(ANSWER), ACK_B | ANSWER_A},
	  {E(BYE_A), BYE_B | CLOSE},
	  {E(ACK), 0},
	  {E(DONE_B), CLOSE | END}},
	 B2BUA_ENDED},
	{"both BYE before the ACK",
	 {{E(START), TRY},
	  {E(ANSWER), ACK_B | ANSWER_A},
	  {E(BYE_B), CLOSE},
	  {E(BYE_A), CLOSE | END}},
	 B2BUA_ENDED},
	{"stopped before the ACK, B done first",
	 {{E(START), TRY},
	  {E(ANSWER), ACK_B | ANSWER_A},
	  {E(STOP), BYE_B | CLOSE},
	  {E(STOP), 0},
	  {E(DONE_B), 0},
	  {E(ACK), BYE_A | CLOSE},
	  {E(DONE_A), CLOSE | END}},
	 B2BUA_ENDED},
	{"stopped before the ACK, B done last",
	 {{E(START), TRY},
	  {E(ANSWER), ACK_B | ANSWER_A},
	  {E(STOP), BYE_B | CLOSE},
	  {E(ACK), BYE_A | CLOSE},
	  {E(DONE_A), 0},
	  {E(DONE_B), CLOSE | END}},
	 B2BUA_ENDED},
	{"stopped before the ACK, B's BYE crosses ours",
	 {{E(START), TRY},
	  {E(ANSWER), ACK_B | ANSWER_A},
	  {E(STOP), BYE_B | CLOSE},
	  {E(BYE_B), CLOSE},
	  {E(BYE_A), CLOSE | END}},
	 B2BUA_ENDED},
	{"hunting, then ringing out",
	 {{E(START), TRY},
	  {E(PROVISIONAL), RING},
	  {E(FAIL_NEXT), TRY},
	  {E(PROVISIONAL), RING},
	  {E(DUE), REJECT | CANCEL_B | CLOSE},
	  {E(FAIL), CLOSE | END}},
	 B2BUA_ENDED},
	{"no answer to CANCEL",
	 {{E(START), TRY}, {E(STOP), REJECT | CANCEL_B | CLOSE}, {E(DUE), CLOSE | END}},
	 B2BUA_ENDED},
	{"restored, then stopped",
	 {{E(RESTORE), 0},
	  {E(STOP), BYE_A | BYE_B | CLOSE},
	  {E(DONE_B), 0},
	  {E(DONE_B), 0},
	  {E(DONE_A), CLOSE | END}},
	 B2BUA_ENDED},
};

static void
each_script(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct b2bua m;

		b2bua_init(&m);
		for (size_t k = 0; k < 8 && (k == 0 || scripts[i].step[k].ev); k++) {
			unsigned got = b2bua_step(&m, scripts[i].step[k].ev, NOW);

			if (got != scripts[i].step[k].actions)
				fail_msg("%s, step %zu (%s): %u, wanted %u", scripts[i].name, k,
					 b2bua_event_name(scripts[i].step[k].ev), got,
					 scripts[i].step[k].actions);
		}
		if (m.state != scripts[i].end)
			fail_msg("%s: ends in %s", scripts[i].name, b2bua_state_name(m.state));
	}
}

/* Whatever comes, DO_END comes exactly once, and a deadline is there until then but in UP. */
static void
any_order(void **state)
{
	uint32_t x = 12345;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		unsigned ends = 0;
		struct b2bua m;

		b2bua_init(&m);
		(void)!b2bua_step(&m, B2BUA_EV_START, 0);
		for (int k = 0; k < 24; k++) {
			x = x * 1664525 + 1013904223;
			ends += (b2bua_step(&m, (enum b2bua_event)(x >> 16) % B2BUA_EVENT_N, k) &
				 B2BUA_DO_END) != 0;
			assert_true(m.state == B2BUA_UP || m.state == B2BUA_ENDED ||
				    m.due != UINT64_MAX);
		}
		assert_int_equal(ends, m.state == B2BUA_ENDED);
	}
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(b2bua_state_name(B2BUA_CANCELING), "CANCELING");
	assert_string_equal(b2bua_event_name(B2BUA_EV_RESTORE_LOST), "RESTORE_LOST");
	assert_string_equal(b2bua_state_name(B2BUA_STATE_N), "?");
	assert_string_equal(b2bua_event_name(B2BUA_EVENT_N), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pair),
		cmocka_unit_test(each_script),
		cmocka_unit_test(any_order),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
