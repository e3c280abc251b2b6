/* The test call of a readiness probe: a small user agent of one call, over the probe's connection,
 * with its media through the real engine. */
#include <string.h>

#include "ready/steps.h"
#include "base/mem.h"
#include "base/random.h"
#include "sdp/offer.h"
#include "sip/dialog.h"

enum {
	CALL_MSG_MAX = 8192,
	CALL_TAG = 20,
	CALL_RING_US = 15 * CLOCK_S,    /* for the answer */
	CALL_TALK_US = 1200 * CLOCK_MS, /* in each phase that has media, at least .. */
	CALL_PROOF_US = 7 * CLOCK_S,    /* .. and until a report of RTCP must have come */
	CALL_HOLD_US = 400 * CLOCK_MS,  /* to settle, and then to count */
	CALL_DIGIT = 5,
};

/* Codecs and digits, as another leg would bring them. */
static const char codecs[] =
	"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
	"m=audio 4 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\n"
	"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
	"a=fmtp:101 0-15\r\na=ptime:20\r\n";

struct test_call {
	struct probe_sip *s;
	struct probe_call *out;
	struct sip_dialog dialog;
	struct sdp_local ours, next; /* next: offered, not yet answered */
	struct sdp_stream from, far;
	struct sdp_list list; /* what we offer */
	struct sdp_layout lay;
	struct sdp_origin origin;
	struct sdp brought, answer;
	struct probe_media media;
	char branch[PROBE_BRANCH]; /* of the request in hand */
	char tag[CALL_TAG + 1], id[CALL_TAG + 1], uri[512];
	uint32_t cseq; /* of the INVITE in hand */
	bool answered;
	char msg[CALL_MSG_MAX], body[CALL_MSG_MAX / 2];
};

static const struct sdp_policy policy = {
	.secure = true, .first = true, .suites = SDP_SUITES_OFFERED};

/* ---- offers ---- */

static bool
prepare(struct test_call *c)
{
	static const struct sdp_policy clear = {.first = true};
	struct sdp_numbers numbers = {0};
	struct sdp_refusal why;

	c->ours.media = c->s->run->rows.shown;
	c->ours.secure = true;
	random_token(c->tag, CALL_TAG);
	random_token(c->id, CALL_TAG);
	random_bytes(&c->origin.id, sizeof(c->origin.id));
	c->origin.id &= 0x7fffffffffffU;
	return sdp_parse(str_from(codecs), &c->brought) == ERR_OK &&
	       sdp_offer_read(&c->brought, &clear, NULL, &c->from, &why) == ERR_OK &&
	       sdp_list_offer(&c->from, &c->brought.media[0], &clear.codecs, &numbers, &c->list) ==
		       ERR_OK &&
	       sdp_local_offer(&c->ours, &policy.suites) == ERR_OK &&
	       probe_media_begin(&c->media, &c->s->run->rows) == ERR_OK;
}

static struct str
put_offer(struct test_call *c, const struct sdp_local *ours, enum sdp_direction dir)
{
	const struct sdp_part part = {
		.ours = ours, .media = &c->brought.media[0], .list = &c->list, .dir = dir};
	struct buf b;

	buf_init(&b, c->body, sizeof(c->body));
	if (sdp_offer_write(&part, NULL, &c->lay, &c->origin, &b) != ERR_OK)
		return STR_NULL;
	return buf_view(&b);
}

/* ---- requests ---- */

/* What stands in each request of ours behind the line and the headers of the dialog. */
static void
put_rest(struct test_call *c, struct buf *b, struct str body)
{
	const struct probe_facts *f = c->s->run->f;

	sip_edit_hdr_z(b, SIP_H_MAX_FORWARDS, "70");
	sip_edit_hdr_fmt(b, SIP_H_CONTACT, "<sip:%s;transport=tls>", addr_text(&f->own.shown).z);
	sip_edit_hdr_z(b, SIP_H_ALLOW, "INVITE, ACK, CANCEL, BYE, OPTIONS");
	sip_edit_hdr_z(b, SIP_H_USER_AGENT, "postern");
	sip_edit_body(b, body.len ? STR("application/sdp") : STR_NULL, body);
}

