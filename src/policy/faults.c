#include "policy/faults.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sip/uri.h"
#include "sdp/codec.h"
#include "sdp/keys.h"

/* The state of one check. */
struct check {
	struct roster *r;
	void (*on_fault)(void *arg, const struct roster_fault *f);
	void *arg;
	uint32_t n;
};

static void PRINTF_LIKE(3, 0)
	pass_fault(struct check *c, struct roster_fault *f, const char *fmt, va_list ap)
{
	struct buf b;

	buf_init(&b, f->text, sizeof(f->text));
	buf_vprintf(&b, fmt, ap);
	buf_cstr(&b);
	c->n++;
	if (c->on_fault)
		c->on_fault(c->arg, f);
}

static void PRINTF_LIKE(3, 4) report_fault(struct check *c, uint32_t place, const char *fmt, ...)
{
	struct roster_fault f = {.place = place};
	va_list ap;

	va_start(ap, fmt);
	pass_fault(c, &f, fmt, ap);
	va_end(ap);
}

/* A fault that older releases took. */
static void PRINTF_LIKE(3, 4) report_old(struct check *c, uint32_t place, const char *fmt, ...)
{
	struct roster_fault f = {.place = place, .old = true};
	va_list ap;

	va_start(ap, fmt);
	pass_fault(c, &f, fmt, ap);
	va_end(ap);
}

/* Of names that might be meant by one that is none. */
struct near {
	struct str name, best;
	unsigned distance;
};

static void
look_near(struct near *n, struct str candidate)
{
	unsigned d = n->name.len ? str_distance(n->name, candidate) : UINT_MAX;

	if (d < n->distance && d < candidate.len) {
		n->distance = d;
		n->best = candidate;
	}
}

/* Those who make more mistakes than this get no help: each costs a look at all names. */
enum { NEAR_MAX = 100, NEAR_LETTERS = 2 };

static struct near
near_of(const struct check *c, struct str name)
{
	return (struct near){.name = c->n < NEAR_MAX ? name : STR_NULL,
			     .distance = NEAR_LETTERS + 1};
}

/* "; did you mean "x"?", or nothing. */
struct near_text {
	char z[STR_WORD_MAX + 24];
};

static struct near_text
text_of(const struct near *n)
{
	struct near_text t = {""};
	struct buf b;

	buf_init(&b, t.z, sizeof(t.z));
	if (n->best.len)
		buf_printf(&b, "; did you mean \"%.*s\"?", STR_ARG(n->best));
	(void)buf_cstr(&b);
	return t;
}

static struct near_text
near_account(const struct check *c, struct str name)
{
	struct near n = near_of(c, name);

	for (uint32_t i = 0; n.name.len && i < c->r->n_accounts; i++)
		look_near(&n, c->r->account[i].id);
	return text_of(&n);
}

/* account empty: of carriers and their groups, else of this account's trunks. */
static struct near_text
near_trunk(const struct check *c, struct str name, struct str account)
{
	struct near n = near_of(c, name);

	for (uint32_t i = 0; n.name.len && i < c->r->n_trunks; i++) {
		const struct roster_trunk *t = &c->r->trunk[i];

		if (!str_eq(t->account, account))
			continue;
		look_near(&n, t->id);
		if (account.len == 0)
			look_near(&n, t->group);
	}
	return text_of(&n);
}

/* Texts that roster_set would not take, of a row with this id. */
static void
check_texts(struct check *c, enum roster_kind k, const void *row, struct str id, uint32_t place)
{
	const struct field_table *t = field_table(k);

	for (unsigned i = 0; i < t->n; i++) {
		const struct field *f = &t->field[i];
		struct str s = roster_was_milder(f) ? field_text(f, row) : STR_NULL;

		if (s.len && field_text_valid(f, s) != ERR_OK && roster_old_valid(f, s))
			report_old(c, place, "%s \"%.*s\": %s \"%.*s\" cannot be meant; %s",
				   t->name, STR_ARG(id), f->name, STR_ARG(str_sub(s, 0, 64)),
				   f->help);
	}
}

/* Accounts are sorted by id. */
static int
cmp_account(const void *a, const void *b)
{
	const struct roster_account *x = a, *y = b;

	return str_cmp(x->id, y->id);
}

static void
sort_names(void *rows, size_t n, size_t size, int (*do_cmp)(const void *, const void *))
{
	if (n > 1)
		qsort(rows, n, size, do_cmp);
}

