/* Which handshakes and refusals are kept in full, and which are only counted: at most a few of one
 * (source, reason) and of all refusals together, so that a flood pushes nothing out of the store.
 * What is only counted is told later, as "n more like the record with this id".
 *
 * Pure: `now` comes in. Plain data without pointers: it lives in shared memory and outlives
 * signaling. A source is an IPv4 address or an IPv6 /64. */
#ifndef POSTERN_HA_FLOOD_H
#define POSTERN_HA_FLOOD_H

#include "base/addr.h"
#include "base/id.h"

enum {
	FLOOD_SETS = 256, /* buckets: sets x ways; power of two */
	FLOOD_WAYS = 4,
	FLOOD_REASONS = 256,      /* reasons are 0 .. 255 */
	FLOOD_BURST = 100,        /* refusals of one source and reason kept at once, .. */
	FLOOD_EACH_US = 10000000, /* .. and later one in this time */
	FLOOD_OK_BURST = 1000,    /* the same for accepted handshakes */
	FLOOD_OK_EACH_US = 1000000,
	FLOOD_ALL_BURST = 1000, /* refusals of all sources together */
	FLOOD_ALL_EACH_US = 1000000,
	FLOOD_TELL_US = 1000000, /* counted ones are told after this time */
};

struct flood_bucket {
	uint8_t net[16];
	uint8_t family; /* 0 = free */
	uint8_t reason;
	uint8_t pad[6];
	uint64_t used_us, paid_us; /* monotonic: last use; what was kept is paid for until then */
	struct id id;              /* of the last one kept in full; "" = none */
	char pad2[3];
	uint64_t more, since_us; /* counted and not told; since when */
	int64_t last_us;         /* wall */
};

struct flood {
	struct flood_bucket bucket[FLOOD_SETS][FLOOD_WAYS];
	struct flood_bucket any[FLOOD_REASONS]; /* for sources of which none was kept */
	uint64_t all_paid_us;
	uint64_t next; /* where flood_due goes on */
};

/* n more like the record with this id, the last one at last_us (wall). */
struct flood_more {
	struct id id;
	uint64_t n;
	int64_t last_us;
};

struct flood_event {
	struct addr source;
	uint8_t reason;
	bool accepted;
	struct id id; /* of this one */
	uint64_t now_us;
	int64_t wall_us;
};

/**
 * True: keep it in full. False: it is counted. *evicted: what a bucket that had to go had counted,
 * to be told now; n 0 = nothing.
 */
bool flood_keep(struct flood *f, const struct flood_event *ev,
		struct flood_more *evicted) NODISCARD;
/** Something counted that is due to be told (all: due or not); false: nothing. */
bool flood_due(struct flood *f, uint64_t now_us, bool all, struct flood_more *out) NODISCARD;

#endif
