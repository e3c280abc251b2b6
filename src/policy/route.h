/* Where does a call go? Pure: health and random numbers come from the caller. */
#ifndef POSTERN_POLICY_ROUTE_H
#define POSTERN_POLICY_ROUTE_H

#include "policy/snapshot.h"

enum { ROUTE_TARGETS_MAX = 8 };

struct route {
	uint32_t n;
	uint32_t n_up; /* the first n_up of them are healthy; the rest is a last try */
	uint32_t trunk[ROUTE_TARGETS_MAX];
};

#define ROUTE_REASON_LIST(X)                                                                       \
	X(OK, "routed")                                                                            \
	X(NO_CARRIER, "no carrier gateway is enabled for outgoing calls")                          \
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

/**
 * Carrier trunks for a call from a customer, in the order to try: by priority, within one by
 * weighted chance (RFC 2782) drawn from random, so that the same input gives the same order.
 * down[i] != 0: carrier trunk v->first_carrier + i is down, it goes behind the others; NULL = all
 * up.
 */
enum route_reason route_outbound(const struct snapshot_view *v, const uint8_t *down,
				 uint64_t random, struct route *out) NODISCARD;
/**
 * Carrier trunks for an emergency call: first those that take them (trunk.emergency), then all
 * others, each in the order of route_outbound; those that are down behind all.
 */
enum route_reason route_emergency(const struct snapshot_view *v, const uint8_t *down,
				  uint64_t random, struct route *out) NODISCARD;
/** The customer trunk of a called number (normalised, "+..."): exact, then longest prefix. */
enum route_reason route_inbound(const struct snapshot_view *v, struct str e164,
				struct route *out) NODISCARD;
/**
 * The called number as trunk t wants it: strip cut off the front when it is there, add put
 * before. LONG when it does not fit or nothing is left; out is then not to be used.
 */
enum err route_called(const struct snapshot_view *v, uint32_t trunk, struct str number,
		      char out[NUMBER_SIZE]) NODISCARD;

#endif
