/* call/parts: the parts of a body beside its SDP go on where both trunks pass them: in INVITE, its
 * responses and changes of the session; what never goes, and what must be understood. */
#include "rig.h"

#include "call/parts.h"

#define MIXED "multipart/mixed;boundary=b"
#define PART(type, text) "--b\r\nContent-Type: " type "\r\n\r\n" text "\r\n"
#define PART_SDP(sdp) PART("application/sdp", sdp)
#define END "--b--\r\n"
#define PIDF "<presence>40.7</presence>"
#define ISUP_TYPE "application/isup;version=itu-t92+"
#define ISUP "\001IAM\377\002"
#define SIGNAL "Content-Disposition: signal;handling="
#define PART_ISUP(handling)                                                                        \
	"--b\r\nContent-Type: " ISUP_TYPE "\r\n" SIGNAL handling "\r\n\r\n" ISUP "\r\n"

static struct fake *
up(bool a, bool b)
{
	struct fake *f = rig_up();

	rig_trunk(f, "acme-pbx")->parts = a ? TRUNK_PARTS_PASS : TRUNK_PARTS_DROP;
	rig_trunk(f, "gw1")->parts = b ? TRUNK_PARTS_PASS : TRUNK_PARTS_DROP;
	rig_world(f);
	return f;
}

/* Its parts are as long as it says. */
static void
assert_whole(struct fake *f, const struct sent *s)
{
	assert_int_equal(sip_msg_parse(str_of(s->text, s->len), &f->tx), ERR_OK);
	assert_int_equal(f->tx.content_length, (int)f->tx.body.len);
}

/* ---- INVITE ---- */

