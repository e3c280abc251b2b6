#include "sip/hdr.h"

#include "base/guard.h"

#include <string.h>

void
sip_iter_init(struct sip_iter *it, const struct sip_msg *m, enum sip_hdr_id id)
{
	const struct sip_hdr *h = sip_msg_hdr(m, id);

	*it = (struct sip_iter){.msg = m, .hdr = h, .rest = h ? h->value : STR_NULL};
}

enum err
sip_iter_next(struct sip_iter *it, struct str *item)
{
	enum err e;

	while (it->hdr) {
		e = sip_list_next(&it->rest, item);
		if (e == ERR_OK)
			return GUARD(P8, ++it->n <= SIP_ITEMS_MAX) ? ERR_OK : ERR_FULL;
		if (e != ERR_NOTFOUND)
			return e;
		it->hdr = sip_msg_next(it->msg, it->hdr);
		it->rest = it->hdr ? it->hdr->value : STR_NULL;
	}
	return ERR_NOTFOUND;
}

enum err
sip_iter_nameaddr(struct sip_iter *it, struct sip_nameaddr *out)
{
	struct str item;
	enum err e = sip_iter_next(it, &item);

	return e == ERR_OK ? sip_nameaddr_parse(item, out) : e;
}

enum err
sip_iter_via(struct sip_iter *it, struct sip_via *out)
{
	struct str item;
	enum err e = sip_iter_next(it, &item);

	return e == ERR_OK ? sip_via_parse(item, out) : e;
}

enum err
sip_contact_read(const struct sip_msg *m, struct sip_nameaddr *out)
{
	struct sip_iter it;
	struct str item;
	enum err e;

	sip_iter_init(&it, m, SIP_H_CONTACT);
	e = sip_iter_next(&it, &item);
	if (e != ERR_OK)
		return e;
	return str_eq(item, STR("*")) ? ERR_UNSUPPORTED : sip_nameaddr_parse(item, out);
}

unsigned
sip_hdr_count(const struct sip_msg *m, enum sip_hdr_id id)
{
	struct sip_iter it;
	struct str item;
	unsigned n = 0;
	enum err e;

	sip_iter_init(&it, m, id);
	while ((e = sip_iter_next(&it, &item)) == ERR_OK)
		n++;
	return e == ERR_NOTFOUND ? n : 0;
}

bool
sip_hdr_has(const struct sip_msg *m, enum sip_hdr_id id, const char *tag)
{
	struct sip_iter it;
	struct str item;

	sip_iter_init(&it, m, id);
	while (sip_iter_next(&it, &item) == ERR_OK)
		if (str_ieqz(item, tag))
			return true;
	return false;
}

/* Leading decimal number of s, at most 2^32-1; *rest is what follows it, trimmed. */
static enum err
take_number(struct str s, uint32_t *out, struct str *rest)
{
	size_t n = 0;
	enum err e;

	s = sip_trim(s);
	while (n < s.len && ascii_digit(s.p[n]))
		n++;
	e = str_u32(str_sub(s, 0, n), UINT32_MAX, out);
	*rest = sip_trim(str_from_at(s, n));
	return e;
}

enum err
sip_number_read(const struct sip_msg *m, enum sip_hdr_id id, uint32_t *out)
{
	const struct sip_hdr *h = sip_msg_hdr(m, id);
	struct str params;
	uint32_t n;
	enum err e;

	if (!h)
		return ERR_NOTFOUND;
	e = take_number(h->value, &n, &params);
	if (e != ERR_OK)
		return e;
	if (!sip_params_ok(params))
		return ERR_SYNTAX;
	*out = n;
	return ERR_OK;
}

enum err
sip_reason_parse(struct str item, struct sip_reason *out)
{
	size_t semi = str_chr(item, ';');
	struct sip_reason r = {.protocol = sip_trim(str_sub(item, 0, semi))};
	struct str params = str_from_at(item, semi);
	struct sip_param p;
	uint32_t n;

	if (!sip_all(r.protocol, SIP_C_TOKEN) || !sip_params_ok(params))
		return ERR_SYNTAX;
	if (sip_param_find(params, "cause", &p)) {
		if (str_u32(p.value, 999, &n) != ERR_OK)
			return ERR_SYNTAX;
		r.cause = (uint16_t)n;
	}
	r.text = sip_param_value(params, "text");
	*out = r;
	return ERR_OK;
}

enum err
sip_reason_read(const struct sip_msg *m, const char *protocol, struct sip_reason *out)
{
	struct sip_reason r;
	struct sip_iter it;
	struct str item;
	enum err e;

	sip_iter_init(&it, m, SIP_H_REASON);
	while ((e = sip_iter_next(&it, &item)) == ERR_OK) {
		if (sip_reason_parse(item, &r) != ERR_OK || !str_ieqz(r.protocol, protocol))
			continue;
		*out = r;
		return ERR_OK;
	}
	return e;
}

