#include "world.h"

#include "policy/change.h"

static char faults[4096];

static void
note_fault(void *arg, const struct roster_fault *f)
{
	struct buf *b = arg;

	buf_printf(b, "%u: %s\n", f->place, f->text);
}

/* What is done to a good roster, and the fault that it must give. */
static void
twice_account(struct world *w)
{
	world_account(w, "acme")->place = 9;
}
static void
bad_id(struct world *w)
{
	world_account(w, "a b");
}
static void
no_account(struct world *w)
{
	world_trunk(w, "nobody", "n-1", "n.example");
}
static void
twice_trunk(struct world *w)
{
	world_source(world_trunk(w, NULL, "acme-1", "192.0.2.1"), "192.0.2.1/32");
}
static void
same_name(struct world *w)
{
	world_account(w, "bolt");
	world_trunk(w, "bolt", "bolt-1", "pbx.acme.example");
}
static void
other_zone(struct world *w)
{
	world_account(w, "bolt");
	world_trunk(w, "bolt", "bolt-1", "pbx.acme.example")->zone = STR("z2");
	w->r.trunk[0].zone = STR("z1");
}
static void
srtp_over_udp(struct world *w)
{
	struct roster_trunk *t = world_trunk(w, "acme", "u", "192.0.2.1");

	t->transport = TRUNK_UDP;
	world_source(t, "192.0.2.1/32");
}
static void
dtls_preferred(struct world *w)
{
	struct roster_trunk *t = world_trunk(w, "acme", "d", "d.acme.example");

	t->keying = TRUNK_KEYING_DTLS;
	t->security = TRUNK_SEC_PREFERRED;
}
static void
dtls_without_suite(struct world *w)
{
	struct roster_trunk *t = world_trunk(w, "acme", "d", "d.acme.example");

	t->keying = TRUNK_KEYING_DTLS;
	t->srtp = STR("AES_256_CM_HMAC_SHA1_80");
}
static void
named_over_udp(struct world *w)
{
	struct roster_trunk *t = world_trunk(w, "acme", "u", "192.0.2.1");

	t->transport = TRUNK_UDP;
	t->security = TRUNK_SEC_REFUSED;
	t->contact = TRUNK_CONTACT_FQDN;
	world_source(t, "192.0.2.1/32");
}
static void
udp_without_source(struct world *w)
{
	world_trunk(w, NULL, "gw", "192.0.2.1");
}
static void
address_without_name(struct world *w)
{
	world_trunk(w, "acme", "a-ip", "192.0.2.1");
}
static void
number_nowhere(struct world *w)
{
	world_number(w, "+12015550101", "none");
}
static void
number_to_carrier(struct world *w)
{
	world_source(world_trunk(w, NULL, "gw", "192.0.2.1"), "192.0.2.1/32");
	world_number(w, "+12015550101", "gw");
}
static void
number_twice(struct world *w)
{
	world_number(w, "+12015550100", "acme-1");
}
static void
too_many(struct world *w)
{
	static char id[POLICY_ACCOUNT_TRUNKS_MAX][16], host[POLICY_ACCOUNT_TRUNKS_MAX][32];

	for (int i = 0; i < POLICY_ACCOUNT_TRUNKS_MAX; i++) {
		snprintf(id[i], sizeof(id[i]), "t%d", i);
		snprintf(host[i], sizeof(host[i]), "h%d.example", i);
		world_trunk(w, "acme", id[i], host[i]);
	}
}
static void
nothing(struct world *w)
{
	(void)w;
}

