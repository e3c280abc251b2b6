#include <string.h>

#include "ready/steps.h"
#include "base/mem.h"
#include "base/random.h"
#include "sip/edit.h"
#include "sip/hdr.h"

enum { SIP_SMALL = 4096, SIP_TOKEN = 20, SIP_READ = 4096 };

enum err
probe_sip_new(struct probe_run *r, struct tlsprobe **conn, struct probe_sip **out)
{
	struct probe_sip *s = mem_zalloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->run = r;
	s->conn = *conn;
	*conn = NULL;
	sip_frame_init(&s->frame, s->mem, sizeof(s->mem));
	*out = s;
	return ERR_OK;
}

void
probe_sip_free(struct probe_sip **sip)
{
	struct probe_sip *s = *sip;

	*sip = NULL;
	if (!s)
		return;
	tlsprobe_close(&s->conn);
	mem_free(s);
}

enum err
probe_sip_send(struct probe_sip *s, struct str bytes)
{
	return tlsprobe_write(s->conn, bytes, clock_now_us() + PROBE_ANSWER_US);
}

/* Bytes into the frame. */
static enum err
read_more(struct probe_sip *s, uint64_t due_us)
{
	size_t room, n;
	char *p = sip_frame_room(&s->frame, &room);
	enum err e;

	if (room == 0)
		return ERR_SYNTAX;
	e = tlsprobe_read(s->conn, p, room, due_us, &n);
	if (e == ERR_OK)
		sip_frame_fed(&s->frame, n);
	return e;
}

enum err
probe_sip_next(struct probe_sip *s, uint64_t due_us)
{
	for (;;) {
		enum sip_frame_event ev;
		struct str bytes;
		enum err e = sip_frame_next(&s->frame, &ev, &bytes);

		if (e != ERR_OK)
			return ERR_SYNTAX;
		if (ev == SIP_FRAME_MESSAGE)
			return sip_msg_parse(bytes, &s->msg) == ERR_OK ? ERR_OK : ERR_SYNTAX;
		if (ev == SIP_FRAME_PING)
			e = probe_sip_send(s, STR("\r\n"));
		else if (ev == SIP_FRAME_MORE)
			e = read_more(s, due_us);
		if (e != ERR_OK)
			return e;
	}
}

void
probe_sip_refuse(struct probe_sip *s, const struct sip_msg *req)
{
	char mem[SIP_SMALL], tag[SIP_TOKEN + 1];
	struct sip_edit_reply reply = {
		.status = req->method == SIP_OPTIONS || req->method == SIP_BYE ? 200 : 501};
	struct buf b;

	if (req->method == SIP_ACK)
		return;
	random_token(tag, SIP_TOKEN);
	reply.to_tag = str_from(tag);
	buf_init(&b, mem, sizeof(mem));
	sip_edit_response(&b, req, &reply);
	sip_edit_body(&b, STR_NULL, STR_NULL);
	if (buf_end(&b) == ERR_OK)
		(void)!probe_sip_send(s, buf_view(&b));
}

void
probe_sip_put_via(const struct probe_run *r, struct buf *b, char branch[PROBE_BRANCH])
{
	char host[ADDR_TEXT_MAX];
	struct buf h;

	(void)!str_copyz(branch, PROBE_BRANCH, STR("z9hG4bK"));
	random_token(branch + 7, SIP_TOKEN);
	buf_init(&h, host, sizeof(host));
	addr_put_ip(&h, &r->f->own.shown, true);
	sip_edit_via(b, SIP_TLS, buf_view(&h), r->f->own.shown.port, str_from(branch), true);
}

/* ---- OPTIONS ---- */

