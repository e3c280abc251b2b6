#include "policy/route.h"

#include <string.h>

const char *
route_reason_text(enum route_reason r)
{
	static const char *const text[ROUTE_REASON_N] = {
#define X(name, sentence) sentence,
		ROUTE_REASON_LIST(X)
#undef X
	};

	return (unsigned)r < ROUTE_REASON_N ? text[r] : "?";
}

/* The next number of a sequence that depends on *state alone (splitmix64). */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* Which carriers are asked for. */
struct choice {
	const struct snapshot_view *v;
	const uint8_t *down; /* NULL = all up */
	bool want_down, want_emergency;
};

/* The carriers that may still be chosen: enabled, for outgoing calls, as asked for, not in *out. */
static bool
may_choose(const struct choice *ch, uint32_t i, const struct route *out)
{
	const struct trunk *t = &ch->v->trunk[i];
	bool is_down = ch->down && ch->down[i - ch->v->first_carrier];

	if (!t->enabled || !(t->direction & TRUNK_OUT) || is_down != ch->want_down ||
	    (ch->want_emergency && !t->emergency))
		return false;
	for (uint32_t k = 0; k < out->n; k++)
		if (out->trunk[k] == i)
			return false;
	return true;
}

/* One more target: lowest priority, within it by weight. False when there is none. */
static bool
choose_one(const struct choice *ch, uint64_t *random, struct route *out)
{
	const struct snapshot_view *v = ch->v;
	uint32_t best = UINT32_MAX;
	uint64_t sum = 0, pick;

	for (uint32_t i = v->first_carrier; i < v->n_trunks; i++)
		if (v->trunk[i].priority < best && may_choose(ch, i, out))
			best = v->trunk[i].priority;
	for (uint32_t i = v->first_carrier; i < v->n_trunks; i++)
		if (v->trunk[i].priority == best && may_choose(ch, i, out))
			sum += v->trunk[i].weight + 1U; /* weight 0: hardly ever, but possible */
	if (sum == 0)
		return false;
	pick = next_random(random) % sum;
	for (uint32_t i = v->first_carrier; i < v->n_trunks; i++) {
		if (v->trunk[i].priority != best || !may_choose(ch, i, out))
			continue;
		if (pick < v->trunk[i].weight + 1U) {
			out->trunk[out->n++] = i;
			return true;
		}
		pick -= v->trunk[i].weight + 1U;
	}
	return false;
}

/* All that are as asked for, behind what *r has. */
static void
choose_all(const struct choice *ch, uint64_t *random, struct route *r)
{
	while (r->n < ROUTE_TARGETS_MAX && choose_one(ch, random, r))
		r->n_up += !ch->want_down;
}

static enum route_reason
route_carriers(const struct snapshot_view *v, const uint8_t *down, bool emergency, uint64_t random,
	       struct route *out)
{
	struct choice ch = {.v = v, .down = down};
	struct route r = {0};

	for (int want_down = 0; want_down <= (down ? 1 : 0); want_down++) {
		ch.want_down = want_down;
		ch.want_emergency = true;
		if (emergency)
			choose_all(&ch, &random, &r);
		ch.want_emergency = false;
		choose_all(&ch, &random, &r);
	}
	if (r.n == 0)
		return ROUTE_NO_CARRIER;
	*out = r;
	return ROUTE_OK;
}

enum route_reason
route_outbound(const struct snapshot_view *v, const uint8_t *down, uint64_t random,
	       struct route *out)
{
	return route_carriers(v, down, false, random, out);
}

enum route_reason
route_emergency(const struct snapshot_view *v, const uint8_t *down, uint64_t random,
		struct route *out)
{
	return route_carriers(v, down, true, random, out);
}

enum route_reason
route_inbound(const struct snapshot_view *v, struct str e164, struct route *out)
{
	uint32_t i = snapshot_number_trunk(v, e164);
	const struct trunk *t;

	if (i == POLICY_NONE)
		return ROUTE_NO_NUMBER;
	t = &v->trunk[i];
	if (!t->enabled || !v->account[t->account].enabled)
		return ROUTE_DISABLED;
	if (!(t->direction & TRUNK_OUT))
		return ROUTE_DIRECTION;
	*out = (struct route){.n = 1, .n_up = 1, .trunk = {i}};
	return ROUTE_OK;
}

enum err
route_called(const struct snapshot_view *v, uint32_t trunk, struct str number,
	     char out[NUMBER_SIZE])
{
	struct str strip = snapshot_text(v, v->trunk[trunk].strip);
	struct buf b;

	if (strip.len && str_starts(number, strip))
		number = str_from_at(number, strip.len);
	buf_init(&b, out, NUMBER_SIZE - 1);
	buf_str(&b, snapshot_text(v, v->trunk[trunk].add));
	buf_str(&b, number);
	if (b.failed || b.len == 0)
		return ERR_LONG;
	out[b.len] = 0;
	return ERR_OK;
}
