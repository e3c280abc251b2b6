#include "call/write.h"

#include <string.h>

#include "base/random.h"
#include "call/alter.h"
#include "call/caller.h"
#include "call/divert.h"
#include "call/parts.h"
#include "sip/via.h"

enum { LEG_LAST_HOPS = 10 /* Max-Forwards of an emergency call that had none left */ };

static const char allow_list[] = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK";
static const char dtmf_types[] = "application/dtmf-relay, application/dtmf";

/* The methods that its peer may send us. */
static void
put_allow(struct buf *b, struct leg_allow a)
{
	sip_edit_hdr_fmt(b, SIP_H_ALLOW, "%s%s%s%s", allow_list,
			 a.indialog >= TRUNK_INDIALOG_DTMF ? ", INFO" : "",
			 a.indialog >= TRUNK_INDIALOG_ALL ? ", MESSAGE, NOTIFY" : "",
			 a.refer ? ", REFER" : "");
}
/* Of an INVITE or UPDATE of ours. */
static void
put_session_request(const struct call *c, enum call_leg_index i, struct buf *b)
{
	const struct record_leg *l = &c->rec.leg[i];

	if (l->session_on)
		sip_edit_hdr_fmt(b, SIP_H_SESSION_EXPIRES, "%u;refresher=%s", l->session_s,
				 l->session_ours ? "uac" : "uas");
	else if (l->session_s)
		sip_edit_hdr_u64(b, SIP_H_SESSION_EXPIRES, l->session_s);
	if (l->session_s > SESSION_WANTED_S)
		sip_edit_hdr_u64(b, SIP_H_MIN_SE, l->session_s);
}

/* Of our 2xx: what it says is agreed. */
static void
put_session_answer(struct call *c, enum call_leg_index i, struct buf *b, const struct sip_msg *req)
{
	bool ours = false;
	uint32_t seconds;

	if (req->method != SIP_INVITE && req->method != SIP_UPDATE)
		return;
	seconds = session_answer(req, &ours);
	leg_set_session(c, i, seconds, ours);
	if (!seconds)
		return;
	sip_edit_hdr_fmt(b, SIP_H_SESSION_EXPIRES, "%u;refresher=%s", seconds,
			 ours ? "uas" : "uac");
	if (!ours)
		sip_edit_hdr_z(b, SIP_H_REQUIRE, "timer");
}
static const char *
transport_param(enum edge_transport t)
{
	return t == EDGE_TLS ? ";transport=tls" : t == EDGE_TCP ? ";transport=tcp" : "";
}

static void
put_host(struct buf *b, const struct addr *a)
{
	addr_put_ip(b, a, true);
	if (a->port)
		buf_printf(b, ":%u", a->port);
}

static enum err
local_of(const struct call *c, enum call_leg_index i, struct edge_local *out)
{
	const struct calls *cs = c->owner;
	uint32_t trunk =
		cs->snap ? snapshot_trunk(cs->snap, str_from(c->rec.leg[i].trunk.z)) : POLICY_NONE;

	return trunk == POLICY_NONE ? ERR_NOTFOUND : cs->ops.do_local(cs->ops.arg, trunk, out);
}

/* Our address as this leg's trunk sees it. */
static void
put_contact(struct call *c, enum call_leg_index i, struct buf *b)
{
	const struct snapshot_view *v = c->owner->snap;
	struct edge_local local;
	uint32_t trunk;

	if (local_of(c, i, &local) != ERR_OK)
		return; /* the trunk is gone: the peer keeps the Contact that it has */
	trunk = snapshot_trunk(v, str_from(c->rec.leg[i].trunk.z));
	buf_z(b, "Contact: <sip:");
	if (v->trunk[trunk].contact == TRUNK_CONTACT_FQDN && local.zone[0])
		buf_printf(b, "%s:%u", local.zone, local.advertised.port);
	else
		put_host(b, &local.advertised);
	buf_z(b, transport_param(local.transport));
	buf_z(b, ">\r\n");
}

/* Who speaks, to a carrier. */
static void
put_identity(const struct call *c, enum call_leg_index i, struct buf *b)
{
	struct edge_local local;

	if (leg_way(c, i) == HIDE_TO_CARRIER && local_of(c, i, &local) == ERR_OK)
		caller_put_identity(c, i, b, &local.advertised);
}

