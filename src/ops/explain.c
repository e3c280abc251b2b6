#include "ops/explain.h"

#include <string.h>

#include "base/clock.h"
#include "media/ctl.h"
#include "net/tlsrecord.h"

enum { EXPLAIN_LIST_MAX = 8 }; /* of suites and the like in a sentence */

static const char *
or_else(const char *z, const char *other)
{
	return *z ? z : other;
}

/* Microseconds from the call's INVITE to a time in it; -1: one of them is not known. */
static int64_t
since_invite(const struct json *cdr, const struct json *of, const char *path)
{
	int64_t begun, then;

	if (clock_parse_utc(str_from(jsonin_text(cdr, "invite")), &begun) != ERR_OK ||
	    clock_parse_utc(str_from(jsonin_text(of, path)), &then) != ERR_OK || then < begun)
		return -1;
	return then - begun;
}

static void
put_seconds(struct buf *b, int64_t us)
{
	buf_printf(b, "%lld.%lld s", (long long)(us / CLOCK_S),
		   (long long)(us % CLOCK_S / (CLOCK_S / 10)));
}

/* "The call from A to B (account X, trunk Y, class Z), begun at T," */
static void
put_who(struct buf *b, const struct json *cdr)
{
	const char *account = jsonin_text(cdr, "account");

	buf_printf(b, "The call from %s to %s",
		   or_else(jsonin_text(cdr, "from_received"), "an unnamed caller"),
		   or_else(jsonin_text(cdr, "to_received"), "an unreadable number"));
	if (*account && *jsonin_text(cdr, "trunk"))
		buf_printf(b, " (account %s, trunk %s, class %s)", account,
			   jsonin_text(cdr, "trunk"), jsonin_text(cdr, "class"));
	else if (*account)
		buf_printf(b, " (account %s, class %s)", account, jsonin_text(cdr, "class"));
	buf_printf(b, ", begun at %s,", or_else(jsonin_text(cdr, "invite"), "an unknown time"));
}

static void
put_cause(struct buf *b, const struct json *cdr)
{
	buf_printf(b, " (SIP %lld, Q.850 cause %lld)", (long long)jsonin_int(cdr, "sip_status"),
		   (long long)jsonin_int(cdr, "q850"));
}

static void
put_answered_end(struct buf *b, const struct json *cdr)
{
	const char *by = jsonin_text(cdr, "ended_by"), *why = jsonin_text(cdr, "refusal_text");
	int64_t ms = jsonin_int(cdr, "duration_ms");

	buf_printf(b, " was answered and lasted %lld.%lld seconds.", (long long)(ms / 1000),
		   (long long)(ms % 1000 / 100));
	if (strcmp(by, "caller") == 0)
		buf_z(b, " The caller hung up.");
	else if (strcmp(by, "called") == 0)
		buf_z(b, " The called side hung up.");
	else if (*why)
		buf_printf(b, " postern ended it: %s.", why);
	else
		buf_z(b, " postern ended it.");
}

static void
put_unanswered_end(struct buf *b, const struct json *cdr)
{
	const char *by = jsonin_text(cdr, "ended_by"), *why = jsonin_text(cdr, "refusal_text");
	const char *detail = jsonin_text(cdr, "refusal_detail");

	if (*why && *detail && strcmp(jsonin_text(cdr, "refusal"), "BAD_ANSWER") == 0)
		buf_printf(b, " was refused by postern: %s: %s", why, detail);
	else if (*why)
		buf_printf(b, " was refused by postern: %s", or_else(detail, why));
	else if (strcmp(by, "caller") == 0)
		buf_z(b, " was given up by the caller before anybody answered");
	else if (strcmp(by, "called") == 0 && jsonin_int(cdr, "sip_status") < 400)
		buf_z(b, " was redirected: the caller was told to call elsewhere");
	else if (strcmp(by, "called") == 0)
		buf_z(b, " was refused by the called side");
	else
		buf_z(b, " failed");
	put_cause(b, cdr);
	buf_char(b, '.');
}

