#include "policy/identity.h"

#include <string.h>

#include "base/guard.h"
#include "policy/source.h"

const char *
identity_reason_name(enum identity_reason r)
{
	static const char *const name[IDENTITY_REASON_N] = {
#define X(name, sentence) #name,
		IDENTITY_REASON_LIST(X)
#undef X
	};

	return (unsigned)r < IDENTITY_REASON_N ? name[r] : "?";
}

const char *
identity_reason_text(enum identity_reason r)
{
	static const char *const text[IDENTITY_REASON_N] = {
#define X(name, sentence) sentence,
		IDENTITY_REASON_LIST(X)
#undef X
	};

	return (unsigned)r < IDENTITY_REASON_N ? text[r] : "?";
}

/* ---- names ---- */

/* One question in hand: what was found so far. */
struct search {
	const struct snapshot_view *v;
	const struct identity_peer *p;
	struct identity id;
	enum identity_reason reason; /* of the trunk that came furthest */
	uint32_t about;              /* that trunk */
	uint32_t other;              /* account that makes it ambiguous */
};

/* certificate+address: its list, or what DNS says about its host. */
static enum identity_reason
try_address(const struct search *s, uint32_t trunk)
{
	struct str host = snapshot_text(s->v, s->v->trunk[trunk].host);
	enum addrbook_answer a = ADDRBOOK_UNKNOWN;
	struct addr ip;

	if (s->v->trunk[trunk].n_sources)
		return source_fits(s->v, trunk, &s->p->source) ? IDENTITY_OK : IDENTITY_SOURCE;
	if (addr_parse_ip(host, &ip) == ERR_OK)
		return addr_ip_eq(&ip, &s->p->source) ? IDENTITY_OK : IDENTITY_SOURCE;
	if (s->p->book)
		a = addrbook_has(s->p->book, host, &s->p->source, s->p->now_us);
	return a == ADDRBOOK_YES  ? IDENTITY_OK
	       : a == ADDRBOOK_NO ? IDENTITY_SOURCE
				  : IDENTITY_LOOKUP;
}

/* How far a trunk comes: the later in the list, the nearer to being accepted. */
static enum identity_reason
try_trunk(const struct search *s, uint32_t trunk)
{
	const struct trunk *t = &s->v->trunk[trunk];
	const struct account *a = &s->v->account[t->account];
	enum identity_reason r = IDENTITY_OK;

	if (t->zone.len && !str_ieq(snapshot_text(s->v, t->zone), s->p->zone))
		return IDENTITY_ZONE;
	if (t->listener.len && !str_eq(snapshot_text(s->v, t->listener), s->p->listener))
		return IDENTITY_LISTENER;
	if (t->identity == TRUNK_BY_CERTIFICATE_ADDRESS)
		r = try_address(s, trunk);
	else if (!source_fits(s->v, trunk, &s->p->source))
		r = IDENTITY_SOURCE;
	if (!GUARD(A4, r == IDENTITY_OK))
		return r;
	if (!t->enabled || !a->enabled)
		return IDENTITY_DISABLED;
	if (a->tls_srtp != TLS_SRTP_ON && a->tls_srtp != TLS_SRTP_READY)
		return IDENTITY_TLS_OFF;
	return IDENTITY_OK;
}

/* Into the set, in rising order, once. Its size is bounded by the trunks of one account. */
static void
add_trunk(struct identity *id, uint32_t trunk)
{
	uint32_t at = id->n_trunks;

	for (uint32_t i = 0; i < id->n_trunks; i++)
		if (id->trunk[i] == trunk)
			return;
	if (id->n_trunks == POLICY_ACCOUNT_TRUNKS_MAX)
		return;
	while (at > 0 && id->trunk[at - 1] > trunk) {
		id->trunk[at] = id->trunk[at - 1];
		at--;
	}
	id->trunk[at] = trunk;
	id->n_trunks++;
}

