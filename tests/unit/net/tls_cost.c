/* What a peer may cost (D3): crumbs, renegotiation; the rest of D3 (100 certificates, 64 KiB, RSA
 * of 16384 bits, explicit curves) is in the zoo, edge/zoo. And our own staple. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>

#include "base/clock.h"
#include "rig.h"

enum {
	CRUMBS = 16000,  /* records of one octet each */
	GOOD_US = 250000 /* a good peer's handshake meanwhile */
};

/* A ClientHello with an extension of CRUMBS octets, as CRUMBS and more records of one octet. */
static void *
send_crumbs(void *arg)
{
	int fd = *(int *)arg;
	static unsigned char hello[CRUMBS + 64], record[6] = {0x16, 3, 1, 0, 1, 0};
	size_t n = CRUMBS + 55, body = n - 4, ext = CRUMBS;
	unsigned char *p = hello;

	*p++ = 1;
	*p++ = 0;
	*p++ = (unsigned char)(body >> 8);
	*p++ = (unsigned char)body;
	*p++ = 3;
	*p++ = 3;
	p += 32;                            /* random */
	*p++ = 0;                           /* session id */
	memcpy(p, "\0\4\0\x2f\0\xff\1", 7); /* two suites, one compression */
	p += 7;
	*p++ = (unsigned char)((ext + 4) >> 8);
	*p++ = (unsigned char)(ext + 4);
	memcpy(p, "\xfa\xfa", 2); /* an extension that nobody knows */
	p += 2;
	*p++ = (unsigned char)(ext >> 8);
	*p++ = (unsigned char)ext;
	for (size_t i = 0; i < n; i++) {
		record[5] = hello[i];
		if (send(fd, record, sizeof(record), MSG_NOSIGNAL) != sizeof(record))
			break;
	}
	return NULL;
}

static void
crumbs(void **state)
{
	X509 *x = rig_leaf(rig.root, "DNS:" RIG_NAME, ca_keys()->leaf);
	struct peer good = {
		.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL)};
	uint64_t began;
	pthread_t thread;
	int pair[2], n = rig.results;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(rig_accept(pair[0], "192.0.2.1:1", 0), ERR_OK);
	assert_int_equal(pthread_create(&thread, NULL, send_crumbs, &pair[1]), 0);
	for (int i = 0; i < 3; i++) {
		began = clock_now_us();
		assert_int_equal(rig_accept(peer_start(&good), "127.0.0.2:40000", 0), ERR_OK);
		for (int k = 0; k < 20000 && atomic_load(&rig.asked) == i; k++)
			assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
		assert_true(clock_now_us() - began < GOOD_US);
		for (int k = 0; k < 20000 && rig.results <= n + i; k++)
			assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
		handshake_conn_free(rig.h, &rig.conn);
		pthread_join(good.thread, NULL);
		assert_true(good.ok);
		SSL_SESSION_free(good.session);
		good.session = NULL;
	}
	pthread_join(thread, NULL);
	for (int i = 0; i < 20000 && rig.results < n + 4; i++)
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	close(pair[1]);
	SSL_CTX_free(good.ctx);
	X509_free(x);
}

/* The same alone: which sentence it gets. */
static void
crumbs_refused(void **state)
{
	pthread_t thread;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(rig_accept(pair[0], "192.0.2.1:1", 0), ERR_OK);
	assert_int_equal(pthread_create(&thread, NULL, send_crumbs, &pair[1]), 0);
	rig_wait(1);
	close(pair[1]);
	pthread_join(thread, NULL);
	assert_false(rig.record.accepted);
	assert_string_equal(rig.record.why, "the handshake came in too many pieces");
}

/* A peer that wants to begin anew in the middle is told no, and nobody is asked who it is. */
static void *
renegotiate(void *arg)
{
	struct peer *p = arg;
	struct timeval limit = {.tv_sec = 3};
	SSL *ssl = SSL_new(p->ctx);

	setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	CA_MUST(ssl && SSL_set_fd(ssl, p->fd) == 1);
	p->ok = SSL_connect(ssl) == 1;
	p->reused = p->ok && SSL_renegotiate(ssl) == 1 && SSL_do_handshake(ssl) == 1;
	SSL_free(ssl);
	ERR_clear_error();
	close(p->fd);
	return NULL;
}

