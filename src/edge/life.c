/* The whole: start, end, and the change of the accounts. */
#include "edge/edge.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/random.h"
#include "edge/auth.h"
#include "edge/enrols.h"
#include "edge/path.h"
#include "edge/polls.h"
#include "edge/receive.h"
#include "edge/shake.h"
#include "edge/stray.h"

/* ---- the accounts change ---- */

static void
swap_in_thread(void *arg)
{
	struct edge *e = arg;

	cards_owns(e->next_snap, &e->trust);
	e->cards.snap = e->next_snap;
}

static void
swap_done(void *arg)
{
	struct edge *e = arg;

	if (e->closing)
		return;
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
	book_on_snapshot(&e->book, snap);
	conns_identify(&e->conns, snap);
	conns_recheck(&e->conns); /* an account may care now, or no more */
	rejudge_all(&e->rejudge); /* behind the swap */
	errands_on_snapshot(e->polls);
	errands_on_snapshot(e->enrols);
	return ERR_OK;
}

/* ---- certificates and timers change ---- */

enum err
edge_work(struct edge *e, void (*do_work)(void *arg), void (*on_done)(void *arg), void *arg)
{
	return handshake_work(e->handshake, do_work, on_done, arg);
}

static void
set_times(struct edge *e, uint64_t t1_us, uint64_t t2_us, uint64_t t4_us)
{
	e->times = (struct txn_times){(uint32_t)t1_us, (uint32_t)t2_us, (uint32_t)t4_us};
}

enum err
edge_on_tune(struct edge *e, const struct edge_tune *t)
{
	struct tls_zones *zones = NULL;

	if (e->conf.n_zones && tls_zones_new(t->server, e->conf.n_zones, &zones) != ERR_OK)
		return ERR_NOMEM;
	tls_zones_unref(&e->zones); /* handshakes in hand hold it, too */
	e->zones = zones;
	e->listeners.zones = zones;
	for (uint32_t i = 0; i < e->conf.n_zones; i++) {
		tls_ctx_unref(&e->conf.zones[i].server);
		tls_ctx_unref(&e->conf.zones[i].client);
		e->conf.zones[i].server = tls_ctx_ref(t->server[i]);
		e->conf.zones[i].client = tls_ctx_ref(t->client[i]);
	}
	set_times(e, t->t1_us, t->t2_us, t->t4_us);
	memcpy(e->conf.trying_us, t->trying_us, sizeof(e->conf.trying_us));
	e->conns.dial_us = t->connect_us ? t->connect_us : CONN_DIAL_US;
	e->conns.ping_us = t->ping_us;
	e->conf.numbers = t->numbers;
	rejudge_all(&e->rejudge);
	return ERR_OK;
}

/* ---- from above ---- */

void
edge_expect(struct edge *e, struct str fqdn)
{
	cards_expect(&e->cards, fqdn);
}

enum err
edge_adopt(struct edge *e, struct tls_result *res, const struct stream_calls *calls, void *arg,
	   struct stream **out)
{
	return stream_adopt_tls(&e->conns.streams, &res->conn, calls, arg, out);
}

void
edge_on_trust(struct edge *e, struct tls_trust *trust)
{
	tls_trust_box_set(&e->trust, trust);
	conns_recheck(&e->conns);
	rejudge_all(&e->rejudge);
}

void
edge_trust(struct edge *e, struct tls_trust **trust, struct tls_owns **owns)
{
	*trust = tls_trust_box_get(&e->trust);
	*owns = tls_trust_box_owns(&e->trust);
}

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
				    .on_guess = cards_on_guess,
				    .identity_arg = &e->cards,
				    .trust = &e->trust,
				    .on_result = shake_ended,
				    .result_arg = e};

	for (uint32_t i = 0; i < e->conf.n_zones; i++)
		ctx[i] = e->conf.zones[i].server;
	if (e->conf.n_zones && tls_zones_new(ctx, e->conf.n_zones, &e->zones) != ERR_OK)
		return ERR_NOMEM;
	return handshake_new(&hc, &e->handshake);
}

static void
note_target(void *arg, const struct addr *addr, enum edge_transport transport, bool up,
	    const char *why)
{
	struct edge *e = arg;

	if (up)
		log_info("target.up", "target=%s answers again", addr_text(addr).z);
	else
		log_warn("target.down",
			 "target=%s other addresses of its name go first, where there are any: %s",
			 addr_text(addr).z, why);
	if (e->up.on_target)
		e->up.on_target(e->up.arg, addr, transport, up, why);
}

