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

/* Days since 1970-01-01 of a date in the calendar of today. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year; /* years begin with March, leap days end them */
	int64_t m = month <= 2 ? month + 9 : month - 3;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

enum err
clock_parse_utc(struct str s, int64_t *out)
{
	static const char form[] = "0000-00-00T00:00:00.000000Z";
	static const struct {
		uint8_t at, len;
		uint32_t min, max;
	} parts[] = {{0, 4, 1970, 9999}, {5, 2, 1, 12},  {8, 2, 1, 31},     {11, 2, 0, 23},
		     {14, 2, 0, 59},     {17, 2, 0, 60}, {20, 6, 0, 999999}};
	uint32_t v[ARRAY_LEN(parts)];

	if (s.len != sizeof(form) - 1)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.len; i++)
		if (form[i] == '0' ? !ascii_digit(s.p[i]) : s.p[i] != form[i])
			return ERR_SYNTAX;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (str_u32(str_sub(s, parts[i].at, (size_t)parts[i].at + parts[i].len),
			    parts[i].max, &v[i]) != ERR_OK ||
		    v[i] < parts[i].min)
			return ERR_SYNTAX;
	*out = ((days_of(v[0], v[1], v[2]) * 24 + v[3]) * 60 + v[4]) * 60 + v[5];
	*out = *out * CLOCK_S + v[6];
	return ERR_OK;
}

uint32_t
clock_week_minute(int64_t wall_us)
{
	time_t s = (time_t)(wall_us / CLOCK_S);
	struct tm tm;

	if (!localtime_r(&s, &tm))
		return 0;
	return (uint32_t)((tm.tm_wday + 6) % 7 * 1440 + tm.tm_hour * 60 + tm.tm_min);
}
