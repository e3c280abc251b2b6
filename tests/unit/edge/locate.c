#include "rig.h"

static int told;

static void
note_located(void *arg)
{
	(void)arg;
	told++;
}

static void
hosts(void **state)
{
	static const struct {
		const char *host;
		uint32_t n;
	} rows[] = {{"192.0.2.1", 1}, {"2001:db8::1", 1}, {"pbx.acme.test", 3}, {"empty.test", 0}};
	struct locate l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(&l, 0, sizeof(l));
		l.on_located = note_located;
		for (uint32_t k = 0; k < 3; k++)
			rig.dns_ip[k] = rows[i].n == 3 ? "192.0.2.7" : NULL;
		told = 0;
		assert_int_equal(
			locate_start(&l, &rig.loop, rig.resolver, str_from(rows[i].host), 5070),
			ERR_OK);
		assert_int_equal(told, 0); /* never from inside */
		SPIN(told == 1);
		assert_int_equal(l.n, rows[i].n);
		if (l.n)
			assert_int_equal(l.addr[0].port, 5070);
		else
			assert_non_null(strstr(l.why, rows[i].host));
		locate_stop(&l);
	}
	memset(&l, 0, sizeof(l));
	l.on_located = note_located;
	assert_int_equal(locate_start(&l, &rig.loop, rig.resolver, STR_NULL, 1), ERR_RANGE);
}

static void
stopped(void **state)
{
	static const char *const names[] = {"192.0.2.1", "pbx.acme.test"};
	struct locate l;

	(void)state;
	told = 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		memset(&l, 0, sizeof(l));
		l.on_located = note_located;
		assert_int_equal(locate_start(&l, &rig.loop, rig.resolver, str_from(names[i]), 1),
				 ERR_OK);
		locate_stop(&l);
		locate_stop(&l);
		rest(30);
		assert_int_equal(told, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hosts, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(stopped, rig_setup, rig_teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
