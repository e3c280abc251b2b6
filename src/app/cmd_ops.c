/* Commands that ask the running postern over its control socket: one request line, one answer. */
#include "app/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/ask.h"
#include "base/mem.h"
#include "ops/control.h"
#include "ops/jsonin.h"

enum {
	CELL_MAX = 40,
	OPS_TEXT_MAX = 8192, /* a value, as text */
	OPS_DEPTH_MAX = 8,
	OPS_NAME_MAX = 128,
	STATUS_OK = 0,
	STATUS_REFUSED = 1,
	STATUS_NO_CONTACT = 2, /* also: wrong usage */
};

/* What the words after the command said. */
struct request {
	const char *conf, *id, *account, *limit;
	bool json, refused;
};

struct column {
	const char *title, *path;
};

struct ops_cmd {
	const char *word, *usage;
	bool wants_id, has_filter;
	void (*do_print)(const struct json *answer);
};

/* ---- printing ---- */

/* Text that came from a network does not reach the terminal as control sequences. */
static void
clean_text(struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->p[i];

		if (c < 0x20 || c == 0x7f)
			b->p[i] = '?';
		else if (c == 0xc2 && i + 1 < b->len && (unsigned char)b->p[i + 1] < 0xa0)
			b->p[i] = b->p[i + 1] = '?';
	}
}

static const char *
scalar_text(const struct json *j, char mem[OPS_TEXT_MAX], size_t max)
{
	struct buf b;

	buf_init(&b, mem, OPS_TEXT_MAX);
	jsonin_put_scalar(&b, j);
	clean_text(&b);
	if (b.len > max) {
		b.len = max - 2;
		buf_z(&b, "..");
	}
	return buf_cstr(&b);
}

static void
print_table(const struct json *list, const struct column *c, size_t n)
{
	static char mem[OPS_TEXT_MAX];
	int width[16] = {0};

	for (size_t k = 0; k < n; k++) {
		width[k] = (int)str_from(c[k].title).len;
		for (size_t i = 0; i < jsonin_count(list); i++) {
			const struct json *v = jsonin_get(jsonin_at(list, i), c[k].path);
			int len = (int)str_from(scalar_text(v, mem, CELL_MAX)).len;

			width[k] = len > width[k] ? len : width[k];
		}
	}
	for (size_t k = 0; k < n; k++)
		printf("%-*s%s", k + 1 < n ? width[k] + 2 : 0, c[k].title, k + 1 < n ? "" : "\n");
	for (size_t i = 0; i < jsonin_count(list); i++)
		for (size_t k = 0; k < n; k++)
			printf("%-*s%s", k + 1 < n ? width[k] + 2 : 0,
			       scalar_text(jsonin_get(jsonin_at(list, i), c[k].path), mem,
					   k + 1 < n ? CELL_MAX : OPS_TEXT_MAX - 8),
			       k + 1 < n ? "" : "\n");
}

static void
print_pair(const char *prefix, const char *name, const struct json *v)
{
	static char mem[OPS_TEXT_MAX];
	char full[OPS_NAME_MAX];

	(void)snprintf(full, sizeof(full), "%s%s%s", prefix, *prefix ? "." : "", name);
	printf("  %-34s %s\n", full, scalar_text(v, mem, OPS_TEXT_MAX - 8));
}

/* All values inside, each with its path; lists by number. */
static void
print_tree(const struct json *root)
{
	struct {
		const struct json *j;
		size_t next;
		char path[OPS_NAME_MAX];
	} stack[OPS_DEPTH_MAX] = {{.j = root}};
	int top = 0;

	while (top >= 0) {
		const char *name = NULL;
		char number[24];
		struct buf b;
		const struct json *v = jsonin_member(stack[top].j, stack[top].next, &name);

		if (!v) {
			v = jsonin_at(stack[top].j, stack[top].next);
			(void)snprintf(number, sizeof(number), "%zu", stack[top].next + 1);
			name = number;
		}
		if (!v) {
			top--;
			continue;
		}
		stack[top].next++;
		if (jsonin_is_scalar(v) || top + 1 == OPS_DEPTH_MAX) {
			print_pair(stack[top].path, name, v);
			continue;
		}
		buf_init(&b, stack[top + 1].path, OPS_NAME_MAX);
		buf_z(&b, stack[top].path);
		buf_z(&b, *stack[top].path ? "." : "");
		buf_z(&b, name);
		(void)buf_cstr(&b);
		stack[top + 1].j = v;
		stack[top + 1].next = 0;
		top++;
	}
}

