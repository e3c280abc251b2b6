#include "edge/target.h"

#include <string.h>

enum { BACKOFF_STEPS = 8 /* doublings that change anything */ };

/* Address, port and transport as bytes to hash and compare. */
struct key {
	uint8_t ip[16];
	uint16_t port;
	uint8_t family, transport;
};

enum err
targets_init(struct targets *ts)
{
	enum err e;

	*ts = (struct targets){0};
	list_init(&ts->age);
	e = pool_init(&ts->pool, TARGETS_MAX, sizeof(struct target));
	return e == ERR_OK ? hash_init(&ts->by_addr, TARGETS_MAX) : e;
}

void
targets_fini(struct targets *ts)
{
	pool_fini(&ts->pool);
	hash_fini(&ts->by_addr);
}

static uint64_t
target_hash(const struct targets *ts, const struct addr *a, enum edge_transport t)
{
	struct key k = {.port = a->port, .family = a->family, .transport = (uint8_t)t};

	memcpy(k.ip, a->ip, sizeof(k.ip));
	return hash_of(&ts->by_addr, str_of(&k, sizeof(k)));
}

static struct target *
find_target(const struct targets *ts, const struct addr *a, enum edge_transport t)
{
	if (pool_used(&ts->pool) == 0)
		return NULL;
	for (struct hash_node *n = hash_first(&ts->by_addr, target_hash(ts, a, t)); n;
	     n = hash_next(n)) {
		struct target *x = CONTAINER_OF(n, struct target, node);

		if (x->transport == t && addr_eq(&x->addr, a))
			return x;
	}
	return NULL;
}

static void
drop_target(struct targets *ts, struct target *x)
{
	hash_del(&ts->by_addr, &x->node);
	list_del(&x->age);
	pool_put(&ts->pool, x);
}

static struct target *
add_target(struct targets *ts, const struct addr *a, enum edge_transport t)
{
	struct target *x = pool_get(&ts->pool);

	if (!x) {
		drop_target(ts, CONTAINER_OF(ts->age.next, struct target, age));
		x = pool_get(&ts->pool);
	}
	if (!x)
		return NULL;
	x->addr = *a;
	x->transport = t;
	list_init(&x->age);
	hash_add(&ts->by_addr, &x->node, target_hash(ts, a, t));
	return x;
}

void
targets_failed(struct targets *ts, const struct addr *a, enum edge_transport t, uint64_t for_us,
	       const char *why, uint32_t random, uint64_t now)
{
	struct target *x = find_target(ts, a, t);
	uint64_t wait;
	bool again;

	if (!x)
		x = add_target(ts, a, t);
	if (!x)
		return;
	list_del(&x->age);
	list_add(&ts->age, &x->age);
	wait = (uint64_t)TARGET_DOWN_US
	       << (x->failures < BACKOFF_STEPS ? x->failures : BACKOFF_STEPS);
	if (wait > TARGET_DOWN_MAX_US)
		wait = TARGET_DOWN_MAX_US;
	wait = wait / 2 + random % (wait / 2 + 1); /* not all of us at once */
	if (wait < for_us)
		wait = for_us < TARGET_DOWN_MAX_US ? for_us : TARGET_DOWN_MAX_US;
	again = now >= x->until; /* several requests that fail together are one failure */
	x->failures += again;
	if (now + wait > x->until)
		x->until = now + wait;
	if (again && ts->on_target)
		ts->on_target(ts->arg, a, t, false, why);
}

void
targets_worked(struct targets *ts, const struct addr *a, enum edge_transport t)
{
	struct target *x = find_target(ts, a, t);

	if (!x)
		return;
	drop_target(ts, x);
	if (ts->on_target)
		ts->on_target(ts->arg, a, t, true, "");
}

bool
targets_is_down(const struct targets *ts, const struct addr *a, enum edge_transport t, uint64_t now)
{
	const struct target *x = find_target(ts, a, t);

	return x && now < x->until;
}

void
targets_sort(const struct targets *ts, struct addr *a, uint32_t n, enum edge_transport t,
	     uint64_t now)
{
	uint32_t up = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct addr here = a[i];

		if (targets_is_down(ts, &here, t, now))
			continue;
		for (uint32_t k = i; k > up; k--) /* the down ones before it move back by one */
			a[k] = a[k - 1];
		a[up++] = here;
	}
}
