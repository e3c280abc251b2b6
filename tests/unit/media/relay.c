/* The relay with arrays for a network: both ways, and who is heard (M1-M4, M8, M10, M11). */
#include "rig.h"

static void
test_srtp_to_clear(void **state)
{
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 0x11111111, .seq = 65500, .ts = 77};
	struct far f;
	uint8_t p[IO_PACKET_MAX], want[PAYLOAD];
	uint16_t first = 0;
	uint32_t ssrc = 0;

	(void)state;
	rig_call(g);
	far_up(&f, LEG_A, 1, 1, false);
	for (unsigned i = 0; i < 2000; i++, g->now += 20000) {
		rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, p, far_speak(&f, &v, p));
		ROW_EQUAL("one in, one out", rig_run(g), 1);
		if (i == 0) {
			first = octets_get16(g->out[0].p + 2);
			ssrc = octets_get32(g->out[0].p + 8);
		}
		fill_payload(want, v.ssrc, (uint16_t)(v.seq - 1));
		assert_int_equal(g->out[0].len, RTP_HEADER_LEN + PAYLOAD);
		assert_memory_equal(g->out[0].p + RTP_HEADER_LEN, want, PAYLOAD);
		assert_int_equal(octets_get16(g->out[0].p + 2), (uint16_t)(first + i));
		assert_int_equal(octets_get32(g->out[0].p + 8), ssrc);
		assert_int_equal(g->out[0].socket, 2 * LEG_B);
		assert_true(addr_eq(&g->out[0].addr, &g->open[LEG_B].rtp));
		assert_int_equal(g->out[0].dscp, 46);
	}
	assert_int_not_equal(ssrc, v.ssrc);
	assert_int_equal(rig_row(g, LEG_A)->stats.in_packets, 2000);
	assert_int_equal(rig_row(g, LEG_B)->stats.out_packets, 2000);
	assert_int_equal(rig_row(g, LEG_A)->stats.roc_guesses, 0);
	far_down(&f);
	rig_down(g);
}

/* What the trunk says, or as the packet came; RTCP of our own under keep: 0. */
static void
test_dscp(void **state)
{
	static const struct {
		uint8_t conf, in, out;
	} rows[] = {{46, 0, 46}, {0, 46, 0}, {MEDIA_DSCP_KEEP, 26, 26}, {MEDIA_DSCP_KEEP, 0, 0}};
	struct voice v = {.ssrc = 4, .seq = 1};
	uint8_t p[IO_PACKET_MAX];

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct rig *g = rig_up();
		struct media_open a;

		rig_call(g);
		a = g->open[LEG_A];
		a.dscp = rows[r].conf;
		rig_open(g, &a);
		rig_push(g, 2 * LEG_B, g->open[LEG_B].rtp, p, speak(&v, p));
		g->in[g->n_in - 1].dscp = rows[r].in;
		ROW_EQUAL("out", rig_run(g), 1);
		ROW_EQUAL("dscp", g->out[0].dscp, rows[r].out);
		g->n_out = 0;
		g->now += 20000000;
		for (int i = 0; i < CONTROL_TICKS; i++)
			control_tick(g->relay, g->now, g->now);
		for (unsigned i = 0; i < g->n_out; i++)
			if (g->out[i].socket / 2 == LEG_A)
				ROW_EQUAL("own RTCP", g->out[i].dscp, rows[r].conf == 46 ? 46 : 0);
		rig_down(g);
	}
}

