/* The end of calls that nobody wants: an INVITE was left for another target (path.c), and the first
 * one answers it after all. */
#ifndef POSTERN_EDGE_STRAY_H
#define POSTERN_EDGE_STRAY_H

#include "edge/state.h"

/** The hook of this file in e: each 2xx of such an INVITE is acknowledged, then ended by BYE. */
void stray_init(struct edge *e);

#endif
