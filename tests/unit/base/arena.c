#include "rows.h"

#include "base/arena.h"

static void
test_align(void **state)
{
	static _Alignas(16) char mem[4096];

	(void)state;
	for (size_t start = 0; start < 16; start++) {
		struct arena a;
		char *last = mem;

		memset(mem, 0xee, sizeof(mem));
		arena_init(&a, mem + start, 1024);
		for (size_t size = 1; size < 40; size++) {
			char *p = arena_alloc(&a, size);

			if (!p) {
				assert_true(last + 40 + 16 > mem + start + 1024 - 40);
				break;
			}
			assert_int_equal((uintptr_t)p % 16, 0);
			assert_true(p >= last && p >= mem + start);
			assert_true(p + size <= mem + start + 1024);
			for (size_t i = 0; i < size; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0x55, size);
			last = p + size;
		}
		assert_int_equal((unsigned char)mem[start + 1024], 0xee);
	}
}

static void
test_room(void **state)
{
	static const struct {
		const char *name;
		size_t cap, used, size;
		bool want;
	} rows[] = {
		{"all", 64, 0, 64, true},
		{"one more than all", 64, 0, 65, false},
		{"what is left", 64, 16, 48, true},
		{"pad counts", 64, 17, 48, false},
		{"behind the pad", 64, 17, 32, true},
		{"nothing left", 64, 64, 1, false},
		{"no room for the pad", 60, 50, 0, false},
		{"nothing of nothing left", 64, 64, 0, true},
		{"size SIZE_MAX", 64, 16, SIZE_MAX, false},
		{"used + size wraps", 64, 16, SIZE_MAX - 15, false},
		{"pad + size wraps", 64, 17, SIZE_MAX - 14, false},
	};
	static _Alignas(16) char mem[80];
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a;
		size_t used;

		arena_init(&a, mem, rows[i].cap);
		bad += row_num(rows[i].name, arena_alloc(&a, rows[i].used) == mem, true);
		used = a.used;
		bad += row_num(rows[i].name, arena_alloc(&a, rows[i].size) != NULL, rows[i].want);
		bad += row_num(rows[i].name, a.used <= a.cap && (rows[i].want || a.used == used),
			       true);
	}
	assert_int_equal(bad, 0);
}

static void
test_str(void **state)
{
	static _Alignas(16) char mem[32];
	struct arena a;
	struct str s;

	(void)state;
	arena_init(&a, mem, sizeof(mem));
	s = arena_str(&a, STR("a\0bc"));
	assert_int_equal(s.len, 4);
	assert_memory_equal(s.p, "a\0bc", 5);
	s = arena_str(&a, STR_NULL);
	assert_non_null(s.p);
	assert_string_equal(s.p, "");
	s = arena_str(&a, STR("full"));
	assert_null(s.p);
	assert_int_equal(s.len, 0);
	assert_null(arena_str(&a, str_of("x", SIZE_MAX)).p);
	arena_reset(&a);
	assert_null(arena_str(&a, STR("32 characters leave no NUL place")).p);
	assert_non_null(arena_str(&a, STR("31 characters leave a NUL place")).p);
}

static void
test_heap(void **state)
{
	struct arena a = {0};
	char *p;

	(void)state;
	assert_null(arena_alloc(&a, 1));
	assert_null(arena_alloc(&a, 0));
	assert_int_equal(arena_new(&a, SIZE_MAX), ERR_NOMEM);
	assert_null(a.p);
	assert_int_equal(arena_new(&a, 1000), ERR_OK);
	p = arena_alloc(&a, 900);
	assert_non_null(p);
	memset(p, 1, 900);
	assert_null(arena_alloc(&a, 900));
	arena_reset(&a);
	assert_ptr_equal(arena_alloc(&a, 900), p);
	assert_int_equal(p[899], 0);
	arena_fini(&a);
	arena_fini(&a);
	assert_null(arena_alloc(&a, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_align),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_str),
		cmocka_unit_test(test_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
