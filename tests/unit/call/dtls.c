/* A customer's leg whose SRTP keys come by DTLS: both ways, its associations, how it fails. */
#include "rig.h"

#include "base/clock.h"
#include "base/metric.h"
#include "call/act.h"
#include "call/keyed.h"
#include "call/mend.h"
#include "call/modify.h"
#include "call/renew.h"

#define O16 "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
#define PRINT(last)                                                                                \
	"a=fingerprint:sha-256 " O16 ":00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:" last "\r\n"
#define BODY(proto, more)                                                                          \
	SDP_HEAD("198.51.100.7") "m=audio 4000 " proto " 8\r\na=rtpmap:8 PCMA/8000\r\n" more
#define MUX "a=rtcp-mux\r\n"
#define OFFER(setup) BODY("UDP/TLS/RTP/SAVP", PRINT("FF") MUX "a=setup:" setup "\r\n")
#define OTHER BODY("UDP/TLS/RTP/SAVP", PRINT("00") MUX "a=setup:actpass\r\n")

static struct fake *
up(void)
{
	struct fake *f = rig_up();

	rig_trunk(f, "acme-pbx")->keying = TRUNK_KEYING_DTLS;
	rig_world(f);
	return f;
}

static struct call_keying_id
id_of(const struct fake *f)
{
	return (struct call_keying_id){f->keying.slot, f->keying.generation, f->keying.assoc};
}

static void
give_keys(struct fake *f, const struct call_keying_id *id)
{
	static const char key_in[] = "another key in.", key_out[] = "another key out";
	struct sdp_key in = {.key_len = 16, .salt_len = 14}, out = in;

	memcpy(in.key, key_in, 16);
	memcpy(out.key, key_out, 16);
	calls_on_keyed(&f->calls, id, SDP_SUITE_AES_CM_128_80, &in, &out, f->now);
}

/* Media has no key, and is told so: nothing is relayed either way. */
static void
assert_row(struct fake *f, enum call_leg_index i, uint32_t serial)
{
	const struct media_open *o = rig_row(f, i);

	assert_int_equal(o->flags & (MEDIA_F_SECURE | MEDIA_F_DTLS | MEDIA_F_RTCP_MUX),
			 MEDIA_F_SECURE | MEDIA_F_DTLS | MEDIA_F_RTCP_MUX);
	assert_int_equal(o->in_serial, serial);
	assert_int_equal(o->out_serial, serial);
	assert_int_equal(o->in_suite, serial ? SDP_SUITE_AES_CM_128_80 : 0);
	assert_int_equal(o->out_suite, serial ? SDP_SUITE_AES_CM_128_80 : 0);
}

static struct rig_pair
talking(struct fake *f, const char *offer)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = offer})};

	p.b = rig_out(f);
	assert_int_equal(f->n_keyings, 0); /* its SDP does not name us yet */
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	return p;
}

