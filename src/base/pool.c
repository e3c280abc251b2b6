#include "base/pool.h"

#include <assert.h>
#include <string.h>

#include "base/list.h"
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

/* Lines that are zero are only read: a page that was never written stays without memory, and one
 * object of many does not push others out of the caches. */
static bool
wipe_lines(char *obj, size_t size, bool only_look)
{
	for (size_t at = 0; at < size; at += POOL_ALIGN) {
		uint64_t w[POOL_ALIGN / sizeof(uint64_t)], any = 0;

		memcpy(w, obj + at, POOL_ALIGN);
		for (size_t i = 0; i < ARRAY_LEN(w); i++)
			any |= w[i];
		if (any && only_look)
			return false;
		if (any)
			memset(obj + at, 0, POOL_ALIGN);
	}
	return true;
}

void *
pool_get(struct pool *p)
{
	void *obj;

	if (p->n_free == 0)
		return NULL;
	obj = pool_at(p, p->free[--p->n_free]);
#ifdef __SANITIZE_ADDRESS__
	assert(wipe_lines(obj, p->size, true)); /* somebody wrote to it after pool_put */
#endif
	return obj;
}

void
pool_put(struct pool *p, void *obj)
{
	if (!obj)
		return;
	assert(p->n_free < p->n);
	(void)wipe_lines(obj, p->size, false);
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
