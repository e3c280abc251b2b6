#include "media/port.h"

#include "base/mem.h"

static void
queue_push(struct port_pool *p, uint32_t slot)
{
	uint32_t addr = slot / p->per_addr;
	struct port_slot *s = &p->slots[slot];

	s->next = MEDIA_NO_SLOT;
	s->prev = p->tail[addr];
	if (p->tail[addr] == MEDIA_NO_SLOT)
		p->head[addr] = slot;
	else
		p->slots[p->tail[addr]].next = slot;
	p->tail[addr] = slot;
}

static void
queue_del(struct port_pool *p, uint32_t slot)
{
	uint32_t addr = slot / p->per_addr;
	struct port_slot *s = &p->slots[slot];

	if (s->prev == MEDIA_NO_SLOT)
		p->head[addr] = s->next;
	else
		p->slots[s->prev].next = s->next;
	if (s->next == MEDIA_NO_SLOT)
		p->tail[addr] = s->prev;
	else
		p->slots[s->next].prev = s->prev;
}

enum err
port_init(struct port_pool *p, const struct media_plan *plan, uint32_t generation_base)
{
	*p = (struct port_pool){.n_slots = media_slots(plan), .n_addrs = plan->n_addrs};
	if (p->n_slots == 0 || plan->n_addrs > MEDIA_ADDRS_MAX)
		return ERR_RANGE;
	p->per_addr = p->n_slots / plan->n_addrs;
	p->generation = generation_base;
	p->slots = mem_zalloc(p->n_slots, sizeof(*p->slots));
	if (!p->slots)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < MEDIA_ADDRS_MAX; i++)
		p->head[i] = p->tail[i] = MEDIA_NO_SLOT;
	for (uint32_t i = 0; i < p->n_slots; i++)
		queue_push(p, i);
	return ERR_OK;
}

void
port_fini(struct port_pool *p)
{
	MEM_FREE(p->slots);
}

static void
take_slot(struct port_pool *p, uint32_t slot, uint32_t generation)
{
	queue_del(p, slot);
	p->slots[slot].used = true;
	p->slots[slot].generation = generation;
	p->used[slot / p->per_addr]++;
}

/* The head has rested longest. */
static enum err
take_head(struct port_pool *p, uint32_t addr_index, uint32_t *slot, uint32_t *generation)
{
	uint32_t first = p->head[addr_index];

	if (first == MEDIA_NO_SLOT)
		return ERR_FULL;
	if (++p->generation == 0)
		p->generation = 1; /* 0 = never open */
	take_slot(p, first, p->generation);
	*slot = first;
	*generation = p->generation;
	return ERR_OK;
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
port_alloc(struct port_pool *p, uint32_t addr_index, uint64_t now_us, uint32_t *slot,
	   uint32_t *generation)
{
	const struct port_slot *first;

	if (addr_index >= p->n_addrs)
		return ERR_RANGE;
	if (port_idle(p, addr_index) <= port_reserve(p->per_addr))
		return ERR_FULL;
	first = &p->slots[p->head[addr_index]];
	if (first->freed_at && now_us - first->freed_at < PORT_REST_US)
		return ERR_FULL;
	return take_head(p, addr_index, slot, generation);
}

enum err
port_alloc_emergency(struct port_pool *p, uint32_t addr_index, uint32_t *slot, uint32_t *generation)
{
	return addr_index < p->n_addrs ? take_head(p, addr_index, slot, generation) : ERR_RANGE;
}

void
port_free(struct port_pool *p, uint32_t slot, uint64_t now_us)
{
	if (slot >= p->n_slots || !p->slots[slot].used)
		return;
	p->slots[slot].used = false;
	p->slots[slot].freed_at = now_us ? now_us : 1;
	p->used[slot / p->per_addr]--;
	queue_push(p, slot);
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

	for (uint32_t i = 0; i < p->n_addrs; i++)
		n += p->used[i];
	return n;
}

uint32_t
port_idle(const struct port_pool *p, uint32_t addr_index)
{
	return addr_index < p->n_addrs ? p->per_addr - p->used[addr_index] : 0;
}