static void
put_remote_uri(struct call *c, struct buf *b, uint32_t trunk, bool with_port)
{
	const struct snapshot_view *v = c->owner->snap;
	const struct trunk *t = &v->trunk[trunk];
	struct addr ip;

	buf_z(b, "sip:");
	sip_escape_user(b, str_from(c->rec.to_sent));
	buf_char(b, '@');
	if (addr_parse_ip(snapshot_text(v, t->host), &ip) == ERR_OK)
		addr_put_ip(b, &ip, true);
	else
		buf_str(b, snapshot_text(v, t->host));
	if (with_port) {
		if (t->port)
			buf_printf(b, ":%u", t->port);
		buf_z(b, t->transport == TRUNK_TLS   ? ";transport=tls"
			 : t->transport == TRUNK_TCP ? ";transport=tcp"
						     : "");
	}
}

void
leg_put_number_uri(struct call *c, enum call_leg_index i, const char *number, struct buf *b)
{
	const struct snapshot_view *v = c->owner->snap;
	const struct trunk *t = leg_trunk(c, i);
	struct edge_local local;
	struct addr ip;

	if (!t || local_of(c, i, &local) != ERR_OK) {
		b->failed = true; /* nobody knows any more */
		return;
	}
	buf_z(b, "sip:");
	sip_escape_user(b, str_from(number));
	buf_char(b, '@');
	if (leg_way(c, i) == HIDE_TO_CUSTOMER && local.zone[0])
		buf_z(b, local.zone);
	else if (leg_way(c, i) == HIDE_TO_CUSTOMER)
		put_host(b, &local.advertised);
	else if (addr_parse_ip(snapshot_text(v, t->host), &ip) == ERR_OK)
		addr_put_ip(b, &ip, true);
	else
		buf_str(b, snapshot_text(v, t->host));
}

enum err
leg_begin_b(struct call *c, uint32_t trunk, const struct edge_local *local)
{
	static const enum edge_transport transports[] = {
		[TRUNK_TLS] = EDGE_TLS, [TRUNK_UDP] = EDGE_UDP, [TRUNK_TCP] = EDGE_TCP};
	const struct snapshot_view *v = c->owner->snap;
	struct record_leg *l = &c->rec.leg[LEG_B];
	char tag[CALL_TAG_CHARS + 1], call_id[CALL_TAG_CHARS + 1];
	char local_uri[256], remote_uri[512], target[512], sent[NUMBER_SIZE];
	struct buf lu, ru, tu;
	enum err e;

	l->trunk = snapshot_trunk_id(v, trunk);
	l->account = snapshot_account_id(v, v->trunk[trunk].account);
	l->transport = (uint8_t)transports[v->trunk[trunk].transport];
	l->conn = 0; /* what is known of another target's is not this one's */
	l->peer[0] = l->tls_version[0] = l->tls_suite[0] = 0;
	l->security = v->trunk[trunk].security;
	l->secure = trunk_encrypts(l->security) && !c->plain;
	l->fell = c->plain ? RECORD_FALL_retried : RECORD_FALL_none;
	e = alter_called(c, trunk, sent);
	if (e == ERR_OK)
		e = str_copyz(c->rec.to_sent, sizeof(c->rec.to_sent), str_from(sent));
	if (e != ERR_OK)
		return e;
	alter_calling(c, LEG_B, c->caller.shown, c->rec.from_sent);
	buf_init(&lu, local_uri, sizeof(local_uri));
	buf_init(&ru, remote_uri, sizeof(remote_uri));
	buf_init(&tu, target, sizeof(target));
	caller_put_uri(c, &lu, &local->advertised);
	put_remote_uri(c, &ru, trunk, false);
	put_remote_uri(c, &tu, trunk, true);
	if (buf_end(&lu) != ERR_OK || buf_end(&ru) != ERR_OK || buf_end(&tu) != ERR_OK)
		return ERR_LONG;
	random_token(tag, CALL_TAG_CHARS);
	random_token(call_id, CALL_TAG_CHARS);
	return sip_dialog_begin(&(struct sip_dialog_start){.call_id = str_from(call_id),
							   .local_tag = str_from(tag),
							   .local_uri = buf_view(&lu),
							   .remote_uri = buf_view(&ru),
							   .target = buf_view(&tu),
							   .cseq = 1},
				&l->dialog);
}

