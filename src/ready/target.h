/* May a connection be made to this address at all? */
#ifndef POSTERN_READY_TARGET_H
#define POSTERN_READY_TARGET_H

#include "ready/facts.h"

/** NULL, or why no equipment can be at address a (port of the check included), in words that follow
 * the address: "is ..". own: where we connect from. Static. */
const char *target_fault(const struct addr *a, const struct probe_own *own);

#endif
