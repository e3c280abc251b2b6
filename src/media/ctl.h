/* Commands from signaling to media, events back, and the slot arithmetic: the only header of
 * media that call, ha and ops may include.
 *
 * A slot is an even local port of one local media address (RTP; RTCP is port + 1, or the same
 * port with rtcp-mux). A row of the flow table belongs to each slot: its in half receives from
 * the leg's far end, its out half sends to it. What a row receives goes out of its peer's row.
 *
 * A command is idempotent: MEDIA_OPEN says what the row shall be, whether it was open or not, as
 * often as it comes. Keys never travel in messages: signaling writes them into the secrets
 * segment (struct media_secret) before the command that names their serial. */
#ifndef POSTERN_MEDIA_CTL_H
#define POSTERN_MEDIA_CTL_H

#include "base/addr.h"
#include "base/channel.h"
#include "base/list.h"
#include "sdp/keys.h"

enum {
	MEDIA_ADDRS_MAX = 16,   /* local media addresses */
	MEDIA_WORKERS_MAX = 16, /* threads of the media role */
	MEDIA_NO_SLOT = 0xffffffff,
	MEDIA_KEY_MAX = 32,  /* master key, RFC 3711, 6188 */
	MEDIA_SALT_MAX = 14, /* master salt */
	MEDIA_CNAME_MAX = 24,
	MEDIA_DSCP_KEEP = 0xff,    /* media_open.dscp: as the packet came */
	MEDIA_SPARE_OPENS = 128,   /* may wait beyond max_opens, for emergency calls */
	MEDIA_PART_MAX = 440,      /* bytes of a datagram in one message */
	MEDIA_DATAGRAM_MAX = 1728, /* that is given on, in parts */
	MEDIA_PTS = 8,             /* payload types of a direction that are known */
	MEDIA_PT_DIGIT = 128,      /* media_pts.to: events that are told, and do not go on */
};

enum media_msg_type {
	/* signaling to media */
	MEDIA_OPEN = 100, /* struct media_open */
	MEDIA_CLOSE,      /* struct media_close */
	/* media to signaling */
	MEDIA_CLOSED,  /* struct media_closed: answer to each MEDIA_CLOSE */
	MEDIA_TIMEOUT, /* struct media_close: no media on this row within its timeout; said once */
	MEDIA_REKEY,   /* struct media_close: a key of this row nears its end; said once a key */
	MEDIA_HANDED,  /* struct media_handed: a part of a datagram that is signaling's */
	/* signaling to media */
	MEDIA_SEND, /* struct media_send: lost where there is no room, and never repeated */
	/* both ways, never repeated: a digit that came as events (MEDIA_PT_DIGIT), or that shall
	 * go to the far end as events (media_open.event) */
	MEDIA_DIGIT, /* struct media_digit */
};

/* Bits of media_open.flags */
enum {
	MEDIA_F_SECURE = 1,   /* SRTP and SRTCP on this leg; nothing clear in or out */
	MEDIA_F_RTCP_MUX = 2, /* RFC 5761: RTCP on the RTP port */
	MEDIA_F_RECV = 4,     /* SDP lets the far end send to us (time-out counts this direction) */
	MEDIA_F_SEND = 8,     /* SDP lets us send to the far end */
	MEDIA_F_ANSWERED = 16, /* the call is answered: time-outs run */
	MEDIA_F_LEARN_CLEAR =
		32, /* trunk allows a plain leg's source to be learned (symmetric RTP) */
	MEDIA_F_SSRC_PASS = 64,  /* ssrc: pass instead of own */
	MEDIA_F_LOST_CONN = 128, /* the trunk's signalling connection is down: the short time-out */
	/* the rollover counter under a new out key; neither: as the far end did it */
	MEDIA_F_ROC_KEEP = 256,
	MEDIA_F_ROC_RESET = 512,
	MEDIA_F_RAW =
		2048, /* UDPTL, not RTP: passed as it is to a row that is raw, too; never SRTP */
	MEDIA_F_DTLS = 4096, /* RFC 5764: DTLS from the far end goes to signaling */
	MEDIA_F_ICE = 8192, /* RFC 8445: and STUN whose user name is ours, from wherever it comes */
	MEDIA_F_PTS_ALL = 1024, /* media_open.pts are all that SDP allows the far end to send */
};

/* Payload types that the far end of a row sends with, and what each becomes towards the peer's far
 * end (RFC 3264 6.1). Others pass as they are. n 0: nothing is known. */
struct media_pts {
	uint8_t n, from[MEDIA_PTS], to[MEDIA_PTS];
};

