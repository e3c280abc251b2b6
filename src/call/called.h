/* What the called side says to the INVITE that sets the call up: provisionals, answers, failures,
 * from every fork of it. */
#ifndef POSTERN_CALL_CALLED_H
#define POSTERN_CALL_CALLED_H

#include "call/state.h"

/** A provisional response. */
void called_provisional(struct call *c, const struct edge_news *news);
/** A 2xx: the first one, a copy, or one of another fork, which is dropped. */
void called_answer(struct call *c, const struct edge_news *news);
/** The 2xx that waited for the caller's PRACK goes on (ring_ready); c stays. */
void called_release(struct call *c);
/** A's PRACK, which answers what B's reliable response offered: B gets it. NONE, or why the call
 * must end. */
enum refusal called_take_prack(struct call *c, const struct sip_msg *m);
/** A final failure, or no answer at all: the next target, or the end. */
void called_failure(struct call *c, const struct edge_news *news);

#endif
