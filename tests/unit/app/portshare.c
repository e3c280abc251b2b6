#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/portshare.h"

/* What an account may have of the ports of an address, beside others. */

enum { PAIRS = 40, RESERVE = 8, S = 1000000 };

static struct media_plan
make_plan(void)
{
	return (struct media_plan){
		.n_addrs = 2, .port_min = 20000, .port_max = 20000 + 2 * PAIRS - 1};
}

/* One more for owner, or false: it is refused, or there is none. */
static bool
take_one(struct portshare *s, struct port_pool *p, uint16_t owner, uint64_t now, uint32_t *slot)
{
	uint32_t gen;

	if (!portshare_may(s, p, 0, owner, now) ||
	    port_alloc(p, 0, MEDIA_NO_SLOT, false, now, slot, &gen) != ERR_OK)
		return false;
	portshare_take(s, *slot, owner);
	return true;
}

static void
give_one(struct portshare *s, struct port_pool *p, uint32_t slot, uint64_t now)
{
	port_free(p, slot, now);
	portshare_free(s, slot, now);
	portshare_free(s, slot, now + 1); /* a second time: nothing */
}

static void
leaves_some(void **state)
{
	static struct portshare s;
	struct media_plan plan = make_plan();
	struct port_pool p;
	uint32_t slot[PAIRS], n = 0, other, more;
	uint16_t a = portshare_owner(STR("acme")), b = portshare_owner(STR("beta"));

	(void)state;
	assert_int_not_equal(a, b);
	assert_int_equal(port_init(&p, &plan, 1), ERR_OK);
	assert_int_equal(portshare_init(&s, &p), ERR_OK);
	while (n < PAIRS && take_one(&s, &p, a, S, &slot[n]))
		n++;
	assert_in_range(n, 27, PAIRS - RESERVE - 3); /* seven of eight of 32 */
	/* what rests is held: short calls bring nothing */
	give_one(&s, &p, slot[0], 2 * S);
	assert_false(take_one(&s, &p, a, 2 * S, &more));
	assert_int_equal(s.held[0][a], n);
	assert_true(take_one(&s, &p, a, 2 * S + PORT_REST_US, &slot[0]));
	assert_true(take_one(&s, &p, b, 8 * S, &other));
	assert_true(take_one(&s, &p, b, 8 * S, &more));
	assert_true(take_one(&s, &p, PORTSHARE_NOBODY, 8 * S, &more));
	for (uint32_t i = 0; i < n; i++)
		give_one(&s, &p, slot[i], 10 * S);
	assert_true(portshare_may(&s, &p, 0, a, 20 * S));
	assert_int_equal(s.held[0][a], 0);
	assert_int_equal(s.resting[0], 0);
	assert_true(list_empty(&s.rests));
	portshare_free(&s, p.n_slots, S);
	portshare_take(&s, p.n_slots, a);
	portshare_fini(&s);
	port_fini(&p);
}

/* A call for help may get one that has not rested: it is its account's from then on. */
static void
taken_from_rest(void **state)
{
	static struct portshare s;
	struct media_plan plan = make_plan();
	struct port_pool p;
	uint32_t slot = 3;
	uint16_t a = portshare_owner(STR("acme")), b = portshare_owner(STR("beta"));

	(void)state;
	assert_int_equal(port_init(&p, &plan, 1), ERR_OK);
	assert_int_equal(portshare_init(&s, &p), ERR_OK);
	portshare_take(&s, slot, a);
	portshare_free(&s, slot, S);
	assert_int_equal(s.resting[0], 1);
	portshare_take(&s, slot, b);
	assert_int_equal(s.resting[0], 0);
	assert_int_equal(s.held[0][a], 0);
	assert_int_equal(s.held[0][b], 1);
	portshare_take(&s, slot, PORTSHARE_NOBODY);
	assert_int_equal(s.held[0][b], 0);
	portshare_fini(&s);
	port_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_some),
		cmocka_unit_test(taken_from_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
