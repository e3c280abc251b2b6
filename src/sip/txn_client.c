#include "sip/txn_client.h"

/* All entry actions. Returns what entering the state itself asks for. */
static unsigned
set_state(struct txn *t, enum txn_state next, uint64_t now)
{
	uint64_t linger;

	t->state = next;
	switch (next) {
	case TXN_CALLING: /* timers A and B */
	case TXN_TRYING:  /* timers E and F */
		t->interval = t->times.t1_us;
		t->resend_at = t->reliable ? TIMER_NEVER : now + t->interval;
		if (now + txn_life_us(t) < t->expire_at) /* else it goes on: txn_client_goes_on */
			t->expire_at = now + txn_life_us(t);
		return 0;
	case TXN_PROCEEDING:
		if (t->kind == TXN_CLIENT_INVITE)
			t->resend_at = t->expire_at = TIMER_NEVER;
		else
			t->interval = t->times.t2_us; /* E runs on; F too */
		return 0;
	case TXN_ACCEPTED: /* timer M: other forks may still answer */
		t->resend_at = TIMER_NEVER;
		t->expire_at = now + txn_life_us(t);
		return 0;
	case TXN_COMPLETED: /* timers D and K: copies of the final response may still come */
		if (t->reliable)
			return set_state(t, TXN_TERMINATED, now);
		linger = t->times.t4_us;
		if (t->kind == TXN_CLIENT_INVITE)
			linger = txn_life_us(t) > TXN_D_MIN_US ? txn_life_us(t) : TXN_D_MIN_US;
		t->resend_at = TIMER_NEVER;
		t->expire_at = now + linger;
		return 0;
	case TXN_TERMINATED:
		t->resend_at = t->expire_at = TIMER_NEVER;
		return TXN_DO_END;
	case TXN_NEW:
	case TXN_CONFIRMED:
	case TXN_STATE_N:
		break;
	}
	return 0;
}

/* CANCEL leaves now; without a final response within 64*T1 the INVITE counts as dead (9.1). */
static unsigned
begin_cancel(struct txn *t, uint64_t now)
{
	t->cancel = TXN_CANCEL_SENT;
	t->expire_at = now + txn_life_us(t);
	return TXN_DO_SEND_CANCEL;
}

static unsigned
begin_proceeding(struct txn *t, uint64_t now)
{
	unsigned todo = TXN_DO_PASS_UP | set_state(t, TXN_PROCEEDING, now);

	if (t->cancel == TXN_CANCEL_WANTED)
		todo |= begin_cancel(t, now);
	return todo;
}

/* due is reached: the deadline of the state, or else A, E: another copy. */
static unsigned
run_timer(struct txn *t, unsigned at_end, uint64_t cap_us, uint64_t now)
{
	if (now >= t->expire_at)
		return at_end | set_state(t, TXN_TERMINATED, now);
	txn_next_copy(t, cap_us, now);
	return TXN_DO_SEND_REQUEST;
}

static unsigned
calling_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (ev) {
	case TXN_EV_TIMER:
		return run_timer(t, TXN_DO_TIMEOUT, UINT64_MAX, now);
	case TXN_EV_100:
	case TXN_EV_1XX:
		return begin_proceeding(t, now);
	case TXN_EV_2XX:
		return TXN_DO_PASS_UP | set_state(t, TXN_ACCEPTED, now);
	case TXN_EV_408:
	case TXN_EV_3XX_6XX:
		return TXN_DO_SEND_ACK | TXN_DO_PASS_UP | set_state(t, TXN_COMPLETED, now);
	case TXN_EV_CANCEL:
		t->cancel = TXN_CANCEL_WANTED;
		return 0;
	case TXN_EV_ERROR:
		return TXN_DO_TRANSPORT_ERROR | set_state(t, TXN_TERMINATED, now);
	case TXN_EV_START:
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_N:
		break;
	}
	return 0;
}

static unsigned
invite_proceeding_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (ev) {
	case TXN_EV_TIMER: /* only after CANCEL */
		return run_timer(t, TXN_DO_TIMEOUT, UINT64_MAX, now);
	case TXN_EV_100:
	case TXN_EV_1XX:
		return TXN_DO_PASS_UP;
	case TXN_EV_2XX:
		return TXN_DO_PASS_UP | set_state(t, TXN_ACCEPTED, now);
	case TXN_EV_408:
	case TXN_EV_3XX_6XX:
		return TXN_DO_SEND_ACK | TXN_DO_PASS_UP | set_state(t, TXN_COMPLETED, now);
	case TXN_EV_CANCEL:
		return t->cancel == TXN_CANCEL_SENT ? 0 : begin_cancel(t, now);
	case TXN_EV_START:
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_ERROR: /* nothing of ours was under way */
	case TXN_EV_N:
		break;
	}
	return 0;
}

