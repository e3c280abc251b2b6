/* Where bench relay stands: two network namespaces without names, one veth pair between them. They
 * are held by descriptors alone, so nothing is left behind however the program ends. */
#ifndef POSTERN_TESTS_BENCH_BED_H
#define POSTERN_TESTS_BENCH_BED_H

#include <stdint.h>
#include <sys/types.h>

#define BED_NEAR "10.77.0.1" /* the generator */
#define BED_FAR "10.77.0.2"  /* the relay */

enum { BED_NEAR_CPU = 0, BED_FAR_CPU = 1, BED_NICE = -20 };

struct bed {
	int near_ns, far_ns;
	unsigned near_if; /* the generator's end */
	uint8_t near_mac[6], far_mac[6];
};

/** Makes it, and stays in the near namespace, on the near core. Ends the program when it cannot. */
void bed_make(struct bed *b);
/** This thread goes there. */
void bed_enter_far(const struct bed *b);
void bed_enter_near(const struct bed *b);
/** This process alone is what counts on that core: pinned, first in its session's group. */
void bed_own_core(int cpu);
/**
 * Nanoseconds that all tasks of this process ran, as the scheduler counts them. 0: it is gone.
 */
uint64_t bed_cpu_ns(pid_t pid);
/** The same of the kernel's thread for soft interrupts of a core. */
uint64_t bed_softirq_ns(int cpu);

#endif
