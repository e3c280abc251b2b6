/* Provisional responses of the set-up, reliable where a side takes that (RFC 3262), on each leg by
 * itself: the called side's are acknowledged here, the caller's are repeated until its PRACK. Only
 * for an INVITE with an offer: without one the first reliable response would have to offer. */
#ifndef POSTERN_CALL_RING_H
#define POSTERN_CALL_RING_H

#include "call/state.h"

/** What the caller's INVITE says of 100rel. */
void ring_begin(struct call *c, const struct sip_msg *invite);
/** The called side's provisional goes to the caller; msg NULL: one that had to wait. */
void ring_pass(struct call *c, const struct sip_msg *msg);
/** The caller's PRACK: answered. */
void ring_prack(struct call *c, struct edge_txn *txn, const struct sip_msg *m);
/** c->ring.again.due is reached (before that: nothing): NONE, or why the call must end. */
enum refusal ring_due(struct call *c) NODISCARD;
/** The caller has its final response: nothing is repeated any more. */
void ring_stop(struct call *c);

/**
 * A reliable provisional of the called side, whose dialog is in the record: PRACK. False: a copy,
 * or one too many; it goes no further. True also for those that ask for no PRACK.
 */
bool ring_take(struct call *c, const struct sip_msg *m) NODISCARD;
/** Leg B's dialog is about to be another fork's, and is it now: each counts by itself. */
void ring_leave_fork(struct call *c);
void ring_enter_fork(struct call *c);

/** Must the called side's 2xx wait for the caller's PRACK (RFC 3262 3)? */
bool ring_must_wait(const struct call *c);
/** Keep that 2xx; copies change nothing. False: no place, it cannot wait. */
bool ring_hold(struct call *c, const struct edge_news *news) NODISCARD;
/** May what was kept go on now? Then its text, for the call, until ring_drop. */
bool ring_ready(const struct call *c);
void ring_drop(struct call *c);
/** The call is over: nothing of this file is kept for it. */
void ring_end(struct call *c);

#endif
