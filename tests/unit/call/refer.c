/* call/refer, call/join: transfers that end at the border. Blind and attended, asked for by either
 * leg; each that says no; who hangs up when; what is paid, and by whom; the record between. */
#include "rig.h"

#define OTHER_BODY SDP_HEAD("10.0.0.10") "m=audio 12000 RTP/AVP 8 101\r\n" SDP_MAPS
#define OTHER_CONTACT "Contact: <sip:other@10.0.0.10:5070>\r\n"
#define TO(n) "Refer-To: <sip:" n "@sbc.example>\r\n"

/* The last message of this method that went out. */
static struct sent *
last_of(struct fake *f, enum sip_method m)
{
	for (uint32_t i = f->n_sent; i-- > 0;)
		if (f->sent[i % FAKE_SENT].kind == SENT_REQUEST &&
		    f->sent[i % FAKE_SENT].method == m)
			return &f->sent[i % FAKE_SENT];
	fail_msg("no %s went out", sip_method_name(m));
	return NULL;
}

static struct fake *
up(void)
{
	struct fake *f = rig_up();

	rig_trunk(f, "acme-pbx")->refer = TRUNK_REFER_LOCAL;
	rig_trunk(f, "gw1")->refer = TRUNK_REFER_LOCAL;
	rig_world(f);
	return f;
}

/* A call that runs, and the one that is asked to be transferred. */
static struct call *
first_call(struct fake *f)
{
	return CONTAINER_OF(f->calls.live.next, struct call, node);
}

/* All ends: n CDRs. */
static void
end(struct fake *f, uint32_t n)
{
	(void)calls_stop(&f->calls, f->now);
	for (int i = 0; i < 4; i++) {
		rig_settle(f);
		for (int k = 0; k < FAKE_TXNS; k++)
			if (f->txn[k].used && !f->txn[k].server && f->txn[k].method == SIP_INVITE &&
			    !f->txn[k].final && f->txn[k].cancelled)
				fake_answer(f, &f->txn[k], 487, "x", "", "");
		fake_run(f, 2 * FAKE_LIFE_US);
	}
	assert_int_equal(f->n_ended, n);
	rig_down(f);
}

static const struct call_record *
cdr(struct fake *f, int which)
{
	for (int i = 0; i < FAKE_RECORDS; i++)
		if (f->record[i].ended && which-- == 0)
			return &f->record[i].rec;
	fail_msg("no such CDR");
	return NULL;
}

static int
refer(struct fake *f, const struct rig_pair *p, enum call_leg_index leg, unsigned cseq,
      const char *headers)
{
	struct edge_txn *t = rig_inside(f, leg == LEG_A ? p->a : p->b,
					leg == LEG_A ? "acme-pbx" : "gw1", "REFER", cseq, headers);

	return t->status;
}

/* ---- who may, and what for ---- */

static const struct {
	const char *name, *headers;
	int status;
} refusals[] = {
	{"no Refer-To", "", 400},
	{"two of them", TO("+15552224444") TO("+15552225555"), 400},
	{"a web page", "Refer-To: <http://x.example/>\r\n", 400},
	{"another method", "Refer-To: <sip:+15552224444@x;method=BYE>\r\n", 400},
	{"a name", TO("bob"), 484},
	{"another country", TO("+442071234567"), 403},
	{"premium", TO("+19005551212"), 403},
	{"a dialog of nobody", "Refer-To: <sip:x@y?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>\r\n",
	 481},
	{"a broken dialog", "Refer-To: <sip:x@y?Replaces=a%0d%0a>\r\n", 400},
	{"an extension", "Require: frob\r\n" TO("+15552224444"), 420},
};

static void
refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct fake *f = up();
		struct rig_pair p = rig_talking(f);
		unsigned n = rig_count(f, SENT_REQUEST, SIP_INVITE);
		int got = refer(f, &p, LEG_A, 7, refusals[i].headers);

		if (got != refusals[i].status)
			fail_msg("%s: %d", refusals[i].name, got);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), n);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_NOTIFY), 0);
		assert_int_equal(calls_count(&f->calls), 1);
		assert_int_equal(first_call(f)->m.state, B2BUA_UP);
		end(f, 1 + f->n_ended);
	}
}

