#include "rows.h"

#include "base/random.h"
#include "base/secret.h"

static void
test_wipe(void **state)
{
	(void)state;
	for (size_t len = 0; len < 65; len++) {
		unsigned char mem[66];

		memset(mem, 0x5a, sizeof(mem));
		secret_wipe(mem + 1, len);
		assert_int_equal(mem[0], 0x5a);
		assert_int_equal(mem[len + 1], 0x5a);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(mem[i + 1], 0);
	}
}

/* Each single bit counts; what stands behind len does not. */
static void
test_equal(void **state)
{
	unsigned char a[33], b[33];

	(void)state;
	random_bytes(a, sizeof(a));
	memcpy(b, a, sizeof(b));
	b[32] ^= 1;
	assert_true(secret_equal(a, b, 32));
	assert_false(secret_equal(a, b, 33));
	assert_true(secret_equal(a, "", 0));
	for (unsigned bit = 0; bit < 256; bit++) {
		b[bit / 8] ^= (unsigned char)(1u << bit % 8);
		assert_false(secret_equal(a, b, 32));
		b[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	b[0] ^= 0xff;
	b[1] ^= 0xff; /* differences do not cancel out */
	assert_false(secret_equal(a, b, 32));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
