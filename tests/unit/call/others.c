/* call/others: media that is neither audio nor video goes past us where both trunks say so, between
 * legs in clear; each line finds its own on the other leg through all changes. */
#include "rig.h"

#define TEXT "m=text 4020 RTP/AVP 98 100\r\n"
#define TEXT_MORE "b=AS:8\r\na=rtpmap:98 t140/1000\r\na=rtpmap:100 red/1000\r\na=fmtp:100 98/98\r\n"
#define MSRP(port) "m=message " port " TCP/MSRP *\r\n"
#define PATH(who) "a=accept-types:text/plain\r\na=path:msrp://" who ";tcp\r\n"
#define BFCP "m=application 4008 UDP/BFCP *\r\na=floorctrl:c-only\r\n"
#define BFCP_ASKED "m=application 4008 UDP/BFCP *\r\n" HERE "a=floorctrl:c-only\r\n"
#define HERE "c=IN IP4 198.51.100.7\r\n"
#define THERE "c=IN IP4 10.0.0.9\r\n"
#define BIT(type) (1 << SDP_##type)

static struct fake *
up(bool a, bool b)
{
	struct fake *f = rig_up();

	rig_in_clear(f);
	rig_trunk(f, "acme-pbx")->other_media =
		a ? TRUNK_OTHER_MEDIA_PASS : TRUNK_OTHER_MEDIA_REFUSE;
	rig_trunk(f, "gw1")->other_media = b ? TRUNK_OTHER_MEDIA_PASS : TRUNK_OTHER_MEDIA_REFUSE;
	rig_world(f);
	return f;
}

/* A call of A with this offer, which B answers so. */
static struct rig_pair
talking(struct fake *f, const char *offer, const char *answer)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = offer})};

	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, answer);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	return p;
}

/* ---- an offer and its answer ---- */

