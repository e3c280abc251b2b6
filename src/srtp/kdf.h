/* Session keys from a master key (RFC 3711 4.3, RFC 6188, RFC 7714 11: AES-CM as PRF, key
 * derivation rate 0). */
#ifndef POSTERN_SRTP_KDF_H
#define POSTERN_SRTP_KDF_H

#include <stdint.h>

#include "base/err.h"
#include "srtp/cipher.h"
#include "srtp/suite.h"

/* A half of the keys under a master key. */
enum srtp_half { SRTP_HALF_RTP, SRTP_HALF_RTCP, SRTP_HALVES };

/**
 * Of a half. A secret: wipe after use. Only suite's key_len bytes of crypt and salt_len bytes of
 * salt are set; auth is for CIPHER_CM_SHA1.
 */
struct srtp_session_keys {
	uint8_t crypt[SRTP_MASTER_KEY_MAX];
	uint8_t auth[SRTP_AUTH_KEY_LEN];
	uint8_t salt[SRTP_SALT_MAX];
};

/**
 * Derive both halves. master has suite's key_len bytes, salt its salt_len. NOMEM, BUG: the
 * library's; then out is zero.
 */
enum err srtp_kdf(const struct cipher_ops *ops, struct cipher_work *w,
		  const struct srtp_suite *suite, const uint8_t *master, const uint8_t *salt,
		  struct srtp_session_keys out[SRTP_HALVES]) NODISCARD;

#endif
