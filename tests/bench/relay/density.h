/* How many packets a second one core relays without loss, and with half of them within 5 ms: the
 * same search for every contender. */
#ifndef POSTERN_TESTS_BENCH_DENSITY_H
#define POSTERN_TESTS_BENCH_DENSITY_H

#include "relay/side.h"

/* A contender's steps, over the rounds. */
struct density {
	struct side side;
	struct bench_series pps;
	unsigned step;         /* the last one found */
	unsigned limit_rounds; /* in so many the generator, not the relay, was at its end */
};

/** One round: the highest step that holds; its packets a second into d->pps. False: missing. */
bool density_round(struct side_bed *b, struct density *d, const struct traffic_case *what);
/** In most rounds the true figure is above what could be sent. */
bool density_at_limit(const struct density *d);

#endif
