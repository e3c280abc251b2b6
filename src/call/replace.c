#include "call/replace.h"

#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "call/act.h"
#include "call/create.h"
#include "call/join.h"
#include "call/modify.h"
#include "call/outside.h"
#include "call/refer.h"
#include "call/row.h"
#include "call/sos.h"
#include "call/speak.h"
#include "policy/identity.h"

/* What a Replaces says. */
struct named {
	struct str call_id, to, from;
	bool early_only;
};

bool
replace_is_meant(const struct calls *cs, const struct sip_msg *m, const struct edge_source *src)
{
	return sip_msg_hdr(m, SIP_H_REPLACES) && cs->snap && src->trunk != POLICY_NONE &&
	       cs->snap->trunk[src->trunk].refer != TRUNK_REFER_REFUSE &&
	       !sos_is_called(cs, &m->uri, src);
}

/* ---- which leg ---- */

static bool
read_named(const struct sip_msg *m, struct named *out)
{
	struct str value = sip_msg_value(m, SIP_H_REPLACES);
	size_t at = str_find(value, STR(";"));
	struct str params = str_from_at(value, at);
	struct sip_param param;

	if (sip_hdr_count(m, SIP_H_REPLACES) != 1)
		return false;
	out->call_id = str_trim(str_sub(value, 0, at));
	out->to = sip_param_value(params, "to-tag");
	out->from = sip_param_value(params, "from-tag");
	out->early_only = sip_param_find(params, "early-only", &param);
	return out->call_id.len && out->to.len && out->from.len;
}

/* The dialog as its other end sees it: to-tag is ours. Nobody finds one of another account,
 * nor in clear one that is over TLS. */
static struct call *
find_named(struct calls *cs, const struct named *n, const struct edge_source *src,
	   enum call_leg_index *out)
{
	uint64_t h = hash_of(&cs->by_tag, n->to);

	for (struct hash_node *it = hash_first(&cs->by_tag, h); it; it = hash_next(it)) {
		struct call_leg *leg = CONTAINER_OF(it, struct call_leg, by_tag);
		struct call *c = leg->u_invite.call;
		const struct record_leg *l = &c->rec.leg[leg->u_invite.leg];

		if (str_eq(n->call_id, sip_dialog_str(&l->dialog, SIP_DIALOG_CALL_ID)) &&
		    str_eq(n->to, sip_dialog_str(&l->dialog, SIP_DIALOG_LOCAL_TAG)) &&
		    str_eq(n->from, sip_dialog_str(&l->dialog, SIP_DIALOG_REMOTE_TAG)) &&
		    identity_speaks_for(cs->snap, &src->account_id, &l->account) &&
		    leg_hears(c, leg->u_invite.leg, src)) {
			*out = leg->u_invite.leg;
			return c;
		}
	}
	return NULL;
}

/* May this leg be given away now? One that rings may not: nobody can take an answer's place. */
static enum refusal
judge(const struct call *c, const struct named *n)
{
	if (c->m.state != B2BUA_UP)
		return REFUSAL_DIALOG;
	if (c->rec.class == CLASS_EMERGENCY || c->rec.exempt ||
	    c->rec.transfers >= CALL_TRANSFERS_MAX)
		return REFUSAL_REFER_OFF;
	if (n->early_only)
		return REFUSAL_REPLACES_EARLY;
	return refer_is_busy(c) ? REFUSAL_PENDING : REFUSAL_NONE;
}

/* ---- the new leg ---- */

/* Dialog and port of the new leg, in a call of its own. */
static enum refusal
prepare_leg(struct call *n, const struct sip_msg *m, const struct edge_source *src)
{
	char tag[CALL_TAG_CHARS + 1];

	random_token(tag, CALL_TAG_CHARS);
	if (sip_dialog_accept(m, str_from(tag), false, &n->rec.leg[LEG_A].dialog) != ERR_OK)
		return REFUSAL_SDP;
	act_hash_leg(n, LEG_A);
	return row_port(n, LEG_A, src->trunk);
}

