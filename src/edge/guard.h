/* Bounds what strangers can make us write: at most GUARD_LINES log lines a second of a cause, and a
 * summary of what was left out (reliability D4). */
#ifndef POSTERN_EDGE_GUARD_H
#define POSTERN_EDGE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

enum { GUARD_LINES = 20, GUARD_CAUSES = 8 };

enum guard_cause {
	GUARD_BAD_MESSAGE,
	GUARD_STRANGER,
	GUARD_HANDSHAKE,
	GUARD_ACCEPTED,
	GUARD_CONNECTION,
	GUARD_REFUSED
};

struct guard {
	struct {
		uint64_t second, left_out;
		uint32_t lines;
	} cause[GUARD_CAUSES];
};

/** True: write the line. *left_out: lines left out before this one, to be said with it. */
bool guard_may_log(struct guard *g, enum guard_cause c, uint64_t now_us, uint64_t *left_out);

#endif
