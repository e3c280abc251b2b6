/* call/redirect, call/divert: 3xx of carriers and customers, followed, passed on or refused; what
 * the account that pays may not call is never called (A7). */
#include "rig.h"

#include "base/clock.h"

#define C(uri, params) "Contact: <" uri ">" params "\r\n"
#define TO_GW2 C("sip:+15552224444@10.0.0.10", "")

static struct fake *
up(enum trunk_redirect gw1, enum trunk_redirect pbx)
{
	struct fake *f = rig_up();

	rig_trunk(f, "gw1")->redirect = rig_trunk(f, "gw2")->redirect = gw1;
	rig_trunk(f, "acme-pbx")->redirect = pbx;
	rig_world(f);
	return f;
}

static unsigned
invites(struct fake *f)
{
	return rig_count(f, SENT_REQUEST, SIP_INVITE);
}

/* ---- of a carrier ---- */

/* What the first gateway answers, and what comes of it: the next INVITE's line, or what A is told.
 */
static const struct {
	const char *name;
	unsigned status;
	const char *contacts, *goes; /* NULL: nowhere */
	int told;
	enum refusal why;
} carriers[] = {
	{"another number, its own host", 302, C("sip:+15552224444@10.0.0.9", ""),
	 "INVITE sip:+15552224444@10.0.0.9:5060 ", 0, REFUSAL_NONE},
	{"another carrier of ours", 302, TO_GW2, "INVITE sip:+15552224444@10.0.0.10:5060 ", 0,
	 REFUSAL_NONE},
	{"the same number elsewhere", 301, C("sip:+15552223333@10.0.0.10:5060", ""),
	 "INVITE sip:+15552223333@10.0.0.10:5060 ", 0, REFUSAL_NONE},
	{"national form", 302, C("sip:5552224444@10.0.0.10;user=phone", ""),
	 "INVITE sip:+15552224444@10.0.0.10:5060 ", 0, REFUSAL_NONE},
	{"a tel URI", 302, C("tel:+15552224444", ""), "INVITE sip:+15552224444@10.0.0.9:5060 ", 0,
	 REFUSAL_NONE},
	{"by q", 300,
	 C("sip:+15552220001@10.0.0.10", ";q=0.1") C("sip:+15552220002@10.0.0.10", ";q=0.25"),
	 "INVITE sip:+15552220002@10.0.0.10:5060 ", 0, REFUSAL_NONE},
	{"no q is 1", 300,
	 C("sip:+15552220001@10.0.0.10", ";q=0.999") C("sip:+15552220002@10.0.0.10", ""),
	 "INVITE sip:+15552220002@10.0.0.10:5060 ", 0, REFUSAL_NONE},
	{"only the second may be", 302, C("sip:+15552220001@192.0.2.99", "") TO_GW2,
	 "INVITE sip:+15552224444@10.0.0.10:5060 ", 0, REFUSAL_NONE},
	{"a proxy: the number stays", 305, C("sip:10.0.0.10", ""),
	 "INVITE sip:+15552223333@10.0.0.10:5060 ", 0, REFUSAL_NONE},
	{"a stranger's host", 302, C("sip:+15552224444@192.0.2.99", ""), NULL, 480,
	 REFUSAL_REDIRECT},
	{"a name that we do not know", 302, C("sip:+15552224444@gw.example", ""), NULL, 480,
	 REFUSAL_REDIRECT},
	{"ourselves", 302, C("sip:+15552224444@10.0.0.1", ""), NULL, 480, REFUSAL_REDIRECT},
	{"a customer's host", 302, C("sip:+15552224444@pbx.beta.example", ""), NULL, 480,
	 REFUSAL_REDIRECT},
	{"another port", 302, C("sip:+15552224444@10.0.0.10:5099", ""), NULL, 480,
	 REFUSAL_REDIRECT},
	{"another transport", 302, C("sip:+15552224444@10.0.0.10;transport=tcp", ""), NULL, 480,
	 REFUSAL_REDIRECT},
	{"sips where there is no TLS", 302, C("sips:+15552224444@10.0.0.10", ""), NULL, 480,
	 REFUSAL_REDIRECT},
	{"where it was already", 302, C("sip:+15552223333@10.0.0.9", ""), NULL, 480,
	 REFUSAL_REDIRECT},
	{"the same host by 305", 305, C("sip:10.0.0.9", ""), NULL, 480, REFUSAL_REDIRECT},
	{"no number", 302, C("sip:ann@10.0.0.10", ""), NULL, 480, REFUSAL_REDIRECT},
	{"911", 302, C("sip:911@10.0.0.10", ""), NULL, 480, REFUSAL_REDIRECT},
	{"no contact", 302, "", NULL, 480, REFUSAL_REDIRECT},
	{"any contact", 302, "Contact: *\r\n", NULL, 480, REFUSAL_REDIRECT},
	{"a country", 302, C("sip:+442071838750@10.0.0.10", ""), NULL, 403, REFUSAL_CLASS_OFF},
	{"premium", 302, C("sip:+19005551234@10.0.0.10", ""), NULL, 403, REFUSAL_CLASS_OFF},
	{"premium in disguise", 302, C("sip:01144900%31234567@10.0.0.10;user=phone", ""), NULL, 403,
	 REFUSAL_CLASS_OFF},
	{"an alternative service", 380, TO_GW2, NULL, 500, REFUSAL_NONE},
};