static enum refusal
make_call(const struct call *c, enum call_leg_index j, const struct sip_msg *m,
	  const struct edge_source *src, struct call **out)
{
	struct calls *cs = c->owner;
	uint32_t slot = pool_used(&cs->pool) < cs->conf.max_calls
				? cs->ops.do_slot(cs->ops.arg, CALL_SPARE)
				: UINT32_MAX;
	struct call *n = slot == UINT32_MAX ? NULL : create_call(cs, slot);
	enum refusal r;

	if (!n)
		return REFUSAL_NO_RECORD;
	metric_add(METRIC_calls_total, 1);
	create_record(n, src);
	n->rec.class = c->rec.class;
	n->rec.transfer_of = c->rec.id;
	memcpy(n->rec.from_received, c->rec.from_received, sizeof(n->rec.from_received));
	memcpy(n->rec.to_received, c->rec.to_received, sizeof(n->rec.to_received));
	n->near = c->rec.leg[1 - j].media.slot;
	r = prepare_leg(n, m, src);
	if (r == REFUSAL_NONE) {
		*out = n;
		return r;
	}
	metric_add(METRIC_calls_refused, 1);
	act_note_refusal(n, r, "");
	act_event(n, B2BUA_EV_FAIL, NULL);
	return r;
}

/* The legs change places, and the offer goes to the other party. */
static void
take_place(struct call *c, enum call_leg_index j, struct call *n, struct edge_txn *txn,
	   const struct sip_msg *m)
{
	enum refusal r;

	log_info("call.replaces", "id=%s leg=%c by=%s", c->rec.id.z, j == LEG_A ? 'A' : 'B',
		 n->rec.id.z);
	c->transfer = (struct call_transfer){.to = n,
					     .leg = (uint8_t)j,
					     .to_leg = LEG_A,
					     .joined = true,
					     .replaces = true,
					     .quiet = true,
					     .at = TIMER_NEVER};
	n->transfer_for = c;
	c->rec.joining = n->rec.joining = 1;
	act_event(n, B2BUA_EV_RESTORE, NULL); /* it has a leg that is up, in a moment */
	join_swap(c, j, n, LEG_A);
	c->leg[j].left = true; /* no BYE is due before its answer */
	leg_note_allow(c, j, m);
	r = modify_request(c, j, txn, m);
	if (r != REFUSAL_NONE)
		act_stop(c, r);
	else
		replace_look(c);
}

void
replace_invite(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
	       const struct edge_source *src)
{
	enum call_leg_index j = LEG_A;
	struct call *c = NULL, *n = NULL;
	struct named named;
	enum refusal r = REFUSAL_NONE;

	if (!read_named(m, &named))
		r = REFUSAL_REPLACES;
	else if (!leg_has_required(m, true))
		r = REFUSAL_EXTENSION;
	if (r == REFUSAL_NONE) {
		c = find_named(cs, &named, src, &j);
		r = c ? judge(c, &named) : REFUSAL_DIALOG;
	}
	if (r == REFUSAL_NONE)
		r = make_call(c, j, m, src, &n);
	if (r == REFUSAL_NONE)
		take_place(c, j, n, txn, m);
	else
		outside_refuse(cs, txn, m, src, r);
}

/* ---- how it went ---- */

/* The call goes on with the new leg; who was there is told to go, and has the record of its time.
 */
static void
succeed(struct call *c)
{
	struct call *n = c->transfer.to;

	c->transfer.to = NULL;
	c->transfer.joined = false;
	n->transfer_for = NULL;
	c->rec.joining = n->rec.joining = 0;
	c->rec.transfers++;
	n->rec.answer_us = c->rec.answer_us;
	n->rec.answer_mono_us = c->rec.answer_mono_us;
	log_info("call.replaced", "id=%s leg=%c", c->rec.id.z,
		 c->transfer.leg == LEG_A ? 'A' : 'B');
	speak_store(c);
	act_note_end(n, ENDER_POSTERN, 200, 16, REFUSAL_NONE);
	act_event(n, B2BUA_EV_STOP, NULL);
	act_arm(c);
}

void
replace_look(struct call *c)
{
	enum amend_state s = c->change.m.state;

	if (c->leg[c->transfer.leg].agreed)
		succeed(c);
	else if (s == AMEND_NONE)
		refer_undo(c, 488);
	else
		act_arm(c); /* the other party thinks, or the answer is to come in the ACK */
}
