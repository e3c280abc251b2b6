/* What comes in: identified, cut into transactions, handed up. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/random.h"
#include "edge/send.h"

/* ---- answers without a transaction ---- */

struct reply_path {
	struct conn *conn;         /* or */
	struct listener *listener; /* UDP */
	struct addr from, to;
};

static void
send_reply(struct edge *e, const struct reply_path *p, const struct sip_msg *m, struct str bytes)
{
	struct addr to = edge_txn_reply_addr(m, &p->from);

	(void)e;
	if (p->conn)
		(void)!conn_send(p->conn, bytes);
	else
		(void)!udp_send(&p->listener->udp, &p->to, &to, bytes);
	metric_add(METRIC_sip_tx, 1);
}

/* A request that cannot be understood, but answered (RFC 3261 8.2, 21.4). */
static void
answer_bad(struct edge *e, const struct reply_path *p, const struct sip_msg *m)
{
	char mem[EDGE_SMALL_MSG * 4], tag[20];
	struct buf b;

	random_token(tag, sizeof(tag) - 1);
	buf_init(&b, mem, sizeof(mem));
	sip_edit_response(&b, m,
			  &(struct sip_edit_reply){.status = m->answer,
						   .to_tag = str_from(tag),
						   .source = &p->from});
	sip_edit_hdr_fmt(&b, SIP_H_WARNING, "399 postern \"%s\"", m->why);
	sip_edit_body(&b, STR_NULL, STR_NULL);
	if (buf_end(&b) == ERR_OK)
		send_reply(e, p, m, buf_view(&b));
}

static void
on_bad_message(struct edge *e, const struct reply_path *p, const struct sip_msg *m)
{
	uint64_t left_out;

	metric_add(METRIC_sip_bad, 1);
	if (guard_may_log(&e->guard, GUARD_BAD_MESSAGE, loop_now(e->loop), &left_out))
		log_warn("sip.bad", "peer=%s why=%s answer=%u left out %llu lines",
			 addr_text(&p->from).z, m->why, m->answer, (unsigned long long)left_out);
	if (m->answer)
		answer_bad(e, p, m);
}

/* ---- requests ---- */

static uint64_t
scope_of(struct edge *e, const struct edge_source *src)
{
	struct policy_id id;

	if (src->account == POLICY_NONE)
		return 1; /* carriers trust each other */
	id = snapshot_account_id(e->snap, src->account);
	return hash_of(&e->by_key, str_from(id.z)) | 2;
}

static struct edge_txn *
new_server(struct edge *e, const struct sip_msg *m, const struct edge_source *src,
	   const struct txn_key *key)
{
	struct edge_txn *t =
		send_new_txn(e, m->method == SIP_INVITE ? TXN_SERVER_INVITE : TXN_SERVER_OTHER,
			     src->transport != EDGE_UDP);

	if (!t)
		return NULL;
	if (texts_put(&e->texts, &t->req, m->all) != ERR_OK) {
		pool_put(&e->txns, t);
		return NULL;
	}
	t->method = m->method;
	t->src = *src;
	t->src.tls_version = t->src.tls_suite = t->src.tls_peer = "";
	t->conn = src->conn;
	t->listener = src->listener;
	t->to = edge_txn_reply_addr(m, &src->remote);
	t->key = *key;
	send_hash_txn(e, t);
	return t;
}

/* CANCEL is answered here; the INVITE it names is told (9.2). */
static void
take_cancel(struct edge *e, struct edge_txn *t, const struct sip_msg *m, uint64_t scope)
{
	struct edge_txn *invite = NULL;
	struct txn_key key;
	char mem[EDGE_SMALL_MSG * 4], tag[20];
	struct buf b;

	if (edge_txn_key(m, scope, true, &key) == ERR_OK)
		invite = send_find_txn(e, &key);
	random_token(tag, sizeof(tag) - 1);
	buf_init(&b, mem, sizeof(mem));
	sip_edit_response(&b, m,
			  &(struct sip_edit_reply){.status = invite ? 200 : 481,
						   .to_tag = str_from(tag),
						   .source = &t->src.remote});
	sip_edit_body(&b, STR_NULL, STR_NULL);
	t->forgotten = true;
	if (buf_end(&b) == ERR_OK)
		edge_respond(t, invite ? 200 : 481, buf_view(&b));
	if (invite && txn_server_cancellable(&invite->m) && !invite->forgotten)
		e->up.on_cancel(e->up.arg, invite, m);
}

