#include "call/negotiate.h"

#include <string.h>

#include "base/log.h"
#include "base/metric.h"
#include "base/secret.h"
#include "call/dtls.h"
#include "call/ice.h"
#include "call/others.h"
#include "call/payload.h"
#include "call/row.h"
#include "call/said.h"
#include "call/terms.h"
#include "call/video.h"
#include "sip/parts.h"

enum { SUITE_NAME_MAX = 40, SUITES_NAMED = 3 }; /* in a sentence of CALL_WHY_MAX */

/* The sdp layer speaks in sentences; the record in refusals. */
static enum refusal
refusal_of(const struct call *c, enum call_leg_index i, const struct sdp_refusal *why)
{
	if (why->status != SDP_STATUS_REFUSED)
		return REFUSAL_SDP;
	switch (why->fault) {
	case SDP_FAULT_FAX:
		return REFUSAL_FAX;
	case SDP_FAULT_KEYS:
	case SDP_FAULT_SUITES:
		if (c->rec.leg[i].secure && terms_form(c, i) == SDP_FORM_DTLS)
			return REFUSAL_DTLS;
		return c->rec.leg[i].secure ? REFUSAL_CRYPTO : REFUSAL_CLEAR_ONLY;
	case SDP_FAULT_MEDIA:
		break;
	}
	return REFUSAL_MEDIA;
}

/* A name that a peer wrote: what could not stand in a Warning is left out. */
static void
put_plain(struct buf *b, struct str name)
{
	for (size_t i = 0; i < name.len && i < SUITE_NAME_MAX; i++)
		if (ascii_alnum(name.p[i]) || name.p[i] == '_')
			buf_char(b, name.p[i]);
}

static bool
is_taken(const struct sdp_suites *taken, struct str suite)
{
	for (unsigned i = 0; i < taken->n; i++)
		if (str_eqz(suite, sdp_suite_name((enum sdp_suite)taken->v[i])))
			return true;
	return false;
}

/* "offered A, B; this trunk takes C"; text where that is not what is wrong. */
static const char *
name_suites(struct call *c, const struct sdp *s, const struct sdp_suites *taken, const char *text)
{
	unsigned n = 0;
	struct buf b;

	buf_init(&b, c->owner->why, sizeof(c->owner->why));
	for (unsigned i = 0; i < s->n_media; i++)
		for (unsigned k = 0; k < s->media[i].n_crypto && n < SUITES_NAMED; k++) {
			struct str suite;
			uint32_t tag;

			if (sdp_crypto_tag(s->media[i].crypto[k], &tag, &suite) != ERR_OK)
				continue;
			if (is_taken(taken, suite))
				return text;
			buf_z(&b, n++ ? ", " : "offered ");
			put_plain(&b, suite);
		}
	buf_z(&b, "; this trunk takes ");
	for (unsigned i = 0; i < taken->n && i < SUITES_NAMED; i++) {
		buf_z(&b, i ? ", " : "");
		buf_z(&b, sdp_suite_name((enum sdp_suite)taken->v[i]));
	}
	buf_z(&b, taken->n > SUITES_NAMED ? " and others" : "");
	return n && buf_end(&b) == ERR_OK ? buf_cstr(&b) : text;
}

/* The SDP of a message, alone or among other parts (RFC 5621). */
static bool
find_sdp(const struct sip_msg *m, struct str *out)
{
	return sip_body_of(m, "application", "sdp", out) == ERR_OK;
}

/* ---- an offer ---- */

/* The offer in hand, anew into the scratch, which may hold another call's by now. */
static bool
read_again(struct call *c)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct call_exchange *x = &c->x;
	const struct sip_msg *req = x->txn ? ops->do_request_of(ops->arg, x->txn) : NULL;
	struct str body = str_of(x->body, x->n_body);

	if (req && !find_sdp(req, &body))
		return false;
	return sdp_parse(body, &c->owner->offer) == ERR_OK;
}

