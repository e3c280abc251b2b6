/* call/negotiate: INVITEs without an offer, both ways: the called side's 2xx offers, the caller's
 * ACK answers, and everything that may go wrong between them. */
#include "rig.h"

/* A's answer to the offer in our 200, under tag 1 */
#define A_ANSWER PBX_ANSWER("1", "80")

static struct rig_pair
answered(struct fake *f)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = ""})};

	p.b = rig_out(f);
	fake_answer(f, p.b, 183, "gw", GW_CONTACT, GW_BODY); /* no offer: nobody is bound by it */
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(rig_call(f)->m.state, B2BUA_ANSWERED);
	return p;
}

/* A customer (SRTP) calls a carrier: our offer carries keys, the answer goes on without them. */
static void
outgoing(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = ""})};
	struct sent *s = rig_sent(f, SENT_REQUEST, 0);

	(void)state;
	p.b = rig_out(f);
	assert_says(s, "Content-Length: 0\r\n");
	fake_answer(f, p.b, 183, "gw", GW_CONTACT, GW_BODY);
	assert_silent(rig_sent(f, SENT_RESPONSE, 0), "m=audio");
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 200);
	assert_says(s, "m=audio 20000 RTP/SAVP 8 101");
	assert_says(s, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:");
	assert_says(s, "a=crypto:2 ");
	assert_silent(s, "10.0.0.9");
	assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 0); /* it waits for the answer */
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 0);
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "ACK", 1, "", A_ANSWER);
	s = rig_sent(f, SENT_ONCE, 0);
	assert_int_equal(s->method, SIP_ACK);
	assert_says(s, "CSeq: 1 ACK\r\n");
	assert_says(s, "m=audio 20002 RTP/AVP 8 101");
	assert_silent(s, "198.51.100.7");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	assert_int_equal(f->port[0].open.in_suite, 1);
	assert_int_equal(f->port[0].open.out_suite, 1);
	assert_string_equal(addr_text(&f->port[0].open.rtp).z, "198.51.100.7:4000");
	assert_string_equal(addr_text(&f->port[1].open.rtp).z, "10.0.0.9:10000");
	assert_int_equal(f->port[0].open.flags, MEDIA_F_SECURE | MEDIA_F_RECV | MEDIA_F_SEND |
							MEDIA_F_ANSWERED | MEDIA_F_PTS_ALL);
	assert_memory_equal(f->port[0].in.key, "YS__", 4);
	assert_int_equal(pool_used(&f->calls.offers), 0);
	/* a copy of the 200 gets a copy of the ACK, with the answer */
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 2);
	assert_says(rig_sent(f, SENT_ONCE, 0), "m=audio 20002 RTP/AVP 8 101");
	rig_end(f, 1);
}

/* A carrier calls a customer: the customer's offer has keys, and its answer is ours. */
static void
incoming(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = {
		.a = rig_invite(f, &(struct invite){.trunk = "gw1",
						    .uri = "sip:+15551230000@10.0.0.1",
						    .from = "sip:+15552223333@10.0.0.9",
						    .contact = GW_CONTACT,
						    .body = ""})};
	struct sent *s;

	(void)state;
	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "pbx", PBX_CONTACT, PBX_OFFER_32);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 200);
	assert_says(s, "RTP/AVP 8 101");
	assert_silent(s, "crypto");
	(void)rig_inside_sdp(f, p.a, "gw1", "ACK", 1, "", GW_BODY);
	s = rig_sent(f, SENT_ONCE, 0);
	assert_says(s, "RTP/SAVP 8 101");
	assert_says(s, "a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:");
	assert_silent(s, KEY_1);
	assert_int_equal(s->dest.transport, EDGE_TLS);
	assert_int_equal(rig_call(f)->rec.leg[LEG_B].in_suite, 2);
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	rig_end(f, 1);
}

