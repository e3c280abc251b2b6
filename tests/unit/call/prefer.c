/* field.md row 23: trunks that prefer SRTP, each of the three ways that it is offered, both ways;
 * and that a leg never goes in clear in silence. */
#include "rig.h"

#define CRYPTO(tag, suite) "a=crypto:" tag " AES_CM_128_HMAC_SHA1_" suite " inline:" KEY_1 "\r\n"
#define LINE(proto, port) "m=audio " port " " proto " 8\r\na=rtpmap:8 PCMA/8000\r\n"
#define OSRTP SDP_HEAD("198.51.100.7") LINE("RTP/AVP", "4000") CRYPTO("4", "80")
#define OSRTP_ANSWER(tag) SDP_HEAD("198.51.100.7") LINE("RTP/AVP", "4000") CRYPTO(tag, "80")
#define BAD_SUITE "a=crypto:1 NULL_SUITE inline:" KEY_1 "\r\n"

static struct fake *
up(enum trunk_prefer prefer)
{
	struct fake *f = rig_up();

	rig_trunk(f, "acme-pbx")->security = TRUNK_SEC_PREFERRED;
	rig_trunk(f, "acme-pbx")->prefer = prefer;
	rig_world(f);
	return f;
}

/* What the leg of the customer has come to. */
static void
check_leg(struct fake *f, enum call_leg_index i, bool secure, enum record_fall fell)
{
	const struct record_leg *l = rig_leg(f, i);

	assert_int_equal(l->secure, secure);
	assert_int_equal(l->fell, fell);
	assert_int_equal(l->security, TRUNK_SEC_PREFERRED);
	assert_int_equal(rig_row(f, i)->flags & MEDIA_F_SECURE, secure ? MEDIA_F_SECURE : 0);
	assert_int_equal(rig_row(f, i)->in_suite != 0, secure);
	assert_int_equal(rig_row(f, i)->out_suite != 0, secure);
}

/* The customer offers. */
static void
offered(void **state)
{
	static const struct {
		const char *name, *offer, *answered, *never;
		bool secure;
		int status; /* 0: it is taken */
	} rows[] = {
		{"OSRTP", OSRTP, "m=audio 20000 RTP/AVP 8\r\n", "RTP/SAVP", true, 0},
		{"RTP/SAVP", PBX_OFFER, "m=audio 20000 RTP/SAVP 8", "RTP/AVP", true, 0},
		{"clear", PBX_CLEAR, "m=audio 20000 RTP/AVP 8", "crypto", false, 0},
		{"two lines",
		 SDP_HEAD("198.51.100.7") LINE("RTP/SAVP", "4000") CRYPTO("1", "80")
			 LINE("RTP/AVP", "4002"),
		 "RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\na=crypto:1 ", "m=audio 20000 RTP/AVP", true,
		 0},
		{"two lines, the clear one first",
		 SDP_HEAD("198.51.100.7") LINE("RTP/AVP", "4002") LINE("RTP/SAVP", "4000")
			 CRYPTO("1", "80"),
		 "m=audio 0 RTP/AVP 8\r\nm=audio 20000 RTP/SAVP 8", "m=audio 20000 RTP/AVP", true,
		 0},
		{"two lines, no suite of ours",
		 SDP_HEAD("198.51.100.7") LINE("RTP/SAVP", "4000")
			 BAD_SUITE LINE("RTP/AVP", "4002"),
		 "m=audio 0 RTP/SAVP 8\r\nm=audio 20000 RTP/AVP 8", "crypto", false, 0},
		{"OSRTP, no suite of ours",
		 SDP_HEAD("198.51.100.7") LINE("RTP/AVP", "4000") BAD_SUITE,
		 "m=audio 20000 RTP/AVP 8", "crypto", false, 0},
		{"RTP/SAVP, no suite of ours",
		 SDP_HEAD("198.51.100.7") LINE("RTP/SAVP", "4000") BAD_SUITE, NULL, NULL, false,
		 488},
		{"RTP/SAVP without a key", SDP_HEAD("198.51.100.7") LINE("RTP/SAVP", "4000"), NULL,
		 NULL, false, 488},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up(TRUNK_PREFER_OSRTP);
		struct edge_txn *a = rig_invite(f, &(struct invite){.body = rows[i].offer});
		struct sent *s;

		print_message("# %s\n", rows[i].name);
		if (rows[i].status) {
			assert_int_equal(a->status, rows[i].status);
			rig_end(f, 1);
			continue;
		}
		fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_int_equal(s->status, 200);
		assert_says(s, rows[i].answered);
		assert_silent(s, rows[i].never);
		assert_int_equal(rig_says(s, "a=crypto:"), rows[i].secure);
		check_leg(f, LEG_A, rows[i].secure,
			  rows[i].secure ? RECORD_FALL_none : RECORD_FALL_offered);
		rig_end(f, 1);
	}
}

