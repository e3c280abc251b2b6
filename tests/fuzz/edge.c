/* Fuzz: edge with a layer above that answers, asks, cancels and forgets in any order. Input: pairs
 * {what, detail}, see run_op. Messages come as datagrams and over connections, from peers that are
 * known; some are made of the input's own bytes. Properties: a handle that is ours stays ours until
 * it is told; no news after the last; and once all is answered and the longest timers have run, no
 * transaction, no text and no large buffer is left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "edge/receive.h"
#include "edge/send.h"
#include "net/udp.h"
#include "policy/faults.h"
#include "policy/snapbuild.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HANDLES = 64, CONNS = 4, TXNS = 96, OPS_MAX = 400 };

#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

struct handle {
	struct edge_txn *t;
	bool server;
};

static struct loop loop;
static struct resolver *resolver;
static struct edge *e;
static struct conn_up up_of_conns;
static struct snapshot_view view[2];
static struct handle own[HANDLES];
static uint64_t conn_id[CONNS];
static int conn_fd[CONNS];
static uint64_t now;
static unsigned reaction, swaps;

/* ---- the layer above ---- */

static struct handle *
find_handle(const struct edge_txn *t)
{
	for (int i = 0; i < HANDLES; i++)
		if (own[i].t == t)
			return &own[i];
	return NULL;
}

static struct handle *
keep_handle(struct edge_txn *t, bool server)
{
	struct handle *h = find_handle(NULL);

	if (!h) {
		if (!server)
			edge_forget(t);
		return NULL;
	}
	*h = (struct handle){t, server};
	edge_txn_set_user(t, h);
	return h;
}

static void
answer(struct edge_txn *t, unsigned status)
{
	char mem[8192];
	struct buf b;
	const struct sip_msg *m = edge_txn_request(t);

	if (!m) { /* an INVITE that has its 2xx keeps its text no longer */
		CHECK(t->method == SIP_INVITE);
		return;
	}
	buf_init(&b, mem, sizeof(mem));
	sip_edit_response(&b, m,
			  &(struct sip_edit_reply){.status = status,
						   .to_tag = STR("us"),
						   .source = &edge_txn_source(t)->remote});
	sip_edit_body(&b, STR_NULL, STR_NULL);
	if (buf_end(&b) == ERR_OK)
		edge_respond(t, (int)status, buf_view(&b));
}

/* Answer for good and forget. */
static void
let_go(struct handle *h)
{
	struct edge_txn *t = h->t;

	h->t = NULL;
	if (h->server)
		answer(t, 500);
	edge_forget(t);
}

static void
up_request(void *arg, struct edge_txn *t, const struct sip_msg *m, const struct edge_source *src)
{
	struct handle *h = keep_handle(t, true);

	(void)arg;
	CHECK(src->trunk != POLICY_NONE || m->to_tag.len);
	if (!h || m->method != SIP_INVITE || reaction % 5 == 0) {
		if (h)
			h->t = NULL;
		answer(t, 200);
		edge_forget(t);
	} else if (reaction % 5 < 3) {
		answer(t, 100 + reaction % 100);
	}
}

static void
up_ack(void *arg, const struct sip_msg *m, const struct edge_source *src)
{
	(void)arg, (void)src;
	CHECK(m->method == SIP_ACK);
}

static void
up_cancel(void *arg, struct edge_txn *t, const struct sip_msg *m)
{
	struct handle *h = find_handle(t);

	(void)arg, (void)m;
	CHECK(h && h->server);
	if (reaction & 1)
		let_go(h);
}

static void
up_news(void *arg, void *user, const struct edge_news *n)
{
	struct handle *h = user;

	(void)arg;
	CHECK(h && h->t && !h->server);
	CHECK(n->event != EDGE_RESPONSE || n->msg);
	if (n->last)
		h->t = NULL;
	else if (reaction % 7 == 0)
		edge_cancel(h->t, STR("x"));
	else if (reaction % 7 == 1)
		let_go(h);
}

