#include "world.h"

#include "policy/route.h"
#include "policy/week.h"

enum { MON_NOON = 720, SUN_NOON = 6 * WEEK_DAY + 720, MANY = 3000, SEEDS = 4000 };

static void
carrier(struct world *w, const char *id, const char *group, uint16_t priority)
{
	struct roster_trunk *t = world_trunk(w, NULL, id, "192.0.2.1");

	world_source(t, "192.0.2.1/32");
	t->group = str_from(group);
	t->priority = priority;
	t->weight = 10;
	t->port = (uint16_t)(5060 + w->r.n_trunks);
}

struct rule {
	const char *id, *account, *prefix, *week, *to;
	uint32_t classes;
	uint16_t weight;
};

static struct roster_route *
add_rule(struct world *w, const struct rule *x)
{
	struct roster_route *r;

	assert_int_equal(roster_add_route(&w->r, &r), ERR_OK);
	r->id = str_from(x->id);
	r->account = str_from(x->account);
	r->to = str_from(x->to);
	if (*x->prefix)
		assert_int_equal(number_key(str_from(x->prefix), &r->key), ERR_OK);
	assert_int_equal(week_parse(str_from(x->week), &r->week), ERR_OK);
	r->classes = x->classes;
	r->weight = x->weight;
	return r;
}

static const struct rule rules[] = {
	{"all", "", "", "", "east,west-1", 0, 10},
	{"uk", "", "+44*", "", "west", 0, 10},
	{"uk-day", "", "+44*", "mon-fri 08:00-18:00", "east-1", 0, 10},
	{"london", "", "+4420*", "mon-fri 08:00-18:00", "east-2", 0, 10},
	{"premium", "", "+4490*", "", "dear", CLASS_PREMIUM, 10},
	{"acme-uk", "acme", "+44*", "", "dear", 0, 10},
	{"family", "parent", "", "", "west-1", 0, 10},
	{"off", "", "+441*", "", "dear", 0, 10},
	{"dead", "", "+33*", "", "shut", 0, 10},
	{"a", "", "+49*", "", "east-1", 0, 74},
	{"b", "", "+49*", "", "east-2", 0, 24},
	{"exact", "", "+12015550100*", "", "dear", 0, 10},
};

