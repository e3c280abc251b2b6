/* Interop profiles: what the trunks of a provider are set to where the accounts file says nothing
 * itself; the map `trunk` of the provider's profile (postern-profile(5)). */
#ifndef POSTERN_CONF_INTEROP_H
#define POSTERN_CONF_INTEROP_H

#include "conf/yaml.h"
#include "policy/roster.h"

enum { INTEROP_TEXT_MAX = 16 * 1024 }; /* of a profile's file */

/**
 * Trunk t of r was read from `map` of y, and its interop names a profile: confprofile_read
 * finds it from dir on (NULL: none is read). Sets the fields that
 * the profile has and the map has not, t->interop to the profile's name and t->interop_sets to what
 * was set. Nothing where t->interop is empty. What is wrong is reported where `interop` stands.
 * NOMEM only.
 */
enum err interop_read(const struct yaml *y, const struct yaml_node *map, const char *dir,
		      struct conf_report *rep, struct roster *r, struct roster_trunk *t) NODISCARD;

#endif
