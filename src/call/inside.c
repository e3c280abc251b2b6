#include "call/inside.h"

#include "call/act.h"
#include "call/called.h"
#include "call/caller.h"
#include "call/modify.h"
#include "call/onward.h"
#include "call/pass.h"
#include "call/refer.h"
#include "call/replace.h"
#include "call/ring.h"
#include "call/speak.h"

static void
answer(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
       int status, enum refusal r)
{
	speak_plain(c->owner, txn, m, &c->rec.leg[i].remote,
		    &(struct leg_plain){.status = status,
					.warning = r ? refusal_text(r) : "",
					.id = r ? c->rec.id.z : "",
					.allow = leg_allows(c, i)});
}

static void
take_bye(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m)
{
	int q850 = reason_q850_of(m);

	(void)!sip_dialog_step(&c->rec.leg[i].dialog, SIP_DIALOG_EV_BYE);
	if (!refer_waits(c, i)) {
		act_note_end(c, i == LEG_A ? ENDER_CALLER : ENDER_CALLED, 487, q850 ? q850 : 16,
			     REFUSAL_NONE);
		act_note_failure(c, 487, q850, "");
	}
	speak_store(c); /* who ended it */
	answer(c, i, txn, m, 200, REFUSAL_NONE);
	if (refer_takes_bye(c, i)) {
		act_arm(c);
		return;
	}
	act_event(c, i == LEG_A ? B2BUA_EV_BYE_A : B2BUA_EV_BYE_B, m);
}

void
inside_end_for(struct call *c, enum refusal r)
{
	if (r != REFUSAL_NONE && !c->finished) {
		act_stop(c, r);
		return;
	}
	if (c->transfer.joined && c->transfer.replaces && r == REFUSAL_NONE)
		replace_look(c);
	else if (c->transfer.joined && r == REFUSAL_NONE)
		refer_look(c);
	else
		act_arm(c);
}

static void
take_change(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
	    uint32_t last_invite)
{
	enum refusal r = REFUSAL_NONE;

	if (refer_keeps_still(c))
		answer(c, i, txn, m, 491, REFUSAL_PENDING);
	else
		r = modify_request(c, i, txn, m);
	if (c->change.in != txn) { /* refused: its ACK never comes here, an earlier one's may */
		c->rec.leg[i].dialog.remote_invite_cseq = last_invite;
		speak_store(c);
	}
	inside_end_for(c, r);
}

/* The caller's answer to the called side's offer, in its PRACK. */
static enum refusal
take_answer(struct call *c, struct edge_txn *txn, const struct sip_msg *m)
{
	enum refusal r = called_take_prack(c, m);

	answer(c, LEG_A, txn, m, r == REFUSAL_NONE ? 200 : refusal_status(r), r);
	return r;
}

static void
take_prack(struct call *c, struct edge_txn *txn, const struct sip_msg *m)
{
	enum refusal r = REFUSAL_NONE;

	switch (ring_prack(c, txn, m)) {
	case RING_PRACK_DONE:
		break;
	case RING_PRACK_OFFERS:
		r = modify_request(c, LEG_A, txn, m);
		break;
	case RING_PRACK_ANSWERS:
		r = take_answer(c, txn, m);
		break;
	}
	inside_end_for(c, r);
}

void
inside_request(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
	       const struct edge_source *src)
{
	struct sip_dialog *d = &c->rec.leg[i].dialog;
	uint32_t last_invite = d->remote_invite_cseq;
	enum err e = sip_dialog_request(d, m);

	if (e != ERR_OK) {
		answer(c, i, txn, m, e == ERR_EXISTS ? 482 : 500, REFUSAL_CSEQ);
		return;
	}
	if (!leg_has_required(m, false)) {
		d->remote_invite_cseq = last_invite;
		answer(c, i, txn, m, 420, REFUSAL_EXTENSION);
		return;
	}
	if (caller_is_foreign(c->owner, m, src)) {
		d->remote_invite_cseq = last_invite;
		answer(c, i, txn, m, 403, REFUSAL_CALLER);
		return;
	}
	leg_note_allow(c, i, m);
	leg_follow(c, i, src); /* a dialog follows its account to another connection */
	speak_store(c);
	if (m->method == SIP_BYE)
		take_bye(c, i, txn, m);
	else if (m->method == SIP_OPTIONS)
		answer(c, i, txn, m, 200, REFUSAL_NONE);
	else if (m->method == SIP_PRACK && i == LEG_A)
		take_prack(c, txn, m);
	else if (m->method == SIP_INVITE || m->method == SIP_UPDATE)
		take_change(c, i, txn, m, last_invite);
	else if (m->method == SIP_NOTIFY && onward_notify(c, i, txn, m))
		act_arm(c);
	else if (m->method == SIP_INFO || m->method == SIP_MESSAGE || m->method == SIP_NOTIFY)
		pass_request(c, i, txn, m);
	else if (m->method == SIP_REFER)
		refer_request(c, i, txn, m, src);
	else
		answer(c, i, txn, m, m->method == SIP_UNKNOWN ? 501 : 405, REFUSAL_METHOD);
}
