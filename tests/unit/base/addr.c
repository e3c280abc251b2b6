#include "rows.h"

#include <arpa/inet.h>

#include "base/addr.h"
#include "base/random.h"

/* put NULL: refused with want */
static const struct {
	const char *name;
	struct str s;
	const char *put;
	uint8_t family;
	uint16_t port;
	enum err want;
} parses[] = {
	{"v4", STR("192.0.2.1"), "192.0.2.1", 4, 0, ERR_OK},
	{"v4 with port", STR("192.0.2.1:5060"), "192.0.2.1:5060", 4, 5060, ERR_OK},
	{"highest", STR("255.255.255.255:65535"), "255.255.255.255:65535", 4, 65535, ERR_OK},
	{"port 0", STR("192.0.2.1:0"), "192.0.2.1", 4, 0, ERR_OK},
	{"port with zeros", STR("192.0.2.1:0005060"), "192.0.2.1:5060", 4, 5060, ERR_OK},
	{"v6", STR("2001:db8::1"), "2001:db8::1", 6, 0, ERR_OK},
	{"v6 upper case", STR("2001:DB8:0:0:0:0:0:1"), "2001:db8::1", 6, 0, ERR_OK},
	{"v6 in brackets", STR("[2001:db8::1]"), "2001:db8::1", 6, 0, ERR_OK},
	{"v6 with port", STR("[2001:db8::1]:5061"), "[2001:db8::1]:5061", 6, 5061, ERR_OK},
	{"v6 any", STR("::"), "::", 6, 0, ERR_OK},
	{"v6 any with port", STR("[::]:1"), "[::]:1", 6, 1, ERR_OK},
	{"looks like a port", STR("2001:db8::1:5060"), "2001:db8::1:5060", 6, 0, ERR_OK},
	{"mapped", STR("[::ffff:192.0.2.1]:9"), "[::ffff:192.0.2.1]:9", 6, 9, ERR_OK},
	{"longest", STR("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
	 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", 6, 65535, ERR_OK},
	{"empty", STR_NULL, NULL, 0, 0, ERR_SYNTAX},
	{"name", STR("localhost"), NULL, 0, 0, ERR_SYNTAX},
	{"name with port", STR("localhost:5060"), NULL, 0, 0, ERR_SYNTAX},
	{"three parts", STR("192.0.2"), NULL, 0, 0, ERR_SYNTAX},
	{"five parts", STR("192.0.2.1.1"), NULL, 0, 0, ERR_SYNTAX},
	{"256", STR("192.0.2.256"), NULL, 0, 0, ERR_SYNTAX},
	{"octal", STR("0192.0.2.1"), NULL, 0, 0, ERR_SYNTAX},
	{"hex", STR("0xc0.0.2.1"), NULL, 0, 0, ERR_SYNTAX},
	{"one number", STR("3221225985"), NULL, 0, 0, ERR_SYNTAX},
	{"space before", STR(" 192.0.2.1"), NULL, 0, 0, ERR_SYNTAX},
	{"space behind", STR("192.0.2.1 "), NULL, 0, 0, ERR_SYNTAX},
	{"NUL", STR("192.0.2.1\0"), NULL, 0, 0, ERR_SYNTAX},
	{"port empty", STR("192.0.2.1:"), NULL, 0, 0, ERR_SYNTAX},
	{"port 65536", STR("192.0.2.1:65536"), NULL, 0, 0, ERR_RANGE},
	{"port 2^64 + 5060", STR("192.0.2.1:18446744073709556676"), NULL, 0, 0, ERR_RANGE},
	{"port +1", STR("192.0.2.1:+1"), NULL, 0, 0, ERR_SYNTAX},
	{"port -1", STR("192.0.2.1:-1"), NULL, 0, 0, ERR_SYNTAX},
	{"two ports", STR("192.0.2.1:1:2"), NULL, 0, 0, ERR_SYNTAX},
	{"only a port", STR(":5060"), NULL, 0, 0, ERR_SYNTAX},
	{"v4 in brackets", STR("[192.0.2.1]"), NULL, 0, 0, ERR_SYNTAX},
	{"v4 in brackets, port", STR("[192.0.2.1]:5060"), NULL, 0, 0, ERR_SYNTAX},
	{"brackets empty", STR("[]"), NULL, 0, 0, ERR_SYNTAX},
	{"bracket alone", STR("["), NULL, 0, 0, ERR_SYNTAX},
	{"bracket not closed", STR("[::1"), NULL, 0, 0, ERR_SYNTAX},
	{"bracket not opened", STR("::1]"), NULL, 0, 0, ERR_SYNTAX},
	{"two brackets", STR("[[::1]]"), NULL, 0, 0, ERR_SYNTAX},
	{"junk behind bracket", STR("[::1]5060"), NULL, 0, 0, ERR_SYNTAX},
	{"port empty behind bracket", STR("[::1]:"), NULL, 0, 0, ERR_SYNTAX},
	{"port 65536 behind bracket", STR("[::1]:65536"), NULL, 0, 0, ERR_RANGE},
	{"two ::", STR("1::2::3"), NULL, 0, 0, ERR_SYNTAX},
	{"nine groups", STR("1:2:3:4:5:6:7:8:9"), NULL, 0, 0, ERR_SYNTAX},
	{"five digits", STR("::12345"), NULL, 0, 0, ERR_SYNTAX},
	{"scope", STR("fe80::1%lo"), NULL, 0, 0, ERR_SYNTAX},
	{"too long", STR("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"), NULL, 0, 0,
	 ERR_SYNTAX},
};

static void
test_parse(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parses); i++) {
		struct addr a = {.family = 77}, again;
		enum err e = addr_parse(parses[i].s, &a);

		bad += row_err(parses[i].name, e, parses[i].want);
		bad += row_num(parses[i].name, a.family, e == ERR_OK ? parses[i].family : 77);
		if (e != ERR_OK)
			continue;
		bad += row_num(parses[i].name, a.port, parses[i].port);
		bad += row_str(parses[i].name, str_from(addr_text(&a).z), str_from(parses[i].put));
		bad += row_err(parses[i].name, addr_parse(str_from(parses[i].put), &again), ERR_OK);
		bad += row_num(parses[i].name, addr_eq(&a, &again), true);
	}
	assert_int_equal(bad, 0);
}

