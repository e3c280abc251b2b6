/* Too much to do: new requests that are refused before anything is kept of them, first those of
 * peers that make more than others (edge/share.h). */
#ifndef POSTERN_EDGE_SHED_H
#define POSTERN_EDGE_SHED_H

#include "edge/reply.h"

enum { SHED_TELL_US = 1000000 };

/** A message came, of which the first byte could be read since then (us). */
void shed_note(struct edge *e, uint64_t since_us);
/** m, which belongs to no transaction and no dialog: true when its peer (p->peer) makes more new
 * requests than it may while there is too much to do, and it was refused now (503). Emergency calls
 * never are, OPTIONS only of who floods. key: by which a copy of one that was refused is known: it
 * is refused, too, or its caller would be told so of a call that is put through. */
bool shed_refuses(struct edge *e, const struct reply_path *p, const struct sip_msg *m,
		  const struct txn_key *key);

#endif
