/* The handshake record: what a TLS handshake offered, showed and got, and why it was accepted or
 * refused, in words that a customer understands. Plain data, no secret, no library. */
#ifndef POSTERN_NET_TLSRECORD_H
#define POSTERN_NET_TLSRECORD_H

#include "base/addr.h"
#include "net/certpolicy.h"

enum {
	TLS_TRUNKS_MAX = 32,  /* trunks that one certificate selects */
	TLS_SNI_MAX = 256,    /* with NUL */
	TLS_VERSIONS_MAX = 8, /* offered versions kept in a record */
	TLS_SUITES_MAX = 64,  /* offered suites kept in a record */
	TLS_SIGALGS_MAX = 32,
	TLS_RECORD_CERTS = 5, /* certificates of the peer's chain kept in a record */
	TLS_NOTES_MAX = CERT_NOTES_MAX,
	TLS_WORD_MAX = 32, /* name of a profile, with NUL */
	TLS_WHY_MAX = CERT_WHY_MAX,
	TLS_AUTHORITY_MAX = 64, /* name of an authority, with NUL */
	TLS_SUITES_SHOWN = 6,   /* suites that a sentence names */
	TLS_NO_ALERT = -1
};

/* name, word */
#define TLS_REASON_LIST(X)                                                                         \
	X(OK, "ok")                                                                                \
	X(CERT, "certificate")    /* cert_reason says which */                                     \
	X(IDENTITY, "no-account") /* chain good, but no account has such a name */                 \
	X(PROFILE, "profile")     /* below the profile that the account asks for */                \
	X(VERSION, "version")     /* no common protocol version */                                 \
	X(CIPHER, "cipher")       /* no common suite */                                            \
	X(PLAIN, "not-tls")       /* the first bytes are not TLS */                                \
	X(LIMIT, "limit")         /* closed: too many of this source, account, or at all */        \
	X(CROWD, "crowded")       /* dropped for others before it said anything */                 \
	X(TIMEOUT, "timeout")                                                                      \
	X(ALERT, "peer-alert")  /* the other side refused */                                       \
	X(GONE, "peer-gone")    /* closed or reset in the middle */                                \
	X(CONNECT, "connect")   /* TCP did not come up */                                          \
	X(PROTOCOL, "protocol") /* anything else wrong in the handshake */                         \
	X(INTERNAL, "internal")                                                                    \
	X(SHUTDOWN, "shutdown") /* we are stopping */                                              \
	/* the chain is good and selects an account, which may not be used so */                   \
	X(ACCOUNT_OFF, "account-off") /* it or the trunk is disabled */                            \
	X(NOT_ON, "tls-off")          /* its tls_srtp is neither ready nor on */                   \
	X(OTHER_ZONE, "zone")         /* it uses another zone */                                   \
	X(OTHER_DOOR, "listener")     /* it uses another listener */                               \
	X(SOURCE, "source")           /* it does not come from this address */                     \
	X(LOOKUP, "lookup")           /* what DNS says of its host is not known yet */             \
	X(AMBIGUOUS, "ambiguous")     /* the names belong to more than one account */              \
	X(WILDCARD, "wildcard")       /* the account does not accept one */

enum tls_reason {
#define X(name, word) TLS_##name,
	TLS_REASON_LIST(X)
#undef X
		TLS_REASON_N
};

struct tls_record_cert {
	char subject[160], issuer[160], serial[48];
	char names[512]; /* "a, b, sip:c and 3 more"; "" where it was not looked at (issuers) */
	char crl[512];   /* http distribution points of revocation lists, in their order, a space
			  * between; "" none */
	int64_t not_before_us, not_after_us;
	uint8_t fingerprint[32];
	enum cert_key key, sig_key; /* its own, and that of the issuer that signed it */
	uint16_t bits;
	bool sent; /* by the peer; else ours: a root, or an intermediate that was missing */
	bool eku_present, eku_server, eku_client;
};

/* What a handshake offered, showed and got, accepted or not. Plain data, no secret. */
struct tls_record {
	struct addr peer, local;
	bool outgoing, accepted;
	uint16_t zone;
	int64_t began_us; /* wall */
	uint64_t duration_us;
	char sni[TLS_SNI_MAX];
	uint16_t offered_versions[TLS_VERSIONS_MAX]; /* 0x0303 = TLS 1.2; accept side */
	uint16_t offered_suites[TLS_SUITES_MAX];
	uint16_t offered_sigalgs[TLS_SIGALGS_MAX];
	uint16_t n_versions, n_suites, n_sigalgs; /* kept */
	uint16_t version, suite;                  /* chosen; 0 = none */
	char suite_name[40];                      /* OpenSSL's name, "" = none */
	int16_t alert_sent, alert_received;       /* TLS_NO_ALERT, or the description */
	struct tls_record_cert chain[TLS_RECORD_CERTS];
	uint16_t n_chain;                     /* kept */
	struct cert_id ids[TLS_RECORD_CERTS]; /* of the same certificates, for revocation lists */
	uint16_t n_ids;
	uint64_t trust_version; /* of the trust that judged; 0 = none did */
	int64_t until_us; /* wall: when the first certificate of the path ends; 0 = none shown */
	char authority[TLS_AUTHORITY_MAX]; /* who vouches for the root: "DigiCert", a file, an
					      account */
	char notes[TLS_NOTES_MAX];  /* "EC issuer; serverAuth only": worth knowing, no refusal */
	char profile[TLS_WORD_MAX]; /* ours, of the context that was used */
	bool cert_asked;            /* outgoing: the server asked for our certificate */
	bool cert_hidden;           /* outgoing: we were told not to show it */
	uint32_t account;
	uint32_t trunks[TLS_TRUNKS_MAX];
	uint16_t n_trunks;
	enum tls_reason reason;
	enum cert_reason cert_reason;
	char why[TLS_WHY_MAX]; /* "" when accepted */
};

/** "ok", "expired", "name-mismatch", "cipher" ...: one word for the API. */
const char *tls_record_word(const struct tls_record *r);
/** "TLS 1.2" ..; "?" for others. Static. */
const char *tls_version_name(uint16_t version);
/** "handshake_failure" ..; "unknown". Static. */
const char *tls_alert_name(int alert);
/** OpenSSL's name of a suite, e.g. "AES128-SHA"; "" for those not in our table. Static. */
const char *tls_suite_name(uint16_t suite);
/** One line for people and logs: peer, SNI, version, suite, alert, names, reason. */
void tls_record_put(struct buf *b, const struct tls_record *r);
/** Fill one certificate of the record from its view. */
void tls_record_cert(struct tls_record_cert *out, const struct cert_view *v);
/** "TLS 1.3, TLS 1.2": the offered versions. */
void tls_record_put_versions(struct buf *b, const struct tls_record *r);
/** "ECDHE-RSA-AES128-GCM-SHA256, 0x1302 and 3 more": the offered suites, without signalling ones.
 */
void tls_record_put_suites(struct buf *b, const struct tls_record *r);

#endif
