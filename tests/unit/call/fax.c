/* field.md row 28: T.38 in the middle of a call. */
#include "rig.h"

#define T38(ip, port, more) SDP_HEAD(ip) "m=image " port " udptl t38\r\n" more
#define T38_ATTRS "a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxFillBitRemoval\r\n"
#define AGAIN(dir)                                                                                 \
	SDP_HEAD("198.51.100.7")                                                                   \
	"m=audio 4000 RTP/SAVP 8 101\r\n" SDP_MAPS dir                                             \
	"a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n"

/* The customer's trunk: its voice in clear, encrypted, or encrypted and T.38 allowed. */
enum kind { CLEAR, SECURE, ALLOWED };

static struct fake *
up(enum kind kind)
{
	struct fake *f = rig_up();

	if (kind == CLEAR)
		rig_trunk(f, "acme-pbx")->security = TRUNK_SEC_REFUSED;
	rig_trunk(f, "acme-pbx")->t38_clear = kind == ALLOWED;
	rig_world(f);
	return f;
}

static struct rig_pair
talking(struct fake *f, enum kind kind)
{
	struct rig_pair p = {
		.a = rig_invite(f, &(struct invite){.body = kind == CLEAR ? PBX_CLEAR : NULL})};

	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	return p;
}

/* The gateway asks for T.38, the PBX takes it; then the call goes on, over a restart too. */
static void
changed(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		enum kind kind = i % 2 ? ALLOWED : CLEAR;
		struct fake *f = up(kind);
		struct rig_pair p = talking(f, kind);
		struct edge_txn *t;
		struct sent *s;

		if (i / 2)
			rig_restart(f, &p);
		t = rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, "",
				   T38("10.0.0.9", "4400",
				       T38_ATTRS "a=sendrecv\r\na=x:y\r\na=crypto:1 x\r\n"));
		s = rig_sent(f, SENT_REQUEST, 0);
		assert_says(s, "m=image 20000 udptl t38\r\n" T38_ATTRS);
		assert_silent(s, "a=x:y");
		assert_silent(s, "crypto");
		assert_silent(s, "10.0.0.9");
		fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT,
			    T38("198.51.100.7", "4002", "a=T38FaxVersion:0\r\n"));
		assert_int_equal(t->status, 200);
		assert_says(rig_sent(f, SENT_RESPONSE, 0),
			    "m=image 20002 udptl t38\r\na=T38FaxVersion:0\r\n");
		(void)rig_inside(f, p.b, "gw1", "ACK", 1, "");
		assert_int_equal(rig_row(f, LEG_A)->flags & (MEDIA_F_RAW | MEDIA_F_SECURE),
				 MEDIA_F_RAW);
		assert_int_equal(rig_row(f, LEG_B)->flags & (MEDIA_F_RAW | MEDIA_F_SECURE),
				 MEDIA_F_RAW);
		assert_string_equal(addr_text(&rig_row(f, LEG_A)->rtp).z, "198.51.100.7:4002");
		assert_string_equal(addr_text(&rig_row(f, LEG_B)->rtp).z, "10.0.0.9:4400");
		assert_int_equal(rig_call(f)->rec.leg[LEG_A].fax,
				 kind == CLEAR ? RECORD_FAX_passed : RECORD_FAX_clear);
		assert_int_equal(rig_call(f)->rec.leg[LEG_A].secure, kind != CLEAR);
		rig_restart(f, &p); /* and what media was told is what it would be told again */
		assert_true(rig_call(f)->leg[LEG_A].audio.far.fax &&
			    rig_call(f)->leg[LEG_B].audio.far.fax);
		rig_end(f, 1);
	}
}

/* And back to voice: under the same key. */
static void
back(void **state)
{
	struct fake *f = up(ALLOWED);
	struct rig_pair p = talking(f, ALLOWED);
	uint32_t serial = rig_row(f, LEG_A)->out_serial;
	struct sent *s;

	(void)state;
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "",
			     T38("198.51.100.7", "4002", T38_ATTRS));
	assert_says(rig_sent(f, SENT_REQUEST, 0), "m=image 20002 udptl t38\r\n");
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, T38("10.0.0.9", "4400", T38_ATTRS));
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	assert_int_equal(rig_row(f, LEG_A)->flags & MEDIA_F_RAW, MEDIA_F_RAW);
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 3, "", AGAIN(""));
	assert_says(rig_sent(f, SENT_REQUEST, 0), "m=audio 20002 RTP/AVP 8 101\r\n");
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_says(s, "m=audio 20000 RTP/SAVP 8 101\r\n");
	assert_says(s, "a=crypto:7 ");
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 3, "");
	assert_int_equal(rig_row(f, LEG_A)->flags & (MEDIA_F_RAW | MEDIA_F_SECURE), MEDIA_F_SECURE);
	assert_int_equal(rig_row(f, LEG_B)->flags & (MEDIA_F_RAW | MEDIA_F_SECURE), 0);
	assert_int_equal(rig_row(f, LEG_A)->out_serial, serial);
	assert_int_equal(rig_row(f, LEG_A)->in_serial, 1);
	assert_string_equal(rig_call(f)->rec.leg[LEG_A].codec, "PCMA");
	rig_end(f, 1);
}

