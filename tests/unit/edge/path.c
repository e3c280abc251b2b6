#include "rig.h"

/* Streams out: dialling, reuse, loss, and who a connection is. */

static struct edge_dest
pbx(const char *account, const char *trunk, bool reuse)
{
	struct edge_dest d = {.transport = EDGE_TLS, .reuse = reuse};

	(void)snprintf(d.trunk.z, sizeof(d.trunk.z), "%s", trunk);
	(void)snprintf(d.account.z, sizeof(d.account.z), "%s", account);
	return d;
}

static struct edge_txn *
ask(const struct edge_dest *d, const char *method)
{
	static char mem[2000];
	struct edge_txn *t = NULL;
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(
		&b,
		"%s sip:b@pbx.acme.test SIP/2.0\r\nMax-Forwards: 69\r\n"
		"From: <sip:a@127.0.0.1>;tag=us\r\nTo: <sip:b@pbx.acme.test>\r\nCall-ID: ours\r\n"
		"CSeq: 7 %s\r\nContact: <sip:127.0.0.1>\r\nContent-Length: 0\r\n\r\n",
		method, method);
	assert_int_equal(
		edge_send(rig.e, d, sip_method_of(str_from(method)), buf_view(&b), NULL, &t),
		ERR_OK);
	return t;
}

/* ---- too large for a datagram ---- */

/* A request of this size to a trunk over UDP. */
static void
ask_large(const char *trunk, size_t size)
{
	static char mem[4000];
	struct edge_dest d = {.transport = EDGE_UDP};
	struct edge_txn *t = NULL;
	struct buf b;

	(void)snprintf(d.trunk.z, sizeof(d.trunk.z), "%s", trunk);
	buf_init(&b, mem, sizeof(mem));
	buf_printf(
		&b,
		"OPTIONS sip:gw SIP/2.0\r\nMax-Forwards: 69\r\nFrom: <sip:a@127.0.0.1>;tag=us\r\n"
		"To: <sip:gw>\r\nCall-ID: ours\r\nCSeq: 7 OPTIONS\r\nX: ");
	while (b.len < size)
		buf_char(&b, 'x');
	buf_z(&b, "\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(edge_send(rig.e, &d, SIP_OPTIONS, buf_view(&b), NULL, &t), ERR_OK);
}

static void
large_over_tcp(void **state)
{
	int door = tcp_at("127.0.0.2", rig.pbx_port), udp = gw1_here(), fd = -1;
	char req[5000];

	(void)state;
	ask_large("gw1", 800); /* with its Via below the limit: as a datagram */
	HEARD(hear(udp, 1000), "Via: SIP/2.0/UDP 127.0.0.1:");
	udp_to(udp, L_CARRIER, response(str_from(heard(hear(udp, 1000))), 200));
	SPIN(count(NEWS) == 1);
	while (hear(udp, 5))
		;
	ask_large("gw1", 1300);
	SPIN((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	(void)snprintf(req, sizeof(req), "%s", heard(hear(fd, 1000)));
	HEARD(req, "Via: SIP/2.0/TCP 127.0.0.1:");
	assert_null(hear(udp, 20));
	tcp_to(fd, response(str_from(req), 200));
	SPIN(count(NEWS) == 2);
	assert_int_equal(last(NEWS)->status, 200);
	assert_int_equal(last(NEWS)->news.source.transport, EDGE_UDP); /* what follows is small */
	/* the next one uses the connection */
	ask_large("gw1", 2000);
	HEARD(hear(fd, 1000), "Via: SIP/2.0/TCP");
	close(fd);
	close(door);
	close(udp);
}

/* Nobody listens there: as a datagram after all, and the next one at once. */
static void
large_without_tcp(void **state)
{
	int udp = gw1_here();

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *got;
		int before = count(NEWS);

		ask_large("gw1", 1400);
		got = hear(udp, 1000);
		HEARD(got, "Via: SIP/2.0/UDP 127.0.0.1:");
		assert_true(strlen(got) > 1400);
		udp_to(udp, L_CARRIER, response(str_from(got), 200));
		SPIN(count(NEWS) > before);
		assert_int_equal(last(NEWS)->status, 200);
		while (hear(udp, 5))
			;
	}
	close(udp);
}

static void
keep_udp(struct world *w)
{
	for (uint32_t i = 0; i < w->r.n_trunks; i++)
		w->r.trunk[i].large = TRUNK_LARGE_UDP;
}

static int
setup_udp_only(void **state)
{
	rig.on_trunks = keep_udp;
	return rig_setup_tls(state);
}

/* The trunk says so. */
static void
large_stays_udp(void **state)
{
	int door = tcp_at("127.0.0.2", rig.pbx_port), udp = gw1_here();

	(void)state;
	ask_large("gw1", 1400);
	HEARD(hear(udp, 1000), "Via: SIP/2.0/UDP 127.0.0.1:");
	assert_true(accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) < 0);
	close(door);
	close(udp);
}

/* ---- large messages of others ---- */

/* 64 KiB less one byte over TLS, in records and segments of any size: one request, whole. */
static void
sixty_four_kib(void **state)
{
	static const int pieces[] = {1, 7, 1460, 16384, 70000};
	static char big[SIP_MSG_MAX];
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		size_t size = pieces[i] == 1 ? 3000 : SIP_MSG_MAX - 1, at = 0;
		struct tpeer p;
		struct buf b;
		int before = count(REQUEST);
		char branch[20];

		(void)snprintf(branch, sizeof(branch), "z9hG4bKbig%zu", i);
		buf_init(&b, big, sizeof(big));
		buf_printf(&b,
			   "OPTIONS sip:sbc SIP/2.0\r\nVia: SIP/2.0/TLS "
			   "h;branch=%s\r\nMax-Forwards: 9\r\n"
			   "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: %zu\r\nCSeq: 1 "
			   "OPTIONS\r\n",
			   branch, i);
		buf_printf(&b, "Content-Length: %05zu\r\n\r\n", size - b.len - 25);
		while (b.len < size)
			buf_char(&b, 'x');
		tpeer_connect(&p, cert);
		SPIN(count(HANDSHAKE) > (int)i);
		while (at < size) {
			int n = (int)(size - at) < pieces[i] ? (int)(size - at) : pieces[i];
			int sent = SSL_write(p.ssl, big + at, n);

			ERR_clear_error();
			at += sent > 0 ? (size_t)sent : 0;
			turn();
		}
		SPIN(count(REQUEST) == before + 1);
		answer(last(REQUEST)->txn, 200);
		tpeer_fini(&p, false);
	}
	X509_free(cert);
}

