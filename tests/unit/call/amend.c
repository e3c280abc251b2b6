/* call/amend: one row for each pair of state and event, and scripts for what crosses. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "call/amend.h"

#define NEVER UINT64_MAX
enum { NOW = 1000 };

/* Short names, so that the table can be read. */
enum {
	DO_ACK = AMEND_DO_ACK,
	ANSWER = AMEND_DO_ANSWER,
	REJECT = AMEND_DO_REJECT,
	DO_CANCEL = AMEND_DO_CANCEL,
	STOP = AMEND_DO_STOP,
	PLACE = AMEND_DO_PLACE,
	FIRST = AMEND_DO_ACK_FIRST,
	STAYS = -1, /* no action, no change */
};

struct row {
	enum amend_state from;
	enum amend_event ev;
	int actions; /* or STAYS */
	enum amend_state to;
	uint64_t due; /* from now; 0 = NEVER */
};

#define R(from, ev, actions, to, due)                                                              \
	{                                                                                          \
		AMEND_##from, AMEND_EV_##ev, actions, AMEND_##to, due                              \
	}
#define S(from, ev)                                                                                \
	{                                                                                          \
		AMEND_##from, AMEND_EV_##ev, STAYS, AMEND_##from, 0                                \
	}

/* with INVITE on both legs */
static const struct row rows[] = {
	R(NONE, ASK, 0, ASKED, AMEND_ASKED_US),
	R(NONE, KNOWN, ANSWER, ACKING, AMEND_ACK_US),
	R(NONE, REFRESH, 0, REFRESHING, AMEND_ASKED_US),
	R(NONE, RENEW, 0, FETCHING, AMEND_ASKED_US),
	S(NONE, OK),
	S(NONE, OK_OFFER),
	S(NONE, BAD),
	S(NONE, FAIL),
	S(NONE, GONE),
	S(NONE, CANCEL),
	S(NONE, ACK),
	S(NONE, BAD_ACK),
	S(NONE, DUE),
	S(NONE, END),

	S(ASKED, ASK),
	S(ASKED, KNOWN),
	S(ASKED, REFRESH),
	S(ASKED, RENEW),
	R(ASKED, OK, DO_ACK | ANSWER, ACKING, AMEND_ACK_US),
	R(ASKED, OK_OFFER, ANSWER, ACKING, AMEND_ACK_US),
	R(ASKED, BAD, DO_ACK | REJECT | STOP, NONE, 0),
	R(ASKED, FAIL, REJECT, NONE, 0),
	R(ASKED, GONE, REJECT | STOP, NONE, 0),
	R(ASKED, CANCEL, DO_CANCEL, CANCELED, AMEND_CANCEL_US),
	S(ASKED, ACK),
	S(ASKED, BAD_ACK),
	R(ASKED, DUE, DO_CANCEL, CANCELED, AMEND_CANCEL_US),
	R(ASKED, END, REJECT, NONE, 0),

	S(CANCELED, ASK),
	S(CANCELED, KNOWN),
	S(CANCELED, REFRESH),
	S(CANCELED, RENEW),
	R(CANCELED, OK, DO_ACK | ANSWER, ACKING, AMEND_ACK_US),
	R(CANCELED, OK_OFFER, ANSWER, ACKING, AMEND_ACK_US),
	R(CANCELED, BAD, DO_ACK | REJECT | STOP, NONE, 0),
	R(CANCELED, FAIL, REJECT, NONE, 0),
	R(CANCELED, GONE, REJECT | STOP, NONE, 0),
	S(CANCELED, CANCEL),
	S(CANCELED, ACK),
	S(CANCELED, BAD_ACK),
	R(CANCELED, DUE, REJECT | STOP, NONE, 0),
	R(CANCELED, END, REJECT, NONE, 0),

	S(ACKING, ASK),
	S(ACKING, KNOWN),
	S(ACKING, REFRESH),
	S(ACKING, RENEW),
	S(ACKING, OK),
	S(ACKING, OK_OFFER),
	S(ACKING, BAD),
	S(ACKING, FAIL),
	S(ACKING, GONE),
	S(ACKING, CANCEL),
	R(ACKING, ACK, 0, NONE, 0),
	R(ACKING, BAD_ACK, STOP, NONE, 0),
	R(ACKING, DUE, STOP, NONE, 0),
	R(ACKING, END, 0, NONE, 0),

	S(REFRESHING, ASK),
	S(REFRESHING, KNOWN),
	S(REFRESHING, REFRESH),
	S(REFRESHING, RENEW),
	R(REFRESHING, OK, DO_ACK, NONE, 0),
	S(REFRESHING, OK_OFFER),
	R(REFRESHING, BAD, DO_ACK | STOP, NONE, 0),
	R(REFRESHING, FAIL, 0, NONE, 0),
	R(REFRESHING, GONE, STOP, NONE, 0),
	S(REFRESHING, CANCEL),
	S(REFRESHING, ACK),
	S(REFRESHING, BAD_ACK),
	R(REFRESHING, DUE, STOP, NONE, 0),
	R(REFRESHING, END, 0, NONE, 0),

	S(FETCHING, ASK),
	S(FETCHING, KNOWN),
	S(FETCHING, REFRESH),
	S(FETCHING, RENEW),
	S(FETCHING, OK),
	R(FETCHING, OK_OFFER, PLACE, PLACING, AMEND_ACK_US),
	R(FETCHING, BAD, DO_ACK | STOP, NONE, 0),
	R(FETCHING, FAIL, 0, NONE, 0),
	R(FETCHING, GONE, STOP, NONE, 0),
	S(FETCHING, CANCEL),
	S(FETCHING, ACK),
	S(FETCHING, BAD_ACK),
	R(FETCHING, DUE, STOP, NONE, 0),
	R(FETCHING, END, 0, NONE, 0),

	S(PLACING, ASK),
	S(PLACING, KNOWN),
	S(PLACING, REFRESH),
	S(PLACING, RENEW),
	R(PLACING, OK, DO_ACK | FIRST, NONE, 0),
	S(PLACING, OK_OFFER),
	R(PLACING, BAD, DO_ACK | FIRST | STOP, NONE, 0),
	R(PLACING, FAIL, FIRST | STOP, NONE, 0),
	R(PLACING, GONE, FIRST | STOP, NONE, 0),
	S(PLACING, CANCEL),
	S(PLACING, ACK),
	S(PLACING, BAD_ACK),
	R(PLACING, DUE, FIRST | STOP, NONE, 0),
	R(PLACING, END, FIRST, NONE, 0),
};
_Static_assert(sizeof(rows) / sizeof(rows[0]) == AMEND_STATE_N * AMEND_EVENT_N,
	       "a row for each state and event");