static struct edge_txn *
call_in(struct fake *f)
{
	return rig_invite(f, &(struct invite){.trunk = "gw1",
					      .uri = "sip:+15551230000@10.0.0.1",
					      .from = "sip:+15552223333@10.0.0.9",
					      .contact = GW_CONTACT});
}

/* The customer is offered it, and answers. */
static void
answered(void **state)
{
	static const struct {
		const char *name;
		enum trunk_prefer prefer;
		const char *asked, *answer;
		bool secure;
		int status;
	} rows[] = {
		{"OSRTP, taken", TRUNK_PREFER_OSRTP,
		 "m=audio 20002 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n", OSRTP_ANSWER("1"), true,
		 200},
		{"OSRTP, its second suite", TRUNK_PREFER_OSRTP, "a=crypto:2 ",
		 SDP_HEAD("198.51.100.7") LINE("RTP/AVP", "4000") CRYPTO("2", "32"), true, 200},
		{"OSRTP, in clear", TRUNK_PREFER_OSRTP, "a=crypto:1 ", PBX_CLEAR, false, 200},
		{"OSRTP, another transport", TRUNK_PREFER_OSRTP, "a=crypto:1 ",
		 PBX_ANSWER("1", "80"), false, 502},
		{"OSRTP, a tag of nobody", TRUNK_PREFER_OSRTP, "a=crypto:1 ", OSRTP_ANSWER("9"),
		 false, 502},
		{"lines, the first", TRUNK_PREFER_LINES, "m=audio 20002 RTP/AVP 8 101",
		 SDP_HEAD("198.51.100.7") LINE("RTP/SAVP", "4000") CRYPTO("1", "80")
			 LINE("RTP/AVP", "0"),
		 true, 200},
		{"lines, both", TRUNK_PREFER_LINES, "m=audio 20002 RTP/SAVP 8 101",
		 SDP_HEAD("198.51.100.7") LINE("RTP/SAVP", "4000") CRYPTO("1", "80")
			 LINE("RTP/AVP", "4002"),
		 true, 200},
		{"lines, the second", TRUNK_PREFER_LINES, "m=audio 20002 RTP/SAVP 8 101",
		 SDP_HEAD("198.51.100.7") LINE("RTP/SAVP", "0") LINE("RTP/AVP", "4000"), false,
		 200},
		{"lines, a key in the second", TRUNK_PREFER_LINES, "m=audio 20002 RTP/SAVP 8 101",
		 SDP_HEAD("198.51.100.7") LINE("RTP/SAVP", "0") LINE("RTP/AVP", "4000")
			 CRYPTO("1", "80"),
		 false, 502},
		{"lines, none", TRUNK_PREFER_LINES, "m=audio 20002 RTP/SAVP 8 101",
		 SDP_HEAD("198.51.100.7") LINE("RTP/SAVP", "0") LINE("RTP/AVP", "0"), false, 502},
		{"lines, one answered", TRUNK_PREFER_LINES, "m=audio 20002 RTP/SAVP 8 101",
		 PBX_ANSWER("1", "80"), false, 502},
		{"retry, taken at once", TRUNK_PREFER_RETRY, "m=audio 20002 RTP/SAVP 8 101",
		 PBX_ANSWER("1", "80"), true, 200},
		{"retry, in clear at once", TRUNK_PREFER_RETRY, "m=audio 20002 RTP/SAVP 8 101",
		 PBX_CLEAR, false, 502},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up(rows[i].prefer);
		struct edge_txn *a = call_in(f);

		print_message("# %s\n", rows[i].name);
		assert_says(rig_sent(f, SENT_REQUEST, 0), rows[i].asked);
		fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT, rows[i].answer);
		assert_int_equal(a->status, rows[i].status);
		if (rows[i].status == 200)
			check_leg(f, LEG_B, rows[i].secure,
				  rows[i].secure ? RECORD_FALL_none : RECORD_FALL_answered);
		rig_end(f, 1);
	}
}