static void
up_undelivered(void *arg, struct edge_txn *t)
{
	struct handle *h = find_handle(t);

	(void)arg;
	if (h)
		h->t = NULL;
}

/* ---- the world ---- */

static struct addr
at(const char *z)
{
	struct addr a;

	CHECK(addr_parse(str_from(z), &a) == ERR_OK);
	return a;
}

static void
add_trunk(struct roster *r, const char *account, const char *id, const char *host,
	  enum trunk_transport t, bool on)
{
	struct roster_trunk *k;

	CHECK(roster_add_trunk(r, &k) == ERR_OK);
	k->id = str_from(id);
	k->account = str_from(account);
	k->host = str_from(host);
	k->enabled = on;
	k->kind = account ? TRUNK_CUSTOMER : TRUNK_CARRIER;
	k->direction = TRUNK_BOTH;
	k->transport = t;
	k->security = TRUNK_SEC_REFUSED;
	k->port = 9; /* nobody */
	CHECK(cidr_parse(k->host, &k->source[k->n_sources++]) == ERR_OK);
}

static void
make_view(struct snapshot_view *v, bool on)
{
	struct roster r;
	struct roster_account *a;
	struct str bytes;
	uint32_t n;

	roster_init(&r);
	for (int i = 0; i < 2; i++) {
		CHECK(roster_add_account(&r, &a) == ERR_OK);
		a->id = a->name = i ? STR("b") : STR("a");
		a->enabled = i || on;
		a->tls_srtp = TLS_SRTP_ON;
	}
	add_trunk(&r, "a", "ta", "127.0.0.11", TRUNK_UDP, true);
	add_trunk(&r, "b", "tb", "127.0.0.12", TRUNK_UDP, true);
	add_trunk(&r, NULL, "gw", "127.0.0.2", TRUNK_UDP, true);
	if (on)
		add_trunk(&r, NULL, "gw-tcp", "127.0.0.4", TRUNK_TCP, true);
	CHECK(roster_check(&r, NULL, NULL, &n) == ERR_OK && n == 0);
	CHECK(snapshot_build(&r, &bytes) == ERR_OK);
	CHECK(snapshot_open(bytes, v) == ERR_OK);
	roster_fini(&r);
}

static void
make_world(void)
{
	static struct edge_conf conf = {.max_conns = 32, .max_txns = TXNS, .n_listeners = 3};
	struct edge_up up = {.on_request = up_request,
			     .on_ack = up_ack,
			     .on_cancel = up_cancel,
			     .on_news = up_news,
			     .on_undelivered = up_undelivered};
	struct udp_opts o = {.local = at("127.0.0.1:0")};

	log_init("fuzz", open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR);
	CHECK(loop_init(&loop, 256, 1024) == ERR_OK);
	CHECK(resolver_new(&loop, &(struct addr){.family = 4, .ip = {127, 0, 0, 1}, .port = 9}, 1,
			   &resolver) == ERR_OK);
	make_view(&view[0], true);
	make_view(&view[1], false);
	for (int i = 0; i < 2; i++) {
		conf.listeners[i] =
			(struct edge_listener_conf){.transport = EDGE_UDP, .customer = i == 1};
		CHECK(udp_bind(&o, &conf.listeners[i].fd) == ERR_OK);
	}
	conf.listeners[2] = (struct edge_listener_conf){.transport = EDGE_TCP};
	CHECK(tcp_listen(&o.local, NULL, &conf.listeners[2].fd) == ERR_OK);
	for (int i = 0; i < 3; i++)
		conf.listeners[i].bound = conf.listeners[i].advertised = at("127.0.0.1:5060");
	CHECK(edge_new(&conf, &loop, resolver, &view[0], &up, &e) == ERR_OK);
	receive_conn_calls(e, &up_of_conns);
	now = clock_now_us() + 86400ull * CLOCK_S; /* ahead of the loop's own, for good */
}

/* ---- what happens ---- */

static void
pass_time(uint64_t us)
{
	CHECK(loop_run_once(&loop, 0) == ERR_OK); /* what was put off */
	now += us;
	loop.now = now;
	timers_run(&loop.timers, now);
}