/* First what each packet asks for: one cache line of a row. */
struct media_open {
	uint32_t slot,
		generation; /* generation: of this use of the slot; another one starts clean */
	uint32_t peer;      /* slot that what we receive goes out of, and that names this one as
			     * its peer; MEDIA_NO_SLOT: nowhere */
	uint32_t flags;
	struct addr rtp;     /* far end as signalling names it; family 0 = not known yet */
	uint32_t clock_rate; /* 0 = 8000 */
	uint8_t dscp;
	uint8_t ptime_ms;            /* 0 = 20 */
	uint8_t in_suite, out_suite; /* enum srtp_suite_id; 0 = clear */
	struct addr rtcp;            /* as rtp */
	uint32_t in_serial,
		out_serial; /* which keys of the secrets row; a new serial = a new key */
	uint32_t timeout_s, timeout_lost_s; /* 0 = none; design: 300 and 10 */
	uint32_t ice; /* MEDIA_F_ICE: how that user name begins (rtp/stun.h) */
	struct media_pts pts;
	char cname[MEDIA_CNAME_MAX]; /* ours towards this leg */
	uint8_t event; /* payload type that digits of signaling leave with; 0: none does. Then the
			  SSRC is our own, whatever MEDIA_F_SSRC_PASS says */
};

struct media_close {
	uint32_t slot, generation;
};

/* Of a row with MEDIA_F_DTLS, from the address that signalling named, or from anywhere as long as
 * none is named (early): the parts of a datagram come one behind the other. Or STUN of a row with
 * MEDIA_F_ICE, whole. */
struct media_handed {
	uint32_t slot, generation;
	struct addr from;
	uint8_t rtcp;            /* 1: it came on the port of RTCP */
	uint8_t early;           /* 1: from nobody knows whom yet: nothing may change by it */
	uint16_t total, at, len; /* bytes of the datagram; of it before this part; in this part */
	uint8_t p[MEDIA_PART_MAX];
};

struct media_digit {
	uint32_t slot, generation;
	uint16_t ms;
	uint8_t code; /* RFC 4733 3.2: 0 to 16 */
	uint8_t lost; /* came as events: their end did not */
};

/* A datagram that leaves as it is from the RTP port of such a row, or its port of RTCP. */
struct media_send {
	uint32_t slot, generation;
	struct addr to;
	uint16_t rtcp;
	uint16_t len;
	uint8_t p[MEDIA_PART_MAX];
};
_Static_assert(sizeof(struct media_handed) <= CHANNEL_BODY_MAX, "must fit a channel message");

/* Why packets were dropped: one counter each, in rows and in totals. */
#define MEDIA_DROP_LIST(X)                                                                         \
	X(short, "shorter than a header")                                                          \
	X(version, "not RTP version 2, or broken header arithmetic")                               \
	X(source, "from an address that neither signalling nor a verified packet named")           \
	X(auth, "SRTP or SRTCP tag wrong or missing")                                              \
	X(replay, "seen before, or older than the replay window")                                  \
	X(clear, "not encrypted on an encrypted leg")                                              \
	X(nopeer, "no other leg to send to, or it is not allowed to be sent to")                   \
	X(index_used, "the index was used already under this key")                                 \
	X(key_expired, "the key's lifetime is over")                                               \
	X(rtcp_type, "RTCP that is not passed on")                                                 \
	X(noflow, "to a port with no call")                                                        \
	X(send, "the kernel refused to send")

enum media_drop {
#define X(name, help) MEDIA_DROP_##name,
	MEDIA_DROP_LIST(X)
#undef X
		MEDIA_DROP_N,
	MEDIA_KEPT = MEDIA_DROP_N, /* not dropped */
};

/* Packet I/O (media/io.h): packets, counted since the first worker of this place; written by its
 * worker alone. */
#define IO_COUNT_LIST(X)                                                                           \
	X(rx_full, "lost because a receive queue was full")                                        \
	X(rx_strange, "received, but not for a port of ours, or too long")                         \
	X(tx_busy, "not sent because a queue of the kernel was full")                              \
	X(tx_refused, "not sent because the kernel refused")                                       \
	X(tx_slow, "sent on the slower way that the back end keeps for what it cannot do")         \
	X(tx_fragments, "sent in fragments")

struct io_counts {
#define X(name, help) uint64_t name;
	IO_COUNT_LIST(X)
#undef X
	uint64_t pad[2]; /* a cache line each */
};
_Static_assert(sizeof(struct io_counts) == 64, "a line a worker");

/* What one worker notes for all to read: lines of its own. */
struct media_totals {
	uint64_t applied;               /* mark of the last command applied */
	uint64_t dropped[MEDIA_DROP_N]; /* all rows and no row */
} __attribute__((aligned(64)));

