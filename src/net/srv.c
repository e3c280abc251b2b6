#include "net/srv.h"

/* Records not chosen yet, of the lowest priority among them. */
struct choice {
	const struct dns_answer *a;
	bool done[DNS_RECORDS_MAX];
	uint16_t priority;
};

static bool
may_choose(const struct choice *c, uint16_t i)
{
	const struct dns_record *r = &c->a->rec[i];

	return !c->done[i] && r->type == DNS_SRV && r->target.len;
}

static bool
find_priority(struct choice *c)
{
	bool found = false;

	for (uint16_t i = 0; i < c->a->n; i++) {
		if (!may_choose(c, i) || (found && c->a->rec[i].priority >= c->priority))
			continue;
		c->priority = c->a->rec[i].priority;
		found = true;
	}
	return found;
}

/* The first whose running sum reaches pick. Those of weight 0 come first (RFC 2782), so that they
 * are chosen by a pick of 0 alone. */
static uint16_t
reach_sum(const struct choice *c, uint32_t pick)
{
	uint16_t last = 0;
	uint32_t sum = 0;

	for (int weighty = 0; weighty < 2; weighty++) {
		for (uint16_t i = 0; i < c->a->n; i++) {
			const struct dns_record *r = &c->a->rec[i];

			if (!may_choose(c, i) || r->priority != c->priority ||
			    (r->weight > 0) != (weighty > 0))
				continue;
			sum += r->weight;
			last = i;
			if (sum >= pick)
				return i;
		}
	}
	return last;
}

uint16_t
srv_order(const struct dns_answer *a, const uint32_t *draw, uint16_t n_draw,
	  uint16_t order[DNS_RECORDS_MAX])
{
	struct choice c = {.a = a};
	uint16_t n = 0;

	while (n < DNS_RECORDS_MAX && find_priority(&c)) {
		uint32_t sum = 0;

		for (uint16_t i = 0; i < a->n; i++)
			if (may_choose(&c, i) && a->rec[i].priority == c.priority)
				sum += a->rec[i].weight;
		order[n] = reach_sum(&c, n < n_draw ? draw[n] % (sum + 1) : sum);
		c.done[order[n++]] = true;
	}
	return n;
}

bool
srv_refused(const struct dns_answer *a)
{
	return a->status == DNS_OK && a->n == 1 && a->rec[0].type == DNS_SRV &&
	       a->rec[0].target.len == 0;
}

const struct dns_record *
srv_naptr(const struct dns_answer *a, struct str service)
{
	const struct dns_record *best = NULL;

	for (uint16_t i = 0; i < a->n; i++) {
		const struct dns_record *r = &a->rec[i];

		if (r->type != DNS_NAPTR || !str_ieq(r->service, service) ||
		    !str_ieqz(r->flags, "s") || r->regexp.len || !r->target.len)
			continue;
		if (!best || r->priority < best->priority ||
		    (r->priority == best->priority && r->weight < best->weight))
			best = r;
	}
	return best;
}