/* The trunk, the call's own state, the limits of the account. */
static void
not_now(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);

	(void)state;
	assert_int_equal(refer(f, &p, LEG_A, 7, TO("+15552224444")), 405);
	assert_silent(rig_sent(f, SENT_RESPONSE, 0), "REFER,");
	rig_trunk(f, "acme-pbx")->refer = TRUNK_REFER_LOCAL;
	rig_account(f, "acme")->max_calls = 1;
	rig_world(f);
	assert_int_equal(refer(f, &p, LEG_A, 8, TO("+15552224444")), 480);
	rig_account(f, "acme")->max_calls = 0;
	rig_world(f);
	f->no_slot = true;
	assert_int_equal(refer(f, &p, LEG_A, 9, TO("+15552224444")), 503);
	f->no_slot = false;
	(void)rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, "", GW_BODY "a=sendonly\r\n");
	assert_int_equal(refer(f, &p, LEG_A, 10, TO("+15552224444")), 491);
	fake_answer(f, last_of(f, SIP_INVITE)->txn, 488, "far", "", "");
	first_call(f)->rec.transfers = CALL_TRANSFERS_MAX;
	assert_int_equal(refer(f, &p, LEG_A, 11, TO("+15552224444")), 403);
	first_call(f)->rec.transfers = 0;
	assert_int_equal(refer(f, &p, LEG_A, 12, TO("+15552224444")), 202);
	assert_int_equal(refer(f, &p, LEG_A, 13, TO("+15552224444")), 491);
	assert_int_equal(refer(f, &p, LEG_B, 13, TO("+15552224444")), 405);
	end(f, 3);
}

/* ---- blind ---- */

/* The new call has answered; its first INVITE. */
static struct edge_txn *
answered(struct fake *f, const struct rig_pair *p, const char *more)
{
	char headers[256];
	struct edge_txn *b;

	(void)snprintf(headers, sizeof(headers), "%s%s", TO("+15552224444"), more);
	assert_int_equal(refer(f, p, LEG_A, 7, headers), 202);
	b = last_of(f, SIP_INVITE)->txn;
	fake_answer(f, b, 180, "new", OTHER_CONTACT, "");
	fake_answer(f, b, 200, "new", OTHER_CONTACT, OTHER_BODY);
	return b;
}

/* The two parties agree. */
static void
agree(struct fake *f)
{
	fake_run(f, 1000);
	assert_silent(rig_last(f), "m=audio"); /* the party that stays says what it can */
	fake_answer(f, rig_last(f)->txn, 200, "gw", GW_CONTACT, GW_BODY);
	assert_says(rig_last(f), "sip:other@10.0.0.10:5070 SIP/2.0\r\n");
	fake_answer(f, rig_last(f)->txn, 200, "new", OTHER_CONTACT, OTHER_BODY);
}

