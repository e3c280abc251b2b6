#include "ops/expiry.h"

#include "base/clock.h"

static const int64_t day = 86400LL * CLOCK_S;

enum alarm_severity
expiry_level(int64_t not_after_us, int64_t now_us)
{
	int64_t left = not_after_us - now_us;

	if (left > 30 * day)
		return ALARM_SEVERITIES;
	if (left > 14 * day)
		return ALARM_NOTICE;
	if (left > 7 * day)
		return ALARM_WARNING;
	return left > day ? ALARM_MAJOR : ALARM_CRITICAL;
}

static void
put_when(struct buf *b, int64_t end_us, int64_t now_us)
{
	int64_t left = end_us - now_us;

	if (left <= 0)
		buf_z(b, " ran out on ");
	else if (left < 2 * day)
		buf_printf(b, " runs out in %lld hours, on ",
			   (long long)(left / (3600LL * CLOCK_S)));
	else
		buf_printf(b, " runs out in %lld days, on ", (long long)(left / day));
	clock_put_utc(b, end_us);
}

static void
raise(struct alarms *as, enum alarm_kind kind, enum alarm_severity s, const char *object,
      const char *what, int64_t end_us, int64_t now_us)
{
	char text[ALARM_TEXT_MAX];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_str(&b, str_sub(str_from(what), 0, ALARM_TEXT_MAX - 80));
	put_when(&b, end_us, now_us);
	(void)alarms_raise(as, kind, s, object, buf_cstr(&b), now_us);
}

void
expiry_certificate(struct alarms *as, enum alarm_kind kind, const char *object, const char *what,
		   int64_t not_after_us, int64_t now_us)
{
	enum alarm_severity s = expiry_level(not_after_us, now_us);

	if (s == ALARM_SEVERITIES)
		(void)alarms_clear(as, kind, object);
	else
		raise(as, kind, s, object, what, not_after_us, now_us);
}

void
expiry_list(struct alarms *as, const char *object, const char *what, int64_t this_us,
	    int64_t next_us, int64_t now_us)
{
	int64_t margin = (next_us - this_us) / 10;

	margin = margin > day ? day : margin;
	if (next_us == 0 || now_us < next_us - margin)
		(void)alarms_clear(as, ALARM_CRL_EXPIRY, object);
	else
		raise(as, ALARM_CRL_EXPIRY, now_us < next_us ? ALARM_WARNING : ALARM_CRITICAL,
		      object, what, next_us, now_us);
}
