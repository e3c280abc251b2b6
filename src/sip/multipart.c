#include "sip/multipart.h"

#include "sip/hdr.h"
#include "sip/lex.h"

enum err
sip_multipart_boundary(const struct sip_msg *m, struct str *out)
{
	struct sip_ctype c;
	struct sip_param p;
	struct str b;

	if (sip_ctype_read(m, &c) != ERR_OK || !str_ieqz(c.type, "multipart"))
		return ERR_NOTFOUND;
	if (!sip_param_find(c.params, "boundary", &p))
		return ERR_SYNTAX;
	b = p.value;
	if (b.len >= 2 && b.p[0] == '"')
		b = str_sub(b, 1, b.len - 2);
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.p[i] < ' ' || b.p[i] == '"' || b.p[i] == '\\')
			return ERR_SYNTAX;
	if (b.len == 0 || b.len > SIP_BOUNDARY_MAX)
		return ERR_SYNTAX;
	*out = b;
	return ERR_OK;
}

/* One line off the front of s, without its end. */
static struct str
cut_line(struct str *s)
{
	struct str line = str_cut(s, '\n');

	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* "--boundary", or closing "--boundary--"; blanks may follow. */
static bool
is_boundary(struct str line, struct str boundary, bool *closing)
{
	struct str tail = str_from_at(line, boundary.len + 2);

	if (!str_starts(line, STR("--")) || !str_starts(str_from_at(line, 2), boundary))
		return false;
	*closing = str_starts(tail, STR("--"));
	if (*closing)
		tail = str_from_at(tail, 2);
	return sip_trim(tail).len == 0;
}

/* Up to the boundary behind this part, or to the end. *rest: that boundary, or empty. */
static struct str
take_part(struct str *rest, struct str boundary)
{
	struct str all = *rest, next = *rest;
	bool closing;

	while (next.len) {
		struct str before = next, line = cut_line(&next);

		if (!is_boundary(line, boundary, &closing))
			continue;
		*rest = before;
		all.len = (size_t)(before.p - all.p);
		/* the line end before a boundary is the boundary's */
		if (all.len && all.p[all.len - 1] == '\n')
			all.len--;
		if (all.len && all.p[all.len - 1] == '\r')
			all.len--;
		return all;
	}
	*rest = STR_NULL;
	return all;
}

/* Its headers and what stands behind the blank line. */
static void
read_part(struct sip_part *p)
{
	struct str rest = p->all;

	p->type = STR_NULL;
	while (rest.len) {
		struct str line = cut_line(&rest), name;

		if (line.len == 0)
			break;
		name = sip_trim(str_cut(&line, ':'));
		if (p->type.len == 0 && (str_ieqz(name, "content-type") || str_ieqz(name, "c")))
			p->type = sip_trim(line);
	}
	p->body = rest;
}

bool
sip_multipart_next(struct str *rest, struct str boundary, struct sip_part *out)
{
	bool closing;

	while (rest->len) {
		struct str line = cut_line(rest);

		if (!is_boundary(line, boundary, &closing))
			continue;
		if (closing)
			break;
		out->all = take_part(rest, boundary);
		read_part(out);
		return true;
	}
	*rest = STR_NULL;
	return false;
}

bool
sip_part_is(const struct sip_part *p, const char *type)
{
	return str_ieqz(sip_trim(str_sub(p->type, 0, str_chr(p->type, ';'))), type);
}

bool
sip_multipart_find(const struct sip_msg *m, const char *type, struct sip_part *out)
{
	struct str rest = m->body, boundary;
	struct sip_part p;

	if (sip_multipart_boundary(m, &boundary) != ERR_OK)
		return false;
	for (int i = 0; i < SIP_PARTS_MAX && sip_multipart_next(&rest, boundary, &p); i++)
		if (sip_part_is(&p, type)) {
			*out = p;
			return true;
		}
	return false;
}
