#include "policy/snapbuild.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The block while it is written. Counts were taken before, so that rows always fit. */
struct build {
	char *p;
	struct snapshot_head *head;
	struct account *account;
	struct trunk *trunk;
	uint32_t *by_id;
	struct snapshot_name *name;
	struct snapshot_source *source;
	struct snapshot_number *number;
	struct snapshot_rate *rate;
	struct snapshot_route *route;
	char *text;
	uint32_t text_used;
	const struct roster *r;
};

static int
cmp_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* qsort has no argument: the text area of the build in hand. One thread builds at a time. */
static _Thread_local const struct build *sorting;

static struct str
build_text(const struct build *b, struct text t)
{
	return t.len ? str_of(b->text + t.off, t.len) : STR_NULL;
}

static struct text
put_text(struct build *b, struct str s)
{
	struct text t = {b->text_used, (uint32_t)s.len};

	if (s.len)
		memcpy(b->text + b->text_used, s.p, s.len);
	b->text_used += (uint32_t)s.len;
	return t;
}

static int
cmp_by_id(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return str_cmp(build_text(sorting, sorting->trunk[*x].id),
		       build_text(sorting, sorting->trunk[*y].id));
}

static int
cmp_name(const void *a, const void *b)
{
	const struct snapshot_name *x = a, *y = b;
	int c = snapshot_host_cmp(build_text(sorting, x->name), build_text(sorting, y->name));

	return c ? c : cmp_u32(x->trunk, y->trunk);
}

static int
cmp_source(const void *a, const void *b)
{
	const struct snapshot_source *x = a, *y = b;
	int c = snapshot_range_cmp(&x->range, &y->range);

	return c ? c : cmp_u32(x->trunk, y->trunk);
}

/* Place a table of n rows at *at; moves *at behind it. */
static struct snapshot_table
place_table(uint64_t *at, uint64_t n, size_t size)
{
	struct snapshot_table t = {(uint32_t)*at, (uint32_t)n};

	*at = (*at + n * size + 7) & ~7ULL;
	return t;
}

/* Bytes of all texts of the rows of a kind that go into the snapshot. */
static uint64_t
text_size(const struct roster *r, enum roster_kind k)
{
	const struct field_table *t = field_table(k);
	uint64_t n = 0;

	for (uint32_t i = 0; i < roster_count(r, k); i++)
		for (unsigned m = 0; m < t->n; m++)
			if (t->field[m].snap_size && field_is_text(&t->field[m]))
				n += field_text(&t->field[m], roster_row(r, k, i)).len;
	return n;
}

static uint64_t
names_size(const struct roster_trunk *t)
{
	uint64_t n = t->n_names ? 0 : t->host.len;

	for (uint32_t k = 0; k < t->n_names; k++)
		n += t->name[k].len;
	return n;
}

/* The statuses of a carrier, or of its group where it has none. */
static struct str
hunt_of(const struct roster_trunk *t, const struct roster_group *g)
{
	return t->hunt.len || !g ? t->hunt : g->hunt;
}

static struct str
stop_of(const struct roster_trunk *t, const struct roster_group *g)
{
	return t->stop.len || !g ? t->stop : g->stop;
}

static const struct roster_group *
group_of(const struct roster *r, const struct roster_trunk *t)
{
	return t->group.len ? roster_group_of(r, t->group) : NULL;
}

/* Bytes of what a trunk has of its group. */
static uint64_t
group_size(const struct roster *r, const struct roster_trunk *t)
{
	const struct roster_group *g = group_of(r, t);

	return hunt_of(t, g).len - t->hunt.len + stop_of(t, g).len - t->stop.len;
}

