#include "call/session.h"

#include "base/clock.h"
#include "base/timer.h"

void
session_set(struct session *s, uint32_t interval_s, bool ours, uint64_t now)
{
	uint64_t margin = interval_s / 3 < SESSION_MARGIN_S ? interval_s / 3 : SESSION_MARGIN_S;
	uint64_t life = interval_s * CLOCK_S;

	*s = (struct session){.interval_s = interval_s, .ours = ours};
	s->refresh_at = ours ? now + life / 2 : TIMER_NEVER;
	s->expire_at = now + life - margin * CLOCK_S;
}

uint64_t
session_due(const struct session *s)
{
	if (!s->interval_s)
		return TIMER_NEVER;
	return s->refresh_at < s->expire_at ? s->refresh_at : s->expire_at;
}

enum session_do
session_step(struct session *s, uint64_t now)
{
	if (session_due(s) > now)
		return SESSION_NOTHING;
	if (s->expire_at <= now) {
		s->interval_s = 0;
		return SESSION_EXPIRED;
	}
	s->refresh_at = TIMER_NEVER;
	return SESSION_REFRESH;
}

void
session_retry(struct session *s, uint64_t at_us)
{
	s->refresh_at = at_us;
}

bool
session_too_short(const struct sip_msg *m)
{
	struct sip_session_expires e;

	return sip_session_expires_read(m, &e) == ERR_OK && e.seconds < SESSION_MIN_S;
}

uint32_t
session_answer(const struct sip_msg *request, bool *ours)
{
	struct sip_session_expires e;
	uint32_t least;

	if (sip_session_expires_read(request, &e) != ERR_OK)
		return 0;
	if (sip_min_se_read(request, &least) != ERR_OK || least < SESSION_MIN_S)
		least = SESSION_MIN_S;
	if (e.seconds > SESSION_WANTED_S) /* may be made shorter, not below what it takes */
		e.seconds = least > SESSION_WANTED_S ? least : SESSION_WANTED_S;
	*ours = e.refresher == SIP_REFRESHER_UAS;
	return e.seconds < SESSION_MIN_S ? SESSION_MIN_S : e.seconds;
}

uint32_t
session_longer(const struct sip_msg *m, uint32_t was)
{
	uint32_t least;

	if (sip_min_se_read(m, &least) != ERR_OK || least <= was || least > SESSION_MAX_S)
		return 0;
	if (least < 2 * was)
		least = 2 * was;
	return least < SESSION_MAX_S ? least : SESSION_MAX_S;
}

uint32_t
session_agreed(const struct sip_msg *response, bool *ours)
{
	struct sip_session_expires e;

	if (sip_session_expires_read(response, &e) != ERR_OK || e.seconds == 0)
		return 0;
	*ours = e.refresher != SIP_REFRESHER_UAS;
	return e.seconds < SESSION_MIN_S ? SESSION_MIN_S : e.seconds;
}
