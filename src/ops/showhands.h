/* Answers about handshakes and refused requests, out of their store: lists, the one that is asked
 * for, those of a call, figures. */
#ifndef POSTERN_OPS_SHOWHANDS_H
#define POSTERN_OPS_SHOWHANDS_H

#include "ha/handring.h"
#include "ops/jsonin.h"
#include "store/handstore.h"

enum {
	SHOWHANDS_LIMIT = 100, /* where the request names none */
	SHOWHANDS_LIMIT_MAX = 10000,
	SHOWHANDS_OF_CALL = 8,        /* handshakes shown with a call */
	SHOWHANDS_BACK_S = 600,       /* a target's failure is remembered: how far back to look */
	SHOWHANDS_ROW_MAX = 80 * 1024 /* room that a row may need */
};

/**
 * "list":[..],"more":bool for a request: account, peer (address), host, refused, handshakes,
 * since_s (seconds ago), limit. Newest first.
 */
void showhands_list(struct handstore *s, const struct json *q, int64_t now_us, struct buf *b);
/** The object of the one with this id. NOTFOUND, LONG, or what the store says. */
enum err showhands_find_id(struct handstore *s, const char *id, struct buf *b) NODISCARD;
/**
 * The object of what is asked for: an id; else the last refusal of a peer address, of an account,
 * or of a host name (asked for, dialled, or in a certificate or sentence). NOTFOUND, LONG, or what
 * the store says.
 */
enum err showhands_find(struct handstore *s, const char *what, struct buf *b) NODISCARD;
/**
 * A JSON list of the refused outgoing handshakes because of which a call's targets could not be
 * reached. cdr: of the call. False: there is none, nothing was written.
 */
bool showhands_of_call(struct handstore *s, const struct json *cdr, struct buf *b);
/** "handshakes":{..}: by reason, both directions, all since the start. */
void showhands_put_counts(struct buf *b, const struct handring *r);

#endif
