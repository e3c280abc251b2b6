/* call/modify: what either side changes in a running call - hold, codec, address, key - and what
 * may cross it; on both legs. */
#include "rig.h"

#define A_NEXT "Contact: <sip:ann@198.51.100.7:40009;transport=tls>\r\n"
#define B_NEXT "Contact: <sip:gw@10.0.0.9:5090>\r\n"
#define A_BODY(head, dir, key)                                                                     \
	head "m=audio 4000 RTP/SAVP 8 101\r\n" SDP_MAPS                                            \
	     "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" key "\r\n" dir
#define B_BODY(head, dir) head "m=audio 10000 RTP/AVP 8 101\r\n" SDP_MAPS dir
#define A_HEAD SDP_HEAD("198.51.100.7")
#define B_HEAD SDP_HEAD("10.0.0.9")
#define ALLOW "Allow: INVITE, UPDATE\r\n"

/* A change by A or B (leg), asked with a body, to the transaction that asks the other leg; NULL
 * where nobody was asked. */
static struct edge_txn *
change(struct fake *f, const struct rig_pair *p, enum call_leg_index leg, const char *method,
       unsigned cseq, const char *body)
{
	uint32_t before = f->n_sent;

	if (leg == LEG_A)
		(void)rig_inside_sdp(f, p->a, "acme-pbx", method, cseq, A_NEXT, body);
	else
		(void)rig_inside_sdp(f, p->b, "gw1", method, cseq, B_NEXT, body);
	for (uint32_t i = before; i < f->n_sent; i++)
		if (f->sent[i % FAKE_SENT].kind == SENT_REQUEST)
			return f->sent[i % FAKE_SENT].txn;
	return NULL;
}

static void
ack(struct fake *f, const struct rig_pair *p, enum call_leg_index leg, unsigned cseq)
{
	if (leg == LEG_A)
		(void)rig_inside(f, p->a, "acme-pbx", "ACK", cseq, "");
	else
		(void)rig_inside(f, p->b, "gw1", "ACK", cseq, "");
	assert_int_equal(rig_call(f)->change.m.state, AMEND_NONE);
}

static unsigned
flags(const struct fake *f, int port)
{
	return f->port[port].open.flags & (MEDIA_F_SEND | MEDIA_F_RECV);
}

/* ---- hold and resume ---- */

static const struct {
	const char *name, *a, *b, *asked, *answer_a, *answer_b, *told;
	unsigned holder, held; /* flags of the rows */
} holds[] = {
	{"sendonly", A_BODY(A_HEAD, "a=sendonly\r\n", KEY_1), B_BODY(B_HEAD, "a=sendonly\r\n"),
	 "a=sendonly\r\n", A_BODY(A_HEAD, "a=recvonly\r\n", KEY_2),
	 B_BODY(B_HEAD, "a=recvonly\r\n"), "a=recvonly\r\n", MEDIA_F_RECV, MEDIA_F_SEND},
	{"inactive", A_BODY(A_HEAD, "a=inactive\r\n", KEY_1), B_BODY(B_HEAD, "a=inactive\r\n"),
	 "a=inactive\r\n", A_BODY(A_HEAD, "a=inactive\r\n", KEY_2),
	 B_BODY(B_HEAD, "a=inactive\r\n"), "a=inactive\r\n", 0, 0},
	{"0.0.0.0", A_BODY(SDP_HEAD("0.0.0.0"), "", KEY_1), B_BODY(SDP_HEAD("0.0.0.0"), ""),
	 "a=sendonly\r\n", A_BODY(A_HEAD, "a=recvonly\r\n", KEY_2),
	 B_BODY(B_HEAD, "a=recvonly\r\n"), "a=recvonly\r\n", MEDIA_F_RECV, MEDIA_F_SEND},
};