static void
no_renegotiation(void **state)
{
	X509 *x = rig_leaf(rig.root, "DNS:" RIG_NAME, ca_keys()->leaf);
	struct peer p = {
		.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL)};
	char scrap[64];
	size_t len;
	enum err e = ERR_AGAIN;
	int pair[2];

	(void)state;
	SSL_CTX_set_info_callback(p.ctx, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	p.fd = pair[1];
	assert_int_equal(pthread_create(&p.thread, NULL, renegotiate, &p), 0);
	assert_int_equal(rig_accept(pair[0], "127.0.0.2:40000", 0), ERR_OK);
	rig_wait(1);
	assert_non_null(rig.conn);
	for (int i = 0; i < 5000 && e == ERR_AGAIN; i++) {
		e = tls_conn_read(rig.conn, scrap, sizeof(scrap), &len);
		usleep(1000);
	}
	pthread_join(p.thread, NULL);
	assert_true(p.ok);
	assert_false(p.reused);
	assert_int_equal(atomic_load(&rig.asked), 1);
	SSL_CTX_free(p.ctx);
	X509_free(x);
}

/* ---- our staple ---- */

static unsigned char stapled[64];
static long stapled_len;

static int
keep_staple(SSL *ssl, void *arg)
{
	const unsigned char *p;

	(void)arg;
	stapled_len = SSL_get_tlsext_status_ocsp_resp(ssl, &p);
	if (stapled_len > 0 && (size_t)stapled_len <= sizeof(stapled))
		memcpy(stapled, p, (size_t)stapled_len);
	return 1;
}

/* A client that asks gets the bytes that were given; without any it gets none, and goes on. */
static void
staple(void **state)
{
	static const char bytes[] = "as pki fetched it";
	X509 *x = rig_leaf(rig.root, "DNS:" RIG_NAME, ca_keys()->leaf);

	(void)state;
	for (int with = 0; with < 2; with++) {
		struct tls_conf conf = {.server = true,
					.profile = TLS_PROFILE_CARRIER,
					.zone = 1,
					.fqdn = STR(RIG_ZONE),
					.chain_pem = ca_pem(0, &rig.server, 1),
					.key_pem = ca_key_pem(0, ca_keys()->leaf2, NULL)};
		struct peer p = {.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION,
						 TLS1_2_VERSION, NULL)};
		struct tls_ctx *ctx = NULL;
		char mem[256];
		struct buf why;

		if (with)
			conf.staple = str_of(bytes, sizeof(bytes));
		buf_init(&why, mem, sizeof(mem));
		assert_int_equal(tls_ctx_new(&conf, &why, &ctx), ERR_OK);
		tls_zones_unref(&rig.zones);
		assert_int_equal(tls_zones_new(&ctx, 1, &rig.zones), ERR_OK);
		tls_ctx_unref(&ctx);
		CA_MUST(SSL_CTX_set_tlsext_status_type(p.ctx, TLSEXT_STATUSTYPE_ocsp) == 1);
		SSL_CTX_set_tlsext_status_cb(p.ctx, keep_staple);
		rig_meet(&p);
		assert_true(p.ok);
		assert_int_equal(stapled_len, with ? (long)sizeof(bytes) : -1);
		SSL_SESSION_free(p.session);
		SSL_CTX_free(p.ctx);
	}
	assert_memory_equal(stapled, bytes, sizeof(bytes));
	X509_free(x);
}

#define RIGGED(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

static int
drop_keys(void **state)
{
	(void)state;
	ca_keys_free();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIGGED(crumbs),
		RIGGED(crumbs_refused),
		RIGGED(no_renegotiation),
		RIGGED(staple),
	};

	return cmocka_run_group_tests(tests, NULL, drop_keys);
}
