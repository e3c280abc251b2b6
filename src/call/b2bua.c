#include "call/b2bua.h"

void
b2bua_init(struct b2bua *m)
{
	*m = (struct b2bua){.state = B2BUA_IDLE, .due = UINT64_MAX};
}

static const char *const state_names[] = {
#define X(n) #n,
	B2BUA_STATE_LIST(X)
#undef X
};
static const char *const event_names[] = {
#define X(n) #n,
	B2BUA_EVENT_LIST(X)
#undef X
};

const char *
b2bua_state_name(enum b2bua_state s)
{
	return (unsigned)s < ARRAY_LEN(state_names) ? state_names[s] : "?";
}

const char *
b2bua_event_name(enum b2bua_event e)
{
	return (unsigned)e < ARRAY_LEN(event_names) ? event_names[e] : "?";
}

/* All change of state, with each state's deadline. */
static void
set_state(struct b2bua *m, enum b2bua_state to, uint64_t now)
{
	static const uint64_t limit[B2BUA_STATE_N] = {
		[B2BUA_TRYING] = B2BUA_RING_US,  [B2BUA_RINGING] = B2BUA_RING_US,
		[B2BUA_ANSWERED] = B2BUA_ACK_US, [B2BUA_CANCELING] = B2BUA_CANCEL_US,
		[B2BUA_ENDING] = B2BUA_BYE_US,
	};

	m->state = to;
	m->due = limit[to] ? now + limit[to] : UINT64_MAX;
}

static unsigned
end_now(struct b2bua *m, unsigned actions, uint64_t now)
{
	set_state(m, B2BUA_ENDED, now);
	return actions | B2BUA_DO_CLOSE_MEDIA | B2BUA_DO_END;
}

/* BYE to the legs named by the bits; then wait for whatever BYE is out. */
static unsigned
end_legs(struct b2bua *m, unsigned byes, uint64_t now)
{
	m->wait_a = m->wait_a || (byes & B2BUA_DO_BYE_A);
	m->wait_b = m->wait_b || (byes & B2BUA_DO_BYE_B);
	if (!m->wait_a && !m->wait_b)
		return end_now(m, byes, now);
	set_state(m, B2BUA_ENDING, now);
	return byes | B2BUA_DO_CLOSE_MEDIA;
}

static unsigned
cancel_b(struct b2bua *m, uint64_t now)
{
	set_state(m, B2BUA_CANCELING, now);
	return B2BUA_DO_REJECT_A | B2BUA_DO_CANCEL_B | B2BUA_DO_CLOSE_MEDIA;
}

static unsigned
step_idle(struct b2bua *m, enum b2bua_event ev, uint64_t now)
{
	switch (ev) {
	case B2BUA_EV_START:
		set_state(m, B2BUA_TRYING, now);
		return B2BUA_DO_TRY;
	case B2BUA_EV_RESTORE:
		set_state(m, B2BUA_UP, now);
		return 0;
	case B2BUA_EV_RESTORE_LOST:
		return end_legs(m, B2BUA_DO_BYE_A | B2BUA_DO_BYE_B, now);
	case B2BUA_EV_FAIL:
	case B2BUA_EV_STOP:
		return end_now(m, B2BUA_DO_REJECT_A, now);
	case B2BUA_EV_PROVISIONAL:
	case B2BUA_EV_ANSWER:
	case B2BUA_EV_ANSWER_OFFER:
	case B2BUA_EV_BAD_ANSWER:
	case B2BUA_EV_FAIL_NEXT:
	case B2BUA_EV_CANCEL:
	case B2BUA_EV_ACK:
	case B2BUA_EV_BAD_ACK:
	case B2BUA_EV_BYE_A:
	case B2BUA_EV_BYE_B:
	case B2BUA_EV_DONE_A:
	case B2BUA_EV_DONE_B:
	case B2BUA_EV_DUE:
	case B2BUA_EVENT_N:
		break;
	}
	return 0;
}

