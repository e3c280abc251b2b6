#include "call/modify.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "call/negotiate.h"
#include "call/parts.h"
#include "call/renew.h"
#include "call/ring.h"
#include "call/speak.h"

enum {
	RETRY_MAX_S = 10,                /* RFC 3261 14.2 */
	REFRESH_AGAIN_US = 10 * CLOCK_S, /* after a refresh that failed */
	REKEY_AGAIN_US = 5 * CLOCK_S,    /* after a new key that was not taken, or had to wait */
	REKEY_TRIES = 20,
};

static const struct call_ops *
ops_of(const struct call *c)
{
	return &c->owner->ops;
}

/* ---- answers to the leg that asks ---- */

static void
refuse(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
       const struct leg_plain *p)
{
	speak_plain(c->owner, txn, m, &c->rec.leg[i].remote, p);
}

static void
refuse_why(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
	   enum refusal r, const char *more)
{
	refuse(c, i, txn, m,
	       &(struct leg_plain){.status = refusal_status(r),
				   .warning = more[0] ? more : refusal_text(r),
				   .id = c->rec.id.z});
}

static void
answer_asking(struct call *c, const struct sip_msg *from)
{
	struct call_change *k = &c->change;
	enum call_leg_index i = k->asking.leg;
	const struct sip_msg *req = ops_of(c)->do_request_of(ops_of(c)->arg, k->in);

	leg_refresh_target(c, i, req);
	if (c->rec.leg[i].dialog.state == SIP_DIALOG_EARLY && k->m.in_invite) { /* call/replace */
		(void)!sip_dialog_step(&c->rec.leg[i].dialog, SIP_DIALOG_EV_ANSWER);
		c->leg[i].left = false;
	}
	speak_response(c, i, k->in,
		       &(struct leg_answer){.status = 200, .from = from, .body = said_of(c, i)});
	if (!k->m.in_invite)
		return;
	c->ok_txn = k->in;
	sip_ok_retrans_begin(&c->ok, &c->owner->conf.times, c->owner->now);
}

static void
reject_asking(struct call *c)
{
	struct call_change *k = &c->change;
	struct edge_txn *in = k->in;
	bool ours = k->why != REFUSAL_NONE;

	if (!in)
		return;
	k->in = NULL;
	speak_store(c);
	refuse(c, k->asking.leg, in, ops_of(c)->do_request_of(ops_of(c)->arg, in),
	       &(struct leg_plain){.status = k->status ? k->status : 487,
				   .warning = ours ? refusal_text(k->why) : "",
				   .id = ours ? c->rec.id.z : "",
				   .retry_s = k->retry_s});
}

/* ---- steps ---- */

/* The change is over, one way or the other. */
static void
clear_change(struct call *c)
{
	struct call_change *k = &c->change;

	if (k->in) {
		sip_ok_retrans_stop(&c->ok);
		ops_of(c)->do_forget(ops_of(c)->arg, k->in);
		k->in = NULL;
	}
	negotiate_drop(c);
}

static enum refusal
step(struct call *c, enum amend_event ev, const struct sip_msg *msg)
{
	struct call_change *k = &c->change;
	enum amend_state before = k->m.state;
	unsigned todo = amend_step(&k->m, ev, c->owner->now);

	if (k->m.state != before)
		log_debug("call.change", "id=%s %s: %s -> %s", c->rec.id.z, amend_event_name(ev),
			  amend_state_name(before), amend_state_name(k->m.state));
	if (todo & AMEND_DO_ACK) {
		speak_store(c);
		speak_ack(c, k->asked.leg);
	}
	if (todo & AMEND_DO_ANSWER)
		answer_asking(c, msg);
	if (todo & AMEND_DO_REJECT)
		reject_asking(c);
	if ((todo & AMEND_DO_CANCEL) && k->out && k->m.out_invite)
		ops_of(c)->do_cancel(ops_of(c)->arg, k->out, STR_NULL);
	if (k->m.state == AMEND_NONE && before != AMEND_NONE)
		clear_change(c);
	return todo & AMEND_DO_STOP ? k->why : REFUSAL_NONE;
}

/* ---- asking ---- */

/* Before both legs are up: an UPDATE that offers nothing, or an offer that may go on. */
static bool
is_early(const struct call *c, enum call_leg_index i, const struct sip_msg *m)
{
	if (m->method == SIP_INVITE)
		return false;
	return ring_may_offer(c, i) ||
	       (m->body.len == 0 && (c->m.state == B2BUA_TRYING || c->m.state == B2BUA_RINGING ||
				     c->m.state == B2BUA_ANSWERED));
}

