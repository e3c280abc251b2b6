/* Requests with the right Call-ID and tags that come beside the way of their dialog (reliability
 * A4): what is over TLS stays there, and no key leaves in clear. */
#include "rig.h"

/* The customer has a trunk in clear as well; two carriers are over TLS. */
static struct fake *
mixed_up(void)
{
	struct fake *f = rig_up();
	struct roster_trunk *t = fake_trunk(&f->roster, "acme", "acme-lan", "198.51.100.8");

	t->transport = TRUNK_UDP;
	t->security = TRUNK_SEC_REFUSED;
	t->port = 5060;
	assert_int_equal(cidr_parse(STR("10.0.0.9"), &t->source[0]), ERR_OK);
	t->n_sources = 1;
	for (int i = 0; i < 2; i++) {
		t = fake_trunk(&f->roster, NULL, i ? "tls2" : "tls1",
			       i ? "198.51.100.17" : "198.51.100.7");
		t->transport = TRUNK_TLS;
		t->security = TRUNK_SEC_REQUIRED;
		t->port = 5061;
		t->n_sources = 0;
		t->priority = (uint16_t)i;
	}
	rig_world(f);
	return f;
}

static struct rig_pair
talk(struct fake *f)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){0})};

	p.b = rig_out(f);
	assert_string_equal(p.b->dest.trunk.z, "tls1");
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_SECURE);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	return p;
}

/* The requests that would make us answer with a key, or follow. */
static const struct {
	const char *method, *body;
} requests[] = {
	{"UPDATE", PBX_OFFER}, {"UPDATE", ""}, {"INVITE", PBX_OFFER}, {"INVITE", PBX_CLEAR},
	{"INVITE", ""},        {"INFO", ""},   {"OPTIONS", ""},       {"BYE", ""},
};

static void
is_refused(struct fake *f, struct edge_txn *leg, const char *trunk)
{
	struct call_record before = rig_call(f)->rec;

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct sent *s;

		(void)rig_inside_sdp(f, leg, trunk, requests[i].method, 50 + (unsigned)i, "",
				     requests[i].body);
		s = rig_last(f);
		if (s->kind != SENT_RESPONSE || s->status != 481)
			fail_msg("%s: %s %s: %s", trunk, requests[i].method,
				 *requests[i].body ? "with an offer" : "without one", s->text);
		assert_silent(s, "a=crypto");
	}
	(void)rig_inside(f, leg, trunk, "ACK", 1, "");
	assert_memory_equal(&before, &rig_call(f)->rec, sizeof(before));
}

static void
tls_stays_tls(void **state)
{
	struct fake *f = mixed_up();
	struct rig_pair p = talk(f);

	(void)state;
	is_refused(f, p.a, "acme-lan"); /* the same account in clear */
	is_refused(f, p.b, "gw1");      /* another carrier in clear */
	f->far = "203.0.113.5";
	is_refused(f, p.b, "tls2"); /* another carrier over TLS */
	f->far = NULL;
	(void)rig_inside(f, p.b, "tls1", "BYE", 90, "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
	assert_int_equal(rig_bye_out(f, 0)->dest.transport, EDGE_TLS);
	assert_string_equal(rig_bye_out(f, 0)->dest.trunk.z, "acme-pbx");
	rig_settle(f);
	rig_down(f);
}

static void
early_ack_in_clear(void **state)
{
	struct fake *f = mixed_up();
	struct edge_txn *a = rig_invite(f, &(struct invite){0});

	(void)state;
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_SECURE);
	(void)rig_inside(f, a, "acme-lan", "ACK", 1, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_ANSWERED);
	rig_end(f, 1);
}

/* Whoever it is, over another connection: the account; the carrier by trunk, or certificate. */
static void
tls_follows_tls(void **state)
{
	struct fake *f = mixed_up();
	struct rig_pair p = talk(f);

	(void)state;
	f->far = "203.0.113.5";
	(void)rig_inside(f, p.a, "acme-pbx", "OPTIONS", 5, "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
	assert_int_equal(rig_leg(f, LEG_A)->conn, 101 + snapshot_trunk(&f->snap, STR("acme-pbx")));
	(void)rig_inside(f, p.b, "tls1", "OPTIONS", 5, "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
	(void)rig_inside(f, p.b, "tls2", "OPTIONS", 6, ""); /* its certificate is the same now */
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
	rig_end(f, 1);
}

/* A leg in clear takes what comes over TLS of its account, and stays where it is. */
static void
clear_stays_clear(void **state)
{
	struct fake *f = mixed_up();
	struct edge_txn *a =
		rig_invite(f, &(struct invite){.trunk = "acme-lan", .body = PBX_CLEAR});

	(void)state;
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_SECURE);
	(void)rig_inside(f, a, "acme-lan", "ACK", 1, "");
	(void)rig_inside_sdp(f, a, "acme-pbx", "UPDATE", 5, "", PBX_OFFER);
	assert_silent(rig_sent(f, SENT_RESPONSE, 0), "a=crypto");
	assert_int_equal(rig_leg(f, LEG_A)->transport, EDGE_UDP);
	(void)rig_inside(f, a, "acme-lan", "OPTIONS", 6, "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_stays_tls),
		cmocka_unit_test(early_ack_in_clear),
		cmocka_unit_test(tls_follows_tls),
		cmocka_unit_test(clear_stays_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
