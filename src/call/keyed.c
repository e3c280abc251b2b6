#include "call/keyed.h"

#include "base/log.h"
#include "base/metric.h"
#include "call/act.h"
#include "call/row.h"
#include "call/speak.h"

/* The leg that waits for this handshake; NULL: none does any more. */
static struct call *
find_call(struct calls *cs, const struct call_keying_id *id, enum call_leg_index *out)
{
	struct call *c = id->slot < cs->n_media ? cs->by_media[id->slot] : NULL;

	for (int i = 0; c && i < CALL_LEGS; i++) {
		const struct record_leg *l = &c->rec.leg[i];

		if (!l->media_open || l->media.slot != id->slot ||
		    l->media.generation != id->generation || c->leg[i].assoc != id->assoc ||
		    l->keyed)
			continue;
		*out = (enum call_leg_index)i;
		return c;
	}
	return NULL;
}

void
calls_on_keyed(struct calls *cs, const struct call_keying_id *id, enum sdp_suite suite,
	       const struct sdp_key *in, const struct sdp_key *out, uint64_t now_us)
{
	const struct call_ops *ops = &cs->ops;
	enum call_leg_index i;
	struct call *c = find_call(cs, id, &i);
	struct call_leg *leg;

	cs->now = now_us;
	if (!c || c->finished)
		return;
	leg = &c->leg[i];
	c->rec.leg[i].keyed = 1;
	leg->audio.far.suite = suite;
	leg->audio.far.key = *in;
	leg->audio.local.crypto[0] = (struct sdp_line){.suite = suite, .key = *out};
	leg->audio.in_serial = ++leg->audio.last_in;
	ops->do_key(ops->arg, id->slot, true, leg->audio.in_serial, in);
	leg->audio.out_serial = ++leg->audio.last_out;
	ops->do_key(ops->arg, id->slot, false, leg->audio.out_serial, out);
	metric_add(METRIC_dtls_keyed, 1);
	log_info("call.keyed", "id=%s leg=%c SRTP %s by DTLS", c->rec.id.z, i == LEG_A ? 'A' : 'B',
		 sdp_suite_name(suite));
	if (row_open(c, i) != REFUSAL_NONE) {
		act_stop(c, REFUSAL_MEDIA_BUSY);
		return;
	}
	speak_store(c);
}

void
calls_on_unkeyed(struct calls *cs, const struct call_keying_id *id, enum refusal why,
		 uint64_t now_us)
{
	enum call_leg_index i;
	struct call *c = find_call(cs, id, &i);

	cs->now = now_us;
	if (!c || act_is_ending(c))
		return;
	metric_add(METRIC_dtls_failed, 1);
	log_warn("call.unkeyed", "id=%s leg=%c trunk=%s %s", c->rec.id.z, i == LEG_A ? 'A' : 'B',
		 c->rec.leg[i].trunk.z, refusal_text(why));
	if (c->rec.class != CLASS_EMERGENCY)
		act_stop(c, why);
}
