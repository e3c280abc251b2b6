#include "net/tlspath.h"

#include <string.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/clock.h"
#include "base/guard.h"

enum { AUTH_LEVEL = 2 /* of the library: 112 bits in keys and digests */ };

/* One attempt of the library at a path. */
struct attempt {
	int error, depth;
	STACK_OF(X509) * chain; /* ours; leaf first, as far as it came */
	struct cert_root root;
};

/* ---- the leaf ---- */

void
tls_path_begin(struct tls_path *path, X509 *leaf, STACK_OF(X509) * shown)
{
	path->leaf = leaf;
	path->shown = shown;
	path->readable = certview_init(&path->cv[0], leaf, &path->names) == ERR_OK;
	path->v[0] = path->cv[0].v;
	path->v[0].sent = true;
	path->n = 1;
}

void
tls_path_end(struct tls_path *path)
{
	for (size_t i = 0; i < path->n; i++)
		certview_fini(&path->cv[i]);
	path->n = 0;
}

/* ---- the library's path ---- */

static bool
was_sent(const struct tls_path *path, const X509 *x)
{
	if (x == path->leaf)
		return true;
	for (int i = 0; i < sk_X509_num(path->shown); i++)
		if (X509_cmp(sk_X509_value(path->shown, i), x) == 0)
			return true;
	return false;
}

/* What was sent, and what the account keeps for equipment that does not send it. */
static STACK_OF(X509) *
	gather_untrusted(const struct tls_path *path, const struct tls_trust_own *own)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	bool ok = all != NULL;

	for (int i = 0; ok && i < sk_X509_num(path->shown); i++)
		ok = sk_X509_push(all, sk_X509_value(path->shown, i)) > 0;
	for (size_t i = 0; ok && own && i < own->n_intermediates; i++)
		ok = sk_X509_push(all, own->intermediate[i]) > 0;
	if (ok)
		return all;
	sk_X509_free(all);
	return NULL;
}

/* Purpose (EKU) and revocation are decided by our own rules, later. */
static bool
set_rules(X509_STORE_CTX *ctx, int64_t now_us)
{
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_time(p, (time_t)(now_us / CLOCK_S));
	X509_VERIFY_PARAM_set_depth(p, CERT_CHAIN_MAX - 2);
	X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
	return X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_TRUSTED_FIRST) == 1;
}

/* Whose is the root at the end of a good chain? */
static void
find_owner(const struct tls_trust_store *s, const struct tls_trust_own *own, struct attempt *a)
{
	X509 *top = sk_X509_value(a->chain, sk_X509_num(a->chain) - 1);
	uint8_t fingerprint[32];
	unsigned len = sizeof(fingerprint);

	if (X509_digest(top, EVP_sha256(), fingerprint, &len) != 1)
		return;
	for (size_t i = 0; i < s->n; i++) {
		const struct tls_trust_root *r = &s->root[i];

		if (memcmp(r->fingerprint, fingerprint, sizeof(fingerprint)) != 0)
			continue;
		a->root = (struct cert_root){.owner = r->owner, .authority = r->authority};
		a->root.name =
			r->owner == CERT_OWNER_ACCOUNT ? str_from(own->id) : str_from(r->label);
		return;
	}
}

static void
try_store(const struct tls_path *path, const struct tls_trust_store *s,
	  const struct tls_trust_own *own, STACK_OF(X509) * untrusted, int64_t now_us,
	  struct attempt *a)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	*a = (struct attempt){.error = X509_V_ERR_OUT_OF_MEM};
	if (ctx && X509_STORE_CTX_init(ctx, s->store, path->leaf, untrusted) == 1 &&
	    set_rules(ctx, now_us)) {
		int ok = X509_verify_cert(ctx);

		a->error = X509_STORE_CTX_get_error(ctx);
		a->depth = X509_STORE_CTX_get_error_depth(ctx);
		if (ok != 1 && a->error == X509_V_OK)
			a->error = X509_V_ERR_UNSPECIFIED;
		a->chain = X509_STORE_CTX_get1_chain(ctx);
		if (ok == 1)
			find_owner(s, own, a);
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
}

static bool
is_unknown(const struct attempt *a)
{
	return certview_fault(a->error) == CERT_FAULT_UNKNOWN_CA;
}

/* Two of one subject: a cross-signed issuer, of which the library looks at one only. */
static bool
has_twins(STACK_OF(X509) * all)
{
	for (int i = 1; i < sk_X509_num(all); i++)
		for (int k = 0; k < i; k++)
			if (X509_NAME_cmp(X509_get_subject_name(sk_X509_value(all, i)),
					  X509_get_subject_name(sk_X509_value(all, k))) == 0)
				return true;
	return false;
}

/* With each of the certificates first in turn, where that can make a difference. */
static void
try_orders(const struct tls_path *path, const struct tls_trust_store *s,
	   const struct tls_trust_own *own, STACK_OF(X509) * untrusted, int64_t now_us,
	   struct attempt *a)
{
	int turns = has_twins(untrusted) ? sk_X509_num(untrusted) : 1;

	try_store(path, s, own, untrusted, now_us, a);
	for (int i = 1; i < turns && is_unknown(a); i++) {
		X509 *first = sk_X509_shift(untrusted);

		if (sk_X509_push(untrusted, first) <= 0)
			return;
		sk_X509_pop_free(a->chain, X509_free);
		try_store(path, s, own, untrusted, now_us, a);
	}
}

