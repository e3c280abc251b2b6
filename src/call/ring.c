#include "call/ring.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "call/parts.h"
#include "call/speak.h"

static const struct call_ops *
ops_of(const struct call *c)
{
	return &c->owner->ops;
}

/* ---- the caller ---- */

void
ring_begin(struct call *c, const struct sip_msg *invite)
{
	struct call_ring *r = &c->ring;

	r->demanded = sip_hdr_has(invite, SIP_H_REQUIRE, "100rel");
	r->taken = r->demanded || sip_hdr_has(invite, SIP_H_SUPPORTED, "100rel");
}

/* The response that is in r, for the first time with what crosses of from, or again. */
static void
send_ring(struct call *c, const struct sip_msg *from)
{
	struct call_ring *r = &c->ring;
	struct edge_txn *txn = c->leg[LEG_A].invite;

	r->shown = r->shown || r->with_sdp;
	if (txn)
		speak_response(
			c, LEG_A, txn,
			&(struct leg_answer){.status = r->status,
					     .from = from,
					     .body = r->with_sdp ? said_of(c, LEG_A) : STR_NULL,
					     .rseq = r->waits ? r->rseq : 0});
}

void
ring_pass(struct call *c, const struct sip_msg *msg)
{
	struct call_ring *r = &c->ring;
	int status = msg ? msg->status : r->next_status;
	bool sdp = (c->x.answered || (r->offered && !r->shown)) &&
		   (msg ? parts_with_sdp(msg) : r->next_sdp);

	if (!c->rec.ringing_us)
		c->rec.ringing_us = clock_wall_us();
	if (r->waits && (sdp || r->demanded)) { /* one at a time (RFC 3262 3) */
		r->next_status = status;
		r->next_sdp = r->next_sdp || sdp;
		return;
	}
	if (r->waits) { /* beside it, and not reliable */
		speak_response(c, LEG_A, c->leg[LEG_A].invite,
			       &(struct leg_answer){.status = status, .from = msg});
		return;
	}
	if (r->demanded && c->late && !r->offered)
		return; /* it could not be reliable without an offer */
	r->next_status = 0;
	r->next_sdp = false;
	r->status = status;
	r->with_sdp = sdp;
	r->waits = r->demanded || (r->taken && sdp);
	if (r->waits) {
		r->rseq = r->rseq ? r->rseq + 1 : 1 + random_u32() % RING_RSEQ_FIRST_MAX;
		sip_ok_retrans_begin(&r->again, &c->owner->conf.times, c->owner->now);
	}
	send_ring(c, msg);
}

enum ring_prack
ring_prack(struct call *c, struct edge_txn *txn, const struct sip_msg *m)
{
	struct call_ring *r = &c->ring;
	struct sip_rack k;
	bool ours = r->waits && sip_rack_read(m, &k) == ERR_OK && k.rseq == r->rseq &&
		    k.cseq == c->rec.leg[LEG_A].dialog.remote_invite_cseq &&
		    str_ieqz(k.method, "INVITE");
	bool answers = ours && r->with_sdp && ring_owes_answer(c);

	if (!ours || (m->body.len == 0 && !answers))
		speak_plain(c->owner, txn, m, &c->rec.leg[LEG_A].remote,
			    &(struct leg_plain){.status = ours ? 200 : 481,
						.warning = "",
						.id = "",
						.allow = leg_allows(c, LEG_A)});
	if (!ours)
		return RING_PRACK_DONE;
	r->sure[LEG_A] = r->sure[LEG_A] || r->with_sdp;
	ring_stop(c);
	if (r->next_status)
		ring_pass(c, NULL);
	return answers ? RING_PRACK_ANSWERS : m->body.len ? RING_PRACK_OFFERS : RING_PRACK_DONE;
}

enum refusal
ring_due(struct call *c)
{
	struct call_ring *r = &c->ring;

	switch (sip_ok_retrans_step(&r->again, c->owner->now)) {
	case SIP_OK_SEND:
		send_ring(c, NULL);
		break;
	case SIP_OK_GIVE_UP:
		return REFUSAL_NO_PRACK;
	case SIP_OK_NOTHING:
		break;
	}
	return REFUSAL_NONE;
}

void
ring_stop(struct call *c)
{
	c->ring.waits = false;
	sip_ok_retrans_stop(&c->ring.again);
}

/* ---- the called side ---- */

void
ring_leave_fork(struct call *c)
{
	struct str tag = sip_dialog_str(&c->rec.leg[LEG_B].dialog, SIP_DIALOG_REMOTE_TAG);
	struct call_ring *r = &c->ring;
	uint32_t i = 0;

	if (!r->fork)
		r->fork = pool_get(&c->owner->forks);
	if (!r->fork)
		return;
	while (i < r->n_forks && !str_eqz(tag, r->fork[i].tag))
		i++;
	if (i == CALL_FORKS || str_copyz(r->fork[i].tag, sizeof(r->fork[i].tag), tag) != ERR_OK)
		return;
	if (i == r->n_forks)
		r->n_forks++;
	r->fork[i].cseq = c->rec.leg[LEG_B].dialog.local_cseq;
	r->fork[i].rseq = r->rseq_b;
}

