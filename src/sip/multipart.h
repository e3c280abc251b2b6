/* Bodies of several parts (RFC 2046 5.1): slices over the body, no copy. Pure. */
#ifndef POSTERN_SIP_MULTIPART_H
#define POSTERN_SIP_MULTIPART_H

#include "sip/msg.h"

enum {
	SIP_PARTS_MAX = 16,    /* of one body that are looked at */
	SIP_BOUNDARY_MAX = 70, /* RFC 2046 5.1.1 */
};

struct sip_part {
	struct str all;  /* headers, blank line and body, without the line end before the next
			  * boundary */
	struct str type; /* value of its Content-Type, trimmed; empty where it has none */
	struct str body;
};

/** The boundary of a message whose Content-Type is multipart/anything. NOTFOUND: it is another
 * one; SYNTAX: a boundary that cannot be one. */
enum err sip_multipart_boundary(const struct sip_msg *m, struct str *out) NODISCARD;
/**
 * Walk: *rest starts as the body and is moved on. False behind the last part. What stands before
 * the first boundary and behind the closing one is passed over; a body that breaks off ends its
 * last part.
 */
bool sip_multipart_next(struct str *rest, struct str boundary, struct sip_part *out);
/** Is the part of this type, whatever its parameters? type: "application/sdp" */
bool sip_part_is(const struct sip_part *p, const char *type);
/** The first part of this type; false: there is none, or the body has no parts. */
bool sip_multipart_find(const struct sip_msg *m, const char *type, struct sip_part *out);

#endif
