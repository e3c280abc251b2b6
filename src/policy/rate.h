/* What does a minute cost? From the rates of the accounts file, longest prefix first. */
#ifndef POSTERN_POLICY_RATE_H
#define POSTERN_POLICY_RATE_H

#include "policy/snapshot.h"

enum {
	RATE_STEP_S = 6,      /* increment where nothing is charged: minutes alone are counted */
	RATE_FREE_DIGITS = 3, /* a rate of less digits than "+800" says nothing of toll-free ones */
};

/* A call is charged in steps: each begun increment costs the same. */
struct rate {
	uint64_t price_micro; /* a minute, millionths */
	uint32_t increment_s;
	bool dearest; /* no rate is there for this number: counted as the dearest of all */
};

/** The rate of a call to n. No prefix of the rates fits: toll-free and short numbers cost nothing,
 * any other number as much as the dearest; without any rates nothing costs anything. Toll-free
 * numbers are charged by a rate that names them, such as "+1800", alone. */
struct rate rate_of(const struct snapshot_view *v, const struct number *n);
/** What one begun increment costs, rounded up; UINT64_MAX at most. */
uint64_t rate_step_micro(const struct rate *r);
/** Increments begun after this time of talk; at least 1. */
uint64_t rate_steps(const struct rate *r, uint64_t talk_us);

#endif
