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

/* Its record, with what m says in it; NULL: there is no room, or no trunk. Half of what is kept for
 * calls for help is for those that are carried. */
static struct call *
begin_record(struct calls *cs, const struct sip_msg *m, const struct edge_source *src)
{
	uint32_t slot = UINT32_MAX;
	struct call *c;

	if (cs->snap && src->trunk != POLICY_NONE)
		slot = cs->ops.do_slot(cs->ops.arg, CALL_SPARE / 2);
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

static void
keep_cut(char *dst, size_t cap, struct str s)
{
	(void)!str_copyz(dst, cap, str_sub(s, 0, cap - 1));
}

/* No record can be of it, as it is of nobody's account, or of none that has a trunk, or as there is
 * no room: somebody hears of it all the same. */
static void
tell_unrecorded(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
		enum refusal r, const char *why, struct id *out)
{
	static struct call_record rec; /* large, and only needed here */
	bool lost = src->transport != EDGE_TLS || r == REFUSAL_DIALOG || r == REFUSAL_REFER_OFF;
	char what[CALL_WHY_MAX];

	rec = (struct call_record){.class = CLASS_EMERGENCY};
	rec.id = *out = id_new(cs->conf.node, cs->conf.worker);
	rec.leg[LEG_A].account = src->account_id;
	if (cs->snap && src->trunk != POLICY_NONE)
		rec.leg[LEG_A].trunk = snapshot_trunk_id(cs->snap, src->trunk);
	keep_cut(rec.to_received, sizeof(rec.to_received),
		 sip_uri_is_sos(&m->uri) ? m->uri_text : m->uri.user);
	keep_cut(rec.from_received, sizeof(rec.from_received), m->from.uri.user);
	metric_add(METRIC_calls_emergency, 1);
	metric_add(METRIC_calls_emergency_refused, 1);
	cs->ops.do_note(cs->ops.arg, &rec.id, r, m, src);
	(void)snprintf(what, sizeof(what), "refused: %.200s; it has no CDR", why);
	cs->ops.do_emergency(cs->ops.arg, &rec, what, lost ? CALL_HELP_LOST : CALL_HELP_REFUSED);
}

void
refused_sos(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
	    enum refusal r, const char *why, const struct id *of)
{
	struct call *c = begin_record(cs, m, src);
	struct id id;

	if (!c) {
		tell_unrecorded(cs, m, src, r, why, &id);
		return;
	}
	if (of)
		c->rec.transfer_of = *of;
	end_record(c, r, why);
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
		tell_unrecorded(cs, m, src, REFUSAL_EMERGENCY, "it came over TLS", &out->id);
	}
	(void)snprintf(out->why, sizeof(out->why), "%s",
		       why[0] ? why : refusal_text(REFUSAL_EMERGENCY));
}
