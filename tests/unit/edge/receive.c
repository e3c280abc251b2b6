#include "rig.h"

#include "edge/dial.h"

/* ---- datagrams ---- */

static void
request_answered_and_copies_absorbed(void **state)
{
	struct sip inv = {.method = "OPTIONS"};
	int fd = udp_at("127.0.0.2");
	const char *got;

	(void)state;
	udp_to(fd, L_CARRIER, request(&inv));
	SPIN(count(REQUEST) == 1);
	assert_int_equal(last(REQUEST)->method, SIP_OPTIONS);
	assert_string_equal(last(REQUEST)->src.account_id.z, "");
	assert_string_equal(world_trunk_name(&rig.w, last(REQUEST)->src.trunk), "gw1");
	udp_to(fd, L_CARRIER, request(&inv)); /* not answered yet: absorbed in silence */
	assert_null(hear(fd, 20));
	answer(last(REQUEST)->txn, 200);
	edge_forget(last(REQUEST)->txn);
	got = hear(fd, 500);
	HEARD(got, "SIP/2.0 200 OK");
	HEARD(got, ";received=127.0.0.2");
	udp_to(fd, L_CARRIER, request(&inv));
	HEARD(hear(fd, 500), "SIP/2.0 200 OK");
	assert_int_equal(count(REQUEST), 1);
	close(fd);
}

/* The text of a 2xx is kept until its ACK and no longer; copies of the INVITE are absorbed before
 * and after (RFC 6026 7.1). */
static void
answer_kept_until_its_ack(void **state)
{
	struct sip inv = {.method = "INVITE"};
	struct pool *tiny = &rig.e->texts.pool[TEXT_IN_TINY];
	int fd = udp_at("127.0.0.2");
	struct edge_txn *t;
	uint32_t used;

	(void)state;
	udp_to(fd, L_CARRIER, request(&inv));
	SPIN(count(REQUEST) == 1);
	t = last(REQUEST)->txn;
	edge_acked(t); /* not answered yet: nothing */
	answer(t, 180);
	HEARD(hear(fd, 500), "SIP/2.0 180");
	edge_acked(t);
	udp_to(fd, L_CARRIER, request(&inv));
	HEARD(hear(fd, 500), "SIP/2.0 180");
	answer(t, 200);
	HEARD(hear(fd, 500), "SIP/2.0 200 OK");
	turn(); /* its own text goes meanwhile */
	used = pool_used(tiny);
	edge_respond_again(t);
	HEARD(hear(fd, 500), "SIP/2.0 200 OK");
	assert_int_equal(pool_used(tiny), used);
	edge_acked(t);
	assert_int_equal(pool_used(tiny), used - 1);
	edge_acked(t); /* nothing */
	edge_respond_again(t);
	udp_to(fd, L_CARRIER, request(&inv));
	assert_null(hear(fd, 50));
	assert_int_equal(count(REQUEST), 1);
	edge_forget(t);
	close(fd);
}

/* RFC 3581, RFC 3261 18.2.2. */
static void
reply_goes_where_via_says(void **state)
{
	int fd = udp_at("127.0.0.2"), other = udp_at("127.0.0.2");
	const struct {
		const char *name;
		bool no_rport;
		int hears;
	} rows[] = {{"rport: the source port", false, fd}, {"none: sent-by's port", true, other}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip s = {.method = "OPTIONS",
				.branch = rows[i].no_rport ? "x" : "y",
				.no_rport = rows[i].no_rport,
				.via_port = bound(other).port};

		print_message("# %s\n", rows[i].name);
		udp_to(fd, L_CARRIER, request(&s));
		SPIN(count(REQUEST) == (int)i + 1);
		answer(last(REQUEST)->txn, 200);
		edge_forget(last(REQUEST)->txn);
		HEARD(hear(rows[i].hears, 500), "SIP/2.0 200");
	}
	close(fd);
	close(other);
}

/* A8: no word to strangers; they do not reach the layer above. */
static void
strangers_hear_nothing(void **state)
{
	struct sip s = {.method = "INVITE"};
	int fd = udp_at("127.0.0.99");
	int wrong_side = udp_at("127.0.0.11");

	(void)state;
	udp_to(fd, L_CARRIER, request(&s));
	udp_to(fd, L_CARRIER, STR("garbage\r\n\r\n"));
	udp_to(wrong_side, L_CARRIER, request(&s));
	assert_null(hear(fd, 60));
	assert_null(hear(wrong_side, 10));
	assert_int_equal(rig.n_seen, 0);
	assert_int_equal(edge_txns(rig.e), 0);
	close(fd);
	close(wrong_side);
}

/* A4: the same Call-ID and branch from two accounts are two requests; no CANCEL passes over. */
static void
accounts_do_not_collide(void **state)
{
	struct sip inv = {.method = "INVITE"}, cancel = {.method = "CANCEL"};
	int a = udp_at("127.0.0.11"), b = udp_at("127.0.0.12");
	struct edge_txn *ta, *tb;

	(void)state;
	udp_to(a, L_PLAIN, request(&inv));
	SPIN(count(REQUEST) == 1);
	assert_string_equal(last(REQUEST)->src.account_id.z, "plain1");
	ta = last(REQUEST)->txn;
	udp_to(b, L_PLAIN, request(&cancel)); /* of a call that is not its own */
	HEARD(hear(b, 500), "SIP/2.0 481");
	assert_int_equal(count(CANCELLED), 0);
	udp_to(b, L_PLAIN, request(&inv));
	SPIN(count(REQUEST) == 2);
	tb = last(REQUEST)->txn;
	assert_ptr_not_equal(ta, tb);
	udp_to(a, L_PLAIN, request(&cancel));
	SPIN(count(CANCELLED) == 1);
	assert_ptr_equal(last(CANCELLED)->txn, ta);
	close(a);
	close(b);
}