static void
put_agent(const struct calls *cs, struct buf *b, enum sip_hdr_id id)
{
	sip_edit_hdr_z(b, id, cs->conf.user_agent);
}

/* The end of a message: with this SDP, or without a body. */
static void
put_sdp(struct buf *b, struct str sdp)
{
	sip_edit_body(b, sdp.len ? STR("application/sdp") : STR_NULL, sdp);
}

/* Only an emergency call comes here with none left (call/sos). */
static int
forwards_left(const struct sip_msg *m)
{
	if (!m || m->max_forwards < 0)
		return 70;
	return m->max_forwards ? m->max_forwards - 1 : LEG_LAST_HOPS;
}

void
leg_put_invite(struct call *c, struct buf *b, const struct addr *host, struct str body)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct sip_msg *req = ops->do_request_of(ops->arg, c->leg[LEG_A].invite);
	const struct sip_dialog *d = &c->rec.leg[LEG_B].dialog;
	size_t from;

	sip_dialog_put_line(d, b, STR("INVITE"));
	sip_edit_hdr_u64(b, SIP_H_MAX_FORWARDS, (uint64_t)forwards_left(req));
	sip_dialog_put_headers(d, b, STR("INVITE"), d->local_cseq);
	put_contact(c, LEG_B, b);
	from = b->len;
	if (leg_way(c, LEG_B) == HIDE_TO_CARRIER) {
		divert_put_diversions(c, b, host);
		caller_put_headers(c, b, host);
		divert_put_history(c, b, host);
	}
	put_allow(b, leg_allows(c, LEG_B));
	sip_edit_hdr_z(b, SIP_H_SUPPORTED, body.len || c->ring.taken ? "timer, 100rel" : "timer");
	put_session_request(c, LEG_B, b);
	parts_put_accept(c, LEG_B, req, b);
	put_agent(c->owner, b, SIP_H_USER_AGENT);
	if (req) {
		alter_judge_identity(c, req);
		hide_copy(b, req, leg_way(c, LEG_B));
	}
	alter_headers(c, LEG_B, b, from, true);
	if (req)
		parts_put_headers(c, LEG_B, req, b);
	parts_put_body(c, LEG_B, req, body, b);
}

void
leg_put_ack(struct call *c, enum call_leg_index i, struct buf *b, struct str body)
{
	const struct sip_dialog *d = &c->rec.leg[i].dialog;

	sip_dialog_put_line(d, b, STR("ACK"));
	sip_edit_hdr_u64(b, SIP_H_MAX_FORWARDS, 70);
	sip_dialog_put_headers(d, b, STR("ACK"), d->local_invite_cseq);
	put_agent(c->owner, b, SIP_H_USER_AGENT);
	put_sdp(b, body);
}

void
leg_put_lost_cancel(struct call *c, struct buf *b)
{
	/* an early dialog has a To tag, and perhaps another target and a route set: the CANCEL
	 * looks as the INVITE did (RFC 3261 9.1) */
	const struct snapshot_view *v = c->owner->snap;
	struct sip_dialog d = c->rec.leg[LEG_B].dialog;
	uint32_t trunk = v ? snapshot_trunk(v, str_from(c->rec.leg[LEG_B].trunk.z)) : POLICY_NONE;
	char target[512];
	struct buf t;

	buf_init(&t, target, sizeof(target));
	if (trunk != POLICY_NONE)
		put_remote_uri(c, &t, trunk, true);
	else
		b->failed = true; /* nobody knows any more where it went */
	d.part[SIP_DIALOG_REMOTE_TAG].len = 0;
	d.part[SIP_DIALOG_ROUTE_SET].len = 0;
	sip_edit_request(b, STR("CANCEL"), buf_view(&t));
	sip_edit_hdr_u64(b, SIP_H_MAX_FORWARDS, 70);
	sip_dialog_put_headers(&d, b, STR("CANCEL"), d.local_invite_cseq);
	put_agent(c->owner, b, SIP_H_USER_AGENT);
	sip_edit_body(b, STR_NULL, STR_NULL);
}

