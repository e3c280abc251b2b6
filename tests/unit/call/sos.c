/* Emergency calls on a clear trunk whose bodies would have another call refused: they are carried,
 * and say where they are. One that cannot be read has its record and its alarm. */
#include "rig.h"

#include "sip/parts.h"

#define PIDF "<presence><gml:pos>40.7 -74.0</gml:pos></presence>"
#define PART_SDP "--pbx\r\nContent-Type: application/sdp\r\n\r\n" PBX_CLEAR "\r\n"
#define PART_PIDF                                                                                  \
	"--pbx\r\nContent-Type: application/pidf+xml\r\nContent-ID: <here@pbx>\r\n\r\n" PIDF "\r"  \
	"\n"
#define MIXED "multipart/mixed;boundary=pbx"
#define WHERE                                                                                      \
	"Geolocation: <cid:here@pbx>\r\nGeolocation-Routing: yes\r\n"                              \
	"Call-Info: <cid:d@pbx>;purpose=EmergencyCallData.ProviderInfo\r\n"

static void
bodies(void **state)
{
	static const struct {
		const char *name, *type, *body, *more;
		int other; /* what another call gets */
		const char *says, *silent;
	} rows[] = {
		{"host name in c=", NULL,
		 "v=0\r\no=- 1 1 IN IP4 pbx\r\ns=-\r\nc=IN IP4 pbx.example\r\nt=0 0\r\n"
		 "m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n",
		 NULL, 488, "m=audio 20002 RTP/AVP 8", "multipart"},
		{"SRTP keys", NULL, PBX_OFFER, NULL, 488, "m=audio 20002 RTP/AVP 8", KEY_1},
		{"location by value", MIXED, PART_PIDF PART_SDP "--pbx--\r\n", WHERE, 0, PIDF,
		 "RTP/SAVP"},
		{"location alone", MIXED, PART_PIDF "--pbx--\r\n", WHERE, 415, PIDF, "m=audio"},
		{"location as the body", "application/pidf+xml", PIDF,
		 "Content-ID: <here@pbx>\r\n" WHERE, 415, PIDF, "m=audio"},
		{"a text", "text/plain", "help", NULL, 415, "help", "m=audio"},
		{"SDP alone in parts", MIXED, PART_SDP "--pbx--\r\n", NULL, 0,
		 "m=audio 20002 RTP/AVP 8", "multipart"},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const char *name = rows[i / 2].name;
		bool other = i % 2;
		struct fake *f = rig_up();
		const struct edge_txn *a;
		const struct sent *s;

		rig_in_clear(f);
		a = rig_invite(f,
			       &(struct invite){.uri = other ? "sip:+15552223333@x" : "sip:911@x",
						.type = rows[i / 2].type,
						.more = rows[i / 2].more,
						.body = rows[i / 2].body});
		s = rig_sent(f, SENT_REQUEST, 0);
		if (other && (a->status != rows[i / 2].other || !s != (rows[i / 2].other != 0)))
			fail_msg("%s, another call: %d", name, a->status);
		if (other && s) { /* where it is stays here */
			assert_silent(s, PIDF);
			assert_silent(s, "eolocation");
			assert_silent(s, "EmergencyCallData");
		}
		if (!other && (a->status || !s))
			fail_msg("%s: %d", name, a->status);
		if (!other) {
			assert_says(s, rows[i / 2].says);
			assert_silent(s, rows[i / 2].silent);
		}
		if (!other && rows[i / 2].more) {
			assert_says(s,
				    "Geolocation: <cid:here@pbx>\r\nGeolocation-Routing: yes\r\n");
			assert_says(s, "EmergencyCallData.ProviderInfo");
			assert_says(s, rows[i / 2].type == NULL || strcmp(rows[i / 2].type, MIXED)
					       ? "Content-Type: application/pidf+xml\r\n"
					       : "MIME-Version: 1.0\r\nContent-Type: "
						 "multipart/mixed;boundary=");
			assert_says(s, "Content-ID: <here@pbx>\r\n");
			assert_int_equal(f->tx.content_length, (int)f->tx.body.len);
		}
		rig_end(f, 1);
	}
}