static void
test_faults(void **state)
{
	static const struct {
		const char *name;
		void (*do_break)(struct world *w);
		const char *want; /* "" = none */
	} table[] = {
		{"good", nothing, ""},
		{"account twice", twice_account, "9: account \"acme\" stands twice"},
		{"bad id", bad_id, "\"a b\" is not an id"},
		{"no account", no_account, "no account \"nobody\""},
		{"trunk twice", twice_trunk, "trunk \"acme-1\" stands twice"},
		{"name of two", same_name,
		 "\"pbx.acme.example\" is a name of account \"acme\" already"},
		{"name in two zones", other_zone, ""},
		{"name of a zone over udp", named_over_udp,
		 "contact fqdn shows the name of a zone"},
		{"dtls preferred", dtls_preferred, "keying dtls is never left out"},
		{"dtls without a suite", dtls_without_suite, "DTLS has no number"},
		{"srtp over udp", srtp_over_udp, "SRTP keys may not go over udp"},
		{"udp without source", udp_without_source, "give sources"},
		{"address without name", address_without_name, "give names"},
		{"number nowhere", number_nowhere, "+12015550101: no customer trunk \"none\""},
		{"number to a carrier", number_to_carrier, "no customer trunk \"gw\""},
		{"number twice", number_twice, "number +12015550100 stands twice"},
		{"too many trunks", too_many, "more than 32 trunks"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world w = {0};
		uint32_t n = 0;
		struct buf b;

		roster_init(&w.r);
		world_account(&w, "acme");
		world_trunk(&w, "acme", "acme-1", "pbx.acme.example");
		world_number(&w, "+12015550100", "acme-1");
		table[i].do_break(&w);
		buf_init(&b, faults, sizeof(faults));
		assert_int_equal(roster_check(&w.r, note_fault, &b, &n), ERR_OK);
		if (n != (table[i].want[0] != 0) || !strstr(buf_cstr(&b), table[i].want))
			fail_msg("%s: %u faults: %s", table[i].name, n, buf_cstr(&b));
		world_fini(&w);
	}
}

static enum err
note_change(void *arg, const struct change *c)
{
	static const char how[CHANGE_HOW_N] = {'+', '-', '~'};
	struct buf *b = arg;

	buf_char(b, how[c->how]);
	change_field_put(b, c->what, c->before ? c->before : c->after, 0);
	for (unsigned i = 0; c->how == CHANGE_EDIT && i < change_fields(c->what); i++)
		if (!change_field_same(c->what, c->before, c->after, i)) {
			buf_printf(b, " %s=", change_field_name(c->what, i));
			change_field_put(b, c->what, c->after, i);
		}
	buf_char(b, '\n');
	return ERR_OK;
}

static void
test_changes(void **state)
{
	struct world a = {0}, b = {0};
	char got[1024];
	struct buf g;
	uint32_t n;

	(void)state;
	roster_init(&a.r);
	roster_init(&b.r);
	world_account(&a, "acme");
	world_account(&a, "gone");
	world_trunk(&a, "acme", "t1", "pbx.acme.example");
	world_trunk(&a, "gone", "t2", "pbx.gone.example");
	world_number(&a, "+12015550100", "t1");
	world_number(&a, "+12015550101", "t2");
	world_number(&a, "+12015550102", "t1");
	world_account(&b, "acme")->max_calls = 9;
	world_account(&b, "new");
	world_trunk(&b, "new", "t1", "pbx.acme.example")->order = 1;
	world_source(&b.r.trunk[0], "192.0.2.0/24");
	world_number(&b, "+12015550100", "t1");
	world_number(&b, "+12015550102", "t1");
	world_number(&b, "+1202*", "t1");
	buf_init(&g, got, sizeof(got));
	assert_int_equal(change_walk(&a.r, &b.r, note_change, &g, &n), ERR_OK);
	assert_string_equal(buf_cstr(&g), "-+12015550101\n-t2\n-gone\n~acme max_calls=9\n+new\n"
					  "~t1 account=new sources=192.0.2.0/24\n++1202*\n");
	assert_int_equal(n, 7);
	buf_reset(&g);
	assert_int_equal(change_walk(&b.r, &b.r, note_change, &g, &n), ERR_OK);
	assert_int_equal(n, 0);
	world_fini(&a);
	world_fini(&b);
}

/* Which entry serves a number: itself, else the longest prefix. */
static void
test_number_of(void **state)
{
	static const struct {
		const char *pattern, *want;
	} table[] = {
		{"+15551240001", "+1555124*"},
		{"+15551240007", "+15551240007"},
		{"+15551250001", "+1555*"},
		{"+1555124*", "+1555124*"},
		{"+15551247*", "+1555124*"},
		{"+1555*", "+1555*"},
		{"+155*", "none"},
		{"+442079460000", "none"},
		{"+155512400071", "+1555124*"},
		{"5551240001", "none"},
		{"", "none"},
	};
	struct world w = {0};

	(void)state;
	roster_init(&w.r);
	world_number(&w, "+1555*", "t1");
	world_number(&w, "+1555124*", "t1");
	world_number(&w, "+15551240007", "t1");
	world_number(&w, "+15551240008", "t1");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct roster_number *n = roster_number_of(&w.r, str_from(table[i].pattern));
		char mem[NUMBER_SIZE];
		struct buf b;

		buf_init(&b, mem, sizeof(mem) - 1);
		if (n)
			number_key_put(&b, n->key);
		else
			buf_z(&b, "none");
		if (!str_eqz(buf_view(&b), table[i].want))
			fail_msg("%s: %s", table[i].pattern, buf_cstr(&b));
	}
	world_fini(&w);
}

/* Which rate counts for a number or prefix: the longest prefix that covers all of it. */
static void
test_rate_of(void **state)
{
	static const struct {
		const char *pattern, *want;
	} table[] = {
		{"+442079460000", "+4420*"},
		{"+441179460000", "+44*"},
		{"+4420", "+4420*"},
		{"+4420*", "+4420*"},
		{"+442*", "+44*"},
		{"+44", "+44*"},
		{"+4", "none"},
		{"+15551230000", "none"},
		{"442079460000", "none"},
		{"*", "none"},
		{"", "none"},
	};
	static const char *const prefixes[] = {"+44*", "+4420*", "+4421*"};
	struct world w = {0};

	(void)state;
	roster_init(&w.r);
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		struct roster_rate *r;

		assert_int_equal(roster_add_rate(&w.r, &r), ERR_OK);
		assert_int_equal(number_key(str_from(prefixes[i]), &r->key), ERR_OK);
	}
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct roster_rate *r = roster_rate_of(&w.r, str_from(table[i].pattern));
		char mem[NUMBER_SIZE];
		struct buf b;

		buf_init(&b, mem, sizeof(mem) - 1);
		if (r)
			number_key_put(&b, r->key);
		else
			buf_z(&b, "none");
		if (!str_eqz(buf_view(&b), table[i].want))
			fail_msg("%s: %s", table[i].pattern, buf_cstr(&b));
	}
	world_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_number_of),
		cmocka_unit_test(test_rate_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
