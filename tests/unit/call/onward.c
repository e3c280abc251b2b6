/* call/onward: transfers that the other side carries out. */
#include "rig.h"

#define TO(n) "Refer-To: <sip:" n "@sbc.example;user=phone>\r\nReferred-By: <sip:evil@x>\r\n"
#define SIPFRAG "message/sipfrag;version=2.0"

static struct fake *
up(enum trunk_refer pbx, enum trunk_refer gw)
{
	struct fake *f = rig_up();

	rig_trunk(f, "acme-pbx")->refer = pbx;
	rig_trunk(f, "gw1")->refer = gw;
	rig_trunk(f, "gw1")->rewrite_out = STR("called +1 -> 9");
	rig_world(f);
	return f;
}

static struct edge_txn *
refer(struct fake *f, const struct rig_pair *p, enum call_leg_index leg, unsigned cseq,
      const char *headers)
{
	return rig_inside(f, leg == LEG_A ? p->a : p->b, leg == LEG_A ? "acme-pbx" : "gw1", "REFER",
			  cseq, headers);
}

/* What goes on, and what comes back. */
static const struct {
	const char *name;
	enum call_leg_index leg;
	const char *to, *says; /* Refer-To as it came, and as it goes on */
	unsigned answer;
	int told;
} passed[] = {
	{"of the PBX", LEG_A, TO("+15552224444"), "Refer-To: <sip:95552224444@10.0.0.9>\r\n", 202,
	 202},
	{"of the gateway", LEG_B, TO("+442079460000"),
	 "Refer-To: <sip:+442079460000@sbc.example.test>\r\n", 202, 202},
	{"not taken", LEG_A, TO("+15552224444"), "Refer-To: ", 603, 603},
	{"not known", LEG_A, TO("+15552224444"), "Refer-To: ", 405, 405},
	{"a challenge", LEG_A, TO("+15552224444"), "Refer-To: ", 401, 500},
};

static void
goes_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		enum call_leg_index to = passed[i].leg == LEG_A ? LEG_B : LEG_A;
		struct fake *f = up(TRUNK_REFER_PASS, TRUNK_REFER_PASS);
		struct rig_pair p = rig_talking(f);
		struct edge_txn *t = refer(f, &p, passed[i].leg, 7, passed[i].to), *n;

		print_message("# %s\n", passed[i].name);
		assert_int_equal(t->status, 0);
		assert_says(rig_last(f), "REFER sip:");
		assert_says(rig_last(f), passed[i].says);
		assert_silent(rig_last(f), "evil@");
		assert_silent(rig_last(f), "user=phone");
		fake_answer(f, rig_last(f)->txn, passed[i].answer, "", "", "");
		assert_int_equal(t->status, passed[i].told);
		if (passed[i].answer == 202) {
			assert_says(rig_sent(f, SENT_RESPONSE, 0), "Contact: <sip:");
			n = rig_inside_body(f, to == LEG_A ? p.a : p.b,
					    to == LEG_A ? "acme-pbx" : "gw1", "NOTIFY", 9,
					    "Event: refer;id=2\r\nSubscription-State: active\r\n",
					    SIPFRAG, "SIP/2.0 180 Ringing\r\n");
			assert_int_equal(n->status, 0);
			assert_says(rig_last(f), "NOTIFY sip:");
			assert_says(rig_last(f), "Event: refer;id=7\r\n");
			assert_silent(rig_last(f), "id=2");
			assert_says(rig_last(f), "Subscription-State: active\r\n");
			assert_says(rig_last(f), "Content-Type: " SIPFRAG "\r\n");
			assert_says(rig_last(f), "SIP/2.0 180 Ringing\r\n");
			fake_answer(f, rig_last(f)->txn, 200, "", "", "");
			assert_int_equal(n->status, 200);
		}
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 1); /* none of ours */
		assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		rig_end(f, 1);
	}
}

/* What does not: answered here, or carried out here. */
static const struct {
	const char *name;
	enum trunk_refer pbx, gw;
	enum call_leg_index leg;
	const char *to;
	int status;
	bool local;
} kept[] = {
	{"the other side's trunk refuses", TRUNK_REFER_PASS, TRUNK_REFER_REFUSE, LEG_A,
	 TO("+15552224444"), 202, true},
	{"the other side's ends here", TRUNK_REFER_PASS, TRUNK_REFER_LOCAL, LEG_A,
	 TO("+15552224444"), 202, true},
	{"its own ends here", TRUNK_REFER_LOCAL, TRUNK_REFER_PASS, LEG_A, TO("+15552224444"), 202,
	 true},
	{"its own refuses", TRUNK_REFER_REFUSE, TRUNK_REFER_PASS, LEG_A, TO("+15552224444"), 405,
	 false},
	{"another country", TRUNK_REFER_PASS, TRUNK_REFER_PASS, LEG_A, TO("+442071234567"), 403,
	 false},
	{"premium", TRUNK_REFER_PASS, TRUNK_REFER_PASS, LEG_A, TO("+19005551212"), 403, false},
	{"emergency", TRUNK_REFER_PASS, TRUNK_REFER_PASS, LEG_A, TO("911"), 403, false},
	{"a name", TRUNK_REFER_PASS, TRUNK_REFER_PASS, LEG_A, TO("bob"), 484, false},
	{"a dialog of nobody", TRUNK_REFER_PASS, TRUNK_REFER_PASS, LEG_A,
	 "Refer-To: <sip:x@y?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>\r\n", 481, false},
};