static void
refuse_busy(struct edge *e, const struct reply_path *p, struct sip_msg *m)
{
	m->answer = 503;
	m->why = "as many transactions as there may be are there";
	answer_bad(e, p, m);
}

static void
take_request(struct edge *e, const struct reply_path *p, struct edge_source *src)
{
	struct sip_msg *m = &e->rx;
	uint64_t scope = scope_of(e, src);
	struct txn_key key;
	struct edge_txn *t;

	if (edge_txn_key(m, scope, false, &key) != ERR_OK) {
		m->answer = 400;
		m->why = "no usable branch in the top Via";
		on_bad_message(e, p, m);
		return;
	}
	t = send_find_txn(e, &key);
	if (m->method == SIP_ACK) {
		if (t)
			send_do(t, txn_server_step(&t->m, TXN_EV_ACK, loop_now(e->loop)), m);
		else
			e->up.on_ack(e->up.arg, m, src);
		return;
	}
	if (t) {
		send_do(t, txn_server_step(&t->m, TXN_EV_REQUEST, loop_now(e->loop)), NULL);
		return;
	}
	t = new_server(e, m, src, &key);
	if (!t) {
		refuse_busy(e, p, m);
		return;
	}
	send_do(t, txn_server_step(&t->m, TXN_EV_START, loop_now(e->loop)) & ~TXN_DO_PASS_UP, NULL);
	if (m->method == SIP_CANCEL)
		take_cancel(e, t, m, scope);
	else
		e->up.on_request(e->up.arg, t, m, src);
}

/* ---- responses ---- */

static void
on_response(struct edge *e, const struct edge_source *src)
{
	const struct sip_msg *m = &e->rx;
	struct txn_key key;
	struct edge_txn *t = NULL;

	if (txn_client_key(m->via.branch, str_from(sip_method_name(m->cseq_method)), &key) ==
	    ERR_OK)
		t = send_find_txn(e, &key);
	if (!t || t->server || t->m.state == TXN_NEW)
		return;
	/* only the side that was asked may answer */
	if (t->dest.transport != src->transport || (src->conn && src->conn != t->conn))
		return;
	t->src.remote = src->remote;
	t->src.local = src->local;
	t->src.conn = src->conn;
	t->src.tls_version = src->tls_version;
	t->src.tls_suite = src->tls_suite;
	t->src.tls_peer = src->tls_peer;
	send_do(t, txn_client_step(&t->m, txn_event_of(m->status), loop_now(e->loop)), m);
}

/* ---- identity of what came in ---- */

static uint32_t
pick_trunk(struct edge *e, const struct identity *id, const struct addr *from)
{
	const struct sip_msg *m = &e->rx;
	char user[64];
	struct buf b;
	struct identity_request rq = {.source = *from};

	buf_init(&b, user, sizeof(user));
	if (m->request) {
		rq.host = m->uri.host;
		if (sip_uri_user(&m->from.uri, &b) == ERR_OK && buf_end(&b) == ERR_OK)
			rq.calling = buf_view(&b);
	}
	return identity_pick(e->snap, id, &rq);
}

