/* call/alter: numbers and headers as trunks want them, verstat, Identity; through whole calls. */
#include "rig.h"

/* The call of one INVITE is over. */
static void
finish(struct fake *f)
{
	if (list_empty(&f->calls.live)) {
		rig_settle(f);
		fake_run(f, 64000000);
		rig_down(f);
		return;
	}
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 3 * B2BUA_CANCEL_US);
	rig_down(f);
}

/* One INVITE under rules of both trunks: what the INVITE that goes out says, or how it is refused.
 */
static const struct {
	const char *name;
	bool clear; /* the PBX is without TLS */
	bool down;  /* from the carrier to the PBX */
	const char *pbx_in, *pbx_out, *gw_in, *gw_out;
	const char *strip, *add; /* of the carrier */
	struct invite v;
	int status; /* 0: it goes out */
	const char *says, *silent, *says_too;
} numbers[] = {
	{"no rules", .says = "INVITE sip:+15552223333@10.0.0.9"},
	{"called, in", .pbx_in = "called 81 -> +1", .v = {.uri = "sip:815552223333@x"},
	 .says = "INVITE sip:+15552223333@10.0.0.9"},
	{"called, in, separators and parameters", .pbx_in = "called 81 ->",
	 .v = {.uri = "sip:8-1(555)222.3333;npdi@x"}, .says = "INVITE sip:+15552223333@10.0.0.9"},
	{"called, in, tel", .pbx_in = "called 81 ->",
	 .v = {.uri = "tel:815552223333;phone-context=+1"},
	 .says = "INVITE sip:+15552223333@10.0.0.9"},
	{"called, in, what is forbidden then", .pbx_in = "called 7 -> +44",
	 .v = {.uri = "sip:72079460000@x"}, .status = 403},
	{"called, out", .gw_out = "called +1 -> 9", .says = "INVITE sip:95552223333@10.0.0.9"},
	{"called, out, both sides", .pbx_in = "called 81 -> +1", .gw_out = "called +1555 -> 7",
	 .v = {.uri = "sip:815552223333@x"}, .says = "INVITE sip:72223333@10.0.0.9"},
	{"the other way's rules", .pbx_out = "called +1 -> 9", .gw_in = "called +1 -> 9",
	 .says = "INVITE sip:+15552223333@10.0.0.9"},
	{"calling, out", .gw_out = "calling +1 ->", .says = "From: <sip:5551230000@10.0.0.1>",
	 .says_too = "P-Asserted-Identity: <sip:5551230000@10.0.0.1>",
	 .v = {.more = "P-Asserted-Identity: <sip:+15551230000@x>\r\n"}},
	{"calling, in: own after it", .pbx_in = "calling 0000 -> +15551230000",
	 .v = {.from = "sip:0000@pbx"}, .says = "From: <sip:+15551230000@10.0.0.1>"},
	{"calling, in: another's after it", .pbx_in = "calling 0000 -> +15559990000",
	 .v = {.from = "sip:0000@pbx"}, .status = 403},
	{"calling, in: foreign without it", .v = {.from = "sip:0000@pbx"}, .status = 403},
	{"calling, in: the asserted one, too", .pbx_in = "calling 0000 -> +15551230000",
	 .v = {.more = "P-Asserted-Identity: <sip:0000@pbx>\r\n"},
	 .says = "P-Asserted-Identity: <sip:+15551230000@10.0.0.1>"},
	{"withheld stays so", .gw_out = "calling -> 9", .v = {.more = "Privacy: id\r\n"},
	 .says = "From: <sip:anonymous@anonymous.invalid>"},
	/* emergency numbers */
	{"911 is not changed", .clear = true, .pbx_in = "called 911 -> +15552223333",
	 .gw_out = "called 9 -> 8", .v = {.uri = "sip:911@x", .body = PBX_CLEAR},
	 .says = "INVITE sip:911@10.0.0.9"},
	{"9911 neither", .clear = true, .pbx_in = "called 99 -> +1555222333",
	 .v = {.uri = "sip:9911@x", .body = PBX_CLEAR}, .says = "INVITE sip:911@10.0.0.9"},
	{"sos neither", .clear = true, .pbx_in = "called 911 -> 1", .gw_out = "called 911 -> 1",
	 .v = {.uri = "urn:service:sos", .body = PBX_CLEAR}, .says = "INVITE sip:911@10.0.0.9"},
	{"nor is it by strip and add", .clear = true, .strip = "+1", .add = "0",
	 .v = {.uri = "sip:911@x", .body = PBX_CLEAR}, .says = "INVITE sip:911@10.0.0.9"},
	{"other numbers are", .clear = true, .strip = "+1", .add = "0", .v = {.body = PBX_CLEAR},
	 .says = "INVITE sip:05552223333@10.0.0.9"},
	{"calling rules work there", .clear = true, .gw_out = "calling +1 -> 9",
	 .v = {.uri = "sip:911@x", .body = PBX_CLEAR}, .says = "INVITE sip:911@10.0.0.9",
	 .says_too = "From: <sip:95551230000@"},
	{"none is made, in", .clear = true, .pbx_in = "called 7911 -> 911",
	 .v = {.uri = "sip:7911@x", .body = PBX_CLEAR}, .status = 484},
	{"none is made by access digits, in", .clear = true, .pbx_in = "called 7 -> 9",
	 .v = {.uri = "sip:7911@x", .body = PBX_CLEAR}, .status = 484},
	{"none is made, out", .gw_out = "called +15552223333 -> 911",
	 .says = "INVITE sip:+15552223333@10.0.0.9"},
	/* from the carrier */
	{"down: called, in", .down = true, .gw_in = "called 77 -> +1",
	 .v = {.uri = "sip:775551230000@x", .from = "sip:+15557776666@gw"},
	 .says = "INVITE sip:+15551230000@"},
	{"down: called, out", .down = true, .pbx_out = "called +1555123 ->",
	 .v = {.uri = "sip:+15551230000@x", .from = "sip:+15557776666@gw"},
	 .says = "INVITE sip:0000@"},
	{"down: calling, both sides and what is asserted", .down = true,
	 .gw_in = "calling 99 -> +44", .pbx_out = "calling +44 -> 0",
	 .v = {.uri = "sip:+15551230000@x",
	       .from = "sip:992079460000@gw",
	       .more = "P-Asserted-Identity: \"Q\" <sip:992079460000;rn=1@gw;user=phone>,\r\n"
		       " <tel:+442079460000>\r\nRemote-Party-ID: "
		       "<sip:+442079460000@gw>;party=calling\r\n"},
	 .says = "From: <sip:02079460000@192.0.2.1>",
	 .says_too =
		 "P-Asserted-Identity: \"Q\" <sip:02079460000;rn=1@gw;user=phone>, "
		 "<tel:02079460000>\r\nRemote-Party-ID: <sip:02079460000@gw>;party=calling\r\n"},
	{"down: nothing to do, byte for byte", .down = true, .pbx_in = "calling +1 ->",
	 .v = {.uri = "sip:+15551230000@x",
	       .from = "sip:+15557776666@gw",
	       .more = "P-Asserted-Identity: Q\r\n <sip:+15557776666@gw>,<tel:+1>\r\n"},
	 .says = "P-Asserted-Identity: Q\r\n <sip:+15557776666@gw>,<tel:+1>\r\n"},
};