static void
test_offered(void **state)
{
	static const struct {
		const char *name, *offer, *answered;
		bool active;
	} rows[] = {
		{"actpass", OFFER("actpass"), "a=setup:active\r\n", true},
		{"active", OFFER("active"), "a=setup:passive\r\n", false},
		{"passive", OFFER("passive"), "a=setup:active\r\n", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up();
		struct call_keying_id id, stale;
		struct sent *s;

		print_message("# %s\n", rows[i].name);
		(void)talking(f, rows[i].offer);
		s = rig_sent(f, SENT_RESPONSE, 0);
		assert_says(s, rows[i].answered);
		assert_says(s, "m=audio 20000 UDP/TLS/RTP/SAVP 8\r\n");
		assert_says(s, "a=fingerprint:sha-256 FA:");
		assert_says(s, MUX);
		assert_silent(s, "crypto");
		assert_row(f, LEG_A, 0);
		id = stale = id_of(f);
		assert_int_equal(f->keying.active, rows[i].active);
		assert_true(f->keying.answered);
		assert_int_equal(f->keying.peer.print_len, 32);
		assert_int_equal(f->keying.far.port, 4000);
		stale.assoc++;
		give_keys(f, &stale);
		assert_row(f, LEG_A, 0);
		give_keys(f, &id);
		assert_row(f, LEG_A, 1);
		give_keys(f, &id); /* once */
		assert_row(f, LEG_A, 1);
		calls_on_unkeyed(&f->calls, &id, REFUSAL_DTLS_SILENT, f->now); /* too late */
		assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		rig_end(f, 1);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *name, *offer;
	} rows[] = {
		{"M9 SDES", PBX_OFFER},
		{"M9 clear", PBX_CLEAR},
		{"M9 clear with a print", BODY("RTP/AVP", PRINT("FF") MUX)},
		{"no print", BODY("UDP/TLS/RTP/SAVP", MUX)},
		{"no mux", BODY("UDP/TLS/RTP/SAVP", PRINT("FF"))},
		{"SHA-1",
		 BODY("UDP/TLS/RTP/SAVP", "a=fingerprint:sha-1 " O16 ":00:11:22:33\r\n" MUX)},
	};
	struct fake *f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct edge_txn *a;

		print_message("# %s\n", rows[i].name);
		f = up();
		a = rig_invite(f, &(struct invite){.body = rows[i].offer});
		assert_int_equal(a->status, 488);
		assert_int_equal(rig_cdr(f)->refusal, REFUSAL_DTLS);
		rig_end(f, 1);
	}
	f = rig_up(); /* and a trunk with SDES takes no DTLS */
	rig_world(f);
	assert_int_equal(rig_invite(f, &(struct invite){.body = OFFER("actpass")})->status, 488);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_CRYPTO);
	rig_end(f, 1);
}

/* The customer is called. */
static void
test_answered(void **state)
{
	static const struct {
		const char *name, *answer;
		bool good, active;
	} rows[] = {
		{"active", OFFER("active"), true, false},
		{"passive", OFFER("passive"), true, true},
		{"actpass", OFFER("actpass"), false, false},
		{"no print", BODY("UDP/TLS/RTP/SAVP", MUX "a=setup:active\r\n"), false, false},
		{"M9 SDES", PBX_ANSWER("1", "80"), false, false},
		{"M9 clear", PBX_CLEAR, false, false},
		{"M9 a key beside it",
		 BODY("UDP/TLS/RTP/SAVP",
		      PRINT("FF") MUX "a=setup:active\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
				      "inline:" KEY_1 "\r\n"),
		 false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up();
		struct edge_txn *a =
			rig_invite(f, &(struct invite){.trunk = "gw1",
						       .uri = "sip:+15551230000@10.0.0.1",
						       .from = "sip:+15552223333@10.0.0.9",
						       .contact = GW_CONTACT});
		struct edge_txn *b = rig_out(f);
		struct call_keying_id id;

		print_message("# %s\n", rows[i].name);
		assert_says(rig_sent(f, SENT_REQUEST, 0), " UDP/TLS/RTP/SAVP 8");
		assert_says(rig_sent(f, SENT_REQUEST, 0), "a=setup:actpass\r\n");
		assert_says(rig_sent(f, SENT_REQUEST, 0), MUX);
		assert_silent(rig_sent(f, SENT_REQUEST, 0), "crypto");
		fake_answer(f, b, 200, "pbx", PBX_CONTACT, rows[i].answer);
		if (!rows[i].good) {
			assert_int_equal(a->status, 502);
			assert_int_equal(f->n_keyings, 0);
			rig_end(f, 1);
			continue;
		}
		(void)rig_inside(f, a, "gw1", "ACK", 1, "");
		assert_int_equal(f->keying.active, rows[i].active);
		assert_row(f, LEG_B, 0);
		id = id_of(f);
		give_keys(f, &id);
		assert_row(f, LEG_B, 1);
		rig_end(f, 1);
	}
}

/* A re-INVITE: the association stays, or another print makes a new one, whose keys come beside. */
static void
test_again(void **state)
{
	struct fake *f = up();
	struct rig_pair p = talking(f, OFFER("actpass"));
	struct call_keying_id first = id_of(f), second;
	struct edge_txn *again;

	(void)state;
	give_keys(f, &first);
	again = rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", OFFER("actpass"));
	assert_int_equal(again->status, 200);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "a=setup:active\r\n");
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	assert_int_equal(id_of(f).assoc, first.assoc);
	assert_row(f, LEG_A, 1);
	again = rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 3, "", OTHER);
	if (rig_out(f) != p.b)
		fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(again->status, 200);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 3, "");
	second = id_of(f);
	assert_int_equal(second.assoc, first.assoc + 1);
	assert_row(f, LEG_A, 1); /* the old ones, until then */
	give_keys(f, &first);
	assert_row(f, LEG_A, 1);
	give_keys(f, &second);
	assert_row(f, LEG_A, 2);
	rig_end(f, 1);
}