static void
blind(void **state)
{
	struct fake *f = up();
	struct rig_pair p = rig_talking(f);
	struct call *c = first_call(f);
	struct edge_txn *b;
	struct sent *s;

	(void)state;
	/* held, as most do before they transfer */
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 5, "", PBX_OFFER "a=sendonly\r\n");
	fake_answer(f, last_of(f, SIP_INVITE)->txn, 200, "gw", "", GW_BODY "a=recvonly\r\n");
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 5, "");
	b = answered(f, &p, "");
	s = last_of(f, SIP_NOTIFY);
	assert_says(s, "SIP/2.0 180 Ringing\r\n");
	assert_says(s, "Event: refer\r\n");
	assert_says(s, "Subscription-State: active;expires=200\r\n");
	assert_says(s, "message/sipfrag;version=2.0");
	s = NULL;
	for (uint32_t i = 0; i < f->n_sent; i++)
		if (f->sent[i % FAKE_SENT].txn == b && f->sent[i % FAKE_SENT].kind == SENT_REQUEST)
			s = &f->sent[i % FAKE_SENT];
	assert_says(s, "INVITE sip:+15552224444@");
	assert_says(s, "From: <sip:+15551230000@");
	assert_says(s, "RTP/AVP 8 101\r\n");
	assert_says(s, "a=sendrecv\r\n");
	assert_int_equal(c->transfer.joined, true);
	agree(f);
	s = last_of(f, SIP_NOTIFY);
	assert_says(s, "SIP/2.0 200 OK\r\n");
	assert_says(s, "Subscription-State: terminated;reason=noresource\r\n");
	s = last_of(f, SIP_BYE);
	assert_int_equal(s->dest.transport, EDGE_TLS);
	/* gateway and gateway, each to the other's port */
	assert_int_equal(f->port[1].open.peer, 2);
	assert_int_equal(f->port[2].open.peer, 1);
	assert_int_equal(f->port[2].open.rtp.port, 12000);
	assert_int_equal(f->port[1].open.flags & (MEDIA_F_SEND | MEDIA_F_RECV),
			 MEDIA_F_SEND | MEDIA_F_RECV);
	assert_true(f->port[0].closing);
	rig_settle(f);
	assert_int_equal(c->m.state, B2BUA_UP);
	assert_int_equal(c->rec.transfers, 1);
	fake_run(f, 600000000);
	assert_int_equal(calls_count(&f->calls), 2);
	/* they go on as any call: hold, resume */
	(void)rig_inside_sdp(f, p.b, "gw1", "INVITE", 2, "", GW_BODY "a=sendonly\r\n");
	s = rig_last(f);
	assert_says(s, "sip:other@10.0.0.10:5070 SIP/2.0\r\n");
	fake_answer(f, s->txn, 200, "new", OTHER_CONTACT, OTHER_BODY "a=recvonly\r\n");
	(void)rig_inside(f, p.b, "gw1", "ACK", 2, "");
	/* whom we called hangs up */
	(void)rig_inside(f, b, "gw2", "BYE", 1, "");
	assert_says(last_of(f, SIP_BYE), "sip:gw@10.0.0.9:5070 SIP/2.0\r\n");
	rig_settle(f);
	fake_run(f, 3000000);
	assert_int_equal(f->n_ended, 2);
	assert_int_equal(calls_count(&f->calls), 0);
	assert_string_equal(cdr(f, 0)->leg[LEG_A].trunk.z, "acme-pbx");
	assert_string_equal(cdr(f, 0)->leg[LEG_B].trunk.z, "gw1");
	assert_string_equal(cdr(f, 0)->to_received, "+15552223333");
	assert_int_equal(cdr(f, 0)->transfers, 1);
	assert_string_equal(cdr(f, 0)->transfer_of.z, "");
	assert_string_equal(cdr(f, 1)->leg[LEG_A].trunk.z, "acme-pbx");
	assert_string_equal(cdr(f, 1)->to_received, "+15552224444");
	assert_string_equal(cdr(f, 1)->transfer_of.z, cdr(f, 0)->id.z);
	assert_string_equal(cdr(f, 1)->payer.z, "acme");
	assert_int_equal(cdr(f, 1)->sip_status, 200);
	assert_true(cdr(f, 1)->end_mono_us - cdr(f, 1)->answer_mono_us >= 600000000);
	assert_int_equal(cdr(f, 1)->leg[LEG_B].media.slot, 2);
	assert_int_equal(cdr(f, 0)->leg[LEG_A].media.slot, 0);
	rig_down(f);
}

