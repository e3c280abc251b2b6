#include "store/handstore.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	HANDSTORE_LAYOUT = 1,
	HANDSTORE_BUSY_MS = 2000,
	PATH_ROOM = 512,
	DAY_S = 86400,
	PRUNE_GAP_US = 60 * 1000000 /* between two looks for records that are too old */
};

struct handstore {
	sqlite3 *db;
	sqlite3_stmt *add, *last, *more;
	uint32_t keep, days;
	uint64_t n, strangers; /* kept now; of them refused ones, see is_stranger */
	int64_t pruned_us;
	bool reader;
	bool corrupt; /* put aside when it is closed */
	char path[PATH_ROOM], why[HANDSTORE_WHY_MAX];
};

static const char schema[] =
	"CREATE TABLE handshake ("
	" seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind INTEGER NOT NULL,"
	" accepted INTEGER NOT NULL, outgoing INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" peer TEXT NOT NULL, account TEXT NOT NULL, host TEXT NOT NULL, word TEXT NOT NULL,"
	" why TEXT NOT NULL, version INTEGER NOT NULL, suite INTEGER NOT NULL,"
	" offer TEXT NOT NULL, names TEXT NOT NULL, issuer TEXT NOT NULL,"
	" authority TEXT NOT NULL, fingerprint TEXT NOT NULL, not_after_us INTEGER NOT NULL,"
	" more INTEGER NOT NULL, last_us INTEGER NOT NULL, stranger INTEGER NOT NULL,"
	" body TEXT NOT NULL);"
	"CREATE INDEX handshake_at ON handshake (at_us);"
	"CREATE INDEX handshake_account ON handshake (account, accepted);"
	"CREATE INDEX handshake_peer ON handshake (peer, accepted);"
	"CREATE INDEX handshake_stranger ON handshake (stranger);"
	"CREATE INDEX handshake_accepted ON handshake (accepted);"
	/* the newest accepted one of each account and direction */
	"CREATE TABLE last (account TEXT NOT NULL, outgoing INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, PRIMARY KEY (account, outgoing));"
	"CREATE TABLE mark (one INTEGER PRIMARY KEY CHECK (one = 1), ring INTEGER NOT NULL,"
	" next INTEGER NOT NULL);"
	"PRAGMA user_version = 1;";

/* In the order of read_row. */
#define COLUMNS                                                                                    \
	"id, kind, accepted, outgoing, at_us, peer, account, host, word, why, version, suite, "    \
	"offer, names, issuer, authority, fingerprint, not_after_us, more, last_us, body"

static enum err
note_failure(struct handstore *s, const char *doing, int rc)
{
	struct buf b;

	buf_init(&b, s->why, sizeof(s->why));
	buf_printf(&b, "%s: %.180s", doing, s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
	buf_cstr(&b);
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		s->corrupt = true;
		return ERR_IO;
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
		return ERR_PERM;
	default:
		return ERR_IO;
	}
}

static enum err
run_sql(struct handstore *s, const char *sql)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? ERR_OK : note_failure(s, "handshakes", rc);
}

static enum err
prepare_sql(struct handstore *s, const char *sql, sqlite3_stmt **out)
{
	int rc = sqlite3_prepare_v2(s->db, sql, -1, out, NULL);

	return rc == SQLITE_OK ? ERR_OK : note_failure(s, "handshakes", rc);
}

/* Carry out a statement that gives no rows, and make it ready for the next time. */
static enum err
step_done(struct handstore *s, sqlite3_stmt *q)
{
	int rc = sqlite3_step(q);
	enum err e = ERR_OK;

	if ((rc & 0xff) == SQLITE_CONSTRAINT)
		e = ERR_EXISTS;
	else if (rc != SQLITE_DONE)
		e = note_failure(s, "handshakes", rc);
	(void)sqlite3_reset(q);
	return e;
}

/* A and B: up to two numbers that a query of one row gives; 0 where it gives none. */
static enum err
read_numbers(struct handstore *s, const char *sql, uint64_t *a, uint64_t *b)
{
	sqlite3_stmt *q = NULL;
	enum err e = prepare_sql(s, sql, &q);
	int rc;

	if (e != ERR_OK)
		return e;
	rc = sqlite3_step(q);
	*a = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(q, 0) : 0;
	if (b)
		*b = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(q, 1) : 0;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		e = note_failure(s, "handshakes", rc);
	sqlite3_finalize(q);
	return e;
}

static enum err
count_again(struct handstore *s)
{
	return read_numbers(s, "SELECT count(*), coalesce(sum(stranger), 0) FROM handshake", &s->n,
			    &s->strangers);
}

