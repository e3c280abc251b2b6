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
#undef ERR_STATE

#include "base/clock.h"
#include "base/guard.h"
#include "base/list.h"
#include "net/tlsfault.h"
#include "net/tlshello.h"

enum {
	PEEK = 8,         /* first bytes of a connection looked at */
	READS_STEP = 64,  /* reads of the socket before others have their turn (reliability D3) */
	READS_MAX = 4096, /* in one handshake; a good one has some 30 */
	RECORD_HANDSHAKE = 0x16,
	ALERT_FATAL = 2
};

/* ---- who is it? ---- */

static struct tls_peer
peer_of(const struct tls_hand *h, const struct cert_view *leaf)
{
	return (struct tls_peer){.peer = h->record->peer,
				 .local = h->record->local,
				 .sni = str_from(h->record->sni),
				 .may_be_bare = h->ctx->client != TLS_CLIENT_REQUIRED,
				 .zone = h->record->zone,
				 .cert = leaf};
}

/* Which account is this? The answer is in h->verdict. */
static void
ask_identity(struct tls_hand *h, const struct cert_view *leaf)
{
	struct tls_peer peer = peer_of(h, leaf);

	*h->verdict = (struct tls_verdict){.accept = false};
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
	tls_fault_set(h->record, v->reason == TLS_OK ? TLS_IDENTITY : v->reason);
	if (tls_fault_open(h->record, &b)) {
		if (v->why[0] || !leaf)
			buf_z(&b, v->why);
		else
			certpolicy_put_mismatch(&b, leaf, NULL, 0, 0);
		buf_cstr(&b);
	}
	return v->alert ? v->alert : certpolicy_alert(CERT_MISMATCH);
}

/* ---- ClientHello ---- */

