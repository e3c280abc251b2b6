/* Telephone events (RFC 4733): digits as packets at their pace, and packets as digits, each once.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "rtp/digits.h"

enum { MS = 1000, START = 7000 * MS };

/* ---- out ---- */

/* "0! 160 320e 320e 320e": ms since the start where another than 20 later, ! the first one, units,
 * e: the end. */
static void
play(struct rtp_event_out *o, uint64_t from, uint64_t to, char *text, size_t size)
{
	uint64_t last = 0;
	size_t n = 0;

	text[0] = 0;
	for (uint64_t now = from; now < to; now += 5 * MS) {
		struct rtp_event_packet k;

		while (rtp_event_step(o, now, &k)) {
			unsigned units = (unsigned)(k.payload[2] << 8 | k.payload[3]);

			if (now - last != 20 * MS)
				n += (size_t)snprintf(text + n, size - n, "%s@%u", n ? " " : "",
						      (unsigned)((now - START) / MS));
			n += (size_t)snprintf(text + n, size - n, " %u%s%u%s", k.payload[0],
					      k.first ? "!" : ":", units,
					      k.payload[1] & 0x80 ? "e" : "");
			last = now;
		}
	}
}

static void
test_out(void **state)
{
	static const struct {
		const char *name;
		struct rtp_event_digit digit[3];
		unsigned n;
		const char *want;
	} rows[] = {
		{"two packet times", {{5, 40}}, 1, "@0 5!160 5:320e 5:320e 5:320e"},
		{"too short", {{5, 1}}, 1, "@0 5!160 5:320e 5:320e 5:320e"},
		{"no whole packet time",
		 {{11, 70}},
		 1,
		 "@0 11!160 11:320 11:480 11:560e 11:560e 11:560e"},
		{"two, with a pause",
		 {{1, 40}, {16, 40}},
		 2,
		 "@0 1!160 1:320e 1:320e 1:320e @120 16!160 16:320e 16:320e 16:320e"},
		{"no key", {{17, 40}, {2, 40}}, 2, "@0 2!160 2:320e 2:320e 2:320e"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rtp_event_out o = {0};
		char text[512];

		for (unsigned k = 0; k < rows[i].n; k++)
			(void)!rtp_event_push(&o, rows[i].digit[k], START);
		play(&o, START, START + 1000 * MS, text, sizeof(text));
		print_message("# %s\n", rows[i].name);
		assert_string_equal(text, rows[i].want);
		assert_true(rtp_event_due(&o) == UINT64_MAX && !o.sounds);
	}
}

/* Nothing else sounds while a digit does; the next one may come in the pause, or long after. */
static void
test_sounds(void **state)
{
	struct rtp_event_out o = {0};
	struct rtp_event_packet k;
	char text[256];

	(void)state;
	assert_true(rtp_event_push(&o, (struct rtp_event_digit){3, 40}, START));
	assert_true(rtp_event_due(&o) == START);
	assert_false(rtp_event_step(&o, START - 1, &k));
	assert_true(rtp_event_step(&o, START, &k) && o.sounds && k.first);
	play(&o, START + 5 * MS, START + 61 * MS, text, sizeof(text));
	assert_false(o.sounds);
	assert_true(rtp_event_due(&o) == START + 120 * MS);
	assert_true(rtp_event_push(&o, (struct rtp_event_digit){4, 40}, START + 70 * MS));
	play(&o, START + 70 * MS, START + 400 * MS, text, sizeof(text));
	assert_string_equal(text, "@120 4!160 4:320e 4:320e 4:320e");
	assert_true(rtp_event_push(&o, (struct rtp_event_digit){4, 40}, START + 900 * MS));
	assert_true(rtp_event_due(&o) == START + 900 * MS);
}

/* A worker that comes late catches up a little, or begins the pace anew. */
static void
test_late(void **state)
{
	struct rtp_event_out o = {0};
	struct rtp_event_packet k;
	unsigned n = 0;

	(void)state;
	assert_true(rtp_event_push(&o, (struct rtp_event_digit){3, 5000}, START));
	assert_true(rtp_event_step(&o, START, &k));
	while (rtp_event_step(&o, START + 60 * MS, &k))
		n++;
	assert_int_equal(n, 3);
	n = 0;
	while (rtp_event_step(&o, START + 10000 * MS, &k))
		n++;
	assert_int_equal(n, 1);
	assert_true(rtp_event_due(&o) == START + 10020 * MS);
}

/* The queue is bounded, and so is a digit. */
static void
test_full(void **state)
{
	struct rtp_event_out o = {0};
	struct rtp_event_packet k;
	uint64_t now = START;
	unsigned digits = 0, n = 0;

	(void)state;
	for (unsigned i = 0; i < RTP_EVENT_QUEUE; i++)
		assert_true(
			rtp_event_push(&o, (struct rtp_event_digit){(uint8_t)i, UINT16_MAX}, now));
	assert_false(rtp_event_push(&o, (struct rtp_event_digit){1, 40}, now));
	for (; rtp_event_due(&o) != UINT64_MAX && n < 10000; now = rtp_event_due(&o))
		if (rtp_event_step(&o, now, &k)) {
			n++;
			if (k.first)
				assert_int_equal(k.payload[0], digits++);
		}
	assert_int_equal(digits, RTP_EVENT_QUEUE);
	assert_int_equal(n, RTP_EVENT_QUEUE * (RTP_EVENT_MAX_MS / RTP_EVENT_STEP_MS + 2));
}

/* Many streams (rtp/digits): each at its own pace; what is not taken leaves no place; a dropped one
 * says nothing more. */
static void
test_streams(void **state)
{
	static struct rtp_digits d;
	const struct rtp_event_digit one = {1, 40}, none = {17, 40};
	struct rtp_event_packet k;
	unsigned packets[2] = {0};
	uint64_t key;

	(void)state;
	assert_true(rtp_digits_due(&d) == UINT64_MAX);
	assert_false(rtp_digits_push(&d, 7, none, START));
	assert_int_equal(d.n, 0);
	assert_true(rtp_digits_push(&d, 7, one, START + 10 * MS));
	assert_true(rtp_digits_push(&d, 8, one, START));
	assert_true(rtp_digits_push(&d, 8, one, START));
	assert_true(rtp_digits_push(&d, 9, one, START));
	assert_true(rtp_digits_due(&d) == START);
	assert_false(rtp_digits_sound(&d, 9));
	for (uint64_t now = START; d.n && now < START + 1000 * MS; now += 5 * MS)
		while (rtp_digits_next(&d, now, &key, &k)) {
			assert_true(key == 9 || rtp_digits_sound(&d, key) || (k.payload[1] & 0x80));
			if (key == 9)
				rtp_digits_drop(&d, key);
			else
				packets[key - 7]++;
		}
	assert_int_equal(packets[0], 4);
	assert_int_equal(packets[1], 8);
	assert_int_equal(d.n, 0);
	for (uint64_t i = 0; i < RTP_DIGITS_STREAMS; i++)
		assert_true(rtp_digits_push(&d, i, one, START));
	assert_false(rtp_digits_push(&d, RTP_DIGITS_STREAMS, one, START));
}

/* ---- in ---- */

/* A packet: ms since the one before, timestamp, marker, payload; what is told then: code and ms, -1
 * nothing; ?: its end was lost. */
struct heard_row {
	const char *name;
	unsigned ms;
	uint32_t ts;
	bool marker;
	const char *payload;
	size_t len;
	int code, told_ms;
	bool lost;
};

#define P(text) text, sizeof(text) - 1
static const struct heard_row heard[] = {
	{"begins", 0, 1000, true, P("\x05\x0a\x00\xa0"), -1, 0, false},
	{"goes on", 20, 1000, false, P("\x05\x0a\x01\x40"), -1, 0, false},
	{"ends", 20, 1000, false, P("\x05\x8a\x01\xe0"), 5, 60, false},
	{"the end again", 20, 1000, false, P("\x05\x8a\x01\xe0"), -1, 0, false},
	{"and again", 20, 1000, false, P("\x05\x8a\x01\xe0"), -1, 0, false},
	{"the next, its start lost, ends", 50, 3000, false, P("\x05\x8a\x06\x40"), 5, 200, false},
	{"of the one before, late", 1, 1000, false, P("\x05\x8a\x01\xe0"), -1, 0, false},
	{"a third", 40, 6000, true, P("\x0b\x0a\x00\xa0"), -1, 0, false},
	{"the fourth: the third's end is lost", 90, 9000, true, P("\x10\x0a\x00\xa0"), 11, 20,
	 true},
	{"of the third", 1, 6000, false, P("\x0b\x8a\x01\xe0"), -1, 0, false},
	{"ends with its first packet of two", 5, 9000, false, P("\x10\x8a\x01\x40"), 16, 40, false},
	{"too short", 10, 12000, true, P("\x01\x8a\x01"), -1, 0, false},
	{"no key", 10, 12000, true, P("\x11\x8a\x01\x40"), -1, 0, false},
	{"begins and ends: the one before has ended", 10, 12000, true, P("\x01\x8a\x01\x40"), 1, 40,
	 false},
	{"a long one", 100, 20000, true, P("\x02\x0a\x40\x00"), -1, 0, false},
	{"all of a segment", 20, 20000, false, P("\x02\x0a\xff\xff"), -1, 0, false},
	{"the next segment", 20, 20000 + 65535, false, P("\x02\x0a\x00\xa0"), -1, 0, false},
	{"ends, longer than any", 20, 20000 + 65535, false, P("\x02\x8a\x01\x40"), 2,
	 RTP_EVENT_MAX_MS, false},
	{"another source, after long: an older timestamp", 6000, 5, true, P("\x03\x8a\x01\x40"), 3,
	 40, false},
	{"ends with the one before open (1)", 50, 500, true, P("\x04\x0a\x00\xa0"), -1, 0, false},
	{"ends with the one before open (2)", 50, 900, true, P("\x06\x8a\x01\x40"), 4, 20, true},
	{"ends with the one before open (3)", 50, 900, false, P("\x06\x8a\x01\x40"), 6, 40, false},
};

static void
test_in(void **state)
{
	struct rtp_event_in in = {0};
	uint64_t now = START;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heard); i++) {
		const struct heard_row *r = &heard[i];
		struct rtp_event_heard got;
		bool told;

		now += r->ms * MS;
		told = rtp_event_hear(&in, r->ts, r->marker, (const uint8_t *)r->payload, r->len,
				      now, &got);
		if (told != (r->code >= 0) ||
		    (told && (got.digit.code != r->code || got.digit.ms != r->told_ms ||
			      got.lost != r->lost)))
			fail_msg("%s: %d %u %u", r->name, told, got.digit.code, got.digit.ms);
	}
}

