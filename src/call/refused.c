#include "call/refused.h"

#include "base/guard.h"
#include "base/log.h"
#include "base/metric.h"
#include "call/act.h"
#include "call/admit.h"
#include "call/create.h"
#include "call/sos.h"

void
refused_log(struct call *c, enum refusal r, const char *why)
{
	uint64_t left_out;

	if (!guard_may_log(&c->owner->guard, GUARD_REFUSED, c->owner->now, &left_out))
		return;
	log_warn("call.refused", "id=%s account=%s trunk=%s from=%s to=%s reason=%s why=%s",
		 c->rec.id.z, c->rec.leg[LEG_A].account.z, c->rec.leg[LEG_A].trunk.z,
		 c->rec.from_received, c->rec.to_received, refusal_name(r),
		 why[0] ? why : refusal_text(r));
	if (left_out)
		log_warn("call.left_out", "%llu lines about refused calls left out",
			 (unsigned long long)left_out);
}

void
refused_sos(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
	    enum refusal r, const char *why, const struct id *of)
{
	uint32_t slot = UINT32_MAX;
	uint64_t left_out;
	struct call *c;

	if (cs->snap && src->trunk != POLICY_NONE)
		slot = cs->ops.do_slot(cs->ops.arg, 0);
	c = slot == UINT32_MAX ? NULL : create_call(cs, slot);
	if (!c) {
		if (guard_may_log(&cs->guard, GUARD_REFUSED, cs->now, &left_out))
			log_error("call.emergency",
				  "account=%s refused: %s; no room for its record; left out %llu "
				  "lines",
				  src->account_id.z, why, (unsigned long long)left_out);
		return;
	}
	metric_add(METRIC_calls_total, 1);
	metric_add(METRIC_calls_refused, 1);
	create_record(c, src);
	c->rec.exempt = true;
	if (of)
		c->rec.transfer_of = *of;
	(void)!admit_unread(c, m, src);
	refused_log(c, r, why);
	act_note_refusal(c, r, why);
	act_note_end(c, ENDER_POSTERN, c->fail_status, c->fail_q850, r);
	sos_failed(c);
	act_finish(c);
}
