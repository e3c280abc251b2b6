#include "call/negotiate.h"

#include <string.h>

#include "base/random.h"

/* The leg's trunk as it stands now; NULL: it is gone. */
static const struct trunk *
trunk_of(const struct call *c, enum call_leg_index i)
{
	const struct snapshot_view *v = c->owner->snap;
	uint32_t t = v ? snapshot_trunk(v, str_from(c->rec.leg[i].trunk.z)) : POLICY_NONE;

	return t == POLICY_NONE ? NULL : &v->trunk[t];
}

/* The suites that the leg's trunk names; false: it names none, and *out is left. */
static bool
suites_of(const struct call *c, enum call_leg_index i, struct sdp_suites *out)
{
	const struct trunk *t = trunk_of(c, i);

	return t && t->srtp.len &&
	       sdp_suites_parse(snapshot_text(c->owner->snap, t->srtp), out) == ERR_OK;
}

static uint8_t
mki_of(const struct call *c, enum call_leg_index i)
{
	static const uint8_t by_trunk[TRUNK_MKI_N] = {[TRUNK_MKI_MIRROR] = SDP_MKI_MIRROR,
						      [TRUNK_MKI_NEVER] = SDP_MKI_NEVER,
						      [TRUNK_MKI_ALWAYS] = SDP_MKI_ALWAYS};
	const struct trunk *t = trunk_of(c, i);

	return t ? by_trunk[t->mki] : SDP_MKI_MIRROR;
}

static struct sdp_policy
policy_of(const struct call *c, enum call_leg_index i)
{
	struct sdp_policy p = {
		.secure = c->rec.leg[i].secure, .first = true, .suites = SDP_SUITES_TAKEN};

	(void)suites_of(c, i, &p.suites);
	return p;
}

/* The sdp layer speaks in sentences; the record in refusals. */
static enum refusal
refusal_of(const struct call *c, enum call_leg_index i, const struct sdp *s,
	   const struct sdp_refusal *why)
{
	if (why->status != SDP_STATUS_REFUSED)
		return REFUSAL_SDP;
	for (unsigned k = 0; k < s->n_media; k++)
		if (s->media[k].type == SDP_AUDIO && s->media[k].port)
			return c->rec.leg[i].secure ? REFUSAL_CRYPTO
			       : s->media[k].n_crypto || sdp_proto_is_sdes(s->media[k].proto)
				       ? REFUSAL_CLEAR_ONLY
				       : REFUSAL_MEDIA;
	return REFUSAL_MEDIA;
}

/* One of our own media ports? A leg that names one would make packets go round. */
static bool
is_ours(const struct call *c, const struct addr *a)
{
	const struct media_plan *p = c->owner->conf.plan;

	for (uint32_t i = 0; p && i < p->n_addrs; i++)
		if (a->port >= p->port_min && a->port <= p->port_max &&
		    (addr_ip_eq(a, &p->bound[i]) || addr_ip_eq(a, &p->advertised[i])))
			return true;
	return false;
}

static bool
names_us(const struct call *c, const struct sdp_stream *far)
{
	return is_ours(c, &far->rtp) || is_ours(c, &far->rtcp);
}

static bool
has_sdp(const struct sip_msg *m)
{
	return m->body.len && sip_ctype_is(m, "application", "sdp");
}

enum refusal
negotiate_offer_a(struct call *c, const struct sip_msg *invite, const char **why)
{
	struct sdp_policy policy = policy_of(c, LEG_A);
	struct call_leg *a = &c->leg[LEG_A];
	struct sdp *s = &c->owner->sdp_a;
	struct sdp_refusal no = {0};

	*why = "";
	if (invite->body.len == 0)
		return REFUSAL_NO_OFFER;
	if (!has_sdp(invite))
		return REFUSAL_BODY_TYPE;
	if (sdp_parse(invite->body, s) != ERR_OK)
		return REFUSAL_SDP;
	if (sdp_offer_read(s, &policy, NULL, &a->far, &no) != ERR_OK) {
		*why = no.text ? no.text : "";
		return refusal_of(c, LEG_A, s, &no);
	}
	if (names_us(c, &a->far)) {
		*why = "the SDP names a media address of ours: packets would go round";
		return REFUSAL_MEDIA;
	}
	a->local.secure = policy.secure;
	a->local.mki = mki_of(c, LEG_A);
	if (sdp_local_answer(&a->local, &a->far) != ERR_OK)
		return REFUSAL_INTERNAL;
	return REFUSAL_NONE;
}

