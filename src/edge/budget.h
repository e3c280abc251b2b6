/* What an address that nobody knows yet may take of our time: so many new connections at once, and
 * so many a second. Looked at before a byte of what it sends is. A source is an IPv4
 * address or an IPv6 /64; one that lately showed a certificate that selects an account is known,
 * and not limited here. A bounded table: the one that was used longest ago makes room. Pure: `now`
 * comes in. */
#ifndef POSTERN_EDGE_BUDGET_H
#define POSTERN_EDGE_BUDGET_H

#include "base/addr.h"
#include "base/hash.h"

enum {
	BUDGET_SETS = 1024, /* power of two */
	BUDGET_WAYS = 4,
	BUDGET_BURST = 200,     /* at once, .. */
	BUDGET_EACH_US = 20000, /* .. and later one in this time */
	BUDGET_KNOWN_US = 600000000,
};

struct budget_row {
	uint8_t net[16];
	uint8_t family;            /* 0: free */
	uint64_t used_us, paid_us; /* what it took is paid for until then */
	uint64_t known_us;         /* not limited until then */
};

struct budget {
	uint64_t key[2]; /* nobody shall choose who shares a set with whom */
	struct budget_row row[BUDGET_SETS][BUDGET_WAYS];
};

void budget_init(struct budget *b);
/** One more of this source. False: it has had its share. */
bool budget_take(struct budget *b, const struct addr *source, uint64_t now_us);
/** It showed who it is. */
void budget_know(struct budget *b, const struct addr *source, uint64_t now_us);

#endif
