/* A whole edge on its loop with plain and TLS listeners on loopback addresses, accounts, a name
 * server, and peers that are plain sockets and library connections, all driven by one thread. The
 * layer above is a list of what it was told, and one hook. */
#ifndef POSTERN_TESTS_EDGE_RIG_H
#define POSTERN_TESTS_EDGE_RIG_H

#include "unit/policy/world.h" /* cmocka first */

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metric.h"
#include "edge/edge.h"
#include "edge/state.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "unit/net/dnsmsg.h"
#include "unit/net/testca.h"

enum { L_CARRIER, L_PLAIN, L_TCP, L_TLS, L_N };
enum { RIG_SEEN = 4096, RIG_SPINS = 4000, RIG_MSG = 70000 };
enum { RIG_PORT = 61000, RIG_PORTS = 4000 }; /* above those that Linux gives out by itself */
#define RIG_ZONE "sip.postern.test"

enum what { REQUEST, ACKED, CANCELLED, NEWS, UNDELIVERED, HANDSHAKE, LINK, LOST };

struct seen {
	enum what what;
	struct edge_txn *txn;
	struct edge_source src;
	enum sip_method method;
	unsigned status;
	struct edge_news news;
	void *user;
	char account[POLICY_ID_MAX], why[TLS_WHY_MAX];
	bool up;
};

struct rig {
	struct loop loop;
	struct resolver *resolver;
	struct udp dns;
	const char *dns_ip[4]; /* of every name but hN.test; NULL ends */
	struct rig_srv {
		uint16_t priority, weight, port;
		const char *target; /* hN.test is 127.0.0.N; NULL ends */
	} srv[12];
	const char *srv_of, *naptr; /* the name that has them; "" of both: none */
	int asked_srv, asked_naptr;
	bool dns_silent;
	struct edge_conf conf;
	struct edge *e;
	struct world w, next;
	void (*on_trunks)(struct world *w);           /* likewise, all of them */
	void (*on_acme)(struct roster_account *acme); /* for rig_accounts: changes it */
	int switched_off; /* for rig_accounts: bit 0 acme, bit 1 gateway, bit 2 plain1 */
	struct addr at[L_N];
	uint16_t pbx_port; /* where trunks are dialled, on all loopback addresses: nobody else's */
	X509 *root, *other_root, *server;
	struct tls_ctx *ctx, *client;
	struct seen seen[RIG_SEEN];
	int n_seen, swapped;
	void (*on_told)(struct seen *s, const struct sip_msg *m);
	char msg[RIG_MSG];
};

static struct rig rig;

/* ---- what the layer above sees ---- */

__attribute__((unused)) static struct seen *
note(enum what what)
{
	static struct seen spare;
	struct seen *s = rig.n_seen < RIG_SEEN ? &rig.seen[rig.n_seen++] : &spare;

	memset(s, 0, sizeof(*s));
	s->what = what;
	return s;
}

__attribute__((unused)) static void
tell(struct seen *s, const struct sip_msg *m)
{
	if (rig.on_told)
		rig.on_told(s, m);
}

__attribute__((unused)) static void
up_request(void *arg, struct edge_txn *t, const struct sip_msg *m, const struct edge_source *src)
{
	struct seen *s = note(REQUEST);

	(void)arg;
	s->txn = t;
	s->src = *src;
	s->method = m->method;
	tell(s, m);
}

__attribute__((unused)) static void
up_ack(void *arg, const struct sip_msg *m, const struct edge_source *src)
{
	struct seen *s = note(ACKED);

	(void)arg;
	s->src = *src;
	tell(s, m);
}

__attribute__((unused)) static void
up_cancel(void *arg, struct edge_txn *t, const struct sip_msg *m)
{
	struct seen *s = note(CANCELLED);

	(void)arg;
	s->txn = t;
	tell(s, m);
}

__attribute__((unused)) static void
up_news(void *arg, void *user, const struct edge_news *n)
{
	struct seen *s = note(NEWS);

	(void)arg;
	s->user = user;
	s->news = *n;
	s->status = n->msg ? n->msg->status : 0;
	(void)!str_copyz(s->why, sizeof(s->why), str_from(n->why));
	tell(s, n->msg);
}

