#include "call/act.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "call/heard.h"
#include "call/mend.h"
#include "call/meter.h"
#include "call/negotiate.h"
#include "call/parts.h"
#include "call/ring.h"
#include "call/modify.h"
#include "call/pass.h"
#include "call/redirect.h"
#include "call/row.h"
#include "call/sos.h"
#include "call/speak.h"
#include "policy/capacity.h"

enum { ACT_CLOSED_US = 2 * CLOCK_S /* media's last counters; then the table's are taken */ };

static const struct call_ops *
ops_of(const struct call *c)
{
	return &c->owner->ops;
}

static const char *
fail_text(const struct call *c)
{
	return c->fail_text ? c->fail_text : "";
}

void
act_hash_leg(struct call *c, enum call_leg_index i)
{
	struct str tag = sip_dialog_str(&c->rec.leg[i].dialog, SIP_DIALOG_LOCAL_TAG);

	act_unhash_leg(c, i);
	hash_add(&c->owner->by_tag, &c->leg[i].by_tag, hash_of(&c->owner->by_tag, tag));
	c->leg[i].hashed = true;
}

void
act_unhash_leg(struct call *c, enum call_leg_index i)
{
	if (c->leg[i].hashed)
		hash_del(&c->owner->by_tag, &c->leg[i].by_tag);
	c->leg[i].hashed = false;
}

bool
act_is_ending(const struct call *c)
{
	return c->finished || c->m.end_on_ack || c->m.state == B2BUA_ENDING ||
	       c->m.state == B2BUA_CANCELING;
}

void
act_note_end(struct call *c, enum call_ender by, int status, int q850, enum refusal r)
{
	if (c->rec.end_us)
		return;
	c->rec.end_us = clock_wall_us();
	c->rec.end_mono_us = c->owner->now;
	c->rec.ended_by = (uint8_t)by;
	c->rec.sip_status = c->rec.answer_us ? 200 : status;
	c->rec.q850 = q850;
	if (r != REFUSAL_NONE && c->rec.refusal == r && strcmp(fail_text(c), refusal_text(r)) != 0)
		(void)!str_copyz(c->rec.refusal_detail, sizeof(c->rec.refusal_detail),
				 str_from(fail_text(c)));
	c->rec.refusal = r;
}

void
act_note_failure(struct call *c, int status, int q850, const char *text)
{
	c->fail_status = status;
	c->fail_q850 = q850 ? q850 : reason_q850(status);
	if (!c->fail_text) /* one a call: there is always one */
		c->fail_text = pool_get(&c->owner->whys);
	if (c->fail_text)
		(void)snprintf(c->fail_text, CALL_WHY_MAX, "%s", text);
}

void
act_note_refusal(struct call *c, enum refusal r, const char *more)
{
	if (c->rec.end_us)
		return; /* it ends for another reason */
	c->rec.refusal = r;
	act_note_failure(c, c->status ? c->status : refusal_status(r), refusal_q850(r),
			 more && more[0] ? more : refusal_text(r));
}

void
act_stop(struct call *c, enum refusal r)
{
	act_note_refusal(c, r, "");
	act_note_end(c, ENDER_POSTERN, refusal_status(r), refusal_q850(r), r);
	act_event(c, B2BUA_EV_STOP, NULL);
}

/* ---- the actions ---- */

static void
begin_msg(struct call *c, struct buf *b)
{
	buf_init(b, c->owner->msg, sizeof(c->owner->msg));
}

/* Nothing can be sent to this target: said in the record, for people. */
static void
note_unserved(struct call *c, const struct trunk *t)
{
	struct record_target *target = &c->rec.target[c->rec.n_targets - 1];

	(void)snprintf(target->why, sizeof(target->why), "no listener has transport %s and side %s",
		       trunk_transport_name(t->transport), trunk_kind_name(t->kind));
}

