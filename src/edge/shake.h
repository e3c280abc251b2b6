/* What became of a handshake: a connection, or none, and its record either way. */
#ifndef POSTERN_EDGE_SHAKE_H
#define POSTERN_EDGE_SHAKE_H

#include "edge/state.h"

/** Of the handshake thread, in the loop; arg: struct edge. Frees res. */
void shake_ended(void *arg, struct tls_result *res);
/** Of listeners: a connection that got no handshake; arg: struct edge. */
void shake_turned_away(void *arg, const struct tls_record *r);
/** Of connections: none was begun, c was never connected; arg: struct edge. */
void shake_undialled(void *arg, const struct conn *c);

#endif