/* Our body for leg i is written into *b, and kept. */
static void
begin_body(struct call *c, enum call_leg_index i, struct buf *b)
{
	said_drop(c, i);
	buf_init(b, c->owner->body, sizeof(c->owner->body));
}

static enum refusal
keep_body(struct call *c, enum call_leg_index i, const struct buf *b)
{
	enum err err = said_put(c, i, buf_view(b));

	secret_wipe(c->owner->body, b->len);
	return err == ERR_OK ? REFUSAL_NONE : REFUSAL_MEDIA_BUSY;
}

/* An offer that came in a response: its text has to outlive it. */
static enum refusal
keep_offer(struct call *c, struct str body)
{
	struct call_exchange *x = &c->x;

	if (body.len > CALL_OFFER_MAX)
		return REFUSAL_SDP;
	x->body = pool_get(&c->owner->offers);
	if (!x->body)
		return REFUSAL_MEDIA_BUSY;
	memcpy(x->body, body.p, body.len);
	x->n_body = body.len;
	return REFUSAL_NONE;
}

void
negotiate_drop(struct call *c)
{
	struct call_exchange *x = &c->x;

	if (x->body) {
		secret_wipe(x->body, x->n_body);
		pool_put(&c->owner->offers, x->body);
	}
	if (x->deal) {
		secret_wipe(x->deal, sizeof(*x->deal));
		pool_put(&c->owner->deals, x->deal);
	}
	video_forget(c);
	*x = (struct call_exchange){0};
	if (!c->rec.video_on) /* it was offered, and not taken */
		row_video_free(c);
}

/* Whatever was in hand is dropped. */
static enum refusal
begin_deal(struct call *c, enum call_leg_index from)
{
	negotiate_drop(c);
	c->x.from = (uint8_t)from;
	c->x.deal = pool_get(&c->owner->deals);
	return c->x.deal ? REFUSAL_NONE : REFUSAL_MEDIA_BUSY;
}

static enum refusal
read_offer(struct call *c, enum call_leg_index i, struct str body, const char **why)
{
	bool keys = terms_lenient(c, i) && !c->leg[i].agreed; /* where they stand */
	struct sdp_policy policy = terms_policy(c, i, c->rec.leg[i].secure || keys);
	struct call_deal *x = c->x.deal;
	struct sdp *s = &c->owner->offer;
	struct sdp_refusal no = {0};

	if (sdp_parse(body, s) != ERR_OK)
		return REFUSAL_SDP;
	if (sdp_offer_read(s, &policy, &c->rec.leg[i].layout, &x->far, &no) != ERR_OK) {
		*why = no.text ? no.text : "";
		if (no.fault == SDP_FAULT_SUITES)
			*why = name_suites(c, s, &policy.suites, *why);
		return refusal_of(c, i, &no);
	}
	x->mine = c->leg[i].audio.local;
	x->mine.secure = policy.secure &&
			 (!policy.clear_too || x->far.suite != SDP_SUITE_NONE || x->far.dtls.setup);
	x->mine.mki = terms_mki(c, i);
	x->mine.rtcp_mux = true; /* taken where it is offered (RFC 5761 5.1.1) */
	if (sdp_local_answer(&x->mine, &x->far) != ERR_OK)
		return REFUSAL_INTERNAL;
	if (policy.dtls)
		dtls_own(c, i, &x->mine, &x->far.dtls);
	ice_mine(c, i, &x->far, &x->mine);
	video_read(c);
	c->x.others = true;
	return REFUSAL_NONE;
}

enum refusal
negotiate_offer(struct call *c, enum call_leg_index i, const struct sip_msg *m,
		struct edge_txn *txn, const char **why)
{
	struct str body;
	enum refusal r;