static void
set_rules(struct fake *f, size_t i)
{
	struct roster_trunk *pbx, *gw;

	if (numbers[i].clear)
		rig_in_clear(f);
	pbx = rig_trunk(f, "acme-pbx");
	gw = rig_trunk(f, "gw1");
	pbx->rewrite_in = str_from(or_else(numbers[i].pbx_in, ""));
	pbx->rewrite_out = str_from(or_else(numbers[i].pbx_out, ""));
	gw->rewrite_in = str_from(or_else(numbers[i].gw_in, ""));
	gw->rewrite_out = str_from(or_else(numbers[i].gw_out, ""));
	gw->strip = str_from(or_else(numbers[i].strip, ""));
	gw->add = str_from(or_else(numbers[i].add, ""));
	rig_world(f);
}

static void
test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct fake *f = rig_up();
		struct invite v = numbers[i].v;
		struct sent *s;

		set_rules(f, i);
		v.trunk = numbers[i].down ? "gw1" : "acme-pbx";
		(void)rig_invite(f, &v);
		s = numbers[i].status ? rig_sent(f, SENT_RESPONSE, 0)
				      : rig_sent(f, SENT_REQUEST, 0);
		if (!s || (numbers[i].status && s->status != numbers[i].status) ||
		    (numbers[i].says && !rig_says(s, numbers[i].says)) ||
		    (numbers[i].says_too && !rig_says(s, numbers[i].says_too)))
			fail_msg("%s: %s", numbers[i].name, s ? s->text : "nothing");
		finish(f);
	}
}

