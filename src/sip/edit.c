#include "sip/edit.h"

#include "base/guard.h"

#include <string.h>

static const struct {
	uint16_t status;
	const char *text;
} status_texts[] = {
	{100, "Trying"},
	{180, "Ringing"},
	{181, "Call Is Being Forwarded"},
	{182, "Queued"},
	{183, "Session Progress"},
	{199, "Early Dialog Terminated"},
	{200, "OK"},
	{202, "Accepted"},
	{204, "No Notification"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Moved Temporarily"},
	{305, "Use Proxy"},
	{380, "Alternative Service"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{402, "Payment Required"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{407, "Proxy Authentication Required"},
	{408, "Request Timeout"},
	{410, "Gone"},
	{412, "Conditional Request Failed"},
	{413, "Request Entity Too Large"},
	{414, "Request-URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Unsupported URI Scheme"},
	{417, "Unknown Resource-Priority"},
	{420, "Bad Extension"},
	{421, "Extension Required"},
	{422, "Session Interval Too Small"},
	{423, "Interval Too Brief"},
	{424, "Bad Location Information"},
	{428, "Use Identity Header"},
	{429, "Provide Referrer Identity"},
	{433, "Anonymity Disallowed"},
	{436, "Bad Identity-Info"},
	{437, "Unsupported Certificate"},
	{438, "Invalid Identity Header"},
	{439, "First Hop Lacks Outbound Support"},
	{440, "Max-Breadth Exceeded"},
	{469, "Bad Info Package"},
	{470, "Consent Needed"},
	{480, "Temporarily Unavailable"},
	{481, "Call/Transaction Does Not Exist"},
	{482, "Loop Detected"},
	{483, "Too Many Hops"},
	{484, "Address Incomplete"},
	{485, "Ambiguous"},
	{486, "Busy Here"},
	{487, "Request Terminated"},
	{488, "Not Acceptable Here"},
	{489, "Bad Event"},
	{491, "Request Pending"},
	{493, "Undecipherable"},
	{494, "Security Agreement Required"},
	{500, "Server Internal Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Server Time-out"},
	{505, "Version Not Supported"},
	{513, "Message Too Large"},
	{555, "Push Notification Service Not Supported"},
	{580, "Precondition Failure"},
	{600, "Busy Everywhere"},
	{603, "Decline"},
	{604, "Does Not Exist Anywhere"},
	{606, "Not Acceptable"},
	{607, "Unwanted"},
	{608, "Rejected"},
};

const char *
sip_status_text(unsigned status)
{
	static const char *const classes[] = {"Unknown",       "Progress",     "Success",
					      "Redirection",   "Client Error", "Server Error",
					      "Global Failure"};

	for (size_t i = 0; i < ARRAY_LEN(status_texts); i++)
		if (status_texts[i].status == status)
			return status_texts[i].text;
	return classes[status >= 100 && status <= SIP_STATUS_MAX ? status / 100 : 0];
}

bool
sip_edit_safe(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == 0)
			return false;
	return true;
}

/* Everything that a caller gives comes through here: what is not fit makes the buf fail. */
static void
put_checked(struct buf *b, struct str s, bool fit)
{
	if (GUARD(P6, fit))
		buf_str(b, s);
	else
		b->failed = true;
}

static void
put_safe(struct buf *b, struct str s)
{
	put_checked(b, s, sip_edit_safe(s));
}

static void
put_token(struct buf *b, struct str s)
{
	put_checked(b, s, sip_all(s, SIP_C_TOKEN));
}

static void
put_uri(struct buf *b, struct str s)
{
	bool fit = s.len > 0;

	for (size_t i = 0; i < s.len && fit; i++)
		fit = s.p[i] > ' ' && s.p[i] < 0x7f && !strchr("<>\"", s.p[i]);
	put_checked(b, s, fit);
}

static void
put_crlf(struct buf *b)
{
	buf_add(b, "\r\n", 2);
}

static void
put_name(struct buf *b, enum sip_hdr_id id)
{
	if (id >= SIP_H_OTHER)
		b->failed = true;
	buf_z(b, sip_hdr_name(id));
	buf_add(b, ": ", 2);
}

void
sip_edit_request(struct buf *b, struct str method, struct str uri)
{
	put_token(b, method);
	buf_char(b, ' ');
	put_uri(b, uri);
	buf_z(b, " SIP/2.0\r\n");
}

void
sip_edit_status(struct buf *b, unsigned status, struct str reason)
{
	if (status < 100 || status > SIP_STATUS_MAX)
		b->failed = true;
	buf_z(b, "SIP/2.0 ");
	buf_u64(b, status);
	buf_char(b, ' ');
	put_safe(b, reason.len ? reason : str_from(sip_status_text(status)));
	put_crlf(b);
}

void
sip_edit_hdr(struct buf *b, enum sip_hdr_id id, struct str value)
{
	put_name(b, id);
	put_safe(b, value);
	put_crlf(b);
}

void
sip_edit_hdr_z(struct buf *b, enum sip_hdr_id id, const char *value)
{
	sip_edit_hdr(b, id, str_from(value));
}

void
sip_edit_hdr_u64(struct buf *b, enum sip_hdr_id id, uint64_t value)
{
	put_name(b, id);
	buf_u64(b, value);
	put_crlf(b);
}

void
sip_edit_hdr_fmt(struct buf *b, enum sip_hdr_id id, const char *fmt, ...)
{
	size_t start;
	va_list ap;

	put_name(b, id);
	start = b->len;
	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
	if (!b->failed && !GUARD(P6, sip_edit_safe(str_from_at(buf_view(b), start)))) {
		b->len = start;
		b->failed = true;
	}
	put_crlf(b);
}

void
sip_edit_named(struct buf *b, struct str name, struct str value)
{
	put_token(b, name);
	buf_add(b, ": ", 2);
	put_safe(b, value);
	put_crlf(b);
}

/* host[:port] */
static void
put_hostport(struct buf *b, struct str host, uint16_t port)
{
	put_checked(b, host, sip_is_host(host));
	if (port) {
		buf_char(b, ':');
		buf_u64(b, port);
	}
}

void
sip_edit_via(struct buf *b, enum sip_transport t, struct str host, uint16_t port, struct str branch,
	     bool rport)
{
	put_name(b, SIP_H_VIA);
	buf_z(b, "SIP/2.0/");
	put_token(b, str_from(sip_transport_name(t)));
	buf_char(b, ' ');
	put_hostport(b, host, port);
	buf_z(b, ";branch=");
	put_token(b, branch);
	if (rport)
		buf_z(b, ";rport");
	put_crlf(b);
}

void
sip_edit_cseq(struct buf *b, uint32_t num, struct str method)
{
	put_name(b, SIP_H_CSEQ);
	buf_u64(b, num);
	buf_char(b, ' ');
	put_token(b, method);
	put_crlf(b);
}

void
sip_edit_quoted(struct buf *b, struct str text)
{
	if (!GUARD(P6, sip_edit_safe(text))) {
		b->failed = true;
		return;
	}
	buf_char(b, '"');
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = (uint8_t)text.p[i];

		if (c == '"' || c == '\\' || c < 0x20 || c == 0x7f)
			buf_char(b, '\\');
		buf_char(b, (char)c);
	}
	buf_char(b, '"');
}

/* ";name=value..." or nothing */
static void
put_params(struct buf *b, struct str params)
{
	put_checked(b, params, sip_edit_safe(params) && sip_params_ok(params));
}

void
sip_edit_nameaddr(struct buf *b, enum sip_hdr_id id, const struct sip_edit_addr *a)
{
	put_name(b, id);
	if (a->display.len) {
		sip_edit_quoted(b, a->display);
		buf_char(b, ' ');
	}
	buf_char(b, '<');
	put_uri(b, a->uri);
	buf_char(b, '>');
	if (a->tag.len) {
		buf_z(b, ";tag=");
		put_token(b, a->tag);
	}
	put_params(b, a->params);
	put_crlf(b);
}

void
sip_edit_uri(struct buf *b, struct str user, struct str host, uint16_t port, struct str params)
{
	buf_z(b, "sip:");
	if (user.len) {
		sip_escape_user(b, user);
		buf_char(b, '@');
	}
	put_hostport(b, host, port);
	put_params(b, params);
}

static bool
has_nul(struct str s)
{
	return s.len && memchr(s.p, 0, s.len);
}

enum err
sip_edit_copy(struct buf *b, const struct sip_hdr *h)
{
	if (has_nul(h->line))
		return ERR_SYNTAX;
	buf_str(b, h->line);
	return ERR_OK;
}

void
sip_edit_copy_all(struct buf *b, const struct sip_msg *m, enum sip_hdr_id id)
{
	for (const struct sip_hdr *h = sip_msg_hdr(m, id); h; h = sip_msg_next(m, h))
		if (!has_nul(h->line))
			buf_str(b, h->line);
}

/* A parameter as it stood. */
static void
put_param(struct buf *b, const struct sip_param *p)
{
	buf_char(b, ';');
	buf_str(b, p->name);
	if (p->bare)
		return;
	buf_char(b, '=');
	if (p->quoted)
		buf_char(b, '"');
	buf_str(b, p->value);
	if (p->quoted)
		buf_char(b, '"');
}

/* The top Via header of a response (RFC 3261 18.2.1, RFC 3581 4). */
static void
put_top_via(struct buf *b, const struct sip_msg *req, const struct sip_hdr *h,
	    const struct addr *source)
{
	const struct sip_via *v = &req->via;
	struct str params = v->params;
	struct sip_param p;
	struct addr sent_by;
	size_t behind = (size_t)(v->all.p - h->value.p) + v->all.len;

	put_name(b, SIP_H_VIA);
	buf_str(b, sip_trim(str_sub(v->all, 0, v->all.len - v->params.len)));
	while (sip_param_next(&params, &p) == ERR_OK)
		if (!str_ieqz(p.name, "received") && !str_ieqz(p.name, "rport"))
			put_param(b, &p);
	if (v->has_rport || addr_parse_ip(v->host, &sent_by) != ERR_OK ||
	    !addr_ip_eq(&sent_by, source)) {
		buf_z(b, ";received=");
		addr_put_ip(b, source, false);
	}
	if (v->has_rport) {
		buf_z(b, ";rport=");
		buf_u64(b, source->port);
	}
	buf_str(b, str_from_at(h->value, behind)); /* ", next value" of the same header */
	put_crlf(b);
}

/* The first header of this kind under its full name, with what `tail` adds. */
static void
put_echo(struct buf *b, const struct sip_msg *req, enum sip_hdr_id id, struct str tail)
{
	const struct sip_hdr *h = sip_msg_hdr(req, id);

	if (!h)
		return;
	put_name(b, id);
	buf_str(b, h->value);
	if (tail.len) {
		buf_z(b, ";tag=");
		put_token(b, tail);
	}
	put_crlf(b);
}

void
sip_edit_response(struct buf *b, const struct sip_msg *req, const struct sip_edit_reply *r)
{
	const struct sip_hdr *via = sip_msg_hdr(req, SIP_H_VIA);

	sip_edit_status(b, r->status, r->reason);
	for (const struct sip_hdr *h = via; h; h = sip_msg_next(req, h)) {
		if (h == via && r->source && req->via.host.len)
			put_top_via(b, req, h, r->source);
		else
			buf_str(b, h->line);
	}
	put_echo(b, req, SIP_H_FROM, STR_NULL);
	put_echo(b, req, SIP_H_TO, req->to_tag.len ? STR_NULL : r->to_tag);
	put_echo(b, req, SIP_H_CALL_ID, STR_NULL);
	put_echo(b, req, SIP_H_CSEQ, STR_NULL);
	if (r->status == 100)
		put_echo(b, req, SIP_H_TIMESTAMP, STR_NULL);
}

void
sip_edit_body(struct buf *b, struct str type, struct str body)
{
	if (type.len)
		sip_edit_hdr(b, SIP_H_CONTENT_TYPE, type);
	sip_edit_hdr_u64(b, SIP_H_CONTENT_LENGTH, body.len);
	put_crlf(b);
	buf_str(b, body);
}
