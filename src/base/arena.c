#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { ARENA_ALIGN = 16 };

void
arena_init(struct arena *a, void *mem, size_t cap)
{
	*a = (struct arena){.p = mem, .cap = cap};
}

enum err
arena_new(struct arena *a, size_t cap)
{
	char *p = mem_zalloc(cap, 1);

	if (!p)
		return ERR_NOMEM;
	*a = (struct arena){.p = p, .cap = cap, .own = true};
	return ERR_OK;
}

void
arena_fini(struct arena *a)
{
	if (a->own)
		mem_free(a->p);
	*a = (struct arena){0};
}

void
arena_reset(struct arena *a)
{
	a->used = 0;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	size_t pad = (size_t)(-((uintptr_t)a->p + a->used) & (ARENA_ALIGN - 1));
	char *p;

	if (!a->p || pad > a->cap - a->used || size > a->cap - a->used - pad)
		return NULL;
	p = a->p + a->used + pad;
	a->used += pad + size;
	memset(p, 0, size);
	return p;
}

struct str
arena_str(struct arena *a, struct str s)
{
	char *p = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;

	if (!p)
		return STR_NULL;
	if (s.len)
		memcpy(p, s.p, s.len);
	return (struct str){p, s.len};
}