/* ---- opening ---- */

static enum err
make_tables(struct handstore *s)
{
	uint64_t layout = 0;
	enum err e = read_numbers(s, "PRAGMA user_version", &layout, NULL);

	if (e != ERR_OK)
		return e;
	if (layout > HANDSTORE_LAYOUT) {
		(void)snprintf(s->why, sizeof(s->why),
			       "%.200s was written by a newer postern; move it away", s->path);
		return ERR_VERSION;
	}
	if (layout == HANDSTORE_LAYOUT)
		return ERR_OK;
	e = run_sql(s, "BEGIN IMMEDIATE");
	if (e == ERR_OK)
		e = run_sql(s, schema);
	if (e == ERR_OK)
		return run_sql(s, "COMMIT");
	(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return e;
}

static enum err
prepare_all(struct handstore *s)
{
	enum err e = prepare_sql(
		s,
		"INSERT INTO handshake (" COLUMNS ", stranger) VALUES "
		"(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22)",
		&s->add);

	if (e == ERR_OK)
		e = prepare_sql(s,
				"INSERT OR REPLACE INTO last (account, outgoing, seq) "
				"VALUES (?1, ?2, ?3)",
				&s->last);
	if (e == ERR_OK)
		e = prepare_sql(s,
				"UPDATE handshake SET more = more + ?2, last_us = ?3 "
				"WHERE id = ?1",
				&s->more);
	return e;
}

static enum err
open_file(struct handstore *s)
{
	int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* so that the mode is ours */
	int rc;
	enum err e;

	if (fd >= 0)
		close(fd);
	rc = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return note_failure(s, "cannot open it", rc);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, HANDSTORE_BUSY_MS);
	/* a record may be lost with the machine's power, never by the death of a process */
	e = run_sql(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
	if (e == ERR_OK)
		e = make_tables(s);
	if (e == ERR_OK)
		e = prepare_all(s);
	return e == ERR_OK ? count_again(s) : e;
}

/* Beside a writer: nothing is made, nothing is mended. */
static enum err
open_reader(struct handstore *s)
{
	uint64_t layout = 0;
	enum err e;
	int rc;

	if (access(s->path, F_OK) != 0)
		return ERR_NOTFOUND;
	rc = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return note_failure(s, "cannot open it", rc);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, HANDSTORE_BUSY_MS);
	e = read_numbers(s, "PRAGMA user_version", &layout, NULL);
	if (e == ERR_OK && layout != HANDSTORE_LAYOUT)
		e = ERR_VERSION;
	return e == ERR_OK ? count_again(s) : e;
}

static void
close_db(struct handstore *s)
{
	sqlite3_finalize(s->add);
	sqlite3_finalize(s->last);
	sqlite3_finalize(s->more);
	s->add = s->last = s->more = NULL;
	sqlite3_close(s->db);
	s->db = NULL;
}

/* A damaged file is kept for whoever wants to look; a new one is begun. */
static void
put_aside(struct handstore *s)
{
	static const char *const ends[] = {"-wal", "-shm"};
	char bad[PATH_ROOM + 8];

	(void)snprintf(bad, sizeof(bad), "%s.bad", s->path);
	(void)rename(s->path, bad);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(bad, sizeof(bad), "%s%s", s->path, ends[i]);
		(void)unlink(bad);
	}
	s->corrupt = false;
}

/* Give the opened one away, or say why not and drop it. */
static enum err
finish_open(struct handstore *s, enum err e, struct handstore **out, char why[HANDSTORE_WHY_MAX])
{
	why[0] = 0;
	if (e == ERR_OK) {
		*out = s;
		return ERR_OK;
	}
	(void)snprintf(why, HANDSTORE_WHY_MAX, "%s", s && s->why[0] ? s->why : err_text(e));
	handstore_close(&s);
	return e;
}

enum err
handstore_open(const char *path, uint32_t keep, uint32_t days, struct handstore **out,
	       char why[HANDSTORE_WHY_MAX])
{
	struct handstore *s = mem_zalloc(1, sizeof(*s));
	enum err e = s ? str_copyz(s->path, sizeof(s->path), str_from(path)) : ERR_NOMEM;

	if (e == ERR_OK) {
		s->keep = keep < HANDSTORE_KEEP_MIN ? HANDSTORE_KEEP_MIN : keep;
		s->days = days ? days : 1;
		e = open_file(s);
		if (e != ERR_OK && s->corrupt) {
			close_db(s);
			put_aside(s);
			e = open_file(s);
		}
	}
	return finish_open(s, e, out, why);
}

