#include "call/dtmf.h"

#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "call/speak.h"

enum { BODY_MAX = 64, RETRY_S = 1 };

static const struct call_ops *
ops_of(const struct call *c)
{
	return &c->owner->ops;
}

/* Is there somebody to hear it? */
static bool
is_on(const struct call *c)
{
	return c->m.state == B2BUA_RINGING || c->m.state == B2BUA_ANSWERED ||
	       (c->m.state == B2BUA_UP && !c->m.end_on_ack);
}

/* ---- INFO to events ---- */

static void
answer(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m,
       int status, enum refusal r)
{
	speak_plain(c->owner, txn, m, &c->rec.leg[i].remote,
		    &(struct leg_plain){.status = status,
					.warning = refusal_text(r),
					.id = r == REFUSAL_NONE ? "" : c->rec.id.z,
					.retry_s = status == 500 ? RETRY_S : 0,
					.allow = leg_allows(c, i)});
}

bool
dtmf_take(struct call *c, enum call_leg_index i, struct edge_txn *txn, const struct sip_msg *m)
{
	enum call_leg_index to = (enum call_leg_index)(1 - i);
	const struct record_leg *l = &c->rec.leg[to];
	const struct trunk *t = leg_trunk(c, i);
	struct sip_dtmf d;
	bool sent;

	if (m->method != SIP_INFO || !sip_dtmf_is(m) || !t || t->indialog == TRUNK_INDIALOG_NONE ||
	    !is_on(c) || !leg_wants_events(c, to) || !l->media_open || !l->media.event)
		return false;
	if (sip_dtmf_read(m, &d) != ERR_OK) {
		answer(c, i, txn, m, 415, REFUSAL_BODY_TYPE);
		return true;
	}
	sent = ops_of(c)->do_digit(ops_of(c)->arg,
				   &(struct media_digit){.slot = l->media.slot,
							 .generation = l->media.generation,
							 .ms = d.ms,
							 .code = d.code});
	metric_add(sent ? METRIC_digits_to_events : METRIC_digits_lost, 1);
	answer(c, i, txn, m, sent ? 200 : 500, sent ? REFUSAL_NONE : REFUSAL_PASS);
	return true;
}

/* ---- events to INFO ---- */

static void
drop_first(struct call_digits *q)
{
	q->n--;
	memmove(&q->queue[0], &q->queue[1], q->n * sizeof(q->queue[0]));
	memset(&q->queue[q->n], 0, sizeof(q->queue[0]));
}

/* The first one leaves, if none is out. */
static void
send_next(struct call *c)
{
	struct call_digits *q = &c->digits;
	char text[BODY_MAX];
	struct buf b;

	while (q->n && !q->out) {
		buf_init(&b, text, sizeof(text));
		sip_dtmf_put(&b, &q->queue[0]);
		drop_first(q);
		if (!is_on(c) || !speak_request(c, q->user.leg,
						&(struct leg_request){.method = SIP_INFO,
								      .type = STR(SIP_DTMF_TYPE),
								      .body = buf_view(&b)},
						&q->user, &q->out)) {
			q->out = NULL;
			metric_add(METRIC_digits_lost, 1);
		}
	}
}

void
dtmf_heard(struct call *c, enum call_leg_index i, const struct media_digit *d)
{
	enum call_leg_index to = (enum call_leg_index)(1 - i);
	struct call_digits *q = &c->digits;

	metric_add(METRIC_digit_ends_lost, d->lost);
	if (!leg_wants_info(c, to) || q->n == CALL_DIGITS_MAX || !is_on(c)) {
		metric_add(METRIC_digits_lost, 1);
		return;
	}
	q->user = (struct call_user){c, to, USER_DIGIT};
	q->queue[q->n++] = (struct sip_dtmf){.code = d->code, .ms = d->ms};
	send_next(c);
}

void
dtmf_news(struct call *c, const struct edge_news *news)
{
	struct call_digits *q = &c->digits;
	bool answered = news->event == EDGE_RESPONSE && news->msg->status >= 200;
	bool taken = answered && news->msg->status < 300;

	if (!answered && news->event == EDGE_RESPONSE)
		return;
	if (!news->last && q->out)
		ops_of(c)->do_forget(ops_of(c)->arg, q->out);
	q->out = NULL;
	metric_add(taken ? METRIC_digits_to_info : METRIC_digits_lost, 1);
	if (!taken)
		log_info("call.digit", "id=%s leg=%c took no digit in INFO: %d", c->rec.id.z,
			 q->user.leg == LEG_A ? 'A' : 'B', answered ? (int)news->msg->status : 0);
	send_next(c);
}

void
dtmf_end(struct call *c)
{
	struct call_digits *q = &c->digits;

	if (q->out)
		ops_of(c)->do_forget(ops_of(c)->arg, q->out);
	metric_add(METRIC_digits_lost, q->n);
	memset(q, 0, sizeof(*q));
}
