#include "call/row.h"

#include <string.h>

#include "base/random.h"
#include "base/secret.h"
#include "call/dtls.h"
#include "call/ice.h"
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
		return e == ERR_NOTFOUND ? REFUSAL_MEDIA_ADDRESS
		       : e == ERR_AGAIN  ? REFUSAL_PORT_SHARE
					 : REFUSAL_NO_PORTS;
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

bool
row_names_us(const struct call *c, const struct sdp_stream *far)
{
	const struct media_plan *p = c->owner->conf.plan;
	const struct addr *named[] = {&far->rtp, &far->rtcp};

	for (size_t k = 0; k < ARRAY_LEN(named); k++)
		for (uint32_t i = 0; p && i < p->n_addrs; i++)
			if (named[k]->port >= p->port_min && named[k]->port <= p->port_max &&
			    (addr_ip_eq(named[k], &p->bound[i]) ||
			     addr_ip_eq(named[k], &p->advertised[i])))
				return true;
	return false;
}

/* ---- video ---- */

/* Was media told of its row? */
static bool
is_started(const struct record_video *v)
{
	return v->open && v->media.peer != MEDIA_NO_SLOT;
}

static void
count_video(struct record_video *v, const struct media_stats *s)
{
	v->in_packets += s->in_packets;
	v->out_packets += s->out_packets;
	v->final = 1;
}

/* One leg's port. */
static bool
take_video_port(struct call *c, enum call_leg_index i)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct snapshot_view *v = c->owner->snap;
	struct record_leg *l = &c->rec.leg[i];
	uint32_t trunk = v ? snapshot_trunk(v, str_from(l->trunk.z)) : POLICY_NONE;
	struct media_open *o = &l->video.media;
	struct addr *shown = &c->video->leg[i].local.media;

	if (trunk == POLICY_NONE || !l->media_open ||
	    ops->do_port(ops->arg, trunk, l->media.slot, false, &o->slot, &o->generation, shown) !=
		    ERR_OK)
		return false;
	o->peer = MEDIA_NO_SLOT;
	o->ptime_ms = SDP_PTIME_DEFAULT;
	memcpy(o->cname, l->media.cname,
	       sizeof(o->cname)); /* one source of both (RFC 3550 6.5.1) */
	l->video.port = shown->port;
	l->video.open = 1;
	l->video.final = 0;
	c->owner->by_media[o->slot] = c;
	return true;
}

bool
row_video_ports(struct call *c)
{
	if (c->video)
		return true;
	c->video = pool_get(&c->owner->videos);
	if (c->video && take_video_port(c, LEG_A) && take_video_port(c, LEG_B))
		return true;
	row_video_free(c);
	return false;
}

void
row_video_closed(struct call *c, enum call_leg_index i, const struct media_stats *s)
{
	count_video(&c->rec.leg[i].video, s);
}

void
row_video_free(struct call *c)
{
	const struct call_ops *ops = &c->owner->ops;

	for (int i = 0; i < CALL_LEGS; i++) {
		struct record_video *v = &c->rec.leg[i].video;
		struct media_stats last = {0};

		if (!v->open)
			continue;
		if (is_started(v) && !v->final) {
			ops->do_stats(ops->arg, v->media.slot, v->media.generation, &last);
			count_video(v, &last);
		}
		if (is_started(v) && !c->media_closing)
			ops->do_close(ops->arg, v->media.slot, v->media.generation);
		ops->do_port_free(ops->arg, v->media.slot);
		c->owner->by_media[v->media.slot] = NULL;
		v->media = (struct media_open){.peer = MEDIA_NO_SLOT};
		v->open = 0;
	}
	c->rec.video_on = 0;
	if (!c->video)
		return;
	secret_wipe(c->video, sizeof(*c->video));
	pool_put(&c->owner->videos, c->video);
	c->video = NULL;
}

/* ---- rows ---- */

/* Do its keys come by DTLS? While our offer is out, as that says: the far end may begin before we
 * have read its answer (RFC 5763 5). */
static bool
is_dtls(const struct call *c, enum call_leg_index i, const struct call_stream *st)
{
	bool asked = st == &c->leg[i].audio && !c->leg[i].agreed && c->x.open && c->x.deal &&
		     c->x.from != (uint8_t)i;

	return c->rec.leg[i].secure && !st->far.fax &&
	       (asked ? c->x.deal->asked.form : st->local.form) == SDP_FORM_DTLS;
}

