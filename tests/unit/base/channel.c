#include "rows.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/mem.h"

static struct channel a, b;
static int fds_before;

static int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static int
open_pair(void **state)
{
	int fd[2];

	(void)state;
	fds_before = count_fds();
	if (channel_pair(fd) != ERR_OK)
		return -1;
	if (channel_init(&a, fd[0], 16) == ERR_OK && channel_init(&b, fd[1], 16) == ERR_OK)
		return 0;
	close(fd[0]);
	close(fd[1]);
	mem_free(a.queue);
	return -1;
}

/* Whatever a test does: no descriptor is left over. */
static int
close_pair(void **state)
{
	(void)state;
	channel_fini(&a);
	channel_fini(&b);
	channel_fini(&b);
	return row_num("descriptors at the end", (uint64_t)count_fds(), (uint64_t)fds_before);
}

static void
send_int(struct channel *c, int v, bool must, enum err want)
{
	assert_int_equal(channel_send(c, 7, &v, sizeof(v), must), want);
}

static void
expect_int(struct channel *c, int v)
{
	struct channel_msg m;
	int got;

	assert_int_equal(channel_recv(c, &m, NULL, NULL), ERR_OK);
	assert_int_equal(m.head.type, 7);
	assert_int_equal(m.head.length, sizeof(got));
	memcpy(&got, m.body, sizeof(got));
	assert_int_equal(got, v);
}

static void
test_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 8, CHANNEL_BODY_MAX - 1, CHANNEL_BODY_MAX};
	char body[CHANNEL_BODY_MAX];
	struct channel_msg m;

	(void)state;
	assert_int_equal(sizeof(m), 512);
	assert_int_equal(channel_recv(&b, &m, NULL, NULL), ERR_AGAIN);
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i + 1);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(channel_send(&a, (uint16_t)(100 + i), body, sizes[i], false),
				 ERR_OK);
		assert_int_equal(channel_recv(&b, &m, NULL, NULL), ERR_OK);
		assert_int_equal(m.head.type, 100 + i);
		assert_int_equal(m.head.version, CHANNEL_VERSION);
		assert_int_equal(m.head.sequence, i + 1);
		assert_int_equal(m.head.length, sizes[i]);
		assert_memory_equal(m.body, body, sizes[i]);
	}
	assert_int_equal(channel_recv(&b, &m, NULL, NULL), ERR_AGAIN);
	assert_int_equal(fcntl(a.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(b.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

/* Without another end: all wait; the last quarter of the places is for those that must. */
static void
test_reserve(void **state)
{
	static const struct {
		const char *name;
		uint32_t max, others, all;
	} rows[] = {{"256", 256, 192, 256}, {"16", 16, 12, 16}, {"4", 4, 3, 4},
		    {"3", 3, 3, 3},         {"1", 1, 1, 1},     {"0", 0, 0, 0}};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct channel c;
		uint32_t n = 0;

		assert_int_equal(channel_init(&c, -1, rows[i].max), ERR_OK);
		while (channel_send(&c, 1, "x", 1, false) == ERR_OK)
			n++;
		bad += row_num(rows[i].name, n, rows[i].others);
		while (channel_send(&c, 1, "x", 1, true) == ERR_OK)
			n++;
		bad += row_num(rows[i].name, n, rows[i].all);
		bad += row_num(rows[i].name, channel_flush(&c), n == 0);
		bad += row_err(rows[i].name, channel_send(&c, 1, "x", 1, false), ERR_FULL);
		channel_fini(&c);
	}
	assert_int_equal(bad, 0);
}

/* A full socket: messages queue; as the reader reads, all arrive, in order, none twice. */
static void
test_order(void **state)
{
	int sent = 0, got = 0;

	(void)state;
	while (a.n == 0 && sent < 100000)
		send_int(&a, sent++, false, ERR_OK);
	while (a.n < 12)
		send_int(&a, sent++, false, ERR_OK);
	send_int(&a, -1, false, ERR_FULL);
	while (a.n < 16)
		send_int(&a, sent++, true, ERR_OK);
	send_int(&a, -1, true, ERR_FULL);
	assert_int_equal(channel_send_fds(&a, 7, &sent, sizeof(sent), &a.fd, 1), ERR_AGAIN);
	assert_false(channel_flush(&a));
	for (int round = 0; round < 200; round++) { /* the ring goes round */
		for (int i = 0; i < 13; i++)
			expect_int(&b, got++);
		channel_flush(&a);
		while (a.n < 16)
			send_int(&a, sent++, true, ERR_OK);
	}
	while (got < sent) {
		expect_int(&b, got++);
		channel_flush(&a);
	}
	assert_true(channel_flush(&a));
	assert_int_equal(a.n, 0);
	assert_int_equal(channel_recv(&b, &(struct channel_msg){0}, NULL, NULL), ERR_AGAIN);
	send_int(&a, sent, false, ERR_OK);
	expect_int(&b, sent);
}

/* As somebody else would write to the socket: n bytes with a descriptor. */
static void
send_raw(int fd, const void *bytes, size_t n, int passed)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = {.space = {0}};
	struct iovec iov = {(void *)(uintptr_t)bytes, n};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = ctl.space,
			     .msg_controllen = sizeof(ctl.space)};

	ctl.align.cmsg_level = SOL_SOCKET;
	ctl.align.cmsg_type = SCM_RIGHTS;
	ctl.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&ctl.align), &passed, sizeof(passed));
	assert_int_equal(sendmsg(fd, &msg, MSG_NOSIGNAL), n);
}

