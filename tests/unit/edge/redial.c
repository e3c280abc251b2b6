#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "edge/redial.h"

static struct policy_id
id(unsigned n)
{
	struct policy_id p;

	memset(&p, 0, sizeof(p));
	(void)snprintf(p.z, sizeof(p.z), "t%u", n);
	return p;
}

static void
lost(struct redial *r, unsigned n, uint32_t random, uint64_t now)
{
	struct policy_id a = {"acme"}, t = id(n);

	redial_lost(r, &a, &t, random, now);
}

static void
waits_longer(void **state)
{
	static struct redial r;
	uint64_t now = 100, wait = REDIAL_FIRST_US;

	(void)state;
	memset(&r, 0, sizeof(r));
	assert_true(redial_due(&r) == UINT64_MAX);
	for (unsigned i = 0; i < REDIAL_TRIES; i++) {
		const struct redial_entry *x;

		lost(&r, 1, i % 2 ? UINT32_MAX : 0, now);
		lost(&r, 1, 0, now + 1); /* a second one of the trunk: nothing new */
		assert_true(redial_due(&r) >= now + wait / 2 && redial_due(&r) <= now + wait);
		assert_null(redial_take(&r, redial_due(&r) - 1));
		now = redial_due(&r);
		x = redial_take(&r, now);
		assert_non_null(x);
		assert_string_equal(x->trunk.z, "t1");
		assert_string_equal(x->account.z, "acme");
		assert_null(redial_take(&r, now)); /* being dialled */
		wait = wait * 2 > REDIAL_LONGEST_US ? REDIAL_LONGEST_US : wait * 2;
	}
	lost(&r, 1, 0, now); /* given up */
	assert_int_equal(r.n, 0);
}

static void
done_and_bounds(void **state)
{
	static struct redial r;
	struct policy_id t = id(7);

	(void)state;
	memset(&r, 0, sizeof(r));
	redial_done(&r, &t); /* none is fine */
	for (unsigned i = 0; i < REDIAL_MAX + 10; i++)
		lost(&r, i, 0, 100);
	assert_int_equal(r.n, REDIAL_MAX);
	assert_true(redial_waits(&r, &t));
	redial_done(&r, &t);
	assert_false(redial_waits(&r, &t));
	assert_int_equal(r.n, REDIAL_MAX - 1);
	while (redial_take(&r, UINT64_MAX - 1))
		;
	assert_true(redial_due(&r) == UINT64_MAX);
	lost(&r, 3, 0, 100); /* its second wait */
	assert_int_equal(redial_due(&r), 100 + REDIAL_FIRST_US);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(waits_longer),
					   cmocka_unit_test(done_and_bounds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
