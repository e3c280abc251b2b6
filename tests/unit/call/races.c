/* What crosses (RFC 5407), on both legs, in both orders and then in every order; and every stable
 * state of a call cut there: its record goes into an empty process, and the call goes on. */
#include "rig.h"

/* The two ends, as far as they know. */
struct ends {
	struct edge_txn *a, *b;
	unsigned cseq_a, cseq_b, acks; /* acks: 2xx of B that want one */
	bool answered;
};

static bool
is_open(const struct edge_txn *t)
{
	return t->used && !t->final;
}

static void
inside(struct fake *f, struct ends *e, bool a, const char *method, const char *body)
{
	struct edge_txn *t = a ? e->a : e->b;

	if (t->tag[0]) /* else it knows no dialog */
		(void)rig_inside_sdp(f, t, a ? "acme-pbx" : "gw1", method,
				     a ? ++e->cseq_a : ++e->cseq_b, a ? PBX_CONTACT : GW_CONTACT,
				     body);
}

/* One thing that an end does; what it could not do just now is left out. */
static void
act(struct fake *f, struct ends *e, char what)
{
	switch (what) {
	case 'r':
		if (is_open(e->b))
			fake_answer(f, e->b, 180, "gw", GW_CONTACT, "");
		break;
	case '2':
		if (!is_open(e->b) && !(e->b->used && e->answered))
			break;
		e->answered = true;
		fake_answer(f, e->b, 200, "gw", GW_CONTACT, GW_BODY);
		break;
	case 'f':
		if (is_open(e->b))
			fake_answer(f, e->b, e->b->cancelled ? 487 : 486, "gw", "", "");
		break;
	case 'C':
		if (is_open(e->a))
			rig_cancel(f, e->a);
		break;
	case 'k':
		if (e->a->status == 200)
			(void)rig_inside(f, e->a, "acme-pbx", "ACK", 1, "");
		break;
	case 'a':
	case 'b':
		inside(f, e, what == 'a', "BYE", "");
		break;
	case 'I':
	case 'J':
		inside(f, e, what == 'I', "INVITE",
		       what == 'I' ? PBX_OFFER "a=sendonly\r\n" : GW_BODY "a=sendonly\r\n");
		break;
	case 'U':
	case 'V':
		inside(f, e, what == 'U', "UPDATE",
		       what == 'U' ? PBX_OFFER "a=sendonly\r\n" : GW_BODY "a=sendonly\r\n");
		break;
	default:
		fail_msg("%c?", what);
	}
}

/* Everybody answers what is out. */
static void
drain(struct fake *f)
{
	for (int i = 0; i < FAKE_TXNS; i++) {
		struct edge_txn *t = &f->txn[i];

		if (t->used && !t->server && !t->final)
			fake_answer(f, t,
				    t->method == SIP_BYE      ? 200
				    : t->cancelled            ? 487
				    : t->method == SIP_INVITE ? 480
							      : 488,
				    "gw", "", "");
	}
	fake_media_closed(f);
	fake_run(f, 2 * FAKE_LIFE_US);
}

/* In the end; nothing is left over. */
static void
over(struct fake *f, const char *name)
{
	(void)calls_stop(&f->calls, f->now);
	for (int round = 0; round < 4; round++)
		drain(f);
	for (int i = 0; i < FAKE_TXNS; i++)
		if (f->txn[i].used && f->txn[i].server && !f->txn[i].final)
			fail_msg("%s: a %s was never answered", name,
				 sip_method_name(f->txn[i].method));
	if (f->n_ended != 1)
		fail_msg("%s: %u CDRs", name, f->n_ended);
	rig_down(f);
}

static struct ends
begin(struct fake *f)
{
	struct ends e = {.a = rig_invite(f, &(struct invite){0}), .cseq_a = 1};

	e.b = rig_out(f);
	return e;
}

static struct fake *
run(const char *script, struct ends *e)
{
	struct fake *f = rig_up();

	*e = begin(f);
	for (const char *s = script; *s; s++)
		act(f, e, *s);
	return f;
}

