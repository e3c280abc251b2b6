#include "call/called.h"

#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "call/act.h"
#include "call/modify.h"
#include "call/negotiate.h"
#include "call/parts.h"
#include "call/redirect.h"
#include "call/renew.h"
#include "call/ring.h"
#include "call/speak.h"
#include "call/terms.h"

/* What became of the target in hand, and where its INVITE went. */
static void
note_target(struct call *c, int status, const struct edge_news *news)
{
	struct record_target *t;

	if (c->rec.n_targets == 0)
		return;
	t = &c->rec.target[c->rec.n_targets - 1];
	t->status = status;
	t->n_tried = news->n_tried < CALL_TRIED_MAX ? news->n_tried : CALL_TRIED_MAX;
	for (uint32_t i = 0; i < t->n_tried; i++)
		t->tried[i] = news->tried[i];
}

/* What a carrier's answer, or its silence, says of the carrier. What failed here does not. */
static void
note_health(const struct call *c, const struct edge_news *news)
{
	struct calls *cs = c->owner;
	const struct snapshot_view *v = cs->snap;
	uint32_t t = v ? snapshot_trunk(v, str_from(c->rec.leg[LEG_B].trunk.z)) : POLICY_NONE;
	bool answered = news->event == EDGE_RESPONSE && news->msg->status != 503;
	const char *why = news->why ? news->why : "no final answer in time";

	if (t == POLICY_NONE || t < v->first_carrier)
		return;
	if (answered)
		health_worked(&cs->health, t - v->first_carrier);
	else if (news->event == EDGE_RESPONSE)
		health_failed(&cs->health, t - v->first_carrier, "it answers 503", random_u32(),
			      cs->now);
	else if (c->m.state != B2BUA_CANCELING && news->err != ERR_NOMEM &&
		 news->err != ERR_CONFIG && news->err != ERR_AGAIN)
		health_failed(&cs->health, t - v->first_carrier, why, random_u32(), cs->now);
}

/* B's dialog follows what its response says; another fork starts its SDP anew. */
static enum err
follow_dialog(struct call *c, const struct sip_msg *m)
{
	struct sip_dialog *d = &c->rec.leg[LEG_B].dialog, fork;
	enum err e = ERR_OK;

	if (m->to_tag.len == 0)
		return m->status >= 200 ? ERR_NOTFOUND : ERR_OK;
	if (d->state == SIP_DIALOG_NEW) {
		e = sip_dialog_fork(d, m, d);
	} else if (!sip_dialog_match(d, m)) {
		if (m->status < 200 && ring_owes_answer(c))
			return ERR_STATE; /* the answer goes to the fork that offered */
		e = sip_dialog_fork(d, m, &fork);
		if (e == ERR_OK) {
			modify_leave(c);
			ring_leave_fork(c);
			*d = fork;
			ring_enter_fork(c);
			c->leg[LEG_B].agreed = c->x.answered = false;
		}
	} else if (m->status >= 200) {
		e = sip_dialog_answer(d, m);
	}
	if (e != ERR_OK)
		log_warn("call.dialog", "id=%s status=%u of the called side: %s", c->rec.id.z,
			 m->status, err_text(e));
	return e;
}

/* It offers, as A's INVITE did not: A's PRACK will answer. NONE, or why the call cannot go on. */
static enum refusal
take_offer(struct call *c, const struct sip_msg *m)
{
	const char *why = "";
	enum refusal r = negotiate_offer(c, LEG_B, m, NULL, &why);

	if (r == REFUSAL_NONE)
		r = negotiate_ask(c);
	c->ring.offered = c->amended = r == REFUSAL_NONE;
	if (r == REFUSAL_NONE)
		return r;
	log_warn("call.early", "id=%s the early offer cannot be used: %s", c->rec.id.z, why);
	return r == REFUSAL_MEDIA_BUSY ? r : REFUSAL_BAD_ANSWER;
}

