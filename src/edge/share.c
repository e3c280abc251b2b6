#include "edge/share.h"

#include <string.h>

enum {
	FADE_MAX = 32 * SHARE_FADE, /* windows without a request, after which nothing is left */
	ROUNDS = 32,                /* of share_level; each settles at least one peer */
};

void
share_init(struct share *s)
{
	memset(s, 0, sizeof(*s));
	s->level = UINT64_MAX;
}

struct share_peer *
share_of(struct share *s, uint64_t hash)
{
	return &s->peer[hash % SHARE_PEERS];
}

static void
fade_peer(struct share_peer *p)
{
	int64_t came = (int64_t)p->now * (SHARE_UNIT / SHARE_REQUEST);

	p->rate = (uint32_t)(p->rate + (came - p->rate) / SHARE_FADE);
	p->now = p->helps = 0;
}

/* A window is over: who asked for nothing lately is none of the active ones any more. */
static void
end_window(struct share *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_active; i++) {
		struct share_peer *p = &s->peer[s->active[i]];

		fade_peer(p);
		if (p->rate < SHARE_FADE)
			p->rate = p->weight = 0;
		else
			s->active[n++] = s->active[i];
	}
	s->n_active = n;
}

/* The level at which so much of what all ask for is admitted. What those below it leave goes to the
 * others, round by round. */
static uint64_t
share_level(const struct share *s, uint32_t admitted)
{
	uint64_t all = 0, level = 0, weights = 0, left, over;

	for (uint32_t i = 0; i < s->n_active; i++) {
		all += s->peer[s->active[i]].rate;
		weights += s->peer[s->active[i]].weight;
	}
	left = all * admitted / LOAD_ONE;
	for (uint32_t round = 0; round < ROUNDS && weights; round++) {
		uint64_t rest = all * admitted / LOAD_ONE;

		level = left / weights;
		over = 0;
		for (uint32_t i = 0; i < s->n_active; i++) {
			const struct share_peer *p = &s->peer[s->active[i]];

			if (p->rate <= p->weight * level)
				rest -= p->rate < rest ? p->rate : rest;
			else
				over += p->weight;
		}
		if (over == weights)
			break;
		weights = over;
		left = rest;
	}
	return weights ? level + (level == 0) : UINT64_MAX; /* some, always */
}

/* What is admitted of each in any case: nothing where those who ask for no more bring the half of
 * all, as then it is they who must ask for less. */
static uint64_t
share_floor(const struct share *s)
{
	uint64_t all = 0, within = 0;

	for (uint32_t i = 0; i < s->n_active; i++) {
		uint32_t rate = s->peer[s->active[i]].rate;

		all += rate;
		within += rate < SHARE_FLOOR ? rate : SHARE_FLOOR;
	}
	return within <= all / 2 ? SHARE_FLOOR : 0;
}

void
share_look(struct share *s, uint32_t admitted, uint64_t now)
{
	uint64_t n, level = UINT64_MAX;

	if (now < s->window_end)
		return;
	n = (now - s->window_end) / LOAD_WINDOW_US + 1;
	s->window_end += n * LOAD_WINDOW_US;
	for (uint64_t i = 0; i < n && i < FADE_MAX && s->n_active; i++)
		end_window(s);
	if (admitted < LOAD_ONE)
		level = share_level(s, admitted);
	if (level != s->level)
		s->changed_us = now;
	s->level = level;
	s->floor = share_floor(s);
}

void
share_note(struct share *s, struct share_peer *p, unsigned weight, unsigned parts)
{
	if (!p->weight)
		s->active[s->n_active++] = (uint16_t)(p - s->peer);
	p->weight = (uint16_t)weight;
	p->now += parts;
}

bool
share_helps(struct share_peer *p)
{
	return p->helps++ < SHARE_HELPS;
}

/* The part of what p asks for that is admitted. */
static uint32_t
admitted_of(const struct share *s, const struct share_peer *p)
{
	uint64_t may = s->level == UINT64_MAX ? s->level : p->weight * s->level;

	if (may < s->floor)
		may = s->floor;
	return p->rate <= may ? LOAD_ONE : (uint32_t)(may * LOAD_ONE / p->rate);
}

bool
share_sheds(const struct share *s, struct share_peer *p)
{
	uint32_t part = admitted_of(s, p);

	if (part == LOAD_ONE)
		return false;
	p->credit += part;
	if (p->credit < LOAD_ONE)
		return true;
	p->credit -= LOAD_ONE;
	return false;
}

bool
share_floods(const struct share *s, const struct share_peer *p)
{
	return admitted_of(s, p) < LOAD_ONE / SHARE_FLOOD;
}

unsigned
share_percent(const struct share *s, const struct share_peer *p)
{
	return (unsigned)(((uint64_t)(LOAD_ONE - admitted_of(s, p)) * 100 + LOAD_ONE - 1) /
			  LOAD_ONE);
}
