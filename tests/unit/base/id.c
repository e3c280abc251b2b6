#include "rows.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/id.h"

enum { IDS = 1000000 };

static unsigned
digit_of(char c)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	const char *at = c ? strchr(digits, c) : NULL;

	assert_non_null(at);
	return (unsigned)(at - digits);
}

/* The 60 bits of the last 12 characters: different there is different at all. */
static void
fill_tails(uint64_t *v, size_t n, uint8_t worker)
{
	for (size_t i = 0; i < n; i++) {
		struct id id = id_new(1, worker);

		v[i] = 0;
		for (size_t k = ID_CHARS - 12; k < ID_CHARS; k++) {
			unsigned char c = (unsigned char)id.z[k];

			v[i] = v[i] << 5 | (uint64_t)(c >= 'a' ? c - 'a' : c - '2' + 26);
		}
	}
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/* S7: 10^6 ids of one node and worker, half of them made in a child, without a duplicate. */
static void
test_unique(void **state)
{
	size_t size = IDS * sizeof(uint64_t);
	uint64_t *v = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	(void)state;
	assert_true(v != MAP_FAILED);
	fill_tails(v, 1000, 1);
	pid = fork();
	if (pid == 0) {
		fill_tails(v + IDS / 2, IDS / 2, 1);
		_exit(0);
	}
	assert_true(pid > 0);
	fill_tails(v + 1000, IDS / 2 - 1000, 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	qsort(v, IDS, sizeof(*v), by_value);
	for (size_t i = 1; i < IDS; i++)
		assert_true(v[i] != v[i - 1]);
	munmap(v, size);
}

/* 20 characters of base32 and the NUL; the first 16 bits are node and worker. */
static void
test_form(void **state)
{
	(void)state;
	for (unsigned node = 0; node < 256; node += 5)
		for (unsigned worker = 0; worker < 256; worker += 15) {
			struct id id = id_new((uint8_t)node, (uint8_t)worker);
			unsigned head = 0;

			assert_int_equal(memchr(id.z, 0, ID_SIZE) == id.z + ID_CHARS, true);
			for (size_t i = 0; i < ID_CHARS; i++)
				assert_true(digit_of(id.z[i]) < 32);
			for (size_t i = 0; i < 4; i++)
				head = head << 5 | digit_of(id.z[i]);
			assert_int_equal(head >> 4, node << 8 | worker);
			assert_int_equal(digit_of(id.z[ID_CHARS - 1]) & 15, 0); /* 96 of 100 bits */
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unique),
		cmocka_unit_test(test_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
