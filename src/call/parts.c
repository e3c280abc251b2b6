#include "call/parts.h"

#include "base/log.h"
#include "base/random.h"
#include "call/terms.h"
#include "sip/parts.h"

enum {
	HEAD_MAX = 1024,
	BOUNDARY_CHARS = 24,
	BOUNDARY_LINE = BOUNDARY_CHARS + 6, /* with "--", and two line ends */
};

/* What becomes of a part. */
enum fate { FATE_STAYS, FATE_GOES, FATE_WITHIN /* one that goes */ };

/* One part of our body: these headers, then this text, which may begin with headers itself. */
struct piece {
	struct str head, text;
};

struct pieces {
	struct piece list[SIP_PARTS_MAX + 1];
	size_t n;
	char head[HEAD_MAX]; /* of a body that was no part */
};

/* ---- what may go on ---- */

static bool
is_for_help(const struct call *c)
{
	return c->rec.class == CLASS_EMERGENCY;
}

static bool
passes(const struct call *c, enum call_leg_index i)
{
	const struct trunk *t = terms_trunk(c, i);

	return t && t->parts == TRUNK_PARTS_PASS;
}

static bool
may_cross(const struct call *c, enum call_leg_index to)
{
	return (to == LEG_B && is_for_help(c)) || (passes(c, LEG_A) && passes(c, LEG_B));
}

static bool
is_sdp(const struct sip_part *it)
{
	return sip_part_is(it, "application", "sdp");
}

/* Sealed, signed, or a message of its own: it may hold SDP and keys, and what was signed is no more
 * what it was once its SDP is ours. */
static bool
is_sealed(const struct sip_part *it)
{
	static const char *const types[] = {"mikey", "pkcs7-mime", "pkcs7-signature",
					    "pgp-encrypted", "pgp-signature"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (sip_part_is(it, "application", types[i]))
			return true;
	return str_ieqz(it->type.type, "message");
}

/* SDP is ours to write, and keys do not cross (M9). */
static bool
must_stay(const struct call *c, const struct sip_part *it)
{
	return is_sdp(it) || str_find(it->all, STR("a=crypto")) < it->all.len ||
	       str_find(it->all, STR("a=key-mgmt")) < it->all.len ||
	       (is_sealed(it) && !is_for_help(c));
}

/* One that holds others goes as a whole where all of them may; else those do that may, but none in
 * the place of an SDP (multipart/alternative). */
static void
sort_parts(const struct call *c, const struct sip_parts *p, enum fate fate[SIP_PARTS_MAX])
{
	bool stays[SIP_PARTS_MAX];

	for (unsigned i = 0; i < p->n; i++)
		stays[i] = must_stay(c, &p->part[i]);
	for (unsigned i = p->n; i-- > 1;) /* what holds others stands before them */
		stays[p->part[i].inside] = stays[p->part[i].inside] || stays[i];
	for (unsigned i = 0; i < p->n; i++) {
		unsigned in = p->part[i].inside;
		bool other = in != SIP_PARTS_TOP && stays[in] &&
			     sip_part_is(&p->part[in], "multipart", "alternative");

		if (in != SIP_PARTS_TOP && fate[in] != FATE_STAYS)
			fate[i] = FATE_WITHIN;
		else
			fate[i] = stays[i] || other ? FATE_STAYS : FATE_GOES;
	}
}

/* The parts of m and what becomes of them where they may cross; NOTFOUND: there are none. */
static enum err
read_parts(const struct call *c, const struct sip_msg *m, bool cross, struct sip_parts *p,
	   enum fate fate[SIP_PARTS_MAX])
{
	size_t bytes = 0;

	if (sip_parts_read(m, p) != ERR_OK)
		return ERR_NOTFOUND;
	sort_parts(c, p, fate);
	for (unsigned i = 0; i < p->n; i++)
		bytes += fate[i] == FATE_GOES ? p->part[i].all.len : 0;
	if (cross && bytes > CALL_PARTS_MAX)
		log_warn("call.parts", "id=%s parts of %zu bytes stay here, %d may go on",
			 c->rec.id.z, bytes, CALL_PARTS_MAX);
	for (unsigned i = 0; i < p->n && (!cross || bytes > CALL_PARTS_MAX); i++)
		fate[i] = FATE_STAYS;
	return ERR_OK;
}

/* ---- what a message brings ---- */

bool
parts_with_sdp(const struct sip_msg *m)
{
	struct str sdp;

	return sip_body_of(m, "application", "sdp", &sdp) == ERR_OK;
}

bool
parts_alone(const struct call *c, const struct sip_msg *m)
{
	struct sip_parts p;

	if (m->body.len == 0 || is_for_help(c))
		return !parts_with_sdp(m);
	if (!passes(c, LEG_A) || sip_parts_read(m, &p) != ERR_OK)
		return false;
	for (unsigned i = 0; i < p.n; i++)
		if (is_sdp(&p.part[i]))
			return false;
	return true;
}

enum refusal
parts_judge(const struct call *c, const struct sip_msg *m, const char **why)
{
	bool cross = passes(c, LEG_A) && (!c->rec.leg[LEG_B].trunk.z[0] || passes(c, LEG_B));
	enum fate fate[SIP_PARTS_MAX];
	struct sip_parts p;

	if (is_for_help(c) || read_parts(c, m, cross, &p, fate) != ERR_OK)
		return REFUSAL_NONE;
	for (unsigned i = 0; i < p.n; i++) {
		const struct sip_part *it = &p.part[i];

		if (it->holds || is_sdp(it) || !it->required || fate[i] != FATE_STAYS)
			continue;
		*why = "a part of the body that must be understood (handling=required) stays here";
		return REFUSAL_BODY_TYPE;
	}
	return REFUSAL_NONE;
}

bool
parts_go_on(const struct call *c, enum call_leg_index to, const struct sip_msg *m)
{
	enum fate fate[SIP_PARTS_MAX];
	struct sip_parts p;

	if (m->body.len == 0 || !may_cross(c, to) || read_parts(c, m, true, &p, fate) != ERR_OK)
		return false;
	for (unsigned i = 0; i < p.n; i++)
		if (fate[i] == FATE_GOES)
			return true;
	return false;
}

/* ---- what goes on ---- */

/* A call for help says where it is; another one, what the parts are to which it points. */
static bool
speaks_of_parts(const struct call *c, const struct sip_msg *m, const struct sip_hdr *h,
		enum hide_way way)
{
	if (is_for_help(c))
		return h->id != SIP_H_CALL_INFO ||
		       str_find(h->value, STR("EmergencyCallData")) < h->value.len;
	return !hide_crosses(m, h, way) && str_find(h->value, STR("<cid:")) < h->value.len;
}

void
parts_put_headers(const struct call *c, enum call_leg_index to, const struct sip_msg *m,
		  struct buf *b)
{
	static const char *const names[] = {"Geolocation", "Geolocation-Routing", "Call-Info"};

	for (size_t i = 0; i < ARRAY_LEN(names) && may_cross(c, to); i++) {
		const struct sip_hdr *h = NULL;

		while ((h = sip_msg_by_name(m, str_from(names[i]), h)) != NULL)
			if (speaks_of_parts(c, m, h, leg_way(c, to)))
				(void)!sip_edit_copy(b, h);
	}
}

void
parts_put_accept(const struct call *c, enum call_leg_index to, const struct sip_msg *m,
		 struct buf *b)
{
	if (m && may_cross(c, to) && !is_for_help(c) && sip_msg_hdr(m, SIP_H_ACCEPT))
		sip_edit_copy_all(b, m, SIP_H_ACCEPT);
	else
		sip_edit_hdr_z(b, SIP_H_ACCEPT, "application/sdp");
}

static void
add_piece(struct pieces *p, struct str head, struct str text)
{
	if (p->n < ARRAY_LEN(p->list))
		p->list[p->n++] = (struct piece){head, text};
}

/* A body that is one thing, with the headers that speak of it. */
static void
add_whole(struct pieces *p, const struct sip_msg *m)
{
	static const char *const names[] = {"Content-Type", "Content-ID", "Content-Disposition",
					    "Content-Encoding"};
	struct buf head;

	buf_init(&head, p->head, sizeof(p->head));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct sip_hdr *h = sip_msg_by_name(m, str_from(names[i]), NULL);

		if (!h && i == 0)
			h = sip_msg_hdr(m, SIP_H_CONTENT_TYPE);
		if (!h || str_chr(h->value, '\0') < h->value.len)
			continue;
		buf_printf(&head, "%s: ", names[i]);
		buf_str(&head, h->value);
		buf_z(&head, "\r\n");
	}
	buf_z(&head, "\r\n");
	if (buf_end(&head) == ERR_OK)
		add_piece(p, buf_view(&head), m->body);
}

