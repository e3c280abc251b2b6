/* Which media ports are in use: an allocator over the plan. Both legs of a call get slots of one
 * worker. A freed port rests (late packets of the old call) and comes back first freed, first used.
 * Pure: `now` comes in. One thread. */
#ifndef POSTERN_CALL_PORT_H
#define POSTERN_CALL_PORT_H

#include "base/list.h"
#include "media/ctl.h"

enum {
	PORT_REST_US = 5 * 1000 * 1000,
	/* Of each address so many are kept for emergency calls: 1/64, but at least 8, and of a
	 * small range no more than a quarter. */
	PORT_RESERVE_SHARE = 64,
	PORT_RESERVE_MIN = 8,
	PORT_RESERVE_MAX_SHARE = 4,
};

struct port_slot {
	struct list at;      /* in the queue of free ones */
	uint64_t freed_at;   /* us; 0 = never used */
	uint32_t generation; /* of the present or the last use */
	bool used;
};

/* Free ones of an address and worker, the one that rested longest first. */
struct port_queue {
	struct list slots;
	uint32_t n;
};

struct port_pool {
	struct port_slot *slots;
	const struct media_plan *plan;
	uint32_t n_slots, per_addr, n_workers;
	struct port_queue free[MEDIA_ADDRS_MAX * MEDIA_WORKERS_MAX];
	uint32_t used[MEDIA_ADDRS_MAX];
	uint32_t generation; /* last one given out */
};

/** p stays where it is. generation_base: the first generations given out are above it: keep it
 * rising over restarts of signaling (e.g. epoch << 20), so that no generation of a slot comes
 * twice. plan is borrowed. NOMEM, RANGE. */
enum err port_init(struct port_pool *p, const struct media_plan *plan,
		   uint32_t generation_base) NODISCARD;
void port_fini(struct port_pool *p);
/**
 * A rested slot of this address, with its new generation. near: a slot of the same call, whose
 * worker shall own this one as well; MEDIA_NO_SLOT: of the worker that has most left. FULL: none
 * has rested long enough, or only those of the reserve are left. spare, for an emergency call: out
 * of the reserve as well, and where none has rested, the one that rested longest; FULL: all are in
 * use.
 */
enum err port_alloc(struct port_pool *p, uint32_t addr_index, uint32_t near, bool spare,
		    uint64_t now_us, uint32_t *slot, uint32_t *generation) NODISCARD;
/** How many of per_addr slots of an address are kept for emergency calls. */
uint32_t port_reserve(uint32_t per_addr);
/** Not in use: nothing happens (a second free is harmless). */
void port_free(struct port_pool *p, uint32_t slot, uint64_t now_us);
/** After a restart: this slot is in use by a restored call, as this generation. EXISTS, RANGE. */
enum err port_mark_used(struct port_pool *p, uint32_t slot, uint32_t generation) NODISCARD;
/** In use, all addresses. */
uint32_t port_used(const struct port_pool *p);
/** Free, rested or not, of one address. */
uint32_t port_idle(const struct port_pool *p, uint32_t addr_index);

#endif