/* Steps towards acceptance, from the first to the last. */
static unsigned
reason_rank(enum identity_reason r)
{
	static const uint8_t rank[IDENTITY_REASON_N] = {
		[IDENTITY_BARRED] = 1,  [IDENTITY_ZONE] = 2,   [IDENTITY_LISTENER] = 3,
		[IDENTITY_SOURCE] = 4,  [IDENTITY_LOOKUP] = 5, [IDENTITY_DISABLED] = 6,
		[IDENTITY_TLS_OFF] = 7, [IDENTITY_OK] = 8,     [IDENTITY_AMBIGUOUS] = 9,
	};

	return rank[r];
}

/* The account that stands above this one, or itself. */
static uint32_t
family_of(const struct snapshot_view *v, uint32_t account)
{
	uint32_t parent = v->account[account].parent_row;

	return parent == POLICY_NONE ? account : parent;
}

/* A trunk that may be used: into the set, whose account is the one of all its trunks, or the
 * parent of several. */
static enum identity_reason
take_trunk(struct search *s, uint32_t trunk)
{
	uint32_t account = s->v->trunk[trunk].account;
	struct identity *id = &s->id;

	if (id->n_trunks && id->account != account) {
		if (!GUARD(A1, family_of(s->v, id->account) == family_of(s->v, account))) {
			s->other = id->account;
			return IDENTITY_AMBIGUOUS;
		}
		account = family_of(s->v, account);
	}
	id->account = account;
	add_trunk(id, trunk);
	return IDENTITY_OK;
}

unsigned
identity_names(const struct account *a)
{
	return (a->tls_wildcard ? 0 : CERT_NAMES_NO_WILDCARD) | (a->tls_cn ? CERT_NAMES_CN : 0);
}

/* A name of the snapshot that the certificate covers. */
static void
take_name(struct search *s, const struct snapshot_name *n)
{
	enum identity_reason r;
	const struct account *a = &s->v->account[s->v->trunk[n->trunk].account];
	unsigned rules = a->tls_cn ? CERT_NAMES_CN : 0;
	struct str have = snapshot_text(s->v, n->name);

	if (certpolicy_match_by(s->p->cert, have, rules) == CERT_MATCH_NO)
		return;
	if (!a->tls_wildcard &&
	    certpolicy_match_by(s->p->cert, have, rules | CERT_NAMES_NO_WILDCARD) == CERT_MATCH_NO)
		r = IDENTITY_BARRED;
	else
		r = try_trunk(s, n->trunk);
	if (r == IDENTITY_OK)
		r = take_trunk(s, n->trunk);
	if (reason_rank(r) > reason_rank(s->reason)) {
		s->reason = r;
		s->about = n->trunk;
	}
}

