#include "call/admit.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/random.h"
#include "policy/class.h"

/* User part of a URI as text for the record; what does not fit or is broken is left out. */
static void
keep_user(char *dst, size_t cap, const struct sip_uri *uri)
{
	char mem[NUMBER_INPUT_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	dst[0] = 0;
	if (sip_uri_user(uri, &b) == ERR_OK && buf_end(&b) == ERR_OK)
		(void)!str_copyz(dst, cap, str_sub(buf_view(&b), 0, cap - 1));
}

/* Does this number belong to a trunk of another account? (A3) */
static bool
is_anothers(const struct call *c, uint32_t trunk, const struct number *n)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t owner = snapshot_number_trunk(v, str_from(n->z));

	return owner != POLICY_NONE && v->trunk[owner].account != v->trunk[trunk].account;
}

/* From as it is sent on: E.164 where it is a number, else the trunk's default caller or nothing.
 * A customer may not call as a number of another account. */
static enum refusal
choose_caller(struct call *c, uint32_t trunk)
{
	const struct snapshot_view *v = c->owner->snap;
	struct str caller = snapshot_text(v, v->trunk[trunk].caller);
	bool from_customer = c->rec.leg[LEG_A].account.z[0] != 0;
	struct number n;
	bool known =
		number_read(&c->owner->conf.numbers, str_from(c->rec.from_received), &n) == ERR_OK;

	if (known && from_customer && !GUARD(A3, !is_anothers(c, trunk, &n))) {
		if (caller.len == 0)
			return REFUSAL_CALLER;
	} else if (known) {
		caller = str_from(n.z);
	} else if (caller.len == 0) {
		caller = str_from(c->rec.from_received);
	}
	(void)!str_copyz(c->rec.from_sent, sizeof(c->rec.from_sent), caller);
	return REFUSAL_NONE;
}

static enum refusal
check_message(const struct sip_msg *m)
{
	if (m->max_forwards == 0)
		return REFUSAL_HOPS;
	if (sip_msg_hdr(m, SIP_H_REQUIRE) || sip_msg_hdr(m, SIP_H_PROXY_REQUIRE))
		return REFUSAL_EXTENSION;
	return REFUSAL_NONE;
}

static enum refusal
check_number(struct call *c, const struct sip_msg *m)
{
	bool from_customer = c->rec.leg[LEG_A].account.z[0] != 0;

	keep_user(c->rec.to_received, sizeof(c->rec.to_received), &m->uri);
	keep_user(c->rec.from_received, sizeof(c->rec.from_received), &m->from.uri);
	if (number_read_uri(&c->owner->conf.numbers, &m->uri, &c->called) != ERR_OK)
		return REFUSAL_NUMBER;
	c->rec.class = class_of((enum number_kind)c->called.kind, from_customer);
	return c->rec.class == CLASS_EMERGENCY ? REFUSAL_EMERGENCY : REFUSAL_NONE;
}

static enum refusal
check_account(struct call *c, const struct edge_source *src, char why[CALL_WHY_MAX])
{
	const struct snapshot_view *v = c->owner->snap;
	const struct account *acc = src->account == POLICY_NONE ? NULL : &v->account[src->account];
	enum account_reason r =
		trunk_admits(acc, &v->trunk[src->trunk], (enum policy_class)c->rec.class, true);

	if (r == ACCOUNT_OK)
		return REFUSAL_NONE;
	(void)snprintf(why, CALL_WHY_MAX, "%s", account_reason_text(r));
	return r == ACCOUNT_CLASS      ? REFUSAL_CLASS_OFF
	       : r == ACCOUNT_TLS_SRTP ? REFUSAL_TLS_OFF
	       : r == ACCOUNT_NO_CLASS ? REFUSAL_NUMBER
				       : REFUSAL_ACCOUNT_OFF;
}

