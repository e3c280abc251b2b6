#include "net/dtls.h"

#include <string.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/buf.h"
#include "base/guard.h"
#include "base/random.h"
#include "base/secret.h"

enum {
	CERT_BACK_S = 86400, /* a peer whose clock is behind */
	CERT_DAYS = 3650,
	PROFILE_NAMES_MAX = 128,
	READ_MAX = 512,
};

static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static const char label[] = "EXTRACTOR-dtls_srtp"; /* RFC 5764 4.2 */

static const struct profile {
	const char *name;
	uint8_t number, key_len, salt_len;
} profiles[] = {
#define X(number, id, name, key, salt) {name, number, key, salt},
	DTLS_PROFILE_LIST(X)
#undef X
};

static const struct profile *
find_profile(unsigned number)
{
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++)
		if (profiles[i].number == number)
			return &profiles[i];
	return NULL;
}

/* ---- datagrams in and out: a BIO that keeps their borders ---- */

static int
put_datagram(BIO *bio, const char *p, int len)
{
	struct dtls *d = BIO_get_data(bio);
	unsigned at = d->next_out + d->n_out;

	if (len <= 0 || len > DTLS_SEND_MAX || d->n_out == DTLS_OUT_MAX)
		return len; /* as a network loses it */
	at %= DTLS_OUT_MAX;
	memcpy(d->out[at].p, p, (size_t)len);
	d->out[at].len = (uint16_t)len;
	d->n_out++;
	return len;
}

