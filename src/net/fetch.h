/* Small things over HTTP, for admin: revocation lists, OCSP answers. The only wrapper of the HTTP
 * library; driven by the loop, never blocks. Plain http only (what is fetched carries a signature
 * of its own), no proxy, no cookie; bounded in size, time and redirects. A host whose address is
 * private or loopback is not asked unless it is listed: a certificate must not make us poke about
 * in our own network. */
#ifndef POSTERN_NET_FETCH_H
#define POSTERN_NET_FETCH_H

#include "base/addr.h"
#include "net/loop.h"

enum {
	FETCH_MAX = 8, /* under way at a time */
	FETCH_URL_MAX = 512,
	FETCH_WHY_MAX = 256,
	FETCH_HOSTS_MAX = 16,
	FETCH_HOST_MAX = 256,
	FETCH_REDIRECTS = 3,
	FETCH_BODY_MAX = 4096, /* of a question */
	FETCH_STEP_US = 10 * 1000,
	FETCH_CONNECT_MS = 5000,
	FETCH_TOTAL_MS = 20000,
};

/* err: OK; PERM: this address must not be asked; LONG: too large; TIMEOUT; IO: anything else. */
struct fetch_result {
	enum err err;
	long status;     /* of HTTP, 0 = none came */
	struct str body; /* borrowed for the call */
	const char *why; /* a sentence; "" when OK */
};

typedef void fetch_done(void *arg, const struct fetch_result *r);

/* What is to be fetched; copied. */
struct fetch_job {
	struct str url;
	struct str post, post_type; /* a body to send and its media type; empty: GET */
	uint32_t max_bytes;         /* of the answer */
	uint32_t total_ms;          /* 0 = FETCH_TOTAL_MS */
	fetch_done *on_done;        /* from the loop, once; never from inside fetch_start */
	void *arg;
};

struct fetcher;

enum err fetcher_new(struct loop *loop, struct fetcher **out) NODISCARD;
/** What is under way ends without news. Nulls; NULL is fine. */
void fetcher_free(struct fetcher **f);
/** Hosts that may have a private address (names or addresses as in the URL); copied. LONG. */
enum err fetcher_allow(struct fetcher *f, const char (*hosts)[FETCH_HOST_MAX],
		       uint32_t n) NODISCARD;
/** FULL: FETCH_MAX under way; SYNTAX: no http URL; LONG, NOMEM. */
enum err fetch_start(struct fetcher *f, const struct fetch_job *job) NODISCARD;
uint32_t fetcher_busy(const struct fetcher *f);
/** Is this an http URL with a host? */
bool fetch_url_ok(struct str url);

#endif
