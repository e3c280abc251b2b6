#include "net/tlschain.h"

#include <string.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/mem.h"
#include "net/certview.h"

enum { CN_INDEX_NONE = -1 };

static void
put_common_name(X509 *x, char *dst, size_t cap)
{
	const X509_NAME *name = X509_get_subject_name(x);
	int i = X509_NAME_get_index_by_NID(name, NID_commonName, CN_INDEX_NONE);
	const ASN1_STRING *s =
		i < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i));
	struct str text =
		s ? str_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)) : STR_NULL;

	if (str_copyz(dst, cap, text) != ERR_OK)
		dst[0] = 0;
}

static void
copy_name(char dst[TLSPROBE_NAME_MAX], struct str s)
{
	if (str_copyz(dst, TLSPROBE_NAME_MAX, str_sub(s, 0, TLSPROBE_NAME_MAX - 1)) != ERR_OK)
		dst[0] = 0;
}

static void
fill_cert(struct tlsprobe_cert *out, X509 *x, const struct cert_view *v)
{
	struct buf b;

	*out = (struct tlsprobe_cert){.not_before_us = v->not_before_us,
				      .not_after_us = v->not_after_us,
				      .key = (uint8_t)v->key,
				      .bits = v->bits,
				      .self_signed = v->self_signed,
				      .ca = v->ca,
				      .ku_present = v->ku_present,
				      .ku_key_encipherment = v->ku_key_encipherment,
				      .ku_digital_signature = v->ku_digital_signature,
				      .eku_present = v->eku_present,
				      .eku_server = v->eku_server,
				      .eku_client = v->eku_client};
	memcpy(out->fingerprint, v->fingerprint, sizeof(out->fingerprint));
	copy_name(out->subject, v->subject);
	copy_name(out->issuer, v->issuer);
	put_common_name(x, out->cn, sizeof(out->cn));
	buf_init(&b, out->names, sizeof(out->names));
	certpolicy_put_names(&b, v);
	buf_cstr(&b);
	(void)!str_copyz(out->sigalg, sizeof(out->sigalg),
			 str_from(OBJ_nid2ln(X509_get_signature_nid(x))));
}

/* "*.example.test" against "a.b.example.test": the likely mistake behind a wildcard that fails. */
static bool
covers_deeper(const struct cert_view *v, struct str name)
{
	for (uint16_t i = 0; i < v->n_dns; i++) {
		struct str rest = str_from_at(v->dns[i], 1);

		if (str_starts(v->dns[i], STR("*.")) && name.len > rest.len &&
		    str_ieq(str_from_at(name, name.len - rest.len), rest))
			return true;
	}
	return false;
}

static void
keep_certs(struct tlsprobe_chain *out, STACK_OF(X509) * sent, struct str name)
{
	struct certview_names *names = mem_zalloc(1, sizeof(*names));
	struct certview cv;

	for (int i = 0; names && i < sk_X509_num(sent) && i < TLSPROBE_CERTS_MAX; i++) {
		X509 *x = sk_X509_value(sent, i);

		if (certview_init(&cv, x, names) == ERR_OK) {
			fill_cert(&out->cert[out->n++], x, &cv.v);
			if (i == 0) {
				out->match = (uint8_t)certpolicy_match(&cv.v, name);
				out->wildcard_labels = !out->match && covers_deeper(&cv.v, name);
				out->no_names = cv.v.n_dns + cv.v.n_uri == 0;
				out->cn_matches = str_ieqz(name, out->cert[0].cn);
			}
		}
		certview_fini(&cv);
	}
	out->n_sent = (uint16_t)sk_X509_num(sent);
	for (int i = 0; i + 1 < sk_X509_num(sent); i++)
		out->unordered |= X509_check_issued(sk_X509_value(sent, i + 1),
						    sk_X509_value(sent, i)) != X509_V_OK;
	mem_free(names);
}

static void
subject_of(X509 *x, char subject[TLSPROBE_NAME_MAX], char issuer[TLSPROBE_NAME_MAX],
	   int64_t *not_after_us)
{
	struct certview cv;

	if (x && certview_init(&cv, x, NULL) == ERR_OK) {
		copy_name(subject, cv.v.subject);
		if (issuer)
			copy_name(issuer, cv.v.issuer);
		if (not_after_us)
			*not_after_us = cv.v.not_after_us;
		certview_fini(&cv);
	}
}