/* TRYING and RINGING differ only in that another target may still be tried. */
static unsigned
step_setup(struct b2bua *m, enum b2bua_event ev, uint64_t now)
{
	switch (ev) {
	case B2BUA_EV_PROVISIONAL:
		if (m->state == B2BUA_TRYING)
			set_state(m, B2BUA_RINGING, now);
		return B2BUA_DO_RING;
	case B2BUA_EV_ANSWER:
		set_state(m, B2BUA_ANSWERED, now);
		return B2BUA_DO_ACK_B | B2BUA_DO_ANSWER;
	case B2BUA_EV_ANSWER_OFFER:
		set_state(m, B2BUA_ANSWERED, now);
		m->owes_ack = true;
		return B2BUA_DO_ANSWER;
	case B2BUA_EV_BAD_ANSWER:
		return B2BUA_DO_ACK_B | B2BUA_DO_REJECT_A | end_legs(m, B2BUA_DO_BYE_B, now);
	case B2BUA_EV_FAIL_NEXT:
		set_state(m, B2BUA_TRYING, now);
		return B2BUA_DO_TRY;
	case B2BUA_EV_FAIL:
		return end_now(m, B2BUA_DO_REJECT_A, now);
	case B2BUA_EV_CANCEL:
	case B2BUA_EV_STOP:
	case B2BUA_EV_DUE:
	case B2BUA_EV_BYE_A: /* an early dialog may be ended by BYE (RFC 3261 15) */
		return cancel_b(m, now);
	case B2BUA_EV_START:
	case B2BUA_EV_ACK:
	case B2BUA_EV_BAD_ACK:
	case B2BUA_EV_BYE_B:
	case B2BUA_EV_DONE_A:
	case B2BUA_EV_DONE_B:
	case B2BUA_EV_RESTORE:
	case B2BUA_EV_RESTORE_LOST:
	case B2BUA_EVENT_N:
		break;
	}
	return 0;
}

/* The ACK that B still waits for: before anything else goes there. */
static unsigned
pay_ack(struct b2bua *m)
{
	unsigned owed = m->owes_ack ? B2BUA_DO_ACK_B : 0;

	m->owes_ack = false;
	return owed;
}

static unsigned
step_answered(struct b2bua *m, enum b2bua_event ev, uint64_t now)
{
	unsigned bye_b = m->end_on_ack ? 0 : B2BUA_DO_BYE_B;

	switch (ev) {
	case B2BUA_EV_ACK:
		if (m->end_on_ack)
			return end_legs(m, B2BUA_DO_BYE_A, now);
		set_state(m, B2BUA_UP, now);
		return pay_ack(m);
	case B2BUA_EV_BAD_ACK:
		return pay_ack(m) | end_legs(m, B2BUA_DO_BYE_A | bye_b, now);
	case B2BUA_EV_BYE_A:
		return pay_ack(m) | end_legs(m, bye_b, now);
	case B2BUA_EV_BYE_B:
		m->end_on_ack = true;
		m->wait_b = false;
		return pay_ack(m) | B2BUA_DO_CLOSE_MEDIA;
	case B2BUA_EV_STOP:
		if (m->end_on_ack)
			return 0;
		m->end_on_ack = true;
		m->wait_b = true;
		return pay_ack(m) | B2BUA_DO_BYE_B | B2BUA_DO_CLOSE_MEDIA;
	case B2BUA_EV_DONE_B:
		m->wait_b = false;
		return 0;
	case B2BUA_EV_DUE:
		return pay_ack(m) | end_legs(m, B2BUA_DO_BYE_A | bye_b, now);
	case B2BUA_EV_START:
	case B2BUA_EV_PROVISIONAL:
	case B2BUA_EV_ANSWER:
	case B2BUA_EV_ANSWER_OFFER:
	case B2BUA_EV_BAD_ANSWER:
	case B2BUA_EV_FAIL_NEXT:
	case B2BUA_EV_FAIL:
	case B2BUA_EV_CANCEL:
	case B2BUA_EV_DONE_A:
	case B2BUA_EV_RESTORE:
	case B2BUA_EV_RESTORE_LOST:
	case B2BUA_EVENT_N:
		break;
	}
	return 0;
}

