/* Answers to requests that no call of ours has to do with. */
#ifndef POSTERN_CALL_OUTSIDE_H
#define POSTERN_CALL_OUTSIDE_H

#include "call/state.h"

/** Refused: noted so that it can be explained, with a line in the log but for strange dialogs. */
void outside_refuse(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
		    const struct edge_source *src, enum refusal r);
/** OPTIONS: would a call be taken now? Whoever asks so chooses where its calls go. */
void outside_options(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
		     const struct edge_source *src);

#endif
