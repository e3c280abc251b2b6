/* For tables: each prints the row's name with got and wanted when they differ, and says so. */
#ifndef POSTERN_TESTS_BASE_ROWS_H
#define POSTERN_TESTS_BASE_ROWS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/str.h"

/* Under ASan an impossible size is NULL, as without it. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static inline int
row_num(const char *name, uint64_t got, uint64_t want)
{
	if (got == want)
		return 0;
	print_message("# %s: got %llu (0x%llx), wanted %llu\n", name, (unsigned long long)got,
		      (unsigned long long)got, (unsigned long long)want);
	return 1;
}

static inline int
row_err(const char *name, enum err got, enum err want)
{
	if (got == want)
		return 0;
	print_message("# %s: got %s, wanted %s\n", name, err_name(got), err_name(want));
	return 1;
}

static inline int
row_str(const char *name, struct str got, struct str want)
{
	if (got.len == want.len && (got.len == 0 || memcmp(got.p, want.p, got.len) == 0))
		return 0;
	print_message("# %s: got \"%.*s\" (%zu), wanted \"%.*s\" (%zu)\n", name, STR_ARG(got),
		      got.len, STR_ARG(want), want.len);
	return 1;
}

#endif
