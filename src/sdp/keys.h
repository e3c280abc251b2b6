/* a=crypto (RFC 4568, suites of RFC 6188 and 7714): tolerant when read, strict when written. Key
 * bytes live in struct sdp_key only and are wiped by the one who holds it; nothing here logs. Pure
 * but for sdp_crypto_make, which takes random bytes from the kernel. Any thread. */
#ifndef POSTERN_SDP_KEYS_H
#define POSTERN_SDP_KEYS_H

#include "base/str.h"
#include "base/buf.h"

enum {
	SDP_KEY_MAX = 32,
	SDP_SALT_MAX = 14,
	SDP_KEYS_MAX = 4,          /* inline keys of one line, ';' between */
	SDP_TAG_MAX = 999999999,   /* 1..9 digits */
	SDP_MKI_LEN_MAX = 128,     /* octets */
	SDP_LIFETIME_LOG_MAX = 48, /* 2^48 packets, RFC 3711 9.2 */
	SDP_KDR_MAX = 24,
	SDP_WSH_MIN = 64, /* RFC 4568 6.3.6 */
	SDP_WSH_MAX = 32768,
	SDP_CRYPTO_LINE_MAX = 1024,
};

/* The suites we can name, in the order of our preference. The number is the id in records: it
 * never changes. X(number, id, name, other spelling, key octets, salt octets) */
#define SDP_SUITE_LIST(X)                                                                          \
	X(1, AES_CM_128_80, "AES_CM_128_HMAC_SHA1_80", "AES_128_CM_HMAC_SHA1_80", 16, 14)          \
	X(2, AES_CM_128_32, "AES_CM_128_HMAC_SHA1_32", "AES_128_CM_HMAC_SHA1_32", 16, 14)          \
	X(3, AES_256_CM_80, "AES_256_CM_HMAC_SHA1_80", "AES_CM_256_HMAC_SHA1_80", 32, 14)          \
	X(4, AES_256_CM_32, "AES_256_CM_HMAC_SHA1_32", "AES_CM_256_HMAC_SHA1_32", 32, 14)          \
	X(5, AES_192_CM_80, "AES_192_CM_HMAC_SHA1_80", "AES_CM_192_HMAC_SHA1_80", 24, 14)          \
	X(6, AES_192_CM_32, "AES_192_CM_HMAC_SHA1_32", "AES_CM_192_HMAC_SHA1_32", 24, 14)          \
	X(7, AEAD_128_GCM, "AEAD_AES_128_GCM", "AES_128_GCM", 16, 12)                              \
	X(8, AEAD_256_GCM, "AEAD_AES_256_GCM", "AES_256_GCM", 32, 12)

enum sdp_suite {
	SDP_SUITE_NONE = 0,
#define X(number, id, name, other, key, salt) SDP_SUITE_##id = number,
	SDP_SUITE_LIST(X)
#undef X
};

/* Suites in order of preference; those that our SRTP has (not AES-192). */
enum { SDP_SUITES_MAX = 6 };
struct sdp_suites {
	uint8_t n, v[SDP_SUITES_MAX]; /* enum sdp_suite */
};
/* As initializers: all that we take, and what we offer where nothing else is said. */
#define SDP_SUITES_TAKEN                                                                           \
	{                                                                                          \
		6,                                                                                 \
		{                                                                                  \
			SDP_SUITE_AES_CM_128_80, SDP_SUITE_AES_CM_128_32, SDP_SUITE_AES_256_CM_80, \
				SDP_SUITE_AES_256_CM_32, SDP_SUITE_AEAD_128_GCM,                   \
				SDP_SUITE_AEAD_256_GCM                                             \
		}                                                                                  \
	}
#define SDP_SUITES_OFFERED                                                                         \
	{                                                                                          \
		2,                                                                                 \
		{                                                                                  \
			SDP_SUITE_AES_CM_128_80, SDP_SUITE_AES_CM_128_32                           \
		}                                                                                  \
	}

/* The MKI of our own keys (what the far end declares for its keys is always taken). */
enum sdp_mki {
	SDP_MKI_MIRROR, /* an answer carries one where the offer did */
	SDP_MKI_NEVER,
	SDP_MKI_ALWAYS, /* offers carry one, too */
	SDP_MKI_N
};

