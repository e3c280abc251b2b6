#include "call/redirect.h"

#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/log.h"
#include "call/admit.h"
#include "call/alter.h"
#include "policy/source.h"

enum {
	REDIRECT_Q_ONE = 1000,
	NAMED_MAX = 40, /* of a host or number in a sentence */
};

/* A contact as it is read: all of it, and where it may lead. */
struct contact {
	struct sip_uri uri;
	uint32_t q; /* thousandths */
};

/* ---- what it says ---- */

/* "0", "0.5", "1.000" (RFC 3261 25.1) as thousandths; without, or broken: 1. */
static uint32_t
read_q(struct str params)
{
	struct str rest = sip_param_value(params, "q"), whole = str_cut(&rest, '.');
	uint32_t q = 0;

	if (str_eqz(whole, "1") || !str_eqz(whole, "0") || rest.len > 3)
		return REDIRECT_Q_ONE;
	for (size_t i = 0; i < 3; i++) {
		char d = i < rest.len ? rest.p[i] : '0';

		if (!ascii_digit(d))
			return REDIRECT_Q_ONE;
		q = q * 10 + (uint32_t)(d - '0');
	}
	return q;
}

/* Those that can be read, the highest q first, equal ones as they stand. */
static uint32_t
read_contacts(const struct sip_msg *m, struct contact out[CALL_CONTACTS_MAX])
{
	struct sip_nameaddr a;
	struct sip_iter it;
	uint32_t n = 0;

	sip_iter_init(&it, m, SIP_H_CONTACT);
	while (n < CALL_CONTACTS_MAX && sip_iter_nameaddr(&it, &a) == ERR_OK) {
		struct contact k = {.uri = a.uri, .q = read_q(a.params)};
		uint32_t at = n++;

		for (; at > 0 && out[at - 1].q < k.q; at--)
			out[at] = out[at - 1];
		out[at] = k;
	}
	return n;
}

static uint32_t
trunk_of(const struct call *c, const struct policy_id *id)
{
	return c->owner->snap && id->z[0] ? snapshot_trunk(c->owner->snap, str_from(id->z))
					  : POLICY_NONE;
}

/* The number that a contact of this target names. False: none that this call may become. */
static bool
read_number(const struct call *c, uint32_t trunk, const struct sip_uri *uri, struct number *n)
{
	return alter_read_uri(c->owner, trunk, true, uri, n) == ERR_OK &&
	       (n->kind == NUMBER_EMERGENCY) == (c->rec.class == CLASS_EMERGENCY);
}

/* ---- where a carrier may send it ---- */

static uint16_t
port_of(const struct trunk *t)
{
	return t->port ? t->port : t->transport == TRUNK_TLS ? 5061 : 5060;
}

static bool
fits_transport(const struct sip_uri *uri, const struct trunk *t)
{
	struct str named = sip_uri_param(uri, "transport");

	if (uri->scheme == SIP_SCHEME_SIPS && t->transport != TRUNK_TLS)
		return false;
	return named.len == 0 ||
	       str_ieqz(named, trunk_transport_name((enum trunk_transport)t->transport));
}

/* Is this host one of the trunk's? */
static bool
has_host(const struct snapshot_view *v, uint32_t trunk, struct str host)
{
	const struct trunk *t = &v->trunk[trunk];
	struct str own = snapshot_text(v, t->host);
	struct addr ip, its;

	if (str_ieq(own, host))
		return true;
	if (addr_parse_ip(host, &ip) != ERR_OK)
		return false;
	return (addr_parse_ip(own, &its) == ERR_OK && addr_ip_eq(&ip, &its)) ||
	       (t->n_sources && source_fits(v, trunk, &ip));
}

static bool
may_go(const struct snapshot_view *v, uint32_t trunk, const struct sip_uri *uri)
{
	const struct trunk *t = &v->trunk[trunk];

	return trunk_admits(NULL, t, CLASS_EMERGENCY, false) == ACCOUNT_OK && /* of any class */
	       fits_transport(uri, t) && (!uri->port || uri->port == port_of(t));
}

/* The carrier that a contact leads to: the one that says so before others. */
static uint32_t
find_carrier(const struct snapshot_view *v, uint32_t self, const struct sip_uri *uri,
	     const struct addr *from)
{
	struct addr ip;

	if (uri->scheme == SIP_SCHEME_TEL) /* it knows the way to that itself */
		return self;
	if (may_go(v, self, uri) && has_host(v, self, uri->host))
		return self;
	for (uint32_t t = v->first_carrier; t < v->n_trunks; t++)
		if (may_go(v, t, uri) && has_host(v, t, uri->host))
			return t;
	return may_go(v, self, uri) && addr_parse_ip(uri->host, &ip) == ERR_OK &&
			       addr_ip_eq(&ip, from)
		       ? self
		       : POLICY_NONE;
}

/* ---- following ---- */

