#include "edge/path.h"

#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "edge/attempt.h"
#include "edge/auth.h"
#include "edge/dial.h"

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

/* A new call that may go elsewhere, or not at all: it heeds what its target asks (RFC 7339). */
static bool
heeds_oc(const struct edge_txn *t)
{
	return t->method == SIP_INVITE && !t->dest.reuse && !t->dest.emergency && !t->once;
}

/* The way is there: first sending. */
static void
start_client(struct edge_txn *t)
{
	const struct conn *c = conns_find(&t->owner->conns, t->conn);
	const struct addr *to = t->dest.transport == EDGE_UDP || !c ? &t->to : &c->remote;
	enum err err = auth_settle(t);

	if (err != ERR_OK) {
		send_fail_txn(t, err, err_text(err));
		return;
	}
	if (heeds_oc(t) && oc_leaves_out(&t->owner->oc, to, t->dest.transport, random_u32(),
					 loop_now(t->owner->loop))) {
		metric_add(METRIC_calls_left_out, 1);
		attempt_leave(t);
		return;
	}
	if (!t->once) {
		send_do(t, txn_client_step(&t->m, TXN_EV_START, loop_now(t->owner->loop)), NULL);
		if (!t->dead)
			attempt_arm(t);
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
		t->waits = loop_now(t->owner->loop);
		list_add(&c->waiting, &t->wait);
		return;
	}
	list_add(&c->busy, &t->wait);
	attempt_note(t, &c->remote);
	start_client(t);
}

static void
use_located(void *arg)
{
	struct edge_txn *t = arg;
	struct edge *e = t->owner;
	const struct addr *a;

	if (t->locate)
		targets_sort(&e->targets, t->locate->addr, t->locate->n, EDGE_UDP,
			     loop_now(e->loop));
	a = attempt_next(t);
	if (!a) {
		send_fail_txn(t, ERR_NOTFOUND,
			      t->locate && !t->locate->n ? t->locate->why
							 : "no address is left to try");
		return;
	}
	t->to = *a;
	t->src.remote = t->to;
	attempt_note(t, a);
	start_client(t);
}

static uint16_t
port_of(enum edge_transport t)
{
	return t == EDGE_TLS ? 5061 : 5060;
}

/* Host and port of the next hop: the destination's own, else the trunk's location. A customer is
 * called at its A or AAAA record; a carrier's name without a port is looked up by RFC 3263 (port
 * 0). */
static struct str
hop_of(struct edge_txn *t, uint16_t *port)
{
	const struct snapshot_view *v = t->owner->snap;
	uint32_t trunk = t->src.trunk;

	*port = t->dest.port;
	if (!t->dest.host[0] && v && trunk != POLICY_NONE) {
		*port = v->trunk[trunk].port;
		if (!*port && v->trunk[trunk].kind == TRUNK_CUSTOMER)
			*port = port_of(t->dest.transport);
		return snapshot_text(v, v->trunk[trunk].host);
	}
	if (!*port)
		*port = port_of(t->dest.transport);
	return str_from(t->dest.host);
}

/* Its certificate's name where that is not the host; whether ours is shown; whether new requests
 * may go over its own connection: as the trunk says. */
static struct str
terms_of(const struct edge_txn *t, bool *hide, bool *inbound)
{
	const struct snapshot_view *v = t->owner->snap;
	const struct trunk *trunk =
		v && t->src.trunk != POLICY_NONE ? &v->trunk[t->src.trunk] : NULL;

	*hide = trunk && trunk->client_certificate == TRUNK_SHOW_NEVER;
	*inbound = trunk && trunk->reuse == TRUNK_REUSE_INBOUND;
	return trunk ? snapshot_text(v, trunk->reference) : STR_NULL;
}

/* What to dial for t. CONFIG: no zone to connect from; NOTFOUND: the trunk has no location. */
static enum err
dial_of(struct edge_txn *t, struct conn_dial *d)
{
	struct edge *e = t->owner;
	const struct edge_listener_conf *l = &e->listeners.l[t->listener].conf;
	bool inbound;

	*d = (struct conn_dial){.account = t->dest.account,
				.trunk = t->dest.trunk,
				.customer = l->customer,
				.bind = l->bound,
				.keep = !t->dest.host[0],
				.listener = t->listener};
	d->bind.port = 0;
	d->host = hop_of(t, &d->port);
	d->reference = terms_of(t, &d->hide, &inbound);
	if (t->dest.transport == EDGE_TLS)
		d->client = e->conf.zones[l->zone].client;
	if (t->dest.transport == EDGE_TLS && !d->client)
		return ERR_CONFIG;
	return d->host.len ? ERR_OK : ERR_NOTFOUND;
}

