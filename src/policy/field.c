#include "policy/field.h"

#include <string.h>

#include "policy/rewrite.h"
#include "policy/week.h"
#include "sdp/codec.h"
#include "sdp/keys.h"

enum {
	CALLS_MAX = 100000,
	DAY_S = 86400,
	MONEY_UNIT = 1000000,
	MONEY_MAX = 1000000000, /* units */
	/* classes of calls from customers */
	ROUTE_CLASSES = CLASS_TERMINATION | CLASS_INTERNATIONAL | CLASS_PREMIUM,
};

/* A member of both rows with the same name; one of the roster's row alone. */
#define MEMBER(row, member) offsetof(struct row, member), sizeof(((struct row *)0)->member)
#define BOTH(row, snap, member) MEMBER(row, member), MEMBER(snap, member)
#define LONE(row, member) MEMBER(row, member), 0, 0
#define A(member) BOTH(roster_account, account, member)
#define T(member) BOTH(roster_trunk, trunk, member)
#define R(member) BOTH(roster_route, snapshot_route, member)

static const struct field account_fields[] = {
	{"id", "id", FIELD_ID, FIELD_REQUIRED, A(id), 1, POLICY_ID_MAX - 1, NULL, NULL,
	 "a short id, such as acme"},
	{"name", "name", FIELD_TEXT, 0, A(name), 0, POLICY_NAME_MAX - 1, NULL, NULL,
	 "a name for people"},
	{"parent", "parent", FIELD_ID, 0, A(parent), 0, POLICY_ID_MAX - 1, NULL, NULL,
	 "the id of the account whose certificate serves this one"},
	{"enabled", "enabled", FIELD_BOOL, 0, A(enabled), 0, 1, NULL, "yes", "yes or no"},
	{"services", "services", FIELD_SERVICES, 0, A(services), 0, ACCOUNT_SERVICES_ALL, NULL,
	 "origination,toll_free,termination",
	 "a list of: origination toll_free termination international premium"},
	{"countries", "countries", FIELD_PREFIXES, 0, A(countries), 0, POLICY_LIST_MAX, NULL, NULL,
	 "a list of country codes and prefixes without +, such as \"44\""},
	{"tls_srtp", "tls_srtp", FIELD_WORD, 0, A(tls_srtp), 0, 0, &tls_srtp_words, "off",
	 "how far TLS and SRTP are"},
	{"need", "need", FIELD_TEXT, 0, LONE(roster_account, need), 0, POLICY_NOTE_MAX, NULL, NULL,
	 "why this customer needs encryption"},
	{"questionnaire", "questionnaire", FIELD_FORM, 0, LONE(roster_account, questionnaire), 0,
	 POLICY_FORM_MAX, NULL, NULL, "a map of questions and answers"},
	{"override", "override", FIELD_TEXT, 0, LONE(roster_account, override), 0, POLICY_NOTE_MAX,
	 NULL, NULL, "the reason to do without a passed report"},
	{"max_calls", "max_calls", FIELD_COUNT, 0, A(max_calls), 0, CALLS_MAX, NULL, NULL,
	 "concurrent calls, 0 = no limit of its own"},
	{"attempts", "attempts", FIELD_COUNT, 0, A(attempts), 0, CALLS_MAX, NULL, NULL,
	 "calls started a second, 0 = no limit of its own"},
	{"max_length", "max_length", FIELD_SECONDS, 0, A(max_length_s), 0, 7 * DAY_S, NULL, NULL,
	 "the longest call, 1s to 7d, such as 4h"},
	{"international_minutes", "international_minutes", FIELD_COUNT, 0, A(international_minutes),
	 0, 100000000, NULL, NULL, "minutes a day, 0 = no limit of its own"},
	{"max_spend", "max_spend_micro", FIELD_MONEY, 0, A(max_spend_micro), 0,
	 (uint64_t)MONEY_MAX *MONEY_UNIT, NULL, NULL,
	 "an amount a day above 0, such as \"50.00\"; leave it out for no limit"},
	{"limit_status", "limit_status", FIELD_COUNT, 0, A(limit_status), 480, 603, NULL, "480",
	 "one of 480 486 603"},
	{"emergency.status", "emergency_status", FIELD_COUNT, 0, A(emergency_status), 300, 699,
	 NULL, "500", "a SIP status from 300 to 699"},
	{"emergency.target", "emergency_target", FIELD_URI, 0, A(emergency_target), 0,
	 POLICY_URI_MAX, NULL, NULL, "where its emergency calls go: \"sip:911@gw.example\""},
	{"caller", "caller", FIELD_WORD, 0, A(caller), 0, 0, &account_caller_words, "refuse",
	 "what happens to calls that show a number of others"},
	{"tls.eku", "tls_eku", FIELD_WORD, 0, A(tls_eku), 0, 0, &tls_eku_words,
	 "accept-server-auth", "the extended key usage of its certificates"},
	{"tls.wildcard", "tls_wildcard", FIELD_BOOL, 0, A(tls_wildcard), 0, 1, NULL, "yes",
	 "yes or no"},
	{"tls.common_name", "tls_cn", FIELD_BOOL, 0, A(tls_cn), 0, 1, NULL, "no", "yes or no"},
	{"tls.revocation", "tls_revocation", FIELD_WORD, 0, A(tls_revocation), 0, 0,
	 &tls_revocation_words, "soft", "what it means that revocation cannot be looked up"},
	{"tls.authorities", "tls_authorities", FIELD_WORDS, 0, A(tls_authorities), 0,
	 POLICY_LIST_MAX, NULL, NULL, "a list of names of authorities"},
	{"tls.ca", "tls_ca", FIELD_PEM, 0, A(tls_ca), 0, POLICY_PEM_MAX, NULL, NULL,
	 "a file with certificates of its own authority, PEM"},
	{"tls.intermediates", "tls_intermediates", FIELD_PEM, 0, A(tls_intermediates), 0,
	 POLICY_PEM_MAX, NULL, NULL, "a file with certificates that its PBX does not send, PEM"},
	{"tls.profile", "tls_profile", FIELD_ID, 0, A(tls_profile), 0, POLICY_ID_MAX - 1, NULL,
	 NULL, "the name of a TLS profile"},
};

