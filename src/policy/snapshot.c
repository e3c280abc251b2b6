#include "policy/snapshot.h"

#include <string.h>

struct str
snapshot_text(const struct snapshot_view *v, struct text t)
{
	return t.len ? str_of(v->text + t.off, t.len) : STR_NULL;
}

struct str
snapshot_name_domain(struct str name)
{
	return str_from_at(name, str_chr(name, '.') + 1);
}

int
snapshot_host_cmp(struct str a, struct str b)
{
	int c = str_cmp(snapshot_name_domain(a), snapshot_name_domain(b));

	return c ? c : str_cmp(a, b);
}

int
snapshot_range_cmp(const struct cidr *a, const struct cidr *b)
{
	if (a->net.family != b->net.family)
		return a->net.family < b->net.family ? -1 : 1;
	if (a->bits != b->bits)
		return a->bits > b->bits ? -1 : 1; /* longest first */
	return memcmp(a->net.ip, b->net.ip, sizeof(a->net.ip));
}

/* ---- checking ---- */

/* The rows of a table, NULL when it does not lie within the block. */
static const void *
table_rows(struct str bytes, struct snapshot_table t, size_t size)
{
	if (t.off % 8 || t.off < sizeof(struct snapshot_head) || t.off > bytes.len ||
	    t.n > (bytes.len - t.off) / size)
		return NULL;
	return bytes.p + t.off;
}

static bool
text_fits(const struct snapshot_view *v, struct text t, uint32_t max)
{
	return t.len < max && t.off <= v->text_len && t.len <= v->text_len - t.off;
}

static bool
ids_rise(const struct snapshot_view *v, struct text a, struct text b)
{
	return str_cmp(snapshot_text(v, a), snapshot_text(v, b)) < 0;
}

/* The members that the table of fields knows. */
static bool
check_fields(const struct snapshot_view *v, enum roster_kind k, const void *row)
{
	const struct field_table *table = field_table(k);

	for (unsigned i = 0; i < table->n; i++) {
		const struct field *f = &table->field[i];
		const char *at = (const char *)row + f->snap;
		struct text t;
		uint64_t n = 0;

		if (f->snap_size == 0)
			continue;
		if (field_is_text(f)) {
			memcpy(&t, at, sizeof(t));
			if (t.len < f->min || !text_fits(v, t, (uint32_t)f->max + 1))
				return false;
			continue;
		}
		memcpy(&n, at, f->snap_size);
		if (!field_u64_valid(f, n))
			return false;
	}
	return true;
}

static bool
check_account(const struct snapshot_view *v, uint32_t i)
{
	const struct account *a = &v->account[i];
	uint32_t p = a->parent_row;

	if (!check_fields(v, ROSTER_ACCOUNT, a) || !policy_id_valid(snapshot_text(v, a->id)))
		return false;
	if (a->n_trunks > POLICY_ACCOUNT_TRUNKS_MAX || a->first_trunk > v->first_carrier ||
	    a->n_trunks > v->first_carrier - a->first_trunk)
		return false;
	if (a->parent.len ? p >= v->n_accounts || p == i : p != POLICY_NONE)
		return false;
	for (uint32_t k = 0; k < a->n_trunks; k++)
		if (v->trunk[a->first_trunk + k].account != i)
			return false;
	return i == 0 || ids_rise(v, a[-1].id, a->id);
}

static bool
check_trunk(const struct snapshot_view *v, uint32_t i)
{
	const struct trunk *t = &v->trunk[i];
	bool customer = i < v->first_carrier;

	if (!check_fields(v, ROSTER_TRUNK, t) || !policy_id_valid(snapshot_text(v, t->id)) ||
	    t->kind != (customer ? TRUNK_CUSTOMER : TRUNK_CARRIER) ||
	    t->n_sources > POLICY_TRUNK_SOURCES_MAX)
		return false;
	if (!customer)
		return t->account == POLICY_NONE;
	return t->account < v->n_accounts && i >= v->account[t->account].first_trunk &&
	       i - v->account[t->account].first_trunk < v->account[t->account].n_trunks;
}

