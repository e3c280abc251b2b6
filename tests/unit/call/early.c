/* call/modify, call/ring: changes of a session before the call is answered (RFC 3262 5, 3311 5.1,
 * 6337 3): an offer in PRACK, or in UPDATE of either side. */
#include "rig.h"

#define TAKES "Allow: INVITE, ACK, UPDATE, PRACK\r\n"
#define A_REL "Supported: 100rel\r\n" TAKES
#define B_REL GW_CONTACT "Require: 100rel\r\nRSeq: 5\r\n"
#define A_NEXT                                                                                     \
	SDP_HEAD("198.51.100.7")                                                                   \
	"m=audio 4002 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendonly\r\n"                        \
	"a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n"
#define A_TAKES                                                                                    \
	SDP_HEAD("198.51.100.7")                                                                   \
	"m=audio 4000 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n"                                      \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n"
#define B_NEXT SDP_HEAD("10.0.0.9") "m=audio 10002 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
#define B_HELD SDP_HEAD("10.0.0.9") "m=audio 10002 RTP/AVP 8\r\na=recvonly\r\n"

/* Where a call stands whose called side has answered in a 183. */
struct stage {
	const char *a; /* headers of the caller's INVITE */
	const char *b; /* of the 183 */
	bool pracked;  /* the caller has acknowledged ours */
	const char *body;
};
static const struct stage ready = {A_REL, B_REL TAKES, true, GW_BODY};

/* The caller acknowledges the last reliable response. */
static struct edge_txn *
prack(struct fake *f, const struct rig_pair *p, unsigned cseq, const char *body)
{
	uint32_t rseq = 0;
	char rack[64];

	for (unsigned n = 0; sip_number_read(&f->tx, SIP_H_RSEQ, &rseq) != ERR_OK; n++)
		assert_non_null(rig_sent(f, SENT_RESPONSE, n)); /* the last reliable one */
	(void)snprintf(rack, sizeof(rack), "RAck: %u 1 INVITE\r\n", rseq);
	return rig_inside_sdp(f, p->a, "acme-pbx", "PRACK", cseq, rack, body);
}

static struct rig_pair
bring(struct fake *f, const struct stage *s)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.more = s->a})};

	p.b = rig_out(f);
	fake_answer(f, p.b, 183, "gw", s->b, s->body);
	if (s->pracked)
		assert_int_equal(prack(f, &p, 2, "")->status, 200);
	return p;
}

static struct edge_txn *
ask(struct fake *f, const struct rig_pair *p, enum call_leg_index leg, const char *method,
    unsigned cseq, const char *body)
{
	return rig_inside_sdp(f, leg == LEG_A ? p->a : p->b, leg == LEG_A ? "acme-pbx" : "gw1",
			      method, cseq, "Contact: <sip:x@198.51.100.7:40001;transport=tls>\r\n",
			      body);
}

/* The call is answered and runs. */
static void
finish(struct fake *f, const struct rig_pair *p)
{
	fake_answer(f, p->b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(p->a->status, 200);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "Content-Length: 0\r\n"); /* all is said */
	(void)rig_inside(f, p->a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	assert_int_equal(rig_call(f)->change.m.state, AMEND_NONE);
	rig_end(f, 1);
}

static unsigned
directions(struct fake *f, enum call_leg_index i)
{
	return rig_row(f, i)->flags & (MEDIA_F_SEND | MEDIA_F_RECV);
}

/* The caller holds, by UPDATE or in its PRACK. */
static void
caller_asks(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fake *f = rig_up();
		struct stage s = ready;
		struct rig_pair p;
		struct edge_txn *t;

		s.pracked = i;
		p = bring(f, &s);
		t = i ? ask(f, &p, LEG_A, "UPDATE", 3, A_NEXT) : prack(f, &p, 2, A_NEXT);
		assert_int_equal(t->status, 0);
		assert_says(rig_last(f), "UPDATE sip:gw@10.0.0.9:5070 SIP/2.0\r\n");
		assert_says(rig_last(f), "m=audio 20002 RTP/AVP 8\r\n");
		assert_says(rig_last(f), "a=sendonly\r\n");
		assert_silent(rig_last(f), "RAck");
		fake_run(f, 2000000); /* the 183 is not said again */
		assert_int_equal(rig_count(f, SENT_RESPONSE, SIP_INVITE), 1);
		fake_answer(f, rig_last(f)->txn, 200, "gw", GW_CONTACT, B_HELD);
		assert_int_equal(t->status, 200);
		assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=audio 20000 RTP/SAVP 8\r\n");
		assert_says(rig_sent(f, SENT_RESPONSE, 0), "a=recvonly\r\n");
		assert_int_equal(directions(f, LEG_A), MEDIA_F_RECV);
		assert_int_equal(rig_row(f, LEG_A)->rtp.port, 4002);
		assert_int_equal(rig_row(f, LEG_B)->rtp.port, 10002);
		finish(f, &p);
	}
}

