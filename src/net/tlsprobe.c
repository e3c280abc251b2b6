#include "net/tlsprobe.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/clock.h"
#include "base/mem.h"
#include "net/certview.h"
#include "net/tcp.h"
#include "net/tlsrecord.h"

enum {
	MSG_HELLO_REQUEST = 0, /* handshake messages, RFC 5246 7.4 */
	MSG_SERVER_HELLO = 2,
	MSG_CERTIFICATE = 11,
	MSG_REQUEST = 13,
	EMPTY_CERTIFICATE = 8, /* bytes of a Certificate message that may have none inside */
	ALERT_FATAL = 2,
	POLL_MAX_MS = 200,
};

/* What a wide look takes: everything that the library can still do. */
static const char wide_sigalgs[] =
	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:"
	"rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512:RSA+SHA224:RSA+SHA1:ECDSA+SHA1";

struct tlsprobe {
	struct tls_hook hook; /* first: the context calls back through it */
	SSL *ssl;
	int fd;
	const _Atomic bool *stop;
	struct tlsprobe_result *res; /* while the handshake runs; then own */
	struct tlsprobe_result own;
};

static void
put_why(struct tlsprobe_result *r, const char *z)
{
	(void)!str_copyz(r->why, sizeof(r->why), str_sub(str_from(z), 0, sizeof(r->why) - 1));
}

/* ---- waiting ---- */

/* TIMEOUT at the deadline, or when it shall stop. */
static enum err
wait_for(int fd, const _Atomic bool *stop, short events, uint64_t due_us)
{
	for (;;) {
		uint64_t now = clock_now_us();
		struct pollfd p = {.fd = fd, .events = events};
		uint64_t ms = now >= due_us ? 0 : (due_us - now) / CLOCK_MS + 1;
		int n = poll(&p, 1, ms > POLL_MAX_MS ? POLL_MAX_MS : (int)ms);

		if (n > 0)
			return ERR_OK;
		if (n < 0 && errno != EINTR)
			return ERR_IO;
		if (now >= due_us || (stop && atomic_load(stop)))
			return ERR_TIMEOUT;
	}
}

/* The descriptor, connected, or -1 with res->error. */
static int
connect_to(const struct tlsprobe_conf *c, struct tlsprobe_result *r)
{
	uint64_t began = clock_now_us();
	socklen_t len = sizeof(int);
	int fd = -1, error = 0;
	enum err e = tcp_dial(&c->peer, c->local.family ? &c->local : NULL, NULL, &fd);

	r->tried = true;
	if (e != ERR_OK) {
		r->error = errno ? errno : EIO;
		return -1;
	}
	e = wait_for(fd, c->stop, POLLOUT, c->due_us);
	if (e == ERR_TIMEOUT)
		error = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	r->connect_us = clock_now_us() - began;
	r->error = error;
	r->connected = error == 0;
	if (error) {
		close(fd);
		return -1;
	}
	return fd;
}

void
tlsprobe_tcp(const struct tlsprobe_conf *c, struct tlsprobe_result *r)
{
	int fd;

	*r = (struct tlsprobe_result){.alert_received = -1, .alert_sent = -1};
	fd = connect_to(c, r);
	if (fd >= 0)
		close(fd);
}

/* ---- what the library tells ---- */

static void
note_message(int write_p, int version, int content_type, const void *buf, size_t len, SSL *ssl,
	     void *arg)
{
	const struct tlsprobe *t = arg;
	const uint8_t *p = buf;

	(void)version;
	(void)ssl;
	if (content_type != SSL3_RT_HANDSHAKE || len == 0)
		return;
	if (write_p)
		t->res->shown |= p[0] == MSG_CERTIFICATE && len > EMPTY_CERTIFICATE;
	else if (p[0] != MSG_HELLO_REQUEST && p[0] != MSG_SERVER_HELLO)
		t->res->hello = true; /* the library found its ServerHello good */
	if (!write_p)
		t->res->asked |= p[0] == MSG_REQUEST;
}