static const struct roster_account *
find_account(const struct roster *r, struct str id)
{
	struct roster_account key = {.id = id};

	return r->n_accounts ? bsearch(&key, r->account, r->n_accounts, sizeof(key), cmp_account)
			     : NULL;
}

/* A parent stands alone: its certificate answers for its children, nobody's for its own. */
static void
check_parent(struct check *c, const struct roster_account *a)
{
	const struct roster_account *p = a->parent.len ? find_account(c->r, a->parent) : NULL;

	if (a->parent.len && !p)
		report_fault(c, a->place, "no account \"%.*s\" to be the parent%s",
			     STR_ARG(a->parent), near_account(c, a->parent).z);
	else if (p == a && p)
		report_fault(c, a->place,
			     "account \"%.*s\" names itself as its parent; name the account that "
			     "has the certificate, or leave parent out",
			     STR_ARG(a->id));
	else if (p && p->parent.len)
		report_fault(c, a->place,
			     "account \"%.*s\": \"%.*s\" cannot be the parent, because it has one "
			     "itself; name the account that has the certificate",
			     STR_ARG(a->id), STR_ARG(a->parent));
}

static void
check_accounts(struct check *c)
{
	const struct roster *r = c->r;

	for (uint32_t i = 0; i < r->n_accounts; i++) {
		const struct roster_account *a = &r->account[i];

		if (!policy_id_valid(a->id))
			report_fault(c, a->place,
				     "\"%.*s\" is not an id; use up to %d letters, digits, '.', "
				     "'_', '-'",
				     STR_ARG(str_sub(a->id, 0, POLICY_ID_MAX)), POLICY_ID_MAX - 1);
		if (i && str_eq(a->id, a[-1].id))
			report_fault(c, a->place,
				     "account \"%.*s\" stands twice; give each its own id",
				     STR_ARG(a->id));
		check_parent(c, a);
		check_texts(c, ROSTER_ACCOUNT, a, a->id, a->place);
		if ((a->emergency_status < 400) != (a->emergency_target.len != 0))
			report_fault(c, a->place,
				     "account \"%.*s\": emergency calls are answered with %u; a "
				     "status below 400 and a target need each other",
				     STR_ARG(a->id), a->emergency_status);
	}
}

/* A dedicated trunk is known by where it comes in and from. */
static void
check_dedicated(struct check *c, const struct roster_trunk *t)
{
	if (t->transport == TRUNK_TLS)
		report_fault(c, t->place,
			     "trunk \"%.*s\": dedicated is plain SIP; use transport: udp or tcp",
			     STR_ARG(t->id));
	if (t->listener.len == 0)
		report_fault(c, t->place,
			     "trunk \"%.*s\": security dedicated needs listener: the name of the "
			     "listener on its interface",
			     STR_ARG(t->id));
}

/* DTLS is believed for the print in SDP: that must be safe, and no lesser way beside it. */
static void
check_dtls(struct check *c, const struct roster_trunk *t)
{
	struct sdp_suites suites = {0};
	bool known = t->srtp.len == 0 || sdp_suites_parse(t->srtp, &suites) != ERR_OK;

	for (unsigned i = 0; i < suites.n; i++)
		known |= suites.v[i] != SDP_SUITE_AES_256_CM_80 &&
			 suites.v[i] != SDP_SUITE_AES_256_CM_32;
	if (t->security != TRUNK_SEC_REQUIRED)
		report_fault(c, t->place,
			     "trunk \"%.*s\": keying dtls is never left out; use security: "
			     "required, or keying: sdes",
			     STR_ARG(t->id));
	if (!known)
		report_fault(c, t->place,
			     "trunk \"%.*s\": DTLS has no number for the suites in srtp; add "
			     "AES_CM_128_HMAC_SHA1_80 or AEAD_AES_128_GCM",
			     STR_ARG(t->id));
}

