/* What the accounts file names of this node's configuration: zones, listeners, media addresses, TLS
 * profiles; and authorities, which are known by name. Pure. */
#ifndef POSTERN_CONF_REFS_H
#define POSTERN_CONF_REFS_H

#include "conf/conf.h"
#include "policy/roster.h"
#include "policy/snapshot.h"

/** Report each name in want that c has not. path: what c was read from, for messages. used: what
 * the running postern works with (NULL: none runs); what c has and it has not yet is an error, too,
 * that says how it comes into use. place of accounts and trunks: accountsfile_place. */
void refs_check(const struct roster *want, const struct conf *c, const char *path,
		const struct conf *used, struct conf_report *rep);
/** Report what the accounts in use name and `next` has not: an error where `now` had it, else a
 * warning, because that was wrong before this change. */
void refs_check_change(const struct snapshot_view *used, const struct conf *now,
		       const struct conf *next, struct conf_report *rep);
/** Warn of each name in the accounts in use that the configuration in use has not. */
void refs_check_used(const struct snapshot_view *used, const struct conf *c,
		     struct conf_report *rep);

#endif
