/* Carries out what the machine of a call says: messages, media, record. */
#ifndef POSTERN_CALL_ACT_H
#define POSTERN_CALL_ACT_H

#include "call/leg.h"

/** One event through the machine and all that follows; c may be gone when this returns. msg: the
 * message that caused it, or NULL. */
void act_event(struct call *c, enum b2bua_event ev, const struct sip_msg *msg);
/** Why the call ends, as the CDR will say; only the first word counts. */
void act_note_end(struct call *c, enum call_ender by, int status, int q850, enum refusal r);
/** What A is told when no target answers: status, Q.850 cause (0: by status), words. */
void act_note_failure(struct call *c, int status, int q850, const char *text);
/** As above, for a refusal of ours; more: a sentence that says more, or "". */
void act_note_refusal(struct call *c, enum refusal r, const char *more);
/** End the call for a reason of ours, whatever its state. */
void act_stop(struct call *c, enum refusal r);
/** Is it over, or will it be without another word of ours? */
bool act_is_ending(const struct call *c);
/** Set the timer to the earliest deadline. */
void act_arm(struct call *c);
/** Everything is over: the last counters are in, or will not come. Frees c. */
void act_finish(struct call *c);
/** Make leg i findable by our tag. */
void act_hash_leg(struct call *c, enum call_leg_index i);
void act_unhash_leg(struct call *c, enum call_leg_index i);

/** The set-up is over: what only it needs is given back. Once more is fine. */
void act_end_setup(struct call *c);
/** The port of c->moved[k], whose row is closed: free. */
void act_free_moved(struct call *c, uint32_t k);

#endif
