/* The only place that reads a clock. `now` everywhere is microseconds of the monotonic clock. */
#ifndef POSTERN_BASE_CLOCK_H
#define POSTERN_BASE_CLOCK_H

#include "base/buf.h"

enum { CLOCK_MS = 1000, CLOCK_S = 1000000 };

uint64_t clock_now_us(void);
/** Microseconds since 1970 UTC: for records and certificates only, never for timers. */
int64_t clock_wall_us(void);
/** "2026-11-21T21:46:21.123456Z" */
void clock_put_utc(struct buf *b, int64_t wall_us);
/** Read it back, of the years 1970 to 9999. SYNTAX: anything else. */
enum err clock_parse_utc(struct str s, int64_t *out) NODISCARD;

/** Minutes since the Monday before, 00:00, by the clock on the wall where this machine stands (TZ,
 * else /etc/localtime): 0..10079. */
uint32_t clock_week_minute(int64_t wall_us);

#endif
