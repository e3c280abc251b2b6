/* The longest match of a called number among 100,000 routes, and a whole choice of targets. There
 * is no peer. */
#include "bench.h"

#include "base/mem.h"
#include "policy/faults.h"
#include "policy/route.h"
#include "policy/snapbuild.h"

enum { PREFIXES = 100000, NUMBERS = 1 << 16, ROUNDS = 15, LOOKUPS = 1 << 20 };

static uint64_t
next_number(uint64_t *x)
{
	*x = *x * 6364136223846793005ULL + 1442695040888963407ULL;
	return *x >> 33;
}

/* A number of n digits; the first is none of 0. */
static uint64_t
digits_of(uint64_t *x, unsigned n)
{
	uint64_t v = 1 + next_number(x) % 9;

	while (--n)
		v = v * 10 + next_number(x) % 10;
	return v;
}

static void
add_routes(struct roster *r)
{
	static char ids[PREFIXES][12];
	struct roster_trunk *t;
	uint64_t x = 1;

	BENCH_MUST(roster_add_trunk(r, &t) == ERR_OK);
	t->id = STR("gw");
	t->host = STR("192.0.2.1");
	t->kind = TRUNK_CARRIER;
	t->transport = TRUNK_UDP;
	t->security = TRUNK_SEC_REFUSED;
	t->port = 5060;
	t->n_sources = cidr_parse(STR("192.0.2.1/32"), &t->source[0]) == ERR_OK;
	for (uint32_t i = 0; i < PREFIXES; i++) {
		struct roster_route *route;
		char prefix[NUMBER_SIZE];

		BENCH_MUST(roster_add_route(r, &route) == ERR_OK);
		(void)snprintf(ids[i], sizeof(ids[i]), "r%u", i);
		(void)snprintf(prefix, sizeof(prefix), "+%llu*",
			       (unsigned long long)digits_of(&x, 2 + i % 8));
		BENCH_MUST(number_key(str_from(prefix), &route->key) == ERR_OK);
		route->id = str_from(ids[i]);
		route->to = STR("gw");
	}
}

int
main(int argc, char **argv)
{
	static struct {
		char z[NUMBER_SIZE];
		uint64_t key;
	} number[NUMBERS];
	struct bench_series longest = {.n = 0}, whole = {.n = 0};
	struct snapshot_view v;
	struct roster r;
	struct str bytes;
	uint64_t x = 2, found = 0;
	uint32_t faults = 0;

	bench_begin("route", argc, argv);
	roster_init(&r);
	add_routes(&r);
	BENCH_MUST(roster_check(&r, NULL, NULL, &faults) == ERR_OK && faults == 0);
	BENCH_MUST(snapshot_build(&r, &bytes) == ERR_OK && snapshot_open(bytes, &v) == ERR_OK);
	for (uint32_t i = 0; i < NUMBERS; i++) {
		(void)snprintf(number[i].z, sizeof(number[i].z), "+%llu",
			       (unsigned long long)digits_of(&x, 11));
		BENCH_MUST(number_key(str_from(number[i].z), &number[i].key) == ERR_OK);
	}
	for (unsigned round = 0; bench_more(round, ROUNDS); round++) {
		double begin = bench_cpu(), middle;

		for (uint32_t i = 0; i < LOOKUPS; i++)
			found += snapshot_route_longest(&v, 0, v.n_routes,
							number[i % NUMBERS].key) != POLICY_NONE;
		middle = bench_cpu();
		for (uint32_t i = 0; i < LOOKUPS; i++) {
			struct route_ask ask = {POLICY_NONE, str_from(number[i % NUMBERS].z),
						CLASS_INTERNATIONAL, 0};
			struct route route;

			found += route_outbound(&v, &ask, NULL, i, &route) == ROUTE_OK;
		}
		bench_add(&longest, (middle - begin) / LOOKUPS * 1e9);
		bench_add(&whole, (bench_cpu() - middle) / LOOKUPS * 1e9);
	}
	BENCH_MUST(found > 0);
	bench_result("longest of 100,000 prefixes", "ns", false, &longest, NULL, NULL);
	bench_result("targets of a call, 100,000 routes", "ns", false, &whole, NULL, NULL);
	mem_free((void *)(uintptr_t)bytes.p);
	roster_fini(&r);
	return 0;
}