static void
hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(holds); i++) {
		enum call_leg_index leg = i % 2 ? LEG_B : LEG_A;
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		unsigned long long v = rig_version(rig_sent(f, SENT_RESPONSE, 0));
		uint32_t out = f->port[0].open.out_serial;
		struct edge_txn *t;
		struct sent *s;

		t = change(f, &p, leg, "INVITE", 7, leg ? holds[i / 2].b : holds[i / 2].a);
		if (!t)
			fail_msg("%s: not asked", holds[i / 2].name);
		assert_int_equal(t->method, SIP_INVITE);
		assert_says(rig_sent(f, SENT_REQUEST, 0), holds[i / 2].asked);
		assert_silent(rig_sent(f, SENT_REQUEST, 0), "0.0.0.0");
		assert_int_equal(flags(f, 0), MEDIA_F_SEND | MEDIA_F_RECV); /* not yet */
		fake_answer(f, t, 200, "gw", leg ? PBX_CONTACT : GW_CONTACT,
			    leg ? holds[i / 2].answer_a : holds[i / 2].answer_b);
		assert_int_equal(rig_sent(f, SENT_ONCE, 0)->method, SIP_ACK);
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_int_equal(s->status, 200);
		assert_says(s, holds[i / 2].told);
		assert_says(s, "Contact: ");
		if (flags(f, (int)leg) != holds[i / 2].holder ||
		    flags(f, 1 - (int)leg) != holds[i / 2].held)
			fail_msg("%s: %u %u", holds[i / 2].name, flags(f, 0), flags(f, 1));
		ack(f, &p, leg, 7);
		/* and back */
		t = change(f, &p, leg, "INVITE", 8,
			   leg ? B_BODY(B_HEAD, "") : A_BODY(A_HEAD, "", KEY_1));
		assert_non_null(t);
		assert_says(rig_sent(f, SENT_REQUEST, 0), "a=sendrecv\r\n");
		fake_answer(f, t, 200, "gw", leg ? PBX_CONTACT : GW_CONTACT,
			    leg ? A_BODY(A_HEAD, "", KEY_2) : B_BODY(B_HEAD, ""));
		ack(f, &p, leg, 8);
		assert_int_equal(flags(f, 0), MEDIA_F_SEND | MEDIA_F_RECV);
		assert_int_equal(flags(f, 1), MEDIA_F_SEND | MEDIA_F_RECV);
		/* our key never changed; the PBX's did once, where it answered with another one */
		assert_int_equal(f->port[0].open.out_serial, out);
		assert_int_equal(f->port[0].open.in_serial, leg ? 2 : 1);
		s = leg ? rig_sent(f, SENT_REQUEST, 0) : rig_sent(f, SENT_RESPONSE, 0);
		assert_true(rig_version(s) > v);
		rig_end(f, 1);
	}
}

/* ---- o= and our key ---- */

static void
versions(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	char key[64], next[64];
	struct edge_txn *t;

	(void)state;
	rig_key(rig_sent(f, SENT_RESPONSE, 0), key);
	assert_int_equal(rig_version(rig_sent(f, SENT_RESPONSE, 0)), 0);
	t = change(f, &p, LEG_A, "INVITE", 2, A_BODY(A_HEAD, "a=sendonly\r\n", KEY_1));
	assert_int_equal(rig_version(rig_sent(f, SENT_REQUEST, 0)), 1);
	fake_answer(f, t, 200, "gw", GW_CONTACT, B_BODY(B_HEAD, "a=recvonly\r\n"));
	assert_int_equal(rig_version(rig_sent(f, SENT_RESPONSE, 0)), 1);
	rig_key(rig_sent(f, SENT_RESPONSE, 0), next);
	assert_string_equal(key, next);
	ack(f, &p, LEG_A, 2);
	/* refused: what was shown was shown, the next body has the next number */
	t = change(f, &p, LEG_A, "INVITE", 3, A_BODY(A_HEAD, "", KEY_1));
	assert_int_equal(rig_version(rig_sent(f, SENT_REQUEST, 0)), 2);
	fake_answer(f, t, 488, "gw", "", "");
	t = change(f, &p, LEG_A, "INVITE", 4, A_BODY(A_HEAD, "", KEY_1)); /* the same again */
	assert_int_equal(rig_version(rig_sent(f, SENT_REQUEST, 0)), 2);
	fake_answer(f, t, 200, "gw", GW_CONTACT, B_BODY(B_HEAD, ""));
	assert_int_equal(rig_version(rig_sent(f, SENT_RESPONSE, 0)), 2);
	ack(f, &p, LEG_A, 4);
	/* the other side offers: our key again */
	t = change(f, &p, LEG_B, "INVITE", 1, B_BODY(B_HEAD, ""));
	rig_key(rig_sent(f, SENT_REQUEST, 0), next);
	assert_string_equal(key, next);
	assert_says(rig_sent(f, SENT_REQUEST, 0), "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:");
	fake_answer(f, t, 200, "pbx", PBX_CONTACT, A_BODY(A_HEAD, "", KEY_1));
	ack(f, &p, LEG_B, 1);
	assert_int_equal(f->port[0].in_serial, 1);
	assert_int_equal(f->port[0].out_serial, 1);
	rig_end(f, 1);
}