/* Was it tried, or is it among what shall be? */
static bool
is_known(const struct call_setup *s, const struct call_target *list, uint32_t n_list,
	 uint32_t n_tried, const struct call_target *t)
{
	for (uint32_t i = 0; i < n_tried + n_list; i++) {
		const struct call_target *o = i < n_tried ? &s->target[i] : &list[i - n_tried];

		if (strcmp(o->trunk.z, t->trunk.z) == 0 && strcmp(o->number, t->number) == 0)
			return true;
	}
	return false;
}

/* The targets that a redirection makes. */
struct way {
	const struct call_target *from;
	uint32_t trunk; /* of from */
	int status;
	struct call_target list[ROUTE_TARGETS_MAX];
	uint32_t n;
};

static void
add_target(const struct call *c, struct way *w, uint32_t trunk, uint32_t rule,
	   const struct number *n)
{
	const struct snapshot_view *v = c->owner->snap;
	struct call_target *t = &w->list[w->n];

	if (w->n == ROUTE_TARGETS_MAX)
		return;
	*t = (struct call_target){.trunk = snapshot_trunk_id(v, trunk),
				  .rule = snapshot_route_id(v, rule),
				  .payer = w->from->payer,
				  .depth = (uint8_t)(w->from->depth + 1),
				  .parent = (uint8_t)(c->setup->tried - 1),
				  .rang = c->m.state == B2BUA_RINGING,
				  .cause = (uint16_t)w->status};
	memcpy(t->number, n->z, sizeof(t->number));
	if (v->trunk[w->trunk].account != POLICY_NONE)
		t->payer = w->from->trunk;
	if (!is_known(c->setup, w->list, w->n, c->next_target, t))
		w->n++;
}

/* A carrier's: to a carrier. 305 is about the host alone. */
static bool
add_carriers(const struct call *c, struct way *w, const struct contact *k, const struct addr *from)
{
	uint32_t t = find_carrier(c->owner->snap, w->trunk, &k->uri, from), before = w->n;
	struct number n = c->called;

	if (t == POLICY_NONE || (w->status != 305 && !read_number(c, w->trunk, &k->uri, &n)))
		return false;
	add_target(c, w, t, POLICY_NONE, &n);
	return w->n > before;
}

/* Was this number called before, on the way to here? */
static bool
was_called(const struct call *c, const struct call_target *t, const struct number *n)
{
	for (; strcmp(t->number, n->z) != 0; t = &c->setup->target[t->parent])
		if (t->depth == 0)
			return false;
	return true;
}

/* A customer's: a call of its own, to wherever routes lead. */
static bool
add_routes(const struct call *c, struct way *w, const struct contact *k)
{
	uint32_t payer = c->owner->snap->trunk[w->trunk].account, before = w->n;
	struct route route;
	struct number n;

	if (w->status == 305 || !read_number(c, w->trunk, &k->uri, &n) ||
	    was_called(c, w->from, &n) || admit_routes(c, payer, &n, &route) != REFUSAL_NONE)
		return false;
	for (uint32_t i = 0; i < route.n; i++)
		add_target(c, w, route.trunk[i], route.rule[i], &n);
	return w->n > before;
}

/* Before what is left; what there is no room for is left out. False: there is none at all. */
static bool
insert(struct call *c, const struct way *w)
{
	struct call_target left[ROUTE_TARGETS_MAX];
	uint32_t at = c->next_target, n = c->n_targets - at;

	memcpy(left, &c->setup->target[at], n * sizeof(left[0]));
	c->n_targets = at;
	for (uint32_t i = 0; i < w->n + n && c->n_targets < ROUTE_TARGETS_MAX; i++)
		c->setup->target[c->n_targets++] = i < w->n ? w->list[i] : left[i - w->n];
	return c->n_targets > at;
}

static void
say_nowhere(struct call *c, const char *why)
{
	struct record_target *t = &c->rec.target[c->rec.n_targets - 1];

	(void)snprintf(t->why, sizeof(t->why), "its redirection was not followed: %s", why);
	log_info("call.redirect", "id=%s trunk=%s not followed: %s", c->rec.id.z, t->trunk.z, why);
}

/* None of these may be followed: the first is named. */
static void
say_left_out(struct call *c, bool customer, const struct sip_uri *first)
{
	char why[CALL_TARGET_WHY_MAX];
	bool number = customer || first->scheme == SIP_SCHEME_TEL;
	struct str named = str_sub(number ? first->user : first->host, 0, NAMED_MAX);
	struct buf b;

	buf_init(&b, why, sizeof(why));
	buf_z(&b, customer ? "no contact is a number that may be called and was not yet"
			   : "no contact is at a carrier's trunk where it was not yet");
	if (named.len)
		buf_printf(&b, ": %.*s", STR_ARG(named));
	if (!number && first->port)
		buf_printf(&b, ":%u", first->port);
	say_nowhere(c, buf_cstr(&b));
}

