/* ICE of a leg, as a lite agent: what is offered and answered, who is believed where it is, what
 * begins it anew, and a restart. */
#include "rig.h"

#include "call/nominate.h"
#include "unit/rtp/made.h"

#define CREDS(ufrag) "a=ice-ufrag:" ufrag "\r\na=ice-pwd:theirpasswordtheirpassw\r\n"
#define HOST "a=candidate:1 1 UDP 2130706431 198.51.100.7 4000 typ host\r\n"
#define BODY(more) PBX_OFFER more
#define OFFER BODY(CREDS("their") HOST)
#define ANEW BODY(CREDS("their2") HOST)
#define ELSEWHERE "203.0.113.9:7000"
#define FURTHER "203.0.113.9:7002"

static struct fake *
up(void)
{
	struct fake *f = rig_up();

	rig_trunk(f, "acme-pbx")->ice = TRUNK_ICE_LITE;
	rig_world(f);
	return f;
}

static struct rig_pair
talking(struct fake *f, const char *offer)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = offer})};

	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	return p;
}

/* What of ours stands in the last body that went out this way. */
static void
ufrag_of(const struct sent *s, char out[SDP_UFRAG_SIZE])
{
	const char *at = s ? strstr(s->text, "a=ice-ufrag:") : NULL;

	if (!at)
		fail_msg("no ufrag in %s", s ? s->text : "nothing");
	else
		(void)snprintf(out, SDP_UFRAG_SIZE, "%.12s", at + 12);
}

/* A check of the far end's; each test spoils it in its own way. */
struct check {
	const char *ours, *theirs, *pwd, *from;
	uint32_t priority;
	bool plain, controlled, unknown, unsigned_, rtcp;
	enum call_leg_index leg;
};

static void
check(struct fake *f, const struct check *v)
{
	const struct media_open *o = rig_row(f, v->leg);
	struct media_handed h = {.slot = o->slot, .generation = o->generation, .rtcp = v->rtcp};
	char user[64], pwd[SDP_PWD_SIZE];
	uint8_t priority[4];
	struct made m;

	(void)f->ops.do_ice_pwd(f, v->ours, pwd);
	(void)snprintf(user, sizeof(user), "%s:%s", v->ours, or_else(v->theirs, "their"));
	made_begin(&m, user);
	octets_set32(priority, v->priority ? v->priority : 100);
	made_put(&m, 0x0024, priority, 4);
	if (!v->plain)
		made_put(&m, 0x0025, "", 0);
	made_put(&m, v->controlled ? 0x8029 : 0x802a, "12345678", 8);
	if (v->unknown)
		made_put(&m, 0x7f00, "", 0);
	h.len = h.total = (uint16_t)made_end(&m, or_else(v->pwd, pwd), !v->unsigned_);
	memcpy(h.p, m.p, h.len);
	assert_int_equal(addr_parse(str_from(or_else(v->from, ELSEWHERE)), &h.from), ERR_OK);
	calls_on_stun(&f->calls, &h, f->now);
}

/* Where media was told that the far end is. */
static void
assert_at(const char *name, struct fake *f, enum call_leg_index i, const char *rtp)
{
	struct addr a;

	assert_int_equal(addr_parse(str_from(rtp), &a), ERR_OK);
	if (!addr_eq(&a, &rig_row(f, i)->rtp))
		fail_msg("%s: at %s, wanted %s", name, addr_text(&rig_row(f, i)->rtp).z, rtp);
}

static void
test_answered(void **state)
{
	char ours[SDP_UFRAG_SIZE], line[128];
	struct fake *f = up();
	struct sent *s;

	(void)state;
	(void)talking(f, OFFER);
	assert_silent(rig_sent(f, SENT_REQUEST, 1), "ice"); /* nothing of it goes to the gateway */
	s = rig_sent(f, SENT_RESPONSE, 0);
	ufrag_of(s, ours);
	assert_says(s, "a=ice-lite\r\na=ice-options:ice2\r\nm=audio");
	(void)snprintf(line, sizeof(line), "a=ice-pwd:password%s....\r\n", ours);
	assert_says(s, line);
	assert_says(s, "a=candidate:1 1 UDP 2130706431 192.0.2.2 20000 typ host\r\n");
	assert_true(rig_row(f, LEG_A)->flags & MEDIA_F_ICE);
	assert_int_equal(rig_row(f, LEG_A)->ice, stun_ufrag_of(ours));
	assert_false(rig_row(f, LEG_B)->flags & MEDIA_F_ICE);
	assert_at("as SDP says", f, LEG_A, "198.51.100.7:4000");
	check(f, &(struct check){.ours = ours});
	assert_at("as it nominates", f, LEG_A, ELSEWHERE);
	assert_int_equal(f->n_said, 1);
	assert_memory_equal(f->said.p, "\1\1", 2);
	assert_true(f->said.to.port == 7000 && !f->said.rtcp);
	check(f, &(struct check){.ours = ours, .rtcp = true, .from = FURTHER});
	assert_true(rig_row(f, LEG_A)->rtcp.port == 7002 && f->said.rtcp);
	assert_at("RTCP beside it", f, LEG_A, ELSEWHERE);
	rig_end(f, 1);
}

