#include "net/tlsdates.h"

#include <string.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "net/certview.h"

static void
put_name(const X509_NAME *name, char out[TLS_DATES_NAME_MAX])
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = 0;

	out[0] = 0;
	if (b && X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_get_mem_data(b, &p);
	if (n > 0)
		(void)!str_copyz(out, TLS_DATES_NAME_MAX,
				 str_sub(str_of(p, (size_t)n), 0, TLS_DATES_NAME_MAX - 1));
	BIO_free(b);
}

static bool
read_cert(X509 *x, struct tls_cert_dates *d)
{
	unsigned len = sizeof(d->fingerprint);

	put_name(X509_get_subject_name(x), d->subject);
	return certview_time(X509_get0_notBefore(x), &d->not_before_us) &&
	       certview_time(X509_get0_notAfter(x), &d->not_after_us) &&
	       X509_digest(x, EVP_sha256(), d->fingerprint, &len) == 1;
}

enum err
tls_cert_dates(struct str pem, void (*on_cert)(void *arg, const struct tls_cert_dates *d),
	       void *arg)
{
	X509 *certs[TLS_DATES_CERTS_MAX];
	size_t n;
	enum err e = certview_read_pem(pem, certs, ARRAY_LEN(certs), &n);

	if (e != ERR_OK)
		return ERR_SYNTAX;
	for (size_t i = 0; i < n; i++) {
		struct tls_cert_dates d;

		if (read_cert(certs[i], &d))
			on_cert(arg, &d);
	}
	certview_drop(certs, n);
	return ERR_OK;
}

enum err
tls_crl_dates(struct str bytes, struct tls_crl_dates *out)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	const ASN1_TIME *next;
	X509_CRL *crl = NULL;
	BIO *b = NULL;
	enum err e = ERR_SYNTAX;

	if (bytes.len == 0 || bytes.len > INT32_MAX)
		return ERR_SYNTAX;
	if (str_find(bytes, STR("-----BEGIN")) == bytes.len) {
		crl = d2i_X509_CRL(NULL, &p, (long)bytes.len);
	} else {
		b = BIO_new_mem_buf(bytes.p, (int)bytes.len);
		crl = b ? PEM_read_bio_X509_CRL(b, NULL, NULL, NULL) : NULL;
	}
	if (crl && certview_time(X509_CRL_get0_lastUpdate(crl), &out->this_us)) {
		next = X509_CRL_get0_nextUpdate(crl);
		if (!next || !certview_time(next, &out->next_us))
			out->next_us = 0;
		put_name(X509_CRL_get_issuer(crl), out->issuer);
		e = ERR_OK;
	}
	X509_CRL_free(crl);
	BIO_free(b);
	ERR_clear_error();
	return e;
}

void
tls_ocsp_url(struct str chain_pem, char url[TLS_DATES_URL_MAX])
{
	STACK_OF(OPENSSL_STRING) *all = NULL;
	X509 *certs[TLS_DATES_CERTS_MAX];
	size_t n;

	url[0] = 0;
	if (certview_read_pem(chain_pem, certs, ARRAY_LEN(certs), &n) != ERR_OK)
		return;
	all = X509_get1_ocsp(certs[0]);
	for (int i = 0; i < sk_OPENSSL_STRING_num(all) && !url[0]; i++) {
		struct str s = str_from(sk_OPENSSL_STRING_value(all, i));

		if (str_istarts(s, STR("http://")))
			(void)!str_copyz(url, TLS_DATES_URL_MAX, s);
	}
	X509_email_free(all);
	certview_drop(certs, n);
}
