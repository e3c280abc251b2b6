/* Where a host is (RFC 3263 4): an address at once; a name with a port by its A or AAAA records; a
 * name without one by NAPTR, then SRV, then the addresses of the targets, or its own. The name that
 * was asked for stays the reference identity; a target or an address is only where to dial. */
#ifndef POSTERN_EDGE_LOCATE_H
#define POSTERN_EDGE_LOCATE_H

#include "base/pool.h"
#include "edge/edge.h"
#include "net/resolver.h"

enum {
	LOCATE_ADDRS_MAX = 16,  /* in the order to try; more are left out */
	LOCATE_TARGETS_MAX = 8, /* SRV targets looked up; more are left out */
	LOCATE_PER_TARGET = 4,  /* addresses of one of several targets */
	LOCATE_WHY = 192,
};

struct locate_want {
	struct str host;
	uint16_t port; /* 0: by SRV, or the transport's own (RFC 3263 4.2) */
	enum edge_transport transport;
	uint8_t family; /* 4 or 6: only addresses of this family; 0: A, then AAAA */
};

struct locate;

/* One name whose addresses are asked for: an SRV target, or the host itself. */
struct locate_name {
	struct locate *owner;
	struct resolver_query *query;
	char host[POLICY_HOST_MAX];
	uint16_t port;
	enum dns_type type; /* asked for now */
	uint32_t n;
	struct addr addr[LOCATE_ADDRS_MAX];
};

struct locate {
	struct loop *loop;
	struct resolver *resolver;
	struct resolver_query *query; /* NAPTR or SRV */
	struct loop_soon soon;
	char host[POLICY_HOST_MAX];
	enum edge_transport transport;
	uint8_t family;
	uint32_t n_names, pending; /* pending: names without an answer yet */
	struct locate_name *name;  /* from names, while under way */
	struct pool *names;        /* of struct locate_names */
	bool busy;
	/* what was found */
	uint32_t n;
	struct addr addr[LOCATE_ADDRS_MAX];
	char why[LOCATE_WHY]; /* when n is 0 */
	/** Once, from the loop, never from locate_start: see n, addr, why. */
	void (*on_located)(void *arg);
	void *arg;
};

/* The names of one search; taken from a pool only while it is under way. */
struct locate_names {
	struct locate_name name[LOCATE_TARGETS_MAX];
};

/** l: zeroed but for on_located and arg. names: a pool of struct locate_names. RANGE: not a host.
 * NOMEM: too many searches are under way. */
enum err locate_start(struct locate *l, struct loop *loop, struct resolver *r, struct pool *names,
		      const struct locate_want *w) NODISCARD;
/** No news any more. A zeroed l is fine. */
void locate_stop(struct locate *l);

#endif
