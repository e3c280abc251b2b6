/* The address book: host names of trunks with the addresses that DNS has for them, so that the
 * identity question inside a handshake is answered from memory. Pure: who asks DNS and when it is
 * `now` comes from outside (edge/book.h). An answer is asked for again before it expires; when the
 * servers fail, the last one stays good for ADDRBOOK_STALE_S. */
#ifndef POSTERN_POLICY_ADDRBOOK_H
#define POSTERN_POLICY_ADDRBOOK_H

#include "base/addr.h"
#include "base/hash.h"
#include "policy/account.h"

enum {
	ADDRBOOK_ADDRS_MAX = 16, /* of one host, both families */
	ADDRBOOK_TTL_MIN_S = 5,  /* asked again not sooner */
	ADDRBOOK_TTL_MAX_S = 3600,
	ADDRBOOK_RETRY_S = 5,     /* after a failure */
	ADDRBOOK_STALE_S = 86400, /* an answer counts so long beyond its time while servers fail */
};

enum addrbook_answer {
	ADDRBOOK_UNKNOWN, /* no answer yet (a look-up is wanted), or none that still counts */
	ADDRBOOK_NO,      /* the host has other addresses, or none */
	ADDRBOOK_YES,
};

struct addrbook_host {
	struct hash_node node;
	char host[POLICY_HOST_MAX];
	struct addr addr[ADDRBOOK_ADDRS_MAX];
	uint32_t n;
	bool known;        /* an answer was there */
	bool asked;        /* a look-up is under way */
	bool kept;         /* while the list of hosts is changed */
	uint64_t due_us;   /* ask (again) from then on */
	uint64_t stale_us; /* the answer counts until then */
};

struct addrbook {
	struct addrbook_host *host;
	uint32_t n, cap;
	uint32_t at; /* where the search for what is due goes on */
	struct hash by_name;
};

/** Room for cap hosts; heap. NOMEM. */
enum err addrbook_init(struct addrbook *b, uint32_t cap) NODISCARD;
/** A zeroed book is fine. */
void addrbook_fini(struct addrbook *b);
/* The list of hosts: begin, one keep for each, end drops those that were not kept. */
void addrbook_begin(struct addrbook *b);
/** FULL: cap hosts are there; LONG: no host name. */
enum err addrbook_keep(struct addrbook *b, struct str host) NODISCARD;
void addrbook_end(struct addrbook *b);
/** Has host this address? An unknown one is wanted at once: see addrbook_next. */
enum addrbook_answer addrbook_has(struct addrbook *b, struct str host, const struct addr *a,
				  uint64_t now_us) NODISCARD;
/** A host to ask DNS for now, marked as asked; false: none is due. */
bool addrbook_next(struct addrbook *b, uint64_t now_us, char host[POLICY_HOST_MAX]) NODISCARD;
/* What DNS said about a host. */
struct addrbook_news {
	bool ok;    /* servers answered; else the last answer stays */
	bool keep6; /* but not about IPv6 (some servers fail there): what was known of it stays */
	uint32_t n, ttl_s; /* n 0: it has no address */
	struct addr addr[ADDRBOOK_ADDRS_MAX];
};
/** About a host that was asked for. One that is no longer in the book is ignored. */
void addrbook_answer(struct addrbook *b, struct str host, const struct addrbook_news *news,
		     uint64_t now_us);

#endif
