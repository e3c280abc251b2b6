#include "sip/txn_server.h"

/* What a client needs until its timer E has grown to T2 (RFC 4320 4.1): T1 + 2*T1 + 4*T1 .. */
static uint64_t
time_to_t2(const struct txn_times *times)
{
	uint64_t interval = times->t1_us, sum = 0;

	while (interval < times->t2_us) { /* at most 32 rounds: T1 >= 1, T2 < 2^32 */
		sum += interval;
		interval *= 2;
	}
	return sum;
}

/* All entry actions. Returns what entering the state itself asks for. resend_at is the owed 100
 * until the first response, then timer G. */
static unsigned
set_state(struct txn *t, enum txn_state next, uint64_t now)
{
	t->state = next;
	switch (next) {
	case TXN_TRYING:
		t->resend_at = now + time_to_t2(&t->times);
		t->expire_at = now + txn_life_us(t);
		return 0;
	case TXN_PROCEEDING: /* others: the end that TRYING set stays */
		t->resend_at = t->answered ? TIMER_NEVER : now + TXN_TRYING_US;
		return 0;
	case TXN_ACCEPTED: /* timer L */
		t->resend_at = TIMER_NEVER;
		t->expire_at = now + txn_life_us(t);
		return 0;
	case TXN_COMPLETED: /* timers G and H, or J */
		if (t->kind == TXN_SERVER_OTHER && t->reliable)
			return set_state(t, TXN_TERMINATED, now);
		t->interval = t->times.t1_us;
		t->resend_at = TIMER_NEVER;
		if (t->kind == TXN_SERVER_INVITE && !t->reliable)
			t->resend_at = now + t->interval;
		t->expire_at = now + txn_life_us(t);
		return 0;
	case TXN_CONFIRMED: /* timer I */
		if (t->reliable)
			return set_state(t, TXN_TERMINATED, now);
		t->resend_at = TIMER_NEVER;
		t->expire_at = now + t->times.t4_us;
		return 0;
	case TXN_TERMINATED:
		t->resend_at = t->expire_at = TIMER_NEVER;
		return TXN_DO_END;
	case TXN_NEW:
	case TXN_CALLING:
	case TXN_STATE_N:
		break;
	}
	return 0;
}

/* due is reached and the state has no copies to send: its end. */
static unsigned
run_end(struct txn *t, unsigned at_end, uint64_t now)
{
	return at_end | set_state(t, TXN_TERMINATED, now);
}

/* The TU said nothing so far: 100 in its place. */
static unsigned
send_trying(struct txn *t, uint64_t now)
{
	t->answered = true;
	return TXN_DO_SEND_100 | set_state(t, TXN_PROCEEDING, now);
}

static unsigned
send_provisional(struct txn *t, uint64_t now)
{
	t->answered = true;
	return TXN_DO_SEND_RESPONSE | set_state(t, TXN_PROCEEDING, now);
}

static unsigned
send_final(struct txn *t, enum txn_state next, uint64_t now)
{
	t->answered = true;
	return TXN_DO_SEND_RESPONSE | set_state(t, next, now);
}

static unsigned
invite_proceeding_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (ev) {
	case TXN_EV_TIMER:
		return send_trying(t, now);
	case TXN_EV_100:
	case TXN_EV_1XX:
		return send_provisional(t, now);
	case TXN_EV_2XX:
		return send_final(t, TXN_ACCEPTED, now);
	case TXN_EV_408:
	case TXN_EV_3XX_6XX:
		return send_final(t, TXN_COMPLETED, now);
	case TXN_EV_REQUEST:
		if (!t->answered)
			return TXN_DO_ABSORB | send_trying(t, now);
		return TXN_DO_ABSORB | TXN_DO_SEND_RESPONSE;
	case TXN_EV_ACK:
		return TXN_DO_ABSORB;
	case TXN_EV_ERROR:
		return TXN_DO_TRANSPORT_ERROR;
	case TXN_EV_START:
	case TXN_EV_CANCEL:
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
		if (now >= t->expire_at)
			return run_end(t, TXN_DO_TIMEOUT, now);
		txn_next_copy(t, t->times.t2_us, now);
		return TXN_DO_SEND_RESPONSE;
	case TXN_EV_REQUEST:
		return TXN_DO_ABSORB | TXN_DO_SEND_RESPONSE;
	case TXN_EV_ACK:
		return TXN_DO_ABSORB | set_state(t, TXN_CONFIRMED, now);
	case TXN_EV_ERROR:
		return TXN_DO_TRANSPORT_ERROR;
	case TXN_EV_START:
	case TXN_EV_100:
	case TXN_EV_1XX:
	case TXN_EV_2XX:
	case TXN_EV_408:
	case TXN_EV_3XX_6XX:
	case TXN_EV_CANCEL:
	case TXN_EV_N:
		break;
	}
	return 0;
}

