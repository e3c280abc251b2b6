#include "edge/poll.h"

/*   unknown --answer--> up        unknown, up --down_after failures in a row--> down
 *   down --up_after answers in a row--> up */

enum { FIRST_PART = 4, JITTER_PART = 5 };

const char *
poll_state_name(uint8_t s)
{
	static const char *const names[] = {
		[POLL_UNKNOWN] = "unknown", [POLL_UP] = "up", [POLL_DOWN] = "down"};

	return s < sizeof(names) / sizeof(names[0]) ? names[s] : "?";
}

static void
set_state(struct poll *p, enum poll_state s)
{
	p->changed = p->state != s;
	p->state = (uint8_t)s;
}

/* Between 4/5 and all of the time from now. */
static void
wait_next(struct poll *p, const struct poll_terms *t, uint32_t random, uint64_t now)
{
	p->sent_us = 0;
	p->due = t->every_us ? now + t->every_us - random % (t->every_us / JITTER_PART + 1)
			     : UINT64_MAX;
}

void
poll_begin(struct poll *p, const struct poll_terms *t, uint32_t random, uint64_t now)
{
	*p = (struct poll){.due = t->every_us ? now + random % (t->every_us / FIRST_PART + 1)
					      : UINT64_MAX};
}

void
poll_on_terms(struct poll *p, const struct poll_terms *t, uint32_t random, uint64_t now)
{
	if (p->sent_us)
		return; /* its answer, or the time for it, goes by the new ones */
	if (!t->every_us)
		p->due = UINT64_MAX;
	else if (p->due > now + t->every_us)
		wait_next(p, t, random, now);
}

static void
count_bad(struct poll *p, const struct poll_terms *t)
{
	p->good = 0;
	p->changed = false;
	if (p->bad < UINT32_MAX)
		p->bad++;
	if (p->bad >= t->down_after)
		set_state(p, POLL_DOWN);
}

static void
count_good(struct poll *p, const struct poll_terms *t)
{
	p->bad = 0;
	p->changed = false;
	if (p->good < UINT32_MAX)
		p->good++;
	if (p->state != POLL_DOWN || p->good >= t->up_after)
		set_state(p, POLL_UP);
}

enum poll_do
poll_step(struct poll *p, const struct poll_terms *t, uint32_t random, uint64_t now)
{
	p->changed = false;
	if (now < p->due)
		return POLL_WAIT;
	if (p->sent_us) {
		poll_failed(p, t, random, now);
		return POLL_GIVE_UP;
	}
	if (!t->every_us) {
		p->due = UINT64_MAX;
		return POLL_WAIT;
	}
	p->sent_us = now;
	p->due = now + t->answer_us;
	return POLL_SEND;
}

bool
poll_answered(struct poll *p, const struct poll_terms *t, bool refused, uint32_t random,
	      uint64_t now)
{
	p->changed = false;
	if (!p->sent_us)
		return false;
	p->latency_us = now - p->sent_us;
	if (refused || (t->slow_us && p->latency_us > t->slow_us))
		count_bad(p, t);
	else
		count_good(p, t);
	wait_next(p, t, random, now);
	return p->bad == 0;
}

void
poll_failed(struct poll *p, const struct poll_terms *t, uint32_t random, uint64_t now)
{
	p->latency_us = 0;
	count_bad(p, t);
	wait_next(p, t, random, now);
}
