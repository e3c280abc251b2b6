/* call/session: session timers (RFC 4028), the numbers alone and on both legs of calls. */
#include "rig.h"

#include "base/clock.h"

#define S ((uint64_t)CLOCK_S)
#define SE(x) "Session-Expires: " x "\r\n"

/* ---- the numbers ---- */

static void
deadlines(void **state)
{
	static const struct {
		uint32_t interval;
		bool ours;
		uint64_t due, expire; /* seconds */
	} rows[] = {
		{1800, true, 900, 1768}, {1800, false, 1768, 1768}, {90, true, 45, 60},
		{90, false, 60, 60},     {96, false, 64, 64},
	};
	struct session s = {0};

	(void)state;
	assert_int_equal(session_due(&s), TIMER_NEVER);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		session_set(&s, rows[i].interval, rows[i].ours, 5 * S);
		assert_int_equal(session_due(&s), (5 + rows[i].due) * S);
		assert_int_equal(session_step(&s, session_due(&s) - 1), SESSION_NOTHING);
		if (rows[i].ours) {
			assert_int_equal(session_step(&s, session_due(&s)), SESSION_REFRESH);
			assert_int_equal(session_due(&s), (5 + rows[i].expire) * S);
			session_retry(&s, 55 * S);
			assert_int_equal(session_due(&s), 55 * S);
			assert_int_equal(session_step(&s, 55 * S), SESSION_REFRESH);
		}
		assert_int_equal(session_step(&s, (5 + rows[i].expire) * S), SESSION_EXPIRED);
		assert_int_equal(session_due(&s), TIMER_NEVER);
	}
}

/* What a request asks, what we answer; what a 2xx says. */
static void
words(void **state)
{
	static const struct {
		const char *name, *headers;
		bool too_short;
		uint32_t answer, agreed;
		bool ours, ours_agreed;
	} rows[] = {
		{"none", "", false, 0, 0, false, false},
		{"plain", SE("600"), false, 600, 600, false, true},
		{"uac", SE("600;refresher=uac"), false, 600, 600, false, true},
		{"uas", SE("600;refresher=uas"), false, 600, 600, true, false},
		{"compact", "x: 600;refresher=uas\r\n", false, 600, 600, true, false},
		{"long", SE("7200"), false, 1800, 7200, false, true},
		{"long, Min-SE", SE("7200") "Min-SE: 3600\r\n", false, 3600, 7200, false, true},
		{"least", SE("90"), false, 90, 90, false, true},
		{"short", SE("89"), true, 90, 90, false, true},
		{"0", SE("0"), true, 90, 0, false, false},
		{"no number", SE("soon"), false, 0, 0, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool ours = false, agreed = false;
		static struct sip_msg m;
		char z[1024];
		int n = snprintf(z, sizeof(z),
				 "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
				 "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x\r\n"
				 "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n%s"
				 "Content-Length: 0\r\n\r\n",
				 rows[i].headers);

		assert_int_equal(sip_msg_parse(str_of(z, (size_t)n), &m), ERR_OK);
		if (session_too_short(&m) != rows[i].too_short ||
		    session_answer(&m, &ours) != rows[i].answer || ours != rows[i].ours ||
		    session_agreed(&m, &agreed) != rows[i].agreed || agreed != rows[i].ours_agreed)
			fail_msg("%s: %u %u", rows[i].name, session_answer(&m, &ours),
				 session_agreed(&m, &agreed));
	}
}

/* ---- calls ---- */

static struct rig_pair
talking(struct fake *f, const char *a, const char *b)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.more = a})};
	char more[256];

	p.b = rig_out(f);
	(void)snprintf(more, sizeof(more), "%s%s", GW_CONTACT, b);
	fake_answer(f, p.b, 200, "gw", more, GW_BODY);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	return p;
}

static void
assert_over(struct fake *f, enum refusal why)
{
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->refusal, why);
	assert_int_equal(rig_cdr(f)->ended_by, ENDER_POSTERN);
}

/* The caller leaves it to us: by UPDATE where it takes that, else by what we said last. */
static void
we_refresh(void **state)
{
	(void)state;
	for (int update = 0; update < 2; update++) {
		struct fake *f = rig_up();
		char body[CALL_SDP_MAX];
		struct sent *s;

		(void)talking(f,
			      update ? SE("600;refresher=uas") "Allow: INVITE, UPDATE\r\n"
				     : SE("600;refresher=uas"),
			      "");
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_says(s, "Session-Expires: 600;refresher=uas\r\n");
		assert_silent(s, "Require: timer");
		(void)snprintf(body, sizeof(body), "%s", strstr(s->text, "\r\n\r\n"));
		fake_run(f, 299 * S);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 1);
		fake_run(f, 2 * S);
		s = rig_sent(f, SENT_REQUEST, 0);
		assert_int_equal(s->method, update ? SIP_UPDATE : SIP_INVITE);
		assert_int_equal(s->dest.transport, EDGE_TLS);
		assert_says(s, "Session-Expires: 600;refresher=uac\r\n");
		assert_says(s, "Supported: timer\r\n");
		assert_string_equal(strstr(s->text, "\r\n\r\n"), update ? "\r\n\r\n" : body);
		/* what its answer says anew counts: address and key */
		fake_answer(
			f, s->txn, 200, "", PBX_CONTACT SE("300;refresher=uac"),
			update ? ""
			       : SDP_HEAD("198.51.100.9") "m=audio 4000 RTP/SAVP 8 101\r\n" SDP_MAPS
							  "a=crypto:7 AES_CM_128_HMAC_SHA1_80 "
							  "inline:" KEY_2 "\r\n");
		assert_int_equal(rig_count(f, SENT_ONCE, SIP_ACK), update ? 1 : 2);
		assert_string_equal(addr_text(&f->port[0].open.rtp).z,
				    update ? "198.51.100.7:4000" : "198.51.100.9:4000");
		assert_int_equal(f->port[0].open.in_serial, update ? 1 : 2);
		fake_run(f, 151 * S);
		assert_int_equal(rig_count(f, SENT_REQUEST, update ? SIP_UPDATE : SIP_INVITE),
				 update ? 2 : 3);
		rig_end(f, 1);
	}
}