static void
test_quiet(void **state)
{
	struct rtp_event_in in = {0};
	struct rtp_event_heard got;
	static const uint8_t p[] = {9, 10, 0x03, 0x20}, end[] = {9, 0x8a, 0x03, 0x20};

	(void)state;
	assert_false(rtp_event_quiet(&in, START, &got));
	assert_false(rtp_event_hear(&in, 1, true, p, sizeof(p), START, &got));
	assert_false(rtp_event_quiet(&in, START + RTP_EVENT_QUIET_US - 1, &got));
	assert_true(rtp_event_quiet(&in, START + RTP_EVENT_QUIET_US, &got));
	assert_true(got.digit.code == 9 && got.digit.ms == 100 && got.lost);
	assert_false(rtp_event_quiet(&in, START + 2 * RTP_EVENT_QUIET_US, &got));
	assert_false(rtp_event_hear(&in, 1, false, end, sizeof(end), START + 300 * MS, &got));
}

/* What one half plays the other one hears, whatever gets lost but all of an event's packets. */
static void
test_both(void **state)
{
	(void)state;
	for (unsigned lose = 0; lose < 64; lose++) {
		struct rtp_event_out o = {0};
		struct rtp_event_in in = {0};
		struct rtp_event_heard got;
		unsigned n = 0, told = 0;
		uint32_t ts = 5;

		for (uint8_t code = 0; code < 10; code++)
			assert_true(rtp_event_push(&o, (struct rtp_event_digit){code, 100}, START));
		for (uint64_t now = START; now < START + 10000 * MS; now += 5 * MS) {
			struct rtp_event_packet k;

			if (rtp_event_quiet(&in, now, &got))
				assert_int_equal(got.digit.code, told++);
			if (!rtp_event_step(&o, now, &k))
				continue;
			ts = k.first ? ts + 5000 : ts;
			if (n++ % 7 < 6 && (lose >> n % 7 & 1))
				continue;
			if (rtp_event_hear(&in, ts, k.first, k.payload, RTP_EVENT_LEN, now, &got))
				assert_int_equal(got.digit.code, told++);
		}
		assert_int_equal(n, 70);
		assert_int_equal(told, 10);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out),  cmocka_unit_test(test_sounds),
		cmocka_unit_test(test_late), cmocka_unit_test(test_full),
		cmocka_unit_test(test_in),   cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_both), cmocka_unit_test(test_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
