/* Is this connection good enough: the peer's certificates by the trust of now, and what was
 * negotiated by the profile of its account. Asked inside each handshake, and again of connections
 * that are up when that what they were let in by changes (reliability A10). */
#ifndef POSTERN_NET_TLSJUDGE_H
#define POSTERN_NET_TLSJUDGE_H

#include "net/tlspath.h"

enum { TLS_ACCOUNT_MAX = 64 /* text id of an account, with NUL */ };

/* What an account asks of its peers. Zero: the defaults, and no private CA. */
struct tls_account {
	char id[TLS_ACCOUNT_MAX];           /* its private CA and intermediates count */
	struct cert_terms terms;            /* but for .account, which is id */
	char profile[TLS_PROFILE_WORD_MAX]; /* the least profile, by its word, built in or of the
					     * trust; "" = the zone's */
};

/* All borrowed. */
struct tls_judge {
	struct tls_trust *trust; /* NULL: nobody is believed */
	struct tls_owns *owns;   /* NULL: no account brought anything */
	const struct tls_account *account;
	const struct tls_profile_row *profile; /* of the zone, or the one that was offered */
	/* of the zone, for an account without one: another may have been offered, by a name or an
	 * address that turned out to be of somebody else. NULL: not asked */
	const struct tls_profile_row *least;
	bool outgoing;
	uint16_t zone;
	struct str ref;          /* outgoing: the name that the certificate must show */
	uint16_t version, suite; /* negotiated */
	const char *suite_name;
};

/** The certificates. 0: good; else the alert, and the record says why. Fills its chain. The
 * thread of the trust. */
uint8_t tls_judge_path(const struct tls_judge *j, struct tls_path *path, struct tls_record *r);
/** Version and suite by the account's profile, or by j->least. As above. */
uint8_t tls_judge_profile(const struct tls_judge *j, struct tls_record *r);

/* ---- connections that are up ---- */

/* What a peer showed, counted objects of the library. */
struct tls_shown {
	struct x509_st *leaf; /* NULL: nothing */
	struct stack_st_X509 *chain;
};

void tls_shown_fini(struct tls_shown *s);

/** The same questions about a connection that is up; nothing of j is of the handshake then. True:
 * it would be let in today; else r says why. The thread of the trust. */
bool tls_judge_again(const struct tls_judge *j, const struct tls_shown *shown,
		     struct tls_record *r);

#endif
