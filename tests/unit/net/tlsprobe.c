/* What one look at a server says: nothing there, no TLS, silence, and chains of all kinds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>

#include "base/clock.h"
#include "net/tlsprobe.h"
#include "rig.h"

enum { LOOK_US = 2 * CLOCK_S, SILENT_US = 300 * CLOCK_MS };

struct server {
	int fd;
	SSL_CTX *ctx;     /* NULL: no TLS */
	const char *says; /* then this, as soon as something came; NULL: nothing */
	pthread_t thread;
	struct addr at;
};

static void *
serve_one(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->fd, NULL, NULL);
	SSL *ssl = s->ctx ? SSL_new(s->ctx) : NULL;
	char scrap[512];

	if (ssl && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1)
		(void)SSL_read(ssl, scrap, sizeof(scrap));
	else if (!ssl && s->says && recv(fd, scrap, sizeof(scrap), 0) > 0)
		(void)!send(fd, s->says, strlen(s->says), MSG_NOSIGNAL);
	while (!ssl && recv(fd, scrap, sizeof(scrap), 0) > 0)
		;
	SSL_free(ssl);
	close(fd);
	return NULL;
}

static void
start_server(struct server *s)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	s->at = rig_addr("127.0.0.1:0");
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	addr_to_sa(&s->at, &sa);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&sa, sizeof(struct sockaddr_in)), 0);
	assert_int_equal(listen(s->fd, 4), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&sa, &len), 0);
	s->at = addr_from_sa(&sa);
	assert_int_equal(pthread_create(&s->thread, NULL, serve_one, s), 0);
}

static void
end_server(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
	SSL_CTX_free(s->ctx);
}

static enum err
look(const struct addr *at, struct tls_trust *trust, uint64_t us, struct tlsprobe_result *res,
     struct tlsprobe_chain *chain)
{
	struct tlsprobe_conf c = {.peer = *at,
				  .ctx = rig.client,
				  .trust = trust,
				  .sni = RIG_NAME,
				  .show = true,
				  .due_us = clock_now_us() + us};
	struct tlsprobe_asks asks = {0};

	*chain = (struct tlsprobe_chain){0};
	return tlsprobe_open(&c, STR(RIG_NAME), res, chain, &asks, NULL);
}

static void
test_no_tls(void **state)
{
	static struct tlsprobe_chain chain;
	struct server plain = {.says = "SIP/2.0 400 Bad Request\r\n\r\n"}, silent = {0};
	struct tlsprobe_result r;
	struct addr nobody = rig_addr("127.0.0.1:1");

	(void)state;
	assert_int_equal(look(&nobody, NULL, LOOK_US, &r, &chain), ERR_OK);
	assert_true(r.tried && !r.connected && r.error == ECONNREFUSED);
	start_server(&plain);
	assert_int_equal(look(&plain.at, NULL, LOOK_US, &r, &chain), ERR_OK);
	end_server(&plain);
	assert_true(r.connected && r.not_tls && !r.hello && !r.done);
	start_server(&silent);
	assert_int_equal(look(&silent.at, NULL, SILENT_US, &r, &chain), ERR_OK);
	end_server(&silent);
	assert_true(r.connected && r.silent && !r.hello && !r.done);
	assert_int_equal(chain.n, 0);
}

