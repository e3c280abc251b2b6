/* A bump allocator over one block: many small pieces with one common end. */
#ifndef POSTERN_BASE_ARENA_H
#define POSTERN_BASE_ARENA_H

#include "base/str.h"

struct arena {
	char *p;
	size_t used, cap;
	bool own; /* the block came from the heap in arena_new */
};

/** Over memory of the caller. */
void arena_init(struct arena *a, void *mem, size_t cap);
/** Over a heap block of cap bytes (boot and reload only). End with arena_fini. */
enum err arena_new(struct arena *a, size_t cap) NODISCARD;
void arena_fini(struct arena *a);
void arena_reset(struct arena *a);
/** size zeroed bytes, aligned to 16; NULL when full. */
void *arena_alloc(struct arena *a, size_t size) NODISCARD;
/** Copy of s with a NUL behind; p is NULL when full. */
struct str arena_str(struct arena *a, struct str s) NODISCARD;

#endif
