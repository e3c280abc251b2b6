/* The receiving half of a row: whose packets are taken, and under which key and rollover counter
 * an encrypted one is tried (design.md 6, M1-M6). Nothing here changes a row before the tag has
 * verified, but the search budget. Pure.
 *
 * A packet is tried once under the pinned key (the one that verified last) and the index that
 * RFC 3711 3.3.1 estimates. When that fails, and the packet comes from an address that signalling
 * or a verified packet named, and the budget allows, it is tried once more, under one candidate:
 * the candidates take turns over the packets. */
#ifndef POSTERN_MEDIA_INBOUND_H
#define POSTERN_MEDIA_INBOUND_H

#include "media/flow.h"
#include "rtp/rtp.h"

enum {
	INBOUND_GRACE_US = 10 * 1000 * 1000, /* how long the key before a re-key is tried */
	INBOUND_SEARCH_RATE = 64,            /* further authentications a second and row */
	INBOUND_LISTEN = 63,                 /* mask: one packet in so many is looked into */
	INBOUND_AHEAD = 3, /* places ahead of the highest index, 2^16 apart, that are tried */
};

/* A key and a rollover counter to try a packet under. */
struct inbound_way {
	uint32_t serial; /* of the key */
	uint32_t roc;
	bool use_roc; /* else the estimate */
};

/* One way to try a packet. */
struct inbound_try {
	struct srtp_state *state; /* &temp, or a cell of the row */
	struct srtp_state temp;   /* for a source that has no cell */
	struct inbound_way way;
};

/* A packet before it is verified. */
struct inbound_pkt {
	struct addr from;
	uint32_t ssrc; /* of RTP: the source; of RTCP: its sender */
	uint16_t seq;  /* RTP only */
	bool rtcp;
};

/** Does this address belong to the leg: named by signalling, or by a verified packet? */
bool inbound_is_named(const struct flow_row *r, bool rtcp, const struct addr *from) NODISCARD;
/** May a clear packet from here be taken (M1, M2)? learn: the address must be latched with it. */
bool inbound_clear_ok(const struct flow_row *r, bool rtcp, const struct addr *from) NODISCARD;

/** The first way to try k. False: there is no key. */
bool inbound_first(struct flow_row *r, const struct inbound_pkt *k,
		   struct inbound_try *out) NODISCARD;
/**
 * After t, which inbound_first gave, failed with this status and (RTP) index: t becomes another
 * way, at the cost of one token. False: there is none, or the packet may not ask for one.
 */
bool inbound_second(struct flow_row *r, const struct inbound_pkt *k, enum err status,
		    uint64_t index, uint64_t now_us, struct inbound_try *t) NODISCARD;
/**
 * The packet has verified under t (its state is committed there) as index: keep the state, pin the
 * key, learn the address.
 */
void inbound_verified(struct flow_row *r, const struct inbound_pkt *k, const struct inbound_try *t,
		      uint64_t index);
/** A packet was taken, on a clear leg too: clocks, source, latched address. */
void inbound_taken(struct flow_row *r, const struct inbound_pkt *k, uint64_t now_us);
/** Is there anything to hear in the packet at p? Counted where it is G.711. */
void inbound_listen(struct flow_row *r, const struct rtp_hdr *h, const uint8_t *p);
/** What the payload type of an RTP packet becomes on the other leg; strange ones are counted. */
uint8_t inbound_pt(struct flow_row *r, uint8_t pt);
/** A new key from signalling: the one before goes on for the grace time. */
void inbound_rekey(struct flow_row *r, uint32_t serial, uint8_t old_suite, uint64_t now_us);
/** End the grace time if it is over; true when it ended now (the old key can go). */
bool inbound_grace_over(struct flow_row *r, uint64_t now_us) NODISCARD;

#endif
