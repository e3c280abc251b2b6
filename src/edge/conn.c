#include "edge/conn.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"

enum { CONN_CHUNKS_PER = 2 /* send queue pieces of 8 KiB a connection, shared by all */ };

static void cut_slow(struct timer *t, uint64_t now_us);
static void on_ping_time(struct timer *t, uint64_t now_us);
static void end_rest(struct timer *t, uint64_t now_us);

enum err
conns_init(struct conns *cs, struct loop *loop, struct resolver *resolver, struct cards *cards,
	   uint32_t max, uint64_t dial_us, const struct conn_up *up)
{
	*cs = (struct conns){.loop = loop,
			     .resolver = resolver,
			     .cards = cards,
			     .up = *up,
			     .dial_us = dial_us ? dial_us : CONN_DIAL_US};
	list_init(&cs->all);
	list_init(&cs->big);
	list_init(&cs->resting);
	cs->rest_timer.on_due = end_rest;
	max += CONN_CLEAR_SPARE;
	if (pool_init(&cs->pool, max, sizeof(struct conn)) != ERR_OK ||
	    pool_init(&cs->large, CONN_LARGE_BUFS + CONN_LARGE_SPARE, SIP_FRAME_BUF) != ERR_OK ||
	    pool_init(&cs->searches, CONN_SEARCHES, sizeof(struct locate_names)) != ERR_OK ||
	    hash_init(&cs->by_id, max) != ERR_OK || hash_init(&cs->by_owner, max) != ERR_OK)
		return ERR_NOMEM;
	return stream_pool_init(&cs->streams, loop, NULL, max + CONN_SPARE,
				max * CONN_CHUNKS_PER + 64);
}

void
conn_free(struct conn *c)
{
	struct conns *cs = c->owner;

	locate_stop(&c->locate);
	loop_timer_stop(cs->loop, &c->slow);
	loop_timer_stop(cs->loop, &c->ping_timer);
	stream_close(&c->stream);
	cards_free(cs->cards, c->card);
	tls_ctx_unref(&c->client);
	pool_put(&cs->large, c->large);
	list_del(&c->big);
	list_del(&c->rest);
	hash_del(&cs->by_id, &c->by_id);
	hash_del(&cs->by_owner, &c->by_owner);
	list_del(&c->node);
	pool_put(&cs->pool, c);
	metric_set(METRIC_conn_open, pool_used(&cs->pool));
}

void
conns_fini(struct conns *cs)
{
	if (cs->pool.mem)
		LIST_EACH(it, &cs->all)
	conn_free(CONTAINER_OF(it, struct conn, node));
	if (cs->loop)
		loop_timer_stop(cs->loop, &cs->rest_timer);
	stream_pool_fini(&cs->streams);
	pool_fini(&cs->pool);
	pool_fini(&cs->large);
	pool_fini(&cs->searches);
	hash_fini(&cs->by_id);
	hash_fini(&cs->by_owner);
}

static uint64_t
owner_hash(const struct conns *cs, const struct policy_id *account, const struct policy_id *trunk)
{
	return hash_of(&cs->by_owner, str_from(account->z[0] ? account->z : trunk->z));
}

struct conn *
conn_new(struct conns *cs, const struct policy_id *account, const struct policy_id *trunk,
	 bool spare)
{
	struct conn *c = NULL;

	if (spare || cs->pool.n_free > CONN_CLEAR_SPARE)
		c = pool_get(&cs->pool);
	if (!c)
		return NULL;
	c->owner = cs;
	c->id = ++cs->next_id;
	c->card = CARD_NONE;
	c->account = *account;
	c->trunk = *trunk;
	c->slow.on_due = cut_slow;
	c->ping_timer.on_due = on_ping_time;
	list_init(&c->waiting);
	list_init(&c->busy);
	list_init(&c->big);
	list_init(&c->rest);
	load_init(&c->load);
	list_add(&cs->all, &c->node);
	hash_add(&cs->by_id, &c->by_id, hash_of(&cs->by_id, str_of(&c->id, sizeof(c->id))));
	hash_add(&cs->by_owner, &c->by_owner, owner_hash(cs, account, trunk));
	sip_frame_init(&c->frame, c->small, sizeof(c->small));
	metric_set(METRIC_conn_open, pool_used(&cs->pool));
	return c;
}

