#include "edge/enrols.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "edge/state.h"
#include "sip/hdr.h"

enum { WHY_MAX = 160 };

static struct enrols_row *
row_of(struct errand *r)
{
	return CONTAINER_OF(r, struct enrols_row, errand);
}

/* ---- what is sent ---- */

/* Our address there: with the user of the address of record, so that calls for it say whom they are
 * for. */
static enum err
make_contact(struct enrols_row *r, const struct edge_local *local, const struct trunk *t)
{
	struct sip_uri aor;
	struct buf b;
	enum err err = sip_uri_parse(str_from(r->aor), &aor);

	if (err != ERR_OK)
		return err;
	buf_init(&b, r->contact, sizeof(r->contact) - 1);
	buf_printf(&b, "sip:%.*s@", STR_ARG(aor.user));
	errand_put_here(&b, local, t);
	r->contact[b.failed ? 0 : b.len] = 0;
	return buf_end(&b);
}

static enum err
put_register(struct enrols_row *r, struct buf *b, uint32_t expires)
{
	const struct edge *e = r->errand.of->edge;
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

/* Does it go to where it was made, as that is no more where its trunk is? */
static bool
is_left_behind(const struct enrols_row *r, uint32_t trunk)
{
	const struct snapshot_view *v = r->errand.of->edge->snap;

	if (trunk == POLICY_NONE)
		return true;
	return r->enrol.state == ENROL_LEAVING &&
	       (r->port != v->trunk[trunk].port ||
		!str_eqz(snapshot_text(v, v->trunk[trunk].host), r->host));
}

static enum err
send_register(struct enrols_row *r, uint32_t expires)
{
	struct edge *e = r->errand.of->edge;
	uint32_t i = e->snap ? snapshot_trunk(e->snap, str_from(r->errand.trunk.z)) : POLICY_NONE;
	struct edge_dest dest = {
		.trunk = r->errand.trunk, .account = r->account, .transport = r->transport};
	struct edge_local local;
	char mem[EDGE_SMALL_MSG];
	struct buf b;
	enum err err = ERR_OK;

	if (is_left_behind(r, i)) {
		memcpy(dest.host, r->host, sizeof(dest.host));
		dest.port = r->port;
	} else {
		(void)!str_copyz(r->host, sizeof(r->host),
				 snapshot_text(e->snap, e->snap->trunk[i].host));
		r->port = e->snap->trunk[i].port;
		err = edge_local_of(e, i, &local);
		if (err == ERR_OK) {
			dest.transport = r->transport = local.transport;
			err = make_contact(r, &local, &e->snap->trunk[i]);
		}
	}
	buf_init(&b, mem, sizeof(mem));
	if (err == ERR_OK)
		err = put_register(r, &b, expires);
	return err == ERR_OK ? errand_send(&r->errand, &dest, SIP_REGISTER, buf_view(&b)) : err;
}

/* ---- what came of it ---- */

static void
tell_row(const struct enrols_row *r, const char *why)
{
	const struct edge *e = r->errand.of->edge;
	uint64_t now = loop_now(e->loop);
	struct edge_enrol_news n = {.trunk = r->errand.trunk,
				    .state = r->enrol.state,
				    .changed = r->enrol.changed,
				    .left_us = r->enrol.until > now ? r->enrol.until - now : 0,
				    .why = why};

	if (r->enrol.changed && why[0])
		log_warn("register.state", "trunk=%s aor=%s %s: %s", r->errand.trunk.z, r->aor,
			 enrol_state_name(r->enrol.state), why);
	else if (r->enrol.changed)
		log_info("register.state", "trunk=%s aor=%s %s for %llu s", r->errand.trunk.z,
			 r->aor, enrol_state_name(r->enrol.state),
			 (unsigned long long)(n.left_us / CLOCK_S));
	else if (why[0])
		log_info("register.failed", "trunk=%s %u in a row: %s", r->errand.trunk.z,
			 r->enrol.failures, why);
	if (e->up.on_enrol)
		e->up.on_enrol(e->up.arg, &n);
}

static void
drop_left(struct enrols_row *r)
{
	if (r->enrol.state == ENROL_LEFT)
		errand_drop(&r->errand);
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
enrol_answer(struct errand *er, const struct sip_msg *m)
{
	struct enrols_row *r = row_of(er);
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
	enrol_answered(&r->enrol, &a, random_u32(), loop_now(er->of->edge->loop));
	if (m->status >= 300)
		(void)snprintf(why, sizeof(why), "REGISTER was answered with %u", m->status);
	else if (r->enrol.state == ENROL_LOST)
		(void)snprintf(why, sizeof(why), "our Contact is not in the answer to REGISTER");
	tell_row(r, why);
	drop_left(r);
}

static void
enrol_lost(struct errand *er, const char *why)
{
	struct enrols_row *r = row_of(er);

	enrol_failed(&r->enrol, random_u32(), loop_now(er->of->edge->loop));
	tell_row(r, why);
	drop_left(r);
}

static void
send_or_fail(struct enrols_row *r, uint32_t expires)
{
	enum err err = send_register(r, expires);

	if (err != ERR_OK)
		enrol_lost(&r->errand, err_text(err));
}

static void
step_enrol(struct errand *er, uint64_t now)
{
	struct enrols_row *r = row_of(er);

	switch (enrol_step(&r->enrol, random_u32(), now)) {
	case ENROL_WAIT:
		break;
	case ENROL_SEND:
		if (r->enrol.changed)
			tell_row(r, "its time is over, and no refresh was answered");
		send_or_fail(r, r->enrol.want_s);
		break;
	case ENROL_REMOVE:
		send_or_fail(r, 0);
		break;
	case ENROL_GIVE_UP:
		errand_give_up(er);
		tell_row(r, "REGISTER was not answered in time");
		drop_left(r);
		break;
	}
}

/* ---- accounts ---- */

static void
leave_row(struct errand *er)
{
	struct enrols_row *r = row_of(er);

	if (r->enrol.state == ENROL_LEAVING)
		return;
	errand_give_up(er);
	enrol_leave(&r->enrol, loop_now(er->of->edge->loop));
	if (r->enrol.changed)
		tell_row(r, "");
	drop_left(r);
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
new_row(struct errands *s, uint32_t i, const char *aor, const char *registrar)
{
	const struct edge *e = s->edge;
	const struct trunk *t = &e->snap->trunk[i];
	struct errand *er = errand_new(s, i);
	struct enrols_row *r;

	if (!er) {
		log_warn("register.full", "trunk=%s is not registered: %u trunks are",
			 snapshot_trunk_id(e->snap, i).z, (unsigned)ENROLS_MAX);
		return;
	}
	r = row_of(er);
	er->due = &r->enrol.due;
	r->account = snapshot_account_id(e->snap, t->account);
	memcpy(r->aor, aor, sizeof(r->aor));
	memcpy(r->registrar, registrar, sizeof(r->registrar));
	r->expires_s = t->login_expires_s;
	random_token(r->call_id, ENROLS_TOKEN);
	random_token(r->tag, ENROLS_TOKEN);
	enrol_begin(&r->enrol, r->expires_s, random_u32(), loop_now(e->loop));
	tell_row(r, "");
}

/* Is this the row of these terms? One on its way out is nobody's. */
static bool
is_same(const struct enrols_row *r, const char *aor, const char *registrar)
{
	return r->enrol.state != ENROL_LEAVING && strcmp(r->aor, aor) == 0 &&
	       strcmp(r->registrar, registrar) == 0;
}

static void
take_trunk(struct errands *s, uint32_t i)
{
	const struct edge *e = s->edge;
	struct policy_id id = snapshot_trunk_id(e->snap, i);
	char aor[ENROLS_URI_MAX], registrar[ENROLS_URI_MAX];
	struct errand *er = errand_find(s, &id);

	if (read_terms(e, i, aor, registrar) != ERR_OK) {
		log_error("register.aor", "trunk=%s: register.aor is no SIP URI", id.z);
		return;
	}
	if (!er || !is_same(row_of(er), aor, registrar)) {
		new_row(s, i, aor, registrar); /* er is not kept, and leaves */
		return;
	}
	er->kept = true;
	if (row_of(er)->expires_s != e->snap->trunk[i].login_expires_s)
		row_of(er)->expires_s = row_of(er)->enrol.want_s = /* from the next refresh on */
			e->snap->trunk[i].login_expires_s;
}

static bool
wants_login(const struct edge *e, const struct trunk *t)
{
	return t->login_aor.len && !e->listeners.draining;
}

const struct errand_kind enrols_kind = {.name = "REGISTER",
					.size = sizeof(struct enrols_row),
					.rows = ENROLS_MAX,
					.at_a_time = ENROLS_IN_HAND,
					.do_want = wants_login,
					.do_take = take_trunk,
					.do_leave = leave_row,
					.do_step = step_enrol,
					.on_final = enrol_answer,
					.on_failure = enrol_lost};

uint32_t
edge_leave(struct edge *e)
{
	LIST_EACH(it, &e->enrols->rows)
	leave_row(CONTAINER_OF(it, struct errand, node));
	errands_arm(e->enrols);
	return pool_used(&e->enrols->pool);
}