static const struct field trunk_fields[] = {
	{"id", "id", FIELD_ID, FIELD_REQUIRED, T(id), 1, POLICY_ID_MAX - 1, NULL, NULL,
	 "a short id, such as acme-1"},
	{"kind", NULL, FIELD_WORD, FIELD_UNREAD | FIELD_UNSTORED, T(kind), 0, 0, &trunk_kind_words,
	 NULL, NULL},
	{"account", "account", FIELD_ID, FIELD_UNREAD | FIELD_NULLABLE, LONE(roster_trunk, account),
	 0, POLICY_ID_MAX - 1, NULL, NULL, NULL},
	{"enabled", "enabled", FIELD_BOOL, 0, T(enabled), 0, 1, NULL, "yes", "yes or no"},
	{"direction", "direction", FIELD_WORD, 0, T(direction), 0, 0, &trunk_direction_words,
	 "both", "in: calls from it; out: calls to it"},
	{"host", "host", FIELD_HOST, FIELD_REQUIRED, T(host), 1, POLICY_HOST_MAX - 1, NULL, NULL,
	 "a host name (of a PBX: the one in its certificate) or an address"},
	{"port", "port", FIELD_COUNT, 0, T(port), 0, 65535, NULL, NULL,
	 "a port; default 5061 for tls, else 5060, of a carrier's name by SRV"},
	{"transport", "transport", FIELD_WORD, 0, T(transport), 0, 0, &trunk_transport_words, NULL,
	 "how SIP travels"},
	{"security", "security", FIELD_WORD, 0, T(security), 0, 0, &trunk_security_words, NULL,
	 "is media SRTP"},
	{"prefer", "prefer", FIELD_WORD, FIELD_INTEROP, T(prefer), 0, 0, &trunk_prefer_words,
	 "osrtp", "how SRTP is offered where it is preferred"},
	{"identity", "identity", FIELD_WORD, FIELD_CUSTOMER, T(identity), 0, 0,
	 &trunk_identity_words, NULL, "what it is known by"},
	{"client_certificate", "client_certificate", FIELD_WORD, 0, T(client_certificate), 0, 0,
	 &trunk_show_words, "show", "is our certificate shown when we call it"},
	{"reference", "reference", FIELD_HOST, 0, T(reference), 0, POLICY_HOST_MAX - 1, NULL, NULL,
	 "the host name that its certificate must show when we call it"},
	{"large", "large", FIELD_WORD, FIELD_INTEROP, T(large), 0, 0, &trunk_large_words, "tcp",
	 "how requests above 1300 bytes go where transport is udp"},
	{"reuse", "reuse", FIELD_WORD, FIELD_INTEROP, T(reuse), 0, 0, &trunk_reuse_words, "no",
	 "may calls to it use the connection that it opened"},
	{"listener", "listener", FIELD_ID, 0, T(listener), 0, POLICY_ID_MAX - 1, NULL, NULL,
	 "the name of a listener of postern.yaml"},
	{"zone", "zone", FIELD_HOST, 0, T(zone), 0, POLICY_HOST_MAX - 1, NULL, NULL,
	 "the fqdn of the only zone it uses"},
	{"media", "media", FIELD_ID, 0, T(media), 0, POLICY_ID_MAX - 1, NULL, NULL,
	 "the name of a media address"},
	{"names", "names", FIELD_NAMES, FIELD_CUSTOMER, LONE(roster_trunk, name), 0,
	 POLICY_TRUNK_NAMES_MAX, NULL, NULL,
	 "a list of names that its certificate shows; default: fqdn"},
	{"sources", "sources", FIELD_SOURCES, 0, LONE(roster_trunk, source), 0,
	 POLICY_TRUNK_SOURCES_MAX, NULL, NULL, "write one such as 192.0.2.0/24"},
	{"caller", "caller", FIELD_NUMBER, 0, T(caller), 0, NUMBER_SIZE - 1, NULL, NULL,
	 "write +, country code and digits"},
	{"strip", "strip", FIELD_DIALLED, 0, T(strip), 0, NUMBER_SIZE - 1, NULL, NULL,
	 "write digits, *, #, a + only before them"},
	{"add", "add_digits", FIELD_DIALLED, 0, T(add), 0, NUMBER_SIZE - 1, NULL, NULL,
	 "write digits, *, #, a + only before them"},
	{"ssrc", "ssrc", FIELD_WORD, FIELD_INTEROP, T(ssrc), 0, 0, &trunk_ssrc_words, "own",
	 "whose SSRC it sees"},
	{"learn", "learn", FIELD_BOOL, FIELD_INTEROP, T(learn), 0, 1, NULL, "no", "yes or no"},
	{"srtp", "srtp", FIELD_SUITES, FIELD_INTEROP, T(srtp), 0, POLICY_LIST_MAX, NULL, NULL,
	 "a list of SRTP suites, such as AEAD_AES_256_GCM, each once"},
	{"codecs", "codecs", FIELD_CODECS, FIELD_INTEROP, T(codecs), 0, POLICY_LIST_MAX, NULL, NULL,
	 "a list of up to 16 codecs, such as [PCMA, PCMU, G722], each once"},
	{"events", "event_payload", FIELD_COUNT, FIELD_INTEROP, T(events), 0, 127, NULL, NULL,
	 "a payload type from 96 to 127 for telephone-event; leave it out for any"},
	{"t38_clear", "t38_clear", FIELD_BOOL, FIELD_INTEROP, T(t38_clear), 0, 1, NULL, "no",
	 "yes or no"},
	{"mki", "mki", FIELD_WORD, FIELD_INTEROP, T(mki), 0, 0, &trunk_mki_words, "mirror",
	 "do our SRTP packets carry an MKI"},
	{"roc", "roc", FIELD_WORD, FIELD_INTEROP, T(roc), 0, 0, &trunk_roc_words, "follow",
	 "the rollover counter under a new SRTP key of ours"},
	{"dscp", "dscp", FIELD_DSCP, FIELD_INTEROP, T(dscp), 0, TRUNK_DSCP_KEEP, NULL, "ef",
	 "0 to 63, ef, or keep"},
	{"interop", "interop", FIELD_TEXT, 0, LONE(roster_trunk, interop), 0, POLICY_NAME_MAX - 1,
	 NULL, NULL, "the name of a provider's profile, such as teams, or its file with a slash"},
	{"interop_sets", "interop_sets", FIELD_WORDS, FIELD_UNREAD,
	 LONE(roster_trunk, interop_sets), 0, POLICY_LIST_MAX, NULL, NULL, NULL},
	{"contact", "contact", FIELD_WORD, FIELD_INTEROP, T(contact), 0, 0, &trunk_contact_words,
	 "address", "what our Contact towards it names"},
	{"indialog", "indialog", FIELD_WORD, FIELD_INTEROP, T(indialog), 0, 0,
	 &trunk_indialog_words, "dtmf", "which requests inside a dialog go on to the other side"},
	{"refer", "refer", FIELD_WORD, FIELD_INTEROP, T(refer), 0, 0, &trunk_refer_words, "refuse",
	 "what becomes of its REFER: refused, or carried out here"},
	{"headers.in", "headers_in", FIELD_HEADER_RULES, FIELD_INTEROP, T(headers_in), 0,
	 REWRITE_LIST_MAX, NULL, NULL, "a list of up to 16 rules such as \"remove X-Route\""},
	{"headers.out", "headers_out", FIELD_HEADER_RULES, FIELD_INTEROP, T(headers_out), 0,
	 REWRITE_LIST_MAX, NULL, NULL,
	 "a list of up to 16 rules such as \"add X-Account: {account}\""},
	{"rewrite.in", "rewrite_in", FIELD_NUMBER_RULES, FIELD_INTEROP, T(rewrite_in), 0,
	 REWRITE_LIST_MAX, NULL, NULL, "a list of up to 16 rules such as \"called 9 ->\""},
	{"rewrite.out", "rewrite_out", FIELD_NUMBER_RULES, FIELD_INTEROP, T(rewrite_out), 0,
	 REWRITE_LIST_MAX, NULL, NULL, "a list of up to 16 rules such as \"calling +1 ->\""},
	{"verstat", "verstat", FIELD_WORD, FIELD_INTEROP, T(verstat), 0, 0, &trunk_verstat_words,
	 "strip", "does what a carrier says of its caller's number go on"},
	{"emergency", "emergency", FIELD_BOOL, 0, T(emergency), 0, 1, NULL, "no", "yes or no"},
	{"max_calls", "max_calls", FIELD_COUNT, 0, T(max_calls), 0, CALLS_MAX, NULL, NULL,
	 "concurrent calls, 0 = no limit of its own"},
	{"attempts", "attempts", FIELD_COUNT, 0, T(attempts), 0, CALLS_MAX, NULL, NULL,
	 "INVITEs a second, both directions, 0 = no limit of its own"},
	{"max_length", "max_length", FIELD_SECONDS, 0, T(max_length_s), 0, 7 * DAY_S, NULL, NULL,
	 "the longest call, 1s to 7d, such as 4h"},
	{"priority", "priority", FIELD_COUNT, FIELD_CARRIER, T(priority), 0, 65535, NULL, NULL,
	 "0 to 65535, lower ones are tried first"},
	{"weight", "weight", FIELD_COUNT, FIELD_CARRIER, T(weight), 0, 65535, NULL, NULL,
	 "0 to 65535, share among carriers of one priority"},
	{"group", "gateway_group", FIELD_ID, FIELD_CARRIER, T(group), 0, POLICY_ID_MAX - 1, NULL,
	 NULL, "the name of the group that routes know it by, such as east"},
	{"overflow", "overflow", FIELD_ID, FIELD_CUSTOMER, T(overflow), 0, POLICY_ID_MAX - 1, NULL,
	 NULL, "the id of another trunk of this account"},
	{"hunt", "hunt", FIELD_STATUSES, FIELD_INTEROP, T(hunt), 0, POLICY_LIST_MAX, NULL, NULL,
	 "a list of statuses, such as [404, 5xx], after which the next target is tried"},
	{"stop", "stop", FIELD_STATUSES, FIELD_INTEROP, T(stop), 0, POLICY_LIST_MAX, NULL, NULL,
	 "a list of statuses, such as [500, 6xx], after which no other target is tried"},
	{"options.every", "poll_every_s", FIELD_SECONDS, FIELD_INTEROP, T(poll_every_s), 0, 3600,
	 NULL, NULL, "1s to 1h, such as 30s; leave it out for none"},
	{"options.timeout", "poll_answer_s", FIELD_SECONDS, FIELD_INTEROP, T(poll_answer_s), 1, 30,
	 NULL, "4s", "1s to 30s: a later answer is none"},
	{"options.down_after", "poll_down", FIELD_COUNT, FIELD_INTEROP, T(poll_down), 1, 20, NULL,
	 "2", "failures in a row, 1 to 20"},
	{"options.up_after", "poll_up", FIELD_COUNT, FIELD_INTEROP, T(poll_up), 1, 20, NULL, "2",
	 "answers in a row, 1 to 20"},
	{"options.slow", "poll_slow_ms", FIELD_COUNT, FIELD_INTEROP, T(poll_slow_ms), 0, 30000,
	 NULL, NULL, "milliseconds: a later answer is a failure; 0 = none is"},
	{"options.failed", "poll_failed", FIELD_STATUSES, FIELD_INTEROP, T(poll_failed), 0,
	 POLICY_LIST_MAX, NULL, NULL, "a list of statuses that say: down; default [408, 503]"},
	{"register.aor", "login_aor", FIELD_URI, 0, T(login_aor), 0, POLICY_URI_MAX, NULL, NULL,
	 "the address of record: \"sip:acme@carrier.example\""},
	{"register.registrar", "login_registrar", FIELD_HOST, 0, T(login_registrar), 0,
	 POLICY_HOST_MAX - 1, NULL, NULL, "the registrar's host; default: that of aor"},
	{"register.expires", "login_expires_s", FIELD_SECONDS, 0, T(login_expires_s), 10, DAY_S,
	 NULL, "1h", "10s to 1d, such as 1h"},
	{"auth", "auth", FIELD_ID, 0, T(auth), 0, POLICY_ID_MAX - 1, NULL, NULL,
	 "the name of credentials of postern.yaml"},
	{"order", "position", FIELD_COUNT, FIELD_UNREAD, LONE(roster_trunk, order), 0, UINT32_MAX,
	 NULL, NULL, NULL},
};

