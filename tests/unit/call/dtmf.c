/* call/dtmf: digits that are turned as the trunks speak them: what each leg is offered and
 * answered, INFO that media plays as events, events that leave as INFO one at a time, in every
 * state, over a restart, whoever calls. */
#include "rig.h"

#define EVENT(pt) "a=rtpmap:" pt " telephone-event/8000\r\na=fmtp:" pt " 0-15\r\n"
#define KEYS "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_1 "\r\n"
#define PBX(formats, more)                                                                         \
	SDP_HEAD("198.51.100.7") "m=audio 4000 RTP/SAVP " formats "\r\n" more KEYS
#define GW(formats, more) SDP_HEAD("10.0.0.9") "m=audio 10000 RTP/AVP " formats "\r\n" more
#define RELAY "application/dtmf-relay"
#define FIVE "Signal=5\r\nDuration=250\r\n"

static void
set_dtmf(struct fake *f, enum trunk_dtmf pbx, enum trunk_dtmf gw)
{
	rig_trunk(f, "acme-pbx")->dtmf = pbx;
	rig_trunk(f, "gw1")->dtmf = gw;
	rig_world(f);
}

/* An INFO of leg; the last thing that was sent then. */
static struct sent *
ask(struct fake *f, const struct rig_pair *p, enum call_leg_index leg, unsigned cseq,
    const char *type, const char *body)
{
	(void)rig_inside_body(f, leg == LEG_A ? p->a : p->b, leg == LEG_A ? "acme-pbx" : "gw1",
			      "INFO", cseq, "", type, body);
	return rig_last(f);
}

static void
hear(struct fake *f, enum call_leg_index leg, uint8_t code, uint16_t ms)
{
	const struct media_open *o = &rig_leg(f, leg)->media;

	calls_on_digit(
		&f->calls,
		&(struct media_digit){
			.slot = o->slot, .generation = o->generation, .ms = ms, .code = code},
		f->now);
}

/* Are events of this payload type told? 0: of none. */
static bool
tells(const struct media_open *o, int pt)
{
	bool any = false;

	for (unsigned k = 0; k < o->pts.n; k++) {
		any |= o->pts.to[k] == MEDIA_PT_DIGIT;
		if (o->pts.to[k] == MEDIA_PT_DIGIT && o->pts.from[k] == pt)
			return true;
	}
	return pt == 0 && !any;
}

static struct rig_pair
talk(struct fake *f, const char *offer, const char *answer)
{
	struct rig_pair p = {.a = rig_invite(f, &(struct invite){.body = offer})};

	p.b = rig_out(f);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, answer);
	assert_int_equal(p.a->status, 200);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	return p;
}

/* ---- what each leg is told, and media ---- */