static void
test_clear_to_srtp(void **state)
{
	static const struct {
		const char *name;
		uint8_t suite;
		bool tag32;
	} rows[] = {{"SHA1_80", SRTP_AES_CM_128_HMAC_SHA1_80, false},
		    {"SHA1_32", SRTP_AES_CM_128_HMAC_SHA1_32, true}};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct rig *g = rig_up();
		struct voice v = {.ssrc = 0x22222222, .seq = 65000, .ts = 5};
		struct media_open a;
		struct far f;
		uint8_t p[IO_PACKET_MAX], want[PAYLOAD];

		rig_call(g);
		a = g->open[LEG_A];
		a.in_suite = a.out_suite = rows[r].suite;
		a.generation++;
		rig_open(g, &a);
		far_up(&f, LEG_A, 1, 1, rows[r].tag32);
		for (unsigned i = 0; i < 70000; i++, g->now += 20000) {
			struct rig_packet *k = &g->out[0];

			rig_push(g, 2 * LEG_B, g->open[LEG_B].rtp, p, speak(&v, p));
			ROW_EQUAL(rows[r].name, rig_run(g), 1);
			ROW_EQUAL(rows[r].name, k->len,
				  RTP_HEADER_LEN + PAYLOAD + (rows[r].tag32 ? 4 : 10));
			ROW_EQUAL(rows[r].name, far_read(&f, k->p, k->len),
				  RTP_HEADER_LEN + PAYLOAD);
			fill_payload(want, v.ssrc, (uint16_t)(v.seq - 1));
			assert_memory_equal(k->p + RTP_HEADER_LEN, want, PAYLOAD);
			assert_true(addr_eq(&k->addr, &g->open[LEG_A].rtp));
		}
		far_down(&f);
		rig_down(g);
	}
}

/* M1, M2: who is heard, by leg and by what the trunk allows. A stranger sends 20 packets with the
 * right SSRC and sequence; then the leg's own end sends one. */
static void
test_who_is_heard(void **state)
{
	static const struct {
		const char *name;
		bool secure, learn;
		const char *named, *stranger;
		unsigned relayed_stranger, relayed_own;
	} rows[] = {
		{"M1 clear, another host", false, false, "192.0.2.2:4002", "198.51.100.9:4002", 0,
		 1},
		{"M2 clear, same host, another port", false, false, "192.0.2.2:4002",
		 "192.0.2.2:4004", 0, 1},
		{"M2 clear, nobody named yet", false, false, "0.0.0.0:0", "198.51.100.9:4002", 0,
		 0},
		{"M1 clear, learning: the first is latched", false, true, "10.9.9.9:9",
		 "198.51.100.9:4002", 20, 1},
		{"M2 srtp, without the key", true, false, "192.0.2.1:4000", "198.51.100.9:4002", 0,
		 1},
		{"M2 srtp, from the named address, without the key", true, false, "192.0.2.1:4000",
		 "192.0.2.1:4000", 0, 1},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct rig *g = rig_up();
		uint32_t leg = rows[r].secure ? LEG_A : LEG_B;
		struct voice v = {.ssrc = 0x33333333, .seq = 100};
		struct media_open o;
		struct addr to;
		struct far f;
		uint8_t p[IO_PACKET_MAX];
		unsigned n = 0;

		rig_call(g);
		far_up(&f, LEG_A, 1, 1, false);
		o = g->open[leg];
		o.rtp = rig_addr(rows[r].named);
		if (o.rtp.port == 0)
			o.rtp = o.rtcp = (struct addr){0};
		if (rows[r].learn)
			o.flags |= MEDIA_F_LEARN_CLEAR;
		rig_open(g, &o);
		for (int i = 0; i < 20; i++) {
			rig_push(g, 2 * leg, rig_addr(rows[r].stranger), p, speak(&v, p));
			n += rig_run(g);
		}
		ROW_EQUAL(rows[r].name, n, rows[r].relayed_stranger);
		if (rows[r].relayed_stranger == 0) /* nothing was learned */
			assert_false(flow_far(rig_row(g, leg), false, &to) &&
				     addr_eq(&to, &(struct addr){0}));
		if (rows[r].relayed_stranger == 0 && o.rtp.family) {
			assert_true(flow_far(rig_row(g, leg), false, &to));
			assert_true(addr_eq(&to, &o.rtp));
		}
		rig_push(g, 2 * leg, o.rtp, p,
			 rows[r].secure ? far_speak(&f, &v, p) : speak(&v, p));
		ROW_EQUAL(rows[r].name, rig_run(g), rows[r].relayed_own);
		far_down(&f);
		rig_down(g);
	}
}