/* The number that each side is shown stands in the record; the next target gets its own. */
static void
test_each_target(void **state)
{
	struct fake *f = rig_up();
	struct call *c;

	(void)state;
	rig_trunk(f, "gw1")->rewrite_out = STR("calling +1 ->\ncalled +1 -> 9");
	rig_trunk(f, "gw2")->rewrite_out = STR("calling +1555 -> 8");
	rig_world(f);
	(void)rig_invite(f, &(struct invite){0});
	c = rig_call(f);
	assert_string_equal(c->rec.from_sent, "5551230000");
	assert_string_equal(c->rec.to_sent, "95552223333");
	fake_answer(f, rig_out(f), 503, "gw", "", "");
	assert_string_equal(c->rec.from_sent, "81230000");
	assert_string_equal(c->rec.to_sent, "+15552223333");
	assert_says(rig_sent(f, SENT_REQUEST, 0), "From: <sip:81230000@10.0.0.1>");
	finish(f);
}

#define OF_THE_PBX                                                                                 \
	"Subject: one\r\n two\r\ns: \xff\r\nUser-to-User: x\r\nX-Mine: 1\r\nAlert-Info: <a>\r\n"

static void
test_headers_up(void **state)
{
	struct fake *f = rig_up();
	struct sent *s;

	(void)state;
	rig_trunk(f, "acme-pbx")->headers_in =
		STR("remove Alert-Info\nadd X-From: {account} {zone}");
	rig_trunk(f, "acme-pbx")->headers_out = STR("add X-Not: 1");
	rig_trunk(f, "gw1")->headers_out =
		STR("replace Subject: for {called}\nadd P-Charge-Info: <sip:{calling}@x>\n"
		    "remove P-Asserted-Identity");
	rig_trunk(f, "gw1")->headers_in = STR("add X-Not: 2");
	rig_world(f);
	(void)rig_invite(f, &(struct invite){.more = OF_THE_PBX
					     "P-Asserted-Identity: <sip:+15551230000@x>\r\n"});
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_says(s, "\r\nSubject: for +15552223333\r\n");
	assert_says(s, "\r\nP-Charge-Info: <sip:+15551230000@x>\r\n");
	assert_says(s, "\r\nUser-to-User: x\r\n");
	assert_says(s, "\r\nX-From: acme \r\n"); /* a plain carrier has no zone */
	assert_silent(s, " two");
	assert_silent(s, "\r\ns: ");
	assert_silent(s, "Alert-Info");
	assert_silent(s, "X-Mine"); /* a customer's own never cross */
	assert_silent(s, "X-Not");
	assert_silent(s, "P-Asserted-Identity");
	finish(f);
}

/* Answers and later requests: what is there is changed, nothing is added. */
static void
test_headers_later(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p;
	struct sent *s;

	(void)state;
	rig_trunk(f, "acme-pbx")->headers_out =
		STR("remove X-Route\nreplace X-Name: {account}\nadd X-More: 1");
	rig_trunk(f, "gw1")->headers_in = STR("remove Organization");
	rig_world(f);
	p = rig_ringing(f);
	fake_answer(f, p.b, 200, "gw",
		    GW_CONTACT
		    "X-Route: 1\r\nX-Route: 2\r\nX-Name: other\r\nX-Stays: \xfc\r\n\t1\r\n"
		    "Organization: gw\r\n",
		    GW_BODY);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 200);
	assert_says(s, "\r\nX-Name: acme\r\n");
	assert_says(s, "\r\nX-Stays: \xfc\r\n\t1\r\n");
	assert_silent(s, "X-Route");
	assert_silent(s, "Organization");
	assert_silent(s, "X-More");
	finish(f);
}

/* A call for help keeps what it came with; what a carrier asks for besides is added. */
static void
test_headers_emergency(void **state)
{
	struct fake *f = rig_up();
	struct sent *s;

	(void)state;
	rig_in_clear(f);
	rig_trunk(f, "gw1")->headers_out =
		STR("remove Subject\nreplace User-to-User: y\nadd X-Key: 7\n"
		    "remove P-Asserted-Identity");
	rig_world(f);
	(void)rig_invite(f, &(struct invite){.uri = "sip:911@x",
					     .body = PBX_CLEAR,
					     .more = "Subject: fire\r\nUser-to-User: x\r\n"});
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_says(s, "INVITE sip:911@10.0.0.9");
	assert_says(s, "\r\nSubject: fire\r\n");
	assert_says(s, "\r\nUser-to-User: x\r\n");
	assert_says(s, "\r\nX-Key: 7\r\n");
	assert_says(s, "\r\nP-Asserted-Identity: ");
	finish(f);
}

