#include "call/renew.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "call/dtls.h"
#include "call/negotiate.h"
#include "call/row.h"
#include "call/speak.h"

enum {
	RENEW_TRIES = 5,
	RENEW_BUSY_US = 500 * CLOCK_MS, /* another change is in hand */
};

static const struct call_ops *
ops_of(const struct call *c)
{
	return &c->owner->ops;
}

uint64_t
renew_glare_us(enum call_leg_index i)
{
	uint64_t step = random_u32() % 200 * 10 * CLOCK_MS;

	return i == LEG_B ? 2100 * CLOCK_MS + step : step;
}

void
renew_ask(struct call *c, enum call_leg_index i)
{
	c->renew = (struct call_renew){.at = c->owner->now, .leg = (uint8_t)i};
}

void
renew_forget(struct call *c)
{
	c->renew.at = TIMER_NEVER;
}

static void
forget(struct call *c, struct edge_txn **t)
{
	if (*t)
		ops_of(c)->do_forget(ops_of(c)->arg, *t);
	*t = NULL;
}

/* An INVITE of ours to the leg that is asked, with this body. */
static bool
send_invite(struct call *c, enum call_leg_index i, struct str body)
{
	struct call_change *k = &c->change;
	struct leg_request r = {.method = SIP_INVITE};

	if (body.len) {
		r.type = STR("application/sdp");
		r.body = body;
	}
	c->leg[i].answer_in_ack = false;
	forget(c, &k->out);
	k->asked.leg = i;
	k->m.out_invite = true;
	return speak_request(c, i, &r, &k->asked, &k->out);
}

static enum refusal step(struct call *c, enum amend_event ev);

/* The other leg gets the offer. */
static enum refusal
place_offer(struct call *c)
{
	enum call_leg_index to = (enum call_leg_index)(1 - c->change.first.leg);

	if (send_invite(c, to, said_of(c, to)))
		return REFUSAL_NONE;
	c->change.why = REFUSAL_UNREACHABLE;
	return step(c, AMEND_EV_FAIL);
}

/* What the first leg said is its transaction's; from here on the asked one is the other. */
static void
turn_over(struct call *c)
{
	struct call_change *k = &c->change;

	k->first = (struct call_user){c, k->asked.leg, USER_FIRST};
	k->first_out = k->out;
	k->out = NULL;
	if (k->first_out)
		ops_of(c)->do_set_user(ops_of(c)->arg, k->first_out, &k->first);
}

static enum refusal
step(struct call *c, enum amend_event ev)
{
	struct call_change *k = &c->change;
	enum amend_state before = k->m.state;
	unsigned todo = amend_step(&k->m, ev, c->owner->now);

	if (k->m.state != before)
		log_debug("call.change", "id=%s %s: %s -> %s", c->rec.id.z, amend_event_name(ev),
			  amend_state_name(before), amend_state_name(k->m.state));
	if (todo & (AMEND_DO_ACK | AMEND_DO_ACK_FIRST))
		speak_store(c);
	if (todo & AMEND_DO_ACK)
		speak_ack(c, k->asked.leg);
	if (todo & AMEND_DO_ACK_FIRST) {
		c->leg[k->first.leg].answer_in_ack = ev == AMEND_EV_OK;
		speak_ack(c, k->first.leg);
	}
	if (k->m.state == AMEND_NONE && before != AMEND_NONE) {
		negotiate_drop(c);
		c->renew.result = ev == AMEND_EV_OK ? RENEW_DONE : RENEW_FAILED;
		if (ev != AMEND_EV_OK) /* it never was the session */
			said_drop(c, (enum call_leg_index)k->asked.leg);
	}
	if (todo & AMEND_DO_STOP)
		return k->why;
	return todo & AMEND_DO_PLACE ? place_offer(c) : REFUSAL_NONE;
}

/* ---- beginning, and again ---- */

static void
again(struct call *c, uint64_t after_us)
{
	c->renew.at = c->owner->now + after_us;
}

enum refusal
renew_due(struct call *c)
{
	struct call_change *k = &c->change;

	if (c->renew.at > c->owner->now)
		return REFUSAL_NONE;
	c->renew.at = TIMER_NEVER;
	if (k->m.state == AMEND_PLACING)
		return place_offer(c);
	if (c->m.state != B2BUA_UP || k->m.state != AMEND_NONE) {
		again(c, RENEW_BUSY_US);
		return REFUSAL_NONE;
	}
	k->why = REFUSAL_NONE;
	forget(c, &k->first_out);
	if (send_invite(c, (enum call_leg_index)c->renew.leg, STR_NULL))
		return step(c, AMEND_EV_RENEW);
	c->renew.result = RENEW_FAILED;
	return REFUSAL_NONE;
}

/* Both rows of a call are one worker's. A leg that came from another call may have to get a port of
 * its own here, with keys of its own: it is about to be offered them. */
