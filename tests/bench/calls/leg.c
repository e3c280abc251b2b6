#include "calls/leg.h"

#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "bench.h"
#include "calls/place.h"
#include "sip/edit.h"

static const char sdp_pbx[] = "v=0\r\no=pbx 7 %u IN IP4 " PLACE_PBX "\r\ns=-\r\nc=IN IP4 " PLACE_PBX
			      "\r\nt=0 0\r\nm=audio 20000 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
			      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
			      "inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk\r\na=%s\r\n";
static const char sdp_gw[] =
	"v=0\r\no=gw 7 %u IN IP4 " PLACE_GATEWAY "\r\ns=-\r\nc=IN IP4 " PLACE_GATEWAY
	"\r\nt=0 0\r\nm=audio 20002 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
	"a=%s\r\n";

/* ---- messages ---- */

static void
put_tag(const struct leg *l, char out[16])
{
	(void)snprintf(out, 16, "%c%u", l->caller ? 'c' : 's', l->number);
}

static void
put_own(const struct leg *l, struct buf *b, bool sdp, bool offers)
{
	const char *way = l->sdp_version % 2 && offers ? "sendonly" : "sendrecv";
	char text[1024];

	sip_edit_hdr_z(b, SIP_H_CONTACT,
		       l->pbx ? "<sip:" PLACE_NUMBER "@" PLACE_PBX ":5061;transport=tls>"
			      : "<sip:gw@" PLACE_GATEWAY ":5080>");
	(void)snprintf(text, sizeof(text), l->pbx ? sdp_pbx : sdp_gw, l->sdp_version + 1, way);
	sip_edit_body(b, sdp ? STR("application/sdp") : STR_NULL, sdp ? str_from(text) : STR_NULL);
}

/* of: whose branch it has: its own method, or INVITE for CANCEL and the ACK of a refusal. */
static void
send_request(struct leg *l, enum sip_method method, uint32_t cseq, enum sip_method of)
{
	const char *name = sip_method_name(method);
	char mem[LEG_TEXT_MAX];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b, "%s %s SIP/2.0\r\n", name, l->target);
	buf_printf(&b, "Via: SIP/2.0/%s;branch=z9hG4bKm%c%ux%ux%s;rport\r\n",
		   l->pbx ? "TLS " PLACE_PBX ":5061" : "UDP " PLACE_GATEWAY ":5080",
		   l->caller ? 'c' : 's', l->number, cseq, sip_method_name(of));
	buf_printf(&b, "Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n",
		   l->self, l->peer, l->call_id, cseq, name);
	put_own(l, &b, method == SIP_INVITE, true);
	BENCH_MUST(buf_end(&b) == ERR_OK);
	if (method != SIP_ACK)
		l->rq.conn = l->conn;
	l->w->on_send(l->w->arg, l, buf_view(&b));
}

static void
put_answer(struct leg *l, struct buf *b, const struct sip_msg *m, unsigned status, const char *tag)
{
	sip_edit_response(b, m,
			  &(struct sip_edit_reply){.status = status, .to_tag = str_from(tag)});
	put_own(l, b, m->method == SIP_INVITE && status / 100 == 2, false);
	BENCH_MUST(buf_end(b) == ERR_OK);
}

static void
send_answer(struct leg *l, const struct sip_msg *m, unsigned status, bool other_fork)
{
	char mem[LEG_TEXT_MAX], tag[16];
	struct buf b;

	put_tag(l, tag);
	if (other_fork)
		tag[0] = 't';
	buf_init(&b, mem, sizeof(mem));
	put_answer(l, &b, m, status, tag);
	l->w->on_send(l->w->arg, l, buf_view(&b));
}

/* ---- time ---- */

static void
set_timer(struct leg *l, struct timer *t, uint64_t due)
{
	BENCH_MUST(timer_set(&l->w->timers, t, due) == ERR_OK);
}

static void
drop_answer(struct leg *l)
{
	timer_stop(&l->w->timers, &l->answer_timer);
	MEM_FREE(l->answer);
}

static void
set_ended(struct leg *l)
{
	if (l->state == LEG_ENDED)
		return;
	l->state = LEG_ENDED;
	l->w->on_ended(l->w->arg, l);
}

static void
end_request(struct leg *l)
{
	l->rq.on = false;
	timer_stop(&l->w->timers, &l->resend);
}

