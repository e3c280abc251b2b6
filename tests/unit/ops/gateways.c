/* The table of what is known of gateways, as admin keeps it and shows it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/advice.h"
#include "ops/gateways.h"

static struct gateway
row(const char *trunk, enum gateway_poll poll, enum gateway_login login)
{
	struct gateway g = {.poll = (uint8_t)poll, .login = (uint8_t)login};

	(void)!str_copyz(g.trunk.z, sizeof(g.trunk.z), str_from(trunk));
	return g;
}

static void
test_take_and_put(void **state)
{
	struct gateways gs;
	struct gateway g;
	char mem[2048];
	struct buf b;

	(void)state;
	if (gateways_init(&gs) == ERR_NOMEM)
		return;
	g = row("west", GATEWAY_DOWN, GATEWAY_NO_LOGIN);
	memcpy(g.poll_why, "no \"answer\"", sizeof("no \"answer\""));
	assert_true(gateways_take(&gs, &g));
	g = row("east", GATEWAY_UP, GATEWAY_REGISTERED);
	g.latency_ms = 7;
	g.login_until_us = 3600LL * 1000000;
	assert_true(gateways_take(&gs, &g));
	buf_init(&b, mem, sizeof(mem));
	gateways_put(&b, &gs);
	assert_int_equal(buf_end(&b), ERR_OK);
	assert_string_equal(
		buf_cstr(&b),
		"{\"trunk\":\"east\",\"calls\":\"usual\",\"options\":\"up\",\"latency_ms\":7,"
		"\"registration\":\"registered\",\"registered_until\":"
		"\"1970-01-01T01:00:00.000000Z\",\"why\":\"\"},"
		"{\"trunk\":\"west\",\"calls\":\"last\",\"options\":\"down\",\"registration\":\"\","
		"\"why\":\"no \\\"answer\\\"\",\"advice\":\"" ADVICE_SILENT "\"}");
	/* nothing is known of it any more */
	g = row("west", GATEWAY_UNASKED, GATEWAY_NO_LOGIN);
	assert_true(gateways_take(&gs, &g));
	assert_int_equal(gs.n, 1);
	gateways_fini(&gs);
}

/* What no signaling of ours sends. */
static void
test_broken(void **state)
{
	struct gateways gs;
	struct gateway g[] = {
		row("a", GATEWAY_POLL_N, GATEWAY_NO_LOGIN), row("a", GATEWAY_UP, GATEWAY_LOGIN_N),
		row("", GATEWAY_UP, GATEWAY_NO_LOGIN), row("a b", GATEWAY_UP, GATEWAY_NO_LOGIN)};
	struct gateway open = row("a", GATEWAY_UP, GATEWAY_NO_LOGIN);

	(void)state;
	if (gateways_init(&gs) == ERR_NOMEM)
		return;
	for (size_t i = 0; i < sizeof(g) / sizeof(g[0]); i++)
		assert_false(gateways_take(&gs, &g[i]));
	memset(open.poll_why, 'x', sizeof(open.poll_why)); /* without its end */
	assert_true(gateways_take(&gs, &open));
	assert_int_equal(strlen(gs.row[0].poll_why), GATEWAY_WHY_MAX - 1);
	gateways_fini(&gs);
}

/* As many as there is room for; the next one is left out. */
static void
test_full(void **state)
{
	struct gateways gs;
	struct policy_id id = {""};

	(void)state;
	if (gateways_init(&gs) == ERR_NOMEM)
		return;
	for (int i = 0; i < GATEWAYS_MAX; i++) {
		struct buf b;

		buf_init(&b, id.z, sizeof(id.z));
		buf_printf(&b, "gw%d", i);
		(void)buf_cstr(&b);
		assert_non_null(gateways_row(&gs, &id));
	}
	(void)!str_copyz(id.z, sizeof(id.z), STR("more"));
	assert_null(gateways_row(&gs, &id));
	gateways_trim(&gs, &id);
	(void)!str_copyz(id.z, sizeof(id.z), STR("gw5"));
	gateways_trim(&gs, &id);
	assert_int_equal(gs.n, GATEWAYS_MAX - 1);
	gateways_fini(&gs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_take_and_put),
					   cmocka_unit_test(test_broken),
					   cmocka_unit_test(test_full)};

	return cmocka_run_group_tests_name("ops-gateways", tests, NULL, NULL);
}
