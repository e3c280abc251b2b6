#include "policy/capacity.h"

/* Text id of the group of a trunk, "" where it has none. */
static struct policy_id
group_id(const struct snapshot_view *v, const struct trunk *t)
{
	struct policy_id id = {""};

	(void)!str_copyz(id.z, sizeof(id.z), snapshot_text(v, t->group));
	return id;
}

bool
capacity_attempt(struct limit *l, const struct snapshot_view *v, uint32_t t, uint64_t now_us)
{
	const struct trunk *row = &v->trunk[t];

	return limit_attempt(l, LIMIT_TRUNK, snapshot_trunk_id(v, t).z, row->attempts, now_us) &&
	       (row->group_attempts == 0 ||
		limit_attempt(l, LIMIT_GROUP, group_id(v, row).z, row->group_attempts, now_us));
}

enum err
capacity_take(struct limit *l, const struct snapshot_view *v, uint32_t t, bool force,
	      struct limit_hold *h)
{
	const struct trunk *row = &v->trunk[t];
	struct policy_id group = group_id(v, row);
	enum err e =
		limit_take(l, LIMIT_TRUNK, snapshot_trunk_id(v, t).z, row->max_calls, force, h);

	/* without a limit, too: one may come while the call is up */
	if (e == ERR_OK && group.z[0])
		e = limit_take(l, LIMIT_GROUP, group.z, row->group_calls, force, h);
	return e;
}

void
capacity_give(struct limit *l, const struct snapshot_view *v, uint32_t t, struct limit_hold *h)
{
	limit_give_one(l, LIMIT_TRUNK, snapshot_trunk_id(v, t).z, h);
	limit_give_one(l, LIMIT_GROUP, group_id(v, &v->trunk[t]).z, h);
}
