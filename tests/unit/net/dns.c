#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "dnsmsg.h"

static struct msg m;
static struct dns_answer a;

static enum err
read_m(const char *name, enum dns_type type)
{
	/* at the very end of an array, so that the sanitizer sees a read beyond the reply */
	static char room[MSG_MAX];
	char *copy = room + sizeof(room) - m.len;

	memcpy(copy, m.p, m.len);
	return dns_read(str_of(copy, m.len), str_from(name), type, &a);
}

static void
addresses(void **state)
{
	(void)state;
	msg_begin(&m, 0, "pbx.example.com", DNS_A);
	msg_a(&m, "@", 300, 0xc0000201);
	msg_a(&m, "PBX.Example.com", 60, 0xc0000202);
	msg_a(&m, "other.example.com", 1, 0xc0000203); /* not asked for */
	assert_int_equal(read_m("PBX.example.COM.", DNS_A), ERR_OK);
	assert_int_equal(a.status, DNS_OK);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.ttl, 60);
	assert_int_equal(a.rec[0].ttl, 300);
	assert_string_equal(addr_text(&a.rec[1].addr).z, "192.0.2.2");
	assert_false(a.cut);
}

static void
six(void **state)
{
	size_t at;

	(void)state;
	msg_begin(&m, 0, "pbx.example.com", DNS_AAAA);
	at = msg_open(&m, 6, "@", DNS_AAAA, 5);
	for (int i = 0; i < 15; i++)
		msg_u8(&m, 0);
	msg_u8(&m, 1);
	msg_close(&m, at);
	at = msg_open(&m, 6, "@", DNS_AAAA, 5); /* too short */
	msg_u32(&m, 1);
	msg_close(&m, at);
	assert_int_equal(read_m("pbx.example.com", DNS_AAAA), ERR_OK);
	assert_int_equal(a.n, 1);
	assert_true(a.cut);
	assert_string_equal(addr_text(&a.rec[0].addr).z, "::1");
}

static void
services(void **state)
{
	(void)state;
	msg_begin(&m, 0, "_sips._tcp.example.com", DNS_SRV);
	msg_srv(&m, "@", 30, 10, 60, 5061, "SIP1.example.com");
	msg_srv(&m, "@", 20, 20, 0, 5062, "sip2.example.com");
	msg_srv(&m, "@", 20, 20, 0, 5062, ""); /* the root: not available */
	assert_int_equal(read_m("_sips._tcp.example.com", DNS_SRV), ERR_OK);
	assert_int_equal(a.n, 3);
	assert_int_equal(a.ttl, 20);
	assert_int_equal(a.rec[0].priority, 10);
	assert_int_equal(a.rec[0].weight, 60);
	assert_int_equal(a.rec[0].port, 5061);
	assert_true(str_eqz(a.rec[0].target, "sip1.example.com"));
	assert_int_equal(a.rec[2].target.len, 0);
}

static void
naptr(void **state)
{
	size_t at;

	(void)state;
	msg_begin(&m, 0, "example.com", DNS_NAPTR);
	at = msg_open(&m, 6, "@", DNS_NAPTR, 30);
	msg_u16(&m, 50);
	msg_u16(&m, 51);
	msg_string(&m, "s");
	msg_string(&m, "SIPS+D2T");
	msg_string(&m, "");
	msg_name(&m, "_sips._tcp.example.com");
	msg_close(&m, at);
	at = msg_open(&m, 6, "@", DNS_NAPTR, 30); /* a string beyond the record */
	msg_u32(&m, 1);
	msg_u8(&m, 200);
	msg_string(&m, "xxxxxxxx");
	msg_close(&m, at);
	assert_int_equal(read_m("example.com", DNS_NAPTR), ERR_OK);
	assert_int_equal(a.n, 1);
	assert_true(a.cut);
	assert_int_equal(a.rec[0].priority, 50);
	assert_int_equal(a.rec[0].weight, 51);
	assert_true(str_eqz(a.rec[0].flags, "s"));
	assert_true(str_eqz(a.rec[0].service, "SIPS+D2T"));
	assert_true(str_eqz(a.rec[0].target, "_sips._tcp.example.com"));
}

