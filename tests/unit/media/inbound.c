/* What the receiving half takes: replays (M5), the rollover counter (M6), new keys, and all of it
 * again by another worker on the same memory. */
#include "rig.h"

enum { SEED = 42 };

static uint64_t seed = SEED;

static uint32_t
draw(uint32_t below)
{
	seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
	return (uint32_t)(seed >> 16) % below;
}

struct talk {
	struct rig *g;
	struct far f;
	struct voice v;
};

static void
talk_up(struct talk *t, uint16_t seq)
{
	t->g = rig_up();
	rig_call(t->g);
	far_up(&t->f, LEG_A, 1, 1, false);
	t->v = (struct voice){.ssrc = 0xabcdef01, .seq = seq};
}

static void
talk_down(struct talk *t)
{
	far_down(&t->f);
	rig_down(t->g);
}

/* Say n packets that reach us; how many were relayed. */
static unsigned
say(struct talk *t, unsigned n)
{
	uint8_t p[IO_PACKET_MAX];
	unsigned relayed = 0;

	for (unsigned i = 0; i < n; i++, t->g->now += 20000) {
		uint32_t len = far_speak(&t->f, &t->v, p);

		rig_push(t->g, 2 * LEG_A, t->g->open[LEG_A].rtp, p, len);
		relayed += rig_run(t->g);
	}
	return relayed;
}

/* Say n packets that are lost. libsrtp2 keeps count with one in STEP. */
static void
lose(struct talk *t, uint32_t n)
{
	enum { STEP = 30000 };
	uint8_t p[IO_PACKET_MAX];

	while (n > 0) {
		uint32_t k = n < STEP ? n : STEP;

		t->v.seq = (uint16_t)(t->v.seq + k - 1);
		t->v.ts += (k - 1) * PAYLOAD;
		t->g->now += k * UINT64_C(20000);
		(void)far_speak(&t->f, &t->v, p);
		n -= k;
	}
}

static unsigned
push_run(struct talk *t, const uint8_t *p, uint32_t len)
{
	rig_push(t->g, 2 * LEG_A, t->g->open[LEG_A].rtp, p, len);
	return rig_run(t->g);
}

/* M5: 500 recorded across a wrap, each again 1 to 50 times: in the same batch, later, and to
 * another worker. */
static void
test_replay(void **state)
{
	static uint8_t rec[500][256];
	uint32_t len = 0;
	struct talk t;

	(void)state;
	talk_up(&t, 65300);
	for (int i = 0; i < 500; i++) {
		len = far_speak(&t.f, &t.v, rec[i]);
		rig_push(t.g, 2 * LEG_A, t.g->open[LEG_A].rtp, rec[i], len);
		rig_push(t.g, 2 * LEG_A, t.g->open[LEG_A].rtp, rec[i], len); /* same batch */
		ROW_EQUAL("M5 same batch", rig_run(t.g), 1);
	}
	for (int worker = 0; worker < 2; worker++) {
		for (int i = 0; i < 500; i++)
			for (uint32_t n = 1 + draw(50); n > 0; n--, t.g->now += 2000)
				ROW_EQUAL("M5 later", push_run(&t, rec[i], len), 0);
		rig_restart(t.g);
	}
	ROW_EQUAL("M5 goes on", say(&t, 100), 100);
	talk_down(&t);
}

/* M5: the window is 128, and a latecomer inside it is taken once. */
static void
test_late(void **state)
{
	static const struct {
		const char *name;
		unsigned behind;
		unsigned relayed;
	} rows[] = {{"next but one", 1, 1},
		    {"127 behind", 127, 1},
		    {"128 behind", 128, 0},
		    {"200 behind", 200, 0}};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct talk t;
		uint8_t late[IO_PACKET_MAX];
		uint32_t len;

		talk_up(&t, 100);
		ROW_EQUAL(rows[r].name, say(&t, 50), 50);
		len = far_speak(&t.f, &t.v, late);
		ROW_EQUAL(rows[r].name, say(&t, rows[r].behind), rows[r].behind);
		ROW_EQUAL(rows[r].name, push_run(&t, late, len), rows[r].relayed);
		ROW_EQUAL(rows[r].name, push_run(&t, late, len), 0);
		talk_down(&t);
	}
}

