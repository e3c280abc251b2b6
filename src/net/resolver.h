/* Names to records, asynchronously on the loop, with a bounded cache of our own: TTLs honoured,
 * absence cached (RFC 2308), and answers kept usable for an hour while the servers fail (RFC 8767,
 * reliability R16). The only file that names c-ares. Belongs to the loop's thread. */
#ifndef POSTERN_NET_RESOLVER_H
#define POSTERN_NET_RESOLVER_H

#include "net/dns.h"
#include "net/loop.h"

enum {
	RESOLVER_QUERIES_MAX = 1024, /* askers waiting */
	RESOLVER_ASKED_MAX = 256,    /* different questions under way */
	RESOLVER_CACHE_MAX = 512,    /* answers kept */
	RESOLVER_SERVERS_MAX = 8,
	RESOLVER_SOCKETS_MAX = 64,
	RESOLVER_TRY_MS = 1500, /* first wait for a server; c-ares doubles it */
	RESOLVER_TRIES = 2,
	RESOLVER_STALE_S = 3600,
	RESOLVER_RETRY_S = 5, /* after a failure a stale answer is given at once for so long */
	RESOLVER_NEGATIVE_MAX_S = 300,
	RESOLVER_NEGATIVE_DEFAULT_S = 5 /* where the reply has no SOA */
};

struct resolver;
struct resolver_query;

/* In the loop, never from inside resolver_query. answer: valid for the call, never NULL; status
 * DNS_FAILED: servers silent or failing and nothing usable in the cache. The query is gone when
 * this is called. New queries may be made here. */
typedef void resolver_on_answer(void *arg, const struct dns_answer *answer);

struct resolver_counters {
	uint64_t asked, hits, sent, stale, failed, bad_replies, no_room;
};

/** servers: "192.0.2.53", "192.0.2.53:5353" .. as addresses (port 0 = 53); n = 0: as the system's
 * resolv.conf says. For other servers make a new resolver. */
enum err resolver_new(struct loop *l, const struct addr *servers, size_t n,
		      struct resolver **out) NODISCARD;
/** The same with another first wait than RESOLVER_TRY_MS. */
enum err resolver_new_hasty(struct loop *l, const struct addr *servers, size_t n, int try_ms,
			    struct resolver **out) NODISCARD;
/** The same for who wants to know what is wrong: an error that a server tells is the answer, with
 * its rcode, and no other server is asked. */
enum err resolver_new_blunt(struct loop *l, const struct addr *servers, size_t n, int try_ms,
			    struct resolver **out) NODISCARD;
/** Ends all queries without an answer. Not from on_answer. */
void resolver_free(struct resolver **r);
/** Ask. RANGE: not a name that can be asked for; NOMEM: RESOLVER_QUERIES_MAX wait already. */
enum err resolver_ask(struct resolver *r, struct str name, enum dns_type type,
		      resolver_on_answer *on_answer, void *arg,
		      struct resolver_query **out) NODISCARD;
/** No answer will come. Nulls; NULL is fine. Forget the pointer once the answer came. */
void resolver_cancel(struct resolver *r, struct resolver_query **q);
const struct resolver_counters *resolver_count(const struct resolver *r);

#endif
