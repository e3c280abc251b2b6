/* OPTIONS to each trunk that wants them (its `options`): the transactions of struct poll
 * (edge/poll.h) as errands. Loop thread. */
#ifndef POSTERN_EDGE_POLLS_H
#define POSTERN_EDGE_POLLS_H

#include "edge/errand.h"
#include "edge/poll.h"

enum {
	POLLS_MAX = 1024,   /* trunks; of more the rest is not asked, with a line in the log */
	POLLS_IN_HAND = 64, /* at a time; the next ones wait */
};

struct polls_row {
	struct errand errand;
	struct poll_terms terms;
	struct poll poll;
};

extern const struct errand_kind polls_kind;

#endif
