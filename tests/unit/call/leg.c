/* call/leg: where messages of a leg go, and what each kind of message says. */
#include "call/write.h"
#include "rig.h"

static char text[CALL_MSG_MAX];

static struct buf
blank(void)
{
	struct buf b;

	buf_init(&b, text, sizeof(text));
	return b;
}

static void
finish(struct fake *f)
{
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 3 * B2BUA_CANCEL_US);
	rig_down(f);
}

/* TLS: over the account's connection, whatever the Contact says; else to the next hop. */
static void
destinations(void **state)
{
	static const struct {
		const char *more, *host;
		uint16_t port;
	} rows[] = {
		{"Contact: <sip:gw@10.0.0.9>\r\n", "10.0.0.9", 0},
		{"Contact: <sip:gw@10.0.0.9:5070>\r\n", "10.0.0.9", 5070},
		{"Contact: <sip:gw@gw.example:5071;transport=udp>\r\n", "gw.example", 5071},
		{"Contact: <sip:gw@10.0.0.9>\r\nRecord-Route: <sip:10.0.0.8:5080;lr>\r\n",
		 "10.0.0.8", 5080},
		{"Contact: <sip:gw@10.0.0.9>\r\nRecord-Route: <sip:10.0.0.7;lr>, "
		 "<sip:10.0.0.6;lr>\r\n",
		 "10.0.0.6", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct edge_dest d;

		(void)rig_invite(f, &(struct invite){0});
		fake_answer(f, rig_out(f), 180, "gw", rows[i].more, "");
		assert_int_equal(leg_dest(rig_call(f), LEG_B, &d), ERR_OK);
		assert_string_equal(d.host, rows[i].host);
		assert_int_equal(d.port, rows[i].port);
		assert_int_equal(d.transport, EDGE_UDP);
		assert_string_equal(d.trunk.z, "gw1");
		assert_int_equal(leg_dest(rig_call(f), LEG_A, &d), ERR_OK);
		assert_string_equal(d.host, "");
		assert_int_equal(d.transport, EDGE_TLS);
		assert_int_equal(d.conn, fake_source(f, "acme-pbx").conn);
		assert_string_equal(d.account.z, "acme");
		assert_true(d.reuse);
		finish(f);
	}
}

static void
ways(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	(void)rig_ringing(f);
	assert_int_equal(leg_way(rig_call(f), LEG_A), HIDE_TO_CUSTOMER);
	assert_int_equal(leg_way(rig_call(f), LEG_B), HIDE_TO_CARRIER);
	finish(f);
}

/* strip and add of the target; each target its own Call-ID and tag */
static void
begin_b(void **state)
{
	struct fake *f = rig_up();
	struct edge_local local;
	struct sip_dialog first;
	struct call *c;

	(void)state;
	rig_trunk(f, "gw1")->strip = STR("+1");
	rig_trunk(f, "gw1")->add = STR("9");
	rig_world(f);
	(void)rig_invite(f, &(struct invite){0});
	assert_says(rig_sent(f, SENT_REQUEST, 0), "INVITE sip:95552223333@10.0.0.9:5060 SIP/2.0");
	c = rig_call(f);
	assert_string_equal(c->rec.to_sent, "95552223333");
	assert_string_equal(c->called.z, "+15552223333");
	first = c->rec.leg[LEG_B].dialog;
	fake_answer(f, rig_out(f), 503, "gw", "", "");
	assert_string_equal(c->rec.to_sent, "+15552223333");
	assert_false(str_eq(sip_dialog_str(&first, SIP_DIALOG_CALL_ID),
			    sip_dialog_str(&c->rec.leg[LEG_B].dialog, SIP_DIALOG_CALL_ID)));
	assert_false(str_eq(sip_dialog_str(&first, SIP_DIALOG_LOCAL_TAG),
			    sip_dialog_str(&c->rec.leg[LEG_B].dialog, SIP_DIALOG_LOCAL_TAG)));
	/* nothing is left of the number: the target cannot be used */
	rig_trunk(f, "gw2")->strip = STR("+15552223333");
	rig_world(f);
	assert_int_equal(fake_local(f, snapshot_trunk(&f->snap, STR("gw2")), &local), ERR_OK);
	assert_int_not_equal(leg_begin_b(c, snapshot_trunk(&f->snap, STR("gw2")), &local), ERR_OK);
	finish(f);
}

/* contact: fqdn shows the zone's name and the port, in each message to that trunk and no other. */
static void
contact_name(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	rig_trunk(f, "acme-pbx")->contact = TRUNK_CONTACT_FQDN;
	rig_world(f);
	(void)rig_ringing(f);
	assert_says(rig_sent(f, SENT_RESPONSE, 0),
		    "Contact: <sip:sbc.example.test:5061;transport=tls>\r\n");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "Contact: <sip:10.0.0.1:5060>\r\n");
	rig_trunk(f, "acme-pbx")->contact = TRUNK_CONTACT_ADDRESS;
	rig_world(f);
	fake_answer(f, rig_out(f), 183, "gw", GW_CONTACT, "");
	assert_says(rig_sent(f, SENT_RESPONSE, 0),
		    "Contact: <sip:192.0.2.1:5061;transport=tls>\r\n");
	finish(f);
}

