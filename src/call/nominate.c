#include "call/nominate.h"

#include "base/guard.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/secret.h"
#include "call/act.h"
#include "call/ice.h"
#include "call/row.h"
#include "call/speak.h"
#include "rtp/stun.h"

_Static_assert((int)STUN_REQUEST_MAX <= (int)MEDIA_PART_MAX, "a request is one part");
_Static_assert((int)STUN_ANSWER_MAX <= (int)MEDIA_PART_MAX, "and so is its answer");

/* The leg whose row took it; NULL: none any more. */
static struct call *
find_call(struct calls *cs, const struct media_handed *h, enum call_leg_index *out)
{
	struct call *c = h->slot < cs->n_media ? cs->by_media[h->slot] : NULL;

	for (int i = 0; c && i < CALL_LEGS; i++) {
		const struct record_leg *l = &c->rec.leg[i];

		if (!l->media_open || l->media.slot != h->slot ||
		    l->media.generation != h->generation)
			continue;
		*out = (enum call_leg_index)i;
		return c;
	}
	return NULL;
}

/* "ours:theirs", signed with our password. Before its SDP came, theirs may be anybody's whom our
 * offer reached. */
static bool
is_from(const struct call *c, enum call_leg_index i, const struct stun_request *r,
	const struct sdp_ice_own *own, uint64_t *peer)
{
	struct str theirs = r->user, ours = str_cut(&theirs, ':');
	uint64_t known = c->leg[i].agreed ? c->leg[i].audio.far.ice.ufrag : 0;

	*peer = sdp_ice_hash(theirs);
	return GUARD(M14, str_eqz(ours, own->ufrag) && (!known || known == *peer) &&
				  stun_is_signed(r, str_from(own->pwd)));
}

/* A lite agent is always controlled: who says so, too, is told, unless it is lite as well. */
static unsigned
status_of(const struct call *c, enum call_leg_index i, const struct stun_request *r)
{
	if (r->n_unknown)
		return STUN_UNKNOWN;
	return r->controlled && !c->leg[i].audio.far.ice.lite ? STUN_ROLE_CONFLICT : STUN_SUCCESS;
}

/* Never more than was asked, so that a forged source gains nothing. */
static bool
answer(struct calls *cs, const struct media_handed *h, const struct stun_request *r,
       unsigned status, const struct sdp_ice_own *own)
{
	struct media_send s = {
		.slot = h->slot, .generation = h->generation, .to = h->from, .rtcp = h->rtcp};
	struct buf b;

	buf_init(&b, s.p, STUN_ANSWER_MAX);
	if (stun_answer(r, status, &h->from, str_from(own->pwd), &b) != ERR_OK || b.len > r->len)
		return false;
	s.len = (uint16_t)b.len;
	cs->ops.do_datagram(cs->ops.arg, &s);
	metric_add(METRIC_stun_answered, 1);
	return true;
}

/* The far end is there, as long as nothing better is nominated. */
static void
nominate(struct call *c, enum call_leg_index i, const struct media_handed *h,
	 const struct stun_request *r, uint64_t peer)
{
	struct call_ice *ice = &c->leg[i].audio.ice, before = *ice;
	const struct sdp_stream there = {.rtp = h->from};
	unsigned k = h->rtcp != 0;

	if (row_names_us(c, &there))
		return;
	if (ice->peer == peer && ice->far[k].family && r->priority < ice->priority[k])
		return;
	if (ice->peer != peer) /* of our offer, before the answer: the last one counts */
		*ice = (struct call_ice){.peer = peer};
	ice->priority[k] = r->priority;
	if (addr_eq(&ice->far[k], &h->from))
		return;
	ice->far[k] = h->from;
	if (row_open(c, i) != REFUSAL_NONE) {
		*ice = before; /* it will ask again */
		return;
	}
	metric_add(METRIC_ice_nominated, 1);
	log_info("call.ice", "id=%s leg=%c %s at %s", c->rec.id.z, i == LEG_A ? 'A' : 'B',
		 k ? "RTCP" : "RTP", addr_text(&h->from).z);
	speak_store(c);
}

void
calls_on_stun(struct calls *cs, const struct media_handed *h, uint64_t now_us)
{
	enum call_leg_index i;
	struct call *c = find_call(cs, h, &i);
	const struct sdp_ice_own *own = c ? ice_own(c, i) : NULL;
	struct stun_request r;
	unsigned status;
	uint64_t peer;

	cs->now = now_us;
	if (!own || act_is_ending(c) || c->media_closing)
		return;
	if (stun_parse(h->p, h->len, &r) != ERR_OK || !is_from(c, i, &r, own, &peer)) {
		metric_add(METRIC_stun_refused, 1);
		return;
	}
	status = status_of(c, i, &r);
	if (answer(cs, h, &r, status, own) && status == STUN_SUCCESS && r.use_candidate)
		nominate(c, i, h, &r, peer);
}
