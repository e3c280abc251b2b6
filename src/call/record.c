#include "call/record.h"

#include <string.h>

#include "edge/edge.h"

const char *
call_identity_text(enum call_identity i)
{
	static const char *const words[] = {
#define X(n, text) text,
		CALL_IDENTITY_LIST(X)
#undef X
	};

	return (unsigned)i < ARRAY_LEN(words) ? words[i] : "";
}

const char *
call_ender_name(enum call_ender e)
{
	static const char *const names[] = {
#define X(n) #n,
		CALL_ENDER_LIST(X)
#undef X
	};

	return (unsigned)e < ARRAY_LEN(names) ? names[e] : "?";
}

static const struct {
	const char *name, *text;
} falls[] = {
#define X(name, text) {#name, text},
	RECORD_FALL_LIST(X)
#undef X
};

const char *
record_fall_name(enum record_fall f)
{
	return falls[(unsigned)f < ARRAY_LEN(falls) ? f : 0].name;
}

const char *
record_fall_text(enum record_fall f)
{
	return falls[(unsigned)f < ARRAY_LEN(falls) ? f : 0].text;
}

static const struct {
	const char *name, *text;
} audios[] = {
#define X(name, text) {#name, text},
	RECORD_AUDIO_LIST(X)
#undef X
};

const char *
record_audio_name(enum record_audio a)
{
	return audios[(unsigned)a < ARRAY_LEN(audios) ? a : 0].name;
}

const char *
record_audio_text(enum record_audio a)
{
	return audios[(unsigned)a < ARRAY_LEN(audios) ? a : 0].text;
}

const char *
record_fax_name(enum record_fax f)
{
	static const char *const names[] = {
#define X(name) #name,
		RECORD_FAX_LIST(X)
#undef X
	};

	return names[(unsigned)f < ARRAY_LEN(names) ? f : 0];
}

static bool
has_end(const char *z, size_t cap)
{
	return memchr(z, 0, cap) != NULL;
}

/* No dialog yet: nothing of it is there to be read. */
static bool
dialog_valid(const struct sip_dialog *d)
{
	if (d->version)
		return sip_dialog_valid(d);
	for (int i = 0; i < SIP_DIALOG_PARTS; i++)
		if (d->part[i].at || d->part[i].len)
			return false;
	return d->state == SIP_DIALOG_NEW && d->used == 0;
}

/* As we write them: anything else would make an unreadable Via. */
static bool
branch_valid(const char *branch, size_t cap)
{
	if (!has_end(branch, cap))
		return false;
	for (; *branch; branch++)
		if (!ascii_alnum(*branch))
			return false;
	return true;
}

static bool
dtls_valid(const struct sdp_dtls *d)
{
	return d->setup <= SDP_SETUP_ACTPASS && d->print_len <= SDP_PRINT_MAX;
}

static bool
leg_valid(const struct record_leg *l)
{
	return has_end(l->account.z, sizeof(l->account.z)) &&
	       has_end(l->trunk.z, sizeof(l->trunk.z)) && has_end(l->peer, sizeof(l->peer)) &&
	       has_end(l->codec, sizeof(l->codec)) &&
	       has_end(l->tls_version, sizeof(l->tls_version)) &&
	       has_end(l->tls_suite, sizeof(l->tls_suite)) &&
	       has_end(l->media.cname, sizeof(l->media.cname)) &&
	       has_end(l->video.media.cname, sizeof(l->video.media.cname)) &&
	       l->video.media.pts.n <= MEDIA_PTS && branch_valid(l->branch, sizeof(l->branch)) &&
	       l->layout.n <= SDP_MEDIA_MAX && l->layout.video <= l->layout.n &&
	       l->layout.audio < SDP_MEDIA_MAX && l->security < TRUNK_SECURITY_N &&
	       l->fell < RECORD_FALL_N && l->form < SDP_FORM_N && l->fax < RECORD_FAX_N &&
	       l->audio < RECORD_AUDIO_N && l->repair < RECORD_AUDIO_N &&
	       l->numbers.n <= SDP_NUMBERS_MAX && l->media.pts.n <= MEDIA_PTS &&
	       dtls_valid(&l->far_dtls) && dtls_valid(&l->own_dtls) &&
	       has_end(l->ice.ufrag, sizeof(l->ice.ufrag)) && dialog_valid(&l->dialog);
}

bool
call_record_valid(const struct call_record *r)
{
	if (r->version != CALL_RECORD_VERSION || r->size != sizeof(*r) ||
	    r->state >= B2BUA_STATE_N || r->n_targets > ROUTE_TARGETS_MAX ||
	    r->ended_by >= CALL_ENDER_N || r->identity >= CALL_IDENTITY_N ||
	    r->refusal >= REFUSAL_N)
		return false;
	if (!has_end(r->id.z, sizeof(r->id.z)) ||
	    !has_end(r->from_received, sizeof(r->from_received)) ||
	    !has_end(r->to_received, sizeof(r->to_received)) ||
	    !has_end(r->from_sent, sizeof(r->from_sent)) ||
	    !has_end(r->to_sent, sizeof(r->to_sent)) ||
	    !has_end(r->refusal_detail, sizeof(r->refusal_detail)) ||
	    !has_end(r->forwarder.z, sizeof(r->forwarder.z)) ||
	    !has_end(r->payer.z, sizeof(r->payer.z)) ||
	    !has_end(r->payer_parent.z, sizeof(r->payer_parent.z)) ||
	    !has_end(r->transfer_of.z, sizeof(r->transfer_of.z)) || r->host_leg >= CALL_LEGS ||
	    r->rides > CALL_LEGS || r->increment_s > CALL_INCREMENT_MAX)
		return false;
	for (int i = 0; i < ROUTE_TARGETS_MAX; i++)
		if (r->target[i].n_tried > CALL_TRIED_MAX ||
		    !has_end(r->target[i].trunk.z, sizeof(r->target[i].trunk.z)) ||
		    !has_end(r->target[i].route.z, sizeof(r->target[i].route.z)) ||
		    !has_end(r->target[i].number, sizeof(r->target[i].number)) ||
		    !has_end(r->target[i].why, sizeof(r->target[i].why)))
			return false;
	return leg_valid(&r->leg[LEG_A]) && leg_valid(&r->leg[LEG_B]);
}
