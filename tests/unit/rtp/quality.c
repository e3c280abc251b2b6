#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "rtp/quality.h"

enum { PACKET_US = 20000, PACKET_TS = 160 };

/* n packets from seq on, in time. */
static void
feed(struct quality *q, uint16_t seq, unsigned n, uint64_t now)
{
	for (unsigned i = 0; i < n; i++)
		(void)quality_packet(q, (uint16_t)(seq + i), i * PACKET_TS, now + i * PACKET_US);
}

static void
test_count(void **state)
{
	static const struct {
		const char *name;
		struct {
			uint16_t from;
			uint16_t n;
		} runs[4];
		uint64_t expected, received, lost;
		uint32_t burst_x100;
	} rows[] = {
		{"none", {{0}}, 0, 0, 0, 100},
		{"100 in a row", {{1, 100}}, 100, 100, 0, 100},
		{"over the wrap", {{65500, 100}}, 100, 100, 0, 100},
		{"starts at 65535", {{65535, 2}}, 2, 2, 0, 100},
		{"5 lost", {{1, 10}, {16, 10}}, 25, 20, 5, 500},
		{"lost at the wrap", {{65530, 4}, {2, 10}}, 18, 14, 4, 400},
		{"two gaps", {{1, 10}, {12, 10}, {25, 5}}, 29, 25, 4, 200},
		{"late ones fill", {{1, 10}, {12, 5}, {11, 1}}, 16, 16, 0, 100},
		{"late over the wrap", {{65530, 6}, {1, 5}, {0, 1}}, 12, 12, 0, 100},
		{"duplicates", {{1, 10}, {5, 5}}, 10, 15, 0, 100},
		{"jump restarts", {{1, 10}, {30000, 10}}, 19, 19, 0, 100},
		{"a lone stray counts nothing", {{1, 10}, {30000, 1}, {11, 10}}, 20, 20, 0, 100},
		{"jump back restarts", {{30000, 10}, {100, 3}}, 12, 12, 0, 100},
		{"largest gap", {{1, 1}, {3000, 1}}, 3000, 2, 2998, 299800},
	};
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct quality q;

		quality_init(&q, 8000, true);
		for (size_t k = 0; k < ARRAY_LEN(rows[i].runs); k++)
			feed(&q, rows[i].runs[k].from, rows[i].runs[k].n, 0);
		if (quality_expected(&q) != rows[i].expected ||
		    quality_received(&q) != rows[i].received || quality_lost(&q) != rows[i].lost ||
		    quality_burst_x100(&q) != rows[i].burst_x100) {
			print_error("%s: expected %llu received %llu lost %llu burst %u\n",
				    rows[i].name, (unsigned long long)quality_expected(&q),
				    (unsigned long long)quality_received(&q),
				    (unsigned long long)quality_lost(&q), quality_burst_x100(&q));
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

/* RFC 3611 4.7.2: 16 good packets end a burst; a single loss by itself is none. */
static void
test_bursts(void **state)
{
	static const struct {
		const char *name;
		struct {
			uint16_t from;
			uint16_t n;
		} runs[5];
		struct quality_burst want;
	} rows[] = {
		{"none", {{1, 100}}, {0, 0, 0}},
		{"one loss", {{1, 20}, {22, 20}}, {0, 0, 0}},
		{"single ones far apart", {{1, 20}, {22, 16}, {39, 16}, {56, 20}}, {0, 0, 0}},
		{"15 good ones between: one burst", {{1, 20}, {22, 15}, {38, 20}}, {1, 2, 17}},
		{"three in a row", {{65530, 20}, {17, 20}}, {1, 3, 3}},
		{"two of them", {{1, 20}, {24, 16}, {44, 3}, {48, 30}}, {2, 8, 11}},
		{"not over yet", {{1, 3}, {6, 1}}, {1, 2, 2}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct quality_burst got;
		struct quality q;

		quality_init(&q, 8000, true);
		for (size_t k = 0; k < ARRAY_LEN(rows[i].runs); k++)
			feed(&q, rows[i].runs[k].from, rows[i].runs[k].n, 0);
		quality_bursts(&q, &got);
		if (memcmp(&got, &rows[i].want, sizeof(got)) != 0)
			fail_msg("%s: %u bursts, %u lost of %u", rows[i].name, got.n, got.lost,
				 got.length);
	}
}

static void
test_probation(void **state)
{
	struct quality q;

	(void)state;
	quality_init(&q, 8000, false);
	assert_int_equal(quality_packet(&q, 10, 0, 0), QUALITY_PROBATION);
	assert_int_equal(quality_packet(&q, 20, 0, 0), QUALITY_PROBATION);
	assert_int_equal(quality_packet(&q, 30, 0, 0), QUALITY_PROBATION);
	assert_int_equal(quality_packet(&q, 31, 0, 0), QUALITY_COUNTED);
	assert_true(quality_expected(&q) == 1 && quality_received(&q) == 1);
	assert_int_equal(quality_packet(&q, 40000, 0, 0), QUALITY_JUMP);
	assert_int_equal(quality_packet(&q, 32, 0, 0), QUALITY_COUNTED);
	quality_new_source(&q);
	assert_int_equal(quality_packet(&q, 5, 0, 0), QUALITY_PROBATION);
	assert_int_equal(quality_packet(&q, 6, 0, 0), QUALITY_COUNTED);
	assert_true(quality_expected(&q) == 3 && quality_received(&q) == 3);
}

static void
test_wraps(void **state)
{
	struct quality q;
	unsigned n = 3 * 65536 + 100;

	(void)state;
	quality_init(&q, 8000, true);
	feed(&q, 65000, n, 0);
	assert_true(quality_expected(&q) == n && quality_lost(&q) == 0);
	assert_true(quality_max_seq(&q) == 65000 + n - 1);
	assert_int_equal(quality_jitter(&q), 0);
	quality_new_source(&q);
	assert_true(quality_expected(&q) == n);
	feed(&q, 1, 10, 0);
	assert_true(quality_expected(&q) == n + 10 && quality_max_seq(&q) == 10);
}

/* A.8 by hand: D is 80 units (10 ms) each time, so J -> 80. M12: at any uptime. */
static void
test_jitter(void **state)
{
	static const struct {
		const char *name;
		uint64_t now;
	} rows[] = {
		{"M12/start", 0},
		{"M12/71 min", (UINT64_C(1) << 32) - 1000000},
		{"M12/49.7 d", 4294967295ull * 1000},
		{"M12/2^31 s", 2147483648ull * 1000000},
		{"M12/2^32 ms", 4294967296ull * 1000},
		{"M12/400 d", 400ull * 86400 * 1000000},
		{"M12/where us * rate wraps", UINT64_MAX / 8000 - 10000000},
		{"M12/end of time", UINT64_MAX - 2000ull * PACKET_US},
	};
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct quality q, exact;
		bool moved = false;
		uint32_t transit;
		uint64_t now = rows[i].now - rows[i].now % 1000000;

		quality_init(&q, 8000, true);
		for (unsigned k = 0; k < 1000; k++)
			(void)quality_packet(&q, (uint16_t)k, k * PACKET_TS,
					     now + k * PACKET_US + (k % 2) * 10000);
		/* packets in time: the transit stays the same, through every wrap */
		quality_init(&exact, 8000, true);
		(void)quality_packet(&exact, 0, 0, now);
		transit = exact.transit;
		for (unsigned k = 1; k < 1000; k++) {
			(void)quality_packet(&exact, (uint16_t)k, k * PACKET_TS,
					     now + k * PACKET_US);
			moved |= exact.transit != transit;
		}
		if (moved || quality_jitter(&q) < 79 || quality_jitter(&q) > 80 ||
		    quality_jitter_us(&q) < 9800 || quality_jitter_us(&q) > 10000) {
			print_error("%s: %u\n", rows[i].name, quality_jitter(&q));
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

static void
test_jitter_first_steps(void **state)
{
	struct quality q;

	(void)state;
	quality_init(&q, 8000, true);
	(void)quality_packet(&q, 1, 0, 1000000);
	(void)quality_packet(&q, 2, 160, 1040000); /* 20 ms late: D = 160 */
	assert_int_equal(q.jitter_x16, 160);
	(void)quality_packet(&q, 3, 320, 1060000); /* D = 0 */
	assert_int_equal(q.jitter_x16, 160 - ((160 + 8) >> 4));
	/* another clock base is not jitter */
	(void)quality_packet(&q, 4, 0x80000000, 1080000);
	assert_int_equal(q.jitter_x16, 150);
}

static void
test_block(void **state)
{
	struct rtcp_block b;
	struct quality q;

	(void)state;
	quality_init(&q, 8000, true);
	quality_block(&q, 7, 0, 55, &b);
	assert_true(b.ssrc == 7 && b.lost == 0 && b.fraction == 0 && b.dlsr == 0);
	feed(&q, 0, 75, 0);
	feed(&q, 100, 25, 0);
	quality_block(&q, 7, 1, 55, &b);
	assert_int_equal(b.lost, 25);
	assert_int_equal(b.fraction, 25 * 256 / 125);
	assert_true(b.max_seq == 124 && b.lsr == 1 && b.dlsr == 55);
	feed(&q, 125, 100, 0);
	quality_block(&q, 7, 1, 55, &b);
	assert_true(b.lost == 25 && b.fraction == 0);
	feed(&q, 200, 25, 0); /* duplicates: never a negative fraction */
	quality_block(&q, 7, 1, 55, &b);
	assert_true(b.lost == 0 && b.fraction == 0);
	feed(&q, 200, 25, 0);
	quality_block(&q, 7, 1, 55, &b);
	assert_int_equal(b.lost, -25);
	assert_true(quality_lost(&q) == 0);
}

/* The example of RFC 3550 6.4.1, figure 2. */
static void
test_round_trip(void **state)
{
	struct rtcp_block b = {.lsr = 0xb7052000, .dlsr = 0x00054000};
	uint32_t us;

	(void)state;
	assert_int_equal(quality_round_trip(&b, 0xb7108000, &us), ERR_OK);
	assert_int_equal(us, 6125000);
	assert_int_equal(quality_round_trip(&b, b.lsr + b.dlsr, &us), ERR_OK);
	assert_int_equal(us, 0);
	assert_int_equal(quality_round_trip(&b, b.lsr + b.dlsr - 60, &us), ERR_OK);
	assert_int_equal(us, 0);
	assert_int_equal(quality_round_trip(&b, b.lsr + b.dlsr - 6553, &us), ERR_RANGE);
	assert_int_equal(quality_round_trip(&b, b.lsr + b.dlsr + 61 * 65536, &us), ERR_RANGE);
	b.lsr = 0;
	assert_int_equal(quality_round_trip(&b, 1, &us), ERR_NOTFOUND);
	/* over the wrap of the 16 bits of seconds */
	b = (struct rtcp_block){.lsr = 0xffff8000, .dlsr = 0x8000};
	assert_int_equal(quality_round_trip(&b, 0x8000, &us), ERR_OK);
	assert_int_equal(us, 500000);
}

/* A burst of 10 then one of 1 lost; what does not fit 24 bits is clamped; no clock is 8000 Hz. */
static void
test_extremes(void **state)
{
	struct rtcp_block b;
	struct quality q;

	(void)state;
	quality_init(&q, 0, true);
	assert_int_equal(q.clock_rate, 8000);
	feed(&q, 1, 1, 0);
	feed(&q, 12, 1, 0);
	feed(&q, 14, 1, 0);
	assert_true(q.lost_run_max == 10 && quality_burst_x100(&q) == 550);
	for (unsigned i = 0; i < 3000; i++)
		(void)quality_packet(&q, (uint16_t)(14 + (i + 1) * 2999), 0, 0);
	quality_block(&q, 1, 0, 0, &b);
	assert_int_equal(b.lost, RTCP_LOST_MAX);
	assert_int_equal(b.fraction, 255);
	assert_true(quality_lost(&q) > RTCP_LOST_MAX);
}

static void
test_mos(void **state)
{
	static const struct {
		const char *name;
		uint64_t expected, lost;
		uint32_t burst_x100, trip_us, jitter_us;
		uint8_t min, max;
	} rows[] = {
		{"unknown", 0, 0, 100, 0, 0, 0, 0},
		{"perfect", 1000, 0, 100, 0, 0, 44, 44},
		{"100 ms round trip", 1000, 0, 100, 100000, 0, 43, 44},
		{"1 % alone", 1000, 10, 100, 0, 0, 42, 44},
		{"5 % alone", 1000, 50, 100, 0, 0, 39, 40},
		{"5 % in bursts is worse", 1000, 50, 1000, 0, 0, 37, 38},
		{"600 ms round trip", 1000, 0, 100, 600000, 0, 36, 39},
		{"all lost", 1000, 1000, 100000, 0, 0, 10, 24},
		{"more lost than expected", 10, 1000, 100, 0, 0, 10, 24},
		{"everything at its end", UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
		 UINT32_MAX, 10, 10},
	};
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t got = quality_mos_x10(rows[i].expected, rows[i].lost, rows[i].burst_x100,
					      rows[i].trip_us, rows[i].jitter_us);

		if (got < rows[i].min || got > rows[i].max) {
			print_error("%s: %u\n", rows[i].name, got);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),     cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_probation), cmocka_unit_test(test_wraps),
		cmocka_unit_test(test_jitter),    cmocka_unit_test(test_jitter_first_steps),
		cmocka_unit_test(test_block),     cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_mos),       cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests_name("quality", tests, NULL, NULL);
}
