/* The client transactions: INVITE (RFC 3261 17.1.1, RFC 6026) and the others (17.1.2). */
#ifndef POSTERN_SIP_TXN_CLIENT_H
#define POSTERN_SIP_TXN_CLIENT_H

#include "sip/txn.h"

/**
 * Advance a client transaction. Returns the TXN_DO_* actions the caller must carry out now; 0 means
 * none (or that the event means nothing in this state). After TXN_DO_END the caller frees t; a
 * further step returns 0. Next deadline: t->due, always after now_us. Never blocks, never
 * allocates. now_us must not run backwards. Timers: INVITE: A and B in CALLING, D in COMPLETED, M
 * in ACCEPTED; none in PROCEEDING, unless cancelled, where 64*T1 after the CANCEL is TXN_DO_TIMEOUT
 * (9.1); how long to ring is the caller's matter. Others: E and F in TRYING and PROCEEDING, K in
 * COMPLETED. TXN_EV_ERROR counts where the machine has just sent: CALLING, COMPLETED; TRYING,
 * PROCEEDING.
 */
unsigned txn_client_step(struct txn *t, enum txn_event ev, uint64_t now_us) NODISCARD;

/** In NEW: what begins is the same request over another connection, whose time (Timer B, F) ends
 * then, and no later. TIMER_NEVER: it begins with it. */
void txn_client_goes_on(struct txn *t, uint64_t until_us);
/**
 * Before any response: send no further copies; what may still come is waited for as before. due
 * changes.
 */
void txn_client_quiet(struct txn *t, uint64_t now_us);
/** Sent, and nothing heard so far, not even 100. */
bool txn_client_unheard(const struct txn *t);

enum txn_may_cancel {
	TXN_CANCEL_NOW,   /* TXN_EV_CANCEL gives TXN_DO_SEND_CANCEL at once */
	TXN_CANCEL_LATER, /* no provisional yet: TXN_DO_SEND_CANCEL comes with the first one */
	TXN_CANCEL_NEVER, /* not an INVITE, not started, cancelled already, or finally answered */
};

/** What TXN_EV_CANCEL would do now (RFC 3261 9.1). */
enum txn_may_cancel txn_client_may_cancel(const struct txn *t);

#endif
