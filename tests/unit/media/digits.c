/* Digits between signaling and a row's media (RFC 4733): played to a far end, told of one. */
#include "rig.h"

#include "media/hand.h"

/* The n-th packet that left, in clear: an encrypted one is opened. */
static const uint8_t *
left(struct rig *g, struct far *f, unsigned n)
{
	struct rig_packet *k = &g->out[n];

	if (k->socket == 2 * LEG_A)
		assert_true(far_read(f, k->p, k->len) >= RTP_HEADER_LEN);
	return k->p;
}

/* A digit of signaling plays to a leg, clear or encrypted, between audio or in silence: one marker,
 * one timestamp, no gap and no repeat in sequence, no audio meanwhile, and the audio behind it goes
 * on in its own time. */
static void
test_digit_out(void **state)
{
	static const struct {
		const char *name;
		unsigned leg;
		bool audio, pass, held;
		unsigned packets; /* of the event */
	} rows[] = {
		{"encrypted, between audio", LEG_A, true, false, false, 10},
		{"clear, between audio", LEG_B, true, false, false, 10},
		{"clear, its SSRC would pass", LEG_B, true, true, false, 10},
		{"encrypted, nothing came yet", LEG_A, false, false, false, 10},
		{"clear, it does not want to hear us", LEG_B, true, false, true, 0},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct rig *g = rig_up();
		unsigned leg = rows[r].leg, events = 0, audio = 0;
		struct media_digit d = {.slot = leg, .generation = 7, .ms = 160, .code = 11};
		struct voice v = {.ssrc = 9, .seq = 65530, .ts = 500};
		uint8_t p[IO_PACKET_MAX];
		uint16_t last = 0;
		uint32_t ts = 0, audio_ts = 0;
		struct media_open o;
		struct far f;

		rig_call(g);
		far_up(&f, LEG_A, 1, 1, false);
		o = g->open[leg];
		o.event = 101;
		o.flags |= rows[r].pass ? MEDIA_F_SSRC_PASS : 0;
		o.flags &= ~(uint32_t)(rows[r].held ? MEDIA_F_SEND : 0);
		rig_open(g, &o);
		for (unsigned ms = 0; ms < 600; ms += 10, g->now += 10000) {
			if (ms == 100)
				relay_digit(g->relay, &d, g->now);
			if (rows[r].audio && ms % 20 == 0)
				rig_push(g, 2 * (1 - leg), g->open[1 - leg].rtp, p,
					 leg == LEG_A ? speak(&v, p) : far_speak(&f, &v, p));
			(void)rig_run(g);
			if (g->now >= rtp_digits_due(&g->relay->playing))
				relay_play(g->relay, g->now);
			for (unsigned i = 0; i < g->n_out; i++) {
				const uint8_t *k = left(g, &f, i);
				uint16_t seq = octets_get16(k + 2);
				bool event = (k[1] & 0x7f) == 101;

				ROW_EQUAL("SSRC", octets_get32(k + 8),
					  rig_row(g, leg)->out.state.ssrc);
				if (events + audio)
					ROW_EQUAL("sequence", seq, (uint16_t)(last + 1));
				last = seq;
				if (!event) {
					if (audio++)
						ROW_EQUAL("time of audio",
							  (octets_get32(k + 4) - audio_ts) % 160,
							  0);
					assert_true(events == 0 || events == rows[r].packets);
					audio_ts = octets_get32(k + 4);
					continue;
				}
				ROW_EQUAL("marker", k[1] >> 7, events == 0);
				if (events++)
					ROW_EQUAL("one time", octets_get32(k + 4), ts);
				else if (rows[r].audio)
					assert_true(octets_get32(k + 4) - audio_ts == 160);
				ts = octets_get32(k + 4);
				ROW_EQUAL("code", k[RTP_HEADER_LEN], 11);
				ROW_EQUAL("end", k[RTP_HEADER_LEN + 1] >> 7, events >= 8);
				ROW_EQUAL("duration", octets_get16(k + RTP_HEADER_LEN + 2),
					  events < 8 ? 160 * events : 1280);
			}
			g->n_out = 0;
		}
		print_message("# %s\n", rows[r].name);
		ROW_EQUAL("events", events, rows[r].packets);
		if (rows[r].audio && !rows[r].held)
			ROW_EQUAL("audio", audio, 30 - 9);
		if (audio)
			assert_true(audio_ts - ts > 1280);
		ROW_EQUAL("over", g->relay->playing.n, 0);
		far_down(&f);
		rig_down(g);
	}
}

/* What is not for this row: none plays to a closed or another use of it, nor without a payload
 * type; more rows than there are places for. */
static void
test_digit_nobody(void **state)
{
	struct rig *g = rig_up();
	struct media_digit d = {.slot = LEG_B, .generation = 7, .ms = 160, .code = 1};

	(void)state;
	rig_call(g);
	for (unsigned i = 0; i < 3; i++) {
		d.generation = 6 + i; /* the present one is 7, without events */
		relay_digit(g->relay, &d, g->now);
	}
	relay_play(g->relay, g->now);
	assert_int_equal(g->n_out, 0);
	assert_int_equal(g->relay->playing.n, 0);
	for (unsigned i = 0; i < RTP_DIGITS_STREAMS; i++) {
		d.generation = i;
		relay_digit(g->relay, &d, g->now);
		assert_int_equal(g->relay->playing.n, i + 1);
	}
	d.generation = RTP_DIGITS_STREAMS;
	relay_digit(g->relay, &d, g->now);
	assert_int_equal(g->relay->playing.n, RTP_DIGITS_STREAMS);
	relay_play(g->relay, g->now);
	assert_int_equal(g->relay->playing.n, 0);
	rig_down(g);
}