/* ---- dialling ---- */

static void
dialled_and_reused(void **state)
{
	struct edge_dest d = pbx("acme", "acme-1", false);
	int door = tcp_at("127.0.0.7", rig.pbx_port);
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	struct tpeer p;

	(void)state;
	rig.dns_ip[0] = "127.0.0.8"; /* nobody listens there: the next address */
	rig.dns_ip[1] = "127.0.0.7";
	ask(&d, "OPTIONS");
	ask(&d, "OPTIONS"); /* waits for the same connection */
	tpeer_accept(&p, door, cert);
	assert_true(p.up);
	for (int i = 0; i < 2; i++) {
		char req[3000];

		(void)snprintf(req, sizeof(req), "%s", heard(tpeer_hear(&p, 1000)));
		HEARD(req, "OPTIONS sip:b@pbx.acme.test SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:");
		if (strstr(req + 10, "OPTIONS sip:")) { /* both in one read */
			*strstr(req + 10, "OPTIONS sip:") = 0;
			i++;
		}
		tpeer_send(&p, response(str_from(req), 200));
	}
	SPIN(count(NEWS) >= 1);
	assert_int_equal(last(NEWS)->status, 200);
	assert_string_equal(last(NEWS)->news.source.account_id.z, "acme");
	assert_int_equal(edge_conns(rig.e), 1);
	assert_int_equal(count(LINK), 1);
	/* what it asks us over this connection is of the trunk that was dialled */
	tpeer_send(&p, request(&(struct sip){.method = "OPTIONS", .via = "TLS 127.0.0.7"}));
	SPIN(count(REQUEST) == 1);
	assert_string_equal(world_trunk_name(&rig.w, last(REQUEST)->src.trunk), "acme-1");
	tpeer_fini(&p, false);
	SPIN(edge_conns(rig.e) == 0);
	assert_int_equal(count(LINK), 2);
	assert_false(last(LINK)->up);
	X509_free(cert);
	close(door);
}

static int
setup_hasty(void **state)
{
	rig.conf.connect_us = 60000;
	return rig_setup_tls(state);
}

