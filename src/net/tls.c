#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* the library has a type of this name, we an error */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#include "base/clock.h"
#include "base/guard.h"
#include "base/list.h"
#include "net/tlspath.h"

enum {
	PEEK = 8,         /* first bytes of a connection looked at */
	READS_STEP = 64,  /* reads of the socket before others have their turn (reliability D3) */
	READS_MAX = 4096, /* in one handshake; a good one has some 30 */
	RECORD_HANDSHAKE = 0x16,
	ALERT_FATAL = 2
};

/* The first reason stands: what comes after it is its consequence. */
static void
set_reason(struct tls_hand *h, enum tls_reason reason)
{
	if (h->record->reason == TLS_OK)
		h->record->reason = reason;
}

/* Opens why for a sentence, unless one stands there already. */
static bool
open_why(struct tls_hand *h, struct buf *b)
{
	if (h->record->why[0])
		return false;
	buf_init(b, h->record->why, sizeof(h->record->why) - 1);
	return true;
}

static void
say(struct tls_hand *h, enum tls_reason reason, const char *why)
{
	struct buf b;

	set_reason(h, reason);
	if (!open_why(h, &b))
		return;
	buf_z(&b, why);
	buf_cstr(&b);
}

/* ---- ClientHello ---- */

static uint16_t
be16(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint16_t
keep_list(uint16_t *dst, size_t max, const unsigned char *p, size_t len)
{
	size_t n = 0;

	for (; len >= 2 && n < max; p += 2, len -= 2)
		dst[n++] = be16(p);
	return (uint16_t)n;
}

/* Versions, suites and signature algorithms as offered (RFC 8446 4.2.1, 4.2.3). */
static void
keep_offer(struct tls_record *r, SSL *ssl)
{
	const unsigned char *p;
	size_t len = SSL_client_hello_get0_ciphers(ssl, &p);

	r->n_suites = keep_list(r->offered_suites, TLS_SUITES_MAX, p, len);
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &p, &len) == 1 &&
	    len > 1 && p[0] < len) {
		r->n_versions = keep_list(r->offered_versions, TLS_VERSIONS_MAX, p + 1, p[0]);
	} else {
		r->offered_versions[0] = (uint16_t)SSL_client_hello_get0_legacy_version(ssl);
		r->n_versions = 1;
	}
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_signature_algorithms, &p, &len) == 1 &&
	    len >= 2 && be16(p) + 2U <= len)
		r->n_sigalgs =
			keep_list(r->offered_sigalgs, TLS_SIGALGS_MAX, p + 2, (size_t)be16(p));
}

/* The one host name of the extension (RFC 6066 3), or nothing. */
static struct str
read_sni(SSL *ssl)
{
	const unsigned char *p;
	size_t len, name;
	struct str s;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &len) != 1 || len < 5 ||
	    be16(p) + 2U != len || p[2] != TLSEXT_NAMETYPE_host_name)
		return STR_NULL;
	name = be16(p + 3);
	if (name + 5 > len)
		return STR_NULL;
	s = str_of(p + 5, name);
	return certpolicy_fqdn_ok(s) ? s : STR_NULL;
}

static struct tls_ctx *
find_zone(const struct tls_zones *z, struct str sni)
{
	if (sni.len > 1 && sni.p[sni.len - 1] == '.')
		sni.len--;
	for (size_t i = 0; sni.len && i < z->n; i++)
		if (str_ieqz(sni, z->ctx[i]->fqdn))
			return z->ctx[i];
	return NULL;
}

static void
keep_profile(struct tls_hand *h)
{
	(void)!str_copyz(h->record->profile, sizeof(h->record->profile),
			 str_from(h->ctx->profile.word));
}

/* What is asked of the other side: a server's certificate always, a client's as the zone says. */
static void
set_verify(struct tls_hand *h, SSL *ssl)
{
	int mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;

	if (!h->record->outgoing && h->ctx->client == TLS_CLIENT_OPTIONAL)
		mode = SSL_VERIFY_PEER;
	else if (!h->record->outgoing && h->ctx->client == TLS_CLIENT_NONE)
		mode = SSL_VERIFY_NONE;
	SSL_set_verify(ssl, mode, NULL);
}