enum refusal
negotiate_port(struct call *c, enum call_leg_index i, uint32_t trunk)
{
	const struct call_ops *ops = &c->owner->ops;
	struct record_leg *l = &c->rec.leg[i];
	struct media_open *o = &l->media;

	if (l->media_open)
		return REFUSAL_NONE;
	memset(o, 0, sizeof(*o));
	if (ops->do_port(ops->arg, trunk, c->rec.exempt, &o->slot, &o->generation,
			 &c->leg[i].local.media) != ERR_OK)
		return REFUSAL_NO_PORTS;
	o->peer = MEDIA_NO_SLOT;
	o->ptime_ms = SDP_PTIME_DEFAULT;
	if (c->rec.class != CLASS_EMERGENCY) { /* which may be silent as long as it wants */
		o->timeout_s = c->owner->conf.media_timeout_s;
		o->timeout_lost_s = c->owner->conf.media_lost_s;
	}
	random_token(o->cname, MEDIA_CNAME_MAX - 1);
	random_bytes(&l->origin.id, sizeof(l->origin.id));
	l->origin.id &= 0x7fffffffffffu; /* some parsers hold o= in 63 bits, some in a double */
	l->media_open = 1;
	c->owner->by_media[o->slot] = c;
	return REFUSAL_NONE;
}

static uint32_t
leg_flags(const struct call *c, enum call_leg_index i)
{
	const struct call_leg *leg = &c->leg[i];
	const struct trunk *t = trunk_of(c, i);
	uint32_t f = c->rec.leg[i].secure ? MEDIA_F_SECURE : 0;

	if (leg->far.rtcp_mux && leg->local.rtcp_mux)
		f |= MEDIA_F_RTCP_MUX;
	if (leg->far.far_sends)
		f |= MEDIA_F_RECV;
	if (leg->far.far_receives)
		f |= MEDIA_F_SEND;
	if (c->rec.answer_us)
		f |= MEDIA_F_ANSWERED;
	if (t && t->learn)
		f |= MEDIA_F_LEARN_CLEAR;
	if (t && t->ssrc == TRUNK_SSRC_PASS)
		f |= MEDIA_F_SSRC_PASS;
	if (t && t->roc == TRUNK_ROC_KEEP)
		f |= MEDIA_F_ROC_KEEP;
	if (t && t->roc == TRUNK_ROC_RESET)
		f |= MEDIA_F_ROC_RESET;
	return f;
}

/* Keys of both directions of a leg, as new serials: never the same for two keys of a slot. */
static void
set_keys(struct call *c, enum call_leg_index i)
{
	const struct call_ops *ops = &c->owner->ops;
	struct call_leg *leg = &c->leg[i];
	uint32_t slot = c->rec.leg[i].media.slot;

	leg->in_serial = ++leg->last_in;
	leg->out_serial = ++leg->last_out;
	ops->do_key(ops->arg, slot, true, leg->in_serial, &leg->far.key);
	ops->do_key(ops->arg, slot, false, leg->out_serial, &leg->local.crypto[0].keys[0]);
}

/* Say to media what the leg's row shall be. */
static enum refusal
open_row(struct call *c, enum call_leg_index i)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct call_leg *leg = &c->leg[i];
	struct record_leg *l = &c->rec.leg[i], *peer = &c->rec.leg[1 - i];
	const struct trunk *t = trunk_of(c, i);
	struct media_open *o = &l->media;

	o->peer = peer->media_open ? peer->media.slot : MEDIA_NO_SLOT;
	o->flags = leg_flags(c, i);
	o->rtp = leg->far.rtp;
	o->rtcp = leg->far.rtcp;
	o->in_serial = leg->in_serial;
	o->out_serial = leg->out_serial;
	o->in_suite = leg->in_serial ? (uint8_t)leg->far.suite : 0;
	o->out_suite = leg->out_serial ? (uint8_t)leg->local.crypto[0].suite : 0;
	l->in_suite = o->in_suite;
	l->out_suite = o->out_suite;
	if (t)
		o->dscp = t->dscp == TRUNK_DSCP_KEEP ? MEDIA_DSCP_KEEP : t->dscp;
	o->clock_rate = leg->far.clock;
	o->telephone_event_pt =
		leg->far.telephone_event_pt == SDP_PT_NONE ? 0 : leg->far.telephone_event_pt;
	if (leg->far.ptime)
		o->ptime_ms = (uint8_t)(leg->far.ptime > 255 ? 255 : leg->far.ptime);
	return ops->do_open(ops->arg, o, c->rec.exempt) == ERR_OK ? REFUSAL_NONE
								  : REFUSAL_MEDIA_BUSY;
}

/* A's offer into the scratch, which may hold another call's by now. */
static bool
read_offer_again(struct call *c)
{
	const struct call_ops *ops = &c->owner->ops;
	const struct sip_msg *req = ops->do_request_of(ops->arg, c->leg[LEG_A].invite);

	return req && sdp_parse(req->body, &c->owner->sdp_a) == ERR_OK;
}

