/* Our own sequence and timestamps, and the oracle of M7: never two different packets under one
 * (key, SSRC, index), whatever the source, the calls and the workers do. */
#include "rig.h"

#include "base/hash.h"
#include "media/outbound.h"

enum { SEEN_BITS = 20, TURNS = 30000, TURNS_FULL = 2000000 };

static uint64_t seed = 7;

static uint32_t
draw(uint32_t below)
{
	seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
	return (uint32_t)(seed >> 16) % below;
}

/* ---- offsets ---- */

/* What comes in, and by how much our sequence and timestamp go on from our last packet. */
static void
test_offsets(void **state)
{
	static const struct {
		const char *name;
		uint32_t ssrc;
		int32_t seq, ts; /* relative to the source's last packet */
		uint32_t gone_us;
		int32_t want_seq, want_ts;
	} rows[] = {
		{"next", 1, 1, 160, 20000, 1, 160},
		{"one lost", 1, 2, 320, 40000, 2, 320},
		{"one late", 1, -1, -160, 1000, -1, -160},
		{"127 late", 1, -127, -127 * 160, 1000, -127, -127 * 160},
		{"silence suppression", 1, 1, 80000, 10000000, 1, 80000},
		{"another source at once", 2, 30000, 999999, 0, 1, 160},
		{"another source after a second", 2, -30000, 77, 1000000, 1, 8000},
		{"jump forward, clock goes on", 1, 20000, 160, 20000, 1, 160},
		{"jump back, clock goes on", 1, -20000, 160, 20000, 1, 160},
		{"jump with another clock", 1, -20000, 1 << 30, 20000, 1, 160},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct media_open o = rig_leg(LEG_A, true);
		struct flow_row row = {0};
		struct rtp_hdr h = {.ssrc = 1, .seq = 50000, .ts = 0xfffffff0}, got;
		uint64_t now = 5000000;
		uint16_t seq;
		uint32_t ts;
		uint8_t p[RTP_HEADER_LEN];

		flow_start(&row, &o, now);
		rtp_put(p, &h);
		outbound_rtp(&row, &h, p, now);
		seq = row.out.seq_last;
		ts = row.out.ts_last;
		h.ssrc = rows[r].ssrc;
		h.seq = (uint16_t)(h.seq + rows[r].seq);
		h.ts += (uint32_t)rows[r].ts;
		rtp_put(p, &h);
		outbound_rtp(&row, &h, p, now + rows[r].gone_us);
		assert_int_equal(rtp_parse(p, sizeof(p), &got), ERR_OK);
		ROW_EQUAL(rows[r].name, got.seq, (uint16_t)(seq + rows[r].want_seq));
		ROW_EQUAL(rows[r].name, got.ts, ts + (uint32_t)rows[r].want_ts);
		ROW_EQUAL(rows[r].name, got.ssrc, row.out.state.ssrc);
	}
}

/* ssrc: pass holds on a clear leg only. */
static void
test_pass(void **state)
{
	static const struct {
		const char *name;
		bool secure, passes;
	} rows[] = {{"clear", false, true}, {"srtp", true, false}};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct media_open o = rig_leg(LEG_A, rows[r].secure);
		struct flow_row row = {0};
		struct rtp_hdr h = {.ssrc = 0x99, .seq = 50000, .ts = 3};
		uint8_t p[RTP_HEADER_LEN];

		o.flags |= MEDIA_F_SSRC_PASS;
		flow_start(&row, &o, 1);
		rtp_put(p, &h);
		outbound_rtp(&row, &h, p, 1);
		ROW_EQUAL(rows[r].name, octets_get32(p + 8) == 0x99 && octets_get16(p + 2) == 50000,
			  rows[r].passes);
	}
}

/* A new key of ours goes on in the round of the old one (RFC 3711 3.3.1), so a receiver that keeps
 * its counter can read it. */
static void
test_rekey_keeps_round(void **state)
{
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 9, .seq = 1};
	struct media_open a;
	uint8_t p[IO_PACKET_MAX], key[KEY_LEN + SALT_LEN];
	srtp_policy_t pol;
	srtp_t rx;
	int n;

	(void)state;
	rig_call(g);
	for (int i = 0; i < 40; i++, g->now += 20000) { /* more than a round, in steps */
		rig_push(g, 2 * LEG_B, g->open[LEG_B].rtp, p, speak(&v, p));
		assert_int_equal(rig_run(g), 1);
		if (i < 39) /* the last index stays below two rounds wherever ours began */
			v.seq = (uint16_t)(v.seq + 2500);
	}
	assert_int_equal(srtp_index_roc(rig_row(g, LEG_A)->out.state.rtp.next - 1), 1);
	a = g->open[LEG_A];
	a.out_serial = 2;
	rig_secret(g, LEG_A, true, 2);
	rig_open(g, &a);
	memset(&pol, 0, sizeof(pol));
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&pol.rtp);
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&pol.rtcp);
	pol.ssrc.type = ssrc_specific;
	pol.ssrc.value = rig_row(g, LEG_A)->out.state.ssrc;
	rig_key(LEG_A, true, 2, key);
	pol.key = key;
	assert_int_equal(srtp_create(&rx, &pol), srtp_err_status_ok);
	assert_int_equal(srtp_set_stream_roc(rx, pol.ssrc.value, 1), srtp_err_status_ok);
	for (int i = 0; i < 10; i++, g->now += 20000) {
		rig_push(g, 2 * LEG_B, g->open[LEG_B].rtp, p, speak(&v, p));
		assert_int_equal(rig_run(g), 1);
		n = (int)g->out[0].len;
		ROW_EQUAL("after the re-key", srtp_unprotect(rx, g->out[0].p, &n), 0);
	}
	srtp_dealloc(rx);
	rig_down(g);
}

