/* A handshake thread of ours with its loop, and peers that run the library in threads of their
 * own over socket pairs. Include after cmocka.h. */
#ifndef POSTERN_TESTS_NET_RIG_H
#define POSTERN_TESTS_NET_RIG_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/handshake.h"
#include "testca.h"

#define RIG_NAME "pbx.example.com"
#define RIG_ZONE "sip.example.net"

struct rig {
	struct loop loop;
	struct handshake *h;
	X509 *root, *other_root, *server;
	struct tls_ctx *ctx, *client;
	struct tls_zones *zones;
	struct tls_trust_box trust;
	_Atomic int asked; /* identity questions */
	int results;
	struct tls_record record; /* of the last result */
	struct tls_verdict verdict;
	bool bare;           /* who shows no certificate is known */
	const char *profile; /* of the account that the ClientHello tells; NULL: it tells none */
	struct tls_conn *conn;
	void *arg;
};

static struct rig rig;

/* One account, found by its name. */
static void
rig_identity(void *arg, const struct tls_peer *peer, struct tls_verdict *v)
{
	static const struct str name = STR(RIG_NAME);
	struct rig *r = arg;
	struct buf why;

	atomic_fetch_add(&r->asked, 1);
	v->account = 7;
	if (!peer->cert) {
		v->accept = r->bare;
		(void)!str_copyz(v->why, sizeof(v->why), STR("nobody has this address"));
		return;
	}
	v->accept = certpolicy_match(peer->cert, name) != CERT_MATCH_NO;
	if (r->profile && strcmp(r->profile, "none") != 0)
		(void)!str_copyz(v->terms.profile, sizeof(v->terms.profile), str_from(r->profile));
	v->account = 7;
	v->trunks[0] = 3;
	v->trunks[1] = 5;
	v->n_trunks = 2;
	if (v->accept)
		return;
	buf_init(&why, v->why, sizeof(v->why));
	certpolicy_put_mismatch(&why, peer->cert, &name, 1, 0);
	buf_cstr(&why);
}

/* What is known beforehand. */
static void
rig_guess(void *arg, const struct tls_peer *peer, struct tls_guess *guess)
{
	struct rig *r = arg;

	guess->stranger = peer->may_be_bare && !r->bare;
	(void)!str_copyz(guess->bare.why, sizeof(guess->bare.why), STR("nobody has this address"));
	(void)!str_copyz(guess->profile, sizeof(guess->profile),
			 str_from(r->profile ? r->profile : ""));
}

static void
rig_result(void *arg, struct tls_result *res)
{
	struct rig *r = arg;

	r->results++;
	r->record = res->record;
	r->verdict = res->verdict;
	r->arg = res->arg;
	handshake_conn_free(r->h, &r->conn);
	r->conn = res->conn;
	res->conn = NULL;
	handshake_result_free(r->h, &res);
}

static struct tls_ctx *
rig_ctx(bool server, enum tls_profile profile, uint16_t zone, const char *fqdn, X509 *cert,
	EVP_PKEY *key)
{
	struct tls_conf conf = {.server = server,
				.profile = profile,
				.zone = zone,
				.fqdn = str_from(fqdn),
				.chain_pem = ca_pem(0, &cert, 1),
				.chain_label = STR("chain.pem"),
				.key_pem = ca_key_pem(0, key, NULL),
				.key_label = STR("key.pem")};
	char mem[512];
	struct buf why;
	struct tls_ctx *ctx = NULL;
	enum err e;

	buf_init(&why, mem, sizeof(mem));
	e = tls_ctx_new(&conf, &why, &ctx);
	if (e != ERR_OK) {
		fprintf(stderr, "rig: %s\n", buf_cstr(&why));
		exit(2);
	}
	return ctx;
}

/* Every zone of the tests believes these roots. */
__attribute__((unused)) static struct tls_trust *
rig_trust(X509 *const *roots, size_t n_roots)
{
	struct tls_trust_zone zone[4];
	struct tls_trust_conf conf = {.zones = zone, .n_zones = ARRAY_LEN(zone), .version = 1};
	struct tls_trust *t = NULL;
	char mem[512];
	struct buf why;

	for (size_t i = 0; i < ARRAY_LEN(zone); i++)
		zone[i] = (struct tls_trust_zone){.files_pem = ca_pem(1, roots, n_roots),
						  .files_label = STR("roots.pem")};
	buf_init(&why, mem, sizeof(mem));
	if (tls_trust_new(&conf, &why, &t) != ERR_OK) {
		fprintf(stderr, "rig: %s\n", buf_cstr(&why));
		exit(2);
	}
	return t;
}