enum err
handstore_open_reader(const char *path, struct handstore **out, char why[HANDSTORE_WHY_MAX])
{
	struct handstore *s = mem_zalloc(1, sizeof(*s));
	enum err e = s ? str_copyz(s->path, sizeof(s->path), str_from(path)) : ERR_NOMEM;

	if (e == ERR_OK) {
		s->reader = true;
		e = open_reader(s);
	}
	return finish_open(s, e, out, why);
}

void
handstore_close(struct handstore **sp)
{
	struct handstore *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	close_db(s);
	if (s->corrupt && !s->reader)
		put_aside(s);
	mem_free(s);
}

const char *
handstore_why(const struct handstore *s)
{
	return s->why;
}

uint64_t
handstore_count(const struct handstore *s)
{
	return s->n;
}

/* ---- writing ---- */

enum err
handstore_begin(struct handstore *s)
{
	return run_sql(s, "BEGIN IMMEDIATE");
}

static void
bind_str(sqlite3_stmt *q, int i, struct str s)
{
	(void)sqlite3_bind_text(q, i, s.p ? s.p : "", (int)s.len, SQLITE_STATIC);
}

/* Who comes without being accepted may claim anything. */
static bool
is_stranger(const struct hand_row *r)
{
	return !r->accepted && !r->outgoing && (r->kind == HAND_HANDSHAKE || r->account.len == 0);
}

static void
bind_row(sqlite3_stmt *q, const struct hand_row *r)
{
	const struct str texts[] = {r->peer, r->account, r->host, r->word, r->why};
	const struct str cert[] = {r->offer, r->names, r->issuer, r->authority, r->fingerprint};

	bind_str(q, 1, r->id);
	(void)sqlite3_bind_int(q, 2, (int)r->kind);
	(void)sqlite3_bind_int(q, 3, r->accepted);
	(void)sqlite3_bind_int(q, 4, r->outgoing);
	(void)sqlite3_bind_int64(q, 5, r->at_us);
	for (int i = 0; i < (int)ARRAY_LEN(texts); i++)
		bind_str(q, 6 + i, texts[i]);
	(void)sqlite3_bind_int(q, 11, r->version);
	(void)sqlite3_bind_int(q, 12, r->suite);
	for (int i = 0; i < (int)ARRAY_LEN(cert); i++)
		bind_str(q, 13 + i, cert[i]);
	(void)sqlite3_bind_int64(q, 18, r->not_after_us);
	(void)sqlite3_bind_int64(q, 19, (sqlite3_int64)r->more);
	(void)sqlite3_bind_int64(q, 20, r->last_us);
	bind_str(q, 21, r->body);
	(void)sqlite3_bind_int(q, 22, is_stranger(r));
}

enum err
handstore_add(struct handstore *s, const struct hand_row *row)
{
	enum err e;

	bind_row(s->add, row);
	e = step_done(s, s->add);
	if (e != ERR_OK)
		return e;
	s->n++;
	s->strangers += is_stranger(row);
	if (!row->accepted || row->account.len == 0 || row->kind != HAND_HANDSHAKE)
		return ERR_OK;
	bind_str(s->last, 1, row->account);
	(void)sqlite3_bind_int(s->last, 2, row->outgoing);
	(void)sqlite3_bind_int64(s->last, 3, sqlite3_last_insert_rowid(s->db));
	return step_done(s, s->last);
}

enum err
handstore_more(struct handstore *s, struct str id, uint64_t n, int64_t last_us)
{
	bind_str(s->more, 1, id);
	(void)sqlite3_bind_int64(s->more, 2, (sqlite3_int64)n);
	(void)sqlite3_bind_int64(s->more, 3, last_us);
	return step_done(s, s->more);
}

/* Run a statement whose ?1 and ?2 are these numbers. */
static enum err
run_with(struct handstore *s, const char *sql, int64_t a, int64_t b)
{
	sqlite3_stmt *q = NULL;
	enum err e = prepare_sql(s, sql, &q);

	if (e != ERR_OK)
		return e;
	(void)sqlite3_bind_int64(q, 1, a);
	(void)sqlite3_bind_int64(q, 2, b);
	e = step_done(s, q);
	sqlite3_finalize(q);
	return e;
}

enum err
handstore_mark(struct handstore *s, uint64_t ring, uint64_t next)
{
	return run_with(s, "INSERT OR REPLACE INTO mark (one, ring, next) VALUES (1, ?1, ?2)",
			(int64_t)ring, (int64_t)next);
}

