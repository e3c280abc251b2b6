#include "base/timer.h"

#include "base/mem.h"

enum err
timers_init(struct timers *ts, uint32_t max)
{
	*ts = (struct timers){.max = max};
	ts->heap = mem_zalloc(max, sizeof(struct timer *));
	return ts->heap ? ERR_OK : ERR_NOMEM;
}

void
timers_fini(struct timers *ts)
{
	mem_free(ts->heap);
	*ts = (struct timers){0};
}

static void
put_at(struct timers *ts, uint32_t i, struct timer *t)
{
	ts->heap[i] = t;
	t->slot = i + 1;
}

static void
sift_up(struct timers *ts, uint32_t i, struct timer *t)
{
	while (i > 0 && ts->heap[(i - 1) / 2]->due > t->due) {
		put_at(ts, i, ts->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put_at(ts, i, t);
}

static void
sift_down(struct timers *ts, uint32_t i, struct timer *t)
{
	for (;;) {
		uint32_t kid = 2 * i + 1;

		if (kid >= ts->n)
			break;
		if (kid + 1 < ts->n && ts->heap[kid + 1]->due < ts->heap[kid]->due)
			kid++;
		if (ts->heap[kid]->due >= t->due)
			break;
		put_at(ts, i, ts->heap[kid]);
		i = kid;
	}
	put_at(ts, i, t);
}

enum err
timer_set(struct timers *ts, struct timer *t, uint64_t due_us)
{
	uint32_t i;

	if (t->slot == 0) {
		if (ts->n == ts->max)
			return ERR_FULL;
		t->due = due_us;
		sift_up(ts, ts->n++, t);
		return ERR_OK;
	}
	i = t->slot - 1;
	if (due_us < t->due) {
		t->due = due_us;
		sift_up(ts, i, t);
	} else {
		t->due = due_us;
		sift_down(ts, i, t);
	}
	return ERR_OK;
}

void
timer_stop(struct timers *ts, struct timer *t)
{
	struct timer *last;
	uint32_t i;

	if (t->slot == 0)
		return;
	i = t->slot - 1;
	t->slot = 0;
	last = ts->heap[--ts->n];
	if (last == t)
		return;
	if (i > 0 && ts->heap[(i - 1) / 2]->due > last->due)
		sift_up(ts, i, last);
	else
		sift_down(ts, i, last);
}

bool
timer_is_set(const struct timer *t)
{
	return t->slot != 0;
}

uint64_t
timers_next(const struct timers *ts)
{
	return ts->n ? ts->heap[0]->due : TIMER_NEVER;
}

void
timers_run(struct timers *ts, uint64_t now_us)
{
	for (uint32_t left = ts->n; left && ts->n && ts->heap[0]->due <= now_us; left--) {
		struct timer *t = ts->heap[0];

		timer_stop(ts, t);
		t->on_due(t, now_us);
	}
}
