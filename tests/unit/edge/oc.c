/* Overload control by parameters of the Via (RFC 7339). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "edge/oc.h"

static struct sip_via
via(const char *params)
{
	static char text[256];
	struct sip_via v;
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_printf(&b, "SIP/2.0/UDP h:5060;branch=z9hG4bKx%s", params);
	assert_int_equal(sip_via_parse(buf_view(&b), &v), ERR_OK);
	return v;
}

static void
test_asked(void **state)
{
	static const struct {
		const char *params;
		bool want;
	} rows[] = {
		{"", false},
		{";oc", true},
		{";oc;oc-algo=\"loss,rate\"", true},
		{";OC", true},
		{";oc=20", false},
		{";oc-algo=\"loss\"", false},
		{";rport;oc;x=y", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_via v = via(rows[i].params);

		if (oc_asked(&v) != rows[i].want)
			fail_msg("%s", rows[i].params);
	}
}

#define HEAD "SIP/2.0 503 Service Unavailable\r\nVia: SIP/2.0/UDP h:5060;branch=z9hG4bKx"
#define SAID(n, ms) ";oc=" n ";oc-algo=\"loss\";oc-validity=" ms ";oc-seq=12.34567"

static void
test_put(void **state)
{
	static const struct {
		const char *name, *in, *want;
		unsigned percent;
	} rows[] = {
		{"asked", HEAD ";oc;oc-algo=\"loss\"\r\nTo: x\r\n\r\n",
		 HEAD SAID("40", "500") "\r\nTo: x\r\n\r\n", 40},
		{"others stay", HEAD ";oc;rport=9;x=\"a;b\";received=1.2.3.4\r\n\r\n",
		 HEAD ";rport=9;x=\"a;b\";received=1.2.3.4" SAID("100", "500") "\r\n\r\n", 100},
		{"none now", HEAD ";oc\r\n\r\n", HEAD SAID("0", "0") "\r\n\r\n", 0},
		{"what we did not say goes", HEAD ";oc;oc-seq=9.9;oc-validity=9\r\n\r\n",
		 HEAD SAID("7", "500") "\r\n\r\n", 7},
		{"the top one only", HEAD ";oc, SIP/2.0/UDP y;oc\r\nVia: SIP/2.0/UDP z;oc\r\n\r\n",
		 HEAD SAID("7", "500") ", SIP/2.0/UDP y;oc\r\nVia: SIP/2.0/UDP z;oc\r\n\r\n", 7},
		{"no Via", "SIP/2.0 200 OK\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", 7},
	};
	char mem[1024];
	struct buf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_init(&b, mem, sizeof(mem));
		oc_put(&b, str_from(rows[i].in), rows[i].percent, 12345678);
		if (strcmp(buf_cstr(&b), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].name, buf_cstr(&b));
	}
}

static uint32_t
left_out(const struct oc_peers *ps, const struct addr *a, enum edge_transport t, uint64_t now)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < 100; i++)
		n += oc_leaves_out(ps, a, t, i, now);
	return n;
}

static void
test_take(void **state)
{
	static const struct {
		const char *name, *params;
		uint32_t left_out; /* of 100, 100 ms later */
		uint32_t later;    /* and 700 ms later */
	} rows[] = {
		{"not asked", "", 0, 0},
		{"no value", ";oc", 0, 0},
		{"usual validity", ";oc=20;oc-seq=1.1", 20, 0},
		{"validity", ";oc=20;oc-validity=1000;oc-seq=1.1", 20, 20},
		{"all", ";oc=100;oc-algo=\"loss\";oc-seq=1.1", 100, 0},
		{"over", ";oc=0;oc-validity=0;oc-seq=1.1", 0, 0},
		{"too much", ";oc=101;oc-seq=1.1", 0, 0},
		{"no number", ";oc=x;oc-seq=1.1", 0, 0},
		{"another algorithm", ";oc=50;oc-algo=\"rate\";oc-seq=1.1", 0, 0},
		{"for too long", ";oc=50;oc-validity=99999999;oc-seq=1.1", 0, 0},
		{"no sequence", ";oc=50", 50, 0},
	};
	struct addr a = {.family = 4, .port = 5060, .ip = {1}}, other = {.family = 4, .port = 5060};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_via v = via(rows[i].params);
		static struct oc_peers ps;

		memset(&ps, 0, sizeof(ps));
		oc_take(&ps, &v, &a, EDGE_UDP, 1000000);
		if (left_out(&ps, &a, EDGE_UDP, 1100000) != rows[i].left_out ||
		    left_out(&ps, &a, EDGE_UDP, 1700000) != rows[i].later)
			fail_msg("%s: %u, %u", rows[i].name, left_out(&ps, &a, EDGE_UDP, 1100000),
				 left_out(&ps, &a, EDGE_UDP, 1700000));
		assert_int_equal(left_out(&ps, &other, EDGE_UDP, 1100000), 0);
		assert_int_equal(left_out(&ps, &a, EDGE_TCP, 1100000), 0);
	}
}

static void
test_order_and_room(void **state)
{
	static struct oc_peers ps;
	struct addr a = {.family = 4, .port = 5060};
	struct sip_via v = via(";oc=50;oc-seq=5.2");

	(void)state;
	memset(&ps, 0, sizeof(ps));
	oc_take(&ps, &v, &a, EDGE_UDP, 1000000);
	v = via(";oc=10;oc-seq=5.1"); /* older */
	oc_take(&ps, &v, &a, EDGE_UDP, 1000000);
	assert_int_equal(left_out(&ps, &a, EDGE_UDP, 1000001), 50);
	v = via(";oc=0;oc-validity=0;oc-seq=6.0");
	oc_take(&ps, &v, &a, EDGE_UDP, 1000000);
	assert_int_equal(left_out(&ps, &a, EDGE_UDP, 1000001), 0);
	v = via(";oc=50;oc-seq=7.0");
	for (uint16_t i = 1; i <= 2 * OC_PEERS; i++) {
		a.port = i;
		oc_take(&ps, &v, &a, EDGE_UDP, 1000000 + i);
		assert_int_equal(left_out(&ps, &a, EDGE_UDP, 1000001 + i), 50);
	}
	assert_int_equal(ps.n, OC_PEERS);
	a.port = 1; /* it made room */
	assert_int_equal(left_out(&ps, &a, EDGE_UDP, 1000000), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_order_and_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
