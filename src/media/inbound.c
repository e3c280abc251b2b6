#include "media/inbound.h"

#include <string.h>

#include "base/guard.h"

enum { CANDIDATES_MAX = INBOUND_AHEAD + 2, WRAP = 65536 };

/* ---- addresses ---- */

/* RTCP has addresses of its own but where it comes on the port of RTP. */
static const struct addr *
named_addr(const struct flow_row *r, bool rtcp)
{
	return rtcp && !(r->conf.flags & MEDIA_F_RTCP_MUX) ? &r->conf.rtcp : &r->conf.rtp;
}

static const struct addr *
verified_addr(const struct flow_row *r, bool rtcp)
{
	return rtcp && !(r->conf.flags & MEDIA_F_RTCP_MUX) ? &r->in.rtcp_far : &r->stats.far;
}

bool
inbound_is_named(const struct flow_row *r, bool rtcp, const struct addr *from)
{
	const struct addr *named = named_addr(r, rtcp), *verified = verified_addr(r, rtcp);

	return (named->family && addr_eq(from, named)) ||
	       (verified->family && addr_eq(from, verified));
}

bool
inbound_clear_ok(const struct flow_row *r, bool rtcp, const struct addr *from)
{
	bool learn =
		GUARD(M2, r->conf.flags & MEDIA_F_LEARN_CLEAR) && !verified_addr(r, rtcp)->family;

	return GUARD(M1, inbound_is_named(r, rtcp, from) || learn);
}

/* ---- which state ---- */

static int
find_cell(const struct flow_in *in, uint32_t serial, uint32_t ssrc)
{
	for (int i = 0; i < FLOW_CELLS; i++)
		if (serial && in->cell_serial[i] == serial && in->cell[i].ssrc == ssrc)
			return i;
	return -1;
}

static int
find_gone(const struct flow_in *in, uint32_t serial, uint32_t ssrc)
{
	for (int i = 0; i < FLOW_GONE; i++)
		if (serial && in->gone[i].serial == serial && in->gone[i].ssrc == ssrc)
			return i;
	return -1;
}

static uint32_t
other_serial(const struct flow_in *in, uint32_t serial)
{
	if (!in->old_serial)
		return 0;
	return serial == in->serial ? in->old_serial : in->serial;
}

/* What the other key knows of this source: the rollover counter that a re-key keeps. */
static bool
kept_index(const struct flow_in *in, uint32_t serial, const struct inbound_pkt *k, uint64_t *index)
{
	int i = find_cell(in, other_serial(in, serial), k->ssrc);

	if (k->rtcp || i < 0 || !srtp_state_started(&in->cell[i]))
		return false;
	*index = srtp_index_estimate(in->cell[i].rtp.next - 1, k->seq);
	return true;
}

/* The state of k's source under this key; true when the key has verified a packet of it before. */
static bool
choose_state(struct flow_in *in, uint32_t serial, const struct inbound_pkt *k,
	     struct inbound_try *t)
{
	int i = find_cell(in, serial, k->ssrc);
	uint64_t kept;

	memset(t, 0, sizeof(*t));
	t->way.serial = serial;
	if (i >= 0) {
		t->state = &in->cell[i];
		return true;
	}
	t->state = &t->temp;
	i = find_gone(in, serial, k->ssrc);
	if (i >= 0) {
		srtp_state_resume(&t->temp, k->ssrc, in->gone[i].rtp_next, in->gone[i].rtcp_next);
		return true;
	}
	srtp_state_init(&t->temp, k->ssrc);
	if (kept_index(in, serial, k, &kept)) {
		t->way.use_roc = true;
		t->way.roc = srtp_index_roc(kept);
	}
	return false;
}

bool
inbound_first(struct flow_row *r, const struct inbound_pkt *k, struct inbound_try *out)
{
	struct flow_in *in = &r->in;
	uint32_t serial = in->pinned ? in->pinned : in->serial;

	if (!serial)
		return false;
	(void)choose_state(in, serial, k, out);
	return true;
}

/* ---- the search ---- */

struct candidates {
	struct inbound_way v[CANDIDATES_MAX];
	unsigned n;
};

static void
add(struct candidates *c, uint32_t serial, uint32_t roc, bool use_roc)
{
	if (c->n < CANDIDATES_MAX)
		c->v[c->n++] = (struct inbound_way){serial, roc, use_roc};
}

/* Ahead of the highest index only: what was recorded earlier is never tried (M6 g). */
static void
add_ahead(const struct srtp_state *s, uint32_t serial, uint16_t seq, uint64_t tried,
	  struct candidates *c)
{
	uint64_t next = s->rtp.next, index = (next & ~(uint64_t)(WRAP - 1)) | seq;

	if (index < next)
		index += WRAP;
	for (int i = 0; i < INBOUND_AHEAD; i++, index += WRAP)
		if (index != tried && index < SRTP_INDEX_LIMIT)
			add(c, serial, srtp_index_roc(index), true);
}