/* M14: who does not know what signalling alone told is not answered, and nothing moves. */
static void
test_refused(void **state)
{
	static const struct {
		const char *name;
		struct check v;
		bool answered; /* with an error */
	} rows[] = {
		{"M14 another password", {.pwd = "passwordpasswordpassword"}, false},
		{"M14 unsigned", {.unsigned_ = true}, false},
		{"M14 another peer", {.theirs = "nobody"}, false},
		{"M14 another of ours", {.ours = "abcdefghijkl"}, false},
		{"it does not nominate", {.plain = true}, true},
		{"a role conflict", {.controlled = true}, true},
		{"an attribute that must be known", {.unknown = true}, true},
		{"our own port", {.from = "192.0.2.2:20002"}, true},
	};

	static struct media_plan plan = {.n_addrs = 1, .port_min = 20000, .port_max = 20999};

	(void)state;
	assert_int_equal(addr_parse_ip(STR("192.0.2.2"), &plan.advertised[0]), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up();
		struct check v = rows[i].v;
		char ours[SDP_UFRAG_SIZE];

		f->calls.conf.plan = &plan;
		(void)talking(f, OFFER);
		ufrag_of(rig_sent(f, SENT_RESPONSE, 0), ours);
		v.ours = or_else(v.ours, ours);
		check(f, &v);
		assert_at(rows[i].name, f, LEG_A, "198.51.100.7:4000");
		if (f->n_said != rows[i].answered)
			fail_msg("%s: answered %u times", rows[i].name, f->n_said);
		rig_end(f, 1);
	}
}

static void
test_better(void **state)
{
	char ours[SDP_UFRAG_SIZE];
	struct fake *f = up();

	(void)state;
	(void)talking(f, OFFER);
	ufrag_of(rig_sent(f, SENT_RESPONSE, 0), ours);
	check(f, &(struct check){.ours = ours, .priority = 50});
	check(f, &(struct check){.ours = ours, .priority = 40, .from = FURTHER});
	assert_at("the better one stays", f, LEG_A, ELSEWHERE);
	check(f, &(struct check){.ours = ours, .priority = 50, .from = FURTHER});
	assert_at("as good: the last one", f, LEG_A, FURTHER);
	rig_end(f, 1);
}

/* Not everybody has it, and it is in force where both do. */
static void
test_without(void **state)
{
	static const struct {
		const char *name, *offer, *says;
		bool trunk;
	} rows[] = {
		{"an offer without", PBX_OFFER, NULL, true},
		{"a trunk without", OFFER, NULL, false},
		{"addresses changed on the way",
		 BODY(CREDS("their") "a=candidate:1 1 UDP 1 192.168.0.1 4000 typ host\r\n"),
		 "a=ice-mismatch\r\n", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rows[i].trunk ? up() : rig_up();
		struct sent *s;

		rig_world(f);
		(void)talking(f, rows[i].offer);
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_silent(s, "a=ice-lite");
		assert_silent(s, "a=candidate");
		if (rows[i].says)
			assert_says(s, rows[i].says);
		assert_false(rig_row(f, LEG_A)->flags & MEDIA_F_ICE);
		check(f, &(struct check){.ours = "aaaaaaaaaaaa"});
		assert_int_equal(f->n_said, 0);
		rig_end(f, 1);
	}
}

static struct edge_txn *
call_in(struct fake *f)
{
	return rig_invite(f, &(struct invite){.trunk = "gw1",
					      .uri = "sip:+15551230000@10.0.0.1",
					      .from = "sip:+15552223333@10.0.0.9",
					      .contact = GW_CONTACT});
}

/* The customer is called: its checks may come before its answer. */
static void
test_called(void **state)
{
	static const struct {
		const char *name, *answer, *theirs, *at;
	} rows[] = {
		{"of whom answers", CREDS("their") HOST, "their", ELSEWHERE},
		{"of another phone that the offer reached", CREDS("their") HOST, "other",
		 "198.51.100.7:4000"},
		{"who answers has none", "", "their", "198.51.100.7:4000"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up();
		struct edge_txn *a = call_in(f), *b = rig_out(f);
		char ours[SDP_UFRAG_SIZE], answer[1024];

		assert_silent(rig_sent(f, SENT_RESPONSE, 0), "ice");
		ufrag_of(rig_sent(f, SENT_REQUEST, 0), ours);
		assert_int_equal(rig_row(f, LEG_B)->ice, stun_ufrag_of(ours));
		check(f, &(struct check){.ours = ours, .theirs = rows[i].theirs, .leg = LEG_B});
		assert_int_equal(f->n_said, 1);
		(void)snprintf(answer, sizeof(answer), "%s%s", PBX_ANSWER("1", "80"),
			       rows[i].answer);
		fake_answer(f, b, 200, "pbx", PBX_CONTACT, answer);
		(void)rig_inside(f, a, "gw1", "ACK", 1, "");
		assert_at(rows[i].name, f, LEG_B, rows[i].at);
		assert_int_equal((rig_row(f, LEG_B)->flags & MEDIA_F_ICE) != 0,
				 *rows[i].answer != 0);
		rig_end(f, 1);
	}
}

/* A re-INVITE: the same again, where what was nominated stays; then anew. */
static void
test_again(void **state)
{
	char ours[SDP_UFRAG_SIZE], next[SDP_UFRAG_SIZE];
	struct fake *f = up();
	struct rig_pair p = talking(f, OFFER);

	(void)state;
	ufrag_of(rig_sent(f, SENT_RESPONSE, 0), ours);
	check(f, &(struct check){.ours = ours});
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", OFFER);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	ufrag_of(rig_sent(f, SENT_RESPONSE, 0), next);
	assert_string_equal(ours, next);
	assert_at("as before", f, LEG_A, ELSEWHERE);
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 3, "", ANEW);
	if (rig_out(f) != p.b)
		fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 3, "");
	ufrag_of(rig_sent(f, SENT_RESPONSE, 0), next);
	assert_string_not_equal(ours, next);
	assert_int_equal(rig_row(f, LEG_A)->ice, stun_ufrag_of(next));
	assert_at("until it nominates anew", f, LEG_A, ELSEWHERE);
	check(f, &(struct check){.ours = ours, .theirs = "their", .from = FURTHER});
	assert_at("M14 as it was before", f, LEG_A, ELSEWHERE);
	check(f, &(struct check){.ours = next, .theirs = "their2", .from = FURTHER, .priority = 1});
	assert_at("anew", f, LEG_A, FURTHER);
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 4, "", PBX_OFFER);
	if (rig_count(f, SENT_REQUEST, SIP_INVITE) > 2)
		fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	assert_silent(rig_sent(f, SENT_RESPONSE, 0), "ice");
	assert_at("without it: SDP again", f, LEG_A, "198.51.100.7:4000");
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 4, "");
	rig_end(f, 1);
}

