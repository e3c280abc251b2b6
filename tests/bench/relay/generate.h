/* Sends the packets of a run at their time and keeps everything that comes back. */
#ifndef POSTERN_TESTS_BENCH_GENERATE_H
#define POSTERN_TESTS_BENCH_GENERATE_H

#include "relay/bed.h"
#include "relay/judge.h"
#include "relay/xsk.h"

enum {
	GENERATE_RX_MAX = 1 << 20, /* datagrams that are kept in a run */
	GENERATE_LATE_US = 1000,   /* a slot that leaves later is late */
};

struct generator {
	const struct bed *bed;
	struct xsk xsk;
	struct traffic_rx *rx;
	unsigned n_rx;
	uint64_t *slot_ns;
	uint16_t *slot_of;
	unsigned *order; /* streams in the order in which they leave in a cycle */
};

/* What is known of a run beside the packets. */
struct generate_result {
	uint64_t cpu_ns, softirq_ns; /* of the relay, of its core's ksoftirqd */
	unsigned relayed;            /* datagrams that came back meanwhile */
	double late;                 /* share of the slots that left late */
	uint64_t dropped;            /* by the generator's side of the kernel */
};

void generate_init(struct generator *g, const struct bed *b);
void generate_fini(struct generator *g);
/**
 * Send r->n_cycles cycles of r->n_calls calls through the relay of process pid. CPU and packets are
 * those of the cycles from r->first on. Fills in r->slot_of, slot_ns, rx, n_rx: valid until the
 * next run.
 */
void generate_run(struct generator *g, const struct traffic *t, struct judge_run *r, pid_t pid,
		  struct generate_result *out);

#endif
