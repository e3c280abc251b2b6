/* call/ring: reliable provisional responses (RFC 3262), on each leg by itself. */
#include "rig.h"

#define REL(n) GW_CONTACT "Require: 100rel\r\nRSeq: " n "\r\n"

static void
up(struct fake *f, struct edge_txn *a)
{
	(void)rig_inside(f, a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
}

/* The PRACK of A for what was sent last. */
static int
prack(struct fake *f, struct edge_txn *a, unsigned cseq, unsigned rseq, const char *body)
{
	char rack[64];

	(void)snprintf(rack, sizeof(rack), "RAck: %u 1 INVITE\r\n", rseq);
	(void)rig_inside_sdp(f, a, "acme-pbx", "PRACK", cseq, rack, body);
	for (uint32_t i = f->n_sent; i-- > 0;)
		if (f->sent[i % FAKE_SENT].kind == SENT_RESPONSE &&
		    f->sent[i % FAKE_SENT].method == SIP_PRACK)
			return f->sent[i % FAKE_SENT].status;
	return 0;
}

static unsigned
rseq_of(struct fake *f, const struct sent *s)
{
	uint32_t n = 0;

	assert_int_equal(sip_msg_parse(str_of(s->text, s->len), &f->tx), ERR_OK);
	assert_int_equal(sip_number_read(&f->tx, SIP_H_RSEQ, &n), ERR_OK);
	return n;
}

/* ---- the called side ---- */

static void
called(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){0})};
	uint32_t before;
	struct sent *s;

	(void)state;
	p.b = rig_out(f);
	assert_says(rig_sent(f, SENT_REQUEST, 0), "100rel\r\n");
	fake_answer(f, p.b, 183, "gw", REL("5"), GW_BODY);
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_int_equal(s->method, SIP_PRACK);
	assert_says(s, "PRACK sip:gw@10.0.0.9:5070 SIP/2.0");
	assert_says(s, "RAck: 5 1 INVITE\r\n");
	assert_says(s, "CSeq: 2 PRACK\r\n");
	s = rig_sent(f, SENT_RESPONSE, 0); /* A takes none: an ordinary one */
	assert_int_equal(s->status, 183);
	assert_says(s, "m=audio");
	assert_silent(s, "RSeq");
	assert_silent(s, "Require");
	before = f->n_sent;
	fake_answer(f, p.b, 183, "gw", REL("5"), GW_BODY); /* a copy */
	fake_answer(f, p.b, 180, "gw", REL("7"), "");      /* 6 is missing */
	assert_int_equal(f->n_sent, before);
	fake_answer(f, p.b, 180, "gw", REL("6"), "");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "RAck: 6 1 INVITE\r\n");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "CSeq: 3 PRACK\r\n");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 180);
	fake_answer(f, p.b, 180, "gw", GW_CONTACT, ""); /* an ordinary one as well */
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_PRACK), 2);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, "");
	assert_says(rig_sent(f, SENT_ONCE, 0), "CSeq: 1 ACK\r\n");
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=audio");
	up(f, p.a);
	(void)calls_stop(&f->calls, f->now);
	assert_says(rig_sent(f, SENT_REQUEST, 0), "CSeq: 4 BYE\r\n");
	rig_end(f, 1);
}

/* Each fork counts its RSeq, and we our CSeq in each. */
static void
forks(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){0})};

	(void)state;
	p.b = rig_out(f);
	fake_answer(f, p.b, 183, "one", REL("5"), GW_BODY);
	fake_answer(f, p.b, 183, "two", REL("900"), GW_BODY);
	assert_says(rig_sent(f, SENT_REQUEST, 0), "RAck: 900 1 INVITE\r\n");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "CSeq: 2 PRACK\r\n");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "tag=two");
	fake_answer(f, p.b, 180, "one", REL("6"), "");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "RAck: 6 1 INVITE\r\n");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "CSeq: 3 PRACK\r\n");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "tag=one");
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_PRACK), 3);
	fake_answer(f, p.b, 180, "two", REL("900"), ""); /* a copy */
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_PRACK), 3);
	fake_answer(f, p.b, 200, "two", GW_CONTACT, GW_BODY);
	up(f, p.a);
	rig_end(f, 1);
}

/* Without an offer of either side nothing can be reliable. */
static void
no_offer(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *a =
		rig_invite(f, &(struct invite){.body = "", .more = "Require: 100rel\r\n"});

	(void)state;
	fake_answer(f, rig_out(f), 180, "gw", GW_CONTACT, "");
	assert_null(rig_sent(f, SENT_RESPONSE, 0)); /* A would have to be offered something */
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(a->status, 200);
	rig_end(f, 1);
}

/* ---- the caller ---- */

