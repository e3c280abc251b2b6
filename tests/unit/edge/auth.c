#include "rig.h"

#include "edge/auth.h"

/* Digest challenges of a gateway at 127.0.0.2 (UDP) and one at 127.0.0.4 (TCP): which are answered,
 * with what, how often; what the next requests show. */

static struct edge_credential c;
static unsigned again_asked;
static uint32_t again_next;
static const char *host_of_gw; /* in place of its address */

static uint32_t
up_again(void *arg, void *user, struct edge_txn *t, enum sip_method method)
{
	(void)arg, (void)user, (void)t, (void)method;
	again_asked++;
	return again_next;
}

static void
give_auth(struct world *w)
{
	for (uint32_t i = 0; i < w->r.n_trunks; i++)
		if (str_starts(w->r.trunk[i].id, STR("gw1")) || str_eqz(w->r.trunk[i].id, "gw-tcp"))
			w->r.trunk[i].auth = STR("east");
	for (uint32_t i = 0; host_of_gw && i < w->r.n_trunks; i++)
		if (str_eqz(w->r.trunk[i].id, "gw1") || str_eqz(w->r.trunk[i].id, "gw-tcp"))
			w->r.trunk[i].host = str_from(host_of_gw);
}

static int
setup(void **state)
{
	int rc;

	rig.on_trunks = give_auth;
	rc = rig_setup_fast(state);
	again_asked = 0;
	again_next = 8;
	rig.e->up.on_again = up_again;
	(void)snprintf(c.name, sizeof(c.name), "east");
	(void)snprintf(c.realm, sizeof(c.realm), "a.test");
	(void)snprintf(c.user, sizeof(c.user), "us");
	sip_digest_key(STR("us"), STR("a.test"), STR("secret"), 7, &c.key);
	edge_on_credentials(rig.e, &c, 1);
	return rc;
}

static struct edge_txn *
ask(const char *trunk, enum edge_transport tr, const char *method, const char *more)
{
	static char mem[2000], user;
	struct edge_dest d = {.transport = tr};
	struct edge_txn *t = NULL;
	struct buf b;

	(void)snprintf(d.trunk.z, sizeof(d.trunk.z), "%s", trunk);
	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b,
		   "%s sip:+15550100@gw SIP/2.0\r\nMax-Forwards: 69\r\n"
		   "From: <sip:a@127.0.0.1>;tag=us\r\nTo: <sip:+15550100@gw>\r\n"
		   "Call-ID: ours\r\nCSeq: 7 %s\r\nContact: <sip:127.0.0.1>\r\n%s"
		   "Content-Length: 4\r\n\r\nbody",
		   method, method, more);
	assert_int_equal(
		edge_send(rig.e, &d, sip_method_of(str_from(method)), buf_view(&b), &user, &t),
		ERR_OK);
	return t;
}

/* A challenge to this request. */
static struct str
challenge(const char *to, unsigned status, const char *params)
{
	static char mem[4000];
	struct str r = response(str_from(to), status);
	size_t at = str_find(r, STR("Content-Length"));

	(void)snprintf(mem, sizeof(mem), "%.*s%s-Authenticate: Digest %s\r\n%.*s",
		       STR_ARG(str_sub(r, 0, at)), status == 407 ? "Proxy" : "WWW", params,
		       STR_ARG(str_from_at(r, at)));
	return str_from(mem);
}

/* The next request of this method; copies of what came before do not count. */
static const char *
next_of(int fd, const char *method, unsigned cseq)
{
	char want[40];
	uint64_t until = clock_now_us() + CLOCK_S;

	(void)snprintf(want, sizeof(want), "\r\nCSeq: %u %s\r\n", cseq, method);
	while (clock_now_us() < until) {
		const char *got = hear(fd, 20);

		if (got && strstr(got, want) && strncmp(got, method, strlen(method)) == 0)
			return got;
	}
	fail_msg("no %s %u came", method, cseq);
	return NULL;
}

/* The value behind name="..." or name=... . */
static const char *
param(const char *text, const char *name, char out[200])
{
	const char *p = strstr(text, name);
	size_t n = 0;

	out[0] = 0;
	if (!p)
		return out;
	p += strlen(name);
	p += *p == '"';
	while (p[n] && !strchr("\",\r", p[n]) && n < 199)
		n++;
	memcpy(out, p, n);
	out[n] = 0;
	return out;
}