/* Which connection will do for t. */
static void
want_of(struct edge_txn *t, struct conn_want *w)
{
	*w = (struct conn_want){.account = t->dest.account,
				.trunk = t->dest.trunk,
				.parent = edge_parent_of(t->owner, &t->dest.account),
				.tls = t->dest.transport == EDGE_TLS,
				.in_dialog = t->dest.reuse,
				.listener = t->listener,
				.tried = t->tried,
				.n_tried = t->n_tried};
	w->reference = terms_of(t, &w->hide, &w->inbound);
	if (!t->dest.reuse || t->dest.host[0])
		w->host = hop_of(t, &w->port);
}

static void find_path(void *arg);

/* ---- too large for a datagram ---- */

/* The Via of our own text; all names have three letters. */
static void
name_transport(struct edge_txn *t, const char *name)
{
	struct str via = STR("\r\nVia: SIP/2.0/");
	size_t at = str_find(str_of(t->req.p, t->req.len), via) + via.len;

	memcpy(t->req.p + at, name, strlen(name));
}

/* Over which listener's side its TCP goes; NULL: it stays as it is: the trunk wants that, we have
 * none, or its TCP failed lately. */
static const struct listener *
wider_listener(struct edge_txn *t)
{
	struct edge *e = t->owner;
	const struct edge_listener_conf *udp = &e->listeners.l[t->listener].conf;
	struct addr to;
	uint16_t port;

	if (t->once || t->narrow || t->req.len <= PATH_UDP_MAX || t->src.trunk == POLICY_NONE ||
	    e->snap->trunk[t->src.trunk].large != TRUNK_LARGE_TCP)
		return NULL;
	if (addr_parse_ip(hop_of(t, &port), &to) == ERR_OK) {
		to.port = port ? port : port_of(EDGE_TCP);
		if (targets_is_down(&e->targets, &to, EDGE_TCP, loop_now(e->loop)))
			return NULL;
	}
	return listeners_for(&e->listeners, &(struct listener_want){.transport = EDGE_TCP,
								    .customer = udp->customer,
								    .zone = UINT32_MAX,
								    .family = udp->bound.family});
}

/* Before it is sent (RFC 3261 18.1.1). Its sent-by stays: the answer comes over the connection. */
static void
widen_txn(struct edge_txn *t)
{
	const struct listener *l = wider_listener(t);

	if (!l)
		return;
	t->widened = true;
	t->udp_listener = t->listener;
	t->listener = l->index;
	t->dest.transport = t->src.transport = EDGE_TCP;
	t->m.reliable = true;
	name_transport(t, "TCP");
}

/* Its connection could not be made: as a datagram after all. */
static void
narrow_txn(struct edge_txn *t)
{
	t->widened = false;
	t->narrow = true;
	t->listener = t->udp_listener;
	t->dest.transport = t->src.transport = EDGE_UDP;
	t->m.reliable = false;
	t->conn = t->waits = 0;
	t->n_tried = 0;
	name_transport(t, "UDP");
	log_info("edge.large", "trunk=%s %s of %zu bytes goes over UDP: no TCP there",
		 t->dest.trunk.z, sip_method_name(t->method), t->req.len);
	find_path(t);
}

static void
dial_trunk(struct edge_txn *t)
{
	struct conn_dial d;
	struct conn *c;
	enum err err = dial_of(t, &d);

	if (err == ERR_CONFIG) { /* never in the clear */
		send_fail_txn(t, err, "no zone is there to connect from");
		return;
	}
	if (err == ERR_NOTFOUND) {
		if (!attempt_wait(t))
			send_fail_txn(t, err,
				      "no connection of the account is there, and the trunk has "
				      "no location to connect to");
		return;
	}
	err = conns_dial(&t->owner->conns, &d, &c);
	if (err != ERR_OK && t->widened)
		narrow_txn(t);
	else if (err == ERR_OK)
		wait_or_start(t, c);
	else if (!attempt_wait(t))
		send_fail_txn(t, err, err_text(err));
}

/* A stream to the next hop: the one that is asked for, one that will do, or a new one. */
static void
find_conn(struct edge_txn *t)
{
	struct edge *e = t->owner;
	struct conn *c = conns_find(&e->conns, t->dest.conn);
	struct conn_want w;

	want_of(t, &w);
	if (!c || c->state != CONN_OPEN ||
	    !identity_speaks_for(t->owner->snap, &c->account, &t->dest.account))
		c = conns_of(&e->conns, &w);
	if (c)
		wait_or_start(t, c);
	else
		dial_trunk(t);
}

