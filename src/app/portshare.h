/* Whose media ports are in use, so that nobody gets nearly all of an address: an account may hold
 * so many times what is free and rested that those who flood leave some to the others (as with
 * calls). A port that rests is still held, for who makes short calls uses up ports by that. Pure:
 * `now` comes in. One thread. */
#ifndef POSTERN_APP_PORTSHARE_H
#define POSTERN_APP_PORTSHARE_H

#include "base/buf.h"
#include "call/port.h"

enum {
	PORTSHARE_OWNERS = 1024, /* two accounts may meet in one */
	PORTSHARE_TIMES = 7,
	PORTSHARE_NOBODY = 0, /* counted nowhere */
};

struct portshare_slot {
	struct list rest; /* while it rests; in the order of their ends */
	uint64_t freed_at;
	uint16_t owner;
};

struct portshare {
	struct portshare_slot *slot;
	uint32_t n_slots, per_addr;
	struct list rests;
	uint32_t resting[MEDIA_ADDRS_MAX];
	uint32_t held[MEDIA_ADDRS_MAX][PORTSHARE_OWNERS]; /* in use, and at rest */
};

/** s stays where it is. p: initialised. NOMEM. */
enum err portshare_init(struct portshare *s, const struct port_pool *p) NODISCARD;
void portshare_fini(struct portshare *s);
/** The number of this account. */
uint16_t portshare_owner(struct str account);
/** May it have one more of this address of p? */
bool portshare_may(struct portshare *s, const struct port_pool *p, uint32_t addr_index,
		   uint16_t owner, uint64_t now_us);
/** It has this one, which p gave out; it may have rested shorter than usual. */
void portshare_take(struct portshare *s, uint32_t slot, uint16_t owner);
/** It is free. Nothing where nobody has it. */
void portshare_free(struct portshare *s, uint32_t slot, uint64_t now_us);

#endif