void
ring_enter_fork(struct call *c)
{
	struct sip_dialog *d = &c->rec.leg[LEG_B].dialog;
	struct str tag = sip_dialog_str(d, SIP_DIALOG_REMOTE_TAG);
	struct call_ring *r = &c->ring;

	r->rseq_b = 0;
	r->sure[LEG_B] = false;
	for (uint32_t i = 0; i < r->n_forks; i++)
		if (str_eqz(tag, r->fork[i].tag)) {
			d->local_cseq = r->fork[i].cseq;
			r->rseq_b = r->fork[i].rseq;
		}
}

/* The number of a reliable one; 0: it is none, or nobody could acknowledge it. */
static uint32_t
rseq_of(const struct sip_msg *m)
{
	uint32_t rseq;

	return m->to_tag.len && sip_hdr_has(m, SIP_H_REQUIRE, "100rel") &&
			       sip_number_read(m, SIP_H_RSEQ, &rseq) == ERR_OK
		       ? rseq
		       : 0;
}

static void
send_prack(struct call *c, uint32_t rseq, uint32_t cseq, struct str body)
{
	struct leg_request request = {.method = SIP_PRACK};
	struct edge_txn *txn;
	char rack[48];

	(void)snprintf(rack, sizeof(rack), "%u %u INVITE", rseq, cseq);
	request.rack = rack;
	if (body.len) {
		request.type = STR("application/sdp");
		request.body = body;
	}
	if (speak_request(c, LEG_B, &request, NULL, &txn))
		ops_of(c)->do_forget(ops_of(c)->arg, txn);
}

bool
ring_is_offer(const struct call *c, const struct sip_msg *m)
{
	return c->late && c->ring.taken && !c->ring.offered && rseq_of(m) && parts_with_sdp(m);
}

bool
ring_owes_answer(const struct call *c)
{
	return c->ring.offered && !c->ring.sure[LEG_A];
}

void
ring_answer_offer(struct call *c)
{
	c->ring.sure[LEG_B] = true;
	send_prack(c, c->ring.offer_rseq, c->ring.offer_cseq, said_of(c, LEG_B));
}

bool
ring_take(struct call *c, const struct sip_msg *m)
{
	struct call_ring *r = &c->ring;
	uint32_t rseq = rseq_of(m);

	if (rseq == 0 || (c->late && !r->taken)) /* not asked for then */
		return true;
	if (r->rseq_b && rseq != r->rseq_b + 1)
		return false;
	r->rseq_b = rseq;
	if (ring_is_offer(c, m)) {
		r->offer_rseq = rseq;
		r->offer_cseq = m->cseq;
	} else {
		send_prack(c, rseq, m->cseq, STR_NULL);
	}
	return true;
}

void
ring_answered(struct call *c, const struct sip_msg *m)
{
	if (rseq_of(m))
		c->ring.sure[LEG_B] = true;
}

void
ring_leave_target(struct call *c)
{
	c->ring.rseq_b = c->ring.n_forks = 0;
	c->ring.sure[LEG_B] = false;
}

bool
ring_may_offer(const struct call *c, enum call_leg_index i)
{
	const struct call_ring *r = &c->ring;

	return (c->m.state == B2BUA_TRYING || c->m.state == B2BUA_RINGING) && r->sure[LEG_A] &&
	       r->sure[LEG_B] && !r->held && c->rec.leg[1 - i].allows_update;
}

/* ---- a 2xx that waits ---- */

bool
ring_must_wait(const struct call *c)
{
	return c->ring.waits && c->ring.with_sdp &&
	       (c->m.state == B2BUA_TRYING || c->m.state == B2BUA_RINGING);
}

bool
ring_hold(struct call *c, const struct edge_news *news)
{
	struct call_ring *r = &c->ring;
	struct str text = news->msg->all;

	if (r->held)
		return true;
	if (text.len > CALL_OFFER_MAX || !(r->held = pool_get(&c->owner->offers)))
		return false;
	memcpy(r->held, text.p, text.len);
	r->n_held = text.len;
	r->held_from = news->source;
	r->held_from.tls_version = r->held_from.tls_suite = r->held_from.tls_peer = "";
	return true;
}

bool
ring_ready(const struct call *c)
{
	return c->ring.held && !ring_must_wait(c);
}

void
ring_drop(struct call *c)
{
	pool_put(&c->owner->offers, c->ring.held);
	c->ring.held = NULL;
}

void
ring_end(struct call *c)
{
	ring_drop(c);
	pool_put(&c->owner->forks, c->ring.fork);
	c->ring.fork = NULL;
	c->ring.n_forks = 0;
}
