/* Transactions of edge: their life, their bytes, what their machine says. */
#ifndef POSTERN_EDGE_SEND_H
#define POSTERN_EDGE_SEND_H

#include "edge/state.h"

/** A new transaction with its machine. NULL: none left. */
struct edge_txn *send_new_txn(struct edge *e, enum txn_kind kind, bool reliable, bool spare);
/** Give back one that nobody knows of yet. */
void send_drop_txn(struct edge_txn *t);
/** Over, without news. Its memory stays until the end of the iteration: a caller may still hold
 * it. */
void send_end_txn(struct edge_txn *t);
/** Over, with the news EDGE_FAILED; why: a sentence. */
void send_fail_txn(struct edge_txn *t, enum err err, const char *why);
/** Find by key. */
struct edge_txn *send_find_txn(struct edge *e, const struct txn_key *k);
/** t is found by this key from now on. */
void send_hash_txn(struct edge *e, struct edge_txn *t, const struct txn_key *k);
/** g is found in place of t. */
void send_swap_txn(struct edge *e, struct edge_txn *t, struct edge_txn *g);
/** Send over the transaction's way. CLOSED: no connection is there. */
enum err send_bytes(struct edge_txn *t, struct str bytes) NODISCARD;
/** Carry out what a step of the machine said. msg: the message behind it, or NULL. */
void send_do(struct edge_txn *t, unsigned todo, const struct sip_msg *msg);

#endif
