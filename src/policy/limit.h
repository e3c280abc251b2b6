/* How many? Concurrent calls of accounts, trunks, groups of trunks and the node, and attempts a
 * second. Rows are keyed by text id, so that counts outlive a swap of the snapshot; the maxima come
 * with each question. Memory is the caller's, rows never move. One thread. */
#ifndef POSTERN_POLICY_LIMIT_H
#define POSTERN_POLICY_LIMIT_H

#include "policy/account.h"

enum {
	LIMIT_HOLDS_MAX = 8, /* both sides of a call: trunk, its group, account and its parent */
	LIMIT_BURST_S = 1,   /* a bucket holds this many seconds of its rate */
};

enum limit_kind { LIMIT_ACCOUNT = 1, LIMIT_TRUNK = 2, LIMIT_GROUP = 3 };

struct limit_row {
	char id[POLICY_ID_MAX];
	uint8_t kind; /* enum limit_kind; 0 = never used */
	uint8_t pad[3];
	uint32_t calls;
	uint64_t bucket_us; /* token bucket as time: full when <= now - burst */
};

struct limit {
	struct limit_row *row;
	uint32_t n_rows;
	uint32_t calls, max_calls; /* of the node; 0 = no limit */
};

/* What a call took; give it back once. Plain data; all zero holds nothing. */
struct limit_hold {
	uint32_t row[LIMIT_HOLDS_MAX]; /* index + 1; 0 = unused */
	uint8_t node;                  /* 1: counted in limit.calls */
	uint8_t pad[3];
};

/* rows: zeroed, at least twice the number of accounts and trunks. */
void limit_init(struct limit *l, struct limit_row *rows, uint32_t n_rows, uint32_t max_calls);
void limit_hold_init(struct limit_hold *h);
/**
 * Count the call in the node's total, once a hold. FULL: the total is reached, nothing taken.
 * force (emergency): count but never refuse.
 */
enum err limit_take_node(struct limit *l, bool force, struct limit_hold *h) NODISCARD;
/**
 * Count the call for one account, trunk or group as well. FULL: max (0 = none) reached, nothing
 * taken by this step; what earlier steps took stays in h until limit_give. NOMEM: no row left.
 */
enum err limit_take(struct limit *l, enum limit_kind kind, const char *id, uint32_t max, bool force,
		    struct limit_hold *h) NODISCARD;
/** Give back one step (a target that was tried and left), if h holds it. */
void limit_give_one(struct limit *l, enum limit_kind kind, const char *id, struct limit_hold *h);
/** Give back all that h holds; h is empty after. Twice is harmless. */
void limit_give(struct limit *l, struct limit_hold *h);
/** Calls now counted for this id. */
uint32_t limit_calls(const struct limit *l, enum limit_kind kind, const char *id);
/** One attempt at time now_us: true if the rate (a second; 0 = no limit) lets it pass. */
bool limit_attempt(struct limit *l, enum limit_kind kind, const char *id, uint32_t rate,
		   uint64_t now_us) NODISCARD;

#endif
