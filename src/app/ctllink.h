/* A link beside the store to the control socket of the postern that works with it: so that it is
 * found by its store where `control` of its configuration was changed while it runs. */
#ifndef POSTERN_APP_CTLLINK_H
#define POSTERN_APP_CTLLINK_H

#include "conf/conf.h"

enum { CTLLINK_PATH_MAX = CONF_PATH_MAX + 32 };

/** Where the link of this configuration's store is. */
void ctllink_path(const struct conf *c, char out[CTLLINK_PATH_MAX]);
/** Make it, in place of an older one; c->control is there. IO: errno says why. */
enum err ctllink_make(const struct conf *c) NODISCARD;
/** Take it away. */
void ctllink_drop(const struct conf *c);

#endif
