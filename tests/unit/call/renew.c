/* call/renew, and new keys of ours: what we ask of a running call on our own account. A fork that
 * answers otherwise than the one that rang; a refresh after a restart; a key that nears its end. */
#include "rig.h"

#define PBX_OFFERS(key, dir)                                                                       \
	SDP_HEAD("198.51.100.7")                                                                   \
	"m=audio 4002 RTP/SAVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"        \
	"a=rtpmap:101 telephone-event/8000\r\n"                                                    \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" key "\r\n" dir
#define PBX_ULAW                                                                                   \
	SDP_HEAD("198.51.100.7")                                                                   \
	"m=audio 4000 RTP/SAVP 0\r\na=rtpmap:0 PCMU/8000\r\n"                                      \
	"a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n"
#define GW_ULAW SDP_HEAD("10.0.0.10") "m=audio 10002 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
#define PBX_BOTH                                                                                   \
	SDP_HEAD("198.51.100.7")                                                                   \
	"m=audio 4000 RTP/SAVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"            \
	"a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n"
#define GW_ALAW SDP_HEAD("10.0.0.9") "m=audio 10000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"

/* ---- a fork that answers otherwise ---- */

/* One fork rings with A-law, which the caller hears; another one answers with u-law. */
static struct rig_pair
forked(struct fake *f)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = PBX_BOTH})};

	p.b = rig_out(f);
	fake_answer(f, p.b, 183, "ring", GW_CONTACT, GW_ALAW);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "RTP/SAVP 8\r\n");
	fake_answer(f, p.b, 200, "far", "Contact: <sip:other@10.0.0.10>\r\n", GW_ULAW);
	return p;
}

static void
other_fork(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = forked(f);
	struct sent *s = rig_sent(f, SENT_RESPONSE, 0);
	struct edge_txn *t;

	(void)state;
	assert_int_equal(s->status, 200);
	assert_says(s, "RTP/SAVP 8\r\n"); /* what it was shown holds */
	assert_int_equal(rig_version(s), 0);
	assert_int_equal(f->port[1].open.rtp.port, 10002);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	fake_run(f, 1000);
	s = rig_last(f); /* the caller is asked what it can */
	assert_int_equal(s->method, SIP_INVITE);
	assert_int_equal(s->dest.transport, EDGE_TLS);
	assert_silent(s, "m=audio");
	fake_answer(f, s->txn, 200, "far", PBX_CONTACT, PBX_OFFERS(KEY_2, ""));
	t = s->txn;
	s = rig_last(f); /* and the called side gets it */
	assert_int_equal(s->method, SIP_INVITE);
	assert_says(s, "sip:other@10.0.0.10 SIP/2.0\r\n");
	assert_says(s, "RTP/AVP 8 0 101\r\n");
	fake_answer(f, s->txn, 200, "far", "", GW_ULAW);
	assert_int_equal(rig_last(f)->kind, SENT_ONCE);
	assert_says(rig_last(f), "RTP/SAVP 0\r\n"); /* in the ACK */
	assert_int_equal(rig_version(rig_last(f)), 1);
	assert_int_equal(rig_call(f)->change.m.state, AMEND_NONE);
	assert_int_equal(f->port[0].open.rtp.port, 4002);
	assert_int_equal(f->port[0].in_serial, 2);
	assert_int_equal(f->port[0].out_serial, 1); /* our key stays */
	/* its 200 again: the same ACK */
	fake_answer(f, t, 200, "far", PBX_CONTACT, PBX_OFFERS(KEY_2, ""));
	assert_says(rig_last(f), "RTP/SAVP 0\r\n");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	rig_end(f, 1);
}

/* The same codec: nobody need be asked. */
static void
same_answer(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = PBX_BOTH})};

	(void)state;
	p.b = rig_out(f);
	fake_answer(f, p.b, 183, "ring", GW_CONTACT, GW_ALAW);
	fake_answer(f, p.b, 200, "far", "Contact: <sip:other@10.0.0.10>\r\n", GW_ALAW);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	fake_run(f, 1000000);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 1);
	rig_end(f, 1);
}