static bool
read_hello(struct tls_hook *hook, SSL *ssl, int *alert)
{
	struct tls_hand *h = CONTAINER_OF(hook, struct tls_hand, hook);
	struct str sni = read_sni(ssl);
	struct tls_ctx *to = find_zone(h->zones, sni);

	h->saw_hello = true;
	keep_offer(h->record, ssl);
	if (str_copyz(h->record->sni, sizeof(h->record->sni), sni) != ERR_OK)
		h->record->sni[0] = 0;
	if (!to || to == h->ctx)
		return true;
	if (!tls_ctx_switch(to, ssl)) {
		*alert = SSL_AD_INTERNAL_ERROR;
		say(h, TLS_INTERNAL, "the zone's TLS context could not be used");
		return false;
	}
	tls_ctx_unref(&h->ctx);
	h->ctx = tls_ctx_ref(to);
	h->record->zone = to->zone;
	set_verify(h, ssl);
	keep_profile(h);
	return true;
}

/* ---- the peer's certificate ---- */

/* Which account is this? The answer is in h->verdict. */
static void
ask_identity(struct tls_hand *h, const struct cert_view *leaf)
{
	struct tls_peer peer = {.peer = h->record->peer,
				.local = h->record->local,
				.sni = str_from(h->record->sni),
				.zone = h->record->zone,
				.cert = leaf};

	if (h->on_identity)
		h->on_identity(h->arg, &peer, h->verdict);
	h->verdict->why[sizeof(h->verdict->why) - 1] = 0;
}

/* The certificate is good; is the account found? Returns the alert, 0 = accepted. */
static uint8_t
take_identity(struct tls_hand *h, const struct cert_view *leaf)
{
	struct tls_verdict *v = h->verdict;
	struct buf b;

	if (v->accept) {
		h->record->account = v->account;
		h->record->n_trunks = v->n_trunks < TLS_TRUNKS_MAX ? v->n_trunks : TLS_TRUNKS_MAX;
		memcpy(h->record->trunks, v->trunks, sizeof(v->trunks));
		return 0;
	}
	set_reason(h, v->reason == TLS_OK ? TLS_IDENTITY : v->reason);
	if (open_why(h, &b)) {
		if (v->why[0] || !leaf)
			buf_z(&b, v->why);
		else
			certpolicy_put_mismatch(&b, leaf, NULL, 0, 0);
		buf_cstr(&b);
	}
	return v->alert ? v->alert : certpolicy_alert(CERT_MISMATCH);
}

/* Is this connection good enough for the account? */
static uint8_t
check_profile(struct tls_hand *h, const struct tls_account *account,
	      const struct tls_profile_row *p)
{
	const SSL_CIPHER *pending = SSL_get_pending_cipher(h->ssl);
	const SSL_CIPHER *suite = pending ? pending : SSL_get_current_cipher(h->ssl);
	uint16_t version = (uint16_t)SSL_version(h->ssl);
	struct buf b;

	if (!account->profile[0] ||
	    (p && suite && tls_profile_allows(p, version, SSL_CIPHER_get_protocol_id(suite))))
		return 0;
	set_reason(h, TLS_PROFILE);
	if (open_why(h, &b)) {
		buf_printf(&b,
			   "the account takes profile %s only (%s), and this connection would be "
			   "%s with %s",
			   account->profile, p ? p->shown : "which does not exist",
			   tls_version_name(version),
			   suite ? SSL_CIPHER_get_name(suite) : "no suite");
		buf_cstr(&b);
	}
	return SSL_AD_HANDSHAKE_FAILURE;
}

/* The path, the policy, the identity, the profile. Returns the alert, 0 = accepted. */
static uint8_t
judge_by(struct tls_hand *h, struct tls_path *path, struct tls_trust *trust,
	 const struct tls_owns *owns)
{
	const struct tls_account *account = h->record->outgoing ? &h->account : &h->verdict->terms;
	const struct tls_profile_row *profile =
		trust ? tls_trust_profile(trust, str_from(account->profile)) : NULL;
	struct cert_policy policy = {.rsa_only = h->ctx->profile.rsa_only ||
						 (profile && profile->rsa_only),
				     .server_side = h->record->outgoing,
				     .terms = account->terms};
	struct tls_path_terms terms = {.trust = trust,
				       .owns = owns,
				       .zone = h->record->zone,
				       .ref = h->fqdn,
				       .policy = &policy,
				       .now_us = clock_wall_us()};
	struct cert_verdict verdict;
	uint8_t alert;

	policy.terms.account = str_from(account->id);
	h->record->trust_version = trust ? tls_trust_version(trust) : 0;
	tls_path_judge(path, &terms, h->record, &verdict);
	h->record->cert_reason = verdict.reason;
	if (!verdict.ok) {
		say(h, TLS_CERT, verdict.why);
		return verdict.alert;
	}
	alert = h->record->outgoing ? 0 : take_identity(h, &path->v[0]);
	return alert ? alert : check_profile(h, account, profile);
}

