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
	uint64_t since;          /* us: when it could be read, for all that its peer does */
	struct share_peer *peer; /* NULL: not known yet */
	unsigned weight;         /* as so many peers it counts (share_note) */
	bool shown;              /* to who traces messages; else its answer is not, either */
	bool judged;             /* shed_refuses was asked already */
};

/** Answer a request without keeping anything of it; an ACK is never answered. why: a sentence for
 * the Warning. */
void reply_refuse(struct edge *e, const struct reply_path *p, const struct sip_msg *m,
		  unsigned status, const char *why);
/** An answer of 503 to a new request that there is no time for, as cheap as can be: one sentence
 * for all, no id, no record, no log. */
void reply_overload(struct edge *e, const struct reply_path *p, const struct sip_msg *m,
		    unsigned retry_s);
/** Is this ACK of an answer of ours of which nothing was kept? */
bool reply_is_acked(const struct edge *e, const struct sip_msg *m);
/** How many of a hundred new requests over p are refused: of its peer, or of its connection. */
unsigned reply_percent(const struct edge *e, const struct reply_path *p);
/** As reply_refuse, with a line in the log, of which there are not too many. status 0: no answer.
 */
void reply_bad(struct edge *e, const struct reply_path *p, const struct sip_msg *m, unsigned status,
	       const char *why);

#endif
