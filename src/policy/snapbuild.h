/* The snapshot is made: a roster's rows, sorted and packed into one block (snapshot.h). */
#ifndef POSTERN_POLICY_SNAPBUILD_H
#define POSTERN_POLICY_SNAPBUILD_H

#include "policy/snapshot.h"

/**
 * Build the bytes from a roster that passed roster_check. *out is from the heap: mem_free((void
 * *)out->p). NOMEM, CONFIG (a reference leads nowhere), FULL (beyond 4 GiB).
 */
enum err snapshot_build(struct roster *r, struct str *out) NODISCARD;

#endif
