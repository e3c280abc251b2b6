#include "edge/attempt.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "sip/hdr.h"

enum {
	BRANCH_CHARS = 26,
	LEAST_PART =
		6, /* of the time for a target is for its answer, however long it took to connect */
	AGAIN_MAX = 8, /* connections that a request is lost with */
};

void
attempt_branch(char branch[EDGE_BRANCH_MAX])
{
	static const char magic[] = "z9hG4bK"; /* RFC 3261 8.1.1.7 */

	memcpy(branch, magic, sizeof(magic));
	random_token(branch + sizeof(magic) - 1, BRANCH_CHARS);
}

void
attempt_note(struct edge_txn *t, const struct addr *a)
{
	if (t->n_tried < CONN_TRIED_MAX && !conn_addr_in(a, t->tried, t->n_tried))
		t->tried[t->n_tried++] = *a;
}

/* The next address that it was not sent to; those that failed lately come last. NULL: none. */
const struct addr *
attempt_next(const struct edge_txn *t)
{
	const struct edge *e = t->owner;
	const struct conn *c = conns_find(&e->conns, t->conn);
	const struct locate *l = t->locate;
	const struct addr *last = NULL, *a;
	uint32_t n;

	if (t->dest.transport != EDGE_UDP)
		l = c && !c->inbound ? &c->locate : NULL;
	a = l ? l->addr : &t->literal;
	n = l ? l->n : t->dest.transport == EDGE_UDP && t->literal.family;
	if (t->n_tried == CONN_TRIED_MAX)
		return NULL;
	for (; n; n--, a++) {
		if (conn_addr_in(a, t->tried, t->n_tried))
			continue;
		if (!targets_is_down(&e->targets, a, t->dest.transport, loop_now(e->loop)))
			return a;
		last = last ? last : a;
	}
	return last;
}

/* May it leave where it is? In a dialog there is one target; what is cancelled stays. */
static bool
may_leave(const struct edge_txn *t)
{
	return !t->server && !t->once && !t->stray && !t->dead && !t->dest.reuse &&
	       !t->dest.branch[0] && t->method != SIP_CANCEL && txn_client_unheard(&t->m) &&
	       t->m.cancel == TXN_CANCEL_NONE;
}

static void
note_failed(struct edge_txn *t, uint64_t for_us, const char *why)
{
	struct edge *e = t->owner;
	struct conn *c = conns_find(&e->conns, t->conn);
	uint64_t now = loop_now(e->loop);

	if (t->dest.transport == EDGE_UDP)
		targets_failed(&e->targets, &t->to, EDGE_UDP, for_us, why, random_u32(), now);
	else if (c && !c->inbound)
		targets_failed(&e->targets, &c->remote, t->dest.transport, for_us, why,
			       random_u32(), now);
}

void
attempt_answered(struct edge_txn *t)
{
	struct edge *e = t->owner;
	const struct conn *c = conns_find(&e->conns, t->conn);

	loop_timer_stop(e->loop, &t->trying);
	if (t->dest.transport == EDGE_UDP)
		targets_worked(&e->targets, &t->to, EDGE_UDP);
	else if (c && !c->inbound)
		targets_worked(&e->targets, &c->remote, t->dest.transport);
}

/* What was sent lives on by itself under its branch: if the target wakes up, it is cancelled, or
 * its call ended (stray.c), so that nobody is rung twice. NULL: no transaction is left for it. */
static struct edge_txn *
leave_stray(struct edge_txn *t)
{
	struct edge *e = t->owner;
	struct edge_txn *g = send_new_txn(e, t->m.kind, t->m.reliable, t->spare);
	struct conn *c = conns_find(&e->conns, t->conn);
	char old[EDGE_BRANCH_MAX];
	size_t at;

	if (!g)
		return NULL;
	if (texts_put(&e->texts, &g->req, str_of(t->req.p, t->req.len)) != ERR_OK) {
		send_drop_txn(g);
		return NULL;
	}
	g->m = t->m;
	g->method = t->method;
	g->dest = t->dest;
	g->src = t->src;
	g->to = t->to;
	g->conn = t->conn;
	g->listener = t->listener;
	g->stray = g->forgotten = true;
	memcpy(g->branch, t->branch, sizeof(g->branch));
	memcpy(old, t->branch, sizeof(old));
	send_swap_txn(e, t, g);
	list_del(&t->wait);
	if (c && c->state == CONN_OPEN)
		list_add(&c->busy, &g->wait);
	/* t's own text goes on under another branch of the same length */
	attempt_branch(t->branch);
	at = str_find(str_of(t->req.p, t->req.len), str_from(old));
	memcpy(t->req.p + at, t->branch, strlen(t->branch));
	return g;
}