static enum refusal
move_near(struct call *c, enum call_leg_index i)
{
	const struct snapshot_view *v = c->owner->snap;
	const struct media_plan *plan = c->owner->conf.plan;
	struct record_leg *l = &c->rec.leg[i];
	struct call_leg *leg = &c->leg[i];
	struct sdp_origin origin = l->origin;
	struct media_open old = l->media;
	uint32_t trunk = v ? snapshot_trunk(v, str_from(l->trunk.z)) : POLICY_NONE;
	enum refusal r;

	if (!plan || media_slot_worker(plan, old.slot) ==
			     media_slot_worker(plan, c->rec.leg[1 - i].media.slot))
		return REFUSAL_NONE;
	if (trunk == POLICY_NONE || c->n_moved == CALL_TRANSFERS_MAX)
		return REFUSAL_NO_PORTS;
	l->media_open = 0;
	r = row_port(c, i, trunk);
	l->origin = origin; /* the session stays the same */
	if (r != REFUSAL_NONE) {
		l->media = old;
		l->media_open = 1;
		return r;
	}
	c->moved[c->n_moved].slot = old.slot;
	c->moved[c->n_moved++].generation = old.generation;
	ops_of(c)->do_close(ops_of(c)->arg, old.slot, old.generation);
	leg->audio.in_serial = leg->audio.out_serial = leg->audio.last_in = leg->audio.last_out = 0;
	leg->audio.local.n_crypto = 0;
	dtls_move(c, i);
	return REFUSAL_NONE;
}

/* ---- what they say ---- */

static enum refusal
take_ok(struct call *c, const struct edge_news *news)
{
	struct call_change *k = &c->change;
	bool fetched = k->m.state == AMEND_FETCHING;
	const char *why = "";
	enum refusal r;

	leg_take_ok(c, k->asked.leg, news);
	if (fetched) {
		r = negotiate_offer(c, k->asked.leg, news->msg, NULL, &why);
		if (r == REFUSAL_NONE)
			r = move_near(c, (enum call_leg_index)(1 - k->asked.leg));
		if (r == REFUSAL_NONE)
			r = negotiate_ask(c);
		if (r == REFUSAL_NONE)
			turn_over(c);
	} else {
		r = negotiate_answer(c, news->msg, &why);
	}
	if (r == REFUSAL_NONE)
		return step(c, fetched ? AMEND_EV_OK_OFFER : AMEND_EV_OK);
	log_warn("call.answer", "id=%s the answer to a change of ours cannot be used: %s",
		 c->rec.id.z, why);
	k->why = r == REFUSAL_MEDIA_BUSY ? r : REFUSAL_BAD_ANSWER;
	return step(c, AMEND_EV_BAD);
}

/* A change of the peer crossed ours: it comes first (RFC 3261 14.1). */
static bool
yields(struct call *c, const struct edge_news *news)
{
	if (news->event != EDGE_RESPONSE ||
	    (news->msg->status != 491 && news->msg->status != 500) || c->renew.tries >= RENEW_TRIES)
		return false;
	c->renew.tries++;
	again(c, renew_glare_us(c->change.asked.leg));
	return true;
}

enum refusal
renew_news(struct call *c, const struct edge_news *news)
{
	struct call_change *k = &c->change;
	bool response = news->event == EDGE_RESPONSE, waits;
	enum refusal r;

	if (response && news->msg->status < 300)
		return take_ok(c, news);
	k->why = response                      ? REFUSAL_BAD_ANSWER
		 : news->event == EDGE_TIMEOUT ? REFUSAL_PEER_GONE
					       : REFUSAL_UNREACHABLE;
	if (news->event == EDGE_TIMEOUT ||
	    (response && (news->msg->status == 408 || news->msg->status == 481))) {
		k->why = REFUSAL_PEER_GONE;
		return step(c, AMEND_EV_GONE);
	}
	waits = yields(c, news);
	if (waits && k->m.state == AMEND_PLACING)
		return REFUSAL_NONE;
	r = step(c, AMEND_EV_FAIL);
	if (waits)
		c->renew.result = RENEW_NOTHING;
	return r;
}

void
renew_first_news(struct call *c, const struct edge_news *news)
{
	struct call_change *k = &c->change;

	if (news->last)
		k->first_out = NULL;
	if (news->event == EDGE_RESPONSE && k->m.state != AMEND_PLACING &&
	    news->msg->status < 300 &&
	    news->msg->cseq == c->rec.leg[k->first.leg].dialog.local_invite_cseq)
		speak_ack(c, k->first.leg);
}

enum refusal
renew_late(struct call *c)
{
	c->change.why = REFUSAL_PEER_GONE;
	return step(c, AMEND_EV_DUE);
}

void
renew_end(struct call *c)
{
	renew_forget(c);
	(void)step(c, AMEND_EV_END);
}
