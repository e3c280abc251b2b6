#include "call/change.h"

void
change_init(struct change *m)
{
	*m = (struct change){.state = CHANGE_NONE, .due = UINT64_MAX};
}

const char *
change_state_name(enum change_state s)
{
	static const char *const names[] = {
#define X(n) #n,
		CHANGE_STATE_LIST(X)
#undef X
	};

	return (unsigned)s < CHANGE_STATE_N ? names[s] : "?";
}

const char *
change_event_name(enum change_event e)
{
	static const char *const names[] = {
#define X(n) #n,
		CHANGE_EVENT_LIST(X)
#undef X
	};

	return (unsigned)e < CHANGE_EVENT_N ? names[e] : "?";
}

/* All change of state, with each state's deadline. */
static void
set_state(struct change *m, enum change_state to, uint64_t now)
{
	static const uint64_t limit[CHANGE_STATE_N] = {
		[CHANGE_ASKED] = CHANGE_ASKED_US,
		[CHANGE_CANCELED] = CHANGE_CANCEL_US,
		[CHANGE_ACKING] = CHANGE_ACK_US,
		[CHANGE_REFRESHING] = CHANGE_ASKED_US,
	};

	m->state = to;
	m->due = limit[to] ? now + limit[to] : UINT64_MAX;
}

static unsigned
ack(const struct change *m)
{
	return m->out_invite ? CHANGE_DO_ACK : 0;
}

/* The ACK that the asked leg still waits for. */
static unsigned
pay_ack(struct change *m)
{
	unsigned owed = m->owes_ack ? CHANGE_DO_ACK : 0;

	m->owes_ack = false;
	return owed;
}

static unsigned
finish(struct change *m, unsigned actions, uint64_t now)
{
	set_state(m, CHANGE_NONE, now);
	return actions;
}

/* The asking leg has our 2xx; an INVITE's ACK is owed. */
static unsigned
answer(struct change *m, unsigned actions, uint64_t now)
{
	set_state(m, m->in_invite ? CHANGE_ACKING : CHANGE_NONE, now);
	return actions | CHANGE_DO_ANSWER;
}

static unsigned
step_none(struct change *m, enum change_event ev, uint64_t now)
{
	switch (ev) {
	case CHANGE_EV_ASK:
		set_state(m, CHANGE_ASKED, now);
		return 0;
	case CHANGE_EV_KNOWN:
		return answer(m, 0, now);
	case CHANGE_EV_REFRESH:
		set_state(m, CHANGE_REFRESHING, now);
		return 0;
	case CHANGE_EV_OK:
	case CHANGE_EV_OK_OFFER:
	case CHANGE_EV_BAD:
	case CHANGE_EV_FAIL:
	case CHANGE_EV_GONE:
	case CHANGE_EV_CANCEL:
	case CHANGE_EV_ACK:
	case CHANGE_EV_BAD_ACK:
	case CHANGE_EV_DUE:
	case CHANGE_EV_END:
	case CHANGE_EVENT_N:
		break;
	}
	return 0;
}

/* ASKED and CANCELED: a 2xx that crossed the CANCEL counts, as if there had been none. */
static unsigned
step_asked(struct change *m, enum change_event ev, uint64_t now)
{
	bool canceled = m->state == CHANGE_CANCELED;

	switch (ev) {
	case CHANGE_EV_OK:
		return answer(m, ack(m), now);
	case CHANGE_EV_OK_OFFER:
		m->owes_ack = m->out_invite;
		return answer(m, 0, now);
	case CHANGE_EV_BAD:
		return finish(m, ack(m) | CHANGE_DO_REJECT | CHANGE_DO_STOP, now);
	case CHANGE_EV_FAIL:
	case CHANGE_EV_END:
		return finish(m, CHANGE_DO_REJECT, now);
	case CHANGE_EV_GONE:
		return finish(m, CHANGE_DO_REJECT | CHANGE_DO_STOP, now);
	case CHANGE_EV_CANCEL:
	case CHANGE_EV_DUE:
		if (canceled)
			return ev == CHANGE_EV_DUE
				       ? finish(m, CHANGE_DO_REJECT | CHANGE_DO_STOP, now)
				       : 0;
		set_state(m, CHANGE_CANCELED, now);
		return CHANGE_DO_CANCEL;
	case CHANGE_EV_ASK:
	case CHANGE_EV_KNOWN:
	case CHANGE_EV_REFRESH:
	case CHANGE_EV_ACK:
	case CHANGE_EV_BAD_ACK:
	case CHANGE_EVENT_N:
		break;
	}
	return 0;
}

static unsigned
step_acking(struct change *m, enum change_event ev, uint64_t now)
{
	switch (ev) {
	case CHANGE_EV_ACK:
	case CHANGE_EV_END:
		return finish(m, pay_ack(m), now);
	case CHANGE_EV_BAD_ACK:
	case CHANGE_EV_DUE:
		return finish(m, pay_ack(m) | CHANGE_DO_STOP, now);
	case CHANGE_EV_ASK:
	case CHANGE_EV_KNOWN:
	case CHANGE_EV_REFRESH:
	case CHANGE_EV_OK:
	case CHANGE_EV_OK_OFFER:
	case CHANGE_EV_BAD:
	case CHANGE_EV_FAIL:
	case CHANGE_EV_GONE:
	case CHANGE_EV_CANCEL:
	case CHANGE_EVENT_N:
		break;
	}
	return 0;
}

static unsigned
step_refreshing(struct change *m, enum change_event ev, uint64_t now)
{
	switch (ev) {
	case CHANGE_EV_OK:
		return finish(m, ack(m), now);
	case CHANGE_EV_BAD:
		return finish(m, ack(m) | CHANGE_DO_STOP, now);
	case CHANGE_EV_FAIL:
	case CHANGE_EV_END:
		return finish(m, 0, now);
	case CHANGE_EV_GONE:
	case CHANGE_EV_DUE:
		return finish(m, CHANGE_DO_STOP, now);
	case CHANGE_EV_ASK:
	case CHANGE_EV_KNOWN:
	case CHANGE_EV_REFRESH:
	case CHANGE_EV_OK_OFFER:
	case CHANGE_EV_CANCEL:
	case CHANGE_EV_ACK:
	case CHANGE_EV_BAD_ACK:
	case CHANGE_EVENT_N:
		break;
	}
	return 0;
}

unsigned
change_step(struct change *m, enum change_event ev, uint64_t now)
{
	switch (m->state) {
	case CHANGE_NONE:
		return step_none(m, ev, now);
	case CHANGE_ASKED:
	case CHANGE_CANCELED:
		return step_asked(m, ev, now);
	case CHANGE_ACKING:
		return step_acking(m, ev, now);
	case CHANGE_REFRESHING:
		return step_refreshing(m, ev, now);
	case CHANGE_STATE_N:
		break;
	}
	return 0;
}
