#include "world.h"

#include "policy/health.h"

enum { S = 1000000 };

/* What on_change was told last. */
struct told {
	char trunk[POLICY_ID_MAX], why[64];
	unsigned ups, downs;
};

static void
note_change(void *arg, const struct policy_id *trunk, bool up, const char *why)
{
	struct told *t = arg;

	(void)snprintf(t->trunk, sizeof(t->trunk), "%s", trunk->z);
	(void)snprintf(t->why, sizeof(t->why), "%s", why);
	t->ups += up;
	t->downs += !up;
}

static void
build(struct world *w, const char *const *ids)
{
	roster_init(&w->r);
	for (; *ids; ids++) {
		struct roster_trunk *t = world_trunk(w, NULL, *ids, "192.0.2.1");

		world_source(t, "192.0.2.1/32");
		t->port = (uint16_t)(5060 + w->r.n_trunks);
	}
	world_build(w);
}

static bool
is_down(struct health *h, uint32_t carrier, uint64_t now)
{
	const uint8_t *down = health_down(h, now);

	return down && down[carrier];
}

/* Step by step: what happens to carrier 0, at which second, and what is known then. */
static void
test_breaker(void **state)
{
	enum { FAIL, WORK, TRY, LOOK };
	static const struct {
		const char *name;
		int what;
		unsigned at_s; /* longest waits: random is 0xffffffff % ... of each */
		bool down;
		unsigned ups, downs;
	} table[] = {
		{"fresh", LOOK, 1, false, 0, 0},
		{"one failure", FAIL, 1, false, 0, 0},
		{"an answer between", WORK, 2, false, 0, 0},
		{"one failure again", FAIL, 3, false, 0, 0},
		{"two in a row", FAIL, 3, true, 0, 1},
		{"a third that was under way", FAIL, 3, true, 0, 1},
		{"still", LOOK, 7, true, 0, 1},
		{"may be tried", LOOK, 9, false, 0, 1},
		{"one tries", TRY, 9, true, 0, 1},
		{"in vain", FAIL, 10, true, 0, 1},
		{"longer", LOOK, 19, true, 0, 1},
		{"may be tried again", LOOK, 21, false, 0, 1},
		{"one tries again", TRY, 21, true, 0, 1},
		{"it answers", WORK, 22, false, 1, 1},
		{"one failure after it", FAIL, 23, false, 1, 1},
		{"two after it", FAIL, 23, true, 1, 2},
		{"short again", LOOK, 26, false, 1, 2},
	};
	static const char *const ids[] = {"a", "b", NULL};
	struct world w = {0};
	struct told told = {.ups = 0};
	struct health h = {.arg = &told, .on_change = note_change};

	(void)state;
	build(&w, ids);
	assert_int_equal(health_on_snapshot(&h, &w.v), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint64_t now = (uint64_t)table[i].at_s * S;

		if (table[i].what == FAIL)
			health_failed(&h, 0, "silence", 0, now);
		else if (table[i].what == WORK)
			health_worked(&h, 0);
		else if (table[i].what == TRY)
			health_tried(&h, 0, now);
		if (is_down(&h, 0, now) != table[i].down || told.ups != table[i].ups ||
		    told.downs != table[i].downs)
			fail_msg("%s: down %d, %u up, %u down", table[i].name, is_down(&h, 0, now),
				 told.ups, told.downs);
		assert_false(is_down(&h, 1, now));
	}
	assert_string_equal(told.trunk, "a");
	assert_string_equal(told.why, "silence");
	health_failed(&h, 7, "no such carrier", 0, 0);
	health_worked(&h, 7);
	health_tried(&h, 7, 0);
	health_fini(&h);
	world_fini(&w);
}

