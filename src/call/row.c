#include "call/row.h"

#include <string.h>

#include "base/random.h"
#include "call/terms.h"

/* ---- ports ---- */

/* Does this trunk use the media address that the leg's port was taken for? */
static bool
has_port_of(const struct call *c, enum call_leg_index i, uint32_t trunk)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t was = snapshot_trunk(v, str_from(c->leg[i].port_of.z));

	return was == trunk || (was != POLICY_NONE && v->trunk[was].kind == v->trunk[trunk].kind &&
				str_eq(snapshot_text(v, v->trunk[was].media),
				       snapshot_text(v, v->trunk[trunk].media)));
}

/* The target before this one used another media address: nothing of it counts any more. */
static void
give_port(struct call *c, enum call_leg_index i)
{
	const struct call_ops *ops = &c->owner->ops;
	struct record_leg *l = &c->rec.leg[i];

	ops->do_close(ops->arg, l->media.slot, l->media.generation);
	ops->do_port_free(ops->arg, l->media.slot);
	c->owner->by_media[l->media.slot] = NULL;
	c->leg[i].last_in = c->leg[i].last_out = 0;
	l->media_open = 0;
}

enum refusal
row_port(struct call *c, enum call_leg_index i, uint32_t trunk)
{
	const struct call_ops *ops = &c->owner->ops;
	struct record_leg *l = &c->rec.leg[i];
	const struct record_leg *peer = &c->rec.leg[1 - i];
	struct media_open *o = &l->media;
	enum err e;

	if (l->media_open && has_port_of(c, i, trunk))
		return REFUSAL_NONE;
	if (l->media_open)
		give_port(c, i);
	memset(o, 0, sizeof(*o));
	e = ops->do_port(ops->arg, trunk, peer->media_open ? peer->media.slot : c->near,
			 c->rec.exempt, &o->slot, &o->generation, &c->leg[i].local.media);
	if (e != ERR_OK)
		return e == ERR_NOTFOUND ? REFUSAL_MEDIA_ADDRESS : REFUSAL_NO_PORTS;
	o->peer = MEDIA_NO_SLOT;
	o->ptime_ms = SDP_PTIME_DEFAULT;
	if (c->rec.class != CLASS_EMERGENCY) { /* which may be silent as long as it wants */
		o->timeout_s = c->owner->conf.media_timeout_s;
		o->timeout_lost_s = c->owner->conf.media_lost_s;
	}
	random_token(o->cname, MEDIA_CNAME_MAX - 1);
	random_bytes(&l->origin.id, sizeof(l->origin.id));
	l->origin.id &= 0x7fffffffffffu; /* some parsers hold o= in 63 bits, some in a double */
	l->shown = c->leg[i].local.media;
	l->media_open = 1;
	c->leg[i].port_of = snapshot_trunk_id(c->owner->snap, trunk);
	c->owner->by_media[o->slot] = c;
	return REFUSAL_NONE;
}

/* ---- rows ---- */

static uint32_t
leg_flags(const struct call *c, enum call_leg_index i)
{
	const struct call_leg *leg = &c->leg[i];
	const struct trunk *t = terms_trunk(c, i);
	uint32_t f = leg->far.fax ? MEDIA_F_RAW : c->rec.leg[i].secure ? MEDIA_F_SECURE : 0;

	if (leg->far.rtcp_mux && leg->local.rtcp_mux)
		f |= MEDIA_F_RTCP_MUX;
	if (leg->far.far_sends)
		f |= MEDIA_F_RECV;
	if (leg->far.far_receives)
		f |= MEDIA_F_SEND;
	if (c->rec.answer_us)
		f |= MEDIA_F_ANSWERED;
	if ((t && t->learn) || (terms_lenient(c, i) && !leg->far.rtp.family))
		f |= MEDIA_F_LEARN_CLEAR;
	if (t && t->ssrc == TRUNK_SSRC_PASS)
		f |= MEDIA_F_SSRC_PASS;
	if (t && t->roc == TRUNK_ROC_KEEP)
		f |= MEDIA_F_ROC_KEEP;
	if (t && t->roc == TRUNK_ROC_RESET)
		f |= MEDIA_F_ROC_RESET;
	return f;
}