/* What is refused: the call stays what it was, and the other side hears nothing of it. */
static void
refused(void **state)
{
	static const struct {
		const char *name;
		enum kind kind;
		const char *offer;
		bool passed; /* to the other leg */
	} rows[] = {
		{"encrypted leg", SECURE, T38("10.0.0.9", "4400", T38_ATTRS), false},
		{"another transport", CLEAR,
		 SDP_HEAD("10.0.0.9") "m=image 4400 tcptl t38\r\n" T38_ATTRS, false},
		{"another format", CLEAR, SDP_HEAD("10.0.0.9") "m=image 4400 udptl x\r\n", false},
		{"port 0", CLEAR, T38("10.0.0.9", "0", T38_ATTRS), false},
		{"audio beside it goes on", SECURE, GW_BODY "m=image 4400 udptl t38\r\n" T38_ATTRS,
		 true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up(rows[i].kind);
		struct rig_pair p = talking(f, rows[i].kind);
		unsigned before = rig_count(f, SENT_REQUEST, SIP_INVITE);
		struct edge_txn *t = rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, "", rows[i].offer);

		print_message("# %s\n", rows[i].name);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), before + rows[i].passed);
		if (rows[i].passed) {
			assert_silent(rig_sent(f, SENT_REQUEST, 0), "m=image");
			fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT, PBX_ANSWER("7", "80"));
			assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=image 0 udptl t38\r\n");
		} else {
			assert_int_equal(t->status, 488);
			if (rows[i].kind == SECURE)
				assert_says(rig_sent(f, SENT_RESPONSE, 0), "send the fax as G.711");
		}
		assert_int_equal(rig_row(f, LEG_A)->flags & MEDIA_F_RAW, 0);
		assert_int_equal(rig_call(f)->rec.leg[LEG_A].fax, RECORD_FAX_none);
		rig_end(f, 1);
	}
}

/* The asked leg takes the change, but not the stream. */
static void
switched_off(void **state)
{
	struct fake *f = up(CLEAR);
	struct rig_pair p = talking(f, CLEAR);
	struct edge_txn *t =
		rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, "", T38("10.0.0.9", "4400", T38_ATTRS));

	(void)state;
	fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT, T38("198.51.100.7", "0", ""));
	assert_int_equal(t->status, 200);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=image 0 udptl t38\r\n");
	assert_int_equal(rig_call(f)->rec.leg[LEG_A].fax, RECORD_FAX_none);
	rig_end(f, 1);
}

/* It refuses, or answers what nobody could use: voice goes on (RFC 3261 14.1). */
static const struct {
	const char *name, *body;
	unsigned status, told; /* who asks */
} failures[] = {
	{"488", "", 488, 488},
	{"415", "", 415, 488},
	{"606", "", 606, 488},
	{"603", "", 603, 603},
	{"500", "", 500, 500},
	{"501", "", 501, 500},
	{"491", "", 491, 491},
	{"503", "", 503, 500},
	{"no answer in it", "", 200, 488},
	{"audio", PBX_CLEAR, 200, 488},
	{"T.38 by TCP", SDP_HEAD("198.51.100.7") "m=image 4002 tcptl t38\r\n", 200, 488},
	{"T.38 at a host name",
	 "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 pbx.example\r\nt=0 0\r\n"
	 "m=image 4002 udptl t38\r\n",
	 200, 488},
};

static void
goes_on(struct fake *f, const struct media_open *a, const struct media_open *b)
{
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	assert_int_equal(rig_call(f)->change.m.state, AMEND_NONE);
	assert_memory_equal(rig_row(f, LEG_A), a, sizeof(*a));
	assert_memory_equal(rig_row(f, LEG_B), b, sizeof(*b));
	assert_int_equal(rig_call(f)->rec.leg[LEG_A].fax, RECORD_FAX_none);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 0);
}

static void
failed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		struct fake *f = up(CLEAR);
		struct rig_pair p = talking(f, CLEAR);
		struct media_open a = *rig_row(f, LEG_A), b = *rig_row(f, LEG_B);
		struct edge_txn *t = rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, "",
						    T38("10.0.0.9", "4400", T38_ATTRS));

		print_message("# %s\n", failures[i].name);
		fake_answer(f, rig_out(f), failures[i].status, "pbx",
			    failures[i].status == 200 ? PBX_CONTACT : "", failures[i].body);
		assert_int_equal(t->status, failures[i].told);
		goes_on(f, &a, &b);
		if (failures[i].status == 200) { /* what it has now, it is asked */
			assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 2);
			fake_run(f, 0);
			assert_says(rig_last(f), "INVITE sip:pbx@198.51.100.7:40001");
			assert_says(rig_last(f), "Content-Length: 0\r\n");
			fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT, PBX_CLEAR);
			assert_says(rig_last(f), "m=audio 20002 RTP/AVP 8\r\n");
			fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
			goes_on(f, rig_row(f, LEG_A), rig_row(f, LEG_B));
			assert_int_equal(rig_call(f)->renew.result, RENEW_DONE);
		}
		rig_end(f, 1);
	}
}

/* A call does not begin with it. */
static void
first(void **state)
{
	struct fake *f = up(CLEAR);
	struct edge_txn *a =
		rig_invite(f, &(struct invite){.body = T38("198.51.100.7", "4002", T38_ATTRS)});

	(void)state;
	assert_int_equal(a->status, 488);
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changed),      cmocka_unit_test(back),   cmocka_unit_test(refused),
		cmocka_unit_test(switched_off), cmocka_unit_test(failed), cmocka_unit_test(first),
	};

	return cmocka_run_group_tests_name("call fax", tests, NULL, NULL);
}