/* What a row saw. "in" is from the far end of the leg, "out" is to it. First
 * what each packet changes. */
struct media_stats {
	uint64_t in_packets, in_octets; /* relayed or accepted, RTP payloads */
	uint64_t out_packets, out_octets;
	struct addr far;         /* where packets really come from; family 0 = none yet */
	uint8_t mos_x10, pad[3]; /* estimate of what we receive, 10..50, 0 = unknown */
	uint64_t in_lost;        /* expected minus received (RFC 3550 A.3), never below 0 */
	uint64_t in_rtcp, out_rtcp;
	uint32_t dropped[MEDIA_DROP_N];
	uint32_t in_jitter_us; /* RFC 3550 6.4.1 */
	uint32_t far_lost;     /* cumulative loss that the far end reported of what we sent */
	uint32_t far_seq;      /* extended highest sequence number of ours that it reported */
	uint32_t far_reports;  /* reports of what we sent */
	uint32_t far_jitter_us;
	uint32_t round_trip_us;
	uint32_t roc_guesses; /* packets that authenticated only under another ROC or key */
	/* of what we receive: bursts of loss (RFC 3611 4.7.2), packets lost in them, packets in all
	 */
	uint32_t in_bursts, in_burst_lost, in_burst_length;
	uint32_t in_strange;           /* of in_packets: of a payload type that SDP does not name */
	uint16_t in_judged, in_silent; /* of G.711: packets looked into, of these nothing to hear */
};

struct media_closed {
	uint32_t slot, generation;
	struct media_stats stats;
};
_Static_assert(sizeof(struct media_closed) <= 496, "must fit a channel message");

/* A row of the secrets segment, the same slot as in the flow table. Mapped by signaling (writes)
 * and media (reads) only. The key of serial s stands in place s & 1, so the previous one stays for
 * the grace time of a re-key, and for a worker that starts between key and command. Serials of a
 * row and direction rise by one, from 1. Write with media_secret_put only; signaling wipes it when
 * the call is over. */
struct media_master {
	uint32_t serial; /* written last (release); 0 = none, or being written */
	uint8_t key[MEDIA_KEY_MAX], salt[MEDIA_SALT_MAX];
	uint8_t mki_len; /* bytes in each packet; 0 = no MKI */
	uint8_t life_shift;
	uint32_t life; /* at most life << life_shift packets, 0 = what RFC 3711 9.2 allows */
	uint64_t mki;
};
_Static_assert(sizeof(struct media_master) == 64, "one line each");
struct media_secret {
	struct media_master in[2], out[2];
};

/* Beside the secrets, because signaling writes there: the mark of the last command for a worker,
 * written before it is sent. A worker that has applied less looks into its channel. */
struct media_given {
	uint64_t mark;
} __attribute__((aligned(64)));

/* The local media addresses and the port range, the same on each address. */
struct media_plan {
	struct addr bound[MEDIA_ADDRS_MAX], advertised[MEDIA_ADDRS_MAX]; /* port 0 */
	uint32_t n_addrs;
	uint16_t port_min, port_max; /* port_min even; pairs (p, p+1) within */
	/* Each has the same slice of the ports of each address, so that both legs of a call can be
	 * one worker's. 0 means 1. */
	uint32_t n_workers;
};

/** Pairs of ports on each address. */
uint32_t media_pairs(const struct media_plan *p);
/** Number of slots of the plan: n_addrs * pairs. */
uint32_t media_slots(const struct media_plan *p);
/** slot = addr_index * pairs + (port - port_min) / 2 */
uint16_t media_slot_port(const struct media_plan *p, uint32_t slot);
/** How many workers there are, 1 to MEDIA_WORKERS_MAX. */
uint32_t media_workers(const struct media_plan *p);
/** The worker that owns this slot. */
uint32_t media_slot_worker(const struct media_plan *p, uint32_t slot);
/** Pairs of ports of one worker on each address; the last worker may have fewer. 0: no ports. */
uint32_t media_slice(const struct media_plan *p);
const char *media_drop_name(enum media_drop d);

/** Signaling: store a key into row->in or row->out. RANGE: serial 0, or longer than the places. */
enum err media_secret_put(struct media_master pair[2], uint32_t serial,
			  const struct sdp_key *k) NODISCARD;
/** Media: a copy of the key of this serial; NOTFOUND. Wipe it after use. */
enum err media_secret_get(const struct media_master pair[2], uint32_t serial,
			  struct media_master *out) NODISCARD;
/** Packets that its owner's SDP gives the key, to 32 bits; 0 = as many as RFC 3711 9.2 does. */
uint64_t media_secret_life(const struct media_master *m);

/* A command as it travels. mark: when it was given; each worker notes the last one that it applied
 * in its media_totals (one 64-bit store, so that a reader never sees half of it). */
