/* The SRTP crypto suites that postern knows (RFC 4568 6.2, RFC 6188, RFC 7714): one table. A row is
 * all that a further suite of these ciphers needs. */
#ifndef POSTERN_SRTP_SUITE_H
#define POSTERN_SRTP_SUITE_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "srtp/cipher.h"

/* The numbers are those of SDP_SUITE_LIST; 5 and 6 are AES-192, which has no row. */
enum srtp_suite_id {
	SRTP_NONE = 0,
	SRTP_AES_CM_128_HMAC_SHA1_80 = 1,
	SRTP_AES_CM_128_HMAC_SHA1_32 = 2,
	SRTP_AES_256_CM_HMAC_SHA1_80 = 3,
	SRTP_AES_256_CM_HMAC_SHA1_32 = 4,
	SRTP_AEAD_AES_128_GCM = 7,
	SRTP_AEAD_AES_256_GCM = 8,
	SRTP_SUITE_END /* above every id */
};

enum {
	SRTP_MASTER_KEY_MAX = 32,
	SRTP_SALT_MAX = 14,
	SRTP_KEY_SALT_MAX = SRTP_MASTER_KEY_MAX + SRTP_SALT_MAX, /* as in SDES inline: */
	SRTP_AUTH_KEY_LEN = 20,
	SRTP_TAG_MAX = 16,
	SRTP_MKI_MAX = 128,  /* bytes, RFC 4568 6.1 */
	SRTCP_INDEX_LEN = 4, /* E and the 31-bit index */
	/* room a caller leaves in a buffer, for a key without MKI */
	SRTP_OVERHEAD_MAX = SRTP_TAG_MAX + SRTCP_INDEX_LEN,
};

struct srtp_suite {
	const char *name; /* as in a=crypto */
	uint8_t id;
	uint8_t kind;              /* enum cipher_kind */
	uint8_t key_len, salt_len; /* master key and master salt, bytes */
	uint8_t rtp_tag, rtcp_tag; /* bytes; RTCP keeps 80 bits in the _32 suites, RFC 4568 6.2 */
};

/** The row of id; NULL for SRTP_NONE and anything unknown. Static storage. */
const struct srtp_suite *srtp_suite_get(unsigned id) NODISCARD;

#endif
