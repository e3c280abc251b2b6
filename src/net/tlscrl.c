#include "net/tlscrl.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/mem.h"
#include "net/certview.h"

struct crl_row {
	uint8_t issuer[16]; /* as in struct cert_id */
	X509_CRL *crl;
	ISSUING_DIST_POINT *scope; /* NULL: all certificates of the issuer */
	int64_t next_us;           /* wall; when it goes out of date */
	bool delta;                /* what it does not name, it says nothing about */
	_Atomic bool good;         /* its signature is the issuer's */
	uint8_t tries;
};

struct tls_crls {
	size_t n;
	struct crl_row row[TLS_CRLS_MAX]; /* sorted by issuer */
};

static int
compare_rows(const void *a, const void *b)
{
	const struct crl_row *x = a, *y = b;

	return memcmp(x->issuer, y->issuer, sizeof(x->issuer));
}

/* Takes crl. A list without its next date, or of a kind we cannot judge, is of no use. */
static bool
add_list(struct tls_crls *c, X509_CRL *crl)
{
	struct crl_row *r = &c->row[c->n];
	uint8_t digest[32];
	unsigned len = sizeof(digest);
	X509_REVOKED *none;
	ASN1_INTEGER *zero;

	if (c->n == TLS_CRLS_MAX || !X509_CRL_get0_nextUpdate(crl) ||
	    !certview_time(X509_CRL_get0_nextUpdate(crl), &r->next_us) ||
	    X509_NAME_digest(X509_CRL_get_issuer(crl), EVP_sha256(), digest, &len) != 1) {
		X509_CRL_free(crl);
		return false;
	}
	memcpy(r->issuer, digest, sizeof(r->issuer));
	r->crl = crl;
	r->scope = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
	r->delta = X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0;
	atomic_init(&r->good, false);
	zero = ASN1_INTEGER_new(); /* the library sorts at the first question: have it now */
	if (zero)
		(void)X509_CRL_get0_by_serial(crl, &none, zero);
	ASN1_INTEGER_free(zero);
	c->n++;
	return true;
}

static bool
add_text(struct tls_crls *c, struct str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	BIO *in;
	X509_CRL *crl;
	size_t before = c->n;
	bool all = true;

	if (bytes.len == 0 || bytes.len > TLS_CRL_BYTES_MAX)
		return false;
	if (str_find(bytes, STR("-----BEGIN")) == bytes.len) {
		crl = d2i_X509_CRL(NULL, &p, (long)bytes.len);
		return crl && add_list(c, crl);
	}
	in = BIO_new_mem_buf(bytes.p, (int)bytes.len);
	while (in && (crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL)))
		all &= add_list(c, crl);
	BIO_free(in);
	return all && c->n > before;
}

enum err
tls_crls_new(const struct tls_text *texts, size_t n, struct buf *why, struct tls_crls **out)
{
	struct tls_crls *c = mem_zalloc(1, sizeof(*c));

	if (!c)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		if (!add_text(c, texts[i].bytes)) {
			buf_z(why, why->len ? "; " : "");
			buf_str(why, texts[i].label);
			buf_z(why, ": not a revocation list, one without nextUpdate, or too many");
		}
	ERR_clear_error();
	qsort(c->row, c->n, sizeof(c->row[0]), compare_rows);
	*out = c;
	return ERR_OK;
}

void
tls_crls_free(struct tls_crls **crls)
{
	struct tls_crls *c = *crls;

	*crls = NULL;
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		ISSUING_DIST_POINT_free(c->row[i].scope);
		X509_CRL_free(c->row[i].crl);
	}
	mem_free(c);
}

static size_t
first_row(const struct tls_crls *c, const uint8_t issuer[16])
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(c->row[mid].issuer, issuer, 16) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
is_of(const struct tls_crls *c, size_t i, const uint8_t issuer[16])
{
	return i < c->n && memcmp(c->row[i].issuer, issuer, 16) == 0;
}

