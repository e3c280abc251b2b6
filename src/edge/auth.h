/* Digest challenges of those whom we ask (RFC 3261 22, RFC 7616): a 401 or 407 is answered where
 * its realm is that of the trunk's credentials, by sending the request again under another branch
 * and the next CSeq, with the same body. Whatever another realm asks for stays a failure. The last
 * nonce of a trunk is used for its next requests at once, while it is good. Only what goes to the
 * trunk itself has credentials: not what a Contact leads to another host. Loop thread. */
#ifndef POSTERN_EDGE_AUTH_H
#define POSTERN_EDGE_AUTH_H

#include "edge/send.h"
#include "sip/digest.h"

enum {
	AUTH_SESSIONS = 256,   /* nonces remembered, two a trunk; the longest unused gives way */
	AUTH_TRIES = 3,        /* answers that one request gives, where the nonce was stale */
	AUTH_LINES_MAX = 3072, /* bytes of both headers */
};

/** NOMEM; auth_fini all the same. */
enum err auth_init(struct edge *e) NODISCARD;
void auth_fini(struct edge *e);
/** The headers that t's request shall have from the start: of its ACK those of the INVITE, else
 * what the last nonces allow. Nothing where there are none. */
void auth_put(struct edge_txn *t, struct str request, struct buf *b);
/** The way that t goes is there, and may be another one than it was written for: where that leads
 * to a host that is none of the trunk's, its text loses what answers challenges. */
enum err auth_settle(struct edge_txn *t) NODISCARD;
/** A 401 or 407 came: true where the request goes again, and the answer is dealt with. */
bool auth_on_challenge(struct edge_txn *t, const struct sip_msg *msg);
/** Anything else came: what t showed was taken. */
void auth_taken(struct edge_txn *t);

#endif
