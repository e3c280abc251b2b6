/* call/call: whole calls, from the INVITE to the CDR, on a virtual clock; what crosses, what fails,
 * what is refused. What we end ourselves and what comes back after a restart: ends.c */
#include "rig.h"

/* ---- a call as it should be ---- */

static void
usual(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	const struct call_record *r;
	struct sent *s = rig_sent(f, SENT_ONCE, 0);

	(void)state;
	assert_says(s, "ACK sip:gw@10.0.0.9:5070 SIP/2.0"); /* the Contact of its 200 */
	assert_string_equal(s->dest.host, "10.0.0.9");
	assert_int_equal(s->dest.port, 5070);
	fake_run(f, 10000000);
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "Reason: Q.850;cause=16\r\n");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_int_equal(s->method, SIP_BYE);
	assert_says(s, "BYE sip:gw@10.0.0.9:5070 SIP/2.0");
	assert_says(s, "CSeq: 2 BYE");
	assert_says(s, "Reason: Q.850;cause=16");
	assert_false(f->record[0].ended); /* B's answer and the counters are awaited */
	rig_settle(f);
	r = rig_cdr(f);
	assert_int_equal(f->n_ended, 1);
	assert_int_equal(r->sip_status, 200);
	assert_int_equal(r->q850, 16);
	assert_int_equal(r->ended_by, ENDER_CALLER);
	assert_int_equal(r->refusal, REFUSAL_NONE);
	assert_int_equal(r->end_mono_us - r->answer_mono_us, 10000000);
	assert_true(r->invite_us && r->ringing_us && r->answer_us && r->end_us);
	assert_string_equal(r->to_sent, "+15552223333");
	assert_string_equal(r->target[0].trunk.z, "gw1");
	assert_int_equal(r->target[0].status, 200);
	assert_int_equal(r->n_targets, 1);
	assert_int_equal(r->leg[LEG_A].stats.in_packets, 100);
	assert_int_equal(r->leg[LEG_B].stats.in_packets, 101);
	assert_int_equal(r->leg[LEG_A].in_suite, 1);
	assert_int_equal(r->leg[LEG_B].in_suite, 0);
	rig_down(f);
}

static void
called_side_ends(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);

	(void)state;
	(void)rig_inside(f, p.b, "gw1", "BYE", 1, "");
	assert_int_equal(rig_sent(f, SENT_REQUEST, 0)->dest.transport, EDGE_TLS);
	assert_true(rig_sent(f, SENT_REQUEST, 0)->dest.reuse);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->ended_by, ENDER_CALLED);
	rig_down(f);
}

static void
both_bye_at_once(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);

	(void)state;
	(void)rig_inside(f, p.b, "gw1", "BYE", 1, "");
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 1)->status, 200);
	rig_settle(f);
	assert_int_equal(f->n_ended, 1);
	rig_down(f);
}

/* Media does not answer: what the table says is taken after 2 s. */
static void
no_last_counters(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);

	(void)state;
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	fake_answer(f, rig_bye_out(f, 0), 200, "", "", "");
	assert_int_equal(f->n_ended, 0);
	fake_run(f, 2000000);
	assert_int_equal(f->n_ended, 1);
	assert_int_equal(rig_cdr(f)->leg[LEG_A].stats.in_packets, 77);
	rig_down(f);
}

static void
bye_without_answer(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);

	(void)state;
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	fake_media_closed(f);
	fake_run(f, B2BUA_BYE_US);
	assert_int_equal(f->n_ended, 1);
	rig_down(f);
}

/* ---- the 200 and its ACK ---- */

static void
no_ack(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_answered(f);

	(void)state;
	fake_run(f, 31900000); /* 0.5 1.5 3.5 7.5 11.5 ... 31.5 s (RFC 3261 13.3.1.4) */
	assert_int_equal(p.a->again, 10);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 0);
	fake_run(f, 200000);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_NO_ACK);
	assert_int_equal(rig_cdr(f)->ended_by, ENDER_POSTERN);
	rig_down(f);
}

