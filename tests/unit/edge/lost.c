#include "rig.h"

/* A connection of a PBX breaks while something of a call is under way over it: the same request,
 * under its branch, over another one or the next one, each way; nobody rings or talks on. */

/* What the PBX had when its connection broke. */
enum stage { UNHEARD, RINGS, ENDING, UNSENT };

/* What it has then. */
enum after { OTHER, NEXT, NONE };

enum becomes {
	AGAIN,   /* the same bytes come over that connection */
	FAILED,  /* the layer above is told */
	CHASED,  /* likewise; a late 180 is cancelled */
	HUNTED,  /* likewise, and that connection breaks, too */
	HUNG_UP, /* likewise; a late 200 has its ACK and BYE */
};

static const struct row {
	const char *name, *method;
	bool inside;
	enum stage stage;
	enum after conns;
	enum becomes becomes;
} rows[] = {
	{"an INVITE, and another connection", "INVITE", false, UNHEARD, OTHER, AGAIN},
	{"a change of the call", "INVITE", true, UNHEARD, OTHER, AGAIN},
	{"a change, and no other connection", "INVITE", true, UNHEARD, NONE, FAILED},
	{"an INVITE that rings later", "INVITE", false, UNHEARD, NEXT, CHASED},
	{"an INVITE that rings later, and a CANCEL that is lost", "INVITE", false, UNHEARD, NEXT,
	 HUNTED},
	{"an INVITE that is answered later", "INVITE", false, UNHEARD, NEXT, HUNG_UP},
	{"INFO, and another connection", "INFO", true, UNHEARD, OTHER, AGAIN},
	{"INFO, and no other connection", "INFO", true, UNHEARD, NONE, FAILED},
	{"BYE, and another connection", "BYE", true, UNHEARD, OTHER, AGAIN},
	{"BYE over the next one", "BYE", true, UNHEARD, NEXT, AGAIN},
	{"BYE while there is none", "BYE", true, UNSENT, NEXT, AGAIN},
	{"CANCEL, and another connection", "CANCEL", false, ENDING, OTHER, AGAIN},
	{"CANCEL over the next one", "CANCEL", false, ENDING, NEXT, AGAIN},
	{"CANCEL while there is none", "CANCEL", false, RINGS, NEXT, AGAIN},
};

static struct edge_txn *
ask(const char *method, bool inside)
{
	static char mem[2000];
	struct edge_dest d = {.transport = EDGE_TLS, .reuse = inside};
	struct edge_txn *t = NULL;
	struct buf b;

	(void)snprintf(d.trunk.z, sizeof(d.trunk.z), "umbra-1");
	(void)snprintf(d.account.z, sizeof(d.account.z), "umbra");
	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b,
		   "%s sip:b@pbx.umbra.test SIP/2.0\r\nMax-Forwards: 69\r\n"
		   "From: <sip:a@127.0.0.1>;tag=us\r\nTo: <sip:b@pbx.umbra.test>%s\r\n"
		   "Call-ID: ours\r\nCSeq: 7 %s\r\nContact: <sip:127.0.0.1>\r\n"
		   "Content-Length: 0\r\n\r\n",
		   method, inside ? ";tag=theirs" : "", method);
	assert_int_equal(
		edge_send(rig.e, &d, sip_method_of(str_from(method)), buf_view(&b), NULL, &t),
		ERR_OK);
	return t;
}

static void
keep(char mem[3000], const char *text)
{
	(void)snprintf(mem, 3000, "%s", heard(text));
}

/* Up to its connection's end: what the PBX heard last. */
static void
begin(const struct row *r, struct tpeer *p, char got[3000])
{
	bool invite = r->stage == RINGS || r->stage == ENDING;
	struct edge_txn *t = NULL;
	char inv[3000];

	if (r->stage != UNSENT)
		t = ask(invite ? "INVITE" : r->method, r->inside);
	if (r->stage != UNSENT)
		keep(got, tpeer_hear(p, 2000));
	if (invite) {
		keep(inv, got);
		tpeer_send(p, response(str_from(inv), 180));
		SPIN(count(NEWS) == 1);
	}
	if (r->stage == ENDING) {
		edge_cancel(t, STR_NULL);
		keep(got, tpeer_hear(p, 2000));
		HEARD(got, "CANCEL sip:");
	}
	tpeer_fini(p, true);
	SPIN(edge_conns(rig.e) == (r->conns == OTHER));
	if (r->stage == RINGS)
		edge_cancel(t, STR_NULL);
	if (r->stage == UNSENT)
		ask(r->method, r->inside);
}

