#include "policy/route.h"

#include "policy/week.h"

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

/* ---- carriers ---- */

/* Which carriers are asked for. */
struct choice {
	const struct snapshot_view *v;
	const uint8_t *down; /* NULL = all up */
	bool want_down, want_emergency;
	struct str group; /* of this group; none = any */
	uint32_t only;    /* this one; POLICY_NONE = any */
	uint32_t rule;    /* that names them */
};

static bool
is_named(const struct choice *ch, uint32_t i)
{
	if (ch->only != POLICY_NONE)
		return ch->only == i;
	return ch->group.len == 0 || str_eq(snapshot_text(ch->v, ch->v->trunk[i].group), ch->group);
}

/* The carriers that may still be chosen: enabled, for outgoing calls, as asked for, not in *out. */
static bool
may_choose(const struct choice *ch, uint32_t i, const struct route *out)
{
	const struct trunk *t = &ch->v->trunk[i];
	bool is_down = ch->down && ch->down[i - ch->v->first_carrier];

	if (!t->enabled || !(t->direction & TRUNK_OUT) || is_down != ch->want_down ||
	    (ch->want_emergency && !t->emergency) || !is_named(ch, i))
		return false;
	for (uint32_t k = 0; k < out->n; k++)
		if (out->trunk[k] == i)
			return false;
	return true;
}

