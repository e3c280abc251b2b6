#include "ops/advice.h"

#include <string.h>

enum { VALUES_MAX = 8 }; /* of a list that are named */

/* {name} stands for a text of the record; first.x: of the first certificate shown, last.x: of the
 * last one. out: where we were the client, NULL = the same. */
struct advice {
	const char *word, *in, *out;
};

static const struct advice rows[] = {
	/* the handshake */
	{"version", "enable TLS 1.2 in the PBX; what it offered is {versions}",
	 "enable TLS 1.2 in the TLS server of {sni}"},
	{"cipher",
	 "enable in the PBX one of the suites that the sentence names, or have the zone use "
	 "profile "
	 "modern; what it offered is {suites}",
	 "enable in the TLS server of {sni} one of the suites that the sentence names"},
	{"profile",
	 "enable in the PBX what the profile asks for, or change tls: {profile} of the account",
	 NULL},
	{"not-tls",
	 "the PBX speaks something else to the TLS port, mostly SIP without TLS: set the transport "
	 "of "
	 "its trunk to TLS and the port to that of the zone",
	 "what answers at {peer} does not speak TLS: correct the port of the trunk"},
	{"crowded",
	 "nothing, if it happened once: many silent connections were open at that moment, and the "
	 "PBX said nothing in time; if it comes again, see who opens them (postern handshakes "
	 "--refused)",
	 NULL},
	{"timeout",
	 "see whether a firewall between lets all packets through, and whether the PBX begins TLS "
	 "by "
	 "itself when it has connected",
	 "see whether {peer} speaks TLS on this port, and what a firewall between drops"},
	{"peer-alert",
	 "the PBX refused us: have it accept the authority of our certificate, and connect to the "
	 "name "
	 "that our certificate shows",
	 "the server at {peer} refused us: have it accept our certificate and its authority as a "
	 "client, "
	 "or set client_certificate: never for the trunk if it must not see one"},
	{"peer-gone",
	 "the PBX closed in the middle: its own log says why; mostly it does not accept the "
	 "authority or "
	 "the name of our certificate",
	 "the server closed in the middle: its own log says why; mostly it does not accept our "
	 "certificate"},
	{"connect", "see whether the PBX is up",
	 "see whether the PBX is up at {peer}, whether its address record is right, and whether a "
	 "firewall "
	 "lets us in: postern ready {sni}"},
	{"protocol",
	 "something between us or the PBX breaks TLS: capture the connection and look at its first "
	 "bytes",
	 NULL},
	{"internal", "look into postern's log at this time, and report it", NULL},
	{"limit", "see why this source opens so many connections; a PBX needs one or two",
	 "see why so many connections are dialled at once"},
	{"shutdown", "nothing: postern was being stopped", NULL},
	{"no-account",
	 "compare the names of the certificate ({names}) with `postern trunks`: the host of the "
	 "customer's trunk must be one of them",
	 NULL},
	{"account-off",
	 "if account {account} is to be used, set enabled: true for it and its trunk with postern "
	 "apply",
	 NULL},
	{"tls-off",
	 "run postern ready FQDN --account {account} (FQDN: the host of its trunk) until it "
	 "passes, "
	 "then set tls_srtp: on for the account with postern apply; without a check that passed "
	 "it needs an override: the reason why",
	 NULL},
	{"zone",
	 "have the PBX connect to the zone that the sentence names, or change the zone of the "
	 "trunk with postern apply",
	 NULL},
	{"listener",
	 "have the PBX connect to the listener that the sentence names, or change the listener of "
	 "the trunk with postern apply",
	 NULL},
	{"source",
	 "if {peer} is the customer's address, add it to the sources of the trunk with postern "
	 "apply (where it has none: to the address record of its host)",
	 NULL},
	{"lookup",
	 "nothing, if it happened once: the PBX tries again; if it comes again, see whether the "
	 "host of the trunk has an address record",
	 NULL},
	{"ambiguous",
	 "use a certificate with the names of one account only ({names}), or make one account the "
	 "parent of the other",
	 NULL},
	{"wildcard",
	 "use a certificate that shows the trunk's host itself; it shows {names}; or set tls: "
	 "{wildcard: yes} for the account",
	 NULL},
	/* the certificate */
	{"certificate", "see the sentence", NULL},
	{"no-certificate",
	 "have the PBX show its certificate as a TLS client (\"mutual TLS\"); many have a switch "
	 "for it beside the certificate; under profile carrier it must have an RSA key: a client "
	 "with another one shows none",
	 "have the server of {sni} send its certificate"},
	{"self-signed",
	 "get a certificate from an accepted authority; a self-signed one is never taken", NULL},
	{"unknown-authority",
	 "if {last.issuer} is an intermediate, have the PBX send it with its certificate (the file "
	 "is often "
	 "called chain or bundle), or give it to the account with tls: {intermediates}; if it is a "
	 "private "
	 "authority, name it with tls: {ca}",
	 "if {last.issuer} is an intermediate, have the server of {sni} send it with its "
	 "certificate, or "
	 "give it to the account with tls: {intermediates}; if it is a private authority, name it "
	 "with "
	 "tls: {ca}"},
	/* the two above, where the certificate has a common name only */
	{"no-names",
	 "the certificate has no name in subjectAltName: have it issued anew with the host of the "
	 "trunk there, or, where its common name is that host, set tls: {common_name: yes} for the "
	 "account",
	 "have the certificate of {sni} issued anew with that name in subjectAltName, or, where "
	 "its common name is that name, set tls: {common_name: yes} for the account"},
	/* the same, where the chain ends in a root */
	{"unknown-root",
	 "use a certificate of an accepted authority, or, if {last.issuer} is a private one, name "
	 "it with "
	 "tls: {ca} of the account",
	 NULL},
	{"authority-not-accepted",
	 "get a certificate from an authority that the account accepts, or add this one to its "
	 "tls: "
	 "{authorities}",
	 NULL},
	{"expired", "renew the certificate {first.subject}; it ended {first.not_after}", NULL},
	{"not-yet-valid",
	 "set the clock right where the certificate was made, or wait until {first.not_before}",
	 NULL},
	{"key-type",
	 "use a certificate with an RSA key, which profile carrier asks for, or have the zone use "
	 "profile "
	 "modern",
	 NULL},
	{"key-size", "make a new key of at least 2048 bits and have it certified", NULL},
	{"key-usage",
	 "have the certificate issued anew with keyEncipherment and digitalSignature in its key "
	 "usage",
	 NULL},
	{"purpose",
	 "get a certificate whose extended key usage has clientAuth, or set tls: {eku: "
	 "accept-server-auth} "
	 "for the account",
	 "get a certificate whose extended key usage has serverAuth for {sni}"},
	{"issuer-not-ca",
	 "an issuer of the chain is no authority: get the right chain from whoever issued "
	 "the certificate",
	 NULL},
	{"bad-signature", "the chain does not belong together: install certificate and chain anew",
	 NULL},
	{"weak-digest", "have the certificate issued anew with SHA-256", NULL},
	{"chain-too-long", "send only the certificate and its intermediates", NULL},
	{"revoked", "get a new certificate: this one was revoked by its authority", NULL},
	{"no-crl",
	 "no revocation list of {last.issuer} is there: add it with crls:, or set tls: "
	 "{revocation: soft} for "
	 "the account",
	 NULL},
	{"crl-expired",
	 "get a newer revocation list of {last.issuer}, or set tls: {revocation: soft} for the "
	 "account",
	 NULL},
	{"critical-extension",
	 "have the certificate issued anew without the critical extension that the sentence names",
	 NULL},
	{"name-constraint", "the authority may not issue for this name: use another authority",
	 NULL},
	{"explicit-curve", "make a new key on a named curve, or an RSA key", NULL},
	{"too-many-names", "use a certificate with fewer names", NULL},
	{"malformed-name", "have the certificate issued anew with a clean name", NULL},
	{"name-mismatch",
	 "use a certificate that shows the trunk's host; it shows {names}; a wildcard covers one "
	 "label",
	 "the server of {sni} shows a certificate for {names}: install the right one, or set the "
	 "trunk's "
	 "reference to the name that it shows"},
	{"malformed", "have the certificate issued anew: it cannot be read", NULL},
	{"other", "see the sentence", NULL},
	/* requests and calls */
	{"400", "the message is not well formed: a newer version of the PBX's software may help",
	 NULL},
	{"403", "see that the request comes over the account's own trunk", NULL},
	/* the same, where the Request-URI names another host: it is a carrier's or its like */
	{"403-host",
	 "have {peer} send its calls to an address or a name of this node, or, where the host that "
	 "the sentence names is one of this node's, add it to names in postern.yaml",
	 NULL},
	{"503", "try again; if it stays so, raise limits: {calls} or find out who floods", NULL},
	{"ACCOUNT_OFF", "switch the account or trunk on with postern apply", NULL},
	{"TLS_OFF",
	 "run postern ready FQDN --account {account} (FQDN: the host of its trunk) until it "
	 "passes, "
	 "then set tls_srtp: on for account {account} with postern apply; without a check that "
	 "passed it needs an override: the reason why",
	 NULL},
	{"CLASS_OFF",
	 "add the service to the account with postern apply, if the customer bought it", NULL},
	{"EMERGENCY", "have the PBX send emergency calls over a clear trunk or a line of its own",
	 NULL},
	{"CALLER",
	 "have the PBX send one of the account's own numbers as the caller, not an extension or a "
	 "name, or set caller: replace for account {account}: then the caller of its trunk is "
	 "shown",
	 NULL},
	{"COUNTRY",
	 "if the customer may call there, add its country code to countries of account {account} "
	 "with postern apply",
	 NULL},
	{"LIMIT", "wait until calls end, or raise max_calls with postern apply", NULL},
	{"RATE",
	 "find out who sends so many calls at once: postern calls; the node's own limit is "
	 "limits: {attempts} in postern.yaml",
	 NULL},
	{"ATTEMPTS",
	 "find out why the PBX sends so many calls at once, or raise attempts of account "
	 "{account}, of the one above it or of the trunk with postern apply",
	 NULL},
	{"MINUTES",
	 "see whether these calls are the customer's own; then wait until the day ends (UTC), or "
	 "raise international_minutes of account {account} with postern apply",
	 NULL},
	{"SPEND",
	 "see whether these calls are the customer's own; then wait until the day ends (UTC), or "
	 "raise max_spend of account {account} with postern apply",
	 NULL},
	{"METHOD",
	 "nothing, if the PBX goes on without it; else switch off in the PBX what sends {method}",
	 NULL},
	{"REGISTER",
	 "switch registration off in the PBX: a trunk needs no REGISTER; over TLS its certificate "
	 "is its login, without TLS its address is; calls go both ways without it",
	 NULL},
	{"NUMBER", "have the PBX send numbers as +15551234567", NULL},
	{"NO_NUMBER", "give the number to a trunk with postern apply", NULL},
	{"NO_ROUTE", "add a carrier trunk, or see why none may be used now", NULL},
	{"NO_PORTS", "widen media: {ports}", NULL},
	{"CARRIER_BUSY",
	 "wait, or give the account another carrier to hunt to; postern stats counts such calls "
	 "as calls_left_out",
	 NULL},
	{"NO_ROOM", "raise limits: {calls}, or find out who floods: postern stats, postern calls",
	 NULL},
	{"MEDIA_ADDRESS",
	 "restart postern where postern.yaml has this media address, or change the trunk with "
	 "postern apply",
	 NULL},
	{"NO_RECORD", "raise limits: {calls}", NULL},
	{"REDIRECT",
	 "the sentence behind the trunk says where it was to go (all of it: postern trace --full "
	 "{id}, Contact): have the trunk's far side name a trunk of ours and a number, add that "
	 "host as a carrier, or set redirect: refuse",
	 NULL},
	{"CALL_SHARE",
	 "see what the account does (postern calls), give it max_calls, or raise limits: {calls}",
	 NULL},
	{"PORT_SHARE",
	 "see what the account does (postern calls), give it attempts or max_calls, or widen "
	 "media: "
	 "{ports}",
	 NULL},
	{"CRYPTO",
	 "have the PBX offer SRTP with SDES: RTP/SAVP with an a=crypto of a suite that the trunk "
	 "takes, mostly AES_CM_128_HMAC_SHA1_80",
	 NULL},
	/* the same, where the sentence names what was offered and what is taken */
	{"CRYPTO-SUITE",
	 "enable in the PBX a suite that the trunk takes, or add one that the PBX offers to srtp "
	 "of trunk {trunk} with postern apply",
	 NULL},
	{"BAD_ANSWER",
	 "have the called side answer one a=crypto with the tag and the suite that it was offered, "
	 "a codec of the offer, and the same transport; postern trace {id} shows both",
	 NULL},
	{"BAD_ACK", "have the PBX put its answer into the ACK, or send an offer in its INVITE",
	 NULL},
	{"FAX",
	 "have the PBX send faxes as G.711, or see t38_clear of the trunk in postern-accounts(5)",
	 NULL},
	{"SDP", "postern trace {id} shows what was sent; the sentence says what is wrong", NULL},
	{"DRAINING", "nothing: postern was being stopped or replaced", NULL},
	{"DIALOG",
	 "nothing, if it happened once: a request for a call that had ended; the PBX may have sent "
	 "it late",
	 NULL},
	{"DTLS",
	 "have the PBX offer DTLS-SRTP with a=fingerprint:sha-256 and a=rtcp-mux, or take keying: "
	 "dtls from trunk {trunk} with postern apply",
	 NULL},
	{"DTLS_SILENT",
	 "DTLS comes from and goes to the address that SDP names: see that no NAT or firewall is "
	 "between, and that the far side does DTLS-SRTP at all",
	 NULL},
	{"DTLS_FAILED",
	 "the far side must speak DTLS 1.2 with an ECDHE suite; its own log says what it did not "
	 "like",
	 NULL},
	{"DTLS_PRINT",
	 "a=fingerprint of the far side is not that of the certificate it uses: something between "
	 "changes SDP or media, or its certificate was replaced without a restart",
	 NULL},
	{"DTLS_PROFILE",
	 "enable in the far side SRTP_AES128_CM_SHA1_80, or one of the suites in srtp of trunk "
	 "{trunk}",
	 NULL},
	{"CLEAR_ONLY", "switch SRTP off on this trunk of the PBX, or use TLS", NULL},
	{"MEDIA", "enable G.711 or another codec of the other side", NULL},
	{"UNREACHABLE",
	 "the reason behind the trunk under \"Tried\" is what to mend: its host and port, its "
	 "address record, a firewall between, or the certificate of the far side; where "
	 "no listener serves it, add one to postern.yaml and restart, or change the trunk",
	 NULL},
	{"TIMEOUT", "see whether the called side is up: postern handshakes, postern alarms", NULL},
};