/* Every fault is noted, and the library told to go on: one report says all that is wrong. */
static int
note_fault(int ok, X509_STORE_CTX *store)
{
	struct tlsprobe_chain *out = X509_STORE_CTX_get_app_data(store);
	int error = X509_STORE_CTX_get_error(store), depth = X509_STORE_CTX_get_error_depth(store);
	X509 *x = X509_STORE_CTX_get_current_cert(store);

	if (ok)
		return 1;
	switch (certview_fault(error)) {
	case CERT_FAULT_EXPIRED:
	case CERT_FAULT_NOT_YET:
		if (depth > 0)
			subject_of(x, out->issuer_expired, NULL, &out->issuer_not_after_us);
		break;
	case CERT_FAULT_UNKNOWN_CA:
	case CERT_FAULT_SELF_SIGNED:
		out->trusted = false;
		if (!out->missing[0])
			subject_of(x, out->missing_at, out->missing, NULL);
		break;
	case CERT_FAULT_PURPOSE: /* said from the certificate itself */
		break;
	case CERT_FAULT_WEAK_KEY:
	case CERT_FAULT_WEAK_DIGEST:
		out->weak = true;
		(void)!str_copyz(out->fault, sizeof(out->fault),
				 str_from(X509_verify_cert_error_string(error)));
		break;
	case CERT_FAULT_NONE:
	case CERT_FAULT_NOT_CA:
	case CERT_FAULT_EXTENSION:
	case CERT_FAULT_CONSTRAINT:
	case CERT_FAULT_PATHLEN:
	case CERT_FAULT_SIGNATURE:
	case CERT_FAULT_LONG:
	case CERT_FAULT_REVOKED:
	case CERT_FAULT_NO_CRL:
	case CERT_FAULT_MALFORMED:
	case CERT_FAULT_OTHER:
		out->bad = true;
		(void)!str_copyz(out->fault, sizeof(out->fault),
				 str_from(X509_verify_cert_error_string(error)));
		break;
	}
	return 1;
}

/* One attempt at a path in these roots; what it found stands in *out. */
static void
try_roots(struct tlsprobe_chain *out, STACK_OF(X509) * sent, STACK_OF(X509) * untrusted,
	  const struct tls_trust_store *roots, const struct tls_trust *trust)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	STACK_OF(X509) * path;

	if (!store ||
	    X509_STORE_CTX_init(store, roots->store, sk_X509_value(sent, 0), untrusted) != 1)
		goto out;
	X509_STORE_CTX_set_app_data(store, out);
	X509_STORE_CTX_set_verify_cb(store, note_fault);
	out->trusted = true;
	if (X509_verify_cert(store) != 1)
		out->trusted = false;
	path = X509_STORE_CTX_get0_chain(store);
	for (int i = 0; path && i < sk_X509_num(path); i++) {
		struct cert_id id;

		certview_id(sk_X509_value(path, i), &id);
		out->revoked |= tls_trust_revoked(trust, &id, 1);
	}
	if (out->trusted && path && sk_X509_num(path) > 0)
		subject_of(sk_X509_value(path, sk_X509_num(path) - 1), out->anchor, NULL, NULL);
out:
	X509_STORE_CTX_free(store);
	ERR_clear_error();
}

/* What the path says is about these roots: forgotten before others are tried. */
static void
forget_path(struct tlsprobe_chain *out)
{
	out->trusted = out->weak = out->bad = out->revoked = false;
	out->missing[0] = out->missing_at[0] = out->fault[0] = out->issuer_expired[0] = 0;
	out->issuer_not_after_us = 0;
}

/* The account's own CA first, then the zone's roots, as in a real handshake. */
static void
verify_chain(struct tlsprobe_chain *out, STACK_OF(X509) * sent, const struct tlschain_terms *c)
{
	const struct tls_trust_own *own = tls_owns_find(c->owns, c->account);
	const struct tls_trust_store *roots =
		c->trust ? tls_trust_zone_of(c->trust, c->zone) : NULL;
	STACK_OF(X509) *all = sk_X509_new_null();

	for (int i = 0; all && i < sk_X509_num(sent); i++)
		(void)sk_X509_push(all, sk_X509_value(sent, i));
	for (size_t i = 0; all && own && i < own->n_intermediates; i++)
		(void)sk_X509_push(all, own->intermediate[i]);
	if (own && own->ca.n)
		try_roots(out, sent, all, &own->ca, c->trust);
	if (!out->trusted && roots) {
		forget_path(out);
		try_roots(out, sent, all, roots, c->trust);
	}
	out->filled = out->trusted && own && own->n_intermediates && out->n_sent == 1;
	sk_X509_free(all);
}

void
tlschain_look(STACK_OF(X509) * sent, const struct tlschain_terms *terms, struct tlsprobe_chain *out)
{
	if (!sent || sk_X509_num(sent) == 0)
		return;
	keep_certs(out, sent, terms->name);
	verify_chain(out, sent, terms);
}

void
tlschain_describe(X509 *x, struct tlsprobe_cert *out)
{
	struct certview_names *names = mem_zalloc(1, sizeof(*names));
	struct certview cv;

	if (names && x && certview_init(&cv, x, names) == ERR_OK) {
		fill_cert(out, x, &cv.v);
		certview_fini(&cv);
	}
	mem_free(names);
}