static void
take_bytes(unsigned who, struct str bytes)
{
	static const char *const from[] = {"127.0.0.2:5060", "127.0.0.11:5060", "127.0.0.12:5060"};
	struct listener *l = &e->listeners.l[who % 3 ? 1 : 0];
	struct addr a = at(from[who % 3]), to = at("127.0.0.1:5060");
	struct conn *c = conns_find(&e->conns, conn_id[who % CONNS]);
	struct identity id;

	if (who & 8) {
		if (c)
			up_of_conns.on_message(up_of_conns.arg, c, bytes);
		return;
	}
	if (identity_of_source(
		    e->snap,
		    &(struct identity_origin){.kind = who % 3 ? TRUNK_CUSTOMER : TRUNK_CARRIER,
					      .transport = TRUNK_UDP,
					      .source = a},
		    &id, NULL) == IDENTITY_OK)
		receive_datagram(e, l, &a, &to, &id, bytes);
}

static void
take_request(unsigned who, unsigned detail)
{
	static const char *const methods[] = {"INVITE",  "ACK",  "CANCEL", "BYE",
					      "OPTIONS", "INFO", "INVITE", "INVITE"};
	char mem[1000];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b,
		   "%s sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2;branch=%sq%u;rport\r\n"
		   "From: <sip:a@b>;tag=f\r\nTo: <sip:x@b>%s\r\nCall-ID: c\r\nCSeq: 1 %s\r\n"
		   "Max-Forwards: 9\r\nContent-Length: 0\r\n\r\n",
		   methods[detail % 8], detail & 128 ? "old" : "z9hG4bK", detail / 8 % 4,
		   detail & 64 ? ";tag=us" : "", methods[detail % 8]);
	take_bytes(who, buf_view(&b));
}

static void
take_response(unsigned who, struct handle *h, unsigned detail)
{
	static const unsigned statuses[] = {100, 180, 200, 302, 408, 486, 503, 699};
	const char *method = detail & 8 ? "CANCEL" : sip_method_name(h->t->method);
	char mem[1000];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(
		&b,
		"SIP/2.0 %u x\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=%s\r\nFrom: <sip:a@b>;tag=f\r\n"
		"To: <sip:x@b>;tag=t\r\nCall-ID: c\r\nCSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
		statuses[detail % 8], edge_txn_branch(h->t), method);
	take_bytes(who, buf_view(&b));
}

static void
ask_peer(unsigned detail)
{
	static const enum sip_method methods[] = {SIP_INVITE, SIP_OPTIONS, SIP_BYE, SIP_INVITE};
	enum sip_method m = methods[detail % 4];
	struct edge_dest d = {.transport = detail & 4 ? EDGE_TCP : EDGE_UDP,
			      .conn = detail & 16 ? conn_id[detail / 32 % CONNS] : 0,
			      .reuse = detail & 16};
	struct edge_txn *t;
	char mem[600];
	struct buf b;

	(void)snprintf(d.trunk.z, sizeof(d.trunk.z), "%s",
		       detail & 4   ? "gw-tcp"
		       : detail & 8 ? "ta"
				    : "gw");
	(void)snprintf(d.account.z, sizeof(d.account.z), "%s", (detail & 12) == 8 ? "a" : "");
	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b,
		   "%s sip:x@127.0.0.2 SIP/2.0\r\nFrom: <sip:a@b>;tag=f\r\nTo: <sip:x@b>\r\n"
		   "Call-ID: c\r\nCSeq: 7 %s\r\nMax-Forwards: 9\r\nContent-Length: 0\r\n\r\n",
		   sip_method_name(m), sip_method_name(m));
	if (detail & 128)
		edge_send_once(e, &d, false, buf_view(&b));
	else if (edge_send(e, &d, m, buf_view(&b), NULL, &t) == ERR_OK)
		keep_handle(t, false);
}

