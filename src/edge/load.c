#include "edge/load.h"

static void
forget_window(struct load *l)
{
	for (int i = 0; i < LOAD_WAYS; i++)
		l->least_us[i] = UINT64_MAX;
}

/* UINT64_MAX: no message came. */
static uint64_t
window_delay(const struct load *l)
{
	uint64_t worst = UINT64_MAX;

	for (int i = 0; i < LOAD_WAYS; i++)
		if (l->least_us[i] != UINT64_MAX && (worst == UINT64_MAX || l->least_us[i] > worst))
			worst = l->least_us[i];
	return worst;
}

void
load_init(struct load *l)
{
	*l = (struct load){.share = LOAD_ONE};
	forget_window(l);
}

/* The share after a window with this delay. */
static uint32_t
next_share(const struct load *l, uint64_t delay)
{
	int64_t now = delay < LOAD_IDLE_US ? (int64_t)delay : LOAD_IDLE_US;
	int64_t was = l->delay_us < LOAD_IDLE_US ? (int64_t)l->delay_us : LOAD_IDLE_US;
	int64_t step =
		-(LOAD_ABOVE * (now - LOAD_TARGET_US) + LOAD_GREW * (now - was)) / LOAD_TARGET_US;
	int64_t share = l->share;

	step = step < -LOAD_DOWN_MAX ? -LOAD_DOWN_MAX : step > LOAD_UP_MAX ? LOAD_UP_MAX : step;
	share += share * step / 1000;
	return share < LOAD_LEAST ? LOAD_LEAST : share > LOAD_ONE ? LOAD_ONE : (uint32_t)share;
}

static void
end_window(struct load *l, uint64_t now)
{
	uint64_t worst = window_delay(l);
	bool idle = worst == UINT64_MAX || now - l->window_end >= LOAD_IDLE_US;
	uint64_t delay = idle ? 0 : worst;
	uint32_t share = LOAD_ONE;

	l->above = delay > LOAD_TARGET_US ? l->above + 1 : 0;
	if (!idle && (l->share < LOAD_ONE || l->above >= LOAD_ENTER))
		share = next_share(l, delay);
	if (share != l->share)
		l->changed_us = now;
	l->share = share;
	l->delay_us = delay;
	forget_window(l);
	l->window_end = now + LOAD_WINDOW_US;
}

void
load_look(struct load *l, uint64_t now)
{
	if (now >= l->window_end)
		end_window(l, now);
}

void
load_note(struct load *l, enum load_way way, uint64_t delay_us, uint64_t now)
{
	load_look(l, now);
	if (delay_us < l->least_us[way])
		l->least_us[way] = delay_us;
}

unsigned
load_percent(const struct load *l)
{
	return (unsigned)(((uint64_t)(LOAD_ONE - l->share) * 100 + LOAD_ONE - 1) / LOAD_ONE);
}

uint64_t
load_refuse_again(const struct load_budget *b)
{
	return b->paid_us > LOAD_REFUSE_AHEAD_US ? b->paid_us - LOAD_REFUSE_AHEAD_US : 0;
}

bool
load_may_refuse(const struct load_budget *b, uint64_t now)
{
	return now >= load_refuse_again(b);
}

void
load_refused(struct load_budget *b, uint64_t took_us, uint64_t now)
{
	b->paid_us = (b->paid_us > now ? b->paid_us : now) + took_us * LOAD_REFUSE_PART;
}
