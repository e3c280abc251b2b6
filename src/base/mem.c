#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *
mem_zalloc(size_t n, size_t size)
{
	return calloc(n ? n : 1, size ? size : 1);
}

char *
mem_dup(struct str s)
{
	char *p = s.len < SIZE_MAX ? malloc(s.len + 1) : NULL;

	if (!p)
		return NULL;
	if (s.len)
		memcpy(p, s.p, s.len);
	p[s.len] = 0;
	return p;
}

void *
mem_resize(void *p, size_t n, size_t size)
{
	return reallocarray(p, n ? n : 1, size ? size : 1);
}

void
mem_free(void *p)
{
	free(p);
}
