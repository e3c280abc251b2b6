/* Our own side of a leg, struct sdp_local: the a=crypto lines that it offers, answers with, and
 * keeps (RFC 4568). Pure but for sdp_local_offer and sdp_local_answer, which take random bytes from
 * the kernel. Any thread. */
#ifndef POSTERN_SDP_LOCAL_H
#define POSTERN_SDP_LOCAL_H

#include "sdp/stream.h"

/** The same key under the same tag and name? Keys in constant time. */
bool sdp_line_eq(const struct sdp_line *a, const struct sdp_line *b);
/** Append what stands behind "a=crypto:". */
void sdp_line_put(struct buf *b, const struct sdp_line *l);
/**
 * Give ours a fresh key per suite of the list, in its order, tags 1, 2, ...; nothing when not
 * secure. Not for a leg that has keys already: the same lines are offered again on every retry.
 */
enum err sdp_local_offer(struct sdp_local *ours, const struct sdp_suites *suites) NODISCARD;
/** Give ours the one line that answers offered: its tag, suite, spelling; a fresh key, or the key
 *  that ours->crypto has for this suite already. Nothing on a clear leg. */
enum err sdp_local_answer(struct sdp_local *ours, const struct sdp_stream *offered) NODISCARD;
/** After an answer came: keep only the line that it chose (its tag), as crypto[0], and the form
 * that it took; where it chose none, ours is clear from now on. */
void sdp_local_chosen(struct sdp_local *ours, const struct sdp_stream *answered);

void sdp_local_wipe(struct sdp_local *l);

#endif