/* What each of the two may say instead. */
static void
not_agreed(void **state)
{
	static const struct {
		const char *name;
		unsigned first, second; /* 0: nothing at all */
		const char *body;       /* of the first */
		bool ends, again;
	} rows[] = {
		{"the first will not", 488, 0, "", false, false},
		{"the first is busy", 491, 0, "", false, true},
		{"the first is gone", 481, 0, "", true, false},
		{"the first offers nothing", 200, 0, "", true, false},
		{"the first offers no SRTP", 200, 0, GW_BODY, true, false},
		{"the second will not", 200, 488, PBX_OFFERS(KEY_1, ""), true, false},
		{"the second is busy", 200, 491, PBX_OFFERS(KEY_1, ""), false, true},
		{"the second is gone", 200, 481, PBX_OFFERS(KEY_1, ""), true, false},
		{"the second answers nothing", 200, 200, PBX_OFFERS(KEY_1, ""), true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct rig_pair p = forked(f);
		unsigned n;

		(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
		fake_run(f, 1000);
		fake_answer(f, rig_last(f)->txn, rows[i].first, "far", "", rows[i].body);
		if (rows[i].second)
			fake_answer(f, rig_last(f)->txn, rows[i].second, "far", "", "");
		if ((rig_call(f)->m.state == B2BUA_ENDING) != rows[i].ends)
			fail_msg("%s: %d", rows[i].name, rig_call(f)->m.state);
		n = rig_count(f, SENT_REQUEST, SIP_INVITE);
		fake_run(f, 5000000);
		if (!rows[i].ends && (rig_count(f, SENT_REQUEST, SIP_INVITE) > n) != rows[i].again)
			fail_msg("%s: again", rows[i].name);
		if (rows[i].again && rows[i].second) {
			fake_answer(f, rig_last(f)->txn, 200, "far", "", GW_ULAW);
			assert_says(rig_last(f), "RTP/SAVP 0\r\n");
			assert_int_equal(rig_call(f)->change.m.state, AMEND_NONE);
		}
		rig_end(f, 1);
	}
}

/* The peer's own change comes first; the end comes at any time. */
static void
crossed(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct fake *f = rig_up();
		struct rig_pair p = forked(f);

		(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
		if (i == 3) {
			/* before ours: ours waits until it is over */
			(void)rig_inside_sdp(f, p.b, "gw1", "INVITE", 3, "", GW_ULAW);
			fake_run(f, 2000000);
			assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 2);
			fake_answer(f, rig_last(f)->txn, 200, "far", "", PBX_ULAW);
			(void)rig_inside(f, p.b, "gw1", "ACK", 3, "");
			fake_run(f, 1000000);
			assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 3);
		} else {
			fake_run(f, 1000);
			if (i)
				fake_answer(f, rig_last(f)->txn, 200, "far", "",
					    PBX_OFFERS(KEY_1, ""));
			(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 3, "", PBX_OFFER);
			assert_int_equal(rig_last(f)->status, 491);
			if (i == 2)
				(void)rig_inside(f, p.b, "gw1", "BYE", 4, "");
			else
				(void)rig_inside(f, p.a, "acme-pbx", "BYE", 4, "");
			/* who offered has its ACK before the BYE */
			assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), i ? 2 : 1);
		}
		rig_end(f, 1);
	}
}

/* ---- after a restart ---- */

static void
refreshed(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_ringing(f);
	struct sent *s;

	(void)state;
	fake_answer(f, p.b, 200, "gw",
		    GW_CONTACT "Session-Expires: 1800;refresher=uac\r\nRequire: timer\r\n",
		    GW_BODY);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	rig_restart(f, &p);
	fake_run(f, 901000000);
	s = rig_last(f); /* no body is known any more: the leg says itself what it has */
	assert_int_equal(s->method, SIP_INVITE);
	assert_int_equal(s->dest.transport, EDGE_UDP);
	assert_says(s, "Session-Expires: 1800;refresher=uac\r\n");
	assert_silent(s, "m=audio");
	fake_answer(f, s->txn, 200, "gw",
		    GW_CONTACT "Session-Expires: 1800;refresher=uac\r\nRequire: timer\r\n",
		    GW_BODY);
	s = rig_last(f);
	assert_int_equal(s->dest.transport, EDGE_TLS);
	fake_answer(f, s->txn, 200, "far", "", PBX_ANSWER("7", "80"));
	assert_says(rig_last(f), "RTP/AVP 8 101\r\n");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	fake_run(f, 899000000); /* and then by the body that it knows */
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	rig_end(f, 1);
}

/* ---- our key ---- */

