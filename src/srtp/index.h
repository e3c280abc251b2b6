/* The 48-bit packet index of SRTP from the 16-bit sequence number (RFC 3711 3.3.1, appendix A). */
#ifndef POSTERN_SRTP_INDEX_H
#define POSTERN_SRTP_INDEX_H

#include <stdint.h>

#include "base/err.h"

#define SRTP_INDEX_LIMIT (UINT64_C(1) << 48)  /* RTP packets under one key, RFC 3711 9.2 */
#define SRTCP_INDEX_LIMIT (UINT64_C(1) << 31) /* RTCP packets under one key, RFC 3711 9.2 */

/** The index of rollover counter roc and sequence number seq. */
static inline uint64_t
srtp_index_make(uint32_t roc, uint16_t seq)
{
	return (uint64_t)roc << 16 | seq;
}

/** The rollover counter of an index below SRTP_INDEX_LIMIT. */
static inline uint32_t
srtp_index_roc(uint64_t index)
{
	return (uint32_t)(index >> 16);
}

/**
 * The index nearest to highest (the highest index so far) whose low 16 bits are seq. Where that
 * would be below zero, the rollover counter is 0. The result may be SRTP_INDEX_LIMIT or more when
 * highest is near it: then the key is used up, and the caller must say EXPIRED.
 */
uint64_t srtp_index_estimate(uint64_t highest, uint16_t seq) NODISCARD;

#endif