/* M6 a: forged packets far ahead do not move the index. */
static void
test_forged_ahead(void **state)
{
	struct talk t;
	uint8_t p[IO_PACKET_MAX];

	(void)state;
	talk_up(&t, 40000);
	for (int i = 0; i < 2000; i++) {
		struct voice w = t.v;
		uint32_t len;

		w.seq = (uint16_t)(w.seq + 0x7fff);
		len = speak(&w, p) + 10;
		ROW_EQUAL("M6a forged", push_run(&t, p, len), 0);
		ROW_EQUAL("M6a good", say(&t, 1), 1);
	}
	assert_int_equal(rig_row(t.g, LEG_A)->stats.roc_guesses, 0);
	talk_down(&t);
}

/* M6 b: 5 % loss, reordering up to 30 deep, duplicates, over three wraps: whatever arrives for the
 * first time within the window is relayed, nothing else, and no tag is ever wrong. */
static void
test_three_wraps(void **state)
{
	enum { DEPTH = 30, WRAPS = 3, AROUND = 4000, BETWEEN = 65536 - AROUND - DEPTH - 4 };
	static uint8_t buf[DEPTH][256];
	struct talk t;
	unsigned unique = 0, relayed = 0;
	uint32_t len = 0;

	(void)state;
	seed = SEED;
	talk_up(&t, 63500);
	for (int i = 0; i < WRAPS * AROUND; i++, t.g->now += 20000) {
		uint8_t *k = buf[draw(DEPTH)];

		if (i % AROUND == 0) {
			for (int n = 0; i > 0 && n < 4; n++) { /* on to the next wrap */
				t.v.seq = (uint16_t)(t.v.seq + BETWEEN / 4);
				ROW_EQUAL("M6b between", say(&t, 1), 1);
			}
			for (int n = 0; n < DEPTH; n++)
				len = far_speak(&t.f, &t.v, buf[n]);
		}
		if (draw(100) >= 5 || i == 0) {
			unsigned n = 1 + (draw(100) < 2);

			unique++;
			for (; n > 0; n--)
				rig_push(t.g, 2 * LEG_A, t.g->open[LEG_A].rtp, k, len);
			relayed += rig_run(t.g);
		}
		(void)far_speak(&t.f, &t.v, k);
	}
	assert_int_equal(srtp_index_roc(rig_row(t.g, LEG_A)->in.cell[0].rtp.next - 1), WRAPS);
	/* drawing from 30 leaves a few behind for more than 128 packets: those are too old */
	ROW_EQUAL("M6b relayed or too old",
		  relayed + rig_dropped(t.g, LEG_A, MEDIA_DROP_replay) >= unique, 1);
	assert_in_range(relayed, unique - unique / 50, unique);
	ROW_EQUAL("M6b auth failures", rig_dropped(t.g, LEG_A, MEDIA_DROP_auth), 0);
	talk_down(&t);
}

/* M6 c: after a long silence we are back within 6 packets, wherever it began. */
static void
test_silence(void **state)
{
	static const struct {
		const char *name;
		uint16_t seq;
		unsigned before, lost;
	} rows[] = {{"M6c 40,000 in the first round", 1000, 100, 40000},
		    {"M6c 40,000 after a wrap", 65500, 500, 40000},
		    {"M6c 33,000 over a wrap", 50000, 100, 33000},
		    {"M6c 65,536", 50000, 100, 65536},
		    {"M6c 70,000", 50000, 100, 70000},
		    {"M6c 130,000", 50000, 100, 130000}};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct talk t;

		talk_up(&t, rows[r].seq);
		ROW_EQUAL(rows[r].name, say(&t, rows[r].before), rows[r].before);
		lose(&t, rows[r].lost);
		t.g->now += 1000000;
		ROW_EQUAL(rows[r].name, say(&t, 6) >= 1, 1);
		ROW_EQUAL(rows[r].name, say(&t, 100), 100);
		talk_down(&t);
	}
}

/* M6 d: on hold another source speaks, then the first one comes back with its counter; and a whole
 * crowd of sources, none of which may be replayed. */