static void
note_alert(const SSL *ssl, int where, int ret)
{
	const struct tls_hook *hook = SSL_get_app_data(ssl);
	const struct tlsprobe *t = (const struct tlsprobe *)hook;

	if (!(where & SSL_CB_ALERT) || ret >> 8 != ALERT_FATAL)
		return;
	if (where & SSL_CB_READ)
		t->res->alert_received = (int16_t)(ret & 0xff);
	else
		t->res->alert_sent = (int16_t)(ret & 0xff);
}

/* ---- setting up ---- */

static bool
set_wide(SSL *ssl, const struct tlsprobe_conf *c)
{
	char sigalgs[sizeof(wide_sigalgs)]; /* the library's macro wants it writable */

	memcpy(sigalgs, wide_sigalgs, sizeof(sigalgs));
	SSL_set_security_level(ssl, 0);
	SSL_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
	return SSL_set_min_proto_version(ssl, c->min) == 1 &&
	       SSL_set_max_proto_version(ssl, c->max) == 1 &&
	       SSL_set_cipher_list(ssl, c->suites) == 1 &&
	       SSL_set_ciphersuites(ssl, c->suites13 ? c->suites13 : "") == 1 &&
	       SSL_set1_sigalgs_list(ssl, sigalgs) == 1;
}

/* What was sent is judged afterwards. */
static int
take_any(struct tls_hook *hook, X509_STORE_CTX *store)
{
	(void)hook;
	(void)store;
	return 1;
}

static bool
set_up(struct tlsprobe *t, const struct tlsprobe_conf *c)
{
	char sni[TLS_FQDN_MAX]; /* the library's macro wants it writable */
	SSL *ssl = SSL_new(c->ctx->ssl);

	t->ssl = ssl;
	if (!ssl || str_copyz(sni, sizeof(sni), str_from(c->sni)) != ERR_OK ||
	    SSL_set_fd(ssl, t->fd) != 1)
		return false;
	t->hook.on_verify = take_any;
	SSL_set_app_data(ssl, &t->hook);
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	SSL_set_info_callback(ssl, note_alert);
	SSL_set_msg_callback(ssl, note_message);
	SSL_set_msg_callback_arg(ssl, t);
	if (c->suites && !set_wide(ssl, c))
		return false;
	if (!c->show)
		SSL_certs_clear(ssl);
	if (sni[0] && SSL_set_tlsext_host_name(ssl, sni) != 1)
		return false;
	SSL_set_connect_state(ssl);
	return true;
}

void
tlsprobe_terms(const struct tls_ctx *ctx, struct tlsprobe_terms *out)
{
	STACK_OF(SSL_CIPHER) *suites = SSL_CTX_get_ciphers(ctx->ssl);
	X509 *own = SSL_CTX_get0_certificate(ctx->ssl);

	*out = (struct tlsprobe_terms){.min = (uint16_t)ctx->profile.min,
				       .max = (uint16_t)ctx->profile.max,
				       .rsa_only = ctx->profile.rsa_only};
	(void)!str_copyz(out->word, sizeof(out->word), str_from(ctx->profile.word));
	(void)!str_copyz(out->shown, sizeof(out->shown), str_from(ctx->profile.shown));
	for (int i = 0; i < sk_SSL_CIPHER_num(suites) && out->n_suites < TLSPROBE_SUITES_MAX; i++) {
		const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(suites, i));

		(void)!str_copyz(out->suite[out->n_suites++], sizeof(out->suite[0]),
				 str_from(name));
	}
	tlschain_describe(own, &out->own);
}

/* ---- the certificates, and the request for ours ---- */

static void
look_at_chain(const struct tlsprobe *t, const struct tlsprobe_conf *c, struct str name,
	      struct tlsprobe_chain *out)
{
	const struct tlschain_terms terms = {.trust = c->trust,
					     .owns = c->owns,
					     .account = c->account,
					     .zone = c->ctx->zone,
					     .name = name};

	if (out)
		tlschain_look(SSL_get_peer_cert_chain(t->ssl), &terms, out);
}

