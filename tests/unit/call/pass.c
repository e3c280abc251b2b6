/* call/pass: INFO, MESSAGE, NOTIFY inside a dialog go on to the other leg, as both trunks allow,
 * with their answers; in every state of the call; what both sides say of them in Allow. */
#include "rig.h"

#define DTMF "Signal=5\r\nDuration=160\r\n"
#define RELAY "application/dtmf-relay"

static void
set_policy(struct fake *f, const char *trunk, enum trunk_indialog takes)
{
	rig_trunk(f, trunk)->indialog = takes;
	rig_world(f);
}

/* A request of leg; the last thing that was sent then. */
static struct sent *
ask(struct fake *f, const struct rig_pair *p, enum call_leg_index leg, const char *method,
    unsigned cseq, const char *more, const char *type, const char *body)
{
	(void)rig_inside_body(f, leg == LEG_A ? p->a : p->b, leg == LEG_A ? "acme-pbx" : "gw1",
			      method, cseq, more, type, body);
	return &f->sent[(f->n_sent - 1) % FAKE_SENT];
}

/* ---- policy ---- */

static const struct {
	const char *name, *method, *type, *body;
	enum trunk_indialog a, b;
	int status; /* ours; 0: it goes on */
	const char *says;
} policies[] = {
	{"DTMF relay", "INFO", RELAY, DTMF, TRUNK_INDIALOG_DTMF, TRUNK_INDIALOG_DTMF, 0, RELAY},
	{"DTMF", "INFO", "application/dtmf", "5", TRUNK_INDIALOG_DTMF, TRUNK_INDIALOG_ALL, 0,
	 "application/dtmf"},
	{"a sign of life", "INFO", "", "", TRUNK_INDIALOG_DTMF, TRUNK_INDIALOG_DTMF, 200,
	 "PRACK, INFO\r\n"},
	{"a sign of life, end to end", "INFO", "", "", TRUNK_INDIALOG_INFO, TRUNK_INDIALOG_INFO, 0,
	 "INFO "},
	{"another INFO", "INFO", "text/plain", "x", TRUNK_INDIALOG_DTMF, TRUNK_INDIALOG_DTMF, 415,
	 "Accept: application/dtmf-relay, application/dtmf\r\n"},
	{"another INFO, taken", "INFO", "text/plain; a=\"b\"", "x", TRUNK_INDIALOG_INFO,
	 TRUNK_INDIALOG_INFO, 0, "Content-Type: text/plain; a=\"b\"\r\n"},
	{"one side does not", "INFO", "text/plain", "x", TRUNK_INDIALOG_INFO, TRUNK_INDIALOG_DTMF,
	 415, "(id "},
	{"no INFO", "INFO", RELAY, DTMF, TRUNK_INDIALOG_ALL, TRUNK_INDIALOG_NONE, 405,
	 "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK\r\n"},
	{"MESSAGE", "MESSAGE", "text/plain", "hi", TRUNK_INDIALOG_ALL, TRUNK_INDIALOG_ALL, 0, "hi"},
	{"no MESSAGE", "MESSAGE", "text/plain", "hi", TRUNK_INDIALOG_INFO, TRUNK_INDIALOG_ALL, 405,
	 "PRACK, INFO\r\n"},
	{"NOTIFY", "NOTIFY", "text/plain", "hi", TRUNK_INDIALOG_ALL, TRUNK_INDIALOG_ALL, 0,
	 "Contact: "},
	{"no NOTIFY", "NOTIFY", "text/plain", "hi", TRUNK_INDIALOG_DTMF, TRUNK_INDIALOG_DTMF, 405,
	 "PRACK, INFO\r\n"},
	{"no SUBSCRIBE", "SUBSCRIBE", "", "", TRUNK_INDIALOG_ALL, TRUNK_INDIALOG_ALL, 405,
	 "PRACK, INFO, MESSAGE, NOTIFY\r\n"},
	{"what nobody knows", "FROB", "", "", TRUNK_INDIALOG_ALL, TRUNK_INDIALOG_ALL, 501,
	 "PRACK, INFO, MESSAGE, NOTIFY\r\n"},
};

static void
by_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(policies); i++) {
		enum call_leg_index leg = i % 2 ? LEG_B : LEG_A;
		struct fake *f = rig_up();
		struct rig_pair p;
		struct sent *s;

		set_policy(f, "acme-pbx", leg ? policies[i / 2].b : policies[i / 2].a);
		set_policy(f, "gw1", leg ? policies[i / 2].a : policies[i / 2].b);
		p = rig_talking(f);
		s = ask(f, &p, leg, policies[i / 2].method, 7, "", policies[i / 2].type,
			policies[i / 2].body);
		if (s->kind != (policies[i / 2].status ? SENT_RESPONSE : SENT_REQUEST) ||
		    s->status != policies[i / 2].status)
			fail_msg("%s: %d\n%s", policies[i / 2].name, s->status, s->text);
		assert_says(s, policies[i / 2].says);
		if (s->kind == SENT_REQUEST) {
			if (policies[i / 2].body[0])
				assert_says(s, policies[i / 2].body);
			fake_answer(f, s->txn, 200, "far", "", "");
			s = rig_sent(f, SENT_RESPONSE, 0);
			assert_int_equal(s->status, 200);
			assert_int_equal(f->tx.cseq, 7);
		}
		assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		rig_end(f, 1);
	}
}

