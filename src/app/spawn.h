/* A role's process, from the fork on: its descriptors at their numbers, then our own binary again.
 */
#ifndef POSTERN_APP_SPAWN_H
#define POSTERN_APP_SPAWN_H

#include "conf/conf.h"
#include "app/keeper_msg.h"

struct spawn_fds {
	int from[ROLE_FD_LISTEN + CONF_LISTENERS_MAX]; /* by target number; -1 = none */
};

/** In the child: never returns. log_fd becomes its standard error. */
_Noreturn void spawn_exec(enum keeper_role role, uint64_t epoch, uint32_t log_level,
			  struct spawn_fds *m, int log_fd);

#endif