/* What a provisional says of the session. */
static void
take_early(struct call *c, const struct sip_msg *m)
{
	const char *why = "";

	if (!parts_with_sdp(m) || c->amended)
		return;
	if (negotiate_answer(c, m, &why) == REFUSAL_NONE)
		ring_answered(c, m);
	else
		log_warn("call.early", "id=%s early media cannot be used: %s", c->rec.id.z, why);
}

enum refusal
called_take_prack(struct call *c, const struct sip_msg *m)
{
	const char *why = "";
	enum refusal r = m->body.len ? negotiate_answer(c, m, &why) : REFUSAL_BAD_ACK;

	negotiate_drop(c);
	if (r == REFUSAL_NONE) {
		c->late = false; /* both have said all */
		ring_answer_offer(c);
		return r;
	}
	log_warn("call.answer", "id=%s the answer in PRACK cannot be used: %s", c->rec.id.z, why);
	return r == REFUSAL_MEDIA_BUSY ? r : REFUSAL_BAD_ACK;
}

void
called_provisional(struct call *c, const struct edge_news *news)
{
	bool open = c->m.state == B2BUA_TRYING || c->m.state == B2BUA_RINGING, offers;
	const struct sip_msg *m = news->msg;
	enum refusal r;

	note_health(c, news);
	if (news->msg->status == 100)
		return;
	leg_from_source(c, LEG_B, &news->source);
	leg_note_allow(c, LEG_B, m);
	offers = open && ring_is_offer(c, m);
	if (follow_dialog(c, m) == ERR_OK && !ring_take(c, m)) /* else logged; its 2xx will tell */
		return;
	r = offers ? take_offer(c, m) : REFUSAL_NONE;
	if (r != REFUSAL_NONE) {
		act_stop(c, r);
		return;
	}
	if (open)
		take_early(c, m);
	act_event(c, B2BUA_EV_PROVISIONAL, news->msg);
}

/* A 2xx of another fork than the one that was taken: ACK, then BYE, and nobody hears of it. */
static void
drop_fork(struct call *c, const struct sip_msg *m)
{
	struct sip_dialog keep = c->rec.leg[LEG_B].dialog, fork;
	struct edge_dest dest;
	struct edge_txn *txn;
	struct buf b;

	if (sip_dialog_fork(&keep, m, &fork) != ERR_OK)
		return;
	c->rec.leg[LEG_B].dialog = fork;
	speak_ack(c, LEG_B);
	if (leg_dest(c, LEG_B, &dest) == ERR_OK) {
		buf_init(&b, c->owner->msg, sizeof(c->owner->msg));
		if (leg_put_bye(c, LEG_B, &b) == ERR_OK &&
		    c->owner->ops.do_send(c->owner->ops.arg, &dest, SIP_BYE, buf_view(&b), NULL,
					  &txn) == ERR_OK)
			c->owner->ops.do_forget(c->owner->ops.arg, txn);
	}
	c->rec.leg[LEG_B].dialog = keep;
}

/* B's 2xx: the answer to our offer; where A had none, the offer that A's ACK shall answer. */
static enum refusal
take_answer(struct call *c, const struct sip_msg *m, const char **why)
{
	enum refusal r;

	if (!c->late)
		return negotiate_answer(c, m, why);
	r = negotiate_offer(c, LEG_B, m, NULL, why);
	if (r == REFUSAL_NONE)
		r = negotiate_ask(c);
	return r == REFUSAL_MEDIA_BUSY ? r : r == REFUSAL_NONE ? r : REFUSAL_BAD_ANSWER;
}

/* The same, where A was shown another answer before: that one holds (RFC 6337 2.1), and what both
 * sides say is brought together once the call is up. */