__attribute__((unused)) static void
up_undelivered(void *arg, struct edge_txn *t)
{
	struct seen *s = note(UNDELIVERED);

	(void)arg;
	s->txn = t;
	tell(s, NULL);
}

__attribute__((unused)) static void
up_handshake(void *arg, const struct tls_record *rec, struct id id, const struct edge_party *party)
{
	struct seen *s = note(HANDSHAKE);

	(void)arg, (void)id, (void)party;
	s->up = rec->accepted;
	(void)!str_copyz(s->why, sizeof(s->why), str_from(rec->why));
	tell(s, NULL);
}

__attribute__((unused)) static void
up_lost(void *arg, const struct sip_msg *m, const struct edge_source *src, const char *why)
{
	struct seen *s = note(LOST);

	(void)arg;
	s->src = *src;
	(void)!str_copyz(s->why, sizeof(s->why), str_from(why));
	tell(s, m);
}

__attribute__((unused)) static void
up_link(void *arg, const struct policy_id *account, bool up)
{
	struct seen *s = note(LINK);

	(void)arg;
	s->up = up;
	memcpy(s->account, account->z, sizeof(s->account));
	tell(s, NULL);
}

__attribute__((unused)) static int
count(enum what what)
{
	int n = 0;

	for (int i = 0; i < rig.n_seen; i++)
		n += rig.seen[i].what == what;
	return n;
}

/* The last of its kind; fails when there is none. */
__attribute__((unused)) static struct seen *
last(enum what what)
{
	for (int i = rig.n_seen - 1; i >= 0; i--)
		if (rig.seen[i].what == what)
			return &rig.seen[i];
	fail_msg("nothing of kind %d was told", (int)what);
	return NULL;
}

/* ---- the loop ---- */

__attribute__((unused)) static void
turn(void)
{
	assert_int_equal(loop_run_once(&rig.loop, 1), ERR_OK);
}