/* ---- verstat ---- */

#define SAID "TN-Validation-Passed"

static void
test_verstat(void **state)
{
	static const struct {
		const char *name;
		enum trunk_verstat gw, pbx;
		const char *from, *more;
		const char *says, *silent;
	} rows[] = {
		{"both pass", TRUNK_VERSTAT_PASS, TRUNK_VERSTAT_PASS,
		 "sip:+15557776666;verstat=" SAID "@gw",
		 "P-Asserted-Identity: <sip:+15557776666;verstat=" SAID "@gw>\r\n",
		 "From: <sip:+15557776666;verstat=" SAID "@192.0.2.1>", "none"},
		{"both pass, what is asserted", TRUNK_VERSTAT_PASS, TRUNK_VERSTAT_PASS,
		 "sip:+15557776666@gw",
		 "P-Asserted-Identity: <sip:+15557776666;verstat=" SAID "@gw>\r\n",
		 "P-Asserted-Identity: <sip:+15557776666;verstat=" SAID "@gw>\r\n",
		 "From: <sip:+15557776666;verstat"},
		{"the carrier is not believed", TRUNK_VERSTAT_STRIP, TRUNK_VERSTAT_PASS,
		 "sip:+15557776666;verstat=" SAID "@gw",
		 "P-Asserted-Identity: \"a, b\" <sip:+15557776666;x=1;VERSTAT=" SAID
		 ";y@gw;verstat=" SAID ";user=phone>;z\r\n",
		 "P-Asserted-Identity: \"a, b\" <sip:+15557776666;x=1;y@gw;user=phone>;z\r\n",
		 "TN-"},
		{"the PBX does not know it", TRUNK_VERSTAT_PASS, TRUNK_VERSTAT_STRIP,
		 "sip:+15557776666;verstat=" SAID "@gw",
		 "P-Asserted-Identity: <tel:+15557776666;verstat=" SAID ">\r\n",
		 "P-Asserted-Identity: <tel:+15557776666>\r\n", "TN-"},
		{"nobody asks for it", TRUNK_VERSTAT_STRIP, TRUNK_VERSTAT_STRIP,
		 "sip:+15557776666;verstat=" SAID "@gw",
		 "Remote-Party-ID: sip:+15557776666@gw;verstat=" SAID ";party=calling\r\n",
		 "Remote-Party-ID: sip:+15557776666@gw;party=calling\r\n", "TN-"},
		{"not a word", TRUNK_VERSTAT_PASS, TRUNK_VERSTAT_PASS,
		 "sip:+15557776666;verstat=a&b@gw", "", "From: <sip:+15557776666@192.0.2.1>",
		 "a&b"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct sent *s;

		rig_trunk(f, "gw1")->verstat = rows[i].gw;
		rig_trunk(f, "acme-pbx")->verstat = rows[i].pbx;
		rig_world(f);
		(void)rig_invite(f, &(struct invite){.trunk = "gw1",
						     .uri = "sip:+15551230000@x",
						     .from = rows[i].from,
						     .more = rows[i].more});
		s = rig_sent(f, SENT_REQUEST, 0);
		if (!rig_says(s, rows[i].says) || rig_says(s, rows[i].silent))
			fail_msg("%s: %s", rows[i].name, s ? s->text : "nothing");
		finish(f);
	}
}

/* A customer's own word never goes on, whatever the trunks say. */
static void
test_verstat_of_customer(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	rig_trunk(f, "gw1")->verstat = TRUNK_VERSTAT_PASS;
	rig_trunk(f, "acme-pbx")->verstat = TRUNK_VERSTAT_PASS;
	rig_world(f);
	(void)rig_invite(
		f, &(struct invite){.from = "sip:+15551230000;verstat=" SAID "@pbx",
				    .more = "P-Asserted-Identity: <sip:+15551230000;verstat=" SAID
					    "@pbx>\r\n"});
	assert_says(rig_sent(f, SENT_REQUEST, 0), "INVITE ");
	assert_says(rig_sent(f, SENT_REQUEST, 0),
		    "P-Asserted-Identity: <sip:+15551230000@10.0.0.1>");
	assert_silent(rig_sent(f, SENT_REQUEST, 0), "erstat");
	finish(f);
}

/* ---- Identity ---- */

#define SIGNED "Identity: eyJ.e30.sig;info=<https://c.example/a.pem>;alg=ES256;ppt=shaken\r\n"
#define DATED "Date: Sun, 22 Nov 2026 08:00:00 GMT\r\n"

static void
test_identity(void **state)
{
	static const struct {
		const char *name;
		const char *gw_headers, *gw_rewrite, *pbx_headers, *pbx_rewrite;
		const char *uri, *from, *more;
		enum call_identity want;
	} rows[] = {
		{"all as it came", .more = SIGNED DATED, .want = IDENTITY_PASSED},
		{"national numbers", .uri = "sip:5551230000@x", .from = "sip:5557776666@gw",
		 .more = SIGNED, .want = IDENTITY_PASSED},
		{"compact", .more = "y: eyJ.e30.sig;info=<https://c.example/a.pem>\r\n",
		 .want = IDENTITY_PASSED},
		{"none", .more = DATED, .want = IDENTITY_NONE},
		{"called changed by us", .pbx_rewrite = "called +1555123 ->", .more = SIGNED DATED,
		 .want = IDENTITY_CALLED},
		{"called changed, in", .uri = "sip:775551230000@x", .gw_rewrite = "called 77 -> +1",
		 .more = SIGNED, .want = IDENTITY_CALLED},
		{"calling changed", .pbx_rewrite = "calling +1 ->", .more = SIGNED,
		 .want = IDENTITY_CALLING},
		{"calling is no number", .from = "sip:alice@gw", .more = SIGNED,
		 .want = IDENTITY_CALLING},
		{"Date removed", .gw_headers = "remove Date", .more = SIGNED DATED,
		 .want = IDENTITY_DATE},
		{"no Date to remove", .gw_headers = "remove Date", .more = SIGNED,
		 .want = IDENTITY_PASSED},
		{"asserted one removed", .pbx_headers = "remove P-Asserted-Identity",
		 .more = SIGNED "P-Asserted-Identity: <sip:+15557776666@gw>\r\n",
		 .want = IDENTITY_ASSERTED},
		{"removed itself", .pbx_headers = "remove y", .more = SIGNED DATED,
		 .want = IDENTITY_RULE},
		{"withheld", .more = SIGNED "Privacy: id\r\n", .want = IDENTITY_PRIVACY},
		{"other rules", .gw_headers = "remove Subject", .pbx_rewrite = "calling 9 ->",
		 .more = SIGNED DATED, .want = IDENTITY_PASSED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct sent *s;
		bool there;

		rig_trunk(f, "gw1")->headers_in = str_from(or_else(rows[i].gw_headers, ""));
		rig_trunk(f, "gw1")->rewrite_in = str_from(or_else(rows[i].gw_rewrite, ""));
		rig_trunk(f, "acme-pbx")->headers_out = str_from(or_else(rows[i].pbx_headers, ""));
		rig_trunk(f, "acme-pbx")->rewrite_out = str_from(or_else(rows[i].pbx_rewrite, ""));
		rig_world(f);
		(void)rig_invite(
			f, &(struct invite){.trunk = "gw1",
					    .uri = or_else(rows[i].uri, "sip:+15551230000@x"),
					    .from = or_else(rows[i].from, "sip:+15557776666@gw"),
					    .more = rows[i].more});
		s = rig_sent(f, SENT_REQUEST, 0);
		there = rig_says(s, "eyJ.e30.sig");
		if (rig_call(f)->rec.identity != rows[i].want ||
		    there != (rows[i].want == IDENTITY_PASSED))
			fail_msg("%s: %s: %s", rows[i].name,
				 call_identity_text((enum call_identity)rig_call(f)->rec.identity),
				 s ? s->text : "nothing");
		finish(f);
	}
}

static void
test_identity_of_customer(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	(void)rig_invite(f, &(struct invite){.more = SIGNED});
	assert_silent(rig_sent(f, SENT_REQUEST, 0), "Identity: eyJ");
	assert_int_equal(rig_call(f)->rec.identity, IDENTITY_UNTRUSTED);
	finish(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_each_target),
		cmocka_unit_test(test_headers_up),
		cmocka_unit_test(test_headers_later),
		cmocka_unit_test(test_headers_emergency),
		cmocka_unit_test(test_verstat),
		cmocka_unit_test(test_verstat_of_customer),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_identity_of_customer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
