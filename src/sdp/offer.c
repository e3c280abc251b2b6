#include "sdp/offer.h"

#include "base/hash.h"

/* A body of ours in the making. */
struct draft {
	const struct sdp_local *ours;
	const struct sdp_media *codecs;
	const struct sdp_list *list;
	const struct sdp *offer;          /* being answered; NULL: this is an offer */
	const struct sdp_stream *offered; /* read from it */
	const struct sdp_layout *lay;     /* as it will be */
	enum sdp_direction dir;
	unsigned n_crypto; /* lines to write */
	bool lines;        /* the second line is the first one again, in clear */
};

static void
put_address(struct buf *b, const struct addr *a)
{
	buf_z(b, a->family == 6 ? "IN IP6 " : "IN IP4 ");
	addr_put_ip(b, a, false);
	buf_z(b, "\r\n");
}

/* Free text of the other side goes through only if it cannot be taken for anything else (P6). */
static bool
is_clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((uint8_t)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.len > 0;
}

static const struct sdp_format *
find_format(const struct sdp_media *m, uint8_t pt)
{
	for (unsigned i = 0; i < m->n_formats; i++)
		if (m->formats[i].pt == pt)
			return &m->formats[i];
	return NULL;
}

/* The lines that describe the codecs: what stands here is all that crosses from the other leg. */
static void
put_codecs(struct buf *b, const struct draft *d)
{
	for (unsigned i = 0; i < d->list->n; i++) {
		const struct sdp_format *f = find_format(d->codecs, d->list->from[i]);

		if (!f)
			continue;
		if (f->codec.len) {
			buf_printf(b, "a=rtpmap:%u ", d->list->pt[i]);
			buf_str(b, f->codec);
			buf_printf(b, "/%u", f->clock);
			if (f->channels > 1)
				buf_printf(b, "/%u", f->channels);
			buf_z(b, "\r\n");
		}
		if (is_clean(f->fmtp)) {
			buf_printf(b, "a=fmtp:%u ", d->list->pt[i]);
			buf_str(b, f->fmtp);
			buf_z(b, "\r\n");
		}
	}
	if (d->codecs->ptime)
		buf_printf(b, "a=ptime:%u\r\n", d->codecs->ptime);
	if (d->codecs->maxptime)
		buf_printf(b, "a=maxptime:%u\r\n", d->codecs->maxptime);
}

/* The transport of the relayed line: the offer's own in an answer. */
static const char *
audio_proto(const struct draft *d)
{
	if (d->offer)
		return sdp_proto_name(d->offered->proto);
	return sdp_proto_name(d->ours->secure && d->ours->form != SDP_FORM_OSRTP ? SDP_RTP_SAVP
										 : SDP_RTP_AVP);
}

static void
put_audio(struct buf *b, const struct draft *d, const char *proto, unsigned n_crypto)
{
	bool mux = d->ours->rtcp_mux && (!d->offer || d->offered->rtcp_mux);

	buf_printf(b, "m=audio %u %s", d->ours->media.port, proto);
	for (unsigned i = 0; i < d->list->n; i++)
		buf_printf(b, " %u", d->list->pt[i]);
	buf_z(b, "\r\n");
	put_codecs(b, d);
	for (unsigned i = 0; i < n_crypto; i++) {
		buf_z(b, "a=crypto:");
		sdp_line_put(b, &d->ours->crypto[i]);
		buf_z(b, "\r\n");
	}
	if (mux)
		buf_z(b, "a=rtcp-mux\r\n");
	buf_printf(b, "a=%s\r\n", sdp_direction_name(d->dir));
}

/* T.38: its attributes are between the two ends (RFC 3362 4), and named so that nothing else is. */
static void
put_fax(struct buf *b, const struct draft *d)
{
	struct str rest = d->codecs->text, name, value;

	buf_printf(b, "m=image %u udptl t38\r\n", d->ours->media.port);
	while (sdp_next_attr(&rest, &name, &value)) {
		if (!str_istarts(name, STR("T38")) || !is_clean(name) ||
		    (value.len && !is_clean(value)))
			continue;
		buf_z(b, "a=");
		buf_str(b, name);
		if (value.len) {
			buf_char(b, ':');
			buf_str(b, value);
		}
		buf_z(b, "\r\n");
	}
	if (d->dir != SDP_SENDRECV)
		buf_printf(b, "a=%s\r\n", sdp_direction_name(d->dir));
}

/* A line that is not relayed. An answer says the offer's words again (RFC 3264 6). */
static void
put_refused(struct buf *b, const struct draft *d, unsigned i)
{
	const struct sdp_media *m = d->offer ? &d->offer->media[i] : NULL;

	if (m && is_clean(m->type_text) && is_clean(m->proto_text) &&
	    is_clean(m->formats[0].name)) {
		buf_z(b, "m=");
		buf_str(b, m->type_text);
		buf_z(b, " 0 ");
		buf_str(b, m->proto_text);
		buf_char(b, ' ');
		buf_str(b, m->formats[0].name);
		buf_z(b, "\r\n");
		return;
	}
	buf_printf(b, "m=%s 0 %s 0\r\n", sdp_media_name((enum sdp_media_type)d->lay->type[i]),
		   sdp_proto_name(d->ours->secure ? SDP_RTP_SAVP : SDP_RTP_AVP));
}