static void
rekey(void **state)
{
	(void)state;
	for (int update = 0; update < 2; update++) {
		struct fake *f = rig_up();
		struct rig_pair p = {
			.a = rig_invite(
				f, &(struct invite){.more = update ? "Allow: INVITE, UPDATE\r\n"
								   : ""})};
		char old[64], key[64];
		struct sent *s;

		p.b = rig_out(f);
		fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
		rig_key(rig_sent(f, SENT_RESPONSE, 0), old);
		(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
		calls_on_media_rekey(&f->calls, 0, f->port[0].generation, f->now);
		fake_run(f, 1000);
		s = rig_last(f);
		assert_int_equal(s->method, update ? SIP_UPDATE : SIP_INVITE);
		rig_key(s, key);
		assert_string_not_equal(old, key);
		assert_says(s, "RTP/SAVP 8 101\r\n");
		assert_int_equal(rig_version(s), 1);
		assert_int_equal(f->port[0].out_serial, 1); /* not before it is taken */
		fake_answer(f, s->txn, 200, "far", PBX_CONTACT, PBX_ANSWER("1", "80"));
		assert_int_equal(f->port[0].out_serial, 2);
		assert_int_equal(f->port[0].open.out_serial, 2);
		assert_int_equal(f->port[0].in_serial, 2); /* its own is another one, too */
		assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), update ? 1 : 2);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), update ? 1 : 2);
		/* and it stays so: the other side's change repeats the new one */
		(void)rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, "", GW_BODY "a=sendonly\r\n");
		rig_key(rig_last(f), old);
		assert_string_equal(old, key);
		fake_answer(f, rig_last(f)->txn, 200, "far", "", PBX_ANSWER("1", "80"));
		(void)rig_inside(f, p.b, "gw1", "ACK", 1, "");
		assert_int_equal(f->port[0].out_serial, 2);
		rig_end(f, 1);
	}
}

/* Who does not take it keeps the old one, is asked again, and never loses the call by it. */
static void
rekey_refused(void **state)
{
	static const struct {
		const char *name;
		unsigned status; /* 0: silence */
		const char *body;
		bool ends;
	} rows[] = {
		{"will not", 488, "", false},
		{"busy", 491, "", false},
		{"an answer that is none", 200, "", false},
		{"in clear", 200, GW_BODY, false},
		{"gone", 481, "", true},
		{"silent", 0, "", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		(void)rig_talking(f);

		calls_on_media_rekey(&f->calls, 0, f->port[0].generation, f->now);
		fake_run(f, 1000);
		if (rows[i].status)
			fake_answer(f, rig_last(f)->txn, rows[i].status, "far", "", rows[i].body);
		else
			fake_run(f, FAKE_LIFE_US);
		if ((rig_call(f)->m.state == B2BUA_ENDING) != rows[i].ends)
			fail_msg("%s: %d", rows[i].name, rig_call(f)->m.state);
		assert_int_equal(f->port[0].open.out_serial, 1);
		if (!rows[i].ends) {
			fake_run(f,
				 10000000); /* by asking it what it has, for what we said is void */
			assert_int_equal(rig_last(f)->method, SIP_INVITE);
			assert_silent(rig_last(f), "m=audio");
			fake_answer(f, rig_last(f)->txn, 200, "far", "", PBX_OFFER);
			fake_answer(f, rig_last(f)->txn, 200, "gw", "", GW_BODY);
			assert_int_equal(f->port[0].open.out_serial, 2);
			assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		}
		rig_end(f, 1);
	}
}

static void
rekey_waits(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	uint32_t n;

	(void)state;
	/* a clear leg has no key; another change goes first */
	calls_on_media_rekey(&f->calls, 1, f->port[1].generation, f->now);
	calls_on_media_rekey(&f->calls, 0, f->port[0].generation + 1, f->now);
	n = f->n_sent;
	fake_run(f, 60000000);
	assert_int_equal(f->n_sent, n);
	(void)rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, "", GW_BODY "a=sendonly\r\n");
	calls_on_media_rekey(&f->calls, 0, f->port[0].generation, f->now);
	fake_run(f, 6000000);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 2);
	fake_answer(f, rig_out(f), 200, "far", "", PBX_ANSWER("7", "80"));
	(void)rig_inside(f, p.b, "gw1", "ACK", 1, "");
	fake_run(f, 6000000);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 3);
	assert_says(rig_last(f), "a=sendonly\r\n"); /* the same but for the key */
	rig_end(f, 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_fork),    cmocka_unit_test(same_answer),
		cmocka_unit_test(not_agreed),    cmocka_unit_test(crossed),
		cmocka_unit_test(refreshed),     cmocka_unit_test(rekey),
		cmocka_unit_test(rekey_refused), cmocka_unit_test(rekey_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
