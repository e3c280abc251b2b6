#include "sdp/offer.h"

#include "base/hash.h"
#include "sdp/others.h"

/* A body of ours in the making. */
struct draft {
	const struct sdp_part *audio, *video; /* video: NULL where there is none */
	const struct sdp *offer;              /* being answered; NULL: this is an offer */
	const struct sdp_layout *lay;         /* as it will be */
	bool lines;                           /* the second line is the first one again, in clear */
};

static void
put_address(struct buf *b, const struct addr *a)
{
	buf_z(b, a->family == 6 ? "IN IP6 " : "IN IP4 ");
	addr_put_ip(b, a, false);
	buf_z(b, "\r\n");
}

static const struct sdp_format *
find_format(const struct sdp_media *m, uint8_t pt)
{
	for (unsigned i = 0; i < m->n_formats; i++)
		if (m->formats[i].pt == pt)
			return &m->formats[i];
	return NULL;
}

/* Telephone-event of our own. */
static void
put_event(struct buf *b, unsigned pt)
{
	buf_printf(b, "a=rtpmap:%u telephone-event/8000\r\na=fmtp:%u 0-16\r\n", pt, pt);
}

/* The lines that describe the codecs: what stands here is all that crosses from the other leg. */
static void
put_codecs(struct buf *b, const struct sdp_part *p)
{
	for (unsigned i = 0; i < p->list->n; i++) {
		const struct sdp_format *f = find_format(p->media, p->list->from[i]);
		unsigned pt = p->list->pt[i];

		if (p->list->from[i] == SDP_PT_NONE) {
			put_event(b, pt);
			continue;
		}
		if (!f)
			continue;
		if (f->codec.len) {
			buf_printf(b, "a=rtpmap:%u ", pt);
			buf_str(b, f->codec);
			buf_printf(b, "/%u", f->clock);
			if (f->channels > 1)
				buf_printf(b, "/%u", f->channels);
			buf_z(b, "\r\n");
		}
		if (sdp_is_clean(f->fmtp)) {
			buf_printf(b, "a=fmtp:%u ", pt);
			buf_str(b, f->fmtp);
			buf_z(b, "\r\n");
		}
	}
	if (p->media->ptime)
		buf_printf(b, "a=ptime:%u\r\n", p->media->ptime);
	if (p->media->maxptime)
		buf_printf(b, "a=maxptime:%u\r\n", p->media->maxptime);
}

static bool
is_dtls(const struct sdp_part *p)
{
	return p->ours->secure && p->ours->form == SDP_FORM_DTLS;
}

/* How many a=crypto lines are written. */
static unsigned
n_crypto(const struct sdp_part *p)
{
	return p->offered && p->ours->n_crypto ? 1 : p->ours->n_crypto;
}

/* The transport of a relayed line: the offer's own in an answer. */
static enum sdp_proto
part_proto(const struct sdp_part *p)
{
	if (p->offered)
		return p->offered->proto;
	if (is_dtls(p))
		return SDP_DTLS_SAVP;
	return p->ours->secure && p->ours->form != SDP_FORM_OSRTP ? SDP_RTP_SAVP : SDP_RTP_AVP;
}

static enum sdp_direction
part_direction(const struct sdp_part *p)
{
	return p->offered ? sdp_answer_direction(p->offered->direction, p->dir) : p->dir;
}

static bool
has_ice(const struct sdp_part *p)
{
	return p->ours->ice.ufrag[0] && !(p->offered && !p->offered->ice.on);
}

/* A port of its own for RTCP: in an offer also where we would take one port for both. */
static void
put_ice(struct buf *b, const struct sdp_part *p)
{
	bool mux = p->ours->rtcp_mux && (p->offered ? p->offered->rtcp_mux : is_dtls(p));

	if (p->offered && p->offered->ice.mismatch)
		buf_z(b, "a=ice-mismatch\r\n");
	if (has_ice(p))
		sdp_ice_put(b, &p->ours->ice, &p->ours->media, !mux && !(p->list && p->list->fax));
}

/* What protects it, and its direction. */
static void
put_ours(struct buf *b, const struct sdp_part *p, unsigned crypto)
{
	for (unsigned i = 0; i < crypto; i++) {
		buf_z(b, "a=crypto:");
		sdp_line_put(b, &p->ours->crypto[i]);
		buf_z(b, "\r\n");
	}
	if (is_dtls(p))
		sdp_dtls_put(b, &p->ours->dtls,
			     p->offered ? (enum sdp_setup)p->ours->dtls.setup : SDP_SETUP_ACTPASS);
	if (p->ours->rtcp_mux && (!p->offered || p->offered->rtcp_mux))
		buf_z(b, "a=rtcp-mux\r\n");
	put_ice(b, p);
	buf_printf(b, "a=%s\r\n", sdp_direction_name(part_direction(p)));
}