/* Broken messages, each with a descriptor, which must not stay open. */
static void
test_broken(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		uint32_t length;
		uint16_t version;
		enum err want;
	} rows[] = {
		{"good", 24, 8, CHANNEL_VERSION, ERR_OK},
		{"good, empty", 16, 0, CHANNEL_VERSION, ERR_OK},
		{"good, longest", 512, 496, CHANNEL_VERSION, ERR_OK},
		{"no byte", 0, 0, CHANNEL_VERSION, ERR_CLOSED},
		{"one byte", 1, 0, CHANNEL_VERSION, ERR_SYNTAX},
		{"head cut", 15, 0, CHANNEL_VERSION, ERR_SYNTAX},
		{"length too small", 24, 7, CHANNEL_VERSION, ERR_SYNTAX},
		{"length too large", 24, 9, CHANNEL_VERSION, ERR_SYNTAX},
		{"length wraps", 24, 0xfffffff8, CHANNEL_VERSION, ERR_SYNTAX},
		{"body cut off", 16, 496, CHANNEL_VERSION, ERR_SYNTAX},
		{"one too long", 513, 497, CHANNEL_VERSION, ERR_SYNTAX},
		{"one too long, hidden", 513, 496, CHANNEL_VERSION, ERR_SYNTAX},
		{"much too long", 4000, 3984, CHANNEL_VERSION, ERR_SYNTAX},
		{"version 0", 24, 8, 0, ERR_SYNTAX},
		{"next version", 24, 8, CHANNEL_VERSION + 1, ERR_SYNTAX},
		{"good behind them", 24, 8, CHANNEL_VERSION, ERR_OK},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		size_t k = i / 2, n_fds = 1;
		bool takes = i % 2;
		char bytes[4096] = {0};
		struct channel_head h = {
			.type = 1, .version = rows[k].version, .length = rows[k].length};
		struct channel_msg m;
		int fd = -1, open_before;

		memcpy(bytes, &h, sizeof(h));
		open_before = count_fds();
		send_raw(a.fd, bytes, rows[k].n, a.fd);
		bad += row_err(rows[k].name,
			       takes ? channel_recv(&b, &m, &fd, &n_fds)
				     : channel_recv(&b, &m, NULL, NULL),
			       rows[k].want);
		if (takes && rows[k].want == ERR_OK) {
			bad += row_num(rows[k].name, n_fds, 1);
			close(fd);
		}
		bad += row_num(rows[k].name, (uint64_t)count_fds(), (uint64_t)open_before);
	}
	assert_int_equal(bad, 0);
}

