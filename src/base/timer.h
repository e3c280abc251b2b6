/* Timers as pure data: a binary heap of pointers, ordered by due time. The owner asks
 * timers_next() for its poll time-out and calls timers_run(). Setting never allocates: the heap
 * has room for `max` timers from the start. */
#ifndef POSTERN_BASE_TIMER_H
#define POSTERN_BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define TIMER_NEVER UINT64_MAX

struct timer {
	uint64_t due;  /* us */
	uint32_t slot; /* place in the heap + 1; 0 = not set */
	void (*on_due)(struct timer *t, uint64_t now_us);
};

struct timers {
	struct timer **heap;
	uint32_t n, max;
};

enum err timers_init(struct timers *ts, uint32_t max) NODISCARD;
void timers_fini(struct timers *ts);
/** Set or move t. t must be zeroed before its first use. FULL when `max` others are set. */
enum err timer_set(struct timers *ts, struct timer *t, uint64_t due_us) NODISCARD;
/** Not set is fine. */
void timer_stop(struct timers *ts, struct timer *t);
bool timer_is_set(const struct timer *t);
/** Due time of the earliest timer, or TIMER_NEVER. */
uint64_t timers_next(const struct timers *ts);
/** Fires what is due, earliest first; at most as many as were set on entry. */
void timers_run(struct timers *ts, uint64_t now_us);

#endif