static const struct field number_fields[] = {
	{"number", "pattern", FIELD_KEY, FIELD_UNREAD, LONE(roster_number, key), 0, UINT64_MAX,
	 NULL, NULL, NULL},
	{"trunk", "trunk", FIELD_ID, FIELD_UNREAD, LONE(roster_number, trunk), 1, POLICY_ID_MAX - 1,
	 NULL, NULL, NULL},
};

static const struct field rate_fields[] = {
	{"prefix", "prefix", FIELD_KEY, FIELD_REQUIRED, LONE(roster_rate, key), 0, UINT64_MAX, NULL,
	 NULL, "a prefix such as \"+44\""},
	{"price", "price_micro", FIELD_MONEY, FIELD_REQUIRED, LONE(roster_rate, price_micro), 0,
	 (uint64_t)MONEY_MAX *MONEY_UNIT, NULL, NULL, "an amount a minute, such as \"0.0120\""},
	{"increment", "increment_s", FIELD_COUNT, 0, LONE(roster_rate, increment_s), 1, 3600, NULL,
	 "60", "seconds; calls are counted in steps of so many"},
};

static const struct field route_fields[] = {
	{"id", "id", FIELD_ID, FIELD_REQUIRED, R(id), 1, POLICY_ID_MAX - 1, NULL, NULL,
	 "a short id, such as uk-day"},
	{"enabled", "enabled", FIELD_BOOL, 0, R(enabled), 0, 1, NULL, "yes", "yes or no"},
	{"account", "account", FIELD_ID, 0, LONE(roster_route, account), 0, POLICY_ID_MAX - 1, NULL,
	 NULL, "the id of the account whose calls it takes; leave it out for all"},
	{"prefix", "prefix", FIELD_KEY, 0, R(key), 0, UINT64_MAX, NULL, NULL,
	 "a prefix such as \"+44\"; leave it out for all numbers"},
	{"classes", "classes", FIELD_SERVICES, 0, R(classes), 0, ROUTE_CLASSES, NULL, NULL,
	 "a list of: termination international premium"},
	{"week", "week", FIELD_WEEK, 0, R(week), 0, WEEK_MAX, NULL, NULL,
	 "days and a time, such as \"mon-fri 08:00-18:00\""},
	{"to", "targets", FIELD_IDS, FIELD_REQUIRED, R(to), 1, POLICY_LIST_MAX, NULL, NULL,
	 "a list of up to 8 ids of carriers or names of groups"},
	{"weight", "weight", FIELD_COUNT, 0, R(weight), 0, 65535, NULL, "10",
	 "0 to 65535, share among routes that fit alike"},
};

