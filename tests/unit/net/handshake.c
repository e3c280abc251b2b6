#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>

#include "net/tcp.h"
#include "rig.h"

/* A connection of a peer that never says anything; the far end. */
static int
silent(const char *from, uint64_t timeout_us, enum err want)
{
	int pair[2];
	enum err e;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	e = rig_accept(pair[0], from, timeout_us);
	assert_int_equal(e, want);
	if (e != ERR_OK)
		close(pair[0]);
	return pair[1];
}

static void
restart(uint32_t in_hand, uint32_t per_source, uint32_t conns)
{
	handshake_free(&rig.h);
	rig_start(in_hand, per_source, conns);
}

/* One source gets its share and no more; others still get in (D2). */
static void
budget_of_a_source(void **state)
{
	static const struct {
		const char *from;
		enum err want;
	} steps[] = {
		{"192.0.2.1:1", ERR_OK},
		{"192.0.2.1:2", ERR_OK},
		{"192.0.2.1:3", ERR_REFUSED},
		{"192.0.2.2:1", ERR_OK},
		{"[2001:db8:0:1::1]:1", ERR_OK},
		{"[2001:db8:0:1::2]:1", ERR_OK}, /* the same site */
		{"[2001:db8:0:1::3]:1", ERR_REFUSED},
		{"[2001:db8:0:2::1]:1", ERR_OK},
		{"192.0.2.3:1", ERR_FULL}, /* six in hand */
	};
	int fds[ARRAY_LEN(steps)];

	(void)state;
	restart(6, 2, 64);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		fds[i] = silent(steps[i].from, 100000, steps[i].want);
	assert_int_equal(handshake_in_hand(rig.h), 6);
	assert_false(handshake_room(rig.h));
	rig_wait(6);
	assert_true(handshake_room(rig.h));
	assert_string_equal(tls_record_word(&rig.record), "timeout");
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		close(fds[i]);
}

static void
default_share(void **state)
{
	int fds[HANDSHAKE_PER_SOURCE];

	(void)state;
	for (int i = 0; i < HANDSHAKE_PER_SOURCE; i++)
		fds[i] = silent("192.0.2.1:1", 300000, ERR_OK);
	close(silent("192.0.2.1:1", 300000, ERR_REFUSED));
	for (int i = 0; i < HANDSHAKE_PER_SOURCE; i++)
		close(fds[i]);
	rig_wait(HANDSHAKE_PER_SOURCE);
}

static void
wait_at_least(int n)
{
	for (int i = 0; i < 20000 && rig.results < n; i++)
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	assert_true(rig.results >= n);
}

static void
wait_room(void)
{
	for (int i = 0; i < 20000 && !handshake_room(rig.h); i++)
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	assert_true(handshake_room(rig.h));
}

/* 256 silent peers from many sources: the next one finds no place in this turn of the loop, but the
 * oldest are dropped to keep 64 places free. Of the others the later ones are given up sooner. A
 * job of our own finds a place all the while. */
static void
all_hands_full(void **state)
{
	struct handshake_job own = {.peer = rig_addr("127.0.0.2:5061"),
				    .client = rig.client,
				    .fqdn = STR(RIG_NAME),
				    .timeout_us = 100000};
	int fds[HANDSHAKE_MAX], pair[2];
	char from[64];

	(void)state;
	restart(0, 0, 1024);
	for (int i = 0; i < HANDSHAKE_MAX; i++) {
		snprintf(from, sizeof(from), "192.0.%d.%d:1", i / 16, i % 16);
		fds[i] = silent(from, 1500000, ERR_OK);
	}
	close(silent("198.51.100.1:1", 0, ERR_FULL));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	own.fd = pair[0];
	assert_int_equal(handshake_submit(rig.h, &own), ERR_OK);
	wait_at_least(HANDSHAKE_CROWD);
	assert_string_equal(tls_record_word(&rig.record), "crowded");
	wait_room();
	wait_at_least(HANDSHAKE_CROWD +
		      3); /* the one that our own displaced, our own, a later one */
	assert_string_equal(rig.record.why, "connected, but sent nothing within 1000 ms");
	close(pair[1]);
	rig_wait(1 + HANDSHAKE_MAX);
	for (int i = 0; i < HANDSHAKE_MAX; i++)
		close(fds[i]);
}

