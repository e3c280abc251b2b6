#include "rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/shm.h"

enum { SIZE = 10000, MAGIC = 0x1234 };

/* May the byte at p be written? Asked of the kernel, which answers EFAULT instead of a signal. */
static bool
is_writable(const void *p)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(zero, (void *)(uintptr_t)p, 1);

	close(zero);
	return n == 1;
}

/* Is the flag among the VmFlags of the mapping that starts at p? */
static bool
has_flag(const void *p, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512], start[32];
	bool here = false, found = false;

	assert_non_null(f);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)p);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, start, strlen(start)) == 0)
			here = true;
		if (here && strncmp(line, "VmFlags:", 8) == 0) {
			found = strstr(line, flag) != NULL;
			break;
		}
	}
	fclose(f);
	return found;
}

static void
test_share(void **state)
{
	struct shm a = {0}, b = {0};
	int fd = -1;

	(void)state;
	assert_int_equal(shm_create("t", MAGIC, 3, SIZE, &fd), ERR_OK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(shm_map(fd, MAGIC, 3, true, false, &a), ERR_OK);
	assert_int_equal(shm_map(fd, MAGIC, 3, false, true, &b), ERR_OK);
	assert_int_equal(a.size, SIZE);
	assert_int_equal(b.size, SIZE);
	for (size_t i = sizeof(struct shm_head); i < SIZE; i++)
		assert_int_equal(((char *)b.p)[i], 0);
	((char *)a.p)[SIZE - 1] = 'x';
	assert_int_equal(((char *)b.p)[SIZE - 1], 'x');
	assert_true(is_writable((char *)a.p + SIZE - 2));
	assert_false(is_writable((char *)b.p + SIZE - 2));
	assert_false(has_flag(a.p, " dd"));
	assert_true(has_flag(b.p, " dd")); /* a secret is not in a core dump */
	assert_int_equal(ftruncate(fd, SIZE / 2), -1);
	assert_int_equal(ftruncate(fd, SIZE * 2), -1);
	shm_unmap(&a);
	shm_unmap(&a);
	shm_unmap(&b);
	assert_null(a.p);
	close(fd);
}

/* A segment whose head says something else is not mapped. */
static void
test_refuse(void **state)
{
	static const struct {
		const char *name;
		size_t at, len; /* bytes of the head that are inverted */
		uint64_t magic;
		uint32_t version;
		enum err want;
	} rows[] = {
		{"as it should be", 0, 0, MAGIC, 3, ERR_OK},
		{"another magic asked", 0, 0, MAGIC + 1, 3, ERR_VERSION},
		{"another version asked", 0, 0, MAGIC, 4, ERR_VERSION},
		{"magic", offsetof(struct shm_head, magic), 1, MAGIC, 3, ERR_VERSION},
		{"magic, high half", offsetof(struct shm_head, magic) + 7, 1, MAGIC, 3,
		 ERR_VERSION},
		{"version", offsetof(struct shm_head, version), 4, MAGIC, 3, ERR_VERSION},
		{"size", offsetof(struct shm_head, size), 1, MAGIC, 3, ERR_VERSION},
		{"size, high half", offsetof(struct shm_head, size) + 7, 1, MAGIC, 3, ERR_VERSION},
		{"boot id", offsetof(struct shm_head, boot_id), 1, MAGIC, 3, ERR_VERSION},
		{"boot id, last", offsetof(struct shm_head, boot_id) + 35, 1, MAGIC, 3,
		 ERR_VERSION},
		{"as it was again", 0, 0, MAGIC, 3, ERR_OK},
	};
	struct shm own = {0};
	int fd = -1, bad = 0;

	(void)state;
	assert_int_equal(sizeof(struct shm_head), 64);
	assert_int_equal(shm_create("t", MAGIC, 3, SIZE, &fd), ERR_OK);
	assert_int_equal(shm_map(fd, MAGIC, 3, true, false, &own), ERR_OK);
	assert_int_equal(strlen(((struct shm_head *)own.p)->boot_id), 36);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char *head = own.p;
		struct shm s = {0};

		for (size_t k = 0; k < rows[i].len; k++)
			head[rows[i].at + k] ^= 0xff;
		bad += row_err(rows[i].name,
			       shm_map(fd, rows[i].magic, rows[i].version, true, false, &s),
			       rows[i].want);
		bad += row_num(rows[i].name, s.p != NULL, rows[i].want == ERR_OK);
		shm_unmap(&s);
		for (size_t k = 0; k < rows[i].len; k++)
			head[rows[i].at + k] ^= 0xff;
	}
	shm_unmap(&own);
	close(fd);
	assert_int_equal(bad, 0);
}

