/* The ways out: which connection, listener and address a message takes, and what waits for them
 * (RFC 3263, RFC 3261 18.1.1 and 18.2.2). */
#ifndef POSTERN_EDGE_PATH_H
#define POSTERN_EDGE_PATH_H

#include "edge/send.h"

/* A request above it goes over TCP where the target takes that (RFC 3261 18.1.1). */
enum { PATH_UDP_MAX = 1300 };

/** The timers, counters and hooks of this file in e. */
void path_init(struct edge *e);
/** c opened: what waits for it is sent. */
void path_conn_open(struct edge *e, struct conn *c);
/** c is gone: what waits for it, or for an answer over it, is told. why: a sentence. */
void path_conn_down(struct edge *e, struct conn *c, const char *why);

#endif
