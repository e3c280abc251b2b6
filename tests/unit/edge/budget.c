/* What strangers may take: at once, later, by network; who is known; and room for all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "edge/budget.h"

enum { START = 1000000 };

static struct budget b;

static struct addr
at(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(str_from(text), &a), ERR_OK);
	return a;
}

/* How many it gets now. */
static uint32_t
take_all(const char *source, uint64_t now)
{
	struct addr a = at(source);
	uint32_t n = 0;

	while (n < 10 * BUDGET_BURST && budget_take(&b, &a, now))
		n++;
	return n;
}

static void
test_share(void **state)
{
	(void)state;
	budget_init(&b);
	assert_int_equal(take_all("192.0.2.1", START), BUDGET_BURST);
	assert_int_equal(take_all("192.0.2.1:5061", START + BUDGET_EACH_US - 1), 0); /* any port */
	assert_int_equal(take_all("192.0.2.1", START + BUDGET_EACH_US), 1);
	assert_int_equal(take_all("192.0.2.1", START + 11 * BUDGET_EACH_US), 10);
	assert_int_equal(take_all("192.0.2.2", START), BUDGET_BURST); /* another one */
	assert_int_equal(take_all("192.0.2.1", START + 3600000000ULL), BUDGET_BURST);
}

static void
test_networks(void **state)
{
	(void)state;
	budget_init(&b);
	assert_int_equal(take_all("2001:db8:1:2::1", START), BUDGET_BURST);
	assert_int_equal(take_all("2001:db8:1:2:ffff::9", START), 0); /* the same /64 */
	assert_int_equal(take_all("2001:db8:1:3::1", START), BUDGET_BURST);
}

static void
test_known(void **state)
{
	struct addr a = at("192.0.2.1");

	(void)state;
	budget_init(&b);
	assert_int_equal(take_all("192.0.2.1", START), BUDGET_BURST);
	budget_know(&b, &a, START);
	assert_int_equal(take_all("192.0.2.1", START), 10 * BUDGET_BURST);
	assert_int_equal(take_all("192.0.2.1", START + BUDGET_KNOWN_US), BUDGET_BURST);
}

/* More sources than there is room for: the table holds, and who floods on stays out. */
static void
test_room(void **state)
{
	(void)state;
	budget_init(&b);
	(void)take_all("192.0.2.1", START);
	for (uint32_t i = 0; i < 100000; i++) {
		struct addr a = {.family = 4, .ip = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8)}};

		a.ip[3] = (uint8_t)i;
		assert_true(budget_take(&b, &a, START + i));
		a = at("192.0.2.1");
		(void)budget_take(&b, &a, START + i);
	}
	assert_true(take_all("192.0.2.1", START + 100000) <= 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
