#include "world.h"

#include "policy/carrier.h"

static struct world w;

static void
carrier(const char *id, const char *host, const char *reference, const char *source)
{
	struct roster_trunk *t = world_trunk(&w, NULL, id, host);

	t->transport = TRUNK_TLS;
	t->security = TRUNK_SEC_REQUIRED;
	t->port = 0;
	t->reference = str_from(reference);
	if (source)
		world_source(t, source);
}

static int
setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	roster_init(&w.r);
	world_account(&w, "acme");
	world_trunk(&w, "acme", "acme-1", "pbx.acme.test");
	world_trunk(&w, NULL, "gw-plain", "plain.far.test");
	world_source(&w.r.trunk[w.r.n_trunks - 1], "192.0.2.9");
	carrier("c1", "sip.far.test", "", NULL);
	carrier("c2", "10.0.0.1", "real.far.test", NULL);
	carrier("c3", "near.far.test", "", "192.0.2.0/24");
	carrier("c4", "off.far.test", "", NULL);
	w.r.trunk[w.r.n_trunks - 1].enabled = false;
	carrier("c5", "zone.far.test", "", NULL);
	w.r.trunk[w.r.n_trunks - 1].zone = STR("gw.acme.test");
	carrier("c6", "sip.far.test", "", NULL);
	w.r.trunk[w.r.n_trunks - 1].listener = STR("other");
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
names(void **state)
{
	static const struct {
		const char *name, *dns, *source, *want; /* want: ids, or a part of the sentence */
		enum identity_reason reason;
	} rows[] = {
		{"its host", "sip.far.test", "203.0.113.1", "c1", IDENTITY_OK},
		{"its reference", "real.far.test", "203.0.113.1", "c2", IDENTITY_OK},
		{"a source", "near.far.test", "192.0.2.77", "c3", IDENTITY_OK},
		{"another source", "near.far.test", "192.0.3.77", "c3", IDENTITY_SOURCE},
		{"disabled", "off.far.test", "192.0.2.1", "c4", IDENTITY_DISABLED},
		{"another zone", "zone.far.test", "192.0.2.1", "c5", IDENTITY_ZONE},
		{"wildcard: those that may", "*.far.test", "203.0.113.1", "c1 c2", IDENTITY_OK},
		{"a customer is no carrier", "pbx.acme.test", "203.0.113.1", "pbx.acme.test",
		 IDENTITY_UNKNOWN},
		{"one without TLS", "plain.far.test", "192.0.2.9", "no carrier", IDENTITY_UNKNOWN},
		{"nobody", "far.test", "203.0.113.1", "no carrier", IDENTITY_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str dns = str_from(rows[i].dns);
		struct cert_view cert = {.dns = &dns, .n_dns = 1};
		struct identity_peer p = {
			.cert = &cert, .zone = STR("sip.us.test"), .listener = STR("tls")};
		char why[512] = "", got[256] = "";
		struct identity id = {0};
		struct buf b;

		print_message("# %s\n", rows[i].name);
		assert_int_equal(addr_parse_ip(str_from(rows[i].source), &p.source), ERR_OK);
		buf_init(&b, why, sizeof(why));
		assert_int_equal(identity_of_carrier(&w.v, &p, &id, &b), rows[i].reason);
		if (rows[i].reason != IDENTITY_OK) {
			assert_non_null(strstr(buf_cstr(&b), rows[i].want));
			continue;
		}
		assert_int_equal(id.account, POLICY_NONE);
		assert_string_equal(id.account_id.z, "");
		for (uint32_t k = 0; k < id.n_trunks; k++)
			(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
				       k ? " " : "", snapshot_trunk_id(&w.v, id.trunk[k]).z);
		assert_string_equal(got, rows[i].want);
	}
}

static void
without_certificate(void **state)
{
	struct identity_peer p = {.zone = STR("sip.us.test")};
	struct identity id;

	(void)state;
	assert_int_equal(identity_of_carrier(&w.v, &p, &id, NULL), IDENTITY_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test_setup_teardown(without_certificate, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