static unsigned
confirmed_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (ev) {
	case TXN_EV_TIMER:
		return run_end(t, 0, now);
	case TXN_EV_REQUEST:
	case TXN_EV_ACK:
		return TXN_DO_ABSORB;
	case TXN_EV_START:
	case TXN_EV_100:
	case TXN_EV_1XX:
	case TXN_EV_2XX:
	case TXN_EV_408:
	case TXN_EV_3XX_6XX:
	case TXN_EV_CANCEL:
	case TXN_EV_ERROR:
	case TXN_EV_N:
		break;
	}
	return 0;
}

/* RFC 6026 7.1. An ACK gets here only from a peer whose branches are not unique (RFC 2543). */
static unsigned
accepted_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (ev) {
	case TXN_EV_TIMER:
		return run_end(t, 0, now);
	case TXN_EV_2XX:
		return TXN_DO_SEND_RESPONSE;
	case TXN_EV_REQUEST:
		return TXN_DO_ABSORB;
	case TXN_EV_ACK:
		return TXN_DO_PASS_UP;
	case TXN_EV_ERROR:
		return TXN_DO_TRANSPORT_ERROR;
	case TXN_EV_START:
	case TXN_EV_100:
	case TXN_EV_1XX:
	case TXN_EV_408:
	case TXN_EV_3XX_6XX:
	case TXN_EV_CANCEL:
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
		return TXN_DO_PASS_UP | set_state(t, TXN_PROCEEDING, now);
	case TXN_PROCEEDING:
		return invite_proceeding_step(t, ev, now);
	case TXN_COMPLETED:
		return invite_completed_step(t, ev, now);
	case TXN_CONFIRMED:
		return confirmed_step(t, ev, now);
	case TXN_ACCEPTED:
		return accepted_step(t, ev, now);
	case TXN_TERMINATED:
	case TXN_CALLING:
	case TXN_TRYING:
	case TXN_STATE_N:
		break;
	}
	return 0;
}

static unsigned
trying_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (ev) {
	case TXN_EV_TIMER:
		if (now >= t->expire_at)
			return run_end(t, TXN_DO_TIMEOUT, now);
		return send_trying(t, now);
	case TXN_EV_100: /* too early over UDP: it leaves by itself in time */
		return t->reliable || now >= t->resend_at ? send_provisional(t, now) : 0;
	case TXN_EV_2XX:
	case TXN_EV_3XX_6XX:
		return send_final(t, TXN_COMPLETED, now);
	case TXN_EV_REQUEST:
		return TXN_DO_ABSORB;
	case TXN_EV_1XX: /* RFC 4320 4.1: none but 100 */
	case TXN_EV_408: /* RFC 4320 4.2 */
	case TXN_EV_START:
	case TXN_EV_ACK:
	case TXN_EV_CANCEL:
	case TXN_EV_ERROR:
	case TXN_EV_N:
		break;
	}
	return 0;
}

static unsigned
other_proceeding_step(struct txn *t, enum txn_event ev, uint64_t now)
{
	switch (ev) {
	case TXN_EV_TIMER:
		return run_end(t, TXN_DO_TIMEOUT, now);
	case TXN_EV_100:
		return send_provisional(t, now);
	case TXN_EV_2XX:
	case TXN_EV_3XX_6XX:
		return send_final(t, TXN_COMPLETED, now);
	case TXN_EV_REQUEST:
		return TXN_DO_ABSORB | TXN_DO_SEND_RESPONSE;
	case TXN_EV_ERROR:
		return TXN_DO_TRANSPORT_ERROR;
	case TXN_EV_1XX:
	case TXN_EV_408:
	case TXN_EV_START:
	case TXN_EV_ACK:
	case TXN_EV_CANCEL:
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
		return run_end(t, 0, now);
	case TXN_EV_REQUEST:
		return TXN_DO_ABSORB | TXN_DO_SEND_RESPONSE;
	case TXN_EV_ERROR:
		return TXN_DO_TRANSPORT_ERROR;
	case TXN_EV_START:
	case TXN_EV_100:
	case TXN_EV_1XX:
	case TXN_EV_2XX:
	case TXN_EV_408:
	case TXN_EV_3XX_6XX:
	case TXN_EV_ACK:
	case TXN_EV_CANCEL:
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
		return TXN_DO_PASS_UP | set_state(t, TXN_TRYING, now);
	case TXN_TRYING:
		return trying_step(t, ev, now);
	case TXN_PROCEEDING:
		return other_proceeding_step(t, ev, now);
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
txn_server_step(struct txn *t, enum txn_event ev, uint64_t now_us)
{
	unsigned todo;

	if (ev == TXN_EV_TIMER && now_us < t->due)
		return 0;
	todo = t->kind == TXN_SERVER_INVITE ? invite_step(t, ev, now_us)
					    : other_step(t, ev, now_us);
	txn_set_due(t, now_us);
	return todo;
}

bool
txn_server_cancellable(const struct txn *t)
{
	return t->kind == TXN_SERVER_INVITE && t->state == TXN_PROCEEDING;
}
