#include "net/tlsctx.h"

#include <string.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/clock.h"
#include "base/guard.h"
#include "base/mem.h"
#include "net/certview.h"

enum {
	RSA_BITS_MIN = 2048,
	CHAIN_READ_MAX = 512, /* certificates of a PEM file that is described */
	STAPLE_FEATURE = 5    /* status_request, RFC 7633 4.2 */
};

/* ---- contexts: what we load of our own ---- */

/* Our certificate and key, as they come out of the PEM texts. */
struct own {
	X509 *chain[CERT_CHAIN_MAX];
	size_t n_chain;
	EVP_PKEY *key;
};

static enum err
complain(struct buf *why, struct str label, const char *what)
{
	buf_printf(why, "%.*s: %s", STR_ARG(label), what);
	return ERR_CONFIG;
}

static enum err
load_own(const struct tls_conf *c, struct buf *why, struct own *o)
{
	enum err e = certview_read_pem(c->chain_pem, o->chain, CERT_CHAIN_MAX, &o->n_chain);

	if (e == ERR_LONG)
		return complain(why, c->chain_label,
				"too many certificates; only ours and its intermediates, in order, "
				"belong there");
	if (e != ERR_OK)
		return complain(why, c->chain_label,
				"no readable PEM certificate; put our certificate there first, "
				"then its intermediates");
	for (size_t i = 0; i + 1 < o->n_chain; i++)
		if (X509_check_issued(o->chain[i + 1], o->chain[i]) != X509_V_OK)
			return complain(why, c->chain_label,
					"the certificates are not in order: each must be issued by "
					"the next one");
	e = certview_read_key(c->key_pem, &o->key);
	if (e == ERR_UNSUPPORTED)
		return complain(why, c->key_label,
				"the key has a pass phrase; store it without, readable by postern "
				"only");
	if (e != ERR_OK)
		return complain(why, c->key_label, "no readable PEM private key");
	if (X509_check_private_key(o->chain[0], o->key) != 1) {
		complain(why, c->key_label, "this key does not belong to the certificate in ");
		buf_str(why, c->chain_label);
		return ERR_CONFIG;
	}
	return ERR_OK;
}

static void
drop_own(struct own *o)
{
	certview_drop(o->chain, o->n_chain);
	EVP_PKEY_free(o->key);
}

/* Does our certificate fit the profile? A warning is no error. */
static enum err
check_own(const struct tls_conf *c, const struct tls_profile_row *p, X509 *leaf, struct buf *why)
{
	struct certview cv;
	enum err e = certview_init(&cv, leaf, NULL);

	if (e != ERR_OK)
		complain(why, c->chain_label, "our certificate cannot be read");
	else if (p->rsa_only && cv.v.key != CERT_KEY_RSA)
		e = complain(why, c->chain_label,
			     "the key is not RSA, but profile carrier uses RSA keys only; get an "
			     "RSA certificate, or use profile modern");
	else if (cv.v.key == CERT_KEY_RSA && cv.v.bits < RSA_BITS_MIN)
		e = complain(why, c->chain_label,
			     "the RSA key has less than 2048 bits; get a certificate for a longer "
			     "one");
	else if (p->rsa_only && c->server && cv.v.ku_present && !cv.v.ku_key_encipherment)
		e = complain(why, c->chain_label,
			     "its key usage lacks keyEncipherment, which RSA key exchange (profile "
			     "carrier) needs");
	else if (cv.v.not_after_us < clock_wall_us())
		complain(why, c->chain_label, "warning: our certificate has expired; renew it");
	certview_fini(&cv);
	return e;
}

/* ---- contexts: the library's ---- */

static bool
install_own(SSL_CTX *ctx, struct own *o)
{
	if (SSL_CTX_use_certificate(ctx, o->chain[0]) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, o->key) != 1)
		return false;
	for (size_t i = 1; i < o->n_chain; i++)
		if (SSL_CTX_add1_chain_cert(ctx, o->chain[i]) != 1)
			return false;
	return true;
}

/* No resumption in any form: a resumed session skips the certificate (reliability A2). */
static void
forbid(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	if (GUARD(A2, false))
		return;
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
}

static int
pass_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls_hook *hook = SSL_get_app_data(ssl);

	(void)arg;
	return hook->on_hello(hook, ssl, alert) ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