static uint8_t
judge(struct tls_hand *h, struct tls_path *path)
{
	struct tls_trust *trust = h->trust ? tls_trust_box_get(h->trust) : NULL;
	struct tls_owns *owns = h->trust ? tls_trust_box_owns(h->trust) : NULL;
	uint8_t alert = judge_by(h, path, trust, owns);

	tls_trust_unref(&trust);
	tls_owns_unref(&owns);
	return alert;
}

/* The library asks once a handshake, when the peer's certificates are there. */
static int
check_peer(struct tls_hook *hook, X509_STORE_CTX *store)
{
	struct tls_hand *h = CONTAINER_OF(hook, struct tls_hand, hook);
	struct tls_path path;
	uint8_t alert;

	tls_path_begin(&path, X509_STORE_CTX_get0_cert(store),
		       X509_STORE_CTX_get0_untrusted(store));
	if (!h->record->outgoing && path.readable)
		ask_identity(h, &path.v[0]);
	alert = judge(h, &path);
	tls_path_end(&path);
	h->decided = alert == 0;
	X509_STORE_CTX_set_error(store, alert ? certview_error_for_alert(alert) : X509_V_OK);
	return alert == 0;
}

/* ---- how it ended ---- */

static void
note_alert(const SSL *ssl, int where, int ret)
{
	struct tls_hand *h = SSL_get_app_data(ssl);

	if (!h || !(where & SSL_CB_ALERT) || ret >> 8 != ALERT_FATAL)
		return;
	if (where & SSL_CB_READ)
		h->record->alert_received = (int16_t)(ret & 0xff);
	else
		h->record->alert_sent = (int16_t)(ret & 0xff);
}

static void
say_none_shown(struct tls_hand *h)
{
	struct cert_policy policy = {.rsa_only = h->ctx->profile.rsa_only};
	struct cert_verdict verdict;

	certpolicy_none_shown(&policy, &verdict);
	h->record->cert_reason = verdict.reason;
	say(h, TLS_CERT, verdict.why);
}

static void
say_alert(struct tls_hand *h)
{
	struct buf b;
	int alert = h->record->alert_received;

	set_reason(h, TLS_ALERT);
	if (!open_why(h, &b))
		return;
	buf_printf(&b, "the other side refused with alert %s (%d)", tls_alert_name(alert), alert);
	if (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN)
		buf_z(&b, ": it does not accept our certificate");
	else if (alert == SSL_AD_UNKNOWN_CA)
		buf_z(&b, ": it does not know the authority of our certificate");
	else if (alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_PROTOCOL_VERSION)
		buf_printf(&b, ": nothing in common with %s?", h->ctx->profile.shown);
	buf_cstr(&b);
}

static void
say_no_common(struct tls_hand *h, enum tls_reason reason)
{
	struct buf b;

	set_reason(h, reason);
	if (!open_why(h, &b))
		return;
	buf_z(&b, reason == TLS_CIPHER ? "no common cipher suite" : "no common TLS version");
	if (h->record->outgoing) {
		buf_z(&b, " with the server");
	} else {
		buf_z(&b, "; offered: ");
		if (reason == TLS_CIPHER)
			tls_record_put_suites(&b, h->record);
		else
			tls_record_put_versions(&b, h->record);
	}
	buf_printf(&b, "; we ask for %s", h->ctx->profile.shown);
	buf_cstr(&b);
}

static void
say_protocol(struct tls_hand *h, unsigned long e)
{
	const char *text = ERR_reason_error_string(e);
	struct buf b;

	set_reason(h, TLS_PROTOCOL);
	if (!open_why(h, &b))
		return;
	buf_printf(&b, "TLS handshake broken: %s", text ? text : "unknown error");
	buf_cstr(&b);
}

