#include "ha/flood.h"

#include <string.h>

#include "base/hash.h"

/* Only spreads the sources over the sets; whoever knows it can crowd one set, and then is counted
 * by reason alone. */
static const uint64_t spread[2] = {0x706f737465726e66u, 0x6c6f6f6400000001u};

enum { BUCKETS = FLOOD_SETS * FLOOD_WAYS, PLACES = BUCKETS + FLOOD_REASONS };

/* Pay for one: at most burst at once, one in each_us later. */
static bool
pay(uint64_t *paid_us, uint64_t now_us, uint32_t burst, uint64_t each_us)
{
	uint64_t from = *paid_us > now_us ? *paid_us : now_us;

	if (from + each_us - now_us > burst * each_us)
		return false;
	*paid_us = from + each_us;
	return true;
}

static void
net_of(const struct addr *a, uint8_t net[16])
{
	memset(net, 0, 16);
	memcpy(net, a->ip, a->family == 6 ? 8 : 4);
}

static bool
take_count(struct flood_bucket *b, struct flood_more *out)
{
	if (b->more == 0)
		return false;
	*out = (struct flood_more){.id = b->id, .n = b->more, .last_us = b->last_us};
	b->more = 0;
	return true;
}

/* The bucket of this source and reason: its own, a free one, or that which was idle longest. */
static struct flood_bucket *
find_bucket(struct flood *f, const struct flood_event *ev, struct flood_more *evicted)
{
	uint8_t name[18] = {0};
	struct flood_bucket *set, *b;

	net_of(&ev->source, name);
	name[16] = ev->source.family;
	name[17] = ev->reason;
	set = f->bucket[hash_siphash(spread, name, sizeof(name)) % FLOOD_SETS];
	b = &set[0];
	for (int i = 0; i < FLOOD_WAYS; i++) {
		if (set[i].family == ev->source.family && set[i].reason == ev->reason &&
		    memcmp(set[i].net, name, sizeof(set[i].net)) == 0)
			return &set[i];
		if (set[i].used_us < b->used_us)
			b = &set[i];
	}
	(void)take_count(b, evicted);
	memset(b, 0, sizeof(*b));
	memcpy(b->net, name, sizeof(b->net));
	b->reason = ev->reason;
	b->family = ev->source.family;
	return b;
}

bool
flood_keep(struct flood *f, const struct flood_event *ev, struct flood_more *evicted)
{
	struct flood_bucket *own, *any = &f->any[ev->reason];
	bool keep;

	*evicted = (struct flood_more){.n = 0};
	own = find_bucket(f, ev, evicted);
	own->used_us = ev->now_us;
	if (ev->accepted)
		keep = pay(&own->paid_us, ev->now_us, FLOOD_OK_BURST, FLOOD_OK_EACH_US);
	else
		keep = pay(&own->paid_us, ev->now_us, FLOOD_BURST, FLOOD_EACH_US) &&
		       (pay(&f->all_paid_us, ev->now_us, FLOOD_ALL_BURST, FLOOD_ALL_EACH_US) ||
			!any->id.z[0]); /* the first of a reason is always kept */
	if (keep) {
		(void)take_count(own, evicted); /* it belongs to the record before */
		own->id = any->id = ev->id;
		return true;
	}
	if (!own->id.z[0])
		own = any;
	if (own->more++ == 0)
		own->since_us = ev->now_us;
	own->last_us = ev->wall_us;
	return false;
}

bool
flood_due(struct flood *f, uint64_t now_us, bool all, struct flood_more *out)
{
	for (uint32_t i = 0; i < PLACES; i++) {
		uint64_t at = (f->next + i) % PLACES;
		struct flood_bucket *b =
			at < BUCKETS ? &f->bucket[0][0] + at : &f->any[at - BUCKETS];

		if (b->more == 0 || (!all && now_us - b->since_us < FLOOD_TELL_US))
			continue;
		f->next = at + 1;
		return take_count(b, out);
	}
	return false;
}
