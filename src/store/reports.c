#include "store/reports.h"

#include <string.h>

#include "base/mem.h"
#include "store/db.h"

#define DAY_US (86400LL * 1000000)

/* Bind one text; rc is what came before. */
static int
bind_str(sqlite3_stmt *q, int at, struct str s, int rc)
{
	return rc == SQLITE_OK
		       ? sqlite3_bind_text(q, at, s.len ? s.p : "", (int)s.len, SQLITE_TRANSIENT)
		       : rc;
}

/* Run q to its end. */
static enum err
finish_query(struct store *s, sqlite3_stmt *q, int rc)
{
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	return rc == SQLITE_DONE ? ERR_OK : store_db_failed(s, "writing a report", rc);
}

static enum err
insert_report(struct store *s, const struct store_report *r)
{
	sqlite3_stmt *q = NULL;
	enum err e = store_db_prepare(
		s,
		"INSERT OR REPLACE INTO report (account, fqdn, issuer, names, json, at_us, passed) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7)",
		&q);
	int rc = SQLITE_OK;

	if (e != ERR_OK)
		return e;
	rc = bind_str(q, 1, r->account, rc);
	rc = bind_str(q, 2, r->fqdn, rc);
	rc = bind_str(q, 3, r->issuer, rc);
	rc = bind_str(q, 4, r->names, rc);
	rc = bind_str(q, 5, r->json, rc);
	rc = rc == SQLITE_OK ? sqlite3_bind_int64(q, 6, r->at_us) : rc;
	rc = rc == SQLITE_OK ? sqlite3_bind_int64(q, 7, r->passed) : rc;
	e = finish_query(s, q, rc);
	sqlite3_finalize(q);
	return e;
}

/* Only the newest of the account stay, and the newest that passed. */
static enum err
drop_old(struct store *s, struct str account)
{
	sqlite3_stmt *q = NULL;
	enum err e = store_db_prepare(
		s,
		"DELETE FROM report WHERE account = $1 AND at_us NOT IN (SELECT at_us FROM report "
		"WHERE account = $1 ORDER BY at_us DESC LIMIT $2) AND at_us NOT IN (SELECT "
		"max(at_us) FROM report WHERE account = $1 AND passed = 1 HAVING count(*) > 0)",
		&q);
	int rc;

	if (e != ERR_OK)
		return e;
	rc = bind_str(q, 1, account, SQLITE_OK);
	rc = rc == SQLITE_OK ? sqlite3_bind_int64(q, 2, STORE_REPORTS_KEPT) : rc;
	e = finish_query(s, q, rc);
	sqlite3_finalize(q);
	return e;
}

enum err
store_report_write(struct store *s, const struct store_report *r)
{
	enum err e;

	if (r->account.len >= POLICY_ID_MAX || r->fqdn.len >= POLICY_HOST_MAX ||
	    r->issuer.len + r->names.len + r->json.len > STORE_REPORT_MAX)
		return ERR_LONG;
	e = store_db_run(s, "BEGIN IMMEDIATE");
	if (e != ERR_OK)
		return e;
	e = insert_report(s, r);
	if (e == ERR_OK)
		e = drop_old(s, r->account);
	return store_db_end(s, e);
}

/* The row in hand as one block, its texts behind the struct. */
static enum err
copy_report(sqlite3_stmt *q, struct store_report **out)
{
	struct str from[5];
	struct store_report *r;
	size_t n = 0;
	char *p;

	for (int i = 0; i < 5; i++) {
		const unsigned char *z = sqlite3_column_text(q, i);

		from[i] = z ? str_of(z, (size_t)sqlite3_column_bytes(q, i)) : STR_NULL;
		n += from[i].len;
	}
	r = mem_zalloc(1, sizeof(*r) + n + 1);
	if (!r)
		return ERR_NOMEM;
	p = (char *)(r + 1);
	for (int i = 0; i < 5; i++) {
		if (from[i].len)
			memcpy(p, from[i].p, from[i].len);
		from[i].p = p;
		p += from[i].len;
	}
	*r = (struct store_report){.account = from[0],
				   .fqdn = from[1],
				   .issuer = from[2],
				   .names = from[3],
				   .json = from[4],
				   .at_us = sqlite3_column_int64(q, 5),
				   .passed = sqlite3_column_int64(q, 6) != 0};
	*out = r;
	return ERR_OK;
}

enum err
store_report_read(struct store *s, struct str account, bool passed, struct store_report **out)
{
	sqlite3_stmt *q = NULL;
	enum err e = store_db_prepare(
		s,
		"SELECT account, fqdn, issuer, names, json, at_us, passed FROM report "
		"WHERE account = $1 AND passed >= $2 ORDER BY at_us DESC LIMIT 1",
		&q);
	int rc;

	if (e != ERR_OK)
		return e;
	rc = bind_str(q, 1, account, SQLITE_OK);
	rc = rc == SQLITE_OK ? sqlite3_bind_int64(q, 2, passed) : rc;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		e = copy_report(q, out);
	else
		e = rc == SQLITE_DONE ? ERR_NOTFOUND : store_db_failed(s, "reading a report", rc);
	sqlite3_finalize(q);
	return e;
}

void
store_report_free(struct store_report **r)
{
	MEM_FREE(*r);
}

bool
store_report_fresh(const struct store_report *r, int64_t now_us)
{
	return now_us - r->at_us < STORE_REPORT_DAYS * DAY_US;
}
