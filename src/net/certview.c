#include "net/certview.h"

#include <string.h>
#include <time.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/clock.h"
#include "base/codec.h"

enum { SERIAL_MAX = 32 };

static void
put_name(const X509_NAME *name, char dst[CERTVIEW_TEXT_MAX], struct str *out)
{
	BIO *mem = BIO_new(BIO_s_mem());
	char *text = NULL;
	struct buf b;
	long len = 0;

	buf_init(&b, dst, CERTVIEW_TEXT_MAX);
	if (mem && X509_NAME_print_ex(mem, name, 0, XN_FLAG_RFC2253) >= 0)
		len = BIO_get_mem_data(mem, &text);
	if (len > 0)
		buf_str(&b, str_sub(str_of(text, (size_t)len), 0, CERTVIEW_TEXT_MAX - 1));
	buf_cstr(&b);
	*out = buf_view(&b);
	BIO_free(mem);
}

static void
put_serial(const X509 *x, struct certview *cv)
{
	const ASN1_INTEGER *n = X509_get0_serialNumber(x);
	int len = ASN1_STRING_length(n);
	struct buf b;

	buf_init(&b, cv->serial, sizeof(cv->serial));
	codec_hex_put(&b, ASN1_STRING_get0_data(n), len > SERIAL_MAX ? SERIAL_MAX : (size_t)len);
	buf_cstr(&b);
	cv->v.serial = buf_view(&b);
}

static bool
read_time(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm = {0};

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*out = (int64_t)timegm(&tm) * CLOCK_S;
	return true;
}

static void
put_key(X509 *x, struct cert_view *v)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	int bits = key ? EVP_PKEY_get_bits(key) : 0;

	switch (key ? EVP_PKEY_get_base_id(key) : 0) {
	case EVP_PKEY_RSA:
		v->key = CERT_KEY_RSA;
		break;
	case EVP_PKEY_EC:
		v->key = CERT_KEY_EC;
		break;
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		v->key = CERT_KEY_EDWARDS;
		break;
	default:
		v->key = CERT_KEY_UNKNOWN;
		break;
	}
	v->bits = bits < 0 || bits > UINT16_MAX ? UINT16_MAX : (uint16_t)bits;
}

bool
certview_is_server(X509 *x)
{
	return X509_get_extension_flags(x) & EXFLAG_XKUSAGE &&
	       X509_get_extended_key_usage(x) & XKU_SSL_SERVER;
}

static void
put_usage(X509 *x, struct cert_view *v)
{
	uint32_t flags = X509_get_extension_flags(x), ku = X509_get_key_usage(x);
	uint32_t eku = X509_get_extended_key_usage(x);

	v->self_signed = flags & EXFLAG_SS;
	v->ca = flags & EXFLAG_CA;
	v->ku_present = flags & EXFLAG_KUSAGE;
	v->ku_key_encipherment = v->ku_present && ku & KU_KEY_ENCIPHERMENT;
	v->ku_digital_signature = v->ku_present && ku & KU_DIGITAL_SIGNATURE;
	v->eku_present = flags & EXFLAG_XKUSAGE;
	v->eku_server = v->eku_present && eku & XKU_SSL_SERVER;
	v->eku_client = v->eku_present && eku & XKU_SSL_CLIENT;
}

/* One SAN entry into its list; names beyond the limits only set the mark. */
static void
put_general(const GENERAL_NAME *g, struct certview_names *names, struct cert_view *v)
{
	const ASN1_IA5STRING *s;
	struct str value;

	if (g->type != GEN_DNS && g->type != GEN_URI)
		return;
	s = g->d.ia5;
	value = str_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	if (g->type == GEN_DNS && v->n_dns < CERT_DNS_MAX)
		names->dns[v->n_dns++] = value;
	else if (g->type == GEN_URI && v->n_uri < CERT_URI_MAX)
		names->uri[v->n_uri++] = value;
	else
		v->names_cut = true;
}

static enum err
put_names(X509 *x, struct certview *cv, struct certview_names *names)
{
	int critical = -1;
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, &critical, NULL);

	if (!all)
		return critical == -1 ? ERR_OK : ERR_SYNTAX; /* -1: no such extension */
	cv->general_names = all;
	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++)
		put_general(sk_GENERAL_NAME_value(all, i), names, &cv->v);
	cv->v.dns = names->dns;
	cv->v.uri = names->uri;
	return ERR_OK;
}