static const struct field_table tables[ROSTER_KIND_N] = {
	[ROSTER_ACCOUNT] = {"account", account_fields, ARRAY_LEN(account_fields),
			    sizeof(struct roster_account)},
	[ROSTER_TRUNK] = {"trunk", trunk_fields, ARRAY_LEN(trunk_fields),
			  sizeof(struct roster_trunk)},
	[ROSTER_NUMBER] = {"number", number_fields, ARRAY_LEN(number_fields),
			   sizeof(struct roster_number)},
	[ROSTER_RATE] = {"rate", rate_fields, ARRAY_LEN(rate_fields), sizeof(struct roster_rate)},
	[ROSTER_ROUTE] = {"route", route_fields, ARRAY_LEN(route_fields),
			  sizeof(struct roster_route)},
};

const struct field_table *
field_table(enum roster_kind k)
{
	return &tables[k];
}

bool
field_is_text(const struct field *f)
{
	return f->type <= FIELD_PEM;
}

bool
field_is_rules(const struct field *f)
{
	return f->type == FIELD_HEADER_RULES || f->type == FIELD_NUMBER_RULES;
}

bool
field_is_bare(const struct field *f)
{
	return f->type == FIELD_BOOL || f->type == FIELD_COUNT;
}

bool
field_is_integer(const struct field *f)
{
	return field_is_bare(f) || f->type == FIELD_SECONDS || f->type == FIELD_MONEY ||
	       f->type == FIELD_SERVICES;
}

