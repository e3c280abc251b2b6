/* The DTLS handshakes of the legs whose SRTP keys come by them (call/dtls.h): brings what media
 * hands over to the association of its slot (net/dtls.h), has media send what that says, and gives
 * the keys to call. Loop thread only. */
#ifndef POSTERN_APP_DTLSDESK_H
#define POSTERN_APP_DTLSDESK_H

#include "base/clock.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/timer.h"
#include "app/dtlsearly.h"
#include "app/portshare.h"
#include "call/keyed.h"
#include "media/ctl.h"
#include "net/dtls.h"

enum {
	DTLSDESK_JOBS = 512,              /* handshakes in hand, and such as are just over */
	DTLSDESK_TRIES = 4,               /* of one association: somebody may have put in a word */
	DTLSDESK_LIMIT_US = 10 * CLOCK_S, /* from the answer of the call until its keys */
	DTLSDESK_HELLO_US =
		40 * CLOCK_MS, /* our SDP first: who does not know us, does not answer */
	DTLSDESK_AGAIN_US = 400 * CLOCK_MS,
	DTLSDESK_LINGER_US = 20 * CLOCK_S, /* the far end may have lost our last flight */
};

struct dtlsdesk;

struct dtlsdesk_job {
	struct dtlsdesk *desk;
	struct timer timer;
	struct list at; /* in desk->over, once it is over */
	struct call_keying want;
	struct dtls dtls;
	uint64_t start_us; /* we say hello; 0 = it is under way */
	uint64_t until_us; /* TIMER_NEVER: not answered yet */
	uint64_t gone_us;  /* 0: not over */
	uint16_t owner;    /* whom it counts for (app/portshare.h) */
	uint8_t tries;
	uint16_t total, have; /* of the datagram whose parts come in */
	uint8_t datagram[MEDIA_DATAGRAM_MAX];
};

struct dtlsdesk {
	struct dtls_own own;
	struct pool jobs;
	struct dtlsearly early; /* hellos before the answer */
	struct dtlsdesk_job **by_slot;
	uint32_t n_slots;
	struct list over; /* jobs that linger, oldest first */
	uint32_t n_over;
	uint16_t held[PORTSHARE_OWNERS]; /* jobs that do not linger */
	struct media_ctl *media;
	struct timers *timers;
	struct calls *calls;
};

/** All borrowed. Makes our certificate. NOMEM. */
enum err dtlsdesk_init(struct dtlsdesk *d, uint32_t n_slots, struct media_ctl *media,
		       struct timers *timers, struct calls *calls) NODISCARD;
/** A struct of zeros is fine. */
void dtlsdesk_fini(struct dtlsdesk *d);
/** call_ops.do_keying. False: no place for one more, or none for one more of this account, which
 * may have seven times what is free: a hello that never comes takes a place as long as the phone
 * rings. */
bool dtlsdesk_want(struct dtlsdesk *d, const struct call_keying *k, uint64_t now_us);
/** The row is closed, or another target is asked: its handshake is over, and what came before one.
 */
void dtlsdesk_drop(struct dtlsdesk *d, uint32_t slot);
/** media_ctl.on_handed */
void dtlsdesk_take(struct dtlsdesk *d, const struct media_handed *h, uint64_t now_us);

#endif
