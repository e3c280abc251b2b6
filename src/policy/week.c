#include "policy/week.h"

/* Bits: days from 22 on (Monday lowest), first minute from 11 on, minute behind the last from 0. */
enum { DAYS_AT = 22, FROM_AT = 11, MINUTE_MASK = 2047, DAYS_ALL = 127, DAYS = 7 };

static const char day_names[DAYS][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static uint32_t
pack_week(uint32_t days, uint32_t from, uint32_t to)
{
	return days << DAYS_AT | from << FROM_AT | to;
}

/* ---- reading ---- */

static enum err
parse_day(struct str s, uint32_t *out)
{
	for (uint32_t i = 0; i < DAYS; i++)
		if (str_ieqz(s, day_names[i])) {
			*out = i;
			return ERR_OK;
		}
	return ERR_SYNTAX;
}

/* "mon-fri,sun"; a range may go over the end of the week. */
static enum err
parse_days(struct str s, uint32_t *out)
{
	uint32_t days = 0;

	while (s.len) {
		struct str last = str_cut(&s, ',');
		bool range = str_chr(last, '-') < last.len;
		struct str first = str_cut(&last, '-');
		uint32_t from, to;

		if (parse_day(first, &from) != ERR_OK)
			return ERR_SYNTAX;
		to = from;
		if (range && parse_day(last, &to) != ERR_OK)
			return ERR_SYNTAX;
		for (uint32_t k = 0; k <= (to + DAYS - from) % DAYS; k++)
			days |= 1U << (from + k) % DAYS;
	}
	*out = days;
	return ERR_OK;
}

/* "08:00"; "24:00" is the end of a day. */
static enum err
parse_clock(struct str s, uint32_t *out)
{
	struct str hours = str_cut(&s, ':');
	uint32_t h, m;

	if (hours.len != 2 || s.len != 2)
		return ERR_SYNTAX;
	if (str_u32(hours, 99, &h) != ERR_OK || str_u32(s, 99, &m) != ERR_OK)
		return ERR_SYNTAX;
	if (m > 59 || h * 60 + m > WEEK_DAY)
		return ERR_RANGE;
	*out = h * 60 + m;
	return ERR_OK;
}

static enum err
parse_time(struct str s, uint32_t *from, uint32_t *to)
{
	struct str first = str_cut(&s, '-');
	enum err e = parse_clock(first, from);

	if (e == ERR_OK)
		e = parse_clock(s, to);
	return e == ERR_OK && (*from == *to || *from == WEEK_DAY) ? ERR_RANGE : e;
}

enum err
week_parse(struct str s, uint32_t *out)
{
	struct str time = str_trim(s), days = STR_NULL;
	uint32_t bits = DAYS_ALL, from = 0, to = WEEK_DAY;
	enum err e = ERR_OK;

	if (time.len == 0) {
		*out = 0;
		return ERR_OK;
	}
	if (!ascii_digit(time.p[0]))
		days = str_cut(&time, ' ');
	time = str_trim(time);
	if (days.len)
		e = parse_days(days, &bits);
	if (e == ERR_OK && time.len)
		e = parse_time(time, &from, &to);
	if (e == ERR_OK)
		*out = pack_week(bits, from, to);
	return e;
}

/* ---- writing ---- */

static void
put_days(struct buf *b, uint32_t days)
{
	const char *comma = "";

	for (uint32_t i = 0; i < DAYS; i++) {
		uint32_t last = i;

		if (!(days & 1U << i))
			continue;
		while (last + 1 < DAYS && (days & 1U << (last + 1)))
			last++;
		buf_printf(b, "%s%s", comma, day_names[i]);
		if (last > i)
			buf_printf(b, "-%s", day_names[last]);
		comma = ",";
		i = last;
	}
}

void
week_put(struct buf *b, uint32_t week)
{
	uint32_t days = week >> DAYS_AT, from = week >> FROM_AT & MINUTE_MASK,
		 to = week & MINUTE_MASK;
	bool all_day = from == 0 && to == WEEK_DAY;

	if (week == 0)
		return;
	if (days != DAYS_ALL || all_day)
		put_days(b, days);
	if (!all_day)
		buf_printf(b, "%s%02u:%02u-%02u:%02u", days == DAYS_ALL ? "" : " ", from / 60,
			   from % 60, to / 60, to % 60);
}

/* ---- asking ---- */

bool
week_holds(uint32_t week, uint32_t minute)
{
	uint32_t days = week >> DAYS_AT, from = week >> FROM_AT & MINUTE_MASK,
		 to = week & MINUTE_MASK;
	uint32_t day = minute / WEEK_DAY, at = minute % WEEK_DAY;
	bool today, yesterday;

	if (week == 0)
		return true;
	today = days & 1U << day;
	yesterday = days & 1U << (day + DAYS - 1) % DAYS;
	if (from < to)
		return today && at >= from && at < to;
	return (today && at >= from) || (yesterday && at < to);
}

bool
week_valid(uint64_t week)
{
	uint64_t from = week >> FROM_AT & MINUTE_MASK, to = week & MINUTE_MASK;

	return week == 0 || (week <= WEEK_MAX && week >> DAYS_AT && from < WEEK_DAY &&
			     to <= WEEK_DAY && from != to);
}