static const struct {
	const char *name;
	bool a, b; /* trunks that pass */
	const char *offer, *answer;
	const char *asked, *told; /* what B and A get behind our audio */
	unsigned kinds;
} rows[] = {
	{"text, both ways", true, true, PBX_CLEAR TEXT TEXT_MORE "a=sendrecv\r\n",
	 GW_BODY "m=text 10020 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n",
	 TEXT HERE TEXT_MORE "a=sendrecv\r\n",
	 "m=text 10020 RTP/AVP 98\r\n" THERE "a=rtpmap:98 t140/1000\r\n", BIT(TEXT)},
	{"a message session, at an address of its own", true, true,
	 PBX_CLEAR MSRP("2855") "c=IN IP4 198.51.100.8\r\n" PATH("a"),
	 GW_BODY MSRP("7394") PATH("b"), MSRP("2855") "c=IN IP4 198.51.100.8\r\n" PATH("a"),
	 MSRP("7394") THERE PATH("b"), BIT(MESSAGE)},
	{"before the audio", true, true,
	 SDP_HEAD("198.51.100.7") BFCP "m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n",
	 GW_BODY "m=application 10008 UDP/BFCP *\r\n", BFCP_ASKED,
	 "t=0 0\r\nm=application 10008 UDP/BFCP *\r\n" THERE "m=audio", BIT(APPLICATION)},
	{"two of a kind, the first one refused", true, true,
	 PBX_CLEAR MSRP("2855") PATH("a") MSRP("2856") PATH("c"),
	 GW_BODY MSRP("0") MSRP("7395") PATH("d"),
	 MSRP("2855") HERE PATH("a") MSRP("2856") HERE PATH("c"),
	 "m=message 0 TCP/MSRP *\r\n" MSRP("7395") THERE PATH("d"), BIT(MESSAGE)},
	{"two of a kind, the first one off", true, true, PBX_CLEAR MSRP("0") MSRP("2856") PATH("c"),
	 GW_BODY "m=message 0 RTP/AVP 0\r\n" MSRP("7395"),
	 "m=message 0 RTP/AVP 0\r\n" MSRP("2856") HERE PATH("c"),
	 "m=message 0 TCP/MSRP *\r\n" MSRP("7395") THERE, BIT(MESSAGE)},
	{"a fax beside the voice", true, true, PBX_CLEAR "m=image 4400 udptl t38\r\n",
	 GW_BODY "m=image 4500 udptl t38\r\n", "m=image 4400 udptl t38\r\n" HERE,
	 "m=image 4500 udptl t38\r\n" THERE, BIT(IMAGE)},
	{"of a kind that nobody knows", true, true, PBX_CLEAR "m=smell 4400/2 X/Y z\r\n",
	 GW_BODY "m=smell 4500 X/Y z\r\n", "m=smell 4400/2 X/Y z\r\n" HERE,
	 "m=smell 4500 X/Y z\r\n" THERE, BIT(MEDIA_OTHER)},
	{"the called side refuses", true, true, PBX_CLEAR BFCP,
	 GW_BODY "m=application 0 UDP/BFCP *\r\n", BFCP_ASKED, "m=application 0 UDP/BFCP *\r\n", 0},
	{"it answers with another protocol", true, true, PBX_CLEAR BFCP,
	 GW_BODY "m=application 9 TCP/BFCP *\r\n", BFCP_ASKED, "m=application 0 UDP/BFCP *\r\n", 0},
	{"the caller's trunk refuses", false, true, PBX_CLEAR BFCP, GW_BODY, "",
	 "m=application 0 UDP/BFCP *\r\n", 0},
	{"the called side's trunk refuses", true, false, PBX_CLEAR BFCP, GW_BODY, "",
	 "m=application 0 UDP/BFCP *\r\n", 0},
	{"another audio stream", true, true, PBX_CLEAR "m=audio 4010 RTP/AVP 8\r\n", GW_BODY, "",
	 "m=audio 0 RTP/AVP 8\r\n", 0},
	{"M9: with a key", true, true,
	 PBX_CLEAR "m=text 4020 RTP/SAVP 98\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_2
		   "\r\n",
	 GW_BODY, "", "m=text 0 RTP/SAVP 98\r\n", 0},
	{"M9: with k=", true, true, PBX_CLEAR TEXT "k=clear:" KEY_2 "\r\n", GW_BODY, "",
	 "m=text 0 RTP/AVP 98\r\n", 0},
	{"M9: with MIKEY", true, true, PBX_CLEAR TEXT "a=key-mgmt:mikey " KEY_2 "\r\n", GW_BODY, "",
	 "m=text 0 RTP/AVP 98\r\n", 0},
	{"M9: the answer has a key", true, true, PBX_CLEAR TEXT,
	 GW_BODY "m=text 10020 RTP/AVP 98\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_2
		 "\r\n",
	 TEXT HERE, "m=text 0 RTP/AVP 98\r\n", 0},
	{"P6: what is no text stays", true, true,
	 PBX_CLEAR TEXT "a=fine:1\r\na=bell:\a\r\nx=strange\r\ni=chat\r\n",
	 GW_BODY "m=text 0 RTP/AVP 98\r\n", TEXT "i=chat\r\n" HERE "a=fine:1\r\n",
	 "m=text 0 RTP/AVP 98\r\n", 0},
};

