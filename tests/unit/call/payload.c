/* field.md row 29: payload types that differ from leg to leg, and codecs by trunk. */
#include "rig.h"

#define EVENT(pt) "a=rtpmap:" pt " telephone-event/8000\r\na=fmtp:" pt " 0-15\r\n"
#define KEYS "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n"
#define PBX(formats, more)                                                                         \
	SDP_HEAD("198.51.100.7") "m=audio 4000 RTP/SAVP " formats "\r\n" more KEYS
#define GW(formats, more) SDP_HEAD("10.0.0.9") "m=audio 10000 RTP/AVP " formats "\r\n" more

/* "101>96 8>8", and "+" where these are all that the leg may send. */
static const char *
pts_of(struct fake *f, enum call_leg_index i)
{
	static char mem[2][256];
	const struct media_open *o = rig_row(f, i);
	struct buf b;

	buf_init(&b, mem[i], sizeof(mem[i]));
	for (unsigned k = 0; k < o->pts.n; k++)
		buf_printf(&b, "%s%u>%u", k ? " " : "", o->pts.from[k], o->pts.to[k]);
	if (o->flags & MEDIA_F_PTS_ALL)
		buf_z(&b, "+");
	return buf_cstr(&b);
}

static void
mapped(void **state)
{
	static const struct {
		const char *name, *offer, *answer;
		const char *told;  /* to A */
		const char *a, *b; /* what comes from A, from B */
	} rows[] = {
		{"alike", PBX("8 101", EVENT("101")), GW("8 101", EVENT("101")),
		 "RTP/SAVP 8 101\r\n", "8>8 101>101+", "8>8 101>101+"},
		{"events of another number", PBX("8 101", EVENT("101")), GW("8 96", EVENT("96")),
		 "RTP/SAVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n",
		 "101>96 8>8+", "96>101 8>8 101>101+"},
		{"no events", PBX("8 101", EVENT("101")), GW("8", ""), "RTP/SAVP 8\r\n", "8>8+",
		 "8>8+"},
		{"a dynamic codec of another number",
		 PBX("111 8 101", "a=rtpmap:111 opus/48000/2\r\n" EVENT("101")),
		 GW("96 101", "a=rtpmap:96 opus/48000/2\r\n" EVENT("101")),
		 "RTP/SAVP 111 101\r\na=rtpmap:111 opus/48000/2\r\n", "111>96 101>101+",
		 "96>111 111>111 101>101+"},
		{"two numbers change places",
		 PBX("96 97", "a=rtpmap:96 opus/48000/2\r\n" EVENT("97")),
		 GW("97 96", "a=rtpmap:97 opus/48000/2\r\n" EVENT("96")), "RTP/SAVP 96 97\r\n",
		 "96>97 97>96+", "96>96 97>97+"},
		{"twins: the second one is answered",
		 PBX("96 97", "a=rtpmap:96 AMR/8000\r\na=rtpmap:97 AMR/8000\r\n"
			      "a=fmtp:97 octet-align=1\r\n"),
		 GW("97", "a=rtpmap:97 AMR/8000\r\na=fmtp:97 octet-align=1\r\n"), "RTP/SAVP 97\r\n",
		 "97>97+", "97>97+"},
		{"comfort noise", PBX("0 13 101", EVENT("101")), GW("0 13 100", EVENT("100")),
		 "RTP/SAVP 0 13 101\r\n", "101>100 0>0 13>13+", "100>101 0>0 13>13 101>101+"},
		{"more than there is room for", PBX("0 8 9 18 3 4 15 13 101", EVENT("101")),
		 GW("0 8 9 18 3 4 15 13 96", EVENT("96")), "RTP/SAVP 0 8 9 18 3 4 15 13 101\r\n",
		 "101>96 0>0 8>8 9>9 18>18 3>3 4>4 15>15",
		 "96>101 0>0 8>8 9>9 18>18 3>3 4>4 15>15"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct edge_txn *a = rig_invite(f, &(struct invite){.body = rows[i].offer});

		print_message("# %s\n", rows[i].name);
		fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, rows[i].answer);
		assert_int_equal(a->status, 200);
		assert_says(rig_sent(f, SENT_RESPONSE, 0), rows[i].told);
		assert_string_equal(pts_of(f, LEG_A), rows[i].a);
		assert_string_equal(pts_of(f, LEG_B), rows[i].b);
		rig_end(f, 1);
	}
}

#define RED(pt, of) "a=rtpmap:" pt " red/8000\r\na=fmtp:" pt " " of "\r\n"
#define OPUS(pt) "a=rtpmap:" pt " opus/48000/2\r\n"