/* Without port: the same as addr_parse where that finds none, refused where it finds one. */
static void
test_parse_ip(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parses); i++) {
		struct addr a, b;
		bool has_port = parses[i].want == ERR_OK &&
				(parses[i].family == 4 ? str_chr(parses[i].s, ':') < parses[i].s.len
						       : strstr(parses[i].s.p, "]:") != NULL);
		enum err e = addr_parse_ip(parses[i].s, &a);

		bad += row_num(parses[i].name, e == ERR_OK, parses[i].put && !has_port);
		if (e == ERR_OK && addr_parse(parses[i].s, &b) == ERR_OK)
			bad += row_num(parses[i].name, addr_eq(&a, &b), true);
	}
	assert_int_equal(bad, 0);
}

static void
test_random(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct addr a = {.family = round & 1 ? 4 : 6}, b;
		struct sockaddr_storage sa;
		struct addr_text t;

		random_bytes(a.ip, a.family == 4 ? 4 : 16);
		for (size_t i = 0; i < 16; i += 2) /* runs of zeros */
			if (round & 2 && (a.ip[i] & 1))
				a.ip[i] = a.ip[i + 1] = 0;
		a.port = (uint16_t)(round & 4 ? random_below(65536) : 0);
		t = addr_text(&a);
		assert_int_equal(addr_parse(str_from(t.z), &b), ERR_OK);
		assert_memory_equal(&a, &b, sizeof(a));
		assert_int_equal(addr_to_sa(&a, &sa), a.family == 4 ? sizeof(struct sockaddr_in)
								    : sizeof(struct sockaddr_in6));
		b = addr_from_sa(&sa);
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

static void
test_sa(void **state)
{
	struct addr none = {0}, v4;
	struct sockaddr_storage sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&sa;

	(void)state;
	assert_int_equal(addr_to_sa(&none, &sa), 0);
	assert_int_equal(addr_from_sa(&sa).family, 0);
	sa.ss_family = AF_UNIX;
	assert_int_equal(addr_from_sa(&sa).family, 0);
	assert_int_equal(addr_parse(STR("192.0.2.1:5060"), &v4), ERR_OK);
	assert_int_equal(addr_to_sa(&v4, &sa), sizeof(*in));
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohl(in->sin_addr.s_addr), 0xc0000201);
	assert_int_equal(ntohs(in->sin_port), 5060);
}

