#include "ops/cdr.h"

#include "base/clock.h"
#include "edge/edge.h"
#include "policy/rate.h"
#include "policy/trunk.h"
#include "sdp/keys.h"

const char *
cdr_transport_name(unsigned t)
{
	static const char *const names[] = {
		[EDGE_UDP] = "udp", [EDGE_TCP] = "tcp", [EDGE_TLS] = "tls"};

	return t < ARRAY_LEN(names) ? names[t] : "?";
}

const struct record_leg *
cdr_customer_leg(const struct call_record *r)
{
	return &r->leg[!r->leg[LEG_A].account.z[0] && r->leg[LEG_B].account.z[0] ? LEG_B : LEG_A];
}

void
cdr_put_time(struct buf *b, int64_t wall_us)
{
	if (wall_us <= 0) {
		buf_z(b, "null");
		return;
	}
	buf_char(b, '"');
	clock_put_utc(b, wall_us);
	buf_char(b, '"');
}

static void
put_text(struct buf *b, const char *name, const char *z)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, str_from(z));
}

/* "" is null. */
static void
put_text_or_null(struct buf *b, const char *name, const char *z)
{
	if (*z)
		put_text(b, name, z);
	else
		buf_printf(b, ",\"%s\":null", name);
}

static void
put_time(struct buf *b, const char *name, int64_t wall_us)
{
	buf_printf(b, ",\"%s\":", name);
	cdr_put_time(b, wall_us);
}

static void
put_suite(struct buf *b, const char *name, unsigned suite)
{
	put_text_or_null(b, name, suite ? sdp_suite_name((enum sdp_suite)suite) : "");
}

static void
put_dropped(struct buf *b, const struct media_stats *s)
{
	const char *comma = "";

	buf_z(b, ",\"dropped\":{");
	for (int d = 0; d < MEDIA_DROP_N; d++) {
		if (!s->dropped[d])
			continue;
		buf_printf(b, "%s\"%s\":%llu", comma, media_drop_name((enum media_drop)d),
			   (unsigned long long)s->dropped[d]);
		comma = ",";
	}
	buf_char(b, '}');
}

static void
put_media(struct buf *b, const struct media_stats *s)
{
	buf_printf(b,
		   ",\"media\":{\"in_packets\":%llu,\"in_lost\":%llu,\"in_jitter_us\":%u,"
		   "\"in_bursts\":%u,\"in_burst_lost\":%u,\"in_burst_length\":%u,"
		   "\"out_packets\":%llu,\"far_lost\":%u,\"far_jitter_us\":%u,\"round_trip_us\":%u",
		   (unsigned long long)s->in_packets, (unsigned long long)s->in_lost,
		   s->in_jitter_us, s->in_bursts, s->in_burst_lost, s->in_burst_length,
		   (unsigned long long)s->out_packets, s->far_lost, s->far_jitter_us,
		   s->round_trip_us);
	put_dropped(b, s);
	buf_printf(b, ",\"roc_guesses\":%u,\"mos\":", s->roc_guesses);
	if (s->mos_x10)
		buf_printf(b, "%u.%u", s->mos_x10 / 10, s->mos_x10 % 10);
	else
		buf_z(b, "null");
	put_text_or_null(b, "far", s->far.family ? addr_text(&s->far).z : "");
	buf_char(b, '}');
}

/* Of a leg that never had video: null. */
static void
put_video(struct buf *b, const struct record_video *v)
{
	buf_z(b, ",\"video\":");
	if (!v->was) {
		buf_z(b, "null");
		return;
	}
	buf_printf(b, "{\"in_packets\":%llu,\"out_packets\":%llu",
		   (unsigned long long)v->in_packets, (unsigned long long)v->out_packets);
	put_suite(b, "srtp_in", v->in_suite);
	put_suite(b, "srtp_out", v->out_suite);
	buf_char(b, '}');
}