/* OPTIONS beside the breaker: either makes it down; what is told, and when. */
static void
test_polled(void **state)
{
	enum { FAIL, WORK, DEAF, HEARS, LOOK };
	static const struct {
		const char *name;
		int what;
		unsigned at_s;
		bool down;
		unsigned ups, downs;
	} table[] = {
		{"deaf", DEAF, 1, true, 0, 1},
		{"however long", LOOK, 1000, true, 0, 1},
		{"still", DEAF, 1000, true, 0, 1},
		{"hears", HEARS, 1001, false, 1, 1},
		{"hears again", HEARS, 1002, false, 1, 1},
		{"a call fails", FAIL, 1003, false, 1, 1},
		{"another: the breaker", FAIL, 1003, true, 1, 2},
		{"and deaf: no second alarm", DEAF, 1004, true, 1, 2},
		{"its time is over, but it is deaf", LOOK, 1100, true, 1, 2},
		{"a call fails while it is deaf", FAIL, 1101, true, 1, 2},
		{"hears: a call may try it at once, the alarm stays", HEARS, 1102, false, 1, 2},
		{"the call is answered", WORK, 1103, false, 2, 2},
		{"deaf", DEAF, 1104, true, 2, 3},
		{"a call is answered all the same", WORK, 1105, false, 3, 3},
	};
	static const char *const ids[] = {"a", NULL};
	struct world w = {0};
	struct told told = {.ups = 0};
	struct health h = {.arg = &told, .on_change = note_change};

	(void)state;
	build(&w, ids);
	assert_int_equal(health_on_snapshot(&h, &w.v), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint64_t now = (uint64_t)table[i].at_s * S;

		if (table[i].what == FAIL)
			health_failed(&h, 0, "silence", 0, now);
		else if (table[i].what == WORK)
			health_worked(&h, 0);
		else if (table[i].what != LOOK)
			health_polled(&h, 0, table[i].what == HEARS, "no OPTIONS");
		if (is_down(&h, 0, now) != table[i].down || told.ups != table[i].ups ||
		    told.downs != table[i].downs)
			fail_msg("%s: down %d, %u up, %u down", table[i].name, is_down(&h, 0, now),
				 told.ups, told.downs);
	}
	health_polled(&h, 7, false, "no such carrier");
	/* it stays deaf over a change of the accounts */
	health_polled(&h, 0, false, "no OPTIONS");
	assert_int_equal(health_on_snapshot(&h, &w.v), ERR_OK);
	assert_true(is_down(&h, 0, 0));
	assert_int_equal(health_on_snapshot(&h, NULL), ERR_OK);
	assert_int_equal(told.ups, 4);
	health_fini(&h);
	world_fini(&w);
}

/* However often, never longer than its cap. */
static void
test_cap(void **state)
{
	static const char *const ids[] = {"a", NULL};
	struct world w = {0};
	struct health h = {.n = 0};
	uint64_t now = 0;

	(void)state;
	build(&w, ids);
	assert_int_equal(health_on_snapshot(&h, &w.v), ERR_OK);
	for (int i = 0; i < 100; i++) {
		health_failed(&h, 0, "silence", UINT32_MAX, now);
		assert_true(h.row[0].until <= now + HEALTH_DOWN_MAX_US);
		now += S;
	}
	assert_true(is_down(&h, 0, now + HEALTH_DOWN_MAX_US / 2 - 2 * S));
	health_fini(&h);
	world_fini(&w);
}

/* Other accounts: what stays is as it was, at another place; what went is told as up. */
static void
test_snapshot(void **state)
{
	static const char *const ids[] = {"a", "b", "c", NULL}, *const next[] = {"c", "a", NULL};
	struct world w = {0}, x = {0};
	struct told told = {.ups = 0};
	struct health h = {.arg = &told, .on_change = note_change};

	(void)state;
	assert_null(health_down(&h, 0));
	build(&w, ids);
	build(&x, next);
	assert_int_equal(health_on_snapshot(&h, &w.v), ERR_OK);
	for (int i = 0; i < 2; i++)
		for (uint32_t k = 1; k < 3; k++)
			health_failed(&h, k, "silence", 0, S);
	assert_int_equal(told.downs, 2);
	assert_int_equal(health_on_snapshot(&h, &x.v), ERR_OK);
	assert_int_equal(told.ups, 1);
	assert_string_equal(told.trunk, "b");
	assert_true(is_down(&h, snapshot_trunk(&x.v, STR("c")), S));
	assert_false(is_down(&h, snapshot_trunk(&x.v, STR("a")), S));
	assert_int_equal(health_on_snapshot(&h, NULL), ERR_OK);
	assert_int_equal(told.ups, 2);
	health_fini(&h);
	world_fini(&w);
	world_fini(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_breaker), cmocka_unit_test(test_polled),
		cmocka_unit_test(test_cap), cmocka_unit_test(test_snapshot)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
