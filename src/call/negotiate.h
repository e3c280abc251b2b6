/* Media of a call: turns A's offer into B's, B's answer into A's, and says to media what each leg's
 * row shall be. Keys go to the secrets segment before the command that names them. */
#ifndef POSTERN_CALL_NEGOTIATE_H
#define POSTERN_CALL_NEGOTIATE_H

#include "call/leg.h"

/**
 * Read A's offer (calls->sdp_a), take A's keys, choose ours. REFUSAL_NONE, or why not; then why is
 * a static sentence that says more than the refusal's own, or "".
 */
enum refusal negotiate_offer_a(struct call *c, const struct sip_msg *invite, const char **why);
/** A port for leg i, if it has none yet. */
enum refusal negotiate_port(struct call *c, enum call_leg_index i, uint32_t trunk);
/**
 * Our offer to B (for the target in the record), into b; both rows are opened in media before this
 * returns. Fresh keys of ours for each target.
 */
enum refusal negotiate_offer_b(struct call *c, struct buf *b);
/**
 * B's answer in a provisional or 2xx: opens B's row, writes our answer to A into c->sdp_a. A
 * repeated answer changes nothing. why as above.
 */
enum refusal negotiate_answer_b(struct call *c, const struct sip_msg *msg, const char **why);
/** The call is answered: media time-outs run. */
enum refusal negotiate_answered(struct call *c);
/** Close both rows (once). */
void negotiate_close(struct call *c);
/** Wipe all keys that this call holds. */
void negotiate_wipe(struct call *c);

#endif
