#include "rtp/event.h"

#include <string.h>

#include "base/octets.h"

enum {
	BIT_END = 0x80,
	VOLUME = 10, /* dBm0 below 0 */
	MS = 1000,
	UNITS_A_MS = RTP_EVENT_RATE / MS,
	LATE_STEPS = 5, /* behind by more than these, the pace begins anew */
};

/* ---- out ---- */

bool
rtp_event_push(struct rtp_event_out *o, struct rtp_event_digit d, uint64_t now_us)
{
	if (d.code > RTP_EVENT_FLASH || o->n == RTP_EVENT_QUEUE)
		return false;
	if (d.ms < RTP_EVENT_MIN_MS)
		d.ms = RTP_EVENT_MIN_MS;
	if (d.ms > RTP_EVENT_MAX_MS)
		d.ms = RTP_EVENT_MAX_MS;
	if (o->n == 0 && !o->pauses)
		o->due_us = now_us;
	o->queue[o->n++] = d;
	return true;
}

uint64_t
rtp_event_due(const struct rtp_event_out *o)
{
	return o->n || o->pauses ? o->due_us : UINT64_MAX;
}

/* The one in hand has said its last end. */
static void
end_digit(struct rtp_event_out *o)
{
	o->n--;
	memmove(&o->queue[0], &o->queue[1], o->n * sizeof(o->queue[0]));
	o->queue[o->n] = (struct rtp_event_digit){0};
	o->sounds = false;
	o->pauses = true;
	o->due_us += RTP_EVENT_PAUSE_MS * MS;
}

bool
rtp_event_step(struct rtp_event_out *o, uint64_t now_us, struct rtp_event_packet *out)
{
	const uint64_t step_us = RTP_EVENT_STEP_MS * MS;
	bool first = !o->sounds;

	if (now_us < rtp_event_due(o))
		return false;
	o->pauses = false;
	if (o->n == 0)
		return false;
	if (first) {
		o->sounds = true;
		o->ends = 0;
		o->units = 0;
		o->total = (uint32_t)o->queue[0].ms * UNITS_A_MS;
	}
	if (first || now_us - o->due_us > LATE_STEPS * step_us)
		o->due_us = now_us;
	o->units += RTP_EVENT_STEP_MS * UNITS_A_MS;
	if (o->units >= o->total) {
		o->units = o->total;
		o->ends++;
	}
	*out = (struct rtp_event_packet){.first = first};
	out->payload[0] = o->queue[0].code;
	out->payload[1] = VOLUME | (o->ends ? BIT_END : 0);
	octets_set16(out->payload + 2, (uint16_t)o->units);
	if (o->ends == RTP_EVENT_ENDS)
		end_digit(o);
	else
		o->due_us += step_us;
	return true;
}

/* ---- in ---- */

static void
tell(struct rtp_event_in *in, bool lost, struct rtp_event_heard *out)
{
	uint64_t ms = ((uint64_t)in->before + in->units) / UNITS_A_MS;

	in->open = false;
	out->digit.code = in->code;
	out->digit.ms = (uint16_t)(ms < RTP_EVENT_MAX_MS ? ms : RTP_EVENT_MAX_MS);
	out->lost = lost;
}

/* Of an event that was heard before this one: a repeat, or late. */
static bool
is_old(const struct rtp_event_in *in, uint32_t ts, uint64_t now_us)
{
	return in->heard_us && (int32_t)(ts - in->ts) < 0 &&
	       now_us - in->heard_us < RTP_EVENT_FRESH_US;
}

bool
rtp_event_hear(struct rtp_event_in *in, uint32_t ts, bool marker, const uint8_t *p, size_t n,
	       uint64_t now_us, struct rtp_event_heard *out)
{
	uint16_t units = n < RTP_EVENT_LEN ? 0 : octets_get16(p + 2);
	bool over = false;

	if (n < RTP_EVENT_LEN || p[0] > RTP_EVENT_FLASH || is_old(in, ts, now_us))
		return false;
	if (in->open && !marker && in->code == p[0] && in->units && ts == in->ts + in->units) {
		in->before += in->units; /* the next segment of a long one */
		in->ts = ts;
		in->units = 0;
	} else if (!in->heard_us || ts != in->ts) {
		over = in->open;
		if (over)
			tell(in, true, out);
		*in = (struct rtp_event_in){.ts = ts, .code = p[0], .open = true};
	}
	in->heard_us = now_us;
	if (units > in->units)
		in->units = units;
	if (over || !in->open || !(p[1] & BIT_END))
		return over;
	tell(in, false, out);
	return true;
}

bool
rtp_event_quiet(struct rtp_event_in *in, uint64_t now_us, struct rtp_event_heard *out)
{
	if (!in->open || now_us - in->heard_us < RTP_EVENT_QUIET_US)
		return false;
	tell(in, true, out);
	return true;
}
