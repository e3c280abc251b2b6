/* What call asks of edge, media and the records of its worker. */
#ifndef POSTERN_APP_WIRE_CALL_H
#define POSTERN_APP_WIRE_CALL_H

#include "app/worker.h"

/** The table of pointers. w outlives what it is given to. */
void wire_call_ops(struct worker *w, struct call_ops *ops);

#endif
