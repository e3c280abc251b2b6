/* What of a configuration that was read again can be used without a restart. */
#ifndef POSTERN_CONF_MERGE_H
#define POSTERN_CONF_MERGE_H

#include "conf/conf.h"

/**
 * Into *next, read anew, put back what must stay as it is in `now`: sockets, files, sizes, names.
 * Each such word that differs gets a line in text; the number of them is returned. Zones are
 * matched by their names and keep their places.
 */
uint32_t confmerge(const struct conf *now, struct conf *next, struct buf *text);
/**
 * A line for each word of *next, merged, that differs from `now` and is used without a restart:
 * "zones sip.example.net: profile carrier -> modern", "timers: ping 30s -> 10s". Lists are only
 * named. What the named files hold is not looked at.
 */
void confmerge_put_changes(const struct conf *now, const struct conf *next, struct buf *text);

#endif
