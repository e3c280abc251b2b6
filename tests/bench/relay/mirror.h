/* A forwarder of the harness itself, in the place of a relay: it spoils known packets, so that each
 * bench run shows first that its checks can fail. */
#ifndef POSTERN_TESTS_BENCH_MIRROR_H
#define POSTERN_TESTS_BENCH_MIRROR_H

#include "relay/contender.h"
#include "relay/judge.h"

enum {
	MIRROR_CALLS = 10,
	/* what is done to the packet of this number, after the cycle that is not measured */
	MIRROR_PAYLOAD = 50, /* a bit of it flipped */
	MIRROR_LOSS = 60,    /* not sent on */
	MIRROR_TWICE = 70,   /* sent on twice */
	MIRROR_PORT = 80,    /* sent on from another call's port */
	MIRROR_HEADER = 90,  /* another timestamp */
	MIRROR_LOST = 4,     /* of these five, which never came as they should */
	MIRROR_FIRST = 1,    /* cycles of MIRROR_CALLS * 2 packets that are not measured */
};

/** calls[MIRROR_CALLS] is filled. */
void mirror_start(struct contender *c, const struct bed *b, struct traffic_call *calls);
/** True when each thing that it did wrong was counted once, and nothing else. */
bool mirror_found(const struct judge_result *r);

#endif
