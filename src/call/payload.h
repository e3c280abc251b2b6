/* Payload types between the legs: what the far end of a leg sends with, and what that becomes on
 * the other leg (RFC 3264 6.1; field.md row 29). Pure. */
#ifndef POSTERN_CALL_PAYLOAD_H
#define POSTERN_CALL_PAYLOAD_H

#include "media/ctl.h"
#include "sdp/stream.h"

/**
 * Into o->pts and its MEDIA_F_PTS_ALL: the payload types that a leg sends with are those of our
 * last body to it, told, as far as its own body, far, has the codec, and those of its own body,
 * which some use instead. Each becomes what the other leg's body, other, has for the codec. Those
 * that change come first; where all do not fit, the flag is not set.
 */
void payload_map(const struct sdp_list *told, const struct sdp_stream *far,
		 const struct sdp_stream *other, struct media_open *o);

#endif
