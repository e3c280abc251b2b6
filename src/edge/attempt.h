/* One target of a request after the other (RFC 3263 4.3): what is sent to a target that says
 * nothing, answers 503, or is lost, goes to the next address of the same trunk under a new branch;
 * what was sent before is watched, so that nobody is rung twice (stray.c). */
#ifndef POSTERN_EDGE_ATTEMPT_H
#define POSTERN_EDGE_ATTEMPT_H

#include "edge/send.h"

/** The hooks of this file in e. */
void attempt_init(struct edge *e);
/** A branch that was never used. */
void attempt_branch(char branch[EDGE_BRANCH_MAX]);
/** t is sent to this address. */
void attempt_note(struct edge_txn *t, const struct addr *a);
/** The next address of those found that t was not sent to; what failed lately comes last. NULL:
 * none. Borrowed. */
const struct addr *attempt_next(const struct edge_txn *t);
/** t has left for a target: if there is another one, or another trunk, it has only so much time. */
void attempt_arm(struct edge_txn *t);
/** t got an answer of any kind from where it was sent to. */
void attempt_answered(struct edge_txn *t);
/** It was 503 (RFC 3261 21.5.4): true where the request goes to another target now, and the answer
 * is dealt with. */
bool attempt_on_503(struct edge_txn *t, const struct sip_msg *msg);
/** A final answer to t is dealt with, and its request goes on under another branch: t's text may be
 * changed, then attempt_same. False: no transaction is left for it. */
bool attempt_leave_answered(struct edge_txn *t, const struct sip_msg *msg);
/** To where it was sent last, anew. */
void attempt_same(struct edge_txn *t);
/** Where t was sent to last. */
struct addr attempt_at(const struct edge_txn *t);
/** The connection of t broke: true where it goes on elsewhere. */
bool attempt_after_loss(struct edge_txn *t);
/** It broke, and another one to the same peer is open: the same request goes over that, under its
 * branch, by which the peer tells a copy (RFC 3261 17.2.3). False: it is not to be sent again, or
 * was often enough. */
bool attempt_over_other(struct edge_txn *t);
/** BYE and CANCEL that find no connection wait for the peer's next one, for 64*T1: else it would
 * ring or talk on. False: t does not wait. */
bool attempt_wait(struct edge_txn *t);
/** c opened: those that wait and that it may carry (do_fit) look for their way once more; their
 * time runs on. */
void attempt_wake(struct edge *e, const struct conn *c,
		  bool (*do_fit)(struct edge_txn *t, const struct conn *c));
/** The connection of an INVITE broke before any answer, and it is given up: if the peer has it, it
 * is cancelled, or its call ended, as soon as it says so. */
void attempt_give_up(struct edge_txn *t);

/** Nothing of it was sent to the target in hand, and shall not be: the next one, or it has failed.
 */
void attempt_leave(struct edge_txn *t);

#endif
