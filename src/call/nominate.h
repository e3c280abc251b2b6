/* STUN that comes on the media port of a leg with ICE (RFC 8445 7.3): a check that is signed with
 * our password, which only signalling told, is answered, and where it nominates, the far end is
 * there from now on. Anything else is counted, and changes nothing (M14). */
#ifndef POSTERN_CALL_NOMINATE_H
#define POSTERN_CALL_NOMINATE_H

#include "call/state.h"

/** A whole datagram that media handed over (media/hand.h). */
void calls_on_stun(struct calls *cs, const struct media_handed *h, uint64_t now_us);

#endif
