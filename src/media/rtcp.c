#include "media/rtcp.h"

#include <string.h>

#include "base/octets.h"
#include "media/outbound.h"
#include "rtp/rtcp.h"

/* ---- what a report tells us ---- */

static void
note_block(struct flow_row *r, const struct rtcp_block *b, uint64_t now_us)
{
	uint32_t rate = r->conf.clock_rate ? r->conf.clock_rate : 8000;
	uint64_t held = rtcp_mid_to_us(b->dlsr), gone = now_us - r->out.sr_us;

	if (b->ssrc != r->out.state.ssrc)
		return;
	r->stats.far_reports++;
	r->stats.far_seq = b->max_seq;
	r->stats.far_lost = b->lost > 0 ? (uint32_t)b->lost : 0;
	r->stats.far_jitter_us = (uint32_t)((uint64_t)b->jitter * 1000000 / rate);
	if (b->lsr && b->lsr == r->out.sr_mid && gone >= held && gone - held < UINT32_MAX)
		r->stats.round_trip_us = (uint32_t)(gone - held);
}

static void
note_packet(struct flow_row *from, const struct rtcp_pkt *k, uint64_t now_us)
{
	struct rtcp_sender s;
	struct rtcp_block b;

	if (rtcp_read_sender(k, &s) == ERR_OK && from->in.has_source &&
	    rtcp_ssrc(k) == from->in.ssrc) {
		from->in.sr_mid = rtcp_ntp_mid(s.ntp);
		from->in.sr_us = now_us;
	}
	for (unsigned i = 0; rtcp_read_block(k, i, &b) == ERR_OK; i++)
		note_block(from, &b, now_us);
}

enum err
media_rtcp_note(struct flow_row *from, const uint8_t *p, size_t len, uint64_t now_us)
{
	struct rtcp_iter it;
	struct rtcp_pkt k;
	enum err e = rtcp_open(p, len, true, &it);

	if (e != ERR_OK)
		return e;
	while (rtcp_next(&it, &k))
		note_packet(from, &k, now_us);
	return ERR_OK;
}

/* ---- translation ---- */

struct wish {
	struct rtcp_feedback f;
	uint8_t info[MEDIA_RTCP_INFO];
};

struct report {
	bool any, has_sr, bye;
	struct wish wishes[MEDIA_RTCP_FEEDBACK];
	unsigned n_wishes;
	struct rtcp_sender sr;
	struct rtcp_block blocks[MEDIA_RTCP_BLOCKS];
	unsigned n;
};

/* Does `from`'s far end mean the source that we send to it, which is `to`'s far end's? */
static bool
means_ours(const struct flow_row *from, const struct flow_row *to, uint32_t ssrc)
{
	return ssrc == from->out.state.ssrc && to->in.has_source && from->out.has_source &&
	       from->out.source == to->in.ssrc;
}

/* The far end of `from` speaks of what we sent to it, which is what `to`'s far end sent to us. */
static bool
translate_block(const struct flow_row *from, const struct flow_row *to, struct rtcp_block *b)
{
	uint32_t highest = quality_max_seq(&to->in.quality);
	uint16_t seq = (uint16_t)(b->max_seq - from->out.seq_off);

	if (!means_ours(from, to, b->ssrc))
		return false;
	b->ssrc = to->in.ssrc;
	b->max_seq = highest + (uint32_t)(int32_t)(int16_t)(seq - (uint16_t)highest);
	if (b->lsr != from->out.sr_mid || from->out.sr_own) {
		b->lsr = 0; /* of a report that `to` never wrote */
		b->dlsr = 0;
	}
	return true;
}

/* An SR of the source that we pass on just now. */
static bool
translate_sender(const struct flow_row *from, const struct flow_row *to, const struct rtcp_pkt *k,
		 struct rtcp_sender *s)
{
	if (rtcp_read_sender(k, s) != ERR_OK)
		return false;
	if (!from->in.has_source || rtcp_ssrc(k) != from->in.ssrc || !to->out.has_source ||
	    to->out.source != from->in.ssrc)
		return false;
	s->rtp_ts += to->out.ts_off;
	if (!outbound_passes(to)) {
		s->packets = (uint32_t)to->stats.out_packets;
		s->octets = (uint32_t)to->stats.out_octets;
	}
	return true;
}

/* What it asks of that source: packets again, or a whole picture. */
static bool
translate_feedback(const struct flow_row *from, const struct flow_row *to, const struct rtcp_pkt *k,
		   struct wish *out)
{
	struct rtcp_feedback *f = &out->f;
	bool nack, fir;

