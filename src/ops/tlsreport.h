/* What if a suite, a version, RSA key exchange, an authority or certificates for servers only went
 * away? Judged from what peers offered and chose in the past. Pure. */
#ifndef POSTERN_OPS_TLSREPORT_H
#define POSTERN_OPS_TLSREPORT_H

#include "net/tlsprofile.h"
#include "ops/handjson.h"

enum {
	TLSREPORT_WITHOUT_MAX = 16, /* suites, versions and authorities each */
	TLSREPORT_WORD_MAX = 256,   /* of an authority: it may be the path of a file */
	TLSREPORT_WHY_MAX = 512,
};

/* What goes away. */
struct tls_without {
	uint16_t suite[TLSREPORT_WITHOUT_MAX], version[TLSREPORT_WITHOUT_MAX];
	char authority[TLSREPORT_WITHOUT_MAX][TLSREPORT_WORD_MAX];
	uint32_t n_suites, n_versions, n_authorities;
	bool rsa_kx;      /* TLS 1.2 and older with RSA key exchange: what RFC 10015 forbids */
	bool server_only; /* client certificates whose extended key usage lacks clientAuth */
};

/* What a profile of ours allows, looked up once: the library is slow to say. */
struct tls_allowed {
	char word[TLS_PROFILE_WORD_MAX];
	uint32_t rungs; /* bits of the table in tlsreport.c */
};

/* Connections of one kind, as seen. */
struct tls_seen {
	bool outgoing;
	uint16_t version, suite;
	struct str authority;              /* of the peer's chain; "" = not known */
	bool eku_present, eku_client;      /* of the peer's certificate */
	struct hand_offer offer;           /* incoming: the ClientHello's */
	const struct tls_allowed *profile; /* ours; NULL = one that is not known here */
};

enum tls_fate {
	TLS_FATE_SAME,    /* not touched */
	TLS_FATE_FALLS,   /* goes on with fallback */
	TLS_FATE_PROFILE, /* could go on with fallback, which our profile does not allow */
	TLS_FATE_BREAKS,
	TLS_FATE_UNKNOWN, /* outgoing: what else the server takes was never asked */
	TLS_FATE_N
};

struct tls_future {
	enum tls_fate fate;
	uint16_t version, suite;     /* fallback of FALLS and PROFILE; else 0 */
	char why[TLSREPORT_WHY_MAX]; /* a sentence; "" for SAME */
};

/** "same", "falls-back", "needs-profile", "breaks", "not-known". Static. */
const char *tlsreport_word(enum tls_fate f);
/** What a built-in profile allows. NOTFOUND: it is none. */
enum err tlsreport_allowed(struct str profile, struct tls_allowed *out) NODISCARD;
/** Does the suite exchange keys by RSA alone? */
bool tlsreport_is_rsa_kx(uint16_t suite);
/**
 * Add what a word names: "rsa-kx", "eku" (serverAuth-only client certificates), a version ("1.2",
 * "TLS 1.0"), a suite by OpenSSL's name or as 0x002f; else it is taken as an authority, and whether
 * there is such a one is for the caller to see. FULL; LONG; SYNTAX: empty.
 */
enum err tlsreport_without(struct tls_without *w, struct str word) NODISCARD;
/** Does the word name the authority of a record? A built-in one by any of its names, a file by its
 * path (records keep the first TLS_AUTHORITY_MAX bytes) or by its last part; case does not matter.
 */
bool tlsreport_is_authority(struct str seen, struct str word);
/** Always fills *out. */
void tlsreport_judge(const struct tls_seen *s, const struct tls_without *w, struct tls_future *out);

#endif
