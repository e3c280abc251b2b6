/* REGISTER for each trunk that wants it (its `register`), over the way that calls to it take, so
 * that a connection that carries it carries its calls as well: the transactions of struct enrol
 * (edge/enrol.h), trunk by trunk. Loop thread. */
#ifndef POSTERN_EDGE_ENROLS_H
#define POSTERN_EDGE_ENROLS_H

#include "edge/enrol.h"
#include "edge/txn.h"

enum {
	ENROLS_MAX = 256, /* trunks; of more the rest is not registered, with a line in the log */
	ENROLS_IN_HAND = 32, /* at a time; the next ones wait */
	ENROLS_WAIT_US = 50 * 1000,
	ENROLS_URI_MAX = 320,
	ENROLS_TOKEN = 26,
};

struct enrols_row {
	struct list node;
	struct edge *owner;
	struct edge_own own; /* of txn */
	struct edge_txn *txn;
	struct policy_id trunk, account;
	struct enrol enrol;
	uint32_t expires_s, cseq;
	char aor[ENROLS_URI_MAX], registrar[ENROLS_URI_MAX]; /* URIs */
	char contact[ENROLS_URI_MAX];                        /* as it was sent last */
	char call_id[ENROLS_TOKEN + 1], tag[ENROLS_TOKEN + 1];
	char host[POLICY_HOST_MAX]; /* where it was sent last */
	uint16_t port;
	enum edge_transport transport;
	bool kept; /* by the accounts that are being taken over */
};

struct enrols {
	struct edge *owner;
	struct pool pool;
	struct list rows;
	struct timer timer;
	uint32_t in_hand;
};

/** After the listeners were started. NOMEM; enrols_fini all the same. */
enum err enrols_init(struct edge *e) NODISCARD;
void enrols_fini(struct edge *e);
/** The accounts of e->snap, which may be NULL: what stays as it was goes on; what went is removed
 * at its registrar. */
void enrols_on_snapshot(struct edge *e);

#endif
