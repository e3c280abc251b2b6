/* The listeners of postern.yaml. */
#ifndef POSTERN_CONF_LISTENER_H
#define POSTERN_CONF_LISTENER_H

#include "conf/confparse.h"

/** `listeners`; after `zones`, which they name. */
void conflistener_read(struct confparse *p);

#endif
