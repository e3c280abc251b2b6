#include "world.h"

#include "policy/identity.h"

enum { MAX_SANS = 4 };

/* One world for all rows: see setup. want: trunks divided by commas. */
static const struct {
	const char *name;
	const char *dns[MAX_SANS], *uri[MAX_SANS];
	const char *zone, *source;
	enum identity_reason reason;
	const char *want, *why; /* why: a part of the sentence */
} rows[] = {
	{"exact name", {"pbx.acme.example"}, {0}, "z", "192.0.2.1", IDENTITY_OK, "acme-1", ""},
	{"upper case, final dot",
	 {"PBX.Acme.Example."},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_OK,
	 "acme-1",
	 ""},
	{"wildcard covers one label",
	 {"*.acme.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_OK,
	 "acme-1,acme-2",
	 ""},
	{"wildcard does not cover two",
	 {"*.deep.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_WILDCARD,
	 "",
	 "the certificate is for *.deep.example, which does not cover a.pbx.deep.example: a "
	 "wildcard "
	 "covers one label"},
	{"wildcard does not cover its own domain",
	 {"*.pbx.acme.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_WILDCARD,
	 "",
	 "does not cover pbx.acme.example"},
	{"wildcard of another domain",
	 {"*.acme2.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_UNKNOWN,
	 "",
	 "*.acme2.example"},
	{"wildcard in the middle",
	 {"pbx.*.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_UNKNOWN,
	 "",
	 ""},
	{"partial wildcard", {"pb*.acme.example"}, {0}, "z", "192.0.2.1", IDENTITY_UNKNOWN, "", ""},
	{"wildcard of a top domain",
	 {"*.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_WILDCARD,
	 "",
	 ""},
	{"bare star", {"*"}, {0}, "z", "192.0.2.1", IDENTITY_UNKNOWN, "", ""},
	{"end of a name", {"acme.example"}, {0}, "z", "192.0.2.1", IDENTITY_UNKNOWN, "", ""},
	{"no names", {0}, {0}, "z", "192.0.2.1", IDENTITY_NO_NAME, "", "no DNS name"},
	{"sip URI", {0}, {"sip:pbx.acme.example"}, "z", "192.0.2.1", IDENTITY_OK, "acme-1", ""},
	{"sip URI with user",
	 {0},
	 {"sip:bob@pbx.acme.example"},
	 "z",
	 "192.0.2.1",
	 IDENTITY_NO_NAME,
	 "",
	 ""},
	{"sip URI hides DNS",
	 {"pbx.acme.example"},
	 {"sip:other.example"},
	 "z",
	 "192.0.2.1",
	 IDENTITY_UNKNOWN,
	 "",
	 "other.example"},
	{"other URI does not",
	 {"pbx.acme.example"},
	 {"https://pbx.acme.example/"},
	 "z",
	 "192.0.2.1",
	 IDENTITY_OK,
	 "acme-1",
	 ""},
	{"two names, two trunks",
	 {"pbx2.acme.example", "pbx.acme.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_OK,
	 "acme-1,acme-2",
	 ""},
	{"two accounts",
	 {"pbx.acme.example", "sip.bolt.example"},
	 {0},
	 "z",
	 "192.0.2.9",
	 IDENTITY_AMBIGUOUS,
	 "",
	 "account bolt"},
	{"second account out by its source",
	 {"pbx.acme.example", "sip.bolt.example"},
	 {0},
	 "z",
	 "198.51.100.1",
	 IDENTITY_OK,
	 "acme-1",
	 ""},
	{"extra names are harmless",
	 {"www.somewhere.example", "pbx.acme.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_OK,
	 "acme-1",
	 ""},
	{"own certificate name",
	 {"cert.own.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_OK,
	 "own-1",
	 ""},
	{"host is not a name then",
	 {"host.own.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_UNKNOWN,
	 "",
	 ""},
	{"source in range",
	 {"sip.bolt.example"},
	 {0},
	 "z",
	 "192.0.2.200",
	 IDENTITY_OK,
	 "bolt-1",
	 ""},
	{"source outside",
	 {"sip.bolt.example"},
	 {0},
	 "z",
	 "192.0.3.1",
	 IDENTITY_SOURCE,
	 "",
	 "trunk bolt-1 of account bolt, which does not come from 192.0.3.1"},
	{"zone", {"sip.zoned.example"}, {0}, "Z2", "192.0.2.1", IDENTITY_OK, "zoned-1", ""},
	{"other zone",
	 {"sip.zoned.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_ZONE,
	 "",
	 "uses zone z2, not z"},
	{"account disabled",
	 {"sip.off.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_DISABLED,
	 "",
	 "the account is disabled"},
	{"trunk disabled",
	 {"sip.offt.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_DISABLED,
	 "",
	 "the trunk is disabled"},
	{"tls_srtp off",
	 {"sip.plain.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_TLS_OFF,
	 "",
	 "tls_srtp is off"},
	{"tls_srtp requested",
	 {"sip.asked.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_TLS_OFF,
	 "",
	 "requested"},
	{"tls_srtp ready",
	 {"sip.ready.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_OK,
	 "ready-1",
	 ""},
	{"an address is no name", {"192.0.2.77"}, {0}, "z", "192.0.2.77", IDENTITY_UNKNOWN, "", ""},
	{"carrier is no customer",
	 {"gw.carrier.example"},
	 {0},
	 "z",
	 "192.0.2.1",
	 IDENTITY_UNKNOWN,
	 "",
	 ""},
};

static void
add_one(struct world *w, const char *account, const char *trunk, const char *host)
{
	world_account(w, account);
	world_trunk(w, account, trunk, host);
}

static int
setup(void **state)
{
	static struct world w;
	struct roster_trunk *t;

	roster_init(&w.r);
	add_one(&w, "acme", "acme-1", "pbx.acme.example");
	world_trunk(&w, "acme", "acme-2", "pbx2.acme.example");
	world_number(&w, "+12015550100", "acme-1");
	world_number(&w, "+1201555*", "acme-2");
	add_one(&w, "deep", "deep-1", "a.pbx.deep.example");
	add_one(&w, "bolt", "bolt-1", "sip.bolt.example");
	world_source(&w.r.trunk[w.r.n_trunks - 1], "192.0.2.0/24");
	world_source(&w.r.trunk[w.r.n_trunks - 1], "2001:db8::/32");
	add_one(&w, "own", "own-1", "host.own.example");
	t = &w.r.trunk[w.r.n_trunks - 1];
	t->name[t->n_names++] = STR("cert.own.example");
	add_one(&w, "zoned", "zoned-1", "sip.zoned.example");
	w.r.trunk[w.r.n_trunks - 1].zone = STR("z2");
	add_one(&w, "off", "off-1", "sip.off.example");
	w.r.account[w.r.n_accounts - 1].enabled = false;
	add_one(&w, "offt", "offt-1", "sip.offt.example");
	w.r.trunk[w.r.n_trunks - 1].enabled = false;
	add_one(&w, "plain", "plain-1", "sip.plain.example");
	w.r.account[w.r.n_accounts - 1].tls_srtp = TLS_SRTP_OFF;
	add_one(&w, "asked", "asked-1", "sip.asked.example");
	w.r.account[w.r.n_accounts - 1].tls_srtp = TLS_SRTP_REQUESTED;
	add_one(&w, "ready", "ready-1", "sip.ready.example");
	w.r.account[w.r.n_accounts - 1].tls_srtp = TLS_SRTP_READY;
	t = world_trunk(&w, NULL, "gw", "gw.carrier.example");
	world_source(t, "198.51.100.7/32");
	t->port = 5080;
	t = world_trunk(&w, NULL, "gw2", "198.51.100.7");
	world_source(t, "198.51.100.7/32");
	t = world_trunk(&w, NULL, "gw-off", "198.51.100.8");
	world_source(t, "198.51.100.8/32");
	t->enabled = false;
	t = world_trunk(&w, "acme", "acme-udp", "203.0.113.5");
	t->transport = TRUNK_UDP;
	t->security = TRUNK_SEC_REFUSED;
	world_source(t, "203.0.113.0/24");
	t = world_trunk(&w, "bolt", "bolt-udp", "203.0.113.6");
	t->transport = TRUNK_UDP;
	t->security = TRUNK_SEC_REFUSED;
	world_source(t, "203.0.113.6/32");
	t = world_trunk(&w, "own", "own-udp", "203.0.113.7");
	t->transport = TRUNK_UDP;
	t->security = TRUNK_SEC_REFUSED;
	world_source(t, "203.0.113.0/24");
	world_source(t, "203.0.113.7/32");
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
put_trunks(struct buf *b, const struct world *w, const struct identity *id)
{
	for (uint32_t i = 0; i < id->n_trunks; i++) {
		buf_z(b, i ? "," : "");
		buf_z(b, world_trunk_name(w, id->trunk[i]));
	}
}

static void
test_peer(void **state)
{
	const struct world *w = *state;
	int bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str dns[MAX_SANS], uri[MAX_SANS];
		struct cert_view cert = {.dns = dns, .uri = uri};
		struct identity_peer p = {.cert = &cert, .zone = str_from(rows[i].zone)};
		struct identity id = {0};
		char got[128], why[IDENTITY_WHY_MAX];
		struct buf g, y;
		enum identity_reason r;

		while (cert.n_dns < MAX_SANS && rows[i].dns[cert.n_dns]) {
			dns[cert.n_dns] = str_from(rows[i].dns[cert.n_dns]);
			cert.n_dns++;
		}
		while (cert.n_uri < MAX_SANS && rows[i].uri[cert.n_uri]) {
			uri[cert.n_uri] = str_from(rows[i].uri[cert.n_uri]);
			cert.n_uri++;
		}
		assert_int_equal(addr_parse(str_from(rows[i].source), &p.source), ERR_OK);
		buf_init(&g, got, sizeof(got));
		buf_init(&y, why, sizeof(why));
		r = identity_of_peer(&w->v, &p, &id, &y);
		put_trunks(&g, w, &id);
		if (r != rows[i].reason || !str_eqz(buf_view(&g), rows[i].want) ||
		    !strstr(buf_cstr(&y), rows[i].why) || (r == IDENTITY_OK) != (y.len == 0)) {
			print_message("# %s: %s \"%s\" why \"%s\"\n", rows[i].name,
				      identity_reason_name(r), buf_cstr(&g), buf_cstr(&y));
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

static void
test_nul_in_name(void **state)
{
	const struct world *w = *state;
	struct str dns = STR("pbx.acme.example\0.evil.example");
	struct cert_view cert = {.dns = &dns, .n_dns = 1};
	struct identity_peer p = {.cert = &cert, .zone = STR("z")};
	struct identity id;

	assert_int_equal(identity_of_peer(&w->v, &p, &id, NULL), IDENTITY_UNKNOWN);
}

static void
test_source(void **state)
{
	static const struct {
		const char *name, *source;
		enum trunk_kind kind;
		enum trunk_transport transport;
		enum identity_reason reason;
		const char *want;
	} table[] = {
		{"carrier, its port first", "198.51.100.7:5080", TRUNK_CARRIER, TRUNK_UDP,
		 IDENTITY_OK, "gw,gw2"},
		{"carrier, the other port first", "198.51.100.7:5060", TRUNK_CARRIER, TRUNK_UDP,
		 IDENTITY_OK, "gw2,gw"},
		{"carrier over another transport", "198.51.100.7", TRUNK_CARRIER, TRUNK_TCP,
		 IDENTITY_SOURCE, ""},
		{"carrier on the customer side", "198.51.100.7", TRUNK_CUSTOMER, TRUNK_UDP,
		 IDENTITY_SOURCE, ""},
		{"disabled", "198.51.100.8", TRUNK_CARRIER, TRUNK_UDP, IDENTITY_DISABLED, ""},
		{"unknown", "198.51.100.9", TRUNK_CARRIER, TRUNK_UDP, IDENTITY_SOURCE, ""},
		{"IPv6", "2001:db8::1", TRUNK_CARRIER, TRUNK_UDP, IDENTITY_SOURCE, ""},
		{"longest prefix", "203.0.113.6", TRUNK_CUSTOMER, TRUNK_UDP, IDENTITY_OK,
		 "bolt-udp"},
		{"own two prefixes", "203.0.113.7", TRUNK_CUSTOMER, TRUNK_UDP, IDENTITY_OK,
		 "own-udp"},
		{"two accounts, one prefix", "203.0.113.5", TRUNK_CUSTOMER, TRUNK_UDP,
		 IDENTITY_AMBIGUOUS, ""},
	};
	const struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct identity id = {0};
		struct addr a;
		char got[128];
		struct buf g;
		enum identity_reason r;

		assert_int_equal(addr_parse(str_from(table[i].source), &a), ERR_OK);
		r = identity_of_source(&w->v,
				       &(struct identity_origin){.kind = table[i].kind,
								 .transport = table[i].transport,
								 .source = a},
				       &id, NULL);
		buf_init(&g, got, sizeof(got));
		put_trunks(&g, w, &id);
		if (r != table[i].reason || !str_eqz(buf_view(&g), table[i].want))
			fail_msg("%s: %s \"%s\"", table[i].name, identity_reason_name(r),
				 buf_cstr(&g));
	}
}

static void
test_pick(void **state)
{
	static const struct {
		const char *name, *host, *calling, *want;
	} table[] = {
		{"nothing known", "", "", "acme-1"},
		{"host", "PBX2.acme.example", "", "acme-2"},
		{"our own name as host", "sip.postern.example", "", "acme-1"},
		{"calling number", "", "+12015550100", "acme-1"},
		{"calling prefix", "", "+12015550199", "acme-2"},
		{"host before calling", "pbx.acme.example", "+12015550199", "acme-1"},
		{"strange calling number", "", "+12125550100", "acme-1"},
	};
	const struct world *w = *state;
	struct identity id = {.n_trunks = 2};
	struct identity_request rq = {0};

	id.trunk[0] = snapshot_trunk(&w->v, STR("acme-1"));
	id.trunk[1] = snapshot_trunk(&w->v, STR("acme-2"));
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		rq.host = str_from(table[i].host);
		rq.calling = str_from(table[i].calling);
		if (!str_eqz(str_from(world_trunk_name(w, identity_pick(&w->v, &id, &rq))),
			     table[i].want))
			fail_msg("%s: got %s", table[i].name,
				 world_trunk_name(w, identity_pick(&w->v, &id, &rq)));
	}
	id.n_trunks = 0;
	assert_int_equal(identity_pick(&w->v, &id, &rq), POLICY_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_nul_in_name),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_pick),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
