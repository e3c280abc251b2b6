#include "edge/enrols.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "edge/send.h"
#include "sip/hdr.h"

enum { WHY_MAX = 160 };

static void arm_enrols(struct edge *e);

/* ---- what is sent ---- */

static const char *
transport_param(enum edge_transport t)
{
	return t == EDGE_TLS ? ";transport=tls" : t == EDGE_TCP ? ";transport=tcp" : "";
}

/* Our address there: with the user of the address of record, so that calls for it say whom they are
 * for. */
static enum err
make_contact(struct enrols_row *r, const struct edge_local *local, bool fqdn)
{
	struct sip_uri aor;
	struct buf b;
	enum err err = sip_uri_parse(str_from(r->aor), &aor);

	if (err != ERR_OK)
		return err;
	buf_init(&b, r->contact, sizeof(r->contact) - 1);
	buf_printf(&b, "sip:%.*s@", STR_ARG(aor.user));
	if (fqdn && local->zone[0])
		buf_z(&b, local->zone);
	else
		addr_put_ip(&b, &local->advertised, true);
	buf_printf(&b, ":%u%s", local->advertised.port, transport_param(local->transport));
	r->contact[b.failed ? 0 : b.len] = 0;
	return buf_end(&b);
}

static enum err
put_register(struct enrols_row *r, struct buf *b, uint32_t expires)
{
	const struct edge *e = r->owner;
	struct str aor = str_from(r->aor);

	sip_edit_request(b, STR("REGISTER"), str_from(r->registrar));
	sip_edit_hdr_u64(b, SIP_H_MAX_FORWARDS, 70);
	sip_edit_nameaddr(b, SIP_H_FROM,
			  &(struct sip_edit_addr){.uri = aor, .tag = str_from(r->tag)});
	sip_edit_nameaddr(b, SIP_H_TO, &(struct sip_edit_addr){.uri = aor});
	sip_edit_hdr_z(b, SIP_H_CALL_ID, r->call_id);
	sip_edit_cseq(b, ++r->cseq, STR("REGISTER"));
	sip_edit_nameaddr(b, SIP_H_CONTACT, &(struct sip_edit_addr){.uri = str_from(r->contact)});
	sip_edit_hdr_u64(b, SIP_H_EXPIRES, expires);
	sip_edit_hdr_z(b, SIP_H_SUPPORTED, "path");
	sip_edit_hdr_z(b, SIP_H_USER_AGENT, e->conf.user_agent);
	sip_edit_body(b, STR_NULL, STR_NULL);
	return buf_end(b);
}

static enum err
send_register(struct enrols_row *r, uint32_t expires)
{
	struct edge *e = r->owner;
	uint32_t i = e->snap ? snapshot_trunk(e->snap, str_from(r->trunk.z)) : POLICY_NONE;
	struct edge_dest dest = {
		.trunk = r->trunk, .account = r->account, .transport = r->transport};
	struct edge_local local;
	char mem[EDGE_SMALL_MSG];
	struct buf b;
	enum err err = ERR_OK;

	if (i == POLICY_NONE) { /* the trunk is gone: removed where it was made */
		memcpy(dest.host, r->host, sizeof(dest.host));
		dest.port = r->port;
	} else {
		(void)!str_copyz(r->host, sizeof(r->host),
				 snapshot_text(e->snap, e->snap->trunk[i].host));
		r->port = e->snap->trunk[i].port;
		err = edge_local_of(e, i, &local);
		if (err == ERR_OK) {
			dest.transport = r->transport = local.transport;
			err = make_contact(r, &local,
					   e->snap->trunk[i].contact == TRUNK_CONTACT_FQDN);
		}
	}
	buf_init(&b, mem, sizeof(mem));
	if (err == ERR_OK)
		err = put_register(r, &b, expires);
	if (err == ERR_OK)
		err = edge_send(e, &dest, SIP_REGISTER, buf_view(&b), NULL, &r->txn);
	if (err == ERR_OK) {
		r->txn->own = &r->own;
		e->enrols->in_hand++;
	}
	return err;
}

/* ---- what came of it ---- */

