/* Answers without a transaction: to what cannot be understood, or not be taken. */
#ifndef POSTERN_EDGE_REPLY_H
#define POSTERN_EDGE_REPLY_H

#include "edge/state.h"

enum { REPLY_TAG = 17 };

/* Where a request came from, and its answer goes. */
struct reply_path {
	struct conn *conn;         /* or */
	struct listener *listener; /* UDP */
	struct addr from, to;
};

/** Answer a request without keeping anything of it; an ACK is never answered. why: a sentence for
 * the Warning. */
void reply_refuse(struct edge *e, const struct reply_path *p, const struct sip_msg *m,
		  unsigned status, const char *why);
/** The same with a line in the log, of which there are not too many. status 0: no answer. */
void reply_bad(struct edge *e, const struct reply_path *p, const struct sip_msg *m, unsigned status,
	       const char *why);

#endif
