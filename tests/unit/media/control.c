/* Commands, time-outs, and what goes on by itself. */
#include "rig.h"

static void
pass_time(struct rig *g, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 10; i++, g->now += CONTROL_TICK_US)
		control_tick(g->relay, g->now, g->now + UINT64_C(1790000000000000));
}

static unsigned
count_events(const struct rig *g, uint16_t type, uint32_t slot)
{
	unsigned n = 0;

	for (unsigned i = 0; i < g->n_events; i++)
		n += g->event[i].type == type && g->event[i].body.slot == slot;
	return n;
}

/* When silence ends a call: flags of both legs, what is still heard, and after how long. */
static void
test_timeouts(void **state)
{
	static const struct {
		const char *name;
		uint32_t a_off, b_off, a_on;
		bool a_talks, b_talks;
		unsigned quiet_s, due_s; /* not before, but by then; 0 = never */
	} rows[] = {
		{"both silent", 0, 0, 0, false, false, 298, 302},
		{"the gateway still talks", 0, 0, 0, false, true, 400, 0},
		{"the customer still talks", 0, 0, 0, true, false, 400, 0},
		{"not answered", MEDIA_F_ANSWERED, 0, 0, false, false, 400, 0},
		{"hold by the customer", MEDIA_F_RECV, 0, 0, false, false, 400, 0},
		{"hold by the gateway", 0, MEDIA_F_RECV, 0, false, false, 400, 0},
		{"connection lost", 0, 0, MEDIA_F_LOST_CONN, false, false, 8, 12},
		{"connection lost, media goes on", 0, 0, MEDIA_F_LOST_CONN, true, false, 400, 0},
		{"connection lost on hold", MEDIA_F_RECV, 0, MEDIA_F_LOST_CONN, false, false, 400,
		 0},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct rig *g = rig_up();
		struct voice va = {.ssrc = 1, .seq = 1}, vb = {.ssrc = 2, .seq = 1};
		struct media_open a, b;
		struct far f;
		uint8_t p[IO_PACKET_MAX];
		unsigned t;

		rig_call(g);
		far_up(&f, LEG_A, 1, 1, false);
		a = g->open[LEG_A];
		b = g->open[LEG_B];
		a.flags = (a.flags & ~rows[r].a_off) | rows[r].a_on;
		b.flags &= ~rows[r].b_off;
		if (rows[r].a_off & MEDIA_F_ANSWERED)
			b.flags &= ~(uint32_t)MEDIA_F_ANSWERED;
		rig_open(g, &a);
		rig_open(g, &b);
		for (t = 0; t < rows[r].quiet_s; t++) {
			if (rows[r].a_talks)
				rig_push(g, 2 * LEG_A, a.rtp, p, far_speak(&f, &va, p));
			if (rows[r].b_talks)
				rig_push(g, 2 * LEG_B, b.rtp, p, speak(&vb, p));
			rig_run(g);
			pass_time(g, 1);
		}
		ROW_EQUAL(rows[r].name, count_events(g, MEDIA_TIMEOUT, LEG_A), 0);
		if (rows[r].due_s)
			pass_time(g, rows[r].due_s - t + 50);
		ROW_EQUAL(rows[r].name, count_events(g, MEDIA_TIMEOUT, LEG_A), rows[r].due_s > 0);
		far_down(&f);
		rig_down(g);
	}
}

/* Junk is no media: it does not keep a call (M6). */
static void
test_junk_keeps_nothing(void **state)
{
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 1, .seq = 1};
	uint8_t p[IO_PACKET_MAX];

	(void)state;
	rig_call(g);
	for (int i = 0; i < 305; i++) {
		rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, p, speak(&v, p));
		rig_push(g, 2 * LEG_B, rig_addr("203.0.113.4:4"), p, speak(&v, p));
		ROW_EQUAL("junk", rig_run(g), 0);
		pass_time(g, 1);
	}
	assert_int_equal(count_events(g, MEDIA_TIMEOUT, LEG_A), 1);
	assert_int_equal(count_events(g, MEDIA_TIMEOUT, LEG_B), 1);
	rig_down(g);
}

