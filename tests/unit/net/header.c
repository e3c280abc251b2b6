#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "net/frame.h"
#include "unit/net/links.h"

enum { SPACE = 64, MOST = 1984 };

/* RFC 1071 byte by byte. */
static uint16_t
plain_sum(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* 0xffff: what was sent adds up with its own checksum. */
static uint16_t
check_udp(const uint8_t *ip, const uint8_t *udp, uint32_t len)
{
	bool v6 = ip[0] >> 4 == 6;
	uint32_t sum = plain_sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, 17 + len);

	return plain_sum(udp, len, sum);
}

static const struct {
	const char *name, *from, *to;
	uint32_t len;
	uint8_t dscp;
} rows[] = {
	{"v4", "192.0.2.1", "198.51.100.7", 172, 46},
	{"v4 odd", "192.0.2.1", "198.51.100.7", 173, 0},
	{"v4 empty", "192.0.2.1", "198.51.100.7", 0, 63},
	{"v4 one byte", "255.255.255.255", "255.255.255.255", 1, 0},
	{"v4 most", "10.0.0.1", "10.0.0.2", MOST, 34},
	{"v6", "2001:db8::1", "2001:db8::7", 172, 46},
	{"v6 odd", "2001:db8::1", "fe80::1", 9, 0},
	{"v6 most", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::1", MOST, 63},
};

static void
test_headers(void **state)
{
	uint8_t mem[SPACE + MOST];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame_way w = {links_addr(rows[i].from, 30000), links_addr(rows[i].to, 5004),
				      rows[i].dscp, 77};
		uint32_t n = rows[i].len, head;
		const uint8_t *ip, *udp = mem + SPACE - FRAME_UDP;
		bool fine;

		for (uint32_t k = 0; k < sizeof(mem); k++)
			mem[k] = (uint8_t)(k * 13 + i);
		head = frame_put(&w, mem + SPACE, n);
		ip = mem + SPACE - head;
		fine = check_udp(ip, udp, n + FRAME_UDP) == 0xffff && udp[0] == 30000 >> 8 &&
		       udp[3] == (5004 & 0xff) && udp[4] * 256u + udp[5] == n + FRAME_UDP;
		if (w.to.family == 6)
			fine = fine && head == FRAME_V6 + FRAME_UDP &&
			       ip[4] * 256u + ip[5] == n + FRAME_UDP && ip[6] == 17 &&
			       ((ip[0] << 4 | ip[1] >> 4) & 0xff) == rows[i].dscp << 2;
		else
			fine = fine && head == FRAME_V4 + FRAME_UDP &&
			       plain_sum(ip, FRAME_V4, 0) == 0xffff &&
			       ip[2] * 256u + ip[3] == n + head && ip[1] == rows[i].dscp << 2;
		if (!fine)
			fail_msg("%s", rows[i].name);
	}
}

/* A payload whose checksum would be 0, which says "none": ffff is sent (RFC 768). */
static void
test_zero_checksum(void **state)
{
	struct frame_way w = {links_addr("10.0.0.1", 30000), links_addr("10.0.0.2", 5004), 0, 1};
	uint8_t mem[SPACE + 2] = {0};
	const uint8_t *udp = mem + SPACE - FRAME_UDP;
	uint16_t sum;

	(void)state;
	(void)frame_put(&w, mem + SPACE, 2);
	sum = (uint16_t)(udp[6] << 8 | udp[7]);
	mem[SPACE] = (uint8_t)(sum >> 8);
	mem[SPACE + 1] = (uint8_t)sum;
	(void)frame_put(&w, mem + SPACE, 2);
	assert_int_equal(udp[6], 0xff);
	assert_int_equal(udp[7], 0xff);
}

/* Fragments put together again are the datagram. */
static void
test_fragments(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame_way w = {links_addr(rows[i].from, 30000), links_addr(rows[i].to, 5004),
				      rows[i].dscp, 0x1234};
		uint8_t mem[SPACE + MOST], want[MOST + FRAME_UDP], got[MOST + FRAME_UDP];
		bool v6 = w.to.family == 6;
		uint32_t len = rows[i].len, total = len + FRAME_UDP, at = 0, seen = 0;

		for (uint32_t k = 0; k < sizeof(mem); k++)
			mem[k] = (uint8_t)(k * 11 + i);
		(void)frame_put(&w, mem + SPACE, len);
		memcpy(want, mem + SPACE - FRAME_UDP, total);
		while (at < total) {
			uint32_t was = at, head = v6 ? 48 : 20, off;
			uint8_t *ip;
			uint32_t n = frame_fragment(&w, mem + SPACE, len, 576, &at, &ip);
			bool more;

			assert_in_range(n, head + 1, 576);
			off = v6 ? (ip[42] * 256u + ip[43]) & ~7u
				 : ((ip[6] * 256u + ip[7]) & 0x1fff) * 8;
			more = v6 ? ip[43] & 1 : (ip[6] & 0x20) != 0;
			assert_int_equal(off, was);
			assert_int_equal(more, at < total);
			assert_int_equal(v6 ? ip[6] : ip[9], v6 ? 44 : 17);
			assert_int_equal(v6 ? ip[46] : ip[4], 0x12);
			if (!v6)
				assert_int_equal(plain_sum(ip, FRAME_V4, 0), 0xffff);
			memcpy(got + off, ip + head, n - head);
			seen += n - head;
		}
		assert_int_equal(seen, total);
		assert_memory_equal(got, want, total);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_zero_checksum),
		cmocka_unit_test(test_fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
