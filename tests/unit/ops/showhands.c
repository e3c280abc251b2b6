/* Answers about handshakes: what is asked for by id, address, account, host; those of a call. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hands.h"
#include "ops/showhands.h"

enum { ANSWER_MAX = 1024 * 1024 };

static char dir[64], path[96], *mem;
static struct handstore *s;

static int
setup(void **state)
{
	char why[HANDSTORE_WHY_MAX];

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/postern-show-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	mem = mem_zalloc(1, ANSWER_MAX);
	if (!mem || !mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/h.db", dir);
	return handstore_open(path, 1000, 30, &s, why) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	handstore_close(&s);
	(void)unlink(path);
	(void)rmdir(dir);
	MEM_FREE(mem);
	return 0;
}

static void
add(const struct hand_entry *e)
{
	static struct handjson m;
	struct hand_row row;

	assert_int_equal(handjson_row(&m, e, &row), ERR_OK);
	assert_int_equal(handstore_begin(s), ERR_OK);
	assert_int_equal(handstore_end(s, handstore_add(s, &row), HANDS_AT), ERR_OK);
}

/* a accepted of acme; b refused of 192.0.2.9, shows other.example; c a refused request of acme. */
static void
fill(void)
{
	struct hand_entry e = hands_entry("a", "acme", true);

	add(&e);
	e = hands_entry("b", "", false);
	e.u.tls.began_us += 60000000;
	(void)!addr_parse(STR("192.0.2.9:1"), &e.u.tls.peer);
	hands_text(e.u.tls.chain[0].names, 512, "pbx.other.example");
	add(&e);
	e = (struct hand_entry){.what = HAND_WHAT_REQUEST, .id = {"c"}, .account = {"acme"}};
	e.u.request = (struct hand_request){
		.at_us = HANDS_AT + 120000000, .method = "INVITE", .word = "CALLER"};
	(void)!addr_parse(STR("192.0.2.1:2"), &e.u.request.peer);
	add(&e);
}

static struct json *
list(const char *question)
{
	struct json *q = NULL, *a = NULL;
	struct buf b;

	assert_int_equal(jsonin_parse(str_from(question), &q), ERR_OK);
	buf_init(&b, mem, ANSWER_MAX);
	buf_char(&b, '{');
	showhands_list(s, q, HANDS_AT + 120000000, &b);
	buf_char(&b, '}');
	assert_int_equal(jsonin_parse(buf_view(&b), &a), ERR_OK);
	jsonin_free(&q);
	return a;
}

static void
test_lists(void **state)
{
	static const struct {
		const char *question, *want;
	} rows[] = {
		{"{}", "cba"},
		{"{\"refused\":true}", "cb"},
		{"{\"handshakes\":true}", "ba"},
		{"{\"account\":\"acme\"}", "ca"},
		{"{\"peer\":\"192.0.2.9\"}", "b"},
		{"{\"peer\":\"192.0.2.9:443\"}", "b"},
		{"{\"peer\":\"nonsense\"}", ""},
		{"{\"host\":\"pbx.other.example\"}", "b"},
		{"{\"since_s\":70}", "cb"},
		{"{\"since_s\":1}", "c"},
		{"{\"limit\":2}", "cb"},
		{"{\"limit\":-5}", "cba"},
	};

	(void)state;
	fill();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *j = list(rows[i].question);
		const struct json *l = jsonin_get(j, "list");
		char got[8] = "";

		for (size_t k = 0; k < jsonin_count(l) && k < 7; k++)
			got[k] = jsonin_text(jsonin_at(l, k), "id")[0];
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].question, got);
		assert_int_equal(jsonin_true(j, "more"), strstr(rows[i].question, ":2}") != NULL);
		jsonin_free(&j);
	}
}

