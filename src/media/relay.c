#include "media/relay.h"

#include <string.h>

#include "base/guard.h"
#include "base/mem.h"
#include "media/hand.h"
#include "media/outbound.h"
#include "media/rtcp.h"

enum {
	RTCP_LEAST = 8,
	BUFFER_SIZE = IO_HEADROOM + IO_PACKET_MAX,
};

/* ---- the worker's own lists ---- */

struct flow_row *
relay_touch(struct relay *r, uint32_t slot)
{
	struct flow_row *row = flow_row(r->conf.flows, slot);

	if (row->lock & 1)
		return row;
	if (r->n_touched == ARRAY_LEN(r->touched))
		relay_settle(r);
	r->touched[r->n_touched++] = slot;
	flow_begin(row);
	return row;
}

void
relay_settle(struct relay *r)
{
	for (uint32_t i = 0; i < r->n_touched; i++)
		flow_end(flow_row(r->conf.flows, r->touched[i]));
	r->n_touched = 0;
}

void
relay_list(struct relay *r, uint32_t slot, bool open)
{
	uint32_t at = r->place[slot];

	if (open && !at) {
		r->open[r->n_open++] = slot;
		r->place[slot] = r->n_open;
	} else if (!open && at) {
		uint32_t last = r->open[--r->n_open];

		r->open[at - 1] = last;
		r->place[last] = at;
		r->place[slot] = 0;
	}
}

struct flow_row *
relay_peer(const struct relay *r, uint32_t slot)
{
	uint32_t peer = flow_row(r->conf.flows, slot)->conf.peer;
	struct flow_row *row;

	if (peer >= r->conf.flows->n_slots || peer == slot)
		return NULL;
	row = flow_row(r->conf.flows, peer);
	return row->open && row->conf.peer == slot ? row : NULL;
}

bool
relay_owns(const struct relay *r, uint32_t slot)
{
	return slot < r->conf.flows->n_slots &&
	       media_slot_worker(r->conf.plan, slot) == r->conf.worker;
}

static void
attach_rows(struct relay *r)
{
	for (uint32_t i = 0; i < r->conf.flows->n_slots; i++) {
		struct flow_row *row = flow_row(r->conf.flows, i);

		if (!relay_owns(r, i))
			continue;
		flow_repair(row);
		if (!row->open)
			continue;
		relay_list(r, i, true);
		/* a key that is not there yet comes with the OPEN that names it */
		(void)!keys_sync(&r->keys, i, row);
	}
}

enum err
relay_init(struct relay *r, const struct relay_conf *conf)
{
	uint32_t n = conf->flows->n_slots;
	enum err e;

	memset(r, 0, sizeof(*r));
	r->conf = *conf;
	e = keys_init(&r->keys, conf->srtp, conf->secrets, n);
	r->buffers = mem_zalloc(IO_BATCH, BUFFER_SIZE);
	r->items = mem_zalloc(IO_BATCH, sizeof(*r->items));
	r->round_of = mem_zalloc(n, sizeof(*r->round_of));
	r->open = mem_zalloc(n, sizeof(*r->open));
	r->place = mem_zalloc(n, sizeof(*r->place));
	r->heard = mem_zalloc(n, sizeof(*r->heard));
	if (e == ERR_OK &&
	    (!r->buffers || !r->items || !r->round_of || !r->open || !r->place || !r->heard))
		e = ERR_NOMEM;
	if (e != ERR_OK) {
		relay_fini(r);
		return e;
	}
	attach_rows(r);
	return ERR_OK;
}

void
relay_fini(struct relay *r)
{
	keys_fini(&r->keys);
	MEM_FREE(r->buffers);
	MEM_FREE(r->items);
	MEM_FREE(r->round_of);
	MEM_FREE(r->open);
	MEM_FREE(r->place);
	MEM_FREE(r->heard);
}

/* ---- in: whose packet is it? ---- */

static void
drop_item(struct relay *r, struct relay_item *it, enum media_drop why)
{
	if (why == MEDIA_KEPT)
		return;
	flow_count_drop(r->conf.flows, it->row, why);
	it->step = RELAY_DROPPED;
	it->k->len = 0;
}