/* Run until the condition holds, some seconds at most. */
#define SPIN(condition)                                                                            \
	do {                                                                                       \
		bool held = (condition); /* asked no more once it holds: it may act */             \
		for (int spins = 0; spins < RIG_SPINS && !held; spins++) {                         \
			turn();                                                                    \
			held = (condition);                                                        \
		}                                                                                  \
		if (!held)                                                                         \
			fail_msg("never: %s", #condition);                                         \
	} while (0)

__attribute__((unused)) static void
rest(int ms)
{
	uint64_t until = clock_now_us() + (uint64_t)ms * CLOCK_MS;

	while (clock_now_us() < until)
		turn();
}

/* ---- accounts ---- */

__attribute__((unused)) static struct roster_trunk *
plain_trunk(struct world *w, const char *account, const char *id, enum trunk_transport t,
	    const char *ip)
{
	struct roster_trunk *r = world_trunk(w, account, id, ip);

	r->transport = t;
	r->security = TRUNK_SEC_REFUSED;
	r->port = rig.pbx_port;
	world_source(r, ip);
	return r;
}

__attribute__((unused)) static void
rig_accounts(struct world *w)
{
	struct roster_account *a;
	struct roster_trunk *t;

	memset(w, 0, sizeof(*w));
	roster_init(&w->r);
	a = world_account(w, "acme");
	a->enabled = !(rig.switched_off & 1);
	if (rig.on_acme)
		rig.on_acme(a);
	world_account(w, "umbra");
	world_account(w, "plain1");
	world_account(w, "plain2");
	t = world_trunk(w, "acme", "acme-1", "pbx.acme.test");
	t->port = rig.pbx_port;
	t = world_trunk(w, "acme", "acme-2", "pbx2.acme.test");
	t->port = rig.pbx_port;
	t->reference = STR("real.acme.test");
	t = world_trunk(w, "umbra", "umbra-1", "pbx.umbra.test");
	t->reuse = TRUNK_REUSE_INBOUND;
	t->port = rig.pbx_port;
	world_account(w, "bare");
	t = world_trunk(w, "bare", "bare-1", "127.0.0.9");
	t->identity = TRUNK_BY_ADDRESS;
	world_source(t, "127.0.0.9");
	plain_trunk(w, "plain1", "plain1-1", TRUNK_UDP, "127.0.0.11")->enabled =
		!(rig.switched_off & 4);
	plain_trunk(w, "plain2", "plain2-1", TRUNK_UDP, "127.0.0.12");
	plain_trunk(w, NULL, "gw1", TRUNK_UDP, "127.0.0.2")->enabled = !(rig.switched_off & 2);
	plain_trunk(w, NULL, "gw2", TRUNK_UDP, "127.0.0.3");
	plain_trunk(w, NULL, "gw-tcp", TRUNK_TCP, "127.0.0.4");
	/* by RFC 3263: no port */
	for (int i = 0; i < 2; i++) {
		t = plain_trunk(w, NULL, i ? "gw-srv-tcp" : "gw-srv", i ? TRUNK_TCP : TRUNK_UDP,
				"127.0.0.5");
		t->host = STR("gw.far.test");
		t->port = 0;
		world_source(t, "127.0.0.6");
		world_source(t, "127.0.0.7");
	}
	if (rig.on_trunks)
		rig.on_trunks(w);
	world_build(w);
}

__attribute__((unused)) static void
note_swapped(void *arg)
{
	(void)arg;
	rig.swapped++;
}

/* ---- names ---- */

/* What of srv or naptr the question's name has. */
__attribute__((unused)) static void
answer_service(struct msg *m, const char *name, unsigned type)
{
	size_t at;

	rig.asked_srv += type == DNS_SRV;
	rig.asked_naptr += type == DNS_NAPTR;
	for (int i = 0; type == DNS_SRV && rig.srv_of && strcmp(name, rig.srv_of) == 0; i++) {
		if (!rig.srv[i].target)
			return;
		msg_srv(m, "@", 60, rig.srv[i].priority, rig.srv[i].weight, rig.srv[i].port,
			rig.srv[i].target);
	}
	if (type != DNS_NAPTR || !rig.naptr)
		return;
	at = msg_open(m, 6, "@", DNS_NAPTR, 60);
	msg_u16(m, 10);
	msg_u16(m, 10);
	msg_string(m, "s");
	msg_string(m, "SIPS+D2T");
	msg_string(m, "");
	msg_name(m, rig.naptr);
	msg_close(m, at);
}

__attribute__((unused)) static void
answer_addr(struct msg *m, const char *z)
{
	struct addr a;
	size_t at = msg_open(m, 6, "@", DNS_A, 1);

	assert_int_equal(addr_parse_ip(str_from(z), &a), ERR_OK);
	memcpy(m->p + m->len, a.ip, 4);
	m->len += 4;
	msg_close(m, at);
}

__attribute__((unused)) static void
answer_name(void *arg, const struct addr *from, const struct addr *to, struct str q)
{
	static struct msg m;
	char name[256] = "", z[32];
	size_t end = 12;
	unsigned type, n;

	(void)arg, (void)to;
	if (rig.dns_silent)
		return;
	for (; end < q.len && q.p[end]; end += (uint8_t)q.p[end] + 1u)
		(void)snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s%.*s",
			       name[0] ? "." : "", q.p[end], q.p + end + 1);
	end += 5;
	type = (uint8_t)q.p[end - 3];
	memcpy(m.p, q.p, end);
	m.len = end;
	m.p[2] = 0x85;
	m.p[3] = 0x80;
	memset(m.p + 6, 0, 6);
	answer_service(&m, name, type);
	if (type == DNS_A && sscanf(name, "h%u.test", &n) == 1) {
		(void)snprintf(z, sizeof(z), "127.0.0.%u", n);
		answer_addr(&m, z);
	} else {
		for (int i = 0; type == DNS_A && i < 4 && rig.dns_ip[i]; i++)
			answer_addr(&m, rig.dns_ip[i]);
	}
	(void)!udp_send(&rig.dns, NULL, from, str_of(m.p, m.len));
}

