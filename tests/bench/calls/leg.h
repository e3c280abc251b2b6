/* One end of one call in bench calls --mixed: the PBX's or the gateway's, a user agent that keeps
 * to RFC 3261 (with short timers) whatever is lost, comes twice or late, or is cut. */
#ifndef POSTERN_TESTS_BENCH_CALLS_LEG_H
#define POSTERN_TESTS_BENCH_CALLS_LEG_H

#include "base/buf.h"
#include "base/timer.h"
#include "sip/msg.h"

enum {
	LEG_T1_US = 100 * 1000,
	LEG_T2_US = 800 * 1000,
	LEG_T4_US = 1000 * 1000,
	LEG_LIFE_US = 64 * LEG_T1_US,
	LEG_RING_US = 4000 * 1000, /* an INVITE that is only rung is given up */
	LEG_TEXT_MAX = 4096,
	LEG_VALUE_MAX = 160,
};

enum leg_state {
	LEG_NONE,
	LEG_CALLING, /* caller: INVITE sent */
	LEG_RINGING, /* callee: INVITE came */
	LEG_TALKS,
	LEG_ENDED,
};

struct leg;

/* Of all legs: how their messages leave, and what they tell. */
struct leg_world {
	void *arg;
	struct timers timers;
	uint64_t now;
	/* a message leaves; unsure: it would not be sent again by the protocol */
	void (*on_send)(void *arg, struct leg *l, struct str bytes);
	void (*on_talks)(void *arg, struct leg *l);
	void (*on_ended)(void *arg, struct leg *l);
	/* what came about, over all legs */
	uint64_t answered, refused, shed, cancelled, timed_out, reinvites, glare, stray, late_byes,
		again;
};

struct leg {
	struct leg_world *w;
	bool pbx, caller; /* which side, which part */
	uint32_t number;  /* of the call */
	enum leg_state state;
	unsigned conn;        /* pbx */
	bool cancelled, shed; /* shed: it was told to come again later, and nothing else */
	/* the request that waits for its answer; method[0] 0: none */
	struct {
		enum sip_method method;
		bool on, rung;
		uint32_t cseq;
		unsigned conn; /* pbx: that it went over last; it may hear of us over another one */
		uint64_t interval, dead_at;
	} rq;
	uint32_t cseq, acked, sdp_version, peer_cseq;
	struct timer resend, end;
	char self[LEG_VALUE_MAX], peer[LEG_VALUE_MAX], call_id[LEG_VALUE_MAX],
		target[LEG_VALUE_MAX];
	char *request, *answer; /* the INVITE that came; our final answer until its ACK */
	size_t n_request, n_answer;
	uint64_t answer_interval, answer_dead;
	struct timer answer_timer;
};

/** A caller begins: INVITE to uri. */
void leg_call(struct leg *l, const char *uri, const char *self);
/** An INVITE came for a callee that is LEG_NONE: 100 and 180 (or of a fork: of another tag first).
 */
void leg_invited(struct leg *l, const struct sip_msg *m, bool fork);
/** The same INVITE once more: a callee that rings says so again (RFC 3261 17.2.1). */
void leg_invited_again(struct leg *l, const struct sip_msg *m);
/** The callee's decision: 200 or a refusal. Nothing when it is over. */
void leg_answer(struct leg *l, unsigned status);
void leg_cancel(struct leg *l);
void leg_reinvite(struct leg *l);
/** Nothing when it does not talk; late: also then, and 481 is the answer. */
void leg_bye(struct leg *l, bool late);
/** What came for it, other than its first INVITE. */
void leg_take(struct leg *l, const struct sip_msg *m);
/** Its connection went down: what may have been lost goes again over another one, under the same
 * branch (RFC 3261 17.2.3 finds a transaction by that, not by its connection). */
void leg_conn_down(struct leg *l);
void leg_fini(struct leg *l);

#endif
