/* Where does a call go? Pure: health, random numbers and the time come from the caller.
 *
 * A call from a customer: of the account's own routes those with the longest prefix of the number
 * that have one for its class and time; if there are none, its parent's; then those of all
 * accounts. Of several that are left, `weight` draws who is first; the others stand behind it. What
 * a route names is tried in its order, a group's carriers by priority and weight. A call that no
 * route fits goes to all carriers. */
#ifndef POSTERN_POLICY_ROUTE_H
#define POSTERN_POLICY_ROUTE_H

#include "policy/snapshot.h"

enum {
	ROUTE_TARGETS_MAX = 8,
	ROUTE_RULES_MAX =
		8, /* routes that one call takes; further ones with the same prefix wait */
};

struct route {
	uint32_t n;
	uint32_t n_up; /* the first n_up of them are healthy; the rest is a last try */
	uint32_t trunk[ROUTE_TARGETS_MAX];
	uint32_t rule[ROUTE_TARGETS_MAX]; /* the route that named it; POLICY_NONE: none did */
};

/* The routes that a call takes, in order. */
struct route_rules {
	uint32_t n;
	uint32_t rule[ROUTE_RULES_MAX];
};

/* A call from a customer. */
struct route_ask {
	uint32_t account;        /* POLICY_NONE: of nobody */
	struct str number;       /* normalised: "+..." or a short one */
	enum policy_class class; /* CLASS_NONE fits routes of all classes only */
	uint32_t minute;         /* of the week, 0..WEEK_MINUTES-1 (policy/week.h) */
};

#define ROUTE_REASON_LIST(X)                                                                       \
	X(OK, "routed")                                                                            \
	X(NO_CARRIER, "no carrier gateway is enabled for outgoing calls")                          \
	X(NO_TARGET, "the carriers of the route are switched off or take no calls")                \
	X(NO_NUMBER, "no trunk serves this number")                                                \
	X(DISABLED, "the trunk or account of this number is disabled")                             \
	X(DIRECTION, "the trunk of this number takes no calls")

enum route_reason {
#define X(name, sentence) ROUTE_##name,
	ROUTE_REASON_LIST(X)
#undef X
		ROUTE_REASON_N
};
const char *route_reason_text(enum route_reason r);

/** The routes that the call takes: n is 0 where none fits. */
void route_rules(const struct snapshot_view *v, const struct route_ask *ask, uint64_t random,
		 struct route_rules *out);
/**
 * Carrier trunks for a call from a customer, in the order to try: as its routes say. Where none
 * fits, or ask is NULL: all carriers by priority, within one by
 * weighted chance (RFC 2782) drawn from random, so that the same input gives the same order.
 * down[i] != 0: carrier trunk v->first_carrier + i is down, it goes behind the others; NULL = all
 * up.
 */
enum route_reason route_outbound(const struct snapshot_view *v, const struct route_ask *ask,
				 const uint8_t *down, uint64_t random, struct route *out) NODISCARD;
/**
 * Carrier trunks for an emergency call: first those that take them (trunk.emergency), then all
 * others, each in the order of route_outbound; those that are down behind all.
 */
enum route_reason route_emergency(const struct snapshot_view *v, const uint8_t *down,
				  uint64_t random, struct route *out) NODISCARD;
/** The customer trunk of a called number (normalised, "+..."): exact, then longest prefix; behind
 * it those that its `overflow` leads to. */
enum route_reason route_inbound(const struct snapshot_view *v, struct str e164,
				struct route *out) NODISCARD;
/**
 * May the next target be tried after this final status of trunk (0: none came)? As its `hunt` and
 * `stop` say, a whole status before a class; else after none, 408 and 5xx. trunk may be
 * POLICY_NONE.
 */
bool route_hunts(const struct snapshot_view *v, uint32_t trunk, int status);
/** Does a list as `hunt` has it ("404,5xx") hold the status, or its class? */
bool route_status_in(struct str list, int status);
/**
 * The called number as trunk t wants it: strip cut off the front when it is there, add put
 * before. LONG when it does not fit or nothing is left; out is then not to be used.
 */
enum err route_called(const struct snapshot_view *v, uint32_t trunk, struct str number,
		      char out[NUMBER_SIZE]) NODISCARD;

#endif
