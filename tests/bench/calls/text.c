#include "calls/text.h"

#include <stdio.h>

#include "calls/place.h"
#include "sip/edit.h"
#include "sip/hdr.h"

enum { NUMBER_BASE = 2000000, NUMBER_DIGITS = 7 };
#define NUMBER_AREA "+1555"

static const char offer[] = "v=0\r\n"
			    "o=pbx 53655765 2353687637 IN IP4 " PLACE_PBX "\r\n"
			    "s=-\r\n"
			    "c=IN IP4 " PLACE_PBX "\r\n"
			    "t=0 0\r\n"
			    "m=audio %u RTP/SAVP 8 0 101\r\n"
			    "a=rtpmap:8 PCMA/8000\r\n"
			    "a=rtpmap:0 PCMU/8000\r\n"
			    "a=rtpmap:101 telephone-event/8000\r\n"
			    "a=fmtp:101 0-15\r\n"
			    "a=ptime:20\r\n"
			    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
			    "inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk\r\n"
			    "a=sendrecv\r\n";
static const char answer[] = "v=0\r\n"
			     "o=gw 53655765 2353687637 IN IP4 " PLACE_GATEWAY "\r\n"
			     "s=-\r\n"
			     "c=IN IP4 " PLACE_GATEWAY "\r\n"
			     "t=0 0\r\n"
			     "m=audio %u %s 8 101\r\n"
			     "a=rtpmap:8 PCMA/8000\r\n"
			     "a=rtpmap:101 telephone-event/8000\r\n"
			     "a=fmtp:101 0-15\r\n"
			     "a=ptime:20\r\n"
			     "%s"
			     "a=sendrecv\r\n";
/* where the offer was passed as it came, it is for SRTP */
static const char answer_key[] = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
				 "inline:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIz\r\n";

static unsigned
media_port(unsigned number)
{
	return 20000 + number % 10000 * 2;
}

static void
put_all(struct buf *b, const char *branch_kind, char kind, unsigned number, const char *to,
	const char *method, unsigned cseq)
{
	buf_printf(b, "Via: SIP/2.0/TLS " PLACE_PBX ":5061;branch=z9hG4bK%s%08x;rport\r\n",
		   branch_kind, number);
	buf_printf(b, "Max-Forwards: 70\r\n");
	buf_printf(b, "From: \"Front Desk\" <sip:" PLACE_NUMBER "@pbx.example.test>;tag=%c%u\r\n",
		   kind, number);
	buf_printf(b, "To: %s\r\n", to);
	buf_printf(b, "Call-ID: %c%08x-6f1c-4c27-9b3a-benchcalls@pbx.example.test\r\n", kind,
		   number);
	buf_printf(b, "CSeq: %u %s\r\n", cseq, method);
}

static void
put_common(struct buf *b, const char *branch_kind, unsigned number, const char *to,
	   const char *method, unsigned cseq)
{
	put_all(b, branch_kind, 'c', number, to, method, cseq);
}

static void
put_called(char *out, size_t size, unsigned number, uint16_t port)
{
	(void)snprintf(out, size, "sip:" NUMBER_AREA "%07u@" PLACE_CUSTOMER_SIDE ":%u",
		       number % TEXT_CALLS_MAX + NUMBER_BASE, port);
}

void
text_invite(struct buf *b, unsigned number, uint16_t port)
{
	char called[64], to[80], sdp[1024];
	int n = snprintf(sdp, sizeof(sdp), offer, media_port(number));

	put_called(called, sizeof(called), number, port);
	(void)snprintf(to, sizeof(to), "<%s>", called);
	buf_printf(b, "INVITE %s SIP/2.0\r\n", called);
	put_common(b, "i", number, to, "INVITE", 1);
	buf_printf(b, "Contact: <sip:" PLACE_NUMBER "@" PLACE_PBX ":5061;transport=tls>\r\n"
		      "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE\r\n"
		      "Supported: replaces\r\n"
		      "P-Asserted-Identity: <sip:" PLACE_NUMBER "@pbx.example.test>\r\n"
		      "User-Agent: bench calls\r\n"
		      "Content-Type: application/sdp\r\n");
	buf_printf(b, "Content-Length: %d\r\n\r\n%s", n, sdp);
}

#define HELP "sip:911@" PLACE_CUSTOMER_SIDE

