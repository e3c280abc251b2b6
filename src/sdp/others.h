/* Media that is neither audio nor video - text, message, application, image - and goes on past us:
 * its m-lines cross as they are, with the address that they name. Line k of a type on one leg is
 * line k of that type on the other. Never one with keys in it. Pure. */
#ifndef POSTERN_SDP_OTHERS_H
#define POSTERN_SDP_OTHERS_H

#include "base/buf.h"
#include "sdp/stream.h"

/** Is line i of s of that kind? relayed: the line that we relay as audio, which T.38 may be. */
bool sdp_others_is(const struct sdp *s, unsigned i, unsigned relayed);
/** Could it go on: in use, with nothing in it but clean text, and without keys? */
bool sdp_others_fit(const struct sdp_media *m);
/** Give lay, of the other leg, a line for each of s that could go on, as far as there is room. */
void sdp_others_plan(const struct sdp *s, unsigned relayed, struct sdp_layout *lay);
/** The line of s that goes with line i of lay; NULL: none, or it cannot go on. asked: where s
 * answers, what was offered in that line; else NULL. */
const struct sdp_media *sdp_others_for(const struct sdp *s, unsigned relayed,
				       const struct sdp_layout *lay, unsigned i,
				       const struct sdp_media *asked);
/** As bits, 1 << enum sdp_media_type: which kinds of them an offer has that its answer takes; NULL:
 * all that it has. The relayed lines as above. */
unsigned sdp_others_taken(const struct sdp *offer, unsigned offered, const struct sdp *answer,
			  unsigned answered);
/** Append such a line and its section. s: whose c= counts where the section has none. */
void sdp_others_put(struct buf *b, const struct sdp *s, const struct sdp_media *m);

#endif
