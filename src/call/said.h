/* The last body that we sent to a leg, for its copies and for offers made from it; it holds our
 * keys. Most are small: those lie in blocks of CALL_SAID_SMALL. There is room for two a call. */
#ifndef POSTERN_CALL_SAID_H
#define POSTERN_CALL_SAID_H

#include "call/state.h"

/** The pools in cs; what came before an error is for said_fini, too. */
enum err said_init(struct calls *cs, uint32_t calls) NODISCARD;
void said_fini(struct calls *cs);
/** Empty: none. Borrowed until the next said_put or said_drop of this leg. */
struct str said_of(const struct call *c, enum call_leg_index i);
/** body, at most CALL_SDP_MAX bytes, is copied; it may be empty: as said_drop. LONG, NOMEM: then
 * none is kept. */
enum err said_put(struct call *c, enum call_leg_index i, struct str body) NODISCARD;
/** Wipes it. */
void said_drop(struct call *c, enum call_leg_index i);

#endif
