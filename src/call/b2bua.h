/* The life of a call between two legs, as a pure state machine (drawing: docs/b2bua.dot).
 * Leg A is the caller's (we are UAS), leg B the callee's (we are UAC). The machine knows no
 * message: it takes events and the time, and gives actions and the next deadline. */
#ifndef POSTERN_CALL_B2BUA_H
#define POSTERN_CALL_B2BUA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
	B2BUA_ACK_US = 32000000,    /* 64*T1: no ACK for our 2xx (RFC 3261 13.3.1.4) */
	B2BUA_RING_US = 180000000,  /* no answer; longer than any gateway's own limit */
	B2BUA_CANCEL_US = 40000000, /* no final response after CANCEL (9.1: 64*T1, and margin) */
	B2BUA_BYE_US = 36000000,    /* no final response to BYE: its transaction ends at 32 s */
};

#define B2BUA_STATE_LIST(X)                                                                        \
	X(IDLE)      /* admitted, no INVITE out yet */                                             \
	X(TRYING)    /* INVITE out to a target */                                                  \
	X(RINGING)   /* a provisional of it was passed to A */                                     \
	X(ANSWERED)  /* B's 2xx is there, ours sent to A; its ACK is owed */                       \
	X(UP)        /* both legs confirmed */                                                     \
	X(CANCELING) /* A has its final response; B's is awaited */                                \
	X(ENDING)    /* BYE out on one leg or both */                                              \
	X(ENDED)

#define B2BUA_EVENT_LIST(X)                                                                        \
	X(START)        /* the first target was chosen */                                          \
	X(PROVISIONAL)  /* B: 101-199 */                                                           \
	X(ANSWER)       /* B: 2xx whose SDP suits both legs */                                     \
	X(ANSWER_OFFER) /* B: 2xx with an offer, as A's INVITE had none: A's ACK answers it */     \
	X(BAD_ANSWER)   /* B: 2xx that cannot be used (SDP) */                                     \
	X(FAIL_NEXT)    /* B: failed, and another target is there */                               \
	X(FAIL)         /* B: failed, and none is left (or CANCEL worked) */                       \
	X(CANCEL)       /* A: CANCEL */                                                            \
	X(ACK)          /* A: ACK of our 2xx */                                                    \
	X(BAD_ACK)      /* A: ACK that does not answer the offer of our 2xx */                     \
	X(BYE_A)        /* A: BYE (answered already) */                                            \
	X(BYE_B)        /* B: BYE (answered already) */                                            \
	X(DONE_A)       /* our BYE to A has its final response, or timed out */                    \
	X(DONE_B)       /* the same of B */                                                        \
	X(STOP)         /* we end it: operator, drain, media time-out, limit */                    \
	X(DUE)          /* the deadline passed */                                                  \
	X(RESTORE)      /* taken from a record of an answered call, after a restart */             \
	X(RESTORE_LOST) /* taken from a record of a call that cannot go on */

enum b2bua_state {
#define X(n) B2BUA_##n,
	B2BUA_STATE_LIST(X)
#undef X
		B2BUA_STATE_N
};
enum b2bua_event {
#define X(n) B2BUA_EV_##n,
	B2BUA_EVENT_LIST(X)
#undef X
		B2BUA_EVENT_N
};

/* What the caller must do now, in this order. */
enum {
	B2BUA_DO_TRY = 1,       /* INVITE to the (next) target */
	B2BUA_DO_RING = 2,      /* pass the provisional to A */
	B2BUA_DO_ACK_B = 4,     /* acknowledge B's 2xx */
	B2BUA_DO_ANSWER = 8,    /* 2xx to A */
	B2BUA_DO_REJECT_A = 16, /* final failure to A */
	B2BUA_DO_CANCEL_B = 32,
	B2BUA_DO_BYE_A = 64,
	B2BUA_DO_BYE_B = 128,
	B2BUA_DO_CLOSE_MEDIA = 256,
	B2BUA_DO_END = 512, /* the call is over: write its CDR, free it */
};

struct b2bua {
	enum b2bua_state state;
	uint64_t due;        /* us; UINT64_MAX = none */
	bool wait_a, wait_b; /* BYE sent and not done */
	bool end_on_ack;     /* A's ACK is owed before BYE may go there (RFC 3261 15) */
	bool owes_ack;       /* B's 2xx waits for the answer in A's ACK */
};

void b2bua_init(struct b2bua *m);
/** One event; returns B2BUA_DO_* bits. Never blocks, never allocates. An event that means nothing
 * in this state gives 0 and changes nothing. */
unsigned b2bua_step(struct b2bua *m, enum b2bua_event ev, uint64_t now_us) NODISCARD;
const char *b2bua_state_name(enum b2bua_state s);
const char *b2bua_event_name(enum b2bua_event e);

#endif