/* Instead of the library's own verification: trust is swapped apart from contexts, and whose
 * private CA counts depends on the account. */
static int
pass_verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_hook *hook = SSL_get_app_data(ssl);

	(void)arg;
	return hook->on_verify(hook, store);
}

/* The peer asked for our certificate's status. */
static int
give_staple(SSL *ssl, void *arg)
{
	const struct tls_ctx *ctx = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	unsigned char *copy;

	(void)arg;
	if (!ctx || !ctx->staple)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(ctx->staple, ctx->staple_len); /* the library frees it */
	if (!copy)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)ctx->staple_len);
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
make_library_ctx(const struct tls_conf *c, const struct tls_profile_row *p, struct own *o)
{
	static const unsigned char id[] = "postern";
	SSL_CTX *ctx = SSL_CTX_new(c->server ? TLS_server_method() : TLS_client_method());

	if (!ctx)
		return NULL;
	forbid(ctx);
	if (!tls_profile_install(ctx, p) || !install_own(ctx, o) ||
	    SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_max_cert_list(ctx, TLS_PEER_CHAIN_MAX);
	SSL_CTX_set_cert_verify_callback(ctx, pass_verify, NULL);
	if (c->server) {
		SSL_CTX_set_client_hello_cb(ctx, pass_hello, NULL);
		SSL_CTX_set_tlsext_status_cb(ctx, give_staple);
	}
	return ctx;
}

static struct str
without_dot(struct str s)
{
	return s.len > 1 && s.p[s.len - 1] == '.' ? str_sub(s, 0, s.len - 1) : s;
}

static enum err
keep_staple(struct tls_ctx *ctx, struct str staple)
{
	if (staple.len == 0)
		return ERR_OK;
	if (staple.len > TLS_STAPLE_MAX)
		return ERR_LONG;
	ctx->staple = mem_zalloc(1, staple.len);
	if (!ctx->staple)
		return ERR_NOMEM;
	memcpy(ctx->staple, staple.p, staple.len);
	ctx->staple_len = staple.len;
	return ERR_OK;
}

enum err
tls_ctx_new(const struct tls_conf *conf, struct buf *why, struct tls_ctx **out)
{
	const struct tls_profile_row *p = conf->own ? conf->own : tls_profile_row(conf->profile);
	struct tls_ctx *ctx = mem_zalloc(1, sizeof(*ctx));
	struct own *own = mem_zalloc(1, sizeof(*own));
	enum err e = ctx && own ? ERR_OK : ERR_NOMEM;

	if (e == ERR_OK)
		e = str_copyz(ctx->fqdn, sizeof(ctx->fqdn), without_dot(conf->fqdn));
	if (e == ERR_OK)
		e = load_own(conf, why, own);
	if (e == ERR_OK)
		e = check_own(conf, p, own->chain[0], why);
	if (e == ERR_OK)
		e = keep_staple(ctx, conf->staple);
	if (e == ERR_OK) {
		ctx->ssl = make_library_ctx(conf, p, own);
		if (!ctx->ssl)
			e = complain(why, conf->chain_label, "not usable for TLS: ");
		if (!ctx->ssl)
			buf_z(why, ERR_reason_error_string(ERR_peek_last_error()));
	}
	ERR_clear_error();
	if (own)
		drop_own(own);
	mem_free(own);
	if (e != ERR_OK) {
		if (ctx)
			mem_free(ctx->staple);
		mem_free(ctx);
		return e;
	}
	atomic_init(&ctx->refs, 1);
	SSL_CTX_set_app_data(ctx->ssl, ctx);
	ctx->profile = *p;
	ctx->zone = conf->zone;
	ctx->server = conf->server;
	ctx->client = conf->client;
	*out = ctx;
	return ERR_OK;
}

/* SSL_set_SSL_CTX takes over certificate and signature algorithms, but not what an SSL copied from
 * its first context: versions and TLS 1.3 suites. */
bool
tls_ctx_switch(const struct tls_ctx *to, SSL *ssl)
{
	return SSL_set_SSL_CTX(ssl, to->ssl) == to->ssl && tls_profile_switch(ssl, &to->profile);
}

struct tls_ctx *
tls_ctx_ref(struct tls_ctx *ctx)
{
	atomic_fetch_add(&ctx->refs, 1);
	return ctx;
}

void
tls_ctx_unref(struct tls_ctx **ctx)
{
	struct tls_ctx *c = *ctx;

	*ctx = NULL;
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	SSL_CTX_free(c->ssl);
	mem_free(c->staple);
	mem_free(c);
}

uint16_t
tls_ctx_zone(const struct tls_ctx *ctx)
{
	return ctx->zone;
}

enum tls_client
tls_ctx_client(const struct tls_ctx *ctx)
{
	return ctx->client;
}

const struct tls_profile_row *
tls_ctx_profile(const struct tls_ctx *ctx)
{
	return &ctx->profile;
}

enum err
tls_zones_new(struct tls_ctx *const *ctx, size_t n, struct tls_zones **out)
{
	struct tls_zones *z;

	if (n == 0 || n > TLS_ZONES_MAX)
		return ERR_RANGE;
	z = mem_zalloc(1, sizeof(*z));
	if (!z)
		return ERR_NOMEM;
	atomic_init(&z->refs, 1);
	z->n = n;
	for (size_t i = 0; i < n; i++)
		z->ctx[i] = tls_ctx_ref(ctx[i]);
	*out = z;
	return ERR_OK;
}

struct tls_zones *
tls_zones_ref(struct tls_zones *z)
{
	atomic_fetch_add(&z->refs, 1);
	return z;
}

void
tls_zones_unref(struct tls_zones **zones)
{
	struct tls_zones *z = *zones;

	*zones = NULL;
	if (!z || atomic_fetch_sub(&z->refs, 1) != 1)
		return;
	for (size_t i = 0; i < z->n; i++)
		tls_ctx_unref(&z->ctx[i]);
	mem_free(z);
}

static void
fill_info(struct tls_cert_info *info, const struct cert_view *v, size_t n_chain)
{
	struct buf b;

	*info = (struct tls_cert_info){.not_before_us = v->not_before_us,
				       .not_after_us = v->not_after_us,
				       .key = v->key,
				       .bits = v->bits,
				       .n_chain = (uint16_t)n_chain,
				       .self_signed = v->self_signed,
				       .ku_key_encipherment = v->ku_key_encipherment,
				       .eku_server = v->eku_server,
				       .eku_client = v->eku_client};
	memcpy(info->fingerprint, v->fingerprint, sizeof(info->fingerprint));
	buf_init(&b, info->subject, sizeof(info->subject));
	buf_str(&b, v->subject);
	buf_cstr(&b);
	buf_init(&b, info->issuer, sizeof(info->issuer));
	buf_str(&b, v->issuer);
	buf_cstr(&b);
	buf_init(&b, info->names, sizeof(info->names));
	certpolicy_put_names(&b, v);
	buf_cstr(&b);
}

/* RFC 7633: its authority promises clients a staple. */
static bool
wants_staple(const X509 *x)
{
	STACK_OF(ASN1_INTEGER) *features = X509_get_ext_d2i(x, NID_tlsfeature, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
		found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == STAPLE_FEATURE;
	sk_ASN1_INTEGER_pop_free(features, ASN1_INTEGER_free);
	return found;
}

/* Describe and, where fqdn is not empty, match the first certificate of a PEM text. */
static enum err
describe(struct str pem, struct str fqdn, struct tls_cert_info *info, bool *covers)
{
	X509 *chain[CHAIN_READ_MAX];
	struct certview_names names;
	struct certview cv;
	size_t n;
	enum err e = certview_read_pem(pem, chain, ARRAY_LEN(chain), &n);

	if (e != ERR_OK)
		return ERR_SYNTAX;
	e = certview_init(&cv, chain[0], &names);
	if (e == ERR_OK) {
		fill_info(info, &cv.v, n);
		info->must_staple = wants_staple(chain[0]);
	}
	if (e == ERR_OK)
		*covers = certpolicy_match(&cv.v, fqdn) != CERT_MATCH_NO;
	certview_fini(&cv);
	certview_drop(chain, n);
	return e;
}

enum err
tls_cert_info(struct str pem, struct tls_cert_info *out)
{
	bool covers;

	return describe(pem, STR_NULL, out, &covers);
}

bool
tls_cert_covers(struct str chain_pem, struct str fqdn)
{
	struct tls_cert_info info;
	bool covers;

	return describe(chain_pem, fqdn, &info, &covers) == ERR_OK && covers;
}
