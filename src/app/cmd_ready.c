/* postern ready: begins a check in the running postern, asks until it is done, shows the report. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/cmdline.h"
#include "app/ctlclient.h"
#include "app/cmd.h"
#include "conf/profile.h"
#include "base/clock.h"
#include "base/mem.h"
#include "ops/jsonin.h"

enum {
	ASK_EVERY_MS = 200,
	WAIT_MAX_S = 600,
	TITLE_WIDTH = 24,
	TEXT_MAX = CONTROL_REQUEST_MAX,
	STATUS_PASSED = 0,
	STATUS_FAILED = 1,
	STATUS_NOT_RUN = 2, /* also: wrong usage */
};

static const char usage[] =
	"usage: postern ready [--port N] [--zone FQDN] [--account ID] [--profile NAME|FILE]\n"
	"       [--call NUMBER] [--wait SECONDS] [--json] [-c CONF] FQDN\n"
	"Checks the customer equipment of this name as the service needs it.\n"
	"Exit status: 0 passed, 1 failed, 2 could not be run.\n";

struct ready_words {
	const char *fqdn, *conf, *zone, *account, *profile;
	const char *call;
	uint32_t port, wait;
	bool json;
};

/* ---- printing ---- */

/* Text of a network does not reach the terminal as control sequences. */
static void
print_clean(const char *text)
{
	for (const char *p = text; *p; p++)
		putchar((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
}

static void
print_line(const struct json *l)
{
	printf("%-8s %-*s ", jsonin_text(l, "state"), TITLE_WIDTH, jsonin_text(l, "title"));
	print_clean(jsonin_text(l, "seen"));
	putchar('\n');
	if (*jsonin_text(l, "change")) {
		printf("%-8s %-*s -> ", "", TITLE_WIDTH, "");
		print_clean(jsonin_text(l, "change"));
		putchar('\n');
	}
}

/* What the first line that failed is called. */
static const char *
title_of(const struct json *lines, const char *cause)
{
	for (size_t i = 0; i < jsonin_count(lines); i++)
		if (strcmp(jsonin_text(jsonin_at(lines, i), "check"), cause) == 0 &&
		    strcmp(jsonin_text(jsonin_at(lines, i), "state"), "failed") == 0)
			return jsonin_text(jsonin_at(lines, i), "title");
	return cause;
}

static void
print_report(const struct json *a)
{
	const struct json *lines = jsonin_get(a, "lines");

	printf("%s, port %lld, from zone %s (profile %s)%s%s\n\n", jsonin_text(a, "fqdn"),
	       (long long)jsonin_int(a, "port"), jsonin_text(a, "zone"), jsonin_text(a, "profile"),
	       *jsonin_text(a, "account") ? ", account " : "", jsonin_text(a, "account"));
	for (size_t i = 0; i < jsonin_count(lines); i++)
		print_line(jsonin_at(lines, i));
	if (jsonin_true(a, "passed"))
		printf("\nready: passed, %lld warned, %lld not proven\n",
		       (long long)jsonin_int(a, "warned"), (long long)jsonin_int(a, "unproven"));
	else
		printf("\nnot ready: %lld failed, %lld warned; begin with the first line that "
		       "failed: %s\n",
		       (long long)jsonin_int(a, "failed"), (long long)jsonin_int(a, "warned"),
		       title_of(lines, jsonin_text(a, "cause")));
}

/* ---- asking ---- */

static enum err
read_profile(const char *word, struct str *out)
{
	char from[CONFPROFILE_PATH_MAX];
	struct conf_report rep;
	enum err e;

	*out = STR_NULL;
	if (!word)
		return ERR_OK;
	conf_report_stderr(&rep, word);
	e = confprofile_read(str_from(word), ".", &rep, from, out);
	if (e == ERR_NOTFOUND)
		fprintf(stderr,
			"postern ready: there is no profile \"%s\"; postern profiles lists them, a "
			"word with a slash is a file, such as ./%s.yaml\n",
			word, word);
	return e;
}

static void
put_begin(struct buf *b, const struct ready_words *w, struct str profile)
{
	buf_z(b, "{\"cmd\":\"ready\",\"fqdn\":");
	buf_json(b, str_from(w->fqdn));
	buf_printf(b, ",\"port\":%u,\"zone\":", w->port);
	buf_json(b, str_from(w->zone ? w->zone : ""));
	buf_z(b, ",\"account\":");
	buf_json(b, str_from(w->account ? w->account : ""));
	buf_z(b, ",\"call\":");
	buf_json(b, str_from(w->call ? w->call : ""));
	buf_printf(b, ",\"wait\":%u,\"profile\":", w->wait);
	buf_json(b, profile);
	buf_z(b, "}\n");
}

/* A connection to the running postern, and room for an answer. */
struct talk {
	int fd;
	char *mem; /* CONTROL_ANSWER_MAX bytes */
};

/* One question; NULL after a message about what is wrong. The caller frees. */
static struct json *
ask_one(const struct talk *t, struct str question, struct str *text)
{
	struct json *answer = NULL;

	if (ctlclient_line(t->fd, question, t->mem, text) != ERR_OK)
		fprintf(stderr, "postern ready: no answer from the running postern\n");
	else if (jsonin_parse(*text, &answer) != ERR_OK)
		fprintf(stderr, "postern ready: the answer is not understood\n");
	else if (!jsonin_true(answer, "ok"))
		fprintf(stderr, "postern ready: %s\n", jsonin_text(answer, "error"));
	else
		return answer;
	jsonin_free(&answer);
	return NULL;
}

static int
show_report(const struct ready_words *w, const struct json *answer, struct str text)
{
	if (w->json)
		printf("%.*s\n", STR_ARG(text));
	else
		print_report(answer);
	return jsonin_true(answer, "passed") ? STATUS_PASSED : STATUS_FAILED;
}

static int
wait_for_report(const struct talk *t, const struct ready_words *w, int64_t job)
{
	char mem[128];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b, "{\"cmd\":\"ready-report\",\"job\":%lld}\n", (long long)job);
	for (;;) {
		struct str text;
		struct json *answer = ask_one(t, buf_view(&b), &text);
		int status = STATUS_NOT_RUN;
		bool done = !answer || jsonin_true(answer, "done");

		if (answer && done)
			status = show_report(w, answer, text);
		jsonin_free(&answer);
		if (done)
			return status;
		(void)poll(NULL, 0, ASK_EVERY_MS);
	}
}

static int
run_talk(const struct talk *t, const struct ready_words *w, struct str profile)
{
	static char mem[TEXT_MAX];
	struct json *answer;
	struct str text;
	struct buf b;
	int64_t job;

	buf_init(&b, mem, sizeof(mem));
	put_begin(&b, w, profile);
	if (buf_end(&b) != ERR_OK) {
		fprintf(stderr, "postern ready: %s is too long to be sent%s\n",
			w->profile ? w->profile : "the question",
			w->profile ? ": is it the file of a profile?" : "");
		return STATUS_NOT_RUN;
	}
	answer = ask_one(t, buf_view(&b), &text);
	if (!answer)
		return STATUS_NOT_RUN;
	job = jsonin_int(answer, "job");
	jsonin_free(&answer);
	return wait_for_report(t, w, job);
}

static int
run_ready(const struct ready_words *w)
{
	struct talk t = {.fd = ctlclient_open("ready", w->conf)};
	int status = STATUS_NOT_RUN;
	struct str profile;

	if (t.fd < 0)
		return status;
	if (read_profile(w->profile, &profile) != ERR_OK) {
		close(t.fd);
		return status;
	}
	t.mem = mem_zalloc(1, CONTROL_ANSWER_MAX);
	if (t.mem)
		status = run_talk(&t, w, profile);
	else
		fprintf(stderr, "postern ready: %s\n", err_text(ERR_NOMEM));
	mem_free(t.mem);
	mem_free((void *)(uintptr_t)profile.p);
	close(t.fd);
	return status;
}

/* ---- the words ---- */

static const struct cmdline_option options[] = {
	CMDLINE_CONF,
	CMDLINE_JSON,
	{'z', "--zone", "the name of a zone of the configuration", "sip.example.net", false},
	{'a', "--account", "the id of an account", "acme", false},
	{'P', "--profile", "the name of a profile, or the path of its file", "teams", false},
	{'n', "--call", "a number, or a user name of letters and digits", "+15551230000", false},
	{'w', "--wait", "a number of seconds, 1 to 600", "120", false},
	{'p', "--port", "a port, 1 to 65535", "5061", false},
};
static const struct cmdline_spec spec = {.word = "ready",
					 .usage = usage,
					 .option = options,
					 .n = ARRAY_LEN(options),
					 .operand = "FQDN",
					 .operand_is = "the name of the customer's equipment",
					 .operand_example = "pbx.example.com",
					 .operand_required = true};

static void
read_option(struct ready_words *w, struct cmdline *c, int opt)
{
	switch (opt) {
	case 'c':
		w->conf = c->value;
		break;
	case 'j':
		w->json = true;
		break;
	case 'z':
		w->zone = c->value;
		break;
	case 'a':
		w->account = c->value;
		break;
	case 'P':
		w->profile = c->value;
		break;
	case 'n':
		w->call = c->value;
		break;
	case 'w':
		cmdline_u32(c, 1, WAIT_MAX_S, &w->wait);
		break;
	default:
		cmdline_u32(c, 1, UINT16_MAX, &w->port);
		break;
	}
}

int
cmd_ready(int argc, char **argv)
{
	struct cmdline c = {.spec = &spec, .argc = argc, .argv = argv};
	struct ready_words w = {0};
	int opt;

	while ((opt = cmdline_next(&c)) > 0)
		read_option(&w, &c, opt);
	if (opt != CMDLINE_DONE)
		return cmdline_status(opt);
	w.fqdn = c.operand;
	return run_ready(&w);
}
