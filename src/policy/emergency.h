/* Who called for help lately: numbers and accounts that made an emergency call, so that the call
 * back of the emergency service passes every limit (RFC 7090). The rows may lie in shared memory:
 * plain data, written by one thread. */
#ifndef POSTERN_POLICY_EMERGENCY_H
#define POSTERN_POLICY_EMERGENCY_H

#include "base/str.h"

enum {
	EMERGENCY_ROWS = 1024,
	EMERGENCY_BACK_S = 1800, /* a call back passes this long */
};

enum emergency_what { EMERGENCY_NUMBER, EMERGENCY_ACCOUNT };

struct emergency_row {
	uint64_t key; /* of what and its text; 0 = none */
	uint64_t until_us;
};

struct emergency {
	struct emergency_row *row; /* EMERGENCY_ROWS of them, zeroed or of an earlier life */
};

/** An emergency call was made now; text: the number as "+...", or the account's id. "" is nobody.
 * With all rows in use the one that ends first makes room. */
void emergency_note(struct emergency *e, enum emergency_what what, struct str text,
		    uint64_t now_us);
/** Was one made in the last EMERGENCY_BACK_S? */
bool emergency_recent(const struct emergency *e, enum emergency_what what, struct str text,
		      uint64_t now_us);

#endif
