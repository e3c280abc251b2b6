/* Where bench relay stands: two network namespaces without names, one veth pair between them. They
 * are held by descriptors alone, so nothing is left behind however the program ends. */
#ifndef POSTERN_TESTS_BENCH_BED_H
#define POSTERN_TESTS_BENCH_BED_H

#include <stdint.h>
#include <sys/types.h>

#define BED_NEAR "10.77.0.1" /* the generator */
#define BED_FAR "10.77.0.2"  /* the relay */

struct bed {
	int near_ns, far_ns;
	unsigned near_if; /* the generator's end */
	uint8_t near_mac[6], far_mac[6];
};

/** Makes it, and stays in the near namespace. Ends the program when it cannot. */
void bed_make(struct bed *b);
/** This thread goes there. */
void bed_enter_far(const struct bed *b);
void bed_enter_near(const struct bed *b);
/** Nanoseconds that the kernel's thread for soft interrupts of a core ran. */
uint64_t bed_softirq_ns(int cpu);

#endif
