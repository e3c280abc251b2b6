#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "call/port.h"

enum { S = 1000000 };

static struct media_plan
make_plan(uint32_t addrs, uint16_t pairs)
{
	struct media_plan p = {.n_addrs = addrs, .port_min = 20000};

	p.port_max = (uint16_t)(20000 + 2 * pairs - 1);
	return p;
}

static void
test_arithmetic(void **state)
{
	struct media_plan p = make_plan(3, 10), none = {.n_addrs = 1};

	(void)state;
	assert_int_equal(media_slots(&p), 30);
	for (uint32_t a = 0; a < 3; a++)
		for (uint16_t i = 0; i < 10; i++) {
			uint32_t slot = a * 10 + i;

			assert_int_equal(slot / media_pairs(&p), a);
			assert_int_equal(media_slot_port(&p, slot), 20000 + 2 * i);
		}
	assert_int_equal(media_slots(&none), 0);
	assert_int_equal(media_slot_port(&none, 3), 0);
}

static void
test_rest(void **state)
{
	struct media_plan plan = make_plan(1, 3);
	struct port_pool p;
	uint32_t slot[3], gen[3], again, g;

	(void)state;
	assert_int_equal(port_init(&p, &plan, 100), ERR_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(port_alloc(&p, 0, MEDIA_NO_SLOT, false, 10 * S, &slot[i], &gen[i]),
				 ERR_OK);
	assert_int_equal(gen[0], 101);
	assert_int_equal(port_used(&p), 3);
	assert_int_equal(port_alloc(&p, 0, MEDIA_NO_SLOT, false, 10 * S, &again, &g), ERR_FULL);
	port_free(&p, slot[1], 20 * S);
	port_free(&p, slot[1], 23 * S); /* a second time: nothing */
	port_free(&p, slot[0], 21 * S);
	assert_int_equal(port_used(&p), 1);
	assert_int_equal(port_idle(&p, 0), 2);
	assert_int_equal(port_alloc(&p, 0, MEDIA_NO_SLOT, false, 25 * S - 1, &again, &g), ERR_FULL);
	assert_int_equal(port_alloc(&p, 0, MEDIA_NO_SLOT, false, 25 * S, &again, &g),
			 ERR_OK); /* first freed, first used */
	assert_int_equal(again, slot[1]);
	assert_int_equal(g, 104);
	assert_int_equal(port_alloc(&p, 0, MEDIA_NO_SLOT, false, 26 * S - 1, &again, &g), ERR_FULL);
	assert_int_equal(port_alloc(&p, 0, MEDIA_NO_SLOT, false, 26 * S, &again, &g), ERR_OK);
	assert_int_equal(again, slot[0]);
	assert_int_equal(port_alloc(&p, 1, MEDIA_NO_SLOT, false, 26 * S, &again, &g), ERR_RANGE);
	port_free(&p, 99, S);
	port_fini(&p);
}

static void
test_restore(void **state)
{
	struct media_plan plan = make_plan(2, 4);
	struct port_pool p;
	uint32_t slot, gen;

	(void)state;
	assert_int_equal(port_init(&p, &plan, 0), ERR_OK);
	assert_int_equal(port_mark_used(&p, 4, 900), ERR_OK);
	assert_int_equal(port_mark_used(&p, 6, 901), ERR_OK);
	assert_int_equal(port_mark_used(&p, 6, 901), ERR_EXISTS);
	assert_int_equal(port_mark_used(&p, 8, 1), ERR_RANGE);
	assert_int_equal(port_used(&p), 2);
	assert_int_equal(port_idle(&p, 1), 2);
	assert_int_equal(port_alloc(&p, 1, MEDIA_NO_SLOT, false, S, &slot, &gen), ERR_OK);
	assert_int_equal(slot, 5);
	assert_int_equal(gen, 902); /* never one that was there */
	assert_int_equal(port_alloc(&p, 1, MEDIA_NO_SLOT, true, 60 * S, &slot, &gen), ERR_OK);
	assert_int_equal(slot, 7);
	assert_int_equal(port_alloc(&p, 1, MEDIA_NO_SLOT, false, S, &slot, &gen), ERR_FULL);
	assert_int_equal(port_alloc(&p, 0, MEDIA_NO_SLOT, false, S, &slot, &gen), ERR_OK);
	port_fini(&p);
}

/* An emergency call gets a port where no other call does. */
static void
test_reserve(void **state)
{
	static const struct {
		uint32_t pairs, reserve;
	} r[] = {{1, 0}, {3, 0}, {4, 1}, {20, 5}, {40, 8}, {512, 8}, {640, 10}, {5000, 78}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		struct media_plan plan = make_plan(2, (uint16_t)r[i].pairs);
		uint32_t slot = 0, gen, n = 0;
		struct port_pool p;

		assert_int_equal(port_reserve(r[i].pairs), r[i].reserve);
		assert_int_equal(port_init(&p, &plan, 0), ERR_OK);
		while (port_alloc(&p, 1, MEDIA_NO_SLOT, false, S, &slot, &gen) == ERR_OK)
			n++;
		assert_int_equal(n, r[i].pairs - r[i].reserve);
		for (; n < r[i].pairs; n++)
			assert_int_equal(
				port_alloc(&p, 1, MEDIA_NO_SLOT, true, 60 * S, &slot, &gen),
				ERR_OK);
		assert_int_equal(port_alloc(&p, 1, MEDIA_NO_SLOT, true, 60 * S, &slot, &gen),
				 ERR_FULL);
		assert_int_equal(port_alloc(&p, 0, MEDIA_NO_SLOT, false, S, &slot, &gen),
				 ERR_OK); /* the other address */
		/* one that did not rest is better than none, and has a generation of its own */
		port_free(&p, r[i].pairs, 2 * S);
		assert_int_equal(port_alloc(&p, 1, MEDIA_NO_SLOT, false, 60 * S, &slot, &gen),
				 r[i].reserve ? ERR_FULL : ERR_OK);
		if (!r[i].reserve)
			port_free(&p, slot, 2 * S);
		n = gen;
		assert_int_equal(port_alloc(&p, 1, MEDIA_NO_SLOT, true, 60 * S, &slot, &gen),
				 ERR_OK);
		assert_int_equal(slot, r[i].pairs);
		assert_true(gen > n);
		assert_int_equal(port_alloc(&p, 2, MEDIA_NO_SLOT, true, 60 * S, &slot, &gen),
				 ERR_RANGE);
		port_fini(&p);
	}
}

/* R19: a long churn leaks nothing. */
static void
test_churn(void **state)
{
	enum { HELD = 20 };
	struct media_plan plan = make_plan(1, 40);
	struct port_pool p;
	uint32_t held[HELD], gen, last = 0;
	uint64_t now = S, freed_at[40] = {0};

	(void)state;
	assert_int_equal(port_init(&p, &plan, 0), ERR_OK);
	for (int i = 0; i < HELD; i++)
		assert_int_equal(port_alloc(&p, 0, MEDIA_NO_SLOT, false, now, &held[i], &gen),
				 ERR_OK);
	for (int i = 0; i < 20000; i++, now += S / 3) {
		port_free(&p, held[i % HELD], now);
		freed_at[held[i % HELD]] = now;
		assert_int_equal(
			port_alloc(&p, 0, MEDIA_NO_SLOT, false, now, &held[i % HELD], &gen),
			ERR_OK);
		assert_true(gen > last);
		last = gen;
		if (freed_at[held[i % HELD]])
			assert_true(now - freed_at[held[i % HELD]] >= PORT_REST_US);
	}
	assert_int_equal(port_used(&p), HELD);
	for (int i = 0; i < HELD; i++)
		port_free(&p, held[i], now);
	assert_int_equal(port_used(&p), 0);
	assert_int_equal(port_idle(&p, 0), 40);
	port_fini(&p);
}

/* A call's legs are of one worker, calls go where most is left, and each slice is used to its end.
 */
static void
test_workers(void **state)
{
	enum { WORKERS = 3, CALLS = 30 };
	struct media_plan plan = {.n_addrs = 2,
				  .n_workers = WORKERS,
				  .port_min = 20000,
				  .port_max = 20000 + 2 * 43 - 1};
	uint32_t a, b, gen, n[WORKERS] = {0};
	struct port_pool p;

	(void)state;
	assert_int_equal(port_init(&p, &plan, 0), ERR_OK);
	for (unsigned i = 0; i < CALLS; i++) {
		assert_int_equal(port_alloc(&p, 0, MEDIA_NO_SLOT, false, S, &a, &gen), ERR_OK);
		assert_int_equal(port_alloc(&p, 1, a, false, S, &b, &gen), ERR_OK);
		assert_int_equal(b / media_pairs(&plan), 1);
		assert_int_equal(media_slot_worker(&plan, a), media_slot_worker(&plan, b));
		n[media_slot_worker(&plan, a)]++;
	}
	assert_true(n[0] >= 8 && n[1] >= 8 && n[2] >= 8);
	while (port_alloc(&p, 0, a, true, S, &b, &gen) == ERR_OK)
		assert_int_equal(media_slot_worker(&plan, a), media_slot_worker(&plan, b));
	assert_int_equal(port_alloc(&p, 0, a, true, S, &b, &gen), ERR_FULL);
	assert_int_equal(port_alloc(&p, 0, MEDIA_NO_SLOT, true, S, &b, &gen), ERR_OK);
	while (port_alloc(&p, 0, MEDIA_NO_SLOT, true, S, &b, &gen) == ERR_OK)
		;
	assert_int_equal(port_idle(&p, 0), 0);
	port_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_rest),
		cmocka_unit_test(test_restore),    cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_churn),      cmocka_unit_test(test_workers),
	};

	return cmocka_run_group_tests_name("call/port", tests, NULL, NULL);
}
