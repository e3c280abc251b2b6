#include "app/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/keeper_msg.h"
#include "base/log.h"

enum { LIMITS_PATH_MAX = 512 };

/* No call of an earlier life runs any more, and its clock is another one after a boot. */
static enum err
take_over(int fd, enum shm_found found)
{
	struct keeper_limits *l;
	struct shm m;
	enum err e = shm_map(fd, LIMITS_MAGIC, LIMITS_VERSION, true, false, &m);

	if (e != ERR_OK)
		return e;
	l = m.p;
	usage_close(l->usage, LIMITS_USAGE_ROWS);
	if (found == SHM_REBOOTED)
		memset(l->emergency, 0, sizeof(l->emergency));
	shm_unmap(&m);
	return ERR_OK;
}

enum err
limits_open(const char *store, int *out)
{
	char path[LIMITS_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s.usage", store), fd = -1;
	enum shm_found found = SHM_NEW;
	enum err e = ERR_IO;

	errno = ENAMETOOLONG;
	if (n > 0 && (size_t)n < sizeof(path))
		e = shm_file(path, LIMITS_MAGIC, LIMITS_VERSION, sizeof(struct keeper_limits),
			     &found, &fd);
	if (e == ERR_OK)
		e = take_over(fd, found);
	if (e == ERR_OK) {
		if (found == SHM_DISCARDED)
			log_warn("limits.anew",
				 "%s was not of this version: what accounts used today counts anew",
				 path);
		*out = fd;
		return ERR_OK;
	}
	log_warn("limits.memory",
		 "%s cannot be used (%s): what accounts used today is forgotten at the next stop",
		 path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return shm_create("postern-limits", LIMITS_MAGIC, LIMITS_VERSION,
			  sizeof(struct keeper_limits), out);
}