/* By the called side, a customer that passes a carrier's call on to the gateway. */
static void
by_the_called(void **state)
{
	struct fake *f = up();
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.trunk = "gw1",
								 .uri = "sip:+15551230000@sbc",
								 .from = "sip:+15550001111@gw",
								 .contact = GW_CONTACT,
								 .body = GW_BODY})};
	struct edge_txn *b;

	(void)state;
	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "pbx", PBX_CONTACT, PBX_ANSWER("1", "80"));
	(void)rig_inside(f, p.a, "gw1", "ACK", 1, "");
	b = rig_inside(f, p.b, "acme-pbx", "REFER", 1, TO("+15552224444"));
	assert_int_equal(b->status, 202);
	assert_says(last_of(f, SIP_INVITE), "From: <sip:+15551230000@");
	b = last_of(f, SIP_INVITE)->txn;
	fake_answer(f, b, 200, "new", OTHER_CONTACT, OTHER_BODY);
	fake_run(f, 1000);
	fake_answer(f, rig_last(f)->txn, 200, "far", GW_CONTACT, GW_BODY);
	fake_answer(f, rig_last(f)->txn, 200, "new", OTHER_CONTACT, OTHER_BODY);
	rig_settle(f);
	assert_int_equal(first_call(f)->m.state, B2BUA_UP);
	/* the caller hangs up */
	(void)rig_inside(f, p.a, "gw1", "BYE", 2, "");
	assert_says(last_of(f, SIP_BYE), "sip:other@10.0.0.10:5070 SIP/2.0\r\n");
	rig_settle(f);
	fake_run(f, 3000000);
	assert_string_equal(cdr(f, 0)->leg[LEG_B].trunk.z, "acme-pbx");
	assert_int_equal(cdr(f, 0)->ended_by, ENDER_CALLER);
	assert_string_equal(cdr(f, 1)->payer.z, "acme");
	rig_down(f);
}

/* Nobody answers: all stays as it was. */
static void
blind_fails(void **state)
{
	static const struct {
		unsigned status; /* 0: no answer at all */
		const char *told;
	} rows[] = {{486, "SIP/2.0 486 Busy Here"},
		    {404, "SIP/2.0 404 Not Found"},
		    {401, "SIP/2.0 500 "},
		    {0, "SIP/2.0 504 "}};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		struct fake *f = up();
		struct rig_pair p = rig_talking(f);

		assert_int_equal(refer(f, &p, LEG_A, 7, TO("+15552224444")), 202);
		assert_says(last_of(f, SIP_NOTIFY), "SIP/2.0 100 Trying\r\n");
		if (i % 2) { /* who asked does not wait */
			(void)rig_inside(f, p.a, "acme-pbx", "BYE", 8, "");
			assert_int_equal(rig_last(f)->status, 200);
			assert_int_equal(first_call(f)->m.state, B2BUA_UP);
			(void)rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, "", GW_BODY);
			assert_int_equal(rig_last(f)->status, 491);
		}
		for (int k = 0; k < 2; k++) /* both carriers */
			if (rows[i / 2].status)
				fake_answer(f, last_of(f, SIP_INVITE)->txn, rows[i / 2].status,
					    "new", "", "");
			else
				fake_run(f, FAKE_LIFE_US);
		if (i % 2) {
			assert_int_equal(first_call(f)->m.state, B2BUA_ENDING);
			assert_int_equal(last_of(f, SIP_BYE)->dest.transport, EDGE_UDP);
		} else {
			assert_says(last_of(f, SIP_NOTIFY), rows[i / 2].told);
			assert_says(last_of(f, SIP_NOTIFY), "terminated");
			assert_int_equal(first_call(f)->m.state, B2BUA_UP);
			assert_int_equal(f->port[0].open.peer, 1);
		}
		end(f, 2);
	}
}

static void
quiet(void **state)
{
	struct fake *f = up();
	struct rig_pair p = rig_talking(f);

	(void)state;
	(void)answered(f, &p, "Refer-Sub: false\r\n");
	agree(f);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_NOTIFY), 0);
	for (unsigned n = 0;; n++) {
		struct sent *s = rig_sent(f, SENT_RESPONSE, n);

		if (s->status != 202)
			continue;
		assert_says(s, "Refer-Sub: false\r\n");
		break;
	}
	end(f, 2);
}