/* The answer to what comes again ends it. */
static void
comes_again(const struct row *r, struct tpeer *q, const char *before)
{
	int news = count(NEWS);
	char got[3000];

	keep(got, tpeer_hear(q, 2000));
	assert_int_equal(strncmp(got, r->method, strlen(r->method)), 0);
	if (before[0] && r->stage != RINGS)
		assert_string_equal(got, before);
	tpeer_send(q, response(str_from(got), 200));
	if (strcmp(r->method, "CANCEL") != 0) {
		SPIN(count(NEWS) == news + 1);
		assert_int_equal(last(NEWS)->status, 200);
	}
	assert_null(tpeer_hear(q, 10));
}

static void
late_answer(const struct row *r, struct tpeer *q, const char *inv)
{
	tpeer_send(q, response(str_from(inv), r->becomes == HUNG_UP ? 200 : 180));
	if (r->becomes != HUNG_UP) {
		HEARD(tpeer_hear(q, 2000), "CANCEL sip:");
		return;
	}
	{
		char both[6000];
		int n = snprintf(both, sizeof(both), "%s", heard(tpeer_hear(q, 2000)));

		if (!strstr(both, "BYE sip:"))
			(void)snprintf(both + n, sizeof(both) - (size_t)n, "%s",
				       heard(tpeer_hear(q, 2000)));
		HEARD(both, "ACK sip:");
		HEARD(both, "BYE sip:");
	}
}

/* The CANCEL was sent over this one, not over that of its INVITE. */
static void
breaks_too(struct tpeer *q, X509 *cert)
{
	tpeer_fini(q, true);
	SPIN(edge_conns(rig.e) == 0);
	tpeer_connect(q, cert);
	HEARD(tpeer_hear(q, 2000), "CANCEL sip:");
}

static void
run_row(const struct row *r, X509 *cert)
{
	struct tpeer p, q = {.fd = -1};
	char got[3000] = "";

	print_message("# %s\n", r->name);
	if (r->conns == OTHER)
		tpeer_connect(&q, cert);
	SPIN(edge_conns(rig.e) == (r->conns == OTHER));
	tpeer_connect(&p, cert); /* the newest is taken first */
	SPIN(edge_conns(rig.e) == 1 + (r->conns == OTHER));
	begin(r, &p, got);
	if (r->becomes != AGAIN) {
		SPIN(count(NEWS) == 1);
		assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	}
	if (r->conns == NEXT) {
		tpeer_connect(&q, cert);
		SPIN(edge_conns(rig.e) == 1);
	}
	if (r->becomes == AGAIN)
		comes_again(r, &q, got);
	else if (r->becomes != FAILED)
		late_answer(r, &q, got);
	if (r->becomes == HUNTED)
		breaks_too(&q, cert);
	if (q.fd >= 0)
		tpeer_fini(&q, false);
	SPIN(edge_conns(rig.e) == 0);
}

static void
ours(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		X509 *cert;

		if (i)
			assert_int_equal(rig_setup_tls(state), 0);
		rig.dns_ip[0] = "127.0.0.8"; /* nobody listens there */
		cert = leaf(rig.root, "DNS:pbx.umbra.test", ca_keys()->leaf);
		run_row(&rows[i], cert);
		X509_free(cert);
		if (i + 1 < ARRAY_LEN(rows))
			rig_teardown(state);
	}
}

/* A PBX that is gone for good: its BYE is given up after 64*T1. */
static void
never_again(void **state)
{
	(void)state;
	rig.dns_ip[0] = "127.0.0.8";
	ask("BYE", true);
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->news.event, EDGE_TIMEOUT);
	SPIN(edge_txns(rig.e) == 0);
}

/* The time of a BYE runs on while connections of its peer come and go: each one gets it once. */
static void
time_runs_on(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.umbra.test", ca_keys()->leaf);
	struct edge_txn *t;
	uint64_t until;

	(void)state;
	rig.dns_ip[0] = "127.0.0.8";
	t = ask("BYE", true);
	SPIN(t->m.state == TXN_TRYING);
	until = t->m.expire_at;
	for (int i = 0; i < 3; i++) {
		struct tpeer p;

		tpeer_connect(&p, cert);
		HEARD(tpeer_hear(&p, 2000), "BYE sip:");
		assert_int_equal(t->m.expire_at, until);
		tpeer_fini(&p, true);
		SPIN(edge_conns(rig.e) == 0);
	}
	SPIN(t->m.state == TXN_TRYING);
	assert_int_equal(t->m.expire_at, until);
	X509_free(cert);
}