/* Another process goes on with it. */
static void
test_restart(void **state)
{
	char ours[SDP_UFRAG_SIZE], next[SDP_UFRAG_SIZE];
	struct fake *f = up();
	struct rig_pair p = talking(f, OFFER);

	(void)state;
	ufrag_of(rig_sent(f, SENT_RESPONSE, 0), ours);
	check(f, &(struct check){.ours = ours});
	rig_restart(f, &p);
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	assert_at("kept", f, LEG_A, ELSEWHERE);
	f->n_said = 0;
	check(f, &(struct check){.ours = ours, .pwd = "passwordpasswordpassword"});
	assert_int_equal(f->n_said, 0);
	check(f, &(struct check){.ours = ours, .from = FURTHER});
	assert_int_equal(f->n_said, 1);
	assert_at("moved", f, LEG_A, FURTHER);
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", OFFER);
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	ufrag_of(rig_sent(f, SENT_RESPONSE, 0), next);
	assert_string_equal(ours, next);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	rig_end(f, 1);
}

/* With DTLS our hello waits until it is known where the far end is; no password: no ICE. */
static void
test_dtls(void **state)
{
	static const char offer[] = SDP_HEAD(
		"198.51.100.7") "m=audio 4000 UDP/TLS/RTP/SAVP 8\r\na=rtcp-mux\r\n"
				"a=setup:actpass\r\na=fingerprint:sha-256 "
				"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:"
				"EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n";
	char ours[SDP_UFRAG_SIZE], body[1024];
	struct fake *f = up();

	(void)state;
	for (int lite = 0; lite < 2; lite++) {
		rig_trunk(f, "acme-pbx")->keying = TRUNK_KEYING_DTLS;
		rig_world(f);
		(void)snprintf(body, sizeof(body), "%s%s%s", offer, CREDS("their") HOST,
			       lite ? "a=ice-lite\r\n" : "");
		(void)talking(f, body);
		ufrag_of(rig_sent(f, SENT_RESPONSE, 0), ours);
		assert_silent(rig_sent(f, SENT_RESPONSE, 0), "a=candidate:1 2");
		assert_int_equal(f->keying.waits, !lite);
		assert_int_equal(f->keying.far.port, 4000);
		check(f, &(struct check){.ours = ours});
		assert_false(f->keying.waits);
		assert_int_equal(f->keying.far.port, 7000);
		rig_end(f, 1);
		f = up();
	}
	f->no_ice_pwd = true;
	(void)talking(f, OFFER);
	assert_silent(rig_sent(f, SENT_RESPONSE, 0), "ice");
	assert_false(rig_row(f, LEG_A)->flags & MEDIA_F_ICE);
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answered), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_better),   cmocka_unit_test(test_without),
		cmocka_unit_test(test_called),   cmocka_unit_test(test_again),
		cmocka_unit_test(test_restart),  cmocka_unit_test(test_dtls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