static void
explain_failure(struct tls_hand *h, int ssl_error)
{
	unsigned long e = ERR_peek_error();
	int reason = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;

	if (h->record->reason != TLS_OK)
		return;
	if (h->record->alert_sent == SSL_AD_DECRYPT_ERROR)
		say(h, TLS_PROTOCOL,
		    "a signature in the handshake is wrong: the other side does not hold the key "
		    "of "
		    "the certificate that it shows");
	else if (reason == SSL_R_EXCESSIVE_MESSAGE_SIZE)
		say(h, TLS_PROTOCOL,
		    "a message of the handshake is too large: certificates may have 32 KiB in all");
	else if (h->greedy)
		say(h, TLS_PROTOCOL, "the handshake came in too many pieces");
	else if (h->record->alert_received != TLS_NO_ALERT)
		say_alert(h);
	else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		say_none_shown(h);
	else if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW ||
		 reason == SSL_R_NO_PROTOCOLS_AVAILABLE)
		say_no_common(h, TLS_VERSION);
	else if (reason == SSL_R_NO_SHARED_CIPHER)
		say_no_common(h, TLS_CIPHER);
	else if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		say(h, TLS_GONE, "closed by the other side in the middle of the handshake");
	else if (ssl_error == SSL_ERROR_SYSCALL && e == 0)
		say(h, TLS_GONE, "reset by the other side in the middle of the handshake");
	else if (reason == SSL_R_WRONG_VERSION_NUMBER && h->record->outgoing)
		say(h, TLS_PLAIN, "the other side does not speak TLS on this port");
	else
		say_protocol(h, e);
}

/* ---- the handshake ---- */

/* Reads of the socket are counted: one peer may neither keep the thread to itself nor send its
 * handshake in crumbs. */
static long
count_read(BIO *bio, int op, const char *p, size_t len, int argi, long argl, int ret, size_t *done)
{
	struct tls_hand *h = (struct tls_hand *)(uintptr_t)BIO_get_callback_arg(bio);

	(void)p, (void)len, (void)argi, (void)argl, (void)done;
	if (op != BIO_CB_READ)
		return ret;
	if (!GUARD(D3, h->reads < READS_MAX)) {
		h->greedy = true;
		return 0;
	}
	if (h->reads_step == READS_STEP) {
		BIO_set_retry_read(bio);
		return -1;
	}
	h->reads++;
	h->reads_step++;
	return ret;
}

static bool
make_ssl(struct tls_hand *h)
{
	BIO *bio;

	h->ssl = SSL_new(h->ctx->ssl);
	if (!h->ssl || SSL_set_fd(h->ssl, h->fd) != 1)
		return false;
	bio = SSL_get_rbio(h->ssl);
	BIO_set_callback_ex(bio, count_read);
	BIO_set_callback_arg(bio, (char *)h);
	SSL_set_app_data(h->ssl, &h->hook);
	set_verify(h, h->ssl);
	SSL_set_info_callback(h->ssl, note_alert);
	return true;
}

static bool
begin_accept(struct tls_hand *h, const struct tls_hand_conf *c)
{
	size_t i = c->default_zone < c->zones->n ? c->default_zone : 0;

	h->zones = tls_zones_ref(c->zones);
	h->ctx = tls_ctx_ref(c->zones->ctx[i]);
	return true;
}

static int
note_asked(SSL *ssl, void *arg)
{
	struct tls_hand *h = SSL_get_app_data(ssl);

	(void)arg;
	if (h)
		h->record->cert_asked = true;
	return 1;
}

/* Outward the account is known beforehand: nothing else is offered. */
static bool
use_profile(struct tls_hand *h)
{
	struct tls_trust *trust = h->trust ? tls_trust_box_get(h->trust) : NULL;
	const struct tls_profile_row *p;
	bool ok;

	p = trust ? tls_trust_profile(trust, str_from(h->account.profile)) : NULL;
	ok = p && tls_profile_switch(h->ssl, p);
	tls_trust_unref(&trust);
	return ok;
}

