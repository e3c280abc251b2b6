/* TLS: the checks inside a handshake, and established connections. With certview.c and the other
 * tls files the only ones that name the library.
 *
 * No resumption of any kind (reliability A2), no renegotiation, no compression, no early data.
 * A handshake runs in the handshake thread (handshake.h); the connection is then used by one
 * thread, the loop's. */
#ifndef POSTERN_NET_TLS_H
#define POSTERN_NET_TLS_H

#include "net/tlsctx.h"
#include "net/tlsjudge.h"

/* ---- the identity question ---- */

/* The other side of a handshake in hand: what its certificate says, which nobody has verified yet.
 * All borrowed. */
struct tls_peer {
	struct addr peer, local;
	struct str sni;               /* empty: none sent */
	bool may_be_bare;             /* the zone takes who shows no certificate */
	uint16_t zone;                /* of the context chosen by SNI and address */
	const struct cert_view *cert; /* names, subject, issuer, serial, dates, fingerprint, key;
				       * NULL: none was shown, where the zone allows it */
};

struct tls_verdict {
	bool accept;
	struct tls_account terms; /* when accepted: of the account, for the decision that follows */
	uint32_t account;         /* caller's id */
	uint32_t trunks[TLS_TRUNKS_MAX];
	uint16_t n_trunks;
	enum tls_reason reason;       /* when not accepted; OK = IDENTITY */
	char claims[TLS_ACCOUNT_MAX]; /* when not accepted: the account that it says it is, or "" */
	uint8_t alert;         /* when not accepted; 0 = bad_certificate (42). 40, 42..46, 48 */
	char why[TLS_WHY_MAX]; /* when not accepted: a sentence */
};

/* Which account is it? Asked once a handshake of the accept side, in the handshake thread, inside
 * the verification and before the path is looked for: whose private CA counts, and by which rules,
 * is the account's to say. An accepted answer may be followed by a refusal; then verdict.accept
 * stands and the record is not accepted. Answers from memory alone: no lock that the loop holds for
 * long, no I/O. *verdict is zeroed (= refuse). To change what it reads, swap it with handshake_work
 * (handshake.h). */
typedef void tls_on_identity(void *arg, const struct tls_peer *peer, struct tls_verdict *verdict);

/* What can be known from a ClientHello: its SNI and where it comes from. */
struct tls_guess {
	char profile[TLS_PROFILE_WORD_MAX]; /* of the account that it tells; "" = the zone's */
	bool stranger;                      /* without a certificate nobody comes from there */
	struct tls_verdict bare;            /* then: the refusal of one who shows none */
};

/* Asked before the handshake is answered; peer.cert is NULL. *guess is zeroed. As above. */
typedef void tls_on_guess(void *arg, const struct tls_peer *peer, struct tls_guess *guess);

/* ---- one handshake; called by handshake.c only ---- */

struct tls_hand_conf {
	int fd; /* non-blocking, connected; stays the caller's until tls_conn_from_hand */
	struct addr peer, local;
	struct tls_zones *zones;     /* accept side; else NULL */
	uint16_t default_zone;       /* index in zones where SNI names none */
	struct tls_ctx *client;      /* connect side; else NULL */
	struct str fqdn;             /* connect side: SNI and reference identity */
	struct tls_account account;  /* connect side: whom we call */
	bool hide_certificate;       /* connect side: ours is not shown, even when asked for */
	struct tls_trust_box *trust; /* read when the peer's certificate is there; borrowed */
	tls_on_identity *on_identity;
	tls_on_guess *on_guess; /* NULL: nothing is known beforehand */
	void *arg;
	struct tls_record *record;   /* filled; lives as long as the tls_hand */
	struct tls_verdict *verdict; /* filled; lives as long as the tls_hand */
};

/* A handshake under way, memory of the caller. */
struct tls_hand {
	struct tls_hook hook; /* first: the context calls back through it */
	void *ssl;            /* accept side: NULL until the first bytes came */
	int fd;
	struct tls_zones *zones;
	struct tls_ctx *ctx; /* chosen; a reference of our own */
	struct tls_trust_box *trust;
	struct tls_account account; /* connect side */
	bool saw_bytes;             /* the first bytes look like TLS */
	bool saw_hello;             /* accept side: the ClientHello is complete */
	bool decided;               /* the certificate was judged */
	bool greedy;                /* it read more than a handshake may */
	struct str fqdn;            /* connect side: in record->sni */
	uint32_t reads, reads_step; /* of the socket: in all, and in this step */
	bool stranger;              /* it must show a certificate; else *verdict is its refusal */
	struct tls_profile_row profile; /* offered or asked for */
	tls_on_identity *on_identity;
	tls_on_guess *on_guess;
	void *arg;
	struct tls_record *record;
	struct tls_verdict *verdict;
};

/** Begin; zeroes *h. Keeps its own references to zones and client. */
enum err tls_hand_init(struct tls_hand *h, const struct tls_hand_conf *conf) NODISCARD;
/**
 * Go on. OK: finished and accepted. AGAIN: *want = EPOLLIN or EPOLLOUT. Anything else: refused or
 * broken; record says why, and the alert is on its way.
 */
enum err tls_hand_step(struct tls_hand *h, uint32_t *want) NODISCARD;
/** Ended from outside: TIMEOUT, CONNECT, SHUTDOWN; why goes into the record. */
void tls_hand_abort(struct tls_hand *h, enum tls_reason reason, const char *why);
/** Frees what is left. The fd is the caller's, unless taken. */
void tls_hand_fini(struct tls_hand *h);

#endif