static void
print_stats(const struct json *a)
{
	print_tree(a);
}

static void
print_calls(const struct json *a)
{
	static const struct column columns[] = {
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

	print_table(jsonin_get(a, "list"), columns, ARRAY_LEN(columns));
	if (jsonin_true(a, "more"))
		puts("and more");
}

static void
print_handshakes(const struct json *a)
{
	static const struct column columns[] = {
		{"ID", "id"},           {"AT", "at"},       {"KIND", "kind"},   {"PEER", "peer"},
		{"OUT", "outgoing"},    {"OK", "accepted"}, {"TLS", "version"}, {"SUITE", "suite"},
		{"ACCOUNT", "account"}, {"NAMES", "names"}, {"WORD", "word"},   {"WHY", "why"},
	};

	print_table(jsonin_get(a, "list"), columns, ARRAY_LEN(columns));
}

static void
print_alarms(const struct json *a)
{
	static const struct column columns[] = {
		{"ID", "id"},       {"SEVERITY", "severity"}, {"OBJECT", "object"},
		{"SINCE", "since"}, {"WHAT", "text"},
	};
	const struct json *list = jsonin_get(a, "list");
	static char mem[OPS_TEXT_MAX];

	if (jsonin_count(list) == 0) {
		puts("no alarm stands");
		return;
	}
	print_table(list, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < jsonin_count(list); i++) {
		const struct json *v = jsonin_at(list, i);

		printf("%s %s", i == 0 ? "\nWhat to do:\n " : "",
		       scalar_text(jsonin_get(v, "object"), mem, CELL_MAX));
		printf(": %s\n", scalar_text(jsonin_get(v, "todo"), mem, OPS_TEXT_MAX - 8));
	}
}

static void
print_explained(const struct json *a)
{
	static char mem[OPS_TEXT_MAX];

	printf("%s\n\n", scalar_text(jsonin_get(a, "text"), mem, OPS_TEXT_MAX - 8));
	print_tree(jsonin_get(a, "facts"));
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
show(const struct ops_cmd *cmd, const struct request *r, struct str text)
{
	struct json *answer = NULL;
	int status = STATUS_NO_CONTACT;

	if (jsonin_parse(text, &answer) != ERR_OK) {
		fprintf(stderr, "postern %s: the answer is not understood\n", cmd->word);
		return status;
	}
	status = jsonin_true(answer, "ok") ? STATUS_OK : STATUS_REFUSED;
	if (r->json)
		printf("%.*s\n", STR_ARG(text));
	else if (status == STATUS_OK)
		cmd->do_print(answer);
	if (status != STATUS_OK)
		fprintf(stderr, "postern %s: %s\n", cmd->word, jsonin_text(answer, "error"));
	jsonin_free(&answer);
	return status;
}

static int
run_request(const struct ops_cmd *cmd, const struct request *r)
{
	char words[1024], *mem = NULL;
	int fd = -1, status = STATUS_NO_CONTACT;
	struct str text;
	struct buf b;

	buf_init(&b, words, sizeof(words));
	put_request(&b, cmd, r);
	if (buf_end(&b) != ERR_OK) {
		fprintf(stderr, "postern %s: too long\n", cmd->word);
		return status;
	}
	fd = ask_open(cmd->word, r->conf);
	if (fd < 0)
		return status;
	mem = mem_zalloc(1, CONTROL_ANSWER_MAX);
	if (!mem || ask_line(fd, buf_view(&b), mem, &text) != ERR_OK)
		fprintf(stderr, "postern %s: no answer from the running postern\n", cmd->word);
	else
		status = show(cmd, r, text);
	mem_free(mem);
	close(fd);
	return status;
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
cmd_handshakes(int argc, char **argv)
{
	static const struct ops_cmd cmd = {
		"handshakes",
		"handshakes [--refused] [--account ID] [--limit N] [--json] [-c CONF]", false, true,
		print_handshakes};

	return run_cmd(&cmd, argc, argv);
}

int
cmd_explain(int argc, char **argv)
{
	static const struct ops_cmd cmd = {"explain", "explain ID [--json] [-c CONF]", true, false,
					   print_explained};

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
