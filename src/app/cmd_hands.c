/* Commands about handshakes: handshakes, explain, tls-report. */
#include "app/cmd.h"

#include <stdio.h>
#include <string.h>

#include "app/ctlclient.h"
#include "app/answertext.h"
#include "app/cmdask.h"
#include "base/addr.h"
#include "ops/jsonin.h"

enum { REQUEST_MAX = 8192, SINCE_MAX_S = 315360000, LIMIT_MAX = 10000, DAYS_MAX = 3650 };

/* ---- words ---- */

static void
put_member(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, str_from(value));
}

/* "90s", "15m", "2h", "7d" in seconds. */
static bool
read_since(const char *z, uint32_t *out)
{
	struct str s = str_from(z);
	uint32_t n, unit = 1;

	if (s.len < 2)
		return false;
	switch (s.p[s.len - 1]) {
	case 's':
		break;
	case 'm':
		unit = 60;
		break;
	case 'h':
		unit = 3600;
		break;
	case 'd':
		unit = 86400;
		break;
	default:
		return false;
	}
	if (str_u32(str_sub(s, 0, s.len - 1), SINCE_MAX_S / unit, &n) != ERR_OK || n == 0)
		return false;
	*out = n * unit;
	return true;
}

/* ---- handshakes ---- */

static void
print_handshakes(const struct json *a)
{
	static const struct answertext_column columns[] = {
		{"ID", "id"},        {"AT", "at"},           {"PEER", "peer"},
		{"OUT", "outgoing"}, {"OK", "accepted"},     {"TLS", "version"},
		{"SUITE", "suite"},  {"ACCOUNT", "account"}, {"CERTIFICATE", "names"},
		{"REASON", "word"},  {"MORE", "more"},       {"WHY", "why"},
	};

	if (jsonin_count(jsonin_get(a, "list")) == 0) {
		puts("no handshake and no refused request is kept that matches");
		return;
	}
	answertext_table(jsonin_get(a, "list"), columns, ARRAY_LEN(columns));
	if (jsonin_true(a, "more"))
		puts("and older ones; see --limit, --since");
}

static void
put_option(struct cmdline *c, int opt, struct buf *b)
{
	uint32_t n = 0;
	struct addr a;

	switch (opt) {
	case 'r':
		buf_z(b, ",\"refused\":true");
		break;
	case 'a':
		put_member(b, "account", c->value);
		break;
	case 'p':
		if (addr_parse(str_from(c->value), &a) != ERR_OK)
			cmdline_wrong(c);
		put_member(b, "peer", c->value);
		break;
	case 'l':
		cmdline_u32(c, 1, LIMIT_MAX, &n);
		buf_printf(b, ",\"limit\":%u", n);
		break;
	default:
		if (!read_since(c->value, &n))
			cmdline_wrong(c);
		buf_printf(b, ",\"since_s\":%u", n);
	}
}

int
cmd_handshakes(int argc, char **argv)
{
	static const struct cmdline_option options[] = {
		CMDLINE_CONF,
		CMDLINE_JSON,
		{'a', "--account", "the id of an account", "acme", false},
		{'r', "--refused", NULL, NULL, false},
		{'s', "--since", "a time of 1s to 3650d, with s, m, h or d behind the number", "2h",
		 false},
		{'p', "--peer", "an address, with or without a port", "203.0.113.7", false},
		{'l', "--limit", "a number, 1 to 10000", "100", false},
	};
	static const struct cmdline_spec spec = {
		.word = "handshakes",
		.usage = "usage: postern handshakes [--account ID] [--refused] [--since 2h] "
			 "[--peer ADDR] [--limit N] [--json] [-c CONF]\n",
		.option = options,
		.n = ARRAY_LEN(options)};
	struct cmdline c = {.spec = &spec, .argc = argc, .argv = argv};
	char mem[REQUEST_MAX];
	const char *conf = NULL;
	bool json = false;
	struct buf b;
	int opt;

	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, "{\"cmd\":\"handshakes\"");
	while ((opt = cmdline_next(&c)) > 0) {
		json |= opt == 'j';
		if (opt == 'c')
			conf = c.value;
		else if (opt != 'j')
			put_option(&c, opt, &b);
	}
	if (opt != CMDLINE_DONE)
		return cmdline_status(opt);
	buf_z(&b, "}\n");
	return ctlclient_run("handshakes", conf, &b, json, print_handshakes);
}

/* ---- explain ---- */

static void
print_chain(const struct json *chain)
{
	static const struct answertext_column columns[] = {
		{"SUBJECT", "subject"},     {"ISSUER", "issuer"},
		{"NAMES", "names"},         {"NOT BEFORE", "not_before"},
		{"NOT AFTER", "not_after"}, {"KEY", "key"},
		{"SENT", "sent"},           {"SHA-256", "fingerprint"},
	};

	if (jsonin_count(chain) == 0)
		return;
	puts("\nCertificates, the peer's own first:");
	answertext_table(chain, columns, ARRAY_LEN(columns));
}

