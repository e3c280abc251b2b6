#include "edge/guard.h"

#include "base/clock.h"

bool
guard_may_log(struct guard *g, enum guard_cause c, uint64_t now_us, uint64_t *left_out)
{
	uint64_t second = now_us / CLOCK_S;

	if (g->cause[c].second != second) {
		g->cause[c].second = second;
		g->cause[c].lines = 0;
	}
	if (g->cause[c].lines >= GUARD_LINES) {
		g->cause[c].left_out++;
		return false;
	}
	g->cause[c].lines++;
	*left_out = g->cause[c].left_out;
	g->cause[c].left_out = 0;
	return true;
}
