/* Notes of handshakes and refused requests: the ring, the file, its rotation, the next life. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "base/log.h"
#include "ops/history.h"
#include "ops/jsonin.h"
#include "world.h"

static struct world o;
static struct history h;

static int
setup(void **state)
{
	(void)state;
	log_init("test", -1, LOG_ERROR);
	if (world_init(&o, 1, "notes.jsonl") != 0)
		return -1;
	return history_init(&h, o.path) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	history_fini(&h);
	world_fini(&o);
	return 0;
}

static struct history_note
make_note(int i)
{
	struct history_note n = {
		.wall_us = 1700000000000000 + i, .alert_sent = 40, .alert_received = -1};

	(void)snprintf(n.id.z, sizeof(n.id.z), "note%08d", i);
	(void)snprintf(n.account, sizeof(n.account), "acme");
	(void)snprintf(n.names, sizeof(n.names), "DNS pbx.example.test");
	(void)snprintf(n.word, sizeof(n.word), "no-account");
	(void)snprintf(n.why, sizeof(n.why), "\x1b[31m \"quoted\" \xff");
	(void)!addr_parse(STR("192.0.2.1:4711"), &n.peer);
	return n;
}

static void
add_many(int from, int n)
{
	for (int i = from; i < from + n; i++) {
		struct history_note note = make_note(i);

		history_add(&h, &note);
	}
}

static void
restart(void)
{
	uint64_t max = h.size_max;

	history_fini(&h);
	assert_int_equal(history_init(&h, o.path), ERR_OK);
	h.size_max = max;
}

static void
test_ring(void **state)
{
	(void)state;
	assert_null(history_at(&h, 0));
	assert_null(history_find(&h, "note00000000"));
	add_many(0, HISTORY_NOTES + 10);
	assert_non_null(history_at(&h, 0));
	assert_string_equal(history_at(&h, 0)->id.z, "note00004105");
	assert_string_equal(history_at(&h, HISTORY_NOTES - 1)->id.z, "note00000010");
	assert_null(history_at(&h, HISTORY_NOTES));
	assert_null(history_find(&h, "note00000009"));
	assert_int_equal(history_find(&h, "note00000010")->wall_us, 1700000000000010);
}

static void
test_comes_back(void **state)
{
	struct history_note was = make_note(7);
	const struct history_note *n;

	(void)state;
	was.outgoing = 1;
	was.kind = HISTORY_REQUEST;
	history_add(&h, &was);
	add_many(8, 2);
	world_write(o.path, "{\"v\":1,\"id\":\"torn"); /* died in the middle */
	restart();
	add_many(10, 1);
	restart();
	assert_non_null(history_at(&h, 3));
	assert_string_equal(history_at(&h, 0)->id.z, "note00000010");
	assert_null(history_at(&h, 4));
	n = history_at(&h, 3);
	assert_string_equal(n->id.z, was.id.z);
	assert_int_equal(n->kind, HISTORY_REQUEST);
	assert_int_equal(n->outgoing, 1);
	assert_int_equal(n->accepted, 0);
	assert_int_equal(n->wall_us, was.wall_us);
	assert_int_equal(n->alert_sent, 40);
	assert_int_equal(n->alert_received, -1);
	assert_true(addr_eq(&n->peer, &was.peer));
	assert_string_equal(n->account, "acme");
	assert_string_equal(n->names, was.names);
	assert_non_null(strstr(n->why, "\"quoted\""));
}

/* The file is bounded: two of them, and the older notes are still found. */
static void
test_rotation(void **state)
{
	char mem[HISTORY_LINE_MAX];
	struct stat a, b;
	struct json *j;
	struct buf text;

	(void)state;
	h.size_max = 20000;
	add_many(0, 100);
	assert_int_equal(stat(o.path, &a), 0);
	assert_int_equal(stat(o.old, &b), 0);
	assert_true(a.st_size <= 20000 && b.st_size <= 20000);
	assert_int_equal(
		world_count(world_text(o.path), "\n") + world_count(world_text(o.old), "\n"), 100);
	buf_init(&text, mem, sizeof(mem));
	assert_int_equal(history_find_line(&h, "note00000003", &text), ERR_OK);
	assert_int_equal(jsonin_parse(buf_view(&text), &j), ERR_OK);
	assert_string_equal(jsonin_text(j, "id"), "note00000003");
	jsonin_free(&j);
	assert_int_equal(history_find_line(&h, "note00000300", &text), ERR_NOTFOUND);
	assert_int_equal(history_find_line(&h, "note", &text), ERR_NOTFOUND);
	add_many(100, 400);
	assert_int_equal(stat(o.path, &a), 0);
	assert_int_equal(stat(o.old, &b), 0);
	assert_true(a.st_size <= 20000 && b.st_size <= 20000);
	assert_int_equal(history_find_line(&h, "note00000003", &text), ERR_NOTFOUND);
}

static void
test_without_a_file(void **state)
{
	char mem[HISTORY_LINE_MAX];
	struct buf text;

	(void)state;
	history_fini(&h);
	assert_int_equal(history_init(&h, NULL), ERR_OK);
	add_many(0, 3);
	buf_init(&text, mem, sizeof(mem));
	assert_int_equal(history_find_line(&h, "note00000000", &text), ERR_NOTFOUND);
	assert_non_null(history_find(&h, "note00000000"));
	history_fini(&h);
	assert_int_equal(history_init(&h, "/nowhere/at/all"), ERR_OK);
	add_many(0, 3);
	assert_non_null(history_find(&h, "note00000002"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_a_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
