#include "call/video.h"

#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "call/row.h"
#include "call/terms.h"

static enum call_leg_index
other_leg(enum call_leg_index i)
{
	return i == LEG_A ? LEG_B : LEG_A;
}

static void
note_refused(const struct call *c, enum call_leg_index i, const char *why)
{
	log_info("call.video", "id=%s leg=%c no video, the call goes on without: %s", c->rec.id.z,
		 i == LEG_A ? 'A' : 'B', why);
}

/* ---- an offer ---- */

/* May there be video between leg i and the other one? A leg that has no trunk yet is asked later.
 */
static bool
is_wanted(const struct call *c, enum call_leg_index i)
{
	enum call_leg_index to = other_leg(i);

	return terms_video(c, i) && (!c->rec.leg[to].trunk.z[0] || terms_video(c, to));
}

void
video_read(struct call *c)
{
	enum call_leg_index i = (enum call_leg_index)c->x.from;
	const struct call_deal *x = c->x.deal;
	struct sdp_policy policy = terms_policy(c, i, x->mine.secure);
	struct sdp_refusal no = {.text = ""};
	struct call_deal *v;
	enum err e;

	if (x->far.disabled || x->far.fax || !is_wanted(c, i))
		return;
	v = pool_get(&c->owner->deals);
	if (!v) {
		note_refused(c, i, "no room");
		return;
	}
	c->x.video = v;
	e = sdp_video_offer_read(&c->owner->offer, &policy, &c->rec.leg[i].layout, &v->far, &no);
	if (e == ERR_OK && row_names_us(c, &v->far)) {
		no.text = "its SDP names a media address of ours for it: packets would go round";
		e = ERR_REFUSED;
	}
	if (e == ERR_OK && c->video)
		v->mine = c->video->leg[i].local;
	v->mine.secure = x->mine.secure;
	v->mine.mki = x->mine.mki;
	v->mine.rtcp_mux = true;
	if (e == ERR_OK)
		e = sdp_local_answer(&v->mine, &v->far);
	if (e != ERR_OK)
		video_forget(c);
	if (e != ERR_OK && e != ERR_NOTFOUND)
		note_refused(c, i, no.text);
}

void
video_forget(struct call *c)
{
	struct call_exchange *x = &c->x;

	x->video_asked = false;
	if (!x->video)
		return;
	secret_wipe(x->video, sizeof(*x->video));
	pool_put(&c->owner->deals, x->video);
	x->video = NULL;
}

bool
video_ask(struct call *c, struct sdp_part *out)
{
	enum call_leg_index from = (enum call_leg_index)c->x.from, to = other_leg(from);
	struct sdp_suites suites = SDP_SUITES_OFFERED;
	const struct call_deal *x = c->x.deal;
	struct call_deal *v = c->x.video;

	if (!v || !terms_video(c, to))
		return false;
	if (x->asked.secure && x->asked.form == SDP_FORM_LINES) {
		note_refused(c, to, "SRTP is offered as two lines; a later offer may have it");
		return false;
	}
	if (!row_video_ports(c)) {
		note_refused(c, to, "no media ports are left");
		return false;
	}
	v->mine.media = c->video->leg[from].local.media;
	v->asked = c->video->leg[to].local;
	v->asked.secure = x->asked.secure;
	v->asked.form = x->asked.form;
	v->asked.mki = x->asked.mki;
	(void)terms_suites(c, to, &suites);
	if (v->asked.n_crypto == 0 && sdp_local_offer(&v->asked, &suites) != ERR_OK)
		return false;
	*out = (struct sdp_part){.ours = &v->asked,
				 .media = &c->owner->offer.media[v->far.index],
				 .dir = v->far.direction};
	return true;
}

/* ---- its answer ---- */

/* Our side of the video that the leg was asked for, as its answer to the audio leaves it: in clear
 * where that fell to clear (a trunk that prefers SRTP), else under keys. */
static void
side_asked(const struct call *c, const struct sdp_stream *audio, struct sdp_local *out)
{
	*out = c->x.video->asked;
	if (c->x.deal->asked.secure && audio->suite == SDP_SUITE_NONE) {
		secret_wipe(out->crypto, sizeof(out->crypto));
		out->n_crypto = 0;
		out->secure = false;
	}
}

bool
video_take(struct call *c, const struct sdp_stream *audio, struct sdp_stream *got)
{
	enum call_leg_index i = other_leg((enum call_leg_index)c->x.from);
	struct sdp_refusal no = {.text = ""};
	struct sdp_policy policy;
	struct sdp_local asked;
	enum err e;

	if (!c->x.video || !c->x.video_asked || !c->video || audio->disabled || audio->fax)
		return false;
	side_asked(c, audio, &asked);
	policy = terms_policy(c, i, asked.secure);
	e = sdp_video_answer_read(&c->owner->answer, &policy, &asked, &c->rec.leg[i].layout, got,
				  &no);
	sdp_local_wipe(&asked);
	if (e == ERR_OK && row_names_us(c, got)) {
		no.text = "its SDP names a media address of ours for it: packets would go round";
		e = ERR_REFUSED;
	}
	if (e != ERR_OK && e != ERR_NOTFOUND)
		note_refused(c, i, no.text);
	return e == ERR_OK;
}

