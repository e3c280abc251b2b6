/* The load: a PBX over TLS connections that stay, and a gateway over UDP, in one thread with one
 * clock. A call is INVITE, 100, 180, 200, ACK, BYE, 200; of INVITE, 180, 200 and BYE the time from
 * one end to the other is taken. No sound. Both are strict: what does not come, comes twice with
 * another meaning, or comes at the wrong end, fails the call. */
#ifndef POSTERN_TESTS_BENCH_CALLS_LOAD_H
#define POSTERN_TESTS_BENCH_CALLS_LOAD_H

#include "calls/place.h"

enum {
	LOAD_CONNS = 8,
	LOAD_CALLS_MAX = 80000, /* of one run */
	LOAD_WHY_MAX = 200,
	LOAD_HELPS_MAX = 1000,
};

struct load_plan {
	unsigned rate, calls; /* INVITEs a second, in even steps, and how many */
	unsigned ring_ms;     /* 180 to 200 */
	unsigned hold_ms;     /* ACK to BYE */
	/* More than it can carry: a 503 is no failure, and a connection that takes nothing more is
	 * offered nothing more. Over the same connections goes a call for help each 100 ms, which
	 * is only refused there: at once. */
	bool overload;
	unsigned limit_s; /* from the last INVITE on; what is not over then has failed */
	/* All calls are up at a time: BYEs begin when this was told, at the same rate. May be NULL:
	 * each call ends by itself. */
	void (*on_up)(void *arg);
	void *arg;
};

struct load_result {
	unsigned done, failed;
	unsigned shed, held; /* overload: answered 503; not offered, for its connection was full */
	unsigned helps, helped; /* overload: calls for help, those that were answered */
	double help_p50_ms, help_worst_ms;
	unsigned again;         /* datagrams that came twice: something was slow or lost */
	double seconds;         /* first INVITE to the last one */
	double over_s;          /* first INVITE to the last end of a call that was carried */
	double late_ms;         /* furthest that an INVITE was behind its time */
	double p50_us, p99_us;  /* from end to end */
	char why[LOAD_WHY_MAX]; /* of the first failure */
};

struct load;

/** The gateway's socket, the PBX's certificate. Ends the program when it fails. */
struct load *load_new(const struct place *p);
void load_free(struct load **l);
/** LOAD_CONNS connections of the PBX to PLACE_CUSTOMER_SIDE:port. False: nobody there yet. */
bool load_connect(struct load *l, uint16_t port);
void load_disconnect(struct load *l);
/** Runs the plan to its end over the connections. */
void load_run(struct load *l, const struct load_plan *plan, struct load_result *out);

#endif
