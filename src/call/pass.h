/* Requests inside a dialog that go on to the other leg as they are, with their answers: INFO,
 * MESSAGE, NOTIFY, as both trunks allow. The call itself does not change by them. */
#ifndef POSTERN_CALL_PASS_H
#define POSTERN_CALL_PASS_H

#include "call/write.h"

/** INFO, MESSAGE or NOTIFY inside the dialog of leg i: goes on, or is answered here. */
void pass_request(struct call *c, enum call_leg_index i, struct edge_txn *txn,
		  const struct sip_msg *m);
/** The same for what is asked otherwise: r goes to the other leg in the place of m. */
void pass_on(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
	     const struct leg_request *r);
/** News of one that went on; u: USER_PASS. NONE, or why the call must end. */
enum refusal pass_news(struct call_user *u, const struct edge_news *news) NODISCARD;
/** The transaction of u (USER_PASSED) is over by itself. */
void pass_undelivered(struct call_user *u);
/** The call ends: who waits is told; no digit goes on. */
void pass_end(struct call *c);

#endif
