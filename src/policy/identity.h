/* Who is it? From the names of a certificate, or from a source address, to exactly one account
 * and the set of its trunks that fit. Answered from the snapshot alone, inside the handshake. */
#ifndef POSTERN_POLICY_IDENTITY_H
#define POSTERN_POLICY_IDENTITY_H

#include "base/buf.h"
#include "net/certpolicy.h"
#include "policy/addrbook.h"
#include "policy/snapshot.h"

enum {
	IDENTITY_WHY_MAX = 512,    /* a refusal's sentence with its NUL */
	IDENTITY_NEAR_MAX = 16384, /* rows, times names, looked through for a near miss to name */
};

/* A TLS peer: what it showed, over what it came. Borrowed; may hold any byte. */
struct identity_peer {
	const struct cert_view *cert; /* its subjectAltName alone is looked at; NULL = none shown:
				       * then only trunks that are known by their address count */
	struct str zone;              /* FQDN of the zone that answered */
	struct str listener;          /* its name */
	struct addr source;
	struct addrbook *book; /* for trunks with identity certificate+address and no sources;
				* NULL: nothing is known yet. The caller keeps others off it */
	uint64_t now_us;       /* for the book */
};

/* Where a peer without certificate comes from. */
struct identity_origin {
	enum trunk_kind kind; /* which side the listener is for */
	enum trunk_transport transport;
	struct str listener; /* its name */
	struct str zone;     /* TLS: FQDN of the zone */
	struct addr source;
};

/* What it was found to be, valid for the snapshot of this version. After a swap ask again (the
 * connection keeps its peer's names); a refusal then means: no new calls on it. */
struct identity {
	uint64_t version;
	uint32_t account; /* POLICY_NONE for a carrier. A parent: it speaks for its children too */
	uint32_t n_trunks;
	uint32_t trunk[POLICY_ACCOUNT_TRUNKS_MAX]; /* in the order of the file */
	struct policy_id account_id;
};

#define IDENTITY_REASON_LIST(X)                                                                    \
	X(OK, "identified")                                                                        \
	X(NO_NAME, "the certificate shows no DNS name and no sip URI in its subjectAltName")       \
	X(UNKNOWN, "no account has a name that the certificate shows")                             \
	X(WILDCARD, "a wildcard covers one label")                                                 \
	X(ZONE, "the account uses another zone")                                                   \
	X(SOURCE, "the source address is not one of the trunk's")                                  \
	X(DISABLED, "the account or trunk is disabled")                                            \
	X(TLS_OFF, "TLS and SRTP are not switched on for the account")                             \
	X(AMBIGUOUS, "the certificate's names belong to more than one account")                    \
	X(LISTENER, "the trunk uses another listener")                                             \
	X(LOOKUP, "the addresses of the trunk's name are not known yet")                           \
	X(BARRED, "the account does not accept wildcards")

enum identity_reason {
#define X(name, sentence) IDENTITY_##name,
	IDENTITY_REASON_LIST(X)
#undef X
		IDENTITY_REASON_N
};

/** Upper-case name, e.g. "WILDCARD". Static. */
const char *identity_reason_name(enum identity_reason r);
/** General sentence of the reason. Static. */
const char *identity_reason_text(enum identity_reason r);

/**
 * The account and trunks of a TLS peer. IDENTITY_OK: *out is written. Otherwise a sentence for
 * the customer, with the names in question, is added to why (which may be NULL), and where one
 * account's trunk is what it came nearest to, *out is that account, which it claims to be, with no
 * trunk.
 * Which name of a certificate covers which host is net/certpolicy's to say (RFC 5922 7.1).
 */
enum identity_reason identity_of_peer(const struct snapshot_view *v, const struct identity_peer *p,
				      struct identity *out, struct buf *why) NODISCARD;
/** Which names of a certificate the account lets count: CERT_NAMES_* bits. */
unsigned identity_names(const struct account *a);
/**
 * The trunks of a peer without certificate: those with this transport (over TLS: of identity
 * address) and a source range that holds the address, longest prefix first; of carriers those with
 * the peer's own port first. All are of one account, or all are carriers. DISABLED and TLS_OFF:
 * *out as above.
 */
enum identity_reason identity_of_source(const struct snapshot_view *v,
					const struct identity_origin *from, struct identity *out,
					struct buf *why) NODISCARD;
/** Whose this source is, where identity_of_source says DISABLED: out has no trunks then. */
bool identity_of_disabled(const struct snapshot_view *v, const struct identity_origin *from,
			  struct identity *out) NODISCARD;

/* What tells trunks of one peer apart, in this order; what is empty or matches none is skipped. */
struct identity_request {
	struct addr source; /* family 0 = unknown */
	struct str host;    /* of the Request-URI */
	struct str zone;    /* FQDN of the zone that it came over; "" = none */
	struct str calling; /* calling number, E.164 */
};
/**
 * The trunk that a request belongs to: one of id->trunk, the first one in doubt. Where the peer is
 * a parent, the calling number comes first and may lead to a trunk of a child. POLICY_NONE where
 * id has none that v knows, or where a parent without a trunk of its own shows nobody's number.
 */
uint32_t identity_pick(const struct snapshot_view *v, const struct identity *id,
		       const struct identity_request *rq) NODISCARD;
/**
 * A trunk of a customer that may make no calls, for its emergency calls: one of this account with
 * this transport, enabled or not, best one that has the source address in its ranges. POLICY_NONE:
 * it has none.
 */
uint32_t identity_pick_disabled(const struct snapshot_view *v, const struct policy_id *account,
				enum trunk_transport transport,
				const struct addr *source) NODISCARD;
/** May a peer that is account `who` speak for `account`? The same, or its child. By text id, ""
 * is a carrier. */
bool identity_speaks_for(const struct snapshot_view *v, const struct policy_id *who,
			 const struct policy_id *account) NODISCARD;

#endif
