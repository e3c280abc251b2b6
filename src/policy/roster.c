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
	mem_free(r->group);
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
	[ROSTER_GROUP] = PLACE(group, groups, POLICY_GROUPS_MAX),
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

enum err
roster_add_group(struct roster *r, struct roster_group **out)
{
	return roster_add(r, ROSTER_GROUP, (void **)out);
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

void
roster_filter(struct roster *r, enum roster_kind k, bool (*on_row)(void *arg, const void *row),
	      void *arg)
{
	size_t size = field_table(k)->row_size;
	uint32_t *n = count_at(r, places[k].n), kept = 0;
	char *rows;

	memcpy(&rows, (char *)r + places[k].rows, sizeof(rows));
	for (uint32_t i = 0; i < *n; i++)
		if (on_row(arg, rows + i * size))
			memmove(rows + kept++ * size, rows + i * size, size);
	*n = kept;
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

const struct roster_rate *
roster_rate_of(const struct roster *r, struct str pattern)
{
	const struct roster_rate *best = NULL;

	if (str_ends(pattern, STR("*")))
		pattern.len--;
	for (uint32_t i = 0; i < r->n_rates; i++)
		if (covers(r->rate[i].key, pattern) &&
		    (!best || number_key_digits(r->rate[i].key) > number_key_digits(best->key)))
			best = &r->rate[i];
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
bool
roster_was_milder(const struct field *f)
{
	return f->type == FIELD_TEXT || f->type == FIELD_DIALLED || f->type == FIELD_HOST;
}

/* What older releases took: any line of a text, of digits and signs, any address as a host. */
bool
roster_old_valid(const struct field *f, struct str s)
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

	if (e != ERR_SYNTAX || !roster_was_milder(f) || !roster_old_valid(f, s))
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

static int
cmp_group(const void *a, const void *b)
{
	const struct roster_group *x = a, *y = b;

	return str_cmp(x->id, y->id);
}

const struct roster_group *
roster_group_of(const struct roster *r, struct str id)
{
	struct roster_group key = {.id = id};

	return r->n_groups ? bsearch(&key, r->group, r->n_groups, sizeof(key), cmp_group) : NULL;
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
	sort_rows(r->group, r->n_groups, sizeof(*r->group), cmp_group);
}

bool
roster_trunk_named(const struct roster_trunk *t)
{
	return t->kind == TRUNK_CUSTOMER && t->transport == TRUNK_TLS &&
	       t->identity != TRUNK_BY_ADDRESS;
}