/* After one has been latched, a second stranger is not heard (M1). */
static void
test_latch_holds(void **state)
{
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 1, .seq = 1};
	struct media_open o;
	uint8_t p[IO_PACKET_MAX];

	(void)state;
	rig_call(g);
	o = g->open[LEG_B];
	o.flags |= MEDIA_F_LEARN_CLEAR;
	rig_open(g, &o);
	rig_push(g, 2 * LEG_B, rig_addr("203.0.113.5:7000"), p, speak(&v, p));
	assert_int_equal(rig_run(g), 1);
	rig_push(g, 2 * LEG_B, rig_addr("203.0.113.6:7000"), p, speak(&v, p));
	assert_int_equal(rig_run(g), 0);
	assert_int_equal(rig_dropped(g, LEG_B, MEDIA_DROP_source), 1);
	rig_down(g);
}

/* An SRTP end that moved is followed with its first verified packet; a latecomer from the old
 * place does not move it back. */
static void
test_srtp_source_follows(void **state)
{
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 5, .seq = 1000}, back = {.ssrc = 6, .seq = 1};
	struct addr moved = rig_addr("198.51.100.77:31000");
	struct far f;
	uint8_t p[IO_PACKET_MAX], late[IO_PACKET_MAX];
	uint32_t late_len;

	(void)state;
	rig_call(g);
	far_up(&f, LEG_A, 1, 1, false);
	rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, p, far_speak(&f, &v, p));
	late_len = far_speak(&f, &v, late);
	rig_push(g, 2 * LEG_A, moved, p, far_speak(&f, &v, p));
	rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, late, late_len);
	assert_int_equal(rig_run(g), 3);
	rig_push(g, 2 * LEG_B, g->open[LEG_B].rtp, p, speak(&back, p));
	assert_int_equal(rig_run(g), 1);
	assert_true(addr_eq(&g->out[0].addr, &moved));
	far_down(&f);
	rig_down(g);
}

/* M3, M4: 10,000 spoilt packets: none relayed, each counted, and not one good packet lost. */
static void
test_bad_tags(void **state)
{
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 9, .seq = 60000};
	struct far f;
	uint8_t good[IO_PACKET_MAX], bad[IO_PACKET_MAX];
	unsigned relayed = 0;

	(void)state;
	rig_call(g);
	far_up(&f, LEG_A, 1, 1, false);
	for (unsigned i = 0; i < 10000; i++, g->now += 2000) {
		struct voice w = v;
		uint32_t n = far_speak(&f, &v, good), bad_n = n;

		memcpy(bad, good, n);
		switch (i % 4) {
		case 0: /* one bit, not in the first byte: that would be no RTP at all */
			bad[1 + i % (n - 1)] ^= (uint8_t)(1 << (i / 4 % 8));
			break;
		case 1: /* no tag */
			bad_n = n - 10;
			break;
		case 2: /* half a tag */
			bad_n = n - 5;
			break;
		default: /* in clear */
			bad_n = speak(&w, bad);
			break;
		}
		rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, bad, bad_n);
		relayed = rig_run(g);
		ROW_EQUAL("M3 spoilt", relayed, 0);
		rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, good, n);
		ROW_EQUAL("M4 the good one", rig_run(g), 1);
	}
	assert_int_equal(rig_dropped(g, LEG_A, MEDIA_DROP_auth) +
				 rig_dropped(g, LEG_A, MEDIA_DROP_replay) +
				 rig_dropped(g, LEG_A, MEDIA_DROP_version),
			 10000);
	far_down(&f);
	rig_down(g);
}

