#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "policy/change.h"
#include "store/db.h"
#include "store/migrations.h" /* numbered; one that was released never changes again */

static void
say_why(char why[STORE_WHY_MAX], const char *text)
{
	struct buf b;

	buf_init(&b, why, STORE_WHY_MAX);
	buf_z(&b, text);
	buf_cstr(&b);
}

/* Keep a sentence about what failed; the enum err of a result of the library. */
enum err
store_db_failed(struct store *s, const char *doing, int rc)
{
	struct buf b;

	buf_init(&b, s->why, sizeof(s->why));
	buf_printf(&b, "%s: %.180s", doing, s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
	buf_cstr(&b);
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_AGAIN;
	case SQLITE_CONSTRAINT:
		return ERR_CONFIG;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return ERR_PERM;
	default:
		return ERR_IO;
	}
}

enum err
store_db_run(struct store *s, const char *sql)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? ERR_OK : store_db_failed(s, "store", rc);
}

enum err
store_db_prepare(struct store *s, const char *sql, sqlite3_stmt **out)
{
	int rc = sqlite3_prepare_v2(s->db, sql, -1, out, NULL);

	return rc == SQLITE_OK ? ERR_OK : store_db_failed(s, "store", rc);
}

/* The one number that a query gives. */
static enum err
read_number(struct store *s, const char *sql, uint64_t *out)
{
	sqlite3_stmt *q = NULL;
	enum err e = store_db_prepare(s, sql, &q);
	int rc;

	if (e != ERR_OK)
		return e;
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		*out = (uint64_t)sqlite3_column_int64(q, 0);
	else
		e = rc == SQLITE_DONE ? ERR_NOTFOUND : store_db_failed(s, "store", rc);
	sqlite3_finalize(q);
	return e;
}

/* End the transaction in hand: keep it when e is OK. */
enum err
store_db_end(struct store *s, enum err e)
{
	char why[STORE_WHY_MAX];

	if (e == ERR_OK)
		e = store_db_run(s, "COMMIT");
	if (e != ERR_OK && !sqlite3_get_autocommit(s->db)) {
		memcpy(why, s->why, sizeof(why));
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		memcpy(s->why, why, sizeof(why));
	}
	return e;
}

/* ---- opening ---- */

static enum err
apply_migration(struct store *s, unsigned layout)
{
	char sql[96];
	struct buf b;
	enum err e = store_db_run(s, migrations[layout].text);

	buf_init(&b, sql, sizeof(sql));
	buf_printf(&b, "INSERT INTO store_layout (layout) VALUES (%u)", layout + 1);
	return e == ERR_OK ? store_db_run(s, buf_cstr(&b)) : e;
}

/* Bring the tables up to date. Two programs may do so at once: one waits, then finds it done. */
static enum err
migrate_store(struct store *s)
{
	uint64_t layout = 0;
	enum err e = store_db_run(s, "BEGIN IMMEDIATE");

	if (e != ERR_OK)
		return e;
	e = store_db_run(s, "CREATE TABLE IF NOT EXISTS store_layout (layout INTEGER PRIMARY KEY)");
	if (e == ERR_OK)
		e = read_number(s, "SELECT coalesce(max(layout), 0) FROM store_layout", &layout);
	if (e == ERR_OK && layout > ARRAY_LEN(migrations)) {
		e = ERR_VERSION;
		say_why(s->why, "the store was written by a newer postern; use that one");
	}
	for (; e == ERR_OK && layout < ARRAY_LEN(migrations); layout++)
		e = apply_migration(s, (unsigned)layout);
	return store_db_end(s, e);
}

static enum err
open_file(struct store *s, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* so that the mode is ours */
	int why = fd < 0 ? errno : 0, rc;
	enum err e;

	if (fd >= 0)
		close(fd);
	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return store_db_failed(s,
				       why == EACCES ? "cannot open the store: run this as root "
						       "or as its owner"
						     : "cannot open the store",
				       rc);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
	e = store_db_run(s, "PRAGMA journal_mode = WAL");
	if (e == ERR_OK)
		e = store_db_run(s, "PRAGMA synchronous = FULL");
	if (e == ERR_OK)
		e = store_db_run(s, "PRAGMA foreign_keys = ON");
	return e == ERR_OK ? migrate_store(s) : e;
}

