#include "world.h"

#include "base/clock.h"
#include "policy/rate.h"

static void
add_rate(struct world *w, const char *prefix, uint64_t price, uint32_t increment)
{
	struct roster_rate *r;

	assert_int_equal(roster_add_rate(&w->r, &r), ERR_OK);
	assert_int_equal(number_key(str_from(prefix), &r->key), ERR_OK);
	r->price_micro = price;
	r->increment_s = increment;
}

static struct number
read_number(const char *user)
{
	struct number_plan p;
	struct number n;

	number_plan_default(&p);
	assert_int_equal(number_read(&p, str_from(user), &n), ERR_OK);
	return n;
}

static void
test_table(void **state)
{
	static const struct {
		const char *number;
		uint64_t price;
		uint32_t increment;
		bool dearest;
	} table[] = {
		{"+12015550123", 10000, 6, false},
		{"+442071838750", 12000, 60, false},
		{"+447700900123", 50000, 30, false},
		{"+493012345678", 50000, 30, true},
		{"+18005550100", 0, RATE_STEP_S, false},
		{"+18885550100", 7000, 60, false}, /* a rate names it */
		{"911", 0, RATE_STEP_S, false},
		{"411", 0, RATE_STEP_S, false},
		{"+80012345678", 0, RATE_STEP_S, false},
	};
	struct world w = {0};

	(void)state;
	roster_init(&w.r);
	add_rate(&w, "+44*", 12000, 60);
	add_rate(&w, "+447*", 50000, 30);
	add_rate(&w, "+1*", 10000, 6);
	add_rate(&w, "+1888*", 7000, 60);
	world_build(&w);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct number n = read_number(table[i].number);
		struct rate r = rate_of(&w.v, &n);

		if (r.price_micro != table[i].price || r.increment_s != table[i].increment ||
		    r.dearest != table[i].dearest)
			fail_msg("%s: %llu %u %d", table[i].number,
				 (unsigned long long)r.price_micro, r.increment_s, r.dearest);
	}
	world_fini(&w);
}

static void
test_no_rates(void **state)
{
	struct world w = {0};
	struct number n = read_number("+442071838750");
	struct rate r;

	(void)state;
	roster_init(&w.r);
	world_build(&w);
	r = rate_of(&w.v, &n);
	assert_int_equal(r.price_micro, 0);
	assert_int_equal(r.increment_s, RATE_STEP_S);
	assert_false(r.dearest);
	world_fini(&w);
}

static void
test_steps(void **state)
{
	static const struct {
		struct rate r;
		uint64_t talk_us, steps, step_micro;
	} table[] = {
		{{.price_micro = 12000, .increment_s = 60}, 0, 1, 12000},
		{{.price_micro = 12000, .increment_s = 60}, 60 * (uint64_t)CLOCK_S, 1, 12000},
		{{.price_micro = 12000, .increment_s = 60}, 60 * (uint64_t)CLOCK_S + 1, 2, 12000},
		{{.price_micro = 10000, .increment_s = 1}, 5 * (uint64_t)CLOCK_S, 5, 167},
		{{.price_micro = 0, .increment_s = 6}, 13 * (uint64_t)CLOCK_S, 3, 0},
		{{.price_micro = UINT64_MAX, .increment_s = 60}, 1, 1, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(rate_steps(&table[i].r, table[i].talk_us), table[i].steps);
		assert_true(rate_step_micro(&table[i].r) == table[i].step_micro);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_no_rates),
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