static void
sessions(void **state)
{
	static const struct {
		const char *name;
		enum trunk_dtmf a, b;
		const char *offer, *asked, *answer, *told;
		int hears_a, hears_b; /* payload type of events that are told, by leg; 0: none */
		int plays_a, plays_b; /* that digits are played under */
	} rows[] = {
		{"all passes", TRUNK_DTMF_PASS, TRUNK_DTMF_PASS, PBX("8 101", EVENT("101")),
		 "RTP/AVP 8 101\r\n", GW("8 96", EVENT("96")), "RTP/SAVP 8 101\r\n", 0, 0, 0, 0},
		{"B speaks events", TRUNK_DTMF_PASS, TRUNK_DTMF_EVENTS, PBX("8 101", EVENT("101")),
		 "RTP/AVP 8 101\r\n", GW("8 96", EVENT("96")), "RTP/SAVP 8 101\r\n", 0, 0, 0, 96},
		{"B speaks events, A has none", TRUNK_DTMF_PASS, TRUNK_DTMF_EVENTS, PBX("8", ""),
		 "RTP/AVP 8\r\n", GW("8", ""), "RTP/SAVP 8\r\n", 0, 0, 0, 0},
		{"A takes INFO alone", TRUNK_DTMF_INFO, TRUNK_DTMF_PASS, PBX("8", ""),
		 "RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n",
		 GW("8 96", EVENT("96")), "RTP/SAVP 8\r\n", 0, 96, 0, 96},
		{"A takes INFO alone, and offers events", TRUNK_DTMF_INFO, TRUNK_DTMF_EVENTS,
		 PBX("8 98", EVENT("98")), "RTP/AVP 8 98\r\n", GW("8 98", EVENT("98")),
		 "RTP/SAVP 8\r\n", 0, 98, 0, 98},
		{"A takes INFO alone, B has no events", TRUNK_DTMF_INFO, TRUNK_DTMF_PASS,
		 PBX("8", ""), "RTP/AVP 8 101\r\n", GW("8", ""), "RTP/SAVP 8\r\n", 0, 0, 0, 0},
		{"B takes INFO alone", TRUNK_DTMF_PASS, TRUNK_DTMF_INFO, PBX("8 101", EVENT("101")),
		 "RTP/AVP 8\r\n", GW("8", ""),
		 "RTP/SAVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n", 101,
		 0, 101, 0},
		{"B takes INFO alone, A offers no events", TRUNK_DTMF_EVENTS, TRUNK_DTMF_INFO,
		 PBX("8", ""), "RTP/AVP 8\r\n", GW("8", ""), "RTP/SAVP 8\r\n", 0, 0, 0, 0},
		{"both take INFO", TRUNK_DTMF_INFO, TRUNK_DTMF_INFO, PBX("8 101", EVENT("101")),
		 "RTP/AVP 8 101\r\n", GW("8 101", EVENT("101")), "RTP/SAVP 8 101\r\n", 0, 0, 0, 0},
		{"audio of another clock", TRUNK_DTMF_INFO, TRUNK_DTMF_PASS,
		 PBX("111", "a=rtpmap:111 opus/48000/2\r\n"), "RTP/AVP 111 101\r\n",
		 GW("111 101", "a=rtpmap:111 opus/48000/2\r\n" EVENT("101")), "RTP/SAVP 111\r\n", 0,
		 101, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake *f = rig_up();
		const struct sent *s;

		print_message("# %s\n", rows[i].name);
		set_dtmf(f, rows[i].a, rows[i].b);
		(void)talk(f, rows[i].offer, rows[i].answer);
		for (unsigned n = 0; (s = rig_sent(f, SENT_REQUEST, n)) && s->method != SIP_INVITE;)
			n++;
		assert_says(s, rows[i].asked);
		for (unsigned n = 0; (s = rig_sent(f, SENT_RESPONSE, n)) && s->status != 200;)
			n++;
		assert_says(s, rows[i].told);
		assert_true(tells(rig_row(f, LEG_A), rows[i].hears_a));
		assert_true(tells(rig_row(f, LEG_B), rows[i].hears_b));
		assert_int_equal(rig_row(f, LEG_A)->event, rows[i].plays_a);
		assert_int_equal(rig_row(f, LEG_B)->event, rows[i].plays_b);
		rig_end(f, 1);
	}
}

/* The trunk's own number for events; a late offer; and a re-INVITE says the same. */
static void
numbers(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p;
	struct edge_txn *t;

	(void)state;
	rig_trunk(f, "gw1")->events = 97;
	set_dtmf(f, TRUNK_DTMF_INFO, TRUNK_DTMF_PASS);
	p = talk(f, PBX("8", ""), GW("8 97", EVENT("97")));
	assert_int_equal(rig_row(f, LEG_B)->event, 97);
	t = rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 7, "", PBX("8", "a=sendonly\r\n"));
	assert_says(rig_sent(f, SENT_REQUEST, 0), "RTP/AVP 8 97\r\n");
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW("8 97", EVENT("97") "a=recvonly\r\n"));
	assert_int_equal(t->status, 200);
	assert_silent(rig_sent(f, SENT_RESPONSE, 0), "telephone-event");
	assert_true(tells(rig_row(f, LEG_B), 97));
	rig_end(f, 1);
}

/* ---- INFO to events ---- */