void
conn_close(struct conn *c, const char *why)
{
	if (c->closing)
		return;
	c->closing = true;
	c->owner->up.on_down(c->owner->up.arg, c, why);
	conn_free(c);
}

/* ---- bytes ---- */

/* A peer: an account, or the address of a carrier. */
static bool
same_peer(const struct conn *a, const struct conn *b)
{
	return strcmp(a->account.z, b->account.z) == 0 &&
	       (a->account.z[0] || addr_ip_eq(&a->remote, &b->remote));
}

/* The message in hand does not fit: go on in a large buffer, of which nobody gets all. */
static bool
grow_frame(struct conn *c)
{
	struct conns *cs = c->owner;
	uint32_t n = 0;

	if (c->large)
		return false;
	LIST_EACH(it, &cs->big)
	n += same_peer(c, CONTAINER_OF(it, struct conn, big));
	if (n >= CONN_LARGE_PER_PEER || (c->tls && cs->large.n_free <= CONN_LARGE_SPARE))
		return false;
	c->large = pool_get(&cs->large);
	if (!c->large)
		return false;
	list_add(&cs->big, &c->big);
	return sip_frame_move(&c->frame, c->large, SIP_FRAME_BUF) == ERR_OK;
}

/* Back, where what is begun may fit: not only between messages, which a busy peer never shows. */
static void
shrink_frame(struct conn *c)
{
	if (!c->large || sip_frame_pending(&c->frame) > CONN_SMALL / 2 ||
	    c->frame.total > CONN_SMALL)
		return;
	if (sip_frame_move(&c->frame, c->small, sizeof(c->small)) == ERR_OK) {
		pool_put(&c->owner->large, c->large);
		c->large = NULL;
		list_del(&c->big);
	}
}

static void
cut_slow(struct timer *t, uint64_t now_us)
{
	struct conn *c = CONTAINER_OF(t, struct conn, slow);

	(void)now_us;
	c->owner->up.on_garbage(c->owner->up.arg, c, ERR_TIMEOUT);
	conn_close(c, "a message was begun and not finished in time");
}

/* messages: cut before this read. */
static void
watch_slow(struct conn *c, uint64_t messages)
{
	struct loop *l = c->owner->loop;

	if (sip_frame_pending(&c->frame) == 0)
		loop_timer_stop(l, &c->slow);
	else if ((!timer_is_set(&c->slow) || c->messages != messages) &&
		 loop_timer(l, &c->slow, CONN_MESSAGE_US) != ERR_OK)
		log_error("conn.timer", "no timer left for a connection");
}

/* ---- keepalive ---- */

static void
arm_ping(struct conn *c)
{
	struct loop *l = c->owner->loop;

	if (c->ping.due == UINT64_MAX)
		loop_timer_stop(l, &c->ping_timer);
	else if (timer_set(&l->timers, &c->ping_timer, c->ping.due) != ERR_OK)
		log_error("conn.timer", "no timer left for a connection");
}

static void
on_ping_time(struct timer *t, uint64_t now_us)
{
	struct conn *c = CONTAINER_OF(t, struct conn, ping_timer);

	switch (ping_step(&c->ping, random_u32(), now_us)) {
	case PING_SEND:
		(void)!conn_send(c, STR("\r\n\r\n"));
		break;
	case PING_CLOSE:
		conn_close(c, "no pong came back, and it used to");
		return;
	case PING_WAIT:
		break;
	}
	arm_ping(c);
}

/* ---- cutting ---- */

/* Hands on what is complete. False: the connection is gone. */
static bool
cut_messages(struct conns *cs, uint64_t id, int *pongs)
{
	for (;;) {
		struct conn *c = conns_find(cs, id);
		enum sip_frame_event ev;
		struct str msg;
		enum err e;

		if (!c)
			return false;
		e = sip_frame_next(&c->frame, &ev, &msg);
		if (e != ERR_OK) {
			cs->up.on_garbage(cs->up.arg, c, e);
			conn_close(c, "sent bytes that are no SIP message");
			return false;
		}
		if (ev == SIP_FRAME_MORE)
			return true;
		if (ev == SIP_FRAME_CRLF)
			ping_on_crlf(&c->ping);
		if (ev == SIP_FRAME_PING)
			ping_on_ping(&c->ping);
		if (ev == SIP_FRAME_PING && (*pongs)++ < CONN_PONGS)
			(void)!conn_send(c, STR("\r\n"));
		if (ev != SIP_FRAME_MESSAGE)
			continue;
		c->messages++;
		cs->up.on_message(cs->up.arg, c, msg);
	}
}