/* Does what A's INVITE brings fit the target's trunk? */
static enum refusal
judge_parts(const struct call *c, char why[CALL_WHY_MAX])
{
	const struct sip_msg *req = ops_of(c)->do_request_of(ops_of(c)->arg, c->leg[LEG_A].invite);
	const char *text = "";
	enum refusal r = req ? parts_judge(c, req, &text) : REFUSAL_NONE;

	if (r != REFUSAL_NONE)
		(void)!str_copyz(why, CALL_WHY_MAX, str_from(text));
	return r;
}

/* Ports, keys, rows and body for the target, and its INVITE; then it is sent. */
static enum refusal
send_invite(struct call *c, uint32_t trunk, char why[CALL_WHY_MAX])
{
	struct edge_local local;
	struct edge_dest dest;
	struct buf b;
	enum refusal r;
	enum err e;

	if (ops_of(c)->do_local(ops_of(c)->arg, trunk, &local) != ERR_OK) {
		note_unserved(c, &c->owner->snap->trunk[trunk]);
		return REFUSAL_UNREACHABLE;
	}
	act_unhash_leg(c, LEG_B);
	if (leg_begin_b(c, trunk, &local) != ERR_OK)
		return REFUSAL_INTERNAL;
	act_hash_leg(c, LEG_B);
	r = judge_parts(c, why);
	if (r == REFUSAL_NONE)
		r = row_port(c, LEG_B, trunk);
	if (!c->repeat || c->plain) {
		negotiate_target(c);
		ring_leave_target(c);
		if (!c->repeat)
			c->rec.leg[LEG_B].session_s = SESSION_WANTED_S;
		if (r == REFUSAL_NONE && !c->late)
			r = negotiate_ask(c);
	}
	c->repeat = false;
	if (r != REFUSAL_NONE)
		return r;
	begin_msg(c, &b);
	leg_put_invite(c, &b, &local.advertised, c->late ? STR_NULL : said_of(c, LEG_B));
	memset(&dest, 0, sizeof(dest));
	dest.emergency = c->rec.exempt;
	dest.trunk = c->rec.leg[LEG_B].trunk;
	dest.account = c->rec.leg[LEG_B].account;
	dest.transport = (enum edge_transport)c->rec.leg[LEG_B].transport;
	dest.hunt = c->next_target < c->n_targets;
	speak_store(c);
	e = buf_end(&b);
	if (e == ERR_OK)
		e = ops_of(c)->do_send(ops_of(c)->arg, &dest, SIP_INVITE, buf_view(&b),
				       &c->leg[LEG_B].u_invite, &c->leg[LEG_B].invite);
	if (e != ERR_OK) {
		c->leg[LEG_B].invite = NULL;
		return e == ERR_NOMEM ? REFUSAL_NO_ROOM : REFUSAL_UNREACHABLE;
	}
	(void)!str_copyz(c->rec.leg[LEG_B].branch, sizeof(c->rec.leg[LEG_B].branch),
			 str_from(ops_of(c)->do_branch_of(ops_of(c)->arg, c->leg[LEG_B].invite)));
	speak_store(c); /* edge sends from the loop, after this */
	return REFUSAL_NONE;
}

/* The limits of the called trunk and its group. */
static enum refusal
take_target(struct call *c, uint32_t trunk)
{
	const struct snapshot_view *v = c->owner->snap;
	struct limit *l = &c->owner->limit;

	if (!c->rec.exempt && !capacity_attempt(l, v, trunk, c->owner->now))
		return REFUSAL_ATTEMPTS;
	if (capacity_take(l, v, trunk, c->rec.exempt, &c->hold) != ERR_OK)
		return REFUSAL_LIMIT;
	return REFUSAL_NONE;
}

/* One that was tried before: what is not found any more goes with the call. */
static void
give_target(struct call *c, const struct policy_id *id)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t trunk = v ? snapshot_trunk(v, str_from(id->z)) : POLICY_NONE;

	if (trunk != POLICY_NONE)
		capacity_give(&c->owner->limit, v, trunk, &c->hold);
	else
		limit_give_one(&c->owner->limit, LIMIT_TRUNK, id->z, &c->hold);
}

