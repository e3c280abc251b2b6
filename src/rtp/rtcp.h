/* RTCP packets (RFC 3550 6, reduced size RFC 5506, mux RFC 5761): a compound is checked whole,
 * then read packet by packet; what we send is written anew. Slices point into the datagram. Pure;
 * any thread. */
#ifndef POSTERN_RTP_RTCP_H
#define POSTERN_RTP_RTCP_H

#include "base/buf.h"

enum {
	RTCP_HEADER_LEN = 4,
	RTCP_BLOCK_LEN = 24,
	RTCP_BLOCKS_MAX = 31,   /* report blocks in a packet: 5 bits */
	RTCP_COMPOUND_MAX = 64, /* packets in a datagram; more is SYNTAX */
	RTCP_SDES_ITEM_MAX = 255,
	RTCP_LOST_MAX = 0x7fffff, /* cumulative lost: 24 bits signed */
	RTCP_LOST_MIN = -0x800000,
};

enum rtcp_type {
	RTCP_SR = 200,
	RTCP_RR = 201,
	RTCP_SDES = 202,
	RTCP_BYE = 203,
	RTCP_APP = 204,
	RTCP_RTPFB = 205, /* RFC 4585 */
	RTCP_PSFB = 206,  /* RFC 4585 */
	RTCP_XR = 207,    /* RFC 3611 */
};

/* What feedback says (RFC 4585 6.2, 6.3, RFC 5104 4.3): the 5 bits behind the version. */
enum rtcp_feedback_format {
	RTCP_FB_NACK = 1, /* of RTPFB: packets that are missing */
	RTCP_FB_PLI = 1,  /* of PSFB: a picture was lost, send a whole one */
	RTCP_FB_FIR = 4,  /* of PSFB: send a whole picture */
};

enum rtcp_sdes_item {
	RTCP_SDES_END = 0,
	RTCP_SDES_CNAME = 1,
};

/* One packet of a compound, its bounds checked. */
struct rtcp_pkt {
	const uint8_t *p; /* from the packet's own 4-octet header on; borrowed */
	size_t len;       /* that header included, padding not */
	uint8_t type;     /* enum rtcp_type, or another */
	uint8_t count;    /* RC, SC or subtype: 5 bits */
};

/* Where rtcp_next stands; init with rtcp_open only. */
struct rtcp_iter {
	const uint8_t *p;
	size_t len, pos;
};

/* Sender info (RFC 3550 6.4.1). */
struct rtcp_sender {
	uint64_t ntp;    /* 32.32 seconds since 1900 */
	uint32_t rtp_ts; /* the same instant in the stream's clock */
	uint32_t packets, octets;
};

/* A feedback packet (RFC 4585 6.1). */
struct rtcp_feedback {
	uint8_t type;   /* RTCP_RTPFB or RTCP_PSFB */
	uint8_t format; /* enum rtcp_feedback_format, or another */
	uint32_t media; /* the SSRC that it is about; 0: named in info */
	const uint8_t *info;
	size_t info_len; /* octets, a multiple of 4 */
};

/* A report block (RFC 3550 6.4.1), in host order. */
struct rtcp_block {
	uint32_t ssrc;    /* whose packets it speaks of */
	int32_t lost;     /* cumulative, RTCP_LOST_MIN..RTCP_LOST_MAX */
	uint32_t max_seq; /* extended highest sequence number received */
	uint32_t jitter;  /* timestamp units */
	uint32_t lsr;     /* middle 32 bits of the last SR's NTP; 0 = none came yet */
	uint32_t dlsr;    /* since then, 1/65536 s */
	uint8_t fraction; /* lost since the last report, 1/256 */
};

/** Does the second octet name RTCP (RFC 5761 4: 192..223)? For demultiplexing only. */
bool rtcp_is(const uint8_t *p, size_t len);

/**
 * Check the whole datagram (RFC 3550 A.2): version 2 throughout, the lengths fill it exactly, the
 * counted parts of SR, RR, SDES, BYE, APP fit into their packet, padding only on the last one and
 * whole, first SR or RR. reduced: any type may be first and padding none or right (RFC 5506).
 * SHORT: less than a header; SYNTAX: all else. *out is then good for rtcp_next.
 */
enum err rtcp_open(const uint8_t *p, size_t len, bool reduced, struct rtcp_iter *out) NODISCARD;

/** Next packet: true and *out, or false at the end. */
bool rtcp_next(struct rtcp_iter *it, struct rtcp_pkt *out);

/** SSRC of the sender (SR, RR, APP, feedback, XR: octets 4-7); 0 in a packet without one. */
uint32_t rtcp_ssrc(const struct rtcp_pkt *k);
/** Sender info of an SR; NOTFOUND for another type. */
enum err rtcp_read_sender(const struct rtcp_pkt *k, struct rtcp_sender *out) NODISCARD;
/** Report block i of an SR or RR; NOTFOUND beyond the count or for another type. */
enum err rtcp_read_block(const struct rtcp_pkt *k, unsigned i, struct rtcp_block *out) NODISCARD;
/** The first CNAME in an SDES for this ssrc (0: of any); NOTFOUND when there is none. */
enum err rtcp_read_cname(const struct rtcp_pkt *k, uint32_t ssrc, struct str *out) NODISCARD;
/** Source i of a BYE; NOTFOUND beyond the count. */
enum err rtcp_read_bye(const struct rtcp_pkt *k, unsigned i, uint32_t *ssrc) NODISCARD;
/** Reason text of a BYE; empty where there is none. */
struct str rtcp_bye_reason(const struct rtcp_pkt *k);
/** *out borrows from k. NOTFOUND for another type. */
enum err rtcp_read_feedback(const struct rtcp_pkt *k, struct rtcp_feedback *out) NODISCARD;
/** Name (4 octets) and data of an APP; NOTFOUND for another type. */
enum err rtcp_read_app(const struct rtcp_pkt *k, struct str *name, struct str *data) NODISCARD;

/* Writers: append to b; what does not fit sets b->failed. n is at most RTCP_BLOCKS_MAX (more is
 * cut). A compound is SR or RR, then SDES, then what else: call them in that order. */
void rtcp_put_sr(struct buf *b, uint32_t ssrc, const struct rtcp_sender *s,
		 const struct rtcp_block *blocks, unsigned n);
void rtcp_put_rr(struct buf *b, uint32_t ssrc, const struct rtcp_block *blocks, unsigned n);
/** SDES with one chunk of one CNAME, at most RTCP_SDES_ITEM_MAX octets of it. */
void rtcp_put_cname(struct buf *b, uint32_t ssrc, struct str cname);
void rtcp_put_bye(struct buf *b, uint32_t ssrc);
/** Feedback, of the sender ssrc. */
void rtcp_put_feedback(struct buf *b, uint32_t ssrc, const struct rtcp_feedback *f);

/** NTP time (32.32, seconds since 1900, wraps 2036) of Unix wall time in microseconds. */
uint64_t rtcp_ntp(uint64_t wall_us);
/** The middle 32 bits, as LSR has them: 16.16 seconds. */
uint32_t rtcp_ntp_mid(uint64_t ntp);
/** Microseconds to and from 1/65536 s; saturating. */
uint32_t rtcp_us_to_mid(uint64_t us);
uint64_t rtcp_mid_to_us(uint32_t mid);

#endif