/* M4, M6 f: junk costs two authentications at most, and beyond 64 a second one. */
static void
test_junk_is_cheap(void **state)
{
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 9, .seq = 1}, junk = {.ssrc = 9, .seq = 30000};
	struct far f;
	uint8_t p[IO_PACKET_MAX];
	uint32_t searched = 0;

	(void)state;
	rig_call(g);
	far_up(&f, LEG_A, 1, 1, false);
	rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, p, far_speak(&f, &v, p));
	assert_int_equal(rig_run(g), 1);
	for (int i = 0; i < 5000; i++, g->now += 200) { /* 5 kpps for a second */
		uint8_t turn = rig_row(g, LEG_A)->in.search_turn;

		rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, p, speak(&junk, p));
		ROW_EQUAL("M4 junk", rig_run(g), 0);
		searched += (uint8_t)(rig_row(g, LEG_A)->in.search_turn - turn);
		if (i % 100 == 0) {
			rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, p, far_speak(&f, &v, p));
			ROW_EQUAL("M4 good", rig_run(g), 1);
		}
	}
	assert_in_range(searched, 1, 2 * INBOUND_SEARCH_RATE);
	/* from elsewhere there is no search at all */
	searched = rig_row(g, LEG_A)->in.search_turn;
	g->now += 5000000;
	rig_push(g, 2 * LEG_A, rig_addr("203.0.113.1:1"), p, speak(&junk, p));
	assert_int_equal(rig_run(g), 0);
	assert_int_equal(rig_row(g, LEG_A)->in.search_turn, searched);
	far_down(&f);
	rig_down(g);
}

/* M8, M11: what is no RTP is not relayed and not answered, on either leg. */
static void
test_broken_packets(void **state)
{
	static const struct {
		const char *name;
		uint32_t len;
		uint8_t head[20];
	} rows[] = {
		{"M11 empty", 0, {0}},
		{"M11 one byte", 1, {0x80}},
		{"M11 11 bytes", 11, {0x80}},
		{"M11 version 0", 40, {0x00, 0}},
		{"M11 version 1", 40, {0x40, 0}},
		{"M11 version 3", 40, {0xc0, 0}},
		{"M11 15 CSRC in 40 bytes", 40, {0x8f, 0}},
		{"M11 extension of 0xffff words",
		 40,
		 {0x90, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff}},
		{"M11 extension cut off", 14, {0x90, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde}},
		{"M11 padding 255", 13, {0xa0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 255}},
		{"M11 padding 0", 13, {0xa0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0}},
		{"M8 STUN binding", 20, {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}},
		{"M8 DTLS ClientHello", 60, {22, 0xfe, 0xff, 0, 0}},
		{"M8 ZRTP", 40, {16, 0, 0, 0, 'Z', 'R', 'T', 'P'}},
	};
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 3, .seq = 9};
	uint8_t p[IO_PACKET_MAX] = {0};

	(void)state;
	rig_call(g);
	for (size_t r = 0; r < ARRAY_LEN(rows); r++)
		for (uint32_t leg = 0; leg < 2; leg++)
			for (uint32_t port = 0; port < 2; port++) {
				memcpy(p, rows[r].head, sizeof(rows[r].head));
				rig_push(g, 2 * leg + port,
					 port ? g->open[leg].rtcp : g->open[leg].rtp, p,
					 rows[r].len);
				ROW_EQUAL(rows[r].name, rig_run(g), 0);
				ROW_EQUAL(rows[r].name, rig_row(g, leg)->stats.far.family, 0);
			}
	rig_push(g, 2 * LEG_B, g->open[LEG_B].rtp, p, speak(&v, p));
	assert_int_equal(rig_run(g), 1);
	rig_down(g);
}

static uint32_t
make_rr(uint8_t *p, uint32_t ssrc)
{
	struct buf b;

	buf_init(&b, p, IO_PACKET_MAX);
	rtcp_put_rr(&b, ssrc, NULL, 0);
	rtcp_put_cname(&b, ssrc, STR("far"));
	return (uint32_t)b.len;
}

