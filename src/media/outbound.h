/* The sending half of a row: our own SSRC, sequence and timestamps towards a leg (design.md 6, M7).
 * One SSRC a leg for the life of the row; offsets are set anew where the source changes or jumps,
 * and only ever so that the sequence goes forward. Clear legs are treated alike, but that
 * MEDIA_F_SSRC_PASS lets the source's own values through there. Pure. */
#ifndef POSTERN_MEDIA_OUTBOUND_H
#define POSTERN_MEDIA_OUTBOUND_H

#include "media/flow.h"
#include "rtp/rtp.h"

enum {
	OUTBOUND_JUMP = 3000,          /* packets: a larger step forward is taken for a jump */
	OUTBOUND_BEHIND = SRTP_WINDOW, /* packets: as late as the sender's window can tell */
	OUTBOUND_TS_SLACK_S = 2, /* timestamps may be off the clock by this before we correct */
};
/* Under a key: say MEDIA_REKEY this long before its end. */
#define OUTBOUND_REKEY_RTP (SRTP_INDEX_LIMIT - (UINT64_C(1) << 32))
#define OUTBOUND_REKEY_RTCP (SRTCP_INDEX_LIMIT - (UINT64_C(1) << 20))

/** Does the row pass the source's SSRC, sequence and timestamps as they are? */
bool outbound_passes(const struct flow_row *r);
/** Rewrite the header of the packet at p (checked, h is its reading) for this row. */
void outbound_rtp(struct flow_row *r, const struct rtp_hdr *h, uint8_t *p, uint64_t now_us);
/** The packet that h is of does not go on: the one behind it takes its number. */
void outbound_skip(struct flow_row *r, const struct rtp_hdr *h);
/** A header of our own making at p, RTP_HEADER_LEN octets, for the next packet, with payload type
 * r->conf.event. first: with the marker, at this time; else at the time of the one before. */
void outbound_event(struct flow_row *r, bool first, uint8_t *p, uint64_t now_us);
/** A new key from signalling: the rollover counter goes on or begins at 0, as the row's flags say
 * or the far end did. The sequence goes on in any case. */
void outbound_rekey(struct flow_row *r, uint32_t serial);
/** The timestamp that now_us has in our stream, for sender reports. */
uint32_t outbound_ts_at(const struct flow_row *r, uint64_t now_us);
/** Is the row's key near its end? */
bool outbound_key_ends(const struct flow_row *r);

#endif
