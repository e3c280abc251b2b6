/* Video beside the audio of a call, where both legs' trunks relay it (docs/decisions/047). It goes
 * along with each offer and answer of the audio, and is protected as that is; whatever is wrong
 * with it, its m-line alone is refused (port 0), and the call goes on with audio. */
#ifndef POSTERN_CALL_VIDEO_H
#define POSTERN_CALL_VIDEO_H

#include "call/state.h"

/** The video of the offer in hand, which stands in the scratch and whose audio was read: into
 * c->x.video, with the keys of our side for it. */
void video_read(struct call *c);
/** The offer in hand has no video from now on. */
void video_forget(struct call *c);
/**
 * The part of our offer to the other leg: with ports for both legs, keys as in negotiate_ask.
 * False: it gets none. What *out points to holds until the scratch is read again.
 */
bool video_ask(struct call *c, struct sdp_part *out);
/**
 * What the asked leg's answer, which stands in the scratch, says of the video that it was offered;
 * audio: what was read from it. False: none is relayed. The caller wipes *got.
 */
bool video_take(struct call *c, const struct sdp_stream *audio, struct sdp_stream *got);
/** The part of our answer to the leg that offered, from what video_take gave. */
void video_answer(const struct call *c, const struct sdp_stream *got, struct sdp_part *out);
/** Both sides have spoken: got as above, or NULL where no video is relayed from now on. The rows
 * are opened by the caller. */
void video_settle(struct call *c, struct sdp_stream *got);
/** Does the offer in hand ask for the video that stands? Then (or where there is none) its leg's
 * own address and key are taken from it, the row is opened by the caller. */
bool video_known(const struct call *c);
void video_follow(struct call *c);
/** The answer of leg i, in the scratch, to a refresh of ours: a new address or key counts. */
void video_refreshed(struct call *c, enum call_leg_index i);
/** The part of an offer with another key of ours, written from our last body, which is the offer in
 * hand of leg i. NOTFOUND: there is no video; else it cannot be made. */
enum err video_rekey(struct call *c, enum call_leg_index i, struct sdp_part *out) NODISCARD;
/** The answer to it, which stands in the scratch. */
void video_rekeyed(struct call *c, enum call_leg_index i, const struct sdp_stream *audio);

#endif