/* What the gateway gets parses again, part by part, and holds our SDP and theirs unchanged. */
static void
parts_again(void **state)
{
	struct fake *f = rig_up();
	struct str part;
	struct sent *s;

	(void)state;
	rig_in_clear(f);
	(void)rig_invite(f, &(struct invite){.uri = "sip:911@x",
					     .type = MIXED,
					     .more = WHERE,
					     .body = PART_PIDF PART_SDP "--pbx--\r\n"});
	s = rig_sent(f, SENT_REQUEST, 0);
	assert_non_null(s);
	assert_int_equal(sip_body_of(&f->tx, "application", "sdp", &part), ERR_OK);
	assert_true(str_find(part, STR("c=IN IP4 10.0.0.2")) < part.len);
	assert_true(str_find(part, STR("198.51.100.7")) == part.len);
	assert_int_equal(sip_body_of(&f->tx, "application", "pidf+xml", &part), ERR_OK);
	assert_true(str_eqz(part, PIDF));
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 200);
	assert_says(s, "Content-Type: application/sdp");
	rig_end(f, 1);
}

/* A host name: what comes first tells where it is. Keys: they are used, both ways. */
static void
media_of(void **state)
{
	struct fake *f = rig_up();
	struct sent *s;

	(void)state;
	rig_in_clear(f);
	(void)rig_invite(
		f, &(struct invite){
			   .uri = "sip:911@x",
			   .body = "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 pbx.example\r\n"
				   "t=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"});
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(rig_row(f, LEG_A)->rtp.family, 0);
	assert_int_equal(rig_row(f, LEG_A)->flags & (MEDIA_F_LEARN_CLEAR | MEDIA_F_SEND),
			 MEDIA_F_LEARN_CLEAR | MEDIA_F_SEND);
	assert_int_equal(rig_row(f, LEG_B)->flags & MEDIA_F_LEARN_CLEAR, 0);
	rig_end(f, 1);

	f = rig_up();
	rig_in_clear(f);
	(void)rig_invite(f, &(struct invite){.uri = "sip:911@x", .body = PBX_OFFER});
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	s = rig_sent(f, SENT_RESPONSE, 0);
	assert_int_equal(s->status, 200);
	assert_says(s, "RTP/SAVP 8");
	assert_says(s, "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:");
	assert_true(rig_row(f, LEG_A)->flags & MEDIA_F_SECURE);
	assert_int_equal(rig_row(f, LEG_A)->in_suite, SDP_SUITE_AES_CM_128_80);
	assert_int_equal(rig_row(f, LEG_B)->in_suite, 0);
	rig_end(f, 1);
}

/* edge could not read it. */
static void
unreadable(void **state)
{
	static const char text[] =
		"INVITE sip:911@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		"From: <sip:+15551230000@h>;tag=f\r\nTo: <sip:911@x>\r\nCall-ID: \x01\r\n"
		"CSeq: 1 INVITE\r\n\r\n";

	(void)state;
	for (int tls = 0; tls < 2; tls++) {
		struct fake *f = rig_up();
		struct edge_source src;
		static struct sip_msg m;
		const struct call_record *r;

		if (!tls)
			rig_in_clear(f);
		src = fake_source(f, "acme-pbx");
		assert_int_equal(sip_msg_parse(str_from(text), &m), ERR_SYNTAX);
		calls_on_lost(&f->calls, &m, &src, m.why, f->now);
		r = rig_cdr(f);
		assert_int_equal(r->refusal, REFUSAL_UNREADABLE);
		assert_int_equal(r->sip_status, 400);
		assert_int_equal(r->class, CLASS_EMERGENCY);
		assert_string_equal(r->to_received, "911");
		assert_string_equal(r->from_received, "+15551230000");
		assert_string_equal(r->payer.z, "acme");
		assert_int_equal(f->n_emergencies, 1);
		assert_int_equal(f->emergency_lost, !tls); /* over TLS it takes another way */
		assert_string_equal(f->emergency, "refused: Call-ID not well formed");
		assert_int_equal(calls_count(&f->calls), 0);
		rig_down(f);
	}
}

