#include "edge/state.h"

struct edge_local
edge_local_at(const struct edge *e, const struct listener *l)
{
	bool zoned = l->conf.transport == EDGE_TLS && l->conf.zone < e->conf.n_zones;

	return (struct edge_local){.advertised = l->conf.advertised,
				   .transport = l->conf.transport,
				   .listener = l->index,
				   .zone = zoned ? e->zone_fqdn[l->conf.zone] : ""};
}

void
edge_reached(struct edge *e, const struct addr *addr, enum edge_transport transport)
{
	targets_worked(&e->targets, addr, transport);
}

enum err
edge_local_of(struct edge *e, uint32_t trunk, struct edge_local *out)
{
	static const enum edge_transport transports[] = {
		[TRUNK_TLS] = EDGE_TLS, [TRUNK_UDP] = EDGE_UDP, [TRUNK_TCP] = EDGE_TCP};
	struct listener_want want = {.zone = UINT32_MAX};
	const struct trunk *t;
	struct listener *l;
	struct str zone;
	struct addr ip;

	if (!e->snap || trunk >= e->snap->n_trunks)
		return ERR_NOTFOUND;
	t = &e->snap->trunk[trunk];
	zone = snapshot_text(e->snap, t->zone);
	for (uint32_t i = 0; zone.len && i < e->conf.n_zones; i++)
		if (str_ieqz(zone, e->zone_fqdn[i]))
			want.zone = i;
	want.transport = transports[t->transport];
	want.customer = t->kind == TRUNK_CUSTOMER;
	want.name = snapshot_text(e->snap, t->listener);
	if (addr_parse_ip(snapshot_text(e->snap, t->host), &ip) == ERR_OK)
		want.family = ip.family;
	l = listeners_for(&e->listeners, &want);
	if (!l)
		return ERR_NOTFOUND;
	*out = edge_local_at(e, l);
	return ERR_OK;
}

void
edge_show(const struct edge *e, const struct edge_seen *seen)
{
	if (e->up.on_message)
		e->up.on_message(e->up.arg, seen);
}

bool
edge_is_emergency(const struct edge *e, const struct sip_msg *m)
{
	struct number n;

	return m->method == SIP_INVITE &&
	       number_read_uri(&e->conf.numbers, &m->uri, &n) == ERR_OK &&
	       n.kind == NUMBER_EMERGENCY;
}

bool
edge_only_refuses(const struct edge *e, const struct edge_source *src)
{
	return src->account_id.z[0] &&
	       (src->transport == EDGE_TLS ||
		(src->trunk != POLICY_NONE && trunk_encrypts(e->snap->trunk[src->trunk].security)));
}

struct policy_id
edge_parent_of(const struct edge *e, const struct policy_id *account)
{
	uint32_t a = e->snap && account->z[0] ? snapshot_account(e->snap, str_from(account->z))
					      : POLICY_NONE;

	if (a == POLICY_NONE || e->snap->account[a].parent_row == POLICY_NONE)
		return (struct policy_id){""};
	return snapshot_account_id(e->snap, e->snap->account[a].parent_row);
}

bool
edge_read(const struct edge *e, struct str bytes, struct sip_msg *m)
{
	return sip_msg_parse(bytes, m) == ERR_OK || (m->only_forwards && edge_is_emergency(e, m));
}

const struct sip_msg *
edge_txn_request(const struct edge_txn *t)
{
	struct edge *e = t->owner;

	if (!t->req.p || !edge_read(e, str_of(t->req.p, t->req.len), &e->req))
		return NULL;
	return &e->req;
}

const struct edge_source *
edge_txn_source(const struct edge_txn *t)
{
	return &t->src;
}

const char *
edge_txn_branch(const struct edge_txn *t)
{
	return t->branch;
}

void
edge_txn_set_user(struct edge_txn *t, void *user)
{
	t->user = user;
}

void *
edge_txn_user(const struct edge_txn *t)
{
	return t->user;
}