/* First name row whose (domain, name) is not before the given one. */
static uint32_t
find_name(const struct snapshot_view *v, struct str domain, struct str name)
{
	uint32_t lo = 0, hi = v->n_names;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		struct str have = snapshot_text(v, v->name[mid].name);
		int c = str_cmp(snapshot_name_domain(have), domain);

		if (c == 0)
			c = str_cmp(have, name);
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Lower case and without a final dot into mem; "" when it cannot be a name. */
static struct str
fold_name(struct str s, char mem[POLICY_HOST_MAX])
{
	if (s.len && s.p[s.len - 1] == '.')
		s.len--;
	if (s.len >= POLICY_HOST_MAX)
		return STR_NULL;
	for (size_t i = 0; i < s.len; i++)
		mem[i] = ascii_lower(s.p[i]);
	return str_of(mem, s.len);
}

/* All rows that one name of the certificate may cover; take_name has the last word. */
static void
take_pattern(struct search *s, struct str pattern)
{
	char mem[POLICY_HOST_MAX];
	struct str name = fold_name(pattern, mem);
	bool wild = str_starts(name, STR("*."));
	struct str domain = snapshot_name_domain(name);

	if (name.len == 0)
		return;
	for (uint32_t i = find_name(s->v, domain, wild ? STR_NULL : name); i < s->v->n_names; i++) {
		struct str have = snapshot_text(s->v, s->v->name[i].name);

		if (wild ? !str_eq(snapshot_name_domain(have), domain) : !str_eq(have, name))
			return;
		take_name(s, &s->v->name[i]);
		if (s->reason == IDENTITY_AMBIGUOUS)
			return;
	}
}

/* Does pattern, a wildcard, miss this name only because the label count is wrong? */
static bool
nearly_covers(struct str pattern, struct str have)
{
	return str_starts(pattern, STR("*.")) && have.len >= pattern.len - 2 &&
	       str_ends(have, str_from_at(pattern, 1 + (have.len == pattern.len - 2)));
}

/* A name of ours that a wildcard of the certificate would cover if it covered more labels. */
static bool
find_near(const struct search *s, struct str *pattern, struct str *have)
{
	char mem[POLICY_HOST_MAX];
	uint32_t looked = 0;

	for (uint32_t k = 0; k < s->p->cert->n_dns; k++) {
		struct str name = fold_name(s->p->cert->dns[k], mem);

		if (!str_starts(name, STR("*.")) || name.len < 4)
			continue;
		for (uint32_t i = 0; i < s->v->n_names && looked < IDENTITY_NEAR_MAX;
		     i++, looked++) {
			*have = snapshot_text(s->v, s->v->name[i].name);
			if (nearly_covers(name, *have)) {
				*pattern = s->p->cert->dns[k];
				return true;
			}
		}
	}
	return false;
}

/* No name of ours is covered: why not, as well as can be said. */
static enum identity_reason
explain_unknown(const struct search *s, struct buf *why)
{
	const struct cert_view *c = s->p->cert;
	struct str pattern, have;
	bool uri = false;

	for (uint32_t i = 0; i < c->n_uri; i++)
		uri = uri || certpolicy_uri_host(c->uri[i]).len;
	if (c->n_dns == 0 && !uri && certpolicy_odd_uri(c).len) {
		buf_z(why, "the certificate shows ");
		certpolicy_put_text(why, certpolicy_odd_uri(c));
		buf_z(why, ", which does not count: " CERT_ODD_URI);
		return IDENTITY_NO_NAME;
	}
	if (c->n_dns == 0 && !uri) {
		buf_z(why, identity_reason_text(IDENTITY_NO_NAME));
		return IDENTITY_NO_NAME;
	}
	if (!uri && find_near(s, &pattern, &have)) {
		buf_z(why, "the certificate is for ");
		certpolicy_put_text(why, pattern);
		buf_printf(why, ", which does not cover %.*s: a wildcard covers one label",
			   STR_ARG(have));
		return IDENTITY_WILDCARD;
	}
	buf_z(why, "no account has a name that the certificate shows: ");
	certpolicy_put_names(why, c);
	return IDENTITY_UNKNOWN;
}

/* A name fits, but its trunk may not be used so. */
static void
explain_trunk(const struct search *s, struct buf *why)
{
	const struct snapshot_view *v = s->v;
	const struct trunk *t = &v->trunk[s->about];
	struct str trunk = snapshot_text(v, t->id);
	struct str account = snapshot_text(v, v->account[t->account].id);

	buf_printf(why, "the certificate selects trunk %.*s of account %.*s, ", STR_ARG(trunk),
		   STR_ARG(account));
	switch (s->reason) {
	case IDENTITY_ZONE:
		buf_printf(why, "which uses zone %.*s, not %.*s",
			   STR_ARG(snapshot_text(v, t->zone)), STR_ARG(s->p->zone));
		break;
	case IDENTITY_SOURCE:
		buf_z(why, "which does not come from ");
		addr_put_ip(why, &s->p->source, false);
		break;
	case IDENTITY_LISTENER:
		buf_printf(why, "which uses listener %.*s only",
			   STR_ARG(snapshot_text(v, t->listener)));
		break;
	case IDENTITY_LOOKUP:
		buf_printf(why,
			   "whose addresses in DNS (%.*s) are not known yet; they are being asked "
			   "for, try again in some seconds",
			   STR_ARG(snapshot_text(v, t->host)));
		break;
	case IDENTITY_BARRED:
		buf_z(why, "which does not accept a wildcard; the certificate must show the name "
			   "itself: ");
		buf_str(why, snapshot_text(v, t->host));
		break;
	case IDENTITY_DISABLED:
		buf_printf(why, "but the %s is disabled", t->enabled ? "account" : "trunk");
		break;
	case IDENTITY_TLS_OFF:
		buf_printf(why, "whose tls_srtp is %s; it has to be ready or on",
			   tls_srtp_name((enum tls_srtp)v->account[t->account].tls_srtp));
		break;
	case IDENTITY_AMBIGUOUS:
		buf_printf(why, "and names of account %.*s as well",
			   STR_ARG(snapshot_text(v, v->account[s->other].id)));
		break;
	case IDENTITY_OK:
	case IDENTITY_NO_NAME:
	case IDENTITY_UNKNOWN:
	case IDENTITY_WILDCARD:
	case IDENTITY_REASON_N:
		break;
	}
}

/* Refused: whom it claims to be. */
static void
finish_claim(const struct snapshot_view *v, uint32_t trunk, struct identity *out)
{
	uint32_t account = v->trunk[trunk].account;

	if (account != POLICY_NONE)
		*out = (struct identity){.version = v->version,
					 .account = account,
					 .account_id = snapshot_account_id(v, account)};
}

static void
finish_identity(const struct snapshot_view *v, struct identity *id, struct identity *out)
{
	id->version = v->version;
	id->account_id = snapshot_account_id(v, id->account);
	*out = *id;
}

enum identity_reason
identity_of_peer(const struct snapshot_view *v, const struct identity_peer *p, struct identity *out,
		 struct buf *why)
{
	struct search s = {.v = v, .p = p, .reason = IDENTITY_UNKNOWN};
	char mem[IDENTITY_WHY_MAX];
	struct buf none;

	if (!p->cert)
		return identity_of_source(v,
					  &(struct identity_origin){.kind = TRUNK_CUSTOMER,
								    .transport = TRUNK_TLS,
								    .listener = p->listener,
								    .zone = p->zone,
								    .source = p->source},
					  out, why);
	if (!why) {
		buf_init(&none, mem, sizeof(mem));
		why = &none;
	}
	for (uint32_t i = 0; i < p->cert->n_uri && s.reason != IDENTITY_AMBIGUOUS; i++)
		take_pattern(&s, certpolicy_uri_host(p->cert->uri[i]));
	for (uint32_t i = 0; i < p->cert->n_dns && s.reason != IDENTITY_AMBIGUOUS; i++)
		take_pattern(&s, p->cert->dns[i]);
	/* looked at last, and only where nothing else stands: take_name asks the account */
	take_pattern(&s, certpolicy_common_name(p->cert));
	if (s.reason == IDENTITY_UNKNOWN)
		return explain_unknown(&s, why);
	if (s.reason != IDENTITY_OK) {
		explain_trunk(&s, why);
		if (s.reason != IDENTITY_AMBIGUOUS)
			finish_claim(v, s.about, out);
		return s.reason;
	}
	finish_identity(v, &s.id, out);
	return IDENTITY_OK;
}

/* ---- plain peers ---- */

/* Behind the carriers whose port is the peer's own, if this one's is not. */
static void
add_carrier(const struct snapshot_view *v, struct identity *id, uint32_t trunk, uint16_t port)
{
	bool first = v->trunk[trunk].port == port;
	uint32_t at = id->n_trunks;

	if (id->n_trunks == POLICY_ACCOUNT_TRUNKS_MAX)
		return;
	for (uint32_t i = 0; i < id->n_trunks; i++)
		if (id->trunk[i] == trunk)
			return;
	while (first && at > 0 && v->trunk[id->trunk[at - 1]].port != port) {
		id->trunk[at] = id->trunk[at - 1];
		at--;
	}
	id->trunk[at] = trunk;
	id->n_trunks++;
}

/* Is this row's trunk one that the origin may be? State is not asked. */
static bool
origin_fits(const struct snapshot_view *v, const struct trunk *t, const struct identity_origin *o)
{
	struct str listener = snapshot_text(v, t->listener);

	if (t->kind != o->kind || t->transport != o->transport ||
	    (listener.len && !GUARD(A4, str_eq(listener, o->listener))))
		return false;
	if (t->security == TRUNK_SEC_DEDICATED && listener.len == 0)
		return false;
	return o->transport != TRUNK_TLS ||
	       (t->identity == TRUNK_BY_ADDRESS &&
		(t->zone.len == 0 || str_ieq(snapshot_text(v, t->zone), o->zone)));
}

/* Of a row that fits: OK, or why it may not be used. */
static enum identity_reason
try_row(const struct snapshot_view *v, const struct trunk *t)
{
	const struct account *a = t->account == POLICY_NONE ? NULL : &v->account[t->account];

	if (!t->enabled || (a && !a->enabled))
		return IDENTITY_DISABLED;
	if (a && t->transport == TRUNK_TLS && a->tls_srtp != TLS_SRTP_ON &&
	    a->tls_srtp != TLS_SRTP_READY)
		return IDENTITY_TLS_OFF;
	return IDENTITY_OK;
}

/* No trunk: the sentence. */
static void
explain_source(const struct identity_origin *o, enum identity_reason reason, struct buf *why)
{
	if (o->transport == TRUNK_TLS)
		buf_z(why, "no certificate was shown, and ");
	if (reason == IDENTITY_DISABLED)
		buf_z(why, "the account or its trunk is switched off; ");
	if (reason == IDENTITY_TLS_OFF)
		buf_z(why, "the account's tls_srtp is not ready or on; ");
	buf_printf(why, "no enabled %s trunk over %s has the source address ",
		   trunk_kind_name(o->kind), trunk_transport_name(o->transport));
	addr_put_ip(why, &o->source, false);
	if (o->listener.len)
		buf_printf(why, " on listener %.*s", STR_ARG(o->listener));
}

enum identity_reason
identity_of_source(const struct snapshot_view *v, const struct identity_origin *from,
		   struct identity *out, struct buf *why)
{
	enum identity_reason reason = IDENTITY_SOURCE, r;
	struct identity id = {.account = POLICY_NONE};
	struct source_walk w = {.addr = from->source};
	uint32_t row, bits = 0, about = POLICY_NONE;

	while ((row = source_next(v, &w)) != POLICY_NONE && reason != IDENTITY_AMBIGUOUS) {
		uint32_t i = v->source[row].trunk;
		const struct trunk *t = &v->trunk[i];

		if (!origin_fits(v, t, from))
			continue;
		r = try_row(v, t);
		if (r != IDENTITY_OK) {
			about = reason == IDENTITY_SOURCE ? i : about;
			reason = reason == IDENTITY_SOURCE ? r : reason;
			continue;
		}
		if (t->account == POLICY_NONE) {
			add_carrier(v, &id, i, from->source.port);
		} else if (id.n_trunks && id.account != t->account) {
			if (v->source[row].range.bits == bits)
				reason = IDENTITY_AMBIGUOUS;
			continue; /* a shorter prefix of another account: not its peer */
		} else {
			id.account = t->account;
			bits = v->source[row].range.bits;
			add_trunk(&id, i);
		}
		reason = IDENTITY_OK;
	}
	if (reason == IDENTITY_OK)
		finish_identity(v, &id, out);
	else if (why)
		explain_source(from, reason, why);
	if ((reason == IDENTITY_DISABLED || reason == IDENTITY_TLS_OFF) && about != POLICY_NONE)
		finish_claim(v, about, out);
	return reason;
}

bool
identity_of_disabled(const struct snapshot_view *v, const struct identity_origin *from,
		     struct identity *out)
{
	struct source_walk w = {.addr = from->source};
	uint32_t row;

	while ((row = source_next(v, &w)) != POLICY_NONE) {
		const struct trunk *t = &v->trunk[v->source[row].trunk];

		if (!origin_fits(v, t, from))
			continue;
		*out = (struct identity){.version = v->version,
					 .account = t->account,
					 .account_id = snapshot_account_id(v, t->account)};
		return true;
	}
	return false;
}

/* ---- one trunk of a peer ---- */

/* Keep those of set that are marked, unless that would be none. */
static void
narrow_set(uint32_t *set, uint32_t *n, const bool *keep)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < *n; i++)
		kept += keep[i];
	if (kept == 0)
		return;
	kept = 0;
	for (uint32_t i = 0; i < *n; i++)
		if (keep[i])
			set[kept++] = set[i];
	*n = kept;
}

