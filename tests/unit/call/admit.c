/* call/admit: who may call whom, and how that is refused. Emergency first. */
#include "rig.h"

#include "base/clock.h"

/* What is changed before the INVITE comes. */
enum twist {
	AS_IT_IS,
	ACCOUNT_OFF,
	TLS_READY,
	TRUNK_OFF,
	NO_CLASS,
	NO_CARRIER,
	CALLED_OFF,
	CALLED_CLASS,
	CALLED_TLS,
	DRAIN,
	ATTEMPTS,
	NODE_ATTEMPTS,
	ACCOUNT_CALLS,
	TRUNK_CALLS,
	TRUNK_ATTEMPTS,
	TARGET_ATTEMPTS,
	NODE_CALLS,
	NODE_NEARLY_FULL,
	ABROAD,
	STATUS_486,
	STATUS_603,
	PARENT_CALLS,
	PARENT_ATTEMPTS,
	ALL_OF_IT,
};

static void
apply(struct fake *f, enum twist c)
{
	struct roster_account *acme = rig_account(f, "acme");

	acme->attempts = c == ATTEMPTS ? 1 : 0;
	acme->max_calls =
		c == ACCOUNT_CALLS || c == STATUS_486 || c == STATUS_603 || c == ALL_OF_IT ? 1 : 0;
	acme->limit_status = c == STATUS_486 ? 486 : c == STATUS_603 ? 603 : ACCOUNT_LIMIT_STATUS;
	if (c == ABROAD) {
		acme->services |= CLASS_INTERNATIONAL;
		acme->countries = STR("44,1876");
	}
	if (c == PARENT_CALLS || c == PARENT_ATTEMPTS) {
		acme->parent = STR("beta");
		rig_account(f, "beta")->max_calls = c == PARENT_CALLS ? 1 : 0;
		rig_account(f, "beta")->attempts = c == PARENT_ATTEMPTS ? 1 : 0;
	}
	acme->enabled = c != ACCOUNT_OFF && c != CALLED_OFF && c != ALL_OF_IT;
	acme->tls_srtp = c == TLS_READY || c == CALLED_TLS ? TLS_SRTP_READY : TLS_SRTP_ON;
	if (c == NO_CLASS || c == CALLED_CLASS)
		acme->services = CLASS_TOLL_FREE;
	rig_trunk(f, "acme-pbx")->enabled = c != TRUNK_OFF;
	rig_trunk(f, "acme-pbx")->max_calls = c == TRUNK_CALLS ? 1 : 0;
	rig_trunk(f, "acme-pbx")->attempts = c == TRUNK_ATTEMPTS ? 1 : 0;
	rig_trunk(f, "gw1")->attempts = c == TARGET_ATTEMPTS ? 1 : 0;
	if (c == NO_CARRIER || c == TARGET_ATTEMPTS)
		rig_trunk(f, "gw2")->enabled = false;
	if (c == NO_CARRIER)
		rig_trunk(f, "gw1")->enabled = false;
	f->calls.conf.max_attempts = c == NODE_ATTEMPTS ? 1 : 0;
	if (c == NODE_CALLS)
		f->calls.limit.max_calls = 1;
	if (c == NODE_NEARLY_FULL)
		f->calls.conf.max_calls = 8;
	rig_world(f);
	if (c == DRAIN || c == ALL_OF_IT)
		calls_drain(&f->calls);
}