static void
acme_in_clear(struct world *w)
{
	plain_trunk(w, "acme", "acme-plain", TRUNK_UDP, "127.0.0.13");
}

static int
setup_both(void **state)
{
	rig.on_trunks = acme_in_clear;
	return rig_setup_tls(state);
}

/* A4: what an account asked for over TLS is not cancelled by a datagram that names it. */
static void
tls_is_not_cancelled_in_clear(void **state)
{
	struct sip inv = {.method = "INVITE", .via = "TLS h"};
	struct sip cancel = {.method = "CANCEL", .via = "UDP h"};
	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);
	int fd = udp_at("127.0.0.13");
	struct tpeer p;

	(void)state;
	tpeer_connect(&p, cert);
	SPIN(count(HANDSHAKE) == 1);
	tpeer_send(&p, request(&inv));
	SPIN(count(REQUEST) == 1);
	udp_to(fd, L_PLAIN, request(&cancel));
	HEARD(hear(fd, 500), "SIP/2.0 481");
	assert_int_equal(count(CANCELLED), 0);
	cancel.via = inv.via;
	tpeer_send(&p, request(&cancel));
	SPIN(count(CANCELLED) == 1);
	tpeer_fini(&p, false);
	close(fd);
	X509_free(cert);
}

static void
cancel_and_ack_of_failure(void **state)
{
	struct sip inv = {.method = "INVITE"}, cancel = {.method = "CANCEL"};
	struct sip ack = {.method = "ACK", .to_tag = "ours"};
	int fd = udp_at("127.0.0.2");
	struct edge_txn *t;

	(void)state;
	udp_to(fd, L_CARRIER, request(&inv));
	SPIN(count(REQUEST) == 1);
	t = last(REQUEST)->txn;
	HEARD(hear(fd, 500), "SIP/2.0 100 Trying"); /* by itself after 200 ms */
	udp_to(fd, L_CARRIER, request(&cancel));
	HEARD(hear(fd, 500), "SIP/2.0 200");
	assert_int_equal(count(CANCELLED), 1);
	answer(t, 487);
	HEARD(hear(fd, 500), "SIP/2.0 487");
	HEARD(hear(fd, 900), "SIP/2.0 487");     /* again, until the ACK */
	udp_to(fd, L_CARRIER, request(&cancel)); /* a copy: the same answer, no news */
	HEARD(hear(fd, 500), "SIP/2.0 200");
	udp_to(fd, L_CARRIER, request(&ack));
	rest(20);
	assert_int_equal(count(ACKED), 0);
	assert_int_equal(count(CANCELLED), 1);
	inv.branch = "late";
	cancel.branch = "late";
	udp_to(fd, L_CARRIER, request(&inv));
	SPIN(count(REQUEST) == 2);
	answer(last(REQUEST)->txn, 200);
	HEARD(hear(fd, 500), "SIP/2.0 200");
	udp_to(fd, L_CARRIER, request(&cancel)); /* too late: answered, without effect */
	HEARD(hear(fd, 500), "SIP/2.0 200");
	assert_int_equal(count(CANCELLED), 1);
	ack.branch = "ack";
	udp_to(fd, L_CARRIER, request(&ack));
	SPIN(count(ACKED) == 1);
	close(fd);
}

/* Whatever it is told, the layer above may answer, forget or ask at once. */
static void
react(struct seen *s, const struct sip_msg *m)
{
	struct edge_txn *t = s->txn;

	(void)m;
	if (s->what == REQUEST) {
		answer(t, 486);
		answer(t, 200); /* a second final answer does nothing */
		edge_respond_again(t);
		edge_forget(t);
	} else if (s->what == CANCELLED) {
		answer(t, 487);
		edge_forget(t);
	}
}

static void
answered_from_inside(void **state)
{
	static const char *const methods[] = {"INVITE", "OPTIONS", "BYE"};
	int fd = udp_at("127.0.0.2");

	(void)state;
	rig.on_told = react;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		struct sip s = {.method = methods[i], .branch = methods[i]};
		struct sip cancel = {.method = "CANCEL", .branch = methods[i]};

		udp_to(fd, L_CARRIER, request(&s));
		HEARD(hear(fd, 500), "SIP/2.0 486");
		udp_to(fd, L_CARRIER, request(&cancel));
		assert_non_null(hear(fd, 500));
	}
	assert_int_equal(count(CANCELLED), 0);
	close(fd);
}