static void
test_descriptors(void **state)
{
	static const struct {
		const char *name;
		size_t sent, room, got;
	} rows[] = {
		{"none", 0, 3, 0},
		{"one", 1, 1, 1},
		{"three", 3, 3, 3},
		{"more room", 2, 9, 2},
		{"less room", 5, 2, 2},
		{"no room", 4, 0, 0},
		{"all of them", CHANNEL_FDS, CHANNEL_FDS, CHANNEL_FDS},
	};
	int bad = 0, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct stat want, st;

	(void)state;
	assert_int_equal(fstat(null, &want), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int out[CHANNEL_FDS], in[CHANNEL_FDS], open_before = count_fds();
		size_t n = rows[i].room;
		struct channel_msg m;

		for (size_t k = 0; k < rows[i].sent; k++)
			out[k] = null;
		bad += row_err(rows[i].name, channel_send_fds(&a, 7, "abc", 3, out, rows[i].sent),
			       ERR_OK);
		bad += row_err(rows[i].name, channel_recv(&b, &m, in, &n), ERR_OK);
		bad += row_str(rows[i].name, str_of(m.body, m.head.length), STR("abc"));
		bad += row_num(rows[i].name, n, rows[i].got);
		for (size_t k = 0; k < n; k++) {
			bad += row_num(rows[i].name, fcntl(in[k], F_GETFD) & FD_CLOEXEC,
				       FD_CLOEXEC);
			bad += fstat(in[k], &st) != 0 || st.st_rdev != want.st_rdev;
			close(in[k]);
		}
		bad += row_num(rows[i].name, (uint64_t)count_fds(), (uint64_t)open_before);
		/* once more, to a reader that wants none */
		bad += row_err(rows[i].name, channel_send_fds(&a, 7, "abc", 3, out, rows[i].sent),
			       ERR_OK);
		bad += row_err(rows[i].name, channel_recv(&b, &m, NULL, NULL), ERR_OK);
		bad += row_num(rows[i].name, (uint64_t)count_fds(), (uint64_t)open_before);
	}
	close(null);
	assert_int_equal(bad, 0);
}

