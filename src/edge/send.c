/* Transactions of edge: their bytes, timers and the paths out. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "edge/send.h"

enum { SEND_BRANCH_CHARS = 26 };

/* ---- life of a transaction ---- */

static void
reap_txn(void *arg)
{
	struct edge_txn *t = arg;
	struct edge *e = t->owner;

	texts_drop(&e->texts, &t->req);
	texts_drop(&e->texts, &t->resp);
	pool_put(&e->txns, t);
}

/* Over. Its memory stays until the end of the iteration: a caller may still hold it. */
static void
end_txn(struct edge_txn *t)
{
	struct edge *e = t->owner;

	if (t->dead)
		return;
	t->dead = true;
	loop_timer_stop(e->loop, &t->timer);
	loop_soon_stop(&t->soon);
	locate_stop(&t->locate);
	list_del(&t->wait);
	if (t->hashed)
		hash_del(&e->by_key, &t->by_key);
	t->hashed = false;
	t->soon.on_soon = reap_txn;
	t->soon.arg = t;
	loop_soon(e->loop, &t->soon);
}

static void
on_timer(struct timer *timer, uint64_t now)
{
	struct edge_txn *t = CONTAINER_OF(timer, struct edge_txn, timer);
	unsigned todo = t->server ? txn_server_step(&t->m, TXN_EV_TIMER, now)
				  : txn_client_step(&t->m, TXN_EV_TIMER, now);

	send_do(t, todo, NULL);
}

struct edge_txn *
send_new_txn(struct edge *e, enum txn_kind kind, bool reliable)
{
	struct edge_txn *t = pool_get(&e->txns);

	if (!t)
		return NULL;
	t->owner = e;
	t->timer.on_due = on_timer;
	list_init(&t->wait);
	t->server = kind == TXN_SERVER_INVITE || kind == TXN_SERVER_OTHER;
	txn_init(&t->m, kind, reliable, &e->times);
	return t;
}

struct edge_txn *
send_find_txn(struct edge *e, const struct txn_key *k)
{
	uint64_t h = hash_of(&e->by_key, txn_key_str(k));

	for (struct hash_node *n = hash_first(&e->by_key, h); n; n = hash_next(n)) {
		struct edge_txn *t = CONTAINER_OF(n, struct edge_txn, by_key);

		if (txn_key_eq(&t->key, k))
			return t;
	}
	return NULL;
}

void
send_hash_txn(struct edge *e, struct edge_txn *t)
{
	hash_add(&e->by_key, &t->by_key, hash_of(&e->by_key, txn_key_str(&t->key)));
	t->hashed = true;
}

static void
arm_txn(struct edge_txn *t)
{
	struct edge *e = t->owner;

	if (t->m.due == TIMER_NEVER)
		loop_timer_stop(e->loop, &t->timer);
	else if (timer_set(&e->loop->timers, &t->timer, t->m.due) != ERR_OK)
		log_error("edge.timer", "no timer left for a transaction");
}

/* ---- news for the layer above ---- */

static void
tell_news(struct edge_txn *t, struct edge_news *n)
{
	struct edge *e = t->owner;

	if (!t->forgotten && !t->once)
		e->up.on_news(e->up.arg, t->user, n);
	if (n->last)
		t->forgotten = true;
}

static void
fail_txn(struct edge_txn *t, enum err err, const char *why)
{
	tell_news(t,
		  &(struct edge_news){.event = EDGE_FAILED, .err = err, .why = why, .last = true});
	end_txn(t);
}

/* ---- bytes out ---- */

static enum err
send_udp(struct edge_txn *t, struct str bytes)
{
	struct listener *l = &t->owner->listeners.l[t->listener];

	return udp_send(&l->udp, t->server ? &t->src.local : NULL, &t->to, bytes);
}

