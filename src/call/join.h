/* Legs that change places between two calls, and what becomes of the call that lost its own: it
 * rides. Its parties are gone or in another call, its host; but who pays for the leg that it gave
 * pays on, so that it lasts as long as its host, and has a CDR of its own then, with the legs that
 * it was made for. */
#ifndef POSTERN_CALL_JOIN_H
#define POSTERN_CALL_JOIN_H

#include "call/state.h"

/** Leg i of a and leg j of b change places, records, media and all. Nothing may be in hand on
 * either; what waits for an answer inside either call is answered. Both records are stored. */
void join_swap(struct call *a, enum call_leg_index i, struct call *b, enum call_leg_index j);
/** b, which was given a leg's place in host (its own is j), rides from now on. */
void join_ride(struct call *b, enum call_leg_index j, struct call *host, enum call_leg_index i);
/** A call of an earlier life that rides, or may be a host: they find each other. */
void join_restore(struct call *c);
/** Its host did not come back in time: it ends. False: it rides. */
bool join_is_orphan(const struct call *c);

#endif
