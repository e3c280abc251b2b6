#include "ready/parts.h"
#include "sdp/keys.h"

static bool
check_answer(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_call *c = &f->call;
	struct ready_line *l =
		ready_add(out, READY_CALL_ANSWER, c->sdp_good ? READY_PASSED : READY_FAILED);

	if (c->status == 0) {
		ready_seen(l, "the INVITE to %s was not answered%s", f->job.call,
			   c->early ? ", it only rang" : "");
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

static void
check_media(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_call *c = &f->call;
	uint64_t bad = c->stats.dropped[MEDIA_DROP_auth];
	bool heard = c->back_first > 0;
	struct ready_line *l = ready_add(out, READY_CALL_MEDIA,
					 heard && !bad ? READY_PASSED
					 : heard       ? READY_WARNED
						       : READY_FAILED);

	ready_seen(l, "%u packets sent to %s, %llu came back, %llu with a wrong tag%s", c->sent,
		   addr_text(&c->media).z, (unsigned long long)c->stats.in_packets,
		   (unsigned long long)bad, c->echoed ? ", and what we sent was among them" : "");
	if (!heard && bad)
		ready_change(l, "it encrypts under another key than the one in its answer");
	else if (!heard)
		ready_change(l, "let its media reach us: firewall, address in its SDP, or does "
				"nothing speak at this number?");
	else if (bad)
		ready_change(l, "some packets were not under the agreed key: look at its SRTP");
}

static void
check_hold(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_call *c = &f->call;
	bool ok = c->hold_status == 200 && c->hold_good;
	struct ready_line *l = ready_add(out, READY_CALL_HOLD, ok ? READY_PASSED : READY_WARNED);

	ready_seen(l, "a re-INVITE with sendonly: %u%s; %u packets came meanwhile", c->hold_status,
		   c->hold_status != 200 || c->hold_good ? "" : ", but it still wants to send",
		   c->back_hold);
	if (!ok)
		ready_change(l, "let it take a hold (RFC 3264 8.4): answer recvonly or inactive");
}

static void
check_rekey(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_call *c = &f->call;
	bool ok = c->rekey_good && c->back_last > 0;
	struct ready_line *l = ready_add(out, READY_CALL_REKEY, ok ? READY_PASSED : READY_FAILED);

	ready_seen(l, "a re-INVITE with a new key: %u; %s its own key; %u packets came after it",
		   c->rekey_status, c->new_key ? "it changed" : "it kept", c->back_last);
	if (!ok)
		ready_change(l, "let it take a new key in a re-INVITE: transfers and long calls "
				"need it");
}

static void
check_rest(const struct probe_facts *f, struct ready_report *out)
{
	const struct probe_call *c = &f->call;
	bool ended = c->bye_status == 200 || c->ended_early;
	struct ready_line *l =
		ready_add(out, READY_CALL_DTMF, c->digits ? READY_PASSED : READY_WARNED);

	ready_seen(l, c->digits ? "telephone-event is agreed, a digit was sent"
				: "no telephone-event in its answer");
	if (!c->digits)
		ready_change(l, "let it offer telephone-event (RFC 4733): digits in the voice do "
				"not survive codecs");
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
