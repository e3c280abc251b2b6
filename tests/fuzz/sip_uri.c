/* Any bytes as a URI and as a name-addr. What parses equals itself, prints to a text that parses
 * to an equal one, and its user part survives unescape and escape. */
#include <stdlib.h>
#include <string.h>

#include "sip/edit.h"
#include "sip/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_SIZE = 8 * SIP_MSG_MAX, PARAMS_MAX = 64 };

static char out[OUT_SIZE], plain[SIP_MSG_MAX];

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static unsigned
count_char(struct str s, char c)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.p[i] == c;
	return n;
}

static bool
is_small(const struct sip_uri *u)
{
	return count_char(u->params, ';') <= PARAMS_MAX && count_char(u->headers, '&') < PARAMS_MAX;
}

/* A repeated parameter with two values makes a URI unequal to itself, rightly. */
static bool
has_repeats(const struct sip_uri *u)
{
	struct str a = u->params, b;
	struct sip_param p, q;

	while (sip_param_next(&a, &p) == ERR_OK) {
		b = a;
		while (sip_param_next(&b, &q) == ERR_OK)
			if (p.name.len == q.name.len || str_chr(p.name, '%') < p.name.len ||
			    str_chr(q.name, '%') < q.name.len)
				return true;
	}
	return false;
}

static void
check_uri(const struct sip_uri *u)
{
	struct sip_uri v;
	struct buf b, user;

	check(sip_uri_parse(u->all, &v) == ERR_OK);
	if (is_small(u) && !has_repeats(u))
		check(sip_uri_eq(u, &v));
	if (u->scheme != SIP_SCHEME_SIP || u->password.len || u->headers.len)
		return;
	buf_init(&user, plain, sizeof(plain));
	if (sip_uri_user(u, &user) != ERR_OK)
		return;
	buf_init(&b, out, sizeof(out));
	sip_edit_uri(&b, buf_view(&user), u->host, u->port, u->params);
	check(!b.failed);
	check(sip_uri_parse(buf_view(&b), &v) == ERR_OK);
	check(v.scheme == u->scheme && str_eq(v.host, u->host) && v.port == u->port &&
	      str_eq(v.params, u->params));
	user.len = 0;
	buf_init(&b, out + sizeof(out) / 2, sizeof(out) / 2);
	check(sip_uri_user(&v, &b) == ERR_OK);
	check(sip_uri_user(u, &user) == ERR_OK && str_eq(buf_view(&user), buf_view(&b)));
}

static void
check_nameaddr(const struct sip_nameaddr *na)
{
	struct sip_edit_addr a = {.uri = na->uri.all, .params = STR_NULL, .tag = na->tag};
	struct sip_nameaddr back;
	struct str line;
	struct buf b, name;

	buf_init(&name, plain, sizeof(plain));
	sip_unquote(&name, na->display);
	a.display = buf_view(&name);
	buf_init(&b, out, sizeof(out));
	sip_edit_nameaddr(&b, SIP_H_CONTACT, &a);
	check(!b.failed);
	line = buf_view(&b);
	check(str_ends(line, STR("\r\n")) && count_char(line, '\r') == 1 &&
	      count_char(line, '\n') == 1 && count_char(line, 0) == 0);
	line = sip_trim(str_from_at(line, strlen("Contact: ")));
	check(sip_nameaddr_parse(line, &back) == ERR_OK);
	check(str_eq(back.uri.all, na->uri.all) && str_eq(back.tag, na->tag));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_of(data, size), item, rest = s;
	struct sip_nameaddr na;
	struct sip_uri u, v;
	size_t bar;

	if (size > SIP_LINE_MAX)
		return 0;
	if (sip_uri_parse(s, &u) == ERR_OK)
		check_uri(&u);
	while (sip_list_next(&rest, &item) == ERR_OK)
		if (sip_nameaddr_parse(item, &na) == ERR_OK) {
			check_uri(&na.uri);
			check_nameaddr(&na);
		}
	bar = str_chr(s, '|'); /* two URIs: equality has no direction */
	if (bar < s.len && sip_uri_parse(str_sub(s, 0, bar), &u) == ERR_OK &&
	    sip_uri_parse(str_from_at(s, bar + 1), &v) == ERR_OK)
		check(sip_uri_eq(&u, &v) == sip_uri_eq(&v, &u));
	return 0;
}
