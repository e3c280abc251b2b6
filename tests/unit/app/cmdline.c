/* Every command, given wrong, missing and superfluous words: each is named, with what it may be and
 * an example, and the exit status is 2. Nothing of it reaches a running postern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/cmd.h"
#include "app/cmdline.h"
#include "base/str.h"

enum { WORDS_MAX = 8, SAID_MAX = 4096 };

#define CONF_USUAL "/etc/postern/postern.yaml"
#define CONF_MISSING "-c is missing: the configuration file of the node"

static const struct row {
	int (*do_cmd)(int argc, char **argv);
	const char *words; /* divided by spaces, the command's first */
	const char *said;
} rows[] = {
	{cmd_check, "check x", "\"x\": it takes options only"},
	{cmd_check, "check -c", "-c wants the configuration file of the node, for example -c /"},
	{cmd_check, "check --verbose", "there is no option \"--verbose\""},
	{cmd_apply, "apply accounts.yaml", CONF_MISSING},
	{cmd_apply, "apply -c a.yaml", "FILE is missing: the file of the accounts, for example"},
	{cmd_apply, "apply -c a.yaml b.yaml c.yaml", "\"c.yaml\" is one word too many behind"},
	{cmd_apply, "apply -c a.yaml --dryrun b", "did you mean \"--dry-run\"?"},
	{cmd_apply, "apply -c a.yaml --json=yes b", "--json has no value"},
	{cmd_accounts, "accounts", CONF_MISSING},
	{cmd_accounts, "accounts -c a.yaml --account x", "there is no option \"--account\""},
	{cmd_trunks, "trunks -c a.yaml --account", "--account wants the id of an account, for"},
	{cmd_trunks, "trunks -c a.yaml --trunk x", "there is no option \"--trunk\""},
	{cmd_numbers, "numbers -c a.yaml --trunk", "--trunk wants the id of a trunk"},
	{cmd_numbers, "numbers -c a.yaml 1 2", "\"2\" is one word too many behind \"1\""},
	{cmd_zone, "zone --server", "--server wants the address of a name server"},
	{cmd_zone, "zone --verify --server dns.example", "\"dns.example\" is not the address of a"},
	{cmd_zone, "zone --server 192.0.2.53", "is the one that --verify asks"},
	{cmd_zone, "zone a b", "one word too many"},
	{cmd_ready, "ready",
	 "FQDN is missing: the name of the customer's equipment, for example "
	 "postern ready pbx.example.com"},
	{cmd_ready, "ready --wait 9999 a.b",
	 "--wait \"9999\" is not a number of seconds, 1 to 600"},
	{cmd_ready, "ready --wait 0 a.b", "--wait \"0\" is not"},
	{cmd_ready, "ready --port 70000 a.b", "--port \"70000\" is not a port, 1 to 65535"},
	{cmd_ready, "ready --port 0 a.b", "--port \"0\" is not a port"},
	{cmd_ready, "ready --port=-1 a.b", "--port \"-1\" is not a port"},
	{cmd_ready, "ready --call", "--call wants a number"},
	{cmd_ready, "ready --zone", "--zone wants the name of a zone"},
	{cmd_ready, "ready --profile", "--profile wants the name of a profile"},
	{cmd_ready, "ready a.b c.d", "one word too many"},
	{cmd_stats, "stats all", "it takes options only"},
	{cmd_stats, "stats --jsn", "did you mean \"--json\"?"},
	{cmd_calls, "calls --limit 5", "there is no option \"--limit\""},
	{cmd_alarms, "alarms x", "it takes options only"},
	{cmd_hangup, "hangup", "ID is missing: of a call, as postern calls has it"},
	{cmd_hangup, "hangup a b", "one word too many"},
	{cmd_handshakes, "handshakes --since 1x", "--since \"1x\" is not a time of 1s to 3650d"},
	{cmd_handshakes, "handshakes --since 2h30m", "--since \"2h30m\" is not a time"},
	{cmd_handshakes, "handshakes --since 0s", "--since \"0s\" is not"},
	{cmd_handshakes, "handshakes --since 9999d", "--since \"9999d\" is not"},
	{cmd_handshakes, "handshakes --since s", "for example --since 2h"},
	{cmd_handshakes, "handshakes --limit 0", "--limit \"0\" is not a number, 1 to 10000"},
	{cmd_handshakes, "handshakes --limit 10001", "--limit \"10001\" is not"},
	{cmd_handshakes, "handshakes --limit -5", "--limit \"-5\" is not"},
	{cmd_handshakes, "handshakes --peer garbage", "--peer \"garbage\" is not an address"},
	{cmd_handshakes, "handshakes --peer 300.1.1.1", "for example --peer 203.0.113.7"},
	{cmd_handshakes, "handshakes --refused=1", "--refused has no value"},
	{cmd_handshakes, "handshakes x", "it takes options only"},
	{cmd_explain, "explain", "ID is missing"},
	{cmd_explain, "explain a b", "one word too many"},
	{cmd_tls_report, "tls-report --days 0", "--days \"0\" is not a number of days, 1 to 3650"},
	{cmd_tls_report, "tls-report --days x", "for example --days 7"},
	{cmd_tls_report, "tls-report --without", "--without wants a suite, a version"},
	{cmd_tls_report, "tls-report 7", "it takes options only"},
	{cmd_check, "check x.yaml", "it takes options only; did you mean \"-c x.yaml\"?"},
	{cmd_check, "check x", "it takes options only\n"},
	{cmd_reload, "reload now", "it takes options only"},
	{cmd_reload, "reload -x", "there is no option \"-x\""},
};

