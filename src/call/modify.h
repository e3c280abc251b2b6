/* Changes of a running call, asked for by either side: re-INVITE and UPDATE, with an offer, without
 * one, or with what is known already. The machine is call/amend; this carries out what it says.
 * Each function gives NONE, or why the call must end now (the legs do not agree any more, or one is
 * gone); the caller ends it. */
#ifndef POSTERN_CALL_MODIFY_H
#define POSTERN_CALL_MODIFY_H

#include "call/state.h"

/** INVITE or UPDATE inside the dialog of leg i, or a PRACK that offers; its CSeq was checked.
 * Before the call is answered it goes on as UPDATE, where it may (ring_may_offer). */
enum refusal modify_request(struct call *c, enum call_leg_index i, struct edge_txn *txn,
			    const struct sip_msg *m) NODISCARD;
/** ACK of our 2xx to the re-INVITE of leg i. */
enum refusal modify_ack(struct call *c, enum call_leg_index i, const struct sip_msg *m) NODISCARD;
/** The leg that asks gives up. */
enum refusal modify_cancel(struct call *c) NODISCARD;
/** News of the leg that is asked. */
enum refusal modify_news(struct call *c, const struct edge_news *news) NODISCARD;
/** A session timer of a leg is due (before that: nothing): refreshed by UPDATE or re-INVITE, or
 * over.
 */
enum refusal modify_refresh(struct call *c) NODISCARD;
/** Our key on leg i nears its end: it is offered another one, at once or when it can be (RFC 3711
 * 9.2). Old and new one overlap. */
void modify_rekey(struct call *c, enum call_leg_index i);
/** Leg i gets an INVITE with the body that it knows, so that it says anew where it is. False: not
 * now, another change is in hand, or its body is of an earlier life. */
bool modify_say_again(struct call *c, enum call_leg_index i) NODISCARD;
/** c->rekey_at is reached. */
void modify_rekey_due(struct call *c);
/** c->change.m.due is reached (before that: nothing). */
enum refusal modify_due(struct call *c) NODISCARD;
/** The called side is another fork now: what the one before was asked is refused. */
void modify_leave(struct call *c);
/** The call ends: who waits is told. */
void modify_end(struct call *c);

#endif
