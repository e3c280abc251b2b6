/* The judge of bench relay: what a relay does wrong is counted, once, under its name. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "relay/judge.h"
#include "relay/session.h"

enum {
	CALLS = 3,
	CYCLES = 5,
	FIRST = 1,
	RX = 2 * CALLS * CYCLES,
	RELAY_PORT = 30000,
	AT = 2 * CYCLES +
	     3,             /* the packet that is spoilt: of a leg in the middle, of a late cycle */
	EARLY = 2 * CYCLES, /* one of a cycle that is not measured */
	DELAY_NS = 70000,
};

static struct traffic traffic;
static struct traffic_call calls[CALLS];
static struct traffic_rx rx[RX + 1];
static uint16_t slot_of[2 * CALLS];
static uint64_t slot_ns[CYCLES * TRAFFIC_SLOTS];

/* What a relay gives to receiving leg `leg` (2 * call + side) in this cycle. */
static struct traffic_rx
relayed(const struct traffic_case *what, srtp_t session, unsigned leg, unsigned cycle)
{
	const struct traffic_packet *k = traffic_packet(&traffic, leg ^ 1, cycle);
	_Alignas(8) uint8_t b[TRAFFIC_ROOM] = {0};
	struct traffic_rx out = {.ns = slot_ns[cycle * TRAFFIC_SLOTS] + DELAY_NS,
				 .from = calls[leg / 2].port[leg % 2],
				 .to = traffic_port(leg / 2, (enum traffic_leg)(leg % 2))};
	int len = TRAFFIC_PLAIN;

	memcpy(b, k->b, 12);
	b[1] = TRAFFIC_PT;
	traffic_payload(leg ^ 1, cycle, b + 12);
	if (what->suite && leg % 2 == TRAFFIC_A)
		assert_int_equal(srtp_protect(session, b, &len), srtp_err_status_ok);
	out.len = (uint16_t)len;
	memcpy(out.b, b, sizeof(out.b));
	return out;
}

/* All packets of a run, leg by leg. */
static void
fill_run(const struct traffic_case *what)
{
	for (unsigned i = 0; i < CYCLES * TRAFFIC_SLOTS; i++)
		slot_ns[i] = 1000000 + i * 100000;
	traffic_make(&traffic, what, CALLS, CYCLES);
	for (unsigned leg = 0; leg < 2 * CALLS; leg++) {
		struct traffic_call *c = &calls[leg / 2];
		uint8_t key[TRAFFIC_KEY_MAX];
		srtp_t session;

		c->port[leg % 2] = (uint16_t)(RELAY_PORT + 2 * leg);
		traffic_key(leg / 2 + 1000, c->out_key);
		memcpy(key, c->out_key, sizeof(key));
		session = session_open(what, key, ssrc_any_outbound);
		for (unsigned i = 0; i < CYCLES; i++)
			rx[leg * CYCLES + i] = relayed(what, session, leg, i);
		srtp_dealloc(session);
	}
}

static struct judge_result
judge(const struct traffic_case *what, unsigned n_rx)
{
	struct judge_run r = {.what = what,
			      .calls = calls,
			      .n_calls = CALLS,
			      .n_cycles = CYCLES,
			      .first = FIRST,
			      .slot_of = slot_of,
			      .slot_ns = slot_ns,
			      .rx = rx,
			      .n_rx = n_rx};
	struct judge_result out;

	judge_run(&r, &out);
	return out;
}

static void
flip_payload(struct traffic_rx *k)
{
	k->b[100] ^= 1;
}

static void
flip_number(struct traffic_rx *k)
{
	k->b[12] ^= 1;
}

static void
cut_payload(struct traffic_rx *k)
{
	k->len--;
}

static void
make_long(struct traffic_rx *k)
{
	k->len = TRAFFIC_ROOM + 1;
}

static void
break_version(struct traffic_rx *k)
{
	k->b[0] = 0x40;
}

static void
change_sequence(struct traffic_rx *k)
{
	k->b[3] ^= 1;
}

static void
change_time(struct traffic_rx *k)
{
	k->b[7] ^= 1;
}

static void
change_source(struct traffic_rx *k)
{
	k->b[11] ^= 1;
}

static void
come_from_other_port(struct traffic_rx *k)
{
	k->from += 2;
}

static void
come_to_other_leg(struct traffic_rx *k)
{
	k->to += 4; /* another call's port, but from this one's */
}

static void
come_to_nobody(struct traffic_rx *k)
{
	k->to = 100;
}

static void
come_to_rtcp(struct traffic_rx *k)
{
	k->to++;
}

