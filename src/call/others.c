#include "call/others.h"

#include "base/log.h"
#include "call/terms.h"
#include "sdp/others.h"

/* An encrypted leg has nothing in clear beside its audio (M9). */
bool
others_ask(const struct call *c)
{
	for (int i = 0; i < CALL_LEGS; i++)
		if (c->rec.leg[i].secure || !terms_others(c, (enum call_leg_index)i))
			return false;
	return c->x.others;
}

void
others_settle(struct call *c, const struct sdp_stream *audio)
{
	unsigned now = 0;

	if (c->x.others_asked)
		now = sdp_others_taken(&c->owner->offer, c->x.deal->far.index, &c->owner->answer,
				       audio->index);
	for (unsigned k = 0; k <= SDP_MEDIA_OTHER; k++)
		if ((now & ~c->rec.others_on) >> k & 1)
			log_info("call.others", "id=%s media of type %s goes past us", c->rec.id.z,
				 sdp_media_name((enum sdp_media_type)k));
	c->rec.others_on = (uint8_t)now;
	c->rec.others |= (uint8_t)now;
}

bool
others_meant(const struct call *c)
{
	return c->rec.others_on ||
	       (others_ask(c) && sdp_others_taken(&c->owner->offer, c->x.deal->far.index, NULL, 0));
}
