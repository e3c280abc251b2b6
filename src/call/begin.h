/* A new INVITE: room for its call, everything that may say no, and its first step. */
#ifndef POSTERN_CALL_BEGIN_H
#define POSTERN_CALL_BEGIN_H

#include "call/state.h"

/** It becomes a call, which may be over when this returns, or is refused without one. */
void begin_invite(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
		  const struct edge_source *src);

#endif