static void
test_sources(void **state)
{
	enum { CROWD = 7 };
	struct talk t;
	struct voice crowd[CROWD], music = {.ssrc = 0x77, .seq = 500}, was;
	uint8_t rec[CROWD][256];
	uint32_t len = 0;

	(void)state;
	talk_up(&t, 65500);
	ROW_EQUAL("M6d A", say(&t, 100), 100); /* wraps: counter 1 */
	was = t.v;
	t.v = music;
	ROW_EQUAL("M6d B", say(&t, 100), 100);
	t.v = was;
	ROW_EQUAL("M6d A again", say(&t, 100), 100);
	for (unsigned i = 0; i < CROWD; i++) {
		crowd[i] = (struct voice){.ssrc = 0x1000 + i, .seq = 10};
		t.v = crowd[i];
		len = far_speak(&t.f, &t.v, rec[i]);
		ROW_EQUAL("M6d crowd", push_run(&t, rec[i], len), 1);
		crowd[i] = t.v;
	}
	for (unsigned i = 0; i < CROWD; i++)
		ROW_EQUAL("M6d crowd replayed", push_run(&t, rec[i], len), 0);
	for (unsigned i = 0; i < CROWD; i++) {
		t.v = crowd[i];
		ROW_EQUAL("M6d crowd goes on", say(&t, 3), 3);
	}
	talk_down(&t);
}

static void
rekey_in(struct talk *t, uint32_t serial)
{
	struct media_open a = t->g->open[LEG_A];

	rig_secret(t->g, LEG_A, false, serial);
	a.in_serial = serial;
	rig_open(t->g, &a);
}

/* M6 e: a new key; the far end uses the old one for a while, late packets of it come after, the
 * counter is kept or begins again. */
static void
test_rekey(void **state)
{
	static const struct {
		const char *name;
		uint16_t seq;
		bool keep_roc, other_ssrc, restart;
		unsigned lost_max;
		enum flow_roc way;
	} rows[] = {
		{"M6e in the first round", 1000, true, false, false, 0, FLOW_ROC_UNKNOWN},
		{"M6e counter kept", 65500, true, false, false, 0, FLOW_ROC_KEPT},
		{"M6e counter zero again", 65500, false, false, false, 1, FLOW_ROC_RESET},
		{"M6e another source", 65500, false, true, false, 0, FLOW_ROC_UNKNOWN},
		{"M6e kept, a new worker between", 65500, true, false, true, 0, FLOW_ROC_KEPT},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct talk t;
		struct far next;
		uint8_t late[2][256], p[256];
		uint32_t len = 0;
		unsigned got;

		talk_up(&t, rows[r].seq);
		ROW_EQUAL(rows[r].name, say(&t, 200), 200);
		rekey_in(&t, 2);
		ROW_EQUAL(rows[r].name, say(&t, 50), 50); /* still the old key */
		for (int i = 0; i < 2; i++)
			len = far_speak(&t.f, &t.v, late[i]);
		if (rows[r].restart)
			rig_restart(t.g);
		far_up(&next, LEG_A, 2, 1, false);
		if (rows[r].keep_roc && rows[r].seq == 65500) { /* bring libsrtp2 to counter 1 */
			struct voice w = t.v;

			w.seq = 65535;
			len = far_speak(&next, &w, p);
		}
		if (rows[r].other_ssrc)
			t.v.ssrc ^= 0xffff;
		srtp_dealloc(t.f.tx);
		t.f.tx = next.tx;
		srtp_dealloc(next.rx);
		got = say(&t, 50);
		ROW_EQUAL(rows[r].name, got >= 50 - rows[r].lost_max, 1);
		ROW_EQUAL(rows[r].name, rig_row(t.g, LEG_A)->in.roc_way, rows[r].way);
		for (int i = 0; i < 2; i++) { /* the old key goes on for the grace time */
			ROW_EQUAL(rows[r].name, push_run(&t, late[i], len), 1);
			ROW_EQUAL(rows[r].name, push_run(&t, late[i], len), 0);
		}
		ROW_EQUAL(rows[r].name, say(&t, 50), 50);
		for (int i = 0; i < 30; i++, t.g->now += 1000000)
			control_tick(t.g->relay, t.g->now, t.g->now);
		assert_int_equal(rig_row(t.g, LEG_A)->in.old_serial, 0);
		assert_null(keys_in(&t.g->relay->keys, LEG_A, 1));
		ROW_EQUAL(rows[r].name, say(&t, 50), 50);
		talk_down(&t);
	}
}

