/* The kinds of identity: certificate, certificate and address, address; listeners of their own;
 * parents and children (A1, A4). */
#include "world.h"

#include "policy/identity.h"

static struct world w;
static struct addrbook book;

static struct roster_trunk *
add_one(const char *account, const char *trunk, const char *host)
{
	world_account(&w, account);
	return world_trunk(&w, account, trunk, host);
}

static struct roster_trunk *
add_child(const char *account, const char *trunk, const char *host)
{
	struct roster_trunk *t = add_one(account, trunk, host);

	w.r.account[w.r.n_accounts - 1].parent = STR("platform");
	return t;
}

static struct addr
at(const char *z)
{
	struct addr a;

	assert_int_equal(addr_parse(str_from(z), &a), ERR_OK);
	return a;
}

static int
setup(void **state)
{
	struct addrbook_news news = {.ok = true, .n = 1, .ttl_s = 60};
	struct roster_trunk *t;

	(void)state;
	w = (struct world){0};
	roster_init(&w.r);
	t = add_one("both", "both-1", "pbx.both.example");
	t->identity = TRUNK_BY_CERTIFICATE_ADDRESS;
	world_source(t, "192.0.2.0/24");
	t = add_one("dns", "dns-1", "pbx.dns.example");
	t->identity = TRUNK_BY_CERTIFICATE_ADDRESS;
	t = add_one("new", "new-1", "pbx.new.example");
	t->identity = TRUNK_BY_CERTIFICATE_ADDRESS;
	t = add_one("bare", "bare-1", "192.0.2.77");
	t->identity = TRUNK_BY_ADDRESS;
	world_source(t, "192.0.2.77/32");
	t->zone = STR("z");
	t = add_one("bareoff", "bareoff-1", "192.0.2.78");
	w.r.account[w.r.n_accounts - 1].tls_srtp = TLS_SRTP_REQUESTED;
	t->identity = TRUNK_BY_ADDRESS;
	world_source(t, "192.0.2.78/32");
	add_one("strict", "strict-1", "pbx.strict.example");
	w.r.account[w.r.n_accounts - 1].tls_wildcard = false;
	add_one("cn", "cn-1", "pbx.cn.example");
	w.r.account[w.r.n_accounts - 1].tls_cn = true;
	t = add_one("placed", "placed-1", "pbx.placed.example");
	t->listener = STR("outside");
	t = world_trunk(&w, "placed", "placed-line", "203.0.113.9");
	t->transport = TRUNK_UDP;
	t->security = TRUNK_SEC_DEDICATED;
	t->listener = STR("line");
	world_source(t, "203.0.113.9/32");
	/* a provider of hosted PBXs with a trunk of its own, and three customers */
	add_one("platform", "platform-1", "sbc.platform.example");
	add_child("kid-a", "kid-a-1", "sbc.platform.example");
	world_number(&w, "+12015550100", "kid-a-1");
	t = add_child("kid-b", "kid-b-1", "b.platform.example");
	world_number(&w, "+12015550200", "kid-b-1");
	t->zone = STR("z");
	add_child("kid-off", "kid-off-1", "sbc.platform.example");
	w.r.account[w.r.n_accounts - 1].enabled = false;
	world_number(&w, "+12015550300", "kid-off-1");
	world_number(&w, "+12015550400", "both-1");
	world_build(&w);
	assert_int_equal(addrbook_init(&book, 8), ERR_OK);
	assert_int_equal(addrbook_keep(&book, STR("pbx.dns.example")), ERR_OK);
	assert_int_equal(addrbook_keep(&book, STR("pbx.new.example")), ERR_OK);
	news.addr[0] = at("198.51.100.5");
	addrbook_answer(&book, STR("pbx.dns.example"), &news, 1000);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	addrbook_fini(&book);
	world_fini(&w);
	return 0;
}

static void
put_trunks(struct buf *b, const struct identity *id)
{
	for (uint32_t i = 0; i < id->n_trunks; i++) {
		buf_z(b, i ? "," : "");
		buf_z(b, world_trunk_name(&w, id->trunk[i]));
	}
}