/* It refuses: asked again in clear, where the trunk says so, and once. */
static void
retried(void **state)
{
	static const struct {
		const char *name;
		enum trunk_security security;
		enum trunk_prefer prefer;
		unsigned status;
		bool again;
	} rows[] = {
		{"488", TRUNK_SEC_PREFERRED, TRUNK_PREFER_RETRY, 488, true},
		{"606", TRUNK_SEC_PREFERRED, TRUNK_PREFER_RETRY, 606, true},
		{"busy", TRUNK_SEC_PREFERRED, TRUNK_PREFER_RETRY, 486, false},
		{"no retry", TRUNK_SEC_PREFERRED, TRUNK_PREFER_OSRTP, 488, false},
		{"required", TRUNK_SEC_REQUIRED, TRUNK_PREFER_RETRY, 488, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up(rows[i].prefer);
		struct edge_txn *a;
		struct sent *s;

		print_message("# %s\n", rows[i].name);
		rig_trunk(f, "acme-pbx")->security = rows[i].security;
		rig_world(f);
		a = call_in(f);
		fake_answer(f, rig_out(f), rows[i].status, "pbx", "", "");
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), rows[i].again ? 2 : 1);
		if (!rows[i].again) {
			assert_int_equal(a->status, rows[i].status);
			rig_end(f, 1);
			continue;
		}
		s = rig_sent(f, SENT_REQUEST, 0);
		assert_says(s, "m=audio 20002 RTP/AVP 8 101");
		assert_silent(s, "crypto");
		fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT, PBX_CLEAR);
		assert_int_equal(a->status, 200);
		check_leg(f, LEG_B, false, RECORD_FALL_retried);
		rig_end(f, 1);

		f = up(rows[i].prefer); /* and not a third time */
		a = call_in(f);
		fake_answer(f, rig_out(f), 488, "pbx", "", "");
		fake_answer(f, rig_out(f), 488, "pbx", "", "");
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 2);
		assert_int_equal(a->status, 488);
		rig_end(f, 1);

		f = up(rows[i].prefer); /* nor with what was not offered */
		a = call_in(f);
		fake_answer(f, rig_out(f), 488, "pbx", "", "");
		fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT, OSRTP_ANSWER("1"));
		assert_int_equal(a->status, 502);
		rig_end(f, 1);
	}
}

/* An INVITE without an offer: ours in the 200 cannot be tried again. */
static void
late(void **state)
{
	(void)state;
	for (int clear = 0; clear < 2; clear++) {
		struct fake *f = up(TRUNK_PREFER_RETRY);
		struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = ""})};

		p.b = rig_out(f);
		fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
		assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=audio 20000 RTP/AVP 8 101");
		assert_says(rig_sent(f, SENT_RESPONSE, 0), "a=crypto:1 ");
		(void)rig_inside_sdp(f, p.a, "acme-pbx", "ACK", 1, "",
				     clear ? PBX_CLEAR : OSRTP_ANSWER("1"));
		assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		check_leg(f, LEG_A, !clear, clear ? RECORD_FALL_answered : RECORD_FALL_none);
		rig_end(f, 1);
	}
}