static const struct {
	const char *name, *type, *more, *body;
	bool a, b;  /* trunks that pass */
	int status; /* of ours to A; 0: it goes on */
	const char *says, *silent;
} invites[] = {
	{"both pass", MIXED, NULL, PART_SDP(PBX_OFFER) PART("application/pidf+xml", PIDF) END, true,
	 true, 0, PIDF, "198.51.100.7"},
	{"and our SDP", MIXED, NULL, PART("application/pidf+xml", PIDF) PART_SDP(PBX_OFFER) END,
	 true, true, 0, "m=audio 20002 RTP/AVP 8 101\r\n", KEY_1},
	{"the caller's trunk drops", MIXED, NULL,
	 PART_SDP(PBX_OFFER) PART("application/pidf+xml", PIDF) END, false, true, 0,
	 "\r\nContent-Type: application/sdp\r\n", PIDF},
	{"the called side's trunk drops", MIXED, NULL,
	 PART_SDP(PBX_OFFER) PART("application/pidf+xml", PIDF) END, true, false, 0,
	 "\r\nContent-Type: application/sdp\r\n", "multipart"},
	{"a part that must be understood", MIXED, NULL,
	 PART_SDP(PBX_OFFER) PART_ISUP("required") END, true, true, 0,
	 SIGNAL "required\r\n\r\n" ISUP "\r\n--", NULL},
	{"the same, and the caller's trunk drops", MIXED, NULL,
	 PART_SDP(PBX_OFFER) PART_ISUP("required") END, false, true, 415,
	 "Accept: application/sdp, multipart/mixed\r\n", NULL},
	{"the same, and the called side's does", MIXED, NULL,
	 PART_SDP(PBX_OFFER) PART_ISUP("required") END, true, false, 415, "handling=required",
	 NULL},
	{"one that need not be, and the caller's trunk drops", MIXED, NULL,
	 PART_SDP(PBX_OFFER) PART_ISUP("optional") END, false, true, 0, "m=audio 20002", ISUP},
	{"the SDP must be understood, and is", MIXED, NULL,
	 "--b\r\nContent-Type: application/sdp\r\n" SIGNAL "required\r\n\r\n" PBX_OFFER "\r\n" END,
	 false, false, 0, "m=audio 20002", "multipart"},
	{"no SDP: its one part as it was", ISUP_TYPE, SIGNAL "optional\r\n", ISUP, true, true, 0,
	 "\r\nContent-Type: " ISUP_TYPE "\r\n" SIGNAL "optional\r\nContent-Length: 6\r\n\r\n" ISUP,
	 "multipart"},
	{"no SDP, and the caller's trunk drops", ISUP_TYPE, NULL, ISUP, false, true, 415,
	 "Accept: application/sdp, multipart/mixed\r\n", NULL},
	{"no SDP, and the called side's drops", ISUP_TYPE, NULL, ISUP, true, false, 0,
	 "Content-Length: 0\r\n", ISUP},
	{"no SDP: parts as they were", MIXED, NULL,
	 PART("application/pidf+xml", PIDF) PART_ISUP("optional") END, true, true, 0,
	 "MIME-Version: 1.0\r\nContent-Type: " MIXED "\r\n", "m=audio"},
	{"a list inside of a part", MIXED, NULL,
	 PART_SDP(PBX_OFFER) PART("multipart/related;boundary=c;start=\"<r>\"",
				  "--c\r\nContent-ID: <r>\r\n\r\nroot\r\n--c--") END,
	 true, true, 0, "Content-Type: multipart/related;boundary=c;start=\"<r>\"\r\n\r\n--c\r\n",
	 NULL},
	{"another SDP", MIXED, NULL,
	 PART_SDP(PBX_OFFER) PART("application/pidf+xml", PIDF) PART_SDP("v=0 of another") END,
	 true, true, 0, PIDF, "v=0 of another"},
	{"an SDP in base64", MIXED, NULL,
	 PART_SDP(PBX_OFFER) "--b\r\nContent-Type: application/sdp\r\n"
			     "Content-Transfer-Encoding: base64\r\n\r\ndj0w\r\n" END,
	 true, true, 0, "m=audio 20002", "dj0w"},
	{"M9: keys in a text", MIXED, NULL,
	 PART_SDP(PBX_OFFER) PART("text/plain", "a=crypto:1 X inline:" KEY_2) END, true, true, 0,
	 "m=audio 20002", KEY_2},
	{"M9: keys in a list inside of a part", MIXED, NULL,
	 PART_SDP(PBX_OFFER)
		 PART("multipart/related;boundary=c",
		      "--c\r\n\r\na=key-mgmt:mikey " KEY_2 "\r\n--c\r\n\r\nthe rest\r\n--c--") END,
	 true, true, 0, "the rest", KEY_2},
	{"what is sealed", MIXED, NULL,
	 PART_SDP(PBX_OFFER) PART("application/pkcs7-mime", "sealed") END, true, true, 0,
	 "m=audio 20002", "sealed"},
	{"a signature", "multipart/signed;boundary=b", NULL,
	 PART_SDP(PBX_OFFER) PART("application/pkcs7-signature", "mark") END, true, true, 0,
	 "m=audio 20002", "mark"},
	{"a message", MIXED, NULL, PART_SDP(PBX_OFFER) PART("message/sip", "BYE sip:x") END, true,
	 true, 0, "m=audio 20002", "BYE sip:x"},
	{"in the place of the SDP", "multipart/alternative;boundary=b", NULL,
	 PART("text/plain", "no SDP?") PART_SDP(PBX_OFFER) END, true, true, 0, "m=audio 20002",
	 "no SDP?"},
	{"headers that name a part", MIXED,
	 "Geolocation: <cid:l@pbx>\r\nCall-Info: <cid:i@pbx>;purpose=info\r\n",
	 PART_SDP(PBX_OFFER) PART("application/pidf+xml", PIDF) END, true, true, 0,
	 "Geolocation: <cid:l@pbx>\r\nCall-Info: <cid:i@pbx>;purpose=info\r\n", NULL},
	{"headers that name something else", MIXED, "Geolocation: <https://lis.example/1>\r\n",
	 PART_SDP(PBX_OFFER) PART("application/pidf+xml", PIDF) END, true, true, 0, PIDF,
	 "lis.example"},
	{"headers that name a part that stays", MIXED, "Geolocation: <cid:l@pbx>\r\n",
	 PART_SDP(PBX_OFFER) PART("application/pidf+xml", PIDF) END, true, false, 0,
	 "m=audio 20002", "cid:"},
	{"what may come back", MIXED, "Accept: application/sdp, application/isup\r\n",
	 PART_SDP(PBX_OFFER) PART_ISUP("optional") END, true, true, 0,
	 "Accept: application/sdp, application/isup\r\n", NULL},
	{"what may not", MIXED, "Accept: application/sdp, application/isup\r\n",
	 PART_SDP(PBX_OFFER) PART_ISUP("optional") END, true, false, 0,
	 "Accept: application/sdp\r\n", NULL},
	{"no end", MIXED, NULL, PART("application/pidf+xml", PIDF), true, true, 415, NULL, NULL},
};

