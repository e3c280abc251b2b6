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
	c->leg[i].audio.last_in = c->leg[i].audio.last_out = 0;
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
			 c->rec.exempt, &o->slot, &o->generation, &c->leg[i].audio.local.media);
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
	l->shown = c->leg[i].audio.local.media;
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
	uint32_t f = leg->audio.far.fax ? MEDIA_F_RAW : c->rec.leg[i].secure ? MEDIA_F_SECURE : 0;

	if (leg->audio.far.rtcp_mux && leg->audio.local.rtcp_mux)
		f |= MEDIA_F_RTCP_MUX;
	if (leg->audio.far.far_sends)
		f |= MEDIA_F_RECV;
	if (leg->audio.far.far_receives)
		f |= MEDIA_F_SEND;
	if (c->rec.answer_us)
		f |= MEDIA_F_ANSWERED;
	if ((t && t->learn) || (terms_lenient(c, i) && !leg->audio.far.rtp.family))
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

	if (keyed && (!leg->audio.in_serial || leg->audio.far.suite != far->suite ||
		      !sdp_key_eq(&leg->audio.far.key, &far->key))) {
		leg->audio.in_serial = ++leg->audio.last_in;
		ops->do_key(ops->arg, slot, true, leg->audio.in_serial, &far->key);
	}
	if (keyed &&
	    (!leg->audio.out_serial || leg->audio.local.crypto[0].suite != local->crypto[0].suite ||
	     !sdp_key_eq(&leg->audio.local.crypto[0].key, out))) {
		leg->audio.out_serial = ++leg->audio.last_out;
		ops->do_key(ops->arg, slot, false, leg->audio.out_serial, out);
	}
	keep = leg->audio.far;
	leg->audio.far = *far;
	leg->audio.local = *local;
	if (!local->secure)
		leg->audio.in_serial = leg->audio.out_serial = 0;
	c->rec.leg[i].secure = local->secure;
	c->rec.leg[i].form = local->form;
	if (far->disabled || far->fax) { /* it comes back under its key */
		leg->audio.far.suite = keep.suite;
		leg->audio.far.tag = keep.tag;
		leg->audio.far.spelling = keep.spelling;
		leg->audio.far.key = keep.key;
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
	o->rtp = leg->audio.far.rtp;
	o->rtcp = leg->audio.far.rtcp;
	o->in_serial = leg->audio.in_serial;
	o->out_serial = leg->audio.out_serial;
	o->in_suite = leg->audio.in_serial ? (uint8_t)leg->audio.far.suite : 0;
	o->out_suite = leg->audio.out_serial ? (uint8_t)leg->audio.local.crypto[0].suite : 0;
	l->in_suite = o->in_suite;
	l->out_suite = o->out_suite;
	l->out_tag = leg->audio.local.crypto[0].tag;
	l->out_spelling = leg->audio.local.crypto[0].spelling;
	if (t)
		o->dscp = t->dscp == TRUNK_DSCP_KEEP ? MEDIA_DSCP_KEEP : t->dscp;
	o->clock_rate = leg->audio.far.clock;
	if (leg->audio.far.ptime)
		o->ptime_ms = (uint8_t)(leg->audio.far.ptime > 255 ? 255 : leg->audio.far.ptime);
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
	struct sdp_local *local = &c->leg[i].audio.local;
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

		leg->audio.last_in = leg->audio.in_serial = l->media.in_serial;
		leg->audio.last_out = leg->audio.out_serial = l->media.out_serial;
		leg->agreed = c->rec.answer_us != 0;
		leg->audio.local.media = l->shown;
		leg->audio.local.secure = l->secure;
		leg->audio.local.form = l->form;
		leg->audio.far.clock = l->media.clock_rate;
		leg->audio.far.telephone_event_pt = SDP_PT_NONE;
		leg->audio.far.fax = l->media.flags & MEDIA_F_RAW;
		if (!l->media_open || !l->secure)
			continue;
		restore_line(c, (enum call_leg_index)i);
		if (l->in_suite &&
		    ops->do_key_of(ops->arg, l->media.slot, true, leg->audio.in_serial,
				   (enum sdp_suite)l->in_suite, &leg->audio.far.key) == ERR_OK)
			leg->audio.far.suite = (enum sdp_suite)l->in_suite;
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
