#include "sip/uri.h"

#include "base/guard.h"

#include <string.h>

enum {
	URI_PARAMS_MAX = 64, /* parameters or headers that sip_uri_eq looks at */
};

static int
hex_digit(char c)
{
	if (ascii_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that %HH at s.p[i] stands for, or -1. */
static int
escaped_at(struct str s, size_t i)
{
	int hi, lo;

	if (s.len - i < 3 || s.p[i] != '%')
		return -1;
	hi = hex_digit(s.p[i + 1]);
	lo = hex_digit(s.p[i + 2]);
	return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

/* Bytes of the class and %HH throughout. */
static bool
all_escaped(struct str s, unsigned bits)
{
	for (size_t i = 0; i < s.len; i++) {
		if (sip_is(s.p[i], bits))
			continue;
		if (escaped_at(s, i) < 0)
			return false;
		i += 2;
	}
	return true;
}

static bool
is_scheme(struct str s)
{
	if (s.len == 0 || !ascii_alpha(s.p[0]))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!ascii_alnum(s.p[i]) && s.p[i] != '+' && s.p[i] != '-' && s.p[i] != '.')
			return false;
	return true;
}

static enum err
split_userinfo(struct str info, struct sip_uri *u)
{
	size_t colon = str_chr(info, ':');

	u->user = sip_head(info, colon);
	if (colon < info.len)
		u->password = sip_skip(info, colon + 1);
	if (u->user.len == 0 || !all_escaped(u->user, SIP_C_USER) ||
	    !all_escaped(u->password, SIP_C_USER))
		return ERR_SYNTAX;
	return ERR_OK;
}

/* *( ";" pname [ "=" pvalue ] ), no white space; further "=" belong to the value. */
static bool
params_ok(struct str s)
{
	bool value = false, empty = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (sip_is(c, SIP_C_PARAM)) {
			empty = false;
		} else if (c == ';') {
			if (empty)
				return false;
			empty = true;
			value = false;
		} else if (c == '=') {
			if (empty && !value)
				return false; /* no name */
			empty = !value;
			value = true;
		} else if (escaped_at(s, i) >= 0) {
			empty = false;
			i += 2;
		} else {
			return false;
		}
	}
	return !empty;
}

/* What follows "sip:" (RFC 3261 19.1.1). "@" stands unescaped only behind the user. */
static enum err
parse_sip(struct str s, struct sip_uri *u)
{
	size_t at = str_chr(s, '@'), end, mark;
	enum err e;

	if (at < s.len) {
		e = split_userinfo(sip_head(s, at), u);
		if (e != ERR_OK)
			return e;
		s = sip_skip(s, at + 1);
	}
	end = 0;
	while (end < s.len && sip_is(s.p[end], SIP_C_ADDR))
		end++;
	if (end < s.len && s.p[end] != ';' && s.p[end] != '?')
		return ERR_SYNTAX;
	mark = end;
	while (mark < s.len && s.p[mark] != '?')
		mark++;
	e = sip_hostport_parse(sip_head(s, end), &u->host, &u->port);
	if (e != ERR_OK)
		return e;
	u->params = str_of(s.p + end, mark - end);
	if (mark + 1 == s.len || !params_ok(u->params))
		return ERR_SYNTAX;
	if (mark == s.len)
		return ERR_OK;
	u->headers = sip_skip(s, mark + 1);
	return all_escaped(u->headers, SIP_C_HEADER) ? ERR_OK : ERR_SYNTAX;
}

/* What follows "tel:" (RFC 3966 3): a number of phone digits and visual separators. */
static enum err
parse_tel(struct str s, struct sip_uri *u)
{
	size_t semi = str_chr(s, ';'), digits = 0;

	u->user = str_sub(s, 0, semi);
	u->params = str_from_at(s, semi);
	for (size_t i = 0; i < u->user.len; i++) {
		char c = u->user.p[i];
		bool digit = sip_is(c, SIP_C_HEX) || c == '*' || c == '#';

		digits += digit;
		if (!digit && !(c == '+' && i == 0) && (c == 0 || !strchr("-.()", c)))
			return ERR_SYNTAX;
	}
	return digits && params_ok(u->params) ? ERR_OK : ERR_SYNTAX;
}

static enum err
check_opaque(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("<>\"", s.p[i]))
			return ERR_SYNTAX;
	return s.len ? ERR_OK : ERR_SYNTAX;
}

static enum sip_scheme
scheme_of(struct str name)
{
	if (sip_ieq(name, STR("sip")))
		return SIP_SCHEME_SIP;
	if (sip_ieq(name, STR("sips")))
		return SIP_SCHEME_SIPS;
	return sip_ieq(name, STR("tel")) ? SIP_SCHEME_TEL : SIP_SCHEME_OTHER;
}

