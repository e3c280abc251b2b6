/* What goes on beside the overload, in a thread of its own: calls with sound that were up before
 * it, and calls for help, one each 100 ms, over a clear trunk of another account to a gateway of
 * their own. All of them are calls for help, for those need no readiness. */
#ifndef POSTERN_TESTS_BENCH_CALLS_ASIDE_H
#define POSTERN_TESTS_BENCH_CALLS_ASIDE_H

#include <stdbool.h>

/* Addresses of the namespace; what is there is in side.c. */
#define ASIDE_PBX "127.0.0.5"
#define ASIDE_GATEWAY "127.0.0.10"

enum {
	ASIDE_PBX_PORT = 5070,
	ASIDE_GATEWAY_PORT = 5080,
	ASIDE_SOUND = 8, /* calls with sound */
	ASIDE_CALLS_MAX = 4096,
	ASIDE_WHY_MAX = 200,
};

struct aside_result {
	unsigned calls, answered; /* for help */
	double p50_ms, worst_ms;  /* INVITE to 200 */
	unsigned packets, lost;   /* of sound, both directions */
	char why[ASIDE_WHY_MAX];  /* of the first call that was not answered */
};

struct aside;

/** Begins: the calls with sound are up when this returns. port: of the clear listener. Ends the
 * program when they cannot be had. */
struct aside *aside_start(unsigned port);
/** Ends its calls, and frees. False: a call was not answered, or a packet is missing. */
bool aside_stop(struct aside **a, struct aside_result *out);

#endif
