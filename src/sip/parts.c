#include "sip/parts.h"

#include <string.h>

/* A delimiter line: where the part before it ends, where the next one begins. */
struct cut {
	size_t end, next;
	bool last; /* "--boundary--" */
};

/* White space and a line end at `at`: the index behind it; 0: something else stands there. */
static size_t
line_end(struct str s, size_t at)
{
	while (at < s.len && (s.p[at] == ' ' || s.p[at] == '\t'))
		at++;
	if (at + 1 < s.len && s.p[at] == '\r' && s.p[at + 1] == '\n')
		return at + 2;
	return at < s.len && s.p[at] == '\n' ? at + 1 : 0;
}

/* The line end before a delimiter is the delimiter's (RFC 2046 5.1.1). */
static size_t
without_line_end(struct str s, size_t from, size_t at)
{
	if (at > from && s.p[at - 1] == '\n')
		at--;
	if (at > from && s.p[at - 1] == '\r')
		at--;
	return at;
}

/* The next line from `from` on that is "--boundary" or "--boundary--"; false: there is none. */
static bool
find_cut(struct str s, struct str boundary, size_t from, struct cut *out)
{
	for (size_t at = from; at < s.len;) {
		struct str line = str_from_at(s, at);
		size_t behind = at + 2 + boundary.len;

		if (str_starts(line, STR("--")) && str_starts(str_from_at(line, 2), boundary)) {
			out->last = str_starts(str_from_at(s, behind), STR("--"));
			out->next = out->last ? s.len : line_end(s, behind);
			out->end = without_line_end(s, from, at);
			if (out->next)
				return true;
		}
		at += str_chr(line, '\n') + 1;
	}
	return false;
}

/* Cut the next header field, its folds with it, off *rest; false at the blank line or the end. */
static bool
next_field(struct str *rest, struct str *name, struct str *value)
{
	struct str field;
	size_t end = 0;

	if (rest->len == 0 || line_end(*rest, 0))
		return false;
	do
		end += str_chr(str_from_at(*rest, end), '\n') + 1;
	while (end < rest->len && (rest->p[end] == ' ' || rest->p[end] == '\t'));
	field = str_sub(*rest, 0, end);
	*rest = str_from_at(*rest, end);
	*name = sip_trim(str_cut(&field, ':'));
	*value = sip_trim(field);
	return true;
}

static void
read_disposition(struct sip_part *p, struct str value)
{
	struct str how = sip_param_value(str_from_at(value, str_chr(value, ';')), "handling");

	p->optional = str_ieqz(how, "optional");
	p->required = str_ieqz(how, "required");
}

/* What the content is written in: as it is, or not. */
static bool
is_plain(struct str encoding)
{
	return str_ieqz(encoding, "7bit") || str_ieqz(encoding, "8bit") ||
	       str_ieqz(encoding, "binary") || str_ieqz(encoding, "identity");
}

/* With two types it would be one thing to us and another to who reads it behind us. */
static enum err
read_part(struct sip_part *p, struct str all, uint8_t inside)
{
	struct str rest = all, name, value;
	bool typed = false;

	*p = (struct sip_part){.all = all, .inside = inside};
	p->type = (struct sip_ctype){STR("text"), STR("plain"), STR_NULL};
	while (next_field(&rest, &name, &value)) {
		if (!sip_all(name, SIP_C_TOKEN))
			return ERR_SYNTAX;
		if (str_ieqz(name, "Content-Type") || str_ieqz(name, "c")) {
			if (typed || sip_ctype_parse(value, &p->type) != ERR_OK)
				return ERR_SYNTAX;
			typed = true;
		} else if (str_ieqz(name, "Content-Disposition")) {
			read_disposition(p, value);
		} else if (str_ieqz(name, "Content-Transfer-Encoding") ||
			   str_ieqz(name, "Content-Encoding") || str_ieqz(name, "e")) {
			p->coded = p->coded || !is_plain(value);
		}
	}
	p->content = str_from_at(rest, line_end(rest, 0));
	p->holds = str_ieqz(p->type.type, "multipart");
	return ERR_OK;
}

/* The parts that the part at index i holds, to the end of the list. */
static enum err
read_held(struct sip_parts *p, unsigned i)
{
	struct str boundary = sip_param_value(p->part[i].type.params, "boundary");
	struct str body = p->part[i].content;
	struct cut cut;
	enum err e;

	if (boundary.len == 0 || boundary.len > SIP_BOUNDARY_MAX ||
	    !find_cut(body, boundary, 0, &cut) || cut.last)
		return ERR_SYNTAX;
	while (!cut.last) {
		size_t from = cut.next;

		if (!find_cut(body, boundary, from, &cut))
			return ERR_SYNTAX;
		if (p->n == SIP_PARTS_MAX)
			return ERR_FULL;
		e = read_part(&p->part[p->n], str_sub(body, from, cut.end), (uint8_t)i);
		if (e != ERR_OK)
			return e;
		p->n++;
	}
	return ERR_OK;
}

enum err
sip_parts_read(const struct sip_msg *m, struct sip_parts *out)
{
	struct sip_part *whole = &out->part[0];
	struct str encoding = sip_msg_value(m, SIP_H_CONTENT_ENCODING);
	enum err e;

	if (m->body.len == 0)
		return ERR_NOTFOUND;
	*whole = (struct sip_part){.all = m->body, .content = m->body, .inside = SIP_PARTS_TOP};
	e = sip_ctype_read(m, &whole->type);
	if (e != ERR_OK)
		return e;
	read_disposition(whole, sip_msg_value(m, SIP_H_CONTENT_DISPOSITION));
	whole->coded = encoding.len && !is_plain(encoding);
	whole->holds = str_ieqz(whole->type.type, "multipart");
	out->n = 1;
	for (unsigned i = 0; e == ERR_OK && i < out->n; i++)
		if (out->part[i].holds && !out->part[i].coded)
			e = read_held(out, i);
	return e;
}

bool
sip_part_is(const struct sip_part *p, const char *type, const char *subtype)
{
	return str_ieqz(p->type.type, type) && str_ieqz(p->type.subtype, subtype);
}

const struct sip_part *
sip_parts_find(const struct sip_parts *p, const char *type, const char *subtype)
{
	const struct sip_part *found = NULL;

	for (unsigned i = 0; i < p->n; i++) {
		const struct sip_part *it = &p->part[i];

		if (it->coded || !sip_part_is(it, type, subtype))
			continue;
		if (!found || (found->inside == it->inside && it->inside != SIP_PARTS_TOP &&
			       sip_part_is(&p->part[it->inside], "multipart", "alternative")))
			found = it;
	}
	return found;
}

enum err
sip_body_of(const struct sip_msg *m, const char *type, const char *subtype, struct str *out)
{
	struct sip_parts parts;
	const struct sip_part *p;
	enum err e = sip_parts_read(m, &parts);

	if (e != ERR_OK)
		return e;
	p = sip_parts_find(&parts, type, subtype);
	if (!p)
		return ERR_NOTFOUND;
	*out = p->content;
	return ERR_OK;
}
