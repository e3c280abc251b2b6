/* The payload of a packet: G.711, 20 ms, marked and with a tone; and the tone found again. */
#ifndef SRTP_END_TONE_H
#define SRTP_END_TONE_H

#include <stddef.h>
#include <stdint.h>

enum {
	SAMPLES = 160,           /* 20 ms at 8,000 Hz */
	MARK_LEN = 16,           /* TONE_MAGIC, tag, counter, Hz, check */
	TONE_MAGIC = 0x50454e44, /* "PEND" */
	SCAN_FROM = 100,         /* Hz */
	SCAN_STEP = 50,
	SCAN_BINS = 68,
	SCAN_EVERY = 25, /* packets */
};

/* What was heard. Zero: nothing yet. */
struct tone {
	uint32_t hear; /* Hz that should be heard; 0: none */
	double hear_sum, power_sum, scan[SCAN_BINS];
	uint64_t packets;
};

/** FNV-1a; also the tag of a stream, from its id. */
uint32_t tone_hash(const void *p, size_t len);
/** Payload number counter of the stream tag: SAMPLES octets. pt 0 is mu-law, all others A-law. */
void tone_fill(uint8_t *p, uint32_t tag, uint32_t counter, uint32_t freq, uint8_t pt);
/** Listen to len octets; fewer than half a packet's are passed over. */
void tone_hear(struct tone *t, const uint8_t *p, uint32_t len, uint8_t pt);
/** The loudest of the scanned frequencies; 0 when there is none. */
uint32_t tone_loudest(const struct tone *t);

#endif
