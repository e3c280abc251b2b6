/* The roles of `postern run` (design.md 3). Each returns the exit status of its process. */
#ifndef POSTERN_APP_ROLE_H
#define POSTERN_APP_ROLE_H

#include <stdint.h>

#include "conf/conf.h"

/** The parent of all: reads the configuration (NULL: the embedded default), binds, starts the
 * roles, passes descriptors, starts again what dies. Returns when all have ended. */
int role_keeper(const char *conf_path);
/** Started by keeper with its descriptors at the numbers of enum role_fd. epoch: of this life. */
int role_signaling(uint64_t epoch);
int role_media(uint64_t epoch);
int role_admin(uint64_t epoch);

#endif
