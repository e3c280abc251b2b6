#include "policy/identity.h"

#include <string.h>

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

/* ---- source ranges ---- */

/* A walk over the rows whose range holds an address, longest prefix first. */
struct walk {
	struct addr addr;
	uint32_t row, end; /* rows of the range in hand */
	uint32_t group;    /* first row of the next prefix length */
};

/* First row at or behind from that is not before key; after: that is behind it. */
static uint32_t
find_range(const struct snapshot_view *v, uint32_t from, const struct cidr *key, bool after)
{
	uint32_t lo = from, hi = v->n_sources;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = snapshot_range_cmp(&v->source[mid].range, key);

		if (c < 0 || (after && c == 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The next row that holds the address, POLICY_NONE at the end. */
static uint32_t
next_source(const struct snapshot_view *v, struct walk *w)
{
	while (w->row == w->end && w->group < v->n_sources) {
		struct cidr key = v->source[w->group].range;
		uint8_t bits = key.bits;

		memset(key.net.ip, 0xff, sizeof(key.net.ip));
		if (key.net.family != w->addr.family) {
			key.bits = 0; /* behind the whole family */
			w->group = find_range(v, w->group, &key, true);
			continue;
		}
		w->end = find_range(v, w->group, &key, true);
		memcpy(key.net.ip, w->addr.ip, sizeof(key.net.ip));
		for (unsigned bit = bits; bit < 128; bit++)
			key.net.ip[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		w->row = find_range(v, w->group, &key, false);
		w->group = w->end;
		w->end = find_range(v, w->row, &key, true);
	}
	return w->row < w->end ? w->row++ : POLICY_NONE;
}

/* Does one of trunk's own ranges hold this address? A TLS trunk without ranges takes any. */
static bool
source_fits(const struct snapshot_view *v, uint32_t trunk, const struct addr *source)
{
	struct walk w = {.addr = *source};
	uint32_t row;

	if (v->trunk[trunk].n_sources == 0)
		return v->trunk[trunk].transport == TRUNK_TLS;
	while ((row = next_source(v, &w)) != POLICY_NONE)
		if (v->source[row].trunk == trunk)
			return true;
	return false;
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

/* How far a trunk comes: the later in the list, the nearer to being accepted. */
static enum identity_reason
try_trunk(const struct search *s, uint32_t trunk)
{
	const struct trunk *t = &s->v->trunk[trunk];
	const struct account *a = &s->v->account[t->account];

	if (t->zone.len && !str_ieq(snapshot_text(s->v, t->zone), s->p->zone))
		return IDENTITY_ZONE;
	if (!source_fits(s->v, trunk, &s->p->source))
		return IDENTITY_SOURCE;
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
		[IDENTITY_ZONE] = 1,    [IDENTITY_SOURCE] = 2, [IDENTITY_DISABLED] = 3,
		[IDENTITY_TLS_OFF] = 4, [IDENTITY_OK] = 5,     [IDENTITY_AMBIGUOUS] = 6,
	};

	return rank[r];
}

/* A name of the snapshot that the certificate covers. */
static void
take_name(struct search *s, const struct snapshot_name *n)
{
	enum identity_reason r;
	uint32_t account = s->v->trunk[n->trunk].account;

	if (certpolicy_match(s->p->cert, snapshot_text(s->v, n->name)) == CERT_MATCH_NO)
		return;
	r = try_trunk(s, n->trunk);
	if (r == IDENTITY_OK && s->id.n_trunks && s->id.account != account) {
		s->other = account;
		r = IDENTITY_AMBIGUOUS;
	} else if (r == IDENTITY_OK) {
		s->id.account = account;
		add_trunk(&s->id, n->trunk);
	}
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

	for (uint32_t k = 0; k < s->p->cert->n_dns; k++) {
		struct str name = fold_name(s->p->cert->dns[k], mem);

		if (!str_starts(name, STR("*.")) || name.len < 4)
			continue;
		for (uint32_t i = 0; i < s->v->n_names && i < IDENTITY_NEAR_MAX; i++) {
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
	if (c->n_dns == 0 && !uri) {
		buf_z(why, identity_reason_text(IDENTITY_NO_NAME));
		return IDENTITY_NO_NAME;
	}
	if (!uri && find_near(s, &pattern, &have)) {
		buf_printf(why,
			   "the certificate is for %.*s, which does not cover %.*s: a wildcard "
			   "covers one label",
			   STR_ARG(pattern), STR_ARG(have));
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

	if (!why) {
		buf_init(&none, mem, sizeof(mem));
		why = &none;
	}
	for (uint32_t i = 0; i < p->cert->n_uri && s.reason != IDENTITY_AMBIGUOUS; i++)
		take_pattern(&s, certpolicy_uri_host(p->cert->uri[i]));
	for (uint32_t i = 0; i < p->cert->n_dns && s.reason != IDENTITY_AMBIGUOUS; i++)
		take_pattern(&s, p->cert->dns[i]);
	if (s.reason == IDENTITY_UNKNOWN)
		return explain_unknown(&s, why);
	if (s.reason != IDENTITY_OK) {
		explain_trunk(&s, why);
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

enum identity_reason
identity_of_source(const struct snapshot_view *v, enum trunk_kind kind,
		   enum trunk_transport transport, const struct addr *source, struct identity *out,
		   struct buf *why)
{
	enum identity_reason reason = IDENTITY_SOURCE;
	struct identity id = {.account = POLICY_NONE};
	struct walk w = {.addr = *source};
	uint32_t row, bits = 0;

	while ((row = next_source(v, &w)) != POLICY_NONE && reason != IDENTITY_AMBIGUOUS) {
		uint32_t i = v->source[row].trunk;
		const struct trunk *t = &v->trunk[i];
		bool customer = t->account != POLICY_NONE;

		if (t->kind != kind || t->transport != transport)
			continue;
		if (!t->enabled || (customer && !v->account[t->account].enabled)) {
			reason = reason == IDENTITY_SOURCE ? IDENTITY_DISABLED : reason;
			continue;
		}
		if (!customer) {
			add_carrier(v, &id, i, source->port);
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
	if (reason == IDENTITY_OK) {
		finish_identity(v, &id, out);
		return IDENTITY_OK;
	}
	if (why) {
		buf_printf(why, "no enabled %s trunk over %s has the source address ",
			   trunk_kind_name(kind), trunk_transport_name(transport));
		addr_put_ip(why, source, false);
	}
	return reason;
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
	for (uint32_t i = 0; i < n; i++)
		keep[i] = rq->source.family && v->trunk[set[i]].n_sources &&
			  source_fits(v, set[i], &rq->source);
	narrow_set(set, &n, keep);
	for (uint32_t i = 0; i < n; i++)
		keep[i] =
			rq->host.len && str_ieq(rq->host, snapshot_text(v, v->trunk[set[i]].host));
	narrow_set(set, &n, keep);
	owner = rq->calling.len ? snapshot_number_trunk(v, rq->calling) : POLICY_NONE;
	for (uint32_t i = 0; i < n; i++)
		keep[i] = set[i] == owner;
	narrow_set(set, &n, keep);
	return set[0];
}