	*why = "";
	if (!find_sdp(m, &body))
		return REFUSAL_BODY_TYPE;
	r = begin_deal(c, i);
	c->x.txn = txn;
	if (r == REFUSAL_NONE && !txn)
		r = keep_offer(c, body);
	if (r == REFUSAL_NONE)
		r = read_offer(c, i, body, why);
	if (r == REFUSAL_NONE && row_names_us(c, &c->x.deal->far)) {
		*why = "the SDP names a media address of ours: packets would go round";
		r = REFUSAL_MEDIA;
	}
	if (r == REFUSAL_NONE)
		c->x.open = true;
	else
		negotiate_drop(c);
	return r;
}

enum refusal
negotiate_offer_as(struct call *c, const struct call *other, enum call_leg_index i)
{
	static const char plain[] =
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"
		"t=0 0\r\nm=audio 9 RTP/AVP 8 0 101\r\n"
		"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";
	struct str said = said_of(other, i);
	const char *why;
	enum refusal r;

	c->rec.leg[LEG_A].secure = said.len && other->rec.leg[i].secure;
	c->leg[LEG_A].audio.local.media = other->leg[i].audio.local.media;
	r = begin_deal(c, LEG_A);
	if (r == REFUSAL_NONE)
		r = keep_offer(c, said.len ? said : str_from(plain));
	if (r == REFUSAL_NONE)
		r = read_offer(c, LEG_A, str_of(c->x.body, c->x.n_body), &why);
	if (r != REFUSAL_NONE) {
		negotiate_drop(c);
		return r;
	}
	c->x.open = true;
	video_forget(c); /* once both parties agree, they may */
	c->x.others = false;
	c->x.deal->far.ice = (struct sdp_ice){0}; /* our own words: nobody is there */
	c->x.deal->mine.ice = (struct sdp_ice_own){0};
	c->x.deal->far.direction = SDP_SENDRECV; /* the other party may be on hold just now */
	return r;
}

/* ---- our offer to the other leg ---- */

void
negotiate_target(struct call *c)
{
	struct call_leg *bl = &c->leg[LEG_B];
	struct record_leg *l = &c->rec.leg[LEG_B];

	/* another target: other keys, nothing known of it yet */
	sdp_stream_wipe(&bl->audio.far);
	bl->audio.far = (struct sdp_stream){.telephone_event_pt = SDP_PT_NONE};
	bl->audio.local.secure = l->secure;
	bl->audio.local.n_crypto = 0;
	c->x.answered = c->x.video_asked = false;
	dtls_forget(c, LEG_B);
	ice_forget(c, LEG_B);
	bl->agreed = false;
	row_video_free(c);
	l->layout = (struct sdp_layout){0};
	l->numbers = (struct sdp_numbers){0};
	for (int i = 0; i < CALL_LEGS; i++) {
		c->rec.leg[i].media.pts = (struct media_pts){0};
		c->rec.leg[i].media.event = 0;
	}
	bl->audio.in_serial = bl->audio.out_serial = 0;
	said_drop(c, LEG_A);
}

/* Our offer to leg `to`, with the video and the other media that it may have; without, where those
 * have no room. */
static enum refusal
write_offer(struct call *c, enum call_leg_index to, const struct sdp_media *m,
	    const struct sdp_part *video)
{
	const struct call_deal *x = c->x.deal;
	struct record_leg *l = &c->rec.leg[to];
	struct sdp_part audio = {.ours = &x->asked,
				 .media = m,
				 .list = &x->list,
				 .dir = x->far.direction,
				 .others = others_ask(c) ? &c->owner->offer : NULL};
	struct buf b;
	enum err e;

	begin_body(c, to, &b);
	e = sdp_offer_write(&audio, video, &l->layout, &l->origin, &b);
	c->x.video_asked = e == ERR_OK && video;
	c->x.others_asked = e == ERR_OK && audio.others;
	if (e != ERR_OK && (video || audio.others)) {
		audio.others = NULL;
		begin_body(c, to, &b);
		e = sdp_offer_write(&audio, NULL, &l->layout, &l->origin, &b);
	}
	return e == ERR_OK ? keep_body(c, to, &b) : REFUSAL_MEDIA;
}