static void
put_reason(const struct call *c, struct buf *b)
{
	if (c->rec.q850)
		sip_edit_hdr_fmt(b, SIP_H_REASON, "Q.850;cause=%d", (int)c->rec.q850);
}

/* The end of a message: the body of m, what says what it is, and what the request is about. */
static void
put_whole(struct buf *b, const struct sip_msg *m, enum hide_way way, bool with_event)
{
	static const enum sip_hdr_id ids[] = {SIP_H_SUBSCRIPTION_STATE, SIP_H_MIME_VERSION,
					      SIP_H_CONTENT_TYPE,       SIP_H_CONTENT_DISPOSITION,
					      SIP_H_CONTENT_ENCODING,   SIP_H_CONTENT_LANGUAGE};
	const struct sip_hdr *package = sip_msg_by_name(m, STR("Info-Package"), NULL);

	if (with_event)
		sip_edit_copy_all(b, m, SIP_H_EVENT);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		sip_edit_copy_all(b, m, ids[i]);
	if (package && way == HIDE_TO_CARRIER) /* to customers it crosses already */
		(void)!sip_edit_copy(b, package);
	sip_edit_body(b, STR_NULL, m->body);
}

enum err
leg_put_request(struct call *c, enum call_leg_index i, const struct leg_request *r, struct buf *b)
{
	struct str method = str_from(sip_method_name(r->method));
	struct sip_dialog *d = &c->rec.leg[i].dialog;
	uint32_t cseq;
	size_t from;
	enum err e = sip_dialog_next_cseq(d, r->method, &cseq);

	if (e != ERR_OK)
		return e;
	sip_dialog_put_line(d, b, method);
	sip_edit_hdr_u64(b, SIP_H_MAX_FORWARDS, (uint64_t)forwards_left(r->from));
	sip_dialog_put_headers(d, b, method, cseq);
	if (r->method != SIP_INFO && r->method != SIP_MESSAGE) /* RFC 6086 3, RFC 3428 4 */
		put_contact(c, i, b);
	put_allow(b, leg_allows(c, i));
	if (r->method == SIP_INVITE || r->method == SIP_UPDATE) {
		parts_put_accept(c, i, r->from, b);
		sip_edit_hdr_z(b, SIP_H_SUPPORTED, "timer");
		put_session_request(c, i, b);
	}
	if (r->rack)
		sip_edit_hdr_z(b, SIP_H_RACK, r->rack);
	if (r->event)
		sip_edit_hdr_z(b, SIP_H_EVENT, r->event);
	if (r->subscription)
		sip_edit_hdr_z(b, SIP_H_SUBSCRIPTION_STATE, r->subscription);
	if (r->refer_to)
		sip_edit_nameaddr(b, SIP_H_REFER_TO,
				  &(struct sip_edit_addr){.uri = str_from(r->refer_to)});
	put_agent(c->owner, b, SIP_H_USER_AGENT);
	from = b->len;
	if (r->from)
		hide_copy(b, r->from, leg_way(c, i));
	alter_headers(c, i, b, from, false);
	if (r->whole)
		put_whole(b, r->from, leg_way(c, i), !r->event);
	else if (r->method == SIP_INVITE || r->method == SIP_UPDATE)
		parts_put_body(c, i, r->from, r->body, b);
	else
		sip_edit_body(b, r->type, r->body);
	return buf_end(b);
}

enum err
leg_put_bye(struct call *c, enum call_leg_index i, struct buf *b)
{
	struct sip_dialog *d = &c->rec.leg[i].dialog;
	uint32_t cseq;
	size_t from;
	enum err e = sip_dialog_next_cseq(d, SIP_BYE, &cseq);

	if (e != ERR_OK)
		return e;
	sip_dialog_put_line(d, b, STR("BYE"));
	sip_edit_hdr_u64(b, SIP_H_MAX_FORWARDS, 70);
	sip_dialog_put_headers(d, b, STR("BYE"), cseq);
	put_reason(c, b);
	from = b->len;
	put_identity(c, i, b);
	alter_headers(c, i, b, from, false);
	put_agent(c->owner, b, SIP_H_USER_AGENT);
	sip_edit_body(b, STR_NULL, STR_NULL);
	return buf_end(b);
}

