/* Is this equipment ready for the service? A pure function from the facts of a probe to the lines
 * of a report. Causes come before their consequences: what follows from a line that failed is
 * skipped, not failed again; faults that are independent of each other each have their line. */
#ifndef POSTERN_READY_CHECK_H
#define POSTERN_READY_CHECK_H

#include "ready/facts.h"
#include "ready/report.h"

/** now_us: wall. *out is overwritten. */
void readycheck_run(const struct probe_facts *f, int64_t now_us, struct ready_report *out);

#endif
