/* Which carriers are down: a circuit breaker a carrier, fed by what calls meet. So many failures
 * one after the other open it: the carrier is tried behind all others for a while, twice as long
 * each time. Then one call at a time may try it again; anything that it answers closes it. A
 * carrier that does not answer OPTIONS (edge/poll.h) is down beside that until it does, or answers
 * a call. Pure: `now` and random numbers in. One loop thread. */
#ifndef POSTERN_POLICY_HEALTH_H
#define POSTERN_POLICY_HEALTH_H

#include "policy/snapshot.h"

enum {
	HEALTH_FAILURES = 2,      /* in a row: down */
	HEALTH_DOWN_US = 5000000, /* at first; doubles with each failed try */
	HEALTH_DOWN_MAX_US = 60000000,
	HEALTH_TRY_US = 4000000, /* others keep away while one call tries a carrier that was down */
};

struct health_row {
	struct policy_id trunk;
	uint64_t until;    /* down: not to be tried before others until then */
	uint32_t failures; /* in a row */
	uint32_t trips;    /* times that it was tried in vain since it went down */
	bool down;         /* the breaker is open */
	bool deaf;         /* it does not answer OPTIONS */
};

struct health {
	struct health_row *row; /* one a carrier of the snapshot, in its order */
	uint8_t *flags;         /* for health_down */
	uint32_t n;
	void *arg;
	/** A carrier went down (why: a sentence), or is up again ("").  May be NULL. */
	void (*on_change)(void *arg, const struct policy_id *trunk, bool up, const char *why);
};

/** Zero is a fine start: no carriers. */
void health_fini(struct health *h);
/** Another set of accounts: what is known of carriers that stay is kept, those that went are told
 * as up. v may be NULL. NOMEM: all carriers count as up from now on. */
enum err health_on_snapshot(struct health *h, const struct snapshot_view *v) NODISCARD;
/** For route_outbound: one byte a carrier, not 0 = down now. NULL: none is. Until the next call. */
const uint8_t *health_down(struct health *h, uint64_t now);
/** A call goes to this carrier (its place among the carriers of the snapshot; others are ignored).
 */
void health_tried(struct health *h, uint32_t carrier, uint64_t now);
/** It said nothing, could not be reached, or answered 503. */
void health_failed(struct health *h, uint32_t carrier, const char *why, uint32_t random,
		   uint64_t now);
/** It answered. */
void health_worked(struct health *h, uint32_t carrier);
/** Its OPTIONS are answered again, or no more (why: a sentence). Where the breaker is open as well,
 * an answer lets a call try it at once. */
void health_polled(struct health *h, uint32_t carrier, bool up, const char *why);

#endif