void
conn_take_bytes(void *arg, struct str bytes)
{
	struct conn *c = arg;
	struct conns *cs = c->owner;
	uint64_t id = c->id, messages = c->messages;
	int pongs = 0;

	ping_heard(&c->ping);
	c->mute = false;
	while (bytes.len) {
		size_t n = sip_frame_feed(&c->frame, bytes);

		bytes = str_from_at(bytes, n);
		if (!cut_messages(cs, id, &pongs))
			return;
		if (n == 0 && !grow_frame(c)) {
			cs->up.on_garbage(cs->up.arg, c, ERR_NOMEM);
			conn_close(c, "no buffer is left for a message of this size");
			return;
		}
	}
	shrink_frame(c);
	watch_slow(c, messages);
}

void
conn_stream_closed(void *arg, enum stream_end why, int error)
{
	struct conn *c = arg;
	char text[CONN_TEXT];

	c->stream = NULL;
	(void)snprintf(text, sizeof(text), "%s%s%s", stream_end_text(why), error ? ": " : "",
		       error ? strerror(error) : "");
	if (c->state == CONN_OPEN && sip_frame_pending(&c->frame))
		c->owner->up.on_garbage(c->owner->up.arg, c, ERR_CLOSED);
	conn_close(c, text);
}

void
conn_opened(struct conn *c)
{
	struct conns *cs = c->owner;

	c->state = CONN_OPEN;
	c->local = *stream_local(c->stream);
	ping_begin(&c->ping, cs->ping_us, random_u32(), loop_now(cs->loop));
	arm_ping(c);
	cs->up.on_open(cs->up.arg, c);
}

static const struct stream_calls stream_calls = {.on_data = conn_take_bytes,
						 .on_close = conn_stream_closed};

enum err
conn_send(struct conn *c, struct str bytes)
{
	if (c->state != CONN_OPEN)
		return ERR_STATE;
	return stream_send(c->stream, bytes);
}

/* ---- resting ---- */

static void
end_rest(struct timer *t, uint64_t now_us)
{
	struct conns *cs = CONTAINER_OF(t, struct conns, rest_timer);
	struct list *n;

	(void)now_us;
	while ((n = list_shift(&cs->resting)) != NULL)
		stream_pause(CONTAINER_OF(n, struct conn, rest)->stream, false);
}

void
conn_rest(struct conn *c, uint64_t until_us)
{
	struct conns *cs = c->owner;

	if (!c->stream || !list_empty(&c->rest))
		return;
	if (!timer_is_set(&cs->rest_timer) &&
	    timer_set(&cs->loop->timers, &cs->rest_timer, until_us) != ERR_OK)
		return; /* no timer is left to go on by */
	stream_pause(c->stream, true);
	list_add(&cs->resting, &c->rest);
}

/* ---- inbound ---- */

static bool
has_so_many(const struct conns *cs, const struct policy_id *account, uint32_t max)
{
	uint32_t n = 0;

	for (struct hash_node *h = hash_first(&cs->by_owner, owner_hash(cs, account, account));
	     h && n < max; h = hash_next(h))
		n += strcmp(CONTAINER_OF(h, struct conn, by_owner)->account.z, account->z) == 0;
	return n >= max;
}

/* One account does not get all connections. */
static bool
has_share(const struct conns *cs, const struct policy_id *account)
{
	uint32_t max = (cs->pool.n - CONN_CLEAR_SPARE) / CONN_SHARE;

	return has_so_many(cs, account, max < CONN_SHARE_MIN ? CONN_SHARE_MIN : max);
}

