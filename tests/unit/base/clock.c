#include "rows.h"

#include "base/clock.h"

#define S(n) ((int64_t)(n)*CLOCK_S)

static void
test_utc(void **state)
{
	static const struct {
		const char *name;
		int64_t us;
		const char *want;
	} rows[] = {
		{"zero", 0, "1970-01-01T00:00:00.000000Z"},
		{"one microsecond", 1, "1970-01-01T00:00:00.000001Z"},
		{"last of the day", S(86400) - 1, "1970-01-01T23:59:59.999999Z"},
		{"2000-02-28", S(951782399), "2000-02-28T23:59:59.000000Z"},
		{"2000 leaps", S(951782400), "2000-02-29T00:00:00.000000Z"},
		{"2000-03-01", S(951868800), "2000-03-01T00:00:00.000000Z"},
		{"2024 leaps", S(1709164800), "2024-02-29T00:00:00.000000Z"},
		{"2025 does not", S(1740787200), "2025-03-01T00:00:00.000000Z"},
		{"as in clock.h", S(1795297581) + 123456, "2026-11-21T21:46:21.123456Z"},
		{"2^31 - 1", S(2147483647) + 999999, "2038-01-19T03:14:07.999999Z"},
		{"2^31", S(2147483648), "2038-01-19T03:14:08.000000Z"},
		{"2^32", S(4294967296), "2106-02-07T06:28:16.000000Z"},
		{"2100 does not leap", S(4107542400), "2100-03-01T00:00:00.000000Z"},
		{"last of 9999", S(253402300799), "9999-12-31T23:59:59.000000Z"},
		{"before 1970", -1, "-"},
		{"lowest", INT64_MIN, "-"},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char mem[40];
		int64_t back = -1;
		struct buf b;

		buf_init(&b, mem, sizeof(mem));
		clock_put_utc(&b, rows[i].us);
		bad += row_err(rows[i].name, buf_end(&b), ERR_OK);
		bad += row_str(rows[i].name, buf_view(&b), str_from(rows[i].want));
		if (rows[i].us < 0)
			continue;
		bad += row_err(rows[i].name, clock_parse_utc(buf_view(&b), &back), ERR_OK);
		bad += row_num(rows[i].name, (uint64_t)back, (uint64_t)rows[i].us);
	}
	assert_int_equal(bad, 0);
}

static void
test_no_utc(void **state)
{
	static const char *const rows[] = {
		"",
		"-",
		"2026-11-21T21:46:21.123456",
		"2026-11-21T21:46:21.123456z",
		"2026-11-21 21:46:21.123456Z",
		"2026-13-21T21:46:21.123456Z",
		"2026-00-21T21:46:21.123456Z",
		"2026-11-00T21:46:21.123456Z",
		"2026-11-21T24:46:21.123456Z",
		"1969-11-21T21:46:21.123456Z",
		"2026-11-21T21:46:21.12345xZ",
		"+026-11-21T21:46:21.123456Z",
	};
	int64_t us = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (clock_parse_utc(str_from(rows[i]), &us) != ERR_SYNTAX || us != 7)
			fail_msg("\"%s\"", rows[i]);
}

static void
test_now(void **state)
{
	uint64_t last = clock_now_us();
	int64_t wall = clock_wall_us();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint64_t now = clock_now_us();

		assert_true(now >= last);
		last = now;
	}
	assert_true(wall > S(1700000000) && wall < S(4294967296));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utc),
		cmocka_unit_test(test_no_utc),
		cmocka_unit_test(test_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
