/* Credentials of the configuration, with the passwords of the block of keys, as edge wants them. */
#ifndef POSTERN_APP_CREDENTIALS_H
#define POSTERN_APP_CREDENTIALS_H

#include "conf/conf.h"
#include "edge/edge.h"

/** All of them, in place of those before. One whose password cannot be used is left out, and
 * logged. Loop thread. */
void credentials_tell(const struct conf *c, struct str pki, struct edge *e);

#endif