	if (rtcp_read_feedback(k, f) != ERR_OK || f->info_len > sizeof(out->info))
		return false;
	nack = f->type == RTCP_RTPFB && f->format == RTCP_FB_NACK;
	fir = f->type == RTCP_PSFB && f->format == RTCP_FB_FIR && f->info_len >= 8;
	if (!nack && !fir && (f->type != RTCP_PSFB || f->format != RTCP_FB_PLI))
		return false;
	memcpy(out->info, f->info, f->info_len);
	f->info = out->info;
	if (!means_ours(from, to, fir ? octets_get32(out->info) : f->media))
		return false;
	f->media = fir ? 0 : to->in.ssrc;
	if (fir) { /* one source: one entry */
		octets_set32(out->info, to->in.ssrc);
		f->info_len = 8;
	}
	for (size_t i = 0; nack && i < f->info_len; i += 4)
		octets_set16(out->info + i,
			     (uint16_t)(octets_get16(out->info + i) - from->out.seq_off));
	return true;
}

static void
collect(const struct flow_row *from, const struct flow_row *to, const struct rtcp_pkt *k,
	struct report *out)
{
	struct rtcp_block b;
	uint32_t ssrc;

	if (k->type == RTCP_BYE && outbound_passes(to)) {
		/* only there does the far end see the source itself */
		for (unsigned i = 0; rtcp_read_bye(k, i, &ssrc) == ERR_OK; i++)
			if (to->out.has_source && ssrc == to->out.source)
				out->any = out->bye = true;
		return;
	}
	if (out->n_wishes < MEDIA_RTCP_FEEDBACK &&
	    translate_feedback(from, to, k, &out->wishes[out->n_wishes])) {
		out->n_wishes++;
		out->any = true;
		return;
	}
	if (k->type != RTCP_SR && k->type != RTCP_RR)
		return;
	out->any = true;
	if (translate_sender(from, to, k, &out->sr))
		out->has_sr = true;
	for (unsigned i = 0; rtcp_read_block(k, i, &b) == ERR_OK; i++)
		if (out->n < MEDIA_RTCP_BLOCKS && translate_block(from, to, &b))
			out->blocks[out->n++] = b;
}

static void
note_sr(struct flow_row *to, const struct rtcp_sender *s, bool own, uint64_t now_us)
{
	to->out.sr_mid = rtcp_ntp_mid(s->ntp);
	to->out.sr_us = now_us;
	to->out.sr_own = own;
}

static void
write_report(struct flow_row *to, const struct report *r, struct buf *out)
{
	uint32_t ssrc = to->out.state.ssrc;

	if (r->has_sr)
		rtcp_put_sr(out, ssrc, &r->sr, r->blocks, r->n);
	else
		rtcp_put_rr(out, ssrc, r->blocks, r->n);
	rtcp_put_cname(out, ssrc, str_from(to->conf.cname));
	for (unsigned i = 0; i < r->n_wishes; i++)
		rtcp_put_feedback(out, ssrc, &r->wishes[i].f);
	if (r->bye)
		rtcp_put_bye(out, ssrc);
}

enum err
media_rtcp_translate(struct flow_row *from, struct flow_row *to, const uint8_t *p, size_t len,
		     uint64_t now_us, struct buf *out)
{
	struct report r = {0};
	struct rtcp_iter it;
	struct rtcp_pkt k;
	enum err e = rtcp_open(p, len, true, &it);

	if (e != ERR_OK)
		return e;
	while (rtcp_next(&it, &k))
		collect(from, to, &k, &r);
	if (!r.any)
		return ERR_NOTFOUND;
	write_report(to, &r, out);
	if (r.has_sr)
		note_sr(to, &r.sr, false, now_us);
	return buf_end(out);
}

/* ---- of our own ---- */

bool
media_rtcp_due(const struct flow_row *r, const struct flow_row *peer, uint64_t now_us)
{
	uint64_t heard = r->since_us;
	struct addr to;

	if (!(r->conf.flags & MEDIA_F_ANSWERED) || !flow_far(r, true, &to))
		return false;
	if (!r->out.started && !r->in.has_source)
		return false; /* nothing to speak of */
	if (peer && peer->in.rtcp_us > heard)
		heard = peer->in.rtcp_us;
	return now_us - heard >= MEDIA_RTCP_SILENCE_US &&
	       now_us - r->out.rtcp_us >= MEDIA_RTCP_EVERY_US;
}

void
media_rtcp_own(struct flow_row *r, uint64_t now_us, uint64_t wall_us, struct buf *out)
{
	bool sends = r->out.started && now_us - r->out.rtp_us < MEDIA_RTCP_SILENCE_US;
	bool hears = r->in.has_source && now_us - r->in.media_us < MEDIA_RTCP_SILENCE_US;
	struct report rep = {.has_sr = sends, .n = hears};
	uint32_t dlsr = r->in.sr_mid ? rtcp_us_to_mid(now_us - r->in.sr_us) : 0;

	if (hears)
		quality_block(&r->in.quality, r->in.ssrc, r->in.sr_mid, dlsr, &rep.blocks[0]);
	if (sends) {
		rep.sr = (struct rtcp_sender){.ntp = rtcp_ntp(wall_us),
					      .rtp_ts = outbound_ts_at(r, now_us),
					      .packets = (uint32_t)r->stats.out_packets,
					      .octets = (uint32_t)r->stats.out_octets};
		note_sr(r, &rep.sr, true, now_us);
	}
	write_report(r, &rep, out);
}