/* Before an answer that names these ports, and what comes early before it. */
static enum refusal
open_first(struct call *c, enum call_leg_index to)
{
	enum refusal r;

	if (c->leg[to].agreed)
		return REFUSAL_NONE;
	if (!c->leg[c->x.from].agreed)
		row_sides(c, (enum call_leg_index)c->x.from, &c->x.deal->far, &c->x.deal->mine);
	c->leg[to].audio.far.clock = c->x.deal->far.clock;
	r = row_open(c, to);
	return r == REFUSAL_NONE ? row_open(c, (enum call_leg_index)c->x.from) : r;
}

enum refusal
negotiate_ask(struct call *c)
{
	enum call_leg_index to = (enum call_leg_index)(1 - c->x.from);
	struct call_deal *x = c->x.deal;
	struct record_leg *l = &c->rec.leg[to];
	struct sdp_suites suites = SDP_SUITES_OFFERED;
	struct sdp_codecs codecs = terms_codecs(c, to);
	const struct sdp_media *m;
	struct sdp_part video;
	enum refusal r;

	if (!x)
		return REFUSAL_INTERNAL;
	m = &c->owner->offer.media[x->far.index];
	x->mine.media =
		c->leg[c->x.from].audio.local.media; /* its port may be younger than the offer */
	x->asked = c->leg[to].audio.local;
	x->asked.secure = l->secure;
	x->asked.form = terms_form(c, to);
	if (x->asked.form == SDP_FORM_DTLS)
		dtls_own(c, to, &x->asked, &(struct sdp_dtls){0});
	ice_ask(c, to, &x->asked);
	x->asked.mki = terms_mki(c, to);
	(void)terms_suites(c, to, &suites);
	if (!read_again(c))
		return REFUSAL_INTERNAL;
	/* a leg that has keys is offered them again: a repeat is no new key */
	if (x->asked.n_crypto == 0 && sdp_local_offer(&x->asked, &suites) != ERR_OK)
		return REFUSAL_INTERNAL;
	if (!c->leg[to].agreed && l->numbers.n == 0 && terms_events(c, to))
		sdp_numbers_learn(&l->numbers, sdp_codec_event(), terms_events(c, to));
	if (sdp_list_offer(&x->far, m, &codecs, &l->numbers, &x->list) != ERR_OK)
		return REFUSAL_MEDIA;
	payload_offer(c, to, &x->list);
	r = write_offer(c, to, m, video_ask(c, &video) ? &video : NULL);
	return r == REFUSAL_NONE ? open_first(c, to) : r;
}

/* ---- its answer ---- */

/* What leg i answered, held against what it was asked. */
static enum refusal
read_answer(struct call *c, enum call_leg_index i, struct str body, struct sdp_stream *got,
	    const char **why)
{
	struct sdp_policy policy = terms_policy(c, i, c->x.deal->asked.secure);
	struct sdp_layout lay = c->rec.leg[i].layout;
	struct sdp *s = &c->owner->answer;
	struct sdp_refusal no = {0};

	if (policy.first && c->x.deal->asked.form == SDP_FORM_LINES)
		lay.audio = 0; /* an earlier fork may have taken the other line */
	if (sdp_parse(body, s) != ERR_OK)
		return REFUSAL_BAD_ANSWER;
	if (sdp_answer_read(s, &policy, &c->x.deal->asked, &lay, &c->x.deal->list, got, &no) !=
	    ERR_OK) {
		*why = no.text ? no.text : "";
		return REFUSAL_BAD_ANSWER;
	}
	if (row_names_us(c, got)) {
		*why = "the answer names a media address of ours: packets would go round";
		return REFUSAL_BAD_ANSWER;
	}
	return REFUSAL_NONE;
}

