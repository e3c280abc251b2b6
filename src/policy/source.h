/* Source ranges: which trunks an address belongs to. Pure, on the snapshot's sorted table. */
#ifndef POSTERN_POLICY_SOURCE_H
#define POSTERN_POLICY_SOURCE_H

#include "policy/snapshot.h"

/* A walk over the rows whose range holds an address, longest prefix first. Start with .addr set
 * and the rest zero. */
struct source_walk {
	struct addr addr;
	uint32_t row, end; /* rows of the range in hand */
	uint32_t group;    /* first row of the next prefix length */
};

/** The next row of v->source that holds the address, POLICY_NONE at the end. */
uint32_t source_next(const struct snapshot_view *v, struct source_walk *w);
/** Does one of trunk's own ranges hold this address? A TLS trunk without ranges takes any. */
bool source_fits(const struct snapshot_view *v, uint32_t trunk, const struct addr *source);

#endif