/* Redundancy (RFC 2198) names payload types inside of its packets: it goes along where these are
 * the same on both legs, and nowhere else. */
static void
redundant(void **state)
{
	static const struct {
		const char *name, *codecs; /* that the called side's trunk takes */
		const char *offer, *asked, *answer, *told;
	} rows[] = {
		{"alike", "", PBX("121 0 8", RED("121", "0/8")),
		 "RTP/AVP 121 0 8\r\na=rtpmap:121 red/8000\r\na=fmtp:121 0/8\r\n",
		 GW("121 0 8", RED("121", "0/8")),
		 "RTP/SAVP 121 0 8\r\na=rtpmap:121 red/8000\r\na=fmtp:121 0/8\r\n"},
		{"it has another number itself", "", PBX("121 0 8", RED("121", "0/8")),
		 "RTP/AVP 121 0 8\r\n", GW("99 0 8", RED("99", "0/8")), "RTP/SAVP 121 0 8\r\n"},
		{"one that the trunk does not take", "PCMA", PBX("121 0 8", RED("121", "0/8")),
		 "RTP/AVP 8\r\na=", GW("8", ""), "RTP/SAVP 8\r\n"},
		{"those that the trunk takes", "PCMA", PBX("121 0 8", RED("121", "8/8")),
		 "RTP/AVP 8 121\r\n", GW("8 121", RED("121", "8/8")), "RTP/SAVP 8 121\r\n"},
		{"one of another number in the answer", "",
		 PBX("111 121", OPUS("111") RED("121", "111/111")), "RTP/AVP 111 121\r\n",
		 GW("96 121", OPUS("96") RED("121", "96/96")), "RTP/SAVP 111\r\n"},
		{"one that is not answered", "", PBX("121 0 8", RED("121", "0/8")),
		 "RTP/AVP 121 0 8\r\n", GW("121 8", RED("121", "0/8")), "RTP/SAVP 8\r\n"},
		{"one that is not there", "", PBX("121 8", RED("121", "8/97")), "RTP/AVP 8\r\n",
		 GW("8", ""), "RTP/SAVP 8\r\n"},
		{"no number", "", PBX("121 8", RED("121", "8/x")), "RTP/AVP 8\r\n", GW("8", ""),
		 "RTP/SAVP 8\r\n"},
		{"not said, and all alike", "", PBX("0 121", "a=rtpmap:121 red/8000\r\n"),
		 "RTP/AVP 0 121\r\n", GW("0 121", "a=rtpmap:121 red/8000\r\n"),
		 "RTP/SAVP 0 121\r\n"},
		{"not said, and one differs", "",
		 PBX("111 121", OPUS("111") "a=rtpmap:121 red/8000\r\n"), "RTP/AVP 111 121\r\n",
		 GW("96 121", OPUS("96") "a=rtpmap:121 red/8000\r\n"), "RTP/SAVP 111\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();

		print_message("# %s\n", rows[i].name);
		rig_trunk(f, "gw1")->codecs = str_from(rows[i].codecs);
		rig_world(f);
		(void)rig_invite(f, &(struct invite){.body = rows[i].offer});
		assert_says(rig_sent(f, SENT_REQUEST, 0), rows[i].asked);
		fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, rows[i].answer);
		assert_says(rig_sent(f, SENT_RESPONSE, 0), rows[i].told);
		assert_string_not_equal(rig_leg(f, LEG_A)->codec, "red");
		rig_end(f, 1);
	}
}

/* Alone it is nothing to talk with. */
static void
redundant_alone(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *a = rig_invite(f, &(struct invite){.body = PBX("121", RED("121", "0/8"))});

	(void)state;
	assert_int_equal(a->status, 488);
	rig_end(f, 1);
}

/* The other leg asks with numbers of its own: each leg keeps those that it has, after a restart of
 * signaling, too; and a new one that is taken there gets another. */
static void
asked_back(void **state)
{
	(void)state;
	for (int restart = 0; restart < 2; restart++) {
		struct fake *f = rig_up();
		struct rig_pair p = {
			.a = rig_invite(f, &(struct invite){.body = PBX("8 101", EVENT("101"))})};
		struct sent *s;

		p.b = rig_out(f);
		fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW("8 96", EVENT("96")));
		(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
		if (restart)
			rig_restart(f, &p);
		(void)rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, "",
				     GW("101 8 96", "a=rtpmap:101 opus/48000/2\r\n" EVENT(
							    "96") "a=sendonly\r\n"));
		s = rig_sent(f, SENT_REQUEST, 0);
		assert_says(s, "RTP/SAVP 96 8 101\r\na=rtpmap:96 opus/48000/2\r\n"
			       "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n");
		fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT,
			    PBX("96 101",
				"a=rtpmap:96 opus/48000/2\r\n" EVENT("101") "a=recvonly\r\n"));
		assert_says(rig_sent(f, SENT_RESPONSE, 0), "RTP/AVP 101 96\r\n");
		assert_string_equal(pts_of(f, LEG_B), "101>96 96>101+");
		assert_string_equal(pts_of(f, LEG_A), "96>101 101>96+");
		rig_end(f, 1);
	}
}