/* The party that stays will not talk to the other: the first two go on. */
static void
party_refuses(void **state)
{
	(void)state;
	for (int gone = 0; gone < 2; gone++) {
		struct fake *f = up();
		struct rig_pair p = rig_talking(f);
		struct edge_txn *b = answered(f, &p, "");
		struct edge_txn *t;

		fake_run(f, 1000);
		t = rig_last(f)->txn;
		if (gone)
			(void)rig_inside(f, p.a, "acme-pbx", "BYE", 8, "");
		fake_answer(f, t, 488, "gw", "", "");
		assert_int_equal(first_call(f)->m.state, gone ? B2BUA_ENDING : B2BUA_UP);
		if (!gone) {
			assert_says(last_of(f, SIP_NOTIFY), "SIP/2.0 488 ");
			assert_says(last_of(f, SIP_BYE), "sip:other@10.0.0.10:5070 SIP/2.0\r\n");
			rig_settle(f);
			(void)rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, "",
					     GW_BODY "a=sendonly\r\n");
			assert_int_equal(rig_last(f)->dest.transport, EDGE_TLS);
			fake_answer(f, rig_last(f)->txn, 488, "far", "", "");
		}
		(void)b;
		end(f, 2);
	}
}

/* Each of the three hangs up at each stage. */
static void
hang_up(void **state)
{
	(void)state;
	for (int i = 0; i < 4 * 3; i++) {
		struct fake *f = up();
		struct rig_pair p = rig_talking(f);
		int stage = i / 3, who = i % 3;
		struct edge_txn *b;

		if (stage == 0) {
			assert_int_equal(refer(f, &p, LEG_A, 7, TO("+15552224444")), 202);
			b = last_of(f, SIP_INVITE)->txn;
			fake_answer(f, b, 180, "new", OTHER_CONTACT, "");
		} else {
			b = answered(f, &p, "");
		}
		if (stage >= 2)
			fake_run(f, 1000);
		if (stage == 3)
			fake_answer(f, rig_last(f)->txn, 200, "gw", GW_CONTACT, GW_BODY);
		if (who == 0)
			(void)rig_inside(f, p.a, "acme-pbx", "BYE", 8, "");
		else if (who == 1)
			(void)rig_inside(f, p.b, "gw1", "BYE", 1, "");
		else if (stage)
			(void)rig_inside(f, b, "gw2", "BYE", 1, "");
		else
			fake_answer(f, b, 480, "new", "", "");
		/* who asked does not end it; the other two do, but the one who never answered */
		if (who == 0)
			assert_int_equal(first_call(f)->m.state, B2BUA_UP);
		if (stage == 0 && who == 1)
			assert_true(b->cancelled);
		end(f, 2);
	}
}

/* ---- attended ---- */

/* Two calls of acme; Refer-To that names the second. */
static struct rig_pair
second(struct fake *f)
{
	struct rig_pair p = {
		.a = rig_invite(f, &(struct invite){.call_id = "two@pbx",
						    .uri = "sip:+15552224444@sbc.example"})};

	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "other", OTHER_CONTACT, OTHER_BODY);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	return p;
}

