/* Revocation lists, indexed for lookups: by issuer and serial number. Made once and only read; the
 * one thing learned later is that a list's signature was found right. */
#ifndef POSTERN_NET_TLSCRL_H
#define POSTERN_NET_TLSCRL_H

#include "net/certpolicy.h"

enum {
	TLS_CRLS_MAX = 4096,          /* lists of one index */
	TLS_CRL_BYTES_MAX = 64 << 20, /* of one list */
	TLS_CRL_TRIES = 8,            /* issuers that one list's signature is tried with */
	TLS_CRL_URL_MAX = 256
};

struct x509_st; /* the library's own tags: X509 */
struct tls_crls;

/* A text from outside, with what error sentences call it. */
struct tls_text {
	struct str bytes, label;
};

/** Read lists: each text is PEM with any number of them, or one in DER. Unreadable ones are left
 * out and named in why. NOMEM. */
enum err tls_crls_new(const struct tls_text *texts, size_t n, struct buf *why,
		      struct tls_crls **out) NODISCARD;
void tls_crls_free(struct tls_crls **c);
/** Try this certificate as the issuer of the lists that bear its name. */
void tls_crls_learn(struct tls_crls *c, struct x509_st *issuer);
/** What do the lists say of x, which issuer (of a good path) has issued? *when: since when revoked,
 * or since when the list is out of date. Not for two threads at a time. */
enum cert_revoked tls_crls_ask(struct tls_crls *c, struct x509_st *x, struct x509_st *issuer,
			       int64_t now_us, int64_t *when);
/** Does a list with a good signature name this certificate? Any thread. */
bool tls_crls_named(const struct tls_crls *c, const struct cert_id *id);
size_t tls_crls_count(const struct tls_crls *c);

#endif