static enum refusal
take_other_answer(struct call *c, const struct sip_msg *m, const char **why)
{
	struct record_leg *l = &c->rec.leg[LEG_A];
	struct call_said *said = &c->leg[LEG_A].said, shown = *said, now;
	struct sdp_origin origin = l->origin;
	enum refusal r;

	if (!shown.z)
		return take_answer(c, m, why);
	*said = (struct call_said){0};
	r = take_answer(c, m, why);
	now = *said;
	if (r != REFUSAL_NONE || (now.z && l->origin.version == origin.version)) {
		*said = shown; /* void, or the same again */
		said_drop(c, LEG_A);
		*said = now;
		return r;
	}
	said_drop(c, LEG_A);
	*said = shown;
	if (l->origin.version != origin.version) {
		l->origin = origin;
		renew_ask(c, LEG_A);
	}
	return r;
}

/* The same, where a change came before the answer: what that said holds. Another fork than the one
 * that was asked is asked once the call is up. */
static enum refusal
take_amended(struct call *c)
{
	if (!c->leg[LEG_B].agreed)
		renew_ask(c, LEG_A);
	return REFUSAL_NONE;
}

void
called_answer(struct call *c, const struct edge_news *news)
{
	bool other = c->ring.shown && !c->late;
	struct record_leg *l = &c->rec.leg[LEG_B];
	const char *why = "";
	enum refusal r;
	enum err e;

	if (l->dialog.state == SIP_DIALOG_CONFIRMED || l->dialog.state == SIP_DIALOG_TERMINATED) {
		if (!sip_dialog_match(&l->dialog, news->msg))
			drop_fork(c, news->msg);
		else if (!c->m.owes_ack && news->msg->cseq == l->dialog.local_invite_cseq)
			speak_ack(c, LEG_B);
		return;
	}
	if (ring_must_wait(c) && ring_hold(c, news))
		return;
	leg_from_source(c, LEG_B, &news->source);
	leg_note_allow(c, LEG_B, news->msg);
	note_health(c, news);
	note_target(c, news->msg->status, news);
	e = follow_dialog(c, news->msg);
	leg_take_session(c, LEG_B, news->msg);
	if (c->m.state == B2BUA_CANCELING) {
		act_event(c, B2BUA_EV_ANSWER, news->msg);
		return;
	}
	r = e != ERR_OK  ? REFUSAL_BAD_ANSWER
	    : c->amended ? take_amended(c)
	    : other      ? take_other_answer(c, news->msg, &why)
			 : take_answer(c, news->msg, &why);
	if (r == REFUSAL_NONE) {
		act_event(c, c->late ? B2BUA_EV_ANSWER_OFFER : B2BUA_EV_ANSWER, news->msg);
		return;
	}
	log_warn("call.answer", "id=%s the answer cannot be used: %s", c->rec.id.z, why);
	act_note_refusal(c, r, why);
	act_note_end(c, ENDER_POSTERN, refusal_status(r), refusal_q850(r), r);
	act_event(c, B2BUA_EV_BAD_ANSWER, news->msg);
}

/* May another target be tried after this final status? As the trunk says; not once the caller hears
 * what this one sent: another one's answer would be a second one to the same offer. */
static bool
hunts_on(const struct call *c, int status)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t t = v ? snapshot_trunk(v, str_from(c->rec.leg[LEG_B].trunk.z)) : POLICY_NONE;

	return c->next_target < c->n_targets && !c->x.answered && !c->amended &&
	       route_hunts(v, t, status);
}

/* What does not fit is cut between two words, and that is shown. */
static void
keep_why(char *dst, size_t cap, struct str why)
{
	struct str more = STR(" ..");

	if (why.len >= cap) {
		why = str_sub(why, 0, cap - more.len - 1);
		why = str_sub(why, 0, str_rchr(why, ' '));
		(void)!str_copyz(dst, cap, why);
		(void)!str_copyz(dst + why.len, cap - why.len, more);
	} else {
		(void)!str_copyz(dst, cap, why);
	}
}