struct str
field_text(const struct field *f, const void *row)
{
	struct str s;

	memcpy(&s, (const char *)row + f->at, sizeof(s));
	return s;
}

void
field_set_text(const struct field *f, void *row, struct str s)
{
	memcpy((char *)row + f->at, &s, sizeof(s));
}

/* Members are little endian integers of 1, 2, 4 or 8 bytes on the machines that we run on. */
uint64_t
field_u64(const struct field *f, const void *row)
{
	uint64_t v = 0;

	memcpy(&v, (const char *)row + f->at, f->size);
	return v;
}

void
field_set_u64(const struct field *f, void *row, uint64_t v)
{
	memcpy((char *)row + f->at, &v, f->size);
}

/* ---- what is right ---- */

/* Each part of a list divided by commas: not empty; digits says which. */
static bool
list_valid(struct str s, bool digits)
{
	while (s.len) {
		struct str one = str_cut(&s, ',');
		uint64_t v;

		if (one.len == 0 || (digits && (one.len > NUMBER_DIGITS_MAX ||
						str_u64(one, UINT64_MAX, &v) != ERR_OK)))
			return false;
	}
	return true;
}

/* A list of so many ids. */
static bool
ids_valid(struct str s)
{
	unsigned n = 0;

	for (; s.len; n++)
		if (!policy_id_valid(str_cut(&s, ',')))
			return false;
	return n <= POLICY_ROUTE_TARGETS_MAX;
}