static uint32_t
row_flags(const struct call *c, enum call_leg_index i, const struct call_stream *st)
{
	const struct trunk *t = terms_trunk(c, i);
	bool on = st == &c->leg[i].audio || c->rec.video_on;
	uint32_t f = st->far.fax ? MEDIA_F_RAW : c->rec.leg[i].secure ? MEDIA_F_SECURE : 0;

	if (st->far.rtcp_mux && st->local.rtcp_mux)
		f |= MEDIA_F_RTCP_MUX;
	if (st->far.far_sends && on)
		f |= MEDIA_F_RECV;
	if (st->far.far_receives && on)
		f |= MEDIA_F_SEND;
	if (c->rec.answer_us)
		f |= MEDIA_F_ANSWERED;
	if ((t && t->learn) || (terms_lenient(c, i) && !st->far.rtp.family))
		f |= MEDIA_F_LEARN_CLEAR;
	if (t && t->ssrc == TRUNK_SSRC_PASS)
		f |= MEDIA_F_SSRC_PASS;
	if (is_dtls(c, i, st))
		f |= MEDIA_F_DTLS; /* what T.38 sends may begin as DTLS does */
	if (t && t->roc == TRUNK_ROC_KEEP)
		f |= MEDIA_F_ROC_KEEP;
	if (t && t->roc == TRUNK_ROC_RESET)
		f |= MEDIA_F_ROC_RESET;
	return f;
}

/* Both sides of a stream that has this row, or NULL where it has none. */
static void
take_sides(const struct call *c, struct call_stream *st, const struct media_open *o,
	   const struct sdp_stream *far, const struct sdp_local *local)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct sdp_key *out = &local->crypto[0].key;
	bool keyed = far->suite != SDP_SUITE_NONE && o;

	if (keyed && (!st->in_serial || st->far.suite != far->suite ||
		      !sdp_key_eq(&st->far.key, &far->key))) {
		st->in_serial = ++st->last_in;
		ops->do_key(ops->arg, o->slot, true, st->in_serial, &far->key);
	}
	if (keyed && (!st->out_serial || st->local.crypto[0].suite != local->crypto[0].suite ||
		      !sdp_key_eq(&st->local.crypto[0].key, out))) {
		st->out_serial = ++st->last_out;
		ops->do_key(ops->arg, o->slot, false, st->out_serial, out);
	}
	st->far = *far;
	st->local = *local;
	if (!local->secure)
		st->in_serial = st->out_serial = 0;
}

void
row_sides(struct call *c, enum call_leg_index i, const struct sdp_stream *far,
	  const struct sdp_local *local)
{
	struct call_stream *st = &c->leg[i].audio;
	struct sdp_stream keep = st->far;
	struct sdp_line line = st->local.crypto[0];
	bool dtls = local->secure && local->form == SDP_FORM_DTLS; /* keys come by themselves */
	bool keys = c->rec.leg[i].media_open && !dtls;

	take_sides(c, st, keys ? &c->rec.leg[i].media : NULL, far, local);
	if (dtls)
		st->local.crypto[0] = line;
	c->rec.leg[i].secure = local->secure;
	c->rec.leg[i].form = local->form;
	if (dtls || far->disabled || far->fax) { /* it comes back under its key */
		st->far.suite = keep.suite;
		st->far.tag = keep.tag;
		st->far.spelling = keep.spelling;
		st->far.key = keep.key;
	}
	sdp_stream_wipe(&keep);
	secret_wipe(&line, sizeof(line));
}

void
row_video_sides(struct call *c, enum call_leg_index i, const struct sdp_stream *far,
		const struct sdp_local *local)
{
	take_sides(c, &c->video->leg[i], &c->rec.leg[i].video.media, far, local);
	c->rec.leg[i].video.was = 1;
}

/* What the row of a stream shall be. */
static enum refusal
command(struct call *c, enum call_leg_index i, const struct call_stream *st, uint32_t peer,
	struct media_open *o)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct trunk *t = terms_trunk(c, i);

	o->peer = peer;
	o->flags = row_flags(c, i, st) | (o->pts.n ? o->flags & MEDIA_F_PTS_ALL : 0);
	o->rtp = st->far.rtp;
	o->rtcp = st->far.rtcp;
	if (st == &c->leg[i].audio)
		ice_command(c, i, o);
	o->in_serial = st->in_serial;
	o->out_serial = st->out_serial;
	o->in_suite = st->in_serial ? (uint8_t)st->far.suite : 0;
	o->out_suite = st->out_serial ? (uint8_t)st->local.crypto[0].suite : 0;
	if (t)
		o->dscp = t->dscp == TRUNK_DSCP_KEEP ? MEDIA_DSCP_KEEP : t->dscp;
	o->clock_rate = st->far.clock;
	if (st->far.ptime)
		o->ptime_ms = (uint8_t)(st->far.ptime > 255 ? 255 : st->far.ptime);
	return ops->do_open(ops->arg, o, c->rec.exempt) == ERR_OK ? REFUSAL_NONE
								  : REFUSAL_MEDIA_BUSY;
}

/* Its video: relayed, or after that no more. */
static enum refusal
open_video(struct call *c, enum call_leg_index i)
{
	const struct record_video *peer = &c->rec.leg[1 - i].video;
	struct record_video *v = &c->rec.leg[i].video;
	const struct call_stream *st = c->video ? &c->video->leg[i] : NULL;

	if (!st || (!c->rec.video_on && !is_started(v)))
		return REFUSAL_NONE;
	v->in_suite = (uint8_t)st->far.suite;
	v->out_suite = st->out_serial ? (uint8_t)st->local.crypto[0].suite : 0;
	v->out_tag = st->local.crypto[0].tag;
	v->out_spelling = st->local.crypto[0].spelling;
	return command(c, i, st, peer->media.slot, &v->media);
}

