#include "call/admit.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/random.h"
#include "call/alter.h"
#include "call/caller.h"
#include "call/write.h"
#include "call/meter.h"
#include "call/sos.h"
#include "policy/capacity.h"
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

static enum refusal
check_message(const struct sip_msg *m)
{
	if (m->max_forwards == 0)
		return REFUSAL_HOPS;
	if (!leg_has_required(m, false))
		return REFUSAL_EXTENSION;
	if (hide_lacks_privacy(m))
		return REFUSAL_PRIVACY;
	return session_too_short(m) ? REFUSAL_INTERVAL : REFUSAL_NONE;
}

/* The account that a customer's call belongs to and that pays: its trunk's, which under a parent's
 * connection is a child. POLICY_NONE: a carrier's call. */
static uint32_t
payer_of(const struct call *c, const struct edge_source *src)
{
	const struct trunk *t = &c->owner->snap->trunk[src->trunk];

	if (!src->account_id.z[0])
		return POLICY_NONE;
	return t->account != POLICY_NONE ? t->account : src->account;
}

/* Who is called. A trunk that we registered at sends calls to the contact that we gave there: where
 * that is no number, To has it. */
static const struct sip_uri *
called_uri(const struct call *c, const struct sip_msg *m)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t t = snapshot_trunk(v, str_from(c->rec.leg[LEG_A].trunk.z));
	struct str text = t == POLICY_NONE ? STR_NULL : snapshot_text(v, v->trunk[t].login_aor);
	struct sip_uri aor;
	struct number n;

	if (text.len && sip_uri_parse(text, &aor) == ERR_OK && str_eq(aor.user, m->uri.user) &&
	    number_read_uri(&c->owner->conf.numbers, &m->uri, &n) != ERR_OK)
		return &m->to.uri;
	return &m->uri;
}

static enum refusal
check_number(struct call *c, const struct sip_msg *m, uint32_t trunk)
{
	bool from_customer = c->rec.leg[LEG_A].account.z[0] != 0;
	const struct sip_uri *called = called_uri(c, m);

	keep_user(c->rec.to_received, sizeof(c->rec.to_received), called);
	keep_user(c->rec.from_received, sizeof(c->rec.from_received), &m->from.uri);
	if (alter_read_uri(c->owner, trunk, true, called, &c->called) != ERR_OK)
		return REFUSAL_NUMBER;
	c->rec.class = class_of((enum number_kind)c->called.kind, from_customer);
	if (sip_uri_is_sos(&m->uri))
		(void)!str_copyz(c->rec.to_received, sizeof(c->rec.to_received),
				 str_sub(m->uri_text, 0, sizeof(c->rec.to_received) - 1));
	return REFUSAL_NONE;
}

/* In words, and as a refusal, why a trunk and its account may not. */
static enum refusal
refuse_account(enum account_reason r, char why[CALL_WHY_MAX])
{
	if (r == ACCOUNT_OK)
		return REFUSAL_NONE;
	(void)snprintf(why, CALL_WHY_MAX, "%s", account_reason_text(r));
	return r == ACCOUNT_CLASS      ? REFUSAL_CLASS_OFF
	       : r == ACCOUNT_TLS_SRTP ? REFUSAL_TLS_OFF
	       : r == ACCOUNT_NO_CLASS ? REFUSAL_NUMBER
				       : REFUSAL_ACCOUNT_OFF;
}

/* May the account, POLICY_NONE of a carrier, call this number over the trunk? */
static enum refusal
check_account(const struct snapshot_view *v, uint32_t trunk, uint32_t payer,
	      enum policy_class class, const char *number, char why[CALL_WHY_MAX])
{
	const struct account *acc = payer == POLICY_NONE ? NULL : &v->account[payer];
	enum refusal r = refuse_account(trunk_admits(acc, &v->trunk[trunk], class, true), why);

	if (r == REFUSAL_CLASS_OFF)
		(void)snprintf(why, CALL_WHY_MAX,
			       "%s is of class %s, which is not among the account's services",
			       number, policy_class_name(class));
	if (r == REFUSAL_NONE && acc && class == CLASS_INTERNATIONAL &&
	    !GUARD(A5, class_country(snapshot_text(v, acc->countries), str_from(number)))) {
		(void)snprintf(why, CALL_WHY_MAX,
			       "%s is in none of the countries that the account may call", number);
		return REFUSAL_COUNTRY;
	}
	return r;
}

