#include "sip/digest.h"

#include <string.h>

#include "base/codec.h"
#include "base/secret.h"
#include "sip/edit.h"

/* ---- challenges ---- */

static bool
is_blank(struct str s)
{
	return sip_trim(s).len == 0;
}

/* "name = value" off *rest, with the commas behind it; value without its quotes. */
static enum err
next_param(struct str *rest, struct str *name, struct str *value)
{
	struct str s = sip_ltrim(*rest);
	size_t n = 0, end;

	while (s.len && s.p[0] == ',')
		s = sip_ltrim(sip_skip(s, 1));
	if (s.len == 0)
		return ERR_NOTFOUND;
	while (n < s.len && sip_is(s.p[n], SIP_C_TOKEN))
		n++;
	*name = sip_head(s, n);
	s = sip_ltrim(sip_skip(s, n));
	if (n == 0 || s.len == 0 || s.p[0] != '=')
		return ERR_SYNTAX;
	s = sip_ltrim(sip_skip(s, 1));
	if (s.len && s.p[0] == '"') {
		end = sip_quoted_end(s, 0);
		if (end == 0)
			return ERR_SYNTAX;
		*value = str_sub(s, 1, end - 1);
	} else {
		end = 0;
		while (end < s.len && sip_is(s.p[end], SIP_C_TOKEN))
			end++;
		if (end == 0)
			return ERR_SYNTAX;
		*value = sip_head(s, end);
	}
	s = sip_ltrim(sip_skip(s, end));
	if (s.len && s.p[0] != ',')
		return ERR_SYNTAX;
	*rest = s;
	return value->len > SIP_DIGEST_VALUE_MAX ? ERR_LONG : ERR_OK;
}

/* "auth" among "auth,auth-int". */
static bool
offers_auth(struct str list)
{
	while (list.len)
		if (str_ieqz(sip_trim(str_cut(&list, ',')), "auth"))
			return true;
	return false;
}

static const char *const alg_names[DIGEST_N] = {
	[DIGEST_MD5] = "MD5", [DIGEST_SHA256] = "SHA-256", [DIGEST_SHA512_256] = "SHA-512-256"};

static enum err
read_alg(struct str s, struct sip_challenge *c)
{
	for (unsigned i = 0; i < DIGEST_N; i++)
		if (str_ieqz(s, alg_names[i])) {
			c->alg = (uint8_t)i;
			c->names_alg = true;
			return ERR_OK;
		}
	return ERR_UNSUPPORTED;
}

enum part { REALM, NONCE, OPAQUE, ALGORITHM, QOP, STALE, PARTS };

static enum err
take_param(struct sip_challenge *c, enum part p, struct str value)
{
	switch (p) {
	case REALM:
		c->realm = value;
		break;
	case NONCE:
		c->nonce = value;
		break;
	case OPAQUE:
		c->opaque = value;
		c->has_opaque = true;
		break;
	case ALGORITHM:
		return read_alg(value, c);
	case QOP:
		c->qop = true;
		return offers_auth(value) ? ERR_OK : ERR_UNSUPPORTED;
	case STALE:
		c->stale = str_ieqz(value, "true");
		break;
	case PARTS:
		break;
	}
	return ERR_OK;
}

static enum part
part_of(struct str name)
{
	static const char *const names[PARTS] = {"realm",     "nonce", "opaque",
						 "algorithm", "qop",   "stale"};
	unsigned i = 0;

	while (i < PARTS && !str_ieqz(name, names[i]))
		i++;
	return (enum part)i;
}

enum err
sip_challenge_parse(struct str value, struct sip_challenge *out)
{
	struct sip_challenge c = {.alg = DIGEST_MD5};
	struct str rest = sip_trim(value), name, v;
	unsigned seen = 0;
	size_t scheme = 0;
	enum err e, unfit = ERR_OK;

	while (scheme < rest.len && sip_is(rest.p[scheme], SIP_C_TOKEN))
		scheme++;
	if (!str_ieqz(sip_head(rest, scheme), "Digest"))
		return ERR_UNSUPPORTED;
	rest = sip_skip(rest, scheme);
	if (rest.len && !sip_is(rest.p[0], SIP_C_LWS))
		return ERR_SYNTAX;
	while ((e = next_param(&rest, &name, &v)) == ERR_OK) {
		enum part p = part_of(name);

		if (p == PARTS)
			continue; /* of later RFCs (7616 3.3) */
		if (seen & 1u << p)
			return ERR_EXISTS;
		seen |= 1u << p;
		e = take_param(&c, p, v);
		if (e != ERR_OK)
			unfit = e;
	}
	if (e != ERR_NOTFOUND)
		return e;
	if (!(seen & 1u << REALM) || is_blank(c.nonce))
		return ERR_NOTFOUND;
	if (unfit == ERR_OK)
		*out = c;
	return unfit;
}