/* The session's own c= does not speak for the line: it has one of its own. */
static void
offered(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up(rows[i].a, rows[i].b);
		const struct sent *s;
		const char *first;

		(void)rig_invite(f, &(struct invite){.body = rows[i].offer});
		s = rig_sent(f, SENT_REQUEST, 0);
		if (rows[i].asked[0] && !rig_says(s, rows[i].asked))
			fail_msg("%s: B was not asked %s in %s", rows[i].name, rows[i].asked,
				 s->text);
		first = s ? strstr(s->text, "\r\nm=") : NULL;
		if (!rows[i].asked[0] && first && strstr(first + 2, "\r\nm="))
			fail_msg("%s: a second line in %s", rows[i].name, s->text);
		if (rig_says(s, KEY_2) || rig_says(s, "\a") || rig_says(s, "x=strange"))
			fail_msg("%s: in %s", rows[i].name, s->text);
		fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, rows[i].answer);
		s = rig_sent(f, SENT_RESPONSE, 0);
		if (s->status != 200 || !rig_says(s, rows[i].told) || rig_says(s, KEY_2))
			fail_msg("%s: A was told %s", rows[i].name, s->text);
		assert_int_equal(rig_call(f)->rec.others_on, rows[i].kinds);
		assert_int_equal(rig_call(f)->rec.others, rows[i].kinds);
		assert_int_equal(f->ports_given, 2);
		rig_end(f, 1);
	}
}

/* An encrypted leg has nothing in clear beside its audio (M9). */
static void
encrypted(void **state)
{
	struct fake *f = rig_up();
	const struct sent *s;

	(void)state;
	rig_trunk(f, "acme-pbx")->other_media = TRUNK_OTHER_MEDIA_PASS;
	rig_trunk(f, "gw1")->other_media = TRUNK_OTHER_MEDIA_PASS;
	rig_world(f);
	(void)rig_invite(f, &(struct invite){.body = PBX_OFFER TEXT});
	assert_silent(rig_sent(f, SENT_REQUEST, 0), "m=text");
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_says(s, "m=text 0 RTP/AVP 98\r\n");
	assert_int_equal(rig_call(f)->rec.others, 0);
	rig_end(f, 1);
}

/* ---- changes ---- */

/* Added by B, moved, taken away by A; each goes on, over a restart, too. */
static void
changed(void **state)
{
	struct fake *f = up(true, true);
	struct rig_pair p = talking(f, PBX_CLEAR TEXT, GW_BODY "m=text 10020 RTP/AVP 98\r\n");
	const struct sent *s;

	(void)state;
	(void)rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, GW_CONTACT,
			     GW_BODY "m=text 10020 RTP/AVP 98\r\n" MSRP("7394") PATH("b"));
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_says(s, "m=text 10020 RTP/AVP 98\r\n" THERE MSRP("7394") THERE PATH("b"));
	fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT, PBX_CLEAR TEXT MSRP("2855") PATH("a"));
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_says(s, TEXT HERE MSRP("2855") HERE PATH("a"));
	assert_int_equal(rig_call(f)->rec.others_on, BIT(TEXT) | BIT(MESSAGE));
	(void)rig_inside(f, p.b, "gw1", "ACK", 1, "");
	rig_restart(f, &p);
	/* only the text moves: the other leg hears of it */
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, PBX_CONTACT,
			     PBX_CLEAR "m=text 4022 RTP/AVP 98\r\n" MSRP("0"));
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_says(s, "m=text 4022 RTP/AVP 98\r\n" HERE "m=message 0 ");
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT,
		    GW_BODY "m=text 10020 RTP/AVP 98\r\n" MSRP("0"));
	assert_says(rig_sent(f, SENT_RESPONSE, 0),
		    "m=text 10020 RTP/AVP 98\r\n" THERE "m=message 0 TCP/MSRP *\r\n");
	assert_int_equal(rig_call(f)->rec.others_on, BIT(TEXT));
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 3, PBX_CONTACT,
			     PBX_CLEAR "m=text 0 RTP/AVP 98\r\n" MSRP("0"));
	assert_says(rig_sent(f, SENT_REQUEST, 0), "m=text 0 ");
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT,
		    GW_BODY "m=text 0 RTP/AVP 98\r\n" MSRP("0"));
	assert_int_equal(rig_call(f)->rec.others_on, 0);
	assert_int_equal(rig_call(f)->rec.others, BIT(TEXT) | BIT(MESSAGE));
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 3, "");
	rig_end(f, 1);
}