/* Descriptors never overtake what waits, and nothing that was not sent has a number. */
static void
test_fds_order(void **state)
{
	struct channel_msg m;
	int sent = 0, got = 0;
	uint64_t last = 0;

	(void)state;
	while (a.n == 0 && sent < 100000)
		send_int(&a, sent++, false, ERR_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(channel_send_fds(&a, 7, &i, sizeof(i), &a.fd, 1), ERR_AGAIN);
	expect_int(&b, got++);
	last = 1;
	while (channel_send_fds(&a, 8, NULL, 0, &a.fd, 1) != ERR_OK)
		if (channel_recv(&b, &m, NULL, NULL) == ERR_OK)
			assert_int_equal(m.head.sequence, ++last);
	while (channel_recv(&b, &m, NULL, NULL) == ERR_OK)
		assert_int_equal(m.head.sequence, ++last);
	assert_int_equal(m.head.type, 8);
	assert_int_equal(last, sent + 1);
}

/* The other side ends: what it had sent arrives, then CLOSED; sending queues up to the cap. */
static void
test_peer_death(void **state)
{
	int v = 0, null;

	(void)state;
	send_int(&b, 1, false, ERR_OK);
	send_int(&b, 2, false, ERR_OK);
	channel_rebind(&b, -1);
	expect_int(&a, 1);
	expect_int(&a, 2);
	assert_int_equal(channel_recv(&a, &(struct channel_msg){0}, NULL, NULL), ERR_CLOSED);
	assert_int_equal(channel_recv(&a, &(struct channel_msg){0}, NULL, NULL), ERR_CLOSED);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(channel_send_fds(&a, 7, &v, sizeof(v), &null, 1), ERR_CLOSED);
	close(null);
	for (int i = 0; i < 16; i++)
		send_int(&a, i, true, ERR_OK);
	send_int(&a, 16, true, ERR_FULL);
	assert_int_equal(channel_recv(&b, &(struct channel_msg){0}, NULL, NULL), ERR_CLOSED);
}

/* The same with messages that it had not read: the kernel then reports a reset first. */
static void
test_peer_reset(void **state)
{
	(void)state;
	send_int(&b, 1, false, ERR_OK);
	send_int(&b, 2, false, ERR_OK);
	send_int(&a, 9, false, ERR_OK);
	channel_rebind(&b, -1);
	expect_int(&a, 1);
	expect_int(&a, 2);
	assert_int_equal(channel_recv(&a, &(struct channel_msg){0}, NULL, NULL), ERR_CLOSED);
}

/* Another end after a restart: the queue is forgotten, the numbers go on. */
static void
test_rebind(void **state)
{
	struct channel_msg m;
	int fd[2];

	(void)state;
	channel_rebind(&a, -1);
	channel_rebind(&b, -1);
	send_int(&a, 1, false, ERR_OK);
	send_int(&a, 2, false, ERR_OK);
	assert_false(channel_flush(&a));
	assert_int_equal(a.n, 2);
	assert_int_equal(channel_pair(fd), ERR_OK);
	channel_rebind(&a, fd[0]);
	channel_rebind(&b, fd[1]);
	assert_int_equal(a.n, 0);
	send_int(&a, 3, false, ERR_OK);
	assert_int_equal(channel_recv(&b, &m, NULL, NULL), ERR_OK);
	assert_int_equal(m.head.sequence, 3);
	assert_int_equal(channel_recv(&b, &m, NULL, NULL), ERR_AGAIN);
}

/* Many in one system call: the same messages in the same order, and the end after them. */
static void
test_gathered(void **state)
{
	struct channel_msg m;

	(void)state;
	assert_int_equal(channel_gather(&b), ERR_OK);
	assert_int_equal(channel_recv(&b, &m, NULL, NULL), ERR_AGAIN);
	for (int i = 0; i < 12; i++)
		assert_int_equal(channel_push(&a, 7, &i, sizeof(i), true), ERR_OK);
	assert_int_equal(channel_recv(&b, &m, NULL, NULL), ERR_AGAIN); /* they wait on our side */
	assert_true(channel_flush(&a));
	for (int i = 12; i < 3 * CHANNEL_BATCH; i++)
		send_int(&a, i, true, ERR_OK);
	assert_false(channel_waits(&b));
	for (int i = 0; i < 3 * CHANNEL_BATCH; i++) {
		expect_int(&b, i);
		assert_int_equal(channel_waits(&b), (i + 1) % CHANNEL_BATCH != 0);
	}
	assert_int_equal(channel_recv(&b, &m, NULL, NULL), ERR_AGAIN);
	send_int(&a, 1, true, ERR_OK);
	send_int(&a, 2, true, ERR_OK);
	channel_rebind(&a, -1);
	expect_int(&b, 1);
	expect_int(&b, 2);
	for (int i = 0; i < 3; i++)
		assert_int_equal(channel_recv(&b, &m, NULL, NULL), ERR_CLOSED);
}

/* A broken one ends it, as without an inbox; and what was in the inbox goes with a new end. */
static void
test_gathered_broken(void **state)
{
	char big[sizeof(struct channel_msg) + 8] = {0};
	struct channel_msg m;
	int fd[2];

	(void)state;
	assert_int_equal(channel_gather(&b), ERR_OK);
	assert_int_equal(send(a.fd, big, sizeof(big), 0), sizeof(big));
	assert_int_equal(send(a.fd, big, 5, 0), 5);
	send_int(&a, 3, true, ERR_OK);
	assert_int_equal(channel_recv(&b, &m, NULL, NULL), ERR_SYNTAX);
	assert_int_equal(channel_recv(&b, &m, NULL, NULL), ERR_SYNTAX);
	assert_true(channel_waits(&b));
	assert_int_equal(channel_pair(fd), ERR_OK);
	channel_rebind(&a, fd[0]);
	channel_rebind(&b, fd[1]);
	assert_false(channel_waits(&b));
	send_int(&a, 4, true, ERR_OK);
	expect_int(&b, 4);
}

int
main(void)
{
#define PAIR_TEST(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)
	const struct CMUnitTest tests[] = {
		PAIR_TEST(test_sizes),           PAIR_TEST(test_gathered),
		PAIR_TEST(test_gathered_broken), PAIR_TEST(test_reserve),
		PAIR_TEST(test_order),           PAIR_TEST(test_broken),
		PAIR_TEST(test_descriptors),     PAIR_TEST(test_fds_order),
		PAIR_TEST(test_peer_death),      PAIR_TEST(test_peer_reset),
		PAIR_TEST(test_rebind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
