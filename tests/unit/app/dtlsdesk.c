#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/dtlsdesk.h"

/* What an account may have of the handshakes in hand, beside others. */

enum { SLOTS = 2 * DTLSDESK_JOBS, S = 1000000 };

/* One that waits for its hello, which never comes: nothing of it is sent, nor told to a call. */
static bool
want(struct dtlsdesk *d, uint32_t slot, const char *account)
{
	struct call_keying k = {.slot = slot, .active = true};

	(void)!str_copyz(k.account.z, sizeof(k.account.z), str_from(account));
	return dtlsdesk_want(d, &k, S);
}

static void
leaves_some(void **state)
{
	static struct dtlsdesk d;
	struct timers timers;
	uint32_t n = 0, left;

	(void)state;
	assert_int_equal(timers_init(&timers, SLOTS), ERR_OK);
	assert_int_equal(dtlsdesk_init(&d, SLOTS, NULL, &timers, NULL), ERR_OK);
	while (n < DTLSDESK_JOBS && want(&d, n, "acme"))
		n++;
	assert_int_equal(n, DTLSDESK_JOBS / 8 * 7);
	assert_true(want(&d, 0, "acme")); /* said again: it has its place */
	assert_true(want(&d, n, "beta"));
	assert_true(want(&d, n + 1, ""));
	dtlsdesk_drop(&d, 0);
	dtlsdesk_drop(&d, 1);
	dtlsdesk_drop(&d, 2);
	dtlsdesk_drop(&d, 2);
	assert_true(want(&d, 0, "acme"));
	assert_true(want(&d, 1, "acme"));
	assert_false(want(&d, 2, "acme")); /* there is less for all */
	left = DTLSDESK_JOBS - pool_used(&d.jobs);
	for (uint32_t i = n + 2; i < SLOTS; i++) /* calls for help: as long as there is a place */
		assert_int_equal(want(&d, i, ""), i < n + 2 + left);
	for (uint32_t i = 0; i < SLOTS; i++)
		dtlsdesk_drop(&d, i);
	assert_int_equal(pool_used(&d.jobs), 0);
	assert_int_equal(d.held[portshare_owner(STR("acme"))], 0);
	assert_int_equal(timers_next(&timers), TIMER_NEVER);
	dtlsdesk_fini(&d);
	timers_fini(&timers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
