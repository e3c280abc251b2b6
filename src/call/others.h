/* Media of a call that is neither audio nor video: it goes past us, from one party to the other,
 * where both legs' trunks say so and neither leg is encrypted (docs/decisions/053). It is in no row
 * of media: nothing is known of it but that it was agreed on, which the record says. */
#ifndef POSTERN_CALL_OTHERS_H
#define POSTERN_CALL_OTHERS_H

#include "call/state.h"

/** May our offer to the other leg have such media of the offer in hand? */
bool others_ask(const struct call *c);
/** Both sides have spoken; offer and answer stand in the scratch, audio: what was answered. */
void others_settle(struct call *c, const struct sdp_stream *audio);
/** Has the offer in hand such media, or had the session? Then the other leg must hear of it. */
bool others_meant(const struct call *c);

#endif