static int
setup(void **state)
{
	static struct world w;

	roster_init(&w.r);
	world_account(&w, "acme");
	world_account(&w, "other");
	world_account(&w, "parent");
	world_account(&w, "child")->parent = STR("parent");
	carrier(&w, "east-1", "east", 10);
	carrier(&w, "east-2", "east", 20);
	carrier(&w, "west-1", "west", 10);
	carrier(&w, "west-2", "west", 5);
	carrier(&w, "dear", "", 10);
	carrier(&w, "shut", "", 10);
	w.r.trunk[w.r.n_trunks - 1].enabled = false;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (strcmp(rules[i].id, "off") == 0)
			add_rule(&w, &rules[i])->enabled = false;
		else
			add_rule(&w, &rules[i]);
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

/* Names of trunks, divided by spaces. */
static const char *
names_of(const struct world *w, const struct route *r)
{
	static char mem[256];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	for (uint32_t i = 0; i < r->n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", world_trunk_name(w, r->trunk[i]));
	return buf_cstr(&b);
}

static void
test_rules(void **state)
{
	static const struct {
		const char *name, *account, *number;
		enum policy_class class;
		uint32_t minute;
		const char *down; /* trunks */
		enum route_reason reason;
		const char *rule, *want;
	} table[] = {
		{"no prefix fits", "other", "+12015550101", CLASS_TERMINATION, MON_NOON, "",
		 ROUTE_OK, "all", "east-1 east-2 west-1"},
		{"prefix", "other", "+442015550101", CLASS_INTERNATIONAL, SUN_NOON, "", ROUTE_OK,
		 "uk", "west-2 west-1"},
		{"longest prefix", "other", "+442015550101", CLASS_INTERNATIONAL, MON_NOON, "",
		 ROUTE_OK, "london", "east-2"},
		{"not of its class", "other", "+449015550101", CLASS_INTERNATIONAL, SUN_NOON, "",
		 ROUTE_OK, "uk", "west-2 west-1"},
		{"of its class", "other", "+449015550101", CLASS_PREMIUM, SUN_NOON, "", ROUTE_OK,
		 "premium", "dear"},
		{"the account's own before a longer one of all", "acme", "+442015550101",
		 CLASS_INTERNATIONAL, MON_NOON, "", ROUTE_OK, "acme-uk", "dear"},
		{"else those of all", "acme", "+12015550101", CLASS_TERMINATION, MON_NOON, "",
		 ROUTE_OK, "all", "east-1 east-2 west-1"},
		{"the parent's", "child", "+442015550101", CLASS_INTERNATIONAL, MON_NOON, "",
		 ROUTE_OK, "family", "west-1"},
		{"switched off", "other", "+441015550101", CLASS_INTERNATIONAL, SUN_NOON, "",
		 ROUTE_OK, "uk", "west-2 west-1"},
		{"all its carriers are off", "other", "+33015550101", CLASS_INTERNATIONAL, MON_NOON,
		 "", ROUTE_NO_TARGET, "", ""},
		{"a whole number", "other", "+12015550100", CLASS_TERMINATION, MON_NOON, "",
		 ROUTE_OK, "exact", "dear"},
		{"a short number", "other", "988", CLASS_SERVICE, MON_NOON, "", ROUTE_OK, "all",
		 "east-1 east-2 west-1"},
		{"one is down", "other", "+12015550101", CLASS_TERMINATION, MON_NOON, "east-1",
		 ROUTE_OK, "all", "east-2 west-1 east-1"},
		{"all are down", "other", "+442015550101", CLASS_INTERNATIONAL, SUN_NOON,
		 "west-1 west-2", ROUTE_OK, "uk", "west-2 west-1"},
	};
	const struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct route_ask ask = {snapshot_account(&w->v, str_from(table[i].account)),
					str_from(table[i].number), table[i].class, table[i].minute};
		struct route r = {0};
		uint8_t down[8] = {0};
		const char *rule = "";

		for (uint32_t k = w->v.first_carrier; k < w->v.n_trunks; k++)
			down[k - w->v.first_carrier] =
				strstr(table[i].down, world_trunk_name(w, k)) != NULL;
		if (route_outbound(&w->v, &ask, down, i, &r) != table[i].reason)
			fail_msg("%s", table[i].name);
		if (r.n)
			rule = snapshot_route_id(&w->v, r.rule[0]).z;
		/* both of `uk` and `uk-day` fit at noon of a Monday: not asked here */
		if (strcmp(rule, table[i].rule) != 0 || strcmp(names_of(w, &r), table[i].want) != 0)
			fail_msg("%s: %s, %s", table[i].name, rule, names_of(w, &r));
	}
}

/* Routes that fit alike: the first by weight, the other behind it; the same for the same seed. */
static void
test_weight(void **state)
{
	const struct world *w = *state;
	struct route_ask ask = {POLICY_NONE, STR("+493015550101"), CLASS_INTERNATIONAL, MON_NOON};
	unsigned first_a = 0;

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct route r, again;

		assert_int_equal(route_outbound(&w->v, &ask, NULL, seed, &r), ROUTE_OK);
		assert_int_equal(route_outbound(&w->v, &ask, NULL, seed, &again), ROUTE_OK);
		assert_memory_equal(&r, &again, sizeof(r));
		assert_int_equal(r.n, 2);
		first_a += strcmp(world_trunk_name(w, r.trunk[0]), "east-1") == 0;
	}
	assert_in_range(first_a, SEEDS * 71 / 100, SEEDS * 79 / 100);
}

