#include "rig.h"

/* The whole under storms, shortage and its own end. */

static void
answer_all(struct seen *s, const struct sip_msg *m)
{
	(void)m;
	if (s->what == REQUEST) {
		answer(s->txn, 180);
		if (s->method != SIP_INVITE || rig.n_seen % 3 == 0)
			answer(s->txn, 200);
		if (rig.n_seen % 2 == 0)
			edge_forget(s->txn);
	}
	if (rig.n_seen > RIG_SEEN - 10)
		rig.n_seen = 0;
}

/* P9: connections reset at every place of a call's flow. */
static void
reset_anywhere(void **state)
{
	static const char *const flow[] = {"INVITE", "ACK", "CANCEL", "OPTIONS", "BYE"};
	struct linger hard = {1, 0};
	char text[8000];
	struct buf b;

	(void)state;
	rig.on_told = answer_all;
	for (int i = 0; i < 200; i++) {
		int fd = tcp_from("127.0.0.4", L_TCP);
		char branch[32];
		size_t cut;

		buf_init(&b, text, sizeof(text));
		(void)snprintf(branch, sizeof(branch), "s%d", i);
		for (size_t k = 0; k < ARRAY_LEN(flow); k++)
			buf_str(&b, request(&(struct sip){.method = flow[k],
							  .via = "TCP 127.0.0.4",
							  .branch = branch,
							  .to_tag = k ? "ours" : NULL}));
		cut = b.len * (size_t)i / 200;
		turn();
		tcp_to(fd, str_of(text, cut));
		if (i % 3)
			turn();
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
		turn();
	}
	SPIN(edge_conns(rig.e) == 0);
	assert_int_equal(pool_used(&rig.e->conns.streams.streams), 0);
}

/* P9 with TLS: in the handshake, and after it. */
static void
tls_reset_anywhere(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);

	(void)state;
	rig.on_told = answer_all;
	for (int i = 0; i < 60; i++) {
		struct tpeer p;

		tpeer_init(&p, tcp_from("127.0.0.1", L_TLS), false, cert, ca_keys()->leaf);
		for (int k = 0; k < i / 3 && !tpeer_shake(&p); k++)
			turn();
		if (p.up) {
			struct str s = request(&(struct sip){.method = i % 2 ? "INVITE" : "OPTIONS",
							     .via = "TLS 127.0.0.1"});

			SSL_write(p.ssl, s.p, (int)s.len * i / 60);
			ERR_clear_error();
		}
		if (i % 3)
			turn();
		tpeer_fini(&p, true);
	}
	SPIN(edge_conns(rig.e) == 0 && handshake_in_hand(rig.e->handshake) == 0);
	assert_int_equal(pool_used(&rig.e->cards.pool), 0);
	X509_free(cert);
}

/* One account holds its share of the connections and no more. */
static int
few_conns(void **state)
{
	rig.conf.max_conns = 70; /* a quarter is 17 */
	return rig_setup_tls(state);
}

static void
share_of_an_account(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	X509 *other = leaf(rig.root, "DNS:pbx.umbra.test", ca_keys()->leaf);
	struct tpeer p[20], u;

	(void)state;
	for (int i = 0; i < 20; i++)
		tpeer_connect(&p[i], cert);
	SPIN(edge_conns(rig.e) == 17);
	tpeer_connect(&u, other);
	SPIN(edge_conns(rig.e) == 18);
	for (int i = 0; i < 20; i++)
		tpeer_fini(&p[i], false);
	tpeer_fini(&u, false);
	SPIN(edge_conns(rig.e) == 0);
	assert_int_equal(pool_used(&rig.e->cards.pool), 0);
	X509_free(cert);
	X509_free(other);
}

