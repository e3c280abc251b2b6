#include "rig.h"

/* ---- asking over datagrams ---- */

static struct edge_dest
gateway(const char *trunk)
{
	struct edge_dest d = {.transport = EDGE_UDP};

	(void)snprintf(d.trunk.z, sizeof(d.trunk.z), "%s", trunk);
	return d;
}

/* A request of ours without Via. */
static struct str
ours(const char *method)
{
	static char mem[2000];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b,
		   "%s sip:+15550100@127.0.0.2 SIP/2.0\r\nRoute: <sip:127.0.0.2;lr>\r\n"
		   "Max-Forwards: 69\r\nFrom: <sip:a@127.0.0.1>;tag=us\r\n"
		   "To: <sip:+15550100@127.0.0.2>\r\nCall-ID: ours\r\nCSeq: 7 %s\r\n"
		   "Contact: <sip:127.0.0.1>\r\nContent-Length: 0\r\n\r\n",
		   method, method);
	return buf_view(&b);
}

static struct edge_txn *
ask(const struct edge_dest *d, enum sip_method m)
{
	struct edge_txn *t = NULL;

	assert_int_equal(edge_send(rig.e, d, m, ours(sip_method_name(m)), &rig, &t), ERR_OK);
	return t;
}

static void
invite_retransmitted_then_answered(void **state)
{
	struct edge_dest d = gateway("gw1");
	int fd = gw1_here();
	char inv[2000];
	const char *got;

	(void)state;
	ask(&d, SIP_INVITE);
	assert_int_equal(rig.n_seen, 0); /* news never from inside */
	got = hear(fd, 500);
	HEARD(got, "INVITE sip:+15550100@127.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:");
	HEARD(got, ";rport");
	(void)snprintf(inv, sizeof(inv), "%s", got);
	for (int i = 0; i < 3; i++)
		assert_string_equal(hear(fd, 500), inv);
	udp_to(fd, L_CARRIER, response(str_from(inv), 180));
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->status, 180);
	assert_ptr_equal(last(NEWS)->user, &rig);
	while (hear(fd, 20))
		;
	assert_null(hear(fd, 100)); /* no copies any more */
	udp_to(fd, L_CARRIER, response(str_from(inv), 200));
	SPIN(count(NEWS) == 2);
	udp_to(fd, L_CARRIER, response(str_from(inv), 200)); /* each 2xx goes up */
	SPIN(count(NEWS) == 3);
	SPIN(last(NEWS)->news.event == EDGE_OVER);
	assert_true(last(NEWS)->news.last);
	SPIN(edge_txns(rig.e) == 0);
	close(fd);
}

/* M9: whatever the layer above says, a key of SRTP leaves over TLS only. */
static void
keys_stay_here(void **state)
{
	static const char msg[] =
		"UPDATE sip:+15550100@127.0.0.2 SIP/2.0\r\nMax-Forwards: 69\r\n"
		"From: <sip:a@127.0.0.1>;tag=us\r\nTo: <sip:+15550100@127.0.0.2>;tag=them\r\n"
		"Call-ID: ours\r\nCSeq: 8 UPDATE\r\nContent-Type: application/sdp\r\n"
		"Content-Length: 28\r\n\r\na=crypto:1 AES_CM_128 inline";
	struct edge_dest d = gateway("gw1");
	int fd = gw1_here();
	struct edge_txn *t = NULL;

	(void)state;
	assert_int_equal(edge_send(rig.e, &d, SIP_UPDATE, str_from(msg), &rig, &t), ERR_OK);
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	assert_int_equal(last(NEWS)->news.err, ERR_CONFIG); /* no fault of the target */
	assert_null(hear(fd, 100));
	SPIN(edge_txns(rig.e) == 0);
	close(fd);
}

/* A header is no line of SDP: whatever a caller writes into its Subject, the call goes on. */
static void
only_lines_are_keys(void **state)
{
	static const char msg[] =
		"INVITE sip:+15550100@127.0.0.2 SIP/2.0\r\nMax-Forwards: 69\r\n"
		"From: <sip:a@127.0.0.1>;tag=us\r\nTo: <sip:+15550100@127.0.0.2>\r\n"
		"Call-ID: ours\r\nCSeq: 8 INVITE\r\nSubject: a=crypto:1\r\n a=crypto:2\r\n"
		"Content-Length: 0\r\n\r\n";
	struct edge_dest d = gateway("gw1");
	int fd = gw1_here();
	struct edge_txn *t = NULL;

	(void)state;
	assert_int_equal(edge_send(rig.e, &d, SIP_INVITE, str_from(msg), &rig, &t), ERR_OK);
	HEARD(hear(fd, 500), "Subject: a=crypto:1\r\n a=crypto:2\r\n");
	assert_int_equal(count(NEWS), 0);
	close(fd);
}

