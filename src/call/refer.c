#include "call/refer.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "call/act.h"
#include "call/admit.h"
#include "call/create.h"
#include "call/join.h"
#include "call/negotiate.h"
#include "call/onward.h"
#include "call/refused.h"
#include "call/renew.h"
#include "call/sos.h"
#include "call/speak.h"
#include "policy/identity.h"

enum {
	REFER_BUSY_US = 500 * CLOCK_MS, /* a change is in hand on one of the legs */
	REFER_REPLACES_MAX = 768,       /* bytes of Replaces, unescaped */
};

static const struct call_ops *
ops_of(const struct call *c)
{
	return &c->owner->ops;
}

static enum call_leg_index
other(enum call_leg_index i)
{
	return i == LEG_A ? LEG_B : LEG_A;
}

/* ---- what who asked is told ---- */

/* Where the leg that asked is now. */
static struct call *
asker_of(struct call *c, enum call_leg_index *i)
{
	const struct call_transfer *t = &c->transfer;

	*i = (enum call_leg_index)(t->joined ? t->to_leg : t->leg);
	return t->joined ? t->to : c;
}

/* NOTIFY of how it goes (RFC 3515 2.4.4). */
static void
tell(struct call *c, int status, bool last)
{
	const struct call_transfer *t = &c->transfer;
	enum call_leg_index i;
	struct call *at = asker_of(c, &i);
	struct edge_txn *txn;
	char line[128], event[32];

	if (t->quiet || t->gone || !at || at->rec.leg[i].dialog.state != SIP_DIALOG_CONFIRMED)
		return;
	(void)snprintf(line, sizeof(line), "SIP/2.0 %d %s\r\n", status, reason_phrase(status));
	if (c->rec.transfers)
		(void)snprintf(event, sizeof(event), "refer;id=%u", t->id);
	else
		(void)snprintf(event, sizeof(event), "refer");
	if (speak_request(
		    at, i,
		    &(struct leg_request){.method = SIP_NOTIFY,
					  .type = STR("message/sipfrag;version=2.0"),
					  .body = str_from(line),
					  .event = event,
					  .subscription = last ? "terminated;reason=noresource"
							       : "active;expires=200"},
		    NULL, &txn))
		ops_of(at)->do_forget(ops_of(at)->arg, txn);
}

static void
refuse(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
       enum refusal r, const char *why)
{
	int status = r == REFUSAL_METHOD ? 405 : refusal_status(r);

	log_info("call.refer", "id=%s leg=%c refused: %s", c->rec.id.z, i == LEG_A ? 'A' : 'B',
		 why[0] ? why : refusal_text(r));
	speak_plain(c->owner, txn, m, &c->rec.leg[i].remote,
		    &(struct leg_plain){.status = status,
					.warning = refusal_text(r),
					.id = c->rec.id.z,
					.allow = leg_allows(c, i)});
}

/* ---- may it be ---- */

static enum refusal
read_target(const struct sip_msg *m, struct sip_nameaddr *to)
{
	struct sip_iter it;
	struct str method;

	sip_iter_init(&it, m, SIP_H_REFER_TO);
	if (sip_hdr_count(m, SIP_H_REFER_TO) != 1 || sip_iter_nameaddr(&it, to) != ERR_OK)
		return REFUSAL_REFER;
	method = sip_uri_param(&to->uri, "method");
	return method.len && !str_ieqz(method, "INVITE") ? REFUSAL_REFER : REFUSAL_NONE;
}

bool
refer_is_busy(const struct call *c)
{
	return c->transfer.to || c->transfer_for || c->change.m.state != AMEND_NONE ||
	       c->renew.at != TIMER_NEVER;
}

static enum refusal
may_transfer(const struct call *c, enum call_leg_index i)
{
	const struct trunk *t = leg_trunk(c, i);

	if (!t || t->refer == TRUNK_REFER_REFUSE)
		return REFUSAL_METHOD;
	if (c->rec.class == CLASS_EMERGENCY || c->rec.exempt ||
	    c->rec.transfers >= CALL_TRANSFERS_MAX)
		return REFUSAL_REFER_OFF;
	return c->m.state != B2BUA_UP || refer_is_busy(c) ? REFUSAL_PENDING : REFUSAL_NONE;
}