enum err
sip_ctype_parse(struct str value, struct sip_ctype *out)
{
	struct sip_ctype c;
	struct str rest;

	c.params = str_from_at(value, str_chr(value, ';'));
	rest = str_sub(value, 0, value.len - c.params.len);
	c.type = sip_trim(str_cut(&rest, '/'));
	c.subtype = sip_trim(rest);
	if (!sip_all(c.type, SIP_C_TOKEN) || !sip_all(c.subtype, SIP_C_TOKEN) ||
	    !sip_params_ok(c.params))
		return ERR_SYNTAX;
	*out = c;
	return ERR_OK;
}

enum err
sip_ctype_read(const struct sip_msg *m, struct sip_ctype *out)
{
	const struct sip_hdr *h = sip_msg_hdr(m, SIP_H_CONTENT_TYPE);

	return h ? sip_ctype_parse(h->value, out) : ERR_NOTFOUND;
}

bool
sip_ctype_is(const struct sip_msg *m, const char *type, const char *subtype)
{
	struct sip_ctype c;

	return sip_ctype_read(m, &c) == ERR_OK && str_ieqz(c.type, type) &&
	       str_ieqz(c.subtype, subtype);
}

enum err
sip_session_expires_read(const struct sip_msg *m, struct sip_session_expires *out)
{
	const struct sip_hdr *h = sip_msg_hdr(m, SIP_H_SESSION_EXPIRES);
	struct sip_session_expires s = {.refresher = SIP_REFRESHER_NONE};
	struct str params;
	struct sip_param p;
	enum err e;

	if (!h)
		return ERR_NOTFOUND;
	e = take_number(h->value, &s.seconds, &params);
	if (e != ERR_OK)
		return e;
	if (!sip_params_ok(params))
		return ERR_SYNTAX;
	if (sip_param_find(params, "refresher", &p)) {
		if (str_ieqz(p.value, "uac"))
			s.refresher = SIP_REFRESHER_UAC;
		else if (str_ieqz(p.value, "uas"))
			s.refresher = SIP_REFRESHER_UAS;
		else
			return ERR_SYNTAX;
	}
	*out = s;
	return ERR_OK;
}

enum err
sip_min_se_read(const struct sip_msg *m, uint32_t *out)
{
	return sip_number_read(m, SIP_H_MIN_SE, out);
}

/* A comment in parentheses, nested, with quoted pairs; *s is what follows. */
static enum err
skip_comment(struct str *s)
{
	unsigned depth = 0;

	for (size_t i = 0; i < s->len; i++) {
		if (s->p[i] == '\\')
			i++;
		else if (s->p[i] == '(')
			depth++;
		else if (s->p[i] == ')' && --depth == 0) {
			*s = sip_trim(str_from_at(*s, i + 1));
			return ERR_OK;
		}
	}
	return ERR_SYNTAX;
}

enum err
sip_retry_after_read(const struct sip_msg *m, struct sip_retry_after *out)
{
	const struct sip_hdr *h = sip_msg_hdr(m, SIP_H_RETRY_AFTER);
	struct sip_retry_after r = {.seconds = 0};
	struct sip_param p;
	struct str rest;
	enum err e;

	if (!h)
		return ERR_NOTFOUND;
	e = take_number(h->value, &r.seconds, &rest);
	if (e == ERR_OK && rest.len && rest.p[0] == '(')
		e = skip_comment(&rest);
	if (e == ERR_OK && !sip_params_ok(rest))
		e = ERR_SYNTAX;
	if (e == ERR_OK && sip_param_find(rest, "duration", &p))
		e = str_u32(p.value, UINT32_MAX, &r.duration);
	if (e == ERR_OK)
		*out = r;
	return e;
}

enum err
sip_warning_parse(struct str item, struct sip_warning *out)
{
	struct sip_warning w;
	size_t n;
	uint32_t code;

	item = sip_trim(item);
	if (item.len < 4 || item.p[3] != ' ' ||
	    str_u32(str_sub(item, 0, 3), 999, &code) != ERR_OK || code < 100)
		return ERR_SYNTAX;
	item = sip_trim(str_from_at(item, 4));
	n = str_chr(item, '"');
	w.agent = sip_trim(str_sub(item, 0, n));
	if (n == item.len || w.agent.len == 0 || sip_quoted_end(item, n) != item.len)
		return ERR_SYNTAX;
	w.text = str_sub(item, n + 1, item.len - 1);
	w.code = (uint16_t)code;
	*out = w;
	return ERR_OK;
}

enum err
sip_rack_read(const struct sip_msg *m, struct sip_rack *out)
{
	const struct sip_hdr *h = sip_msg_hdr(m, SIP_H_RACK);
	struct sip_rack r;
	struct str rest;
	enum err e;

	if (!h)
		return ERR_NOTFOUND;
	e = take_number(h->value, &r.rseq, &rest);
	if (e == ERR_OK)
		e = sip_cseq_parse(rest, &r.cseq, &r.method);
	if (e == ERR_OK)
		*out = r;
	return e;
}
