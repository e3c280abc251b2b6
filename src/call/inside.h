/* Requests inside the dialog of a leg, whose sender was found to speak for it. */
#ifndef POSTERN_CALL_INSIDE_H
#define POSTERN_CALL_INSIDE_H

#include "call/state.h"

/** Any but ACK and CANCEL. */
void inside_request(struct call *c, enum call_leg_index i, struct edge_txn *txn,
		    const struct sip_msg *m, const struct edge_source *src);
/** What a change led to: NONE, or why the call must end; c may be gone when this returns. */
void inside_end_for(struct call *c, enum refusal r);

#endif
