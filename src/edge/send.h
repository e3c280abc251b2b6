/* Transactions of edge: their life, bytes and paths out. */
#ifndef POSTERN_EDGE_SEND_H
#define POSTERN_EDGE_SEND_H

#include "edge/state.h"

/** A new transaction with its machine. NULL: none left. */
struct edge_txn *send_new_txn(struct edge *e, enum txn_kind kind, bool reliable);
/** Find by key. */
struct edge_txn *send_find_txn(struct edge *e, const struct txn_key *k);
void send_hash_txn(struct edge *e, struct edge_txn *t);
/** Carry out what a step of the machine said. msg: the message behind it, or NULL. */
void send_do(struct edge_txn *t, unsigned todo, const struct sip_msg *msg);
/** What waits on this connection: it opened, or it is gone (why). */
void send_conn_open(struct edge *e, struct conn *c);
void send_conn_down(struct edge *e, struct conn *c, const char *why);

#endif
