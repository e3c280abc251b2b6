#include "call/due.h"

#include "call/act.h"
#include "call/called.h"
#include "call/inside.h"
#include "call/join.h"
#include "call/mend.h"
#include "call/meter.h"
#include "call/modify.h"
#include "call/refer.h"
#include "call/renew.h"
#include "call/ring.h"
#include "call/speak.h"

/* One whose leg talks in another call: what it uses is counted as before. */
static void
ride_on(struct call *c)
{
	enum refusal r = meter_next(c) <= c->owner->now ? meter_due(c) : REFUSAL_NONE;

	speak_store(c);
	if (r != REFUSAL_NONE && !c->host->finished)
		act_stop(c->host, r); /* it goes with it */
	else
		act_arm(c);
}

/* One that has ended: it rides, or its record goes now. */
static void
finished_due(struct call *c)
{
	if (c->host) {
		ride_on(c);
		return;
	}
	if (join_is_orphan(c)) {
		c->owner->n_orphans--;
		act_note_end(c, ENDER_POSTERN, 200, 41, REFUSAL_RESTARTED);
	}
	act_finish(c);
}

void
due_on(struct timer *t, uint64_t now)
{
	struct call *c = CONTAINER_OF(t, struct call, timer);

	c->owner->now = now;
	if (c->finished) {
		finished_due(c);
		return;
	}
	if (c->ok.due <= now && sip_ok_retrans_step(&c->ok, now) == SIP_OK_SEND && c->ok_txn)
		c->owner->ops.do_respond_again(c->owner->ops.arg, c->ok_txn);
	if (ring_ready(c)) {
		called_release(c);
		return;
	}
	if (c->ring.again.due <= now) {
		inside_end_for(c, ring_due(c));
		return;
	}
	if (c->m.state == B2BUA_UP && (session_due(&c->leg[LEG_A].session) <= now ||
				       session_due(&c->leg[LEG_B].session) <= now)) {
		inside_end_for(c, modify_refresh(c));
		return;
	}
	if (c->m.state == B2BUA_UP && c->renew.at <= now) {
		inside_end_for(c, renew_due(c));
		return;
	}
	if (c->m.state == B2BUA_UP && c->transfer.at <= now) {
		refer_due(c);
		act_arm(c);
		return;
	}
	if (c->m.state == B2BUA_UP && c->rekey_at <= now) {
		modify_rekey_due(c);
		act_arm(c);
		return;
	}
	if (c->m.state == B2BUA_UP && c->mend_at <= now) {
		mend_due(c);
		act_arm(c);
		return;
	}
	if (c->change.m.due <= now) {
		inside_end_for(c, modify_due(c));
		return;
	}
	if (meter_next(c) <= now) {
		enum refusal r = meter_due(c);

		speak_store(c);
		if (r != REFUSAL_NONE)
			act_stop(c, r);
		else
			act_arm(c);
		return;
	}
	if (c->m.due > now) {
		act_arm(c);
		return;
	}
	if (c->m.state == B2BUA_TRYING || c->m.state == B2BUA_RINGING) {
		act_note_refusal(c, REFUSAL_NO_ANSWER, "");
		act_note_end(c, ENDER_POSTERN, 480, 19, REFUSAL_NO_ANSWER);
	} else if (c->m.state == B2BUA_ANSWERED) {
		act_note_refusal(c, REFUSAL_NO_ACK, "");
		act_note_end(c, ENDER_POSTERN, 408, 102, REFUSAL_NO_ACK);
	}
	act_event(c, B2BUA_EV_DUE, NULL);
}
