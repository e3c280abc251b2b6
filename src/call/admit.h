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

/**
 * The number of a URI that src has somebody else call (src->trunk and src->account are those of the
 * leg that asks): NONE, or why its account may not call it. A carrier may name any. why as above.
 */
enum refusal admit_reference(const struct calls *cs, const struct edge_source *src,
			     const struct sip_uri *to, struct number *out, char why[CALL_WHY_MAX]);

/** Carriers for a call of this account to that number, as routes say, or NO_ROUTE. */
enum refusal admit_routes(const struct call *c, uint32_t payer, const struct number *n,
			  struct route *out);
/**
 * The call goes to this number now (normalised), as a redirection wants it: the number, its class
 * and price are those of the call from here on; what was taken for another one is given back.
 * trunk: that of the customer whose call it is then, whose account's rules it must obey, and which
 * pays; POLICY_NONE: a carrier's. NONE, or why it may not; why as above. An emergency call stays
 * what it is, and none is made.
 */
enum refusal admit_again(struct call *c, uint32_t trunk, const char *number,
			 char why[CALL_WHY_MAX]);

/** The same as admit_invite for an INVITE that edge could not read and refused: what it asked for,
 * into the record. False: it is no emergency call. */
bool admit_unread(struct call *c, const struct sip_msg *msg, const struct edge_source *src);

#endif
