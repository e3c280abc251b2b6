/* ClientHellos that came before the answer of the call: who answers may begin at once, and media is
 * often faster than signalling (RFC 5763 5). Kept until the answer names where the far end is, and
 * nothing is done by them before (M14). Of each slot the last flight from one address, and of all
 * slots the latest. Pure. */
#ifndef POSTERN_APP_DTLSEARLY_H
#define POSTERN_APP_DTLSEARLY_H

#include "base/clock.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/str.h"
#include "media/ctl.h"

enum {
	DTLSEARLY_FLIGHTS = 64,
	DTLSEARLY_BYTES = 2048,            /* of one; a hello has some 200 */
	DTLSEARLY_GAP_US = 100 * CLOCK_MS, /* later than that it is a repeat */
	DTLSEARLY_KEPT_US = 2 * CLOCK_S,   /* an older one may be of another association */
};

struct dtlsearly_flight {
	struct list at;
	uint32_t slot, generation;
	struct addr from;
	uint64_t last_us;
	uint16_t used;        /* of p: datagrams that are whole, each behind its length */
	uint16_t total, have; /* of the one whose parts come in; total 0: none does */
	uint8_t p[DTLSEARLY_BYTES];
};

struct dtlsearly {
	struct pool flights;
	struct list kept; /* oldest first */
};

/** NOMEM. */
enum err dtlsearly_init(struct dtlsearly *e) NODISCARD;
/** A struct of zeros is fine. */
void dtlsearly_fini(struct dtlsearly *e);
/** A part of a datagram. What is no hello, or has no room, is not kept. */
void dtlsearly_keep(struct dtlsearly *e, const struct media_handed *h, uint64_t now_us);
/** What is kept of this use of the slot, or NULL. */
struct dtlsearly_flight *dtlsearly_find(const struct dtlsearly *e, uint32_t slot,
					uint32_t generation, uint64_t now_us);
/** The datagram at *at (0: the first), which moves on. False: there is no more. */
bool dtlsearly_next(const struct dtlsearly_flight *f, size_t *at, struct str *out);
void dtlsearly_drop(struct dtlsearly *e, uint32_t slot);

#endif
