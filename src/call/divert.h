/* What a redirection (call/redirect.h) puts into messages: where the call was before, to a carrier
 * that is tried because of it, and the contacts that the caller is given. */
#ifndef POSTERN_CALL_DIVERT_H
#define POSTERN_CALL_DIVERT_H

#include "call/state.h"

/** Diversion of each number that was left for another one on the way to the target in hand, the
 * last one first (RFC 5806 4.3). Before those that the caller named. */
void divert_put_diversions(const struct call *c, struct buf *b, const struct addr *host);
/** The same as History-Info, the first one first, and where the call goes now (RFC 7044 10).
 * Behind those that the caller named. */
void divert_put_history(const struct call *c, struct buf *b, const struct addr *host);
/** Contact of each number that A is given with a 3xx: at our address, as A's trunk sees it. Nothing
 * where there is none. */
void divert_put_contacts(const struct call *c, struct buf *b);

#endif
