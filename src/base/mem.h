/* The heap, for boot, reload and commands. What runs per call or packet takes from pools. */
#ifndef POSTERN_BASE_MEM_H
#define POSTERN_BASE_MEM_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

/** n zeroed objects of size bytes, or NULL (also on overflow). Free with mem_free. */
void *mem_zalloc(size_t n, size_t size) NODISCARD;
/** A NUL-terminated copy of s, or NULL. */
char *mem_dup(struct str s) NODISCARD;
/** Grow or shrink as realloc; NULL leaves p as it was. */
void *mem_resize(void *p, size_t n, size_t size) NODISCARD;
/** NULL is fine. Use MEM_FREE, which nulls the pointer. */
void mem_free(void *p);
#define MEM_FREE(p)                                                                                \
	do {                                                                                       \
		mem_free(p);                                                                       \
		(p) = NULL;                                                                        \
	} while (0)

#endif
