/* What edge keeps, for edge.c (receives, identifies) and send.c (transactions, paths out). */
#ifndef POSTERN_EDGE_STATE_H
#define POSTERN_EDGE_STATE_H

#include "edge/listener.h"
#include "edge/txn.h"

enum {
	EDGE_MSG_MAX = SIP_MSG_MAX, /* a message of ours */
	EDGE_SMALL_MSG = 2048,	    /* answers without a body, ACK, CANCEL */
};

struct edge {
	struct edge_conf conf;
	struct edge_up up;
	struct loop *loop;
	struct resolver *resolver;
	struct handshake *handshake;
	struct tls_zones *zones;
	char zone_fqdn[EDGE_LISTENERS_MAX][POLICY_HOST_MAX];
	struct cards cards;
	struct conns conns;
	struct listeners listeners;
	struct guard guard;
	const struct snapshot_view *snap, *next_snap;
	void (*on_swapped)(void *arg);
	void *swapped_arg;
	struct texts texts;
	struct pool txns;
	struct hash by_key;
	struct txn_times times;
	struct sip_msg rx;  /* the message that came in */
	struct sip_msg req; /* a stored request, read again */
	struct sip_msg own; /* a request of ours, read again */
	char msg[EDGE_MSG_MAX];
};

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