/* ---- sockets ---- */

__attribute__((unused)) static struct addr
ip(const char *z, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse_ip(str_from(z), &a), ERR_OK);
	a.port = port;
	return a;
}

__attribute__((unused)) static struct addr
bound(int fd)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	return addr_from_sa(&sa);
}

__attribute__((unused)) static int
udp_bound(struct addr at)
{
	struct udp_opts o = {.local = at};
	int fd;

	assert_int_equal(udp_bind(&o, &fd), ERR_OK);
	return fd;
}

__attribute__((unused)) static int
udp_at(const char *z)
{
	return udp_bound(ip(z, 0));
}

__attribute__((unused)) static int
tcp_at(const char *z, uint16_t port)
{
	struct addr a = ip(z, port);
	int fd;

	assert_int_equal(tcp_listen(&a, NULL, &fd), ERR_OK);
	return fd;
}

__attribute__((unused)) static struct tls_ctx *
rig_ctx(bool server)
{
	struct tls_conf conf = {.server = server,
				.profile = TLS_PROFILE_CARRIER,
				.zone = 0,
				.fqdn = str_from(server ? RIG_ZONE : ""),
				.chain_pem = ca_pem(0, &rig.server, 1),
				.chain_label = STR("chain.pem"),
				.key_pem = ca_key_pem(0, ca_keys()->leaf2, NULL),
				.key_label = STR("key.pem")};
	char mem[512];
	struct buf why;
	struct tls_ctx *ctx = NULL;

	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_ctx_new(&conf, &why, &ctx), ERR_OK);
	return ctx;
}

static struct tls_trust *
rig_trust(void)
{
	struct tls_trust_zone zone = {.files_pem = ca_pem(1, &rig.root, 1),
				      .files_label = STR("roots.pem")};
	struct tls_trust_conf conf = {.zones = &zone, .n_zones = 1, .version = 1};
	char mem[512];
	struct buf why;
	struct tls_trust *t = NULL;

	buf_init(&why, mem, sizeof(mem));
	assert_int_equal(tls_trust_new(&conf, &why, &t), ERR_OK);
	return t;
}

__attribute__((unused)) static X509 *
leaf(X509 *issuer, const char *san, EVP_PKEY *key)
{
	struct ca_opts o = {.cn = "leaf",
			    .san = san,
			    .ku = "critical,digitalSignature,keyEncipherment",
			    .from_day = -1,
			    .key = key,
			    .issuer = issuer,
			    .issuer_key = ca_keys()->ca};

	return ca_cert(&o);
}

/* ---- start and end ---- */

__attribute__((unused)) static void
rig_listen(int i, enum edge_transport t, bool customer, int fd)
{
	struct edge_listener_conf *l = &rig.conf.listeners[i];

	rig.at[i] = bound(fd);
	*l = (struct edge_listener_conf){.transport = t,
					 .bound = rig.at[i],
					 .advertised = rig.at[i],
					 .fd = fd,
					 .customer = customer};
	(void)snprintf(l->name, sizeof(l->name), "l%d", i);
}

__attribute__((unused)) static void
rig_edge(void)
{
	struct edge_up up = {.on_request = up_request,
			     .on_ack = up_ack,
			     .on_cancel = up_cancel,
			     .on_news = up_news,
			     .on_undelivered = up_undelivered,
			     .on_handshake = up_handshake,
			     .on_lost_call = up_lost,
			     .on_account_link = up_link};

	rig_listen(L_CARRIER, EDGE_UDP, false, udp_at("127.0.0.1"));
	rig_listen(L_PLAIN, EDGE_UDP, true, udp_at("127.0.0.1"));
	rig_listen(L_TCP, EDGE_TCP, false, tcp_at("127.0.0.1", 0));
	rig_listen(L_TLS, EDGE_TLS, true, tcp_at("127.0.0.1", 0));
	rig.conf.n_listeners = L_N;
	if (rig.server) {
		(void)snprintf(rig.conf.zones[0].fqdn, POLICY_HOST_MAX, "%s", RIG_ZONE);
		rig.conf.zones[0].server = rig.ctx;
		rig.conf.zones[0].client = rig.client;
		rig.conf.n_zones = 1;
	}
	assert_int_equal(edge_new(&rig.conf, &rig.loop, rig.resolver, &rig.w.v, &up, &rig.e),
			 ERR_OK);
}