/* ---- what the other side need not hear ---- */

static void
known(void **state)
{
	static const struct {
		const char *name, *method, *body, *rtp;
		uint32_t in_serial;
		bool asked;
	} rows[] = {
		{"nothing new", "INVITE", A_BODY(A_HEAD, "", KEY_1), "198.51.100.7:4000", 1, false},
		{"nothing new, UPDATE", "UPDATE", A_BODY(A_HEAD, "", KEY_1), "198.51.100.7:4000", 1,
		 false},
		{"another address", "INVITE", A_BODY(SDP_HEAD("198.51.100.8"), "", KEY_1),
		 "198.51.100.8:4000", 1, false},
		{"another key", "INVITE", A_BODY(A_HEAD, "", KEY_2), "198.51.100.7:4000", 2, false},
		{"another codec", "INVITE",
		 A_HEAD "m=audio 4000 RTP/SAVP 0\r\n"
			"a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n",
		 "198.51.100.7:4000", 1, true},
		{"another tag", "INVITE",
		 A_HEAD "m=audio 4000 RTP/SAVP 8 101\r\n" SDP_MAPS
			"a=crypto:8 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n",
		 "198.51.100.7:4000", 1, true},
		{"one m-line more", "INVITE",
		 A_BODY(A_HEAD, "", KEY_1) "m=video 4002 RTP/SAVP 99\r\n", "198.51.100.7:4000", 1,
		 true},
		{"another ptime", "INVITE", A_BODY(A_HEAD, "a=ptime:30\r\n", KEY_1),
		 "198.51.100.7:4000", 1, true},
		{"another way of the codec", "INVITE",
		 A_BODY(A_HEAD, "a=fmtp:8 mode=30\r\n", KEY_1), "198.51.100.7:4000", 1, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		struct edge_txn *t = change(f, &p, LEG_A, rows[i].method, 2, rows[i].body);
		bool update = rows[i].method[0] == 'U';
		struct sent *s;

		if ((t != NULL) != rows[i].asked)
			fail_msg("%s: asked %d", rows[i].name, t != NULL);
		if (t)
			fake_answer(f, t, 200, "gw", GW_CONTACT,
				    i == 4 ? B_HEAD "m=audio 10000 RTP/AVP 0\r\n" : GW_BODY);
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_int_equal(s->status, 200);
		assert_says(s, "a=crypto:");
		assert_int_equal(rig_version(s), i >= 4 && i <= 6); /* A sees no ptime of its own */
		if (!update)
			ack(f, &p, LEG_A, 2);
		assert_string_equal(addr_text(&f->port[0].open.rtp).z, rows[i].rtp);
		if (f->port[0].open.in_serial != rows[i].in_serial ||
		    f->port[0].open.out_serial != 1)
			fail_msg("%s: serial %u", rows[i].name, f->port[0].open.in_serial);
		/* where its requests go from now on */
		(void)rig_inside(f, p.b, "gw1", "BYE", 50, "");
		assert_says(rig_sent(f, SENT_REQUEST, 0), "BYE sip:ann@198.51.100.7:40009");
		rig_settle(f);
		fake_run(f, 2 * FAKE_LIFE_US);
		rig_down(f);
	}
}

/* ---- refused ---- */

/* What the asked side's failure becomes; the session stays as it was. */
static void
failures(void **state)
{
	static const struct {
		unsigned status, want;
		const char *more, *says;
		bool ends;
	} rows[] = {
		{488, 488, "", "488 ", false},
		{606, 488, "", "488 ", false},
		{415, 488, "", "488 ", false},
		{491, 491, "", "491 ", false},
		{500, 500, "Retry-After: 7\r\n", "Retry-After: 7\r\n", false},
		{500, 500, "Retry-After: 700\r\n", "Retry-After: 10\r\n", false},
		{401, 500, "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n", "500 ", false},
		{302, 500, "Contact: <sip:evil@x>\r\n", "500 ", false},
		{486, 486, "", "486 ", false},
		{408, 480, "", "(id ", true},
		{481, 480, "", "(id ", true},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		enum call_leg_index leg = i % 2 ? LEG_B : LEG_A;
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		struct media_open before[2] = {f->port[0].open, f->port[1].open};
		struct edge_txn *t;

		t = change(f, &p, leg, "INVITE", 2, leg ? holds[0].b : holds[0].a);
		assert_non_null(t);
		fake_answer(f, t, rows[i / 2].status, "gw", rows[i / 2].more, "");
		if (rig_sent(f, SENT_RESPONSE, 0)->status != (int)rows[i / 2].want)
			fail_msg("%u: %s", rows[i / 2].status, rig_sent(f, SENT_RESPONSE, 0)->text);
		assert_says(rig_sent(f, SENT_RESPONSE, 0), rows[i / 2].says);
		assert_silent(rig_sent(f, SENT_RESPONSE, 0), "evil@");
		assert_silent(rig_sent(f, SENT_RESPONSE, 0), "Authenticate");
		assert_memory_equal(&before[0], &f->port[0].open, sizeof(before[0]));
		assert_memory_equal(&before[1], &f->port[1].open, sizeof(before[1]));
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), rows[i / 2].ends ? 2 : 0);
		if (rows[i / 2].ends) {
			rig_settle(f);
			assert_int_equal(rig_cdr(f)->refusal, REFUSAL_PEER_GONE);
		}
		rig_end(f, 1);
	}
}