/* Refusals of strangers go first where they are more than half: a flood of them does not push out
 * what customers did. */
static enum err
drop_many(struct handstore *s)
{
	uint64_t half = s->keep / 2, drop = s->n - s->keep;
	uint64_t of_strangers = s->strangers > half ? s->strangers - half : 0;
	enum err e = ERR_OK;

	if (of_strangers > drop)
		of_strangers = drop;
	if (of_strangers)
		e = run_with(s,
			     "DELETE FROM handshake WHERE seq IN (SELECT seq FROM handshake WHERE "
			     "stranger = 1 ORDER BY seq LIMIT ?1)",
			     (int64_t)of_strangers, 0);
	if (e == ERR_OK && drop > of_strangers)
		e = run_with(s,
			     "DELETE FROM handshake WHERE seq IN (SELECT seq FROM handshake WHERE "
			     "seq NOT IN (SELECT seq FROM last) ORDER BY seq LIMIT ?1)",
			     (int64_t)(drop - of_strangers), 0);
	return e;
}

static enum err
drop_old(struct handstore *s, int64_t now_us)
{
	s->pruned_us = now_us;
	return run_with(s,
			"DELETE FROM handshake WHERE at_us < ?1 AND max(at_us, last_us) < ?1 AND "
			"seq NOT IN (SELECT seq FROM last)",
			now_us - (int64_t)s->days * DAY_S * 1000000, 0);
}

static enum err
prune_rows(struct handstore *s, int64_t now_us)
{
	bool many = s->n > (uint64_t)s->keep + HANDSTORE_PRUNE_EVERY;
	bool old = now_us - s->pruned_us > PRUNE_GAP_US || now_us < s->pruned_us;
	enum err e = ERR_OK;

	if (old)
		e = drop_old(s, now_us);
	if (e == ERR_OK && many)
		e = drop_many(s);
	return e == ERR_OK && (old || many) ? count_again(s) : e;
}

enum err
handstore_end(struct handstore *s, enum err e, int64_t now_us)
{
	char why[HANDSTORE_WHY_MAX];

	if (e == ERR_OK)
		e = prune_rows(s, now_us);
	if (e == ERR_OK)
		e = run_sql(s, "COMMIT");
	if (e == ERR_OK)
		return ERR_OK;
	(void)snprintf(why, sizeof(why), "%s", s->why);
	if (!sqlite3_get_autocommit(s->db)) /* else a COMMIT that failed has rolled back */
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	(void)count_again(s);
	(void)snprintf(s->why, sizeof(s->why), "%s", why);
	return e;
}

/* ---- reading ---- */

enum err
handstore_next(struct handstore *s, uint64_t ring, uint64_t *out)
{
	uint64_t was = 0, next = 0;
	enum err e = read_numbers(s, "SELECT ring, next FROM mark WHERE one = 1", &was, &next);

	if (e == ERR_OK)
		*out = was == ring ? next : 0;
	return e;
}

static struct str
column_str(sqlite3_stmt *q, int i)
{
	const unsigned char *p = sqlite3_column_text(q, i);

	return p ? str_of(p, (size_t)sqlite3_column_bytes(q, i)) : STR_NULL;
}

static void
read_row(sqlite3_stmt *q, struct hand_row *r)
{
	struct str *const texts[] = {&r->peer, &r->account, &r->host, &r->word, &r->why};
	struct str *const cert[] = {&r->offer, &r->names, &r->issuer, &r->authority,
				    &r->fingerprint};

	r->id = column_str(q, 0);
	r->kind = sqlite3_column_int(q, 1) == HAND_REQUEST ? HAND_REQUEST : HAND_HANDSHAKE;
	r->accepted = sqlite3_column_int(q, 2) != 0;
	r->outgoing = sqlite3_column_int(q, 3) != 0;
	r->at_us = sqlite3_column_int64(q, 4);
	for (int i = 0; i < (int)ARRAY_LEN(texts); i++)
		*texts[i] = column_str(q, 5 + i);
	r->version = (uint16_t)sqlite3_column_int(q, 10);
	r->suite = (uint16_t)sqlite3_column_int(q, 11);
	for (int i = 0; i < (int)ARRAY_LEN(cert); i++)
		*cert[i] = column_str(q, 12 + i);
	r->not_after_us = sqlite3_column_int64(q, 17);
	r->more = (uint64_t)sqlite3_column_int64(q, 18);
	r->last_us = sqlite3_column_int64(q, 19);
	r->body = column_str(q, 20);
}

static bool
is_name_char(char c)
{
	return ascii_alnum(c) || c == '-' || c == '.' || c == '_';
}

