/* Digits that are turned on their way (dtmf of the trunks): INFO of one leg into events of the
 * other one's media (RFC 4733), events into INFO. Each digit by itself, in order; whether one gets
 * there is not the call's concern. Nothing here writes which digit it was. */
#ifndef POSTERN_CALL_DTMF_H
#define POSTERN_CALL_DTMF_H

#include "call/leg.h"

/** An INFO of leg i: is it a digit that goes on as events? Then it is answered. */
bool dtmf_take(struct call *c, enum call_leg_index i, struct edge_txn *txn,
	       const struct sip_msg *m);
/** A digit came as events from leg i. */
void dtmf_heard(struct call *c, enum call_leg_index i, const struct media_digit *d);
/** News of an INFO of ours. */
void dtmf_news(struct call *c, const struct edge_news *news);
/** The leg changes its place, or the call ends: what waits is dropped. */
void dtmf_end(struct call *c);

#endif
