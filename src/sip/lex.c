#include "sip/lex.h"

#include <string.h>

enum { HOST_MAX = 255 }; /* RFC 1035 2.3.4 */

/* Bits SIP_C_* of each byte; 0x80 and above have none. tests/unit/sip/lex.c holds the same classes
 * written as strings and compares. "#" counts as a user character: PBXs send dial strings raw. */
const uint16_t sip_char[256] = {
	/* clang-format off */
	0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, /* ........ */
	0x000, 0x020, 0x020, 0x000, 0x000, 0x020, 0x000, 0x000, /* ........ */
	0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, /* ........ */
	0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, 0x000, /* ........ */
	0x020, 0x31f, 0x002, 0x204, 0x31c, 0x303, 0x31c, 0x31f, /*  !"#$%&' */
	0x31e, 0x31e, 0x31f, 0x31f, 0x004, 0x75f, 0x75f, 0x31e, /* ().+,-.. */
	0x7df, 0x7df, 0x7df, 0x7df, 0x7df, 0x7df, 0x7df, 0x7df, /* 01234567 */
	0x7df, 0x7df, 0x71a, 0x004, 0x002, 0x214, 0x002, 0x216, /* 89:;<=>? */
	0x200, 0x7df, 0x7df, 0x7df, 0x7df, 0x7df, 0x7df, 0x75f, /* @ABCDEFG */
	0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, /* HIJKLMNO */
	0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, /* PQRSTUVW */
	0x75f, 0x75f, 0x75f, 0x71a, 0x002, 0x71a, 0x200, 0x75f, /* XYZ[.]^_ */
	0x303, 0x7df, 0x7df, 0x7df, 0x7df, 0x7df, 0x7df, 0x75f, /* `abcdefg */
	0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, /* hijklmno */
	0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, 0x75f, /* pqrstuvw */
	0x75f, 0x75f, 0x75f, 0x202, 0x200, 0x202, 0x31f, 0x000, /* xyz{|}~. */
	/* clang-format on */
};

bool
sip_all(struct str s, unsigned bits)
{
	for (size_t i = 0; i < s.len; i++)
		if (!sip_is(s.p[i], bits))
			return false;
	return s.len > 0;
}

size_t
sip_quoted_end(struct str s, size_t at)
{
	for (size_t i = at + 1; i < s.len; i++) {
		if (s.p[i] == '"')
			return i + 1;
		if (s.p[i] != '\\')
			continue;
		i++; /* a quoted pair: anything but CR and LF (RFC 3261 25.1) */
		if (i < s.len && (s.p[i] == '\r' || s.p[i] == '\n'))
			return 0;
	}
	return 0;
}

static bool
is_ipv6(struct str inside)
{
	unsigned colons = 0;

	for (size_t i = 0; i < inside.len; i++) {
		colons += inside.p[i] == ':';
		if (!sip_is(inside.p[i], SIP_C_HEX) && inside.p[i] != ':' && inside.p[i] != '.')
			return false;
	}
	return colons >= 2 && inside.len <= 45;
}

/* Bytes of the host that starts s; 0 when there is none. */
static size_t
host_len(struct str s)
{
	size_t n = 0;

	if (s.len && s.p[0] == '[') {
		n = str_chr(s, ']');
		return n < s.len && is_ipv6(str_sub(s, 1, n)) ? n + 1 : 0;
	}
	if (s.len == 0 || s.p[0] == '.' || s.p[0] == '-')
		return 0;
	for (; n < s.len && sip_is(s.p[n], SIP_C_HOST); n++)
		if (s.p[n] == '.' && s.p[n - 1] == '.')
			return 0;
	return n <= HOST_MAX ? n : 0;
}

bool
sip_is_host(struct str s)
{
	return s.len && host_len(s) == s.len;
}

enum err
sip_hostport_parse(struct str s, struct str *host, uint16_t *port)
{
	size_t n = host_len(s);
	struct str rest = sip_ltrim(sip_skip(s, n));
	uint32_t v = 0;

	if (n == 0)
		return ERR_SYNTAX;
	if (rest.len && (rest.p[0] != ':' ||
			 str_u32(sip_trim(sip_skip(rest, 1)), UINT16_MAX, &v) != ERR_OK || v == 0))
		return ERR_SYNTAX;
	*host = sip_head(s, n);
	*port = (uint16_t)v;
	return ERR_OK;
}

