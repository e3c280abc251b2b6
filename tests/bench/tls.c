/* TLS: full mutual handshakes over socket pairs, one after the other in one thread, both profiles.
 * The server's own CPU time: ours with the identity question among a thousand accounts, the
 * account's policy, the path, the record and its copy into a ring; the peer's with the plain
 * library, the same certificates (leaf and intermediate, RSA 2048) and the same settings. The
 * client is the plain library both times. Same run, interleaved, medians. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "../unit/policy/world.h"

#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "certs.h"
#include "edge/card.h"

#define PBX "pbx.example.com"
#define ZONE "sip.example.net"

enum { TIMES = 10, ROUNDS = 31, STEPS_MAX = 100, ACCOUNTS = 1000, RING = 64 };

struct side_case {
	const char *word;
	enum tls_profile profile;
	const char *cipher; /* that must come out */
	struct tls_ctx *ctx;
	struct tls_zones *zones;
	SSL_CTX *server, *client;
	struct bench_series ours, theirs;
};

static struct side_case cases[] = {
	{.word = "carrier", .profile = TLS_PROFILE_CARRIER, .cipher = "AES128-SHA"},
	{.word = "modern", .profile = TLS_PROFILE_MODERN, .cipher = "TLS_AES_128_GCM_SHA256"},
};

static struct tls_trust_box trust;
static struct cards cards;
static struct edge_conf conf;
static struct world world;
static char zone_fqdn[1][POLICY_HOST_MAX] = {ZONE};
static struct tls_record ring[RING];

/* One side of one handshake. */
struct end {
	bool ours, accepts, done;
	int fd;
	double cpu_s;
	SSL *ssl;
	struct side_case *c;
	struct tls_hand hand;
	struct tls_record record;
	struct tls_verdict verdict;
};

static X509 *root, *middle, *pbx, *zone;

static void
make_certs(void)
{
	root = ca_root("Accepted CA");
	/* the intermediate's key is a third one, as in life */
	middle = certs_make("Intermediate", NULL, NULL, ca_keys()->leaf2, root, ca_keys()->ca);
	pbx = certs_make("pbx", "DNS:" PBX, "serverAuth", ca_keys()->leaf, middle,
			 ca_keys()->leaf2);
	zone = certs_make("zone", "DNS:" ZONE, "serverAuth", ca_keys()->leaf, middle,
			  ca_keys()->leaf2);
}

static struct tls_ctx *
make_ours(enum tls_profile profile)
{
	X509 *chain[] = {zone, middle};
	struct tls_conf c = {.server = true,
			     .profile = profile,
			     .fqdn = STR(ZONE),
			     .chain_pem = ca_pem(0, chain, 2),
			     .key_pem = ca_key_pem(0, ca_keys()->leaf, NULL)};
	struct tls_ctx *ctx = NULL;
	char mem[512];
	struct buf why;

	buf_init(&why, mem, sizeof(mem));
	BENCH_MUST(tls_ctx_new(&c, &why, &ctx) == ERR_OK);
	return ctx;
}

static void
make_trust(void)
{
	struct tls_trust_zone z = {.files_pem = ca_pem(1, &root, 1)};
	struct tls_trust_conf c = {.zones = &z, .n_zones = 1};
	struct tls_trust *t = NULL;
	char mem[512];
	struct buf why;

	buf_init(&why, mem, sizeof(mem));
	BENCH_MUST(tls_trust_new(&c, &why, &t) == ERR_OK);
	BENCH_MUST(tls_trust_box_init(&trust, t) == ERR_OK);
	tls_trust_unref(&t);
}

static void
make_accounts(void)
{
	static char text[ACCOUNTS][32];

	for (int i = 0; i < ACCOUNTS; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "pbx%d.example.com", i);
		world_account(&world, text[i])->tls_wildcard = true;
		(void)world_trunk(&world, text[i], text[i], i ? text[i] : PBX);
	}
	world_build(&world);
	conf.n_zones = 1;
	BENCH_MUST(cards_init(&cards, 4, zone_fqdn, &conf) == ERR_OK);
	cards.snap = &world.v;
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

/* The settings of net/tlsctx.c and net/tlsprofile.c, in the library's words. serverAuth of a client
 * is taken here, too: the purpose is set to what both sides have. */
static SSL_CTX *
make_plain(bool accepts, const struct tls_profile_row *p, X509 *made)
{
	SSL_CTX *c = SSL_CTX_new(accepts ? TLS_server_method() : TLS_client_method());
	X509 *cert = read_cert(made), *below = read_cert(middle), *top = read_cert(root);
	EVP_PKEY *key = read_key(ca_keys()->leaf);

	CA_MUST(c && tls_profile_install(c, p));
	CA_MUST(SSL_CTX_use_certificate(c, cert) == 1 && SSL_CTX_use_PrivateKey(c, key) == 1);
	CA_MUST(SSL_CTX_add1_chain_cert(c, below) == 1);
	CA_MUST(X509_STORE_add_cert(SSL_CTX_get_cert_store(c), top) == 1);
	SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
				       SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(c, 0);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	CA_MUST(SSL_CTX_set_purpose(c, X509_PURPOSE_SSL_SERVER) == 1);
	X509_free(cert);
	X509_free(below);
	X509_free(top);
	EVP_PKEY_free(key);
	return c;
}