static void
bad_messages(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{"no SIP", "hello there\r\n\r\n", NULL},
		{"keepalive", "\r\n\r\n", NULL},
		{"no Call-ID",
		 "OPTIONS sip:b@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
		 "1.1.1.1;branch=z9hG4bKq;rport\r\n"
		 "From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCSeq: 1 OPTIONS\r\nContent-Length: "
		 "0\r\n\r\n",
		 "SIP/2.0 400"},
		{"an ACK is never answered",
		 "ACK sip:b@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 1.1.1.1;branch=z9hG4bKq;rport\r\n"
		 "From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCSeq: 1 ACK\r\nContent-Length: "
		 "0\r\n\r\n",
		 NULL},
		{"a response to nothing",
		 "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 1.1.1.1;branch=z9hG4bKq\r\n"
		 "From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
		 "Content-Length: 0\r\n\r\n",
		 NULL},
	};
	int fd = udp_at("127.0.0.2");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *got;

		print_message("# %s\n", rows[i].name);
		udp_to(fd, L_CARRIER, str_from(rows[i].text));
		got = hear(fd, rows[i].want ? 500 : 30);
		if (rows[i].want)
			HEARD(got, rows[i].want);
		else
			assert_null(got);
	}
	assert_int_equal(rig.n_seen, 0);
	close(fd);
}

static int
few_txns(void **state)
{
	rig.conf.max_txns = 4;
	return rig_setup(state);
}

static int
some_txns(void **state)
{
	rig.conf.max_txns = 32;
	return rig_setup(state);
}

/* One customer floods: it is refused in the end, while the others and what is in a call go on. */
static void
one_account_floods(void **state)
{
	int a = udp_at("127.0.0.11"), b = udp_at("127.0.0.12"), gw = udp_at("127.0.0.2"),
	    later = udp_at("127.0.0.11"), n;
	char branch[32];
	struct sip s = {.method = "INVITE", .branch = branch};

	(void)state;
	for (int i = 0; i < 40; i++) {
		(void)snprintf(branch, sizeof(branch), "f%d", i);
		udp_to(a, L_PLAIN, request(&s));
		turn();
	}
	n = count(REQUEST);
	assert_int_equal(n, 27); /* of 30 that are not kept: 26 < 8 * 4, 27 > 8 * 3 */
	(void)snprintf(branch, sizeof(branch), "over");
	udp_to(later, L_PLAIN, request(&s));
	HEARD(hear(later, 500), "SIP/2.0 503");
	udp_to(a, L_PLAIN, request(&(struct sip){.method = "BYE", .branch = "bye", .to_tag = "t"}));
	SPIN(count(REQUEST) == n + 1);
	udp_to(b, L_PLAIN, request(&(struct sip){.method = "INVITE", .branch = "other"}));
	SPIN(count(REQUEST) == n + 2);
	for (int i = 0; i < 20; i++) { /* a carrier may have more, but not all */
		(void)snprintf(branch, sizeof(branch), "c%d", i);
		udp_to(gw, L_CARRIER, request(&s));
		turn();
	}
	assert_int_equal(count(REQUEST), 30);
	udp_to(b, L_PLAIN,
	       request(&(struct sip){.method = "BYE", .branch = "bye2", .to_tag = "t"}));
	SPIN(count(REQUEST) == 31);
	close(a);
	close(b);
	close(gw);
	close(later);
}

static bool
knows_t(void *arg, const struct sip_msg *m, const struct edge_source *src)
{
	(void)arg, (void)src;
	return str_eqz(m->to_tag, "t");
}

/* As if messages waited: from the next window on a hundredth of what is asked for is admitted. */
static void
overload(void)
{
	uint64_t now = clock_now_us();

	rig.e->load.share = LOAD_ONE / 100;
	rig.e->load.window_end = now + 3600ULL * CLOCK_S;
	share_look(&rig.e->share, rig.e->load.share, now + LOAD_WINDOW_US);
}

/* Too much to do, because of one account: what it asks for is refused, also with To-tags of no
 * call and as OPTIONS, not what belongs to its calls, nor its calls for help; nobody else feels
 * it. Each hears of its own part (RFC 7339). */
static void
one_account_overloads(void **state)
{
	static const struct {
		const char *name;
		struct sip s;
		bool b;            /* of another account */
		const char *heard; /* NULL: it goes up */
	} rows[] = {
		{"a new call", {.method = "INVITE"}, false, "SIP/2.0 503"},
		{"of no dialog", {.method = "BYE", .to_tag = "invented"}, false, "SIP/2.0 503"},
		{"who floods may not ping either", {.method = "OPTIONS"}, false, "SIP/2.0 503"},
		{"of no INVITE", {.method = "CANCEL"}, false, "SIP/2.0 503"},
		{"of its dialog", {.method = "BYE", .to_tag = "t"}, false, NULL},
		{"help", {.method = "INVITE", .uri = "sip:911@x"}, false, NULL},
		{"another's call", {.method = "INVITE"}, true, NULL},
		{"another's ping", {.method = "OPTIONS"}, true, NULL},
		{"another's stray CANCEL", {.method = "CANCEL"}, true, "SIP/2.0 481"},
		{"another's of no dialog", {.method = "BYE", .to_tag = "invented"}, true, NULL},
	};
	int a = udp_at("127.0.0.11"), b = udp_at("127.0.0.12");
	struct share_peer *p;

	(void)state;
	rig.e->up.do_know = knows_t;
	udp_to(a, L_PLAIN, request(&(struct sip){.method = "INVITE", .branch = "first"}));
	SPIN(count(REQUEST) == 1);
	p = last(REQUEST)->txn->held;
	for (int i = 0; i < 200000; i++)
		share_note(&rig.e->share, p, 1, SHARE_REQUEST);
	overload();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int before = count(REQUEST), fd = rows[i].b ? b : a;
		char branch[32];
		struct sip s = rows[i].s;

		print_message("# %s\n", rows[i].name);
		(void)snprintf(branch, sizeof(branch), "o%zu", i);
		s.branch = branch;
		udp_to(fd, L_PLAIN, request(&s));
		if (!rows[i].heard) {
			SPIN(count(REQUEST) == before + 1);
			continue;
		}
		HEARD(hear(fd, 500), rows[i].heard);
		assert_int_equal(count(REQUEST), before);
	}
	close(a);
	close(b);
}

