#include "policy/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BLOCK_SIZE = 65536, FIRST_CAP = 64 };

struct roster_block {
	struct roster_block *next;
	size_t used, cap;
	char bytes[];
};

void
roster_init(struct roster *r)
{
	memset(r, 0, sizeof(*r));
}

void
roster_fini(struct roster *r)
{
	while (r->text) {
		struct roster_block *next = r->text->next;

		mem_free(r->text);
		r->text = next;
	}
	mem_free(r->account);
	mem_free(r->trunk);
	mem_free(r->number);
	mem_free(r->rate);
	mem_free(r->route);
	roster_init(r);
}

enum err
roster_text(struct roster *r, struct str s, struct str *out)
{
	struct roster_block *b = r->text;

	if (s.len == 0) {
		*out = STR_NULL;
		return ERR_OK;
	}
	if (!b || b->cap - b->used < s.len) {
		size_t cap = s.len > BLOCK_SIZE ? s.len : BLOCK_SIZE;

		b = mem_zalloc(1, sizeof(*b) + cap);
		if (!b)
			return ERR_NOMEM;
		b->cap = cap;
		b->next = r->text;
		r->text = b;
	}
	memcpy(b->bytes + b->used, s.p, s.len);
	*out = str_of(b->bytes + b->used, s.len);
	b->used += s.len;
	return ERR_OK;
}

/* Room for one more of *n entries in *rows; the new place is zeroed. */
static enum err
make_room(void **rows, uint32_t *n, uint32_t *cap, uint32_t max, size_t size)
{
	if (*n >= max)
		return ERR_FULL;
	if (*n == *cap) {
		uint32_t bigger = *cap ? *cap * 2 : FIRST_CAP;
		void *p = mem_resize(*rows, bigger, size);

		if (!p)
			return ERR_NOMEM;
		*rows = p;
		*cap = bigger;
	}
	memset((char *)*rows + (size_t)*n * size, 0, size);
	(*n)++;
	return ERR_OK;
}