/* A source that this key has not verified yet: the kept rollover counter, zero, the next one. */
static void
add_unknown(const struct flow_in *in, const struct inbound_try *first, const struct inbound_pkt *k,
	    uint64_t tried, struct candidates *c)
{
	const struct srtp_state *last = &in->cell[in->cell_last];
	uint32_t roc = srtp_index_roc(tried);

	if (roc != 0)
		add(c, first->way.serial, 0, true);
	if (!first->way.use_roc && in->cell_serial[in->cell_last] && srtp_state_started(last))
		roc = srtp_index_roc(srtp_index_estimate(last->rtp.next - 1, k->seq));
	if (srtp_index_make(roc, k->seq) != tried && roc != 0)
		add(c, first->way.serial, roc, true);
	add(c, first->way.serial, roc + 1, true);
}

/* The other key during the grace time. */
static void
add_other(struct flow_in *in, const struct inbound_pkt *k, uint32_t serial, struct candidates *c)
{
	struct inbound_try t;
	bool known = choose_state(in, serial, k, &t);

	add(c, serial, t.way.roc, t.way.use_roc);
	if (!known && t.way.use_roc && t.way.roc != 0)
		add(c, serial, 0, true);
}

static bool
take_token(struct flow_in *in, uint64_t now_us)
{
	uint64_t step = 1000000 / INBOUND_SEARCH_RATE;
	uint64_t n = (now_us - in->search_us) / step;

	if (in->search_tokens + n >= INBOUND_SEARCH_RATE) {
		in->search_tokens = INBOUND_SEARCH_RATE;
		in->search_us = now_us;
	} else {
		in->search_tokens = (uint8_t)(in->search_tokens + n);
		in->search_us += n * step;
	}
	if (!GUARD(M4, in->search_tokens > 0))
		return false;
	if (in->search_tokens > 0)
		in->search_tokens--;
	return true;
}

/* An honest duplicate or latecomer is not searched for. */
static bool
worth_search(const struct inbound_try *first, enum err status, uint64_t index)
{
	if (status == ERR_AUTH || status == ERR_EXPIRED)
		return true;
	return status == ERR_REPLAY && first->state->rtp.next > index + SRTP_WINDOW;
}

bool
inbound_second(struct flow_row *r, const struct inbound_pkt *k, enum err status, uint64_t index,
	       uint64_t now_us, struct inbound_try *t)
{
	struct flow_in *in = &r->in;
	struct candidates c = {.n = 0};
	uint32_t other = other_serial(in, t->way.serial);
	struct inbound_way way;

	if (!worth_search(t, status, index) && !(k->rtcp && status == ERR_REPLAY && other))
		return false;
	if (!inbound_is_named(r, k->rtcp, &k->from))
		return false;
	if (other)
		add_other(in, k, other, &c);
	else if (k->rtcp)
		return false; /* its index stands in it */
	else if (t->state != &t->temp || srtp_state_started(t->state))
		add_ahead(t->state, t->way.serial, k->seq, index, &c);
	else
		add_unknown(in, t, k, index, &c);
	if (c.n == 0 || !take_token(in, now_us))
		return false;
	way = c.v[in->search_turn++ % c.n];
	(void)choose_state(in, way.serial, k, t);
	t->way = way;
	return true;
}

/* ---- after the tag ---- */

/* A key that packets are tried under; 0 is none. */
static bool
is_in_use(const struct flow_in *in, uint32_t serial)
{
	return serial && (serial == in->serial || serial == in->old_serial);
}

static void
remember_gone(struct flow_in *in, int cell)
{
	const struct srtp_state *s = &in->cell[cell];
	int last = 0;

	while (last < FLOW_GONE - 1 && is_in_use(in, in->gone[last].serial))
		last++;
	memmove(&in->gone[1], &in->gone[0], (size_t)last * sizeof(in->gone[0]));
	in->gone[0] = (struct flow_gone){.rtp_next = s->rtp.next,
					 .rtcp_next = (uint32_t)s->rtcp.next,
					 .ssrc = s->ssrc,
					 .serial = in->cell_serial[cell]};
}

static int
free_cell(struct flow_in *in)
{
	int victim = (in->cell_last + 1) % FLOW_CELLS;

	for (int i = 0; i < FLOW_CELLS; i++)
		if (!is_in_use(in, in->cell_serial[i]))
			return i;
	remember_gone(in, victim);
	in->cell_serial[victim] = 0;
	return victim;
}

/* The first packet of a source under a new key says what its sender does with the counter. */
static void
note_roc_way(struct flow_in *in, const struct inbound_pkt *k, uint32_t serial, uint64_t index)
{
	uint64_t kept;

	if (kept_index(in, serial, k, &kept) && srtp_index_roc(kept) > 0)
		in->roc_way = srtp_index_roc(index) == 0 ? FLOW_ROC_RESET : FLOW_ROC_KEPT;
}