/* A leaf of `issuer` (signed with the common CA key), with SAN. */
static X509 *
rig_leaf(X509 *issuer, const char *san, EVP_PKEY *key)
{
	struct ca_opts o = {.cn = "leaf",
			    .san = san,
			    .ku = "critical,digitalSignature,keyEncipherment",
			    .from_day = -1,
			    .key = key,
			    .issuer = issuer,
			    .issuer_key = ca_keys()->ca};

	return ca_cert(&o);
}

static void
rig_start(uint32_t max_in_hand, uint32_t max_per_source, uint32_t max_conns)
{
	struct handshake_conf conf = {.loop = &rig.loop,
				      .max_conns = max_conns,
				      .max_in_hand = max_in_hand,
				      .max_per_source = max_per_source,
				      .on_identity = rig_identity,
				      .on_guess = rig_guess,
				      .identity_arg = &rig,
				      .on_result = rig_result,
				      .trust = &rig.trust,
				      .result_arg = &rig};

	if (handshake_new(&conf, &rig.h) != ERR_OK)
		exit(2);
}

static int
rig_setup(void **state)
{
	struct tls_trust *trust;

	(void)state;
	if (loop_init(&rig.loop, 64, 64) != ERR_OK)
		exit(2);
	rig.root = ca_root("Accepted CA");
	rig.other_root = ca_root("Other CA");
	rig.server = rig_leaf(rig.root, "DNS:" RIG_ZONE, ca_keys()->leaf2);
	rig.ctx = rig_ctx(true, TLS_PROFILE_CARRIER, 1, RIG_ZONE, rig.server, ca_keys()->leaf2);
	rig.client = rig_ctx(false, TLS_PROFILE_CARRIER, 1, "", rig.server, ca_keys()->leaf2);
	trust = rig_trust(&rig.root, 1);
	if (tls_trust_box_init(&rig.trust, trust) != ERR_OK)
		exit(2);
	tls_trust_unref(&trust);
	if (tls_zones_new(&rig.ctx, 1, &rig.zones) != ERR_OK)
		exit(2);
	rig_start(0, 0, 64);
	return 0;
}

static int
rig_teardown(void **state)
{
	(void)state;
	handshake_conn_free(rig.h, &rig.conn);
	handshake_free(&rig.h);
	tls_zones_unref(&rig.zones);
	tls_ctx_unref(&rig.ctx);
	tls_ctx_unref(&rig.client);
	tls_trust_box_fini(&rig.trust);
	X509_free(rig.root);
	X509_free(rig.other_root);
	X509_free(rig.server);
	loop_fini(&rig.loop);
	memset(&rig, 0, sizeof(rig));
	return 0;
}

/* Run the loop until n results have come, at most 20 s. */
static void
rig_wait(int n)
{
	for (int i = 0; i < 20000 && rig.results < n; i++)
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	assert_int_equal(rig.results, n);
}

static struct addr
rig_addr(const char *z)
{
	struct addr a;

	assert_int_equal(addr_parse(str_from(z), &a), ERR_OK);
	return a;
}

/* ---- peers ---- */

struct peer {
	pthread_t thread;
	int fd;
	bool server; /* it accepts, we connect */
	SSL_CTX *ctx;
	SSL_SESSION *offer;   /* to resume */
	SSL_SESSION *session; /* got */
	const char *sni;
	bool reused, ok, sees_cert;
	int version, alert; /* alert received, -1 = none */
	char suite[64], got_sni[256];
	/* bytes from us to it are changed on their way: see peer_flip */
	const unsigned char *from, *to;
	size_t flip_len;
};

static void
peer_info(const SSL *ssl, int where, int ret)
{
	struct peer *p = SSL_get_app_data(ssl);

	if (where & SSL_CB_ALERT && where & SSL_CB_READ && ret >> 8 == 2)
		p->alert = ret & 0xff;
}

/* Any certificate is good for the peer, unless its context has roots. */
static int
peer_any(int ok, X509_STORE_CTX *store)
{
	(void)ok, (void)store;
	return 1;
}

