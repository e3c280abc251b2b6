/* call/negotiate: SDP across the two legs, what media is told, keys, ports. */
#include "rig.h"

/* customer (TLS, SRTP) to carrier (UDP, RTP) */
static void
outgoing(void **state)
{
	static const struct {
		const char *offer, *answered;
		uint8_t suite;
	} rows[] = {
		{PBX_OFFER, "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:", 1},
		{PBX_OFFER_32, "a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:", 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct edge_txn *a = rig_invite(f, &(struct invite){.body = rows[i].offer}), *b;
		struct sent *s = rig_sent(f, SENT_REQUEST, 0);

		assert_says(s, "m=audio 20002 RTP/AVP 8 101");
		assert_says(s, "c=IN IP4 10.0.0.2");
		assert_silent(s, "crypto");
		assert_silent(s, "198.51.100.7");
		b = rig_out(f);
		fake_answer(f, b, 200, "gw", GW_CONTACT, GW_BODY);
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_ptr_equal(s->txn, a);
		assert_int_equal(s->status, 200);
		assert_says(s, "m=audio 20000 RTP/SAVP 8 101");
		assert_says(s, "c=IN IP4 192.0.2.2");
		assert_says(s, rows[i].answered);
		assert_silent(s, KEY_1); /* ours is another key */
		assert_silent(s, "10.0.0.9");
		assert_int_equal(rig_row(f, LEG_A)->in_suite, rows[i].suite);
		assert_int_equal(rig_row(f, LEG_A)->out_suite, rows[i].suite);
		assert_int_equal(rig_row(f, LEG_A)->flags, MEDIA_F_SECURE | MEDIA_F_RECV |
								   MEDIA_F_SEND | MEDIA_F_ANSWERED |
								   MEDIA_F_PTS_ALL);
		assert_int_equal(rig_row(f, LEG_B)->in_suite, 0);
		assert_int_equal(rig_row(f, LEG_B)->flags,
				 MEDIA_F_RECV | MEDIA_F_SEND | MEDIA_F_ANSWERED | MEDIA_F_PTS_ALL);
		assert_int_equal(rig_row(f, LEG_A)->peer, rig_call(f)->rec.leg[LEG_B].media.slot);
		assert_int_equal(rig_row(f, LEG_B)->peer, rig_call(f)->rec.leg[LEG_A].media.slot);
		assert_string_equal(addr_text(&rig_row(f, LEG_A)->rtp).z, "198.51.100.7:4000");
		assert_string_equal(addr_text(&rig_row(f, LEG_B)->rtp).z, "10.0.0.9:10000");
		assert_int_equal(rig_row(f, LEG_A)->pts.n, 2);
		assert_int_equal(rig_row(f, LEG_A)->timeout_s, 300);
		assert_string_equal(rig_call(f)->rec.leg[LEG_A].codec, "PCMA");
		rig_end(f, 1);
	}
}

/* carrier to customer: both suites offered, either taken */
static void
incoming(void **state)
{
	static const struct {
		const char *answer;
		uint8_t suite;
	} rows[] = {{PBX_ANSWER("1", "80"), 1}, {PBX_ANSWER("2", "32"), 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct edge_txn *b;
		struct sent *s;
		uint32_t slot;

		(void)rig_invite(f, &(struct invite){.trunk = "gw1",
						     .uri = "sip:+15551230000@10.0.0.1",
						     .from = "sip:+15552223333@10.0.0.9",
						     .contact = GW_CONTACT});
		s = rig_sent(f, SENT_REQUEST, 0);
		assert_int_equal(s->dest.transport, EDGE_TLS);
		assert_string_equal(s->dest.account.z, "acme");
		assert_says(s, "RTP/SAVP 8 101");
		assert_says(s, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:");
		assert_says(s, "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:");
		b = rig_out(f);
		slot = rig_call(f)->rec.leg[LEG_B].media.slot;
		assert_int_equal(f->port[slot].open.out_serial, 0); /* which key is not known yet */
		assert_int_equal(f->port[slot].open.flags, MEDIA_F_SECURE);
		fake_answer(f, b, 200, "pbx", PBX_CONTACT, rows[i].answer);
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_int_equal(s->status, 200);
		assert_says(s, "RTP/AVP 8 101");
		assert_silent(s, "crypto");
		assert_int_equal(rig_row(f, LEG_B)->in_suite, rows[i].suite);
		assert_int_equal(rig_row(f, LEG_B)->out_suite, rows[i].suite);
		assert_int_equal(rig_row(f, LEG_B)->in_serial, 1);
		rig_end(f, 1);
	}
}

/* M9: what an INVITE's body is refused with, per leg. */
static void
offers(void **state)
{
	static const struct {
		const char *name, *trunk, *body, *type;
		int status;
		enum refusal why;
	} rows[] = {
		{"no SDP", "acme-pbx", "x", "text/plain", 415, REFUSAL_BODY_TYPE},
		{"multipart", "acme-pbx", "x", "multipart/mixed;boundary=x", 415,
		 REFUSAL_BODY_TYPE},
		{"garbage", "acme-pbx", "hello", NULL, 400, REFUSAL_SDP},
		{"clear", "acme-pbx", PBX_CLEAR, NULL, 488, REFUSAL_CRYPTO},
		{"SAVP without a key", "acme-pbx",
		 SDP_HEAD("1.2.3.4") "m=audio 4000 RTP/SAVP 8\r\n", NULL, 488, REFUSAL_CRYPTO},
		{"AVP with a key", "acme-pbx",
		 SDP_HEAD("1.2.3.4") "m=audio 4000 RTP/AVP 8\r\na=crypto:1 "
				     "AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n",
		 NULL, 488, REFUSAL_CRYPTO},
		{"unknown suite", "acme-pbx",
		 SDP_HEAD(
			 "1.2.3.4") "m=audio 4000 RTP/SAVP 8\r\na=crypto:1 NULL_SUITE inline:" KEY_1
				    "\r\n",
		 NULL, 488, REFUSAL_CRYPTO},
		{"unencrypted SRTP", "acme-pbx",
		 SDP_HEAD("1.2.3.4") "m=audio 4000 RTP/SAVP 8\r\na=crypto:1 "
				     "AES_CM_128_HMAC_SHA1_80 inline:" KEY_1
				     " UNENCRYPTED_SRTP\r\n",
		 NULL, 488, REFUSAL_CRYPTO},
		{"video only", "acme-pbx", SDP_HEAD("1.2.3.4") "m=video 4000 RTP/SAVP 99\r\n", NULL,
		 488, REFUSAL_MEDIA},
		{"port 0", "acme-pbx", SDP_HEAD("1.2.3.4") "m=audio 0 RTP/SAVP 8\r\n", NULL, 488,
		 REFUSAL_MEDIA},
		{"no codec that is described", "acme-pbx",
		 SDP_HEAD("1.2.3.4") "m=audio 4000 RTP/SAVP 99\r\na=crypto:1 "
				     "AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n",
		 NULL, 488, REFUSAL_MEDIA},
		{"keys in clear", "gw1", GW_SECURE, NULL, 488, REFUSAL_CLEAR_ONLY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct sent *s;

		(void)rig_invite(f, &(struct invite){.trunk = rows[i].trunk,
						     .body = rows[i].body,
						     .type = rows[i].type,
						     .uri = rows[i].trunk[0] == 'g'
								    ? "sip:+15551230000@10.0.0.1"
								    : NULL});
		s = rig_sent(f, SENT_RESPONSE, 0);
		if (!s || s->status != rows[i].status || rig_cdr(f)->refusal != rows[i].why)
			fail_msg("%s: %s", rows[i].name, s ? s->text : "no answer");
		assert_says(s, "Warning: 399 postern \"");
		assert_says(s, rig_cdr(f)->id.z);
		if (rig_cdr(f)->refusal_detail[0]) /* what explain shows */
			assert_says(s, rig_cdr(f)->refusal_detail);
		else
			assert_says(s, refusal_text(rows[i].why));
		if (strcmp(rows[i].name, "unknown suite") == 0)
			assert_string_equal(rig_cdr(f)->refusal_detail,
					    "offered NULL_SUITE; this trunk takes "
					    "AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32, "
					    "AES_256_CM_HMAC_SHA1_80 and others");
		assert_null(rig_sent(f, SENT_REQUEST, 0));
		rig_down(f);
	}
}

/* A media port of ours in an offer: packets would go round. */
static void
our_own_port(void **state)
{
	static struct media_plan plan = {.n_addrs = 1, .port_min = 4000, .port_max = 4999};
	struct fake *f = rig_up();
	struct sent *s;

	(void)state;
	assert_int_equal(addr_parse_ip(STR("198.51.100.7"), &plan.bound[0]), ERR_OK);
	f->calls.conf.plan = &plan;
	(void)rig_invite(
		f,
		&(struct invite){
			.body = SDP_HEAD(
				"198.51.100.7") "m=audio 4000 RTP/SAVP 8\r\n"
						"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1
						"\r\n"});
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_non_null(s);
	assert_int_equal(s->status, 488);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_MEDIA);
	rig_down(f);
}

/* What B's 200 must not say. */
static void
answers(void **state)
{
	static const struct {
		const char *name, *body;
	} rows[] = {
		{"none", ""},
		{"garbage", "hello"},
		{"secure on a clear leg", GW_SECURE},
		{"no codec of ours", SDP_HEAD("10.0.0.9") "m=audio 1000 RTP/AVP 18\r\n"},
		{"refused stream", SDP_HEAD("10.0.0.9") "m=audio 0 RTP/AVP 8\r\n"},
		{"two streams",
		 SDP_HEAD("10.0.0.9") "m=audio 1000 RTP/AVP 8\r\nm=audio 1002 RTP/AVP 8\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct rig_pair p = rig_ringing(f);
		struct sent *s;

		fake_answer(f, p.b, 200, "gw", GW_CONTACT, rows[i].body);
		s = rig_sent(f, SENT_RESPONSE, 0);
		if (s->status != 502 || rig_call(f)->m.state != B2BUA_ENDING)
			fail_msg("%s: %d", rows[i].name, s->status);
		assert_non_null(
			rig_sent(f, SENT_ONCE, 0)); /* its 200 is acknowledged, then ended */
		rig_settle(f);
		assert_int_equal(rig_cdr(f)->refusal, REFUSAL_BAD_ANSWER);
		assert_int_equal(rig_cdr(f)->ended_by, ENDER_POSTERN);
		rig_down(f);
	}
}

static void
early_media(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *b;
	struct sent *s;
	uint32_t opens;

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	b = rig_out(f);
	fake_answer(f, b, 180, "gw", GW_CONTACT, "");
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 180);
	assert_silent(s, "m=audio");
	fake_answer(f, b, 183, "gw", GW_CONTACT, GW_BODY);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 183);
	assert_says(s, "a=crypto:7 ");
	assert_int_equal(rig_row(f, LEG_A)->flags,
			 MEDIA_F_SECURE | MEDIA_F_RECV | MEDIA_F_SEND | MEDIA_F_PTS_ALL);
	opens = f->port[0].opens;
	fake_answer(f, b, 183, "gw", GW_CONTACT, GW_BODY); /* again: nothing new for media */
	assert_int_equal(f->port[0].opens, opens);
	fake_answer(f, b, 200, "gw", GW_CONTACT, ""); /* the answer came before */
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 200);
	assert_says(s, "a=crypto:7 ");
	rig_end(f, 1);
}

/* The 18x could not be used: the 200 may still be. */
static void
early_media_bad(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *b;
	struct sent *s;

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	b = rig_out(f);
	fake_answer(f, b, 183, "gw", GW_CONTACT, "hello");
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 183);
	assert_silent(s, "hello");
	f->no_open = true;
	fake_answer(f, b, 183, "gw", GW_CONTACT, GW_BODY);
	f->no_open = false;
	fake_answer(f, b, 200, "gw", GW_CONTACT, GW_BODY);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 200);
	assert_says(s, "a=crypto:7 ");
	assert_string_equal(addr_text(&rig_row(f, LEG_B)->rtp).z, "10.0.0.9:10000");
	rig_end(f, 1);
}

