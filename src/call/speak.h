/* What a call says: its record is stored, then the message that shows it is written and sent. */
#ifndef POSTERN_CALL_SPEAK_H
#define POSTERN_CALL_SPEAK_H

#include "call/write.h"
#include "call/said.h"

/** Into its record slot, now. */
void speak_store(struct call *c);
/** ACK for leg i's 2xx, by the dialog that the record shows; again for each copy of the 2xx. */
void speak_ack(struct call *c, enum call_leg_index i);
/** BYE. False: none could be sent; the leg counts as done. */
bool speak_bye(struct call *c, enum call_leg_index i);
/** Another request inside the dialog of leg i. False: it could not be sent. */
bool speak_request(struct call *c, enum call_leg_index i, const struct leg_request *r,
		   struct call_user *user, struct edge_txn **out) NODISCARD;
/** A provisional or 2xx to a request of leg i. */
void speak_response(struct call *c, enum call_leg_index i, struct edge_txn *txn,
		    const struct leg_answer *a);
/** The 2xx of ours that we repeat has its ACK: its text is not needed any more. */
void speak_acked(struct call *c);
/** Any other answer to m, whose transaction then is edge's alone. */
void speak_plain(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
		 const struct addr *source, const struct leg_plain *p);

#endif