static void
put_options(const struct probe_run *r, struct buf *b, char branch[PROBE_BRANCH])
{
	const struct probe_facts *f = r->f;
	char tag[SIP_TOKEN + 1], id[SIP_TOKEN + 1];

	random_token(tag, SIP_TOKEN);
	random_token(id, SIP_TOKEN);
	buf_printf(b, "OPTIONS sip:%s:%u;transport=tls SIP/2.0\r\n", f->job.fqdn, f->port);
	probe_sip_put_via(r, b, branch);
	sip_edit_hdr_z(b, SIP_H_MAX_FORWARDS, "70");
	sip_edit_hdr_fmt(b, SIP_H_FROM, "<sip:%s>;tag=%s", f->own.zone, tag);
	sip_edit_hdr_fmt(b, SIP_H_TO, "<sip:%s>", f->job.fqdn);
	sip_edit_hdr_z(b, SIP_H_CALL_ID, id);
	sip_edit_hdr_z(b, SIP_H_CSEQ, "1 OPTIONS");
	sip_edit_hdr_fmt(b, SIP_H_CONTACT, "<sip:%s:%u;transport=tls>", f->own.zone,
			 f->own.shown.port);
	sip_edit_hdr_z(b, SIP_H_ACCEPT, "application/sdp");
	sip_edit_hdr_z(b, SIP_H_USER_AGENT, "postern");
	sip_edit_body(b, STR_NULL, STR_NULL);
}

static void
keep_text(char *dst, size_t cap, struct str s)
{
	if (str_copyz(dst, cap, str_sub(s, 0, cap - 1)) != ERR_OK)
		dst[0] = 0;
}

bool
probe_sip_is_answer(const struct sip_msg *m, const char *branch, struct probe_answer *out)
{
	bool ours = str_eqz(m->via.branch, branch); /* RFC 3261 17.1.3 */

	if (!ours && out->n_foreign < UINT16_MAX)
		out->n_foreign++;
	return ours;
}

void
probe_sip_keep(const struct sip_msg *m, struct probe_answer *out)
{
	struct sip_nameaddr contact;

	out->answered = true;
	out->status = m->status;
	keep_text(out->reason, sizeof(out->reason), m->reason);
	keep_text(out->contact, sizeof(out->contact), sip_msg_value(m, SIP_H_CONTACT));
	keep_text(out->allow, sizeof(out->allow), sip_msg_value(m, SIP_H_ALLOW));
	keep_text(out->supported, sizeof(out->supported), sip_msg_value(m, SIP_H_SUPPORTED));
	keep_text(out->server, sizeof(out->server), sip_msg_value(m, SIP_H_SERVER));
	if (!out->server[0])
		keep_text(out->server, sizeof(out->server), sip_msg_value(m, SIP_H_USER_AGENT));
	out->has_contact = sip_contact_read(m, &contact) == ERR_OK;
	out->contact_tls =
		out->has_contact && (contact.uri.scheme == SIP_SCHEME_SIPS ||
				     str_ieqz(sip_uri_param(&contact.uri, "transport"), "tls"));
}

static void
keep_failure(const struct probe_sip *s, enum err e, struct probe_answer *out)
{
	out->alert = tlsprobe_alert(s->conn);
	out->broken = e == ERR_SYNTAX;
	keep_text(out->why, sizeof(out->why), str_from(err_text(e)));
}

void
probe_options(struct probe_sip *s)
{
	struct probe_answer *out = &s->run->f->options;
	uint64_t began = clock_now_us();
	char mem[SIP_SMALL], branch[PROBE_BRANCH];
	struct buf b;
	enum err e;

	out->alert = -1;
	buf_init(&b, mem, sizeof(mem));
	put_options(s->run, &b, branch);
	e = buf_end(&b);
	if (e == ERR_OK)
		e = probe_sip_send(s, buf_view(&b));
	out->sent = e == ERR_OK;
	while (e == ERR_OK && !out->answered) {
		e = probe_sip_next(s, began + PROBE_ANSWER_US);
		if (e == ERR_OK && s->msg.request)
			probe_sip_refuse(s, &s->msg);
		else if (e == ERR_OK && probe_sip_is_answer(&s->msg, branch, out) &&
			 s->msg.cseq_method == SIP_OPTIONS && s->msg.status >= 200)
			probe_sip_keep(&s->msg, out);
	}
	out->took_us = clock_now_us() - began;
	if (e != ERR_OK)
		keep_failure(s, e, out);
}