/* M9, and what is no offer at all: refused here, the other side hears nothing. */
static void
bad_offers(void **state)
{
	static const struct {
		const char *name, *body;
		enum call_leg_index leg;
		int status;
	} rows[] = {
		{"AVP", PBX_CLEAR, LEG_A, 488},
		{"SAVP without a key", A_HEAD "m=audio 4000 RTP/SAVP 8\r\n", LEG_A, 488},
		{"garbage", "hello", LEG_A, 400},
		{"fewer m-lines", "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n", LEG_A, 488},
		{"a key in the clear", GW_SECURE, LEG_B, 488},
		{"video", B_HEAD "m=video 10000 RTP/AVP 99\r\n", LEG_B, 488},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const char *method = i % 2 ? "UPDATE" : "INVITE";
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		struct media_open before = f->port[rows[i / 2].leg].open;

		assert_null(change(f, &p, rows[i / 2].leg, method, 2, rows[i / 2].body));
		if (rig_sent(f, SENT_RESPONSE, 0)->status != rows[i / 2].status)
			fail_msg("%s: %s", rows[i / 2].name, rig_sent(f, SENT_RESPONSE, 0)->text);
		assert_says(rig_sent(f, SENT_RESPONSE, 0), "(id ");
		assert_memory_equal(&before, &f->port[rows[i / 2].leg].open, sizeof(before));
		assert_int_equal(rig_call(f)->change.m.state, AMEND_NONE);
		rig_end(f, 1);
	}
}

/* The other side took it, but its answer cannot be used: nobody knows what the session is. */
static void
bad_answers(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		struct edge_txn *t;

		t = change(f, &p, i ? LEG_B : LEG_A, "INVITE", 2, i ? holds[0].b : holds[0].a);
		fake_answer(f, t, 200, "gw", "", i ? PBX_CLEAR : GW_SECURE);
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 488);
		assert_int_equal(rig_sent(f, SENT_ONCE, 0)->method, SIP_ACK);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
		rig_settle(f);
		assert_int_equal(rig_cdr(f)->refusal, REFUSAL_BAD_ANSWER);
		assert_int_equal(rig_cdr(f)->ended_by, ENDER_POSTERN);
		rig_end(f, 1);
	}
}

/* ---- without an offer ---- */