struct sdp_suite_info {
	const char *name, *other; /* static storage */
	enum sdp_suite suite;
	uint8_t key_len, salt_len;
};

/* One master key and salt. Plain data; wipe with sdp_key_wipe. */
struct sdp_key {
	uint8_t key[SDP_KEY_MAX], salt[SDP_SALT_MAX];
	uint8_t key_len, salt_len;
	uint8_t mki_len; /* octets in each packet; 0 = no MKI */
	uint64_t mki;
	uint64_t lifetime; /* packets; 0 = not said */
};

/* One a=crypto line. Plain data; wipe with sdp_crypto_wipe. */
struct sdp_crypto {
	uint32_t tag; /* 1..SDP_TAG_MAX */
	enum sdp_suite suite;
	uint8_t spelling; /* 0: name, 1: the other one; so an answer echoes what was offered */
	uint8_t n_keys;   /* 1..SDP_KEYS_MAX */
	bool has_kdr;
	uint8_t kdr;  /* 2^kdr packets, where has_kdr */
	uint16_t wsh; /* window size hint; 0 = not said */
	struct sdp_key keys[SDP_KEYS_MAX];
};

/** By number; NULL for one that is not in the list. */
const struct sdp_suite_info *sdp_suite_info(enum sdp_suite s);
/** "AES_CM_128_HMAC_SHA1_80", ...; "none" for 0, "?" for an unknown number. Static storage. */
const char *sdp_suite_name(enum sdp_suite s);
/** By either spelling, any case; SDP_SUITE_NONE when unknown. */
enum sdp_suite sdp_suite_find(struct str name);
/**
 * A list divided by commas, as operators write it; empty: no suite. NOTFOUND: a name that is no
 * suite of SDP_SUITES_TAKEN; EXISTS: one that stands twice.
 */
enum err sdp_suites_parse(struct str list, struct sdp_suites *out) NODISCARD;
/** Its place in the list, 0 is the first; s->n where it is not there. */
unsigned sdp_suites_rank(const struct sdp_suites *s, enum sdp_suite suite);

/**
 * Read tag and suite name of what stands behind "a=crypto:", and nothing more.
 * SYNTAX: tag not 1..9 digits, 0, with a leading 0, or no suite.
 */
enum err sdp_crypto_tag(struct str value, uint32_t *tag, struct str *suite) NODISCARD;

/**
 * Read what stands behind "a=crypto:".
 * LONG: longer than SDP_CRYPTO_LINE_MAX or more than SDP_KEYS_MAX keys; SYNTAX: not of RFC 4568
 * 9's form; RANGE: key length not the suite's, a number out of its range, several keys without
 * different MKIs; UNSUPPORTED: unknown suite, FEC_ORDER, FEC_KEY, or another mandatory parameter;
 * REFUSED: UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP or UNAUTHENTICATED_SRTP (M9).
 * On any failure no key is left behind.
 */
enum err sdp_crypto_parse(struct str value, struct sdp_crypto *out) NODISCARD;

/** Append what stands behind "a=crypto:": lifetime, MKI and parameters only where set. */
void sdp_crypto_put(struct buf *b, const struct sdp_crypto *c);

/**
 * A line of ours: one key of random bytes, no MKI, no lifetime. RANGE: tag; UNSUPPORTED: suite.
 */
enum err sdp_crypto_make(enum sdp_suite suite, uint32_t tag, struct sdp_crypto *out) NODISCARD;

/** Same tag, suite, keys and parameters? Keys in constant time. */
bool sdp_crypto_eq(const struct sdp_crypto *a, const struct sdp_crypto *b);
bool sdp_key_eq(const struct sdp_key *a, const struct sdp_key *b);
void sdp_key_wipe(struct sdp_key *k);
void sdp_crypto_wipe(struct sdp_crypto *c);

/** Append text (SDP or a SIP message) with everything behind each "inline:" up to the next
 *  blank, ';' or line end written as "***": for traces (S1). */
void sdp_mask_keys(struct buf *b, struct str text);

#endif
