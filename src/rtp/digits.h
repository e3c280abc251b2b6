/* Digits that play to many streams at a time (rtp/event.h), each stream known by a key of its
 * owner's. Bounded; plain data, all zero at first. Pure. */
#ifndef POSTERN_RTP_DIGITS_H
#define POSTERN_RTP_DIGITS_H

#include "rtp/event.h"

enum { RTP_DIGITS_STREAMS = 256 };

struct rtp_digits {
	struct {
		uint64_t key;
		struct rtp_event_out out;
	} stream[RTP_DIGITS_STREAMS];
	uint32_t n;
};

/** One more digit for this stream. False: it is lost, too many wait. */
bool rtp_digits_push(struct rtp_digits *d, uint64_t key, struct rtp_event_digit digit,
		     uint64_t now_us);
/** When rtp_digits_next has something; UINT64_MAX: nothing waits. */
uint64_t rtp_digits_due(const struct rtp_digits *d);
/** Does a digit sound in this stream: is nothing else to be heard there? */
bool rtp_digits_sound(const struct rtp_digits *d, uint64_t key);
/** The next packet that is due, and whose it is; false: none is. */
bool rtp_digits_next(struct rtp_digits *d, uint64_t now_us, uint64_t *key,
		     struct rtp_event_packet *out);
/** Nothing more plays to this stream. */
void rtp_digits_drop(struct rtp_digits *d, uint64_t key);

#endif
