/* What comes in: identified, cut into transactions, handed up. */
#include "edge/receive.h"

#include <string.h>

#include "base/guard.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "edge/attempt.h"
#include "edge/auth.h"
#include "edge/path.h"
#include "edge/reply.h"
#include "edge/shake.h"
#include "edge/shed.h"
#include "sip/hdr.h"

enum {
	PASSES_MAX = 3,      /* of one call through this node, as its Vias tell */
	HOST_SHOWN_MAX = 64, /* of a host in a sentence */
};

/* ---- requests ---- */

/* Whose requests may be one transaction: carriers trust each other, an account itself; what came
 * over TLS is nobody's who comes in clear. */
static uint64_t
scope_of(struct edge *e, const struct edge_source *src)
{
	uint64_t who = 1;

	if (src->account_id.z[0])
		who = hash_of(&e->by_key, str_from(src->account_id.z)) | 2;
	return src->transport == EDGE_TLS ? ~who : who;
}

/* Large blocks are few: nobody gets all of them. */
static bool
may_keep(const struct edge *e, const struct sip_msg *m, const struct edge_source *src)
{
	uint32_t n = 0;

	if (m->all.len <= TEXT_SMALL)
		return true;
	LIST_EACH(it, &e->big)
	{
		const struct edge_source *other = &CONTAINER_OF(it, struct edge_txn, big)->src;

		n += strcmp(other->account_id.z, src->account_id.z) == 0 &&
		     (other->transport == EDGE_UDP) == (src->transport == EDGE_UDP) &&
		     (src->account_id.z[0] || addr_ip_eq(&other->remote, &src->remote));
	}
	return n < EDGE_BIG_PER_PEER;
}

/* Where this peer is counted: a customer by its account, a carrier by its address. What only a
 * datagram's source vouches for, which anybody may write, takes nothing of the rest. */
static struct share_peer *
peer_of(struct edge *e, const struct edge_source *src)
{
	const struct addr *a = &src->remote;
	struct str name = src->account_id.z[0]
				  ? str_from(src->account_id.z)
				  : str_of((const char *)a->ip, a->family == 4 ? 4 : 16);

	return share_of(&e->share, hash_of(&e->by_key, name) + (src->transport == EDGE_UDP));
}

/* Does it belong to a call that is up, or to one in set-up? A To-tag is quickly invented. */
static bool
is_inside(struct edge *e, const struct sip_msg *m, const struct edge_source *src, uint64_t scope)
{
	struct txn_key key;

	if (m->method == SIP_CANCEL)
		return edge_txn_key(m, scope, true, &key) == ERR_OK &&
		       send_find_txn(e, &key) != NULL;
	return m->to_tag.len && (!e->up.do_know || e->up.do_know(e->up.arg, m, src));
}

/* May this request have a transaction? What belongs to a call that is up or in set-up may have any
 * but those of emergency calls, a new one leaves some for these. Of each sort a peer may hold so
 * many times what is free only that each of those who flood gets as much as the others, and who
 * does not always finds some. A call for help may have the last, but an account only so many of
 * these at a time; no more than these, where they only ask for their refusal, as over TLS. */
static bool
may_begin(const struct edge *e, const struct edge_source *src, const struct share_peer *held,
	  bool inside, bool help)
{
	uint32_t part = inside || help ? 0 : e->conf.max_txns / EDGE_DIALOG_PART,
		 kept = EDGE_SPARE_TXNS + part, n = e->txns.n_free;

	if (help && held->help >= EDGE_HELP_SHARE && edge_only_refuses(e, src))
		return false;
	if (n > kept && held->txns < EDGE_SHARE_TIMES * (n - kept))
		return true;
	return help && n && held->help < EDGE_HELP_SHARE;
}