static void
of_carrier(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(carriers); i++) {
		struct fake *f = up(TRUNK_REDIRECT_FOLLOW, TRUNK_REDIRECT_REFUSE);
		struct edge_txn *a = rig_invite(f, &(struct invite){0});
		struct sent *s;

		print_message("# %s\n", carriers[i].name);
		fake_answer(f, rig_out(f), carriers[i].status, "gw", carriers[i].contacts, "");
		if (carriers[i].goes) {
			assert_int_equal(invites(f), 2);
			assert_says(rig_last(f), carriers[i].goes);
			assert_false(a->final);
			assert_int_equal(rig_call(f)->rec.target[1].redirected, 1);
		} else {
			assert_int_equal(invites(f), 1);
			s = rig_sent(f, SENT_RESPONSE, 0);
			assert_int_equal(s->status, carriers[i].told);
			assert_silent(s, "Contact");
			assert_silent(s, "192.0.2.99");
			fake_media_closed(f);
			assert_int_equal(rig_cdr(f)->refusal, carriers[i].why);
			assert_int_equal(rig_cdr(f)->ended_by,
					 carriers[i].why ? ENDER_POSTERN : ENDER_CALLED);
			assert_int_equal(rig_cdr(f)->target[0].status, carriers[i].status);
			assert_int_equal(rig_cdr(f)->target[0].why[0] != 0,
					 carriers[i].why == REFUSAL_REDIRECT);
			if (strcmp(carriers[i].name, "a stranger's host") == 0)
				assert_non_null(
					strstr(rig_cdr(f)->target[0].why, "not yet: 192.0.2.99"));
		}
		rig_end(f, 1);
	}
}

/* Where nothing is said of redirections, they are failures. */
static void
refused(void **state)
{
	struct fake *f = up(TRUNK_REDIRECT_REFUSE, TRUNK_REDIRECT_REFUSE);

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	fake_answer(f, rig_out(f), 302, "gw", TO_GW2, "");
	assert_int_equal(invites(f), 1);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 500);
	rig_end(f, 1);
}