/* The connection of a transaction; for a response another one of the account will do. */
static struct conn *
conn_of(struct edge_txn *t)
{
	struct edge *e = t->owner;
	struct conn *c = conns_find(&e->conns, t->conn);
	struct policy_id account, trunk;

	if (c && c->state == CONN_OPEN)
		return c;
	if (!t->server || !e->snap || t->src.account == POLICY_NONE)
		return NULL;
	account = snapshot_account_id(e->snap, t->src.account);
	trunk = snapshot_trunk_id(e->snap, t->src.trunk);
	c = conns_of(&e->conns, &account, &trunk, false);
	return c && c->state == CONN_OPEN ? c : NULL;
}

static void
transmit(struct edge_txn *t, struct str bytes)
{
	enum edge_transport tr = t->server ? t->src.transport : t->dest.transport;
	enum err err;

	if (bytes.len == 0)
		return;
	if (tr == EDGE_UDP) {
		err = send_udp(t, bytes);
		if (err == ERR_AGAIN)
			err = ERR_OK; /* counted; it will be repeated */
	} else {
		struct conn *c = conn_of(t);

		err = c ? conn_send(c, bytes) : ERR_CLOSED;
	}
	metric_add(METRIC_sip_tx, 1);
	if (err == ERR_OK)
		return;
	log_debug("edge.send", "%s not sent: %s", sip_method_name(t->method), err_text(err));
	send_do(t,
		t->server ? txn_server_step(&t->m, TXN_EV_ERROR, loop_now(t->owner->loop))
			  : txn_client_step(&t->m, TXN_EV_ERROR, loop_now(t->owner->loop)),
		NULL);
}

/* ACK of a failure (17.1.1.3). */
static void
send_ack(struct edge_txn *t, const struct sip_msg *msg)
{
	struct edge *e = t->owner;
	char mem[EDGE_SMALL_MSG * 4];
	struct buf b;

	if (sip_msg_parse(str_of(t->req.p, t->req.len), &e->own) != ERR_OK)
		return;
	if (msg) { /* kept for copies of the failure */
		buf_init(&b, mem, sizeof(mem));
		edge_txn_put_from(&b, &e->own, SIP_ACK, sip_msg_value(msg, SIP_H_TO), "");
		if (buf_end(&b) != ERR_OK || texts_put(&e->texts, &t->resp, buf_view(&b)) != ERR_OK)
			return;
	}
	transmit(t, str_of(t->resp.p, t->resp.len));
}

static void
send_100(struct edge_txn *t)
{
	struct edge *e = t->owner;
	const struct sip_msg *req = edge_txn_request(t);
	char mem[EDGE_SMALL_MSG * 4];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	sip_edit_response(&b, req,
			  &(struct sip_edit_reply){.status = 100, .source = &t->src.remote});
	sip_edit_body(&b, STR_NULL, STR_NULL);
	if (buf_end(&b) == ERR_OK && texts_put(&e->texts, &t->resp, buf_view(&b)) == ERR_OK)
		transmit(t, buf_view(&b));
}

/* The CANCEL of an INVITE: a transaction of its own on the same path. */
static void
send_cancel(struct edge_txn *invite)
{
	struct edge *e = invite->owner;
	struct edge_txn *t = send_new_txn(e, TXN_CLIENT_OTHER, invite->m.reliable);
	char mem[EDGE_SMALL_MSG * 4];
	struct buf b;

	if (!t || sip_msg_parse(str_of(invite->req.p, invite->req.len), &e->own) != ERR_OK)
		goto out;
	buf_init(&b, mem, sizeof(mem));
	edge_txn_put_from(&b, &e->own, SIP_CANCEL, sip_msg_value(&e->own, SIP_H_TO),
			  invite->reason);
	if (buf_end(&b) != ERR_OK || texts_put(&e->texts, &t->req, buf_view(&b)) != ERR_OK ||
	    txn_client_key(str_from(invite->branch), STR("CANCEL"), &t->key) != ERR_OK)
		goto out;
	t->method = SIP_CANCEL;
	t->forgotten = true;
	t->dest = invite->dest;
	t->to = invite->to;
	t->conn = invite->conn;
	t->listener = invite->listener;
	t->src = invite->src;
	send_hash_txn(e, t);
	send_do(t, txn_client_step(&t->m, TXN_EV_START, loop_now(e->loop)), NULL);
	return;
out:
	if (t)
		end_txn(t);
}