static void
take_message(struct edge *e, const struct reply_path *p, struct edge_source *src,
	     const struct identity *id, struct str bytes)
{
	metric_add(METRIC_sip_rx, 1);
	if (sip_msg_parse(bytes, &e->rx) != ERR_OK) {
		on_bad_message(e, p, &e->rx);
		return;
	}
	if (!e->rx.request) {
		on_response(e, src);
		return;
	}
	src->account = id->account;
	src->trunk = pick_trunk(e, id, &src->remote);
	if (src->trunk == POLICY_NONE) {
		e->rx.answer = 403;
		e->rx.why = "the account or trunk is switched off";
		on_bad_message(e, p, &e->rx);
		return;
	}
	take_request(e, p, src);
}

static void
take_datagram(void *arg, struct listener *l, const struct addr *from, const struct addr *to,
	      const struct identity *id, struct str bytes)
{
	struct edge *e = arg;
	struct reply_path p = {.listener = l, .from = *from, .to = *to};
	struct edge_source src = {.remote = *from,
				  .local = *to,
				  .transport = EDGE_UDP,
				  .listener = l->index,
				  .tls_version = "",
				  .tls_suite = "",
				  .tls_peer = ""};

	if (str_trim(bytes).len == 0)
		return; /* a keepalive */
	take_message(e, &p, &src, id, bytes);
}

/* Who a dialled connection is: the trunk it was dialled for. */
static bool
identify_dialled(struct edge *e, const struct conn *c, struct identity *id)
{
	uint32_t trunk = snapshot_trunk(e->snap, str_from(c->trunk.z));

	if (trunk == POLICY_NONE)
		return false;
	*id = (struct identity){.version = e->snap->version,
				.account = e->snap->trunk[trunk].account,
				.n_trunks = 1,
				.trunk = {trunk},
				.account_id = c->account};
	return true;
}

static void
on_conn_message(void *arg, struct conn *c, struct str bytes)
{
	struct edge *e = arg;
	struct reply_path p = {.conn = c, .from = c->remote, .to = c->local};
	struct edge_source src = {.remote = c->remote,
				  .local = c->local,
				  .transport = c->tls ? EDGE_TLS : EDGE_TCP,
				  .listener = c->listener,
				  .conn = c->id,
				  .tls_version = c->tls_version,
				  .tls_suite = c->tls_suite,
				  .tls_peer = c->peer};
	struct identity id = c->identity;

	/* the accounts may have changed: today's answer is in the connection, or it is barred */
	if (!e->snap || (!c->inbound && !identify_dialled(e, c, &id)))
		return;
	if (c->barred)
		id.n_trunks = 0;
	take_message(e, &p, &src, &id, bytes);
}

static void
note_garbage(void *arg, struct conn *c, enum err err)
{
	struct edge *e = arg;
	uint64_t left_out;

	metric_add(METRIC_sip_bad, 1);
	if (guard_may_log(&e->guard, GUARD_BAD_MESSAGE, loop_now(e->loop), &left_out))
		log_warn("sip.garbage", "peer=%s account=%s closed: no SIP framing: %s",
			 addr_text(&c->remote).z, c->account.z, err_text(err));
}

static void
tell_link(struct edge *e, const struct conn *c, bool up)
{
	struct conn *other = conns_of(&e->conns, &c->account, &c->trunk, false);

	if (c->account.z[0] && e->up.on_account_link && (!other || other == c))
		e->up.on_account_link(e->up.arg, &c->account, up);
}

static void
on_conn_open(void *arg, struct conn *c)
{
	tell_link(arg, c, true);
	send_conn_open(arg, c);
}

static void
on_conn_down(void *arg, struct conn *c, const char *why)
{
	log_info("conn.down", "conn=%llu peer=%s account=%s why=%s", (unsigned long long)c->id,
		 addr_text(&c->remote).z, c->account.z, why);
	tell_link(arg, c, false);
	send_conn_down(arg, c, why);
}

/* ---- handshakes ---- */

