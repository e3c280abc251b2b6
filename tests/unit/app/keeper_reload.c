/* keeper's part of a reload: who is asked, what is kept, in every order of events. The child is a
 * real one, the clock is not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/load.h"
#include "conf/pki.h"
#include "app/keeper_reload.h"
#include "base/clock.h"
#include "base/log.h"

static const char yaml[] =
	"listeners:\n"
	"  - {name: g, transport: udp, bind: \"127.0.0.1:5060\", side: carrier}\n"
	"media:\n"
	"  addresses: [{name: in, bind: 127.0.0.1}]\n"
	"  ports: 20000-20999\n";

static struct keeper_reload r;
static struct conf in_use;
static struct confread_now now_used;
static char dir[64], path[96];
static bool takes_offer;
static int offered, adopted, told;
static uint64_t told_ticket;
static enum reload_outcome told_outcome;
static char told_why[PKI_WHY_MAX];

static bool
offer(void *arg, const struct confread *read, uint64_t ticket)
{
	(void)arg;
	assert_true(read->conf_fd >= 0 && read->pki_fd >= 0);
	assert_int_equal(ticket, r.running);
	offered++;
	return takes_offer;
}

static void
adopt(void *arg, struct confread *read, const struct conf *next)
{
	(void)arg;
	(void)read;
	in_use = *next;
	adopted++;
}

static void
tell(void *arg, uint64_t ticket, enum reload_outcome o, const char *why, int text_fd)
{
	(void)arg;
	(void)text_fd;
	told++;
	told_ticket = ticket;
	told_outcome = o;
	(void)snprintf(told_why, sizeof(told_why), "%s", why);
}

static void
write_conf(const char *more)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fprintf(f, "%s%s", yaml, more) > 0);
	assert_int_equal(fclose(f), 0);
}

static int
setup(void **state)
{
	struct conf_report rep = {0};

	(void)state;
	log_init("test", -1, LOG_ERROR);
	(void)snprintf(dir, sizeof(dir), "%s/postern-reload-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/p.yaml", dir);
	write_conf("");
	if (conf_load(path, &rep, &in_use) != ERR_OK)
		return -1;
	now_used =
		(struct confread_now){.conf = &in_use, .pki_fd = memfd_create("pki", MFD_CLOEXEC)};
	if (pki_write(&in_use, now_used.pki_fd, told_why) != ERR_OK)
		return -1;
	r = (struct keeper_reload){
		.path = path, .on_offer = offer, .on_adopt = adopt, .on_outcome = tell};
	filewatch_used(&r.watch, &in_use, 0);
	takes_offer = true;
	offered = adopted = told = 0;
	told_ticket = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	keeper_reload_end(&r);
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(now_used.pki_fd);
	(void)unlink(in_use.zone[0].key);
	(void)unlink(path);
	(void)rmdir(dir);
	return 0;
}

static void
child_ends(bool running)
{
	int status = -1;
	pid_t pid = r.read.pid;

	assert_int_equal(r.state, RELOAD_READING);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(keeper_reload_child_ended(&r, pid + 100000, status, running));
	assert_true(keeper_reload_child_ended(&r, pid, status, running));
}

static void
test_good(void **state)
{
	(void)state;
	keeper_reload_step(&r, &now_used, 1);
	assert_int_equal(r.state, RELOAD_IDLE); /* nobody asked */
	write_conf("timers: {t1: 400ms}\n");
	keeper_reload_ask(&r, 7);
	keeper_reload_step(&r, &now_used, 2);
	child_ends(true);
	assert_int_equal(r.state, RELOAD_OFFERED);
	assert_int_equal(adopted, 0);
	keeper_reload_taken(&r, 6, true, ""); /* an answer to something else */
	assert_int_equal(adopted, 0);
	keeper_reload_taken(&r, 7, true, "");
	assert_int_equal(adopted, 1);
	assert_int_equal(in_use.timers.t1, 400);
	assert_int_equal(told, 1);
	assert_int_equal(told_ticket, 7);
	assert_int_equal(told_outcome, RELOAD_DONE);
	assert_int_equal(r.state, RELOAD_IDLE);
	keeper_reload_taken(&r, 7, true, ""); /* twice */
	assert_int_equal(adopted, 1);
}

static void
test_needs_restart(void **state)
{
	(void)state;
	write_conf("limits: {calls: 77}\ntimers: {t1: 300ms}\n");
	keeper_reload_ask(&r, 1);
	keeper_reload_step(&r, &now_used, 2);
	child_ends(true);
	keeper_reload_taken(&r, 1, true, "");
	assert_int_equal(told_outcome, RELOAD_RESTART);
	assert_int_equal(in_use.max_calls, 1000);
	assert_int_equal(in_use.timers.t1, 300);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *name, *more;
		bool running, takes, answers, ok;
	} rows[] = {
		{"by the child", "timers: {t1: 4}\n", true, true, false, false},
		{"by a full channel", "", true, false, false, false},
		{"by signaling", "", true, true, true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("# %s\n", rows[i].name);
		write_conf(rows[i].more);
		takes_offer = rows[i].takes;
		keeper_reload_ask(&r, i + 1);
		keeper_reload_step(&r, &now_used, 2);
		child_ends(rows[i].running);
		if (rows[i].answers)
			keeper_reload_taken(&r, i + 1, rows[i].ok, "its sentence");
		assert_int_equal(r.state, RELOAD_IDLE);
		assert_int_equal(told, i + 1);
		assert_int_equal(told_ticket, i + 1);
		assert_int_equal(told_outcome, RELOAD_REFUSED);
		assert_int_equal(adopted, 0);
	}
	assert_string_equal(told_why, "its sentence");
}

