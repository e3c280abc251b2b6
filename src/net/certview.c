#include "net/certview.h"

#include <string.h>
#include <time.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/clock.h"
#include "base/codec.h"

enum { SERIAL_MAX = 32, EXTENSIONS_MAX = 64 };

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

bool
certview_time(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm = {0};

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*out = (int64_t)timegm(&tm) * CLOCK_S;
	return true;
}

/* A key whose curve is written out parameter by parameter (CVE-2022-0778 came in that way). */
static bool
has_explicit_curve(const EVP_PKEY *key)
{
	int is_explicit = 0;

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				      &is_explicit) == 1 &&
	       is_explicit;
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
	v->explicit_curve = key && has_explicit_curve(key);
	v->bits = bits < 0 || bits > UINT16_MAX ? UINT16_MAX : (uint16_t)bits;
}

static void
put_signature(X509 *x, struct cert_view *v)
{
	int digest, kind, bits = 0;

	if (X509_get_signature_info(x, &digest, &kind, &bits, NULL) != 1)
		return;
	v->sig_bits = bits < 0 || bits > UINT16_MAX ? 0 : (uint16_t)bits;
	if (kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS)
		v->sig_key = CERT_KEY_RSA;
	else if (kind == EVP_PKEY_EC)
		v->sig_key = CERT_KEY_EC;
	else if (kind == EVP_PKEY_ED25519 || kind == EVP_PKEY_ED448)
		v->sig_key = CERT_KEY_EDWARDS;
}

/* RFC 5924 3.1; the library has no bit for it. */
static bool
names_sip(const X509 *x)
{
	static const char sip_domain[] = "1.3.6.1.5.5.7.3.20";
	EXTENDED_KEY_USAGE *all = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	bool found = false;
	char text[64];

	for (int i = 0; i < sk_ASN1_OBJECT_num(all) && !found; i++)
		found = OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(all, i), 1) > 0 &&
			str_eqz(str_from(text), sip_domain);
	sk_ASN1_OBJECT_pop_free(all, ASN1_OBJECT_free);
	return found;
}

/* RFC 5280 4.2: no extension twice. */
static bool
has_double_extension(const X509 *x)
{
	int n = X509_get_ext_count(x);

	if (n > EXTENSIONS_MAX)
		return true;
	for (int i = 1; i < n; i++)
		for (int k = 0; k < i; k++)
			if (OBJ_cmp(X509_EXTENSION_get_object(X509_get_ext(x, i)),
				    X509_EXTENSION_get_object(X509_get_ext(x, k))) == 0)
				return true;
	return false;
}

/* The one common name, as bytes; UTF-8 where it is text of another kind. */
static void
put_cn(const X509 *x, struct certview *cv)
{
	const X509_NAME *name = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	const ASN1_STRING *text;
	unsigned char *utf8 = NULL;
	int len;

	if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return;
	text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
	len = ASN1_STRING_to_UTF8(&utf8, text);
	if (len > 0 && (size_t)len <= sizeof(cv->cn)) {
		memcpy(cv->cn, utf8, (size_t)len);
		cv->v.cn = str_of(cv->cn, (size_t)len);
	}
	OPENSSL_free(utf8);
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
	v->eku_any = v->eku_present && eku & XKU_ANYEKU;
	v->eku_sip = v->eku_present && !v->eku_any && names_sip(x);
	v->malformed = flags & EXFLAG_INVALID || has_double_extension(x);
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
	put_signature(x, &cv->v);
	put_usage(x, &cv->v);
	if (names)
		put_cn(x, cv);
	if (!certview_time(X509_get0_notBefore(x), &cv->v.not_before_us) ||
	    !certview_time(X509_get0_notAfter(x), &cv->v.not_after_us))
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

void
certview_id(const X509 *x, struct cert_id *out)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	int len = ASN1_STRING_length(serial);
	uint8_t digest[32];
	unsigned n = sizeof(digest);

	*out = (struct cert_id){0};
	if (len <= 0 || (size_t)len > sizeof(out->serial) ||
	    X509_NAME_digest(X509_get_issuer_name(x), EVP_sha256(), digest, &n) != 1)
		return;
	memcpy(out->issuer, digest, sizeof(out->issuer));
	memcpy(out->serial, ASN1_STRING_get0_data(serial), (size_t)len);
	out->len = (uint8_t)len;
}

/* The URL of one general name, if it is one that can be fetched. */
static struct str
url_of(const GENERAL_NAME *g)
{
	struct str s;

	if (g->type != GEN_URI)
		return STR_NULL;
	s = str_of(ASN1_STRING_get0_data(g->d.ia5), (size_t)ASN1_STRING_length(g->d.ia5));
	return str_istarts(s, STR("http://")) || str_istarts(s, STR("https://")) ? s : STR_NULL;
}

/* Behind what is there, with a space; left out where it does not fit as a whole. */
static void
add_url(char *dst, size_t cap, struct str url)
{
	size_t used = strlen(dst), gap = used ? 1 : 0;

	if (url.len == 0 || memchr(url.p, ' ', url.len) || memchr(url.p, 0, url.len) ||
	    url.len + gap >= cap - used)
		return;
	if (gap)
		dst[used] = ' ';
	memcpy(dst + used + gap, url.p, url.len);
	dst[used + gap + url.len] = 0;
}

void
certview_crl_urls(const X509 *x, char *dst, size_t cap)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);

	dst[0] = 0;
	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;

		if (!name || name->type != 0)
			continue;
		for (int k = 0; k < sk_GENERAL_NAME_num(name->name.fullname); k++)
			add_url(dst, cap, url_of(sk_GENERAL_NAME_value(name->name.fullname, k)));
	}
	CRL_DIST_POINTS_free(points);
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
		return CERT_FAULT_NOT_CA;
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
		return CERT_FAULT_PATHLEN;
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
		return CERT_FAULT_EXTENSION;
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
	case X509_V_ERR_SUBTREE_MINMAX:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
	case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
		return CERT_FAULT_CONSTRAINT;
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