static void
stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		struct fake *f = up(kept[i].pbx, kept[i].gw);
		struct rig_pair p = rig_talking(f);
		struct edge_txn *t = refer(f, &p, kept[i].leg, 7, kept[i].to);

		print_message("# %s\n", kept[i].name);
		assert_int_equal(t->status, kept[i].status);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_REFER), 0);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 1 + kept[i].local);
		if (!kept[i].local) { /* nor does anybody else's NOTIFY go on */
			t = rig_inside_body(f, p.b, "gw1", "NOTIFY", 9, "Event: refer\r\n", SIPFRAG,
					    "SIP/2.0 200 OK\r\n");
			assert_int_equal(t->status, 405);
			rig_end(f, 1 + (i == 6));
			continue;
		}
		(void)calls_stop(&f->calls, f->now);
		for (int k = 0; k < FAKE_TXNS; k++)
			if (f->txn[k].used && f->txn[k].cancelled)
				fake_answer(f, &f->txn[k], 487, "x", "", "");
		rig_end(f, 2);
	}
}

/* Attended: both parties at one trunk, which can join them itself; else it ends here. */
static void
attended(void **state)
{
	static const struct {
		const char *name;
		enum trunk_refer gw;
		bool elsewhere; /* the other call's party is at gw2 */
		bool turned;    /* tags as the other end of that dialog names them */
		bool goes_on;
	} rows[] = {
		{"one trunk", TRUNK_REFER_PASS, false, false, true},
		{"one trunk, tags turned", TRUNK_REFER_PASS, false, true, true},
		{"two trunks", TRUNK_REFER_PASS, true, false, false},
		{"the other side's ends here", TRUNK_REFER_LOCAL, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up(TRUNK_REFER_PASS, rows[i].gw);
		struct rig_pair p = rig_talking(f), q;
		struct edge_txn *t;
		char headers[512], want[512], tag[64];

		print_message("# %s\n", rows[i].name);
		q.a = rig_invite(f, &(struct invite){.call_id = "two(x)@pbx"});
		q.b = rig_out(f);
		if (rows[i].elsewhere) {
			fake_answer(f, q.b, 503, "gw", "", "");
			q.b = rig_out(f);
		}
		fake_answer(f, q.b, 200, "c%x", "Contact: <sip:carol@10.0.0.9:5080>\r\n", GW_BODY);
		(void)rig_inside(f, q.a, "acme-pbx", "ACK", 1, "");
		(void)snprintf(tag, sizeof(tag), "%.*s", STR_ARG(q.b->msg.from_tag));
		(void)snprintf(headers, sizeof(headers),
			       "Refer-To: <sip:x@y?Replaces=two(x)%%40pbx%%3Bto-tag%%3D%s"
			       "%%3Bfrom-tag%%3D%s>\r\n",
			       rows[i].turned ? "far" : q.a->tag,
			       rows[i].turned ? q.a->tag : "far");
		t = refer(f, &p, LEG_A, 7, headers);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_REFER), rows[i].goes_on);
		if (!rows[i].goes_on) {
			assert_int_equal(t->status, 202);
			rig_end(f, 2);
			continue;
		}
		(void)snprintf(
			want, sizeof(want),
			"Refer-To: <sip:carol@10.0.0.9:5080?Replaces=%.*s%%3Bto-tag%%3Dc%%25x"
			"%%3Bfrom-tag%%3D%s>\r\n",
			STR_ARG(q.b->msg.call_id), tag);
		assert_says(rig_last(f), want);
		assert_silent(rig_last(f), "two");
		fake_answer(f, rig_last(f)->txn, 202, "", "", "");
		assert_int_equal(t->status, 202);
		t = rig_inside_body(f, p.b, "gw1", "NOTIFY", 9,
				    "Event: refer\r\nSubscription-State: terminated\r\n", SIPFRAG,
				    "SIP/2.0 200 OK\r\n");
		assert_says(rig_last(f), "Event: refer;id=7\r\n");
		fake_answer(f, rig_last(f)->txn, 200, "", "", "");
		assert_int_equal(t->status, 200);
		(void)rig_inside(f, q.b, "gw1", "BYE", 5, ""); /* it was replaced there */
		rig_settle(f);
		rig_end(f, 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(goes_on), cmocka_unit_test(stays),
					   cmocka_unit_test(attended)};

	return cmocka_run_group_tests_name("call onward", tests, NULL, NULL);
}