/* It never answered. What edge says of it names addresses: for our log and CDR, not for A (P5). */
static void
fail_target(struct call *c, const struct edge_news *news)
{
	if (news->why && c->rec.n_targets) {
		struct record_target *t = &c->rec.target[c->rec.n_targets - 1];

		keep_why(t->why, sizeof(t->why), str_from(news->why));
	}
	if (news->why)
		log_warn("call.target", "id=%s trunk=%s why=%s", c->rec.id.z,
			 c->rec.leg[LEG_B].trunk.z, news->why);
	act_note_refusal(c,
			 news->event == EDGE_TIMEOUT ? REFUSAL_TIMEOUT
			 : news->err == ERR_NOMEM    ? REFUSAL_NO_ROOM
			 : news->err == ERR_AGAIN    ? REFUSAL_CARRIER_BUSY
						     : REFUSAL_UNREACHABLE,
			 "");
}

/* Its Min-SE, where it is longer than what we asked for: the same target is asked again (RFC 4028
 * 7.4). */
static bool
longer_session(struct call *c, const struct sip_msg *m)
{
	uint32_t longer = session_longer(m, c->rec.leg[LEG_B].session_s);

	if (!longer)
		return false;
	c->rec.leg[LEG_B].session_s = longer;
	c->repeat = true;
	return true;
}

/* It will not have SRTP, and its trunk is content without: once more, in clear. */
static bool
asks_clear(struct call *c, int status)
{
	const struct record_leg *l = &c->rec.leg[LEG_B];

	if ((status != 488 && status != 606) || l->security != TRUNK_SEC_PREFERRED || c->late ||
	    c->plain || c->x.answered || terms_prefer(c, LEG_B) != TRUNK_PREFER_RETRY)
		return false;
	c->plain = c->repeat = true;
	return true;
}

/* Does a redirection lead on? Else what A is told of it is noted. */
static bool
take_redirect(struct call *c, const struct edge_news *news)
{
	enum redirect r = redirect_take(c, news);

	if (r == REDIRECT_LOST)
		act_note_refusal(c, REFUSAL_REDIRECT, "");
	else if (r == REDIRECT_TOLD)
		act_note_failure(c, (int)news->msg->status, c->fail_q850,
				 reason_phrase((int)news->msg->status));
	return r == REDIRECT_FOLLOWED;
}

void
called_failure(struct call *c, const struct edge_news *news)
{
	int status = news->event == EDGE_RESPONSE ? news->msg->status : 0;
	int q850 = news->event == EDGE_RESPONSE ? reason_q850_of(news->msg) : 0;

	note_health(c, news);
	if (c->m.state != B2BUA_CANCELING && !c->amended &&
	    ((status == 422 && longer_session(c, news->msg)) || asks_clear(c, status))) {
		act_event(c, B2BUA_EV_FAIL_NEXT, NULL);
		return;
	}
	note_target(c, news->event == EDGE_FAILED ? -1 : status, news);
	(void)!sip_dialog_step(&c->rec.leg[LEG_B].dialog, SIP_DIALOG_EV_FAILURE);
	if (c->m.state == B2BUA_CANCELING) {
		act_event(c, B2BUA_EV_FAIL, NULL);
		return;
	}
	c->rec.refusal = REFUSAL_NONE;
	if (news->event == EDGE_RESPONSE) /* the cause is kept, whatever the status becomes */
		act_note_failure(c, reason_map(status), q850 ? q850 : reason_q850(status),
				 reason_phrase(status));
	else
		fail_target(c, news);
	if (take_redirect(c, news) || hunts_on(c, status) || redirect_next(c, status)) {
		act_event(c, B2BUA_EV_FAIL_NEXT, NULL);
		return;
	}
	act_note_end(c, c->rec.refusal ? ENDER_POSTERN : ENDER_CALLED, c->fail_status, c->fail_q850,
		     (enum refusal)c->rec.refusal);
	act_event(c, B2BUA_EV_FAIL, NULL);
}

void
called_release(struct call *c)
{
	struct edge_news news = {
		.event = EDGE_RESPONSE, .msg = &c->owner->held, .source = c->ring.held_from};
	struct str text = str_of(c->ring.held, c->ring.n_held);

	if (sip_msg_parse(text, &c->owner->held) == ERR_OK)
		called_answer(c, &news);
	ring_drop(c);
}