static void
ack_ends_repeats(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_answered(f);

	(void)state;
	fake_run(f, 600000);
	assert_int_equal(p.a->again, 1);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 9, ""); /* of another INVITE: nothing */
	assert_int_equal(rig_call(f)->m.state, B2BUA_ANSWERED);
	assert_false(p.a->acked);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_true(p.a->acked); /* edge may drop its text */
	fake_run(f, 60000000);
	assert_int_equal(p.a->again, 1);
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	rig_down(f);
}

/* Stopped while A's ACK is owed: the 200 goes on being repeated, A gets its BYE after the ACK. */
static void
stopped_before_ack(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_answered(f);

	(void)state;
	(void)calls_stop(&f->calls, f->now);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 1);
	fake_answer(f, rig_bye_out(f, 0), 200, "", "", "");
	fake_run(f, 1600000);
	assert_int_equal(p.a->again, 2);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_STOPPED);
	rig_down(f);
}

static void
called_bye_before_ack(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_answered(f);

	(void)state;
	(void)rig_inside(f, p.b, "gw1", "BYE", 1, "");
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 0);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 1);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->ended_by, ENDER_CALLED);
	rig_down(f);
}

static void
caller_bye_before_ack(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_answered(f);

	(void)state;
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	fake_run(f, 5000000);
	assert_int_equal(p.a->again, 0); /* it has the 200 */
	rig_settle(f);
	fake_run(f, 5000000);
	rig_down(f);
}

static void
copy_of_200(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);

	(void)state;
	assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 1);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 2);
	assert_int_equal(rig_count(f, SENT_RESPONSE, SIP_INVITE), 2); /* 180, 200: no more */
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	rig_down(f);
}

/* Another fork answers as well: ACK, BYE, and nobody hears of it. */
static void
second_fork(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	struct sent *s;

	(void)state;
	fake_answer(f, p.b, 200, "other", "Contact: <sip:other@10.0.0.33>\r\n", GW_BODY);
	s = rig_sent(f, SENT_ONCE, 0);
	assert_says(s, "ACK sip:other@10.0.0.33 SIP/2.0");
	assert_says(s, ";tag=other");
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_says(s, "BYE sip:other@10.0.0.33 SIP/2.0");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "BYE sip:gw@10.0.0.9:5070 SIP/2.0");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "CSeq: 2 BYE");
	rig_settle(f);
	rig_down(f);
}

/* Early media of one fork, the answer of another. */
static void
early_fork(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *b;

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	b = rig_out(f);
	fake_answer(f, b, 183, "one", GW_CONTACT, GW_BODY);
	fake_answer(f, b, 180, "two", GW_CONTACT, "");
	fake_answer(f, b, 200, "two", GW_CONTACT,
		    SDP_HEAD("10.0.0.44") "m=audio 7000 RTP/AVP 8\r\n");
	assert_int_equal(rig_call(f)->m.state, B2BUA_ANSWERED);
	assert_string_equal(addr_text(&f->port[1].open.rtp).z, "10.0.0.44:7000");
	assert_says(rig_sent(f, SENT_ONCE, 0), ";tag=two");
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 3 * B2BUA_BYE_US);
	rig_down(f);
}

/* A 200 that makes no dialog is no answer. */
static void
answer_without_dialog(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *b;

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	b = rig_out(f);
	fake_answer(f, b, 200, "gw", "Contact: <tel:+1>\r\n", GW_BODY);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 502);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_BAD_ANSWER);
	rig_down(f);
}

/* ---- before the answer ---- */

static void
cancel(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_ringing(f);

	(void)state;
	rig_cancel(f, p.a);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 487);
	assert_true(p.b->cancelled);
	rig_cancel(f, p.a); /* again: nothing */
	fake_answer(f, p.b, 487, "gw", "", "");
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->ended_by, ENDER_CALLER);
	assert_int_equal(rig_cdr(f)->sip_status, 487);
	assert_int_equal(rig_cdr(f)->q850, 31); /* as the CANCEL said */
	rig_down(f);
}

