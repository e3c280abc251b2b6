/* A customer's leg whose SRTP keys come by DTLS: both ways, its associations, how it fails. */
#include "rig.h"

#include "call/keyed.h"

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
	again = rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", OFFER("actpass"));
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(again->status, 200);
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "a=setup:active\r\n");
	assert_says(rig_sent(f, SENT_RESPONSE, 0), "a=fingerprint:sha-256 FA:");
	assert_int_equal(f->n_keyings, 0);
	assert_row(f, LEG_A, 1);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	rig_end(f, 1);

	f = up();
	p = talking(f, OFFER("actpass"));
	rig_restart(f, &p);
	assert_int_equal(rig_count(f, SENT_REQUEST, SIP_BYE), 2);
	rig_settle(f);
	assert_int_equal(rig_cdr(f)->refusal, REFUSAL_RESTARTED);
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offered),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_answered), cmocka_unit_test(test_again),
		cmocka_unit_test(test_failed),   cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
