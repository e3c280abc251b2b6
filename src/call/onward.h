/* A transfer that the other side carries out: REFER goes on to it with the number alone, and what
 * it says of how that goes comes back (RFC 3515). Whom it calls then is a call of its own. */
#ifndef POSTERN_CALL_ONWARD_H
#define POSTERN_CALL_ONWARD_H

#include "call/state.h"

/** Do the trunks of both legs say that a REFER of leg i goes on? */
bool onward_passes(const struct call *c, enum call_leg_index i);
/** A REFER of leg i to this URI: on its way, or answered because it cannot be sent. Else why not,
 * and it is not answered: a customer may only have numbers called that its account may call. */
enum refusal onward_refer(struct call *c, enum call_leg_index i, struct edge_txn *txn,
			  const struct sip_msg *m, const struct sip_uri *to,
			  const struct edge_source *src, char why[CALL_WHY_MAX]);
/**
 * A REFER of leg i whose Replaces names leg j of another call, o, both up: on its way with the
 * dialog that o's other party has in its place, or answered because it cannot be sent. False where
 * that party is not at the same trunk as this call's: who is asked could not replace it.
 */
bool onward_attended(struct call *c, enum call_leg_index i, struct edge_txn *txn,
		     const struct sip_msg *m, const struct call *o, enum call_leg_index j);
/** A NOTIFY of leg i: does it speak of such a REFER? Then it goes on, whatever else may. */
bool onward_notify(struct call *c, enum call_leg_index i, struct edge_txn *txn,
		   const struct sip_msg *m);

#endif