/* D2: peers that say nothing keep coming; a good one among them waits for nobody. */
static void
crowd_makes_room(void **state)
{
	enum { ROUNDS = 40, EACH = 32 };
	X509 *x = rig_leaf(rig.root, "DNS:" RIG_NAME, ca_keys()->leaf);
	struct peer p = {
		.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL)};
	static int fds[ROUNDS * EACH];
	char from[64];
	int n = 0, good = -1;

	(void)state;
	restart(0, 0, 1024);
	for (int r = 0; r < ROUNDS; r++) {
		for (int i = 0; i < EACH; i++, n++) {
			wait_room();
			snprintf(from, sizeof(from), "192.0.%d.%d:1", n / 16, n % 16);
			fds[n] = silent(from, 5000000, ERR_OK);
		}
		if (r == ROUNDS / 2) {
			good = peer_start(&p);
			assert_int_equal(rig_accept(good, "127.0.0.2:40000", 0), ERR_OK);
			/* its thread may be slow to say hello */
			for (int i = 0; i < 200 && atomic_load(&rig.asked) == 0; i++)
				assert_int_equal(loop_run_once(&rig.loop, 5), ERR_OK);
		}
		assert_int_equal(loop_run_once(&rig.loop, 20), ERR_OK);
	}
	for (int i = 0; i < 1000 && handshake_in_hand(rig.h) > HANDSHAKE_MAX - HANDSHAKE_CROWD; i++)
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	assert_true(handshake_in_hand(rig.h) <= HANDSHAKE_MAX - HANDSHAKE_CROWD);
	assert_int_equal(atomic_load(&rig.asked), 1); /* the good one came through */
	handshake_conn_free(rig.h, &rig.conn);
	pthread_join(p.thread, NULL);
	assert_true(p.ok);
	while (n > 0)
		close(fds[--n]);
	SSL_SESSION_free(p.session);
	SSL_CTX_free(p.ctx);
	X509_free(x);
}

static void
pool_of_connections(void **state)
{
	int a, b;

	(void)state;
	restart(0, 0, 2);
	a = silent("192.0.2.1:1", 100000, ERR_OK);
	b = silent("192.0.2.1:1", 100000, ERR_OK);
	close(silent("192.0.2.1:1", 100000, ERR_NOMEM));
	rig_wait(2);
	close(a);
	close(b);
	close(silent("192.0.2.1:1", 100000, ERR_OK)); /* given back */
	rig_wait(3);
}

static void
wrong_jobs(void **state)
{
	struct handshake_job job = {.fd = -1, .peer = {.family = 4}};
	char name[TLS_FQDN_MAX];

	(void)state;
	assert_int_equal(handshake_submit(rig.h, &job), ERR_RANGE); /* neither side */
	job.zones = rig.zones;
	job.client = rig.client;
	assert_int_equal(handshake_submit(rig.h, &job), ERR_RANGE); /* both */
	job.zones = NULL;
	memset(name, 'a', sizeof(name));
	job.fqdn = str_of(name, sizeof(name));
	assert_int_equal(handshake_submit(rig.h, &job), ERR_RANGE);
	assert_int_equal(handshake_in_hand(rig.h), 0);
}

/* Stopping with handshakes in hand delivers each of them. */
static void
stop_with_hands_full(void **state)
{
	int fds[10];

	(void)state;
	for (int i = 0; i < 10; i++)
		fds[i] = silent("192.0.2.1:1", 0, ERR_OK);
	handshake_free(&rig.h);
	assert_null(rig.h);
	assert_int_equal(rig.results, 10);
	assert_string_equal(tls_record_word(&rig.record), "shutdown");
	for (int i = 0; i < 10; i++)
		close(fds[i]);
	rig_start(0, 0, 64);
}

/* ---- work ---- */

struct job {
	pthread_t in;
	int done;
};

static void
do_work(void *arg)
{
	struct job *j = arg;

	j->in = pthread_self();
}

static void
on_done(void *arg)
{
	struct job *j = arg;

	j->done++;
}

static void
work_runs_there(void **state)
{
	struct job jobs[HANDSHAKE_WORK_MAX + 1] = {{.done = 0}};

	(void)state;
	for (int i = 0; i < HANDSHAKE_WORK_MAX; i++)
		assert_int_equal(handshake_work(rig.h, do_work, on_done, &jobs[i]), ERR_OK);
	assert_int_equal(handshake_work(rig.h, do_work, on_done, &jobs[HANDSHAKE_WORK_MAX]),
			 ERR_FULL);
	for (int i = 0; i < 5000 && !jobs[HANDSHAKE_WORK_MAX - 1].done; i++)
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	for (int i = 0; i < HANDSHAKE_WORK_MAX; i++) {
		assert_int_equal(jobs[i].done, 1);
		assert_false(pthread_equal(jobs[i].in, pthread_self()));
	}
	assert_int_equal(handshake_work(rig.h, do_work, NULL, &jobs[0]), ERR_OK);
}

