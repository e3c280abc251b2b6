/* The answer to `postern trace`: the messages of a call on all its legs, in the order in which they
 * came and went, each with the message on another leg that it goes on from, and what differs. */
#ifndef POSTERN_OPS_SHOWTRACE_H
#define POSTERN_OPS_SHOWTRACE_H

#include "call/record.h"
#include "ha/tracering.h"
#include "ops/jsonin.h"

enum {
	SHOWTRACE_MESSAGES = 500,             /* of an answer; of more, the last ones */
	SHOWTRACE_LEGS = 24,                  /* Call-IDs of a call */
	SHOWTRACE_BYTES = 4 * 1024 * 1024,    /* of messages in hand */
	SHOWTRACE_PAIR_US = 64 * 1000 * 1000, /* a message goes on from one that is no older */
};

/**
 * q: "id" of a call or refused request, or a Call-ID; "full", "diff": true. rec: the call's record
 * where it goes on, else NULL. NOTFOUND: nothing of it is kept, b is empty; NOMEM.
 */
enum err showtrace_put(const struct tracering *ring, const struct call_record *rec,
		       const struct json *q, struct buf *b) NODISCARD;

#endif
