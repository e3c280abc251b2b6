#include "base/clock.h"

#include <time.h>

uint64_t
clock_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * CLOCK_S + (uint64_t)ts.tv_nsec / 1000;
}

int64_t
clock_wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * CLOCK_S + ts.tv_nsec / 1000;
}

void
clock_put_utc(struct buf *b, int64_t wall_us)
{
	time_t s = (time_t)(wall_us / CLOCK_S);
	struct tm tm;

	if (wall_us < 0 || !gmtime_r(&s, &tm)) {
		buf_z(b, "-");
		return;
	}
	buf_printf(b, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_us % CLOCK_S));
}