static enum media_drop
drop_of(enum err e)
{
	if (e == ERR_REPLAY)
		return MEDIA_DROP_replay;
	if (e == ERR_UNSUPPORTED)
		return MEDIA_DROP_clear;
	if (e == ERR_EXPIRED)
		return MEDIA_DROP_key_expired;
	if (e == ERR_SYNTAX || e == ERR_LONG)
		return MEDIA_DROP_version;
	return MEDIA_DROP_auth;
}

/* With the guard off, a broken header is passed as it is. */
static enum media_drop
read_header(struct relay_item *it, bool encrypted)
{
	enum err e;

	memset(&it->h, 0, sizeof(it->h));
	e = encrypted ? rtp_parse_encrypted(it->k->p, it->k->len, &it->h)
		      : rtp_parse(it->k->p, it->k->len, &it->h);
	if (GUARD(M11, e == ERR_OK))
		return MEDIA_KEPT;
	return e == ERR_SHORT ? MEDIA_DROP_short : MEDIA_DROP_version;
}

static enum media_drop
read_rtp(struct relay_item *it)
{
	enum media_drop why = read_header(it, it->row->conf.flags & MEDIA_F_SECURE);

	it->pkt.ssrc = it->h.ssrc;
	it->pkt.seq = it->h.seq;
	return why;
}

static enum media_drop
read_rtcp(struct relay_item *it)
{
	it->pkt.rtcp = true;
	if (it->k->len < RTCP_LEAST)
		return MEDIA_DROP_short;
	if (it->k->p[0] >> 6 != 2)
		return MEDIA_DROP_version;
	it->pkt.ssrc = octets_get32(it->k->p + 4);
	return MEDIA_KEPT;
}

/* It is not relayed in any case. */
static enum media_drop
give_on(struct relay *r, struct relay_item *it)
{
	enum media_drop why = hand_over(it->row, it->slot, it->k, r->conf.on_event, r->conf.arg);

	it->step = RELAY_DROPPED;
	it->k->len = 0;
	return why;
}

static enum media_drop
sort_item(struct relay *r, struct relay_item *it, struct io_packet *k)
{
	enum media_drop why = MEDIA_KEPT;
	bool rtcp = k->socket & 1;

	*it = (struct relay_item){
		.k = k, .slot = k->socket / 2, .pkt = {.from = k->addr}, .status = ERR_AUTH};
	if (it->slot >= r->conf.flows->n_slots || !flow_row(r->conf.flows, it->slot)->open)
		return MEDIA_DROP_noflow;
	it->row = relay_touch(r, it->slot);
	if (hand_is(it->row, k))
		return give_on(r, it);
	if (!rtcp && (it->row->conf.flags & MEDIA_F_RTCP_MUX))
		rtcp = rtp_kind_of(k->p, k->len) == RTP_KIND_RTCP;
	it->raw = !rtcp && (it->row->conf.flags & MEDIA_F_RAW);
	if (!it->raw)
		why = rtcp ? read_rtcp(it) : read_rtp(it);
	it->step = it->row->conf.flags & MEDIA_F_SECURE ? RELAY_FIRST : RELAY_TAKEN;
	if (why == MEDIA_KEPT && it->step == RELAY_TAKEN &&
	    !inbound_clear_ok(it->row, rtcp, &k->addr))
		why = MEDIA_DROP_source;
	return why;
}

/* ---- in: the tag ---- */

static bool
waits(const struct relay_item *it)
{
	return it->step == RELAY_FIRST || it->step == RELAY_SECOND;
}

/* The item's next try, in it->t. False: there is none. */
static bool
next_try(struct relay_item *it, uint64_t now_us)
{
	if (it->step == RELAY_FIRST)
		return inbound_first(it->row, &it->pkt, &it->t);
	return inbound_second(it->row, &it->pkt, it->status, it->index, now_us, &it->t);
}