static enum err
send_first(struct test_call *c, struct str body)
{
	const struct probe_facts *f = c->s->run->f;
	struct buf b;

	c->cseq = 1;
	buf_init(&b, c->uri, sizeof(c->uri));
	buf_printf(&b, "sip:%s@%s:%u;transport=tls", f->job.call, f->job.fqdn, f->port);
	(void)buf_cstr(&b);
	buf_init(&b, c->msg, sizeof(c->msg));
	sip_edit_request(&b, STR("INVITE"), str_from(c->uri));
	probe_sip_put_via(c->s->run, &b, c->branch);
	sip_edit_hdr_fmt(&b, SIP_H_FROM, "<sip:ready@%s>;tag=%s", f->own.zone, c->tag);
	sip_edit_hdr_fmt(&b, SIP_H_TO, "<sip:%s@%s>", f->job.call, f->job.fqdn);
	sip_edit_hdr_z(&b, SIP_H_CALL_ID, c->id);
	sip_edit_cseq(&b, c->cseq, STR("INVITE"));
	put_rest(c, &b, body);
	return buf_end(&b) == ERR_OK ? probe_sip_send(c->s, buf_view(&b)) : ERR_LONG;
}

/* In the dialog. */
static enum err
send_inside(struct test_call *c, enum sip_method method, struct str body)
{
	struct str name = str_from(sip_method_name(method));
	char branch[PROBE_BRANCH];
	uint32_t cseq;
	struct buf b;
	enum err e = sip_dialog_next_cseq(&c->dialog, method, &cseq);

	if (e != ERR_OK)
		return e;
	if (method == SIP_INVITE)
		c->cseq = cseq;
	buf_init(&b, c->msg, sizeof(c->msg));
	sip_dialog_put_line(&c->dialog, &b, name);
	probe_sip_put_via(c->s->run, &b, branch);
	sip_dialog_put_headers(&c->dialog, &b, name, cseq);
	put_rest(c, &b, body);
	if (method != SIP_ACK)
		memcpy(c->branch, branch, sizeof(branch));
	return buf_end(&b) == ERR_OK ? probe_sip_send(c->s, buf_view(&b)) : ERR_LONG;
}

/* Of a failure, or CANCEL: in the INVITE's own transaction (RFC 3261 17.1.1.3, 9.1). */
static void
send_like_first(struct test_call *c, struct str method, struct str to)
{
	const struct probe_facts *f = c->s->run->f;
	char host[ADDR_TEXT_MAX];
	struct buf b, h;

	buf_init(&h, host, sizeof(host));
	addr_put_ip(&h, &f->own.shown, true);
	buf_init(&b, c->msg, sizeof(c->msg));
	sip_edit_request(&b, method, str_from(c->uri));
	sip_edit_via(&b, SIP_TLS, buf_view(&h), f->own.shown.port, str_from(c->branch), true);
	sip_edit_hdr_fmt(&b, SIP_H_FROM, "<sip:ready@%s>;tag=%s", f->own.zone, c->tag);
	sip_edit_hdr(&b, SIP_H_TO, to);
	sip_edit_hdr_z(&b, SIP_H_CALL_ID, c->id);
	sip_edit_cseq(&b, c->cseq, method);
	sip_edit_hdr_z(&b, SIP_H_MAX_FORWARDS, "70");
	sip_edit_body(&b, STR_NULL, STR_NULL);
	if (buf_end(&b) == ERR_OK)
		(void)!probe_sip_send(c->s, buf_view(&b));
}

/* ---- answers ---- */

static void
take_request(struct test_call *c)
{
	const struct sip_msg *m = &c->s->msg;

	if (m->method == SIP_BYE && c->answered && sip_dialog_match(&c->dialog, m))
		c->out->ended_early = true;
	probe_sip_refuse(c->s, m);
}

