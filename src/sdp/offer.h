/* Offer and answer as a B2BUA needs them (RFC 3264): our own body for one leg out of what the other
 * leg said. One audio stream is relayed, and one video stream where both legs want it; other media
 * goes past us where both want that; every other m-line is refused with port 0. Of the other leg's
 * audio only codecs with their rtpmap and fmtp, ptime and maxptime cross, under the payload types
 * that this leg has for them; of its video the formats as they come, and what describes them. Pure;
 * any thread.
 *
 *   leg A offers: sdp_parse, sdp_offer_read        -> stream A
 *   to leg B:     sdp_local_offer, sdp_list_offer, sdp_offer_write (codecs of A) -> body
 *   leg B answers: sdp_parse, sdp_answer_read      -> stream B; sdp_local_chosen
 *   to leg A:     sdp_local_answer, sdp_list_answer, sdp_answer_write (codecs of B) -> body
 *   both:         sdp_stream_agree
 *
 * The same steps serve an offer in a 2xx (answer in ACK), in UPDATE, PRACK and re-INVITE; video
 * goes beside: sdp_video_offer_read, sdp_video_answer_read. */
#ifndef POSTERN_SDP_OFFER_H
#define POSTERN_SDP_OFFER_H

#include "sdp/list.h"
#include "sdp/local.h"

/* Our o= on a leg: version rises exactly when the body changes. id is chosen by the caller, the
 * others start at 0. Plain data, kept in the call's record. */
struct sdp_origin {
	uint64_t id, version;
	uint64_t digest; /* of the last body without its o= line; 0 = none written yet */
};

/* One stream as a body of ours says it. */
struct sdp_part {
	const struct sdp_local *ours;
	const struct sdp_media *media; /* the m-line of the other leg's body: what describes it */
	const struct sdp_list *list;   /* audio: its codecs that go on; video: NULL, all do */
	/* an answer: what was read from the offer; an offer: NULL */
	const struct sdp_stream *offered;
	enum sdp_direction dir;
	/* audio: the other leg's body, where its media that is neither audio nor video goes on as
	 * it is (sdp/others.h); else NULL: that has port 0 */
	const struct sdp *others;
};

/**
 * Our offer to a leg: audio as the other leg's m-line has it (only what list says, and only rtpmap,
 * fmtp, ptime, maxptime); video behind it, or where it stood before, NULL: none, and its m-line of
 * before has port 0. lay (of this leg) and o are brought up to date. LONG: b too small, or video
 * has no place left in lay (lay and o unchanged); STATE: a secure leg without crypto, or a clear
 * one with it; NOTFOUND: no codec.
 */
enum err sdp_offer_write(const struct sdp_part *audio, const struct sdp_part *video,
			 struct sdp_layout *lay, struct sdp_origin *o, struct buf *b) NODISCARD;

/**
 * Our answer to the offer that the offered ones of both parts were read from: its m-lines in its
 * order, all but these with port 0; codec lines from the other leg's answer. dir is cut to what the
 * offer allows. The crypto line of each is ours->crypto[0], made by sdp_local_answer. Errors as
 * sdp_offer_write.
 */
enum err sdp_answer_write(const struct sdp *offer, const struct sdp_part *audio,
			  const struct sdp_part *video, struct sdp_layout *lay,
			  struct sdp_origin *o, struct buf *b) NODISCARD;

#endif