static struct edge_txn *
new_server(struct edge *e, const struct reply_path *p, const struct edge_source *src,
	   const struct txn_key *key, bool inside)
{
	const struct sip_msg *m = &e->rx;
	struct share_peer *held = p->peer;
	bool stream = src->transport != EDGE_UDP,
	     spare = src->account_id.z[0] && !inside && edge_is_emergency(e, m);
	enum txn_kind kind = m->method == SIP_INVITE ? TXN_SERVER_INVITE : TXN_SERVER_OTHER;
	bool may = may_begin(e, src, held, inside, spare) && (spare || may_keep(e, m, src));
	struct edge_txn *t = may ? send_new_txn(e, kind, stream, spare) : NULL;

	if (!t)
		return NULL;
	t->held = held;
	held->txns++;
	held->help += spare;
	if (texts_put(&e->texts, &t->req, m->all) != ERR_OK) {
		send_drop_txn(t);
		return NULL;
	}
	if (t->req.kind == TEXT_IN_LARGE)
		list_add(&e->big, &t->big);
	t->method = m->method;
	t->oc = oc_asked(&m->via);
	t->src = *src;
	t->src.tls_version = t->src.tls_suite = t->src.tls_peer = "";
	t->dest.trunk = snapshot_trunk_id(e->snap, src->trunk);
	t->dest.account = src->account_id;
	t->conn = src->conn;
	t->listener = src->listener;
	t->to = edge_txn_reply_addr(m, &src->remote, stream);
	send_hash_txn(e, t, key);
	return t;
}

