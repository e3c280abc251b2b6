#include "call/amend.h"

void
amend_init(struct amend *m)
{
	*m = (struct amend){.state = AMEND_NONE, .due = UINT64_MAX};
}

const char *
amend_state_name(enum amend_state s)
{
	static const char *const names[] = {
#define X(n) #n,
		AMEND_STATE_LIST(X)
#undef X
	};

	return (unsigned)s < AMEND_STATE_N ? names[s] : "?";
}

const char *
amend_event_name(enum amend_event e)
{
	static const char *const names[] = {
#define X(n) #n,
		AMEND_EVENT_LIST(X)
#undef X
	};

	return (unsigned)e < AMEND_EVENT_N ? names[e] : "?";
}

/* All change of state, with each state's deadline. */
static void
set_state(struct amend *m, enum amend_state to, uint64_t now)
{
	static const uint64_t limit[AMEND_STATE_N] = {
		[AMEND_ASKED] = AMEND_ASKED_US,    [AMEND_CANCELED] = AMEND_CANCEL_US,
		[AMEND_ACKING] = AMEND_ACK_US,     [AMEND_REFRESHING] = AMEND_ASKED_US,
		[AMEND_FETCHING] = AMEND_ASKED_US, [AMEND_PLACING] = AMEND_ACK_US,
	};

	m->state = to;
	m->due = limit[to] ? now + limit[to] : UINT64_MAX;
}

static unsigned
ack(const struct amend *m)
{
	return m->out_invite ? AMEND_DO_ACK : 0;
}

/* The ACK that the asked leg still waits for. */
static unsigned
pay_ack(struct amend *m)
{
	unsigned owed = m->owes_ack ? AMEND_DO_ACK : 0;

	m->owes_ack = false;
	return owed;
}

static unsigned
finish(struct amend *m, unsigned actions, uint64_t now)
{
	set_state(m, AMEND_NONE, now);
	return actions;
}

/* The asking leg has our 2xx; an INVITE's ACK is owed. */
static unsigned
answer(struct amend *m, unsigned actions, uint64_t now)
{
	set_state(m, m->in_invite ? AMEND_ACKING : AMEND_NONE, now);
	return actions | AMEND_DO_ANSWER;
}

static unsigned
step_none(struct amend *m, enum amend_event ev, uint64_t now)
{
	switch (ev) {
	case AMEND_EV_ASK:
		set_state(m, AMEND_ASKED, now);
		return 0;
	case AMEND_EV_KNOWN:
		return answer(m, 0, now);
	case AMEND_EV_REFRESH:
		set_state(m, AMEND_REFRESHING, now);
		return 0;
	case AMEND_EV_RENEW:
		set_state(m, AMEND_FETCHING, now);
		return 0;
	case AMEND_EV_OK:
	case AMEND_EV_OK_OFFER:
	case AMEND_EV_BAD:
	case AMEND_EV_FAIL:
	case AMEND_EV_GONE:
	case AMEND_EV_CANCEL:
	case AMEND_EV_ACK:
	case AMEND_EV_BAD_ACK:
	case AMEND_EV_DUE:
	case AMEND_EV_END:
	case AMEND_EVENT_N:
		break;
	}
	return 0;
}

/* ASKED and CANCELED: a 2xx that crossed the CANCEL counts, as if there had been none. */
static unsigned
step_asked(struct amend *m, enum amend_event ev, uint64_t now)
{
	bool canceled = m->state == AMEND_CANCELED;

	switch (ev) {
	case AMEND_EV_OK:
		return answer(m, ack(m), now);
	case AMEND_EV_OK_OFFER:
		m->owes_ack = m->out_invite;
		return answer(m, 0, now);
	case AMEND_EV_BAD:
		return finish(m, ack(m) | AMEND_DO_REJECT | AMEND_DO_STOP, now);
	case AMEND_EV_FAIL:
	case AMEND_EV_END:
		return finish(m, AMEND_DO_REJECT, now);
	case AMEND_EV_GONE:
		return finish(m, AMEND_DO_REJECT | AMEND_DO_STOP, now);
	case AMEND_EV_CANCEL:
	case AMEND_EV_DUE:
		if (canceled)
			return ev == AMEND_EV_DUE ? finish(m, AMEND_DO_REJECT | AMEND_DO_STOP, now)
						  : 0;
		set_state(m, AMEND_CANCELED, now);
		return AMEND_DO_CANCEL;
	case AMEND_EV_ASK:
	case AMEND_EV_KNOWN:
	case AMEND_EV_REFRESH:
	case AMEND_EV_RENEW:
	case AMEND_EV_ACK:
	case AMEND_EV_BAD_ACK:
	case AMEND_EVENT_N:
		break;
	}
	return 0;
}