static void
add_op(struct relay *r, unsigned at, struct relay_item *it, struct srtp_key *key)
{
	bool use_roc = it->t.way.use_roc && !it->pkt.rtcp;

	r->owner[at] = it;
	r->ops[at] = (struct srtp_op){
		.key = key,
		.state = it->t.state,
		.buf = it->k->p,
		.len = it->k->len,
		.cap = IO_PACKET_MAX,
		.roc = it->t.way.roc,
		.flags =
			(uint16_t)((it->pkt.rtcp ? SRTP_OP_RTCP : 0) | (use_roc ? SRTP_OP_ROC : 0)),
	};
}

/* False: no item waits any more. A source without a state yet is tried one packet a round, so that
 * the next one meets its state. */
static bool
plan_round(struct relay *r, unsigned n, uint64_t now_us, unsigned *n_ops)
{
	bool any = false;

	*n_ops = 0;
	r->round++;
	for (unsigned i = 0; i < n; i++) {
		struct relay_item *it = &r->items[i];
		struct srtp_key *key;
		bool tried;

		any |= waits(it);
		if (!waits(it) || r->round_of[it->slot] == r->round)
			continue;
		tried = next_try(it, now_us);
		key = tried ? keys_in(&r->keys, it->slot, it->t.way.serial) : NULL;
		if (key)
			add_op(r, (*n_ops)++, it, key);
		else if (tried && it->step == RELAY_FIRST)
			it->step = RELAY_SECOND;
		else
			drop_item(r, it, drop_of(it->status));
		if (tried && (!key || it->t.state == &it->t.temp))
			r->round_of[it->slot] = r->round;
	}
	return any;
}

static void
finish_op(struct relay *r, struct relay_item *it, const struct srtp_op *op)
{
	bool first = it->step == RELAY_FIRST;

	if (op->status == ERR_OK) {
		it->k->len = op->out_len ? op->out_len : op->len;
		inbound_verified(it->row, &it->pkt, &it->t, op->index);
		it->row->stats.roc_guesses += !first;
		it->step = RELAY_TAKEN;
		return;
	}
	if (first) {
		it->status = op->status;
		it->index = op->index;
	}
	if (first && op->auths < 2)
		it->step = RELAY_SECOND;
	else
		drop_item(r, it, drop_of(it->status));
}

static void
verify_batch(struct relay *r, unsigned n, uint64_t now_us)
{
	unsigned n_ops;

	for (unsigned round = 0; round < RELAY_ROUNDS && plan_round(r, n, now_us, &n_ops);
	     round++) {
		(void)srtp_unprotect_batch(r->conf.srtp, r->ops, n_ops);
		for (unsigned i = 0; i < n_ops; i++)
			finish_op(r, r->owner[i], &r->ops[i]);
	}
	for (unsigned i = 0; i < n; i++)
		if (waits(&r->items[i]))
			drop_item(r, &r->items[i], drop_of(r->items[i].status));
}

/* ---- out ---- */

/* Only where both rows name each other, so that a slot in new hands never gets an old call's media.
 */
static bool
find_out(struct relay *r, struct relay_item *it)
{
	it->out_slot = it->row->conf.peer;
	it->out = relay_peer(r, it->slot);
	if (!it->out ||
	    ((it->out->conf.flags & MEDIA_F_SECURE) && !keys_out(&r->keys, it->out_slot)))
		return false;
	(void)relay_touch(r, it->out_slot);
	return true;
}

static bool
address_packet(const struct flow_row *out, uint32_t slot, bool rtcp, struct io_packet *k)
{
	bool own_port = rtcp && !(out->conf.flags & MEDIA_F_RTCP_MUX);

	k->socket = 2 * slot + own_port;
	if (out->conf.dscp != MEDIA_DSCP_KEEP)
		k->dscp = out->conf.dscp;
	return flow_far(out, rtcp, &k->addr);
}

void
relay_hear(struct relay *r, uint32_t slot, const struct rtp_hdr *h, const uint8_t *p,
	   uint64_t now_us)
{
	struct rtp_event_in *in = &r->heard[slot];
	struct flow_row *row = flow_row(r->conf.flows, slot);
	struct rtp_event_heard e;
	bool over = h ? rtp_event_hear(in, h->ts, h->marker, p + h->header_len, h->payload_len,
				       now_us, &e)
		      : rtp_event_quiet(in, now_us, &e);
	struct media_digit d = {.slot = slot, .generation = row->generation};

	/* who plays thousands a second is no finger on a key, and signaling has other calls */
	if (!over || !r->conf.on_event || row->handed == HAND_BUDGET)
		return;
	row->handed++;
	d.code = e.digit.code;
	d.ms = e.digit.ms;
	d.lost = e.lost;
	(void)!r->conf.on_event(r->conf.arg, MEDIA_DIGIT, &d, sizeof(d));
}