/* ---- carrying out a step ---- */

static void
pass_up(struct edge_txn *t, unsigned todo, const struct sip_msg *msg)
{
	struct edge *e = t->owner;

	if (!msg)
		return;
	if (t->server)
		e->up.on_ack(e->up.arg, msg, &t->src);
	else
		tell_news(t, &(struct edge_news){.event = EDGE_RESPONSE,
						 .msg = msg,
						 .source = t->src,
						 .last = (todo & TXN_DO_END) != 0});
}

static void
tell_end(struct edge_txn *t)
{
	struct edge *e = t->owner;

	if (!t->forgotten && t->server)
		e->up.on_undelivered(e->up.arg, t);
	else
		tell_news(t, &(struct edge_news){.event = EDGE_OVER, .last = true});
}

void
send_do(struct edge_txn *t, unsigned todo, const struct sip_msg *msg)
{
	if (t->dead)
		return;
	if (todo & TXN_DO_SEND_REQUEST)
		transmit(t, str_of(t->req.p, t->req.len));
	if (todo & TXN_DO_SEND_ACK)
		send_ack(t, msg);
	if (todo & TXN_DO_SEND_100)
		send_100(t);
	if (todo & TXN_DO_SEND_RESPONSE)
		transmit(t, str_of(t->resp.p, t->resp.len));
	if (todo & TXN_DO_PASS_UP)
		pass_up(t, todo, msg);
	if ((todo & TXN_DO_SEND_CANCEL) && !t->dead)
		send_cancel(t);
	if ((todo & TXN_DO_TIMEOUT) && !t->server)
		tell_news(t, &(struct edge_news){.event = EDGE_TIMEOUT, .last = true});
	if ((todo & TXN_DO_TRANSPORT_ERROR) && !t->server)
		tell_news(t, &(struct edge_news){.event = EDGE_FAILED,
						 .err = ERR_CLOSED,
						 .why = "the connection was lost",
						 .last = true});
	if (t->dead)
		return;
	if (todo & TXN_DO_END) {
		tell_end(t);
		end_txn(t);
	} else {
		arm_txn(t);
	}
}

/* ---- paths out ---- */

/* The way is there: first sending. */
static void
start_client(struct edge_txn *t)
{
	struct str bytes = str_of(t->req.p, t->req.len);

	if (!t->once) {
		unsigned todo = txn_client_step(&t->m, TXN_EV_START, loop_now(t->owner->loop));

		send_do(t, todo, NULL);
		if (t->wants_cancel && !t->dead)
			edge_cancel(t, str_from(t->reason));
		return;
	}
	if (t->dest.transport == EDGE_UDP) {
		(void)!send_udp(t, bytes);
	} else {
		struct conn *c = conns_find(&t->owner->conns, t->conn);

		if (c)
			(void)!conn_send(c, bytes);
	}
	metric_add(METRIC_sip_tx, 1);
	end_txn(t);
}

static void
wait_or_start(struct edge_txn *t, struct conn *c)
{
	t->conn = c->id;
	t->src.remote = c->remote;
	if (c->state == CONN_OPEN)
		start_client(t);
	else
		list_add(&c->waiting, &t->wait);
}

void
send_conn_open(struct edge *e, struct conn *c)
{
	struct list *n;

	(void)e;
	while ((n = list_shift(&c->waiting)) != NULL)
		wait_or_start(CONTAINER_OF(n, struct edge_txn, wait), c);
}

void
send_conn_down(struct edge *e, struct conn *c, const char *why)
{
	struct list *n;

	(void)e;
	while ((n = list_shift(&c->waiting)) != NULL)
		fail_txn(CONTAINER_OF(n, struct edge_txn, wait), ERR_CLOSED, why);
}

