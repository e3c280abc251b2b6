#include "policy/change.h"

#include <stdlib.h>

#include "base/mem.h"

/* name, bare in JSON */
#define ACCOUNT_FIELDS(X)                                                                          \
	X(id, 0)                                                                                   \
	X(name, 0)                                                                                 \
	X(parent, 0)                                                                               \
	X(enabled, 1)                                                                              \
	X(classes, 0)                                                                              \
	X(tls_srtp, 0)                                                                             \
	X(max_calls, 1)                                                                            \
	X(attempts, 1)
#define TRUNK_FIELDS(X)                                                                            \
	X(id, 0)                                                                                   \
	X(kind, 0)                                                                                 \
	X(account, 0)                                                                              \
	X(enabled, 1)                                                                              \
	X(direction, 0)                                                                            \
	X(host, 0)                                                                                 \
	X(port, 1)                                                                                 \
	X(transport, 0)                                                                            \
	X(security, 0)                                                                             \
	X(zone, 0)                                                                                 \
	X(media, 0)                                                                                \
	X(names, 0)                                                                                \
	X(sources, 0)                                                                              \
	X(caller, 0)                                                                               \
	X(strip, 0)                                                                                \
	X(add, 0)                                                                                  \
	X(ssrc, 0)                                                                                 \
	X(learn, 1)                                                                                \
	X(max_calls, 1)                                                                            \
	X(priority, 1)                                                                             \
	X(weight, 1)                                                                               \
	X(order, 1)
#define NUMBER_FIELDS(X) X(number, 0) X(trunk, 0)

#define X(name, bare) ACCOUNT_F_##name,
enum account_field { ACCOUNT_FIELDS(X) ACCOUNT_F_N };
#undef X
#define X(name, bare) TRUNK_F_##name,
enum trunk_field { TRUNK_FIELDS(X) TRUNK_F_N };
#undef X
#define X(name, bare) NUMBER_F_##name,
enum number_field { NUMBER_FIELDS(X) NUMBER_F_N };
#undef X

struct field {
	const char *name;
	bool bare;
};

#define X(name, bare) {#name, bare},
static const struct field account_fields[] = {ACCOUNT_FIELDS(X)};
static const struct field trunk_fields[] = {TRUNK_FIELDS(X)};
static const struct field number_fields[] = {NUMBER_FIELDS(X)};
#undef X

static const struct {
	const char *name;
	const struct field *field;
	unsigned n;
} kinds[CHANGE_WHAT_N] = {
	[CHANGE_ACCOUNT] = {"account", account_fields, ACCOUNT_F_N},
	[CHANGE_TRUNK] = {"trunk", trunk_fields, TRUNK_F_N},
	[CHANGE_NUMBER] = {"number", number_fields, NUMBER_F_N},
};

const char *
change_what_name(enum change_what w)
{
	return (unsigned)w < CHANGE_WHAT_N ? kinds[w].name : "?";
}

unsigned
change_fields(enum change_what w)
{
	return (unsigned)w < CHANGE_WHAT_N ? kinds[w].n : 0;
}

const char *
change_field_name(enum change_what w, unsigned i)
{
	return i < change_fields(w) ? kinds[w].field[i].name : "?";
}

bool
change_field_bare(enum change_what w, unsigned i)
{
	return i < change_fields(w) && kinds[w].field[i].bare;
}

static void
put_bool(struct buf *b, bool v)
{
	buf_z(b, v ? "true" : "false");
}

static void
put_classes(struct buf *b, uint32_t classes)
{
	size_t from = b->len;

	for (uint32_t bit = 1; bit < CLASS_EMERGENCY; bit <<= 1)
		if (classes & bit) {
			buf_z(b, b->len > from ? " " : "");
			buf_z(b, policy_class_name((enum policy_class)bit));
		}
}

static void
put_account(struct buf *b, const struct roster_account *a, enum account_field f)
{
	switch (f) {
	case ACCOUNT_F_id:
		buf_str(b, a->id);
		break;
	case ACCOUNT_F_name:
		buf_str(b, a->name);
		break;
	case ACCOUNT_F_parent:
		buf_str(b, a->parent);
		break;
	case ACCOUNT_F_enabled:
		put_bool(b, a->enabled);
		break;
	case ACCOUNT_F_classes:
		put_classes(b, a->classes);
		break;
	case ACCOUNT_F_tls_srtp:
		buf_z(b, tls_srtp_name(a->tls_srtp));
		break;
	case ACCOUNT_F_max_calls:
		buf_u64(b, a->max_calls);
		break;
	case ACCOUNT_F_attempts:
		buf_u64(b, a->attempts);
		break;
	case ACCOUNT_F_N:
		break;
	}
}

static void
put_sources(struct buf *b, const struct roster_trunk *t)
{
	for (uint32_t i = 0; i < t->n_sources; i++) {
		buf_z(b, i ? " " : "");
		addr_put_ip(b, &t->source[i].net, false);
		buf_printf(b, "/%u", t->source[i].bits);
	}
}

static void
put_names(struct buf *b, const struct roster_trunk *t)
{
	for (uint32_t i = 0; i < t->n_names; i++) {
		buf_z(b, i ? " " : "");
		buf_str(b, t->name[i]);
	}
}

