/* Who relays: ours by each back end, and the peer. Each run has a new process, on the far core, in
 * the far namespace, with the calls open; ending it is the caller's. */
#ifndef POSTERN_TESTS_BENCH_CONTENDER_H
#define POSTERN_TESTS_BENCH_CONTENDER_H

#include "relay/bed.h"
#include "relay/traffic.h"

enum { CONTENDER_WHY_MAX = 300, CONTENDER_PORT_MIN = 20000 };

/* A running one. */
struct contender {
	pid_t pid; /* 0: none */
	int log;   /* what it said, unlinked */
	void *own;
	void (*do_stop)(struct contender *c);
};

/* What ours is run with. */
struct contender_mode {
	unsigned kind;    /* enum io_kind */
	unsigned tick_us; /* 0: event mode */
};

/**
 * The media role itself, started as keeper does, and as many calls opened as signaling does. calls
 * is filled. False: it does not run here, why says why.
 */
bool ours_start(struct contender *c, const struct bed *b, const struct contender_mode *m,
		const struct traffic_case *what, unsigned n_calls, struct traffic_call *calls,
		char *why);
/** rtpengine, in user space, one thread for packets. */
bool peer_start(struct contender *c, const struct bed *b, const struct traffic_case *what,
		unsigned n_calls, struct traffic_call *calls, char *why);
/** Ends it within a second or two. A struct of zeros is fine. */
void contender_stop(struct contender *c);

/* ---- for those above ---- */

/** A new process of ours on the far side; 0 in the child. It dies with this one. */
pid_t contender_fork(struct contender *c, const struct bed *b);
/** The child is gone or a second is over; then it is killed and waited for. */
void contender_reap(struct contender *c);
/** Its log, for why. */
void contender_why(const struct contender *c, const char *what, char *why);

#endif
