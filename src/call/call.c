#include "call/call.h"

#include <string.h>

#include "base/guard.h"
#include "base/log.h"
#include "base/mem.h"
#include "call/act.h"
#include "call/begin.h"
#include "call/called.h"
#include "call/caller.h"
#include "call/dtmf.h"
#include "call/due.h"
#include "call/inside.h"
#include "call/modify.h"
#include "call/negotiate.h"
#include "call/outside.h"
#include "call/pass.h"
#include "call/refer.h"
#include "call/refused.h"
#include "call/renew.h"
#include "call/row.h"
#include "call/said.h"
#include "call/sos.h"
#include "call/speak.h"

enum { CALLS_LIMIT_ROWS = 65536 };

/* Rows of what outlives a call: those of conf, or memory of our own. */
static enum err
make_rows(struct calls *cs)
{
	struct usage_row *usage = cs->conf.usage_rows;
	uint32_t n = usage ? cs->conf.n_usage_rows : CALL_USAGE_ROWS;

	cs->emergency.row = cs->conf.emergency_rows;
	if (!usage)
		cs->own_rows[0] = usage = mem_zalloc(n, sizeof(*usage));
	if (!cs->emergency.row)
		cs->own_rows[1] = cs->emergency.row =
			mem_zalloc(EMERGENCY_ROWS, sizeof(*cs->emergency.row));
	if (!usage || !cs->emergency.row)
		return ERR_NOMEM;
	usage_init(&cs->usage, usage, n);
	return ERR_OK;
}

static void
carrier_changed(void *arg, const struct policy_id *trunk, bool up, const char *why)
{
	const struct call_ops *ops = &((struct calls *)arg)->ops;

	if (ops->do_carrier)
		ops->do_carrier(ops->arg, trunk, up, why);
}

enum err
calls_init(struct calls *cs, const struct call_conf *conf, const struct call_ops *ops,
	   struct timers *timers)
{
	memset(cs, 0, sizeof(*cs));
	cs->conf = *conf;
	cs->ops = *ops;
	cs->timers = timers;
	cs->on_due = due_on;
	cs->on_transfer = refer_on;
	list_init(&cs->live);
	cs->limit_rows = mem_zalloc(CALLS_LIMIT_ROWS, sizeof(*cs->limit_rows));
	cs->n_media = conf->media_slots;
	cs->by_media = mem_zalloc(cs->n_media, sizeof(struct call *));
	if (!cs->limit_rows || !cs->by_media ||
	    pool_init(&cs->pool, conf->max_calls + CALL_SPARE, sizeof(struct call)) != ERR_OK ||
	    pool_init(&cs->offers, conf->max_calls + CALL_SPARE, CALL_OFFER_MAX) != ERR_OK ||
	    pool_init(&cs->deals, 2 * (conf->max_calls + CALL_SPARE), sizeof(struct call_deal)) !=
		    ERR_OK ||
	    pool_init(&cs->videos, conf->max_calls + CALL_SPARE, sizeof(struct call_video)) !=
		    ERR_OK ||
	    pool_init(&cs->setups, conf->max_calls + CALL_SPARE, sizeof(struct call_setup)) !=
		    ERR_OK ||
	    pool_init(&cs->forks, conf->max_calls + CALL_SPARE,
		      CALL_FORKS * sizeof(struct call_fork)) != ERR_OK ||
	    pool_init(&cs->whys, conf->max_calls + CALL_SPARE, CALL_WHY_MAX) != ERR_OK ||
	    said_init(cs, conf->max_calls + CALL_SPARE) != ERR_OK ||
	    hash_init(&cs->by_tag, 2 * conf->max_calls) != ERR_OK || make_rows(cs) != ERR_OK) {
		calls_fini(cs);
		return ERR_NOMEM;
	}
	limit_init(&cs->limit, cs->limit_rows, CALLS_LIMIT_ROWS, conf->max_calls);
	cs->health = (struct health){.arg = cs, .on_change = carrier_changed};
	return ERR_OK;
}

void
calls_fini(struct calls *cs)
{
	health_fini(&cs->health);
	mem_free(cs->limit_rows);
	mem_free(cs->by_media);
	mem_free(cs->own_rows[0]);
	mem_free(cs->own_rows[1]);
	if (cs->pool.mem)
		pool_fini(&cs->pool);
	if (cs->offers.raw)
		pool_fini(&cs->offers);
	if (cs->deals.raw)
		pool_fini(&cs->deals);
	if (cs->videos.raw)
		pool_fini(&cs->videos);
	if (cs->setups.raw)
		pool_fini(&cs->setups);
	if (cs->forks.raw)
		pool_fini(&cs->forks);
	if (cs->whys.raw)
		pool_fini(&cs->whys);
	said_fini(cs);
	if (cs->by_tag.bucket)
		hash_fini(&cs->by_tag);
	cs->limit_rows = NULL;
	cs->by_media = NULL;
	cs->own_rows[0] = cs->own_rows[1] = NULL;
}