static const struct advice *
find_row(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].word, word) == 0)
			return &rows[i];
	return NULL;
}

bool
advice_has(const char *word)
{
	return find_row(word) != NULL;
}

/* A text, or the texts of a list. */
static void
put_value(struct buf *b, const struct json *v)
{
	size_t n = jsonin_count(v);

	if (n == 0) {
		if (v && jsonin_is_scalar(v))
			jsonin_put_scalar(b, v);
		else
			buf_z(b, "none");
		return;
	}
	for (size_t i = 0; i < n && i < VALUES_MAX; i++) {
		buf_z(b, i ? ", " : "");
		jsonin_put_scalar(b, jsonin_at(v, i));
	}
	if (n > VALUES_MAX)
		buf_printf(b, " and %zu more", n - VALUES_MAX);
}

/* False: it is no name of the record's, and stands for itself. */
static bool
put_named(struct buf *b, const struct json *facts, struct str name)
{
	static const char *const known[] = {"versions", "suites", "sni",   "peer", "names",
					    "account",  "method", "trunk", "id"};
	const struct json *chain = jsonin_get(facts, "chain");
	struct str rest = name, cert = str_cut(&rest, '.');
	char path[32];

	if (rest.len && (str_eqz(cert, "first") || str_eqz(cert, "last"))) {
		size_t n = jsonin_count(chain);
		size_t at = str_eqz(cert, "last") && n ? n - 1 : 0;

		if (str_copyz(path, sizeof(path), rest) != ERR_OK)
			return false;
		put_value(b, n ? jsonin_get(jsonin_at(chain, at), path) : NULL);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eqz(name, known[i])) {
			put_value(b, jsonin_get(facts, known[i]));
			return true;
		}
	return false;
}