enum err
sip_challenge_pick(const struct sip_msg *response, struct str realm,
		   const struct sip_digest_key *key, struct sip_challenge *out)
{
	enum sip_hdr_id id =
		response->status == 407 ? SIP_H_PROXY_AUTHENTICATE : SIP_H_WWW_AUTHENTICATE;
	unsigned n = 0;

	for (const struct sip_hdr *h = sip_msg_hdr(response, id); h && n < SIP_DIGEST_CHALLENGES;
	     h = sip_msg_next(response, h), n++) {
		struct sip_challenge c;

		if (sip_challenge_parse(h->value, &c) == ERR_OK && str_eq(c.realm, realm) &&
		    key->has[c.alg]) {
			*out = c;
			return ERR_OK;
		}
	}
	return ERR_NOTFOUND;
}

/* ---- answers ---- */

/* The digest of the parts as hexadecimal digits. */
static enum err
hex_of(enum digest_alg a, const struct str *part, unsigned n, char out[SIP_DIGEST_HEX])
{
	uint8_t raw[DIGEST_MAX];
	enum err e = digest_of(a, part, n, raw);
	struct buf b;

	if (e != ERR_OK)
		return e;
	buf_init(&b, out, SIP_DIGEST_HEX);
	codec_hex_put(&b, raw, digest_size(a));
	secret_wipe(raw, sizeof(raw));
	return ERR_OK;
}

void
sip_digest_key(struct str user, struct str realm, struct str password, unsigned allow,
	       struct sip_digest_key *out)
{
	const struct str part[] = {user, STR(":"), realm, STR(":"), password};

	memset(out, 0, sizeof(*out));
	for (int a = 0; a < DIGEST_N; a++)
		out->has[a] = (allow & 1u << a) && hex_of((enum digest_alg)a, part, ARRAY_LEN(part),
							  out->ha1[a]) == ERR_OK;
}

/* H(H(A1):nonce[:nc:cnonce:auth]:H(method:uri)) */
static enum err
respond(const struct sip_digest_answer *a, struct str nc, char out[SIP_DIGEST_HEX])
{
	const struct sip_challenge *c = a->challenge;
	enum digest_alg alg = (enum digest_alg)c->alg;
	size_t size = 2 * digest_size(alg);
	const struct str a2[] = {a->method, STR(":"), a->uri};
	struct str ha1 = str_of(a->key->ha1[alg], size);
	char ha2[SIP_DIGEST_HEX];
	enum err e = hex_of(alg, a2, ARRAY_LEN(a2), ha2);

	if (e != ERR_OK)
		return e;
	if (c->qop) {
		const struct str all[] = {ha1,         STR(":"), c->nonce,         STR(":"),
					  nc,          STR(":"), a->cnonce,        STR(":"),
					  STR("auth"), STR(":"), str_of(ha2, size)};

		return hex_of(alg, all, ARRAY_LEN(all), out);
	}
	const struct str all[] = {ha1, STR(":"), c->nonce, STR(":"), str_of(ha2, size)};

	return hex_of(alg, all, ARRAY_LEN(all), out);
}

/* As it came: its escapes are still inside. */
static void
put_quoted(struct buf *b, const char *name, struct str inside)
{
	buf_z(b, name);
	buf_str(b, inside);
	buf_char(b, '"');
}

enum err
sip_digest_put(struct buf *b, const struct sip_digest_answer *a)
{
	const struct sip_challenge *c = a->challenge;
	char response[SIP_DIGEST_HEX], nc[9];
	struct buf n;
	enum err e;

	if (!a->key->has[c->alg])
		return ERR_UNSUPPORTED;
	buf_init(&n, nc, sizeof(nc));
	buf_printf(&n, "%08x", a->nc);
	e = respond(a, buf_view(&n), response);
	if (e != ERR_OK)
		return e;
	if (!sip_edit_safe(c->realm) || !sip_edit_safe(c->nonce) || !sip_edit_safe(c->opaque) ||
	    !sip_edit_safe(a->uri))
		b->failed = true;
	buf_printf(b, "%s: Digest username=",
		   sip_hdr_name(a->proxy ? SIP_H_PROXY_AUTHORIZATION : SIP_H_AUTHORIZATION));
	sip_edit_quoted(b, a->user);
	put_quoted(b, ", realm=\"", c->realm);
	put_quoted(b, ", nonce=\"", c->nonce);
	put_quoted(b, ", uri=\"", a->uri);
	put_quoted(b, ", response=\"", str_of(response, 2 * digest_size((enum digest_alg)c->alg)));
	if (c->names_alg)
		buf_printf(b, ", algorithm=%s", alg_names[c->alg]);
	if (c->qop) {
		put_quoted(b, ", cnonce=\"", a->cnonce);
		buf_printf(b, ", qop=auth, nc=%s", nc);
	}
	if (c->has_opaque)
		put_quoted(b, ", opaque=\"", c->opaque);
	buf_z(b, "\r\n");
	return ERR_OK;
}
