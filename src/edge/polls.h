/* OPTIONS to each trunk that wants them (its `options`), over the way that calls to it take: the
 * transactions of struct poll (edge/poll.h), trunk by trunk. Loop thread. */
#ifndef POSTERN_EDGE_POLLS_H
#define POSTERN_EDGE_POLLS_H

#include "edge/poll.h"
#include "edge/txn.h"

enum {
	POLLS_MAX = 1024,   /* trunks; of more the rest is not asked, with a line in the log */
	POLLS_IN_HAND = 64, /* at a time; the next ones wait */
	POLLS_WAIT_US = 50 * 1000, /* until there is room */
};

struct polls_row {
	struct list node;
	struct edge *owner;
	struct edge_own own; /* of txn */
	struct edge_txn *txn;
	struct policy_id trunk;
	struct poll_terms terms;
	struct poll poll;
	bool kept; /* by the accounts that are being taken over */
};

struct polls {
	struct edge *owner;
	struct pool pool;
	struct list rows;
	struct timer timer;
	uint32_t in_hand;
};

/** After the listeners were started. NOMEM; polls_fini all the same. */
enum err polls_init(struct edge *e) NODISCARD;
void polls_fini(struct edge *e);
/** The accounts of e->snap, which may be NULL: what is known of trunks that stay is kept. */
void polls_on_snapshot(struct edge *e);

#endif
