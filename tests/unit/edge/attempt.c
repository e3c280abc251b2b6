#include "rig.h"

/* One target after the other: SRV targets over datagrams and TCP, what is left behind, what is
 * remembered. Transactions are fast: T1 5 ms, B 320 ms; a target has 60 ms to say anything. */

static struct edge_dest
far(const char *trunk, enum edge_transport t)
{
	struct edge_dest d = {.transport = t};

	(void)snprintf(d.trunk.z, sizeof(d.trunk.z), "%s", trunk);
	return d;
}

static struct edge_txn *
ask(const struct edge_dest *d, const char *method)
{
	static char mem[2000];
	struct edge_txn *t = NULL;
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b,
		   "%s sip:+15550100@gw.far.test SIP/2.0\r\nMax-Forwards: 69\r\n"
		   "From: <sip:a@127.0.0.1>;tag=us\r\nTo: <sip:+15550100@gw.far.test>\r\n"
		   "Call-ID: ours\r\nCSeq: 7 %s\r\nContact: <sip:127.0.0.1>\r\n"
		   "Content-Length: 0\r\n\r\n",
		   method, method);
	assert_int_equal(
		edge_send(rig.e, d, sip_method_of(str_from(method)), buf_view(&b), NULL, &t),
		ERR_OK);
	return t;
}

/* A gateway at 127.0.0.n. */
static int
setup(void **state)
{
	int rc;

	for (int i = 0; i < 3; i++)
		rig.conf.trying_us[i] = 60000;
	rig.conf.connect_us = 100000;
	rc = rig_setup_fast(state);
	rig.srv_of = "_sip._udp.gw.far.test";
	rig.srv[0] = (struct rig_srv){1, 0, rig.pbx_port, "h5.test"};
	rig.srv[1] = (struct rig_srv){2, 0, rig.pbx_port, "h6.test"};
	return rc;
}

/* With the method behind the status: what came last from this socket. */
static void
keep(char mem[3000], const char *text)
{
	(void)snprintf(mem, 3000, "%s", heard(text));
}

static const char *
hear_only(int fd, const char *method, int ms)
{
	uint64_t until = clock_now_us() + (uint64_t)ms * CLOCK_MS;
	const char *got;

	do {
		got = hear(fd, 10);
	} while (!(got && strncmp(got, method, strlen(method)) == 0) && clock_now_us() < until);
	return got && strncmp(got, method, strlen(method)) == 0 ? got : NULL;
}

/* The first says nothing: the second has the call soon, under another branch. */
static void
silent_then_next(void **state)
{
	struct edge_dest d = far("gw-srv", EDGE_UDP);
	int dead = gw_at("127.0.0.5"), good = gw_at("127.0.0.6");
	char first[3000], second[3000];
	uint64_t began = clock_now_us(), took;

	(void)state;
	ask(&d, "INVITE");
	keep(first, hear(dead, 500));
	HEARD(first, "INVITE ");
	keep(second, hear(good, 1000));
	took = clock_now_us() - began;
	HEARD(second, "INVITE ");
	assert_true(took >= 55000 && took < 300000);
	assert_string_not_equal(strstr(first, "branch="), strstr(second, "branch="));
	assert_string_equal(strstr(first, "Max-Forwards"), strstr(second, "Max-Forwards"));
	udp_to(good, L_CARRIER, response(str_from(second), 200));
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->status, 200);
	/* the next call begins with the good one */
	while (hear(dead, 20))
		;
	ask(&d, "INVITE");
	HEARD(hear(good, 50), "INVITE ");
	assert_null(hear(dead, 30));
	close(dead);
	close(good);
}

/* 200 with the Contact of the gateway at 127.0.0.5. */
static void
answer_200(const char *invite, char out[3000])
{
	struct str r = response(str_from(invite), 200);
	size_t at = str_find(r, STR("Content-Length"));

	(void)snprintf(out, 3000, "%.*sContact: <sip:gw@127.0.0.5:%u>\r\n%.*s",
		       STR_ARG(str_sub(r, 0, at)), rig.pbx_port, STR_ARG(str_from_at(r, at)));
}

