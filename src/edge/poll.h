/* Does a gateway answer OPTIONS? When to ask it, and what its answers and silences say: so many
 * failures in a row are down, so many answers in a row up again. A fresh one is neither; its first
 * answer or its first failures decide. Pure: `now` and random numbers in. */
#ifndef POSTERN_EDGE_POLL_H
#define POSTERN_EDGE_POLL_H

#include <stdbool.h>
#include <stdint.h>

enum poll_state { POLL_UNKNOWN, POLL_UP, POLL_DOWN };

struct poll_terms {
	uint64_t every_us;             /* 0 = never */
	uint64_t answer_us;            /* within which an answer comes */
	uint64_t slow_us;              /* a later answer is a failure; 0 = none is */
	uint32_t down_after, up_after; /* in a row; 0 as 1 */
};

enum poll_do {
	POLL_WAIT,
	POLL_SEND,    /* ask now; poll_step armed the time for its answer */
	POLL_GIVE_UP, /* no answer in time: counted as poll_failed would */
};

struct poll {
	uint64_t due;        /* next poll_step; UINT64_MAX = never */
	uint64_t sent_us;    /* of the one that is out; 0 = none */
	uint64_t latency_us; /* of the last answer; 0 = none came */
	uint32_t good, bad;  /* in a row */
	uint8_t state;       /* enum poll_state */
	bool changed;        /* by the last step, answer or failure */
};

/** Random numbers spread the first ones over a quarter of the time. */
void poll_begin(struct poll *p, const struct poll_terms *t, uint32_t random, uint64_t now);
/** Other terms; what is known stays. */
void poll_on_terms(struct poll *p, const struct poll_terms *t, uint32_t random, uint64_t now);
enum poll_do poll_step(struct poll *p, const struct poll_terms *t, uint32_t random, uint64_t now);
/** An answer came; refused: of a status that says down. True where it counts as an answer. Nothing
 * where none is out. */
bool poll_answered(struct poll *p, const struct poll_terms *t, bool refused, uint32_t random,
		   uint64_t now);
/** It could not be sent, or was lost. */
void poll_failed(struct poll *p, const struct poll_terms *t, uint32_t random, uint64_t now);
/** "unknown", "up", "down". Static. */
const char *poll_state_name(uint8_t s);

#endif
