/* The segment of what accounts used today (struct keeper_limits), made by keeper. */
#ifndef POSTERN_APP_LIMITS_H
#define POSTERN_APP_LIMITS_H

#include "base/err.h"

/**
 * The segment in the file STORE.usage, with what it held; calls of an earlier life are settled. Of
 * something else there a new one is begun, and where there can be no such file it lies in memory,
 * each with a warning. IO: not in memory either.
 */
enum err limits_open(const char *store, int *fd) NODISCARD;

#endif