static void
cancel_crosses_200(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_ringing(f);

	(void)state;
	rig_cancel(f, p.a);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 1);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 1);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY); /* its copy */
	assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 2);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->sip_status, 487);
	assert_int_equal(rig_cdr(f)->answer_us, 0);
	rig_down(f);
}

static void
cancel_without_answer(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_ringing(f);

	(void)state;
	rig_cancel(f, p.a);
	fake_media_closed(f);
	fake_run(f, B2BUA_CANCEL_US);
	assert_int_equal(f->n_ended, 1);
	rig_down(f);
}

static void
late_cancel(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_answered(f);

	(void)state;
	rig_cancel(f, p.a);
	assert_int_equal(rig_call(f)->m.state, B2BUA_ANSWERED);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	rig_down(f);
}

static void
early_bye(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_ringing(f);

	(void)state;
	/* the called side may not (RFC 3261 15): nothing happens to the call */
	(void)rig_inside(f, p.b, "gw1", "BYE", 1, "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 481);
	assert_int_equal(rig_call(f)->rec.end_us, 0);
	/* the caller may */
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 1)->status, 200);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 487);
	assert_true(p.b->cancelled);
	fake_answer(f, p.b, 487, "gw", "", "");
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->ended_by, ENDER_CALLER);
	rig_down(f);
}

static void
nobody_answers(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_ringing(f);

	(void)state;
	fake_run(f, B2BUA_RING_US);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 480);
	assert_true(p.b->cancelled);
	fake_answer(f, p.b, 487, "gw", "", "");
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_NO_ANSWER);
	rig_down(f);
}

/* ---- failures ---- */

static void
each_failure(void **state)
{
	static const struct {
		int status; /* of both carriers where it hunts */
		bool hunts;
		int want, q850;
		const char *more;
	} rows[] = {
		{302, false, 500, 23, "Contact: <sip:+900@evil.example>\r\n"},
		{401, false, 500, 21, "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n"},
		{403, false, 403, 21, ""},
		{404, false, 404, 1, ""},
		{407, false, 500, 21, "Proxy-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n"},
		{408, true, 504, 102, ""},
		{480, false, 480, 18, ""},
		{486, false, 486, 17, ""},
		{486, false, 486, 34, "Reason: Q.850;cause=34\r\n"},
		{487, false, 487, 16, ""},
		{488, false, 488, 88, ""},
		{500, true, 500, 41, ""},
		{503, true, 500, 41, "Retry-After: 600\r\n"},
		{600, false, 600, 17, ""},
		{603, false, 603, 21, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		char q850[64];
		struct sent *s;

		(void)rig_invite(f, &(struct invite){0});
		fake_answer(f, rig_out(f), (unsigned)rows[i].status, "gw", rows[i].more, "");
		if (rows[i].hunts) {
			assert_string_equal(rig_sent(f, SENT_REQUEST, 0)->dest.trunk.z, "gw2");
			fake_answer(f, rig_out(f), (unsigned)rows[i].status, "gw", rows[i].more,
				    "");
		}
		s = rig_sent(f, SENT_RESPONSE, 0);
		if (!s || s->status != rows[i].want)
			fail_msg("%d: %s", rows[i].status, s ? s->text : "no answer");
		assert_silent(s, "Authenticate");
		assert_silent(s, "evil.");
		assert_silent(s, "Retry-After");
		assert_silent(s, "Warning");
		(void)snprintf(q850, sizeof(q850), "Reason: Q.850;cause=%d", rows[i].q850);
		assert_says(s, q850);
		fake_media_closed(f);
		assert_int_equal(rig_cdr(f)->ended_by, ENDER_CALLED);
		assert_int_equal(rig_cdr(f)->n_targets, rows[i].hunts ? 2 : 1);
		assert_int_equal(rig_cdr(f)->target[0].status, rows[i].status);
		assert_int_equal(rig_cdr(f)->q850, rows[i].q850);
		fake_run(f, 2 * FAKE_LIFE_US); /* what edge still had to say */
		assert_int_equal(f->n_ended, 1);
		rig_down(f);
	}
}

/* A challenge: edge asks for the next CSeq, which is in the record before it is used; the CANCEL
 * and what comes later have the one behind it. */
static void
challenged(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *b;
	struct call_user *u;

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	b = rig_out(f);
	fake_answer(f, b, 180, "gw", GW_CONTACT, "");
	u = b->user;
	assert_int_equal(u->call->rec.leg[LEG_B].dialog.local_invite_cseq, 1);
	assert_int_equal(calls_on_again(&f->calls, u, b, SIP_INVITE, f->now), 2);
	assert_int_equal(u->call->rec.leg[LEG_B].dialog.local_invite_cseq, 2);
	assert_string_equal(u->call->rec.leg[LEG_B].branch, fake_branch_of(f, b));
	assert_int_equal(calls_on_again(&f->calls, u, b, SIP_PRACK, f->now), 3);
	assert_int_equal(u->call->rec.leg[LEG_B].dialog.local_invite_cseq, 2);
	fake_answer(f, b, 486, "gw", "", "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 486);
	fake_run(f, FAKE_LIFE_US);
	fake_media_closed(f);
	rig_down(f);
}

static void
hunt_on_timeout(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	fake_run(f, FAKE_LIFE_US);
	assert_string_equal(rig_sent(f, SENT_REQUEST, 0)->dest.trunk.z, "gw2");
	fake_run(f, FAKE_LIFE_US);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 504);
	assert_says(rig_sent(f, SENT_RESPONSE, 0),
		    "Warning: 399 postern \"the called side did not");
	fake_run(f, 2000000);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_TIMEOUT);
	assert_int_equal(rig_cdr(f)->target[0].status, 0);
	rig_down(f);
}