/* A trunk that takes events under one number only. */
static void
events(void **state)
{
	static const struct {
		const char *name, *offer, *asked;
	} rows[] = {
		{"another one", PBX("8 96", EVENT("96")), "RTP/AVP 8 101\r\n"},
		{"the same", PBX("8 101", EVENT("101")), "RTP/AVP 8 101\r\n"},
		{"another codec has it", PBX("101 96", "a=rtpmap:101 opus/48000/2\r\n" EVENT("96")),
		 "RTP/AVP 96 101\r\na=rtpmap:96 opus/48000/2\r\n"},
		{"no events", PBX("8", ""), "RTP/AVP 8\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();

		print_message("# %s\n", rows[i].name);
		rig_trunk(f, "gw1")->events = 101;
		rig_world(f);
		(void)rig_invite(f, &(struct invite){.body = rows[i].offer});
		assert_says(rig_sent(f, SENT_REQUEST, 0), rows[i].asked);
		rig_end(f, 1);
	}
}

/* A trunk's codecs, on the leg that offers and on the one that is asked. */
static void
filtered(void **state)
{
	static const struct {
		const char *name, *pbx, *gw, *offer;
		const char *asked; /* NULL: refused */
	} rows[] = {
		{"none named", "", "", PBX("18 8 0 101", EVENT("101")), "RTP/AVP 18 8 0 101\r\n"},
		{"of who offers", "PCMU,PCMA", "", PBX("18 8 0 101", EVENT("101")),
		 "RTP/AVP 0 8 101\r\n"},
		{"of who is asked", "", "pcma,G729", PBX("18 8 0 101", EVENT("101")),
		 "RTP/AVP 8 18 101\r\n"},
		{"of both", "G722,PCMA,G729", "G729,PCMA", PBX("8 9 18 0 101", EVENT("101")),
		 "RTP/AVP 18 8 101\r\n"},
		{"comfort noise and events stay", "PCMU", "PCMU",
		 PBX("13 101 0", EVENT("101") "a=ptime:30\r\n"),
		 "RTP/AVP 0 13 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
		 "a=ptime:30\r\n"},
		{"twice the same codec", "", "AMR",
		 PBX("96 8 97", "a=rtpmap:96 AMR/8000\r\na=rtpmap:97 AMR/8000\r\n"
				"a=fmtp:97 octet-align=1\r\n"),
		 "RTP/AVP 96 97\r\na=rtpmap:96 AMR/8000\r\na=rtpmap:97 AMR/8000\r\n"
		 "a=fmtp:97 octet-align=1\r\n"},
		{"none left of who offers", "G722", "", PBX("8 0 101", EVENT("101")), NULL},
		{"none left of who is asked", "", "G722", PBX("8 0 101", EVENT("101")), NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct edge_txn *a;

		print_message("# %s\n", rows[i].name);
		rig_trunk(f, "acme-pbx")->codecs = str_from(rows[i].pbx);
		rig_trunk(f, "gw1")->codecs = str_from(rows[i].gw);
		rig_trunk(f, "gw2")->codecs = str_from(rows[i].gw);
		rig_world(f);
		a = rig_invite(f, &(struct invite){.body = rows[i].offer});
		if (rows[i].asked)
			assert_says(rig_sent(f, SENT_REQUEST, 0), rows[i].asked);
		else
			assert_int_equal(a->status, 488);
		rig_end(f, 1);
	}
}

/* An answer may only have what the trunk let through. */
static void
answered(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *a;

	(void)state;
	rig_trunk(f, "gw1")->codecs = STR("PCMA");
	rig_world(f);
	a = rig_invite(f, &(struct invite){.body = PBX("0 8 101", EVENT("101"))});
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW("0 101", EVENT("101")));
	assert_int_equal(a->status, 502);
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mapped),          cmocka_unit_test(redundant),
		cmocka_unit_test(redundant_alone), cmocka_unit_test(asked_back),
		cmocka_unit_test(events),          cmocka_unit_test(filtered),
		cmocka_unit_test(answered),
	};

	return cmocka_run_group_tests_name("call payload", tests, NULL, NULL);
}