void
calls_on_snapshot(struct calls *cs, const struct snapshot_view *snap)
{
	cs->snap = snap;
	if (health_on_snapshot(&cs->health, snap) != ERR_OK)
		log_error("call.health", "no memory: all carriers count as up");
}

void
calls_on_conf(struct calls *cs, const struct call_conf *conf)
{
	struct call_conf next = *conf;

	next.node = cs->conf.node;
	next.worker = cs->conf.worker;
	next.max_calls = cs->conf.max_calls;
	next.media_slots = cs->conf.media_slots;
	next.plan = cs->conf.plan;
	cs->conf = next;
}

void
calls_drain(struct calls *cs)
{
	cs->draining = true;
}

uint32_t
calls_count(const struct calls *cs)
{
	return pool_used(&cs->pool);
}

static struct call *
call_at(struct list *node)
{
	return CONTAINER_OF(node, struct call, node);
}

static uint32_t
stop_batch(struct calls *cs, uint64_t now_us, bool all)
{
	uint32_t n = 0;

	cs->now = now_us;
	LIST_EACH(it, &cs->live)
	{
		struct call *c = call_at(it);

		if (n == CALLS_STOP_BATCH)
			break;
		if (act_is_ending(c) || (c->rec.class == CLASS_EMERGENCY && !all))
			continue;
		n++;
		act_stop(c, REFUSAL_STOPPED);
	}
	return calls_count(cs);
}

uint32_t
calls_stop(struct calls *cs, uint64_t now_us)
{
	return stop_batch(cs, now_us, true);
}

uint32_t
calls_stop_ordinary(struct calls *cs, uint64_t now_us)
{
	return stop_batch(cs, now_us, false);
}

void
calls_abandon(struct calls *cs, uint64_t now_us)
{
	cs->now = now_us;
	while (!list_empty(&cs->live)) { /* one may take others along */
		struct call *c = call_at(cs->live.next);

		LIST_EACH(it, &c->riders)
		{
			act_note_end(CONTAINER_OF(it, struct call, ride), ENDER_POSTERN,
				     refusal_status(REFUSAL_STOPPED), refusal_q850(REFUSAL_STOPPED),
				     REFUSAL_STOPPED);
		}
		act_note_end(c, ENDER_POSTERN, refusal_status(REFUSAL_STOPPED),
			     refusal_q850(REFUSAL_STOPPED), REFUSAL_STOPPED);
		row_close(c);
		act_finish(c);
	}
}

enum err
calls_hangup(struct calls *cs, struct str id, uint64_t now_us)
{
	cs->now = now_us;
	LIST_EACH(it, &cs->live)
	{
		struct call *c = call_at(it);

		if (str_eqz(id, c->rec.id.z) && !act_is_ending(c)) {
			act_stop(c, REFUSAL_HANGUP);
			return ERR_OK;
		}
	}
	return ERR_NOTFOUND;
}

/* ---- finding ---- */

/* The leg whose dialog this in-dialog message belongs to. A dialog belongs to its account: nobody
 * else's message finds it, whatever Call-ID and tags it shows (A4). */
static struct call *
find_dialog(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
	    enum call_leg_index *out)
{
	uint64_t h = hash_of(&cs->by_tag, m->to_tag);

	for (struct hash_node *n = hash_first(&cs->by_tag, h); n; n = hash_next(n)) {
		struct call_leg *leg = CONTAINER_OF(n, struct call_leg, by_tag);
		struct call *c = leg->u_invite.call;
		struct record_leg *l = &c->rec.leg[leg->u_invite.leg];

		if (sip_dialog_match(&l->dialog, m) &&
		    GUARD(A4, identity_speaks_for(cs->snap, &src->account_id, &l->account))) {
			*out = leg->u_invite.leg;
			return c;
		}
	}
	return NULL;
}

/* That leg, where its peer may speak over this transport. */
static struct call *
find_leg(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
	 enum call_leg_index *out)
{
	struct call *c = find_dialog(cs, m, src, out);

	return c && GUARD(A4, leg_hears(c, *out, src)) ? c : NULL;
}