enum refusal
row_open(struct call *c, enum call_leg_index i)
{
	const struct call_stream *st = &c->leg[i].audio;
	struct record_leg *l = &c->rec.leg[i], *peer = &c->rec.leg[1 - i];
	enum refusal r;

	if (!l->media_open) /* a leg that nobody is at (call/refer) */
		return REFUSAL_NONE;
	r = command(c, i, st, peer->media_open ? peer->media.slot : MEDIA_NO_SLOT, &l->media);
	l->in_suite = l->media.in_suite;
	l->out_suite = l->media.out_suite;
	l->out_tag = st->local.crypto[0].tag;
	l->out_spelling = st->local.crypto[0].spelling;
	ice_keep(c, i);
	if (r == REFUSAL_NONE && !dtls_ask(c, i))
		r = REFUSAL_MEDIA_BUSY;
	return r == REFUSAL_NONE ? open_video(c, i) : r;
}

enum refusal
row_answered(struct call *c)
{
	enum refusal r = row_open(c, LEG_B);

	return r == REFUSAL_NONE ? row_open(c, LEG_A) : r;
}

/* ---- after a restart ---- */

/* Our line of a=crypto on a leg of an earlier life, what of it stands in the record. Without its
 * key the next offer has a new one. */
static void
restore_line(const struct call *c, struct call_stream *st, const struct media_open *o,
	     const struct sdp_line *known)
{
	const struct call_ops *ops = &c->owner->ops;
	struct sdp_line *line = &st->local.crypto[0];

	if (known->suite == SDP_SUITE_NONE ||
	    ops->do_key_of(ops->arg, o->slot, false, o->out_serial, known->suite, &line->key) !=
		    ERR_OK)
		return;
	line->tag = known->tag;
	line->suite = known->suite;
	line->spelling = known->spelling;
	st->local.n_crypto = 1;
}

/* A stream with this row on a leg of an earlier life; ours: what stands in the record of our line.
 */
static void
restore_stream(const struct call *c, enum call_leg_index i, struct call_stream *st,
	       const struct media_open *o, const struct sdp_line *ours)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct record_leg *l = &c->rec.leg[i];

	st->last_in = st->in_serial = o->in_serial;
	st->last_out = st->out_serial = o->out_serial;
	st->local.secure = l->secure;
	st->local.form = l->form;
	st->far.clock = o->clock_rate;
	st->far.telephone_event_pt = SDP_PT_NONE;
	if (!l->secure || !l->media_open)
		return;
	restore_line(c, st, o, ours);
	if (o->in_suite && ops->do_key_of(ops->arg, o->slot, true, st->in_serial,
					  (enum sdp_suite)o->in_suite, &st->far.key) == ERR_OK)
		st->far.suite = (enum sdp_suite)o->in_suite;
}

static void
restore_video(struct call *c)
{
	bool whole =
		c->rec.video_on && c->rec.leg[LEG_A].video.open && c->rec.leg[LEG_B].video.open;

	if (whole)
		c->video = pool_get(&c->owner->videos);
	for (int i = 0; c->video && i < CALL_LEGS; i++) {
		const struct record_video *v = &c->rec.leg[i].video;
		struct call_stream *st = &c->video->leg[i];

		restore_stream(c, (enum call_leg_index)i, st, &v->media,
			       &(struct sdp_line){.tag = v->out_tag,
						  .suite = (enum sdp_suite)v->out_suite,
						  .spelling = v->out_spelling});
		st->local.media = c->rec.leg[i].shown;
		st->local.media.port = v->port;
	}
	if (!c->video)
		row_video_free(c);
}

void
row_restore(struct call *c)
{
	for (int i = 0; i < CALL_LEGS; i++) {
		struct record_leg *l = &c->rec.leg[i];
		struct call_leg *leg = &c->leg[i];

		restore_stream(c, (enum call_leg_index)i, &leg->audio, &l->media,
			       &(struct sdp_line){.tag = l->out_tag,
						  .suite = (enum sdp_suite)l->out_suite,
						  .spelling = l->out_spelling});
		leg->agreed = c->rec.answer_us != 0;
		leg->audio.local.media = l->shown;
		leg->audio.far.fax = l->media.flags & MEDIA_F_RAW;
		if (l->media_open && l->secure && l->form == SDP_FORM_DTLS)
			dtls_restore(c, (enum call_leg_index)i);
		ice_restore(c, (enum call_leg_index)i);
	}
	restore_video(c);
}

/* ---- the end ---- */

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
		if (is_started(&l->video))
			ops->do_close(ops->arg, l->video.media.slot, l->video.media.generation);
	}
}

bool
row_is_final(const struct call *c)
{
	for (int i = 0; i < CALL_LEGS; i++) {
		const struct record_leg *l = &c->rec.leg[i];

		if (!l->stats_final || (is_started(&l->video) && !l->video.final))
			return false;
	}
	return true;
}
