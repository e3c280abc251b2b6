#include "call/payload.h"

#include <string.h>

/* The payload type that the stream has for this codec; SDP_PT_NONE. */
static uint8_t
pt_of(const struct sdp_stream *st, uint32_t codec)
{
	for (unsigned k = 0; k < st->n_pts; k++)
		if (st->codecs[k] == codec)
			return st->pts[k];
	return SDP_PT_NONE;
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
payload_map(const struct sdp_list *told, const struct sdp_stream *far,
	    const struct sdp_stream *other, struct media_open *o)
{
	memset(&o->pts, 0, sizeof(o->pts));
	o->flags |= MEDIA_F_PTS_ALL;
	for (int changes = 1; changes >= 0; changes--) {
		for (unsigned k = 0; k < told->n; k++)
			if (pt_of(far, told->codec[k]) != SDP_PT_NONE)
				add_pt(o, told->pt[k], pt_of(other, told->codec[k]), changes);
		for (unsigned k = 0; k < far->n_pts; k++)
			if (!memchr(told->pt, far->pts[k], told->n))
				add_pt(o, far->pts[k], pt_of(other, far->codecs[k]), changes);
	}
}
