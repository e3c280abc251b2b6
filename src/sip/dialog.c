#include "sip/dialog.h"

#include <string.h>

#include "base/guard.h"

const char *
sip_dialog_state_name(enum sip_dialog_state s)
{
	static const char *const names[] = {
#define X(name) #name,
		SIP_DIALOG_STATE_LIST(X)
#undef X
	};

	return (unsigned)s < SIP_DIALOG_STATE_N ? names[s] : "?";
}

const char *
sip_dialog_event_name(enum sip_dialog_event ev)
{
	static const char *const names[] = {
#define X(name) #name,
		SIP_DIALOG_EVENT_LIST(X)
#undef X
	};

	return (unsigned)ev < SIP_DIALOG_EV_N ? names[ev] : "?";
}

struct str
sip_dialog_str(const struct sip_dialog *d, enum sip_dialog_part part)
{
	return str_of(d->text + d->part[part].at, d->part[part].len);
}

/* --- texts --- */

static void
get_parts(const struct sip_dialog *d, struct str *part)
{
	for (unsigned i = 0; i < SIP_DIALOG_PARTS; i++)
		part[i] = sip_dialog_str(d, (enum sip_dialog_part)i);
}

/* Write all texts anew; they may lie in d's own area. d changes only when they fit and are what may
 * be written into a message. */
static enum err
set_parts(struct sip_dialog *d, const struct str *part)
{
	struct sip_dialog next = *d;
	struct buf b;

	memset(next.text, 0, sizeof(next.text));
	buf_init(&b, next.text, sizeof(next.text));
	for (unsigned i = 0; i < SIP_DIALOG_PARTS; i++) {
		next.part[i].at = (uint16_t)b.len;
		next.part[i].len = (uint16_t)part[i].len;
		buf_str(&b, part[i]);
	}
	if (b.failed)
		return ERR_LONG;
	next.used = (uint16_t)b.len;
	if (!sip_dialog_valid(&next))
		return ERR_SYNTAX;
	*d = next;
	return ERR_OK;
}

/* A URI as it may stand in a request line: without headers and without the method parameter
 * (RFC 3261 19.1.1, table 1). */
static void
put_request_uri(struct buf *b, const struct sip_uri *u)
{
	struct str rest = u->params;
	struct sip_param p;

	if (u->scheme != SIP_SCHEME_SIP && u->scheme != SIP_SCHEME_SIPS) {
		buf_str(b, u->all);
		return;
	}
	if (u->params.len)
		buf_str(b, str_of(u->all.p, (size_t)(u->params.p - u->all.p)));
	else if (u->headers.len)
		buf_str(b, str_of(u->all.p, (size_t)(u->headers.p - u->all.p) - 1));
	else
		buf_str(b, u->all);
	while (rest.len) { /* shorter with each round */
		struct str before = rest;

		if (sip_param_next(&rest, &p) != ERR_OK)
			return;
		if (!str_ieqz(p.name, "method"))
			buf_str(b, str_sub(before, 0, before.len - rest.len));
	}
}

/* Contact as the remote target, in b; what we send to must be SIP. */
static enum err
read_target(const struct sip_msg *m, struct buf *b)
{
	struct sip_nameaddr c;
	enum err e = sip_contact_read(m, &c);

	if (e != ERR_OK)
		return e;
	if (c.uri.scheme != SIP_SCHEME_SIP && c.uri.scheme != SIP_SCHEME_SIPS)
		return ERR_UNSUPPORTED;
	put_request_uri(b, &c.uri);
	return buf_end(b);
}

/* One element of a route set: "<uri>" and its parameters, folds as spaces. */
static void
put_route(struct buf *b, const struct sip_nameaddr *r)
{
	buf_z(b, b->len ? ", <" : "<");
	buf_str(b, r->uri.all);
	buf_char(b, '>');
	for (size_t i = 0; i < r->params.len && !b->failed; i++) {
		char c = r->params.p[i];

		buf_char(b, c == '\r' || c == '\n' ? ' ' : c);
	}
}