/* The called side offers; a refused change leaves what was agreed on. */
static void
late(void **state)
{
	struct fake *f = up(true, true);
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = ""})};

	(void)state;
	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY MSRP("7394") PATH("b"));
	assert_says(rig_sent(f, SENT_RESPONSE, 0), MSRP("7394") THERE PATH("b"));
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "ACK", 1, "", PBX_CLEAR MSRP("2855") PATH("a"));
	assert_says(rig_sent(f, SENT_ONCE, 0), MSRP("2855") HERE PATH("a"));
	assert_int_equal(rig_call(f)->rec.others_on, BIT(MESSAGE));
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, PBX_CONTACT, PBX_CLEAR MSRP("0"));
	fake_answer(f, rig_out(f), 488, "gw", "", "");
	assert_int_equal(rig_call(f)->rec.others_on, BIT(MESSAGE));
	rig_end(f, 1);
}

/* A transfer: whom we call is not offered what the party that stays had; they agree anew. */
static void
transferred(void **state)
{
	struct fake *f = up(true, true);
	struct rig_pair p;
	struct edge_txn *b;
	struct call *c;

	(void)state;
	rig_trunk(f, "acme-pbx")->refer = TRUNK_REFER_LOCAL;
	rig_trunk(f, "gw2")->other_media = TRUNK_OTHER_MEDIA_PASS;
	rig_world(f);
	p = talking(f, PBX_CLEAR TEXT, GW_BODY "m=text 10020 RTP/AVP 98\r\n");
	c = rig_call(f);
	(void)rig_inside(f, p.a, "acme-pbx", "REFER", 7,
			 "Refer-To: <sip:+15552224444@sbc.example>\r\n");
	b = rig_out(f);
	assert_silent(rig_sent(f, SENT_REQUEST, 0), "m=text");
	fake_answer(f, b, 200, "new", "Contact: <sip:new@10.0.0.10:5070>\r\n",
		    SDP_HEAD("10.0.0.10") "m=audio 12000 RTP/AVP 8\r\n");
	fake_run(f, 1000);
	fake_answer(f, rig_last(f)->txn, 200, "gw", GW_CONTACT,
		    GW_BODY "m=text 10020 RTP/AVP 98\r\n");
	assert_says(rig_last(f), "sip:new@10.0.0.10:5070 SIP/2.0\r\n");
	assert_says(rig_last(f), "m=text 10020 RTP/AVP 98\r\n" THERE);
	fake_answer(f, rig_last(f)->txn, 200, "new", "",
		    SDP_HEAD("10.0.0.10") "m=audio 12000 RTP/AVP 8\r\nm=text 12020 RTP/AVP 98\r\n");
	assert_says(rig_sent(f, SENT_ONCE, 0), "m=text 12020 RTP/AVP 98\r\nc=IN IP4 10.0.0.10\r\n");
	assert_int_equal(c->rec.others_on, BIT(TEXT));
	rig_settle(f);
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	fake_run(f, 2 * FAKE_LIFE_US);
	assert_int_equal(f->n_ended, 2);
	rig_down(f);
}

/* As many lines as a body may have. */
static void
full(void **state)
{
	struct fake *f = up(true, true);
	const struct sent *s;

	(void)state;
	(void)talking(
		f, PBX_CLEAR MSRP("1") MSRP("2") MSRP("3") MSRP("4") MSRP("5") MSRP("6") MSRP("7"),
		GW_BODY MSRP("11") MSRP("12") MSRP("13") MSRP("14") MSRP("15") MSRP("16")
			MSRP("17"));
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_says(s, MSRP("16") THERE MSRP("17") THERE);
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offered), cmocka_unit_test(encrypted),
		cmocka_unit_test(changed), cmocka_unit_test(late),
		cmocka_unit_test(full),    cmocka_unit_test(transferred),
	};

	return cmocka_run_group_tests_name("call/others", tests, NULL, NULL);
}
