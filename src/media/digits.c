#include "media/digits.h"

#include <string.h>

#include "media/hand.h"

bool
digits_push(struct digits *d, const struct media_digit *m, uint64_t now_us)
{
	struct rtp_event_digit digit = {.code = m->code, .ms = m->ms};
	uint32_t i = 0;

	while (i < d->n && (d->row[i].slot != m->slot || d->row[i].generation != m->generation))
		i++;
	if (i == DIGITS_ROWS)
		return false;
	if (i == d->n)
		d->row[d->n++] = (struct digits_row){.slot = m->slot, .generation = m->generation};
	return rtp_event_push(&d->row[i].out, digit, now_us);
}

uint64_t
digits_due(const struct digits *d)
{
	uint64_t due = UINT64_MAX;

	for (uint32_t i = 0; i < d->n; i++)
		if (rtp_event_due(&d->row[i].out) < due)
			due = rtp_event_due(&d->row[i].out);
	return due;
}

bool
digits_sound(const struct digits *d, uint32_t slot)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (d->row[i].slot == slot && d->row[i].out.sounds)
			return true;
	return false;
}

/* Who plays thousands a second is no finger on a key, and signaling has other calls. */
static void
tell(struct digits *d, uint32_t slot, struct flow_row *r, const struct rtp_event_heard *e)
{
	struct media_digit m = {.slot = slot,
				.generation = r->generation,
				.ms = e->digit.ms,
				.code = e->digit.code,
				.lost = e->lost};

	if (!d->on_event || r->handed == HAND_BUDGET)
		return;
	r->handed++;
	(void)!d->on_event(d->arg, MEDIA_DIGIT, &m, sizeof(m));
}

void
digits_hear(struct digits *d, uint32_t slot, struct flow_row *r, const struct rtp_hdr *h,
	    const uint8_t *p, uint64_t now_us)
{
	struct rtp_event_heard e;

	if (rtp_event_hear(&d->in[slot], h->ts, h->marker, p + h->header_len, h->payload_len,
			   now_us, &e))
		tell(d, slot, r, &e);
}

void
digits_quiet(struct digits *d, uint32_t slot, struct flow_row *r, uint64_t now_us)
{
	struct rtp_event_heard e;

	if (rtp_event_quiet(&d->in[slot], now_us, &e))
		tell(d, slot, r, &e);
}