static void
test_not_segments(void **state)
{
	struct shm s = {0};
	int fd = -7, short_fd = memfd_create("short", MFD_CLOEXEC), p[2];

	(void)state;
	assert_int_equal(shm_create("t", MAGIC, 1, sizeof(struct shm_head) - 1, &fd), ERR_IO);
	assert_int_equal(fd, -7);
	assert_int_equal(write(short_fd, "0123456789", 10), 10);
	assert_int_equal(shm_map(short_fd, MAGIC, 1, true, false, &s), ERR_IO);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(shm_map(p[0], MAGIC, 1, true, false, &s), ERR_IO);
	assert_int_equal(shm_map(-1, MAGIC, 1, true, false, &s), ERR_IO);
	assert_null(s.p);
	close(p[0]);
	close(p[1]);
	close(short_fd);
}

static void
test_blob(void **state)
{
	static char big[3000001];
	static const struct {
		const char *name;
		size_t len;
	} rows[] = {{"empty", 0}, {"one", 1}, {"page", 4096}, {"big", sizeof(big)}};

	(void)state;
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str s = {"", 99};
		int fd = -1;
		void *p;

		assert_int_equal(shm_blob(rows[i].name, str_of(big, rows[i].len), &fd), ERR_OK);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(shm_blob_map(fd, &s), ERR_OK);
		assert_int_equal(row_str(rows[i].name, s, str_of(big, rows[i].len)), 0);
		/* nobody changes it any more, by whatever way */
		assert_int_equal(pwrite(fd, "x", 1, 0), -1);
		assert_int_equal(errno, EPERM);
		assert_int_equal(ftruncate(fd, (off_t)rows[i].len + 1), -1);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), -1);
		p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		assert_true(p == MAP_FAILED);
		if (rows[i].len) {
			assert_int_equal(ftruncate(fd, 0), -1);
			assert_false(is_writable(s.p));
		}
		close(fd);
		assert_int_equal(row_str(rows[i].name, s, str_of(big, rows[i].len)), 0);
		shm_blob_unmap(&s);
		assert_int_equal(s.len, 0);
		shm_blob_unmap(&s);
	}
}

static void
test_unsealed(void **state)
{
	static const struct {
		const char *name;
		unsigned flags;
		int seals;
		enum err want;
	} rows[] = {
		{"cannot be sealed", 0, 0, ERR_PERM},
		{"not sealed", MFD_ALLOW_SEALING, 0, ERR_PERM},
		{"may be written", MFD_ALLOW_SEALING, F_SEAL_SHRINK | F_SEAL_GROW, ERR_PERM},
		{"may shrink", MFD_ALLOW_SEALING, F_SEAL_WRITE | F_SEAL_GROW, ERR_PERM},
		{"sealed", MFD_ALLOW_SEALING, F_SEAL_WRITE | F_SEAL_SHRINK, ERR_OK},
	};
	struct str s = STR_NULL;
	int bad = 0, fd;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fd = memfd_create("t", MFD_CLOEXEC | rows[i].flags);
		assert_int_equal(write(fd, "abc", 3), 3);
		if (rows[i].seals)
			assert_int_equal(fcntl(fd, F_ADD_SEALS, rows[i].seals), 0);
		bad += row_err(rows[i].name, shm_blob_map(fd, &s), rows[i].want);
		shm_blob_unmap(&s);
		close(fd);
	}
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	bad += row_err("no memfd", shm_blob_map(fd, &s), ERR_PERM);
	close(fd);
	bad += row_err("no descriptor", shm_blob_map(-1, &s), ERR_PERM);
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share),        cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_not_segments), cmocka_unit_test(test_blob),
		cmocka_unit_test(test_unsealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
