/* Digest authentication as a client (RFC 7616, RFC 8760, RFC 3261 22): challenges read, answers
 * written. Pure but for the digests of base. The password itself is only looked at by
 * sip_digest_key; what is kept is H(user:realm:password), which is as good for this realm, and as
 * secret. */
#ifndef POSTERN_SIP_DIGEST_H
#define POSTERN_SIP_DIGEST_H

#include "base/digest.h"
#include "sip/msg.h"

enum {
	SIP_DIGEST_VALUE_MAX = 256, /* of realm, nonce, opaque each; more is LONG */
	SIP_DIGEST_CHALLENGES = 8,  /* looked at in one response */
	SIP_DIGEST_HEX = 2 * DIGEST_MAX,
};

/* What stands in one WWW-Authenticate or Proxy-Authenticate. Slices of its value; texts without
 * their quotes, escapes still inside. */
struct sip_challenge {
	struct str realm, nonce, opaque; /* opaque may be empty: see has_opaque */
	uint8_t alg;                     /* enum digest_alg */
	bool has_opaque;
	bool names_alg; /* else it is MD5 because nothing was said */
	bool qop;       /* it takes qop=auth; else nothing was said of qop (RFC 2069) */
	bool stale;     /* the nonce was too old, the rest right */
};

/**
 * Read the value of one header. UNSUPPORTED: another scheme, an algorithm that we do not have, qop
 * without "auth". SYNTAX, LONG, EXISTS (a parameter twice), NOTFOUND (no realm or nonce).
 */
enum err sip_challenge_parse(struct str value, struct sip_challenge *out) NODISCARD;

/* H(user:realm:password) by each algorithm that may be used, as hexadecimal digits. A secret. */
struct sip_digest_key {
	bool has[DIGEST_N];
	char ha1[DIGEST_N][SIP_DIGEST_HEX]; /* the first 2 * digest_size() of each */
};
/** allow: bit a set for enum digest_alg a. Algorithms that OpenSSL does not have are left out. */
void sip_digest_key(struct str user, struct str realm, struct str password, unsigned allow,
		    struct sip_digest_key *out);

/**
 * The challenge of a 401 or 407 that we answer: of this realm (compared byte by byte), the first
 * one in the server's order whose algorithm key has. NOTFOUND: there is none.
 */
enum err sip_challenge_pick(const struct sip_msg *response, struct str realm,
			    const struct sip_digest_key *key, struct sip_challenge *out) NODISCARD;

struct sip_digest_answer {
	const struct sip_challenge *challenge;
	const struct sip_digest_key *key;
	struct str user, method, uri; /* uri: the Request-URI */
	struct str cnonce;            /* of qop; a token */
	uint32_t nc;                  /* of qop; from 1 */
	bool proxy;                   /* Proxy-Authorization, else Authorization */
};
/** The header line. b is marked failed where something does not fit a line; UNSUPPORTED: key does
 * not have the algorithm. */
enum err sip_digest_put(struct buf *b, const struct sip_digest_answer *a) NODISCARD;

#endif
