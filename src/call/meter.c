#include "call/meter.h"

#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"
#include "policy/rate.h"

static struct rate
rate_from(const struct call_record *r)
{
	return (struct rate){.price_micro = r->price_micro, .increment_s = r->increment_s};
}

/* What n increments of this call are worth. */
static struct usage_sum
sum_of(const struct call_record *r, uint64_t n)
{
	struct rate rate = rate_from(r);

	return (struct usage_sum){.spend_micro = n * rate_step_micro(&rate),
				  .seconds =
					  r->class == CLASS_INTERNATIONAL ? n * r->increment_s : 0};
}

static struct usage_sum
max_of(const struct account *a)
{
	return (struct usage_sum){.spend_micro = a->max_spend_micro,
				  .seconds = (uint64_t)a->international_minutes * 60};
}

/* n more increments for the payer and the account above it: of both or of neither. */
static enum usage_verdict
take_steps(struct call *c, uint64_t n, bool force, uint32_t *whose)
{
	const struct snapshot_view *v = c->owner->snap;
	const struct policy_id *id[2] = {&c->rec.payer, &c->rec.payer_parent};
	struct usage_hold before = c->used[0];
	struct usage_sum more = sum_of(&c->rec, n);
	uint32_t day = usage_day(clock_wall_us());
	enum usage_verdict r = USAGE_OK;

	for (int i = 0; i < 2 && id[i]->z[0] && r == USAGE_OK; i++) {
		uint32_t a = v ? snapshot_account(v, str_from(id[i]->z)) : POLICY_NONE;
		struct usage_sum max = {0, 0};

		if (a != POLICY_NONE)
			max = max_of(&v->account[a]);
		r = usage_take(&c->owner->usage, id[i]->z, day, &more, &max, force, &c->used[i]);
		r = GUARD(A5, r == USAGE_OK) ? USAGE_OK : r;
		*whose = a;
		if (r != USAGE_OK && i == 1) { /* the payer had room: it gets it back */
			struct usage_hold part = c->used[0];

			part.sum = more;
			usage_give(&c->owner->usage, &part);
			c->used[0].sum = before.day == c->used[0].day ? before.sum
								      : (struct usage_sum){0, 0};
		}
	}
	return r;
}

static enum refusal
refusal_from(enum usage_verdict r)
{
	switch (r) {
	case USAGE_OK:
		break;
	case USAGE_SPEND:
		return REFUSAL_SPEND;
	case USAGE_MINUTES:
		return REFUSAL_MINUTES;
	case USAGE_FULL:
		return REFUSAL_NO_RECORD;
	}
	return REFUSAL_NONE;
}

/* The least of limits where 0 is none. */
static void
shorten(uint32_t *length_s, uint32_t other_s)
{
	if (other_s && (*length_s == 0 || other_s < *length_s))
		*length_s = other_s;
}

void
meter_length(struct call *c, uint32_t account, uint32_t trunk)
{
	const struct snapshot_view *v = c->owner->snap;

	for (int i = 0; i < 2 && account != POLICY_NONE; i++) {
		shorten(&c->rec.max_length_s, v->account[account].max_length_s);
		account = v->account[account].parent_row;
	}
	if (trunk != POLICY_NONE)
		shorten(&c->rec.max_length_s, v->trunk[trunk].max_length_s);
}

enum refusal
meter_begin(struct call *c, uint32_t payer, uint32_t *whose)
{
	const struct snapshot_view *v = c->owner->snap;
	struct rate rate = rate_of(v, &c->called);

	c->rec.payer = snapshot_account_id(v, payer);
	c->rec.payer_parent = snapshot_account_id(v, v->account[payer].parent_row);
	c->rec.price_micro = rate.price_micro;
	c->rec.increment_s = rate.increment_s;
	if (rate.dearest && (v->account[payer].max_spend_micro ||
			     (c->rec.payer_parent.z[0] &&
			      v->account[v->account[payer].parent_row].max_spend_micro)))
		log_warn("call.rate",
			 "id=%s account=%s to=%s: no rate covers this number; counted as the "
			 "dearest; add its prefix to rates",
			 c->rec.id.z, c->rec.payer.z, c->called.z);
	if (sum_of(&c->rec, 1).spend_micro == 0 && sum_of(&c->rec, 1).seconds == 0) {
		c->rec.increment_s = 0; /* it uses up nothing */
		return REFUSAL_NONE;
	}
	c->rec.steps = 1;
	return refusal_from(take_steps(c, 1, false, whose));
}

void
meter_answered(struct call *c)
{
	if (c->rec.increment_s)
		c->step_due = c->owner->now + (uint64_t)c->rec.increment_s * CLOCK_S;
}

static uint64_t
length_due(const struct call_record *r)
{
	return r->max_length_s && !r->exempt && r->answer_mono_us
		       ? r->answer_mono_us + (uint64_t)r->max_length_s * CLOCK_S
		       : TIMER_NEVER;
}

uint64_t
meter_next(const struct call *c)
{
	uint64_t length = length_due(&c->rec);

	if (c->m.state != B2BUA_ANSWERED && c->m.state != B2BUA_UP && (!c->host || c->rec.end_us))
		return TIMER_NEVER; /* but one that rides goes on until its host ends */
	return length < c->step_due ? length : c->step_due;
}

enum refusal
meter_due(struct call *c)
{
	enum usage_verdict r;
	uint32_t whose;

	if (length_due(&c->rec) <= c->owner->now)
		return REFUSAL_LENGTH;
	if (c->step_due > c->owner->now)
		return REFUSAL_NONE;
	r = take_steps(c, 1, false, &whose);
	if (r != USAGE_OK) {
		c->step_due = TIMER_NEVER;
		return refusal_from(r);
	}
	c->rec.steps++;
	c->step_due += (uint64_t)c->rec.increment_s * CLOCK_S;
	return REFUSAL_NONE;
}

void
meter_end(struct call *c)
{
	for (int i = 0; i < 2; i++)
		if (c->rec.answer_us)
			usage_settle(&c->owner->usage, &c->used[i]);
		else
			usage_give(&c->owner->usage, &c->used[i]);
	if (!c->rec.answer_us)
		c->rec.steps = 0;
	c->step_due = TIMER_NEVER;
}

/* Increments of a talk of this length that began today, day_us after midnight. */
static uint64_t
steps_today(const struct call_record *r, uint64_t talk_us, uint64_t day_us)
{
	struct rate rate = rate_from(r);
	uint64_t all = rate_steps(&rate, talk_us);

	return talk_us > day_us ? all - rate_steps(&rate, talk_us - day_us) : all;
}

void
meter_restore(struct call *c)
{
	struct rate rate = rate_from(&c->rec);
	uint64_t until = c->rec.end_us ? c->rec.end_mono_us : c->owner->now, talk;
	int64_t wall = clock_wall_us();
	uint32_t whose;

	if (!c->rec.increment_s || !c->rec.payer.z[0] || !c->rec.answer_us)
		return;
	talk = until > c->rec.answer_mono_us ? until - c->rec.answer_mono_us : 0;
	c->rec.steps = (uint32_t)rate_steps(&rate, talk);
	c->step_due = c->rec.answer_mono_us + (uint64_t)c->rec.steps * c->rec.increment_s * CLOCK_S;
	(void)!take_steps(c,
			  steps_today(&c->rec, talk,
				      (uint64_t)wall - (uint64_t)usage_day(wall) * 86400 * CLOCK_S),
			  true, &whose);
}