static bool
look_up(struct edge_txn *t, const struct locate_want *want)
{
	struct edge *e = t->owner;

	if (!t->locate)
		t->locate = pool_get(&e->locates);
	if (!t->locate)
		return false;
	t->locate->on_located = use_located;
	t->locate->arg = t;
	return locate_start(t->locate, e->loop, e->resolver, &e->conns.searches, want) == ERR_OK;
}

static void
find_path(void *arg)
{
	struct edge_txn *t = arg;
	struct edge *e = t->owner;
	struct locate_want want = {.transport = EDGE_UDP,
				   .family = e->listeners.l[t->listener].conf.bound.family};

	refresh_ids(t);
	if (t->dest.transport == EDGE_UDP)
		widen_txn(t);
	if (t->dest.transport != EDGE_UDP) {
		find_conn(t);
		return;
	}
	if (t->literal.family ||
	    (t->locate && t->locate->n)) { /* the next one of those found before */
		use_located(t);
		return;
	}
	want.host = hop_of(t, &want.port);
	if (addr_parse_ip(want.host, &t->literal) == ERR_OK) {
		t->literal.port = want.port ? want.port : port_of(EDGE_UDP);
		use_located(t);
	} else if (!look_up(t, &want)) {
		send_fail_txn(t, ERR_NOTFOUND, "the next hop cannot be looked up");
	}
}

/* ---- connections of ours that broke ---- */

static void
arm_redial(struct edge *e)
{
	uint64_t due = redial_due(&e->redial);

	if (due == UINT64_MAX)
		loop_timer_stop(e->loop, &e->redial_timer);
	else if (timer_set(&e->loop->timers, &e->redial_timer, due) != ERR_OK)
		log_error("edge.timer", "no timer left to dial again");
}

/* Dial the trunk's own place, unless that was done meanwhile, or is not wanted any more. */
static bool
dial_again(struct edge *e, const struct policy_id *account, const struct policy_id *trunk)
{
	static const enum edge_transport transports[] = {
		[TRUNK_TLS] = EDGE_TLS, [TRUNK_UDP] = EDGE_UDP, [TRUNK_TCP] = EDGE_TCP};
	uint32_t i = e->snap ? snapshot_trunk(e->snap, str_from(trunk->z)) : POLICY_NONE;
	struct edge_txn t = {.owner = e, .dest = {.trunk = *trunk, .account = *account}};
	struct conn_dial d;
	struct conn_want w;
	struct edge_local local;
	struct conn *c;

	if (i == POLICY_NONE || !e->snap->trunk[i].enabled ||
	    edge_local_of(e, i, &local) != ERR_OK || local.transport == EDGE_UDP)
		return false;
	t.src.trunk = i;
	t.listener = local.listener;
	t.dest.transport = transports[e->snap->trunk[i].transport];
	want_of(&t, &w);
	return !conns_of(&e->conns, &w) && dial_of(&t, &d) == ERR_OK &&
	       conns_dial(&e->conns, &d, &c) == ERR_OK;
}

static void
redial_time(struct timer *timer, uint64_t now)
{
	struct edge *e = CONTAINER_OF(timer, struct edge, redial_timer);
	const struct redial_entry *x;

	while ((x = redial_take(&e->redial, now)) != NULL) {
		struct policy_id account = x->account, trunk = x->trunk;

		if (e->listeners.draining || !dial_again(e, &account, &trunk))
			redial_done(&e->redial, &trunk);
	}
	arm_redial(e);
}

static void
keep_conn(struct edge *e, const struct conn *c, bool up)
{
	bool waits = redial_waits(&e->redial, &c->trunk);

	if (up || conn_barred(c))
		redial_done(&e->redial, &c->trunk);
	else if (c->state == CONN_OPEN || waits) /* else the call that dialled it is told */
		redial_lost(&e->redial, &c->account, &c->trunk, random_u32(), loop_now(e->loop));
	arm_redial(e);
}

/* May it go over c, wherever it was sent before? */
static bool
fits_conn(struct edge_txn *t, const struct conn *c)
{
	struct conn_want w;

	refresh_ids(t);
	want_of(t, &w);
	w.n_tried = 0;
	return conn_fits(c, &w);
}

