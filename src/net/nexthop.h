/* Where a packet goes that we hand to the link ourselves: out of which interface, to which station.
 * Asked of the kernel over rtnetlink, whose routes and neighbours decide as ever, and kept in a
 * cache of a worker's own. What cannot be said for sure is not said: such a packet takes the
 * kernel's own way, which also makes the kernel look for the neighbour. One thread. */
#ifndef POSTERN_NET_NEXTHOP_H
#define POSTERN_NET_NEXTHOP_H

#include "base/addr.h"

enum {
	NEXTHOP_MAC = 6,
	NEXTHOP_WAYS = 4,
	NEXTHOP_SETS = 1024, /* ways: pairs of addresses that are kept */
	NEXTHOP_NEIGHBOURS = 256,
	NEXTHOP_ASKS = 64,               /* of each kind in a tick */
	NEXTHOP_ROUTE_US = 2000 * 1000,  /* a route is asked for again after */
	NEXTHOP_FORGET_US = 60000 * 1000 /* and forgotten when not used for */
};

struct nexthop {
	uint32_t ifindex;
	uint32_t mtu; /* of the link and the route: longest IP packet */
	uint8_t to[NEXTHOP_MAC], from[NEXTHOP_MAC];
};

struct nexthops;

/** NOMEM; IO: no netlink socket. */
enum err nexthops_new(struct nexthops **out) NODISCARD;
void nexthops_free(struct nexthops **t);
/**
 * From one of our addresses to a far one (their ports do not matter). NULL: not known, or not now:
 * leave it to the kernel. The result is good until the next nexthops_tick. Asks nobody.
 */
const struct nexthop *nexthop_find(struct nexthops *t, const struct addr *local,
				   const struct addr *remote);
/** About ten times a second: ask for what is new or old. Does not block. */
void nexthops_tick(struct nexthops *t, uint64_t now_us);

#endif