/* ---- by name ---- */

static const struct {
	const char *name, *script;
	int a;         /* the last final response that A's requests got */
	unsigned acks; /* at B */
	int byes;      /* of ours */
	enum call_ender by;
} scripts[] = {
	{"5407 3.1.1 CANCEL, then the 200 that crosses it", "rC2", 487, 1, 1, ENDER_CALLER},
	{"5407 3.1.1 the 200, then the CANCEL", "r2Ck", 200, 1, 0, ENDER_NONE},
	{"5407 3.1.1 CANCEL, 487", "rCf", 487, 0, 0, ENDER_CALLER},
	{"5407 3.1.1 failure, then CANCEL", "rfC", 486, 0, 0, ENDER_CALLED},
	{"5407 3.1.2 BYE in an early dialog, then 200", "ra2", 487, 1, 1, ENDER_CALLER},
	{"5407 3.1.2 200, then the BYE before its ACK", "r2a", 200, 1, 1, ENDER_CALLER},
	{"BYE of the called side before our ACK's other side", "r2b", 200, 1, 0, ENDER_CALLED},
	{"BYE of the called side, then the caller's ACK", "r2bk", 200, 1, 1, ENDER_CALLED},
	{"5407 3.1.3 re-INVITE of the called side before the ACK", "r2Jk", 491, 1, 0, ENDER_NONE},
	{"5407 3.1.3 the ACK, then its re-INVITE", "r2kJ", 200, 1, 0, ENDER_NONE},
	{"5407 3.1.4 re-INVITE of the caller before its ACK", "r2Ik", 500, 1, 0, ENDER_NONE},
	{"5407 3.1.5 UPDATE of the called side before the ACK", "r2Vk", 491, 1, 0, ENDER_NONE},
	{"200 twice", "r22k", 200, 2, 0, ENDER_NONE},
	{"200 again after the ACK", "r2k2", 200, 2, 0, ENDER_NONE},
	{"5407 3.2.1 both re-INVITE", "r2kIJ", 491, 1, 0, ENDER_NONE},
	{"5407 3.2.1 both, the other way", "r2kJI", 491, 1, 0, ENDER_NONE},
	{"re-INVITE and UPDATE", "r2kIV", 491, 1, 0, ENDER_NONE},
	{"UPDATE and re-INVITE", "r2kVI", 491, 1, 0, ENDER_NONE},
	{"5407 3.2.2 re-INVITE, then BYE of the same", "r2kIa", 487, 1, 1, ENDER_CALLER},
	{"5407 3.2.2 re-INVITE, then BYE of the other", "r2kIb", 487, 1, 1, ENDER_CALLED},
	{"5407 3.2.2 BYE, then the re-INVITE that crosses it", "r2kbI", 481, 1, 1, ENDER_CALLED},
	{"5407 3.2.3 both hang up", "r2kab", 200, 1, 1, ENDER_CALLER},
	{"5407 3.2.3 both hang up, the other way", "r2kba", 200, 1, 1, ENDER_CALLED},
	{"BYE and UPDATE", "r2kaV", 481, 1, 1, ENDER_CALLER},
	{"5407 3.3 BYE, then the ACK that it overtook", "r2ak", 200, 1, 1, ENDER_CALLER},
};

static void
by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct ends e;
		struct fake *f = run(scripts[i].script, &e);
		struct call *c = rig_call(f);
		struct sent *s = rig_sent(f, SENT_RESPONSE, 0);

		if (s->status != scripts[i].a)
			fail_msg("%s: %d", scripts[i].name, s->status);
		if (rig_count(f, SENT_ONCE, SIP_ACK) != scripts[i].acks)
			fail_msg("%s: %u ACKs", scripts[i].name, rig_count(f, SENT_ONCE, SIP_ACK));
		if ((int)rig_count(f, SENT_REQUEST, SIP_BYE) != scripts[i].byes)
			fail_msg("%s: %u BYEs", scripts[i].name,
				 rig_count(f, SENT_REQUEST, SIP_BYE));
		if (c->rec.ended_by != (uint8_t)scripts[i].by)
			fail_msg("%s: ended by %s", scripts[i].name,
				 call_ender_name((enum call_ender)c->rec.ended_by));
		over(f, scripts[i].name);
	}
}

