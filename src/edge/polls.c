#include "edge/polls.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "edge/send.h"
#include "policy/route.h"

enum { WHY_MAX = 160, TAG_CHARS = 20 };

static void arm_polls(struct edge *e);

/* ---- what is asked ---- */

static void
put_options(struct buf *b, const struct edge *e, const struct trunk *t,
	    const struct edge_local *local)
{
	static const char *const params[] = {
		[EDGE_UDP] = "", [EDGE_TCP] = ";transport=tcp", [EDGE_TLS] = ";transport=tls"};
	struct str host = snapshot_text(e->snap, t->host);
	char uri[POLICY_HOST_MAX + 64], tag[TAG_CHARS + 1], call_id[TAG_CHARS + 1];
	struct addr ip;
	struct buf u;

	buf_init(&u, uri, sizeof(uri));
	buf_z(&u, "sip:");
	if (addr_parse_ip(host, &ip) == ERR_OK)
		addr_put_ip(&u, &ip, true);
	else
		buf_str(&u, host);
	if (t->port)
		buf_printf(&u, ":%u", t->port);
	buf_z(&u, params[local->transport]);
	random_token(tag, TAG_CHARS);
	random_token(call_id, TAG_CHARS);
	sip_edit_request(b, STR("OPTIONS"), buf_view(&u));
	sip_edit_hdr_u64(b, SIP_H_MAX_FORWARDS, 70);
	buf_z(b, "From: <sip:");
	addr_put_ip(b, &local->advertised, true);
	buf_printf(b, ">;tag=%s\r\n", tag);
	sip_edit_nameaddr(b, SIP_H_TO, &(struct sip_edit_addr){.uri = buf_view(&u)});
	sip_edit_hdr_z(b, SIP_H_CALL_ID, call_id);
	sip_edit_cseq(b, 1, STR("OPTIONS"));
	buf_z(b, "Contact: <sip:");
	if (t->contact == TRUNK_CONTACT_FQDN && local->zone[0])
		buf_z(b, local->zone);
	else
		addr_put_ip(b, &local->advertised, true);
	buf_printf(b, ":%u%s>\r\n", local->advertised.port, params[local->transport]);
	sip_edit_hdr_z(b, SIP_H_ACCEPT, "application/sdp");
	sip_edit_hdr_z(b, SIP_H_USER_AGENT, e->conf.user_agent);
	sip_edit_body(b, STR_NULL, STR_NULL);
	if (u.failed)
		b->failed = true;
}

static enum err
send_options(struct polls_row *r)
{
	struct edge *e = r->owner;
	uint32_t i = snapshot_trunk(e->snap, str_from(r->trunk.z));
	struct edge_dest dest = {.trunk = r->trunk};
	struct edge_local local;
	char mem[EDGE_SMALL_MSG];
	struct buf b;
	enum err err = i == POLICY_NONE ? ERR_NOTFOUND : edge_local_of(e, i, &local);

	if (err != ERR_OK)
		return err;
	dest.account = snapshot_account_id(e->snap, e->snap->trunk[i].account);
	dest.transport = local.transport;
	buf_init(&b, mem, sizeof(mem));
	put_options(&b, e, &e->snap->trunk[i], &local);
	err = buf_end(&b);
	if (err == ERR_OK)
		err = edge_send(e, &dest, SIP_OPTIONS, buf_view(&b), NULL, &r->txn);
	if (err == ERR_OK)
		r->txn->own = &r->own;
	return err;
}

/* ---- what came of it ---- */

static void
tell_poll(const struct polls_row *r, bool good, const char *why)
{
	const struct edge *e = r->owner;
	struct edge_poll_news n = {.trunk = r->trunk,
				   .state = r->poll.state,
				   .asked = true,
				   .changed = r->poll.changed,
				   .latency_us = r->poll.latency_us,
				   .why = good ? "" : why};

	if (!good)
		log_info("options.failed", "trunk=%s %u in a row: %s", r->trunk.z, r->poll.bad,
			 why);
	if (r->poll.changed)
		log_info("options.state", "trunk=%s %s %s", r->trunk.z,
			 poll_state_name(r->poll.state), n.why);
	if (e->up.on_poll)
		e->up.on_poll(e->up.arg, &n);
}

static void
end_txn(struct polls_row *r, bool quiet)
{
	struct edge_txn *t = r->txn;

	r->txn = NULL;
	r->owner->polls->in_hand--;
	t->own = NULL;
	edge_forget(t);
	if (quiet)
		send_end_txn(t);
}

static void
fail_poll(struct polls_row *r, const char *why)
{
	struct edge *e = r->owner;

	poll_failed(&r->poll, &r->terms, random_u32(), loop_now(e->loop));
	tell_poll(r, false, why);
}

static void
take_answer(struct polls_row *r, const struct sip_msg *m)
{
	const struct edge *e = r->owner;
	uint32_t i = e->snap ? snapshot_trunk(e->snap, str_from(r->trunk.z)) : POLICY_NONE;
	struct str failed =
		i == POLICY_NONE ? STR_NULL : snapshot_text(e->snap, e->snap->trunk[i].poll_failed);
	bool refused = route_status_in(failed.len ? failed : STR("408,503"), m->status), good;
	char why[WHY_MAX];

	good = poll_answered(&r->poll, &r->terms, refused, random_u32(), loop_now(e->loop));
	(void)snprintf(why, sizeof(why), "OPTIONS were answered with %u after %llu ms", m->status,
		       (unsigned long long)(r->poll.latency_us / CLOCK_MS));
	tell_poll(r, good, why);
}

