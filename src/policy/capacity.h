/* How many calls does a trunk take, and its group with it (policy/limit.h)? */
#ifndef POSTERN_POLICY_CAPACITY_H
#define POSTERN_POLICY_CAPACITY_H

#include "policy/limit.h"
#include "policy/snapshot.h"

/** One INVITE over trunk t of v at now_us: do its rate and its group's let it pass? */
bool capacity_attempt(struct limit *l, const struct snapshot_view *v, uint32_t t,
		      uint64_t now_us) NODISCARD;
/** Count a call over it, in its group, too. FULL: one of them is; what was taken is given back by
 * capacity_give or limit_give. NOMEM as limit_take. */
enum err capacity_take(struct limit *l, const struct snapshot_view *v, uint32_t t, bool force,
		       struct limit_hold *h) NODISCARD;
/** The call has left this trunk for another one; nothing where h does not hold it. */
void capacity_give(struct limit *l, const struct snapshot_view *v, uint32_t t,
		   struct limit_hold *h);

#endif
