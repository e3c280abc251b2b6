/* Transfers that end at the border (RFC 3515, 3891, 5589): a leg asks for them by REFER, as its
 * trunk may. Blind: we call the target ourselves, as a call of the account that transfers and by
 * its rules. Attended: Refer-To names another call of the account. Then whom we called, or the
 * other party of that other call, comes in the place of the leg that asked, the two parties agree
 * anew (call/renew), and the leg that asked is let go; where that fails, all is as it was. */
#ifndef POSTERN_CALL_REFER_H
#define POSTERN_CALL_REFER_H

#include "call/state.h"

/** REFER inside the dialog of leg i: answered, and begun. */
void refer_request(struct call *c, enum call_leg_index i, struct edge_txn *txn,
		   const struct sip_msg *m, const struct edge_source *src);
/** A REFER, of leg i's dialog or (c NULL) of none: where it names an emergency number, in whatever
 * form, it has its record and is told. Whatever it is refused for, before that. */
void refer_note_sos(struct calls *cs, const struct call *c, enum call_leg_index i,
		    const struct sip_msg *m, const struct edge_source *src);
/** What calls.on_transfer is. */
void refer_on(struct call *c, enum call_transfer_event ev, const struct sip_msg *m);
/** Is leg i one that asked for a transfer which is in hand? Then its BYE does not end the call. */
bool refer_waits(const struct call *c, enum call_leg_index i);
/** Its BYE, which was answered: noted. False: refer_waits is. */
bool refer_takes_bye(struct call *c, enum call_leg_index i);
/** Who asked has hung up: nothing of the other party's can go anywhere just now. */
bool refer_keeps_still(const struct call *c);
/** A change of c came to its end, or not; c may be gone when this returns. */
void refer_look(struct call *c);
/** The legs have changed places and cannot agree: all is as it was, but for the call that the new
 * leg came from, which ends. status: what who asked is told. */
void refer_undo(struct call *c, int status);
/** A change or transfer is in hand: no other one may begin. */
bool refer_is_busy(const struct call *c);
/** c->transfer.at is reached. */
void refer_due(struct call *c);

#endif
