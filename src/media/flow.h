/* The flow table: one row a slot, plain data without pointers in a shared segment that keeper
 * holds, so that a row outlives the worker. Written by the media worker alone; others map it
 * read-only.
 *
 * A writer makes a row's counter odd while it changes it (flow_begin, flow_end). SRTP states are
 * committed in the row before the packet is passed on. So after a kill in the middle: what the row
 * does not show as used has not left, what it does not show as seen has not been passed on; the new
 * worker (flow_repair) counts everything up to the highest stored index as used and as seen. */
#ifndef POSTERN_MEDIA_FLOW_H
#define POSTERN_MEDIA_FLOW_H

#include <stddef.h>

#include "base/shm.h"
#include "media/io.h"
#include "rtp/quality.h"
#include "srtp/engine.h"

enum {
	FLOW_VERSION = 7,
	FLOW_SECRETS_VERSION = 3,
	FLOW_ROW_SIZE = 1024,
	FLOW_CELLS =
		3,     /* receiving states kept whole: of this source, an earlier one, an old key */
	FLOW_GONE = 5, /* further sources of which the highest index is remembered */
	FLOW_READ_TRIES = 200,
	FLOW_SRTP_MAX = 32,
	FLOW_IO_MAX = 16,
	FLOW_SEED_LEN = 32,
};
#define FLOW_MAGIC UINT64_C(0x31574f4c46545350)         /* "PSTFLOW1" */
#define FLOW_SECRETS_MAGIC UINT64_C(0x3159454b54534f50) /* "POSTKEY1" */

/* The rollover counter under a new key. */
enum flow_roc { FLOW_ROC_UNKNOWN, FLOW_ROC_KEPT, FLOW_ROC_RESET };

/* A source whose cell was given to another: its indexes below these are never taken again. */
struct flow_gone {
	uint64_t rtp_next;
	uint32_t rtcp_next, ssrc, serial, pad;
};

/* From the far end of the leg. */
struct flow_in {
	/* beside the head of the row, in one cache line: what each packet reads or changes */
	uint64_t media_us; /* last packet that was accepted (RTP or RTCP); 0 = none */
	uint32_t cell_serial[FLOW_CELLS]; /* key of the cell; 0 = the cell is empty */
	uint32_t serial;                  /* key: the present one */
	uint32_t pinned;                  /* the key that verified last: it is tried first */
	uint32_t ssrc;                    /* source of the last accepted RTP packet */
	uint8_t has_source;               /* ssrc is set */
	uint8_t cell_last;                /* the cell that verified last */
	/* the payload type of its last packet, what that becomes, and whether it is a strange one
	 */
	uint8_t pt_known, pt, pt_to, pt_strange;
	uint8_t search_tokens, search_turn;
	struct srtp_state cell[FLOW_CELLS]; /* a line each */
	struct quality quality;
	struct flow_gone gone[FLOW_GONE];
	uint64_t rtcp_us;     /* last RTCP that was accepted; 0 = none */
	uint64_t grace_us;    /* until when the old key is tried; 0 = no old key */
	uint64_t search_us;   /* when the search budget was last filled up */
	uint64_t sr_us;       /* when the last SR came */
	uint32_t sr_mid;      /* its NTP time, middle bits; 0 = none */
	uint32_t old_serial;  /* key: the one before */
	struct addr rtcp_far; /* where RTCP really comes from */
	uint8_t old_suite;    /* of old_serial */
	uint8_t roc_way;      /* enum flow_roc: what the far end did at its last new key */
};

/* To the far end of the leg: two lines. */
struct flow_out {
	struct srtp_state state; /* its ssrc is ours towards this leg, on clear legs too */
	uint64_t rtp_us;         /* last RTP sent; 0 = none */
	uint64_t rtcp_us;        /* last RTCP sent */
	uint64_t sr_us;          /* when the last SR was sent */
	uint32_t sr_mid;         /* the NTP time in it, middle bits; 0 = none */
	uint32_t serial;
	uint32_t source; /* whose packets the offsets are for: SSRC, and */
	uint32_t ts_off, ts_last;
	uint16_t seq_off, seq_last;
	uint8_t has_source, started;
	uint8_t sr_own; /* the last SR was of our own making, not a translated one */
	uint8_t pad;
};