/* No room for its record, or no trunk that it could be of: its alarm and its line are there. */
static void
without_record(void **state)
{
	static const struct {
		const char *name, *call_id;
		bool clear, no_slot, lost;
		enum refusal noted;
	} table[] = {
		{"no room", "\x01", true, true, true, REFUSAL_UNREADABLE},
		{"no room, over TLS", "\x01", false, true, false, REFUSAL_UNREADABLE},
		{"no trunk, over TLS", "c", false, false, false, REFUSAL_EMERGENCY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct fake *f = rig_up();
		struct edge_source src;
		static struct sip_msg m;
		char text[512];

		(void)snprintf(text, sizeof(text),
			       "INVITE sip:911@x SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\n"
			       "From: <sip:+15551230000@h>;tag=f\r\nTo: <sip:911@x>\r\n"
			       "Call-ID: %s\r\nCSeq: 1 INVITE\r\n\r\n",
			       table[i].call_id);
		if (table[i].clear)
			rig_in_clear(f);
		src = fake_source(f, "acme-pbx");
		if (!table[i].no_slot)
			src.account = src.trunk = POLICY_NONE;
		f->no_slot = table[i].no_slot;
		(void)!sip_msg_parse(str_from(text), &m);
		calls_on_lost(&f->calls, &m, &src, "a reason", f->now);
		if (f->n_emergencies != 1 || f->emergency_lost != table[i].lost ||
		    f->n_ended != 0 || f->noted != table[i].noted)
			fail_msg("%s: %u told, %s", table[i].name, f->n_emergencies, f->emergency);
		assert_string_equal(f->emergency, "refused: a reason; it has no CDR");
		rig_end(f, 0);
	}
}

/* A guest that no account takes yet: what the account says that it will be of, else the default. */
static void
of_a_guest(void **state)
{
	static const struct {
		const char *name, *uri;
		bool account, redirect, help;
		int status;
		const char *contact, *why;
	} table[] = {
		{"of an account", "sip:911@x", true, false, true, 500, "",
		 "use your emergency route"},
		{"redirected", "sip:911@x", true, true, true, 302, "sip:911@gw.example",
		 "call the address in Contact"},
		{"of nobody", "sip:911@x", false, false, true, 500, "", "use your emergency route"},
		{"by URN, of nobody", "urn:service:sos", false, false, true, 500, "",
		 "use your emergency route"},
		{"no emergency", "sip:+15552224444@x", true, false, false, 0, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct fake *f = rig_up();
		static struct sip_msg m;
		struct edge_source src;
		struct call_guest g;
		char text[512];

		(void)snprintf(text, sizeof(text),
			       "INVITE %s SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\n"
			       "From: <sip:+15551230000@h>;tag=f\r\nTo: <%s>\r\nCall-ID: g\r\n"
			       "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:p@h>\r\n"
			       "Content-Length: 0\r\n\r\n",
			       table[i].uri, table[i].uri);
		assert_int_equal(sip_msg_parse(str_from(text), &m), ERR_OK);
		src = fake_source(f, "acme-pbx");
		if (table[i].redirect) {
			rig_account(f, "acme")->emergency_status = 302;
			rig_account(f, "acme")->emergency_target = STR("sip:911@gw.example");
			rig_world(f);
		}
		if (!table[i].account) {
			src.account = src.trunk = POLICY_NONE;
			src.account_id.z[0] = 0;
		}
		if (calls_on_guest(&f->calls, &m, &src, f->now, &g) != table[i].help)
			fail_msg("%s", table[i].name);
		assert_int_equal(f->n_emergencies, table[i].help);
		assert_int_equal(f->n_ended, table[i].help && table[i].account);
		if (!table[i].help) {
			rig_down(f);
			continue;
		}
		if (g.status != table[i].status || strcmp(g.contact, table[i].contact) != 0 ||
		    !strstr(g.why, table[i].why) || !g.id.z[0] || f->help != CALL_HELP_REFUSED)
			fail_msg("%s: %d, %s, %s", table[i].name, g.status, g.contact, g.why);
		assert_string_equal(f->emergency,
				    table[i].account ? "refused: it came over TLS"
						     : "refused: it came over TLS; it has no CDR");
		if (table[i].account) {
			assert_int_equal(rig_cdr(f)->refusal, REFUSAL_EMERGENCY);
			assert_int_equal(rig_cdr(f)->sip_status, table[i].status);
			assert_string_equal(rig_cdr(f)->id.z, g.id.z);
		}
		assert_int_equal(calls_count(&f->calls), 0);
		rig_down(f);
	}
}

/* ---- asked for in another way than by a call ---- */

static const struct {
	const char *name, *trunk,
		*headers; /* of the REFER; NULL: an INVITE to uri, with a To-tag */
	const char *uri;
	bool may, clear;
	int status;
	enum refusal lost; /* NONE: nobody called for help */
	const char *to;
} otherwise[] = {
	{"REFER", "acme-pbx", "Refer-To: <sip:911@x>\r\n", NULL, true, false, 403,
	 REFUSAL_REFER_OFF, "911"},
	{"REFER, clear trunk", "acme-pbx", "Refer-To: <tel:9911>\r\n", NULL, true, true, 403,
	 REFUSAL_REFER_OFF, "9911"},
	{"REFER of a trunk that may not", "acme-pbx", "Refer-To: <sip:911@x>\r\n", NULL, false,
	 false, 403, REFUSAL_REFER_OFF, "911"},
	{"REFER to a service", "acme-pbx", "Refer-To: <urn:service:sos.fire>\r\n", NULL, true,
	 false, 403, REFUSAL_REFER_OFF, "urn:service:sos.fire"},
	{"REFER to another service", "acme-pbx", "Refer-To: <urn:service:counseling>\r\n", NULL,
	 true, false, 400, REFUSAL_NONE, NULL},
	{"REFER to no emergency", "acme-pbx", "Refer-To: <sip:9115551234@x;method=BYE>\r\n", NULL,
	 true, false, 400, REFUSAL_NONE, NULL},
	{"REFER to a call", "acme-pbx",
	 "Refer-To: <sip:911@x?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>\r\n", NULL, true, false, 403,
	 REFUSAL_REFER_OFF, "911"},
	{"REFER that requires what we lack", "acme-pbx",
	 "Refer-To: <sip:911@x>\r\nRequire: foo\r\n", NULL, true, false, 420, REFUSAL_REFER_OFF,
	 "911"},
	{"REFER of a foreign caller", "acme-pbx",
	 "Refer-To: <sip:911@x>\r\nP-Asserted-Identity: <sip:+15559990000@x>\r\n", NULL, true,
	 false, 403, REFUSAL_REFER_OFF, "911"},
	{"REFER to two", "acme-pbx", "Refer-To: <sip:bob@x>\r\nRefer-To: <sip:911@x>\r\n", NULL,
	 true, false, 403, REFUSAL_REFER_OFF, "911"},
	{"REFER of a carrier", "gw1", "Refer-To: <sip:911@x>\r\n", NULL, false, false, 405,
	 REFUSAL_NONE, NULL},
	{"To-tag of no call", "acme-pbx", NULL, "sip:911@x", true, false, 481, REFUSAL_DIALOG,
	 "911"},
	{"To-tag of no call, clear trunk", "acme-pbx", NULL, "urn:service:sos", true, true, 481,
	 REFUSAL_DIALOG, "urn:service:sos"},
	{"To-tag of no call, no emergency", "acme-pbx", NULL, "sip:+15552224444@x", true, false,
	 481, REFUSAL_NONE, NULL},
	{"To-tag of no call, of a carrier", "gw1", NULL, "sip:911@x", true, false, 481,
	 REFUSAL_NONE, NULL},
};

static int
ask_otherwise(struct fake *f, size_t i, const struct rig_pair *p)
{
	bool carrier = otherwise[i].trunk[0] == 'g';
	struct buf b;
	char mem[1024];

	if (otherwise[i].headers)
		return rig_inside(f, carrier ? p->b : p->a, otherwise[i].trunk, "REFER", 7,
				  otherwise[i].headers)
			->status;
	buf_init(&b, mem, sizeof(mem));
	buf_printf(&b,
		   "INVITE %s SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bKstale\r\nFrom: "
		   "<sip:+15551230000@h>;tag=f\r\nTo: <sip:911@x>;tag=old\r\nCall-ID: old\r\n"
		   "CSeq: 9 INVITE\r\nContact: <sip:a@h>\r\nMax-Forwards: 70\r\n"
		   "Content-Length: 0\r\n\r\n",
		   otherwise[i].uri);
	assert_int_equal(buf_end(&b), ERR_OK);
	return rig_request(f, otherwise[i].trunk, b.p, b.len)->status;
}

static void
asked_otherwise(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(otherwise); i++) {
		bool lost = otherwise[i].lost != REFUSAL_NONE;
		struct fake *f = rig_up();
		const struct call_record *r;
		struct rig_pair p;

		print_message("# %s\n", otherwise[i].name);
		if (otherwise[i].clear)
			rig_in_clear(f);
		if (otherwise[i].may)
			rig_trunk(f, "acme-pbx")->refer = TRUNK_REFER_LOCAL;
		rig_world(f);
		p.a = rig_invite(f,
				 &(struct invite){.body = otherwise[i].clear ? PBX_CLEAR : NULL});
		p.b = rig_out(f);
		fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
		(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
		assert_int_equal(ask_otherwise(f, i, &p), otherwise[i].status);
		assert_int_equal(f->n_emergencies, lost);
		assert_int_equal(f->n_ended, lost);
		assert_int_equal(rig_call(f)->m.state, B2BUA_UP); /* which it was asked in */
		if (lost) {
			r = rig_cdr(f);
			assert_true(f->emergency_lost);
			assert_int_equal(r->refusal, otherwise[i].lost);
			assert_int_equal(r->class, CLASS_EMERGENCY);
			assert_int_equal(r->sip_status, refusal_status(otherwise[i].lost));
			assert_string_equal(r->to_received, otherwise[i].to);
			assert_string_equal(r->from_received, "+15551230000");
			assert_string_equal(r->payer.z, "acme");
			assert_string_equal(r->transfer_of.z,
					    otherwise[i].headers ? rig_call(f)->rec.id.z : "");
		}
		rig_end(f, 1 + lost);
	}
}

/* By a REFER outside any call, and by one that is too old in its own. */
static void
asked_outside(void **state)
{
	static const char *const tags[] = {"", ";tag=old"};
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		char mem[1024];
		int n = snprintf(
			mem, sizeof(mem),
			"REFER sip:x@x SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bKr%zu\r\n"
			"From: <sip:+15551230000@h>;tag=f\r\nTo: <sip:x@x>%s\r\n"
			"Call-ID: old\r\nCSeq: 9 REFER\r\nContact: <sip:a@h>\r\n"
			"Max-Forwards: 70\r\nRefer-To: <sip:911@x>\r\n"
			"Content-Length: 0\r\n\r\n",
			i, tags[i]);

		assert_int_equal(rig_request(f, "acme-pbx", mem, (size_t)n)->status, i ? 481 : 405);
		assert_int_equal(f->n_emergencies, i + 1);
		assert_string_equal(rig_cdr(f)->to_received, "911");
		assert_string_equal(rig_cdr(f)->from_received, "+15551230000");
		assert_true(f->emergency_lost);
	}
	assert_int_equal(rig_inside(f, p.a, "acme-pbx", "OPTIONS", 9, "")->status, 200);
	assert_int_equal(
		rig_inside(f, p.a, "acme-pbx", "REFER", 8, "Refer-To: <sip:911@x>\r\n")->status,
		500);
	assert_int_equal(f->n_emergencies, 3);
	rig_end(f, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies),        cmocka_unit_test(parts_again),
		cmocka_unit_test(media_of),      cmocka_unit_test(unreadable),
		cmocka_unit_test(of_a_guest),    cmocka_unit_test(asked_otherwise),
		cmocka_unit_test(asked_outside), cmocka_unit_test(without_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
