#include "rig.h"

static int told;
static struct pool names;

static void
note_located(void *arg)
{
	(void)arg;
	told++;
}

static void
find(struct locate *l, const char *host, uint16_t port, enum edge_transport t, uint8_t family)
{
	struct locate_want w = {
		.host = str_from(host), .port = port, .transport = t, .family = family};

	memset(l, 0, sizeof(*l));
	l->on_located = note_located;
	told = 0;
	assert_int_equal(locate_start(l, &rig.loop, rig.resolver, &names, &w), ERR_OK);
	assert_int_equal(told, 0); /* never from inside */
	SPIN(told == 1);
	assert_int_equal(pool_used(&names), 0);
}

/* "192.0.2.7:5061 127.0.0.2:5061": the addresses in their order. */
static const char *
order_of(const struct locate *l)
{
	static char mem[1024];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	for (uint32_t i = 0; i < l->n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", addr_text(&l->addr[i]).z);
	return buf_cstr(&b);
}

static void
hosts(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		enum edge_transport transport;
		uint8_t family;
		const char *ip, *want; /* want "": says the host */
	} rows[] = {
		{"192.0.2.1", 5070, EDGE_TLS, 0, NULL, "192.0.2.1:5070"},
		{"192.0.2.1", 0, EDGE_TLS, 4, NULL, "192.0.2.1:5061"},
		{"192.0.2.1", 0, EDGE_UDP, 4, NULL, "192.0.2.1:5060"},
		{"192.0.2.1", 0, EDGE_UDP, 6, NULL, ""},
		{"2001:db8::1", 5070, EDGE_TLS, 6, NULL, "[2001:db8::1]:5070"},
		{"pbx.acme.test", 5070, EDGE_TLS, 0, "192.0.2.7", "192.0.2.7:5070"},
		{"pbx.acme.test", 5070, EDGE_TLS, 6, "192.0.2.7", ""},
		{"empty.test", 5070, EDGE_TLS, 0, NULL, ""},
		{"pbx.acme.test", 0, EDGE_TLS, 4, "192.0.2.7", "192.0.2.7:5061"}, /* no SRV */
		{"pbx.acme.test", 0, EDGE_TCP, 4, "192.0.2.7", "192.0.2.7:5060"},
	};
	struct locate l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char host[64];

		/* a name of its own each time: what is cached has another answer */
		(void)snprintf(host, sizeof(host),
			       strchr(rows[i].host, 't') ? "r%zu.%s" : "%.0zu%s",
			       strchr(rows[i].host, 't') ? i : 0, rows[i].host);
		print_message("# %s %u\n", host, rows[i].port);
		rig.dns_ip[0] = rows[i].ip;
		find(&l, host, rows[i].port, rows[i].transport, rows[i].family);
		if (rows[i].want[0])
			assert_string_equal(order_of(&l), rows[i].want);
		else
			assert_int_equal(l.n, 0);
		assert_int_equal(l.n == 0, l.why[0] != 0);
		if (l.n == 0)
			assert_non_null(strstr(l.why, host));
		locate_stop(&l);
	}
	memset(&l, 0, sizeof(l));
	l.on_located = note_located;
	assert_int_equal(
		locate_start(&l, &rig.loop, rig.resolver, &names, &(struct locate_want){0}),
		ERR_RANGE);
}