/* Start of a response to a request of leg i. */
static const struct sip_msg *
begin_response(struct call *c, enum call_leg_index i, const struct edge_txn *txn, struct buf *b,
	       int status)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct sip_msg *req = ops->do_request_of(ops->arg, txn);
	struct str tag = sip_dialog_str(&c->rec.leg[i].dialog, SIP_DIALOG_LOCAL_TAG);
	char fresh[CALL_TAG_CHARS + 1];

	if (tag.len == 0) { /* refused before there was a dialog */
		random_token(fresh, CALL_TAG_CHARS);
		tag = str_from(fresh);
	}
	sip_edit_response(b, req,
			  &(struct sip_edit_reply){.status = (unsigned)status,
						   .reason = str_from(reason_phrase(status)),
						   .to_tag = tag,
						   .source = &c->rec.leg[i].remote});
	put_agent(c->owner, b, SIP_H_SERVER);
	return req;
}

void
leg_put_response(struct call *c, enum call_leg_index i, const struct edge_txn *txn, struct buf *b,
		 const struct leg_answer *a)
{
	const struct sip_msg *req = begin_response(c, i, txn, b, a->status);
	size_t from;

	sip_edit_copy_all(b, req, SIP_H_RECORD_ROUTE);
	put_contact(c, i, b);
	put_allow(b, leg_allows(c, i));
	if (a->status >= 200)
		put_session_answer(c, i, b, req);
	if (a->quiet)
		sip_edit_named(b, STR("Refer-Sub"), STR("false"));
	if (a->rseq) {
		sip_edit_hdr_z(b, SIP_H_REQUIRE, "100rel");
		sip_edit_hdr_u64(b, SIP_H_RSEQ, a->rseq);
	}
	from = b->len;
	if (a->from && i == LEG_A) {
		caller_read_answer(c, a->from);
		put_identity(c, LEG_A, b);
	}
	if (a->from)
		hide_copy(b, a->from, leg_way(c, i));
	alter_headers(c, i, b, from, false);
	parts_put_body(c, i, a->from, a->body, b);
}

void
leg_put_passed(struct call *c, enum call_leg_index i, const struct edge_txn *txn, struct buf *b,
	       const struct sip_msg *m, int status)
{
	if (begin_response(c, i, txn, b, status)->method == SIP_REFER && status < 300)
		put_contact(c, i, b); /* RFC 3515 2.2 */
	if (status == 405 || status == 501)
		put_allow(b, leg_allows(c, i));
	if (status == 415)
		sip_edit_copy_all(b, m, SIP_H_ACCEPT);
	hide_copy(b, m, leg_way(c, i));
	put_whole(b, m, leg_way(c, i), true);
}

/* Warning: 399 postern "text (id)" (RFC 3261 20.43): what an operator gives to `explain`. */
static void
put_warning(struct buf *b, const char *text, const char *id)
{
	if (text[0])
		sip_edit_hdr_fmt(b, SIP_H_WARNING, "399 postern \"%s%s%s%s\"", text,
				 id[0] ? " (id " : "", id, id[0] ? ")" : "");
}

static const enum sip_hdr_id require_ids[] = {SIP_H_REQUIRE, SIP_H_PROXY_REQUIRE};

static bool
has_option(enum sip_hdr_id id, struct str option)
{
	return id == SIP_H_REQUIRE ? str_ieqz(option, "100rel") || str_ieqz(option, "timer")
				   : str_ieqz(option, "privacy"); /* RFC 3323 4.2 */
}

bool
leg_has_required(const struct sip_msg *m, bool replaces)
{
	struct sip_iter it;
	struct str option;
	enum err e;

	for (size_t i = 0; i < ARRAY_LEN(require_ids); i++) {
		sip_iter_init(&it, m, require_ids[i]);
		while ((e = sip_iter_next(&it, &option)) == ERR_OK)
			if (!has_option(require_ids[i], option) &&
			    !(replaces && str_ieqz(option, "replaces")))
				return false;
		if (e != ERR_NOTFOUND)
			return false;
	}
	return true;
}