static void
take_news(struct edge_own *own, const struct edge_news *n)
{
	struct polls_row *r = CONTAINER_OF(own, struct polls_row, own);
	char why[WHY_MAX];

	if (n->event == EDGE_RESPONSE && n->msg->status < 200)
		return;
	end_txn(r, false);
	if (n->event == EDGE_RESPONSE) {
		take_answer(r, n->msg);
	} else {
		(void)snprintf(why, sizeof(why), "OPTIONS: %s",
			       n->why ? n->why : "no answer in time");
		fail_poll(r, why);
	}
	arm_polls(r->owner);
}

/* ---- time ---- */

static void
arm_polls(struct edge *e)
{
	uint64_t due = UINT64_MAX;

	LIST_EACH(it, &e->polls->rows)
	{
		const struct polls_row *r = CONTAINER_OF(it, struct polls_row, node);

		if (r->poll.due < due)
			due = r->poll.due;
	}
	if (due == UINT64_MAX)
		loop_timer_stop(e->loop, &e->polls->timer);
	else if (timer_set(&e->loop->timers, &e->polls->timer, due) != ERR_OK)
		log_error("edge.timer", "no timer left for OPTIONS");
}

static void
step_row(struct polls_row *r, uint64_t now)
{
	struct edge *e = r->owner;
	enum err err;

	if (now < r->poll.due)
		return;
	if (!r->poll.sent_us && (e->polls->in_hand == POLLS_IN_HAND || e->listeners.draining)) {
		r->poll.due = now + POLLS_WAIT_US;
		return;
	}
	switch (poll_step(&r->poll, &r->terms, random_u32(), now)) {
	case POLL_WAIT:
		break;
	case POLL_SEND:
		err = send_options(r);
		if (err == ERR_OK)
			e->polls->in_hand++;
		else
			fail_poll(r, err_text(err));
		break;
	case POLL_GIVE_UP:
		end_txn(r, true);
		tell_poll(r, false, "OPTIONS were not answered in time");
		break;
	}
}

static void
polls_due(struct timer *t, uint64_t now)
{
	struct edge *e = CONTAINER_OF(t, struct polls, timer)->owner;

	LIST_EACH(it, &e->polls->rows)
	step_row(CONTAINER_OF(it, struct polls_row, node), now);
	arm_polls(e);
}

/* ---- accounts ---- */

static void
drop_row(struct polls_row *r)
{
	struct edge *e = r->owner;

	if (r->txn)
		end_txn(r, true);
	if (e->up.on_poll)
		e->up.on_poll(e->up.arg,
			      &(struct edge_poll_news){.trunk = r->trunk,
						       .state = POLL_UNKNOWN,
						       .changed = r->poll.state == POLL_DOWN,
						       .why = ""});
	list_del(&r->node);
	pool_put(&e->polls->pool, r);
}

static struct polls_row *
find_row(struct edge *e, const struct policy_id *trunk)
{
	LIST_EACH(it, &e->polls->rows)
	{
		struct polls_row *r = CONTAINER_OF(it, struct polls_row, node);

		if (strcmp(r->trunk.z, trunk->z) == 0)
			return r;
	}
	return NULL;
}

static void
take_trunk(struct edge *e, uint32_t i)
{
	const struct trunk *t = &e->snap->trunk[i];
	struct policy_id id = snapshot_trunk_id(e->snap, i);
	struct polls_row *r = find_row(e, &id);
	struct poll_terms terms = {.every_us = t->poll_every_s * CLOCK_S,
				   .answer_us = t->poll_answer_s * CLOCK_S,
				   .slow_us = t->poll_slow_ms * CLOCK_MS,
				   .down_after = t->poll_down,
				   .up_after = t->poll_up};
	uint64_t now = loop_now(e->loop);

	if (r) {
		r->terms = terms;
		poll_on_terms(&r->poll, &terms, random_u32(), now);
	} else {
		r = pool_get(&e->polls->pool);
		if (!r) {
			log_warn("options.full", "trunk=%s is not asked: %u trunks are", id.z,
				 (unsigned)POLLS_MAX);
			return;
		}
		r->owner = e;
		r->own.on_news = take_news;
		r->trunk = id;
		r->terms = terms;
		poll_begin(&r->poll, &terms, random_u32(), now);
		list_add(&e->polls->rows, &r->node);
	}
	r->kept = true;
}

static bool
wants_polls(const struct snapshot_view *v, uint32_t i)
{
	const struct trunk *t = &v->trunk[i];

	return t->enabled && t->poll_every_s &&
	       (t->account == POLICY_NONE || v->account[t->account].enabled);
}

void
polls_on_snapshot(struct edge *e)
{
	LIST_EACH(it, &e->polls->rows)
	CONTAINER_OF(it, struct polls_row, node)->kept = false;
	for (uint32_t i = 0; e->snap && i < e->snap->n_trunks; i++)
		if (wants_polls(e->snap, i))
			take_trunk(e, i);
	LIST_EACH(it, &e->polls->rows)
	{
		struct polls_row *r = CONTAINER_OF(it, struct polls_row, node);

		if (!r->kept)
			drop_row(r);
	}
	arm_polls(e);
}

enum err
polls_init(struct edge *e)
{
	struct polls *p = mem_zalloc(1, sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	e->polls = p;
	p->owner = e;
	p->timer.on_due = polls_due;
	list_init(&p->rows);
	if (pool_init(&p->pool, POLLS_MAX, sizeof(struct polls_row)) != ERR_OK)
		return ERR_NOMEM;
	polls_on_snapshot(e);
	return ERR_OK;
}

void
polls_fini(struct edge *e)
{
	if (!e->polls)
		return;
	loop_timer_stop(e->loop, &e->polls->timer);
	pool_fini(&e->polls->pool);
	mem_free(e->polls);
	e->polls = NULL;
}
