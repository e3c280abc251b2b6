/* One-way audio while a call runs: looked for from time to time, named at once, and where its trunk
 * says `repair: yes`, mended: a leg whose packets all come from a wrong source, in clear or with
 * tags that do not fit gets an offer of ours once more, an encrypted one with another key, so that
 * it says anew where it is and which key it has. Once a leg; nothing is believed that signalling
 * did not say. */
#ifndef POSTERN_CALL_MEND_H
#define POSTERN_CALL_MEND_H

#include "call/heard.h"

enum {
	MEND_FIRST_US = 4000000,  /* after the answer */
	MEND_LAST_US = 300000000, /* between looks; each takes as long as the talk before it */
};

/** It is up: when it is looked at first, into c->mend_at. */
void mend_begin(struct call *c);
/** c->mend_at is reached. What is found is in the record. */
void mend_due(struct call *c);

#endif
