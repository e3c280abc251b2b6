/* A window over the highest index seen: which of the last SRTP_WINDOW indexes came already (RFC
 * 3711 3.3.2). The same window guards the sender against using an index twice under a key. Plain
 * data. */
#ifndef POSTERN_SRTP_REPLAY_H
#define POSTERN_SRTP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { SRTP_WINDOW = 128 /* RFC 3711 3.3.2 asks for 64 at least */ };

/** All zero means: nothing seen yet. */
struct srtp_replay {
	uint64_t next;    /* highest index seen + 1; 0: none */
	uint64_t seen[2]; /* bit i of the 128: index next - 1 - i was seen */
};

/** True when index is new: ahead of the highest, or inside the window and not seen. */
bool srtp_replay_fresh(const struct srtp_replay *r, uint64_t index) NODISCARD;
/** Note index as seen. The caller asked srtp_replay_fresh before. */
void srtp_replay_commit(struct srtp_replay *r, uint64_t index);
/** Everything up to and including index counts as seen: only what is ahead of it is fresh. */
void srtp_replay_fill(struct srtp_replay *r, uint64_t index);

#endif
