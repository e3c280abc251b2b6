/* What the tests of the SIP grammar share. Inputs are put at the very end of a static area, so
 * that ASan sees a read of one byte too many. */
#ifndef POSTERN_TESTS_UNIT_SIP_ROWS_H
#define POSTERN_TESTS_UNIT_SIP_ROWS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "sip/msg.h"

enum { AREA_SIZE = 256 * 1024 };
static char area[AREA_SIZE];

static inline struct str
at_end(struct str s)
{
	assert_true(s.len <= AREA_SIZE);
	if (s.len)
		memmove(area + AREA_SIZE - s.len, s.p, s.len);
	return str_of(area + AREA_SIZE - s.len, s.len);
}

static inline void
check_str(const char *row, const char *what, struct str got, const char *want)
{
	if (!str_eqz(got, want))
		fail_msg("%s: %s is \"%.*s\", wanted \"%s\"", row, what, STR_ARG(got), want);
}

static inline void
check_err(const char *row, enum err got, enum err want)
{
	if (got != want)
		fail_msg("%s: %s, wanted %s", row, err_name(got), err_name(want));
}

static inline void
check_num(const char *row, const char *what, long long got, long long want)
{
	if (got != want)
		fail_msg("%s: %s is %lld, wanted %lld", row, what, got, want);
}

#endif