static enum refusal
check_limits(struct call *c, const struct edge_source *src)
{
	struct calls *cs = c->owner;
	const struct snapshot_view *v = cs->snap;
	const struct record_leg *a = &c->rec.leg[LEG_A];

	if (!limit_attempt(&cs->limit, LIMIT_ACCOUNT, "", cs->conf.max_attempts, cs->now))
		return REFUSAL_RATE;
	if (limit_take_node(&cs->limit, false, &c->hold) != ERR_OK)
		return REFUSAL_NO_RECORD;
	if (src->account != POLICY_NONE) {
		const struct account *acc = &v->account[src->account];

		if (!limit_attempt(&cs->limit, LIMIT_ACCOUNT, a->account.z, acc->attempts,
				   cs->now) ||
		    limit_take(&cs->limit, LIMIT_ACCOUNT, a->account.z, acc->max_calls, false,
			       &c->hold) != ERR_OK)
			return REFUSAL_LIMIT;
	}
	if (limit_take(&cs->limit, LIMIT_TRUNK, a->trunk.z, v->trunk[src->trunk].max_calls, false,
		       &c->hold) != ERR_OK)
		return REFUSAL_LIMIT;
	return REFUSAL_NONE;
}

static enum refusal
find_targets(struct call *c, char why[CALL_WHY_MAX])
{
	const struct snapshot_view *v = c->owner->snap;
	bool from_customer = c->rec.leg[LEG_A].account.z[0] != 0;
	struct route route;
	uint64_t random;
	enum route_reason r;

	random_bytes(&random, sizeof(random));
	r = from_customer ? route_outbound(v, NULL, random, &route)
			  : route_inbound(v, str_from(c->called.z), &route);
	if (r != ROUTE_OK) {
		(void)snprintf(why, CALL_WHY_MAX, "%s", route_reason_text(r));
		return from_customer          ? REFUSAL_NO_ROUTE
		       : r == ROUTE_NO_NUMBER ? REFUSAL_NO_NUMBER
					      : REFUSAL_ACCOUNT_OFF;
	}
	for (c->n_targets = 0; c->n_targets < route.n; c->n_targets++)
		c->targets[c->n_targets] = snapshot_trunk_id(v, route.trunk[c->n_targets]);
	return REFUSAL_NONE;
}

/* The account of the called side has its own switches. */
static enum refusal
check_called(struct call *c, char why[CALL_WHY_MAX])
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t t = snapshot_trunk(v, str_from(c->targets[0].z));
	uint32_t a = v->trunk[t].account;
	enum account_reason r = trunk_admits(a == POLICY_NONE ? NULL : &v->account[a], &v->trunk[t],
					     (enum policy_class)c->rec.class, false);

	if (r == ACCOUNT_OK)
		return REFUSAL_NONE;
	(void)snprintf(why, CALL_WHY_MAX, "%s", account_reason_text(r));
	return r == ACCOUNT_CLASS      ? REFUSAL_CLASS_OFF
	       : r == ACCOUNT_TLS_SRTP ? REFUSAL_TLS_OFF
				       : REFUSAL_ACCOUNT_OFF;
}

enum refusal
admit_invite(struct call *c, const struct sip_msg *msg, const struct edge_source *src,
	     char why[CALL_WHY_MAX])
{
	enum refusal number = check_number(c, msg), r;

	why[0] = 0;
	if (number == REFUSAL_EMERGENCY) /* at once, so that the PBX takes its emergency route */
		return number;
	r = check_message(msg);
	if (r == REFUSAL_NONE)
		r = number;
	if (r == REFUSAL_NONE && c->owner->draining)
		r = REFUSAL_DRAINING;
	if (r == REFUSAL_NONE)
		r = check_account(c, src, why);
	if (r == REFUSAL_NONE)
		r = check_limits(c, src);
	if (r == REFUSAL_NONE)
		r = find_targets(c, why);
	if (r == REFUSAL_NONE)
		r = check_called(c, why);
	if (r == REFUSAL_NONE)
		r = choose_caller(c, src->trunk);
	return r;
}