/* The peer has to: while it does, the call lives; then it is over shortly before the end. */
static void
peer_refreshes(void **state)
{
	static const char *const more = SE("600;refresher=uac");

	(void)state;
	for (int i = 0; i < 2; i++) {
		enum call_leg_index leg = i ? LEG_B : LEG_A;
		struct fake *f = rig_up();
		struct rig_pair p = talking(f, i ? "" : more, i ? SE("600;refresher=uas") : "");

		if (!i) {
			assert_says(rig_sent(f, SENT_RESPONSE, 0), "Require: timer\r\n");
			assert_says(rig_sent(f, SENT_RESPONSE, 0),
				    "Session-Expires: 600;refresher=uac\r\n");
		}
		fake_run(f, 500 * S);
		(void)rig_inside(f, i ? p.b : p.a, i ? "gw1" : "acme-pbx", "UPDATE", 2, more);
		assert_says(rig_sent(f, SENT_RESPONSE, 0),
			    "Session-Expires: 600;refresher=uac\r\n");
		fake_run(f, 500 * S);
		if (leg == LEG_A)
			(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 3, more, PBX_OFFER);
		else
			(void)rig_inside(f, p.b, "gw1", "UPDATE", 3, more);
		if (leg == LEG_A)
			(void)rig_inside(f, p.a, "acme-pbx", "ACK", 3, "");
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 200);
		fake_run(f, 567 * S);
		assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		fake_run(f, 2 * S);
		assert_over(f, REFUSAL_SESSION);
		rig_end(f, 1);
	}
}

/* The called side wants a longer one: the same target again, with the same key. */
static void
longer(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = {
		.a = rig_invite(f, &(struct invite){.trunk = "gw1",
						    .uri = "sip:+15551230000@10.0.0.1",
						    .from = "sip:+15552223333@10.0.0.9",
						    .contact = GW_CONTACT})};
	struct sent *s = rig_sent(f, SENT_REQUEST, 0);
	char key[64], next[64];

	(void)state;
	assert_says(s, "Session-Expires: 1800\r\n");
	assert_silent(s, "Min-SE");
	assert_says(s, "Supported: timer, 100rel\r\n");
	(void)snprintf(key, sizeof(key), "%.40s", strstr(s->text, "inline:"));
	fake_answer(f, rig_out(f), 422, "pbx", "Min-SE: 3600\r\n", "");
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_int_equal(s->method, SIP_INVITE);
	assert_says(s, "Session-Expires: 3600\r\n");
	assert_says(s, "Min-SE: 3600\r\n");
	(void)snprintf(next, sizeof(next), "%.40s", strstr(s->text, "inline:"));
	assert_string_equal(key, next);
	assert_int_equal(rig_call(f)->rec.n_targets, 1);
	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "pbx", PBX_CONTACT SE("3600;refresher=uac"),
		    PBX_ANSWER("1", "80"));
	(void)rig_inside(f, p.a, "gw1", "ACK", 1, "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	fake_run(f, 1801 * S);
	assert_says(rig_sent(f, SENT_REQUEST, 0), "Session-Expires: 3600;refresher=uac\r\n");
	rig_end(f, 1);
}

/* A 422 that asks for nothing longer, or for too much, is a failure. */
static void
longer_never(void **state)
{
	static const char *const more[] = {"", "Min-SE: 1800\r\n", "Min-SE: 9999999\r\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		struct fake *f = rig_up();

		(void)rig_invite(f, &(struct invite){0});
		fake_answer(f, rig_out(f), 422, "gw", more[i], "");
		assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 500);
		fake_media_closed(f);
		assert_int_equal(f->n_ended, 1);
		fake_run(f, 2 * FAKE_LIFE_US);
		rig_down(f);
	}
}