/* signaling is away: the next one starts with it. */
/* The log says why: the first line of what the child found, and of a second refusal its own. */
static void
test_refused_log(void **state)
{
	static const char *const more[] = {"timers: {t1: 4}\n", "timers: {wing: 4s}\n"};
	static char text[65536];
	int fd = memfd_create("log", MFD_CLOEXEC);

	(void)state;
	log_init("test", fd, LOG_ERROR);
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		const char *line;
		char at[160];
		ssize_t n;

		write_conf(more[i]);
		keeper_reload_ask(&r, i + 1);
		keeper_reload_step(&r, &now_used, 2);
		child_ends(true);
		n = pread(fd, text, sizeof(text) - 1, 0);
		text[n < 0 ? 0 : n] = 0;
		line = strstr(text, "reload.refused");
		if (i == 1)
			line = line ? strstr(line + 1, "reload.refused") : NULL;
		(void)snprintf(at, sizeof(at), "not good: %s:6:", path);
		if (!line || !strstr(line, at) || !strstr(line, i == 0 ? "t1" : "wing"))
			fail_msg("%zu: %s", i, text);
	}
	log_init("test", -1, LOG_ERROR);
	close(fd);
}

static void
test_nobody_there(void **state)
{
	(void)state;
	keeper_reload_ask(&r, 1);
	keeper_reload_step(&r, &now_used, 2);
	child_ends(false);
	assert_int_equal(offered, 0);
	assert_int_equal(adopted, 1);
	assert_int_equal(told_outcome, RELOAD_DONE);
}

static void
test_signaling_dies(void **state)
{
	(void)state;
	keeper_reload_lost(&r); /* nothing in hand */
	assert_int_equal(told, 0);
	keeper_reload_ask(&r, 1);
	keeper_reload_step(&r, &now_used, 2);
	keeper_reload_lost(&r); /* while it is read: no matter */
	assert_int_equal(r.state, RELOAD_READING);
	child_ends(true);
	keeper_reload_lost(&r);
	assert_int_equal(r.state, RELOAD_IDLE);
	assert_int_equal(adopted, 0);
	assert_int_equal(told_outcome, RELOAD_REFUSED);
	keeper_reload_taken(&r, 1, true, ""); /* said before it died */
	assert_int_equal(adopted, 0);
}

static void
test_asked_in_the_middle(void **state)
{
	(void)state;
	keeper_reload_ask(&r, 1);
	keeper_reload_step(&r, &now_used, 2);
	keeper_reload_ask(&r, 2);
	keeper_reload_ask(&r, 3);
	keeper_reload_step(&r, &now_used, 3);
	child_ends(true);
	keeper_reload_step(&r, &now_used, 4);
	assert_int_equal(r.state, RELOAD_OFFERED);
	keeper_reload_taken(&r, 1, true, "");
	assert_int_equal(told_ticket, 1);
	keeper_reload_step(&r, &now_used, 5);
	child_ends(true);
	keeper_reload_taken(&r, 3, true, "");
	assert_int_equal(told_ticket, 3);
	assert_int_equal(told, 2);
	keeper_reload_step(&r, &now_used, 6);
	assert_int_equal(r.state, RELOAD_IDLE);
}

static void
test_hangs(void **state)
{
	pid_t pid;

	(void)state;
	keeper_reload_ask(&r, 1);
	keeper_reload_step(&r, &now_used, 2);
	pid = r.read.pid;
	keeper_reload_step(&r, &now_used, 2 + (uint64_t)RELOAD_READ_MS * CLOCK_MS);
	assert_int_equal(r.state, RELOAD_IDLE);
	assert_int_equal(told_outcome, RELOAD_REFUSED);
	assert_int_equal(waitpid(pid, NULL, 0), pid); /* it was killed, or had just ended */
	assert_false(keeper_reload_child_ended(&r, pid, 0, true));
}

static void
touch_key(const char *name, const char *text)
{
	FILE *f = fopen(name, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A change is taken up once it rests, and once. */
static void
test_watch(void **state)
{
	const uint64_t round = (uint64_t)FILEWATCH_ROUND_MS * CLOCK_MS;
	struct filewatch w;
	uint64_t t = 0;

	(void)state;
	in_use.n_zones = 1;
	(void)snprintf(in_use.zone[0].key, CONF_PATH_MAX, "%s/z.key", dir);
	(void)snprintf(in_use.zone[0].certificate, CONF_PATH_MAX, "%s/p.yaml", dir);
	touch_key(in_use.zone[0].key, "one");
	filewatch_used(&w, &in_use, t);
	assert_false(filewatch_changed(&w, &in_use, t += round));
	touch_key(in_use.zone[0].key, "longer");
	assert_false(filewatch_changed(&w, &in_use, t + 1)); /* not yet time to look */
	assert_false(filewatch_changed(&w, &in_use, t += round));
	touch_key(in_use.zone[0].key, "longer still"); /* it does not rest */
	assert_false(filewatch_changed(&w, &in_use, t += round));
	assert_true(filewatch_changed(&w, &in_use, t += round));
	assert_false(filewatch_changed(&w, &in_use, t += round));
	assert_int_equal(unlink(in_use.zone[0].key), 0);
	assert_false(filewatch_changed(&w, &in_use, t += round));
	assert_true(filewatch_changed(&w, &in_use, t += round));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_good, setup, teardown),
		cmocka_unit_test_setup_teardown(test_needs_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signaling_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asked_in_the_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hangs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