enum err
certview_init(struct certview *cv, X509 *x, struct certview_names *names)
{
	unsigned len = sizeof(cv->v.fingerprint);

	*cv = (struct certview){0};
	put_name(X509_get_subject_name(x), cv->subject, &cv->v.subject);
	put_name(X509_get_issuer_name(x), cv->issuer, &cv->v.issuer);
	put_serial(x, cv);
	put_key(x, &cv->v);
	put_usage(x, &cv->v);
	if (!read_time(X509_get0_notBefore(x), &cv->v.not_before_us) ||
	    !read_time(X509_get0_notAfter(x), &cv->v.not_after_us))
		return ERR_SYNTAX;
	if (X509_digest(x, EVP_sha256(), cv->v.fingerprint, &len) != 1)
		return ERR_NOMEM;
	return names ? put_names(x, cv, names) : ERR_OK;
}

void
certview_fini(struct certview *cv)
{
	GENERAL_NAMES_free(cv->general_names);
	cv->general_names = NULL;
}

enum cert_fault
certview_fault(int x509_error)
{
	switch (x509_error) {
	case X509_V_OK:
		return CERT_FAULT_NONE;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return CERT_FAULT_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		return CERT_FAULT_UNKNOWN_CA;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return CERT_FAULT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return CERT_FAULT_NOT_YET;
	case X509_V_ERR_INVALID_PURPOSE:
		return CERT_FAULT_PURPOSE;
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_INVALID_NON_CA:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
		return CERT_FAULT_NOT_CA;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return CERT_FAULT_SIGNATURE;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_EC_KEY_EXPLICIT_PARAMS:
		return CERT_FAULT_WEAK_KEY;
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return CERT_FAULT_WEAK_DIGEST;
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
		return CERT_FAULT_LONG;
	case X509_V_ERR_CERT_REVOKED:
		return CERT_FAULT_REVOKED;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return CERT_FAULT_NO_CRL;
	case X509_V_ERR_INVALID_EXTENSION:
	case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
	case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
		return CERT_FAULT_MALFORMED;
	default:
		return CERT_FAULT_OTHER;
	}
}

int
certview_error_for_alert(uint8_t alert)
{
	switch (alert) {
	case 40:
		return X509_V_ERR_APPLICATION_VERIFICATION;
	case 43:
		return X509_V_ERR_INVALID_PURPOSE;
	case 44:
		return X509_V_ERR_CERT_REVOKED;
	case 45:
		return X509_V_ERR_CERT_HAS_EXPIRED;
	case 46:
		return X509_V_ERR_OCSP_VERIFY_FAILED;
	case 48:
		return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
	case 51:
		return X509_V_ERR_CERT_SIGNATURE_FAILURE;
	default:
		return X509_V_ERR_CERT_REJECTED; /* bad_certificate */
	}
}

void
certview_drop(X509 **certs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		X509_free(certs[i]);
		certs[i] = NULL;
	}
}

/* Nobody is asked for a pass phrase. */
static int
no_pass(char *buf, int size, int writing, void *asked)
{
	(void)buf, (void)size, (void)writing;
	*(bool *)asked = true;
	return -1;
}

static BIO *
open_text(struct str pem)
{
	return pem.len > 0 && pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.len) : NULL;
}

/* The end of a PEM text shows as this error. */
static bool
at_end(void)
{
	unsigned long e = ERR_peek_last_error();

	return ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

enum err
certview_read_pem(struct str pem, X509 **out, size_t max, size_t *out_n)
{
	BIO *in = open_text(pem);
	bool asked = false;
	size_t n = 0;
	X509 *x = NULL;
	enum err e;

	ERR_clear_error();
	while (in && (x = PEM_read_bio_X509(in, NULL, no_pass, &asked)) && n < max)
		out[n++] = x;
	if (x && n == max)
		e = ERR_LONG;
	else
		e = n > 0 && at_end() ? ERR_OK : ERR_SYNTAX;
	ERR_clear_error();
	BIO_free(in);
	if (e != ERR_OK) {
		if (e == ERR_LONG)
			X509_free(x);
		certview_drop(out, n);
		return e;
	}
	*out_n = n;
	return ERR_OK;
}

enum err
certview_read_key(struct str pem, EVP_PKEY **out)
{
	BIO *in = open_text(pem);
	bool asked = false;
	EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_pass, &asked) : NULL;

	ERR_clear_error();
	BIO_free(in);
	if (!key)
		return asked ? ERR_UNSUPPORTED : ERR_SYNTAX;
	*out = key;
	return ERR_OK;
}
