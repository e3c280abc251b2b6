#include "policy/rate.h"

#include "base/clock.h"

static struct rate
from_row(const struct snapshot_rate *row, bool dearest)
{
	return (struct rate){.price_micro = row->price_micro,
			     .increment_s = row->increment_s,
			     .dearest = dearest};
}

struct rate
rate_of(const struct snapshot_view *v, const struct number *n)
{
	const struct snapshot_rate *row = n->z[0] == '+' ? snapshot_rate(v, str_from(n->z)) : NULL;

	/* a rate for "+1" is not meant for "+1800" */
	if (row && n->kind == NUMBER_TOLL_FREE && number_key_digits(row->key) < RATE_FREE_DIGITS)
		row = NULL;
	if (row)
		return from_row(row, false);
	if (n->z[0] != '+' || n->kind == NUMBER_TOLL_FREE || v->n_rates == 0)
		return (struct rate){.increment_s = RATE_STEP_S};
	row = &v->rate[0];
	for (uint32_t i = 1; i < v->n_rates; i++)
		if (v->rate[i].price_micro > row->price_micro)
			row = &v->rate[i];
	return from_row(row, true);
}

uint64_t
rate_step_micro(const struct rate *r)
{
	if (r->price_micro > (UINT64_MAX - 59) / r->increment_s)
		return UINT64_MAX;
	return (r->price_micro * r->increment_s + 59) / 60;
}

uint64_t
rate_steps(const struct rate *r, uint64_t talk_us)
{
	uint64_t step = (uint64_t)r->increment_s * CLOCK_S;
	uint64_t n = (talk_us + step - 1) / step;

	return n ? n : 1;
}
