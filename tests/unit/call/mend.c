/* call/mend: a leg that nothing is heard from, while the call runs: named, and asked anew. */
#include "rig.h"

#include "base/clock.h"
#include "base/metric.h"
#include "call/mend.h"

#define DROPS(why)                                                                                 \
	{                                                                                          \
		.dropped = { [MEDIA_DROP_##why] = 400 }                                            \
	}

static const struct media_stats auth = DROPS(auth), source = DROPS(source), clear = DROPS(clear),
				broken = DROPS(version), nothing = {0}, sound = {.in_packets = 9};

static const struct {
	const char *name;
	enum call_leg_index leg;
	const struct media_stats *stats;
	bool repair;
	enum record_audio audio;
	bool asks;
} rows[] = {
	{"tags, encrypted", LEG_A, &auth, true, RECORD_AUDIO_auth, true},
	{"in clear, encrypted", LEG_A, &clear, true, RECORD_AUDIO_clear, true},
	{"source, encrypted", LEG_A, &source, true, RECORD_AUDIO_source, true},
	{"source, in clear", LEG_B, &source, true, RECORD_AUDIO_source, true},
	{"not allowed", LEG_A, &auth, false, RECORD_AUDIO_auth, false},
	{"not allowed in clear", LEG_B, &source, false, RECORD_AUDIO_source, false},
	{"nothing comes", LEG_A, &nothing, true, RECORD_AUDIO_none, false},
	{"no RTP", LEG_B, &broken, true, RECORD_AUDIO_broken, false},
	{"all is well", LEG_B, &sound, true, RECORD_AUDIO_ok, false},
};

static struct fake *
up(bool repair)
{
	struct fake *f = rig_up();

	rig_trunk(f, "acme-pbx")->repair = rig_trunk(f, "gw1")->repair = repair;
	rig_world(f);
	return f;
}

static void
looked_at(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static struct metric_page page;
		struct fake *f = up(rows[i].repair);
		const struct record_leg *l;
		uint32_t sent;

		print_message("# %s\n", rows[i].name);
		page = (struct metric_page){0};
		metric_bind(&page);
		(void)rig_talking(f);
		f->heard[rows[i].leg] = rows[i].stats;
		sent = f->n_sent;
		fake_run(f, MEND_FIRST_US - CLOCK_MS);
		assert_int_equal(f->n_sent, sent);
		fake_run(f, 2 * CLOCK_MS);
		l = rig_leg(f, rows[i].leg);
		assert_int_equal(l->audio, rows[i].audio);
		assert_int_equal(rig_leg(f, (enum call_leg_index)(1 - rows[i].leg))->audio,
				 RECORD_AUDIO_ok);
		assert_int_equal(l->repair, rows[i].asks ? rows[i].audio : 0);
		assert_int_equal(f->n_sent - sent, rows[i].asks);
		assert_int_equal(metric_get(&page, METRIC_legs_silent),
				 rows[i].audio != RECORD_AUDIO_ok);
		assert_int_equal(metric_get(&page, METRIC_legs_repaired), rows[i].asks);
		if (rows[i].asks)
			assert_int_equal(rig_last(f)->method, SIP_INVITE);
		metric_bind(NULL);
		rig_end(f, 1);
	}
}

/* Another key of ours, and theirs from the answer; nothing more is asked, whether it helps or not.
 */
static void
with_a_key(void **state)
{
	static struct media_stats better;
	struct fake *f = up(true);
	char old[64], key[64];
	struct sent *s;
	uint32_t n;

	(void)state;
	(void)rig_talking(f);
	rig_key(rig_sent(f, SENT_RESPONSE, 0), old);
	better = auth;
	f->heard[LEG_A] = &better;
	fake_run(f, MEND_FIRST_US + CLOCK_MS);
	s = rig_last(f);
	rig_key(s, key);
	assert_string_not_equal(old, key);
	fake_answer(f, s->txn, 200, "far", PBX_CONTACT, PBX_ANSWER("1", "80"));
	assert_int_equal(f->port[0].out_serial, 2);
	assert_int_equal(f->port[0].in_serial, 2);
	n = f->n_sent;
	fake_run(f, 2 * MEND_FIRST_US); /* no better */
	assert_int_equal(rig_leg(f, LEG_A)->audio, RECORD_AUDIO_auth);
	better.in_packets = 300;
	fake_run(f, 60 * CLOCK_S);
	assert_int_equal(rig_leg(f, LEG_A)->audio, RECORD_AUDIO_ok);
	assert_int_equal(rig_leg(f, LEG_A)->repair, RECORD_AUDIO_auth);
	assert_int_equal(f->n_sent, n);
	rig_end(f, 1);
}

/* The address of the answer counts; where another change is in hand, that goes first. */
static void
with_an_address(void **state)
{
	struct fake *f = up(true);
	struct rig_pair p = rig_talking(f);
	struct edge_txn *hold;
	struct sent *s;

	(void)state;
	f->heard[LEG_B] = &source;
	hold = rig_inside_sdp(f, p.a, "acme-pbx", "INVITE", 2, "", PBX_OFFER "a=sendonly\r\n");
	fake_run(f, MEND_FIRST_US + CLOCK_MS);
	assert_int_equal(rig_leg(f, LEG_B)->audio, RECORD_AUDIO_source);
	assert_int_equal(rig_leg(f, LEG_B)->repair, 0);
	fake_answer(f, rig_out(f), 200, "gw", GW_CONTACT, GW_BODY);
	assert_int_equal(hold->status, 200);
	(void)rig_inside(f, p.a, "acme-pbx", "ACK", 2, "");
	fake_run(f, 2 * MEND_FIRST_US);
	assert_int_equal(rig_leg(f, LEG_B)->repair, RECORD_AUDIO_source);
	s = rig_last(f);
	assert_int_equal(s->method, SIP_INVITE);
	assert_says(s, "m=audio ");
	assert_silent(s, "a=crypto");
	fake_answer(f, s->txn, 200, "gw", GW_CONTACT,
		    SDP_HEAD("10.0.0.77") "m=audio 12000 RTP/AVP 8 101\r\n" SDP_MAPS);
	assert_string_equal(addr_text(&rig_row(f, LEG_B)->rtp).z, "10.0.0.77:12000");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	rig_end(f, 1);
}

/* One that does not take it stays as it is. */
static void
refused(void **state)
{
	struct fake *f = up(true);
	uint32_t n;

	(void)state;
	(void)rig_talking(f);
	f->heard[LEG_B] = &source;
	fake_run(f, MEND_FIRST_US + CLOCK_MS);
	fake_answer(f, rig_last(f)->txn, 488, "gw", "", "");
	assert_int_equal(rig_call(f)->m.state, B2BUA_UP);
	n = f->n_sent;
	fake_run(f, 600 * CLOCK_S);
	assert_int_equal(f->n_sent, n);
	assert_string_equal(addr_text(&rig_row(f, LEG_B)->rtp).z, "10.0.0.9:10000");
	rig_end(f, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looked_at),
		cmocka_unit_test(with_a_key),
		cmocka_unit_test(with_an_address),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("call/mend", tests, NULL, NULL);
}
