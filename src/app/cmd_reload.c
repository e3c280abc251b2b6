/* postern reload: ask, then wait until it is known what became of it. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/cmdline.h"
#include "app/ctlclient.h"
#include "app/cmd.h"
#include "base/mem.h"
#include "ops/jsonin.h"

enum {
	RELOAD_POLL_MS = 50,
	RELOAD_TRIES = 90 * 1000 / RELOAD_POLL_MS, /* longer than keeper gives the reading child */
	STATUS_DONE = 0,
	STATUS_REFUSED = 1,
	STATUS_NO_CONTACT = 2, /* also: wrong usage */
};

static const char usage[] = "usage: postern reload [--json] [-c CONF]\n";

struct asking {
	int fd;
	char *mem; /* of CONTROL_ANSWER_MAX bytes, behind the last answer */
	struct str text;
	struct json *answer; /* the last one */
};

static bool
get_answer(struct asking *k, struct str request)
{
	jsonin_free(&k->answer);
	if (ctlclient_line(k->fd, request, k->mem, &k->text) == ERR_OK &&
	    jsonin_parse(k->text, &k->answer) == ERR_OK)
		return true;
	fputs("postern reload: no answer from the running postern\n", stderr);
	return false;
}

/* False: said why. */
static bool
wait_outcome(struct asking *k, int64_t ticket)
{
	char request[80];
	struct buf b;

	buf_init(&b, request, sizeof(request));
	buf_printf(&b, "{\"cmd\":\"reload-outcome\",\"ticket\":%lld}\n", (long long)ticket);
	for (int i = 0; i < RELOAD_TRIES; i++) {
		if (!get_answer(k, buf_view(&b)))
			return false;
		if (jsonin_true(k->answer, "done") || !jsonin_true(k->answer, "ok"))
			return true;
		(void)poll(NULL, 0, RELOAD_POLL_MS);
	}
	fputs("postern reload: it is still under way; see postern alarms and the log\n", stderr);
	return false;
}

static int
print_outcome(const struct json *a)
{
	const struct json *lines = jsonin_get(a, "lines");
	bool ok = jsonin_true(a, "ok");
	FILE *f = ok ? stdout : stderr;

	for (size_t i = 0; i < jsonin_count(lines); i++) {
		char mem[1024];
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		jsonin_put_scalar(&b, jsonin_at(lines, i));
		fprintf(f, "%s\n", buf_cstr(&b));
	}
	if (ok)
		fprintf(f, "%s\n", jsonin_text(a, "why"));
	else
		fprintf(f, "postern reload: refused: %s; what is in use stays\n",
			jsonin_count(lines) ? "what stands above has to be mended first"
					    : jsonin_text(a, "error"));
	return ok ? STATUS_DONE : STATUS_REFUSED;
}

static int
run_reload(struct asking *k, bool json)
{
	int status = STATUS_DONE;
	int64_t ticket;

	if (!get_answer(k, STR("{\"cmd\":\"reload\"}\n")))
		return STATUS_NO_CONTACT;
	ticket = jsonin_int(k->answer, "ticket");
	if (!jsonin_true(k->answer, "ok")) {
		fprintf(stderr, "postern reload: %s\n", jsonin_text(k->answer, "error"));
		status = STATUS_REFUSED;
	}
	if (ticket == 0 || !wait_outcome(k, ticket))
		return STATUS_NO_CONTACT;
	if (json)
		printf("%.*s\n", STR_ARG(k->text));
	else if (print_outcome(k->answer) != STATUS_DONE)
		status = STATUS_REFUSED;
	return jsonin_true(k->answer, "ok") ? status : STATUS_REFUSED;
}

int
cmd_reload(int argc, char **argv)
{
	static const struct cmdline_option options[] = {CMDLINE_CONF, CMDLINE_JSON};
	static const struct cmdline_spec spec = {
		.word = "reload", .usage = usage, .option = options, .n = ARRAY_LEN(options)};
	struct cmdline line = {.spec = &spec, .argc = argc, .argv = argv};
	struct asking k = {.fd = -1};
	const char *conf = NULL;
	bool json = false;
	int opt, status = STATUS_NO_CONTACT;

	while ((opt = cmdline_next(&line)) > 0) {
		if (opt == 'c')
			conf = line.value;
		json |= opt == 'j';
	}
	if (opt != CMDLINE_DONE)
		return cmdline_status(opt);
	k.fd = ctlclient_open("reload", conf);
	k.mem = mem_zalloc(1, CONTROL_ANSWER_MAX);
	if (k.fd >= 0 && k.mem)
		status = run_reload(&k, json);
	jsonin_free(&k.answer);
	mem_free(k.mem);
	if (k.fd >= 0)
		close(k.fd);
	return status;
}
