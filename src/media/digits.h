/* Digits between signaling and the media of a row: those that shall leave as events, and those that
 * came as events (RFC 4733). A worker's own: they end with it. Pure but for the telling. */
#ifndef POSTERN_MEDIA_DIGITS_H
#define POSTERN_MEDIA_DIGITS_H

#include "media/flow.h"
#include "rtp/event.h"
#include "rtp/rtp.h"

enum { DIGITS_ROWS = 256 /* rows that play digits at a time */ };

struct digits {
	struct digits_row {
		uint32_t slot, generation;
		struct rtp_event_out out;
	} row[DIGITS_ROWS];
	uint32_t n;
	struct rtp_event_in *in; /* a slot each */
	/** News for signaling. */
	bool (*on_event)(void *arg, uint16_t type, const void *body, size_t len);
	void *arg;
};

/** One more digit of signaling for this row. False: it is lost, too many wait. */
bool digits_push(struct digits *d, const struct media_digit *m, uint64_t now_us);
/** When the next packet is due; UINT64_MAX: none is. */
uint64_t digits_due(const struct digits *d);
/** Does a digit play to this row: is nothing else to be heard there? */
bool digits_sound(const struct digits *d, uint32_t slot);
/** The packet at p (checked, h is its reading) of the row's far end is one of an event: told once
 * it is over. */
void digits_hear(struct digits *d, uint32_t slot, struct flow_row *r, const struct rtp_hdr *h,
		 const uint8_t *p, uint64_t now_us);
/** Now and then: an event of this row that has no end. */
void digits_quiet(struct digits *d, uint32_t slot, struct flow_row *r, uint64_t now_us);

#endif
