/* Parts of a week: "mon-fri 08:00-18:00". One number, 0 = always. Pure. */
#ifndef POSTERN_POLICY_WEEK_H
#define POSTERN_POLICY_WEEK_H

#include "base/buf.h"

enum {
	WEEK_DAY = 1440,             /* minutes */
	WEEK_MINUTES = 7 * WEEK_DAY, /* of a week, which begins on Monday at 00:00 */
	WEEK_MAX = (1 << 29) - 1,    /* no part of a week is a larger number */
};

/**
 * Read days, a time, or both: "mon-fri 08:00-18:00", "sat,sun", "22:00-06:00". Days: mon tue wed
 * thu fri sat sun, ranges with -, divided by commas; none = every day. Time: from the first minute
 * to before the last; none = all day. One that ends before it begins goes on into the next day.
 * "" is always. SYNTAX; RANGE: no such time, or an empty one.
 */
enum err week_parse(struct str s, uint32_t *out) NODISCARD;
/** As week_parse reads it; nothing for always. */
void week_put(struct buf *b, uint32_t week);
/** Is the minute, 0..WEEK_MINUTES-1, in this part of the week? */
bool week_holds(uint32_t week, uint32_t minute);
/** A number that week_parse may give. */
bool week_valid(uint64_t week);

#endif
