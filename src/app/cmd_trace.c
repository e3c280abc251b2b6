/* postern trace: the ladder of a call's messages. */
#include "app/cmd.h"

#include <stdio.h>
#include <string.h>

#include "app/answertext.h"
#include "app/cmdask.h"

enum { LADDER_WIDTH = 34, ARROW_LABEL_MAX = 28 };

/* "INVITE", "180 Ringing (INVITE)", cut to fit its arrow. */
static void
put_label(struct buf *b, const struct json *m)
{
	const char *start = jsonin_text(m, "start");
	struct str what = str_from(start);

	if (jsonin_int(m, "status"))
		what = str_from_at(what, sizeof("SIP/2.0 ") - 1);
	else
		what = str_sub(what, 0, str_chr(what, ' '));
	buf_str(b, str_sub(what, 0, ARROW_LABEL_MAX));
	if (jsonin_int(m, "status") && strcmp(jsonin_text(m, "method"), "INVITE") != 0 &&
	    b->len + 3 + strlen(jsonin_text(m, "method")) < ARROW_LABEL_MAX)
		buf_printf(b, " (%s)", jsonin_text(m, "method"));
}

/* "--- INVITE --->": LADDER_WIDTH characters. */
static void
put_arrow(struct buf *b, const struct json *m, bool right)
{
	char mem[ARROW_LABEL_MAX + 8];
	struct buf label;

	buf_init(&label, mem, sizeof(mem));
	put_label(&label, m);
	buf_z(b, right ? "-- " : "<- ");
	buf_str(b, buf_view(&label));
	buf_char(b, ' ');
	for (size_t i = label.len + 5; i < LADDER_WIDTH; i++)
		buf_char(b, '-');
	buf_char(b, right ? '>' : '-');
}

static void
print_arrow(const struct json *m)
{
	const char *leg = jsonin_text(m, "leg"), *audio = jsonin_text(m, "audio");
	bool a = leg[0] == 'a', out = jsonin_true(m, "out");
	int64_t us = jsonin_int(m, "offset_us");
	char mem[2 * LADDER_WIDTH];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	put_arrow(&b, m, a ? !out : out);
	(void)buf_cstr(&b);
	printf("%5lld.%03lld  %-*s|%-*s  %-3s %s %s %s, %lld bytes%s%s%s%s\n",
	       (long long)(us / 1000000), (long long)(us / 1000 % 1000), LADDER_WIDTH + 1,
	       a ? mem : "", LADDER_WIDTH + 1, a ? "" : mem, leg, jsonin_text(m, "transport"),
	       out ? "to" : "from", jsonin_text(m, "peer"), (long long)jsonin_int(m, "size"),
	       jsonin_true(m, "again") ? ", again" : "", jsonin_true(m, "cut") ? ", cut" : "",
	       *audio ? "; audio " : "", audio);
}

static void
print_change(const struct json *d)
{
	const char *name = jsonin_text(d, "name"), *part = jsonin_text(d, "part");
	bool was = jsonin_get(d, "was") != NULL, is = jsonin_get(d, "is") != NULL;
	const char *colon = strcmp(part, "header") == 0 ? ": " : "";

	if (was)
		printf("             - %s%s%s\n", name, colon, jsonin_text(d, "was"));
	if (is)
		printf("             + %s%s%s\n", name, colon, jsonin_text(d, "is"));
}

static void
print_message(const struct json *list, const struct json *m)
{
	const struct json *lines = jsonin_get(m, "lines"), *diff = jsonin_get(m, "diff");
	const struct json *from = jsonin_at(list, (size_t)jsonin_int(m, "from"));
	static char text[ANSWERTEXT_TEXT_MAX];

	print_arrow(m);
	for (size_t i = 0; i < jsonin_count(lines); i++)
		printf("             | %s\n",
		       answertext_scalar(jsonin_at(lines, i), text, ANSWERTEXT_TEXT_MAX - 8));
	if (diff) {
		int64_t us = jsonin_int(from, "offset_us");

		printf("             against the one of %lld.%03lld on leg %s:%s\n",
		       (long long)(us / 1000000), (long long)(us / 1000 % 1000),
		       jsonin_text(from, "leg"), jsonin_count(diff) ? "" : " no difference");
	}
	for (size_t i = 0; i < jsonin_count(diff); i++)
		print_change(jsonin_at(diff, i));
}

static void
print_trace(const struct json *a)
{
	const struct json *list = jsonin_get(a, "list"), *legs = jsonin_get(a, "legs");

	printf("call %s, first message at %s\n", jsonin_text(a, "id"),
	       jsonin_text(jsonin_at(list, 0), "at"));
	for (size_t i = 0; i < jsonin_count(legs); i++) {
		const struct json *l = jsonin_at(legs, i);

		printf("leg %-3s %s, Call-ID %s\n", jsonin_text(l, "leg"), jsonin_text(l, "trunk"),
		       jsonin_text(l, "call_id"));
	}
	printf("\n%9s  %-*s|%*s\n", "s", LADDER_WIDTH + 1, "caller", LADDER_WIDTH + 1, "called");
	for (size_t i = 0; i < jsonin_count(list); i++)
		print_message(list, jsonin_at(list, i));
	if (jsonin_true(a, "more"))
		puts("and more than an answer holds");
}

int
cmd_trace(int argc, char **argv)
{
	static const struct cmdline_option options[] = {
		CMDLINE_CONF,
		CMDLINE_JSON,
		{'f', "--full", NULL, NULL, false},
		{'d', "--diff", NULL, NULL, false},
	};
	static const struct cmdline_spec spec = {
		.word = "trace",
		.usage = "usage: postern trace ID [--full] [--diff] [--json] [-c CONF]\n",
		.option = options,
		.n = ARRAY_LEN(options),
		.operand = "ID",
		.operand_is = "of a call or a refused request, as the log, its CDR or its Warning "
			      "has it; or the Call-ID of one of its legs",
		.operand_example = "aean27wbli72qcc735hq",
		.operand_required = true};

	return cmdask_run(&spec, print_trace, argc, argv);
}
