#include "call/ice.h"

#include <string.h>

#include "base/random.h"
#include "call/terms.h"
#include "rtp/stun.h"

/* Without a password there is no ICE. */
static void
make_own(const struct call *c, struct sdp_ice_own *out)
{
	const struct call_ops *ops = &c->owner->ops;

	random_token(out->ufrag, SDP_UFRAG_SIZE - 1);
	if (!ops->do_ice_pwd(ops->arg, out->ufrag, out->pwd))
		*out = (struct sdp_ice_own){0};
}

void
ice_mine(const struct call *c, enum call_leg_index i, const struct sdp_stream *far,
	 struct sdp_local *ours)
{
	if (!far->ice.on)
		ours->ice = (struct sdp_ice_own){0};
	else if (!ours->ice.ufrag[0] || c->leg[i].audio.far.ice.both != far->ice.both)
		make_own(c, &ours->ice);
}

void
ice_ask(const struct call *c, enum call_leg_index i, struct sdp_local *ours)
{
	const struct call_leg *leg = &c->leg[i];

	if (leg->agreed ? !leg->audio.far.ice.on : !terms_ice(c, i))
		ours->ice = (struct sdp_ice_own){0};
	else if (!ours->ice.ufrag[0])
		make_own(c, &ours->ice);
}

void
ice_sides(struct call *c, enum call_leg_index i, const struct sdp_stream *far)
{
	struct call_leg *leg = &c->leg[i];
	struct call_ice *ice = &leg->audio.ice;

	if (ice->peer == far->ice.ufrag)
		return;
	if (far->ice.on && leg->agreed) /* it begins anew: until it nominates, it is where it was */
		memset(ice->priority, 0, sizeof(ice->priority));
	else
		*ice = (struct call_ice){0};
	ice->peer = far->ice.ufrag;
}

void
ice_forget(struct call *c, enum call_leg_index i)
{
	c->leg[i].audio.ice = (struct call_ice){0};
	c->leg[i].audio.local.ice = (struct sdp_ice_own){0};
}

const struct sdp_ice_own *
ice_own(const struct call *c, enum call_leg_index i)
{
	const struct call_stream *st = &c->leg[i].audio;
	bool asked = !c->leg[i].agreed && c->x.open && c->x.deal && c->x.from != (uint8_t)i;
	const struct sdp_ice_own *own = asked            ? &c->x.deal->asked.ice
					: st->far.ice.on ? &st->local.ice
							 : NULL;

	return own && own->ufrag[0] ? own : NULL;
}

void
ice_command(const struct call *c, enum call_leg_index i, struct media_open *o)
{
	const struct sdp_ice_own *own = ice_own(c, i);
	const struct call_ice *ice = &c->leg[i].audio.ice;

	o->ice = own ? stun_ufrag_of(own->ufrag) : 0;
	o->flags |= own ? MEDIA_F_ICE : 0;
	if (own && ice->far[0].family)
		o->rtp = ice->far[0];
	if (own && ice->far[1].family)
		o->rtcp = ice->far[1];
}

bool
ice_waits(const struct call *c, enum call_leg_index i)
{
	const struct call_stream *st = &c->leg[i].audio;

	return ice_own(c, i) && !st->far.ice.lite && !st->ice.far[0].family;
}

void
ice_keep(struct call *c, enum call_leg_index i)
{
	const struct call_stream *st = &c->leg[i].audio;
	struct record_ice *r = &c->rec.leg[i].ice;

	*r = (struct record_ice){
		.far = st->far.ice,
		.nominated = {st->ice.far[0].family != 0, st->ice.far[1].family != 0}};
	memcpy(r->ufrag, st->local.ice.ufrag, sizeof(r->ufrag));
}

void
ice_restore(struct call *c, enum call_leg_index i)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct record_leg *l = &c->rec.leg[i];
	struct call_stream *st = &c->leg[i].audio;

	if (!l->media_open || !l->ice.ufrag[0] ||
	    !ops->do_ice_pwd(ops->arg, l->ice.ufrag, st->local.ice.pwd))
		return;
	memcpy(st->local.ice.ufrag, l->ice.ufrag, sizeof(l->ice.ufrag));
	st->far.ice = l->ice.far;
	st->ice.peer = l->ice.far.ufrag;
	if (l->ice.nominated[0])
		st->ice.far[0] = l->media.rtp;
	if (l->ice.nominated[1])
		st->ice.far[1] = l->media.rtcp;
}