static void
test_close(void **state)
{
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 1, .seq = 65530};
	struct media_stats s;
	struct far f;
	uint8_t p[IO_PACKET_MAX];
	struct flow_row row;

	(void)state;
	rig_call(g);
	far_up(&f, LEG_A, 1, 1, false);
	for (int i = 0; i < 100; i++, g->now += 20000) {
		uint32_t n = far_speak(&f, &v, p);

		if (i % 10 == 5)
			continue;
		rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, p, n);
		rig_run(g);
	}
	assert_int_equal(flow_peek(&g->flows, LEG_A, &row), ERR_OK);
	assert_int_equal(row.generation, 7);
	rig_close(g, LEG_A, 6); /* another use of the slot: answered, but nothing happens */
	assert_int_equal(g->event[0].body.stats.in_packets, 0);
	assert_int_equal(flow_peek(&g->flows, LEG_A, &row), ERR_OK);
	for (int i = 0; i < 2; i++) { /* the second answer is the same */
		rig_close(g, LEG_A, 7);
		assert_int_equal(g->event[1 + i].type, MEDIA_CLOSED);
		assert_int_equal(g->event[1 + i].body.slot, LEG_A);
		assert_int_equal(g->event[1 + i].body.stats.in_packets, 90);
		assert_int_equal(g->event[1 + i].body.stats.in_octets, 90 * PAYLOAD);
		assert_int_equal(g->event[1 + i].body.stats.in_lost, 10);
		assert_in_range(g->event[1 + i].body.stats.mos_x10, 10, 40);
	}
	assert_int_equal(flow_peek(&g->flows, LEG_A, &row), ERR_NOTFOUND);
	assert_null(keys_out(&g->relay->keys, LEG_A));
	assert_int_equal(flow_read_stats(&g->flows, LEG_A, 7, &s), ERR_OK);
	assert_int_equal(s.in_packets, 90);
	assert_int_equal(flow_read_stats(&g->flows, LEG_A, 8, &s), ERR_NOTFOUND);
	assert_int_equal(flow_read_stats(&g->flows, 5, 8, &s), ERR_NOTFOUND);
	rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, p, far_speak(&f, &v, p));
	assert_int_equal(rig_run(g), 0);
	far_down(&f);
	rig_down(g);
}

/* The same commands again, as after a restart, change nothing; older ones are not applied. */
static void
test_marks(void **state)
{
	struct rig *g = rig_up();
	struct media_cmd c = {.type = MEDIA_OPEN};
	uint32_t ssrc;

	(void)state;
	rig_call(g);
	ssrc = rig_row(g, LEG_A)->out.state.ssrc;
	assert_int_equal(g->flows.mine->applied, g->mark);
	c.mark = 1;
	c.u.open = g->open[LEG_A];
	c.u.open.generation = 3;
	assert_int_equal(control_apply(g->relay, &c, g->now), ERR_OK);
	assert_int_equal(rig_row(g, LEG_A)->generation, 7);
	assert_int_equal(g->flows.mine->applied, g->mark);
	rig_open(g, &g->open[LEG_A]);
	assert_int_equal(rig_row(g, LEG_A)->out.state.ssrc, ssrc);
	c.u.open.slot = RIG_SLOTS;
	assert_int_equal(control_apply(g->relay, &c, g->now), ERR_RANGE);
	c.type = 5;
	assert_int_equal(control_apply(g->relay, &c, g->now), ERR_SYNTAX);
	rig_down(g);
}

/* A slot used again with the same serials has other keys. */
static void
test_slot_again(void **state)
{
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 1, .seq = 1};
	struct media_open a;
	struct far f, next;
	struct sdp_key k = {.key_len = KEY_LEN, .salt_len = SALT_LEN};
	uint8_t p[IO_PACKET_MAX];

	(void)state;
	rig_call(g);
	far_up(&f, LEG_A, 1, 1, false);
	far_up(&next, LEG_A, 9, 9, false);
	rig_key(LEG_A, false, 9, k.key);
	memcpy(k.salt, k.key + KEY_LEN, SALT_LEN);
	assert_int_equal(media_secret_put(g->secrets.rows[LEG_A].in, 1, &k), ERR_OK);
	a = g->open[LEG_A];
	a.generation++;
	rig_open(g, &a);
	rig_push(g, 2 * LEG_A, a.rtp, p, far_speak(&f, &v, p));
	assert_int_equal(rig_run(g), 0);
	rig_push(g, 2 * LEG_A, a.rtp, p, far_speak(&next, &v, p));
	assert_int_equal(rig_run(g), 1);
	far_down(&f);
	far_down(&next);
	rig_down(g);
}

