#include "sip/via.h"

#include <string.h>

enum { VIA_MAGIC_LEN = 7 };

static const struct {
	const char *name;
	size_t len;
} transports[] = {
#define X(id, name) {name, sizeof(name) - 1},
	SIP_TRANSPORT_LIST(X)
#undef X
};

const char *
sip_transport_name(enum sip_transport t)
{
	return t < SIP_TRANSPORT_OTHER ? transports[t].name : "?";
}

enum sip_transport
sip_transport_of(struct str name)
{
	for (unsigned i = 0; i < ARRAY_LEN(transports); i++)
		if (sip_ieq(name, str_of(transports[i].name, transports[i].len)))
			return (enum sip_transport)i;
	return SIP_TRANSPORT_OTHER;
}

/* Cut a token off *s with white space before and behind it. */
static struct str
take_token(struct str *s)
{
	size_t n = 0;
	struct str t;

	*s = sip_ltrim(*s);
	while (n < s->len && sip_is(s->p[n], SIP_C_TOKEN))
		n++;
	t = sip_head(*s, n);
	*s = sip_ltrim(sip_skip(*s, n));
	return t;
}

static bool
take_slash(struct str *s)
{
	if (s->len == 0 || s->p[0] != '/')
		return false;
	*s = sip_skip(*s, 1);
	return true;
}

/* sent-protocol: "SIP" / "2.0" / transport LWS; *s is what follows. */
static enum err
take_protocol(struct str *s, struct sip_via *v)
{
	struct str name = take_token(s), version;

	if (!sip_ieq(name, STR("SIP")) || !take_slash(s))
		return ERR_SYNTAX;
	version = take_token(s);
	if (version.len == 0 || !take_slash(s))
		return ERR_SYNTAX;
	v->transport_name = take_token(s);
	if (v->transport_name.len == 0 || s->len == 0)
		return ERR_SYNTAX;
	if (s->p == v->transport_name.p + v->transport_name.len)
		return ERR_SYNTAX; /* no white space before sent-by */
	if (!str_eqz(version, "2.0"))
		return ERR_VERSION;
	v->transport = sip_transport_of(v->transport_name);
	return ERR_OK;
}

/* Two of one of these leave open which counts. */
static enum err
set_once(struct str *where, struct str value)
{
	if (where->len || value.len == 0)
		return ERR_SYNTAX;
	*where = value;
	return ERR_OK;
}

static enum err
note_param(struct sip_via *v, const struct sip_param *p)
{
	uint32_t n = 0;

	if (sip_ieq(p->name, STR("branch")))
		return set_once(&v->branch, p->value);
	if (sip_ieq(p->name, STR("received")))
		return set_once(&v->received, p->value);
	if (!sip_ieq(p->name, STR("rport")))
		return ERR_OK;
	if (v->has_rport)
		return ERR_SYNTAX;
	v->has_rport = true;
	if (!p->bare && str_u32(p->value, UINT16_MAX, &n) != ERR_OK)
		return ERR_SYNTAX;
	v->rport = (uint16_t)n;
	return ERR_OK;
}

enum err
sip_via_parse(struct str s, struct sip_via *out)
{
	struct sip_via v = {.all = sip_trim(s)};
	struct str rest = v.all, params;
	struct sip_param p;
	size_t semi;
	enum err e = take_protocol(&rest, &v);

	if (e != ERR_OK)
		return e;
	semi = str_chr(rest, ';');
	e = sip_hostport_parse(sip_trim(sip_head(rest, semi)), &v.host, &v.port);
	if (e != ERR_OK)
		return e;
	v.params = params = sip_skip(rest, semi);
	while ((e = sip_param_next(&params, &p)) == ERR_OK) {
		e = note_param(&v, &p);
		if (e != ERR_OK)
			return e;
	}
	if (e != ERR_NOTFOUND)
		return e;
	*out = v;
	return ERR_OK;
}

bool
sip_via_is_rfc3261(const struct sip_via *v)
{
	return v->branch.len > VIA_MAGIC_LEN && str_istarts(v->branch, STR("z9hG4bK"));
}
