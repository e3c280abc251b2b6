#include "store/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "policy/change.h"

struct store {
	sqlite3 *db;
	char why[STORE_WHY_MAX];
};

/* The migrations, embedded. One that was released never changes again. */
#define MIGRATION(n)                                                                               \
	__asm__(".pushsection .rodata\n"                                                           \
		".balign 16\n"                                                                     \
		"store_migration_" #n ":\n"                                                        \
		".incbin \"store/migrations/" #n ".sql\"\n"                                        \
		".byte 0\n"                                                                        \
		".popsection\n");                                                                  \
	extern const char store_migration_##n[] __attribute__((visibility("hidden")))
MIGRATION(001);

static const char *const migrations[] = {store_migration_001};

static void
say_why(char why[STORE_WHY_MAX], const char *text)
{
	struct buf b;

	buf_init(&b, why, STORE_WHY_MAX);
	buf_z(&b, text);
	buf_cstr(&b);
}

/* Keep a sentence about what failed; the enum err of a result of the library. */
static enum err
store_failed(struct store *s, const char *doing, int rc)
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

static enum err
run_sql(struct store *s, const char *sql)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? ERR_OK : store_failed(s, "store", rc);
}

static enum err
prepare_sql(struct store *s, const char *sql, sqlite3_stmt **out)
{
	int rc = sqlite3_prepare_v2(s->db, sql, -1, out, NULL);

	return rc == SQLITE_OK ? ERR_OK : store_failed(s, "store", rc);
}

/* The one number that a query gives. */
static enum err
read_number(struct store *s, const char *sql, uint64_t *out)
{
	sqlite3_stmt *q = NULL;
	enum err e = prepare_sql(s, sql, &q);
	int rc;

	if (e != ERR_OK)
		return e;
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		*out = (uint64_t)sqlite3_column_int64(q, 0);
	else
		e = rc == SQLITE_DONE ? ERR_NOTFOUND : store_failed(s, "store", rc);
	sqlite3_finalize(q);
	return e;
}

/* End the transaction in hand: keep it when e is OK. */
static enum err
end_transaction(struct store *s, enum err e)
{
	char why[STORE_WHY_MAX];

	if (e == ERR_OK)
		e = run_sql(s, "COMMIT");
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
	enum err e = run_sql(s, migrations[layout]);

	buf_init(&b, sql, sizeof(sql));
	buf_printf(&b, "INSERT INTO store_layout (layout) VALUES (%u)", layout + 1);
	return e == ERR_OK ? run_sql(s, buf_cstr(&b)) : e;
}

/* Bring the tables up to date. Two programs may do so at once: one waits, then finds it done. */
static enum err
migrate_store(struct store *s)
{
	uint64_t layout = 0;
	enum err e = run_sql(s, "BEGIN IMMEDIATE");

	if (e != ERR_OK)
		return e;
	e = run_sql(s, "CREATE TABLE IF NOT EXISTS store_layout (layout INTEGER PRIMARY KEY)");
	if (e == ERR_OK)
		e = read_number(s, "SELECT coalesce(max(layout), 0) FROM store_layout", &layout);
	if (e == ERR_OK && layout > ARRAY_LEN(migrations)) {
		e = ERR_VERSION;
		say_why(s->why, "the store was written by a newer postern; use that one");
	}
	for (; e == ERR_OK && layout < ARRAY_LEN(migrations); layout++)
		e = apply_migration(s, (unsigned)layout);
	return end_transaction(s, e);
}

