/* How a call begins: with nothing in it yet. */
#ifndef POSTERN_CALL_CREATE_H
#define POSTERN_CALL_CREATE_H

#include "call/state.h"

/** A call with nothing in it yet, at this slot of the records; NULL: as many as there may be. */
struct call *create_call(struct calls *cs, uint32_t slot);
/** Its record, and leg A of it as src shows it; src->trunk is known. */
void create_record(struct call *c, const struct edge_source *src);

#endif