static void
print_explained(const struct json *a)
{
	static char mem[ANSWERTEXT_TEXT_MAX];
	const struct json *reached = jsonin_get(a, "reached.list");

	printf("%s\n", answertext_scalar(jsonin_get(a, "text"), mem, ANSWERTEXT_TEXT_MAX - 8));
	if (*jsonin_text(a, "advice"))
		printf("\nWhat to do: %s.\n",
		       answertext_scalar(jsonin_get(a, "advice"), mem, ANSWERTEXT_TEXT_MAX - 8));
	print_chain(jsonin_get(a, "facts.chain"));
	for (size_t i = 0; i < jsonin_count(reached); i++)
		print_chain(jsonin_get(jsonin_at(reached, i), "chain"));
	puts("");
	answertext_tree(jsonin_get(a, "facts"));
}

int
cmd_explain(int argc, char **argv)
{
	static const struct cmdline_option options[] = {CMDLINE_CONF, CMDLINE_JSON};
	static const struct cmdline_spec spec = {
		.word = "explain",
		.usage = "usage: postern explain ID|ADDRESS|FQDN|ACCOUNT [--json] [-c CONF]\n",
		.option = options,
		.n = ARRAY_LEN(options),
		.operand = "ID",
		.operand_is =
			"of a call, handshake or request, as the log has it; or an address, a host "
			"name, an account, for the last refusal of it",
		.operand_example = "203.0.113.7",
		.operand_required = true};

	return cmdask_run(&spec, print_explained, argc, argv);
}

/* ---- tls-report ---- */

static void
print_report(const struct json *a)
{
	static const struct answertext_column columns[] = {
		{"ACCOUNT", "account"},
		{"DIRECTION", "direction"},
		{"PEER", "peer"},
		{"LAST", "last"},
		{"N", "n"},
		{"CHOSEN", "chosen"},
		{"FALLBACK", "fallback"},
		{"AUTHORITY", "authority"},
		{"10015", "rfc10015"},
		{"FATE", "fate"},
		{"WHY", "why"},
	};
	const struct json *n = jsonin_get(a, "n"), *list = jsonin_get(a, "list");

	printf("Connections of the last %lld days, and the last of accounts that had none since: "
	       "%lld kinds stay as they are, %lld fall back, %lld need another profile of ours, "
	       "%lld break, %lld are not known.\n\n",
	       (long long)jsonin_int(a, "days"), (long long)jsonin_int(n, "same"),
	       (long long)jsonin_int(n, "falls-back"), (long long)jsonin_int(n, "needs-profile"),
	       (long long)jsonin_int(n, "breaks"), (long long)jsonin_int(n, "not-known"));
	if (jsonin_count(list) == 0) {
		puts("No handshake of an account is kept yet.");
		return;
	}
	answertext_table(list, columns, ARRAY_LEN(columns));
	puts("\n10015: RSA key exchange, which RFC 10015 forbids.");
	if (jsonin_true(a, "more"))
		puts("There are more than an answer holds; see --days.");
}

/* The words of a list, each behind what they are. */
static void
print_words(const struct json *a, const char *path, const char *what, const char **sep)
{
	static char mem[ANSWERTEXT_TEXT_MAX];
	const struct json *list = jsonin_get(a, path);

	if (jsonin_count(list) == 0)
		return;
	printf("%s%s%s", *sep, what, answertext_scalar(list, mem, ANSWERTEXT_TEXT_MAX - 8));
	*sep = ", ";
}

static void
print_without(const struct json *a)
{
	const char *sep = "Who would break without ";

	if (jsonin_true(a, "without.rsa_kx")) {
		printf("%sRSA key exchange", sep);
		sep = ", ";
	}
	print_words(a, "without.versions", "", &sep);
	print_words(a, "without.suites", "", &sep);
	if (jsonin_true(a, "without.eku")) {
		printf("%scertificates that are for servers only", sep);
		sep = ", ";
	}
	print_words(a, "without.authorities", "the authority (as named in AUTHORITY) ", &sep);
	puts("? (--without asks for others)");
	print_report(a);
}

int
cmd_tls_report(int argc, char **argv)
{
	static const struct cmdline_option options[] = {
		CMDLINE_CONF,
		CMDLINE_JSON,
		{'d', "--days", "a number of days, 1 to 3650", "7", false},
		{'w', "--without", "a suite, a version, an authority, rsa-kx or eku", "rsa-kx",
		 false},
	};
	static const struct cmdline_spec spec = {
		.word = "tls-report",
		.usage = "usage: postern tls-report [--days N] [--without "
			 "SUITE|VERSION|rsa-kx|eku|AUTHORITY].. [--json] [-c CONF]\n",
		.option = options,
		.n = ARRAY_LEN(options)};
	struct cmdline c = {.spec = &spec, .argc = argc, .argv = argv};
	char mem[REQUEST_MAX];
	const char *conf = NULL;
	bool json = false, first = true;
	uint32_t days = 0;
	struct buf b;
	int opt;

	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, "{\"cmd\":\"tls-report\",\"without\":[");
	while ((opt = cmdline_next(&c)) > 0) {
		json |= opt == 'j';
		if (opt == 'c')
			conf = c.value;
		if (opt == 'd')
			cmdline_u32(&c, 1, DAYS_MAX, &days);
		if (opt != 'w')
			continue;
		buf_z(&b, first ? "" : ",");
		buf_json(&b, str_from(c.value));
		first = false;
	}
	if (opt != CMDLINE_DONE)
		return cmdline_status(opt);
	buf_char(&b, ']');
	if (days)
		buf_printf(&b, ",\"days\":%u", days);
	buf_z(&b, "}\n");
	return ctlclient_run("tls-report", conf, &b, json, print_without);
}
