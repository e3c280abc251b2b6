/* The server transactions: INVITE (RFC 3261 17.2.1, RFC 6026) and the others (17.2.2, RFC 4320). */
#ifndef POSTERN_SIP_TXN_SERVER_H
#define POSTERN_SIP_TXN_SERVER_H

#include "sip/txn.h"

/**
 * Advance a server transaction. Returns the TXN_DO_* actions the caller must carry out now; 0 means
 * none (or that the event means nothing in this state; a response given then is not sent). After
 * TXN_DO_END the caller frees t; a further step returns 0. Next deadline: t->due, always after
 * now_us. Never blocks, never allocates. now_us must not run backwards.
 * A response event without TXN_DO_SEND_RESPONSE must not replace the kept last response.
 *
 * INVITE: 100 by itself after 200 ms without a word of the TU; G and H in COMPLETED, I in
 * CONFIRMED, L in ACCEPTED. In ACCEPTED further 2xx of the TU are sent, copies of the INVITE are
 * absorbed and an ACK is passed up (RFC 6026 7.1). PROCEEDING has no end of its own.
 * Others: over UDP a 100 leaves neither sooner nor later than a client's timer E has grown to T2
 * (3.5 s; RFC 4320 4.1), over TCP by then at the latest; no other provisional, no 408. 64*T1
 * without a final response ends it silently with TXN_DO_TIMEOUT, as the client has given up then. J
 * in COMPLETED. TXN_EV_ERROR only informs (RFC 6026 8.8): the state stays.
 */
unsigned txn_server_step(struct txn *t, enum txn_event ev, uint64_t now_us) NODISCARD;

/** True when a CANCEL still has an effect: the INVITE has no final response (RFC 3261 9.2). */
bool txn_server_cancellable(const struct txn *t);

#endif