static void
test_put(void **state)
{
	struct addr none = {0}, v6;
	char mem[64];
	struct buf b;

	(void)state;
	assert_string_equal(addr_text(&none).z, "-");
	assert_int_equal(addr_parse(STR("[2001:db8::1]:5060"), &v6), ERR_OK);
	buf_init(&b, mem, sizeof(mem));
	addr_put_ip(&b, &v6, false);
	buf_char(&b, ' ');
	addr_put_ip(&b, &v6, true);
	assert_true(str_eqz(buf_view(&b), "2001:db8::1 [2001:db8::1]"));
	buf_init(&b, mem, 10);
	addr_put(&b, &v6);
	assert_int_equal(buf_end(&b), ERR_LONG);
}

static void
test_equal(void **state)
{
	struct addr a, b, c, d, any4, any6, none = {0};

	(void)state;
	assert_int_equal(addr_parse(STR("1.2.3.4:5"), &a), ERR_OK);
	assert_int_equal(addr_parse(STR("1.2.3.4:6"), &b), ERR_OK);
	assert_int_equal(addr_parse(STR("1.2.3.5:5"), &c), ERR_OK);
	assert_int_equal(addr_parse(STR("[102:304::]:5"), &d), ERR_OK); /* the same bytes */
	assert_int_equal(addr_parse(STR("0.0.0.0:5"), &any4), ERR_OK);
	assert_int_equal(addr_parse(STR("::"), &any6), ERR_OK);
	assert_true(addr_eq(&a, &a) && addr_ip_eq(&a, &b) && !addr_eq(&a, &b));
	assert_false(addr_ip_eq(&a, &c) || addr_eq(&a, &d) || addr_ip_eq(&a, &d));
	assert_false(addr_ip_eq(&any4, &any6));
	assert_true(addr_is_any(&any4) && addr_is_any(&any6) && addr_is_any(&none));
	assert_false(addr_is_any(&a));
}

enum { PRIVATE = 1, MULTICAST = 2 };

static void
test_kinds(void **state)
{
	static const struct {
		const char *s;
		int want;
	} rows[] = {
		{"9.255.255.255", 0},
		{"10.0.0.0", PRIVATE},
		{"10.255.255.255", PRIVATE},
		{"11.0.0.0", 0},
		{"172.15.255.255", 0},
		{"172.16.0.0", PRIVATE},
		{"172.31.255.255", 1},
		{"172.32.0.0", 0},
		{"192.167.255.255", 0},
		{"192.168.0.0", 1},
		{"192.168.255.255", PRIVATE},
		{"192.169.0.0", 0},
		{"100.63.255.255", 0},
		{"100.64.0.0", PRIVATE},
		{"100.127.255.255", PRIVATE},
		{"100.128.0.0", 0},
		{"126.255.255.255", 0},
		{"127.0.0.1", PRIVATE},
		{"127.255.255.255", 1},
		{"128.0.0.0", 0},
		{"169.253.255.255", 0},
		{"169.254.0.0", 1},
		{"169.254.255.255", PRIVATE},
		{"169.255.0.0", 0},
		{"192.0.2.1", 0},
		{"8.8.8.8", 0},
		{"223.255.255.255", 0},
		{"224.0.0.0", 2},
		{"239.255.255.255", 2},
		{"240.0.0.0", 0},
		{"255.255.255.255", 2},
		{"255.255.255.254", 0},
		{"::1", PRIVATE},
		{"::", 0},
		{"::2", 0},
		{"1::1", 0},
		{"fbff::1", 0},
		{"fc00::", PRIVATE},
		{"fdff::1", PRIVATE},
		{"fe00::1", 0},
		{"fe7f::1", 0},
		{"fe80::1", PRIVATE},
		{"febf::1", PRIVATE},
		{"fec0::1", 0},
		{"feff::", 0},
		{"ff00::", MULTICAST},
		{"ff02::1", MULTICAST},
		{"2001:db8::1", 0},
		{"a00::1", 0}, /* first byte 10, as 10.0.0.0 */
		{"e000::1", 0},
	};
	struct addr none = {0};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr a;

		bad += row_err(rows[i].s, addr_parse(str_from(rows[i].s), &a), ERR_OK);
		bad += row_num(rows[i].s,
			       (addr_is_private(&a) ? PRIVATE : 0) |
				       (addr_is_multicast(&a) ? MULTICAST : 0),
			       (uint64_t)rows[i].want);
	}
	assert_int_equal(bad, 0);
	assert_false(addr_is_private(&none) || addr_is_multicast(&none));
}