static void
tell_row(const struct enrols_row *r, const char *why)
{
	const struct edge *e = r->owner;
	uint64_t now = loop_now(e->loop);
	struct edge_enrol_news n = {.trunk = r->trunk,
				    .state = r->enrol.state,
				    .changed = r->enrol.changed,
				    .left_us = r->enrol.until > now ? r->enrol.until - now : 0,
				    .why = why};

	if (r->enrol.changed && why[0])
		log_warn("register.state", "trunk=%s aor=%s %s: %s", r->trunk.z, r->aor,
			 enrol_state_name(r->enrol.state), why);
	else if (r->enrol.changed)
		log_info("register.state", "trunk=%s aor=%s %s for %llu s", r->trunk.z, r->aor,
			 enrol_state_name(r->enrol.state),
			 (unsigned long long)(n.left_us / CLOCK_S));
	else if (why[0])
		log_info("register.failed", "trunk=%s %u in a row: %s", r->trunk.z,
			 r->enrol.failures, why);
	if (e->up.on_enrol)
		e->up.on_enrol(e->up.arg, &n);
}

static void
end_txn(struct enrols_row *r, bool quiet)
{
	struct edge_txn *t = r->txn;

	r->txn = NULL;
	if (!t)
		return;
	r->owner->enrols->in_hand--;
	t->own = NULL;
	edge_forget(t);
	if (quiet)
		send_end_txn(t);
}

static void
drop_row(struct enrols_row *r)
{
	end_txn(r, true);
	list_del(&r->node);
	pool_put(&r->owner->enrols->pool, r);
}

/* Seconds that the registrar gives our contact: of itself, else of all, else what was asked for. */
static uint32_t
granted_to(const struct enrols_row *r, const struct sip_msg *m)
{
	struct sip_nameaddr c;
	struct sip_iter it;
	struct sip_uri ours;
	uint32_t s, n = 0;

	if (sip_number_read(m, SIP_H_EXPIRES, &s) != ERR_OK)
		s = r->enrol.want_s;
	if (sip_uri_parse(str_from(r->contact), &ours) != ERR_OK)
		return 0;
	sip_iter_init(&it, m, SIP_H_CONTACT);
	while (sip_iter_nameaddr(&it, &c) == ERR_OK) {
		n++;
		if (!str_eq(c.uri.user, ours.user) || !str_ieq(c.uri.host, ours.host) ||
		    c.uri.port != ours.port)
			continue;
		if (str_u32(sip_param_value(c.params, "expires"), UINT32_MAX, &s) != ERR_OK &&
		    s == 0)
			s = r->enrol.want_s;
		return s < ENROL_MAX_S ? s : ENROL_MAX_S;
	}
	return n ? 0 : s; /* some show none at all */
}

static void
take_answer(struct enrols_row *r, const struct sip_msg *m)
{
	struct edge *e = r->owner;
	struct enrol_answer a = {.status = m->status};
	struct sip_retry_after retry;
	char why[WHY_MAX] = "";

	r->cseq = m->cseq; /* it may have gone again */
	if (m->status < 300)
		a.granted_s = granted_to(r, m);
	if (m->status == 423 && sip_number_read(m, SIP_H_MIN_EXPIRES, &a.min_s) != ERR_OK)
		a.min_s = 0;
	if (sip_retry_after_read(m, &retry) == ERR_OK)
		a.retry_s = retry.seconds;
	enrol_answered(&r->enrol, &a, random_u32(), loop_now(e->loop));
	if (m->status >= 300)
		(void)snprintf(why, sizeof(why), "REGISTER was answered with %u", m->status);
	else if (r->enrol.state == ENROL_LOST)
		(void)snprintf(why, sizeof(why), "our Contact is not in the answer to REGISTER");
	tell_row(r, why);
}

