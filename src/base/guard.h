/* Guards named by an id of the reliability catalogue (M3, P4, ...). In a normal build
 * GUARD(id, c) is c. In a red build (-Dred=true) the guard named in POSTERN_GUARD_OFF counts as
 * passed, so that `./dev soak red` can show the test that fails without it. */
#ifndef POSTERN_BASE_GUARD_H
#define POSTERN_BASE_GUARD_H

#ifdef POSTERN_RED
#include <stdlib.h>
#include <string.h>

static inline int
guard_off(const char *id)
{
	const char *off = getenv("POSTERN_GUARD_OFF");

	return off && strcmp(off, id) == 0;
}
#define GUARD(id, condition) (guard_off(#id) || (condition))
#else
#define GUARD(id, condition) (condition)
#endif

#endif
