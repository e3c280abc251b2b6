/* What a signaling worker tells admin: which records ended, what was refused, alarms. */
#ifndef POSTERN_APP_WIRE_ADMIN_H
#define POSTERN_APP_WIRE_ADMIN_H

#include "app/worker.h"

/** The record of this slot and call waits for its CDR. */
void wire_tell_ended(struct worker *w, uint32_t slot, const struct id *id);
/** Say again which records wait for their CDR (admin was started again). */
void wire_resend_ended(struct worker *w);
/** A refused request into the ring that admin reads; account: NULL or "" where none is known. What
 * does not fit is cut off. */
void wire_put_request(struct worker *w, const struct id *id, const struct addr *peer,
		      struct str method, const char *word, const char *why,
		      const struct policy_id *account);
/**
 * Raise or clear an alarm: news goes to admin at once, a repetition at most once a second. Needs
 * w->alarms (alarms_init without a path).
 */
void wire_alarm_raise(struct worker *w, enum alarm_kind kind, enum alarm_severity severity,
		      const char *object, const char *text);
void wire_alarm_clear(struct worker *w, enum alarm_kind kind, const char *object);
/** Say again what stands (admin was started again). */
void wire_resend_alarms(struct worker *w);

#endif
