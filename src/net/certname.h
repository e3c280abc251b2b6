/* Names of certificates: one certificate in plain data, which names it covers, and how to say that
 * it does not. Knows no TLS library.
 *
 * Names (RFC 5922 7.1, RFC 9525 6, and the service's rule): SAN URIs "sip:host" without user,
 * exact, come first; SAN DNS names count only where no such URI stands; the common name counts only
 * where the account allows it and no DNS name and no sip: URI stands. A wildcard is the whole
 * left-most label and covers exactly one label; an account may forbid it. */
#ifndef POSTERN_NET_CERTNAME_H
#define POSTERN_NET_CERTNAME_H

#include "base/buf.h"

enum {
	CERT_DNS_MAX = 256,  /* SAN DNS names of one certificate; more: refused */
	CERT_URI_MAX = 32,   /* SAN URIs of one certificate; more: refused */
	CERT_NAME_MAX = 253, /* RFC 1035 2.3.4, as text without the final dot */
	CERT_LABEL_MAX = 63,
	CERT_WHY_NAMES = 6 /* names of the certificate that a sentence shows */
};

enum cert_key { CERT_KEY_UNKNOWN, CERT_KEY_RSA, CERT_KEY_EC, CERT_KEY_EDWARDS };

/* What the revocation lists at hand say of one certificate. */
enum cert_revoked {
	CERT_REVOKED_UNASKED, /* a root, or nobody asked */
	CERT_REVOKED_NOT,     /* a valid list covers it and does not name it */
	CERT_REVOKED_NO_LIST, /* no list covers it */
	CERT_REVOKED_STALE,   /* the list that covers it is out of date */
	CERT_REVOKED_YES
};

/* One certificate. All text is borrowed. Times are wall clock, us since 1970. */
struct cert_view {
	struct str subject, issuer; /* RFC 2253 text */
	struct str serial;          /* hex */
	const struct str *dns;      /* SAN dNSName values as they stand, NULs included */
	const struct str *uri;      /* SAN uniformResourceIdentifier values */
	struct str cn;              /* the one common name; empty: none, or several */
	uint16_t n_dns, n_uri;
	bool names_cut;   /* there are more than the limits */
	bool malformed;   /* an extension stands twice or is not valid */
	bool self_signed; /* issued by itself (same name and key id, own key usage) */
	bool ca;
	bool ku_present, ku_key_encipherment, ku_digital_signature;
	bool eku_present, eku_server, eku_client;
	bool eku_any, eku_sip; /* anyExtendedKeyUsage; id-kp-sipDomain (RFC 5924) */
	bool explicit_curve;   /* an EC key with its curve written out: nobody needs that */
	bool sent;             /* the peer sent it; else from our own store */
	enum cert_key sig_key; /* kind of the key that signed it */
	uint16_t sig_bits;     /* strength of that signature (digest); 0 = unknown */
	enum cert_revoked revoked;
	int64_t revoked_us; /* since when, or since when the list is stale; wall */
	int64_t not_before_us, not_after_us;
	uint8_t fingerprint[32]; /* SHA-256 of the DER */
	enum cert_key key;
	uint16_t bits;
};

/* Which names of a certificate count, besides the order above: bits. */
enum cert_names {
	CERT_NAMES_NO_WILDCARD = 1, /* "*." covers nothing */
	CERT_NAMES_CN = 2           /* the common name where no DNS name and no sip: URI stands */
};

enum cert_match {
	CERT_MATCH_NO,
	CERT_MATCH_URI, /* a sip: URI */
	CERT_MATCH_DNS, /* a DNS name, exactly */
	CERT_MATCH_WILDCARD,
	CERT_MATCH_CN
};

/** Does the certificate speak for fqdn? By the rules on top; a bad fqdn matches nothing. */
enum cert_match certpolicy_match(const struct cert_view *leaf, struct str fqdn);
/** As above, with CERT_NAMES_* rules. */
enum cert_match certpolicy_match_by(const struct cert_view *leaf, struct str fqdn, unsigned rules);
/** Has it a sip: domain identity among its URIs? Then nothing else counts. */
bool certpolicy_has_uri(const struct cert_view *leaf);
/** A sip: URI among them that is no domain identity, because it has a user, parameters or the like;
 * empty: there is none. */
struct str certpolicy_odd_uri(const struct cert_view *leaf);
/** Why such a URI does not count: the end of a sentence that has named it. */
#define CERT_ODD_URI                                                                               \
	"in a certificate only sip: and a host name counts, without user, parameters and headers " \
	"(RFC 5922 7.1)"
/** The common name where it could count: no DNS name and no sip: URI stands. Else empty. */
struct str certpolicy_common_name(const struct cert_view *leaf);
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
/** "*.example.com, sip:pbx.example.com and 3 more", cleaned of control bytes. */
void certpolicy_put_names(struct buf *b, const struct cert_view *leaf);
/** Text of a certificate: nothing but printable ASCII may reach a log or a console. */
void certpolicy_put_text(struct buf *b, struct str s);
/** Sentence for a leaf that speaks for none of the names we look for (n_refs 0: for no account),
 * with the cause where one is known: "the certificate is for *.example.com, which does not cover
 * a.pbx.example.com: a wildcard covers one label". */
void certpolicy_put_mismatch(struct buf *b, const struct cert_view *leaf, const struct str *refs,
			     size_t n_refs, unsigned rules);

#endif
