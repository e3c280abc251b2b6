/* Who is measured: postern, all its roles, and Kamailio. Each takes calls from the PBX over TLS on
 * PLACE_CUSTOMER_SIDE:tls_port and sends them to the gateway over UDP. */
#ifndef POSTERN_TESTS_BENCH_CALLS_SIDE_H
#define POSTERN_TESTS_BENCH_CALLS_SIDE_H

#include "calls/place.h"

enum { SIDE_OUR_UDP = 5060, SIDE_OUR_CLEAR = 5062, SIDE_WHY_MAX = 400, SIDE_RATES_MAX = 8 };

struct side {
	const char *name;
	uint16_t tls_port;
	pid_t pid;              /* 0: does not run */
	char why[SIDE_WHY_MAX]; /* why it does not */
};

/** postern as built beside this program. calls: what limits.calls says. more: further lines of its
 * configuration, which is postern.yaml; its CDRs are in cdr.jsonl. False: see why. */
bool side_start_postern(struct side *s, const struct place *p, const char *program, unsigned calls,
			const char *more);
/** Another build of postern, beside the first. */
bool side_start_other(struct side *s, const struct place *p, const char *program, unsigned calls);
/** Kamailio as Debian has it: tm, rr, dialog, topoh; one process for UDP, one for TLS. */
bool side_start_kamailio(struct side *s, const struct place *p);

#endif