/* 17.1.1.3: the same branch, Route and CSeq number, the failure's To; again for each copy. */
static void
failure_gets_its_ack(void **state)
{
	struct edge_dest d = gateway("gw1");
	int fd = gw1_here();
	char inv[2000], branch[64];
	const char *got, *at;

	(void)state;
	ask(&d, SIP_INVITE);
	got = hear(fd, 500);
	(void)snprintf(inv, sizeof(inv), "%s", heard(got));
	at = strstr(inv, ";branch=");
	assert_non_null(at);
	(void)snprintf(branch, sizeof(branch), "%.41s", at);
	for (int i = 0; i < 2; i++) {
		udp_to(fd, L_CARRIER, response(str_from(inv), 486));
		do
			got = hear(fd, 500);
		while (got && strncmp(got, "INVITE", 6) == 0);
		HEARD(got, "ACK sip:+15550100@127.0.0.2 SIP/2.0\r\n");
		HEARD(got, branch);
		HEARD(got, "Route: <sip:127.0.0.2;lr>\r\n");
		HEARD(got, "To: <sip:+15550100@127.0.0.2>;tag=theirs\r\n");
		HEARD(got, "CSeq: 7 ACK\r\n");
	}
	assert_int_equal(count(NEWS), 1);
	assert_int_equal(last(NEWS)->status, 486);
	close(fd);
}

static void
nobody_answers(void **state)
{
	struct edge_dest d = gateway("gw1");
	int fd = gw1_here();

	(void)state;
	ask(&d, SIP_OPTIONS);
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->news.event, EDGE_TIMEOUT);
	assert_true(last(NEWS)->news.last);
	ask(&d, SIP_INVITE);
	SPIN(count(NEWS) == 2);
	assert_int_equal(last(NEWS)->news.event, EDGE_TIMEOUT);
	SPIN(edge_txns(rig.e) == 0);
	close(fd);
}

/* A4: an answer is taken from the side that was asked only. */
static void
answers_of_others(void **state)
{
	static const struct {
		const char *name, *from;
		int listener;
	} rows[] = {{"a customer", "127.0.0.11", L_PLAIN}, {"a stranger", "127.0.0.99", L_CARRIER}};
	struct edge_dest d = gateway("gw1");
	int fd = gw1_here();
	char inv[2000];

	(void)state;
	ask(&d, SIP_INVITE);
	(void)snprintf(inv, sizeof(inv), "%s", heard(hear(fd, 500)));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int other = udp_at(rows[i].from);

		print_message("# %s\n", rows[i].name);
		udp_to(other, rows[i].listener, response(str_from(inv), 200));
		rest(30);
		assert_int_equal(count(NEWS), 0);
		close(other);
	}
	udp_to(fd, L_CARRIER, response(str_from(inv), 200));
	SPIN(count(NEWS) == 1);
	close(fd);
}

/* ---- CANCEL (9.1) ---- */

static void
cancel_waits_for_a_provisional(void **state)
{
	struct edge_dest d = gateway("gw1");
	int fd = gw1_here();
	char inv[2000];
	const char *got;
	struct edge_txn *t;

	(void)state;
	t = ask(&d, SIP_INVITE);
	(void)snprintf(inv, sizeof(inv), "%s", heard(hear(fd, 500)));
	edge_cancel(t, STR("SIP;cause=487"));
	for (int i = 0; i < 4; i++) {
		got = hear(fd, 15);
		assert_true(!got || strncmp(got, "INVITE", 6) == 0);
	}
	udp_to(fd, L_CARRIER, response(str_from(inv), 100));
	do
		got = hear(fd, 500);
	while (got && strncmp(got, "INVITE", 6) == 0);
	HEARD(got, "CANCEL sip:+15550100@127.0.0.2 SIP/2.0\r\n");
	HEARD(got, "Reason: SIP;cause=487\r\n");
	HEARD(got, "CSeq: 7 CANCEL\r\n");
	HEARD(got, "Route: <sip:127.0.0.2;lr>\r\n");
	HEARD(got, edge_txn_branch(t));
	assert_non_null(strstr(inv, edge_txn_branch(t)));
	udp_to(fd, L_CARRIER, response(str_from(got), 200));
	udp_to(fd, L_CARRIER, response(str_from(inv), 487));
	SPIN(last(NEWS)->status == 487);
	do
		got = hear(fd, 500);
	while (got && strncmp(got, "CANCEL", 6) == 0);
	HEARD(got, "ACK ");
	close(fd);
}

/* One that did not leave yet never will. */
static void
cancelled_before_it_left(void **state)
{
	struct edge_dest d = gateway("gw1");
	int fd = gw1_here();

	(void)state;
	edge_cancel(ask(&d, SIP_INVITE), STR_NULL);
	assert_int_equal(rig.n_seen, 0); /* not from inside */
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	assert_true(last(NEWS)->news.last);
	assert_null(hear(fd, 30));
	/* and one that still looks for its host */
	(void)snprintf(d.host, sizeof(d.host), "gw.carrier.test");
	rig.dns_ip[0] = "127.0.0.2";
	edge_cancel(ask(&d, SIP_INVITE), STR_NULL);
	SPIN(count(NEWS) == 2);
	assert_null(hear(fd, 50));
	assert_int_equal(edge_txns(rig.e), 0);
	close(fd);
}

