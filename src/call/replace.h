/* An INVITE with Replaces (RFC 3891): its sender wants the place of a leg of a call that runs. Its
 * offer goes to the other party as a change of that call; what that says is its answer, and the leg
 * that was there before is let go. Where they do not agree, all is as it was. Until then the new
 * leg, and from then on the old one, stand in a call of their own, which nobody pays for. */
#ifndef POSTERN_CALL_REPLACE_H
#define POSTERN_CALL_REPLACE_H

#include "call/state.h"

/** Is it one, of a trunk that may transfer? Those of others, and emergency calls, are calls as any
 * other. */
bool replace_is_meant(const struct calls *cs, const struct sip_msg *m,
		      const struct edge_source *src);
/** It is answered, now or later. It may only name a dialog of its account that is up. */
void replace_invite(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
		    const struct edge_source *src);
/** The change of c, in which a leg was given away, came to its end, or not; c may be gone when this
 * returns. */
void replace_look(struct call *c);

#endif
