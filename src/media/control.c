#include "media/control.h"

#include <string.h>

#include "base/guard.h"
#include "base/log.h"
#include "media/outbound.h"
#include "media/rtcp.h"

/* ---- commands ---- */

static void
open_fresh(struct flow_row *row, const struct media_open *o, uint64_t now_us)
{
	flow_start(row, o, now_us);
	if (o->in_serial)
		inbound_rekey(row, o->in_serial, 0, now_us);
	row->out.serial = o->out_serial;
}

/* A call that goes on: what was learned and used stays, but where signalling says otherwise. */
static void
open_again(struct flow_row *row, const struct media_open *o, uint64_t now_us)
{
	const struct media_open old = row->conf;

	if (!addr_eq(&old.rtp, &o->rtp))
		row->stats.far = (struct addr){0};
	if (!addr_eq(&old.rtp, &o->rtp) || !addr_eq(&old.rtcp, &o->rtcp))
		row->in.rtcp_far = (struct addr){0};
	if (old.flags != o->flags || old.peer != o->peer) {
		row->since_us = now_us;
		row->timeout_said = 0;
	}
	if (o->clock_rate && o->clock_rate != old.clock_rate)
		row->in.quality.clock_rate = o->clock_rate;
	if (o->in_serial && o->in_serial != row->in.serial) {
		inbound_rekey(row, o->in_serial, old.in_suite, now_us);
		row->rekey_said = 0;
	}
	row->conf = *o;
	row->in.pt_known = 0;
	row->conf.cname[MEDIA_CNAME_MAX - 1] = 0;
	if (o->out_serial && o->out_serial != row->out.serial)
		outbound_rekey(row, o->out_serial);
}

static void
apply_open(struct relay *r, const struct media_open *o, uint64_t now_us)
{
	struct flow_row *row = relay_touch(r, o->slot);
	enum err e;

	if (row->open && row->generation == o->generation) {
		open_again(row, o, now_us);
	} else {
		keys_drop(&r->keys, o->slot);
		r->heard[o->slot] = (struct rtp_event_in){0};
		open_fresh(row, o, now_us);
	}
	if (!relay_owns(r, row->conf.peer)) /* another worker's rows are not ours to write */
		row->conf.peer = MEDIA_NO_SLOT;
	relay_list(r, o->slot, true);
	e = keys_sync(&r->keys, o->slot, row);
	if (e != ERR_OK)
		log_error("media.key", "slot=%u err=%s", o->slot, err_name(e));
}

static void
apply_close(struct relay *r, const struct media_close *c)
{
	struct media_closed answer = {.slot = c->slot, .generation = c->generation};
	struct flow_row *row = relay_touch(r, c->slot);

	if (row->generation == c->generation) {
		if (row->in.quality.clock_rate)
			flow_fill_stats(row, &answer.stats);
		row->open = 0;
		relay_list(r, c->slot, false);
		keys_drop(&r->keys, c->slot);
	}
	if (r->conf.on_event)
		(void)!r->conf.on_event(r->conf.arg, MEDIA_CLOSED, &answer, sizeof(answer));
}

enum err
control_apply(struct relay *r, const struct media_cmd *c, uint64_t now_us)
{
	uint64_t *applied = &r->conf.flows->mine->applied;
	uint32_t slot = c->type == MEDIA_OPEN ? c->u.open.slot : c->u.close.slot;

	if (c->type != MEDIA_OPEN && c->type != MEDIA_CLOSE)
		return ERR_SYNTAX;
	if (!relay_owns(r, slot))
		return ERR_RANGE;
	if (c->type == MEDIA_CLOSE)
		apply_close(r, &c->u.close);
	else if (c->mark > *applied)
		apply_open(r, &c->u.open, now_us);
	relay_settle(r);
	if (c->mark > *applied)
		__atomic_store_n(applied, c->mark, __ATOMIC_RELEASE);
	return ERR_OK;
}

/* ---- time ---- */

/* Silent in both directions for so long; never where SDP lets one of them be silent (hold). */
static bool
is_silent(const struct flow_row *row, const struct flow_row *peer, uint64_t now_us)
{
	uint32_t lost = row->conf.flags & MEDIA_F_LOST_CONN ? row->conf.timeout_lost_s : 0;
	uint64_t limit = (uint64_t)(lost ? lost : row->conf.timeout_s) * 1000000;
	uint64_t heard = row->since_us;

	if (limit == 0 || !(row->conf.flags & MEDIA_F_ANSWERED) ||
	    !(row->conf.flags & MEDIA_F_RECV) || (peer && !(peer->conf.flags & MEDIA_F_RECV)))
		return false;
	if (row->in.media_us > heard)
		heard = row->in.media_us;
	if (peer && peer->in.media_us > heard)
		heard = peer->in.media_us;
	return now_us - heard >= limit;
}

static bool
say_event(struct relay *r, uint16_t type, uint32_t slot, const struct flow_row *row)
{
	struct media_close which = {slot, row->generation};

	return r->conf.on_event && r->conf.on_event(r->conf.arg, type, &which, sizeof(which));
}

static void
tick_row(struct relay *r, uint32_t slot, uint64_t now_us, uint64_t wall_us)
{
	const struct flow_row *peer = relay_peer(r, slot);
	struct flow_row *row = relay_touch(r, slot);
	char text[RELAY_RTCP_MAX];
	struct buf b;

	row->handed = 0;
	relay_hear(r, slot, NULL, NULL, now_us);
	if (!row->timeout_said && is_silent(row, peer, now_us))
		row->timeout_said = say_event(r, MEDIA_TIMEOUT, slot, row);
	if (!row->rekey_said && (row->conf.flags & MEDIA_F_SECURE) &&
	    (outbound_key_ends(row) || keys_in_ends(&r->keys, slot, row)))
		row->rekey_said = say_event(r, MEDIA_REKEY, slot, row);
	if (inbound_grace_over(row, now_us))
		(void)!keys_sync(&r->keys, slot, row); /* drops the old key */
	if (!(row->conf.flags & MEDIA_F_RAW) && media_rtcp_due(row, peer, now_us)) {
		buf_init(&b, text, sizeof(text));
		media_rtcp_own(row, now_us, wall_us, &b);
		if (buf_end(&b) == ERR_OK)
			relay_send_rtcp(r, slot, buf_view(&b), now_us);
	}
	relay_settle(r);
}

void
control_tick(struct relay *r, uint64_t now_us, uint64_t wall_us)
{
	uint32_t n = (r->n_open + CONTROL_TICKS - 1) / CONTROL_TICKS;

	for (uint32_t i = 0; i < n && r->n_open; i++) {
		r->cursor = (r->cursor + 1) % r->n_open;
		tick_row(r, r->open[r->cursor], now_us, wall_us);
	}
}
