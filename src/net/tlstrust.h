/* Whom to believe, made from plain bytes: the roots of each zone (authorities by name out of the
 * system's bundle, files), revocation lists, profiles that accounts may ask for; and apart from
 * that, what accounts bring along: private CAs and intermediates. Used by both sides of TLS.
 * Counted, never changed, swapped independently of the contexts and of each other: whoever has a
 * new one puts it into the box, which the next verification reads.
 *
 * Made, and asked by handshakes, in one thread at a time (the handshake thread, after boot); only
 * tls_trust_revoked, the counts and the box are for any thread. */
#ifndef POSTERN_NET_TLSTRUST_H
#define POSTERN_NET_TLSTRUST_H

#include <pthread.h>
#include <stdatomic.h>

#include "net/certpolicy.h"
#include "net/tlscrl.h"
#include "net/tlsprofile.h"

enum {
	TLS_TRUST_ZONES_MAX = 64,
	TLS_TRUST_ROOTS_MAX = 512, /* certificates of one bundle or file */
	TLS_TRUST_OWN_MAX = 16,    /* certificates of one account's CA or intermediates */
	TLS_TRUST_ACCOUNTS_MAX = 65536,
	TLS_TRUST_PROFILES_MAX = 16, /* own profiles that accounts may ask for */
	TLS_TRUST_ISSUERS_MAX = 256  /* issuers of good paths that are remembered */
};

/* The roots of one zone. Its index is the zone's number in tls_conf and tls_record. */
struct tls_trust_zone {
	uint32_t authorities;              /* AUTHORITY_BIT mask, found in the system's bundle */
	bool system;                       /* the whole bundle */
	struct str files_pem, files_label; /* further roots; may be empty */
};

/* What one account brings along. Text that cannot be read is left out, and said. */
struct tls_trust_account {
	struct str id;     /* text id, as in cert_terms.account */
	struct str ca_pem; /* its private CA: roots that count for it alone; may be empty */
	struct str intermediates_pem; /* for equipment that does not send them; may be empty */
};

/* All borrowed for the call. */
struct tls_trust_conf {
	struct str system_pem, system_label; /* the system's bundle; may be empty */
	const struct tls_trust_zone *zones;
	size_t n_zones;
	const struct tls_text *crls;
	size_t n_crls;
	const struct tls_profile_row *profiles; /* own ones that accounts may ask for by name */
	size_t n_profiles;
	struct tls_trust *previous; /* what it learned about issuers goes on; may be NULL */
	uint64_t version;           /* the caller's; stands in each tls_record */
};

struct tls_trust;

/**
 * Build, count 1. CONFIG: a file that cannot be read; why says it. OK with why not empty: warnings
 * (a list that was left out, a zone that could accept nobody but by private CAs). Takes some 10 ms
 * with the system's bundle.
 */
enum err tls_trust_new(const struct tls_trust_conf *conf, struct buf *why,
		       struct tls_trust **out) NODISCARD;
struct tls_trust *tls_trust_ref(struct tls_trust *t);
/** Nulls; the last one frees. NULL is fine. Any thread. */
void tls_trust_unref(struct tls_trust **t);
uint64_t tls_trust_version(const struct tls_trust *t);
/** The profile of this name, own or built in; NULL: there is none. Any thread. */
const struct tls_profile_row *tls_trust_profile(const struct tls_trust *t, struct str word);
/** Roots that a zone accepts (private CAs of accounts not counted). */
size_t tls_trust_roots(const struct tls_trust *t, uint16_t zone);
/** Does a revocation list at hand name one of these? For connections that are up (reliability A10).
 * Any thread. */
bool tls_trust_revoked(const struct tls_trust *t, const struct cert_id *ids, size_t n);
/** Roots of these authorities that the bundle does not have: "DigiCert: DigiCert Global Root G3,
 * ..; Comodo: ..". Returns how many. For `check`. */
size_t tls_trust_put_absent(struct str bundle_pem, uint32_t authorities, struct buf *b);

/* What accounts bring along. Counted, never changed. */
struct tls_owns;

/** Build, count 1. Text that cannot be read is left out and named in why. NOMEM, RANGE. */
enum err tls_owns_new(const struct tls_trust_account *accounts, size_t n, struct buf *why,
		      struct tls_owns **out) NODISCARD;
struct tls_owns *tls_owns_ref(struct tls_owns *o);
void tls_owns_unref(struct tls_owns **o);
/** Is this what an account may bring: PEM certificates, at most TLS_TRUST_OWN_MAX, each of a CA?
 * why: a sentence. For `apply`. */
enum err tls_owns_check(struct str pem, struct str label, struct buf *why) NODISCARD;
/** The same of a file among a zone's roots, which may hold TLS_TRUST_ROOTS_MAX. For `check`. */
enum err tls_roots_check(struct str pem, struct str label, struct buf *why) NODISCARD;

/* OpenSSL's own form of a certificate, whose trust settings only its own programs know. */
#define TLS_PEM_TRUSTED_TEXT                                                                       \
	"holds a TRUSTED CERTIFICATE, OpenSSL's own form, which is not read; write it as a "       \
	"plain one: openssl x509 -in TRUSTED.pem -out PLAIN.pem"
bool tls_pem_has_trusted(struct str pem);

/* The trust of today, shared by those who verify and those who swap. */
struct tls_trust_box {
	pthread_mutex_t lock;
	struct tls_trust *trust;
	struct tls_owns *owns;
};

/** Takes a reference of its own; t may be NULL (nobody is believed). */
enum err tls_trust_box_init(struct tls_trust_box *b, struct tls_trust *t) NODISCARD;
void tls_trust_box_fini(struct tls_trust_box *b);
/** From the next verification on. Takes a reference of its own. Any thread. */
void tls_trust_box_set(struct tls_trust_box *b, struct tls_trust *t);
void tls_trust_box_set_owns(struct tls_trust_box *b, struct tls_owns *o);
/** A reference for the caller, or NULL. Any thread. */
struct tls_trust *tls_trust_box_get(struct tls_trust_box *b);
struct tls_owns *tls_trust_box_owns(struct tls_trust_box *b);

/* ---- for tlspath.c ---- */

struct x509_store_st; /* the library's own tags: X509_STORE, X509 */
struct x509_st;

/* Who vouches for a root. */
struct tls_trust_root {
	uint8_t fingerprint[32];
	enum cert_owner owner;
	enum authority authority;
	char label[64]; /* of the file */
};

struct tls_trust_store {
	struct x509_store_st *store;
	size_t n;
	struct tls_trust_root *root;
};

struct tls_trust_own {
	char id[64];
	struct tls_trust_store ca; /* store NULL: none */
	size_t n_intermediates;
	struct x509_st *intermediate[TLS_TRUST_OWN_MAX];
};

/** The roots of a zone, NULL if it has none. */
const struct tls_trust_store *tls_trust_zone_of(const struct tls_trust *t, uint16_t zone);
/** What the account brought along; NULL: nothing. */
const struct tls_trust_own *tls_owns_find(const struct tls_owns *o, struct str account);
struct tls_crls *tls_trust_crls(struct tls_trust *t);
/** x has issued a certificate of a good path: lists of it can be checked from now on. */
void tls_trust_note_issuer(struct tls_trust *t, struct x509_st *x);

#endif
