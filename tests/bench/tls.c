/* TLS: full mutual handshakes of profile carrier (TLS 1.2, RSA key exchange, RSA 2048) over socket
 * pairs, one after the other in one thread. Each side's own CPU time; the far side is the plain
 * library, with the same certificates and settings, as is the peer that we are compared with. Ours
 * adds the identity question, the record and the certificate rules. */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/net/testca.h"

#include "base/list.h"
#include "bench.h"
#include "net/tls.h"

#define PBX "pbx.example.com"
#define ZONE "sip.example.net"

enum { TIMES = 20, ROUNDS = 15, STEPS_MAX = 100 };

static struct tls_ctx *server, *client;
static struct tls_zones *zones;
static struct tls_trust_box trust;
static SSL_CTX *plain_server, *plain_client;

/* One side of one handshake. */
struct end {
	bool ours, accepts, done;
	int fd;
	double cpu_s;
	SSL *ssl;
	struct tls_hand hand;
	struct tls_record record;
	struct tls_verdict verdict;
};

static X509 *
make_leaf(X509 *root, const char *san, EVP_PKEY *key)
{
	struct ca_opts o = {.cn = "leaf",
			    .san = san,
			    .ku = "critical,digitalSignature,keyEncipherment",
			    .from_day = -1,
			    .key = key,
			    .issuer = root,
			    .issuer_key = ca_keys()->ca};

	return ca_cert(&o);
}

static struct tls_ctx *
make_ours(bool accepts, X509 *cert, EVP_PKEY *key)
{
	struct tls_conf conf = {.server = accepts,
				.profile = TLS_PROFILE_CARRIER,
				.fqdn = accepts ? STR(ZONE) : STR_NULL,
				.chain_pem = ca_pem(0, &cert, 1),
				.key_pem = ca_key_pem(0, key, NULL)};
	struct tls_ctx *ctx = NULL;
	char mem[512];
	struct buf why;

	buf_init(&why, mem, sizeof(mem));
	BENCH_MUST(tls_ctx_new(&conf, &why, &ctx) == ERR_OK);
	return ctx;
}

static void
make_trust(X509 *root)
{
	struct tls_trust_zone zone = {.files_pem = ca_pem(1, &root, 1)};
	struct tls_trust_conf conf = {.zones = &zone, .n_zones = 1};
	struct tls_trust *t = NULL;
	char mem[512];
	struct buf why;

	buf_init(&why, mem, sizeof(mem));
	BENCH_MUST(tls_trust_new(&conf, &why, &t) == ERR_OK);
	BENCH_MUST(tls_trust_box_init(&trust, t) == ERR_OK);
	tls_trust_unref(&t);
}

/* As ours come: out of PEM, not as they were made. */
static X509 *
read_cert(X509 *made)
{
	struct str pem = ca_pem(2, &made, 1);
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);

	CA_MUST(x);
	BIO_free(b);
	return x;
}

static EVP_PKEY *
read_key(EVP_PKEY *made)
{
	struct str pem = ca_key_pem(2, made, NULL);
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);

	CA_MUST(key);
	BIO_free(b);
	return key;
}

/* The settings of net/tlsctx.c, in the library's words. */
static SSL_CTX *
make_plain(bool accepts, X509 *made_cert, EVP_PKEY *made_key, X509 *made_root)
{
	SSL_CTX *c = SSL_CTX_new(accepts ? TLS_server_method() : TLS_client_method());
	X509 *cert = read_cert(made_cert), *root = read_cert(made_root);
	EVP_PKEY *key = read_key(made_key);
	char sigalgs[] = "RSA+SHA256:RSA+SHA384:RSA+SHA512:rsa_pss_rsae_sha256";

	CA_MUST(c);
	SSL_CTX_set_security_level(c, 2);
	CA_MUST(SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1);
	CA_MUST(SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION) == 1);
	CA_MUST(SSL_CTX_set_cipher_list(c, "AES128-SHA:AES128-SHA256:AES256-SHA256") == 1);
	CA_MUST(SSL_CTX_use_certificate(c, cert) == 1 && SSL_CTX_use_PrivateKey(c, key) == 1);
	CA_MUST(X509_STORE_add_cert(SSL_CTX_get_cert_store(c), root) == 1);
	CA_MUST(SSL_CTX_set1_sigalgs_list(c, sigalgs) == 1);
	CA_MUST(SSL_CTX_set1_client_sigalgs_list(c, sigalgs) == 1);
	SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
				       SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	X509_free(cert);
	X509_free(root);
	EVP_PKEY_free(key);
	return c;
}

static void
make_all(void)
{
	X509 *root = ca_root("Accepted CA");
	X509 *pbx = make_leaf(root, "DNS:" PBX, ca_keys()->leaf);
	X509 *zone = make_leaf(root, "DNS:" ZONE, ca_keys()->leaf2);

	server = make_ours(true, zone, ca_keys()->leaf2);
	client = make_ours(false, pbx, ca_keys()->leaf);
	BENCH_MUST(tls_zones_new(&server, 1, &zones) == ERR_OK);
	make_trust(root);
	plain_server = make_plain(true, zone, ca_keys()->leaf2, root);
	plain_client = make_plain(false, pbx, ca_keys()->leaf, root);
	X509_free(root);
	X509_free(pbx);
	X509_free(zone);
}

