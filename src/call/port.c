#include "call/port.h"

#include "base/mem.h"

static struct port_queue *
queue_of(struct port_pool *p, uint32_t slot)
{
	return &p->free[slot / p->per_addr * p->n_workers + media_slot_worker(p->plan, slot)];
}

static void
put_free(struct port_pool *p, uint32_t slot)
{
	list_add(&queue_of(p, slot)->slots, &p->slots[slot].at);
	queue_of(p, slot)->n++;
}

static void
take_slot(struct port_pool *p, uint32_t slot, uint32_t generation)
{
	list_del(&p->slots[slot].at);
	queue_of(p, slot)->n--;
	p->slots[slot].used = true;
	p->slots[slot].generation = generation;
	p->used[slot / p->per_addr]++;
}

enum err
port_init(struct port_pool *p, const struct media_plan *plan, uint32_t generation_base)
{
	*p = (struct port_pool){.plan = plan,
				.n_slots = media_slots(plan),
				.per_addr = media_pairs(plan),
				.n_workers = media_workers(plan),
				.generation = generation_base};
	if (p->n_slots == 0 || plan->n_addrs > MEDIA_ADDRS_MAX)
		return ERR_RANGE;
	p->slots = mem_zalloc(p->n_slots, sizeof(*p->slots));
	if (!p->slots)
		return ERR_NOMEM;
	for (size_t i = 0; i < ARRAY_LEN(p->free); i++)
		list_init(&p->free[i].slots);
	for (uint32_t i = 0; i < p->n_slots; i++)
		put_free(p, i);
	return ERR_OK;
}

void
port_fini(struct port_pool *p)
{
	MEM_FREE(p->slots);
}

static struct port_slot *
first_of(const struct port_queue *q)
{
	return CONTAINER_OF(q->slots.next, struct port_slot, at);
}

/* Of the queues that will do, the longest one. rested: whose head, which rested longest, did so
 * long enough. */
static const struct port_queue *
pick_queue(const struct port_pool *p, uint32_t addr_index, uint32_t near, bool rested,
	   uint64_t now_us)
{
	const struct port_queue *best = NULL, *q = &p->free[addr_index * p->n_workers];

	for (uint32_t w = 0; w < p->n_workers; w++, q++) {
		uint64_t freed_at;

		if (q->n == 0 || (near != MEDIA_NO_SLOT && media_slot_worker(p->plan, near) != w))
			continue;
		freed_at = first_of(q)->freed_at;
		if (rested && freed_at && now_us - freed_at < PORT_REST_US)
			continue;
		if (!best || q->n > best->n)
			best = q;
	}
	return best;
}

uint32_t
port_reserve(uint32_t per_addr)
{
	uint32_t n = per_addr / PORT_RESERVE_SHARE, max = per_addr / PORT_RESERVE_MAX_SHARE;

	if (n < PORT_RESERVE_MIN)
		n = PORT_RESERVE_MIN;
	return n < max ? n : max;
}

enum err
port_alloc(struct port_pool *p, uint32_t addr_index, uint32_t near, bool spare, uint64_t now_us,
	   uint32_t *slot, uint32_t *generation)
{
	const struct port_queue *q;

	if (addr_index >= p->plan->n_addrs)
		return ERR_RANGE;
	if (!spare && port_idle(p, addr_index) <= port_reserve(p->per_addr))
		return ERR_FULL;
	q = pick_queue(p, addr_index, near, true, now_us);
	if (!q && spare)
		q = pick_queue(p, addr_index, near, false, now_us);
	if (!q)
		return ERR_FULL;
	if (++p->generation == 0)
		p->generation = 1; /* 0 = never open */
	*slot = (uint32_t)(first_of(q) - p->slots);
	*generation = p->generation;
	take_slot(p, *slot, p->generation);
	return ERR_OK;
}

void
port_free(struct port_pool *p, uint32_t slot, uint64_t now_us)
{
	if (slot >= p->n_slots || !p->slots[slot].used)
		return;
	p->slots[slot].used = false;
	p->slots[slot].freed_at = now_us ? now_us : 1;
	p->used[slot / p->per_addr]--;
	put_free(p, slot);
}

enum err
port_mark_used(struct port_pool *p, uint32_t slot, uint32_t generation)
{
	if (slot >= p->n_slots)
		return ERR_RANGE;
	if (p->slots[slot].used)
		return ERR_EXISTS;
	take_slot(p, slot, generation);
	if (generation > p->generation)
		p->generation = generation;
	return ERR_OK;
}

uint32_t
port_used(const struct port_pool *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->plan->n_addrs; i++)
		n += p->used[i];
	return n;
}

uint32_t
port_idle(const struct port_pool *p, uint32_t addr_index)
{
	return addr_index < p->plan->n_addrs ? p->per_addr - p->used[addr_index] : 0;
}