/* Our answer to the leg that offered, from what the other one took; seen: of its video, or NULL. */
static enum refusal
write_answer(struct call *c, const struct sdp_stream *got, const struct sdp_list *list,
	     const struct sdp_stream *seen)
{
	enum call_leg_index i = (enum call_leg_index)c->x.from;
	const struct call_deal *x = c->x.deal;
	struct record_leg *l = &c->rec.leg[i];
	const struct sdp_part audio = {
		.ours = &x->mine,
		.media = &c->owner->answer.media[got->index],
		.list = list,
		.offered = &x->far,
		.dir = sdp_answer_direction(x->far.direction, got->direction),
		.others = c->x.others_asked ? &c->owner->answer : NULL};
	struct sdp_part video;
	struct buf b;

	if (!read_again(c))
		return REFUSAL_INTERNAL;
	if (seen)
		video_answer(c, seen, &video);
	begin_body(c, i, &b);
	if (sdp_answer_write(&c->owner->offer, &audio, seen ? &video : NULL, &l->layout, &l->origin,
			     &b) != ERR_OK)
		return REFUSAL_BAD_ANSWER;
	return keep_body(c, i, &b);
}

/* The leg prefers SRTP: is its media in clear, then never in silence. */
static void
note_fall(struct call *c, enum call_leg_index i, enum record_fall how)
{
	struct record_leg *l = &c->rec.leg[i];

	if (l->security != TRUNK_SEC_PREFERRED || c->leg[i].agreed)
		return;
	if (l->secure)
		how = RECORD_FALL_none;
	else if (l->fell)
		how = (enum record_fall)l->fell; /* asked in clear at once */
	if (how != RECORD_FALL_none) {
		metric_add(METRIC_legs_fell_clear, 1);
		log_warn("call.clear", "id=%s trunk=%s prefers SRTP, its media goes in clear: %s",
			 c->rec.id.z, l->trunk.z, record_fall_text(how));
	}
	l->fell = (uint8_t)how;
}

static void
note_fax(struct call *c, const struct sdp_stream *got)
{
	if (!got->fax || got->disabled)
		return;
	for (int i = 0; i < CALL_LEGS; i++)
		c->rec.leg[i].fax = c->rec.leg[i].secure ? RECORD_FAX_clear : RECORD_FAX_passed;
}

static void
note_codec(struct call *c, const char *codec)
{
	for (int i = 0; i < CALL_LEGS; i++)
		(void)!str_copyz(c->rec.leg[i].codec, SDP_CODEC_MAX, str_from(codec));
}

/* Both sides have spoken: the session is what they said. told: what was answered; seen: of video.
 */
static enum refusal
settle(struct call *c, struct sdp_stream *got, const struct sdp_list *told, struct sdp_stream *seen)
{
	enum call_leg_index x = (enum call_leg_index)c->x.from, y = (enum call_leg_index)(1 - x);
	struct sdp_stream far = c->x.deal->far;
	struct sdp_local asked = c->x.deal->asked;
	enum refusal r;

	sdp_stream_agree(&far, sdp_answer_direction(far.direction, got->direction));
	sdp_stream_agree(got, far.direction);
	if (asked.secure && !got->disabled && !got->fax)
		sdp_local_chosen(&asked, got);
	dtls_sides(c, x, &far, &c->x.deal->mine);
	dtls_sides(c, y, got, &asked);
	ice_sides(c, x, &far);
	ice_sides(c, y, got);
	row_sides(c, x, &far, &c->x.deal->mine);
	row_sides(c, y, got, &asked);
	sdp_stream_wipe(&far);
	sdp_local_wipe(&asked);
	payload_settle(c, x, told, got);
	payload_settle(c, y, &c->x.deal->list, &c->leg[x].audio.far);
	for (unsigned k = 0; k < c->leg[x].audio.far.n_pts;
	     k++) /* it numbered them; y was asked ours */
		sdp_numbers_learn(&c->rec.leg[x].numbers, c->leg[x].audio.far.codecs[k],
				  c->leg[x].audio.far.pts[k]);
	c->rec.leg[y].layout.audio = got->index;
	note_fall(c, x, RECORD_FALL_offered);
	note_fall(c, y, RECORD_FALL_answered);
	note_fax(c, got);
	if (!got->fax)
		note_codec(c, got->codec);
	c->leg[x].answers = true;
	c->leg[y].answers = false;
	video_settle(c, seen);
	others_settle(c, got);
	r = row_open(c, y);
	if (r == REFUSAL_NONE)
		r = row_open(c, x);
	if (r == REFUSAL_NONE) /* else the 2xx may do what the 18x could not */
		c->x.answered = c->leg[x].agreed = c->leg[y].agreed = true;
	return r;
}