/* Record-Route as the route set: in its order for a UAS, backwards for a UAC (12.1). */
static enum err
read_routes(const struct sip_msg *m, enum sip_dialog_role role, struct buf *b)
{
	struct sip_nameaddr route[SIP_DIALOG_ROUTES], r;
	struct sip_iter it;
	unsigned n = 0;
	enum err e;

	sip_iter_init(&it, m, SIP_H_RECORD_ROUTE);
	while ((e = sip_iter_nameaddr(&it, &r)) == ERR_OK) {
		if (n == SIP_DIALOG_ROUTES || r.uri.all.len > SIP_URI_MAX)
			return ERR_LONG;
		if (r.uri.scheme != SIP_SCHEME_SIP && r.uri.scheme != SIP_SCHEME_SIPS)
			return ERR_UNSUPPORTED;
		if (!sip_edit_safe(r.uri.all) || str_chr(r.params, '\0') < r.params.len)
			return ERR_SYNTAX;
		route[n++] = r;
	}
	if (e != ERR_NOTFOUND)
		return e;
	for (unsigned i = 0; i < n; i++)
		put_route(b, &route[role == SIP_DIALOG_UAS ? i : n - 1 - i]);
	return buf_end(b);
}

/* Put target and route set of m among the parts; without Contact the target stays. Returns with
 * d rewritten, or an error and d as it was. */
static enum err
set_path(struct sip_dialog *d, const struct sip_msg *m, struct str part[SIP_DIALOG_PARTS])
{
	char target[SIP_URI_MAX], routes[SIP_DIALOG_TEXT];
	struct buf t, r;
	enum err e;

	buf_init(&t, target, sizeof(target));
	buf_init(&r, routes, sizeof(routes));
	e = read_target(m, &t);
	if (e != ERR_OK && e != ERR_NOTFOUND)
		return e;
	if (e == ERR_OK)
		part[SIP_DIALOG_TARGET] = buf_view(&t);
	if (part[SIP_DIALOG_TARGET].len == 0)
		return ERR_NOTFOUND;
	e = read_routes(m, (enum sip_dialog_role)d->role, &r);
	if (e != ERR_OK)
		return e;
	part[SIP_DIALOG_ROUTE_SET] = buf_view(&r);
	return set_parts(d, part);
}

/* --- states --- */

static void
set_state(struct sip_dialog *d, enum sip_dialog_state next)
{
	d->state = (uint8_t)next;
}

static enum err
unconfirmed_step(struct sip_dialog *d, enum sip_dialog_event ev)
{
	switch (ev) {
	case SIP_DIALOG_EV_PROVISIONAL:
		set_state(d, SIP_DIALOG_EARLY);
		break;
	case SIP_DIALOG_EV_ANSWER:
		set_state(d, SIP_DIALOG_CONFIRMED);
		break;
	case SIP_DIALOG_EV_BYE:
		if (d->state == SIP_DIALOG_NEW)
			return ERR_STATE;
		set_state(d, SIP_DIALOG_TERMINATED);
		break;
	case SIP_DIALOG_EV_FAILURE:
	case SIP_DIALOG_EV_GONE:
		set_state(d, SIP_DIALOG_TERMINATED);
		break;
	case SIP_DIALOG_EV_N:
		return ERR_BUG;
	}
	return ERR_OK;
}

static enum err
confirmed_step(struct sip_dialog *d, enum sip_dialog_event ev)
{
	switch (ev) {
	case SIP_DIALOG_EV_BYE:
	case SIP_DIALOG_EV_GONE:
		set_state(d, SIP_DIALOG_TERMINATED);
		break;
	case SIP_DIALOG_EV_PROVISIONAL: /* overtaken by the 2xx */
	case SIP_DIALOG_EV_ANSWER:      /* a copy */
	case SIP_DIALOG_EV_FAILURE:     /* of another fork */
		break;
	case SIP_DIALOG_EV_N:
		return ERR_BUG;
	}
	return ERR_OK;
}

enum err
sip_dialog_step(struct sip_dialog *d, enum sip_dialog_event ev)
{
	switch ((enum sip_dialog_state)d->state) {
	case SIP_DIALOG_NEW:
	case SIP_DIALOG_EARLY:
		return unconfirmed_step(d, ev);
	case SIP_DIALOG_CONFIRMED:
		return confirmed_step(d, ev);
	case SIP_DIALOG_TERMINATED:
		return ERR_OK;
	case SIP_DIALOG_STATE_N:
		break;
	}
	return ERR_BUG;
}

/* --- making one --- */

enum err
sip_dialog_begin(const struct sip_dialog_start *s, struct sip_dialog *out)
{
	struct str part[SIP_DIALOG_PARTS] = {
		[SIP_DIALOG_CALL_ID] = s->call_id,     [SIP_DIALOG_LOCAL_TAG] = s->local_tag,
		[SIP_DIALOG_LOCAL_URI] = s->local_uri, [SIP_DIALOG_REMOTE_URI] = s->remote_uri,
		[SIP_DIALOG_TARGET] = s->target,
	};
	struct sip_dialog d = {
		.version = SIP_DIALOG_VERSION,
		.state = SIP_DIALOG_NEW,
		.role = SIP_DIALOG_UAC,
		.secure = s->secure,
		.local_cseq = s->cseq,
		.local_invite_cseq = s->cseq,
	};
	enum err e;

	if (s->cseq == 0 || s->cseq > SIP_CSEQ_MAX)
		return ERR_RANGE;
	e = set_parts(&d, part);
	if (e == ERR_OK)
		*out = d;
	return e;
}

