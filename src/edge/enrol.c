#include "edge/enrol.h"

enum { S = 1000000, DOUBLINGS = 8, REFRESH_PART = 10 };

const char *
enrol_state_name(uint8_t s)
{
	static const char *const names[] = {[ENROL_TRYING] = "trying",
					    [ENROL_THERE] = "registered",
					    [ENROL_LOST] = "lost",
					    [ENROL_LEAVING] = "leaving",
					    [ENROL_LEFT] = "left"};

	return s < sizeof(names) / sizeof(names[0]) ? names[s] : "?";
}

static void
set_state(struct enrol *r, enum enrol_state s)
{
	r->changed = r->state != s;
	r->state = (uint8_t)s;
}

void
enrol_begin(struct enrol *r, uint32_t want_s, uint32_t random, uint64_t now)
{
	*r = (struct enrol){.want_s = want_s, .due = now + random % ENROL_FIRST_US};
}

/* Half to all of the time that doubles with each failure. */
static uint64_t
again_us(uint32_t failures, uint32_t random)
{
	uint64_t us = (uint64_t)ENROL_AGAIN_US << (failures < DOUBLINGS ? failures : DOUBLINGS);

	if (us > ENROL_AGAIN_MAX_US)
		us = ENROL_AGAIN_MAX_US;
	return us / 2 + random % (us / 2 + 1);
}

/* Its time may be over meanwhile. */
static void
fail_try(struct enrol *r, uint64_t least_us, uint32_t random, uint64_t now)
{
	uint64_t us = again_us(r->failures, random);

	r->out = r->raised = false;
	r->changed = false;
	if (r->state == ENROL_LEAVING) {
		set_state(r, ENROL_LEFT);
		r->due = UINT64_MAX;
		return;
	}
	if (r->failures < UINT32_MAX)
		r->failures++;
	r->due = now + (us > least_us ? us : least_us);
	if (r->until && now < r->until) {
		if (r->due > r->until)
			r->due = r->until; /* to say that it is lost, and try then */
		return;
	}
	r->until = 0;
	set_state(r, ENROL_LOST);
}

void
enrol_failed(struct enrol *r, uint32_t random, uint64_t now)
{
	fail_try(r, 0, random, now);
}

static void
take_grant(struct enrol *r, uint32_t granted_s, uint32_t random, uint64_t now)
{
	uint64_t us = (uint64_t)granted_s * S, tenth = us / REFRESH_PART, margin = tenth;

	r->out = r->raised = false;
	r->failures = 0;
	r->until = now + us;
	if (margin < ENROL_MARGIN_US)
		margin = us / 2 < ENROL_MARGIN_US ? us / 2 : ENROL_MARGIN_US;
	r->due = r->until - margin - random % (tenth + 1);
	set_state(r, ENROL_THERE);
}

void
enrol_answered(struct enrol *r, const struct enrol_answer *a, uint32_t random, uint64_t now)
{
	uint64_t least = (uint64_t)a->retry_s * S;

	r->changed = false;
	if (!r->out)
		return;
	if (r->state == ENROL_LEAVING) {
		fail_try(r, 0, random, now);
		return;
	}
	if (a->status >= 200 && a->status < 300 && a->granted_s) {
		take_grant(r, a->granted_s, random, now);
		return;
	}
	if (a->status == 423 && !r->raised && a->min_s > r->want_s && a->min_s <= ENROL_MAX_S) {
		r->want_s = a->min_s;
		r->raised = true;
		r->out = false;
		r->due = now;
		return;
	}
	if (least > ENROL_AGAIN_MAX_US)
		least = ENROL_AGAIN_MAX_US;
	if (a->status / 100 != 5 && a->status != 408 && a->status != 480 &&
	    least < ENROL_REFUSED_US)
		least = ENROL_REFUSED_US;
	fail_try(r, least, random, now);
}

void
enrol_leave(struct enrol *r, uint64_t now)
{
	r->changed = false;
	if (r->state == ENROL_LEAVING || r->state == ENROL_LEFT)
		return;
	/* what is out may have made one */
	set_state(r, r->until || r->out ? ENROL_LEAVING : ENROL_LEFT);
	r->out = false;
	r->due = r->state == ENROL_LEAVING ? now : UINT64_MAX;
}

enum enrol_do
enrol_step(struct enrol *r, uint32_t random, uint64_t now)
{
	r->changed = false;
	if (now < r->due)
		return ENROL_WAIT;
	if (r->out) {
		fail_try(r, 0, random, now);
		return ENROL_GIVE_UP;
	}
	switch ((enum enrol_state)r->state) {
	case ENROL_LEFT:
		r->due = UINT64_MAX;
		return ENROL_WAIT;
	case ENROL_LEAVING:
		r->out = true;
		r->due = now + ENROL_LEAVE_US;
		return ENROL_REMOVE;
	case ENROL_THERE:
		if (now >= r->until) { /* each refresh failed */
			r->until = 0;
			set_state(r, ENROL_LOST);
		}
		break;
	case ENROL_TRYING:
	case ENROL_LOST:
		break;
	}
	r->out = true;
	r->due = now + ENROL_ANSWER_US;
	return ENROL_SEND;
}
