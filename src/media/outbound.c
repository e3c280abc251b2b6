#include "media/outbound.h"

enum { PTIME_DEFAULT_MS = 20, CLOCK_DEFAULT = 8000 };

static uint32_t
clock_rate(const struct flow_row *r)
{
	return r->conf.clock_rate ? r->conf.clock_rate : CLOCK_DEFAULT;
}

/* us in units of the clock, without overflow at any length (M12). */
static uint32_t
to_units(const struct flow_row *r, uint64_t us)
{
	uint32_t rate = clock_rate(r);

	return (uint32_t)(us / 1000000 * rate + us % 1000000 * rate / 1000000);
}

bool
outbound_passes(const struct flow_row *r)
{
	return (r->conf.flags & (MEDIA_F_SSRC_PASS | MEDIA_F_SECURE)) == MEDIA_F_SSRC_PASS &&
	       !r->conf.event;
}

uint32_t
outbound_ts_at(const struct flow_row *r, uint64_t now_us)
{
	return r->out.ts_last + to_units(r, now_us - r->out.rtp_us);
}

/* The next packet's timestamp by the clock: a packet time behind the last one at least. */
static uint32_t
expected_ts(const struct flow_row *r, uint64_t now_us)
{
	uint64_t least = (r->conf.ptime_ms ? r->conf.ptime_ms : PTIME_DEFAULT_MS) * UINT64_C(1000);
	uint64_t gone = now_us - r->out.rtp_us;

	if (!r->out.started)
		return r->out.ts_last;
	return r->out.ts_last + to_units(r, gone > least ? gone : least);
}

/* Another source, or the same one after a jump: go on behind our last packet. */
static void
set_offsets(struct flow_row *r, const struct rtp_hdr *h, bool same_source, uint64_t now_us)
{
	struct flow_out *o = &r->out;
	uint32_t want = expected_ts(r, now_us);
	int32_t off = (int32_t)(h->ts + o->ts_off - want);
	int64_t slack = (int64_t)OUTBOUND_TS_SLACK_S * clock_rate(r);

	o->seq_off = (uint16_t)(o->seq_last + 1 - h->seq);
	if (!same_source || off > slack || off < -slack)
		o->ts_off = want - h->ts;
	o->source = h->ssrc;
	o->has_source = 1;
}

static void
own_header(struct flow_row *r, const struct rtp_hdr *h, uint8_t *p, uint64_t now_us)
{
	struct flow_out *o = &r->out;
	bool same = o->has_source && o->source == h->ssrc;
	int16_t step = (int16_t)(h->seq + o->seq_off - o->seq_last);

	if (!same || step > OUTBOUND_JUMP || step <= -OUTBOUND_BEHIND)
		set_offsets(r, h, same, now_us);
	rtp_set_seq(p, (uint16_t)(h->seq + o->seq_off));
	rtp_set_ts(p, h->ts + o->ts_off);
	rtp_set_ssrc(p, o->state.ssrc);
}

void
outbound_rtp(struct flow_row *r, const struct rtp_hdr *h, uint8_t *p, uint64_t now_us)
{
	struct flow_out *o = &r->out;
	uint16_t seq;

	if (outbound_passes(r)) {
		o->state.ssrc = o->source = h->ssrc;
		o->has_source = 1;
		o->seq_off = 0;
		o->ts_off = 0;
	} else {
		own_header(r, h, p, now_us);
	}
	seq = octets_get16(p + 2);
	if (!o->started || (int16_t)(seq - o->seq_last) > 0) {
		o->seq_last = seq;
		o->ts_last = octets_get32(p + 4);
		o->rtp_us = now_us;
	}
	o->started = 1;
}

void
outbound_skip(struct flow_row *r, const struct rtp_hdr *h)
{
	struct flow_out *o = &r->out;

	if (o->has_source && o->source == h->ssrc &&
	    (int16_t)(h->seq + o->seq_off - o->seq_last) > 0)
		o->seq_off--;
}

void
outbound_event(struct flow_row *r, bool first, uint8_t *p, uint64_t now_us)
{
	struct flow_out *o = &r->out;

	if (first) {
		o->ts_last = expected_ts(r, now_us);
		o->rtp_us = now_us;
	}
	o->seq_last++;
	o->seq_off++;
	o->started = 1;
	rtp_put(p, &(struct rtp_hdr){.pt = r->conf.event,
				     .marker = first,
				     .seq = o->seq_last,
				     .ts = o->ts_last,
				     .ssrc = o->state.ssrc});
}

void
outbound_rekey(struct flow_row *r, uint32_t serial)
{
	struct srtp_state *s = &r->out.state;
	bool reset = r->conf.flags & MEDIA_F_ROC_RESET ||
		     (!(r->conf.flags & MEDIA_F_ROC_KEEP) && r->in.roc_way == FLOW_ROC_RESET);

	r->out.serial = serial;
	r->rekey_said = 0;
	if (reset && srtp_state_started(s))
		srtp_state_resume(s, s->ssrc, ((s->rtp.next - 1) & 0xffff) + 1, s->rtcp.next);
}

bool
outbound_key_ends(const struct flow_row *r)
{
	return r->out.state.rtp.next >= OUTBOUND_REKEY_RTP ||
	       r->out.state.rtcp.next >= OUTBOUND_REKEY_RTCP;
}
