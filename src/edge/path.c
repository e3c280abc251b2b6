#include "edge/path.h"

#include <string.h>

#include "base/log.h"
#include "base/random.h"

enum { PATH_BRANCH_CHARS = 26 };

/* What the trunk is today; indexes do not outlive a change of the accounts. */
static void
refresh_ids(struct edge_txn *t)
{
	const struct snapshot_view *v = t->owner->snap;

	t->src.trunk = v ? snapshot_trunk(v, str_from(t->dest.trunk.z)) : POLICY_NONE;
	t->src.account = v && t->dest.account.z[0]
				 ? snapshot_account(v, str_from(t->dest.account.z))
				 : POLICY_NONE;
}

/* ---- paths out ---- */

/* The way is there: first sending. */
static void
start_client(struct edge_txn *t)
{
	if (!t->once) {
		send_do(t, txn_client_step(&t->m, TXN_EV_START, loop_now(t->owner->loop)), NULL);
		return;
	}
	if (send_bytes(t, str_of(t->req.p, t->req.len)) != ERR_OK)
		log_debug("edge.once", "not sent");
	send_end_txn(t);
}

static void
wait_or_start(struct edge_txn *t, struct conn *c)
{
	t->conn = c->id;
	t->src.remote = c->remote;
	if (c->state != CONN_OPEN) {
		list_add(&c->waiting, &t->wait);
		return;
	}
	list_add(&c->busy, &t->wait);
	start_client(t);
}

void
path_conn_open(struct conn *c)
{
	struct list *n;

	while ((n = list_shift(&c->waiting)) != NULL)
		wait_or_start(CONTAINER_OF(n, struct edge_txn, wait), c);
}

void
path_conn_down(struct conn *c, const char *why)
{
	struct list *n;

	while ((n = list_shift(&c->waiting)) != NULL)
		send_fail_txn(CONTAINER_OF(n, struct edge_txn, wait), ERR_CLOSED, why);
	while ((n = list_shift(&c->busy)) != NULL) {
		struct edge_txn *t = CONTAINER_OF(n, struct edge_txn, wait);

		/* nothing where an INVITE rings: its answer may come over the next connection */
		send_do(t, txn_client_step(&t->m, TXN_EV_ERROR, loop_now(t->owner->loop)), NULL);
	}
}

static void
use_located(void *arg)
{
	struct edge_txn *t = arg;

	if (t->locate.n == 0) {
		send_fail_txn(t, ERR_NOTFOUND, t->locate.why);
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
	if (t->dest.transport == EDGE_TLS && !d.client) { /* never in the clear */
		send_fail_txn(t, ERR_CONFIG, "no zone is there to connect from");
		return;
	}
	if (d.host.len == 0) {
		send_fail_txn(t, ERR_NOTFOUND,
			      "no connection of the account is there, and the trunk has "
			      "no location to connect to");
		return;
	}
	err = conns_dial(&e->conns, &d, &c);
	if (err != ERR_OK)
		send_fail_txn(t, err, err_text(err));
	else
		wait_or_start(t, c);
}

/* A stream to the next hop: the one that is asked for, one that will do, or a new one. */
static void
find_conn(struct edge_txn *t)
{
	struct edge *e = t->owner;
	struct conn *c = conns_find(&e->conns, t->dest.conn);
	struct conn_want w = {.account = t->dest.account,
			      .trunk = t->dest.trunk,
			      .tls = t->dest.transport == EDGE_TLS,
			      .in_dialog = t->dest.reuse};

	if (!t->dest.reuse || t->dest.host[0])
		w.host = hop_of(t, &w.port);
	if (!c || c->state != CONN_OPEN || strcmp(c->account.z, t->dest.account.z) != 0)
		c = conns_of(&e->conns, &w);
	if (c)
		wait_or_start(t, c);
	else
		dial_trunk(t);
}

static void
find_path(void *arg)
{
	struct edge_txn *t = arg;
	struct edge *e = t->owner;
	uint16_t port;
	struct str host;

	refresh_ids(t);
	if (t->dest.transport != EDGE_UDP) {
		find_conn(t);
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
		send_fail_txn(t, ERR_NOTFOUND, "the next hop is no host");
	}
}

/* Listener that shows in Via; the trunk may be gone while its calls go on. */
static bool
choose_local(struct edge_txn *t, struct edge_local *local)
{
	struct edge *e = t->owner;
	struct listener *l;

	refresh_ids(t);
	if (t->src.trunk != POLICY_NONE && edge_local_of(e, t->src.trunk, local) == ERR_OK &&
	    local->transport == t->dest.transport)
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
		random_token(t->branch + 7, PATH_BRANCH_CHARS);
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
	send_end_txn(t);
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
		send_end_txn(t);
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

static void
give_up(void *arg)
{
	send_fail_txn(arg, ERR_STATE, "cancelled before it was sent");
}

void
edge_cancel(struct edge_txn *t, struct str reason)
{
	if (t->dead)
		return;
	if (t->m.state == TXN_NEW) { /* waits for its path: it never leaves */
		locate_stop(&t->locate);
		list_del(&t->wait);
		t->soon.on_soon = give_up;
		loop_soon(t->owner->loop, &t->soon);
		return;
	}
	(void)!str_copyz(t->reason, sizeof(t->reason), reason);
	send_do(t, txn_client_step(&t->m, TXN_EV_CANCEL, loop_now(t->owner->loop)), NULL);
}

/* ---- responses ---- */

/* The connection of the request is gone and the account has no other one: a new one, to where the
 * request came from, for TLS to the trunk's location (18.2.2). */
static void
respond_elsewhere(struct edge_txn *t)
{
	struct edge_dest d = {.trunk = t->dest.trunk,
			      .account = t->dest.account,
			      .transport = t->src.transport,
			      .reuse = true,
			      .port = t->to.port};
	struct buf host;

	if (t->src.transport == EDGE_UDP)
		return;
	buf_init(&host, d.host, sizeof(d.host));
	if (t->src.transport == EDGE_TCP)
		addr_put_ip(&host, &t->to, false);
	(void)buf_cstr(&host);
	edge_send_once(t->owner, &d, true, str_of(t->resp.p, t->resp.len));
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
	if (t->unsent && status >= 200)
		respond_elsewhere(t);
}

void
edge_respond_again(struct edge_txn *t)
{
	if (t->dead || t->resp.len == 0)
		return;
	send_do(t, txn_server_step(&t->m, TXN_EV_2XX, loop_now(t->owner->loop)), NULL);
	if (t->unsent)
		respond_elsewhere(t);
}
