#include "edge/shed.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"

enum {
	RETRY_MAX_S = 6, /* short: Retry-After is all or nothing, and oc says it better */
};

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
	unsigned percent;

	load_look(&e->load, now);
	share_look(&e->share, e->load.share, now);
	put_gauges(e);
	percent = load_percent(&e->load);
	if (e->shed && e->up.on_overload)
		e->up.on_overload(e->up.arg, percent, e->load.delay_us, e->shed);
	if (e->shed)
		log_warn("edge.overload",
			 "%llu new calls were refused in a second, %u of 100 now; messages wait "
			 "%llu ms",
			 (unsigned long long)e->shed, percent,
			 (unsigned long long)(e->load.delay_us / CLOCK_MS));
	e->shed = 0;
	if (percent)
		(void)!loop_timer(e->loop, t, SHED_TELL_US);
}

void
shed_note(struct edge *e, uint64_t since)
{
	uint64_t now = clock_now_us(), window = e->load.window_end;

	load_note(&e->load, now > since ? now - since : 0, now);
	share_look(&e->share, e->load.share, now);
	if (e->load.window_end == window)
		return;
	put_gauges(e);
	if (load_percent(&e->load) && !timer_is_set(&e->load_timer)) {
		e->load_timer.on_due = tell_load;
		(void)!loop_timer(e->loop, &e->load_timer, SHED_TELL_US);
	}
}

/* Where it stands when one with this key was refused lately; one of each place is known. */
static struct edge_refused *
refused_of(struct edge *e, const struct txn_key *key, uint64_t *hash)
{
	*hash = hash_of(&e->by_key, txn_key_str(key));
	return &e->refused[*hash % EDGE_REFUSED_MAX];
}

/* Is there too much to do for it? What asks whether we are there, or ends what is not there, is
 * only refused to who floods. */
static bool
is_too_much(struct edge *e, struct share_peer *p, const struct sip_msg *m)
{
	bool light = m->method == SIP_OPTIONS || m->method == SIP_CANCEL;

	return (!light || share_floods(&e->share, p)) && share_sheds(&e->share, p);
}

bool
shed_refuses(struct edge *e, const struct reply_path *p, const struct sip_msg *m,
	     const struct txn_key *key)
{
	uint64_t now = loop_now(e->loop), hash;
	struct edge_refused *r;

	if (edge_is_emergency(e, m))
		return false;
	share_note(&e->share, p->peer, p->weight);
	if (!load_percent(&e->load) && now >= e->refused_until)
		return false;
	r = refused_of(e, key, &hash);
	if ((r->hash != hash || now >= r->until) && !is_too_much(e, p->peer, m))
		return false;
	*r = (struct edge_refused){.hash = hash, .until = now + EDGE_REFUSED_US};
	e->refused_until = r->until;
	e->shed++;
	metric_add(METRIC_calls_shed, 1);
	reply_overload(e, p, m, 1 + share_percent(&e->share, p->peer) * (RETRY_MAX_S - 1) / 100);
	return true;
}