/* A connection that may not carry it takes none of its tries. */
static void
not_its_connection(void **state)
{
	struct edge_dest d = {
		.transport = EDGE_TLS, .trunk = {"acme-2"}, .account = {"acme"}, .reuse = true};
	X509 *cert = leaf(rig.root, "DNS:real.acme.test", ca_keys()->leaf);
	struct edge_txn *t = NULL, *other = NULL;
	struct tpeer p;
	int door;

	(void)state;
	rig.dns_ip[0] = "127.0.0.8";
	assert_int_equal(edge_send(rig.e,
				   &(struct edge_dest){.transport = EDGE_TLS,
						       .trunk = {"acme-1"},
						       .account = {"acme"},
						       .reuse = true},
				   SIP_BYE,
				   STR("BYE sip:b@pbx.acme.test SIP/2.0\r\nMax-Forwards: 69\r\n"
				       "From: <sip:a@127.0.0.1>;tag=us\r\nTo: <sip:b@x>;tag=t\r\n"
				       "Call-ID: o\r\nCSeq: 7 BYE\r\nContent-Length: 0\r\n\r\n"),
				   NULL, &t),
			 ERR_OK);
	SPIN(t->m.state == TXN_TRYING);
	door = tcp_at("127.0.0.7", rig.pbx_port);
	rig.dns_ip[0] = "127.0.0.7";
	assert_int_equal(
		edge_send(rig.e, &d, SIP_OPTIONS,
			  STR("OPTIONS sip:b@pbx.acme.test SIP/2.0\r\nMax-Forwards: 69\r\n"
			      "From: <sip:a@127.0.0.1>;tag=us\r\nTo: <sip:b@x>\r\n"
			      "Call-ID: p\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n"),
			  NULL, &other),
		ERR_OK);
	tpeer_accept(&p, door, cert);
	assert_true(p.up);
	HEARD(tpeer_hear(&p, 2000), "OPTIONS sip:");
	assert_int_equal(t->again, 0);
	tpeer_fini(&p, false);
	X509_free(cert);
	close(door);
}

static int
setup_fast(void **state)
{
	rig.conf.t1_us = 5000; /* 64 of them are 320 ms */
	return rig_setup_tls(state);
}

/* Theirs: the INVITE is found by the branch, whichever connection of the account CANCEL, or the
 * same INVITE, comes over; nobody else's. */
static void
theirs(void **state)
{
	X509 *cert = leaf(rig.root, "DNS:pbx.umbra.test", ca_keys()->leaf);
	X509 *other = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	struct sip invite = {.method = "INVITE", .via = "TLS 127.0.0.1", .branch = "i"},
		   cancel = invite;
	struct tpeer p, q, stranger;

	(void)state;
	cancel.method = "CANCEL";
	tpeer_connect(&p, cert);
	SPIN(edge_conns(rig.e) == 1);
	tpeer_send(&p, request(&invite));
	SPIN(count(REQUEST) == 1);
	answer(last(REQUEST)->txn, 180);
	HEARD(tpeer_hear(&p, 2000), "SIP/2.0 180");
	tpeer_fini(&p, true);
	SPIN(edge_conns(rig.e) == 0);
	tpeer_connect(&stranger, other);
	tpeer_connect(&q, cert);
	SPIN(edge_conns(rig.e) == 2);
	tpeer_send(&stranger, request(&cancel)); /* A4 */
	HEARD(tpeer_hear(&stranger, 2000), "SIP/2.0 481");
	assert_int_equal(count(CANCELLED), 0);
	tpeer_send(&q, request(&invite));
	HEARD(tpeer_hear(&q, 2000), "SIP/2.0 180");
	assert_int_equal(count(REQUEST), 1);
	tpeer_send(&q, request(&cancel));
	HEARD(tpeer_hear(&q, 2000), "SIP/2.0 200");
	SPIN(count(CANCELLED) == 1);
	answer(last(REQUEST)->txn, 487);
	HEARD(tpeer_hear(&q, 2000), "SIP/2.0 487");
	tpeer_fini(&q, false);
	tpeer_fini(&stranger, false);
	X509_free(cert);
	X509_free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ours, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(never_again, setup_fast, rig_teardown),
		cmocka_unit_test_setup_teardown(time_runs_on, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(not_its_connection, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(theirs, rig_setup_tls, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
