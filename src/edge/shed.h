/* Too much to do: new calls that are refused before anything is kept of them. */
#ifndef POSTERN_EDGE_SHED_H
#define POSTERN_EDGE_SHED_H

#include "edge/reply.h"

enum { SHED_TELL_US = 1000000 };

/** A message came, of which the first byte could be read since then (us). */
void shed_note(struct edge *e, uint64_t since_us);
/** m, which no transaction has: true when it is a new call, or another new request, that was
 * refused now (503). OPTIONS, emergency calls and what belongs to calls never are. key: by which a
 * copy of one that was refused is known: it is refused, too, or its caller would be told so of a
 * call that is put through. */
bool shed_refuses(struct edge *e, const struct reply_path *p, const struct sip_msg *m,
		  const struct txn_key *key);

#endif
