#include "edge/oc.h"

#include "base/clock.h"

static bool
is_oc(struct str name)
{
	return str_ieqz(name, "oc") || str_ieqz(name, "oc-algo") || str_ieqz(name, "oc-seq") ||
	       str_ieqz(name, "oc-validity");
}

bool
oc_asked(const struct sip_via *v)
{
	struct sip_param p;

	return sip_param_find(v->params, "oc", &p) && p.bare;
}

/* ---- as a server ---- */

static void
put_params(struct buf *b, const struct sip_via *v)
{
	struct str rest = v->params;
	struct sip_param p;

	while (sip_param_next(&rest, &p) == ERR_OK) {
		const char *quote = p.quoted ? "\"" : "";

		if (is_oc(p.name))
			continue;
		buf_char(b, ';');
		buf_str(b, p.name);
		if (!p.bare)
			buf_printf(b, "=%s%.*s%s", quote, STR_ARG(p.value), quote);
	}
}

void
oc_put(struct buf *b, struct str msg, unsigned percent, uint64_t changed_us)
{
	static const struct str name = {"\r\nVia: ", 7};
	size_t at = str_find(msg, name) + name.len;
	struct str value = str_from_at(msg, at), top;
	struct sip_via v;

	value = str_sub(value, 0, str_find(value, STR("\r\n")));
	top = str_sub(value, 0, str_chr(value, ',')); /* a Via has no comma but between values */
	if (at > msg.len || sip_via_parse(top, &v) != ERR_OK) {
		buf_str(b, msg);
		return;
	}
	buf_str(b, str_sub(msg, 0, at));
	buf_str(b, str_trim(str_sub(v.all, 0, v.all.len - v.params.len)));
	put_params(b, &v);
	buf_printf(b, ";oc=%u;oc-algo=\"loss\";oc-validity=%u;oc-seq=%llu.%05llu", percent,
		   percent ? OC_VALID_MS : 0, (unsigned long long)(changed_us / CLOCK_S),
		   (unsigned long long)(changed_us % CLOCK_S / 10));
	buf_str(b, str_from_at(msg, at + top.len));
}

/* ---- as a client ---- */

/* Its place; ps->n: there is none. */
static uint32_t
find_peer(const struct oc_peers *ps, const struct addr *a, enum edge_transport t)
{
	uint32_t i = 0;

	while (i < ps->n && !(ps->peer[i].transport == t && addr_eq(&ps->peer[i].addr, a)))
		i++;
	return i;
}

static struct oc_peer *
add_peer(struct oc_peers *ps, const struct addr *a, enum edge_transport t)
{
	struct oc_peer *first = &ps->peer[0];

	if (ps->n < OC_PEERS)
		first = &ps->peer[ps->n++];
	else
		for (uint32_t i = 1; i < OC_PEERS; i++)
			first = ps->peer[i].until_us < first->until_us ? &ps->peer[i] : first;
	*first = (struct oc_peer){.addr = *a, .transport = (uint8_t)t};
	return first;
}

/* "1282321615.641" as one number; 0: there is none. */
static uint64_t
read_seq(struct str s)
{
	struct str whole = str_cut(&s, '.');
	uint64_t a, b = 0;

	if (str_u64(whole, 999999999999, &a) != ERR_OK ||
	    (s.len && str_u64(s, 99999, &b) != ERR_OK))
		return 0;
	return a * 100000 + b;
}

void
oc_take(struct oc_peers *ps, const struct sip_via *v, const struct addr *from,
	enum edge_transport t, uint64_t now)
{
	uint32_t percent, valid_ms = OC_VALID_MS;
	uint64_t seq = read_seq(sip_param_value(v->params, "oc-seq"));
	struct str algo = sip_param_value(v->params, "oc-algo"),
		   valid = sip_param_value(v->params, "oc-validity");
	struct oc_peer *p;
	uint32_t i;

	if (str_u32(sip_param_value(v->params, "oc"), 100, &percent) != ERR_OK)
		return; /* no word, or none that counts */
	if ((algo.len && !str_ieqz(algo, "loss")) ||
	    (valid.len && str_u32(valid, OC_VALID_MAX_MS, &valid_ms) != ERR_OK))
		return;
	i = find_peer(ps, from, t);
	if (i == ps->n && (!percent || !valid_ms))
		return;
	p = i < ps->n ? &ps->peer[i] : add_peer(ps, from, t);
	if (seq < p->seq)
		return;
	p->seq = seq;
	p->percent = (uint8_t)percent;
	p->until_us = now + (uint64_t)valid_ms * CLOCK_MS;
}

bool
oc_leaves_out(const struct oc_peers *ps, const struct addr *to, enum edge_transport t,
	      uint32_t random, uint64_t now)
{
	uint32_t i = find_peer(ps, to, t);

	return i < ps->n && now < ps->peer[i].until_us && random % 100 < ps->peer[i].percent;
}
