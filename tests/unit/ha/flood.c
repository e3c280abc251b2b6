/* What is kept in full and what is only counted: nothing is ever both or neither. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "ha/flood.h"

static struct flood f;
static uint64_t kept, told, serial;
static char last_id[ID_SIZE];

static int
setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	kept = told = serial = 0;
	return 0;
}

static void
hear(const struct flood_more *m)
{
	told += m->n;
	if (m->n)
		assert_true(m->id.z[0] != 0);
}

static bool
one(const char *source, uint8_t reason, bool accepted, uint64_t now_us)
{
	struct flood_event ev = {
		.reason = reason, .accepted = accepted, .now_us = now_us, .wall_us = 5};
	struct flood_more evicted;
	bool keep;

	assert_int_equal(addr_parse(str_from(source), &ev.source), ERR_OK);
	(void)snprintf(ev.id.z, sizeof(ev.id.z), "id%llu", (unsigned long long)serial++);
	keep = flood_keep(&f, &ev, &evicted);
	hear(&evicted);
	kept += keep;
	if (keep)
		memcpy(last_id, ev.id.z, sizeof(last_id));
	return keep;
}

static void
tell_all(uint64_t now_us, bool all)
{
	struct flood_more m;

	while (flood_due(&f, now_us, all, &m))
		hear(&m);
}

static void
test_one_source(void **state)
{
	const uint64_t t = 1000;
	struct flood_more m;
	int n = 0;

	(void)state;
	for (int i = 0; i < 5000; i++)
		n += one("192.0.2.1:1234", 3, false, t);
	assert_int_equal(n, FLOOD_BURST);
	assert_true(one("192.0.2.1:9", 4, false, t)); /* another reason */
	assert_true(one("192.0.2.2:9", 3, false, t)); /* another source */
	assert_false(one("192.0.2.1:1", 3, false, t + FLOOD_EACH_US - 1));
	assert_true(one("192.0.2.1:1", 3, false, t + FLOOD_EACH_US));
	assert_false(one("192.0.2.1:1", 3, false, t + FLOOD_EACH_US));
	assert_false(flood_due(&f, t + FLOOD_EACH_US + FLOOD_TELL_US - 1, false, &m));
	assert_true(flood_due(&f, t + FLOOD_EACH_US + FLOOD_TELL_US, false, &m));
	hear(&m);
	assert_string_equal(m.id.z, last_id);
	assert_int_equal(m.last_us, 5);
	assert_false(flood_due(&f, UINT64_MAX, true, &m));
	assert_int_equal(kept + told, serial);
}

static void
test_accepted(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 0; i < 2 * FLOOD_OK_BURST; i++)
		n += one("192.0.2.1", 0, true, 0);
	assert_int_equal(n, FLOOD_OK_BURST);
	assert_true(one("192.0.2.1", 0, true, FLOOD_OK_EACH_US));
	tell_all(0, true);
	assert_int_equal(kept + told, serial);
}

/* Many sources: all refusals together have a bound, accepted ones do not pay for them, and the
 * first of each reason is kept. */
static void
test_many_sources(void **state)
{
	char source[32];
	int n = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(source, sizeof(source), "10.%d.%d.%d", i / 10000, i / 100 % 100,
			       i % 100);
		n += one(source, 7, false, 1000 + i);
	}
	assert_int_equal(n, FLOOD_ALL_BURST);
	assert_true(one("192.0.2.9", 8, false, 21001));
	assert_true(one("192.0.2.10", 0, true, 21002));
	tell_all(0, true);
	assert_int_equal(kept + told, serial);
}

/* A /64 is one source. */
static void
test_six(void **state)
{
	char source[64];
	int n = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(source, sizeof(source), "2001:db8::%x", i + 1);
		n += one(source, 3, false, 1000);
	}
	assert_int_equal(n, FLOOD_BURST);
	assert_true(one("2001:db8:0:1::1", 3, false, 1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_source, setup),
		cmocka_unit_test_setup(test_accepted, setup),
		cmocka_unit_test_setup(test_many_sources, setup),
		cmocka_unit_test_setup(test_six, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