/* The new number, where it was before, and what is charged. */
static void
what_is_sent(void **state)
{
	struct fake *f = up(TRUNK_REDIRECT_FOLLOW, TRUNK_REDIRECT_REFUSE);
	const struct call_record *r;
	struct edge_txn *b;
	struct sent *s;

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	fake_answer(f, rig_out(f), 180, "gw", GW_CONTACT, "");
	fake_answer(f, rig_out(f), 302, "gw", TO_GW2, "");
	s = rig_last(f);
	assert_says(s, "To: <sip:+15552224444@10.0.0.10>");
	assert_says(s, "From: <sip:+15551230000@10.0.0.1>");
	assert_says(s, "Diversion: <sip:+15552223333@10.0.0.1>;reason=deflection;counter=1\r\n");
	assert_says(s, "History-Info: <sip:+15552223333@10.0.0.1>;index=1\r\n"
		       "History-Info: <sip:+15552224444@10.0.0.1;cause=302>;index=1.1;mp=1\r\n");
	b = rig_out(f);
	fake_answer(f, b, 301, "gw", C("sip:8005551234@10.0.0.9", ""), "");
	s = rig_last(f);
	assert_says(s, "INVITE sip:+18005551234@10.0.0.9:5060 ");
	assert_says(s, "Diversion: <sip:+15552224444@10.0.0.1>;reason=unconditional;counter=1\r\n"
		       "Diversion: <sip:+15552223333@10.0.0.1>;");
	assert_says(s, "<sip:+18005551234@10.0.0.1;cause=301>;index=1.1.1;mp=1.1\r\n");
	r = &rig_call(f)->rec;
	assert_int_equal(r->n_targets, 3);
	assert_string_equal(r->target[0].number, "+15552223333");
	assert_string_equal(r->target[1].trunk.z, "gw2");
	assert_string_equal(r->target[1].number, "+15552224444");
	assert_int_equal(r->target[1].status, 301);
	assert_int_equal(r->target[2].redirected, 2);
	assert_int_equal(r->class, CLASS_TERMINATION);
	assert_string_equal(r->to_received, "+15552223333");
	assert_string_equal(r->to_sent, "+18005551234");
	assert_string_equal(r->payer.z, "acme");
	assert_string_equal(r->forwarder.z, "");
	rig_end(f, 1);
}

/* ---- one after the other ---- */

static void
answer_next(struct fake *f, unsigned status, const char *contacts)
{
	fake_answer(f, rig_out(f), status, "gw", contacts, "");
}

/* Contacts are tried in turn whatever one answers, but for 6xx; what was routed beside them only
 * where the trunk hunts. */
static void
in_turn(void **state)
{
	static const struct {
		const char *name;
		unsigned answer;
		const char *next; /* NULL: none */
	} rows[] = {
		{"busy", 486, "INVITE sip:+15552220002@"},
		{"not found", 404, "INVITE sip:+15552220002@"},
		{"unavailable", 503, "INVITE sip:+15552220002@"},
		{"declined by all", 603, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up(TRUNK_REDIRECT_FOLLOW, TRUNK_REDIRECT_REFUSE);

		print_message("# %s\n", rows[i].name);
		(void)rig_invite(f, &(struct invite){0});
		answer_next(f, 302,
			    C("sip:+15552220001@10.0.0.9", ";q=0.5")
				    C("sip:+442071838750@10.0.0.9", ";q=0.4")
					    C("sip:+15552220002@10.0.0.9", ";q=0.3"));
		assert_says(rig_last(f), "INVITE sip:+15552220001@");
		answer_next(f, rows[i].answer, "");
		if (!rows[i].next) {
			assert_int_equal(invites(f), 2);
			rig_end(f, 1);
			continue;
		}
		assert_says(rig_last(f), rows[i].next);
		assert_string_equal(rig_call(f)->called.z, "+15552220002");
		assert_int_equal(rig_call(f)->rec.target[2].status, -1);
		assert_non_null(strstr(rig_call(f)->rec.target[2].why, "international"));
		answer_next(f, 486, ""); /* gw2 is left: it is not for who is busy */
		assert_int_equal(invites(f), 3);
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 486);
		rig_end(f, 1);
	}
}