/* The trunk of a child that this number belongs to; the child's own conditions hold. */
static uint32_t
find_child(const struct snapshot_view *v, uint32_t parent, const struct identity_request *rq)
{
	uint32_t i = rq->calling.len ? snapshot_number_trunk(v, rq->calling) : POLICY_NONE;
	const struct trunk *t = i == POLICY_NONE ? NULL : &v->trunk[i];

	if (!t || v->account[t->account].parent_row != parent || !t->enabled ||
	    !v->account[t->account].enabled || t->transport != TRUNK_TLS)
		return POLICY_NONE;
	if (t->n_sources && rq->source.family && !source_fits(v, i, &rq->source))
		return POLICY_NONE;
	if (t->zone.len && rq->zone.len && !str_ieq(snapshot_text(v, t->zone), rq->zone))
		return POLICY_NONE;
	return i;
}

/* Does what was asked for name this trunk: its own host, or the zone that it uses? */
static bool
host_fits(const struct snapshot_view *v, const struct trunk *t, const struct identity_request *rq)
{
	struct str zone = snapshot_text(v, t->zone);

	return (rq->host.len &&
		(str_ieq(rq->host, snapshot_text(v, t->host)) || str_ieq(rq->host, zone))) ||
	       (zone.len && str_ieq(rq->zone, zone));
}

