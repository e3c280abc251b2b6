/* What the accounts file names of this node's configuration: zones, listeners, media addresses, TLS
 * profiles; and authorities, which are known by name. Pure. */
#ifndef POSTERN_CONF_REFS_H
#define POSTERN_CONF_REFS_H

#include "conf/conf.h"
#include "policy/roster.h"
#include "policy/snapshot.h"

/** Report each name in want that c has not. path: what c was read from, for messages. place of
 * accounts and trunks: accountsfile_place. */
void refs_check(const struct roster *want, const struct conf *c, const char *path,
		struct conf_report *rep);
/** Report what the accounts in use name that was there in `now` and is not in `next`. What was
 * wrong before is no error of this change. */
void refs_check_change(const struct snapshot_view *used, const struct conf *now,
		       const struct conf *next, struct conf_report *rep);

#endif