static void
put_audio(struct buf *b, const struct sdp_part *p, enum sdp_proto proto, unsigned crypto)
{
	buf_printf(b, "m=audio %u %s", p->ours->media.port, sdp_proto_name(proto));
	for (unsigned i = 0; i < p->list->n; i++)
		buf_printf(b, " %u", p->list->pt[i]);
	buf_z(b, "\r\n");
	put_codecs(b, p);
	put_ours(b, p, crypto);
}

/* Formats and what describes them cross as they are, bandwidth first (RFC 8866 5). */
static void
put_video(struct buf *b, const struct sdp_part *p)
{
	enum sdp_proto proto = part_proto(p);

	if (!p->offered && sdp_proto_has_feedback(p->media->proto))
		proto = proto == SDP_RTP_SAVP ? SDP_RTP_SAVPF : SDP_RTP_AVPF;
	buf_printf(b, "m=video %u %s", p->ours->media.port, sdp_proto_name(proto));
	for (unsigned i = 0; i < p->media->n_formats; i++)
		buf_printf(b, " %u", p->media->formats[i].pt);
	buf_z(b, "\r\n");
	for (const char *types = "ba"; *types; types++) {
		struct str rest = p->media->text, value;
		char type;

		while (sdp_next_line(&rest, &type, &value)) {
			if (type != *types || !sdp_codec_line(type, value) || !sdp_is_clean(value))
				continue;
			buf_printf(b, "%c=", type);
			buf_str(b, value);
			buf_z(b, "\r\n");
		}
	}
	put_ours(b, p, n_crypto(p));
}

/* T.38: its attributes are between the two ends (RFC 3362 4), and named so that nothing else is. */
static void
put_fax(struct buf *b, const struct sdp_part *p)
{
	struct str rest = p->media->text, name, value;

	buf_printf(b, "m=image %u udptl t38\r\n", p->ours->media.port);
	while (sdp_next_attr(&rest, &name, &value)) {
		if (!str_istarts(name, STR("T38")) || !sdp_is_clean(name) ||
		    (value.len && !sdp_is_clean(value)))
			continue;
		buf_z(b, "a=");
		buf_str(b, name);
		if (value.len) {
			buf_char(b, ':');
			buf_str(b, value);
		}
		buf_z(b, "\r\n");
	}
	put_ice(b, p);
	if (part_direction(p) != SDP_SENDRECV)
		buf_printf(b, "a=%s\r\n", sdp_direction_name(part_direction(p)));
}

/* The index of the line of the other leg's body that its audio stands in. */
static unsigned
audio_there(const struct sdp_part *audio)
{
	return (unsigned)(audio->media - audio->others->media);
}

/* What goes past us in line i; NULL: nothing. */
static const struct sdp_media *
passed_line(const struct draft *d, unsigned i)
{
	const struct sdp_part *a = d->audio;

	if (!a->others)
		return NULL;
	return sdp_others_for(a->others, audio_there(a), d->lay, i,
			      d->offer ? &d->offer->media[i] : NULL);
}

/* A line that is not relayed. An answer says the offer's words again (RFC 3264 6). */
static void
put_refused(struct buf *b, const struct draft *d, unsigned i)
{
	const struct sdp_media *m = d->offer ? &d->offer->media[i] : NULL;

	if (m && sdp_is_clean(m->type_text) && sdp_is_clean(m->proto_text) &&
	    sdp_is_clean(m->formats[0].name)) {
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
		   sdp_proto_name(d->audio->ours->secure ? SDP_RTP_SAVP : SDP_RTP_AVP));
}

