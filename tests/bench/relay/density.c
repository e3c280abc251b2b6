#include "relay/density.h"

enum {
	STEPS_MAX = 64,
	STEP_PERCENT = 5,
	CALLS_FIRST = 200, /* of step 0 */
	STRIDE = 6,        /* steps at once, until the first round has it between two */
	STEP_GUESS = 22,   /* some 590 calls */
	TRIES = 2, /* a step fails when it fails so often: there is other work on the machine */
	P50_LIMIT_US = 5000,
	LOST_LIMIT = 0,
};

static unsigned
calls_of(unsigned step)
{
	double calls = CALLS_FIRST;

	for (unsigned i = 0; i < step; i++)
		calls *= 1 + STEP_PERCENT / 100.0;
	return (unsigned)calls / 10 * 10;
}

static unsigned
last_step(void)
{
	unsigned step = 0;

	while (step + 1 < STEPS_MAX && calls_of(step + 1) <= TRAFFIC_CALLS_MAX)
		step++;
	return step;
}

/* One step. late: it failed, and the generator could not do its part in any try. */
static bool
holds(struct side_bed *b, struct density *d, const struct traffic_case *what, unsigned step,
      bool *late)
{
	struct side_run r;

	*late = true;
	for (int i = 0; i < TRIES && !d->side.missing[0]; i++) {
		if (!side_run(b, &d->side, what, calls_of(step), &r))
			break;
		if (side_run_late(&r))
			continue;
		*late = false;
		if (r.judged.lost <= LOST_LIMIT && r.judged.p50_us > 0 &&
		    r.judged.p50_us < P50_LIMIT_US)
			return true;
	}
	return false;
}

bool
density_round(struct side_bed *b, struct density *d, const struct traffic_case *what)
{
	unsigned end = last_step(), at = d->pps.n ? d->step : STEP_GUESS;
	unsigned stride = d->pps.n ? 1 : STRIDE;
	int low = -1, high = (int)end + 1; /* the highest that held, the lowest that did not */
	bool late, limit = true;

	while (high - low > 1 && !d->side.missing[0]) {
		if (holds(b, d, what, at, &late)) {
			low = (int)at;
			at = at + stride < end ? at + stride : end;
		} else {
			high = (int)at;
			limit = late;
			at = at > stride ? at - stride : 0;
		}
		if (low >= 0 && high <= (int)end)
			at = (unsigned)(low + high) / 2;
	}
	if (d->side.missing[0])
		return false;
	d->step = low < 0 ? 0 : (unsigned)low;
	d->limit_rounds += limit;
	bench_add(&d->pps, low < 0 ? 0 : (double)calls_of(d->step) * 2 * TRAFFIC_PER_SECOND);
	return true;
}

bool
density_at_limit(const struct density *d)
{
	return 2 * d->limit_rounds > d->pps.n;
}