static void
take_news(struct edge_own *own, const struct edge_news *n)
{
	struct enrols_row *r = CONTAINER_OF(own, struct enrols_row, own);
	struct edge *e = r->owner;
	char why[WHY_MAX];

	if (n->event == EDGE_RESPONSE && n->msg->status < 200)
		return;
	end_txn(r, false);
	if (n->event == EDGE_RESPONSE) {
		take_answer(r, n->msg);
	} else {
		(void)snprintf(why, sizeof(why), "REGISTER: %s",
			       n->why ? n->why : "no answer in time");
		enrol_failed(&r->enrol, random_u32(), loop_now(e->loop));
		tell_row(r, why);
	}
	if (r->enrol.state == ENROL_LEFT)
		drop_row(r);
	arm_enrols(e);
}

/* ---- time ---- */

static void
arm_enrols(struct edge *e)
{
	uint64_t due = UINT64_MAX;

	LIST_EACH(it, &e->enrols->rows)
	{
		const struct enrols_row *r = CONTAINER_OF(it, struct enrols_row, node);

		if (r->enrol.due < due)
			due = r->enrol.due;
	}
	if (due == UINT64_MAX)
		loop_timer_stop(e->loop, &e->enrols->timer);
	else if (timer_set(&e->loop->timers, &e->enrols->timer, due) != ERR_OK)
		log_error("edge.timer", "no timer left for REGISTER");
}

static void
send_or_fail(struct enrols_row *r, uint32_t expires, uint64_t now)
{
	enum err err = send_register(r, expires);

	if (err == ERR_OK)
		return;
	enrol_failed(&r->enrol, random_u32(), now);
	tell_row(r, err_text(err));
}

static void
step_row(struct enrols_row *r, uint64_t now)
{
	struct edge *e = r->owner;

	if (now < r->enrol.due)
		return;
	if (!r->enrol.out && e->enrols->in_hand == ENROLS_IN_HAND) {
		r->enrol.due = now + ENROLS_WAIT_US;
		return;
	}
	switch (enrol_step(&r->enrol, random_u32(), now)) {
	case ENROL_WAIT:
		break;
	case ENROL_SEND:
		if (r->enrol.changed)
			tell_row(r, "its time is over, and no refresh was answered");
		send_or_fail(r, r->enrol.want_s, now);
		break;
	case ENROL_REMOVE:
		send_or_fail(r, 0, now);
		break;
	case ENROL_GIVE_UP:
		end_txn(r, true);
		tell_row(r, "REGISTER was not answered in time");
		break;
	}
	if (r->enrol.state == ENROL_LEFT)
		drop_row(r);
}

static void
enrols_due(struct timer *t, uint64_t now)
{
	struct edge *e = CONTAINER_OF(t, struct enrols, timer)->owner;

	LIST_EACH(it, &e->enrols->rows)
	step_row(CONTAINER_OF(it, struct enrols_row, node), now);
	arm_enrols(e);
}

/* ---- accounts ---- */

static void
leave_row(struct enrols_row *r)
{
	if (r->enrol.state == ENROL_LEAVING)
		return;
	end_txn(r, true);
	enrol_leave(&r->enrol, loop_now(r->owner->loop));
	if (r->enrol.changed)
		tell_row(r, "");
	if (r->enrol.state == ENROL_LEFT)
		drop_row(r);
}

/* The row of a trunk that is not on its way out. */
static struct enrols_row *
find_row(struct edge *e, const struct policy_id *trunk)
{
	LIST_EACH(it, &e->enrols->rows)
	{
		struct enrols_row *r = CONTAINER_OF(it, struct enrols_row, node);

		if (strcmp(r->trunk.z, trunk->z) == 0 && r->enrol.state != ENROL_LEAVING)
			return r;
	}
	return NULL;
}

/* What the trunk says, as texts: aor and the registrar's URI. */
static enum err
read_terms(const struct edge *e, uint32_t i, char aor[ENROLS_URI_MAX],
	   char registrar[ENROLS_URI_MAX])
{
	const struct trunk *t = &e->snap->trunk[i];
	struct str host = snapshot_text(e->snap, t->login_registrar);
	struct sip_uri uri;
	struct buf b;
	enum err err = str_copyz(aor, ENROLS_URI_MAX, snapshot_text(e->snap, t->login_aor));

	if (err == ERR_OK)
		err = sip_uri_parse(str_from(aor), &uri);
	if (err != ERR_OK)
		return err;
	buf_init(&b, registrar, ENROLS_URI_MAX - 1);
	buf_printf(&b, "sip:%.*s", STR_ARG(host.len ? host : uri.host));
	registrar[b.failed ? 0 : b.len] = 0;
	return buf_end(&b);
}