static void
unanswered_cancel_ends(void **state)
{
	struct edge_dest d = gateway("gw1");
	int fd = gw1_here();
	struct edge_txn *t;
	char inv[2000];

	(void)state;
	t = ask(&d, SIP_INVITE);
	(void)snprintf(inv, sizeof(inv), "%s", heard(hear(fd, 500)));
	udp_to(fd, L_CARRIER, response(str_from(inv), 183));
	SPIN(count(NEWS) == 1);
	edge_cancel(t, STR_NULL);
	edge_cancel(t, STR_NULL); /* once is enough */
	SPIN(last(NEWS)->news.event == EDGE_TIMEOUT);
	SPIN(edge_txns(rig.e) == 0);
	close(fd);
}

/* ---- re-entrancy ---- */

static int asked_again;

/* Every piece of news makes the next request, an ACK, a cancel and a forget, at once. */
static void
busy(struct seen *s, const struct sip_msg *m)
{
	struct edge_dest d = gateway("gw1");
	struct edge_txn *t;

	(void)m;
	if (s->what != NEWS || asked_again >= 40)
		return;
	asked_again++;
	t = ask(&d, asked_again % 2 ? SIP_INVITE : SIP_OPTIONS);
	if (asked_again % 3 == 0)
		edge_cancel(t, STR_NULL);
	if (asked_again % 5 == 0)
		edge_forget(t);
	edge_send_once(rig.e, &d, false, ours("ACK"));
}

static void
news_makes_more(void **state)
{
	struct edge_dest d = gateway("gw1");
	int fd = gw1_here();
	uint64_t until = clock_now_us() + 2 * CLOCK_S;
	unsigned n = 0;

	(void)state;
	asked_again = 0;
	rig.on_told = busy;
	for (int i = 0; i < 4; i++)
		ask(&d, SIP_INVITE);
	while (clock_now_us() < until && (edge_txns(rig.e) || n == 0)) {
		static const unsigned statuses[] = {100, 180, 486, 200, 503, 302};
		const char *got = hear(fd, 5);

		if (got && strncmp(got, "ACK", 3) != 0)
			udp_to(fd, L_CARRIER, response(str_from(got), statuses[n++ % 6]));
	}
	assert_true(asked_again > 10);
	rig.on_told = NULL;
	SPIN(edge_txns(rig.e) == 0 || n > 0);
	close(fd);
}

/* ---- what cannot be sent ---- */

static void
no_way(void **state)
{
	struct edge_dest d = gateway("gone");
	struct edge_txn *t;

	(void)state;
	ask(&d, SIP_INVITE); /* no such trunk, no host */
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	d = gateway("gw1");
	(void)snprintf(d.host, sizeof(d.host), "nowhere.test"); /* no address */
	ask(&d, SIP_INVITE);
	SPIN(count(NEWS) == 2);
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	assert_non_null(strstr(last(NEWS)->why, "nowhere.test"));
	d = gateway("gw1");
	(void)snprintf(d.host, sizeof(d.host), "::1"); /* another family */
	ask(&d, SIP_OPTIONS);
	SPIN(count(NEWS) == 3);
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	d = gateway("acme-1"); /* no zone: never in the clear */
	d.transport = EDGE_TLS;
	(void)snprintf(d.account.z, sizeof(d.account.z), "acme");
	assert_int_equal(edge_send(rig.e, &d, SIP_INVITE, ours("INVITE"), NULL, &t), ERR_OK);
	SPIN(count(NEWS) == 4);
	assert_int_equal(last(NEWS)->news.err, ERR_CONFIG);
	SPIN(edge_txns(rig.e) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(invite_retransmitted_then_answered, rig_setup_fast,
						rig_teardown),
		cmocka_unit_test_setup_teardown(failure_gets_its_ack, rig_setup_fast, rig_teardown),
		cmocka_unit_test_setup_teardown(nobody_answers, rig_setup_fast, rig_teardown),
		cmocka_unit_test_setup_teardown(keys_stay_here, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(only_lines_are_keys, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(answers_of_others, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(cancel_waits_for_a_provisional, rig_setup_fast,
						rig_teardown),
		cmocka_unit_test_setup_teardown(cancelled_before_it_left, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(unanswered_cancel_ends, rig_setup_fast,
						rig_teardown),
		cmocka_unit_test_setup_teardown(news_makes_more, rig_setup_fast, rig_teardown),
		cmocka_unit_test_setup_teardown(no_way, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
