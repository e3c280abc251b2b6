/* A UDP datagram as the bytes of an IP packet and of an Ethernet frame: headers written right
 * before the payload, and a frame read with all that a kernel verifies. Plain UDP only: what is
 * read has no fragments, options, extension headers, tags. Pure. */
#ifndef POSTERN_NET_FRAME_H
#define POSTERN_NET_FRAME_H

#include "base/addr.h"

enum {
	FRAME_MAC = 6,
	FRAME_ETH = 14, /* bytes of headers */
	FRAME_V4 = 20,
	FRAME_V6 = 40,
	FRAME_UDP = 8,
	FRAME_MAX = FRAME_ETH + FRAME_V6 + FRAME_UDP, /* before the payload at most */
};

/* From one of our ports to a far one; both of one family. */
struct frame_way {
	struct addr from, to;
	uint8_t dscp;
	uint32_t id; /* of fragments and of IPv4 packets: other than the last ones, not 0 */
};

struct frame_udp {
	struct addr from, to;
	uint32_t at, len; /* the payload */
	uint8_t dscp;
};

/** How many bytes of IP and UDP headers stand before the payload: family 4 or 6. */
static inline uint32_t
frame_head(uint8_t family)
{
	return FRAME_UDP + (family == 6 ? FRAME_V6 : FRAME_V4);
}
/** Write both headers before the payload (RFC 791, 768, 8200), with checksums; frame_head. */
uint32_t frame_put(const struct frame_way *w, uint8_t *payload, uint32_t len);
/**
 * After frame_put: one fragment of at most room bytes (>= 128), from byte *at of the datagram (its
 * UDP header included) on; *at moves to the next one, len + FRAME_UDP is the end. Writes over what
 * stands before it, so that each must be sent before the next is made. *start is its IP header;
 * returns its length.
 */
uint32_t frame_fragment(const struct frame_way *w, uint8_t *payload, uint32_t len, uint32_t room,
			uint32_t *at, uint8_t **start);
/** FRAME_ETH bytes in front of the IP packet p. family: 4 or 6. */
void frame_put_eth(uint8_t *p, const uint8_t to[FRAME_MAC], const uint8_t from[FRAME_MAC],
		   uint8_t family);
/**
 * Read an Ethernet frame. SHORT: cut off; UNSUPPORTED: not plain UDP; SYNTAX: a length, address or
 * checksum is wrong (RFC 791 3.1, 768, 8200 8.1; an IPv4 UDP checksum of 0 is none).
 */
enum err frame_read(const uint8_t *p, uint32_t len, struct frame_udp *out) NODISCARD;

#endif