/* Is the list's signature this issuer's? Only so many issuers of one name are tried. */
static bool
check_row(struct crl_row *r, X509 *issuer)
{
	if (atomic_load(&r->good))
		return true;
	if (r->tries == TLS_CRL_TRIES)
		return false;
	if (X509_get_extension_flags(issuer) & EXFLAG_KUSAGE &&
	    !(X509_get_key_usage(issuer) & KU_CRL_SIGN))
		return false;
	r->tries++;
	if (X509_CRL_verify(r->crl, X509_get0_pubkey(issuer)) == 1)
		atomic_store(&r->good, true);
	ERR_clear_error();
	return atomic_load(&r->good);
}

void
tls_crls_learn(struct tls_crls *c, X509 *issuer)
{
	uint8_t digest[32];
	unsigned len = sizeof(digest);

	if (X509_NAME_digest(X509_get_subject_name(issuer), EVP_sha256(), digest, &len) != 1)
		return;
	for (size_t i = first_row(c, digest); is_of(c, i, digest); i++)
		(void)check_row(&c->row[i], issuer);
}

/* Does one of the certificate's distribution points name what the list says it is for? */
static bool
points_match(const X509 *x, const GENERAL_NAMES *names)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);
	bool match = false;

	for (int i = 0; i < sk_DIST_POINT_num(points) && !match; i++) {
		const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;

		if (!name || name->type != 0)
			continue;
		for (int k = 0; k < sk_GENERAL_NAME_num(name->name.fullname); k++)
			for (int m = 0; m < sk_GENERAL_NAME_num(names); m++)
				match |= GENERAL_NAME_cmp(
						 sk_GENERAL_NAME_value(name->name.fullname, k),
						 sk_GENERAL_NAME_value(names, m)) == 0;
	}
	CRL_DIST_POINTS_free(points);
	return match;
}

/* Does what the list does not name count as not revoked? (RFC 5280 5.2.5) */
static bool
covers(const struct crl_row *r, X509 *x)
{
	const ISSUING_DIST_POINT *s = r->scope;
	bool ca = X509_get_extension_flags(x) & EXFLAG_CA;

	if (r->delta)
		return false;
	if (!s)
		return true;
	if (s->onlyattr > 0 || s->indirectCRL > 0 || s->onlysomereasons ||
	    (s->onlyuser > 0 && ca) || (s->onlyCA > 0 && !ca))
		return false;
	if (!s->distpoint)
		return true;
	return s->distpoint->type == 0 && points_match(x, s->distpoint->name.fullname);
}

static int64_t
revoked_since(const X509_REVOKED *entry)
{
	int64_t us = 0;

	return certview_time(X509_REVOKED_get0_revocationDate(entry), &us) ? us : 0;
}

enum cert_revoked
tls_crls_ask(struct tls_crls *c, X509 *x, X509 *issuer, int64_t now_us, int64_t *when)
{
	enum cert_revoked result = CERT_REVOKED_NO_LIST;
	X509_REVOKED *entry;
	struct cert_id id;

	certview_id(x, &id);
	for (size_t i = first_row(c, id.issuer); is_of(c, i, id.issuer); i++) {
		struct crl_row *r = &c->row[i];

		if (!check_row(r, issuer))
			continue;
		if (X509_CRL_get0_by_serial(r->crl, &entry, X509_get_serialNumber(x)) == 1) {
			*when = revoked_since(entry);
			return CERT_REVOKED_YES;
		}
		if (!covers(r, x) || result == CERT_REVOKED_NOT)
			continue;
		result = now_us > r->next_us ? CERT_REVOKED_STALE : CERT_REVOKED_NOT;
		*when = r->next_us;
	}
	return result;
}

bool
tls_crls_named(const struct tls_crls *c, const struct cert_id *id)
{
	ASN1_INTEGER *serial = id->len ? ASN1_INTEGER_new() : NULL;
	X509_REVOKED *entry;
	bool named = false;

	if (!serial || ASN1_STRING_set(serial, id->serial, id->len) != 1)
		goto out;
	for (size_t i = first_row(c, id->issuer); is_of(c, i, id->issuer) && !named; i++)
		named = atomic_load(&c->row[i].good) &&
			X509_CRL_get0_by_serial(c->row[i].crl, &entry, serial) == 1;
out:
	ASN1_INTEGER_free(serial);
	return named;
}

size_t
tls_crls_count(const struct tls_crls *c)
{
	return c->n;
}