/* By what a row's digits are known. */
static uint64_t
digit_key(uint32_t slot, uint32_t generation)
{
	return (uint64_t)slot << 32 | generation;
}

/* It does not go on, and nobody misses it. */
static enum media_drop
absorb(struct relay_item *it)
{
	outbound_skip(it->out, &it->h);
	it->step = RELAY_DROPPED;
	it->k->len = 0;
	return MEDIA_KEPT;
}

static enum media_drop
turn_rtp(struct relay *r, struct relay_item *it, uint64_t now_us)
{
	if (!find_out(r, it) || (it->out->conf.flags & MEDIA_F_RAW) ||
	    !(it->row->conf.flags & MEDIA_F_RECV) || !(it->out->conf.flags & MEDIA_F_SEND) ||
	    !address_packet(it->out, it->out_slot, false, it->k))
		return MEDIA_DROP_nopeer;
	if (it->row->in.pt_to == MEDIA_PT_DIGIT ||
	    rtp_digits_sound(&r->playing, digit_key(it->out_slot, it->out->generation)))
		return absorb(it);
	outbound_rtp(it->out, &it->h, it->k->p, now_us);
	return MEDIA_KEPT;
}

static enum media_drop
turn_rtcp(struct relay *r, struct relay_item *it, uint64_t now_us)
{
	char text[RELAY_RTCP_MAX];
	struct buf b;

	if (media_rtcp_note(it->row, it->k->p, it->k->len, now_us) != ERR_OK)
		return MEDIA_DROP_version;
	inbound_taken(it->row, &it->pkt, now_us);
	if (!find_out(r, it) || !address_packet(it->out, it->out_slot, true, it->k))
		return MEDIA_DROP_nopeer;
	buf_init(&b, text, sizeof(text));
	if (media_rtcp_translate(it->row, it->out, it->k->p, it->k->len, now_us, &b) != ERR_OK)
		return MEDIA_DROP_rtcp_type;
	memcpy(it->k->p, text, b.len);
	it->k->len = (uint32_t)b.len;
	return MEDIA_KEPT;
}

static void
count_in(struct relay_item *it, uint64_t now_us)
{
	inbound_taken(it->row, &it->pkt, now_us);
	it->row->stats.in_packets++;
	it->row->stats.in_octets += it->h.payload_len;
}

static enum media_drop
turn_raw(struct relay *r, struct relay_item *it, uint64_t now_us)
{
	it->h.payload_len = (uint16_t)it->k->len;
	count_in(it, now_us);
	if (!find_out(r, it) || !(it->out->conf.flags & MEDIA_F_RAW) ||
	    !address_packet(it->out, it->out_slot, false, it->k))
		return MEDIA_DROP_nopeer;
	return MEDIA_KEPT;
}

/* Count what was taken, and make it what shall leave. */
static enum media_drop
turn_item(struct relay *r, struct relay_item *it, uint64_t now_us)
{
	enum media_drop why = MEDIA_KEPT;

	if (it->raw)
		return turn_raw(r, it, now_us);
	if (it->pkt.rtcp)
		return turn_rtcp(r, it, now_us);
	if (it->row->conf.flags & MEDIA_F_SECURE)
		why = read_header(it, false); /* the padding is known only now */
	if (why != MEDIA_KEPT)
		return why;
	count_in(it, now_us);
	if ((it->row->stats.in_packets & INBOUND_LISTEN) == 0)
		inbound_listen(it->row, &it->h, it->k->p);
	if (inbound_pt(it->row, it->h.pt) == MEDIA_PT_DIGIT)
		relay_hear(r, it->slot, &it->h, it->k->p, now_us);
	rtp_set_pt(it->k->p, it->row->in.pt_to);
	(void)quality_packet(&it->row->in.quality, it->h.seq, it->h.ts, now_us);
	return turn_rtp(r, it, now_us);
}

