#include "edge/budget.h"

#include <string.h>

#include "base/random.h"

void
budget_init(struct budget *b)
{
	memset(b, 0, sizeof(*b));
	random_bytes(b->key, sizeof(b->key));
}

/* The source as it is compared; the set that it belongs to. */
static size_t
net_of(const struct budget *b, const struct addr *a, struct budget_row *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->net, a->ip, a->family == 4 ? 4 : 8);
	out->family = a->family;
	return hash_siphash(b->key, out->net, sizeof(out->net)) % BUDGET_SETS;
}

static bool
is_row(const struct budget_row *a, const struct budget_row *b)
{
	return a->family == b->family && memcmp(a->net, b->net, sizeof(a->net)) == 0;
}

/* Its row, or the one that makes room for it. */
static struct budget_row *
row_for(struct budget *b, const struct addr *source)
{
	struct budget_row want, *set = b->row[net_of(b, source, &want)], *oldest = &set[0];

	for (int i = 0; i < BUDGET_WAYS; i++) {
		if (is_row(&set[i], &want))
			return &set[i];
		if (set[i].used_us < oldest->used_us)
			oldest = &set[i];
	}
	*oldest = want;
	return oldest;
}

static bool
is_out(const struct budget_row *r, uint64_t now)
{
	return now >= r->known_us &&
	       r->paid_us > now + (uint64_t)(BUDGET_BURST - 1) * BUDGET_EACH_US;
}

bool
budget_take(struct budget *b, const struct addr *source, uint64_t now)
{
	struct budget_row *r = row_for(b, source);

	r->used_us = now;
	if (is_out(r, now))
		return false;
	if (now >= r->known_us)
		r->paid_us = (r->paid_us > now ? r->paid_us : now) + BUDGET_EACH_US;
	return true;
}

void
budget_know(struct budget *b, const struct addr *source, uint64_t now)
{
	struct budget_row *r = row_for(b, source);

	r->used_us = now;
	r->known_us = now + BUDGET_KNOWN_US;
}