/* What the handshake goes on with. */
static void
keep_profile(struct tls_hand *h, const struct tls_profile_row *p)
{
	h->profile = *p;
	(void)!str_copyz(h->record->profile, sizeof(h->record->profile), str_from(p->word));
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
switch_zone(struct tls_hand *h, SSL *ssl, struct tls_ctx *to)
{
	if (!tls_ctx_switch(to, ssl))
		return false;
	tls_ctx_unref(&h->ctx);
	h->ctx = tls_ctx_ref(to);
	h->record->zone = to->zone;
	set_verify(h, ssl);
	keep_profile(h, &to->profile);
	return true;
}

/* The profile of the account that the ClientHello tells. One that does not exist is refused when
 * the account is known for sure. */
static bool
switch_profile(struct tls_hand *h, SSL *ssl, const char *word)
{
	struct tls_trust *trust = word[0] && h->trust ? tls_trust_box_get(h->trust) : NULL;
	const struct tls_profile_row *p = trust ? tls_trust_profile(trust, str_from(word)) : NULL;
	bool ok = !p || tls_profile_switch(ssl, p);

	if (p && ok)
		keep_profile(h, p);
	tls_trust_unref(&trust);
	return ok;
}

/* What is known before a certificate comes: a profile, and that nobody comes from there without
 * one, who is then refused while the handshake can still say so. 0, or the alert. */
static int
look_ahead(struct tls_hand *h, SSL *ssl)
{
	struct tls_peer peer = peer_of(h, NULL);
	struct tls_guess guess = {.stranger = false};

	if (!h->on_guess)
		return 0;
	h->on_guess(h->arg, &peer, &guess);
	if (!switch_profile(h, ssl, guess.profile))
		return SSL_AD_INTERNAL_ERROR;
	if (!guess.stranger || !peer.may_be_bare)
		return 0;
	*h->verdict = guess.bare;
	h->stranger = true;
	if (h->ctx->client == TLS_CLIENT_OPTIONAL)
		SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	else if (take_identity(h, NULL) != 0)
		return SSL_AD_ACCESS_DENIED;
	return 0;
}

static bool
read_hello(struct tls_hook *hook, SSL *ssl, int *alert)
{
	struct tls_hand *h = CONTAINER_OF(hook, struct tls_hand, hook);
	struct tls_ctx *to;

	h->saw_hello = true;
	tls_hello_keep(ssl, h->record);
	to = tls_hello_zone(h->zones, str_from(h->record->sni));
	*alert = !to || to == h->ctx || switch_zone(h, ssl, to) ? look_ahead(h, ssl)
								: SSL_AD_INTERNAL_ERROR;
	if (*alert == SSL_AD_INTERNAL_ERROR)
		tls_fault_say(h->record, TLS_INTERNAL,
			      "the zone's TLS context or a profile could not be used");
	return *alert == 0;
}

/* ---- the peer's certificate ---- */

/* Was another profile than the zone's offered? Else nobody can be below it, and need not be asked,
 * which costs the library's own reading of the profile. */
static bool
profile_switched(const struct tls_hand *h)
{
	return strcmp(h->profile.word, h->ctx->profile.word) != 0;
}

static struct tls_judge
judge_for(const struct tls_hand *h)
{
	const SSL_CIPHER *pending = SSL_get_pending_cipher(h->ssl);
	const SSL_CIPHER *suite = pending ? pending : SSL_get_current_cipher(h->ssl);

	return (struct tls_judge){
		.trust = h->trust ? tls_trust_box_get(h->trust) : NULL,
		.owns = h->trust ? tls_trust_box_owns(h->trust) : NULL,
		.account = h->record->outgoing ? &h->account : &h->verdict->terms,
		.profile = &h->profile,
		.least = h->record->outgoing || !profile_switched(h) ? NULL : &h->ctx->profile,
		.outgoing = h->record->outgoing,
		.zone = h->record->zone,
		.ref = h->fqdn,
		.version = (uint16_t)SSL_version(h->ssl),
		.suite = suite ? (uint16_t)SSL_CIPHER_get_protocol_id(suite) : 0,
		.suite_name = suite ? SSL_CIPHER_get_name(suite) : ""};
}

static void
end_judge(struct tls_judge *j)
{
	tls_trust_unref(&j->trust);
	tls_owns_unref(&j->owns);
}

/* The path, the policy, the identity, the profile. Returns the alert, 0 = accepted. */
static uint8_t
judge(struct tls_hand *h, struct tls_path *path)
{
	struct tls_judge j = judge_for(h);
	uint8_t alert = tls_judge_path(&j, path, h->record);

	if (alert == 0 && !h->record->outgoing)
		alert = take_identity(h, &path->v[0]);
	if (alert == 0)
		alert = tls_judge_profile(&j, h->record);
	end_judge(&j);
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
	if (ok)
		keep_profile(h, p);
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
	tls_fault_say(h->record, TLS_INTERNAL, "the handshake could not be set up");
	return ERR_NOMEM;
}

enum err
tls_hand_init(struct tls_hand *h, const struct tls_hand_conf *c)
{
	*h = (struct tls_hand){.fd = c->fd,
			       .trust = c->trust,
			       .account = c->account,
			       .on_identity = c->on_identity,
			       .on_guess = c->on_guess,
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
	keep_profile(h, &h->ctx->profile);
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
		tls_fault_say(h->record, TLS_GONE,
			      n == 0 ? "closed without sending anything" : "reset");
		return ERR_CLOSED;
	}
	h->saw_bytes = true;
	if (p[0] == RECORD_HANDSHAKE || p[0] & 0x80) /* or a hello of SSL 2 form */
		return ERR_OK;
	tls_fault_set(h->record, TLS_PLAIN);
	if (tls_fault_open(h->record, &b)) {
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
	struct tls_judge j = judge_for(h);

	if (GUARD(A1, h->ctx->client != TLS_CLIENT_REQUIRED)) {
		ask_identity(h, NULL);
		h->decided = take_identity(h, NULL) == 0 && tls_judge_profile(&j, h->record) == 0;
	}
	end_judge(&j);
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
	tls_fault_say(h->record, TLS_INTERNAL, "finished without a certificate check; refused");
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
	if (h->stranger &&
	    ERR_GET_REASON(ERR_peek_error()) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		(void)take_identity(h, NULL);
	tls_fault_explain(h->record, &h->profile, h->greedy, ssl_error);
	ERR_clear_error();
	return ERR_AUTH;
}

void
tls_hand_abort(struct tls_hand *h, enum tls_reason reason, const char *why)
{
	tls_fault_say(h->record, reason, why);
}

void
tls_hand_fini(struct tls_hand *h)
{
	SSL_free(h->ssl);
	h->ssl = NULL;
	tls_ctx_unref(&h->ctx);
	tls_zones_unref(&h->zones);
}
