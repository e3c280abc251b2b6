#include <string.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "edge/send.h"

/* ---- life of a transaction ---- */

void
send_drop_txn(struct edge_txn *t)
{
	struct edge *e = t->owner;

	texts_drop(&e->texts, &t->req);
	texts_drop(&e->texts, &t->resp);
	pool_put(&e->locates, t->locate);
	list_del(&t->big);
	if (t->held) {
		t->held->txns--;
		t->held->help -= t->spare;
	}
	t->owner = NULL; /* a free one, for those who walk the pool */
	pool_put(&e->txns, t);
}

static void
reap_txn(void *arg)
{
	send_drop_txn(arg);
}

void
send_end_txn(struct edge_txn *t)
{
	struct edge *e = t->owner;

	if (t->dead)
		return;
	t->dead = true;
	loop_timer_stop(e->loop, &t->timer);
	loop_timer_stop(e->loop, &t->trying);
	loop_soon_stop(&t->soon);
	if (t->locate)
		locate_stop(t->locate);
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
send_new_txn(struct edge *e, enum txn_kind kind, bool reliable, bool spare)
{
	struct edge_txn *t = NULL;

	if (spare || e->txns.n_free > EDGE_SPARE_TXNS)
		t = pool_get(&e->txns);
	if (!t)
		return NULL;
	t->spare = t->req.spare = t->resp.spare = spare;
	t->owner = e;
	t->timer.on_due = on_timer;
	list_init(&t->wait);
	list_init(&t->big);
	t->server = kind == TXN_SERVER_INVITE || kind == TXN_SERVER_OTHER;
	txn_init(&t->m, kind, reliable, &e->times);
	return t;
}

static uint64_t
check_of(const struct edge *e, const struct txn_key *k)
{
	return hash_siphash(e->check_key, k->b, k->len);
}

struct edge_txn *
send_find_txn(struct edge *e, const struct txn_key *k)
{
	struct hash_node *n = hash_first(&e->by_key, hash_of(&e->by_key, txn_key_str(k)));
	uint64_t check = n ? check_of(e, k) : 0;

	for (; n; n = hash_next(n)) {
		struct edge_txn *t = CONTAINER_OF(n, struct edge_txn, by_key);

		if (t->check == check)
			return t;
	}
	return NULL;
}

void
send_hash_txn(struct edge *e, struct edge_txn *t, const struct txn_key *k)
{
	t->check = check_of(e, k);
	hash_add(&e->by_key, &t->by_key, hash_of(&e->by_key, txn_key_str(k)));
	t->hashed = true;
}

void
send_swap_txn(struct edge *e, struct edge_txn *t, struct edge_txn *g)
{
	uint64_t hash = t->by_key.hash;

	hash_del(&e->by_key, &t->by_key);
	t->hashed = false;
	g->check = t->check;
	hash_add(&e->by_key, &g->by_key, hash);
	g->hashed = true;
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

	n->tried = t->tried;
	n->n_tried = t->n_tried;
	if (t->own)
		t->own->on_news(t->own, n);
	else if (!t->forgotten && !t->once)
		e->up.on_news(e->up.arg, t->user, n);
	if (n->last)
		t->forgotten = true;
}

void
send_fail_txn(struct edge_txn *t, enum err err, const char *why)
{
	tell_news(t,
		  &(struct edge_news){.event = EDGE_FAILED, .err = err, .why = why, .last = true});
	send_end_txn(t);
}

/* ---- bytes out ---- */

static enum err
send_udp(struct edge_txn *t, struct str bytes)
{
	struct listener *l = &t->owner->listeners.l[t->listener];
	enum err err = udp_send(&l->udp, t->server ? &t->src.local : NULL, &t->to, bytes);

	return err == ERR_AGAIN ? ERR_OK : err; /* counted; it will be repeated */
}

/* The connection of a transaction; when it is gone, another one of the account will do. */
static struct conn *
conn_of(const struct edge_txn *t, enum edge_transport tr)
{
	const struct conns *cs = &t->owner->conns;
	struct conn *c = conns_find(cs, t->conn);

	if (!c || c->state != CONN_OPEN)
		c = conns_of(cs, &(struct conn_want){
					 .account = t->dest.account,
					 .trunk = t->dest.trunk,
					 .parent = edge_parent_of(t->owner, &t->dest.account),
					 .tls = tr == EDGE_TLS,
					 .in_dialog = true});
	return c && c->state == CONN_OPEN ? c : NULL;
}

/* The last line of defence: whatever went wrong above, no key of SRTP leaves in clear. Only a whole
 * line is one: headers that others wrote go on, whatever they say. */
static bool
may_leave(const struct edge_txn *t, enum edge_transport tr, struct str bytes)
{
	if (tr == EDGE_TLS || GUARD(M9, str_find(bytes, STR("\na=crypto:")) == bytes.len))
		return true;
	log_error("edge.key", "trunk=%s %s would carry a key of SRTP over %s: not sent",
		  t->dest.trunk.z, sip_method_name(t->method), tr == EDGE_UDP ? "UDP" : "TCP");
	return false;
}

enum err
send_bytes(struct edge_txn *t, struct str bytes)
{
	enum edge_transport tr = t->server ? t->src.transport : t->dest.transport;
	struct edge_seen seen = {.out = true, .transport = tr, .peer = t->to, .bytes = bytes};
	struct conn *c = NULL;
	enum err err = ERR_CLOSED;

	if (!may_leave(t, tr, bytes))
		return ERR_REFUSED;
	if (tr == EDGE_UDP)
		err = send_udp(t, bytes);
	else if ((c = conn_of(t, tr)) != NULL)
		err = conn_send(c, bytes);
	if (c) {
		seen.peer = c->remote;
		seen.local = c->local;
	} else {
		seen.local = t->owner->listeners.l[t->listener].conf.bound;
	}
	if (err == ERR_OK) {
		edge_show(t->owner, &seen);
		metric_add(METRIC_sip_tx, 1);
	} else {
		log_debug("edge.send", "%s not sent: %s", sip_method_name(t->method),
			  err_text(err));
	}
	return err;
}

static void
send_request(struct edge_txn *t)
{
	enum err e = send_bytes(t, str_of(t->req.p, t->req.len));

	if (e == ERR_REFUSED) /* no fault of the target, and the next one is no better */
		send_fail_txn(t, ERR_CONFIG, "it would carry a key of SRTP in clear");
	else if (e != ERR_OK && !t->owner->on_unsent(t))
		send_do(t, txn_client_step(&t->m, TXN_EV_ERROR, loop_now(t->owner->loop)), NULL);
}

/* A server transaction goes on when its response is not delivered (RFC 6026 8.8): it is kept for
 * copies of the request, and path.c looks for another way. */
static void
send_response(struct edge_txn *t)
{
	t->unsent = t->resp.len && send_bytes(t, str_of(t->resp.p, t->resp.len)) != ERR_OK;
}

/* ACK of a failure (17.1.1.3). */
static void
send_ack(struct edge_txn *t, const struct sip_msg *msg)
{
	struct edge *e = t->owner;
	char mem[EDGE_SMALL_MSG];
	struct buf b;

	if (sip_msg_parse(str_of(t->req.p, t->req.len), &e->own) != ERR_OK)
		return;
	if (msg) { /* kept for copies of the failure */
		buf_init(&b, mem, sizeof(mem));
		edge_txn_put_from(&b, &e->own, SIP_ACK, sip_msg_value(msg, SIP_H_TO), "");
		if (buf_end(&b) != ERR_OK || texts_put(&e->texts, &t->resp, buf_view(&b)) != ERR_OK)
			return;
	}
	/* lost on its way or here: the failure comes again, and so does this; A hears of it anyway
	 */
	(void)!send_bytes(t, str_of(t->resp.p, t->resp.len));
}

static void
send_100(struct edge_txn *t)
{
	struct edge *e = t->owner;
	const struct sip_msg *req = edge_txn_request(t);
	char mem[EDGE_SMALL_MSG];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	sip_edit_response(&b, req,
			  &(struct sip_edit_reply){.status = 100, .source = &t->src.remote});
	sip_edit_body(&b, STR_NULL, STR_NULL);
	if (buf_end(&b) == ERR_OK && texts_put(&e->texts, &t->resp, buf_view(&b)) == ERR_OK)
		send_response(t);
}

/* The CANCEL of an INVITE: a transaction of its own on the same path, or, where its connection is
 * gone, over the next one. */
static void
send_cancel(struct edge_txn *invite)
{
	struct edge *e = invite->owner;
	struct edge_txn *t = send_new_txn(e, TXN_CLIENT_OTHER, invite->m.reliable, invite->spare);
	bool stream = invite->dest.transport != EDGE_UDP;
	struct conn *c = stream ? conn_of(invite, invite->dest.transport) : NULL;
	char mem[EDGE_SMALL_MSG];
	struct txn_key key;
	struct buf b;

	if (!t || sip_msg_parse(str_of(invite->req.p, invite->req.len), &e->own) != ERR_OK)
		goto out;
	buf_init(&b, mem, sizeof(mem));
	edge_txn_put_from(&b, &e->own, SIP_CANCEL, sip_msg_value(&e->own, SIP_H_TO),
			  invite->reason);
	if (buf_end(&b) != ERR_OK || texts_put(&e->texts, &t->req, buf_view(&b)) != ERR_OK ||
	    txn_client_key(str_from(invite->branch), STR("CANCEL"), &key) != ERR_OK)
		goto out;
	t->method = SIP_CANCEL;
	t->forgotten = true;
	t->dest = invite->dest;
	t->to = invite->to;
	t->conn = c ? c->id : invite->conn;
	t->listener = invite->listener;
	t->src = invite->src;
	memcpy(t->branch, invite->branch, sizeof(t->branch));
	send_hash_txn(e, t, &key);
	if (c)
		list_add(&c->busy, &t->wait);
	send_do(t, txn_client_step(&t->m, TXN_EV_START, loop_now(e->loop)), NULL);
	return;
out:
	log_warn("edge.cancel", "a CANCEL could not be made");
	if (t)
		send_end_txn(t);
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
	else if (t->stray && msg->status >= 200 && msg->status < 300)
		e->on_stray(t, msg);
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

static void
drop_request(void *arg)
{
	struct edge_txn *t = arg;

	list_del(&t->big);
	texts_drop(&t->owner->texts, &t->req);
}

/* An INVITE that has its 2xx waits for copies: its own text is read no more, but for the ACK of one
 * with credentials, and for what a stray one began. Dropped when nobody has it in hand. */
static void
settle_txn(struct edge_txn *t)
{
	if (t->m.state != TXN_ACCEPTED || !t->req.p || t->stray || t->shown[0] || t->shown[1])
		return;
	t->soon.on_soon = drop_request;
	t->soon.arg = t;
	loop_soon(t->owner->loop, &t->soon);
}

void
send_do(struct edge_txn *t, unsigned todo, const struct sip_msg *msg)
{
	if (t->dead)
		return;
	if (todo & TXN_DO_SEND_REQUEST)
		send_request(t);
	if (todo & TXN_DO_SEND_ACK)
		send_ack(t, msg);
	if (todo & TXN_DO_SEND_100)
		send_100(t);
	if (todo & TXN_DO_SEND_RESPONSE)
		send_response(t);
	if (todo & TXN_DO_PASS_UP)
		pass_up(t, todo, msg);
	if ((todo & TXN_DO_SEND_CANCEL) && !t->dead)
		send_cancel(t);
	if ((todo & TXN_DO_TIMEOUT) && !t->server)
		tell_news(t, &(struct edge_news){.event = EDGE_TIMEOUT, .last = true});
	if ((todo & TXN_DO_TRANSPORT_ERROR) && !t->server)
		tell_news(t, &(struct edge_news){.event = EDGE_FAILED,
						 .err = ERR_CLOSED,
						 .why = t->dest.transport == EDGE_UDP
								? "the datagram could not be sent"
								: "the connection was lost",
						 .last = true});
	if (t->dead)
		return;
	if (todo & TXN_DO_END) {
		tell_end(t);
		send_end_txn(t);
	} else {
		arm_txn(t);
		settle_txn(t);
	}
}

/* ---- from above ---- */

void
edge_forget(struct edge_txn *t)
{
	t->forgotten = true;
	t->user = NULL;
}