static void
by_srv(void **state)
{
	static const struct {
		const char *name, *of, *naptr;
		enum edge_transport transport;
		struct rig_srv srv[12];
		const char *want;
	} rows[] = {
		{"priorities",
		 "_sips._tcp.a.far.test",
		 NULL,
		 EDGE_TLS,
		 {{20, 0, 5062, "h2.test"}, {10, 0, 5061, "h1.test"}},
		 "127.0.0.1:5061 127.0.0.2:5062"},
		{"udp",
		 "_sip._udp.b.far.test",
		 NULL,
		 EDGE_UDP,
		 {{1, 0, 5064, "h4.test"}},
		 "127.0.0.4:5064"},
		{"tcp",
		 "_sip._tcp.c.far.test",
		 NULL,
		 EDGE_TCP,
		 {{1, 0, 5064, "h4.test"}},
		 "127.0.0.4:5064"},
		{"NAPTR names another",
		 "_sips._tcp.other.test",
		 "_sips._tcp.other.test",
		 EDGE_TLS,
		 {{1, 0, 5065, "h5.test"}},
		 "127.0.0.5:5065"},
		{"a target that is an address is none",
		 "_sips._tcp.e.far.test",
		 NULL,
		 EDGE_TLS,
		 {{1, 0, 5065, "127.0.0.9"}, {2, 0, 5066, "h6.test"}},
		 "127.0.0.6:5066"},
		{"the same twice",
		 "_sips._tcp.f.far.test",
		 NULL,
		 EDGE_TLS,
		 {{1, 0, 5065, "h5.test"}, {2, 0, 5065, "h5.test"}},
		 "127.0.0.5:5065"},
		{"at most eight targets",
		 "_sips._tcp.g.far.test",
		 NULL,
		 EDGE_TLS,
		 {{1, 0, 1, "h1.test"},
		  {2, 0, 1, "h2.test"},
		  {3, 0, 1, "h3.test"},
		  {4, 0, 1, "h4.test"},
		  {5, 0, 1, "h5.test"},
		  {6, 0, 1, "h6.test"},
		  {7, 0, 1, "h7.test"},
		  {8, 0, 1, "h8.test"},
		  {9, 0, 1, "h9.test"}},
		 "127.0.0.1:1 127.0.0.2:1 127.0.0.3:1 127.0.0.4:1 127.0.0.5:1 127.0.0.6:1 "
		 "127.0.0.7:1 127.0.0.8:1"},
	};
	struct locate l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char host[64];

		print_message("# %s\n", rows[i].name);
		rig.srv_of = rows[i].of;
		rig.naptr = rows[i].naptr;
		memcpy(rig.srv, rows[i].srv, sizeof(rig.srv));
		(void)snprintf(host, sizeof(host), "%c.far.test", (int)('a' + i));
		find(&l, host, 0, rows[i].transport, 4);
		assert_string_equal(order_of(&l), rows[i].want);
		assert_int_equal(rig.asked_naptr, (int)i + 1);
	}
	find(&l, "h7.test", 5061, EDGE_TLS, 4); /* a port: no SRV, no NAPTR */
	assert_int_equal(rig.asked_naptr, (int)ARRAY_LEN(rows));
	assert_string_equal(order_of(&l), "127.0.0.7:5061");
}

/* "." as the only target: not offered here, whatever address the name has. */
static void
not_offered(void **state)
{
	struct locate l;

	(void)state;
	rig.dns_ip[0] = "192.0.2.7";
	rig.srv_of = "_sips._tcp.far.test";
	rig.srv[0] = (struct rig_srv){0, 0, 0, ""};
	find(&l, "far.test", 0, EDGE_TLS, 4);
	assert_int_equal(l.n, 0);
	assert_non_null(strstr(l.why, "does not offer"));
}

static void
stopped(void **state)
{
	static const char *const hosts_of[] = {"192.0.2.1", "pbx.acme.test", "far.test"};
	struct locate l;

	(void)state;
	told = 0;
	rig.srv_of = "_sips._tcp.far.test";
	rig.srv[0] = (struct rig_srv){1, 0, 5061, "h1.test"};
	for (size_t i = 0; i < ARRAY_LEN(hosts_of); i++) {
		for (int turns = 0; turns < 12; turns++) { /* at each stage */
			struct locate_want w = {.host = str_from(hosts_of[i]),
						.port = i == 2 ? 0 : 1,
						.transport = EDGE_TLS};

			memset(&l, 0, sizeof(l));
			l.on_located = note_located;
			told = 0;
			assert_int_equal(locate_start(&l, &rig.loop, rig.resolver, &names, &w),
					 ERR_OK);
			for (int k = 0; k < turns && told == 0; k++)
				turn();
			locate_stop(&l);
			locate_stop(&l);
			assert_int_equal(pool_used(&names), 0);
			if (told == 0)
				rest(5);
			assert_true(told <= 1);
		}
	}
}

/* As many searches as may be under way. */
static void
too_many(void **state)
{
	static struct locate l[3];
	struct locate_want w = {.host = STR("x.far.test"), .transport = EDGE_TLS};

	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(&l[i], 0, sizeof(l[i]));
		l[i].on_located = note_located;
		assert_int_equal(locate_start(&l[i], &rig.loop, rig.resolver, &names, &w), ERR_OK);
	}
	memset(&l[2], 0, sizeof(l[2]));
	assert_int_equal(locate_start(&l[2], &rig.loop, rig.resolver, &names, &w), ERR_NOMEM);
	for (int i = 0; i < 2; i++)
		locate_stop(&l[i]);
}

static int
setup(void **state)
{
	return rig_setup(state) == 0 && pool_init(&names, 2, sizeof(struct locate_names)) == ERR_OK
		       ? 0
		       : -1;
}

static int
teardown(void **state)
{
	pool_fini(&names);
	return rig_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(by_srv, setup, teardown),
		cmocka_unit_test_setup_teardown(not_offered, setup, teardown),
		cmocka_unit_test_setup_teardown(stopped, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