/* M10: RTCP on an encrypted leg is encrypted or not there at all. */
static void
test_rtcp_is_sealed(void **state)
{
	struct rig *g = rig_up();
	struct far f;
	uint8_t p[IO_PACKET_MAX], q[IO_PACKET_MAX];
	uint32_t len;
	int n;

	(void)state;
	rig_call(g);
	far_up(&f, LEG_A, 1, 1, false);
	for (len = 0; len <= 40; len++) { /* in clear, and cut */
		memset(p, 0, sizeof(p));
		(void)make_rr(p, 77);
		rig_push(g, 2 * LEG_A + 1, g->open[LEG_A].rtcp, p, len);
		ROW_EQUAL("M10 short or clear", rig_run(g), 0);
	}
	n = (int)make_rr(p, 77);
	assert_int_equal(srtp_protect_rtcp(f.tx, p, &n), srtp_err_status_ok);
	memcpy(q, p, sizeof(q));
	q[n - 14] &= 0x7f; /* E off */
	rig_push(g, 2 * LEG_A + 1, g->open[LEG_A].rtcp, q, (size_t)n);
	ROW_EQUAL("M10 E=0", rig_run(g), 0);
	assert_true(rig_dropped(g, LEG_A, MEDIA_DROP_clear) > 0);
	rig_push(g, 2 * LEG_A + 1, g->open[LEG_A].rtcp, p, (size_t)n);
	ROW_EQUAL("M10 sealed", rig_run(g), 1);
	assert_int_equal(g->out[0].socket, 2 * LEG_B + 1);
	rig_push(g, 2 * LEG_A + 1, g->open[LEG_A].rtcp, p, (size_t)n);
	ROW_EQUAL("M5 again", rig_run(g), 0);
	/* towards A: libsrtp2 opens it, and E is set */
	len = make_rr(p, 88);
	rig_push(g, 2 * LEG_B + 1, g->open[LEG_B].rtcp, p, len);
	ROW_EQUAL("M10 out", rig_run(g), 1);
	n = (int)g->out[0].len;
	assert_true(g->out[0].p[n - 14] & 0x80);
	assert_int_equal(srtp_unprotect_rtcp(f.rx, g->out[0].p, &n), srtp_err_status_ok);
	far_down(&f);
	rig_down(g);
}

/* Ports without a call, rows that do not name each other, directions that SDP closes. */
static void
test_nowhere_to_go(void **state)
{
	static const struct {
		const char *name;
		uint32_t a_flags_off, b_flags_off, b_peer;
		enum media_drop why;
		bool close_b;
	} rows[] = {
		{"hold: B may not be sent to", 0, MEDIA_F_SEND, LEG_A, MEDIA_DROP_nopeer, false},
		{"hold: A may not send", MEDIA_F_RECV, 0, LEG_A, MEDIA_DROP_nopeer, false},
		{"B belongs to another call", 0, 0, 5, MEDIA_DROP_nopeer, false},
		{"B is closed", 0, 0, LEG_A, MEDIA_DROP_nopeer, true},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct rig *g = rig_up();
		struct voice v = {.ssrc = 3, .seq = 9};
		struct media_open a, b;
		struct far f;
		uint8_t p[IO_PACKET_MAX];

		rig_call(g);
		far_up(&f, LEG_A, 1, 1, false);
		a = g->open[LEG_A];
		b = g->open[LEG_B];
		a.flags &= ~rows[r].a_flags_off;
		b.flags &= ~rows[r].b_flags_off;
		b.peer = rows[r].b_peer;
		rig_open(g, &a);
		rig_open(g, &b);
		if (rows[r].close_b)
			rig_close(g, LEG_B, b.generation);
		rig_push(g, 2 * LEG_A, a.rtp, p, far_speak(&f, &v, p));
		ROW_EQUAL(rows[r].name, rig_run(g), 0);
		ROW_EQUAL(rows[r].name, rig_dropped(g, LEG_A, rows[r].why), 1);
		rig_push(g, 2 * 6, a.rtp, p, far_speak(&f, &v, p));
		ROW_EQUAL(rows[r].name, rig_run(g), 0);
		ROW_EQUAL(rows[r].name, g->flows.mine->dropped[MEDIA_DROP_noflow], 1);
		far_down(&f);
		rig_down(g);
	}
}