static void
bring(struct amend *m, enum amend_state to)
{
	static const struct {
		enum amend_event ev[2];
		int n;
	} ways[AMEND_STATE_N] = {
		[AMEND_ASKED] = {{AMEND_EV_ASK}, 1},
		[AMEND_CANCELED] = {{AMEND_EV_ASK, AMEND_EV_CANCEL}, 2},
		[AMEND_ACKING] = {{AMEND_EV_KNOWN}, 1},
		[AMEND_REFRESHING] = {{AMEND_EV_REFRESH}, 1},
		[AMEND_FETCHING] = {{AMEND_EV_RENEW}, 1},
		[AMEND_PLACING] = {{AMEND_EV_RENEW, AMEND_EV_OK_OFFER}, 2},
	};

	amend_init(m);
	m->in_invite = m->out_invite = true;
	for (int i = 0; i < ways[to].n; i++)
		(void)!amend_step(m, ways[to].ev[i], 0);
	assert_int_equal(m->state, to);
}

static void
each_pair(void **state)
{
	bool seen[AMEND_STATE_N][AMEND_EVENT_N] = {{false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct amend m, before;
		uint64_t due;
		unsigned got;

		assert_false(seen[r->from][r->ev]);
		seen[r->from][r->ev] = true;
		bring(&m, r->from);
		before = m;
		got = amend_step(&m, r->ev, NOW);
		due = r->actions == STAYS ? before.due : r->due ? NOW + r->due : NEVER;
		if (got != (r->actions == STAYS ? 0u : (unsigned)r->actions) || m.state != r->to ||
		    m.due != due || (r->actions == STAYS && memcmp(&m, &before, sizeof(m)) != 0))
			fail_msg("%s %s: actions %u, wanted %d; %s, wanted %s",
				 amend_state_name(r->from), amend_event_name(r->ev), got,
				 r->actions, amend_state_name(m.state), amend_state_name(r->to));
	}
}

/* What crosses; I: INVITE, U: UPDATE, of the asking leg and to the asked one. */
static const struct {
	const char *name, *methods;
	size_t n;
	struct {
		enum amend_event ev;
		unsigned actions;
	} step[6];
} scripts[] = {
#define E(ev) AMEND_EV_##ev
	{"UPDATE has no ACK", "UU", 3, {{E(ASK), 0}, {E(OK), ANSWER}, {E(OK), 0}}},
	{"UPDATE asked by INVITE", "UI", 3, {{E(ASK), 0}, {E(OK), DO_ACK | ANSWER}, {E(ACK), 0}}},
	{"known UPDATE", "UU", 2, {{E(KNOWN), ANSWER}, {E(ASK), 0}}},
	{"refresh by UPDATE", "UU", 2, {{E(REFRESH), 0}, {E(OK), 0}}},
	{"no offer", "II", 4, {{E(ASK), 0}, {E(OK_OFFER), ANSWER}, {E(ACK), DO_ACK}, {E(ACK), 0}}},
	{"no offer, bad ACK",
	 "II",
	 3,
	 {{E(ASK), 0}, {E(OK_OFFER), ANSWER}, {E(BAD_ACK), DO_ACK | STOP}}},
	{"no offer, no ACK",
	 "II",
	 3,
	 {{E(ASK), 0}, {E(OK_OFFER), ANSWER}, {E(DUE), DO_ACK | STOP}}},
	{"no offer, call ends", "II", 3, {{E(ASK), 0}, {E(OK_OFFER), ANSWER}, {E(END), DO_ACK}}},
	{"CANCEL crosses 200",
	 "II",
	 5,
	 {{E(ASK), 0},
	  {E(CANCEL), DO_CANCEL},
	  {E(OK), DO_ACK | ANSWER},
	  {E(CANCEL), 0},
	  {E(ACK), 0}}},
	{"CANCEL works",
	 "II",
	 4,
	 {{E(ASK), 0}, {E(CANCEL), DO_CANCEL}, {E(FAIL), REJECT}, {E(ACK), 0}}},
	{"no answer at all",
	 "II",
	 4,
	 {{E(ASK), 0}, {E(DUE), DO_CANCEL}, {E(DUE), REJECT | STOP}, {E(END), 0}}},
	{"one after the other",
	 "II",
	 5,
	 {{E(ASK), 0}, {E(FAIL), REJECT}, {E(ASK), 0}, {E(OK), DO_ACK | ANSWER}, {E(ACK), 0}}},
#undef E
};

static void
crossings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct amend m;

		amend_init(&m);
		m.in_invite = scripts[i].methods[0] == 'I';
		m.out_invite = scripts[i].methods[1] == 'I';
		for (size_t k = 0; k < scripts[i].n; k++) {
			unsigned got = amend_step(&m, scripts[i].step[k].ev, NOW);

			if (got != scripts[i].step[k].actions)
				fail_msg("%s: %s gives %u, wanted %u", scripts[i].name,
					 amend_event_name(scripts[i].step[k].ev), got,
					 scripts[i].step[k].actions);
		}
		assert_int_equal(m.owes_ack, false);
	}
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(amend_state_name(AMEND_ACKING), "ACKING");
	assert_string_equal(amend_event_name(AMEND_EV_BAD_ACK), "BAD_ACK");
	assert_string_equal(amend_state_name(AMEND_STATE_N), "?");
	assert_string_equal(amend_event_name(AMEND_EVENT_N), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pair),
		cmocka_unit_test(crossings),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
