/* What a call does when its time has come. */
#ifndef POSTERN_CALL_DUE_H
#define POSTERN_CALL_DUE_H

#include "base/timer.h"

/** struct call's timer: the earliest of its deadlines has passed. The call may be gone then. */
void due_on(struct timer *t, uint64_t now_us);

#endif