/* Datagrams of strangers take nothing of what their source may connect: it may be forged. */
static void
forged_datagrams(void **state)
{
	struct addr forged = ip("127.0.0.98", 0);
	int fd = udp_at("127.0.0.98"), known = udp_at("127.0.0.2");
	unsigned left = 0;

	(void)state;
	for (int i = 0; i < 3 * BUDGET_BURST; i++) {
		udp_to(fd, L_CARRIER, request(&(struct sip){.method = "INVITE"}));
		turn();
	}
	udp_to(known, L_CARRIER, request(&(struct sip){.method = "INVITE"})); /* behind them */
	SPIN(count(REQUEST) == 1);
	while (left < BUDGET_BURST && budget_take(&rig.e->budget, &forged, loop_now(&rig.loop)))
		left++;
	assert_int_equal(left, BUDGET_BURST);
	close(fd);
	close(known);
}

/* Nor with To-tags that were invented, nor with calls for help: others always find some. */
static void
one_account_pretends(void **state)
{
	static const struct {
		const char *to_tag, *uri;
		bool (*do_know)(void *arg, const struct sip_msg *m, const struct edge_source *src);
	} rows[] = {
		{"invented", NULL, NULL}, {"invented", NULL, knows_t}, {NULL, "sip:911@x", NULL}};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		int a = udp_at("127.0.0.11"), b = udp_at("127.0.0.12"), n;
		char branch[32];
		struct sip s = {.method = "INVITE",
				.branch = branch,
				.to_tag = rows[r].to_tag,
				.uri = rows[r].uri};

		rig.e->up.do_know = rows[r].do_know;
		for (int i = 0; i < 60; i++) {
			(void)snprintf(branch, sizeof(branch), "p%d", i);
			udp_to(a, L_PLAIN, request(&s));
			turn();
		}
		n = count(REQUEST);
		if (rows[r].do_know) /* no better than new calls: 27 of 30 */
			assert_int_equal(n, 27);
		udp_to(b, L_PLAIN,
		       request(&(struct sip){.method = "BYE", .branch = "end", .to_tag = "t"}));
		SPIN(count(REQUEST) == n + 1);
		udp_to(b, L_PLAIN,
		       request(&(struct sip){
			       .method = "INVITE", .branch = "help", .uri = "sip:911@x"}));
		SPIN(count(REQUEST) == n + 2);
		close(a);
		close(b);
		rig_teardown(state);
		assert_int_equal(some_txns(state), 0);
	}
}

/* None left: 503 with Retry-After, the same tag for each copy; nothing stays behind. */
static void
transactions_run_out(void **state)
{
	struct sip ack = {.method = "ACK", .branch = "x9", .to_tag = "t"};
	int fd = udp_at("127.0.0.2");
	char first[2000];
	const char *got;

	(void)state;
	for (int i = 0; i < 6; i++) {
		char branch[32];
		struct sip s = {.method = "INVITE", .branch = branch};

		(void)snprintf(branch, sizeof(branch), "x%d", i);
		udp_to(fd, L_CARRIER, request(&s));
		turn();
		if (i < 4)
			continue;
		got = hear(fd, 150);
		HEARD(got, "SIP/2.0 503");
		HEARD(got, "Retry-After: 5");
		if (i == 4)
			(void)snprintf(first, sizeof(first), "%s", got);
	}
	assert_int_equal(count(REQUEST), 4);
	for (int i = 0; i < 2; i++) { /* not so an emergency call of a customer, long or short */
		const struct edge_dest d = {
			.trunk = {"gw2"}, .transport = EDGE_UDP, .emergency = true};
		int pbx = udp_at("127.0.0.11");
		struct edge_txn *t;

		udp_to(pbx, L_PLAIN,
		       request(&(struct sip){.method = "INVITE",
					     .branch = i ? "sos1" : "sos0",
					     .uri = "sip:911@x",
					     .body = i ? 5000 : 0}));
		SPIN(count(REQUEST) == 5 + i);
		assert_int_equal(edge_send(rig.e, &d, SIP_INVITE,
					   request(&(struct sip){.method = "INVITE"}), NULL, &t),
				 ERR_OK);
		edge_cancel(t, STR("x"));
		edge_forget(t);
		close(pbx);
	}
	assert_int_equal(pool_used(&rig.e->texts.pool[TEXT_IN_LARGE]), 1);
	udp_to(fd, L_CARRIER,
	       request(&(struct sip){.method = "INVITE",
				     .uri = "sip:911@127.0.0.1",
				     .branch = "x6"})); /* no customer's */
	got = hear(fd, 150);
	HEARD(got, "SIP/2.0 503");
	assert_null(strstr(got, "Retry-After"));
	udp_to(fd, L_CARRIER, request(&(struct sip){.method = "INVITE", .branch = "x4"}));
	/* a copy gets the same tag; its refusal has an id of its own */
	*strstr(first, "Call-ID:") = 0;
	HEARD(hear(fd, 150), first);
	udp_to(fd, L_CARRIER, request(&ack));
	SPIN(count(ACKED) == 1); /* not answered, and of interest to nobody */
	assert_int_equal(edge_txns(rig.e), 4 + 2);
	close(fd);
}