/* The account's own CA first, then the zone's roots. What says more than "unknown" stands. */
static void
find_path(const struct tls_path *path, struct tls_trust *t, uint16_t zone,
	  const struct tls_trust_own *own, int64_t now_us, struct attempt *a)
{
	const struct tls_trust_store *s = t ? tls_trust_zone_of(t, zone) : NULL;
	STACK_OF(X509) *untrusted = gather_untrusted(path, own);
	struct attempt second;

	*a = (struct attempt){.error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY};
	if (!untrusted)
		a->error = X509_V_ERR_OUT_OF_MEM;
	else if (own && own->ca.n)
		try_orders(path, &own->ca, own, untrusted, now_us, a);
	if (untrusted && s && is_unknown(a)) {
		try_orders(path, s, own, untrusted, now_us, &second);
		sk_X509_pop_free(a->chain, X509_free);
		*a = second;
	}
	sk_X509_free(untrusted);
}

/* ---- in plain data ---- */

static void
view_chain(struct tls_path *path, const struct attempt *a)
{
	for (int i = 1; i < sk_X509_num(a->chain) && i < CERT_CHAIN_MAX && path->readable; i++) {
		X509 *x = sk_X509_value(a->chain, i);

		path->readable = certview_init(&path->cv[i], x, NULL) == ERR_OK;
		path->v[i] = path->cv[i].v;
		path->v[i].sent = was_sent(path, x);
		path->n++;
	}
}

/* Every certificate but the root against the lists. Only on good paths: their issuers are true. */
static void
ask_lists(struct tls_path *path, struct tls_trust *t, const struct attempt *a, int64_t now_us)
{
	struct tls_crls *crls = tls_trust_crls(t);

	for (int i = 0; i + 1 < sk_X509_num(a->chain) && i + 1 < CERT_CHAIN_MAX; i++) {
		X509 *issuer = sk_X509_value(a->chain, i + 1);

		tls_trust_note_issuer(t, issuer);
		path->v[i].revoked = tls_crls_ask(crls, sk_X509_value(a->chain, i), issuer, now_us,
						  &path->v[i].revoked_us);
	}
}

/* An intermediate of a good path that we had to fill in. */
static struct str
find_filled(const struct tls_path *path)
{
	for (size_t i = 1; i + 1 < path->n; i++)
		if (!path->v[i].sent)
			return path->v[i].subject;
	return STR_NULL;
}

static void
keep_record(const struct tls_path *path, const struct attempt *a, struct tls_record *r)
{
	r->n_chain = 0;
	r->n_ids = 0;
	r->until_us = 0;
	for (size_t i = 0; i < path->n; i++)
		if (r->until_us == 0 || path->v[i].not_after_us < r->until_us)
			r->until_us = path->v[i].not_after_us;
	for (size_t i = 0; i < path->n && i < TLS_RECORD_CERTS; i++) {
		X509 *x = i == 0 ? path->leaf : sk_X509_value(a->chain, (int)i);
		struct tls_record_cert *c = &r->chain[r->n_chain++];

		tls_record_cert(c, &path->v[i]);
		certview_crl_urls(x, c->crl, sizeof(c->crl));
		certview_id(x, &r->ids[r->n_ids++]);
	}
	(void)!str_copyz(r->authority, sizeof(r->authority), a->root.name);
}

/* A key in what was shown that nobody needs and that takes long to compute with. */
static const char *
find_costly(const struct tls_path *path)
{
	for (int i = 0; i < sk_X509_num(path->shown); i++) {
		const EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(path->shown, i));

		if (key && EVP_PKEY_get_bits(key) > CERT_RSA_BITS_MAX)
			return "a key in the chain has more than 8192 bits";
	}
	return NULL;
}

void
tls_path_judge(struct tls_path *path, const struct tls_path_terms *terms, struct tls_record *record,
	       struct cert_verdict *out)
{
	const struct cert_terms *asked = &terms->policy->terms;
	const struct tls_trust_own *own = tls_owns_find(terms->owns, asked->account);
	struct cert_chain_view chain = {.certs = path->v};
	struct attempt a = {.error = X509_V_ERR_CERT_CHAIN_TOO_LONG};
	const char *costly = find_costly(path);

	/* what only costs time is not verified (reliability D3) */
	if (GUARD(D3, sk_X509_num(path->shown) <= CERT_CHAIN_MAX && !costly))
		find_path(path, terms->trust, terms->zone, own, terms->now_us, &a);
	else if (costly)
		a.error = X509_V_ERR_UNSPECIFIED;
	view_chain(path, &a);
	if (a.error == X509_V_OK && asked->revocation != CERT_REVOCATION_OFF)
		ask_lists(path, terms->trust, &a, terms->now_us);
	chain.n = path->n;
	chain.fault = certview_fault(a.error);
	chain.fault_depth = a.depth < 0 ? 0 : (size_t)a.depth;
	chain.fault_text = str_from(costly ? costly : X509_verify_cert_error_string(a.error));
	chain.root = a.root;
	if (!path->readable)
		chain.fault = CERT_FAULT_MALFORMED;
	if (chain.fault == CERT_FAULT_NONE)
		chain.missing = find_filled(path);
	certpolicy_decide(&chain, &terms->ref, terms->ref.len ? 1 : 0, terms->policy, terms->now_us,
			  out);
	keep_record(path, &a, record);
	(void)!str_copyz(record->notes, sizeof(record->notes), str_from(out->notes));
	sk_X509_pop_free(a.chain, X509_free);
}
