#include "call/leg.h"

#include <string.h>

#include "base/log.h"

const struct trunk *
leg_trunk(const struct call *c, enum call_leg_index i)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t t = v ? snapshot_trunk(v, str_from(c->rec.leg[i].trunk.z)) : POLICY_NONE;

	return t == POLICY_NONE ? NULL : &v->trunk[t];
}

enum trunk_indialog
leg_indialog(const struct call *c)
{
	uint8_t least = TRUNK_INDIALOG_ALL;

	for (int i = 0; i < CALL_LEGS; i++) {
		const struct trunk *t = leg_trunk(c, (enum call_leg_index)i);

		if (i == LEG_B && !c->rec.leg[i].trunk.z[0])
			break;
		if (!t || t->indialog < least)
			least = t ? t->indialog : TRUNK_INDIALOG_NONE;
	}
	return (enum trunk_indialog)least;
}

static enum trunk_dtmf
dtmf_of(const struct call *c, enum call_leg_index i)
{
	const struct trunk *t = leg_trunk(c, i);

	return t ? (enum trunk_dtmf)t->dtmf : TRUNK_DTMF_PASS;
}

bool
leg_wants_info(const struct call *c, enum call_leg_index i)
{
	return dtmf_of(c, i) == TRUNK_DTMF_INFO &&
	       dtmf_of(c, (enum call_leg_index)(1 - i)) != TRUNK_DTMF_INFO;
}

bool
leg_wants_events(const struct call *c, enum call_leg_index i)
{
	return dtmf_of(c, i) == TRUNK_DTMF_EVENTS ||
	       leg_wants_info(c, (enum call_leg_index)(1 - i));
}

struct leg_allow
leg_allows(const struct call *c, enum call_leg_index i)
{
	const struct trunk *t = leg_trunk(c, i);
	enum trunk_indialog takes = leg_indialog(c);

	if (takes == TRUNK_INDIALOG_NONE && t && t->indialog != TRUNK_INDIALOG_NONE &&
	    leg_wants_events(c, (enum call_leg_index)(1 - i)))
		takes = TRUNK_INDIALOG_DTMF;
	return (struct leg_allow){.indialog = takes, .refer = t && t->refer != TRUNK_REFER_REFUSE};
}

enum hide_way
leg_way(const struct call *c, enum call_leg_index i)
{
	return c->rec.leg[i].account.z[0] ? HIDE_TO_CUSTOMER : HIDE_TO_CARRIER;
}

void
leg_from_source(struct call *c, enum call_leg_index i, const struct edge_source *src)
{
	struct record_leg *l = &c->rec.leg[i];

	l->remote = src->remote;
	l->conn = src->conn;
	l->transport = (uint8_t)src->transport;
	if (src->tls_version && src->tls_version[0]) {
		(void)!str_copyz(l->tls_version, sizeof(l->tls_version),
				 str_from(src->tls_version));
		(void)!str_copyz(l->tls_suite, sizeof(l->tls_suite), str_from(src->tls_suite));
		(void)!str_copyz(l->peer, sizeof(l->peer),
				 str_sub(str_from(src->tls_peer), 0, sizeof(l->peer) - 1));
	}
}

/* A carrier's: its trunk, another one that the same certificate speaks for, or its address. */
static bool
is_same_carrier(const struct call *c, const struct record_leg *l, const struct edge_source *src)
{
	const struct snapshot_view *v = c->owner->snap;

	if (addr_ip_eq(&src->remote, &l->remote))
		return true;
	if (v && src->trunk != POLICY_NONE && snapshot_trunk(v, str_from(l->trunk.z)) == src->trunk)
		return true;
	return l->peer[0] &&
	       str_eqz(str_sub(str_from(src->tls_peer), 0, sizeof(l->peer) - 1), l->peer);
}

bool
leg_hears(const struct call *c, enum call_leg_index i, const struct edge_source *src)
{
	const struct record_leg *l = &c->rec.leg[i];

	if (l->transport != EDGE_TLS)
		return true;
	return src->transport == EDGE_TLS && (l->account.z[0] || is_same_carrier(c, l, src));
}

void
leg_follow(struct call *c, enum call_leg_index i, const struct edge_source *src)
{
	if ((src->transport == EDGE_TLS) == (c->rec.leg[i].transport == EDGE_TLS))
		leg_from_source(c, i, src);
}

void
leg_note_allow(struct call *c, enum call_leg_index i, const struct sip_msg *m)
{
	if (sip_msg_hdr(m, SIP_H_ALLOW))
		c->rec.leg[i].allows_update = sip_hdr_has(m, SIP_H_ALLOW, "UPDATE");
}

void
leg_set_session(struct call *c, enum call_leg_index i, uint32_t seconds, bool ours)
{
	struct record_leg *l = &c->rec.leg[i];

	session_set(&c->leg[i].session, seconds, ours, c->owner->now);
	l->session_s = seconds;
	l->session_on = seconds != 0;
	l->session_ours = ours;
}

void
leg_take_session(struct call *c, enum call_leg_index i, const struct sip_msg *m)
{
	bool ours = false;
	uint32_t seconds = session_agreed(m, &ours);

	leg_set_session(c, i, seconds, ours);
}

void
leg_refresh_target(struct call *c, enum call_leg_index i, const struct sip_msg *m)
{
	enum err e = sip_dialog_refresh(&c->rec.leg[i].dialog, m);

	if (e != ERR_OK && e != ERR_NOTFOUND)
		log_warn("call.target", "id=%s leg=%c the Contact cannot be used: %s", c->rec.id.z,
			 i == LEG_A ? 'A' : 'B', err_text(e));
}

void
leg_take_ok(struct call *c, enum call_leg_index i, const struct edge_news *news)
{
	leg_from_source(c, i, &news->source);
	leg_note_allow(c, i, news->msg);
	leg_take_session(c, i, news->msg);
	leg_refresh_target(c, i, news->msg);
}

enum err
leg_dest(const struct call *c, enum call_leg_index i, struct edge_dest *d)
{
	const struct record_leg *l = &c->rec.leg[i];
	struct sip_uri uri;
	struct str hop;
	enum err e;

	*d = (struct edge_dest){.emergency = c->rec.exempt,
				.trunk = l->trunk,
				.account = l->account,
				.conn = l->conn,
				.transport = (enum edge_transport)l->transport,
				.reuse = true};
	if (l->transport == EDGE_TLS)
		return ERR_OK; /* over the account's connection, or to the trunk's location */
	e = sip_dialog_next_hop(&l->dialog, &hop);
	if (e == ERR_OK)
		e = sip_uri_parse(hop, &uri);
	if (e == ERR_OK)
		e = str_copyz(d->host, sizeof(d->host), uri.host);
	d->port = e == ERR_OK ? uri.port : 0;
	return e;
}
