/* The zones of postern.yaml, and where revocation lists are fetched from. */
#ifndef POSTERN_CONF_ZONE_H
#define POSTERN_CONF_ZONE_H

#include "conf/confparse.h"

/** `zones`; after `tls_profiles`, which they name. */
void confzone_read(struct confparse *p);
/** `crl`. */
void confcrl_read(struct confparse *p);

#endif