enum refusal
admit_reference(const struct calls *cs, const struct edge_source *src, const struct sip_uri *to,
		struct number *out, char why[CALL_WHY_MAX])
{
	enum policy_class class;

	if (src->trunk == POLICY_NONE)
		return REFUSAL_ACCOUNT_OFF;
	if (alter_read_uri(cs, src->trunk, true, to, out) != ERR_OK)
		return REFUSAL_NUMBER;
	if (!src->account_id.z[0])
		return REFUSAL_NONE; /* whom it asks calls by rules of its own */
	class = class_of((enum number_kind)out->kind, true);
	if (class == CLASS_EMERGENCY)
		return REFUSAL_REFER_OFF;
	return check_account(cs->snap, src->trunk, src->account, class, out->z, why);
}

/* ---- limits ---- */

/* A limit of this account is reached: its own status tells the caller. */
static enum refusal
refuse_limit(struct call *c, uint32_t account, enum refusal r)
{
	const struct snapshot_view *v = c->owner->snap;

	if (account != POLICY_NONE && v->account[account].limit_status)
		c->status = v->account[account].limit_status;
	return r;
}

/* The account may hold so many times what is free only, so that those that flood leave something to
 * the others. */
static bool
has_share(const struct call *c, const char *id)
{
	const struct calls *cs = c->owner;
	uint32_t used = pool_used(&cs->pool), max = cs->conf.max_calls;
	uint32_t left = used < max ? max - used : 0;

	return c->rec.exempt || cs->snap->n_accounts < 2 ||
	       limit_calls(&cs->limit, LIMIT_ACCOUNT, id) <= CALL_SHARE_TIMES * (left + 1);
}

/* Concurrent calls, and attempts of who calls, of an account and the one above it. */
static enum refusal
take_account(struct call *c, uint32_t account, bool calling)
{
	struct calls *cs = c->owner;
	const struct snapshot_view *v = cs->snap;

	for (int i = 0; i < 2 && account != POLICY_NONE; i++) {
		const struct account *a = &v->account[account];
		struct policy_id id = snapshot_account_id(v, account);

		if (calling && !c->rec.exempt &&
		    !GUARD(A5,
			   limit_attempt(&cs->limit, LIMIT_ACCOUNT, id.z, a->attempts, cs->now)))
			return refuse_limit(c, account, REFUSAL_ATTEMPTS);
		if (!GUARD(A5, limit_take(&cs->limit, LIMIT_ACCOUNT, id.z, a->max_calls,
					  c->rec.exempt, &c->hold) == ERR_OK))
			return refuse_limit(c, account, REFUSAL_LIMIT);
		if (calling && i == 0 && !has_share(c, id.z))
			return REFUSAL_CALL_SHARE;
		account = a->parent_row;
	}
	return REFUSAL_NONE;
}

static enum refusal
check_limits(struct call *c, const struct edge_source *src, uint32_t payer)
{
	struct calls *cs = c->owner;
	const struct snapshot_view *v = cs->snap;
	enum refusal r;

	if (!c->rec.exempt &&
	    !limit_attempt(&cs->limit, LIMIT_ACCOUNT, "", cs->conf.max_attempts, cs->now))
		return REFUSAL_RATE;
	if (limit_take_node(&cs->limit, c->rec.exempt, &c->hold) != ERR_OK)
		return REFUSAL_NO_RECORD;
	r = take_account(c, payer, true);
	if (r == REFUSAL_NONE && !c->rec.exempt &&
	    !GUARD(A5, capacity_attempt(&cs->limit, v, src->trunk, cs->now)))
		r = refuse_limit(c, payer, REFUSAL_ATTEMPTS);
	if (r == REFUSAL_NONE &&
	    capacity_take(&cs->limit, v, src->trunk, c->rec.exempt, &c->hold) != ERR_OK)
		r = refuse_limit(c, payer, REFUSAL_LIMIT);
	return r;
}

/* What it may use: its length, its account's money and minutes. */
static enum refusal
check_meter(struct call *c, uint32_t trunk, uint32_t payer)
{
	uint32_t whose = POLICY_NONE;
	enum refusal r;

	if (c->rec.exempt)
		return REFUSAL_NONE;
	meter_length(c, payer, trunk);
	if (payer == POLICY_NONE)
		return REFUSAL_NONE;
	r = meter_begin(c, payer, &whose);
	return r == REFUSAL_NONE ? r : refuse_limit(c, whose, r);
}

/* ---- targets ---- */

