#include "rows.h"

#include "base/mem.h"

static void
test_zalloc(void **state)
{
	static const struct {
		const char *name;
		size_t n, size;
		bool want;
	} rows[] = {
		{"usual", 10, 16, true},
		{"no objects", 0, 16, true},
		{"of no size", 16, 0, true},
		{"n * size overflows", SIZE_MAX / 2, 4, false},
		{"both huge", SIZE_MAX, SIZE_MAX, false},
		{"wraps to 0", (size_t)1 << 63, 2, false},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *p = mem_zalloc(rows[i].n, rows[i].size);

		bad += row_num(rows[i].name, p != NULL, rows[i].want);
		for (size_t k = 0; p && k < rows[i].n * rows[i].size; k++)
			bad += row_num(rows[i].name, (unsigned char)p[k], 0);
		MEM_FREE(p);
		bad += row_num(rows[i].name, p == NULL, true);
	}
	assert_int_equal(bad, 0);
	mem_free(NULL);
}

static void
test_dup(void **state)
{
	char *a = mem_dup(STR("a\0b")), *b = mem_dup(STR_NULL);
	bool ok = a && b;

	(void)state;
	if (ok) {
		assert_memory_equal(a, "a\0b", 4);
		assert_string_equal(b, "");
	}
	assert_null(mem_dup(str_of("x", SIZE_MAX)));
	mem_free(a);
	mem_free(b);
	assert_true(ok);
}

static void
test_resize(void **state)
{
	char *p = mem_zalloc(4, 1), *q;

	(void)state;
	assert_non_null(p);
	memcpy(p, "abc", 4);
	assert_null(mem_resize(p, SIZE_MAX / 4 + 2, 4)); /* wraps to 4 */
	assert_string_equal(p, "abc");
	q = mem_resize(p, 1000, 10);
	if (q) {
		p = q;
		assert_string_equal(p, "abc");
	}
	mem_free(p);
	assert_non_null(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zalloc),
		cmocka_unit_test(test_dup),
		cmocka_unit_test(test_resize),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