/* "404", "5xx" */
static bool
statuses_valid(struct str s)
{
	while (s.len) {
		struct str one = str_cut(&s, ',');

		if (one.len != 3 || one.p[0] < '3' || one.p[0] > '6' ||
		    (!str_eqz(str_from_at(one, 1), "xx") &&
		     (!ascii_digit(one.p[1]) || !ascii_digit(one.p[2]))))
			return false;
	}
	return true;
}

static bool
suites_valid(struct str s)
{
	struct sdp_suites suites;

	return sdp_suites_parse(s, &suites) == ERR_OK;
}

static bool
codecs_valid(struct str s)
{
	struct sdp_codecs codecs;

	return sdp_codecs_parse(s, &codecs) == ERR_OK;
}

static bool
uri_valid(struct str s)
{
	static const char *const schemes[] = {"sip:", "sips:", "tel:"};

	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || strchr("<>\"\\^`{|}", s.p[i]))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_istarts(s, str_from(schemes[i])))
			return s.len > strlen(schemes[i]);
	return false;
}

static bool
dialled_valid(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_digit(s.p[i]) && !(s.p[i] == '+' && i == 0 && s.len > 1) &&
		    s.p[i] != '*' && s.p[i] != '#')
			return false;
	return true;
}

/* No control characters; lines: line ends are none. */
static bool
printable(struct str s, bool lines)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && !(lines && (c == '\n' || c == '\r' || c == '\t'))) || c == 0x7f)
			return false;
	}
	return true;
}

enum err
field_text_valid(const struct field *f, struct str s)
{
	bool ok = printable(s, f->type == FIELD_FORM || f->type == FIELD_PEM || field_is_rules(f));
	uint64_t key;

	if (s.len > f->max)
		return ERR_LONG;
	if (s.len == 0)
		return f->min ? ERR_SYNTAX : ERR_OK;
	if (f->type == FIELD_ID)
		ok = policy_id_valid(s);
	else if (f->type == FIELD_HOST)
		ok = trunk_host_valid(s);
	else if (f->type == FIELD_NUMBER)
		ok = number_key(s, &key) == ERR_OK && !(key & 1);
	else if (f->type == FIELD_DIALLED)
		ok = dialled_valid(s);
	else if (f->type == FIELD_URI)
		ok = uri_valid(s);
	else if (f->type == FIELD_WORDS || f->type == FIELD_PREFIXES)
		ok = ok && list_valid(s, f->type == FIELD_PREFIXES);
	else if (f->type == FIELD_STATUSES)
		ok = statuses_valid(s);
	else if (f->type == FIELD_IDS)
		ok = ids_valid(s);
	else if (f->type == FIELD_SUITES)
		ok = suites_valid(s);
	else if (f->type == FIELD_CODECS)
		ok = codecs_valid(s);
	else if (field_is_rules(f))
		ok = rewrite_list_valid(s, f->type == FIELD_HEADER_RULES) == ERR_OK;
	else if (f->type == FIELD_TEXT)
		ok = ok && str_trim(s).len;
	return ok ? ERR_OK : ERR_SYNTAX;
}