static void
late(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		enum call_leg_index leg = i ? LEG_B : LEG_A;
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		char key[64], next[64];
		struct edge_txn *t;
		struct sent *s;

		rig_key(rig_sent(f, SENT_RESPONSE, 0), key);
		t = change(f, &p, leg, "INVITE", 2, "");
		assert_non_null(t);
		assert_says(rig_sent(f, SENT_REQUEST, 0), "Content-Length: 0\r\n");
		fake_answer(f, t, 200, "gw", "", leg ? A_BODY(A_HEAD, "", KEY_2) : GW_BODY);
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_int_equal(s->status, 200);
		assert_says(s, leg ? "RTP/AVP 8 101" : "RTP/SAVP 8 101");
		assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 1); /* the first call's */
		if (leg)
			(void)rig_inside_sdp(f, p.b, "gw1", "ACK", 2, "", holds[0].answer_b);
		else
			(void)rig_inside_sdp(f, p.a, "acme-pbx", "ACK", 2, "", holds[0].answer_a);
		s = rig_sent(f, SENT_ONCE, 0);
		assert_says(s, "a=recvonly\r\n");
		assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 2);
		s = leg ? s : rig_sent(f, SENT_RESPONSE, 0);
		rig_key(s, next);
		assert_string_equal(key, next);
		assert_int_equal(f->port[0].open.in_serial, 2); /* KEY_2 */
		assert_int_equal(f->port[0].open.out_serial, 1);
		assert_int_equal(flags(f, (int)leg), MEDIA_F_SEND);
		assert_int_equal(pool_used(&f->calls.offers), 0);
		fake_answer(f, t, 200, "gw", "", GW_BODY); /* its copy */
		assert_says(rig_sent(f, SENT_ONCE, 0), "a=recvonly\r\n");
		rig_end(f, 1);
	}
}

static void
late_refused(void **state)
{
	static const char *const answers[] = {"", "hello", PBX_CLEAR};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		struct edge_txn *t = change(f, &p, LEG_A, "INVITE", 2, "");

		fake_answer(f, t, 200, "gw", "", GW_BODY);
		(void)rig_inside_sdp(f, p.a, "acme-pbx", "ACK", 2, "", answers[i]);
		assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 2);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
		rig_settle(f);
		assert_int_equal(rig_cdr(f)->refusal, REFUSAL_BAD_ACK);
		assert_int_equal(pool_used(&f->calls.offers), 0);
		rig_end(f, 1);
	}
}

/* ---- UPDATE ---- */

static void
update(void **state)
{
	(void)state;
	for (int allowed = 0; allowed < 2; allowed++) {
		struct fake *f = rig_up();
		struct rig_pair p = rig_ringing(f);
		struct edge_txn *t;

		fake_answer(f, p.b, 200, "gw", allowed ? GW_CONTACT ALLOW : GW_CONTACT, GW_BODY);
		(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
		/* no offer: a target, a sign of life; the other side hears nothing */
		assert_null(change(f, &p, LEG_A, "UPDATE", 2, ""));
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
		assert_says(rig_sent(f, SENT_RESPONSE, 0), "Allow: ");
		/* with one: by UPDATE only where it is known there */
		t = change(f, &p, LEG_A, "UPDATE", 3, holds[0].a);
		assert_int_equal(t->method, allowed ? SIP_UPDATE : SIP_INVITE);
		fake_answer(f, t, 200, "gw", "", holds[0].answer_b);
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
		assert_says(rig_sent(f, SENT_RESPONSE, 0), "a=recvonly");
		assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), allowed ? 1 : 2);
		assert_int_equal(rig_call(f)->change.m.state, AMEND_NONE);
		assert_int_equal(rig_call(f)->rec.leg[LEG_B].allows_update, allowed);
		rig_end(f, 1);
	}
}

/* ---- what crosses ---- */

