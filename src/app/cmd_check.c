#include "app/cmd.h"

#include <stdio.h>

#include "app/cmdline.h"
#include "conf/check.h"
#include "conf/load.h"
#include "base/mem.h"

static const char usage[] = "usage: postern check [-c CONF]\n"
			    "Checks the configuration.\n"
			    "Exit status: 0 fine (warnings allowed), 1 errors, 2 wrong usage.\n";

/* The file, or without one the default in the present folder. */
static enum err
read_conf(const char *path, struct conf_report *rep, struct conf *c, struct io_chosen *io)
{
	enum err e = path ? conf_load(path, rep, c) : conf_parse(conf_default_text(), "", rep, c);

	if (e == ERR_OK)
		conf_check_machine(c, rep, io);
	return e == ERR_OK ? conf_check(c, rep) : e;
}

static const char *
plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

static void
print_fine(const char *path, const struct conf *c, const struct io_chosen *io,
	   const struct conf_report *rep)
{
	uint32_t calls = io->kind == IO_SOCKETS ? conf_calls_by_files(c) : conf_calls_fit(c);

	printf("%s: fine, %u warning%s; media ports for %u calls, limit %u\n",
	       path ? path : "embedded default", rep->n_warnings, plural(rep->n_warnings), calls,
	       c->max_calls);
	printf("media I/O for this user: %s%s%s\n", io_kind_name(io->kind), io->why[0] ? "; " : "",
	       io->why);
}

/* Check and tell the outcome; the exit status. */
static int
run_check(const char *path, struct conf *c)
{
	struct conf_report rep;
	struct io_chosen io;
	enum err e;

	conf_report_stderr(&rep, path ? path : "(embedded default)");
	e = read_conf(path, &rep, c, &io);
	if (e == ERR_OK)
		print_fine(path, c, &io, &rep);
	else if (rep.n_errors)
		fprintf(stderr, "%u error%s, %u warning%s\n", rep.n_errors, plural(rep.n_errors),
			rep.n_warnings, plural(rep.n_warnings));
	else
		fprintf(stderr, "%s\n", err_text(e));
	return e == ERR_OK ? 0 : 1;
}

int
cmd_check(int argc, char **argv)
{
	static const struct cmdline_option options[] = {CMDLINE_CONF};
	static const struct cmdline_spec spec = {
		.word = "check", .usage = usage, .option = options, .n = ARRAY_LEN(options)};
	struct cmdline line = {.spec = &spec, .argc = argc, .argv = argv};
	const char *path = NULL;
	struct conf *c;
	int opt, status;

	while ((opt = cmdline_next(&line)) > 0)
		path = line.value;
	if (opt != CMDLINE_DONE)
		return cmdline_status(opt);
	c = mem_zalloc(1, sizeof(*c));
	if (!c) {
		fprintf(stderr, "%s\n", err_text(ERR_NOMEM));
		return 1;
	}
	status = run_check(path, c);
	mem_free(c);
	return status;
}