/* R18: without descriptors it rests, does not spin, and goes on by itself. */
static void
descriptors_run_out(void **state)
{
	struct rlimit before, small;
	int fds[64], peer, n = 0, spare;
	uint64_t began;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	peer = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	small = before;
	spare = dup(0);
	close(spare);
	small.rlim_cur = (rlim_t)spare + 8;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	while (n < 64 && (fds[n] = dup(0)) >= 0)
		n++;
	{
		struct sockaddr_storage sa;
		struct addr from = ip("127.0.0.4", 0);
		socklen_t len = addr_to_sa(&from, &sa);

		assert_int_equal(bind(peer, (struct sockaddr *)&sa, len), 0);
		len = addr_to_sa(&rig.at[L_TCP], &sa);
		(void)!connect(peer, (struct sockaddr *)&sa, len);
	}
	turn();
	began = rig.loop.iterations;
	{
		uint64_t until = clock_now_us() + 300 * CLOCK_MS;

		while (clock_now_us() < until)
			assert_int_equal(loop_run_once(&rig.loop, 300), ERR_OK);
	}
	assert_true(rig.loop.iterations - began < 20); /* a try each 100 ms */
	assert_int_equal(edge_conns(rig.e), 0);
	while (n > 0)
		close(fds[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	SPIN(edge_conns(rig.e) == 1);
	tcp_to(peer, request(&(struct sip){.method = "OPTIONS", .via = "TCP 127.0.0.4"}));
	SPIN(count(REQUEST) == 1);
	close(peer);
}

static void
drained(void **state)
{
	int old = tcp_from("127.0.0.4", L_TCP), late;
	const char *got;

	(void)state;
	SPIN(edge_conns(rig.e) == 1);
	edge_drain(rig.e, true);
	late = tcp_from("127.0.0.4", L_TCP);
	got = hear(late, 500);
	assert_string_equal(heard(got), ""); /* closed */
	tcp_to(old, request(&(struct sip){.method = "BYE", .via = "TCP 127.0.0.4", .to_tag = "x"}));
	SPIN(count(REQUEST) == 1);
	edge_drain(rig.e, false);
	close(late);
	late = tcp_from("127.0.0.4", L_TCP);
	SPIN(edge_conns(rig.e) == 2);
	close(late);
	close(old);
}

/* The end in the middle of everything: nothing fires any more. */
static void
freed_in_the_middle(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	struct edge_dest d = {.trunk = {"acme-1"}, .account = {"acme"}, .transport = EDGE_TLS};
	int door = tcp_at("127.0.0.7", rig.pbx_port), udp = udp_at("127.0.0.2");
	struct tpeer p, half;
	struct edge_txn *t;

	(void)state;
	rig.dns_ip[0] = "127.0.0.7";
	tpeer_connect(&p, cert);
	tpeer_send(&p, request(&(struct sip){.method = "INVITE", .via = "TLS 127.0.0.1"}));
	udp_to(udp, L_CARRIER, request(&(struct sip){.method = "INVITE"}));
	SPIN(count(REQUEST) == 2);
	tpeer_init(&half, tcp_from("127.0.0.1", L_TLS), false, cert, ca_keys()->leaf);
	tpeer_shake(&half);
	assert_int_equal(edge_send(rig.e, &d, SIP_OPTIONS,
				   STR("OPTIONS sip:b@pbx.acme.test SIP/2.0\r\nCall-ID: x\r\n\r\n"),
				   NULL, &t),
			 ERR_OK);
	rest(30); /* dialled: its handshake is in hand */
	rig_swap();
	edge_free(&rig.e);
	assert_int_equal(rig.swapped, 0);
	rest(20);
	tpeer_fini(&half, true);
	tpeer_fini(&p, true);
	X509_free(cert);
	close(door);
	close(udp);
}

/* A second change before the first is through waits. */
static void
one_swap_at_a_time(void **state)
{
	(void)state;
	rig_swap();
	assert_int_equal(edge_on_snapshot(rig.e, &rig.w.v, note_swapped, NULL), ERR_AGAIN);
	SPIN(rig.swapped == 1);
	assert_int_equal(edge_on_snapshot(rig.e, &rig.w.v, note_swapped, NULL), ERR_OK);
	SPIN(rig.swapped == 2);
}

/* Which address a trunk sees. */
static void
local_of_trunks(void **state)
{
	static const struct {
		const char *trunk;
		int listener;
		const char *zone;
	} rows[] = {{"acme-1", L_TLS, RIG_ZONE},
		    {"plain1-1", L_PLAIN, ""},
		    {"gw1", L_CARRIER, ""},
		    {"gw-tcp", L_TCP, ""}};
	struct edge_local l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t trunk = snapshot_trunk(&rig.w.v, str_from(rows[i].trunk));

		assert_int_equal(edge_local_of(rig.e, trunk, &l), ERR_OK);
		assert_int_equal(l.listener, rows[i].listener);
		assert_string_equal(l.zone, rows[i].zone);
		assert_true(addr_eq(&l.advertised, &rig.at[rows[i].listener]));
	}
	assert_int_equal(edge_local_of(rig.e, POLICY_NONE, &l), ERR_NOTFOUND);
	assert_int_equal(edge_local_of(rig.e, rig.w.v.n_trunks, &l), ERR_NOTFOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reset_anywhere, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(tls_reset_anywhere, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(share_of_an_account, few_conns, rig_teardown),
		cmocka_unit_test_setup_teardown(descriptors_run_out, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(drained, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(freed_in_the_middle, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(one_swap_at_a_time, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(local_of_trunks, rig_setup_tls, rig_teardown),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	ca_keys_free();
	return failed;
}
