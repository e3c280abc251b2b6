/* How much today? Seconds abroad and money of each account, by the day. What calls that are over
 * used is settled; what running calls have taken so far counts as well, and is counted anew from
 * their records when signaling starts again. The rows may lie in shared memory: plain data without
 * pointers, written by one thread. A row of another day counts nothing and may become another
 * account's. */
#ifndef POSTERN_POLICY_USAGE_H
#define POSTERN_POLICY_USAGE_H

#include "policy/account.h"

/* Money is in millionths everywhere. */
struct usage_sum {
	uint64_t spend_micro;
	uint64_t seconds; /* of international calls */
};

struct usage_row {
	char id[POLICY_ID_MAX]; /* of the account; "" = never used */
	uint32_t day;
	uint32_t pad;
	struct usage_sum settled, running;
};

struct usage {
	struct usage_row *row;
	uint32_t n_rows;
};

/* What one running call has taken of one account today. All zero holds nothing. */
struct usage_hold {
	uint32_t row; /* index + 1 */
	uint32_t day;
	struct usage_sum sum;
};

enum usage_verdict {
	USAGE_OK,
	USAGE_SPEND,   /* it would pass the money of the day */
	USAGE_MINUTES, /* it would pass the minutes of the day */
	USAGE_FULL,    /* no row left */
};

/** The day of a wall clock (us since 1970), UTC. */
uint32_t usage_day(int64_t wall_us);
/** rows: zeroed, or of an earlier life: then what was running there is forgotten. At least as many
 * as there are accounts. */
void usage_init(struct usage *u, struct usage_row *rows, uint32_t n_rows);
/** Rows of a node all of whose calls are gone, before usage_init: what was running is settled, so
 * that an end without order forgets nothing. A call not yet answered counts with what it took. */
void usage_close(struct usage_row *rows, uint32_t n_rows);
/**
 * Take more for a call of this account. max: what the account may use a day, 0 = no limit of this
 * kind. force: count but never refuse. Nothing is taken unless USAGE_OK. h belongs to one account
 * and call; what it holds of an earlier day is dropped.
 */
enum usage_verdict usage_take(struct usage *u, const char *id, uint32_t day,
			      const struct usage_sum *more, const struct usage_sum *max, bool force,
			      struct usage_hold *h) NODISCARD;
/** The call is over: what h holds stays counted. h is empty after. */
void usage_settle(struct usage *u, struct usage_hold *h);
/** The call was never answered: what h holds is given back. h is empty after. */
void usage_give(struct usage *u, struct usage_hold *h);
/** What the account used on this day so far, running calls included. */
struct usage_sum usage_of(const struct usage *u, const char *id, uint32_t day);

#endif