static void
in_invites(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(invites); i++) {
		struct fake *f = up(invites[i].a, invites[i].b);
		const struct edge_txn *a;
		const struct sent *s;

		rig_trunk(f, "gw2")->enabled = false;
		rig_world(f);
		a = rig_invite(f, &(struct invite){.type = invites[i].type,
						   .more = invites[i].more,
						   .body = invites[i].body});
		s = rig_sent(f, invites[i].status ? SENT_RESPONSE : SENT_REQUEST, 0);
		if (a->status != invites[i].status || !s)
			fail_msg("%s: %d", invites[i].name, a->status);
		if (invites[i].says && !rig_says(s, invites[i].says))
			fail_msg("%s: not said: %s in %s", invites[i].name, invites[i].says,
				 s->text);
		if (invites[i].silent && rig_says(s, invites[i].silent))
			fail_msg("%s: said: %s in %s", invites[i].name, invites[i].silent, s->text);
		assert_whole(f, s);
		rig_end(f, 1);
	}
}

/* A target whose trunk would drop what must be understood is not asked, the next one is. */
static void
next_target(void **state)
{
	struct fake *f = up(true, false);
	const struct sent *s;

	(void)state;
	rig_trunk(f, "gw2")->parts = TRUNK_PARTS_PASS;
	rig_trunk(f, "gw1")->priority = 1;
	rig_trunk(f, "gw2")->priority = 2;
	rig_world(f);
	(void)rig_invite(f,
			 &(struct invite){.type = MIXED,
					  .body = PART_SDP(PBX_OFFER) PART_ISUP("required") END});
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_says(s, ISUP);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 1);
	assert_string_equal(rig_leg(f, LEG_B)->trunk.z, "gw2");
	assert_int_equal(rig_call(f)->rec.target[0].status, -1);
	rig_end(f, 1);
}

/* What would not fit stays here, and the call goes on. */
static void
too_long(void **state)
{
	static char text[CALL_PARTS_MAX + 1024], out[CALL_MSG_MAX];
	struct fake *f = up(true, true);
	struct sip_msg m;
	struct buf b;

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	for (int more = -512; more <= 512; more += 1024) {
		buf_init(&b, text, sizeof(text));
		buf_z(&b, "INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\n"
			  "From: <sip:x@y>;tag=a\r\nTo: <sip:x@y>\r\nCall-ID: c\r\n"
			  "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Type: text/x\r\n\r\n");
		while (b.len < (size_t)(CALL_PARTS_MAX + more))
			buf_char(&b, 'x');
		assert_int_equal(buf_end(&b), ERR_OK);
		assert_int_equal(sip_msg_parse(buf_view(&b), &m), ERR_OK);
		assert_int_equal(parts_go_on(rig_call(f), LEG_B, &m),
				 more < 0 || m.body.len <= CALL_PARTS_MAX);
		buf_init(&b, out, sizeof(out));
		parts_put_body(rig_call(f), LEG_B, &m, STR("v=0\r\n"), &b);
		assert_int_equal(buf_end(&b), ERR_OK);
		assert_int_equal(b.len > CALL_PARTS_MAX - 1024, m.body.len <= CALL_PARTS_MAX);
	}
	rig_end(f, 1);
}

/* ---- responses ---- */

static const struct {
	const char *name;
	bool b; /* the called side's trunk passes */
	unsigned status;
	const char *type, *body, *says, *silent;
} responses[] = {
	{"183 with both", true, 183, MIXED, PART_SDP(GW_BODY) PART_ISUP("optional") END,
	 ISUP "\r\n--", "10.0.0.9"},
	{"and our SDP in it", true, 183, MIXED, PART_ISUP("optional") PART_SDP(GW_BODY) END,
	 "a=crypto:7 ", NULL},
	{"180 with ISUP alone", true, 180, ISUP_TYPE, ISUP,
	 "\r\nContent-Type: " ISUP_TYPE "\r\nContent-Length: 6\r\n\r\n" ISUP, "m=audio"},
	{"200 with both", true, 200, MIXED, PART_SDP(GW_BODY) PART_ISUP("required") END,
	 ISUP "\r\n--", "10.0.0.9"},
	{"183 where the trunk drops", false, 183, MIXED,
	 PART_SDP(GW_BODY) PART_ISUP("optional") END, "\r\nContent-Type: application/sdp\r\n",
	 ISUP},
	{"180 with ISUP alone, dropped", false, 180, ISUP_TYPE, ISUP, "Content-Length: 0\r\n",
	 ISUP},
	{"200, dropped though it must be understood", false, 200, MIXED,
	 PART_SDP(GW_BODY) PART_ISUP("required") END, "\r\nContent-Type: application/sdp\r\n",
	 ISUP},
};