static const struct {
	const char *name;
	enum twist change;
	int before; /* INVITEs that come first */
	struct invite v;
	int status; /* 0: goes through */
	enum refusal why;
} rows[] = {
	{"as it is", AS_IT_IS, 0, {0}, 0, 0},
	{"toll free", AS_IT_IS, 0, {.uri = "sip:18005551234@x"}, 0, 0},
	{"emergency", AS_IT_IS, 0, {.uri = "sip:911@x"}, 500, REFUSAL_EMERGENCY},
	{"emergency, draining, off, full",
	 ALL_OF_IT,
	 0,
	 {.uri = "sip:911@x"},
	 500,
	 REFUSAL_EMERGENCY},
	{"emergency, no hops",
	 AS_IT_IS,
	 0,
	 {.uri = "sip:911@x", .zero_forwards = true},
	 500,
	 REFUSAL_EMERGENCY},
	{"emergency, no SDP",
	 AS_IT_IS,
	 0,
	 {.uri = "sip:911@x", .body = ""},
	 500,
	 REFUSAL_EMERGENCY},
	{"letters", AS_IT_IS, 0, {.uri = "sip:bob@x"}, 484, REFUSAL_NUMBER},
	{"no user", AS_IT_IS, 0, {.uri = "sip:x.example"}, 484, REFUSAL_NUMBER},
	{"short code", AS_IT_IS, 0, {.uri = "sip:12@x"}, 484, REFUSAL_NUMBER},
	{"emergency by URN", AS_IT_IS, 0, {.uri = "urn:service:sos"}, 500, REFUSAL_EMERGENCY},
	{"9115551234 is none", AS_IT_IS, 0, {.uri = "sip:9115551234@x"}, 0, 0},
	{"988", NO_CLASS, 0, {.uri = "sip:988@x"}, 0, 0},
	{"411", NO_CLASS, 0, {.uri = "sip:411@x"}, 0, 0},
	{"toll free is termination",
	 NO_CLASS,
	 0,
	 {.uri = "sip:18005551234@x"},
	 403,
	 REFUSAL_CLASS_OFF},
	{"premium", ABROAD, 0, {.uri = "sip:19005551234@x"}, 403, REFUSAL_CLASS_OFF},
	{"premium 976", AS_IT_IS, 0, {.uri = "sip:2129765550@x"}, 403, REFUSAL_CLASS_OFF},
	{"Canada", AS_IT_IS, 0, {.uri = "sip:4165550123@x"}, 403, REFUSAL_CLASS_OFF},
	{"a country of the list", ABROAD, 0, {.uri = "sip:+442071234567@x"}, 0, 0},
	{"Jamaica of the list", ABROAD, 0, {.uri = "sip:8765550123@x"}, 0, 0},
	{"a country beside the list",
	 ABROAD,
	 0,
	 {.uri = "sip:+492071234567@x"},
	 403,
	 REFUSAL_COUNTRY},
	{"Canada beside the list", ABROAD, 0, {.uri = "sip:4165550123@x"}, 403, REFUSAL_COUNTRY},
	{"NUL in the number", AS_IT_IS, 0, {.uri = "sip:+1555%00222@x"}, 484, REFUSAL_NUMBER},
	{"CRLF in the number", AS_IT_IS, 0, {.uri = "sip:+1555%0d%0a222@x"}, 484, REFUSAL_NUMBER},
	{"international", AS_IT_IS, 0, {.uri = "sip:+442071234567@x"}, 403, REFUSAL_CLASS_OFF},
	{"international by 011",
	 AS_IT_IS,
	 0,
	 {.uri = "sip:011442071234567@x"},
	 403,
	 REFUSAL_CLASS_OFF},
	{"hops", AS_IT_IS, 0, {.zero_forwards = true}, 483, REFUSAL_HOPS},
	{"require", AS_IT_IS, 0, {.more = "Require: precondition\r\n"}, 420, REFUSAL_EXTENSION},
	{"proxy require", AS_IT_IS, 0, {.more = "Proxy-Require: x\r\n"}, 420, REFUSAL_EXTENSION},
	{"privacy required, which we have",
	 AS_IT_IS,
	 0,
	 {.more = "Privacy: id\r\nProxy-Require: privacy\r\n"},
	 0,
	 0},
	{"no contact", AS_IT_IS, 0, {.contact = ""}, 400, REFUSAL_SDP},
	{"account off", ACCOUNT_OFF, 0, {0}, 403, REFUSAL_ACCOUNT_OFF},
	{"TLS not on yet", TLS_READY, 0, {0}, 403, REFUSAL_TLS_OFF},
	{"trunk off", TRUNK_OFF, 0, {0}, 403, REFUSAL_ACCOUNT_OFF},
	{"class off", NO_CLASS, 0, {0}, 403, REFUSAL_CLASS_OFF},
	{"no carrier", NO_CARRIER, 0, {0}, 404, REFUSAL_NO_ROUTE},
	{"no such number",
	 AS_IT_IS,
	 0,
	 {.trunk = "gw1", .uri = "sip:+15550001111@x"},
	 404,
	 REFUSAL_NO_NUMBER},
	{"called is off",
	 CALLED_OFF,
	 0,
	 {.trunk = "gw1", .uri = "sip:+15551230000@x"},
	 403,
	 REFUSAL_ACCOUNT_OFF},
	{"called has no such class",
	 CALLED_CLASS,
	 0,
	 {.trunk = "gw1", .uri = "sip:+15551230000@x"},
	 403,
	 REFUSAL_CLASS_OFF},
	{"called is not on yet",
	 CALLED_TLS,
	 0,
	 {.trunk = "gw1", .uri = "sip:+15551230000@x"},
	 403,
	 REFUSAL_TLS_OFF},
	{"disabled account's number",
	 AS_IT_IS,
	 0,
	 {.trunk = "gw1", .uri = "sip:+15558880000@x"},
	 403,
	 REFUSAL_ACCOUNT_OFF},
	{"A3: a number of another account as the caller's",
	 AS_IT_IS,
	 0,
	 {.from = "sip:+15558880000@x"},
	 403,
	 REFUSAL_CALLER},
	{"draining", DRAIN, 0, {0}, 503, REFUSAL_DRAINING},
	{"attempts of the account", ATTEMPTS, 1, {0}, 480, REFUSAL_ATTEMPTS},
	{"attempts of all", NODE_ATTEMPTS, 1, {0}, 503, REFUSAL_RATE},
	{"calls of the account", ACCOUNT_CALLS, 1, {0}, 480, REFUSAL_LIMIT},
	{"calls of the account, 486", STATUS_486, 1, {0}, 486, REFUSAL_LIMIT},
	{"calls of the account, 603", STATUS_603, 1, {0}, 603, REFUSAL_LIMIT},
	{"calls of the called account",
	 ACCOUNT_CALLS,
	 1,
	 {.trunk = "gw1", .uri = "sip:+15551230000@x"},
	 480,
	 REFUSAL_LIMIT},
	{"most of what the node can have", NODE_NEARLY_FULL, 7, {0}, 503, REFUSAL_CALL_SHARE},
	{"just below it", NODE_NEARLY_FULL, 6, {0}, 0, 0},
	{"another account meanwhile",
	 NODE_NEARLY_FULL,
	 7,
	 {.trunk = "beta-pbx", .from = "sip:+15559990000@x"},
	 0,
	 0},
	{"a carrier meanwhile", AS_IT_IS, 14, {.trunk = "gw1", .uri = "sip:+15551230000@x"}, 0, 0},
	{"calls of the parent", PARENT_CALLS, 1, {0}, 480, REFUSAL_LIMIT},
	{"attempts of the parent", PARENT_ATTEMPTS, 1, {0}, 480, REFUSAL_ATTEMPTS},
	{"calls of the trunk", TRUNK_CALLS, 1, {0}, 480, REFUSAL_LIMIT},
	{"attempts of the trunk", TRUNK_ATTEMPTS, 1, {0}, 480, REFUSAL_ATTEMPTS},
	{"calls of the node", NODE_CALLS, 1, {0}, 503, REFUSAL_NO_RECORD},
};

