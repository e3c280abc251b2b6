/* The one relay core (design.md 6): a batch of packets in, each looked up by its port, its source
 * checked, unprotected, counted, rewritten, protected, and sent, all in place. No allocation, lock
 * or log; a named counter for each reason to drop. Knows no socket and no clock. One thread a
 * struct relay; a slot and its peer belong to the same one. */
#ifndef POSTERN_MEDIA_RELAY_H
#define POSTERN_MEDIA_RELAY_H

#include "media/inbound.h"
#include "media/io.h"
#include "media/keys.h"
#include "rtp/digits.h"
#include "rtp/rtp.h"

enum {
	RELAY_RTCP_MAX = 512,            /* bytes of RTCP that we write */
	RELAY_ROUNDS = 2 * IO_BATCH + 2, /* calls of the engine for a batch; two as a rule */
};

/* What the relay stands on; all stays the caller's. */
struct relay_conf {
	const struct media_plan *plan;
	uint32_t worker;          /* which of the plan's */
	struct flow_table *flows; /* writable; mine: this worker's */
	const struct flow_secrets *secrets;
	struct srtp_ctx *srtp; /* with room for KEYS_A_SLOT keys a slot of this worker */
	struct media_io io;
	void *arg;
	/** News for signaling: MEDIA_CLOSED, MEDIA_TIMEOUT, MEDIA_REKEY, MEDIA_DIGIT. False: no
	 * room now. */
	bool (*on_event)(void *arg, uint16_t type, const void *body, size_t len);
	/** A batch was received and not yet looked at: the time for commands, which then were given
	 * before any packet that they bring about could come. NULL: nothing. */
	void (*on_received)(void *arg, uint64_t now_us);
};

enum relay_step { RELAY_DROPPED, RELAY_FIRST, RELAY_SECOND, RELAY_TAKEN };

/* A packet on its way. */
struct relay_item {
	struct io_packet *k;
	struct flow_row *row, *out;
	uint32_t slot, out_slot;
	enum relay_step step;
	struct inbound_pkt pkt;
	struct inbound_try t;
	bool raw;        /* no RTP: as it is */
	enum err status; /* of the first try; AUTH as long as there was none */
	uint64_t index;
	struct rtp_hdr h;
};

struct relay {
	struct relay_conf conf;
	struct keys keys;
	uint8_t *buffers;
	struct io_packet rx[IO_BATCH];
	struct relay_item *items;
	struct srtp_op ops[IO_BATCH];
	struct relay_item *owner[IO_BATCH]; /* of each op */
	uint32_t *round_of, round;          /* a slot that must wait for the next round */
	uint32_t touched[2 * IO_BATCH], n_touched;
	uint32_t *open, *place, n_open; /* open slots, and where each stands in that list */
	uint32_t cursor;                /* of control_tick */
	/* digits (RFC 4733): of signaling; and those of far ends that are told, a slot each */
	struct rtp_digits playing;
	struct rtp_event_in *heard;
};

/**
 * Attach to the table: own rows that a worker left in the middle are repaired, keys of open rows
 * made again, so that the first batch can follow at once. RANGE, NOMEM.
 */
enum err relay_init(struct relay *r, const struct relay_conf *conf) NODISCARD;
/** Wipes the keys; leaves the table as it is. */
void relay_fini(struct relay *r);
/** Receive, work on and send one batch; returns how many packets came in. */
unsigned relay_batch(struct relay *r, uint64_t now_us);
/** Protect (on an encrypted leg) and send RTCP to this slot's far end. For control. */
void relay_send_rtcp(struct relay *r, uint32_t slot, struct str rtcp, uint64_t now_us);

/** A datagram of signaling, from an open row with MEDIA_F_DTLS or MEDIA_F_ICE of this worker; else
 * nothing. */
void relay_send_as_is(struct relay *r, const struct media_send *s);

/** A digit of signaling waits for its turn, where it is this worker's. */
void relay_digit(struct relay *r, const struct media_digit *d, uint64_t now_us);
/** The packets of digits that are due (rtp_digits_due). Not while a batch is in hand. */
void relay_play(struct relay *r, uint64_t now_us);
/** The packet at p (checked, h is its reading) of this row is one of an event: told once it is
 * over. h NULL: none came; one that has no end is over in the end. */
void relay_hear(struct relay *r, uint32_t slot, const struct rtp_hdr *h, const uint8_t *p,
		uint64_t now_us);

/** The row, marked as being changed until the end of the batch or relay_settle. */
struct flow_row *relay_touch(struct relay *r, uint32_t slot);
/** All touched rows are whole again. */
void relay_settle(struct relay *r);
/** The row that goes with this slot: open, and each names the other; NULL: there is none. */
struct flow_row *relay_peer(const struct relay *r, uint32_t slot) NODISCARD;
/** Is this a slot of the plan that belongs to this worker? */
bool relay_owns(const struct relay *r, uint32_t slot) NODISCARD;
/** Into and out of the list of open slots. */
void relay_list(struct relay *r, uint32_t slot, bool open);

#endif