/* No leg was found: because the message came beside the way of its dialog? */
static void
note_astray(struct calls *cs, const struct sip_msg *m, const struct edge_source *src)
{
	static const char *const names[] = {"UDP", "TCP", "TLS"};
	enum call_leg_index i;
	const struct call *c = find_dialog(cs, m, src, &i);
	uint64_t left_out;

	if (c && guard_may_log(&cs->guard, GUARD_STRANGER, cs->now, &left_out))
		log_warn("request.astray",
			 "id=%s leg=%c method=%.*s source=%s over %s: its dialog goes over TLS "
			 "with another peer: refused; left out %llu lines",
			 c->rec.id.z, i == LEG_A ? 'A' : 'B', STR_ARG(m->method_name),
			 addr_text(&src->remote).z, names[src->transport],
			 (unsigned long long)left_out);
}

bool
calls_know(struct calls *cs, const struct sip_msg *msg, const struct edge_source *src)
{
	enum call_leg_index i;

	return find_leg(cs, msg, src, &i) != NULL;
}

/* ---- requests ---- */

static void
on_in_dialog(struct calls *cs, struct edge_txn *txn, const struct sip_msg *m,
	     const struct edge_source *src)
{
	enum call_leg_index i = LEG_A;
	struct call *c = find_leg(cs, m, src, &i);

	if (!c)
		note_astray(cs, m, src);
	refer_note_sos(cs, c, i, m, src);
	if (!c && m->method == SIP_INVITE && sos_is_called(cs, &m->uri, src))
		refused_sos(cs, m, src, REFUSAL_DIALOG,
			    "its INVITE has a To-tag of no call, as if it were in one", NULL);
	/* the called side may not end it before its answer (RFC 3261 15) */
	if (!c ||
	    (i == LEG_B && m->method == SIP_BYE && c->rec.leg[i].dialog.state == SIP_DIALOG_EARLY))
		outside_refuse(cs, txn, m, src, REFUSAL_DIALOG);
	else
		inside_request(c, i, txn, m, src);
}

void
calls_on_lost(struct calls *cs, const struct sip_msg *msg, const struct edge_source *src,
	      const char *why, uint64_t now_us)
{
	cs->now = now_us;
	refused_sos(cs, msg, src, msg->fault == ERR_OK ? REFUSAL_EMERGENCY : REFUSAL_UNREADABLE,
		    why, NULL);
}

bool
calls_on_guest(struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
	       uint64_t now_us, struct call_guest *out)
{
	struct number n;

	if (number_read_uri(&cs->conf.numbers, &m->uri, &n) != ERR_OK || n.kind != NUMBER_EMERGENCY)
		return false;
	cs->now = now_us;
	refused_guest(cs, m, src, out);
	return true;
}

void
calls_on_request(struct calls *cs, struct edge_txn *txn, const struct sip_msg *msg,
		 const struct edge_source *src, uint64_t now_us)
{
	cs->now = now_us;
	if (!msg->to_tag.len)
		refer_note_sos(cs, NULL, LEG_A, msg, src);
	if (msg->to_tag.len)
		on_in_dialog(cs, txn, msg, src);
	else if (msg->method == SIP_INVITE)
		begin_invite(cs, txn, msg, src);
	else if (caller_is_foreign(cs, msg, src))
		outside_refuse(cs, txn, msg, src, REFUSAL_CALLER);
	else if (msg->method == SIP_OPTIONS)
		outside_options(cs, txn, msg, src);
	else if (msg->method == SIP_BYE)
		outside_refuse(cs, txn, msg, src, REFUSAL_DIALOG);
	else
		outside_refuse(cs, txn, msg, src, REFUSAL_METHOD);
}

/* The ACK that answers B's offer. */
static enum b2bua_event
take_late(struct call *c, const struct sip_msg *m)
{
	const char *why = "";
	enum refusal r = m->body.len ? negotiate_answer(c, m, &why) : REFUSAL_BAD_ACK;

	negotiate_drop(c);
	c->leg[LEG_B].answer_in_ack = r == REFUSAL_NONE;
	if (r == REFUSAL_NONE)
		return B2BUA_EV_ACK;
	log_warn("call.answer", "id=%s the answer in ACK cannot be used: %s", c->rec.id.z, why);
	r = r == REFUSAL_MEDIA_BUSY ? r : REFUSAL_BAD_ACK;
	act_note_refusal(c, r, why);
	act_note_end(c, ENDER_POSTERN, refusal_status(r), refusal_q850(r), r);
	return B2BUA_EV_BAD_ACK;
}