/* Is the answer in the request right? */
static void
check_answer(const char *text, const char *realm, enum digest_alg alg)
{
	char nonce[200], cnonce[200], nc[200], uri[200], got[200], method[20] = "", want[600];
	struct sip_challenge ch = {.alg = (uint8_t)alg, .qop = true, .realm = str_from(realm)};
	struct sip_digest_key key;
	struct sip_digest_answer a = {.challenge = &ch, .key = &key, .user = STR("us")};
	struct buf b;

	sip_digest_key(STR("us"), str_from(realm), STR("secret"), 7, &key);
	ch.nonce = str_from(param(text, " nonce=", nonce));
	a.cnonce = str_from(param(text, "cnonce=", cnonce));
	a.nc = (uint32_t)strtoul(param(text, "nc=", nc), NULL, 16);
	a.uri = str_from(param(text, "uri=", uri));
	(void)snprintf(method, sizeof(method), "%.*s", (int)strcspn(text, " "), text);
	a.method = str_from(method);
	buf_init(&b, want, sizeof(want));
	assert_int_equal(sip_digest_put(&b, &a), ERR_OK);
	param(text, "response=", got);
	if (!strstr(buf_cstr(&b), got) || !got[0])
		fail_msg("wrong response %s in %s", got, text);
}

#define MD5_1 "realm=\"a.test\", nonce=\"n1\", qop=\"auth\""
#define MD5_2 "realm=\"a.test\", nonce=\"n2\", qop=\"auth\""

/* INVITE, challenged: its failure is acknowledged, it comes again with its body; then BYE and the
 * ACK of the 2xx show what they should without being asked. */
static void
invite(void **state)
{
	int fd = gw1_here();
	struct edge_txn *t = ask("gw1", EDGE_UDP, "INVITE", "");
	struct edge_dest d = {.transport = EDGE_UDP, .trunk = {"gw1"}};
	char first[3000], again[3000], value[200];
	const char *got;

	(void)state;
	(void)snprintf(first, sizeof(first), "%s", next_of(fd, "INVITE", 7));
	assert_null(strstr(first, "uthorization"));
	udp_to(fd, L_CARRIER, challenge(first, 407, MD5_1));
	(void)snprintf(again, sizeof(again), "%s", next_of(fd, "INVITE", 8));
	assert_int_equal(again_asked, 1);
	HEARD(again,
	      "\r\nProxy-Authorization: Digest username=\"us\", realm=\"a.test\", nonce=\"n1\"");
	HEARD(again, "\r\n\r\nbody");
	check_answer(again, "a.test", DIGEST_MD5);
	assert_string_not_equal(strstr(first, "branch="), strstr(again, "branch="));
	assert_int_equal(count(NEWS), 0);
	/* a copy of the challenge is acknowledged, nothing else */
	udp_to(fd, L_CARRIER, challenge(first, 407, MD5_1));
	assert_null(strstr(next_of(fd, "ACK", 7), "uthorization"));
	udp_to(fd, L_CARRIER, response(str_from(again), 200));
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->status, 200);
	/* the ACK of the 2xx */
	(void)snprintf(d.invite, sizeof(d.invite), "%s", edge_txn_branch(t));
	edge_send_once(rig.e, &d, false,
		       STR("ACK sip:+15550100@gw SIP/2.0\r\nMax-Forwards: 70\r\n"
			   "From: <sip:a@127.0.0.1>;tag=us\r\nTo: <sip:+15550100@gw>;tag=theirs\r\n"
			   "Call-ID: ours\r\nCSeq: 8 ACK\r\nContent-Length: 0\r\n\r\n"));
	got = next_of(fd, "ACK", 8);
	HEARD(got, param(again, "response=", value));
	/* the next request has the nonce already, and its second use */
	ask("gw1", EDGE_UDP, "BYE", "");
	got = next_of(fd, "BYE", 7);
	HEARD(got, "nc=00000002");
	check_answer(got, "a.test", DIGEST_MD5);
	/* too old: once more with a new one */
	udp_to(fd, L_CARRIER, challenge(got, 407, MD5_2 ", stale=true"));
	got = next_of(fd, "BYE", 8);
	HEARD(got, "nonce=\"n2\"");
	assert_null(strstr(got, "nonce=\"n1\"")); /* its first answer is gone */
	HEARD(got, "nc=00000001");
	check_answer(got, "a.test", DIGEST_MD5);
	udp_to(fd, L_CARRIER, response(str_from(got), 200));
	SPIN(last(NEWS)->status == 200 && count(NEWS) >= 2);
	close(fd);
}

