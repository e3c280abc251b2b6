/* Whose connection a ClientHello says it is. */
#include "world.h"

#include "policy/hello.h"

static struct world w;

static void
add_one(const char *account, const char *source, const char *zone, const char *listener)
{
	struct roster_trunk *t;

	world_account(&w, account);
	t = world_trunk(&w, account, account, account);
	t->zone = str_from(zone);
	t->listener = str_from(listener);
	if (source)
		world_source(t, source);
}

static int
setup(void **state)
{
	(void)state;
	w = (struct world){0};
	roster_init(&w.r);
	add_one("acme.example", NULL, "", "");
	add_one("beta", "192.0.2.0/24", "", "");
	add_one("gamma", "192.0.2.7/32", "", "");
	add_one("delta", "198.51.100.1/32", "z.example", "");
	add_one("eps", "198.51.100.2/32", "", "wan");
	add_one("off", "198.51.100.3/32", "", "");
	w.r.account[w.r.n_accounts - 1].enabled = false;
	add_one("Upper", "2001:db8::/64", "", "");
	world_build(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_fini(&w);
	return 0;
}

static void
accounts(void **state)
{
	static const struct {
		const char *row, *sni, *zone, *listener, *source, *want;
	} rows[] = {
		{"nothing", "", "z.example", "", "203.0.113.1", "-"},
		{"the zone itself", "z.example", "z.example", "", "203.0.113.1", "-"},
		{"by name", "beta.z.example", "z.example", "", "203.0.113.1", "beta"},
		{"by name, a dot", "beta.z.example.", "z.example", "", "203.0.113.1", "beta"},
		{"by name, capitals", "BETA.Z.example", "z.example", "", "203.0.113.1", "beta"},
		{"by name, id with capitals", "Upper.z.example", "z.example", "", "203.0.113.1",
		 "Upper"},
		{"name before address", "beta.z.example", "z.example", "", "198.51.100.1", "beta"},
		{"an unknown name: the address", "what.z.example", "z.example", "", "198.51.100.1",
		 "delta"},
		{"two labels", "a.beta.z.example", "z.example", "", "203.0.113.1", "-"},
		{"of another zone", "beta.y.example", "z.example", "", "203.0.113.1", "-"},
		{"by address", "", "z.example", "", "192.0.2.9", "beta"},
		{"two accounts list it", "", "z.example", "", "192.0.2.7", "-"},
		{"of a trunk of this zone", "", "z.example", "", "198.51.100.1", "delta"},
		{"of a trunk of another zone", "", "y.example", "", "198.51.100.1", "-"},
		{"of this listener", "", "z.example", "wan", "198.51.100.2", "eps"},
		{"of another listener", "", "z.example", "lan", "198.51.100.2", "-"},
		{"switched off", "", "z.example", "", "198.51.100.3", "-"},
		{"IPv6", "", "z.example", "", "2001:db8::5", "Upper"},
		{"a label without end",
		 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.z."
		 "example",
		 "z.example", "", "203.0.113.1", "-"},
		{"no label", ".z.example", "z.example", "", "203.0.113.1", "-"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hello_peer p = {.sni = str_from(rows[i].sni),
				       .zone = str_from(rows[i].zone),
				       .listener = str_from(rows[i].listener)};
		uint32_t a;

		assert_int_equal(addr_parse_ip(str_from(rows[i].source), &p.source), ERR_OK);
		a = hello_account(&w.v, &p);
		if (strcmp(a == POLICY_NONE ? "-" : snapshot_account_id(&w.v, a).z, rows[i].want))
			fail_msg("%s: %s", rows[i].row,
				 a == POLICY_NONE ? "-" : snapshot_account_id(&w.v, a).z);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(accounts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