/* What edge says of a carrier names addresses: not for the customer. */
static void
hunt_on_unreachable(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	for (int i = 0; i < 2; i++)
		fake_news(f, rig_out(f),
			  &(struct edge_news){.event = EDGE_FAILED,
					      .err = ERR_CLOSED,
					      .why = "10.0.0.9:5060: \"refused\"\r\nX: y",
					      .last = true});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 480);
	assert_silent(rig_sent(f, SENT_RESPONSE, 0), "10.0.0.9");
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_UNREACHABLE);
	assert_int_equal(rig_cdr(f)->target[1].status, -1);
	rig_down(f);
}

/* All carriers ask for fewer calls (RFC 7339): the caller hears that, and when to come again; none
 * of them is ill for that reason. A call for help does without Retry-After. */
static void
carriers_ask_for_less(void **state)
{
	struct fake *f = rig_up();
	struct edge_news less = {.event = EDGE_FAILED,
				 .err = ERR_AGAIN,
				 .why = "it asked for fewer calls (RFC 7339)",
				 .last = true};

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	fake_news(f, rig_out(f), &less);
	fake_news(f, rig_out(f), &less);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 500);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "the carrier asks for fewer calls or none now");
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "Retry-After: 5");
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_CARRIER_BUSY);
	assert_int_equal(f->n_carriers_down, 0);
	assert_null(health_down(&f->calls.health, f->now));
	rig_down(f);
}

static void
hunt_answers(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *a = rig_invite(f, &(struct invite){0}), *b;

	(void)state;
	fake_answer(f, rig_out(f), 180, "gw", GW_CONTACT, "");
	fake_answer(f, rig_out(f), 503, "gw", "", "");
	fake_run(f, 100000);
	b = rig_out(f);
	assert_string_equal(b->dest.trunk.z, "gw2");
	fake_answer(f, b, 180, "gw2", GW_CONTACT, "");
	fake_run(f, FAKE_LIFE_US); /* the first target's transaction ends: nothing to us */
	rig_cancel(f, a);
	assert_true(b->cancelled); /* the second is still in our hand */
	fake_answer(f, b, 487, "gw2", "", "");
	fake_media_closed(f);
	fake_run(f, FAKE_LIFE_US);
	rig_down(f);
}