void
calls_on_ack(struct calls *cs, const struct sip_msg *msg, const struct edge_source *src,
	     uint64_t now_us)
{
	enum call_leg_index i;
	struct call *c = find_leg(cs, msg, src, &i);

	cs->now = now_us;
	if (!c)
		note_astray(cs, msg, src);
	if (!c || sip_dialog_request(&c->rec.leg[i].dialog, msg) != ERR_OK)
		return;
	if (i == LEG_B || c->m.state != B2BUA_ANSWERED) {
		inside_end_for(c, modify_ack(c, i, msg));
		return;
	}
	speak_acked(c);
	act_event(c, c->m.owes_ack ? take_late(c, msg) : B2BUA_EV_ACK, msg);
}

void
calls_on_cancel(struct calls *cs, void *user, const struct sip_msg *msg, uint64_t now_us)
{
	struct call_user *u = user;
	int q850;

	cs->now = now_us;
	if (u && u->kind == USER_ASKING)
		inside_end_for(u->call, modify_cancel(u->call));
	if (!u || u->kind != USER_INVITE || u->call->rec.answer_us || act_is_ending(u->call))
		return;
	q850 = reason_q850_of(msg);
	act_note_failure(u->call, 487, q850 ? q850 : 16, "");
	act_note_end(u->call, ENDER_CALLER, 487, q850 ? q850 : 16, REFUSAL_NONE);
	act_event(u->call, B2BUA_EV_CANCEL, msg);
}

uint32_t
calls_on_again(struct calls *cs, void *user, struct edge_txn *txn, enum sip_method method,
	       uint64_t now_us)
{
	const struct call_user *u = user;
	struct record_leg *l = &u->call->rec.leg[u->leg];
	uint32_t cseq;

	cs->now = now_us;
	if (u->call->finished || sip_dialog_next_cseq(&l->dialog, method, &cseq) != ERR_OK)
		return 0;
	if (u->kind == USER_INVITE)
		(void)!str_copyz(l->branch, sizeof(l->branch),
				 str_from(cs->ops.do_branch_of(cs->ops.arg, txn)));
	speak_store(u->call);
	return cseq;
}

void
calls_on_poll(struct calls *cs, const struct policy_id *trunk, bool up, const char *why,
	      uint64_t now_us)
{
	const struct snapshot_view *v = cs->snap;
	uint32_t t = v ? snapshot_trunk(v, str_from(trunk->z)) : POLICY_NONE;

	cs->now = now_us;
	if (t != POLICY_NONE && t >= v->first_carrier)
		health_polled(&cs->health, t - v->first_carrier, up, why);
}

void
calls_on_undelivered(struct calls *cs, void *user, uint64_t now_us)
{
	struct call_user *u = user;

	cs->now = now_us;
	if (!u)
		return;
	if (u->kind == USER_PASSED) {
		pass_undelivered(u);
		return;
	}
	/* a 2xx is repeated by us until its own deadline; a failure needs nobody any more */
	if (u->kind == USER_ASKING)
		u->call->change.in = NULL;
	else
		u->call->leg[u->leg].invite = NULL;
	u->call->ok_txn = NULL;
}

/* ---- news of what we sent ---- */

static void
on_bye_news(struct call *c, enum call_leg_index i, const struct edge_news *news)
{
	if (news->event == EDGE_RESPONSE && news->msg->status < 200)
		return;
	act_event(c, i == LEG_A ? B2BUA_EV_DONE_A : B2BUA_EV_DONE_B, NULL);
}

/* The INVITE of a leg that came from another call is over but for copies of its 2xx. */
static void
on_copy(struct call *c, enum call_leg_index i, const struct edge_news *news)
{
	const struct sip_dialog *d = &c->rec.leg[i].dialog;

	if (news->last)
		c->leg[i].invite = NULL;
	if (news->event == EDGE_RESPONSE && news->msg->status >= 200 && news->msg->status < 300 &&
	    news->msg->cseq == d->local_invite_cseq && sip_dialog_match(d, news->msg))
		speak_ack(c, i);
}

