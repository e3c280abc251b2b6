#include "app/admin_take.h"

#include <string.h>

#include "base/clock.h"

bool
admin_take_alarm(struct alarms *as, const struct channel_msg *msg)
{
	int64_t now = clock_wall_us();
	struct admin_alarm m;

	memcpy(&m, msg->body, sizeof(m));
	m.object[sizeof(m.object) - 1] = 0;
	m.text[sizeof(m.text) - 1] = 0;
	if (m.kind >= ALARM_KINDS || m.severity >= ALARM_SEVERITIES)
		return false;
	if (m.raise)
		(void)alarms_raise(as, m.kind, m.severity, m.object, m.text,
				   m.last_us < now ? m.last_us : now);
	else
		(void)alarms_clear(as, m.kind, m.object);
	return true;
}

bool
admin_take_gateway(struct gateways *gs, const struct channel_msg *msg)
{
	struct gateway m;

	memcpy(&m, msg->body, sizeof(m));
	return gateways_take(gs, &m);
}
