/* RTP packets (RFC 3550 5.1, 5.3.1): the one place where header arithmetic is done. What passes
 * rtp_parse can be read and rewritten in place with the inline functions below without a further
 * check. Pure; any thread. */
#ifndef POSTERN_RTP_RTP_H
#define POSTERN_RTP_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/octets.h"

enum {
	RTP_HEADER_LEN = 12,    /* fixed part, without CSRC and extension */
	RTP_CSRC_MAX = 15,      /* 4 bits */
	RTP_PACKET_MAX = 65535, /* a UDP datagram */
	RTP_PT_MAX = 127,
	RTP_PT_DYNAMIC = 96, /* RFC 3551 6: 96-127 by SDP only */
};

/* What a datagram on a media port is, by its first bytes (RFC 7983 7, RFC 5761 4). */
enum rtp_kind {
	RTP_KIND_NONE, /* empty, or a first byte that nothing uses */
	RTP_KIND_STUN, /* 0-3 */
	RTP_KIND_ZRTP, /* 16-19 */
	RTP_KIND_DTLS, /* 20-63 */
	RTP_KIND_TURN, /* 64-79 */
	RTP_KIND_RTP,  /* 128-191 */
	RTP_KIND_RTCP, /* 128-191, and a second byte of 192-223 */
};

/* A checked header. Plain data. header_len + payload_len + padding_len = length of the packet. */
struct rtp_hdr {
	uint32_t ts, ssrc;
	uint16_t seq;
	uint16_t header_len;  /* fixed part + CSRC list + extension: where the payload begins */
	uint16_t payload_len; /* octets of payload, without padding; may be 0 */
	uint16_t ext_len;     /* octets of extension, its 4-octet head included; 0 = none */
	uint16_t ext_profile; /* "defined by profile" of the extension */
	uint8_t padding_len;  /* 0 = none */
	uint8_t pt;           /* 0..127 */
	uint8_t csrc_count;
	bool marker, has_ext;
	bool has_padding; /* the P bit */
};

enum { RTP_PT_PCMU = 0, RTP_PT_PCMA = 8 }; /* RFC 3551 6 */

/** Is there nothing to hear in n octets of G.711 (pt: RTP_PT_PCMU or RTP_PT_PCMA): no sample
 * further from 0 than about -55 dB? */
bool rtp_g711_silent(uint8_t pt, const uint8_t *p, size_t n);

/** Kind of the datagram; looks at two octets at most. On a port without rtcp-mux, the port decides
 *  between RTP and RTCP, not the second octet. */
enum rtp_kind rtp_kind_of(const uint8_t *p, size_t len);

/**
 * Check and read the header of a clear packet of len octets (M11): version 2, CSRC list, extension
 * length, padding within the payload.
 * SHORT: less than a fixed header; LONG: above RTP_PACKET_MAX; SYNTAX: version, or parts that do
 * not fit into len. *out only on success.
 */
enum err rtp_parse(const uint8_t *p, size_t len, struct rtp_hdr *out) NODISCARD;

/**
 * As rtp_parse, for a packet whose payload is encrypted (RFC 3711 3.1: header and extension are in
 * clear, the padding is not): padding_len is 0, payload_len all that follows the header, the tag
 * included. Run rtp_parse again on what came out of the decryption.
 */
enum err rtp_parse_encrypted(const uint8_t *p, size_t len, struct rtp_hdr *out) NODISCARD;

/**
 * Write a fixed header (no CSRC, no extension, no padding) for h's pt, marker, seq, ts, ssrc into
 * RTP_HEADER_LEN octets at p.
 */
void rtp_put(uint8_t *p, const struct rtp_hdr *h);

/* Rewriting in place: p is a packet that rtp_parse has passed. */
static inline void
rtp_set_seq(uint8_t *p, uint16_t seq)
{
	octets_set16(p + 2, seq);
}
static inline void
rtp_set_ts(uint8_t *p, uint32_t ts)
{
	octets_set32(p + 4, ts);
}
static inline void
rtp_set_ssrc(uint8_t *p, uint32_t ssrc)
{
	octets_set32(p + 8, ssrc);
}
/* Keeps the marker; pt above 127 is cut to 7 bits. */
static inline void
rtp_set_pt(uint8_t *p, uint8_t pt)
{
	p[1] = (uint8_t)((p[1] & 0x80) | (pt & 0x7f));
}
static inline void
rtp_set_marker(uint8_t *p, bool marker)
{
	p[1] = (uint8_t)((p[1] & 0x7f) | (marker ? 0x80 : 0));
}

#endif
