/* What media knows of each leg: its port and its row of the flow table. Keys go to the secrets
 * segment before the command that names them. */
#ifndef POSTERN_CALL_ROW_H
#define POSTERN_CALL_ROW_H

#include "call/state.h"

/** A port of this trunk's media address for leg i, if it has none yet; that of a target before it,
 * with another address, is given back. */
enum refusal row_port(struct call *c, enum call_leg_index i, uint32_t trunk);
/**
 * The leg's two sides from now on, which are copied. A key that is another one than before gets a
 * new serial: never the same serial for two keys of a slot, and media lets old and new overlap.
 */
void row_sides(struct call *c, enum call_leg_index i, const struct sdp_stream *far,
	       const struct sdp_local *local);
/** Say to media what the leg's row shall be. MEDIA_BUSY: it cannot be told now. */
enum refusal row_open(struct call *c, enum call_leg_index i);
/** The call is answered: media time-outs run. */
enum refusal row_answered(struct call *c);
/** A call of an earlier life, from its record and the secrets segment: the keys that both sides
 * use, so that the next offer repeats ours and sees whether theirs is new. */
void row_restore(struct call *c);
/** Close both rows (once). */
void row_close(struct call *c);

#endif
