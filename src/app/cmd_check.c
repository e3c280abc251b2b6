#include "app/cmd.h"

#include <stdio.h>
#include <unistd.h>

#include "app/confcheck.h"
#include "base/mem.h"

static const char usage[] = "usage: postern check [-c FILE]\n"
			    "Checks the configuration; without -c the embedded default.\n"
			    "Exit status: 0 fine (warnings allowed), 1 errors, 2 wrong usage.\n";

/* The file, or without one the default in the present folder. */
static enum err
read_conf(const char *path, struct conf_report *rep, struct conf *c)
{
	enum err e = path ? conf_load(path, rep, c) : conf_parse(conf_default_text(), "", rep, c);

	return e == ERR_OK ? conf_check(c, rep) : e;
}

int
cmd_check(int argc, char **argv)
{
	struct conf *c = mem_zalloc(1, sizeof(*c));
	struct conf_report rep;
	const char *path = NULL;
	int opt, status = 2;
	enum err e;

	while ((opt = getopt(argc, argv, "c:h")) != -1) {
		if (opt == 'c') {
			path = optarg;
			continue;
		}
		fputs(usage, opt == 'h' ? stdout : stderr);
		status = opt == 'h' ? 0 : 2;
		goto out;
	}
	if (optind != argc || !c) {
		fputs(c ? usage : "out of memory\n", stderr);
		goto out;
	}
	conf_report_stderr(&rep, path ? path : "(embedded default)");
	e = read_conf(path, &rep, c);
	status = e == ERR_OK ? 0 : 1;
	if (e == ERR_OK)
		printf("%s: fine, %u warning%s; media ports for %u calls, limit %u\n",
		       path ? path : "embedded default", rep.n_warnings,
		       rep.n_warnings == 1 ? "" : "s", conf_calls_fit(c), c->max_calls);
	else if (rep.n_errors)
		fprintf(stderr, "%u error%s, %u warning%s\n", rep.n_errors,
			rep.n_errors == 1 ? "" : "s", rep.n_warnings,
			rep.n_warnings == 1 ? "" : "s");
	else
		fprintf(stderr, "%s\n", err_text(e));
out:
	mem_free(c);
	return status;
}