/* Who always wants a little more gets a few INVITEs, not thousands. */
static void
longer_always(void **state)
{
	struct fake *f = rig_up();
	unsigned asked = 1800, n = 0;
	char least[32];

	(void)state;
	(void)rig_invite(f, &(struct invite){0});
	while (n++ < 20 &&
	       (!rig_sent(f, SENT_RESPONSE, 0) || rig_sent(f, SENT_RESPONSE, 0)->status < 200)) {
		(void)snprintf(least, sizeof(least), "Min-SE: %u\r\n", asked + 1);
		asked = asked < 43200 ? 2 * asked : 86400;
		fake_answer(f, rig_out(f), 422, "gw", least, "");
	}
	assert_in_range(n, 2, 8);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 500);
	fake_media_closed(f);
	fake_run(f, 2 * FAKE_LIFE_US);
	rig_down(f);
}

static void
too_short(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p;

	(void)state;
	(void)rig_invite(f, &(struct invite){.more = SE("60")});
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 422);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "Min-SE: 90\r\n");
	fake_media_closed(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_INTERVAL);
	p = rig_talking(f);
	(void)rig_inside(f, p.a, "acme-pbx", "UPDATE", 2, SE("60"));
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 422);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "Min-SE: 90\r\n");
	(void)calls_stop(&f->calls, f->now);
	rig_settle(f);
	rig_down(f);
}

/* What becomes of our refresh. */
static void
refresh_fails(void **state)
{
	static const struct {
		const char *name;
		unsigned status; /* 0: it could not be sent; 1: nothing comes */
		const char *more;
		uint64_t again_s; /* at the latest; 0: the call ends */
	} rows[] = {
		{"glare", 491, "", 5},
		{"longer", 422, "Min-SE: 900\r\n", 1},
		{"not longer", 422, "Min-SE: 600\r\n", 11},
		{"error", 500, "", 11},
		{"connection", 0, "", 11},
		{"unknown there", 481, "", 0},
		{"silence", 1, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		struct edge_txn *t;

		(void)talking(f, "", SE("600;refresher=uac") "Allow: UPDATE\r\n");
		fake_run(f, 301 * S);
		t = rig_sent(f, SENT_REQUEST, 0)->txn;
		assert_int_equal(t->method, SIP_UPDATE);
		if (rows[i].status == 1)
			fake_run(f, FAKE_LIFE_US);
		else if (rows[i].status)
			fake_answer(f, t, rows[i].status, "", rows[i].more, "");
		else
			fake_news(f, t,
				  &(struct edge_news){.event = EDGE_FAILED,
						      .err = ERR_CLOSED,
						      .why = "refused",
						      .last = true});
		if (!rows[i].again_s) {
			assert_over(f, REFUSAL_PEER_GONE);
		} else {
			fake_run(f, rows[i].again_s / 2 * S);
			if (rows[i].again_s > 10 && rig_count(f, SENT_REQUEST, SIP_UPDATE) != 1)
				fail_msg("%s: at once", rows[i].name);
			fake_run(f, (rows[i].again_s + 1) / 2 * S);
			if (rig_count(f, SENT_REQUEST, SIP_UPDATE) != 2)
				fail_msg("%s: %u", rows[i].name,
					 rig_count(f, SENT_REQUEST, SIP_UPDATE));
			if (rows[i].again_s == 1)
				assert_says(rig_sent(f, SENT_REQUEST, 0), "Session-Expires: 1200;");
			fake_answer(f, rig_sent(f, SENT_REQUEST, 0)->txn, 200, "", "", "");
			fake_run(f, 3600 * S); /* its 200 said nothing: no timer any more */
			assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		}
		rig_end(f, 1);
	}
}

/* A change is in hand when it is time, and the other way round; a restart in between. */
static void
beside_changes(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p = talking(f, SE("600;refresher=uas") "Allow: UPDATE\r\n", "");
	struct edge_txn *t;

	(void)state;
	fake_run(f, 280 * S);
	(void)rig_inside(f, p.b, "gw1", "INVITE", 1, "");
	t = rig_sent(f, SENT_REQUEST, 0)->txn; /* without an offer, to A */
	fake_answer(f, t, 100, "", "", "");
	fake_run(f, 25 * S);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_UPDATE), 0);
	fake_answer(f, t, 488, "far", "", "");
	fake_run(f, 10 * S);
	t = rig_sent(f, SENT_REQUEST, 0)->txn;
	assert_int_equal(t->method, SIP_UPDATE);
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 9, "", PBX_OFFER);
	assert_int_equal(rig_sent(f, SENT_RESPONSE, 0)->status, 491);
	fake_answer(f, t, 200, "", SE("600;refresher=uac"), "");
	rig_restart(f, &p);
	fake_run(f, 301 * S);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_UPDATE), 1);
	fake_answer(f, rig_sent(f, SENT_REQUEST, 0)->txn, 200, "", SE("600;refresher=uas"), "");
	fake_run(f, 570 * S);
	assert_over(f, REFUSAL_SESSION);
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlines),     cmocka_unit_test(words),
		cmocka_unit_test(we_refresh),    cmocka_unit_test(peer_refreshes),
		cmocka_unit_test(longer),        cmocka_unit_test(longer_never),
		cmocka_unit_test(longer_always), cmocka_unit_test(too_short),
		cmocka_unit_test(refresh_fails), cmocka_unit_test(beside_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
