/* Commands that ask the running postern over its control socket: one request line, one answer. */
#include "app/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/ctlclient.h"
#include "app/answertext.h"
#include "base/mem.h"
#include "ops/control.h"
#include "ops/jsonin.h"

enum {
	STATUS_OK = 0,
	STATUS_REFUSED = 1,
	STATUS_NO_CONTACT = 2, /* also: wrong usage */
};

/* What the words after the command said. */
struct request {
	const char *conf, *id, *account, *limit;
	bool json, refused;
};

struct ops_cmd {
	const char *word, *usage;
	bool wants_id, has_filter;
	void (*do_print)(const struct json *answer);
};

/* ---- printing ---- */

static void
print_stats(const struct json *a)
{
	answertext_tree(a);
}

static void
print_calls(const struct json *a)
{
	static const struct answertext_column columns[] = {
		{"ID", "record.id"},
		{"STATE", "state"},
		{"SECONDS", "seconds"},
		{"ACCOUNT", "record.account"},
		{"FROM", "record.from_received"},
		{"TO", "record.to_received"},
		{"A", "record.a.trunk"},
		{"B", "record.b.trunk"},
		{"CODEC", "record.a.codec"},
		{"ENCRYPTED", "record.encrypted"},
		{"A IN", "record.a.media.in_packets"},
		{"B IN", "record.b.media.in_packets"},
	};

	answertext_table(jsonin_get(a, "list"), columns, ARRAY_LEN(columns));
	if (jsonin_true(a, "more"))
		puts("and more");
}

static void
print_alarms(const struct json *a)
{
	static const struct answertext_column columns[] = {
		{"ID", "id"},       {"SEVERITY", "severity"}, {"OBJECT", "object"},
		{"SINCE", "since"}, {"WHAT", "text"},
	};
	const struct json *list = jsonin_get(a, "list");
	static char mem[ANSWERTEXT_TEXT_MAX];

	if (jsonin_count(list) == 0) {
		puts("no alarm stands");
		return;
	}
	answertext_table(list, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < jsonin_count(list); i++) {
		const struct json *v = jsonin_at(list, i);

		printf("%s %s", i == 0 ? "\nWhat to do:\n " : "",
		       answertext_scalar(jsonin_get(v, "object"), mem, ANSWERTEXT_CELL_MAX));
		printf(": %s\n",
		       answertext_scalar(jsonin_get(v, "advice"), mem, ANSWERTEXT_TEXT_MAX - 8));
	}
}

static void
print_done(const struct json *a)
{
	(void)a;
	puts("done");
}

/* ---- asking ---- */

static void
put_request(struct buf *b, const struct ops_cmd *cmd, const struct request *r)
{
	buf_printf(b, "{\"cmd\":\"%s\"", cmd->word);
	if (r->id) {
		buf_z(b, ",\"id\":");
		buf_json(b, str_from(r->id));
	}
	if (r->account) {
		buf_z(b, ",\"account\":");
		buf_json(b, str_from(r->account));
	}
	if (r->limit)
		buf_printf(b, ",\"limit\":%s", r->limit);
	buf_printf(b, ",\"refused\":%s}\n", r->refused ? "true" : "false");
}

static int
run_request(const struct ops_cmd *cmd, const struct request *r)
{
	char words[1024];
	struct buf b;

	buf_init(&b, words, sizeof(words));
	put_request(&b, cmd, r);
	return ctlclient_run(cmd->word, r->conf, &b, r->json, cmd->do_print);
}

/* ---- the words ---- */

static int
tell_usage(const struct ops_cmd *cmd, bool asked)
{
	fprintf(asked ? stdout : stderr, "usage: postern %s\n", cmd->usage);
	return asked ? STATUS_OK : STATUS_NO_CONTACT;
}

static bool
is_number(const char *z)
{
	uint32_t n;

	return str_u32(str_from(z), 1000000, &n) == ERR_OK;
}

static int
run_cmd(const struct ops_cmd *cmd, int argc, char **argv)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'},        {"account", required_argument, NULL, 'a'},
		{"limit", required_argument, NULL, 'l'}, {"refused", no_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
	struct request r = {0};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (opt == 'c')
			r.conf = optarg;
		else if (opt == 'j')
			r.json = true;
		else if (opt == 'a' && cmd->has_filter)
			r.account = optarg;
		else if (opt == 'l' && cmd->has_filter && is_number(optarg))
			r.limit = optarg;
		else if (opt == 'r' && cmd->has_filter)
			r.refused = true;
		else
			return tell_usage(cmd, opt == 'h');
	}
	if (cmd->wants_id && optind < argc)
		r.id = argv[optind++];
	if (optind != argc || (cmd->wants_id && !r.id))
		return tell_usage(cmd, false);
	return run_request(cmd, &r);
}

int
cmd_stats(int argc, char **argv)
{
	static const struct ops_cmd cmd = {"stats", "stats [--json] [-c CONF]", false, false,
					   print_stats};

	return run_cmd(&cmd, argc, argv);
}

int
cmd_calls(int argc, char **argv)
{
	static const struct ops_cmd cmd = {"calls", "calls [--json] [-c CONF]", false, false,
					   print_calls};

	return run_cmd(&cmd, argc, argv);
}

int
cmd_alarms(int argc, char **argv)
{
	static const struct ops_cmd cmd = {"alarms", "alarms [--json] [-c CONF]", false, false,
					   print_alarms};

	return run_cmd(&cmd, argc, argv);
}

int
cmd_hangup(int argc, char **argv)
{
	static const struct ops_cmd cmd = {"hangup", "hangup ID [--json] [-c CONF]", true, false,
					   print_done};

	return run_cmd(&cmd, argc, argv);
}