/* Why these trunks: the number's owner, a route, or the order of the carriers. And what was changed
 * of the numbers. */
static void
put_way(struct buf *b, const struct json *cdr)
{
	const struct json *first = jsonin_at(jsonin_get(cdr, "targets"), 0);
	const char *to = jsonin_text(cdr, "to_sent"), *from = jsonin_text(cdr, "from_sent");

	if (!first)
		return;
	if (*jsonin_text(cdr, "forwarded_by"))
		buf_printf(b,
			   " The number belongs to account %s, whose trunk %s redirected the call: "
			   "it is that account's call.",
			   jsonin_text(cdr, "account"), jsonin_text(cdr, "forwarded_by"));
	else if (*jsonin_text(cdr, "b.account") && !*jsonin_text(cdr, "a.account"))
		buf_printf(b, " The number belongs to account %s, so it went to trunks of it.",
			   jsonin_text(cdr, "b.account"));
	else if (*jsonin_text(first, "route"))
		buf_printf(b, " Route %s is the one for such a number and class.",
			   jsonin_text(first, "route"));
	else if (*jsonin_text(cdr, "a.account")) /* else its customer was transferred away */
		buf_z(b, " No route is for such a number, so the carriers' own order counts.");
	if (*to && strcmp(to, jsonin_text(cdr, "to_received")) != 0)
		buf_printf(b, " It was sent on as a call to %s.", to);
	if (*from && strcmp(from, jsonin_text(cdr, "from_received")) != 0)
		buf_printf(b, " The caller was shown as %s.", from);
}

/* Its parties changed, or it is one that came of such a change. */
static void
put_transfer(struct buf *b, const struct json *cdr)
{
	const char *of = jsonin_text(cdr, "transfer_of");
	int64_t n = jsonin_int(cdr, "transfers");

	if (*of && jsonin_count(jsonin_get(cdr, "targets")))
		buf_printf(b, " A transfer (REFER) in call %s led to it.", of);
	else if (*of && *jsonin_text(cdr, "answer"))
		buf_printf(b, " It asked with Replaces for a place in call %s, and went on there.",
			   of);
	else if (*of)
		buf_printf(b, " It was asked for by REFER or Replaces in call %s.", of);
	if (n > 0)
		buf_printf(b,
			   " Who speaks in it was changed %lld time%s, by a transfer or Replaces; "
			   "the calls that came of it name it in transfer_of.",
			   (long long)n, n == 1 ? "" : "s");
}

static void
put_progress(struct buf *b, const struct json *cdr)
{
	int64_t rang = since_invite(cdr, cdr, "ringing"), up = since_invite(cdr, cdr, "answer");

	if (rang < 0 && up < 0)
		return;
	buf_z(b, " It");
	if (rang >= 0) {
		buf_z(b, " rang after ");
		put_seconds(b, rang);
	}
	if (up >= 0) {
		buf_z(b, rang >= 0 ? " and was answered after " : " was answered after ");
		put_seconds(b, up);
	}
	buf_char(b, '.');
}

static void
put_target(struct buf *b, const struct json *cdr, const struct json *t)
{
	int64_t asked = since_invite(cdr, t, "at");
	int64_t status = jsonin_int(t, "status");
	const struct json *at = jsonin_get(t, "addresses");

	buf_printf(b, " %s ", jsonin_text(t, "trunk"));
	for (size_t i = 0; i < jsonin_count(at); i++) {
		buf_z(b, i ? ", " : "at ");
		jsonin_put_scalar(b, jsonin_at(at, i));
		buf_z(b, i + 1 < jsonin_count(at) ? "" : " ");
	}
	if (jsonin_int(t, "redirected") > 0)
		buf_printf(b, "for %s, as the call was redirected, ", jsonin_text(t, "number"));
	if (*jsonin_text(t, "route"))
		buf_printf(b, "by route %s ", jsonin_text(t, "route"));
	if (status < 0 && *jsonin_text(t, "why"))
		buf_printf(b, "could not be reached (%s)", jsonin_text(t, "why"));
	else if (status < 0)
		buf_z(b, "could not be reached");
	else if (status == 0)
		buf_z(b, "gave no final answer");
	else
		buf_printf(b, "answered %lld", (long long)status);
	if (status >= 0 && *jsonin_text(t, "why"))
		buf_printf(b, " (%s)", jsonin_text(t, "why"));
	if (asked >= 0) {
		buf_z(b, " (asked after ");
		put_seconds(b, asked);
		buf_char(b, ')');
	}
}