static const struct {
	const char *name, *type, *body;
	enum trunk_dtmf a, b;
	enum trunk_indialog indialog_a, indialog_b;
	bool lost;
	int status; /* ours; 0: it goes on as it is */
	int code;   /* that is played; -1: none */
} infos[] = {
	{"a digit", RELAY, FIVE, TRUNK_DTMF_PASS, TRUNK_DTMF_EVENTS, TRUNK_INDIALOG_DTMF,
	 TRUNK_INDIALOG_DTMF, false, 200, 5},
	{"the other type", "application/dtmf", "#", TRUNK_DTMF_PASS, TRUNK_DTMF_EVENTS,
	 TRUNK_INDIALOG_DTMF, TRUNK_INDIALOG_DTMF, false, 200, 11},
	{"of one that takes INFO alone, to one that takes none", RELAY, FIVE, TRUNK_DTMF_INFO,
	 TRUNK_DTMF_PASS, TRUNK_INDIALOG_DTMF, TRUNK_INDIALOG_NONE, false, 200, 5},
	{"it sends none by its trunk", RELAY, FIVE, TRUNK_DTMF_INFO, TRUNK_DTMF_PASS,
	 TRUNK_INDIALOG_NONE, TRUNK_INDIALOG_DTMF, false, 405, -1},
	{"both take INFO", RELAY, FIVE, TRUNK_DTMF_INFO, TRUNK_DTMF_INFO, TRUNK_INDIALOG_DTMF,
	 TRUNK_INDIALOG_DTMF, false, 0, -1},
	{"nobody says", RELAY, FIVE, TRUNK_DTMF_PASS, TRUNK_DTMF_PASS, TRUNK_INDIALOG_DTMF,
	 TRUNK_INDIALOG_DTMF, false, 0, -1},
	{"no digit", RELAY, "Signal=17\r\n", TRUNK_DTMF_PASS, TRUNK_DTMF_EVENTS,
	 TRUNK_INDIALOG_DTMF, TRUNK_INDIALOG_DTMF, false, 415, -1},
	{"no DTMF", "text/plain", "5", TRUNK_DTMF_PASS, TRUNK_DTMF_EVENTS, TRUNK_INDIALOG_INFO,
	 TRUNK_INDIALOG_INFO, false, 0, -1},
	{"media has no room", RELAY, FIVE, TRUNK_DTMF_PASS, TRUNK_DTMF_EVENTS, TRUNK_INDIALOG_DTMF,
	 TRUNK_INDIALOG_DTMF, true, 500, -1},
};

static void
to_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(infos); i++) {
		enum call_leg_index leg = i % 2 ? LEG_B : LEG_A;
		size_t r = i / 2;
		struct fake *f = rig_up();
		struct rig_pair p;
		struct sent *s;

		rig_trunk(f, "acme-pbx")->indialog =
			leg ? infos[r].indialog_b : infos[r].indialog_a;
		rig_trunk(f, "gw1")->indialog = leg ? infos[r].indialog_a : infos[r].indialog_b;
		set_dtmf(f, leg ? infos[r].b : infos[r].a, leg ? infos[r].a : infos[r].b);
		p = talk(f, PBX_OFFER, GW_BODY);
		f->no_digit = infos[r].lost;
		s = ask(f, &p, leg, 7, infos[r].type, infos[r].body);
		if (s->kind != (infos[r].status ? SENT_RESPONSE : SENT_REQUEST) ||
		    s->status != infos[r].status)
			fail_msg("%s: %d\n%s", infos[r].name, s->status, s->text);
		if (s->status == 200)
			assert_says(s, "PRACK, INFO");
		assert_int_equal(f->n_digits, infos[r].code >= 0);
		if (infos[r].code >= 0) {
			assert_int_equal(f->digit.code, infos[r].code);
			assert_int_equal(f->digit.slot, rig_leg(f, 1 - leg)->media.slot);
			assert_int_equal(f->digit.ms, infos[r].code == 5 ? 250 : SIP_DTMF_MS);
		}
		rig_end(f, 1);
	}
}

