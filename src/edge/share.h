/* What each peer has of what all share: an account, or the address of a carrier. Counted are its
 * transactions in hand, and the new requests that it makes, as a rate. While only a part of all new
 * requests is admitted (edge/load.h), each peer gets what it asks for up to a level that is the
 * same for all, so that the part is met (max-min fairness): who asks for less than that loses
 * nothing to those who flood, and only where these are not enough others are refused, too.
 * Whatever else comes of a peer takes time as well and is counted with its requests. Who asks for
 * no more than anybody may is never refused, as long as it is others who bring the most.
 * Pure: `now` comes in. */
#ifndef POSTERN_EDGE_SHARE_H
#define POSTERN_EDGE_SHARE_H

#include "edge/load.h"

enum {
	SHARE_PEERS = 4096, /* two may meet in one */
	SHARE_FADE = 16,    /* each window replaces such a part of the rate */
	SHARE_CARRIER = 16, /* a carrier brings calls for many accounts: it counts as so many */
	SHARE_FLOOD = 8,    /* times the level: more than anybody makes by chance */
	SHARE_UNIT = 4096,  /* one request a window of LOAD_WINDOW_US, as a rate */
	SHARE_FLOOR = SHARE_UNIT, /* what anybody may ask for, whatever its weight */
	SHARE_HELPS = 1, /* calls for help a window that are refused in any case, but not as load */
	/* What share_note counts: */
	SHARE_MESSAGE = 1, /* any message */
	SHARE_REQUEST = 8, /* a new request */
};

struct share_peer {
	uint32_t txns, help; /* in hand; of these, for calls for help */
	uint32_t now;        /* in parts of SHARE_REQUEST, since the window began */
	uint32_t rate;       /* in parts of SHARE_UNIT */
	uint32_t credit;     /* what those before left of it, in parts of LOAD_ONE */
	uint16_t weight;     /* 0: it is not among the active ones */
	uint16_t helps;      /* see share_helps; since the window began */
};

struct share {
	struct share_peer peer[SHARE_PEERS];
	uint16_t active[SHARE_PEERS]; /* that asked lately */
	uint32_t n_active;
	uint64_t window_end;
	uint64_t level; /* rate that is admitted of each, for each of its weight; UINT64_MAX: any */
	uint64_t floor; /* rate that is admitted of each in any case */
	uint64_t changed_us; /* when level changed last: number of what peers are told */
};

void share_init(struct share *s);
/** The counters of a peer, by a keyed hash of its name. */
struct share_peer *share_of(struct share *s, uint64_t hash);
/** The window may be over: see so. admitted: the part of all that may be, of LOAD_ONE. */
void share_look(struct share *s, uint32_t admitted, uint64_t now_us);
/** p, which counts as `weight` peers (1..SHARE_CARRIER), brings so many parts of SHARE_REQUEST. */
void share_note(struct share *s, struct share_peer *p, unsigned weight, unsigned parts);
/** Is this call for help, which is noted already, one of the few that p may always bring? Ask once
 * a call. */
bool share_helps(struct share_peer *p);
/** Shall this new request of p be refused? Of what p asks for beyond the level, evenly spread. Ask
 * once a request. */
bool share_sheds(const struct share *s, struct share_peer *p);
/** Does p ask for far more than the level? */
bool share_floods(const struct share *s, const struct share_peer *p);
/** How many of a hundred new requests of p are refused. */
unsigned share_percent(const struct share *s, const struct share_peer *p);

#endif