/* Another call's offer came between: the second target gets the codecs of its own caller. */
static void
hunting_keeps_the_offer(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *b;
	struct sent *s;

	(void)state;
	(void)rig_invite(f, &(struct invite){.body = PBX_OFFER_ILBC});
	b = rig_out(f);
	(void)rig_invite(f, &(struct invite){.call_id = "two@pbx"});
	fake_answer(f, b, 503, "gw", "", "");
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_string_equal(s->dest.trunk.z, "gw2");
	assert_says(s, "RTP/AVP 97\r\n");
	assert_says(s, "a=rtpmap:97 iLBC/8000\r\n");
	assert_silent(s, "PCMA");
	rig_end(f, 2);
}

/* Once the caller hears one target, no other is tried: its answer would be a second one to one
 * offer. */
static void
no_hunting_past_early_media(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *b;

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	b = rig_out(f);
	fake_answer(f, b, 183, "gw", GW_CONTACT, GW_BODY);
	fake_answer(f, b, 503, "gw", "", "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 500);
	rig_end(f, 1);
}

static void
no_ports(void **state)
{
	struct fake *f = rig_up();
	struct sent *s;

	(void)state;
	f->no_port = true;
	(void)rig_invite(f, &(struct invite){0});
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 503);
	assert_says(s, "Retry-After: ");
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_NO_PORTS);
	rig_down(f);
}

