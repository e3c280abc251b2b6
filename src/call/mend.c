#include "call/mend.h"

#include "base/log.h"
#include "base/metric.h"
#include "call/modify.h"
#include "call/speak.h"

void
mend_begin(struct call *c)
{
	c->mend_at = c->owner->now + MEND_FIRST_US;
}

/* Is it one that saying it anew may help against? */
static bool
may_help(enum record_audio a)
{
	return a == RECORD_AUDIO_auth || a == RECORD_AUDIO_clear || a == RECORD_AUDIO_source;
}

/* Its peer is asked, as soon as nothing else is in hand. */
static void
try_leg(struct call *c, enum call_leg_index i, enum record_audio a)
{
	const struct trunk *t = leg_trunk(c, i);
	struct record_leg *l = &c->rec.leg[i];

	if (!may_help(a) || l->repair || !t || !t->repair || c->transfer.to || c->transfer_for)
		return;
	if (l->secure && l->form != SDP_FORM_DTLS)
		modify_rekey(c, i);
	else if (!modify_say_again(c, i))
		return; /* at the next look */
	l->repair = (uint8_t)a;
	metric_add(METRIC_legs_repaired, 1);
	log_warn("call.repair", "id=%s trunk=%s is asked anew: %s", c->rec.id.z, l->trunk.z,
		 record_audio_text(a));
}

static void
look_at(struct call *c, enum call_leg_index i, uint64_t talk_us)
{
	struct record_leg *l = &c->rec.leg[i];
	struct media_stats s = {0};
	enum record_audio a;

	if (!l->media_open || l->stats_final)
		return;
	c->owner->ops.do_stats(c->owner->ops.arg, l->media.slot, l->media.generation, &s);
	a = heard_judge(&s, l->media.flags, talk_us);
	if (a != l->audio && a != RECORD_AUDIO_ok && a != RECORD_AUDIO_unknown) {
		metric_add(METRIC_legs_silent, 1);
		log_warn("call.audio",
			 "id=%s trunk=%s nothing is heard from the %s side so far: %s", c->rec.id.z,
			 l->trunk.z, i == LEG_A ? "calling" : "called", record_audio_text(a));
	}
	l->audio = (uint8_t)a;
	try_leg(c, i, a);
}

void
mend_due(struct call *c)
{
	uint64_t talk = c->owner->now - c->rec.answer_mono_us;

	c->mend_at = c->owner->now + (talk < MEND_FIRST_US  ? MEND_FIRST_US
				      : talk < MEND_LAST_US ? talk
							    : MEND_LAST_US);
	for (int i = 0; i < CALL_LEGS; i++)
		look_at(c, (enum call_leg_index)i, talk);
	speak_store(c);
}
