/* Message digests over several parts, and HMAC, by OpenSSL. For digest authentication, where MD5 is
 * there because SIP still has it (RFC 8760), and proves nothing else; HMAC for STUN. */
#ifndef POSTERN_BASE_DIGEST_H
#define POSTERN_BASE_DIGEST_H

#include "base/str.h"

enum digest_alg { DIGEST_MD5, DIGEST_SHA256, DIGEST_SHA512_256, DIGEST_N };
enum digest_mac { DIGEST_HMAC_SHA1, DIGEST_HMAC_SHA256, DIGEST_MAC_N };
enum { DIGEST_MAX = 32 }; /* bytes of the longest */

/** Bytes of its value: 16 or 32. */
size_t digest_size(enum digest_alg a);
/** The value of the n parts one behind the other. UNSUPPORTED: OpenSSL does not have it (MD5 may be
 * switched off); NOMEM. */
enum err digest_of(enum digest_alg a, const struct str *part, unsigned n,
		   uint8_t out[DIGEST_MAX]) NODISCARD;
/** HMAC (RFC 2104) of text: 20 bytes with SHA-1, 32 with SHA-256. NOMEM. */
enum err digest_hmac(enum digest_mac m, struct str key, struct str text,
		     uint8_t out[DIGEST_MAX]) NODISCARD;

#endif