static enum err
open_file(struct store *s, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* so that the mode is ours */
	int rc;
	enum err e;

	if (fd >= 0)
		close(fd);
	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return store_failed(s, "cannot open the store", rc);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
	e = run_sql(s, "PRAGMA journal_mode = WAL");
	if (e == ERR_OK)
		e = run_sql(s, "PRAGMA synchronous = FULL");
	if (e == ERR_OK)
		e = run_sql(s, "PRAGMA foreign_keys = ON");
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

/* ---- reading ---- */

/* A row while it is read: the first failure stays, later columns are skipped. */
struct reader {
	struct roster *r;
	sqlite3_stmt *q;
	enum err e;
};

static struct str
column_raw(const struct reader *rd, int col)
{
	const unsigned char *p = sqlite3_column_text(rd->q, col);

	return p ? str_of(p, (size_t)sqlite3_column_bytes(rd->q, col)) : STR_NULL;
}

/* A text column, copied into the roster. NULL reads as "". */
static struct str
column_text(struct reader *rd, int col)
{
	struct str s = STR_NULL;

	if (rd->e == ERR_OK)
		rd->e = roster_text(rd->r, column_raw(rd, col), &s);
	return s;
}

static uint32_t
column_u32(struct reader *rd, int col, uint32_t max)
{
	sqlite3_int64 v = sqlite3_column_int64(rd->q, col);

	if (v < 0 || v > max) {
		rd->e = rd->e == ERR_OK ? ERR_CONFIG : rd->e;
		return 0;
	}
	return (uint32_t)v;
}

/* Note the result of reading a word. */
static void
note_word(struct reader *rd, enum err e)
{
	if (rd->e == ERR_OK && e != ERR_OK)
		rd->e = ERR_CONFIG;
}

static enum err
read_account(struct reader *rd)
{
	struct roster_account *a;

	rd->e = roster_add_account(rd->r, &a);
	if (rd->e != ERR_OK)
		return rd->e;
	a->id = column_text(rd, 0);
	a->name = column_text(rd, 1);
	a->parent = column_text(rd, 2);
	a->enabled = column_u32(rd, 3, 1);
	a->classes = column_u32(rd, 4, UINT32_MAX);
	note_word(rd, tls_srtp_parse(column_raw(rd, 5), &a->tls_srtp));
	a->max_calls = column_u32(rd, 6, UINT32_MAX);
	a->attempts = column_u32(rd, 7, UINT32_MAX);
	return rd->e;
}

/* Names and sources are kept as one text each, divided by spaces. */
static void
read_lists(struct reader *rd, struct roster_trunk *t, int names, int sources)
{
	struct str s = column_text(rd, names);

	while (s.len && t->n_names < POLICY_TRUNK_NAMES_MAX)
		t->name[t->n_names++] = str_cut(&s, ' ');
	if (s.len)
		note_word(rd, ERR_LONG);
	s = column_raw(rd, sources);
	while (s.len && t->n_sources < POLICY_TRUNK_SOURCES_MAX)
		note_word(rd, cidr_parse(str_cut(&s, ' '), &t->source[t->n_sources++]));
	if (s.len)
		note_word(rd, ERR_LONG);
}

static enum err
read_trunk(struct reader *rd)
{
	struct roster_trunk *t;

	rd->e = roster_add_trunk(rd->r, &t);
	if (rd->e != ERR_OK)
		return rd->e;
	t->id = column_text(rd, 0);
	t->kind = sqlite3_column_type(rd->q, 1) == SQLITE_NULL ? TRUNK_CARRIER : TRUNK_CUSTOMER;
	t->account = column_text(rd, 1);
	t->order = column_u32(rd, 2, UINT32_MAX);
	t->enabled = column_u32(rd, 3, 1);
	note_word(rd, trunk_direction_parse(column_raw(rd, 4), &t->direction));
	t->host = column_text(rd, 5);
	t->port = (uint16_t)column_u32(rd, 6, UINT16_MAX);
	note_word(rd, trunk_transport_parse(column_raw(rd, 7), &t->transport));
	note_word(rd, trunk_security_parse(column_raw(rd, 8), &t->security));
	t->zone = column_text(rd, 9);
	t->media = column_text(rd, 10);
	t->caller = column_text(rd, 11);
	t->strip = column_text(rd, 12);
	t->add = column_text(rd, 13);
	note_word(rd, trunk_ssrc_parse(column_raw(rd, 14), &t->ssrc));
	t->learn = column_u32(rd, 15, 1);
	t->max_calls = column_u32(rd, 16, UINT32_MAX);
	t->priority = (uint16_t)column_u32(rd, 17, UINT16_MAX);
	t->weight = (uint16_t)column_u32(rd, 18, UINT16_MAX);
	read_lists(rd, t, 19, 20);
	return rd->e;
}

static enum err
read_number_row(struct reader *rd)
{
	struct roster_number *n;

	rd->e = roster_add_number(rd->r, &n);
	if (rd->e != ERR_OK)
		return rd->e;
	note_word(rd, number_key(column_raw(rd, 0), &n->key));
	n->trunk = column_text(rd, 1);
	return rd->e;
}

static enum err
read_rows(struct store *s, struct roster *r, const char *sql, enum err (*do_read)(struct reader *))
{
	struct reader rd = {.r = r};
	enum err e = prepare_sql(s, sql, &rd.q);
	int rc = SQLITE_DONE;

	while (e == ERR_OK && (rc = sqlite3_step(rd.q)) == SQLITE_ROW) {
		e = do_read(&rd);
		if (e != ERR_OK)
			say_why(s->why, "the store holds a row that this program cannot read");
	}
	if (e == ERR_OK && rc != SQLITE_DONE)
		e = store_failed(s, "reading the store", rc);
	sqlite3_finalize(rd.q);
	return e;
}

static enum err
read_all(struct store *s, struct roster *r)
{
	enum err e = store_version(s, &r->version);

	if (e == ERR_OK)
		e = read_rows(
			s, r,
			"SELECT id, name, parent, enabled, classes, tls_srtp, max_calls, attempts "
			"FROM account",
			read_account);
	if (e == ERR_OK)
		e = read_rows(
			s, r,
			"SELECT id, account, position, enabled, direction, host, port, transport, "
			"security, zone, media, caller, strip, add_digits, ssrc, learn, max_calls, "
			"priority, weight, names, sources FROM trunk",
			read_trunk);
	if (e == ERR_OK)
		e = read_rows(s, r, "SELECT pattern, trunk FROM number", read_number_row);
	if (e == ERR_OK)
		roster_sort(r);
	return e;
}

enum err
store_read(struct store *s, struct roster *r)
{
	enum err e = run_sql(s, "BEGIN");

	return e == ERR_OK ? end_transaction(s, read_all(s, r)) : e;
}

/* ---- writing ---- */

/* One statement for each kind of entry and change, made when first needed. */
struct writer {
	struct store *s;
	sqlite3_stmt *put[CHANGE_WHAT_N], *del[CHANGE_WHAT_N];
	int64_t now_us;
	int next; /* parameter to bind next */
	sqlite3_stmt *q;
	int rc;
};

static const char *const put_sql[CHANGE_WHAT_N] = {
	[CHANGE_ACCOUNT] =
		"INSERT INTO account (id, name, parent, enabled, classes, tls_srtp, max_calls, "
		"attempts, changed_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
		"ON CONFLICT (id) DO UPDATE SET name = excluded.name, parent = excluded.parent, "
		"enabled = excluded.enabled, classes = excluded.classes, "
		"tls_srtp = excluded.tls_srtp, max_calls = excluded.max_calls, "
		"attempts = excluded.attempts, changed_us = excluded.changed_us",
	[CHANGE_TRUNK] =
		"INSERT INTO trunk (id, account, position, enabled, direction, host, port, "
		"transport, security, zone, media, caller, strip, add_digits, ssrc, learn, "
		"max_calls, priority, weight, names, sources, changed_us) VALUES ($1, $2, $3, $4, "
		"$5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, "
		"$22) ON CONFLICT (id) DO UPDATE SET account = excluded.account, "
		"position = excluded.position, enabled = excluded.enabled, "
		"direction = excluded.direction, host = excluded.host, port = excluded.port, "
		"transport = excluded.transport, security = excluded.security, "
		"zone = excluded.zone, media = excluded.media, caller = excluded.caller, "
		"strip = excluded.strip, add_digits = excluded.add_digits, ssrc = excluded.ssrc, "
		"learn = excluded.learn, max_calls = excluded.max_calls, "
		"priority = excluded.priority, weight = excluded.weight, names = excluded.names, "
		"sources = excluded.sources, changed_us = excluded.changed_us",
	[CHANGE_NUMBER] = "INSERT INTO number (pattern, trunk, changed_us) VALUES ($1, $2, $3) "
			  "ON CONFLICT (pattern) DO UPDATE SET trunk = excluded.trunk, "
			  "changed_us = excluded.changed_us",
};

static const char *const del_sql[CHANGE_WHAT_N] = {
	[CHANGE_ACCOUNT] = "DELETE FROM account WHERE id = $1",
	[CHANGE_TRUNK] = "DELETE FROM trunk WHERE id = $1",
	[CHANGE_NUMBER] = "DELETE FROM number WHERE pattern = $1",
};

static void
bind_text(struct writer *w, struct str s)
{
	if (w->rc == SQLITE_OK)
		w->rc = sqlite3_bind_text(w->q, w->next++, s.p ? s.p : "", (int)s.len,
					  SQLITE_TRANSIENT);
}

static void
bind_z(struct writer *w, const char *z)
{
	bind_text(w, str_from(z));
}

static void
bind_int(struct writer *w, int64_t v)
{
	if (w->rc == SQLITE_OK)
		w->rc = sqlite3_bind_int64(w->q, w->next++, v);
}

static void
bind_account(struct writer *w, const struct roster_account *a)
{
	bind_text(w, a->id);
	bind_text(w, a->name);
	bind_text(w, a->parent);
	bind_int(w, a->enabled);
	bind_int(w, a->classes);
	bind_z(w, tls_srtp_name(a->tls_srtp));
	bind_int(w, a->max_calls);
	bind_int(w, a->attempts);
}

static void
bind_lists(struct writer *w, const struct roster_trunk *t)
{
	char mem[CHANGE_VALUE_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	for (uint32_t i = 0; i < t->n_names; i++) {
		buf_z(&b, i ? " " : "");
		buf_str(&b, t->name[i]);
	}
	bind_text(w, buf_view(&b));
	buf_reset(&b);
	for (uint32_t i = 0; i < t->n_sources; i++) {
		buf_z(&b, i ? " " : "");
		addr_put_ip(&b, &t->source[i].net, false);
		buf_printf(&b, "/%u", t->source[i].bits);
	}
	bind_text(w, buf_view(&b));
}

static void
bind_trunk(struct writer *w, const struct roster_trunk *t)
{
	bind_text(w, t->id);
	if (t->kind == TRUNK_CUSTOMER)
		bind_text(w, t->account);
	else
		w->next++; /* NULL */
	bind_int(w, t->order);
	bind_int(w, t->enabled);
	bind_z(w, trunk_direction_name(t->direction));
	bind_text(w, t->host);
	bind_int(w, t->port);
	bind_z(w, trunk_transport_name(t->transport));
	bind_z(w, trunk_security_name(t->security));
	bind_text(w, t->zone);
	bind_text(w, t->media);
	bind_text(w, t->caller);
	bind_text(w, t->strip);
	bind_text(w, t->add);
	bind_z(w, trunk_ssrc_name(t->ssrc));
	bind_int(w, t->learn);
	bind_int(w, t->max_calls);
	bind_int(w, t->priority);
	bind_int(w, t->weight);
	bind_lists(w, t);
}

static void
bind_number(struct writer *w, const struct roster_number *n, bool key_only)
{
	char mem[NUMBER_SIZE];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	number_key_put(&b, n->key);
	bind_text(w, buf_view(&b));
	if (!key_only)
		bind_text(w, n->trunk);
}

/* Bind what the statement for c wants. */
static void
bind_change(struct writer *w, const struct change *c)
{
	bool gone = c->how == CHANGE_REMOVE;

	switch (c->what) {
	case CHANGE_ACCOUNT:
		if (gone)
			bind_text(w, ((const struct roster_account *)c->before)->id);
		else
			bind_account(w, c->after);
		break;
	case CHANGE_TRUNK:
		if (gone)
			bind_text(w, ((const struct roster_trunk *)c->before)->id);
		else
			bind_trunk(w, c->after);
		break;
	case CHANGE_NUMBER:
		bind_number(w, gone ? c->before : c->after, gone);
		break;
	case CHANGE_WHAT_N:
		break;
	}
	if (!gone)
		bind_int(w, w->now_us);
}

static enum err
write_change(void *arg, const struct change *c)
{
	struct writer *w = arg;
	bool gone = c->how == CHANGE_REMOVE;
	sqlite3_stmt **q = gone ? &w->del[c->what] : &w->put[c->what];
	enum err e = ERR_OK;

	if (!*q)
		e = prepare_sql(w->s, gone ? del_sql[c->what] : put_sql[c->what], q);
	if (e != ERR_OK)
		return e;
	w->q = *q;
	w->next = 1;
	w->rc = sqlite3_clear_bindings(w->q);
	bind_change(w, c);
	if (w->rc == SQLITE_OK)
		w->rc = sqlite3_step(w->q);
	if (w->rc != SQLITE_DONE)
		e = store_failed(w->s, "writing the store", w->rc);
	(void)sqlite3_reset(w->q);
	return e;
}

/* Raise the version in the transaction in hand. */
static enum err
raise_version(struct store *s, uint64_t version, int64_t now_us)
{
	sqlite3_stmt *q = NULL;
	enum err e = prepare_sql(
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
		e = store_failed(s, "writing the store", rc);
	sqlite3_finalize(q);
	return e;
}

/* Inside the transaction: compare, write what differs, raise the version. */
static enum err
write_all(struct store *s, struct roster *r, uint64_t expect, uint64_t *version)
{
	struct writer w = {.s = s, .now_us = clock_wall_us()};
	struct roster have;
	uint32_t n = 0;
	enum err e;

	roster_init(&have);
	e = read_all(s, &have);
	if (e == ERR_OK && have.version != expect) {
		e = ERR_STATE;
		say_why(s->why, "the store was changed meanwhile; look at it again");
	}
	if (e == ERR_OK)
		e = change_walk(&have, r, write_change, &w, &n);
	if (e == ERR_OK && n)
		e = raise_version(s, expect + 1, w.now_us);
	for (unsigned i = 0; i < CHANGE_WHAT_N; i++) {
		sqlite3_finalize(w.put[i]);
		sqlite3_finalize(w.del[i]);
	}
	roster_fini(&have);
	if (e == ERR_OK)
		*version = n ? expect + 1 : expect;
	return e;
}

enum err
store_write(struct store *s, struct roster *r, uint64_t expect, uint64_t *version)
{
	uint64_t v = 0;
	enum err e = run_sql(s, "BEGIN IMMEDIATE");

	if (e != ERR_OK)
		return e;
	e = end_transaction(s, write_all(s, r, expect, &v));
	if (e == ERR_OK)
		*version = v;
	return e;
}