enum { MEDIA_MARK_SHIFT = 40 }; /* mark = epoch << 40 | sequence, sequence from 1 */
struct media_cmd {
	uint64_t mark;
	uint32_t type; /* MEDIA_OPEN or MEDIA_CLOSE, the same as the channel's type */
	uint32_t pad;
	union {
		struct media_open open;
		struct media_close close;
	} u;
};
_Static_assert(sizeof(struct media_cmd) <= CHANNEL_BODY_MAX, "must fit a channel message");

/* A command that media has not noted as applied (a CLOSE: not yet answered). */
struct media_wait {
	struct list at;
	struct media_cmd cmd;
};

/* A worker as signaling sees it: a channel of its own, and every command that waits for it. */
struct media_lane {
	struct channel chan;
	struct list queue;   /* oldest first */
	struct list *unsent; /* the first that is not in the channel yet; &queue: none */
};

/* What signaling holds of media: a lane a worker, so that what was said can be repeated after
 * media's restart. It stays where it is. One thread. The pointers are called from media_ctl_recv
 * only. */
struct media_ctl {
	struct media_lane lane[MEDIA_WORKERS_MAX];
	uint32_t n_lanes;
	struct media_wait *all;
	struct list idle; /* of all */
	uint32_t n;       /* that wait */
	uint32_t n_opens, max_opens;
	uint64_t epoch, sequence;
	const struct media_plan *plan;
	const struct media_totals *workers;
	struct media_given *given;
	void *arg;
	void (*on_closed)(void *arg, const struct media_closed *c);
	void (*on_timeout)(void *arg, uint32_t slot, uint32_t generation);
	void (*on_rekey)(void *arg, uint32_t slot, uint32_t generation);
	void (*on_handed)(void *arg, const struct media_handed *h);
	void (*on_digit)(void *arg, const struct media_digit *d);
	/* A command was queued: media_ctl_flush is to come soon. NULL: it is sent at once. */
	void (*on_wish)(void *arg);
	void *wish_arg;
};

/**
 * Without channels yet: see media_ctl_rebind. epoch: of this life of signaling, below 2^24.
 * max_opens: OPENs that may wait for media; beyond it media_ctl_open is FULL. workers, given: of
 * the flow table and of the secrets segment, by number of the worker. plan and these are borrowed.
 * Callbacks may be set after this call; NULL ones are skipped. NOMEM.
 */
enum err media_ctl_init(struct media_ctl *m, uint64_t epoch, const struct media_plan *plan,
			uint32_t max_opens, const struct media_totals *workers,
			struct media_given *given) NODISCARD;
void media_ctl_fini(struct media_ctl *m);
/** Queue an OPEN. Keys of its serials stand in the secrets segment before. FULL: answer 503.
 * spare, for an emergency call: MEDIA_SPARE_OPENS more may wait. */
enum err media_ctl_open(struct media_ctl *m, const struct media_open *o, bool spare) NODISCARD;
/**
 * Queue a CLOSE; on_closed comes once for it, with the final counters, also over a restart of
 * media. The same CLOSE while one waits changes nothing. Always has room for each slot.
 */
enum err media_ctl_close(struct media_ctl *m, uint32_t slot, uint32_t generation) NODISCARD;
/** Have media send a datagram, behind the commands that were given before; lost, as in a network,
 * where there is no room. */
void media_ctl_send(struct media_ctl *m, const struct media_send *s);
/** Have media play a digit to a row's far end, behind the commands given before. False: there is no
 * room, it is lost. */
bool media_ctl_digit(struct media_ctl *m, const struct media_digit *d);
/**
 * The channel of this worker is readable: calls on_closed, on_timeout, on_rekey. At most `budget`
 * messages. OK: all read; AGAIN: more is there; CLOSED: it is gone (wait for media_ctl_rebind).
 */
enum err media_ctl_recv(struct media_ctl *m, uint32_t worker, uint32_t budget) NODISCARD;
/**
 * Send what waits (also when writable): true = nothing waits, no EPOLLOUT needed. To be called
 * before a message that lets the far end send (an offer or answer of ours) leaves: a worker looks
 * for commands after it has received and before it looks at what that is, so whatever such a
 * message brings about meets the row as it shall be, however fast it is.
 */
bool media_ctl_flush(struct media_ctl *m);
/** Media was started: a new end towards this worker. Takes fd. Repeats what is not noted as
 * applied. */
void media_ctl_rebind(struct media_ctl *m, uint32_t worker, int fd);
/** Commands not yet known to be applied; those that are, are forgotten. */
uint32_t media_ctl_waiting(struct media_ctl *m);

#endif
