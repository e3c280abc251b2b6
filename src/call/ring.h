/* Provisional responses of the set-up, reliable where a side takes that (RFC 3262), on each leg by
 * itself: the called side's are acknowledged here, the caller's are repeated until its PRACK. Of an
 * INVITE without an offer the called side's first one offers, where the caller takes reliable ones:
 * its PRACK brings the answer, and only then the called side gets ours. */
#ifndef POSTERN_CALL_RING_H
#define POSTERN_CALL_RING_H

#include "call/state.h"

/** What the caller's INVITE says of 100rel. */
void ring_begin(struct call *c, const struct sip_msg *invite);
/** The called side's provisional goes to the caller; msg NULL: one that had to wait. */
void ring_pass(struct call *c, const struct sip_msg *msg);
enum ring_prack {
	RING_PRACK_DONE,    /* it is answered */
	RING_PRACK_OFFERS,  /* something else (RFC 3262 5); it is not answered yet */
	RING_PRACK_ANSWERS, /* what the called side offered; likewise */
};
/** The caller's PRACK. */
enum ring_prack ring_prack(struct call *c, struct edge_txn *txn, const struct sip_msg *m) NODISCARD;
/** Our PRACK to the called side's offer, with the answer that is in said. */
void ring_answer_offer(struct call *c);
/** c->ring.again.due is reached (before that: nothing): NONE, or why the call must end. */
enum refusal ring_due(struct call *c) NODISCARD;
/** The caller has its final response: nothing is repeated any more. */
void ring_stop(struct call *c);

/**
 * A reliable provisional of the called side, whose dialog is in the record: PRACK. False: a copy,
 * or one too many; it goes no further. True also for those that ask for no PRACK.
 */
bool ring_take(struct call *c, const struct sip_msg *m) NODISCARD;
/** Is this provisional of the called side, which ring_take has not seen, one that offers? */
bool ring_is_offer(const struct call *c, const struct sip_msg *m);
/** Does an offer of the called side wait for the caller's PRACK? */
bool ring_owes_answer(const struct call *c);
/** The answer in this provisional of the called side was taken: for good, if it is a reliable one.
 */
void ring_answered(struct call *c, const struct sip_msg *m);
/** Leg B is another target now: it counts anew. */
void ring_leave_target(struct call *c);
/** May a leg offer another session before the call is answered? Both have the answer to the
 * INVITE's offer for good, no 2xx waits, and the other one takes UPDATE (RFC 3311 5.1). */
bool ring_may_offer(const struct call *c, enum call_leg_index i);
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
