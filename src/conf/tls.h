/* What the configuration says of TLS beside files: own profiles (tls_profiles), the profile of a
 * zone, and the authorities that it accepts by name. */
#ifndef POSTERN_CONF_TLS_H
#define POSTERN_CONF_TLS_H

#include "conf/yaml.h"
#include "net/authority.h"
#include "net/tlsprofile.h"

enum { CONFTLS_PROFILES_MAX = 8, CONFTLS_NO_PROFILE = 0xff };

/* Own profiles. */
struct conftls {
	struct tls_profile_row row[CONFTLS_PROFILES_MAX];
	uint32_t n;
};

/* What a zone uses: profile is an enum tls_profile or, behind these, one of the own ones. */
struct conftls_zone {
	uint32_t authorities; /* AUTHORITY_BIT mask */
	uint8_t profile;
};

/** Read the list of own profiles (NULL: none). */
void conftls_read(const struct yaml *y, const struct yaml_node *list, struct conf_report *rep,
		  struct conftls *out);
/** Read `profile` and `authorities` of a zone's map. Where neither `authorities` nor `trust`
 * stands, the six default authorities are accepted. */
void conftls_read_zone(const struct yaml *y, const struct yaml_node *zone, struct conf_report *rep,
		       const struct conftls *own, struct conftls_zone *out);
/** Is there a profile of this name, built in or own? */
bool conftls_known(const struct conftls *own, struct str word);
/** The profile of a zone: built in, or own. */
const struct tls_profile_row *conftls_profile(const struct conftls *own,
					      const struct conftls_zone *z);
/** A zone of one configuration goes on in another: its own profile is taken along. False: there is
 * no room, and the zone has the profile carrier now. */
bool conftls_keep(const struct conftls *before, struct conftls *now, struct conftls_zone *z);

#endif