void
video_answer(const struct call *c, const struct sdp_stream *got, struct sdp_part *out)
{
	const struct call_deal *v = c->x.video;

	*out = (struct sdp_part){.ours = &v->mine,
				 .media = &c->owner->answer.media[got->index],
				 .offered = &v->far,
				 .dir = sdp_answer_direction(v->far.direction, got->direction)};
}

void
video_settle(struct call *c, struct sdp_stream *got)
{
	enum call_leg_index x = (enum call_leg_index)c->x.from, y = other_leg(x);
	struct sdp_stream far;
	struct sdp_local asked;

	c->rec.video_on = got != NULL;
	if (!got)
		return;
	far = c->x.video->far;
	asked = c->x.video->asked;
	sdp_stream_agree(&far, sdp_answer_direction(far.direction, got->direction));
	sdp_stream_agree(got, far.direction);
	if (asked.secure)
		sdp_local_chosen(&asked, got);
	row_video_sides(c, x, &far, &c->x.video->mine);
	row_video_sides(c, y, got, &asked);
	sdp_stream_wipe(&far);
	sdp_local_wipe(&asked);
}

/* ---- what is known already ---- */

bool
video_known(const struct call *c)
{
	const struct call_deal *v = c->x.video;
	const struct call_stream *st = c->video ? &c->video->leg[c->x.from] : NULL;

	if (!v || !c->rec.video_on)
		return !v && !c->rec.video_on;
	return sdp_stream_is_same(&st->far, &v->far) &&
	       (!v->mine.secure || sdp_line_eq(&v->mine.crypto[0], &st->local.crypto[0]));
}

void
video_follow(struct call *c)
{
	enum call_leg_index i = (enum call_leg_index)c->x.from;
	struct call_deal *v = c->x.video;

	if (!v || !c->rec.video_on)
		return;
	v->mine.media = c->video->leg[i].local.media;
	v->far.far_sends = c->video->leg[i].far.far_sends;
	v->far.far_receives = c->video->leg[i].far.far_receives;
	row_video_sides(c, i, &v->far, &v->mine);
}

/* What an answer to an offer of ours alone changes: where the leg is, and its key. */
static void
take_move(struct call *c, enum call_leg_index i, const struct sdp_stream *got,
	  const struct sdp_local *ours)
{
	struct sdp_stream next = c->video->leg[i].far;

	next.rtp = got->rtp;
	next.rtcp = got->rtcp;
	next.suite = got->suite;
	next.tag = got->tag;
	next.spelling = got->spelling;
	next.key = got->key;
	row_video_sides(c, i, &next, ours);
	sdp_stream_wipe(&next);
}

void
video_refreshed(struct call *c, enum call_leg_index i)
{
	struct sdp_policy policy = terms_policy(c, i, c->rec.leg[i].secure);
	struct sdp_refusal no = {.text = ""};
	struct sdp_local ours;
	struct sdp_stream got;

	if (!c->rec.video_on)
		return;
	ours = c->video->leg[i].local;
	if (sdp_video_answer_read(&c->owner->answer, &policy, &ours, &c->rec.leg[i].layout, &got,
				  &no) == ERR_OK &&
	    !row_names_us(c, &got))
		take_move(c, i, &got, &ours);
	sdp_stream_wipe(&got);
	sdp_local_wipe(&ours);
}

/* ---- another key of ours ---- */

enum err
video_rekey(struct call *c, enum call_leg_index i, struct sdp_part *out)
{
	struct sdp_policy policy = terms_policy(c, i, c->rec.leg[i].secure);
	struct sdp_suites suite = {.n = 1, .v = {c->rec.leg[i].video.out_suite}};
	struct sdp_refusal no = {.text = ""};
	struct call_deal *v;
	enum err e;

	if (!c->rec.video_on)
		return ERR_NOTFOUND;
	v = c->x.video = pool_get(&c->owner->deals);
	if (!v)
		return ERR_NOMEM;
	e = sdp_video_offer_read(&c->owner->offer, &policy, &c->rec.leg[i].layout, &v->far, &no);
	v->asked = c->video->leg[i].local;
	if (e == ERR_OK)
		e = sdp_local_offer(&v->asked, &suite);
	if (e != ERR_OK)
		return e == ERR_NOTFOUND ? ERR_STATE : e;
	*out = (struct sdp_part){.ours = &v->asked,
				 .media = &c->owner->offer.media[v->far.index],
				 .dir = v->far.direction};
	c->x.video_asked = true;
	return ERR_OK;
}

void
video_rekeyed(struct call *c, enum call_leg_index i, const struct sdp_stream *audio)
{
	struct sdp_policy policy = terms_policy(c, i, c->rec.leg[i].secure);
	struct sdp_refusal no = {.text = ""};
	struct sdp_local asked;
	struct sdp_stream got;
	bool taken;

	if (!c->x.video)
		return;
	asked = c->x.video->asked;
	taken = !audio->disabled &&
		sdp_video_answer_read(&c->owner->answer, &policy, &asked, &c->rec.leg[i].layout,
				      &got, &no) == ERR_OK &&
		!row_names_us(c, &got);
	if (taken) {
		sdp_local_chosen(&asked, &got);
		take_move(c, i, &got, &asked);
	} else {
		note_refused(c, i, "it did not take another key");
		c->rec.video_on = 0;
		(void)row_open(c, other_leg(i));
	}
	sdp_stream_wipe(&got);
	sdp_local_wipe(&asked);
}