static void
put_targets(struct buf *b, const struct json *cdr)
{
	const struct json *list = jsonin_get(cdr, "targets");
	size_t n = jsonin_count(list);

	if (n == 0) {
		buf_z(b, *jsonin_text(cdr, "transfer_of") ? "" : " It was sent to no trunk.");
		return;
	}
	buf_z(b, " Tried:");
	for (size_t i = 0; i < n; i++) {
		buf_z(b, i ? "," : "");
		put_target(b, cdr, jsonin_at(list, i));
	}
	buf_char(b, '.');
}

static void
put_packets(struct buf *b, const struct json *leg)
{
	const char *suite = jsonin_text(leg, "srtp_in");
	int64_t in = jsonin_int(leg, "media.in_packets"),
		out = jsonin_int(leg, "media.out_packets");

	if (!*suite && in + out == 0) {
		buf_z(b, ", no media");
		return;
	}
	if (in + out == 0) {
		buf_printf(b, ", SRTP %s agreed, and no packet either way", suite);
		return;
	}
	if (*suite)
		buf_printf(b, ", SRTP %s in and %s out%s", suite,
			   or_else(jsonin_text(leg, "srtp_out"), "nothing"),
			   strcmp(jsonin_text(leg, "keying"), "dtls") == 0 ? ", keys by DTLS" : "");
	else
		buf_z(b, ", media in clear");
	buf_printf(b, ", %lld packets in (%lld lost), %lld out", (long long)in,
		   (long long)jsonin_int(leg, "media.in_lost"), (long long)out);
}

/* " (dropped: 3 source, 400 auth)" */
static void
put_dropped(struct buf *b, const struct json *dropped)
{
	const char *before = " (packets dropped: ";

	for (int d = 0; d < MEDIA_DROP_N; d++) {
		const char *name = media_drop_name((enum media_drop)d);
		int64_t n = jsonin_int(dropped, name);

		if (n == 0)
			continue;
		buf_printf(b, "%s%lld %s", before, (long long)n, name);
		before = ", ";
	}
	buf_z(b, *before == ',' ? ")" : "");
}

/* Beside its audio, which put_packets told of. */
static void
put_video(struct buf *b, const struct json *leg)
{
	if (jsonin_get(leg, "video.in_packets"))
		buf_printf(b, ", video %s (%lld packets in, %lld out)",
			   or_else(jsonin_text(leg, "video.srtp_in"), "in clear"),
			   (long long)jsonin_int(leg, "video.in_packets"),
			   (long long)jsonin_int(leg, "video.out_packets"));
}

static void
put_leg(struct buf *b, const struct json *leg, const char *who)
{
	if (!*jsonin_text(leg, "trunk"))
		return;
	buf_printf(b, " %s leg (%s):", who, jsonin_text(leg, "trunk"));
	if (*jsonin_text(leg, "tls_version"))
		buf_printf(b, " %s %s", jsonin_text(leg, "tls_version"),
			   jsonin_text(leg, "tls_suite"));
	else if (strcmp(jsonin_text(leg, "transport"), "tls") == 0)
		buf_z(b, " no TLS connection came up");
	else
		buf_printf(b, " SIP in clear over %s", jsonin_text(leg, "transport"));
	put_packets(b, leg);
	if (*jsonin_text(leg, "fell_text"))
		buf_printf(b, ", although the trunk prefers SRTP (%s)",
			   jsonin_text(leg, "fell_text"));
	if (strcmp(jsonin_text(leg, "t38"), "clear") == 0)
		buf_z(b, ", a fax (T.38) not encrypted, as the trunk allows");
	else if (*jsonin_text(leg, "t38"))
		buf_z(b, ", a fax (T.38)");
	put_video(b, leg);
	buf_char(b, '.');
	if (*jsonin_text(leg, "repair"))
		buf_printf(b, " It was asked anew for its address and key (%s)%s.",
			   jsonin_text(leg, "repair"),
			   *jsonin_text(leg, "audio_text") ? "" : ", and was heard then");
	if (*jsonin_text(leg, "audio_text")) {
		buf_printf(b, " Nothing was heard from this side: %s",
			   jsonin_text(leg, "audio_text"));
		put_dropped(b, jsonin_get(leg, "media.dropped"));
		buf_char(b, '.');
	}
}

