#include "app/portshare.h"

#include "base/hash.h"
#include "base/mem.h"

enum err
portshare_init(struct portshare *s, const struct port_pool *p)
{
	*s = (struct portshare){.n_slots = p->n_slots, .per_addr = p->per_addr};
	list_init(&s->rests);
	s->slot = mem_zalloc(p->n_slots, sizeof(*s->slot));
	if (!s->slot)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < p->n_slots; i++)
		list_init(&s->slot[i].rest);
	return ERR_OK;
}

void
portshare_fini(struct portshare *s)
{
	MEM_FREE(s->slot);
}

uint16_t
portshare_owner(struct str account)
{
	static const uint64_t key[2] = {1, 2}; /* only operators choose names */

	return (uint16_t)(1 + hash_siphash(key, account.p, account.len) % (PORTSHARE_OWNERS - 1));
}

/* It counts for nobody any more. */
static void
forget_slot(struct portshare *s, struct portshare_slot *x)
{
	uint32_t a = (uint32_t)(x - s->slot) / s->per_addr;

	if (!list_empty(&x->rest))
		s->resting[a]--;
	list_del(&x->rest);
	if (x->owner != PORTSHARE_NOBODY)
		s->held[a][x->owner]--;
	x->owner = PORTSHARE_NOBODY;
}

static void
end_rests(struct portshare *s, uint64_t now)
{
	while (!list_empty(&s->rests)) {
		struct portshare_slot *x = CONTAINER_OF(s->rests.next, struct portshare_slot, rest);

		if (now - x->freed_at < PORT_REST_US)
			return;
		forget_slot(s, x);
	}
}

bool
portshare_may(struct portshare *s, const struct port_pool *p, uint32_t addr_index, uint16_t owner,
	      uint64_t now)
{
	uint32_t gone, idle;

	end_rests(s, now);
	if (owner == PORTSHARE_NOBODY || addr_index >= MEDIA_ADDRS_MAX)
		return true;
	gone = s->resting[addr_index] + port_reserve(s->per_addr);
	idle = port_idle(p, addr_index);
	return s->held[addr_index][owner] <=
	       PORTSHARE_TIMES * (idle > gone ? idle - gone : 0) + PORTSHARE_TIMES;
}

void
portshare_take(struct portshare *s, uint32_t slot, uint16_t owner)
{
	if (slot >= s->n_slots)
		return;
	forget_slot(s, &s->slot[slot]);
	s->slot[slot].owner = owner;
	if (owner != PORTSHARE_NOBODY)
		s->held[slot / s->per_addr][owner]++;
}

void
portshare_free(struct portshare *s, uint32_t slot, uint64_t now)
{
	struct portshare_slot *x = slot < s->n_slots ? &s->slot[slot] : NULL;

	if (!x || x->owner == PORTSHARE_NOBODY || !list_empty(&x->rest))
		return;
	x->freed_at = now;
	list_add(&s->rests, &x->rest);
	s->resting[slot / s->per_addr]++;
}
