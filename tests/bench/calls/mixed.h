/* Mixed calls through the whole node, both ways, against ends whose messages get lost, come twice
 * or late, and whose connections are cut at any byte: is every leg paired, is nothing left over,
 * has each call one CDR? */
#ifndef POSTERN_TESTS_BENCH_CALLS_MIXED_H
#define POSTERN_TESTS_BENCH_CALLS_MIXED_H

#include "calls/place.h"

enum { MIXED_CALLS_MAX = 1000000 };

/** Prints what was seen, as a line of JSON. False: something was not as it must be, each said on
 * stderr. */
bool mixed_run(const struct place *p, const char *program, unsigned calls, unsigned rate,
	       unsigned seed);

#endif
