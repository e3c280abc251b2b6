/* What to do about a refusal: one table, by its word. */
#ifndef POSTERN_OPS_ADVICE_H
#define POSTERN_OPS_ADVICE_H

#include "ops/jsonin.h"

/* About a trunk that does not answer. */
#define ADVICE_SILENT                                                                              \
	"see whether it is up at its host and port (postern trunks ID), whether it takes SIP "     \
	"from this node's address, and what a firewall between drops"

/** A sentence about what to do next, made from the record's facts (a handshake or a request of the
 * store, or a CDR); nothing where nothing went wrong. */
void advice_put(struct buf *b, const struct json *facts);
/** Has the table a row for this word? */
bool advice_has(const char *word);

#endif