static bool
is_ours(SSL *ssl, const X509_NAME *ca)
{
	STACK_OF(X509) *chain = NULL;
	const X509 *leaf = SSL_get_certificate(ssl);

	if (leaf && X509_NAME_cmp(X509_get_issuer_name(leaf), ca) == 0)
		return true;
	if (SSL_get0_chain_certs(ssl, &chain) != 1)
		return false;
	for (int i = 0; i < sk_X509_num(chain); i++)
		if (X509_NAME_cmp(X509_get_issuer_name(sk_X509_value(chain, i)), ca) == 0)
			return true;
	return false;
}

static void
keep_asks(const struct tlsprobe *t, struct tlsprobe_asks *out)
{
	const STACK_OF(X509_NAME) *cas = SSL_get0_peer_CA_list(t->ssl);
	int n = out && cas ? sk_X509_NAME_num(cas) : 0;

	for (int i = 0; i < n; i++) {
		const X509_NAME *ca = sk_X509_NAME_value(cas, i);

		out->has_ours |= is_ours(t->ssl, ca);
		if (out->n_cas < TLSPROBE_CAS_MAX)
			X509_NAME_oneline(ca, out->ca[out->n_cas], TLSPROBE_NAME_MAX);
		out->n_cas++;
	}
}

/* ---- the handshake ---- */

static void
explain(struct tlsprobe_result *r, int ssl_error)
{
	unsigned long e = ERR_peek_error();
	int reason = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;
	const char *text = e ? ERR_reason_error_string(e) : NULL;

	r->not_tls = !r->hello && r->alert_received < 0 && reason == SSL_R_WRONG_VERSION_NUMBER;
	if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		text = "closed by the other side in the middle of the handshake";
	else if (ssl_error == SSL_ERROR_SYSCALL && e == 0)
		text = "reset by the other side in the middle of the handshake";
	put_why(r, text ? text : "unknown error");
}

/* One step after another until it is done or the deadline. */
static bool
shake_hands(struct tlsprobe *t, uint64_t due_us)
{
	for (;;) {
		int ret, what;
		enum err e;

		ERR_clear_error();
		ret = SSL_do_handshake(t->ssl);
		if (ret == 1)
			return true;
		what = SSL_get_error(t->ssl, ret);
		if (what != SSL_ERROR_WANT_READ && what != SSL_ERROR_WANT_WRITE) {
			explain(t->res, what);
			return false;
		}
		e = wait_for(t->fd, t->stop, what == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT,
			     due_us);
		if (e != ERR_OK) {
			t->res->silent = e == ERR_TIMEOUT;
			put_why(t->res, "it did not go on with the handshake in time");
			return false;
		}
	}
}

/* TLS 1.3 lets the client finish first: a refusal of our certificate comes behind that. */
static bool
was_taken_back(struct tlsprobe *t)
{
	char scrap[16];
	size_t n;
	int ret, what;

	if (SSL_version(t->ssl) != TLS1_3_VERSION || !t->res->asked)
		return false;
	if (wait_for(t->fd, t->stop, POLLIN, clock_now_us() + TLSPROBE_SETTLE_MS * CLOCK_MS) !=
	    ERR_OK)
		return false;
	ERR_clear_error();
	ret = SSL_peek_ex(t->ssl, scrap, sizeof(scrap), &n);
	what = SSL_get_error(t->ssl, ret);
	if (ret == 1 || what == SSL_ERROR_WANT_READ)
		return false;
	explain(t->res, what);
	return true;
}

static void
keep_outcome(struct tlsprobe *t)
{
	const SSL_CIPHER *suite = SSL_get_current_cipher(t->ssl);
	X509 *leaf = SSL_get0_peer_certificate(t->ssl);
	unsigned len = sizeof(t->res->leaf);

	t->res->version = t->res->hello ? (uint16_t)SSL_version(t->ssl) : 0;
	if (!suite)
		suite = SSL_get_pending_cipher(t->ssl);
	if (t->res->hello && suite)
		(void)!str_copyz(t->res->suite, sizeof(t->res->suite),
				 str_from(SSL_CIPHER_get_name(suite)));
	t->res->has_leaf = leaf && X509_digest(leaf, EVP_sha256(), t->res->leaf, &len) == 1;
}

