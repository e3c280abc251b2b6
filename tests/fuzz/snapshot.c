/* The snapshot of accounts: any bytes are refused, or every question to them is answered from
 * inside the block. */
#include <stdlib.h>
#include <string.h>

#include "policy/identity.h"
#include "policy/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
of_family(const struct snapshot_view *v, uint32_t account, uint32_t head)
{
	return account == head || v->account[account].parent_row == head;
}

static void
ask_peer(const struct snapshot_view *v, struct str name, struct str zone)
{
	struct cert_view cert = {.dns = &name, .n_dns = 1};
	struct identity_peer p = {.cert = &cert, .zone = zone};
	struct identity_request rq = {.host = name, .calling = STR("+12015550100")};
	char why[IDENTITY_WHY_MAX];
	struct identity id;
	uint32_t t;
	struct buf b;

	if (v->n_sources)
		p.source = v->source[v->n_sources / 2].range.net;
	buf_init(&b, why, sizeof(why));
	if (identity_of_peer(v, &p, &id, &b) != IDENTITY_OK)
		return;
	if (id.n_trunks == 0 || id.account >= v->n_accounts)
		abort();
	for (uint32_t i = 0; i < id.n_trunks; i++)
		if (!of_family(v, v->trunk[id.trunk[i]].account, id.account))
			abort();
	t = identity_pick(v, &id, &rq);
	if (t != POLICY_NONE &&
	    (t >= v->first_carrier || !of_family(v, v->trunk[t].account, id.account)))
		abort();
}

static void
ask_source(const struct snapshot_view *v, uint32_t row)
{
	struct identity_origin o = {.kind = row % TRUNK_KIND_N,
				    .transport = row % TRUNK_TRANSPORT_N,
				    .listener = STR("line"),
				    .zone = STR("z"),
				    .source = v->source[row].range.net};
	struct identity_request rq = {
		.source = o.source, .host = STR("z"), .calling = STR("+12015550100")};
	struct identity id;

	if (identity_of_source(v, &o, &id, NULL) == IDENTITY_OK &&
	    identity_pick(v, &id, &rq) >= v->n_trunks)
		abort();
	(void)!identity_of_disabled(v, &o, &id);
	(void)snapshot_rate(v, STR("+442071838750"));
}

static void
ask_all(const struct snapshot_view *v)
{
	struct route r;
	char out[NUMBER_SIZE];

	for (uint32_t i = 0; i < v->n_trunks; i++) {
		const struct trunk *t = &v->trunk[i];

		if (snapshot_trunk(v, snapshot_text(v, t->id)) != i)
			abort();
		(void)!route_called(v, i, STR("+12015550100"), out);
		if (i < 16)
			ask_peer(v, snapshot_text(v, t->host), snapshot_text(v, t->zone));
	}
	ask_peer(v, STR("*.acme.example"), STR("z"));
	for (uint32_t i = 0; i < v->n_accounts; i++)
		if (snapshot_account(v, snapshot_text(v, v->account[i].id)) != i)
			abort();
	for (uint32_t i = 0; i < v->n_sources; i++)
		ask_source(v, i);
	for (uint32_t a = 0; a <= v->n_accounts && a < 16; a++) {
		struct route_ask ask = {a < v->n_accounts ? a : POLICY_NONE, STR("+442071838750"),
					CLASS_INTERNATIONAL, 600};

		if (route_outbound(v, &ask, NULL, v->version, &r) == ROUTE_OK)
			for (uint32_t i = 0; i < r.n; i++)
				if (r.trunk[i] < v->first_carrier || r.trunk[i] >= v->n_trunks)
					abort();
	}
	if (route_inbound(v, STR("+12015550100"), &r) == ROUTE_OK && r.trunk[0] >= v->first_carrier)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot_view v;
	void *copy = aligned_alloc(8, (size + 7) & ~(size_t)7); /* as a mapping is */

	if (size && copy)
		memcpy(copy, data, size);
	if (copy && snapshot_open(str_of(copy, size), &v) == ERR_OK)
		ask_all(&v);
	free(copy);
	return 0;
}
