/* call/heard: what counters say of what was heard; and how it comes into the record. */
#include "rig.h"

#include "base/metric.h"
#include "call/heard.h"

#define TALK 10000000
#define DROP(why, n) .dropped = {[MEDIA_DROP_##why] = (n)}

static void
judged(void **state)
{
	static const struct {
		const char *name;
		struct media_stats s;
		uint32_t flags;
		uint64_t talk;
		enum record_audio want;
	} rows[] = {
		{"heard", {.in_packets = 500}, MEDIA_F_RECV, TALK, RECORD_AUDIO_ok},
		{"too short", {.in_packets = 0}, MEDIA_F_RECV, 2900000, RECORD_AUDIO_unknown},
		{"no packets", {.in_packets = 0}, MEDIA_F_RECV, TALK, RECORD_AUDIO_none},
		{"SDP says that none come", {.in_packets = 0}, 0, TALK, RECORD_AUDIO_ok},
		{"wrong source", {DROP(source, 400)}, MEDIA_F_RECV, TALK, RECORD_AUDIO_source},
		{"authentication", {DROP(auth, 400)}, MEDIA_F_RECV, TALK, RECORD_AUDIO_auth},
		{"in clear", {DROP(clear, 400)}, MEDIA_F_RECV, TALK, RECORD_AUDIO_clear},
		{"no RTP", {DROP(version, 40)}, MEDIA_F_RECV, TALK, RECORD_AUDIO_broken},
		{"stray packets are not to blame",
		 {.dropped = {[MEDIA_DROP_auth] = 24, [MEDIA_DROP_source] = 3}},
		 MEDIA_F_RECV,
		 TALK,
		 RECORD_AUDIO_none},
		{"half a second of them are",
		 {DROP(auth, 25)},
		 MEDIA_F_RECV,
		 TALK,
		 RECORD_AUDIO_auth},
		{"the most frequent",
		 {.dropped = {[MEDIA_DROP_source] = 2, [MEDIA_DROP_auth] = 40}},
		 MEDIA_F_RECV,
		 TALK,
		 RECORD_AUDIO_auth},
		{"some were lost, some came",
		 {.in_packets = 400, DROP(auth, 100)},
		 MEDIA_F_RECV,
		 TALK,
		 RECORD_AUDIO_ok},
		{"payload type",
		 {.in_packets = 500, .in_strange = 460},
		 MEDIA_F_RECV,
		 TALK,
		 RECORD_AUDIO_payload_type},
		{"a few strange ones",
		 {.in_packets = 500, .in_strange = 400},
		 MEDIA_F_RECV,
		 TALK,
		 RECORD_AUDIO_ok},
		{"silence",
		 {.in_packets = 500, .in_judged = 7, .in_silent = 7},
		 MEDIA_F_RECV,
		 TALK,
		 RECORD_AUDIO_silence},
		{"a word",
		 {.in_packets = 500, .in_judged = 7, .in_silent = 6},
		 MEDIA_F_RECV,
		 TALK,
		 RECORD_AUDIO_ok},
		{"looked at too little",
		 {.in_packets = 150, .in_judged = 2, .in_silent = 2},
		 MEDIA_F_RECV,
		 TALK,
		 RECORD_AUDIO_ok},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum record_audio got = heard_judge(&rows[i].s, rows[i].flags, rows[i].talk);

		if (got != rows[i].want)
			fail_msg("%s: %s", rows[i].name, record_audio_name(got));
	}
}

/* Of a call: A is heard, B is not; media's last counters are what counts. */
static void
noted(void **state)
{
	static struct metric_page page;
	struct fake *f = rig_up();
	struct rig_pair p = rig_talking(f);
	const struct call_record *r;

	(void)state;
	metric_bind(&page);
	fake_run(f, 5000000);
	(void)rig_inside(f, p.a, "acme-pbx", "BYE", 2, "");
	fake_answer(f, rig_bye_out(f, 0), 200, "", "", "");
	for (uint32_t i = 0; i < FAKE_PORTS; i++)
		if (f->port[i].used && f->port[i].closing) {
			struct media_closed m = {.slot = i, .generation = f->port[i].generation};

			if (i == 0)
				m.stats.in_packets = 250;
			else
				m.stats.dropped[MEDIA_DROP_source] = 250;
			calls_on_media_closed(&f->calls, &m, f->now);
		}
	r = rig_cdr(f);
	assert_int_equal(r->leg[LEG_A].audio, RECORD_AUDIO_ok);
	assert_int_equal(r->leg[LEG_B].audio, RECORD_AUDIO_source);
	assert_int_equal(metric_get(&page, METRIC_calls_one_way), 1);
	metric_bind(NULL);
	fake_run(f, 40000000);
	rig_down(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judged),
		cmocka_unit_test(noted),
	};

	return cmocka_run_group_tests_name("call heard", tests, NULL, NULL);
}