/* The called side has another machine play something. */
static void
called_asks(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = bring(f, &ready);
	struct edge_txn *t = ask(f, &p, LEG_B, "UPDATE", 1, B_NEXT);

	(void)state;
	assert_int_equal(t->status, 0);
	assert_says(rig_last(f), "UPDATE sip:ann@198.51.100.7:40001;transport=tls SIP/2.0\r\n");
	assert_says(rig_last(f), "m=audio 20000 RTP/SAVP 8\r\n");
	fake_answer(f, rig_last(f)->txn, 200, "far", PBX_CONTACT, PBX_ANSWER("7", "80"));
	assert_int_equal(t->status, 200);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=audio 20002 RTP/AVP 8\r\n");
	assert_int_equal(rig_row(f, LEG_B)->rtp.port, 10002);
	/* and again, and the caller after it */
	t = ask(f, &p, LEG_B, "UPDATE", 2, B_NEXT);
	assert_int_equal(t->status, 200); /* nothing is new */
	t = ask(f, &p, LEG_A, "UPDATE", 3, A_NEXT);
	fake_answer(f, rig_last(f)->txn, 200, "gw", GW_CONTACT, B_HELD);
	assert_int_equal(t->status, 200);
	finish(f, &p);
}

/* ---- not now ---- */

static const struct {
	const char *name;
	struct stage s;
	enum call_leg_index leg;
	int status;
} refused[] = {
	{"the caller takes no reliable ones", {TAKES, B_REL TAKES, false, GW_BODY}, LEG_A, 500},
	{"nor does it when the called side asks", {TAKES, B_REL TAKES, false, GW_BODY}, LEG_B, 491},
	{"it has not acknowledged", {A_REL, B_REL TAKES, false, GW_BODY}, LEG_A, 500},
	{"nor when the called side asks", {A_REL, B_REL TAKES, false, GW_BODY}, LEG_B, 491},
	{"the called side's answer may be lost",
	 {A_REL, GW_CONTACT TAKES, true, GW_BODY},
	 LEG_A,
	 500},
	{"it has not answered", {"Require: 100rel\r\n" TAKES, B_REL TAKES, true, ""}, LEG_A, 500},
	{"it takes no UPDATE", {A_REL, B_REL, true, GW_BODY}, LEG_A, 500},
	{"the caller takes none",
	 {"Supported: 100rel\r\n", B_REL TAKES, true, GW_BODY},
	 LEG_B,
	 491},
};

static void
not_now(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct fake *f = rig_up();
		struct rig_pair p = bring(f, &refused[i].s);
		bool a = refused[i].leg == LEG_A;
		struct edge_txn *t = ask(f, &p, refused[i].leg, "UPDATE", 7, a ? A_NEXT : B_NEXT);

		print_message("# %s\n", refused[i].name);
		assert_int_equal(t->status, refused[i].status);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_UPDATE), 0);
		assert_false(rig_call(f)->amended);
		/* without an offer it is a sign of life */
		t = ask(f, &p, refused[i].leg, "UPDATE", 8, "");
		assert_int_equal(t->status, 200);
		t = ask(f, &p, LEG_A, "INVITE", 9, A_NEXT);
		assert_int_equal(t->status, 500);
		rig_end(f, 1);
	}
}

