/* A change of a call that runs, as a pure state machine (drawing: docs/amend.dot): one leg asks
 * (re-INVITE, UPDATE), the other one is asked the same, its answer goes back; or we ask a leg
 * ourselves, to keep its session alive (RFC 4028), or one for an offer and the other for its
 * answer, so that both agree anew (RFC 3725 flow I). One change is in hand at a time. What the
 * change is about, and whether it suits, is the caller's matter. */
#ifndef POSTERN_CALL_AMEND_H
#define POSTERN_CALL_AMEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
	AMEND_ASKED_US = 60000000,  /* no final response: it rings nowhere, it only thinks */
	AMEND_CANCEL_US = 40000000, /* no final response after CANCEL (RFC 3261 9.1) */
	AMEND_ACK_US = 32000000,    /* 64*T1: no ACK of our 2xx (13.3.1.4) */
};

#define AMEND_STATE_LIST(X)                                                                        \
	X(NONE)       /* nothing is in hand */                                                     \
	X(ASKED)      /* the other leg was asked */                                                \
	X(CANCELED)   /* and cancelled: its final response is awaited */                           \
	X(ACKING)     /* the leg that asks has our 2xx: its ACK is owed */                         \
	X(REFRESHING) /* we ask a leg on our own */                                                \
	X(FETCHING)   /* we ask a leg what it offers */                                            \
	X(PLACING)    /* its offer went to the other leg; the first one's ACK is owed */

#define AMEND_EVENT_LIST(X)                                                                        \
	X(ASK)      /* a request of a leg was passed on */                                         \
	X(KNOWN)    /* a request whose answer is known: it is not passed on */                     \
	X(REFRESH)  /* a request of our own went out */                                            \
	X(RENEW)    /* a request of our own without an offer went out */                           \
	X(OK)       /* asked leg: 2xx that suits */                                                \
	X(OK_OFFER) /* asked leg: 2xx with an offer, as the request had none */                    \
	X(BAD)      /* asked leg: 2xx that cannot be used */                                       \
	X(FAIL)     /* asked leg: it will not, or could not be told; all stays as it was */        \
	X(GONE)     /* asked leg: it knows no such dialog, or says nothing at all */               \
	X(CANCEL)   /* asking leg */                                                               \
	X(ACK)      /* asking leg */                                                               \
	X(BAD_ACK)  /* asking leg: its ACK does not answer the offer of our 2xx */                 \
	X(DUE)      /* the deadline passed */                                                      \
	X(END)      /* the call ends */

enum amend_state {
#define X(n) AMEND_##n,
	AMEND_STATE_LIST(X)
#undef X
		AMEND_STATE_N
};
enum amend_event {
#define X(n) AMEND_EV_##n,
	AMEND_EVENT_LIST(X)
#undef X
		AMEND_EVENT_N
};

/* What the caller must do now, in this order. */
enum {
	AMEND_DO_ACK = 1,        /* to the asked leg (INVITE) */
	AMEND_DO_ANSWER = 2,     /* 2xx to the asking leg */
	AMEND_DO_REJECT = 4,     /* failure to the asking leg */
	AMEND_DO_CANCEL = 8,     /* to the asked leg */
	AMEND_DO_PLACE = 32,     /* the offer to the other leg, which is the asked one then */
	AMEND_DO_ACK_FIRST = 64, /* to the leg that offered */
	AMEND_DO_STOP = 16,      /* end the call: the legs do not agree any more, or one is gone */
};

struct amend {
	enum amend_state state;
	/* Set before ASK, KNOWN, REFRESH: INVITE, which has an ACK, or another method */
	bool in_invite;  /* what the asking leg sent */
	bool out_invite; /* what the asked leg was sent */
	bool owes_ack;   /* the asked leg's 2xx waits for the answer in the asking leg's ACK */
	uint64_t due;    /* us; UINT64_MAX = none */
};

void amend_init(struct amend *m);
/** One event; returns AMEND_DO_* bits. ASK, KNOWN, REFRESH and RENEW mean nothing while a change is
 * in hand. Never blocks, never allocates. */
unsigned amend_step(struct amend *m, enum amend_event ev, uint64_t now_us) NODISCARD;
const char *amend_state_name(enum amend_state s);
const char *amend_event_name(enum amend_event e);

#endif