/* Where a kind's rows, their number and the room for them stand in the roster. */
static const struct {
	size_t rows, n, cap;
	uint32_t max;
} places[ROSTER_KIND_N] = {
#define PLACE(row, s, max)                                                                         \
	{                                                                                          \
		offsetof(struct roster, row), offsetof(struct roster, n_##s),                      \
			offsetof(struct roster, cap_##s), max                                      \
	}
	[ROSTER_ACCOUNT] = PLACE(account, accounts, POLICY_ACCOUNTS_MAX),
	[ROSTER_TRUNK] = PLACE(trunk, trunks, POLICY_TRUNKS_MAX),
	[ROSTER_NUMBER] = PLACE(number, numbers, POLICY_NUMBERS_MAX),
	[ROSTER_RATE] = PLACE(rate, rates, POLICY_RATES_MAX),
	[ROSTER_ROUTE] = PLACE(route, routes, POLICY_ROUTES_MAX),
#undef PLACE
};

static uint32_t *
count_at(struct roster *r, size_t at)
{
	return (uint32_t *)(void *)((char *)r + at);
}

enum err
roster_add(struct roster *r, enum roster_kind k, void **out)
{
	size_t size = field_table(k)->row_size;
	uint32_t *n = count_at(r, places[k].n);
	char *at = (char *)r + places[k].rows;
	void *rows;
	enum err e;

	memcpy(&rows, at, sizeof(rows));
	e = make_room(&rows, n, count_at(r, places[k].cap), places[k].max, size);
	memcpy(at, &rows, sizeof(rows));
	if (e != ERR_OK)
		return e;
	*out = (char *)rows + (size_t)(*n - 1) * size;
	field_defaults(k, *out);
	return ERR_OK;
}

enum err
roster_add_account(struct roster *r, struct roster_account **out)
{
	return roster_add(r, ROSTER_ACCOUNT, (void **)out);
}

enum err
roster_add_trunk(struct roster *r, struct roster_trunk **out)
{
	return roster_add(r, ROSTER_TRUNK, (void **)out);
}

enum err
roster_add_number(struct roster *r, struct roster_number **out)
{
	return roster_add(r, ROSTER_NUMBER, (void **)out);
}

enum err
roster_add_rate(struct roster *r, struct roster_rate **out)
{
	return roster_add(r, ROSTER_RATE, (void **)out);
}

enum err
roster_add_route(struct roster *r, struct roster_route **out)
{
	return roster_add(r, ROSTER_ROUTE, (void **)out);
}

uint32_t
roster_count(const struct roster *r, enum roster_kind k)
{
	return *(const uint32_t *)(const void *)((const char *)r + places[k].n);
}

const void *
roster_row(const struct roster *r, enum roster_kind k, uint32_t i)
{
	const char *rows;

	memcpy(&rows, (const char *)r + places[k].rows, sizeof(rows));
	return rows + i * field_table(k)->row_size;
}

/* Is key the key of a prefix that s begins with? */
static bool
covers(uint64_t key, struct str s)
{
	char mem[NUMBER_SIZE];
	struct buf b;

	buf_init(&b, mem, sizeof(mem) - 1);
	number_key_put(&b, key);
	return mem[b.len - 1] == '*' && str_starts(s, str_of(mem, b.len - 1));
}

const struct roster_number *
roster_number_of(const struct roster *r, struct str pattern)
{
	const struct roster_number *best = NULL;
	uint64_t key;

	if (number_key(pattern, &key) != ERR_OK)
		return NULL;
	for (uint32_t i = 0; i < r->n_numbers; i++) {
		const struct roster_number *n = &r->number[i];

		if (n->key == key)
			return n;
		if ((!best || number_key_digits(n->key) > number_key_digits(best->key)) &&
		    covers(n->key, pattern))
			best = n;
	}
	return best;
}

static enum err
set_names(struct roster *r, struct roster_trunk *t, struct str s)
{
	enum err e = ERR_OK;

	for (t->n_names = 0; e == ERR_OK && s.len; t->n_names++) {
		if (t->n_names == POLICY_TRUNK_NAMES_MAX)
			return ERR_LONG;
		e = roster_text(r, str_cut(&s, ' '), &t->name[t->n_names]);
	}
	return e;
}

static enum err
set_sources(struct roster_trunk *t, struct str s)
{
	enum err e = ERR_OK;

	for (t->n_sources = 0; e == ERR_OK && s.len; t->n_sources++) {
		if (t->n_sources == POLICY_TRUNK_SOURCES_MAX)
			return ERR_LONG;
		e = cidr_parse(str_cut(&s, ' '), &t->source[t->n_sources]);
	}
	return e;
}

enum err
roster_set(struct roster *r, const struct field *f, void *row, struct str s)
{
	uint64_t v;
	enum err e;

	if (f->type == FIELD_NAMES)
		return set_names(r, row, s);
	if (f->type == FIELD_SOURCES)
		return set_sources(row, s);
	if (!field_is_text(f)) {
		e = field_parse(f, s, &v);
		if (e == ERR_OK)
			field_set_u64(f, row, v);
		return e;
	}
	e = field_text_valid(f, s);
	if (e == ERR_OK)
		e = roster_text(r, s, &s);
	if (e == ERR_OK)
		field_set_text(f, row, s);
	return e;
}

/* Types of texts that were judged more mildly before; nothing in a snapshot depends on their form.
 */
static bool
was_milder(const struct field *f)
{
	return f->type == FIELD_TEXT || f->type == FIELD_DIALLED || f->type == FIELD_HOST;
}

/* What older releases took: any line of a text, of digits and signs, any address as a host. */
static bool
old_valid(const struct field *f, struct str s)
{
	struct addr ip;

	if (f->type == FIELD_HOST)
		return addr_parse_ip(s, &ip) == ERR_OK;
	for (size_t i = 0; i < s.len; i++)
		if (f->type == FIELD_DIALLED ? !strchr("0123456789+*#", s.p[i]) : s.p[i] != ' ')
			return false;
	return s.len > 0 && s.len <= f->max;
}

enum err
roster_keep(struct roster *r, const struct field *f, void *row, struct str s)
{
	enum err e = roster_set(r, f, row, s);

	if (e != ERR_SYNTAX || !was_milder(f) || !old_valid(f, s))
		return e;
	e = roster_text(r, s, &s);
	if (e == ERR_OK)
		field_set_text(f, row, s);
	return e;
}

static int
cmp_account(const void *a, const void *b)
{
	const struct roster_account *x = a, *y = b;

	return str_cmp(x->id, y->id);
}

static int
cmp_trunk(const void *a, const void *b)
{
	const struct roster_trunk *x = a, *y = b;
	int c;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	c = str_cmp(x->account, y->account);
	if (c == 0 && x->order != y->order)
		c = x->order < y->order ? -1 : 1;
	return c ? c : str_cmp(x->id, y->id);
}

static int
cmp_number(const void *a, const void *b)
{
	const struct roster_number *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return str_cmp(x->trunk, y->trunk);
}

static int
cmp_rate(const void *a, const void *b)
{
	const struct roster_rate *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

/* Those of one account together, those of all behind them. */
static int
cmp_route(const void *a, const void *b)
{
	const struct roster_route *x = a, *y = b;
	int c;

	if ((x->account.len == 0) != (y->account.len == 0))
		return x->account.len == 0 ? 1 : -1;
	c = str_cmp(x->account, y->account);
	if (c == 0)
		c = (x->key > y->key) - (x->key < y->key);
	return c ? c : str_cmp(x->id, y->id);
}

static void
sort_rows(void *rows, size_t n, size_t size, int (*do_cmp)(const void *, const void *))
{
	if (n > 1)
		qsort(rows, n, size, do_cmp);
}

void
roster_sort(struct roster *r)
{
	sort_rows(r->account, r->n_accounts, sizeof(*r->account), cmp_account);
	sort_rows(r->trunk, r->n_trunks, sizeof(*r->trunk), cmp_trunk);
	sort_rows(r->number, r->n_numbers, sizeof(*r->number), cmp_number);
	sort_rows(r->rate, r->n_rates, sizeof(*r->rate), cmp_rate);
	sort_rows(r->route, r->n_routes, sizeof(*r->route), cmp_route);
}

/* The state of one check. */
struct check {
	struct roster *r;
	void (*on_fault)(void *arg, const struct roster_fault *f);
	void *arg;
	uint32_t n;
};

static void
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

/* Texts that roster_set would not take, of a row with this id. */
static void
check_texts(struct check *c, enum roster_kind k, const void *row, struct str id, uint32_t place)
{
	const struct field_table *t = field_table(k);

	for (unsigned i = 0; i < t->n; i++) {
		const struct field *f = &t->field[i];
		struct str s = was_milder(f) ? field_text(f, row) : STR_NULL;

		if (s.len && field_text_valid(f, s) != ERR_OK && old_valid(f, s))
			report_old(c, place, "%s \"%.*s\": %s \"%.*s\" cannot be meant; %s",
				   t->name, STR_ARG(id), f->name, STR_ARG(str_sub(s, 0, 64)),
				   f->help);
	}
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
		report_fault(c, a->place, "no account \"%.*s\" to be the parent",
			     STR_ARG(a->parent));
	else if (p && (p == a || p->parent.len))
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

static void
check_security(struct check *c, const struct roster_trunk *t)
{
	bool tls = t->transport == TRUNK_TLS;

	if (t->security == TRUNK_SEC_REQUIRED && !tls)
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
	if (t->security == TRUNK_SEC_DEDICATED)
		check_dedicated(c, t);
}

bool
roster_trunk_named(const struct roster_trunk *t)
{
	return t->kind == TRUNK_CUSTOMER && t->transport == TRUNK_TLS &&
	       t->identity != TRUNK_BY_ADDRESS;
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
				     "account",
				     STR_ARG(t->id), STR_ARG(t->overflow));
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
				     "carriers",
				     STR_ARG(route->id), STR_ARG(word));
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
			report_fault(c, route->place, "route \"%.*s\": no account \"%.*s\"",
				     STR_ARG(route->id), STR_ARG(route->account));
		check_targets(c, route, ids);
	}
	qsort(by_id, r->n_routes, sizeof(*by_id), cmp_route_id);
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
	sort_rows(ids, r->n_trunks, sizeof(*ids), cmp_name);
	sort_rows(names, n_names, sizeof(*names), cmp_name);
	sort_rows(hosts, n_hosts, sizeof(*hosts), cmp_name);
	check_accounts(&c);
	check_trunks(&c);
	check_hosts(&c, hosts, n_hosts);
	check_ids(&c, ids);
	check_names(&c, names, n_names);
	check_numbers(&c, ids);
	check_rates(&c);
	check_overflows(&c, ids);
	check_groups(&c, ids);
	e = check_routes(&c, ids);
	mem_free(ids);
	mem_free(names);
	mem_free(hosts);
	if (e == ERR_OK)
		*n = c.n;
	return e;
}