/* Each target has its own media address, and the port of the one before is given back; what is not
 * in use is no target. */
static void
media_addresses(void **state)
{
	struct fake *f = rig_up();
	struct sent *s;
	struct call *c;

	(void)state;
	rig_trunk(f, "gw1")->media = STR("10.0.0.3");
	rig_trunk(f, "gw2")->media = STR("10.0.0.4");
	rig_world(f);
	(void)rig_invite(f, &(struct invite){0});
	assert_says(rig_sent(f, SENT_REQUEST, 0), "c=IN IP4 10.0.0.3");
	fake_answer(f, rig_out(f), 500, "gw", "", "");
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_string_equal(s->dest.trunk.z, "gw2");
	assert_says(s, "c=IN IP4 10.0.0.4");
	assert_int_equal(f->ports_given, 3);
	assert_int_equal(f->ports_freed, 1);
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	c = rig_call(f);
	assert_int_equal(rig_row(f, LEG_A)->peer, c->rec.leg[LEG_B].media.slot);
	assert_int_equal(rig_row(f, LEG_B)->peer, c->rec.leg[LEG_A].media.slot);
	rig_end(f, 1);

	f = rig_up();
	rig_trunk(f, "gw1")->media = rig_trunk(f, "gw2")->media = STR("nix");
	rig_world(f);
	(void)rig_invite(f, &(struct invite){0});
	assert_null(rig_sent(f, SENT_REQUEST, 0));
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 500);
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_MEDIA_ADDRESS);
	rig_down(f);
}

