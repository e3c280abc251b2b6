/* Reads a DNS reply (RFC 1035, 2782, 3403, 3596, 2308) into plain records with their TTL. Pure:
 * bytes in, records out, bounded whatever the bytes say. */
#ifndef POSTERN_NET_DNS_H
#define POSTERN_NET_DNS_H

#include "base/addr.h"

enum {
	DNS_NAME_MAX = 253, /* as text, without the final dot */
	DNS_LABEL_MAX = 63,
	DNS_POINTERS_MAX = 32, /* compression pointers followed in one name */
	DNS_CNAMES_MAX = 8,    /* aliases followed */
	DNS_RECORDS_MAX = 64,  /* kept; more: `cut` */
	DNS_READ_MAX = 1024,   /* records looked at in one reply */
	DNS_TEXT_MAX = 8192,   /* names and strings of one answer */
	DNS_TTL_MAX = 86400    /* s */
};

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_NAPTR = 35
};

/* The fields of the type asked for are set; all text stands in dns_answer.text, lower case for
 * host names. */
struct dns_record {
	uint16_t type;
	uint16_t priority;                 /* SRV priority, NAPTR order */
	uint16_t weight;                   /* SRV weight, NAPTR preference */
	uint16_t port;                     /* SRV */
	uint32_t ttl;                      /* s */
	struct addr addr;                  /* A, AAAA; port 0 */
	struct str target;                 /* SRV target, NAPTR replacement; "" is the root */
	struct str flags, service, regexp; /* NAPTR, RFC 3403 4.1 */
};

enum dns_status {
	DNS_OK,     /* at least one record */
	DNS_NODATA, /* the name is there, not with this type */
	DNS_NXDOMAIN,
	DNS_FAILED /* server failure, refusal, or a reply that cannot be believed */
};

struct dns_answer {
	enum dns_status status;
	bool cut;   /* more records than DNS_RECORDS_MAX, or bad ones left out */
	bool alias; /* the name is a CNAME, which was followed */
	bool stale; /* from the cache, beyond its TTL, because the servers fail (set by resolver) */
	uint8_t rcode; /* with DNS_FAILED: the error that a server told (RFC 1035 4.1.1), else 0
			* (set by resolver, where it was made to tell) */
	uint32_t ttl;  /* s: smallest of the records and aliases used; negative: RFC 2308 5 */
	uint16_t n;
	struct dns_record rec[DNS_RECORDS_MAX];
	uint16_t text_len;
	char text[DNS_TEXT_MAX];
};

/**
 * Read a reply to (name, type, class IN). Not a reply, a cut header, another question, a broken
 * name or count: SYNTAX; an alias circle: SYNTAX; the TC bit: SHORT. Else OK, with out->status.
 * *out is undefined when not OK.
 */
enum err dns_read(struct str reply, struct str name, enum dns_type type,
		  struct dns_answer *out) NODISCARD;
/** A copy whose texts are its own. */
void dns_copy(struct dns_answer *to, const struct dns_answer *from);
const char *dns_status_name(enum dns_status s);
const char *dns_type_name(enum dns_type t);

#endif