static unsigned
step_up(struct b2bua *m, enum b2bua_event ev, uint64_t now)
{
	switch (ev) {
	case B2BUA_EV_BYE_A:
		return end_legs(m, B2BUA_DO_BYE_B, now);
	case B2BUA_EV_BYE_B:
		return end_legs(m, B2BUA_DO_BYE_A, now);
	case B2BUA_EV_STOP:
		return end_legs(m, B2BUA_DO_BYE_A | B2BUA_DO_BYE_B, now);
	case B2BUA_EV_START:
	case B2BUA_EV_PROVISIONAL:
	case B2BUA_EV_ANSWER:
	case B2BUA_EV_ANSWER_OFFER:
	case B2BUA_EV_BAD_ANSWER:
	case B2BUA_EV_FAIL_NEXT:
	case B2BUA_EV_FAIL:
	case B2BUA_EV_CANCEL:
	case B2BUA_EV_ACK:
	case B2BUA_EV_BAD_ACK:
	case B2BUA_EV_DONE_A:
	case B2BUA_EV_DONE_B:
	case B2BUA_EV_DUE:
	case B2BUA_EV_RESTORE:
	case B2BUA_EV_RESTORE_LOST:
	case B2BUA_EVENT_N:
		break;
	}
	return 0;
}

static unsigned
step_canceling(struct b2bua *m, enum b2bua_event ev, uint64_t now)
{
	switch (ev) {
	case B2BUA_EV_FAIL:
	case B2BUA_EV_FAIL_NEXT:
	case B2BUA_EV_DUE:
		return end_now(m, 0, now);
	case B2BUA_EV_ANSWER:
	case B2BUA_EV_ANSWER_OFFER:
	case B2BUA_EV_BAD_ANSWER: /* it crossed our CANCEL */
		return B2BUA_DO_ACK_B | end_legs(m, B2BUA_DO_BYE_B, now);
	case B2BUA_EV_START:
	case B2BUA_EV_PROVISIONAL:
	case B2BUA_EV_CANCEL:
	case B2BUA_EV_ACK:
	case B2BUA_EV_BAD_ACK:
	case B2BUA_EV_BYE_A:
	case B2BUA_EV_BYE_B:
	case B2BUA_EV_DONE_A:
	case B2BUA_EV_DONE_B:
	case B2BUA_EV_STOP:
	case B2BUA_EV_RESTORE:
	case B2BUA_EV_RESTORE_LOST:
	case B2BUA_EVENT_N:
		break;
	}
	return 0;
}

static unsigned
step_ending(struct b2bua *m, enum b2bua_event ev, uint64_t now)
{
	switch (ev) {
	case B2BUA_EV_DONE_A:
	case B2BUA_EV_BYE_A: /* crossed ours: that leg is over */
		m->wait_a = false;
		break;
	case B2BUA_EV_DONE_B:
	case B2BUA_EV_BYE_B:
		m->wait_b = false;
		break;
	case B2BUA_EV_DUE:
		m->wait_a = m->wait_b = false;
		break;
	case B2BUA_EV_START:
	case B2BUA_EV_PROVISIONAL:
	case B2BUA_EV_ANSWER:
	case B2BUA_EV_ANSWER_OFFER:
	case B2BUA_EV_BAD_ANSWER:
	case B2BUA_EV_FAIL_NEXT:
	case B2BUA_EV_FAIL:
	case B2BUA_EV_CANCEL:
	case B2BUA_EV_ACK:
	case B2BUA_EV_BAD_ACK:
	case B2BUA_EV_STOP:
	case B2BUA_EV_RESTORE:
	case B2BUA_EV_RESTORE_LOST:
	case B2BUA_EVENT_N:
		return 0;
	}
	return m->wait_a || m->wait_b ? 0 : end_now(m, 0, now);
}

unsigned
b2bua_step(struct b2bua *m, enum b2bua_event ev, uint64_t now)
{
	switch (m->state) {
	case B2BUA_IDLE:
		return step_idle(m, ev, now);
	case B2BUA_TRYING:
	case B2BUA_RINGING:
		return step_setup(m, ev, now);
	case B2BUA_ANSWERED:
		return step_answered(m, ev, now);
	case B2BUA_UP:
		return step_up(m, ev, now);
	case B2BUA_CANCELING:
		return step_canceling(m, ev, now);
	case B2BUA_ENDING:
		return step_ending(m, ev, now);
	case B2BUA_ENDED:
	case B2BUA_STATE_N:
		break;
	}
	return 0;
}