enum err
sip_dialog_fork(const struct sip_dialog *base, const struct sip_msg *response,
		struct sip_dialog *out)
{
	struct str part[SIP_DIALOG_PARTS];
	struct sip_dialog d = *base;
	enum err e;

	if (base->role != SIP_DIALOG_UAC || response->request || response->status <= 100 ||
	    response->status >= 300)
		return ERR_STATE;
	if (response->to_tag.len == 0 || response->cseq != base->local_invite_cseq ||
	    response->cseq_method != SIP_INVITE ||
	    !str_eq(response->call_id, sip_dialog_str(base, SIP_DIALOG_CALL_ID)) ||
	    !str_eq(response->from_tag, sip_dialog_str(base, SIP_DIALOG_LOCAL_TAG)))
		return ERR_NOTFOUND;
	/* what another fork said does not count for this one */
	d.local_cseq = d.local_invite_cseq;
	d.has_remote_cseq = 0;
	d.remote_cseq = d.remote_invite_cseq = 0;
	get_parts(base, part);
	part[SIP_DIALOG_REMOTE_TAG] = response->to_tag;
	e = set_path(&d, response, part);
	if (e != ERR_OK)
		return e;
	set_state(&d, response->status < 200 ? SIP_DIALOG_EARLY : SIP_DIALOG_CONFIRMED);
	*out = d;
	return ERR_OK;
}

enum err
sip_dialog_answer(struct sip_dialog *d, const struct sip_msg *response)
{
	struct str part[SIP_DIALOG_PARTS];
	enum err e;

	if (d->role != SIP_DIALOG_UAC || response->request || response->status < 200 ||
	    response->status >= 300)
		return ERR_STATE;
	if (!sip_dialog_match(d, response) || response->cseq_method != SIP_INVITE)
		return ERR_NOTFOUND;
	if (d->state != SIP_DIALOG_EARLY)
		return ERR_OK;
	get_parts(d, part);
	e = set_path(d, response, part);
	return e == ERR_OK ? sip_dialog_step(d, SIP_DIALOG_EV_ANSWER) : e;
}

/* target: empty where Contact and Record-Route say the way. */
static enum err
accept_at(const struct sip_msg *request, struct str local_tag, bool secure, struct str target,
	  struct sip_dialog *out)
{
	struct str part[SIP_DIALOG_PARTS] = {
		[SIP_DIALOG_CALL_ID] = request->call_id,
		[SIP_DIALOG_LOCAL_TAG] = local_tag,
		[SIP_DIALOG_REMOTE_TAG] = request->from_tag,
		[SIP_DIALOG_LOCAL_URI] = request->to.uri.all,
		[SIP_DIALOG_REMOTE_URI] = request->from.uri.all,
	};
	struct sip_dialog d = {
		.version = SIP_DIALOG_VERSION,
		.state = SIP_DIALOG_EARLY,
		.role = SIP_DIALOG_UAS,
		.secure = secure,
		.has_remote_cseq = 1,
		.remote_cseq = request->cseq,
		.remote_invite_cseq = request->cseq,
	};
	enum err e;

	if (!request->request || request->method != SIP_INVITE)
		return ERR_STATE;
	if (request->to_tag.len)
		return ERR_EXISTS;
	part[SIP_DIALOG_TARGET] = target;
	e = target.len ? set_parts(&d, part) : set_path(&d, request, part);
	if (e == ERR_OK)
		*out = d;
	return e;
}

enum err
sip_dialog_accept(const struct sip_msg *request, struct str local_tag, bool secure,
		  struct sip_dialog *out)
{
	return accept_at(request, local_tag, secure, STR_NULL, out);
}

enum err
sip_dialog_accept_back(const struct sip_msg *request, struct str local_tag, struct str target,
		       struct sip_dialog *out)
{
	return target.len ? accept_at(request, local_tag, false, target, out) : ERR_NOTFOUND;
}

/* --- inside it --- */