static void
test_cidr(void **state)
{
	static const struct {
		const char *net, *in, *out; /* NULL: none */
		enum err want;
	} rows[] = {
		{"10.0.0.0/8", "10.255.1.2:5060", "11.0.0.0", ERR_OK},
		{"10.99.0.1/8", "10.0.0.1", "9.99.0.1", ERR_OK}, /* host bits do not count */
		{"192.0.2.128/25", "192.0.2.128", "192.0.2.127", ERR_OK},
		{"192.0.2.4/31", "192.0.2.5", "192.0.2.6", ERR_OK},
		{"192.0.2.1/32", "192.0.2.1", "192.0.2.0", ERR_OK},
		{"192.0.2.1", "192.0.2.1", "192.0.2.3", ERR_OK},
		{"0.0.0.0/0", "255.255.255.255", "::", ERR_OK},
		{"::/0", "ffff::", "1.2.3.4", ERR_OK},
		{"128.0.0.0/1", "200.0.0.0", "127.255.255.255", ERR_OK},
		{"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::", ERR_OK},
		{"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::", ERR_OK},
		{"[2001:db8::1]/128", "2001:db8::1", "2001:db8::2", ERR_OK},
		{"2001:db8::1", "2001:db8::1", "2001:db8::", ERR_OK},
		{"2001:db8::/127", "2001:db8::1", "2001:db8::2", ERR_OK},
		{"10.0.0.0/33", NULL, NULL, ERR_RANGE},
		{"::/129", NULL, NULL, ERR_RANGE},
		{"10.0.0.0/", NULL, NULL, ERR_SYNTAX},
		{"10.0.0.0/-1", NULL, NULL, ERR_SYNTAX},
		{"10.0.0.0/8/8", NULL, NULL, ERR_SYNTAX},
		{"10.0.0.0/255.0.0.0", NULL, NULL, ERR_SYNTAX},
		{"10.0.0.0:1/8", NULL, NULL, ERR_SYNTAX},
		{"10/8", NULL, NULL, ERR_SYNTAX},
		{"/8", NULL, NULL, ERR_SYNTAX},
		{"", NULL, NULL, ERR_SYNTAX},
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cidr c = {.bits = 99};
		struct addr a;

		bad += row_err(rows[i].net, cidr_parse(str_from(rows[i].net), &c), rows[i].want);
		if (rows[i].want != ERR_OK) {
			bad += row_num(rows[i].net, c.bits, 99);
			continue;
		}
		bad += row_err(rows[i].in, addr_parse(str_from(rows[i].in), &a), ERR_OK);
		bad += row_num(rows[i].net, cidr_has(&c, &a), true);
		bad += row_err(rows[i].out, addr_parse(str_from(rows[i].out), &a), ERR_OK);
		bad += row_num(rows[i].net, cidr_has(&c, &a), false);
	}
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),  cmocka_unit_test(test_parse_ip),
		cmocka_unit_test(test_random), cmocka_unit_test(test_sa),
		cmocka_unit_test(test_put),    cmocka_unit_test(test_equal),
		cmocka_unit_test(test_kinds),  cmocka_unit_test(test_cidr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