static void
arm_request(struct leg *l)
{
	uint64_t at = l->rq.dead_at;

	if (l->rq.interval && l->w->now + l->rq.interval < at)
		at = l->w->now + l->rq.interval;
	set_timer(l, &l->resend, at);
}

static void
resend_due(struct timer *t, uint64_t now)
{
	struct leg *l = CONTAINER_OF(t, struct leg, resend);

	if (now < l->rq.dead_at) {
		l->rq.interval *= 2;
		if (l->rq.method != SIP_INVITE && l->rq.interval > LEG_T2_US)
			l->rq.interval = LEG_T2_US;
		if (l->cancelled && l->rq.rung)
			send_request(l, SIP_CANCEL, l->rq.cseq, SIP_INVITE);
		else
			send_request(l, l->rq.method, l->rq.cseq, l->rq.method);
		arm_request(l);
		return;
	}
	if (l->rq.rung && !l->cancelled) { /* it rings and nobody decides */
		leg_cancel(l);
		return;
	}
	l->w->timed_out++;
	end_request(l);
	/* without an answer to its change a call goes on; of its end it does not */
	if (l->rq.method != SIP_INVITE || l->state == LEG_CALLING)
		set_ended(l);
}

static void
begin_request(struct leg *l, enum sip_method method)
{
	end_request(l);
	l->rq.method = method;
	l->rq.on = true;
	l->rq.rung = false;
	l->rq.cseq = ++l->cseq;
	l->rq.interval = l->pbx ? 0 : LEG_T1_US;
	l->rq.dead_at = l->w->now + LEG_LIFE_US;
	l->resend.on_due = resend_due;
	send_request(l, method, l->cseq, method);
	arm_request(l);
}

/* Our final answer to an INVITE, until its ACK: a 2xx on any wire, a refusal where it can be lost.
 */
static void
answer_due(struct timer *t, uint64_t now)
{
	struct leg *l = CONTAINER_OF(t, struct leg, answer_timer);

	if (now >= l->answer_dead) {
		l->w->timed_out++;
		drop_answer(l);
		leg_bye(l, false); /* RFC 3261 13.3.1.4 */
		return;
	}
	l->answer_interval =
		l->answer_interval * 2 > LEG_T2_US ? LEG_T2_US : l->answer_interval * 2;
	l->w->on_send(l->w->arg, l, str_of(l->answer, l->n_answer));
	set_timer(l, t, now + l->answer_interval);
}

static void
send_final(struct leg *l, const struct sip_msg *m, unsigned status)
{
	char mem[LEG_TEXT_MAX], tag[16];
	struct buf b;

	put_tag(l, tag);
	buf_init(&b, mem, sizeof(mem));
	put_answer(l, &b, m, status, tag);
	l->w->on_send(l->w->arg, l, buf_view(&b));
	drop_answer(l);
	if (status >= 300 && l->pbx)
		return;
	l->answer = mem_dup(buf_view(&b));
	BENCH_MUST(l->answer);
	l->n_answer = b.len;
	l->answer_interval = LEG_T1_US;
	l->answer_dead = l->w->now + LEG_LIFE_US;
	l->answer_timer.on_due = answer_due;
	set_timer(l, &l->answer_timer, l->w->now + LEG_T1_US);
}

/* ---- what a user does ---- */

static void
keep(char out[LEG_VALUE_MAX], struct str v)
{
	BENCH_MUST(str_copyz(out, LEG_VALUE_MAX, v) == ERR_OK);
}

void
leg_call(struct leg *l, const char *uri, const char *self)
{
	(void)snprintf(l->call_id, sizeof(l->call_id), "mixed-%u-%d", l->number, l->pbx);
	(void)snprintf(l->target, sizeof(l->target), "%s", uri);
	(void)snprintf(l->peer, sizeof(l->peer), "<%s>", uri);
	(void)snprintf(l->self, sizeof(l->self), "<%s>;tag=c%u", self, l->number);
	l->state = LEG_CALLING;
	begin_request(l, SIP_INVITE);
}

static struct str
contact_uri(const struct sip_msg *m)
{
	struct str v = sip_msg_value(m, SIP_H_CONTACT), rest = str_from_at(v, str_chr(v, '<') + 1);

	return rest.len ? str_sub(rest, 0, str_chr(rest, '>')) : v;
}

