/* The DNS records that customers find a zone by, from the configuration; and what differs in what
 * DNS answers. Pure: configuration and answers in, records and sentences out. */
#ifndef POSTERN_CONF_ZONEPLAN_H
#define POSTERN_CONF_ZONEPLAN_H

#include "conf/conf.h"
#include "net/dns.h"

enum {
	ZONEPLAN_NAME_MAX = 320, /* a listener's name or a service before an FQDN, with NUL */
	ZONEPLAN_TTL_S = 3600,   /* what we propose */
	ZONEPLAN_TTL_LEAST_S = 60,
	ZONEPLAN_TTL_MOST_S = 6 * 3600,
	ZONEPLAN_TARGETS_MAX = 16, /* SRV targets looked at */
	ZONEPLAN_WHY = 640,
};

/* One listener of the zone as the world sees it. */
struct zone_door {
	char host[ZONEPLAN_NAME_MAX]; /* the SRV target that we propose */
	struct addr addr;             /* advertised */
};

struct zone_plan {
	const char *fqdn;
	char srv[ZONEPLAN_NAME_MAX]; /* "_sips._tcp.FQDN" */
	uint32_t n;
	struct zone_door door[CONF_LISTENERS_MAX];
};

/** What zone i of the configuration needs. n = 0: no TLS listener of the customer side serves it.
 */
void zone_plan(const struct conf *c, uint32_t zone, struct zone_plan *out);

enum zone_type { ZONE_SRV, ZONE_NAPTR, ZONE_A, ZONE_AAAA };
/* One record of the plan. */
struct zone_record {
	enum zone_type type;
	char name[ZONEPLAN_NAME_MAX];
	char data[ZONEPLAN_NAME_MAX + 64]; /* as a zone file has it */
};
/** Record i; NOTFOUND behind the last. Each only once. */
enum err zone_plan_record(const struct zone_plan *p, uint32_t i, struct zone_record *out) NODISCARD;
const char *zone_type_name(enum zone_type t);

/* What DNS said of one SRV target. */
struct zone_target {
	struct dns_answer a, aaaa;
};
struct zone_seen {
	struct dns_answer srv, naptr;
	/* of the first ZONEPLAN_TARGETS_MAX records of srv, in their order; without SRV the first
	 * one is of the zone's own name */
	struct zone_target target[ZONEPLAN_TARGETS_MAX];
};

enum zone_level { ZONE_WRONG, ZONE_WARN };
/* Told once for each difference. what: one word for programs ("srv-missing"); text: a sentence. */
typedef void zone_on_difference(void *arg, enum zone_level level, const char *what,
				const char *text);

/** Compare. Returns the number of ZONE_WRONG. */
uint32_t zone_compare(const struct zone_plan *p, const struct zone_seen *seen,
		      zone_on_difference *on_difference, void *arg);

#endif