bool
field_u64_valid(const struct field *f, uint64_t v)
{
	if (f->type == FIELD_WORD)
		return v >= f->words->first && v - f->words->first < f->words->n;
	if (f->type == FIELD_SERVICES)
		return (v & ~f->max) == 0;
	if (f->type == FIELD_WEEK)
		return week_valid(v);
	return v >= f->min && v <= f->max;
}

/* ---- from text ---- */

static enum err
parse_bool(struct str s, uint64_t *out)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieqz(s, words[i])) {
			*out = i & 1;
			return ERR_OK;
		}
	return ERR_SYNTAX;
}

/* "90s", "5m", "4h", "1d"; a bare number other than 0 is refused: nobody knows what it means. */
static enum err
parse_seconds(struct str s, uint64_t *out)
{
	static const char units[] = "smhd";
	static const uint32_t factor[] = {1, 60, 3600, DAY_S};
	const char *unit = s.len ? memchr(units, s.p[s.len - 1], sizeof(units) - 1) : NULL;
	uint64_t v;
	enum err e;

	if (!unit && !str_eqz(s, "0"))
		return ERR_SYNTAX;
	e = str_u64(str_trim(str_sub(s, 0, s.len - (unit ? 1 : 0))), UINT32_MAX, &v);
	if (e == ERR_OK && unit && v == 0)
		e = ERR_RANGE; /* no time at all? */
	if (e == ERR_OK)
		*out = unit ? v * factor[unit - units] : v;
	return e;
}

/* "12", "12.5", "0.0120": at most six digits behind the point. */
static enum err
parse_money(struct str s, uint64_t *out)
{
	struct str whole = str_cut(&s, '.');
	uint64_t units, micro = 0;
	enum err e = str_u64(whole, MONEY_MAX, &units);

	if (e == ERR_OK && s.len > 6)
		e = ERR_RANGE;
	if (e == ERR_OK && s.len)
		e = str_u64(s, MONEY_UNIT, &micro);
	if (e != ERR_OK)
		return e;
	for (size_t i = s.len; s.len && i < 6; i++)
		micro *= 10;
	*out = units * MONEY_UNIT + micro;
	return ERR_OK;
}

static enum err
parse_dscp(struct str s, uint64_t *out)
{
	if (str_ieqz(s, "keep") || str_ieqz(s, "ef")) {
		*out = str_ieqz(s, "keep") ? TRUNK_DSCP_KEEP : TRUNK_DSCP_EF;
		return ERR_OK;
	}
	return str_u64(s, TRUNK_DSCP_KEEP - 1, out);
}

static enum err
parse_services(struct str s, uint64_t *out)
{
	uint64_t bits = 0;
	enum policy_class c;

	while (s.len) {
		if (policy_class_parse(str_cut(&s, ','), &c) != ERR_OK)
			return ERR_NOTFOUND;
		bits |= c;
	}
	*out = bits;
	return ERR_OK;
}

/* A prefix of rates and routes may stand without its *; none is 0. */
static enum err
parse_key(const struct field *f, struct str s, uint64_t *out)
{
	char mem[NUMBER_SIZE];
	struct buf b;

	if (s.len == 0 && !(f->use & (FIELD_REQUIRED | FIELD_UNREAD))) {
		*out = 0;
		return ERR_OK;
	}
	if ((f->use & FIELD_UNREAD) || str_ends(s, STR("*")))
		return number_key(s, out);
	buf_init(&b, mem, sizeof(mem));
	buf_str(&b, s);
	buf_char(&b, '*');
	return b.failed ? ERR_SYNTAX : number_key(buf_view(&b), out);
}

enum err
field_parse(const struct field *f, struct str s, uint64_t *out)
{
	uint64_t v = 0;
	uint32_t week = 0;
	unsigned word;
	enum err e = ERR_BUG;

	if (f->type == FIELD_BOOL) {
		e = parse_bool(s, &v);
	} else if (f->type == FIELD_WORD) {
		e = word_parse(f->words, s, &word);
		v = e == ERR_OK ? word : 0;
	} else if (f->type == FIELD_COUNT) {
		e = str_u64(s, UINT64_MAX, &v);
	} else if (f->type == FIELD_SECONDS) {
		e = parse_seconds(s, &v);
	} else if (f->type == FIELD_MONEY) {
		e = parse_money(s, &v);
		if (e == ERR_OK && v == 0 && !(f->use & FIELD_REQUIRED))
			e = ERR_RANGE; /* 0 is kept for: no limit */
	} else if (f->type == FIELD_SERVICES) {
		e = parse_services(s, &v);
	} else if (f->type == FIELD_DSCP) {
		e = parse_dscp(s, &v);
	} else if (f->type == FIELD_WEEK) {
		e = week_parse(s, &week);
		v = week;
	} else if (f->type == FIELD_KEY) {
		e = parse_key(f, s, &v);
	}
	if (e == ERR_OK && !field_u64_valid(f, v))
		e = ERR_RANGE;
	if (e == ERR_OK)
		*out = v;
	return e;
}