static void
test_find(void **state)
{
	static const struct {
		const char *what, *want; /* id; NULL: nothing */
	} rows[] = {
		{"a", "a"},
		{"b", "b"},
		{"192.0.2.9", "b"},
		{"192.0.2.1", "c"},
		{"192.0.2.1:99", "c"},
		{"192.0.2.77", NULL},
		{"acme", "c"},
		{"pbx.other.example", "b"},
		{"PBX.Other.Example", "b"},
		{"other.example", NULL},
		{"sip.z.example", "b"},
		{"", NULL},
	};

	(void)state;
	fill();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *j = NULL;
		struct buf b;
		enum err e;

		buf_init(&b, mem, ANSWER_MAX);
		e = showhands_find(s, rows[i].what, &b);
		if (e != (rows[i].want ? ERR_OK : ERR_NOTFOUND))
			fail_msg("%s: %s", rows[i].what, err_name(e));
		if (e != ERR_OK)
			continue;
		assert_int_equal(jsonin_parse(buf_view(&b), &j), ERR_OK);
		assert_string_equal(jsonin_text(j, "id"), rows[i].want);
		jsonin_free(&j);
	}
}

static void
add_dialled(const char *id, const char *trunk, int64_t at_us, bool accepted)
{
	struct hand_entry e = hands_entry(id, "acme", accepted);

	e.n_trunks = 1;
	hands_text(e.trunk[0].z, sizeof(e.trunk[0].z), trunk);
	e.u.tls.outgoing = true;
	e.u.tls.began_us = at_us;
	add(&e);
}

/* Which refused handshakes are why a call's targets were not reached. */
static void
test_of_call(void **state)
{
	static const struct {
		const char *name, *targets, *want;
	} rows[] = {
		{"in its time",
		 "{\"trunk\":\"t1\",\"at\":\"2023-11-14T22:13:21.000000Z\",\"status\":-1}", "cb"},
		{"before it, remembered",
		 "{\"trunk\":\"t1\",\"at\":\"2023-11-14T22:13:24.000000Z\",\"status\":-1}", "c"},
		{"answered",
		 "{\"trunk\":\"t1\",\"at\":\"2023-11-14T22:13:21.000000Z\",\"status\":486}", ""},
		{"long ago",
		 "{\"trunk\":\"t1\",\"at\":\"2023-11-15T22:13:21.000000Z\",\"status\":-1}", ""},
		{"another trunk",
		 "{\"trunk\":\"t2\",\"at\":\"2023-11-14T22:13:21.000000Z\",\"status\":-1}", "d"},
		{"an account of that name",
		 "{\"trunk\":\"acme\",\"at\":\"2023-11-14T22:13:21.000000Z\",\"status\":-1}", ""},
		{"no time", "{\"trunk\":\"t1\",\"at\":null,\"status\":-1}", ""},
	};

	(void)state;
	add_dialled("x", "t1", HANDS_AT + 900000, true);
	add_dialled("a", "t1", HANDS_AT, false);
	add_dialled("b", "t1", HANDS_AT + 1100000, false);
	add_dialled("c", "t1", HANDS_AT + 1200000, false);
	add_dialled("d", "t2", HANDS_AT + 1300000, false);
	add_dialled("e", "t1", HANDS_AT + 50000000, false); /* after its end */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *cdr = NULL, *j = NULL;
		char text[512], got[8] = "";
		bool any;
		struct buf b;

		(void)snprintf(text, sizeof(text), "{\"targets\":[%s],\"end\":\"%s\"}",
			       rows[i].targets,
			       strstr(rows[i].targets, "11-15") ? "2023-11-15T22:13:30.000000Z"
								: "2023-11-14T22:13:30.000000Z");
		assert_int_equal(jsonin_parse(str_from(text), &cdr), ERR_OK);
		buf_init(&b, mem, ANSWER_MAX);
		buf_z(&b, "{\"list\":");
		any = showhands_of_call(s, cdr, &b);
		if (any) {
			buf_char(&b, '}');
			assert_int_equal(jsonin_parse(buf_view(&b), &j), ERR_OK);
		} else {
			assert_int_equal(b.len, 8);
		}
		for (size_t k = 0; k < jsonin_count(jsonin_get(j, "list")) && k < 7; k++)
			got[k] = jsonin_text(jsonin_at(jsonin_get(j, "list"), k), "id")[0];
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, got);
		jsonin_free(&j);
		jsonin_free(&cdr);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_call, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