/* A carrier that fails two calls in a row is tried last, until it answers one. */
static void
down_goes_last(void **state)
{
	struct fake *f = rig_up();
	struct edge_news lost = {
		.event = EDGE_FAILED, .err = ERR_TIMEOUT, .why = "no answer at all", .last = true};
	const char *const first[] = {"gw1", "gw1", "gw2", "gw1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		struct edge_txn *b;

		(void)rig_invite(f, &(struct invite){0});
		b = rig_out(f);
		assert_string_equal(b->dest.trunk.z, first[i]);
		if (i < 2) {
			fake_news(f, b, &lost);
			b = rig_out(f);
			assert_string_equal(b->dest.trunk.z, "gw2");
		}
		fake_answer(f, b, 486, "gw", "", "");
		fake_media_closed(f);
		assert_int_equal(f->n_carriers_down, i > 0);
		assert_int_equal(f->n_carriers_up, i == 3);
		fake_run(f, i == 2 ? HEALTH_DOWN_US : 100000);
	}
	rig_down(f);
}

/* A reason that is too long for the record is cut between two words. */
static void
long_reason(void **state)
{
	struct fake *f = rig_up();
	char why[400];
	struct edge_news lost = {.event = EDGE_FAILED, .err = ERR_IO, .why = why};
	struct str kept;

	(void)state;
	for (size_t i = 0; i < sizeof(why) - 1; i++)
		why[i] = i % 8 == 7 ? ' ' : 'x';
	why[sizeof(why) - 1] = 0;
	(void)rig_invite(f, &(struct invite){0});
	fake_news(f, rig_out(f), &lost);
	fake_answer(f, rig_out(f), 486, "gw2", "", ""); /* the next target's */
	fake_media_closed(f);
	kept = str_from(rig_cdr(f)->target[0].why);
	assert_in_range(kept.len, CALL_TARGET_WHY_MAX - 12, CALL_TARGET_WHY_MAX - 1);
	assert_true(str_ends(kept, STR("xxxxxxx ..")));
	rig_down(f);
}

static void
nothing_can_be_sent(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	f->no_send = true;
	(void)rig_invite(f, &(struct invite){0});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 503); /* ours, no target's */
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "Retry-After: ");
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_NO_ROOM);
	assert_int_equal(rig_cdr(f)->n_targets, 1);
	assert_null(health_down(&f->calls.health, f->now));
	f->no_send = false;
	f->no_local = true;
	(void)rig_invite(f, &(struct invite){.call_id = "two"});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 480);
	f->no_local = false;
	fake_media_closed(f);
	assert_int_equal(f->n_ended, 2);
	assert_string_equal(rig_cdr(f)->target[0].why,
			    "no listener has transport udp and side carrier");
	rig_down(f);
}

static void
no_bye_can_be_sent(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	(void)rig_talking(f);
	f->no_send = true;
	(void)calls_stop(&f->calls, f->now);
	fake_media_closed(f);
	assert_int_equal(f->n_ended, 1);
	rig_down(f);
}

/* ---- inside a dialog, and outside any ---- */

/* A4: another account with the right Call-ID and tags; the owner over another connection. */
static void
a4_hijack(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	static const char *const methods[] = {"BYE",    "INVITE", "OPTIONS",
					      "UPDATE", "INFO",   "REFER"};
	struct call_record before = rig_call(f)->rec;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		(void)rig_inside(f, p.a, "beta-pbx", methods[i], 50, "");
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 481);
		(void)rig_inside(f, p.a, "gw1", methods[i], 50, "");
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 481);
		(void)rig_inside(f, p.b, "beta-pbx", methods[i], 50, "");
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 481);
	}
	assert_memory_equal(&before, &rig_call(f)->rec, sizeof(before));
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
	rig_settle(f);
	rig_down(f);
}