/* The number that was called first again, at the target that is left: with its class and price. */
static void
back_again(void **state)
{
	struct fake *f = up(TRUNK_REDIRECT_FOLLOW, TRUNK_REDIRECT_REFUSE);

	(void)state;
	rig_account(f, "acme")->services |= CLASS_INTERNATIONAL;
	rig_world(f);
	(void)rig_invite(f, &(struct invite){0});
	answer_next(f, 302, C("sip:+442071838750@10.0.0.9", ""));
	assert_int_equal(rig_call(f)->rec.class, CLASS_INTERNATIONAL);
	answer_next(f, 503, "");
	assert_says(rig_last(f), "INVITE sip:+15552223333@10.0.0.10:5060 ");
	assert_silent(rig_last(f), "Diversion");
	assert_int_equal(rig_call(f)->rec.class, CLASS_TERMINATION);
	assert_int_equal(rig_call(f)->rec.target[2].redirected, 0);
	rig_end(f, 1);
}

/* Bounds: so many one after the other, so many in all. */
static void
bounded(void **state)
{
	struct fake *f = up(TRUNK_REDIRECT_FOLLOW, TRUNK_REDIRECT_REFUSE);
	char contacts[1024];
	struct buf b;

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	for (int i = 0; i < CALL_REDIRECTS_MAX; i++) {
		char one[64];

		(void)snprintf(one, sizeof(one), "Contact: <sip:+1555222000%d@10.0.0.9>\r\n", i);
		answer_next(f, 302, one);
		assert_int_equal(invites(f), i + 2);
	}
	answer_next(f, 302, C("sip:+15552229999@10.0.0.9", ""));
	assert_int_equal(invites(f), CALL_REDIRECTS_MAX + 1);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 480);
	rig_end(f, 1);

	f = up(TRUNK_REDIRECT_FOLLOW, TRUNK_REDIRECT_REFUSE);
	(void)rig_invite(f, &(struct invite){0});
	buf_init(&b, contacts, sizeof(contacts));
	for (int i = 0; i < 12; i++)
		buf_printf(&b, "Contact: <sip:+155522200%02d@10.0.0.9>\r\n", i);
	answer_next(f, 302, buf_cstr(&b));
	for (int i = 0; i < 12; i++)
		answer_next(f, 480, "");
	assert_int_equal(invites(f), ROUTE_TARGETS_MAX);
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->n_targets, ROUTE_TARGETS_MAX);
	rig_end(f, 1);
}

/* The caller gives up, or has heard something: no further one. */
static void
too_late(void **state)
{
	struct fake *f = up(TRUNK_REDIRECT_FOLLOW, TRUNK_REDIRECT_REFUSE);
	struct edge_txn *a = rig_invite(f, &(struct invite){0});

	(void)state;
	fake_answer(f, rig_out(f), 183, "gw", GW_CONTACT, GW_BODY);
	answer_next(f, 302, TO_GW2);
	assert_int_equal(invites(f), 1);
	assert_int_equal(a->status, 480);
	rig_end(f, 1);

	f = up(TRUNK_REDIRECT_FOLLOW, TRUNK_REDIRECT_REFUSE);
	a = rig_invite(f, &(struct invite){0});
	fake_answer(f, rig_out(f), 180, "gw", GW_CONTACT, "");
	rig_cancel(f, a);
	answer_next(f, 302, TO_GW2);
	assert_int_equal(invites(f), 1);
	assert_int_equal(a->status, 487);
	rig_end(f, 1);
}

/* ---- money ---- */

static struct fake *
up_rates(enum trunk_redirect gw, enum trunk_redirect pbx)
{
	struct fake *f = up(gw, pbx);

	rig_account(f, "acme")->services |= CLASS_INTERNATIONAL;
	rig_account(f, "acme")->countries = STR("44");
	rig_account(f, "acme")->max_spend_micro = 200000;
	rig_rate(f, "+1*", 60000, 60);
	rig_rate(f, "+44*", 120000, 60);
	rig_rate(f, "+4479*", 900000, 60);
	rig_world(f);
	return f;
}

/* What the new number costs is what is taken, and what the first one would have cost is given back.
 */
