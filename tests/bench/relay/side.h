/* One contender under measurement, and one run of it: a new process, its calls, the packets, the
 * verdict. */
#ifndef POSTERN_TESTS_BENCH_SIDE_H
#define POSTERN_TESTS_BENCH_SIDE_H

#include "bench.h"
#include "media/io_choice.h"
#include "relay/contender.h"
#include "relay/generate.h"

enum { SIDE_WARM_MS = 300, SIDE_LATE_PERCENT = 10 };

/* What all runs share. */
struct side_bed {
	struct bed bed;
	struct generator generator;
	struct traffic traffic;
	struct traffic_call calls[TRAFFIC_CALLS_MAX];
	unsigned window_ms;
	bool trace;  /* tell each run on standard error */
	bool failed; /* something that ours gave was not as sent */
};

/* One contender over its rounds. */
struct side {
	bool peer;
	struct contender_mode mode;
	char missing[CONTENDER_WHY_MAX]; /* why there are no figures */
	struct bench_series ns, p50, p99, softirq;
	uint64_t sent, lost, wrong; /* wrong: runs */
	double late;                /* worst share of slots that left late */
};

/* One run. */
struct side_run {
	struct judge_result judged;
	struct generate_result seen;
	double ns; /* CPU a packet */
};

void side_bed_make(struct side_bed *b, unsigned window_ms);
void side_bed_drop(struct side_bed *b);
const char *side_name(const struct side *s);
/** Send through c, which has these calls open, and judge: `first` cycles that are not measured. */
void side_send(struct side_bed *b, struct contender *c, const struct traffic_case *what,
	       unsigned n_calls, unsigned first, unsigned cycles, struct side_run *out);
/** Start it, send, stop it. False: it does not run here (s->missing). What is wrong is said. */
bool side_run(struct side_bed *b, struct side *s, const struct traffic_case *what, unsigned n_calls,
	      struct side_run *out);
/** The generator could not do its part in this run. */
bool side_run_late(const struct side_run *r);
/** Take the run as a round. */
void side_add(struct side *s, const struct side_run *r);
double side_loss(const struct side *s);

#endif