/* The account that a CDR is filed under. */
static const char *
cdr_account(const struct call_record *r)
{
	return r->leg[LEG_A].account.z[0] ? r->leg[LEG_A].account.z : r->leg[LEG_B].account.z;
}

static void
each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct sent *s;
		uint32_t n;

		apply(f, rows[i].change);
		for (int k = 0; k < rows[i].before; k++)
			(void)rig_invite(f, &(struct invite){.call_id = k ? "b2@x" : "b1@x"});
		n = f->n_sent;
		(void)rig_invite(f, &rows[i].v);
		if (rows[i].status == 0) {
			assert_non_null(rig_sent(f, SENT_REQUEST, 0));
		} else {
			s = rig_sent(f, SENT_RESPONSE, 0);
			if (!s || f->n_sent != n + 1 || s->status != rows[i].status ||
			    rig_cdr(f)->refusal != rows[i].why ||
			    rig_cdr(f)->sip_status != rows[i].status)
				fail_msg("%s: %s", rows[i].name, s ? s->text : "no answer");
			assert_int_equal(f->n_ended, 1);
			assert_says(s, "Warning: 399 postern \"");
			assert_says(s, rig_cdr(f)->id.z);
			assert_says(s, rig_cdr(f)->refusal_detail[0] ? rig_cdr(f)->refusal_detail
								     : refusal_text(rows[i].why));
			if (rows[i].why == REFUSAL_TLS_OFF)
				assert_string_not_equal(cdr_account(rig_cdr(f)), "");
			assert_int_equal(rig_cdr(f)->ended_by, ENDER_POSTERN);
			assert_int_equal(rig_says(s, "Retry-After"), s->status == 503);
			assert_int_equal(rig_says(s, "Unsupported: "), s->status == 420);
		}
		(void)calls_stop(&f->calls, f->now);
		fake_run(f, 3 * B2BUA_RING_US);
		rig_down(f);
	}
}