static void
check_security(struct check *c, const struct roster_trunk *t)
{
	bool tls = t->transport == TRUNK_TLS;

	if (trunk_encrypts(t->security) && !tls)
		report_fault(c, t->place,
			     "trunk \"%.*s\": SRTP keys may not go over %s; use transport: tls, or "
			     "security: refused",
			     STR_ARG(t->id), trunk_transport_name(t->transport));
	if (!tls && t->n_sources == 0 && (t->direction & TRUNK_IN))
		report_fault(
			c, t->place,
			"trunk \"%.*s\": calls over %s are known by their source address only; "
			"give sources",
			STR_ARG(t->id), trunk_transport_name(t->transport));
	if (tls && t->identity == TRUNK_BY_ADDRESS && t->n_sources == 0)
		report_fault(c, t->place,
			     "trunk \"%.*s\": identity address needs sources; give them",
			     STR_ARG(t->id));
	if (tls && t->emergency && t->kind == TRUNK_CUSTOMER)
		report_fault(c, t->place,
			     "trunk \"%.*s\": emergency calls are not available over TLS; put "
			     "emergency: yes on a trunk over udp or tcp",
			     STR_ARG(t->id));
	if (!tls && t->contact == TRUNK_CONTACT_FQDN)
		report_fault(c, t->place,
			     "trunk \"%.*s\": contact fqdn shows the name of a zone, which %s has "
			     "none of; use transport: tls, or contact: address",
			     STR_ARG(t->id), trunk_transport_name(t->transport));
	if (t->security == TRUNK_SEC_DEDICATED)
		check_dedicated(c, t);
	if (t->keying == TRUNK_KEYING_DTLS)
		check_dtls(c, t);
}

/* Do the sources of this family (4 or 6) hold every address of it together? With so few of them
 * none longer than COVER_BITS can be needed for that; one inside another is not counted. */
static bool
covers_all(const struct roster_trunk *t, uint8_t family)
{
	enum { COVER_BITS = POLICY_TRUNK_SOURCES_MAX };
	uint32_t sum = 0;

	for (uint32_t i = 0; i < t->n_sources; i++) {
		const struct cidr *c = &t->source[i];
		bool counts = c->net.family == family && c->bits <= COVER_BITS;

		for (uint32_t k = 0; k < t->n_sources && counts; k++)
			counts = k == i || !cidr_has(&t->source[k], &c->net) ||
				 t->source[k].bits > c->bits ||
				 (t->source[k].bits == c->bits && k > i);
		if (counts)
			sum += 1u << (COVER_BITS - c->bits);
	}
	return sum == 1u << COVER_BITS;
}

/* What numbers and sources say must be able to happen. */
static void
check_sense(struct check *c, const struct roster_trunk *t)
{
	if (t->strip.len && t->strip.p[0] != '+')
		report_old(
			c, t->place,
			"trunk \"%.*s\": strip \"%.*s\" cuts nothing: called numbers begin with +, "
			"as in +15551230000; write it as \"+1\"",
			STR_ARG(t->id), STR_ARG(t->strip));
	if (t->n_sources > 1 && (covers_all(t, 4) || covers_all(t, 6)))
		report_old(
			c, t->place,
			"trunk \"%.*s\": sources: together they are every address there is; name "
			"the addresses that the equipment sends from",
			STR_ARG(t->id));
	if (t->events && t->events < SDP_PT_DYNAMIC)
		report_fault(
			c, t->place,
			"trunk \"%.*s\": events: %u is a payload type of another kind; use 96 to "
			"127, such as 101",
			STR_ARG(t->id), t->events);
	for (uint32_t i = 0; i < t->n_sources; i++)
		if (t->source[i].bits == 0 || addr_is_multicast(&t->source[i].net))
			report_old(
				c, t->place,
				"trunk \"%.*s\": sources: %s/%u is %s; name the addresses that the "
				"equipment sends from",
				STR_ARG(t->id), addr_text(&t->source[i].net).z, t->source[i].bits,
				t->source[i].bits ? "multicast, which nobody sends from"
						  : "every address there is");
}

/* What we register is a user at a host. */
static void
check_login(struct check *c, const struct roster_trunk *t)
{
	struct sip_uri uri;

	if (t->login_aor.len == 0 && t->login_registrar.len)
		report_fault(c, t->place,
			     "trunk \"%.*s\": register.registrar stands without register.aor; say "
			     "what is registered: aor: \"sip:acme@carrier.example\"",
			     STR_ARG(t->id));
	else if (t->login_aor.len &&
		 (sip_uri_parse(t->login_aor, &uri) != ERR_OK || uri.scheme != SIP_SCHEME_SIP ||
		  !uri.user.len || uri.port || uri.params.len || uri.headers.len))
		report_fault(c, t->place,
			     "trunk \"%.*s\": register.aor \"%.*s\" is no user at a host; write "
			     "\"sip:acme@carrier.example\"",
			     STR_ARG(t->id), STR_ARG(t->login_aor));
}