static void
a4_ack(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_answered(f);

	(void)state;
	(void)rig_inside(f, p.a, "beta-pbx", "ACK", 1, "");
	(void)rig_inside(f, p.b, "gw1", "ACK", 1, ""); /* the wrong leg */
	assert_int_equal(rig_call(f)->m.state, B2BUA_ANSWERED);
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	rig_settle(f);
	rig_down(f);
}

static void
inside(void **state)
{
	static const struct {
		const char *method;
		unsigned cseq;
		int status;
	} rows[] = {
		{"OPTIONS", 5, 200}, {"OPTIONS", 5, 482}, {"OPTIONS", 4, 500}, {"BYE", 3, 500},
		{"UPDATE", 7, 200},  {"INFO", 8, 200},    {"REFER", 10, 405},  {"FOO", 11, 501},
	};
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sent *s;

		(void)rig_inside(f, p.a, "acme-pbx", rows[i].method, rows[i].cseq, "");
		s = rig_sent(f, SENT_RESPONSE, 0);
		if (s->status != rows[i].status)
			fail_msg("%s %u: %s", rows[i].method, rows[i].cseq, s->text);
		if (s->status >= 300)
			assert_says(s, rig_call(f)->rec.id.z);
		assert_int_equal(rig_says(s, "\r\nAllow: "),
				 s->status == 200 || s->status == 405 || s->status == 501);
	}
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	assert_int_equal(f->record[0].rec.leg[LEG_A].dialog.remote_cseq, 11); /* as stored */
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	rig_down(f);
}

static void
outside(void **state)
{
	static const struct {
		const char *method, *tag;
		int status;
		bool drain;
	} rows[] = {
		{"OPTIONS", "", 200, false},      {"OPTIONS", "", 503, true},
		{"BYE", "", 481, false},          {"BYE", ";tag=x", 481, false},
		{"REGISTER", "", 405, false},     {"SUBSCRIBE", "", 405, false},
		{"MESSAGE", "", 405, false},      {"FOO", "", 501, false},
		{"INVITE", ";tag=x", 481, false}, {"OPTIONS", ";tag=x", 481, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		char z[1024];
		int n;

		if (rows[i].drain)
			calls_drain(&f->calls);
		n = snprintf(z, sizeof(z),
			     "%s sip:sbc SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bK1\r\n"
			     "Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=far\r\nTo: <sip:c@d>%s\r\n"
			     "Call-ID: x\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
			     rows[i].method, rows[i].tag, rows[i].method);
		(void)rig_request(f, "acme-pbx", z, (size_t)n);
		if (rig_sent(f, SENT_RESPONSE, 0)->status != rows[i].status)
			fail_msg("%s%s: %s", rows[i].method, rows[i].tag,
				 rig_sent(f, SENT_RESPONSE, 0)->text);
		/* what is refused can be explained */
		assert_int_equal(f->n_notes, rows[i].status != 200 && rows[i].status != 503);
		assert_int_equal(calls_count(&f->calls), 0);
		rig_down(f);
	}
}

/* No slot, no accounts: refused without a call, but so that it can be explained. */
static void
no_room(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	f->no_slot = true;
	(void)rig_invite(f, &(struct invite){0});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 503);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "Retry-After: ");
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "(id ");
	assert_int_equal(f->noted, REFUSAL_NO_RECORD);
	f->no_slot = false;
	calls_on_snapshot(&f->calls, NULL);
	(void)rig_invite(f, &(struct invite){0});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 503);
	assert_int_equal(f->n_ended, 0);
	rig_down(f);
}