static void
expand(struct buf *b, const struct json *facts, struct str text)
{
	while (text.len) {
		size_t open = str_chr(text, '{'), close;

		buf_str(b, str_sub(text, 0, open));
		text = str_from_at(text, open);
		close = str_chr(text, '}');
		if (close >= text.len)
			break;
		if (!put_named(b, facts, str_sub(text, 1, close)))
			buf_str(b, str_sub(text, 0, close + 1));
		text = str_from_at(text, close + 1);
	}
	buf_str(b, text);
}

/* Does what was shown end in a root? Then no intermediate is missing. */
static bool
ends_in_root(const struct json *facts)
{
	const struct json *chain = jsonin_get(facts, "chain");
	size_t n = jsonin_count(chain);
	const struct json *last = n ? jsonin_at(chain, n - 1) : NULL;

	return n && strcmp(jsonin_text(last, "subject"), jsonin_text(last, "issuer")) == 0;
}

/* Did target i of a call not answer at all? One that rang did. */
static bool
is_silent(const struct json *cdr, const struct json *targets, size_t i)
{
	const struct json *t = jsonin_at(targets, i);
	int64_t status = jsonin_int(t, "status");

	if (status < 0)
		return str_starts(str_from(jsonin_text(t, "why")), STR("no answer"));
	return status == 0 && (i + 1 < jsonin_count(targets) ||
			       (strcmp(jsonin_text(cdr, "refusal"), "TIMEOUT") == 0 &&
				!*jsonin_text(cdr, "ringing")));
}