static const struct row {
	const char *name;
	void (*do_spoil)(struct traffic_rx *k);
	struct judge_result want; /* of what is counted wrong */
} rows[] = {
	{"a payload bit", flip_payload, {.wrong_payload = 1}},
	{"another stream's payload", flip_number, {.wrong_payload = 1}},
	{"a byte missing", cut_payload, {.wrong_payload = 1}},
	{"too long", make_long, {.wrong_payload = 1}},
	{"not RTP", break_version, {.wrong_header = 1}},
	{"sequence number", change_sequence, {.wrong_header = 1}},
	{"timestamp", change_time, {.wrong_header = 1}},
	{"source", change_source, {.wrong_header = 1}},
	{"from another port", come_from_other_port, {.wrong_port = 1}},
	{"to another call", come_to_other_leg, {.wrong_port = 1}},
	{"to a port of nobody", come_to_nobody, {.wrong_port = 1}},
	{"to the RTCP port", come_to_rtcp, {.rtcp = 1}},
};

static void
want_counts(const char *name, const struct judge_result *got, const struct judge_result *want,
	    unsigned lost)
{
	if (got->wrong_payload != want->wrong_payload || got->wrong_header != want->wrong_header ||
	    got->wrong_tag != want->wrong_tag || got->wrong_port != want->wrong_port ||
	    got->twice != want->twice || got->rtcp != want->rtcp || got->lost != lost)
		fail_msg("%s: payload %u header %u tag %u port %u twice %u rtcp %u lost %u", name,
			 got->wrong_payload, got->wrong_header, got->wrong_tag, got->wrong_port,
			 got->twice, got->rtcp, got->lost);
}

static void
test_spoilt_packet(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct judge_result got;

		fill_run(&traffic_cases[0]);
		rows[i].do_spoil(&rx[AT]);
		got = judge(&traffic_cases[0], RX);
		want_counts(rows[i].name, &got, &rows[i].want, 1);
		if (judge_is_true(&got) != (rows[i].want.rtcp == 1))
			fail_msg("%s: taken as %s", rows[i].name,
				 judge_is_true(&got) ? "true" : "wrong");
	}
}

static void
test_all_as_sent(void **state)
{
	static const struct judge_result none;

	(void)state;
	for (unsigned i = 0; i < TRAFFIC_CASES; i++) {
		struct judge_result got;

		fill_run(&traffic_cases[i]);
		got = judge(&traffic_cases[i], RX);
		want_counts(traffic_cases[i].name, &got, &none, 0);
		assert_true(judge_is_true(&got));
		assert_int_equal(got.relayed, RX);
		assert_int_equal(got.sent, 2 * CALLS * (CYCLES - FIRST));
		assert_true(got.p50_us == DELAY_NS / 1000 && got.p99_us == DELAY_NS / 1000);
	}
}

static void
test_loss(void **state)
{
	static const struct judge_result none;
	struct judge_result got;

	(void)state;
	fill_run(&traffic_cases[0]);
	rx[AT] = rx[RX - 1]; /* which is not given as the last one then */
	got = judge(&traffic_cases[0], RX - 1);
	want_counts("one of the measured cycles", &got, &none, 1);
	fill_run(&traffic_cases[0]);
	rx[EARLY] = rx[RX - 1];
	got = judge(&traffic_cases[0], RX - 1);
	want_counts("one of the first cycle, which is not measured", &got, &none, 0);
	got = judge(&traffic_cases[0], 0);
	want_counts("all", &got, &none, got.sent);
}

static void
test_twice(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TRAFFIC_CASES; i++) {
		struct judge_result got, want = {.twice = 1};

		fill_run(&traffic_cases[i]);
		rx[RX] = rx[AT];
		got = judge(&traffic_cases[i], RX + 1);
		want_counts(traffic_cases[i].name, &got, &want, 0);
		assert_false(judge_is_true(&got));
	}
}

/* Leg A is encrypted: a bit of it, another key, or no encryption at all. */
static void
test_tag(void **state)
{
	enum { LEG_A_AT = 2 * CYCLES + 3 };

	(void)state;
	for (unsigned i = 1; i < TRAFFIC_CASES; i++) {
		struct judge_result got, want = {.wrong_tag = 1};

		fill_run(&traffic_cases[i]);
		rx[LEG_A_AT].b[50] ^= 1;
		got = judge(&traffic_cases[i], RX);
		want_counts("a bit", &got, &want, 1);
		fill_run(&traffic_cases[0]);
		got = judge(&traffic_cases[i], RX);
		assert_int_equal(got.wrong_tag, CALLS * CYCLES);
		fill_run(&traffic_cases[i]);
		calls[0].out_key[3] ^= 1;
		got = judge(&traffic_cases[i], RX);
		assert_int_equal(got.wrong_tag, CYCLES);
		assert_false(judge_is_true(&got));
	}
}

static int
set_up(void **state)
{
	(void)state;
	traffic_init(&traffic);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	traffic_fini(&traffic);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_as_sent), cmocka_unit_test(test_spoilt_packet),
		cmocka_unit_test(test_loss),        cmocka_unit_test(test_twice),
		cmocka_unit_test(test_tag),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
