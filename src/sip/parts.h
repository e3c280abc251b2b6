/* A body and its parts (RFC 2046 5.1, RFC 5621): what stands beside an SDP, such as a location
 * (PIDF-LO) or ISUP. A body of one piece is one part. Slices of the message; nothing is copied.
 * Parts inside of parts lie in the same list, each behind the one that holds it. Pure. */
#ifndef POSTERN_SIP_PARTS_H
#define POSTERN_SIP_PARTS_H

#include "sip/hdr.h"

enum {
	SIP_PARTS_MAX = 16,    /* of a body, those that hold others counted */
	SIP_BOUNDARY_MAX = 70, /* bytes, RFC 2046 5.1.1 */
	SIP_PARTS_TOP = 255,   /* sip_part.inside: of no other part */
};

struct sip_part {
	struct str all;        /* its header fields, blank line and content, without the boundary */
	struct str content;    /* behind the blank line */
	struct sip_ctype type; /* text/plain where the part does not say (RFC 2046 5.1) */
	bool optional;         /* handling=optional (RFC 3261 20.11); else it is required, */
	bool required;         /* and handling=required says so */
	bool coded; /* in base64 or the like, or compressed: its content is not what type says */
	bool holds; /* multipart: its own parts stand behind it in the list */
	uint8_t inside; /* index of the part that holds it, or SIP_PARTS_TOP */
};

struct sip_parts {
	unsigned n;
	struct sip_part part[SIP_PARTS_MAX];
};

/**
 * All parts of the body of m. NOTFOUND: no body, or no Content-Type; SYNTAX: a multipart without a
 * boundary, without any part, or that does not end, or a part whose header fields are broken; FULL:
 * more than SIP_PARTS_MAX. *out is undefined on failure.
 */
enum err sip_parts_read(const struct sip_msg *m, struct sip_parts *out) NODISCARD;
/** Is the part of this type, case-insensitive? Parameters do not matter. */
bool sip_part_is(const struct sip_part *p, const char *type, const char *subtype);
/**
 * The part of this type whose content can be read: the first one, among those of a
 * multipart/alternative the last one (RFC 2046 5.1.4). NULL: none.
 */
const struct sip_part *sip_parts_find(const struct sip_parts *p, const char *type,
				      const char *subtype);
/** The content of that part at once: NOTFOUND where there is none, or as sip_parts_read. */
enum err sip_body_of(const struct sip_msg *m, const char *type, const char *subtype,
		     struct str *out) NODISCARD;

#endif