static void
make_all(void)
{
	make_certs();
	make_trust();
	make_accounts();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct side_case *c = &cases[i];

		c->ctx = make_ours(c->profile);
		BENCH_MUST(tls_zones_new(&c->ctx, 1, &c->zones) == ERR_OK);
		c->server = make_plain(true, tls_profile_row(c->profile), zone);
		c->client = make_plain(false, tls_profile_row(c->profile), pbx);
	}
}

static void
free_all(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		tls_zones_unref(&cases[i].zones);
		tls_ctx_unref(&cases[i].ctx);
		SSL_CTX_free(cases[i].server);
		SSL_CTX_free(cases[i].client);
	}
	tls_trust_box_fini(&trust);
	cards_fini(&cards);
	world_fini(&world);
	X509_free(root);
	X509_free(middle);
	X509_free(pbx);
	X509_free(zone);
	ca_keys_free();
}

static void
begin_ours(struct end *e)
{
	struct tls_hand_conf hc = {.fd = e->fd,
				   .zones = e->c->zones,
				   .on_identity = cards_on_identity,
				   .arg = &cards,
				   .trust = &trust,
				   .record = &e->record,
				   .verdict = &e->verdict};

	BENCH_MUST(addr_parse(STR("192.0.2.1:5061"), &hc.local) == ERR_OK);
	BENCH_MUST(addr_parse(STR("192.0.2.2:40001"), &hc.peer) == ERR_OK);
	BENCH_MUST(tls_hand_init(&e->hand, &hc) == ERR_OK);
}

static void
begin_plain(struct end *e)
{
	e->ssl = SSL_new(e->accepts ? e->c->server : e->c->client);
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
end_up(struct end *e, struct side_case *c, bool ours, bool accepts, int fd)
{
	double t = bench_cpu();

	memset(e, 0, sizeof(*e));
	e->ours = ours;
	e->accepts = accepts;
	e->fd = fd;
	e->c = c;
	if (ours)
		begin_ours(e);
	else
		begin_plain(e);
	e->cpu_s = bench_cpu() - t;
}

static void
end_down(struct end *e)
{
	static unsigned turn;
	double t;

	if (e->ssl) { /* the client is the plain library: it says what was agreed */
		CA_MUST(strcmp(SSL_get_cipher(e->ssl), e->c->cipher) == 0);
		CA_MUST(!SSL_session_reused(e->ssl) && SSL_get0_peer_certificate(e->ssl));
	}
	t = bench_cpu();
	if (e->ours) {
		BENCH_MUST(e->record.reason == TLS_OK && e->verdict.accept);
		ring[turn++ % RING] = e->record;
		cards_free(&cards, e->verdict.account);
		tls_hand_fini(&e->hand);
	} else {
		SSL_free(e->ssl);
	}
	e->cpu_s += bench_cpu() - t;
	close(e->fd);
}

/* CPU microseconds of the accepting side, one handshake. */
static double
run_pairs(struct side_case *c, bool ours)
{
	static struct end a, b;
	double sum = 0;

	for (int i = 0; i < TIMES; i++) {
		int fds[2];

		BENCH_MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
		end_up(&a, c, ours, true, fds[0]);
		end_up(&b, c, false, false, fds[1]);
		for (int n = 0; !a.done || !b.done; n++) {
			BENCH_MUST(n < STEPS_MAX);
			if (!b.done)
				step_end(&b);
			if (!a.done)
				step_end(&a);
		}
		end_down(&b);
		end_down(&a);
		sum += a.cpu_s;
	}
	return sum / TIMES * 1e6;
}

static void
put_result(struct side_case *c)
{
	double ours = bench_median(&c->ours), theirs = bench_median(&c->theirs);

	if (bench.json)
		printf("{\"bench\":\"tls\",\"case\":\"%s\",\"server_us\":%.1f,"
		       "\"peer\":\"openssl\",\"peer_server_us\":%.1f,\"ratio\":%.3f,"
		       "\"rounds\":%u,\"cpu\":\"%s\"}\n",
		       c->word, ours, theirs, ours / theirs, c->ours.n, bench.cpu);
	else
		printf("  full mutual handshake, %-10s %8.1f us of the server's CPU, OpenSSL %8.1f "
		       "us, "
		       "ratio %.3f\n",
		       c->word, ours, theirs, ours / theirs);
}

int
main(int argc, char **argv)
{
	bench_begin("tls", argc, argv);
	make_all();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) /* warms up */
		(void)(run_pairs(&cases[i], true) + run_pairs(&cases[i], false));
	for (unsigned r = 0; bench_more(r, ROUNDS); r++)
		for (size_t i = 0; i < ARRAY_LEN(cases); i++)
			for (unsigned part = 0; part < 2; part++) {
				bool ours = (part + r) % 2;

				bench_add(ours ? &cases[i].ours : &cases[i].theirs,
					  run_pairs(&cases[i], ours));
			}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		put_result(&cases[i]);
	free_all();
	return 0;
}
