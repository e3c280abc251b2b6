/* Area codes of the North American Numbering Plan (country code 1) and whose they are. A data
 * table: what is not in it belongs to the United States, which open new ones every few months. */
#ifndef POSTERN_POLICY_AREA_H
#define POSTERN_POLICY_AREA_H

#include "base/str.h"

/** ISO 3166-1 word of the country of an area code of three digits: "CA", "JM"; "US" for all that
 * is not listed. Territories of the United States are "US". Static. */
const char *area_country(struct str area);
/** Is this the word of a country that has area codes in the table, or "US"? */
bool area_known(struct str iso);

#endif
