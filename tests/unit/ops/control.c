/* The control socket: lines in, lines out, and everything that a bad client can do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <errno.h>

#include "base/log.h"
#include "ops/control.h"
#include "world.h"

static struct world o;
static struct loop loop;
static struct control c;
static size_t big; /* length of an answer to "big" */

static const struct control_client *asked, *gone;

static void
note_gone(void *arg, const struct control_client *client)
{
	(void)arg;
	gone = client;
}

static void
echo(void *arg, struct str line, struct buf *b)
{
	(void)arg;
	asked = c.asker;
	if (str_eqz(line, "nothing"))
		return;
	if (str_eqz(line, "big")) {
		for (size_t i = 0; i < big; i++)
			buf_char(b, 'x');
		return;
	}
	buf_printf(b, "<%.*s>", STR_ARG(line));
}

static int
setup(void **state)
{
	(void)state;
	log_init("test", -1, LOG_ERROR);
	if (world_init(&o, 1, "control") != 0)
		return -1;
	if (loop_init(&loop, CONTROL_FDS, CONTROL_TIMERS) != ERR_OK)
		return -1;
	c.on_line = echo;
	c.on_gone = note_gone;
	return control_init(&c, &loop, o.path) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	control_fini(&c);
	loop_fini(&loop);
	world_fini(&o);
	return 0;
}

static void
turn(int n)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(loop_run_once(&loop, 0), ERR_OK);
}

static int
dial(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)!str_copyz(sa.sun_path, sizeof(sa.sun_path), str_from(o.path));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	turn(2);
	return fd;
}

static void
say(int fd, const char *z)
{
	assert_int_equal(send(fd, z, strlen(z), MSG_NOSIGNAL), (ssize_t)strlen(z));
}

/* What came so far; "gone" when the other side has closed, "" when nothing is there. */
static const char *
hear(int fd)
{
	static char text[4096];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		return "gone";
	text[n < 0 ? 0 : n] = 0;
	return text;
}

static void
test_lines(void **state)
{
	struct stat st;
	int fd = dial();

	(void)state;
	assert_int_equal(stat(o.path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	say(fd, "one\n");
	turn(1);
	assert_string_equal(hear(fd), "<one>\n");
	say(fd, "a\r\nb\n\nc");
	turn(1);
	assert_string_equal(hear(fd), "<a>\n<b>\n<>\n");
	say(fd, "d\n");
	turn(1);
	assert_string_equal(hear(fd), "<cd>\n");
	say(fd, "nothing\n"); /* an answer there is always */
	turn(1);
	assert_non_null(strstr(hear(fd), "\"ok\":false"));
	assert_non_null(asked);
	gone = NULL;
	close(fd);
	turn(1);
	assert_ptr_equal(gone, asked); /* what it began can be given up */
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		assert_true(c.client[i].lfd.fd < 0);
}

static void
test_long_request(void **state)
{
	static char much[CONTROL_REQUEST_MAX + 1];
	int fd = dial();

	(void)state;
	memset(much, 'x', sizeof(much) - 1);
	much[CONTROL_REQUEST_MAX - 1] = '\n'; /* as long as it may be */
	say(fd, much);
	turn(3);
	assert_true(str_starts(str_from(hear(fd)), STR("<xxx")));
	close(fd);
	turn(2);
	fd = dial();
	memset(much, 'x', sizeof(much) - 1);
	say(fd, much);
	turn(3);
	assert_non_null(strstr(hear(fd), "too long"));
	assert_string_equal(hear(fd), "gone");
	close(fd);
}

/* An answer that is too long becomes an error. */
static void
test_long_answer(void **state)
{
	int fd = dial();

	(void)state;
	big = (size_t)CONTROL_ANSWER_MAX + 5;
	say(fd, "big\n");
	turn(1);
	assert_non_null(strstr(hear(fd), "too long"));
	close(fd);
}

/* Takes its big answer in pieces; other clients are served meanwhile. */
static void
test_slow_reader(void **state)
{
	int slow = dial(), other = dial();
	size_t got = 0;

	(void)state;
	big = 3 * 1024 * 1024;
	say(slow, "big\nlast\n");
	turn(1);
	say(other, "hello\n");
	turn(1);
	assert_string_equal(hear(other), "<hello>\n");
	for (int i = 0; i < 5000 && got < big + 1 + strlen("<last>\n"); i++) {
		got += strlen(hear(slow));
		turn(1);
	}
	assert_int_equal(got, big + 1 + strlen("<last>\n"));
	close(slow);
	close(other);
}

/* Neither asks to the end nor reads: dropped after CONTROL_WAIT_MS. */
static void
test_time(void **state)
{
	int silent = dial(), deaf = dial();

	(void)state;
	say(silent, "half a");
	big = 3 * 1024 * 1024;
	say(deaf, "big\n");
	turn(2);
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (c.client[i].lfd.fd >= 0)
			assert_true(c.client[i].due <= loop.now + (uint64_t)CONTROL_WAIT_MS * 1000);
	c.tick.on_due(&c.tick, loop.now + (uint64_t)CONTROL_WAIT_MS * 900);
	assert_true(c.client[0].lfd.fd >= 0 && c.client[1].lfd.fd >= 0);
	c.tick.on_due(&c.tick, loop.now + (uint64_t)CONTROL_WAIT_MS * 1000 + 1);
	assert_string_equal(hear(silent), "gone");
	assert_true(c.client[0].lfd.fd < 0 && c.client[1].lfd.fd < 0);
	close(silent);
	close(deaf);
}

static void
test_many_clients(void **state)
{
	int fd[CONTROL_CLIENTS + 4];
	char word[16], want[20];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		fd[i] = dial();
	turn(4);
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		(void)snprintf(word, sizeof(word), "%d\n", i);
		say(fd[i], word);
	}
	turn(2);
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		(void)snprintf(want, sizeof(want), "<%d>\n", i);
		assert_string_equal(hear(fd[i]), want);
	}
	for (size_t i = CONTROL_CLIENTS; i < ARRAY_LEN(fd); i++)
		assert_string_equal(hear(fd[i]), "gone");
	close(fd[3]);
	turn(1);
	fd[3] = dial(); /* there is room again */
	say(fd[3], "again\n");
	turn(1);
	assert_string_equal(hear(fd[3]), "<again>\n");
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		close(fd[i]);
	turn(2);
}

/* A stale socket is replaced; anything else at its place is left alone. */
static void
test_stale(void **state)
{
	static struct control d;
	struct stat st;

	(void)state;
	loop_fini(&loop); /* died: the socket is still there */
	c.tick = (struct timer){0};
	c.lfd.slot = 0;
	assert_int_equal(loop_init(&loop, 2 * CONTROL_FDS, 2 * CONTROL_TIMERS), ERR_OK);
	d.on_line = echo;
	assert_int_equal(control_init(&d, &loop, o.path), ERR_OK);
	close(dial());
	control_fini(&d);
	assert_int_not_equal(stat(o.path, &st), 0);
	world_write(o.path, "somebody's file");
	assert_int_equal(control_init(&d, &loop, o.path), ERR_IO);
	assert_int_equal(stat(o.path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_request, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