static bool
is_open(const struct call *c, uint32_t trunk)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t a = v->trunk[trunk].account;

	return trunk_admits(a == POLICY_NONE ? NULL : &v->account[a], &v->trunk[trunk],
			    (enum policy_class)c->rec.class, false) == ACCOUNT_OK;
}

static void
keep_target(struct call *c, uint32_t trunk, uint32_t rule)
{
	const struct snapshot_view *v = c->owner->snap;
	struct call_target *t = &c->setup->target[c->n_targets++];

	*t = (struct call_target){.trunk = snapshot_trunk_id(v, trunk),
				  .rule = snapshot_route_id(v, rule)};
	memcpy(t->number, c->called.z, sizeof(t->number));
	if (c->rec.leg[LEG_A].account.z[0])
		t->payer = c->rec.leg[LEG_A].trunk;
}

/* Those that may take it; none may: the first, so that check_called says why. */
static void
keep_targets(struct call *c, const struct route *route)
{
	c->n_targets = 0;
	for (uint32_t i = 0; i < route->n; i++)
		if (is_open(c, route->trunk[i]))
			keep_target(c, route->trunk[i], route->rule[i]);
	if (c->n_targets == 0)
		keep_target(c, route->trunk[0], route->rule[0]);
	c->setup->as = 1;
}

static enum refusal
find_targets(struct call *c, uint32_t payer, char why[CALL_WHY_MAX])
{
	const struct snapshot_view *v = c->owner->snap;
	bool from_customer = c->rec.leg[LEG_A].account.z[0] != 0;
	struct route_ask ask = {.account = payer,
				.number = str_from(c->called.z),
				.class = (enum policy_class)c->rec.class,
				.minute = clock_week_minute(clock_wall_us())};
	const uint8_t *down = health_down(&c->owner->health, c->owner->now);
	struct route route;
	uint64_t random;
	enum route_reason r;

	random_bytes(&random, sizeof(random));
	if (c->rec.class == CLASS_EMERGENCY)
		r = route_emergency(v, down, random, &route);
	else if (from_customer)
		r = route_outbound(v, &ask, down, random, &route);
	else
		r = route_inbound(v, str_from(c->called.z), &route);
	if (r != ROUTE_OK) {
		(void)snprintf(why, CALL_WHY_MAX, "%s", route_reason_text(r));
		return from_customer          ? REFUSAL_NO_ROUTE
		       : r == ROUTE_NO_NUMBER ? REFUSAL_NO_NUMBER
					      : REFUSAL_ACCOUNT_OFF;
	}
	keep_targets(c, &route);
	return REFUSAL_NONE;
}

/* The account of the called side has its own switches and limits. */
static enum refusal
check_called(struct call *c, char why[CALL_WHY_MAX])
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t t = snapshot_trunk(v, str_from(c->setup->target[0].trunk.z));
	uint32_t a = v->trunk[t].account;
	enum refusal r =
		refuse_account(trunk_admits(a == POLICY_NONE ? NULL : &v->account[a], &v->trunk[t],
					    (enum policy_class)c->rec.class, false),
			       why);

	if (r != REFUSAL_NONE && a != POLICY_NONE) /* whose it is, for its CDR and line */
		c->rec.leg[LEG_B].account = snapshot_account_id(v, a);
	if (r != REFUSAL_NONE || a == POLICY_NONE)
		return r;
	if (!c->rec.exempt)
		meter_length(c, a, t);
	return take_account(c, a, false);
}

/* ---- all of it ---- */

static enum refusal
admit_emergency(struct call *c, const struct sip_msg *m, const struct edge_source *src,
		uint32_t payer, char why[CALL_WHY_MAX])
{
	enum refusal r = sos_admit(c, src, payer, why);

	(void)!caller_read(c, m, payer, src->trunk, why); /* never refused, only chosen */
	if (r == REFUSAL_NONE)
		r = sos_message(c, m);
	if (r == REFUSAL_NONE)
		r = check_limits(c, src, payer);
	if (r == REFUSAL_NONE)
		r = find_targets(c, payer, why);
	sos_note(c);
	return r;
}

