/* Message digests over several parts, by OpenSSL. For digest authentication; MD5 is there because
 * SIP still has it (RFC 8760), and proves nothing else. */
#ifndef POSTERN_BASE_DIGEST_H
#define POSTERN_BASE_DIGEST_H

#include "base/str.h"

enum digest_alg { DIGEST_MD5, DIGEST_SHA256, DIGEST_SHA512_256, DIGEST_N };
enum { DIGEST_MAX = 32 }; /* bytes of the longest */

/** Bytes of its value: 16 or 32. */
size_t digest_size(enum digest_alg a);
/** The value of the n parts one behind the other. UNSUPPORTED: OpenSSL does not have it (MD5 may be
 * switched off); NOMEM. */
enum err digest_of(enum digest_alg a, const struct str *part, unsigned n,
		   uint8_t out[DIGEST_MAX]) NODISCARD;

#endif