/* Once agreed, it neither falls nor rises, a restart in between or not. */
static void
stays(void **state)
{
	static const struct {
		const char *name, *first, *then;
		int status; /* of the change */
	} rows[] = {
		{"secure, then clear", OSRTP, PBX_CLEAR, 488},
		{"secure, then RTP/SAVP", OSRTP, PBX_OFFER_ILBC, 200},
		{"clear, then a key beside it", PBX_CLEAR, OSRTP, 200},
		{"clear, then RTP/SAVP", PBX_CLEAR, PBX_OFFER, 488},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		size_t k = i / 2;
		bool secure = rows[k].first[0] && strcmp(rows[k].first, OSRTP) == 0;
		struct fake *f = up(TRUNK_PREFER_OSRTP);
		struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = rows[k].first})};
		struct edge_txn *again;

		print_message("# %s%s\n", rows[k].name, i % 2 ? ", after a restart" : "");
		p.b = rig_out(f);
		fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
		(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
		if (i % 2)
			rig_restart(f, &p);
		again = rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", rows[k].then);
		if (rows[k].status == 200) {
			assert_silent(rig_sent(f, SENT_REQUEST, 0), "crypto");
			if (rig_out(f) != p.b)
				fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT,
					    rows[k].then == rows[1].then
						    ? SDP_HEAD("10.0.0.9") "m=audio 10000 RTP/AVP "
									   "97\r\na=rtpmap:97 "
									   "iLBC/8000\r\n"
						    : GW_BODY);
			(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
		}
		assert_int_equal(again->status, rows[k].status);
		assert_int_equal(rig_leg(f, LEG_A)->secure, secure);
		rig_end(f, 1);
	}
}

/* A leg that was agreed under RTP/AVP is asked again under it, with the same key. */
static void
asked_again(void **state)
{
	struct fake *f = up(TRUNK_PREFER_LINES);
	struct edge_txn *a = call_in(f), *b = rig_out(f);
	struct sent *s;

	(void)state;
	fake_answer(f, b, 200, "pbx", PBX_CONTACT,
		    SDP_HEAD("198.51.100.7") LINE("RTP/SAVP", "0") LINE("RTP/AVP", "4000"));
	(void)rig_inside(f, a, "gw1", "ACK", 1, "");
	(void)rig_inside_sdp(f, a, "gw1", "INVITE", 2, "",
			     SDP_HEAD("10.0.0.9") "m=audio 10000 RTP/AVP 0\r\na=sendonly\r\n");
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_says(s, "m=audio 0 RTP/AVP 0\r\nm=audio 20002 RTP/AVP 0\r\n");
	assert_silent(s, "crypto");
	rig_end(f, 1);

	f = up(TRUNK_PREFER_OSRTP);
	a = call_in(f);
	b = rig_out(f);
	fake_answer(f, b, 200, "pbx", PBX_CONTACT, OSRTP_ANSWER("1"));
	(void)rig_inside(f, a, "gw1", "ACK", 1, "");
	(void)rig_inside_sdp(f, a, "gw1", "INVITE", 2, "",
			     SDP_HEAD("10.0.0.9") "m=audio 10000 RTP/AVP 8\r\na=sendonly\r\n");
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_says(s, "m=audio 20002 RTP/AVP 8\r\n");
	assert_says(s, "a=crypto:1 ");
	assert_silent(s, "a=crypto:2 ");
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offered), cmocka_unit_test(answered),
		cmocka_unit_test(retried), cmocka_unit_test(late),
		cmocka_unit_test(stays),   cmocka_unit_test(asked_again),
	};

	return cmocka_run_group_tests_name("call prefer", tests, NULL, NULL);
}
