#include "edge/errand.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "edge/send.h"

enum { WHY_MAX = 160 };

/* ---- one ---- */

struct errand *
errand_find(struct errands *s, const struct policy_id *trunk)
{
	struct errand *found = NULL;

	LIST_EACH(it, &s->rows)
	{
		struct errand *r = CONTAINER_OF(it, struct errand, node);

		if (strcmp(r->trunk.z, trunk->z) == 0)
			found = r;
	}
	return found;
}

/* Our part of it is over; quiet: so is the transaction. */
static void
end_txn(struct errand *r, bool quiet)
{
	struct edge_txn *t = r->txn;

	r->txn = NULL;
	r->of->out--;
	t->own = NULL;
	edge_forget(t);
	if (quiet)
		send_end_txn(t);
}

static void
take_news(struct edge_own *own, const struct edge_news *n)
{
	struct errand *r = CONTAINER_OF(own, struct errand, own);
	struct errands *s = r->of;
	char why[WHY_MAX];

	if (n->event == EDGE_RESPONSE && n->msg->status < 200)
		return;
	end_txn(r, false);
	if (n->event == EDGE_RESPONSE) {
		s->kind->on_final(r, n->msg);
	} else {
		(void)snprintf(why, sizeof(why), "%s: %s", s->kind->name,
			       n->why ? n->why : "no answer in time");
		s->kind->on_failure(r, why);
	}
	errands_arm(s);
}

struct errand *
errand_new(struct errands *s, uint32_t trunk)
{
	struct errand *r = pool_get(&s->pool);

	if (!r)
		return NULL;
	r->of = s;
	r->own.on_news = take_news;
	r->trunk = snapshot_trunk_id(s->edge->snap, trunk);
	r->kept = true;
	list_add(&s->rows, &r->node);
	return r;
}

void
errand_drop(struct errand *r)
{
	errand_give_up(r);
	list_del(&r->node);
	pool_put(&r->of->pool, r);
}

enum err
errand_send(struct errand *r, const struct edge_dest *dest, enum sip_method method, struct str msg)
{
	enum err err = edge_send(r->of->edge, dest, method, msg, NULL, &r->txn);

	if (err != ERR_OK)
		return err;
	r->txn->own = &r->own;
	r->of->out++;
	return ERR_OK;
}

void
errand_give_up(struct errand *r)
{
	if (r->txn)
		end_txn(r, true);
}

const char *
errand_transport(enum edge_transport t)
{
	return t == EDGE_TLS ? ";transport=tls" : t == EDGE_TCP ? ";transport=tcp" : "";
}

void
errand_put_here(struct buf *b, const struct edge_local *local, const struct trunk *t)
{
	if (t->contact == TRUNK_CONTACT_FQDN && local->zone[0])
		buf_z(b, local->zone);
	else
		addr_put_ip(b, &local->advertised, true);
	buf_printf(b, ":%u%s", local->advertised.port, errand_transport(local->transport));
}

/* ---- all of a kind ---- */

void
errands_arm(struct errands *s)
{
	uint64_t due = UINT64_MAX;

	LIST_EACH(it, &s->rows)
	{
		const struct errand *r = CONTAINER_OF(it, struct errand, node);

		if (*r->due < due)
			due = *r->due;
	}
	if (due == UINT64_MAX)
		loop_timer_stop(s->edge->loop, &s->timer);
	else if (timer_set(&s->edge->loop->timers, &s->timer, due) != ERR_OK)
		log_error("edge.timer", "no timer left for %s", s->kind->name);
}

static void
errands_due(struct timer *t, uint64_t now)
{
	struct errands *s = CONTAINER_OF(t, struct errands, timer);

	LIST_EACH(it, &s->rows)
	{
		struct errand *r = CONTAINER_OF(it, struct errand, node);

		if (now < *r->due)
			continue;
		if (!r->txn && s->out == s->kind->at_a_time)
			*r->due = now + ERRAND_WAIT_US;
		else
			s->kind->do_step(r, now);
	}
	errands_arm(s);
}

static bool
is_in_use(const struct snapshot_view *v, const struct trunk *t)
{
	return t->enabled && (t->account == POLICY_NONE || v->account[t->account].enabled);
}

void
errands_on_snapshot(struct errands *s)
{
	const struct snapshot_view *v = s->edge->snap;

	LIST_EACH(it, &s->rows)
	CONTAINER_OF(it, struct errand, node)->kept = false;
	for (uint32_t i = 0; v && i < v->n_trunks; i++)
		if (is_in_use(v, &v->trunk[i]) && s->kind->do_want(s->edge, &v->trunk[i]))
			s->kind->do_take(s, i);
	LIST_EACH(it, &s->rows)
	{
		struct errand *r = CONTAINER_OF(it, struct errand, node);

		if (!r->kept)
			s->kind->do_leave(r);
	}
	errands_arm(s);
}

enum err
errands_new(struct edge *e, const struct errand_kind *kind, struct errands **out)
{
	struct errands *s = mem_zalloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->kind = kind;
	s->edge = e;
	s->timer.on_due = errands_due;
	list_init(&s->rows);
	if (pool_init(&s->pool, kind->rows, kind->size) != ERR_OK) {
		errands_free(&s);
		return ERR_NOMEM;
	}
	errands_on_snapshot(s);
	*out = s;
	return ERR_OK;
}

void
errands_free(struct errands **sp)
{
	struct errands *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	loop_timer_stop(s->edge->loop, &s->timer);
	pool_fini(&s->pool);
	mem_free(s);
}