/* One account may not keep all large blocks. */
static void
large_requests_are_shared(void **state)
{
	int a = udp_at("127.0.0.11"), b = udp_at("127.0.0.12");

	(void)state;
	for (int i = 0; i <= EDGE_BIG_PER_PEER; i++) {
		char branch[32];
		struct sip s = {.method = "INVITE", .branch = branch, .body = 5000};

		(void)snprintf(branch, sizeof(branch), "x%d", i);
		udp_to(a, L_PLAIN, request(&s));
		SPIN(count(REQUEST) == i + 1 || i == EDGE_BIG_PER_PEER);
	}
	HEARD(hear(a, 500), "SIP/2.0 503");
	assert_int_equal(count(REQUEST), EDGE_BIG_PER_PEER);
	udp_to(b, L_PLAIN, request(&(struct sip){.method = "INVITE", .body = 5000}));
	SPIN(count(REQUEST) == EDGE_BIG_PER_PEER + 1);
	close(a);
	close(b);
}

/* ---- streams ---- */

static void
split_at_every_byte(void **state)
{
	struct sip s = {.method = "OPTIONS", .via = "TCP 127.0.0.4", .body = 20};
	char text[2000];
	size_t len;
	int fd = tcp_from("127.0.0.4", L_TCP);

	(void)state;
	SPIN(edge_conns(rig.e) == 1);
	len = request(&s).len;
	for (size_t cut = 1; cut < len; cut += 7) {
		char branch[32];
		int n = count(REQUEST);

		(void)snprintf(branch, sizeof(branch), "s%zu", cut);
		s.branch = branch;
		len = request(&s).len;
		memcpy(text, rig.msg, len);
		tcp_to(fd, str_of(text, cut));
		turn();
		tcp_to(fd, str_of(text + cut, len - cut));
		SPIN(count(REQUEST) == n + 1);
		answer(last(REQUEST)->txn, 200);
		edge_forget(last(REQUEST)->txn);
		HEARD(hear(fd, 500), "SIP/2.0 200");
		rig.n_seen = 0;
	}
	s.branch = "bytes";
	len = request(&s).len;
	for (size_t i = 0; i < len; i++)
		tcp_to(fd, str_of(rig.msg + i, 1));
	SPIN(count(REQUEST) == 1);
	close(fd);
}

static void
ping_gets_a_pong(void **state)
{
	int fd = tcp_from("127.0.0.4", L_TCP);

	(void)state;
	SPIN(edge_conns(rig.e) == 1);
	tcp_to(fd, STR("\r\n\r\n"));
	assert_string_equal(hear(fd, 500), "\r\n");
	close(fd);
	SPIN(edge_conns(rig.e) == 0);
}

/* Its own end, nobody else's (P4). */
static void
garbage_closes_its_connection(void **state)
{
	static const char *const rows[] = {
		"\x16\x03\x01\x02\x00", "GET / HTTP/1.1\r\n\r\n",
		"INVITE sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n",
		"INVITE sip:a@b SIP/2.0\r\nContent-Length: 4294967328\r\n\r\n",
		"INVITE sip:a@b SIP/2.0\r\nl: 0\r\nContent-Length: 5\r\n\r\nBYE x"};
	int good = tcp_from("127.0.0.4", L_TCP);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int fd = tcp_from("127.0.0.4", L_TCP);
		const char *got;

		SPIN(edge_conns(rig.e) == 2);
		tcp_to(fd, str_from(rows[i]));
		got = hear(fd, 1000); /* the end */
		assert_string_equal(got ? got : "open", "");
		SPIN(edge_conns(rig.e) == 1);
		close(fd);
	}
	assert_int_equal(count(REQUEST), 0);
	tcp_to(good, request(&(struct sip){.method = "OPTIONS", .via = "TCP 127.0.0.4"}));
	SPIN(count(REQUEST) == 1);
	close(good);
}

/* Beyond the small buffer, up to the limit, and back again. */
static void
large_messages(void **state)
{
	static const size_t bodies[] = {10, 4000, 9000, 60000, 10, 66000};
	int fd = tcp_from("127.0.0.4", L_TCP);

	(void)state;
	SPIN(edge_conns(rig.e) == 1);
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		char branch[32];
		struct sip s = {.method = "BYE",
				.via = "TCP 127.0.0.4",
				.branch = branch,
				.to_tag = "t",
				.body = bodies[i]};
		int n = count(REQUEST);

		(void)snprintf(branch, sizeof(branch), "l%zu", i);
		tcp_to(fd, request(&s));
		if (bodies[i] > 65000) {
			SPIN(edge_conns(rig.e) == 0);
			break;
		}
		SPIN(count(REQUEST) == n + 1);
		answer(last(REQUEST)->txn, 200);
		edge_forget(last(REQUEST)->txn);
		HEARD(hear(fd, 500), "SIP/2.0 200");
		assert_int_equal(pool_used(&rig.e->conns.large), 0);
	}
	rest(5);
	assert_int_equal(pool_used(&rig.e->texts.pool[TEXT_IN_LARGE]), 0);
	close(fd);
}