/* Kept, from 0, or as the far end did it; the sequence goes on, and of the old round nothing is
 * fresh. */
static void
test_rekey_round_by_word(void **state)
{
	static const struct {
		const char *name;
		uint32_t flags;
		uint8_t way;
		uint32_t roc;
	} rows[] = {
		{"keep", MEDIA_F_ROC_KEEP, FLOW_ROC_RESET, 5},
		{"reset", MEDIA_F_ROC_RESET, FLOW_ROC_KEPT, 0},
		{"follow, nothing known", 0, FLOW_ROC_UNKNOWN, 5},
		{"follow, it kept", 0, FLOW_ROC_KEPT, 5},
		{"follow, it began again", 0, FLOW_ROC_RESET, 0},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct media_open o = rig_leg(LEG_A, true);
		struct flow_row row = {0};

		o.flags |= rows[r].flags;
		flow_start(&row, &o, 1);
		srtp_state_resume(&row.out.state, 7, UINT64_C(5) << 16 | 100, 9);
		row.in.roc_way = rows[r].way;
		outbound_rekey(&row, 2);
		ROW_EQUAL(rows[r].name, row.out.state.rtp.next, (uint64_t)rows[r].roc << 16 | 100);
		ROW_EQUAL(rows[r].name, row.out.state.rtcp.next, 9);
		ROW_EQUAL(rows[r].name, row.out.serial, 2);
	}
}

/* ---- the oracle ---- */

struct seen {
	uint64_t key, content;
};

struct oracle {
	struct seen *table;
	uint32_t serial;
	srtp_t rx;
	bool started;
	uint64_t highest;
	unsigned packets, same;
};

static uint64_t
mix(const void *p, size_t len)
{
	static const uint64_t key[2] = {1, 2};
	uint64_t h = hash_siphash(key, p, len);

	return h ? h : 1;
}

static void
check_once(struct oracle *o, uint32_t ssrc, uint64_t index, bool rtcp, const uint8_t *p, size_t len)
{
	struct {
		uint64_t index;
		uint32_t serial, ssrc, rtcp, pad;
	} id = {index, o->serial, ssrc, rtcp, 0};
	uint64_t key = mix(&id, sizeof(id)), content = mix(p, len);

	for (uint64_t i = key;; i++) {
		struct seen *s = &o->table[i & ((1u << SEEN_BITS) - 1)];

		if (s->key == key) {
			if (s->content != content)
				fail_msg("M7: key %u ssrc %08x index %llx twice", o->serial, ssrc,
					 (unsigned long long)index);
			o->same++;
			return;
		}
		if (s->key == 0) {
			*s = (struct seen){key, content};
			o->packets++;
			return;
		}
	}
}

static void
new_serial(struct oracle *o, uint32_t serial)
{
	uint8_t key[KEY_LEN + SALT_LEN];

	if (o->rx)
		srtp_dealloc(o->rx);
	rig_key(LEG_A, true, serial, key);
	o->rx = far_session(ssrc_any_inbound, key, false);
	o->serial = serial;
}

static void
judge_rtp(struct oracle *o, const struct rig_packet *k)
{
	uint32_t ssrc = octets_get32(k->p + 8);
	uint16_t seq = octets_get16(k->p + 2);
	uint64_t index = o->started ? srtp_index_estimate(o->highest, seq) : seq;

	check_once(o, ssrc, index, false, k->p, k->len);
	if (!o->started || index > o->highest)
		o->highest = index;
	o->started = true;
}

static void
judge(struct oracle *o, struct rig *g)
{
	for (unsigned i = 0; i < g->n_out; i++) {
		struct rig_packet *k = &g->out[i];
		int n = (int)k->len;

		if (k->socket == 2 * LEG_A) {
			judge_rtp(o, k);
		} else if (k->socket == 2 * LEG_A + 1) {
			check_once(o, octets_get32(k->p + 4), octets_get32(k->p + k->len - 14),
				   true, k->p, k->len);
			ROW_EQUAL("M7 srtcp", srtp_unprotect_rtcp(o->rx, k->p, &n), 0);
		}
	}
}

