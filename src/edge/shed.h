/* Too much to do: new requests that are refused before anything is kept of them, first those of
 * peers that make more than others (edge/share.h). */
#ifndef POSTERN_EDGE_SHED_H
#define POSTERN_EDGE_SHED_H

#include "edge/reply.h"

enum {
	SHED_TELL_US = 1000000,
	SHED_AROUND = 4, /* a refusal costs so many times what making its answer does: reading it,
			  * the way of the answer, its ACK */
};

/** A message came over p. What it waited for others says how much there is to do for all; what it
 * waited behind its own connection's, only for that one. */
void shed_note(struct edge *e, const struct reply_path *p);
/** It is of this peer, which counts as `weight` peers, and not an answer that we asked for:
 * whatever else it is, it took its time. */
void shed_charge(struct edge *e, struct share_peer *peer, unsigned weight,
		 const struct edge_source *src);
/** m, which belongs to no transaction and no dialog: true when its peer (p->peer) makes more new
 * requests than it may while there is too much to do, and it was refused now (503). Emergency calls
 * that may be carried never are, of those that are refused in any case, as over TLS, a few go on;
 * OPTIONS only of who floods. key: by which a copy of one that was refused is known: it
 * is refused, too, or its caller would be told so of a call that is put through.
 * Refusing has a part of the time only (struct load_budget). Beyond it, of who brings more than its
 * share, a datagram is dropped, as it comes again, and a connection is left unread for a while; and
 * what waits behind its own connection's backlog alone is carried, as nobody else waits for it: the
 * backlog stays in the socket, and grows on its sender's side. */
bool shed_refuses(struct edge *e, const struct reply_path *p, const struct edge_source *src,
		  const struct sip_msg *m, const struct txn_key *key);
/** Are new requests refused, or were they in the last second? */
bool shed_is_on(const struct edge *e);

#endif
