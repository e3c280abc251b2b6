/* A UDP datagram as an Ethernet frame: read with all that a kernel verifies, and Ethernet's header
 * written. Plain UDP only: no fragments, options, extension headers, tags. Pure. */
#ifndef POSTERN_MEDIA_FRAME_H
#define POSTERN_MEDIA_FRAME_H

#include "base/addr.h"

enum {
	FRAME_MAC = 6,
	FRAME_ETH = 14,
	FRAME_V4 = 20 + 8, /* IPv4 and UDP */
	FRAME_V6 = 40 + 8, /* IPv6 and UDP */
};

struct frame_udp {
	struct addr from, to;
	uint32_t at, len; /* the payload */
	uint8_t dscp;
};

/** FRAME_ETH bytes in front of the IP packet p. family: 4 or 6. */
void frame_put_eth(uint8_t *p, const uint8_t to[FRAME_MAC], const uint8_t from[FRAME_MAC],
		   uint8_t family);
/**
 * Read an Ethernet frame. SHORT: cut off; UNSUPPORTED: not plain UDP; SYNTAX: a length, address or
 * checksum is wrong (RFC 791 3.1, 768, 8200 8.1; an IPv4 UDP checksum of 0 is none).
 */
enum err frame_read(const uint8_t *p, uint32_t len, struct frame_udp *out) NODISCARD;

#endif