/* The far end can read all of it (without re-keys, of which libsrtp2 does not know). */
static void
judge_reading(struct oracle *o, struct rig *g)
{
	for (unsigned i = 0; i < g->n_out; i++) {
		struct rig_packet *k = &g->out[i];
		int n = (int)k->len;
		srtp_err_status_t s;

		if (k->socket != 2 * LEG_A)
			continue;
		s = srtp_unprotect(o->rx, k->p, &n);
		if (s != srtp_err_status_ok && s != srtp_err_status_replay_fail)
			fail_msg("M7: libsrtp2 says %d", (int)s);
	}
}

static void
disturb(struct rig *g, struct oracle *o, struct voice *v, struct voice *other, uint32_t what)
{
	struct media_open a = g->open[LEG_A], b = g->open[LEG_B];
	struct voice w = *v;

	switch (what) {
	case 0: /* the source changes, and changes back */
		*v = *other;
		*other = w;
		return;
	case 1: /* it jumps */
		v->seq = (uint16_t)draw(65536);
		return;
	case 2:
		v->ts = draw(UINT32_MAX);
		return;
	case 3: /* a long silence */
		g->now += draw(1000) * 1000000u;
		return;
	case 4: /* the worker dies, between packets or in the middle of one */
		rig_restart(g);
		return;
	case 5:
		flow_begin(rig_row(g, LEG_A));
		rig_row(g, LEG_A)->out.state.rtp.seen[0] = draw(UINT32_MAX);
		rig_restart(g);
		return;
	case 11: /* re-key of what we send */
		rig_secret(g, LEG_A, true, a.out_serial + 1);
		a.out_serial++;
		rig_open(g, &a);
		new_serial(o, a.out_serial);
		return;
	case 7: /* the same OPEN again, as after a restart of signaling */
		rig_open(g, &a);
		return;
	case 8: /* hold and back */
		a.flags &= ~(uint32_t)MEDIA_F_SEND;
		rig_open(g, &a);
		a.flags |= MEDIA_F_SEND;
		rig_open(g, &a);
		return;
	case 9: /* the far end moves by signalling */
		a.rtp.port = (uint16_t)(a.rtp.port + 2);
		rig_open(g, &a);
		return;
	case 10: /* the other leg gives way to another */
		b.generation++;
		rig_open(g, &b);
		return;
	default: /* the source goes back a little */
		v->seq = (uint16_t)(v->seq - draw(140));
		return;
	}
}

static void
push_voice(struct rig *g, struct voice *v)
{
	uint8_t p[IO_PACKET_MAX];
	struct buf b;
	uint32_t n;

	n = speak(v, p);
	if (draw(50) == 0)
		return; /* lost */
	rig_push(g, 2 * LEG_B, g->open[LEG_B].rtp, p, n);
	if (draw(30) == 0) /* twice, with another payload: must not leave under the same index */
		rig_push(g, 2 * LEG_B, g->open[LEG_B].rtp, p, n - draw(20));
	if (draw(100) == 0) {
		buf_init(&b, p, sizeof(p));
		rtcp_put_rr(&b, v->ssrc, NULL, 0);
		rig_push(g, 2 * LEG_B + 1, g->open[LEG_B].rtcp, p, b.len);
	}
}

static void
run_oracle(unsigned turns, bool rekeys)
{
	struct oracle o = {0};
	struct rig *g = rig_up();
	struct voice v = {.ssrc = 0x51, .seq = 1}, other = {.ssrc = 0x52, .seq = 60000};

	o.table = mem_zalloc(1u << SEEN_BITS, sizeof(*o.table));
	assert_non_null(o.table);
	rig_call(g);
	new_serial(&o, 1);
	for (unsigned i = 0; i < turns && o.packets < (3u << SEEN_BITS) / 4; i++, g->now += 20000) {
		push_voice(g, &v);
		rig_run(g);
		judge(&o, g);
		if (!rekeys)
			judge_reading(&o, g);
		if (draw(20) == 0)
			disturb(g, &o, &v, &other, draw(rekeys ? 12 : 11));
	}
	assert_true(o.packets > turns / 2 || o.packets > (1u << SEEN_BITS) / 2);
	print_message("# M7: %u packets, %u told twice alike, highest index %llx\n", o.packets,
		      o.same, (unsigned long long)o.highest);
	srtp_dealloc(o.rx);
	mem_free(o.table);
	rig_down(g);
}

static unsigned
turns(void)
{
	const char *full = getenv("POSTERN_FULL");

	return full && strcmp(full, "1") == 0 ? TURNS_FULL : TURNS;
}

static void
test_index_once(void **state)
{
	(void)state;
	run_oracle(turns(), true);
}

static void
test_index_read(void **state)
{
	(void)state;
	run_oracle(turns(), false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_pass),
		cmocka_unit_test(test_rekey_keeps_round),
		cmocka_unit_test(test_rekey_round_by_word),
		cmocka_unit_test(test_index_once),
		cmocka_unit_test(test_index_read),
	};

	return cmocka_run_group_tests(tests, rig_libsrtp, rig_libsrtp_down);
}
