/* Calls that never began: a line for each, and calls for help that are refused before they are
 * calls at all. */
#ifndef POSTERN_CALL_REFUSED_H
#define POSTERN_CALL_REFUSED_H

#include "call/state.h"

/** One line, unless there are too many; its CDR has the rest. why: says more than r, or "". */
void refused_log(struct call *c, enum refusal r, const char *why);
/**
 * A customer calls for help by m, an INVITE or one made of what was asked, which is refused and
 * which the caller of this answers: its CDR, its alarm, and its line in the log. why: a sentence;
 * of: the call that it was asked for in, or NULL.
 */
void refused_sos(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
		 enum refusal r, const char *why, const struct id *of);

#endif
