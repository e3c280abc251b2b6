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
	CN_INDEX_NONE = -1,
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

/* ---- the certificates ---- */

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
verify_chain(struct tlsprobe_chain *out, STACK_OF(X509) * sent, const struct tlsprobe_conf *c)
{
	const struct tls_trust_own *own = tls_owns_find(c->owns, c->account);
	const struct tls_trust_store *roots =
		c->trust ? tls_trust_zone_of(c->trust, c->ctx->zone) : NULL;
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

static void
keep_chain(const struct tlsprobe *t, const struct tlsprobe_conf *c, struct str name,
	   struct tlsprobe_chain *out)
{
	STACK_OF(X509) *sent = SSL_get_peer_cert_chain(t->ssl);

	if (!out || !sent || sk_X509_num(sent) == 0)
		return;
	keep_certs(out, sent, name);
	verify_chain(out, sent, c);
}

static void
describe(struct tlsprobe_cert *out, X509 *x)
{
	struct certview_names *names = mem_zalloc(1, sizeof(*names));
	struct certview cv;

	if (names && x && certview_init(&cv, x, names) == ERR_OK) {
		fill_cert(out, x, &cv.v);
		certview_fini(&cv);
	}
	mem_free(names);
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
	describe(&out->own, own);
}

/* ---- the request for our certificate ---- */

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
	keep_chain(t, c, name, chain);
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