/* May this request be taken now? Else it is answered (RFC 3261 14.2, RFC 3311 5.2). */
static bool
is_free(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m)
{
	const struct call_change *k = &c->change;
	struct leg_plain p = {
		.status = 491, .warning = refusal_text(REFUSAL_PENDING), .id = c->rec.id.z};

	if (k->m.state == AMEND_NONE && (c->m.state == B2BUA_UP || is_early(c, i, m)))
		return true;
	if (c->m.state == B2BUA_ENDING || c->m.state == B2BUA_ENDED) {
		p = (struct leg_plain){.status = 481, .warning = "", .id = ""};
	} else if (m->method == SIP_PRACK) {
		p.status = 488; /* what it acknowledges counts all the same */
	} else if (c->m.state != B2BUA_UP ? i == LEG_A : k->in && k->asking.leg == i) {
		p.status = 500;
		p.retry_s = 1 + random_u32() % RETRY_MAX_S;
	}
	refuse(c, i, txn, m, &p);
	return false;
}

/* The request goes on to the other leg. */
static enum refusal
ask_other(struct call *c, enum call_leg_index i, const struct sip_msg *m)
{
	struct call_change *k = &c->change;
	enum call_leg_index to = (enum call_leg_index)(1 - i);
	enum refusal r = k->late ? REFUSAL_NONE : negotiate_ask(c);
	struct leg_request request = {.method = m->method, .from = m};

	if (r != REFUSAL_NONE)
		return r;
	if (!c->rec.leg[to].allows_update)
		request.method = SIP_INVITE;
	else if (m->method == SIP_PRACK)
		request.method = SIP_UPDATE;
	if (!k->late) {
		request.type = STR("application/sdp");
		request.body = said_of(c, to);
	}
	c->leg[to].answer_in_ack = false;
	if (k->out) /* copies of what it said to an earlier change */
		ops_of(c)->do_forget(ops_of(c)->arg, k->out);
	k->out = NULL;
	k->asked.leg = to;
	k->m.out_invite = request.method == SIP_INVITE;
	return speak_request(c, to, &request, &k->asked, &k->out) ? REFUSAL_NONE
								  : REFUSAL_UNREACHABLE;
}

/* An UPDATE that offers nothing: a target, or a sign of life (RFC 3311 5.1). */
static void
take_refresh(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m)
{
	leg_refresh_target(c, i, m);
	speak_response(c, i, txn, &(struct leg_answer){.status = 200});
	ops_of(c)->do_forget(ops_of(c)->arg, txn);
}

enum refusal
modify_request(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m)
{
	struct call_change *k = &c->change;
	bool invite = m->method == SIP_INVITE, known = false;
	const char *why = "";
	enum refusal r = REFUSAL_NONE;

	if (session_too_short(m)) {
		refuse_why(c, i, txn, m, REFUSAL_INTERVAL, "");
		return REFUSAL_NONE;
	}
	if (!is_free(c, i, txn, m))
		return REFUSAL_NONE;
	if (!invite && m->body.len == 0) {
		take_refresh(c, i, txn, m);
		return REFUSAL_NONE;
	}
	k->late = m->body.len == 0 || (invite && parts_alone(c, m));
	k->why = REFUSAL_NONE;
	k->status = 0;
	k->retry_s = 0;
	c->amended = c->amended || c->m.state != B2BUA_UP;
	r = parts_judge(c, m, &why);
	if (r == REFUSAL_NONE && !k->late)
		r = negotiate_offer(c, i, m, txn, &why);
	if (r == REFUSAL_NONE && !k->late)
		known = !parts_go_on(c, (enum call_leg_index)(1 - i), m) && negotiate_known(c);
	if (r == REFUSAL_NONE && !known)
		r = ask_other(c, i, m);
	if (r != REFUSAL_NONE) {
		negotiate_drop(c);
		refuse_why(c, i, txn, m, r, why);
		return REFUSAL_NONE;
	}
	k->in = txn;
	k->asking.leg = i;
	k->m.in_invite = invite;
	ops_of(c)->do_set_user(ops_of(c)->arg, txn, &k->asking);
	r = step(c, known ? AMEND_EV_KNOWN : AMEND_EV_ASK, NULL);
	if (known && !invite)
		clear_change(c);
	return r;
}