/* The called trunk has its share of attempts, and there is no other one. */
static void
attempts_of_target(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	apply(f, TARGET_ATTEMPTS);
	(void)rig_invite(f, &(struct invite){.call_id = "b1@x"});
	assert_non_null(rig_sent(f, SENT_REQUEST, 0));
	(void)rig_invite(f, &(struct invite){.call_id = "b2@x"});
	assert_null(rig_sent(f, SENT_REQUEST, 1));
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 480);
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 3 * B2BUA_RING_US);
	rig_down(f);
}

/* The record of a refused call says what was asked. */
static void
record_of_refused(void **state)
{
	struct fake *f = rig_up();
	const struct call_record *r;

	(void)state;
	(void)rig_invite(f, &(struct invite){.uri = "sip:911@x"});
	r = rig_cdr(f);
	assert_string_equal(r->to_received, "911");
	assert_string_equal(r->from_received, "+15551230000");
	assert_string_equal(r->leg[LEG_A].account.z, "acme");
	assert_string_equal(r->leg[LEG_A].trunk.z, "acme-pbx");
	assert_string_equal(r->leg[LEG_A].tls_version, "TLSv1.2");
	assert_string_equal(r->leg[LEG_A].tls_suite, "AES128-SHA");
	assert_string_equal(r->leg[LEG_A].peer, "pbx.acme.example");
	assert_int_equal(r->class, CLASS_EMERGENCY);
	assert_true(r->invite_us && r->end_us && !r->answer_us && !r->ringing_us);
	rig_down(f);
}

/* What is sent on is the number, never the string as it came (A5, P6). */
static void
caller_shown(void **state)
{
	static const struct {
		const char *from, *fallback, *want;
	} r[] = {
		{"sip:+15551230000@x", "", "From: <sip:+15551230000@10.0.0.1>;tag="},
		{"sip:5551230000@x", "", "From: <sip:+15551230000@10.0.0.1>;tag="},
		{"sip:anonymous@x", "", "From: <sip:anonymous@anonymous.invalid>;tag="},
		{"sip:anonymous@x", "+15551239999", "From: <sip:anonymous@anonymous.invalid>;tag="},
		{"sip:x.example", "", "From: <sip:+15551230000@10.0.0.1>;tag="},
		{"sip:x.example", "+15551239999", "From: <sip:+15551239999@10.0.0.1>;tag="},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		struct fake *f = rig_up();

		rig_trunk(f, "acme-pbx")->caller = str_from(r[i].fallback);
		rig_world(f);
		(void)rig_invite(f, &(struct invite){.from = r[i].from});
		assert_says(rig_sent(f, SENT_REQUEST, 0), r[i].want);
		assert_silent(rig_sent(f, SENT_REQUEST, 0), "\nRoute");
		(void)calls_stop(&f->calls, f->now);
		fake_run(f, 3 * B2BUA_RING_US);
		rig_down(f);
	}
}