/* A TLS customer is known by its certificate: there must be a name to look for. */
static void
check_own_names(struct check *c, const struct roster_trunk *t)
{
	struct addr ip;

	if (!roster_trunk_named(t))
		return;
	if (t->n_names == 0 && addr_parse_ip(t->host, &ip) == ERR_OK)
		report_fault(
			c, t->place,
			"trunk \"%.*s\": an address is not a certificate's name; give names, or "
			"a host name",
			STR_ARG(t->id));
	for (uint32_t i = 0; i < t->n_names; i++)
		if (!trunk_host_valid(t->name[i]) || addr_parse_ip(t->name[i], &ip) == ERR_OK)
			report_fault(
				c, t->place,
				"trunk \"%.*s\": \"%.*s\" is not a name that a certificate can "
				"show; give a host name without wildcard",
				STR_ARG(t->id), STR_ARG(str_sub(t->name[i], 0, 64)));
}

static void
check_rates(struct check *c)
{
	const struct roster_rate *rate = c->r->rate;

	for (uint32_t i = 1; i < c->r->n_rates; i++)
		if (rate[i].key == rate[i - 1].key)
			report_fault(c, rate[i].place,
				     "rates: this prefix stands twice; remove one");
}

static void
check_trunks(struct check *c)
{
	const struct roster *r = c->r;
	uint32_t same = 0;
	struct addr ip;

	for (uint32_t i = 0; i < r->n_trunks; i++) {
		const struct roster_trunk *t = &r->trunk[i];

		if (!policy_id_valid(t->id))
			report_fault(c, t->place,
				     "\"%.*s\" is not an id; use up to %d letters, digits, '.', "
				     "'_', '-'",
				     STR_ARG(str_sub(t->id, 0, POLICY_ID_MAX)), POLICY_ID_MAX - 1);
		if (!trunk_host_valid(t->host) && addr_parse_ip(t->host, &ip) != ERR_OK)
			report_fault(
				c, t->place,
				"trunk \"%.*s\": \"%.*s\" is neither a host name nor an address",
				STR_ARG(t->id), STR_ARG(str_sub(t->host, 0, 64)));
		if (t->kind == TRUNK_CUSTOMER && !find_account(r, t->account))
			report_fault(c, t->place, "trunk \"%.*s\": no account \"%.*s\"",
				     STR_ARG(t->id), STR_ARG(t->account));
		same = i && t->kind == t[-1].kind && str_eq(t->account, t[-1].account) ? same + 1
										       : 0;
		if (t->kind == TRUNK_CUSTOMER && same == POLICY_ACCOUNT_TRUNKS_MAX)
			report_fault(c, t->place, "account \"%.*s\" has more than %d trunks",
				     STR_ARG(t->account), POLICY_ACCOUNT_TRUNKS_MAX);
		check_security(c, t);
		check_own_names(c, t);
		check_login(c, t);
		check_sense(c, t);
		check_texts(c, ROSTER_TRUNK, t, t->id, t->place);
	}
}

/* A name or id of a trunk, for finding what stands twice. */
struct check_name {
	struct str name;
	const struct roster_trunk *trunk;
};

static int
cmp_name(const void *a, const void *b)
{
	const struct check_name *x = a, *y = b;
	int c = str_cmp(x->name, y->name);

	return c ? c : (x->trunk > y->trunk) - (x->trunk < y->trunk);
}

static bool
zones_meet(const struct roster_trunk *a, const struct roster_trunk *b)
{
	return a->zone.len == 0 || b->zone.len == 0 || str_ieq(a->zone, b->zone);
}

/* Of one family: the same account, or one is the parent of the other, or both have one parent. */
static bool
is_kin(const struct check *c, const struct roster_trunk *t, const struct roster_trunk *u)
{
	const struct roster_account *a = find_account(c->r, t->account);
	const struct roster_account *b = find_account(c->r, u->account);

	return a && b &&
	       str_eq(a->parent.len ? a->parent : a->id, b->parent.len ? b->parent : b->id);
}

/* names: sorted. The same certificate name must not lead to two accounts. */
static void
check_names(struct check *c, const struct check_name *names, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct roster_trunk *t = names[i].trunk, *u = names[i - 1].trunk;

		if (str_eq(names[i].name, names[i - 1].name) && !is_kin(c, t, u) &&
		    zones_meet(t, u))
			report_fault(
				c, t->place,
				"\"%.*s\" is a name of account \"%.*s\" already; a certificate "
				"name selects exactly one account",
				STR_ARG(names[i].name), STR_ARG(u->account));
	}
}