enum err
tlsprobe_open(const struct tlsprobe_conf *c, struct str name, struct tlsprobe_result *r,
	      struct tlsprobe_chain *chain, struct tlsprobe_asks *asks, struct tlsprobe **out)
{
	struct tlsprobe *t = mem_zalloc(1, sizeof(*t));
	uint64_t began;

	*r = (struct tlsprobe_result){.alert_received = -1, .alert_sent = -1};
	if (out)
		*out = NULL;
	if (!t)
		return ERR_NOMEM;
	t->res = r;
	t->stop = c->stop;
	t->fd = connect_to(c, r);
	if (t->fd < 0) {
		mem_free(t);
		return ERR_OK;
	}
	if (!set_up(t, c)) {
		tlsprobe_close(&t);
		ERR_clear_error();
		return ERR_NOMEM;
	}
	began = clock_now_us();
	r->done = shake_hands(t, c->due_us) && !was_taken_back(t);
	r->handshake_us = clock_now_us() - began;
	keep_outcome(t);
	look_at_chain(t, c, name, chain);
	keep_asks(t, asks);
	ERR_clear_error();
	if (out && r->done) {
		t->own = *r;
		t->res = &t->own;
		*out = t;
	} else {
		tlsprobe_close(&t);
	}
	return ERR_OK;
}

/* ---- the connection ---- */

enum err
tlsprobe_read(struct tlsprobe *t, void *p, size_t cap, uint64_t due_us, size_t *out_len)
{
	for (;;) {
		size_t n;
		int ret, what;
		enum err e;

		ERR_clear_error();
		ret = SSL_read_ex(t->ssl, p, cap, &n);
		if (ret == 1) {
			*out_len = n;
			return ERR_OK;
		}
		what = SSL_get_error(t->ssl, ret);
		if (what == SSL_ERROR_ZERO_RETURN)
			return ERR_CLOSED;
		if (what != SSL_ERROR_WANT_READ && what != SSL_ERROR_WANT_WRITE) {
			ERR_clear_error();
			return t->own.alert_received < 0 ? ERR_CLOSED : ERR_IO;
		}
		e = wait_for(t->fd, t->stop, what == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT,
			     due_us);
		if (e != ERR_OK)
			return e;
	}
}

enum err
tlsprobe_write(struct tlsprobe *t, struct str bytes, uint64_t due_us)
{
	while (bytes.len) {
		size_t n;
		int ret, what;
		enum err e;

		ERR_clear_error();
		ret = SSL_write_ex(t->ssl, bytes.p, bytes.len, &n);
		if (ret == 1) {
			bytes = str_from_at(bytes, n);
			continue;
		}
		what = SSL_get_error(t->ssl, ret);
		if (what != SSL_ERROR_WANT_READ && what != SSL_ERROR_WANT_WRITE) {
			ERR_clear_error();
			return t->own.alert_received < 0 ? ERR_CLOSED : ERR_IO;
		}
		e = wait_for(t->fd, t->stop, what == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT,
			     due_us);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

int16_t
tlsprobe_alert(const struct tlsprobe *t)
{
	return t->own.alert_received;
}

struct addr
tlsprobe_local(const struct tlsprobe *t)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(t->fd, (struct sockaddr *)&sa, &len) != 0)
		return (struct addr){0};
	return addr_from_sa(&sa);
}

void
tlsprobe_close(struct tlsprobe **probe)
{
	struct tlsprobe *t = *probe;

	*probe = NULL;
	if (!t)
		return;
	if (t->ssl && t->res->done)
		(void)SSL_shutdown(t->ssl);
	SSL_free(t->ssl);
	ERR_clear_error();
	close(t->fd);
	mem_free(t);
}
