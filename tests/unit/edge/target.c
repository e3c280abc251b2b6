#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "edge/target.h"

static struct targets ts;
static int n_down, n_up;

static void
note_target(void *arg, const struct addr *addr, enum edge_transport t, bool up, const char *why)
{
	(void)arg, (void)addr, (void)t;
	n_up += up;
	n_down += !up;
	assert_int_equal(up, why[0] == 0);
}

static struct addr
at(unsigned n)
{
	return (struct addr){
		.family = 4, .port = 5060, .ip = {10, 0, (uint8_t)(n >> 8), (uint8_t)n}};
}

static void
fail_at(unsigned n, uint32_t random, uint64_t for_us, uint64_t now)
{
	struct addr a = at(n);

	targets_failed(&ts, &a, EDGE_UDP, for_us, "it is tired", random, now);
}

static bool
down(unsigned n, uint64_t now)
{
	struct addr a = at(n);

	return targets_is_down(&ts, &a, EDGE_UDP, now);
}

static int
setup(void **state)
{
	(void)state;
	n_down = n_up = 0;
	if (targets_init(&ts) != ERR_OK)
		return -1;
	ts.on_target = note_target;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	targets_fini(&ts);
	return 0;
}

/* The wait doubles, between half and all of it; an answer ends it. */
static void
backs_off(void **state)
{
	static const struct {
		const char *name;
		uint32_t random;
		uint64_t for_us, want;
	} rows[] = {
		{"first, least", 0, 0, TARGET_DOWN_US / 2},
		{"second, most", TARGET_DOWN_US, 0, 2 * TARGET_DOWN_US},
		{"third", 0, 0, 2 * TARGET_DOWN_US},
		{"asked for more", 0, 30000000, 30000000},
		{"asked for too much", 0, 3600000000, TARGET_DOWN_MAX_US},
		{"and so on", 0, 0, TARGET_DOWN_MAX_US / 2},
		{"and so on", 0, 0, TARGET_DOWN_MAX_US / 2},
	};
	struct addr a = at(1);
	uint64_t now = 1000;

	(void)state;
	assert_false(down(1, now));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("# %s\n", rows[i].name);
		fail_at(1, rows[i].random, rows[i].for_us, now);
		assert_true(down(1, now + rows[i].want - 1));
		now += rows[i].want;
		assert_false(down(1, now));
	}
	assert_int_equal(n_down, (int)ARRAY_LEN(rows)); /* each that made it wait longer */
	targets_worked(&ts, &a, EDGE_TCP);              /* another transport */
	assert_int_equal(n_up, 0);
	targets_worked(&ts, &a, EDGE_UDP);
	targets_worked(&ts, &a, EDGE_UDP);
	assert_int_equal(n_up, 1);
	fail_at(1, 0, 0, now); /* from the beginning */
	assert_false(down(1, now + TARGET_DOWN_US / 2));
	assert_int_equal(n_down, (int)ARRAY_LEN(rows) + 1);
}

/* Many requests that fail at a time are one failure. */
static void
counted_once(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++)
		fail_at(1, 0, 0, 1000);
	assert_false(down(1, 1000 + TARGET_DOWN_US));
	assert_int_equal(n_down, 1);
}

static void
bounded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TARGETS_MAX + 100; i++)
		fail_at(i, 0, 0, 1000);
	assert_int_equal(pool_used(&ts.pool), TARGETS_MAX);
	assert_false(down(99, 1001)); /* the oldest gave way */
	assert_true(down(100, 1001));
	assert_true(down(TARGETS_MAX + 99, 1001));
}

static void
sorted(void **state)
{
	static const struct {
		const char *name;
		unsigned down; /* bits */
		unsigned want[4];
	} rows[] = {
		{"none down", 0, {0, 1, 2, 3}},       {"the first", 1, {1, 2, 3, 0}},
		{"first and third", 5, {1, 3, 0, 2}}, {"all", 15, {0, 1, 2, 3}},
		{"the last", 8, {0, 1, 2, 3}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr a[4];

		print_message("# %s\n", rows[i].name);
		for (unsigned k = 0; k < 4; k++) {
			a[k] = at(k);
			targets_worked(&ts, &a[k], EDGE_UDP);
			if (rows[i].down & 1u << k)
				fail_at(k, 0, 0, 1000);
		}
		targets_sort(&ts, a, 4, EDGE_UDP, 1001);
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(a[k].ip[3], rows[i].want[k]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(backs_off, setup, teardown),
		cmocka_unit_test_setup_teardown(counted_once, setup, teardown),
		cmocka_unit_test_setup_teardown(bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(sorted, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