/* Does a host name stand in the text, and not as a piece of another one? A dot that ends a
 * sentence is none of the name. */
static bool
holds_name(struct str text, struct str name)
{
	for (size_t i = 0; i + name.len <= text.len; i++) {
		size_t end = i + name.len;

		if ((i && is_name_char(text.p[i - 1])) || !str_ieq(str_sub(text, i, end), name))
			continue;
		if (end < text.len && text.p[end] == '.' &&
		    (end + 1 == text.len || !is_name_char(text.p[end + 1])))
			return true;
		if (end == text.len || !is_name_char(text.p[end]))
			return true;
	}
	return false;
}

/* All rows of a prepared query, and its end. limit 0: none. */
static enum err
walk_rows(struct handstore *s, sqlite3_stmt *q, struct str text, uint32_t limit,
	  hand_row_fn *on_row, void *arg)
{
	uint32_t given = 0, seen = 0;
	enum err e = ERR_OK;
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct hand_row row;

		read_row(q, &row);
		if (text.len && !holds_name(row.host, text) && !holds_name(row.body, text)) {
			if (++seen == HANDSTORE_SEARCH_MAX)
				break;
			continue;
		}
		if (!on_row(arg, &row) || ++given == limit)
			break;
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		e = note_failure(s, "handshakes", rc);
	sqlite3_finalize(q);
	return e;
}

enum err
handstore_query(struct handstore *s, const struct hand_query *q, hand_row_fn *on_row, void *arg)
{
	char sql[512];
	sqlite3_stmt *st = NULL;
	struct buf b;
	enum err e;

	buf_init(&b, sql, sizeof(sql));
	buf_z(&b, "SELECT " COLUMNS " FROM handshake WHERE 1");
	buf_z(&b, q->id.len ? " AND id = ?1" : "");
	buf_z(&b, q->account.len ? " AND account = ?2" : "");
	buf_z(&b, q->peer.len ? " AND peer = ?3" : "");
	buf_z(&b, q->since_us ? " AND max(at_us, last_us) >= ?4" : "");
	buf_z(&b, q->refused ? " AND accepted = 0" : "");
	buf_z(&b, q->handshakes ? " AND kind = 0" : "");
	buf_z(&b, q->outgoing ? " AND outgoing = 1" : "");
	buf_z(&b, q->until_us ? " AND at_us <= ?5" : "");
	buf_z(&b, " ORDER BY seq DESC");
	e = prepare_sql(s, buf_cstr(&b), &st);
	if (e != ERR_OK)
		return e;
	if (q->id.len)
		bind_str(st, 1, q->id);
	if (q->account.len)
		bind_str(st, 2, q->account);
	if (q->peer.len)
		bind_str(st, 3, q->peer);
	if (q->since_us)
		(void)sqlite3_bind_int64(st, 4, q->since_us);
	if (q->until_us)
		(void)sqlite3_bind_int64(st, 5, q->until_us);
	return walk_rows(s, st, q->text, q->limit, on_row, arg);
}

enum err
handstore_last(struct handstore *s, struct str account, hand_row_fn *on_row, void *arg)
{
	sqlite3_stmt *st = NULL;
	enum err e = prepare_sql(s,
				 "SELECT " COLUMNS " FROM handshake WHERE seq IN (SELECT seq FROM "
				 "last WHERE ?1 = '' OR account = ?1) ORDER BY account, outgoing",
				 &st);

	if (e != ERR_OK)
		return e;
	bind_str(st, 1, account);
	return walk_rows(s, st, STR_NULL, 0, on_row, arg);
}

enum err
handstore_seen(struct handstore *s, int64_t since_us, hand_row_fn *on_row, void *arg)
{
	sqlite3_stmt *st = NULL;
	enum err e = prepare_sql(
		s,
		"SELECT id, kind, accepted, outgoing, at_us, peer, account, host, word, why, "
		"version, suite, offer, names, issuer, authority, fingerprint, not_after_us, "
		"g.n, last_us, body FROM handshake JOIN (SELECT max(seq) AS m, "
		"count(*) - 1 + sum(more) AS n FROM handshake WHERE accepted = 1 AND kind = 0 AND "
		"max(at_us, last_us) >= ?1 GROUP BY account, outgoing, offer, version, suite, "
		"authority) AS g ON seq = g.m ORDER BY account, outgoing, seq DESC",
		&st);

	if (e != ERR_OK)
		return e;
	(void)sqlite3_bind_int64(st, 1, since_us);
	return walk_rows(s, st, STR_NULL, 0, on_row, arg);
}