/* Each side asks at once: both are told 491, each retries when its time comes (RFC 3261 14.1). */
static void
glare(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	struct edge_txn *t = change(f, &p, LEG_A, "INVITE", 2, holds[0].a);

	(void)state;
	assert_null(change(f, &p, LEG_B, "INVITE", 1, holds[0].b));
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 491);
	assert_null(change(f, &p, LEG_B, "UPDATE", 2, holds[0].b));
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 491);
	/* a second one of the same side */
	assert_null(change(f, &p, LEG_A, "INVITE", 3, holds[0].a));
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 500);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "Retry-After: ");
	fake_answer(f, t, 491, "gw", "", "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 491);
	/* B first, then A */
	t = change(f, &p, LEG_B, "INVITE", 3, holds[0].b);
	fake_answer(f, t, 200, "pbx", "", holds[0].answer_a);
	ack(f, &p, LEG_B, 3);
	t = change(f, &p, LEG_A, "INVITE", 4, A_BODY(A_HEAD, "", KEY_2));
	assert_non_null(t);
	fake_answer(f, t, 200, "gw", "", GW_BODY);
	ack(f, &p, LEG_A, 4);
	rig_end(f, 1);
}

/* While the first 200 or its ACK is still on the way. */
static void
too_early(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_ringing(f);

	(void)state;
	assert_null(change(f, &p, LEG_A, "INVITE", 2, holds[0].a));
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 500);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "Retry-After: ");
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_null(change(f, &p, LEG_B, "INVITE", 1, holds[0].b));
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 491);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_non_null(change(f, &p, LEG_B, "INVITE", 2, holds[0].b));
	rig_end(f, 1);
}

static void
canceled(void **state)
{
	(void)state;
	for (int crosses = 0; crosses < 2; crosses++) {
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		struct edge_txn *t = change(f, &p, LEG_A, "INVITE", 2, holds[0].a);
		struct edge_txn *in = rig_call(f)->change.in;

		rig_cancel(f, in);
		rig_cancel(f, in);
		assert_true(t->cancelled);
		fake_answer(f, t, crosses ? 200 : 487, "gw", "", crosses ? holds[0].answer_b : "");
		assert_int_equal(in->status, crosses ? 200 : 487);
		if (crosses)
			ack(f, &p, LEG_A, 2);
		assert_int_equal(rig_call(f)->change.m.state, AMEND_NONE);
		assert_int_equal(flags(f, 0), crosses ? MEDIA_F_RECV : MEDIA_F_RECV | MEDIA_F_SEND);
		assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		rig_end(f, 1);
	}
}

/* BYE of either side, or ours, in each stage of a change. */
static void
bye_inside(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++) {
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		struct edge_txn *t =
			change(f, &p, LEG_A, "INVITE", 2, i / 3 == 2 ? "" : holds[0].a);
		struct edge_txn *in = rig_call(f)->change.in;

		if (i / 3)
			fake_answer(f, t, 200, "gw", "", i / 3 == 1 ? holds[0].answer_b : GW_BODY);
		if (i % 3 == 0)
			(void)rig_inside(f, p.a, "acme-pbx", "BYE", 3, "");
		else if (i % 3 == 1)
			(void)rig_inside(f, p.b, "gw1", "BYE", 1, "");
		else
			(void)calls_stop(&f->calls, f->now);
		assert_int_equal(in->status, i / 3 ? 200 : 487);
		assert_int_equal(rig_call(f)->change.m.state, AMEND_NONE);
		if (i / 3 == 0) /* B's 200 crosses the BYE: it gets its ACK all the same */
			fake_answer(f, t, 200, "gw", "", holds[0].answer_b);
		assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 2);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), i % 3 == 2 ? 2 : 1);
		rig_settle(f);
		fake_run(f, 3 * FAKE_LIFE_US);
		assert_int_equal(f->n_ended, 1);
		rig_down(f);
	}
}

/* The ACK of our 200 never comes: repeated for 32 s, then BYE. Or late. */
static void
lost_ack(void **state)
{
	(void)state;
	for (int comes = 0; comes < 2; comes++) {
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		struct edge_txn *in;

		assert_null(change(f, &p, LEG_A, "INVITE", 2, A_BODY(A_HEAD, "", KEY_1)));
		in = rig_call(f)->change.in;
		fake_run(f, 4000000);
		assert_int_equal(in->again, 3);
		assert_null(change(f, &p, LEG_B, "INVITE", 1, holds[0].b));
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 491);
		if (comes) {
			ack(f, &p, LEG_A, 2);
			fake_run(f, 60000000);
			assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		} else {
			fake_run(f, AMEND_ACK_US);
			assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
			rig_settle(f);
			assert_int_equal(rig_cdr(f)->refusal, REFUSAL_NO_ACK);
		}
		rig_end(f, 1);
	}
}

