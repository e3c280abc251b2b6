/* calls --overload: ten times what the node can carry, in calls that would be carried. First the
 * peak is looked for by steps, then ten times its rate is offered over the same connections, then
 * an ordinary rate again. What counts is the goodput: calls a second that came to their end. */
#ifndef POSTERN_TESTS_BENCH_CALLS_OVERLOAD_H
#define POSTERN_TESTS_BENCH_CALLS_OVERLOAD_H

#include "calls/load.h"
#include "calls/side.h"

/** rate: of the peak; 0: look for it. False: less than nine tenths of the peak; a call for help
 * without its answer, a packet of sound missing meanwhile; a call that failed afterwards. */
bool overload_run(struct load *l, struct side *s, unsigned rate);

#endif