/* The pool is full before the records are: no slot may get lost. */
static void
pool_full(void **state)
{
	struct fake *f = rig_up();
	int taken = 0;

	(void)state;
	calls_fini(&f->calls);
	f->conf.max_calls = 1;
	fake_calls(f);
	f->calls.limit.max_calls = 0;
	(void)rig_invite(f, &(struct invite){0});
	(void)rig_invite(f, &(struct invite){.call_id = "two"});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 503);
	for (int i = 0; i < FAKE_RECORDS; i++)
		taken += f->record[i].taken;
	assert_int_equal(taken, 1);
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 2 * B2BUA_CANCEL_US);
	rig_down(f);
}

/* Topology: nothing of one side is shown to the other. */
static void
hidden(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *b;
	struct sent *s;

	(void)state;
	(void)rig_invite(
		f, &(struct invite){.more = "Record-Route: <sip:inner.acme.example;lr>\r\n"
					    "User-Agent: PBX 3\r\nX-Pbx: 1\r\nSubject: hello\r\n"
					    "P-Asserted-Identity: <sip:5551230000@x>\r\n"
					    "P-Charge-Info: <sip:+19005551234@x>\r\n"});
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_silent(s, "acme.example");
	assert_silent(s, "198.51.100.7");
	assert_silent(s, "one@pbx");
	assert_silent(s, "tag=far");
	assert_silent(s, "PBX 3");
	assert_silent(s, "X-Pbx");
	assert_silent(s, "+1900");
	assert_says(s, "P-Asserted-Identity: <sip:+15551230000@10.0.0.1>\r\n");
	assert_says(s, "Subject: hello\r\n");
	assert_says(s, "Contact: <sip:10.0.0.1:5060>\r\n");
	assert_says(s, "Max-Forwards: 69\r\n");
	b = rig_out(f);
	fake_answer(f, b, 183, "gwtag",
		    GW_CONTACT "Server: GW 9\r\nRecord-Route: <sip:10.0.0.9;lr>\r\nX-Gw: 1\r\n",
		    GW_BODY);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_silent(s, "10.0.0.");
	assert_silent(s, "gwtag");
	assert_silent(s, "GW 9");
	assert_says(s, "X-Gw: 1\r\n"); /* from carrier to customer others cross */
	assert_says(s, "Record-Route: <sip:inner.acme.example;lr>\r\n");
	assert_says(s, "Contact: <sip:192.0.2.1:5061;transport=tls>\r\n");
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 2 * B2BUA_CANCEL_US);
	rig_down(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual),
		cmocka_unit_test(called_side_ends),
		cmocka_unit_test(both_bye_at_once),
		cmocka_unit_test(no_last_counters),
		cmocka_unit_test(bye_without_answer),
		cmocka_unit_test(no_ack),
		cmocka_unit_test(ack_ends_repeats),
		cmocka_unit_test(stopped_before_ack),
		cmocka_unit_test(called_bye_before_ack),
		cmocka_unit_test(caller_bye_before_ack),
		cmocka_unit_test(copy_of_200),
		cmocka_unit_test(second_fork),
		cmocka_unit_test(early_fork),
		cmocka_unit_test(answer_without_dialog),
		cmocka_unit_test(cancel),
		cmocka_unit_test(cancel_crosses_200),
		cmocka_unit_test(cancel_without_answer),
		cmocka_unit_test(late_cancel),
		cmocka_unit_test(early_bye),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(each_failure),
		cmocka_unit_test(challenged),
		cmocka_unit_test(hunt_on_timeout),
		cmocka_unit_test(hunt_on_unreachable),
		cmocka_unit_test(carriers_ask_for_less),
		cmocka_unit_test(hunt_answers),
		cmocka_unit_test(down_goes_last),
		cmocka_unit_test(long_reason),
		cmocka_unit_test(nothing_can_be_sent),
		cmocka_unit_test(no_bye_can_be_sent),
		cmocka_unit_test(a4_hijack),
		cmocka_unit_test(a4_ack),
		cmocka_unit_test(inside),
		cmocka_unit_test(outside),
		cmocka_unit_test(no_room),
		cmocka_unit_test(pool_full),
		cmocka_unit_test(hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