bool
sip_dialog_match(const struct sip_dialog *d, const struct sip_msg *m)
{
	struct str local = sip_dialog_str(d, SIP_DIALOG_LOCAL_TAG);
	struct str remote = sip_dialog_str(d, SIP_DIALOG_REMOTE_TAG);
	struct str ours = m->request ? m->to_tag : m->from_tag;
	struct str theirs = m->request ? m->from_tag : m->to_tag;

	if (d->state == SIP_DIALOG_NEW ||
	    !str_eq(m->call_id, sip_dialog_str(d, SIP_DIALOG_CALL_ID)))
		return false;
	/* a Call-ID alone is no authority */
	return GUARD(A4, str_eq(ours, local) && str_eq(theirs, remote));
}

enum err
sip_dialog_request(struct sip_dialog *d, const struct sip_msg *request)
{
	if (request->method == SIP_ACK || request->method == SIP_CANCEL)
		return request->cseq == d->remote_invite_cseq ? ERR_OK : ERR_NOTFOUND;
	if (d->has_remote_cseq && !GUARD(P12, request->cseq > d->remote_cseq))
		return request->cseq == d->remote_cseq ? ERR_EXISTS : ERR_REPLAY;
	d->has_remote_cseq = 1;
	d->remote_cseq = request->cseq;
	if (request->method == SIP_INVITE)
		d->remote_invite_cseq = request->cseq;
	return ERR_OK;
}

enum err
sip_dialog_refresh(struct sip_dialog *d, const struct sip_msg *m)
{
	struct str part[SIP_DIALOG_PARTS];
	char target[SIP_URI_MAX];
	struct buf b;
	enum err e;

	buf_init(&b, target, sizeof(target));
	e = read_target(m, &b);
	if (e != ERR_OK)
		return e;
	get_parts(d, part);
	part[SIP_DIALOG_TARGET] = buf_view(&b);
	return set_parts(d, part);
}

enum err
sip_dialog_next_cseq(struct sip_dialog *d, enum sip_method method, uint32_t *out)
{
	if (method == SIP_ACK || method == SIP_CANCEL) {
		if (d->local_invite_cseq == 0)
			return ERR_STATE;
		*out = d->local_invite_cseq;
		return ERR_OK;
	}
	if (d->local_cseq >= SIP_CSEQ_MAX)
		return ERR_RANGE;
	d->local_cseq++;
	if (method == SIP_INVITE)
		d->local_invite_cseq = d->local_cseq;
	*out = d->local_cseq;
	return ERR_OK;
}

/* --- writing --- */

/* The first route, if any, and what stands behind it. */
static enum err
first_route(const struct sip_dialog *d, struct sip_nameaddr *route, struct str *rest)
{
	struct str item;
	enum err e;

	*rest = sip_dialog_str(d, SIP_DIALOG_ROUTE_SET);
	if (rest->len == 0)
		return ERR_NOTFOUND;
	e = sip_list_next(rest, &item);
	return e == ERR_OK ? sip_nameaddr_parse(item, route) : e;
}

void
sip_dialog_put_line(const struct sip_dialog *d, struct buf *b, struct str method)
{
	struct sip_nameaddr route;
	char mem[SIP_URI_MAX];
	struct str rest;
	struct buf uri;
	enum err e = first_route(d, &route, &rest);

	if (e == ERR_NOTFOUND || (e == ERR_OK && sip_uri_has_param(&route.uri, "lr"))) {
		sip_edit_request(b, method, sip_dialog_str(d, SIP_DIALOG_TARGET));
		return;
	}
	buf_init(&uri, mem, sizeof(mem));
	if (e == ERR_OK)
		put_request_uri(&uri, &route.uri);
	if (e != ERR_OK || uri.failed)
		b->failed = true;
	else
		sip_edit_request(b, method, buf_view(&uri));
}

/* Loose routing: all routes. A strict router got its URI in the request line, and finds ours, the
 * target, last (12.2.1.1). */
static void
put_routes(const struct sip_dialog *d, struct buf *b)
{
	struct sip_nameaddr route;
	char mem[SIP_DIALOG_TEXT + 8];
	struct str rest;
	struct buf strict;
	enum err e = first_route(d, &route, &rest);

	if (e == ERR_NOTFOUND)
		return;
	if (e != ERR_OK) {
		b->failed = true;
		return;
	}
	if (sip_uri_has_param(&route.uri, "lr")) {
		sip_edit_hdr(b, SIP_H_ROUTE, sip_dialog_str(d, SIP_DIALOG_ROUTE_SET));
		return;
	}
	buf_init(&strict, mem, sizeof(mem));
	rest = sip_trim(rest);
	buf_str(&strict, rest);
	buf_z(&strict, rest.len ? ", <" : "<");
	buf_str(&strict, sip_dialog_str(d, SIP_DIALOG_TARGET));
	buf_char(&strict, '>');
	if (strict.failed)
		b->failed = true;
	else
		sip_edit_hdr(b, SIP_H_ROUTE, buf_view(&strict));
}