/* Trunks by id: each once, in rising order. */
static bool
check_ids(const struct snapshot_view *v)
{
	for (uint32_t i = 0; i < v->n_trunks; i++)
		if (v->by_id[i] >= v->n_trunks ||
		    (i && !ids_rise(v, v->trunk[v->by_id[i - 1]].id, v->trunk[v->by_id[i]].id)))
			return false;
	return true;
}

static bool
check_names(const struct snapshot_view *v)
{
	for (uint32_t i = 0; i < v->n_names; i++) {
		const struct snapshot_name *n = &v->name[i];
		int c = -1;

		if (n->trunk >= v->first_carrier || !text_fits(v, n->name, POLICY_HOST_MAX))
			return false;
		if (i)
			c = snapshot_host_cmp(snapshot_text(v, n[-1].name),
					      snapshot_text(v, n->name));
		if (c > 0 || (c == 0 && n[-1].trunk >= n->trunk))
			return false;
	}
	return true;
}

static bool
check_sources(const struct snapshot_view *v)
{
	for (uint32_t i = 0; i < v->n_sources; i++) {
		const struct snapshot_source *s = &v->source[i];
		const struct cidr *r = &s->range;
		int c = i ? snapshot_range_cmp(&s[-1].range, r) : -1;

		if (s->trunk >= v->n_trunks || (r->net.family != 4 && r->net.family != 6) ||
		    r->bits > (r->net.family == 4 ? 32 : 128))
			return false;
		if (c > 0 || (c == 0 && s[-1].trunk >= s->trunk))
			return false;
	}
	return true;
}

static bool
check_numbers(const struct snapshot_view *v)
{
	for (uint32_t i = 0; i < v->n_numbers; i++)
		if (v->number[i].trunk >= v->first_carrier ||
		    (i && v->number[i - 1].key >= v->number[i].key))
			return false;
	for (uint32_t i = 0; i < v->n_accounts; i++) {
		uint32_t row = v->account[i].number_row;

		if (row != POLICY_NONE &&
		    (row >= v->n_numbers || number_key_is_prefix(v->number[row].key) ||
		     v->trunk[v->number[row].trunk].account != i))
			return false;
	}
	return true;
}

static bool
check_rates(const struct snapshot_view *v)
{
	for (uint32_t i = 0; i < v->n_rates; i++)
		if (v->rate[i].increment_s == 0 || (i && v->rate[i - 1].key >= v->rate[i].key))
			return false;
	return true;
}

bool
snapshot_key_covers(uint64_t prefix, uint64_t key)
{
	static const uint64_t power[NUMBER_DIGITS_MAX + 1] = {1,
							      10,
							      100,
							      1000,
							      10000,
							      100000,
							      1000000,
							      10000000,
							      100000000,
							      1000000000,
							      10000000000,
							      100000000000,
							      1000000000000,
							      10000000000000,
							      100000000000000,
							      1000000000000000};
	unsigned digits = number_key_digits(prefix);
	uint64_t rest;

	if (prefix == 0)
		return true;
	if (digits > number_key_digits(key))
		return false;
	rest = power[NUMBER_DIGITS_MAX - digits];
	return number_key_value(prefix) / rest == number_key_value(key) / rest;
}

static bool
same_account(const struct snapshot_route *route, uint32_t i, uint32_t k)
{
	return route[i].account == route[k].account;
}

uint32_t
snapshot_route_up(const struct snapshot_route *route, uint32_t i)
{
	uint32_t k = i ? i - 1 : POLICY_NONE;

	if (k != POLICY_NONE && !same_account(route, i, k))
		return POLICY_NONE;
	if (k != POLICY_NONE && route[k].key == route[i].key)
		return route[k].up;
	while (k != POLICY_NONE && !snapshot_key_covers(route[k].key, route[i].key))
		k = route[k].up;
	return k;
}