/* ---- answers ---- */

static const struct {
	const char *name;
	unsigned status;
	int told;
	bool ends;
	const char *says;
} answers[] = {
	{"taken", 200, 200, false, "SIP/2.0"},
	{"accepted", 202, 202, false, "SIP/2.0"},
	{"another type", 415, 415, false, "Accept: application/dtmf\r\n"},
	{"no such method", 405, 405, false, "Allow: INVITE, "},
	{"our hop's challenge", 401, 500, false, "SIP/2.0"},
	{"our hop's challenge, proxy", 407, 500, false, "SIP/2.0"},
	{"elsewhere", 302, 500, false, "SIP/2.0"},
	{"late", 408, 504, false, "SIP/2.0"},
	{"busy", 503, 500, false, "SIP/2.0"},
	{"a package", 469, 469, false, "Bad Info Package"},
	{"the dialog is gone", 481, 481, true, "SIP/2.0"},
	{"declined", 603, 603, false, "SIP/2.0"},
};

static void
by_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct fake *f = rig_up();
		struct rig_pair p = rig_talking(f);
		struct sent *s = ask(f, &p, LEG_A, "INFO", 7, "", RELAY, DTMF);

		assert_int_equal(s->kind, SENT_REQUEST);
		assert_int_equal(s->dest.transport, EDGE_UDP);
		assert_silent(s, "Contact:");
		fake_answer(f, s->txn, 183, "gw", "", "");
		fake_answer(
			f, s->txn, answers[i].status, "gw",
			"Accept: application/dtmf\r\nAllow: FROB\r\nContact: <sip:gw@10.0.0.9>\r\n"
			"WWW-Authenticate: Digest realm=\"x\"\r\n",
			"");
		s = rig_sent(f, SENT_RESPONSE, 0);
		if (s->status != answers[i].told)
			fail_msg("%s: %d", answers[i].name, s->status);
		assert_says(s, answers[i].says);
		assert_silent(s, "10.0.0.9");
		assert_silent(s, "FROB");
		assert_silent(s, "Digest");
		if ((rig_call(f)->m.state == B2BUA_ENDING) != answers[i].ends)
			fail_msg("%s: %d", answers[i].name, rig_call(f)->m.state);
		rig_end(f, 1);
	}
}

/* ---- states ---- */

static void
step_to(struct fake *f, enum b2bua_state to, struct rig_pair *p)
{
	if (to == B2BUA_TRYING) {
		p->a = rig_invite(f, &(struct invite){0});
		p->b = rig_out(f);
	} else if (to == B2BUA_RINGING) {
		*p = rig_ringing(f);
	} else {
		*p = to == B2BUA_ANSWERED ? rig_answered(f) : rig_talking(f);
		if (to == B2BUA_ENDING)
			(void)rig_inside(f, p->b, "gw1", "BYE", 5, "");
	}
	assert_int_equal(rig_call(f)->m.state, to);
}

static void
by_state(void **state)
{
	static const struct {
		enum b2bua_state at;
		int a, b; /* our answer to each leg; 0: it goes on */
	} rows[] = {{B2BUA_RINGING, 0, 0},
		    {B2BUA_ANSWERED, 0, 0},
		    {B2BUA_UP, 0, 0},
		    {B2BUA_ENDING, 481, 481}};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		enum call_leg_index leg = i % 2 ? LEG_B : LEG_A;
		int want = leg ? rows[i / 2].b : rows[i / 2].a;
		struct fake *f = rig_up();
		struct rig_pair p;
		struct sent *s;

		step_to(f, rows[i / 2].at, &p);
		if (leg == LEG_A && !p.a->tag[0]) /* the tag of our 180 */
			fail_msg("no dialog");
		s = ask(f, &p, leg, "INFO", 7, "", RELAY, DTMF);
		if (s->kind != (want ? SENT_RESPONSE : SENT_REQUEST) || s->status != want)
			fail_msg("%s %d: %d", b2bua_state_name(rows[i / 2].at), leg, s->status);
		(void)calls_stop(&f->calls, f->now); /* with the answer still out */
		if (!want) {
			s = NULL;
			for (unsigned n = 0; !s || s->method != SIP_INFO; n++)
				s = rig_sent(f, SENT_RESPONSE, n);
			if (rows[i / 2].at != B2BUA_ANSWERED || leg == LEG_A)
				assert_int_equal(s->status, 481);
		}
		rig_settle(f);
		for (int k = 0; k < FAKE_TXNS; k++)
			if (f->txn[k].used && !f->txn[k].server && f->txn[k].method == SIP_INVITE &&
			    !f->txn[k].final)
				fake_answer(f, &f->txn[k], 487, "gw", "", "");
		fake_run(f, 4 * FAKE_LIFE_US);
		rig_settle(f);
		fake_run(f, FAKE_LIFE_US);
		assert_int_equal(f->n_ended, 1);
		rig_down(f);
	}
}

