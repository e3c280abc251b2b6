/* Whom to believe: decisions about a certificate chain, as pure functions over plain data. Knows
 * no TLS library, no clock, no account. certview makes the data, tls carries the decision out.
 *
 * Names (RFC 5922 7.1, RFC 9525 6, and the service's rule): SAN URIs "sip:host" without user,
 * exact, come first; SAN DNS names count only where no such URI stands; the common name never
 * counts. A wildcard is the whole left-most label and covers exactly one label. */
#ifndef POSTERN_NET_CERTPOLICY_H
#define POSTERN_NET_CERTPOLICY_H

#include "base/buf.h"

enum {
	CERT_DNS_MAX = 256,  /* SAN DNS names of one certificate; more: refused */
	CERT_URI_MAX = 32,   /* SAN URIs of one certificate; more: refused */
	CERT_CHAIN_MAX = 10, /* certificates of a chain, root included */
	CERT_NAME_MAX = 253, /* RFC 1035 2.3.4, as text without the final dot */
	CERT_LABEL_MAX = 63,
	CERT_WHY_MAX = 512, /* a sentence, with NUL */
	CERT_WHY_NAMES = 6  /* names of the certificate that a sentence shows */
};

enum cert_key { CERT_KEY_UNKNOWN, CERT_KEY_RSA, CERT_KEY_EC, CERT_KEY_EDWARDS };

/* One certificate. All text is borrowed. Times are wall clock, us since 1970. */
struct cert_view {
	struct str subject, issuer; /* RFC 2253 text */
	struct str serial;          /* hex */
	const struct str *dns;      /* SAN dNSName values as they stand, NULs included */
	const struct str *uri;      /* SAN uniformResourceIdentifier values */
	uint16_t n_dns, n_uri;
	bool names_cut;   /* there are more than the limits */
	bool self_signed; /* issued by itself (same name and key id, own key usage) */
	bool ca;
	bool ku_present, ku_key_encipherment, ku_digital_signature;
	bool eku_present, eku_server, eku_client;
	int64_t not_before_us, not_after_us;
	uint8_t fingerprint[32]; /* SHA-256 of the DER */
	enum cert_key key;
	uint16_t bits;
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
	CERT_FAULT_OTHER
};

struct cert_chain_view {
	const struct cert_view *certs; /* leaf first; as verified where the path was found, else as
					* shown; n may be 1 */
	size_t n;
	enum cert_fault fault;
	size_t fault_depth;    /* 0 = leaf */
	struct str fault_text; /* the library's words, for CERT_FAULT_OTHER */
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

struct cert_policy {
	bool rsa_only;     /* profile carrier */
	bool server_side;  /* the certificate is a server's, of our outgoing connection */
	uint16_t min_bits; /* RSA modulus; 0 = 2048 */
};

struct cert_verdict {
	bool ok;
	enum cert_reason reason;
	uint8_t alert;          /* TLS alert description to send, when not ok */
	char why[CERT_WHY_MAX]; /* a sentence for the customer; "" when ok */
};

enum cert_match {
	CERT_MATCH_NO,
	CERT_MATCH_URI, /* a sip: URI */
	CERT_MATCH_DNS, /* a DNS name, exactly */
	CERT_MATCH_WILDCARD
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

/** Does the certificate speak for fqdn? By the rules on top; a bad fqdn matches nothing. */
enum cert_match certpolicy_match(const struct cert_view *leaf, struct str fqdn);
/**
 * Does one DNS name of a certificate, perhaps a wildcard, cover fqdn? Case and one final dot do not
 * matter; "*" only as the whole left-most label before at least two others; never an IP address.
 */
bool certpolicy_dns_match(struct str pattern, struct str fqdn);
/** Host of a SAN URI that is a SIP domain identity: "sip:" host [":" port], no user, no
 * parameters beyond; else STR_NULL. */
struct str certpolicy_uri_host(struct str uri);
/** A name that may be looked for: labels of LDH and "_", no wildcard, no NUL, not an address. */
bool certpolicy_fqdn_ok(struct str fqdn);
/** "DNS *.example.com, sip:pbx.example.com and 3 more", cleaned of control bytes. */
void certpolicy_put_names(struct buf *b, const struct cert_view *leaf);
/** Sentence for a leaf that speaks for none of the names we look for (refs, or `looked_for` in
 * words when refs is NULL). Used by the caller's own identity question too. */
void certpolicy_put_mismatch(struct buf *b, const struct cert_view *leaf, const struct str *refs,
			     size_t n_refs);
const char *certpolicy_word(enum cert_reason r);
uint8_t certpolicy_alert(enum cert_reason r);

#endif
