/* Telephone events in RTP (RFC 4733) at the clock of telephony: digits as packets. One half makes
 * them at their pace, the other one hears them, each event once however many of its packets come.
 * Bytes and `now` in, packets out. Plain data; all zero is the start of both. Pure. */
#ifndef POSTERN_RTP_EVENT_H
#define POSTERN_RTP_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RTP_EVENT_RATE = 8000,   /* Hz, of timestamps and durations */
	RTP_EVENT_LEN = 4,       /* octets of payload (2.3) */
	RTP_EVENT_FLASH = 16,    /* the last code that is a key: 0-9, *, #, A-D, flash (3.2) */
	RTP_EVENT_QUEUE = 16,    /* digits that wait, the one in hand among them */
	RTP_EVENT_STEP_MS = 20,  /* between two packets */
	RTP_EVENT_ENDS = 3,      /* packets that say the end (2.5.1.4) */
	RTP_EVENT_PAUSE_MS = 60, /* between the last of them and the next digit */
	RTP_EVENT_MIN_MS = 40,
	RTP_EVENT_MAX_MS = 5000,              /* 40,000 units: fits 16 bits */
	RTP_EVENT_QUIET_US = 200 * 1000,      /* no packet for so long: its end was lost */
	RTP_EVENT_FRESH_US = 5 * 1000 * 1000, /* from then on an older timestamp is a new event */
};

struct rtp_event_digit {
	uint8_t code; /* 0 to RTP_EVENT_FLASH */
	uint16_t ms;
};

/* Digits on their way out. */
struct rtp_event_out {
	struct rtp_event_digit queue[RTP_EVENT_QUEUE];
	uint8_t n;
	uint8_t ends;    /* of the one in hand, said so far */
	bool sounds;     /* one is in hand: nothing else is to be heard */
	bool pauses;     /* one is over, due_us is the end of the pause */
	uint32_t units;  /* of the one in hand: its duration so far, */
	uint32_t total;  /* and as it will be, in timestamp units */
	uint64_t due_us; /* the next step, where n or pauses */
};

/* A packet of them: its payload, and whether it is the first one of its event: then it has the
 * marker and a new timestamp, which the others repeat. */
struct rtp_event_packet {
	uint8_t payload[RTP_EVENT_LEN];
	bool first;
};

/** A digit waits for its turn, at least RTP_EVENT_MIN_MS, at most RTP_EVENT_MAX_MS long. False: no
 * key has this code, or too many wait. */
bool rtp_event_push(struct rtp_event_out *o, struct rtp_event_digit d, uint64_t now_us);
/** When rtp_event_step is to be called; UINT64_MAX: nothing waits. */
uint64_t rtp_event_due(const struct rtp_event_out *o);
/** What is due at now_us. True: *out is to be sent; false: nothing now. */
bool rtp_event_step(struct rtp_event_out *o, uint64_t now_us, struct rtp_event_packet *out);

/* The event that is heard, or was heard last. */
struct rtp_event_in {
	uint64_t heard_us; /* its last packet; 0: there was none yet */
	uint32_t ts;
	uint32_t before; /* units of earlier segments (2.5.1.3) */
	uint16_t units;
	uint8_t code;
	bool open; /* not told yet */
};

/* An event that is over. */
struct rtp_event_heard {
	struct rtp_event_digit digit;
	bool lost; /* none of its ends came */
};

/** A packet of an event: timestamp, marker and payload of n octets. True: an event is over, *out is
 * it, and never comes again. What is no key is not heard. */
bool rtp_event_hear(struct rtp_event_in *in, uint32_t ts, bool marker, const uint8_t *p, size_t n,
		    uint64_t now_us, struct rtp_event_heard *out);
/** No packet came. True: the event that was heard has no end, and is over. */
bool rtp_event_quiet(struct rtp_event_in *in, uint64_t now_us, struct rtp_event_heard *out);

#endif
