/* What is known of the addresses that we send to: which failed last, and until when others are
 * tried before them. By address and transport, so shared by all trunks. Being down never excludes
 * an address: it is tried last. Pure: `now` and random numbers in. */
#ifndef POSTERN_EDGE_TARGET_H
#define POSTERN_EDGE_TARGET_H

#include "base/addr.h"
#include "base/hash.h"
#include "base/pool.h"
#include "edge/edge.h"

enum {
	TARGETS_MAX = 1024,            /* failed addresses remembered; the oldest give way */
	TARGET_DOWN_US = 5000000,      /* after the first failure; doubles with each */
	TARGET_DOWN_MAX_US = 60000000, /* longest, also for what a Retry-After asks */
};

struct target {
	struct hash_node node;
	struct list age; /* oldest first */
	struct addr addr;
	enum edge_transport transport;
	uint32_t failures; /* in a row */
	uint64_t until;    /* us: behind the others before that */
};

struct targets {
	struct pool pool;
	struct hash by_addr;
	struct list age;
	void *arg;
	/** An address failed (again, after its time), or is good again. why: a sentence, "" when
	 * up. */
	void (*on_target)(void *arg, const struct addr *addr, enum edge_transport transport,
			  bool up, const char *why);
};

/** on_target and arg are set by the caller afterwards; NULL is fine. */
enum err targets_init(struct targets *ts) NODISCARD;
void targets_fini(struct targets *ts);
/** It did not take what we sent. for_us: at least so long (a Retry-After), 0 = by the number of
 * failures, between half and all of it as random says. */
void targets_failed(struct targets *ts, const struct addr *a, enum edge_transport t,
		    uint64_t for_us, const char *why, uint32_t random, uint64_t now);
/** It answered. */
void targets_worked(struct targets *ts, const struct addr *a, enum edge_transport t);
bool targets_is_down(const struct targets *ts, const struct addr *a, enum edge_transport t,
		     uint64_t now);
/** Those that are down behind the others; the order is kept otherwise. */
void targets_sort(const struct targets *ts, struct addr *a, uint32_t n, enum edge_transport t,
		  uint64_t now);

#endif