static void
test_failed(void **state)
{
	static const enum refusal whys[] = {REFUSAL_DTLS_SILENT, REFUSAL_DTLS_FAILED,
					    REFUSAL_DTLS_PRINT, REFUSAL_DTLS_PROFILE};
	struct call_keying_id id;
	struct fake *f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whys); i++) {
		f = up();
		(void)talking(f, OFFER("actpass"));
		id = id_of(f);
		calls_on_unkeyed(&f->calls, &id, whys[i], f->now);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
		rig_settle(f);
		assert_int_equal(rig_cdr(f)->refusal, whys[i]);
		assert_int_equal(rig_cdr(f)->ended_by, ENDER_POSTERN);
		rig_end(f, 1);
	}
	f = up(); /* no place for a handshake: nothing is answered */
	f->no_keying = true;
	(void)rig_invite(f, &(struct invite){.body = OFFER("actpass")});
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(rig_call(f)->rec.refusal, REFUSAL_MEDIA_BUSY);
	rig_end(f, 1);
}

/* With its keys a call goes on in another process, and its association too; without, it ends. */
static void
test_restart(void **state)
{
	struct fake *f = up();
	struct rig_pair p = talking(f, OFFER("actpass"));
	struct call_keying_id id = id_of(f);
	struct edge_txn *again;

	(void)state;
	give_keys(f, &id);
	rig_restart(f, &p);
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	f->n_keyings = 0;
	f->print = 0xfb; /* our certificate is another one */
	again = rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", OFFER("actpass"));
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(again->status, 200);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "a=setup:active\r\n");
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "a=fingerprint:sha-256 FA:");
	assert_int_equal(f->n_keyings, 0);
	assert_row(f, LEG_A, 1);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	/* a new association shows it */
	again = rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 3, "", OTHER);
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(again->status, 200);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "a=fingerprint:sha-256 FB:");
	assert_int_equal(f->n_keyings, 1);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 3, "");
	rig_end(f, 1);

	for (int i = 0; i < 2; i++) { /* of its first one, or of another one beside its keys */
		f = up();
		p = talking(f, OFFER("actpass"));
		if (i) {
			id = id_of(f);
			give_keys(f, &id);
			again = rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", OTHER);
			fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
			(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
		}
		rig_restart(f, &p);
		assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
		rig_settle(f);
		assert_int_equal(rig_cdr(f)->refusal, REFUSAL_RESTARTED);
		rig_end(f, 1);
	}
}