/* rtcp-mux: RTCP comes and goes on the RTP port. */
static void
test_mux(void **state)
{
	struct rig *g = rig_up();
	struct media_open a;
	struct far f;
	uint8_t p[IO_PACKET_MAX];
	int n;

	(void)state;
	rig_call(g);
	a = g->open[LEG_A];
	a.flags |= MEDIA_F_RTCP_MUX;
	rig_open(g, &a);
	far_up(&f, LEG_A, 1, 1, false);
	n = (int)make_rr(p, 77);
	assert_int_equal(srtp_protect_rtcp(f.tx, p, &n), srtp_err_status_ok);
	rig_push(g, 2 * LEG_A, a.rtp, p, (size_t)n);
	assert_int_equal(rig_run(g), 1);
	assert_int_equal(g->out[0].socket, 2 * LEG_B + 1);
	rig_push(g, 2 * LEG_B + 1, g->open[LEG_B].rtcp, p, make_rr(p, 88));
	assert_int_equal(rig_run(g), 1);
	assert_int_equal(g->out[0].socket, 2 * LEG_A);
	assert_true(addr_eq(&g->out[0].addr, &a.rtp));
	far_down(&f);
	rig_down(g);
}

/* field.md row 29: the far end's payload types become the other leg's, marker and all else stay;
 * what nobody named is counted and passes as it is. */
static void
test_payload_types(void **state)
{
	static const struct {
		uint8_t sent, want;
		bool strange;
	} rows[] = {
		{0, 0, false},    {101, 96, false}, {96, 101, false},
		{101, 96, false}, {97, 97, true},   {97, 97, true},
		{0, 0, false},    {127, 127, true}, {96, 101, false},
	};
	static const struct media_pts pts = {3, {101, 96, 0}, {96, 101, 0}};
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 5, .seq = 9};
	struct media_open a, b;
	uint8_t p[IO_PACKET_MAX];
	unsigned strange = 0;
	struct far f;

	(void)state;
	rig_call(g);
	far_up(&f, LEG_A, 1, 1, false);
	a = g->open[LEG_A];
	b = g->open[LEG_B];
	a.pts = b.pts = pts;
	a.flags |= MEDIA_F_PTS_ALL;
	rig_open(g, &a);
	rig_open(g, &b);
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++, g->now += 20000) {
		size_t k = i % ARRAY_LEN(rows);
		bool marker = k == 1;
		uint32_t n = speak(&v, p);

		p[1] = (uint8_t)(rows[k].sent | (marker ? 0x80 : 0));
		if (i < ARRAY_LEN(rows))
			rig_push(g, 2 * LEG_A, a.rtp, p, far_seal(&f, p, n));
		else
			rig_push(g, 2 * LEG_B, b.rtp, p, n);
		ROW_EQUAL("out", rig_run(g), 1);
		ROW_EQUAL("payload type", g->out[0].p[1] & 0x7f, rows[k].want);
		ROW_EQUAL("marker", g->out[0].p[1] >> 7, marker);
		strange += i < ARRAY_LEN(rows) && rows[k].strange;
		ROW_EQUAL("strange", rig_row(g, LEG_A)->stats.in_strange, strange);
	}
	assert_int_equal(rig_row(g, LEG_B)->stats.in_strange, 0); /* not all are known there */
	for (int i = 0; i < 2; i++) {
		uint32_t n = speak(&v, p);

		if (i) { /* from the next packet on */
			a.pts.to[0] = 100;
			rig_open(g, &a);
		}
		p[1] = 101;
		rig_push(g, 2 * LEG_A, a.rtp, p, far_seal(&f, p, n));
		assert_int_equal(rig_run(g), 1);
		assert_int_equal(g->out[0].p[1], i ? 100 : 96);
	}
	far_down(&f);
	rig_down(g);
}