static void
test_overflow(void **state)
{
	static const struct {
		const char *number;
		enum route_reason reason;
		const char *want;
	} table[] = {
		{"+12015550100", ROUTE_OK, "one two four"}, /* three is off */
		{"+12015550101", ROUTE_OK, "four one two"}, /* a ring */
		{"+12015550102", ROUTE_OK, "alone"},
		{"+12015550103", ROUTE_DISABLED, ""},
	};
	struct world w = {0};

	(void)state;
	roster_init(&w.r);
	world_account(&w, "acme");
	world_trunk(&w, "acme", "one", "pbx1.acme.example")->overflow = STR("two");
	world_trunk(&w, "acme", "two", "pbx2.acme.example")->overflow = STR("three");
	world_trunk(&w, "acme", "three", "pbx3.acme.example")->overflow = STR("four");
	w.r.trunk[2].enabled = false;
	world_trunk(&w, "acme", "four", "pbx4.acme.example")->overflow = STR("one");
	world_trunk(&w, "acme", "alone", "pbx5.acme.example");
	world_trunk(&w, "acme", "dead", "pbx6.acme.example")->enabled = false;
	world_number(&w, "+12015550100", "one");
	world_number(&w, "+12015550101", "four");
	world_number(&w, "+12015550102", "alone");
	world_number(&w, "+12015550103", "dead");
	world_build(&w);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct route r = {0};

		assert_int_equal(route_inbound(&w.v, str_from(table[i].number), &r),
				 table[i].reason);
		assert_string_equal(names_of(&w, &r), table[i].want);
	}
	world_fini(&w);
}

