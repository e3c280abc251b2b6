#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "srtp/replay.h"

/* Steps in order over one window: a reader can check them by hand. */
static void
test_table(void **state)
{
	static const struct {
		const char *name;
		uint64_t index;
		bool fresh; /* and then committed */
	} rows[] = {
		{"first", 1000, true},
		{"same", 1000, false},
		{"next", 1001, true},
		{"jump by 2", 1003, true},
		{"the one between", 1002, true},
		{"again", 1002, false},
		{"older than the first, in the window", 900, true},
		{"again", 900, false},
		{"oldest place of the window", 1003 - 127, true},
		{"one behind the window", 1003 - 128, false},
		{"jump by 63", 1066, true},
		{"jump by 64", 1130, true},
		{"1066 is remembered", 1066, false},
		{"1003, 127 behind, is remembered", 1003, false},
		{"1002, 128 behind", 1002, false},
		{"1004 was never seen", 1004, true},
		{"jump by 65", 1195, true},
		{"1130 is remembered", 1130, false},
		{"jump by 127", 1322, true},
		{"1195 is remembered, at the edge", 1195, false},
		{"1196 was never seen", 1196, true},
		{"jump by 128", 1450, true},
		{"1322 is behind", 1322, false},
		{"1323 was never seen", 1323, true},
		{"jump by 2^40", (UINT64_C(1) << 40), true},
		{"far behind", 1450, false},
		{"one before", (UINT64_C(1) << 40) - 1, true},
		{"across a wrap of the sequence", (UINT64_C(1) << 40) + 0x10000, true},
		{"the last RTP index", (UINT64_C(1) << 48) - 1, true},
		{"again", (UINT64_C(1) << 48) - 1, false},
	};
	struct srtp_replay r = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (srtp_replay_fresh(&r, rows[i].index) != rows[i].fresh)
			fail_msg("row %zu %s: index %llu", i, rows[i].name,
				 (unsigned long long)rows[i].index);
		if (rows[i].fresh)
			srtp_replay_commit(&r, rows[i].index);
	}
}

/* Against a plain list of what was seen. */
static void
test_model(void **state)
{
	enum { SPAN = 4096 };
	static bool seen[SPAN];
	struct srtp_replay r = {0};
	uint64_t highest = 0, x = 88172645463325252u;
	bool any = false;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint64_t index;
		bool want;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		index = (highest + x % 300) > 200 ? (highest + x % 300) - 200 : 0;
		if (index >= SPAN) {
			memset(&r, 0, sizeof(r));
			memset(seen, 0, sizeof(seen));
			highest = 0;
			any = false;
			continue;
		}
		want = !any || index > highest || (highest - index < SRTP_WINDOW && !seen[index]);
		if (srtp_replay_fresh(&r, index) != want)
			fail_msg("step %d: index %llu highest %llu", i, (unsigned long long)index,
				 (unsigned long long)highest);
		if (!want)
			continue;
		srtp_replay_commit(&r, index);
		seen[index] = any = true;
		if (index > highest)
			highest = index;
	}
}

static void
test_fill(void **state)
{
	struct srtp_replay r = {0};

	(void)state;
	srtp_replay_fill(&r, 70000);
	for (uint64_t i = 69800; i <= 70000; i++)
		assert_false(srtp_replay_fresh(&r, i));
	assert_true(srtp_replay_fresh(&r, 70001));
	srtp_replay_commit(&r, 70001);
	assert_false(srtp_replay_fresh(&r, 70000));
	assert_false(srtp_replay_fresh(&r, 70001));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_fill),
	};

	return cmocka_run_group_tests_name("srtp/replay", tests, NULL, NULL);
}
