#include "policy/usage.h"

#include <string.h>

#include "base/hash.h"

uint32_t
usage_day(int64_t wall_us)
{
	return wall_us > 0 ? (uint32_t)(wall_us / (86400 * (int64_t)1000000)) : 0;
}

void
usage_init(struct usage *u, struct usage_row *rows, uint32_t n_rows)
{
	*u = (struct usage){.row = rows, .n_rows = n_rows};
	for (uint32_t i = 0; i < n_rows; i++) {
		if (rows[i].running.spend_micro || rows[i].running.seconds)
			rows[i].running = (struct usage_sum){0, 0};
		rows[i].id[POLICY_ID_MAX - 1] = 0;
	}
}

void
usage_close(struct usage_row *rows, uint32_t n_rows)
{
	for (struct usage_row *r = rows; r < rows + n_rows; r++) {
		struct usage_sum had = r->running;

		if (!had.spend_micro && !had.seconds)
			continue;
		r->running = (struct usage_sum){0, 0};
		r->settled.spend_micro += had.spend_micro;
		r->settled.seconds += had.seconds;
	}
}

/* The row of this id, by linear probing; POLICY_NONE when there is none. *spare is then where it
 * may be made: an empty row, or one of another day. A row once used is never empty again. */
static uint32_t
find_row(const struct usage *u, const char *id, uint32_t day, uint32_t *spare)
{
	static const uint64_t key[2]; /* ids are configured, not chosen by a peer */
	uint32_t at = u->n_rows ? (uint32_t)(hash_siphash(key, id, strlen(id)) % u->n_rows) : 0;

	*spare = POLICY_NONE;
	for (uint32_t i = 0; i < u->n_rows; i++, at = at + 1 == u->n_rows ? 0 : at + 1) {
		const struct usage_row *r = &u->row[at];

		if (r->id[0] == 0) {
			if (*spare == POLICY_NONE)
				*spare = at;
			return POLICY_NONE;
		}
		if (strcmp(r->id, id) == 0)
			return at;
		if (r->day != day && *spare == POLICY_NONE)
			*spare = at;
	}
	return POLICY_NONE;
}

/* The row of this id and day; POLICY_NONE when there is no place. */
static uint32_t
make_row(struct usage *u, const char *id, uint32_t day)
{
	uint32_t spare, at = find_row(u, id, day, &spare);
	struct usage_row *r;

	if (at == POLICY_NONE)
		at = spare;
	if (at == POLICY_NONE || strlen(id) >= POLICY_ID_MAX)
		return POLICY_NONE;
	r = &u->row[at];
	if (strcmp(r->id, id) != 0 || r->day != day) {
		/* a reader after our death must not take yesterday's sums for today's */
		r->settled = r->running = (struct usage_sum){0, 0};
		memset(r->id, 0, sizeof(r->id));
		memcpy(r->id, id, strlen(id));
		r->day = day;
	}
	return at;
}

static bool
passes(uint64_t settled, uint64_t running, uint64_t more, uint64_t max)
{
	return max && more && (settled + running >= max || more > max - settled - running);
}

enum usage_verdict
usage_take(struct usage *u, const char *id, uint32_t day, const struct usage_sum *more,
	   const struct usage_sum *max, bool force, struct usage_hold *h)
{
	uint32_t at = make_row(u, id, day);
	struct usage_row *r;

	if (at == POLICY_NONE)
		return force ? USAGE_OK : USAGE_FULL;
	r = &u->row[at];
	if (!force && passes(r->settled.spend_micro, r->running.spend_micro, more->spend_micro,
			     max->spend_micro))
		return USAGE_SPEND;
	if (!force && passes(r->settled.seconds, r->running.seconds, more->seconds, max->seconds))
		return USAGE_MINUTES;
	if (h->row != at + 1 || h->day != day)
		*h = (struct usage_hold){.row = at + 1, .day = day};
	r->running.spend_micro += more->spend_micro;
	r->running.seconds += more->seconds;
	h->sum.spend_micro += more->spend_micro;
	h->sum.seconds += more->seconds;
	return USAGE_OK;
}

/* The row whose running sum has what h holds; NULL when that day is over. */
static struct usage_row *
held_row(struct usage *u, const struct usage_hold *h)
{
	struct usage_row *r = h->row && h->row <= u->n_rows ? &u->row[h->row - 1] : NULL;

	return r && r->day == h->day && r->running.spend_micro >= h->sum.spend_micro &&
			       r->running.seconds >= h->sum.seconds
		       ? r
		       : NULL;
}

static void
drop_hold(struct usage *u, struct usage_hold *h, bool settle)
{
	struct usage_row *r = held_row(u, h);

	if (r) {
		r->running.spend_micro -= h->sum.spend_micro;
		r->running.seconds -= h->sum.seconds;
	}
	if (r && settle) {
		r->settled.spend_micro += h->sum.spend_micro;
		r->settled.seconds += h->sum.seconds;
	}
	*h = (struct usage_hold){0};
}

void
usage_settle(struct usage *u, struct usage_hold *h)
{
	drop_hold(u, h, true);
}

void
usage_give(struct usage *u, struct usage_hold *h)
{
	drop_hold(u, h, false);
}

struct usage_sum
usage_of(const struct usage *u, const char *id, uint32_t day)
{
	uint32_t spare, at = find_row(u, id, day, &spare);
	const struct usage_row *r = at == POLICY_NONE ? NULL : &u->row[at];

	if (!r || r->day != day)
		return (struct usage_sum){0, 0};
	return (struct usage_sum){r->settled.spend_micro + r->running.spend_micro,
				  r->settled.seconds + r->running.seconds};
}
