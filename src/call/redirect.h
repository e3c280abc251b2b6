/* Redirections (RFC 3261 8.1.3.4, 16.7): what becomes of a 300, 301, 302 or 305 that a target
 * answers a call with, as its trunk's `redirect` says.
 *
 * follow: its contacts are tried in the order of q, before the targets that are left. A carrier may
 * name itself and other carriers' trunks, by host or source address; a customer any number: that
 * is a call of its own then, which goes where routes lead. What another number may cost is judged
 * by the account that pays before anything leaves (A7). Bounded: CALL_CONTACTS_MAX of each,
 * CALL_REDIRECTS_MAX one after the other, ROUTE_TARGETS_MAX a call, nothing twice.
 * pass: the caller gets it, with numbers at our address, so that what it calls then comes here. */
#ifndef POSTERN_CALL_REDIRECT_H
#define POSTERN_CALL_REDIRECT_H

#include "call/leg.h"

enum redirect {
	REDIRECT_NONE,     /* a failure like others */
	REDIRECT_FOLLOWED, /* targets stand at c->next_target that were not there before */
	REDIRECT_LOST, /* it should be followed, and leads nowhere: its target's record says why */
	REDIRECT_TOLD, /* A shall get its status; the contacts for it are in c->setup */
};
/** The final answer of leg B to its INVITE. Once the caller has seen media none is followed. */
enum redirect redirect_take(struct call *c, const struct edge_news *news);
/** Before the target in hand is sent anything: the call is one to its number. NONE, or why it may
 * not be; why: more of that, or "". */
enum refusal redirect_enter(struct call *c, const struct call_target *to, char why[CALL_WHY_MAX]);
/** Why a target of a redirection was not tried, for people. */
void redirect_note(struct record_target *t, enum refusal r, const char *why);
/** The target in hand answered with this status, and is not to be hunted on from, or its number may
 * not be called (0). True: another contact of the redirection that led to it, with another number,
 * stands at c->next_target. */
bool redirect_next(struct call *c, int status);

#endif