static void
quiet_stray(struct edge_txn *g)
{
	uint64_t now = loop_now(g->owner->loop);

	if (g->m.kind != TXN_CLIENT_INVITE) {
		send_end_txn(g);
		return;
	}
	txn_client_quiet(&g->m, now);
	send_do(g, txn_client_step(&g->m, TXN_EV_CANCEL, now), NULL);
}

/* Nobody hears of it twice, and who has it rings or talks until it comes. */
static bool
is_end(const struct edge_txn *t)
{
	return t->method == SIP_BYE || t->method == SIP_CANCEL;
}

/* Anew, to the next target. */
static void
begin_again(struct edge_txn *t)
{
	struct edge *e = t->owner;
	struct txn_key key;

	loop_timer_stop(e->loop, &t->trying);
	loop_timer_stop(e->loop, &t->timer);
	txn_init(&t->m, t->m.kind, t->m.reliable, &e->times);
	if (t->hashed)
		hash_del(&e->by_key, &t->by_key);
	t->hashed = false;
	t->conn = 0;
	t->waits = 0;
	if (txn_client_key(str_from(t->branch), str_from(sip_method_name(t->method)), &key) !=
	    ERR_OK) {
		send_fail_txn(t, ERR_LONG, "no key for a branch");
		return;
	}
	send_hash_txn(e, t, &key);
	t->soon = (struct loop_soon){.on_soon = e->on_again, .arg = t};
	loop_soon(e->loop, &t->soon);
}

/* Over another connection; the time of what ends a call runs on (Timer F). */
static void
begin_over_other(struct edge_txn *t)
{
	uint64_t until = is_end(t) ? t->m.expire_at : TIMER_NEVER;

	t->again++;
	begin_again(t);
	txn_client_goes_on(&t->m, until);
}

/* Not even a 100 in time: the next target; none: it has failed, where the caller has another
 * trunk. The connection keeps what runs over it. */
static void
trying_due(struct timer *timer, uint64_t now)
{
	struct edge_txn *t = CONTAINER_OF(timer, struct edge_txn, trying), *g;
	struct conn *c = conns_find(&t->owner->conns, t->conn);
	bool other = attempt_next(t) != NULL;

	(void)now;
	if (!may_leave(t) || (!other && !t->dest.hunt))
		return;
	note_failed(t, 0, "no answer at all to a request");
	if (c)
		conn_set_mute(c);
	g = leave_stray(t);
	if (!g)
		return; /* Timer B has the last word then */
	quiet_stray(g);
	if (other)
		begin_again(t);
	else
		send_fail_txn(t, ERR_TIMEOUT, "no answer at all in time");
}

bool
attempt_on_503(struct edge_txn *t, const struct sip_msg *msg)
{
	struct sip_retry_after after;
	struct edge_txn *g;
	bool unheard;

	if (sip_retry_after_read(msg, &after) == ERR_OK && after.seconds)
		note_failed(t, (uint64_t)after.seconds * CLOCK_S, "503 with Retry-After");
	if (t->m.state == TXN_PROCEEDING) { /* a 100 before it changes nothing */
		unheard = t->m.kind == TXN_CLIENT_INVITE && t->m.cancel == TXN_CANCEL_NONE &&
			  !t->stray && !t->once && !t->dest.reuse && !t->dest.branch[0];
	} else {
		unheard = may_leave(t);
	}
	if (!unheard || !attempt_next(t))
		return false;
	g = leave_stray(t);
	if (!g)
		return false;
	send_do(g, txn_client_step(&g->m, TXN_EV_3XX_6XX, loop_now(g->owner->loop)), msg);
	begin_again(t);
	return true;
}

bool
attempt_leave_answered(struct edge_txn *t, const struct sip_msg *msg)
{
	struct edge_txn *g = leave_stray(t);

	if (!g)
		return false;
	send_do(g, txn_client_step(&g->m, TXN_EV_3XX_6XX, loop_now(g->owner->loop)), msg);
	return true;
}

struct addr
attempt_at(const struct edge_txn *t)
{
	const struct conn *c = conns_find(&t->owner->conns, t->conn);

	return t->dest.transport == EDGE_UDP ? t->to : c ? c->remote : t->src.remote;
}

void
attempt_same(struct edge_txn *t)
{
	struct addr at = attempt_at(t);
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_tried; i++)
		if (!addr_eq(&t->tried[i], &at))
			t->tried[n++] = t->tried[i];
	t->n_tried = n;
	begin_again(t);
}

