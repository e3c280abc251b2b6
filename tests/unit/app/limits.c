/* The segment of what accounts used today, as a file. */
#include "../base/rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/keeper_msg.h"
#include "app/limits.h"

static char dir[] = "/tmp/postern-limits-XXXXXX", store[64], path[80];

/* A life of a node: its sum before, then settled and running are as given. */
static uint64_t
live(uint64_t settled, uint64_t running)
{
	struct keeper_limits *l;
	struct shm m = {0};
	uint64_t before;
	int fd = -1;

	assert_int_equal(limits_open(store, &fd), ERR_OK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(shm_map(fd, LIMITS_MAGIC, LIMITS_VERSION, true, false, &m), ERR_OK);
	close(fd);
	l = m.p;
	assert_int_equal(l->usage[7].running.spend_micro, 0);
	before = l->usage[7].settled.spend_micro;
	l->usage[7].settled.spend_micro = settled;
	l->usage[7].running.spend_micro = running;
	l->emergency[3].key = settled;
	shm_unmap(&m);
	return before;
}

static void
change_byte(size_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	unsigned char c = 0;

	assert_int_equal(pread(fd, &c, 1, (off_t)at), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
	close(fd);
}

static void
test_lives(void **state)
{
	struct stat st;

	(void)state;
	(void)unlink(path);
	assert_int_equal(live(50, 0), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, sizeof(struct keeper_limits));
	assert_int_equal(live(50, 20), 50); /* ends hard: 20 were running */
	assert_int_equal(live(1, 0), 70);   /* counted once */
	assert_int_equal(live(1, 0), 1);
}

static void
test_contents(void **state)
{
	static const struct {
		const char *name;
		size_t at;  /* the byte changed, 0: none */
		off_t size; /* of the file after, 0: as it is */
		uint64_t want;
	} rows[] = {
		{"as it was", 0, 0, 50},
		{"another boot", offsetof(struct shm_head, boot_id), 0, 50},
		{"magic", offsetof(struct shm_head, magic) + 1, 0, 0},
		{"version", offsetof(struct shm_head, version), 0, 0},
		{"size in the head", offsetof(struct shm_head, size), 0, 0},
		{"too short", 0, sizeof(struct keeper_limits) - 1, 0},
		{"too long", 0, sizeof(struct keeper_limits) + 1, 0},
		{"no whole head", 0, 10, 0},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)unlink(path);
		(void)live(50, 0);
		if (rows[i].at)
			change_byte(rows[i].at);
		if (rows[i].size)
			assert_int_equal(truncate(path, rows[i].size), 0);
		bad += row_num(rows[i].name, live(50, 0), rows[i].want);
		bad += row_num(rows[i].name, live(50, 0), 50); /* good again */
	}
	(void)unlink(path);
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	bad += row_num("empty", live(50, 0), 0);
	bad += row_num("empty before", live(50, 0), 50);
	assert_int_equal(bad, 0);
}

/* Who called for help is told by a clock that begins anew at each boot. */
static void
test_emergency(void **state)
{
	struct shm m = {0};

	(void)state;
	for (int boot = 0; boot < 2; boot++) {
		int fd = -1;

		(void)unlink(path);
		(void)live(50, 0);
		if (boot)
			change_byte(offsetof(struct shm_head, boot_id));
		assert_int_equal(limits_open(store, &fd), ERR_OK);
		assert_int_equal(shm_map(fd, LIMITS_MAGIC, LIMITS_VERSION, false, false, &m),
				 ERR_OK);
		close(fd);
		assert_int_equal(((struct keeper_limits *)m.p)->emergency[3].key, boot ? 0 : 50);
		shm_unmap(&m);
	}
}

/* Where there can be no file it works from memory, and what stands there is left alone. */
static void
test_memory(void **state)
{
	char other[96];
	struct stat st;
	int fd;

	(void)state;
	(void)unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(live(50, 0), 0);
	assert_int_equal(live(50, 0), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(unlink(path), 0);
	/* nor is the file that a link leads to */
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	fd = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "kept", 4), 4);
	close(fd);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(live(50, 0), 0);
	assert_int_equal(live(50, 0), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_size, 4);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(live(50, 0), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(live(50, 0), 0);
	assert_int_equal(rmdir(path), 0);
	(void)snprintf(store, sizeof(store), "%s/none/store", dir);
	assert_int_equal(live(50, 0), 0);
	(void)snprintf(store, sizeof(store), "%s/store", dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_emergency),
		cmocka_unit_test(test_memory),
	};
	int rc;

	if (!mkdtemp(dir))
		return 1;
	(void)snprintf(store, sizeof(store), "%s/store", dir);
	(void)snprintf(path, sizeof(path), "%s.usage", store);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	(void)rmdir(dir);
	return rc;
}