/* What is not answered is told as it came; nothing goes round. */
/* Of the first response that call was told of since then (others may end meanwhile); 0: none. */
static unsigned
status_since(int seen)
{
	unsigned status = 0;

	for (; seen < rig.n_seen && status == 0; seen++)
		if (rig.seen[seen].what == NEWS)
			status = rig.seen[seen].status;
	return status;
}

static void
refused(void **state)
{
	static const struct {
		const char *name, *first, *second, *third;
		unsigned status, answers;
	} rows[] = {
		{"another realm", "realm=\"evil.test\", nonce=\"n1\"", NULL, NULL, 401, 0},
		{"no digest", "realm=\"a.test\"", NULL, NULL, 401, 0},
		{"the same nonce again", MD5_1, MD5_1, NULL, 401, 1},
		{"the same nonce, called stale", MD5_1, MD5_1 ", stale=true", NULL, 401, 1},
		{"a fresh nonce: the password is wrong", MD5_1, MD5_2, NULL, 401, 1},
		{"a stale one, then the same", MD5_1, MD5_2 ", stale=true", MD5_2, 401, 2},
		{"the password is wrong at a proxy", MD5_1, MD5_2, NULL, 407, 1},
	};
	int fd = gw1_here();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const params[] = {rows[i].first, rows[i].second, rows[i].third};
		int before = rig.n_seen;
		const char *got;

		print_message("# %s\n", rows[i].name);
		again_next = 7;
		ask("gw1", EDGE_UDP, "REGISTER", "");
		for (unsigned k = 0; k < 3 && params[k]; k++) {
			got = next_of(fd, "REGISTER", 7 + k);
			again_next = 8 + k;
			udp_to(fd, L_CARRIER, challenge(got, rows[i].status, params[k]));
		}
		SPIN(status_since(before) != 0);
		assert_int_equal(status_since(before), rows[i].status);
		while (hear(fd, 5))
			;
		edge_on_credentials(rig.e, &c, 1); /* forgets nonces */
	}
	close(fd);
}

/* A trunk without credentials, a request that call gave up, one that is cancelled. */
static void
not_answered(void **state)
{
	int fd = gw1_here();
	const char *got;
	struct edge_txn *t;

	(void)state;
	again_next = 0; /* call: it is of no use any more */
	ask("gw1", EDGE_UDP, "BYE", "");
	udp_to(fd, L_CARRIER, challenge(next_of(fd, "BYE", 7), 401, MD5_1));
	SPIN(count(NEWS) == 1);
	assert_int_equal(last(NEWS)->news.event, EDGE_FAILED);
	/* nobody waits for it: it goes on by itself */
	t = ask("gw1", EDGE_UDP, "BYE", "");
	edge_forget(t);
	got = next_of(fd, "BYE", 7);
	udp_to(fd, L_CARRIER, challenge(got, 401, MD5_2));
	check_answer(next_of(fd, "BYE", 8), "a.test", DIGEST_MD5);
	t = ask("gw1", EDGE_UDP, "INVITE", "");
	got = next_of(fd, "INVITE", 7);
	edge_cancel(t, STR_NULL);
	udp_to(fd, L_CARRIER, challenge(got, 401, "realm=\"a.test\", nonce=\"n3\""));
	SPIN(count(NEWS) == 2);
	assert_int_equal(last(NEWS)->status, 401);
	close(fd);
}