/* What the far end answers to an offer of ours alone counts as well: it may begin anew. */
static void
test_refreshed(void **state)
{
	static const struct {
		const char *name, *answer;
		bool anew, active;
	} rows[] = {
		{"as before", OFFER("active"), false, false},
		{"the other role", OFFER("passive"), true, true},
		{"another print", BODY("UDP/TLS/RTP/SAVP", PRINT("00") MUX "a=setup:active\r\n"),
		 true, false},
		{"no role", BODY("UDP/TLS/RTP/SAVP", PRINT("FF") MUX), true, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = up();
		struct edge_txn *a =
			rig_invite(f, &(struct invite){.trunk = "gw1",
						       .uri = "sip:+15551230000@10.0.0.1",
						       .from = "sip:+15552223333@10.0.0.9",
						       .contact = GW_CONTACT});
		struct call_keying_id id;

		print_message("# %s\n", rows[i].name);
		fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT, OFFER("active"));
		(void)rig_inside(f, a, "gw1", "ACK", 1, "");
		id = id_of(f);
		give_keys(f, &id);
		assert_true(modify_say_again(rig_call(f), LEG_B));
		assert_says(rig_last(f), "a=setup:actpass\r\n");
		f->n_keyings = 0;
		fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT, rows[i].answer);
		assert_int_equal(f->n_keyings, rows[i].anew);
		assert_int_equal(f->keying.assoc, id.assoc + rows[i].anew);
		assert_int_equal(f->keying.active, rows[i].active);
		id = id_of(f);
		give_keys(f, &id);
		assert_row(f, LEG_B, 1u + rows[i].anew);
		rig_end(f, 1);
	}
}

/* No packet of it can be authenticated: another key comes from no offer. It is asked where it is.
 */
static void
test_mended(void **state)
{
	static const struct media_stats auth = {.dropped = {[MEDIA_DROP_auth] = 400}};
	struct fake *f = up();
	struct call_keying_id id;

	(void)state;
	rig_trunk(f, "acme-pbx")->repair = true;
	rig_world(f);
	(void)talking(f, OFFER("actpass"));
	id = id_of(f);
	give_keys(f, &id);
	f->heard[LEG_A] = &auth;
	fake_run(f, MEND_FIRST_US + CLOCK_MS);
	assert_int_equal(rig_leg(f, LEG_A)->repair, RECORD_AUDIO_auth);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_INVITE), 2);
	assert_says(rig_sent(f, SENT_REQUEST, 0), "a=fingerprint:sha-256 FA:");
	fake_answer(f, rig_out(f), 200, "far", PBX_CONTACT, OFFER("passive"));
	assert_row(f, LEG_A, 1);
	rig_end(f, 1);
}

/* A fork of a target shook hands; then the call goes on to the next target, from the same port. */
static void
test_left(void **state)
{
	struct fake *f = rig_up();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct roster_trunk *t = rig_trunk(f, i ? "gw2" : "gw1");

		t->keying = TRUNK_KEYING_DTLS;
		t->security = TRUNK_SEC_REQUIRED;
		t->transport = TRUNK_TLS;
	}
	rig_world(f);
	(void)rig_invite(f, &(struct invite){0});
	/* it may say hello before we have its answer */
	assert_true(rig_row(f, LEG_B)->flags & MEDIA_F_DTLS);
	assert_int_equal(rig_row(f, LEG_B)->rtp.family, 0);
	fake_answer(f, rig_out(f), 183, "one", GW_CONTACT, OFFER("active"));
	assert_int_equal(f->n_keyings, 1);
	assert_int_equal(f->n_no_keyings, 0);
	fake_answer(f, rig_out(f), 180, "two", GW_CONTACT, "");
	fake_answer(f, rig_out(f), 503, "two", "", "");
	assert_string_equal(rig_leg(f, LEG_B)->trunk.z, "gw2");
	assert_int_equal(f->n_no_keyings, 1);
	fake_answer(f, rig_out(f), 183, "three", GW_CONTACT, OFFER("active"));
	assert_int_equal(f->keying.assoc, 2);
	rig_end(f, 1);
}

