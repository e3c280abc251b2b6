#include "call/divert.h"

#include <stdio.h>
#include <string.h>

#include "call/caller.h"

enum { DIVERT_INDEX = CALL_HISTORY_INDEX + 2 * (CALL_REDIRECTS_MAX + 1) };

/* The target in hand; NULL: there is none. */
static const struct call_target *
in_hand(const struct call *c)
{
	return c->setup && c->setup->tried ? &c->setup->target[c->setup->tried - 1] : NULL;
}

static const struct call_target *
parent_of(const struct call *c, const struct call_target *t)
{
	return t->depth ? &c->setup->target[t->parent] : NULL;
}

/* Was another number called before? */
static bool
is_diverted(const struct call_target *t, const struct call_target *before)
{
	return strcmp(t->number, before->number) != 0;
}

void
divert_put_diversions(const struct call *c, struct buf *b, const struct addr *host)
{
	const struct call_target *t = in_hand(c), *before;
	char mem[128];
	struct buf uri;

	for (; t && (before = parent_of(c, t)); t = before) {
		if (!is_diverted(t, before))
			continue;
		buf_init(&uri, mem, sizeof(mem));
		caller_put_number_uri(&uri, before->number, host);
		sip_edit_hdr_fmt(b, SIP_H_DIVERSION, "<%.*s>;reason=%s;counter=1", (int)uri.len,
				 uri.p, t->rang ? "deflection" : "unconditional");
	}
}

/* One entry; mapped: the index of what became this one (RFC 7044 10.5), "" = it did not. */
static void
put_entry(struct buf *b, const struct call_target *t, const struct addr *host, const char *index,
	  const char *mapped)
{
	char mem[128];
	struct buf uri;

	buf_init(&uri, mem, sizeof(mem));
	caller_put_number_uri(&uri, t->number, host);
	if (t->depth)
		buf_printf(&uri, ";cause=%u", t->cause);
	sip_edit_hdr_fmt(b, SIP_H_HISTORY_INFO, "<%.*s>;index=%s%s%s", (int)uri.len, uri.p, index,
			 mapped[0] ? ";mp=" : "", mapped);
}

void
divert_put_history(const struct call *c, struct buf *b, const struct addr *host)
{
	const struct call_target *way[CALL_REDIRECTS_MAX + 1], *t = in_hand(c);
	const struct call_caller *k = &c->caller;
	char index[DIVERT_INDEX] = "1", mapped[DIVERT_INDEX];
	uint32_t n = 0;

	if (!t || t->depth == 0 || (k->history_withheld && k->n_history == 0))
		return;
	for (; t && n <= CALL_REDIRECTS_MAX; t = parent_of(c, t))
		way[n++] = t;
	t = way[--n];
	if (k->n_history)
		memcpy(index, c->setup->history[k->n_history - 1].index, CALL_HISTORY_INDEX);
	if (k->n_history && strcmp(c->setup->history[k->n_history - 1].number, t->number) != 0)
		(void)!str_copyz(index + strlen(index), sizeof(index) - strlen(index), STR(".1"));
	if (!k->n_history || strcmp(c->setup->history[k->n_history - 1].number, t->number) != 0)
		put_entry(b, t, host, index, "");
	while (n-- > 0) {
		if (!is_diverted(way[n], way[n + 1]))
			continue;
		memcpy(mapped, index, sizeof(mapped));
		(void)!str_copyz(index + strlen(index), sizeof(index) - strlen(index), STR(".1"));
		put_entry(b, way[n], host, index, mapped);
	}
}

void
divert_put_contacts(const struct call *c, struct buf *b)
{
	const struct calls *cs = c->owner;
	uint32_t trunk = cs->snap ? snapshot_trunk(cs->snap, str_from(c->rec.leg[LEG_A].trunk.z))
				  : POLICY_NONE;
	struct edge_local local;

	if (!c->setup || trunk == POLICY_NONE ||
	    cs->ops.do_local(cs->ops.arg, trunk, &local) != ERR_OK)
		return;
	for (uint32_t i = 0; i < c->setup->n_contacts; i++) {
		unsigned q = c->setup->contact[i].q;

		buf_z(b, "Contact: <sip:");
		sip_escape_user(b, str_from(c->setup->contact[i].number));
		buf_char(b, '@');
		if (local.zone[0])
			buf_z(b, local.zone);
		else
			addr_put_ip(b, &local.advertised, true);
		if (!local.zone[0] && local.advertised.port)
			buf_printf(b, ":%u", local.advertised.port);
		buf_printf(b, "%s>;q=%u.%03u\r\n",
			   local.transport == EDGE_TLS   ? ";transport=tls"
			   : local.transport == EDGE_TCP ? ";transport=tcp"
							 : "",
			   q / 1000, q % 1000);
	}
}