static int
few_conns(void **state)
{
	rig.conf.max_conns = 8;
	return rig_setup(state);
}

static enum err
take_pair(const char *account, bool clear, int *far)
{
	struct conn_taken taken = {.customer = true, .clear = clear};
	struct identity id = {.n_trunks = 0};
	int pair[2];
	enum err e;

	(void)snprintf(id.account_id.z, sizeof(id.account_id.z), "%s", account);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	taken.fd = pair[0];
	*far = pair[1];
	e = conns_accept(&rig.e->conns, &taken, &id);
	if (e != ERR_OK)
		close(pair[0]);
	return e;
}

/* None left: the spare ones are for plain TCP of customers, a few each, and for carriers. */
static void
connections_run_out(void **state)
{
	static const struct {
		const char *account;
		bool clear;
		enum err want;
	} r[] = {{"acme", false, ERR_OK},     {"acme", false, ERR_OK},
		 {"acme", false, ERR_OK},     {"acme", false, ERR_OK},
		 {"acme", false, ERR_OK},     {"acme", false, ERR_OK},
		 {"plain2", true, ERR_OK},    {"acme", false, ERR_OK},
		 {"acme", false, ERR_NOMEM},  {"acme", true, ERR_NOMEM},
		 {"plain1", true, ERR_OK},    {"plain1", true, ERR_OK},
		 {"plain1", true, ERR_NOMEM}, {"plain2", true, ERR_OK},
		 {"plain2", true, ERR_NOMEM}, {"plain2", false, ERR_NOMEM},
		 {"umbra", false, ERR_NOMEM}};
	struct conn_dial d = {.trunk = {"gw-tcp"}, .host = STR("127.0.0.4"), .port = rig.pbx_port};
	struct conn *c;
	int far[ARRAY_LEN(r)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		if (take_pair(r[i].account, r[i].clear, &far[i]) != r[i].want)
			fail_msg("row %zu", i);
	assert_int_equal(conns_dial(&rig.e->conns, &d, &c), ERR_OK);
	d.account = (struct policy_id){"acme"};
	assert_int_equal(conns_dial(&rig.e->conns, &d, &c), ERR_NOMEM);
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		close(far[i]);
}

/* A message that was begun has its time (D2); nobody gets all large buffers. */
static void
half_messages(void **state)
{
	int fd[CONN_LARGE_PER_PEER + 1];
	struct str text;

	(void)state;
	for (int i = 0; i <= CONN_LARGE_PER_PEER; i++) {
		fd[i] = tcp_from("127.0.0.4", L_TCP);
		text = request(&(struct sip){.method = "BYE", .to_tag = "t", .body = 9000});
		tcp_to(fd[i], str_sub(text, 0, 8000));
	}
	SPIN(edge_conns(rig.e) == CONN_LARGE_PER_PEER);
	assert_int_equal(pool_used(&rig.e->conns.large), CONN_LARGE_PER_PEER);
	LIST_EACH(it, &rig.e->conns.all)
	{
		struct conn *c = CONTAINER_OF(it, struct conn, node);

		assert_true(timer_is_set(&c->slow));
		assert_int_equal(loop_timer(&rig.loop, &c->slow, 1000), ERR_OK); /* no 5 s here */
	}
	SPIN(edge_conns(rig.e) == 0);
	assert_int_equal(pool_used(&rig.e->conns.large), 0);
	for (int i = 0; i <= CONN_LARGE_PER_PEER; i++)
		close(fd[i]);
}

/* A8: a carrier's source is listed, but the request is meant for another host. */
static void
a8_another_host(void **state)
{
	static const struct {
		const char *name, *host;
		bool in_dialog, ok;
	} rows[] = {
		{"the address of a listener", "127.0.0.1", false, true},
		{"a name of the configuration", "SBC.inside.test", false, true},
		{"another name", "sbc.elsewhere.test", false, false},
		{"another address", "192.0.2.1", false, false},
		{"in a dialog it is our Contact that counts", "192.0.2.1", true, true},
	};
	int fd = udp_at("127.0.0.2"), customer = udp_at("127.0.0.11");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str plain = request(&(struct sip){.method = "OPTIONS",
							 .branch = rows[i].host + i,
							 .to_tag = rows[i].in_dialog ? "x" : NULL});
		static char mem[4000], want[160];
		int before = count(REQUEST);

		print_message("# %s\n", rows[i].name);
		(void)snprintf(mem, sizeof(mem), "OPTIONS sip:bob@%s SIP/2.0\r\n%.*s", rows[i].host,
			       STR_ARG(str_from_at(plain, str_find(plain, STR("\r\n")) + 2)));
		udp_to(fd, L_CARRIER, str_from(mem));
		if (rows[i].ok) {
			SPIN(count(REQUEST) == before + 1);
			answer(last(REQUEST)->txn, 200);
			HEARD(hear(fd, 500), "SIP/2.0 200");
			continue;
		}
		(void)snprintf(want, sizeof(want), "the Request-URI names %s, which is none of ",
			       rows[i].host);
		REFUSED(hear(fd, 500), want);
		assert_int_equal(count(REQUEST), before);
		udp_to(customer, L_PLAIN, str_from(mem)); /* a customer may name its own domain */
		SPIN(count(REQUEST) == before + 1);
		answer(last(REQUEST)->txn, 200);
		(void)hear(customer, 500);
	}
	close(fd);
	close(customer);
}