/* One that is mute has its time, then the next; a wrong name is no peer. */
static void
deadline_and_wrong_names(void **state)
{
	struct edge_dest d = pbx("acme", "acme-1", false);
	int mute = tcp_at("127.0.0.9", rig.pbx_port), door = tcp_at("127.0.0.7", rig.pbx_port);
	X509 *wrong = leaf(rig.root, "DNS:pbx.umbra.test", ca_keys()->leaf);
	X509 *other = leaf(rig.other_root, "DNS:pbx.acme.test", ca_keys()->leaf);
	X509 *all[] = {wrong, other};

	(void)state;
	rig.dns_ip[0] = "127.0.0.9";
	rig.dns_ip[1] = "127.0.0.7";
	for (int i = 0; i < 2; i++) {
		struct tpeer p;

		ask(&d, "INVITE");
		tpeer_accept(&p, door, all[i]);
		SPIN(count(NEWS) == i + 1);
		assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
		assert_int_not_equal(strlen(last(NEWS)->why), 0);
		print_message("# %s\n", last(NEWS)->why);
		tpeer_fini(&p, true);
		SPIN(edge_conns(rig.e) == 0);
	}
	SPIN(edge_txns(rig.e) == 0);
	X509_free(wrong);
	X509_free(other);
	close(mute);
	close(door);
}

/* An address that cannot even be dialled leaves a record, too. */
static void
undialled(void **state)
{
	struct edge_dest d = pbx("acme", "acme-1", false);

	(void)state;
	rig.dns_ip[0] = "255.255.255.255";
	ask(&d, "INVITE");
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	assert_int_equal(count(HANDSHAKE), 1);
	assert_false(last(HANDSHAKE)->up);
	assert_non_null(strstr(last(HANDSHAKE)->why, "255.255.255.255"));
	SPIN(edge_conns(rig.e) == 0);
}

/* ---- a PBX that connects ---- */

