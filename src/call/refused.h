/* Calls that never began: a line for each, and calls for help that are refused before they are
 * calls at all. */
#ifndef POSTERN_CALL_REFUSED_H
#define POSTERN_CALL_REFUSED_H

#include "call/state.h"

/* What a guest that calls for help is answered (calls_on_guest). */
struct call_guest {
	int status, q850;
	struct id id;                 /* of its record, and of its line in the log */
	char why[CALL_WHY_MAX];       /* a sentence */
	char contact[POLICY_URI_MAX]; /* with a 3xx: where it shall go; else "" */
};

/** One line, unless there are too many; its CDR has the rest. why: says more than r, or "". */
void refused_log(struct call *c, enum refusal r, const char *why);
/**
 * A customer calls for help by m, an INVITE or one made of what was asked, which is refused and
 * which the caller of this answers: its CDR, its alarm, and its line in the log. why: a sentence;
 * of: the call that it was asked for in, or NULL.
 */
void refused_sos(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
		 enum refusal r, const char *why, const struct id *of);
/** calls_on_guest, once it is known that m calls for help. */
void refused_guest(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
		   struct call_guest *out);

#endif
