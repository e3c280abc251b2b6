#include "edge/shed.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"

enum {
	RETRY_MAX_S = 6, /* short: Retry-After is all or nothing, and oc says it better */
};

static void tell_load(struct timer *t, uint64_t now);

/* Once a second, while there is something to tell. */
static void
tell_soon(struct edge *e)
{
	if (timer_is_set(&e->load_timer))
		return;
	e->load_timer.on_due = tell_load;
	(void)!loop_timer(e->loop, &e->load_timer, SHED_TELL_US);
}

static void
put_gauges(const struct edge *e)
{
	metric_set(METRIC_signaling_delay_us, e->load.delay_us);
	metric_set(METRIC_admitted_percent, 100 - load_percent(&e->load));
}

/* While fewer than all are admitted: looks at the load also where no message comes, and tells. */
static void
tell_load(struct timer *t, uint64_t now)
{
	struct edge *e = CONTAINER_OF(t, struct edge, load_timer);
	struct edge_overload o = {.refused = e->shed, .who = e->busiest.name};

	load_look(&e->load, now);
	share_look(&e->share, e->load.share, now);
	put_gauges(e);
	o.percent = load_percent(&e->load);
	o.delay_us = e->load.delay_us;
	if (e->shed && e->up.on_overload)
		e->up.on_overload(e->up.arg, &o);
	if (e->shed)
		log_warn("edge.overload",
			 "%llu new calls were refused in a second, %u of 100 now; messages wait "
			 "%llu ms; most comes of %s",
			 (unsigned long long)e->shed, o.percent,
			 (unsigned long long)(e->load.delay_us / CLOCK_MS), o.who);
	if (e->shed || o.percent)
		tell_soon(e);
	e->shed = 0;
	e->busiest.rate = 0;
}

void
shed_note(struct edge *e, const struct reply_path *p)
{
	uint64_t now = clock_now_us(), window = e->load.window_end;

	load_note(&e->load, p->conn ? LOAD_STREAM : LOAD_DATAGRAM,
		  now > p->since ? now - p->since : 0, now);
	if (p->conn)
		load_note(&p->conn->load, LOAD_STREAM, stream_waited_us(p->conn->stream, now), now);
	share_look(&e->share, e->load.share, now);
	if (e->load.window_end == window)
		return;
	put_gauges(e);
	if (load_percent(&e->load))
		tell_soon(e);
}

void
shed_charge(struct edge *e, struct share_peer *peer, unsigned weight, const struct edge_source *src)
{
	static const char *const over[] = {
		[EDGE_UDP] = "UDP", [EDGE_TCP] = "TCP", [EDGE_TLS] = "TLS"};

	share_note(&e->share, peer, weight, SHARE_MESSAGE);
	if (!timer_is_set(&e->load_timer) || peer->rate <= e->busiest.rate)
		return;
	e->busiest.rate = peer->rate;
	if (src->account_id.z[0])
		(void)snprintf(e->busiest.name, sizeof(e->busiest.name), "account %s over %s",
			       src->account_id.z, over[src->transport]);
	else
		(void)snprintf(e->busiest.name, sizeof(e->busiest.name), "carrier %s over %s",
			       addr_text(&src->remote).z, over[src->transport]);
}

/* Where it stands when one with this key was refused lately; one of each place is known. */
static struct edge_refused *
refused_of(struct edge *e, const struct txn_key *key, uint64_t *hash)
{
	*hash = hash_of(&e->by_key, txn_key_str(key));
	return &e->refused[*hash % EDGE_REFUSED_MAX];
}

/* Of what comes over a connection that brings more than is read of it, evenly spread. */
static bool
is_behind(struct conn *c)
{
	c->credit += c->load.share;
	if (c->credit < LOAD_ONE)
		return true;
	c->credit -= LOAD_ONE;
	return false;
}

/* Is there too much to do for it? What asks whether we are there, or ends what is not there, is
 * only refused to who floods. */
static bool
is_too_much(struct edge *e, const struct reply_path *p, const struct sip_msg *m)
{
	bool light = m->method == SIP_OPTIONS || m->method == SIP_CANCEL;

	if ((!light || share_floods(&e->share, p->peer)) && share_sheds(&e->share, p->peer))
		return true;
	return !light && p->conn && is_behind(p->conn) &&
	       load_may_refuse(&e->refusing, loop_now(e->loop));
}

/* Its answer, where there is time for it. */
static void
refuse(struct edge *e, const struct reply_path *p, const struct sip_msg *m, struct edge_refused *r,
       uint64_t hash)
{
	uint64_t now = loop_now(e->loop), began = clock_now_us();

	if (!p->conn && !load_may_refuse(&e->refusing, now))
		return;
	*r = (struct edge_refused){.hash = hash, .until = now + EDGE_REFUSED_US};
	e->refused_until = r->until;
	reply_overload(e, p, m, 1 + reply_percent(e, p) * (RETRY_MAX_S - 1) / 100);
	load_refused(&e->refusing, (clock_now_us() - began) * SHED_AROUND, now);
	if (p->conn && share_percent(&e->share, p->peer) && !load_may_refuse(&e->refusing, now))
		conn_rest(p->conn, load_refuse_again(&e->refusing));
}

bool
shed_refuses(struct edge *e, const struct reply_path *p, const struct edge_source *src,
	     const struct sip_msg *m, const struct txn_key *key)
{
	bool help = edge_is_emergency(e, m);
	struct edge_refused *r;
	uint64_t hash;

	if (help && !edge_only_refuses(e, src))
		return false;
	share_note(&e->share, p->peer, p->weight, SHARE_REQUEST - SHARE_MESSAGE);
	if (help && share_helps(p->peer))
		return false;
	if (!reply_percent(e, p) && !load_percent(&e->load) &&
	    loop_now(e->loop) >= e->refused_until)
		return false;
	r = refused_of(e, key, &hash);
	if ((r->hash != hash || loop_now(e->loop) >= r->until) && !is_too_much(e, p, m))
		return false;
	e->shed++;
	metric_add(METRIC_calls_shed, 1);
	tell_soon(e);
	refuse(e, p, m, r, hash);
	return true;
}

bool
shed_is_on(const struct edge *e)
{
	return timer_is_set(&e->load_timer);
}
