/* The session timer of a leg (RFC 4028): one of its two ends refreshes the session in time, else it
 * is over. Each leg has its own. Pure: messages and the time in, what to do out. */
#ifndef POSTERN_CALL_SESSION_H
#define POSTERN_CALL_SESSION_H

#include "sip/hdr.h"

enum {
	SESSION_WANTED_S = 1800, /* what we ask for (RFC 4028 4) */
	SESSION_MIN_S = 90,      /* the least that we take: the least that may be asked (5) */
	SESSION_MARGIN_S = 32,   /* before the end, or a third of it: the BYE (10) */
	SESSION_MAX_S = 86400,   /* a Min-SE that we go along with */
};

/* All zero: none is agreed. */
struct session {
	uint32_t interval_s;
	bool ours; /* we refresh */
	uint64_t refresh_at, expire_at;
};

enum session_do { SESSION_NOTHING, SESSION_REFRESH, SESSION_EXPIRED };

/** Agreed anew now; 0: none. */
void session_set(struct session *s, uint32_t interval_s, bool ours, uint64_t now_us);
/** When session_step shall be called; UINT64_MAX: never. */
uint64_t session_due(const struct session *s);
/** REFRESH is said once; session_set or session_retry follow it. */
enum session_do session_step(struct session *s, uint64_t now_us) NODISCARD;
/** The refresh could not be made: another one at this time. */
void session_retry(struct session *s, uint64_t at_us);

/** Does this request ask for a shorter session than may be: answer 422 with Min-SE? */
bool session_too_short(const struct sip_msg *m);
/** What our 2xx to this request says, and agrees on: seconds, 0 = nothing; *ours: we refresh. */
uint32_t session_answer(const struct sip_msg *request, bool *ours);
/** What to ask for after this 422, which had `was` s: its Min-SE (7.4), or twice as long, so that
 * who always wants a little more is soon at the end of it; 0: nothing longer is asked for. */
uint32_t session_longer(const struct sip_msg *m, uint32_t was);
/** What this 2xx to our request agrees on; as above. */
uint32_t session_agreed(const struct sip_msg *response, bool *ours);

#endif
