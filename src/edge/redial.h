/* Connections of ours that broke and are to come back: when to dial which trunk again. After half
 * to all of a second, doubling up to a minute with each failure; given up after REDIAL_TRIES, then
 * the next call dials. Pure: `now` and random numbers in; the owner has one timer for `due`. */
#ifndef POSTERN_EDGE_REDIAL_H
#define POSTERN_EDGE_REDIAL_H

#include "policy/account.h"

enum {
	REDIAL_MAX = 256, /* trunks waiting; of more than that the next call dials */
	REDIAL_FIRST_US = 1000 * 1000,
	REDIAL_LONGEST_US = 60 * 1000 * 1000,
	REDIAL_TRIES = 10, /* about five minutes */
};

struct redial_entry {
	struct policy_id account, trunk;
	uint64_t due; /* UINT64_MAX: being dialled */
	uint32_t tries;
};

struct redial {
	struct redial_entry entry[REDIAL_MAX];
	uint32_t n;
};

/** A connection that we keep was lost, or could not be made again. */
void redial_lost(struct redial *r, const struct policy_id *account, const struct policy_id *trunk,
		 uint32_t random, uint64_t now);
/** It is there, or nobody wants it any more. */
void redial_done(struct redial *r, const struct policy_id *trunk);
/** Is this trunk being waited for? */
bool redial_waits(const struct redial *r, const struct policy_id *trunk);
/** The next one that is due: it counts as being dialled until redial_lost or _done. NULL: none. */
const struct redial_entry *redial_take(struct redial *r, uint64_t now);
/** When redial_take may give one again; UINT64_MAX = nothing waits. */
uint64_t redial_due(const struct redial *r);

#endif