static void
media_busy(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	f->no_open = true;
	(void)rig_invite(f, &(struct invite){0});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 503);
	assert_null(rig_sent(f, SENT_REQUEST, 0)); /* no SDP left that names the port */
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_MEDIA_BUSY);
	assert_int_equal(rig_cdr(f)->n_targets, 2);
	rig_down(f);
}

static void
hold_directions(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *b;

	(void)state;
	(void)rig_invite(f, &(struct invite){.body = PBX_OFFER "a=sendonly\r\n"});
	assert_says(rig_sent(f, SENT_REQUEST, 0), "a=sendonly");
	b = rig_out(f);
	fake_answer(f, b, 200, "gw", GW_CONTACT, GW_BODY "a=recvonly\r\n");
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "a=recvonly");
	assert_int_equal(rig_row(f, LEG_A)->flags & (MEDIA_F_RECV | MEDIA_F_SEND), MEDIA_F_RECV);
	assert_int_equal(rig_row(f, LEG_B)->flags & (MEDIA_F_RECV | MEDIA_F_SEND), MEDIA_F_SEND);
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outgoing),
		cmocka_unit_test(incoming),
		cmocka_unit_test(offers),
		cmocka_unit_test(our_own_port),
		cmocka_unit_test(answers),
		cmocka_unit_test(early_media),
		cmocka_unit_test(early_media_bad),
		cmocka_unit_test(hunting_keeps_the_offer),
		cmocka_unit_test(no_hunting_past_early_media),
		cmocka_unit_test(no_ports),
		cmocka_unit_test(media_addresses),
		cmocka_unit_test(media_busy),
		cmocka_unit_test(hold_directions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