void
act_end_setup(struct call *c)
{
	pool_put(&c->owner->setups, c->setup);
	c->setup = NULL;
}

/* It is noted, and the one before is left. */
static struct record_target *
begin_target(struct call *c, const struct call_target *to)
{
	struct record_target *t = &c->rec.target[c->rec.n_targets++];
	uint32_t before = c->setup->tried;

	c->plain = false;
	*t = (struct record_target){.trunk = to->trunk,
				    .route = to->rule,
				    .at_us = clock_wall_us(),
				    .status = -1,
				    .redirected = to->depth};
	memcpy(t->number, to->number, sizeof(t->number));
	if (before)
		give_target(c, &c->setup->target[before - 1].trunk);
	c->setup->tried = c->next_target;
	return t;
}

/* INVITE to the next target that takes it; false: none is left. */
static bool
try_targets(struct call *c)
{
	const struct snapshot_view *v = c->owner->snap;

	while (c->setup && c->next_target < c->n_targets) {
		const struct call_target *to = &c->setup->target[c->next_target++];
		uint32_t trunk = v ? snapshot_trunk(v, str_from(to->trunk.z)) : POLICY_NONE;
		struct record_target *t = begin_target(c, to);
		char why[CALL_WHY_MAX];
		enum refusal r = redirect_enter(c, to, why);
		bool may = r == REFUSAL_NONE;

		if (may)
			r = trunk == POLICY_NONE ? REFUSAL_NO_ROUTE : take_target(c, trunk);
		if (r == REFUSAL_NONE)
			r = send_invite(c, trunk, why);
		if (r == REFUSAL_NONE) {
			sos_carried(c);
			if (trunk >= v->first_carrier)
				health_tried(&c->owner->health, trunk - v->first_carrier,
					     c->owner->now);
			t->status = 0;
			return true;
		}
		act_note_refusal(c, r, why);
		if (!may)
			redirect_note(t, r, why);
		if (r == REFUSAL_NO_ROOM) { /* of ours: no fault of the target, and none has more */
			(void)!str_copyz(t->why, sizeof(t->why), STR("postern had no room for it"));
			break;
		}
		if (!may && !redirect_next(c, 0))
			break;
	}
	return false;
}

/* The same target again: it wants a longer session timer. */
static bool
repeat_target(struct call *c)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t trunk = v ? snapshot_trunk(v, str_from(c->rec.leg[LEG_B].trunk.z)) : POLICY_NONE;

	if (trunk != POLICY_NONE && send_invite(c, trunk, c->owner->why) == REFUSAL_NONE)
		return true;
	c->repeat = false;
	act_note_refusal(c, REFUSAL_UNREACHABLE, "");
	return false;
}

static void
note_answer(struct call *c)
{
	act_end_setup(c);
	c->rec.answer_us = clock_wall_us();
	c->rec.answer_mono_us = c->owner->now;
	metric_add(METRIC_calls_answered, 1);
	meter_answered(c);
	mend_begin(c);
	(void)row_answered(c); /* only the time-outs change: a busy media keeps the rows */
}

static void
answer_a(struct call *c, const struct sip_msg *msg)
{
	(void)!sip_dialog_step(&c->rec.leg[LEG_A].dialog, SIP_DIALOG_EV_ANSWER);
	speak_response(c, LEG_A, c->leg[LEG_A].invite,
		       &(struct leg_answer){.status = 200,
					    .from = msg,
					    .body = c->amended ? STR_NULL : said_of(c, LEG_A)});
	c->ok_txn = c->leg[LEG_A].invite;
	sip_ok_retrans_begin(&c->ok, &c->owner->conf.times, c->owner->now);
	if (!c->late && !c->amended)
		negotiate_drop(c); /* else A's ACK answers it, or a change is in hand */
}