static enum err
start_edge(struct edge *e)
{
	struct conn_up up;
	enum err err =
		cards_init(&e->cards, e->conf.max_conns + HANDSHAKE_MAX, e->zone_fqdn, &e->conf);

	if (err == ERR_OK)
		err = book_init(&e->book, e->loop, e->resolver, &e->cards);
	if (err == ERR_OK)
		err = pool_init(&e->txns, e->conf.max_txns + EDGE_SPARE_TXNS,
				sizeof(struct edge_txn));
	if (err == ERR_OK)
		err = pool_init(&e->locates, e->txns.n, sizeof(struct locate));
	random_bytes(e->check_key, sizeof(e->check_key));
	if (err == ERR_OK)
		err = hash_init(&e->by_key, e->conf.max_txns);
	if (err == ERR_OK)
		err = texts_init(&e->texts, 2 * (e->conf.max_txns + EDGE_SPARE_TXNS));
	if (err == ERR_OK)
		err = auth_init(e);
	if (err == ERR_OK)
		err = targets_init(&e->targets);
	e->targets.arg = e;
	e->targets.on_target = note_target;
	load_init(&e->load);
	share_init(&e->share);
	budget_init(&e->budget);
	metric_set(METRIC_admitted_percent, 100);
	path_init(e);
	stray_init(e);
	receive_conn_calls(e, &up);
	if (err == ERR_OK)
		err = conns_init(&e->conns, e->loop, e->resolver, &e->cards, e->conf.max_conns,
				 e->conf.connect_us, &up);
	if (err != ERR_OK)
		return err;
	e->cards.snap = e->snap; /* before the thread is there */
	if (e->snap)
		cards_owns(e->snap, &e->trust);
	e->conns.snap = e->snap;
	e->conns.trust = &e->trust;
	e->conns.targets = &e->targets;
	e->conns.ping_us = e->conf.ping_us;
	book_on_snapshot(&e->book, e->snap);
	err = start_tls(e);
	if (err != ERR_OK)
		return err;
	rejudge_init(&e->rejudge, &e->conns, &e->conf, e->loop);
	e->conns.handshake = e->handshake;
	e->conns.streams.handshake = e->handshake;
	e->listeners = (struct listeners){.loop = e->loop,
					  .conns = &e->conns,
					  .handshake = e->handshake,
					  .zones = e->zones,
					  .snap = e->snap,
					  .guard = &e->guard,
					  .budget = &e->budget,
					  .on_datagram = receive_datagram,
					  .on_turned_away = shake_turned_away,
					  .arg = e};
	err = listeners_start(&e->listeners, e->conf.listeners, e->conf.n_listeners);
	if (err == ERR_OK)
		err = errands_new(e, &polls_kind, &e->polls);
	return err == ERR_OK ? errands_new(e, &enrols_kind, &e->enrols) : err;
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
	list_init(&e->big);
	list_init(&e->adrift);
	set_times(e, conf->t1_us, conf->t2_us, conf->t4_us);
	for (uint32_t i = 0; i < conf->n_zones; i++) {
		memcpy(e->zone_fqdn[i], conf->zones[i].fqdn, POLICY_HOST_MAX);
		e->conf.zones[i].server = tls_ctx_ref(conf->zones[i].server);
		e->conf.zones[i].client = tls_ctx_ref(conf->zones[i].client);
	}
	err = tls_trust_box_init(&e->trust, conf->trust);
	e->has_box = err == ERR_OK;
	if (err == ERR_OK)
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
		loop_timer_stop(e->loop, &t->trying);
		if (t->soon.on_soon)
			loop_soon_stop(&t->soon);
		if (t->locate)
			locate_stop(t->locate);
	}
}

void
edge_free(struct edge **ep)
{
	struct edge *e = *ep;

	*ep = NULL;
	if (!e)
		return;
	e->closing = true;
	rejudge_fini(&e->rejudge);
	errands_free(&e->polls);
	errands_free(&e->enrols);
	auth_fini(e);
	listeners_fini(&e->listeners);
	drop_txns(e);
	loop_timer_stop(e->loop, &e->redial_timer);
	if (e->conns.pool.mem)
		conns_fini(&e->conns);
	handshake_free(&e->handshake);
	tls_zones_unref(&e->zones);
	for (uint32_t i = 0; i < e->conf.n_zones; i++) {
		tls_ctx_unref(&e->conf.zones[i].server);
		tls_ctx_unref(&e->conf.zones[i].client);
	}
	if (e->has_box)
		tls_trust_box_fini(&e->trust);
	book_fini(&e->book);
	cards_fini(&e->cards);
	texts_fini(&e->texts);
	targets_fini(&e->targets);
	pool_fini(&e->txns);
	pool_fini(&e->locates);
	hash_fini(&e->by_key);
	mem_free(e);
}