static int
get_datagram(BIO *bio, char *p, int len)
{
	struct dtls *d = BIO_get_data(bio);
	size_t n = d->in_len < (size_t)len ? d->in_len : (size_t)len;

	BIO_clear_retry_flags(bio);
	if (d->in_len == 0 || len <= 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(p, d->in, n);
	d->in_len = 0; /* what did not fit is lost, as with a socket */
	return (int)n;
}

static long
control_bio(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static int
create_bio(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

/* ---- our end ---- */

static bool
name_cert(X509 *x)
{
	static const unsigned char name[] = "postern";
	X509_NAME *n = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, n) == 1;
}

/* Who looks into it learns nothing: it means what its digest in SDP means. */
static X509 *
make_cert(EVP_PKEY *key)
{
	X509 *x = X509_new();
	uint64_t serial;

	random_bytes(&serial, sizeof(serial));
	if (x && X509_set_version(x, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1 | 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -CERT_BACK_S) &&
	    X509_time_adj_ex(X509_getm_notAfter(x), CERT_DAYS, 0, NULL) && name_cert(x) &&
	    X509_set_pubkey(x, key) == 1 && X509_sign(x, key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

/* The certificate is judged when the handshake is over, by its digest. */
static int
accept_any(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

static int
accept_each(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static bool
set_up_ctx(SSL_CTX *ctx, X509 *x, EVP_PKEY *key)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_each);
	SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ctx, 1); /* a datagram whole */
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, ciphers) == 1 && SSL_CTX_use_certificate(ctx, x) == 1 &&
	       SSL_CTX_use_PrivateKey(ctx, key) == 1;
}

static BIO_METHOD *
make_bio(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");

	if (m && BIO_meth_set_write(m, put_datagram) == 1 &&
	    BIO_meth_set_read(m, get_datagram) == 1 && BIO_meth_set_ctrl(m, control_bio) == 1 &&
	    BIO_meth_set_create(m, create_bio) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}

enum err
dtls_own_init(struct dtls_own *o)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = key ? make_cert(key) : NULL;
	struct dtls_own made = {.ctx = SSL_CTX_new(DTLS_method()), .bio = make_bio()};
	unsigned len = 0;
	enum err e = ERR_NOMEM;

	if (x && made.ctx && made.bio && set_up_ctx(made.ctx, x, key) &&
	    X509_digest(x, EVP_sha256(), made.print, &len) == 1 && len == DTLS_OWN_PRINT)
		e = ERR_OK;
	if (e == ERR_OK)
		*o = made;
	else
		dtls_own_fini(&made);
	X509_free(x);
	EVP_PKEY_free(key);
	return e;
}

void
dtls_own_fini(struct dtls_own *o)
{
	SSL_CTX_free(o->ctx);
	BIO_meth_free(o->bio);
	*o = (struct dtls_own){0};
}

/* ---- the end of a handshake ---- */

static void
fail(struct dtls *d, enum dtls_fault fault)
{
	d->state = DTLS_FAILED;
	d->fault = fault;
}

static bool
is_named(const struct dtls *d)
{
	const EVP_MD *md = d->conf.print_len == 32   ? EVP_sha256()
			   : d->conf.print_len == 48 ? EVP_sha384()
						     : EVP_sha512();
	X509 *x = SSL_get1_peer_certificate(d->ssl);
	uint8_t got[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool same = x && X509_digest(x, md, got, &len) == 1 && len == d->conf.print_len &&
		    secret_equal(got, d->conf.print, len);

	X509_free(x);
	return same;
}

/* RFC 5764 4.2: the client's key, the server's key, the client's salt, the server's salt. */
static void
cut_keys(struct dtls *d, const struct profile *p, const uint8_t *from)
{
	const uint8_t *key[2] = {from, from + p->key_len};
	const uint8_t *salt[2] = {from + 2 * p->key_len, from + 2 * p->key_len + p->salt_len};
	int in = d->conf.active; /* the server's, where we are the client */

	d->keys = (struct dtls_keys){
		.profile = p->number, .key_len = p->key_len, .salt_len = p->salt_len};
	memcpy(d->keys.in_key, key[in], p->key_len);
	memcpy(d->keys.in_salt, salt[in], p->salt_len);
	memcpy(d->keys.out_key, key[!in], p->key_len);
	memcpy(d->keys.out_salt, salt[!in], p->salt_len);
}

static void
finish(struct dtls *d)
{
	const SRTP_PROTECTION_PROFILE *got = SSL_get_selected_srtp_profile(d->ssl);
	const struct profile *p = got ? find_profile((unsigned)got->id) : NULL;
	uint8_t material[2 * (DTLS_KEY_MAX + DTLS_SALT_MAX)];

	if (!GUARD(M13, is_named(d))) {
		fail(d, DTLS_FAULT_PRINT);
		return;
	}
	if (!p) {
		fail(d, DTLS_FAULT_PROFILE);
		return;
	}
	if (SSL_export_keying_material(d->ssl, material, 2u * (p->key_len + p->salt_len), label,
				       sizeof(label) - 1, NULL, 0, 0) != 1) {
		fail(d, DTLS_FAULT_BROKEN);
		return;
	}
	cut_keys(d, p, material);
	secret_wipe(material, sizeof(material));
	d->state = DTLS_UP;
}

static void
step(struct dtls *d)
{
	char ignored[READ_MAX];
	int r;

	ERR_clear_error();
	if (d->state == DTLS_UP) { /* repeats are answered in here; alerts mean nothing to a call */
		(void)SSL_read(d->ssl, ignored, sizeof(ignored));
		return;
	}
	if (d->state == DTLS_FAILED)
		return;
	r = SSL_do_handshake(d->ssl);
	if (r == 1)
		finish(d);
	else if (SSL_get_error(d->ssl, r) != SSL_ERROR_WANT_READ)
		fail(d, DTLS_FAULT_BROKEN);
	ERR_clear_error();
}

/* ---- an association ---- */

static unsigned
choose_wait(SSL *ssl, unsigned before_us)
{
	const struct dtls *d = SSL_get_app_data(ssl);
	unsigned first = d->conf.first_us ? d->conf.first_us : DTLS_FIRST_US;

	if (before_us == 0)
		return first;
	return before_us >= DTLS_SLOWEST_US / 2 ? DTLS_SLOWEST_US : 2 * before_us;
}

static bool
set_profiles(SSL *ssl, const struct dtls_conf *c)
{
	char names[PROFILE_NAMES_MAX];
	struct buf b;

	buf_init(&b, names, sizeof(names));
	for (unsigned i = 0; i < c->n_profiles; i++) {
		buf_z(&b, i ? ":" : "");
		buf_z(&b, find_profile(c->profile[i])->name);
	}
	return buf_end(&b) == ERR_OK && SSL_set_tlsext_use_srtp(ssl, buf_cstr(&b)) == 0;
}

static bool
is_sound(const struct dtls_conf *c)
{
	if (c->n_profiles == 0 || c->n_profiles > DTLS_PROFILES)
		return false;
	for (unsigned i = 0; i < c->n_profiles; i++)
		if (!find_profile(c->profile[i]))
			return false;
	return c->print_len == 32 || c->print_len == 48 || c->print_len == 64;
}

enum err
dtls_init(struct dtls *d, const struct dtls_own *own, const struct dtls_conf *c)
{
	BIO *bio;

	memset(d, 0, sizeof(*d));
	if (!is_sound(c))
		return ERR_RANGE;
	d->conf = *c;
	d->ssl = SSL_new(own->ctx);
	bio = BIO_new(own->bio);
	if (!d->ssl || !bio) {
		BIO_free(bio);
		dtls_fini(d);
		return ERR_NOMEM;
	}
	BIO_set_data(bio, d);
	SSL_set_bio(d->ssl, bio, bio);
	if (SSL_set_app_data(d->ssl, d) != 1 || !set_profiles(d->ssl, c) ||
	    SSL_set_mtu(d->ssl, DTLS_SEND_MAX) != DTLS_SEND_MAX) {
		dtls_fini(d);
		return ERR_NOMEM;
	}
	DTLS_set_timer_cb(d->ssl, choose_wait);
	if (c->active)
		SSL_set_connect_state(d->ssl);
	else
		SSL_set_accept_state(d->ssl);
	step(d);
	return ERR_OK;
}

void
dtls_fini(struct dtls *d)
{
	SSL_free(d->ssl);
	secret_wipe(d, sizeof(*d));
}

void
dtls_take(struct dtls *d, const void *p, size_t len)
{
	d->in = p;
	d->in_len = len;
	step(d);
	d->in = NULL;
	d->in_len = 0;
}

bool
dtls_give(struct dtls *d, struct str *out)
{
	if (d->n_out == 0)
		return false;
	*out = str_of((const char *)d->out[d->next_out].p, d->out[d->next_out].len);
	d->next_out = (d->next_out + 1) % DTLS_OUT_MAX;
	d->n_out--;
	return true;
}

uint64_t
dtls_wait_us(const struct dtls *d)
{
	struct timeval left;

	if (d->state == DTLS_FAILED || !DTLSv1_get_timeout(d->ssl, &left))
		return UINT64_MAX;
	return (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec;
}

void
dtls_late(struct dtls *d)
{
	ERR_clear_error();
	if (d->state != DTLS_FAILED && DTLSv1_handle_timeout(d->ssl) < 0 &&
	    d->state == DTLS_SHAKING)
		fail(d, DTLS_FAULT_BROKEN);
	ERR_clear_error();
}

bool
dtls_take_keys(struct dtls *d, struct dtls_keys *out)
{
	if (d->state != DTLS_UP || d->keys.profile == DTLS_PROFILE_NONE)
		return false;
	*out = d->keys;
	secret_wipe(&d->keys, sizeof(d->keys));
	return true;
}
