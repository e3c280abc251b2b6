/* The chain of certificates that a server sent, looked at from all sides and judged by nobody: what
 * tlsprobe reports of it. */
#ifndef POSTERN_NET_TLSCHAIN_H
#define POSTERN_NET_TLSCHAIN_H

#include "net/tlstrust.h"

struct stack_st_X509; /* the library's own tag: STACK_OF(X509) */

enum {
	TLSPROBE_CERTS_MAX = 6,   /* of a chain, kept; more are counted */
	TLSPROBE_NAME_MAX = 160,  /* a subject or issuer, with NUL */
	TLSPROBE_NAMES_MAX = 512, /* the names of a certificate, with NUL */
	TLSPROBE_WHY_MAX = 160,   /* with NUL */
};

struct tlsprobe_cert {
	char subject[TLSPROBE_NAME_MAX], issuer[TLSPROBE_NAME_MAX];
	char names[TLSPROBE_NAMES_MAX]; /* "DNS a, DNS b, sip:c and 3 more" */
	char cn[TLSPROBE_NAME_MAX];
	char sigalg[40]; /* that it was signed with, e.g. "sha256WithRSAEncryption" */
	int64_t not_before_us, not_after_us; /* wall */
	uint8_t fingerprint[32];
	uint8_t key; /* enum cert_key */
	uint16_t bits;
	bool self_signed, ca;
	bool ku_present, ku_key_encipherment, ku_digital_signature;
	bool eku_present, eku_server, eku_client;
};

/* The chain that was sent, against the authorities of ctx and the name asked for. Plain data. */
struct tlsprobe_chain {
	uint16_t n, n_sent;                            /* kept, sent */
	struct tlsprobe_cert cert[TLSPROBE_CERTS_MAX]; /* as sent, leaf first */
	uint8_t match;        /* enum cert_match of the leaf with the name */
	bool wildcard_labels; /* a wildcard would fit, if it covered more than one label */
	bool no_names;        /* the leaf has neither DNS names nor URIs */
	bool cn_matches;      /* the common name is the name looked for */
	bool trusted;         /* a path leads to an accepted authority */
	bool unordered;       /* sent in another order than leaf, issuer, its issuer */
	bool revoked;         /* a revocation list at hand names one of the path */
	bool filled;          /* an intermediate was missing, and the account's own filled in */
	bool weak;            /* a key or digest of the path is too weak */
	bool bad;             /* another fault of the path: see fault */
	char anchor[TLSPROBE_NAME_MAX];     /* with trusted: the authority's subject */
	char missing[TLSPROBE_NAME_MAX];    /* without: the issuer that was neither sent nor is
					       accepted */
	char missing_at[TLSPROBE_NAME_MAX]; /* and the subject of the certificate it issued */
	char fault[TLSPROBE_WHY_MAX];       /* with weak or bad: the library's words */
	int64_t issuer_not_after_us;        /* an expired issuer of the path; 0 = none */
	char issuer_expired[TLSPROBE_NAME_MAX];
};

/* What it is held against. All borrowed. */
struct tlschain_terms {
	struct tls_trust *trust; /* whom the zone believes; NULL = nobody */
	struct tls_owns *owns;   /* what accounts bring along; NULL = nothing */
	struct str account;      /* its private CA and intermediates count, too; may be empty */
	uint16_t zone;
	struct str name; /* the name asked for */
};

/** Look; *out is zeroed by the caller, and left so where nothing was sent. The thread of the trust.
 */
void tlschain_look(struct stack_st_X509 *sent, const struct tlschain_terms *terms,
		   struct tlsprobe_chain *out);
/** One certificate alone. */
void tlschain_describe(struct x509_st *x, struct tlsprobe_cert *out);

#endif