enum refusal
modify_ack(struct call *c, enum call_leg_index i, const struct sip_msg *m)
{
	struct call_change *k = &c->change;
	const char *why = "";
	enum refusal r;

	if (k->m.state != AMEND_ACKING || k->asking.leg != i)
		return REFUSAL_NONE;
	speak_acked(c);
	if (!k->m.owes_ack)
		return step(c, AMEND_EV_ACK, m);
	r = m->body.len ? negotiate_answer(c, m, &why) : REFUSAL_BAD_ACK;
	if (r == REFUSAL_NONE) {
		c->leg[k->asked.leg].answer_in_ack = true;
		return step(c, AMEND_EV_ACK, m);
	}
	log_warn("call.answer", "id=%s the answer in ACK cannot be used: %s", c->rec.id.z, why);
	k->why = r == REFUSAL_MEDIA_BUSY ? r : REFUSAL_BAD_ACK;
	return step(c, AMEND_EV_BAD_ACK, m);
}

enum refusal
modify_cancel(struct call *c)
{
	return step(c, AMEND_EV_CANCEL, NULL);
}

/* ---- asked ---- */

/* Its 2xx. */
static enum refusal
take_ok(struct call *c, const struct edge_news *news)
{
	struct call_change *k = &c->change;
	const struct sip_msg *m = news->msg;
	const char *why = "";
	enum refusal r;
	bool fax;

	leg_take_ok(c, k->asked.leg, news);
	if (!k->late) {
		r = negotiate_answer(c, m, &why);
	} else {
		r = negotiate_offer(c, k->asked.leg, m, NULL, &why);
		if (r == REFUSAL_NONE)
			r = negotiate_ask(c);
	}
	if (r == REFUSAL_NONE)
		return step(c, k->late ? AMEND_EV_OK_OFFER : AMEND_EV_OK, m);
	log_warn("call.answer", "id=%s the answer to a change cannot be used: %s", c->rec.id.z,
		 why);
	fax = r == REFUSAL_FAX || (c->x.deal && c->x.deal->far.fax);
	k->why = r == REFUSAL_MEDIA_BUSY ? r : REFUSAL_BAD_ANSWER;
	k->status = 488;
	r = step(c, AMEND_EV_BAD, m);
	if (!fax)
		return r;
	/* voice goes on (RFC 3261 14.1): what the asked leg has now, both agree on anew */
	said_drop(c, (enum call_leg_index)k->asked.leg);
	renew_ask(c, k->asked.leg);
	return REFUSAL_NONE;
}

/* A session timer that is too short for the asked leg: its own from now on (RFC 4028 7.4). False:
 * it wants none that is longer. */
static bool
take_longer(struct call *c, const struct sip_msg *m)
{
	struct record_leg *l = &c->rec.leg[c->change.asked.leg];
	uint32_t longer = session_longer(m, l->session_s);

	if (longer)
		l->session_s = longer;
	return longer != 0;
}

/* What the leg that asks is told: what speaks of the session, or of the moment, crosses. */
static enum refusal
take_failure(struct call *c, const struct sip_msg *m)
{
	struct call_change *k = &c->change;
	struct sip_retry_after after;
	int status = m->status;

	said_drop(c, (enum call_leg_index)k->asked.leg); /* it never was the session */
	if ((status == 408 || status == 481) && c->m.state == B2BUA_UP) {
		k->why = REFUSAL_PEER_GONE;
		k->status = refusal_status(k->why);
		return step(c, AMEND_EV_GONE, m);
	}
	k->status = status == 491 || status == 488   ? status
		    : status == 415 || status == 606 ? 488
						     : reason_map(status);
	if (k->status == 500 && sip_retry_after_read(m, &after) == ERR_OK)
		k->retry_s = after.seconds > RETRY_MAX_S ? RETRY_MAX_S : after.seconds;
	return step(c, AMEND_EV_FAIL, m);
}

static enum refusal
take_silence(struct call *c, const struct edge_news *news)
{
	struct call_change *k = &c->change;
	bool gone = news->event == EDGE_TIMEOUT && c->m.state == B2BUA_UP;

	k->why = gone ? REFUSAL_PEER_GONE : REFUSAL_UNREACHABLE;
	k->status = refusal_status(k->why);
	said_drop(c, (enum call_leg_index)k->asked.leg);
	return step(c, gone ? AMEND_EV_GONE : AMEND_EV_FAIL, NULL);
}

/* ---- our own refreshes ---- */

