#include "policy/limit.h"

#include <string.h>

#include "base/clock.h"
#include "base/hash.h"

void
limit_init(struct limit *l, struct limit_row *rows, uint32_t n_rows, uint32_t max_calls)
{
	*l = (struct limit){.row = rows, .n_rows = n_rows, .max_calls = max_calls};
}

void
limit_hold_init(struct limit_hold *h)
{
	memset(h, 0, sizeof(*h));
}

static bool
row_is(const struct limit_row *r, enum limit_kind kind, const char *id)
{
	return r->kind == kind && strcmp(r->id, id) == 0;
}

/*
 * The row of this id, by linear probing. A row once used is never empty again, so that a probe
 * may stop at the first empty one. POLICY_NONE when there is none; *spare is then where it may be
 * made: an empty row, or, in a full table, one that counts nothing.
 */
static uint32_t
find_row(const struct limit *l, enum limit_kind kind, const char *id, uint32_t *spare)
{
	static const uint64_t key[2]; /* ids are configured, not chosen by a peer */
	uint32_t at, idle = POLICY_NONE;

	*spare = POLICY_NONE;
	if (l->n_rows == 0)
		return POLICY_NONE;
	at = (uint32_t)((hash_siphash(key, id, strlen(id)) + kind) % l->n_rows);
	for (uint32_t i = 0; i < l->n_rows; i++, at = at + 1 == l->n_rows ? 0 : at + 1) {
		const struct limit_row *r = &l->row[at];

		if (row_is(r, kind, id))
			return at;
		if (r->kind == 0) {
			*spare = at;
			return POLICY_NONE;
		}
		if (r->calls == 0 && idle == POLICY_NONE)
			idle = at;
	}
	*spare = idle;
	return POLICY_NONE;
}

/* The row of this id, made if there is none; POLICY_NONE when there is no place. */
static uint32_t
make_row(struct limit *l, enum limit_kind kind, const char *id)
{
	uint32_t spare, at = find_row(l, kind, id, &spare);

	if (at != POLICY_NONE || spare == POLICY_NONE)
		return at;
	memset(&l->row[spare], 0, sizeof(l->row[spare]));
	if (str_copyz(l->row[spare].id, sizeof(l->row[spare].id), str_from(id)) != ERR_OK)
		return POLICY_NONE;
	l->row[spare].kind = (uint8_t)kind;
	return spare;
}

enum err
limit_take_node(struct limit *l, bool force, struct limit_hold *h)
{
	if (h->node)
		return ERR_OK;
	if (!force && l->max_calls && l->calls >= l->max_calls)
		return ERR_FULL;
	l->calls++;
	h->node = 1;
	return ERR_OK;
}

enum err
limit_take(struct limit *l, enum limit_kind kind, const char *id, uint32_t max, bool force,
	   struct limit_hold *h)
{
	size_t slot = 0;
	uint32_t at;

	while (slot < LIMIT_HOLDS_MAX && h->row[slot])
		slot++;
	if (slot == LIMIT_HOLDS_MAX)
		return force ? ERR_OK : ERR_NOMEM;
	at = make_row(l, kind, id);
	if (at == POLICY_NONE)
		return force ? ERR_OK : ERR_NOMEM;
	if (!force && max && l->row[at].calls >= max)
		return ERR_FULL;
	l->row[at].calls++;
	h->row[slot] = at + 1;
	return ERR_OK;
}

/* The row that slot i of h holds, NULL if none. */
static struct limit_row *
held_row(struct limit *l, const struct limit_hold *h, size_t i)
{
	return h->row[i] && h->row[i] <= l->n_rows ? &l->row[h->row[i] - 1] : NULL;
}

static void
drop_row(struct limit *l, struct limit_hold *h, size_t i)
{
	struct limit_row *r = held_row(l, h, i);

	if (r && r->calls)
		r->calls--;
	h->row[i] = 0;
}

void
limit_give_one(struct limit *l, enum limit_kind kind, const char *id, struct limit_hold *h)
{
	for (size_t i = 0; i < LIMIT_HOLDS_MAX; i++) {
		struct limit_row *r = held_row(l, h, i);

		if (r && row_is(r, kind, id)) {
			drop_row(l, h, i);
			return;
		}
	}
}

void
limit_give(struct limit *l, struct limit_hold *h)
{
	for (size_t i = 0; i < LIMIT_HOLDS_MAX; i++)
		drop_row(l, h, i);
	if (h->node && l->calls)
		l->calls--;
	h->node = 0;
}

uint32_t
limit_calls(const struct limit *l, enum limit_kind kind, const char *id)
{
	uint32_t spare, at = find_row(l, kind, id, &spare);

	return at == POLICY_NONE ? 0 : l->row[at].calls;
}

bool
limit_attempt(struct limit *l, enum limit_kind kind, const char *id, uint32_t rate, uint64_t now_us)
{
	const uint64_t burst = (uint64_t)LIMIT_BURST_S * CLOCK_S;
	uint64_t cost, floor_us = now_us > burst ? now_us - burst : 0;
	uint32_t at;

	if (rate == 0)
		return true;
	at = make_row(l, kind, id);
	if (at == POLICY_NONE)
		return false;
	cost = CLOCK_S / rate;
	if (l->row[at].bucket_us < floor_us)
		l->row[at].bucket_us = floor_us; /* full */
	if (l->row[at].bucket_us + cost > now_us)
		return false;
	l->row[at].bucket_us += cost;
	return true;
}
