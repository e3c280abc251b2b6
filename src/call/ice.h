/* ICE of a leg's audio, as a lite agent (RFC 8445 2.5, RFC 8839): what our SDP says of it, and the
 * address that the far end nominated, which takes the place of the one in its SDP. What comes as
 * STUN: call/nominate.h. Pure. */
#ifndef POSTERN_CALL_ICE_H
#define POSTERN_CALL_ICE_H

#include "call/state.h"

/** Our side for the answer to an offer of leg i: as before, or new where the far end begins anew.
 */
void ice_mine(const struct call *c, enum call_leg_index i, const struct sdp_stream *far,
	      struct sdp_local *ours);
/** Our side for an offer to leg i, where its trunk has ICE. */
void ice_ask(const struct call *c, enum call_leg_index i, struct sdp_local *ours);
/** Both sides are said: whom a nomination that came before them was not by is forgotten. Before
 * row_sides. */
void ice_sides(struct call *c, enum call_leg_index i, const struct sdp_stream *far);
/** Leg B is another target: nothing is known of its end. */
void ice_forget(struct call *c, enum call_leg_index i);
/** What is in force on leg i, in the answer or in our offer that has none yet; NULL: no ICE. */
const struct sdp_ice_own *ice_own(const struct call *c, enum call_leg_index i);
/** The row of leg i: whose STUN it takes, and where the far end is. */
void ice_command(const struct call *c, enum call_leg_index i, struct media_open *o);
/** Is it still to be heard where the far end is? Both lite: it is where SDP says. */
bool ice_waits(const struct call *c, enum call_leg_index i);
/** Into the record, and from the record of an earlier life. */
void ice_keep(struct call *c, enum call_leg_index i);
void ice_restore(struct call *c, enum call_leg_index i);

#endif
