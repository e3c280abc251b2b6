/* Revocation lists that admin fetches: from where verified certificates say, kept on disk, fetched
 * anew before they run out. One file a list: a line with its addresses, then its bytes. One thread.
 */
#ifndef POSTERN_APP_CRLCACHE_H
#define POSTERN_APP_CRLCACHE_H

#include "app/fetched.h"
#include "net/fetch.h"
#include "net/tlsdates.h"
#include "ops/alarm.h"

enum {
	CRLCACHE_MAX = 128,      /* lists */
	CRLCACHE_URLS_MAX = 512, /* all addresses of one, with NUL; as in tls_record_cert */
	CRLCACHE_LIST_MAX = 16 << 20,
	CRLCACHE_PATH_MAX = 320,
	CRLCACHE_AGAIN_MIN_S = 5,
	CRLCACHE_AGAIN_MAX_S = 4 * 3600, /* a list may be replaced before its time */
	CRLCACHE_RETRY_MIN_S = 30,       /* after a failure; doubled each time */
	CRLCACHE_RETRY_MAX_S = 3600,
	CRLCACHE_ALARM_AFTER = 2, /* failures in a row */
};

struct crlcache;

struct crlcache_item {
	struct crlcache *owner;
	char urls[CRLCACHE_URLS_MAX]; /* in the order in which they are tried, a space between */
	char url[TLS_DATES_URL_MAX];  /* the first one, by which it is known */
	uint32_t turn;                /* of them, the one that is tried now or next */
	char *bytes;                  /* NULL: none yet */
	size_t len;
	struct tls_crl_dates dates;
	uint64_t due_us; /* monotonic: of the next fetch */
	uint32_t failures;
	bool busy;
};

struct crlcache {
	char dir[CRLCACHE_PATH_MAX];
	struct fetcher *fetcher;
	struct alarms *alarms;
	struct crlcache_item *item;
	uint32_t n;
	bool changed; /* a list is new: the caller clears it */
};

/** Makes dir and reads what it holds. fetcher and alarms are borrowed. NOMEM, LONG. */
enum err crlcache_init(struct crlcache *c, const char *dir, struct fetcher *fetcher,
		       struct alarms *alarms) NODISCARD;
/** After the fetcher has ended. */
void crlcache_fini(struct crlcache *c);
/** A verified certificate names these addresses of its list, a space between. What is no http
 * address is left alone. */
void crlcache_want(struct crlcache *c, const char *urls, uint64_t now_us);
/** Each second: begins what is due, raises and clears alarms. */
void crlcache_step(struct crlcache *c, uint64_t now_us, int64_t wall_us);
/** All lists as entries (borrowed), at most max; how many. */
size_t crlcache_list(const struct crlcache *c, struct fetched_entry *out, size_t max);
/** How long after now (wall) a list of these dates is fetched again, in seconds. */
uint32_t crlcache_wait_s(const struct tls_crl_dates *d, int64_t wall_us);

#endif
