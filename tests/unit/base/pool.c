#include "rows.h"

#include "base/pool.h"
#include "base/random.h"

enum { OBJECTS = 50 };

static void
test_exhaust(void **state)
{
	struct pool p;
	char *obj[OBJECTS];

	(void)state;
	assert_int_equal(pool_init(&p, OBJECTS, 100), ERR_OK);
	for (uint32_t i = 0; i < OBJECTS; i++) {
		obj[i] = pool_get(&p);
		assert_non_null(obj[i]);
		assert_int_equal(pool_index(&p, obj[i]), i); /* in order at first */
		assert_ptr_equal(pool_at(&p, i), obj[i]);
		assert_int_equal((uintptr_t)obj[i] % 64, 0);
		memset(obj[i], 0xaa, 100);
		assert_int_equal(pool_used(&p), i + 1);
	}
	assert_null(pool_get(&p));
	assert_int_equal(pool_used(&p), OBJECTS);
	pool_put(&p, obj[7]);
	pool_put(&p, NULL);
	assert_int_equal(pool_used(&p), OBJECTS - 1);
	assert_ptr_equal(pool_get(&p), obj[7]);
	for (int i = 0; i < 100; i++)
		assert_int_equal(obj[7][i], 0); /* zeroed again */
	assert_int_equal((unsigned char)obj[6][99], 0xaa);
	assert_int_equal((unsigned char)obj[8][0], 0xaa);
	assert_null(pool_get(&p));
	pool_fini(&p);
	pool_fini(&p);
	assert_null(pool_get(&p));
}

/* Random gets and puts: no object is given out twice, none is lost. */
static void
test_random(void **state)
{
	bool used[OBJECTS] = {false};
	struct pool p;
	uint32_t n = 0;

	(void)state;
	assert_int_equal(pool_init(&p, OBJECTS, sizeof(uint32_t)), ERR_OK);
	for (int round = 0; round < 20000; round++) {
		uint32_t i = random_below(OBJECTS);

		if (used[i]) {
			uint32_t *obj = pool_at(&p, i);

			assert_int_equal(*obj, i + 1);
			pool_put(&p, obj);
			used[i] = false;
			n--;
		} else {
			uint32_t *obj = pool_get(&p);

			assert_non_null(obj);
			i = pool_index(&p, obj);
			assert_false(used[i]);
			*obj = i + 1;
			used[i] = true;
			n++;
		}
		assert_int_equal(pool_used(&p), n);
	}
	pool_fini(&p);
}

static void
test_sizes(void **state)
{
	static const struct {
		const char *name;
		uint32_t n;
		size_t size;
		enum err want;
	} rows[] = {
		{"one byte", 3, 1, ERR_OK},
		{"64 bytes", 3, 64, ERR_OK},
		{"65 bytes", 3, 65, ERR_OK},
		{"none", 0, 64, ERR_OK},
		{"of no size", 3, 0, ERR_OK},
		{"too much", 1000, SIZE_MAX / 2, ERR_NOMEM},
		{"size wraps", 3, SIZE_MAX - 3, ERR_NOMEM},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pool p;
		uint32_t n = 0;
		void *obj;

		bad += row_err(rows[i].name, pool_init(&p, rows[i].n, rows[i].size), rows[i].want);
		while ((obj = pool_get(&p))) {
			memset(obj, 1, rows[i].size);
			bad += row_num(rows[i].name, pool_index(&p, obj), n++);
		}
		bad += row_num(rows[i].name, n, rows[i].want == ERR_OK ? rows[i].n : 0);
		pool_fini(&p);
	}
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exhaust),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
