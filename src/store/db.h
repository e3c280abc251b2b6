/* What the files of this folder share about the open store of accounts. Not for others. */
#ifndef POSTERN_STORE_DB_H
#define POSTERN_STORE_DB_H

#include <sqlite3.h>

#include "store/sqlite.h"

struct store {
	sqlite3 *db;
	char why[STORE_WHY_MAX];
};

/** Keep a sentence about what failed; the enum err of a result of the library. */
enum err store_db_failed(struct store *s, const char *doing, int rc);
enum err store_db_run(struct store *s, const char *sql) NODISCARD;
enum err store_db_prepare(struct store *s, const char *sql, sqlite3_stmt **out) NODISCARD;
/** End the transaction in hand: keep it when e is OK, which it returns otherwise. */
enum err store_db_end(struct store *s, enum err e) NODISCARD;

#endif