static int
keep_state(struct flow_in *in, const struct inbound_try *t)
{
	int i = find_cell(in, t->way.serial, t->temp.ssrc), old;

	if (i >= 0)
		return i; /* made by an earlier packet of the batch: nothing of t is newer */
	i = free_cell(in);
	in->cell[i] = t->temp;
	in->cell_serial[i] = t->way.serial;
	old = find_gone(in, t->way.serial, t->temp.ssrc);
	if (old >= 0)
		memset(&in->gone[old], 0, sizeof(in->gone[old]));
	return i;
}

static void
learn_addr(struct flow_row *r, const struct inbound_pkt *k)
{
	if (!k->rtcp)
		r->stats.far = k->from;
	else if (!(r->conf.flags & MEDIA_F_RTCP_MUX))
		r->in.rtcp_far = k->from;
}

void
inbound_verified(struct flow_row *r, const struct inbound_pkt *k, const struct inbound_try *t,
		 uint64_t index)
{
	struct flow_in *in = &r->in;
	int cell = t->state == &t->temp ? keep_state(in, t)
					: find_cell(in, t->way.serial, t->state->ssrc);
	const struct srtp_replay *w;

	if (cell < 0)
		return;
	if (t->state == &t->temp)
		note_roc_way(in, k, t->way.serial, index);
	w = k->rtcp ? &in->cell[cell].rtcp : &in->cell[cell].rtp;
	in->pinned = t->way.serial;
	if (!k->rtcp)
		in->cell_last = (uint8_t)cell;
	if (w->next == index + 1) /* a latecomer does not move the address back */
		learn_addr(r, k);
}

void
inbound_taken(struct flow_row *r, const struct inbound_pkt *k, uint64_t now_us)
{
	struct flow_in *in = &r->in;

	in->media_us = now_us;
	r->timeout_said = 0;
	if (!(r->conf.flags & MEDIA_F_SECURE))
		learn_addr(r, k);
	if (k->rtcp) {
		in->rtcp_us = now_us;
		r->stats.in_rtcp++;
		return;
	}
	if (in->has_source && in->ssrc == k->ssrc)
		return;
	if (in->has_source)
		quality_new_source(&in->quality);
	in->ssrc = k->ssrc;
	in->has_source = 1;
	in->sr_mid = 0;
}

void
inbound_listen(struct flow_row *r, const struct rtp_hdr *h, const uint8_t *p)
{
	struct media_stats *s = &r->stats;

	if (h->pt != RTP_PT_PCMU && h->pt != RTP_PT_PCMA)
		return;
	if (h->payload_len == 0 || s->in_judged == UINT16_MAX)
		return;
	s->in_judged++;
	s->in_silent += rtp_g711_silent(h->pt, p + h->header_len, h->payload_len);
}

/* Another payload type than that of the packet before. */
static void
look_up_pt(struct flow_row *r, uint8_t pt)
{
	const struct media_pts *m = &r->conf.pts;
	unsigned i = 0;

	while (i < m->n && i < MEDIA_PTS && m->from[i] != pt)
		i++;
	r->in.pt_known = 1;
	r->in.pt = pt;
	r->in.pt_to = i < m->n && i < MEDIA_PTS ? m->to[i] : pt;
	r->in.pt_strange = i >= m->n && (r->conf.flags & MEDIA_F_PTS_ALL);
}

uint8_t
inbound_pt(struct flow_row *r, uint8_t pt)
{
	if (!r->in.pt_known || r->in.pt != pt)
		look_up_pt(r, pt);
	if (r->in.pt_strange)
		r->stats.in_strange++;
	return r->in.pt_to;
}

void
inbound_rekey(struct flow_row *r, uint32_t serial, uint8_t old_suite, uint64_t now_us)
{
	struct flow_in *in = &r->in;
	bool used = false;

	for (int i = 0; i < FLOW_CELLS; i++)
		used |= in->serial && in->cell_serial[i] == in->serial;
	if (used || !in->old_serial) {
		in->old_serial = in->serial;
		in->old_suite = old_suite;
	}
	in->serial = serial;
	in->grace_us = in->old_serial ? now_us + INBOUND_GRACE_US : 0;
	in->pinned = in->old_serial && used ? in->old_serial : serial;
	in->search_turn = 0;
}

bool
inbound_grace_over(struct flow_row *r, uint64_t now_us)
{
	struct flow_in *in = &r->in;

	if (!in->grace_us || now_us < in->grace_us)
		return false;
	in->grace_us = 0;
	in->old_serial = 0;
	in->pinned = in->serial;
	for (int i = 0; i < FLOW_CELLS; i++)
		if (in->cell_serial[i] != in->serial)
			in->cell_serial[i] = 0;
	return true;
}