void
calls_on_news(struct calls *cs, void *user, const struct edge_news *news, uint64_t now_us)
{
	struct call_user *u = user;
	struct call *c;
	bool failed;

	cs->now = now_us;
	if (!u)
		return;
	c = u->call;
	if (u->kind == USER_BYE) {
		if (news->last)
			c->leg[u->leg].bye = NULL;
		if (news->event != EDGE_OVER)
			on_bye_news(c, u->leg, news);
		return;
	}
	if (u->kind == USER_DIGIT) {
		dtmf_news(c, news);
		return;
	}
	if (u->kind == USER_ASKED || u->kind == USER_PASS) {
		inside_end_for(c, u->kind == USER_PASS ? pass_news(u, news) : modify_news(c, news));
		return;
	}
	if (u->kind == USER_FIRST) {
		renew_first_news(c, news);
		return;
	}
	if (c->leg[u->leg].placed) {
		on_copy(c, u->leg, news);
		return;
	}
	failed = news->event != EDGE_OVER &&
		 (news->event != EDGE_RESPONSE || news->msg->status >= 300);
	/* over UDP it lives on for copies of the failure: another target's takes its place here */
	if (failed && !news->last && c->leg[LEG_B].invite)
		cs->ops.do_forget(cs->ops.arg, c->leg[LEG_B].invite);
	if (failed || news->last)
		c->leg[LEG_B].invite = NULL;
	if (c->finished || news->event == EDGE_OVER)
		return;
	if (failed)
		called_failure(c, news);
	else if (news->msg->status >= 200)
		called_answer(c, news);
	else
		called_provisional(c, news);
}

/* ---- media ---- */

static bool
is_row(const struct media_open *o, uint32_t slot, uint32_t generation)
{
	return o->slot == slot && o->generation == generation;
}

/* The leg whose row this is, of its audio or of its video. */
static struct call *
call_of_media(struct calls *cs, uint32_t slot, uint32_t generation, enum call_leg_index *out,
	      bool *video)
{
	struct call *c = slot < cs->n_media ? cs->by_media[slot] : NULL;

	for (int i = 0; c && i < CALL_LEGS; i++) {
		const struct record_leg *l = &c->rec.leg[i];

		*out = (enum call_leg_index)i;
		*video = l->video.open && is_row(&l->video.media, slot, generation);
		if (*video || (l->media_open && is_row(&l->media, slot, generation)))
			return c;
	}
	return NULL;
}

/* The row that a leg had before it came to another call. */
static void
free_moved(struct calls *cs, const struct media_closed *m)
{
	struct call *c = m->slot < cs->n_media ? cs->by_media[m->slot] : NULL;

	for (uint32_t k = 0; c && k < c->n_moved; k++)
		if (c->moved[k].slot == m->slot && c->moved[k].generation == m->generation) {
			act_free_moved(c, k);
			return;
		}
}

void
calls_on_media_closed(struct calls *cs, const struct media_closed *m, uint64_t now_us)
{
	enum call_leg_index i;
	bool video;
	struct call *c = call_of_media(cs, m->slot, m->generation, &i, &video);

	cs->now = now_us;
	if (!c) {
		free_moved(cs, m);
		return;
	}
	if (video) {
		row_video_closed(c, i, &m->stats);
	} else {
		c->rec.leg[i].stats = m->stats;
		c->rec.leg[i].stats_final = 1;
	}
	if (c->finished && !c->host && row_is_final(c))
		act_finish(c);
}

void
calls_on_media_timeout(struct calls *cs, uint32_t slot, uint32_t generation, uint64_t now_us)
{
	enum call_leg_index i;
	bool video;
	struct call *c = call_of_media(cs, slot, generation, &i, &video);

	cs->now = now_us;
	if (!c || video || act_is_ending(c) || c->rec.class == CLASS_EMERGENCY)
		return;
	log_warn("call.media_timeout", "id=%s leg=%c no media for too long", c->rec.id.z,
		 i == LEG_A ? 'A' : 'B');
	act_stop(c, REFUSAL_MEDIA_TIMEOUT);
}

void
calls_on_media_rekey(struct calls *cs, uint32_t slot, uint32_t generation, uint64_t now_us)
{
	enum call_leg_index i;
	bool video;
	struct call *c = call_of_media(cs, slot, generation, &i, &video);

	cs->now = now_us;
	if (!c)
		return;
	log_info("call.key_ends", "id=%s leg=%c its SRTP key is good for few packets more",
		 c->rec.id.z, i == LEG_A ? 'A' : 'B');
	modify_rekey(c, i);
	act_arm(c);
}

void
calls_on_digit(struct calls *cs, const struct media_digit *d, uint64_t now_us)
{
	enum call_leg_index i;
	bool video;
	struct call *c = call_of_media(cs, d->slot, d->generation, &i, &video);

	cs->now = now_us;
	if (c && !video)
		dtmf_heard(c, i, d);
}
