#include "policy/hello.h"

#include "policy/source.h"

/* "ACCOUNT.zone": case does not count in names, and ids are mostly lower case. */
static uint32_t
by_name(const struct snapshot_view *v, const struct hello_peer *p)
{
	char mem[POLICY_ID_MAX];
	struct str rest = p->sni, label = str_cut(&rest, '.');
	uint32_t found;

	if (rest.len && rest.p[rest.len - 1] == '.')
		rest.len--;
	if (!str_ieq(rest, p->zone) || label.len == 0 || label.len >= sizeof(mem))
		return POLICY_NONE;
	found = snapshot_account(v, label);
	for (size_t i = 0; i < label.len; i++)
		mem[i] = ascii_lower(label.p[i]);
	return found != POLICY_NONE ? found : snapshot_account(v, str_of(mem, label.len));
}

/* May a peer of this trunk come so? */
static bool
trunk_fits(const struct snapshot_view *v, const struct trunk *t, const struct hello_peer *p)
{
	return t->kind == TRUNK_CUSTOMER && t->transport == TRUNK_TLS && t->enabled &&
	       v->account[t->account].enabled &&
	       (t->zone.len == 0 || str_ieq(snapshot_text(v, t->zone), p->zone)) &&
	       (t->listener.len == 0 || str_eq(snapshot_text(v, t->listener), p->listener));
}

static uint32_t
by_source(const struct snapshot_view *v, const struct hello_peer *p)
{
	struct source_walk w = {.addr = p->source};
	uint32_t row, found = POLICY_NONE;

	while ((row = source_next(v, &w)) != POLICY_NONE) {
		const struct trunk *t = &v->trunk[v->source[row].trunk];

		if (!trunk_fits(v, t, p))
			continue;
		if (found != POLICY_NONE && found != t->account)
			return POLICY_NONE;
		found = t->account;
	}
	return found;
}

uint32_t
hello_account(const struct snapshot_view *v, const struct hello_peer *p)
{
	uint32_t found = by_name(v, p);

	return found != POLICY_NONE ? found : by_source(v, p);
}
