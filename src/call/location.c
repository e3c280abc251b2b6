#include "call/location.h"

#include "base/random.h"
#include "sip/parts.h"

enum { HEAD_MAX = 1024, BOUNDARY_CHARS = 24 };

/* One part of our body: these headers, then this text, which may begin with headers itself. */
struct piece {
	struct str head, text;
};

struct pieces {
	struct piece list[SIP_PARTS_MAX + 1];
	size_t n;
	char head[HEAD_MAX]; /* of a body that was no part */
};

void
location_put_headers(struct buf *b, const struct sip_msg *req)
{
	static const char *const names[] = {"Geolocation", "Geolocation-Routing", "Call-Info"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct sip_hdr *h = NULL;

		while ((h = sip_msg_by_name(req, str_from(names[i]), h)) != NULL)
			if (h->id != SIP_H_CALL_INFO ||
			    str_find(h->value, STR("EmergencyCallData")) < h->value.len)
				(void)!sip_edit_copy(b, h);
	}
}

static void
add_piece(struct pieces *p, struct str head, struct str text)
{
	if (p->n < ARRAY_LEN(p->list))
		p->list[p->n++] = (struct piece){head, text};
}

/* A body that is one thing and no SDP, with the headers that speak of it. */
static void
add_whole(struct pieces *p, const struct sip_msg *req)
{
	static const char *const names[] = {"Content-Type", "Content-ID", "Content-Disposition",
					    "Content-Encoding"};
	struct buf head;

	buf_init(&head, p->head, sizeof(p->head));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct sip_hdr *h = sip_msg_by_name(req, str_from(names[i]), NULL);

		if (!h && i == 0)
			h = sip_msg_hdr(req, SIP_H_CONTENT_TYPE);
		if (h)
			buf_printf(&head, "%s: %.*s\r\n", names[i], STR_ARG(h->value));
	}
	buf_z(&head, "\r\n");
	if (buf_end(&head) == ERR_OK)
		add_piece(p, buf_view(&head), req->body);
}

/* What is no SDP, and holds nothing else. */
static void
gather(struct pieces *p, const struct sip_msg *req)
{
	struct sip_parts parts;

	if (sip_parts_read(req, &parts) != ERR_OK)
		return;
	for (unsigned i = 0; i < parts.n; i++) {
		const struct sip_part *it = &parts.part[i];

		if (it->holds || sip_part_is(it, "application", "sdp"))
			continue;
		if (it->inside == SIP_PARTS_TOP)
			add_whole(p, req);
		else
			add_piece(p, STR_NULL, it->all);
	}
}

void
location_put_body(struct buf *b, const struct sip_msg *req, struct str sdp)
{
	char boundary[BOUNDARY_CHARS + 1];
	struct pieces p = {.n = 0};
	uint64_t len = 0;

	if (sdp.len)
		add_piece(&p, STR("Content-Type: application/sdp\r\n\r\n"), sdp);
	gather(&p, req);
	if (p.n == (sdp.len != 0)) {
		sip_edit_body(b, sdp.len ? STR("application/sdp") : STR_NULL, sdp);
		return;
	}
	random_token(boundary, BOUNDARY_CHARS);
	for (size_t i = 0; i < p.n; i++) /* with "--", and two line ends */
		len += p.list[i].head.len + p.list[i].text.len + BOUNDARY_CHARS + 6;
	sip_edit_hdr_z(b, SIP_H_MIME_VERSION, "1.0");
	sip_edit_hdr_fmt(b, SIP_H_CONTENT_TYPE, "multipart/mixed;boundary=%s", boundary);
	sip_edit_hdr_u64(b, SIP_H_CONTENT_LENGTH, len + BOUNDARY_CHARS + 6);
	buf_z(b, "\r\n");
	for (size_t i = 0; i < p.n; i++) {
		buf_printf(b, "--%s\r\n", boundary);
		buf_str(b, p.list[i].head);
		buf_str(b, p.list[i].text);
		buf_z(b, "\r\n");
	}
	buf_printf(b, "--%s--\r\n", boundary);
}
