/* The parts of a body beside its SDP (RFC 5621): a location (PIDF-LO), ISUP, a list of resources.
 * They go on as they came, beside the SDP that we write, where both trunks of the call pass them
 * (docs/decisions/053); in a call for help what it says of where the caller is always does (RFC
 * 6442, RFC 7852). Never SDP, nor what holds keys or cannot be looked into. */
#ifndef POSTERN_CALL_PARTS_H
#define POSTERN_CALL_PARTS_H

#include "call/leg.h"

/** Is there an SDP in the body that can be read? */
bool parts_with_sdp(const struct sip_msg *m);
/** May the body of this INVITE of the call come without an offer: there is none at all, or only
 * parts of other kinds, which leg A's trunk passes? */
bool parts_alone(const struct call *c, const struct sip_msg *m);
/**
 * Would a part of the body stay here although it says handling=required? Then BODY_TYPE (415, RFC
 * 5621 9) with a static sentence in *why. Before leg B has a trunk leg A's alone is asked.
 */
enum refusal parts_judge(const struct call *c, const struct sip_msg *m, const char **why) NODISCARD;
/** Has m anything beside its SDP that goes on to leg `to`? */
bool parts_go_on(const struct call *c, enum call_leg_index to, const struct sip_msg *m);
/** Append to a message for leg `to` what headers of m say of its parts: Geolocation and the like.
 */
void parts_put_headers(const struct call *c, enum call_leg_index to, const struct sip_msg *m,
		       struct buf *b);
/** Accept of an INVITE or UPDATE of ours for leg `to`: m's own where parts may come back; m may be
 * NULL. */
void parts_put_accept(const struct call *c, enum call_leg_index to, const struct sip_msg *m,
		      struct buf *b);
/** End a message for leg `to`: with this SDP (which may be empty) and the parts of m (NULL: none)
 * that go on, unchanged; without such, the SDP alone. */
void parts_put_body(const struct call *c, enum call_leg_index to, const struct sip_msg *m,
		    struct str sdp, struct buf *b);

#endif
