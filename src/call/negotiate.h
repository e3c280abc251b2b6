/* Offer and answer across the two legs (RFC 3264), wherever they stand: one leg offers, the other
 * is asked, what it answers is answered to the first. Nothing of the session changes before the
 * answer is there, so a refused offer leaves all as it was. */
#ifndef POSTERN_CALL_NEGOTIATE_H
#define POSTERN_CALL_NEGOTIATE_H

#include "call/leg.h"

/**
 * Leg i made the offer in m: into c->x, with the keys of our side for it. txn: the server
 * transaction of m, which holds the text until the answer; NULL: it is copied. REFUSAL_NONE, or why
 * not, and then no offer is in hand; why is a static sentence that says more than the refusal's
 * own, or "".
 */
enum refusal negotiate_offer(struct call *c, enum call_leg_index i, const struct sip_msg *m,
			     struct edge_txn *txn, const char **why);
/** Leg A of c, whom nobody is at, offers what the other party of `other` can, as leg i of that was
 * shown it last; where that did not outlive a restart, G.711. */
enum refusal negotiate_offer_as(struct call *c, const struct call *other, enum call_leg_index i);
/** Leg B is another target now: new keys of ours for it, nothing known of it. */
void negotiate_target(struct call *c);
/**
 * The offer in hand as ours to the other leg, into its c->leg[].said. A leg that never agreed gets
 * fresh keys, and both rows are opened in media before this returns; else the same keys again, and
 * no row changes.
 */
enum refusal negotiate_ask(struct call *c);
/**
 * The answer of the leg that was asked: both rows are what it says, our answer is in said of the
 * leg that offered. Nothing to do (NONE) where it answered already. why as above.
 */
enum refusal negotiate_answer(struct call *c, const struct sip_msg *m, const char **why);
/**
 * Does the offer in hand ask for the session that stands, as we answered it before? Then only the
 * leg's own address and key are taken from it, the last answer in said holds, and the other leg
 * need not hear of it. Right after negotiate_offer.
 */
bool negotiate_known(struct call *c);
/** No offer is in hand any more: answered finally, or refused. */
void negotiate_drop(struct call *c);
/** The answer of leg i to a refresh of ours, which repeated our last body: where its address or key
 * is new, they count; anything else, or one that cannot be used, leaves the session as it is. */
void negotiate_refreshed(struct call *c, enum call_leg_index i, const struct sip_msg *m);
/** Leg i, whose body is in said, shall have another key of ours: an offer of it into said, which
 * says the same but for the key. Nothing else changes before negotiate_rekeyed. */
enum refusal negotiate_rekey(struct call *c, enum call_leg_index i);
/** Its answer: both sides' keys as they were said. Not NONE: the key stays as it was. */
enum refusal negotiate_rekeyed(struct call *c, enum call_leg_index i, const struct sip_msg *m);
/** Wipe all keys that this call holds. */
void negotiate_wipe(struct call *c);

#endif