/* Sizes, places and the memory of the block. */
static enum err
start_build(struct build *b, const struct roster *r)
{
	struct snapshot_head h = {.magic = SNAPSHOT_MAGIC, .layout = SNAPSHOT_LAYOUT};
	uint64_t at = sizeof(h), n_names = 0, n_sources = 0;
	uint64_t text = text_size(r, ROSTER_ACCOUNT) + text_size(r, ROSTER_TRUNK) +
			text_size(r, ROSTER_ROUTE);

	for (uint32_t i = 0; i < r->n_trunks; i++) {
		const struct roster_trunk *t = &r->trunk[i];

		h.first_carrier += t->kind == TRUNK_CUSTOMER;
		n_sources += t->n_sources;
		text += names_size(t) + group_size(r, t);
		if (roster_trunk_named(t))
			n_names += t->n_names ? t->n_names : 1;
	}
	h.version = r->version;
	h.accounts = place_table(&at, r->n_accounts, sizeof(*b->account));
	h.trunks = place_table(&at, r->n_trunks, sizeof(*b->trunk));
	h.by_id = place_table(&at, r->n_trunks, sizeof(*b->by_id));
	h.names = place_table(&at, n_names, sizeof(*b->name));
	h.sources = place_table(&at, n_sources, sizeof(*b->source));
	h.numbers = place_table(&at, r->n_numbers, sizeof(*b->number));
	h.rates = place_table(&at, r->n_rates, sizeof(*b->rate));
	h.routes = place_table(&at, r->n_routes, sizeof(*b->route));
	h.text = place_table(&at, text, 1);
	if (at > UINT32_MAX)
		return ERR_FULL;
	h.size = at;
	b->r = r;
	b->p = mem_zalloc(1, at);
	if (!b->p)
		return ERR_NOMEM;
	memcpy(b->p, &h, sizeof(h));
	b->head = (void *)b->p;
	b->account = (void *)(b->p + h.accounts.off);
	b->trunk = (void *)(b->p + h.trunks.off);
	b->by_id = (void *)(b->p + h.by_id.off);
	b->name = (void *)(b->p + h.names.off);
	b->source = (void *)(b->p + h.sources.off);
	b->number = (void *)(b->p + h.numbers.off);
	b->rate = (void *)(b->p + h.rates.off);
	b->route = (void *)(b->p + h.routes.off);
	b->text = b->p + h.text.off;
	return ERR_OK;
}

/* The members of a row that the snapshot has. */
static void
put_fields(struct build *b, enum roster_kind k, const void *from, void *to)
{
	const struct field_table *table = field_table(k);

	for (unsigned i = 0; i < table->n; i++) {
		const struct field *f = &table->field[i];
		struct text t;
		uint64_t v;

		if (f->snap_size == 0)
			continue;
		if (field_is_text(f)) {
			t = put_text(b, field_text(f, from));
			memcpy((char *)to + f->snap, &t, sizeof(t));
		} else {
			v = field_u64(f, from);
			memcpy((char *)to + f->snap, &v, f->snap_size);
		}
	}
}

static uint32_t
find_account(const struct roster *r, struct str id)
{
	uint32_t lo = 0, hi = r->n_accounts;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(r->account[mid].id, id);

		if (c == 0)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return POLICY_NONE;
}

static void
put_account(struct build *b, uint32_t i)
{
	const struct roster_account *from = &b->r->account[i];

	put_fields(b, ROSTER_ACCOUNT, from, &b->account[i]);
	b->account[i].number_row = POLICY_NONE;
	b->account[i].parent_row =
		from->parent.len ? find_account(b->r, from->parent) : POLICY_NONE;
	/* a child is off where its parent is */
	if (b->account[i].parent_row != POLICY_NONE &&
	    !b->r->account[b->account[i].parent_row].enabled)
		b->account[i].enabled = 0;
}