void
path_conn_open(struct edge *e, struct conn *c)
{
	struct list *n;

	if (c->kept)
		keep_conn(e, c, true);
	attempt_wake(e, c, fits_conn);
	while ((n = list_shift(&c->waiting)) != NULL)
		wait_or_start(CONTAINER_OF(n, struct edge_txn, wait), c);
}

/* Where another one is open beside that which broke; some wait for one. */
static bool
goes_on(struct edge_txn *t)
{
	const struct conn *c;
	struct conn_want w;

	refresh_ids(t);
	want_of(t, &w);
	c = t->owner->closing ? NULL : conns_of(&t->owner->conns, &w);
	if (c && c->state == CONN_OPEN && attempt_over_other(t))
		return true;
	return attempt_wait(t);
}

/* t was under way over a connection that is gone. */
static void
lose_conn(struct edge_txn *t)
{
	if (t->stray || attempt_after_loss(t) || goes_on(t))
		return; /* a stray one waits for what may come over the next one */
	attempt_give_up(t);
	/* nothing where an INVITE rings: its answer may come over the next connection */
	send_do(t, txn_client_step(&t->m, TXN_EV_ERROR, loop_now(t->owner->loop)), NULL);
}

void
path_conn_down(struct edge *e, struct conn *c, const char *why)
{
	struct list *n;

	while ((n = list_shift(&c->waiting)) != NULL) {
		struct edge_txn *t = CONTAINER_OF(n, struct edge_txn, wait);

		if (t->widened)
			narrow_txn(t);
		else if (!goes_on(t))
			send_fail_txn(t, ERR_CLOSED, why);
	}
	while ((n = list_shift(&c->busy)) != NULL)
		lose_conn(CONTAINER_OF(n, struct edge_txn, wait));
	if (c->kept)
		keep_conn(e, c, false);
}

void
path_init(struct edge *e)
{
	e->on_again = find_path;
	attempt_init(e);
	e->redial_timer.on_due = redial_time;
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
	l = listeners_for(&e->listeners, &(struct listener_want){.transport = t->dest.transport,
								 .customer = t->dest.account.z[0],
								 .zone = UINT32_MAX});
	if (!l)
		return false;
	*local = edge_local_at(e, l);
	return true;
}

static void
put_request(struct edge_txn *t, struct str msg, const struct edge_local *local, struct buf *b)
{
	char mem[AUTH_LINES_MAX];
	struct buf more;

	buf_init(&more, mem, sizeof(mem));
	auth_put(t, msg, &more);
	b->failed |= more.failed;
	edge_txn_put_via(b, msg, t->dest.transport, &local->advertised, t->branch,
			 &(struct txn_via){.params = heeds_oc(t) ? STR(OC_ASKS) : STR_NULL,
					   .more = buf_view(&more)});
}

static enum err
new_client(struct edge *e, const struct edge_dest *dest, enum sip_method method, struct str msg,
	   bool add_via, struct edge_txn **out)
{
	struct edge_txn *t =
		send_new_txn(e, method == SIP_INVITE ? TXN_CLIENT_INVITE : TXN_CLIENT_OTHER,
			     dest->transport != EDGE_UDP, dest->emergency);
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
		attempt_branch(t->branch);
	}
	buf_init(&b, e->msg, sizeof(e->msg));
	if (add_via)
		put_request(t, msg, &local, &b);
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
	struct txn_key key;
	enum err err = new_client(e, dest, method, msg, true, &t);

	if (err != ERR_OK)
		return err;
	err = txn_client_key(str_from(t->branch), str_from(sip_method_name(method)), &key);
	if (err != ERR_OK) {
		send_end_txn(t);
		return err;
	}
	send_hash_txn(e, t, &key);
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
	loop_timer_stop(t->owner->loop, &t->trying);
	if (t->m.state == TXN_NEW) { /* waits for its path: it never leaves */
		if (t->locate)
			locate_stop(t->locate);
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
	struct edge_dest d = {.emergency = t->spare,
			      .trunk = t->dest.trunk,
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
	struct buf b;

	if (t->dead)
		return;
	todo = txn_server_step(&t->m, txn_event_of((unsigned)status), loop_now(e->loop));
	if (t->oc) {
		buf_init(&b, e->msg, sizeof(e->msg));
		oc_put(&b, msg, share_percent(&e->share, t->held), e->share.changed_us);
		if (buf_end(&b) == ERR_OK)
			msg = buf_view(&b);
	}
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

void
edge_acked(struct edge_txn *t)
{
	if (!t->dead && t->m.state == TXN_ACCEPTED)
		texts_drop(&t->owner->texts, &t->resp);
}