static void
charged(void **state)
{
	struct fake *f = up_rates(TRUNK_REDIRECT_FOLLOW, TRUNK_REDIRECT_REFUSE);
	struct edge_txn *a = rig_invite(f, &(struct invite){0}), *b;

	(void)state;
	assert_int_equal(rig_spent(f, "acme"), 60000);
	answer_next(f, 302, C("sip:+442071838750@10.0.0.10", ""));
	assert_int_equal(invites(f), 2);
	assert_int_equal(rig_spent(f, "acme"), 120000);
	assert_int_equal(rig_call(f)->rec.class, CLASS_INTERNATIONAL);
	b = rig_out(f);
	fake_answer(f, b, 200, "gw", GW_CONTACT, GW_BODY);
	(void)rig_inside(f, a, "acme-pbx", "ACK", 1, "");
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	fake_run(f, 3 * B2BUA_RING_US);
	assert_int_equal(rig_cdr(f)->price_micro, 120000);
	assert_int_equal(rig_cdr(f)->steps, 1);
	assert_int_equal(rig_spent(f, "acme"), 120000);
	rig_down(f);

	f = up_rates(TRUNK_REDIRECT_FOLLOW, TRUNK_REDIRECT_REFUSE);
	a = rig_invite(f, &(struct invite){0});
	answer_next(f, 302,
		    C("sip:+447911123456@10.0.0.10", "") C("sip:+33123456789@10.0.0.10", ""));
	assert_int_equal(invites(f), 1);
	assert_int_equal(a->status, 403);
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->n_targets, 3);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_COUNTRY);
	assert_string_equal(rig_cdr(f)->target[1].why, refusal_text(REFUSAL_SPEND));
	assert_int_equal(rig_spent(f, "acme"), 0);
	rig_end(f, 1);
}

/* ---- of a customer ---- */

static struct edge_txn *
call_in(struct fake *f)
{
	return rig_invite(f, &(struct invite){.trunk = "gw1",
					      .uri = "sip:+15551230000@10.0.0.1",
					      .from = "sip:+15557778888@10.0.0.9"});
}

static const struct {
	const char *name;
	unsigned status;
	const char *contacts, *goes;
	int told;
	enum refusal why;
} customers[] = {
	{"a number", 302, C("sip:+15552224444@pbx.acme.example", ""),
	 "INVITE sip:+15552224444@10.0.0.9:5060 ", 0, REFUSAL_NONE},
	{"whatever host", 302, C("sip:5552224444@192.0.2.99:9;transport=tcp", ""),
	 "INVITE sip:+15552224444@10.0.0.9:5060 ", 0, REFUSAL_NONE},
	{"tel", 301, C("tel:+15552224444", ""), "INVITE sip:+15552224444@10.0.0.9:5060 ", 0,
	 REFUSAL_NONE},
	{"itself", 302, C("sip:+15551230000@pbx.acme.example", ""), NULL, 480, REFUSAL_REDIRECT},
	{"no number", 302, C("sip:ann@pbx.acme.example", ""), NULL, 480, REFUSAL_REDIRECT},
	{"an extension", 302, C("sip:200@pbx.acme.example", ""), NULL, 484, REFUSAL_NUMBER},
	{"abroad", 302, C("sip:+442071838750@pbx.acme.example", ""), NULL, 403, REFUSAL_CLASS_OFF},
	{"premium", 302, C("sip:+19005551234@pbx.acme.example", ""), NULL, 403, REFUSAL_CLASS_OFF},
	{"911", 302, C("sip:911@pbx.acme.example", ""), NULL, 480, REFUSAL_REDIRECT},
	{"sos", 302, "Contact: <urn:service:sos>\r\n", NULL, 480, REFUSAL_REDIRECT},
	{"a proxy", 305, C("sip:10.0.0.9", ""), NULL, 480, REFUSAL_REDIRECT},
};

