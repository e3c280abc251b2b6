/* A leg whose SRTP keys come by a DTLS handshake (RFC 5763, 5764): which association its SDP means,
 * and what is asked of who shakes hands. Until the keys are there media has none for the row, and
 * passes nothing in either direction. Pure. */
#ifndef POSTERN_CALL_DTLS_H
#define POSTERN_CALL_DTLS_H

#include "call/state.h"

/** Our side for a body of such a leg: rtcp-mux, and our certificate's print: the present one's, but
 * where the association goes on, which may have had an earlier life's. far: what the body answers,
 * with our role in ours already; setup NONE: it offers. */
void dtls_own(const struct call *c, enum call_leg_index i, struct sdp_local *ours,
	      const struct sdp_dtls *far);
/**
 * Both sides are said: another print, a=tls-id or role than before is a new association (RFC 8842
 * 4). The keys that are there stay until it has its own. Before row_sides. Nothing on other legs.
 */
void dtls_sides(struct call *c, enum call_leg_index i, const struct sdp_stream *far,
		const struct sdp_local *local);
/** Leg B is another target: nothing is known of its end, and a handshake with the one before is
 * over. */
void dtls_forget(struct call *c, enum call_leg_index i);
/** The leg has another port: its association needs new keys (RFC 5763 6.6), as packets under the
 * old ones would begin to count anew. */
void dtls_move(struct call *c, enum call_leg_index i);
/** Ask for the handshake of the leg's association, where it has no keys yet. After the row. False:
 * there is no place for it. */
bool dtls_ask(struct call *c, enum call_leg_index i) NODISCARD;
/** From the record of an earlier life. */
void dtls_restore(struct call *c, enum call_leg_index i);
/** Is a handshake in hand, or were its keys lost with it? */
bool dtls_is_open(const struct call *c, enum call_leg_index i);

#endif