/* The first wakes up when the call is elsewhere: it is cancelled, or answered and ended. */
static void
late_answers(void **state)
{
	struct edge_dest d = far("gw-srv", EDGE_UDP);
	int dead = gw_at("127.0.0.5"), good = gw_at("127.0.0.6");
	char first[3000], second[3000], got[3000];

	(void)state;
	ask(&d, "INVITE");
	keep(first, hear(dead, 500));
	keep(second, hear(good, 500));
	while (hear(dead, 20))
		;
	assert_null(hear(dead, 60)); /* no more copies there */
	udp_to(dead, L_CARRIER, response(str_from(first), 180));
	keep(got, hear_only(dead, "CANCEL", 500));
	HEARD(got, "CANCEL sip:+15550100@gw.far.test");
	assert_int_equal(strncmp(strstr(got, "branch="), strstr(first, "branch="), 40), 0);
	answer_200(first, got); /* it crossed */
	udp_to(dead, L_CARRIER, str_from(got));
	HEARD(hear_only(dead, "ACK", 500), "To: <sip:+15550100@gw.far.test>;tag=theirs");
	HEARD(hear_only(dead, "BYE", 500), "To: <sip:+15550100@gw.far.test>;tag=theirs");
	assert_int_equal(count(NEWS), 0); /* nobody above hears of it */
	udp_to(good, L_CARRIER, response(str_from(second), 200));
	SPIN(count(NEWS) == 1);
	SPIN(edge_txns(rig.e) == 0);
	close(dead);
	close(good);
}

/* 503 goes to the next, is acknowledged, and its Retry-After is kept; the last one's goes up. */
static void
busy_then_next(void **state)
{
	struct edge_dest d = far("gw-srv", EDGE_UDP);
	int a = gw_at("127.0.0.5"), b = gw_at("127.0.0.6");
	char inv[3000];
	struct addr at = ip("127.0.0.5", rig.pbx_port);

	(void)state;
	ask(&d, "INVITE");
	keep(inv, hear(a, 500));
	udp_to(a, L_CARRIER, response(str_from(inv), 100)); /* heard, but not taken */
	udp_to(a, L_CARRIER, response(str_from(inv), 503));
	HEARD(hear_only(a, "ACK", 500), "ACK ");
	assert_false(targets_is_down(&rig.e->targets, &at, EDGE_UDP, loop_now(&rig.loop)));
	keep(inv, hear_only(b, "INVITE", 500));
	udp_to(b, L_CARRIER, response(str_from(inv), 503));
	HEARD(hear_only(b, "ACK", 500), "ACK ");
	SPIN(count(NEWS) >= 1 && last(NEWS)->status == 503);
	assert_int_equal(count(NEWS), 2); /* the 100 and the last 503 */
	assert_int_equal(last(NEWS)->news.n_tried, 2);
	close(a);
	close(b);
}

/* One target alone: with another trunk to try it has failed soon; else it has its 64*T1. */
static void
alone(void **state)
{
	struct edge_dest d = far("gw1", EDGE_UDP);
	uint64_t began = clock_now_us();
	char inv[3000];
	int fd = gw1_here();

	(void)state;
	d.hunt = true;
	ask(&d, "INVITE");
	keep(inv, hear(fd, 500));
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	assert_int_equal(last(NEWS)->news.err, ERR_TIMEOUT);
	assert_true(clock_now_us() - began < 250000);
	udp_to(fd, L_CARRIER, response(str_from(inv), 180)); /* and is cancelled if it wakes up */
	HEARD(hear_only(fd, "CANCEL", 500), "CANCEL ");
	d.hunt = false;
	began = clock_now_us();
	ask(&d, "OPTIONS");
	SPIN(count(NEWS) == 2);
	assert_int_equal(last(NEWS)->news.event, EDGE_TIMEOUT);
	assert_true(clock_now_us() - began > 250000);
	close(fd);
}

