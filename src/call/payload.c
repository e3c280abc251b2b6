#include "call/payload.h"

#include <string.h>

#include "call/terms.h"

enum {
	EVENT_CLOCK = 8000, /* of sdp_codec_event */
	EVENT_PT = 101,     /* as nearly everybody has it */
};

/* The payload type that the stream has for this codec; SDP_PT_NONE. */
static uint8_t
pt_of(const struct sdp_stream *st, uint32_t codec)
{
	for (unsigned k = 0; k < st->n_pts; k++)
		if (st->codecs[k] == codec)
			return st->pts[k];
	return SDP_PT_NONE;
}

/* The same on the other leg. */
static uint8_t
becomes(const struct sdp_stream *other, uint32_t codec, bool digits)
{
	if (digits && sdp_codec_same(codec, sdp_codec_event()))
		return MEDIA_PT_DIGIT;
	return pt_of(other, codec);
}

/* The payload type of events at the clock of its audio; 0: it takes none. */
static uint8_t
event_pt(const struct sdp_stream *far)
{
	for (unsigned k = 0; k < far->n_pts && far->clock == EVENT_CLOCK; k++)
		if (sdp_codec_same(far->codecs[k], sdp_codec_event()))
			return far->pts[k];
	return 0;
}

static void
add_pt(struct media_open *o, uint8_t from, uint8_t to, bool changes)
{
	struct media_pts *m = &o->pts;

	if (to == SDP_PT_NONE || (from != to) != changes || memchr(m->from, from, m->n))
		return;
	if (m->n == MEDIA_PTS) {
		o->flags &= ~(uint32_t)MEDIA_F_PTS_ALL;
		return;
	}
	m->from[m->n] = from;
	m->to[m->n++] = to;
}

void
payload_settle(struct call *c, enum call_leg_index i, const struct sdp_list *told,
	       const struct sdp_stream *other)
{
	const struct sdp_stream *far = &c->leg[i].audio.far;
	struct media_open *o = &c->rec.leg[i].media;
	bool digits = leg_wants_info(c, (enum call_leg_index)(1 - i));

	memset(&o->pts, 0, sizeof(o->pts));
	o->flags |= MEDIA_F_PTS_ALL;
	for (int changes = 1; changes >= 0; changes--) {
		for (unsigned k = 0; k < told->n; k++)
			if (pt_of(far, told->codec[k]) != SDP_PT_NONE)
				add_pt(o, told->pt[k], becomes(other, told->codec[k], digits),
				       changes);
		for (unsigned k = 0; k < far->n_pts; k++)
			if (!memchr(told->pt, far->pts[k], told->n))
				add_pt(o, far->pts[k], becomes(other, far->codecs[k], digits),
				       changes);
	}
	o->event = leg_wants_events(c, i) ? event_pt(far) : 0;
}

void
payload_offer(struct call *c, enum call_leg_index to, struct sdp_list *l)
{
	uint8_t pt = terms_events(c, to);

	if (leg_wants_info(c, to))
		sdp_list_drop_event(l);
	else if (leg_wants_info(c, (enum call_leg_index)(1 - to)))
		sdp_list_add_event(l, &c->rec.leg[to].numbers, pt ? pt : EVENT_PT);
}

void
payload_answer(struct call *c, struct sdp_list *l)
{
	enum call_leg_index i = (enum call_leg_index)c->x.from;
	uint8_t pt = event_pt(&c->x.deal->far);

	if (leg_wants_info(c, i))
		sdp_list_drop_event(l);
	if (!pt || !leg_wants_info(c, (enum call_leg_index)(1 - i)))
		return;
	sdp_numbers_learn(&c->rec.leg[i].numbers, sdp_codec_event(), pt);
	sdp_list_add_event(l, &c->rec.leg[i].numbers, pt);
}