static void
test_hunts(void **state)
{
	static const struct {
		const char *name, *hunt, *stop;
		int status;
		bool want;
	} table[] = {
		{"no answer", "", "", 0, true},
		{"408", "", "", 408, true},
		{"5xx", "", "", 503, true},
		{"busy", "", "", 486, false},
		{"declined", "", "", 603, false},
		{"redirected", "", "", 302, false},
		{"hunt", "404,486", "", 486, true},
		{"hunt, another one", "404,486", "", 480, false},
		{"hunt a class", "4xx", "", 480, true},
		{"stop", "", "500", 500, false},
		{"stop, another one", "", "500", 503, true},
		{"stop a class", "", "5xx", 503, false},
		{"a whole status before a class", "503", "5xx", 503, true},
		{"likewise", "5xx", "503", 503, false},
		{"class of hunt", "6xx", "603", 600, true},
		{"stop before hunt", "486", "486", 486, false},
		{"no answer has no status", "", "5xx", 0, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world w = {0};
		struct roster_trunk *t;

		roster_init(&w.r);
		carrier(&w, "gw", "", 10);
		t = &w.r.trunk[0];
		t->hunt = str_from(table[i].hunt);
		t->stop = str_from(table[i].stop);
		world_build(&w);
		if (route_hunts(&w.v, 0, table[i].status) != table[i].want)
			fail_msg("%s", table[i].name);
		world_fini(&w);
	}
	assert_true(route_hunts(NULL, POLICY_NONE, 500));
	assert_false(route_hunts(NULL, POLICY_NONE, 486));
}

/* ---- the longest match against a plain search ---- */

static uint32_t
plain_longest(const struct snapshot_view *v, struct str number)
{
	uint32_t best = POLICY_NONE;
	unsigned best_digits = 0;

	for (uint32_t i = 0; i < v->n_routes; i++) {
		char mem[NUMBER_SIZE];
		struct buf b;
		unsigned digits = v->route[i].key ? number_key_digits(v->route[i].key) : 0;

		buf_init(&b, mem, sizeof(mem));
		if (v->route[i].key) {
			number_key_put(&b, v->route[i].key);
			b.len--; /* the star */
		}
		if (str_starts(number, buf_view(&b)) &&
		    (best == POLICY_NONE || digits >= best_digits)) {
			best = i;
			best_digits = digits;
		}
	}
	return best;
}

static uint64_t
next_number(uint64_t *x)
{
	*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
	return *x >> 33;
}

static void
test_longest(void **state)
{
	struct world w = {0};
	uint64_t x = 1;
	static char ids[MANY][12], prefix[NUMBER_SIZE];

	(void)state;
	roster_init(&w.r);
	carrier(&w, "gw", "", 10);
	for (uint32_t i = 0; i < MANY; i++) { /* few digits, so that they nest and meet */
		unsigned len = (unsigned)(next_number(&x) % 8);
		struct buf b;

		(void)snprintf(ids[i], sizeof(ids[i]), "r%u", i);
		buf_init(&b, prefix, sizeof(prefix));
		buf_z(&b, len ? "+" : "");
		for (unsigned k = 0; k < len; k++)
			buf_char(&b, k ? "0129"[next_number(&x) % 4] : "129"[next_number(&x) % 3]);
		buf_z(&b, len ? "*" : "");
		add_rule(&w, &(struct rule){ids[i], "", buf_cstr(&b), "", "gw", 0, 1});
	}
	world_build(&w);
	for (uint32_t i = 0; i < MANY; i++) {
		char number[NUMBER_SIZE];
		struct buf b;
		uint64_t key;

		buf_init(&b, number, sizeof(number));
		buf_char(&b, '+');
		for (unsigned k = 0; k < 8 + i % 8; k++)
			buf_char(&b, k ? "0129"[next_number(&x) % 4] : "1293"[next_number(&x) % 4]);
		assert_int_equal(number_key(buf_view(&b), &key), ERR_OK);
		assert_int_equal(snapshot_route_longest(&w.v, 0, w.v.n_routes, key),
				 plain_longest(&w.v, buf_view(&b)));
	}
	world_fini(&w);
}

static void
keep_fault(void *arg, const struct roster_fault *f)
{
	(void)snprintf(arg, sizeof(f->text), "%s", f->text);
}

/* What a roster must not say. */
static void
test_faults(void **state)
{
	static const struct {
		const char *name, *want;
		struct rule rule;
	} table[] = {
		{"no such carrier",
		 "neither a carrier nor a group",
		 {"x", "", "", "", "east,none", 0, 1}},
		{"a customer's trunk",
		 "neither a carrier nor a group",
		 {"x", "", "", "", "acme-1", 0, 1}},
		{"no such account", "no account \"none\"", {"x", "none", "", "", "east", 0, 1}},
		{"nearly a carrier", "; did you mean \"gw\"?", {"x", "", "", "", "gq", 0, 1}},
		{"nearly a group", "; did you mean \"east\"?", {"x", "", "", "", "esat", 0, 1}},
		{"nearly an account",
		 "; did you mean \"acme\"?",
		 {"x", "acne", "", "", "gw", 0, 1}},
		{"twice", "stands twice", {"all", "acme", "", "", "east", 0, 1}},
	};
	static char fault[sizeof(((struct roster_fault *)0)->text)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world w = {0};
		uint32_t n = 0;

		roster_init(&w.r);
		world_account(&w, "acme");
		world_trunk(&w, "acme", "acme-1", "pbx.acme.example");
		carrier(&w, "gw", "east", 10);
		add_rule(&w, &(struct rule){"all", "", "", "", "gw", 0, 1});
		assert_int_equal(roster_check(&w.r, NULL, NULL, &n), ERR_OK);
		assert_int_equal(n, 0);
		add_rule(&w, &table[i].rule);
		assert_int_equal(roster_check(&w.r, keep_fault, fault, &n), ERR_OK);
		if (n != 1)
			fail_msg("%s: %u faults", table[i].name, n);
		if (!strstr(fault, table[i].want) ||
		    !strstr(table[i].want, "mean") != !strstr(fault, "mean"))
			fail_msg("%s: %s", table[i].name, fault);
		roster_fini(&w.r);
	}
}

static void
test_faults_of_trunks(void **state)
{
	static const struct {
		const char *name, *overflow, *group;
		uint32_t faults;
	} table[] = {
		{"none", "", "", 0},
		{"another of its own", "acme-2", "east", 0},
		{"itself", "acme-1", "", 1},
		{"of another account", "other-1", "", 1},
		{"a carrier", "gw", "", 1},
		{"nobody", "none", "", 1},
		{"a group named as a trunk", "", "acme-2", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world w = {0};
		uint32_t n = 0;

		roster_init(&w.r);
		world_account(&w, "acme");
		world_account(&w, "other");
		world_trunk(&w, "acme", "acme-1", "pbx.acme.example")->overflow =
			str_from(table[i].overflow);
		world_trunk(&w, "acme", "acme-2", "pbx2.acme.example");
		world_trunk(&w, "other", "other-1", "pbx.other.example");
		carrier(&w, "gw", table[i].group, 10);
		assert_int_equal(roster_check(&w.r, NULL, NULL, &n), ERR_OK);
		if (n != table[i].faults)
			fail_msg("%s: %u faults", table[i].name, n);
		roster_fini(&w.r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_weight),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_hunts),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_faults_of_trunks),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
