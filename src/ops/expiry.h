/* When something with a date runs out: how bad that is today, as an alarm. Pure but for the alarms
 * that it raises. Times are wall clock. */
#ifndef POSTERN_OPS_EXPIRY_H
#define POSTERN_OPS_EXPIRY_H

#include "ops/alarm.h"

/** Notice from 30 days before the end, warning 14, major 7, critical 1; ALARM_SEVERITIES: more
 * than 30 days are left. */
enum alarm_severity expiry_level(int64_t not_after_us, int64_t now_us);
/**
 * Raise, renew or clear the alarm about a certificate. what: "the certificate of sip.example.net
 * (zone.pem)": the sentence begins with it.
 */
void expiry_certificate(struct alarms *as, enum alarm_kind kind, const char *object,
			const char *what, int64_t not_after_us, int64_t now_us);
/**
 * The same of a revocation list, which lives for hours or days: warning when a tenth of its life
 * (at most a day) is left, critical when it has run out. next_us 0: it does not say, no alarm.
 */
void expiry_list(struct alarms *as, const char *object, const char *what, int64_t this_us,
		 int64_t next_us, int64_t now_us);

#endif