/* CDRs wait: what is refused at once leaves none, everything else does. */
static void
records_scarce(void **state)
{
	static const struct {
		const char *name, *uri;
		int target; /* its answer */
		bool kept;
	} r[] = {
		{"a number that is none", "sip:12@x", 0, false},
		{"for help, over TLS", "sip:911@x", 0, false},
		{"refused by the target", NULL, 486, true},
		{"answered", NULL, 200, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		struct fake *f = rig_up();

		f->scarce = true;
		print_message("# %s\n", r[i].name);
		(void)rig_invite(f, &(struct invite){.uri = r[i].uri, .body = PBX_OFFER});
		for (int k = 0; r[i].target && k < 2 && rig_out(f) && !rig_out(f)->final; k++)
			fake_answer(f, rig_out(f), r[i].target, "gw", GW_CONTACT,
				    r[i].target == 200 ? GW_BODY : "");
		rig_settle(f);
		assert_int_equal(f->n_dropped, !r[i].kept);
		assert_int_equal(f->n_emergencies, i == 1);
		rig_end(f, r[i].kept);
	}
}

/* What is told of an emergency call: carried only where an INVITE went out. */
static void
emergency_told(void **state)
{
	static const struct {
		const char *name, *body, *says;
		bool tls, no_port, no_send, lost;
	} r[] = {
		{.name = "carried", .says = "carried over a clear trunk"},
		{.name = "no port",
		 .no_port = true,
		 .says = "refused: no free media port",
		 .lost = true},
		{.name = "bad SDP", .body = "v=1\r\n", .says = "refused: ", .lost = true},
		{.name = "no SDP", .body = "", .says = "carried over a clear trunk"},
		{.name = "not sent", .no_send = true, .says = "refused: ", .lost = true},
		{.name = "TLS", .tls = true, .says = "refused: it came over TLS"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		struct fake *f = rig_up();

		if (!r[i].tls)
			rig_in_clear(f);
		f->no_port = r[i].no_port;
		f->no_send = r[i].no_send;
		(void)rig_invite(f, &(struct invite){.uri = "sip:911@x",
						     .body = r[i].body ? r[i].body : PBX_CLEAR});
		if (f->n_emergencies != 1 || f->emergency_lost != r[i].lost ||
		    (f->help == CALL_HELP_CARRIED) != (strncmp(r[i].says, "carried", 7) == 0) ||
		    strncmp(f->emergency, r[i].says, strlen(r[i].says)) != 0)
			fail_msg("%s: %u, %s", r[i].name, f->n_emergencies, f->emergency);
		(void)calls_stop(&f->calls, f->now);
		fake_run(f, 3 * B2BUA_RING_US);
		rig_down(f);
	}
}

/* It was sent, but nothing could be reached; or the caller hung up before an answer. */
static void
emergency_unreachable(void **state)
{
	struct fake *f = rig_up();
	struct edge_txn *a;

	(void)state;
	rig_in_clear(f);
	(void)rig_invite(f, &(struct invite){.uri = "sip:911@x", .body = PBX_CLEAR});
	for (int i = 0; i < 2; i++) /* gw1, gw2 */
		fake_news(f, rig_out(f),
			  &(struct edge_news){.event = EDGE_FAILED, .last = true, .err = ERR_IO});
	assert_int_equal(f->n_emergencies, 3);
	assert_true(f->emergency_lost);
	a = rig_invite(f,
		       &(struct invite){.uri = "sip:911@x", .body = PBX_CLEAR, .call_id = "2@x"});
	rig_cancel(f, a);
	assert_int_equal(f->n_emergencies, 4);
	assert_string_equal(f->emergency, "carried over a clear trunk");
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 3 * B2BUA_RING_US);
	rig_down(f);
}

/* What refuses another call, and no emergency call on a clear trunk (docs/decisions/020). */
static void
emergency_goes_through(void **state)
{
	static const struct {
		const char *name, *more, *contact;
		bool zero_forwards, draining, only_spare, tls;
		int status, other; /* of a final answer; 0: it goes out */
		const char *says;
	} r[] = {
		{.name = "Max-Forwards 0",
		 .zero_forwards = true,
		 .other = 483,
		 .says = "Max-Forwards: 10\r\n"},
		{.name = "Require", .more = "Require: foo, 199\r\n", .other = 420},
		{.name = "Proxy-Require", .more = "Proxy-Require: privacy, foo\r\n", .other = 420},
		{.name = "no Contact", .contact = "", .other = 400},
		{.name = "Contact of no use", .contact = "Contact: <tel:911>\r\n", .other = 400},
		{.name = "Record-Route of no use",
		 .contact = "Contact: <sip:a@b>\r\nRecord-Route: <tel:1>\r\n",
		 .other = 400},
		{.name = "draining", .draining = true, .other = 503},
		{.name = "ports and OPENs", .only_spare = true, .other = 503},
		{.name = "TLS, draining",
		 .draining = true,
		 .tls = true,
		 .status = 500,
		 .other = 503},
		{.name = "TLS, Require",
		 .more = "Require: foo\r\n",
		 .tls = true,
		 .status = 500,
		 .other = 420},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(r); i++) {
		bool other = i % 2;
		int want = other ? r[i / 2].other : r[i / 2].status;
		struct invite v = {.uri = other ? "sip:+15552223333@x" : "sip:911@x",
				   .body = r[i / 2].tls ? PBX_OFFER : PBX_CLEAR,
				   .more = r[i / 2].more,
				   .contact = r[i / 2].contact,
				   .zero_forwards = r[i / 2].zero_forwards};
		struct fake *f = rig_up();
		const struct edge_txn *a;

		if (!r[i / 2].tls)
			rig_in_clear(f);
		if (r[i / 2].draining)
			calls_drain(&f->calls);
		f->only_spare = r[i / 2].only_spare;
		a = rig_invite(f, &v);
		if (a->status != want || rig_count(f, SENT_REQUEST, SIP_INVITE) != (want == 0))
			fail_msg("%s: %d instead of %d", r[i / 2].name, a->status, want);
		if (!want && r[i / 2].says)
			assert_says(rig_sent(f, SENT_REQUEST, 0), r[i / 2].says);
		if (!want) {
			assert_silent(rig_sent(f, SENT_REQUEST, 0), "equire:");
			assert_true(rig_sent(f, SENT_REQUEST, 0)->dest.emergency);
		}
		(void)calls_stop(&f->calls, f->now);
		fake_run(f, 3 * B2BUA_RING_US);
		rig_down(f);
	}
}

/* A call that has gone round is not sent round for ever; nor does it keep others from their way. */
static void
emergency_goes_round(void **state)
{
	struct invite v = {.uri = "sip:911@x", .body = PBX_CLEAR, .zero_forwards = true};
	struct fake *f = rig_up();

	(void)state;
	rig_in_clear(f);
	assert_int_equal(rig_invite(f, &v)->status, 0);
	v.call_id = "2@x";
	assert_int_equal(rig_invite(f, &v)->status, 483);
	fake_answer(f, rig_out(f), 486, "gw", "", ""); /* over, but for media's last counters */
	v.call_id = "2b@x";
	assert_int_equal(rig_invite(f, &v)->status, 0);
	v.call_id = "3@x";
	v.from = "sip:+15551239999@x"; /* somebody else */
	assert_int_equal(rig_invite(f, &v)->status, 0);
	v.call_id = "4@x";
	v.zero_forwards = false;
	assert_int_equal(rig_invite(f, &v)->status, 0);
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 3 * B2BUA_RING_US);
	v.call_id = "5@x";
	v.from = NULL;
	v.zero_forwards = true; /* the first one is over */
	assert_int_equal(rig_invite(f, &v)->status, 0);
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 3 * B2BUA_RING_US);
	rig_down(f);
}

