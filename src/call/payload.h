/* Payload types between the legs: what the far end of a leg sends with, and what that becomes on
 * the other leg (RFC 3264 6.1; field.md row 29); and telephone-event where digits are turned
 * between them (call/dtmf.h): then each leg is told of it as it speaks it, whatever the other one
 * does. */
#ifndef POSTERN_CALL_PAYLOAD_H
#define POSTERN_CALL_PAYLOAD_H

#include "call/leg.h"

/** Our offer to leg `to`, from the other one's. */
void payload_offer(struct call *c, enum call_leg_index to, struct sdp_list *l);
/** Our answer to the offer in hand, from the other leg's. */
void payload_answer(struct call *c, struct sdp_list *l);
/**
 * Into the leg's row: the payload types that it sends with are those of our last body to it, told,
 * as far as its own body has the codec, and those of its own body, which some use instead. Each
 * becomes what the other leg's body, other, has for the codec, or is told as a digit. Those that
 * change come first; where all do not fit, MEDIA_F_PTS_ALL is not set. Further what digits of ours
 * leave with to it.
 */
void payload_settle(struct call *c, enum call_leg_index i, const struct sdp_list *told,
		    const struct sdp_stream *other);

#endif