enum err
store_open(const char *path, struct store **out, char why[STORE_WHY_MAX])
{
	struct store *s = mem_zalloc(1, sizeof(*s));
	enum err e;

	why[0] = 0;
	if (!s) {
		say_why(why, err_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	e = open_file(s, path);
	if (e == ERR_OK) {
		*out = s;
		return ERR_OK;
	}
	memcpy(why, s->why, STORE_WHY_MAX);
	store_close(&s);
	return e;
}

void
store_close(struct store **s)
{
	if (!*s)
		return;
	sqlite3_close((*s)->db);
	MEM_FREE(*s);
}

const char *
store_why(const struct store *s)
{
	return s->why;
}

enum err
store_version(struct store *s, uint64_t *out)
{
	return read_number(s, "SELECT version FROM store_version WHERE one = 1", out);
}

/* ---- statements, made from the tables of fields ---- */

enum { SQL_MAX = 4096 };

/* Columns of a kind, divided by commas, each with what stands before and behind it. */
static void
put_columns(struct buf *b, enum roster_kind k, const char *before, const char *behind)
{
	const struct field_table *t = field_table(k);
	const char *comma = "";

	for (unsigned i = 0; i < t->n; i++)
		if (t->field[i].column) {
			buf_printf(b, "%s%s%s%s", comma, before, t->field[i].column, behind);
			comma = ", ";
		}
}

/* Prepare what stands in b. */
static enum err
prepare_buf(struct store *s, struct buf *b, sqlite3_stmt **out)
{
	if (buf_end(b) != ERR_OK) {
		say_why(s->why, "a statement of the store is too long");
		return ERR_BUG;
	}
	return store_db_prepare(s, buf_cstr(b), out);
}

static enum err
prepare_select(struct store *s, enum roster_kind k, sqlite3_stmt **out)
{
	char sql[SQL_MAX];
	struct buf b;

	buf_init(&b, sql, sizeof(sql));
	buf_z(&b, "SELECT ");
	put_columns(&b, k, "", "");
	buf_printf(&b, " FROM %s", field_table(k)->name);
	return prepare_buf(s, &b, out);
}

/* Insert a row, or replace the one with its key; the last parameter is changed_us. */
static enum err
prepare_put(struct store *s, enum roster_kind k, sqlite3_stmt **out)
{
	const struct field_table *t = field_table(k);
	char sql[SQL_MAX];
	struct buf b;

	buf_init(&b, sql, sizeof(sql));
	buf_printf(&b, "INSERT INTO %s (", t->name);
	put_columns(&b, k, "", "");
	buf_z(&b, ", changed_us) VALUES (");
	for (unsigned i = 0; i < t->n; i++)
		buf_z(&b, t->field[i].column ? "?, " : "");
	buf_printf(&b, "?) ON CONFLICT (%s) DO UPDATE SET ", t->field[0].column);
	for (unsigned i = 1; i < t->n; i++)
		if (t->field[i].column)
			buf_printf(&b, "%s = excluded.%s, ", t->field[i].column,
				   t->field[i].column);
	buf_z(&b, "changed_us = excluded.changed_us");
	return prepare_buf(s, &b, out);
}

static enum err
prepare_delete(struct store *s, enum roster_kind k, sqlite3_stmt **out)
{
	char sql[SQL_MAX];
	struct buf b;

	buf_init(&b, sql, sizeof(sql));
	buf_printf(&b, "DELETE FROM %s WHERE %s = ?", field_table(k)->name,
		   field_table(k)->field[0].column);
	return prepare_buf(s, &b, out);
}

/* ---- reading ---- */

static struct str
column_str(sqlite3_stmt *q, int col)
{
	const unsigned char *p = sqlite3_column_text(q, col);

	return p ? str_of(p, (size_t)sqlite3_column_bytes(q, col)) : STR_NULL;
}

/* One column into its member. */
static enum err
read_field(struct roster *r, const struct field *f, void *row, sqlite3_stmt *q, int col)
{
	sqlite3_int64 v = sqlite3_column_int64(q, col);
	enum err e;

	if (field_is_integer(f)) {
		if (v < 0 || !field_u64_valid(f, (uint64_t)v))
			return ERR_CONFIG;
		field_set_u64(f, row, (uint64_t)v);
		return ERR_OK;
	}
	e = roster_keep(r, f, row, column_str(q, col));
	return e == ERR_OK || e == ERR_NOMEM ? e : ERR_CONFIG;
}

static enum err
read_row(struct roster *r, enum roster_kind k, sqlite3_stmt *q)
{
	const struct field_table *t = field_table(k);
	struct roster_trunk *trunk;
	void *row;
	enum err e = roster_add(r, k, &row);
	int col = 0;

	for (unsigned i = 0; e == ERR_OK && i < t->n; i++)
		if (t->field[i].column)
			e = read_field(r, &t->field[i], row, q, col++);
	if (e == ERR_OK && k == ROSTER_TRUNK) {
		trunk = row;
		trunk->kind = trunk->account.len ? TRUNK_CUSTOMER : TRUNK_CARRIER;
	}
	return e;
}

static enum err
read_rows(struct store *s, struct roster *r, enum roster_kind k)
{
	sqlite3_stmt *q = NULL;
	enum err e = prepare_select(s, k, &q);
	int rc = SQLITE_DONE;

	while (e == ERR_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		e = read_row(r, k, q);
		if (e != ERR_OK)
			say_why(s->why, "the store holds a row that this program cannot read");
	}
	if (e == ERR_OK && rc != SQLITE_DONE)
		e = store_db_failed(s, "reading the store", rc);
	sqlite3_finalize(q);
	return e;
}

static enum err
read_all(struct store *s, struct roster *r)
{
	enum err e = store_version(s, &r->version);

	for (unsigned k = 0; k < ROSTER_KIND_N && e == ERR_OK; k++)
		e = read_rows(s, r, (enum roster_kind)k);
	if (e == ERR_OK)
		roster_sort(r);
	return e;
}

enum err
store_read(struct store *s, struct roster *r)
{
	enum err e = store_db_run(s, "BEGIN");

	return e == ERR_OK ? store_db_end(s, read_all(s, r)) : e;
}

/* ---- writing ---- */

/* One statement for each kind of entry and change, made when first needed. */
struct writer {
	struct store *s;
	sqlite3_stmt *put[ROSTER_KIND_N], *del[ROSTER_KIND_N];
	int64_t now_us;
	char *mem; /* CHANGE_VALUE_MAX */
};

/* Bind one member. Returns what the library says. */
static int
bind_field(const struct writer *w, sqlite3_stmt *q, int at, const struct field *f, const void *row)
{
	struct buf b;

	if (field_is_integer(f))
		return sqlite3_bind_int64(q, at, (sqlite3_int64)field_u64(f, row));
	buf_init(&b, w->mem, CHANGE_VALUE_MAX);
	field_put(&b, f, row);
	if (b.len == 0 && (f->use & FIELD_NULLABLE))
		return sqlite3_bind_null(q, at);
	return sqlite3_bind_text(q, at, w->mem, (int)b.len, SQLITE_TRANSIENT);
}

/* Bind what the statement for c wants. */
static int
bind_change(const struct writer *w, sqlite3_stmt *q, const struct change *c)
{
	const struct field_table *t = field_table(c->what);
	int at = 0, rc = sqlite3_clear_bindings(q);

	if (c->how == CHANGE_REMOVE)
		return bind_field(w, q, 1, &t->field[0], c->before);
	for (unsigned i = 0; rc == SQLITE_OK && i < t->n; i++)
		if (t->field[i].column)
			rc = bind_field(w, q, ++at, &t->field[i], c->after);
	return rc == SQLITE_OK ? sqlite3_bind_int64(q, at + 1, w->now_us) : rc;
}

static enum err
write_change(void *arg, const struct change *c)
{
	struct writer *w = arg;
	bool gone = c->how == CHANGE_REMOVE;
	sqlite3_stmt **q = gone ? &w->del[c->what] : &w->put[c->what];
	enum err e = ERR_OK;
	int rc;

	if (!*q)
		e = gone ? prepare_delete(w->s, c->what, q) : prepare_put(w->s, c->what, q);
	if (e != ERR_OK)
		return e;
	rc = bind_change(w, *q, c);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(*q);
	if (rc != SQLITE_DONE)
		e = store_db_failed(w->s, "writing the store", rc);
	(void)sqlite3_reset(*q);
	return e;
}

/* Raise the version in the transaction in hand. */
static enum err
raise_version(struct store *s, uint64_t version, int64_t now_us)
{
	sqlite3_stmt *q = NULL;
	enum err e = store_db_prepare(
		s, "UPDATE store_version SET version = $1, changed_us = $2 WHERE one = 1", &q);
	int rc;

	if (e != ERR_OK)
		return e;
	rc = sqlite3_bind_int64(q, 1, (sqlite3_int64)version);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(q, 2, now_us);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	if (rc != SQLITE_DONE)
		e = store_db_failed(s, "writing the store", rc);
	sqlite3_finalize(q);
	return e;
}

/* Inside the transaction: compare, write what differs, raise the version. */
static enum err
write_all(struct store *s, struct roster *r, uint64_t expect, uint64_t *version)
{
	struct writer w = {
		.s = s, .now_us = clock_wall_us(), .mem = mem_zalloc(1, CHANGE_VALUE_MAX)};
	struct roster have;
	uint32_t n = 0;
	enum err e;

	roster_init(&have);
	e = w.mem ? read_all(s, &have) : ERR_NOMEM;
	if (e == ERR_OK && have.version != expect) {
		e = ERR_STATE;
		say_why(s->why, "the store was changed meanwhile; look at it again");
	}
	if (e == ERR_OK)
		e = change_walk(&have, r, write_change, &w, &n);
	if (e == ERR_OK && n)
		e = raise_version(s, expect + 1, w.now_us);
	for (unsigned i = 0; i < ROSTER_KIND_N; i++) {
		sqlite3_finalize(w.put[i]);
		sqlite3_finalize(w.del[i]);
	}
	mem_free(w.mem);
	roster_fini(&have);
	if (e == ERR_OK)
		*version = n ? expect + 1 : expect;
	return e;
}

enum err
store_write(struct store *s, struct roster *r, uint64_t expect, uint64_t *version)
{
	uint64_t v = 0;
	enum err e = store_db_run(s, "BEGIN IMMEDIATE");

	if (e != ERR_OK)
		return e;
	e = store_db_end(s, write_all(s, r, expect, &v));
	if (e == ERR_OK)
		*version = v;
	return e;
}
