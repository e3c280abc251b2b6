#include "call/begin.h"

#include <stdio.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "call/act.h"
#include "call/admit.h"
#include "call/create.h"
#include "call/negotiate.h"
#include "call/outside.h"
#include "call/parts.h"
#include "call/refused.h"
#include "call/replace.h"
#include "call/ring.h"
#include "call/row.h"
#include "call/sos.h"

/* Everything that may say no before a target is tried. */
static enum refusal
prepare_call(struct call *c, const struct sip_msg *m, const struct edge_source *src,
	     char why[CALL_WHY_MAX])
{
	char tag[CALL_TAG_CHARS + 1];
	const char *body_why = "";
	enum refusal r = admit_invite(c, m, src, why);
	enum err e;

	if (r != REFUSAL_NONE)
		return r;
	random_token(tag, CALL_TAG_CHARS);
	e = sip_dialog_accept(m, str_from(tag), false, &c->rec.leg[LEG_A].dialog);
	if (e != ERR_OK && c->rec.class == CLASS_EMERGENCY)
		e = sos_dialog(c, m, str_from(tag), e);
	if (e != ERR_OK) {
		(void)snprintf(why, CALL_WHY_MAX,
			       "the INVITE makes no dialog (Contact, "
			       "Record-Route): %s",
			       err_text(e));
		return REFUSAL_SDP;
	}
	act_hash_leg(c, LEG_A);
	c->late = parts_alone(c, m);
	ring_begin(c, m);
	r = parts_judge(c, m, &body_why);
	if (r == REFUSAL_NONE && !c->late)
		r = negotiate_offer(c, LEG_A, m, c->leg[LEG_A].invite, &body_why);
	if (r == REFUSAL_NONE)
		r = row_port(c, LEG_A, src->trunk);
	else
		(void)snprintf(why, CALL_WHY_MAX, "%s", body_why);
	return r;
}

static void
new_call(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
	 const struct edge_source *src)
{
	char why[CALL_WHY_MAX] = "";
	bool exempt = sos_is_exempt(cs, m, src);
	uint32_t spare = sos_spare(cs, exempt, src);
	bool room = cs->snap && pool_used(&cs->pool) < cs->conf.max_calls + spare;
	uint32_t slot = room ? cs->ops.do_slot(cs->ops.arg, CALL_SPARE - spare) : UINT32_MAX;
	struct call *c = slot == UINT32_MAX ? NULL : create_call(cs, slot);
	enum refusal r;

	if (!c) {
		metric_add(METRIC_calls_refused, 1);
		outside_refuse(cs, txn, m, src, REFUSAL_NO_RECORD);
		return;
	}
	metric_add(METRIC_calls_total, 1);
	create_record(c, src);
	c->rec.exempt = exempt;
	c->leg[LEG_A].invite = txn;
	leg_note_allow(c, LEG_A, m);
	cs->ops.do_set_user(cs->ops.arg, txn, &c->leg[LEG_A].u_invite);
	r = prepare_call(c, m, src, why);
	if (r == REFUSAL_NONE) {
		log_info("call.begin", "id=%s account=%s trunk=%s from=%s to=%s class=%s",
			 c->rec.id.z, c->rec.leg[LEG_A].account.z, c->rec.leg[LEG_A].trunk.z,
			 c->rec.from_received, c->rec.to_received,
			 policy_class_name((enum policy_class)c->rec.class));
		act_event(c, B2BUA_EV_START, m);
		return;
	}
	metric_add(METRIC_calls_refused, 1);
	refused_log(c, r, why);
	act_note_refusal(c, r, why);
	act_event(c, B2BUA_EV_FAIL, m);
}

void
begin_invite(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
	     const struct edge_source *src)
{
	if (replace_is_meant(cs, m, src))
		replace_invite(cs, txn, m, src);
	else
		new_call(cs, txn, m, src);
}
