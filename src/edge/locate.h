/* Where a host is: an IP literal at once, a name by A, then AAAA (RFC 3263 4.2 where the port is
 * given). The name that was asked for stays the reference identity; the address is only an address.
 */
#ifndef POSTERN_EDGE_LOCATE_H
#define POSTERN_EDGE_LOCATE_H

#include "net/resolver.h"
#include "policy/account.h"

enum { LOCATE_ADDRS_MAX = 8 };

struct locate {
	struct resolver *resolver;
	struct resolver_query *query;
	struct loop_soon soon;
	struct loop *loop;
	char host[POLICY_HOST_MAX];
	uint16_t port;
	enum dns_type type; /* asked for now */
	uint32_t n;
	struct addr addr[LOCATE_ADDRS_MAX];
	char why[128]; /* when n is 0 */
	bool busy;
	/** Once, from the loop, never from locate_start: see n, addr, why. */
	void (*on_located)(void *arg);
	void *arg;
};

/** l: zeroed but for on_located and arg. RANGE: not a host. */
enum err locate_start(struct locate *l, struct loop *loop, struct resolver *r, struct str host,
		      uint16_t port) NODISCARD;
/** No news any more. A zeroed l is fine. */
void locate_stop(struct locate *l);

#endif