static bool
begin_connect(struct tls_hand *h, const struct tls_hand_conf *c)
{
	struct str name = c->fqdn;

	if (name.len > 1 && name.p[name.len - 1] == '.')
		name.len--;
	h->ctx = tls_ctx_ref(c->client);
	h->record->outgoing = true;
	h->record->cert_hidden = c->hide_certificate;
	if (!certpolicy_fqdn_ok(name) ||
	    str_copyz(h->record->sni, sizeof(h->record->sni), name) != ERR_OK)
		return false;
	h->fqdn = str_from(h->record->sni);
	if (!make_ssl(h) || SSL_set_tlsext_host_name(h->ssl, h->record->sni) != 1)
		return false;
	if (h->account.profile[0] && !use_profile(h))
		return false;
	if (c->hide_certificate)
		SSL_certs_clear(h->ssl);
	SSL_set_cert_cb(h->ssl, note_asked, NULL);
	SSL_set_connect_state(h->ssl);
	return true;
}

static enum err
fail_setup(struct tls_hand *h)
{
	ERR_clear_error();
	say(h, TLS_INTERNAL, "the handshake could not be set up");
	return ERR_NOMEM;
}

enum err
tls_hand_init(struct tls_hand *h, const struct tls_hand_conf *c)
{
	*h = (struct tls_hand){.fd = c->fd,
			       .trust = c->trust,
			       .account = c->account,
			       .on_identity = c->on_identity,
			       .arg = c->arg,
			       .record = c->record,
			       .verdict = c->verdict};
	*c->verdict = (struct tls_verdict){0};
	*c->record = (struct tls_record){.peer = c->peer,
					 .local = c->local,
					 .began_us = clock_wall_us(),
					 .alert_sent = TLS_NO_ALERT,
					 .alert_received = TLS_NO_ALERT};
	h->hook = (struct tls_hook){.on_hello = read_hello, .on_verify = check_peer};
	if (!(c->zones ? begin_accept(h, c) : begin_connect(h, c))) {
		enum err e = fail_setup(h);

		tls_hand_fini(h);
		return e;
	}
	h->record->zone = h->ctx->zone;
	keep_profile(h);
	return ERR_OK;
}

/* Silent connections cost no TLS object: it is made when something came. */
static enum err
open_accept(struct tls_hand *h)
{
	if (h->ssl)
		return ERR_OK;
	if (!make_ssl(h))
		return fail_setup(h);
	SSL_set_accept_state(h->ssl);
	return ERR_OK;
}

/* Somebody who speaks plain SIP to this port shall read more than "wrong version number". */
static enum err
look_at_first(struct tls_hand *h, uint32_t *want)
{
	unsigned char p[PEEK];
	ssize_t n = recv(h->fd, p, sizeof(p), MSG_PEEK | MSG_DONTWAIT);
	struct buf b;

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		*want = EPOLLIN;
		return ERR_AGAIN;
	}
	if (n <= 0) {
		say(h, TLS_GONE, n == 0 ? "closed without sending anything" : "reset");
		return ERR_CLOSED;
	}
	h->saw_bytes = true;
	if (p[0] == RECORD_HANDSHAKE || p[0] & 0x80) /* or a hello of SSL 2 form */
		return ERR_OK;
	set_reason(h, TLS_PLAIN);
	if (open_why(h, &b)) {
		buf_z(&b, "not TLS, but plain bytes on the TLS port: \"");
		for (ssize_t i = 0; i < n; i++)
			buf_char(&b, p[i] >= ' ' && p[i] < 127 ? (char)p[i] : '?');
		buf_z(&b, "...\"; switch the equipment to TLS");
		buf_cstr(&b);
	}
	return ERR_SYNTAX;
}

static void
keep_outcome(struct tls_hand *h)
{
	const SSL_CIPHER *suite = SSL_get_current_cipher(h->ssl);
	struct buf b;

	h->record->version = (uint16_t)SSL_version(h->ssl);
	if (!suite)
		return;
	h->record->suite = SSL_CIPHER_get_protocol_id(suite);
	buf_init(&b, h->record->suite_name, sizeof(h->record->suite_name));
	buf_z(&b, SSL_CIPHER_get_name(suite));
	buf_cstr(&b);
}

/* No certificate was shown, and the zone asks for none: is it somebody who is known without? */
static void
judge_bare(struct tls_hand *h)
{
	const struct tls_account *account = &h->verdict->terms;
	struct tls_trust *trust = h->trust ? tls_trust_box_get(h->trust) : NULL;

	if (GUARD(A1, h->ctx->client != TLS_CLIENT_REQUIRED)) {
		ask_identity(h, NULL);
		h->decided =
			take_identity(h, NULL) == 0 &&
			check_profile(h, account,
				      trust ? tls_trust_profile(trust, str_from(account->profile))
					    : NULL) == 0;
	}
	tls_trust_unref(&trust);
}

