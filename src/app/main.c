/* postern: one binary, four roles, and the commands of its operator. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/cmd.h"
#include "app/cmdline.h"
#include "app/keeper_msg.h"
#include "app/role.h"

enum { EPOCH_MAX = (1 << 24) - 1 };

static int
cmd_run(int argc, char **argv)
{
	static const struct cmdline_option options[] = {CMDLINE_CONF};
	static const struct cmdline_spec spec = {.word = "run",
						 .usage = "usage: postern run [-c CONF]\n",
						 .option = options,
						 .n = ARRAY_LEN(options)};
	struct cmdline c = {.spec = &spec, .argc = argc, .argv = argv};
	const char *path = NULL;
	int opt;

	while ((opt = cmdline_next(&c)) > 0)
		path = c.value;
	return opt == CMDLINE_DONE ? role_keeper(path) : cmdline_status(opt);
}

static int cmd_help(int argc, char **argv);

static const struct {
	const char *word;
	int (*do_cmd)(int argc, char **argv);
	const char *words;
} commands[] = {
	{"run", cmd_run, "start postern; -c CONF names its configuration"},
	{"check", cmd_check, "look for errors in a configuration"},
	{"apply", cmd_apply, "make the accounts, trunks and numbers as a file says"},
	{"accounts", cmd_accounts, "list the accounts"},
	{"trunks", cmd_trunks, "list the trunks"},
	{"numbers", cmd_numbers, "list the numbers"},
	{"rates", cmd_rates, "list the prices of calls"},
	{"routes", cmd_routes, "list the routes of calls to carriers"},
	{"groups", cmd_groups, "list what carriers of a group share"},
	{"route", cmd_route, "where would a call to a number go, and why"},
	{"profiles", cmd_profiles, "list the profiles of providers"},
	{"zone", cmd_zone, "the DNS records that customers need, and what DNS answers"},
	{"ready", cmd_ready, "check a customer's equipment from end to end"},
	{"stats", cmd_stats, "figures of the running postern"},
	{"gateways", cmd_gateways,
	 "trunks asked by OPTIONS, registered at, or found down by calls"},
	{"alarms", cmd_alarms, "what needs attention now, and what to do"},
	{"calls", cmd_calls, "calls that are going on"},
	{"hangup", cmd_hangup, "end a call"},
	{"handshakes", cmd_handshakes, "the last TLS handshakes and refused requests"},
	{"explain", cmd_explain,
	 "what became of a call, a handshake or a request; why was it refused"},
	{"trace", cmd_trace, "the messages of a call on both legs, and what was changed between"},
	{"tls-report", cmd_tls_report, "who would break if something of TLS went away"},
	{"reload", cmd_reload, "read accounts, certificates, keys and policy again"},
	{"help", cmd_help, "this list"},
};

static void
print_help(FILE *f)
{
	fputs("usage: postern COMMAND [OPTIONS]\n\n", f);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(f, "  %-12s %s\n", commands[i].word, commands[i].words);
	fputs("\nEach command takes -h. See postern(8).\n", f);
}

static const char *
word_at(const void *arg, size_t i)
{
	(void)arg;
	return commands[i].word;
}

static int
tell_unknown(const char *word)
{
	const char *near = report_nearest(str_from(word), word_at, NULL, ARRAY_LEN(commands));

	fprintf(stderr, "postern: there is no command \"%.40s\"", word);
	if (near)
		fprintf(stderr, "; did you mean \"%s\"?", near);
	fputs("\nSee postern help.\n", stderr);
	return 2;
}

static int
run_command(int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[0], commands[i].word) == 0)
			return commands[i].do_cmd(argc, argv);
	return tell_unknown(argv[0]);
}

static int
cmd_help(int argc, char **argv)
{
	static const struct cmdline_spec spec = {.word = "help",
						 .usage =
							 "usage: postern help [COMMAND]\nLists the "
							 "commands, or shows the usage of one.\n",
						 .operand = "COMMAND"};
	struct cmdline c = {.spec = &spec, .argc = argc, .argv = argv};
	int opt = cmdline_next(&c);

	if (opt != CMDLINE_DONE)
		return cmdline_status(opt);
	if (c.operand)
		return run_command(2, (char *[]){argv[1], "-h", NULL});
	print_help(stdout);
	return 0;
}

/* Started by keeper: postern --role NAME EPOCH LEVEL */
static int
run_role(int argc, char **argv)
{
	static int (*const roles[])(uint64_t epoch) = {[KEEPER_ROLE_SIGNALING] = role_signaling,
						       [KEEPER_ROLE_MEDIA] = role_media,
						       [KEEPER_ROLE_ADMIN] = role_admin};
	uint64_t epoch, level = LOG_INFO;

	if (argc < 4 || argc > 5 || str_u64(str_from(argv[3]), EPOCH_MAX, &epoch) != ERR_OK ||
	    (argc == 5 && str_u64(str_from(argv[4]), LOG_DEBUG, &level) != ERR_OK))
		return 2;
	/* keeper gets these, and ends the roles in order */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (int r = KEEPER_ROLE_NONE + 1; r < KEEPER_ROLE_N; r++) {
		const char *name = keeper_role_name((enum keeper_role)r);

		if (strcmp(argv[2], name) != 0)
			continue;
		log_init(name, STDERR_FILENO, (enum log_level)level);
		return roles[r](epoch);
	}
	return 2;
}

int
main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (strcmp(word, "--role") == 0)
		return run_role(argc, argv);
	if (strcmp(word, "--version") == 0) {
		puts("postern " POSTERN_VERSION);
		return 0;
	}
	if (!*word) {
		print_help(stderr);
		return 2;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return cmd_help(1, argv);
	return run_command(argc - 1, argv + 1);
}