/* The final response to our request of this method, in s->msg; its status, 0 = none came. */
static uint16_t
wait_final(struct test_call *c, enum sip_method method, uint64_t us)
{
	const struct sip_msg *m = &c->s->msg;
	uint64_t due = clock_now_us() + us;

	while (probe_sip_next(c->s, due) == ERR_OK) {
		if (m->request) {
			take_request(c);
			continue;
		}
		if (!probe_sip_is_answer(m, c->branch, &c->out->answer) ||
		    m->cseq_method != method || !str_eqz(m->call_id, c->id) ||
		    (method == SIP_INVITE && m->cseq != c->cseq))
			continue;
		if (m->status >= 200)
			return m->status;
		if (method == SIP_INVITE && m->status > 100)
			c->out->early = m->status;
	}
	return 0;
}

static void
keep_why(struct test_call *c, const char *z)
{
	(void)!str_copyz(c->out->sdp_why, sizeof(c->out->sdp_why),
			 str_sub(str_from(z), 0, sizeof(c->out->sdp_why) - 1));
}

/* The SDP in s->msg as the answer to what `ours` offered. */
static bool
read_answer(struct test_call *c, struct sdp_local *ours, struct sdp_stream *far)
{
	struct sdp_refusal why = {.text = "its SDP cannot be read"};

	if (sdp_parse(c->s->msg.body, &c->answer) != ERR_OK ||
	    sdp_answer_read(&c->answer, &policy, ours, &c->lay, &c->list, far, &why) != ERR_OK) {
		keep_why(c, why.text);
		return false;
	}
	sdp_local_chosen(ours, far);
	return true;
}

static bool
begin_dialog(struct test_call *c)
{
	char local[512], remote[512];
	const struct probe_facts *f = c->s->run->f;
	struct sip_dialog_start start = {.call_id = str_from(c->id),
					 .local_tag = str_from(c->tag),
					 .target = str_from(c->uri),
					 .cseq = 1};
	struct sip_dialog base;
	struct buf l, r;

	buf_init(&l, local, sizeof(local));
	buf_printf(&l, "sip:ready@%s", f->own.zone);
	buf_init(&r, remote, sizeof(remote));
	buf_printf(&r, "sip:%s@%s", f->job.call, f->job.fqdn);
	start.local_uri = buf_view(&l);
	start.remote_uri = buf_view(&r);
	return sip_dialog_begin(&start, &base) == ERR_OK &&
	       sip_dialog_fork(&base, &c->s->msg, &c->dialog) == ERR_OK;
}

/* ---- the call ---- */

/* True: it is answered, and its SDP can be taken. */
static bool
place_call(struct test_call *c)
{
	struct probe_call *out = c->out;

	if (send_first(c, put_offer(c, &c->ours, SDP_SENDRECV)) != ERR_OK)
		return false;
	out->status = wait_final(c, SIP_INVITE, CALL_RING_US);
	if (out->status == 0) {
		char to[400];
		struct buf b;

		buf_init(&b, to, sizeof(to));
		buf_printf(&b, "<sip:%s@%s>", c->s->run->f->job.call, c->s->run->f->job.fqdn);
		send_like_first(c, STR("CANCEL"), buf_view(&b));
		return false;
	}
	probe_sip_keep(&c->s->msg, &out->answer);
	(void)!str_copyz(out->reason, sizeof(out->reason), str_from(out->answer.reason));
	if (out->status >= 300) {
		send_like_first(c, STR("ACK"), sip_msg_value(&c->s->msg, SIP_H_TO));
		return false;
	}
	if (!begin_dialog(c)) {
		keep_why(c, "its 200 makes no dialog: To tag or Contact are missing or broken");
		return false;
	}
	c->answered = true;
	out->sdp_good = read_answer(c, &c->ours, &c->far);
	return send_inside(c, SIP_ACK, STR_NULL) == ERR_OK && out->sdp_good;
}