/* Nothing comes back from the asked side, or it cannot be reached at all. */
static void
silence(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);

	(void)state;
	f->no_send = true;
	assert_null(change(f, &p, LEG_A, "INVITE", 2, holds[0].a));
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 480);
	f->no_send = false;
	fake_news(f, change(f, &p, LEG_A, "INVITE", 3, holds[0].a),
		  &(struct edge_news){.event = EDGE_FAILED,
				      .err = ERR_CLOSED,
				      .why = "10.0.0.9: refused",
				      .last = true});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 480);
	assert_silent(rig_sent(f, SENT_RESPONSE, 0), "10.0.0.9");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP); /* a connection is no dialog */
	assert_non_null(change(f, &p, LEG_A, "INVITE", 4, holds[0].a));
	fake_run(f, FAKE_LIFE_US);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_PEER_GONE);
	rig_end(f, 1);
}

/* It thinks for too long after a 100: cancelled, and where that is not answered either, ended. */
static void
thinks_too_long(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	struct edge_txn *t = change(f, &p, LEG_A, "INVITE", 2, holds[0].a);

	(void)state;
	fake_answer(f, t, 100, "", "", "");
	fake_run(f, AMEND_ASKED_US);
	assert_true(t->cancelled);
	fake_answer(f, t, 487, "gw", "", "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 487);
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	rig_end(f, 1);
}

/* Media does not keep up just now: nobody knows what it does. */
static void
media_busy(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	struct edge_txn *t = change(f, &p, LEG_A, "INVITE", 2, holds[0].a);

	(void)state;
	f->no_open = true;
	fake_answer(f, t, 200, "gw", "", holds[0].answer_b);
	f->no_open = false;
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_MEDIA_BUSY);
	rig_end(f, 1);
}

/* ---- after a restart ---- */

/* Everything a change needs is in the record and the secrets segment: our key again, the peer's
 * known, o= counted on. */
static void
restarted(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		enum call_leg_index leg = i % 2 ? LEG_B : LEG_A;
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		char key[64], next[64];
		struct edge_txn *t;
		struct sent *s;

		rig_key(rig_sent(f, SENT_RESPONSE, 0), key);
		f->no_keys = i / 2; /* the segment is another one: new keys, no harm */
		rig_restart(f, &p);
		t = change(f, &p, leg, "INVITE", 7, leg ? holds[0].b : holds[0].a);
		assert_non_null(t);
		fake_answer(f, t, 200, "gw", "",
			    !leg    ? holds[0].answer_b
			    : i / 2 ? PBX_ANSWER("1", "80") "a=recvonly\r\n" /* lines anew */
				    : holds[0].answer_a);
		s = leg ? rig_sent(f, SENT_REQUEST, 0) : rig_sent(f, SENT_RESPONSE, 0);
		rig_key(s, next);
		assert_int_equal(strcmp(key, next) == 0, i / 2 == 0);
		assert_int_equal(rig_version(s), 1);
		ack(f, &p, leg, 7);
		assert_int_equal(f->port[0].open.out_serial, i / 2 ? 2 : 1);
		assert_int_equal(f->port[0].open.in_serial, leg || i / 2 ? 2 : 1);
		assert_int_equal(flags(f, (int)leg), MEDIA_F_RECV);
		f->no_keys = false;
		rig_end(f, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hold),       cmocka_unit_test(versions),
		cmocka_unit_test(known),      cmocka_unit_test(failures),
		cmocka_unit_test(bad_offers), cmocka_unit_test(bad_answers),
		cmocka_unit_test(late),       cmocka_unit_test(late_refused),
		cmocka_unit_test(update),     cmocka_unit_test(glare),
		cmocka_unit_test(too_early),  cmocka_unit_test(canceled),
		cmocka_unit_test(bye_inside), cmocka_unit_test(lost_ack),
		cmocka_unit_test(silence),    cmocka_unit_test(thinks_too_long),
		cmocka_unit_test(media_busy), cmocka_unit_test(restarted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