/* Early media has them as well; a call that ends does not. */
static void
states(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p;

	(void)state;
	set_dtmf(f, TRUNK_DTMF_PASS, TRUNK_DTMF_EVENTS);
	p.a = rig_invite(f, &(struct invite){0});
	p.b = rig_out(f);
	fake_answer(f, p.b, 180, "gw", GW_CONTACT, "");
	assert_int_equal(ask(f, &p, LEG_A, 7, RELAY, FIVE)->kind, SENT_REQUEST); /* no session */
	fake_answer(f, p.b, 183, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(ask(f, &p, LEG_A, 8, RELAY, FIVE)->status, 200);
	fake_answer(f, p.b, 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(ask(f, &p, LEG_A, 9, RELAY, FIVE)->status, 200);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 1, "");
	rig_restart(f, &p);
	assert_int_equal(ask(f, &p, LEG_A, 10, RELAY, FIVE)->status, 200);
	assert_int_equal(f->n_digits, 3);
	(void)rig_inside(f, p.b, "gw1", "BYE", 5, "");
	assert_int_equal(ask(f, &p, LEG_A, 11, RELAY, FIVE)->status, 481);
	assert_int_equal(f->n_digits, 3);
	rig_settle(f);
	rig_end(f, 1);
}

/* ---- events to INFO ---- */

static void
to_info(void **state)
{
	static const struct {
		const char *name;
		int status; /* of the first INFO; 0: silence */
	} rows[] = {{"taken", 200}, {"refused", 415}, {"it knows no call", 481}, {"silence", 0}};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		enum call_leg_index leg = i % 2 ? LEG_B : LEG_A; /* that takes INFO */
		struct fake *f = rig_up();
		struct sent *s;
		unsigned before;

		print_message("# %s\n", rows[i / 2].name);
		set_dtmf(f, leg ? TRUNK_DTMF_PASS : TRUNK_DTMF_INFO,
			 leg ? TRUNK_DTMF_INFO : TRUNK_DTMF_PASS);
		(void)talk(f, PBX_OFFER, leg ? GW("8", "") : GW_BODY);
		hear(f, (enum call_leg_index)(1 - leg), 5, 120);
		s = rig_last(f);
		assert_int_equal(s->method, SIP_INFO);
		assert_int_equal(s->dest.transport, leg ? EDGE_UDP : EDGE_TLS);
		assert_says(s, "Content-Type: application/dtmf-relay\r\n");
		assert_says(s, "\r\n\r\nSignal=5\r\nDuration=120\r\n");
		before = f->n_sent;
		hear(f, (enum call_leg_index)(1 - leg), 11, 90);
		hear(f, (enum call_leg_index)(1 - leg), 16, 90);
		assert_int_equal(f->n_sent, before); /* one at a time */
		if (rows[i / 2].status)
			fake_answer(f, s->txn, (unsigned)rows[i / 2].status, "far", "", "");
		else
			fake_run(f, FAKE_LIFE_US + 1);
		s = rig_last(f);
		assert_says(s, "\r\n\r\nSignal=#\r\n");
		fake_answer(f, s->txn, 100, "far", "", "");
		fake_answer(f, s->txn, 200, "far", "", "");
		s = rig_last(f);
		assert_says(s, "\r\n\r\nSignal=16\r\n");
		assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
		rig_end(f, 1); /* with the last one out */
	}
}

/* Not to who does not take INFO alone, not beyond the queue, not when it cannot be sent. */
static void
not_sent(void **state)
{
	struct fake *f = rig_up();
	uint32_t before;

	(void)state;
	set_dtmf(f, TRUNK_DTMF_INFO, TRUNK_DTMF_PASS);
	(void)talk(f, PBX_OFFER, GW_BODY);
	before = f->n_sent;
	hear(f, LEG_A, 5, 120);
	assert_int_equal(f->n_sent, before);
	f->no_send = true;
	hear(f, LEG_B, 5, 120);
	f->no_send = false;
	assert_null(rig_call(f)->digits.out);
	for (unsigned i = 0; i < CALL_DIGITS_MAX + 5; i++)
		hear(f, LEG_B, 5, 120);
	assert_int_equal(rig_call(f)->digits.n, CALL_DIGITS_MAX);
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	rig_end(f, 1);
}

/* After a restart of signaling; before the answer. */
static void
restart(void **state)
{
	struct fake *f = rig_up();
	struct rig_pair p;
	struct sent *s;

	(void)state;
	set_dtmf(f, TRUNK_DTMF_INFO, TRUNK_DTMF_PASS);
	p = talk(f, PBX("8", ""), GW_BODY);
	rig_restart(f, &p);
	hear(f, LEG_B, 9, 120);
	s = rig_last(f);
	assert_says(s, "Signal=9");
	fake_answer(f, s->txn, 200, "far", "", "");
	assert_int_equal(ask(f, &p, LEG_A, 7, RELAY, FIVE)->status, 200);
	assert_int_equal(f->digit.code, 5);
	rig_end(f, 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions), cmocka_unit_test(numbers), cmocka_unit_test(to_events),
		cmocka_unit_test(states),   cmocka_unit_test(to_info), cmocka_unit_test(not_sent),
		cmocka_unit_test(restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