/* The first of a set; of a parent's set the first of its own. */
static uint32_t
pick_default(const struct snapshot_view *v, const struct identity *id, const uint32_t *set,
	     uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (v->trunk[set[i]].account == id->account)
			return set[i];
	return n == 1 ? set[0] : POLICY_NONE;
}

uint32_t
identity_pick(const struct snapshot_view *v, const struct identity *id,
	      const struct identity_request *rq)
{
	uint32_t set[POLICY_ACCOUNT_TRUNKS_MAX], n = 0, owner;
	bool keep[POLICY_ACCOUNT_TRUNKS_MAX];

	for (uint32_t i = 0; i < id->n_trunks && i < POLICY_ACCOUNT_TRUNKS_MAX; i++)
		if (id->trunk[i] < v->n_trunks)
			set[n++] = id->trunk[i];
	if (n == 0)
		return POLICY_NONE;
	if (id->account < v->n_accounts) {
		owner = find_child(v, id->account, rq);
		if (owner != POLICY_NONE)
			return owner;
	}
	for (uint32_t i = 0; i < n; i++)
		keep[i] = rq->source.family && v->trunk[set[i]].n_sources &&
			  source_fits(v, set[i], &rq->source);
	narrow_set(set, &n, keep);
	for (uint32_t i = 0; i < n; i++)
		keep[i] = host_fits(v, &v->trunk[set[i]], rq);
	narrow_set(set, &n, keep);
	owner = rq->calling.len ? snapshot_number_trunk(v, rq->calling) : POLICY_NONE;
	for (uint32_t i = 0; i < n; i++)
		keep[i] = set[i] == owner;
	narrow_set(set, &n, keep);
	return pick_default(v, id, set, n);
}

uint32_t
identity_pick_disabled(const struct snapshot_view *v, const struct policy_id *account,
		       enum trunk_transport transport, const struct addr *source)
{
	uint32_t a = account->z[0] ? snapshot_account(v, str_from(account->z)) : POLICY_NONE;
	uint32_t found = POLICY_NONE;

	for (uint32_t k = 0; a != POLICY_NONE && k < v->account[a].n_trunks; k++) {
		uint32_t i = v->account[a].first_trunk + k;

		if (v->trunk[i].transport != transport)
			continue;
		if (v->trunk[i].n_sources && source_fits(v, i, source))
			return i;
		if (found == POLICY_NONE)
			found = i;
	}
	return found;
}

bool
identity_speaks_for(const struct snapshot_view *v, const struct policy_id *who,
		    const struct policy_id *account)
{
	uint32_t a;

	if (strcmp(who->z, account->z) == 0)
		return true;
	if (!v || !who->z[0] || !account->z[0])
		return false;
	a = snapshot_account(v, str_from(account->z));
	return a != POLICY_NONE && str_eqz(snapshot_text(v, v->account[a].parent), who->z);
}