/* The value behind "=" in s: sets p->value, returns what follows it. */
static enum err
take_value(struct str *s, struct sip_param *p)
{
	size_t n = 0;

	*s = sip_ltrim(*s);
	if (s->len && s->p[0] == '"') {
		n = sip_quoted_end(*s, 0);
		if (n == 0)
			return ERR_SYNTAX;
		p->quoted = true;
		p->value = str_sub(*s, 1, n - 1);
	} else {
		while (n < s->len && sip_is(s->p[n], SIP_C_VALUE))
			n++;
		p->value = sip_head(*s, n);
		if (n == 0)
			return ERR_SYNTAX;
	}
	s->p += n;
	s->len -= n;
	return ERR_OK;
}

enum err
sip_param_next(struct str *rest, struct sip_param *out)
{
	struct str s = sip_ltrim(*rest);
	struct sip_param p = {.bare = true};
	size_t n = 0;
	enum err e;

	if (s.len == 0)
		return ERR_NOTFOUND;
	if (s.p[0] != ';')
		return ERR_SYNTAX;
	s = sip_ltrim(sip_skip(s, 1));
	while (n < s.len && sip_is(s.p[n], SIP_C_NAME))
		n++;
	if (n == 0)
		return ERR_SYNTAX;
	p.name = sip_head(s, n);
	s = sip_ltrim(sip_skip(s, n));
	if (s.len && s.p[0] == '=') {
		p.bare = false;
		s = sip_skip(s, 1);
		e = take_value(&s, &p);
		if (e != ERR_OK)
			return e;
		s = sip_ltrim(s);
	}
	if (s.len && s.p[0] != ';')
		return ERR_SYNTAX;
	*rest = s;
	*out = p;
	return ERR_OK;
}

bool
sip_param_find(struct str params, const char *name, struct sip_param *out)
{
	struct str want = str_from(name);
	struct sip_param p;

	while (sip_param_next(&params, &p) == ERR_OK) {
		if (!sip_ieq(p.name, want))
			continue;
		*out = p;
		return true;
	}
	return false;
}

struct str
sip_param_value(struct str params, const char *name)
{
	struct sip_param p;

	return sip_param_find(params, name, &p) ? p.value : STR_NULL;
}

bool
sip_params_ok(struct str params)
{
	struct sip_param p;
	enum err e;

	do
		e = sip_param_next(&params, &p);
	while (e == ERR_OK);
	return e == ERR_NOTFOUND;
}

/* Index of the first comma outside quotes and brackets, or s.len; broken: larger than s.len. */
static size_t
find_comma(struct str s)
{
	bool angle = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c == '"') {
			size_t end = sip_quoted_end(s, i);

			if (end == 0)
				return s.len + 1;
			i = end - 1;
		} else if (c == '<' || c == '>') {
			if (angle == (c == '<'))
				return s.len + 1;
			angle = c == '<';
		} else if (c == ',' && !angle) {
			return i;
		}
	}
	return angle ? s.len + 1 : s.len;
}

enum err
sip_list_next(struct str *rest, struct str *item)
{
	struct str s = sip_ltrim(*rest), head, tail;
	size_t at;

	if (s.len == 0)
		return ERR_NOTFOUND;
	at = find_comma(s);
	if (at > s.len)
		return ERR_SYNTAX;
	head = sip_trim(str_sub(s, 0, at));
	tail = sip_ltrim(str_from_at(s, at + 1));
	if (head.len == 0 || (at < s.len && tail.len == 0))
		return ERR_SYNTAX;
	*rest = tail;
	*item = head;
	return ERR_OK;
}

void
sip_unquote(struct buf *b, struct str inside)
{
	bool gap = false;

	for (size_t i = 0; i < inside.len; i++) {
		char c = inside.p[i];

		if (c == '\\' && i + 1 < inside.len)
			c = inside.p[++i];
		if (c == '\r' || c == '\n') {
			gap = true; /* a fold: with the white space around it, one space */
			while (i + 1 < inside.len && sip_is(inside.p[i + 1], SIP_C_LWS))
				i++;
		} else if ((uint8_t)c >= 0x20 && c != 0x7f) {
			if (gap)
				buf_char(b, ' ');
			gap = false;
			buf_char(b, c);
		}
	}
}