/* ---- in every order ---- */

static void
every_order(void **state)
{
	static const char *const from[] = {"", "r", "r2", "r2k"};
	static const char *const all[] = {"r2fCab", "2fCabIV", "2Ckab IJ", "2abIJUV"};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(from); k++)
		for (const char *x = all[k]; *x; x++)
			for (const char *y = all[k]; *y; y++)
				for (const char *z = all[k]; *z; z++) {
					char script[16];
					struct ends e;

					if (*x == ' ' || *y == ' ' || *z == ' ')
						continue;
					(void)snprintf(script, sizeof(script), "%s%c%c%c", from[k],
						       *x, *y, *z);
					over(run(script, &e), script);
				}
}

/* ---- cut ---- */

static void
change(struct fake *f, struct ends *e, bool a, const char *offer, const char *answer)
{
	inside(f, e, a, "INVITE", offer);
	fake_answer(f, rig_out(f), 200, "gw", a ? GW_CONTACT : PBX_CONTACT, answer);
	(void)rig_inside(f, a ? e->a : e->b, a ? "acme-pbx" : "gw1", "ACK",
			 a ? e->cseq_a : e->cseq_b, "");
	assert_int_equal(rig_call(f)->change.m.state, AMEND_NONE);
}

/* The stable states that a call may be in, and what it then goes on with. */
static void
bring(struct fake *f, struct ends *e, int to)
{
	*e = begin(f);
	act(f, e, 'r');
	act(f, e, '2');
	act(f, e, 'k');
	switch (to) {
	case 1: /* held by the caller */
		change(f, e, true, PBX_OFFER "a=sendonly\r\n", GW_BODY "a=recvonly\r\n");
		break;
	case 2: /* held by the called side, with another key of the caller's in its answer */
		change(f, e, false, GW_BODY "a=sendonly\r\n",
		       PBX_ANSWER("7", "80") "a=recvonly\r\n");
		break;
	case 3: /* another address of the called side's */
		change(f, e, false, SDP_HEAD("10.0.0.99") "m=audio 9000 RTP/AVP 8 101\r\n" SDP_MAPS,
		       PBX_ANSWER("7", "80"));
		break;
	case 4: /* our key was changed */
		calls_on_media_rekey(&f->calls, 0, f->port[0].generation, f->now);
		fake_run(f, 1000);
		fake_answer(f, rig_out(f), 200, "far", PBX_CONTACT, PBX_ANSWER("1", "80"));
		break;
	default:
		break;
	}
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
}

enum { CUT_STATES = 5, CUT_WAYS = 6 };

static void
go_on(struct fake *f, struct ends *e, int way)
{
	struct sdp_key before = f->port[0].out;
	uint32_t out = f->port[0].out_serial;

	switch (way) {
	case 0:
		change(f, e, true, PBX_OFFER "a=inactive\r\n", GW_BODY "a=inactive\r\n");
		break;
	case 1:
		change(f, e, false, GW_BODY "a=inactive\r\n",
		       PBX_ANSWER("7", "80") "a=inactive\r\n");
		break;
	case 2:
		inside(f, e, true, "UPDATE", "");
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
		break;
	case 3:
		inside(f, e, true, "BYE", "");
		assert_int_equal(rig_call(f)->rec.ended_by, ENDER_CALLER);
		break;
	case 4:
		inside(f, e, false, "BYE", "");
		assert_int_equal(rig_call(f)->rec.ended_by, ENDER_CALLED);
		break;
	default:
		calls_on_media_rekey(&f->calls, 0, f->port[0].generation, f->now);
		fake_run(f, 1000);
		fake_answer(f, rig_out(f), 200, "far", PBX_CONTACT, PBX_OFFER);
		fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
		assert_int_equal(f->port[0].open.out_serial, out + 1);
		return;
	}
	assert_int_equal(f->port[0].out_serial, out); /* our key outlived it */
	assert_true(sdp_key_eq(&f->port[0].out, &before));
}

