/* What media knows of each leg: its port and its row of the flow table. Keys go to the secrets
 * segment before the command that names them. */
#ifndef POSTERN_CALL_ROW_H
#define POSTERN_CALL_ROW_H

#include "call/state.h"

/** A port of this trunk's media address for leg i, if it has none yet; that of a target before it,
 * with another address, is given back. */
enum refusal row_port(struct call *c, enum call_leg_index i, uint32_t trunk);
/** One of our own media ports? A leg that names one would make packets go round. */
bool row_names_us(const struct call *c, const struct sdp_stream *far);
/**
 * The leg's two sides from now on, which are copied. A key that is another one than before gets a
 * new serial: never the same serial for two keys of a slot, and media lets old and new overlap.
 */
void row_sides(struct call *c, enum call_leg_index i, const struct sdp_stream *far,
	       const struct sdp_local *local);
/** Say to media what the leg's row shall be, and that of its video, if there is one. MEDIA_BUSY: it
 * cannot be told now. */
enum refusal row_open(struct call *c, enum call_leg_index i);
/** The call is answered: media time-outs run. */
enum refusal row_answered(struct call *c);
/** A call of an earlier life, from its record and the secrets segment: the keys that both sides
 * use, so that the next offer repeats ours and sees whether theirs is new. */
void row_restore(struct call *c);
/** Close all rows (once). */
void row_close(struct call *c);
/** Have all rows of a call that is over said their last word? */
bool row_is_final(const struct call *c);

/* Video: rows of its own beside the audio's, on both legs or on none. */

/** Ports for it, if it has none yet. False: none are left, and none are taken. */
bool row_video_ports(struct call *c);
/** As row_sides, of its video, which has ports. */
void row_video_sides(struct call *c, enum call_leg_index i, const struct sdp_stream *far,
		     const struct sdp_local *local);
/** Its last counters. */
void row_video_closed(struct call *c, enum call_leg_index i, const struct media_stats *s);
/** Its ports are given back, if it has any; what they counted stays in the record. */
void row_video_free(struct call *c);

#endif