void
leg_invited(struct leg *l, const struct sip_msg *m, bool fork)
{
	struct str to = sip_msg_value(m, SIP_H_TO);
	char tag[16];

	put_tag(l, tag);
	BENCH_MUST(snprintf(l->self, sizeof(l->self), "%.*s;tag=%s", STR_ARG(to), tag) <
		   LEG_VALUE_MAX);
	keep(l->peer, sip_msg_value(m, SIP_H_FROM));
	keep(l->call_id, m->call_id);
	keep(l->target, contact_uri(m));
	l->peer_cseq = m->cseq;
	l->request = mem_dup(m->all);
	BENCH_MUST(l->request);
	l->n_request = m->all.len;
	l->state = LEG_RINGING;
	send_answer(l, m, 100, false);
	if (fork)
		send_answer(l, m, 183, true);
	send_answer(l, m, 180, false);
}

void
leg_invited_again(struct leg *l, const struct sip_msg *m)
{
	if (l->state == LEG_RINGING)
		send_answer(l, m, 180, false);
}

void
leg_answer(struct leg *l, unsigned status)
{
	static struct sip_msg m;

	if (l->state != LEG_RINGING)
		return;
	BENCH_MUST(sip_msg_parse(str_of(l->request, l->n_request), &m) == ERR_OK);
	send_final(l, &m, status);
	if (status >= 300) {
		set_ended(l);
		return;
	}
	l->state = LEG_TALKS;
	l->w->on_talks(l->w->arg, l);
}

void
leg_cancel(struct leg *l)
{
	if (l->state != LEG_CALLING || !l->rq.on || l->cancelled)
		return;
	l->cancelled = true;
	l->rq.dead_at = l->w->now + LEG_LIFE_US;
	if (!l->rq.rung)
		return; /* RFC 3261 9.1: once something was heard */
	send_request(l, SIP_CANCEL, l->rq.cseq, SIP_INVITE);
	l->rq.interval = l->pbx ? 0 : LEG_T1_US; /* until the INVITE has its answer */
	arm_request(l);
}

void
leg_reinvite(struct leg *l)
{
	if (l->state != LEG_TALKS || l->rq.on || l->answer)
		return;
	l->w->reinvites++;
	l->sdp_version++;
	begin_request(l, SIP_INVITE);
}

void
leg_bye(struct leg *l, bool late)
{
	if (late ? l->state != LEG_ENDED || !l->target[0] : l->state != LEG_TALKS)
		return;
	if (l->rq.on && l->rq.method == SIP_BYE)
		return;
	l->w->late_byes += late;
	begin_request(l, SIP_BYE);
}

/* Lost with it may be: BYE, CANCEL, an INVITE that has no answer yet, and that it rings here. */
void
leg_conn_down(struct leg *l)
{
	static struct sip_msg invite;

	if (l->rq.on && l->rq.method == SIP_BYE) {
		send_request(l, SIP_BYE, l->rq.cseq, SIP_BYE);
	} else if (l->state == LEG_CALLING && l->rq.on && !l->rq.rung) {
		send_request(l, SIP_INVITE, l->rq.cseq, SIP_INVITE);
	} else if (l->state == LEG_CALLING && l->rq.on && l->cancelled) {
		send_request(l, SIP_CANCEL, l->rq.cseq, SIP_INVITE);
	} else if (l->state == LEG_RINGING) {
		BENCH_MUST(sip_msg_parse(str_of(l->request, l->n_request), &invite) == ERR_OK);
		send_answer(l, &invite, 180, false);
	}
}

/* ---- what comes ---- */

static void
learn(struct leg *l, const struct sip_msg *m)
{
	keep(l->peer, sip_msg_value(m, SIP_H_TO));
	if (sip_msg_hdr(m, SIP_H_CONTACT))
		keep(l->target, contact_uri(m));
}

