#include "edge/polls.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "edge/state.h"
#include "policy/route.h"

enum { WHY_MAX = 160, TAG_CHARS = 20 };

static struct polls_row *
row_of(struct errand *r)
{
	return CONTAINER_OF(r, struct polls_row, errand);
}

/* ---- what is asked ---- */

static void
put_options(struct buf *b, const struct edge *e, const struct trunk *t,
	    const struct edge_local *local)
{
	struct str host = snapshot_text(e->snap, t->host);
	char uri[POLICY_HOST_MAX + 64], shown[ADDR_TEXT_MAX], tag[TAG_CHARS + 1],
		call_id[TAG_CHARS + 1];
	struct addr ip;
	struct buf u, h;

	buf_init(&h, shown, sizeof(shown));
	if (addr_parse_ip(host, &ip) == ERR_OK) {
		addr_put_ip(&h, &ip, true);
		host = buf_view(&h);
	}
	buf_init(&u, uri, sizeof(uri));
	sip_edit_uri(&u, STR_NULL, host, t->port, str_from(errand_transport(local->transport)));
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
	errand_put_here(b, local, t);
	buf_z(b, ">\r\n");
	sip_edit_hdr_z(b, SIP_H_ACCEPT, "application/sdp");
	sip_edit_hdr_z(b, SIP_H_USER_AGENT, e->conf.user_agent);
	sip_edit_body(b, STR_NULL, STR_NULL);
	if (u.failed)
		b->failed = true;
}

static enum err
send_options(struct polls_row *r)
{
	struct edge *e = r->errand.of->edge;
	uint32_t i = snapshot_trunk(e->snap, str_from(r->errand.trunk.z));
	struct edge_dest dest = {.trunk = r->errand.trunk};
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
	return err == ERR_OK ? errand_send(&r->errand, &dest, SIP_OPTIONS, buf_view(&b)) : err;
}

/* ---- what came of it ---- */

static void
tell_poll(const struct polls_row *r, bool good, const char *why)
{
	const struct edge *e = r->errand.of->edge;
	struct edge_poll_news n = {.trunk = r->errand.trunk,
				   .state = r->poll.state,
				   .asked = true,
				   .changed = r->poll.changed,
				   .latency_us = r->poll.latency_us,
				   .why = good ? "" : why};

	if (!good)
		log_info("options.failed", "trunk=%s %u in a row: %s", r->errand.trunk.z,
			 r->poll.bad, why);
	if (r->poll.changed)
		log_info("options.state", "trunk=%s %s %s", r->errand.trunk.z,
			 poll_state_name(r->poll.state), n.why);
	if (e->up.on_poll)
		e->up.on_poll(e->up.arg, &n);
}

static void
poll_answer(struct errand *er, const struct sip_msg *m)
{
	struct polls_row *r = row_of(er);
	const struct edge *e = er->of->edge;
	uint32_t i = e->snap ? snapshot_trunk(e->snap, str_from(er->trunk.z)) : POLICY_NONE;
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
poll_lost(struct errand *er, const char *why)
{
	struct polls_row *r = row_of(er);

	poll_failed(&r->poll, &r->terms, random_u32(), loop_now(er->of->edge->loop));
	tell_poll(r, false, why);
}

static void
step_poll(struct errand *er, uint64_t now)
{
	struct polls_row *r = row_of(er);
	enum err err;

	if (!er->txn && er->of->edge->listeners.draining) {
		r->poll.due = now + ERRAND_WAIT_US;
		return;
	}
	switch (poll_step(&r->poll, &r->terms, random_u32(), now)) {
	case POLL_WAIT:
		break;
	case POLL_SEND:
		err = send_options(r);
		if (err != ERR_OK)
			poll_lost(er, err_text(err));
		break;
	case POLL_GIVE_UP:
		errand_give_up(er);
		tell_poll(r, false, "OPTIONS were not answered in time");
		break;
	}
}

/* ---- accounts ---- */

static void
leave_trunk(struct errand *er)
{
	const struct edge *e = er->of->edge;

	if (e->up.on_poll)
		e->up.on_poll(e->up.arg, &(struct edge_poll_news){
						 .trunk = er->trunk,
						 .state = POLL_UNKNOWN,
						 .changed = row_of(er)->poll.state == POLL_DOWN,
						 .why = ""});
	errand_drop(er);
}

static void
take_trunk(struct errands *s, uint32_t i)
{
	const struct trunk *t = &s->edge->snap->trunk[i];
	struct policy_id id = snapshot_trunk_id(s->edge->snap, i);
	struct errand *er = errand_find(s, &id);
	struct poll_terms terms = {.every_us = t->poll_every_s * CLOCK_S,
				   .answer_us = t->poll_answer_s * CLOCK_S,
				   .slow_us = t->poll_slow_ms * CLOCK_MS,
				   .down_after = t->poll_down,
				   .up_after = t->poll_up};
	uint64_t now = loop_now(s->edge->loop);
	struct polls_row *r;

	if (er) {
		r = row_of(er);
		poll_on_terms(&r->poll, &terms, random_u32(), now);
		er->kept = true;
	} else {
		er = errand_new(s, i);
		if (!er) {
			log_warn("options.full", "trunk=%s is not asked: %u trunks are", id.z,
				 (unsigned)POLLS_MAX);
			return;
		}
		r = row_of(er);
		er->due = &r->poll.due;
		poll_begin(&r->poll, &terms, random_u32(), now);
	}
	r->terms = terms;
}

static bool
wants_polls(const struct edge *e, const struct trunk *t)
{
	(void)e;
	return t->poll_every_s != 0;
}

const struct errand_kind polls_kind = {.name = "OPTIONS",
				       .size = sizeof(struct polls_row),
				       .rows = POLLS_MAX,
				       .at_a_time = POLLS_IN_HAND,
				       .do_want = wants_polls,
				       .do_take = take_trunk,
				       .do_leave = leave_trunk,
				       .do_step = step_poll,
				       .on_final = poll_answer,
				       .on_failure = poll_lost};