static void
reject_a(struct call *c)
{
	struct buf b;
	int status = c->fail_status ? c->fail_status : 500;

	act_note_end(c, ENDER_POSTERN, status, c->fail_q850, (enum refusal)c->rec.refusal);
	sos_failed(c);
	if (!c->leg[LEG_A].invite) { /* an earlier life held its transaction, or there was none */
		speak_store(c);
		return;
	}
	begin_msg(c, &b);
	leg_put_failure_a(c, &b, status, c->rec.refusal ? fail_text(c) : "", c->fail_q850);
	speak_store(c);
	if (buf_end(&b) == ERR_OK)
		ops_of(c)->do_respond(ops_of(c)->arg, c->leg[LEG_A].invite, status, buf_view(&b));
}

static void
cancel_b(struct call *c)
{
	char reason[32];

	(void)snprintf(reason, sizeof(reason), "SIP;cause=%d", 487);
	if (c->leg[LEG_B].invite)
		ops_of(c)->do_cancel(ops_of(c)->arg, c->leg[LEG_B].invite, str_from(reason));
}

static void
forget_txn(struct call *c, struct edge_txn **t)
{
	if (*t)
		ops_of(c)->do_forget(ops_of(c)->arg, *t);
	*t = NULL;
}

static void
forget_all(struct call *c)
{
	for (int i = 0; i < CALL_LEGS; i++) {
		forget_txn(c, &c->leg[i].invite);
		forget_txn(c, &c->leg[i].bye);
	}
	forget_txn(c, &c->change.in);
	forget_txn(c, &c->change.out);
	forget_txn(c, &c->change.first_out);
	for (int k = 0; k < CALL_PASS_MAX; k++) {
		forget_txn(c, &c->pass[k].in);
		forget_txn(c, &c->pass[k].out);
	}
}

static void
log_end(const struct call *c)
{
	const struct call_record *r = &c->rec;
	uint64_t talk = r->answer_mono_us ? r->end_mono_us - r->answer_mono_us : 0;

	log_info("call.end", "id=%s from=%s to=%s status=%d q850=%d by=%s talk_ms=%llu why=%s",
		 r->id.z, r->from_received, r->to_received, r->sip_status, r->q850,
		 call_ender_name((enum call_ender)r->ended_by),
		 (unsigned long long)(talk / CLOCK_MS), r->refusal ? fail_text(c) : "");
}

void
act_free_moved(struct call *c, uint32_t k)
{
	uint32_t slot = c->moved[k].slot;

	c->moved[k] = c->moved[--c->n_moved];
	c->owner->by_media[slot] = NULL;
	ops_of(c)->do_port_free(ops_of(c)->arg, slot);
}

/* Everything that it holds is given back. */
static void
release(struct call *c)
{
	const struct call_ops *ops = ops_of(c);

	forget_all(c); /* calls_abandon comes here in any state */
	for (int i = 0; i < CALL_LEGS; i++) {
		struct record_leg *l = &c->rec.leg[i];

		if (l->media_open) {
			if (!l->stats_final)
				ops->do_stats(ops->arg, l->media.slot, l->media.generation,
					      &l->stats);
			ops->do_port_free(ops->arg, l->media.slot);
			c->owner->by_media[l->media.slot] = NULL;
		}
		act_unhash_leg(c, (enum call_leg_index)i);
	}
	row_video_free(c);
	heard_note(c);
	while (c->n_moved)
		act_free_moved(c, c->n_moved - 1);
	act_end_setup(c);
	ring_end(c);
	negotiate_wipe(c);
	timer_stop(c->owner->timers, &c->timer);
	limit_give(&c->owner->limit, &c->hold);
	meter_end(c);
}

/* Was it refused before anybody was asked, while CDRs wait longer than they should? */
static bool
is_left_out(const struct call *c)
{
	const struct call_ops *ops = ops_of(c);

	return c->rec.refusal != REFUSAL_NONE && !c->rec.n_targets && !c->rec.answer_us &&
	       ops->do_scarce && ops->do_scarce(ops->arg);
}

