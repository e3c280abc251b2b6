#include "ready/parts.h"
#include "sdp/keys.h"

/* Packets under a new key may overtake the answer that brings it. */
enum { OVERTAKEN_MAX = 2 };

static bool
check_answer(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_call *c = &f->call;
	struct ready_line *l =
		ready_add(out, READY_CALL_ANSWER, c->sdp_good ? READY_PASSED : READY_FAILED);

	if (c->status == 0) {
		ready_seen(l, "the INVITE to %s was not answered%s%s", f->job.call,
			   c->early ? ", it only rang" : "",
			   c->answer.n_foreign ? "; answers came whose Via has a branch that we "
						 "never sent"
					       : "");
		ready_change(l, "let %s be answered by itself for the time of the check",
			     f->job.call);
	} else if (c->status >= 300) {
		ready_seen(l, "the INVITE to %s was refused: %u %s", f->job.call, c->status,
			   c->reason);
		ready_change(l,
			     c->status == 488 ? "let the trunk take RTP/SAVP with a=crypto"
					      : "let calls from zone %s to this number in",
			     f->own.zone);
	} else if (!c->sdp_good) {
		ready_seen(l, "answered with %u, but: %s", c->status, c->sdp_why);
		ready_change(l, "let it answer RTP/SAVP with one of the a=crypto lines that were "
				"offered");
	} else {
		ready_seen(l, "%u %s after %s, %s%s", c->status, c->reason,
			   c->early ? "ringing" : "no ringing",
			   sdp_suite_name((enum sdp_suite)c->suite), c->mki ? " with MKI" : "");
	}
	return c->sdp_good;
}

static void
check_contact(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_answer *a = &f->call.answer;
	struct ready_line *l =
		ready_add(out, READY_CALL_CONTACT, a->contact_tls ? READY_PASSED : READY_FAILED);

	ready_seen(l, "%s%s", a->has_contact ? a->contact : "none",
		   a->contact_tls ? "" : ": without transport=tls");
	if (!a->contact_tls)
		ready_change(l,
			     "let its Contact say transport=tls (or sips:), with the port of its "
			     "TLS listener");
}

/* ---- what is proven of our packets ---- */

enum { ECHOES = 3 /* one may be somebody's chance, not three */ };

static bool
is_taken(const struct probe_phase *p)
{
	return p->reached || p->echoed >= ECHOES;
}

/* It reports, and ours are not among what it has. */
static bool
is_missing(const struct probe_phase *p)
{
	return !is_taken(p) && p->reported;
}

static const char *
taken_words(const struct probe_phase *p)
{
	if (p->echoed >= ECHOES)
		return "that it takes ours is proven: it sent them back";
	if (p->reached)
		return p->lost ? "its RTCP reports show that ours arrive, some lost"
			       : "its RTCP reports show that ours arrive, none lost";
	if (p->reported)
		return "its RTCP reports show that ours do not arrive";
	return "that it takes ours is not proven: it sends nothing of them back, and no RTCP "
	       "report on them";
}

static enum ready_state
taken_state(const struct probe_phase *p)
{
	return is_taken(p) ? READY_PASSED : is_missing(p) ? READY_FAILED : READY_UNPROVEN;
}

static void
advise_proof(struct ready_line *l)
{
	ready_change(l, "to have it proven, let the test number play back what it hears (echo), or "
			"let it send RTCP");
}

/* ---- the lines ---- */

static void
check_media(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_call *c = &f->call;
	uint64_t bad = c->stats.dropped[MEDIA_DROP_auth];
	bool heard = c->first.back > 0;
	enum ready_state s = taken_state(&c->first);
	struct ready_line *l;

	if (!heard)
		s = READY_FAILED;
	else if (bad > OVERTAKEN_MAX && s == READY_PASSED)
		s = READY_WARNED;
	l = ready_add(out, READY_CALL_MEDIA, s);
	ready_seen(l, "%u packets sent to %s, %llu came back, %llu with a wrong tag; %s", c->sent,
		   addr_text(&c->media).z, (unsigned long long)c->stats.in_packets,
		   (unsigned long long)bad, taken_words(&c->first));
	if (!heard && bad)
		ready_change(l, "it encrypts under another key than the one in its answer");
	else if (!heard)
		ready_change(l, "let its media reach us: firewall, address in its SDP, or does "
				"nothing speak at this number?");
	else if (bad > OVERTAKEN_MAX)
		ready_change(l, "some packets were not under the agreed key: look at its SRTP");
	else if (s == READY_FAILED)
		ready_change(l, "let our media reach it: firewall, and the key of our offer");
	else if (s == READY_UNPROVEN)
		advise_proof(l);
}