/* A call that proxies send here again and again ends (RFC 3261 16.3, 5393), one that comes back for
 * somebody else does not. */
static void
calls_that_go_round(void **state)
{
	static const struct {
		const char *name, *uri, *method;
		unsigned ours;
		bool other_port, in_dialog, ok;
	} rows[] = {
		{.name = "once", .ours = 1, .ok = true},
		{.name = "twice", .ours = 2, .ok = true},
		{.name = "three times", .ours = 3},
		{.name = "more", .ours = 9},
		{.name = "another port", .ours = 3, .other_port = true, .ok = true},
		{.name = "in a dialog", .ours = 3, .in_dialog = true, .ok = true},
		{.name = "no call", .ours = 3, .method = "OPTIONS", .ok = true},
		{.name = "for help", .ours = 3, .uri = "sip:911@127.0.0.1", .ok = true},
	};
	int fd = udp_at("127.0.0.2");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char more[2000], call_id[16];
		struct buf b;
		int before = count(REQUEST);

		print_message("# %s\n", rows[i].name);
		buf_init(&b, more, sizeof(more));
		for (unsigned k = 0; k < rows[i].ours; k++)
			buf_printf(&b,
				   "v: SIP/2.0/UDP 127.0.0.2;branch=z9hG4bKp%u,\r\n SIP/2.0/UDP "
				   "127.0.0.1:%u;branch=z9hG4bKo%u\r\n",
				   k, rows[i].other_port ? 9U : rig.at[L_CARRIER].port, k);
		assert_int_equal(buf_end(&b), ERR_OK);
		(void)snprintf(call_id, sizeof(call_id), "round%zu", i);
		udp_to(fd, L_CARRIER,
		       request(&(struct sip){.method = rows[i].method ? rows[i].method : "INVITE",
					     .branch = call_id,
					     .call_id = call_id,
					     .uri = rows[i].uri,
					     .to_tag = rows[i].in_dialog ? "x" : NULL,
					     .more = more}));
		if (rows[i].ok) {
			SPIN(count(REQUEST) == before + 1);
			answer(last(REQUEST)->txn, 404);
			HEARD(hear(fd, 500), "SIP/2.0 404");
			continue;
		}
		HEARD(hear(fd, 500), "SIP/2.0 482");
		assert_int_equal(count(REQUEST), before);
	}
	close(fd);
}

/* A Max-Forwards that cannot be read refuses another call, and no emergency call. */
static void
hops_of_no_sense(void **state)
{
	static const char *const values[] = {"banana", "999", ""};
	int pbx = udp_at("127.0.0.11");

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_LEN(values); i++) {
		char mem[600];
		int n = snprintf(mem, sizeof(mem),
				 "INVITE sip:%s@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
				 "127.0.0.11;branch=z9hG4bKmf%u;rport\r\nMax-Forwards: %s\r\n"
				 "From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: mf%u\r\n"
				 "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
				 i % 2 ? "911" : "+15552223333", i, values[i / 2], i);

		udp_to(pbx, L_PLAIN, str_of(mem, (size_t)n));
		if (i % 2) {
			SPIN(count(REQUEST) == (int)(i + 1) / 2);
			assert_non_null(edge_txn_request(last(REQUEST)->txn));
		} else {
			HEARD(hear(pbx, 500), "SIP/2.0 400");
		}
		while (hear(pbx, 1)) /* 100 */
			;
	}
	close(pbx);
}

/* A call for help that cannot be read is told once, whoever may make no other calls, too; other
 * calls and carriers' are not. */