static unsigned
missing(unsigned lose)
{
	return (unsigned)__builtin_popcount(lose);
}

/* Events that are told do not go on, whatever is lost of them, and the audio around them has no
 * gap; each is said once. */
static void
test_digit_in(void **state)
{
	static const struct {
		const char *name;
		unsigned leg;  /* that sends it */
		unsigned lose; /* bit i: the i-th packet of each event does not come */
		unsigned ms;   /* that is told */
		bool no_end;
	} rows[] = {
		{"clear", LEG_B, 0, 100, false},
		{"encrypted", LEG_A, 0, 100, false},
		{"its first packets lost", LEG_B, 7, 100, false},
		{"all but the last end", LEG_B, 0x3f, 100, false},
		{"its ends", LEG_B, 0x70, 80, true},
	};
	static const uint8_t kinds[] = {0, 0, 0, 0, 0x80, 0x80, 0x80};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct rig *g = rig_up();
		unsigned leg = rows[r].leg, audio = 0, told = 0;
		struct voice v = {.ssrc = 9, .seq = 65530, .ts = 500};
		uint8_t p[IO_PACKET_MAX];
		uint16_t last = 0;
		struct media_open o;
		struct far f;

		rig_call(g);
		far_up(&f, LEG_A, 1, 1, false);
		o = g->open[leg];
		o.pts = (struct media_pts){.n = 2, .from = {101, 0}, .to = {MEDIA_PT_DIGIT, 0}};
		rig_open(g, &o);
		for (unsigned i = 0; i < 70; i++, g->now += 20000) {
			unsigned k = i % 20, in_event = k >= 10 && k < 17;
			uint8_t units = (uint8_t)(k < 14 ? k - 9 : 5);
			int len;

			if (in_event && (rows[r].lose >> (k - 10) & 1)) {
				v.seq++;
				v.ts += 160;
			} else if (in_event) {
				struct rtp_hdr h = {.pt = 101,
						    .marker = k == 10,
						    .seq = v.seq++,
						    .ts = 9000 + i / 20 * 5000,
						    .ssrc = 9};

				v.ts += 160;
				rtp_put(p, &h);
				p[12] = (uint8_t)(i / 20 + 3);
				p[13] = (uint8_t)(10 | kinds[k - 10]);
				octets_set16(p + 14, (uint16_t)(160 * units));
				len = 16;
				if (leg == LEG_A)
					len = (int)far_seal(&f, p, (uint32_t)len);
				rig_push(g, 2 * leg, g->open[leg].rtp, p, (size_t)len);
			} else {
				rig_push(g, 2 * leg, g->open[leg].rtp, p,
					 leg == LEG_A ? far_speak(&f, &v, p) : speak(&v, p));
			}
			(void)rig_run(g);
			assert_int_equal(g->n_out, !in_event);
			if (g->n_out) {
				const uint8_t *out = left(g, &f, 0);
				unsigned lost = k == 17 ? missing(rows[r].lose) : 0;

				if (audio++)
					ROW_EQUAL("sequence", octets_get16(out + 2),
						  (uint16_t)(last + 1 + lost));
				last = octets_get16(out + 2);
			}
			for (unsigned t = 0; t < CONTROL_TICKS; t++)
				control_tick(g->relay, g->now, g->now);
			g->n_out = 0;
		}
		print_message("# %s\n", rows[r].name);
		for (unsigned i = 0; i < g->n_events; i++) {
			struct media_digit d;

			if (g->event[i].type != MEDIA_DIGIT)
				continue;
			memcpy(&d, &g->event[i].body, sizeof(d));
			ROW_EQUAL("slot", d.slot, leg);
			ROW_EQUAL("code", d.code, 3 + told++);
			ROW_EQUAL("ms", d.ms, rows[r].ms);
			ROW_EQUAL("end", d.lost, rows[r].no_end);
		}
		ROW_EQUAL("told", told, 3);
		far_down(&f);
		rig_down(g);
	}
}

/* A sender of nothing but events, each over at once: signaling hears so many a second. */
static void
test_digit_flood(void **state)
{
	struct rig *g = rig_up();
	unsigned told = 0;
	uint8_t p[IO_PACKET_MAX];
	struct media_open o;

	(void)state;
	rig_call(g);
	o = g->open[LEG_B];
	o.pts = (struct media_pts){.n = 1, .from = {101}, .to = {MEDIA_PT_DIGIT}};
	rig_open(g, &o);
	for (unsigned i = 0; i < 2 * HAND_BUDGET + 10; i++) {
		struct rtp_hdr h = {
			.pt = 101, .seq = (uint16_t)(i + 1), .ts = 9000 + i * 400, .ssrc = 9};

		if (i == HAND_BUDGET + 10)
			for (unsigned t = 0; t < CONTROL_TICKS; t++)
				control_tick(g->relay, g->now, g->now);
		rtp_put(p, &h);
		p[12] = 5;
		p[13] = 0x80;
		octets_set16(p + 14, 400);
		rig_push(g, 2 * LEG_B, g->open[LEG_B].rtp, p, 16);
		(void)rig_run(g);
		for (unsigned e = 0; e < g->n_events; e++)
			told += g->event[e].type == MEDIA_DIGIT;
		g->n_events = 0;
		assert_int_equal(told, i < HAND_BUDGET        ? i + 1
				       : i < HAND_BUDGET + 10 ? HAND_BUDGET
							      : i + 1 - 10);
	}
	rig_down(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digit_out),
		cmocka_unit_test(test_digit_nobody),
		cmocka_unit_test(test_digit_in),
		cmocka_unit_test(test_digit_flood),
	};

	return cmocka_run_group_tests(tests, rig_libsrtp, rig_libsrtp_down);
}