/* ---- attended: another call ---- */

/* The Replaces among the headers of a URI, unescaped into b; empty: there is none. */
static void
read_replaces(const struct sip_uri *uri, struct buf *b)
{
	struct str rest = uri->headers;

	while (rest.len) {
		struct str value = str_cut(&rest, '&'), name = str_cut(&value, '=');

		if (!str_ieqz(name, "Replaces"))
			continue;
		if (sip_unescape(value, b) != ERR_OK)
			b->failed = true;
		return;
	}
}

static bool
has_replaces(const struct sip_uri *uri)
{
	char mem[REFER_REPLACES_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	read_replaces(uri, &b);
	return b.len || b.failed;
}

/* Is it this leg's dialog, as either of its ends names the tags? */
static bool
is_named(const struct sip_dialog *d, struct str call_id, struct str to, struct str from)
{
	struct str ours = sip_dialog_str(d, SIP_DIALOG_LOCAL_TAG);
	struct str theirs = sip_dialog_str(d, SIP_DIALOG_REMOTE_TAG);

	return str_eq(call_id, sip_dialog_str(d, SIP_DIALOG_CALL_ID)) &&
	       ((str_eq(to, ours) && str_eq(from, theirs)) ||
		(str_eq(to, theirs) && str_eq(from, ours)));
}

/* The call and its leg that this Replaces (RFC 3891 6.1) names, of an account that src speaks for.
 */
static struct call *
find_named(const struct call *c, struct str replaces, const struct edge_source *src,
	   enum call_leg_index *out)
{
	struct calls *cs = c->owner;
	size_t at = str_find(replaces, STR(";"));
	struct str call_id = str_trim(str_sub(replaces, 0, at));
	struct str params = str_from_at(replaces, at);
	struct str to = sip_param_value(params, "to-tag");
	struct str from = sip_param_value(params, "from-tag");
	struct str tags[2];

	tags[0] = to;
	tags[1] = from;
	for (int k = 0; k < 2; k++) {
		uint64_t h = hash_of(&cs->by_tag, tags[k]);

		for (struct hash_node *n = hash_first(&cs->by_tag, h); n; n = hash_next(n)) {
			struct call_leg *leg = CONTAINER_OF(n, struct call_leg, by_tag);
			struct call *o = leg->u_invite.call;
			const struct record_leg *l = &o->rec.leg[leg->u_invite.leg];

			if (o == c || !is_named(&l->dialog, call_id, to, from) ||
			    !identity_speaks_for(cs->snap, &src->account_id, &l->account))
				continue;
			*out = leg->u_invite.leg;
			return o;
		}
	}
	return NULL;
}

/* That call, where it may be joined. */
static enum refusal
judge_named(const struct call *c, struct str replaces, const struct edge_source *src,
	    struct call **o, enum call_leg_index *j)
{
	*o = find_named(c, replaces, src, j);
	if (!*o || (*o)->m.state != B2BUA_UP || (*o)->rec.class == CLASS_EMERGENCY ||
	    (*o)->rec.exempt)
		return REFUSAL_REFER_DIALOG;
	return refer_is_busy(*o) ? REFUSAL_PENDING : REFUSAL_NONE;
}

/* Does the other side carry it out? Then the REFER is on its way. */
static bool
passes_attended(struct call *c, enum call_leg_index i, struct edge_txn *txn,
		const struct sip_msg *m, const struct sip_uri *to, const struct edge_source *src)
{
	enum call_leg_index j = LEG_A;
	char mem[REFER_REPLACES_MAX];
	struct call *o;
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	read_replaces(to, &b);
	return buf_end(&b) == ERR_OK && judge_named(c, buf_view(&b), src, &o, &j) == REFUSAL_NONE &&
	       onward_attended(c, i, txn, m, o, j);
}

static enum refusal
begin_attended(struct call *c, struct str replaces, const struct edge_source *src)
{
	enum call_leg_index j = LEG_A;
	struct call *o;
	enum refusal r = judge_named(c, replaces, src, &o, &j);

	if (r != REFUSAL_NONE)
		return r;
	c->transfer.to = o;
	c->transfer.to_leg = (uint8_t)other(j);
	c->transfer.attended = true;
	o->transfer_for = c;
	return REFUSAL_NONE;
}

/* ---- blind: a call of ours ---- */

static struct str
without_headers(const struct sip_uri *u)
{
	return u->headers.len ? str_sub(u->all, 0, (size_t)(u->headers.p - u->all.p) - 1) : u->all;
}

/* An INVITE as the leg that transfers would have sent it, so that the same rules hold for it. */
static enum err
write_invite(const struct call *c, enum call_leg_index i, const struct sip_uri *to, struct buf *b)
{
	const char *own = c->caller.number[0] ? c->caller.number : c->rec.from_sent;

	if (i == LEG_B)
		own = c->called.z[0] ? c->called.z : c->rec.to_received;
	sip_edit_request(b, STR("INVITE"), without_headers(to));
	buf_z(b,
	      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKrefer\r\nMax-Forwards: 70\r\nFrom: <sip:");
	sip_escape_user(b, str_from(own));
	buf_z(b, "@localhost>;tag=refer\r\nTo: <sip:localhost>\r\nCall-ID: refer\r\n"
		 "CSeq: 1 INVITE\r\n");
	if (i == LEG_A && c->caller.withheld)
		sip_edit_hdr_z(b, SIP_H_PRIVACY, "id");
	sip_edit_body(b, STR_NULL, STR_NULL);
	return buf_end(b);
}

/* Everything that may say no before the target is tried. */
static enum refusal
prepare(struct call *n, struct call *c, enum call_leg_index i, const struct sip_uri *to,
	const struct edge_source *src, char why[CALL_WHY_MAX])
{
	struct calls *cs = c->owner;
	enum refusal r;
	struct buf b;

	buf_init(&b, cs->msg, sizeof(cs->msg));
	if (write_invite(c, i, to, &b) != ERR_OK ||
	    sip_msg_parse(buf_view(&b), &cs->held) != ERR_OK)
		return REFUSAL_REFER;
	r = admit_invite(n, &cs->held, src, why);
	return r == REFUSAL_NONE ? negotiate_offer_as(n, c, i) : r;
}

/* Where a call would come from that leg i makes; its trunk may be POLICY_NONE. */
static struct edge_source
source_of(const struct call *c, enum call_leg_index i, const struct edge_source *src)
{
	const struct snapshot_view *v = c->owner->snap;
	struct edge_source from = *src;

	from.trunk = v ? snapshot_trunk(v, str_from(c->rec.leg[i].trunk.z)) : POLICY_NONE;
	from.account = from.trunk == POLICY_NONE ? POLICY_NONE : v->trunk[from.trunk].account;
	from.account_id = c->rec.leg[i].account;
	return from;
}

/* The first emergency number among all that a REFER names. */
static bool
finds_sos(const struct calls *cs, const struct sip_msg *m, const struct edge_source *src,
	  struct sip_nameaddr *to)
{
	struct sip_iter it;

	sip_iter_init(&it, m, SIP_H_REFER_TO);
	while (sip_iter_nameaddr(&it, to) == ERR_OK)
		if (sos_is_called(cs, &to->uri, src))
			return true;
	return false;
}

/* The INVITE that a REFER outside any call asks for. */
static enum err
write_asked(const struct sip_msg *m, const struct sip_uri *to, struct buf *b)
{
	sip_edit_request(b, STR("INVITE"), without_headers(to));
	buf_z(b, "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKrefer\r\nMax-Forwards: 70\r\n");
	sip_edit_nameaddr(b, SIP_H_FROM,
			  &(struct sip_edit_addr){.uri = m->from.uri.all, .tag = STR("refer")});
	buf_z(b, "To: <sip:localhost>\r\nCall-ID: refer\r\nCSeq: 1 INVITE\r\n");
	sip_edit_body(b, STR_NULL, STR_NULL);
	return buf_end(b);
}

void
refer_note_sos(struct calls *cs, const struct call *c, enum call_leg_index i,
	       const struct sip_msg *m, const struct edge_source *src)
{
	struct edge_source from = c ? source_of(c, i, src) : *src;
	struct sip_nameaddr to;
	struct buf b;
	enum err e;

	if (m->method != SIP_REFER || !finds_sos(cs, m, src, &to))
		return;
	buf_init(&b, cs->msg, sizeof(cs->msg));
	e = c ? write_invite(c, i, &to.uri, &b) : write_asked(m, &to.uri, &b);
	if (e == ERR_OK && sip_msg_parse(buf_view(&b), &cs->held) == ERR_OK)
		refused_sos(cs, &cs->held, &from, REFUSAL_REFER_OFF,
			    "it was asked for by a transfer, not by a call", c ? &c->rec.id : NULL);
}

static enum refusal
begin_blind(struct call *c, enum call_leg_index i, const struct sip_uri *to,
	    const struct edge_source *src, char why[CALL_WHY_MAX])
{
	struct edge_source from = source_of(c, i, src);
	struct calls *cs = c->owner;
	struct call *n;
	enum refusal r;
	uint32_t slot;

	if (src->trunk == POLICY_NONE || from.trunk == POLICY_NONE) /* no new calls of it */
		return REFUSAL_ACCOUNT_OFF;
	slot = pool_used(&cs->pool) < cs->conf.max_calls
		       ? ops_of(c)->do_slot(ops_of(c)->arg, CALL_SPARE)
		       : UINT32_MAX;
	n = slot == UINT32_MAX ? NULL : create_call(cs, slot);
	if (!n)
		return REFUSAL_NO_RECORD;
	metric_add(METRIC_calls_total, 1);
	create_record(n, &from);
	n->rec.transfer_of = c->rec.id;
	n->near = c->rec.leg[other(i)].media.slot;
	r = prepare(n, c, i, to, &from, why);
	if (r != REFUSAL_NONE) {
		metric_add(METRIC_calls_refused, 1);
		act_note_refusal(n, r, why);
		act_event(n, B2BUA_EV_FAIL, NULL);
		return r;
	}
	c->transfer.to = n;
	c->transfer.to_leg = LEG_B;
	n->transfer_for = c;
	return REFUSAL_NONE;
}

/* ---- the REFER ---- */

static void try_join(struct call *c);

static bool
wants_quiet(const struct sip_msg *m)
{
	const struct sip_hdr *h = sip_msg_by_name(m, STR("Refer-Sub"), NULL);

	return h && str_istarts(h->value, STR("false"));
}

static enum refusal
begin(struct call *c, enum call_leg_index i, const struct sip_nameaddr *to,
      const struct edge_source *src, char why[CALL_WHY_MAX])
{
	char mem[REFER_REPLACES_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	read_replaces(&to->uri, &b);
	if (b.failed)
		return REFUSAL_REFER;
	if (b.len)
		return begin_attended(c, buf_view(&b), src);
	if (to->uri.scheme == SIP_SCHEME_OTHER)
		return REFUSAL_REFER;
	return begin_blind(c, i, &to->uri, src, why);
}

void
refer_request(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
	      const struct edge_source *src)
{
	char why[CALL_WHY_MAX] = "";
	struct edge_source from;
	struct sip_nameaddr to, named;
	enum refusal bad = read_target(m, &to), r = may_transfer(c, i);
	bool blind = bad == REFUSAL_NONE && !has_replaces(&to.uri);

	if (finds_sos(c->owner, m, src, &named)) /* it has its record: refer_note_sos */
		r = REFUSAL_REFER_OFF;
	if (r == REFUSAL_NONE)
		r = bad;
	if (r == REFUSAL_NONE && blind && onward_passes(c, i)) {
		from = source_of(c, i, src);
		r = onward_refer(c, i, txn, m, &to.uri, &from, why);
		if (r == REFUSAL_NONE)
			return;
	} else if (r == REFUSAL_NONE) {
		if (!blind && passes_attended(c, i, txn, m, &to.uri, src))
			return;
		c->transfer = (struct call_transfer){.leg = (uint8_t)i,
						     .quiet = wants_quiet(m),
						     .id = m->cseq,
						     .at = TIMER_NEVER};
		r = begin(c, i, &to, src, why);
	}
	if (r != REFUSAL_NONE) {
		refuse(c, i, txn, m, r, why);
		return;
	}
	log_info("call.refer", "id=%s leg=%c to=%s%s", c->rec.id.z, i == LEG_A ? 'A' : 'B',
		 c->transfer.attended ? "call " : "", c->transfer.to->rec.id.z);
	speak_response(c, i, txn, &(struct leg_answer){.status = 202, .quiet = c->transfer.quiet});
	ops_of(c)->do_forget(ops_of(c)->arg, txn);
	tell(c, 100, false);
	if (c->transfer.attended)
		try_join(c);
	else
		act_event(c->transfer.to, B2BUA_EV_START, NULL);
	act_arm(c);
}

/* ---- changing places ---- */

static void
try_join(struct call *c)
{
	struct call_transfer *t = &c->transfer;
	struct call *n = t->to;

	t->at = TIMER_NEVER;
	if (c->m.state != B2BUA_UP)
		return; /* it ends, and says so */
	if (c->change.m.state != AMEND_NONE || n->change.m.state != AMEND_NONE ||
	    c->renew.at != TIMER_NEVER || n->renew.at != TIMER_NEVER) {
		t->at = c->owner->now + REFER_BUSY_US;
		act_arm(c);
		return;
	}
	c->rec.joining = n->rec.joining = 1;
	join_swap(c, (enum call_leg_index)t->leg, n, (enum call_leg_index)t->to_leg);
	t->joined = true;
	renew_ask(c, other((enum call_leg_index)t->leg));
	act_arm(c);
}

void
refer_due(struct call *c)
{
	if (c->transfer.to && !c->transfer.joined)
		try_join(c);
	else
		c->transfer.at = TIMER_NEVER;
}

/* The places stay as they are: the other call has nothing but the legs that are let go. */
static struct call *
keep_places(struct call *c)
{
	struct call_transfer *t = &c->transfer;
	struct call *n = t->to;

	join_ride(n, (enum call_leg_index)t->to_leg, c, (enum call_leg_index)t->leg);
	c->rec.joining = n->rec.joining = 0;
	n->transfer_for = NULL;
	t->to = NULL;
	t->joined = false;
	speak_store(c);
	speak_store(n);
	return n;
}

static void
succeed(struct call *c)
{
	struct call *n;

	tell(c, 200, true);
	n = keep_places(c);
	c->rec.transfers++;
	log_info("call.transferred", "id=%s by=%c to=%s", c->rec.id.z,
		 c->transfer.leg == LEG_A ? 'A' : 'B', n->rec.id.z);
	speak_store(c);
	act_event(n, B2BUA_EV_STOP, NULL); /* who transferred is let go */
	act_arm(c);
}

/* All is as it was; who asked may be gone. */
static void
fail(struct call *c, int status)
{
	struct call_transfer *t = &c->transfer;
	enum call_leg_index i = (enum call_leg_index)t->leg;
	struct call *n = t->to;
	bool attended = t->attended, gone = t->gone;

	tell(c, status, true);
	log_info("call.refer", "id=%s failed: %d", c->rec.id.z, status);
	n->transfer_for = NULL;
	t->to = NULL;
	if (!attended && n->m.state == B2BUA_UP)
		act_stop(n, REFUSAL_BAD_ANSWER);
	else
		act_arm(n);
	if (!gone) {
		act_arm(c);
		return;
	}
	act_note_end(c, i == LEG_A ? ENDER_CALLER : ENDER_CALLED, 200, 16, REFUSAL_NONE);
	act_event(c, i == LEG_A ? B2BUA_EV_BYE_A : B2BUA_EV_BYE_B, NULL);
}

void
refer_undo(struct call *c, int status)
{
	struct call_transfer *t = &c->transfer;

	join_swap(c, (enum call_leg_index)t->leg, t->to, (enum call_leg_index)t->to_leg);
	t->joined = false;
	c->rec.joining = t->to->rec.joining = 0;
	speak_store(c);
	speak_store(t->to);
	fail(c, status);
}

void
refer_look(struct call *c)
{
	struct call_transfer *t = &c->transfer;

	if (!t->to || !t->joined || c->renew.at != TIMER_NEVER || c->change.m.state != AMEND_NONE ||
	    c->renew.result == RENEW_NOTHING) {
		act_arm(c);
		return;
	}
	if (c->renew.result == RENEW_DONE) {
		succeed(c);
		return;
	}
	refer_undo(c, 488);
}

/* ---- ends ---- */

/* The call in which it was asked for ends. */
static void
give_up(struct call *c)
{
	struct call_transfer *t = &c->transfer;
	struct call *n = t->to;

	tell(c, 487, true);
	if (t->joined) {
		act_event(keep_places(c), B2BUA_EV_STOP, NULL);
		return;
	}
	n->transfer_for = NULL;
	t->to = NULL;
	if (t->attended) {
		act_arm(n);
		return;
	}
	if (n->m.state == B2BUA_UP) {
		act_stop(n, REFUSAL_CANCELED);
		return;
	}
	act_note_failure(n, 487, 16, "");
	act_note_end(n, ENDER_CALLER, 487, 16, REFUSAL_NONE);
	act_event(n, B2BUA_EV_CANCEL, NULL);
}

/* The call that was made for it, or that it is about, ends. */
static void
lose(struct call *n)
{
	struct call *c = n->transfer_for;

	if (c->transfer.joined) /* only those who are let go were in it */
		(void)keep_places(c);
	else
		fail(c, n->fail_status ? n->fail_status : 487);
}

void
refer_on(struct call *c, enum call_transfer_event ev, const struct sip_msg *m)
{
	struct call *asked_in = c->transfer_for;

	(void)m;
	switch (ev) {
	case TRANSFER_RINGS:
		if (!asked_in->transfer.rang)
			tell(asked_in, 180, false);
		asked_in->transfer.rang = true;
		break;
	case TRANSFER_UP:
		if (asked_in->transfer.at == TIMER_NEVER && !asked_in->transfer.attended)
			try_join(asked_in);
		break;
	case TRANSFER_OVER:
		if (c->transfer.to)
			give_up(c);
		if (c->transfer_for)
			lose(c);
		break;
	}
}

bool
refer_waits(const struct call *c, enum call_leg_index i)
{
	const struct call *in = c->transfer_for;

	if (c->transfer.to && !c->transfer.joined)
		return (uint8_t)i == c->transfer.leg;
	return in && in->transfer.joined;
}

bool
refer_takes_bye(struct call *c, enum call_leg_index i)
{
	struct call *in = c->transfer_for;

	if (!refer_waits(c, i))
		return false;
	if (c->transfer.to)
		c->transfer.gone = true;
	else if ((uint8_t)i == in->transfer.to_leg)
		in->transfer.gone = true;
	c->leg[i].left = true;
	session_set(&c->leg[i].session, 0, false, c->owner->now);
	c->rec.leg[i].session_on = 0;
	speak_store(c);
	return true;
}

bool
refer_keeps_still(const struct call *c)
{
	return c->transfer.to && c->transfer.gone && !c->transfer.joined;
}