static void
put_leg(struct buf *b, const char *name, const struct record_leg *l)
{
	buf_printf(b, ",\"%s\":", name);
	if (!l->trunk.z[0]) { /* the call never got so far */
		buf_z(b, "null");
		return;
	}
	buf_z(b, "{\"trunk\":");
	buf_json(b, str_from(l->trunk.z));
	put_text_or_null(b, "account", l->account.z);
	put_text(b, "transport", cdr_transport_name(l->transport));
	put_text_or_null(b, "remote", l->remote.family ? addr_text(&l->remote).z : "");
	put_text_or_null(b, "peer", l->peer);
	put_text_or_null(b, "tls_version", l->tls_version);
	put_text_or_null(b, "tls_suite", l->tls_suite);
	put_text(b, "security", trunk_security_name((enum trunk_security)l->security));
	put_text_or_null(b, "fell", l->fell ? record_fall_name((enum record_fall)l->fell) : "");
	put_text_or_null(b, "fell_text", record_fall_text((enum record_fall)l->fell));
	put_text_or_null(b, "keying", !l->secure ? "" : l->form == SDP_FORM_DTLS ? "dtls" : "sdes");
	put_suite(b, "srtp_in", l->in_suite);
	put_suite(b, "srtp_out", l->out_suite);
	put_text_or_null(b, "codec", l->codec);
	put_text_or_null(b, "t38", l->fax ? record_fax_name((enum record_fax)l->fax) : "");
	put_text(b, "audio", record_audio_name((enum record_audio)l->audio));
	put_text_or_null(b, "audio_text", record_audio_text((enum record_audio)l->audio));
	if (l->repair)
		put_text(b, "repair", record_audio_name((enum record_audio)l->repair));
	put_media(b, &l->stats);
	put_video(b, &l->video);
	buf_char(b, '}');
}

static bool
leg_encrypted(const struct record_leg *l)
{
	return l->transport == EDGE_TLS && l->in_suite && l->out_suite;
}

/* Legs whose signalling and media were encrypted, both ways. */
static const char *
encrypted_word(const struct call_record *r)
{
	bool a = leg_encrypted(&r->leg[LEG_A]), b = leg_encrypted(&r->leg[LEG_B]);

	return a && b ? "both" : a ? "a" : b ? "b" : "none";
}

static void
put_customer(struct buf *b, const struct call_record *r)
{
	const struct record_leg *l = cdr_customer_leg(r);

	if (r->forwarder.z[0]) { /* neither leg is its */
		put_text(b, "account", r->payer.z);
		put_text(b, "trunk", r->forwarder.z);
		put_text_or_null(b, "peer", "");
		return;
	}
	if (!l->account.z[0] && r->payer.z[0]) { /* it goes on, its customer was transferred away */
		put_text(b, "account", r->payer.z);
		put_text_or_null(b, "trunk", "");
		put_text_or_null(b, "peer", "");
		return;
	}
	put_text_or_null(b, "account", l->account.z);
	put_text_or_null(b, "trunk", l->trunk.z);
	put_text_or_null(b, "peer", l->peer);
}

static void
put_times(struct buf *b, const struct call_record *r)
{
	uint64_t us = r->answer_us && r->end_mono_us > r->answer_mono_us
			      ? r->end_mono_us - r->answer_mono_us
			      : 0;

	put_time(b, "invite", r->invite_us);
	put_time(b, "ringing", r->ringing_us);
	put_time(b, "answer", r->answer_us);
	put_time(b, "end", r->end_us);
	buf_printf(b, ",\"duration_ms\":%llu", (unsigned long long)(us / CLOCK_MS));
}

/* Millionths as a decimal. */
static void
put_money(struct buf *b, const char *name, uint64_t micro)
{
	buf_printf(b, ",\"%s\":\"%llu.%06llu\"", name, (unsigned long long)(micro / 1000000),
		   (unsigned long long)(micro % 1000000));
}

/* What was charged, by the rate in force when the call began. */
static void
put_charge(struct buf *b, const struct call_record *r)
{
	struct rate rate = {.price_micro = r->price_micro, .increment_s = r->increment_s};
	uint64_t s = r->increment_s ? (uint64_t)r->steps * r->increment_s
		     : r->answer_us && r->end_mono_us > r->answer_mono_us
			     ? (r->end_mono_us - r->answer_mono_us + CLOCK_S - 1) / CLOCK_S
			     : 0;

	buf_printf(b, ",\"minutes\":%llu.%02llu", (unsigned long long)(s / 60),
		   (unsigned long long)(s % 60 * 100 / 60));
	if (!r->increment_s) {
		buf_z(b, ",\"price\":null,\"increment\":null,\"cost\":null");
		return;
	}
	put_money(b, "price", r->price_micro);
	buf_printf(b, ",\"increment\":%u", r->increment_s);
	put_money(b, "cost", r->steps * rate_step_micro(&rate));
}

