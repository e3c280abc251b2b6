/* What a stream of RTP packets was like for its receiver: sequence validation and loss (RFC 3550
 * A.1, A.3), jitter (A.8), bursts, round trip (6.4.1), and an estimate of the opinion score.
 * Plain data without pointers: these live in shared memory. One writer. Pure. */
#ifndef POSTERN_RTP_QUALITY_H
#define POSTERN_RTP_QUALITY_H

#include "rtp/rtcp.h"

enum {
	QUALITY_DROPOUT_MAX = 3000, /* A.1: a larger jump forward is another source's number */
	QUALITY_MISORDER_MAX = 100, /* A.1: as far back as late packets come */
	QUALITY_SEQUENTIAL_MIN = 2, /* A.1: packets in a row before a clear source counts */
	QUALITY_GAP_MIN = 16,       /* RFC 3611 4.7.2: good packets in a row that end a burst */
};

enum quality_verdict {
	QUALITY_COUNTED,
	QUALITY_PROBATION, /* not counted yet: a new source must show packets in a row */
	QUALITY_JUMP,      /* not counted: out of any window; two in a row restart the count */
};

/* Receiving side. All zero is not a state: quality_init. First what each packet changes: a cache
 * line. */
struct quality {
	uint64_t received;   /* counted packets of this source, duplicates included */
	uint64_t cycles;     /* 65536 * number of wraps */
	uint32_t clock_rate; /* Hz, never 0 */
	uint32_t transit;    /* A.8: arrival - timestamp, timestamp units */
	uint32_t jitter_x16; /* timestamp units * 16 */
	uint32_t since_loss; /* of the burst that may be going on */
	uint32_t bad_seq;    /* 16 bits, or QUALITY_NO_SEQ */
	uint16_t max_seq;
	uint8_t probation;     /* packets in a row still wanted */
	uint8_t probation_new; /* what a new source starts with */
	bool started, has_transit;
	uint8_t pad[2];
	uint32_t base_seq;
	uint32_t now_lost, now_length;    /* of the burst that may be going on */
	uint32_t lost_runs, lost_in_runs; /* gaps seen, and packets missing in them */
	uint32_t late;                    /* counted, but behind the highest */
	uint32_t lost_run_max;
	uint32_t bursts, burst_lost, burst_length;   /* of those that are over */
	uint64_t earlier_expected, earlier_received; /* of earlier sources and counts */
	uint64_t prior_expected, prior_received;     /* at the last quality_block */
};

/**
 * Start: clock_rate in Hz (0 counts as 8000). trusted: each packet was authenticated, so the first
 * one counts at once; otherwise QUALITY_SEQUENTIAL_MIN in a row are wanted first.
 */
void quality_init(struct quality *q, uint32_t clock_rate, bool trusted);
/** The source (SSRC) changed: count anew, keep the totals. */
void quality_new_source(struct quality *q);
/** A packet came: its sequence number and timestamp, now_us of the monotonic clock. */
enum quality_verdict quality_packet(struct quality *q, uint16_t seq, uint32_t ts, uint64_t now_us);

/** Extended highest sequence number, 32 bits as in a report block. */
uint32_t quality_max_seq(const struct quality *q);
/** Expected, received of all sources since quality_init. */
uint64_t quality_expected(const struct quality *q);
uint64_t quality_received(const struct quality *q);
/** Expected - received; 0 where duplicates outweigh the losses. */
uint64_t quality_lost(const struct quality *q);
/** Interarrival jitter in timestamp units (as in a report block), and in microseconds. */
uint32_t quality_jitter(const struct quality *q);
uint32_t quality_jitter_us(const struct quality *q);
/* Bursts as RFC 3611 4.7.2 has them: how many, packets lost in them, packets in all. A packet that
 * came late counts as lost here. */
struct quality_burst {
	uint32_t n, lost, length;
};
void quality_bursts(const struct quality *q, struct quality_burst *out);
/** Mean length of a run of lost packets * 100; 100 where nothing was lost. */
uint32_t quality_burst_x100(const struct quality *q);

/**
 * Fill a report block about ssrc (A.3: cumulative loss clamped to 24 bits, fraction since the last
 * call). lsr, dlsr: as rtcp_ntp_mid and rtcp_us_to_mid give them, 0 where no SR came.
 */
void quality_block(struct quality *q, uint32_t ssrc, uint32_t lsr, uint32_t dlsr,
		   struct rtcp_block *out);

/**
 * Round trip in microseconds from a block that came at now_mid (rtcp_ntp_mid of the same clock
 * that wrote our SR): now - LSR - DLSR (RFC 3550 6.4.1). NOTFOUND: no LSR in it; RANGE: negative
 * beyond the clock's grain, or above 60 s: not believable.
 */
enum err quality_round_trip(const struct rtcp_block *b, uint32_t now_mid, uint32_t *us) NODISCARD;

/**
 * Mean opinion score * 10 (10..45) by a short form of the E-model (ITU-T G.107) for G.711 with
 * concealment:
 *   d   = delay one way in ms (round trip / 2 + 2 * jitter + packet time 20)
 *   Id  = 0.024 d + 0.11 (d - 177.3) where d > 177.3
 *   Ppl = 100 * lost / expected; Br = mean run of losses * (1 - Ppl/100), at least 1
 *   Ie  = 95 Ppl / (Ppl / Br + 25.1)
 *   R   = 93.2 - Id - Ie, within 0..100
 *   MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7/1000000
 * burst_x100 as quality_burst_x100. 0 where expected is 0: unknown.
 */
uint8_t quality_mos_x10(uint64_t expected, uint64_t lost, uint32_t burst_x100,
			uint32_t round_trip_us, uint32_t jitter_us);

#endif