static void
log_handshake(struct edge *e, const struct tls_record *r, struct id id)
{
	char mem[1024];
	uint64_t left_out = 0;
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	tls_record_put(&b, r);
	if (r->accepted)
		log_info("tls.accepted", "id=%s %s", id.z, buf_cstr(&b));
	else if (guard_may_log(&e->guard, GUARD_HANDSHAKE, loop_now(e->loop), &left_out))
		log_warn("tls.refused", "id=%s %s", id.z, buf_cstr(&b));
	if (left_out)
		log_warn("tls.left_out", "%llu lines about refused handshakes",
			 (unsigned long long)left_out);
}

/* The accounts may have changed while it shook hands: asked again, from those of now. */
static void
take_accepted(struct edge *e, struct tls_result *res)
{
	const struct card *card = cards_at(&e->cards, res->verdict.account);
	struct str zone = str_from(e->zone_fqdn[res->record.zone]);
	struct conn *c;
	struct identity id;

	if (!e->snap ||
	    cards_identify(card, e->snap, &res->record.peer, zone, &id, NULL) != IDENTITY_OK ||
	    conns_accept_tls(&e->conns, res, (uint32_t)(uintptr_t)res->arg, &id) != ERR_OK) {
		cards_free(&e->cards, res->verdict.account);
		return;
	}
	c = conns_find(&e->conns, e->conns.next_id);
	if (c)
		tell_link(e, c, true);
}

static void
take_handshake(void *arg, struct tls_result *res)
{
	struct edge *e = arg;
	struct id id = id_new(e->conf.node, e->conf.worker);

	metric_add(res->record.accepted ? METRIC_tls_accepted : METRIC_tls_refused, 1);
	log_handshake(e, &res->record, id);
	if (e->up.on_handshake)
		e->up.on_handshake(e->up.arg, &res->record, id);
	if (res->record.outgoing)
		conns_on_handshake(&e->conns, res);
	else if (res->conn)
		take_accepted(e, res);
	else if (res->verdict.accept) /* it failed after the certificate was accepted */
		cards_free(&e->cards, res->verdict.account);
	handshake_result_free(e->handshake, &res);
	listeners_go(&e->listeners);
}

/* ---- the accounts change ---- */

static void
swap_in_thread(void *arg)
{
	struct edge *e = arg;

	e->cards.snap = e->next_snap;
}

static void
swap_done(void *arg)
{
	struct edge *e = arg;

	e->next_snap = NULL;
	if (e->on_swapped)
		e->on_swapped(e->swapped_arg);
}

enum err
edge_on_snapshot(struct edge *e, const struct snapshot_view *snap, void (*on_done)(void *arg),
		 void *arg)
{
	if (e->next_snap)
		return ERR_AGAIN;
	e->next_snap = snap;
	e->on_swapped = on_done;
	e->swapped_arg = arg;
	if (handshake_work(e->handshake, swap_in_thread, swap_done, e) != ERR_OK) {
		e->next_snap = NULL;
		return ERR_AGAIN;
	}
	e->snap = snap;
	e->listeners.snap = snap;
	conns_identify(&e->conns, snap);
	return ERR_OK;
}

/* ---- from above ---- */

void
edge_drain(struct edge *e, bool on)
{
	e->listeners.draining = on;
}

uint32_t
edge_conns(const struct edge *e)
{
	return conns_count(&e->conns);
}

uint32_t
edge_txns(const struct edge *e)
{
	return pool_used(&e->txns);
}

/* ---- start and end ---- */

static enum err
start_tls(struct edge *e)
{
	struct tls_ctx *ctx[EDGE_LISTENERS_MAX];
	struct handshake_conf hc = {.loop = e->loop,
				    .max_conns = e->conf.max_conns,
				    .on_identity = cards_on_identity,
				    .identity_arg = &e->cards,
				    .on_result = take_handshake,
				    .result_arg = e};

	for (uint32_t i = 0; i < e->conf.n_zones; i++)
		ctx[i] = e->conf.zones[i].server;
	if (e->conf.n_zones && tls_zones_new(ctx, e->conf.n_zones, &e->zones) != ERR_OK)
		return ERR_NOMEM;
	return handshake_new(&hc, &e->handshake);
}