/* ---- many, and silence ---- */

static void
many(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	struct edge_txn *out[CALL_PASS_MAX];
	struct sent *s;

	(void)state;
	for (unsigned i = 0; i < CALL_PASS_MAX; i++) {
		s = ask(f, &p, i % 2 ? LEG_B : LEG_A, "INFO", 7 + i, "", RELAY, DTMF);
		assert_int_equal(s->kind, SENT_REQUEST);
		out[i] = s->txn;
	}
	s = ask(f, &p, LEG_A, "INFO", 20, "", RELAY, DTMF);
	assert_int_equal(s->status, 500);
	assert_says(s, "Retry-After: ");
	fake_answer(f, out[0], 200, "gw", "", "");
	s = ask(f, &p, LEG_A, "INFO", 21, "", RELAY, DTMF);
	assert_int_equal(s->kind, SENT_REQUEST);
	fake_run(f, FAKE_LIFE_US + 1); /* nobody answers: the call does not care */
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 504);
	for (int i = 0; i < CALL_PASS_MAX; i++)
		assert_null(rig_call(f)->pass[i].in);
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	rig_end(f, 1);
}

static void
not_sent(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	static char body[CALL_PASS_BODY_MAX + 2];

	(void)state;
	memset(body, '1', sizeof(body) - 1);
	assert_int_equal(ask(f, &p, LEG_A, "INFO", 7, "", RELAY, body)->status, 413);
	f->no_send = true;
	assert_int_equal(ask(f, &p, LEG_A, "INFO", 8, "", RELAY, DTMF)->status, 480);
	f->no_send = false;
	assert_int_equal(
		ask(f, &p, LEG_A, "INFO", 9, "Info-Package: frob\r\n", RELAY, DTMF)->status, 469);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "Recv-Info:");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	rig_end(f, 1);
}

/* What goes along, to each side. */
static void
headers(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p;
	struct sent *s;

	(void)state;
	set_policy(f, "acme-pbx", TRUNK_INDIALOG_ALL);
	set_policy(f, "gw1", TRUNK_INDIALOG_ALL);
	p = rig_talking(f);
	s = ask(f, &p, LEG_A, "NOTIFY", 7,
		"Event: frob\r\nSubscription-State: active\r\nX-Inner: 1\r\n"
		"P-Asserted-Identity: <sip:+15551230000@x>\r\nContent-Disposition: render\r\n",
		"text/plain", "x");
	assert_says(s, "Event: frob\r\n");
	assert_says(s, "Subscription-State: active\r\n");
	assert_says(s, "Content-Disposition: render\r\n");
	assert_silent(s, "X-Inner");
	assert_silent(s, "P-Asserted-Identity");
	fake_answer(f, s->txn, 200, "gw", "X-Outer: 2\r\n", "");
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "X-Outer: 2\r\n");
	s = ask(f, &p, LEG_A, "INFO", 8, "Info-Package: frob\r\n", "text/plain", "x");
	assert_says(s, "Info-Package: frob\r\n");
	s = ask(f, &p, LEG_B, "INFO", 8, "Info-Package: frob\r\nX-Outer: 2\r\n", "text/plain", "x");
	assert_says(s, "X-Outer: 2\r\n");
	assert_says(s, "Info-Package: frob\r\n");
	assert_null(strstr(strstr(s->text, "Info-Package") + 1, "Info-Package"));
	rig_end(f, 1);
}

/* OPTIONS outside a call names what this trunk may send; the INVITE what both may. */
static void
allow(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p;

	(void)state;
	set_policy(f, "acme-pbx", TRUNK_INDIALOG_ALL);
	p = rig_ringing(f);
	assert_says(rig_sent(f, SENT_REQUEST, 0), "PRACK, INFO\r\n");
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "PRACK, INFO\r\n");
	set_policy(f, "gw1", TRUNK_INDIALOG_ALL);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "PRACK, INFO, MESSAGE, NOTIFY\r\n");
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_says(ask(f, &p, LEG_A, "OPTIONS", 7, "", "", ""),
		    "PRACK, INFO, MESSAGE, NOTIFY\r\n");
	rig_end(f, 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_policy), cmocka_unit_test(by_answer),
		cmocka_unit_test(by_state),  cmocka_unit_test(many),
		cmocka_unit_test(not_sent),  cmocka_unit_test(headers),
		cmocka_unit_test(allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
