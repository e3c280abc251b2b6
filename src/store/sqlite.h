/* The store in SQLite: one file, WAL, no server. The only file that knows the library.
 * Users include store/store.h, which explains the functions. */
#ifndef POSTERN_STORE_SQLITE_H
#define POSTERN_STORE_SQLITE_H

#include "policy/roster.h"

struct store;

enum {
	STORE_WHY_MAX = 256,
	STORE_BUSY_MS = 5000, /* how long a writer waits for another one */
};

/**
 * Open or make the store at path (mode 0600) and bring its tables to this program's layout
 * (numbered migrations, each in one transaction). why gets a sentence, "" on success.
 * IO; VERSION: it was written by a newer program; NOMEM.
 */
enum err store_open(const char *path, struct store **out, char why[STORE_WHY_MAX]) NODISCARD;
/** Nulls the pointer; NULL is fine. */
void store_close(struct store **s);
/** Sentence about the last failure of s. Borrowed until the next call. */
const char *store_why(const struct store *s);
/** The version number: grows by one with each change, in the change's own transaction. */
enum err store_version(struct store *s, uint64_t *out) NODISCARD;
/** Read all, in one transaction, sorted, with its version. r: from roster_init; fini it after. */
enum err store_read(struct store *s, struct roster *r) NODISCARD;
/**
 * Make the store hold exactly what r says, in one transaction, if it is still at version expect
 * (STATE otherwise, nothing changed). Nothing to do: the version stays. *version: after it.
 */
enum err store_write(struct store *s, struct roster *r, uint64_t expect,
		     uint64_t *version) NODISCARD;

#endif
