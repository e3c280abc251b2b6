#include "call/pass.h"

#include "base/random.h"
#include "call/dtmf.h"
#include "call/speak.h"

enum { RETRY_MAX_S = 10 /* RFC 3261 14.2 */ };

static const struct call_ops *
ops_of(const struct call *c)
{
	return &c->owner->ops;
}

static void
answer(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
       const struct leg_plain *p)
{
	struct leg_plain q = *p;

	q.allow = leg_allows(c, i);
	speak_plain(c->owner, txn, m, &c->rec.leg[i].remote, &q);
}

/* 0: it goes on; else our answer, with its reason. */
static int
judge(const struct call *c, const struct sip_msg *m, enum refusal *r)
{
	enum trunk_indialog takes = leg_indialog(c);

	*r = REFUSAL_METHOD;
	if (takes < (m->method == SIP_INFO ? TRUNK_INDIALOG_DTMF : TRUNK_INDIALOG_ALL))
		return 405;
	*r = REFUSAL_BODY_TYPE;
	if (takes == TRUNK_INDIALOG_DTMF) {
		if (sip_msg_by_name(m, STR("Info-Package"), NULL))
			return 469;
		if (m->body.len && !sip_dtmf_is(m))
			return 415;
	}
	*r = REFUSAL_BODY_LONG;
	if (m->body.len > CALL_PASS_BODY_MAX)
		return 413;
	*r = REFUSAL_NONE;
	return takes == TRUNK_INDIALOG_DTMF && m->body.len == 0 ? 200 : 0; /* a sign of life */
}

/* Is there a dialog to go on to? Else the answer to who asks. */
static int
no_way(const struct call *c, enum call_leg_index to)
{
	enum sip_dialog_state d = (enum sip_dialog_state)c->rec.leg[to].dialog.state;

	switch (c->m.state) {
	case B2BUA_TRYING:
	case B2BUA_RINGING:
		return d == SIP_DIALOG_EARLY ? 0 : 500;
	case B2BUA_ANSWERED:
	case B2BUA_UP:
		return c->m.end_on_ack || d == SIP_DIALOG_TERMINATED ? 481 : 0;
	case B2BUA_IDLE:
	case B2BUA_CANCELING:
	case B2BUA_ENDING:
	case B2BUA_ENDED:
	case B2BUA_STATE_N:
		break;
	}
	return 481;
}

static struct call_pass *
free_place(struct call *c)
{
	for (int k = 0; k < CALL_PASS_MAX; k++)
		if (!c->pass[k].in)
			return &c->pass[k];
	return NULL;
}

/* It goes on; false: it could not be sent. */
static bool
send_on(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct leg_request *r,
	struct call_pass *p)
{
	enum call_leg_index to = (enum call_leg_index)(1 - i);

	*p = (struct call_pass){.asking = {c, i, USER_PASSED}, .asked = {c, to, USER_PASS}};
	if (!speak_request(c, to, r, &p->asked, &p->out))
		return false;
	p->in = txn;
	ops_of(c)->do_set_user(ops_of(c)->arg, txn, &p->asking);
	return true;
}

void
pass_on(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
	const struct leg_request *request)
{
	struct call_pass *place = free_place(c);
	struct leg_plain p = {.warning = "", .id = c->rec.id.z};
	enum refusal r;

	p.status = no_way(c, (enum call_leg_index)(1 - i));
	r = p.status == 481 ? REFUSAL_DIALOG : REFUSAL_PASS;
	if (!p.status && place) {
		if (send_on(c, i, txn, request, place))
			return;
		p.status = refusal_status(REFUSAL_UNREACHABLE);
		r = REFUSAL_UNREACHABLE;
	} else if (!p.status) {
		p.status = 500;
		p.retry_s = 1 + random_u32() % RETRY_MAX_S;
	}
	p.warning = refusal_text(r);
	answer(c, i, txn, m, &p);
}

void
pass_request(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m)
{
	enum refusal r;
	int status;

	if (dtmf_take(c, i, txn, m))
		return;
	status = judge(c, m, &r);
	if (status)
		answer(c, i, txn, m,
		       &(struct leg_plain){.status = status,
					   .warning = refusal_text(r),
					   .id = status < 300 ? "" : c->rec.id.z});
	else
		pass_on(c, i, txn, m,
			&(struct leg_request){.method = m->method, .from = m, .whole = true});
}

static void
give_up(struct call_pass *p)
{
	const struct call_ops *ops = ops_of(p->asking.call);

	if (p->out)
		ops->do_forget(ops->arg, p->out);
	p->out = NULL;
	p->in = NULL;
}

/* No answer of the other leg that could go back: one of ours. */
static void
reject(struct call_pass *p, int status, enum refusal r)
{
	struct call *c = p->asking.call;
	struct edge_txn *in = p->in;

	give_up(p);
	speak_store(c);
	answer(c, p->asking.leg, in, ops_of(c)->do_request_of(ops_of(c)->arg, in),
	       &(struct leg_plain){.status = status,
				   .warning = refusal_text(r),
				   .id = r == REFUSAL_NONE ? "" : c->rec.id.z});
}

/* What speaks of the request crosses; what speaks of our own hop does not. */
static int
status_of(int status)
{
	if (status < 300 ||
	    (status >= 400 && status != 401 && status != 407 && status != 408 && status != 503))
		return status;
	return reason_map(status);
}

enum refusal
pass_news(struct call_user *u, const struct edge_news *news)
{
	struct call_pass *p = CONTAINER_OF(u, struct call_pass, asked);
	const struct sip_msg *m = news->msg;
	struct call *c = u->call;
	struct edge_txn *in = p->in;
	struct buf b;

	if (news->event == EDGE_RESPONSE && m->status < 200)
		return REFUSAL_NONE;
	if (news->last)
		p->out = NULL;
	if (!in)
		return REFUSAL_NONE;
	if (news->event != EDGE_RESPONSE) {
		reject(p, 504, news->event == EDGE_TIMEOUT ? REFUSAL_TIMEOUT : REFUSAL_UNREACHABLE);
		return REFUSAL_NONE;
	}
	if (m->status == 481) { /* it knows the whole dialog no more (RFC 5057 5.1) */
		reject(p, 481, REFUSAL_PEER_GONE);
		return REFUSAL_PEER_GONE;
	}
	buf_init(&b, c->owner->msg, sizeof(c->owner->msg));
	leg_put_passed(c, p->asking.leg, in, &b, m, status_of(m->status));
	if (buf_end(&b) != ERR_OK) {
		reject(p, 500, REFUSAL_BODY_LONG);
		return REFUSAL_NONE;
	}
	give_up(p);
	speak_store(c);
	ops_of(c)->do_respond(ops_of(c)->arg, in, status_of(m->status), buf_view(&b));
	ops_of(c)->do_forget(ops_of(c)->arg, in);
	return REFUSAL_NONE;
}

void
pass_undelivered(struct call_user *u)
{
	give_up(CONTAINER_OF(u, struct call_pass, asking));
}

void
pass_end(struct call *c)
{
	dtmf_end(c);
	for (int k = 0; k < CALL_PASS_MAX; k++)
		if (c->pass[k].in)
			reject(&c->pass[k], 481, REFUSAL_NONE);
}