static void
keep_agreed(struct test_call *c)
{
	c->out->suite = (uint8_t)c->far.suite;
	c->out->mki = c->far.key.mki_len > 0;
	c->out->digits = c->far.telephone_event_pt != SDP_PT_NONE;
	c->out->media = c->far.rtp;
}

/* re-INVITE; its status. Answered with 2xx: ACK is sent, *far holds what it said. */
static uint16_t
change(struct test_call *c, struct sdp_local *ours, enum sdp_direction dir, struct sdp_stream *far,
       bool *good)
{
	uint16_t status;

	if (send_inside(c, SIP_INVITE, put_offer(c, ours, dir)) != ERR_OK)
		return 0;
	status = wait_final(c, SIP_INVITE, PROBE_ANSWER_US);
	*good = false;
	if (status / 100 == 2) {
		*good = read_answer(c, ours, far);
		(void)!send_inside(c, SIP_ACK, STR_NULL);
	} else if (status) {
		send_like_first(c, STR("ACK"), sip_msg_value(&c->s->msg, SIP_H_TO));
	}
	return status;
}

static void
hold(struct test_call *c)
{
	struct sdp_stream far;
	bool good = false;
	uint32_t before;

	c->out->hold_status = change(c, &c->ours, SDP_SENDONLY, &far, &good);
	c->out->hold_good = good && !(far.direction & SDP_SENDONLY);
	probe_media_run(&c->media, c->s->run->stop, CALL_HOLD_US);
	before = c->media.received;
	probe_media_run(&c->media, c->s->run->stop, CALL_HOLD_US);
	c->out->back_hold = c->media.received - before;
	if (good)
		sdp_stream_wipe(&far);
}

/* Off hold, and under another key. */
static void
change_key(struct test_call *c)
{
	struct sdp_stream far;
	bool good = false;

	c->next = (struct sdp_local){.media = c->ours.media, .secure = true};
	if (sdp_local_offer(&c->next, &(struct sdp_suites){1, {(uint8_t)c->far.suite}}) != ERR_OK)
		return;
	c->out->rekey_status = change(c, &c->next, SDP_SENDRECV, &far, &good);
	c->out->rekey_good = good;
	if (!good)
		return;
	c->out->new_key = !sdp_key_eq(&far.key, &c->far.key);
	probe_media_set(&c->media, &c->next, &far, true);
	probe_media_phase(&c->media, c->s->run->stop, CALL_TALK_US, CALL_PROOF_US, &c->out->last);
	sdp_stream_wipe(&far);
}

static void
talk(struct test_call *c)
{
	const _Atomic bool *stop = c->s->run->stop;

	probe_media_set(&c->media, &c->ours, &c->far, true);
	probe_media_phase(&c->media, stop, CALL_TALK_US, CALL_PROOF_US, &c->out->first);
	if (c->out->digits)
		probe_media_digit(&c->media, c->far.telephone_event_pt, CALL_DIGIT);
	if (!atomic_load(stop))
		hold(c);
	if (!atomic_load(stop))
		change_key(c);
	c->out->sent = c->media.sent;
	c->out->digits_back = c->media.digits_back;
	c->out->broken = c->media.failed;
}

void
probe_call(struct probe_sip *s)
{
	struct test_call *c = mem_zalloc(1, sizeof(*c));

	s->run->f->call.tried = true;
	s->run->f->call.broken = !c || !s->run->rows.there;
	if (s->run->f->call.broken) {
		mem_free(c);
		return;
	}
	c->s = s;
	c->out = &s->run->f->call;
	c->media.fd = -1;
	if (!prepare(c)) {
		c->out->broken = true;
	} else if (place_call(c)) {
		keep_agreed(c);
		talk(c);
	}
	if (c->answered && !c->out->ended_early && send_inside(c, SIP_BYE, STR_NULL) == ERR_OK)
		c->out->bye_status = wait_final(c, SIP_BYE, PROBE_ANSWER_US);
	probe_media_end(&c->media);
	sdp_local_wipe(&c->ours);
	sdp_local_wipe(&c->next);
	sdp_stream_wipe(&c->far);
	mem_free(c);
}
