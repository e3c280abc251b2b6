/* Whom to believe: decisions about a certificate chain, as pure functions over plain data. Knows
 * no TLS library, no clock, no account. certview makes the data, tls carries the decision out.
 */
#ifndef POSTERN_NET_CERTPOLICY_H
#define POSTERN_NET_CERTPOLICY_H

#include "net/authority.h"
#include "net/certname.h"

enum {
	CERT_CHAIN_MAX = 10, /* certificates of a chain, root included */
	CERT_WHY_MAX = 512,  /* a sentence, with NUL */
	CERT_NOTES_MAX = 256,
	CERT_RSA_BITS_MAX = 8192, /* longer keys only cost time (reliability D3) */
	CERT_SIG_BITS_MIN = 112   /* strength of a signature: SHA-1 and MD5 have less */
};

/* What the library's own path validation found, in our words. */
enum cert_fault {
	CERT_FAULT_NONE,
	CERT_FAULT_SELF_SIGNED, /* the leaf is its own issuer */
	CERT_FAULT_UNKNOWN_CA,  /* no path to an accepted authority */
	CERT_FAULT_EXPIRED,
	CERT_FAULT_NOT_YET,
	CERT_FAULT_PURPOSE, /* extended key usage excludes TLS */
	CERT_FAULT_NOT_CA,  /* an issuer that may not issue */
	CERT_FAULT_SIGNATURE,
	CERT_FAULT_WEAK_KEY,
	CERT_FAULT_WEAK_DIGEST,
	CERT_FAULT_LONG, /* chain too long */
	CERT_FAULT_REVOKED,
	CERT_FAULT_NO_CRL,
	CERT_FAULT_MALFORMED,
	CERT_FAULT_EXTENSION,  /* a critical extension that nobody here knows */
	CERT_FAULT_CONSTRAINT, /* a name outside the issuer's name constraints */
	CERT_FAULT_PATHLEN,    /* more intermediates than an issuer allows */
	CERT_FAULT_OTHER
};

/* Who vouches for the root of a path. */
enum cert_owner {
	CERT_OWNER_NONE,      /* no path */
	CERT_OWNER_AUTHORITY, /* an accepted authority by name */
	CERT_OWNER_FILE,      /* a file of the zone, or the system's bundle as a whole */
	CERT_OWNER_ACCOUNT    /* the private CA of an account */
};

/* One certificate by issuer and serial number: enough to look it up in revocation lists. */
struct cert_id {
	uint8_t issuer[16]; /* of the SHA-256 of the issuer's name in DER */
	uint8_t serial[21]; /* big endian, as in the certificate */
	uint8_t len;        /* of serial; 0 = longer than that, of no use */
};

struct cert_root {
	enum cert_owner owner;
	enum authority authority; /* CERT_OWNER_AUTHORITY */
	struct str name;          /* the authority's word, the file, or the account's id */
};

struct cert_chain_view {
	const struct cert_view *certs; /* leaf first; as verified where the path was found, else as
					* shown; n may be 1 */
	size_t n;
	enum cert_fault fault;
	size_t fault_depth;    /* 0 = leaf */
	struct str fault_text; /* the library's words, for CERT_FAULT_OTHER */
	struct cert_root root;
	/* CERT_FAULT_UNKNOWN_CA: the issuer that was looked for; else the subject of an
	 * intermediate that the peer did not send and we had. Empty: none. */
	struct str missing;
};

