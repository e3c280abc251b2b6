/* What the kernel says of routes and neighbours, in a network namespace of its own with a pair of
 * interfaces. Needs root. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/nexthop.h"
#include "unit/net/links.h"

#define MAC1 "02:00:00:00:00:11"
#define MAC2 "02:00:00:00:00:22"

static const char local_ip[] = "10.98.0.2", local_ip6[] = "fd98::2";
static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 1};

static int
net_up(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	if (unshare(CLONE_NEWNET) != 0)
		return -1;
	links_set("link set lo up\n"
		  "link add v0 address 02:00:00:00:00:01 type veth peer name v1\n"
		  "link set v0 up\nlink set v1 up\n"
		  "addr add 10.98.0.2/24 brd + dev v0\n"
		  "addr add fd98::2/64 dev v0 nodad\n");
	return 0;
}

/* What is asked and what must come. mac NULL: leave it to the kernel. */
struct row {
	const char *name, *commands, *remote, *mac;
	uint32_t mtu;
	unsigned probes; /* of 3 packets, how many the kernel gets */
};

static const struct row rows[] = {
	{"nobody knows it", "", "10.98.0.1", NULL, 0, 3},
	{"reachable", "neigh replace 10.98.0.1 lladdr " MAC1 " dev v0 nud reachable", "10.98.0.1",
	 MAC1, 1500, 0},
	{"another station", "neigh replace 10.98.0.1 lladdr " MAC2 " dev v0 nud reachable",
	 "10.98.0.1", MAC2, 1500, 0},
	{"stale", "neigh replace 10.98.0.1 lladdr " MAC1 " dev v0 nud stale", "10.98.0.1", MAC1,
	 1500, 1},
	{"failed", "neigh replace 10.98.0.1 dev v0 nud failed", "10.98.0.1", NULL, 0, 3},
	{"permanent", "neigh replace 10.98.0.1 lladdr " MAC1 " dev v0 nud permanent", "10.98.0.1",
	 MAC1, 1500, 0},
	{"gone", "neigh del 10.98.0.1 dev v0", "10.98.0.1", NULL, 0, 3},
	{"behind a gateway",
	 "neigh replace 10.98.0.9 lladdr " MAC2 " dev v0 nud permanent\n"
	 "route add 10.50.0.0/16 via 10.98.0.9",
	 "10.50.1.2", MAC2, 1500, 0},
	{"a smaller MTU of the route", "route add 10.51.0.0/16 via 10.98.0.9 mtu 1280", "10.51.0.1",
	 MAC2, 1280, 0},
	{"a route that changes",
	 "neigh replace 10.98.0.8 lladdr " MAC1 " dev v0 nud permanent\n"
	 "route replace 10.50.0.0/16 via 10.98.0.8",
	 "10.50.1.2", MAC1, 1500, 0},
	{"no route", "", "203.0.113.5", NULL, 0, 3},
	{"a route to nowhere", "route add blackhole 10.53.0.0/16", "10.53.0.1", NULL, 0, 3},
	{"ourselves", "", "10.98.0.2", NULL, 0, 3},
	{"loopback", "", "127.0.0.1", NULL, 0, 3},
	{"broadcast", "neigh add 10.98.0.255 lladdr " MAC1 " dev v0 nud permanent", "10.98.0.255",
	 NULL, 0, 3},
	{"IPv6", "neigh replace fd98::1 lladdr " MAC1 " dev v0 nud permanent", "fd98::1", MAC1,
	 1500, 0},
	{"IPv6 behind a gateway", "route add fd51::/16 via fd98::1", "fd51::7", MAC1, 1500, 0},
	{"IPv4 behind a gateway of IPv6", "route add 10.52.0.0/16 via inet6 fd98::1", "10.52.0.1",
	 MAC1, 1500, 0},
	{"a smaller MTU of the link", "link set v0 mtu 1400", "10.50.1.2", MAC1, 1400, 0},
	{"no Ethernet",
	 "route add 10.54.0.0/16 dev lo\nneigh add 10.54.0.1 lladdr " MAC1 " dev lo nud permanent",
	 "10.54.0.1", NULL, 0, 3},
};

