/* One-way audio, found and named: what was heard from each leg of a call that was answered, out of
 * media's counters (field.md 3, 15). Pure but for its log line. */
#ifndef POSTERN_CALL_HEARD_H
#define POSTERN_CALL_HEARD_H

#include "call/state.h"

enum {
	HEARD_LEAST_US = 3000000, /* a shorter talk tells nothing */
	HEARD_STREAM_LEAST = 25,  /* dropped packets that were sound: half a second of it */
	HEARD_JUDGED_LEAST = 3,   /* packets looked into before it is called silence */
};

/** What these counters of a leg say after a talk of talk_us; flags: of its last media_open. */
enum record_audio heard_judge(const struct media_stats *s, uint32_t flags, uint64_t talk_us);
/** The call is over and its counters are final: into the record of both legs; a direction without
 * sound is logged, and the call counted. */
void heard_note(struct call *c);

#endif
