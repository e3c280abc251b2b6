#include "told.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/yaml.h"
#include "base/mem.h"

static struct told told;

static void
test_tree(void **state)
{
	static const char text[] = "# comment\n"
				   "a: 1\n"
				   "b:\n"
				   "  - {c: \"x\\ny\", d: []}\n"
				   "  - 'plain'\n"
				   "e: {}\n";
	const struct yaml_node *n, *m;
	struct yaml y;

	(void)state;
	told_init(&told);
	assert_int_equal(yaml_parse(str_from(text), &told.rep, &y), ERR_OK);
	n = yaml_get(&y, &y.node[0], "a");
	assert_true(str_eqz(n->text, "1") && n->plain);
	assert_int_equal(n->line, 2);
	assert_int_equal(n->column, 4);
	assert_int_equal(n->key_column, 1);
	n = yaml_get(&y, &y.node[0], "b");
	assert_int_equal(n->kind, YAML_LIST);
	m = yaml_first(&y, n);
	n = yaml_get(&y, m, "c");
	assert_true(str_eqz(n->text, "x\ny") && !n->plain);
	assert_int_equal(yaml_get(&y, m, "d")->kind, YAML_LIST);
	assert_null(yaml_first(&y, yaml_get(&y, m, "d")));
	m = yaml_next(&y, m);
	assert_true(str_eqz(m->text, "plain") && !m->plain);
	assert_int_equal(m->line, 5);
	assert_null(yaml_next(&y, m));
	assert_int_equal(yaml_get(&y, &y.node[0], "e")->kind, YAML_MAP);
	assert_null(yaml_get(&y, &y.node[0], "f"));
	yaml_fini(&y);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} table[] = {
		{"empty", "", "0:0: the file is empty"},
		{"only a comment", "# x\n", "0:0: the file is empty"},
		{"duplicate key", "a: 1\nb: 2\na: 3\n", "3:1: \"a\" stands twice, first in line 1"},
		{"duplicate in a flow map", "x: {k: 1, k: 2}\n", "1:11: \"k\" stands twice"},
		{"anchor", "a: &x 1\n", "1:4: anchors (&) and tags (!)"},
		{"anchor on a map", "a: &x {b: 1}\n", "1:4: anchors"},
		{"alias", "a: 1\nb: *x\n", "2:4: aliases"},
		{"tag", "a: !!str 1\n", "1:4: anchors (&) and tags (!)"},
		{"tag on a list", "a: !x [1]\n", "1:4: anchors"},
		{"second document", "a: 1\n---\nb: 2\n", "2:1: a second document"},
		{"list as a key", "? [a]\n: 1\n", "1:3: a list or map cannot be a key"},
		{"tab", "a:\n\tb: 1\n", "2:1: "},
		{"unclosed", "a: [1, 2\n", "not well-formed YAML"},
		{"unclosed quote", "a: \"x\n", "not well-formed YAML"},
		{"two colons", "a: b: c\n", "1:5: mapping values are not allowed"},
		{"not UTF-8", "a: \"\xff\xfe\"\n", "write the file in UTF-8"},
		{"deep", "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "1:17: nested more than 16 deep"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct yaml y;
		enum err e;

		told_init(&told);
		e = yaml_parse(str_from(table[i].text), &told.rep, &y);
		if (e != ERR_CONFIG || told.rep.n_errors != 1 ||
		    !strstr(buf_cstr(&told.b), table[i].want))
			fail_msg("%s: %s, %u errors: %s", table[i].name, err_name(e),
				 told.rep.n_errors, buf_cstr(&told.b));
	}
}

/* Values may be longer than they are written. */
static void
test_long_escapes(void **state)
{
	static char text[30000];
	struct buf b;
	struct yaml y;

	(void)state;
	buf_init(&b, text, sizeof(text));
	buf_char(&b, '"');
	for (int i = 0; i < 10000; i++)
		buf_z(&b, "\\L");
	buf_char(&b, '"');
	told_init(&told);
	assert_int_equal(yaml_parse(buf_view(&b), &told.rep, &y), ERR_OK);
	assert_int_equal(y.node[0].text.len, 30000);
	yaml_fini(&y);
}

static void
test_file(void **state)
{
	struct str s;
	char path[64];
	enum err e;
	int fd[2];

	(void)state;
	told_init(&told);
	assert_int_equal(yaml_read_file("/nonexistent", &told.rep, &s), ERR_IO);
	assert_int_equal(yaml_read_file("/tmp", &told.rep, &s), ERR_IO);
	assert_string_equal(buf_cstr(&told.b), "0:0: cannot be read: No such file or directory\n"
					       "0:0: cannot be read: not a file\n");
	/* a pipe that nobody writes into; one that somebody does */
	(void)snprintf(path, sizeof(path), "/tmp/postern-yaml-%d", (int)getpid());
	assert_int_equal(mkfifo(path, 0600), 0);
	told_init(&told);
	e = yaml_read_file(path, &told.rep, &s);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(e, ERR_IO);
	assert_string_equal(buf_cstr(&told.b),
			    "0:0: nothing came; is it a pipe that nobody writes into?\n");
	told_init(&told);
	assert_int_equal(yaml_read_file("/dev/null", &told.rep, &s), ERR_IO);
	assert_string_equal(buf_cstr(&told.b), "0:0: there is nothing in it\n");
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "a: b\n", 5), 5);
	close(fd[1]);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd[0]);
	if (yaml_read_file(path, &told.rep, &s) == ERR_OK) { /* else: no memory */
		assert_true(str_eqz(s, "a: b\n"));
		mem_free((void *)(uintptr_t)s.p);
	}
	close(fd[0]);
	assert_int_equal(yaml_read_file("/proc/self/cmdline", &told.rep, &s), ERR_OK);
	mem_free((void *)(uintptr_t)s.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long_escapes),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