/* A context of the peer: everything that the library can do, at security level 0. */
static SSL_CTX *
peer_ctx(bool server, X509 *cert, EVP_PKEY *key, int min, int max, const char *suites)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

	CA_MUST(ctx);
	SSL_CTX_set_security_level(ctx, 0);
	CA_MUST(SSL_CTX_set_min_proto_version(ctx, min) == 1);
	CA_MUST(SSL_CTX_set_max_proto_version(ctx, max) == 1);
	CA_MUST(SSL_CTX_set_cipher_list(ctx, suites ? suites : "ALL:@SECLEVEL=0") == 1);
	if (cert)
		CA_MUST(SSL_CTX_use_certificate(ctx, cert) == 1 &&
			SSL_CTX_use_PrivateKey(ctx, key) == 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, peer_any);
	SSL_CTX_set_info_callback(ctx, peer_info);
	return ctx;
}

/* The peer's reading side: what comes from us, with one byte sequence replaced. */
static long
peer_flip(BIO *b, int op, const char *argp, size_t len, int argi, long argl, int ret, size_t *done)
{
	struct peer *p = (struct peer *)(uintptr_t)BIO_get_callback_arg(b);
	char *text = (char *)(uintptr_t)argp;

	(void)len, (void)argi, (void)argl;
	if (op != (BIO_CB_READ | BIO_CB_RETURN) || ret <= 0 || !p->from)
		return ret;
	for (size_t i = 0; i + p->flip_len <= *done; i++)
		if (memcmp(text + i, p->from, p->flip_len) == 0)
			memcpy(text + i, p->to, p->flip_len);
	return ret;
}

static void *
peer_main(void *arg)
{
	struct peer *p = arg;
	struct timeval limit = {.tv_sec = 10};
	SSL *ssl = SSL_new(p->ctx);
	const char *name;
	char c[256], sni[256]; /* the library's macro wants it writable */
	int n;

	setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	CA_MUST(ssl && SSL_set_fd(ssl, p->fd) == 1);
	SSL_set_app_data(ssl, p);
	if (p->from) {
		BIO_set_callback_ex(SSL_get_rbio(ssl), peer_flip);
		BIO_set_callback_arg(SSL_get_rbio(ssl), (char *)p);
	}
	if (p->sni && str_copyz(sni, sizeof(sni), str_from(p->sni)) == ERR_OK)
		SSL_set_tlsext_host_name(ssl, sni);
	if (p->offer)
		SSL_set_session(ssl, p->offer);
	n = p->server ? SSL_accept(ssl) : SSL_connect(ssl);
	p->ok = n == 1;
	p->version = SSL_version(ssl);
	snprintf(p->suite, sizeof(p->suite), "%s", p->ok ? SSL_get_cipher_name(ssl) : "");
	p->reused = SSL_session_reused(ssl);
	p->sees_cert = SSL_get0_peer_certificate(ssl) != NULL;
	name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	snprintf(p->got_sni, sizeof(p->got_sni), "%s", name ? name : "");
	/* an echo, until the other side ends; TLS 1.3 tells a refusal only here */
	while (p->ok && (n = SSL_read(ssl, c, sizeof(c))) > 0)
		SSL_write(ssl, c, n);
	p->ok = p->ok && p->alert == -1;
	p->session = SSL_get1_session(ssl);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	ERR_clear_error();
	close(p->fd);
	return NULL;
}

/* Start a peer on one end of a pair; returns the other end, non-blocking. */
static int
peer_start(struct peer *p)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	p->fd = pair[1];
	p->alert = -1;
	assert_int_equal(pthread_create(&p->thread, NULL, peer_main, p), 0);
	return pair[0];
}

/* We accept fd. */
static enum err
rig_accept(int fd, const char *from, uint64_t timeout_us)
{
	struct handshake_job job = {.fd = fd,
				    .peer = rig_addr(from),
				    .local = rig_addr("127.0.0.1:5061"),
				    .zones = rig.zones,
				    .timeout_us = timeout_us,
				    .arg = &rig};

	return handshake_submit(rig.h, &job);
}

/* A whole handshake of a connecting peer; our connection, if any, is closed after it. */
__attribute__((unused)) static void
rig_meet(struct peer *p)
{
	int n = rig.results, fd = peer_start(p);

	assert_int_equal(rig_accept(fd, "127.0.0.2:40000", 0), ERR_OK);
	rig_wait(n + 1);
	handshake_conn_free(rig.h, &rig.conn);
	pthread_join(p->thread, NULL);
}

#endif
