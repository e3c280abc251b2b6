/* IP and UDP headers of what we send, written right before the payload: checksums, DSCP, fragments
 * (RFC 791, 768, 8200). Pure. */
#ifndef POSTERN_MEDIA_HEADER_H
#define POSTERN_MEDIA_HEADER_H

#include "base/addr.h"

enum {
	HEADER_UDP = 8,
	HEADER_V4 = 20,
	HEADER_V6 = 40,
	HEADER_V6_FRAGMENT = 8,
	HEADER_ETHER = 14,
	HEADER_TTL = 64,
	HEADER_MAX = HEADER_ETHER + HEADER_V6 + HEADER_UDP, /* bytes before the payload at most */
};

/* From one of our ports to a far one; both of one family. */
struct header_way {
	struct addr from, to;
	uint8_t dscp;
	uint32_t id; /* of fragments and of IPv4 packets: other than the last ones, not 0 */
};

/** Write both headers before the payload; how many bytes they are. */
uint32_t header_put(const struct header_way *w, uint8_t *payload, uint32_t len);
/**
 * After header_put: one fragment of at most room bytes (>= 128), from byte *at of the datagram (its
 * UDP header included) on; *at moves to the next one, len + HEADER_UDP is the end. Writes over what
 * stands before it, so that each must be sent before the next is made. *start is its IP header;
 * returns its length.
 */
uint32_t header_fragment(const struct header_way *w, uint8_t *payload, uint32_t len, uint32_t room,
			 uint32_t *at, uint8_t **start);
/** RFC 1071 sum of n bytes on top of sum, not folded; header_fold makes the checksum of it. */
uint64_t header_sum(const void *p, size_t n, uint64_t sum);
uint16_t header_fold(uint64_t sum);

#endif