enum refusal
negotiate_answer(struct call *c, const struct sip_msg *m, const char **why)
{
	enum call_leg_index from = (enum call_leg_index)(1 - c->x.from);
	struct sdp_stream got, seen = {0};
	struct sdp_list told;
	struct str body;
	enum refusal r;
	bool video = false;

	*why = "";
	if (!c->x.open || c->x.answered ||
	    !c->x.deal) /* RFC 6337 2: a second answer does not count */
		return REFUSAL_NONE;
	if (!find_sdp(m, &body))
		return REFUSAL_BAD_ANSWER;
	r = read_answer(c, from, body, &got, why);
	if (r == REFUSAL_NONE && got.fax && got.disabled)
		c->x.deal->far.disabled = true; /* T.38 is not there, and nothing in its place */
	if (r == REFUSAL_NONE) {
		sdp_list_answer(&c->x.deal->far, &got, &told);
		sdp_list_drop_red(&c->owner->answer.media[got.index], &told);
		payload_answer(c, &told);
		video = video_take(c, &got, &seen);
		r = write_answer(c, &got, &told, video ? &seen : NULL);
	}
	if (r == REFUSAL_NONE)
		r = settle(c, &got, &told, video ? &seen : NULL);
	sdp_stream_wipe(&got);
	sdp_stream_wipe(&seen);
	return r;
}

/* ---- what is known already ---- */

static bool
has_layout(const struct sdp *s, const struct sdp_layout *lay)
{
	for (unsigned k = 0; k < s->n_media && s->n_media == lay->n; k++)
		if (lay->type[k] != (uint8_t)s->media[k].type)
			return false;
	return s->n_media == lay->n;
}

bool
negotiate_known(struct call *c)
{
	enum call_leg_index i = (enum call_leg_index)c->x.from;
	struct call_leg *leg = &c->leg[i];
	struct call_deal *x = c->x.deal;

	if (!x || !leg->agreed || !leg->answers || !leg->said.n ||
	    !sdp_stream_is_same(&leg->audio.far, &x->far) ||
	    !has_layout(&c->owner->offer, &c->rec.leg[i].layout) ||
	    (x->mine.secure && (!sdp_line_eq(&x->mine.crypto[0], &leg->audio.local.crypto[0]) ||
				x->mine.dtls.setup != leg->audio.local.dtls.setup)) ||
	    !video_known(c) || others_meant(c))
		return false;
	x->far.far_sends = leg->audio.far.far_sends;
	x->far.far_receives = leg->audio.far.far_receives;
	row_sides(c, i, &x->far, &x->mine);
	video_follow(c);
	return row_open(c, i) == REFUSAL_NONE;
}

void
negotiate_refreshed(struct call *c, enum call_leg_index i, const struct sip_msg *m)
{
	struct sdp_policy policy = terms_policy(c, i, c->rec.leg[i].secure);
	struct call_leg *leg = &c->leg[i];
	struct sdp *s = &c->owner->answer;
	struct sdp_refusal no = {0};
	struct sdp_stream got, next = leg->audio.far;
	struct sdp_local ours = leg->audio.local;
	struct sdp_list known;
	struct str body;

	sdp_list_answer(&leg->audio.far, &leg->audio.far,
			&known); /* what it knows of our last body */

	if (!find_sdp(m, &body) || sdp_parse(body, s) != ERR_OK ||
	    sdp_answer_read(s, &policy, &ours, &c->rec.leg[i].layout, &known, &got, &no) != ERR_OK)
		goto out;
	if (!got.disabled && !row_names_us(c, &got)) {
		next.rtp = got.rtp;
		next.rtcp = got.rtcp;
		next.key = got.key;
		next.dtls = got.dtls;
		next.ice = got.ice;
		ice_sides(c, i, &next);
		if (got.dtls.setup)
			sdp_local_chosen(&ours, &got);
		dtls_sides(c, i, &next, &ours);
		row_sides(c, i, &next, &ours);
		video_refreshed(c, i);
		(void)row_open(c, i);
	}
out:
	sdp_stream_wipe(&got);
	sdp_stream_wipe(&next);
	sdp_local_wipe(&ours);
}