/* The new key was not taken: the old one goes on, and is offered to be changed again. */
static void
keep_key(struct call *c, enum call_leg_index i, uint64_t after_us)
{
	struct call_leg *leg = &c->leg[i];

	negotiate_drop(c);
	said_drop(c, i);
	leg->wants_key = ++leg->key_tries < REKEY_TRIES;
	c->rekey_at = leg->wants_key ? c->owner->now + after_us : TIMER_NEVER;
	log_warn("call.rekey", "id=%s leg=%c took no new SRTP key", c->rec.id.z,
		 i == LEG_A ? 'A' : 'B');
}

static void
take_rekeyed(struct call *c, enum call_leg_index i, const struct sip_msg *m)
{
	if (negotiate_rekeyed(c, i, m) != REFUSAL_NONE) {
		keep_key(c, i, REKEY_AGAIN_US);
		return;
	}
	c->leg[i].key_tries = 0;
	log_info("call.rekey", "id=%s leg=%c has a new SRTP key of ours", c->rec.id.z,
		 i == LEG_A ? 'A' : 'B');
}

static enum refusal
take_refreshed(struct call *c, const struct edge_news *news)
{
	struct call_change *k = &c->change;
	enum call_leg_index i = k->asked.leg;
	struct session *s = &c->leg[i].session;
	const struct sip_msg *m = news->msg;
	bool gone = news->event == EDGE_TIMEOUT ||
		    (news->event == EDGE_RESPONSE && (m->status == 408 || m->status == 481));

	k->why = REFUSAL_PEER_GONE;
	if (gone)
		return step(c, AMEND_EV_GONE, NULL);
	if (news->event == EDGE_RESPONSE && m->status < 300) {
		leg_take_ok(c, i, news);
		if (k->rekey)
			take_rekeyed(c, i, m);
		else if (m->cseq_method == SIP_INVITE)
			negotiate_refreshed(c, i, m);
		return step(c, AMEND_EV_OK, m);
	}
	if (k->rekey) {
		keep_key(c, i,
			 news->event == EDGE_RESPONSE && m->status == 491 ? renew_glare_us(i)
									  : REKEY_AGAIN_US);
		return step(c, AMEND_EV_FAIL, NULL);
	}
	session_retry(s, c->owner->now + REFRESH_AGAIN_US);
	if (news->event == EDGE_RESPONSE && m->status == 491)
		session_retry(s, c->owner->now + renew_glare_us(i));
	if (news->event == EDGE_RESPONSE && m->status == 422 && take_longer(c, m))
		session_retry(s, c->owner->now);
	return step(c, AMEND_EV_FAIL, NULL);
}

/* A request of our own to one leg alone. */
static bool
ask_alone(struct call *c, enum call_leg_index i, const struct leg_request *r, bool rekey)
{
	struct call_change *k = &c->change;

	if (k->out)
		ops_of(c)->do_forget(ops_of(c)->arg, k->out);
	k->out = NULL;
	k->asked.leg = i;
	k->rekey = rekey;
	k->m.out_invite = r->method == SIP_INVITE;
	c->leg[i].answer_in_ack = false;
	if (!speak_request(c, i, r, &k->asked, &k->out))
		return false;
	(void)step(c, AMEND_EV_REFRESH, NULL);
	return true;
}

/* By UPDATE where the peer takes it, else by the body that it knows. */
static void
refresh_leg(struct call *c, enum call_leg_index i)
{
	struct leg_request r = {.method = SIP_UPDATE};
	struct session *s = &c->leg[i].session;

	if (c->change.m.state != AMEND_NONE) {
		session_retry(s, c->owner->now + REFRESH_AGAIN_US);
		return;
	}
	if (!c->rec.leg[i].allows_update) {
		r.method = SIP_INVITE;
		r.type = STR("application/sdp");
		r.body = said_of(c, i);
		if (r.body.len == 0) { /* of an earlier life: its offer makes another one */
			renew_ask(c, i);
			return;
		}
	}
	if (!ask_alone(c, i, &r, false))
		session_retry(s, c->owner->now + REFRESH_AGAIN_US);
}

bool
modify_say_again(struct call *c, enum call_leg_index i)
{
	struct leg_request r = {
		.method = SIP_INVITE, .type = STR("application/sdp"), .body = said_of(c, i)};

	return c->m.state == B2BUA_UP && c->change.m.state == AMEND_NONE &&
	       c->renew.at == TIMER_NEVER && r.body.len && ask_alone(c, i, &r, false);
}

void
modify_rekey(struct call *c, enum call_leg_index i)
{
	if (!c->rec.leg[i].secure || c->m.state != B2BUA_UP ||
	    c->leg[i].audio.local.form == SDP_FORM_DTLS) /* its key is the handshake's */
		return;
	c->leg[i].wants_key = true;
	c->leg[i].key_tries = 0;
	c->rekey_at = c->owner->now;
}