static void
test_rows(void **state)
{
	struct addr local = links_addr(local_ip, 5004), local6 = links_addr(local_ip6, 5004);
	struct nexthops *t = NULL;
	uint64_t now = clock_now_us();

	(void)state;
	if (geteuid() != 0) {
		print_message("# needs root: a network namespace\n");
		skip();
	}
	if (nexthops_new(&t) != ERR_OK)
		return; /* the ladder's missing memory */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct addr remote = links_addr(r->remote, 5004);
		const struct addr *from = remote.family == 6 ? &local6 : &local;
		const struct nexthop *hop = NULL;
		unsigned probes = 0;
		char mac[32] = "";

		if (*r->commands)
			links_set(r->commands);
		(void)nexthop_find(t, from, &remote);
		nexthops_tick(t, now += 3 * CLOCK_S);
		for (int k = 0; k < 3; k++) {
			const struct nexthop *h = nexthop_find(t, from, &remote);

			probes += h == NULL;
			hop = h ? h : hop;
		}
		if (probes != r->probes)
			fail_msg("%s: the kernel gets %u, not %u", r->name, probes, r->probes);
		if (!r->mac)
			continue;
		(void)snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", hop->to[0],
			       hop->to[1], hop->to[2], hop->to[3], hop->to[4], hop->to[5]);
		assert_string_equal(mac, r->mac);
		assert_memory_equal(hop->from, own_mac, sizeof(own_mac));
		assert_int_equal(hop->mtu, r->mtu);
		assert_int_equal(hop->ifindex, if_nametoindex("v0"));
	}
	nexthops_free(&t);
}

/* More pairs than there is room for: those in use are known all the same. */
static void
test_many(void **state)
{
	enum { MANY = 3 * NEXTHOP_SETS * NEXTHOP_WAYS, LIVE = 500 };
	struct addr local = links_addr(local_ip, 5004);
	struct nexthops *t = NULL;
	uint64_t now = clock_now_us();
	unsigned known = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	if (nexthops_new(&t) != ERR_OK)
		return;
	links_set("neigh replace 10.98.0.7 lladdr " MAC1 " dev v0 nud permanent\n"
		  "route replace 10.60.0.0/14 via 10.98.0.7\n");
	for (uint32_t i = 0; i < MANY; i++) {
		struct addr far = links_addr("10.60.0.0", 5004);

		far.ip[1] = (uint8_t)(60 + (i >> 16));
		far.ip[2] = (uint8_t)(i >> 8);
		far.ip[3] = (uint8_t)i;
		assert_null(nexthop_find(t, &local, &far));
	}
	for (int turn = 0; turn < 100; turn++) {
		nexthops_tick(t, now += 100 * CLOCK_MS);
		known = 0;
		for (uint32_t i = 0; i < LIVE; i++) {
			struct addr far = links_addr("10.60.7.0", 5004);

			far.ip[2] = (uint8_t)(7 + (i >> 8));
			far.ip[3] = (uint8_t)i;
			known += nexthop_find(t, &local, &far) != NULL;
			far.ip[1] = (uint8_t)(62 + turn % 2); /* and others that pass by */
			far.ip[2] = (uint8_t)turn;
			if (turn < 90)
				(void)nexthop_find(t, &local, &far);
		}
	}
	assert_true(known > LIVE * 9 / 10);
	nexthops_tick(t, now + 10 * (uint64_t)NEXTHOP_FORGET_US);
	for (int i = 0; i < 2; i++) { /* forgotten, and asked for again */
		struct addr far = links_addr("10.60.7.1", 5004);

		if (i == 0)
			assert_null(nexthop_find(t, &local, &far));
		else
			assert_non_null(nexthop_find(t, &local, &far));
		nexthops_tick(t, now + 10 * (uint64_t)NEXTHOP_FORGET_US + CLOCK_S);
	}
	nexthops_free(&t);
}

/* The link goes down: at the next tick nothing is said of it. */
static void
test_link_down(void **state)
{
	struct addr local = links_addr(local_ip, 5004), remote = links_addr("10.98.0.7", 5004);
	struct nexthops *t = NULL;
	uint64_t now = clock_now_us();

	(void)state;
	if (geteuid() != 0)
		skip();
	if (nexthops_new(&t) != ERR_OK)
		return;
	links_set("neigh replace 10.98.0.7 lladdr " MAC1 " dev v0 nud permanent\n");
	(void)nexthop_find(t, &local, &remote);
	nexthops_tick(t, now += 100 * CLOCK_MS);
	assert_non_null(nexthop_find(t, &local, &remote));
	links_set("link set v0 down\n");
	nexthops_tick(t, now += 100 * CLOCK_MS);
	assert_null(nexthop_find(t, &local, &remote));
	nexthops_free(&t);
	nexthops_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_link_down),
	};

	return cmocka_run_group_tests(tests, net_up, NULL);
}
