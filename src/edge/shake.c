/* What became of a handshake: a connection, or none, and its record either way. */
#include "edge/shake.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "edge/dial.h"

/* " account=acme trunks=acme-pbx,acme-fax": whom an accepted handshake was with. */
static void
put_party(struct buf *b, const struct edge_party *p)
{
	if (p->account.z[0])
		buf_printf(b, " account=%s", p->account.z);
	for (uint32_t i = 0; i < p->n_trunks; i++)
		buf_printf(b, "%s%s", i ? "," : " trunks=", p->trunk[i].z);
}

static void
log_handshake(struct edge *e, const struct tls_record *r, struct id id,
	      const struct edge_party *party)
{
	char mem[1024], who[EDGE_PARTY_TRUNKS * POLICY_ID_MAX + 64];
	uint64_t left_out = 0;
	struct buf b, w;

	buf_init(&b, mem, sizeof(mem));
	tls_record_put(&b, r);
	buf_init(&w, who, sizeof(who));
	put_party(&w, party);
	if (!guard_may_log(&e->guard, r->accepted ? GUARD_ACCEPTED : GUARD_HANDSHAKE,
			   loop_now(e->loop), &left_out))
		return;
	if (r->accepted)
		log_info("tls.accepted", "id=%s%s %s", id.z, buf_cstr(&w), buf_cstr(&b));
	else
		log_warn("tls.refused", "id=%s %s", id.z, buf_cstr(&b));
	if (left_out)
		log_warn("tls.left_out", "%llu lines about handshakes",
			 (unsigned long long)left_out);
}

static void
name_party(const struct edge *e, const struct identity *id, struct edge_party *out)
{
	out->account = id->account_id;
	for (uint32_t i = 0; i < id->n_trunks && i < EDGE_PARTY_TRUNKS; i++)
		out->trunk[out->n_trunks++] = snapshot_trunk_id(e->snap, id->trunk[i]);
}

/* Accepted inside the handshake, and yet not taken. */
static void
turn_away(struct tls_record *r, enum tls_reason reason, const char *why)
{
	r->accepted = false;
	r->reason = reason;
	(void)!str_copyz(r->why, sizeof(r->why), str_from(why));
}

/* Whom its card selects, by the accounts of now: they may have changed while it shook hands. */
static bool
identify_now(struct edge *e, const struct tls_result *res, struct identity *out)
{
	const struct card *card = cards_at(&e->cards, res->verdict.account);
	const struct tls_record *r = &res->record;

	return e->snap && cards_identify(&e->cards, card, e->snap, &r->peer, &r->local,
					 str_from(e->zone_fqdn[r->zone]), out, NULL) == IDENTITY_OK;
}

/* It never becomes a connection of ours: who expected it may take it out of res. */
static void
take_guest(struct edge *e, struct tls_result *res)
{
	if (res->conn && e->up.on_guest)
		e->up.on_guest(e->up.arg, res);
}

static void
take_accepted(struct edge *e, struct tls_result *res, struct edge_party *party)
{
	struct identity id;
	enum err err;

	if (!identify_now(e, res, &id)) {
		turn_away(&res->record, TLS_IDENTITY,
			  "the accounts were changed in its handshake; it is none of them now");
		cards_free(&e->cards, res->verdict.account);
		return;
	}
	name_party(e, &id, party);
	err = conns_accept_tls(&e->conns, res, (uint32_t)(uintptr_t)res->arg, &id);
	if (err == ERR_OK) {
		budget_know(&e->budget, &res->record.peer, loop_now(e->loop));
		rejudge_late(&e->rejudge, CONTAINER_OF(e->conns.all.prev, struct conn, node),
			     res->record.began_us);
		return;
	}
	turn_away(&res->record, TLS_LIMIT,
		  err == ERR_FULL ? "the account holds as many connections as one account may"
				  : "as many connections are open as postern holds");
	cards_free(&e->cards, res->verdict.account);
}

/* Refused, though its names select an account: what it says it is goes into the record. */
static void
drop_claimed(struct edge *e, struct tls_result *res, struct edge_party *party)
{
	struct identity id;

	if (!res->verdict.accept) {
		(void)!str_copyz(party->account.z, sizeof(party->account.z),
				 str_from(res->verdict.claims));
		return;
	}
	if (identify_now(e, res, &id))
		name_party(e, &id, party);
	cards_free(&e->cards, res->verdict.account);
}

static void
take_dialled(struct edge *e, struct tls_result *res, struct edge_party *party)
{
	uint64_t id = (uint64_t)(uintptr_t)res->arg;
	const struct conn *c = conns_find(&e->conns, id);

	if (c) {
		party->account = c->account;
		party->trunk[0] = c->trunk;
		party->n_trunks = 1;
	}
	conns_on_handshake(&e->conns, res);
	c = conns_find(&e->conns, id);
	if (c && c->state == CONN_OPEN)
		rejudge_late(&e->rejudge, c, res->record.began_us);
}

static void
tell_handshake(struct edge *e, const struct tls_record *r, const struct edge_party *party)
{
	struct id id = id_new(e->conf.node, e->conf.worker);

	metric_add(r->accepted ? METRIC_tls_accepted : METRIC_tls_refused, 1);
	log_handshake(e, r, id, party);
	if (e->up.on_handshake)
		e->up.on_handshake(e->up.arg, r, id, party);
}

void
shake_ended(void *arg, struct tls_result *res)
{
	struct edge *e = arg;
	struct edge_party party = {.n_trunks = 0};

	if (e->closing) { /* nothing to hand it to; cards and connections end as a whole */
		handshake_result_free(e->handshake, &res);
		return;
	}
	if (res->record.outgoing)
		take_dialled(e, res, &party);
	else if (res->verdict.accept && res->verdict.account == CARD_NONE)
		take_guest(e, res);
	else if (res->conn)
		take_accepted(e, res, &party);
	else
		drop_claimed(e, res, &party);
	tell_handshake(e, &res->record, &party);
	handshake_result_free(e->handshake, &res);
	listeners_go(&e->listeners);
}

void
shake_turned_away(void *arg, const struct tls_record *r)
{
	tell_handshake(arg, r, &(struct edge_party){.n_trunks = 0});
}

void
shake_undialled(void *arg, const struct conn *c)
{
	struct edge_party party = {.account = c->account, .trunk = {c->trunk}, .n_trunks = 1};
	struct tls_record r = {.peer = c->remote,
			       .outgoing = true,
			       .began_us = clock_wall_us(),
			       .alert_sent = TLS_NO_ALERT,
			       .alert_received = TLS_NO_ALERT,
			       .reason = TLS_CONNECT};

	(void)!str_copyz(r.sni, sizeof(r.sni), str_from(c->reference));
	(void)!str_copyz(r.why, sizeof(r.why), str_from(c->why));
	tell_handshake(arg, &r, &party);
}
