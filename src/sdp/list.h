/* The codecs of one leg as the other leg is offered or answered them (RFC 3264 6.1, 8.3.2). Pure;
 * any thread. */
#ifndef POSTERN_SDP_LIST_H
#define POSTERN_SDP_LIST_H

#include "sdp/stream.h"

/**
 * The codecs of an offer, from, out of m-line m, as they are offered to another leg: those that its
 * trunk takes, in its order, under its numbers, to which new ones are added. NOTFOUND: none is
 * left.
 */
enum err sdp_list_offer(const struct sdp_stream *from, const struct sdp_media *m,
			const struct sdp_codecs *codecs, struct sdp_numbers *numbers,
			struct sdp_list *out) NODISCARD;
/** The codecs of an answer as they are answered to the leg that offered: under its own numbers. */
void sdp_list_answer(const struct sdp_stream *offered, const struct sdp_stream *answered,
		     struct sdp_list *out);
/** Telephone-event that no leg's body describes goes into l, with keys and flash as its events:
 * under pt, or its number among numbers, or one that is free. One that is there stays; none is
 * added where no number is left. */
void sdp_list_add_event(struct sdp_list *l, struct sdp_numbers *numbers, uint8_t pt);
/** No telephone-event is left in l. */
void sdp_list_drop_event(struct sdp_list *l);
/**
 * Take redundancy (RFC 2198) out of a list made from m-line m, where what it may hold has other
 * payload types on the other leg, or none: the packets name them inside, where nobody turns them.
 * sdp_list_offer does it.
 */
void sdp_list_drop_red(const struct sdp_media *m, struct sdp_list *l);

#endif