static enum err
finish_hand(struct tls_hand *h)
{
	keep_outcome(h);
	if (!h->record->outgoing && !h->decided && !SSL_get0_peer_certificate(h->ssl))
		judge_bare(h);
	if (GUARD(A2, h->decided && !SSL_session_reused(h->ssl))) {
		h->record->accepted = true;
		return ERR_OK;
	}
	say(h, TLS_INTERNAL, "finished without a certificate check; refused");
	return ERR_AUTH;
}

enum err
tls_hand_step(struct tls_hand *h, uint32_t *want)
{
	enum err e = h->saw_bytes || h->record->outgoing ? ERR_OK : look_at_first(h, want);
	int ret, ssl_error;

	if (e == ERR_OK)
		e = open_accept(h);
	if (e != ERR_OK)
		return e;
	h->reads_step = 0;
	ERR_clear_error();
	ret = SSL_do_handshake(h->ssl);
	if (ret == 1)
		return finish_hand(h);
	ssl_error = SSL_get_error(h->ssl, ret);
	if (ssl_error == SSL_ERROR_WANT_READ || ssl_error == SSL_ERROR_WANT_WRITE) {
		*want = ssl_error == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT;
		return ERR_AGAIN;
	}
	explain_failure(h, ssl_error);
	ERR_clear_error();
	return ERR_AUTH;
}

void
tls_hand_abort(struct tls_hand *h, enum tls_reason reason, const char *why)
{
	say(h, reason, why);
}

void
tls_hand_fini(struct tls_hand *h)
{
	SSL_free(h->ssl);
	h->ssl = NULL;
	tls_ctx_unref(&h->ctx);
	tls_zones_unref(&h->zones);
}

/* ---- connections ---- */

void
tls_conn_from_hand(struct tls_conn *c, struct tls_hand *h, int fd)
{
	*c = (struct tls_conn){.ssl = h->ssl, .ctx = h->ctx, .fd = fd, .want = EPOLLIN};
	BIO_set_callback_ex(SSL_get_rbio(c->ssl), NULL);
	SSL_set_app_data(c->ssl, NULL);
	h->ssl = NULL;
	h->ctx = NULL;
	tls_zones_unref(&h->zones);
}

static enum err
explain_io(struct tls_conn *c, int ret)
{
	unsigned long e = ERR_peek_error();
	enum err result = ERR_IO;

	switch (SSL_get_error(c->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		c->want = EPOLLIN;
		return ERR_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		c->want = EPOLLOUT;
		return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		c->saw_close = true;
		return ERR_CLOSED;
	default:
		c->broken = true;
		if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
		    ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			result = ERR_CLOSED; /* end of stream without close_notify */
		ERR_clear_error();
		return result;
	}
}

enum err
tls_conn_read(struct tls_conn *c, void *p, size_t cap, size_t *out_len)
{
	size_t len;
	int ret;

	if (c->broken)
		return ERR_IO;
	ERR_clear_error();
	ret = SSL_read_ex(c->ssl, p, cap, &len);
	if (ret != 1)
		return explain_io(c, ret);
	*out_len = len;
	return ERR_OK;
}

enum err
tls_conn_write(struct tls_conn *c, const void *p, size_t len, size_t *out_len)
{
	size_t done;
	int ret;

	if (c->broken)
		return ERR_IO;
	ERR_clear_error();
	ret = SSL_write_ex(c->ssl, p, len, &done);
	if (ret != 1)
		return explain_io(c, ret);
	*out_len = done;
	return ERR_OK;
}

bool
tls_conn_pending(const struct tls_conn *c)
{
	return !c->broken && SSL_pending(c->ssl) > 0;
}

void
tls_conn_shutdown(struct tls_conn *c)
{
	if (!c->ssl || c->broken)
		return;
	ERR_clear_error();
	if (SSL_shutdown(c->ssl) < 0)
		ERR_clear_error();
}

void
tls_conn_fini(struct tls_conn *c)
{
	if (!c->ssl)
		return;
	tls_conn_shutdown(c);
	SSL_free(c->ssl);
	tls_ctx_unref(&c->ctx);
	close(c->fd);
	*c = (struct tls_conn){.fd = -1};
}