static void
accepted_and_refused(void **state)
{
	static const struct {
		const char *name, *san;
		bool other_root, ok;
		const char *trunk;
	} rows[] = {
		{"acme", "DNS:pbx.acme.test", false, true, "acme-1"},
		{"the other trunk", "DNS:pbx2.acme.test", false, true, "acme-2"},
		{"nobody", "DNS:pbx.nobody.test", false, false, NULL},
		{"no accepted authority", "DNS:pbx.acme.test", true, false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		X509 *cert = leaf(rows[i].other_root ? rig.other_root : rig.root, rows[i].san,
				  ca_keys()->leaf);
		struct tpeer p;
		int n = count(REQUEST);

		print_message("# %s\n", rows[i].name);
		tpeer_connect(&p, cert);
		SPIN(count(HANDSHAKE) == (int)i + 1);
		assert_int_equal(last(HANDSHAKE)->up, rows[i].ok);
		assert_int_equal(strlen(last(HANDSHAKE)->why) > 0, !rows[i].ok);
		assert_int_equal(edge_conns(rig.e), rows[i].ok);
		if (rows[i].ok) {
			tpeer_send(&p, request(&(struct sip){.method = "OPTIONS",
							     .via = "TLS 127.0.0.1",
							     .branch = rows[i].trunk}));
			SPIN(count(REQUEST) == n + 1);
			assert_string_equal(last(REQUEST)->src.account_id.z, "acme");
			assert_string_equal(world_trunk_name(&rig.w, last(REQUEST)->src.trunk),
					    rows[i].trunk);
			answer(last(REQUEST)->txn, 200);
			edge_forget(last(REQUEST)->txn);
			HEARD(tpeer_hear(&p, 1000), "SIP/2.0 200 OK");
		}
		tpeer_fini(&p, false);
		SPIN(edge_conns(rig.e) == 0);
		X509_free(cert);
	}
	assert_int_equal(pool_used(&rig.e->cards.pool), 0);
}

/* In a dialog any connection of the account whose trunks hold this one will do; nobody else's. */
static void
reuse_within_the_account(void **state)
{
	X509 *c1 = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	X509 *c2 = leaf(rig.root, "DNS:pbx2.acme.test", ca_keys()->leaf);
	X509 *cu = leaf(rig.root, "DNS:pbx.umbra.test", ca_keys()->leaf);
	struct edge_dest d = pbx("acme", "acme-1", true);
	struct tpeer p1, p2, pu;
	char bye[3000];

	(void)state;
	rig.dns_ip[0] = "127.0.0.8";
	tpeer_connect(&p2, c2);
	tpeer_connect(&pu, cu);
	SPIN(edge_conns(rig.e) == 2);
	d.conn = 2; /* a hint that is another account's is none */
	ask(&d, "INFO");
	SPIN(count(NEWS) == 1); /* no connection of acme-1, none can be dialled */
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	tpeer_connect(&p1, c1);
	SPIN(edge_conns(rig.e) == 3);
	d.conn = 77; /* gone */
	ask(&d, "BYE");
	(void)snprintf(bye, sizeof(bye), "%s", heard(tpeer_hear(&p1, 1000)));
	HEARD(bye, "BYE sip:b@pbx.acme.test");
	tpeer_send(&pu, response(str_from(bye), 200)); /* A4 */
	rest(30);
	assert_int_equal(count(NEWS), 1);
	tpeer_send(&p2, response(str_from(bye), 200)); /* of the account: taken */
	SPIN(count(NEWS) == 2);
	assert_int_equal(last(NEWS)->status, 200);
	assert_null(tpeer_hear(&p2, 10));
	/* a new call goes over a connection that we dial, never over one that a PBX made */
	d.reuse = false;
	ask(&d, "INVITE");
	SPIN(count(NEWS) == 3);
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	tpeer_fini(&p1, false);
	tpeer_fini(&p2, false);
	tpeer_fini(&pu, false);
	X509_free(c1);
	X509_free(c2);
	X509_free(cu);
}

/* RFC 5923: with ;alias in its Via, or where the trunk says so, new requests too. */
static void
new_requests_over_the_peers_own(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	X509 *other = leaf(rig.root, "DNS:pbx.umbra.test", ca_keys()->leaf);
	struct edge_dest d = pbx("acme", "acme-1", false), u = pbx("umbra", "umbra-1", false);
	struct tpeer p, q;

	(void)state;
	rig.dns_ip[0] = "127.0.0.8"; /* nobody listens there */
	tpeer_connect(&p, cert);
	SPIN(edge_conns(rig.e) == 1);
	ask(&d, "INVITE");
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	tpeer_send(&p, request(&(struct sip){
			       .method = "OPTIONS", .via = "TLS 127.0.0.1", .branch = "x;alias"}));
	SPIN(count(REQUEST) == 1);
	ask(&d, "INVITE");
	HEARD(tpeer_hear(&p, 1000), "INVITE sip:b@pbx.acme.test");
	tpeer_connect(&q, other); /* umbra-1 says reuse: inbound */
	SPIN(edge_conns(rig.e) == 2);
	ask(&u, "INVITE");
	HEARD(tpeer_hear(&q, 1000), "INVITE sip:b@pbx.acme.test");
	tpeer_fini(&p, false);
	tpeer_fini(&q, false);
	X509_free(cert);
	X509_free(other);
}

/* The name verified is the trunk's reference, whatever host was dialled. */
static void
reference_name(void **state)
{
	X509 *host = leaf(rig.root, "DNS:pbx2.acme.test", ca_keys()->leaf);
	X509 *reference = leaf(rig.root, "DNS:real.acme.test", ca_keys()->leaf);
	struct edge_dest d = pbx("acme", "acme-2", false);
	int door = tcp_at("127.0.0.7", rig.pbx_port);
	struct tpeer p;

	(void)state;
	rig.dns_ip[0] = "127.0.0.7";
	ask(&d, "OPTIONS");
	tpeer_accept(&p, door, host);
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	HEARD(last(NEWS)->why, "real.acme.test");
	tpeer_fini(&p, true);
	SPIN(edge_conns(rig.e) == 0);
	ask(&d, "OPTIONS");
	tpeer_accept(&p, door, reference);
	HEARD(tpeer_hear(&p, 1000), "OPTIONS ");
	tpeer_fini(&p, false);
	X509_free(host);
	X509_free(reference);
	close(door);
}

/* ---- loss ---- */

static void
connection_lost_in_the_middle(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	struct edge_dest d = pbx("acme", "acme-1", false);
	int door = tcp_at("127.0.0.7", rig.pbx_port);
	struct tpeer p, next;
	struct edge_txn *ringing;
	char inv[3000];

	(void)state;
	rig.dns_ip[0] = "127.0.0.7";
	ringing = ask(&d, "INVITE");
	tpeer_accept(&p, door, cert);
	(void)snprintf(inv, sizeof(inv), "%s", heard(tpeer_hear(&p, 1000)));
	tpeer_send(&p, response(str_from(inv), 180));
	SPIN(count(NEWS) == 1);
	ask(&d, "INVITE");
	HEARD(tpeer_hear(&p, 1000), "INVITE");
	ask(&d, "OPTIONS");
	HEARD(tpeer_hear(&p, 1000), "OPTIONS");
	tpeer_fini(&p, true);
	SPIN(count(NEWS) == 3); /* those that wait for a first answer */
	for (int i = 0, n = 0; i < rig.n_seen; i++)
		if (rig.seen[i].what == NEWS && n++ > 0)
			assert_int_equal(rig.seen[i].news.event, EDGE_FAILED);
	/* the one that rings is answered over the PBX's own next connection, or cancelled there */
	tpeer_connect(&next, cert);
	SPIN(edge_conns(rig.e) == 1);
	edge_cancel(ringing, STR_NULL);
	HEARD(tpeer_hear(&next, 1000), "CANCEL");
	tpeer_send(&next, response(str_from(inv), 487));
	SPIN(count(NEWS) == 4);
	assert_int_equal(last(NEWS)->status, 487);
	HEARD(tpeer_hear(&next, 1000), "ACK");
	tpeer_fini(&next, false);
	X509_free(cert);
	close(door);
}

/* Our answer goes over another connection of the account, or a new one to the trunk. */
static void
answer_when_the_connection_is_gone(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	int door = tcp_at("127.0.0.7", rig.pbx_port);
	struct edge_txn *t[2];
	struct tpeer p, next;

	(void)state;
	rig.dns_ip[0] = "127.0.0.7";
	tpeer_connect(&p, cert);
	SPIN(edge_conns(rig.e) == 1);
	for (int i = 0; i < 2; i++) {
		tpeer_send(&p, request(&(struct sip){.method = "INVITE",
						     .via = "TLS 127.0.0.1",
						     .branch = i ? "i1" : "i0"}));
		SPIN(count(REQUEST) == i + 1);
		t[i] = last(REQUEST)->txn;
	}
	tpeer_fini(&p, true);
	SPIN(edge_conns(rig.e) == 0);
	answer(t[0], 200);
	tpeer_accept(&next, door, cert);
	HEARD(tpeer_hear(&next, 1000), "SIP/2.0 200 OK");
	answer(t[1], 486);
	HEARD(tpeer_hear(&next, 1000), "SIP/2.0 486");
	edge_respond_again(t[0]);
	HEARD(tpeer_hear(&next, 1000), "SIP/2.0 200 OK");
	tpeer_fini(&next, false);
	X509_free(cert);
	close(door);
}

/* A carrier over TCP: to where it came from. */
static void
answer_to_a_carrier_that_hung_up(void **state)
{
	int door = tcp_at("127.0.0.4", rig.pbx_port), fd = tcp_from("127.0.0.4", L_TCP), next = -1;

	(void)state;
	SPIN(edge_conns(rig.e) == 1);
	tcp_to(fd, request(&(struct sip){
			   .method = "INVITE", .via = "TCP 127.0.0.4", .via_port = rig.pbx_port}));
	SPIN(count(REQUEST) == 1);
	close(fd);
	SPIN(edge_conns(rig.e) == 0);
	answer(last(REQUEST)->txn, 503);
	SPIN((next = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	HEARD(hear(next, 1000), "SIP/2.0 503");
	close(next);
	close(door);
}

/* ---- A10 ---- */

static struct conn *
first_conn(void)
{
	return CONTAINER_OF(rig.e->conns.all.next, struct conn, node);
}

/* An account switched off: within the same iteration new calls are refused, running ones go on. */
static void
switched_off_while_connected(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	struct edge_dest d = pbx("acme", "acme-1", true);
	struct tpeer p, late;
	struct sip s = {.method = "INVITE", .via = "TLS 127.0.0.1", .branch = "run"};
	struct edge_txn *t;
	char bye[3000];

	(void)state;
	tpeer_connect(&p, cert);
	SPIN(edge_conns(rig.e) == 1);
	tpeer_send(&p, request(&s));
	SPIN(count(REQUEST) == 1);
	t = last(REQUEST)->txn;
	rig.switched_off = 1;
	rig_swap();
	s.branch = "new";
	tpeer_send(&p, request(&s));
	REFUSED(tpeer_hear(&p, 1000), "but the account is disabled");
	assert_int_equal(count(REQUEST), 1);
	SPIN(rig.swapped == 1);
	s.branch = "sos"; /* an emergency call goes up, with its trunk */
	s.uri = "sip:9-11@x";
	tpeer_send(&p, request(&s));
	SPIN(count(REQUEST) == 2);
	assert_string_equal(snapshot_trunk_id(&rig.w.v, last(REQUEST)->src.trunk).z, "acme-1");
	answer(last(REQUEST)->txn, 500);
	HEARD(tpeer_hear(&p, 1000), "SIP/2.0 500");
	s.uri = NULL;
	answer(t, 200); /* the indexes in it are of other accounts now */
	HEARD(tpeer_hear(&p, 1000), "SIP/2.0 200");
	tpeer_send(
		&p,
		request(&(struct sip){
			.method = "ACK", .via = "TLS 127.0.0.1", .branch = "a", .to_tag = "ours"}));
	SPIN(count(ACKED) == 1);
	assert_string_equal(last(ACKED)->src.account_id.z, "acme");
	tpeer_send(
		&p,
		request(&(struct sip){
			.method = "BYE", .via = "TLS 127.0.0.1", .branch = "b", .to_tag = "ours"}));
	SPIN(count(REQUEST) == 3);
	assert_string_equal(last(REQUEST)->src.account_id.z, "acme");
	assert_int_equal(last(REQUEST)->src.trunk, POLICY_NONE);
	answer(last(REQUEST)->txn, 200);
	HEARD(tpeer_hear(&p, 1000), "SIP/2.0 200");
	ask(&d, "BYE"); /* ours too */
	(void)snprintf(bye, sizeof(bye), "%s", heard(tpeer_hear(&p, 1000)));
	HEARD(bye, "BYE");
	tpeer_send(&p, response(str_from(bye), 200));
	SPIN(count(NEWS) == 1);
	tpeer_connect(&late, cert); /* no new connection of it */
	SPIN(!last(HANDSHAKE)->up);
	tpeer_fini(&late, true);
	rig.switched_off = 0; /* on again */
	world_fini(&rig.w);
	rig.w = rig.next;
	rig_swap();
	s.branch = "again";
	tpeer_send(&p, request(&s));
	SPIN(count(REQUEST) == 4);
	SPIN(rig.swapped == 2);
	tpeer_fini(&p, false);
	X509_free(cert);
}

/* From now on this list counts; empty: none does. */
static void
use_crl(struct str pem)
{
	struct tls_trust_zone zone = {.files_pem = ca_pem(1, &rig.root, 1),
				      .files_label = STR("roots.pem")};
	struct tls_text crl = {.bytes = pem, .label = STR("list.crl")};
	struct tls_trust *was = tls_trust_box_get(&rig.e->trust), *t = NULL;
	struct tls_trust_conf conf = {.zones = &zone,
				      .n_zones = 1,
				      .crls = &crl,
				      .n_crls = pem.len > 0,
				      .previous = was,
				      .version = tls_trust_version(was) + 1};
	char mem[512];
	struct buf why;

	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_trust_new(&conf, &why, &t), ERR_OK);
	edge_on_trust(rig.e, t);
	tls_trust_unref(&t);
	tls_trust_unref(&was);
}

/* The certificate of a live connection is revoked by a new list: the next request for a call on it
 * is refused, its running call goes on; other connections do not care. */
static void
revoked_while_connected(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	X509 *other = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	struct sip s = {.method = "INVITE", .via = "TLS 127.0.0.1", .branch = "run"};
	struct tpeer p, q, late;

	(void)state;
	tpeer_connect(&p, cert);
	tpeer_connect(&q, other);
	SPIN(edge_conns(rig.e) == 2);
	tpeer_send(&p, request(&s));
	SPIN(count(REQUEST) == 1);
	use_crl(ca_crl_pem(rig.root, &cert, 1));
	s.branch = "new";
	tpeer_send(&p, request(&s));
	REFUSED(tpeer_hear(&p, 1000), "chain is revoked");
	assert_int_equal(count(REQUEST), 1);
	answer(last(REQUEST)->txn, 200);
	HEARD(tpeer_hear(&p, 1000), "SIP/2.0 200");
	tpeer_send(
		&p,
		request(&(struct sip){
			.method = "BYE", .via = "TLS 127.0.0.1", .branch = "b", .to_tag = "ours"}));
	SPIN(count(REQUEST) == 2);
	s.branch = "other";
	tpeer_send(&q, request(&s));
	SPIN(count(REQUEST) == 3);
	tpeer_connect(&late, cert); /* no new connection with it */
	SPIN(!last(HANDSHAKE)->up);
	tpeer_fini(&late, true);
	use_crl(ca_crl_pem(rig.root, NULL, 0)); /* a hold that ended */
	SPIN(!conn_barred(first_conn()));
	s.branch = "again";
	tpeer_send(&p, request(&s));
	SPIN(count(REQUEST) == 4);
	tpeer_fini(&p, false);
	tpeer_fini(&q, false);
	X509_free(cert);
	X509_free(other);
}

/* ---- A10: policy changes under a connection ---- */

static void
want_eku(struct roster_account *a)
{
	a->tls_eku = TLS_EKU_STRICT;
}

static void
want_lists(struct roster_account *a)
{
	a->tls_revocation = TLS_REVOCATION_HARD;
}

static void
want_authority(struct roster_account *a)
{
	a->tls_authorities = STR("DigiCert");
}

static void
want_profile(struct roster_account *a)
{
	a->tls_profile = STR("modern");
}

/* Other accounts than those in use, and those are not used any more when this returns. */
static void
swap_accounts(void)
{
	int swapped = rig.swapped;

	rig_swap();
	SPIN(rig.swapped > swapped);
	world_fini(&rig.w);
	rig.w = rig.next;
	rig.next = (struct world){0};
	rig.e->snap = &rig.w.v; /* the same bytes, at another place */
	rig.e->conns.snap = rig.e->cards.snap = rig.e->listeners.snap = &rig.w.v;
	book_on_snapshot(&rig.e->book, &rig.w.v);
}

static void
believe(X509 *root)
{
	X509 *was = rig.root;
	struct tls_trust *t;

	rig.root = root;
	t = rig_trust();
	edge_on_trust(rig.e, t);
	tls_trust_unref(&t);
	rig.root = was;
}

/* A request for a call, and what it gets: 403 with this in the sentence, or (NULL) it goes up. */
static void
try_call(struct tpeer *p, const char *why)
{
	static int n;
	struct sip s = {.method = "INVITE", .via = "TLS 127.0.0.1"};
	char branch[16];
	int before = count(REQUEST);

	(void)snprintf(branch, sizeof(branch), "try%d", n++);
	s.branch = branch;
	tpeer_send(p, request(&s));
	if (!why) {
		SPIN(count(REQUEST) == before + 1);
		answer(last(REQUEST)->txn, 480);
		HEARD(tpeer_hear(p, 1000), "SIP/2.0 480");
		return;
	}
	REFUSED(tpeer_hear(p, 1000), why);
	assert_int_equal(count(REQUEST), before);
}

/* What the zone or the account asks changes so that the peer would not be let in today: within a
 * second it makes no new calls; what runs goes on; changed back, it makes calls again. */
static void
policy_while_connected(void **state)
{
	static const struct {
		const char *row;
		void (*on_acme)(struct roster_account *a); /* NULL: the zone's authorities */
		const char *why;
	} rows[] = {
		{"authorities of the zone", NULL, "is not an accepted authority"},
		{"key usage", want_eku, "does not allow clientAuth"},
		{"lists", want_lists, "no revocation list at hand"},
		{"authorities of the account", want_authority, "none that this account accepts"},
		{"profile", want_profile, "takes profile modern only"}};
	struct ca_opts o = {.cn = "leaf",
			    .san = "DNS:pbx.acme.test",
			    .eku = "serverAuth",
			    .from_day = -1,
			    .key = ca_keys()->leaf,
			    .issuer = rig.root,
			    .issuer_key = ca_keys()->ca};
	X509 *cert = ca_cert(&o);
	struct sip bye = {.method = "BYE", .via = "TLS 127.0.0.1", .to_tag = "running"};
	struct tpeer p;

	(void)state;
	tpeer_connect(&p, cert);
	SPIN(edge_conns(rig.e) == 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t began = clock_now_us();
		int n = count(REQUEST);
		char branch[16];

		print_message("# %s\n", rows[i].row);
		rig.on_acme = rows[i].on_acme;
		if (rig.on_acme)
			swap_accounts();
		else
			believe(rig.other_root);
		SPIN(conn_barred(first_conn()));
		assert_true(clock_now_us() - began < CLOCK_S);
		try_call(&p, rows[i].why);
		(void)snprintf(branch, sizeof(branch), "bye%zu", i);
		bye.branch = branch;
		tpeer_send(&p, request(&bye));
		SPIN(count(REQUEST) == n + 1);
		assert_int_equal(last(REQUEST)->method, SIP_BYE);
		answer(last(REQUEST)->txn, 200);
		HEARD(tpeer_hear(&p, 1000), "SIP/2.0 200");
		rig.on_acme = NULL;
		if (rows[i].on_acme)
			swap_accounts();
		else
			believe(rig.root);
		SPIN(!conn_barred(first_conn()));
		try_call(&p, NULL);
	}
	tpeer_fini(&p, false);
	X509_free(cert);
}

/* The zone asks for this from now on. */
static void
ask_clients(enum tls_client client)
{
	struct edge_tune t = {.numbers = rig.e->conf.numbers,
			      .server = &rig.ctx,
			      .client = &rig.client,
			      .t1_us = rig.e->times.t1_us,
			      .t2_us = rig.e->times.t2_us,
			      .t4_us = rig.e->times.t4_us};

	rig.ctx->client = client;
	assert_int_equal(edge_on_tune(rig.e, &t), ERR_OK);
}

/* A zone begins to require certificates: who showed none makes no new calls, who showed one does.
 */
static void
required_while_connected(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	struct conn *bare, *shown;
	struct tpeer p, q;

	(void)state;
	ask_clients(TLS_CLIENT_OPTIONAL);
	tpeer_init(&p, tcp_from("127.0.0.9", L_TLS), false, NULL, NULL);
	SPIN(tpeer_shake(&p));
	SPIN(edge_conns(rig.e) == 1);
	bare = first_conn();
	tpeer_connect(&q, cert);
	SPIN(edge_conns(rig.e) == 2);
	shown = CONTAINER_OF(bare->node.next, struct conn, node);
	try_call(&p, NULL);
	ask_clients(TLS_CLIENT_REQUIRED);
	SPIN(conn_barred(bare));
	try_call(&p, "the zone requires a certificate now, and none was shown");
	assert_false(conn_barred(shown));
	try_call(&q, NULL);
	ask_clients(TLS_CLIENT_OPTIONAL);
	SPIN(!conn_barred(bare));
	try_call(&p, NULL);
	tpeer_fini(&p, false);
	tpeer_fini(&q, false);
	X509_free(cert);
}

/* The certificate of a live connection expires. */
static void
expired_while_connected(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	struct sip s = {.method = "INVITE", .via = "TLS 127.0.0.1"};
	struct tpeer p;
	struct conn *c;

	(void)state;
	tpeer_connect(&p, cert);
	SPIN(edge_conns(rig.e) == 1);
	c = CONTAINER_OF(rig.e->conns.all.next, struct conn, node);
	assert_true(c->not_after_us > clock_wall_us());
	c->not_after_us = clock_wall_us() + 20000;
	assert_false(conn_barred(c));
	rest(30);
	assert_true(conn_barred(c));
	tpeer_send(&p, request(&s));
	REFUSED(tpeer_hear(&p, 1000), "has expired");
	s.to_tag = "running";
	s.method = "BYE";
	tpeer_send(&p, request(&s));
	SPIN(count(REQUEST) == 1);
	tpeer_fini(&p, false);
	X509_free(cert);
}

/* The same for a gateway over datagrams. */
static void
gateway_switched_off(void **state)
{
	int fd = udp_at("127.0.0.2");

	(void)state;
	rig.switched_off = 2;
	rig_swap();
	udp_to(fd, L_CARRIER, request(&(struct sip){.method = "INVITE"}));
	REFUSED(hear(fd, 500), "that has this source address is switched off");
	udp_to(fd, L_CARRIER,
	       request(&(struct sip){.method = "ACK", .branch = "a"})); /* no answer to an ACK */
	assert_null(hear(fd, 20));
	udp_to(fd, L_CARRIER,
	       request(&(struct sip){.method = "BYE", .branch = "b", .to_tag = "x"}));
	SPIN(count(REQUEST) == 1);
	answer(last(REQUEST)->txn, 200);
	HEARD(hear(fd, 500), "SIP/2.0 200");
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(large_over_tcp, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(large_without_tcp, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(large_stays_udp, setup_udp_only, rig_teardown),
		cmocka_unit_test_setup_teardown(sixty_four_kib, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(dialled_and_reused, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(deadline_and_wrong_names, setup_hasty,
						rig_teardown),
		cmocka_unit_test_setup_teardown(undialled, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(accepted_and_refused, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(reuse_within_the_account, rig_setup_tls,
						rig_teardown),
		cmocka_unit_test_setup_teardown(new_requests_over_the_peers_own, rig_setup_tls,
						rig_teardown),
		cmocka_unit_test_setup_teardown(reference_name, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(connection_lost_in_the_middle, rig_setup_tls,
						rig_teardown),
		cmocka_unit_test_setup_teardown(answer_when_the_connection_is_gone, rig_setup_tls,
						rig_teardown),
		cmocka_unit_test_setup_teardown(answer_to_a_carrier_that_hung_up, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(revoked_while_connected, rig_setup_tls,
						rig_teardown),
		cmocka_unit_test_setup_teardown(switched_off_while_connected, rig_setup_tls,
						rig_teardown),
		cmocka_unit_test_setup_teardown(required_while_connected, rig_setup_tls,
						rig_teardown),
		cmocka_unit_test_setup_teardown(policy_while_connected, rig_setup_tls,
						rig_teardown),
		cmocka_unit_test_setup_teardown(expired_while_connected, rig_setup_tls,
						rig_teardown),
		cmocka_unit_test_setup_teardown(gateway_switched_off, rig_setup, rig_teardown),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	ca_keys_free();
	return failed;
}
