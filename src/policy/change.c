#include "policy/change.h"

#include <stdlib.h>

#include "base/mem.h"

const char *
change_what_name(enum roster_kind w)
{
	return (unsigned)w < ROSTER_KIND_N ? field_table(w)->name : "?";
}

unsigned
change_fields(enum roster_kind w)
{
	return (unsigned)w < ROSTER_KIND_N ? field_table(w)->n : 0;
}

const char *
change_field_name(enum roster_kind w, unsigned i)
{
	return i < change_fields(w) ? field_table(w)->field[i].name : "?";
}

bool
change_field_bare(enum roster_kind w, unsigned i)
{
	return i < change_fields(w) && field_is_bare(&field_table(w)->field[i]);
}

void
change_field_put(struct buf *b, enum roster_kind w, const void *row, unsigned i)
{
	if (i < change_fields(w))
		field_put(b, &field_table(w)->field[i], row);
}

void
change_field_show(struct buf *b, enum roster_kind w, const void *row, unsigned i)
{
	if (i < change_fields(w))
		field_show(b, &field_table(w)->field[i], row);
}

bool
change_field_default(enum roster_kind w, const void *row, unsigned i)
{
	return i >= change_fields(w) || field_is_default(&field_table(w)->field[i], row);
}

bool
change_field_same(enum roster_kind w, const void *a, const void *b, unsigned i)
{
	return i >= change_fields(w) || field_same(&field_table(w)->field[i], a, b);
}

static bool
same_row(enum roster_kind w, const void *a, const void *b)
{
	for (unsigned i = 0; i < change_fields(w); i++)
		if (!change_field_same(w, a, b, i))
			return false;
	return true;
}

/* ---- the walk ---- */

/* Rows of one kind of one roster, by id. */
struct list {
	const void **row;
	uint32_t n;
};

static int
cmp_account(const void *a, const void *b)
{
	const struct roster_account *const *x = a, *const *y = b;

	return str_cmp((*x)->id, (*y)->id);
}

static int
cmp_trunk(const void *a, const void *b)
{
	const struct roster_trunk *const *x = a, *const *y = b;

	return str_cmp((*x)->id, (*y)->id);
}

static int
cmp_number(const void *a, const void *b)
{
	const struct roster_number *const *x = a, *const *y = b;

	return ((*x)->key > (*y)->key) - ((*x)->key < (*y)->key);
}

static int
cmp_rate(const void *a, const void *b)
{
	const struct roster_rate *const *x = a, *const *y = b;

	return ((*x)->key > (*y)->key) - ((*x)->key < (*y)->key);
}

static int
cmp_route(const void *a, const void *b)
{
	const struct roster_route *const *x = a, *const *y = b;

	return str_cmp((*x)->id, (*y)->id);
}

static int
cmp_group(const void *a, const void *b)
{
	const struct roster_group *const *x = a, *const *y = b;

	return str_cmp((*x)->id, (*y)->id);
}

static int (*const do_cmp[ROSTER_KIND_N])(const void *, const void *) = {
	[ROSTER_ACCOUNT] = cmp_account, [ROSTER_TRUNK] = cmp_trunk, [ROSTER_NUMBER] = cmp_number,
	[ROSTER_RATE] = cmp_rate,       [ROSTER_ROUTE] = cmp_route, [ROSTER_GROUP] = cmp_group,
};

static enum err
make_list(const struct roster *r, enum roster_kind w, struct list *l)
{
	l->n = roster_count(r, w);
	l->row = mem_zalloc((size_t)l->n + 1, sizeof(*l->row));
	if (!l->row)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < l->n; i++)
		l->row[i] = roster_row(r, w, i);
	qsort(l->row, l->n, sizeof(*l->row), do_cmp[w]);
	return ERR_OK;
}

/* What a walk over one kind reports. */
struct walk {
	enum roster_kind what;
	bool removals; /* only removals, or only the rest */
	enum err (*on_change)(void *arg, const struct change *c);
	void *arg;
	uint32_t *n;
};

static enum err
tell_change(const struct walk *w, const void *before, const void *after)
{
	struct change c = {w->what, CHANGE_EDIT, before, after};

	if (!before)
		c.how = CHANGE_ADD;
	else if (!after)
		c.how = CHANGE_REMOVE;
	else if (same_row(w->what, before, after))
		return ERR_OK;
	if ((c.how == CHANGE_REMOVE) != w->removals)
		return ERR_OK;
	(*w->n)++;
	return w->on_change ? w->on_change(w->arg, &c) : ERR_OK;
}

static enum err
walk_lists(const struct walk *w, const struct list *a, const struct list *b)
{
	uint32_t i = 0, k = 0;
	enum err e = ERR_OK;

	while (e == ERR_OK && (i < a->n || k < b->n)) {
		int c = i == a->n ? 1 : k == b->n ? -1 : do_cmp[w->what](&a->row[i], &b->row[k]);

		e = tell_change(w, c <= 0 ? a->row[i] : NULL, c >= 0 ? b->row[k] : NULL);
		i += c <= 0;
		k += c >= 0;
	}
	return e;
}

enum err
change_walk(struct roster *before, struct roster *after,
	    enum err (*on_change)(void *arg, const struct change *c), void *arg, uint32_t *n)
{
	struct list a[ROSTER_KIND_N] = {{0}}, b[ROSTER_KIND_N] = {{0}};
	struct walk w = {.on_change = on_change, .arg = arg, .n = n};
	enum err e = ERR_OK;

	*n = 0;
	roster_sort(before);
	roster_sort(after);
	for (unsigned k = 0; k < ROSTER_KIND_N && e == ERR_OK; k++) {
		e = make_list(before, (enum roster_kind)k, &a[k]);
		if (e == ERR_OK)
			e = make_list(after, (enum roster_kind)k, &b[k]);
	}
	w.removals = true;
	for (unsigned k = ROSTER_KIND_N; k > 0 && e == ERR_OK; k--) {
		w.what = (enum roster_kind)(k - 1);
		e = walk_lists(&w, &a[k - 1], &b[k - 1]);
	}
	w.removals = false;
	for (unsigned k = 0; k < ROSTER_KIND_N && e == ERR_OK; k++) {
		w.what = (enum roster_kind)k;
		e = walk_lists(&w, &a[k], &b[k]);
	}
	for (unsigned k = 0; k < ROSTER_KIND_N; k++) {
		mem_free((void *)a[k].row);
		mem_free((void *)b[k].row);
	}
	return e;
}