static void
attended(void **state)
{
	(void)state;
	for (int gone = 0; gone < 2; gone++) {
		struct fake *f = up();
		struct rig_pair p = rig_talking(f), q = second(f);
		struct call *c = first_call(f);
		char headers[256];

		(void)snprintf(
			headers, sizeof(headers),
			"Refer-To: <sip:x@y?Require=replaces&Replaces=two%%40pbx%%3Bto-tag%%3D%s"
			"%%3Bfrom-tag%%3Dfar>\r\n",
			q.a->tag);
		assert_int_equal(refer(f, &p, LEG_A, 7, headers), 202);
		assert_true(c->transfer.joined);
		if (gone) { /* it hangs up both at once */
			(void)rig_inside(f, p.a, "acme-pbx", "BYE", 8, "");
			(void)rig_inside(f, q.a, "acme-pbx", "BYE", 8, "");
		}
		fake_run(f, 1000);
		fake_answer(f, last_of(f, SIP_INVITE)->txn, 200, "gw", GW_CONTACT, GW_BODY);
		fake_answer(f, last_of(f, SIP_INVITE)->txn, 200, "other", OTHER_CONTACT,
			    OTHER_BODY);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), gone ? 0 : 2);
		if (!gone)
			assert_says(last_of(f, SIP_NOTIFY), "SIP/2.0 200 OK\r\n");
		rig_settle(f);
		assert_int_equal(f->port[1].open.peer, 3);
		assert_int_equal(f->port[3].open.peer, 1);
		assert_int_equal(c->m.state, B2BUA_UP);
		fake_run(f, 60000000);
		(void)rig_inside(f, q.b, "gw1", "BYE", 1, "");
		rig_settle(f);
		fake_run(f, 3000000);
		assert_int_equal(f->n_ended, 2);
		for (int i = 0; i < 2; i++) {
			assert_string_equal(cdr(f, i)->leg[LEG_A].trunk.z, "acme-pbx");
			assert_string_equal(cdr(f, i)->leg[LEG_B].trunk.z, "gw1");
			assert_true(cdr(f, i)->end_mono_us - cdr(f, i)->answer_mono_us >= 60000000);
		}
		rig_down(f);
	}
}

/* The two calls' rows are two workers': whom the second call was to gets another port, and keys. */
static void
apart(void **state)
{
	static const struct media_plan plan = {.n_addrs = 1,
					       .port_min = 20000,
					       .port_max = 20000 + 2 * FAKE_PORTS - 1,
					       .n_workers = 6};
	struct fake *f = up();
	struct rig_pair p, q;
	char headers[256];
	struct sent *s;

	(void)state;
	f->calls.conf.plan = &plan;
	p = rig_talking(f);
	q = second(f);
	assert_int_not_equal(media_slot_worker(&plan, 2), media_slot_worker(&plan, 4));
	(void)snprintf(
		headers, sizeof(headers),
		"Refer-To: <sip:x@y?Replaces=two%%40pbx%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dfar>\r\n",
		q.a->tag);
	{
		struct call *o = CONTAINER_OF(f->calls.live.prev, struct call, node);
		uint32_t from = o->rec.leg[LEG_B].media.slot, to = 6;

		f->port[to] = f->port[from];
		f->port[from].used = false;
		f->calls.by_media[to] = o;
		f->calls.by_media[from] = NULL;
		o->rec.leg[LEG_B].media.slot = to;
		f->record[o->slot].rec = o->rec;
	}
	assert_int_equal(refer(f, &p, LEG_A, 7, headers), 202);
	fake_run(f, 1000);
	fake_answer(f, last_of(f, SIP_INVITE)->txn, 200, "gw", GW_CONTACT, GW_BODY);
	s = last_of(f, SIP_INVITE);
	assert_says(s, "m=audio 20006 "); /* the free one of the first call's worker */
	assert_true(f->port[6].closing);
	fake_answer(f, s->txn, 200, "other", OTHER_CONTACT, OTHER_BODY);
	assert_int_equal(f->port[3].open.peer, 1);
	assert_int_equal(f->port[1].open.peer, 3);
	rig_settle(f);
	assert_false(f->port[6].used);
	end(f, 2);
}

/* Another account's dialog is none, whatever is known of it. */
static void
stolen(void **state)
{
	struct fake *f = up();
	struct rig_pair p = rig_talking(f);
	struct edge_txn *a = rig_invite(f, &(struct invite){.call_id = "two@pbx",
							    .trunk = "beta-pbx",
							    .from = "sip:+15559990000@x",
							    .uri = "sip:+15552224444@sbc"});
	char headers[256];

	(void)state;
	fake_answer(f, rig_out(f), 200, "other", OTHER_CONTACT, OTHER_BODY);
	(void)rig_inside(f, a, "beta-pbx", "ACK", 1, "");
	(void)snprintf(
		headers, sizeof(headers),
		"Refer-To: <sip:x@y?Replaces=two%%40pbx%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dfar>\r\n",
		a->tag);
	assert_int_equal(refer(f, &p, LEG_A, 7, headers), 481);
	end(f, 2);
}