/* A packet reads and writes five lines of its own row, and five of its peer's. */
struct flow_row {
	uint32_t lock; /* odd: being changed */
	uint32_t generation;
	uint8_t open;
	uint8_t timeout_said, rekey_said;
	uint8_t handed;    /* datagrams and digits that went to signaling since the last tick */
	uint64_t since_us; /* flags as they are since */
	struct flow_in in;
	struct flow_out out __attribute__((aligned(64)));
	struct media_open conf __attribute__((aligned(64)));
	/* read it with flow_read_stats, which fills in the estimates */
	struct media_stats stats __attribute__((aligned(64)));
};
_Static_assert(sizeof(struct flow_row) <= FLOW_ROW_SIZE, "a row is at most 1 KiB");
_Static_assert(offsetof(struct flow_row, in.cell) == 64, "the head is a line, states follow");
_Static_assert(offsetof(struct flow_row, in.quality) % 64 == 0, "its first line is hot");

struct flow_head {
	struct shm_head shm;
	uint32_t n_slots, row_size;
	char srtp[FLOW_SRTP_MAX]; /* what the worker does SRTP with, for people; NUL-ended */
	char io[FLOW_IO_MAX];     /* the back end of its packets; NUL-ended */
	struct media_totals worker[MEDIA_WORKERS_MAX];
	struct io_counts counts[MEDIA_WORKERS_MAX] __attribute__((aligned(64)));
};

/* One mapping of the table. */
struct flow_table {
	struct shm shm;
	struct flow_head *head;
	struct media_totals *mine; /* of the worker whose mapping this is; at first those of 0 */
	char *rows;
	uint32_t n_slots;
};

/* The secrets segment: what signaling gave to each worker, then one struct media_secret a slot. */
struct flow_secrets {
	struct shm shm;
	const uint8_t
		*seed; /* FLOW_SEED_LEN bytes of chance, of this boot of keeper: signaling's */
	struct media_given *given; /* by number of the worker */
	struct media_secret *rows;
	uint32_t n_slots;
};

/** New segments for the plan's slots; both close-on-exec. RANGE: no slots; IO. */
enum err flow_create(const struct media_plan *plan, int *flows_fd, int *secrets_fd) NODISCARD;
/** Map; writable for media only. VERSION: another layout or boot: never interpreted. */
enum err flow_map(int fd, bool writable, struct flow_table *out) NODISCARD;
void flow_unmap(struct flow_table *t);
/** Map; writable for signaling only. Not in core dumps. */
enum err flow_secrets_map(int fd, bool writable, struct flow_secrets *out) NODISCARD;
void flow_secrets_unmap(struct flow_secrets *s);

/** slot must be below n_slots. */
static inline struct flow_row *
flow_row(const struct flow_table *t, uint32_t slot)
{
	return (struct flow_row *)(void *)(t->rows + (size_t)slot * FLOW_ROW_SIZE);
}
/** A consistent copy of a row that is open. NOTFOUND: it is not. Any process; for reconciling after
 * a restart, and for who looks into its keys (`postern ready`). */
enum err flow_peek(const struct flow_table *t, uint32_t slot, struct flow_row *out) NODISCARD;
/**
 * A consistent copy of a row's counters with loss, jitter and MOS worked out; open or closed, as
 * long as the generation has not been replaced: NOTFOUND then. Where the worker died in the middle
 * of a change, the counters are given all the same (each is whole), after some 10 ms.
 */
enum err flow_read_stats(const struct flow_table *t, uint32_t slot, uint32_t generation,
			 struct media_stats *out) NODISCARD;

/* The rest is for the worker. */

/** Between these two the row may be changed. A second flow_begin does nothing. */
void flow_begin(struct flow_row *r);
void flow_end(struct flow_row *r);
/** A row that its worker left in the middle of a change; true when it was so. */
bool flow_repair(struct flow_row *r);
/** Start clean as o says. */
void flow_start(struct flow_row *r, const struct media_open *o, uint64_t now_us);
/** Fill loss, jitter, score from the row's own quality. */
void flow_fill_stats(const struct flow_row *r, struct media_stats *out);
void flow_count_drop(struct flow_table *t, struct flow_row *r, enum media_drop why);

/**
 * Where RTP or RTCP is to be sent: where it verifiably comes from, else where signalling said
 * (RTCP: the RTP port + 1 where it said nothing; with mux the RTP address). False: not known yet.
 */
bool flow_far(const struct flow_row *r, bool rtcp, struct addr *out);

#endif