static const struct chain_row {
	const char *row, *san, *eku, *ku;
	bool other, inter, send_inter, expired;
	enum cert_match match;
	bool trusted, deeper;
} chain_rows[] = {
	{.row = "good", .san = "DNS:" RIG_NAME, .match = CERT_MATCH_DNS, .trusted = true},
	{.row = "with its issuer",
	 .san = "DNS:" RIG_NAME,
	 .inter = true,
	 .send_inter = true,
	 .match = CERT_MATCH_DNS,
	 .trusted = true},
	{.row = "without", .san = "DNS:" RIG_NAME, .inter = true, .match = CERT_MATCH_DNS},
	{.row = "unknown authority",
	 .san = "DNS:" RIG_NAME,
	 .other = true,
	 .match = CERT_MATCH_DNS},
	{.row = "expired",
	 .san = "DNS:" RIG_NAME,
	 .expired = true,
	 .match = CERT_MATCH_DNS,
	 .trusted = true},
	{.row = "wildcard",
	 .san = "DNS:*.example.com",
	 .match = CERT_MATCH_WILDCARD,
	 .trusted = true},
	{.row = "wildcard two labels up", .san = "DNS:*.com", .trusted = true, .deeper = true},
	{.row = "another name", .san = "DNS:other.example.com", .trusted = true},
	{.row = "clientAuth only",
	 .san = "DNS:" RIG_NAME,
	 .eku = "clientAuth",
	 .match = CERT_MATCH_DNS,
	 .trusted = true},
	{.row = "no keyEncipherment",
	 .san = "DNS:" RIG_NAME,
	 .ku = "digitalSignature",
	 .match = CERT_MATCH_DNS,
	 .trusted = true},
};

/* Our own context is of profile modern, so that every row gets as far as its chain. */
static void
look_at_row(const struct chain_row *r, struct tls_trust *trust)
{
	static struct tlsprobe_chain chain;
	struct ca_opts io = {.cn = "issuer",
			     .ca = true,
			     .from_day = -9,
			     .key = ca_keys()->leaf2,
			     .issuer = rig.root,
			     .issuer_key = ca_keys()->ca};
	X509 *inter = ca_cert(&io);
	struct ca_opts o = {.cn = "leaf",
			    .san = r->san,
			    .eku = r->eku ? r->eku : "serverAuth",
			    .ku = r->ku ? r->ku : "digitalSignature,keyEncipherment",
			    .from_day = -9,
			    .to_day = r->expired ? -1 : 30,
			    .key = ca_keys()->leaf,
			    .issuer = r->other   ? rig.other_root
				      : r->inter ? inter
						 : rig.root,
			    .issuer_key = r->inter ? ca_keys()->leaf2 : ca_keys()->ca};
	X509 *leaf = ca_cert(&o);
	struct server s = {
		.ctx = peer_ctx(true, leaf, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL)};
	struct tlsprobe_result res;
	enum err e;

	CA_MUST(!r->send_inter || SSL_CTX_add1_chain_cert(s.ctx, inter) == 1);
	SSL_CTX_set_mode(s.ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_info_callback(s.ctx, NULL);
	start_server(&s);
	e = look(&s.at, trust, LOOK_US, &res, &chain);
	end_server(&s);
	X509_free(inter);
	if (e != ERR_OK || !res.hello || !res.asked || !res.done)
		fail_msg("%s: %s", r->row, res.why);
	if (chain.match != r->match || chain.trusted != r->trusted ||
	    chain.wildcard_labels != r->deeper || chain.n_sent != (r->send_inter ? 2 : 1))
		fail_msg("%s: match %d trusted %d deeper %d sent %u missing \"%s\"", r->row,
			 chain.match, chain.trusted, chain.wildcard_labels, chain.n_sent,
			 chain.missing);
	if (r->inter && !r->trusted)
		assert_string_equal(chain.missing, "CN=issuer");
	assert_int_equal(chain.cert[0].not_after_us < clock_wall_us(), r->expired);
	assert_int_equal(chain.cert[0].eku_server, !r->eku);
	assert_int_equal(chain.cert[0].ku_key_encipherment, !r->ku);
	X509_free(leaf);
}

static void
test_chains(void **state)
{
	struct tls_trust *trust = rig_trust(&rig.root, 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chain_rows); i++)
		look_at_row(&chain_rows[i], trust);
	tls_trust_unref(&trust);
}

static void
test_terms(void **state)
{
	static struct tlsprobe_terms t;

	(void)state;
	tlsprobe_terms(rig.client, &t);
	assert_true(t.min >= 0x0303 && t.max >= t.min && t.n_suites > 0);
	assert_true(t.word[0] && t.shown[0] && t.own.issuer[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_terms),
	};
	int failed = cmocka_run_group_tests(tests, rig_setup, rig_teardown);

	ca_keys_free();
	return failed;
}