static void
take_2xx(struct leg *l, const struct sip_msg *m)
{
	bool first = l->rq.on && l->rq.cseq == m->cseq, begun = l->state == LEG_CALLING;

	if (l->state == LEG_CALLING || l->state == LEG_ENDED)
		learn(l, m);
	send_request(l, SIP_ACK, m->cseq, SIP_ACK);
	l->w->again += !first;
	if (first)
		end_request(l);
	if (begun) {
		l->state = LEG_TALKS;
		l->w->answered++;
		l->w->on_talks(l->w->arg, l);
		if (l->cancelled)
			leg_bye(l, false); /* it was faster than our CANCEL */
	} else if (l->state == LEG_ENDED && !l->rq.on) {
		l->w->stray++; /* we had given up */
		begin_request(l, SIP_BYE);
	}
}

static void
take_invite_answer(struct leg *l, const struct sip_msg *m)
{
	bool mine = l->rq.on && l->rq.method == SIP_INVITE && l->rq.cseq == m->cseq;
	char kept[LEG_VALUE_MAX];

	if (m->status / 100 == 2) {
		take_2xx(l, m);
		return;
	}
	if (m->status < 200) {
		if (!mine || l->rq.rung)
			return;
		l->rq.rung = true;
		l->rq.interval = 0;
		l->rq.dead_at = l->w->now + LEG_RING_US + (l->cancelled ? LEG_LIFE_US : 0);
		if (l->cancelled) {
			send_request(l, SIP_CANCEL, l->rq.cseq, SIP_INVITE);
			l->rq.interval = l->pbx ? 0 : LEG_T1_US;
		}
		arm_request(l);
		return;
	}
	memcpy(kept, l->peer, sizeof(kept));
	keep(l->peer, sip_msg_value(m, SIP_H_TO));
	send_request(l, SIP_ACK, m->cseq, SIP_INVITE);
	memcpy(l->peer, kept, sizeof(kept));
	if (!mine)
		return;
	end_request(l);
	if (l->state == LEG_CALLING) {
		l->w->cancelled += m->status == 487;
		l->w->refused += m->status != 487;
		l->shed = m->status == 503 && !l->rq.rung && sip_msg_hdr(m, SIP_H_RETRY_AFTER);
		l->w->shed += l->shed;
		set_ended(l);
	} else {
		l->w->glare += m->status == 491;
	}
}

static void
take_cancel(struct leg *l, const struct sip_msg *m)
{
	static struct sip_msg invite;

	send_answer(l, m, 200, false);
	if (l->state != LEG_RINGING)
		return;
	BENCH_MUST(sip_msg_parse(str_of(l->request, l->n_request), &invite) == ERR_OK);
	send_final(l, &invite, 487);
	set_ended(l);
}

/* A change: we are asked while we ask: 491; while our last answer waits for its ACK: 500. */
static void
take_reinvite(struct leg *l, const struct sip_msg *m)
{
	bool first = m->cseq > l->peer_cseq;

	if (!first) { /* again */
		l->w->again++;
		if (l->answer)
			l->w->on_send(l->w->arg, l, str_of(l->answer, l->n_answer));
		return;
	}
	l->peer_cseq = m->cseq;
	if (l->state != LEG_TALKS)
		send_final(l, m, 481);
	else if (l->rq.on)
		send_final(l, m, 491);
	else
		send_final(l, m, 200);
}

static void
take_request(struct leg *l, const struct sip_msg *m)
{
	switch ((int)m->method) {
	case SIP_ACK:
		drop_answer(l);
		break;
	case SIP_CANCEL:
		take_cancel(l, m);
		break;
	case SIP_INVITE:
		take_reinvite(l, m);
		break;
	case SIP_BYE:
		send_answer(l, m, l->state == LEG_NONE ? 481 : 200, false);
		if (l->rq.on && l->rq.method == SIP_INVITE)
			end_request(l);
		drop_answer(l);
		set_ended(l);
		break;
	default:
		send_answer(l, m, 405, false);
	}
}

void
leg_take(struct leg *l, const struct sip_msg *m)
{
	if (m->request) {
		take_request(l, m);
	} else if (m->method == SIP_INVITE) {
		take_invite_answer(l, m);
	} else if (m->method == SIP_BYE && l->rq.on && l->rq.cseq == m->cseq && m->status >= 200) {
		end_request(l);
		drop_answer(l);
		set_ended(l);
	}
}

void
leg_fini(struct leg *l)
{
	if (!l->w)
		return;
	timer_stop(&l->w->timers, &l->resend);
	timer_stop(&l->w->timers, &l->end);
	drop_answer(l);
	MEM_FREE(l->request);
}
