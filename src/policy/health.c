#include "policy/health.h"

#include "base/mem.h"

enum { TRIPS_MAX = 5 /* doublings that change anything */ };

static void
tell_change(const struct health *h, const struct health_row *r, bool up, const char *why)
{
	if (h->on_change)
		h->on_change(h->arg, &r->trunk, up, why);
}

static bool
is_out(const struct health_row *r)
{
	return r->down || r->deaf;
}

static void
drop_rows(struct health *h)
{
	mem_free(h->row);
	mem_free(h->flags);
	h->row = NULL;
	h->flags = NULL;
	h->n = 0;
}

void
health_fini(struct health *h)
{
	drop_rows(h);
}

/* What is known of a carrier goes on with it; who is no more in use is not down either. */
static void
move_row(struct health *h, const struct health_row *r, struct health *new,
	 const struct snapshot_view *v)
{
	uint32_t i = v ? snapshot_trunk(v, str_from(r->trunk.z)) : POLICY_NONE;

	if (i != POLICY_NONE && i >= v->first_carrier && v->trunk[i].enabled)
		new->row[i - v->first_carrier] = *r;
	else if (is_out(r))
		tell_change(h, r, true, "");
}

enum err
health_on_snapshot(struct health *h, const struct snapshot_view *v)
{
	struct health new = {.arg = h->arg, .on_change = h->on_change};
	uint32_t n = v ? v->n_trunks - v->first_carrier : 0;

	new.row = mem_zalloc((size_t)n + 1, sizeof(*new.row));
	new.flags = mem_zalloc((size_t)n + 1, sizeof(*new.flags));
	if (!new.row || !new.flags) {
		drop_rows(&new);
		v = NULL; /* all that are down are told as up */
	}
	for (uint32_t i = 0; i < h->n; i++)
		if (is_out(&h->row[i]) || h->row[i].failures)
			move_row(h, &h->row[i], &new, v);
	drop_rows(h);
	if (!new.row)
		return ERR_NOMEM;
	new.n = n;
	for (uint32_t i = 0; i < n; i++)
		new.row[i].trunk = snapshot_trunk_id(v, v->first_carrier + i);
	*h = new;
	return ERR_OK;
}

const uint8_t *
health_down(struct health *h, uint64_t now)
{
	bool any = false;

	for (uint32_t i = 0; i < h->n; i++) {
		h->flags[i] = h->row[i].deaf || (h->row[i].down && now < h->row[i].until);
		any |= h->flags[i];
	}
	return any ? h->flags : NULL;
}

void
health_tried(struct health *h, uint32_t carrier, uint64_t now)
{
	if (carrier < h->n && h->row[carrier].down && now >= h->row[carrier].until)
		h->row[carrier].until = now + HEALTH_TRY_US;
}

void
health_failed(struct health *h, uint32_t carrier, const char *why, uint32_t random, uint64_t now)
{
	struct health_row *r;
	uint64_t wait;
	bool first;

	if (carrier >= h->n)
		return;
	r = &h->row[carrier];
	r->failures++;
	if (!r->down && r->failures < HEALTH_FAILURES)
		return;
	first = !is_out(r);
	wait = (uint64_t)HEALTH_DOWN_US << (r->trips < TRIPS_MAX ? r->trips : TRIPS_MAX);
	if (wait > HEALTH_DOWN_MAX_US)
		wait = HEALTH_DOWN_MAX_US;
	r->down = true;
	r->trips++;
	r->until = now + wait / 2 + random % (wait / 2 + 1); /* not all nodes at once */
	if (first)
		tell_change(h, r, false, why);
}

void
health_worked(struct health *h, uint32_t carrier)
{
	struct health_row *r;

	if (carrier >= h->n)
		return;
	r = &h->row[carrier];
	r->failures = r->trips = 0;
	if (!is_out(r))
		return;
	r->down = r->deaf = false;
	r->until = 0;
	tell_change(h, r, true, "");
}

void
health_polled(struct health *h, uint32_t carrier, bool up, const char *why)
{
	struct health_row *r;
	bool was;

	if (carrier >= h->n)
		return;
	r = &h->row[carrier];
	was = is_out(r);
	r->deaf = !up;
	if (up)
		r->until = 0;
	if (is_out(r) != was)
		tell_change(h, r, !is_out(r), why);
}
