#include "call/create.h"

#include "base/clock.h"
#include "base/metric.h"
#include "call/leg.h"

struct call *
create_call(struct calls *cs, uint32_t slot)
{
	struct call *c = pool_get(&cs->pool);

	if (!c)
		return NULL;
	c->setup = pool_get(&cs->setups);
	if (!c->setup) {
		pool_put(&cs->pool, c);
		return NULL;
	}
	c->owner = cs;
	c->slot = slot;
	c->timer.on_due = cs->on_due;
	c->ok.due = c->step_due = c->ring.again.due = c->renew.at = c->rekey_at = c->mend_at =
		c->transfer.at = TIMER_NEVER;
	c->near = MEDIA_NO_SLOT;
	list_init(&c->riders);
	b2bua_init(&c->m);
	amend_init(&c->change.m);
	c->change.asking = (struct call_user){c, LEG_A, USER_ASKING};
	c->change.asked = (struct call_user){c, LEG_B, USER_ASKED};
	limit_hold_init(&c->hold);
	for (int i = 0; i < CALL_LEGS; i++) {
		c->leg[i].u_invite = (struct call_user){c, (enum call_leg_index)i, USER_INVITE};
		c->leg[i].u_bye = (struct call_user){c, (enum call_leg_index)i, USER_BYE};
	}
	list_add(&cs->live, &c->node);
	metric_set(METRIC_calls, pool_used(&cs->pool));
	return c;
}

void
create_record(struct call *c, const struct edge_source *src)
{
	const struct snapshot_view *v = c->owner->snap;
	struct record_leg *a = &c->rec.leg[LEG_A];

	c->rec.version = CALL_RECORD_VERSION;
	c->rec.size = sizeof(c->rec);
	c->rec.id = id_new(c->owner->conf.node, c->owner->conf.worker);
	c->rec.invite_us = clock_wall_us();
	a->account = snapshot_account_id(v, src->account);
	a->trunk = snapshot_trunk_id(v, src->trunk);
	a->security = v->trunk[src->trunk].security;
	a->secure = trunk_encrypts(a->security);
	leg_from_source(c, LEG_A, src);
}