static void
cut(void **state)
{
	(void)state;
	for (int i = 0; i < CUT_STATES * CUT_WAYS; i++) {
		struct fake *f = rig_up();
		char name[32];
		struct rig_pair p;
		struct ends e;

		(void)snprintf(name, sizeof(name), "state %d, way %d", i / CUT_WAYS, i % CUT_WAYS);
		bring(f, &e, i / CUT_WAYS);
		p = (struct rig_pair){e.a, e.b};
		rig_restart(f, &p);
		e.a = p.a;
		e.b = p.b;
		if (rig_call(f)->m.state != B2BUA_UP || !rig_call(f)->rec.restored)
			fail_msg("%s: %s", name, b2bua_state_name(rig_call(f)->m.state));
		go_on(f, &e, i % CUT_WAYS);
		over(f, name);
	}
}

/* ---- transfers among all that ---- */

/* Some request of ours that is out, but the first INVITE, gets an answer. */
static void
answer_one(struct fake *f, const struct ends *e, unsigned from, unsigned status)
{
	for (unsigned i = 0; i < FAKE_TXNS; i++) {
		struct edge_txn *t = &f->txn[(i + from) % FAKE_TXNS];
		bool pbx = t->dest.transport == EDGE_TLS;

		if (!t->used || t->server || t->final || t == e->b)
			continue;
		fake_answer(f, t, status, "new", pbx ? PBX_CONTACT : GW_CONTACT,
			    status != 200 || t->method == SIP_BYE ? ""
			    : pbx                                 ? PBX_OFFER
								  : GW_BODY);
		return;
	}
}

static void
take_step(struct fake *f, struct ends *e, char what, unsigned random)
{
	bool a = what == 'R';

	if (a || what == 'T') {
		if ((a ? e->a : e->b)->tag[0])
			(void)rig_inside(f, a ? e->a : e->b, a ? "acme-pbx" : "gw1", "REFER",
					 a ? ++e->cseq_a : ++e->cseq_b,
					 a ? "Refer-To: <sip:+15552224444@x>\r\n"
					   : "Refer-To: <sip:+15559990000@x>\r\n");
	} else if (what == 'x' || what == 'y' || what == 'z') {
		answer_one(f, e, random, what == 'x' ? 200 : what == 'y' ? 180 : 488);
	} else if (what == 'd') {
		fake_run(f, 700000);
	} else {
		act(f, e, what);
	}
}

/* Random walks, of which most transfer: no call, port or timer is left over (rig_down). */
static void
walks(void **state)
{
	static const char steps[] = "r2fCkabIJUVRRTTxxxxxyyzzd";

	(void)state;
	for (unsigned seed = 0; seed < 500; seed++) {
		unsigned random = seed * 2654435761u + 1;
		struct ends e;
		struct fake *f = run(seed % 4 ? "r2k" : "", &e);

		rig_trunk(f, "acme-pbx")->refer = TRUNK_REFER_LOCAL;
		rig_trunk(f, "gw1")->refer = TRUNK_REFER_LOCAL;
		rig_world(f);
		take_step(f, &e, 'R', 0);
		for (int k = 0; k < 14; k++) {
			random = random * 1664525u + 1013904223u;
			take_step(f, &e, steps[(random >> 16) % (sizeof(steps) - 1)], random >> 8);
		}
		for (int round = 0; round < 6; round++) {
			(void)calls_stop(&f->calls, f->now);
			drain(f);
		}
		rig_down(f);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_name),
		cmocka_unit_test(every_order),
		cmocka_unit_test(cut),
		cmocka_unit_test(walks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
