/* The store of accounts: one authority, transactions, a version that others watch.
 * Blocking I/O: admin and commands only. One thread a store. */
#ifndef POSTERN_STORE_STORE_H
#define POSTERN_STORE_STORE_H

#include "policy/snapshot.h"
#include "store/sqlite.h" /* store_open, store_close, store_version, store_read, store_write */

/**
 * The snapshot of the present state, ready for shm_blob: store_read, roster_check, snapshot_build.
 * Free with store_snapshot_free. What only older releases took stays in use and is named in the
 * log. CONFIG: the store holds what policy refuses.
 */
enum err store_snapshot(struct store *s, struct str *out) NODISCARD;
/** Nulls *bytes. */
void store_snapshot_free(struct str *bytes);

/**
 * Keep the bytes of a snapshot as the last good one beside the store: written to PATH.tmp, synced,
 * renamed. A start without a readable store goes on from it.
 */
enum err store_good_write(const char *path, struct str bytes) NODISCARD;
/** Read it back; checked by snapshot_open. NOTFOUND, IO, or what snapshot_open says. */
enum err store_good_read(const char *path, struct str *out) NODISCARD;

#endif