__attribute__((unused)) static void
take_pbx_port(void)
{
	static unsigned turn;
	struct addr at = ip("127.0.0.200", 0);
	int hold; /* until the program ends, as sockets that a test leaves open */

	for (int i = 0; i < RIG_PORTS; i++) {
		at.port = (uint16_t)(RIG_PORT + ((unsigned)getpid() + turn++) % RIG_PORTS);
		if (tcp_listen(&at, NULL, &hold) == ERR_OK) {
			rig.pbx_port = at.port;
			return;
		}
	}
	fail_msg("each of %d ports is taken", (int)RIG_PORTS);
}

__attribute__((unused)) static int
rig_setup(void **state)
{
	struct addr dns;
	int fd;

	(void)state;
	take_pbx_port();
	assert_int_equal(loop_init(&rig.loop, 2048, 8192), ERR_OK);
	fd = udp_at("127.0.0.1");
	dns = bound(fd);
	assert_int_equal(udp_adopt(&rig.dns, &rig.loop, fd, answer_name, NULL), ERR_OK);
	assert_int_equal(resolver_new_hasty(&rig.loop, &dns, 1, 200, &rig.resolver), ERR_OK);
	rig_accounts(&rig.w);
	(void)snprintf(rig.conf.names[0], POLICY_HOST_MAX, "sbc.inside.test");
	rig.conf.n_names = 1;
	rig.conf.max_conns = rig.conf.max_conns ? rig.conf.max_conns : 300;
	rig.conf.max_txns = rig.conf.max_txns ? rig.conf.max_txns : 600;
	rig_edge();
	return 0;
}

/* The same with a zone and authorities. */
__attribute__((unused)) static int
rig_setup_tls(void **state)
{
	rig.root = ca_root("Accepted CA");
	rig.other_root = ca_root("Other CA");
	rig.server = leaf(rig.root, "DNS:" RIG_ZONE, ca_keys()->leaf2);
	rig.ctx = rig_ctx(true);
	rig.client = rig_ctx(false);
	rig.conf.trust = rig_trust();
	return rig_setup(state);
}

__attribute__((unused)) static int
rig_teardown(void **state)
{
	(void)state;
	edge_free(&rig.e);
	resolver_free(&rig.resolver);
	udp_fini(&rig.dns);
	loop_fini(&rig.loop);
	world_fini(&rig.w);
	if (rig.next.bytes.p)
		world_fini(&rig.next);
	tls_ctx_unref(&rig.ctx);
	tls_ctx_unref(&rig.client);
	tls_trust_unref(&rig.conf.trust);
	X509_free(rig.root);
	X509_free(rig.other_root);
	X509_free(rig.server);
	memset(&rig, 0, sizeof(rig));
	return 0;
}

/* Fast transactions: T1 5 ms, T2 20 ms, T4 20 ms; B, F, H are 320 ms then. */
__attribute__((unused)) static int
rig_setup_fast(void **state)
{
	rig.conf.t1_us = 5000;
	rig.conf.t2_us = 20000;
	rig.conf.t4_us = 20000;
	return rig_setup(state);
}

/* Other accounts, by rig.switched_off. */
__attribute__((unused)) static void
rig_swap(void)
{
	int before = rig.swapped;

	rig_accounts(&rig.next);
	assert_int_equal(edge_on_snapshot(rig.e, &rig.next.v, note_swapped, NULL), ERR_OK);
	(void)before;
}

/* ---- messages ---- */

struct sip {
	const char *method, *via, *branch, *to_tag, *call_id, *more, *uri;
	unsigned cseq, via_port;
	bool no_rport;
	size_t body;
};