/* What may become of it while the other side thinks. */
static void
meanwhile(void **state)
{
	static const char *const names[] = {"refused",   "unknown",      "no answer",
					    "other one", "answered",     "CANCEL",
					    "fork",      "fork answers", "bad offer"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct fake *f = rig_up();
		struct rig_pair p = bring(f, &ready);
		struct edge_txn *t = ask(f, &p, LEG_A, "UPDATE", 3, i == 8 ? "x" : A_NEXT), *out;

		print_message("# %s\n", names[i]);
		out = rig_last(f)->txn;
		switch (i) {
		case 0: /* all is as it was */
			fake_answer(f, out, 488, "gw", "", "");
			assert_int_equal(t->status, 488);
			assert_int_equal(directions(f, LEG_A), MEDIA_F_SEND | MEDIA_F_RECV);
			assert_int_equal(rig_row(f, LEG_A)->rtp.port, 4000);
			break;
		case 1: /* the INVITE says whether it is there */
			fake_answer(f, out, 481, "gw", "", "");
			assert_int_equal(t->status, 500);
			break;
		case 2:
			fake_run(f, 33000000);
			assert_int_equal(t->status, 480);
			break;
		case 3:
			assert_int_equal(ask(f, &p, LEG_A, "UPDATE", 4, A_NEXT)->status, 500);
			assert_int_equal(ask(f, &p, LEG_B, "UPDATE", 1, B_NEXT)->status, 491);
			fake_answer(f, out, 200, "gw", GW_CONTACT, B_HELD);
			assert_int_equal(t->status, 200);
			break;
		case 4: /* its 200 first: what it says counts no more */
			fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
			assert_int_equal(p.a->status, 200);
			(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
			assert_int_equal(t->status, 0);
			fake_answer(f, out, 200, "gw", GW_CONTACT, B_HELD);
			assert_int_equal(t->status, 200);
			assert_int_equal(directions(f, LEG_A), MEDIA_F_RECV);
			rig_end(f, 1);
			continue;
		case 5:
			rig_cancel(f, p.a);
			assert_int_equal(t->status, 487);
			assert_int_equal(p.a->status, 487);
			fake_answer(f, p.b, 487, "gw", "", "");
			fake_answer(f, out, 200, "gw", GW_CONTACT, B_HELD);
			rig_end(f, 1);
			continue;
		case 6: /* another one rings: the first one's answer is of no use */
		case 7:
			fake_answer(f, p.b, i == 6 ? 180 : 200, "two", GW_CONTACT,
				    i == 6 ? "" : GW_BODY);
			assert_int_equal(t->status, 500);
			fake_answer(f, out, 200, "gw", GW_CONTACT, B_HELD);
			if (i == 6)
				fake_answer(f, p.b, 200, "two", GW_CONTACT, GW_BODY);
			assert_int_equal(p.a->status, 200);
			(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
			fake_run(f, 0); /* both agree anew */
			assert_says(rig_last(f), "INVITE sip:ann@198.51.100.7:40001");
			fake_answer(f, rig_out(f), 200, "far", PBX_CONTACT, A_TAKES);
			assert_says(rig_last(f), "tag=two");
			fake_answer(f, rig_out(f), 200, "two", GW_CONTACT, B_NEXT);
			assert_int_equal(rig_call(f)->renew.result, RENEW_DONE);
			assert_int_equal(rig_row(f, LEG_B)->rtp.port, 10002);
			rig_end(f, 1);
			continue;
		default:
			assert_int_equal(t->status, 400);
			break;
		}
		finish(f, &p);
	}
}

/* ---- an INVITE without an offer ---- */

/* The called side's 183 offers, the caller's PRACK answers, and so does ours. */
static void
offer_in_183(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *more = i ? "Require: 100rel\r\n" TAKES : A_REL;
		struct fake *f = rig_up();
		struct rig_pair p = {
			.a = rig_invite(f, &(struct invite){.body = "", .more = more})};
		struct edge_txn *t;
		struct sent *s;

		p.b = rig_out(f);
		assert_says(rig_last(f), "Supported: timer, 100rel\r\n");
		fake_answer(f, p.b, 180, "gw", GW_CONTACT, "");
		assert_int_equal(rig_count(f, SENT_RESPONSE, SIP_INVITE),
				 !i); /* else reliable only */
		fake_answer(f, p.b, 183, "gw", B_REL TAKES, GW_BODY);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_PRACK), 0);
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_int_equal(s->status, 183);
		assert_says(s, "Require: 100rel\r\n");
		assert_says(s, "m=audio 20000 RTP/SAVP 8 101\r\n");
		assert_says(s, "a=crypto:1 ");
		fake_answer(f, p.b, 183, "gw", B_REL TAKES, GW_BODY);  /* a copy */
		fake_answer(f, p.b, 183, "two", B_REL TAKES, GW_BODY); /* and another fork */
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_PRACK), 0);
		t = prack(f, &p, 2, A_TAKES);
		assert_int_equal(t->status, 200);
		s = rig_sent(f, SENT_REQUEST, 0);
		assert_says(s, "PRACK sip:gw@10.0.0.9:5070 SIP/2.0\r\n");
		assert_says(s, "RAck: 5 1 INVITE\r\n");
		assert_says(s, "tag=gw");
		assert_says(s, "m=audio 20002 RTP/AVP 8\r\n");
		assert_int_equal(directions(f, LEG_A), MEDIA_F_SEND | MEDIA_F_RECV);
		assert_int_equal(rig_row(f, LEG_A)->in_suite, SDP_SUITE_AES_CM_128_80);
		/* all is agreed: it may be changed */
		t = ask(f, &p, LEG_B, "UPDATE", 1, B_NEXT);
		fake_answer(f, rig_last(f)->txn, 200, "far", PBX_CONTACT, A_TAKES);
		assert_int_equal(t->status, 200);
		finish(f, &p);
	}
}

