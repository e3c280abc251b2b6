#include "call/sos.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "sip/hdr.h"

/* ---- the call back ---- */

static bool
is_callback(const struct sip_msg *m)
{
	return str_ieqz(sip_msg_value(m, SIP_H_PRIORITY), "psap-callback");
}

/* Did this number, or where the call says so, did its account call for help lately? */
static bool
may_call_back(const struct calls *cs, const struct sip_msg *m, struct str number)
{
	const struct snapshot_view *v = cs->snap;
	uint32_t t = snapshot_number_trunk(v, number), a;

	if (emergency_recent(&cs->emergency, EMERGENCY_NUMBER, number, cs->now))
		return true;
	a = t == POLICY_NONE ? POLICY_NONE : v->trunk[t].account;
	return a != POLICY_NONE && is_callback(m) &&
	       emergency_recent(&cs->emergency, EMERGENCY_ACCOUNT,
				snapshot_text(v, v->account[a].id), cs->now);
}

bool
sos_is_called(const struct calls *cs, const struct sip_uri *uri, const struct edge_source *src)
{
	struct number n;

	return src->account_id.z[0] && number_read_uri(&cs->conf.numbers, uri, &n) == ERR_OK &&
	       n.kind == NUMBER_EMERGENCY;
}

bool
sos_is_exempt(const struct calls *cs, const struct sip_msg *m, const struct edge_source *src)
{
	struct number n;

	if (!cs->snap || src->trunk == POLICY_NONE)
		return false;
	if (src->account_id.z[0])
		return sos_is_called(cs, &m->uri, src);
	return number_read_uri(&cs->conf.numbers, &m->uri, &n) == ERR_OK && n.z[0] == '+' &&
	       may_call_back(cs, m, str_from(n.z));
}

uint32_t
sos_spare(const struct calls *cs, bool exempt, const struct edge_source *src)
{
	if (!exempt)
		return 0;
	return src->account_id.z[0] && trunk_encrypts(cs->snap->trunk[src->trunk].security)
		       ? CALL_SPARE / 2
		       : CALL_SPARE;
}

/* ---- the call ---- */

enum refusal
sos_admit(struct call *c, const struct edge_source *src, uint32_t payer, char why[CALL_WHY_MAX])
{
	const struct snapshot_view *v = c->owner->snap;
	uint16_t status = payer == POLICY_NONE ? 0 : v->account[payer].emergency_status;

	c->rec.payer = snapshot_account_id(v, payer);
	if (trunk_is_clear(&v->trunk[src->trunk]))
		return REFUSAL_NONE;
	c->status = status ? status : ACCOUNT_EMERGENCY_STATUS;
	if (c->status < 400)
		(void)snprintf(why, CALL_WHY_MAX,
			       "emergency calls are not carried over TLS and SRTP: call the "
			       "address in Contact");
	return REFUSAL_EMERGENCY;
}

/* Is one of this caller, over this trunk, on its way that had no hops left either? Then it is the
 * same one, gone round. */
static bool
goes_round(const struct call *c)
{
	LIST_EACH(it, &c->owner->live)
	{
		const struct call *o = CONTAINER_OF(it, struct call, node);

		if (o != c && o->last_hop && !o->finished &&
		    strcmp(o->rec.leg[LEG_A].trunk.z, c->rec.leg[LEG_A].trunk.z) == 0 &&
		    strcmp(o->rec.from_received, c->rec.from_received) == 0)
			return true;
	}
	return false;
}

enum refusal
sos_message(struct call *c, const struct sip_msg *m)
{
	static const enum sip_hdr_id ids[] = {SIP_H_REQUIRE, SIP_H_PROXY_REQUIRE};

	c->last_hop = m->max_forwards == 0;
	if (c->last_hop && goes_round(c))
		return REFUSAL_HOPS;
	if (c->last_hop)
		log_warn("call.emergency", "id=%s Max-Forwards is 0: carried all the same",
			 c->rec.id.z);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (sip_msg_hdr(m, ids[i]))
			log_warn("call.emergency", "id=%s %s: carried without what it asks for",
				 c->rec.id.z, sip_hdr_name(ids[i]));
	return REFUSAL_NONE;
}

enum err
sos_dialog(struct call *c, const struct sip_msg *m, struct str tag, enum err broken)
{
	const struct record_leg *a = &c->rec.leg[LEG_A];
	char mem[ADDR_TEXT_MAX + 40];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, "sip:");
	addr_put_ip(&b, &a->remote, true);
	buf_printf(&b, ":%u%s", a->remote.port, a->transport == EDGE_TCP ? ";transport=tcp" : "");
	if (buf_end(&b) != ERR_OK ||
	    sip_dialog_accept_back(m, tag, buf_view(&b), &c->rec.leg[LEG_A].dialog) != ERR_OK)
		return broken;
	log_warn("call.emergency", "id=%s Contact or Record-Route: %s; carried, we answer to %s",
		 c->rec.id.z, err_text(broken), buf_cstr(&b));
	return ERR_OK;
}

void
sos_note(struct call *c)
{
	struct calls *cs = c->owner;

	metric_add(METRIC_calls_emergency, 1);
	/* a refused one takes another way, but the call back may come over us */
	if (c->caller.number[0])
		emergency_note(&cs->emergency, EMERGENCY_NUMBER, str_from(c->caller.number),
			       cs->now);
	emergency_note(&cs->emergency, EMERGENCY_ACCOUNT, str_from(c->rec.leg[LEG_A].account.z),
		       cs->now);
	if (c->rec.payer.z[0])
		emergency_note(&cs->emergency, EMERGENCY_ACCOUNT, str_from(c->rec.payer.z),
			       cs->now);
}

/* ---- what became of it ---- */

/* Did an INVITE go to a target? -1: to none of its addresses, also where that shows later. */
static bool
was_sent(const struct call *c)
{
	for (uint32_t i = 0; i < c->rec.n_targets; i++)
		if (c->rec.target[i].status != -1)
			return true;
	return false;
}

void
sos_carried(const struct call *c)
{
	const struct call_ops *ops = &c->owner->ops;

	if (c->rec.class == CLASS_EMERGENCY && !was_sent(c))
		ops->do_emergency(ops->arg, &c->rec, "carried over a clear trunk",
				  CALL_HELP_CARRIED);
}

/* Should it have been carried, or is its caller not told to take another way? */
static bool
is_lost(const struct call *c, enum refusal r)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t t = v ? snapshot_trunk(v, str_from(c->rec.leg[LEG_A].trunk.z)) : POLICY_NONE;

	if (r == REFUSAL_DIALOG || r == REFUSAL_REFER_OFF)
		return true;
	return r != REFUSAL_EMERGENCY && (t == POLICY_NONE || trunk_is_clear(&v->trunk[t]));
}

void
sos_failed(const struct call *c)
{
	const struct call_ops *ops = &c->owner->ops;
	enum refusal r = (enum refusal)c->rec.refusal;
	char what[CALL_WHY_MAX];

	if (c->rec.class != CLASS_EMERGENCY || was_sent(c))
		return;
	metric_add(METRIC_calls_emergency_refused, 1);
	(void)snprintf(what, sizeof(what), "refused: %.240s",
		       r == REFUSAL_EMERGENCY            ? "it came over TLS"
		       : c->fail_text && c->fail_text[0] ? c->fail_text
							 : refusal_text(r));
	ops->do_emergency(ops->arg, &c->rec, what,
			  is_lost(c, r) ? CALL_HELP_LOST : CALL_HELP_REFUSED);
}