/* The stop ends other calls first, and an emergency call only with the last of its time. */
static void
emergency_outlasts_others(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	rig_in_clear(f);
	(void)rig_invite(f, &(struct invite){.body = PBX_CLEAR});
	(void)rig_invite(f,
			 &(struct invite){.uri = "sip:911@x", .body = PBX_CLEAR, .call_id = "2@x"});
	assert_int_equal(calls_stop_ordinary(&f->calls, f->now), 2);
	fake_answer(f, &f->txn[1], 487, "gw", "", ""); /* of what was cancelled */
	fake_run(f, 3 * CLOCK_S);
	assert_int_equal(calls_stop_ordinary(&f->calls, f->now), 1);
	assert_int_equal(rig_call(f)->rec.class, CLASS_EMERGENCY);
	assert_int_equal(rig_call(f)->m.state, B2BUA_TRYING);
	(void)calls_stop(&f->calls, f->now);
	fake_run(f, 3 * B2BUA_RING_US);
	rig_down(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(attempts_of_target),
		cmocka_unit_test(record_of_refused),
		cmocka_unit_test(caller_shown),
		cmocka_unit_test(records_scarce),
		cmocka_unit_test(emergency_told),
		cmocka_unit_test(emergency_unreachable),
		cmocka_unit_test(emergency_goes_through),
		cmocka_unit_test(emergency_goes_round),
		cmocka_unit_test(emergency_outlasts_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