/* ---- to text ---- */

static void
put_services(struct buf *b, uint64_t bits)
{
	const char *comma = "";

	for (uint64_t bit = 1; bit <= ACCOUNT_SERVICES_ALL; bit <<= 1)
		if (bits & bit & ACCOUNT_SERVICES_ALL) {
			buf_z(b, comma);
			buf_z(b, policy_class_name((enum policy_class)bit));
			comma = ",";
		}
}

static void
put_money(struct buf *b, uint64_t micro)
{
	char text[32];
	struct buf t;

	buf_init(&t, text, sizeof(text));
	buf_printf(&t, "%llu.%06llu", (unsigned long long)(micro / MONEY_UNIT),
		   (unsigned long long)(micro % MONEY_UNIT));
	/* two digits always, more where they are not 0 */
	while (text[t.len - 1] == '0' && text[t.len - 3] != '.')
		t.len--;
	buf_str(b, buf_view(&t));
}

static void
put_names(struct buf *b, const struct roster_trunk *t)
{
	for (uint32_t i = 0; i < t->n_names; i++) {
		buf_z(b, i ? " " : "");
		buf_str(b, t->name[i]);
	}
}

static void
put_sources(struct buf *b, const struct roster_trunk *t)
{
	for (uint32_t i = 0; i < t->n_sources; i++) {
		buf_z(b, i ? " " : "");
		addr_put_ip(b, &t->source[i].net, false);
		buf_printf(b, "/%u", t->source[i].bits);
	}
}

void
field_put(struct buf *b, const struct field *f, const void *row)
{
	if (field_is_text(f))
		buf_str(b, field_text(f, row));
	else if (f->type == FIELD_BOOL)
		buf_z(b, field_u64(f, row) ? "true" : "false");
	else if (f->type == FIELD_WORD)
		buf_z(b, word_name(f->words, (unsigned)field_u64(f, row)));
	else if (f->type == FIELD_DSCP && field_u64(f, row) == TRUNK_DSCP_KEEP)
		buf_z(b, "keep");
	else if (f->type == FIELD_COUNT || f->type == FIELD_DSCP)
		buf_u64(b, field_u64(f, row));
	else if (f->type == FIELD_SECONDS)
		buf_printf(b, "%llus", (unsigned long long)field_u64(f, row));
	else if (f->type == FIELD_MONEY)
		put_money(b, field_u64(f, row));
	else if (f->type == FIELD_SERVICES)
		put_services(b, field_u64(f, row));
	else if (f->type == FIELD_WEEK)
		week_put(b, (uint32_t)field_u64(f, row));
	else if (f->type == FIELD_KEY && field_u64(f, row))
		number_key_put(b, field_u64(f, row));
	else if (f->type == FIELD_KEY)
		return;
	else if (f->type == FIELD_NAMES)
		put_names(b, row);
	else
		put_sources(b, row);
}

static bool
same_lists(const struct field *f, const struct roster_trunk *a, const struct roster_trunk *b)
{
	if (f->type == FIELD_NAMES) {
		for (uint32_t i = 0; a->n_names == b->n_names && i < a->n_names; i++)
			if (!str_eq(a->name[i], b->name[i]))
				return false;
		return a->n_names == b->n_names;
	}
	for (uint32_t i = 0; a->n_sources == b->n_sources && i < a->n_sources; i++)
		if (a->source[i].bits != b->source[i].bits ||
		    !addr_ip_eq(&a->source[i].net, &b->source[i].net))
			return false;
	return a->n_sources == b->n_sources;
}

bool
field_same(const struct field *f, const void *a, const void *b)
{
	if (field_is_text(f))
		return str_eq(field_text(f, a), field_text(f, b));
	if (f->type >= FIELD_NAMES)
		return same_lists(f, a, b);
	return field_u64(f, a) == field_u64(f, b);
}

void
field_defaults(enum roster_kind k, void *row)
{
	const struct field_table *t = field_table(k);

	for (unsigned i = 0; i < t->n; i++) {
		const struct field *f = &t->field[i];
		uint64_t v;

		if (f->def && !field_is_text(f) && field_parse(f, str_from(f->def), &v) == ERR_OK)
			field_set_u64(f, row, v);
	}
}
