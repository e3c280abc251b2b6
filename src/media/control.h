/* What is done to rows at leisure: commands of signaling, time-outs, RTCP of our own, the end of a
 * grace time. Pure but for the relay's own sending. */
#ifndef POSTERN_MEDIA_CONTROL_H
#define POSTERN_MEDIA_CONTROL_H

#include "media/relay.h"

enum {
	CONTROL_TICK_US = 100 * 1000, /* call control_tick that often */
	CONTROL_TICKS = 10,           /* calls for one turn over all open rows */
};

/**
 * Apply a command and note it in the table. One that was noted before changes nothing; a CLOSE is
 * answered each time. RANGE: no slot of this worker; SYNTAX: not a command.
 */
enum err control_apply(struct relay *r, const struct media_cmd *c, uint64_t now_us) NODISCARD;
/** A part of the open rows: time-outs (MEDIA_TIMEOUT, once), MEDIA_REKEY, RTCP of our own. */
void control_tick(struct relay *r, uint64_t now_us, uint64_t wall_us);

#endif