static void
of_customer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(customers); i++) {
		struct fake *f = up(TRUNK_REDIRECT_REFUSE, TRUNK_REDIRECT_FOLLOW);
		struct edge_txn *a = call_in(f);
		const struct call_record *r;
		struct sent *s;

		print_message("# %s\n", customers[i].name);
		assert_says(rig_last(f), "@pbx.acme.example");
		fake_answer(f, rig_out(f), customers[i].status, "pbx", customers[i].contacts, "");
		if (!customers[i].goes) {
			assert_int_equal(invites(f), 1);
			assert_int_equal(a->status, customers[i].told);
			fake_media_closed(f);
			assert_int_equal(rig_cdr(f)->refusal, customers[i].why);
			rig_end(f, 1);
			continue;
		}
		s = rig_last(f);
		assert_int_equal(invites(f), 2);
		assert_says(s, customers[i].goes);
		assert_says(s, "From: <sip:+15557778888@10.0.0.1>");
		assert_says(s, "Diversion: <sip:+15551230000@10.0.0.1>;reason=unconditional");
		assert_says(s, "index=1.1;mp=1\r\n");
		assert_silent(s, "a=crypto");
		r = &rig_call(f)->rec;
		assert_string_equal(r->payer.z, "acme");
		assert_string_equal(r->forwarder.z, "acme-pbx");
		assert_int_equal(r->class, CLASS_TERMINATION);
		assert_string_equal(r->leg[LEG_B].account.z, "");
		assert_string_equal(r->leg[LEG_B].peer, "");
		fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
		assert_int_equal(a->status, 200);
		(void)rig_inside(f, a, "gw1", "ACK", 1, "");
		assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		rig_end(f, 1);
	}
}

/* The account that forwards pays, and is limited. */
static void
forwarder_pays(void **state)
{
	struct fake *f = up_rates(TRUNK_REDIRECT_REFUSE, TRUNK_REDIRECT_FOLLOW);
	struct edge_txn *a = call_in(f);

	(void)state;
	assert_int_equal(rig_spent(f, "acme"), 0);
	answer_next(f, 302, C("sip:+442071838750@x", ""));
	assert_int_equal(rig_spent(f, "acme"), 120000);
	assert_int_equal(rig_call(f)->rec.class, CLASS_INTERNATIONAL);
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	(void)rig_inside(f, a, "gw1", "ACK", 1, "");
	fake_run(f, 70 * CLOCK_S); /* the second minute does not fit */
	rig_settle(f);
	fake_run(f, 3 * B2BUA_RING_US);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_SPEND);
	assert_int_equal(rig_spent(f, "acme"), 120000);
	rig_down(f);

	f = up_rates(TRUNK_REDIRECT_REFUSE, TRUNK_REDIRECT_FOLLOW);
	a = call_in(f);
	answer_next(f, 302, C("sip:+447911123456@x", ""));
	assert_int_equal(invites(f), 1);
	assert_int_equal(a->status, 480);
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_SPEND);
	rig_end(f, 1);

	f = up(TRUNK_REDIRECT_REFUSE, TRUNK_REDIRECT_FOLLOW);
	rig_account(f, "acme")->attempts = 1;
	rig_world(f);
	for (unsigned i = 0; i < 2; i++) {
		a = rig_invite(f, &(struct invite){.trunk = "gw1",
						   .uri = "sip:+15551230000@10.0.0.1",
						   .from = "sip:+15557778888@10.0.0.9",
						   .call_id = i ? "two" : "one"});
		answer_next(f, 302, C("sip:+15552224444@x", ""));
		assert_int_equal(a->final, i == 1);
	}
	rig_end(f, 2);
}

/* A restart: what it forwarded is its account's still. */
static void
restarted(void **state)
{
	struct fake *f = up(TRUNK_REDIRECT_REFUSE, TRUNK_REDIRECT_FOLLOW);
	struct edge_txn *a = call_in(f);
	struct rig_pair p;

	(void)state;
	answer_next(f, 302, C("sip:+15552224444@x", ""));
	p = (struct rig_pair){.a = a, .b = rig_out(f)};
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	(void)rig_inside(f, a, "gw1", "ACK", 1, "");
	rig_restart(f, &p);
	assert_int_equal(limit_calls(&f->calls.limit, LIMIT_ACCOUNT, "acme"), 1);
	(void)rig_inside(f, p.a, "gw1", "BYE", 2, "");
	rig_settle(f);
	assert_string_equal(rig_cdr(f)->forwarder.z, "acme-pbx");
	rig_end(f, 1);
}

/* ---- passed on ---- */