/* ids: sorted. */
static void
check_ids(struct check *c, const struct check_name *ids)
{
	for (uint32_t i = 1; i < c->r->n_trunks; i++)
		if (str_eq(ids[i].name, ids[i - 1].name))
			report_fault(c, ids[i].trunk->place,
				     "trunk \"%.*s\" stands twice; give each its own id",
				     STR_ARG(ids[i].name));
}

/* hosts: of carriers, sorted. What comes in from a carrier is told apart by where it comes from. */
static void
check_hosts(struct check *c, const struct check_name *hosts, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k-- > 0 && str_eq(hosts[k].name, hosts[i].name);) {
			const struct roster_trunk *t = hosts[i].trunk, *u = hosts[k].trunk;

			if (t->port != u->port || t->transport != u->transport ||
			    !str_eq(t->listener, u->listener) || !(t->direction & TRUNK_IN) ||
			    !(u->direction & TRUNK_IN) || !t->enabled || !u->enabled)
				continue;
			report_old(c, t->place,
				   "carrier \"%.*s\" has the host and port of \"%.*s\": calls from "
				   "there could be of either; give one another port or listener, "
				   "or direction: out",
				   STR_ARG(t->id), STR_ARG(u->id));
			break;
		}
}

/* ids: sorted. NULL: there is none. */
static const struct roster_trunk *
find_trunk(const struct roster *r, const struct check_name *ids, struct str id)
{
	size_t lo = 0, hi = r->n_trunks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (str_cmp(ids[mid].name, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < r->n_trunks && str_eq(ids[lo].name, id) ? ids[lo].trunk : NULL;
}

static void
check_numbers(struct check *c, const struct check_name *ids)
{
	const struct roster *r = c->r;
	char text[NUMBER_SIZE];
	struct buf b;

	for (uint32_t i = 0; i < r->n_numbers; i++) {
		const struct roster_number *n = &r->number[i];
		const struct roster_trunk *t = find_trunk(r, ids, n->trunk);

		buf_init(&b, text, sizeof(text));
		number_key_put(&b, n->key);
		if (!t || t->kind != TRUNK_CUSTOMER)
			report_fault(c, n->place, "number %s: no customer trunk \"%.*s\"",
				     buf_cstr(&b), STR_ARG(n->trunk));
		if (i && n->key == n[-1].key)
			report_fault(c, n->place, "number %s stands twice; trunk \"%.*s\" has it",
				     buf_cstr(&b), STR_ARG(n[-1].trunk));
	}
}

/* ---- where calls go ---- */

static void
check_overflows(struct check *c, const struct check_name *ids)
{
	for (uint32_t i = 0; i < c->r->n_trunks; i++) {
		const struct roster_trunk *t = &c->r->trunk[i], *u;

		if (t->overflow.len == 0)
			continue;
		u = find_trunk(c->r, ids, t->overflow);
		if (!u || u == t || !str_eq(u->account, t->account))
			report_fault(c, t->place,
				     "trunk \"%.*s\": overflow \"%.*s\" is no other trunk of its "
				     "account%s",
				     STR_ARG(t->id), STR_ARG(t->overflow),
				     near_trunk(c, t->overflow, t->account).z);
	}
}

static bool
has_group(const struct roster *r, struct str name)
{
	for (uint32_t i = r->n_trunks; i > 0 && r->trunk[i - 1].kind == TRUNK_CARRIER; i--)
		if (str_eq(r->trunk[i - 1].group, name))
			return true;
	return false;
}

static void
check_targets(struct check *c, const struct roster_route *route, const struct check_name *ids)
{
	struct str to = route->to;

	while (to.len) {
		struct str word = str_cut(&to, ',');
		const struct roster_trunk *t = find_trunk(c->r, ids, word);

		if ((!t || t->kind != TRUNK_CARRIER) && !has_group(c->r, word))
			report_fault(c, route->place,
				     "route \"%.*s\": \"%.*s\" is neither a carrier nor a group of "
				     "carriers%s",
				     STR_ARG(route->id), STR_ARG(word),
				     near_trunk(c, word, STR_NULL).z);
	}
}

/* A group with the name of a carrier: a route could mean either. */
static void
check_groups(struct check *c, const struct check_name *ids)
{
	for (uint32_t i = 0; i < c->r->n_trunks; i++) {
		const struct roster_trunk *t = &c->r->trunk[i];

		if (t->group.len && find_trunk(c->r, ids, t->group))
			report_fault(c, t->place,
				     "carrier \"%.*s\": group \"%.*s\" is the id of a trunk; give "
				     "the group another name",
				     STR_ARG(t->id), STR_ARG(t->group));
	}
}

/* What is said of groups: once each, of carriers that there are. */
static void
check_group_rows(struct check *c)
{
	for (uint32_t i = 0; i < c->r->n_groups; i++) {
		const struct roster_group *g = &c->r->group[i];

		if (i && str_eq(g->id, g[-1].id))
			report_fault(c, g->place,
				     "group \"%.*s\" stands twice; give each its own id",
				     STR_ARG(g->id));
		if (!has_group(c->r, g->id))
			report_fault(
				c, g->place,
				"group \"%.*s\": no carrier is in it; write group: %.*s at its "
				"carriers",
				STR_ARG(g->id), STR_ARG(g->id));
	}
}

static int
cmp_route_id(const void *a, const void *b)
{
	const struct roster_route *const *x = a, *const *y = b;

	return str_cmp((*x)->id, (*y)->id);
}

static enum err
check_routes(struct check *c, const struct check_name *ids)
{
	const struct roster *r = c->r;
	const struct roster_route **by_id = mem_zalloc(r->n_routes + 1, sizeof(*by_id));

	if (!by_id)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < r->n_routes; i++) {
		const struct roster_route *route = by_id[i] = &r->route[i];

		if (route->account.len && !find_account(r, route->account))
			report_fault(c, route->place, "route \"%.*s\": no account \"%.*s\"%s",
				     STR_ARG(route->id), STR_ARG(route->account),
				     near_account(c, route->account).z);
		check_targets(c, route, ids);
	}
	sort_names(by_id, r->n_routes, sizeof(*by_id), cmp_route_id);
	for (uint32_t i = 1; i < r->n_routes; i++)
		if (str_eq(by_id[i]->id, by_id[i - 1]->id))
			report_fault(c, by_id[i]->place,
				     "route \"%.*s\" stands twice; give each its own id",
				     STR_ARG(by_id[i]->id));
	mem_free(by_id);
	return ERR_OK;
}

enum err
roster_check(struct roster *r, void (*on_fault)(void *arg, const struct roster_fault *f), void *arg,
	     uint32_t *n)
{
	struct check c = {.r = r, .on_fault = on_fault, .arg = arg};
	struct check_name *ids, *names, *hosts;
	size_t n_names = 0, n_hosts = 0;
	enum err e;

	roster_sort(r);
	ids = mem_zalloc(r->n_trunks + 1, sizeof(*ids));
	names = mem_zalloc((size_t)r->n_trunks * POLICY_TRUNK_NAMES_MAX + 1, sizeof(*names));
	hosts = mem_zalloc(r->n_trunks + 1, sizeof(*hosts));
	if (!ids || !names || !hosts) {
		mem_free(ids);
		mem_free(names);
		mem_free(hosts);
		return ERR_NOMEM;
	}
	for (uint32_t i = 0; i < r->n_trunks; i++) {
		const struct roster_trunk *t = &r->trunk[i];

		ids[i] = (struct check_name){t->id, t};
		if (t->kind == TRUNK_CARRIER)
			hosts[n_hosts++] = (struct check_name){t->host, t};
		if (!roster_trunk_named(t))
			continue;
		if (t->n_names == 0)
			names[n_names++] = (struct check_name){t->host, t};
		for (uint32_t k = 0; k < t->n_names; k++)
			names[n_names++] = (struct check_name){t->name[k], t};
	}
	sort_names(ids, r->n_trunks, sizeof(*ids), cmp_name);
	sort_names(names, n_names, sizeof(*names), cmp_name);
	sort_names(hosts, n_hosts, sizeof(*hosts), cmp_name);
	check_accounts(&c);
	check_trunks(&c);
	check_hosts(&c, hosts, n_hosts);
	check_ids(&c, ids);
	check_names(&c, names, n_names);
	check_numbers(&c, ids);
	check_rates(&c);
	check_overflows(&c, ids);
	check_groups(&c, ids);
	check_group_rows(&c);
	e = check_routes(&c, ids);
	mem_free(ids);
	mem_free(names);
	mem_free(hosts);
	if (e == ERR_OK)
		*n = c.n;
	return e;
}