static void
aliases(void **state)
{
	(void)state;
	msg_begin(&m, 0, "pbx.example.com", DNS_A);
	msg_a(&m, "c.example.com", 300, 0xc0000201); /* order does not matter */
	msg_cname(&m, "b.example.com", 40, "c.example.com");
	msg_cname(&m, "@", 50, "b.example.com");
	assert_int_equal(read_m("pbx.example.com", DNS_A), ERR_OK);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.ttl, 40);
	msg_begin(&m, 0, "pbx.example.com", DNS_A);
	msg_cname(&m, "@", 50, "b.example.com"); /* leads nowhere */
	assert_int_equal(read_m("pbx.example.com", DNS_A), ERR_OK);
	assert_int_equal(a.status, DNS_NODATA);
	msg_begin(&m, 0, "a.example.com", DNS_A);
	msg_cname(&m, "a.example.com", 50, "b.example.com");
	msg_cname(&m, "b.example.com", 50, "a.example.com");
	assert_int_equal(read_m("a.example.com", DNS_A), ERR_SYNTAX);
	msg_begin(&m, 0, "a.example.com", DNS_A);
	msg_cname(&m, "a.example.com", 50, "a.example.com");
	assert_int_equal(read_m("a.example.com", DNS_A), ERR_SYNTAX);
}

static void
alias_chain_is_bounded(void **state)
{
	char from[32], to[32];

	(void)state;
	for (int n = DNS_CNAMES_MAX - 1; n <= DNS_CNAMES_MAX + 1; n++) {
		msg_begin(&m, 0, "n0.example.com", DNS_A);
		for (int i = 0; i < n; i++) {
			snprintf(from, sizeof(from), "n%d.example.com", i);
			snprintf(to, sizeof(to), "n%d.example.com", i + 1);
			msg_cname(&m, from, 50, to);
		}
		msg_a(&m, to, 50, 1);
		assert_int_equal(read_m("n0.example.com", DNS_A),
				 n <= DNS_CNAMES_MAX ? ERR_OK : ERR_SYNTAX);
	}
}