static void
new_row(struct edge *e, uint32_t i, const char *aor, const char *registrar)
{
	const struct trunk *t = &e->snap->trunk[i];
	struct enrols_row *r = pool_get(&e->enrols->pool);

	if (!r) {
		log_warn("register.full", "trunk=%s is not registered: %u trunks are",
			 snapshot_trunk_id(e->snap, i).z, (unsigned)ENROLS_MAX);
		return;
	}
	r->owner = e;
	r->own.on_news = take_news;
	r->trunk = snapshot_trunk_id(e->snap, i);
	r->account = snapshot_account_id(e->snap, t->account);
	memcpy(r->aor, aor, sizeof(r->aor));
	memcpy(r->registrar, registrar, sizeof(r->registrar));
	r->expires_s = t->login_expires_s;
	random_token(r->call_id, ENROLS_TOKEN);
	random_token(r->tag, ENROLS_TOKEN);
	enrol_begin(&r->enrol, r->expires_s, random_u32(), loop_now(e->loop));
	r->kept = true;
	list_add(&e->enrols->rows, &r->node);
	tell_row(r, "");
}

static void
take_trunk(struct edge *e, uint32_t i)
{
	struct policy_id id = snapshot_trunk_id(e->snap, i);
	char aor[ENROLS_URI_MAX], registrar[ENROLS_URI_MAX];
	struct enrols_row *r = find_row(e, &id);

	if (read_terms(e, i, aor, registrar) != ERR_OK) {
		log_error("register.aor", "trunk=%s: register.aor is no SIP URI", id.z);
		return;
	}
	if (!r || strcmp(r->aor, aor) != 0 || strcmp(r->registrar, registrar) != 0) {
		new_row(e, i, aor, registrar); /* r is not kept, and leaves */
		return;
	}
	r->kept = true;
	if (r->expires_s != e->snap->trunk[i].login_expires_s) /* from the next refresh on */
		r->expires_s = r->enrol.want_s = e->snap->trunk[i].login_expires_s;
}

static bool
wants_login(const struct snapshot_view *v, uint32_t i)
{
	const struct trunk *t = &v->trunk[i];

	return t->enabled && t->login_aor.len &&
	       (t->account == POLICY_NONE || v->account[t->account].enabled);
}

void
enrols_on_snapshot(struct edge *e)
{
	LIST_EACH(it, &e->enrols->rows)
	CONTAINER_OF(it, struct enrols_row, node)->kept = false;
	for (uint32_t i = 0; e->snap && !e->listeners.draining && i < e->snap->n_trunks; i++)
		if (wants_login(e->snap, i))
			take_trunk(e, i);
	LIST_EACH(it, &e->enrols->rows)
	{
		struct enrols_row *r = CONTAINER_OF(it, struct enrols_row, node);

		if (!r->kept)
			leave_row(r);
	}
	arm_enrols(e);
}

uint32_t
edge_leave(struct edge *e)
{
	LIST_EACH(it, &e->enrols->rows)
	leave_row(CONTAINER_OF(it, struct enrols_row, node));
	arm_enrols(e);
	return pool_used(&e->enrols->pool);
}

enum err
enrols_init(struct edge *e)
{
	struct enrols *x = mem_zalloc(1, sizeof(*x));

	if (!x)
		return ERR_NOMEM;
	e->enrols = x;
	x->owner = e;
	x->timer.on_due = enrols_due;
	list_init(&x->rows);
	if (pool_init(&x->pool, ENROLS_MAX, sizeof(struct enrols_row)) != ERR_OK)
		return ERR_NOMEM;
	enrols_on_snapshot(e);
	return ERR_OK;
}

void
enrols_fini(struct edge *e)
{
	if (!e->enrols)
		return;
	loop_timer_stop(e->loop, &e->enrols->timer);
	pool_fini(&e->enrols->pool);
	mem_free(e->enrols);
	e->enrols = NULL;
}
