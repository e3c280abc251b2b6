/* Which of a row of numbers came: once, twice, late, not at all. */
#ifndef SRTP_END_TRACK_H
#define SRTP_END_TRACK_H

#include <stdbool.h>
#include <stdint.h>

enum { TRACK_WINDOW = 1024 };

/* Zero: nothing came yet. */
struct track {
	bool on;
	int64_t first, high;
	uint64_t unique, dup, reordered;
	uint64_t seen[TRACK_WINDOW / 64];
};

void track_push(struct track *t, int64_t v);
/** Of the numbers from the first to the highest, those that did not come. */
uint64_t track_lost(const struct track *t);

#endif
