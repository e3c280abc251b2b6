#include "net/tlsocsp.h"

#include <string.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/clock.h"
#include "net/certview.h"

enum { OCSP_CHAIN_MAX = 10 };

struct chain {
	X509 *cert[OCSP_CHAIN_MAX];
	size_t n;
};

static enum err
read_chain(struct str pem, struct chain *c)
{
	enum err e = certview_read_pem(pem, c->cert, OCSP_CHAIN_MAX, &c->n);

	if (e == ERR_OK && c->n < 2) {
		certview_drop(c->cert, c->n);
		e = ERR_NOTFOUND;
	}
	return e;
}

enum err
tls_ocsp_question(struct str chain_pem, struct buf *out)
{
	OCSP_REQUEST *q = NULL;
	OCSP_CERTID *id = NULL;
	unsigned char *der = NULL;
	struct chain c;
	int len = -1;
	enum err e = read_chain(chain_pem, &c);

	if (e != ERR_OK)
		return e;
	q = OCSP_REQUEST_new();
	id = OCSP_cert_to_id(NULL, c.cert[0], c.cert[1]);
	if (q && id && OCSP_request_add0_id(q, id)) {
		id = NULL; /* the request's now */
		len = i2d_OCSP_REQUEST(q, &der);
	}
	if (len > 0)
		buf_add(out, der, (size_t)len);
	OPENSSL_free(der);
	OCSP_CERTID_free(id);
	OCSP_REQUEST_free(q);
	certview_drop(c.cert, c.n);
	ERR_clear_error();
	return len > 0 ? buf_end(out) : ERR_NOMEM;
}

/* The issuer alone is believed, root or not; who signs in its name shows its certificate. */
static bool
is_signed(OCSP_BASICRESP *basic, const struct chain *c)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *more = sk_X509_new_null();
	bool ok = store && more && X509_STORE_add_cert(store, c->cert[1]) == 1 &&
		  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
		  sk_X509_push(more, c->cert[1]) > 0 &&
		  OCSP_basic_verify(basic, more, store, 0) == 1;

	sk_X509_free(more);
	X509_STORE_free(store);
	return ok;
}

static const char *
judge_status(OCSP_BASICRESP *basic, const struct chain *c, int64_t now_us,
	     struct tls_ocsp_good *out)
{
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, c->cert[0], c->cert[1]);
	ASN1_GENERALIZEDTIME *since = NULL, *from = NULL, *until = NULL;
	int status = -1, why = -1;
	bool found = id && OCSP_resp_find_status(basic, id, &status, &why, &since, &from, &until);

	OCSP_CERTID_free(id);
	if (!found)
		return "it is not about our certificate";
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return "our certificate is revoked; get another one";
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return "the authority does not know our certificate";
	if (!from || !certview_time(from, &out->this_us))
		return "it has no date";
	out->next_us = 0;
	if (until && !certview_time(until, &out->next_us))
		return "its next date cannot be read";
	if (out->this_us > now_us + (int64_t)TLS_OCSP_SKEW_S * CLOCK_S)
		return "it is of the future; compare the clocks";
	if (out->next_us && out->next_us <= now_us)
		return "it has run out";
	return NULL;
}

enum err
tls_ocsp_judge(struct str chain_pem, struct str answer, int64_t now_us, struct tls_ocsp_good *out,
	       struct buf *why)
{
	const unsigned char *p = (const unsigned char *)answer.p;
	unsigned len = sizeof(out->fingerprint);
	OCSP_BASICRESP *basic = NULL;
	OCSP_RESPONSE *r = NULL;
	const char *wrong = "it is no OCSP answer";
	struct tls_ocsp_good good = {0};
	struct chain c;
	enum err e = read_chain(chain_pem, &c);

	if (e != ERR_OK)
		return e;
	if (answer.len && answer.len <= TLS_OCSP_MAX)
		r = d2i_OCSP_RESPONSE(NULL, &p, (long)answer.len);
	if (r && OCSP_response_status(r) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		wrong = OCSP_response_status_str(OCSP_response_status(r));
	else if (r)
		basic = OCSP_response_get1_basic(r);
	if (basic)
		wrong = is_signed(basic, &c) ? judge_status(basic, &c, now_us, &good)
					     : "its signature is not the authority's";
	if (!wrong && X509_digest(c.cert[0], EVP_sha256(), good.fingerprint, &len) == 1)
		*out = good;
	else
		buf_z(why, wrong ? wrong : "no memory");
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(r);
	certview_drop(c.cert, c.n);
	ERR_clear_error();
	return wrong ? ERR_REFUSED : ERR_OK;
}