/* Its record is the CDR. */
static void
close_record(struct call *c)
{
	const struct call_ops *ops = ops_of(c);

	if (c->rec.n_targets) /* else it never began, and was logged as refused */
		log_end(c);
	c->rec.state = B2BUA_ENDED;
	c->rec.rides = c->rec.joining = 0;
	if (is_left_out(c)) {
		metric_add(METRIC_calls_unrecorded, 1);
		ops->do_drop(ops->arg, c->slot, &c->rec);
	} else {
		ops->do_store(ops->arg, c->slot, &c->rec, true);
	}
	list_del(&c->node);
	metric_set(METRIC_calls, pool_used(&c->owner->pool) - 1);
	pool_put(&c->owner->whys, c->fail_text);
	pool_put(&c->owner->pool, c);
}

/* With its host, whose leg it gave; each CDR has the legs that the call was made for. */
static void
finish_rider(struct call *r, struct call *host)
{
	struct record_leg *mine = &r->rec.leg[r->rec.rides - 1], *its;
	struct record_leg keep;

	/* noted already, but where the host had ended in an earlier life */
	act_note_end(r, (enum call_ender)host->rec.ended_by, 200, host->rec.q850, REFUSAL_NONE);
	list_del(&r->ride);
	r->host = NULL;
	release(r);
	its = &host->rec.leg[r->rec.host_leg];
	keep = *mine;
	*mine = *its;
	*its = keep;
	close_record(r);
}

void
act_finish(struct call *c)
{
	if (c->host) /* before it: calls_abandon */
		list_del(&c->ride);
	c->host = NULL;
	release(c);
	while (!list_empty(&c->riders)) /* the last one's leg was changed last */
		finish_rider(CONTAINER_OF(c->riders.prev, struct call, ride), c);
	close_record(c);
}

/* The signalling is over; the CDR waits for media's last counters. */
static void
end_call(struct call *c)
{
	if (!c->host)
		act_note_end(c, ENDER_POSTERN, c->fail_status, c->fail_q850,
			     (enum refusal)c->rec.refusal);
	LIST_EACH(it, &c->riders)
	{
		struct call *r = CONTAINER_OF(it, struct call, ride);

		act_note_end(r, (enum call_ender)c->rec.ended_by, 200, c->rec.q850, REFUSAL_NONE);
		speak_store(r);
	}
	forget_all(c);
	sip_ok_retrans_stop(&c->ok);
	c->finished = true;
	c->closing_due = c->owner->now + ACT_CLOSED_US;
	speak_store(c);
}

void
act_arm(struct call *c)
{
	uint64_t due = c->m.due;

	if (c->change.m.due < due)
		due = c->change.m.due;
	for (int i = 0; i < CALL_LEGS && c->m.state == B2BUA_UP; i++)
		if (session_due(&c->leg[i].session) < due)
			due = session_due(&c->leg[i].session);
	if (c->renew.at < due && c->m.state == B2BUA_UP)
		due = c->renew.at;
	if (c->rekey_at < due && c->m.state == B2BUA_UP)
		due = c->rekey_at;
	if (c->mend_at < due && c->m.state == B2BUA_UP)
		due = c->mend_at;
	if (c->ring.again.due < due)
		due = c->ring.again.due;
	if (ring_ready(c))
		due = c->owner->now;
	if (c->ok.due && c->ok.due < due)
		due = c->ok.due;
	if (meter_next(c) < due)
		due = meter_next(c);
	if (c->transfer.at < due && c->m.state == B2BUA_UP)
		due = c->transfer.at;
	if (c->finished)
		due = c->host ? meter_next(c) : c->closing_due;
	if (due == UINT64_MAX)
		timer_stop(c->owner->timers, &c->timer);
	else if (timer_set(c->owner->timers, &c->timer, due) != ERR_OK)
		log_error("call.timer", "id=%s no timer left", c->rec.id.z);
}

