#include "track.h"

#include <string.h>

void
track_push(struct track *t, int64_t v)
{
	if (!t->on || v > t->high + 10 * TRACK_WINDOW || v < t->high - 10 * TRACK_WINDOW) {
		memset(t->seen, 0, sizeof(t->seen));
		if (!t->on)
			t->first = v;
		t->high = v - 1;
		t->on = true;
	}
	if (v <= t->high - TRACK_WINDOW ||
	    (v <= t->high && t->seen[v % TRACK_WINDOW / 64] >> v % 64 & 1)) {
		t->dup++;
		return;
	}
	if (v < t->high)
		t->reordered++;
	for (; t->high < v; t->high++)
		t->seen[(t->high + 1) % TRACK_WINDOW / 64] &= ~(UINT64_C(1) << (t->high + 1) % 64);
	t->seen[v % TRACK_WINDOW / 64] |= UINT64_C(1) << v % 64;
	if (v < t->first)
		t->first = v;
	t->unique++;
}

uint64_t
track_lost(const struct track *t)
{
	uint64_t expected = t->on ? (uint64_t)(t->high - t->first + 1) : 0;

	return expected > t->unique ? expected - t->unique : 0;
}