static void
absence(void **state)
{
	static const struct {
		const char *row;
		unsigned flags;
		bool soa;
		uint32_t ttl, minimum;
		enum dns_status status;
		uint32_t want;
	} rows[] = {
		{"no such name", 3, true, 900, 300, DNS_NXDOMAIN, 300},
		{"no such name, SOA's TTL smaller", 3, true, 60, 300, DNS_NXDOMAIN, 60},
		{"no data", 0, true, 900, 120, DNS_NODATA, 120},
		{"no data, no SOA", 0, false, 0, 0, DNS_NODATA, 0},
		{"server failure", 2, false, 0, 0, DNS_FAILED, 0},
		{"refused", 5, true, 900, 300, DNS_FAILED, 0},
		{"TTL with the top bit", 3, true, 0x80000001, 300, DNS_NXDOMAIN, 0},
		{"huge TTL", 3, true, 0x7fffffff, 0x7fffffff, DNS_NXDOMAIN, DNS_TTL_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		msg_begin(&m, rows[i].flags, "pbx.example.com", DNS_A);
		if (rows[i].soa)
			msg_soa(&m, rows[i].ttl, rows[i].minimum);
		if (read_m("pbx.example.com", DNS_A) != ERR_OK || a.status != rows[i].status ||
		    a.ttl != rows[i].want || a.n != 0)
			fail_msg("%s: %s, %u", rows[i].row, dns_status_name(a.status), a.ttl);
	}
}

/* ---- hostile replies (P10) ---- */

static void
make_good(void)
{
	msg_begin(&m, 0, "pbx.example.com", DNS_A);
	msg_a(&m, "@", 300, 0xc0000201);
}

static void
every_prefix(void **state)
{
	size_t whole;

	(void)state;
	make_good();
	msg_srv(&m, "pbx.example.com", 1, 1, 1, 1, "x.example.com");
	whole = m.len;
	for (m.len = 0; m.len < whole; m.len++)
		assert_int_equal(read_m("pbx.example.com", DNS_A), ERR_SYNTAX);
	assert_int_equal(read_m("pbx.example.com", DNS_A), ERR_OK);
}

static void
every_flipped_byte(void **state)
{
	struct msg good;

	(void)state;
	make_good();
	msg_cname(&m, "z.example.com", 1, "@");
	good = m;
	for (size_t i = 0; i < good.len; i++)
		for (unsigned v = 0; v < 256; v++) {
			m = good;
			m.p[i] = (uint8_t)v;
			if (read_m("pbx.example.com", DNS_A) == ERR_OK)
				assert_true(a.n <= 1);
		}
}

static void
wrong_headers(void **state)
{
	(void)state;
	make_good();
	m.p[2] &= 0x7f; /* a query */
	assert_int_equal(read_m("pbx.example.com", DNS_A), ERR_SYNTAX);
	make_good();
	m.p[2] |= 0x02; /* cut */
	assert_int_equal(read_m("pbx.example.com", DNS_A), ERR_SHORT);
	make_good();
	assert_int_equal(read_m("pby.example.com", DNS_A), ERR_SYNTAX);
	assert_int_equal(read_m("pbx.example.com", DNS_AAAA), ERR_SYNTAX);
	msg_count(&m, 4, 2); /* two questions */
	assert_int_equal(read_m("pbx.example.com", DNS_A), ERR_SYNTAX);
	make_good();
	msg_count(&m, 6, 65535); /* answers that are not there */
	assert_int_equal(read_m("pbx.example.com", DNS_A), ERR_SYNTAX);
}

static void
compression(void **state)
{
	static const struct {
		const char *row;
		unsigned pointer[3]; /* written from offset `at` on; relative ones below */
		size_t n;
	} rows[] = {
		{"to itself", {0xc021}, 1},           {"forward", {0xc0ff}, 1},
		{"beyond the end", {0xffff}, 1},      {"two in a circle", {0xc023, 0xc021}, 2},
		{"reserved label type", {0x8001}, 1}, {"reserved label type 01", {0x4001}, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t at;

		msg_begin(&m, 0, "pbx.example.com", DNS_SRV);
		assert_int_equal(m.len, 0x21);
		msg_bump(&m, 6);
		for (size_t k = 0; k < rows[i].n; k++)
			msg_u16(&m, rows[i].pointer[k]);
		msg_u16(&m, DNS_SRV);
		msg_u16(&m, 1);
		msg_u32(&m, 60);
		at = m.len;
		msg_u16(&m, 0);
		msg_u32(&m, 0);
		msg_u16(&m, 0);
		msg_name(&m, "t.example.com");
		msg_close(&m, at);
		if (read_m("pbx.example.com", DNS_SRV) == ERR_OK && a.n != 0)
			fail_msg("%s", rows[i].row);
	}
}

/* A long row of pointers, each to the one before: the number followed is bounded. */
static void
pointer_ladder(void **state)
{
	size_t at, first;

	(void)state;
	msg_begin(&m, 0, "pbx.example.com", DNS_SRV);
	at = msg_open(&m, 6, "t.example.com", 99, 60); /* any type: room for a ladder */
	first = m.len;
	msg_name(&m, "t.example.com");
	for (int i = 0; i < 100; i++)
		msg_u16(&m, 0xc000 | (unsigned)(i ? m.len - 2 : first));
	msg_close(&m, at);
	msg_srv(&m, "@", 60, 1, 2, 3, "good.example.com");
	at = msg_open(&m, 6, "@", DNS_SRV, 60);
	msg_u32(&m, 0);
	msg_u16(&m, 0);
	msg_u16(&m, 0xc000 | (unsigned)(first + 15 + 2 * 99));
	msg_close(&m, at);
	assert_int_equal(read_m("pbx.example.com", DNS_SRV), ERR_OK);
	assert_int_equal(a.n, 1);
	assert_true(a.cut);
}

/* A pointer leads to a prior occurrence (RFC 1035 4.1.4): one to a good name further on does not
 * count. */
static void
pointer_forward(void **state)
{
	size_t at;

	(void)state;
	for (int forward = 0; forward < 2; forward++) {
		msg_begin(&m, 0, "pbx.example.com", DNS_SRV);
		at = msg_open(&m, 6, "@", DNS_SRV, 60);
		msg_u32(&m, 0);
		msg_u16(&m, 0);
		msg_u16(&m, forward ? 0xc000 | (unsigned)(m.len + 2) : MSG_NAME_POINTER);
		msg_close(&m, at);
		msg_srv(&m, "other.example.com", 60, 1, 2, 3, "x.example.com");
		assert_int_equal(read_m("pbx.example.com", DNS_SRV), ERR_OK);
		assert_int_equal(a.n, 1 - forward);
	}
}

static void
five_hundred(void **state)
{
	char target[32];

	(void)state;
	msg_begin(&m, 0, "_sips._tcp.example.com", DNS_SRV);
	for (int i = 0; i < 500; i++) {
		snprintf(target, sizeof(target), "host-%d.example.com", i);
		msg_srv(&m, "@", 60, 1, 1, 5061, target);
	}
	assert_int_equal(read_m("_sips._tcp.example.com", DNS_SRV), ERR_OK);
	assert_int_equal(a.n, DNS_RECORDS_MAX);
	assert_true(a.cut);
	assert_true(str_eqz(a.rec[DNS_RECORDS_MAX - 1].target, "host-63.example.com"));
	msg_begin(&m, 0, "a", DNS_A);
	for (int i = 0; i < DNS_READ_MAX + 1; i++)
		msg_a(&m, "b", 60, 1);
	assert_int_equal(read_m("a", DNS_A), ERR_SYNTAX); /* 64 kB of nothing */
}

/* Names that are no host names: NUL, dots inside a label, spaces. */
static void
odd_names(void **state)
{
	static const struct str labels[] = {STR("a\0b"), STR("a.b"), STR("a b"),
					    STR("\xff"), STR("a\n"), STR("\"")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
		size_t at;

		msg_begin(&m, 0, "_sips._tcp.example.com", DNS_SRV);
		at = msg_open(&m, 6, "@", DNS_SRV, 60);
		msg_u32(&m, 0);
		msg_u16(&m, 0);
		msg_u8(&m, (unsigned)labels[i].len);
		memcpy(m.p + m.len, labels[i].p, labels[i].len);
		m.len += labels[i].len;
		msg_u8(&m, 0);
		msg_close(&m, at);
		assert_int_equal(read_m("_sips._tcp.example.com", DNS_SRV), ERR_OK);
		assert_int_equal(a.n, 0);
		assert_true(a.cut);
	}
}

static void
words(void **state)
{
	(void)state;
	assert_string_equal(dns_type_name(DNS_SRV), "SRV");
	assert_string_equal(dns_type_name((enum dns_type)999), "?");
	assert_string_equal(dns_status_name(DNS_NXDOMAIN), "no-such-name");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(six),
		cmocka_unit_test(services),
		cmocka_unit_test(naptr),
		cmocka_unit_test(aliases),
		cmocka_unit_test(alias_chain_is_bounded),
		cmocka_unit_test(absence),
		cmocka_unit_test(every_prefix),
		cmocka_unit_test(every_flipped_byte),
		cmocka_unit_test(wrong_headers),
		cmocka_unit_test(compression),
		cmocka_unit_test(pointer_ladder),
		cmocka_unit_test(pointer_forward),
		cmocka_unit_test(five_hundred),
		cmocka_unit_test(odd_names),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