/* What goes wrong there. */
static void
no_answer_in_prack(void **state)
{
	static const struct {
		const char *name, *offer, *answer;
		int told; /* by the answer to PRACK */
		int status;
		enum refusal why;
	} rows[] = {
		{"no answer", GW_BODY, "", 488, 488, REFUSAL_BAD_ACK},
		{"in clear", GW_BODY, PBX_CLEAR, 488, 488, REFUSAL_BAD_ACK},
		{"a bad offer", GW_SECURE, NULL, 0, 502, REFUSAL_BAD_ANSWER},
		{"no PRACK", GW_BODY, NULL, 0, 504, REFUSAL_NO_PRACK},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct rig_pair p = {
			.a = rig_invite(f, &(struct invite){.body = "", .more = A_REL})};

		print_message("# %s\n", rows[i].name);
		p.b = rig_out(f);
		fake_answer(f, p.b, 183, "gw", B_REL, rows[i].offer);
		if (rows[i].answer)
			assert_int_equal(prack(f, &p, 2, rows[i].answer)->status, rows[i].told);
		else
			fake_run(f, 33000000);
		assert_int_equal(p.a->status, rows[i].status);
		assert_true(p.b->cancelled);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_PRACK), 0);
		fake_answer(f, p.b, 487, "gw", "", "");
		fake_media_closed(f);
		assert_int_equal(rig_cdr(f)->refusal, rows[i].why);
		rig_end(f, 1);
	}
}

/* No other target after the caller has an offer; and one that answers at once is as ever. */
static void
offer_and_targets(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = "", .more = A_REL})};

	(void)state;
	fake_answer(f, rig_out(f), 183, "gw", B_REL, GW_BODY);
	fake_answer(f, rig_out(f), 503, "gw", "", "");
	assert_int_equal(p.a->status, 500);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 1);
	rig_end(f, 1);

	f = rig_up();
	p.a = rig_invite(f, &(struct invite){.body = "", .more = A_REL});
	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=audio 20000 RTP/SAVP 8 101\r\n");
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "ACK", 1, "", A_TAKES);
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	rig_end(f, 1);
}

/* Another target counts its reliable responses anew. */
static void
next_target(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.more = A_REL})};

	(void)state;
	fake_answer(f, rig_out(f), 180, "gw", B_REL, "");
	fake_answer(f, rig_out(f), 503, "gw", "", "");
	p.b = rig_out(f);
	fake_answer(f, p.b, 183, "gw", GW_CONTACT "Require: 100rel\r\nRSeq: 900\r\n", GW_BODY);
	assert_says(rig_sent(f, SENT_REQUEST, 0), "RAck: 900 1 INVITE\r\n");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 183);
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caller_asks),       cmocka_unit_test(called_asks),
		cmocka_unit_test(not_now),           cmocka_unit_test(meanwhile),
		cmocka_unit_test(offer_in_183),      cmocka_unit_test(no_answer_in_prack),
		cmocka_unit_test(offer_and_targets), cmocka_unit_test(next_target),
	};

	return cmocka_run_group_tests_name("call early", tests, NULL, NULL);
}