/* A request in rig.msg. */
__attribute__((unused)) static struct str
request(const struct sip *s)
{
	struct buf b;

	buf_init(&b, rig.msg, sizeof(rig.msg));
	buf_printf(&b, "%s %s SIP/2.0\r\n", s->method, s->uri ? s->uri : "sip:bob@127.0.0.1");
	buf_printf(&b, "Via: SIP/2.0/%s:%u;branch=z9hG4bK%s%s\r\n",
		   s->via ? s->via : "UDP 10.9.9.9", s->via_port ? s->via_port : 5060,
		   s->branch ? s->branch : "b1", s->no_rport ? "" : ";rport");
	buf_printf(&b, "Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=f1\r\n");
	buf_printf(&b, "To: <sip:bob@example.com>%s%s\r\nCall-ID: %s\r\n", s->to_tag ? ";tag=" : "",
		   s->to_tag ? s->to_tag : "", s->call_id ? s->call_id : "c1");
	buf_printf(&b, "CSeq: %u %s\r\nContact: <sip:alice@127.0.0.2>\r\n%s", s->cseq ? s->cseq : 1,
		   s->method, s->more ? s->more : "");
	buf_printf(&b, "Content-Length: %zu\r\n\r\n", s->body);
	for (size_t i = 0; i < s->body; i++)
		buf_char(&b, 'x');
	assert_int_equal(buf_end(&b), ERR_OK);
	return buf_view(&b);
}

/* Answer a server transaction as the layer above would. */
__attribute__((unused)) static void
answer(struct edge_txn *t, unsigned status)
{
	char mem[16384];
	struct buf b;
	const struct sip_msg *m = edge_txn_request(t);

	assert_non_null(m);
	buf_init(&b, mem, sizeof(mem));
	sip_edit_response(&b, m,
			  &(struct sip_edit_reply){.status = status,
						   .to_tag = STR("ours"),
						   .source = &edge_txn_source(t)->remote});
	sip_edit_body(&b, STR_NULL, STR_NULL);
	assert_int_equal(buf_end(&b), ERR_OK);
	edge_respond(t, (int)status, buf_view(&b));
}

/* A response of a peer to a request of ours (text). */
__attribute__((unused)) static struct str
response(struct str to, unsigned status)
{
	static struct sip_msg m;
	struct buf b;

	assert_int_equal(sip_msg_parse(to, &m), ERR_OK);
	buf_init(&b, rig.msg, sizeof(rig.msg));
	sip_edit_response(&b, &m,
			  &(struct sip_edit_reply){.status = status, .to_tag = STR("theirs")});
	sip_edit_body(&b, STR_NULL, STR_NULL);
	assert_int_equal(buf_end(&b), ERR_OK);
	return buf_view(&b);
}

/* ---- plain peers ---- */

__attribute__((unused)) static void
udp_to(int fd, int listener, struct str bytes)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sa(&rig.at[listener], &sa);

	assert_int_equal(sendto(fd, bytes.p, bytes.len, 0, (struct sockaddr *)&sa, len),
			 (ssize_t)bytes.len);
}

/* What comes next on a socket, as a string; NULL: nothing within ms. */
__attribute__((unused)) static const char *
hear(int fd, int ms)
{
	static char mem[4][RIG_MSG];
	static unsigned next;
	char *p = mem[next++ % 4];
	uint64_t until = clock_now_us() + (uint64_t)ms * CLOCK_MS;
	ssize_t n;

	do {
		turn();
		n = recv(fd, p, RIG_MSG - 1, MSG_DONTWAIT);
		if (n >= 0) {
			p[n] = 0;
			return p;
		}
	} while (clock_now_us() < until);
	return NULL;
}

/* A gateway itself, over UDP: where trunks are dialled. */
__attribute__((unused)) static int
gw_at(const char *z)
{
	return udp_bound(ip(z, rig.pbx_port));
}

__attribute__((unused)) static int
gw1_here(void)
{
	return gw_at("127.0.0.2");
}

__attribute__((unused)) static const char *
heard(const char *text)
{
	return text ? text : "(nothing)";
}