/* ---- reload: contexts are swapped under running connections ---- */

static void
reload_under_connections(void **state)
{
	X509 *x = rig_leaf(rig.root, "DNS:" RIG_NAME, ca_keys()->leaf);
	struct peer p = {
		.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL)};
	char got[8];
	size_t n = 0;
	enum err e = ERR_AGAIN;

	(void)state;
	assert_int_equal(rig_accept(peer_start(&p), "127.0.0.2:1", 0), ERR_OK);
	tls_zones_unref(&rig.zones); /* at once: the job holds its own */
	tls_ctx_unref(&rig.ctx);
	rig_wait(1);
	assert_true(rig.record.accepted);
	assert_int_equal(tls_conn_write(rig.conn, "x", 1, &n), ERR_OK);
	for (int i = 0; i < 5000 && e == ERR_AGAIN; i++) {
		e = tls_conn_read(rig.conn, got, sizeof(got), &n);
		usleep(1000);
	}
	assert_int_equal(e, ERR_OK);
	handshake_conn_free(rig.h, &rig.conn);
	pthread_join(p.thread, NULL);
	SSL_SESSION_free(p.session);
	SSL_CTX_free(p.ctx);
	X509_free(x);
}

/* ---- over TCP ---- */

struct waiter {
	struct tcp_listener ln;
	int fd;
};

static enum tcp_more
take(void *arg, int fd, const struct addr *peer, const struct addr *local)
{
	struct waiter *w = arg;

	(void)peer, (void)local;
	w->fd = fd;
	return TCP_ACCEPT_HOLD;
}

/* The handshake may be submitted while TCP still connects; a refusal is told in words. */
static void
dial_and_shake(void **state)
{
	struct addr any = rig_addr("127.0.0.1:0"), local = rig_addr("127.0.0.9");
	X509 *x = rig_leaf(rig.root, "DNS:" RIG_NAME, ca_keys()->leaf);
	struct peer p = {.server = true, .alert = -1};
	struct waiter w = {.fd = -1, .ln = {.on_accept = take, .arg = &w}};
	struct handshake_job job = {.client = rig.client, .fqdn = STR(RIG_NAME)};
	int fd;

	(void)state;
	p.ctx = peer_ctx(true, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL);
	assert_int_equal(tcp_listen(&any, NULL, &fd), ERR_OK);
	assert_int_equal(tcp_listener_init(&w.ln, &rig.loop, fd), ERR_OK);
	job.peer = w.ln.local;
	assert_int_equal(tcp_dial(&job.peer, &local, NULL, &job.fd), ERR_OK);
	assert_int_equal(handshake_submit(rig.h, &job), ERR_OK);
	for (int i = 0; i < 5000 && w.fd < 0; i++)
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	assert_int_equal(fcntl(w.fd, F_SETFL, 0), 0);
	p.fd = w.fd;
	assert_int_equal(pthread_create(&p.thread, NULL, peer_main, &p), 0);
	rig_wait(1);
	assert_true(rig.record.accepted);
	assert_true(addr_ip_eq(&rig.record.local, &local));
	handshake_conn_free(rig.h, &rig.conn);
	pthread_join(p.thread, NULL);
	tcp_listener_fini(&w.ln);
	/* nobody listens there any more */
	if (tcp_dial(&job.peer, &local, NULL, &job.fd) == ERR_OK) {
		assert_int_equal(handshake_submit(rig.h, &job), ERR_OK);
		rig_wait(2);
		assert_string_equal(tls_record_word(&rig.record), "connect");
		assert_non_null(strstr(rig.record.why, "Connection refused"));
	}
	SSL_SESSION_free(p.session);
	SSL_CTX_free(p.ctx);
	X509_free(x);
}

/* A refused client that still sends gets to read the alert: no reset before it. Over TCP, many
 * times, with the client's whole flight on its way. */
