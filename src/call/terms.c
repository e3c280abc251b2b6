#include "call/terms.h"

const struct trunk *
terms_trunk(const struct call *c, enum call_leg_index i)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t t = v ? snapshot_trunk(v, str_from(c->rec.leg[i].trunk.z)) : POLICY_NONE;

	return t == POLICY_NONE ? NULL : &v->trunk[t];
}

bool
terms_suites(const struct call *c, enum call_leg_index i, struct sdp_suites *out)
{
	const struct trunk *t = terms_trunk(c, i);

	return t && t->srtp.len &&
	       sdp_suites_parse(snapshot_text(c->owner->snap, t->srtp), out) == ERR_OK;
}

struct sdp_codecs
terms_codecs(const struct call *c, enum call_leg_index i)
{
	const struct trunk *t = terms_trunk(c, i);
	struct sdp_codecs codecs = {0};

	if (t)
		(void)!sdp_codecs_parse(snapshot_text(c->owner->snap, t->codecs), &codecs);
	return codecs;
}

uint8_t
terms_events(const struct call *c, enum call_leg_index i)
{
	const struct trunk *t = terms_trunk(c, i);

	return t ? t->events : 0;
}

uint8_t
terms_mki(const struct call *c, enum call_leg_index i)
{
	static const uint8_t by_trunk[TRUNK_MKI_N] = {[TRUNK_MKI_MIRROR] = SDP_MKI_MIRROR,
						      [TRUNK_MKI_NEVER] = SDP_MKI_NEVER,
						      [TRUNK_MKI_ALWAYS] = SDP_MKI_ALWAYS};
	const struct trunk *t = terms_trunk(c, i);

	return t ? by_trunk[t->mki] : SDP_MKI_MIRROR;
}

enum trunk_prefer
terms_prefer(const struct call *c, enum call_leg_index i)
{
	const struct trunk *t = terms_trunk(c, i);

	return t ? (enum trunk_prefer)t->prefer : TRUNK_PREFER_OSRTP;
}

bool
terms_fax(const struct call *c)
{
	for (int i = 0; i < CALL_LEGS; i++) {
		const struct trunk *t = terms_trunk(c, (enum call_leg_index)i);

		if (c->rec.leg[i].secure && !(t && t->t38_clear))
			return false;
	}
	return c->rec.answer_us != 0;
}

bool
terms_video(const struct call *c, enum call_leg_index i)
{
	const struct trunk *t = terms_trunk(c, i);

	return t && t->video == TRUNK_VIDEO_RELAY && terms_form(c, i) != SDP_FORM_DTLS &&
	       t->ice == TRUNK_ICE_NO;
}

bool
terms_others(const struct call *c, enum call_leg_index i)
{
	const struct trunk *t = terms_trunk(c, i);

	return t && t->other_media == TRUNK_OTHER_MEDIA_PASS;
}

bool
terms_ice(const struct call *c, enum call_leg_index i)
{
	const struct trunk *t = terms_trunk(c, i);

	return t && t->ice == TRUNK_ICE_LITE;
}

bool
terms_lenient(const struct call *c, enum call_leg_index i)
{
	return i == LEG_A && c->rec.class == CLASS_EMERGENCY;
}

struct sdp_policy
terms_policy(const struct call *c, enum call_leg_index i, bool secure)
{
	bool preferred = c->rec.leg[i].security == TRUNK_SEC_PREFERRED;
	struct sdp_policy p = {.secure = secure,
			       .dtls = secure && terms_form(c, i) == SDP_FORM_DTLS,
			       .osrtp = preferred,
			       .clear_too = (preferred || terms_lenient(c, i)) && !c->leg[i].agreed,
			       .lenient = terms_lenient(c, i),
			       .first = !c->leg[i].agreed,
			       .ice = terms_ice(c, i),
			       .fax = terms_fax(c),
			       .suites = SDP_SUITES_TAKEN,
			       .codecs = terms_codecs(c, i)};

	(void)terms_suites(c, i, &p.suites);
	return p;
}

uint8_t
terms_form(const struct call *c, enum call_leg_index i)
{
	static const uint8_t by_trunk[TRUNK_PREFER_N] = {[TRUNK_PREFER_OSRTP] = SDP_FORM_OSRTP,
							 [TRUNK_PREFER_LINES] = SDP_FORM_LINES,
							 [TRUNK_PREFER_RETRY] = SDP_FORM_SAVP};
	enum trunk_prefer prefer = terms_prefer(c, i);
	const struct trunk *t = terms_trunk(c, i);

	if (c->leg[i].agreed && c->rec.leg[i].security == TRUNK_SEC_REQUIRED)
		return c->leg[i].audio.local.form;
	if (t && t->keying == TRUNK_KEYING_DTLS && c->rec.leg[i].security == TRUNK_SEC_REQUIRED)
		return SDP_FORM_DTLS;
	if (c->rec.leg[i].security != TRUNK_SEC_PREFERRED)
		return SDP_FORM_SAVP;
	if (c->leg[i].agreed)
		return c->leg[i].audio.local.form;
	return prefer == TRUNK_PREFER_RETRY && i == LEG_A ? SDP_FORM_OSRTP : by_trunk[prefer];
}