/* ---- what is paid ---- */

static void
paid(void **state)
{
	struct fake *f = up();
	struct roster_rate *r;
	struct rig_pair p;
	struct edge_txn *b;

	(void)state;
	CHECK(roster_add_rate(&f->roster, &r) == ERR_OK);
	CHECK(number_key(str_from("+1*"), &r->key) == ERR_OK);
	r->price_micro = 600000;
	r->increment_s = 6;
	rig_account(f, "acme")->max_spend_micro = 10000000;
	rig_world(f);
	p = rig_talking(f);
	b = answered(f, &p, "");
	agree(f);
	rig_settle(f);
	fake_run(f, 60000000);
	(void)rig_inside(f, b, "gw2", "BYE", 1, "");
	rig_settle(f);
	fake_run(f, 3000000);
	assert_int_equal(f->n_ended, 2);
	for (int i = 0; i < 2; i++) /* each of the two that talked was called at acme's cost */
		assert_in_range(cdr(f, i)->steps, 10, 11);
	rig_down(f);
	/* and when the money ends, both do */
	f = up();
	CHECK(roster_add_rate(&f->roster, &r) == ERR_OK);
	CHECK(number_key(str_from("+1*"), &r->key) == ERR_OK);
	r->price_micro = 600000;
	r->increment_s = 6;
	rig_account(f, "acme")->max_spend_micro = 600000;
	rig_world(f);
	p = rig_talking(f);
	(void)answered(f, &p, "");
	agree(f);
	rig_settle(f);
	fake_run(f, 60000000);
	assert_int_equal(first_call(f)->m.state, B2BUA_ENDING);
	rig_settle(f);
	fake_run(f, 3000000);
	assert_int_equal(f->n_ended, 2);
	assert_int_equal(cdr(f, 0)->steps + cdr(f, 1)->steps, 10);
	rig_down(f);
}

/* ---- signaling dies ---- */

static void
restarted(void **state)
{
	(void)state;
	for (int stage = 0; stage < 4; stage++) {
		struct fake *f = up();
		struct rig_pair p = rig_talking(f);
		struct edge_txn *b = NULL;
		static struct edge_txn kept;

		if (stage == 0)
			assert_int_equal(refer(f, &p, LEG_A, 7, TO("+15552224444")), 202);
		else
			b = answered(f, &p, "");
		if (stage == 2)
			fake_run(f, 1000);
		if (stage == 3)
			agree(f);
		if (b) {
			kept = *b;
			assert_int_equal(sip_msg_parse(str_from(kept.text), &kept.msg), ERR_OK);
		}
		rig_restart(f, &p);
		/* in set-up: the first two go on; while places change: all ends; after: goes on */
		if (stage == 0 || stage == 3)
			assert_int_equal(first_call(f)->m.state, B2BUA_UP);
		else
			assert_int_equal(first_call(f)->m.state, B2BUA_ENDING);
		if (stage == 3) {
			(void)rig_inside(f, &kept, "gw2", "BYE", 1, "");
			rig_settle(f);
			fake_run(f, 5000000);
			assert_int_equal(f->n_ended, 2);
			assert_string_equal(cdr(f, 0)->leg[LEG_A].trunk.z, "acme-pbx");
			assert_string_equal(cdr(f, 1)->transfer_of.z, cdr(f, 0)->id.z);
		}
		end(f, 2);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),       cmocka_unit_test(not_now),
		cmocka_unit_test(blind),         cmocka_unit_test(by_the_called),
		cmocka_unit_test(blind_fails),   cmocka_unit_test(quiet),
		cmocka_unit_test(party_refuses), cmocka_unit_test(hang_up),
		cmocka_unit_test(attended),      cmocka_unit_test(apart),
		cmocka_unit_test(stolen),        cmocka_unit_test(paid),
		cmocka_unit_test(restarted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
