#include "base/pool.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

enum { POOL_ALIGN = 64 };

enum err
pool_init(struct pool *p, uint32_t n, size_t size)
{
	*p = (struct pool){0};
	if (size > SIZE_MAX - POOL_ALIGN)
		return ERR_NOMEM;
	p->n = p->n_free = n;
	p->size = size ? (size + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN : POOL_ALIGN;
	p->raw = mem_zalloc((size_t)n + 1, p->size);
	p->free = mem_zalloc(n, sizeof(*p->free));
	if (!p->raw || !p->free) {
		pool_fini(p);
		return ERR_NOMEM;
	}
	p->mem = p->raw + (POOL_ALIGN - (uintptr_t)p->raw % POOL_ALIGN) % POOL_ALIGN;
	for (uint32_t i = 0; i < n; i++)
		p->free[i] = n - 1 - i;
	return ERR_OK;
}

void
pool_fini(struct pool *p)
{
	mem_free(p->raw);
	mem_free(p->free);
	*p = (struct pool){0};
}

void *
pool_get(struct pool *p)
{
	void *obj;

	if (p->n_free == 0)
		return NULL;
	obj = pool_at(p, p->free[--p->n_free]);
	memset(obj, 0, p->size);
	return obj;
}

void
pool_put(struct pool *p, void *obj)
{
	if (!obj)
		return;
	assert(p->n_free < p->n);
	p->free[p->n_free++] = pool_index(p, obj);
}

uint32_t
pool_index(const struct pool *p, const void *obj)
{
	size_t off = (size_t)((const char *)obj - p->mem);

	assert(off % p->size == 0 && off / p->size < p->n);
	return (uint32_t)(off / p->size);
}

void *
pool_at(const struct pool *p, uint32_t index)
{
	assert(index < p->n);
	return p->mem + (size_t)index * p->size;
}

uint32_t
pool_used(const struct pool *p)
{
	return p->n - p->n_free;
}
