/* RTCP from one leg, written anew for the other (design.md 6): SSRC, sequence and CNAME are ours,
 * reports and what decoders ask of encoders (NACK, PLI, FIR) are translated by the offsets of the
 * rows, anything else stays behind. And RTCP of our
 * own where the far side sends none. Pure. */
#ifndef POSTERN_MEDIA_RTCP_H
#define POSTERN_MEDIA_RTCP_H

#include "media/flow.h"

enum {
	MEDIA_RTCP_SILENCE_US = 10 * 1000 * 1000, /* the far side sends none: we do */
	MEDIA_RTCP_EVERY_US = 5 * 1000 * 1000,    /* RFC 3550 6.2 */
	MEDIA_RTCP_BLOCKS = 4,   /* translated report blocks; there is one source a leg */
	MEDIA_RTCP_FEEDBACK = 4, /* translated feedback packets of a datagram, */
	MEDIA_RTCP_INFO = 64,    /* and octets that one of them says */
};

/**
 * Read the compound that came from `from`'s far end (clear or decrypted, checked for its source):
 * note its reports in the row. SHORT, SYNTAX: broken, nothing is noted.
 */
enum err media_rtcp_note(struct flow_row *from, const uint8_t *p, size_t len,
			 uint64_t now_us) NODISCARD;
/**
 * Write the same for `to`'s far end. NOTFOUND: nothing in it that is passed on. When an SR is
 * written, `to` notes its time (for round trips).
 */
enum err media_rtcp_translate(struct flow_row *from, struct flow_row *to, const uint8_t *p,
			      size_t len, uint64_t now_us, struct buf *out) NODISCARD;
/**
 * Is it time for RTCP of our own to r's far end? peer: the row whose far end should have sent;
 * NULL: none.
 */
bool media_rtcp_due(const struct flow_row *r, const struct flow_row *peer, uint64_t now_us);
/** An SR (where we send) or RR, and our CNAME. wall_us: Unix time for the NTP field. */
void media_rtcp_own(struct flow_row *r, uint64_t now_us, uint64_t wall_us, struct buf *out);

#endif
