/* Commands about handshakes: handshakes, explain, tls-report. */
#include "app/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/ctlclient.h"
#include "app/answertext.h"
#include "ops/jsonin.h"

enum { REQUEST_MAX = 8192, SINCE_MAX_S = 315360000 };

/* ---- words ---- */

static int
tell_usage(const char *usage, bool asked)
{
	fprintf(asked ? stdout : stderr, "usage: postern %s\n", usage);
	return asked ? CTLCLIENT_OK : CTLCLIENT_NO_CONTACT;
}

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

static bool
put_number(struct buf *b, const char *name, const char *z, uint32_t max)
{
	uint32_t n;

	if (str_u32(str_from(z), max, &n) != ERR_OK || n == 0)
		return false;
	buf_printf(b, ",\"%s\":%u", name, n);
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

	answertext_table(jsonin_get(a, "list"), columns, ARRAY_LEN(columns));
	if (jsonin_true(a, "more"))
		puts("and older ones; see --limit, --since");
}

int
cmd_handshakes(int argc, char **argv)
{
	static const char usage[] =
		"handshakes [--account ID] [--refused] [--since 2h] [--peer ADDR] "
		"[--limit N] [--json] [-c CONF]";
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'},        {"account", required_argument, NULL, 'a'},
		{"limit", required_argument, NULL, 'l'}, {"refused", no_argument, NULL, 'r'},
		{"since", required_argument, NULL, 's'}, {"peer", required_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
	char mem[REQUEST_MAX];
	const char *conf = NULL;
	bool json = false, ok = true;
	uint32_t since;
	struct buf b;
	int opt;

	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, "{\"cmd\":\"handshakes\"");
	while (ok && (opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (opt == 'c')
			conf = optarg;
		else if (opt == 'j')
			json = true;
		else if (opt == 'r')
			buf_z(&b, ",\"refused\":true");
		else if (opt == 'a' || opt == 'p')
			put_member(&b, opt == 'a' ? "account" : "peer", optarg);
		else if (opt == 'l')
			ok = put_number(&b, "limit", optarg, 10000);
		else if (opt == 's' && (ok = read_since(optarg, &since)))
			buf_printf(&b, ",\"since_s\":%u", since);
		else if (opt != 's')
			return tell_usage(usage, opt == 'h');
	}
	if (!ok || optind != argc)
		return tell_usage(usage, false);
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

/* A host may be written as DNS does, with a final dot; nothing else ends with one. */
static void
drop_dot(char *what)
{
	size_t len = strlen(what);

	if (len > 1 && what[len - 1] == '.')
		what[len - 1] = 0;
}

int
cmd_explain(int argc, char **argv)
{
	static const char usage[] = "explain ID|ADDRESS|FQDN|ACCOUNT [--json] [-c CONF]";
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	char mem[REQUEST_MAX];
	const char *conf = NULL;
	bool json = false;
	struct buf b;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (opt == 'c')
			conf = optarg;
		else if (opt == 'j')
			json = true;
		else
			return tell_usage(usage, opt == 'h');
	}
	if (optind + 1 != argc)
		return tell_usage(usage, false);
	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, "{\"cmd\":\"explain\"");
	drop_dot(argv[optind]);
	put_member(&b, "id", argv[optind]);
	buf_z(&b, "}\n");
	return ctlclient_run("explain", conf, &b, json, print_explained);
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
	const struct json *n = jsonin_get(a, "n");

	answertext_table(jsonin_get(a, "list"), columns, ARRAY_LEN(columns));
	printf("\nOf the last %lld days, and the last of accounts that had none since: %lld kinds "
	       "of "
	       "connections stay as they are, %lld fall back, %lld need another profile of ours, "
	       "%lld "
	       "break, %lld are not known.\n10015: RSA key exchange, which RFC 10015 forbids.\n",
	       (long long)jsonin_int(a, "days"), (long long)jsonin_int(n, "same"),
	       (long long)jsonin_int(n, "falls-back"), (long long)jsonin_int(n, "needs-profile"),
	       (long long)jsonin_int(n, "breaks"), (long long)jsonin_int(n, "not-known"));
	if (jsonin_true(a, "more"))
		puts("There are more than an answer holds; see --days.");
}

static void
print_without(const struct json *a)
{
	static char mem[ANSWERTEXT_TEXT_MAX];
	const struct json *list = jsonin_get(a, "without.authorities");

	if (jsonin_count(list))
		printf("Without the authority (as named in AUTHORITY): %s\n",
		       answertext_scalar(list, mem, ANSWERTEXT_TEXT_MAX - 8));
	print_report(a);
}

int
cmd_tls_report(int argc, char **argv)
{
	static const char usage[] =
		"tls-report [--days N] [--without SUITE|VERSION|rsa-kx|eku|AUTHORITY].. "
		"[--json] [-c CONF]";
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {"days", required_argument, NULL, 'd'},
					      {"without", required_argument, NULL, 'w'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	char mem[REQUEST_MAX];
	const char *conf = NULL, *days = NULL;
	bool json = false, first = true;
	struct buf b;
	int opt;

	buf_init(&b, mem, sizeof(mem));
	buf_z(&b, "{\"cmd\":\"tls-report\",\"without\":[");
	while ((opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (opt == 'c') {
			conf = optarg;
		} else if (opt == 'j') {
			json = true;
		} else if (opt == 'd') {
			days = optarg;
		} else if (opt == 'w') {
			buf_z(&b, first ? "" : ",");
			buf_json(&b, str_from(optarg));
			first = false;
		} else {
			return tell_usage(usage, opt == 'h');
		}
	}
	buf_char(&b, ']');
	if (optind != argc || (days && !put_number(&b, "days", days, 3650)))
		return tell_usage(usage, false);
	buf_z(&b, "}\n");
	return ctlclient_run("tls-report", conf, &b, json, print_without);
}