/* A proxy and a server, each with its own; over TCP, on the same connection; by SHA-256. */
static void
two_of_them(void **state)
{
	int listening = tcp_at("127.0.0.4", rig.pbx_port), fd = -1;
	static char text[3][3000];
	const char *got;

	(void)state;
	again_next = 8;
	ask("gw-tcp", EDGE_TCP, "OPTIONS", "");
	SPIN((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	(void)snprintf(text[0], 3000, "%s", next_of(fd, "OPTIONS", 7));
	tcp_to(fd, challenge(text[0], 407,
			     "realm=\"a.test\", nonce=\"p1\", qop=\"auth\", "
			     "algorithm=SHA-256"));
	(void)snprintf(text[1], 3000, "%s", next_of(fd, "OPTIONS", 8));
	check_answer(text[1], "a.test", DIGEST_SHA256);
	again_next = 9;
	tcp_to(fd, challenge(text[1], 401, MD5_1));
	got = next_of(fd, "OPTIONS", 9);
	HEARD(got, "\r\nAuthorization: Digest username=\"us\", realm=\"a.test\", nonce=\"n1\"");
	HEARD(got,
	      "\r\nProxy-Authorization: Digest username=\"us\", realm=\"a.test\", nonce=\"p1\"");
	tcp_to(fd, response(str_from(got), 200));
	SPIN(count(NEWS) == 1);
	/* the next one has both at once */
	ask("gw-tcp", EDGE_TCP, "OPTIONS", "");
	got = next_of(fd, "OPTIONS", 7);
	HEARD(got, "\r\nAuthorization: Digest ");
	HEARD(got, "\r\nProxy-Authorization: Digest ");
	close(fd);
	close(listening);
}

/* ACK of t, where there is one, and BYE, to where a Contact led. */
static void
end_call(const struct edge_txn *t, enum edge_transport tr, const char *trunk, const char *host)
{
#define END(method, cseq)                                                                          \
	STR(method " sip:x@gw SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=us\r\n"   \
		   "To: <sip:+15550100@gw>;tag=theirs\r\nCall-ID: ours\r\nCSeq: " cseq " " method  \
		   "\r\nContent-Length: 0\r\n\r\n")
	struct edge_dest d = {.transport = tr, .port = rig.pbx_port, .reuse = true};
	struct edge_txn *bye;

	(void)snprintf(d.trunk.z, sizeof(d.trunk.z), "%s", trunk);
	(void)snprintf(d.host, sizeof(d.host), "%s", host);
	if (t) {
		(void)snprintf(d.invite, sizeof(d.invite), "%s", edge_txn_branch(t));
		edge_send_once(rig.e, &d, false, END("ACK", "8"));
	}
	assert_int_equal(edge_send(rig.e, &d, SIP_BYE, END("BYE", "9"), NULL, &bye), ERR_OK);
#undef END
}

/* A6: what a Contact leads to a host that is none of the trunk's has no credentials, and answers no
 * challenge. The trunk is at 127.0.0.2, by address or by name. */
static void
a6_only_home(void **state)
{
	static const struct {
		const char *name, *trunk, *contact, *at;
		bool home;
	} rows[] = {
		{"its address", NULL, "127.0.0.2", "127.0.0.2", true},
		{"another address", NULL, "127.0.0.3", "127.0.0.3", false},
		{"a name of somebody", NULL, "h3.test", "127.0.0.3", false},
		{"one of its sources", "h2.test", "127.0.0.2", "127.0.0.2", true},
		{"its name", "h2.test", "h2.test", "127.0.0.2", true},
		{"its name in other letters", "h2.test", "H2.TEST", "127.0.0.2", true},
		{"a name below it", "far.test", "sbc.far.test", "127.0.0.2", true},
		{"one that only ends alike", "far.test", "so-far.test", "127.0.0.2", false},
		{"a name above it", "sbc.far.test", "far.test", "127.0.0.2", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static char text[3000];
		struct edge_txn *t;
		const char *got;
		int fd, far;

		print_message("# %s\n", rows[i].name);
		rig_teardown(state);
		host_of_gw = rows[i].trunk;
		rig.dns_ip[0] = "127.0.0.2";
		assert_int_equal(setup(state), 0);
		fd = gw1_here();
		far = strcmp(rows[i].at, "127.0.0.2") == 0 ? fd : gw_at(rows[i].at);
		t = ask("gw1", EDGE_UDP, "INVITE", "");
		udp_to(fd, L_CARRIER, challenge(next_of(fd, "INVITE", 7), 407, MD5_1));
		(void)snprintf(text, sizeof(text), "%s", next_of(fd, "INVITE", 8));
		udp_to(fd, L_CARRIER, response(str_from(text), 200));
		SPIN(count(NEWS) == 1);
		end_call(t, EDGE_UDP, "gw1", rows[i].contact);
		assert_int_equal(!!strstr(next_of(far, "ACK", 8), "uthorization"), rows[i].home);
		got = next_of(far, "BYE", 9);
		assert_int_equal(!!strstr(got, "uthorization"), rows[i].home);
		again_next = 10;
		udp_to(far, L_CARRIER, challenge(got, 407, MD5_2 ", stale=true"));
		if (rows[i].home) {
			HEARD(next_of(far, "BYE", 10), "nonce=\"n2\"");
		} else if (strcmp(rows[i].at, "127.0.0.2") == 0) {
			SPIN(count(NEWS) == 2); /* told as it came */
			assert_int_equal(last(NEWS)->status, 407);
		}
		close(fd);
		if (far != fd)
			close(far);
	}
	host_of_gw = NULL;
}

/* A connection to the trunk, where it listens under the name h6.test; it challenged us there. */
static int
at_home(int listening)
{
	static char text[3000];
	int fd = -1;

	ask("gw-tcp", EDGE_TCP, "OPTIONS", "");
	SPIN((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	tcp_to(fd, challenge(next_of(fd, "OPTIONS", 7), 407, MD5_1));
	(void)snprintf(text, sizeof(text), "%s", next_of(fd, "OPTIONS", 8));
	tcp_to(fd, response(str_from(text), 200));
	SPIN(count(NEWS) == 1);
	return fd;
}

/* Over a connection to where its name led, which is no source of the trunk: an address that
 * challenged what was sent to its name is known as its own. */
static void
a6_where_challenged(void **state)
{
	int listening, fd;

	rig_teardown(state);
	host_of_gw = "h6.test";
	assert_int_equal(setup(state), 0);
	listening = tcp_at("127.0.0.6", rig.pbx_port);
	fd = at_home(listening);
	end_call(NULL, EDGE_TCP, "gw-tcp", "127.0.0.6");
	close(fd); /* over another one, to that address */
	SPIN((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	HEARD(next_of(fd, "BYE", 9), "Proxy-Authorization");
	close(fd);
	close(listening);
	host_of_gw = NULL;
}

/* Did what waits at fd bring this twice? All of it is in text then. */
static bool
has_two(int fd, const char *what, char text[3000])
{
	ssize_t n = recv(fd, text, 2999, MSG_PEEK | MSG_DONTWAIT);
	const char *first;

	text[n > 0 ? n : 0] = 0;
	first = strstr(text, what);
	return first && strstr(first + 1, what);
}

/* A6: over the trunk's connection a BYE has them; when that breaks, it goes on over one to where a
 * Contact led, without. */
static void
a6_moved(void **state)
{
	static const struct edge_dest d = {.transport = EDGE_TCP, .reuse = true};
	int listening, other, fd;
	static char text[3000];
	struct edge_dest bye = d;
	struct edge_txn *t;

	rig_teardown(state);
	host_of_gw = "h6.test";
	assert_int_equal(setup(state), 0);
	listening = tcp_at("127.0.0.6", rig.pbx_port);
	other = tcp_at("127.0.0.3", rig.pbx_port);
	fd = at_home(listening);
	bye.conn = last(NEWS)->news.source.conn;
	bye.port = rig.pbx_port;
	(void)snprintf(bye.trunk.z, sizeof(bye.trunk.z), "gw-tcp");
	(void)snprintf(bye.host, sizeof(bye.host), "127.0.0.3");
	assert_int_equal(edge_send(rig.e, &bye, SIP_BYE,
				   STR("BYE sip:x@gw SIP/2.0\r\nMax-Forwards: 70\r\n"
				       "From: <sip:a@127.0.0.1>;tag=us\r\n"
				       "To: <sip:+15550100@gw>;tag=theirs\r\nCall-ID: ours\r\n"
				       "CSeq: 9 BYE\r\nContent-Length: 0\r\n\r\n"),
				   NULL, &t),
			 ERR_OK);
	HEARD(next_of(fd, "BYE", 9), "Proxy-Authorization");
	close(fd);
	end_call(NULL, EDGE_TCP, "gw-tcp", "127.0.0.3"); /* of another call */
	SPIN((fd = accept4(other, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	SPIN(has_two(fd, "BYE sip:x@gw", text));
	assert_null(strstr(text, "uthorization"));
	close(fd);
	close(listening);
	close(other);
	host_of_gw = NULL;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {T(invite),      T(refused),      T(not_answered),
					   T(two_of_them), T(a6_only_home), T(a6_where_challenged),
					   T(a6_moved)};

	return cmocka_run_group_tests_name("edge-auth", tests, NULL, NULL);
}