/* name, TLS alert (RFC 5246 7.2), word for records and the API */
#define CERT_REASON_LIST(X)                                                                        \
	X(OK, 0, "ok")                                                                             \
	X(NONE_SHOWN, 40, "no-certificate")                                                        \
	X(SELF_SIGNED, 48, "self-signed")                                                          \
	X(UNKNOWN_CA, 48, "unknown-authority")                                                     \
	X(EXPIRED, 45, "expired")                                                                  \
	X(NOT_YET, 45, "not-yet-valid")                                                            \
	X(KEY_TYPE, 43, "key-type")                                                                \
	X(KEY_SIZE, 42, "key-size")                                                                \
	X(KEY_USAGE, 43, "key-usage")                                                              \
	X(PURPOSE, 43, "purpose")                                                                  \
	X(ISSUER, 48, "issuer-not-ca")                                                             \
	X(SIGNATURE, 51, "bad-signature")                                                          \
	X(DIGEST, 42, "weak-digest")                                                               \
	X(CHAIN, 48, "chain-too-long")                                                             \
	X(REVOKED, 44, "revoked")                                                                  \
	X(NO_CRL, 48, "no-crl")                                                                    \
	X(STALE_CRL, 48, "crl-expired")                                                            \
	X(AUTHORITY, 48, "authority-not-accepted")                                                 \
	X(EXTENSION, 43, "critical-extension")                                                     \
	X(CONSTRAINT, 48, "name-constraint")                                                       \
	X(CURVE, 42, "explicit-curve")                                                             \
	X(NAMES, 42, "too-many-names")                                                             \
	X(BAD_NAME, 42, "malformed-name")                                                          \
	X(MISMATCH, 42, "name-mismatch")                                                           \
	X(MALFORMED, 42, "malformed")                                                              \
	X(OTHER, 46, "other")

enum cert_reason {
#define X(name, alert, word) CERT_##name,
	CERT_REASON_LIST(X)
#undef X
		CERT_REASON_N
};

/* Extended key usage of every certificate of the path that has one. anyExtendedKeyUsage and
 * id-kp-sipDomain (RFC 5924 5) are enough under both. */
enum cert_eku {
	CERT_EKU_ACCEPT_SERVER, /* clientAuth or serverAuth: public authorities issue the latter */
	CERT_EKU_STRICT         /* of a client clientAuth, of a server serverAuth */
};

/* What to make of revocation lists. A revoked certificate is refused under both SOFT and HARD. */
enum cert_revocation {
	CERT_REVOCATION_SOFT, /* no list, or one out of date: accepted and noted */
	CERT_REVOCATION_OFF,
	CERT_REVOCATION_HARD /* every certificate but the root needs a valid list */
};

/* What an account asks of its peers' certificates. Zero is the default. */
struct cert_terms {
	enum cert_eku eku;
	enum cert_revocation revocation;
	unsigned names;       /* CERT_NAMES_* bits */
	uint32_t authorities; /* AUTHORITY_BIT mask; 0 = all that the zone accepts */
	struct str account; /* its id: the private CA of this account counts, no other; borrowed */
};

struct cert_policy {
	bool rsa_only;     /* profile carrier */
	bool server_side;  /* the certificate is a server's, of our outgoing connection */
	uint16_t min_bits; /* RSA modulus; 0 = 2048 */
	struct cert_terms terms;
};

struct cert_verdict {
	bool ok;
	enum cert_reason reason;
	uint8_t alert;              /* TLS alert description to send, when not ok */
	char why[CERT_WHY_MAX];     /* a sentence for the customer; "" when ok */
	char notes[CERT_NOTES_MAX]; /* what is worth knowing, "; " between; filled when ok, too */
};

/**
 * May this chain be believed at now_us (wall)? refs: names of which one must be in the leaf
 * (outgoing: the dialled FQDN); n_refs 0: names are somebody else's question (incoming).
 * Always fills *out.
 */
void certpolicy_decide(const struct cert_chain_view *chain, const struct str *refs, size_t n_refs,
		       const struct cert_policy *policy, int64_t now_us, struct cert_verdict *out);
/** The verdict where the peer showed no certificate. */
void certpolicy_none_shown(const struct cert_policy *policy, struct cert_verdict *out);

const char *certpolicy_word(enum cert_reason r);
uint8_t certpolicy_alert(enum cert_reason r);

#endif