/* The trunk's names and sources; the counters say where the next ones go. */
static void
put_lists(struct build *b, uint32_t i, uint32_t *n_names, uint32_t *n_sources)
{
	const struct roster_trunk *t = &b->r->trunk[i];

	if (roster_trunk_named(t) && t->n_names == 0)
		b->name[(*n_names)++] = (struct snapshot_name){put_text(b, t->host), i, 0};
	for (uint32_t k = 0; roster_trunk_named(t) && k < t->n_names; k++)
		b->name[(*n_names)++] = (struct snapshot_name){put_text(b, t->name[k]), i, 0};
	for (uint32_t k = 0; k < t->n_sources; k++) {
		struct cidr c = t->source[k];

		c.net.port = 0;
		for (unsigned bit = c.bits; bit < 128; bit++)
			c.net.ip[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		b->source[(*n_sources)++] = (struct snapshot_source){c, i, 0};
	}
}

/* What the trunk's group says and it does not. */
static void
put_group(struct build *b, const struct roster_trunk *from, struct trunk *to)
{
	const struct roster_group *g = group_of(b->r, from);

	if (!g)
		return;
	to->group_calls = g->max_calls;
	to->group_attempts = g->attempts;
	if (from->hunt.len == 0)
		to->hunt = put_text(b, g->hunt);
	if (from->stop.len == 0)
		to->stop = put_text(b, g->stop);
}

static enum err
put_trunk(struct build *b, uint32_t i, uint32_t *account)
{
	const struct roster_trunk *t = &b->r->trunk[i];
	bool customer = t->kind == TRUNK_CUSTOMER;

	/* both lists are sorted by account id: one walk */
	while (customer && *account < b->r->n_accounts &&
	       str_cmp(b->r->account[*account].id, t->account) < 0)
		(*account)++;
	if (customer &&
	    (*account == b->r->n_accounts || !str_eq(b->r->account[*account].id, t->account)))
		return ERR_CONFIG;
	put_fields(b, ROSTER_TRUNK, t, &b->trunk[i]);
	put_group(b, t, &b->trunk[i]);
	b->trunk[i].account = customer ? *account : POLICY_NONE;
	b->trunk[i].n_sources = (uint8_t)t->n_sources;
	if (customer && b->account[*account].n_trunks++ == 0)
		b->account[*account].first_trunk = i;
	return ERR_OK;
}

static uint32_t
find_built(const struct build *b, struct str id)
{
	uint32_t lo = 0, hi = b->r->n_trunks;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(build_text(b, b->trunk[b->by_id[mid]].id), id);

		if (c == 0)
			return b->by_id[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return POLICY_NONE;
}

/* Rows come in rising order: the first of an account is its lowest. */
static void
note_lowest(struct build *b, uint32_t row)
{
	uint32_t *lowest = &b->account[b->trunk[b->number[row].trunk].account].number_row;

	if (*lowest == POLICY_NONE && !number_key_is_prefix(b->number[row].key))
		*lowest = row;
}

/* Rows come sorted as the snapshot has them. */
static enum err
put_routes(struct build *b)
{
	const struct roster *r = b->r;

	for (uint32_t i = 0; i < r->n_routes; i++) {
		struct snapshot_route *to = &b->route[i];
		struct str account = r->route[i].account;

		put_fields(b, ROSTER_ROUTE, &r->route[i], to);
		to->account = account.len ? find_account(r, account) : POLICY_NONE;
		if (account.len && to->account == POLICY_NONE)
			return ERR_CONFIG;
		if (account.len && b->account[to->account].n_routes++ == 0)
			b->account[to->account].first_route = i;
		to->up = snapshot_route_up(b->route, i);
	}
	return ERR_OK;
}

static enum err
fill_build(struct build *b)
{
	const struct roster *r = b->r;
	uint32_t n_names = 0, n_sources = 0, account = 0;

	for (uint32_t i = 0; i < r->n_accounts; i++)
		put_account(b, i);
	for (uint32_t i = 0; i < r->n_trunks; i++) {
		if (put_trunk(b, i, &account) != ERR_OK)
			return ERR_CONFIG;
		put_lists(b, i, &n_names, &n_sources);
		b->by_id[i] = i;
	}
	sorting = b;
	if (r->n_trunks)
		qsort(b->by_id, r->n_trunks, sizeof(*b->by_id), cmp_by_id);
	if (n_names)
		qsort(b->name, n_names, sizeof(*b->name), cmp_name);
	if (n_sources)
		qsort(b->source, n_sources, sizeof(*b->source), cmp_source);
	sorting = NULL;
	for (uint32_t i = 0; i < r->n_numbers; i++) {
		uint32_t t = find_built(b, r->number[i].trunk);

		if (t == POLICY_NONE)
			return ERR_CONFIG;
		b->number[i] = (struct snapshot_number){r->number[i].key, t, 0};
		note_lowest(b, i);
	}
	for (uint32_t i = 0; i < r->n_rates; i++)
		b->rate[i] = (struct snapshot_rate){r->rate[i].key, r->rate[i].price_micro,
						    r->rate[i].increment_s, 0};
	return put_routes(b);
}

enum err
snapshot_build(struct roster *r, struct str *out)
{
	struct build b = {0};
	struct snapshot_view v;
	enum err e;

	roster_sort(r);
	e = start_build(&b, r);
	if (e == ERR_OK)
		e = fill_build(&b);
	if (e == ERR_OK && snapshot_open(str_of(b.p, b.head->size), &v) != ERR_OK)
		e = ERR_CONFIG; /* the roster did not pass roster_check */
	if (e != ERR_OK) {
		mem_free(b.p);
		return e;
	}
	*out = str_of(b.p, b.head->size);
	return ERR_OK;
}