/* All that stands behind the o= line. */
static void
put_tail(struct buf *b, const struct draft *d)
{
	bool disabled = d->offer && d->offered->disabled;

	buf_z(b, "s=-\r\nc=");
	put_address(b, &d->ours->media);
	buf_z(b, "t=0 0\r\n");
	for (unsigned i = 0; i < d->lay->n; i++) {
		if (i == d->lay->audio && !disabled && d->list->fax)
			put_fax(b, d);
		else if (i == d->lay->audio && !disabled)
			put_audio(b, d, audio_proto(d), d->n_crypto);
		else if (d->lines)
			put_audio(b, d, sdp_proto_name(SDP_RTP_AVP), 0);
		else
			put_refused(b, d, i);
	}
}

/* Write the body with the present version; where it differs from the last one, again with the next
 * (RFC 3264 8). *o only on success. */
static enum err
write_body(const struct draft *d, struct sdp_origin *o, struct buf *b)
{
	static const uint64_t key[2]; /* the digest must mean the same after a restart */
	struct sdp_origin next = *o;
	size_t start = b->len;

	for (;;) {
		size_t tail;
		uint64_t digest;

		buf_printf(b, "v=0\r\no=- %llu %llu ", (unsigned long long)next.id,
			   (unsigned long long)next.version);
		put_address(b, &d->ours->media);
		tail = b->len;
		put_tail(b, d);
		if (buf_end(b) != ERR_OK) {
			b->len = start;
			return ERR_LONG;
		}
		digest = hash_siphash(key, b->p + tail, b->len - tail) | 1;
		if (next.digest == 0 || next.digest == digest) {
			next.digest = digest;
			*o = next;
			return ERR_OK;
		}
		next.version++;
		next.digest = digest;
		b->len = start;
	}
}

/* Nothing of ours may stand in a body that does not fit the leg's security (M9). */
static enum err
check_draft(const struct draft *d)
{
	const struct sdp_local *l = d->ours;

	if (d->offer && d->offered->disabled)
		return ERR_OK;
	if (l->media.port == 0 || l->media.family == 0)
		return ERR_STATE;
	if (d->list->fax)
		return ERR_OK;
	if (l->secure ? d->n_crypto == 0 : l->n_crypto != 0)
		return ERR_STATE;
	if (l->n_crypto > SDP_LOCAL_CRYPTO_MAX)
		return ERR_STATE;
	if (d->list->n == 0)
		return ERR_NOTFOUND;
	if (!d->offer)
		return ERR_OK;
	if ((d->offered->suite != SDP_SUITE_NONE) != l->secure ||
	    (sdp_proto_is_sdes(d->offered->proto) && !l->secure))
		return ERR_STATE;
	if (l->secure &&
	    (l->crypto[0].tag != d->offered->tag || l->crypto[0].suite != d->offered->suite))
		return ERR_STATE;
	return ERR_OK;
}

enum err
sdp_offer_write(const struct sdp_local *ours, const struct sdp_media *codecs,
		const struct sdp_list *list, enum sdp_direction dir, struct sdp_layout *lay,
		struct sdp_origin *o, struct buf *b)
{
	struct sdp_layout next = *lay;
	struct draft d = {.ours = ours,
			  .codecs = codecs,
			  .list = list,
			  .lay = &next,
			  .dir = dir,
			  .n_crypto = ours->n_crypto};
	enum err e;

	d.lines = next.n == 0 && ours->secure && ours->form == SDP_FORM_LINES;
	if (next.n == 0)
		next = (struct sdp_layout){.n = d.lines ? SDP_LINES_N : 1,
					   .type = {SDP_AUDIO, SDP_AUDIO}};
	if (next.n > SDP_MEDIA_MAX || next.audio >= next.n)
		return ERR_STATE;
	next.type[next.audio] = list->fax ? SDP_IMAGE : SDP_AUDIO;
	e = check_draft(&d);
	if (e == ERR_OK)
		e = write_body(&d, o, b);
	if (e == ERR_OK)
		*lay = next;
	return e;
}

/* nine parameters: the offer, the answer, our side, what is brought up to date */
enum err /* NOLINTNEXTLINE(readability-function-size) */
sdp_answer_write(const struct sdp_local *ours, const struct sdp *offer,
		 const struct sdp_stream *offered, const struct sdp_media *codecs,
		 const struct sdp_list *list, enum sdp_direction dir, struct sdp_layout *lay,
		 struct sdp_origin *o, struct buf *b)
{
	struct sdp_layout next = {.n = (uint8_t)offer->n_media, .audio = offered->index};
	struct draft d = {.ours = ours,
			  .codecs = codecs,
			  .list = list,
			  .offer = offer,
			  .offered = offered,
			  .lay = &next,
			  .dir = sdp_answer_direction(offered->direction, dir),
			  .n_crypto = ours->n_crypto ? 1 : 0};
	enum err e;

	if (next.n == 0 || next.audio >= next.n)
		return ERR_STATE;
	for (unsigned i = 0; i < offer->n_media; i++)
		next.type[i] = (uint8_t)offer->media[i].type;
	e = check_draft(&d);
	if (e == ERR_OK)
		e = write_body(&d, o, b);
	if (e == ERR_OK)
		*lay = next;
	return e;
}