/* Fields that are a text; NULL for the others. */
static const struct str *
trunk_text(const struct roster_trunk *t, unsigned field)
{
	switch (field) {
	case TRUNK_F_id:
		return &t->id;
	case TRUNK_F_account:
		return &t->account;
	case TRUNK_F_host:
		return &t->host;
	case TRUNK_F_zone:
		return &t->zone;
	case TRUNK_F_media:
		return &t->media;
	case TRUNK_F_caller:
		return &t->caller;
	case TRUNK_F_strip:
		return &t->strip;
	case TRUNK_F_add:
		return &t->add;
	default:
		return NULL;
	}
}

static void
put_trunk(struct buf *b, const struct roster_trunk *t, unsigned field)
{
	const struct str *text = trunk_text(t, field);

	if (text)
		buf_str(b, *text);
	switch (field) {
	case TRUNK_F_kind:
		buf_z(b, trunk_kind_name(t->kind));
		break;
	case TRUNK_F_enabled:
		put_bool(b, t->enabled);
		break;
	case TRUNK_F_direction:
		buf_z(b, trunk_direction_name(t->direction));
		break;
	case TRUNK_F_port:
		buf_u64(b, t->port);
		break;
	case TRUNK_F_transport:
		buf_z(b, trunk_transport_name(t->transport));
		break;
	case TRUNK_F_security:
		buf_z(b, trunk_security_name(t->security));
		break;
	case TRUNK_F_names:
		put_names(b, t);
		break;
	case TRUNK_F_sources:
		put_sources(b, t);
		break;
	case TRUNK_F_ssrc:
		buf_z(b, trunk_ssrc_name(t->ssrc));
		break;
	case TRUNK_F_learn:
		put_bool(b, t->learn);
		break;
	case TRUNK_F_max_calls:
		buf_u64(b, t->max_calls);
		break;
	case TRUNK_F_priority:
		buf_u64(b, t->priority);
		break;
	case TRUNK_F_weight:
		buf_u64(b, t->weight);
		break;
	case TRUNK_F_order:
		buf_u64(b, t->order);
		break;
	default:
		break;
	}
}

void
change_field_put(struct buf *b, enum change_what w, const void *row, unsigned i)
{
	const struct roster_number *n = row;

	switch (w) {
	case CHANGE_ACCOUNT:
		put_account(b, row, (enum account_field)i);
		break;
	case CHANGE_TRUNK:
		put_trunk(b, row, i);
		break;
	case CHANGE_NUMBER:
		if (i == NUMBER_F_number)
			number_key_put(b, n->key);
		else
			buf_str(b, n->trunk);
		break;
	case CHANGE_WHAT_N:
		break;
	}
}

bool
change_field_same(enum change_what w, const void *a, const void *b, unsigned i)
{
	char ma[CHANGE_VALUE_MAX], mb[CHANGE_VALUE_MAX];
	struct buf x, y;

	buf_init(&x, ma, sizeof(ma));
	buf_init(&y, mb, sizeof(mb));
	change_field_put(&x, w, a, i);
	change_field_put(&y, w, b, i);
	return str_eq(buf_view(&x), buf_view(&y));
}

static bool
same_row(enum change_what w, const void *a, const void *b)
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

static int (*const do_cmp[CHANGE_WHAT_N])(const void *, const void *) = {
	[CHANGE_ACCOUNT] = cmp_account,
	[CHANGE_TRUNK] = cmp_trunk,
	[CHANGE_NUMBER] = cmp_number,
};

static enum err
make_list(const struct roster *r, enum change_what w, struct list *l)
{
	const char *first = w == CHANGE_ACCOUNT ? (const char *)r->account
			    : w == CHANGE_TRUNK ? (const char *)r->trunk
						: (const char *)r->number;
	size_t size = w == CHANGE_ACCOUNT ? sizeof(*r->account)
		      : w == CHANGE_TRUNK ? sizeof(*r->trunk)
					  : sizeof(*r->number);

	l->n = w == CHANGE_ACCOUNT ? r->n_accounts : w == CHANGE_TRUNK ? r->n_trunks : r->n_numbers;
	l->row = mem_zalloc((size_t)l->n + 1, sizeof(*l->row));
	if (!l->row)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < l->n; i++)
		l->row[i] = first + i * size;
	qsort(l->row, l->n, sizeof(*l->row), do_cmp[w]);
	return ERR_OK;
}

/* What a walk over one kind reports. */
struct walk {
	enum change_what what;
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
	struct list a[CHANGE_WHAT_N] = {{0}}, b[CHANGE_WHAT_N] = {{0}};
	struct walk w = {.on_change = on_change, .arg = arg, .n = n};
	enum err e = ERR_OK;

	*n = 0;
	roster_sort(before);
	roster_sort(after);
	for (unsigned k = 0; k < CHANGE_WHAT_N && e == ERR_OK; k++) {
		e = make_list(before, (enum change_what)k, &a[k]);
		if (e == ERR_OK)
			e = make_list(after, (enum change_what)k, &b[k]);
	}
	w.removals = true;
	for (unsigned k = CHANGE_WHAT_N; k > 0 && e == ERR_OK; k--) {
		w.what = (enum change_what)(k - 1);
		e = walk_lists(&w, &a[k - 1], &b[k - 1]);
	}
	w.removals = false;
	for (unsigned k = 0; k < CHANGE_WHAT_N && e == ERR_OK; k++) {
		w.what = (enum change_what)k;
		e = walk_lists(&w, &a[k], &b[k]);
	}
	for (unsigned k = 0; k < CHANGE_WHAT_N; k++) {
		mem_free((void *)a[k].row);
		mem_free((void *)b[k].row);
	}
	return e;
}
