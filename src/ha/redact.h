/* A SIP message as it may be kept: what must not lie anywhere is taken out while it is copied. Gone
 * are SRTP keys (every "inline:", the long words of an a=crypto line, k=, a=key-mgmt), what answers
 * a digest challenge (Authorization and its kin), passwords in URIs, ICE passwords, digits in INFO,
 * and bodies that are encoded, for nobody looks into them. In the place of a key stands a tag of
 * four digits: the same key has the same tag in one life of signaling, so that one sees whether it
 * was changed.
 *
 * Works on any bytes: a message need not be one that the parser takes. Pure; never allocates. */
#ifndef POSTERN_HA_REDACT_H
#define POSTERN_HA_REDACT_H

#include "base/buf.h"

/* What was found on the way; both borrow from the message, empty where there is none. */
struct redact_seen {
	struct str call_id, cseq_method;
};

/**
 * Copy msg into out, without its secrets. out failed: it is cut, and what fitted is in it. key: of
 * the tags.
 */
void redact_copy(const uint64_t key[2], struct str msg, struct buf *out, struct redact_seen *seen);

#endif