void
text_help(struct buf *b, unsigned number)
{
	char sdp[1024];
	int n = snprintf(sdp, sizeof(sdp), offer, media_port(number));

	buf_z(b, "INVITE " HELP " SIP/2.0\r\n");
	put_all(b, "e", 'e', number, "<" HELP ">", "INVITE", 1);
	buf_printf(b,
		   "Contact: <sip:" PLACE_NUMBER "@" PLACE_PBX ":5061;transport=tls>\r\n"
		   "Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		   n, sdp);
}

void
text_ack_help(struct buf *b, unsigned number, const struct sip_msg *m)
{
	char to[TEXT_TO_MAX];
	struct str v = sip_msg_value(m, SIP_H_TO);

	(void)snprintf(to, sizeof(to), "%.*s", STR_ARG(v));
	buf_z(b, "ACK " HELP " SIP/2.0\r\n");
	put_all(b, "e", 'e', number, to, "ACK", 1);
	buf_z(b, "Content-Length: 0\r\n\r\n");
}

void
text_inside(struct buf *b, const char *method, unsigned cseq, unsigned number,
	    const struct text_dialog *d)
{
	buf_printf(b, "%s %s SIP/2.0\r\n", method, d->target);
	put_common(b, method[0] == 'A' ? "a" : "b", number, d->to, method, cseq);
	buf_printf(b, "%sUser-Agent: bench calls\r\nContent-Length: 0\r\n\r\n", d->routes);
}

void
text_ack_refusal(struct buf *b, unsigned number, uint16_t port, const struct sip_msg *m)
{
	char called[64], to[TEXT_TO_MAX];
	struct str v = sip_msg_value(m, SIP_H_TO);

	put_called(called, sizeof(called), number, port);
	(void)snprintf(to, sizeof(to), "%.*s", STR_ARG(v));
	buf_printf(b, "ACK %s SIP/2.0\r\n", called);
	put_common(b, "i", number, to, "ACK", 1);
	buf_printf(b, "Content-Length: 0\r\n\r\n");
}

/* The URI between < and >. */
static struct str
bare_uri(struct str v)
{
	size_t open = str_chr(v, '<');
	struct str rest = str_from_at(v, open + 1);

	return open < v.len ? str_sub(rest, 0, str_chr(rest, '>')) : v;
}

bool
text_learn(const struct sip_msg *ok, struct text_dialog *d)
{
	const struct sip_hdr *h[SIP_HDR_MAX];
	unsigned n = 0;
	struct buf b;

	if (str_copyz(d->to, sizeof(d->to), sip_msg_value(ok, SIP_H_TO)) != ERR_OK ||
	    str_copyz(d->target, sizeof(d->target), bare_uri(sip_msg_value(ok, SIP_H_CONTACT))) !=
		    ERR_OK ||
	    !d->target[0])
		return false;
	for (const struct sip_hdr *r = sip_msg_hdr(ok, SIP_H_RECORD_ROUTE); r;
	     r = sip_msg_next(ok, r))
		h[n++] = r;
	buf_init(&b, d->routes, sizeof(d->routes) - 1);
	while (n > 0) {
		struct str all = h[--n]->value;
		struct str part[8];
		unsigned k = 0;

		while (all.len && k < 8)
			part[k++] = str_trim(str_cut(&all, ','));
		while (k > 0)
			buf_printf(&b, "Route: %.*s\r\n", STR_ARG(part[k - 1])), k--;
	}
	d->routes[b.len] = 0;
	return buf_end(&b) == ERR_OK;
}

void
text_answer(struct buf *b, const struct sip_msg *req, unsigned status, unsigned number, bool sdp)
{
	bool secure = str_find(req->body, STR("RTP/SAVP")) < req->body.len;
	char tag[24], body[1024];

	(void)snprintf(tag, sizeof(tag), "s%u", number);
	(void)snprintf(body, sizeof(body), answer, media_port(number),
		       secure ? "RTP/SAVP" : "RTP/AVP", secure ? answer_key : "");
	sip_edit_response(b, req,
			  &(struct sip_edit_reply){.status = status, .to_tag = str_from(tag)});
	if (status > 100)
		sip_edit_copy_all(b, req, SIP_H_RECORD_ROUTE);
	if (status > 100 && req->method == SIP_INVITE)
		sip_edit_hdr_z(b, SIP_H_CONTACT, "<sip:gw@" PLACE_GATEWAY ":5080>");
	sip_edit_body(b, sdp ? STR("application/sdp") : STR_NULL, sdp ? str_from(body) : STR_NULL);
}

static bool
read_tag(struct str tag, char kind, unsigned *number)
{
	uint32_t v;

	if (tag.len < 2 || tag.p[0] != kind ||
	    str_u32(str_from_at(tag, 1), UINT32_MAX, &v) != ERR_OK)
		return false;
	*number = v;
	return true;
}

bool
text_of_pbx(const struct sip_msg *m, unsigned *number)
{
	return !m->request && read_tag(m->from_tag, 'c', number);
}

bool
text_of_help(const struct sip_msg *m, unsigned *number)
{
	return !m->request && read_tag(m->from_tag, 'e', number);
}

bool
text_of_gateway(const struct sip_msg *m, unsigned *number)
{
	struct str user = m->uri.user;
	uint32_t v;

	if (!m->request)
		return false;
	if (m->to_tag.len)
		return read_tag(m->to_tag, 's', number);
	if (user.len < NUMBER_DIGITS ||
	    str_u32(str_from_at(user, user.len - NUMBER_DIGITS), UINT32_MAX, &v) != ERR_OK ||
	    v < NUMBER_BASE)
		return false;
	*number = v - NUMBER_BASE;
	return true;
}