static void
put_ending(struct buf *b, const struct call_record *r)
{
	static const char *const names[] = {[ENDER_CALLER] = "caller",
					    [ENDER_CALLED] = "called",
					    [ENDER_POSTERN] = "postern",
					    [ENDER_NONE] = ""};
	enum refusal why = (enum refusal)r->refusal;

	put_text_or_null(b, "ended_by", r->ended_by < ARRAY_LEN(names) ? names[r->ended_by] : "");
	buf_printf(b, ",\"sip_status\":%d,\"q850\":%d", r->sip_status, r->q850);
	put_text_or_null(b, "refusal", why ? refusal_name(why) : "");
	put_text_or_null(b, "refusal_text", why ? refusal_text(why) : "");
	if (r->refusal_detail[0])
		put_text(b, "refusal_detail", r->refusal_detail);
}

static void
put_tried(struct buf *b, const struct record_target *t)
{
	for (uint32_t i = 0; i < t->n_tried && i < CALL_TRIED_MAX; i++) {
		buf_z(b, i ? "," : ",\"addresses\":[");
		buf_json(b, str_from(addr_text(&t->tried[i]).z));
	}
	if (t->n_tried)
		buf_char(b, ']');
}

static void
put_targets(struct buf *b, const struct call_record *r)
{
	buf_z(b, ",\"targets\":[");
	for (int i = 0; i < r->n_targets; i++) {
		buf_z(b, i ? ",{\"trunk\":" : "{\"trunk\":");
		buf_json(b, str_from(r->target[i].trunk.z));
		if (r->target[i].route.z[0])
			put_text(b, "route", r->target[i].route.z);
		put_time(b, "at", r->target[i].at_us);
		buf_printf(b, ",\"status\":%d", r->target[i].status);
		put_tried(b, &r->target[i]);
		if (r->target[i].number[0])
			put_text(b, "number", r->target[i].number);
		if (r->target[i].redirected)
			buf_printf(b, ",\"redirected\":%u", r->target[i].redirected);
		if (r->target[i].why[0])
			put_text(b, "why", r->target[i].why);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

/* Media that went past us; of a call that had none: nothing. */
static void
put_others(struct buf *b, unsigned kinds)
{
	const char *before = ",\"past_us\":[";

	for (unsigned k = 0; k <= SDP_MEDIA_OTHER; k++) {
		if (!(kinds >> k & 1))
			continue;
		buf_printf(b, "%s\"%s\"", before, sdp_media_name((enum sdp_media_type)k));
		before = ",";
	}
	if (kinds)
		buf_char(b, ']');
}

void
cdr_put_start(struct buf *b, const char *id)
{
	buf_printf(b, "{\"v\":%d,\"id\":", CDR_VERSION);
	buf_json(b, str_from(id));
}

void
cdr_put(struct buf *b, const struct call_record *r)
{
	cdr_put_start(b, r->id.z);
	put_customer(b, r);
	put_text(b, "class", policy_class_name((enum policy_class)r->class));
	put_text(b, "from_received", r->from_received);
	put_text(b, "to_received", r->to_received);
	put_text(b, "from_sent", r->from_sent);
	put_text(b, "to_sent", r->to_sent);
	put_text_or_null(b, "identity", call_identity_text((enum call_identity)r->identity));
	put_times(b, r);
	put_charge(b, r);
	put_ending(b, r);
	put_targets(b, r);
	if (r->forwarder.z[0])
		put_text(b, "forwarded_by", r->forwarder.z);
	if (r->transfer_of.z[0])
		put_text(b, "transfer_of", r->transfer_of.z);
	if (r->transfers)
		buf_printf(b, ",\"transfers\":%u", r->transfers);
	buf_printf(b, ",\"restored\":%s,\"crashes\":%u", r->restored ? "true" : "false",
		   r->crashes);
	put_text(b, "encrypted", encrypted_word(r));
	put_others(b, r->others);
	put_leg(b, "a", &r->leg[LEG_A]);
	put_leg(b, "b", &r->leg[LEG_B]);
	buf_char(b, '}');
}