static void
open_conn(unsigned i)
{
	struct conn_taken taken = {
		.peer = at("127.0.0.4:5060"), .local = at("127.0.0.1:5060"), .listener = 2};
	struct identity id;
	int pair[2];

	if (conn_fd[i])
		close(conn_fd[i]);
	conn_fd[i] = 0;
	if (identity_of_source(e->snap,
			       &(struct identity_origin){.kind = TRUNK_CARRIER,
							 .transport = TRUNK_TCP,
							 .source = taken.peer},
			       &id, NULL) != IDENTITY_OK)
		return;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	taken.fd = pair[0];
	if (conns_accept(&e->conns, &taken, &id) != ERR_OK) {
		close(pair[0]);
		close(pair[1]);
		return;
	}
	conn_id[i] = e->conns.next_id;
	conn_fd[i] = pair[1];
}

static void
use_handle(struct handle *h, unsigned what, unsigned detail)
{
	if (!h->t)
		return;
	if (what % 4 == 0) {
		let_go(h);
	} else if (!h->server) {
		if (what % 4 == 1)
			edge_cancel(h->t, STR_NULL);
		else
			take_response(what / 16, h, detail);
	} else if (what % 4 == 1) {
		edge_respond_again(h->t);
	} else {
		static const unsigned statuses[] = {180, 200, 200, 302, 408, 486, 503, 100};

		answer(h->t, statuses[detail % 8]);
	}
}

static void
run_op(unsigned what, unsigned detail, struct str rest)
{
	reaction = what ^ detail;
	switch (what % 8) {
	case 0:
		take_bytes(detail, str_sub(rest, 0, 256));
		break;
	case 1:
	case 2:
		take_request(what / 8, detail);
		break;
	case 3:
		ask_peer(detail);
		break;
	case 4:
	case 5:
		use_handle(&own[detail % HANDLES % 8], what / 8, detail / 8);
		break;
	case 6:
		pass_time(detail < 64 ? detail * 10000ull : (detail - 63) * 500000ull);
		break;
	case 7:
		if (detail & 1)
			open_conn(detail / 2 % CONNS);
		else if (detail & 2)
			(void)!edge_on_snapshot(e, &view[++swaps % 2], NULL, NULL);
		else
			CHECK(loop_run_once(&loop, 0) == ERR_OK);
		break;
	}
}

/* All is let go; then nothing may be left. */
static void
end_all(void)
{
	reaction = 1;
	for (int i = 0; i < CONNS; i++) {
		if (conn_fd[i])
			close(conn_fd[i]);
		conn_fd[i] = 0;
	}
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < HANDLES; i++)
			if (own[i].t)
				let_go(&own[i]);
		LIST_EACH(it, &e->conns.all)
		conn_close(CONTAINER_OF(it, struct conn, node), "the end");
		pass_time(33ull * CLOCK_S);
		if (round > 3 && edge_txns(e) == 0)
			break;
	}
	CHECK(loop_run_once(&loop, 0) == ERR_OK);
	CHECK(edge_conns(e) == 0);
	CHECK(list_empty(&e->big) && pool_used(&e->conns.large) == 0);
	for (uint32_t i = 0; i < TXNS; i++) { /* forgotten INVITEs that still ring have no end */
		struct edge_txn *t = pool_at(&e->txns, i);

		if (t->owner == e && !t->dead)
			CHECK(!t->server && t->method == SIP_INVITE &&
			      t->m.state == TXN_PROCEEDING);
		if (t->owner == e)
			send_end_txn(t);
	}
	CHECK(loop_run_once(&loop, 0) == ERR_OK);
	CHECK(edge_txns(e) == 0);
	for (unsigned i = 0; i < TEXT_KINDS; i++)
		CHECK(pool_used(&e->texts.pool[i]) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned ops = 0;

	if (!e)
		make_world();
	loop.now = now;
	while (size >= 2 && ops++ < OPS_MAX) {
		run_op(data[0], data[1], str_of(data + 2, size - 2));
		loop.now = now;
		data += 2;
		size -= 2;
	}
	end_all();
	return 0;
}
