#include "app/ctllink.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
ctllink_path(const struct conf *c, char out[CTLLINK_PATH_MAX])
{
	(void)snprintf(out, CTLLINK_PATH_MAX, "%s.control", c->store);
}

enum err
ctllink_make(const struct conf *c)
{
	char link[CTLLINK_PATH_MAX], full[PATH_MAX];

	ctllink_path(c, link);
	/* whoever follows it stands in another folder */
	if (!realpath(c->control, full) || (unlink(link) != 0 && errno != ENOENT) ||
	    symlink(full, link) != 0)
		return ERR_IO;
	return ERR_OK;
}

void
ctllink_drop(const struct conf *c)
{
	char link[CTLLINK_PATH_MAX];

	ctllink_path(c, link);
	(void)unlink(link);
}
