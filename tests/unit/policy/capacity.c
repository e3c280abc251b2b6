/* policy/capacity: a call counts for its trunk and for the group of it; what the group says stands
 * in each of its trunks. */
#include "world.h"

#include "policy/capacity.h"
#include "policy/route.h"

static struct limit_row rows[64];
static struct limit l;

/* Trunks one and two in group east (2 calls, 1 a second), three in west, four alone. */
static void
make_world(struct world *w)
{
	static const char *const ids[] = {"one", "two", "three", "four"};
	static const char *const groups[] = {"east", "east", "west", ""};
	struct roster_group *g;

	memset(w, 0, sizeof(*w));
	roster_init(&w->r);
	for (unsigned i = 0; i < ARRAY_LEN(ids); i++) {
		char host[16];
		struct roster_trunk *t;

		(void)snprintf(host, sizeof(host), "192.0.2.%u", i + 1);
		t = world_trunk(w, NULL, ids[i], host);
		assert_int_equal(roster_text(&w->r, str_from(host), &t->host), ERR_OK);
		t->group = str_from(groups[i]);
		t->max_calls = i == 0 ? 1 : 0;
		if (i == 1)
			t->hunt = STR("404");
		world_source(t, host);
	}
	assert_int_equal(roster_add_group(&w->r, &g), ERR_OK);
	g->id = STR("east");
	g->max_calls = 2;
	g->attempts = 1;
	g->hunt = STR("486,6xx");
	g->stop = STR("500");
	world_build(w);
	memset(rows, 0, sizeof(rows));
	limit_init(&l, rows, ARRAY_LEN(rows), 0);
}

static uint32_t
row_of(const struct world *w, const char *id)
{
	return snapshot_trunk(&w->v, str_from(id));
}

static enum err
take(const struct world *w, const char *id, bool force, struct limit_hold *h)
{
	limit_hold_init(h);
	return capacity_take(&l, &w->v, row_of(w, id), force, h);
}

static void
test_calls(void **state)
{
	static struct world w;
	struct limit_hold a, b, c, d, e;

	(void)state;
	make_world(&w);
	assert_int_equal(take(&w, "one", false, &a), ERR_OK);
	assert_int_equal(take(&w, "one", false, &b), ERR_FULL); /* its own limit */
	limit_give(&l, &b);
	assert_int_equal(take(&w, "two", false, &b), ERR_OK);
	assert_int_equal(take(&w, "two", false, &c), ERR_FULL); /* the group's */
	limit_give(&l, &c);
	assert_int_equal(limit_calls(&l, LIMIT_GROUP, "east"), 2);
	assert_int_equal(limit_calls(&l, LIMIT_TRUNK, "two"), 1);
	assert_int_equal(take(&w, "two", true, &c), ERR_OK); /* emergency */
	assert_int_equal(limit_calls(&l, LIMIT_GROUP, "east"), 3);
	/* a group without limits is counted, a trunk without a group is none */
	assert_int_equal(take(&w, "three", false, &d), ERR_OK);
	assert_int_equal(limit_calls(&l, LIMIT_GROUP, "west"), 1);
	assert_int_equal(take(&w, "four", false, &e), ERR_OK);
	assert_int_equal(limit_calls(&l, LIMIT_GROUP, ""), 0);
	/* left for another target */
	capacity_give(&l, &w.v, row_of(&w, "one"), &a);
	assert_int_equal(limit_calls(&l, LIMIT_TRUNK, "one"), 0);
	assert_int_equal(limit_calls(&l, LIMIT_GROUP, "east"), 2);
	capacity_give(&l, &w.v, row_of(&w, "one"), &a);
	assert_int_equal(limit_calls(&l, LIMIT_GROUP, "east"), 2);
	limit_give(&l, &b);
	limit_give(&l, &c);
	assert_int_equal(limit_calls(&l, LIMIT_GROUP, "east"), 0);
	world_fini(&w);
}

static void
test_attempts(void **state)
{
	static struct world w;

	(void)state;
	make_world(&w);
	assert_true(capacity_attempt(&l, &w.v, row_of(&w, "one"), 10000000));
	assert_false(capacity_attempt(&l, &w.v, row_of(&w, "two"), 10000001));
	assert_true(capacity_attempt(&l, &w.v, row_of(&w, "three"), 10000002));
	assert_true(capacity_attempt(&l, &w.v, row_of(&w, "two"), 11000001));
	world_fini(&w);
}

/* A trunk's own word before that of its group. */
static void
test_codes(void **state)
{
	static const struct {
		const char *trunk;
		int status;
		bool hunts;
	} table[] = {
		{"one", 486, true},   {"one", 603, true}, {"one", 500, false},
		{"one", 404, false},  {"two", 404, true}, {"two", 486, false},
		{"two", 500, false},  {"two", 502, true}, {"three", 486, false},
		{"three", 500, true},
	};
	static struct world w;

	(void)state;
	make_world(&w);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (route_hunts(&w.v, row_of(&w, table[i].trunk), table[i].status) !=
		    table[i].hunts)
			fail_msg("%s after %d", table[i].trunk, table[i].status);
	world_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