static void
lost_calls(void **state)
{
	static const struct {
		const char *name, *from, *user, *call_id;
		int listener, told;
		bool off;
	} rows[] = {
		{"another call", "127.0.0.11", "+15552223333", "\x01", L_PLAIN, 0, false},
		{"for help", "127.0.0.11", "911", "\x01", L_PLAIN, 1, false},
		{"a carrier's", "127.0.0.2", "911", "\x01", L_CARRIER, 0, false},
		{"a stranger's", "127.0.0.77", "911", "\x01", L_PLAIN, 0, false},
		{"switched off", "127.0.0.11", "911", "\x01", L_PLAIN, 1, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int fd = udp_at(rows[i].from), before = count(LOST);
		char mem[600];
		int n = snprintf(mem, sizeof(mem),
				 "INVITE sip:%s@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
				 "%s;branch=z9hG4bKl%zu;rport\r\nFrom: <sip:a@b>;tag=1\r\n"
				 "To: <sip:b@b>\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\n"
				 "Content-Length: 0\r\n\r\n",
				 rows[i].user, rows[i].from, i, rows[i].call_id);

		print_message("# %s\n", rows[i].name);
		if (rows[i].off) {
			rig.switched_off = 4;
			rig_swap();
		}
		for (int k = 0; k < 2; k++) { /* and its copy */
			udp_to(fd, rows[i].listener, str_of(mem, (size_t)n));
			(void)hear(fd, 100);
		}
		assert_int_equal(count(LOST) - before, rows[i].told);
		if (rows[i].told) {
			assert_string_equal(last(LOST)->why, "Call-ID not well formed");
			assert_int_not_equal(last(LOST)->src.trunk, POLICY_NONE);
			assert_string_equal(last(LOST)->src.account_id.z, "plain1");
		}
		close(fd);
	}
}

/* What is cut off, or cannot be cut out of its stream, is told as well, and answered where that can
 * be addressed; on datagrams, too. */
static void
lost_in_framing(void **state)
{
	static const char head[] = "INVITE sip:911@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;"
				   "branch=z9hG4bKfr;rport\r\nFrom: <sip:a@b>;tag=1\r\n"
				   "To: <sip:b@b>\r\nCall-ID: fr\r\nCSeq: 1 INVITE\r\n";
	static const struct {
		const char *name, *rest, *why;
		bool answered, ends, lf;
	} rows[] = {
		{"no number", "Content-Length: x1\r\n\r\n", "Content-Length not a length", true,
		 false, false},
		{"none", "\r\n", "no Content-Length, which a message over a stream must have", true,
		 false, false},
		{"too long a line", "", "header too long", true, false, false},
		{"LF only", "Content-Length: 0\r\n\r\n", "start line not ended by CRLF", false,
		 false, true},
		{"half", "Content-Length: 9\r\n\r\n", "body shorter than Content-Length", false,
		 true, false},
	};

	X509 *cert = leaf(rig.root, "DNS:pbx.acme.test", ca_keys()->leaf);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tpeer p;
		int before = count(LOST);
		static char mem[12000];
		size_t n = (size_t)snprintf(mem, sizeof(mem), "%s%s", head, rows[i].rest);
		const char *got;

		print_message("# %s\n", rows[i].name);
		if (!rows[i].rest[0]) {
			memset(mem + n, 'x', 9000);
			memcpy(mem + n, "X: ", 3);
			n += 9000;
		}
		if (rows[i].lf)
			n = strcspn(mem, "\r"), mem[n++] = '\n';
		tpeer_connect(&p, cert);
		SPIN(edge_conns(rig.e) == 1);
		tpeer_send(&p, str_of(mem, n));
		if (rows[i].ends) {
			assert_null(tpeer_hear(&p, 50));
			tpeer_fini(&p, false);
		}
		SPIN(count(LOST) == before + 1);
		assert_string_equal(last(LOST)->why, rows[i].why);
		if (rows[i].answered) {
			got = tpeer_hear(&p, 500);
			HEARD(got, rows[i].rest[0] ? "SIP/2.0 400" : "SIP/2.0 513");
		}
		SPIN(edge_conns(rig.e) == 0);
		if (!rows[i].ends)
			tpeer_fini(&p, true);
	}
	X509_free(cert);
}

/* What overload refused stays refused when a copy of it comes as the load is over: its caller was
 * told, or will be. */
static void
copies_of_what_was_shed(void **state)
{
	struct sip s = {.method = "INVITE", .branch = "one"};
	int fd = udp_at("127.0.0.2");

	(void)state;
	rig.e->load = (struct load){.window_end = UINT64_MAX, .share = LOAD_LEAST};
	rig.e->share.window_end = UINT64_MAX;
	rig.e->share.level = 0;
	for (uint32_t i = 0; i < SHARE_PEERS; i++)
		rig.e->share.peer[i].rate = SHARE_UNIT;
	udp_to(fd, L_CARRIER, request(&s));
	HEARD(hear(fd, 1000), "SIP/2.0 503");
	load_init(&rig.e->load);
	share_init(&rig.e->share);
	udp_to(fd, L_CARRIER, request(&s));
	HEARD(hear(fd, 1000), "SIP/2.0 503");
	s.uri = "sip:911@127.0.0.1"; /* an emergency call never is */
	s.branch = "two";
	udp_to(fd, L_CARRIER, request(&s));
	SPIN(count(REQUEST) == 1);
	answer(last(REQUEST)->txn, 404);
	HEARD(hear(fd, 1000), "SIP/2.0 404");
	s.uri = NULL;
	s.branch = "three"; /* nor is another one now */
	udp_to(fd, L_CARRIER, request(&s));
	SPIN(count(REQUEST) == 2);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lost_calls, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(lost_in_framing, rig_setup_tls, rig_teardown),
		cmocka_unit_test_setup_teardown(hops_of_no_sense, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(a8_another_host, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(calls_that_go_round, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(request_answered_and_copies_absorbed, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(answer_kept_until_its_ack, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(reply_goes_where_via_says, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(strangers_hear_nothing, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(accounts_do_not_collide, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(cancel_and_ack_of_failure, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(tls_is_not_cancelled_in_clear, setup_both,
						rig_teardown),
		cmocka_unit_test_setup_teardown(answered_from_inside, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(bad_messages, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(transactions_run_out, few_txns, rig_teardown),
		cmocka_unit_test_setup_teardown(one_account_floods, some_txns, rig_teardown),
		cmocka_unit_test_setup_teardown(one_account_pretends, some_txns, rig_teardown),
		cmocka_unit_test_setup_teardown(one_account_overloads, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(forged_datagrams, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(connections_run_out, few_conns, rig_teardown),
		cmocka_unit_test_setup_teardown(large_requests_are_shared, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(split_at_every_byte, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(ping_gets_a_pong, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(garbage_closes_its_connection, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(large_messages, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(half_messages, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(copies_of_what_was_shed, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