enum err
sip_uri_parse(struct str s, struct sip_uri *out)
{
	struct sip_uri u = {.scheme = SIP_SCHEME_OTHER, .all = s};
	size_t colon = str_chr(s, ':');
	struct str rest;
	enum err e;

	if (colon == s.len)
		return ERR_SYNTAX;
	u.scheme_name = sip_head(s, colon);
	u.scheme = scheme_of(u.scheme_name);
	rest = sip_skip(s, colon + 1);
	if (u.scheme == SIP_SCHEME_OTHER)
		e = is_scheme(u.scheme_name) ? check_opaque(rest) : ERR_SYNTAX;
	else if (u.scheme == SIP_SCHEME_TEL)
		e = parse_tel(rest, &u);
	else
		e = parse_sip(rest, &u);
	if (e == ERR_OK)
		*out = u;
	return e;
}

bool
sip_uri_is_sos(const struct sip_uri *u)
{
	struct str sos = STR("urn:service:sos");

	return u->scheme == SIP_SCHEME_OTHER && str_istarts(u->all, sos) &&
	       (u->all.len == sos.len || u->all.p[sos.len] == '.');
}

struct str
sip_uri_param(const struct sip_uri *u, const char *name)
{
	return sip_param_value(u->params, name);
}

bool
sip_uri_has_param(const struct sip_uri *u, const char *name)
{
	struct sip_param p;

	return sip_param_find(u->params, name, &p);
}

/* The next character of an escaped text. Reserved ones differ from their escapes (RFC 3261
 * 19.1.4), so an escaped reserved character is given as 256 + c. */
static int
next_char(struct str s, size_t *i)
{
	int c = escaped_at(s, *i);

	if (c < 0)
		return (uint8_t)s.p[(*i)++];
	*i += 3;
	return c && strchr(";/?:@&=+$,", c) ? 256 + c : c;
}

static int
fold_case(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool
eq_escaped(struct str a, struct str b, bool any_case)
{
	size_t i = 0, k = 0;

	while (i < a.len && k < b.len) {
		int x = next_char(a, &i), y = next_char(b, &k);

		if (any_case ? fold_case(x) != fold_case(y) : x != y)
			return false;
	}
	return i == a.len && k == b.len;
}

/* Parameters that a URI must not have alone (RFC 3261 19.1.4). */
static bool
counts_alone(struct str name)
{
	static const char *const names[] = {"user", "ttl", "method", "maddr", "transport"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_ieqz(name, names[i]))
			return true;
	return false;
}

static bool
find_by_name(struct str params, struct str name, struct sip_param *out)
{
	while (sip_param_next(&params, out) == ERR_OK)
		if (eq_escaped(out->name, name, true))
			return true;
	return false;
}

/* No parameter of a speaks against b. */
static bool
params_agree(struct str a, struct str b)
{
	struct sip_param p, q;
	unsigned n = 0;

	while (sip_param_next(&a, &p) == ERR_OK) {
		if (!GUARD(P8, ++n <= URI_PARAMS_MAX))
			return false;
		if (find_by_name(b, p.name, &q)) {
			if (p.bare != q.bare || !eq_escaped(p.value, q.value, true))
				return false;
		} else if (counts_alone(p.name)) {
			return false;
		}
	}
	return true;
}

/* Each header of a is in b. */
static bool
headers_in(struct str a, struct str b)
{
	unsigned n = 0;

	while (a.len) {
		struct str want = str_cut(&a, '&'), rest = b;
		bool found = false;

		if (!GUARD(P8, ++n <= URI_PARAMS_MAX))
			return false;
		while (rest.len && !found)
			found = eq_escaped(want, str_cut(&rest, '&'), true);
		if (!found)
			return false;
	}
	return true;
}

static bool
tel_number_eq(struct str a, struct str b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a.len && strchr("-.()", a.p[i]))
			i++;
		while (k < b.len && strchr("-.()", b.p[k]))
			k++;
		if (i == a.len || k == b.len)
			return i == a.len && k == b.len;
		if (ascii_lower(a.p[i++]) != ascii_lower(b.p[k++]))
			return false;
	}
}

/* tel: every parameter counts, on either side (RFC 3966 4). */
static bool
tel_params_in(struct str a, struct str b)
{
	struct sip_param p, q;
	unsigned n = 0;

	while (sip_param_next(&a, &p) == ERR_OK) {
		if (!GUARD(P8, ++n <= URI_PARAMS_MAX) || !find_by_name(b, p.name, &q) ||
		    !eq_escaped(p.value, q.value, true))
			return false;
	}
	return true;
}