static void
in_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(responses); i++) {
		struct fake *f = up(true, responses[i].b);
		const struct sent *s;

		(void)rig_invite(f, &(struct invite){0});
		fake_answer_as(f, rig_out(f), responses[i].status, "gw", GW_CONTACT,
			       responses[i].type, responses[i].body);
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_non_null(s);
		assert_int_equal(s->status, responses[i].status);
		if (!rig_says(s, responses[i].says))
			fail_msg("%s: not said in %s", responses[i].name, s->text);
		if (responses[i].silent && rig_says(s, responses[i].silent))
			fail_msg("%s: said in %s", responses[i].name, s->text);
		assert_whole(f, s);
		rig_end(f, 1);
	}
}

/* A reliable 180 with ISUP alone is no offer, and no answer. */
static void
no_offer(void **state)
{
	struct fake *f = up(true, true);
	struct rig_pair p = {
		.a = rig_invite(f, &(struct invite){.more = "Supported: 100rel\r\n", .body = ""})};

	(void)state;
	p.b = rig_out(f);
	fake_answer_as(f, p.b, 180, "gw", GW_CONTACT "Require: 100rel\r\nRSeq: 5\r\n", ISUP_TYPE,
		       ISUP);
	assert_int_equal(rig_call(f)->m.state, B2BUA_RINGING);
	assert_says(rig_sent(f, SENT_REQUEST, 0), "RAck: 5 1 INVITE\r\n");
	assert_says(rig_sent(f, SENT_RESPONSE, 0), ISUP);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=audio 20000 RTP/SAVP 8 101");
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "ACK", 1, "", PBX_ANSWER("1", "80"));
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	rig_end(f, 1);
}

/* ---- inside the call ---- */

/* A change that says the same session again goes on because of its part, and its answer's comes
 * back. */
static void
in_changes(void **state)
{
	struct fake *f = up(true, true);
	struct rig_pair p = rig_talking(f);
	const struct sent *s;

	(void)state;
	(void)rig_inside_body(f, p.a, "acme-pbx", "INVITE", 2, PBX_CONTACT, MIXED,
			      PART_SDP(PBX_OFFER) PART_ISUP("required") END);
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_int_equal(s->method, SIP_INVITE);
	assert_says(s, ISUP);
	assert_says(s, "m=audio 20002");
	fake_answer_as(f, rig_out(f), 200, "gw", GW_CONTACT, MIXED,
		       PART_SDP(GW_BODY) PART("text/x", "the answer's") END);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 200);
	assert_says(s, "the answer's");
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	/* of the called side, without an offer */
	(void)rig_inside_body(f, p.b, "gw1", "INVITE", 7, GW_CONTACT, ISUP_TYPE, ISUP);
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_int_equal(s->method, SIP_INVITE);
	assert_says(s, ISUP);
	assert_silent(s, "m=audio");
	rig_end(f, 1);
}

static void
in_changes_dropped(void **state)
{
	struct fake *f = up(true, false);
	struct rig_pair p = rig_talking(f);
	const struct sent *s;
	uint32_t n;

	(void)state;
	n = rig_count(f, SENT_REQUEST, SIP_INVITE);
	(void)rig_inside_body(f, p.a, "acme-pbx", "INVITE", 2, PBX_CONTACT, MIXED,
			      PART_SDP(PBX_OFFER) PART_ISUP("required") END);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 415);
	assert_says(s, "handling=required");
	(void)rig_inside_body(f, p.a, "acme-pbx", "INVITE", 3, PBX_CONTACT, MIXED,
			      PART_SDP(PBX_OFFER) PART_ISUP("optional") END);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 200); /* the same session: nobody need hear of it */
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), n);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 3, "");
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_invites),         cmocka_unit_test(next_target),
		cmocka_unit_test(too_long),           cmocka_unit_test(in_responses),
		cmocka_unit_test(no_offer),           cmocka_unit_test(in_changes),
		cmocka_unit_test(in_changes_dropped),
	};

	return cmocka_run_group_tests_name("call/parts", tests, NULL, NULL);
}