static void
add_target(struct route *out, uint32_t trunk, uint32_t rule)
{
	out->rule[out->n] = rule;
	out->trunk[out->n++] = trunk;
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
			add_target(out, i, ch->rule);
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

/* All that a route names, in its order. */
static void
choose_named(struct choice *ch, uint64_t *random, struct route *r)
{
	struct str to = snapshot_text(ch->v, ch->v->route[ch->rule].to);

	while (to.len) {
		struct str word = str_cut(&to, ',');
		uint32_t i = snapshot_trunk(ch->v, word);

		ch->only = i != POLICY_NONE && i >= ch->v->first_carrier ? i : POLICY_NONE;
		ch->group = word;
		choose_all(ch, random, r);
	}
}

/* ---- routes ---- */

/* Does the route take the call, when its account and prefix are right? */
static bool
takes_call(const struct snapshot_route *r, const struct route_ask *ask)
{
	return r->enabled && (r->classes == 0 || (r->classes & ask->class)) &&
	       week_holds(r->week, ask->minute);
}

/* Is i a further row of the same prefix as last? */
static bool
is_tied(const struct snapshot_view *v, uint32_t i, uint32_t last)
{
	return v->route[i].account == v->route[last].account &&
	       v->route[i].key == v->route[last].key;
}

static bool
may_draw(const struct snapshot_view *v, const struct route_ask *ask, uint32_t i,
	 const struct route_rules *out)
{
	for (uint32_t k = 0; k < out->n; k++)
		if (out->rule[k] == i)
			return false;
	return takes_call(&v->route[i], ask);
}

/* The next one by weight of the rows first..last that are not in *out; false: none is left. */
static bool
draw_rule(const struct snapshot_view *v, const struct route_ask *ask, uint32_t first, uint32_t last,
	  uint64_t *random, struct route_rules *out)
{
	uint64_t sum = 0, pick;

	for (uint32_t i = first; i <= last; i++)
		if (may_draw(v, ask, i, out))
			sum += v->route[i].weight + 1U; /* weight 0: hardly ever, but possible */
	if (sum == 0)
		return false;
	pick = next_random(random) % sum;
	for (uint32_t i = first; i <= last; i++) {
		if (!may_draw(v, ask, i, out))
			continue;
		if (pick < v->route[i].weight + 1U) {
			out->rule[out->n++] = i;
			return true;
		}
		pick -= v->route[i].weight + 1U;
	}
	return false;
}

/* Of one account's rows: those with the longest prefix that has any for this call. */
static bool
draw_rules(const struct snapshot_view *v, const struct route_ask *ask, uint32_t last,
	   uint64_t *random, struct route_rules *out)
{
	while (last != POLICY_NONE && out->n == 0) {
		uint32_t first = last;

		while (first > 0 && is_tied(v, first - 1, last))
			first--;
		while (out->n < ROUTE_RULES_MAX && draw_rule(v, ask, first, last, random, out))
			;
		last = v->route[last].up;
	}
	return out->n > 0;
}

void
route_rules(const struct snapshot_view *v, const struct route_ask *ask, uint64_t random,
	    struct route_rules *out)
{
	struct route_rules r = {0};
	uint32_t a = ask->account;
	uint64_t key;
	bool found = false;

	if (number_key(ask->number, &key) != ERR_OK)
		key = 0;
	for (int up = 0; up < 2 && a != POLICY_NONE && !found; up++) {
		const struct account *acc = &v->account[a];

		found = draw_rules(v, ask,
				   snapshot_route_longest(v, acc->first_route, acc->n_routes, key),
				   &random, &r);
		a = acc->parent_row;
	}
	if (!found)
		(void)draw_rules(v, ask,
				 snapshot_route_longest(v, v->first_shared,
							v->n_routes - v->first_shared, key),
				 &random, &r);
	*out = r;
}

/* ---- answers ---- */

/* First those that are up, then the others, each in the order of rules; without any: all. */
static enum route_reason
route_carriers(const struct snapshot_view *v, const struct route_rules *rules, const uint8_t *down,
	       bool emergency, uint64_t random, struct route *out)
{
	struct choice ch = {.v = v, .down = down, .only = POLICY_NONE, .rule = POLICY_NONE};
	struct route r = {0};

	for (int want_down = 0; want_down <= (down ? 1 : 0); want_down++) {
		ch.want_down = want_down;
		ch.want_emergency = true;
		if (emergency)
			choose_all(&ch, &random, &r);
		ch.want_emergency = false;
		for (uint32_t i = 0; i < rules->n; i++) {
			ch.rule = rules->rule[i];
			choose_named(&ch, &random, &r);
		}
		if (rules->n == 0)
			choose_all(&ch, &random, &r);
	}
	if (r.n == 0)
		return rules->n ? ROUTE_NO_TARGET : ROUTE_NO_CARRIER;
	*out = r;
	return ROUTE_OK;
}

enum route_reason
route_outbound(const struct snapshot_view *v, const struct route_ask *ask, const uint8_t *down,
	       uint64_t random, struct route *out)
{
	struct route_rules rules = {0};

	if (ask)
		route_rules(v, ask, next_random(&random), &rules);
	return route_carriers(v, &rules, down, false, random, out);
}

enum route_reason
route_emergency(const struct snapshot_view *v, const uint8_t *down, uint64_t random,
		struct route *out)
{
	return route_carriers(v, &(struct route_rules){0}, down, true, random, out);
}

/* May calls go to this customer trunk? */
static enum route_reason
may_enter(const struct snapshot_view *v, uint32_t i)
{
	const struct trunk *t = &v->trunk[i];

	if (!t->enabled || !v->account[t->account].enabled)
		return ROUTE_DISABLED;
	return t->direction & TRUNK_OUT ? ROUTE_OK : ROUTE_DIRECTION;
}

static bool
is_target(const struct route *r, uint32_t trunk)
{
	for (uint32_t i = 0; i < r->n; i++)
		if (r->trunk[i] == trunk)
			return true;
	return false;
}

enum route_reason
route_inbound(const struct snapshot_view *v, struct str e164, struct route *out)
{
	uint32_t i = snapshot_number_trunk(v, e164);
	struct route r = {0};
	enum route_reason first;

	if (i == POLICY_NONE)
		return ROUTE_NO_NUMBER;
	first = may_enter(v, i);
	/* overflows may lead round in a ring */
	for (int step = 0; step < ROUTE_TARGETS_MAX && i != POLICY_NONE && !is_target(&r, i);
	     step++) {
		if (may_enter(v, i) == ROUTE_OK)
			add_target(&r, i, POLICY_NONE);
		i = snapshot_trunk(v, snapshot_text(v, v->trunk[i].overflow));
		if (i != POLICY_NONE && i >= v->first_carrier)
			break; /* cannot be: roster_check looked */
	}
	if (r.n == 0)
		return first;
	r.n_up = r.n;
	*out = r;
	return ROUTE_OK;
}

/* Does the list ("404,5xx") hold the status itself, or its class? */
static bool
holds_status(struct str list, int status, bool class)
{
	while (list.len) {
		struct str word = str_cut(&list, ',');
		bool whole = word.p[1] != 'x';

		if (whole == class || word.p[0] != '0' + status / 100)
			continue;
		if (!whole ||
		    (word.p[1] == '0' + status / 10 % 10 && word.p[2] == '0' + status % 10))
			return true;
	}
	return false;
}

bool
route_status_in(struct str list, int status)
{
	return holds_status(list, status, false) || holds_status(list, status, true);
}

bool
route_hunts(const struct snapshot_view *v, uint32_t trunk, int status)
{
	struct str hunt = STR_NULL, stop = STR_NULL;

	if (trunk != POLICY_NONE) {
		hunt = snapshot_text(v, v->trunk[trunk].hunt);
		stop = snapshot_text(v, v->trunk[trunk].stop);
	}
	for (int class = 0; class < 2; class ++) {
		if (holds_status(stop, status, class))
			return false;
		if (holds_status(hunt, status, class))
			return true;
	}
	return status == 0 || status == 408 || (status >= 500 && status < 600);
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