static enum err
start_edge(struct edge *e)
{
	struct conn_up up = {.arg = e,
			     .on_message = on_conn_message,
			     .on_open = on_conn_open,
			     .on_down = on_conn_down,
			     .on_garbage = note_garbage};
	enum err err = cards_init(&e->cards, e->conf.max_conns + HANDSHAKE_MAX, e->zone_fqdn,
				  e->conf.n_zones);

	if (err == ERR_OK)
		err = pool_init(&e->txns, e->conf.max_txns, sizeof(struct edge_txn));
	if (err == ERR_OK)
		err = hash_init(&e->by_key, e->conf.max_txns);
	if (err == ERR_OK)
		err = texts_init(&e->texts, 2 * e->conf.max_txns);
	if (err == ERR_OK)
		err = conns_init(&e->conns, e->loop, e->resolver, &e->cards, e->conf.max_conns,
				 e->conf.connect_us, &up);
	if (err != ERR_OK)
		return err;
	e->cards.snap = e->snap; /* before the thread is there */
	err = start_tls(e);
	if (err != ERR_OK)
		return err;
	e->conns.handshake = e->handshake;
	e->conns.streams.handshake = e->handshake;
	e->listeners = (struct listeners){.loop = e->loop,
					  .conns = &e->conns,
					  .handshake = e->handshake,
					  .zones = e->zones,
					  .snap = e->snap,
					  .guard = &e->guard,
					  .on_datagram = take_datagram,
					  .arg = e};
	return listeners_start(&e->listeners, e->conf.listeners, e->conf.n_listeners);
}

enum err
edge_new(const struct edge_conf *conf, struct loop *loop, struct resolver *resolver,
	 const struct snapshot_view *snap, const struct edge_up *up, struct edge **out)
{
	struct edge *e = mem_zalloc(1, sizeof(*e));
	enum err err;

	if (!e)
		return ERR_NOMEM;
	e->conf = *conf;
	e->up = *up;
	e->loop = loop;
	e->resolver = resolver;
	e->snap = snap;
	e->times = (struct txn_times){(uint32_t)conf->t1_us, (uint32_t)conf->t2_us,
				      (uint32_t)conf->t4_us};
	for (uint32_t i = 0; i < conf->n_zones; i++) {
		memcpy(e->zone_fqdn[i], conf->zones[i].fqdn, POLICY_HOST_MAX);
		e->conf.zones[i].server = tls_ctx_ref(conf->zones[i].server);
		e->conf.zones[i].client = tls_ctx_ref(conf->zones[i].client);
	}
	err = start_edge(e);
	if (err != ERR_OK)
		edge_free(&e);
	else
		*out = e;
	return err;
}

static void
drop_txns(struct edge *e)
{
	/* what is left dies with the loop: its timers and deferred calls must not fire any more */
	for (uint32_t i = 0; e->txns.mem && i < e->txns.n; i++) {
		struct edge_txn *t = pool_at(&e->txns, i);

		if (t->owner != e)
			continue;
		loop_timer_stop(e->loop, &t->timer);
		if (t->soon.on_soon)
			loop_soon_stop(&t->soon);
		locate_stop(&t->locate);
	}
}

void
edge_free(struct edge **ep)
{
	struct edge *e = *ep;

	*ep = NULL;
	if (!e)
		return;
	listeners_fini(&e->listeners);
	drop_txns(e);
	if (e->conns.pool.mem)
		conns_fini(&e->conns);
	handshake_free(&e->handshake);
	tls_zones_unref(&e->zones);
	for (uint32_t i = 0; i < e->conf.n_zones; i++) {
		tls_ctx_unref(&e->conf.zones[i].server);
		tls_ctx_unref(&e->conf.zones[i].client);
	}
	cards_fini(&e->cards);
	texts_fini(&e->texts);
	pool_fini(&e->txns);
	hash_fini(&e->by_key);
	mem_free(e);
}