static void
free_all(void)
{
	tls_zones_unref(&zones);
	tls_trust_box_fini(&trust);
	tls_ctx_unref(&server);
	tls_ctx_unref(&client);
	SSL_CTX_free(plain_server);
	SSL_CTX_free(plain_client);
	ca_keys_free();
}

static void
answer_identity(void *arg, const struct tls_peer *peer, struct tls_verdict *v)
{
	(void)arg;
	v->accept = certpolicy_match(peer->cert, STR(PBX)) != CERT_MATCH_NO;
}

static void
begin_ours(struct end *e)
{
	struct tls_hand_conf conf = {.fd = e->fd,
				     .zones = e->accepts ? zones : NULL,
				     .client = e->accepts ? NULL : client,
				     .fqdn = e->accepts ? STR_NULL : STR(ZONE),
				     .on_identity = answer_identity,
				     .trust = &trust,
				     .record = &e->record,
				     .verdict = &e->verdict};

	BENCH_MUST(addr_parse(STR("192.0.2.1:5061"), &conf.local) == ERR_OK);
	BENCH_MUST(addr_parse(STR("192.0.2.2:40001"), &conf.peer) == ERR_OK);
	BENCH_MUST(tls_hand_init(&e->hand, &conf) == ERR_OK);
}

static void
begin_plain(struct end *e)
{
	e->ssl = SSL_new(e->accepts ? plain_server : plain_client);
	CA_MUST(e->ssl && SSL_set_fd(e->ssl, e->fd) == 1);
	if (e->accepts) {
		SSL_set_accept_state(e->ssl);
		return;
	}
	CA_MUST(SSL_set1_host(e->ssl, ZONE) == 1);
	CA_MUST(SSL_set_tlsext_host_name(e->ssl, ZONE) == 1);
	SSL_set_connect_state(e->ssl);
}

static void
step_end(struct end *e)
{
	double t = bench_cpu();

	if (e->ours) {
		uint32_t want;
		enum err r = tls_hand_step(&e->hand, &want);

		BENCH_MUST(r == ERR_OK || r == ERR_AGAIN);
		e->done = r == ERR_OK;
	} else {
		int r = SSL_do_handshake(e->ssl);

		CA_MUST(r == 1 || SSL_get_error(e->ssl, r) == SSL_ERROR_WANT_READ);
		e->done = r == 1;
	}
	e->cpu_s += bench_cpu() - t;
}

static void
end_up(struct end *e, bool ours, bool accepts, int fd)
{
	double t = bench_cpu();

	memset(e, 0, sizeof(*e));
	e->ours = ours;
	e->accepts = accepts;
	e->fd = fd;
	if (ours)
		begin_ours(e);
	else
		begin_plain(e);
	e->cpu_s = bench_cpu() - t;
}

static void
end_down(struct end *e)
{
	double t;

	if (e->ssl) { /* at least one side is plain: it says what was agreed */
		CA_MUST(strcmp(SSL_get_cipher(e->ssl), "AES128-SHA") == 0);
		CA_MUST(!SSL_session_reused(e->ssl) && SSL_get0_peer_certificate(e->ssl));
	}
	t = bench_cpu();
	if (e->ours)
		tls_hand_fini(&e->hand);
	else
		SSL_free(e->ssl);
	e->cpu_s += bench_cpu() - t;
	close(e->fd);
}

/* CPU seconds of the accepting and of the connecting side, TIMES handshakes. */
static void
run_pairs(bool ours_accepts, bool ours_connects, double *accept_s, double *connect_s)
{
	static struct end a, c;

	*accept_s = *connect_s = 0;
	for (int i = 0; i < TIMES; i++) {
		int fds[2];

		BENCH_MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
		end_up(&a, ours_accepts, true, fds[0]);
		end_up(&c, ours_connects, false, fds[1]);
		for (int n = 0; !a.done || !c.done; n++) {
			BENCH_MUST(n < STEPS_MAX);
			if (!c.done)
				step_end(&c);
			if (!a.done)
				step_end(&a);
		}
		end_down(&c);
		end_down(&a);
		*accept_s += a.cpu_s;
		*connect_s += c.cpu_s;
	}
}

static struct bench_series accepts[2], connects[2]; /* ours, the peer's */

/* Part 0: we accept; 1: nobody is ours; 2: we connect. */
static void
run_part(unsigned part)
{
	double a, c;

	run_pairs(part == 0, part == 2, &a, &c);
	if (part < 2)
		bench_add(&accepts[part], TIMES / a);
	if (part > 0)
		bench_add(&connects[2 - part], TIMES / c);
}

int
main(int argc, char **argv)
{
	double a, c;

	bench_begin("tls", argc, argv);
	make_all();
	run_pairs(true, false, &a, &c); /* warms up */
	for (unsigned r = 0; bench_more(r, ROUNDS); r++)
		for (unsigned part = 0; part < 3; part++)
			run_part(r % 2 ? 2 - part : part);
	bench_result("accept, carrier", "handshakes/CPU s", true, &accepts[0], "OpenSSL",
		     &accepts[1]);
	bench_result("connect, carrier", "handshakes/CPU s", true, &connects[0], "OpenSSL",
		     &connects[1]);
	free_all();
	return 0;
}