static void
check_hold(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_call *c = &f->call;
	bool agreed = c->hold_status / 100 == 2 && c->hold_good;
	enum ready_state s = !agreed || c->back_hold ? READY_WARNED
			     : c->first.back         ? READY_PASSED
						     : READY_UNPROVEN;
	struct ready_line *l = ready_add(out, READY_CALL_HOLD, s);

	ready_seen(
		l, "a re-INVITE with sendonly: %u%s; %u packets came meanwhile%s", c->hold_status,
		c->hold_status / 100 != 2 || c->hold_good ? "" : ", but it still wants to send",
		c->back_hold,
		s == READY_UNPROVEN ? ", but none came before: that it holds is not proven" : "");
	if (!agreed)
		ready_change(l, "let it take a hold (RFC 3264 8.4): answer recvonly or inactive");
	else if (c->back_hold)
		ready_change(l, "it agreed to be on hold, and goes on sending: let it be silent");
}

static void
check_rekey(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_call *c = &f->call;
	bool old_key = c->new_key && !c->last.own_key && c->last.back;
	bool stopped = c->first.back && !c->last.back;
	bool failed = !c->rekey_good || old_key || stopped;
	enum ready_state s = failed ? READY_FAILED : taken_state(&c->last);
	struct ready_line *l = ready_add(out, READY_CALL_REKEY, s);

	if (!c->rekey_good) {
		ready_seen(l, "a re-INVITE with a new key: %u%s", c->rekey_status,
			   c->rekey_status / 100 == 2 ? ", but its SDP cannot be taken" : "");
		ready_change(l, "let it take a new key in a re-INVITE: transfers and long calls "
				"need it");
		return;
	}
	ready_seen(l, "a re-INVITE with a new key: %u; it %s; %u packets came after it%s; %s",
		   c->rekey_status, c->new_key ? "named a new key of its own" : "kept its own key",
		   c->last.back,
		   old_key             ? ", under its old key"
		   : c->last.back == 0 ? ""
		   : c->new_key        ? ", under its new key"
				       : ", under its key",
		   taken_words(&c->last));
	if (old_key)
		ready_change(l, "it names a new key and goes on with the old one: let it use the "
				"key of its last answer");
	else if (stopped)
		ready_change(l, "it fell silent after the new key: let it go on sending");
	else if (s == READY_FAILED)
		ready_change(l, "it agreed to our new key, and does not take what is under it: "
				"let it use the key of the last offer");
	else if (s == READY_UNPROVEN)
		advise_proof(l);
}

static void
check_rest(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_call *c = &f->call;
	bool ended = c->bye_status / 100 == 2 || c->ended_early;
	struct ready_line *l = ready_add(out, READY_CALL_DTMF,
					 !c->digits       ? READY_WARNED
					 : c->digits_back ? READY_PASSED
							  : READY_UNPROVEN);

	if (!c->digits) {
		ready_seen(l, "no telephone-event in its answer");
		ready_change(l, "let it offer telephone-event (RFC 4733): digits in the voice do "
				"not survive codecs");
	} else if (c->digits_back) {
		ready_seen(l, "telephone-event is agreed, and the digit that was sent came back");
	} else {
		ready_seen(l, "telephone-event is agreed and a digit was sent; that it was "
			      "understood is not proven: it did not come back");
	}
	l = ready_add(out, READY_CALL_BYE, ended ? READY_PASSED : READY_WARNED);
	if (c->ended_early)
		ready_seen(l, "it ended the call itself");
	else
		ready_seen(l, "BYE: %u", c->bye_status);
	if (!ended)
		ready_change(l, "let it answer BYE with 200");
}

void
readycall_run(const struct probe_facts *f, struct ready_report *out)
{
	struct ready_line *l;

	if (!f->job.call[0] || !f->options.answered)
		return;
	if (f->call.broken || !f->call.tried) {
		l = ready_add(out, READY_CALL_ANSWER, READY_FAILED);
		ready_seen(l, "no call was made: no media ports were left, or our own socket "
			      "failed");
		ready_change(l, "look at the media ports of postern, and try again");
		return;
	}
	if (!check_answer(f, out))
		return;
	check_contact(f, out);
	check_media(f, out);
	check_hold(f, out);
	check_rekey(f, out);
	check_rest(f, out);
}