/* No RTCP from one side for 10 s: the other gets ours, encrypted where the leg is. */
static void
test_own_rtcp(void **state)
{
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 1, .seq = 1};
	struct far f;
	struct rtcp_iter it;
	struct rtcp_pkt k;
	struct rtcp_block b;
	uint8_t p[IO_PACKET_MAX];
	unsigned to_a = 0, to_b = 0, i, j;

	(void)state;
	rig_call(g);
	far_up(&f, LEG_A, 1, 1, false);
	for (i = 0; i < 30; i++) {
		for (j = 0; j < 5; j++) {
			rig_push(g, 2 * LEG_A, g->open[LEG_A].rtp, p, far_speak(&f, &v, p));
			rig_run(g);
		}
		g->n_out = 0;
		pass_time(g, 1);
		for (j = 0; j < g->n_out; j++) {
			int n = (int)g->out[j].len;

			if (g->out[j].socket == 2 * LEG_A + 1) {
				assert_int_equal(srtp_unprotect_rtcp(f.rx, g->out[j].p, &n), 0);
				assert_int_equal(rtcp_open(g->out[j].p, (size_t)n, false, &it),
						 ERR_OK);
				assert_true(rtcp_next(&it, &k));
				assert_int_equal(k.type, RTCP_RR); /* nothing goes to A */
				assert_int_equal(rtcp_read_block(&k, 0, &b), ERR_OK);
				assert_int_equal(b.ssrc, 1);
				to_a++;
			} else {
				assert_int_equal(g->out[j].socket, 2 * LEG_B + 1);
				assert_int_equal(rtcp_open(g->out[j].p, (size_t)n, false, &it),
						 ERR_OK);
				assert_true(rtcp_next(&it, &k));
				assert_int_equal(k.type, RTCP_SR);
				to_b++;
			}
		}
		if (i < 9)
			ROW_EQUAL("not before 10 s", to_a + to_b, 0);
	}
	assert_in_range(to_a, 3, 5);
	assert_in_range(to_b, 3, 5);
	far_down(&f);
	rig_down(g);
}

/* Near the end of a key signaling hears of it, once; at its end nothing leaves. */
static void
test_key_end(void **state)
{
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 1, .seq = 1};
	struct flow_row *a;
	uint8_t p[IO_PACKET_MAX];

	(void)state;
	rig_call(g);
	a = rig_row(g, LEG_A);
	srtp_state_resume(&a->out.state, a->out.state.ssrc, SRTP_INDEX_LIMIT - 3, 0);
	a->out.seq_last = 0xffff - 3;
	pass_time(g, 10);
	assert_int_equal(count_events(g, MEDIA_REKEY, LEG_A), 1);
	for (int i = 0; i < 10; i++) {
		rig_push(g, 2 * LEG_B, g->open[LEG_B].rtp, p, speak(&v, p));
		ROW_EQUAL("the last ones", rig_run(g), i < 3);
	}
	assert_int_equal(rig_dropped(g, LEG_A, MEDIA_DROP_key_expired), 7);
	rig_down(g);
}

/* A key that its owner's SDP gives 60 packets: said once, before the end, and nothing is dropped.
 */
static void
test_lifetime_of_theirs(void **state)
{
	struct rig *g = rig_up();
	struct sdp_key k = {.key_len = KEY_LEN, .salt_len = SALT_LEN, .lifetime = 60};
	struct voice v = {.ssrc = 1, .seq = 1};
	uint8_t p[IO_PACKET_MAX], bytes[KEY_LEN + SALT_LEN];
	struct media_open a;
	struct far f;

	(void)state;
	rig_call(g);
	far_up(&f, LEG_A, 2, 1, false);
	rig_key(LEG_A, false, 2, bytes);
	memcpy(k.key, bytes, KEY_LEN);
	memcpy(k.salt, bytes + KEY_LEN, SALT_LEN);
	assert_int_equal(media_secret_put(g->secrets.rows[LEG_A].in, 2, &k), ERR_OK);
	a = g->open[LEG_A];
	a.in_serial = 2;
	rig_open(g, &a);
	for (int i = 1; i <= 70; i++, g->now += 20000) {
		rig_push(g, 2 * LEG_A, a.rtp, p, far_speak(&f, &v, p));
		ROW_EQUAL("taken", rig_run(g), 1);
		pass_time(g, 1);
		ROW_EQUAL("said", count_events(g, MEDIA_REKEY, LEG_A), i >= 53);
	}
	far_down(&f);
	rig_down(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeouts),   cmocka_unit_test(test_junk_keeps_nothing),
		cmocka_unit_test(test_close),      cmocka_unit_test(test_marks),
		cmocka_unit_test(test_slot_again), cmocka_unit_test(test_own_rtcp),
		cmocka_unit_test(test_key_end),    cmocka_unit_test(test_lifetime_of_theirs),
	};

	return cmocka_run_group_tests(tests, rig_libsrtp, rig_libsrtp_down);
}