#define HEARD(text, what) assert_non_null(strstr(heard(text), what))
/* 403, and its Warning says this. */
#define REFUSED(text, why)                                                                         \
	do {                                                                                       \
		const char *got_ = heard(text);                                                    \
		assert_non_null(strstr(got_, "SIP/2.0 403"));                                      \
		if (!strstr(got_, why))                                                            \
			fail_msg("%s", got_);                                                      \
	} while (0)

__attribute__((unused)) static int
tcp_from(const char *z, int listener)
{
	struct addr from = ip(z, 0);
	int fd;

	assert_int_equal(tcp_dial(&rig.at[listener], &from, NULL, &fd), ERR_OK);
	return fd;
}

__attribute__((unused)) static void
tcp_to(int fd, struct str bytes)
{
	while (bytes.len) {
		ssize_t n = send(fd, bytes.p, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			bytes = str_from_at(bytes, (size_t)n);
		turn();
	}
}

/* ---- TLS peers ---- */

struct tpeer {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	bool up, bad;
};

__attribute__((unused)) static void
tpeer_init(struct tpeer *p, int fd, bool server, X509 *cert, EVP_PKEY *key)
{
	*p = (struct tpeer){.fd = fd};
	CA_MUST((p->ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method())));
	SSL_CTX_set_security_level(p->ctx, 0);
	SSL_CTX_set_max_proto_version(p->ctx, TLS1_2_VERSION);
	CA_MUST(SSL_CTX_set_cipher_list(p->ctx, "AES128-SHA") == 1);
	CA_MUST(!cert || (SSL_CTX_use_certificate(p->ctx, cert) == 1 &&
			  SSL_CTX_use_PrivateKey(p->ctx, key) == 1));
	CA_MUST((p->ssl = SSL_new(p->ctx)) && SSL_set_fd(p->ssl, fd) == 1);
	if (server)
		SSL_set_accept_state(p->ssl);
	else
		SSL_set_connect_state(p->ssl);
}

/* Go on with the handshake; true when it is over, either way. */
__attribute__((unused)) static bool
tpeer_shake(struct tpeer *p)
{
	int r = SSL_do_handshake(p->ssl), e;

	if (r == 1) {
		p->up = true;
		return true;
	}
	e = SSL_get_error(p->ssl, r);
	ERR_clear_error();
	p->bad = e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE;
	return p->bad;
}

/* A PBX connects to us and shows this certificate. */
__attribute__((unused)) static void
tpeer_connect(struct tpeer *p, X509 *cert)
{
	tpeer_init(p, tcp_from("127.0.0.1", L_TLS), false, cert, ca_keys()->leaf);
	CA_MUST(SSL_set_tlsext_host_name(p->ssl, RIG_ZONE) == 1);
	SPIN(tpeer_shake(p));
}

/* We connect to a PBX that waits at fd. */
__attribute__((unused)) static void
tpeer_accept(struct tpeer *p, int listening, X509 *cert)
{
	int fd = -1;

	SPIN((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	tpeer_init(p, fd, true, cert, ca_keys()->leaf);
	SPIN(tpeer_shake(p));
}

__attribute__((unused)) static void
tpeer_send(struct tpeer *p, struct str bytes)
{
	SPIN(SSL_write(p->ssl, bytes.p, (int)bytes.len) == (int)bytes.len);
}

/* What comes next; NULL: nothing within ms, or the end. */
__attribute__((unused)) static const char *
tpeer_hear(struct tpeer *p, int ms)
{
	static char mem[RIG_MSG];
	uint64_t until = clock_now_us() + (uint64_t)ms * CLOCK_MS;
	int n;

	do {
		turn();
		n = SSL_read(p->ssl, mem, sizeof(mem) - 1);
		if (n > 0) {
			mem[n] = 0;
			return mem;
		}
		ERR_clear_error();
	} while (clock_now_us() < until);
	return NULL;
}

/* reset: as a crash of the PBX looks. */
__attribute__((unused)) static void
tpeer_fini(struct tpeer *p, bool reset)
{
	struct linger hard = {1, 0};

	if (p->up && !reset)
		SSL_shutdown(p->ssl);
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	if (reset)
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(p->fd);
	ERR_clear_error();
	*p = (struct tpeer){.fd = -1};
}

#endif
