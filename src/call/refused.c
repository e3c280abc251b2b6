#include "call/refused.h"

#include <stdio.h>

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
	const struct record_leg *a = &c->rec.leg[LEG_A], *b = &c->rec.leg[LEG_B];
	uint64_t left_out;

	if (!guard_may_log(&c->owner->guard, GUARD_REFUSED, c->owner->now, &left_out))
		return;
	log_warn("call.refused", "id=%s account=%s trunk=%s from=%s to=%s reason=%s why=%s",
		 c->rec.id.z, a->account.z[0] ? a->account.z : b->account.z, a->trunk.z,
		 c->rec.from_received, c->rec.to_received, refusal_name(r),
		 why[0] ? why : refusal_text(r));
	if (left_out)
		log_warn("call.left_out", "%llu lines about refused calls left out",
			 (unsigned long long)left_out);
}

/* Its record, with what m says in it; NULL: there is no room, or no trunk. */
static struct call *
begin_record(struct calls *cs, const struct sip_msg *m, const struct edge_source *src)
{
	uint32_t slot = UINT32_MAX;
	struct call *c;

	if (cs->snap && src->trunk != POLICY_NONE)
		slot = cs->ops.do_slot(cs->ops.arg, 0);
	c = slot == UINT32_MAX ? NULL : create_call(cs, slot);
	if (!c)
		return NULL;
	metric_add(METRIC_calls_total, 1);
	metric_add(METRIC_calls_refused, 1);
	create_record(c, src);
	c->rec.exempt = true;
	(void)!admit_unread(c, m, src);
	return c;
}

static void
end_record(struct call *c, enum refusal r, const char *why)
{
	refused_log(c, r, why);
	act_note_refusal(c, r, why);
	act_note_end(c, ENDER_POSTERN, c->fail_status, c->fail_q850, r);
	sos_failed(c);
	act_finish(c);
}

void
refused_sos(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
	    enum refusal r, const char *why, const struct id *of)
{
	struct call *c = begin_record(cs, m, src);
	uint64_t left_out;

	if (!c) {
		if (guard_may_log(&cs->guard, GUARD_REFUSED, cs->now, &left_out))
			log_error("call.emergency",
				  "account=%s refused: %s; %s; left out %llu lines",
				  src->account_id.z, why,
				  cs->snap && src->trunk != POLICY_NONE
					  ? "no room for its record"
					  : "no record: no trunk of the account is where it came",
				  (unsigned long long)left_out);
		return;
	}
	if (of)
		c->rec.transfer_of = *of;
	end_record(c, r, why);
}

static void
keep_cut(char *dst, size_t cap, struct str s)
{
	(void)!str_copyz(dst, cap, str_sub(s, 0, cap - 1));
}

/* Of nobody's account: no record can be of it, but somebody hears of it. */
static void
tell_nobodys(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
	     struct call_guest *out)
{
	static struct call_record rec; /* large, and only needed here */

	rec = (struct call_record){.class = CLASS_EMERGENCY};
	rec.id = out->id = id_new(cs->conf.node, cs->conf.worker);
	keep_cut(rec.to_received, sizeof(rec.to_received),
		 sip_uri_is_sos(&m->uri) ? m->uri_text : m->uri.user);
	keep_cut(rec.from_received, sizeof(rec.from_received), m->from.uri.user);
	metric_add(METRIC_calls_emergency, 1);
	metric_add(METRIC_calls_emergency_refused, 1);
	cs->ops.do_note(cs->ops.arg, &rec.id, REFUSAL_EMERGENCY, m, src);
	cs->ops.do_emergency(cs->ops.arg, &rec, "refused: it came over TLS", CALL_HELP_REFUSED);
}

void
refused_guest(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
	      struct call_guest *out)
{
	struct call *c = begin_record(cs, m, src);
	const struct snapshot_view *v = cs->snap;
	char why[CALL_WHY_MAX] = "";

	*out = (struct call_guest){.status = ACCOUNT_EMERGENCY_STATUS,
				   .q850 = refusal_q850(REFUSAL_EMERGENCY)};
	if (c) {
		(void)sos_admit(c, src, src->account, why);
		out->status = c->status;
		out->id = c->rec.id;
		if (out->status < 400)
			keep_cut(out->contact, sizeof(out->contact),
				 snapshot_text(v, v->account[src->account].emergency_target));
		end_record(c, REFUSAL_EMERGENCY, why);
	} else {
		tell_nobodys(cs, m, src, out);
	}
	(void)snprintf(out->why, sizeof(out->why), "%s",
		       why[0] ? why : refusal_text(REFUSAL_EMERGENCY));
}
