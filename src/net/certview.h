/* The library's certificates as plain data, and PEM bytes as the library's certificates. With
 * the tls files the only one that names the library; only they use it. */
#ifndef POSTERN_NET_CERTVIEW_H
#define POSTERN_NET_CERTVIEW_H

#include "net/certpolicy.h"

enum { CERTVIEW_TEXT_MAX = 256 };

struct x509_st; /* the library's own tags: X509, EVP_PKEY */
struct evp_pkey_st;
struct asn1_string_st;

/* Room for the names of one certificate. */
struct certview_names {
	struct str dns[CERT_DNS_MAX], uri[CERT_URI_MAX];
};

/* A view with the memory it points into; does not move while in use. */
struct certview {
	struct cert_view v;
	void *general_names; /* the library's; owns the bytes of the names */
	char subject[CERTVIEW_TEXT_MAX], issuer[CERTVIEW_TEXT_MAX], serial[80];
	char cn[CERTVIEW_TEXT_MAX]; /* bytes of the common name, NULs included */
};

/**
 * Describe x, the names into `names` (NULL: leave them out). NOMEM; SYNTAX: something in it cannot
 * be read. Always end with certview_fini.
 */
enum err certview_init(struct certview *cv, struct x509_st *x,
		       struct certview_names *names) NODISCARD;
void certview_fini(struct certview *cv);
/** In our words what the library's verification error says. */
enum cert_fault certview_fault(int x509_error);
/** A verification error that makes the library send this alert (crypto notes: tested). */
int certview_error_for_alert(uint8_t alert);
/** The library's time as wall clock; false: not a time. */
bool certview_time(const struct asn1_string_st *t, int64_t *out);
/** What revocation lists know it by. */
void certview_id(const struct x509_st *x, struct cert_id *out);
/** Its distribution points of revocation lists that are http or https URLs, in their order, a space
 * between, as many as fit; "" = none. */
void certview_crl_urls(const struct x509_st *x, char *dst, size_t cap);
/** All certificates of a PEM text; each is the caller's (certview_drop). SYNTAX: none, or one that
 * cannot be read; LONG: more than max; NOMEM. */
enum err certview_read_pem(struct str pem, struct x509_st **out, size_t max,
			   size_t *out_n) NODISCARD;
void certview_drop(struct x509_st **certs, size_t n);
/** An unencrypted private key. SYNTAX: none there; UNSUPPORTED: needs a pass phrase. */
enum err certview_read_key(struct str pem, struct evp_pkey_st **out) NODISCARD;

#endif