/* May its emergency calls come over one of the spare connections? */
static bool
may_spare(const struct conns *cs, const struct conn_taken *taken, const struct identity *id)
{
	return taken->clear && taken->customer && id->account_id.z[0] &&
	       !has_so_many(cs, &id->account_id, CONN_CLEAR_EACH);
}

static enum err
new_taken(struct conns *cs, const struct conn_taken *taken, const struct identity *id,
	  struct conn **out)
{
	struct policy_id none = {"-"}; /* carriers: found by id only */
	struct conn *c;

	if (id->account_id.z[0] && has_share(cs, &id->account_id))
		return ERR_FULL;
	c = conn_new(cs, id->account_id.z[0] ? &id->account_id : &none, &none,
		     may_spare(cs, taken, id));
	if (!c)
		return ERR_NOMEM;
	c->account = id->account_id;
	c->inbound = true;
	c->state = CONN_OPEN;
	c->listener = taken->listener;
	c->customer = taken->customer;
	c->remote = taken->peer;
	c->local = taken->local;
	c->identity = *id;
	*out = c;
	return ERR_OK;
}

enum err
conns_accept(struct conns *cs, const struct conn_taken *taken, const struct identity *id)
{
	struct conn *c;
	enum err e = new_taken(cs, taken, id, &c);

	if (e != ERR_OK)
		return e;
	e = stream_adopt(&cs->streams, taken->fd, &stream_calls, c, &c->stream);
	if (e != ERR_OK)
		conn_free(c);
	else
		conn_opened(c);
	return e;
}

/* Does its account care? A carrier's own connection is judged as strictly as the default. */
static bool
wants_revocation(const struct conn *c)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t a =
		v && c->account.z[0] ? snapshot_account(v, str_from(c->account.z)) : POLICY_NONE;

	return a == POLICY_NONE || v->account[a].tls_revocation != TLS_REVOCATION_OFF;
}

static void
look_up(struct conn *c, const struct tls_trust *t)
{
	bool was = c->revoked;

	c->revoked = c->n_ids && t && wants_revocation(c) && tls_trust_revoked(t, c->ids, c->n_ids);
	if (c->revoked && !was)
		log_warn("conn.revoked",
			 "peer=%s account=%s no new calls: a certificate of its chain is revoked",
			 addr_text(&c->remote).z, c->account.z);
}

void
conn_keep_tls(struct conn *c, const struct tls_record *r)
{
	const char *names = r->n_chain ? r->chain[0].names : "";
	struct tls_trust *t;

	(void)!str_copyz(c->tls_version, sizeof(c->tls_version),
			 str_from(tls_version_name(r->version)));
	(void)!str_copyz(c->tls_suite, sizeof(c->tls_suite), str_from(r->suite_name));
	(void)!str_copyz(c->peer, sizeof(c->peer), str_sub(str_from(names), 0, CONN_TEXT - 1));
	memcpy(c->ids, r->ids, sizeof(c->ids));
	c->n_ids = r->n_ids;
	c->not_after_us = r->until_us;
	/* the lists may have changed since it was judged */
	t = c->owner->trust ? tls_trust_box_get(c->owner->trust) : NULL;
	look_up(c, t);
	tls_trust_unref(&t);
}

enum err
conns_accept_tls(struct conns *cs, struct tls_result *res, uint32_t listener,
		 const struct identity *id)
{
	struct conn_taken taken = {.peer = res->record.peer,
				   .local = res->record.local,
				   .listener = listener,
				   .customer = cs->cards->listener[listener].customer};
	struct conn *c;
	enum err e = new_taken(cs, &taken, id, &c);

	if (e != ERR_OK)
		return e;
	c->tls = true;
	c->zone = res->record.zone;
	conn_keep_tls(c, &res->record);
	e = stream_adopt_tls(&cs->streams, &res->conn, &stream_calls, c, &c->stream);
	if (e != ERR_OK) {
		conn_free(c);
		return e;
	}
	c->card = res->verdict.account;
	conn_opened(c);
	return ERR_OK;
}

/* ---- finding ---- */