void
sip_dialog_put_headers(const struct sip_dialog *d, struct buf *b, struct str method, uint32_t cseq)
{
	struct sip_edit_addr from = {
		.uri = sip_dialog_str(d, SIP_DIALOG_LOCAL_URI),
		.tag = sip_dialog_str(d, SIP_DIALOG_LOCAL_TAG),
	};
	struct sip_edit_addr to = {
		.uri = sip_dialog_str(d, SIP_DIALOG_REMOTE_URI),
		.tag = sip_dialog_str(d, SIP_DIALOG_REMOTE_TAG),
	};

	put_routes(d, b);
	sip_edit_nameaddr(b, SIP_H_FROM, &from);
	sip_edit_nameaddr(b, SIP_H_TO, &to);
	sip_edit_hdr(b, SIP_H_CALL_ID, sip_dialog_str(d, SIP_DIALOG_CALL_ID));
	sip_edit_cseq(b, cseq, method);
}

enum err
sip_dialog_next_hop(const struct sip_dialog *d, struct str *uri)
{
	struct sip_nameaddr route;
	struct str rest;
	enum err e = first_route(d, &route, &rest);

	if (e != ERR_OK && e != ERR_NOTFOUND)
		return e;
	*uri = e == ERR_OK ? route.uri.all : sip_dialog_str(d, SIP_DIALOG_TARGET);
	return ERR_OK;
}

/* --- out of a record --- */

static bool
numbers_ok(const struct sip_dialog *d)
{
	size_t at = 0;

	if (d->version != SIP_DIALOG_VERSION || d->state >= SIP_DIALOG_STATE_N ||
	    d->role > SIP_DIALOG_UAS || d->secure > 1 || d->has_remote_cseq > 1 ||
	    d->used > SIP_DIALOG_TEXT || d->local_cseq > SIP_CSEQ_MAX ||
	    d->local_invite_cseq > d->local_cseq || d->remote_cseq > SIP_CSEQ_MAX ||
	    d->remote_invite_cseq > d->remote_cseq)
		return false;
	for (unsigned i = 0; i < SIP_DIALOG_PARTS; i++) { /* one behind the other, as written */
		if (d->part[i].at != at)
			return false;
		at += d->part[i].len;
	}
	return at == d->used;
}

/* target: it becomes a Request-URI, which has no headers (RFC 3261 19.1.1). */
static bool
uri_ok(struct str s, bool target)
{
	struct sip_uri u;

	return s.len <= SIP_URI_MAX && sip_uri_parse(s, &u) == ERR_OK &&
	       (!target || ((u.scheme == SIP_SCHEME_SIP || u.scheme == SIP_SCHEME_SIPS) &&
			    u.headers.len == 0));
}

static bool
routes_ok(struct str set)
{
	struct sip_nameaddr r;
	struct str item;
	unsigned n = 0;

	if (!sip_edit_safe(set))
		return false;
	while (sip_trim(set).len) { /* shorter with each round */
		if (n++ == SIP_DIALOG_ROUTES || sip_list_next(&set, &item) != ERR_OK ||
		    sip_nameaddr_parse(item, &r) != ERR_OK || !r.angle ||
		    r.uri.all.len > SIP_URI_MAX)
			return false;
	}
	return true;
}

static bool
word_ok(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!sip_is(s.p[i], SIP_C_WORD) && s.p[i] != '@')
			return false;
	return s.len > 0;
}

bool
sip_dialog_valid(const struct sip_dialog *d)
{
	struct str part[SIP_DIALOG_PARTS];

	if (!numbers_ok(d))
		return false;
	get_parts(d, part);
	return word_ok(part[SIP_DIALOG_CALL_ID]) &&
	       sip_all(part[SIP_DIALOG_LOCAL_TAG], SIP_C_TOKEN) &&
	       (part[SIP_DIALOG_REMOTE_TAG].len == 0 ||
		sip_all(part[SIP_DIALOG_REMOTE_TAG], SIP_C_TOKEN)) &&
	       uri_ok(part[SIP_DIALOG_LOCAL_URI], false) &&
	       uri_ok(part[SIP_DIALOG_REMOTE_URI], false) &&
	       uri_ok(part[SIP_DIALOG_TARGET], true) && routes_ok(part[SIP_DIALOG_ROUTE_SET]);
}
