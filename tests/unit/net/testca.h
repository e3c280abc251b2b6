/* Throw-away authorities and certificates, made in memory with the library itself. Keys are made
 * once a program. Everything here ends the program when it fails. */
#ifndef POSTERN_TESTS_NET_TESTCA_H
#define POSTERN_TESTS_NET_TESTCA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/str.h"

enum { CA_DAY_S = 86400, CA_PEM_MAX = 65536, CA_NAMES_MAX = 8192 };

struct ca_keys {
	EVP_PKEY *ca, *leaf, *leaf2, *small, *ec;
};

struct ca_opts {
	const char *cn;
	const char *san;     /* "DNS:a,URI:sip:b", NULL = none */
	const char *eku;     /* "serverAuth,clientAuth", NULL = none */
	const char *ku;      /* "critical,digitalSignature,keyEncipherment", NULL = none */
	const char *raw_dns; /* one DNS name with raw_len bytes, NULs allowed */
	size_t raw_len;
	bool ca;
	long from_day, to_day; /* days from now */
	EVP_PKEY *key;
	X509 *issuer; /* NULL = self-signed */
	EVP_PKEY *issuer_key;
	const EVP_MD *md; /* NULL = SHA-256 */
};

#define CA_MUST(c)                                                                                 \
	do {                                                                                       \
		if (!(c)) {                                                                        \
			fprintf(stderr, "testca: %s\n", #c);                                       \
			ERR_print_errors_fp(stderr);                                               \
			exit(2);                                                                   \
		}                                                                                  \
	} while (0)

static inline struct ca_keys *
ca_keys(void)
{
	static struct ca_keys k;

	if (!k.ca) {
		CA_MUST((k.ca = EVP_RSA_gen(2048)));
		CA_MUST((k.leaf = EVP_RSA_gen(2048)));
		CA_MUST((k.leaf2 = EVP_RSA_gen(2048)));
		CA_MUST((k.small = EVP_RSA_gen(1024)));
		CA_MUST((k.ec = EVP_EC_gen("P-256")));
	}
	return &k;
}

static inline void
ca_keys_free(void)
{
	struct ca_keys *k = ca_keys();

	EVP_PKEY_free(k->ca);
	EVP_PKEY_free(k->leaf);
	EVP_PKEY_free(k->leaf2);
	EVP_PKEY_free(k->small);
	EVP_PKEY_free(k->ec);
	memset(k, 0, sizeof(*k));
}

static inline void
ca_add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	CA_MUST((ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value)));
	CA_MUST(X509_add_ext(x, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

static inline void
ca_add_raw_dns(X509 *x, const char *p, size_t len)
{
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	CA_MUST(all && g && s && ASN1_STRING_set(s, p, (int)len) == 1);
	GENERAL_NAME_set0_value(g, GEN_DNS, s);
	CA_MUST(sk_GENERAL_NAME_push(all, g) > 0);
	CA_MUST(X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) == 1);
	GENERAL_NAMES_free(all);
}

static inline X509 *
ca_cert(const struct ca_opts *o)
{
	static long serial = 1000;
	X509 *x = X509_new(), *issuer = o->issuer ? o->issuer : x;
	X509_NAME *name;

	CA_MUST(x && X509_set_version(x, 2) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), o->from_day * CA_DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(x), (o->to_day ? o->to_day : 30) * CA_DAY_S);
	CA_MUST(X509_set_pubkey(x, o->key) == 1);
	name = X509_get_subject_name(x);
	CA_MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)o->cn,
					   -1, -1, 0) == 1);
	CA_MUST(X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1);
	ca_add_ext(x, issuer, NID_basic_constraints, o->ca ? "critical,CA:TRUE" : "CA:FALSE");
	ca_add_ext(x, issuer, NID_subject_key_identifier, "hash");
	if (o->issuer)
		ca_add_ext(x, issuer, NID_authority_key_identifier, "keyid");
	if (o->ku)
		ca_add_ext(x, issuer, NID_key_usage, o->ku);
	if (o->eku)
		ca_add_ext(x, issuer, NID_ext_key_usage, o->eku);
	if (o->san)
		ca_add_ext(x, issuer, NID_subject_alt_name, o->san);
	if (o->raw_dns)
		ca_add_raw_dns(x, o->raw_dns, o->raw_len);
	CA_MUST(X509_sign(x, o->issuer_key ? o->issuer_key : o->key, o->md ? o->md : EVP_sha256()) >
		0);
	return x;
}

/* An authority of its own name with the common CA key. */
static inline X509 *
ca_root(const char *cn)
{
	struct ca_opts o = {.cn = cn, .ca = true, .from_day = -1, .key = ca_keys()->ca};

	return ca_cert(&o);
}

/* PEM of n certificates; the text lives until the same slot is used again. */
static inline struct str
ca_pem(int slot, X509 *const *certs, size_t n)
{
	static char text[16][CA_PEM_MAX];
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long len;

	for (size_t i = 0; i < n; i++)
		CA_MUST(PEM_write_bio_X509(b, certs[i]) == 1);
	len = BIO_get_mem_data(b, &p);
	CA_MUST(len < CA_PEM_MAX);
	memcpy(text[slot], p, (size_t)len);
	BIO_free(b);
	return str_of(text[slot], (size_t)len);
}

/* PEM of a revocation list of issuer (with the common CA key) that names these certificates. */
static inline struct str
ca_crl_pem(X509 *issuer, X509 *const *revoked, size_t n)
{
	static char text[CA_PEM_MAX];
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long len;

	CA_MUST(crl && t && b && X509_CRL_set_version(crl, 1) == 1);
	CA_MUST(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1);
	CA_MUST(X509_gmtime_adj(t, -60) && X509_CRL_set1_lastUpdate(crl, t) == 1);
	for (size_t i = 0; i < n; i++) {
		X509_REVOKED *r = X509_REVOKED_new();

		CA_MUST(r &&
			X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked[i])) == 1 &&
			X509_REVOKED_set_revocationDate(r, t) == 1 &&
			X509_CRL_add0_revoked(crl, r) == 1);
	}
	CA_MUST(X509_gmtime_adj(t, CA_DAY_S) && X509_CRL_set1_nextUpdate(crl, t) == 1);
	CA_MUST(X509_CRL_sign(crl, ca_keys()->ca, EVP_sha256()) > 0);
	CA_MUST(PEM_write_bio_X509_CRL(b, crl) == 1);
	len = BIO_get_mem_data(b, &p);
	CA_MUST(len < CA_PEM_MAX);
	memcpy(text, p, (size_t)len);
	BIO_free(b);
	ASN1_TIME_free(t);
	X509_CRL_free(crl);
	return str_of(text, (size_t)len);
}

static inline struct str
ca_key_pem(int slot, EVP_PKEY *key, const char *pass)
{
	static char text[16][8192];
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long len;

	CA_MUST(PEM_write_bio_PKCS8PrivateKey(b, key, pass ? EVP_aes_128_cbc() : NULL, pass,
					      pass ? (int)strlen(pass) : 0, NULL, NULL) == 1);
	len = BIO_get_mem_data(b, &p);
	memcpy(text[slot], p, (size_t)len);
	BIO_free(b);
	return str_of(text[slot], (size_t)len);
}

#endif
