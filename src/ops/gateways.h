/* What is known now of the trunks that are asked by OPTIONS, that we are registered at, or that
 * calls found down: for `postern gateways`. Kept by signaling and told to admin row by row, so that
 * either may be started again. A bounded table in memory. One thread. */
#ifndef POSTERN_OPS_GATEWAYS_H
#define POSTERN_OPS_GATEWAYS_H

#include "base/buf.h"
#include "policy/account.h"

enum { GATEWAYS_MAX = 2048, GATEWAY_WHY_MAX = 120 };

/* By OPTIONS, as enum poll_state, and NONE: it is not asked. */
enum gateway_poll { GATEWAY_UNASKED, GATEWAY_WAITS, GATEWAY_UP, GATEWAY_DOWN, GATEWAY_POLL_N };
/* Our registration there; NONE: it has none. */
enum gateway_login {
	GATEWAY_NO_LOGIN,
	GATEWAY_TRYING,
	GATEWAY_REGISTERED,
	GATEWAY_LOST,
	GATEWAY_LOGIN_N
};

/* One trunk; a message from signaling to admin, and so of fixed layout. */
struct gateway {
	struct policy_id trunk;
	uint8_t poll;       /* enum gateway_poll */
	uint8_t login;      /* enum gateway_login */
	uint8_t tried_last; /* 1: calls find other carriers before it */
	uint8_t pad;
	uint32_t latency_ms;    /* of the last answer to OPTIONS; 0 = none */
	int64_t poll_since_us;  /* wall: of this state */
	int64_t login_since_us; /* wall */
	int64_t login_until_us; /* wall: when the registration ends by itself; 0 = there is none */
	char poll_why[GATEWAY_WHY_MAX], login_why[GATEWAY_WHY_MAX], call_why[GATEWAY_WHY_MAX];
};

struct gateways {
	struct gateway *row;
	uint32_t n;
};

/** NOMEM. */
enum err gateways_init(struct gateways *gs) NODISCARD;
void gateways_fini(struct gateways *gs);
/** The row of a trunk, a new empty one where there is none; NULL: the table is full. Until the next
 * call of gateways_trim. */
struct gateway *gateways_row(struct gateways *gs, const struct policy_id *trunk);
/** Drop the row where nothing is known any more. */
void gateways_trim(struct gateways *gs, const struct policy_id *trunk);
/** A row as it came from signaling. False: it is broken, nothing was taken. */
bool gateways_take(struct gateways *gs, const struct gateway *g) NODISCARD;
/** "a,b,c" as JSON objects, in the order of their ids. */
void gateways_put(struct buf *b, struct gateways *gs);

#endif