enum refusal
admit_invite(struct call *c, const struct sip_msg *msg, const struct edge_source *src,
	     char why[CALL_WHY_MAX])
{
	enum refusal number = check_number(c, msg, src->trunk), r;
	uint32_t payer = payer_of(c, src);

	why[0] = 0;
	if (c->rec.class == CLASS_EMERGENCY)
		return admit_emergency(c, msg, src, payer, why);
	r = check_message(msg);
	if (r == REFUSAL_NONE)
		r = number;
	if (r == REFUSAL_NONE && c->owner->draining)
		r = REFUSAL_DRAINING;
	if (r == REFUSAL_NONE)
		r = check_account(c->owner->snap, src->trunk, payer,
				  (enum policy_class)c->rec.class, c->called.z, why);
	if (r == REFUSAL_NONE)
		r = check_limits(c, src, payer);
	if (r == REFUSAL_NONE)
		r = caller_read(c, msg, payer, src->trunk, why);
	if (r == REFUSAL_NONE)
		r = find_targets(c, payer, why);
	if (r == REFUSAL_NONE)
		r = check_called(c, why);
	if (r == REFUSAL_NONE)
		r = check_meter(c, src->trunk, payer);
	return r;
}

/* ---- redirected ---- */

enum refusal
admit_routes(const struct call *c, uint32_t payer, const struct number *n, struct route *out)
{
	struct route_ask ask = {.account = payer,
				.number = str_from(n->z),
				.class = class_of((enum number_kind)n->kind, true),
				.minute = clock_week_minute(clock_wall_us())};
	uint64_t random;

	random_bytes(&random, sizeof(random));
	return route_outbound(c->owner->snap, &ask, health_down(&c->owner->health, c->owner->now),
			      random, out) == ROUTE_OK
		       ? REFUSAL_NONE
		       : REFUSAL_NO_ROUTE;
}

/* May the customer of this trunk call what c->called is now, and pay for it? */
static enum refusal
check_payer(struct call *c, uint32_t trunk, char why[CALL_WHY_MAX])
{
	struct calls *cs = c->owner;
	const struct snapshot_view *v = cs->snap;
	uint32_t payer = v->trunk[trunk].account, above = v->account[payer].parent_row;
	enum refusal r =
		check_account(v, trunk, payer, (enum policy_class)c->rec.class, c->called.z, why);

	for (uint32_t a = payer; r == REFUSAL_NONE && !c->rec.exempt && a != POLICY_NONE;
	     a = a == payer ? above : POLICY_NONE)
		if (!GUARD(A5, limit_attempt(&cs->limit, LIMIT_ACCOUNT, snapshot_account_id(v, a).z,
					     v->account[a].attempts, cs->now)))
			r = refuse_limit(c, a, REFUSAL_ATTEMPTS);
	return r == REFUSAL_NONE ? check_meter(c, trunk, payer) : r;
}

enum refusal
admit_again(struct call *c, uint32_t trunk, const char *number, char why[CALL_WHY_MAX])
{
	const struct snapshot_view *v = c->owner->snap;
	bool customer = trunk != POLICY_NONE && v->trunk[trunk].account != POLICY_NONE;
	enum policy_class class;
	struct number n;

	why[0] = 0;
	if (number_read(&c->owner->conf.numbers, str_from(number), &n) != ERR_OK)
		return REFUSAL_NUMBER;
	class = class_of((enum number_kind)n.kind, customer);
	if ((n.kind == NUMBER_EMERGENCY) != (c->rec.class == CLASS_EMERGENCY)) {
		(void)snprintf(why, CALL_WHY_MAX,
			       "a redirection makes no emergency call, nor another one of it");
		return REFUSAL_REDIRECT;
	}
	if (c->rec.class == CLASS_EMERGENCY)
		return REFUSAL_NONE; /* it stays what it is */
	meter_end(c);
	c->called = n;
	c->rec.class = class;
	c->rec.payer = c->rec.payer_parent = c->rec.forwarder = (struct policy_id){""};
	c->rec.price_micro = 0;
	c->rec.increment_s = 0;
	c->status = 0;
	if (!customer)
		return REFUSAL_NONE;
	if (!c->rec.leg[LEG_A].account.z[0])
		c->rec.forwarder = snapshot_trunk_id(v, trunk);
	c->rec.payer = snapshot_account_id(v, v->trunk[trunk].account);
	return check_payer(c, trunk, why);
}

bool
admit_unread(struct call *c, const struct sip_msg *msg, const struct edge_source *src)
{
	if (check_number(c, msg, src->trunk) != REFUSAL_NONE || c->rec.class != CLASS_EMERGENCY)
		return false;
	c->rec.payer = snapshot_account_id(c->owner->snap, payer_of(c, src));
	sos_note(c);
	return true;
}