/* ---- another key of ours ---- */

enum refusal
negotiate_rekey(struct call *c, enum call_leg_index i)
{
	struct record_leg *l = &c->rec.leg[i];
	struct call_deal *x;
	struct sdp_policy policy = terms_policy(c, i, l->secure);
	struct sdp_suites suite = {.n = 1, .v = {l->out_suite}};
	const struct sdp_codecs all = {0};
	const struct sdp_media *m;
	struct sdp_refusal no = {0};
	struct sdp_part video;
	enum refusal r;
	enum err e;

	r = begin_deal(c, i);
	if (r == REFUSAL_NONE)
		r = keep_offer(c, said_of(c, i)); /* which it is written from */
	if (r != REFUSAL_NONE) {
		negotiate_drop(c);
		return r;
	}
	x = c->x.deal;
	x->asked = c->leg[i].audio.local;
	x->asked.n_crypto = 0;
	if (!read_again(c) ||
	    sdp_offer_read(&c->owner->offer, &policy, NULL, &x->far, &no) != ERR_OK ||
	    sdp_local_offer(&x->asked, &suite) != ERR_OK) {
		negotiate_drop(c);
		return REFUSAL_INTERNAL;
	}
	m = &c->owner->offer.media[x->far.index];
	e = video_rekey(c, i, &video);
	if ((e != ERR_OK && e != ERR_NOTFOUND) ||
	    sdp_list_offer(&x->far, m, &all, &l->numbers, &x->list) != ERR_OK) {
		negotiate_drop(c);
		return REFUSAL_INTERNAL;
	}
	r = write_offer(c, i, m, e == ERR_OK ? &video : NULL);
	if (r != REFUSAL_NONE)
		negotiate_drop(c);
	return r;
}

enum refusal
negotiate_rekeyed(struct call *c, enum call_leg_index i, const struct sip_msg *m)
{
	struct sdp_stream got = {0}, next = c->leg[i].audio.far;
	struct sdp_local asked = {0};
	const char *why = "";
	enum refusal r = REFUSAL_BAD_ANSWER;
	struct str body;

	if (c->x.deal)
		asked = c->x.deal->asked;
	if (c->x.deal && find_sdp(m, &body))
		r = read_answer(c, i, body, &got, &why);
	if (r == REFUSAL_NONE && !got.disabled) {
		sdp_local_chosen(&asked, &got);
		next.rtp = got.rtp;
		next.rtcp = got.rtcp;
		next.suite = got.suite;
		next.tag = got.tag;
		next.spelling = got.spelling;
		next.key = got.key;
		row_sides(c, i, &next, &asked);
		video_rekeyed(c, i, &got);
		c->leg[i].answers = false;
		r = row_open(c, i);
	}
	sdp_stream_wipe(&got);
	sdp_stream_wipe(&next);
	sdp_local_wipe(&asked);
	negotiate_drop(c);
	return r;
}

void
negotiate_wipe(struct call *c)
{
	for (int i = 0; i < CALL_LEGS; i++) {
		sdp_local_wipe(&c->leg[i].audio.local);
		sdp_stream_wipe(&c->leg[i].audio.far);
		said_drop(c, (enum call_leg_index)i);
	}
	negotiate_drop(c);
}