static void
put_texts(struct buf *b, const struct json *list, size_t most)
{
	size_t n = jsonin_count(list);

	for (size_t i = 0; i < n && i < most; i++) {
		buf_z(b, i ? ", " : "");
		jsonin_put_scalar(b, jsonin_at(list, i));
	}
	if (n > most)
		buf_printf(b, " and %zu more", n - most);
}

void
explain_call(struct buf *b, const struct json *cdr, const char *state)
{
	put_who(b, cdr);
	if (state)
		buf_printf(b, " goes on; its state is %s.", state);
	else if (*jsonin_text(cdr, "answer"))
		put_answered_end(b, cdr);
	else
		put_unanswered_end(b, cdr);
	if (jsonin_true(cdr, "restored"))
		buf_z(b, " It was taken over from its record after a restart of signaling.");
	put_way(b, cdr);
	put_targets(b, cdr);
	put_transfer(b, cdr);
	put_progress(b, cdr);
	put_leg(b, jsonin_get(cdr, "a"), "Caller's");
	put_leg(b, jsonin_get(cdr, "b"), "Called");
	if (jsonin_count(jsonin_get(cdr, "past_us"))) {
		buf_z(b, " Media that went past postern, in clear and unseen: ");
		put_texts(b, jsonin_get(cdr, "past_us"), EXPLAIN_LIST_MAX);
		buf_char(b, '.');
	}
}

static void
put_alert(struct buf *b, const struct json *note, const char *name, const char *words)
{
	if (jsonin_get(note, name))
		buf_printf(b, " %s the alert %s (%lld).", words,
			   tls_alert_name((int)jsonin_int(note, name)),
			   (long long)jsonin_int(note, name));
}

/* "a, b and 7 more" of a list of texts. */
/* Suites and algorithms are named where they decided, else counted; the facts have all of them. */
static void
put_offer(struct buf *b, const struct json *n)
{
	const struct json *suites = jsonin_get(n, "suites"), *sigalgs = jsonin_get(n, "sigalgs");
	const char *word = jsonin_text(n, "word");
	bool decided = strcmp(word, "cipher") == 0 || strcmp(word, "profile") == 0;

	if (jsonin_count(suites) == 0)
		return;
	buf_z(b, " It offered ");
	put_texts(b, jsonin_get(n, "versions"), EXPLAIN_LIST_MAX);
	if (decided) {
		buf_z(b, "; suites ");
		put_texts(b, suites, EXPLAIN_LIST_MAX);
	} else {
		buf_printf(b, " and %zu suite%s", jsonin_count(suites),
			   jsonin_count(suites) == 1 ? "" : "s");
	}
	if (decided && jsonin_count(sigalgs)) {
		buf_z(b, "; signature algorithms ");
		put_texts(b, sigalgs, EXPLAIN_LIST_MAX);
	}
	buf_char(b, '.');
}

static void
put_matched(struct buf *b, const struct json *n)
{
	if (!*jsonin_text(n, "account"))
		return;
	buf_printf(b, " It %s account %s",
		   jsonin_true(n, "outgoing") ? "was for"
		   : strcmp(jsonin_text(n, "kind"), "request") == 0 || jsonin_true(n, "accepted")
			   ? "is"
			   : "claims to be",
		   jsonin_text(n, "account"));
	if (jsonin_count(jsonin_get(n, "trunks"))) {
		buf_z(b, " with trunk ");
		put_texts(b, jsonin_get(n, "trunks"), EXPLAIN_LIST_MAX);
	}
	buf_char(b, '.');
}

