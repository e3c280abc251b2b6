/* What comes in: messages. */
#ifndef POSTERN_EDGE_RECEIVE_H
#define POSTERN_EDGE_RECEIVE_H

#include "edge/state.h"

/** Of listeners; arg: struct edge. */
void receive_datagram(void *arg, struct listener *l, const struct addr *from, const struct addr *to,
		      const struct identity *id, struct str bytes);
/** What connections tell; arg of each: struct edge. */
void receive_conn_calls(struct edge *e, struct conn_up *out);

#endif