static unsigned
invite_completed_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (ev) {
	case TXN_EV_TIMER:
		return run_timer(t, 0, UINT64_MAX, now);
	case TXN_EV_408:
	case TXN_EV_3XX_6XX: /* our ACK was lost */
		return TXN_DO_SEND_ACK | TXN_DO_ABSORB;
	case TXN_EV_100:
	case TXN_EV_1XX:
	case TXN_EV_2XX:
		return TXN_DO_ABSORB;
	case TXN_EV_ERROR:
		return TXN_DO_TRANSPORT_ERROR | set_state(t, TXN_TERMINATED, now);
	case TXN_EV_START:
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_CANCEL:
	case TXN_EV_N:
		break;
	}
	return 0;
}

/* RFC 6026 7.2: every 2xx goes up, of this fork or another; the TU sends the ACK. */
static unsigned
accepted_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (ev) {
	case TXN_EV_TIMER:
		return run_timer(t, 0, UINT64_MAX, now);
	case TXN_EV_2XX:
		return TXN_DO_PASS_UP;
	case TXN_EV_100:
	case TXN_EV_1XX:
	case TXN_EV_408:
	case TXN_EV_3XX_6XX:
		return TXN_DO_ABSORB;
	case TXN_EV_START:
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_CANCEL:
	case TXN_EV_ERROR:
	case TXN_EV_N:
		break;
	}
	return 0;
}

static unsigned
invite_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (t->state) {
	case TXN_NEW:
		if (ev != TXN_EV_START)
			return 0;
		return TXN_DO_SEND_REQUEST | set_state(t, TXN_CALLING, now);
	case TXN_CALLING:
		return calling_step(t, ev, now);
	case TXN_PROCEEDING:
		return invite_proceeding_step(t, ev, now);
	case TXN_COMPLETED:
		return invite_completed_step(t, ev, now);
	case TXN_ACCEPTED:
		return accepted_step(t, ev, now);
	case TXN_TERMINATED:
	case TXN_TRYING:
	case TXN_CONFIRMED:
	case TXN_STATE_N:
		break;
	}
	return 0;
}

/* TRYING and PROCEEDING differ only in the distance of the copies. */
static unsigned
waiting_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (ev) {
	case TXN_EV_TIMER:
		return run_timer(t, TXN_DO_TIMEOUT, t->times.t2_us, now);
	case TXN_EV_100:
	case TXN_EV_1XX:
		return TXN_DO_PASS_UP | set_state(t, TXN_PROCEEDING, now);
	case TXN_EV_2XX:
	case TXN_EV_408:
	case TXN_EV_3XX_6XX:
		return TXN_DO_PASS_UP | set_state(t, TXN_COMPLETED, now);
	case TXN_EV_ERROR:
		return TXN_DO_TRANSPORT_ERROR | set_state(t, TXN_TERMINATED, now);
	case TXN_EV_START:
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_CANCEL: /* only an INVITE can be cancelled */
	case TXN_EV_N:
		break;
	}
	return 0;
}

static unsigned
other_completed_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (ev) {
	case TXN_EV_TIMER:
		return run_timer(t, 0, t->times.t2_us, now);
	case TXN_EV_100:
	case TXN_EV_1XX:
	case TXN_EV_2XX:
	case TXN_EV_408:
	case TXN_EV_3XX_6XX:
		return TXN_DO_ABSORB;
	case TXN_EV_START:
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
	case TXN_EV_CANCEL:
	case TXN_EV_ERROR:
	case TXN_EV_N:
		break;
	}
	return 0;
}

static unsigned
other_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (t->state) {
	case TXN_NEW:
		if (ev != TXN_EV_START)
			return 0;
		return TXN_DO_SEND_REQUEST | set_state(t, TXN_TRYING, now);
	case TXN_TRYING:
	case TXN_PROCEEDING:
		return waiting_step(t, ev, now);
	case TXN_COMPLETED:
		return other_completed_step(t, ev, now);
	case TXN_TERMINATED:
	case TXN_CALLING:
	case TXN_ACCEPTED:
	case TXN_CONFIRMED:
	case TXN_STATE_N:
		break;
	}
	return 0;
}

unsigned
txn_client_step(struct txn *t, enum txn_event ev, uint64_t now_us)
{
	unsigned todo;

	if (ev == TXN_EV_TIMER && now_us < t->due)
		return 0;
	todo = t->kind == TXN_CLIENT_INVITE ? invite_step(t, ev, now_us)
					    : other_step(t, ev, now_us);
	txn_set_due(t, now_us);
	return todo;
}

bool
txn_client_unheard(const struct txn *t)
{
	return t->state == (t->kind == TXN_CLIENT_INVITE ? TXN_CALLING : TXN_TRYING);
}

void
txn_client_goes_on(struct txn *t, uint64_t until_us)
{
	t->expire_at = until_us;
}

void
txn_client_quiet(struct txn *t, uint64_t now_us)
{
	if (!txn_client_unheard(t))
		return;
	t->resend_at = TIMER_NEVER;
	txn_set_due(t, now_us);
}

enum txn_may_cancel
txn_client_may_cancel(const struct txn *t)
{
	if (t->kind != TXN_CLIENT_INVITE || t->cancel != TXN_CANCEL_NONE)
		return TXN_CANCEL_NEVER;
	if (t->state == TXN_PROCEEDING)
		return TXN_CANCEL_NOW;
	return t->state == TXN_CALLING ? TXN_CANCEL_LATER : TXN_CANCEL_NEVER;
}