/* Leg i gets an offer with another key, as soon as nothing else is in hand. */
static void
rekey_leg(struct call *c, enum call_leg_index i)
{
	struct leg_request r = {.method = SIP_INVITE, .type = STR("application/sdp")};
	struct call_leg *leg = &c->leg[i];

	if (c->change.m.state != AMEND_NONE || c->renew.at != TIMER_NEVER) {
		c->rekey_at = c->owner->now + REKEY_AGAIN_US;
		return;
	}
	leg->wants_key = false;
	if (!leg->said.n) { /* of an earlier life: a whole new session has a new key, too */
		leg->audio.local.n_crypto = 0;
		renew_ask(c, i);
		return;
	}
	if (c->rec.leg[i].allows_update)
		r.method = SIP_UPDATE;
	if (negotiate_rekey(c, i) == REFUSAL_NONE) {
		r.body = said_of(c, i);
		if (ask_alone(c, i, &r, true))
			return;
	}
	keep_key(c, i, REKEY_AGAIN_US);
}

void
modify_rekey_due(struct call *c)
{
	c->rekey_at = TIMER_NEVER;
	for (int i = 0; i < CALL_LEGS && c->m.state == B2BUA_UP; i++)
		if (c->leg[i].wants_key)
			rekey_leg(c, (enum call_leg_index)i);
	for (int i = 0; i < CALL_LEGS; i++)
		if (c->leg[i].wants_key && c->rekey_at == TIMER_NEVER)
			c->rekey_at = c->owner->now + REKEY_AGAIN_US;
}

enum refusal
modify_refresh(struct call *c)
{
	for (int i = 0; i < CALL_LEGS && c->m.state == B2BUA_UP; i++)
		switch (session_step(&c->leg[i].session, c->owner->now)) {
		case SESSION_REFRESH:
			refresh_leg(c, (enum call_leg_index)i);
			break;
		case SESSION_EXPIRED:
			return REFUSAL_SESSION;
		case SESSION_NOTHING:
			break;
		}
	return REFUSAL_NONE;
}

static bool
is_renewing(const struct call *c)
{
	return c->change.m.state == AMEND_FETCHING || c->change.m.state == AMEND_PLACING;
}

enum refusal
modify_news(struct call *c, const struct edge_news *news)
{
	struct call_change *k = &c->change;
	const struct sip_msg *m = news->msg;
	bool waits = k->m.state == AMEND_ASKED || k->m.state == AMEND_CANCELED;

	if (news->last)
		k->out = NULL;
	if (news->event == EDGE_OVER || (news->event == EDGE_RESPONSE && m->status < 200))
		return REFUSAL_NONE;
	if (k->m.state == AMEND_REFRESHING)
		return take_refreshed(c, news);
	if (is_renewing(c))
		return renew_news(c, news);
	if (!waits) { /* a copy of its 2xx, or one that comes when all is over: an ACK is due */
		if (news->event == EDGE_RESPONSE && m->status < 300 && !k->m.owes_ack &&
		    m->cseq_method == SIP_INVITE &&
		    m->cseq == c->rec.leg[k->asked.leg].dialog.local_invite_cseq)
			speak_ack(c, k->asked.leg);
		return REFUSAL_NONE;
	}
	if (news->event != EDGE_RESPONSE)
		return take_silence(c, news);
	if (m->status >= 300)
		return take_failure(c, m);
	return take_ok(c, news);
}

/* ---- time, and the end ---- */

enum refusal
modify_due(struct call *c)
{
	struct call_change *k = &c->change;

	if (k->m.due > c->owner->now)
		return REFUSAL_NONE;
	if (is_renewing(c))
		return renew_late(c);
	k->why = k->m.state == AMEND_ACKING ? REFUSAL_NO_ACK : REFUSAL_PEER_GONE;
	k->status = refusal_status(k->why);
	return step(c, AMEND_EV_DUE, NULL);
}

void
modify_leave(struct call *c)
{
	struct call_change *k = &c->change;

	k->status = 500;
	k->retry_s = 1 + random_u32() % RETRY_MAX_S;
	k->why = REFUSAL_PENDING;
	(void)step(c, AMEND_EV_END, NULL);
}

void
modify_end(struct call *c)
{
	struct call_change *k = &c->change;

	renew_forget(c);
	if (is_renewing(c)) {
		renew_end(c);
		return;
	}
	k->status = 487;
	k->why = REFUSAL_NONE;
	(void)step(c, AMEND_EV_END, NULL);
}