/* What the called side must not say, and what the caller's ACK must not. */
static void
refused(void **state)
{
	static const struct {
		const char *name, *offer, *answer;
		enum refusal why;
		int status; /* of our final response to A */
	} rows[] = {
		{"no offer in the 200", "", NULL, REFUSAL_BAD_ANSWER, 502},
		{"a key on a clear leg", GW_SECURE, NULL, REFUSAL_BAD_ANSWER, 502},
		{"garbage in the 200", "hello", NULL, REFUSAL_BAD_ANSWER, 502},
		{"no answer in the ACK", GW_BODY, "", REFUSAL_BAD_ACK, 200},
		{"garbage in the ACK", GW_BODY, "hello", REFUSAL_BAD_ACK, 200},
		{"ACK in the clear", GW_BODY, PBX_CLEAR, REFUSAL_BAD_ACK, 200},
		{"ACK with a tag of nobody", GW_BODY, PBX_ANSWER("9", "80"), REFUSAL_BAD_ACK, 200},
		{"ACK that offers", GW_BODY, PBX_OFFER_ILBC, REFUSAL_BAD_ACK, 200},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = ""})};

		p.b = rig_out(f);
		fake_answer(f, p.b, 200, "gw", GW_CONTACT, rows[i].offer);
		if (rows[i].answer)
			(void)rig_inside_sdp(f, p.a, "acme-pbx", "ACK", 1, "", rows[i].answer);
		if (rig_sent(f, SENT_RESPONSE, 0)->status != rows[i].status)
			fail_msg("%s: %s", rows[i].name, rig_sent(f, SENT_RESPONSE, 0)->text);
		/* B has its ACK, before its BYE */
		assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 1);
		assert_silent(rig_sent(f, SENT_ONCE, 0), "m=audio");
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), rows[i].answer ? 2 : 1);
		rig_settle(f);
		if (rig_cdr(f)->refusal != rows[i].why)
			fail_msg("%s: %s", rows[i].name,
				 refusal_name((enum refusal)rig_cdr(f)->refusal));
		assert_int_equal(f->port[0].open.in_suite, 0); /* nothing was ever taken */
		assert_int_equal(pool_used(&f->calls.offers), 0);
		fake_run(f, 2 * FAKE_LIFE_US);
		rig_down(f);
	}
}

/* Ended while the answer is owed: B gets an ACK and then its BYE. */
static void
ended_before_ack(void **state)
{
	static const char *const names[] = {"no ACK", "caller's BYE", "called side's BYE",
					    "stopped"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct fake *f = rig_up();
		struct rig_pair p = answered(f);

		if (i == 0)
			fake_run(f, B2BUA_ACK_US);
		else if (i == 1)
			(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
		else if (i == 2)
			(void)rig_inside(f, p.b, "gw1", "BYE", 1, "");
		else
			(void)calls_stop(&f->calls, f->now);
		if (rig_count(f, SENT_ONCE, SIP_ACK) != 1 ||
		    rig_count(f, SENT_REQUEST, SIP_BYE) != (i == 0   ? 2u
							    : i == 2 ? 0u
								     : 1u))
			fail_msg("%s: %u ACK, %u BYE", names[i], rig_count(f, SENT_ONCE, SIP_ACK),
				 rig_count(f, SENT_REQUEST, SIP_BYE));
		if (i >= 2) { /* A's turn comes with its ACK */
			(void)rig_inside_sdp(f, p.a, "acme-pbx", "ACK", 1, "", A_ANSWER);
			assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), i == 2 ? 1 : 2);
			assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 1);
		}
		rig_settle(f);
		fake_run(f, 2 * FAKE_LIFE_US);
		assert_int_equal(f->n_ended, 1);
		rig_down(f);
	}
}

/* Another target, another fork: nothing stays of the first. */
static void
hunted(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *a = rig_invite(f, &(struct invite){.body = ""}), *b;

	(void)state;
	fake_answer(f, rig_out(f), 503, "gw", "", "");
	b = rig_out(f);
	assert_string_equal(b->dest.trunk.z, "gw2");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "Content-Length: 0\r\n");
	fake_answer(f, b, 200, "one", GW_CONTACT, GW_BODY);
	fake_answer(f, b, 200, "two", "Contact: <sip:two@10.0.0.33>\r\n", GW_BODY);
	assert_says(rig_sent(f, SENT_ONCE, 0), "ACK sip:two@10.0.0.33");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "BYE sip:two@10.0.0.33");
	(void)rig_inside_sdp(f, a, "acme-pbx", "ACK", 1, "", A_ANSWER);
	assert_says(rig_sent(f, SENT_ONCE, 0), "ACK sip:gw@10.0.0.9:5070");
	assert_says(rig_sent(f, SENT_ONCE, 0), "m=audio");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	rig_end(f, 1);
}

/* Media does not keep up. */
static void
no_room(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	(void)rig_invite(f, &(struct invite){.body = ""});
	f->no_open = true;
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 503);
	f->no_open = false;
	rig_settle(f);
	assert_int_equal(pool_used(&f->calls.offers), 0);
	fake_run(f, 2 * FAKE_LIFE_US);
	rig_down(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outgoing), cmocka_unit_test(incoming),
		cmocka_unit_test(refused),  cmocka_unit_test(ended_before_ack),
		cmocka_unit_test(hunted),   cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
