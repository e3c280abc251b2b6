/* What was packed comes back; what was not packed here is refused, or comes out as something whole
 * within its bounds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/list.h"
#include "base/random.h"
#include "ha/pack.h"

enum { WORDS = 64, SIZE = WORDS * PACK_WORD, TIMES = 20000 };

static const struct {
	const char *name, *words; /* '.' is a zero word */
	size_t packed;            /* in words */
} rows[] = {
	{"nothing", "................", 0},
	{"all", "xxxxxxxxxxxxxxxx", 17},
	{"the first", "x...............", 2},
	{"the last", "...............x", 2},
	{"a single zero stays inside", "xx.x............", 5},
	{"two zeros part", "xx..x...........", 5},
	{"a single zero at the end", "xxxxxxxxxxxxxxx.", 16},
	{"every other", "x.x.x.x.x.x.x.x.", 16},
	{"every third", "x..x..x..x..x..x", 12},
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t in[16] = {0}, out[17], back[16];
		size_t n;

		for (size_t k = 0; k < 16; k++)
			in[k] = rows[i].words[k] == 'x' ? k + 1 : 0;
		memset(back, 0x55, sizeof(back));
		n = pack_put(in, sizeof(in), out);
		if (n != rows[i].packed * PACK_WORD)
			fail_msg("%s: %zu words", rows[i].name, n / PACK_WORD);
		if (pack_get(out, n, back, sizeof(back)) != ERR_OK ||
		    memcmp(in, back, sizeof(in)) != 0)
			fail_msg("%s: another one came back", rows[i].name);
	}
}

/* Any density of zeros: what comes back, the room, and the sum. */
static void
test_any(void **state)
{
	uint64_t in[WORDS], out[WORDS + 1], back[WORDS], sum;

	(void)state;
	for (int i = 0; i < TIMES; i++) {
		uint32_t part = random_below(100), bit = random_below(64);
		size_t n, k;

		for (k = 0; k < WORDS; k++)
			in[k] = random_below(100) < part ? random_u32() : 0;
		n = pack_put(in, SIZE, out);
		assert_true(n <= PACK_MAX(SIZE));
		assert_int_equal(pack_get(out, n, back, SIZE), ERR_OK);
		assert_memory_equal(in, back, SIZE);
		if (n == 0)
			continue;
		sum = pack_sum(out, n);
		k = random_below((uint32_t)(n / PACK_WORD));
		out[k] ^= UINT64_C(1) << bit;
		assert_int_not_equal(pack_sum(out, n), sum);
		(void)!pack_get(out, n, back, SIZE); /* within its bounds, whatever it says */
	}
}

static void
test_foreign(void **state)
{
	uint64_t back[4];
	static const struct {
		const char *name;
		uint32_t words[6];
		size_t len;
	} bad[] = {
		{"more zeros than there are words", {5, 1, 7, 7}, 16},
		{"more words than there is room for", {3, 2, 7, 7, 7, 7}, 24},
		{"more words than follow", {0, 2, 7, 7}, 16},
		{"a run of nothing", {1, 0}, 8},
		{"half a word", {0, 1, 7, 7, 7, 7}, 20},
		{"numbers that overflow", {UINT32_MAX, UINT32_MAX, 7, 7}, 16},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint64_t packed[4] = {0};

		memcpy(packed, bad[i].words, sizeof(bad[i].words));
		if (pack_get(packed, bad[i].len, back, sizeof(back)) != ERR_SYNTAX)
			fail_msg("%s was taken", bad[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