static void
told(void **state)
{
	struct fake *f = up(TRUNK_REDIRECT_PASS, TRUNK_REDIRECT_PASS);
	struct edge_txn *a = rig_invite(f, &(struct invite){0});
	struct sent *s;

	(void)state;
	answer_next(f, 302,
		    C("sip:+15552220001@192.0.2.99", ";q=0.5") C("sip:911@10.0.0.9", "")
			    C("sip:+15552220002@10.0.0.9;x=y", ";expires=5")
				    C("sip:+15552223333@10.0.0.10", ""));
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(a->status, 302);
	assert_says(s, "Contact: <sip:+15552220002@sbc.example.test;transport=tls>;q=1.000\r\n"
		       "Contact: <sip:+15552220001@sbc.example.test;transport=tls>;q=0.500\r\n");
	assert_silent(s, "911");
	assert_silent(s, "10.0.0.");
	assert_silent(s, "192.0.2.99");
	assert_silent(s, "Warning");
	rig_end(f, 1);

	/* nothing that may be told */
	f = up(TRUNK_REDIRECT_PASS, TRUNK_REDIRECT_PASS);
	a = rig_invite(f, &(struct invite){0});
	answer_next(f, 302, C("sip:911@10.0.0.9", "") C("sip:ann@10.0.0.9", ""));
	assert_int_equal(a->status, 500);
	rig_end(f, 1);

	/* the caller's trunk is gone meanwhile: nobody knows how it writes numbers */
	f = up(TRUNK_REDIRECT_PASS, TRUNK_REDIRECT_PASS);
	a = rig_invite(f, &(struct invite){0});
	rig_trunk(f, "acme-pbx")->id = STR("acme-new");
	for (uint32_t i = 0; i < f->roster.n_numbers; i++)
		if (str_eqz(f->roster.number[i].trunk, "acme-pbx"))
			f->roster.number[i].trunk = STR("acme-new");
	rig_world(f);
	answer_next(f, 302, C("sip:+15552220001@10.0.0.9", ""));
	assert_int_equal(a->status, 500);
	rig_end(f, 1);

	/* a carrier hears of numbers that are ours */
	f = up(TRUNK_REDIRECT_PASS, TRUNK_REDIRECT_PASS);
	a = call_in(f);
	answer_next(f, 302, C("sip:+15552224444@x", "") C("sip:+15559990000@x", ""));
	assert_int_equal(a->status, 302);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_says(s, "Contact: <sip:+15559990000@10.0.0.1:5060>;q=1.000\r\n");
	assert_silent(s, "+15552224444");
	rig_end(f, 1);
}

/* ---- others ---- */

/* 911 goes where a carrier that takes it sends it, and nowhere else; it stays what it is. */
static void
emergency(void **state)
{
	struct fake *f = up(TRUNK_REDIRECT_FOLLOW, TRUNK_REDIRECT_REFUSE);

	(void)state;
	rig_in_clear(f);
	(void)rig_invite(f, &(struct invite){.uri = "sip:911@x", .body = PBX_CLEAR});
	answer_next(f, 302,
		    C("sip:+15552224444@10.0.0.10", "") C("sip:911@192.0.2.99", "")
			    C("sip:911@10.0.0.10", ""));
	assert_says(rig_last(f), "INVITE sip:911@10.0.0.10:5060 ");
	assert_int_equal(rig_call(f)->rec.class, CLASS_EMERGENCY);
	assert_int_equal(rig_call(f)->rec.exempt, 1);
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_carrier),   cmocka_unit_test(refused),
		cmocka_unit_test(what_is_sent), cmocka_unit_test(in_turn),
		cmocka_unit_test(back_again),   cmocka_unit_test(bounded),
		cmocka_unit_test(too_late),     cmocka_unit_test(charged),
		cmocka_unit_test(of_customer),  cmocka_unit_test(forwarder_pays),
		cmocka_unit_test(restarted),    cmocka_unit_test(told),
		cmocka_unit_test(emergency),
	};

	return cmocka_run_group_tests_name("call/redirect", tests, NULL, NULL);
}