static void
count_out(const struct relay_item *it, uint64_t now_us)
{
	if (it->pkt.rtcp) {
		it->out->stats.out_rtcp++;
		it->out->out.rtcp_us = now_us;
	} else {
		it->out->stats.out_packets++;
		it->out->stats.out_octets += it->h.payload_len;
	}
}

/* The index is in the row from here on, before the packet leaves. */
static void
finish_protect(struct relay *r, struct relay_item *it, const struct srtp_op *op, uint64_t now_us)
{
	if (op->status == ERR_OK) {
		it->k->len = op->out_len;
		count_out(it, now_us);
		return;
	}
	it->row = it->out;
	drop_item(r, it,
		  op->status == ERR_EXPIRED  ? MEDIA_DROP_key_expired
		  : op->status == ERR_REPLAY ? MEDIA_DROP_index_used
					     : MEDIA_DROP_version);
}

static void
protect_batch(struct relay *r, unsigned n, uint64_t now_us)
{
	unsigned n_ops = 0;

	for (unsigned i = 0; i < n; i++) {
		struct relay_item *it = &r->items[i];

		if (it->step != RELAY_TAKEN)
			continue;
		if (!(it->out->conf.flags & MEDIA_F_SECURE)) {
			count_out(it, now_us);
			continue;
		}
		r->owner[n_ops] = it;
		r->ops[n_ops++] = (struct srtp_op){
			.key = keys_out(&r->keys, it->out_slot),
			.state = &it->out->out.state,
			.buf = it->k->p,
			.len = it->k->len,
			.cap = IO_PACKET_MAX,
			.flags = it->pkt.rtcp ? SRTP_OP_RTCP : 0,
		};
	}
	(void)srtp_protect_batch(r->conf.srtp, r->ops, n_ops);
	for (unsigned i = 0; i < n_ops; i++)
		finish_protect(r, r->owner[i], &r->ops[i], now_us);
}

static void
send_batch(struct relay *r, const struct io_packet *v, unsigned n)
{
	unsigned want = 0, sent;

	for (unsigned i = 0; i < n; i++)
		want += v[i].len > 0;
	if (want == 0)
		return;
	sent = r->conf.io.do_tx(r->conf.io.arg, v, n);
	r->conf.flows->mine->dropped[MEDIA_DROP_send] += want - sent;
}

/* A row is cold as a rule: bring the lines that a packet will touch, for all of the batch at once,
 * before the first one waits for them. */
static void
prefetch_row(const struct relay *r, uint32_t slot, bool out)
{
	const struct flow_row *row = flow_row(r->conf.flows, slot);

	if (slot >= r->conf.flows->n_slots)
		return;
	__builtin_prefetch(row, 1);
	__builtin_prefetch(&row->conf);
	__builtin_prefetch(out ? &row->out.state : &row->in.cell[0], 1);
	__builtin_prefetch(out ? (const void *)&row->out.rtp_us : &row->in.quality, 1);
	__builtin_prefetch(&row->stats, 1);
	__builtin_prefetch(&r->keys.slots[slot]);
}

/* Of the first n items what is taken leaves. */
static void
send_items(struct relay *r, unsigned n, uint64_t now_us)
{
	protect_batch(r, n, now_us);
	relay_settle(r);
	send_batch(r, r->rx, n);
}

unsigned
relay_batch(struct relay *r, uint64_t now_us)
{
	unsigned n;

	for (unsigned i = 0; i < IO_BATCH; i++)
		r->rx[i].p = r->buffers + (size_t)i * BUFFER_SIZE + IO_HEADROOM;
	n = r->conf.io.do_rx(r->conf.io.arg, r->rx, IO_BATCH);
	if (n && r->conf.on_received)
		r->conf.on_received(r->conf.arg, now_us);
	for (unsigned i = 0; i < n; i++)
		prefetch_row(r, r->rx[i].socket / 2, false);
	for (unsigned i = 0; i < n; i++)
		drop_item(r, &r->items[i], sort_item(r, &r->items[i], &r->rx[i]));
	for (unsigned i = 0; i < n; i++)
		if (r->items[i].step != RELAY_DROPPED)
			prefetch_row(r, r->items[i].row->conf.peer, true);
	verify_batch(r, n, now_us);
	for (unsigned i = 0; i < n; i++)
		if (r->items[i].step == RELAY_TAKEN)
			drop_item(r, &r->items[i], turn_item(r, &r->items[i], now_us));
	send_items(r, n, now_us);
	return n;
}

