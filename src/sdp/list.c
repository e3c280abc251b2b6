#include "sdp/list.h"

#include <string.h>

/* What a payload type of m means. */
static bool
codec_at(const struct sdp_media *m, uint8_t pt, struct sdp_codec *out)
{
	for (unsigned i = 0; i < m->n_formats; i++)
		if (m->formats[i].pt == pt)
			return sdp_codec_of(&m->formats[i], out);
	return false;
}

/* Is this payload type of the other leg in the list, and the same there? */
static bool
is_kept(const struct sdp_list *l, uint32_t pt)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->from[i] == pt)
			return l->pt[i] == pt;
	return false;
}

/* Are all payload types that fmtp names, "0/8/100", the same on both legs? Any may be meant where
 * it is not there. */
static bool
fits_red(const struct sdp_list *l, struct str fmtp)
{
	uint32_t pt;

	if (fmtp.len == 0)
		return memcmp(l->pt, l->from, l->n) == 0;
	while (fmtp.len)
		if (str_u32(str_trim(str_cut(&fmtp, '/')), SDP_PT_LAST, &pt) != ERR_OK ||
		    !is_kept(l, pt))
			return false;
	return true;
}

void
sdp_list_drop_red(const struct sdp_media *m, struct sdp_list *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->n; i++) {
		const struct sdp_format *f = NULL;
		struct sdp_codec c;

		for (unsigned k = 0; k < m->n_formats && !f; k++)
			f = m->formats[k].pt == l->from[i] ? &m->formats[k] : NULL;
		if (f && sdp_codec_of(f, &c) && sdp_codec_is_red(&c) && !fits_red(l, f->fmtp))
			continue;
		l->pt[n] = l->pt[i];
		l->from[n] = l->from[i];
		l->codec[n++] = l->codec[i];
	}
	l->n = (uint8_t)n;
}

enum err
sdp_list_offer(const struct sdp_stream *from, const struct sdp_media *m,
	       const struct sdp_codecs *codecs, struct sdp_numbers *numbers, struct sdp_list *out)
{
	struct sdp_list l = {.fax = from->fax};
	bool found = from->fax;

	for (unsigned rank = 0; rank <= codecs->n; rank++)
		for (unsigned i = 0; i < from->n_pts; i++) {
			struct sdp_codec c;

			if (codec_at(m, from->pts[i], &c) && sdp_codecs_has_at(codecs, rank, &c) &&
			    sdp_list_add(&l, numbers, from->codecs[i], from->pts[i]))
				found = found || !sdp_codec_is_side(&c);
		}
	if (!found)
		return ERR_NOTFOUND;
	sdp_list_drop_red(m, &l);
	*out = l;
	return ERR_OK;
}

void
sdp_list_answer(const struct sdp_stream *offered, const struct sdp_stream *answered,
		struct sdp_list *out)
{
	struct sdp_list l = {.fax = offered->fax};

	for (unsigned i = 0; i < answered->n_pts; i++)
		for (unsigned k = 0; k < offered->n_pts; k++)
			if (offered->codecs[k] == answered->codecs[i] &&
			    !memchr(l.pt, offered->pts[k], l.n)) {
				l.pt[l.n] = offered->pts[k];
				l.from[l.n] = answered->pts[i];
				l.codec[l.n++] = answered->codecs[i];
				break;
			}
	*out = l;
}

static unsigned
find_event(const struct sdp_list *l)
{
	unsigned i = 0;

	while (i < l->n && !sdp_codec_same(l->codec[i], sdp_codec_event()))
		i++;
	return i;
}

void
sdp_list_add_event(struct sdp_list *l, struct sdp_numbers *numbers, uint8_t pt)
{
	if (!l->fax && find_event(l) == l->n && sdp_list_add(l, numbers, sdp_codec_event(), pt))
		l->from[l->n - 1] = SDP_PT_NONE;
}

void
sdp_list_drop_event(struct sdp_list *l)
{
	for (unsigned i; (i = find_event(l)) < l->n;) {
		unsigned behind = --l->n - i;

		memmove(&l->pt[i], &l->pt[i + 1], behind);
		memmove(&l->from[i], &l->from[i + 1], behind);
		memmove(&l->codec[i], &l->codec[i + 1], behind * sizeof(l->codec[0]));
	}
}
