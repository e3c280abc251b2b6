/* Our registration at a registrar (RFC 3261 10.2): when to send REGISTER and what its answers mean.
 * Refreshed well before it ends; after a failure tried again, after 2 s at first, twice as long
 * each time. It counts as there until its time is over, however many refreshes fail before. Digest
 * is answered below (edge/auth.h). Pure: `now` and random numbers in. Drawing:
 *
 *   TRYING --2xx--> THERE --its time is over--> LOST --2xx--> THERE
 *   TRYING --failure--> LOST;  423: asked again at once with the time that it wants
 *   any --enrol_leave--> LEAVING (where there is one) --any answer, none--> LEFT */
#ifndef POSTERN_EDGE_ENROL_H
#define POSTERN_EDGE_ENROL_H

#include <stdbool.h>
#include <stdint.h>

enum {
	ENROL_ANSWER_US = 34000000, /* 64*T1 and margin: the transaction says so before */
	ENROL_FIRST_US = 1000000,   /* the first ones are spread over this time */
	ENROL_AGAIN_US = 2000000,   /* after a failure; doubles with each */
	ENROL_AGAIN_MAX_US = 300000000,
	ENROL_REFUSED_US = 30000000, /* at least, where it was refused (4xx, 6xx) */
	ENROL_MARGIN_US = 40000000,  /* left for a refresh and another one, or half of its time */
	ENROL_MAX_S = 86400,         /* a Min-Expires that we go along with */
	ENROL_LEAVE_US = 2000000,    /* for the answer to the last one */
};

enum enrol_state { ENROL_TRYING, ENROL_THERE, ENROL_LOST, ENROL_LEAVING, ENROL_LEFT };

enum enrol_do {
	ENROL_WAIT,
	ENROL_SEND,    /* REGISTER for want_s */
	ENROL_REMOVE,  /* REGISTER for 0 s */
	ENROL_GIVE_UP, /* the one that is out got no answer; counted as a failure */
};

struct enrol {
	uint64_t due;   /* next enrol_step; UINT64_MAX = never */
	uint64_t until; /* when the registration ends by itself; 0 = there is none */
	uint32_t want_s;
	uint32_t failures; /* in a row */
	uint8_t state;     /* enum enrol_state */
	bool out;          /* a REGISTER is under way */
	bool raised;       /* 423 was obeyed in this try */
	bool changed;      /* the state, by the last call */
};

/* An answer as far as it counts. */
struct enrol_answer {
	unsigned status;
	uint32_t granted_s; /* 2xx: of our Contact; 0 = it is not among them */
	uint32_t min_s;     /* 423: Min-Expires, 0 = none */
	uint32_t retry_s;   /* Retry-After, 0 = none */
};

void enrol_begin(struct enrol *r, uint32_t want_s, uint32_t random, uint64_t now);
enum enrol_do enrol_step(struct enrol *r, uint32_t random, uint64_t now);
/** A final answer to the one that is out. */
void enrol_answered(struct enrol *r, const struct enrol_answer *a, uint32_t random, uint64_t now);
/** It could not be sent, or was lost. */
void enrol_failed(struct enrol *r, uint32_t random, uint64_t now);
/** No longer wanted: what is out is forgotten; enrol_step says whether there is one to remove. */
void enrol_leave(struct enrol *r, uint64_t now);
/** "trying", "registered", "lost", "leaving", "left". Static. */
const char *enrol_state_name(uint8_t s);

#endif
