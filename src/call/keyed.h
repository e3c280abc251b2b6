/* News of the DTLS handshakes of calls (call/dtls.h). */
#ifndef POSTERN_CALL_KEYED_H
#define POSTERN_CALL_KEYED_H

#include "call/state.h"

/** The handshake of this association gave keys: the row gets them. They stay the caller's to wipe.
 * Nothing where the leg has another association by now. */
void calls_on_keyed(struct calls *cs, const struct call_keying_id *id, enum sdp_suite suite,
		    const struct sdp_key *in, const struct sdp_key *out, uint64_t now_us);
/** It failed, or was not done in time: the call ends on both legs (RFC 5763 5), but for one for
 * help. */
void calls_on_unkeyed(struct calls *cs, const struct call_keying_id *id, enum refusal why,
		      uint64_t now_us);

#endif
