#include "world.h"

#include "policy/route.h"

static void
carrier(struct world *w, const char *id, uint16_t priority, uint16_t weight)
{
	struct roster_trunk *t = world_trunk(w, NULL, id, "192.0.2.1");

	world_source(t, "192.0.2.1/32");
	t->priority = priority;
	t->weight = weight;
	t->port = (uint16_t)(5060 + w->r.n_trunks);
}

static int
setup(void **state)
{
	static struct world w;

	roster_init(&w.r);
	world_account(&w, "acme");
	world_trunk(&w, "acme", "acme-1", "pbx.acme.example");
	world_trunk(&w, "acme", "acme-2", "pbx2.acme.example");
	world_trunk(&w, "acme", "acme-in", "pbx3.acme.example")->direction = TRUNK_IN;
	world_trunk(&w, "acme", "acme-off", "pbx4.acme.example")->enabled = false;
	world_account(&w, "off")->enabled = false;
	world_trunk(&w, "off", "off-1", "pbx.off.example");
	world_number(&w, "+12015550100", "acme-1");
	world_number(&w, "+1201555*", "acme-2");
	world_number(&w, "+1201*", "acme-1");
	world_number(&w, "+12025550100", "acme-in");
	world_number(&w, "+12025550101", "acme-off");
	world_number(&w, "+12025550102", "off-1");
	carrier(&w, "a", 10, 75);
	carrier(&w, "b", 10, 25);
	carrier(&w, "c", 20, 0);
	carrier(&w, "off", 1, 0);
	w.r.trunk[w.r.n_trunks - 1].enabled = false;
	carrier(&w, "in", 1, 0);
	w.r.trunk[w.r.n_trunks - 1].direction = TRUNK_IN;
	w.r.trunk[w.r.n_trunks - 3].strip = STR("+1");
	w.r.trunk[w.r.n_trunks - 3].add = STR("9");
	world_build(&w);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	world_fini(*state);
	return 0;
}

static void
test_inbound(void **state)
{
	static const struct {
		const char *name, *number;
		enum route_reason reason;
		const char *want;
	} table[] = {
		{"exact", "+12015550100", ROUTE_OK, "acme-1"},
		{"long prefix", "+12015550101", ROUTE_OK, "acme-2"},
		{"short prefix", "+12015560101", ROUTE_OK, "acme-1"},
		{"longer than exact", "+120155501001", ROUTE_OK, "acme-2"},
		{"none", "+12125550100", ROUTE_NO_NUMBER, "-"},
		{"not a number", "911", ROUTE_NO_NUMBER, "-"},
		{"a pattern is no number", "+1201*", ROUTE_NO_NUMBER, "-"},
		{"empty", "", ROUTE_NO_NUMBER, "-"},
		{"takes no calls", "+12025550100", ROUTE_DIRECTION, "-"},
		{"trunk disabled", "+12025550101", ROUTE_DISABLED, "-"},
		{"account disabled", "+12025550102", ROUTE_DISABLED, "-"},
	};
	const struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct route r = {.trunk = {POLICY_NONE}};
		enum route_reason got = route_inbound(&w->v, str_from(table[i].number), &r);

		if (got != table[i].reason ||
		    !str_eqz(str_from(world_trunk_name(w, r.trunk[0])), table[i].want))
			fail_msg("%s: %s, %s", table[i].name, route_reason_text(got),
				 world_trunk_name(w, r.trunk[0]));
	}
}

static void
test_outbound(void **state)
{
	static const struct {
		const char *name, *down; /* ids */
		uint32_t n, n_up;
		const char *last;
	} table[] = {
		{"all up", "", 3, 3, "c"},
		{"a down goes last", "a", 3, 2, "a"},
		{"two down, by priority", "ac", 3, 1, "c"},
		{"all down are still tried", "abc", 3, 0, "c"},
	};
	const struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint8_t down[8] = {0};
		struct route r;

		for (uint32_t k = w->v.first_carrier; k < w->v.n_trunks; k++)
			down[k - w->v.first_carrier] =
				strstr(table[i].down, world_trunk_name(w, k)) != NULL;
		assert_int_equal(route_outbound(&w->v, NULL, down, i, &r), ROUTE_OK);
		if (r.n != table[i].n || r.n_up != table[i].n_up ||
		    strcmp(world_trunk_name(w, r.trunk[r.n - 1]), table[i].last) != 0)
			fail_msg("%s: n %u up %u last %s", table[i].name, r.n, r.n_up,
				 world_trunk_name(w, r.trunk[r.n - 1]));
	}
}

static void
test_weight(void **state)
{
	const struct world *w = *state;
	unsigned first_a = 0;

	for (uint64_t seed = 0; seed < 10000; seed++) {
		struct route r, again;

		assert_int_equal(route_outbound(&w->v, NULL, NULL, seed, &r), ROUTE_OK);
		assert_int_equal(route_outbound(&w->v, NULL, NULL, seed, &again), ROUTE_OK);
		assert_memory_equal(&r, &again, sizeof(r));
		assert_string_equal(world_trunk_name(w, r.trunk[2]), "c");
		first_a += strcmp(world_trunk_name(w, r.trunk[0]), "a") == 0;
	}
	assert_in_range(first_a, 7200, 7800);
}

static void
test_no_carrier(void **state)
{
	struct world w = {0};
	struct route r;

	(void)state;
	roster_init(&w.r);
	world_build(&w);
	assert_int_equal(route_outbound(&w.v, NULL, NULL, 0, &r), ROUTE_NO_CARRIER);
	world_fini(&w);
}

static void
test_called(void **state)
{
	const struct world *w = *state;
	uint32_t c = snapshot_trunk(&w->v, STR("c"));
	char out[NUMBER_SIZE];

	assert_int_equal(route_called(&w->v, c, STR("+12015550100"), out), ERR_OK);
	assert_string_equal(out, "92015550100");
	assert_int_equal(route_called(&w->v, c, STR("+442071838750"), out), ERR_OK);
	assert_string_equal(out, "9+442071838750");
	assert_int_equal(route_called(&w->v, c, STR("1234567890123456789012345678901"), out),
			 ERR_LONG);
}

/* 10^5 numbers and their prefixes: each is found, what is between them is not. */
static void
test_many_numbers(void **state)
{
	struct world w = {0};
	struct route r;
	char z[16];

	(void)state;
	roster_init(&w.r);
	world_account(&w, "acme");
	world_trunk(&w, "acme", "acme-1", "pbx.acme.example");
	for (uint64_t i = 0; i < 100000; i++) {
		struct roster_number *n;

		assert_int_equal(roster_add_number(&w.r, &n), ERR_OK);
		n->trunk = STR("acme-1");
		n->key = (12010000000ULL + 2 * i) * 10000 << 5 | 11 << 1;
	}
	world_build(&w);
	for (uint64_t i = 0; i < 200000; i += 7) {
		struct buf b;

		buf_init(&b, z, sizeof(z));
		buf_char(&b, '+');
		buf_u64(&b, 12010000000ULL + i);
		assert_int_equal(route_inbound(&w.v, buf_view(&b), &r),
				 i % 2 ? ROUTE_NO_NUMBER : ROUTE_OK);
	}
	world_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inbound), cmocka_unit_test(test_outbound),
		cmocka_unit_test(test_weight),  cmocka_unit_test(test_no_carrier),
		cmocka_unit_test(test_called),  cmocka_unit_test(test_many_numbers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
