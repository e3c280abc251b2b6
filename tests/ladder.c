/* The failing-allocation ladder: linked into each unit program with -Wl,--wrap of the allocators,
 * so that calls from our objects (not from libraries) come here. Environment:
 *   LADDER_FAIL=k   call k (from 0) returns NULL, all others work
 *   LADDER_COUNT=f  the number of calls is written to the file f at exit
 * Without them the allocators are as always. tools/unit.py climbs k = 0, 1, 2 ... */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static atomic_long calls;
static long fail_at = -1;

__attribute__((constructor)) static void
read_env(void)
{
	const char *k = getenv("LADDER_FAIL");

	if (k)
		fail_at = strtol(k, NULL, 10);
}

__attribute__((destructor)) static void
write_count(void)
{
	const char *path = getenv("LADDER_COUNT");
	FILE *f = path ? fopen(path, "we") : NULL;

	if (!f)
		return;
	fprintf(f, "%ld\n", atomic_load(&calls));
	fclose(f);
}

static int
must_fail(void)
{
	if (atomic_fetch_add(&calls, 1) != fail_at)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *
__wrap_malloc(size_t n)
{
	return must_fail() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return must_fail() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return must_fail() ? NULL : __real_realloc(p, n);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return must_fail() ? NULL : __real_reallocarray(p, n, size);
}
