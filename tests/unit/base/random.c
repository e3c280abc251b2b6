#include "rows.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"

enum { VALUES = 1000000, ROUNDS = 6000 };

static int
by_value(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

static void
fill_values(uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		random_bytes(&v[i], sizeof(v[i]));
}

/* S7: 10^6 values, half of them of a child, without a duplicate. */
static void
test_unique(void **state)
{
	size_t size = VALUES * sizeof(uint64_t);
	uint64_t *v = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	(void)state;
	assert_true(v != MAP_FAILED);
	fill_values(v, 1000); /* a generator with a state would have one by now */
	pid = fork();
	if (pid == 0) {
		fill_values(v + VALUES / 2, VALUES / 2);
		_exit(0);
	}
	assert_true(pid > 0);
	fill_values(v + 1000, VALUES / 2 - 1000);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	qsort(v, VALUES, sizeof(*v), by_value);
	for (size_t i = 1; i < VALUES; i++)
		assert_true(v[i] != v[i - 1]);
	munmap(v, size);
}

/* Each length is filled to its last byte and not beyond. */
static void
test_bytes(void **state)
{
	(void)state;
	for (size_t len = 0; len < 70; len++) {
		unsigned char seen[70] = {0}, mem[72];

		for (int round = 0; round < 8; round++) {
			memset(mem, 0, sizeof(mem));
			random_bytes(mem, len);
			for (size_t i = 0; i < len; i++)
				seen[i] |= mem[i];
			assert_int_equal(mem[len] | mem[len + 1], 0);
		}
		for (size_t i = 0; i < len; i++)
			assert_true(seen[i]); /* 8 zeros: 2^-64 */
	}
}

/* Six standard deviations around the mean. */
static void
test_below(void **state)
{
	static const uint32_t bounds[] = {1, 2, 3, 7, 10, 64, 0x80000000u, 0xc0000000u, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
		uint32_t n = bounds[i], third = n < 3 ? 1 : n / 3;
		double p = (double)third / n, mean = ROUNDS * p, dev2 = 36 * mean * (1 - p);
		double low = 0;

		for (int k = 0; k < ROUNDS; k++) {
			uint32_t v = random_below(n);

			assert_true(v < n);
			low += v < third;
		}
		if ((low - mean) * (low - mean) > dev2)
			fail_msg("below %u: %.0f of %d in the first third", n, low, ROUNDS);
	}
}

static void
test_token(void **state)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned count[128] = {0};
	char z[34];

	(void)state;
	for (int k = 0; k < 1000; k++) {
		memset(z, '#', sizeof(z));
		random_token(z, 32);
		assert_int_equal(strlen(z), 32);
		assert_int_equal(z[33], '#');
		for (size_t i = 0; i < 32; i++) {
			assert_non_null(strchr(digits, z[i]));
			count[(unsigned char)z[i]]++;
		}
	}
	for (size_t i = 0; i < 32; i++) /* of 32000, mean 1000, deviation 31 */
		assert_in_range(count[(unsigned char)digits[i]], 800, 1200);
	random_token(z, 0);
	assert_string_equal(z, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unique),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