static void
test_peer(void **state)
{
	static const struct {
		const char *name, *dns, *dns2; /* dns NULL: no certificate */
		const char *source, *zone, *listener;
		enum identity_reason reason;
		const char *account, *want, *why;
	} rows[] = {
		{"A4 both: from its list", "pbx.both.example", NULL, "192.0.2.9", "z", "", 0,
		 "both", "both-1", ""},
		{"A4 both: from elsewhere", "pbx.both.example", NULL, "198.51.100.9", "z", "",
		 IDENTITY_SOURCE, "both", "", "does not come from 198.51.100.9"},
		{"A4 both: certificate of another", "pbx.dns.example", NULL, "192.0.2.9", "z", "",
		 IDENTITY_SOURCE, "dns", "", "trunk dns-1"},
		{"A4 both: no certificate", NULL, NULL, "192.0.2.9", "z", "", IDENTITY_SOURCE, "",
		 "", "no certificate was shown"},
		{"DNS: its address", "pbx.dns.example", NULL, "198.51.100.5", "z", "", 0, "dns",
		 "dns-1", ""},
		{"DNS: another address", "pbx.dns.example", NULL, "198.51.100.6", "z", "",
		 IDENTITY_SOURCE, "dns", "", "does not come from"},
		{"DNS: not known yet", "pbx.new.example", NULL, "198.51.100.5", "z", "",
		 IDENTITY_LOOKUP, "new", "", "pbx.new.example) are not known yet"},
		{"address", NULL, NULL, "192.0.2.77", "z", "", 0, "bare", "bare-1", ""},
		{"address: another zone", NULL, NULL, "192.0.2.77", "z2", "", IDENTITY_SOURCE, "",
		 "", "source address 192.0.2.77"},
		{"address: not on yet", NULL, NULL, "192.0.2.78", "z", "", IDENTITY_TLS_OFF,
		 "bareoff", "", "not ready or on"},
		{"address trunk has no name", "192.0.2.77", NULL, "192.0.2.77", "z", "",
		 IDENTITY_UNKNOWN, "", "", ""},
		{"wildcard not accepted", "*.strict.example", NULL, "192.0.2.1", "z", "",
		 IDENTITY_BARRED, "strict", "", "does not accept a wildcard"},
		{"exact name accepted", "pbx.strict.example", NULL, "192.0.2.1", "z", "", 0,
		 "strict", "strict-1", ""},
		{"common name does not count", "cn:pbx.strict.example", NULL, "192.0.2.1", "z", "",
		 IDENTITY_NO_NAME, "", "", ""},
		{"common name counts there", "cn:pbx.cn.example", NULL, "192.0.2.1", "z", "", 0,
		 "cn", "cn-1", ""},
		{"its listener", "pbx.placed.example", NULL, "192.0.2.1", "z", "outside", 0,
		 "placed", "placed-1", ""},
		{"another listener", "pbx.placed.example", NULL, "192.0.2.1", "z", "inside",
		 IDENTITY_LISTENER, "placed", "", "listener outside only"},
		{"parent and child share a name", "sbc.platform.example", NULL, "192.0.2.1", "z",
		 "", 0, "platform", "kid-a-1,platform-1", ""},
		{"a child's own name", "b.platform.example", NULL, "192.0.2.1", "z", "", 0, "kid-b",
		 "kid-b-1", ""},
		{"wildcard over the family", "*.platform.example", NULL, "192.0.2.1", "z", "", 0,
		 "platform", "kid-a-1,kid-b-1,platform-1", ""},
		{"A1 family and a stranger", "sbc.platform.example", "pbx.strict.example",
		 "192.0.2.1", "z", "", IDENTITY_AMBIGUOUS, "", "", "as well"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str dns[2] = {str_from(rows[i].dns), str_from(rows[i].dns2)};
		struct cert_view cert = {.dns = dns, .n_dns = rows[i].dns2 ? 2 : 1};
		struct identity_peer p = {.cert = rows[i].dns ? &cert : NULL,
					  .zone = str_from(rows[i].zone),
					  .listener = str_from(rows[i].listener),
					  .source = at(rows[i].source),
					  .book = &book,
					  .now_us = 2000};
		struct identity id = {0};
		bool cn = str_starts(dns[0], STR("cn:"));
		char got[256], why[IDENTITY_WHY_MAX];
		struct buf g, y;
		enum identity_reason r;

		if (cn) {
			cert.cn = str_from_at(dns[0], 3);
			cert.n_dns = 0;
		}
		buf_init(&g, got, sizeof(got));
		buf_init(&y, why, sizeof(why));
		r = identity_of_peer(&w.v, &p, &id, &y);
		put_trunks(&g, &id);
		if (r != rows[i].reason || strcmp(id.account_id.z, rows[i].account) != 0 ||
		    strcmp(buf_cstr(&g), rows[i].want) != 0 || !strstr(buf_cstr(&y), rows[i].why))
			fail_msg("%s: %s account \"%s\" \"%s\" why \"%s\"", rows[i].name,
				 identity_reason_name(r), id.account_id.z, buf_cstr(&g),
				 buf_cstr(&y));
	}
}

/* A dedicated trunk is reached over its own listener and source, and over nothing else. */
static void
test_dedicated(void **state)
{
	static const struct {
		const char *name, *listener, *source;
		enum identity_reason reason;
	} rows[] = {
		{"its own", "line", "203.0.113.9:5060", IDENTITY_OK},
		{"another listener", "outside", "203.0.113.9:5060", IDENTITY_SOURCE},
		{"no listener", "", "203.0.113.9:5060", IDENTITY_SOURCE},
		{"another source", "line", "203.0.113.8:5060", IDENTITY_SOURCE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identity_origin o = {.kind = TRUNK_CUSTOMER,
					    .transport = TRUNK_UDP,
					    .listener = str_from(rows[i].listener),
					    .source = at(rows[i].source)};
		struct identity id = {0};

		if (identity_of_source(&w.v, &o, &id, NULL) != rows[i].reason)
			fail_msg("%s", rows[i].name);
		assert_int_equal(id.n_trunks, rows[i].reason == IDENTITY_OK);
	}
}

/* Whose call is it, over the connection of the provider? */
static void
test_children(void **state)
{
	static const struct {
		const char *name, *host, *zone, *calling, *want;
	} rows[] = {
		{"number of a child", "z", "z", "+12015550100", "kid-a-1"},
		{"number of another child", "z", "z", "+12015550200", "kid-b-1"},
		{"that child's zone only", "z", "z2", "+12015550200", "platform-1"},
		{"child switched off", "z", "z", "+12015550300", "platform-1"},
		{"A4 number of a stranger", "z", "z", "+12015550400", "platform-1"},
		{"nobody's number", "", "", "+12125550000", "platform-1"},
		{"no number", "", "", "", "platform-1"},
	};
	struct str dns = STR("sbc.platform.example");
	struct cert_view cert = {.dns = &dns, .n_dns = 1};
	struct identity_peer p = {.cert = &cert, .zone = STR("z"), .source = at("192.0.2.1")};
	struct identity id = {0};

	(void)state;
	assert_int_equal(identity_of_peer(&w.v, &p, &id, NULL), IDENTITY_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct identity_request rq = {.source = at("192.0.2.1"),
					      .host = str_from(rows[i].host),
					      .zone = str_from(rows[i].zone),
					      .calling = str_from(rows[i].calling)};
		uint32_t t = identity_pick(&w.v, &id, &rq);

		if (!str_eqz(str_from(world_trunk_name(&w, t)), rows[i].want))
			fail_msg("%s: %s", rows[i].name, world_trunk_name(&w, t));
	}
}

static void
test_speaks_for(void **state)
{
	static const struct {
		const char *who, *account;
		bool want;
	} rows[] = {
		{"platform", "platform", true}, {"platform", "kid-a", true},
		{"kid-a", "platform", false},   {"kid-a", "kid-b", false},
		{"both", "kid-a", false},       {"", "", true},
		{"", "kid-a", false},           {"platform", "", false},
		{"platform", "gone", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy_id who, account;

		assert_int_equal(str_copyz(who.z, sizeof(who.z), str_from(rows[i].who)), ERR_OK);
		assert_int_equal(str_copyz(account.z, sizeof(account.z), str_from(rows[i].account)),
				 ERR_OK);
		if (identity_speaks_for(&w.v, &who, &account) != rows[i].want)
			fail_msg("%s for %s", who.z, account.z);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_peer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dedicated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_children, setup, teardown),
		cmocka_unit_test_setup_teardown(test_speaks_for, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