/* G.711 without anything to hear, one packet in so many looked into. */
static void
test_silence(void **state)
{
	static const struct {
		const char *name;
		uint8_t pt, fill;
		bool judged, silent;
	} rows[] = {
		{"u-law zero", 0, 0xff, true, true},
		{"u-law minus zero", 0, 0x7f, true, true},
		{"u-law almost", 0, 0xfc, true, true},
		{"u-law noise", 0, 0xf0, true, false},
		{"A-law zero", 8, 0xd5, true, true},
		{"A-law minus zero", 8, 0x55, true, true},
		{"A-law tone", 8, 0x2a, true, false},
		{"u-law bytes as A-law", 8, 0xff, true, false},
		{"not G.711", 9, 0xff, false, false},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct rig *g = rig_up();
		struct voice v = {.ssrc = 5, .seq = 9};
		uint8_t p[IO_PACKET_MAX];
		struct media_stats *s;

		rig_call(g);
		for (unsigned i = 0; i < 3 * (INBOUND_LISTEN + 1); i++, g->now += 20000) {
			uint32_t n = speak(&v, p);

			p[1] = rows[r].pt;
			memset(p + RTP_HEADER_LEN, rows[r].fill, n - RTP_HEADER_LEN);
			rig_push(g, 2 * LEG_B, g->open[LEG_B].rtp, p, n);
			ROW_EQUAL("out", rig_run(g), 1);
		}
		s = &rig_row(g, LEG_B)->stats;
		ROW_EQUAL("judged", s->in_judged, rows[r].judged ? 3 : 0);
		ROW_EQUAL("silent", s->in_silent, rows[r].silent ? 3 : 0);
		rig_down(g);
	}
}

/* MEDIA_F_RAW: UDPTL passes as it is between two raw rows, from who may send it; no RTP goes to a
 * raw row, nothing raw to another one, and no RTCP of our own. */
static void
test_raw(void **state)
{
	static const struct {
		const char *name;
		bool raw_a, raw_b, strange;
		unsigned out;
	} rows[] = {
		{"both", true, true, false, 1},
		{"to a row of RTP", false, true, false, 0},
		{"from a row of RTP", true, false, false, 0},
		{"from a stranger", true, true, true, 0},
	};
	struct voice v = {.ssrc = 5, .seq = 9};
	uint8_t p[IO_PACKET_MAX], sent[IO_PACKET_MAX];
	uint32_t n;

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct rig *g = rig_up();
		struct media_open a, b;
		struct addr from;

		rig_call(g);
		a = g->open[LEG_A];
		b = g->open[LEG_B];
		a.flags &= ~(uint32_t)MEDIA_F_SECURE;
		if (rows[r].raw_a)
			a.flags |= MEDIA_F_RAW;
		if (rows[r].raw_b)
			b.flags |= MEDIA_F_RAW;
		rig_open(g, &a);
		rig_open(g, &b);
		from = b.rtp;
		from.port = (uint16_t)(from.port + 10 * rows[r].strange);
		n = speak(&v, p); /* as good as any */
		memcpy(sent, p, n);
		rig_push(g, 2 * LEG_B, from, p, n);
		ROW_EQUAL(rows[r].name, rig_run(g), rows[r].out);
		if (rows[r].out) {
			assert_int_equal(g->out[0].len, n);
			assert_memory_equal(g->out[0].p, sent, n);
			assert_int_equal(g->out[0].socket, 2 * LEG_A);
			rig_push(g, 2 * LEG_A, a.rtp, p, 1); /* and back */
			assert_int_equal(rig_run(g), 1);
			assert_int_equal(g->out[0].socket, 2 * LEG_B);
			g->n_out = 0;
			g->now += 20000000;
			for (int i = 0; i < CONTROL_TICKS; i++)
				control_tick(g->relay, g->now, g->now);
			ROW_EQUAL("own RTCP", g->n_out, 0);
		}
		rig_down(g);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_srtp_to_clear),
		cmocka_unit_test(test_clear_to_srtp),
		cmocka_unit_test(test_dscp),
		cmocka_unit_test(test_who_is_heard),
		cmocka_unit_test(test_latch_holds),
		cmocka_unit_test(test_srtp_source_follows),
		cmocka_unit_test(test_bad_tags),
		cmocka_unit_test(test_junk_is_cheap),
		cmocka_unit_test(test_broken_packets),
		cmocka_unit_test(test_rtcp_is_sealed),
		cmocka_unit_test(test_nowhere_to_go),
		cmocka_unit_test(test_mux),
		cmocka_unit_test(test_payload_types),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_raw),
	};

	return cmocka_run_group_tests(tests, rig_libsrtp, rig_libsrtp_down);
}