/* One route, after those before it. */
static bool
check_route(const struct snapshot_view *v, uint32_t i)
{
	const struct snapshot_route *r = &v->route[i];

	if (!check_fields(v, ROSTER_ROUTE, r) ||
	    (r->account != POLICY_NONE && r->account >= v->n_accounts) ||
	    (r->key && !number_key_is_prefix(r->key)))
		return false;
	if (i &&
	    (r[-1].account > r->account || (r[-1].account == r->account && r[-1].key > r->key)))
		return false;
	return r->up == snapshot_route_up(v->route, i);
}

/* Routes, and which of them the accounts have. */
static bool
check_routes(struct snapshot_view *v)
{
	uint32_t i = 0;

	for (uint32_t k = 0; k < v->n_routes; k++)
		if (!check_route(v, k))
			return false;
	for (uint32_t a = 0; a < v->n_accounts; a++) {
		uint32_t first = i;

		while (i < v->n_routes && v->route[i].account == a)
			i++;
		if (v->account[a].n_routes != i - first ||
		    (i > first && v->account[a].first_route != first))
			return false;
	}
	v->first_shared = i;
	return true;
}

/* The rows of all tables. */
static bool
check_rows(struct snapshot_view *v)
{
	for (uint32_t i = 0; i < v->n_accounts; i++)
		if (!check_account(v, i))
			return false;
	for (uint32_t i = 0; i < v->n_trunks; i++)
		if (!check_trunk(v, i))
			return false;
	return check_ids(v) && check_names(v) && check_sources(v) && check_numbers(v) &&
	       check_rates(v) && check_routes(v);
}

enum err
snapshot_open(struct str bytes, struct snapshot_view *out)
{
	struct snapshot_head h;
	struct snapshot_view v = {0};

	if (bytes.len < sizeof(h))
		return ERR_SHORT;
	memcpy(&h, bytes.p, sizeof(h));
	if (h.magic != SNAPSHOT_MAGIC || h.layout != SNAPSHOT_LAYOUT)
		return ERR_VERSION;
	if (h.size != bytes.len || (uintptr_t)bytes.p % 8)
		return ERR_SYNTAX;
	v.account = table_rows(bytes, h.accounts, sizeof(*v.account));
	v.trunk = table_rows(bytes, h.trunks, sizeof(*v.trunk));
	v.by_id = table_rows(bytes, h.by_id, sizeof(*v.by_id));
	v.name = table_rows(bytes, h.names, sizeof(*v.name));
	v.source = table_rows(bytes, h.sources, sizeof(*v.source));
	v.number = table_rows(bytes, h.numbers, sizeof(*v.number));
	v.rate = table_rows(bytes, h.rates, sizeof(*v.rate));
	v.route = table_rows(bytes, h.routes, sizeof(*v.route));
	v.text = table_rows(bytes, h.text, 1);
	if (!v.account || !v.trunk || !v.by_id || !v.name || !v.source || !v.number || !v.rate ||
	    !v.route || !v.text || h.by_id.n != h.trunks.n || h.first_carrier > h.trunks.n ||
	    h.accounts.n > POLICY_ACCOUNTS_MAX || h.trunks.n > POLICY_TRUNKS_MAX ||
	    h.numbers.n > POLICY_NUMBERS_MAX || h.rates.n > POLICY_RATES_MAX ||
	    h.routes.n > POLICY_ROUTES_MAX)
		return ERR_SYNTAX;
	v.n_accounts = h.accounts.n;
	v.n_trunks = h.trunks.n;
	v.n_names = h.names.n;
	v.n_sources = h.sources.n;
	v.n_numbers = h.numbers.n;
	v.n_rates = h.rates.n;
	v.n_routes = h.routes.n;
	v.text_len = h.text.n;
	v.first_carrier = h.first_carrier;
	v.version = h.version;
	if (!check_rows(&v))
		return ERR_SYNTAX;
	*out = v;
	return ERR_OK;
}

/* ---- looking up ---- */