/* What of Require and Proxy-Require we do not have (RFC 3261 8.2.2.3, 16.3). */
static void
put_unsupported(struct buf *b, const struct sip_msg *req)
{
	struct sip_iter it;
	struct str option;

	for (size_t i = 0; i < ARRAY_LEN(require_ids); i++) {
		sip_iter_init(&it, req, require_ids[i]);
		while (sip_iter_next(&it, &option) == ERR_OK) /* without the folds of a list */
			if (!has_option(require_ids[i], option))
				sip_edit_hdr(b, SIP_H_UNSUPPORTED, option);
	}
}

/* Where the caller shall go instead: an emergency call refused with a 3xx. */
static void
put_redirect(const struct call *c, struct buf *b)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t payer = v ? snapshot_account(v, str_from(c->rec.payer.z)) : POLICY_NONE;
	struct str to = payer == POLICY_NONE ? STR_NULL
					     : snapshot_text(v, v->account[payer].emergency_target);

	if (to.len)
		sip_edit_nameaddr(b, SIP_H_CONTACT, &(struct sip_edit_addr){.uri = to});
}

void
leg_put_failure_a(struct call *c, struct buf *b, int status, const char *warning, int q850)
{
	const struct sip_msg *req = begin_response(c, LEG_A, c->leg[LEG_A].invite, b, status);

	if (status == 415)
		sip_edit_hdr_z(b, SIP_H_ACCEPT, "application/sdp, multipart/mixed");
	if (status == 420)
		put_unsupported(b, req);
	if (status == 422)
		sip_edit_hdr_u64(b, SIP_H_MIN_SE, SESSION_MIN_S);
	put_warning(b, warning, warning[0] ? c->rec.id.z : "");
	if (q850)
		sip_edit_hdr_fmt(b, SIP_H_REASON, "Q.850;cause=%d", q850);
	if ((status == 503 || c->rec.refusal == REFUSAL_CARRIER_BUSY) &&
	    c->rec.class != CLASS_EMERGENCY) /* nobody waits with that */
		sip_edit_hdr_z(b, SIP_H_RETRY_AFTER, "5");
	if (status == 405)
		put_allow(b, leg_allows(c, LEG_A));
	if (status < 400 && c->rec.class == CLASS_EMERGENCY)
		put_redirect(c, b);
	else if (status < 400)
		divert_put_contacts(c, b);
	sip_edit_body(b, STR_NULL, STR_NULL);
}

/* A call for help, which shall try elsewhere at once. */
static bool
is_emergency(const struct calls *cs, const struct sip_msg *m)
{
	struct number n;

	return m->method == SIP_INVITE &&
	       number_read_uri(&cs->conf.numbers, &m->uri, &n) == ERR_OK &&
	       n.kind == NUMBER_EMERGENCY;
}

void
leg_put_plain(const struct calls *cs, struct buf *b, const struct sip_msg *req,
	      const struct addr *source, const char *tag, const struct leg_plain *p)
{
	sip_edit_response(b, req,
			  &(struct sip_edit_reply){.status = (unsigned)p->status,
						   .reason = str_from(reason_phrase(p->status)),
						   .to_tag = str_from(tag),
						   .source = source});
	put_agent(cs, b, SIP_H_SERVER);
	put_warning(b, p->warning, p->id);
	if (p->status == 200 || p->status == 405 || p->status == 501)
		put_allow(b, p->allow);
	if (p->status == 200 || p->status == 415)
		sip_edit_hdr_z(b, SIP_H_ACCEPT,
			       req->method == SIP_INFO ? dtmf_types : "application/sdp");
	if (p->status == 469) /* none (RFC 6086 4.2.2) */
		sip_edit_named(b, STR("Recv-Info"), STR_NULL);
	if (p->status == 420)
		put_unsupported(b, req);
	if (p->status == 422)
		sip_edit_hdr_u64(b, SIP_H_MIN_SE, SESSION_MIN_S);
	if (p->retry_s || (p->status == 503 && !is_emergency(cs, req)))
		sip_edit_hdr_u64(b, SIP_H_RETRY_AFTER, p->retry_s ? p->retry_s : 5);
	sip_edit_body(b, STR_NULL, STR_NULL);
}
