/* The session of a running call made anew, on our own account: one leg is asked for an offer, the
 * other one gets it, its answer goes back in the ACK (RFC 3725 flow I). For legs that do not agree
 * with each other: another fork than the one that rang, a leg that came in another one's place, one
 * whose last body did not outlive a restart. */
#ifndef POSTERN_CALL_RENEW_H
#define POSTERN_CALL_RENEW_H

#include "call/state.h"

/** From leg i's offer on, as soon as nothing else is in hand; result tells how it went. */
void renew_ask(struct call *c, enum call_leg_index i);
/** Nothing waits any more. */
void renew_forget(struct call *c);
/** c->renew.at is reached (before that: nothing). As all below: NONE, or why the call must end. */
enum refusal renew_due(struct call *c) NODISCARD;
/** News of the leg that is asked, in FETCHING and PLACING. */
enum refusal renew_news(struct call *c, const struct edge_news *news) NODISCARD;
/** Copies of the 2xx of the leg that offered. */
void renew_first_news(struct call *c, const struct edge_news *news);
/** The deadline of FETCHING or PLACING. */
enum refusal renew_late(struct call *c) NODISCARD;
/** The call ends. */
void renew_end(struct call *c);

/** How long we wait after a 491 of leg i (RFC 3261 14.1): the owner of the Call-ID, we on leg B,
 * waits for longer. */
uint64_t renew_glare_us(enum call_leg_index i);

#endif
