/* A fixed number of equal objects, taken from the heap once; each begins a cache line (64 bytes).
 * get and put are O(1). */
#ifndef POSTERN_BASE_POOL_H
#define POSTERN_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct pool {
	char *raw, *mem; /* the allocation, and the first object in it */
	uint32_t *free;  /* stack of free indexes */
	uint32_t n, n_free;
	size_t size;
};

enum err pool_init(struct pool *p, uint32_t n, size_t size) NODISCARD;
void pool_fini(struct pool *p);
/** A zeroed object, or NULL when all are in use. */
void *pool_get(struct pool *p) NODISCARD;
/** obj must come from p and be in use; it is zeroed here, and not to be touched any more. NULL is
 * fine. */
void pool_put(struct pool *p, void *obj);
/** Index of an object of p: 0..n-1. */
uint32_t pool_index(const struct pool *p, const void *obj);
void *pool_at(const struct pool *p, uint32_t index);
uint32_t pool_used(const struct pool *p);

#endif