/* All that stands behind the o= line. */
static void
put_tail(struct buf *b, const struct draft *d)
{
	const struct sdp_part *a = d->audio;
	bool disabled = d->offer && a->offered->disabled;

	buf_z(b, "s=-\r\nc=");
	put_address(b, &a->ours->media);
	buf_z(b, "t=0 0\r\n");
	if (!disabled && has_ice(a))
		sdp_ice_put_session(b);
	for (unsigned i = 0; i < d->lay->n; i++) {
		if (i == d->lay->audio && !disabled && a->list->fax)
			put_fax(b, a);
		else if (i == d->lay->audio && !disabled)
			put_audio(b, a, part_proto(a), n_crypto(a));
		else if (d->lines && i == SDP_LINES_N - 1)
			put_audio(b, a, SDP_RTP_AVP, 0);
		else if (d->video && i + 1 == d->lay->video)
			put_video(b, d->video);
		else if (passed_line(d, i))
			sdp_others_put(b, a->others, passed_line(d, i));
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
		put_address(b, &d->audio->ours->media);
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

/* Our print, and in an answer our role. Only audio has them. */
static enum err
check_dtls(const struct sdp_part *p)
{
	if (!p->list || !p->ours->dtls.print_len || p->ours->n_crypto || !p->ours->rtcp_mux)
		return ERR_STATE;
	if (p->offered && (!p->offered->dtls.setup || !p->ours->dtls.setup))
		return ERR_STATE;
	return p->list->n ? ERR_OK : ERR_NOTFOUND;
}

/* Nothing of ours may stand in a body that does not fit the leg's security (M9). */
static enum err
check_part(const struct sdp_part *p)
{
	const struct sdp_local *l = p->ours;
	const struct sdp_stream *o = p->offered;

	if (o && o->disabled)
		return ERR_OK;
	if (l->media.port == 0 || l->media.family == 0)
		return ERR_STATE;
	if (p->list && p->list->fax)
		return ERR_OK;
	if (is_dtls(p))
		return check_dtls(p);
	if (l->secure ? l->n_crypto == 0 : l->n_crypto != 0)
		return ERR_STATE;
	if (l->n_crypto > SDP_LOCAL_CRYPTO_MAX)
		return ERR_STATE;
	if (p->list ? p->list->n == 0 : p->media->n_formats == 0)
		return ERR_NOTFOUND;
	if (!o)
		return ERR_OK;
	if ((o->suite != SDP_SUITE_NONE) != l->secure ||
	    (sdp_proto_is_sdes(o->proto) && !l->secure))
		return ERR_STATE;
	if (l->secure && (l->crypto[0].tag != o->tag || l->crypto[0].suite != o->suite))
		return ERR_STATE;
	return ERR_OK;
}

/* Video is protected as the leg's audio is, and has its place in the body. */
static enum err
check_draft(const struct draft *d)
{
	const struct sdp_part *v = d->video;
	enum err e = check_part(d->audio);

	if (e != ERR_OK || !v)
		return e;
	if (d->lay->video == 0 || d->lay->video > d->lay->n || d->lay->video == d->lay->audio + 1 ||
	    v->ours->secure != d->audio->ours->secure ||
	    !addr_ip_eq(&v->ours->media, &d->audio->ours->media))
		return ERR_STATE;
	return check_part(v);
}

/* The m-lines of our offer: the leg's own, and one more for what is new. */
static enum err
plan_lines(const struct draft *d, struct sdp_layout *next)
{
	if (next->n == 0)
		*next = (struct sdp_layout){.n = d->lines ? SDP_LINES_N : 1,
					    .type = {SDP_AUDIO, SDP_AUDIO}};
	if (next->n > SDP_MEDIA_MAX || next->audio >= next->n)
		return ERR_STATE;
	next->type[next->audio] = d->audio->list->fax ? SDP_IMAGE : SDP_AUDIO;
	if (d->video && !next->video && next->n == SDP_MEDIA_MAX)
		return ERR_LONG;
	if (d->video && !next->video) {
		next->type[next->n++] = SDP_VIDEO;
		next->video = next->n;
	}
	if (d->audio->others)
		sdp_others_plan(d->audio->others, audio_there(d->audio), next);
	return ERR_OK;
}

enum err
sdp_offer_write(const struct sdp_part *audio, const struct sdp_part *video, struct sdp_layout *lay,
		struct sdp_origin *o, struct buf *b)
{
	const struct sdp_local *ours = audio->ours;
	struct sdp_layout next = *lay;
	struct draft d = {.audio = audio, .video = video, .lay = &next};
	enum err e;

	d.lines = next.n == 0 && ours->secure && ours->form == SDP_FORM_LINES;
	e = plan_lines(&d, &next);
	if (e == ERR_OK)
		e = check_draft(&d);
	if (e == ERR_OK)
		e = write_body(&d, o, b);
	if (e == ERR_OK)
		*lay = next;
	return e;
}

enum err
sdp_answer_write(const struct sdp *offer, const struct sdp_part *audio,
		 const struct sdp_part *video, struct sdp_layout *lay, struct sdp_origin *o,
		 struct buf *b)
{
	struct sdp_layout next = {.n = (uint8_t)offer->n_media, .audio = audio->offered->index};
	struct draft d = {.audio = audio, .video = video, .offer = offer, .lay = &next};
	enum err e;

	if (next.n == 0 || next.audio >= next.n)
		return ERR_STATE;
	for (unsigned i = 0; i < offer->n_media; i++)
		next.type[i] = (uint8_t)offer->media[i].type;
	if (video)
		next.video = (uint8_t)(video->offered->index + 1);
	else if (lay->video && lay->video <= next.n && next.type[lay->video - 1] == SDP_VIDEO)
		next.video = lay->video;
	e = check_draft(&d);
	if (e == ERR_OK)
		e = write_body(&d, o, b);
	if (e == ERR_OK)
		*lay = next;
	return e;
}
