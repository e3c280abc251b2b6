#include "edge/rejudge.h"

#include <string.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"

static void next_batch(struct rejudge *r);

/* ---- in the handshake thread ---- */

static void
judge_row(struct rejudge_row *w, struct tls_trust *trust, struct tls_owns *owns)
{
	struct tls_record rec;

	if (!w->shown.leaf && !w->judge.outgoing && tls_ctx_client(w->ctx) == TLS_CLIENT_REQUIRED) {
		(void)!str_copyz(w->why, sizeof(w->why),
				 STR("the zone requires a certificate now, and none was shown"));
		return;
	}
	w->judge.trust = trust;
	w->judge.owns = owns;
	w->fit = tls_judge_again(&w->judge, &w->shown, &rec);
	memcpy(w->why, rec.why, sizeof(w->why));
}

static void
judge_batch(void *arg)
{
	struct rejudge *r = arg;
	struct tls_trust *trust = tls_trust_box_get(r->conns->trust);
	struct tls_owns *owns = tls_trust_box_owns(r->conns->trust);

	for (uint32_t i = 0; i < r->n; i++)
		judge_row(&r->row[i], trust, owns);
	tls_trust_unref(&trust);
	tls_owns_unref(&owns);
}

/* ---- in the loop ---- */

static void
drop_batch(struct rejudge *r)
{
	for (uint32_t i = 0; i < r->n; i++) {
		tls_shown_fini(&r->row[i].shown);
		tls_ctx_unref(&r->row[i].ctx);
	}
	r->n = 0;
}

static void
take_answer(struct rejudge *r, const struct rejudge_row *w)
{
	struct conn *c = conns_find(r->conns, w->id);
	bool was;

	if (!c)
		return;
	if (!w->fit)
		memcpy(c->why, w->why, sizeof(c->why));
	was = c->unfit;
	c->unfit = !GUARD(A10, w->fit);
	if (c->unfit && !was)
		log_warn("conn.unfit", "peer=%s account=%s no new calls: %s",
			 addr_text(&c->remote).z, c->account.z, w->why);
	else if (was && !c->unfit)
		log_info("conn.fit", "peer=%s account=%s takes calls again",
			 addr_text(&c->remote).z, c->account.z);
}

static void
end_batch(void *arg)
{
	struct rejudge *r = arg;

	r->busy = false;
	for (uint32_t i = 0; i < r->n && !r->closing; i++)
		take_answer(r, &r->row[i]);
	drop_batch(r);
	if (!r->closing)
		next_batch(r);
}

/* What its account asks by the accounts of now; carriers and accounts that are gone ask nothing. */
static void
fill_account(const struct conns *cs, const struct conn *c, struct tls_account *out)
{
	const struct snapshot_view *v = cs->snap;
	uint32_t a =
		v && c->account.z[0] ? snapshot_account(v, str_from(c->account.z)) : POLICY_NONE;

	*out = (struct tls_account){.id = ""};
	if (a != POLICY_NONE)
		cards_terms(v, a, out);
}

static enum err
fill_row(const struct rejudge *r, const struct conn *c, struct rejudge_row *w)
{
	const struct tls_conn *tls = stream_tls(c->stream);
	uint32_t zone = c->inbound ? c->zone : tls_ctx_zone(c->client);
	enum err e;

	*w = (struct rejudge_row){.id = c->id};
	e = tls_conn_shown(tls, &w->shown);
	if (e == ERR_OK && !c->inbound)
		e = str_copyz(w->name, sizeof(w->name), str_from(c->reference));
	if (e != ERR_OK) {
		tls_shown_fini(&w->shown);
		return e;
	}
	w->ctx =
		tls_ctx_ref(c->inbound ? r->conf->zones[zone].server : r->conf->zones[zone].client);
	fill_account(r->conns, c, &w->account);
	w->judge = (struct tls_judge){.account = &w->account,
				      .profile = tls_ctx_profile(w->ctx),
				      .outgoing = !c->inbound,
				      .zone = (uint16_t)zone,
				      .ref = str_from(w->name)};
	tls_conn_chosen(tls, &w->judge.version, &w->judge.suite, &w->judge.suite_name);
	return ERR_OK;
}

static void
try_again(struct rejudge *r, uint64_t from)
{
	r->next = from < r->next ? from : r->next;
	if (loop_timer(r->loop, &r->retry, REJUDGE_RETRY_US) != ERR_OK)
		log_error("conn.timer", "no timer left to judge connections again");
}

/* Ids rise along the list. */
static void
next_batch(struct rejudge *r)
{
	uint64_t from = r->next;

	r->next = UINT64_MAX;
	LIST_EACH(it, &r->conns->all)
	{
		struct conn *c = CONTAINER_OF(it, struct conn, node);

		if (c->id < from || !c->tls || c->state != CONN_OPEN || !c->stream)
			continue;
		if (r->n == REJUDGE_BATCH || fill_row(r, c, &r->row[r->n]) != ERR_OK) {
			r->next = c->id;
			break;
		}
		r->n++;
	}
	if (r->n == 0 && r->next != UINT64_MAX) { /* no memory now */
		try_again(r, from);
		return;
	}
	if (r->n == 0)
		return;
	r->busy = handshake_work(r->conns->handshake, judge_batch, end_batch, r) == ERR_OK;
	if (!r->busy) {
		drop_batch(r);
		try_again(r, from);
	}
}

static void
on_retry(struct timer *t, uint64_t now_us)
{
	struct rejudge *r = CONTAINER_OF(t, struct rejudge, retry);

	(void)now_us;
	if (!r->busy)
		next_batch(r);
}

static void
begin_from(struct rejudge *r, uint64_t id)
{
	if (!r->conns->handshake || !r->conns->trust)
		return;
	r->next = id < r->next ? id : r->next;
	if (!r->busy)
		next_batch(r);
}

void
rejudge_all(struct rejudge *r)
{
	r->since_us = clock_wall_us();
	begin_from(r, 0);
}

void
rejudge_late(struct rejudge *r, const struct conn *c, int64_t began_us)
{
	if (began_us <= r->since_us)
		begin_from(r, c->id);
}

void
rejudge_init(struct rejudge *r, struct conns *conns, const struct edge_conf *conf,
	     struct loop *loop)
{
	r->conns = conns;
	r->conf = conf;
	r->loop = loop;
	r->retry.on_due = on_retry;
	r->next = UINT64_MAX;
}

void
rejudge_fini(struct rejudge *r)
{
	r->closing = true;
	if (r->loop)
		loop_timer_stop(r->loop, &r->retry);
}