enum refusal
negotiate_offer_b(struct call *c, struct buf *b)
{
	struct call_leg *a = &c->leg[LEG_A], *bl = &c->leg[LEG_B];
	struct record_leg *l = &c->rec.leg[LEG_B];
	struct sdp_suites suites = SDP_SUITES_OFFERED;
	enum refusal r;

	/* another target: other keys, nothing known of it yet */
	sdp_stream_wipe(&bl->far);
	bl->far = (struct sdp_stream){.telephone_event_pt = SDP_PT_NONE, .clock = a->far.clock};
	bl->local.secure = l->secure;
	bl->local.mki = mki_of(c, LEG_B);
	bl->local.n_crypto = 0;
	(void)suites_of(c, LEG_B, &suites);
	bl->answered = false;
	l->layout = (struct sdp_layout){0};
	bl->in_serial = 0;
	c->n_sdp_a = 0;
	if (!read_offer_again(c) || sdp_local_offer(&bl->local, &suites) != ERR_OK)
		return REFUSAL_INTERNAL;
	if (sdp_offer_write(&bl->local, &c->owner->sdp_a.media[a->far.index], &a->far,
			    a->far.direction, &l->layout, &l->origin, b) != ERR_OK)
		return REFUSAL_MEDIA;
	/* a secure B answers with one of our lines: which key we send under is known only then */
	bl->out_serial = 0;
	if (c->rec.leg[LEG_A].secure && !a->in_serial)
		set_keys(c, LEG_A);
	r = open_row(c, LEG_B);
	if (r == REFUSAL_NONE)
		r = open_row(c, LEG_A);
	return r;
}

/* Our answer to A, from what B took. */
static enum refusal
write_answer_a(struct call *c)
{
	struct call_leg *a = &c->leg[LEG_A], *bl = &c->leg[LEG_B];
	struct record_leg *l = &c->rec.leg[LEG_A];
	enum sdp_direction dir;
	struct buf b;

	if (!read_offer_again(c))
		return REFUSAL_INTERNAL;
	buf_init(&b, c->sdp_a, sizeof(c->sdp_a));
	dir = sdp_answer_direction(a->far.direction, bl->far.direction);
	if (sdp_answer_write(&a->local, &c->owner->sdp_a, &a->far,
			     &c->owner->sdp_b.media[bl->far.index], &bl->far, dir, &l->layout,
			     &l->origin, &b) != ERR_OK)
		return REFUSAL_BAD_ANSWER;
	sdp_stream_agree(&a->far, dir);
	c->n_sdp_a = b.len;
	a->answered = true;
	return REFUSAL_NONE;
}

enum refusal
negotiate_answer_b(struct call *c, const struct sip_msg *msg, const char **why)
{
	struct sdp_policy policy = policy_of(c, LEG_B);
	struct call_leg *a = &c->leg[LEG_A], *bl = &c->leg[LEG_B];
	struct sdp *s = &c->owner->sdp_b;
	struct sdp_refusal no = {0};
	enum refusal r;

	*why = "";
	if (!has_sdp(msg))
		return bl->answered ? REFUSAL_NONE : REFUSAL_BAD_ANSWER;
	if (bl->answered)
		return REFUSAL_NONE; /* RFC 6337 2: a second answer to one offer does not count */
	if (sdp_parse(msg->body, s) != ERR_OK)
		return REFUSAL_BAD_ANSWER;
	if (sdp_answer_read(s, &policy, &bl->local, &c->rec.leg[LEG_B].layout, &a->far, &bl->far,
			    &no) != ERR_OK) {
		*why = no.text ? no.text : "";
		return REFUSAL_BAD_ANSWER;
	}
	if (names_us(c, &bl->far)) {
		*why = "the answer names a media address of ours: packets would go round";
		return REFUSAL_BAD_ANSWER;
	}
	if (policy.secure) {
		sdp_local_chosen(&bl->local, &bl->far);
		set_keys(c, LEG_B);
	}
	sdp_stream_agree(&bl->far, a->far.direction);
	r = write_answer_a(c);
	if (r != REFUSAL_NONE)
		return r;
	(void)!str_copyz(c->rec.leg[LEG_A].codec, SDP_CODEC_MAX, str_from(bl->far.codec));
	(void)!str_copyz(c->rec.leg[LEG_B].codec, SDP_CODEC_MAX, str_from(bl->far.codec));
	r = open_row(c, LEG_B);
	if (r == REFUSAL_NONE)
		r = open_row(c, LEG_A);
	bl->answered = r == REFUSAL_NONE; /* else the 2xx may do what the 18x could not */
	return r;
}

enum refusal
negotiate_answered(struct call *c)
{
	enum refusal r = open_row(c, LEG_B);

	return r == REFUSAL_NONE ? open_row(c, LEG_A) : r;
}

void
negotiate_close(struct call *c)
{
	const struct call_ops *ops = &c->owner->ops;

	if (c->media_closing)
		return;
	c->media_closing = true;
	for (int i = 0; i < CALL_LEGS; i++) {
		struct record_leg *l = &c->rec.leg[i];

		if (l->media_open)
			ops->do_close(ops->arg, l->media.slot, l->media.generation);
		else
			l->stats_final = 1;
	}
}

void
negotiate_wipe(struct call *c)
{
	for (int i = 0; i < CALL_LEGS; i++) {
		sdp_local_wipe(&c->leg[i].local);
		sdp_stream_wipe(&c->leg[i].far);
	}
}
