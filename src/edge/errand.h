/* Requests that edge sends of itself, to each trunk that wants them: OPTIONS (edge/polls.h) and
 * REGISTER (edge/enrols.h). A row a trunk, as the accounts in use say, each with at most one
 * request out, over the way that calls to the trunk take. When one is due and what its answer means
 * is of its kind. Loop thread. */
#ifndef POSTERN_EDGE_ERRAND_H
#define POSTERN_EDGE_ERRAND_H

#include "base/pool.h"
#include "edge/txn.h"

enum { ERRAND_WAIT_US = 50 * 1000 }; /* until there is room for one that is due */

struct errands;

/* Of one trunk: the first member of what its kind keeps of it. */
struct errand {
	struct list node;
	struct errands *of;
	struct edge_own own;  /* of txn */
	struct edge_txn *txn; /* the request that is out, or NULL */
	uint64_t *due;        /* next do_step; UINT64_MAX = never. Where its kind keeps it */
	struct policy_id trunk;
	bool kept; /* by the accounts that are being taken over */
};

struct errand_kind {
	const char *name; /* of the requests, for sentences */
	size_t size;      /* of a row */
	uint32_t rows, at_a_time;
	/** Of a trunk that is in use: does it want them? */
	bool (*do_want)(const struct edge *e, const struct trunk *t);
	/** Find (errand_find) or make (errand_new) the row of a trunk that wants them, and set
	 * `kept`. */
	void (*do_take)(struct errands *s, uint32_t trunk);
	/** Nobody wants it any more: errand_drop, now or later. */
	void (*do_leave)(struct errand *r);
	/** It is due. May drop it. */
	void (*do_step)(struct errand *r, uint64_t now);
	/** A final answer; nothing is out any more. May drop it. */
	void (*on_final)(struct errand *r, const struct sip_msg *m);
	/** It was lost, why: a sentence. May drop it. */
	void (*on_failure)(struct errand *r, const char *why);
};

struct errands {
	const struct errand_kind *kind;
	struct edge *edge;
	struct pool pool;
	struct list rows;
	struct timer timer;
	uint32_t out;
};

/** After the listeners were started. NOMEM. */
enum err errands_new(struct edge *e, const struct errand_kind *kind,
		     struct errands **out) NODISCARD;
/** NULL is fine. */
void errands_free(struct errands **s);
/** The accounts of edge->snap, which may be NULL: rows of trunks that stay are kept. */
void errands_on_snapshot(struct errands *s);
/** After `due` of a row changed outside of its own calls. */
void errands_arm(struct errands *s);

/** The row of this trunk that was made last, or NULL. */
struct errand *errand_find(struct errands *s, const struct policy_id *trunk);
/** A row for this trunk of the accounts, else zeroed: set `due` at once. NULL: as many are there as
 * may be. */
struct errand *errand_new(struct errands *s, uint32_t trunk);
/** Its request is given up, the row is gone. */
void errand_drop(struct errand *r);
/** Send it; on_final or on_failure follows, unless it is given up. */
enum err errand_send(struct errand *r, const struct edge_dest *dest, enum sip_method method,
		     struct str msg) NODISCARD;
/** Nothing more is wanted of what is out, if anything is. */
void errand_give_up(struct errand *r);
/** "host:port;transport=..", as this trunk shall see us. */
void errand_put_here(struct buf *b, const struct edge_local *local, const struct trunk *t);
/** ";transport=..", or "" for UDP. */
const char *errand_transport(enum edge_transport t);

#endif
