#include "call/join.h"

#include <string.h>

#include "base/secret.h"
#include "call/act.h"
#include "call/negotiate.h"
#include "call/pass.h"
#include "call/row.h"
#include "call/speak.h"

static const struct call_ops *
ops_of(const struct call *c)
{
	return &c->owner->ops;
}

static void
forget(struct call *c, struct edge_txn **t)
{
	if (*t)
		ops_of(c)->do_forget(ops_of(c)->arg, *t);
	*t = NULL;
}

/* Nothing of this call speaks of a leg by its place any more. */
static void
loosen(struct call *c, enum call_leg_index i)
{
	pass_end(c);
	forget(c, &c->change.out);
	forget(c, &c->change.first_out);
	if (c->ok_txn == c->leg[i].invite)
		c->ok_txn = NULL;
	negotiate_drop(c);
	row_video_free(c); /* its two parties agree anew */
	act_unhash_leg(c, i);
}

/* The leg is this call's now. */
static void
settle_in(struct call *c, enum call_leg_index i)
{
	struct call_leg *leg = &c->leg[i];
	const struct record_leg *l = &c->rec.leg[i];

	leg->u_invite = (struct call_user){c, i, USER_INVITE};
	leg->u_bye = (struct call_user){c, i, USER_BYE};
	leg->placed = true;
	if (leg->invite)
		ops_of(c)->do_set_user(ops_of(c)->arg, leg->invite, &leg->u_invite);
	if (l->media_open)
		c->owner->by_media[l->media.slot] = c;
	if (l->dialog.version)
		act_hash_leg(c, i);
}

void
join_swap(struct call *a, enum call_leg_index i, struct call *b, enum call_leg_index j)
{
	struct record_leg record;
	struct call_leg leg;

	loosen(a, i);
	loosen(b, j);
	record = a->rec.leg[i];
	a->rec.leg[i] = b->rec.leg[j];
	b->rec.leg[j] = record;
	leg = a->leg[i];
	a->leg[i] = b->leg[j];
	b->leg[j] = leg;
	secret_wipe(&leg, sizeof(leg));
	settle_in(a, i);
	settle_in(b, j);
	speak_store(a);
	speak_store(b);
}

/* Who was in this place of the host before has left: that is paid for no more. */
static void
end_payment(struct call *host, enum call_leg_index i)
{
	bool first = true;

	LIST_EACH(it, &host->riders)
	{
		struct call *r = CONTAINER_OF(it, struct call, ride);

		if (r->rec.host_leg != (uint8_t)i)
			continue;
		first = false;
		act_note_end(r, ENDER_CALLER, 200, 16, REFUSAL_NONE);
		r->step_due = TIMER_NEVER;
	}
	if (first && i == LEG_B)
		host->step_due = TIMER_NEVER;
}

void
join_ride(struct call *b, enum call_leg_index j, struct call *host, enum call_leg_index i)
{
	end_payment(host, i);
	b->host = host;
	b->rec.transfer_of = host->rec.id;
	b->rec.rides = (uint8_t)(1 + j);
	b->rec.host_leg = (uint8_t)i;
	list_add(&host->riders, &b->ride);
}

static void
link_up(struct call *rider, struct call *host)
{
	rider->host = host;
	list_add(&host->riders, &rider->ride);
	rider->owner->n_orphans--;
}

void
join_restore(struct call *c)
{
	struct calls *cs = c->owner;

	cs->n_orphans += c->rec.rides != 0;
	if (!cs->n_orphans)
		return;
	LIST_EACH(it, &cs->live)
	{
		struct call *o = CONTAINER_OF(it, struct call, node);

		if (c->rec.rides && !c->host && o != c &&
		    strcmp(o->rec.id.z, c->rec.transfer_of.z) == 0)
			link_up(c, o);
		else if (o->rec.rides && !o->host && o != c &&
			 strcmp(c->rec.id.z, o->rec.transfer_of.z) == 0)
			link_up(o, c);
	}
}

bool
join_is_orphan(const struct call *c)
{
	return c->rec.rides && !c->host;
}
