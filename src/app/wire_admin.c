#include "app/wire_admin.h"

#include <string.h>

#include "base/clock.h"

/* ---- records ---- */

void
wire_tell_ended(struct worker *w, uint32_t slot, const struct id *id)
{
	struct admin_slot m = {.slot = slot, .id = *id};

	if (w->admin.n >= CHANNEL_BATCH)
		(void)channel_flush(&w->admin);
	/* It leaves with others, a few milliseconds later: admin waits for more anyway. When the
	 * queue is full, admin finds the slot by its own round. */
	(void)!channel_push(&w->admin, ADMIN_ENDED, &m, sizeof(m), true);
}

void
wire_resend_ended(struct worker *w)
{
	struct call_record rec;

	for (uint32_t i = 0; i < w->records.n; i++)
		if (records_get(&w->records, i, &rec) == RECORD_ENDED)
			wire_tell_ended(w, i, &rec.id);
}

/* ---- refused requests ---- */

/* What does not fit is cut off. */
static void
copy_cut(char *dst, size_t cap, struct str s)
{
	(void)!str_copyz(dst, cap, str_sub(s, 0, cap - 1));
}

void
wire_put_request(struct worker *w, const struct id *id, const struct addr *peer, struct str method,
		 const char *word, const char *why, const struct policy_id *account)
{
	struct hand_entry e = {.what = HAND_WHAT_REQUEST, .id = *id};
	struct hand_request *q = &e.u.request;

	q->peer = *peer;
	q->at_us = clock_wall_us();
	copy_cut(q->method, sizeof(q->method), method);
	copy_cut(q->word, sizeof(q->word), str_from(word));
	copy_cut(q->why, sizeof(q->why), str_from(why));
	if (account)
		e.account = *account;
	handring_put(&w->handshakes, &e, loop_now(&w->loop));
}

/* ---- alarms ---- */

static void
send_alarm(struct worker *w, bool raise, const struct alarm *a)
{
	struct admin_alarm m = {
		.raise = raise, .kind = a->kind, .severity = a->severity, .last_us = a->last_us};

	memcpy(m.object, a->object, sizeof(m.object));
	memcpy(m.text, a->text, sizeof(m.text));
	/* when the queue is full admin is away, and hears of it when it is back */
	(void)!channel_send(&w->admin, ADMIN_ALARM, &m, sizeof(m), false);
}

void
wire_alarm_raise(struct worker *w, enum alarm_kind kind, enum alarm_severity severity,
		 const char *object, const char *text)
{
	int64_t now = clock_wall_us();
	const struct alarm *a = alarms_find(&w->alarms, kind, object);
	int64_t last = a ? a->last_us : 0;
	bool news = alarms_raise(&w->alarms, kind, severity, object, text, now);

	a = alarms_find(&w->alarms, kind, object);
	if (a && (news || now / CLOCK_S != last / CLOCK_S))
		send_alarm(w, true, a);
	alarms_end_old(&w->alarms, now);
}

void
wire_alarm_clear(struct worker *w, enum alarm_kind kind, const char *object)
{
	const struct alarm *a = alarms_find(&w->alarms, kind, object);

	if (!a)
		return;
	send_alarm(w, false, a);
	(void)alarms_clear(&w->alarms, kind, object);
}

void
wire_resend_alarms(struct worker *w)
{
	alarms_end_old(&w->alarms, clock_wall_us());
	for (uint32_t i = 0; i < w->alarms.n; i++)
		send_alarm(w, true, &w->alarms.list[i]);
}
