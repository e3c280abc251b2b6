/* Commands that ask the running postern over its control socket: one request line, one answer. */
#include "app/cmd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/answertext.h"
#include "app/cmdask.h"
#include "base/mem.h"
#include "ops/control.h"

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
print_gateways(const struct json *a)
{
	static const struct answertext_column columns[] = {
		{"TRUNK", "trunk"},
		{"CALLS", "calls"},
		{"OPTIONS", "options"},
		{"MS", "latency_ms"},
		{"SINCE", "options_since"},
		{"REGISTRATION", "registration"},
		{"UNTIL", "registered_until"},
		{"WHY", "why"},
	};
	const struct json *list = jsonin_get(a, "list");

	if (jsonin_count(list) == 0)
		puts("no trunk is asked by OPTIONS or registered at, and calls found none down");
	else
		answertext_table(list, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < jsonin_count(list); i++)
		if (*jsonin_text(jsonin_at(list, i), "advice"))
			printf("\nWhat to do about %s: %s.\n",
			       jsonin_text(jsonin_at(list, i), "trunk"),
			       jsonin_text(jsonin_at(list, i), "advice"));
}

static void
print_done(const struct json *a)
{
	(void)a;
	puts("the call is being ended: BYE goes to both legs, and its CDR follows");
}

/* ---- asking ---- */

static const struct cmdline_option options[] = {CMDLINE_CONF, CMDLINE_JSON};

int
cmd_stats(int argc, char **argv)
{
	static const struct cmdline_spec spec = {
		.word = "stats",
		.usage = "usage: postern stats [--json] [-c CONF]\n",
		.option = options,
		.n = ARRAY_LEN(options)};

	return cmdask_run(&spec, print_stats, argc, argv);
}

int
cmd_calls(int argc, char **argv)
{
	static const struct cmdline_spec spec = {
		.word = "calls",
		.usage = "usage: postern calls [--json] [-c CONF]\n",
		.option = options,
		.n = ARRAY_LEN(options)};

	return cmdask_run(&spec, print_calls, argc, argv);
}

int
cmd_alarms(int argc, char **argv)
{
	static const struct cmdline_spec spec = {
		.word = "alarms",
		.usage = "usage: postern alarms [--json] [-c CONF]\n",
		.option = options,
		.n = ARRAY_LEN(options)};

	return cmdask_run(&spec, print_alarms, argc, argv);
}

int
cmd_gateways(int argc, char **argv)
{
	static const struct cmdline_spec spec = {
		.word = "gateways",
		.usage = "usage: postern gateways [--json] [-c CONF]\n",
		.option = options,
		.n = ARRAY_LEN(options)};

	return cmdask_run(&spec, print_gateways, argc, argv);
}

int
cmd_hangup(int argc, char **argv)
{
	static const struct cmdline_spec spec = {
		.word = "hangup",
		.usage = "usage: postern hangup ID [--json] [-c CONF]\n",
		.option = options,
		.n = ARRAY_LEN(options),
		.operand = "ID",
		.operand_is = "of a call, as postern calls has it",
		.operand_example = "aean27wbli72qcc735hq",
		.operand_required = true};

	return cmdask_run(&spec, print_done, argc, argv);
}