/* CANCEL is answered here; the INVITE it names is told (9.2). */
static void
take_cancel(struct edge *e, struct edge_txn *t, const struct sip_msg *m, uint64_t scope)
{
	struct edge_txn *invite = NULL;
	struct txn_key key;
	char mem[EDGE_SMALL_MSG], tag[20];
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

/* No transaction is left for it. Some a second are told with an id, by which they are found. */
static void
refuse_full(struct edge *e, const struct reply_path *p)
{
	uint64_t left_out;

	if (edge_is_emergency(e, &e->rx) ||
	    guard_may_log(&e->guard, GUARD_REFUSED, loop_now(e->loop), &left_out))
		reply_bad(e, p, &e->rx, 503, "as many requests as may be in hand are in hand");
	else
		reply_overload(e, p, &e->rx, EDGE_RETRY_AFTER_S);
}

static void
take_request(struct edge *e, const struct reply_path *p, struct edge_source *src)
{
	struct sip_msg *m = &e->rx;
	uint64_t scope = scope_of(e, src);
	struct txn_key key;
	struct edge_txn *t;
	bool inside;

	if (edge_txn_key(m, scope, false, &key) != ERR_OK) {
		metric_add(METRIC_sip_bad, 1);
		reply_bad(e, p, m, 400, "no usable branch in the top Via");
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
	inside = is_inside(e, m, src, scope);
	if (!inside && !p->judged && shed_refuses(e, p, src, m, &key))
		return;
	t = new_server(e, p, src, &key, inside);
	if (!t) {
		refuse_full(e, p);
		return;
	}
	send_do(t, txn_server_step(&t->m, TXN_EV_START, loop_now(e->loop)) & ~TXN_DO_PASS_UP, NULL);
	if (m->method == SIP_CANCEL)
		take_cancel(e, t, m, scope);
	else
		e->up.on_request(e->up.arg, t, m, src);
}

/* ---- responses ---- */

/* Only the side that was asked may answer: the account, over any of its connections (one that was
 * lost in the middle is made anew); a carrier from the address or connection that was asked. */
static bool
was_asked(const struct edge *e, const struct edge_txn *t, const struct edge_source *src)
{
	if (t->dest.transport != src->transport ||
	    !identity_speaks_for(e->snap, &src->account_id, &t->dest.account))
		return false;
	return src->transport == EDGE_UDP || src->account_id.z[0] || src->conn == t->conn ||
	       addr_ip_eq(&src->remote, &t->src.remote);
}

/* False: nobody asked for it. */
static bool
take_response(struct edge *e, const struct edge_source *src)
{
	const struct sip_msg *m = &e->rx;
	struct txn_key key;
	struct edge_txn *t = NULL;

	if (txn_client_key(m->via.branch, str_from(sip_method_name(m->cseq_method)), &key) ==
	    ERR_OK)
		t = send_find_txn(e, &key);
	if (!t || t->server || t->m.state == TXN_NEW)
		return false;
	if (!GUARD(A4, was_asked(e, t, src)))
		return false;
	oc_take(&e->oc, &m->via, t->dest.transport == EDGE_UDP ? &t->to : &src->remote,
		t->dest.transport, loop_now(e->loop));
	attempt_answered(t);
	if (m->status == 503 && attempt_on_503(t, m))
		return true;
	if (m->status == 401 || m->status == 407) {
		if (auth_on_challenge(t, m))
			return true;
	} else {
		auth_taken(t);
	}
	t->src = *src;
	if (t->widened) { /* only this one: the next ones are small again */
		t->src.transport = EDGE_UDP;
		t->src.conn = 0;
	}
	t->src.account = snapshot_account(e->snap, str_from(src->account_id.z));
	t->src.trunk = snapshot_trunk(e->snap, str_from(t->dest.trunk.z));
	send_do(t, txn_client_step(&t->m, txn_event_of(m->status), loop_now(e->loop)), m);
	/* borrowed of the connection: t is still there, if only until the end of the iteration */
	t->src.tls_version = t->src.tls_suite = t->src.tls_peer = "";
	return true;
}

/* ---- identity of what came in ---- */

static uint32_t
pick_trunk(struct edge *e, const struct identity *id, const struct edge_source *src)
{
	const struct sip_msg *m = &e->rx;
	struct number calling;
	const struct conn *c = src->transport == EDGE_TLS ? conns_find(&e->conns, src->conn) : NULL;
	struct identity_request rq = {.source = src->remote};

	if (c && c->inbound && c->zone < e->conf.n_zones)
		rq.zone = str_from(e->zone_fqdn[c->zone]);
	if (m->request) {
		rq.host = m->uri.host;
		if (number_read_uri(&e->conf.numbers, &m->from.uri, &calling) == ERR_OK)
			rq.calling = str_from(calling.z);
	}
	return identity_pick(e->snap, id, &rq);
}

/* What of a peer that may make no new calls still goes up: what belongs to its running ones. */
static bool
is_in_dialog(const struct sip_msg *m)
{
	return m->to_tag.len || m->method == SIP_ACK || m->method == SIP_CANCEL;
}

/* RFC 5923: the peer wants new requests over this connection. Only one that a certificate spoke
 * for may say so. */
static void
note_alias(struct conn *c, const struct sip_msg *m)
{
	struct sip_param param;

	if (c && c->inbound && c->tls && sip_param_find(m->via.params, "alias", &param))
		c->alias = true;
}

/* The trunk of a customer that is switched off, as if it were on. */
static void
take_disabled(struct edge *e, struct edge_source *src)
{
	static const enum trunk_transport transports[] = {
		[EDGE_UDP] = TRUNK_UDP, [EDGE_TCP] = TRUNK_TCP, [EDGE_TLS] = TRUNK_TLS};

	src->trunk = identity_pick_disabled(e->snap, &src->account_id, transports[src->transport],
					    &src->remote);
	if (src->trunk != POLICY_NONE)
		src->account = e->snap->trunk[src->trunk].account;
}

/* Is this host one of ours: an address of a listener, a zone, a name of the configuration? */
static bool
is_our_host(const struct edge *e, struct str host)
{
	struct addr ip;

	if (addr_parse_ip(host, &ip) == ERR_OK) {
		for (uint32_t i = 0; i < e->conf.n_listeners; i++)
			if (addr_ip_eq(&ip, &e->conf.listeners[i].advertised) ||
			    addr_ip_eq(&ip, &e->conf.listeners[i].bound))
				return true;
		return false;
	}
	for (uint32_t i = 0; i < e->conf.n_zones; i++)
		if (str_ieqz(host, e->zone_fqdn[i]))
			return true;
	for (uint32_t i = 0; i < e->conf.n_names; i++)
		if (str_ieqz(host, e->conf.names[i]))
			return true;
	return false;
}

/* A carrier's new request must be meant for us: an address alone proves little (A8). Customers'
 * requests may name their own domain; tel: and urn: name none. */
static bool
is_for_us(const struct edge *e, const struct sip_msg *m, const struct identity *id)
{
	return id->account_id.z[0] || is_in_dialog(m) || m->uri.host.len == 0 ||
	       is_our_host(e, m->uri.host);
}

static void
refuse_host(struct edge *e, const struct reply_path *p, const struct sip_msg *m)
{
	char why[HOST_SHOWN_MAX + 160];
	struct str host = str_sub(m->uri.host, 0, HOST_SHOWN_MAX);
	struct buf b;

	buf_init(&b, why, sizeof(why));
	buf_z(&b, "the Request-URI names ");
	for (size_t i = 0; i < host.len; i++)
		buf_char(&b,
			 ascii_alnum(host.p[i]) || strchr("-._:[]", host.p[i]) ? host.p[i] : '?');
	buf_z(&b, ", which is none of this node; where it is, add it to names in postern.yaml");
	reply_bad(e, p, m, 403, buf_cstr(&b));
}

/* Is this the sent-by of our own Vias? */
static bool
is_our_via(const struct edge *e, const struct sip_via *via)
{
	uint16_t port = via->port ? via->port : via->transport == SIP_TLS ? 5061 : 5060;
	struct addr ip;

	if (addr_parse_ip(via->host, &ip) != ERR_OK)
		return false;
	for (uint32_t i = 0; i < e->conf.n_listeners; i++)
		if (addr_ip_eq(&ip, &e->conf.listeners[i].advertised) &&
		    port == e->conf.listeners[i].advertised.port)
			return true;
	return false;
}

/* A new call that proxies sent here again and again. It may come back rightly, for another
 * customer of ours, but not forever: Max-Forwards alone would let one call hold seventy. A call for
 * help goes on as long as that does. */
static bool
goes_round(struct edge *e, const struct sip_msg *m)
{
	struct sip_iter it;
	struct sip_via via;
	unsigned passes = 0;

	if (m->method != SIP_INVITE || m->to_tag.len || edge_is_emergency(e, m))
		return false;
	sip_iter_init(&it, m, SIP_H_VIA);
	while (passes < PASSES_MAX && sip_iter_via(&it, &via) == ERR_OK)
		passes += is_our_via(e, &via);
	return passes == PASSES_MAX;
}

/* Was this call for help, which never goes up, told before, as a copy? */
static bool
told_before(struct edge *e, const struct sip_msg *m)
{
	uint64_t h = hash_of(&e->by_key, m->head), now = loop_now(e->loop);
	struct edge_lost *oldest = &e->lost[0];

	for (size_t i = 0; i < ARRAY_LEN(e->lost); i++) {
		if (e->lost[i].hash == h && now < e->lost[i].until)
			return true;
		if (e->lost[i].until < oldest->until)
			oldest = &e->lost[i];
	}
	*oldest = (struct edge_lost){.hash = h, .until = now + EDGE_LOST_US};
	return false;
}

/* No trunk of its peer is there for this request: which of the reasons is it? One that calls for
 * help is told so that it takes another way, and somebody hears of it. */
static void
refuse_request(struct edge *e, const struct reply_path *p, const struct edge_source *src,
	       const struct identity *id)
{
	struct sip_msg *m = &e->rx;
	bool help = id->account_id.z[0] && edge_is_emergency(e, m);
	char mem[CONN_BAR_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem) - 1);
	if (p->conn && conn_barred(p->conn))
		conn_put_bar(p->conn, &b);
	else if (id->n_trunks == 0)
		buf_z(&b, "the account or trunk that has this source address is switched off");
	else
		buf_z(&b,
		      "the account has no trunk of its own here, and the calling number is none "
		      "of an account below it");
	mem[b.len] = 0;
	reply_bad(e, p, m, help ? ACCOUNT_EMERGENCY_STATUS : 403, mem);
	if (help && e->up.on_lost_call && !told_before(e, m))
		e->up.on_lost_call(e->up.arg, m, src, mem);
}

/* A call for help that cannot be read must not get lost without a word. */
static void
note_lost_call(struct edge *e, struct edge_source *src, const struct identity *id)
{
	const struct sip_msg *m = &e->rx;

	if (!id->account_id.z[0] || !edge_is_emergency(e, m) || !e->up.on_lost_call ||
	    told_before(e, m))
		return;
	src->trunk = pick_trunk(e, id, src);
	if (src->trunk == POLICY_NONE)
		take_disabled(e, src);
	else
		src->account = e->snap->trunk[src->trunk].account;
	if (src->trunk != POLICY_NONE)
		e->up.on_lost_call(e->up.arg, m, src, m->why);
}

/* While there is too much to do: is it over with this request before anything else is done about
 * it? A new call that is refused, the ACK of such a one. Neither is shown: who looks for it finds
 * the alarm. */
static bool
ends_early(struct edge *e, struct reply_path *p, const struct edge_source *src)
{
	const struct sip_msg *m = &e->rx;
	struct txn_key key;

	if (!shed_is_on(e))
		return false;
	if (reply_is_acked(e, m))
		return true;
	if (m->method != SIP_INVITE || m->to_tag.len || edge_is_emergency(e, m) ||
	    edge_txn_key(m, scope_of(e, src), false, &key) != ERR_OK || send_find_txn(e, &key))
		return false;
	p->judged = true;
	return shed_refuses(e, p, src, m, &key);
}

static void
show_in(const struct edge *e, const struct edge_source *src, struct str bytes)
{
	edge_show(e, &(struct edge_seen){.transport = src->transport,
					 .peer = src->remote,
					 .local = src->local,
					 .bytes = bytes});
}

/* id without trunks: no new calls. */
static void
take_message(struct edge *e, struct reply_path *p, struct edge_source *src,
	     const struct identity *id, struct str bytes)
{
	struct sip_msg *m = &e->rx;
	struct share_peer *peer;
	bool readable;

	metric_add(METRIC_sip_rx, 1);
	src->account_id = id->account_id;
	peer = peer_of(e, src);
	p->weight = src->account_id.z[0] ? 1 : SHARE_CARRIER;
	shed_note(e, p);
	p->shown = !shed_is_on(e);
	if (p->shown)
		show_in(e, src, bytes);
	readable = edge_read(e, bytes, m);
	if (readable && m->request) {
		shed_charge(e, peer, p->weight, src);
		p->peer = peer;
		if (ends_early(e, p, src))
			return;
	}
	if (!p->shown)
		show_in(e, src, bytes);
	p->shown = true;
	if (!readable) {
		metric_add(METRIC_sip_bad, 1);
		shed_charge(e, peer, p->weight, src);
		reply_bad(e, p, m, m->answer, m->why);
		note_lost_call(e, src, id);
		return;
	}
	if (!m->request) { /* one that we asked for is our doing */
		if (!take_response(e, src))
			shed_charge(e, peer, p->weight, src);
		return;
	}
	note_alias(p->conn, m);
	src->trunk = pick_trunk(e, id, src);
	src->account = src->trunk == POLICY_NONE ? id->account : e->snap->trunk[src->trunk].account;
	if (src->trunk == POLICY_NONE) /* the index may be of earlier accounts */
		src->account = id->account_id.z[0]
				       ? snapshot_account(e->snap, str_from(id->account_id.z))
				       : POLICY_NONE;
	if (src->trunk == POLICY_NONE && edge_is_emergency(e, m))
		take_disabled(e, src);
	if (src->trunk == POLICY_NONE && !is_in_dialog(m))
		refuse_request(e, p, src, id);
	else if (!GUARD(A8, is_for_us(e, m, id)))
		refuse_host(e, p, m);
	else if (goes_round(e, m))
		reply_bad(
			e, p, m, 482,
			"it came from here three times already: see where the far side routes the "
			"number, and Via");
	else
		take_request(e, p, src);
}

void
receive_datagram(void *arg, struct listener *l, const struct addr *from, const struct addr *to,
		 const struct identity *id, struct str bytes)
{
	struct edge *e = arg;
	struct reply_path p = {.listener = l, .from = *from, .to = *to, .since = l->udp.since};
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

/* ---- connections ---- */

static struct edge_source
source_of(const struct conn *c)
{
	return (struct edge_source){.remote = c->remote,
				    .local = c->local,
				    .transport = c->tls ? EDGE_TLS : EDGE_TCP,
				    .listener = c->listener,
				    .conn = c->id,
				    .tls_version = c->tls_version,
				    .tls_suite = c->tls_suite,
				    .tls_peer = c->peer};
}

static struct identity
identity_of(const struct conn *c)
{
	struct identity id = c->identity;

	id.account_id = c->account;
	if (conn_barred(c))
		id.n_trunks = 0;
	return id;
}

static void
take_conn_message(void *arg, struct conn *c, struct str bytes)
{
	struct edge *e = arg;
	struct reply_path p = {
		.conn = c, .from = c->remote, .to = c->local, .since = loop_ready_since(e->loop)};
	struct edge_source src = source_of(c);
	struct identity id = identity_of(c);

	if (e->snap) /* else nobody could connect */
		take_message(e, &p, &src, &id, bytes);
}

/* A request that never became a whole message: what can be read of it is answered, and a call for
 * help is told. */
static void
refuse_rest(struct edge *e, struct conn *c)
{
	struct reply_path p = {.conn = c, .from = c->remote, .to = c->local};
	struct edge_source src = source_of(c);
	struct identity id = identity_of(c);
	struct sip_msg *m = &e->rx;

	if (!e->snap)
		return;
	src.account_id = id.account_id;
	if (sip_msg_parse(str_sub(sip_frame_rest(&c->frame), 0, SIP_MSG_MAX), m) == ERR_OK) {
		m->why = "no Content-Length, which a message over a stream must have";
		m->answer = m->request ? 400 : 0;
	}
	if (c->stream && m->answer)
		reply_refuse(e, &p, m, m->answer, m->why);
	note_lost_call(e, &src, &id);
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
	refuse_rest(e, c);
}

static void
tell_link(struct edge *e, const struct conn *c, bool up)
{
	if (c->account.z[0] && e->up.on_account_link && !conns_has_other(&e->conns, c))
		e->up.on_account_link(e->up.arg, &c->account, up);
}

static void
open_conn(void *arg, struct conn *c)
{
	tell_link(arg, c, true);
	path_conn_open(arg, c);
}

static void
end_conn(void *arg, struct conn *c, const char *why)
{
	struct edge *e = arg;
	uint64_t left_out;

	if (guard_may_log(&e->guard, GUARD_CONNECTION, loop_now(e->loop), &left_out))
		log_info("conn.down", "conn=%llu peer=%s account=%s why=%s left out %llu lines",
			 (unsigned long long)c->id, addr_text(&c->remote).z, c->account.z, why,
			 (unsigned long long)left_out);
	if (c->state == CONN_OPEN)
		tell_link(e, c, false);
	path_conn_down(e, c, why);
}

void
receive_conn_calls(struct edge *e, struct conn_up *out)
{
	*out = (struct conn_up){.arg = e,
				.on_message = take_conn_message,
				.on_open = open_conn,
				.on_down = end_conn,
				.on_garbage = note_garbage,
				.on_undialled = shake_undialled};
}
