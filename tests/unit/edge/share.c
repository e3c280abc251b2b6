/* Whose new requests are refused: peers in virtual time, of which some flood; what is admitted of
 * each is held against its fair part. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "edge/share.h"

enum { SECOND = 1000000, PEERS = 8 };

static struct share s;

static uint64_t offered[PEERS], carried[PEERS];

/* Peer i makes rate[i] requests a second, evenly; so many a second are admitted of all. */
static void
run(const uint32_t rate[PEERS], const unsigned weight[PEERS], uint32_t may, uint64_t from,
    uint64_t seconds)
{
	uint64_t next[PEERS], end = from + seconds * SECOND, now = from;
	uint64_t all = 0;

	for (int i = 0; i < PEERS; i++) {
		next[i] = rate[i] ? from + (uint64_t)i * 131 : UINT64_MAX;
		offered[i] = carried[i] = 0;
		all += rate[i];
	}
	while (now < end) {
		int k = 0;
		struct share_peer *p;

		for (int i = 1; i < PEERS; i++)
			k = next[i] < next[k] ? i : k;
		now = next[k];
		next[k] += SECOND / rate[k];
		p = share_of(&s, (uint64_t)k);
		share_look(&s, may < all ? (uint32_t)(LOAD_ONE * (uint64_t)may / all) : LOAD_ONE,
			   now);
		share_note(&s, p, weight[k] ? weight[k] : 1, SHARE_REQUEST);
		offered[k]++;
		carried[k] += !share_sheds(&s, p);
	}
}

static void
test_fair(void **state)
{
	static const struct {
		const char *name;
		uint32_t may, rate[PEERS], want[PEERS]; /* requests a second */
		unsigned weight[PEERS];
	} rows[] = {
		{"enough for all", 1000, {100, 200, 300}, {100, 200, 300}, {0}},
		{"one floods", 500, {10, 20, 50, 12000}, {10, 20, 50, 420}, {0}},
		{"one floods, hardly anything is admitted",
		 100,
		 {10, 20, 50, 12000},
		 {10, 20, 50, 50},
		 {0}},
		{"no more than anybody may, all of them",
		 160,
		 {40, 40, 40, 40, 40, 40, 40, 40},
		 {20, 20, 20, 20, 20, 20, 20, 20},
		 {0}},
		{"two flood, one of them more", 600, {100, 4000, 8000}, {100, 250, 250}, {0}},
		{"all ask for too much", 300, {500, 500, 500}, {100, 100, 100}, {0}},
		{"one alone", 50, {5000}, {50}, {0}},
		{"one asks for a little more", 500, {10, 20, 500}, {10, 20, 470}, {0}},
		{"a carrier brings the calls of many", 510, {20, 1000}, {20, 490}, {1, 16}},
		{"one account against a carrier", 510, {100, 1000}, {50, 480}, {1, 16}},
		{"a carrier and accounts flood",
		 360,
		 {1000, 1000, 1000},
		 {50, 320, 50},
		 {1, 16, 1}},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		share_init(&s);
		run(rows[r].rate, rows[r].weight, rows[r].may, SECOND, 2); /* settles */
		run(rows[r].rate, rows[r].weight, rows[r].may, 3 * SECOND, 10);
		for (int i = 0; i < PEERS; i++) {
			uint64_t got = carried[i], want = rows[r].want[i] * 10ULL;

			if (got < want * 93 / 100 || got > want * 107 / 100 + 10)
				fail_msg("%s: peer %d: %llu of %llu were admitted, not %llu",
					 rows[r].name, i, (unsigned long long)got,
					 (unsigned long long)offered[i], (unsigned long long)want);
		}
	}
}

/* While another one floods, one that asks now and then is never refused, from its first request on;
 * what the flooding one hears is of itself alone; and when it ends, so does all of it. */
static void
test_words(void **state)
{
	struct share_peer *good = share_of(&s, 1), *bad = share_of(&s, 2), *none = share_of(&s, 3);
	uint64_t now = SECOND;
	int shed = 0;

	(void)state;
	share_init(&s);
	assert_int_equal(share_percent(&s, bad), 0);
	for (int i = 0; i < 20000; i++) {
		now += 100;
		share_look(&s, LOAD_LEAST, now);
		share_note(&s, bad, 1, SHARE_REQUEST);
		shed += share_sheds(&s, bad);
		if (i % 2000 == 1999) {
			share_note(&s, good, 1, SHARE_REQUEST);
			assert_false(share_sheds(&s, good));
			assert_false(share_floods(&s, good));
		}
	}
	assert_in_range(shed, 19600, 19950);
	assert_true(share_floods(&s, bad));
	assert_in_range(share_percent(&s, bad), 99, 100);
	assert_int_equal(share_percent(&s, good), 0);
	assert_int_equal(share_percent(&s, none), 0);
	assert_in_range(s.changed_us, now - LOAD_WINDOW_US, now);
	assert_int_equal(s.n_active, 2);
	share_look(&s, LOAD_ONE, now + LOAD_WINDOW_US);
	assert_int_equal(share_percent(&s, bad), 0);
	assert_false(share_sheds(&s, bad));
	share_look(&s, LOAD_ONE, now + 10 * SECOND); /* nobody comes any more */
	assert_int_equal(s.n_active, 0);
	share_look(&s, LOAD_LEAST, now + 11 * SECOND);
	assert_int_equal(s.level, UINT64_MAX);
	share_note(&s, bad, 1, SHARE_REQUEST);
	assert_false(share_sheds(&s, bad));
}

/* One brings only what is no new request: others lose nothing to it, and it counts. */
static void
test_messages(void **state)
{
	struct share_peer *good = share_of(&s, 1), *bad = share_of(&s, 2);
	uint64_t now = SECOND;

	(void)state;
	share_init(&s);
	for (int i = 0; i < 6000; i++) { /* 3,000 a second */
		now += 333;
		share_look(&s, LOAD_LEAST, now);
		share_note(&s, bad, 1, SHARE_MESSAGE);
		if (i > 600 && i % 150 == 149) { /* 20 a second */
			share_note(&s, good, 1, SHARE_REQUEST);
			if (share_sheds(&s, good))
				fail_msg("message %d: level %llu", i, (unsigned long long)s.level);
		}
	}
	assert_in_range(bad->rate, 7 * SHARE_UNIT, 8 * SHARE_UNIT);
	assert_true(share_sheds(&s, bad));
}

/* Calls for help that are refused in any case: so many a window. */
static void
test_helps(void **state)
{
	struct share_peer *p = share_of(&s, 1);
	uint64_t now = SECOND;
	int n = 0;

	(void)state;
	share_init(&s);
	for (int i = 0; i < 1000; i++) {
		now += LOAD_WINDOW_US / 10;
		share_look(&s, LOAD_ONE, now);
		share_note(&s, p, 1, SHARE_REQUEST);
		n += share_helps(p);
	}
	assert_in_range(n, 100 * SHARE_HELPS, 101 * SHARE_HELPS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fair), cmocka_unit_test(test_words),
		cmocka_unit_test(test_messages), cmocka_unit_test(test_helps)};

	return cmocka_run_group_tests_name("edge-share", tests, NULL, NULL);
}