static void
put_more(struct buf *b, const struct json *n)
{
	int64_t more = jsonin_int(n, "more");

	if (more)
		buf_printf(b, " After it came %lld more like it, the last at %s.", (long long)more,
			   jsonin_text(n, "last"));
}

static void
put_handshake(struct buf *b, const struct json *n)
{
	bool out = jsonin_true(n, "outgoing");
	bool unmet = out && strcmp(jsonin_text(n, "word"), "connect") == 0;
	int64_t ms = jsonin_int(n, "duration_us") / 1000;

	buf_printf(b,
		   unmet ? "postern tried to connect to %s at %s"
		   : out ? "postern connected to %s at %s"
			 : "%s connected to postern at %s",
		   or_else(jsonin_text(n, "peer"), "somebody"), jsonin_text(n, "at"));
	if (*jsonin_text(n, "sni"))
		buf_printf(b, " (asking for %s)", jsonin_text(n, "sni"));
	if (jsonin_true(n, "accepted"))
		buf_printf(b, "; the TLS handshake was accepted: %s %s.", jsonin_text(n, "version"),
			   jsonin_text(n, "suite"));
	else
		buf_printf(b, "; it %s after %lld ms: %s.", unmet ? "failed" : "was refused",
			   (long long)ms, or_else(jsonin_text(n, "why"), jsonin_text(n, "word")));
	if (!jsonin_true(n, "accepted") && *jsonin_text(n, "version"))
		buf_printf(b, " Chosen had been %s %s.", jsonin_text(n, "version"),
			   jsonin_text(n, "suite"));
	put_matched(b, n);
	put_offer(b, n);
	if (*jsonin_text(n, "names"))
		buf_printf(b, " The certificate shown is for %s.", jsonin_text(n, "names"));
	else if (!jsonin_true(n, "accepted") && jsonin_count(jsonin_get(n, "chain")))
		buf_z(b, " The certificate shown has no names in subjectAltName.");
	else if (!jsonin_true(n, "accepted") && !unmet)
		buf_z(b, " No certificate was seen.");
	if (*jsonin_text(n, "notes"))
		buf_printf(b, " Worth knowing: %s.", jsonin_text(n, "notes"));
	put_alert(b, n, "alert_sent", "postern sent");
	put_alert(b, n, "alert_received", "The other side sent");
}

void
explain_note(struct buf *b, const struct json *n)
{
	if (strcmp(jsonin_text(n, "kind"), "request") != 0) {
		put_handshake(b, n);
		put_more(b, n);
		return;
	}
	buf_printf(b, "The %s from %s at %s was refused before it became a call: %s (%s).",
		   or_else(jsonin_text(n, "method"), "request"),
		   or_else(jsonin_text(n, "peer"), "somebody"), jsonin_text(n, "at"),
		   or_else(jsonin_text(n, "why"), "no reason was noted"), jsonin_text(n, "word"));
	if (*jsonin_text(n, "account"))
		buf_printf(b, " It came on a connection of account %s.", jsonin_text(n, "account"));
	put_more(b, n);
}

void
explain_reached(struct buf *b, const struct json *list)
{
	for (size_t i = 0; i < jsonin_count(list); i++) {
		const struct json *n = jsonin_at(list, i);

		buf_printf(b, " Handshake %s with %s", jsonin_text(n, "id"),
			   jsonin_text(n, "peer"));
		if (*jsonin_text(n, "sni"))
			buf_printf(b, " (%s)", jsonin_text(n, "sni"));
		buf_printf(b, " at %s failed: %s.", jsonin_text(n, "at"),
			   or_else(jsonin_text(n, "why"), jsonin_text(n, "word")));
	}
}
