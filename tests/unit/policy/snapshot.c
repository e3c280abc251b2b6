#include "world.h"

static void
fill(struct world *w)
{
	static const struct {
		const char *id, *account, *prefix;
	} routes[] = {{"r1", "acme", "+44*"},
		      {"r2", "acme", "+4420*"},
		      {"r3", "", ""},
		      {"r4", "", "+1*"}};
	struct roster_route *route;
	struct roster_trunk *t;

	roster_init(&w->r);
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		assert_int_equal(roster_add_route(&w->r, &route), ERR_OK);
		route->id = str_from(routes[i].id);
		route->account = str_from(routes[i].account);
		route->to = STR("gw");
		if (*routes[i].prefix)
			assert_int_equal(number_key(str_from(routes[i].prefix), &route->key),
					 ERR_OK);
	}
	world_account(w, "zeta")->max_calls = 7;
	world_account(w, "acme");
	world_trunk(w, "zeta", "z-1", "pbx.zeta.example");
	t = world_trunk(w, "acme", "a-2", "pbx2.acme.example");
	world_source(t, "10.0.0.0/8");
	world_source(t, "2001:db8::/32");
	world_trunk(w, "acme", "a-1", "pbx.acme.example");
	world_source(world_trunk(w, NULL, "gw", "192.0.2.9"), "192.0.2.9/32");
	world_number(w, "+12015550100", "z-1");
	world_number(w, "+1202*", "a-1");
	w->r.version = 42;
}

static void
test_round(void **state)
{
	struct world w = {0};
	uint32_t z, a;
	uint64_t key;

	(void)state;
	fill(&w);
	world_build(&w);
	assert_int_equal(w.v.version, 42);
	assert_int_equal(w.v.n_accounts, 2);
	assert_int_equal(w.v.n_trunks, 4);
	assert_int_equal(w.v.first_carrier, 3);
	z = snapshot_account(&w.v, STR("zeta"));
	a = snapshot_account(&w.v, STR("acme"));
	assert_int_equal(w.v.account[z].max_calls, 7);
	assert_true(snapshot_account_number(&w.v, z, &key));
	assert_int_equal(number_key_digits(key), 11);
	assert_false(snapshot_account_number(&w.v, a, &key)); /* a prefix only */
	assert_int_equal(w.v.account[a].n_trunks, 2);
	/* the order of the file, not of the ids */
	assert_string_equal(world_trunk_name(&w, w.v.account[a].first_trunk), "a-2");
	assert_int_equal(w.v.trunk[snapshot_trunk(&w.v, STR("z-1"))].account, z);
	assert_int_equal(w.v.trunk[snapshot_trunk(&w.v, STR("gw"))].account, POLICY_NONE);
	assert_int_equal(snapshot_trunk(&w.v, STR("none")), POLICY_NONE);
	assert_int_equal(snapshot_account(&w.v, STR("")), POLICY_NONE);
	assert_string_equal(world_trunk_name(&w, snapshot_number_trunk(&w.v, STR("+12025550101"))),
			    "a-1");
	assert_int_equal(w.v.n_routes, 4);
	assert_int_equal(w.v.account[a].n_routes, 2);
	assert_int_equal(w.v.account[z].n_routes, 0);
	assert_int_equal(w.v.first_shared, 2);
	assert_string_equal(snapshot_route_id(&w.v, w.v.account[a].first_route + 1).z, "r2");
	assert_int_equal(w.v.route[1].up, 0);
	assert_int_equal(w.v.route[2].up, POLICY_NONE);
	assert_int_equal(w.v.route[3].up, 2);
	world_fini(&w);
}

static void
test_empty(void **state)
{
	struct world w = {0};

	(void)state;
	roster_init(&w.r);
	world_build(&w);
	assert_int_equal(w.v.n_trunks, 0);
	assert_int_equal(snapshot_number_trunk(&w.v, STR("+12025550101")), POLICY_NONE);
	world_fini(&w);
}

/* Each byte changed in turn: refused, or still something that can be read through. */
static void
test_flips(void **state)
{
	struct world w = {0};
	unsigned refused = 0;
	char *p;

	(void)state;
	fill(&w);
	world_build(&w);
	p = mem_zalloc(1, w.bytes.len);
	assert_non_null(p);
	for (size_t i = 0; i < w.bytes.len; i++) {
		struct snapshot_view v;

		memcpy(p, w.bytes.p, w.bytes.len);
		p[i] ^= (char)(1 << i % 8 | 0x80);
		if (snapshot_open(str_of(p, w.bytes.len), &v) != ERR_OK) {
			refused++;
			continue;
		}
		for (uint32_t k = 0; k < v.n_trunks; k++)
			(void)snapshot_trunk(&v, snapshot_text(&v, v.trunk[k].host));
	}
	assert_true(refused > w.bytes.len / 4);
	for (size_t n = 0; n < w.bytes.len; n++) {
		struct snapshot_view v;

		assert_int_not_equal(snapshot_open(str_of(w.bytes.p, n), &v), ERR_OK);
	}
	mem_free(p);
	world_fini(&w);
}

static void
test_refuses(void **state)
{
	struct world w = {0};
	struct snapshot_head *h;
	struct snapshot_view v;

	(void)state;
	fill(&w);
	world_build(&w);
	h = (void *)(uintptr_t)w.bytes.p;
	h->layout++;
	assert_int_equal(snapshot_open(w.bytes, &v), ERR_VERSION);
	h->layout--;
	h->trunks.n++;
	h->by_id.n++;
	assert_int_equal(snapshot_open(w.bytes, &v), ERR_SYNTAX);
	h->trunks.n--;
	h->by_id.n--;
	assert_int_equal(snapshot_open(w.bytes, &v), ERR_OK);
	h->numbers.n = 100000; /* allowed, but not there */
	assert_int_equal(snapshot_open(w.bytes, &v), ERR_SYNTAX);
	h->numbers.n = 2;
	assert_int_equal(snapshot_open(w.bytes, &v), ERR_OK);
	h->numbers.off = (uint32_t)w.bytes.len + 8;
	assert_int_equal(snapshot_open(w.bytes, &v), ERR_SYNTAX);
	world_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