/* What is cancelled before anything was heard goes nowhere else. */
static void
cancelled_stays(void **state)
{
	struct edge_dest d = far("gw-srv", EDGE_UDP);
	int a = gw_at("127.0.0.5"), b = gw_at("127.0.0.6");
	struct edge_txn *t = ask(&d, "INVITE");

	(void)state;
	HEARD(hear(a, 500), "INVITE ");
	edge_cancel(t, STR_NULL);
	assert_null(hear(b, 150));
	close(a);
	close(b);
}

/* TCP: one refuses, one accepts and is mute, one answers. */
static void
streams(void **state)
{
	struct edge_dest d = far("gw-srv-tcp", EDGE_TCP);
	int mute = tcp_at("127.0.0.6", rig.pbx_port), good = tcp_at("127.0.0.7", rig.pbx_port);
	int m = -1, g = -1;
	char inv[3000];
	uint64_t began = clock_now_us();

	(void)state;
	rig.srv_of = "_sip._tcp.gw.far.test";
	rig.srv[2] = (struct rig_srv){3, 0, rig.pbx_port, "h7.test"};
	ask(&d, "INVITE");
	SPIN((m = accept4(mute, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	keep(inv, hear(m, 500));
	SPIN((g = accept4(good, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	assert_true(clock_now_us() - began < 400000);
	keep(inv, hear(g, 500));
	tcp_to(g, response(str_from(inv), 180));
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->status, 180);
	/* the next one over the same connection; the mute one has its bytes still */
	ask(&d, "INVITE");
	HEARD(hear(g, 500), "INVITE ");
	assert_int_equal(edge_conns(rig.e), 2);
	close(m);
	close(g);
	close(mute);
	close(good);
}

/* What breaks before an answer goes on at the next. */
static void
lost_stream(void **state)
{
	struct edge_dest d = far("gw-srv-tcp", EDGE_TCP);
	int a = tcp_at("127.0.0.5", rig.pbx_port), b = tcp_at("127.0.0.6", rig.pbx_port);
	int fa = -1, fb = -1;
	char inv[3000];

	(void)state;
	rig.srv_of = "_sip._tcp.gw.far.test";
	ask(&d, "INVITE");
	SPIN((fa = accept4(a, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	HEARD(hear(fa, 500), "INVITE ");
	close(fa);
	SPIN((fb = accept4(b, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	keep(inv, hear(fb, 500));
	tcp_to(fb, response(str_from(inv), 486));
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->status, 486);
	close(fb);
	close(a);
	close(b);
}

/* ---- keeping connections ---- */

static int
setup_ping(void **state)
{
	rig.conf.ping_us = 50000;
	return setup(state);
}

/* A quiet connection is pinged; every ping of the peer is answered; a lost one comes back. */
static void
kept_alive(void **state)
{
	struct edge_dest d = far("gw-tcp", EDGE_TCP);
	int door = tcp_at("127.0.0.4", rig.pbx_port), fd = -1;
	char inv[3000];

	(void)state;
	ask(&d, "OPTIONS");
	SPIN((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	keep(inv, hear(fd, 500));
	tcp_to(fd, response(str_from(inv), 200));
	assert_string_equal(heard(hear(fd, 1000)), "\r\n\r\n");
	tcp_to(fd, STR("\r\n"));
	assert_null(hear(fd, 30));
	tcp_to(fd, STR("\r\n\r\n"));
	assert_string_equal(heard(hear(fd, 1000)), "\r\n");
	close(fd);
	fd = -1;
	SPIN(edge_conns(rig.e) == 0);
	SPIN((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0); /* within a second */
	SPIN(rig.e->redial.n == 0);
	assert_int_equal(edge_conns(rig.e), 1);
	close(fd);
	close(door);
}

int
main(void)
{
#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		WITH(silent_then_next),
		WITH(late_answers),
		WITH(busy_then_next),
		WITH(alone),
		WITH(cancelled_stays),
		WITH(streams),
		WITH(lost_stream),
		cmocka_unit_test_setup_teardown(kept_alive, setup_ping, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