/* The trunk it was dialled for, as long as that is on. */
bool
conn_identify_dialled(const struct conns *cs, const struct conn *c, struct identity *out)
{
	const struct snapshot_view *v = cs->snap;
	uint32_t i = v ? snapshot_trunk(v, str_from(c->trunk.z)) : POLICY_NONE;
	const struct account *a = NULL;

	if (i == POLICY_NONE || !v->trunk[i].enabled)
		return false;
	if (v->trunk[i].account != POLICY_NONE)
		a = &v->account[v->trunk[i].account];
	if (a && (!a->enabled || (c->tls && a->tls_srtp < TLS_SRTP_READY)))
		return false;
	*out = (struct identity){.version = v->version,
				 .account = v->trunk[i].account,
				 .n_trunks = 1,
				 .trunk = {i},
				 .account_id = snapshot_account_id(v, v->trunk[i].account)};
	return strcmp(out->account_id.z, c->account.z) == 0;
}

struct conn *
conns_find(const struct conns *cs, uint64_t id)
{
	uint64_t h = hash_of(&cs->by_id, str_of(&id, sizeof(id)));

	for (struct hash_node *n = hash_first(&cs->by_id, h); n; n = hash_next(n)) {
		struct conn *c = CONTAINER_OF(n, struct conn, by_id);

		if (c->id == id)
			return c;
	}
	return NULL;
}

bool
conn_barred(const struct conn *c)
{
	return c->barred || c->unfit || !GUARD(A10, !c->revoked) ||
	       !GUARD(A10, c->not_after_us == 0 || clock_wall_us() < c->not_after_us);
}

/* Without what would end a quoted string. */
static void
put_quotable(struct buf *b, const char *z)
{
	for (; *z; z++)
		buf_char(b, *z == '"' || *z == '\\' || (unsigned char)*z < ' ' ? '\'' : *z);
}

void
conn_put_bar(const struct conn *c, struct buf *b)
{
	if (c->barred)
		put_quotable(b, c->barred_why);
	else if (c->revoked)
		buf_z(b, "a certificate of this connection's chain is revoked");
	else if (c->unfit)
		put_quotable(b, c->why);
	else
		buf_z(b, "the certificate of this connection has expired");
}

void
conns_recheck(struct conns *cs)
{
	struct tls_trust *t = cs->trust ? tls_trust_box_get(cs->trust) : NULL;

	LIST_EACH(it, &cs->all)
	look_up(CONTAINER_OF(it, struct conn, node), t);
	tls_trust_unref(&t);
}

/* Do the trunks of an accepted peer hold this one? Where the accounts no longer say, all do. */
static bool
holds_trunk(const struct conns *cs, const struct conn *c, const struct policy_id *trunk)
{
	uint32_t want = cs->snap ? snapshot_trunk(cs->snap, str_from(trunk->z)) : POLICY_NONE;

	if (c->barred || want == POLICY_NONE)
		return true;
	for (uint32_t i = 0; i < c->identity.n_trunks; i++)
		if (c->identity.trunk[i] == want)
			return true;
	return false;
}

bool
conn_addr_in(const struct addr *a, const struct addr *set, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (addr_eq(a, &set[i]))
			return true;
	return false;
}

void
conn_set_mute(struct conn *c)
{
	c->mute = true;
}

/* One that we dialled for the same: what it shows of us and wants of the peer is in the key. */
static bool
is_pooled(const struct conn *c, const struct conn_want *w)
{
	struct str reference = w->reference.len ? w->reference : w->host;

	if (strcmp(c->trunk.z, w->trunk.z) != 0)
		return false;
	if (w->in_dialog && w->host.len == 0)
		return true;
	return c->listener == w->listener && c->hide == w->hide && w->port == c->port &&
	       str_ieqz(w->host, c->fqdn) && str_ieqz(reference, c->reference) &&
	       (c->state == CONN_DIALLING || !conn_addr_in(&c->remote, w->tried, w->n_tried));
}

/* The parent's own one, which tells its children's requests apart by who calls, and may have no
 * other names. */
static bool
is_of_parent(const struct conn *c, const struct conn_want *w)
{
	return c->inbound && w->parent.z[0] && strcmp(c->account.z, w->parent.z) == 0;
}