static unsigned
step_acking(struct amend *m, enum amend_event ev, uint64_t now)
{
	switch (ev) {
	case AMEND_EV_ACK:
	case AMEND_EV_END:
		return finish(m, pay_ack(m), now);
	case AMEND_EV_BAD_ACK:
	case AMEND_EV_DUE:
		return finish(m, pay_ack(m) | AMEND_DO_STOP, now);
	case AMEND_EV_ASK:
	case AMEND_EV_KNOWN:
	case AMEND_EV_REFRESH:
	case AMEND_EV_RENEW:
	case AMEND_EV_OK:
	case AMEND_EV_OK_OFFER:
	case AMEND_EV_BAD:
	case AMEND_EV_FAIL:
	case AMEND_EV_GONE:
	case AMEND_EV_CANCEL:
	case AMEND_EVENT_N:
		break;
	}
	return 0;
}

/* REFRESHING and FETCHING: a request of ours to one leg; only the latter fetches an offer. */
static unsigned
step_own(struct amend *m, enum amend_event ev, uint64_t now)
{
	bool fetching = m->state == AMEND_FETCHING;

	switch (ev) {
	case AMEND_EV_OK:
		return fetching ? 0 : finish(m, ack(m), now);
	case AMEND_EV_OK_OFFER:
		if (!fetching)
			return 0;
		set_state(m, AMEND_PLACING, now);
		return AMEND_DO_PLACE;
	case AMEND_EV_BAD:
		return finish(m, ack(m) | AMEND_DO_STOP, now);
	case AMEND_EV_FAIL:
	case AMEND_EV_END:
		return finish(m, 0, now);
	case AMEND_EV_GONE:
	case AMEND_EV_DUE:
		return finish(m, AMEND_DO_STOP, now);
	case AMEND_EV_ASK:
	case AMEND_EV_KNOWN:
	case AMEND_EV_REFRESH:
	case AMEND_EV_RENEW:
	case AMEND_EV_CANCEL:
	case AMEND_EV_ACK:
	case AMEND_EV_BAD_ACK:
	case AMEND_EVENT_N:
		break;
	}
	return 0;
}

/* The leg that offered waits: without an answer it is not what the call was. */
static unsigned
step_placing(struct amend *m, enum amend_event ev, uint64_t now)
{
	switch (ev) {
	case AMEND_EV_OK:
		return finish(m, AMEND_DO_ACK | AMEND_DO_ACK_FIRST, now);
	case AMEND_EV_BAD:
		return finish(m, AMEND_DO_ACK | AMEND_DO_ACK_FIRST | AMEND_DO_STOP, now);
	case AMEND_EV_FAIL:
	case AMEND_EV_GONE:
	case AMEND_EV_DUE:
		return finish(m, AMEND_DO_ACK_FIRST | AMEND_DO_STOP, now);
	case AMEND_EV_END:
		return finish(m, AMEND_DO_ACK_FIRST, now);
	case AMEND_EV_ASK:
	case AMEND_EV_KNOWN:
	case AMEND_EV_REFRESH:
	case AMEND_EV_RENEW:
	case AMEND_EV_OK_OFFER:
	case AMEND_EV_CANCEL:
	case AMEND_EV_ACK:
	case AMEND_EV_BAD_ACK:
	case AMEND_EVENT_N:
		break;
	}
	return 0;
}

unsigned
amend_step(struct amend *m, enum amend_event ev, uint64_t now)
{
	switch (m->state) {
	case AMEND_NONE:
		return step_none(m, ev, now);
	case AMEND_ASKED:
	case AMEND_CANCELED:
		return step_asked(m, ev, now);
	case AMEND_ACKING:
		return step_acking(m, ev, now);
	case AMEND_REFRESHING:
	case AMEND_FETCHING:
		return step_own(m, ev, now);
	case AMEND_PLACING:
		return step_placing(m, ev, now);
	case AMEND_STATE_N:
		break;
	}
	return 0;
}