bool
sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->scheme != b->scheme)
		return false;
	if (a->scheme == SIP_SCHEME_OTHER)
		return str_eq(a->all, b->all);
	if (a->scheme == SIP_SCHEME_TEL)
		return tel_number_eq(a->user, b->user) && tel_params_in(a->params, b->params) &&
		       tel_params_in(b->params, a->params);
	return eq_escaped(a->user, b->user, false) && eq_escaped(a->password, b->password, false) &&
	       str_ieq(a->host, b->host) && a->port == b->port &&
	       params_agree(a->params, b->params) && params_agree(b->params, a->params) &&
	       headers_in(a->headers, b->headers) && headers_in(b->headers, a->headers);
}

enum err
sip_unescape(struct str s, struct buf *b)
{
	struct buf before = *b;

	for (size_t i = 0; i < s.len;) {
		int c = escaped_at(s, i);

		i += c < 0 ? 1 : 3;
		if (c < 0)
			c = (uint8_t)s.p[i - 1];
		if (c < 0x20 || c == 0x7f) {
			*b = before;
			return ERR_SYNTAX;
		}
		buf_char(b, (char)c);
	}
	return ERR_OK;
}

enum err
sip_uri_user(const struct sip_uri *u, struct buf *b)
{
	return sip_unescape(u->user, b);
}

void
sip_escape_user(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (sip_is(s.p[i], SIP_C_USER) && s.p[i] != '#')
			buf_char(b, s.p[i]);
		else
			buf_printf(b, "%%%02X", (uint8_t)s.p[i]);
	}
}

/* A display name without quotes: tokens and white space by the grammar; we also let through what
 * PBXs write there and what cannot be mistaken: 8-bit text and harmless punctuation. */
static bool
is_display(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (sip_is(c, SIP_C_TOKEN | SIP_C_LWS) || (uint8_t)c >= 0x80)
			continue;
		if (c == 0 || !strchr("()[]{}/?=&$#|", c))
			return false;
	}
	return true;
}

/* Index of the first of "<", ";" and quote, or s.len: decides between the two forms. */
static size_t
form_mark(struct str s)
{
	size_t i = 0;

	while (i < s.len && s.p[i] != '<' && s.p[i] != ';' && s.p[i] != '"')
		i++;
	return i;
}

/* Display name and <uri>; *s is what follows. */
static enum err
take_angle(struct str *s, size_t open, struct sip_nameaddr *na)
{
	struct str display = sip_trim(str_sub(*s, 0, open));
	struct str inside = str_from_at(*s, open + 1);
	size_t close = str_chr(inside, '>');

	if (na->quoted ? display.len != 0 : !is_display(display))
		return ERR_SYNTAX;
	if (close == inside.len)
		return ERR_SYNTAX;
	if (!na->quoted)
		na->display = display;
	na->angle = true;
	*s = str_from_at(inside, close + 1);
	return sip_uri_parse(str_sub(inside, 0, close), &na->uri);
}

/* addr-spec: ends at ";", and the URI has no parameters or headers of its own. */
static enum err
take_addr_spec(struct str *s, size_t semi, struct sip_nameaddr *na)
{
	struct str spec = sip_trim(str_sub(*s, 0, semi));

	if (str_chr(spec, ',') != spec.len || str_chr(spec, '?') != spec.len)
		return ERR_SYNTAX;
	*s = str_from_at(*s, semi);
	return sip_uri_parse(spec, &na->uri);
}

static enum err
read_params(struct str rest, struct sip_nameaddr *na)
{
	struct sip_param p;
	enum err e;

	na->params = sip_trim(rest);
	while ((e = sip_param_next(&rest, &p)) == ERR_OK) {
		if (!sip_ieq(p.name, STR("tag")))
			continue;
		if (na->tag.len || p.quoted || !sip_all(p.value, SIP_C_TOKEN))
			return ERR_SYNTAX;
		na->tag = p.value;
	}
	return e == ERR_NOTFOUND ? ERR_OK : e;
}

enum err
sip_nameaddr_parse(struct str s, struct sip_nameaddr *out)
{
	struct sip_nameaddr na = {.quoted = false};
	size_t mark;
	enum err e;

	s = sip_trim(s);
	if (s.len && s.p[0] == '"') {
		size_t end = sip_quoted_end(s, 0);

		if (end == 0)
			return ERR_SYNTAX;
		na.quoted = true;
		na.display = str_sub(s, 1, end - 1);
		s = str_from_at(s, end);
	}
	mark = form_mark(s);
	if (mark < s.len && s.p[mark] == '<')
		e = take_angle(&s, mark, &na);
	else if (na.quoted)
		e = ERR_SYNTAX;
	else
		e = take_addr_spec(&s, mark, &na);
	if (e == ERR_OK)
		e = read_params(s, &na);
	if (e == ERR_OK)
		*out = na;
	return e;
}