/* One packet of a digit; false: it cannot be sent to this row. */
static bool
play_packet(struct relay *r, uint64_t key, const struct rtp_event_packet *e, uint64_t now_us)
{
	uint32_t slot = (uint32_t)(key >> 32);
	struct flow_row *row = relay_touch(r, slot);
	struct io_packet *k = &r->rx[0];

	*k = (struct io_packet){.p = r->buffers + IO_HEADROOM,
				.len = RTP_HEADER_LEN + RTP_EVENT_LEN};
	r->items[0] = (struct relay_item){.k = k,
					  .out = row,
					  .out_slot = slot,
					  .h.payload_len = RTP_EVENT_LEN,
					  .step = RELAY_TAKEN};
	if (!row->open || key != digit_key(slot, row->generation) || !row->conf.event ||
	    !(row->conf.flags & MEDIA_F_SEND) || !address_packet(row, slot, false, k) ||
	    ((row->conf.flags & MEDIA_F_SECURE) && !keys_out(&r->keys, slot)))
		return false;
	outbound_event(row, e->first, k->p, now_us);
	memcpy(k->p + RTP_HEADER_LEN, e->payload, RTP_EVENT_LEN);
	send_items(r, 1, now_us);
	return true;
}

void
relay_digit(struct relay *r, const struct media_digit *d, uint64_t now_us)
{
	if (relay_owns(r, d->slot))
		(void)!rtp_digits_push(&r->playing, digit_key(d->slot, d->generation),
				       (struct rtp_event_digit){d->code, d->ms}, now_us);
}

void
relay_play(struct relay *r, uint64_t now_us)
{
	struct rtp_event_packet e;
	uint64_t key;

	while (rtp_digits_next(&r->playing, now_us, &key, &e))
		if (!play_packet(r, key, &e, now_us))
			rtp_digits_drop(&r->playing, key);
	relay_settle(r);
}

void
relay_send_rtcp(struct relay *r, uint32_t slot, struct str rtcp, uint64_t now_us)
{
	struct flow_row *row = relay_touch(r, slot);
	struct io_packet *k = &r->rx[0];

	*k = (struct io_packet){.p = r->buffers + IO_HEADROOM, .len = (uint32_t)rtcp.len};
	r->items[0] = (struct relay_item){
		.k = k, .out = row, .out_slot = slot, .pkt.rtcp = true, .step = RELAY_TAKEN};
	if (rtcp.len > RELAY_RTCP_MAX || !address_packet(row, slot, true, k) ||
	    ((row->conf.flags & MEDIA_F_SECURE) && !keys_out(&r->keys, slot)))
		return;
	memcpy(k->p, rtcp.p, rtcp.len);
	send_items(r, 1, now_us);
}

void
relay_send_as_is(struct relay *r, const struct media_send *s)
{
	uint8_t room[IO_HEADROOM + IO_PACKET_MAX]; /* a batch may be in hand in those of r */
	const struct flow_row *row;
	struct io_packet k = {.len = s->len, .socket = 2 * s->slot + (s->rtcp != 0), .addr = s->to};

	if (!relay_owns(r, s->slot) || s->len == 0 || s->len > MEDIA_PART_MAX)
		return;
	row = flow_row(r->conf.flows, s->slot);
	if (!row->open || row->generation != s->generation ||
	    !(row->conf.flags & (MEDIA_F_DTLS | MEDIA_F_ICE)))
		return;
	k.p = room + IO_HEADROOM;
	if (row->conf.dscp != MEDIA_DSCP_KEEP)
		k.dscp = row->conf.dscp;
	memcpy(k.p, s->p, s->len);
	send_batch(r, &k, 1);
}