bool
conn_fits(const struct conn *c, const struct conn_want *w)
{
	bool own = strcmp(c->account.z, w->account.z) == 0;

	if (c->closing || c->tls != w->tls || (!own && !is_of_parent(c, w)) ||
	    (!w->in_dialog && (conn_barred(c) || c->mute)))
		return false;
	if (!c->inbound)
		return is_pooled(c, w);
	return (w->in_dialog || w->inbound || c->alias) && w->account.z[0] &&
	       ((w->in_dialog && !own) || holds_trunk(c->owner, c, &w->trunk));
}

/* Is a the better one of two that may carry it? */
static bool
is_better(const struct conn *a, const struct conn *b)
{
	if (a->barred != b->barred)
		return !a->barred;
	if (a->state != b->state)
		return a->state == CONN_OPEN;
	return a->id > b->id;
}

/* The best one of this account. */
static struct conn *
best_of(const struct conns *cs, const struct policy_id *account, const struct conn_want *w)
{
	uint64_t h = owner_hash(cs, account, &w->trunk);
	struct conn *best = NULL;

	for (struct hash_node *n = hash_first(&cs->by_owner, h); n; n = hash_next(n)) {
		struct conn *c = CONTAINER_OF(n, struct conn, by_owner);

		if (conn_fits(c, w) && (!best || is_better(c, best)))
			best = c;
	}
	return best;
}

struct conn *
conns_of(const struct conns *cs, const struct conn_want *w)
{
	struct conn *c = best_of(cs, &w->account, w), *above = NULL;

	if (w->parent.z[0] && (!c || c->state != CONN_OPEN))
		above = best_of(cs, &w->parent, w);
	return above ? above : c;
}

bool
conns_has_other(const struct conns *cs, const struct conn *c)
{
	uint64_t h = owner_hash(cs, &c->account, &c->trunk);

	for (struct hash_node *n = hash_first(&cs->by_owner, h); n; n = hash_next(n)) {
		const struct conn *o = CONTAINER_OF(n, struct conn, by_owner);

		if (o != c && o->state == CONN_OPEN && strcmp(o->account.z, c->account.z) == 0)
			return true;
	}
	return false;
}

/* Is it who it was, by the accounts of now? Then *out is written; why not is added to why. */
static bool
identify_again(const struct conns *cs, const struct conn *c, struct identity *out, struct buf *why)
{
	const struct card *card = cards_at(cs->cards, c->card);
	enum identity_reason r;

	if (!c->inbound) {
		if (conn_identify_dialled(cs, c, out))
			return true;
		buf_z(why, "the trunk is gone or switched off");
		return false;
	}
	if (card)
		r = cards_identify(cs->cards, card, cs->snap, &c->remote, &c->local,
				   str_from(cs->cards->zone_fqdn[c->zone]), out, why);
	else
		r = identity_of_source(
			cs->snap,
			&(struct identity_origin){
				.kind = c->customer ? TRUNK_CUSTOMER : TRUNK_CARRIER,
				.transport = TRUNK_TCP,
				.listener = str_from(cs->cards->listener[c->listener].name),
				.source = c->remote},
			out, why);
	if (r == IDENTITY_OK && strcmp(out->account_id.z, c->account.z) != 0) {
		buf_printf(why, "it is account %s now", out->account_id.z);
		return false;
	}
	return r == IDENTITY_OK;
}

void
conns_identify(struct conns *cs, const struct snapshot_view *snap)
{
	cs->snap = snap;
	LIST_EACH(it, &cs->all)
	{
		struct conn *c = CONTAINER_OF(it, struct conn, node);
		struct identity id;
		char why[IDENTITY_WHY_MAX];
		bool was = c->barred, known;
		struct buf b;

		buf_init(&b, why, sizeof(why));
		known = identify_again(cs, c, &id, &b);
		if (known)
			c->identity = id;
		else
			(void)!str_copyz(c->barred_why, sizeof(c->barred_why),
					 str_sub(buf_view(&b), 0, sizeof(c->barred_why) - 1));
		c->barred = !GUARD(A10, known);
		if (c->barred && !was)
			log_warn("conn.barred", "peer=%s account=%s no new calls: %s",
				 addr_text(&c->remote).z, c->account.z, buf_cstr(&b));
	}
}

uint32_t
conns_count(const struct conns *cs)
{
	return pool_used(&cs->pool);
}
