/* Reading the end of a file of lines. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ops/lines.h"
#include "world.h"

static struct world o;

struct seen {
	int n, whole;
	char last[64], first[64];
	size_t longest;
};

static int
setup(void **state)
{
	(void)state;
	return world_init(&o, 1, "lines");
}

static int
teardown(void **state)
{
	(void)state;
	world_fini(&o);
	return 0;
}

static void
note(void *arg, struct str line, bool whole)
{
	struct seen *s = arg;

	if (s->n++ == 0)
		(void)!str_copyz(s->first, sizeof(s->first), str_sub(line, 0, 60));
	(void)!str_copyz(s->last, sizeof(s->last), str_sub(line, 0, 60));
	s->whole += whole;
	s->longest = line.len > s->longest ? line.len : s->longest;
}

static struct seen
tail(uint32_t n)
{
	struct seen s = {0};
	int fd = open(o.path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(lines_tail(fd, n, note, &s), ERR_OK);
	close(fd);
	return s;
}

static void
test_tail(void **state)
{
	static const struct {
		const char *name, *text;
		uint32_t ask;
		int n, whole;
		const char *first, *last;
	} rows[] = {
		{"nothing", "", 5, 0, 0, "", ""},
		{"one", "a\n", 5, 1, 1, "a", "a"},
		{"the last two", "a\nb\nc\n", 2, 2, 2, "b", "c"},
		{"all", "a\nb\nc\n", UINT32_MAX, 3, 3, "a", "c"},
		{"none wanted", "a\nb\n", 0, 0, 0, "", ""},
		{"torn", "a\nb\nc", 2, 2, 1, "b", "c"},
		{"only torn", "c", 2, 1, 0, "c", "c"},
		{"empty lines", "\n\n\n", 2, 2, 2, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct seen s;

		print_message("# %s\n", rows[i].name);
		(void)unlink(o.path);
		world_write(o.path, rows[i].text);
		s = tail(rows[i].ask);
		assert_int_equal(s.n, rows[i].n);
		assert_int_equal(s.whole, rows[i].whole);
		assert_string_equal(s.first, rows[i].first);
		assert_string_equal(s.last, rows[i].last);
	}
}

/* Lines over many reads, and one that is longer than any of ours. */
static void
test_long(void **state)
{
	static char line[200 * 1024];
	struct seen s;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(line, sizeof(line), "%05d %0*d\n", i, i % 200 + 1, 0);
		world_write(o.path, line);
	}
	s = tail(1000);
	assert_int_equal(s.n, 1000);
	assert_memory_equal(s.first, "02000 ", 6);
	assert_memory_equal(s.last, "02999 ", 6);
	memset(line, 'x', sizeof(line) - 2);
	line[sizeof(line) - 2] = '\n';
	line[sizeof(line) - 1] = 0;
	world_write(o.path, line);
	world_write(o.path, "after\n");
	s = tail(3);
	assert_int_equal(s.n, 2); /* the long one is passed over */
	assert_memory_equal(s.first, "02999 ", 6);
	assert_string_equal(s.last, "after");
	assert_true(s.longest < LINES_LEN_MAX);
}

static bool
note_back(void *arg, struct str line)
{
	note(arg, line, true);
	return !str_eq(line, STR("stop"));
}

static struct seen
back(uint32_t n)
{
	struct seen s = {0};
	int fd = open(o.path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(lines_back(fd, n, note_back, &s), ERR_OK);
	close(fd);
	return s;
}

static void
test_back(void **state)
{
	static const struct {
		const char *name, *text;
		uint32_t ask;
		int n;
		const char *first, *last;
	} rows[] = {
		{"nothing", "", 5, 0, "", ""},
		{"one", "a\n", 5, 1, "a", "a"},
		{"the last two", "a\nb\nc\n", 2, 2, "c", "b"},
		{"all", "a\nb\nc\n", UINT32_MAX, 3, "c", "a"},
		{"none wanted", "a\nb\n", 0, 0, "", ""},
		{"torn", "a\nb\nc", 2, 2, "b", "a"},
		{"only torn", "c", 2, 0, "", ""},
		{"empty lines", "\n\n\n", 2, 2, "", ""},
		{"enough", "a\nstop\nc\n", 9, 2, "c", "stop"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct seen s;

		print_message("# %s\n", rows[i].name);
		(void)unlink(o.path);
		world_write(o.path, rows[i].text);
		s = back(rows[i].ask);
		assert_int_equal(s.n, rows[i].n);
		assert_string_equal(s.first, rows[i].first);
		assert_string_equal(s.last, rows[i].last);
	}
}

/* Over many reads: the same lines as forward, with one too long among them, and at the end. */
static void
test_back_long(void **state)
{
	static char line[200 * 1024];
	struct seen s;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(line, sizeof(line), "%05d %0*d\n", i, i % 200 + 1, 0);
		world_write(o.path, line);
	}
	s = back(UINT32_MAX);
	assert_int_equal(s.n, 3000);
	assert_memory_equal(s.first, "02999 ", 6);
	assert_memory_equal(s.last, "00000 ", 6);
	memset(line, 'x', sizeof(line) - 2);
	line[sizeof(line) - 2] = '\n';
	line[sizeof(line) - 1] = 0;
	world_write(o.path, line);
	s = back(1);
	assert_memory_equal(s.first, "02999 ", 6);
	world_write(o.path, "after\n");
	s = back(2);
	assert_int_equal(s.n, 2); /* the long one is passed over */
	assert_string_equal(s.first, "after");
	assert_memory_equal(s.last, "02999 ", 6);
	assert_true(s.longest < LINES_LEN_MAX);
}

static void
test_find(void **state)
{
	char mem[64];
	struct buf b;

	(void)state;
	buf_init(&b, mem, sizeof(mem));
	assert_int_equal(lines_find(o.path, STR("a"), &b), ERR_NOTFOUND);
	world_write(o.path, "ab 1\nac 2\nab 3\nad 4");
	assert_int_equal(lines_find(o.path, STR("ab "), &b), ERR_OK);
	assert_string_equal(buf_cstr(&b), "ab 3");
	assert_int_equal(lines_find(o.path, STR("b 3"), &b), ERR_NOTFOUND);
	assert_int_equal(lines_find(o.path, STR("ad"), &b), ERR_NOTFOUND); /* not whole */
	buf_init(&b, mem, 2);
	assert_int_equal(lines_find(o.path, STR("ac"), &b), ERR_LONG);
	assert_int_equal(lines_find(o.dir, STR("ac"), &b), ERR_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tail, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_back_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