static void
use_located(void *arg)
{
	struct edge_txn *t = arg;

	if (t->locate.n == 0) {
		fail_txn(t, ERR_NOTFOUND, t->locate.why);
		return;
	}
	t->to = t->locate.addr[0];
	t->src.remote = t->to;
	start_client(t);
}

/* Host and port of the next hop: the destination's own, else the trunk's location. */
static struct str
hop_of(struct edge_txn *t, uint16_t *port)
{
	const struct snapshot_view *v = t->owner->snap;
	uint32_t trunk = t->src.trunk;

	*port = t->dest.port;
	if (!t->dest.host[0] && v && trunk != POLICY_NONE) {
		*port = v->trunk[trunk].port;
		if (!*port)
			*port = t->dest.transport == EDGE_TLS ? 5061 : 5060;
		return snapshot_text(v, v->trunk[trunk].host);
	}
	if (!*port)
		*port = t->dest.transport == EDGE_TLS ? 5061 : 5060;
	return str_from(t->dest.host);
}

static void
dial_trunk(struct edge_txn *t)
{
	struct edge *e = t->owner;
	const struct edge_listener_conf *l = &e->listeners.l[t->listener].conf;
	struct conn_dial d = {.account = t->dest.account,
			      .trunk = t->dest.trunk,
			      .customer = l->customer,
			      .bind = l->bound,
			      .listener = t->listener};
	struct conn *c;
	enum err err;

	d.bind.port = 0;
	d.host = hop_of(t, &d.port);
	if (t->dest.transport == EDGE_TLS)
		d.client = e->conf.zones[l->zone].client;
	if (d.host.len == 0) {
		fail_txn(t, ERR_NOTFOUND,
			 "no connection of the account is there, and the trunk has "
			 "no location to connect to");
		return;
	}
	err = conns_dial(&e->conns, &d, &c);
	if (err != ERR_OK)
		fail_txn(t, err, err_text(err));
	else
		wait_or_start(t, c);
}

static void
find_path(void *arg)
{
	struct edge_txn *t = arg;
	struct edge *e = t->owner;
	struct conn *c;
	uint16_t port;
	struct str host;

	if (t->dest.transport != EDGE_UDP) {
		c = conns_find(&e->conns, t->dest.conn);
		if (!c || c->state != CONN_OPEN)
			c = conns_of(&e->conns, &t->dest.account, &t->dest.trunk, !t->dest.reuse);
		if (c)
			wait_or_start(t, c);
		else
			dial_trunk(t);
		return;
	}
	host = hop_of(t, &port);
	t->locate.on_located = use_located;
	t->locate.arg = t;
	if (addr_parse_ip(host, &t->to) == ERR_OK) {
		t->to.port = port;
		t->src.remote = t->to;
		start_client(t);
	} else if (locate_start(&t->locate, e->loop, e->resolver, host, port) != ERR_OK) {
		fail_txn(t, ERR_NOTFOUND, "the next hop is no host");
	}
}

/* Listener that shows in Via; the trunk may be gone while its calls go on. */
static bool
choose_local(struct edge_txn *t, struct edge_local *local)
{
	struct edge *e = t->owner;
	struct listener *l;

	t->src.trunk = e->snap ? snapshot_trunk(e->snap, str_from(t->dest.trunk.z)) : POLICY_NONE;
	t->src.account = t->dest.account.z[0] && e->snap
				 ? snapshot_account(e->snap, str_from(t->dest.account.z))
				 : POLICY_NONE;
	if (t->src.trunk != POLICY_NONE && edge_local_of(e, t->src.trunk, local) == ERR_OK)
		return true;
	l = listeners_for(&e->listeners, t->dest.transport, t->dest.account.z[0] != 0, UINT32_MAX);
	if (!l)
		return false;
	*local = (struct edge_local){l->conf.advertised, l->conf.transport, l->index};
	return true;
}

