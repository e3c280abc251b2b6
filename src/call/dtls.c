#include "call/dtls.h"

#include "call/ice.h"
#include "call/terms.h"

/* Best first; AES-256 in counter mode has no number in RFC 5764. */
static const struct sdp_suites usual = {4,
					{SDP_SUITE_AES_CM_128_80, SDP_SUITE_AEAD_128_GCM,
					 SDP_SUITE_AEAD_256_GCM, SDP_SUITE_AES_CM_128_32}};

static bool
is_dtls(const struct sdp_local *l)
{
	return l->secure && l->form == SDP_FORM_DTLS;
}

/* Do both speak of the association that the leg has? */
static bool
goes_on(const struct call *c, enum call_leg_index i, const struct sdp_dtls *far,
	const struct sdp_dtls *own)
{
	const struct record_leg *l = &c->rec.leg[i];

	return c->leg[i].assoc && sdp_dtls_same(&l->far_dtls, far) &&
	       l->own_dtls.setup == own->setup;
}

void
dtls_own(const struct call *c, enum call_leg_index i, struct sdp_local *ours,
	 const struct sdp_dtls *far)
{
	const struct call_ops *ops = &c->owner->ops;

	ours->rtcp_mux = true;
	if (ours->dtls.print_len && (!far->setup || goes_on(c, i, far, &ours->dtls)))
		return;
	ops->do_print(ops->arg, ours->dtls.print);
	ours->dtls.print_len = CALL_PRINT_LEN;
}

void
dtls_sides(struct call *c, enum call_leg_index i, const struct sdp_stream *far,
	   const struct sdp_local *local)
{
	struct call_leg *leg = &c->leg[i];

	if (!is_dtls(local) || !far->dtls.setup || !local->dtls.setup)
		return;
	if (goes_on(c, i, &far->dtls, &local->dtls))
		return;
	leg->assoc++;
	c->rec.leg[i].keyed = 0;
	c->rec.leg[i].far_dtls = far->dtls;
	c->rec.leg[i].own_dtls = local->dtls;
}

void
dtls_forget(struct call *c, enum call_leg_index i)
{
	const struct call_ops *ops = &c->owner->ops;

	if (c->rec.leg[i].media_open && /* the slot stays, its handshake does not */
	    (c->rec.leg[i].media.flags & MEDIA_F_DTLS))
		ops->do_no_keying(ops->arg, c->rec.leg[i].media.slot);
	c->rec.leg[i].keyed = 0;
	c->leg[i].audio.local.dtls.setup = SDP_SETUP_NONE;
	c->rec.leg[i].far_dtls = (struct sdp_dtls){0};
}

void
dtls_move(struct call *c, enum call_leg_index i)
{
	c->rec.leg[i].keyed = 0;
}

bool
dtls_ask(struct call *c, enum call_leg_index i)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct record_leg *l = &c->rec.leg[i];
	struct call_keying k = {.slot = l->media.slot,
				.generation = l->media.generation,
				.assoc = c->leg[i].assoc,
				.active = l->own_dtls.setup == SDP_SETUP_ACTIVE,
				.answered = c->rec.answer_us != 0,
				.waits = ice_waits(c, i),
				.far = l->media.rtp,
				.peer = l->far_dtls,
				.suites = usual};

	if (c->rec.class != CLASS_EMERGENCY)
		k.account = l->account;
	if (!dtls_is_open(c, i) || !c->leg[i].assoc || !k.peer.print_len)
		return true;
	(void)terms_suites(c, i, &k.suites);
	return ops->do_keying(ops->arg, &k);
}

void
dtls_restore(struct call *c, enum call_leg_index i)
{
	struct call_leg *leg = &c->leg[i];
	const struct record_leg *l = &c->rec.leg[i];

	leg->assoc = l->keyed;
	leg->audio.local.dtls = l->own_dtls;
	leg->audio.local.n_crypto = 0;
	leg->audio.far.dtls = l->far_dtls;
}

bool
dtls_is_open(const struct call *c, enum call_leg_index i)
{
	const struct record_leg *l = &c->rec.leg[i];

	return is_dtls(&c->leg[i].audio.local) && !l->keyed && l->media_open;
}