/* Of a call: the trunks that said nothing. False: there is none. */
static bool
put_silent(struct buf *b, const struct json *cdr)
{
	const struct json *targets = jsonin_get(cdr, "targets");
	unsigned n = 0;

	for (size_t i = 0; i < jsonin_count(targets); i++)
		if (is_silent(cdr, targets, i))
			buf_printf(b, "%s%s", n++ ? ", " : "",
				   jsonin_text(jsonin_at(targets, i), "trunk"));
	if (n)
		buf_z(b, " said nothing: " ADVICE_SILENT "; with options: {every: 30s} on the "
			 "trunk postern notices before a call does");
	return n != 0;
}

/* The row of the record: its word, or a narrower one where more is known. */
static const char *
word_of(const struct json *facts)
{
	const char *word = jsonin_text(facts, "word");
	struct str detail = str_from(jsonin_text(facts, "refusal_detail"));

	if (!*word)
		word = jsonin_text(facts, "refusal");
	if (strcmp(word, "unknown-authority") == 0 && ends_in_root(facts))
		return "unknown-root";
	if ((strcmp(word, "no-account") == 0 || strcmp(word, "name-mismatch") == 0) &&
	    jsonin_count(jsonin_get(facts, "chain")) && !*jsonin_text(facts, "names"))
		return "no-names";
	if (strcmp(word, "403") == 0 &&
	    str_starts(str_from(jsonin_text(facts, "why")), STR("the Request-URI names")))
		return "403-host";
	if (strcmp(word, "METHOD") == 0 && strcmp(jsonin_text(facts, "method"), "REGISTER") == 0)
		return "REGISTER";
	if (strcmp(word, "CRYPTO") == 0 && str_find(detail, STR("this trunk takes")) < detail.len)
		return "CRYPTO-SUITE";
	return word;
}

void
advice_put(struct buf *b, const struct json *facts)
{
	const struct advice *a;

	if (put_silent(b, facts))
		return;
	a = find_row(word_of(facts));
	if (!a || jsonin_true(facts, "accepted"))
		return;
	expand(b, facts, str_from(jsonin_true(facts, "outgoing") && a->out ? a->out : a->in));
}