uint32_t
snapshot_account(const struct snapshot_view *v, struct str id)
{
	uint32_t lo = 0, hi = v->n_accounts;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(snapshot_text(v, v->account[mid].id), id);

		if (c == 0)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return POLICY_NONE;
}

uint32_t
snapshot_trunk(const struct snapshot_view *v, struct str id)
{
	uint32_t lo = 0, hi = v->n_trunks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(snapshot_text(v, v->trunk[v->by_id[mid]].id), id);

		if (c == 0)
			return v->by_id[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return POLICY_NONE;
}

static struct policy_id
copy_id(const struct snapshot_view *v, struct text t)
{
	struct policy_id id = {""};

	if (str_copyz(id.z, sizeof(id.z), snapshot_text(v, t)) != ERR_OK)
		id.z[0] = 0; /* cannot be: snapshot_open looked */
	return id;
}

struct policy_id
snapshot_account_id(const struct snapshot_view *v, uint32_t account)
{
	return account < v->n_accounts ? copy_id(v, v->account[account].id)
				       : (struct policy_id){""};
}

struct policy_id
snapshot_trunk_id(const struct snapshot_view *v, uint32_t trunk)
{
	return trunk < v->n_trunks ? copy_id(v, v->trunk[trunk].id) : (struct policy_id){""};
}

struct policy_id
snapshot_route_id(const struct snapshot_view *v, uint32_t route)
{
	return route < v->n_routes ? copy_id(v, v->route[route].id) : (struct policy_id){""};
}

/* Keys are the first member of the rows of numbers and of rates. */
static uint32_t
find_key(const void *rows, uint32_t n, size_t size, uint64_t key)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		uint64_t have;

		memcpy(&have, (const char *)rows + mid * size, sizeof(have));
		if (have == key)
			return mid;
		if (have < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return POLICY_NONE;
}

/* The row of this number: exact before longest prefix. */
static uint32_t
find_longest(const void *rows, uint32_t n, size_t size, struct str e164)
{
	char prefix[NUMBER_DIGITS_MAX + 2];
	uint64_t key;
	uint32_t row;

	if (number_key(e164, &key) != ERR_OK || e164.p[e164.len - 1] == '*')
		return POLICY_NONE;
	row = find_key(rows, n, size, key);
	memcpy(prefix, e164.p, e164.len);
	for (size_t len = e164.len; row == POLICY_NONE && len > 1; len--) {
		prefix[len] = '*';
		if (number_key(str_of(prefix, len + 1), &key) == ERR_OK)
			row = find_key(rows, n, size, key);
	}
	return row;
}

uint32_t
snapshot_number_trunk(const struct snapshot_view *v, struct str e164)
{
	uint32_t row = find_longest(v->number, v->n_numbers, sizeof(*v->number), e164);

	return row == POLICY_NONE ? POLICY_NONE : v->number[row].trunk;
}

bool
snapshot_account_number(const struct snapshot_view *v, uint32_t account, uint64_t *key)
{
	uint32_t row = v->account[account].number_row;

	if (row == POLICY_NONE)
		return false;
	*key = v->number[row].key;
	return true;
}

const struct snapshot_rate *
snapshot_rate(const struct snapshot_view *v, struct str e164)
{
	uint32_t row = find_longest(v->rate, v->n_rates, sizeof(*v->rate), e164);

	return row == POLICY_NONE ? NULL : &v->rate[row];
}

uint32_t
snapshot_route_longest(const struct snapshot_view *v, uint32_t first, uint32_t n, uint64_t key)
{
	uint32_t lo = first, hi = first + n, k;

	/* a prefix as long as the number itself has the number's key with the lowest bit set */
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->route[mid].key <= (key | 1))
			lo = mid + 1;
		else
			hi = mid;
	}
	k = lo > first ? lo - 1 : POLICY_NONE;
	while (k != POLICY_NONE && !snapshot_key_covers(v->route[k].key, key))
		k = v->route[k].up;
	return k;
}
