/* What became of a call, a connection or a request, in plain words, from its facts. */
#ifndef POSTERN_OPS_EXPLAIN_H
#define POSTERN_OPS_EXPLAIN_H

#include "ops/jsonin.h"

enum { EXPLAIN_TEXT_MAX = 16384 };

/** A CDR object (also of a call that goes on: state is its state then, else NULL). */
void explain_call(struct buf *b, const struct json *cdr, const char *state);
/** A handshake or a refused request of the store. */
void explain_note(struct buf *b, const struct json *note);
/** Why a call's targets could not be reached: a list of refused handshakes. */
void explain_reached(struct buf *b, const struct json *list);

#endif
