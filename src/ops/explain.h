/* What became of a call, a connection or a request, in plain words, from its facts. */
#ifndef POSTERN_OPS_EXPLAIN_H
#define POSTERN_OPS_EXPLAIN_H

#include "ops/jsonin.h"

enum { EXPLAIN_TEXT_MAX = 4096 };

/** A CDR object (also of a call that goes on: state is its state then, else NULL). */
void explain_call(struct buf *b, const struct json *cdr, const char *state);
/** A note of ops/history. */
void explain_note(struct buf *b, const struct json *note);

#endif