static void
alert_arrives(void **state)
{
	struct addr any = rig_addr("127.0.0.1:0");
	struct waiter w = {.fd = -1, .ln = {.on_accept = take, .arg = &w}};
	X509 *x = rig_leaf(rig.other_root, "DNS:" RIG_NAME, ca_keys()->leaf);
	int fd;

	(void)state;
	assert_int_equal(tcp_listen(&any, NULL, &fd), ERR_OK);
	assert_int_equal(tcp_listener_init(&w.ln, &rig.loop, fd), ERR_OK);
	for (int n = 0; n < 40; n++) {
		struct peer p = {.alert = -1};

		p.ctx = peer_ctx(false, x, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL);
		w.fd = -1;
		assert_int_equal(tcp_dial(&w.ln.local, NULL, NULL, &p.fd), ERR_OK);
		assert_int_equal(fcntl(p.fd, F_SETFL, 0), 0);
		assert_int_equal(pthread_create(&p.thread, NULL, peer_main, &p), 0);
		tcp_listener_go(&w.ln);
		for (int i = 0; i < 5000 && w.fd < 0; i++)
			assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
		assert_int_equal(rig_accept(w.fd, "127.0.0.1:5", 0), ERR_OK);
		rig_wait(n + 1);
		pthread_join(p.thread, NULL);
		assert_int_equal(p.alert, 48);
		SSL_SESSION_free(p.session);
		SSL_CTX_free(p.ctx);
	}
	tcp_listener_fini(&w.ln);
	X509_free(x);
}

/* After a refusal with bytes unread the connection ends, and is not reset: a reset may take the
 * alert away from the peer. */
static void
ends_without_reset(void **state)
{
	static const char hello[] = "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00";
	static char more[20000];
	struct addr any = rig_addr("127.0.0.1:0");
	struct waiter w = {.fd = -1, .ln = {.on_accept = take, .arg = &w}};
	char got[64];
	int fd, far;

	(void)state;
	assert_int_equal(tcp_listen(&any, NULL, &fd), ERR_OK);
	assert_int_equal(tcp_listener_init(&w.ln, &rig.loop, fd), ERR_OK);
	assert_int_equal(tcp_dial(&w.ln.local, NULL, NULL, &far), ERR_OK);
	for (int i = 0; i < 5000 && w.fd < 0; i++)
		assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
	assert_int_equal(fcntl(far, F_SETFL, 0), 0);
	assert_int_equal(write(far, hello, sizeof(hello) - 1), sizeof(hello) - 1);
	assert_int_equal(write(far, more, sizeof(more)), sizeof(more));
	assert_int_equal(rig_accept(w.fd, "127.0.0.1:5", 0), ERR_OK);
	rig_wait(1);
	assert_int_not_equal(rig.record.alert_sent, TLS_NO_ALERT);
	assert_int_equal(recv(far, got, sizeof(got), 0), 7); /* the alert */
	assert_int_equal(recv(far, got, sizeof(got), 0), 0); /* the end */
	close(far);
	tcp_listener_fini(&w.ln);
}

/* Many at a time, good and bad. */
static void
crowd(void **state)
{
	enum { N = 48 };
	X509 *good = rig_leaf(rig.root, "DNS:" RIG_NAME, ca_keys()->leaf);
	SSL_CTX *yes = peer_ctx(false, good, ca_keys()->leaf, TLS1_2_VERSION, TLS1_2_VERSION, NULL);
	SSL_CTX *no = peer_ctx(false, NULL, NULL, TLS1_2_VERSION, TLS1_2_VERSION, NULL);
	static struct peer p[N];
	char from[32];
	int ok = 0;

	(void)state;
	for (int i = 0; i < N; i++) {
		p[i] = (struct peer){.ctx = i % 3 ? yes : no};
		snprintf(from, sizeof(from), "192.0.2.%d:1", i);
		assert_int_equal(rig_accept(peer_start(&p[i]), from, 0), ERR_OK);
	}
	rig_wait(N);
	handshake_conn_free(rig.h, &rig.conn);
	for (int i = 0; i < N; i++) {
		pthread_join(p[i].thread, NULL);
		ok += p[i].ok;
		SSL_SESSION_free(p[i].session);
	}
	assert_int_equal(ok, N - N / 3);
	SSL_CTX_free(yes);
	SSL_CTX_free(no);
	X509_free(good);
}

static int
teardown_keys(void **state)
{
	(void)state;
	ca_keys_free();
	return 0;
}

int
main(void)
{
#define RIGGED(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		RIGGED(budget_of_a_source),
		RIGGED(default_share),
		RIGGED(all_hands_full),
		RIGGED(crowd_makes_room),
		RIGGED(pool_of_connections),
		RIGGED(wrong_jobs),
		RIGGED(stop_with_hands_full),
		RIGGED(work_runs_there),
		RIGGED(reload_under_connections),
		RIGGED(dial_and_shake),
		RIGGED(alert_arrives),
		RIGGED(ends_without_reset),
		RIGGED(crowd),
	};

	return cmocka_run_group_tests(tests, NULL, teardown_keys);
}