static void
gather(struct pieces *out, const struct call *c, const struct sip_msg *m)
{
	enum fate fate[SIP_PARTS_MAX];
	struct sip_parts p;

	if (read_parts(c, m, true, &p, fate) != ERR_OK)
		return;
	for (unsigned i = 0; i < p.n; i++)
		if (fate[i] == FATE_GOES && i == 0)
			add_whole(out, m);
		else if (fate[i] == FATE_GOES)
			add_piece(out, STR_NULL, p.part[i].all);
}

/* The one thing of a body, as it was one there. */
static void
put_whole(struct buf *b, const struct piece *p)
{
	struct str head = str_sub(p->head, 0, p->head.len - 2);

	if (str_find(head, STR("multipart")) < head.len)
		sip_edit_hdr_z(b, SIP_H_MIME_VERSION, "1.0");
	buf_str(b, head);
	sip_edit_body(b, STR_NULL, p->text);
}

static void
put_mixed(struct buf *b, const struct pieces *p)
{
	char boundary[BOUNDARY_CHARS + 1];
	uint64_t len = 0;

	random_token(boundary, BOUNDARY_CHARS);
	for (size_t i = 0; i < p->n; i++)
		len += p->list[i].head.len + p->list[i].text.len + BOUNDARY_LINE;
	sip_edit_hdr_z(b, SIP_H_MIME_VERSION, "1.0");
	sip_edit_hdr_fmt(b, SIP_H_CONTENT_TYPE, "multipart/mixed;boundary=%s", boundary);
	sip_edit_hdr_u64(b, SIP_H_CONTENT_LENGTH, len + BOUNDARY_LINE);
	buf_z(b, "\r\n");
	for (size_t i = 0; i < p->n; i++) {
		buf_printf(b, "--%s\r\n", boundary);
		buf_str(b, p->list[i].head);
		buf_str(b, p->list[i].text);
		buf_z(b, "\r\n");
	}
	buf_printf(b, "--%s--\r\n", boundary);
}

void
parts_put_body(const struct call *c, enum call_leg_index to, const struct sip_msg *m,
	       struct str sdp, struct buf *b)
{
	struct pieces p = {.n = 0};

	if (sdp.len)
		add_piece(&p, STR("Content-Type: application/sdp\r\n\r\n"), sdp);
	if (m && m->body.len && may_cross(c, to))
		gather(&p, c, m);
	if (p.n == (sdp.len != 0))
		sip_edit_body(b, sdp.len ? STR("application/sdp") : STR_NULL, sdp);
	else if (p.n == 1 && p.list[0].head.p == p.head)
		put_whole(b, &p.list[0]);
	else
		put_mixed(b, &p);
}