static void
bye_counts(void **state)
{
	struct fake *f = rig_up();
	struct call *c;
	struct buf b;

	(void)state;
	(void)rig_talking(f);
	c = rig_call(f);
	c->rec.q850 = 31;
	for (int i = 0; i < CALL_LEGS; i++) {
		uint32_t cseq = c->rec.leg[i].dialog.local_cseq;

		b = blank();
		assert_int_equal(leg_put_bye(c, (enum call_leg_index)i, &b), ERR_OK);
		assert_int_equal(c->rec.leg[i].dialog.local_cseq, cseq + 1);
		assert_true(str_find(buf_view(&b), STR("Reason: Q.850;cause=31\r\n")) < b.len);
	}
	c->rec.leg[LEG_A].dialog.local_cseq = SIP_CSEQ_MAX;
	b = blank();
	assert_int_equal(leg_put_bye(c, LEG_A, &b), ERR_RANGE);
	c->rec.leg[LEG_A].dialog.local_cseq = 1;
	finish(f);
}

/* What belongs to a status stands in it, and nothing in the others. */
static void
failure_headers(void **state)
{
	static const int statuses[] = {400, 403, 405, 415, 420, 480, 483, 486, 500, 503};
	struct fake *f = rig_up();
	struct call *c;

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	c = rig_call(f);
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct buf b = blank();
		struct str v;

		leg_put_failure_a(c, &b, statuses[i], i % 2 ? "because" : "", i % 3 ? 17 : 0);
		assert_int_equal(buf_end(&b), ERR_OK);
		v = buf_view(&b);
		assert_int_equal(sip_msg_parse(v, &f->tx), ERR_OK);
		assert_int_equal(str_find(v, STR("Retry-After: ")) < v.len, statuses[i] == 503);
		assert_int_equal(str_find(v, STR("Allow: ")) < v.len, statuses[i] == 405);
		assert_int_equal(str_find(v, STR("Warning: 399 postern \"because (id ")) < v.len,
				 i % 2);
		assert_int_equal(str_find(v, STR("Reason: Q.850;cause=17")) < v.len, i % 3 != 0);
	}
	finish(f);
}

static void
plain_answers(void **state)
{
	static const char req[] =
		"OPTIONS sip:sbc SIP/2.0\r\nVia: SIP/2.0/UDP far;rport;branch=z9hG4bK1"
		"\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
		"Call-ID: x\r\nCSeq: 1 OPTIONS\r\nRequire: a,\r\n b\r\n"
		"Proxy-Require: c\r\n\r\n";
	static struct sip_msg m;
	struct fake *f = rig_up();
	struct addr from;
	struct buf b = blank();

	(void)state;
	assert_int_equal(sip_msg_parse(str_from(req), &m), ERR_OK);
	assert_int_equal(addr_parse(STR("10.0.0.9:5099"), &from), ERR_OK);
	leg_put_plain(&f->calls, &b, &m, &from, "ours",
		      &(struct leg_plain){.status = 420, .warning = "no", .id = "theid"});
	assert_int_equal(buf_end(&b), ERR_OK);
	assert_non_null(strstr(buf_cstr(&b), "rport=5099"));
	assert_non_null(strstr(text, "To: <sip:c@d>;tag=ours\r\n"));
	assert_non_null(strstr(text, "Unsupported: a\r\nUnsupported: b\r\nUnsupported: c\r\n"));
	assert_non_null(strstr(text, "Warning: 399 postern \"no (id theid)\"\r\n"));
	b = blank();
	leg_put_plain(&f->calls, &b, &m, &from, "ours",
		      &(struct leg_plain){.status = 200, .warning = "", .id = ""});
	assert_non_null(strstr(buf_cstr(&b), "Accept: application/sdp\r\n"));
	assert_null(strstr(text, "Warning"));
	rig_down(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(destinations),  cmocka_unit_test(ways),
		cmocka_unit_test(begin_b),       cmocka_unit_test(contact_name),
		cmocka_unit_test(bye_counts),    cmocka_unit_test(failure_headers),
		cmocka_unit_test(plain_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