/* Exit status; what went to standard error is in said. */
static int
run(const struct row *r, char said[SAID_MAX])
{
	char mem[256], *argv[WORDS_MAX] = {mem};
	int fd = memfd_create("stderr", MFD_CLOEXEC), kept = dup(STDERR_FILENO), argc = 1, status;
	ssize_t n;

	assert_int_equal(str_copyz(mem, sizeof(mem), str_from(r->words)), ERR_OK);
	for (char *p = mem; *p; p++)
		if (*p == ' ') {
			*p = 0;
			argv[argc++] = p + 1;
		}
	assert_true(fd >= 0 && kept >= 0);
	fflush(stderr);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	status = r->do_cmd(argc, argv);
	fflush(stderr);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	n = pread(fd, said, SAID_MAX - 1, 0);
	said[n > 0 ? n : 0] = 0;
	close(fd);
	close(kept);
	return status;
}

static void
test_wrong_words(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		char said[SAID_MAX];
		int status;

		if (strcmp(r->said, CONF_MISSING) == 0 && access(CONF_USUAL, F_OK) == 0)
			continue; /* this machine has one, which is taken */
		status = run(r, said);
		if (status == 2 && strstr(said, r->said) &&
		    str_starts(str_from(said), STR("postern ")))
			continue;
		bad++;
		print_error("%s: status %d, wanted \"%s\", said: %s\n", r->words, status, r->said,
			    said);
	}
	assert_int_equal(bad, 0);
}

/* -c goes without saying where its usual file is there, and is not in the way where it is given. */
static void
test_usual_conf(void **state)
{
	static const struct row {
		const char *name, *usual;
		char *argv[4];
		int argc;
		const char *value; /* NULL: -c is missing */
	} cases[] = {
		{"there", "/dev/null", {"x"}, 1, "/dev/null"},
		{"there, behind an operand", "/dev/null", {"x", "id"}, 2, "/dev/null"},
		{"another is given", "/dev/null", {"x", "-c", "a.yaml"}, 3, "a.yaml"},
		{"not there", "/dev/null/none", {"x"}, 1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cmdline_option o = {'c', "-c", "a file", cases[i].usual, true};
		struct cmdline_spec spec = {
			.word = "x", .usage = "usage\n", .option = &o, .n = 1, .operand = "ID"};
		char *argv[4];
		struct cmdline c = {.spec = &spec, .argc = cases[i].argc, .argv = argv};
		int opt;

		memcpy(argv, cases[i].argv, sizeof(argv));
		opt = cmdline_next(&c);
		if (!cases[i].value ? opt != CMDLINE_WRONG
				    : opt != 'c' || strcmp(c.value, cases[i].value) != 0 ||
					      cmdline_next(&c) != CMDLINE_DONE)
			fail_msg("%s: option %d", cases[i].name, opt);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_wrong_words),
					   cmocka_unit_test(test_usual_conf)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