void
row_sides(struct call *c, enum call_leg_index i, const struct sdp_stream *far,
	  const struct sdp_local *local)
{
	const struct call_ops *ops = &c->owner->ops;
	struct call_leg *leg = &c->leg[i];
	const struct sdp_key *out = &local->crypto[0].key;
	struct sdp_stream keep;
	uint32_t slot = c->rec.leg[i].media.slot;

	bool keyed = far->suite != SDP_SUITE_NONE && c->rec.leg[i].media_open;

	if (keyed && (!leg->in_serial || leg->far.suite != far->suite ||
		      !sdp_key_eq(&leg->far.key, &far->key))) {
		leg->in_serial = ++leg->last_in;
		ops->do_key(ops->arg, slot, true, leg->in_serial, &far->key);
	}
	if (keyed && (!leg->out_serial || leg->local.crypto[0].suite != local->crypto[0].suite ||
		      !sdp_key_eq(&leg->local.crypto[0].key, out))) {
		leg->out_serial = ++leg->last_out;
		ops->do_key(ops->arg, slot, false, leg->out_serial, out);
	}
	keep = leg->far;
	leg->far = *far;
	leg->local = *local;
	if (!local->secure)
		leg->in_serial = leg->out_serial = 0;
	c->rec.leg[i].secure = local->secure;
	c->rec.leg[i].form = local->form;
	if (far->disabled || far->fax) { /* it comes back under its key */
		leg->far.suite = keep.suite;
		leg->far.tag = keep.tag;
		leg->far.spelling = keep.spelling;
		leg->far.key = keep.key;
	}
	sdp_stream_wipe(&keep);
}

enum refusal
row_open(struct call *c, enum call_leg_index i)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct call_leg *leg = &c->leg[i];
	struct record_leg *l = &c->rec.leg[i], *peer = &c->rec.leg[1 - i];
	const struct trunk *t = terms_trunk(c, i);
	struct media_open *o = &l->media;

	if (!l->media_open) /* a leg that nobody is at (call/refer) */
		return REFUSAL_NONE;
	o->peer = peer->media_open ? peer->media.slot : MEDIA_NO_SLOT;
	o->flags = leg_flags(c, i) | (o->pts.n ? o->flags & MEDIA_F_PTS_ALL : 0);
	o->rtp = leg->far.rtp;
	o->rtcp = leg->far.rtcp;
	o->in_serial = leg->in_serial;
	o->out_serial = leg->out_serial;
	o->in_suite = leg->in_serial ? (uint8_t)leg->far.suite : 0;
	o->out_suite = leg->out_serial ? (uint8_t)leg->local.crypto[0].suite : 0;
	l->in_suite = o->in_suite;
	l->out_suite = o->out_suite;
	l->out_tag = leg->local.crypto[0].tag;
	l->out_spelling = leg->local.crypto[0].spelling;
	if (t)
		o->dscp = t->dscp == TRUNK_DSCP_KEEP ? MEDIA_DSCP_KEEP : t->dscp;
	o->clock_rate = leg->far.clock;
	if (leg->far.ptime)
		o->ptime_ms = (uint8_t)(leg->far.ptime > 255 ? 255 : leg->far.ptime);
	return ops->do_open(ops->arg, o, c->rec.exempt) == ERR_OK ? REFUSAL_NONE
								  : REFUSAL_MEDIA_BUSY;
}

enum refusal
row_answered(struct call *c)
{
	enum refusal r = row_open(c, LEG_B);

	return r == REFUSAL_NONE ? row_open(c, LEG_A) : r;
}

/* Our line of a=crypto on a leg of an earlier life. Without its key the next offer has a new one.
 */
static void
restore_line(struct call *c, enum call_leg_index i)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct record_leg *l = &c->rec.leg[i];
	struct sdp_local *local = &c->leg[i].local;
	struct sdp_line *line = &local->crypto[0];

	if (!l->out_suite || ops->do_key_of(ops->arg, l->media.slot, false, l->media.out_serial,
					    (enum sdp_suite)l->out_suite, &line->key) != ERR_OK)
		return;
	line->tag = l->out_tag;
	line->suite = (enum sdp_suite)l->out_suite;
	line->spelling = l->out_spelling;
	local->n_crypto = 1;
}

void
row_restore(struct call *c)
{
	const struct call_ops *ops = &c->owner->ops;

	for (int i = 0; i < CALL_LEGS; i++) {
		struct record_leg *l = &c->rec.leg[i];
		struct call_leg *leg = &c->leg[i];

		leg->last_in = leg->in_serial = l->media.in_serial;
		leg->last_out = leg->out_serial = l->media.out_serial;
		leg->agreed = c->rec.answer_us != 0;
		leg->local.media = l->shown;
		leg->local.secure = l->secure;
		leg->local.form = l->form;
		leg->far.clock = l->media.clock_rate;
		leg->far.telephone_event_pt = SDP_PT_NONE;
		leg->far.fax = l->media.flags & MEDIA_F_RAW;
		if (!l->media_open || !l->secure)
			continue;
		restore_line(c, (enum call_leg_index)i);
		if (l->in_suite &&
		    ops->do_key_of(ops->arg, l->media.slot, true, leg->in_serial,
				   (enum sdp_suite)l->in_suite, &leg->far.key) == ERR_OK)
			leg->far.suite = (enum sdp_suite)l->in_suite;
	}
}

void
row_close(struct call *c)
{
	const struct call_ops *ops = &c->owner->ops;

	if (c->media_closing)
		return;
	c->media_closing = true;
	for (int i = 0; i < CALL_LEGS; i++) {
		struct record_leg *l = &c->rec.leg[i];

		if (l->media_open)
			ops->do_close(ops->arg, l->media.slot, l->media.generation);
		else
			l->stats_final = 1;
	}
}