/* The called side rings or has answered: A hears it, or whoever asked for the transfer. */
static enum b2bua_event
tell_progress(struct call *c, unsigned todo, const struct sip_msg *msg)
{
	if ((todo & B2BUA_DO_RING) && c->transfer_for)
		c->owner->on_transfer(c, TRANSFER_RINGS, msg);
	else if (todo & B2BUA_DO_RING)
		ring_pass(c, msg);
	if (todo & B2BUA_DO_ACK_B) {
		speak_store(c);
		speak_ack(c, LEG_B);
	}
	if (todo & (B2BUA_DO_ANSWER | B2BUA_DO_REJECT_A))
		ring_stop(c);
	if (!(todo & B2BUA_DO_ANSWER))
		return B2BUA_EVENT_N;
	note_answer(c);
	if (c->transfer_for)
		return B2BUA_EV_ACK; /* nobody is there who could send it */
	answer_a(c, msg);
	return B2BUA_EVENT_N;
}

/* One round of actions; returns the event that follows from them, or B2BUA_EVENT_N. */
static enum b2bua_event
run_actions(struct call *c, unsigned todo, const struct sip_msg *msg)
{
	enum b2bua_event next = B2BUA_EVENT_N, told;

	if (todo & B2BUA_DO_CLOSE_MEDIA) {
		if (c->transfer.to || c->transfer_for)
			c->owner->on_transfer(c, TRANSFER_OVER, msg);
		modify_end(c);
		pass_end(c);
	}
	if ((todo & B2BUA_DO_TRY) && !(c->repeat ? repeat_target(c) : try_targets(c)))
		next = B2BUA_EV_FAIL;
	told = tell_progress(c, todo, msg);
	if (told != B2BUA_EVENT_N)
		next = told;
	if (todo & B2BUA_DO_REJECT_A)
		reject_a(c);
	if (todo & B2BUA_DO_CANCEL_B)
		cancel_b(c);
	if (c->m.state != B2BUA_ANSWERED && c->m.state != B2BUA_UP) /* A's ACK may still be owed */
		sip_ok_retrans_stop(&c->ok);
	if ((todo & B2BUA_DO_BYE_A) && !speak_bye(c, LEG_A))
		next = B2BUA_EV_DONE_A;
	if ((todo & B2BUA_DO_BYE_B) && !speak_bye(c, LEG_B)) {
		if (next == B2BUA_EV_DONE_A) /* neither leg can be told: both are done */
			c->m.wait_a = false;
		next = B2BUA_EV_DONE_B;
	}
	if (todo & B2BUA_DO_CLOSE_MEDIA)
		row_close(c);
	if (todo & B2BUA_DO_END)
		end_call(c);
	return next;
}

void
act_event(struct call *c, enum b2bua_event ev, const struct sip_msg *msg)
{
	/* a round can only give FAIL once and DONE twice: bounded */
	while (ev != B2BUA_EVENT_N) {
		enum b2bua_state before = c->m.state;
		unsigned todo = b2bua_step(&c->m, ev, c->owner->now);

		if (before != B2BUA_IDLE ||
		    c->m.state != B2BUA_ENDED) /* refused at once: no life */
			log_debug("call.step", "id=%s %s: %s -> %s", c->rec.id.z,
				  b2bua_event_name(ev), b2bua_state_name(before),
				  b2bua_state_name(c->m.state));
		ev = run_actions(c, todo, msg);
		if (c->rec.state != c->m.state) /* nothing was sent that shows it */
			speak_store(c);
	}
	if (c->transfer_for && c->m.state == B2BUA_UP && !c->transfer_for->transfer.joined)
		c->owner->on_transfer(c, TRANSFER_UP, msg);
	if (c->finished && !c->host && list_empty(&c->riders) && row_is_final(c))
		/* with riders: by its timer, alone */
		act_finish(c);
	else
		act_arm(c);
}
