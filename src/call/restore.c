#include "call/restore.h"

#include "base/log.h"
#include "base/metric.h"
#include "call/act.h"
#include "call/create.h"
#include "call/dtls.h"
#include "call/join.h"
#include "call/mend.h"
#include "call/meter.h"
#include "call/row.h"
#include "call/speak.h"
#include "policy/capacity.h"

enum { RESTORE_HOST_US = 2000000 /* records are taken one by one, all at once */ };

/* What a call in set-up still can be told: its target that nobody waits any more. */
static void
give_up_setup(struct call *c)
{
	const struct record_leg *l = &c->rec.leg[LEG_B];
	/* where the INVITE went, not where the early dialog points */
	struct edge_dest dest = {.trunk = l->trunk,
				 .account = l->account,
				 .transport = (enum edge_transport)l->transport};
	struct edge_txn *txn;
	struct buf b;

	if (!l->branch[0])
		return;
	(void)!str_copyz(dest.branch, sizeof(dest.branch), str_from(l->branch));
	buf_init(&b, c->owner->msg, sizeof(c->owner->msg));
	leg_put_lost_cancel(c, &b);
	speak_store(c);
	if (buf_end(&b) == ERR_OK && c->owner->ops.do_send(c->owner->ops.arg, &dest, SIP_CANCEL,
							   buf_view(&b), NULL, &txn) == ERR_OK)
		c->owner->ops.do_forget(c->owner->ops.arg, txn);
}

/* Do its two parties talk to each other? Not while a transfer was in hand that had begun to. */
static bool
is_whole(const struct call *c)
{
	for (int i = 0; i < CALL_LEGS; i++)
		if (dtls_is_open(c, (enum call_leg_index)i)) /* died in its handshake */
			return false;
	return !c->rec.joining && c->rec.leg[LEG_A].dialog.state != SIP_DIALOG_TERMINATED &&
	       c->rec.leg[LEG_B].dialog.state != SIP_DIALOG_TERMINATED;
}

static void
resume_call(struct call *c)
{
	enum b2bua_state state = (enum b2bua_state)c->rec.state;
	bool sick = c->rec.crashes >= 2; /* in hand at two crashes: set aside */

	if (c->rec.rides) { /* nothing is said any more; it waits for its host, or for that to come
			     */
		c->m.state = B2BUA_ENDED;
		c->finished = true;
		row_close(c);
		c->closing_due = c->owner->now + RESTORE_HOST_US;
		speak_store(c);
		act_arm(c);
		return;
	}
	if (state == B2BUA_UP && !sick && !c->rec.end_us && is_whole(c)) {
		metric_add(METRIC_calls_restored, 1);
		mend_begin(c);
		act_event(c, B2BUA_EV_RESTORE, NULL);
		speak_store(c);
		return;
	}
	log_warn("call.restore", "id=%s state=%s ended: %s", c->rec.id.z, b2bua_state_name(state),
		 sick ? "in hand at two crashes" : "it was not up yet, or ending");
	if (!c->rec.end_us) { /* else the record says already who ended it and why */
		act_note_refusal(c, REFUSAL_RESTARTED, "");
		act_note_end(c, ENDER_POSTERN, refusal_status(REFUSAL_RESTARTED), 41,
			     REFUSAL_RESTARTED);
	}
	if (state == B2BUA_TRYING || state == B2BUA_RINGING || state == B2BUA_CANCELING)
		give_up_setup(c);
	if (c->rec.owes_ack) /* before its BYE */
		speak_ack(c, LEG_B);
	act_event(c,
		  c->rec.answer_us && state != B2BUA_ENDED ? B2BUA_EV_RESTORE_LOST : B2BUA_EV_FAIL,
		  NULL);
}

static void
hold_account(struct call *c, const char *id)
{
	if (id[0])
		(void)!limit_take(&c->owner->limit, LIMIT_ACCOUNT, id, 0, true, &c->hold);
}

/* An account and the one above it, as it is now. */
static void
hold_family(struct call *c, const struct policy_id *id)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t a = v ? snapshot_account(v, str_from(id->z)) : POLICY_NONE;

	hold_account(c, id->z);
	if (a != POLICY_NONE)
		hold_account(c, snapshot_account_id(v, v->account[a].parent_row).z);
}

/* A trunk, and its group as it is now. */
static void
hold_trunk(struct call *c, const struct policy_id *id)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t trunk = v ? snapshot_trunk(v, str_from(id->z)) : POLICY_NONE;

	if (trunk != POLICY_NONE)
		(void)!capacity_take(&c->owner->limit, v, trunk, true, &c->hold);
	else if (id->z[0])
		(void)!limit_take(&c->owner->limit, LIMIT_TRUNK, id->z, 0, true, &c->hold);
}

/* It counts for the limits as it did. */
static void
hold_again(struct call *c)
{
	struct limit *l = &c->owner->limit;

	(void)!limit_take_node(l, true, &c->hold);
	hold_family(c, c->rec.payer.z[0] ? &c->rec.payer : &c->rec.leg[LEG_A].account);
	hold_family(c, &c->rec.leg[LEG_B].account);
	for (int i = 0; i < CALL_LEGS; i++)
		hold_trunk(c, &c->rec.leg[i].trunk);
	meter_restore(c);
}

enum err
calls_restore(struct calls *cs, uint32_t slot, const struct call_record *rec, uint64_t now_us)
{
	struct call *c = create_call(cs, slot);

	cs->now = now_us;
	if (!c)
		return ERR_NOMEM;
	c->rec = *rec;
	c->rec.restored = 1;
	act_end_setup(c);
	for (int i = 0; i < CALL_LEGS; i++) {
		struct record_leg *l = &c->rec.leg[i];

		l->conn = 0; /* connections died with the earlier life */
		if (l->media.slot >= cs->n_media)
			l->media_open = 0; /* of another plan of ports */
		if (l->media_open)
			cs->by_media[l->media.slot] = c;
		if (l->video.media.slot >= cs->n_media)
			l->video.open = 0;
		if (l->video.open)
			cs->by_media[l->video.media.slot] = c;
		if (l->session_on)
			session_set(&c->leg[i].session, l->session_s, l->session_ours, now_us);
		if (l->dialog.version)
			act_hash_leg(c, (enum call_leg_index)i);
	}
	row_restore(c);
	hold_again(c);
	join_restore(c);
	resume_call(c);
	return ERR_OK;
}
