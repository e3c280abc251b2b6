/* May this INVITE become a call, and where to? Fills the record with what was asked. */
#ifndef POSTERN_CALL_ADMIT_H
#define POSTERN_CALL_ADMIT_H

#include "call/state.h"

/**
 * Check an INVITE from an identified trunk and fill c->targets. Emergency numbers are recognised
 * before any limit. why: a sentence in memory of the caller's that says more, or "".
 */
enum refusal admit_invite(struct call *c, const struct sip_msg *msg, const struct edge_source *src,
			  char why[CALL_WHY_MAX]);

/** The same for an INVITE that edge could not read and refused: what it asked for, into the record.
 * False: it is no emergency call. */
bool admit_unread(struct call *c, const struct sip_msg *msg, const struct edge_source *src);

#endif