static bool
follow(struct call *c, uint32_t trunk, const struct edge_news *news)
{
	struct contact k[CALL_CONTACTS_MAX];
	struct way w = {.from = &c->setup->target[c->setup->tried - 1],
			.trunk = trunk,
			.status = (int)news->msg->status};
	bool customer = c->owner->snap->trunk[trunk].account != POLICY_NONE;
	uint32_t n = read_contacts(news->msg, k);

	if (w.from->depth >= CALL_REDIRECTS_MAX) {
		say_nowhere(c, "there were too many before");
		return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		bool taken = customer ? add_routes(c, &w, &k[i])
				      : add_carriers(c, &w, &k[i], &news->source.remote);

		log_info("call.redirect", "id=%s trunk=%s status=%d to=%.*s %s", c->rec.id.z,
			 w.from->trunk.z, w.status, STR_ARG(str_sub(k[i].uri.all, 0, 128)),
			 taken ? "followed" : "left out");
	}
	if (n == 0)
		say_nowhere(c, "it names no contact");
	else if (w.n == 0)
		say_left_out(c, customer, &k[0].uri);
	else if (!insert(c, &w))
		say_nowhere(c, "the call was sent to as many targets as it may");
	else
		return true;
	return false;
}

/* ---- passing on ---- */

/* What A may be told: any number to a customer, whose new call is judged like others; to a carrier
 * those that are customers'. */
static bool
may_tell(const struct call *c, const struct number *n)
{
	return strcmp(n->z, c->called.z) != 0 &&
	       (leg_way(c, LEG_A) == HIDE_TO_CUSTOMER ||
		(n->z[0] == '+' &&
		 snapshot_number_trunk(c->owner->snap, str_from(n->z)) != POLICY_NONE));
}

static bool
keep_contacts(struct call *c, uint32_t trunk, const struct sip_msg *m)
{
	struct contact k[CALL_CONTACTS_MAX];
	uint32_t to = trunk_of(c, &c->rec.leg[LEG_A].trunk);
	uint32_t n = m->status == 305 || to == POLICY_NONE ? 0 : read_contacts(m, k);
	struct number number;

	c->setup->n_contacts = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = c->setup->n_contacts;

		if (!read_number(c, trunk, &k[i].uri, &number) || !may_tell(c, &number) ||
		    alter_number(c->owner, to, number.z, c->setup->contact[at].number) != ERR_OK)
			continue;
		c->setup->contact[at].q = (uint16_t)k[i].q;
		c->setup->n_contacts++;
	}
	return c->setup->n_contacts > 0;
}

enum redirect
redirect_take(struct call *c, const struct edge_news *news)
{
	int status = news->event == EDGE_RESPONSE ? (int)news->msg->status : 0;
	uint32_t trunk = trunk_of(c, &c->rec.leg[LEG_B].trunk);
	bool is_one = status == 300 || status == 301 || status == 302 || status == 305;

	if (!is_one || !c->setup || !c->setup->tried || trunk == POLICY_NONE)
		return REDIRECT_NONE;
	switch ((enum trunk_redirect)c->owner->snap->trunk[trunk].redirect) {
	case TRUNK_REDIRECT_FOLLOW:
		return !c->x.answered && !c->amended && follow(c, trunk, news) ? REDIRECT_FOLLOWED
									       : REDIRECT_LOST;
	case TRUNK_REDIRECT_PASS:
		return !c->transfer_for && c->rec.class != CLASS_EMERGENCY &&
				       keep_contacts(c, trunk, news->msg)
			       ? REDIRECT_TOLD
			       : REDIRECT_NONE;
	case TRUNK_REDIRECT_REFUSE:
	case TRUNK_REDIRECT_N:
		break;
	}
	return REDIRECT_NONE;
}

/* ---- trying ---- */

enum refusal
redirect_enter(struct call *c, const struct call_target *to, char why[CALL_WHY_MAX])
{
	struct call_setup *s = c->setup;
	const struct call_target *as = s->as ? &s->target[s->as - 1] : NULL;
	uint32_t payer = trunk_of(c, &to->payer);
	enum refusal r = REFUSAL_NONE;

	why[0] = 0;
	if (!as || strcmp(as->number, to->number) != 0 || strcmp(as->payer.z, to->payer.z) != 0) {
		s->as = 0;
		if (to->payer.z[0] && payer == POLICY_NONE) /* it is gone meanwhile */
			return REFUSAL_ACCOUNT_OFF;
		r = admit_again(c, payer, to->number, why);
	}
	if (!GUARD(A7, r == REFUSAL_NONE))
		return r;
	s->as = (uint32_t)(to - s->target) + 1;
	return REFUSAL_NONE;
}

void
redirect_note(struct record_target *t, enum refusal r, const char *why)
{
	(void)snprintf(t->why, sizeof(t->why), "%.*s", (int)sizeof(t->why) - 1,
		       why[0] ? why : refusal_text(r));
}

bool
redirect_next(struct call *c, int status)
{
	const struct call_setup *s = c->setup;
	const struct call_target *t;
	uint32_t i = c->next_target;

	if (!s || !s->tried || status >= 600 || c->x.answered || c->amended)
		return false;
	t = &s->target[s->tried - 1];
	while (t->depth && i < c->n_targets &&
	       (s->target[i].depth == 0 || strcmp(s->target[i].number, t->number) == 0))
		i++;
	if (t->depth == 0 || i == c->n_targets)
		return false;
	c->next_target = i;
	return true;
}