static void
caller(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.more = "Supported: 100rel\r\n"})};
	struct sent *s;
	unsigned n;

	(void)state;
	p.b = rig_out(f);
	fake_answer(f, p.b, 180, "gw", GW_CONTACT, "");
	assert_silent(rig_sent(f, SENT_RESPONSE, 0),
		      "RSeq"); /* nothing in it that may not be lost */
	fake_answer(f, p.b, 183, "gw", GW_CONTACT, GW_BODY);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_says(s, "Require: 100rel\r\n");
	assert_says(s, "m=audio");
	n = rseq_of(f, s);
	assert_true(n > 0 && n <= RING_RSEQ_FIRST_MAX);
	fake_run(f, 3600000); /* 0.5, 1.5, 3.5 s */
	assert_int_equal(rig_count(f, SENT_RESPONSE, SIP_INVITE), 5);
	assert_int_equal(rseq_of(f, rig_sent(f, SENT_RESPONSE, 0)), n);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=audio");
	assert_int_equal(prack(f, p.a, 2, n + 1, ""), 481);
	assert_int_equal(prack(f, p.a, 3, n, ""), 200);
	assert_int_equal(prack(f, p.a, 4, n, ""), 481); /* it is acknowledged */
	fake_run(f, 60000000);
	assert_int_equal(rig_count(f, SENT_RESPONSE, SIP_INVITE), 5);
	fake_answer(f, p.b, 183, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(rseq_of(f, rig_sent(f, SENT_RESPONSE, 0)), n + 1);
	assert_int_equal(prack(f, p.a, 5, n + 1, PBX_OFFER), 488);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	up(f, p.a);
	rig_end(f, 1);
}

/* It wants nothing but reliable ones: one after the other. */
static void
demanded(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.more = "Require: 100rel\r\n"})};
	unsigned n;

	(void)state;
	p.b = rig_out(f);
	fake_answer(f, p.b, 180, "gw", GW_CONTACT, "");
	n = rseq_of(f, rig_sent(f, SENT_RESPONSE, 0));
	fake_answer(f, p.b, 183, "gw", GW_CONTACT, GW_BODY);
	fake_answer(f, p.b, 180, "gw", GW_CONTACT, "");
	assert_int_equal(rig_count(f, SENT_RESPONSE, SIP_INVITE), 1);
	assert_int_equal(prack(f, p.a, 2, n, ""), 200);
	assert_int_equal(rseq_of(f, rig_sent(f, SENT_RESPONSE, 0)), n + 1);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "SIP/2.0 180 ");
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=audio"); /* what came meanwhile */
	assert_int_equal(prack(f, p.a, 3, n + 1, ""), 200);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	up(f, p.a);
	rig_end(f, 1);
}

/* The answer in a 183 must have arrived before the 200 may (RFC 3262 3). */
static void
answer_waits(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct fake *f = rig_up();
		struct rig_pair p = {
			.a = rig_invite(f, &(struct invite){.more = "Supported: 100rel\r\n"})};
		unsigned n;

		p.b = rig_out(f);
		fake_answer(f, p.b, 183, "gw", GW_CONTACT, GW_BODY);
		n = rseq_of(f, rig_sent(f, SENT_RESPONSE, 0));
		fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
		fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY); /* its copy */
		assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 0);
		assert_int_equal(p.a->status, 183);
		if (i == 0) {
			assert_int_equal(prack(f, p.a, 2, n, ""), 200);
			fake_run(f, 1000);
			assert_int_equal(p.a->status, 200);
			assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 1);
			up(f, p.a);
		} else { /* CANCEL, BYE, no PRACK at all: B's 200 gets its ACK and BYE */
			if (i == 1)
				rig_cancel(f, p.a);
			else if (i == 2)
				(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
			else
				fake_run(f, 33000000);
			fake_run(f, 1000);
			assert_int_equal(p.a->status, i == 3 ? 504 : 487);
			assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), 1);
			assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 1);
		}
		rig_end(f, 1);
	}
}

static void
no_prack(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.more = "Supported: 100rel\r\n"})};

	(void)state;
	p.b = rig_out(f);
	fake_answer(f, p.b, 183, "gw", GW_CONTACT, GW_BODY);
	fake_run(f, 33000000);
	assert_int_equal(p.a->status, 504);
	assert_true(p.b->cancelled);
	fake_answer(f, p.b, 487, "gw", "", "");
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_NO_PRACK);
	rig_end(f, 1);
}

static void
options(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p;

	(void)state;
	(void)rig_invite(f, &(struct invite){.more = "Require: 100rel, precondition\r\n"});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 420);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "Unsupported: precondition\r\n");
	assert_silent(rig_sent(f, SENT_RESPONSE, 0), "100rel");
	fake_media_closed(f);
	p = rig_talking(f);
	(void)rig_inside(f, p.a, "acme-pbx", "INVITE", 2, "Require: other\r\n");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 420);
	assert_int_equal(prack(f, p.a, 3, 1, ""), 481);
	(void)rig_inside(f, p.b, "gw1", "PRACK", 1, "RAck: 1 1 INVITE\r\n");
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 405);
	rig_end(f, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(called),   cmocka_unit_test(forks),
		cmocka_unit_test(no_offer), cmocka_unit_test(caller),
		cmocka_unit_test(demanded), cmocka_unit_test(answer_waits),
		cmocka_unit_test(no_prack), cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