/* M6 g: what was recorded before a wrap is not taken after it, also while a search is on. */
static void
test_old_round(void **state)
{
	static uint8_t rec[100][256];
	struct talk t;
	uint32_t len = 0;

	(void)state;
	talk_up(&t, 10);
	for (int i = 0; i < 100; i++) {
		len = far_speak(&t.f, &t.v, rec[i]);
		ROW_EQUAL("M6g first", push_run(&t, rec[i], len), 1);
	}
	lose(&t, 65000); /* the next round, near the same sequence numbers */
	(void)say(&t, 600);
	for (int i = 0; i < 100; i++, t.g->now += 20000)
		ROW_EQUAL("M6g after the wrap", push_run(&t, rec[i], len), 0);
	lose(&t, 40000); /* the search is on */
	for (int i = 0; i < 100; i++, t.g->now += 20000)
		ROW_EQUAL("M6g in the search", push_run(&t, rec[i], len), 0);
	ROW_EQUAL("M6g goes on", say(&t, 6) >= 1, 1);
	talk_down(&t);
}

/* A worker that dies with the row in the middle of a change: what was seen stays seen, and the
 * stream goes on without a loss. */
static void
test_torn_row(void **state)
{
	static uint8_t rec[200][256];
	struct talk t;
	uint32_t len = 0;

	(void)state;
	talk_up(&t, 65450);
	for (int i = 0; i < 200; i++) {
		len = far_speak(&t.f, &t.v, rec[i]);
		ROW_EQUAL("before", push_run(&t, rec[i], len), 1);
		if (i % 10)
			continue;
		flow_begin(rig_row(t.g, LEG_A));
		rig_row(t.g, LEG_A)->in.cell[0].rtp.seen[0] = draw(UINT32_MAX);
		rig_restart(t.g);
		assert_int_equal(rig_row(t.g, LEG_A)->lock & 1, 0);
	}
	for (int i = 0; i < 200; i++)
		ROW_EQUAL("replayed", push_run(&t, rec[i], len), 0);
	ROW_EQUAL("goes on", say(&t, 100), 100);
	talk_down(&t);
}

/* M12: the same at any uptime. */
static void
test_uptime(void **state)
{
	static const struct {
		const char *name;
		uint64_t now;
	} rows[] = {{"M12 start", 1},
		    {"M12 49.7 d", UINT64_C(4294967295999)},
		    {"M12 2^31 s", UINT64_C(2147483648000000)},
		    {"M12 2^32 ms", UINT64_C(4294967296000)},
		    {"M12 400 d", UINT64_C(34560000000000)}};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct talk t;
		struct media_stats s;

		talk_up(&t, 65500);
		t.g->now = rows[r].now;
		rig_close(t.g, LEG_A, 7);
		rig_close(t.g, LEG_B, 7);
		rig_call(t.g);
		ROW_EQUAL(rows[r].name, say(&t, 200), 200);
		for (int i = 0; i < 20; i++, t.g->now += 100000)
			control_tick(t.g->relay, t.g->now, t.g->now);
		assert_int_equal(flow_read_stats(&t.g->flows, LEG_A, 7, &s), ERR_OK);
		ROW_EQUAL(rows[r].name, s.in_jitter_us, 0);
		ROW_EQUAL(rows[r].name, s.in_lost, 0);
		ROW_EQUAL(rows[r].name, rig_row(t.g, LEG_A)->timeout_said, 0);
		talk_down(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),       cmocka_unit_test(test_late),
		cmocka_unit_test(test_forged_ahead), cmocka_unit_test(test_three_wraps),
		cmocka_unit_test(test_silence),      cmocka_unit_test(test_sources),
		cmocka_unit_test(test_rekey),        cmocka_unit_test(test_old_round),
		cmocka_unit_test(test_torn_row),     cmocka_unit_test(test_uptime),
	};

	return cmocka_run_group_tests(tests, rig_libsrtp, rig_libsrtp_down);
}
