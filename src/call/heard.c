#include "call/heard.h"

#include "base/log.h"
#include "base/metric.h"

/* Nothing was taken: why that which came was dropped, the most frequent reason first. A few stray
 * packets are no stream: then none came. */
static enum record_audio
name_drops(const struct media_stats *s, uint32_t flags)
{
	static const struct {
		enum media_drop drop;
		enum record_audio is;
	} rows[] = {
		{MEDIA_DROP_auth, RECORD_AUDIO_auth},     {MEDIA_DROP_clear, RECORD_AUDIO_clear},
		{MEDIA_DROP_source, RECORD_AUDIO_source}, {MEDIA_DROP_version, RECORD_AUDIO_broken},
		{MEDIA_DROP_short, RECORD_AUDIO_broken},
	};
	enum record_audio found =
		flags & MEDIA_F_RECV ? RECORD_AUDIO_none : RECORD_AUDIO_ok; /* SDP said so */
	uint64_t most = HEARD_STREAM_LEAST - 1;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (s->dropped[rows[i].drop] > most) {
			most = s->dropped[rows[i].drop];
			found = rows[i].is;
		}
	return found;
}

enum record_audio
heard_judge(const struct media_stats *s, uint32_t flags, uint64_t talk_us)
{
	if (talk_us < HEARD_LEAST_US)
		return RECORD_AUDIO_unknown;
	if (s->in_packets == 0)
		return name_drops(s, flags);
	if ((uint64_t)s->in_strange * 10 >= s->in_packets * 9)
		return RECORD_AUDIO_payload_type;
	if (s->in_judged >= HEARD_JUDGED_LEAST && s->in_silent == s->in_judged)
		return RECORD_AUDIO_silence;
	return RECORD_AUDIO_ok;
}

void
heard_note(struct call *c)
{
	uint64_t talk = c->rec.answer_mono_us && c->rec.end_mono_us > c->rec.answer_mono_us
				? c->rec.end_mono_us - c->rec.answer_mono_us
				: 0;
	bool missing = false;

	for (int i = 0; i < CALL_LEGS; i++) {
		struct record_leg *l = &c->rec.leg[i];
		enum record_audio a = RECORD_AUDIO_unknown;

		if (l->media_open)
			a = heard_judge(&l->stats, l->media.flags, talk);
		l->audio = (uint8_t)a;
		if (a == RECORD_AUDIO_unknown || a == RECORD_AUDIO_ok)
			continue;
		missing = true;
		log_warn("call.audio", "id=%s trunk=%s nothing is heard from the %s side: %s",
			 c->rec.id.z, l->trunk.z, i == LEG_A ? "calling" : "called",
			 record_audio_text(a));
	}
	if (missing)
		metric_add(METRIC_calls_one_way, 1);
}