/* Both rows of a call are one worker's: a leg that gets another port for that shakes hands anew. */
static void
test_moved(void **state)
{
	static const struct media_plan plan = {.n_addrs = 1,
					       .port_min = 20000,
					       .port_max = 20000 + 2 * FAKE_PORTS - 1,
					       .n_workers = 6};
	struct fake *f = up();
	struct call_keying_id id;
	struct sent *s;

	(void)state;
	f->calls.conf.plan = &plan;
	(void)talking(f, OFFER("actpass"));
	id = id_of(f);
	give_keys(f, &id);
	{
		struct call *c = rig_call(f);

		f->port[6] = f->port[0];
		f->port[0].used = false;
		f->calls.by_media[6] = c;
		f->calls.by_media[0] = NULL;
		c->rec.leg[LEG_A].media.slot = 6;
		renew_ask(c, LEG_B);
		act_arm(c);
	}
	f->n_keyings = 0;
	fake_run(f, 1000);
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	s = rig_last(f);
	assert_says(s, "m=audio 20000 UDP/TLS/RTP/SAVP 8");
	fake_answer(f, rig_out(f), 200, "far", PBX_CONTACT, OFFER("passive"));
	assert_int_equal(f->n_keyings, 1);
	assert_int_equal(f->keying.slot, 0);
	id = id_of(f);
	give_keys(f, &id);
	assert_row(f, LEG_A, 1);
	rig_settle(f);
	rig_end(f, 1);
}

/* T.38 is no DTLS, whatever it begins with; and voice comes back under its keys. */
static void
test_fax(void **state)
{
	struct fake *f = up();
	struct call_keying_id id;
	struct rig_pair p;

	(void)state;
	rig_trunk(f, "acme-pbx")->t38_clear = true;
	rig_world(f);
	p = talking(f, OFFER("actpass"));
	id = id_of(f);
	give_keys(f, &id);
	(void)rig_inside_sdp(f, p.b, "gw1", "INVITE", 1, "",
			     SDP_HEAD("10.0.0.9") "m=image 4400 udptl t38\r\n");
	fake_answer(f, rig_out(f), 200, "pbx", PBX_CONTACT,
		    SDP_HEAD("198.51.100.7") "m=image 4002 udptl t38\r\n");
	(void)rig_inside(f, p.b, "gw1", "ACK", 1, "");
	assert_int_equal(rig_row(f, LEG_A)->flags & (MEDIA_F_RAW | MEDIA_F_SECURE | MEDIA_F_DTLS),
			 MEDIA_F_RAW);
	f->n_keyings = 0;
	(void)rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", OFFER("actpass"));
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	assert_row(f, LEG_A, 1);
	assert_int_equal(f->n_keyings, 0);
	rig_end(f, 1);
}

/* Another keying for new calls of the trunk: those that run keep theirs, and have no video. */
static void
test_trunk_changed(void **state)
{
	struct fake *f = up();
	struct call_keying_id id;
	struct rig_pair p;
	struct edge_txn *t;

	(void)state;
	p = talking(f, OFFER("actpass"));
	id = id_of(f);
	give_keys(f, &id);
	rig_trunk(f, "acme-pbx")->keying = TRUNK_KEYING_SDES;
	rig_trunk(f, "acme-pbx")->video = rig_trunk(f, "gw1")->video = TRUNK_VIDEO_RELAY;
	rig_world(f);
	t = rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "",
			   OFFER("actpass") "m=video 4010 UDP/TLS/RTP/SAVPF 96\r\n"
					    "a=rtpmap:96 H264/90000\r\n" PRINT("FF") MUX);
	assert_silent(rig_sent(f, SENT_REQUEST, 0), "m=video");
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(t->status, 200);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "m=video 0 ");
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	assert_row(f, LEG_A, 1);
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offered),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_answered),  cmocka_unit_test(test_again),
		cmocka_unit_test(test_failed),    cmocka_unit_test(test_restart),
		cmocka_unit_test(test_refreshed), cmocka_unit_test(test_mended),
		cmocka_unit_test(test_left),      cmocka_unit_test(test_moved),
		cmocka_unit_test(test_fax),       cmocka_unit_test(test_trunk_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