bool
attempt_wait(struct edge_txn *t)
{
	struct edge *e = t->owner;
	unsigned todo = 0;

	if (t->server || t->once || t->stray || t->dead || !is_end(t) || e->closing)
		return false;
	if (t->m.state == TXN_NEW) /* its time runs */
		todo = txn_client_step(&t->m, TXN_EV_START, loop_now(e->loop));
	t->dest.reuse = true; /* a CANCEL, too, goes over whatever the peer has */
	list_del(&t->wait);
	list_add(&e->adrift, &t->wait);
	send_do(t, todo & ~(unsigned)TXN_DO_SEND_REQUEST, NULL);
	return true;
}

/* It could not be sent: nothing of it is out there. */
static bool
goes_on(struct edge_txn *t)
{
	if (t->m.state == TXN_NEW) /* begun anew meanwhile: its connection broke */
		return true;
	if (t->dest.transport != EDGE_UDP && attempt_wait(t))
		return true;
	if (!may_leave(t) || !attempt_next(t))
		return false;
	note_failed(t, 0, "the request could not be sent");
	list_del(&t->wait);
	begin_again(t);
	return true;
}

void
attempt_leave(struct edge_txn *t)
{
	list_del(&t->wait);
	if (may_leave(t) && attempt_next(t))
		begin_again(t);
	else
		send_fail_txn(t, ERR_AGAIN, "it asked for fewer calls (RFC 7339)");
}

/* Its connection broke before an answer: the peer may have it all the same. */
bool
attempt_after_loss(struct edge_txn *t)
{
	struct edge_txn *g;

	if (!may_leave(t) || !attempt_next(t))
		return false;
	g = leave_stray(t);
	if (!g)
		return false;
	quiet_stray(g);
	begin_again(t);
	return true;
}

bool
attempt_over_other(struct edge_txn *t)
{
	bool waits = txn_client_unheard(&t->m) || (t->m.state == TXN_NEW && is_end(t)) ||
		     (t->m.state == TXN_PROCEEDING && t->m.kind == TXN_CLIENT_OTHER);

	if (t->server || t->once || t->stray || t->dead || !waits ||
	    t->m.cancel != TXN_CANCEL_NONE || t->again >= (is_end(t) ? AGAIN_MAX : 1))
		return false;
	list_del(&t->wait);
	begin_over_other(t);
	return true;
}

void
attempt_wake(struct edge *e, const struct conn *c,
	     bool (*do_fit)(struct edge_txn *t, const struct conn *c))
{
	struct list others, *n;

	list_init(&others);
	while ((n = list_shift(&e->adrift)) != NULL) {
		struct edge_txn *t = CONTAINER_OF(n, struct edge_txn, wait);

		if (t->again < AGAIN_MAX && do_fit(t, c))
			begin_over_other(t);
		else
			list_add(&others, n);
	}
	while ((n = list_shift(&others)) != NULL)
		list_add(&e->adrift, n);
}

void
attempt_give_up(struct edge_txn *t)
{
	struct edge_txn *g;

	if (t->m.kind != TXN_CLIENT_INVITE || t->dest.reuse || t->dest.branch[0] ||
	    !txn_client_unheard(&t->m))
		return;
	g = leave_stray(t);
	if (g)
		quiet_stray(g);
}

/* Of the time for this target, what connecting to it and the handshake took. */
static uint64_t
dialled_us(const struct edge_txn *t)
{
	const struct edge *e = t->owner;
	const struct conn *c = conns_find(&e->conns, t->conn);
	uint64_t since;

	if (!t->waits || !c)
		return 0;
	since = t->waits > c->began ? t->waits : c->began;
	return loop_now(e->loop) - since;
}

void
attempt_arm(struct edge_txn *t)
{
	static const uint64_t usual[] = {
		[EDGE_UDP] = CLOCK_S, [EDGE_TCP] = 3 * CLOCK_S, [EDGE_TLS] = 3 * CLOCK_S};
	struct edge *e = t->owner;
	uint64_t us = e->conf.trying_us[t->dest.transport], spent = dialled_us(t);

	if (!may_leave(t) || (!t->dest.hunt && !attempt_next(t)))
		return;
	t->trying.on_due = trying_due;
	us = us ? us : usual[t->dest.transport];
	us = us - us / LEAST_PART > spent ? us - spent : us / LEAST_PART;
	if (loop_timer(e->loop, &t->trying, us) != ERR_OK)
		log_error("edge.timer", "no timer left for a transaction");
}

void
attempt_init(struct edge *e)
{
	e->on_unsent = goes_on;
}