static enum err
new_client(struct edge *e, const struct edge_dest *dest, enum sip_method method, struct str msg,
	   bool add_via, struct edge_txn **out)
{
	struct edge_txn *t =
		send_new_txn(e, method == SIP_INVITE ? TXN_CLIENT_INVITE : TXN_CLIENT_OTHER,
			     dest->transport != EDGE_UDP);
	struct edge_local local;
	struct buf b;
	enum err err = ERR_NOTFOUND;

	if (!t)
		return ERR_NOMEM;
	t->method = method;
	t->dest = *dest;
	if (!choose_local(t, &local))
		goto fail;
	t->listener = local.listener;
	t->src.transport = dest->transport;
	t->src.listener = local.listener;
	if (dest->branch[0]) {
		(void)!str_copyz(t->branch, sizeof(t->branch), str_from(dest->branch));
	} else {
		memcpy(t->branch, "z9hG4bK", 7);
		random_token(t->branch + 7, SEND_BRANCH_CHARS);
	}
	buf_init(&b, e->msg, sizeof(e->msg));
	if (add_via)
		edge_txn_put_via(&b, msg, dest->transport, &local.advertised, t->branch);
	else
		buf_str(&b, msg);
	err = buf_end(&b);
	if (err == ERR_OK)
		err = texts_put(&e->texts, &t->req, buf_view(&b));
	if (err != ERR_OK)
		goto fail;
	t->soon = (struct loop_soon){.on_soon = find_path, .arg = t};
	*out = t;
	return ERR_OK;
fail:
	end_txn(t);
	return err;
}

enum err
edge_send(struct edge *e, const struct edge_dest *dest, enum sip_method method, struct str msg,
	  void *user, struct edge_txn **out)
{
	struct edge_txn *t;
	enum err err = new_client(e, dest, method, msg, true, &t);

	if (err != ERR_OK)
		return err;
	err = txn_client_key(str_from(t->branch), str_from(sip_method_name(method)), &t->key);
	if (err != ERR_OK) {
		end_txn(t);
		return err;
	}
	send_hash_txn(e, t);
	t->user = user;
	loop_soon(e->loop, &t->soon);
	*out = t;
	return ERR_OK;
}

void
edge_send_once(struct edge *e, const struct edge_dest *dest, bool is_response, struct str msg)
{
	struct edge_txn *t;

	if (new_client(e, dest, SIP_ACK, msg, !is_response, &t) != ERR_OK) {
		log_warn("edge.once", "an ACK could not be sent");
		return;
	}
	t->once = true;
	find_path(t); /* now, where the way is there: the ACK goes before what follows it */
}

void
edge_cancel(struct edge_txn *t, struct str reason)
{
	(void)!str_copyz(t->reason, sizeof(t->reason), reason);
	if (t->m.state == TXN_NEW) { /* still waiting for its path */
		t->wants_cancel = true;
		return;
	}
	send_do(t, txn_client_step(&t->m, TXN_EV_CANCEL, loop_now(t->owner->loop)), NULL);
}

void
edge_respond(struct edge_txn *t, int status, struct str msg)
{
	struct edge *e = t->owner;
	unsigned todo;

	if (t->dead)
		return;
	todo = txn_server_step(&t->m, txn_event_of((unsigned)status), loop_now(e->loop));
	if ((todo & TXN_DO_SEND_RESPONSE) && texts_put(&e->texts, &t->resp, msg) != ERR_OK)
		log_error("edge.respond", "no memory for a response: %d not sent", status);
	send_do(t, todo, NULL);
}

void
edge_respond_again(struct edge_txn *t)
{
	if (!t->dead && t->resp.len)
		send_do(t, txn_server_step(&t->m, TXN_EV_2XX, loop_now(t->owner->loop)), NULL);
}

void
edge_forget(struct edge_txn *t)
{
	t->forgotten = true;
	t->user = NULL;
}
